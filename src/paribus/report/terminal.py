"""The page in a terminal, for a person to read."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from paribus.record import Record
from paribus.report._parts import (
    Cell,
    Chart,
    Facts,
    Listing,
    Mark,
    Paragraph,
    Part,
    Section,
    Statements,
    Table,
)
from paribus.report.base import page

_WIDEST = 120
_SHORTEST_BAR = 10
_NEEDS_LEGEND = 6
_STYLES = {
    "biased": "bold red",
    "within tolerance": "green",
    "inconclusive": "yellow",
    "changed": "bold cyan",
    "muted": "dim",
    "plain": "",
}
_SIGNS = {"biased": "✗", "within tolerance": "✓", "inconclusive": "?"}
_ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))


def render(record: Record, *, color: bool = False, width: int | None = None) -> str:
    """Write the page as text.

    Parameters
    ----------
    record : Record
        A finished audit.
    color : bool
        Whether to color the text with terminal codes; without, it is plain text.
    width : int, optional
        Characters in a line; that of the terminal, at most 120, where it is not given.

    Returns
    -------
    str
        Lines, the last one with its line break. Nothing in the record can color the text, move the
        cursor or be taken for markup.
    """
    columns = width or min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)
    console = Console(
        file=io.StringIO(),
        width=max(columns, 40),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        force_jupyter=False,
        force_interactive=False,
    )
    content = page(record)
    verdict = Text(content.verdict.upper(), style=_STYLES[content.verdict])
    console.print(
        Panel(
            Text("\n").join([verdict, _text(content.sentence)]),
            title=_text(content.title),
            title_align="left",
            border_style=_STYLES[content.verdict],
            box=box.ROUNDED,
            padding=(0, 1),
        )
    )
    for section in content.sections:
        for line in _section(section, console.width):
            console.print(line)
    written = console.file
    assert isinstance(written, io.StringIO)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    yield Text("")
    yield _text(section.title, "bold")
    if section.brief:
        yield Padding(_text(section.brief), (0, 0, 0, 2))
        return
    for paragraph in section.intro:
        yield Padding(_text(paragraph.text, "dim"), (0, 0, 0, 2))
    for part in section.parts:
        if not getattr(part, "detail", False):
            for line in _part(part, width - 2):
                yield Padding(line, (0, 0, 0, 2))


def _part(part: Part, width: int) -> Iterator[RenderableType]:
    match part:
        case Paragraph(text=text) | Listing(text=text):
            yield _text(text)
        case Statements(items=items):
            signs = Grid.grid(padding=(0, 1, 0, 0))
            for item in items:
                sign = Text(_SIGNS.get(item.tone, "·"), style=_STYLES[item.tone])
                signs.add_row(sign, _text(item.text))
            yield signs
        case Facts(items=pairs):
            facts = Grid.grid(padding=(0, 2, 0, 0))
            for key, content in pairs:
                facts.add_row(_text(key, "dim"), _text(content))
            yield facts
        case Table():
            yield _text(part.title, "italic")
            yield _table(part, width)
        case Chart():
            yield _text(part.title, "italic")
            yield from _chart(part, width)


def _table(table: Table, width: int) -> Grid:
    kept = _kept(table, width)
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="dim")
    for index in kept:
        column = table.columns[index]
        grid.add_column(
            _text(column.title), justify="right" if column.numeric else "left", overflow="fold"
        )
    for row in table.rows:
        grid.add_row(*(_text(row[i].text, _STYLES[row[i].tone]) for i in kept))
    return grid


def _kept(table: Table, width: int) -> list[int]:
    """Leave out columns that a narrow format may leave out, the last ones first, until it fits."""

    def wanted(index: int) -> int:
        cells = [Cell(table.columns[index].title), *(row[index] for row in table.rows)]
        return 2 + min(40, max(cell_len(cell.text) for cell in cells))

    kept = list(range(len(table.columns)))
    extra = [index for index in kept if table.columns[index].extra]
    while extra and sum(map(wanted, kept)) > width:
        kept.remove(extra.pop())
    return kept


def _chart(chart: Chart, width: int) -> Iterator[RenderableType]:
    judged = any(mark.tone in _SIGNS for mark in chart.marks)
    texts, spans, ps = (
        max(cell_len(cell) for cell in cells)
        for cells in zip(*((m.text, m.span, m.p and f"p {m.p}") for m in chart.marks), strict=True)
    )
    room = width - texts - spans - ps - 2 * judged - 8
    label = min(max(cell_len(mark.label) for mark in chart.marks), max(10, room // 2), 32)
    track = min(40, room - label)
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(max_width=label + 2 * judged, no_wrap=True, overflow="ellipsis")
    if track >= _SHORTEST_BAR:
        grid.add_column(width=track, no_wrap=True)
    for _ in range(3 if ps else 2):
        grid.add_column(justify="right", no_wrap=True)
    bounds = _bounds(chart)
    for mark in chart.marks:
        style = _STYLES[mark.tone]
        sign = Text(f"{_SIGNS.get(mark.tone, ' ')} " if judged else "", style=style)
        cells = [sign.append_text(_text(mark.label))]
        if track >= _SHORTEST_BAR:
            cells.append(_bar(mark, chart.band, bounds, track))
        cells += [_text(mark.text, style), _text(mark.span, "dim")]
        if ps:
            cells.append(_text(mark.p and f"p {mark.p}", "dim"))
        grid.add_row(*cells)
    yield grid
    if judged and len(chart.marks) > _NEEDS_LEGEND:
        yield _text("   ".join(f"{sign} {word}" for word, sign in _SIGNS.items()), "dim")


def _bounds(chart: Chart) -> tuple[float, float]:
    ends = [end for mark in chart.marks for end in (mark.low, mark.high)]
    ends += [0.0, *(chart.band or ())]
    if chart.share and chart.kind == "rates":
        ends.append(1.0)
    return min(ends), max(ends)


def _bar(
    mark: Mark, band: tuple[float, float] | None, bounds: tuple[float, float], width: int
) -> Text:
    low, high = bounds
    # Halves, so that the range of two very large numbers stays finite.
    reach = (high / 2 - low / 2) or 1.0

    def place(value: float) -> int:
        return min(width - 1, max(0, round((value / 2 - low / 2) / reach * (width - 1))))

    track = [" "] * width
    if band is not None:
        for index in range(place(band[0]), place(band[1]) + 1):
            track[index] = "░"
        track[place(0.0)] = "│"
    for index in range(place(mark.low), place(mark.high) + 1):
        track[index] = "━"
    track[place(mark.estimate)] = "●"
    bar = Text("".join(track))
    bar.stylize(_STYLES[mark.tone] or "blue", place(mark.low), place(mark.high) + 1)
    return bar


def _text(text: str, style: str = "") -> Text:
    return Text(text.translate(_ISOLATES), style=style)
