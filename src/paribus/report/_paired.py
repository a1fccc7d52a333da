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
from paribus.report._parts import Cell, Column, Paragraph, Part, Section, Table
from paribus.report._wording import UNITS, certain, fifths, shown, span

MOST_ROWS = 600
"""Rows of all tables together; of the rest, each attribute shows its widest changes."""

MOST_BRIEF = 3
"""Changes that a short format shows: the widest."""

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
    brief = [row for key in sorted(every, key=lambda k: -_size(every[k])) for row in every[key]]
    few = list(contrasts(brief).values())[:MOST_BRIEF]
    parts.append(_brief([row for mine in few for row in mine], record))
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
    return UNITS[row.unit].measure


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
    gaps = [abs(row.estimate) for row in rows if row.unit in {"net gap", "score gap", "Cohen's h"}]
    return max(gaps, default=0.0)


def _ratios(rows: Sequence[Row], record: Record) -> Iterator[Part]:
    ratios = [row for row in rows if row.unit == "impact ratio"]
    attributes = list(dict.fromkeys(row.attribute for row in ratios))
    if len(attributes) > MANY_ATTRIBUTES:
        lowest = sorted(ratios, key=lambda row: row.estimate)[:20]
        marks = [mark(row, _labeled(row, whole_change(row))) for row in lowest]
        yield chart("ratios", "The lowest impact ratios", "impact ratio", marks, record)
        return
    for attribute in attributes:
        mine = [row for row in ratios if row.attribute == attribute]
        marks = [mark(row, _labeled(row, name(row.group))) for row in mine]
        title = f"Impact ratio by {name(attribute)}, against {name(mine[0].reference)}"
        yield chart("ratios", title, "impact ratio", marks, record)


def _labeled(row: Row, label: str) -> str:
    said = fifths(row)
    return f"{label}: {said}" if said else label


def _table(title: str, rows: Sequence[Row], record: Record) -> Table:
    exact = all(row.exact for row in rows)
    columns = (
        Column("Change"),
        Column("Measure"),
        Column("Value", numeric=True),
        *([] if exact else [Column(confidence(record), numeric=True), Column("p", numeric=True)]),
        Column("Method", small=True),
    )
    cells = tuple(
        (
            # Said once, so that the eye finds where the next change begins.
            Cell(change(row) if row is first else ""),
            Cell(measure(row)),
            Cell(shown(row)),
            *([] if exact else [Cell(span(row)), Cell(certain(row))]),
            Cell(method(row)),
        )
        for mine in contrasts(rows).values()
        for first in mine[:1]
        for row in mine
    )
    return Table(title, columns, cells, detail=True, folded=True)


def _brief(rows: Sequence[Row], record: Record) -> Table:
    one = len(contrasts(rows)) == 1
    columns = (
        *([] if one else [Column("Change")]),
        Column("Measure"),
        Column("Value", numeric=True),
        Column(confidence(record), numeric=True),
        Column("p", numeric=True),
    )
    cells = tuple(
        (
            *([] if one else [Cell(whole_change(row))]),
            Cell(measure(row)),
            Cell(shown(row)),
            Cell(span(row)),
            Cell(certain(row)),
        )
        for row in rows
        if not (row.unit == "gap quantile" and row.method.startswith(("25", "75")))
    )
    changes = dict.fromkeys(whole_change(row) for row in rows)
    title = next(iter(changes)) if one else f"The {len(changes)} widest changes"
    return Table(title, columns, cells, brief=True)
