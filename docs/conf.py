"""The site: `make docs` builds it from the pages where they are, and asks no network.

The source folder is the root of the repository, so that links between README, docs/ and design/ are
the same on the forge and on the site. Two things are made here, at the place of a comment on a
page: the public names (``<!-- public names: audit, load -->``) and the kinds of a family
(``<!-- kinds: fields -->``), both read from the code.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.util import logging

import paribus
from paribus.explaining import Kind, all_kinds, left_out

ROOT = Path(__file__).resolve().parent.parent

project = "paribus"
copyright = "the paribus developers"
version = release = paribus.__version__
root_doc = "docs/index"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
include_patterns = ["README.md", "CONTRIBUTING.md", "docs/**.md", "design/*.md", "benchmarks/*.md"]
include_patterns += ["changes/*.md"]
exclude_patterns = [".*", "build", "dist", "src", "tests", "htmlcov", "**/__pycache__"]

myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 4

autodoc_typehints = "none"  # numpydoc says them
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
default_role = "code"  # what stands in backquotes in a docstring

html_theme = "furo"
html_title = f"paribus {version}"
html_extra_path = ["_site"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options: dict[str, Any] = {
    "light_css_variables": {"color-brand-primary": "#1f5fa8", "color-brand-content": "#1f5fa8"},
    "dark_css_variables": {"color-brand-primary": "#8ab8ea", "color-brand-content": "#8ab8ea"},
}
suppress_warnings = ["myst.header"]  # a page may go from its title to a kind
pygments_style = "friendly"
pygments_dark_style = "github-dark"

_PUBLIC = re.compile(r"<!-- public names: (.*?) -->", re.S)
_KINDS = re.compile(r"<!-- kinds: (\w+) -->")
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]*desktop)-light\.png\)")
_TWO = r"![\1](\2-light.png){.only-light}![\1](\2-dark.png){.only-dark}"
_OUTPUT = re.compile(r"^```text\n(.*?)^```$", re.M | re.S)
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|audio|video|embed)\b[^>]*\bsrc=["'](?:https?:)?//"""
    r"""|<link\b(?=[^>]*\brel=["'](?:stylesheet|preload|preconnect|dns-prefetch|icon))"""
    r"""[^>]*\bhref=["'](?:https?:)?//"""
    r"""|url\(["']?(?:https?:)?//|@import\s+["'](?:https?:)?//""",
    re.I,
)


# --- what is read from the code -------------------------------------------------------------------


def public_names(names: list[str]) -> str:
    """Write the documentation of public names, as the parser of docstrings reads it."""
    lines = []
    for name in names:
        made = getattr(paribus, name)
        sort = "class" if isinstance(made, type) else "function"
        if isinstance(made, type) and issubclass(made, Exception):
            sort = "exception"
        fence = ["```{eval-rst}", f".. auto{sort}:: paribus.{name}", "```", ""]
        lines += [f"## {name}", "", *fence]
    return "\n".join(lines)


def kinds(family: str) -> str:
    """Write every kind of a family: what it is, its options, and an example."""
    return "\n".join(_kind(kind) for kind in all_kinds() if kind.family == family)


def _kind(kind: Kind) -> str:
    parts = [f"## `{kind.kind}`", kind.sentence, kind.text]
    if kind.options:
        parts.append("\n".join(_table(kind)))
    if kind.toml:
        parts.append(f"```toml\n{kind.toml}\n```")
    parts.append(f"```python\n{kind.python}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(kind: Kind) -> list[str]:
    rows = ["| option | type | where left out | meaning |", "|---|---|---|---|"]
    for option in kind.options:
        said = left_out(option).removesuffix(" where left out)").removesuffix(")").lstrip(" (")
        cells = (f"`{option.name}`", option.type, said, option.meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return rows


def _output(found: re.Match[str]) -> str:
    """Let sentences wrap, which a table must not."""
    sentences = not re.search(r"\S {2,}\S", found[1])
    return f"```{{code-block}} text\n:class: sentences\n\n{found[1]}```" if sentences else found[0]


def _filled(app: Any, docname: str, source: list[str]) -> None:
    def names(found: re.Match[str]) -> str:
        return public_names(re.findall(r"\w+", found[1]))

    def readme(found: re.Match[str]) -> str:
        inside = (ROOT / docname).parent / found[1]
        return f"]({found[1]}README.md)" if (inside / "README.md").exists() else found[0]

    if docname.startswith(("design/", "changes/")) and not docname.endswith("README"):
        # The README beside it links to it; the sidebar has enough.
        source[0] = f"---\norphan: true\n---\n{source[0]}"
    source[0] = _PICTURE.sub(_TWO, source[0])
    # The forge shows the README of a folder; here it is a page.
    source[0] = re.sub(r"\]\(((?:[\w.-]+/)+)\)", readme, source[0])
    source[0] = _OUTPUT.sub(_output, source[0])
    source[0] = _PUBLIC.sub(names, source[0])
    source[0] = _KINDS.sub(lambda found: kinds(found[1]), source[0])


_PYDANTIC = {"model_config", "model_post_init"}
"""Members of every declaration that no reader asks for."""

_written: dict[str, list[str]] = {}


def _keep(app: Any, what: str, name: str, made: Any, options: Any, lines: list[str]) -> None:
    if what in {"attribute", "property"}:
        _written[name] = list(lines)


def _restore(app: Any, what: str, name: str, made: Any, options: Any, lines: list[str]) -> None:
    # Napoleon takes what stands before a colon for a type; here it is the sentence.
    if name in _written:
        lines[:] = _written.pop(name)


def _skipped(app: Any, what: str, name: str, made: Any, skip: bool, options: Any) -> bool | None:
    return True if name in _PYDANTIC else None


# --- what is checked ------------------------------------------------------------------------------


def _every_name_is_there(app: Any) -> None:
    """Warn of a public name that no page of the reference has; a warning ends `make docs`."""
    pages = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs/reference").glob("*.md"))
    listed = re.findall(r"\w+", " ".join(_PUBLIC.findall(pages)))
    log = logging.getLogger(__name__)
    for name in sorted({*paribus.__all__} - {"__version__", *listed}):
        log.warning("docs/reference has no public name %s", name)
    for name in sorted({name for name in listed if listed.count(name) > 1}):
        log.warning("docs/reference has %s more than once", name)


def _nothing_is_fetched(app: Any, exception: Exception | None) -> None:
    """Warn of a page that loads anything from elsewhere."""
    for page in sorted(Path(app.outdir).rglob("*")) if exception is None else ():
        if page.suffix in {".html", ".css"}:
            loaded = _LOADED.search(page.read_text(encoding="utf-8"))
            if loaded:
                logging.getLogger(__name__).warning("%s loads %s", page.name, loaded[0])


def setup(app: Any) -> None:
    """Connect what is made and what is checked."""
    app.connect("source-read", _filled)
    app.connect("autodoc-process-docstring", _keep, priority=100)
    app.connect("autodoc-process-docstring", _restore, priority=900)
    app.connect("autodoc-skip-member", _skipped)
    app.connect("builder-inited", _every_name_is_there)
    app.connect("build-finished", _nothing_is_fetched)
