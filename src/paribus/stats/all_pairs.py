"""All pairs of groups at once: the strongest claim of a difference, the weakest of none.

Each function gives the smallest or the largest of the p-values of `paribus.stats.independent`
over many pairs, the same number up to rounding, but asks for the p-value only of pairs that a
bound leaves in question. Arguments are those of that module; without a pair there is no claim,
and the answer is 1.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paribus.stats._guard import HOPELESS, at_most, p_newcombe
from paribus.stats.fisher import fisher, p_at_least
from paribus.stats.independent import asks_fisher, p_beyond, p_within
from paribus.stats.rate_intervals import broadcast

__all__ = ["largest_p_within", "smallest_fisher", "smallest_p_beyond"]

Numbers = NDArray[np.float64]
Rows = tuple[Numbers, Numbers, Numbers, Numbers]

_FIRST = 4


def smallest_p_beyond(
    k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, tolerance: float = 0.0
) -> float:
    """Smallest `p_beyond` of many pairs: of the claim that they differ by more than `tolerance`.

    Parameters
    ----------
    k1, n1, k2, n2 : array_like, float
        Favored people and people of the groups of each pair.
    tolerance : float
        As for `p_beyond`.

    Returns
    -------
    float
        In [0, 1]. To be adjusted for the number of pairs.

    Examples
    --------
    >>> round(smallest_p_beyond([56, 9], [70, 10], 48, 80), 4)
    0.0125
    """
    rows = _rows(k1, n1, k2, n2)
    c1, m1, c2, m2 = rows
    swap = c2 * m1 > c1 * m2
    limit = min(tolerance, 1.0)
    higher = np.where(swap, c2, c1), np.where(swap, m2, m1)
    lower = np.where(swap, c1, c2), np.where(swap, m1, m2)
    bound = np.minimum(1.0, 2.0 * p_newcombe(*higher, *lower, limit))
    asked = asks_fisher(bound, *rows)
    bound[asked] = np.maximum(bound[asked], np.exp(p_at_least(*(x[asked] for x in rows))))
    return _smallest(bound, _between(*rows), lambda at: p_beyond(*_chosen(rows, at), tolerance))


def smallest_fisher(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike) -> float:
    """Smallest `fisher` of many pairs: of the claim that they differ at all.

    Parameters
    ----------
    k1, n1, k2, n2 : array_like, float
        Favored people and people of the groups of each pair; fractions are rounded.

    Returns
    -------
    float
        In [0, 1]. To be adjusted for the number of pairs.

    Examples
    --------
    >>> round(smallest_fisher([3, 2], [4, 17], [1, 10], [4, 13]), 7)
    0.0005367
    """
    rows = _rows(k1, n1, k2, n2)
    c1, m1, c2, m2 = (np.rint(x) for x in rows)
    bound = np.exp(p_at_least(np.minimum(c1, m1), m1, np.minimum(c2, m2), m2))
    return _smallest(bound, _between(*rows), lambda at: fisher(*_chosen(rows, at)))


def largest_p_within(
    k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike, tolerance: float
) -> float:
    """Largest `p_within` of many pairs: of the claim that all differ by less than `tolerance`.

    Parameters
    ----------
    k1, n1, k2, n2 : array_like, float
        Favored people and people of the groups of each pair.
    tolerance : float
        As for `p_within`.

    Returns
    -------
    float
        In [0, 1]. It needs no adjustment for the number of pairs: all must be shown
        (Berger 1982, Technometrics 24, 295-300).

    Examples
    --------
    >>> round(largest_p_within([500, 150], [1000, 300], [500, 150], [1000, 300], 0.1), 4)
    0.0094
    """
    rows = _rows(k1, n1, k2, n2)
    c1, m1, c2, m2 = rows
    limit = min(tolerance, 1.0)
    gaps = _between(*rows)
    if not gaps.size or limit <= 0 or not np.all((m1 > 0) & (m2 > 0) & (gaps < limit)):
        return 1.0
    sides = rows, (c2, m2, c1, m1)
    alone = [p_newcombe(*side, -limit) for side in sides]
    bound = np.maximum(*alone)
    near = np.flatnonzero(bound <= HOPELESS)
    for p, side in zip(alone, sides, strict=True):
        some = c1, m1, c2, m2 = _chosen(side, near)
        bound[near] = np.maximum(bound[near], at_most(p[near], *some, -limit))
    return -_smallest(-bound, gaps, lambda at: -p_within(*_chosen(rows, at), tolerance))


def _smallest(bound: Numbers, gaps: Numbers, exact: Callable[[NDArray[np.intp]], Numbers]) -> float:
    # No value lies below its bound. Of equal bounds, such as those of 0, the widest gap is first.
    order = np.lexsort((-gaps, bound))
    best, start, size = 1.0, 0, _FIRST
    while start < len(order) and bound[order[start]] < best:
        best = min(best, float(exact(order[start : start + size]).min()))
        start, size = start + size, 2 * size
    return best


def _rows(*counts: ArrayLike) -> Rows:
    c1, m1, c2, m2 = (np.atleast_1d(x).ravel() for x in broadcast(*counts))
    return c1, m1, c2, m2


def _chosen(rows: Rows, at: NDArray[np.intp]) -> Rows:
    c1, m1, c2, m2 = rows
    return c1[at], m1[at], c2[at], m2[at]


def _between(k1: Numbers, n1: Numbers, k2: Numbers, n2: Numbers) -> Numbers:
    filled = (n1 > 0) & (n2 > 0)
    return np.abs(k1 / np.where(filled, n1, 1.0) - k2 / np.where(filled, n2, 1.0))
