"""The page in a terminal, for a person to read."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from paribus._text import logged, shortened
from paribus.record import Record
from paribus.report._brief import as_table
from paribus.report._parts import (
    Cell,
    Chart,
    Curve,
    Facts,
    HeatMap,
    Histogram,
    Lines,
    Listing,
    Mark,
    Page,
    Paragraph,
    Part,
    Scatter,
    Section,
    Statement,
    Statements,
    Table,
    Tile,
    Tradeoff,
)
from paribus.report._wording import FOUR_FIFTHS
from paribus.report.base import page

_WIDEST = 120
_SHORTEST_BAR = 10
_NEEDS_LEGEND = 6
_GUTTER = 3
"""Characters between two columns."""
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
    return write(page(record), color=color, width=width)


def write(content: Page, *, color: bool = False, width: int | None = None) -> str:
    """Write any page as text, as `render` does that of a record."""
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
    style = _STYLES[content.verdict or "plain"]
    verdict = [Text(content.verdict.upper(), style=style)] if content.verdict else []
    remarks = map(_text, content.remarks)
    console.print(
        Panel(
            Group(
                *verdict,
                _text(content.sentence),
                *_listed(map(Statement, content.advice)),
                *remarks,
            ),
            title=_text(content.title),
            title_align="left",
            border_style=style,
            box=box.ROUNDED,
            padding=(0, 1),
        )
    )
    for section in content.sections:
        if section.brief or not section.parts or not all(map(_is_detail, section.parts)):
            for line in _section(section, console.width):
                console.print(line)
    written = console.file
    assert isinstance(written, io.StringIO)
    text = "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"
    return logged(text)


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    yield Text("")
    yield _text(section.title, "bold")
    if section.brief:
        yield Padding(_text(section.brief), (0, 0, 0, 2))
        return
    for paragraph in section.intro:
        yield Padding(_text(paragraph.text, "dim"), (0, 0, 0, 2))
    for part in section.parts:
        if not _is_detail(part):
            for line in _part(part, width - 2):
                yield Padding(line, (0, 0, 0, 2))


def _is_detail(part: Part) -> bool:
    return getattr(part, "detail", False)


def _part(part: Part, width: int) -> Iterator[RenderableType]:
    match part:
        case Paragraph(text=text) | Listing(text=text):
            yield _text(text)
        case Statements(items=items):
            yield from _listed(items)
        case Facts(items=pairs):
            facts = Grid.grid(padding=(0, 2, 0, 0))
            for key, content in pairs:
                facts.add_row(_text(key, "dim"), _text(content))
            yield facts
        case Table():
            yield _text(part.title, "italic")
            yield from _table(part, width)
        case Chart():
            yield _text(part.title, "italic")
            yield from _chart(part, width)
        case Curve():
            marks = tuple(stretch.mark for stretch in part.stretches)
            yield from _part(
                Chart(
                    kind="gaps",
                    title=part.title,
                    description=part.description,
                    axis=part.axis,
                    share=part.share,
                    marks=marks,
                    band=part.band,
                ),
                width,
            )
        case HeatMap():
            yield from _map(part, width)
        case Lines() | Scatter() | Tradeoff() | Histogram():
            yield from _part(as_table(part), width)


def _listed(items: Iterable[Statement]) -> Iterator[RenderableType]:
    signs = Grid.grid(padding=(0, 1, 0, 0))
    for item in items:
        sign = Text(_SIGNS.get(item.tone, "·"), style=_STYLES[item.tone])
        signs.add_row(sign, _text(item.text))
    if signs.rows:
        yield signs


def _table(table: Table, width: int) -> Iterator[RenderableType]:
    kept = _kept(table, width)
    words = [_longest_word(table, index) for index in kept]
    if sum(words) + _GUTTER * len(kept) > width and table.rows:
        yield from _turned(table, kept, width)
        return
    grid = _grid()
    for index, wide in zip(kept, _widths(table, kept, words, width), strict=True):
        column = table.columns[index]
        side: Literal["left", "right"] = "right" if column.numeric else "left"
        grid.add_column(_text(column.title), justify=side, overflow="fold", width=wide)
    for row in table.rows:
        grid.add_row(*(_text(row[i].text, _STYLES[row[i].tone]) for i in kept))
    yield grid


def _widths(table: Table, kept: Sequence[int], words: Sequence[int], width: int) -> list[int]:
    """Give every column its longest word, and what is left to those that would be longest."""
    wanted = [_longest(table, index) for index in kept]
    wide = [min(word, want) for word, want in zip(words, wanted, strict=True)]
    left = width - sum(wide) - _GUTTER * len(kept)
    # Numbers read best on one line; of texts, the narrowest are completed first.
    for place in sorted(
        range(len(kept)), key=lambda i: (not table.columns[kept[i]].numeric, wanted[i])
    ):
        more = min(left, wanted[place] - wide[place])
        wide[place] += max(0, more)
        left -= max(0, more)
    return wide


def _longest(table: Table, index: int) -> int:
    # The head of a column of numbers may wrap.
    head = [] if table.columns[index].numeric else [table.columns[index].title]
    texts = [*head, *(row[index].text for row in table.rows)]
    return max(_longest_word(table, index), *map(cell_len, texts), 1)


def _turned(table: Table, kept: Sequence[int], width: int) -> Iterator[RenderableType]:
    """Lay a table that is too wide for its words on its side, two or more rows side by side."""
    head = max(cell_len(table.columns[index].title) for index in kept) + 2
    widest = max(cell_len(row[index].text) for row in table.rows for index in kept) + 2
    # Twins stay side by side.
    beside = max(2, (width - min(head, width // 3)) // widest // 2 * 2)
    for start in range(0, len(table.rows), beside):
        some = table.rows[start : start + beside]
        grid = _grid(show_header=False)
        grid.add_column(style="dim", max_width=width // 3, overflow="fold")
        for _ in some:
            grid.add_column(overflow="fold", max_width=(width - min(head, width // 3)) // len(some))
        for index in kept:
            cells = (_text(row[index].text, _STYLES[row[index].tone]) for row in some)
            grid.add_row(_text(table.columns[index].title), *cells)
        yield grid


def _grid(*, show_header: bool = True) -> Grid:
    return Grid(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
        header_style="dim",
        show_header=show_header,
    )


def _longest_word(table: Table, index: int) -> int:
    texts = [table.columns[index].title, *(row[index].text for row in table.rows)]
    return min(40, max((cell_len(word) for text in texts for word in text.split()), default=0))


def _kept(table: Table, width: int) -> list[int]:
    """Leave out columns that a narrow format may leave out, the last ones first, until it fits."""

    def wanted(index: int) -> int:
        cells = [Cell(table.columns[index].title), *(row[index] for row in table.rows)]
        return _GUTTER + min(40, max(cell_len(cell.text) for cell in cells))

    kept = list(range(len(table.columns)))
    extra = [index for index in kept if table.columns[index].extra]
    while extra and sum(map(wanted, kept)) > width:
        kept.remove(extra.pop())
    return kept


def _map(chart: HeatMap, width: int) -> Iterator[RenderableType]:
    """Write a heat map as a table, where it is narrow enough: its numbers are said elsewhere."""
    head = f"{chart.down} \\ {chart.along}"
    texts = {(tile.row, tile.column): tile for tile in chart.tiles}
    across = [max(cell_len(label), 4) + _GUTTER for label in chart.columns]
    down = max(map(cell_len, (head, *chart.rows))) + _GUTTER
    if down + sum(across) > width:
        return
    grid = _grid()
    grid.add_column(_text(head))
    for label in chart.columns:
        grid.add_column(_text(label), justify="right")
    for i, label in enumerate(chart.rows):
        tiles = [texts.get((i, j)) for j in range(len(chart.columns))]
        grid.add_row(_text(label), *map(_tile, tiles))
    yield _text(chart.title, "italic")
    yield grid


def _tile(tile: Tile | None) -> Text:
    if tile is None:
        return Text("")
    return _text(f"({tile.text})" if tile.faint else tile.text, "dim" if tile.faint else "")


def _chart(chart: Chart, width: int) -> Iterator[RenderableType]:
    if not chart.marks:
        return
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
        cells = [sign.append_text(_text(shortened(mark.label, label)))]
        if track >= _SHORTEST_BAR:
            cells.append(_bar(mark, chart, bounds, track))
        cells += [_text(mark.text, style), _text(mark.span, "dim")]
        if ps:
            cells.append(_text(mark.p and f"p {mark.p}", "dim"))
        grid.add_row(*cells)
    yield grid
    if judged and len(chart.marks) > _NEEDS_LEGEND:
        yield _text("   ".join(f"{sign} {word}" for word, sign in _SIGNS.items()), "dim")
    meanings = [f"┊ {line.label}" for line in chart.lines if line.label]
    if chart.reference_label and any(mark.reference is not None for mark in chart.marks):
        meanings.append(f"◇ {chart.reference_label}")
    if chart.band is not None and chart.band_label:
        meanings.append(f"░ {chart.band_label}")
    if track >= _SHORTEST_BAR and meanings:
        yield _text("   ".join(meanings), "dim")


def _bounds(chart: Chart) -> tuple[float, float]:
    ends = [end for mark in chart.marks for end in (mark.low, mark.estimate, mark.high)]
    ends += [line.x for line in chart.lines]
    ends += [mark.reference for mark in chart.marks if mark.reference is not None]
    if chart.kind == "ratios":
        # A ratio may have no upper bound: then its interval leaves the chart.
        most = 1.5 * max(1.0, *(mark.estimate for mark in chart.marks))
        return min(*ends, FOUR_FIFTHS), min(max(*ends, 1.0), most)
    ends += [0.0, *(chart.band or ())]
    if chart.share and chart.kind == "rates" and not chart.lines and chart.band is None:
        ends.append(1.0)
    return min(ends), max(ends)


def _bar(mark: Mark, chart: Chart, bounds: tuple[float, float], width: int) -> Text:
    low, high = bounds
    # Halves, so that the range of two very large numbers stays finite.
    reach = (high / 2 - low / 2) or 1.0

    def place(value: float) -> int:
        inside = min(max(value, low), high)
        return min(width - 1, max(0, round((inside / 2 - low / 2) / reach * (width - 1))))

    track = [" "] * width
    if chart.kind == "ratios":
        track[place(FOUR_FIFTHS)] = "┊"
        track[place(1.0)] = "│"
    elif chart.band is not None:
        for index in range(place(chart.band[0]), place(chart.band[1]) + 1):
            track[index] = "░"
        if chart.kind == "gaps":
            track[place(0.0)] = "│"
    if chart.kind == "bars":
        for index in range(place(0.0), place(mark.estimate) + 1):
            track[index] = "▬"
    for line in chart.lines:
        track[place(line.x)] = "┊"
    if mark.low < mark.high:
        for index in range(place(mark.low), place(mark.high) + 1):
            track[index] = "━"
    track[place(mark.estimate)] = "●"
    if mark.reference is not None:
        track[place(mark.reference)] = "◇"
    bar = Text("".join(track))
    bar.stylize(_STYLES[mark.tone] or "blue", place(mark.low), place(mark.high) + 1)
    return bar


def _text(text: str, style: str = "") -> Text:
    return Text(text.translate(_ISOLATES), style=style)
