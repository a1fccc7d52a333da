"""What was held against the tolerance, line by line: for formats that have no page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from paribus._text import name, percent, value
from paribus.evidence.base import Row
from paribus.findings import Finding
from paribus.record import Record, Witness
from paribus.report._marks import whole_change
from paribus.report._measured import ends, question, tolerated, written
from paribus.report._regions import rule
from paribus.report._wording import UNITS, bound, certain, note, shown, span

SIGNS = {"biased": "❌", "within tolerance": "✅", "inconclusive": "❔"}
"""Signs that differ in shape: nobody has to see a color."""

MOST_WITNESSES = 2
_MOST_VALUES = 12
_ORDER = ("biased", "inconclusive", "within tolerance")


class Told(NamedTuple):
    """A finding, piece by piece, in words."""

    what: str
    estimate: str
    interval: str
    tolerance: str
    p: str
    method: str


def told(finding: Finding) -> Told:
    """Write the pieces of a finding as all other reports write them."""
    if finding.stage == "model":
        return Told(
            f"{whole_change(finding)}, {UNITS[finding.unit].measure}",
            shown(finding),
            span(finding),
            bound(finding.tolerance, finding.unit),
            certain(finding),
            note(finding),
        )
    return Told(
        question(finding),
        written(finding),
        ends(finding),
        tolerated(finding),
        certain(finding),
        note(finding),
    )


def urgent(findings: Sequence[Finding]) -> list[Finding]:
    """Sort findings: what is biased first, then what is not settled."""
    return sorted(findings, key=lambda finding: _ORDER.index(finding.verdict))


def region(row: Row) -> str:
    """Write where a gap lives, in one line."""
    shares = [
        f"{percent(part)} of {what}"
        for part, what in (
            (row.share, "people"),
            (row.explained, "the gap"),
            (row.stability, "resamples found it again"),
        )
        if part is not None
    ]
    size = f"{shown(row)} ({span(row)})"
    return "; ".join([f"{whole_change(row)}, {rule(row)}: {size}", *shares])


def witnesses_of(finding: Finding, record: Record) -> list[str]:
    """Write up to two pairs of twins whom the model treats differently, one a line."""
    about = (finding.attribute, finding.reference, finding.group)
    mine = [w for w in record.witnesses if (w.attribute, w.reference, w.group) == about]
    return [_line(witness) for witness in mine[:MOST_WITNESSES]]


def _line(witness: Witness) -> str:
    sides = (
        (witness.reference, witness.reference_answer, witness.reference_values),
        (witness.group, witness.group_answer, witness.group_values),
    )
    answers = " but ".join(
        f"{'no answer' if answer is None else value(answer)} as {name(level)} ({_listed(values)})"
        for level, answer, values in sides
    )
    return f"person {witness.person}: {answers}; the same: {_listed(witness.same)}"


def _listed(values: dict[str, object]) -> str:
    some = list(values.items())[:_MOST_VALUES]
    shown = [f"{name(key)}={value(content)}" for key, content in some]
    more = [f"and {len(values) - len(shown)} more"] if len(values) > len(shown) else []
    return ", ".join(shown + more) or "nothing"
