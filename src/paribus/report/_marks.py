"""Rows of evidence as the marks of a chart and the cells of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeVar

from paribus._text import name
from paribus.evidence.base import Row
from paribus.findings import Finding
from paribus.record import Record
from paribus.report._parts import Cell, Chart, Mark, Tone
from paribus.report._wording import EXCESS, SHARES, UNITS, bound, seen, shown, span

MOST_MARKS = 24
"""Rows of a chart. Where there are more, the widest gaps are drawn and the table has all."""

MANY_ATTRIBUTES = 12
"""Where there are more, one chart shows the widest gaps of all instead of one chart for each."""

_VERDICTS = frozenset({"biased", "within tolerance", "inconclusive"})

Weighed = TypeVar("Weighed", Row, Finding)


def contrasts(rows: Iterable[Weighed]) -> dict[tuple[str, str, str], list[Weighed]]:
    """Put the rows of each contrast together, in their order."""
    found: dict[tuple[str, str, str], list[Weighed]] = {}
    for row in rows:
        found.setdefault((row.attribute, row.reference, row.group), []).append(row)
    return found


def change(row: Row | Finding) -> str:
    """Write what is compared: ``Male → Female``."""
    return f"{name(row.reference)} → {name(row.group)}" if row.reference else name(row.group)


def whole_change(row: Row | Finding) -> str:
    """Write what is compared, with the attribute: ``gender: Male → Female``."""
    return f"{name(row.attribute)}: {change(row)}"


def units_of(rows: Sequence[Row | Finding]) -> list[str]:
    """List the units that rows come in, in the order of the charts."""
    present = {row.unit for row in rows}
    return [unit for unit in UNITS if unit in present]


def mark(row: Row | Finding, label: str, p: str = "", tone: Tone = "plain") -> Mark:
    """Turn a row into the mark of a chart."""
    estimate, low, high = seen(row)
    return Mark(
        label=label,
        estimate=estimate,
        low=low,
        high=high,
        text=shown(row),
        span=span(row),
        p=p,
        tone=tone,
    )


def chart(
    kind: Literal["gaps", "rates", "ratios"],
    title: str,
    unit: str,
    marks: Sequence[Mark],
    record: Record,
    detail: bool = False,
) -> Chart:
    """Draw marks of one unit."""
    drawn, some = few_of(marks, kind)
    title += some
    against, equal = "", ""
    if kind == "gaps":
        against = f" Tolerance: {bound(record.tolerance, unit)}."
        equal = f"counts as equal: up to {bound(record.tolerance, unit)}"
    return Chart(
        kind=kind,
        title=title,
        description=f"{title}, {with_intervals(record)}. {told(drawn)}.{against}",
        axis=UNITS[unit].axis,
        share=unit in SHARES,
        marks=tuple(drawn),
        band=band(unit, marks, record) if kind == "gaps" else None,
        detail=detail,
        band_label=equal,
    )


def few_of(marks: Sequence[Mark], kind: str) -> tuple[list[Mark], str]:
    """Choose what a chart has room for, and say what was chosen."""
    if len(marks) <= MOST_MARKS:
        return list(marks), ""
    half = MOST_MARKS // 2
    if kind == "gaps":
        kept = sorted(marks, key=lambda mark: -abs(mark.estimate))[:MOST_MARKS]
        return kept, f" (the {MOST_MARKS} widest of {len(marks):,})"
    ranked = sorted(range(len(marks)), key=lambda i: marks[i].estimate)
    ends = {*ranked[:half], *ranked[-half:]}
    kept = [each for i, each in enumerate(marks) if i in ends]
    return kept, f" (the {half} lowest and the {half} highest of {len(marks):,})"


def with_intervals(record: Record) -> str:
    """Say what stands beside the numbers of a chart."""
    if record.exhaustive:
        return "exact over the declared domain"
    return f"with {record.confidence * 100:g} % intervals"


def told(marks: Sequence[Mark], most: int = 8) -> str:
    """Read the first marks of a chart out."""
    said = [
        f"{each.label}: {each.text}"
        + (f" ({each.span})" if each.span else "")
        + (f", {each.tone}" if each.tone in _VERDICTS else "")
        for each in marks[:most]
    ]
    more = [f"and {len(marks) - most} more"] if len(marks) > most else []
    return "; ".join(said + more)


def band(unit: str, marks: Sequence[Mark], record: Record) -> tuple[float, float]:
    """Give the range of gaps that count as equal."""
    tolerance = record.tolerance
    if UNITS[unit].one_sided:
        return 0.0, tolerance
    if unit in EXCESS:
        # That a mere change of name moves more is no bias, however much more.
        return min(-tolerance, *(each.low for each in marks)), tolerance
    return -tolerance, tolerance


def answered(row: Row | Finding) -> Cell:
    """Count the answered pairs."""
    whole = row.answered == row.people
    return Cell(f"{row.answered:,}" if whole else f"{row.answered:,} of {row.people:,}")


def confidence(record: Record) -> str:
    """Head the column of intervals."""
    return f"{record.confidence * 100:g} % interval"
