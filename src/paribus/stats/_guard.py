"""P-values of the difference of two rates: of the Newcombe interval, and guarded.

What `paribus.stats.independent` and `paribus.stats.all_pairs` have in common; the former says
what the guard is.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincc, ndtr, ndtri, rel_entr

from paribus.stats.rate_intervals import distance

Numbers: TypeAlias = NDArray[np.float64]
Deviates: TypeAlias = Callable[
    [Numbers, Numbers, Numbers, Numbers, Numbers, Numbers], tuple[Numbers, Numbers]
]

HOPELESS = 0.2
"""Above this no claim is made at any usual level, and the guard is not worth its time."""

_Z_LIMIT = 40.0
_Z_LEAST = 1e-100
_NEWTON_STEPS = 120
_STRIDE = 8.0
_LINES = 6
# One part of the error is spent on where the second rate may lie, twenty on the claim.
_PARTS = 21.0
_TOO_SURE = 3.0
_SUREST = 1e-18
_HALVINGS = 6
_LEAST = -1.0
_CLOSE = 1e-12
_PLACES = np.array([0.0, 0.15, 0.5, 0.85, 1.0])
_SMALLEST_TAIL = 1e-300
# Up to here `at_most` loses less than `_ROUNDING` to rounding.
_BOUNDED_UP_TO = 1e8
_ROUNDING = 1e-5


def p_newcombe(k1: Numbers, n1: Numbers, k2: Numbers, n2: Numbers, t: float) -> Numbers:
    """One-sided p-value of the Newcombe interval for the claim ``p1 - p2 > t``, rows of counts."""
    p = np.ones(k1.shape)
    filled = (n1 > 0) & (n2 > 0)
    excess = k1 / np.where(filled, n1, 1.0) - k2 / np.where(filled, n2, 1.0) - t
    claimed = np.flatnonzero(filled & (excess > 0))
    cells = k1[claimed], n1[claimed], k2[claimed], n2[claimed]
    p[claimed] = ndtr(-_newcombe_z(*cells, excess[claimed]))
    return p


def _newcombe_z(k1: Numbers, n1: Numbers, k2: Numbers, n2: Numbers, excess: Numbers) -> Numbers:
    # Newton's method in the logarithms, where the reach of the interval is nearly a straight
    # line, held inside a bracket, each row until it has arrived: no number depends on others.
    rate1, rest1, rate2, rest2 = k1 / n1, (n1 - k1) / n1, k2 / n2, (n2 - k2) / n2
    low, high = np.full(k1.shape, _Z_LEAST), np.full(k1.shape, _Z_LIMIT)
    error = np.sqrt(rate1 * rest1 / n1 + rate2 * rest2 / n2)
    z = np.where(error > 0, excess / np.where(error > 0, error, 1.0), 1.0)
    z = np.clip(z, 1e-50, 0.75 * _Z_LIMIT)
    result = np.full(z.shape, _Z_LIMIT)
    reach = np.hypot(distance(rate1, rest1, n1, high), distance(rest2, rate2, n2, high))
    moving = np.flatnonzero(reach > excess)
    rows = rate1, rest1, n1, rate2, rest2, n2, excess, low, high, z
    rate1, rest1, n1, rate2, rest2, n2, excess, low, high, z = (x[moving] for x in rows)
    with np.errstate(over="ignore", divide="ignore"):
        for turn in range(_NEWTON_STEPS):
            down, slope1 = distance(rate1, rest1, n1, z), _slope(rate1, rest1, n1, z)
            up, slope2 = distance(rest2, rate2, n2, z), _slope(rest2, rate2, n2, z)
            squares1, squares2 = down * down, up * up
            square = squares1 + squares2
            slope = (squares1 * slope1 + squares2 * slope2) / np.maximum(square, 1e-300)
            too_far = square > excess * excess
            high, low = np.where(too_far, z, high), np.where(too_far, low, z)
            step = z * np.power(excess / np.sqrt(square), 1.0 / np.maximum(slope, 1e-3))
            # Where the interval reaches no farther, the line leads astray.
            step = np.clip(step, z / _STRIDE, z * _STRIDE)
            lost = turn > _LINES and turn % 3 == 0
            bisect = (step < low) | (step > high) | (lost & (low > _Z_LEAST) & (high < _Z_LIMIT))
            step = np.where(bisect, np.sqrt(low * high), step)
            moved = np.abs(step - z) > 1e-9 * z
            result[moving] = z = step
            if not moved.any():
                break
            if not moved.all():
                rows = rate1, rest1, n1, rate2, rest2, n2, excess, low, high, z
                rate1, rest1, n1, rate2, rest2, n2, excess, low, high, z = (x[moved] for x in rows)
                moving = moving[moved]
    return result


def _slope(rate: Numbers, rest: Numbers, n: Numbers, z: Numbers) -> Numbers:
    # Of the logarithm of `distance` in that of z.
    root = np.sqrt(z * z + 4.0 * n * rate * rest)
    lean = rest - rate
    bend = (z - lean * root) / np.maximum(root - lean * z, 1e-300 + 1e-16 * root)
    return (n - z * z) / (n + z * z) + z / root * bend


def guarded(p: Numbers, k1: Numbers, n1: Numbers, k2: Numbers, n2: Numbers, t: float) -> Numbers:
    """Raise p-values of `p_newcombe` to guarded ones."""
    # Any error spent on the confidence set gives a valid p-value: a part of what the Newcombe
    # limit says, and where that proves far too sure, a part of something in between.
    result = np.maximum(p, _guard(p, k1, n1, k2, n2, t, _deviates))
    low = np.maximum(p, _SUREST)
    for _ in range(_HALVINGS):
        apart = np.flatnonzero(result > _TOO_SURE * low)
        if not len(apart):
            break
        middle = np.sqrt(low[apart] * result[apart])
        guard = _guard(middle, k1[apart], n1[apart], k2[apart], n2[apart], t, _deviates)
        result[apart] = np.minimum(result[apart], np.maximum(middle, guard))
        low[apart] = np.where(guard > middle, middle, low[apart])
    return result


def at_most(p: Numbers, k1: Numbers, n1: Numbers, k2: Numbers, n2: Numbers, t: float) -> Numbers:
    """Bound `guarded` from above, without a beta function.

    Its first step alone, with tails bounded as in Zubkov and Serov (2013), Theory of Probability
    and its Applications 57, 539-544. Fractions are turned to whole counts with heavier tails.
    """
    bound = _guard(p, k1, n1, k2, n2, t, _least_deviates)
    sure = np.maximum(n1, n2) <= _BOUNDED_UP_TO
    return np.where(sure, np.minimum(1.0, np.maximum(p, bound) * (1.0 + _ROUNDING)), 1.0)


def _guard(
    alpha: Numbers,
    k1: Numbers,
    n1: Numbers,
    k2: Numbers,
    n2: Numbers,
    t: float,
    deviates: Deviates,
) -> Numbers:
    nats = np.log(4.0 * _PARTS / np.maximum(alpha, 1e-100))
    low1, high1 = _bernstein(k1, n1, nats)
    low2, high2 = _bernstein(k2, n2, nats)
    low = np.maximum(np.maximum(low1 - t, low2), max(0.0, -t))
    high = np.maximum(low, np.minimum(np.minimum(high1 - t, high2), min(1.0, 1.0 - t)))
    second = low + (high - low) * _PLACES[:, None]
    # At a rate of 0 or 1 nothing varies: the limit counts.
    first = np.clip(second + t, _CLOSE, 1.0 - _CLOSE)
    second = np.clip(second, _CLOSE, 1.0 - _CLOSE)
    z1, z2 = (np.maximum(_LEAST, z) for z in deviates(k1, n1, first, k2, n2, second))
    error1, error2 = np.sqrt(first * (1.0 - first) / n1), np.sqrt(second * (1.0 - second) / n2)
    whole = np.hypot(error1, error2)
    weight1, weight2 = np.maximum(error1 / whole, 1e-9), np.maximum(error2 / whole, 1e-9)
    z = weight1 * z1 + weight2 * z2
    lifted = ndtr((weight1 * _LEAST - z) / weight2) + ndtr((weight2 * _LEAST - z) / weight1)
    worst = (ndtr(-z) + float(ndtr(_LEAST)) * lifted).max(axis=0)
    guarded: Numbers = np.minimum(1.0, worst * (_PARTS / (_PARTS - 1.0)))
    return guarded


def _bernstein(k: Numbers, n: Numbers, nats: Numbers) -> tuple[Numbers, Numbers]:
    rate, rest = k / n, (n - k) / n
    half = 2.0 * nats * rate * rest * (n + 2.0 * nats)
    up, down = nats * (rest - rate + 1.0 / 3.0), nats * (rate - rest + 1.0 / 3.0)
    scale = n + 2.0 * nats
    return (
        rate - np.maximum(0.0, down + np.sqrt(down * down + half)) / scale,
        rate + np.maximum(0.0, up + np.sqrt(up * up + half)) / scale,
    )


def _deviates(
    k1: Numbers, n1: Numbers, first: Numbers, k2: Numbers, n2: Numbers, second: Numbers
) -> tuple[Numbers, Numbers]:
    # Of the chances of so many in the first group, and of so few in the second.
    return (
        -ndtri(np.maximum(_at_least(k1, n1, first), _SMALLEST_TAIL)),
        -ndtri(np.maximum(_at_most(k2, n2, second), _SMALLEST_TAIL)),
    )


def _least_deviates(
    k1: Numbers, n1: Numbers, first: Numbers, k2: Numbers, n2: Numbers, second: Numbers
) -> tuple[Numbers, Numbers]:
    return (
        _least_deviate(k1, n1, first, 1.0 - first),
        _least_deviate(n2 - k2, n2, 1.0 - second, second),
    )


def _least_deviate(k: Numbers, n: Numbers, rate: Numbers, rest: Numbers) -> Numbers:
    count, people = np.floor(k), np.ceil(n)
    share = np.maximum(0.0, count - 1.0) / people
    nats = people * (rel_entr(share, rate) + rel_entr(1.0 - share, rest))
    z = np.copysign(np.sqrt(2.0 * np.maximum(0.0, nats)), share - rate)
    return np.where(count >= 1, np.minimum(z, -float(ndtri(_SMALLEST_TAIL))), _LEAST)


def _at_least(k: Numbers, n: Numbers, rate: Numbers) -> Numbers:
    some = k > 0
    tail = betainc(np.where(some, k, 1.0), np.where(some, n - k + 1.0, 1.0), rate)
    # Beyond what the beta function knows, a trillion people and more, any tail is possible.
    return np.where(some, np.fmin(tail, 1.0), 1.0)


def _at_most(k: Numbers, n: Numbers, rate: Numbers) -> Numbers:
    some = k < n
    tail = betaincc(np.where(some, k + 1.0, 1.0), np.where(some, n - k, 1.0), rate)
    # Beyond what the beta function knows, a trillion people and more, any tail is possible.
    return np.where(some, np.fmin(tail, 1.0), 1.0)
