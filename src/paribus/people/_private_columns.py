"""Columns and their dependence, learned with differential privacy.

Every step that sees rows is a release of `stats.releases`, and all that follows is made from what
was released: which bins, categories and gaps there are never depends on a row in another way.

The budget: half of rho goes to the columns in equal parts (all of it where there is one column
only), half to their dependence. Of a column's part, a quarter finds the bounds of numbers that
have none declared, and a tenth the decimals of floating ones; a fifth counts what is missing where
categories are released by name. Half of delta is for releasing categories, in equal parts, where
there are any to release.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.errors import SpecError
from paribus.people._table_columns import (
    LARGEST,
    OTHER,
    Codes,
    Floats,
    Learnable,
    banded,
    counted,
    form_of,
    is_text,
    listed,
    nothing,
    numbers_of,
)
from paribus.stats import releases
from paribus.stats.coarsening import rounded_shares
from paribus.table import Scalar

_OCTAVES = (-20, 60)
"""Powers of 2 in which numbers without bounds are searched for."""
_ONE_BY_ONE = 128
_BINS = 64
_DECIMALS = 3
_SURE = 3.0
_NOISE_PASSES = 5e-5
"""Chance, at most, that noise alone passes for an octave with numbers in it; the bound is loose."""


@dataclass(frozen=True, eq=False)
class Private(Learnable):
    """A column told by noisy counts; `rows` are numbers of bins (floating), or codes."""

    counts: Floats = field(default_factory=lambda: np.ones(1))
    """Of the bins in ascending order, or of the values; consistent, not negative."""


@dataclass(frozen=True)
class Budget:
    """What the releases may spend."""

    epsilon: float
    delta: float
    column: float = 0.0
    """The rho of each column."""
    names: float = 0.0
    """The delta of each release of categories."""
    dependence: float = 0.0
    """The rho of all products."""
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, epsilon: float, delta: float) -> Budget:
        """Open a budget.

        Raises
        ------
        SpecError
            Where OpenDP is not installed.
        """
        try:
            releases.concentrated(epsilon, delta)
            releases.noisy_counts(np.zeros(1, np.int64), 1.0)
        except ImportError:
            raise SpecError(
                "differential privacy needs OpenDP: pip install paribus[privacy]", path="$.epsilon"
            ) from None
        return cls(float(epsilon), float(delta))

    def dealt(
        self,
        columns: Mapping[str, pa.Array],
        declared: Mapping[str, Any],
        bounds: Mapping[str, tuple[Any, Any]],
    ) -> Budget:
        """Deal the budget out, by the names and types of columns and by what is declared."""
        named = sum(
            declared[name] is None if name in declared else is_text(array)
            for name, array in columns.items()
        )
        rho = releases.concentrated(self.epsilon, self.delta / 2 if named else self.delta)
        tied = rho / 2 if len(columns) > 1 else 0.0
        return replace(
            self,
            column=(rho - tied) / max(len(columns), 1),
            names=self.delta / 2 / max(named, 1),
            dependence=tied,
            bounds={name: _bounds(name, columns.get(name), *each) for name, each in bounds.items()},
        )

    def counts(self, name: str, counts: Codes) -> Floats:
        """Release the counts of declared levels."""
        return releases.consistent_counts(releases.noisy_counts(counts, self.column))

    def levels(
        self,
        name: str,
        array: pa.Array,
        values: Sequence[Any],
        counts: Codes,
        codes: Codes,
        least: int,
    ) -> tuple[list[Scalar], Codes, Floats]:
        """Release the levels that enough rows have: levels, codes of the rows, and counts."""
        rows = {str(value): int(n) for value, n in zip(values, counts, strict=True)}
        noisy = releases.noisy_categories(rows, self.column, self.names)
        kept = [i for i, v in enumerate(values) if noisy.get(str(v), 0) >= least]
        to = np.full(len(values) + 1, -1, dtype=np.int64)
        to[kept] = np.arange(len(kept))
        told = np.array([noisy[str(values[i])] for i in kept], dtype=np.float64)
        return [values[i] for i in kept], to[codes], told


def _bounds(name: str, array: pa.Array | None, low: Any, high: Any) -> tuple[float, float]:
    path = f"$.bounds.{name}"
    if array is None or form_of(array) not in ("numbers", "days"):
        raise SpecError("bounds are those of numbers or dates that are learned", path=path)
    try:
        ends = [
            float(np.datetime64(v, "D").astype(np.int64))
            if isinstance(v, str | datetime.date)
            else float(v)
            for v in (low, high)
        ]
    except (TypeError, ValueError):
        raise SpecError(
            f"must be two numbers or dates, not {low!r} and {high!r}", path=path
        ) from None
    if not all(abs(end) <= LARGEST for end in ends) or ends[0] >= ends[1]:
        raise SpecError(f"low ({low}) must be below high ({high})", path=path)
    return ends[0], ends[1]


def private_learnable(name: str, array: pa.Array, least: int, budget: Budget) -> Private:
    """Describe a column by releases.

    Parameters
    ----------
    name : str
    array : pyarrow.Array
        Of a type that has a form (see `form_of`), no dictionary.
    least : int
        Rows that a category must have, by its noisy count.
    budget : Budget
    """
    if is_text(array):
        return _texts(name, array, least, budget)
    if form_of(array) == "categories":
        codes, values, _ = counted(array)
        truths = np.append(np.array(values, dtype=np.int64), -1)[codes]
        both = np.array([(truths == 0).sum(), (truths == 1).sum(), (truths < 0).sum()])
        noisy = releases.noisy_counts(both, budget.column)
        return _told(name, truths, [False, True], noisy[:-1], noisy[-1], budget.column, least)
    return _numbers(name, array, least, budget)


def _texts(name: str, array: pa.Array, least: int, budget: Budget) -> Private:
    codes, values, counts = counted(array)
    found = {str(v): int(n) for v, n in zip(values, counts, strict=True)}
    totals = np.array([int(counts.sum()), array.null_count])
    noisy = releases.noisy_categories(found, 0.8 * budget.column, budget.names)
    known, missing = releases.noisy_counts(totals, 0.2 * budget.column).tolist()
    kept = [i for i, v in enumerate(values) if noisy.get(v, 0) >= least]
    names = [values[i] for i in kept]
    told = [noisy[v] for v in names]
    if OTHER not in names:
        names.append(OTHER)
        told.append(max(known - sum(told), 0))
    else:
        told[names.index(OTHER)] += max(known - sum(told), 0)
    to = np.full(len(values) + 1, names.index(OTHER), dtype=np.int64)
    to[kept], to[-1] = np.arange(len(kept)), -1
    column = _told(name, to[codes], names, np.array(told), missing, 0.2 * budget.column, least)
    if not kept:
        said = f'"{name}": no text is released, for too few rows share one.'
        return replace(column, notes=(*column.notes, said))
    return column


def _told(
    name: str,
    rows: Any,
    values: list[Any],
    noisy: Any,
    missing: float,
    rho: float,
    least: int,
) -> Private:
    counts = releases.consistent_counts(noisy)
    some = counts > 0
    to = np.append(np.where(some, np.cumsum(some) - 1, int(np.argmax(counts[some]))), -1)
    values = [v for v, has in zip(values, some.tolist(), strict=True) if has]
    declared = {"values": values, "weights": rounded_shares(counts[some]).tolist()}
    gone = _share(missing, float(counts.sum()), rho)
    return Private(name, to[rows], declared, gone, (), counts[some])


def _share(missing: float, known: float, rho: float) -> float:
    """Give the share that is missing; 0 where noise alone may have missed as much."""
    if missing < _SURE * releases.noise_scale(rho):
        return 0.0
    return min(missing / (missing + max(known, 0.0)), 1.0)


# --- numbers --------------------------------------------------------------------------------------


def _numbers(name: str, array: pa.Array, least: int, budget: Budget) -> Private:
    numbers = numbers_of(array)
    known = ~np.isnan(numbers)
    days = form_of(array) == "days"
    whole = days or bool(pa.types.is_integer(array.type))
    spent = 0.0
    decimals: int | None = 0
    if not whole:
        spent += 0.1
        decimals = _released_decimals(numbers[known], 0.1 * budget.column)
    if name in budget.bounds:
        low, high = budget.bounds[name]
    else:
        spent += 0.25
        low, high = _released_bounds(numbers[known], 0.25 * budget.column)
    rho = (1.0 - spent) * budget.column
    cells = _Cells.between(low, high, whole=decimals == 0)
    places = cells.of(np.clip(numbers[known], low, high))
    found = np.bincount(places, minlength=cells.size)
    noisy = releases.noisy_counts(np.append(found, (~known).sum()), rho)
    counts = releases.consistent_counts(noisy[:-1])
    gone = _share(float(noisy[-1]), float(counts.sum()), rho)
    if noisy[:-1].sum() < least:
        lost = nothing(
            name, len(array), f'"{name}": too few rows with a value; nothing is learned.'
        )
        return Private(lost.name, lost.rows, {}, 1.0, lost.notes)
    rows = np.full(len(array), np.nan)
    rows[known] = places
    if cells.singles and not days:
        some = counts > 0
        declared = listed(cells.low[some], counts[some], pa.types.is_integer(array.type), decimals)
    else:
        typed = bool(pa.types.is_integer(array.type))
        quantiles, shares = cells.quantiles(counts)
        declared = banded(quantiles, shares, whole=typed, decimals=decimals, days=days)
    return Private(name, rows, declared, gone, (), counts)


def _released_decimals(numbers: Floats, rho: float) -> int | None:
    needed = np.full(len(numbers), _DECIMALS + 1)
    for decimals in range(_DECIMALS, -1, -1):
        needed[np.round(numbers, decimals) == numbers] = decimals
    noisy = releases.noisy_counts(np.bincount(needed, minlength=_DECIMALS + 2), rho)
    shares = np.cumsum(releases.consistent_counts(noisy))
    decimals = int(np.argmax(shares >= 0.99 * shares[-1]))
    return None if decimals > _DECIMALS else decimals


def _released_bounds(numbers: Floats, rho: float) -> tuple[float, float]:
    """Find the octaves that hold what is not noise (bins that depend on no row)."""
    first, last = _OCTAVES
    octaves = last - first + 1
    power = np.clip(np.frexp(numbers)[1] - 1, first, last) - first + 1
    place = np.where(numbers == 0, 0, np.where(numbers < 0, -power, power)) + octaves
    bins = 2 * octaves + 1
    noisy = releases.noisy_counts(np.bincount(place, minlength=bins), rho)
    bar = releases.noise_scale(rho) * math.sqrt(2.0 * math.log(bins / _NOISE_PASSES))
    sure = np.flatnonzero(noisy >= bar)
    if not len(sure):
        sure = np.array([int(np.argmax(noisy))])

    def ends(at: int) -> tuple[float, float]:
        if at == octaves:
            return 0.0, 0.0
        near, far = (2.0 ** (abs(at - octaves) - 1 + first + more) for more in (0, 1))
        return (near, far) if at > octaves else (-far, -near)

    return ends(int(sure[0]))[0], ends(int(sure[-1]))[1]


@dataclass(frozen=True, eq=False)
class _Cells:
    """Intervals in ascending order; 0 is one by itself where numbers are not whole."""

    low: Floats
    high: Floats
    edges: Floats
    zero: int | None
    singles: bool

    @classmethod
    def between(cls, low: float, high: float, *, whole: bool) -> _Cells:
        if whole:
            first, last = math.ceil(low), max(math.floor(high), math.ceil(low))
            span = last - first + 1
            width = 1 if span <= _ONE_BY_ONE else -(-span // _BINS)
            starts = np.array([float(v) for v in range(first, last + 1, width)])
            if width == 1:
                return cls(starts, starts, starts, None, True)
            ends = np.append(starts[1:], float(last + 1))
            return cls(starts - 0.5, ends - 0.5, starts, None, False)
        edges = np.linspace(low, high, _BINS + 1) if high > low else np.array([low, low + 1.0])
        if not low <= 0.0 <= high:
            return cls(edges[:-1], edges[1:], edges[:-1], None, False)
        edges = np.unique(np.append(edges, 0.0))
        zero = int(np.searchsorted(edges, 0.0))
        starts, ends = np.insert(edges[:-1], zero, 0.0), np.insert(edges[1:], zero, 0.0)
        return cls(starts, ends, edges[:-1], zero, False)

    @property
    def size(self) -> int:
        return len(self.low)

    def of(self, numbers: Floats) -> npt.NDArray[np.intp]:
        """Give the cell of each number."""
        place = np.maximum(np.searchsorted(self.edges, numbers, side="right") - 1, 0)
        if self.zero is None:
            return place
        return np.where(numbers == 0, self.zero, np.where(numbers > 0, place + 1, place))

    def quantiles(self, counts: Floats) -> tuple[Floats, Floats]:
        """Give the ends of all cells that are not empty, and their shares."""
        some = counts > 0
        ends = np.cumsum(counts[some]) / counts.sum()
        shares = np.column_stack([np.append(0.0, ends[:-1]), ends])
        return np.column_stack([self.low[some], self.high[some]]).ravel(), shares.ravel()
