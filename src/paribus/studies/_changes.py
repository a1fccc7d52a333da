"""Two rows of evidence about the same thing, weighed as one change."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from paribus.evidence.base import Row
from paribus.keeping import Kept
from paribus.record import Record
from paribus.stats.changes import (
    Apart,
    Between,
    Change,
    Exact,
    Interval,
    Known,
    Mean,
    Scores,
    change_of_size,
    change_of_value,
    scaled,
)
from paribus.stats.moments import Moments
from paribus.stats.paired import tango_interval
from paribus.stats.rates import clopper_pearson
from paribus.studies._compared import Method

_SIGNED = frozenset({"net gap", "score gap"})
_OF = {
    "net gap": "decisions",
    "flip rate": "decisions",
    "label change rate": "changes",
    "score gap": "amounts",
    "absolute gap": "amounts",
}
_UNSEEN = 50
"""How many margins away an unseen answer is thought to be, at least, where all answers are equal:
as in an audit."""
_SMALLEST = 1e-9
"""A ratio of zero is taken for this one: it has no logarithm."""

Floats = npt.NDArray[np.float64]
Ends = tuple[Floats, Floats]
"""The least and the most that each number can be: the same where it is known."""


@dataclass(frozen=True)
class Weighed:
    """A change, how it was weighed, and on how many people."""

    change: Change
    method: Method
    people: int


@dataclass(frozen=True, eq=False)
class Two:
    """Two records whose rows are compared."""

    before: Record
    after: Record
    confidence: float

    @property
    def same_people(self) -> bool:
        """Whether both audits are known to begin with the same people."""
        one, other = self.before.kept, self.after.kept
        return one is not None and other is not None and one.fingerprint == other.fingerprint

    def gap(self, before: Row, after: Row, margin: float) -> Weighed | None:
        """Weigh how much larger a gap became.

        Parameters
        ----------
        before, after : Row
        margin : float
            In the unit of the gap; of ratios, the part of one by which they may be off.

        Returns
        -------
        Weighed or None
            None for numbers of which nobody knows which side is the good one.
        """
        if before.stage != "model" or after.stage != "model":
            return self._of_tables(before, after, margin)
        signed = before.unit in _SIGNED
        if before.exact and after.exact:
            return Weighed(
                self._judged(_exact(before, after, -1), _exact(before, after, 1), signed, margin),
                "exact",
                min(before.people, after.people),
            )
        pairs = self._pairs(before, after, margin)
        if pairs is not None:
            difference, total, people = pairs
            return Weighed(self._judged(difference, total, signed, margin), "paired", people)
        independent = self._independent(before, after)
        spans = _span(before, self.before.confidence), _span(after, self.after.confidence)
        means = [
            Apart(after.estimate, before.estimate, spans[1], spans[0], sign, independent)
            for sign in (-1, 1)
        ]
        return Weighed(
            self._judged(means[0], means[1], signed, margin),
            "independent" if independent else "any dependence",
            min(before.people, after.people),
        )

    def rate(self, before: Row, after: Row) -> Weighed:
        """Weigh how much higher the rate of a group became; `p_worse` is for higher."""
        if before.exact and after.exact:
            mean: Mean = _exact(before, after, -1)
            people = min(before.people, after.people)
            return Weighed(change_of_value(mean, 0.0, self.confidence), "exact", people)
        if self.same_people and before.stage == "model" and before.unit == "favorable rate":
            sides = [
                kept.find("decisions", row.contrast, row.attribute, ("", row.group))
                for kept, row in ((self.before.kept, before), (self.after.kept, after))
                if kept is not None
            ]
            if not self._stopped and all(side is not None for side in sides):
                ends = [_between(side, 0.0, 1.0) for side in sides if side is not None]
                difference, people = _difference(ends[0], ends[1], -1, 1.0)
                change = change_of_value(difference, 0.0, self.confidence)
                return Weighed(change, "paired", people)
        independent = self._independent(before, after)
        apart = Apart(
            after.estimate, before.estimate,
            _span(after, self.after.confidence), _span(before, self.before.confidence),
            independent=independent,
        )  # fmt: skip
        return Weighed(
            change_of_value(apart, 0.0, self.confidence),
            "independent" if independent else "any dependence",
            min(before.people, after.people),
        )

    @property
    def _stopped(self) -> bool:
        # How many were asked then depends on what they said.
        return self.before.stopped is not None or self.after.stopped is not None

    def _judged(self, difference: Mean, total: Mean, signed: bool, margin: float) -> Change:
        if signed:
            return change_of_size(difference, total, margin, self.confidence)
        return change_of_value(difference, margin, self.confidence)

    def _independent(self, before: Row, after: Row) -> bool:
        """Tell whether two numbers are about people who were drawn apart."""
        if before.exact or after.exact:
            # A number that is exact goes along with none.
            return True
        if before.stage == "model" and after.stage == "model":
            drawn = not (_real_rows(self.before) or _real_rows(self.after))
            return drawn and self.before.seed != self.after.seed
        one, other = self.before.data, self.after.data
        # As many rows may well be the same people with other decisions.
        return one is not None and other is not None and one.rows != other.rows

    # --- the same people --------------------------------------------------------------------------

    def _pairs(self, before: Row, after: Row, margin: float) -> tuple[Mean, Mean, int] | None:
        """Give difference and sum of the gaps of the same people, where both records keep them."""
        of = _OF.get(before.unit)
        one, other = self.before.kept, self.after.kept
        # Over names, and in an audit that stops early, people do not count one by one.
        unlike = before.names is not None or after.names is not None or self._stopped
        if of is None or unlike or not self.same_people or one is None or other is None:
            return None
        ends = [_gaps(kept, row, of) for kept, row in ((one, before), (other, after))]
        if ends[0] is None or ends[1] is None:
            return None
        spread = max(one.spread, other.spread) if of == "amounts" else 1.0
        reach = 2.0 * spread if before.unit in _SIGNED else spread
        far = max(reach, _UNSEEN * margin) if of == "amounts" else None
        difference, people = _difference(ends[0], ends[1], -1, reach, far)
        # What has no sign is judged by its difference alone.
        signed = before.unit in _SIGNED
        total = _difference(ends[0], ends[1], 1, reach, far)[0] if signed else difference
        return difference, total, people

    # --- tables -----------------------------------------------------------------------------------

    def _of_tables(self, before: Row, after: Row, margin: float) -> Weighed | None:
        ratio = before.scale == "ratio" and before.relation in {"ratio", "extremes"}
        signed = ratio or before.relation == "difference"
        if not signed and before.relation != "spread":
            return None
        if ratio:
            margin = -math.log1p(-min(margin, 1.0 - 1e-9))
        turn: Callable[[float], float] = _logarithm if ratio else float
        spans, estimates = [], []
        for row, record in ((before, self.before), (after, self.after)):
            low, estimate, high = (turn(x) for x in (row.low, row.estimate, row.high))
            low, high = min(low, estimate), max(high, estimate)
            spans.append(scaled(estimate, low, high, record.confidence))
            estimates.append(estimate)
        independent = self._independent(before, after)
        # Tables may share rows though they are not as long: then the numbers go together, which
        # makes their difference surer than it is taken to be, and their sum less sure.
        difference, total = (
            Apart(estimates[1], estimates[0], spans[1], spans[0], sign, independent and sign < 0)
            for sign in (-1, 1)
        )
        return Weighed(
            self._judged(difference, total, signed, margin),
            "independent" if independent else "any dependence",
            min(before.people, after.people),
        )


def _logarithm(ratio: float) -> float:
    return math.log(min(max(ratio, _SMALLEST), sys.float_info.max))


def _real_rows(record: Record) -> bool:
    data = record.spec.get("data")
    return isinstance(data, dict) and bool(data.get("base", True))


def _exact(before: Row, after: Row, sign: int) -> Exact:
    low, high = (before.low, before.high) if sign > 0 else (-before.high, -before.low)
    estimate = after.estimate + sign * before.estimate
    return Exact(estimate, min(after.low + low, estimate), max(after.high + high, estimate))


def _span(row: Row, confidence: float) -> Interval:
    """Give the interval of a row at any confidence: from its counts, or else from its own."""
    if row.exact:
        return lambda _: (row.low, row.high)
    n, missing = row.people, row.people - row.answered
    against, favor = row.flips_against, row.flips_for
    counted = against is not None and favor is not None and row.names is None and not row.trail
    if counted and row.unit == "flip rate":
        k = (against or 0) + (favor or 0)
        return lambda level: (
            clopper_pearson(k, n, level)[0],
            clopper_pearson(k + missing, n, level)[1],
        )
    if counted and row.unit == "net gap":
        down, up = against or 0, favor or 0
        return lambda level: (
            tango_interval(up, down + missing, n, level)[0],
            tango_interval(up + missing, down, n, level)[1],
        )
    return scaled(row.estimate, min(row.low, row.estimate), max(row.high, row.estimate), confidence)


def _gaps(kept: Kept, row: Row, of: str) -> Ends | None:
    """Give the gap of each kept person, at least and at most."""
    key = row.contrast, row.attribute
    if of == "decisions":
        sides = [kept.find(of, *key, ("", name)) for name in (row.reference, row.group)]
        if sides[0] is None or sides[1] is None:
            return None
        (r_low, r_high), (g_low, g_high) = (_between(s, 0.0, 1.0) for s in sides if s is not None)
        gap = g_low - r_high, g_high - r_low
        if row.unit == "net gap":
            return gap
        known = gap[0] == gap[1]
        return np.where(known, np.abs(gap[0]), 0.0), np.where(known, np.abs(gap[0]), 1.0)
    found = kept.find(of, *key, (row.reference, row.group))
    if found is None:
        return None
    if of == "changes":
        return _between(found, 0.0, 1.0)
    if row.unit == "absolute gap":
        return _between(np.abs(found), 0.0, kept.spread)
    return _between(found, -kept.spread, kept.spread)


def _between(values: Floats, low: float, high: float) -> Ends:
    missing = np.isnan(values)
    return np.where(missing, low, values), np.where(missing, high, values)


def _difference(
    before: Ends, after: Ends, sign: int, reach: float, far: float | None = None
) -> tuple[Mean, int]:
    """Give the mean of after minus before (or plus), and of how many people.

    Parameters
    ----------
    before, after : tuple of two ndarray, shape (n,)
        The longer is cut.
    sign : int
    reach : float
        The most that a single one can be, either way.
    far : float, optional
        Of amounts: how far an unseen one is thought to be.
    """
    people = min(len(before[0]), len(after[0]))
    (b_low, b_high), (a_low, a_high) = ([end[:people] for end in ends] for ends in (before, after))
    least = a_low + b_low if sign > 0 else a_low - b_high
    most = a_high + b_high if sign > 0 else a_high - b_low
    known = (a_low == a_high) & (b_low == b_high)

    def mean(values: Floats) -> Mean:
        if far is None:
            return Scores.of(values, -reach, reach)
        moments = Moments.of(values)
        return Known(moments, far + abs(moments.mean))

    if known.all():
        return mean(least), people
    estimate = Moments.of(least[known]).mean
    return Between(estimate, mean(least), mean(most)), people
