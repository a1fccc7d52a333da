"""What a table tells by its quasi-identifiers alone: classes, and how well they hide people.

Rows that agree in all quasi-identifiers form a class. All numbers here are exact functions of the
classes and of a secret column, except the share of unique people in a population, an estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Reidentification",
    "compressed",
    "distinct_diversity",
    "entropy_diversity",
    "equal_distance",
    "equivalence_classes",
    "ordered_distance",
    "recursive_diversity",
    "reidentification",
]

Integers: TypeAlias = NDArray[np.integer[Any]]
Indices: TypeAlias = NDArray[np.intp]
Floats: TypeAlias = NDArray[np.float64]

_DENSE = 4
"""Codes are counted instead of sorted where there are at most so many times as many as rows."""


def equivalence_classes(columns: Sequence[Integers]) -> tuple[Indices, Indices]:
    """Find the classes of rows that agree in every column.

    Parameters
    ----------
    columns : sequence of ndarray of int, each of shape (n,)
        At least one; codes of any sign. A missing value is a code of its own.

    Returns
    -------
    rows : ndarray of intp, shape (n,)
        The class of each row, from 0 to ``C - 1``; classes are numbered in the order of their
        codes, the first column first.
    sizes : ndarray of intp, shape (C,)
        Rows of each class, at least 1. Their minimum is the k of k-anonymity.

    Raises
    ------
    ValueError
        Where there is no column, or the lengths differ.

    References
    ----------
    Sweeney (2002), k-anonymity: a model for protecting privacy, International Journal of
    Uncertainty, Fuzziness and Knowledge-Based Systems 10, 557-570.

    Examples
    --------
    >>> import numpy as np
    >>> sex, race = np.array([0, 1, 0, 0]), np.array([7, 7, 7, 2])
    >>> rows, sizes = equivalence_classes([sex, race])
    >>> rows.tolist(), sizes.tolist()
    ([1, 2, 1, 0], [1, 2, 1])
    """
    if not len(columns):
        raise ValueError("classes need at least one column")
    if len({len(column) for column in columns}) > 1:
        raise ValueError("the columns differ in length")
    rows, levels = compressed(np.asarray(columns[0]))
    for column in columns[1:]:
        codes, more = compressed(np.asarray(column))
        # The product of two numbers of levels, each at most n, always fits.
        rows, levels = compressed(rows.astype(np.int64) * more + codes, levels * more)
    return rows, np.bincount(rows, minlength=levels).astype(np.intp, copy=False)


def compressed(codes: Integers, levels: int = 0) -> tuple[Indices, int]:
    """Give the codes that occur numbers from 0, in their order.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
    levels : int
        All codes are from 0 to ``levels - 1``; 0 where that is not known.

    Returns
    -------
    numbers : ndarray of intp, shape (n,)
    count : int
        Codes that occur.

    Examples
    --------
    >>> import numpy as np
    >>> numbers, count = compressed(np.array([70, -3, 70]))
    >>> numbers.tolist(), count
    ([1, 0, 1], 2)
    """
    n = len(codes)
    if not n:
        return np.zeros(0, np.intp), 0
    low, high = (0, levels - 1) if levels else (int(codes.min()), int(codes.max()))
    if high - low < max(_DENSE * n, 1024):
        # Codes may be unsigned or as wide as they come: the difference is what fits.
        shifted = (codes - codes.dtype.type(low)).astype(np.intp) if low else codes.astype(np.intp)
        seen = np.zeros(high - low + 1, np.bool_)
        seen[shifted] = True
        number = np.cumsum(seen) - 1
        return number[shifted].astype(np.intp, copy=False), int(number[-1]) + 1
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    new = np.empty(n, np.bool_)
    new[0] = False
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    rows = np.empty(n, np.intp)
    numbers = np.cumsum(new)
    rows[order] = numbers
    return rows, int(numbers[-1]) + 1


# --- who can be told apart ------------------------------------------------------------------------


@dataclass(frozen=True)
class Reidentification:
    """How likely an attacker finds the right person, as far as class sizes tell.

    Attributes
    ----------
    rows, classes : int
    smallest : int
        Rows of the smallest class: the k of k-anonymity. 0 where there are no rows.
    unique : int
        Rows that are alone in their class.
    below : int
        Rows in classes of fewer than the wanted k.
    prosecutor_highest, prosecutor_mean : float
        Chance to pick the row of a person who is known to be in the table: of the person who is
        easiest to find, ``1 / smallest``, and on average over all rows, ``classes / rows``.
    journalist_highest : float
        The same of somebody who is only known to be in the population that the table was drawn
        from: ``1 / F`` of the smallest population class F that the table has people of.
    marketer : float
        Share of all rows that an attacker who links the table to a list of the whole population
        gets right on average: the mean of ``1 / F`` over rows.

    Notes
    -----
    Without a population the table is taken for it, which is the cautious choice: journalist and
    marketer are then the highest and the mean of the prosecutor.

    References
    ----------
    El Emam (2013), Guide to the De-Identification of Personal Health Information, chapter 16;
    Dankar and El Emam (2010), A method for evaluating marketer re-identification risk, PAIS 2010.
    """

    rows: int
    classes: int
    smallest: int
    unique: int
    below: int
    prosecutor_highest: float
    prosecutor_mean: float
    journalist_highest: float
    marketer: float

    @property
    def unique_share(self) -> float:
        """Share of rows that are alone in their class, in [0, 1]; 0 without rows."""
        return self.unique / self.rows if self.rows else 0.0

    @property
    def below_share(self) -> float:
        """Share of rows in classes of fewer than the wanted k, in [0, 1]; 0 without rows."""
        return self.below / self.rows if self.rows else 0.0


def reidentification(
    sizes: Integers, k: int = 5, population: Integers | None = None
) -> Reidentification:
    """Sum up class sizes.

    Parameters
    ----------
    sizes : ndarray of int, shape (C,)
        Rows of each class, at least 1, as `equivalence_classes` gives them.
    k : int
        The wanted size of a class, at least 1.
    population : ndarray of int, shape (C,), optional
        People of the same classes in the population that the rows were drawn from, at least
        `sizes`.

    Returns
    -------
    Reidentification
        All zero where there are no rows.

    Examples
    --------
    >>> import numpy as np
    >>> risk = reidentification(np.array([1, 1, 4, 10]), k=5)
    >>> risk.smallest, risk.unique, risk.below, risk.prosecutor_mean
    (1, 2, 6, 0.25)
    """
    counts = np.asarray(sizes)
    rows, classes = int(counts.sum()), len(counts)
    if not rows:
        return Reidentification(0, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0)
    people = counts if population is None else np.asarray(population)
    smallest = int(counts.min())
    return Reidentification(
        rows=rows,
        classes=classes,
        smallest=smallest,
        unique=int(np.count_nonzero(counts == 1)),
        below=int(counts[counts < k].sum()),
        prosecutor_highest=1.0 / smallest,
        prosecutor_mean=classes / rows,
        journalist_highest=1.0 / int(people.min()),
        marketer=classes / rows if population is None else float((counts / people).sum()) / rows,
    )


# --- what a class tells about a secret ------------------------------------------------------------


def distinct_diversity(rows: Integers, secret: Integers) -> Indices:
    """Distinct values of a secret in each class: the l of distinct l-diversity is the smallest.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Class of each row, from 0 to ``C - 1``, none empty, as `equivalence_classes` gives them.
    secret : ndarray of int, shape (n,)
        Codes; a missing value is a code of its own.

    Returns
    -------
    ndarray of intp, shape (C,)
        At least 1.

    References
    ----------
    Machanavajjhala et al. (2007), l-diversity: privacy beyond k-anonymity, ACM Transactions on
    Knowledge Discovery from Data 1, 3.

    Examples
    --------
    >>> import numpy as np
    >>> distinct_diversity(np.array([0, 0, 0, 1, 1]), np.array([5, 5, 6, 6, 6])).tolist()
    [2, 1]
    """
    owner, _, _ = _cells(rows, secret)
    return np.bincount(owner).astype(np.intp, copy=False)


def entropy_diversity(rows: Integers, secret: Integers) -> Floats:
    """Effective number of values of a secret in each class, the exponential of their entropy.

    A table has entropy l-diversity where it is at least l in every class.

    Parameters
    ----------
    rows, secret
        As for `distinct_diversity`.

    Returns
    -------
    ndarray of float64, shape (C,)
        From 1 to the number of distinct values.

    References
    ----------
    Machanavajjhala et al. (2007), ACM Transactions on Knowledge Discovery from Data 1, 3,
    definition 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> entropy_diversity(np.array([0, 0, 0, 1, 1]), np.array([5, 5, 6, 6, 6])).round(4).tolist()
    [1.8899, 1.0]
    """
    owner, _, counts = _cells(rows, secret)
    if not len(owner):
        return np.zeros(0)
    share = counts / np.bincount(owner, weights=counts)[owner]
    nats = np.bincount(owner, weights=-share * np.log(share))
    return np.asarray(np.clip(np.exp(nats), 1.0, np.bincount(owner)))


def recursive_diversity(rows: Integers, secret: Integers, c: float) -> Indices:
    """Largest l for which each class is recursively (c, l)-diverse.

    The most frequent value of the secret is rarer than `c` times all values from the l-th most
    frequent on: ``r_1 < c (r_l + r_{l+1} + ... + r_m)``.

    Parameters
    ----------
    rows, secret
        As for `distinct_diversity`.
    c : float
        Above 0.

    Returns
    -------
    ndarray of intp, shape (C,)
        From 0, where not even l = 1 holds, to the number of distinct values.

    References
    ----------
    Machanavajjhala et al. (2007), ACM Transactions on Knowledge Discovery from Data 1, 3,
    definition 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> rows, secret = np.zeros(9, int), np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
    >>> [recursive_diversity(rows, secret, c).tolist() for c in (2.0, 2.1)]
    [[2], [3]]
    """
    owner, _, counts = _cells(rows, secret)
    if not len(owner):
        return np.zeros(0, np.intp)
    order = np.lexsort((counts, owner))
    owner, counts = owner[order], counts[order]
    # Within a class from the rarest on: what the l-th most frequent and all rarer ones sum to.
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    last = np.r_[first[1:], len(owner)] - 1
    sums = np.cumsum(counts)
    tails = sums - (sums[first] - counts[first])[owner]
    holds = counts[last][owner] < c * tails
    place = last[owner] - np.arange(len(owner)) + 1
    largest = np.zeros(len(first), np.intp)
    np.maximum.at(largest, owner[holds], place[holds])
    return largest


def equal_distance(rows: Integers, secret: Integers) -> Floats:
    """How far a secret is distributed in each class from how it is in the table, for categories.

    Half the sum of the absolute differences of the shares (total variation): the earth mover's
    distance where all values are equally far apart. The largest one is the t of t-closeness.

    Parameters
    ----------
    rows, secret
        As for `distinct_diversity`.

    Returns
    -------
    ndarray of float64, shape (C,)
        In [0, 1).

    References
    ----------
    Li, Li and Venkatasubramanian (2007), t-closeness: privacy beyond k-anonymity and l-diversity,
    ICDE 2007, 106-115, section 5.2.

    Examples
    --------
    >>> import numpy as np
    >>> equal_distance(np.array([0, 0, 1, 1]), np.array([5, 5, 5, 6])).tolist()
    [0.25, 0.25]
    """
    owner, level, counts = _cells(rows, secret)
    if not len(owner):
        return np.zeros(0)
    whole = np.bincount(level, weights=counts)
    share = counts / np.bincount(owner, weights=counts)[owner]
    # The excesses sum to what is missing elsewhere: levels that a class lacks need no cell.
    excess = np.maximum(0.0, share - (whole / whole.sum())[level])
    return np.asarray(np.minimum(1.0, np.bincount(owner, weights=excess)))


def ordered_distance(rows: Integers, secret: Integers) -> Floats:
    """How far a secret is distributed in each class from how it is in the table, for numbers.

    The earth mover's distance where the distance of two values is the difference of their ranks
    among the m distinct values, over ``m - 1``.

    Parameters
    ----------
    rows
        As for `distinct_diversity`.
    secret : ndarray of int, shape (n,)
        Codes in the order of the values. A missing value needs a code of its own at either end.

    Returns
    -------
    ndarray of float64, shape (C,)
        In [0, 1]; 0 where all values are the same.

    References
    ----------
    Li, Li and Venkatasubramanian (2007), ICDE 2007, 106-115, section 5.1.

    Examples
    --------
    The example of section 5 of the paper: salaries of 3 to 11 thousand, and two classes of three.

    >>> import numpy as np
    >>> rows = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    >>> salary = np.array([3, 4, 5, 6, 8, 11, 7, 9, 10])
    >>> ordered_distance(rows, salary).round(3).tolist()
    [0.375, 0.167, 0.236]
    """
    owner, level, counts = _cells(rows, secret)
    if not len(owner):
        return np.zeros(0)
    whole = np.bincount(level, weights=counts)
    m = len(whole)
    size = np.bincount(owner, weights=counts)
    if m == 1:
        return np.zeros(len(size))
    table = np.cumsum(whole) / whole.sum()
    sums = np.r_[0.0, np.cumsum(table)]
    first = np.r_[True, owner[1:] != owner[:-1]]
    running = np.cumsum(counts)
    before = (running - counts)[first]
    inside = (running - before[owner]) / size[owner]
    # From one value that a class has to the next its distribution function is constant.
    following = np.r_[np.where(first[1:], m, level[1:]), m]
    areas = _area(inside, level, following, table, sums)
    head = _area(np.zeros(len(size)), np.zeros(len(size), np.intp), level[first], table, sums)
    distance = (np.bincount(owner, weights=areas) + head) / (m - 1)
    return np.asarray(np.clip(distance, 0.0, 1.0))


def _area(height: Floats, start: Indices, stop: Indices, table: Floats, sums: Floats) -> Floats:
    """Sum ``|height - table|`` from `start` to before `stop`; the table never falls."""
    turn = np.clip(np.searchsorted(table, height, side="left"), start, stop)
    below = height * (turn - start) - (sums[turn] - sums[start])
    above = (sums[stop] - sums[turn]) - height * (stop - turn)
    return np.asarray(np.maximum(0.0, below) + np.maximum(0.0, above))


def _cells(rows: Integers, secret: Integers) -> tuple[Indices, Indices, Indices]:
    """Count the values of a secret in each class: class, value and count of what occurs, sorted."""
    level, levels = compressed(np.asarray(secret))
    if not levels:
        return level, level, level
    cell, counts = equivalence_classes([np.asarray(rows), level])
    key = np.empty(len(counts), np.int64)
    key[cell] = np.asarray(rows).astype(np.int64) * levels + level
    owner, value = np.divmod(key, levels)
    return owner.astype(np.intp, copy=False), value.astype(np.intp, copy=False), counts
