"""Paired yes/no answers: the gap between twins, its interval, and claims about it.

Of `n` pairs, `n12` changed in favor of the first twin and `n21` in favor of the second; the
others agree. The gap is ``d = (n12 - n21) / n``, the difference of the two favorable rates.
"""

import math

from scipy.special import ndtr, ndtri

from paribus.stats.rates import p_rate_below

__all__ = [
    "agreeing",
    "bonett_price_interval",
    "mcnemar_asymptotic",
    "mcnemar_exact",
    "mcnemar_midp",
    "newcombe_interval",
    "p_gap_outside",
    "p_gap_within",
    "square_and_add",
    "tango_interval",
    "tango_z",
    "wilson_distances",
]

_Z_LIMIT = 40.0
_BISECTIONS = 64


def mcnemar_exact(n12: int, n21: int) -> float:
    """Exact two-sided p-value for the claim that the two rates of a pair differ.

    Parameters
    ----------
    n12, n21 : int
        Pairs that changed in the one and in the other direction, at least 0.

    Returns
    -------
    float
        Twice the smaller tail of Binomial(n12 + n21, 1/2), at most 1; 1 when no pair changed.

    References
    ----------
    McNemar (1947), Psychometrika 12, 153-157; the exact conditional form as in Fagerland,
    Lydersen and Laake (2014), Statistics in Medicine 33, 2850-2875.

    Examples
    --------
    >>> mcnemar_exact(1, 7)
    0.0703125
    """
    return min(1.0, 2.0 * p_rate_below(min(n12, n21), n12 + n21, 0.5))


def mcnemar_midp(n12: int, n21: int) -> float:
    """Mid-p value for the claim that the two rates of a pair differ.

    Counts only half of the probability of the observed table, which undoes most of the
    caution of `mcnemar_exact`, but its rate of false claims may pass the level: by enumeration it
    stays below 0.051 at a level of 0.05, except where nearly every pair changes (0.057).

    Parameters
    ----------
    n12, n21 : int
        Pairs that changed in the one and in the other direction, at least 0.

    Returns
    -------
    float
        In [0, 1], never above `mcnemar_exact`; 1 when no pair changed, where the definition
        would give 1/2. For ``n12 == n21 > 0`` it is ``1 - P(X = n12) / 2``.

    References
    ----------
    Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13, 91.

    Examples
    --------
    >>> mcnemar_midp(1, 7)
    0.0390625
    """
    fewer, changed = min(n12, n21), n12 + n21
    if changed == 0:
        return 1.0
    up_to = p_rate_below(fewer, changed, 0.5)
    if n12 == n21:
        return 1.5 - up_to
    # 2 P(X <= fewer) - P(X = fewer), in the form that does not cancel.
    return up_to + (p_rate_below(fewer - 1, changed, 0.5) if fewer > 0 else 0.0)


def mcnemar_asymptotic(n12: int, n21: int) -> float:
    """Two-sided p-value of McNemar's chi-square test, without continuity correction.

    Approximate: with few changed pairs it makes false claims more often than its level says.

    Parameters
    ----------
    n12, n21 : int
        Pairs that changed in the one and in the other direction, at least 0.

    Returns
    -------
    float
        Tail of the chi-square distribution with one degree of freedom beyond
        ``(n12 - n21) ** 2 / (n12 + n21)``, in [0, 1]; 1 when no pair changed.

    References
    ----------
    McNemar (1947), Psychometrika 12, 153-157.

    Examples
    --------
    >>> round(mcnemar_asymptotic(1, 7), 4)
    0.0339
    """
    if n12 + n21 == 0:
        return 1.0
    return 2.0 * float(ndtr(-abs(n12 - n21) / math.sqrt(n12 + n21)))


def tango_z(n12: int, n21: int, n: int, delta: float) -> float:
    """Score statistic for the null hypothesis that the gap is `delta`.

    The variance is the one under the null hypothesis, so the statistic also works where few
    pairs or none changed.

    Parameters
    ----------
    n12, n21 : int
        Pairs that changed in the one and in the other direction, ``n12 + n21 <= n``.
    n : int
        All pairs, at least 0.
    delta : float
        Gap under the null hypothesis, in [-1, 1].

    Returns
    -------
    float
        Standard normal under the null hypothesis for large `n`; positive when the observed gap
        is above `delta`, 0 when it equals `delta` or `n` is 0. Held to [-40, 40], beyond which
        a normal tail is 0 in double precision; the ends also stand for a null hypothesis
        without variance (a `delta` of -1 or 1) that the data contradict.

    Notes
    -----
    With ``x = n12 / n`` and ``y = n21 / n``, the statistic is ``x - y - delta`` divided by the
    root of ``(2 q + delta (1 - delta)) / n``. Here `q`, the rate of `n21` under the null
    hypothesis, is the larger root of ``2 q**2 + b q - c = 0`` with
    ``b = (2 - x + y) delta - x - y`` and ``c = y delta (1 - delta)``. A negative `delta` is
    mirrored and the root taken in the form that does not cancel, which keeps the digits for
    any `n`.

    References
    ----------
    Tango (1998), Statistics in Medicine 17, 891-908.

    Examples
    --------
    >>> round(tango_z(12, 2, 50, 0.0), 4)
    2.6726
    """
    if delta < 0:
        return 0.0 - tango_z(n21, n12, n, -delta)
    if n == 0:
        return 0.0
    first, second = n12 / n, n21 / n
    distance = (n12 - n21) / n - delta
    b = (2.0 - first + second) * delta - first - second
    c = second * delta * (1.0 - delta)
    root = math.sqrt(b * b + 8.0 * c)
    rate = (root - b) / 4.0 if b <= 0 else 2.0 * c / (root + b)
    # The variance times n: divided by n, the smallest numbers would vanish.
    spread = 2.0 * rate + delta * (1.0 - delta)
    if spread == 0:
        return math.copysign(_Z_LIMIT, distance) if distance else 0.0
    return max(-_Z_LIMIT, min(_Z_LIMIT, distance * math.sqrt(n) / math.sqrt(spread)))


def tango_interval(n12: int, n21: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score confidence interval for the gap: all values that `tango_z` does not refute.

    Parameters
    ----------
    n12, n21 : int
        Pairs that changed in the one and in the other direction, ``n12 + n21 <= n``.
    n : int
        All pairs, at least 0. Without a pair every gap is possible.
    confidence : float
        Nominal coverage, in (0, 1).

    Returns
    -------
    low, high : float
        Bounds in [-1, 1], with ``low <= (n12 - n21) / n <= high``. Exchanging `n12` and `n21`
        exchanges and negates them.

    References
    ----------
    Tango (1998), Statistics in Medicine 17, 891-908; recommended for paired proportions by
    Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33, 2850-2875.

    Examples
    --------
    >>> low, high = tango_interval(12, 2, 50)
    >>> round(low, 4), round(high, 4)
    (0.0611, 0.3447)
    """
    if n == 0:
        return -1.0, 1.0
    z = float(ndtri((1.0 - confidence) / 2.0))
    return 0.0 - _upper_bound(n21, n12, n, z), _upper_bound(n12, n21, n, z)


def _upper_bound(n12: int, n21: int, n: int, z: float) -> float:
    # The statistic falls as the gap under the null hypothesis grows: halve [observed gap, 1].
    inside, outside = (n12 - n21) / n, 1.0
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2.0
        if tango_z(n12, n21, n, middle) >= z:
            inside = middle
        else:
            outside = middle
    return inside


def newcombe_interval(
    n11: int, n12: int, n21: int, n22: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Square-and-add confidence interval for the gap, from the Wilson intervals of both rates.

    Needs no iteration, unlike `tango_interval`, but all four cells: the more the twins agree
    beyond chance, the shorter it is.

    Parameters
    ----------
    n11, n22 : int
        Pairs with two favorable and with two unfavorable answers, at least 0.
    n12, n21 : int
        Pairs that changed in favor of the first and of the second twin, at least 0.
    confidence : float
        Nominal coverage, in (0, 1).

    Returns
    -------
    low, high : float
        Bounds in [-1, 1], with ``low <= (n12 - n21) / n <= high``; (-1, 1) without a pair.
        Exchanging `n12` and `n21` exchanges and negates them.

    Notes
    -----
    The correlation of the two answers is the phi coefficient; its numerator
    ``n11 n22 - n12 n21``, when positive, is reduced by ``n / 2``, though not below 0, and where
    all answers of a side are alike it is 0.

    Coverage by enumeration, at 95 %: 0.97 on average, but it falls short where changes are rare
    and go one way, and about half of the answers are favorable. Without a change the interval
    then ends near ``1.96 / n``, so a gap of just over that, which shows itself in no pair with
    a chance of 0.14, is covered with 0.86 (0.91 for 20 pairs). `tango_interval` does not.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10.

    Examples
    --------
    >>> low, high = newcombe_interval(36, 12, 2, 0)
    >>> round(low, 4), round(high, 4)
    (0.0569, 0.3404)
    """
    n = n11 + n12 + n21 + n22
    if n == 0:
        return -1.0, 1.0
    z = -float(ndtri((1.0 - confidence) / 2.0))
    low, high = square_and_add(
        (n12 - n21) / n,
        wilson_distances(n11 + n12, n, z),
        wilson_distances(n11 + n21, n, z),
        _correlation(n11, n12, n21, n22),
    )
    return max(-1.0, low), min(1.0, high)


def wilson_distances(k: int, n: int, z: float) -> tuple[float, float]:
    """Distances from an observed rate down and up to the ends of its Wilson interval.

    Parameters
    ----------
    k : int
        Successes, ``0 <= k <= n``.
    n : int
        Trials, at least 1.
    z : float
        Normal quantile of the interval, above 0: 1.96 for a confidence of 95 %.

    Returns
    -------
    down, up : float
        At least 0; `down` is 0 for no success and `up` for nothing but successes.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22, 209-212.

    Examples
    --------
    >>> down, up = wilson_distances(81, 263, 1.959964)
    >>> round(81 / 263 - down, 4), round(81 / 263 + up, 4)
    (0.2553, 0.3662)
    """
    root = math.sqrt(z * z + 4 * k * (n - k) / n)
    lean = z * ((n - 2 * k) / n)
    scale = z / (2.0 * (n + z * z))
    return max(0.0, root - lean) * scale, max(0.0, root + lean) * scale


def square_and_add(
    difference: float,
    first: tuple[float, float],
    second: tuple[float, float],
    correlation: float,
) -> tuple[float, float]:
    """Interval for a difference, from the intervals of its two terms (MOVER).

    Parameters
    ----------
    difference : float
        Observed first term minus second.
    first, second : tuple of float
        Distances from each term down and up to the ends of its own interval, at least 0.
    correlation : float
        Of the two estimates, in [-1, 1].

    Returns
    -------
    low, high : float
        With ``low <= difference <= high``.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, 2635-2650; Zou and Donner (2008), Statistics in
    Medicine 27, 1693-1702 (method of variance estimates recovery).

    Examples
    --------
    >>> square_and_add(0.5, (0.3, 0.6), (0.8, 0.4), correlation=0.0)
    (0.0, 1.5)
    """
    (down1, up1), (down2, up2) = first, second
    return difference - _root(down1, up2, correlation), difference + _root(up1, down2, correlation)


def _correlation(n11: int, n12: int, n21: int, n22: int) -> float:
    margins = (n11 + n12) * (n21 + n22) * (n11 + n21) * (n12 + n22)
    if margins == 0:
        return 0.0
    excess: float = n11 * n22 - n12 * n21
    if excess > 0:
        excess = max(0.0, excess - (n11 + n12 + n21 + n22) / 2)
    return max(-1.0, min(1.0, excess / math.sqrt(margins)))


def _root(a: float, b: float, correlation: float) -> float:
    # a^2 - 2 correlation a b + b^2 as a sum that rounding cannot make negative.
    return math.sqrt((a - b) ** 2 + 2.0 * (1.0 - correlation) * (a * b))


def bonett_price_interval(
    n12: int, n21: int, n: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Wald's confidence interval for the gap, adjusted by one more change either way.

    A closed form that needs no iteration. It is centered on the shrunk gap
    ``(n12 - n21) / (n + 2)``: with a confidence below 0.8 it can miss the observed gap
    where nearly all pairs changed one way.

    Parameters
    ----------
    n12, n21 : int
        Pairs that changed in the one and in the other direction, ``n12 + n21 <= n``.
    n : int
        All pairs, at least 0. Without a pair every gap is possible.
    confidence : float
        Nominal coverage, in (0, 1).

    Returns
    -------
    low, high : float
        Bounds in [-1, 1]. Exchanging `n12` and `n21` exchanges and negates them.

    Notes
    -----
    Coverage by enumeration, at 95 % and from 20 pairs on: 0.98 on average; 0.93 at the least,
    where changes are rare and go one way.

    References
    ----------
    Bonett and Price (2012), Journal of Educational and Behavioral Statistics 37, 479-488.

    Examples
    --------
    >>> low, high = bonett_price_interval(1, 7, 21)
    >>> round(low, 4), round(high, 4)
    (-0.5084, -0.0134)
    """
    if n == 0:
        return -1.0, 1.0
    z = -float(ndtri((1.0 - confidence) / 2.0))
    center = (n12 - n21) / (n + 2)
    # In whole numbers: a difference of rates would lose the last digits of the variance.
    squares = (n12 + n21 + 2) * (n + 2) - (n12 - n21) ** 2
    half = z * math.sqrt(squares / (n + 2) ** 3)
    return max(-1.0, center - half), min(1.0, center + half)


def agreeing(low: float, high: float, p: float, confidence: float = 0.95) -> tuple[float, float]:
    """Widen an interval of the gap to 0 where the test of no gap does not refute 0.

    An approximate interval can exclude 0 where the exact test does not: 5 changes against 0
    among 100 pairs have the score interval [0.011, 0.112] but the exact p-value 0.0625. A
    report that shows the one and judges by the other would contradict itself. The exact test
    is the arbiter, since its rate of false claims is guaranteed, and a wider interval covers no
    less. The reverse, an interval around 0 where the test refutes 0, is left alone: `p_gap_outside`
    makes a claim only where both agree.

    Parameters
    ----------
    low, high : float
        The interval, ``low <= high``.
    p : float
        P-value of the hypothesis of no gap, in [0, 1]: of `mcnemar_exact`, say.
    confidence : float
        Of the interval, in (0, 1).

    Returns
    -------
    low, high : float
        The interval as it was when ``p <= 1 - confidence``; else with 0 in it.

    Examples
    --------
    >>> low, high = tango_interval(5, 0, 100)
    >>> round(low, 4), round(high, 4)
    (0.0112, 0.1118)
    >>> agreeing(low, high, mcnemar_exact(5, 0)) == (0.0, high)
    True
    """
    if p <= 1.0 - confidence:
        return low, high
    return min(0.0, low), max(0.0, high)


def p_gap_outside(n12: int, n21: int, n: int, tolerance: float) -> float:
    """Two-sided p-value for the claim that the gap is larger than `tolerance`, either way.

    Twice the smaller of the two one-sided score p-values, at ``+tolerance`` for a larger gap
    and at ``-tolerance`` for a smaller one; but never below the p-value of `mcnemar_exact`.
    The score test is approximate and, where few pairs changed, can refute a gap of zero that
    the exact test does not refute: 5 changes against 0 among 100 pairs have the score interval
    [0.011, 0.112] but an exact p-value of 0.0625. No claim should rest on that difference.

    Parameters
    ----------
    n12, n21 : int
        Pairs that changed in the one and in the other direction, ``n12 + n21 <= n``.
    n : int
        All pairs, at least 0.
    tolerance : float
        Largest gap that counts as equal, at least 0; above 1 it counts as 1.

    Returns
    -------
    float
        In [0, 1]; 1 when the observed gap is within the tolerance.

    References
    ----------
    Tango (1998), Statistics in Medicine 17, 891-908; McNemar (1947), Psychometrika 12, 153-157.

    Examples
    --------
    >>> p_gap_outside(5, 0, 100, tolerance=0.0)
    0.0625
    >>> round(p_gap_outside(40, 5, 1000, tolerance=0.02), 4)
    0.0133
    """
    limit = min(tolerance, 1.0)
    above = float(ndtr(-tango_z(n12, n21, n, limit)))
    below = float(ndtr(tango_z(n12, n21, n, -limit)))
    return max(min(1.0, 2.0 * min(above, below)), mcnemar_exact(n12, n21))


def p_gap_within(n12: int, n21: int, n: int, tolerance: float) -> float:
    """P-value for the claim that the gap is smaller than `tolerance`, both ways.

    The larger of the two one-sided score p-values (two one-sided tests). Where the changes
    went one way only, or there were none, it is also never below the exact binomial p-value
    for a rate of change below the tolerance: the approximate test alone would be satisfied
    too soon. Without a change, a tolerance of 2 % thus takes 149 pairs.

    Parameters
    ----------
    n12, n21 : int
        Pairs that changed in the one and in the other direction, ``n12 + n21 <= n``.
    n : int
        All pairs, at least 0.
    tolerance : float
        Largest gap that counts as equal; nothing is within one of 0 or below, and above 1 it
        counts as 1.

    Returns
    -------
    float
        In [0, 1]; at least 0.5 when the observed gap is not within the tolerance.

    References
    ----------
    Tango (1998), Statistics in Medicine 17, 891-908; Schuirmann (1987), Journal of
    Pharmacokinetics and Biopharmaceutics 15, 657-680.

    Examples
    --------
    >>> p_gap_within(0, 0, 148, tolerance=0.02) > 0.05 >= p_gap_within(0, 0, 149, tolerance=0.02)
    True
    """
    if tolerance <= 0:
        return 1.0
    limit = min(tolerance, 1.0)
    not_above = float(ndtr(tango_z(n12, n21, n, limit)))
    not_below = float(ndtr(-tango_z(n12, n21, n, -limit)))
    one_way = p_rate_below(max(n12, n21), n, limit) if min(n12, n21) == 0 else 0.0
    return max(not_above, not_below, one_way)
