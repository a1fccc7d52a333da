"""Fisher's exact test for two independent rates, and bounds of it in closed form."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, rel_entr

from paribus.stats.rate_intervals import broadcast

__all__ = ["fisher", "p_at_least", "p_at_most"]

Numbers = NDArray[np.float64]

_MOST_TERMS = 1 << 21
_TIE = 1e-7
# A probability of exp(-750) is 0 in double precision.
_UNDERFLOW = 750.0
# Up to here the bounds lose less than `_ROUNDING` of a logarithm to rounding.
_BOUNDED_UP_TO = 1e8
_ROUNDING = 1e-6


def fisher(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike) -> Numbers:
    """Two-sided p-value of Fisher's exact test for the claim that two rates differ.

    Parameters
    ----------
    k1, k2 : array_like, float
        Favored people of the first and of the second group, at most `n1` and `n2`.
    n1, n2 : array_like, float
        People of the groups, at least 0. Fractions are rounded to the nearest whole count: the
        test has no form for them.

    Returns
    -------
    ndarray, float64
        In [0, 1]: the sum of the probabilities, given all margins, of the tables that are no
        likelier than the observed one (up to a relative 1e-7, as in R); 1 where a margin is 0.

    Notes
    -----
    The probabilities follow from ratios of neighbors, so no digits are lost for large counts.
    Only tables within ten standard deviations and 40 people of the likeliest one, and half as
    far again as the observed one, are summed; the rest is below 1e-20 of the sum. Where that
    takes more than two million tables (groups of ten billion people, or a difference whose
    p-value is 0 to double precision), the normal approximation with Yates' correction stands in.

    References
    ----------
    Fisher (1935), Journal of the Royal Statistical Society 98, 39-82; two-sided as in Freeman
    and Halton (1951), Biometrika 38, 141-149.

    Examples
    --------
    The lady tasting tea, one cup of each kind mistaken:

    >>> round(float(fisher(3, 4, 1, 4)), 4)
    0.4857
    """
    counts = broadcast(k1, n1, k2, n2)
    shape = counts[0].shape
    c1, m1, c2, m2 = (np.rint(np.atleast_1d(x).ravel()) for x in counts)
    c1, c2 = np.minimum(c1, m1), np.minimum(c2, m2)
    favored, people = c1 + c2, m1 + m2
    least, most = np.maximum(0.0, favored - m2), np.minimum(favored, m1)
    result = np.ones(c1.shape)
    free = most > least
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = favored * (m1 / people)
        variance = expected * (m2 / people) * ((people - favored) / np.maximum(people - 1.0, 1.0))
    # Held to the support: for counts beyond 2**53 rounding may leave it.
    mode = np.clip(np.floor((favored + 1.0) * ((m1 + 1.0) / (people + 2.0))), least, most)
    reach = np.ceil(1.5 * np.abs(c1 - mode) + 10.0 * np.sqrt(np.where(free, variance, 0.0)) + 40.0)
    start, stop = np.maximum(least, mode - reach), np.minimum(most, mode + reach)
    terms = stop - start + 1.0
    share = favored / np.where(free, people, 1.0)
    nats = sum(rel_entr(c, m * share) for c, m in ((c1, m1), (c2, m2)))
    nats += sum(rel_entr(m - c, m * (1.0 - share)) for c, m in ((c1, m1), (c2, m2)))
    never = free & (nats - 2.0 * np.log1p(people) > _UNDERFLOW)
    result[never] = 0.0
    free &= ~never
    huge = free & ~(terms <= _MOST_TERMS)
    if huge.any():
        off = np.maximum(0.0, np.abs(c1[huge] - expected[huge]) - 0.5)
        result[huge] = np.minimum(1.0, 2.0 * ndtr(-off / np.sqrt(variance[huge])))
    width = np.ceil(np.log2(np.where(free & ~huge, terms, 1.0))).astype(np.intp)
    for size in np.unique(width[free & ~huge]):
        chosen = np.flatnonzero(free & ~huge & (width == size))
        rows = max(1, _MOST_TERMS >> int(size))
        for part in range(0, len(chosen), rows):
            at = chosen[part : part + rows]
            x = start[at, None] + np.arange(float(terms[at].max()))
            result[at] = _no_likelier(x, stop[at], c1[at], favored[at], m1[at], m2[at])
    return result.reshape(shape)


def p_at_least(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike) -> Numbers:
    """Logarithm of a lower bound of `fisher` for whole counts, a thousand times as fast.

    Parameters
    ----------
    k1, n1, k2, n2 : array_like, float
        As for `fisher`, whole.

    Returns
    -------
    ndarray, float64
        At most 0, about -1.5 from the logarithm of `fisher` in its tails; the lowest float above
        a hundred million people, where rounding leaves no bound.

    Notes
    -----
    The tables beyond the observed one, on its own side, get rarer ever faster: a geometric series
    with the ratio a few tables out bounds their sum from below.

    References
    ----------
    For the probability of a table: MacWilliams and Sloane (1977), The Theory of Error-Correcting
    Codes, chapter 10, lemma 7.

    Examples
    --------
    >>> import numpy as np
    >>> bool(np.exp(p_at_least(30, 50, 15, 50)) <= fisher(30, 50, 15, 50))
    True
    """
    c1, m1, c2, m2 = broadcast(k1, n1, k2, n2)
    least, _ = _log_probability(c1, m1, c2, m2)
    swap = c1 * m2 < c2 * m1
    c1, c2 = np.where(swap, c2, c1), np.where(swap, c1, c2)
    m1, m2 = np.where(swap, m2, m1), np.where(swap, m1, m2)
    people = np.maximum(m1 + m2, 1.0)
    share = (c1 + c2) / people
    variance = m1 * m2 / people * share * (1.0 - share)
    above = np.maximum(0.0, c1 - m1 * share)
    steps = np.floor(variance / (above + np.sqrt(variance) + 1.0))
    steps = np.clip(steps, 0.0, np.minimum(m1 - c1, c2))
    ratio = _next_over(c1 + np.maximum(steps - 1.0, 0.0), c1 + c2, m1, m2)
    ratio = np.where((steps > 0) & (_next_over(c1, c1 + c2, m1, m2) <= 1.0), ratio, 0.0)
    ratio = np.minimum(ratio, 1.0 - 1e-9)
    series = np.log1p(-(ratio ** (steps + 1.0))) - np.log1p(-ratio)
    return np.where(people <= _BOUNDED_UP_TO, least + series - _ROUNDING, -np.finfo(float).max)


def p_at_most(k1: ArrayLike, n1: ArrayLike, k2: ArrayLike, n2: ArrayLike) -> Numbers:
    """Logarithm of an upper bound of `fisher` for whole counts: of as many tables as there are.

    Parameters
    ----------
    k1, n1, k2, n2 : array_like, float
        As for `fisher`, whole.

    Returns
    -------
    ndarray, float64
        Above the logarithm of `fisher`, and possibly above 0; 0 above a hundred million people.

    Examples
    --------
    >>> import numpy as np
    >>> bool(np.exp(p_at_most(30, 50, 15, 50)) >= fisher(30, 50, 15, 50))
    True
    """
    c1, m1, c2, m2 = broadcast(k1, n1, k2, n2)
    _, most = _log_probability(c1, m1, c2, m2)
    tables = np.minimum(np.minimum(c1 + c2, m1), np.minimum(m2, m1 + m2 - c1 - c2)) + 1.0
    bound = most + np.log(tables) + _ROUNDING
    return np.where(m1 + m2 <= _BOUNDED_UP_TO, bound, 0.0)


def _no_likelier(
    x: Numbers, stop: Numbers, seen: Numbers, favored: Numbers, n1: Numbers, n2: Numbers
) -> Numbers:
    # Rows of neighboring tables: the logarithm of each probability over that of the first table.
    rows = np.arange(len(x))
    inside = x <= stop[:, None]
    before = np.minimum(x[:, :-1], (stop - 1.0)[:, None])
    ratio = (favored[:, None] - before) / (before + 1.0)
    ratio *= (n1[:, None] - before) / ((n2 - favored)[:, None] + before + 1.0)
    level = np.zeros(x.shape)
    np.cumsum(np.log(ratio), axis=1, out=level[:, 1:])
    level = np.where(inside, level, -np.inf)
    chance = np.exp(level - level.max(axis=1, keepdims=True))
    at = (seen - x[:, 0]).astype(np.intp)
    counted = level <= level[rows, at][:, None] + _TIE
    tail = np.where(counted, chance, 0.0).sum(axis=1)
    total: Numbers = np.minimum(1.0, tail / chance.sum(axis=1))
    return total


def _log_probability(k1: Numbers, n1: Numbers, k2: Numbers, n2: Numbers) -> tuple[Numbers, Numbers]:
    # Bounds, given all margins.
    people = n1 + n2
    share = np.where(people > 0, (k1 + k2) / np.maximum(people, 1.0), 0.0)
    nats = rel_entr(k1, n1 * share) + rel_entr(n1 - k1, n1 * (1.0 - share))
    nats += rel_entr(k2, n2 * share) + rel_entr(n2 - k2, n2 * (1.0 - share))
    nats = np.maximum(nats, 0.0)
    (low1, high1), (low2, high2) = _binomial(k1, n1), _binomial(k2, n2)
    low, high = _binomial(k1 + k2, people)
    return low1 + low2 - high - nats, high1 + high2 - low - nats


def _binomial(k: Numbers, n: Numbers) -> tuple[Numbers, Numbers]:
    # Bounds of the logarithm of a binomial coefficient, less its entropy.
    spread = k * ((n - k) / np.maximum(n, 1.0))
    some = spread > 0
    root = -0.5 * np.log(np.where(some, spread, 1.0))
    return (
        np.where(some, root - 0.5 * np.log(8.0), 0.0),
        np.where(some, root - 0.5 * np.log(2.0 * np.pi), 0.0),
    )


def _next_over(x: Numbers, favored: Numbers, n1: Numbers, n2: Numbers) -> Numbers:
    # The probability of one more favored in the first group, over that of x.
    return (favored - x) / (x + 1.0) * ((n1 - x) / (n2 - favored + x + 1.0))
