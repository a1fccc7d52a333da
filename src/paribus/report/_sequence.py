"""When a verdict was settled, in an audit that may stop early."""

from __future__ import annotations

from collections.abc import Iterator

from paribus.evidence.base import Row
from paribus.record import Record
from paribus.report._marks import contrasts, mark, whole_change
from paribus.report._parts import Cell, Column, Curve, Mark, Paragraph, Section, Stretch, Table
from paribus.report._wording import SHARES, UNITS, show, shown, span

MOST_CHARTS = 6
"""Contrasts whose interval is followed: the first ones."""


def sequence(record: Record) -> Iterator[Section]:
    """Show how the intervals narrowed, if the audit could stop at any time."""
    rows = [row for row in record.evidence if row.trail and row.reference]
    if not rows:
        return
    firsts = [max(mine, key=_rank) for mine in contrasts(rows).values()]
    intro = (
        "The interval of a gap narrows with every person who is asked. All of these intervals hold "
        "at once, so looking early costs no certainty."
    )
    rest = len(firsts) - MOST_CHARTS
    if rest > 0:
        intro += f" The first {MOST_CHARTS} of {len(firsts):,} comparisons are drawn."
    yield Section(
        "When the verdicts were settled",
        (Paragraph(intro),),
        (*(_curve(row, record) for row in firsts[:MOST_CHARTS]), _brief(rows)),
    )


def _rank(row: Row) -> tuple[bool, int]:
    # A gap with a sign says more than how many change.
    return not UNITS[row.unit].one_sided, UNITS[row.unit].rank


def _curve(row: Row, record: Record) -> Curve:
    tolerance = record.tolerance
    one_sided = UNITS[row.unit].one_sided
    write = show(row.unit)
    stretches = []
    for step in row.trail:
        middle = min(max(row.estimate, step.low), step.high)
        text = f"{write(step.low)} to {write(step.high)}"
        label = f"{step.pairs:,} people"
        stretches.append(
            Stretch(
                float(step.pairs),
                float(step.pairs),
                Mark(label, middle, step.low, step.high, text, ""),
            )
        )
    title = f"{whole_change(row)}, {UNITS[row.unit].measure}"
    settled = f" Settled after {row.settled:,} people." if row.settled is not None else ""
    last = mark(row, "in the end")
    return Curve(
        kind="sequence",
        title=title,
        description=f"{title}: in the end {last.text} ({last.span}).{settled}",
        along="people asked",
        axis=UNITS[row.unit].axis,
        share=row.unit in SHARES,
        stretches=tuple(stretches),
        band=(0.0 if one_sided else -tolerance, tolerance),
        detail=True,
    )


def _brief(rows: list[Row]) -> Table:
    columns = (
        Column("Change"),
        Column("Of what"),
        Column("Gap", numeric=True),
        Column("Interval", numeric=True, extra=True),
        Column("Settled after", numeric=True),
    )
    cells = tuple(
        (
            Cell(whole_change(row)),
            Cell(UNITS[row.unit].measure),
            Cell(shown(row)),
            Cell(span(row)),
            Cell("not settled" if row.settled is None else f"{row.settled:,}"),
        )
        for row in rows
    )
    return Table("People after whom each claim was proven", columns, cells, brief=True)
