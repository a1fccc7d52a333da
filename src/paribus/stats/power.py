"""How many people it takes: the power of the rules for paired answers, before one is asked.

The power of a rule is the chance that it proves its claim. The number of changes among `n` pairs
is binomial, and so is the number in the one direction among them. For a given number of changes a
rule asks whether that count lies beyond a limit, found by bisection with the p-values of
`paribus.stats.paired` themselves: the power is that of the actual rules.

Counts are whole numbers, so power is a saw-tooth: a few people more can mean a little less of it.
The `people_for_...` functions return the number of people from which on it stays at the target.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincc, chdtri, gammaln, ndtr, ndtri, stdtrit, xlog1py, xlogy

from paribus.stats.moments import ROUNDING, Moments, p_mean_outside, p_mean_within
from paribus.stats.rates import p_rate_above, p_rate_below

__all__ = [
    "connor",
    "people_for_biased",
    "people_for_flips_biased",
    "people_for_flips_within",
    "people_for_mean_biased",
    "people_for_mean_within",
    "people_for_within",
    "people_until",
    "power_biased",
    "power_flips_biased",
    "power_flips_within",
    "power_mean_biased",
    "power_mean_within",
    "power_within",
]

_MOST_PEOPLE = 10**9
# Numbers of changes looked at one by one; beyond, as many out of all of them.
_CHANGES = 1024
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_DEVIATIONS = 9.0
# Past so many teeth a dip of the saw is below one percentage point.
_TEETH = 1_000
_LOOKS, _CHEAP_LOOKS = 128, 512
_QUANTILES = (np.arange(512) + 0.5) / 512


def connor(p12: float, p21: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """Pairs needed to detect any difference between two rates of a pair, by the formula of Connor.

    Parameters
    ----------
    p12, p21 : float
        Chances of a change in the one and in the other direction, with a sum of at most 1.
    alpha : float
        Two-sided error rate of McNemar's test, in (0, 1).
    power : float
        Chance of finding the difference, in (alpha, 1).

    Returns
    -------
    int or None
        At least 1; None where there is no difference to detect.

    References
    ----------
    Connor (1987), Sample size for testing differences in proportions for the paired-sample
    design, Biometrics 43, 207-211.

    Examples
    --------
    >>> connor(0.05, 0.01)
    292
    """
    changed, gap = p12 + p21, abs(p12 - p21)
    if gap < 1e-100:
        return None
    spread = math.sqrt(max(0.0, changed - gap * gap))
    root = -float(ndtri(alpha / 2.0)) * math.sqrt(changed) + float(ndtri(power)) * spread
    return max(1, math.ceil((root / gap) ** 2))


def power_biased(
    n: int, p12: float, p21: float, tolerance: float = 0.0, alpha: float = 0.05
) -> float:
    """Chance that `p_gap_outside` is at most alpha.

    Parameters
    ----------
    n : int
        Pairs, at least 0.
    p12, p21 : float
        Chances of a change in the one and in the other direction, with a sum of at most 1.
    tolerance : float
        Largest gap that counts as equal, at least 0; above 1 it counts as 1.
    alpha : float
        Error rate of the claim, in (0, 1).

    Returns
    -------
    float
        In [0, 1]. Exact to 1e-9 while the likely numbers of changes are at most 1,024; beyond,
        1,024 of them stand for all.

    Examples
    --------
    >>> round(power_biased(300, 0.05, 0.01), 3)
    0.79
    """
    changes, weights = _changes(n, p12 + p21)
    if tolerance >= 1 or n == 0:
        return 0.0

    def proven(n12: NDArray[np.int64]) -> NDArray[np.bool_]:
        n21 = changes - n12
        score = 2.0 * ndtr(-_tango_z(n12, n21, n, tolerance))
        exact = 2.0 * betaincc(n21 + 1, np.maximum(changes - n21, 1), 0.5)
        return np.asarray((score <= alpha) & (exact <= alpha) & (n12 > n21))

    least = _first_true(proven, changes // 2 + 1, changes + 1)
    share = _share(p12, p12 + p21)
    tails = _at_least(least, changes, share) + _at_least(least, changes, 1.0 - share)
    return min(1.0, float(weights @ tails))


def power_within(n: int, p12: float, p21: float, tolerance: float, alpha: float = 0.05) -> float:
    """Chance that `p_gap_within` is at most alpha.

    Parameters
    ----------
    n, p12, p21, alpha
        As for `power_biased`.
    tolerance : float
        Largest gap that counts as equal; nothing is within one of 0 or below, and above 1 it
        counts as 1.

    Returns
    -------
    float
        In [0, 1]; as exact as `power_biased`.

    Examples
    --------
    >>> power_within(148, 0.0, 0.0, tolerance=0.02), power_within(149, 0.0, 0.0, tolerance=0.02)
    (0.0, 1.0)
    """
    if tolerance <= 0 or n == 0:
        return 0.0
    limit = min(tolerance, 1.0)
    changes, weights = _changes(n, p12 + p21)

    def refuted(n12: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray(ndtr(_tango_z(n12, changes - n12, n, limit)) > alpha)

    most = _first_true(refuted, np.zeros_like(changes), changes + 1) - 1
    # Changes in one direction only are held to the exact test as well.
    one_way = np.where(changes < n, betaincc(changes + 1, np.maximum(n - changes, 1), limit), 1.0)
    most = np.where((most >= changes) & (one_way > alpha), changes - 1, most)
    share = _share(p12, p12 + p21)
    inside = _at_least(changes - most, changes, share) - _at_least(most + 1, changes, share)
    return min(1.0, float(weights @ np.where(2 * most >= changes, np.maximum(inside, 0.0), 0.0)))


def power_flips_biased(n: int, rate: float, tolerance: float = 0.0, alpha: float = 0.05) -> float:
    """Chance that twice `p_rate_above` is at most alpha, for a rate of change.

    Parameters
    ----------
    n : int
        Pairs, at least 0.
    rate : float
        Chance of a change, in [0, 1].
    tolerance, alpha : float
        As for `power_biased`.

    Returns
    -------
    float
        In [0, 1]; exact.

    Examples
    --------
    >>> round(power_flips_biased(300, 0.06, tolerance=0.02), 3)
    0.95
    """
    limit = min(tolerance, 1.0)
    least = _first_int(lambda k: 2.0 * p_rate_above(k, n, limit) <= alpha, 0, n + 1)
    return p_rate_above(least, n, rate) if least <= n else 0.0


def power_flips_within(n: int, rate: float, tolerance: float, alpha: float = 0.05) -> float:
    """Chance that `p_rate_below` is at most alpha, for a rate of change.

    Parameters
    ----------
    n, rate
        As for `power_flips_biased`.
    tolerance, alpha
        As for `power_within`.

    Returns
    -------
    float
        In [0, 1]; exact.

    Examples
    --------
    >>> power_flips_within(148, 0.0, tolerance=0.02), power_flips_within(149, 0.0, tolerance=0.02)
    (0.0, 1.0)
    """
    limit = max(0.0, min(tolerance, 1.0))
    most = _first_int(lambda k: p_rate_below(k, n, limit) > alpha, 0, n + 1) - 1
    return p_rate_below(most, n, rate) if most >= 0 else 0.0


def power_mean_biased(
    n: int, gap: float, sd: float, tolerance: float = 0.0, alpha: float = 0.05, spread: float = 0.0
) -> float:
    """Chance that `p_mean_outside` is at most alpha, for normal differences.

    Parameters
    ----------
    n : int
        Pairs, at least 0.
    gap, sd : float
        Mean and standard deviation of the differences, `sd` at least 0.
    tolerance : float
        Largest mean that counts as equal, at least 0.
    alpha : float
        In (0, 1).
    spread : float
        As for `p_mean_outside` and `p_mean_within`: decides alone where `sd` is 0.

    Returns
    -------
    float
        In [0, 1]; averaged over the distribution of the observed standard deviation.

    References
    ----------
    Chow, Shao and Wang (2008), Sample Size Calculations in Clinical Research, section 3.1.

    Examples
    --------
    >>> round(power_mean_biased(34, gap=0.5, sd=1.0), 2)
    0.81
    """
    if n < 2:
        return 0.0
    if sd <= ROUNDING * spread:
        return float(p_mean_outside(_constant(n, gap), tolerance, spread) <= alpha)
    reach, observed, root = -float(stdtrit(n - 1, alpha / 2)), _sd_quantiles(n - 1), math.sqrt(n)
    margins = ((gap - tolerance) / sd * root, (-gap - tolerance) / sd * root)
    chances = [ndtr(margin - reach * observed) for margin in margins]
    return min(1.0, float(sum(chances).mean()))


def power_mean_within(
    n: int, gap: float, sd: float, tolerance: float, alpha: float = 0.05, spread: float = 0.0
) -> float:
    """Chance that `p_mean_within` is at most alpha, for normal differences.

    Parameters
    ----------
    n, gap, sd, alpha, spread
        As for `power_mean_biased`.
    tolerance : float
        Largest mean that counts as equal; nothing is within one of 0 or below.

    Returns
    -------
    float
        In [0, 1]; averaged over the distribution of the observed standard deviation.

    References
    ----------
    Phillips (1990), Journal of Pharmacokinetics and Biopharmaceutics 18, 137-144.

    Examples
    --------
    >>> round(power_mean_within(36, gap=0.0, sd=1.0, tolerance=0.5), 2)
    0.81
    """
    if n == 0 or tolerance <= 0:
        return 0.0
    if sd <= ROUNDING * spread:
        return float(p_mean_within(_constant(n, gap), tolerance, spread) <= alpha)
    if n == 1:
        return 0.0
    reach, observed, root = -float(stdtrit(n - 1, alpha)), _sd_quantiles(n - 1), math.sqrt(n)
    high = ndtr((tolerance - gap) / sd * root - reach * observed)
    low = ndtr((-tolerance - gap) / sd * root + reach * observed)
    return float(np.maximum(high - low, 0.0).mean())


def people_for_biased(
    p12: float, p21: float, tolerance: float = 0.0, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """People needed until `power_biased` reaches a target, and stays.

    Parameters
    ----------
    p12, p21, tolerance, alpha, power : float
        As for `power_biased`; `power` is the target, in (alpha, 1).

    Returns
    -------
    int or None
        One person fewer has less power; with more it stays at the target, as far as 128 numbers
        (512 for flips) over the next four or so teeth of the saw can tell. From 1,000 teeth on
        dips are not looked for: they are below one percentage point. None where no number up to
        10**9 will do, as for a gap within the tolerance.

    Examples
    --------
    >>> people_for_biased(0.05, 0.01), people_for_biased(0.05, 0.01, tolerance=0.04)
    (307, None)
    """
    if not abs(p12 - p21) > tolerance:
        return None
    power_of = partial(power_biased, p12=p12, p21=p21, tolerance=tolerance, alpha=alpha)
    return people_until(power_of, power, 1.0 / (p12 + p21))


def people_for_within(
    p12: float, p21: float, tolerance: float, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """People needed until `power_within` reaches a target, and stays.

    Parameters
    ----------
    p12, p21, tolerance, alpha, power : float
        As for `power_within`; `power` is the target, in (alpha, 1).

    Returns
    -------
    int or None
        As for `people_for_biased`; None for a gap that is not within the tolerance.

    Examples
    --------
    >>> people_for_within(0.0, 0.0, tolerance=0.02), people_for_within(0.0, 0.0, tolerance=0.01)
    (149, 299)
    """
    if not abs(p12 - p21) < tolerance:
        return None
    power_of = partial(power_within, p12=p12, p21=p21, tolerance=tolerance, alpha=alpha)
    return people_until(power_of, power, 1.0 / tolerance)


def people_for_flips_biased(
    rate: float, tolerance: float = 0.0, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """People needed until `power_flips_biased` reaches a target, and stays.

    Parameters
    ----------
    rate, tolerance, alpha, power : float
        As for `power_flips_biased`; `power` is the target, in (alpha, 1).

    Returns
    -------
    int or None
        As for `people_for_biased`; None for a rate that is not above the tolerance.

    Examples
    --------
    >>> people_for_flips_biased(0.06, tolerance=0.02)
    188
    """
    if not rate > tolerance:
        return None
    power_of = partial(power_flips_biased, rate=rate, tolerance=tolerance, alpha=alpha)
    return people_until(power_of, power, 1.0 / rate, _CHEAP_LOOKS)


def people_for_flips_within(
    rate: float, tolerance: float, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """People needed until `power_flips_within` reaches a target, and stays.

    Parameters
    ----------
    rate, tolerance, alpha, power : float
        As for `power_flips_within`; `power` is the target, in (alpha, 1).

    Returns
    -------
    int or None
        As for `people_for_biased`; None for a rate that is not below the tolerance.

    Examples
    --------
    >>> people_for_flips_within(0.0, tolerance=0.02), people_for_flips_within(0.02, tolerance=0.02)
    (149, None)
    """
    if not rate < tolerance:
        return None
    power_of = partial(power_flips_within, rate=rate, tolerance=tolerance, alpha=alpha)
    return people_until(power_of, power, 1.0 / tolerance, _CHEAP_LOOKS)


def people_for_mean_biased(
    gap: float,
    sd: float,
    tolerance: float = 0.0,
    alpha: float = 0.05,
    power: float = 0.8,
    spread: float = 0.0,
) -> int | None:
    """People needed until `power_mean_biased` reaches a target.

    Parameters
    ----------
    gap, sd, tolerance, alpha, power, spread : float
        As for `power_mean_biased`; `power` is the target, in (alpha, 1).

    Returns
    -------
    int or None
        The smallest number; None where none up to 10**9 will do, as for a gap within tolerance.

    Examples
    --------
    >>> people_for_mean_biased(gap=0.5, sd=1.0)
    34
    """
    if not abs(gap) > tolerance:
        return None
    return people_until(lambda n: power_mean_biased(n, gap, sd, tolerance, alpha, spread), power)


def people_for_mean_within(
    gap: float,
    sd: float,
    tolerance: float,
    alpha: float = 0.05,
    power: float = 0.8,
    spread: float = 0.0,
) -> int | None:
    """People needed until `power_mean_within` reaches a target.

    Parameters
    ----------
    gap, sd, tolerance, alpha, power, spread : float
        As for `power_mean_within`; `power` is the target, in (alpha, 1).

    Returns
    -------
    int or None
        As for `people_for_mean_biased`; None for a gap that is not within the tolerance.

    Examples
    --------
    >>> people_for_mean_within(gap=0.0, sd=0.0, tolerance=0.02, spread=1.0)
    149
    """
    if not abs(gap) < tolerance:
        return None
    return people_until(lambda n: power_mean_within(n, gap, sd, tolerance, alpha, spread), power)


def people_until(
    power_of: Callable[[int], float], target: float, tooth: float = 0.0, looks: int = _LOOKS
) -> int | None:
    """Find the number of people from which on a power stays at the target.

    Parameters
    ----------
    power_of : callable
        The power of a number of people, from 1.
    target : float
        In (0, 1).
    tooth : float
        How many people a tooth of the saw is long; 0 does not look ahead for dips.
    looks : int
        Numbers of people looked at ahead.

    Returns
    -------
    int or None
        None where a billion people are too few.

    Examples
    --------
    >>> people_until(lambda n: 1.0 - 0.98**n, 0.8)
    80
    """
    enough = 1
    while power_of(enough) < target:
        if enough == _MOST_PEOPLE:
            return None
        enough = min(2 * enough, _MOST_PEOPLE)
    people = _first_int(lambda n: power_of(n) >= target, enough // 2 + 1, enough)
    step = max(1, math.ceil(4.0 * min(tooth, _MOST_PEOPLE) / looks))
    while people < _TEETH * tooth:
        ahead = range(people + step * looks, people, -step)
        low = next((n for n in ahead if power_of(n) < target), None)
        if low is None:
            break
        # The power rises from the bottom of a dip: at its end, all at once.
        people = _first_int(lambda n: power_of(n) >= target, low + 1, low + step)
    return people


def _first_int(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Smallest number in [low, high) for which `holds`, which then goes on to hold; else `high`."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _first_true(
    holds: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Do the same as `_first_int` for each element of arrays."""
    low, high = np.minimum(low, high), high.copy()
    while (low < high).any():
        middle = (low + high) // 2
        # Where the search has ended, `middle` may lie beyond what may be asked about.
        true = holds(np.minimum(middle, high - 1).clip(0)) & (low < high)
        low = np.where(true | (low == high), low, middle + 1)
        high = np.where(true, middle, high)
    return low


def _changes(n: int, rate: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Likely numbers of changes among `n` pairs, and the chance of each."""
    rate = min(rate, 1.0)
    reach = _DEVIATIONS * (math.sqrt(n * rate * (1.0 - rate)) + 3.0)
    low, high = max(0, math.floor(n * rate - reach)), min(n, math.ceil(n * rate + reach))
    changes = np.arange(low, high + 1) if high - low < _CHANGES else _spread_out(low, high)
    log_chance = (
        gammaln(n + 1)
        - gammaln(changes + 1)
        - gammaln(n - changes + 1)
        + xlogy(changes, rate)
        + xlog1py(n - changes, -rate)
    )
    chance = np.exp(log_chance - log_chance.max())
    return changes, chance / chance.sum()


def _spread_out(low: int, high: int) -> NDArray[np.int64]:
    """Pick one number of each of many equal stretches, at places that follow no pattern.

    At equal steps all numbers could be even, and power differs between even and odd ones.
    """
    stretch = np.arange(_CHANGES)
    place = (stretch + stretch * _GOLDEN % 1.0) / _CHANGES
    return low + np.floor(place * (high - low + 1)).astype(np.int64)


def _at_least(k: NDArray[np.int64], n: NDArray[np.int64], rate: float) -> NDArray[np.float64]:
    """P(X >= k) for X ~ Binomial(n, rate), for any whole `k`."""
    inside = (k > 0) & (k <= n)
    chance = betainc(np.where(inside, k, 1), np.where(inside, n - k + 1, 1), rate)
    return np.where(inside, chance, np.where(k <= 0, 1.0, 0.0))


def _tango_z(
    n12: NDArray[np.int64], n21: NDArray[np.int64], n: int, delta: float
) -> NDArray[np.float64]:
    """Do the same as `tango_z` for arrays of counts and a `delta` of at least 0."""
    first, second = n12 / n, n21 / n
    distance = (n12 - n21) / n - delta
    b = (2.0 - first + second) * delta - first - second
    c = second * delta * (1.0 - delta)
    root = np.sqrt(b * b + 8.0 * c)
    total = np.where(b <= 0, 1.0, root + b)
    rate = np.where(b <= 0, (root - b) / 4.0, 2.0 * c / total)
    spread = 2.0 * rate + delta * (1.0 - delta)
    some = spread > 0
    z = distance * math.sqrt(n) / np.sqrt(np.where(some, spread, 1.0))
    limit = np.sign(distance) * 40.0
    return np.asarray(np.where(some, np.clip(z, -40.0, 40.0), limit))


def _sd_quantiles(freedom: int) -> NDArray[np.float64]:
    """Quantiles of the observed standard deviation, in units of the true one."""
    if freedom < 1000:
        return np.asarray(np.sqrt(chdtri(freedom, _QUANTILES) / freedom))
    # Wilson and Hilferty (1931), PNAS 17, 684-688; exact to all digits that matter.
    part = 2.0 / (9.0 * freedom)
    return np.asarray((1.0 - part + ndtri(_QUANTILES) * math.sqrt(part)) ** 1.5)


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _constant(n: int, value: float) -> Moments:
    return Moments(n, value, 0.0, value, value)
