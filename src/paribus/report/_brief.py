"""Drawings as tables of few rows, for a format that cannot draw them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from paribus._text import number, shortened
from paribus.report._parts import (
    Cell,
    Column,
    Heights,
    Histogram,
    Line,
    Lines,
    Scatter,
    Table,
    Tradeoff,
)
from paribus.report._tradeoff import told

_MOST_LINES = 8
_MOST_DOTS = 12
_MOST_BLOCKS = 16
_BLOCKS = "▁▂▃▄▅▆▇█"
_LABEL = 24
_PLACE = 12
_TITLE = 40
_COURSE = 22
_VERDICTS = {"biased", "within tolerance", "inconclusive"}

Some = TypeVar("Some")
Rows = list[tuple[Cell, ...]]


def as_table(part: Lines | Scatter | Tradeoff | Histogram) -> Table:
    """Write a drawing as a table.

    Parameters
    ----------
    part : Lines, Scatter, Tradeoff or Histogram
        What to write.

    Returns
    -------
    Table
        Of the lines and groups, the first eight; of the dots, the first twelve; of the
        candidates, the sixteen most telling; then how many more there are.
    """
    match part:
        case Lines():
            return _lines(part)
        case Scatter():
            return _dots(part)
        case Tradeoff():
            return _candidates(part)
        case Histogram():
            return _heights(part)


def _lines(chart: Lines) -> Table:
    """Show the course of each line as blocks, its first and last number, and its alarms."""
    told = [line for line in chart.lines if line.tone != "muted"] or list(chart.lines)
    told = told[:_MOST_LINES]
    values = [point.y for line in told for point in line.points]
    low, high = min(values, default=0.0), max(values, default=0.0)
    alarmed = any(point.alarm for line in told for point in line.points)
    columns = [
        Column(""),
        Column(shortened(chart.along, _COURSE)),
        Column("First", numeric=True, extra=True),
        Column("Last", numeric=True),
        *([Column("Alarms")] if alarmed else []),
    ]
    rows: Rows = []
    for line in told:
        first, last = (line.points[0].text, line.points[-1].text) if line.points else ("", "")
        course = _blocks([point.y for point in line.points], low, high)
        cells = [Cell(shortened(line.label, _LABEL)), Cell(course), Cell(first), Cell(last)]
        alarms = _alarms(chart, line)
        rows.append((*cells, *([Cell(alarms, "biased" if alarms else "plain")] if alarmed else [])))
    return _table(chart.title, columns, rows, len(chart.lines))


def _alarms(chart: Lines, line: Line) -> str:
    places = [
        chart.labels[int(point.x)]
        if chart.labels is not None and 0 <= point.x < len(chart.labels)
        else number(point.x)
        for point in line.points
        if point.alarm
    ]
    if len(places) < 2:
        return "".join(shortened(place, _PLACE) for place in places)
    return f"{len(places):,} from {shortened(places[0], _PLACE)}"


def _dots(chart: Scatter) -> Table:
    told = chart.dots[:_MOST_DOTS]
    judged = any(dot.tone in _VERDICTS for dot in told)
    columns = [
        Column(""),
        Column(shortened(chart.along, _TITLE)),
        Column(shortened(chart.axis, _TITLE)),
        *([Column("Verdict")] if judged else []),
    ]
    rows: Rows = []
    for dot in told:
        cells = (Cell(shortened(dot.label, _LABEL)), Cell(dot.along.text), Cell(dot.up.text))
        verdict = Cell(dot.tone, dot.tone) if dot.tone in _VERDICTS else Cell("")
        rows.append((*cells, *([verdict] if judged else [])))
    return _table(chart.title, columns, rows, len(chart.dots))


def _candidates(chart: Tradeoff) -> Table:
    places = told(chart)
    judged = any(chart.dots[i].tone in _VERDICTS for i in places)
    signs = {i: _signs(chart, i) for i in places}
    columns = [
        Column("Candidate"),
        Column(shortened(chart.along, _TITLE), numeric=True),
        Column(shortened(chart.axis, _TITLE), numeric=True),
        *([Column("Verdict", extra=True)] if judged else []),
        *([Column("Signs")] if any(signs.values()) else []),
    ]
    rows: Rows = []
    for i in places:
        dot = chart.dots[i]
        cells = [Cell(shortened(dot.label, _LABEL)), Cell(dot.along.text), Cell(dot.up.text)]
        if judged:
            cells.append(Cell(dot.tone, dot.tone) if dot.tone in _VERDICTS else Cell(""))
        rows.append((*cells, *([Cell(signs[i])] if any(signs.values()) else [])))
    return _table(chart.title, columns, rows, len(chart.dots))


def _signs(chart: Tradeoff, place: int) -> str:
    signs = {
        "as it is": place == chart.start,
        "recommended": place == chart.chosen,
        "front": place in chart.front,
        "needs attribute": place in chart.needs,
    }
    return ", ".join(sign for sign, holds in signs.items() if holds)


def _heights(chart: Histogram) -> Table:
    told = chart.groups[:_MOST_LINES]
    most = max((height for group in told for height in group.heights), default=0.0)
    columns = [Column(""), Column(shortened(chart.along, _COURSE)), Column("", numeric=True)]

    def row(group: Heights) -> tuple[Cell, ...]:
        course = _blocks(group.heights, 0.0, most)
        return Cell(shortened(group.label, _LABEL)), Cell(course), Cell(group.text)

    return _table(chart.title, columns, list(map(row, told)), len(chart.groups))


def _table(title: str, columns: Sequence[Column], rows: Rows, all_rows: int) -> Table:
    if all_rows > len(rows):
        more = Cell(f"and {all_rows - len(rows):,} more", "muted")
        rows.append((more, *(Cell("") for _ in columns[1:])))
    return Table(title, tuple(columns), tuple(rows))


def _blocks(values: Sequence[float], low: float, high: float) -> str:
    """Draw numbers as blocks; of too many, evenly chosen ones with both ends."""
    # Halves, so that the range of two very large numbers stays finite.
    reach = high / 2 - low / 2
    most = len(_BLOCKS) - 1
    parts = ((value / 2 - low / 2) / reach if reach else 0.0 for value in _chosen(values))
    return "".join(_BLOCKS[min(most, max(0, round(part * most)))] for part in parts)


def _chosen(values: Sequence[Some]) -> Iterator[Some]:
    last = len(values) - 1
    if last < _MOST_BLOCKS:
        yield from values
        return
    for i in range(_MOST_BLOCKS):
        yield values[i * last // (_MOST_BLOCKS - 1)]
