"""Small pieces of HTML: what an object shows of itself at the end of a notebook's cell.

People, twins and findings lie far below the reports and show themselves too, and nothing imports
upward: so the writer lies below them all, and the brief pages of records are made with it.

A piece carries no script, no link and no id, so that many stand in one notebook. Every rule of its
style begins with its class, twice, so that it leaves the notebook alone and wins against it.
Notebooks do not say whether they are dark in a way that all share (JupyterLab sets an attribute, VS
Code a class, marimo another; a page's color scheme may say the opposite), so a piece never asks:
words have the notebook's own color, backgrounds are transparent, and the few colors are told from
white and from black alike.

Texts that somebody else chose are made visible by who writes them (see :mod:`paribus._text`);
whatever comes here is escaped here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from paribus._text import name, value

MOST_ROWS = 12
MOST_COLUMNS = 12

VERDICTS = ("biased", "within tolerance", "inconclusive")

_CLASS = "paribus"

INKS = {
    "biased": "#d55e00",
    "within": "#0072b2",
    "inconclusive": "#808080",
    "series-2": "#0072b2",
    "series-3": "#d55e00",
    "series-4": "#008f68",
    "series-5": "#c46a9d",
    "series-6": "#b07a00",
    "series-7": "#2b87bd",
    "series-8": "#7f7700",
}
"""Colors of shapes, never of words: at least 3:1 against white and against the ground of a dark
notebook (WCAG 2.2, criterion 1.4.11), in the hues of Okabe and Ito (2008)."""

_RULES = {
    "": "font-size: 1em; line-height: 1.45; max-width: 62em; overflow-wrap: anywhere; "
    # What is drawn upon is a shape's fill, where a notebook says what that is.
    "--paper: var(--jp-layout-color0, var(--vscode-editor-background, transparent)); "
    + "; ".join(f"--{ink}: {color}" for ink, color in INKS.items()),
    "p": "margin: .35em 0; max-width: 50em",
    ".verdict": "margin: .3em 0 .8em; padding: .1em 0 .1em .9em; "
    "border-left: .3em solid var(--tone, rgba(128, 128, 128, .5))",
    ".title": "font-size: .9em; opacity: .8",
    ".word": "font-size: 1.5em; font-weight: 700; line-height: 1.25",
    ".sentence": "font-size: 1.1em",
    ".soft, small": "font-size: .85em; opacity: .8",
    ".biased": r'--tone: var(--biased); --sign: "\25C6"',
    ".within-tolerance": r'--tone: var(--within); --sign: "\25CF"',
    ".inconclusive": r'--tone: var(--inconclusive); --sign: "\25A0"',
    ".badge": "font-weight: 600; white-space: nowrap",
    ".badge::before, .word::before": 'content: var(--sign, "") "\\A0" / ""; color: var(--tone)',
    ".charts": "display: flex; flex-wrap: wrap; gap: 1em 2em; margin: .8em 0",
    "figure": "flex: 1 1 20em; min-width: 0; max-width: 30em; margin: 0; padding: 0",
    "figcaption, caption": "font-size: 1em; font-weight: 600; text-align: left; padding: 0 0 .3em; "
    "color: inherit; caption-side: top",
    "svg": "display: block; width: 100%; max-width: 30em; height: auto; background: none",
    ".scroll": "overflow-x: auto; margin: .8em 0",
    ".scroll:focus-visible": "outline: 2px solid var(--within); outline-offset: 2px",
    "table": "table-layout: auto; border-collapse: collapse; border: 0; margin: 0; width: auto; "
    "font-size: .9em; font-variant-numeric: tabular-nums; color: inherit; background: none; "
    "overflow-wrap: normal",
    "thead, tbody": "border: 0",
    "tr, tbody tr, tbody tr:nth-child(n)": "background: none",
    "th, td": "padding: .3em 1em .3em 0; text-align: left; vertical-align: top; border: 0; "
    "border-bottom: 1px solid rgba(128, 128, 128, .35); line-height: 1.35; max-width: 26em; "
    "white-space: nowrap; font-weight: 400; color: inherit; background: none; "
    "unicode-bidi: isolate",
    "th": "font-weight: 600; vertical-align: bottom",
    "th.r, td.r": "text-align: right",
    "td.long": "white-space: normal; min-width: 14em; overflow-wrap: anywhere",
    "td small": "display: block; white-space: normal; max-width: 16em",
    "tr.chosen td": "font-weight: 700",
    "tr.next td": "border-bottom-color: transparent",
    "mark": "background: rgba(230, 159, 0, .3); color: inherit; padding: .05em .3em; "
    "border-radius: .2em",
}
"""Rules by what they are for, inside of a piece."""

_SPACES = re.compile(r"(?<=[:;,]) ")
_LONG = 36
"""Characters from which on a cell breaks its line."""


class Cell(NamedTuple):
    """One cell of a table; a ``changed`` one stands out, a verdict has its sign."""

    text: str
    tone: str = "plain"
    note: str = ""


class Column(NamedTuple):
    """The head of a column."""

    title: str
    numeric: bool = False


def piece(*parts: Markup) -> str:
    """Put parts together into what a notebook shows.

    Examples
    --------
    >>> piece(paragraph("1 < 2")).endswith("</style><p>1 &lt; 2</p></div>")
    True
    """
    whole = Markup('<div class="{}"><style>{}</style>{}</div>')
    return str(whole.format(_CLASS, _STYLE, Markup("").join(parts)))


def paragraph(text: str, kind: str = "") -> Markup:
    """Write a paragraph; `kind` is one of those that the style knows.

    Examples
    --------
    >>> paragraph("a & b", "soft")
    Markup('<p class="soft">a &amp; b</p>')
    """
    if not kind:
        return Markup("<p>{}</p>").format(text)
    return Markup('<p class="{}">{}</p>').format(kind, text)


def badge(tone: str) -> Markup:
    """Write a verdict with its sign.

    Examples
    --------
    >>> badge("within tolerance")
    Markup('<span class="badge within-tolerance">within tolerance</span>')
    """
    return Markup('<span class="badge {}">{}</span>').format(tone.replace(" ", "-"), tone)


def verdict(tone: str | None, *parts: Markup, title: str = "") -> Markup:
    """Write what a reader shall know first: a title, the verdict if there is one, and more."""
    kind = "verdict" + (f" {tone.replace(' ', '-')}" if tone else "")
    said = [paragraph(title, "title")] if title else []
    said += [paragraph(tone, "word")] if tone else []
    return Markup('<div class="{}">{}</div>').format(kind, Markup("").join([*said, *parts]))


def table(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    most: int = MOST_ROWS,
    *,
    chosen: int | None = None,
    together: int = 1,
) -> Markup:
    """Write a table, and how many rows more there are.

    Parameters
    ----------
    title : str
    columns : sequence of Column
    rows : sequence of sequences of Cell
        Each has a cell for each column.
    most : int
        Rows that are shown.
    chosen : int, optional
        The row that stands out.
    together : int
        How many rows, one below the other, are about the same; a line stands below them.

    Examples
    --------
    >>> shown = table("Ages", [Column("Age", True)], [[Cell("41")], [Cell("<1")]], most=1)
    >>> '<td class="r">41</td>' in shown, "1 more row" in shown, "<1" in shown
    (True, True, False)
    """
    head = Markup('<th scope="col"{}>{}</th>')
    heads = [head.format(_right(column), column.title) for column in columns]
    body = []
    for i, row in enumerate(rows[:most]):
        kind = "chosen" if i == chosen else "next" if (i + 1) % together else ""
        marked = Markup(' class="{}"').format(kind) if kind else ""
        cells = [_cell(cell, column) for cell, column in zip(row, columns, strict=True)]
        body.append(Markup("<tr{}>{}</tr>").format(marked, Markup("").join(cells)))
    left = len(rows) - most
    more = f"and {left:,} more {'row' if left == 1 else 'rows'}"
    return Markup(
        '<div class="scroll" tabindex="0" role="group" aria-label="{}">'
        "<table><caption>{}</caption><thead><tr>{}</tr></thead>"
        "<tbody>{}</tbody></table>{}</div>"
    ).format(
        title,
        title,
        Markup("").join(heads),
        Markup("").join(body),
        paragraph(more, "soft") if left > 0 else "",
    )


def values(
    title: str,
    columns: Mapping[str, Sequence[Any]],
    changed: Mapping[str, Sequence[bool]] | None = None,
    *,
    together: int = 1,
) -> Markup:
    """Write a table of anybody's values.

    Parameters
    ----------
    title : str
    columns : mapping of str to sequence
        Values by column, all of one length; of more than 12 columns, the first 12 are shown.
    changed : mapping of str to sequence of bool, optional
        Which values stand out.
    together : int
        How many rows, one below the other, are about the same.

    Examples
    --------
    >>> shown = values("First rows", {"age": [41], "name": [None]})
    >>> '<td class="r">41</td><td>missing</td>' in shown
    True
    """
    shown = list(columns)[:MOST_COLUMNS]
    if len(shown) < len(columns):
        title += f" ({len(shown)} of {len(columns):,} columns)"
    heads = [Column(name(key), _numeric(columns[key])) for key in shown]
    cells = []
    for key in shown:
        marks = (changed or {}).get(key) or [False] * len(columns[key])
        pairs = zip(columns[key], marks, strict=True)
        cells.append([Cell(value(v), "changed" if marked else "plain") for v, marked in pairs])
    return table(title, heads, list(zip(*cells, strict=True)), together=together)


def listed(names: Iterable[object], most: int = 8) -> str:
    """List names that somebody else chose, and how many more there are.

    Examples
    --------
    >>> listed("abc"), listed("abcd", 2)
    ('a, b, c', 'a, b and 2 more')
    """
    every = list(names)
    told = ", ".join(name(each) for each in every[:most])
    return told if len(every) <= most else f"{told} and {len(every) - most:,} more"


def _cell(cell: Cell, column: Column) -> Markup:
    kind = _right(column)
    if not kind and len(cell.text) > _LONG:
        kind = Markup(' class="long"')
    text: Markup | str = cell.text
    if cell.tone == "changed":
        text = Markup("<mark>{}</mark>").format(cell.text)
    elif cell.tone in VERDICTS:
        text = badge(cell.tone) if cell.text == cell.tone else _signed(cell)
    note = Markup("<small>{}</small>").format(cell.note) if cell.note else ""
    return Markup("<td{}>{}{}</td>").format(kind, text, note)


def _signed(cell: Cell) -> Markup:
    kind = cell.tone.replace(" ", "-")
    return Markup('<span class="badge {}">{}</span>').format(kind, cell.text)


def _right(column: Column) -> Markup:
    return Markup(' class="r"') if column.numeric else Markup("")


def _numeric(cells: Sequence[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(
        isinstance(cell, int | float) and not isinstance(cell, bool) for cell in known
    )


def _scoped(rules: Mapping[str, str]) -> str:
    """Write rules for what is inside a piece, and for nothing else."""
    inside = f".{_CLASS}.{_CLASS}"
    return "".join(
        ",".join(f"{inside} {part.strip()}".strip() for part in selector.split(","))
        + "{"
        + _SPACES.sub("", declarations)
        + "}"
        for selector, declarations in rules.items()
    )


# Our own words, in which nothing is to be escaped.
_STYLE = Markup(_scoped(_RULES))  # noqa: S704
