"""The page as one self-contained HTML file: no script, no network, charts inline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from paribus.record import Record
from paribus.report._charts import draw
from paribus.report._parts import Book, Drawing, Page, Table
from paribus.report.base import page

_SLIM = 40
"""Characters of a row that a telephone shows on one line."""
_WIDE = 96
"""Characters of a row beyond which it does not fit on a tablet or a sheet of A4."""
_WRAPS = 26
"""Characters from which on a text wraps, so that its column takes no more."""
_WRAPS_ON_PAPER = 14
"""The same on paper, where every text wraps between its words and numbers do not."""
_GUTTER = 2
_NOT_PLAIN = re.compile("[^A-Za-z0-9 ]")


def render(record: Record) -> str:
    """Write the page as HTML.

    Parameters
    ----------
    record : Record
        A finished audit.

    Returns
    -------
    str
        One document that needs nothing else. Its Content-Security-Policy forbids every script and
        every request, and whatever the record holds is escaped.
    """
    return write(page(record))


def write(content: Page | Book) -> str:
    """Write any page as HTML, as `render` does that of a record; of a book, each is a chapter."""
    pages = content.chapters if isinstance(content, Book) else (content,)
    single = len(pages) == 1
    # By place: two charts may be equal, as where two attributes do nothing, and an id stands once.
    drawings: dict[tuple[str, int, int], Markup] = {}
    for chapter, each in enumerate(pages, start=1):
        prefix = "" if single else f"c{chapter}-"
        drawings.update(_drawings(each, prefix))
    return _template().render(book=content, pages=pages, drawings=drawings)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("paribus", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tied"] = _tied
    environment.filters["breadth"] = _breadth
    environment.filters["labels"] = _labels
    return environment.get_template("_page.html.jinja")


def _tied(text: str) -> str:
    """Keep a number and its unit on one line."""
    return re.sub(r"(?<=\d) (?=%|points)", "\N{NO-BREAK SPACE}", text)


def _breadth(table: Table) -> Literal["slim", "normal", "wide", "wide broad"]:
    """Tell where a table fits as it is.

    A slim one does on a telephone, a normal one on a tablet, a wide one on a screen and on paper,
    and one that is broad besides on a screen alone.
    """
    characters = _characters(table, _WRAPS, _WRAPS)
    if characters <= _WIDE:
        return "slim" if characters <= _SLIM else "normal"
    return "wide" if _characters(table, _WRAPS_ON_PAPER, _WRAPS) <= _WIDE else "wide broad"


def _characters(table: Table, text: int, number: int) -> int:
    return sum(
        _taken(
            column.title, [row[i].text for row in table.rows], number if column.numeric else text
        )
        for i, column in enumerate(table.columns)
    )


def _taken(head: str, texts: Sequence[str], wraps: int) -> int:
    # A head wraps between its words; a text does so once it is long.
    words = max(map(len, head.split()), default=0)
    return _GUTTER + max([words, *(min(len(text), wraps) for text in texts)])


def _labels(table: Table) -> str:
    """Give the heads of a table to its style: each cell would repeat them, row by row."""
    return ";".join(
        f"--c{place}:'{_NOT_PLAIN.sub(_in_style, column.title)}'"
        for place, column in enumerate(table.columns, start=1)
        if place > 1
    )


def _in_style(found: re.Match[str]) -> str:
    return f"\\{ord(found[0]):x} "


def _drawings(content: Page, prefix: str) -> Iterator[tuple[tuple[str, int, int], Markup]]:
    """Draw every chart of a page, each with its place: chapter, section and part, from 1."""
    numbers = count(1)
    for place, section in enumerate(content.sections, start=1):
        for position, part in enumerate(section.parts, start=1):
            if isinstance(part, Drawing):
                # Drawn by _charts, which lets shapes and escaped text through and nothing else.
                key = f"{prefix}chart-{next(numbers)}"
                yield (prefix, place, position), Markup(draw(part, key))  # noqa: S704
