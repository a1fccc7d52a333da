"""Codes as tables of counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from paribus.counting.codes import (
    CHUNK,
    Codes,
    Floats,
    Scalar,
    Unsigned,
    cell_numbers,
    cells_of,
)

HEAVIEST = 1e100
"""The largest weight: its square still has a sum."""

LARGEST = 1e200
"""Where summed values are cut, so that 10^8 of them, weighted, have a finite sum."""


@dataclass(frozen=True, eq=False)
class Tally:
    """Rows counted by the values of some columns: one line for each combination that occurs.

    Lines are sorted by `codes`, and every engine gives the same ones for the same rows (sums of
    fractions may differ in their last digits, as engines add in different orders).

    Examples
    --------
    >>> from paribus.counting import Source
    >>> import pyarrow as pa
    >>> table = pa.table({"sex": ["f", "m", "m"], "hired": [True, False, True]})
    >>> tally = Source.of(table).tally(["sex", "hired"])
    >>> tally.levels
    (('f', 'm'), (False, True))
    >>> tally.dense().tolist()
    [[0, 1], [1, 1]]
    >>> tally.over("hired").count.tolist()
    [1, 2]
    """

    keys: tuple[str, ...]
    """Names of the columns."""
    levels: tuple[tuple[Scalar | None, ...], ...]
    """The values that occur in each: sorted, a missing one (None) last; bins as whole numbers."""
    codes: npt.NDArray[np.intp]
    """Shape (cells, keys): the position of each value among the levels."""
    count: npt.NDArray[np.int64]
    """Shape (cells,): rows."""
    weight: Floats
    """Shape (cells,): sums of the weights; the counts where there are no weights."""
    square: Floats
    """Shape (cells,): sums of the squared weights."""
    sums: Mapping[str, Floats] = field(default_factory=dict)
    """Shape (cells,) each: weighted sums of further columns over the rows where they are known."""
    absent: Mapping[str, Floats] = field(default_factory=dict)
    """Shape (cells,) each: the weight of the rows where a summed column is missing or infinite."""

    def dense(self, what: Literal["count", "weight", "square"] = "count") -> npt.NDArray[Any]:
        """Give an array with one axis for each key, zero where a combination does not occur.

        Returns
        -------
        ndarray
            Shape: the number of levels of each key; int64 for counts, else float64.
        """
        values = getattr(self, what)
        out = np.zeros(tuple(len(levels) for levels in self.levels), dtype=values.dtype)
        out[tuple(self.codes.T)] = values if self.keys else values.sum()
        return out

    def over(self, *keys: str) -> Tally:
        """Give the marginal table over some of the keys, in the order named; levels stay.

        Raises
        ------
        KeyError
            Where a name is no key of this table.
        """
        unknown = [key for key in keys if key not in self.keys]
        if unknown:
            raise KeyError(f'"{unknown[0]}" is no key of this table')
        places = [self.keys.index(key) for key in keys]
        levels = tuple(self.levels[place] for place in places)
        return _added(keys, levels, self.codes[:, places], _measures(self))


# --- codes as counts ------------------------------------------------------------------------------


def count(
    names: Sequence[str],
    keys: Sequence[Codes],
    rows: int,
    weight: Floats | None = None,
    sums: Mapping[str, Floats] | None = None,
    *,
    absent: bool = True,
) -> Tally:
    """Count rows by the combinations of their codes.

    Parameters
    ----------
    names, keys
        The columns; none counts all rows as one.
    rows : int
        How many there are.
    weight : ndarray, shape (rows,), optional
        In [0, 1e100].
    sums : mapping of str to ndarray of shape (rows,), optional
        Further columns; NaN and infinity are missing.
    absent : bool, default True
        Whether to look for missing values in the further columns.
    """
    sizes = [max(len(key.levels), 1) for key in keys]
    codes, cells = [key.codes for key in keys], math.prod(sizes)
    compact = None
    if cells > max(1 << 22, 4 * rows):
        compact, place = _occurring(codes, sizes)
        codes, sizes, cells = [place], [len(compact)], len(compact)
    counts = cells_of(codes, sizes, rows)
    measures: dict[str, npt.NDArray[Any]] = {"count": counts}
    measures |= {"weight": counts.astype(np.float64), "square": counts.astype(np.float64)}
    further: dict[str, Floats] = {}
    missing: dict[str, Floats] = {}
    if weight is not None or sums:
        measures |= _weighed(codes, sizes, rows, weight)
        for name, values in (sums or {}).items():
            further[name], missing[name] = _summed(codes, sizes, rows, weight, values)
    found = np.flatnonzero(counts)
    if compact is not None:
        places = compact[found]
    else:
        places = np.stack(np.unravel_index(found, sizes), 1) if keys else np.zeros((1, 0), np.intp)
    picked = {name: values[found] for name, values in measures.items()}
    picked |= {f"sum {name}": values[found] for name, values in further.items()}
    if absent:
        picked |= {f"absent {name}": values[found] for name, values in missing.items()}
    return tallied(names, [key.levels for key in keys], places, picked)


def _weighed(
    codes: Sequence[Unsigned], sizes: Sequence[int], rows: int, weight: Floats | None
) -> dict[str, Floats]:
    if weight is None:
        return {}
    return {
        "weight": _sum(codes, sizes, rows, weight),
        "square": _sum(codes, sizes, rows, weight, weight),
    }


def _summed(
    codes: Sequence[Unsigned],
    sizes: Sequence[int],
    rows: int,
    weight: Floats | None,
    values: Floats,
) -> tuple[Floats, Floats]:
    """Add up a column over the rows where it is known, and the weight of the other rows."""
    known = np.isfinite(values)
    if known.all():
        gone = np.zeros(math.prod(sizes))
    else:
        values = np.where(known, values, 0.0)
        gone = _sum(codes, sizes, rows, (~known).astype(np.float64), weight)
    return _sum(codes, sizes, rows, np.clip(values, -LARGEST, LARGEST), weight), gone


def _sum(
    codes: Sequence[Unsigned],
    sizes: Sequence[int],
    rows: int,
    values: Floats,
    times: Floats | None = None,
) -> Floats:
    cells = math.prod(sizes)
    out = np.zeros(cells)
    for key, start, stop in cell_numbers(codes, sizes, rows):
        part = values[start:stop] if times is None else values[start:stop] * times[start:stop]
        if cells > CHUNK:
            np.add.at(out, key, part)
        else:
            out += np.bincount(key, weights=part, minlength=cells)
    return out


def _occurring(
    codes: Sequence[Unsigned], sizes: Sequence[int]
) -> tuple[npt.NDArray[np.intp], Unsigned]:
    """Find the combinations that occur, where a table of all of them would be too large.

    Returns
    -------
    combinations : ndarray, shape (combinations, keys)
    place : ndarray, shape (n,)
        The combination of each row.
    """
    combinations = np.zeros((1, 0), np.intp)
    place = np.zeros(len(codes[0]), np.int64)
    for code, size in zip(codes, sizes, strict=True):
        found, place = np.unique(place * size + code, return_inverse=True)
        before, last = np.divmod(found, size)
        combinations = np.column_stack([combinations[before], last])
    return combinations, cast("Unsigned", place)


# --- counts as tables -----------------------------------------------------------------------------


def tallied(
    names: Sequence[str],
    levels: Sequence[Sequence[Scalar | None]],
    codes: npt.NDArray[np.intp],
    measures: Mapping[str, npt.NDArray[Any]],
) -> Tally:
    """Make a table of cells in any order, some of them perhaps the same.

    Parameters
    ----------
    levels : sequence of sequences
        What the codes of each key stand for: in any order, also more than once, also unused.
    measures : mapping of str to ndarray
        ``count``, ``weight``, ``square``, and ``sum NAME`` and ``absent NAME``.
    """
    ranked = np.zeros(codes.shape, np.intp)
    kept = []
    for place, known in enumerate(levels):
        used = np.unique(codes[:, place])
        order = sorted({known[code] for code in used.tolist()}, key=_rank)
        position = {level: rank for rank, level in enumerate(order)}
        ranks = np.zeros(len(known), np.intp)
        ranks[used] = [position[known[code]] for code in used.tolist()]
        ranked[:, place] = ranks[codes[:, place]]
        kept.append(tuple(order))
    return _added(names, tuple(kept), ranked, measures)


def _rank(level: Scalar | None) -> tuple[int, float | str]:
    if level is None:
        return (2, 0)
    return (1, level) if isinstance(level, str) else (0, level)


def _added(
    names: Sequence[str],
    levels: tuple[tuple[Scalar | None, ...], ...],
    codes: npt.NDArray[np.intp],
    measures: Mapping[str, npt.NDArray[Any]],
) -> Tally:
    """Sort the cells by their codes, and add up the same ones."""
    if len(codes):
        order = np.lexsort(codes.T[::-1]) if codes.shape[1] else np.arange(len(codes))
        codes = codes[order]
        new = np.append(True, (codes[1:] != codes[:-1]).any(1))
        starts = np.flatnonzero(new)
        codes = codes[starts]
        measures = {k: np.add.reduceat(v[order], starts) for k, v in measures.items()}
    parts: dict[str, dict[str, Floats]] = {"sum ": {}, "absent ": {}}
    for start, found in parts.items():
        found |= {k.removeprefix(start): v for k, v in measures.items() if k.startswith(start)}
    return Tally(
        tuple(names),
        levels,
        codes,
        measures["count"],
        measures["weight"],
        measures["square"],
        parts["sum "],
        parts["absent "],
    )


def _measures(tally: Tally) -> dict[str, npt.NDArray[Any]]:
    own = {"count": tally.count, "weight": tally.weight, "square": tally.square}
    sums = {f"sum {name}": values for name, values in tally.sums.items()}
    return own | sums | {f"absent {name}": values for name, values in tally.absent.items()}


def merged(tallies: Iterable[Tally]) -> Tally:
    """Add up tables of the same columns over different rows."""
    parts = list(tallies)
    first = parts[0]
    if len(parts) == 1:
        return first
    width = len(first.keys)
    levels: list[list[Scalar | None]] = [[] for _ in range(width)]
    codes = []
    for part in parts:
        codes.append(part.codes + np.array([len(known) for known in levels], np.intp))
        for place in range(width):
            levels[place] += part.levels[place]
    each = [_measures(part) for part in parts]
    measures = {name: np.concatenate([one[name] for one in each]) for name in each[0]}
    return tallied(first.keys, levels, np.concatenate(codes), measures)
