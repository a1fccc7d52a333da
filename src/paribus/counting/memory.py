"""Frames in memory: pandas, polars, pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.counting.base import (
    Kept,
    Key,
    Pair,
    Values,
    chosen,
    finite_range,
    floats,
    kind_of_dtype,
)
from paribus.counting.codes import Codes, Floats, Kind, categories, kind_of
from paribus.counting.tallies import Tally
from paribus.table import Native, Table, no_text


@dataclass(frozen=True, eq=False)
class InMemory:
    """A frame of pandas, polars or pyarrow; columns are coded once, and the codes are kept."""

    table: Table
    _codes: dict[Key, Codes] = field(default_factory=dict)
    _weights: dict[str, Floats] = field(default_factory=dict)
    _kinds: dict[str, Kind] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the library that the frame is of."""
        return self.table.kind

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.table.names

    def length(self) -> int:
        """Count the rows."""
        return len(self.table)

    def kind(self, name: str) -> Kind:
        """Say what a column holds."""
        if name not in self._kinds:
            self._kinds[name] = self._kind(name)
        return self._kinds[name]

    guess = kind

    def _kind(self, name: str) -> Kind:
        dtype = self.table.frame.schema[name]
        if dtype != nw.Object and not isinstance(dtype, nw.Categorical | nw.Enum):
            return kind_of_dtype(dtype)
        pool = self._pool(name)
        return kind_of(self.column(name).type if pool is None else pool[1].type)

    def _pool(self, name: str) -> tuple[npt.NDArray[Any], pa.Array] | None:
        """Give the codes, -1 where missing, that pandas has or makes faster than Arrow."""
        native = self._native(name)
        held: Any = getattr(native, "array", None)
        if hasattr(held, "codes"):
            # Those of `native.cat` are a copy.
            return held.codes, pa.array(held.categories, from_pandas=True)
        if getattr(native, "dtype", None) != np.dtype(object):
            return None
        import pandas as pd

        try:
            codes, pool = pd.factorize(native.to_numpy())
        except TypeError:
            return None  # lists and the like
        # Other objects may be equal and yet not the same, such as 1 and True.
        texts = pd.api.types.infer_dtype(pool) == "string"
        try:
            return (codes, pa.array(pool)) if texts else None
        except UnicodeEncodeError:
            raise no_text(name) from None

    def column(self, name: str) -> Values:
        """Give a column without a copy, where it can be had."""
        native = self._native(name)
        if isinstance(getattr(native, "dtype", None), np.dtype) and native.dtype.kind in "biuf":
            return cast("npt.NDArray[Any]", native.to_numpy())
        if isinstance(native, pa.ChunkedArray):
            return native
        return Native(self.table.frame[name]).arrow()

    def _native(self, name: str) -> Any:
        # To wrap a column costs more than to find it.
        return self.table.frame.to_native()[name]

    def _own(self, name: str, most: int) -> Codes | None:
        pool = self._pool(name)
        return None if pool is None else categories(*pool, name, most)

    def tally(
        self,
        keys: Sequence[Key],
        weight: str | None,
        sums: Sequence[str],
        errors: Pair | None,
        most: int,
    ) -> Tally:
        """Count."""
        rows = len(self.table)
        batch = Kept(rows, self.column, most, None, self._codes, self._weights, self._own)
        return batch.tally(keys, weight, sums, errors)

    def range(self, name: str) -> tuple[float, float, int]:
        """Give the smallest and the largest finite value, and the number of the others."""
        return finite_range(floats(self.column(name), name))

    def rows(self, most: int, seed: int, columns: Sequence[str]) -> Table:
        """Give some rows."""
        table = Table(self.table.frame.select(*columns), self.table.source)
        return table if len(table) <= most else table.take(chosen(len(table), most, seed))
