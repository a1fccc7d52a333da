"""What to hear first of a record: its findings, the worst of them at the front."""

from __future__ import annotations

from paribus._text import shortened, visible
from paribus.findings import Finding
from paribus.record import Record
from paribus.report._marks import whole_change
from paribus.report._measured import ends, question, written
from paribus.report._wording import UNITS, shown, span

_URGENCY = ("biased", "inconclusive", "within tolerance")


def title(record: Record) -> str:
    """Write the name of an audit on one line."""
    return shortened(visible(record.name), 120) or "Audit"


def worst_first(record: Record) -> list[Finding]:
    """Order findings by verdict, then twins before tables, then by what tells most, then by size.

    Parameters
    ----------
    record : Record
        As `readable` gives it.
    """
    return sorted(record.findings, key=_order)


def gap(finding: Finding) -> str:
    """Write a gap with its interval, and what it is a gap of."""
    if finding.stage != "model":
        return f"{question(finding)} {written(finding)} ({ends(finding)})"
    sizes = f"{shown(finding)} ({span(finding)})"
    return f"{UNITS[finding.unit].measure} {sizes}, {whole_change(finding)}"


def _order(finding: Finding) -> tuple[int, bool, int, float]:
    twins = finding.stage == "model"
    rank = UNITS[finding.unit].rank if twins else 0
    return _URGENCY.index(finding.verdict), not twins, -rank, -abs(finding.estimate)
