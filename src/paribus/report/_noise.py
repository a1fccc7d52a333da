"""What is mere noise: models that do not repeat themselves, asked twice about the same people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from paribus._text import name, percent
from paribus.evidence.base import Row
from paribus.record import Record
from paribus.report._marks import chart, mark, whole_change
from paribus.report._parts import Paragraph, Part, Section, Statement, Statements, Tone
from paribus.report._wording import SQUARED, UNITS, effect, seen, span

_CHANGES = ("flip rate", "label change rate")
_MOST = 6
"""Changes of an attribute beside its noise, the widest first."""


def noise(record: Record) -> Iterator[Section]:
    """Set what chance does beside what a change of attribute does, where chance does anything."""
    again = [row for row in record.evidence if row.unit == "repeat change rate"]
    if not again:
        return
    said: list[Statement] = []
    parts: list[Part] = []
    for attribute in dict.fromkeys(row.attribute for row in again):
        mine = [row for row in again if row.attribute == attribute]
        # The same reference twins were asked again for every contrast.
        noisiest = max(mine, key=lambda row: row.estimate)
        changed = _widest(record, attribute, _CHANGES)
        said.append(_asked_twice(noisiest, changed[:1]))
        said += [_effect(row, record) for row in _widest(record, attribute, tuple(SQUARED))]
        marks = [mark(noisiest, f"asked twice as {name(noisiest.group)}", tone="muted")]
        marks += [mark(row, whole_change(row)) for row in changed[:_MOST]]
        title = f"Answers that differ, by {name(attribute)}"
        parts.append(chart("rates", title, noisiest.unit, marks, record))
    yield Section(
        "What is mere noise",
        (
            Paragraph(
                "The model does not repeat itself, so twins would differ even if it ignored the "
                "attribute. In the gaps of rates and means above, noise cancels out."
            ),
        ),
        (Statements("In words", tuple(said)), *parts),
    )


def _widest(record: Record, attribute: str, units: Sequence[str]) -> list[Row]:
    rows = [
        row
        for row in record.evidence
        if row.attribute == attribute and row.contrast != "placebo" and row.unit in units
    ]
    ranked = sorted(rows, key=lambda row: (-UNITS[row.unit].rank, -row.estimate))
    # Decisions where there are decisions, else labels.
    return [row for row in ranked if row.unit == ranked[0].unit][:_MOST]


def _asked_twice(again: Row, changed: Sequence[Row]) -> Statement:
    text = (
        "Asked twice about the same people, the model changes its answer for "
        f"{percent(again.estimate)}"
    )
    for row in changed:
        text += f"; about twins ({whole_change(row)}) it differs for {percent(row.estimate)}"
    return Statement(f"{text}.")


def _effect(row: Row, record: Record) -> Statement:
    _, low, _ = seen(row)
    verdicts = [
        f.verdict
        for f in record.findings
        if (f.attribute, f.group, f.unit) == (row.attribute, row.group, row.unit)
    ]
    tone: Tone = verdicts[0] if verdicts else "plain"
    interval = f"{record.confidence * 100:g} % interval {span(row)}"
    if low > 0:
        does = effect(row, record)
        text = f"{whole_change(row)} {does}, {interval}: whatever cancels out in the mean."
    else:
        text = f"No effect of {whole_change(row)} on single people is shown beyond noise."
    return Statement(text, tone)
