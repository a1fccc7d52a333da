"""Markdown as GitHub reads it: text that is shown and does nothing, tables, and what is folded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from paribus.report._parts import (
    Cell,
    Column,
    Drawing,
    Facts,
    Listing,
    Paragraph,
    Part,
    Section,
    Statement,
    Statements,
    Table,
)

_ACTS = re.compile(
    # Emphasis, code, links, HTML, cells, mathematics, templates. An underscore within a word is
    # none of these.
    r"[\\`*{}\[\]<>&|~$]|(?<![^\W_])_|_(?![^\W_])"
    # Mentions, issues, addresses, emoji.
    r"|[@#](?=\S)|:(?=[a-z/]|[\w+-]+(?::|$))|\bwww(?=\.)|\bGH(?=-\d)",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"([-+](?=\s|$)|-(?=-)|[=#])|(\d+)([.)])(?=\s|$)")
_NAMED = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_NOTHING = "&#8203;"
"""A space without width: Markdown and what GitHub does after it then see no name and no address."""

MOST_ROWS = 40
"""Rows of a table that is folded; the JSON record has all."""

MOST_LINES = 4_000
"""Characters of a listing."""


def escaped(text: str) -> str:
    """Write text so that GitHub shows it as it is.

    Nothing in it is taken for Markdown, HTML, mathematics or emoji, mentions somebody, refers to an
    issue or becomes a link. References to characters are used in place of backslashes, since they
    mean the same in Markdown and in HTML.

    Parameters
    ----------
    text : str
        One line, visible already.

    Examples
    --------
    >>> escaped("a*b | <b> full_name"), escaped("@me #1")
    ('a&#42;b &#124; &lt;b&gt; full_name', '@&#8203;me #&#8203;1')
    """
    shown = _ACTS.sub(_shown, text.strip())
    # At its beginning, a line can also be a heading, a rule or a part of a list.
    return _BEGINS.sub(_begun, shown, count=1) if _BEGINS.match(shown) else shown


def _begun(found: re.Match[str]) -> str:
    if found[1]:
        return _reference(found[1])
    return f"{found[2]}{_reference(found[3])}"


def _shown(found: re.Match[str]) -> str:
    text = found[0]
    if text in "@#:" or len(text) > 1:
        return f"{text}{_NOTHING}"
    return _reference(text)


def _reference(character: str) -> str:
    return _NAMED.get(character, f"&#{ord(character)};")


def bold(text: str) -> str:
    """Write text that stands out; HTML, since asterisks do not fit every neighbor."""
    return f"<b>{escaped(text)}</b>"


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> str:
    """Write a table; what differs stands out."""
    lines = [
        _row(escaped(column.title) for column in columns),
        _row("---:" if column.numeric else "---" for column in columns),
        *(_row(map(_cell, row)) for row in rows),
    ]
    return "\n".join(lines)


def _row(cells: Iterator[str] | map[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    said = bold(cell.text) if cell.tone == "changed" and cell.text else escaped(cell.text)
    return f"{said}<br><sub>{escaped(cell.note)}</sub>" if cell.note else said


def listed(items: Sequence[str]) -> str:
    """Write a list of texts, not escaped yet."""
    return "\n".join(f"- {escaped(item)}" for item in items)


def folded(title: str, body: str) -> str:
    """Show a title until a reader opens it."""
    return f"<details>\n<summary>{escaped(title)}</summary>\n\n{body}\n\n</details>"


def section(content: Section) -> str:
    """Write a section of the page without its charts; empty where nothing else is in it."""
    said = [block for part in content.parts if (block := _part(part))]
    if not said:
        return ""
    return "\n\n".join([*(escaped(each.text) for each in content.intro), *said])


def _part(part: Part) -> str:
    if isinstance(part, Drawing):
        return ""
    if isinstance(part, Paragraph):
        return escaped(part.text)
    if isinstance(part, Listing):
        return _titled(part.title, _listing(part.text))
    if isinstance(part, Facts):
        return _titled(part.title, _facts(part))
    if isinstance(part, Statements):
        return _titled(part.title, _statements(part.items))
    return _table(part) if isinstance(part, Table) and not part.brief else ""


def _titled(title: str, body: str) -> str:
    return f"{bold(title)}\n\n{body}" if title else body


def _facts(part: Facts) -> str:
    rows = [(Cell(key), Cell(content)) for key, content in part.items]
    return table((Column("What"), Column("Is")), rows)


def _statements(items: Sequence[Statement]) -> str:
    more = len(items) - MOST_ROWS
    said = [item.text for item in items[:MOST_ROWS]]
    return listed([*said, *([f"{more:,} more are in the JSON record."] if more > 0 else [])])


def _table(part: Table) -> str:
    more = len(part.rows) - MOST_ROWS
    body = table(part.columns, part.rows[:MOST_ROWS])
    rest = f"\n\n{more:,} more rows are in the JSON record." if more > 0 else ""
    return _titled(part.title, body + rest)


def _listing(text: str) -> str:
    """Show text as it is. In HTML, since between fences nothing can be escaped."""
    if len(text) > MOST_LINES:
        text = f"{text[:MOST_LINES]}\n# ... cut here; the JSON record has all"
    return f"<pre>{re.sub('[<>&$]', lambda found: _reference(found[0]), text)}</pre>"
