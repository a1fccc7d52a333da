"""Rankings: the attention that groups get, and their share of the top.

Every function reads one table, ``counts[g, r]``: how many members of group `g` stand at position
``r + 1``, in one list or added up over many. Less than 1e-100 of a member counts as none.
"""

import math
import sys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammainc, gammaincc, gammainccinv, gammaincinv, ndtr, ndtri

from paribus.stats.calibration import wilson_interval

__all__ = ["Exposure", "TopShare", "exposure", "ndkl", "position_weights", "top_share"]

Discount = Literal["log", "reciprocal", "none"]

_Floats = NDArray[np.float64]

_UNBOUNDED = sys.float_info.max
_TIES = 1e-7
_LEAST = 1e-100
_SYMMETRIC = 1e-3
_MOST_SKEWED = 100.0
_LARGEST_SD = 20_000.0


@dataclass(frozen=True, slots=True)
class Exposure:
    """Mean exposure per member of each group.

    Attributes
    ----------
    n : ndarray, shape (G,), float
        Ranked members.
    exposure : ndarray, shape (G,), float
        Mean weight of their positions, in [0, 1]; 0 for a group without a member.
    low, high : ndarray, shape (G,), float
        Bounds in [0, 1].
    ratio : ndarray, shape (G,), float
        Exposure over that of the reference: 1 for the reference, and where either has no member.
    ratio_low, ratio_high : ndarray, shape (G,), float
        Bounds, within those that the weights allow; 1 and 1 for the reference, 0 and
        ``sys.float_info.max`` where one has no member.
    p : ndarray, shape (G,), float
        Two-sided p-value for the claim that the ratio is not 1.

    Examples
    --------
    >>> exposure([[1, 0], [0, 1]]).ratio.round(4).tolist()
    [1.0, 0.6309]
    """

    n: _Floats
    exposure: _Floats
    low: _Floats
    high: _Floats
    ratio: _Floats
    ratio_low: _Floats
    ratio_high: _Floats
    p: _Floats


@dataclass(frozen=True, slots=True)
class TopShare:
    """What each group has of the top, beside what it has of everything.

    Attributes
    ----------
    top, n : ndarray, shape (G,), float
        Members in the top, and all ranked members.
    share : ndarray, shape (G,), float
        Share of the top, in [0, 1]; 0 where the top is empty.
    low, high : ndarray, shape (G,), float
        Bounds for that share.
    share_of_all : ndarray, shape (G,), float
        Share of all ranked members.
    ratio : ndarray, shape (G,), float
        Representation ratio, ``share / share_of_all``; 1 for a group without a member.
    ratio_low, ratio_high : ndarray, shape (G,), float
        Bounds; 0 and ``sys.float_info.max`` for a group without a member.
    skew : ndarray, shape (G,), float
        Skew@k: natural logarithm of the ratio, with half a member added to every count.
    p : ndarray, shape (G,), float
        Exact two-sided p-value for the claim that belonging to the group and to the top go
        together, in [0, 1].

    Examples
    --------
    >>> top_share([[2, 0, 0], [0, 1, 1]], k=1).share.tolist()
    [1.0, 0.0]
    """

    top: _Floats
    n: _Floats
    share: _Floats
    low: _Floats
    high: _Floats
    share_of_all: _Floats
    ratio: _Floats
    ratio_low: _Floats
    ratio_high: _Floats
    skew: _Floats
    p: _Floats


def position_weights(positions: int, discount: Discount = "log") -> _Floats:
    """Attention that each position gets, 1 for the first.

    Parameters
    ----------
    positions : int
        Number of positions `R`, at least 0.
    discount : {"log", "reciprocal", "none"}
        ``1 / log2(1 + r)``, ``1 / r`` or 1 at position `r`.

    Returns
    -------
    ndarray, shape (R,), float
        In (0, 1], never rising.

    References
    ----------
    Järvelin and Kekäläinen (2002), ACM Transactions on Information Systems 20, 422-446; Singh
    and Joachims (2018), KDD 24, 2219-2228.

    Examples
    --------
    >>> position_weights(3).round(4).tolist()
    [1.0, 0.6309, 0.5]
    """
    places = np.arange(1, positions + 1, dtype=np.float64)
    if discount == "log":
        return 1.0 / np.log2(1.0 + places)
    return 1.0 / places if discount == "reciprocal" else np.ones(positions)


def exposure(
    counts: Any,
    discount: Discount = "log",
    reference: int = 0,
    confidence: float = 0.95,
) -> Exposure:
    """Mean exposure per member of each group, and its ratio to that of a reference.

    Parameters
    ----------
    counts : array_like, shape (G, R)
        Members of each group at each position, at least 0, at most 1e100.
    discount : {"log", "reciprocal", "none"}
        Weight of a position, see `position_weights`.
    reference : int
        Row of the group that the others are compared with.
    confidence : float
        Nominal coverage, in (0, 1).

    Returns
    -------
    Exposure
        Arrays of shape (G,).

    Notes
    -----
    Positions are what varies: the intervals are for rankings of as many members of each group.
    If groups do not matter, the positions of two groups are dealt to them without replacement.
    The difference of their means then has the variance ``S ** 2 * (1 / n1 + 1 / n2)`` exactly,
    with `S` the standard deviation of the weights of all positions of both: what one group
    cannot have because the other has it makes up for the finite number of positions. Few
    positions weigh much, so the distribution is skewed; a Pearson type III distribution with
    the variance and skewness of the permutations stands for it, never surer than the number of
    permutations allows. The p-value is twice the tail, and the bounds of the ratio invert
    the same test at other ratios (Fieller), so they exclude 1 exactly where it rejects. A group's
    own bounds come from dealing its positions and those of all others; a group that is everybody
    has no interval.

    Rates of false claims at a level of 5 % by simulation: 0.02 to 0.03 in a list of 50 with 10 or
    25 of a group, 0.05 in one of 200 with 20, 0.06 with 20 lists of 50. Where groups differ (scores
    shifted by 0.5 and 1 standard deviations) the intervals of 95 % cover 0.97 to 1.00: they are
    wider than need be, since `S` contains the difference.

    Lists whose mix of groups goes along with their length are not comparable position by
    position; there each kind of list needs a table of its own.

    References
    ----------
    Singh and Joachims (2018), KDD 24, 2219-2228, equations 4 and 6; Pitman (1937), Supplement
    to the Journal of the Royal Statistical Society 4, 119-130 (permutation); Mielke, Berry and
    Johnson (1976), Communications in Statistics A 5, 1409-1424 (Pearson type III); Cochran
    (1977), Sampling Techniques, 3rd edition, section 2.6 (without replacement); Fieller (1954),
    Journal of the Royal Statistical Society B 16, 175-185.

    Examples
    --------
    >>> seen = exposure([[1, 1, 0, 1], [0, 0, 1, 0]])
    >>> seen.exposure.round(4).tolist(), seen.ratio.round(4).tolist()
    ([0.6872, 0.5], [1.0, 0.7276])
    """
    table = _members(counts)
    weights = position_weights(table.shape[1], discount)
    n = table.sum(axis=1)
    everyone = float(n.sum())
    if everyone <= 0.0:
        ones, zeros = np.ones_like(n), np.zeros_like(n)
        return Exposure(n, zeros, zeros, ones, ones, zeros, ones * _UNBOUNDED, ones)
    held = n > 0.0
    some = np.where(held, n, 1.0)
    means = np.where(held, np.clip((table / some[:, None]) @ weights, 0.0, 1.0), 0.0)
    tail = (1.0 - confidence) / 2.0
    whole = table.sum(axis=0)
    spread, skew = _dealt(np.broadcast_to(whole, table.shape), n, weights)
    down, up = _quantiles(tail, skew)
    # No bound where not even the most extreme way of dealing is so rare.
    sure = _fewest(n, everyone - n) <= tail
    error = np.sqrt(spread / some * np.maximum(0.0, 1.0 - n / everyone))
    sure |= error <= 0.0
    low = np.where(sure, np.clip(means - up * error, weights[-1], means), weights[-1])
    high = np.where(sure, np.clip(means - down * error, means, weights[0]), weights[0])
    low, high = np.where(held, np.minimum(low, means), 0.0), np.where(held, high, 1.0)

    itself = np.arange(n.size) == reference
    paired = held & held[reference] & ~itself
    base = float(means[reference]) if held[reference] else 1.0
    ratio = np.where(paired, means / base, 1.0)
    spread, skew = _dealt(table + table[reference], n, weights)
    fewest = _fewest(n, np.broadcast_to(n[reference], n.shape))
    parts = np.sqrt(spread / some), np.sqrt(spread / some[reference])
    error = np.hypot(*parts)
    varies = paired & (error > 0.0)
    z = (means - base) / np.where(varies, error, 1.0)
    below, above = _tails(z, skew)
    tails = np.maximum(np.where(z > 0.0, above, below), fewest)
    p = np.where(varies & (z != 0.0), np.minimum(1.0, 2.0 * tails), 1.0)
    down, up = _quantiles(tail, skew)
    sure = (fewest <= tail) | (error <= 0.0)
    ratio_low = _fieller(means, base, up * parts[0], up * parts[1])[0]
    ratio_high = _fieller(means, base, down * parts[0], down * parts[1])[1]
    # No exposure is outside the weights, so no ratio is outside theirs.
    least = float(weights.min())
    ratio_low = np.minimum(np.where(sure, np.maximum(ratio_low, least), least), ratio)
    ratio_high = np.where(sure, np.minimum(ratio_high, 1.0 / least), 1.0 / least)
    ratio_high = np.maximum(ratio_high, ratio)
    return Exposure(
        n,
        means,
        low,
        high,
        ratio,
        np.where(paired, ratio_low, np.where(itself & held, 1.0, 0.0)),
        np.where(paired, ratio_high, np.where(itself & held, 1.0, _UNBOUNDED)),
        p,
    )


def top_share(counts: Any, k: int, confidence: float = 0.95) -> TopShare:
    """Share of the first `k` positions that each group has, beside its share of all positions.

    Parameters
    ----------
    counts : array_like, shape (G, R)
        Members of each group at each position, at least 0, at most 1e15 together. The exact
        p-value rounds counts that are not whole.
    k : int
        Positions that make the top, at least 0; all of them if there are fewer.
    confidence : float
        Nominal coverage, in (0, 1).

    Returns
    -------
    TopShare
        Arrays of shape (G,).

    Notes
    -----
    If groups do not matter, a group's members in the top follow the hypergeometric
    distribution; for many lists added up this holds where their mixes are alike. The interval is
    Wilson's for as many draws as there are places in the top, and never beyond what the members
    allow. If groups do not matter it is wider than it need be, by the square root of
    ``1 - T / N`` for a top of `T` among `N`; if they do, that factor would make it too narrow
    (coverage of 0.91 for 95 %, against 0.94 to 0.99 of this one).

    References
    ----------
    Fisher's exact test: Fisher (1935), Journal of the Royal Statistical Society 98, 39-82;
    Wilson (1927), Journal of the American Statistical Association 22, 209-212; Skew@k: Geyik,
    Ambler and Kenthapadi (2019), KDD 25, 2221-2231, definition 1. The half: Haldane (1956),
    Annals of Human Genetics 20, 309-311.

    Examples
    --------
    >>> top = top_share([[8, 6, 4, 2], [2, 4, 6, 8]], k=1)
    >>> top.share.tolist(), top.ratio.tolist(), top.p.round(4).tolist()
    ([0.8, 0.2], [1.6, 0.4], [0.0648, 0.0648])
    """
    table = _members(counts)
    top, n = table[:, : max(k, 0)].sum(axis=1), table.sum(axis=1)
    drawn, everyone = float(top.sum()), float(n.sum())
    held = n > 0.0
    some = np.where(held, n, 1.0)
    share_of_all = n / everyone if everyone > 0.0 else np.zeros_like(n)
    share = np.minimum(1.0, top / drawn) if drawn > 0.0 else np.zeros_like(top)
    low, high = np.zeros_like(share), np.ones_like(share)
    if drawn > 0.0:
        low, high = wilson_interval(share, drawn, -float(ndtri((1.0 - confidence) / 2.0)))
        most = np.minimum(1.0, n / drawn)
        least = np.clip((drawn - (everyone - n)) / drawn, 0.0, 1.0)
        low = np.minimum(np.clip(low, least, most), share)
        high = np.maximum(np.clip(high, least, most), share)
    fair = np.where(held, share_of_all, 1.0)
    ratio = np.where(held & (drawn > 0.0), share / fair, 1.0)
    ratio_low = np.where(held, low / fair, 0.0)
    ratio_high = np.where(held, np.minimum(high, _UNBOUNDED * fair) / fair, _UNBOUNDED)
    groups = max(1, n.size)
    skew = np.log((top + 0.5) / (drawn + 0.5 * groups))
    skew -= np.log((n + 0.5) / (everyone + 0.5 * groups))
    p = np.array(
        [
            _p_hypergeometric(*(round(number) for number in (part, whole, drawn, everyone)))
            for part, whole in zip(top.tolist(), (some * held).tolist(), strict=True)
        ]
    )
    return TopShare(top, n, share, low, high, share_of_all, ratio, ratio_low, ratio_high, skew, p)


def ndkl(counts: Any) -> float:
    """Measure how far the beginnings of a ranking are from its mix of groups (NDKL).

    Normalized discounted Kullback-Leibler divergence: that of the mix of the first `i` positions
    from the mix of all, averaged over `i` with the weights ``1 / log2(1 + i)``.

    Parameters
    ----------
    counts : array_like, shape (G, R)
        Members of each group at each position, at least 0, at most 1e100.

    Returns
    -------
    float
        In nats, at least 0; 0 where every beginning of the list has the mix of the whole, and
        without a member. Above 0 by chance too: the first positions of a single list can never
        have the mix of the whole. It is for comparing rankings of the same size.

    References
    ----------
    Geyik, Ambler and Kenthapadi (2019), KDD 25, 2221-2231, definition 3.

    Examples
    --------
    >>> round(ndkl([[1, 0], [0, 1]]), 4)
    0.425
    """
    table = _members(counts)
    everyone = float(table.sum())
    if everyone <= 0.0:
        return 0.0
    overall = table.sum(axis=1, keepdims=True) / everyone
    above = np.cumsum(table / everyone, axis=1)
    ranked = above.sum(axis=0)
    mix = above / np.where(ranked > 0.0, ranked, 1.0)
    quotient = np.where(mix > 0.0, mix, 1.0) / np.where(mix > 0.0, overall, 1.0)
    divergence = np.maximum(0.0, (mix * np.log(quotient)).sum(axis=0))
    weights = position_weights(table.shape[1])
    return float(divergence @ weights / weights.sum())


def _members(counts: Any) -> _Floats:
    table = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    return np.where(table > _LEAST, table, 0.0)


def _dealt(places: _Floats, n: _Floats, weights: _Floats) -> tuple[_Floats, _Floats]:
    """Variance of the weights of each row's places, and skewness of the mean of `n` of them.

    Without replacement the third central moment of a sum of `n` among `N` is
    ``mu3 * n * (N - n) * (N - 2 n) / (N - 1) / (N - 2)``.
    """
    size = places.sum(axis=1)
    some = np.where(size > 0.0, size, 1.0)
    mix = places / some[:, None]
    apart = weights - (mix @ weights)[:, None]
    second, third = (mix * apart**2).sum(axis=1), (mix * apart**3).sum(axis=1)
    more = size > 1.0
    spread = np.where(more, second * (some / np.where(more, size - 1.0, 1.0)), second)
    share = n / some
    fits = (size > 2.0) & (share > 0.0) & (share < 1.0) & (second > 0.0)
    within = np.where(fits, share * (1.0 - share), 1.0)
    shape = third / np.where(fits, second, 1.0) ** 1.5 * (1.0 - 2.0 * share) / np.sqrt(within)
    factor = np.sqrt(np.where(fits, size - 1.0, 1.0)) / np.where(fits, size - 2.0, 1.0)
    return spread, np.where(fits, np.clip(shape * factor, -_MOST_SKEWED, _MOST_SKEWED), 0.0)


def _fewest(n: _Floats, others: _Floats) -> _Floats:
    """Chance of one way of dealing: no permutation test can be surer."""
    return np.asarray(np.exp(np.log(n + others + 1.0) + betaln(n + 1.0, others + 1.0)))


def _tails(z: _Floats, skew: _Floats) -> tuple[_Floats, _Floats]:
    """Chances of at most and of at least `z`, Pearson type III with mean 0 and variance 1."""
    side = np.where(skew < 0.0, -1.0, 1.0)
    shape = 4.0 / np.maximum(np.abs(skew), _SYMMETRIC) ** 2
    at = np.maximum(0.0, shape + side * z * np.sqrt(shape))
    normal = np.abs(skew) < _SYMMETRIC
    short = np.where(normal, ndtr(side * z), gammainc(shape, at))
    long = np.where(normal, ndtr(-side * z), gammaincc(shape, at))
    return np.where(side > 0.0, short, long), np.where(side > 0.0, long, short)


def _quantiles(tail: float, skew: _Floats) -> tuple[_Floats, _Floats]:
    """Points beyond which `tail` lies on either side, at most and at least 0."""
    shape = 4.0 / np.maximum(np.abs(skew), _SYMMETRIC) ** 2
    normal = np.abs(skew) < _SYMMETRIC
    z = float(ndtri(tail))
    short = np.where(normal, z, (gammaincinv(shape, tail) - shape) / np.sqrt(shape))
    long = np.where(normal, -z, (gammainccinv(shape, tail) - shape) / np.sqrt(shape))
    # Where a tail holds more than a side of the mean does, the estimate itself is the bound.
    down = np.minimum(0.0, np.where(skew < 0.0, -long, short))
    up = np.maximum(0.0, np.where(skew < 0.0, -short, long))
    return down, up


def _fieller(
    above: _Floats, below: float, half_above: _Floats, half_below: _Floats
) -> tuple[_Floats, _Floats]:
    """Ratios whose numerator is not too far from them times the denominator."""
    first, second = above**2 - half_above**2, below**2 - half_below**2
    root = np.sqrt(np.maximum(0.0, (above * half_below) ** 2 + second * half_above**2))
    low = np.maximum(0.0, first) / (above * below + root + _LEAST)
    bounded = second > _LEAST
    high = (above * below + root) / np.where(bounded, second, 1.0)
    return low, np.where(bounded, high, _UNBOUNDED)


def _p_hypergeometric(top: int, n: int, drawn: int, everyone: int) -> float:
    """Chance of a table no likelier than this one, with the same margins."""
    least, most = max(0, drawn + n - everyone), min(n, drawn)
    if least >= most:
        return 1.0
    top = min(max(top, least), most)
    mean = drawn / everyone * n
    sd = math.sqrt(mean * (1.0 - n / everyone) * (everyone - drawn) / max(1, everyone - 1))
    if abs(top - mean) > 100.0 * sd + 1_000.0:
        return sys.float_info.min  # below exp(-1000) by Bernstein's inequality
    if sd > _LARGEST_SD:
        return min(1.0, 2.0 * float(ndtr(-max(0.0, abs(top - mean) - 0.5) / sd)))
    # Beyond this many steps outward the terms add nothing that a float shows.
    width = int(14.0 * sd) + 60
    first, last = max(least, min(top, int(mean)) - width), min(most, max(top, int(mean)) + width)
    place = np.arange(first, last, dtype=np.float64)
    rises = np.log(n - place) + np.log(drawn - place)
    rises -= np.log(place + 1.0) + np.log(everyone - n - drawn + place + 1.0)
    logs = np.concatenate([[0.0], np.cumsum(rises)])
    chances = np.exp(logs - logs.max())
    rare = logs <= logs[top - first] + _TIES
    p = float(chances[rare].sum() / chances.sum())
    return min(1.0, max(p, sys.float_info.min))
