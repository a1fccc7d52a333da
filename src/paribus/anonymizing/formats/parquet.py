"""Parquet, by row group: sizes and compression are kept, metadata and statistics are not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from paribus.anonymizing.formats.base import (
    Chunk,
    Opened,
    Options,
    bare,
    gathered,
    reported,
    stripped,
)
from paribus.errors import DataError

SUFFIXES = (".parquet", ".pq")

_MOST_ROWS = 1 << 20
"""Rows of a row group at most: it is put together in memory."""
_MOST_BYTES = 1 << 27
_CHUNK_BYTES = 1 << 26
_READ_ROWS = 1 << 12
"""Rows that are decoded at a time: few, since a dictionary may hide how long they are."""
_GROUP = 1 << 30
_ROW = 1 << 16
"""A row group of more than `_GROUP` bytes whose rows have more than this on average may hold a cell
that fills the memory: the footer does not tell, so such files are refused unread."""
_LARGEST = 1 << 28
"""Bytes that may come out of one reading, of a dictionary that says a long text often as well."""
_BUFFER = 1 << 20
_FEW = 4
"""How often a value occurs at least, on average, for a dictionary of values to pay."""


@dataclass(frozen=True)
class Layout:
    """How a file is laid out."""

    groups: int = 1 << 17
    """Rows of a row group."""
    compression: Any = "zstd"
    """A codec, or one for each column."""


@dataclass(frozen=True)
class ParquetPart:
    """The rows of a Parquet file."""

    path: Path
    schema: pa.Schema
    metadata: parquet.FileMetaData
    options: Options
    name: str = ""
    hidden: bool = False

    def numeric(self, names: Collection[str]) -> ParquetPart:
        """Give the same rows: numbers are numbers."""
        return self

    def chunks(self) -> Iterator[Chunk]:
        """Read row group after row group."""
        with (
            reported(self.path),
            _Mistakes(),
            parquet.ParquetFile(self.path, metadata=self.metadata, pre_buffer=False) as file,
        ):
            for group in range(self.metadata.num_row_groups):
                rows = _rows(self.metadata.row_group(group))
                batches = _bounded(file.iter_batches(rows, row_groups=[group]))
                for batch in gathered(batches, self.options.rows, _CHUNK_BYTES):
                    yield Chunk(stripped(batch, self.schema))


class _Mistakes:
    """Say what is known of files that cannot be read."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not isinstance(error, pa.ArrowException | OSError):
            return
        told = str(error).lower()
        if "crypt" in told:
            raise DataError(
                "cannot be read: it is encrypted; write it without encryption"
            ) from None
        if "magic bytes" in told or "footer" in told or "size is 0" in told or "smaller" in told:
            raise DataError(
                "cannot be read: its end is missing (cut off while it was copied?), or it is no "
                "Parquet file"
            ) from None


def opened(path: Path, options: Options) -> Opened:
    """Read the footer of a Parquet file.

    Raises
    ------
    DataError
        Where it is missing, damaged, encrypted, or has cells that fill the memory.
    """
    with (
        reported(path),
        _Mistakes(),
        parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file,
    ):
        metadata, given = file.metadata, file.schema_arrow
        for group in range(metadata.num_row_groups):
            _check_group(metadata.row_group(group))
        if metadata.num_row_groups:
            # Where columns are encrypted, asking what is known of them ends the process.
            next(_bounded(file.iter_batches(1, row_groups=[0])), None)
    notes: tuple[str, ...] = ()
    if given.metadata or any(key != b"ARROW:schema" for key in metadata.metadata or {}):
        notes = ("the metadata of the file do not pass",)
    return Opened((ParquetPart(path, bare(given), metadata, options),), _layout(metadata), notes)


def _check_group(group: Any) -> None:
    size = group.total_byte_size
    if size > _GROUP and size > _ROW * group.num_rows:
        raise DataError(
            f"has a row group of {size / 1e9:.1f} GB with {group.num_rows:,} rows; write it with "
            "smaller row groups, and without cells of many megabytes"
        )


def _bounded(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if batch.nbytes > _LARGEST:
            raise DataError(f"has {batch.num_rows:,} rows that take {batch.nbytes / 1e9:.1f} GB")
        yield batch


def _rows(group: Any) -> int:
    """Give the rows to read at a time, so that they take no more than some memory."""
    each: int = max(1, group.total_byte_size // max(1, group.num_rows))
    return max(1, min(_READ_ROWS, _CHUNK_BYTES // each))


def _layout(metadata: Any) -> Layout:
    if not metadata.num_row_groups:
        return Layout()
    groups = max(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
    first = metadata.row_group(0)
    columns = [first.column(i) for i in range(first.num_columns)]
    codecs = {c.path_in_schema: _codec(c.compression) for c in columns}
    return Layout(max(1, min(groups, _MOST_ROWS)), codecs)


def _codec(name: str) -> str:
    return "NONE" if name == "UNCOMPRESSED" else name


# --- writing --------------------------------------------------------------------------------------


def writer(path: Path, target: Path, style: Any) -> ParquetWriter:
    """Write a Parquet file in row groups as long as those of the original."""
    return ParquetWriter(path, style if isinstance(style, Layout) else Layout())


class ParquetWriter:
    """Gathers rows until a row group is full."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path, self._layout = path, layout
        self._schema = pa.schema([])
        self._writer: parquet.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def begin(self, name: str, schema: pa.Schema, names: Sequence[str]) -> None:
        """Note the columns; how they are encoded depends on the first rows."""
        self._schema = schema

    def write(self, chunk: Chunk) -> None:
        """Take some rows; write where a row group is full."""
        batch = chunk.batch
        while batch.num_rows:
            part = batch.slice(0, self._layout.groups - self._rows)
            batch = batch.slice(part.num_rows)
            self._waiting.append(part)
            self._rows += part.num_rows
            self._bytes += part.nbytes
            if self._rows >= self._layout.groups or self._bytes > _MOST_BYTES:
                self._flush()

    def _flush(self) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        self._waiting, self._rows, self._bytes = [], 0, 0
        if self._writer is None:
            self._writer = self._open(table)
        if table.num_rows:
            self._writer.write_table(table, row_group_size=table.num_rows)

    def _open(self, first: pa.Table) -> parquet.ParquetWriter:
        codecs = self._layout.compression
        if isinstance(codecs, dict):
            roots = {name.split(".")[0] for name in codecs}
            common = max(codecs.values(), key=list(codecs.values()).count, default="zstd")
            # What has become another type may have other leaves: one codec for all of them then.
            same = roots >= set(self._schema.names) and not any(
                pa.types.is_nested(field.type) for field in self._schema
            )
            codecs = {n: codecs[n] for n in self._schema.names} if same else common
        repeated = [name for name in self._schema.names if _repeats(first[name])]
        return parquet.ParquetWriter(
            self._path, self._schema, compression=codecs, use_dictionary=repeated
        )

    def close(self) -> tuple[str, ...]:
        """Write what waits, and the footer."""
        if self._waiting or self._writer is None:
            self._flush()
        if self._writer is not None:
            self._writer.close()
        return ()

    def abandon(self) -> None:
        """Let go of the file."""
        self._waiting = []
        if self._writer is not None:
            self._writer.close()


def _repeats(column: pa.ChunkedArray) -> bool:
    """Tell whether values repeat enough for a dictionary; distinct ones write faster without."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return True
    if pa.types.is_nested(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return False
    some = column.slice(0, 1 << 15)
    if pa.types.is_string_view(kind):
        some = pa.array(some.to_pylist(), pa.string())
    return bool(pc.count_distinct(some, mode="all").as_py() * _FEW <= len(some))
