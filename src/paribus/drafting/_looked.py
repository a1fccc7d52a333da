"""A table that is looked at: a sample of its rows, and exact counts of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus._text import number, plain_number
from paribus.anonymizing.detection import Detected, DetectedColumn, detect
from paribus.counting import Source
from paribus.errors import DataError
from paribus.table import Scalar, Table, flat

SAMPLE = 100_000
"""Rows from which is guessed, at most; levels and links are counted in all rows."""

FEW = 50
"""Different values up to which a column has levels."""

MANY = 200
"""Different values up to which a column may be coded, or move with an attribute."""

CODES = 10
"""Different numbers up to which they are taken for codes."""

Cells = Mapping[tuple[Scalar | None, ...], int]
"""Values of some columns -> how many rows have them; None where one is missing."""


@dataclass(frozen=True, eq=False)
class Looked:
    """The columns of a table, as far as one can tell without asking anybody."""

    source: Source
    table: Table
    """All rows, or a random sample of them."""

    @classmethod
    def at(cls, data: Any, sheet: str | None = None) -> Looked:
        """Look at a data frame or a file.

        Raises
        ------
        DataError
            Where it cannot be read, or has no rows.
        """
        is_path = isinstance(data, str | Path)
        if is_path and (sheet is not None or Path(data).suffix.lower() == ".xlsx"):
            # A workbook takes seconds: it is read once.
            data = Table.read(data, sheet=sheet, path="data").frame.to_native()
        source = Source.of(data, path="data")
        return cls(source, source.rows(SAMPLE, 0))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.source.names

    @property
    def sampled(self) -> bool:
        """Whether not all rows are in the sample."""
        return len(self.source) > len(self.table)

    @cached_property
    def detected(self) -> Detected:
        """What the columns are taken for."""
        return detect(self.table.frame.to_native())

    def sort(self, name: str) -> DetectedColumn:
        """Say what a column is taken for."""
        return self.detected[name]

    @cached_property
    def _arrays(self) -> dict[str, pa.Array]:
        return {name: _plain(self.table, name) for name in self.names}

    def array(self, name: str) -> pa.Array:
        """Give a column of the sample; NaN is missing."""
        return self._arrays[name]

    @cached_property
    def _distinct(self) -> dict[str, int]:
        return {}

    def distinct(self, name: str) -> int:
        """Count the different values of the sample, the missing one aside."""
        if name not in self._distinct:
            array = self.array(name)
            nested = pa.types.is_nested(array.type)
            counted = len(array) if nested else pc.count_distinct(array, mode="only_valid").as_py()
            self._distinct[name] = counted
        return self._distinct[name]

    def is_number(self, name: str) -> bool:
        """Tell whether a column holds numbers, truth values aside."""
        kind = self.array(name).type
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

    def is_text(self, name: str) -> bool:
        """Tell whether a column holds text."""
        kind = self.array(name).type
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))

    def is_flag(self, name: str) -> bool:
        """Tell whether a column holds nothing but 0 and 1, or true and false."""
        array = self.array(name)
        if pa.types.is_boolean(array.type):
            return True
        return (
            self.is_number(name)
            and 1 <= self.distinct(name) <= 2
            and set(pc.unique(array).to_pylist()) <= {0, 1, None}
        )

    def has_levels(self, name: str) -> bool:
        """Tell whether a column has so few values that each may be named."""
        kind = self.array(name).type
        named = pa.types.is_boolean(kind) or self.is_text(name)
        return self.distinct(name) <= (FEW if named else CODES) and (named or self.is_number(name))

    def floats(self, name: str) -> npt.NDArray[np.float64]:
        """Give the finite numbers of a column of the sample."""
        values = self.array(name).drop_null().cast(pa.float64())
        found: npt.NDArray[np.float64] = values.to_numpy(zero_copy_only=False)
        finite: npt.NDArray[np.float64] = found[np.isfinite(found)]
        return finite

    def cells(self, *names: str, most: int = 1_000) -> Cells:
        """Count all rows by the values of some columns.

        Raises
        ------
        DataError
            Where a column has more than `most` values.
        """
        return _counted(self.source, names, most)

    @cached_property
    def _kept(self) -> dict[tuple[str, ...], Cells]:
        return {}

    def few_cells(self, *names: str) -> Cells:
        """Count all rows, or nothing where a column turns out to have too many values."""
        if names not in self._kept:
            try:
                self._kept[names] = self.cells(*names, most=MANY)
            except DataError:
                self._kept[names] = {}
        return self._kept[names]

    @cached_property
    def _near(self) -> Source:
        return Source.of(self.table.frame.to_native()) if self.sampled else self.source

    def sample_cells(self, *names: str) -> Cells:
        """Count the rows of the sample: what does not hold there holds nowhere."""
        try:
            return _counted(self._near, names, MANY)
        except DataError:
            return {}

    def described(self, name: str) -> str:
        """Say in a few words what a column holds."""
        array = self.array(name)
        gone = array.null_count
        missing = f"; {number(100 * gone / len(array))} % missing" if gone else ""
        if gone == len(array):
            return "empty"
        if self.distinct(name) == 1:
            return f"the same in all rows{missing}"
        if self.sort(name).role == "direct" and not pa.types.is_nested(array.type):
            # Not even the ends of what identifies people.
            return f"{self.distinct(name):,} different values{missing}"
        if self.is_flag(name):
            return f"yes or no{missing}"
        if self.is_number(name) and self.distinct(name) > CODES:
            found = self.floats(name)
            if len(found):
                low, high = plain_number(float(found.min())), plain_number(float(found.max()))
                noun = "whole numbers" if bool((found == np.rint(found)).all()) else "numbers"
                return f"{noun} from {low} to {high}{missing}"
        if self.has_levels(name):
            return f"{self.distinct(name)} values{missing}"
        if pa.types.is_temporal(array.type):
            known = array.drop_null()
            low, high = (str(pc.min_max(known)[end].as_py())[:10] for end in ("min", "max"))
            return f"times from {low} to {high}{missing}"
        return f"{self.distinct(name):,} different values{missing}"


def together(cells: Cells, keep: Sequence[int]) -> dict[tuple[Scalar | None, ...], int]:
    """Add up cells over the columns that are not kept."""
    out: dict[tuple[Scalar | None, ...], int] = {}
    for values, rows in cells.items():
        key = tuple(values[at] for at in keep)
        out[key] = out.get(key, 0) + rows
    return out


def _counted(source: Source, names: Sequence[str], most: int) -> Cells:
    tally = source.tally(names, most_levels=most)
    return {
        tuple(_level(tally.levels[at][code]) for at, code in enumerate(codes)): int(rows)
        for codes, rows in zip(tally.codes.tolist(), tally.count.tolist(), strict=True)
    }


def _plain(table: Table, name: str) -> pa.Array:
    array = flat(table.column(name, slice(0, len(table))).arrow())
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_floating(array.type):
        return pc.if_else(pc.fill_null(pc.is_nan(array), False), None, array)
    if pa.types.is_decimal(array.type):
        return array.cast(pa.float64())
    return array


def _level(value: Any) -> Scalar | None:
    """Give whole numbers as such, where missing values have made fractions of them."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
