"""Verdicts that stay valid whenever one looks: bets on pairs that come one at a time.

Each pair shows a difference `d` between -1 and 1: the answer for the group minus the answer for
the reference. Whoever doubts that the mean difference is at most `m` bets against it, pair by
pair, a share `f` of the wealth that could be lost: the wealth is multiplied by
``(1 - f) + f (1 + d) / (1 + m)``. If the mean is at most `m`, no bet gains on average, and the
chance that the wealth, 1 at the start, is *ever* ``1 / alpha`` or more is at most alpha (Ville's
inequality). The wealth is therefore an e-value that may be looked at as often as one likes, and
``1 / wealth`` a p-value. Here it is the average of 32 bets, from 3 % to 99.5 %, so that large and
small gaps are both found soon. Bets against a mean of at least `m` are the mirror image.

References
----------
Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting, Journal
of the Royal Statistical Society B 86, 1-27; Ville (1939), Etude critique de la notion de collectif.
"""

import math
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Simulation",
    "Walk",
    "confidence_sequence",
    "log_e_above",
    "log_e_below",
    "look_numbers",
    "running_intersection",
    "simulate_pairs",
    "size_bounds",
]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Weights: TypeAlias = tuple[int, ...]
Scalar = TypeVar("Scalar", bound=np.number[Any])

_SHARES = np.linspace(0.03, 0.995, 32)
# A mean of 1 leaves no room for doubt or for bets; this close to it, wealth is still finite.
_LARGEST = 1.0 - 2.0**-40
_EVERY_PAIR_UNTIL = 1_000
_LAST_LOOK = 10**15
_TRAIL_PER_DECADE = 8
_HALVINGS = 52
_SIMULATED_LOOKS = 32

_TERNARY = (-1.0, 0.0, 1.0)
_ROOTS = tuple(2.0 ** (-half / 2.0) for half in range(17))
_FINE = (*(-root for root in _ROOTS), 0.0, *reversed(_ROOTS))
_FINE_UNITS = 2**20


def log_e_above(n_plus: ArrayLike, n_zero: ArrayLike, n_minus: ArrayLike, m: float) -> Floats:
    """Log e-value against the null hypothesis that the mean difference is at most `m`.

    Parameters
    ----------
    n_plus, n_zero, n_minus : array_like, shapes that broadcast, at least 0
        Pairs with a difference of +1, 0 and -1.
    m : float
        Largest mean under the null hypothesis, in (-1, 1).

    Returns
    -------
    ndarray, float64
        Finite. Falls as `m` grows, because every bet does; at most 0 where the observed mean is
        not above `m`; 0 without a pair.

    References
    ----------
    Waudby-Smith and Ramdas (2024), Journal of the Royal Statistical Society B 86, 1-27, section 4.

    Examples
    --------
    >>> round(float(log_e_above(12, 85, 3, 0.02)), 4)
    1.1962
    """
    counts = np.stack(np.broadcast_arrays(n_minus, n_zero, n_plus), axis=-1)
    return _log_wealth(counts, _log_gains(_TERNARY, m))


def log_e_below(n_plus: ArrayLike, n_zero: ArrayLike, n_minus: ArrayLike, m: float) -> Floats:
    """Log e-value against the null hypothesis that the mean difference is at least `m`.

    The mirror image of `log_e_above`: the same with `n_plus` and `n_minus` exchanged and ``-m``.

    Parameters
    ----------
    n_plus, n_zero, n_minus : array_like, shapes that broadcast, at least 0
        Pairs with a difference of +1, 0 and -1.
    m : float
        Smallest mean under the null hypothesis, in (-1, 1).

    Returns
    -------
    ndarray, float64
        Finite; rises with `m`.

    Examples
    --------
    >>> float(log_e_below(3, 85, 12, -0.02)) == float(log_e_above(12, 85, 3, 0.02))
    True
    """
    return log_e_above(n_minus, n_zero, n_plus, -m)


def confidence_sequence(
    n_plus: ArrayLike, n_zero: ArrayLike, n_minus: ArrayLike, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Confidence intervals for the mean difference that hold at all numbers of pairs at once.

    All means that neither `log_e_above` nor `log_e_below` refutes at half the error each. The
    e-values are monotone in the mean, so these form an interval, found by bisection. For a rate
    of change, pass an `n_minus` of 0 and hold the bounds to [0, 1].

    Parameters
    ----------
    n_plus, n_zero, n_minus : array_like, shapes that broadcast, at least 0
        Pairs with a difference of +1, 0 and -1 after each number of pairs.
    confidence : float
        Chance that all intervals together hold the true mean, in (0, 1).

    Returns
    -------
    low, high : ndarray, float64
        Bounds in [-1, 1], around the observed mean. Where answers are missing, take `low` from
        the least and `high` from the largest differences that they leave possible.

    References
    ----------
    Waudby-Smith and Ramdas (2024), Journal of the Royal Statistical Society B 86, 1-27, section 4.

    Examples
    --------
    >>> low, high = confidence_sequence([0, 2, 40], [0, 90, 900], [0, 8, 60])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([-1.0, -0.175, -0.053], [1.0, 0.038, 0.012])
    """
    counts = np.stack(np.broadcast_arrays(n_minus, n_zero, n_plus), axis=-1)
    miss = 1.0 - confidence
    return _lower(counts, _TERNARY, miss), -_lower(counts[..., ::-1], _TERNARY, miss)


def running_intersection(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Intersect each interval of a confidence sequence with all before it.

    The intersections hold the true mean with the same confidence, and only become narrower. They
    need not hold the observed mean, and with a chance of at most ``1 - confidence`` one of them
    is empty: then its `low` is above its `high`.

    Parameters
    ----------
    low, high : ndarray, shape (n,), float64
        Bounds in the order of the pairs.

    Returns
    -------
    low, high : ndarray, shape (n,), float64
        Bounds that never fall and never rise.

    Examples
    --------
    >>> low, high = running_intersection(np.array([-0.5, -0.1, -0.2]), np.array([0.5, 0.6, 0.2]))
    >>> low.tolist(), high.tolist()
    ([-0.5, -0.1, -0.1], [0.5, 0.5, 0.2])
    """
    return np.maximum.accumulate(low), np.minimum.accumulate(high)


def size_bounds(
    d_low: NDArray[Scalar], d_high: NDArray[Scalar]
) -> tuple[NDArray[Scalar], NDArray[Scalar]]:
    """Bounds of the size ``|d|`` of differences that lie between two bounds.

    Parameters
    ----------
    d_low, d_high : ndarray, shape (n,), signed integer or float
        Bounds of each difference, ``d_low <= d_high``, in [-1, 1].

    Returns
    -------
    low, high : ndarray, shape (n,), of the same type
        Least and largest size, in [0, 1].

    Examples
    --------
    >>> low, high = size_bounds(np.array([-1, -1, 1]), np.array([-1, 0, 1]))
    >>> low.tolist(), high.tolist()
    ([1, 0, 1], [1, 1, 1])
    """
    none = np.zeros_like(d_low)
    return np.maximum(np.maximum(d_low, -d_high), none), np.maximum(-d_low, d_high)


def look_numbers(most: int) -> Integers:
    """Numbers of pairs after which the e-values are examined.

    After every pair up to 1,000 and then about every 0.25 % further, until 10**15. The schedule
    never depends on how pairs are dealt out.

    Parameters
    ----------
    most : int
        The largest number wanted, at least 0.

    Returns
    -------
    ndarray, shape (k,), int64
        Increasing; read-only.

    Examples
    --------
    >>> look_numbers(10_000)[[0, 1, 999, 1000, 1001]].tolist()
    [1, 2, 1000, 1002, 1004]
    """
    every = _looks()
    return every[: np.searchsorted(every, most, side="right")]


@dataclass(frozen=True, slots=True)
class Walk:
    """What the pairs seen so far prove about their mean difference, at whatever time one looks.

    Differences come in a fixed order, in chunks of any size: the state after a pair is the same,
    bit for bit, however the pairs before it were cut into chunks, because it holds whole numbers
    and e-values are examined at `look_numbers` only. Four one-sided null hypotheses are bet
    against, at plus and minus the tolerance. The mean is outside the tolerance when one of the
    two outer e-values reaches ``2 / alpha``, and within it when both inner ones reach
    ``1 / alpha`` at the same look. At one look never both happen. Where an answer is missing, each
    e-value takes the difference least favorable to it.

    Sizes of differences (flips, or absolute gaps) are bet on in the same way but to one side:
    they are outside at ``1 / alpha``. Pair by pair a size is at least as large as its difference,
    hence so is the wealth of the same bet: whenever the mean difference is proven outside, so is
    the mean size at that look or before, and whenever the mean size is proven within, so is the
    mean difference.

    Differences other than -1, 0 and 1 are shared out between the two nearest of 35 knots, in units
    of a millionth, rounded to the least favorable side. The logarithm of a bet's gain is concave
    in the difference: sharing out only makes wealth smaller, and the error rates hold exactly.

    Attributes
    ----------
    tolerance : float
        Largest mean that counts as equal; nothing is within one of 0 or below, and above 1 it
        counts as 1, which nothing is outside of.
    alpha : float
        Error rate of each claim, in (0, 1).
    sides : {1, 2}
        On how many sides of the tolerance a mean can be outside: 1 for sizes, 2 for differences.
    knots : tuple of float
        Values that differences are counted at, from -1 to 1, symmetric about 0.
    units : int
        Weight of one pair.
    pairs : int
        Pairs seen.
    low, high : tuple of int
        Weight at each knot of the least and the largest differences possible.
    log_outside, log_within : float
        Logarithm of the largest e-value of each claim at a look so far, at least 0.
    outside_at, within_at : int or None
        Number of pairs at the first look that proved the claim.
    trail : tuple of (int, tuple of int, tuple of int)
        `pairs`, `low` and `high` after 1, 2, 3, ... 10, 13, 18, ... pairs, 8 to a decade.

    References
    ----------
    Waudby-Smith and Ramdas (2024), Journal of the Royal Statistical Society B 86, 1-27; Ville
    (1939), Etude critique de la notion de collectif.

    Examples
    --------
    >>> walk = Walk.of_gaps(tolerance=0.02, alpha=0.05)
    >>> walk = walk.after(np.zeros(100, dtype=np.int8)).after(np.zeros(200, dtype=np.int8))
    >>> walk.pairs, walk.within_at, walk.outside_at, walk.verdict
    (300, 220, None, 'within')
    """

    tolerance: float
    alpha: float
    sides: Literal[1, 2]
    knots: tuple[float, ...] = field(repr=False)
    units: int = field(repr=False)
    pairs: int
    low: Weights = field(repr=False)
    high: Weights = field(repr=False)
    log_outside: float
    log_within: float
    outside_at: int | None
    within_at: int | None
    trail: tuple[tuple[int, Weights, Weights], ...] = field(repr=False)

    @classmethod
    def of_gaps(cls, tolerance: float, alpha: float) -> Self:
        """Begin with differences of -1, 0 and 1, of which the mean may be outside on two sides.

        Examples
        --------
        >>> Walk.of_gaps(0.1, 0.05).after(np.ones(20, dtype=np.int8)).verdict
        'outside'
        """
        return cls._begin(tolerance, alpha, 2, _TERNARY, 1)

    @classmethod
    def of_flips(cls, tolerance: float, alpha: float) -> Self:
        """Begin with changes, 0 or 1, of which the rate may be above the tolerance.

        Examples
        --------
        >>> Walk.of_flips(0.1, 0.05).after(np.ones(20, dtype=np.int8)).verdict
        'outside'
        """
        return cls._begin(tolerance, alpha, 1, _TERNARY, 1)

    @classmethod
    def of_scores(cls, tolerance: float, alpha: float) -> Self:
        """Begin with differences in [-1, 1], of which the mean may be outside on two sides.

        Examples
        --------
        >>> Walk.of_scores(0.1, 0.05).after(np.full(40, -0.6)).verdict
        'outside'
        """
        return cls._begin(tolerance, alpha, 2, _FINE, _FINE_UNITS)

    @classmethod
    def of_sizes(cls, tolerance: float, alpha: float) -> Self:
        """Begin with sizes in [0, 1], of which the mean may be above the tolerance.

        Examples
        --------
        >>> Walk.of_sizes(0.1, 0.05).after(np.full(400, 0.01)).verdict
        'within'
        """
        return cls._begin(tolerance, alpha, 1, _FINE, _FINE_UNITS)

    @classmethod
    def _begin(
        cls,
        tolerance: float,
        alpha: float,
        sides: Literal[1, 2],
        knots: tuple[float, ...],
        units: int,
    ) -> Self:
        none = (0,) * len(knots)
        empty = {"pairs": 0, "low": none, "high": none, "trail": ()}
        claims = {"log_outside": 0.0, "log_within": 0.0, "outside_at": None, "within_at": None}
        state: dict[str, Any] = {**empty, **claims}
        return cls(tolerance, alpha, sides, knots, units, **state)

    def after(self, d_low: NDArray[Any], d_high: NDArray[Any] | None = None) -> Self:
        """Return the state after the next pairs.

        Parameters
        ----------
        d_low : ndarray, shape (n,), integer or float
            Least differences possible, in the order of the pairs; held to [-1, 1].
        d_high : ndarray, shape (n,), integer or float, optional
            Largest differences possible, at least `d_low`; the same where nothing is missing.

        Examples
        --------
        >>> walk = Walk.of_gaps(0.02, 0.05)
        >>> unknown = walk.after(np.array([-1, 0, 1]), np.array([1, 0, 1]))
        >>> unknown.low, unknown.high
        ((1, 1, 1), (0, 1, 2))
        """
        count = len(d_low)
        if count == 0:
            return self
        end = self.pairs + count
        looks = _between(look_numbers(end), self.pairs)
        stops = _between(_trail_numbers(end), self.pairs)
        marks = np.union1d(np.union1d(looks, stops), [end])
        low = high = self._weights(d_low, marks, self.low, np.floor)
        certain = d_high is None and d_low.dtype.kind in "biu"
        if not (certain and self.low == self.high):
            largest = d_low if d_high is None else d_high
            high = self._weights(largest, marks, self.high, np.ceil)

        seen = np.searchsorted(marks, looks)
        outside, within = _claims(
            low[seen] / self.units, high[seen] / self.units, self.knots, self.tolerance, self.sides
        )
        passed = np.searchsorted(marks, stops)
        steps = zip(stops.tolist(), low[passed].tolist(), high[passed].tolist(), strict=True)
        return replace(
            self,
            pairs=end,
            low=tuple(low[-1].tolist()),
            high=tuple(high[-1].tolist()),
            log_outside=max([self.log_outside, *outside.tolist()]),
            log_within=max([self.log_within, *within.tolist()]),
            outside_at=_first(self.outside_at, looks, _p(outside, self.sides) <= self.alpha),
            within_at=_first(self.within_at, looks, _p(within, 1) <= self.alpha),
            trail=(*self.trail, *((n, tuple(least), tuple(most)) for n, least, most in steps)),
        )

    def _weights(
        self, values: NDArray[Any], marks: Integers, carried: Weights, rounding: np.ufunc
    ) -> Integers:
        knots = np.asarray(self.knots)
        held = np.clip(values, -1.0, 1.0)
        left = np.minimum(np.searchsorted(knots, held, side="right") - 1, len(knots) - 2)
        share = (held - knots[left]) / (knots[left + 1] - knots[left])
        right = rounding(self.units * share)
        numbers = np.arange(self.pairs + 1, self.pairs + len(held) + 1)
        cell = np.searchsorted(marks, numbers) * len(knots) + left
        cells = len(marks) * len(knots)
        # Sums of whole numbers below 2**53 are exact in floating point.
        weights = np.bincount(cell, self.units - right, cells)
        weights += np.bincount(cell + 1, right, cells)
        grouped = weights.reshape(len(marks), len(knots)).astype(np.int64)
        return np.asarray(carried, dtype=np.int64) + np.cumsum(grouped, axis=0)

    @property
    def p_outside(self) -> float:
        """P-value for a mean outside the tolerance, valid at any time; in [0, 1], never rising."""
        return float(_p(np.asarray(self.log_outside), self.sides))

    @property
    def p_within(self) -> float:
        """P-value for a mean within the tolerance, valid at any time; in [0, 1], never rising."""
        return float(_p(np.asarray(self.log_within), 1))

    @property
    def settled_at(self) -> int | None:
        """Number of pairs at the first look that proved either claim."""
        proven = [at for at in (self.outside_at, self.within_at) if at is not None]
        return min(proven, default=None)

    @property
    def verdict(self) -> Literal["outside", "within", "open"]:
        """The claim that was proven first; later looks do not take it back."""
        if self.settled_at is None:
            return "open"
        return "outside" if self.settled_at == self.outside_at else "within"

    def sequence(self, confidence: float = 0.95) -> tuple[Integers, Floats, Floats]:
        """Confidence intervals for the mean along the trail and now.

        Parameters
        ----------
        confidence : float
            Chance that all intervals together hold the true mean, in (0, 1).

        Returns
        -------
        pairs : ndarray, shape (k,), int64
            Increasing; empty without a pair.
        low, high : ndarray, shape (k,), float64
            Bounds as of `confidence_sequence`, in [-1, 1], or in [0, 1] for sizes; each around
            the observed mean, so not yet intersected (`running_intersection`). A two-sided
            interval: for sizes it may still touch the tolerance when they are proven outside.

        Examples
        --------
        >>> walk = Walk.of_gaps(0.02, 0.05).after(np.zeros(200, dtype=np.int8))
        >>> pairs, low, high = walk.sequence()
        >>> int(pairs[-1]), round(float(low[-1]), 4), round(float(high[-1]), 4)
        (200, -0.0261, 0.0261)
        """
        steps = [step for step in self.trail if step[0] < self.pairs]
        if self.pairs:
            steps.append((self.pairs, self.low, self.high))
        shape = (len(steps), len(self.knots))
        least = np.array([low for _, low, _ in steps], dtype=np.float64).reshape(shape)
        most = np.array([high for _, _, high in steps], dtype=np.float64).reshape(shape)
        miss = 1.0 - confidence
        low = _lower(least / self.units, self.knots, miss)
        high = -_lower(most[:, ::-1] / self.units, self.knots, miss)
        if self.sides == 1:
            low = np.maximum(low, 0.0)
        return np.array([pairs for pairs, _, _ in steps], dtype=np.int64), low, high


@dataclass(frozen=True, slots=True)
class Simulation:
    """Simulated walks: when each was settled, and how.

    Attributes
    ----------
    pairs : ndarray, shape (simulations,), int64
        Pairs until the first proof; the largest number looked at where there was none.
    outside, within : ndarray, shape (simulations,), bool
        Which claim was proven, if any.
    """

    pairs: Integers
    outside: NDArray[np.bool_]
    within: NDArray[np.bool_]


def simulate_pairs(
    p_plus: float,
    p_minus: float,
    tolerance: float,
    alpha: float,
    rng: np.random.Generator,
    *,
    sides: Literal[1, 2] = 2,
    simulations: int = 1_000,
    most: int = 100_000,
) -> Simulation:
    """Simulate how many pairs it takes until a walk is settled.

    Parameters
    ----------
    p_plus, p_minus : float
        Chances of a difference of +1 and of -1, with a sum of at most 1. For a rate of change,
        pass the rate, 0 and ``sides=1``.
    tolerance, alpha : float
        As for `Walk`.
    rng : numpy.random.Generator
        Source of chance.
    sides : {1, 2}
        As for `Walk`.
    simulations : int
        How many walks, at least 1.
    most : int
        Pairs after which an unsettled walk is given up, at least 1.

    Returns
    -------
    Simulation
        One entry per walk; the looks are those of `Walk`.

    Examples
    --------
    >>> found = simulate_pairs(0.2, 0.0, 0.02, 0.05, np.random.default_rng(1), simulations=200)
    >>> bool(40 < found.pairs.mean() < 50), bool(found.outside.all())
    (True, True)
    """
    looks = look_numbers(most)
    pairs = np.full(simulations, looks[-1], dtype=np.int64)
    outside, within = np.zeros((2, simulations), dtype=np.bool_)
    alive = np.arange(simulations)
    counts = np.zeros((simulations, 3), dtype=np.int64)
    chances = [p_minus, max(0.0, 1.0 - p_minus - p_plus), p_plus]
    for block in np.split(looks, range(_SIMULATED_LOOKS, len(looks), _SIMULATED_LOOKS)):
        steps = np.diff(block, prepend=counts[0].sum())[:, None]
        draws = rng.multinomial(steps, chances, size=(len(block), len(alive)))
        path = counts + np.cumsum(draws, axis=0)
        log_outside, log_within = _claims(path, path, _TERNARY, tolerance, sides)
        proven_outside = _p(log_outside, sides) <= alpha
        proven_within = _p(log_within, 1) <= alpha
        proven = proven_outside | proven_within
        settled = proven.any(axis=0)
        first = proven.argmax(axis=0)[settled]
        done = alive[settled]
        pairs[done] = block[first]
        outside[done] = proven_outside[first, settled]
        within[done] = proven_within[first, settled]
        alive, counts = alive[~settled], path[-1, ~settled]
        if len(alive) == 0:
            break
    return Simulation(pairs, outside, within)


def _log_gains(knots: tuple[float, ...], m: ArrayLike) -> Floats:
    """Log of the gain of each bet against a mean of at most `m`, by knot and bet."""
    at = np.asarray(m, dtype=np.float64)[..., None, None]
    return np.log1p((np.asarray(knots)[:, None] - at) / (1.0 + at) * _SHARES)


def _log_wealth(counts: NDArray[Any], gains: Floats) -> Floats:
    """Log of the average wealth of all bets; `counts` ends in knots, `gains` in knots and bets."""
    numbers = np.asarray(counts, dtype=np.float64)
    total = np.zeros((*numbers.shape[:-1], len(_SHARES)))
    # Not a matrix product: its order of summation, and so its rounding, depends on the shape.
    for knot in range(numbers.shape[-1]):
        number = numbers[..., knot, None]
        if number.any():
            total += number * gains[..., knot, :]
    top = total.max(axis=-1, keepdims=True)
    mean = np.exp(total - top).mean(axis=-1)
    return np.asarray(top[..., 0] + np.log(mean))


def _claims(
    low: NDArray[Any], high: NDArray[Any], knots: tuple[float, ...], tolerance: float, sides: int
) -> tuple[Floats, Floats]:
    """Log e-values of a mean outside and of a mean within the tolerance, counts by knot."""
    limit = min(max(tolerance, 0.0), _LARGEST)
    mirrored = high[..., ::-1]
    outer, inner = _log_gains(knots, limit), _log_gains(knots, -limit)
    outside, within = _log_wealth(low, outer), _log_wealth(mirrored, inner)
    if sides == 2:
        outside = np.maximum(outside, _log_wealth(mirrored, outer))
        within = np.minimum(within, _log_wealth(low, inner))
    if tolerance >= 1:
        outside = np.zeros_like(outside)
    if tolerance <= 0:
        within = np.zeros_like(within)
    return outside, within


def _lower(counts: NDArray[Any], knots: tuple[float, ...], miss: float) -> Floats:
    """Largest mean such that all below it are refuted, each at half of `miss`."""
    needed = math.log(2.0 / miss)
    refuted = np.full(counts.shape[:-1], -1.0)
    open_ = np.ones(counts.shape[:-1])
    for _ in range(_HALVINGS):
        middle = (refuted + open_) / 2.0
        above = _log_wealth(counts, _log_gains(knots, middle)) >= needed
        refuted = np.where(above, middle, refuted)
        open_ = np.where(above, open_, middle)
    return refuted


def _p(log_e: Floats, sides: int) -> Floats:
    return np.asarray(np.minimum(1.0, sides * np.exp(-np.maximum(log_e, 0.0))))


def _first(known: int | None, looks: Integers, proven: NDArray[np.bool_]) -> int | None:
    if known is not None or not proven.any():
        return known
    return int(looks[proven.argmax()])


def _between(numbers: Integers, done: int) -> Integers:
    return numbers[np.searchsorted(numbers, done, side="right") :]


@cache
def _looks() -> Integers:
    numbers = list(range(1, _EVERY_PAIR_UNTIL + 1))
    while numbers[-1] < _LAST_LOOK:
        numbers.append(numbers[-1] + numbers[-1] // 400)
    return _frozen(np.array(numbers, dtype=np.int64))


@cache
def _every_trail_number() -> Integers:
    decades = round(math.log10(_LAST_LOOK))
    exponents = np.arange(decades * _TRAIL_PER_DECADE + 1) / _TRAIL_PER_DECADE
    return _frozen(np.unique(np.round(10.0**exponents).astype(np.int64)))


def _frozen(numbers: Integers) -> Integers:
    numbers.flags.writeable = False
    return numbers


def _trail_numbers(most: int) -> Integers:
    every = _every_trail_number()
    return every[: np.searchsorted(every, most, side="right")]
