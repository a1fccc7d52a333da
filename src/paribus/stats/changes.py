"""Changes of a gap from one model to another: of the same people, or from two separate estimates.

A gap with a sign may grow by crossing zero, so what is judged is its size: ``|after| - |before|``.
All claims about it rest on two means, the difference ``after - before`` and the sum
``after + before``, since ``| |after| - |before| |`` is the smaller of their sizes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri, stdtr

from paribus.stats.moments import ROUNDING, Moments, mean_interval
from paribus.stats.paired import agreeing, square_and_add
from paribus.stats.rates import p_rate_below

__all__ = [
    "Apart",
    "Between",
    "Change",
    "Exact",
    "Known",
    "Mean",
    "Scores",
    "change_of_size",
    "change_of_value",
    "scaled",
]

Interval = Callable[[float], tuple[float, float]]
"""Gives an interval for a confidence in (0, 1)."""

_Z_LIMIT = 40.0
_NEWTON_STEPS = 100
_STEPS = 100
_REACHED = 1e-9
_MOST_CONVOLVED = 1_000
_SURE = 1e-12
_ROUNDED = 1e-12
"""What rounding may add to the difference of two exact numbers."""


class Mean(Protocol):
    """A mean that is known as far as it is: from people, or from somebody's interval."""

    @property
    def estimate(self) -> float:
        """The most plausible value."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the two-sided interval, around the estimate."""

    def p_above(self, limit: float) -> float:
        """Give the one-sided p-value for the claim that the mean is above a limit."""

    def p_below(self, limit: float) -> float:
        """Give the one-sided p-value for the claim that the mean is below a limit."""


@dataclass(frozen=True)
class Scores:
    """The mean of paired scores that take few values, by the score test of a multinomial.

    The generalization of `paribus.stats.paired.tango_z` from changes of one either way to scores on
    any grid: the variance is that of the likeliest distribution on the grid whose mean is the one
    under the null hypothesis, so the test also works where few people change or none.

    Attributes
    ----------
    values : tuple of float
        The grid in rising order; its ends are the least and the most that a score can be.
    counts : tuple of int
        People at each value, at least 0.

    Notes
    -----
    Three exact tests guard it. A claim that the mean is above a limit of 0 or more also needs the
    exact sign-flip test to refute that models trade places freely (McNemar's exact test, where all
    scores are of one size), up to 1,000 people who change where sizes differ. A claim that the mean
    is below a limit above 0 also needs, where nobody changes downwards, the exact binomial test of
    so few changes upwards, as if those that were seen had been of the largest size. The same claim
    about people who on the whole change downwards, all by one size, also needs the exact binomial
    test of so many of the changes downwards, at the limit and at as many changes as were seen: of
    three people, three changes for the better prove nothing.

    References
    ----------
    Tango (1998), Statistics in Medicine 17, 891-908; Fisher (1935), The Design of Experiments,
    section 21 (sign flips).

    Examples
    --------
    >>> scores = Scores((-1.0, 0.0, 1.0), (2, 36, 12))
    >>> low, high = scores.interval(0.95)
    >>> round(low, 4), round(high, 4)
    (0.0611, 0.3447)
    """

    values: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, scores: NDArray[Any], low: float, high: float) -> Self:
        """Count scores.

        Parameters
        ----------
        scores : ndarray, shape (n,), float
            On a grid of few values in [low, high].
        low, high : float
            The least and the most that a score can be.
        """
        found, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
        table = {float(low): 0, float(high): 0}
        table |= dict(zip(found.tolist(), counts.tolist(), strict=True))
        values = tuple(sorted(table))
        return cls(values, tuple(table[value] for value in values))

    @property
    def people(self) -> int:
        """How many there are."""
        return sum(self.counts)

    @property
    def estimate(self) -> float:
        """The mean; 0 of nobody."""
        total = math.fsum(v * c for v, c in zip(self.values, self.counts, strict=True))
        return total / self.people if self.people else 0.0

    def z(self, limit: float) -> float:
        """Give the score statistic for a mean of `limit`, positive where the mean is above it.

        Held to [-40, 40], as that of `paribus.stats.paired.tango_z`.
        """
        mean = self.estimate - limit
        if not self.people or mean == 0:
            return 0.0
        if mean > 0:
            mirrored = Scores(tuple(-v for v in reversed(self.values)), self.counts[::-1])
            return 0.0 - mirrored.z(-limit)
        return _score_z(self.values, self.counts, self.people, limit, mean)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give all means that the test does not refute; all of them without a person."""
        if not self.people:
            return self.values[0], self.values[-1]
        z = -float(ndtri((1.0 - confidence) / 2.0))
        low, high = self._end(self.values[0], z), self._end(self.values[-1], -z)
        p = 2.0 * min(self._flipped(1), self._flipped(-1))
        return agreeing(low, high, min(1.0, p), confidence)

    def _end(self, outside: float, z: float) -> float:
        """Find the mean at which the statistic is `z`, between the estimate and an end."""
        inside, below, above = self.estimate, -z, self.z(outside) - z
        if below * above >= 0:
            return outside
        side = 0
        # Regula falsi that halves an end which stays (Illinois): the statistic is nearly a line.
        for _ in range(_STEPS):
            middle = (inside * above - outside * below) / (above - below)
            value = self.z(middle) - z
            if abs(value) <= _REACHED:
                return middle
            if value * above > 0:
                outside, above = middle, value
                below = below / 2.0 if side == 1 else below
                side = 1
            else:
                inside, below = middle, value
                above = above / 2.0 if side == -1 else above
                side = -1
        return inside

    def p_above(self, limit: float) -> float:
        """Give the one-sided p-value for the claim that the mean is above a limit."""
        p = float(ndtr(-self.z(limit))) if self.people else 1.0
        if limit >= 0:
            return max(p, self._flipped(1))
        return max(p, self._seldom(-1, -limit), self._outweighed(-limit))

    def p_below(self, limit: float) -> float:
        """Give the one-sided p-value for the claim that the mean is below a limit."""
        mirrored = Scores(tuple(-v for v in reversed(self.values)), self.counts[::-1])
        return mirrored.p_above(-limit)

    def _changed(self, sign: int) -> dict[float, int]:
        pairs = zip(self.values, self.counts, strict=True)
        return {abs(v): c for v, c in pairs if v * sign > 0 and c}

    def _flipped(self, sign: int) -> float:
        """Give the chance of as large a sum where every score has either sign as often."""
        ups, downs = self._changed(sign), self._changed(-sign)
        sizes = sorted(ups.keys() | downs.keys())
        if not sizes:
            return 1.0
        totals = {size: ups.get(size, 0) + downs.get(size, 0) for size in sizes}
        if len(sizes) == 1:
            return p_rate_below(downs.get(sizes[0], 0), totals[sizes[0]], 0.5)
        grid = min(sizes)
        steps = {size: size / grid for size in sizes}
        whole = all(step == round(step) for step in steps.values())
        if sum(totals.values()) > _MOST_CONVOLVED or not whole:
            return 0.0
        # How much lies below zero, in steps of the grid: each person adds theirs or nothing.
        chances = np.ones(1)
        for size, total in totals.items():
            k = np.arange(total + 1.0)
            logs = gammaln(total + 1.0) - gammaln(k + 1.0) - gammaln(total - k + 1.0)
            step = round(steps[size])
            spaced = np.zeros(total * step + 1)
            spaced[::step] = np.exp(logs - total * math.log(2.0))
            chances = np.convolve(chances, spaced)
        observed = round(sum(steps[size] * count for size, count in downs.items()))
        return min(1.0, float(chances[: observed + 1].sum()))

    def _outweighed(self, limit: float) -> float:
        """Give the chance of so many changes upwards among all, at a mean as far below zero."""
        ups, downs = self._changed(1), self._changed(-1)
        sizes = ups.keys() | downs.keys()
        # Nearer to zero it takes so many people that the score test needs no guard.
        if len(sizes) != 1 or self.estimate < limit:
            return 0.0
        (size,) = sizes
        up, down = ups.get(size, 0), downs.get(size, 0)
        lead = limit * self.people / (size * (up + down))
        return p_rate_below(down, up + down, min(1.0, 0.5 + 0.5 * lead))

    def _seldom(self, sign: int, limit: float) -> float:
        """Give the chance of so small a sum in a direction, at a mean of the limit that way."""
        # Those who change the other way, if any, make up for unseen ones: the score test counts.
        if self._changed(-sign):
            return 0.0
        most = max(self.values[-1] if sign > 0 else -self.values[0], 0.0)
        if most <= limit:
            return 0.0
        # Of all scores with that mean, a few as large as can be are missed most easily.
        total = sum(size * count for size, count in self._changed(sign).items())
        return p_rate_below(math.ceil(total / most), self.people, limit / most)


def _score_z(
    values: tuple[float, ...], counts: tuple[int, ...], n: int, limit: float, mean: float
) -> float:
    """Give the statistic where the mean lies below the limit: `mean` is their difference."""
    top = values[-1] - limit
    if top <= 0:
        return -_Z_LIMIT
    seen = [(v - limit, c / n) for v, c in zip(values, counts, strict=True) if c]
    # Probabilities are share / (1 + multiplier * distance), their mean rising as it falls.
    lowest, highest = -1.0 / top, 0.0
    unseen = 0.0
    if counts[-1] == 0:
        # The end of the grid was not seen: it takes what is lacking.
        unseen = max(0.0, -sum(s * y / (1.0 + lowest * y) for y, s in seen) / top)
    multiplier = lowest
    if unseen == 0.0:
        multiplier = 0.0
        for _ in range(_NEWTON_STEPS):
            terms = [(y / (1.0 + multiplier * y), s) for y, s in seen]
            value = sum(s * t for t, s in terms)
            if value < 0:
                highest = multiplier
            else:
                lowest = multiplier
            step = multiplier + value / sum(s * t * t for t, s in terms)
            if not lowest < step < highest:
                step = (lowest + highest) / 2.0
            if abs(step - multiplier) <= 1e-14 * abs(step):
                break
            multiplier = step
    square = unseen * top * top + sum(s * y * y / (1.0 + multiplier * y) for y, s in seen)
    return max(-_Z_LIMIT, mean * math.sqrt(n) / math.sqrt(square)) if square > 0 else -_Z_LIMIT


@dataclass(frozen=True)
class Known:
    """The mean of paired differences of amounts, by Student's t.

    Attributes
    ----------
    moments : Moments
        Of the differences.
    spread : float
        How far a difference that was not seen may be from those that were, at least 0: where all
        are equal, it takes the place of their standard deviation, as in
        `paribus.stats.moments.mean_interval`. 0 takes equal numbers for certain.

    Examples
    --------
    >>> import numpy as np
    >>> known = Known(Moments.of(np.array([1.0, 2.0, 3.0])))
    >>> round(known.p_above(0.0), 4)
    0.0371
    """

    moments: Moments
    spread: float = 0.0

    @property
    def estimate(self) -> float:
        """The mean; 0 of nobody."""
        return self.moments.mean

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give Student's interval."""
        return mean_interval(self.moments, confidence, self.spread)

    def p_above(self, limit: float) -> float:
        """Give the one-sided p-value for the claim that the mean is above a limit."""
        return self._p(self.moments.mean - limit)

    def p_below(self, limit: float) -> float:
        """Give the one-sided p-value for the claim that the mean is below a limit."""
        return self._p(limit - self.moments.mean)

    def _p(self, excess: float) -> float:
        n, sd = self.moments.count, self.moments.sd
        if n == 0 or (n < 2 and self.spread == 0):
            return 1.0
        if sd <= ROUNDING * self.spread or sd == 0:
            if excess <= 0:
                return 1.0
            if self.spread == 0:
                return 0.0
            return max(0.0, 1.0 - excess / self.spread) ** n
        return float(stdtr(n - 1, -excess / (sd / math.sqrt(n))))


@dataclass(frozen=True)
class Between:
    """A mean of which some numbers are missing: it lies between two others.

    Attributes
    ----------
    estimate : float
        Of the numbers that are known.
    least, most : Mean
        With the missing ones as low, and as high, as they can be.
    """

    estimate: float
    least: Mean
    most: Mean

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the interval that holds in the worst case."""
        low, high = self.least.interval(confidence)[0], self.most.interval(confidence)[1]
        return min(low, self.estimate), max(high, self.estimate)

    def p_above(self, limit: float) -> float:
        """Give the one-sided p-value for the claim that the mean is above a limit."""
        return max(self.least.p_above(limit), self.most.p_above(limit))

    def p_below(self, limit: float) -> float:
        """Give the one-sided p-value for the claim that the mean is below a limit."""
        return max(self.least.p_below(limit), self.most.p_below(limit))


@dataclass(frozen=True)
class Exact:
    """A number that is no estimate: everybody was asked, and it lies between two ends.

    Attributes
    ----------
    estimate, low, high : float
        With ``low <= estimate <= high``; all the same where nothing is missing.
    """

    estimate: float
    low: float
    high: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give both ends, whatever the confidence."""
        return self.low, self.high

    def p_above(self, limit: float) -> float:
        """Give 0 where the number is above a limit, else 1."""
        return 0.0 if self.low > limit else 1.0

    def p_below(self, limit: float) -> float:
        """Give 0 where the number is below a limit, else 1."""
        return 0.0 if self.high < limit else 1.0


@dataclass(frozen=True)
class Apart:
    """A sum or difference of two estimates that come with intervals (MOVER).

    Attributes
    ----------
    first, second : float
        The estimates.
    first_interval, second_interval : callable
        Give the interval of each for a confidence, around its estimate.
    sign : int
        -1 for the difference ``first - second``, 1 for the sum.
    independent : bool
        Whether the estimates are. Otherwise nothing is assumed of their correlation, and the
        interval is as wide as the two together: that holds for any that are jointly normal, and for
        all others at twice the error.

    References
    ----------
    Zou and Donner (2008), Statistics in Medicine 27, 1693-1702.

    Examples
    --------
    >>> span = lambda center: lambda confidence: (center - 0.3, center + 0.3)
    >>> low, high = Apart(0.5, 0.1, span(0.5), span(0.1), independent=False).interval(0.95)
    >>> round(low, 4), round(high, 4)
    (-0.2, 1.0)
    """

    first: float
    second: float
    first_interval: Interval
    second_interval: Interval
    sign: int = -1
    independent: bool = True

    @property
    def estimate(self) -> float:
        """The difference or sum of the estimates."""
        return self.first + self.sign * self.second

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the interval of the difference or sum."""
        low1, high1 = self.first_interval(confidence)
        low2, high2 = self.second_interval(confidence)
        one = max(0.0, self.first - low1), max(0.0, high1 - self.first)
        other = max(0.0, self.second - low2), max(0.0, high2 - self.second)
        if self.sign > 0:
            other = other[::-1]
        return square_and_add(self.estimate, one, other, 0.0 if self.independent else -1.0)

    def p_above(self, limit: float) -> float:
        """Give the one-sided p-value for the claim that it is above a limit."""
        return self._p(limit, 0)

    def p_below(self, limit: float) -> float:
        """Give the one-sided p-value for the claim that it is below a limit."""
        return self._p(limit, 1)

    def _p(self, limit: float, side: int) -> float:
        """Find the confidence at which the interval reaches the limit."""

        def clear(z: float) -> bool:
            end = self.interval(1.0 - 2.0 * float(ndtr(-z)))[side]
            return end > limit if side == 0 else end < limit

        if (self.estimate <= limit) if side == 0 else (self.estimate >= limit):
            return 1.0
        surest = -float(ndtri(_SURE))
        if clear(surest):
            return _SURE
        low, high = 0.0, surest
        for _ in range(30):
            middle = (low + high) / 2.0
            low, high = (middle, high) if clear(middle) else (low, middle)
        return float(ndtr(-low))


def scaled(estimate: float, low: float, high: float, confidence: float) -> Interval:
    """Give an interval at any confidence from one interval, as if its ends were normal quantiles.

    Parameters
    ----------
    estimate, low, high : float
        The interval and what lies in it, ``low <= estimate <= high``.
    confidence : float
        Of the interval, in (0, 1).

    Examples
    --------
    >>> low, high = scaled(0.0, -1.96, 3.92, 0.95)(0.6827)
    >>> round(low, 2), round(high, 2)
    (-1.0, 2.0)
    """
    z = -float(ndtri((1.0 - confidence) / 2.0))

    def at(level: float) -> tuple[float, float]:
        factor = -float(ndtri((1.0 - level) / 2.0)) / z
        return estimate - factor * (estimate - low), estimate + factor * (high - estimate)

    return at


@dataclass(frozen=True)
class Change:
    """How much larger something undesired became, and what is proven of that.

    Attributes
    ----------
    estimate, low, high : float
        After minus before; positive is worse.
    p_worse, p_better : float
        Two-sided p-values for the claims that it grew, and that it shrank, by more than the margin.
    p_no_worse : float
        For the claim that it did not grow by the margin or more.
    p_unchanged : float
        For the claim that it is the same within the margin.
    """

    estimate: float
    low: float
    high: float
    p_worse: float
    p_better: float
    p_no_worse: float
    p_unchanged: float


def change_of_value(difference: Mean, margin: float, confidence: float = 0.95) -> Change:
    """Judge the change of something that is undesired and has no sign, such as a rate of flips.

    Parameters
    ----------
    difference : Mean
        After minus before.
    margin : float
        The largest change that counts as none, at least 0; nothing is unchanged at 0.
    confidence : float
        Of the interval, in (0, 1).

    Examples
    --------
    >>> change = change_of_value(Scores((-1.0, 0.0, 1.0), (5, 955, 40)), margin=0.02)
    >>> round(change.estimate, 3), round(change.p_worse, 4)
    (0.035, 0.0133)
    """
    low, high = difference.interval(confidence)
    if isinstance(difference, Exact):
        return _exact_change((difference.estimate, low, high), difference, margin)
    below = difference.p_below(margin)
    return Change(
        estimate=difference.estimate,
        low=low,
        high=high,
        p_worse=min(1.0, 2.0 * difference.p_above(margin)),
        p_better=min(1.0, 2.0 * difference.p_below(-margin)),
        p_no_worse=below,
        p_unchanged=max(below, difference.p_above(-margin)) if margin > 0 else 1.0,
    )


def change_of_size(
    difference: Mean, total: Mean, margin: float, confidence: float = 0.95
) -> Change:
    """Judge the change of the size of a gap that has a sign.

    Parameters
    ----------
    difference, total : Mean
        After minus before, and after plus before.
    margin : float
        The largest change that counts as none, at least 0; nothing is unchanged at 0.
    confidence : float
        Of the interval, in (0, 1).

    Returns
    -------
    Change
        `estimate`, `low` and `high` are of ``|after| - |before|``. A gap that turned around and is
        as large as before is neither worse nor unchanged.

    Notes
    -----
    ``|after| > |before| + m`` holds where both the difference and the sum are above `m`, or both
    below ``-m``. Each of these is an intersection-union test (Berger 1982), whose p-value is the
    larger of two one-sided ones; of the two, the smaller counts twice. So do the claims that the
    size shrank, with the signs of the sum turned, and that it did not grow. It is unchanged where
    the difference lies within the margin both ways (Schuirmann 1987) and the size did not grow.

    References
    ----------
    Berger (1982), Technometrics 24, 295-300; Schuirmann (1987), Journal of Pharmacokinetics and
    Biopharmaceutics 15, 657-680.

    Examples
    --------
    >>> grown = Scores((-2.0, -1.0, 0.0, 1.0, 2.0), (0, 40, 960, 0, 0))
    >>> sums = Scores((-2.0, -1.0, 0.0, 1.0, 2.0), (50, 40, 910, 0, 0))
    >>> change = change_of_size(grown, sums, margin=0.01)
    >>> round(change.estimate, 3), change.p_worse < 0.001
    (0.04, True)
    """
    d_low, d_high = difference.interval(confidence)
    s_low, s_high = total.interval(confidence)
    d, s = difference.estimate, total.estimate
    estimate = max(min(d, s), min(-d, -s))
    low = max(min(d_low, s_low), min(-d_high, -s_high))
    high = -max(min(-d_high, s_low), min(d_low, -s_high))
    if isinstance(difference, Exact):
        return _exact_change((estimate, low, high), difference, margin)

    def both(p_difference: float, p_sum: float) -> float:
        return max(p_difference, p_sum)

    def grew(least: float) -> float:
        up = both(difference.p_above(least), total.p_above(least))
        down = both(difference.p_below(-least), total.p_below(-least))
        return min(1.0, 2.0 * min(up, down))

    def shrank(least: float) -> float:
        down = both(difference.p_below(-least), total.p_above(least))
        up = both(difference.p_above(least), total.p_below(-least))
        return min(1.0, 2.0 * min(up, down))

    no_worse = shrank(-margin)
    within = max(difference.p_below(margin), difference.p_above(-margin))
    return Change(
        estimate=estimate,
        low=low,
        high=high,
        p_worse=grew(margin),
        p_better=shrank(margin),
        p_no_worse=no_worse,
        p_unchanged=max(within, no_worse) if margin > 0 else 1.0,
    )


def _exact_change(change: tuple[float, float, float], difference: Exact, margin: float) -> Change:
    """State what is no estimate: a change of just the margin is none."""
    estimate, low, high = change
    edge = margin + _ROUNDED * max(1.0, margin)
    same = -edge <= difference.low and difference.high <= edge
    return Change(
        estimate=estimate,
        low=low,
        high=high,
        p_worse=0.0 if low > edge else 1.0,
        p_better=0.0 if high < -edge else 1.0,
        p_no_worse=0.0 if high <= edge else 1.0,
        p_unchanged=0.0 if same and high <= edge else 1.0,
    )
