"""What each group is answered: favorable rates, or mean answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from paribus._text import name
from paribus.evidence.base import Row
from paribus.record import Record
from paribus.report._marks import MANY_ATTRIBUTES, chart, confidence, mark
from paribus.report._parts import Cell, Column, Paragraph, Part, Section, Table
from paribus.report._wording import UNITS, shown, span


def rates(record: Record) -> Iterator[Section]:
    """Show the rate of favorable answers, or the mean answer, of every group."""
    rows = [
        row
        for row in record.evidence
        if row.unit in {"favorable rate", "mean answer"} and row.contrast != "placebo"
    ]
    if not rows:
        return
    favorable = any(row.unit == "favorable rate" for row in rows)
    parts: list[Part] = []
    order = list(dict.fromkeys(row.attribute for row in rows))
    for (attribute, unit), family in groupby(
        sorted(rows, key=lambda row: (order.index(row.attribute), row.unit)),
        key=lambda row: (row.attribute, row.unit),
    ):
        members = list(family)
        title = f"{UNITS[unit].title} by {name(attribute)}"
        if len({row.attribute for row in rows}) <= MANY_ATTRIBUTES:
            marks = [mark(row, name(row.group)) for row in members]
            parts.append(chart("rates", title, unit, marks, record))
        parts.append(_table(title, members, record))
    yield Section(
        "How often each group gets a favorable answer"
        if favorable
        else "What each group is answered",
        (Paragraph("The same people in every row, as members of each group in turn."),),
        # Charts first, so that a wide screen can set them side by side.
        tuple(sorted(parts, key=lambda part: part.form != "chart")),
    )


def _table(title: str, rows: Sequence[Row], record: Record) -> Table:
    columns = (
        Column("Group"),
        Column(UNITS[rows[0].unit].measure.capitalize(), numeric=True),
        Column(confidence(record), numeric=True),
        Column("Answered", numeric=True, extra=True),
    )
    cells = tuple(
        (
            Cell(name(row.group)),
            Cell(shown(row)),
            Cell(span(row)),
            Cell(f"{row.answered:,} of {row.people:,}"),
        )
        for row in rows
    )
    return Table(f"{title}, in numbers", columns, cells, detail=True, folded=True)
