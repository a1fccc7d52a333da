"""Tests by relabeling: if the label does not matter, it may be dealt anew within each person."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr

from paribus.stats.paired import mcnemar_exact

__all__ = ["cochran_q", "friedman", "max_t", "sign_flip"]

_Floats = NDArray[np.float64]

# People who are relabeled one by one. Beyond, a sum over people is normal to all digits that a
# test can use, but for the largest terms where a few dominate.
_RELABELED = 20_000
# Largest share of the variance that one person may have for the normal limit of all.
_DOMINANT = 1e-3
# Sums that should be equal differ by rounding.
_ROUNDING = 1e-10
_BLOCK = 65_536
# Most patterns of answers that are counted instead of people.
_PATTERNS = 4_096


def sign_flip(differences: NDArray[Any], flips: int = 9_999, seed: int = 0) -> float:
    """Permutation test that the mean of paired differences is zero, two-sided.

    Under the null hypothesis the labels of a pair could be exchanged, which turns the sign of its
    difference. The p-value is exact, by enumeration, where the non-zero differences have at most
    ``flips + 1`` sign patterns, and where all are of one size (then it is that of the exact sign
    test). Else it is ``(1 + c) / (flips + 1)``, where `c` of the random sign patterns give a
    sum at least as large, either way, as the observed one.

    Parameters
    ----------
    differences : ndarray, shape (n,), numeric
        Finite numbers.
    flips : int
        Random sign patterns, at least 1.
    seed : int
        Equal seeds give equal p-values; at least 0.

    Returns
    -------
    float
        In [0, 1]; 1 where all differences are zero or there are none.

    Notes
    -----
    Beyond 20,000 non-zero differences the sum under the null hypothesis is taken as normal, with
    the sum of squares as its variance, unless one difference has more than a thousandth of that
    variance; by Edgeworth's expansion this changes a p-value of 0.05 by less than 0.0001. A
    p-value can then be below ``1 / (flips + 1)``. Where one difference is larger, the signs
    of the 20,000 largest are drawn and only the sum of the others is drawn as normal.

    The sums of each eight differences are tabled for their 256 sign patterns, so that one random
    byte deals eight signs.

    References
    ----------
    Fisher (1935), The Design of Experiments, section 21; Phipson and Smyth (2010), Statistical
    Applications in Genetics and Molecular Biology 9, 39.

    Examples
    --------
    >>> import numpy as np
    >>> sign_flip(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    0.0625
    """
    numbers = np.asarray(differences, dtype=np.float64)
    numbers = numbers[numbers != 0]
    n = numbers.size
    if n == 0:
        return 1.0
    sizes = np.abs(numbers)
    largest = float(sizes.max())
    if float(sizes.min()) == largest:
        up = int(np.count_nonzero(numbers > 0))
        return mcnemar_exact(up, n - up)
    numbers, sizes = numbers / largest, sizes / largest
    observed = abs(float(numbers.sum())) - _ROUNDING * float(sizes.sum()) / math.sqrt(n)
    if n < 63 and 2**n <= flips + 1:
        sums = np.zeros(1)
        for size in sizes:
            sums = np.concatenate([sums - size, sums + size])
        return float(np.mean(np.abs(sums) >= observed))
    variance = float(sizes @ sizes)
    random = np.random.Generator(np.random.PCG64(seed))
    rest = 0.0
    if n > _RELABELED:
        if variance >= 1.0 / _DOMINANT:
            return min(1.0, 2.0 * float(ndtr(-max(0.0, observed) / math.sqrt(variance))))
        sizes = np.partition(sizes, n - _RELABELED)
        rest = float(sizes[: n - _RELABELED] @ sizes[: n - _RELABELED])
        sizes = sizes[n - _RELABELED :]
    sums = _flipped_sums(sizes, flips, random)
    if rest > 0:
        sums += math.sqrt(rest) * random.standard_normal(flips)
    return float(1 + np.count_nonzero(np.abs(sums) >= observed)) / (flips + 1)


def _flipped_sums(sizes: _Floats, flips: int, random: np.random.Generator) -> _Floats:
    groups = -(-sizes.size // 8)
    padded = np.zeros((groups, 8))
    padded.ravel()[: sizes.size] = sizes
    signs = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) - 1.0
    sums, taken = np.zeros(flips), np.empty(flips)
    step = max(1, min(64, 2**22 // flips))
    for start in range(0, groups, step):
        tables = padded[start : start + step] @ signs.T
        dealt = random.integers(0, 256, (len(tables), flips), dtype=np.uint8).astype(np.intp)
        for table, patterns in zip(tables, dealt, strict=True):
            # No index is out of range; "clip" spares the check.
            sums += np.take(table, patterns, out=taken, mode="clip")
    return sums


def cochran_q(
    answers: NDArray[np.bool_], counts: NDArray[np.int64] | None = None
) -> tuple[float, int, float]:
    """Cochran's Q test that all versions of a person have the same chance of a favorable answer.

    Parameters
    ----------
    answers : ndarray, shape (n, k), bool
        One row a person, one column a version, ``k >= 1``.
    counts : ndarray, shape (n,), int, optional
        How many people have each row, at least 0; 1 each if not given.

    Returns
    -------
    statistic : float
        At least 0; 0 where no person's answers differ.
    df : int
        Degrees of freedom, ``k - 1``.
    p : float
        Upper tail of the chi-squared distribution, in [0, 1]; 1 where no person's answers differ.

    References
    ----------
    Cochran (1950), Biometrika 37, 256-266.

    Examples
    --------
    >>> import numpy as np
    >>> q, df, p = cochran_q(np.array([[True, False, False]] * 6 + [[True, True, True]]))
    >>> q, df, round(p, 6)
    (12.0, 2, 0.002479)
    """
    flags = np.asarray(answers, dtype=np.bool_)
    n, k = flags.shape
    # How many people have a number of favorable answers decides the denominator.
    favorable = np.zeros(n, dtype=np.int64)
    totals = []
    for column in flags.T:
        favorable += column
        totals.append(int(np.count_nonzero(column) if counts is None else column @ counts))
    weights = None if counts is None else np.asarray(counts, dtype=np.float64)
    people = np.bincount(favorable, weights, minlength=k + 1).astype(np.int64).tolist()
    spread = sum(count * have * (k - have) for have, count in enumerate(people))
    if spread == 0:
        return 0.0, k - 1, 1.0
    between = k * sum(total * total for total in totals) - sum(totals) ** 2
    statistic = (k - 1) * between / spread
    return statistic, k - 1, float(chdtrc(k - 1, statistic))


def friedman(scores: NDArray[Any]) -> tuple[float, int, float]:
    """Friedman's test that no version tends to higher scores, corrected for ties.

    Parameters
    ----------
    scores : ndarray, shape (n, k), numeric
        Finite scores, one row a person, one column a version, ``k >= 1``.

    Returns
    -------
    statistic : float
        At least 0; 0 where no person's scores differ.
    df : int
        Degrees of freedom, ``k - 1``.
    p : float
        Upper tail of the chi-squared distribution, in [0, 1]; 1 where no person's scores differ.

    References
    ----------
    Friedman (1937), Journal of the American Statistical Association 32, 675-701; with ties as
    in Conover (1999), Practical Nonparametric Statistics, 3rd edition, section 5.8.

    Examples
    --------
    >>> import numpy as np
    >>> chi2, df, p = friedman(np.array([[1.0, 2.0, 3.0]] * 4))
    >>> chi2, df, round(p, 6)
    (8.0, 2, 0.018316)
    """
    values = np.asarray(scores)
    n, k = values.shape
    totals, spread = np.zeros(k, dtype=np.int64), 0
    for start in range(0, n, _BLOCK):
        columns = np.ascontiguousarray(values[start : start + _BLOCK].T)
        # Twice a rank's distance from the mean rank: how many it beats less how many beat it.
        ranks = np.zeros(columns.shape, dtype=np.int64)
        for j in range(k):
            for i in range(j):
                wins = (columns[j] > columns[i]).astype(np.int8)
                wins -= columns[j] < columns[i]
                ranks[j] += wins
                ranks[i] -= wins
        totals += ranks.sum(axis=1)
        spread += int(np.vdot(ranks, ranks))
    if spread == 0:
        return 0.0, k - 1, 1.0
    statistic = (k - 1) * sum(total * total for total in totals.tolist()) / spread
    return statistic, k - 1, float(chdtrc(k - 1, statistic))


def max_t(
    answers: NDArray[Any], tolerance: float = 0.0, permutations: int = 2_000, seed: int = 0
) -> _Floats:
    """Compare each version with the reference; p-values adjusted by step-down max-T.

    The statistic of version `j` is ``|mean(D)| / (sd(D) / sqrt(n))``, where `D` are the differences
    between the answers of version `j` and those of version 0. Its adjusted p-value is the
    chance that relabeling the versions within each person gives as large a maximum, over the
    statistics that are not larger than its own. The answers of a person stay together, so
    that the test knows how strongly the comparisons depend on each other, which Holm's does not.

    Parameters
    ----------
    answers : ndarray, shape (n, k), numeric or bool
        Finite answers, at most 1e100 in size; one row a person, one column a version, the
        reference first; ``k >= 1``.
    tolerance : float
        Largest mean difference that counts as equal, at least 0, in the unit of the answers. The
        observed statistic is then ``max(0, |mean| - tolerance)`` over the standard error, held
        against the same distribution, which is conservative.
    permutations : int
        Random relabelings, at least 1.
    seed : int
        Equal seeds give equal p-values; at least 0.

    Returns
    -------
    ndarray, shape (k - 1,), float64
        Adjusted p-values in [0, 1], of versions 1 to ``k - 1``, ``(1 + c) / (permutations + 1)``
        where `c` relabelings reach the observed statistic; all 1 without a person. A mean within
        the tolerance has 1.

    Notes
    -----
    A statistic is held as ``T / sqrt(T**2 + n - 1)``, in [0, 1]: the order is the same, and where
    `D` does not vary it is 1, or 0 for a mean of 0.

    Three ways to relabel. Where there are few patterns of answers (decisions), people with the
    same answers in any order are exchangeable: how many of them get each arrangement is
    multinomial, and the work does not depend on the number of people. Else each person's
    answers are turned around a random circle of the versions, which is drawn beforehand,
    without a look at the answers: a subgroup of all relabelings, under which each answer is equally
    likely in each place, and so exact (Hemerik and Goeman 2018). Where the
    answers of more than 20,000 people vary, the differences of the means are taken as normal with
    correlation 1/2, Dunnett's distribution, and no one is relabeled: a p-value can then be
    below ``1 / (permutations + 1)``. If one person has more than a thousandth of the
    variance, the 20,000 who vary most are relabeled and only the rest is drawn as normal.

    References
    ----------
    Westfall and Young (1993), Resampling-Based Multiple Testing, algorithm 2.8; Ge, Dudoit and
    Speed (2003), TEST 12, 1-77; Dunnett (1955), Journal of the American Statistical Association
    50, 1096-1121; Hemerik and Goeman (2018), TEST 27, 811-825.

    Examples
    --------
    >>> import numpy as np
    >>> random = np.random.default_rng(1)
    >>> scores = random.normal(size=(200, 1)) + random.normal(size=(200, 4))
    >>> scores[:, 2] += 1.0
    >>> (max_t(scores) < 0.05).tolist()
    [False, True, False]
    """
    values = np.asarray(answers)
    n, k = values.shape
    if n == 0 or k < 2:
        return np.ones(k - 1)
    scale = max(float(values.max()), -float(values.min())) or 1.0
    varied, sums, squares = _varied(values, scale)
    observed = _observed(sums, squares, n, tolerance / scale)
    if observed.max() == 0:
        return np.ones(k - 1)
    random = np.random.Generator(np.random.PCG64(seed))
    counted = _patterns(varied)
    if counted is not None:
        dealt = _dealt_patterns(*counted, permutations, random)
    else:
        spread = _spread(varied)
        total = float(spread.sum())
        if len(varied) > _RELABELED and float(spread.max()) <= _DOMINANT * total:
            return _dunnett(observed, n)
        dealt = _dealt_people(varied, spread, permutations, random)
    return _stepped(observed, _statistics(*dealt, n))


def _varied(values: NDArray[Any], scale: float) -> tuple[_Floats, _Floats, _Floats]:
    """Answers of the people whose versions differ, and all sums of differences and squares."""
    n, k = values.shape
    varied, sums, squares = np.empty((n, k)), np.zeros(k - 1), np.zeros(k - 1)
    people = 0
    for start in range(0, n, _BLOCK):
        block = values[start : start + _BLOCK].astype(np.float64)
        block = block[(block[:, 1:] != block[:, :1]).any(axis=1)] / scale
        change = block[:, 1:] - block[:, :1]
        sums += change.sum(axis=0)
        squares += (change * change).sum(axis=0)
        varied[people : people + len(block)] = block
        people += len(block)
    return varied[:people], sums, squares


def _statistics(sums: _Floats, squares: _Floats, n: int) -> _Floats:
    """T / sqrt(T**2 + n - 1), which is |sum| / sqrt(n * squares)."""
    least = np.finfo(np.float64).tiny
    cosines: _Floats = np.minimum(np.abs(sums) / np.sqrt(n * np.maximum(squares, least)), 1.0)
    return cosines


def _observed(sums: _Floats, squares: _Floats, n: int, tolerance: float) -> _Floats:
    if tolerance == 0:
        return _statistics(sums, squares, n)
    beyond = np.maximum(0.0, np.abs(sums) / n - tolerance)
    deviations = np.maximum(squares / n - (sums / n) ** 2, 0.0)
    # T**2 / (n - 1) is beyond**2 over the mean squared deviation.
    whole = np.maximum(np.sqrt(beyond**2 + deviations), np.finfo(np.float64).tiny)
    cosines: _Floats = np.minimum(beyond / whole, 1.0)
    return cosines


def _stepped(observed: _Floats, relabeled: _Floats) -> _Floats:
    order = np.argsort(-observed, kind="stable")
    maxima = np.maximum.accumulate(relabeled[:, order[::-1]], axis=1)[:, ::-1]
    reached = (maxima >= observed[order] * (1.0 - _ROUNDING)).sum(axis=0)
    adjusted = np.empty(observed.size)
    adjusted[order] = np.maximum.accumulate((1.0 + reached) / (1.0 + len(relabeled)))
    adjusted[observed == 0] = 1.0
    return adjusted


def _patterns(varied: _Floats) -> tuple[_Floats, list[tuple[NDArray[np.intp], int]]] | None:
    """Patterns of answers, and per multiset its patterns and people; None for too many."""
    k = varied.shape[1]
    seen = np.unique(varied[:_PATTERNS])
    if len(seen) ** k <= _PATTERNS and not np.isin(varied, seen).all():
        seen = np.unique(varied)
    if len(seen) ** k > _PATTERNS:
        return None
    # How often each value occurs, as the digits of one number.
    digits = (k + 1) ** np.arange(len(seen))
    multiset = np.zeros(len(varied), dtype=np.int64)
    for column in varied.T:
        multiset += digits[np.searchsorted(seen, column)]
    places = np.indices((len(seen),) * k).reshape(k, -1)
    kinds = digits[places].sum(axis=0)
    found, people = np.unique(multiset, return_counts=True)
    groups = [
        (np.flatnonzero(kinds == kind), int(count))
        for kind, count in zip(found, people, strict=True)
    ]
    # Rare patterns are cheaper to deal to the people one by one.
    if sum(len(rows) for rows, _ in groups) > max(200, 2 * len(varied)):
        return None
    return seen[places.T], groups


def _dealt_patterns(
    patterns: _Floats,
    groups: list[tuple[NDArray[np.intp], int]],
    permutations: int,
    random: np.random.Generator,
) -> tuple[_Floats, _Floats]:
    change = patterns[:, 1:] - patterns[:, :1]
    sums = np.zeros((permutations, change.shape[1]))
    squares = np.zeros_like(sums)
    for rows, people in groups:
        chances = np.full(len(rows), 1.0 / len(rows))
        counts = random.multinomial(people, chances, permutations).astype(np.float64)
        sums += counts @ change[rows]
        squares += counts @ change[rows] ** 2
    return sums, squares


def _spread(varied: _Floats) -> _Floats:
    """Variance of the difference between two versions of a person, drawn without replacement."""
    people, k = varied.shape
    spread = np.empty(people)
    for start in range(0, people, _BLOCK):
        block = varied[start : start + _BLOCK]
        centered = block - block.mean(axis=1, keepdims=True)
        spread[start : start + _BLOCK] = 2.0 * (centered * centered).sum(axis=1) / (k - 1)
    return spread


def _dealt_people(
    varied: _Floats, spread: _Floats, permutations: int, random: np.random.Generator
) -> tuple[_Floats, _Floats]:
    people, k = varied.shape
    rest = 0.0
    if people > _RELABELED:
        order = np.argpartition(spread, people - _RELABELED)
        rest = float(spread[order[: people - _RELABELED]].sum())
        varied = varied[order[people - _RELABELED :]]
    # Several people share one look-up: as many as have at most 256 turns together.
    together = max(1, int(math.log(256.5) / math.log(k)))
    turns = k**together
    both, taken = np.zeros((permutations, 2 * (k - 1))), np.empty((permutations, 2 * (k - 1)))
    turned = (np.arange(k)[:, None] + np.arange(k)) % k
    block = together * max(1, 2**19 // (turns * 2 * k))
    for start in range(0, len(varied), block):
        circles = random.permuted(varied[start : start + block], axis=1)[:, turned]
        change = circles[:, :, 1:] - circles[:, :, :1]
        each = np.concatenate([change, change * change], axis=2)
        short = -len(each) % together
        each = np.concatenate([each, np.zeros((short, *each.shape[1:]))])
        each = each.reshape(-1, together, k, 2 * (k - 1))
        tables = each[:, 0]
        for person in range(1, together):
            tables = tables[:, :, None] + each[:, person, None]
            tables = tables.reshape(len(tables), -1, 2 * (k - 1))
        for table in tables:
            dealt = random.integers(0, turns, permutations, dtype=np.uint16)
            both += np.take(table, dealt.astype(np.intp), axis=0, out=taken, mode="clip")
    sums, squares = both[:, : k - 1], both[:, k - 1 :]
    if rest > 0:
        shared = random.standard_normal((permutations, k))
        sums = sums + math.sqrt(rest / 2.0) * (shared[:, 1:] - shared[:, :1])
        squares = squares + rest
    return sums, squares


def _dunnett(observed: _Floats, n: int) -> _Floats:
    """Step-down p-values of normal statistics that share their reference, equal variances."""
    t = observed * np.sqrt((n - 1) / np.maximum(1.0 - observed**2, np.finfo(np.float64).tiny))
    t = np.minimum(t, 40.0)
    z = np.linspace(-40.0, 40.0, 4_001)
    density = np.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi) * (z[1] - z[0])
    order = np.argsort(-observed, kind="stable")
    adjusted = np.empty(observed.size)
    largest = 0.0
    for step, j in enumerate(order):
        tail = ndtr(z - math.sqrt(2.0) * t[j]) + ndtr(-z - math.sqrt(2.0) * t[j])
        inside = np.log1p(-np.minimum(tail, 1.0 - 1e-16)) * (observed.size - step)
        largest = max(largest, min(1.0, float(density @ -np.expm1(inside))))
        adjusted[j] = largest
    adjusted[observed == 0] = 1.0
    return adjusted
