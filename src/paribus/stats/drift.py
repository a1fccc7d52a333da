"""How far one distribution has moved from another, and whether more than chance moves it.

References
----------
Lin (1991), Divergence measures based on the Shannon entropy, IEEE Transactions on Information
Theory 37, 145-151; Endres and Schindelin (2003), A new metric for probability distributions, IEEE
Transactions on Information Theory 49, 1858-1860.
"""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, kolmogorov, rel_entr, stdtr

__all__ = [
    "bins",
    "excess_divergence",
    "homogeneity",
    "jackknife",
    "jensen_shannon",
    "kolmogorov_smirnov",
]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.intp]

_EXPECTED = 5.0
"""Expected counts below which levels are taken together in a chi-square test."""


def jensen_shannon(first: ArrayLike, last: ArrayLike) -> Floats:
    """Jensen-Shannon distance of two distributions over the same levels.

    Parameters
    ----------
    first, last : array_like, shapes (..., K) that broadcast, at least 0
        Counts of each level.

    Returns
    -------
    ndarray, shape (...), float64
        Square root of the divergence in bits, in [0, 1]: 0 where the shares are the same, 1 where
        no level is shared. 0 where one side is empty.

    References
    ----------
    Endres and Schindelin (2003), IEEE Transactions on Information Theory 49, 1858-1860.

    Examples
    --------
    >>> jensen_shannon([[50, 50], [10, 0]], [[80, 20], [0, 3]]).round(4).tolist()
    [0.2704, 1.0]
    """
    return np.asarray(np.sqrt(_divergence(first, last)))


def excess_divergence(first: ArrayLike, last: ArrayLike) -> Floats:
    """Jensen-Shannon divergence less what chance alone adds to it.

    Small samples of one distribution never look the same. To first order the divergence of two of
    them is ``(1 / n1 + 1 / n2) / (8 ln 2)`` times a chi-square with one degree of freedom for each
    of the levels that occur but one; its mean is taken off.

    Parameters
    ----------
    first, last : array_like, shapes (..., K) that broadcast, at least 0
        Counts of each level.

    Returns
    -------
    ndarray, shape (...), float64
        In bits, at most 1; below 0 where the samples are closer than chance makes them on average.
        0 where one side is empty.

    References
    ----------
    Grosse et al. (2002), Analysis of symbolic sequences using the Jensen-Shannon divergence,
    Physical Review E 65, 041905, section III.

    Examples
    --------
    >>> excess_divergence([[500, 500], [5, 5]], [[800, 200], [8, 2]]).round(4).tolist()
    [0.0727, 0.037]
    """
    one, other = np.broadcast_arrays(np.asarray(first, np.float64), np.asarray(last, np.float64))
    n1, n2 = one.sum(axis=-1), other.sum(axis=-1)
    some = (n1 > 0) & (n2 > 0)
    levels = np.count_nonzero(one + other > 0, axis=-1)
    per_person = 1.0 / np.where(some, n1, 1.0) + 1.0 / np.where(some, n2, 1.0)
    chance = np.maximum(levels - 1, 0) * per_person / (8.0 * math.log(2.0))
    return np.asarray(np.where(some, _divergence(one, other) - chance, 0.0))


def _divergence(first: ArrayLike, last: ArrayLike) -> Floats:
    one, other = np.broadcast_arrays(np.asarray(first, np.float64), np.asarray(last, np.float64))
    n1, n2 = one.sum(axis=-1, keepdims=True), other.sum(axis=-1, keepdims=True)
    some = (n1 > 0) & (n2 > 0)
    p = np.divide(one, n1, out=np.zeros(one.shape), where=some)
    q = np.divide(other, n2, out=np.zeros(other.shape), where=some)
    middle = (p + q) / 2.0
    nats = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1) / 2.0
    return np.asarray(np.clip(nats / math.log(2.0), 0.0, 1.0))


def bins(values: ArrayLike, most: int = 10) -> Integers:
    """Cut numbers at their own quantiles, and number the pieces.

    Parameters
    ----------
    values : array_like, shape (n,), float
        Finite, or NaN where missing.
    most : int
        Pieces at most, at least 1; equal numbers stay together.

    Returns
    -------
    ndarray, shape (n,), intp
        From 0 to ``most - 1``; `most` where a value is missing.

    Examples
    --------
    >>> bins([5.0, 1.0, float("nan"), 2.0, 3.0], 2).tolist()
    [1, 0, 2, 0, 1]
    """
    numbers = np.asarray(values, np.float64)
    known = np.sort(numbers[~np.isnan(numbers)])
    if not len(known):
        return np.full(len(numbers), most, dtype=np.intp)
    # Numbers that occur, not halfway between two: halfway between two large ones is no number.
    edges = np.unique(known[len(known) * np.arange(1, most) // most])
    out = np.searchsorted(edges, numbers, side="right")
    return np.where(np.isnan(numbers), most, out).astype(np.intp)


def kolmogorov_smirnov(first: ArrayLike, last: ArrayLike) -> tuple[float, float]:
    """Two-sample test of Kolmogorov and Smirnov that numbers have one distribution.

    Parameters
    ----------
    first, last : array_like, shapes (n1,) and (n2,), float
        Finite numbers.

    Returns
    -------
    distance : float
        Largest difference of the two cumulative shares, in [0, 1]; 0 where one side is empty.
    p : float
        By the limiting distribution, in [0, 1]: too large, never too small, where there are ties.
        1 where one side is empty.

    References
    ----------
    Smirnov (1939), Bulletin de l'Universite de Moscou 2, 3-14.

    Examples
    --------
    >>> distance, p = kolmogorov_smirnov(range(100), range(30, 130))
    >>> round(distance, 3), round(p, 5)
    (0.3, 0.00025)
    """
    one, other = np.sort(np.asarray(first, np.float64)), np.sort(np.asarray(last, np.float64))
    n1, n2 = len(one), len(other)
    if not n1 or not n2:
        return 0.0, 1.0
    every = np.concatenate([one, other])
    gaps = np.searchsorted(one, every, "right") / n1 - np.searchsorted(other, every, "right") / n2
    distance = float(np.abs(gaps).max())
    return distance, float(kolmogorov(distance * math.sqrt(n1 * (n2 / (n1 + n2)))))


def homogeneity(first: ArrayLike, last: ArrayLike) -> tuple[float, int, float]:
    """Chi-square test that two samples come from one distribution over levels.

    Levels of which fewer than 5 people are expected on a side are taken together, the rarest
    first.

    Parameters
    ----------
    first, last : array_like, shape (K,), at least 0
        Counts of each level.

    Returns
    -------
    statistic : float
        Pearson's, without a correction.
    freedom : int
        Levels that are left, less one.
    p : float
        In [0, 1]; 1 where fewer than two levels are left.

    References
    ----------
    Pearson (1911), Biometrika 8, 250-254; Cochran (1954), Biometrics 10, 417-451, on small
    expected counts.

    Examples
    --------
    >>> statistic, freedom, p = homogeneity([60, 40, 2], [40, 60, 1])
    >>> round(statistic, 3), freedom, round(p, 4)
    (8.277, 1, 0.004)
    """
    table = np.stack([np.asarray(first, np.float64), np.asarray(last, np.float64)])
    sizes = table.sum(axis=1)
    total = float(sizes.sum())
    if sizes.min() <= 0:
        return 0.0, 0, 1.0
    table = table[:, np.argsort(table.sum(axis=0), kind="stable")]
    smaller = float(sizes.min()) / total
    columns = table.sum(axis=0)
    # The rarest levels, up to the first at which all before it together are enough.
    rare = int(np.count_nonzero(columns * smaller < _EXPECTED))
    while 0 < rare < len(columns) and float(columns[:rare].sum()) * smaller < _EXPECTED:
        rare += 1
    if rare:
        table = np.column_stack([table[:, :rare].sum(axis=1), table[:, rare:]])
    table = table[:, table.sum(axis=0) > 0]
    freedom = table.shape[1] - 1
    if freedom < 1:
        return 0.0, 0, 1.0
    expected = sizes[:, None] * (table.sum(axis=0) / total)
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, freedom, float(chdtrc(freedom, statistic))


def jackknife(estimate: ArrayLike, without: ArrayLike) -> tuple[Floats, Floats]:
    """Give a standard error from what numbers are without each of several parts of the rows.

    Parameters
    ----------
    estimate : array_like, shape (...), float
        Of all rows.
    without : array_like, shape (B, ...), float
        Of all rows but each of B random parts of equal size, B at least 2.

    Returns
    -------
    error : ndarray, shape (...), float64
        Standard error, with ``B - 1`` degrees of freedom.
    p : ndarray, shape (...), float64
        Two-sided, of an estimate of 0; 1 where it does not vary.

    References
    ----------
    Kott (2001), The delete-a-group jackknife, Journal of Official Statistics 17, 521-526.

    Examples
    --------
    >>> error, p = jackknife(2.0, [1.5, 2.0, 2.5, 2.0])
    >>> round(float(error), 4), round(float(p), 4)
    (0.6124, 0.0469)
    """
    each, whole = np.asarray(without, np.float64), np.asarray(estimate, np.float64)
    parts = len(each)
    spread = each - each.mean(axis=0)
    error = np.sqrt((parts - 1) / parts * (spread**2).sum(axis=0))
    varies = error > 0
    t = np.divide(np.abs(whole), error, out=np.zeros(np.shape(error)), where=varies)
    return error, np.where(varies, 2.0 * stdtr(parts - 1, -t), 1.0)
