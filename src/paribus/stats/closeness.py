"""How close fake rows come to the real ones that they were made from, and to others.

A table is a sequence of columns of the same length: float arrays are numbers, with NaN where one is
missing; integer arrays are categories, whose codes mean the same in all tables, and a missing value
is a code of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from paribus._seeds import generator
from paribus.stats.anonymity import compressed, equivalence_classes
from paribus.stats.paired import tango_interval
from paribus.stats.rate_intervals import wilson

__all__ = ["Closeness", "Scaling", "Table", "closeness", "nearest"]

Table: TypeAlias = Sequence[NDArray[Any]]
Scaling: TypeAlias = Literal["rank", "range"]
Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

_BLOCK = 1 << 17
"""Pairs of rows that are compared at once."""
_MISSING = np.float32(3.0)
_LARGEST = 1e300
_HALF, _INDEX = np.uint64(32), np.uint64((1 << 32) - 1)
_NOBODY = np.uint64((1 << 64) - 1)


@dataclass(frozen=True)
class Closeness:
    """Fake rows between the real rows that they were made from and a holdout that they were not.

    Attributes
    ----------
    fakes : int
        Fake rows that were asked for their nearest real row.
    reals : int
        Real rows on each side: as many of the training rows as of the holdout.
    closer : float
        Share of fake rows that are closer to a training row than to any of the holdout, those
        that are equally close counted half. 0.5 where the fakes know no more of the one than of
        the other; 1 where they are copies. 0.5 where nothing was asked.
    low, high : float
        Interval of `closer`, in [0, 1]; Wilson's with `effective` rows.
    effective : float
        Independent fake rows that say as much: fakes that share their nearest real row tell the
        same thing.
    training_distances, holdout_distances : tuple of 3 float
        The 5th percentile, the median and the 95th percentile of the distance to the nearest row
        of either side, in [0, 1]: mean over the columns.
    identical_training, identical_holdout : int
        Of *all* fake rows, those of which an exact copy is on either side.
    all_fakes : int
        Fake rows that were compared for exact copies.
    excess, excess_low, excess_high : float
        Share of fake rows with a copy among the training rows less that with one in the holdout,
        in [-1, 1], and its paired interval.
    """

    fakes: int
    reals: int
    closer: float
    low: float
    high: float
    effective: float
    training_distances: tuple[float, float, float]
    holdout_distances: tuple[float, float, float]
    all_fakes: int
    identical_training: int
    identical_holdout: int
    excess: float
    excess_low: float
    excess_high: float


def closeness(
    fakes: Table,
    training: Table,
    holdout: Table,
    *,
    scaling: Scaling = "rank",
    asked: int = 1_000,
    reals: int = 50_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Closeness:
    """Compare fake rows with the rows they were made from and with a holdout.

    Parameters
    ----------
    fakes, training, holdout : tables of the same columns
        See the module. Any of them may have no rows.
    scaling : {"rank", "range"}
        What a difference of numbers is divided by: ranks among the real rows heed no outlier,
        the range is Gower's own.
    asked : int
        Fake rows to ask at most, drawn by chance.
    reals : int
        Real rows to search on each side at most, drawn by chance. The larger side is always cut
        to the size of the smaller one: only then is 0.5 what chance gives.
    seed : int
    confidence : float
        In (0, 1).

    Returns
    -------
    Closeness

    Notes
    -----
    The interval is of the share that other fakes and another split of the same real people would
    give. It counts fakes that share their nearest real row as one voice: with c_i fakes around
    the real row i, as many as ``(sum c_i)**2 / sum c_i**2`` independent ones.

    Where the holdout is smaller, fakes that were made from a row that is cut away count as near to
    either side: `closer` comes out nearer to 0.5, about in proportion.

    References
    ----------
    Platzer and Reutterer (2021), Holdout-based empirical assessment of mixed-type synthetic data,
    Frontiers in Big Data 4, 679939; Gower (1971), Biometrics 27, 857-871; the effective number:
    Kish (1965), Survey Sampling, section 11.7.

    Examples
    --------
    >>> import numpy as np
    >>> people = np.random.default_rng(0).normal(size=(2, 200, 2))
    >>> copied = closeness(people[0].T, people[0].T, people[1].T)
    >>> copied.closer, copied.identical_training, copied.identical_holdout
    (1.0, 200, 0)
    """
    _check(fakes, training, holdout)
    sides = min(_rows(training), _rows(holdout))
    draw = generator(seed, "closeness", 0)
    inside, outside = _drawn(training, sides, draw), _drawn(holdout, sides, draw)
    copies = _copies(fakes, inside, outside, confidence)
    some = _drawn(fakes, asked, draw)
    inside, outside = _drawn(inside, reals, draw), _drawn(outside, reals, draw)
    fake, train, held = _scaled((some, inside, outside), scaling, reference=(1, 2))
    m, n = _rows(some), _rows(inside)
    if not m or not n:
        nothing = (0.0, 0.0, 0.0)
        return Closeness(0, n, 0.5, 0.0, 1.0, 0.0, nothing, nothing, *copies)
    (row1, to1), (row2, to2) = (_nearest(fake, side, 1) for side in (train, held))
    first, second = to1[:, 0], to2[:, 0]
    closer = float((np.count_nonzero(first < second) + np.count_nonzero(first <= second)) / (2 * m))
    voices = np.bincount(np.where(first <= second, row1[:, 0], n + row2[:, 0])).astype(np.float64)
    effective = m * m / float(voices @ voices)
    low, high = wilson(closer * effective, effective, confidence)
    return Closeness(
        m, n, closer, float(low), float(high), effective, _spread(first), _spread(second), *copies
    )


def nearest(
    queries: Table, candidates: Table, *, neighbors: int = 1, scaling: Scaling = "range"
) -> tuple[Indices, Floats]:
    """Find the nearest rows of another table.

    Parameters
    ----------
    queries, candidates : tables of the same columns, of m and of n rows
        See the module.
    neighbors : int
        At least 1; at most n are found.
    scaling : {"rank", "range"}
        As for `closeness`, over both tables.

    Returns
    -------
    rows : ndarray of intp, shape (m, min(neighbors, n))
        Nearest first; of equally near candidates the first ones.
    distances : ndarray of float64, shape (m, min(neighbors, n))
        Mean over the columns of: 0 or 1 for categories, the scaled difference for numbers, 0
        where both are missing and 1 where one is; in [0, 1]. Differences below a ten-millionth
        are none.

    References
    ----------
    Gower (1971), A general coefficient of similarity and some of its properties, Biometrics 27,
    857-871.

    Examples
    --------
    >>> import numpy as np
    >>> age, city = np.array([20.0, 60.0, np.nan]), np.array([0, 1, 1])
    >>> rows, distances = nearest([np.array([30.0]), np.array([1])], [age, city])
    >>> rows.tolist(), distances.tolist()
    ([[1]], [[0.375]])
    """
    _check(queries, candidates)
    asked, searched = _scaled((queries, candidates), scaling, reference=(0, 1))
    return _nearest(asked, searched, min(neighbors, _rows(candidates)))


# --- distances ------------------------------------------------------------------------------------


def _check(*tables: Table) -> None:
    if not len(tables[0]):
        raise ValueError("tables need at least one column")
    for table in tables:
        if len({len(column) for column in table}) > 1:
            raise ValueError("the columns of a table differ in length")
        if len(table) != len(tables[0]):
            raise ValueError("the tables differ in their columns")


def _rows(table: Table) -> int:
    return len(table[0])


def _drawn(table: Table, most: int, draw: np.random.Generator) -> Table:
    """Give a table, or as many rows of it by chance, in their order."""
    n = _rows(table)
    if n <= most:
        return table
    chosen = np.sort(draw.choice(n, most, replace=False))
    return [np.asarray(column)[chosen] for column in table]


def _is_number(column: NDArray[Any]) -> bool:
    return bool(np.issubdtype(np.asarray(column).dtype, np.floating))


def _scaled(
    tables: Sequence[Table], scaling: Scaling, reference: Sequence[int]
) -> list[list[NDArray[Any]]]:
    """Give numbers as float32 in [0, 1], `_MISSING` where missing; categories as int32."""
    scaled: list[list[NDArray[Any]]] = [[] for _ in tables]
    for parts in zip(*tables, strict=True):
        arrays = [np.asarray(part) for part in parts]
        cuts = np.cumsum([len(part) for part in arrays])[:-1]
        whole = np.concatenate(arrays)
        if _is_number(whole):
            known = whole if scaling == "range" else np.concatenate([arrays[i] for i in reference])
            made = _unit(whole.astype(np.float64, copy=False), known, scaling)
        else:
            made = compressed(whole)[0].astype(np.int32)
        for table, part in zip(scaled, np.split(made, cuts), strict=True):
            table.append(part)
    return scaled


def _unit(values: Floats, known: NDArray[Any], scaling: Scaling) -> NDArray[np.float32]:
    missing = np.isnan(values)
    known = known.astype(np.float64, copy=False)
    known = np.clip(known[~np.isnan(known)], -_LARGEST, _LARGEST)
    filled = np.clip(np.where(missing, 0.0, values), -_LARGEST, _LARGEST)
    if not len(known):
        unit = np.zeros(len(values))
    elif scaling == "range":
        low, span = known.min(), known.max() - known.min()
        unit = (filled - low) / span if span > 0 else np.zeros(len(values))
    else:
        known.sort()
        ranks = np.searchsorted(known, filled) + np.searchsorted(known, filled, side="right")
        unit = ranks / (2.0 * len(known))
    return np.where(missing, _MISSING, unit).astype(np.float32)


def _nearest(
    queries: list[NDArray[Any]], candidates: list[NDArray[Any]], neighbors: int
) -> tuple[Indices, Floats]:
    m, n = _rows(queries), _rows(candidates)
    rows, distances = np.zeros((m, neighbors), np.intp), np.zeros((m, neighbors))
    if not neighbors:
        return rows, distances
    # Blocks that stay in the cache, whatever the tables' sizes.
    wide = min(n, _BLOCK)
    tall = max(1, _BLOCK // wide)
    for top in range(0, m, tall):
        asked = [column[top : top + tall] for column in queries]
        best = np.full((len(asked[0]), neighbors), _NOBODY)
        for left in range(0, n, wide):
            apart = _apart(asked, [column[left : left + wide] for column in candidates])
            best = _merged(best, apart, left, neighbors)
        rows[top : top + tall] = (best & _INDEX).astype(np.intp)
        bits = (best >> _HALF).astype(np.uint32)
        distances[top : top + tall] = bits.view(np.float32) / np.float32(len(queries))
    return rows, distances


def _apart(asked: list[NDArray[Any]], candidates: list[NDArray[Any]]) -> NDArray[np.float32]:
    total = np.zeros((len(asked[0]), len(candidates[0])), np.float32)
    difference = np.empty_like(total)
    for a, b in zip(asked, candidates, strict=True):
        if a.dtype == np.float32:
            np.subtract(a[:, None], b[None, :], out=difference)
            np.abs(difference, out=difference)
            if (a == _MISSING).any() or (b == _MISSING).any():
                np.minimum(difference, 1.0, out=difference)
            total += difference
        else:
            total += a[:, None] != b[None, :]
    return total


def _merged(
    best: NDArray[np.uint64], apart: NDArray[np.float32], left: int, neighbors: int
) -> NDArray[np.uint64]:
    # Floats of at least 0 are ordered as their bits are: distance and place in one number.
    if neighbors == 1:
        place = apart.argmin(axis=1)[:, None]
        shortest = np.take_along_axis(apart, place, axis=1)
        key = (shortest.view(np.uint32).astype(np.uint64) << _HALF) | (place + left).astype("<u8")
        return np.asarray(np.minimum(best, key))
    keys = apart.view(np.uint32).astype(np.uint64) << _HALF
    keys |= np.arange(left, left + apart.shape[1], dtype=np.uint64)
    keys = np.concatenate([best, keys], axis=1)
    keys.partition(neighbors - 1, axis=1)
    return np.sort(keys[:, :neighbors], axis=1)


def _spread(distances: Floats) -> tuple[float, float, float]:
    low, middle, high = np.quantile(distances, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)


# --- copies ---------------------------------------------------------------------------------------


def _copies(
    fakes: Table, training: Table, holdout: Table, confidence: float
) -> tuple[int, int, int, float, float, float]:
    n = _rows(fakes)
    if not n:
        return 0, 0, 0, 0.0, -1.0, 1.0
    stacked = [
        _codes(np.concatenate([np.asarray(part) for part in parts]))
        for parts in zip(fakes, training, holdout, strict=True)
    ]
    rows, sizes = equivalence_classes(stacked)
    cut = n + _rows(training)
    found = np.zeros((2, len(sizes)), np.bool_)
    found[0, rows[n:cut]] = True
    found[1, rows[cut:]] = True
    both = found[:, rows[:n]]
    only1, only2 = both[0] & ~both[1], both[1] & ~both[0]
    n12, n21 = int(only1.sum()), int(only2.sum())
    excess = (n12 - n21) / n
    low, high = tango_interval(n12, n21, n, confidence)
    # Copies of one and the same real row are one voice.
    voices = np.bincount(rows[:n][only1 | only2]).astype(np.float64)
    reach = -float(ndtri((1.0 - confidence) / 2.0)) * float(np.sqrt(voices @ voices)) / n
    low, high = max(-1.0, min(low, excess - reach)), min(1.0, max(high, excess + reach))
    return n, int(both[0].sum()), int(both[1].sum()), excess, low, high


def _codes(column: NDArray[Any]) -> NDArray[Any]:
    """Give numbers as whole ones that are the same exactly where the numbers are."""
    if not _is_number(column):
        return column
    # Both zeros are one number, and so are all that are missing.
    values = np.where(np.isnan(column), np.nan, column.astype(np.float64) + 0.0)
    return values.view(np.int64)
