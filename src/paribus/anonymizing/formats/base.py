"""What a format of tables is: a file whose suffix names it, and the same two functions in each.

``opened(path, options)`` says what a file holds without reading more than it must, and
``writer(path, target, style)`` writes it anew. Rows pass in chunks, so that no table need fit into
memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus._plugins import Family
from paribus.errors import DataError

FORMATS = Family("paribus.anonymizing.formats", "format of tables")

LONGEST = 1 << 24
"""Bytes of a row at most in what is read as text: more in one cell is refused unread."""

_OFFICE = {
    ".xls": "is an old Excel workbook; save it as .xlsx",
    ".xlsb": "is a binary Excel workbook; save it as .xlsx",
    ".xlsm": "is an Excel workbook with macros; save it as .xlsx",
    ".ods": "is an OpenDocument table; save it as .xlsx",
    ".json": "is JSON in one piece; save it as JSON lines (.jsonl), one object a line",
}


@dataclass(frozen=True)
class Options:
    """How files are read, where they do not say so themselves."""

    encoding: str = "utf-8"
    """Of text files; what is written is UTF-8."""
    hidden: Literal["refuse", "include", "drop"] = "refuse"
    """What becomes of hidden sheets that no declaration names."""
    rows: int = 1 << 17
    """Rows of a chunk at most."""


class Aside(Protocol):
    """What a format remembers of how some rows were written."""

    def taken(self, rows: npt.NDArray[np.intp], changed: Collection[str]) -> Any:
        """Give the same for some of the rows; nothing is remembered of the columns changed."""


@dataclass(frozen=True)
class Chunk:
    """Some rows, and what the format wants to remember of how they were written."""

    batch: pa.RecordBatch
    aside: Aside | None = None


class Part(Protocol):
    """One table of a file."""

    @property
    def name(self) -> str:
        """Name of the sheet; empty where a file is one table."""

    @property
    def schema(self) -> pa.Schema:
        """Columns and types, without metadata."""

    @property
    def hidden(self) -> bool:
        """Whether who opens the file does not see it."""

    def chunks(self) -> Iterator[Chunk]:
        """Read the rows from the start; may be called again."""

    def numeric(self, names: Collection[str]) -> Part:
        """Give the same rows with numbers in the named columns, where a format knows only text."""


@dataclass(frozen=True)
class Opened:
    """What is known of a file before its rows are read."""

    parts: Sequence[Part]
    style: Any = None
    """How it is written, for the writer of the same format."""
    notes: tuple[str, ...] = ()
    """What of it does not pass, in a sentence each."""


class Writer(Protocol):
    """Writes one file, a table after the other."""

    def begin(self, name: str, schema: pa.Schema, names: Sequence[str]) -> None:
        """Start a table; `names` are those that its columns had in the original."""

    def write(self, chunk: Chunk) -> None:
        """Write some rows of it."""

    def close(self) -> tuple[str, ...]:
        """Finish the file; gives notes about what was changed in writing."""

    def abandon(self) -> None:
        """Let go of the file: it will be thrown away."""


class Format(Protocol):
    """What the file of a format offers."""

    SUFFIXES: tuple[str, ...]

    def opened(self, path: Path, options: Options) -> Opened:
        """Say what a file holds."""

    def writer(self, path: Path, target: Path, style: Any) -> Writer:
        """Write to `path`, which will have the name `target`."""


def format_of(path: Path) -> Format:
    """Find the format of a file by its suffix.

    Raises
    ------
    DataError
        Where there is none; says in which form the table would be read.
    """
    found = known(path)
    if found is not None:
        return found
    why = _OFFICE.get(path.suffix.lower())
    if why is None:
        listed = ", ".join(s for kind in FORMATS.kinds() for s in _format(kind).SUFFIXES)
        why = f"is no table that can be read here ({listed})"
    raise DataError(f'"{path}" {why}')


def known(path: Path) -> Format | None:
    """Find the format of a file by its suffix; gives none where there is none."""
    name = path.name.lower()
    formats = map(_format, FORMATS.kinds())
    return next((each for each in formats if name.endswith(each.SUFFIXES)), None)


def _format(kind: str) -> Format:
    return cast("Format", FORMATS.module(kind))


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn what goes wrong in reading a file into one sentence that names it.

    What others say about the content of a file is not repeated: it may be what must not be seen.
    """
    try:
        yield
    except DataError as error:
        where = "" if error.message.startswith(f'"{path}"') else f'"{path}": '
        raise DataError(f"{where}{error.message}", path=error.path) from None
    except FileNotFoundError:
        raise DataError(f'"{path}": there is no such file') from None
    except (MemoryError, pa.ArrowCapacityError):
        raise DataError(f'"{path}": a cell is too large for the memory there is') from None
    except (pa.ArrowException, ValueError):
        raise DataError(f'"{path}": cannot be read: it is damaged') from None
    except OSError as error:
        why = error.strerror or "it is damaged"
        raise DataError(f'"{path}": cannot be read: {why}') from None


def bare(schema: pa.Schema) -> pa.Schema:
    """Give a schema without metadata, nested fields too, and extension types as what they store."""
    return pa.schema([_bare(field) for field in schema])


def _bare(field: pa.Field) -> pa.Field:
    return pa.field(field.name, _bare_type(field.type), field.nullable)


def _bare_type(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.ExtensionType | pa.BaseExtensionType):
        return _bare_type(kind.storage_type)
    if pa.types.is_struct(kind):
        return pa.struct([_bare(kind.field(i)) for i in range(kind.num_fields)])
    if pa.types.is_map(kind):
        return pa.map_(_bare(kind.key_field), _bare(kind.item_field), kind.keys_sorted)
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_bare(kind.value_field), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(_bare(kind.value_field))
    if pa.types.is_list(kind):
        return pa.list_(_bare(kind.value_field))
    return kind


def stripped(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give rows with a bare schema."""
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        plain = column.storage if isinstance(column, pa.ExtensionArray) else column
        columns.append(plain if plain.type == field.type else plain.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def gathered(
    batches: Iterable[pa.RecordBatch], rows: int, most: int = LONGEST
) -> Iterator[pa.RecordBatch]:
    """Put small batches together, and cut large ones, to some rows each, or some bytes."""
    waiting: list[pa.RecordBatch] = []
    length = size = 0
    for batch in batches:
        while batch.num_rows:
            part = batch.slice(0, rows - length)
            batch = batch.slice(part.num_rows)
            waiting.append(part)
            length, size = length + part.num_rows, size + part.nbytes
            if length >= rows or size > most:
                yield joined(waiting)
                waiting, length, size = [], 0, 0
    if waiting:
        yield joined(waiting)


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Make one batch of several."""
    if len(batches) == 1:
        return batches[0]
    # `pyarrow.concat_batches` is not in pyarrow 18.
    columns = [
        pa.concat_arrays([batch.column(i) for batch in batches])
        for i in range(batches[0].num_columns)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batches[0].schema)


# --- formulas -------------------------------------------------------------------------------------

_STARTS = "^[=@\t\r\n＝＠＋－+-]"
_NUMBERS = r"^[+-](?:[\d\s().,-]*|[\d.,]*\d[\d.,]*[eE][+-]?\d+|inf|infinity|nan)$"
"""Phone numbers and negative numbers, which call nothing."""


def disarmed(texts: pa.Array) -> tuple[pa.Array, int]:
    """Put an apostrophe before text that a spreadsheet would run as a formula (OWASP).

    Parameters
    ----------
    texts : pyarrow.Array of string or large_string, shape (n,)

    Returns
    -------
    texts : pyarrow.Array, shape (n,)
    changed : int
        How many.

    Examples
    --------
    >>> made, changed = disarmed(pa.array(["=1+1", "-3.5e-07", "+1-325-100", None, "-cmd"]))
    >>> made.to_pylist(), changed
    (["'=1+1", '-3.5e-07', '+1-325-100', None, "'-cmd"], 2)
    """
    suspicious = pc.match_substring_regex(texts, _STARTS)
    if not pc.any(suspicious).as_py():
        return texts, 0
    runs = pc.and_not(suspicious, pc.match_substring_regex(texts, _NUMBERS))
    changed = pc.sum(runs).as_py() or 0
    if not changed:
        return texts, 0
    mark, nothing = pa.scalar("'", texts.type), pa.scalar("", texts.type)
    return pc.if_else(runs, pc.binary_join_element_wise(mark, texts, nothing), texts), changed


def as_text(column: pa.Array) -> pa.Array:
    """Write values of any type as text, for formats that have nothing else."""
    kind = column.type
    if isinstance(column, pa.DictionaryArray):
        return as_text(column.dictionary).take(column.indices)
    if pa.types.is_large_string(kind):
        return column
    plain = pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    odd = pa.types.is_duration(kind) or pa.types.is_interval(kind)
    if pa.types.is_string(kind) or pa.types.is_string_view(kind) or (plain and not odd):
        return column.cast(pa.large_string())
    texts = [None if value is None else str(value) for value in column.to_pylist()]
    return pa.array(texts, pa.large_string())
