"""Paired yes/no answers: the gap between twins, its interval, and claims about it.

Of `n` pairs, `n12` changed in favor of the first twin and `n21` in favor of the second; the
others agree. The gap is ``d = (n12 - n21) / n``, the difference of the two favorable rates.
"""

import math

from scipy.special import ndtr, ndtri

from paribus.stats.rates import p_rate_below

__all__ = ["mcnemar_exact", "p_gap_outside", "p_gap_within", "tango_interval", "tango_z"]

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
