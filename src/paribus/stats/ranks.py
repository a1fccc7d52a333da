"""Ranks of paired differences: their center, the test of it, and moves in a ranking."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["Quantiles", "hodges_lehmann", "quantiles", "rank_shift", "wilcoxon"]

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]

# The exact null distribution of this many differences takes less than a millisecond.
_EXACT = 100
_SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
# Pairs drawn to guess where an order statistic of all pairs lies.
_SAMPLE = 4_096


class Quantiles(NamedTuple):
    """Nine quantiles of some numbers, from the smallest to the largest.

    Attributes
    ----------
    minimum, p1, p5, p25, median, p75, p95, p99, maximum : float
        In the numbers' unit and ascending; all 0 where there are no numbers.
    """

    minimum: float
    p1: float
    p5: float
    p25: float
    median: float
    p75: float
    p95: float
    p99: float
    maximum: float


def quantiles(differences: NDArray[Any]) -> Quantiles:
    """Give the smallest, the largest and seven quantiles between them.

    Parameters
    ----------
    differences : ndarray, shape (n,), numeric or bool
        Finite numbers, at most 1e100 in size.

    Returns
    -------
    Quantiles
        Interpolated linearly between neighboring numbers.

    References
    ----------
    Hyndman and Fan (1996), The American Statistician 50, 361-365, definition 7.

    Examples
    --------
    >>> import numpy as np
    >>> found = quantiles(np.arange(201))
    >>> found.p5, found.median, found.maximum
    (10.0, 100.0, 200.0)
    """
    numbers = np.asarray(differences, dtype=np.float64)
    if numbers.size == 0:
        return Quantiles(*[0.0] * len(_SHARES))
    return Quantiles(*np.quantile(numbers, _SHARES).tolist())


def wilcoxon(differences: NDArray[Any], exact: int = _EXACT) -> tuple[float, float]:
    """Wilcoxon's signed-rank test that differences are symmetric about zero, two-sided.

    Zeros are dropped, as Wilcoxon did; differences of equal size share the mean of their ranks.
    The null distribution is exact for these very ranks, ties included, up to `exact` non-zero
    differences, and beyond it normal, with corrections for ties and for continuity.

    Parameters
    ----------
    differences : ndarray, shape (n,), numeric
        Finite numbers. Sizes are equal only if they are equal bit for bit: round what was
        computed before testing it.
    exact : int
        Largest number of non-zero differences for which the null distribution is exact. The
        work grows with its cube.

    Returns
    -------
    statistic : float
        Sum of the ranks of the positive differences, in [0, n (n + 1) / 2]; 0 where all are
        zero.
    p : float
        Twice the smaller tail, at most 1; 1 where all are zero or there are none.

    References
    ----------
    Wilcoxon (1945), Biometrics Bulletin 1, 80-83; Hollander and Wolfe (1999), Nonparametric
    Statistical Methods, 2nd edition, section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> wilcoxon(np.array([1.5, 2.0, -0.5, 3.0, 0.0]))
    (9.0, 0.25)
    """
    numbers = np.asarray(differences, dtype=np.float64)
    numbers = numbers[numbers != 0]
    n = numbers.size
    if n == 0:
        return 0.0, 1.0
    sizes = np.abs(numbers)
    order = np.argsort(sizes)
    starts, ties = _runs(sizes[order])
    # Twice the mean of the ranks start + 1 .. start + ties: whole numbers.
    doubled = 2 * starts + ties + 1
    positive = np.add.reduceat((numbers > 0)[order].astype(np.int64), starts)
    total = n * (n + 1)
    statistic = int(doubled @ positive)
    if n <= exact:
        smaller = min(statistic, total - statistic)
        p = 2.0 * float(_signed_rank_chances(np.repeat(doubled, ties), smaller).sum())
    else:
        many = ties.astype(np.float64)
        variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - float((many**3 - many).sum()) / 48.0
        distance = max(0.0, abs(statistic - total / 2) / 2.0 - 0.5)
        p = 2.0 * float(ndtr(-distance / math.sqrt(variance)))
    return statistic / 2.0, min(1.0, p)


def hodges_lehmann(
    differences: NDArray[Any], confidence: float = 0.95, cells: int = 20_001
) -> tuple[float, float, float]:
    """Hodges and Lehmann's estimate of the center of differences, with its interval.

    The median of the Walsh averages, the means of all pairs of differences, each with itself
    included. The interval lies between two order statistics of the Walsh averages, those that
    Wilcoxon's test at level ``1 - confidence`` does not refute. Zeros count like any number.

    Parameters
    ----------
    differences : ndarray, shape (n,), numeric
        Finite numbers, at most 1e100 in size.
    confidence : float
        Nominal coverage, in (0, 1). Five numbers or fewer cannot give 95 %: the interval is then
        the range of the numbers, which covers the center with ``1 - 2 ** (1 - n)``.
    cells : int
        Up to so many numbers the results are exact, up to rounding of the sums. More are sorted
        into an odd number of at most so many cells of equal size, at least 3. See Notes.

    Returns
    -------
    estimate, low, high : float
        With ``low <= estimate <= high``; all 0 without a number.

    Notes
    -----
    With cells, the lower bound is that of every number moved down to the smallest of its cell,
    the upper bound that of every number moved up to the largest. So the interval always
    contains the exact one, and so does it contain the exact estimate. Each bound moves outward
    by at most the share ``2 / cells`` of all Walsh averages: with 20,001 cells and a million
    numbers, by at most 9 % of the half width of the interval. The estimate takes the middle of each
    cell, and is off by far less than the bounds.

    An order statistic is found without the n (n + 1) / 2 averages: those below a value are counted
    in the sorted numbers, and the value is closed in on from both sides, as Floyd and Rivest do,
    until few averages remain. Memory grows with n.

    References
    ----------
    Hodges and Lehmann (1963), Annals of Mathematical Statistics 34, 598-611; the interval of
    Tukey (1949) as in Hollander and Wolfe (1999), Nonparametric Statistical Methods, 2nd edition,
    sections 3.2 and 3.3; Johnson and Mizoguchi (1978), SIAM Journal on Computing 7, 147-153;
    Floyd and Rivest (1975), Communications of the ACM 18, 165-172.

    Examples
    --------
    >>> import numpy as np
    >>> hodges_lehmann(np.array([1.0, 2.0, 4.0, 8.0, 9.0, 9.0, 12.0]))
    (6.5, 2.0, 10.5)
    """
    numbers = np.sort(np.asarray(differences, dtype=np.float64))
    n = numbers.size
    if n == 0:
        return 0.0, 0.0, 0.0
    pairs = n * (n + 1) // 2
    rank = _interval_rank(n, confidence)
    if n <= cells:
        lowest, low_middle, high_middle, highest = numbers, numbers, numbers, numbers
        weights = np.ones(n, dtype=np.int64)
    else:
        # An odd number of cells rounds to the same borders from either end.
        many = max(3, cells - 1 + cells % 2)
        borders = (2 * np.arange(many + 1) * n + many) // (2 * many)
        starts, ends, weights = borders[:-1], borders[1:], np.diff(borders)
        lowest, highest = numbers[starts], numbers[ends - 1]
        low_middle, high_middle = numbers[(starts + ends - 1) // 2], numbers[(starts + ends) // 2]
    middle = low_middle / 2.0 + high_middle / 2.0
    low = _walsh(lowest, weights, rank)
    high = _walsh(highest, weights, pairs + 1 - rank)
    below = _walsh(middle, weights, (pairs + 1) // 2)
    above = _walsh(middle, weights, pairs // 2 + 1) if pairs % 2 == 0 else below
    # Rounding alone could put an estimate outside: by one unit in the last place.
    return min(max(below / 2.0 + above / 2.0, low), high), low, high


def rank_shift(reference: NDArray[Any], group: NDArray[Any]) -> _Floats:
    """Give each person's move in the ranking, if this person alone became the group twin.

    All others keep the score of their reference twin. A position is the number of others below
    plus half of those with the same score.

    Parameters
    ----------
    reference, group : ndarray, shape (n,), numeric
        Finite scores of the reference twins and of the group twins, person by person.

    Returns
    -------
    ndarray, shape (n,), float64
        Moves as shares of the list of the others, in [-1, 1], positive for a move to a higher
        score; 0 for a single person.

    Examples
    --------
    >>> import numpy as np
    >>> rank_shift(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 0.0])).tolist()
    [0.25, 0.0, -1.0]
    """
    theirs = np.asarray(reference, dtype=np.float64)
    own = np.asarray(group, dtype=np.float64)
    n = theirs.size
    if n < 2:
        return np.zeros(n)
    order = np.argsort(theirs)
    ranking = theirs[order]
    starts, ties = _runs(ranking)
    doubled = np.empty(n, dtype=np.int64)
    doubled[order] = np.repeat(2 * starts + ties, ties)
    # Sorted queries walk through the ranking; unsorted ones miss the cache at every step.
    order = np.argsort(own)
    queries = own[order]
    moved = np.empty(n, dtype=np.int64)
    moved[order] = ranking.searchsorted(queries) + ranking.searchsorted(queries, side="right")
    # Without the person's own reference score, which counts twice, once or not at all.
    moved -= doubled + (own > theirs).astype(np.int64) - (own < theirs)
    return moved / (2.0 * (n - 1))


def _runs(ordered: _Floats) -> tuple[_Ints, _Ints]:
    """Where runs of equal numbers start, and how long they are."""
    fresh = np.empty(ordered.size, dtype=np.bool_)
    fresh[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    starts = np.flatnonzero(fresh)
    return starts, np.diff(starts, append=ordered.size)


def _signed_rank_chances(ranks: _Ints, most: int) -> _Floats:
    """Chance of each sum 0 .. most of whole ranks, each of them in it or not by a fair coin."""
    ways = np.zeros(most + 1)
    ways[0] = 1.0
    for rank in ranks.tolist():
        if rank <= most:
            ways[rank:] += ways[: most + 1 - rank]
    return np.ldexp(ways, -ranks.size)


def _interval_rank(n: int, confidence: float) -> int:
    """Which Walsh average from either end bounds the interval, from 1."""
    tail = (1.0 - confidence) / 2.0
    mean = n * (n + 1) / 4
    if n <= _EXACT:
        chances = _signed_rank_chances(np.arange(1, n + 1), int(mean))
        # The fuzz of R's qsignrank: a tail that is exactly reached counts as reached.
        rank = int(np.searchsorted(chances.cumsum(), tail - 1e-15))
    else:
        spread = math.sqrt(n * (n + 1.0) * (2.0 * n + 1.0) / 24.0)
        rank = math.floor(mean + float(ndtri(tail)) * spread + 0.5)
    return min(max(rank, 1), (n * (n + 1) // 2 + 1) // 2)


def _walsh(values: _Floats, weights: _Ints, k: int) -> float:
    """K-th smallest mean of two of the sorted `values`, each of which stands for `weights` many.

    The ordered pairs form a square whose rows ascend. Every pair of two different numbers is in
    it twice, so that all counts are doubled.
    """
    m = values.size
    upto = np.concatenate([[0], np.cumsum(weights)])
    goal = 2 * k
    starts, before = np.zeros(m, dtype=np.int64), 0
    ends, within = np.full(m, m, dtype=np.int64), int(upto[-1]) * (int(upto[-1]) + 1)
    random = np.random.Generator(np.random.PCG64(0))
    single, width = False, 8.0
    while (left := int((ends - starts).sum())) > 4 * max(m, _SAMPLE):
        sums, size = _sampled(random, values, starts, ends)
        share = (goal - before) / (within - before)
        margin = 0.0 if single else 3.0 * math.sqrt(share * (1.0 - share) / _SAMPLE)
        first, last = (
            float(sums[min(max(round((share + side) * _SAMPLE), 0), _SAMPLE - 1)])
            for side in (-margin, margin)
        )
        # Beyond the fuzz, rounding cannot put equal sums on different sides.
        fuzz = width * math.ulp(max(size, abs(first), abs(last)))
        under, under_count = _not_above(values, weights, upto, first - fuzz)
        over, over_count = _not_above(values, weights, upto, last + fuzz)
        if under_count < goal <= over_count and last - first <= fuzz:
            return first / 2.0
        if under_count < goal:
            starts, before = np.maximum(starts, under), max(before, under_count)
        else:
            ends, within = np.minimum(ends, under), min(within, under_count)
        if over_count < goal:
            starts, before = np.maximum(starts, over), max(before, over_count)
        else:
            ends, within = np.minimum(ends, over), min(within, over_count)
        now = int((ends - starts).sum())
        # Sizes many powers of ten apart can round by more.
        width = width * 1024.0 if single and now == left else width
        # Many ties at both guesses stay between them: settle one of the two.
        single = 2 * now > left
    rows = np.repeat(np.arange(m), ends - starts)
    columns = np.arange(rows.size) - np.repeat(np.cumsum(ends - starts) - ends, ends - starts)
    sums = values[rows] + values[columns]
    order = np.argsort(sums)
    many = weights[rows] * (weights[columns] + (rows == columns))
    reached = int(np.searchsorted(before + np.cumsum(many[order]), goal))
    return float(sums[order[min(reached, rows.size - 1)]]) / 2.0


def _not_above(values: _Floats, weights: _Ints, upto: _Ints, limit: float) -> tuple[_Ints, int]:
    """Where the sums up to `limit` end in each row, and twice the number of their pairs."""
    # Ascending queries, hence the reversed numbers.
    ends = values.searchsorted(limit - values[::-1], side="right")[::-1]
    own = int(upto[values.searchsorted(limit / 2.0, side="right")])
    return ends, int(weights @ upto[ends]) + own


def _sampled(
    random: np.random.Generator, values: _Floats, starts: _Ints, ends: _Ints
) -> tuple[_Floats, float]:
    """Draw sums from what is left of the rows, sorted; and the size of what is summed."""
    borders = np.cumsum(ends - starts)
    positions = np.sort(random.integers(0, int(borders[-1]), _SAMPLE))
    rows = borders.searchsorted(positions, side="right")
    columns = positions - (borders - ends)[rows]
    one, other = values[rows], values[columns]
    size = float(np.median(np.maximum(np.abs(one), np.abs(other))))
    return np.sort(one + other), size
