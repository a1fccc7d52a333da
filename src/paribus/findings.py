"""Evidence held against the tolerance that was declared beforehand: verdicts, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal

from paribus._plugins import Declaration
from paribus._text import interval, number, percent, points
from paribus.evidence.base import Row
from paribus.stats.multiplicity import holm

Verdict = Literal["biased", "within tolerance", "inconclusive"]

_RATES = {"flip rate", "net gap", "label change rate"}


class Finding(Declaration):
    """Evidence about one contrast, held against the tolerance, with one plain sentence."""

    test: str
    unit: str
    contrast: str
    attribute: str
    reference: str
    group: str
    people: int
    answered: int
    estimate: float
    low: float
    high: float
    p: float
    """The evidence's p-value, adjusted (Holm) over the contrasts with the same unit."""
    flips: int | None
    flips_against: int | None
    flips_for: int | None
    largest: float | None
    tolerance: float
    verdict: Verdict
    sentence: str


def judge(
    evidence: Sequence[Row], tolerance: float, confidence: float = 0.95
) -> tuple[Finding, ...]:
    """Hold every row that claims to be held against the tolerance.

    `biased` needs proof that the gap lies beyond the tolerance; `within tolerance` needs proof that
    it lies inside; everything else is `inconclusive`. Claims of bias are adjusted over the
    contrasts of a unit (Holm 1979) and over the units (Bonferroni), so that under a model that
    ignores the attribute the chance of even one false `biased` is at most ``1 - confidence``.
    Claims of equivalence are not adjusted: an audit is within tolerance only if every finding is,
    and an intersection of tests keeps its level without (Berger 1982).

    Parameters
    ----------
    evidence : sequence of Row
        Rows of any test.
    tolerance : float
        The largest gap that counts as equal, in the unit of the answer; at least 0.
    confidence : float
        In (0, 1).

    Returns
    -------
    tuple of Finding
        One for each held row, in the order of the evidence.

    Examples
    --------
    >>> row = Row(test="counterfactual", unit="flip rate", contrast="level", attribute="gender",
    ...           reference="Male", group="Female", people=1000, answered=1000, estimate=0.0,
    ...           low=0.0, high=0.0037, p=1.0, p_outside=1.0, p_within=4.3e-05, held=True)
    >>> judge([row], tolerance=0.01)[0].verdict
    'within tolerance'
    """
    alpha = 1 - confidence
    held = [row for row in evidence if row.held]
    units = {row.unit for row in held}
    adjusted: dict[int, tuple[float, float]] = {}
    for _, family in groupby(sorted(held, key=lambda r: r.unit), key=lambda r: r.unit):
        rows = list(family)
        plain = holm([_given(row.p) for row in rows])
        outside = holm([_given(row.p_outside) for row in rows]) * len(units)
        for row, p, p_outside in zip(rows, plain, outside, strict=True):
            adjusted[id(row)] = (float(p), float(p_outside))
    findings = []
    for row in held:
        p, p_outside = adjusted[id(row)]
        verdict: Verdict = "inconclusive"
        if p_outside <= alpha:
            verdict = "biased"
        elif _given(row.p_within) <= alpha:
            verdict = "within tolerance"
        findings.append(_finding(row, p, verdict, tolerance, confidence))
    return tuple(findings)


def overall(findings: Sequence[Finding]) -> Verdict:
    """Sum up: biased if anything is, within tolerance only if everything is."""
    verdicts = {finding.verdict for finding in findings}
    if "biased" in verdicts:
        return "biased"
    return "within tolerance" if verdicts == {"within tolerance"} else "inconclusive"


def _given(p: float | None) -> float:
    return 1.0 if p is None else p


def _finding(row: Row, p: float, verdict: Verdict, tolerance: float, confidence: float) -> Finding:
    flips = None
    if row.flips_against is not None and row.flips_for is not None:
        flips = row.flips_against + row.flips_for
    shared = row.model_dump(include=set(Finding.model_fields) & set(Row.model_fields) - {"p"})
    sentence = f"{_claim(row, confidence)}: {_conclusion(row, verdict, tolerance)}."
    return Finding(
        **shared, p=p, flips=flips, tolerance=tolerance, verdict=verdict, sentence=sentence
    )


def _claim(row: Row, confidence: float) -> str:
    change = f"Changing {row.attribute} from {row.reference} to {row.group}"
    if row.unit == "net gap":
        what = f"moves the rate of favorable answers by {points(row.estimate)}"
        span = interval(row.low, row.high, confidence, points)
    elif row.unit == "score gap":
        what = f"moves the answer by {number(row.estimate, signed=True)} on average"
        span = interval(row.low, row.high, confidence, number)
    elif row.unit == "absolute gap":
        what = f"moves the answer by {number(row.estimate)} either way on average"
        span = interval(row.low, row.high, confidence, number)
    else:
        noun = "label" if row.unit == "label change rate" else "decision"
        what = f"changes the {noun} for {percent(row.estimate)} of people"
        span = interval(row.low, row.high, confidence, percent)
    return f"{change} {what} ({span}{_direction(row)})"


def _direction(row: Row) -> str:
    if row.unit != "flip rate" or row.flips_against is None or row.flips_for is None:
        return ""
    if row.flips_against + row.flips_for == 0:
        return ""
    if row.flips_for == 0:
        return f", always against {row.group}"
    if row.flips_against == 0:
        return f", always in favor of {row.group}"
    return f", {row.flips_against:,} against {row.group} and {row.flips_for:,} in favor"


def _conclusion(row: Row, verdict: Verdict, tolerance: float) -> str:
    bound = percent(tolerance) if row.unit in _RATES else number(tolerance)
    missing = row.people - row.answered
    unanswered = f", counting {missing:,} pairs without an answer at their worst" if missing else ""
    if verdict == "biased":
        return f"more than the tolerance of {bound}{unanswered}"
    if verdict == "within tolerance":
        return f"proven to be within the tolerance of {bound}{unanswered}"
    return f"neither within nor beyond the tolerance of {bound} is proven{unanswered}"
