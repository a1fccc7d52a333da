"""Evidence held against the tolerance that was declared beforehand: verdicts, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from paribus import _html
from paribus._plugins import Declaration
from paribus._text import (
    about,
    count,
    interval,
    legible,
    name,
    number,
    p_value,
    percent,
    points,
    shortened,
)
from paribus.evidence._names import TOO_FEW
from paribus.evidence.base import Relation, Row, Scale, Stage
from paribus.stats.moments import Moments
from paribus.stats.more_people import (
    more_people_for_flips,
    more_people_for_gap,
    more_people_for_mean,
)
from paribus.stats.multiplicity import benjamini_hochberg, holm

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

_RAW = {
    "excess flip rate": "flip rate",
    "excess label change rate": "label change rate",
    "excess absolute gap": "absolute gap",
}
"""The change of which an excess is what placebo twins leave."""

_SAID = 600
"""Characters of a sentence that a notebook shows."""

_SHOWN = 40
"""Findings that a notebook shows at once."""

_MANY_FLIPS = 20
"""Flips from which on their distribution is near enough to normal to say how many more people it
takes: within a tenth of the exact number, which takes a hundred times as long."""


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
    stage: Stage = "model"
    relation: Relation = ""
    scale: Scale = "number"
    field: str = ""

    def _repr_html_(self) -> str:
        """Show the verdict and the sentence in a notebook."""
        said = _html.paragraph(shortened(legible(self.sentence), _SAID))
        asked = f"{self.answered:,} of {self.people:,} pairs answered"
        if self.stage != "model":
            asked = f"{self.answered:,} of {count(self.people, 'row')} counted"
        chance = "exact" if self.exact else f"p {p_value(self.p)}, adjusted"
        held = f"{name(self.unit)}, held against {number(self.tolerance)}; {chance}; {asked}"
        return _html.piece(_html.verdict(self.verdict, said, _html.paragraph(held, "soft")))


class Findings(tuple[Finding, ...]):
    """The findings of a record, which show themselves together."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """Show all verdicts and their sentences in a notebook, in their order."""
        rows = [
            [_html.Cell(each.verdict, each.verdict), _html.Cell(shortened(legible(said), _SAID))]
            for each in self
            for said in [each.sentence]
        ]
        columns = (_html.Column("Verdict"), _html.Column("Finding"))
        return _html.piece(_html.table(count(len(self), "finding"), columns, rows, _SHOWN))


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

    Rows about twins and rows about a table are two families of claims, each of which keeps that
    chance; rows about a table are adjusted all together, and each may have a tolerance of its own.

    Parameters
    ----------
    evidence : sequence of Row
        Rows of any test or check.
    tolerance : float
        The largest gap that counts as equal, in the unit of the answer; at least 0. A row that has
        a tolerance of its own is held against that.
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
    twins = [row for row in held if row.stage == "model"]
    units = len({row.unit for row in twins if not row.nested}) or 1
    told = units * len({(row.attribute, row.group) for row in twins})
    claims = len(held) - len(twins)
    adjusted = iter(_all_adjusted(twins, multiplicity, units))
    measured = iter(_measured_adjusted([r for r in held if r.stage != "model"], multiplicity))
    shown = _Shown.of(evidence)
    findings = []
    for row in held:
        p, p_outside = next(adjusted if row.stage == "model" else measured)
        verdict: Verdict = "inconclusive"
        if p_outside <= alpha:
            verdict = "biased"
        elif row.alarm:
            continue
        elif _given(row.p_within) <= alpha:
            verdict = "within tolerance"
        if row.stage == "model":
            more = _more(row, tolerance, alpha, told) if verdict == "inconclusive" else None
            findings.append(_finding(row, shown, p, verdict, tolerance, confidence, more))
        else:
            crowded = verdict == "inconclusive" and _given(row.p_outside) <= alpha
            found = _measured(row, p, verdict, tolerance, confidence, claims if crowded else 0)
            findings.append(found)
    return tuple(findings)


def _measured_adjusted(
    rows: Sequence[Row], multiplicity: Multiplicity
) -> list[tuple[float, float]]:
    """Adjust both p-values of rows about a table, over all of them."""
    adjust = benjamini_hochberg if multiplicity == "benjamini-hochberg" else holm
    plain = adjust([_given(row.p) for row in rows]).tolist()
    outside = adjust([_given(row.p_outside) for row in rows]).tolist()
    return list(zip(plain, outside, strict=True))


def _all_adjusted(
    held: Sequence[Row], multiplicity: Multiplicity, units: int
) -> list[tuple[float, float]]:
    """Adjust both p-values of each row, over the contrasts of its unit and over the units."""
    out = [(1.0, 1.0)] * len(held)
    for unit in {row.unit for row in held}:
        places = [i for i, row in enumerate(held) if row.unit == unit]
        adjusted = _adjusted([held[i] for i in places], multiplicity)
        for i, p, p_outside in zip(places, *adjusted, strict=True):
            out[i] = p, p_outside * units
    # A gap that is no change of single answers is none: whoever claims it claims both, and so the
    # changes need no chance of a false claim of their own (closed testing, Marcus et al. 1976).
    nested: dict[tuple[str, ...], float] = {}
    for row, (_, p_outside) in zip(held, out, strict=True):
        if row.nested:
            nested[_pairs_of(row)] = max(nested.get(_pairs_of(row), 0.0), p_outside)
    return [
        (p, p_outside if row.nested else max(p_outside, nested.get(_pairs_of(row), 0.0)))
        for row, (p, p_outside) in zip(held, out, strict=True)
    ]


def _pairs_of(row: Row) -> tuple[str, ...]:
    # Decisions may all flip where amounts hardly move: one says nothing of the other.
    of = "amounts" if row.unit in {"score gap", "absolute gap"} else "answers"
    return row.test, row.contrast, row.attribute, row.group, of


def _adjusted(rows: Sequence[Row], multiplicity: Multiplicity) -> tuple[list[float], list[float]]:
    """Adjust the p-values of no gap, and of gaps within the tolerance, over the contrasts."""
    adjust = benjamini_hochberg if multiplicity == "benjamini-hochberg" else holm
    plain = adjust([_given(row.p) for row in rows]).tolist()
    outside = adjust([_given(row.p_outside) for row in rows]).tolist()
    if multiplicity == "max-t":
        joint = {row.attribute for row in rows if row.p_joint is not None}
        joint -= {row.attribute for row in rows if row.p_joint is None}
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
    if row.unit.startswith("excess"):
        # Told one-sidedly, from counts that a row does not hold.
        return None
    if abs(row.estimate) > tolerance:
        alpha = alpha / claims
    against, favor = row.flips_against, row.flips_for
    if row.unit == "net gap" and against is not None and favor is not None:
        if against + favor >= _MANY_FLIPS:
            squares = against + favor - row.people * row.estimate**2
            gaps = Moments(row.people, row.estimate, squares, row.estimate, row.estimate)
            return more_people_for_mean(gaps, tolerance, alpha)
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
    shown: _Shown,
    p: float,
    verdict: Verdict,
    tolerance: float,
    confidence: float,
    more: int | None,
) -> Finding:
    flips = None
    if row.flips_against is not None and row.flips_for is not None:
        flips = row.flips_against + row.flips_for
    own = {"p", "tolerance"}
    shared = row.model_dump(include=set(Finding.model_fields) & set(Row.model_fields) - own)
    sentence = f"{_claim(row, shown, confidence)}: {_conclusion(row, shown, verdict, tolerance)}"
    if more:
        sentence += f"; asking {about(more)} more people would probably settle it"
    return Finding(
        **shared,
        p=p,
        flips=flips,
        tolerance=tolerance,
        verdict=verdict,
        sentence=f"{sentence}.",
        more=more or None,
    )


# --- words ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shown:
    """What the sentence of a row says of other rows."""

    amounts: bool
    """Whether answers are amounts."""
    decisions: bool
    """Whether answers are favorable or not."""
    changes: dict[tuple[str, str, str], Row]
    """Rates of change and sizes of gaps by unit, attribute and group; of placebo twins, by unit and
    attribute alone."""

    @classmethod
    def of(cls, evidence: Sequence[Row]) -> _Shown:
        raw = [row for row in evidence if row.unit in _RAW.values()]
        return cls(
            amounts=any(row.unit == "score gap" for row in evidence),
            decisions=any(row.unit == "net gap" for row in evidence),
            changes={
                (row.unit, row.attribute, "" if row.contrast == "placebo" else row.group): row
                for row in raw
            },
        )

    def placebo(self, row: Row) -> tuple[str, str]:
        """Name what placebo twins have anew, and give the two changes that an excess is between."""
        show = number if row.unit == "excess absolute gap" else percent
        unit = _RAW[row.unit]
        level = self.changes.get((unit, row.attribute, row.group))
        drawn = self.changes.get((unit, row.attribute, ""))
        if level is None or drawn is None:
            return "a mere change of name", ""
        both = f"{show(level.estimate)} against {show(drawn.estimate)}, "
        return f"{drawn.group} alone", both


def _claim(row: Row, shown: _Shown, confidence: float) -> str:
    change = f"Changing {row.attribute} from {row.reference} to {row.group}"
    what, show = _effect(row, shown)
    span = interval(row.low, row.high, confidence, show)
    if row.exact:
        unknown = f", {show(row.low)} to {show(row.high)} as answers are missing"
        span = "exact over the declared domain" + (unknown if row.low < row.high else "")
    both = shown.placebo(row)[1] if row.unit in _RAW else ""
    return f"{change} {what} ({both}{span}{_direction(row)})"


def _measured(
    row: Row, p: float, verdict: Verdict, tolerance: float, confidence: float, claims: int
) -> Finding:
    """Say what a row about a table says, held against its tolerance.

    With `claims`, it would be proven beyond it if it were not one of so many.
    """
    own = tolerance if row.tolerance is None else row.tolerance
    span = interval(row.low, row.high, confidence, shown_as(row))
    among = f", as one of {count(claims, 'claim')}" if claims else ""
    shared = row.model_dump(include=set(Finding.model_fields) & set(Row.model_fields))
    return Finding(
        **{**shared, "p": p, "tolerance": own},
        flips=None,
        verdict=verdict,
        sentence=f"{row.claim} ({span}): {_measured_conclusion(row, verdict, own)}{among}.",
    )


def shown_as(row: Row | Finding) -> Callable[[float], str]:
    """Choose how the numbers of a row about a table are written."""
    if row.scale == "share" and row.relation == "spread":
        return distance
    if row.scale == "share":
        return points if row.relation == "difference" else percent
    return ratio if row.scale == "ratio" else number


def distance(gap: float) -> str:
    """Write a difference that has no sign."""
    return points(gap).removeprefix("+")


def ratio(value: float) -> str:
    """Write a ratio."""
    return f"{value:.3f}" if abs(value) < 100 else number(value)


def _measured_conclusion(row: Row, verdict: Verdict, tolerance: float) -> str:
    if row.scale == "ratio" and row.relation != "spread":
        bound = f"{ratio(1 - tolerance)} to {ratio(1 / (1 - tolerance))}"
        words = {"biased": "outside", "within tolerance": "proven to be within"}
        said = words.get(verdict)
        return f"{said} {bound}" if said else f"neither within nor outside {bound} is proven"
    bound = percent(tolerance) if row.scale == "share" else number(tolerance)
    if verdict == "biased":
        return f"more than the tolerance of {bound}"
    if verdict == "within tolerance":
        return f"proven to be within the tolerance of {bound}"
    return f"neither within nor beyond the tolerance of {bound} is proven"


def _effect(row: Row, shown: _Shown) -> tuple[str, Callable[[float], str]]:
    size, share = number(row.estimate), percent(row.estimate)
    match row.unit:
        case "net gap":
            return f"moves the rate of favorable answers by {points(row.estimate)}", points
        case "score gap":
            return f"moves the answer by {number(row.estimate, signed=True)} on average", number
        case "absolute gap":
            return f"moves the answer by {size} either way on average", number
        case "excess absolute gap":
            side, size = _side(row, "less", "more"), number(abs(row.estimate))
            return f"moves the answer by {size} {side} than {shown.placebo(row)[0]} does", number
        case "excess flip rate" | "excess label change rate":
            noun = "decision" if row.unit == "excess flip rate" else "label"
            side, share = _side(row, "fewer", "more"), percent(abs(row.estimate))
            than = f"than {shown.placebo(row)[0]} does"
            return f"changes the {noun} for {share} {side} of all people {than}", points
        case "squared effect":
            return _beyond_noise(row, shown)
    noun = "label" if row.unit == "label change rate" else "decision"
    return f"changes the {noun} for {share} of people", percent


def _beyond_noise(row: Row, shown: _Shown) -> tuple[str, Callable[[float], str]]:
    """Say how far the expected answers of single people move: the root of a mean of squares."""

    def root(square: float) -> str:
        size = max(0.0, square) ** 0.5
        return number(size) if shown.amounts else points(size).removeprefix("+")

    what = "chance of a favorable answer" if shown.decisions else "chances of the labels"
    what = "expected answer" if shown.amounts else what
    size = f"{root(row.estimate)} (root mean square)"
    return f"moves a single person's {what} by {size}, with noise taken out", root


def _side(row: Row, below: str, above: str) -> str:
    return below if row.estimate < 0 else above


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


def _conclusion(row: Row, shown: _Shown, verdict: Verdict, tolerance: float) -> str:
    shares = row.unit in _RATES or (row.unit == "squared effect" and not shown.amounts)
    # A tolerance in the unit of numbers may be more than any share.
    bound = percent(tolerance) if shares and tolerance <= 1 else number(tolerance)
    missing = row.people - row.answered
    theirs = "its" if missing == 1 else "their"
    unanswered = (
        f", counting {count(missing, 'pair')} without an answer at {theirs} worst"
        if missing
        else ""
    )
    if verdict == "biased":
        return f"more than the tolerance of {bound}{unanswered}"
    if verdict == "within tolerance":
        proven = "within" if row.exact else "proven to be within"
        return f"{proven} the tolerance of {bound}{unanswered}"
    lacking = ""
    if row.names is not None and TOO_FEW in row.method:
        lacking = f"; {count(row.names, 'name')} a level are too few to tell what a level does "
        lacking += "from what its names do"
    return f"neither within nor beyond the tolerance of {bound} is proven{unanswered}{lacking}"
