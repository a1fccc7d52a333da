"""What the readers of reports would make of them: a browser, GitHub, a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from paribus._text import visible

ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069\u200b"))
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u3164\uffa0\u200b\u200e\u200f\u2028-\u202e\u2060-\u2067\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
"""What acts on a terminal, reorders a line, or is not seen. Marks that set a name apart (U+2068,
U+2069) are ours."""

STARTS = "=+-@\t\r\n＝＋－＠"
PHONE = re.compile(r"[+-][\d\s().,e+-]*$")


def squeezed(text: str) -> str:
    """Leave out what formats set otherwise: blanks, and marks around names."""
    return "".join(text.translate(ISOLATES).split())


def telling(text: str) -> str:
    """Give the beginning of a text as every report shows it."""
    return squeezed(visible(text))[:10]


def shows(said: str, text: str) -> bool:
    """Tell whether a report in any format shows a text."""
    # A terminal breaks lines within its box; a workbook escapes its own escapes; plain text
    # breaks commands to what runs a build.
    said = said.replace("_x005F_", "_").replace("\u2502", "")
    said = squeezed(said.replace(":\u00b7", "::").replace("#\u00b7", "##"))
    return telling(text).replace("\u2502", "") in said


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str | None] = set()
        self.runs: list[tuple[str, bool]] = []
        self.counts: dict[str, int] = {}
        self._code = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value for name, value in attrs if name in {"href", "src", "xlink:href"}}
        self._code += tag in {"code", "pre"}

    def handle_endtag(self, tag):
        self._code -= tag in {"code", "pre"}

    def handle_data(self, data):
        self.runs.append((data, self._code > 0))

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.runs)


def page(text: str) -> Page:
    """Read an HTML report: nothing in it runs, and it asks for nothing."""
    read = Page(text)
    forbidden = {"script", "img", "iframe", "object", "embed", "form", "base", "foreignobject"}
    assert not read.tags & forbidden
    assert not [name for name in read.attributes if name.startswith("on")]
    assert not [link for link in read.links if not (link or "").startswith("#")]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "script-src" not in policy[1]
    assert not HIDDEN.search(text)
    return read


MARKDOWN_TAGS = {
    *("h2", "h3", "p", "b", "br", "sub", "ul", "li", "strong"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre", "code"),
}


def markdown(text: str) -> Page:
    """Read Markdown as GitHub does: with its own library, and what it looks for after that."""
    import cmarkgfm

    # GitHub hands HTML on to its sanitizer; what would get there is looked at.
    made = cmarkgfm.github_flavored_markdown_to_html(text, 1 << 17)
    read = Page(made)
    assert not read.tags - MARKDOWN_TAGS
    assert not read.attributes - {"align"}
    for run, code in read.runs:
        if code:
            continue
        assert not re.search(r"(?<!\w)@\w", run), run
        assert not re.search(r"#\d|\bGH-\d", run, re.IGNORECASE), run
        assert not re.search(r"(https?|ftp)://|www\.\w|\w@\w", run, re.IGNORECASE), run
        assert not re.search(r":[\w+-]+:", run), run
    assert "$" not in text
    assert not HIDDEN.search(text)
    return read


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Split a model card into what machines and what people read."""
    import yaml

    _, metadata, section = re.split(r"^---\n", text, maxsplit=2, flags=re.M)
    return yaml.safe_load(metadata), section


def sarif(text: str) -> list[str]:
    """Read the messages of a SARIF file; nothing in them is a link or a placeholder."""
    assert not HIDDEN.search(text)
    assert "<" not in text
    (run,) = json.loads(text)["runs"]
    messages = [result["message"]["text"] for result in run["results"]]
    for message in messages:
        assert not re.search(r"(?<!\\)(?:\\\\)*\[", message)
        assert not re.search(r"(?<!\{)\{\d+\}", message)
    return [re.sub(r"\\([\\\[\]])|\{(\{\d+\})\}", r"\1\2", message) for message in messages]


def junit(text: str) -> list[str]:
    """Read what JUnit XML says of failures."""
    assert not HIDDEN.search(text)
    return [failure.get("message") or "" for failure in ET.fromstring(text).iter("failure")]


def cells_of_csv(content: bytes) -> list[str]:
    """Read the cells of a CSV file; none starts a formula."""
    text = content.decode("utf-8")
    assert not HIDDEN.search(text)
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len({len(row) for row in rows}) == 1
    return [cell for row in rows for cell in _harmless(row)]


def cells_of_workbook(content: bytes) -> list[str]:
    """Read the texts of a workbook; none is a formula, an error or a link, or becomes one."""
    import openpyxl

    said = []
    for sheet in openpyxl.load_workbook(io.BytesIO(content)):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in {"s", "n", "b"}, cell.coordinate
                assert cell.hyperlink is None
                if isinstance(cell.value, str):
                    assert not HIDDEN.search(cell.value)
                    said.append(cell.value)
    return list(_harmless(said))


def _harmless(cells: list[str]) -> Iterator[str]:
    for cell in cells:
        bare = cell.strip()
        assert not bare or bare[0] not in STARTS or PHONE.fullmatch(bare), ascii(cell)[:80]
        yield cell


def terminal(text: str) -> str:
    """Read plain text: no command is in it, for the terminal or for what runs a build."""
    assert not HIDDEN.search(text)
    assert not re.search(r"^\s*::|##\w*\[", text, re.MULTILINE)
    return text
