"""Files of tables: small ones are read; larger CSV and Parquet files pass by in batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv, parquet

from paribus._files import MISSING, _reason, decimal_of, delimiter_of, read_table
from paribus.counting.base import (
    Batch,
    Engine,
    Kept,
    Key,
    Pair,
    Values,
    chosen,
    finite_range,
    floats,
)
from paribus.counting.codes import Codes, Floats, Kind, is_text, kind_of, too_many
from paribus.counting.memory import InMemory
from paribus.counting.tallies import Tally, merged
from paribus.errors import DataError
from paribus.table import Table

IN_MEMORY = 1 << 26
"""Bytes up to which a file is read whole."""

_WORKERS = 2
_BATCH = 1 << 20
_BLOCK = 1 << 22
_SPAN = 1 << 21
"""Rows that a worker takes at a time, at least: opening a file costs a millisecond."""

T = TypeVar("T")
Batches = Iterator[pa.RecordBatch]


def opened(path: str | Path) -> Engine:
    """Open a CSV, Parquet, Excel or JSON lines file.

    Raises
    ------
    DataError
        Where it is none of these, cannot be read, or has no rows.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    with _reported(file):
        if suffix in {".parquet", ".pq"} and file.is_file():
            return _parquet(file)
        if suffix in {".csv", ".tsv"} and file.is_file() and file.stat().st_size > IN_MEMORY:
            return Csv(file, suffix.removeprefix("."))
        return Read(Table.of(read_table(file)), file=file)


def _parquet(file: Path) -> Engine:
    with parquet.ParquetFile(file) as opened_file:
        metadata = opened_file.metadata
        groups = tuple(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
        size = sum(metadata.row_group(i).total_byte_size for i in range(len(groups)))
        schema = opened_file.schema_arrow
    repeated = next((name for name in schema.names if schema.names.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f'two columns have the name "{repeated}"; rename one')
    if not sum(groups):
        raise DataError("the data have no rows")
    return (Parquet if size > IN_MEMORY else ShortParquet)(file, schema, groups, metadata)


@contextmanager
def _reported(file: Path) -> Iterator[None]:
    """Name the file in errors about it."""
    try:
        yield
    except DataError as error:
        raise DataError(f'"{file}": {error.message}') from None
    except UnicodeDecodeError:
        raise DataError(f'"{file}": cannot be read: {_reason(ValueError("UTF-8"))}') from None
    except (ValueError, pa.ArrowException) as error:
        raise DataError(f'"{file}": cannot be read: {_reason(error)}') from None
    except OSError as error:
        why = error.strerror or _reason(error)
        raise DataError(f'"{file}": cannot be read: {why}') from None


def _table(rows: pa.Table, file: Path) -> Table:
    """Give rows as the data frame that most models were fitted on."""
    return Table(nw.from_native(rows.to_pandas(), eager_only=True), str(file))


@dataclass(frozen=True, eq=False)
class Read(InMemory):
    """A file that was read whole."""

    file: Path = Path()

    @property
    def name(self) -> str:
        """Name of the format."""
        return self.file.suffix.lower().removeprefix(".")

    def rows(self, most: int, seed: int, columns: Sequence[str]) -> Table:
        """Give some rows, as a pandas frame."""
        return _table(super().rows(most, seed, columns).frame.to_native(), self.file)


def _counted(
    batches: Batches,
    start: int,
    keys: Sequence[Key],
    weight: str | None,
    sums: Sequence[str],
    errors: Pair | None,
    most: int,
) -> Tally:
    """Count batch after batch."""

    def tallies() -> Iterator[Tally]:
        first = start
        for batch in batches:
            part = Batch(batch.num_rows, batch.column, most, start=first)
            yield part.tally(keys, weight, sums, errors)
            first += batch.num_rows

    return _gathered(tallies(), most)


def _gathered(tallies: Iterator[Tally], most: int) -> Tally:
    """Add up tables as they come; ends early where a key turns out to be none."""
    parts: list[Tally] = []
    for tally in tallies:
        parts.append(tally)
        if len(parts) > 16:
            parts = [_few(merged(parts), most)]
    if not parts:
        raise DataError("the data have no rows")
    return _few(merged(parts), most)


def _few(tally: Tally, most: int) -> Tally:
    for name, levels in zip(tally.keys, tally.levels, strict=True):
        if len(levels) - (None in levels) > most:
            raise too_many(name, len(levels), most, more=True)
    return tally


def _range(batches: Batches, name: str) -> tuple[float, float, int]:
    low, high, missing = np.inf, -np.inf, 0
    for batch in batches:
        lower, upper, gone = finite_range(floats(batch.column(name), name))
        low, high, missing = min(low, lower), max(high, upper), missing + gone
    return low, high, missing


def _picked(batches: Batches, start: int, wanted: npt.NDArray[np.intp]) -> Iterator[pa.Table]:
    """Give the wanted rows of batches, of which the first starts with the row `start`."""
    for batch in batches:
        stop = start + batch.num_rows
        here = wanted[np.searchsorted(wanted, start) : np.searchsorted(wanted, stop)]
        if len(here):
            yield pa.Table.from_batches([batch.take(pa.array(here - start))])
        start = stop


def _used(
    keys: Sequence[Key], weight: str | None, sums: Sequence[str], errors: Pair | None
) -> list[str]:
    names = [key if isinstance(key, str) else key.column for key in keys]
    return list(dict.fromkeys([*names, *([weight] if weight else []), *sums, *(errors or ())]))


# --- Parquet --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Parquet:
    """A Parquet file that is larger than it should be in memory."""

    file: Path
    schema: pa.Schema
    groups: tuple[int, ...]
    """Rows of each row group."""
    metadata: parquet.FileMetaData
    name: str = "parquet"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.schema.names)

    def length(self) -> int:
        """Count the rows."""
        return sum(self.groups)

    def kind(self, name: str) -> Kind:
        """Say what a column holds."""
        return kind_of(self.schema.field(name).type)

    guess = kind

    def _batches(self, columns: Sequence[str], groups: Sequence[int]) -> Batches:
        columns = list(columns) or [self.names[0]]
        text = [name for name in columns if is_text(self.schema.field(name).type)]
        with parquet.ParquetFile(
            self.file, metadata=self.metadata, read_dictionary=text, pre_buffer=False
        ) as file:
            yield from file.iter_batches(
                _BATCH, row_groups=list(groups), columns=columns, use_threads=False
            )

    def _spans(self) -> Iterator[tuple[int, range]]:
        """Deal the row groups; gives the first row of each share with its groups."""
        start, first, rows = 0, 0, 0
        for group, length in enumerate(self.groups):
            rows += length
            if rows >= _SPAN or group == len(self.groups) - 1:
                yield start, range(first, group + 1)
                start, first, rows = start + rows, group + 1, 0

    def tally(
        self,
        keys: Sequence[Key],
        weight: str | None,
        sums: Sequence[str],
        errors: Pair | None,
        most: int,
    ) -> Tally:
        """Count, two shares of the rows at a time."""
        columns = _used(keys, weight, sums, errors)

        def count(share: tuple[int, range]) -> Tally:
            batches = self._batches(columns, share[1])
            return _counted(batches, share[0], keys, weight, sums, errors, most)

        with _reported(self.file), ThreadPoolExecutor(_WORKERS) as pool:
            try:
                return _gathered(pool.map(count, self._spans()), most)
            finally:
                pool.shutdown(cancel_futures=True)

    def range(self, name: str) -> tuple[float, float, int]:
        """Give the smallest and the largest finite value, and the number of the others."""
        with _reported(self.file):
            return _range(self._batches([name], range(len(self.groups))), name)

    def rows(self, most: int, seed: int, columns: Sequence[str]) -> Table:
        """Give some rows, as a pandas frame; row groups without any are not read."""
        wanted = chosen(self.length(), most, seed)
        picked: list[pa.Table] = []
        start = 0
        with _reported(self.file):
            for group, length in enumerate(self.groups):
                near = wanted[(wanted >= start) & (wanted < start + length)]
                if len(near):
                    picked += _picked(self._batches(columns, [group]), start, near)
                start += length
        # Text is read as dictionaries, and given as what it is.
        schema = pa.schema([self.schema.field(name) for name in columns])
        found = pa.concat_tables(picked).unify_dictionaries().select(schema.names)
        return _table(found.cast(schema), self.file)


@dataclass(frozen=True, eq=False)
class ShortParquet(Parquet):
    """A Parquet file whose columns are read whole, coded once, and kept as codes."""

    _codes: dict[Key, Codes] = field(default_factory=dict)
    _weights: dict[str, Floats] = field(default_factory=dict)

    def _column(self, name: str) -> Values:
        batches = self._batches([name], range(len(self.groups)))
        return pa.chunked_array([batch.column(0) for batch in batches])

    def tally(
        self,
        keys: Sequence[Key],
        weight: str | None,
        sums: Sequence[str],
        errors: Pair | None,
        most: int,
    ) -> Tally:
        """Count."""
        with _reported(self.file):
            batch = Kept(self.length(), self._column, most, None, self._codes, self._weights)
            return batch.tally(keys, weight, sums, errors)


# --- CSV ------------------------------------------------------------------------------------------

_WIDER = {
    pa.int64(): pa.bool_(),
    pa.bool_(): pa.float64(),
    pa.float64(): pa.string(),
}
"""The type to try when a value does not fit: the order in which Arrow tries them on whole files."""


@dataclass(frozen=True, eq=False)
class Csv:
    """A CSV file that is larger than it should be in memory."""

    file: Path
    name: str = "csv"
    _sure: set[str] = field(default_factory=set)

    @cached_property
    def _types(self) -> dict[str, pa.DataType]:
        """Types as the first rows suggest; a later row may show better."""
        with csv.open_csv(self.file, **self._options()) as reader:
            schema = reader.schema
        repeated = next((n for n in schema.names if schema.names.count(n) > 1), None)
        if repeated is not None:
            raise DataError(f'two columns have the name "{repeated}"; rename one')
        if any(pa.types.is_binary(column.type) for column in schema):
            raise pa.ArrowInvalid("a value is not UTF-8")
        return {column.name: _plain(column.type) for column in schema}

    def _options(
        self, columns: Sequence[str] = (), types: dict[str, pa.DataType] | None = None
    ) -> dict[str, object]:
        return {
            "read_options": csv.ReadOptions(block_size=_BLOCK),
            "parse_options": csv.ParseOptions(
                delimiter=delimiter_of(self.file), newlines_in_values=True
            ),
            "convert_options": csv.ConvertOptions(
                strings_can_be_null=True,
                null_values=MISSING,
                column_types=types,
                include_columns=list(columns),
                decimal_point=decimal_of(self.file),
            ),
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        with _reported(self.file):
            return tuple(self._types)

    @cached_property
    def _length(self) -> int:
        return self._passed(self.names[:1], lambda batches: sum(int(b.num_rows) for b in batches))

    def length(self) -> int:
        """Count the rows."""
        return self._length

    def kind(self, name: str) -> Kind:
        """Say what a column holds; reads the whole file, once."""
        if name not in self._sure:
            rest = [known for known in self.names if known not in self._sure]
            self._passed(rest, lambda batches: sum(1 for _ in batches))
        return self.guess(name)

    def guess(self, name: str) -> Kind:
        """Say what a column holds, judging by the rows that were read."""
        return kind_of(self._types[name])

    def _passed(self, columns: Sequence[str], work: Callable[[Batches], T]) -> T:
        """Work on all rows; again from the start where a value does not fit its column."""
        with _reported(self.file):
            while True:
                options = self._options(columns, self._types)
                try:
                    with csv.open_csv(self.file, **options) as reader:
                        done = work(iter(reader))
                except pa.ArrowInvalid as error:
                    self._widen(error)
                else:
                    self._sure.update(columns)
                    return done

    def _widen(self, error: pa.ArrowInvalid) -> None:
        told = re.search(r"In CSV column #(\d+):.* CSV conversion error to", str(error))
        name = self.names[int(told[1])] if told else ""
        if self._types.get(name) not in _WIDER:
            raise error
        self._types[name] = _WIDER[self._types[name]]

    def tally(
        self,
        keys: Sequence[Key],
        weight: str | None,
        sums: Sequence[str],
        errors: Pair | None,
        most: int,
    ) -> Tally:
        """Count."""
        columns = _used(keys, weight, sums, errors) or self.names[:1]
        return self._passed(
            columns, lambda batches: _counted(batches, 0, keys, weight, sums, errors, most)
        )

    def range(self, name: str) -> tuple[float, float, int]:
        """Give the smallest and the largest finite value, and the number of the others."""
        return self._passed([name], lambda batches: _range(batches, name))

    def rows(self, most: int, seed: int, columns: Sequence[str]) -> Table:
        """Give some rows, as a pandas frame."""
        wanted = chosen(self._length, most, seed)
        picked = self._passed(columns, lambda batches: list(_picked(batches, 0, wanted)))
        return _table(pa.concat_tables(picked), self.file)


def _plain(dtype: pa.DataType) -> pa.DataType:
    if pa.types.is_temporal(dtype):
        return pa.string()  # as in pandas.read_csv
    return pa.int64() if pa.types.is_null(dtype) else dtype
