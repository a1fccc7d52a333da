"""The same pairs, weighed otherwise: the tests and effect sizes that a reader may look for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from paribus._text import name, visible
from paribus.evidence.base import Row
from paribus.record import Record
from paribus.report._marks import (
    MANY_ATTRIBUTES,
    change,
    chart,
    confidence,
    contrasts,
    mark,
    whole_change,
)
from paribus.report._parts import (
    Cell,
    Column,
    Paragraph,
    Part,
    Section,
    Statement,
    Statements,
    Table,
)
from paribus.report._wording import UNITS, certain, fifths, shown, span

MOST_ROWS = 600
"""Rows of all tables together; of the rest, each attribute shows its widest changes."""

MOST_BRIEF = 2
"""Changes that a short format shows: the widest."""

MOST_SAID = 8
"""Impact ratios of an attribute that are said in words."""

Contrast = tuple[str, str, str]


def paired(record: Record) -> Iterator[Section]:
    """Show what other tests and effect sizes make of the same pairs, if the record says so."""
    rows = [row for row in record.evidence if row.test == "paired"]
    if not rows:
        return
    every = contrasts(rows)
    shown_here = _widest_of_each(every)
    parts: list[Part] = [*_ratios(rows, record)]
    for attribute in dict.fromkeys(row.attribute for row in rows):
        mine = [row for key in shown_here if key[0] == attribute for row in every[key]]
        parts.append(_table(f"{name(attribute)}, weighed otherwise", mine, record))
    widest = sorted(every, key=lambda key: -_size(every[key]))
    parts += [_brief(every[key], record) for key in widest[:MOST_BRIEF]]
    intro = (
        "Other tests and effect sizes of the same pairs. Verdicts rest on none of them. Pairs "
        "without an answer are left out here."
    )
    if any(row.unit == "impact ratio" for row in rows):
        intro += (
            " Four fifths is the rule of thumb of 29 CFR 1607.4(D) for ratios of favorable rates, "
            "and no verdict."
        )
    rest = len(every) - len(shown_here)
    if rest > 0:
        intro += f" {rest:,} more changes are in the JSON record."
    yield Section("The same pairs, weighed otherwise", (Paragraph(intro),), tuple(parts))


def method(row: Row) -> str:
    """Say how a number was computed, and where an impact ratio lies."""
    said = fifths(row) if row.unit == "impact ratio" else ""
    return "; ".join(filter(None, (said, visible(row.method))))


def measure(row: Row) -> str:
    """Name what is measured; of quantiles, which."""
    if row.unit == "gap quantile" and " quantile" in row.method:
        return f"{visible(row.method).split(' quantile')[0]} quantile of the gap"
    said = UNITS[row.unit].measure
    if row.unit == "net gap" and " interval" in row.method:
        return f"{said} ({visible(row.method).split(' interval')[0]})"
    return said


def _widest_of_each(every: dict[Contrast, list[Row]]) -> list[Contrast]:
    attributes = list(dict.fromkeys(key[0] for key in every))
    longest = max(map(len, every.values()))
    each = max(1, MOST_ROWS // (len(attributes) * longest))
    kept: set[Contrast] = set()
    for attribute in attributes:
        mine = sorted((k for k in every if k[0] == attribute), key=lambda k: -_size(every[k]))
        kept.update(mine[:each])
    return [key for key in every if key in kept]


def _size(rows: Sequence[Row]) -> float:
    sizes = {"net gap", "score gap", "Cohen's h", "Stuart-Maxwell"}
    gaps = [abs(row.estimate) for row in rows if row.unit in sizes]
    return max(gaps, default=0.0)


def _ratios(rows: Sequence[Row], record: Record) -> Iterator[Part]:
    ratios = [row for row in rows if row.unit == "impact ratio"]
    attributes = list(dict.fromkeys(row.attribute for row in ratios))
    many = len(attributes) > MANY_ATTRIBUTES
    if many:
        lowest = sorted(ratios, key=lambda row: row.estimate)[:20]
        marks = [mark(row, whole_change(row)) for row in lowest]
        yield chart("ratios", "The lowest impact ratios", "impact ratio", marks, record)
        return
    drawn = []
    said = []
    for attribute in attributes:
        mine = [row for row in ratios if row.attribute == attribute]
        marks = [mark(row, name(row.group)) for row in mine]
        title = f"Impact ratio by {name(attribute)}, against {name(mine[0].reference)}"
        drawn.append(chart("ratios", title, "impact ratio", marks, record))
        said.append(Statement(f"{title}: {_held(mine)}."))
    if said:
        yield Statements("Four fifths", tuple(said))
    yield from drawn


def _held(rows: Sequence[Row]) -> str:
    """Hold impact ratios against four fifths, in words."""
    below = [row for row in rows if fifths(row)]
    said = [
        f"{name(row.group)} {shown(row)} ({span(row)}), {fifths(row)}" for row in below[:MOST_SAID]
    ]
    if len(below) > MOST_SAID:
        said.append(f"{len(below) - MOST_SAID:,} more are not above four fifths")
    if len(below) < len(rows):
        said.append("all others above four fifths" if below else "all above four fifths")
    return "; ".join(said)


def _table(title: str, rows: Sequence[Row], record: Record) -> Table:
    exact = all(row.exact for row in rows)
    columns = (
        Column("Change"),
        Column("Measure"),
        Column("Value", numeric=True),
        *([] if exact else [Column(confidence(record), numeric=True), Column("p", numeric=True)]),
    )
    cells = tuple(
        (
            # Said once, so that the eye finds where the next change begins.
            Cell(change(row) if row is first else ""),
            Cell(measure(row), note=method(row)),
            Cell(shown(row)),
            *([] if exact else [Cell(span(row)), Cell(certain(row))]),
        )
        for mine in contrasts(rows).values()
        for first in mine[:1]
        for row in mine
    )
    return Table(title, columns, cells, detail=True, folded=True)


def _brief(rows: Sequence[Row], record: Record) -> Table:
    intervals = any(span(row) for row in rows)
    certainty = any(certain(row) for row in rows)
    columns = (
        Column("Measure"),
        Column("Value", numeric=True),
        *([Column(confidence(record), numeric=True)] if intervals else []),
        *([Column("p", numeric=True)] if certainty else []),
    )
    cells = tuple(
        (
            Cell(measure(row)),
            Cell(shown(row)),
            *([Cell(span(row))] if intervals else []),
            *([Cell(certain(row))] if certainty else []),
        )
        for row in rows
        if not (row.unit == "gap quantile" and row.method.startswith(("25", "75")))
    )
    return Table(whole_change(rows[0]), columns, cells, brief=True)
