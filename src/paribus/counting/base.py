"""Where the rows of a table live, and how they are counted there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.counting.codes import Binned, Codes, Floats, Kind, binned, encode, kind_of
from paribus.counting.tallies import HEAVIEST, LARGEST, Tally, count
from paribus.errors import DataError
from paribus.table import Table

Key = str | Binned
Pair = tuple[str, str]
Values = Any
"""A numpy array or an Arrow array, of shape (n,)."""

ERRORS = ("error", "absolute", "square_error", "fourth")
"""What is summed of the differences between a prediction and the truth."""

ROOT, FOURTH_ROOT = 1e100, 1e50
"""Of the largest value."""

MISSING_SIDE = "a side is missing"


class Engine(Protocol):
    """A table somewhere; all its columns are known to exist, and to be numbers where they must."""

    @property
    def name(self) -> str:
        """Name of the engine."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        ...

    def length(self) -> int:
        """Count the rows."""
        ...

    def kind(self, name: str) -> Kind:
        """Say what a column holds."""
        ...

    def guess(self, name: str) -> Kind:
        """Say what a column holds, as far as that is known without reading all rows."""
        ...

    def tally(
        self,
        keys: Sequence[Key],
        weight: str | None,
        sums: Sequence[str],
        errors: Pair | None,
        most: int,
    ) -> Tally:
        """Count; with `errors`, whether a side is missing is one more key, the last."""
        ...

    def range(self, name: str) -> tuple[float, float, int]:
        """Give the smallest and the largest finite value, and the number of the others."""
        ...

    def rows(self, most: int, seed: int, columns: Sequence[str]) -> Table:
        """Give some rows."""
        ...


def chosen(rows: int, most: int, seed: int) -> npt.NDArray[np.intp]:
    """Draw positions uniformly, without replacement; gives them in order."""
    if rows <= most:
        return np.arange(rows)
    drawn = np.random.default_rng(seed).choice(rows, most, replace=False, shuffle=False)
    return np.sort(drawn)


# --- columns as numbers ---------------------------------------------------------------------------


def floats(values: Values, name: str) -> Floats:
    """Give numbers as float64; what is missing is NaN.

    Raises
    ------
    DataError
        Where the column turns out to be text.
    """
    if isinstance(values, pa.Array | pa.ChunkedArray):
        if kind_of(values.type) == "text":
            raise DataError(f'the column "{name}" is text: name a column of numbers')
        if not pa.types.is_float64(values.type):
            if pa.types.is_dictionary(values.type):
                values = values.cast(values.type.value_type)
            if pa.types.is_boolean(values.type):
                values = values.cast(pa.uint8())
            # Beyond 2^53 a double is the nearest, as in every engine.
            values = values.cast(pa.float64(), safe=False)
        values = values.to_numpy(zero_copy_only=False)
    return cast("Floats", values.astype(np.float64, copy=False))


def weights(values: Floats, name: str, start: int | None = None) -> Floats:
    """Check weights, whose first row has the number `start` where they are not all.

    Raises
    ------
    DataError
        Where one is missing, negative or absurdly large.
    """
    fine = (values >= 0) & (values <= HEAVIEST)
    if not fine.all():
        bad = len(fine) - int(fine.sum())
        raise bad_weights(name, bad, (start or 0) + int(fine.argmin()), more=start is not None)
    return values


def bad_weights(name: str, bad: int, first: int | None = None, *, more: bool = False) -> DataError:
    """Make the error about weights that weigh nothing."""
    where = "" if first is None else f" (the first in row {first + 1:,})"
    rows = f"{'at least ' if more else ''}{bad:,} {'row' if bad == 1 else 'rows'}{where}"
    return DataError(
        f'the weights "{name}" are missing, negative, infinite or above 1e100 in {rows}: give '
        f"every row a weight of zero or more"
    )


def differences(prediction: Floats, truth: Floats) -> tuple[Codes, dict[str, Floats]]:
    """Give whether a side of each row is missing, and the powers of the difference."""
    gone = ~(np.isfinite(prediction) & np.isfinite(truth))
    if gone.any():
        prediction, truth = np.where(gone, 0, prediction), np.where(gone, 0, truth)
    # Halves, as the difference of two large numbers may be too large for a double.
    gap = np.clip(prediction / 2 - truth / 2, -LARGEST / 2, LARGEST / 2) * 2
    size = np.abs(gap)
    square = np.square(np.minimum(size, ROOT))
    fourth = np.square(np.square(np.minimum(size, FOURTH_ROOT)))
    powers = (gap, size, square, fourth)
    sides = Codes(gone.view(np.uint8), (False, True))
    return sides, dict(zip(ERRORS, powers, strict=True))


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows in memory, column by column, and how to count them."""

    rows: int
    column: Callable[[str], Values]
    most: int
    start: int | None = None
    """The number of the first row in a file of which these are some of the rows."""

    def tally(
        self, keys: Sequence[Key], weight: str | None, sums: Sequence[str], errors: Pair | None
    ) -> Tally:
        """Count these rows."""
        names = [key if isinstance(key, str) else key.column for key in keys]
        coded = [self.coded(key) for key in keys]
        weighed = None if weight is None else self.weight(weight)
        summed = {name: floats(self.column(name), name) for name in sums}
        if errors:
            sides, summed = differences(*(floats(self.column(name), name) for name in errors))
            names, coded = [*names, MISSING_SIDE], [*coded, sides]
        return count(names, coded, self.rows, weighed, summed)

    def coded(self, key: Key) -> Codes:
        """Code a column, or its bins."""
        if isinstance(key, Binned):
            return binned(floats(self.column(key.column), key.column), key)
        return encode(self.column(key), key, self.most)

    def weight(self, name: str) -> Floats:
        """Give a column as weights."""
        return weights(floats(self.column(name), name), name, self.start)


@dataclass(frozen=True, eq=False)
class Kept(Batch):
    """All rows of a table; their codes and weights are made once, and kept."""

    codes: dict[Key, Codes] = field(default_factory=dict)
    weights: dict[str, Floats] = field(default_factory=dict)
    code: Callable[[str, int], Codes | None] = lambda name, most: None
    """How a column is coded that has a way of its own."""

    def coded(self, key: Key) -> Codes:
        """Code a column, or its bins."""
        if key not in self.codes:
            own = self.code(key, self.most) if isinstance(key, str) else None
            self.codes[key] = own or super().coded(key)
        return self.codes[key]

    def weight(self, name: str) -> Floats:
        """Give a column as weights."""
        if name not in self.weights:
            self.weights[name] = super().weight(name)
        return self.weights[name]


def finite_range(values: Floats) -> tuple[float, float, int]:
    """Give the ends of the finite values, and the number of others; no values: (inf, -inf)."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (np.inf, -np.inf)
    if np.isfinite(low) and np.isfinite(high):
        return low, high, 0
    known = values[np.isfinite(values)]
    if not len(known):
        return np.inf, -np.inf, len(values)
    return float(known.min()), float(known.max()), len(values) - len(known)


def kind_of_dtype(dtype: Any) -> Kind:
    """Say what the values of a narwhals type are to a reader."""
    kinds: Mapping[Kind, tuple[Any, ...]] = {
        "truth": (nw.Boolean,),
        "text": (nw.String, nw.Categorical, nw.Enum),
        "time": (nw.Date, nw.Datetime, nw.Time, nw.Duration),
    }
    if dtype.is_numeric():
        return "number"
    return next((kind for kind, types in kinds.items() if isinstance(dtype, types)), "other")
