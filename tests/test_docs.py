"""The docs run: every block of the README and of docs/, and every example in a docstring.

How a block is read:

- ``python`` runs in one namespace a page, ``sh`` line by line with ``paribus`` and ``python`` on
  the path (``# exit 1`` behind a command is the exit code that it must have).
- ``toml`` whose first line is ``# name.toml`` is written to that file; any other is a fragment,
  which must load as a part of a small audit.
- ``text`` is the output of the block before it, or of a command: ``<!-- output -->`` or
  ``<!-- output of: COMMAND -->``. ``, in part`` lets a line ``...`` stand for any lines, and
  ``, numbers within 10 %`` lets numbers differ by that much, or by 5 units of their last digit
  (libraries fit models a little otherwise from version to version). ``, with mimesis 22`` compares
  where that version is installed: others have other lists of names.
- ``<!-- not run: reason -->`` before a block leaves it out. There is a limit to these.

Relations are checked too: each kind has a heading on its family's page, with all of its keys.
Checks of a table are on docs/metrics.md and docs/data.md, with every metric that they give;
mitigations, their choices and their estimators on docs/mitigation.md; replacements and their
choices on docs/replacements.md.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import inspect
import io
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

import paribus
from paribus import estimators
from paribus._plugins import Family
from paribus.anonymizing.names import known_locales
from paribus.anonymizing.replacements.base import REPLACEMENTS, OfText, Replacement
from paribus.anonymizing.section import Limits, Section
from paribus.comparison import Concern
from paribus.evidence.base import TESTS, Check
from paribus.evidence.group import Criterion
from paribus.measuring import METRICS, Data
from paribus.mitigation.base import MITIGATIONS, Request
from paribus.people.fields.base import FIELDS, Field
from paribus.probe.base import PROBES, Probe
from paribus.spec import from_tables
from paribus.studies._assessment import RiskVerdict, Word

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_RUN = {"README.md": 5, "CONTRIBUTING.md": 2, "extending.md": 1, "metrics.md": 1}
"""Blocks of a page that need not run, at most; none on all other pages."""

BLOCK = re.compile(
    r"(?P<notes>(?:^<!--[^\n]*-->\n)*)^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.M | re.S
)
OUTPUT = re.compile(
    r"output(?: of: (?P<command>[^,]+))?(?P<part>, in part)?"
    r"(?:, numbers within (?P<by>\d+) %)?"
    r"(?:, with (?P<library>\w+) (?P<major>\d+))?"
)
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    body: str
    notes: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    def note(self, word: str) -> str | None:
        found = re.search(rf"<!-- ({word}.*?) -->", self.notes)
        return found[1] if found else None


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page.name,
            text.count("\n", 0, found.start("body")) + 1,
            found["language"],
            found["body"],
            found["notes"],
        )
        for found in BLOCK.finditer(text)
    ]


# --- running a page -------------------------------------------------------------------------------


class Reader:
    """Somebody who works through a page from its top, in an empty folder."""

    def __init__(self, folder: Path, warnings: str) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "page"}
        self.output = ""
        self.bin = folder / ".bin"
        self.bin.mkdir()
        for name, module in (("paribus", "-m paribus"), ("python", "")):
            script = self.bin / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -W {warnings} {module} "$@"\n')
            script.chmod(0o755)
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=_caches)

    def read(self, block: Block) -> None:
        if block.note("not run"):
            return
        if block.language == "text":
            self.compare(block)
        else:
            {"python": self.python, "sh": self.shell, "toml": self.toml}[block.language](block)

    def python(self, block: Block) -> None:
        code = compile("\n" * (block.line - 1) + block.body, block.page, "exec", dont_inherit=True)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, self.names)
        self.output = printed.getvalue()

    def shell(self, block: Block) -> None:
        self.output = ""
        for line in block.body.replace("\\\n", " ").splitlines():
            command, _, remark = line.partition("#")
            if command.strip():
                expected = re.search(r"exit (\d+)", remark)
                self.output += self.run(command, int(expected[1]) if expected else 0, block.place)

    def run(self, command: str, expected: int, place: str) -> str:
        path = os.pathsep.join([str(self.bin), os.environ["PATH"]])
        source = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PATH": path, "PYTHONPATH": source.rstrip(os.pathsep)}
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        told = f"{place}: {command.strip()} gave {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.returncode == expected, told
        return done.stdout + done.stderr

    def toml(self, block: Block) -> None:
        first = re.match(r"# (\S+\.toml)\n", block.body)
        if first:
            (self.folder / first[1]).write_text(block.body, encoding="utf-8")
        else:
            fragment_loads(block.body)

    def compare(self, block: Block) -> None:
        note = block.note("output")
        assert note, f"{block.place}: a text block needs <!-- output --> before it"
        how = OUTPUT.fullmatch(note)
        assert how, f"{block.place}: {note!r} is not understood"
        said = self.run(how["command"], 0, block.place) if how["command"] else self.output
        if how["library"] and version(how["library"]).split(".")[0] != how["major"]:
            return
        wanted, found = _lines(block.body), _lines(said)
        if how["part"] and wanted[0] != "...":
            wanted.insert(0, "...")
        if how["part"] and wanted[-1] != "...":
            wanted.append("...")
        same = _matches(wanted, found, float(how["by"] or 0))
        assert same, f"{block.place} is not what it gives:\n{said}"


def _caches(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__"]


def _lines(text: str) -> list[str]:
    # A block of a README is indented by nothing; the output that it is part of may be.
    return [line.strip() for line in text.strip("\n").splitlines()]


def _matches(wanted: list[str], found: list[str], by: float) -> bool:
    """Compare lines; ``...`` stands for any number of lines."""
    if not wanted:
        return not found
    if wanted[0] == "...":
        return any(_matches(wanted[1:], found[i:], by) for i in range(len(found) + 1))
    return bool(found) and _alike(wanted[0], found[0], by) and _matches(wanted[1:], found[1:], by)


def _alike(wanted: str, found: str, by: float) -> bool:
    if not by:
        return wanted == found
    words = [" ".join(NUMBER.sub("0", line).split()) for line in (wanted, found)]
    pairs = zip(NUMBER.findall(wanted), NUMBER.findall(found), strict=False)
    return words[0] == words[1] and all(_near(one, other, by) for one, other in pairs)


def _near(wanted: str, found: str, by: float) -> bool:
    one, other = (float(number.replace(",", "")) for number in (wanted, found))
    last_digit = 10.0 ** -len(wanted.partition(".")[2])
    return abs(one - other) <= max(by / 100 * abs(one), 5.0001 * last_digit)


# --- fragments of a declaration -------------------------------------------------------------------

_AUDIT = """
[model]
kind = "callable"
function = "module:function"
favorable = true

[protect.gender]
levels = ["Male", "Female"]

[protect.nationality]
levels = ["German", "French"]

[fields.income]
kind = "integers"
low = 30_000
high = 119_999
"""


def fragment_loads(text: str) -> None:
    """Load a part of a declaration as a part of a small audit, and draw three people of it."""
    tables, part = tomllib.loads(_AUDIT), tomllib.loads(text)
    for section, content in part.items():
        several = section in {"protect", "fields"}
        tables[section] = {**tables[section], **content} if several else content
    if "anonymize" in part:
        Section.of(part)
    audit = from_tables(tables)
    for tried in part.get("mitigate", {}).get("try", ()):
        MITIGATIONS.parse({"kind": tried} if isinstance(tried, str) else tried)
    if "data" not in tables:
        people = audit.people.head(3).to_pydict()
        assert set(part.get("fields", {})) <= set(people)
        assert audit.twins().versions


# --- the tests ------------------------------------------------------------------------------------


def _named(page: Path) -> str:
    return page.relative_to(ROOT).with_suffix("").as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    # Where pytest was told about warnings (make lowest), those of the commands do not count.
    reader = Reader(tmp_path, "ignore" if pytestconfig.getoption("pythonwarnings") else "error")
    for block in blocks(page):
        reader.read(block)


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_few_blocks_are_left_out(page: Path) -> None:
    left_out = [block for block in blocks(page) if block.note("not run")]
    assert len(left_out) <= NOT_RUN.get(page.name, 0)
    for block in left_out:
        assert re.fullmatch(r"not run: .{8,}", block.note("not run") or "")


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text):
        linked = page if not target else page.parent / target
        assert linked.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in _anchors(linked), f"{page.name}: {target}#{anchor}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _sections(page: str) -> dict[str, str]:
    """Split a page at its headings: heading without backquotes -> text below it."""
    parts = re.split(r"^#+ (.*)$", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.M)
    return {h.replace("`", ""): text for h, text in zip(parts[1::2], parts[2::2], strict=True)}


_CHECKED = ("metrics.md", "data.md")


def _base_of(replacement: Any) -> Any:
    """Give the base whose keys are documented once, for all kinds."""
    return OfText if issubclass(replacement, OfText) else Replacement


def _page_of(test: Any) -> str:
    """Name the page of a test of twins, or of a check of a table."""
    if not issubclass(test, Check):
        return "evidence.md"
    return "metrics.md" if test.model_fields["kind"].default in METRICS else "data.md"


EXECUTORS = Family("paribus.executors", "executor")
FAMILIES = [
    *(("spec.md", FIELDS.load(kind), Field) for kind in FIELDS.kinds()),
    *(("models.md", PROBES.load(kind), Probe) for kind in PROBES.kinds()),
    *((_page_of(test), test, None) for test in map(TESTS.load, TESTS.kinds())),
    *(("running.md", EXECUTORS.load(kind), None) for kind in EXECUTORS.kinds()),
    *(("mitigation.md", MITIGATIONS.load(kind), None) for kind in MITIGATIONS.kinds()),
    *(
        ("replacements.md", replacement, _base_of(replacement))
        for replacement in map(REPLACEMENTS.load, REPLACEMENTS.kinds())
    ),
]


@pytest.mark.parametrize(
    ("page", "kind", "base"), FAMILIES, ids=lambda v: getattr(v, "__name__", str(v))
)
def test_every_kind_is_documented(page: str, kind: Any, base: Any) -> None:
    """Adding a kind takes a heading on its family's page, and each of its keys below it."""
    name = kind.model_fields["kind"].default
    sections = _sections(page)
    assert name in sections, f"docs/{page} has no heading `{name}`"
    own = set(kind.model_fields) - set(base.model_fields if base else {"kind"}) - {"kind"}
    for key in own:
        assert f"`{key}`" in sections[name], f"docs/{page}, {name}: {key}"


def test_every_report_format_is_documented() -> None:
    sections = _sections("running.md")
    for format in paribus.kinds("reports")["reports"]:
        assert format in sections


def test_every_key_of_a_model_is_documented() -> None:
    common = _sections("models.md")["Keys of every model"]
    for key in set(Probe.model_fields) - {"kind"}:
        assert f"`{key}`" in common


def test_every_key_of_all_fakes_is_documented() -> None:
    common = _sections("replacements.md")["Keys of every fake"]
    for key in set(OfText.model_fields) - {"kind"}:
        assert f"`{key}`" in common, key
    for locale in known_locales():
        assert f"`{locale}`" in common, locale


@pytest.mark.parametrize("kind", REPLACEMENTS.kinds())
def test_every_choice_of_a_replacement_is_documented(kind: str) -> None:
    told = _sections("replacements.md")
    for key, field in REPLACEMENTS.load(kind).model_fields.items():
        for choice in _choices(field.annotation) if key != "kind" else ():
            of_same = told[kind] + told["dates"] if key == "order" else told[kind]
            assert not choice or f'"{choice}"' in of_same, f"{kind}, {key}: {choice}"
    assert f"[`{kind}`](#{kind})" in told["Replacements"], kind


def test_every_key_of_anonymizing_is_documented() -> None:
    sections = _sections("anonymize.md")
    for section, declared in (("[anonymize]", Section), ("[anonymize.risk]", Limits)):
        for key in declared.model_fields:
            assert f"| `{key}` |" in sections[section], f"{section}: {key}"


def test_every_argument_of_assess_is_documented() -> None:
    told = _sections("assess.md")["Arguments"]
    for name in inspect.signature(paribus.assess).parameters:
        if name not in {"original", "anonymized", "name"}:
            assert f"`{name}`" in told, name


def test_every_word_of_an_assessment_is_documented() -> None:
    told = _sections("assess.md")["The words"]
    for word in (*get_args(Word), *get_args(RiskVerdict)):
        assert f"| `{word}` |" in told, word


def test_every_section_of_the_file_is_documented() -> None:
    from paribus import spec

    sections = _sections("spec.md")
    for key in spec._AUDIT_KEYS:
        assert f"`{key}`" in sections["[audit]"]
    for key in Data.model_fields:
        assert f"`{key}`" in sections["[data]"]
    for key in Request.model_fields:
        key = "try" if key == "candidates" else key
        assert f"`{key}`" in sections["[mitigate]"]
    for section in spec._SECTIONS:
        assert any(h.strip("[]").split(".")[0] == section for h in sections), section


def _measured() -> Iterator[paribus.Record]:
    """Measure everything that a table can show, of people drawn here."""
    rng, n = np.random.default_rng(0), 400
    people = pd.DataFrame(
        {
            "sex": rng.choice(["F", "M"], n),
            "month": rng.choice(["2025-01", "2025-02"], n),
            "dept": rng.choice(["A", "B"], n),
            "income": rng.integers(20, 90, n),
            "place": rng.permutation(n) + 1,
            "due": rng.normal(0.0, 1.0, n),
            "guess": rng.normal(0.0, 1.0, n),
        }
    )
    people["repaid"] = (people["income"] + rng.normal(0, 5, n) > 45).astype(int)
    people.loc[:20, ["repaid", "income"]] = None
    people["chance"] = people["income"].fillna(50) / 100
    roles: dict[str, Any] = {"label": "repaid", "score": "chance", "factors": ["dept"]}
    yield paribus.metrics(people, by="sex", threshold=0.5, rank="place", **roles)
    yield paribus.metrics(people, by="sex", label="due", prediction="guess")
    yield paribus.audit_data(people, protect="sex", label="due", prediction="guess")
    yield paribus.audit_data(
        people,
        protect="sex",
        time="month",
        threshold=0.5,
        population={"sex": {"F": 0.5, "M": 0.5}},
        features=["income", "dept"],
        **roles,
    )


def test_every_metric_is_documented() -> None:
    rows = [row for record in _measured() for row in record.evidence]
    checks = {page: [kind for of, kind, _ in FAMILIES if of == page] for page in _CHECKED}
    kinds = {kind.model_fields["kind"].default for of in checks.values() for kind in of}
    assert {row.test for row in rows} == kinds
    for test, unit in {(row.test, row.unit) for row in rows}:
        page = "metrics.md" if test in METRICS else "data.md"
        assert f"`{unit}`" in _sections(page)[test], f"docs/{page}, {test}: {unit}"


def test_every_criterion_is_documented() -> None:
    for criterion in get_args(Criterion):
        assert f"`{criterion}`" in _sections("metrics.md")["group"], criterion


def _choices(annotation: Any) -> Iterator[str]:
    """List the texts among which an option chooses."""
    if isinstance(annotation, str):
        yield annotation
    for inner in get_args(annotation):
        yield from _choices(inner)


@pytest.mark.parametrize("kind", MITIGATIONS.kinds())
def test_every_mitigation_is_documented(kind: str) -> None:
    """What it may be told, where it works, what it costs and what it needs of people."""
    page, made = _sections("mitigation.md"), MITIGATIONS.load(kind)
    of_same = page[kind] + page["constrain"] if kind == "grid_search" else page[kind]
    for key, field in made.model_fields.items():
        for choice in _choices(field.annotation) if key != "kind" else ():
            assert f'"{choice}"' in of_same, f"{kind}, {key}: {choice}"
    stage = {"data": "the data"}.get(made.stage, made.stage)  # type: ignore[attr-defined]
    assert f"| [`{kind}`](#{kind}) | {stage} |" in page["The kinds"]
    for said in ("**Costs**", "**Needs"):
        assert said in page[kind], f"{kind}: {said}"


def test_every_estimator_is_documented() -> None:
    told = _sections("mitigation.md")["Saving it, and auditing it again"]
    made = {name: getattr(estimators, name) for name in estimators.__all__}
    ours = {
        name
        for name, each in made.items()
        if isinstance(each, type)
        and issubclass(each, estimators.Mended)
        and each is not estimators.Mended
    }
    assert {"Without", "TwinAverage"} <= ours
    assert all(f"| `{name}` | `" in told for name in ours), ours


def test_every_warning_of_a_mitigation_is_documented() -> None:
    for concern in get_args(Concern):
        assert f"| `{concern}` |" in _sections("mitigation.md")["Warnings"], concern


def _commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """List the commands, those of groups by both names."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def test_every_command_and_option_is_documented() -> None:
    import typer.main

    from paribus import cli

    pages = {
        "metrics": "metrics.md",
        "data": "data.md",
        "disclose": "disclosure.md",
        "mitigate": "mitigation.md",
        "anonymize": "anonymize.md",
        "assess": "assess.md",
        "people learn": "learn.md",
    }
    for name, command in _commands(typer.main.get_command(cli.app)):
        # A command about a table has its options on the page of what it does.
        text = (ROOT / "docs" / pages.get(name, "running.md")).read_text(encoding="utf-8")
        assert f"`paribus {name}" in text, name
        for option in command.params:
            if option.name != "help" and option.param_type_name == "option":
                assert f"`{option.opts[0]}" in text, f"{name} {option.opts[0]}"


def test_every_exit_code_is_documented() -> None:
    from paribus import cli

    codes = {*cli.EXIT_CODES.values(), cli.INTERRUPTED, cli.BUG}
    codes.add(paribus.ParibusError.exit_code)
    for page in ("README.md", "docs/running.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert all(f"| {code} |" in text for code in codes), page


MODULES = [m.name for m in pkgutil.walk_packages(paribus.__path__, "paribus.")]


@pytest.mark.parametrize("name", ["paribus", *(m for m in MODULES if not m.endswith("__main__"))])
def test_examples_in_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0
