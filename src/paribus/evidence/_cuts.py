"""Cuts as people read them: where the gap really changes, with no more digits than that takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import xlogy

from paribus.evidence._cells import Floats, Gaps, Mask
from paribus.evidence._columns import Known, condition, inside
from paribus.evidence._rules import Grid
from paribus.evidence.base import Condition
from paribus.stats.moments import ROUNDING

_NEAR = 5
"""Cuts of the fine grid on either side, among which a cut is sharpened with everybody."""

_TINY = 1e-300
"""Keeps a weight of nothing from being divided by."""


def sharpened(
    rule: Sequence[Condition],
    grids: Mapping[str, Grid],
    fields: Mapping[str, Known],
    gaps: Gaps,
    among: Mask,
    smallest: float,
) -> tuple[Condition, ...]:
    """Find the likeliest cuts near rough ones with everybody, and round them fairly.

    The grid knows a cut only as well as the few people it was laid over lie close to it. And what
    a rule explains hardly depends on those who lie there; how likely their gaps are does: where
    all gaps outside are zero, one that is not lies inside.

    Parameters
    ----------
    rule : sequence of Condition
    grids : mapping of str to Grid
    fields : mapping of str to Known
        Columns of all kept people.
    gaps : Gaps
        Their gaps.
    among : ndarray of bool, shape (kept,)
        Who counts.
    smallest : float
        Share of these people that a rule is about at least.
    """
    whole = _Sample.of(gaps, among)
    sharp = list(rule)
    for at, part in enumerate(rule):
        numbers = fields[part.field].numbers
        if part.relation not in {"<=", ">"} or numbers is None:
            continue
        others = [*sharp[:at], *sharp[at + 1 :]]
        held = among & inside(fields, others) if others else among
        x, sample = numbers[held], _Sample.of(gaps, held)
        if part.relation == ">":
            # A missing value is on neither side.
            present = ~np.isnan(x)
            x, sample = -x[present], sample.take(present)
        sharp[at] = _sharpened(part, grids[part.field], x, sample, whole.total(), smallest)
    return tuple(sharp)


@dataclass(frozen=True, eq=False)
class _Sample:
    """Gaps of some people as sums whose likelihood is known."""

    weight: Floats
    gap: Floats
    signs: bool
    """Whether gaps are -1, 0 or 1."""
    rounding: float
    """Standard deviation that is no more than rounding."""

    @classmethod
    def of(cls, gaps: Gaps, among: Mask) -> _Sample:
        weights = gaps.answers.weights
        gap = gaps.values[among].astype(np.float64)
        weight = np.ones(len(gap)) if weights is None else weights[among]
        return cls(weight, gap, gaps.unit != "score gap", ROUNDING * gaps.spread)

    def take(self, index: Any) -> _Sample:
        return replace(self, weight=self.weight[index], gap=self.gap[index])

    def _parts(self) -> Floats:
        """Give what adds up: weight, and changes up and down, or gaps and their squares."""
        sums = (self.gap > 0, self.gap < 0) if self.signs else (self.gap, self.gap * self.gap)
        return np.stack([self.weight, self.weight * sums[0], self.weight * sums[1]])

    def total(self) -> Floats:
        sums: Floats = self._parts().sum(axis=1)
        return sums

    def running(self) -> Floats:
        """Give the sums over the first, the first two, ... of these people."""
        return np.cumsum(self._parts(), axis=1)

    def mean(self, sums: Floats) -> Floats:
        total: Floats = sums[1] - sums[2] if self.signs else sums[1]
        return np.asarray(total / np.maximum(sums[0], _TINY))

    def surprise(self, sums: Floats) -> Floats:
        """Give the negative log-likelihood of gaps around a rate, or a mean and a variance."""
        weight = np.maximum(sums[0], 0.0)
        found: Floats
        if self.signs:
            counts = np.maximum([sums[1], sums[2], weight - sums[1] - sums[2]], 0.0)
            found = xlogy(weight, weight) - xlogy(counts, counts).sum(axis=0)
        else:
            some = np.maximum(weight, _TINY)
            variance = np.maximum(sums[2] / some - (sums[1] / some) ** 2, 0.0)
            found = weight / 2 * np.log(variance + max(self.rounding, 1e-150) ** 2)
        return found


def _sharpened(
    part: Condition, grid: Grid, x: Floats, sample: _Sample, whole: Floats, smallest: float
) -> Condition:
    """Find the likeliest cut near a rough one; of cuts from above, all numbers are negated."""
    assert grid.cuts is not None
    sign = 1.0 if part.relation == "<=" else -1.0
    at = int(np.searchsorted(grid.cuts, float(part.value)))
    ends = [grid.cuts[i] if 0 <= i < len(grid.cuts) else None for i in (at - _NEAR, at + _NEAR)]
    low, high = (
        sign * end if end is not None else side * sign * np.inf
        for end, side in zip(ends, (-1, 1), strict=True)
    )
    low, high = min(low, high), max(low, high)
    near = np.flatnonzero((x >= low) & (x <= high))
    near = near[np.argsort(x[near], kind="stable")]
    window = x[near]
    steps = np.flatnonzero(window[1:] > window[:-1])
    if not len(steps):
        return part
    inner = sample.take(x < low).total()[:, None] + sample.take(near).running()[:, steps]
    outer = whole[:, None] - inner
    means = sample.mean(inner), sample.mean(outer)
    least = smallest * whole[0]
    fits = (inner[0] >= least) & (outer[0] >= least) & (means[0] * (means[0] - means[1]) > 0)
    if not fits.any():
        return part
    cost = np.where(fits, sample.surprise(inner) + sample.surprise(outer), np.inf)
    best = int(steps[int(np.argmin(cost))])
    below, above = sorted((sign * float(window[best]), sign * float(window[best + 1])))
    is_whole = bool((window == np.round(window)).all())
    return condition(part.field, part.relation, roundest(below, above, whole=is_whole))


def roundest(low: float, high: float, *, whole: bool) -> float:
    """Give the number with the fewest digits in [low, high): a cut with no false precision.

    Examples
    --------
    >>> roundest(79_990.0, 80_003.0, whole=True), roundest(79_997.0, 79_998.0, whole=True)
    (80000.0, 79997.0)
    >>> roundest(0.4812, 0.5127, whole=False)
    0.5
    """
    top = math.floor(math.log10(max(abs(low), abs(high), 1e-290)))
    for power in range(top, 0 if whole else top - 17, -1):
        digits = -power
        value = round(math.floor(low * 10.0**digits) / 10.0**digits, max(0, digits))
        for candidate in (value, round(value + 10.0**power, max(0, digits))):
            if low <= candidate < high:
                return candidate
    return low
