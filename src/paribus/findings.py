"""Evidence held against the tolerance that was declared beforehand: verdicts, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Literal

from paribus._plugins import Declaration
from paribus._text import about, interval, number, percent, points
from paribus.evidence.base import Row
from paribus.stats.moments import Moments
from paribus.stats.multiplicity import benjamini_hochberg, holm
from paribus.stats.power import more_people_for_flips, more_people_for_gap, more_people_for_mean

Verdict = Literal["biased", "within tolerance", "inconclusive"]

Multiplicity = Literal["holm", "max-t", "benjamini-hochberg"]
"""How claims of bias are adjusted for their number."""

_RATES = {
    "flip rate",
    "net gap",
    "label change rate",
    "excess flip rate",
    "excess label change rate",
}


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
    """The evidence's p-value, adjusted over the contrasts with the same unit."""
    flips: int | None
    flips_against: int | None
    flips_for: int | None
    largest: float | None
    tolerance: float
    verdict: Verdict
    sentence: str
    more: int | None = None
    """How many more people would probably settle an inconclusive finding, where that is known."""
    method: str = ""
    names: int | None = None
    exact: bool = False
    settled: int | None = None


def judge(
    evidence: Sequence[Row],
    tolerance: float,
    confidence: float = 0.95,
    multiplicity: Multiplicity = "holm",
) -> tuple[Finding, ...]:
    """Hold every row that claims to be held against the tolerance.

    `biased` needs proof that the gap lies beyond the tolerance; `within tolerance` needs proof that
    it lies inside; everything else is `inconclusive`. Claims of bias are adjusted over the
    contrasts of a unit and over the units (Bonferroni). With Holm's (1979) adjustment, or the joint
    one by relabelling (step-down max-T, Westfall and Young 1993), the chance of even one false
    `biased` under a model that ignores the attribute is at most ``1 - confidence``; with that of
    Benjamini and Hochberg (1995) it is the expected share of false ones among all `biased`.
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
    multiplicity : {"holm", "max-t", "benjamini-hochberg"}
        How claims of bias are adjusted over contrasts. With "max-t", rows without a joint p-value
        are adjusted by Holm.

    Returns
    -------
    tuple of Finding
        One for each held row, in the order of the evidence. A row that can only prove a bias gives
        a finding where it does.

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
    units = len({row.unit for row in held if not row.nested}) or 1
    adjusted: dict[int, tuple[float, float]] = {}
    for _, family in groupby(sorted(held, key=lambda r: r.unit), key=lambda r: r.unit):
        rows = list(family)
        plain, outside = _adjusted(rows, multiplicity)
        for row, p, p_outside in zip(rows, plain, outside, strict=True):
            adjusted[id(row)] = (float(p), float(p_outside) * (1 if row.nested else units))
    findings = []
    for row in held:
        p, p_outside = adjusted[id(row)]
        verdict: Verdict = "inconclusive"
        if p_outside <= alpha:
            verdict = "biased"
        elif row.alarm:
            continue
        elif _given(row.p_within) <= alpha:
            verdict = "within tolerance"
        claims = units * len({(r.attribute, r.group) for r in held})
        more = _more(row, tolerance, alpha, claims) if verdict == "inconclusive" else None
        findings.append(_finding(row, p, verdict, tolerance, confidence, more))
    return tuple(findings)


def _adjusted(rows: Sequence[Row], multiplicity: Multiplicity) -> tuple[list[float], list[float]]:
    """Adjust the p-values of no gap, and of gaps within the tolerance, over the contrasts."""
    adjust = benjamini_hochberg if multiplicity == "benjamini-hochberg" else holm
    plain = adjust([_given(row.p) for row in rows]).tolist()
    outside = adjust([_given(row.p_outside) for row in rows]).tolist()
    if multiplicity == "max-t":
        joint = {row.attribute for row in rows if row.p_joint is not None}
        # Joint over the levels of an attribute; over attributes and other rows, Bonferroni.
        families = len(joint) + (1 if any(row.attribute not in joint for row in rows) else 0)
        others = [row for row in rows if row.attribute not in joint]
        stepped = iter(holm([_given(row.p_outside) for row in others]).tolist())
        outside = [
            min(1.0, families * (_given(row.p_joint) if row.attribute in joint else next(stepped)))
            for row in rows
        ]
    return plain, outside


def _more(row: Row, tolerance: float, alpha: float, claims: int) -> int | None:
    """Say how many more people would settle a row, if what it shows is the truth."""
    if row.answered < row.people or row.names is not None or row.exact or row.trail:
        return None
    if abs(row.estimate) > tolerance:
        alpha = alpha / claims
    against, favor = row.flips_against, row.flips_for
    if row.unit == "net gap" and against is not None and favor is not None:
        return more_people_for_gap(favor, against, row.people, tolerance, alpha)
    if row.unit in {"flip rate", "label change rate"}:
        changed = round(row.estimate * row.answered)
        return more_people_for_flips(changed, row.people, tolerance, alpha)
    if row.sd:
        squares = row.sd**2 * max(0, row.answered - 1)
        gaps = Moments(row.answered, row.estimate, squares, row.estimate, row.estimate)
        return more_people_for_mean(gaps, tolerance, alpha)
    return None


def overall(findings: Sequence[Finding]) -> Verdict:
    """Sum up: biased if anything is, within tolerance only if everything is."""
    verdicts = {finding.verdict for finding in findings}
    if "biased" in verdicts:
        return "biased"
    return "within tolerance" if verdicts == {"within tolerance"} else "inconclusive"


def _given(p: float | None) -> float:
    return 1.0 if p is None else p


def _finding(
    row: Row,
    p: float,
    verdict: Verdict,
    tolerance: float,
    confidence: float,
    more: int | None,
) -> Finding:
    flips = None
    if row.flips_against is not None and row.flips_for is not None:
        flips = row.flips_against + row.flips_for
    shared = row.model_dump(include=set(Finding.model_fields) & set(Row.model_fields) - {"p"})
    sentence = f"{_claim(row, confidence)}: {_conclusion(row, verdict, tolerance)}"
    if more:
        sentence += f"; asking {about(more)} more people would probably settle it"
    return Finding(
        **shared,
        p=p,
        flips=flips,
        tolerance=tolerance,
        verdict=verdict,
        sentence=f"{sentence}.",
        more=more,
    )


def _claim(row: Row, confidence: float) -> str:
    change = f"Changing {row.attribute} from {row.reference} to {row.group}"
    what, show = _effect(row)
    span = interval(row.low, row.high, confidence, show)
    if row.exact:
        unknown = f", {show(row.low)} to {show(row.high)} as answers are missing"
        span = "exact over the declared domain" + (unknown if row.low < row.high else "")
    return f"{change} {what} ({span}{_direction(row)})"


def _effect(row: Row) -> tuple[str, Callable[[float], str]]:
    size, share = number(row.estimate), percent(row.estimate)
    match row.unit:
        case "net gap":
            return f"moves the rate of favorable answers by {points(row.estimate)}", points
        case "score gap":
            return f"moves the answer by {number(row.estimate, signed=True)} on average", number
        case "absolute gap":
            return f"moves the answer by {size} either way on average", number
        case "excess absolute gap":
            return f"moves the answer by {size} more than a mere change of name does", number
        case "excess flip rate" | "excess label change rate":
            noun = "decision" if row.unit == "excess flip rate" else "label"
            more = points(row.estimate).removeprefix("+")
            return f"changes the {noun} for {more} more people than a mere change of name", points
        case "squared effect":
            root = number(max(0.0, row.estimate) ** 0.5)
            return f"moves single answers by {root} beyond noise (root mean square)", number
    noun = "label" if row.unit == "label change rate" else "decision"
    return f"changes the {noun} for {share} of people", percent


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
    if row.unit == "squared effect":
        bound = number(tolerance)
    missing = row.people - row.answered
    unanswered = f", counting {missing:,} pairs without an answer at their worst" if missing else ""
    if verdict == "biased":
        return f"more than the tolerance of {bound}{unanswered}"
    if verdict == "within tolerance":
        proven = "within" if row.exact else "proven to be within"
        return f"{proven} the tolerance of {bound}{unanswered}"
    return f"neither within nor beyond the tolerance of {bound} is proven{unanswered}"
