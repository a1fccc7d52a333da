"""CSV, as it was written: delimiter, quotes, line ends and every character of what is kept."""

from __future__ import annotations

import codecs
import csv as python_csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from paribus._files import MISSING
from paribus.anonymizing.formats.base import (
    LONGEST,
    Chunk,
    Opened,
    Options,
    as_text,
    disarmed,
    gathered,
    reported,
)
from paribus.errors import DataError

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")

_BOM = codecs.BOM_UTF8
_HEAD = 1 << 16
_BLOCK = 1 << 20
"""Bytes that are read at a time, of which Arrow reads up to 32 ahead; longer rows need more."""
_WORDS = pa.array([word for word in MISSING if word], pa.string())


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    delimiter: str = ","
    newline: str = "\n"
    bom: bool = False
    quoted: bool = False
    """Whether every text is in quotes, also where none are needed."""


@dataclass(frozen=True)
class Words:
    """Words such as NA, which were taken for missing; null in the rows that had none."""

    texts: Mapping[str, pa.Array]

    def taken(self, rows: npt.NDArray[np.intp], changed: Collection[str]) -> Words:
        """Give those of some of the rows; in a column that has changed, missing is empty."""
        kept = {name: each for name, each in self.texts.items() if name not in changed}
        return Words({name: each.take(pa.array(rows)) for name, each in kept.items()})


@dataclass(frozen=True)
class CsvPart:
    """The rows of a CSV. Every value is text, so that what is kept is kept to the letter."""

    path: Path
    dialect: Dialect
    options: Options
    name: str = ""
    hidden: bool = False
    numbers: Mapping[str, pa.DataType] = field(default_factory=dict)
    """Columns that are read as numbers: what replaces them calculates."""

    @property
    def schema(self) -> pa.Schema:
        """Columns: text, save where numbers are needed."""
        return pa.schema([(name, self.numbers.get(name, pa.string())) for name in self._header])

    @cached_property
    def _header(self) -> list[str]:
        with reported(self.path):
            try:
                names = self._names(_BLOCK)
            except pa.ArrowInvalid as error:
                if "straddl" not in str(error):
                    raise self._mistake(error) from None
                try:
                    names = self._names(LONGEST)
                except pa.ArrowInvalid as longer:
                    raise self._mistake(longer) from None
        return names

    def _names(self, block: int) -> list[str]:
        with _stream(self.path) as file:
            try:
                names: list[str] = self._reader(file, None, block).schema.names
            except UnicodeDecodeError:
                raise _undecodable(self.path, self.options.encoding) from None
            except pa.ArrowInvalid as error:
                if "Empty CSV" not in str(error):
                    raise
                names = _lone_header(self.path, self.dialect, self.options.encoding)
        return names

    def _reader(self, file: Any, types: dict[str, pa.DataType] | None, block: int) -> Any:
        # Empty lines are no rows, save where a row is one value, which may be missing.
        lone = types is not None and len(self._header) == 1
        return csv.open_csv(
            file,
            read_options=csv.ReadOptions(
                use_threads=False, block_size=block, encoding=self.options.encoding
            ),
            parse_options=csv.ParseOptions(
                delimiter=self.dialect.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=not lone,
            ),
            convert_options=csv.ConvertOptions(
                column_types=types,
                include_columns=None if types is None else list(types),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
                # Where the types are not known yet, nothing is to be made of the values.
                auto_dict_encode=types is None,
            ),
        )

    def chunks(self) -> Iterator[Chunk]:
        """Read the rows, block after block of the file."""
        with reported(self.path):
            last: pa.RecordBatch | None = None
            for batch in gathered(self._batches(self._header), self.options.rows):
                last = batch.slice(batch.num_rows - 1)
                yield self._numbered(_without_missing(batch, self.numbers))
            if last is not None and self._open_ended(last):
                raise DataError("a quotation mark is opened and never closed")

    def _numbered(self, chunk: Chunk) -> Chunk:
        if not self.numbers:
            return chunk
        columns = [
            _number(column, field.type) if field.name in self.numbers else column
            for column, field in zip(chunk.batch.columns, self.schema, strict=True)
        ]
        return Chunk(pa.RecordBatch.from_arrays(columns, schema=self.schema), chunk.aside)

    def numeric(self, names: Collection[str]) -> CsvPart:
        """Give the same rows, with numbers where all values of a named column are."""
        kinds: dict[str, pa.DataType] = {n: pa.int64() for n in self._header if n in names}
        if not kinds:
            return self
        with reported(self.path):
            for batch in gathered(self._batches(list(kinds)), self.options.rows):
                read = _without_missing(batch, kinds).batch
                for name, kind in list(kinds.items()):
                    kinds |= {name: _wide_enough(read.column(name), kind)}
                    if kinds[name] is None:
                        del kinds[name]
        return replace(self, numbers=kinds)

    def _batches(self, names: Collection[str]) -> Iterator[pa.RecordBatch]:
        types = {name: pa.string() for name in names}
        passed = 0
        for block in (_BLOCK, LONGEST):
            skip = passed
            try:
                with _stream(self.path) as file:
                    for batch in self._reader(file, types, block):
                        rest = batch.slice(min(skip, batch.num_rows))
                        skip -= batch.num_rows - rest.num_rows
                        passed += rest.num_rows
                        yield rest
                return
            except pa.ArrowInvalid as error:
                if "Empty CSV" in str(error):
                    return
                if "straddl" not in str(error) or block == LONGEST:
                    raise self._mistake(error) from None
                # Again with larger blocks, behind the rows that have passed.

    def _open_ended(self, last: pa.RecordBatch) -> bool:
        text = last.column(last.num_columns - 1)[0].as_py() or ""
        if "\n" not in text and "\r" not in text:
            return False
        with _stream(self.path) as file:
            tail = b""
            while block := file.read(1 << 20):
                tail = (tail + block)[-64:]
        return not tail.rstrip(b"\r\n").endswith(b'"')

    def _mistake(self, error: pa.ArrowInvalid) -> DataError:
        told = str(error)
        ragged = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", told)
        if ragged:
            return DataError(
                f"row {ragged[1]} has {ragged[3]} values and the header has {ragged[2]} columns"
            )
        if "straddl" in told:
            return DataError(
                f"a row is longer than {LONGEST >> 20} MB, or a quotation mark is never closed"
            )
        if "UTF" in told or "decode" in told or "invalid" in told.lower():
            return _undecodable(self.path, self.options.encoding)
        return DataError("cannot be read: its rows differ in length")


def opened(path: Path, options: Options) -> Opened:
    """Look at the first rows of a CSV.

    Raises
    ------
    DataError
        Where it is missing, empty, not UTF-8, or its first rows differ in length.
    """
    with reported(path), _stream(path) as file:
        head = file.read(_HEAD)
    if not head:
        raise DataError(f'"{path}": the file is empty')
    if head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} and _utf8(options.encoding):
        raise DataError(f'"{path}": it is UTF-16; save it as UTF-8, or name encoding="utf-16"')
    dialect = _sniffed(path, head, options.encoding)
    part = CsvPart(path, dialect, options)
    _ = part.schema  # read now, so that what is wrong with it is said now
    notes = () if _utf8(options.encoding) else (f"{options.encoding} became UTF-8",)
    return Opened((part,), dialect, notes)


def _utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig", "ascii"}


def _stream(path: Path) -> Any:
    # Compression is recognized by the name: what is written has the same.
    if not path.is_file():
        raise FileNotFoundError(path)
    packed = path.name.lower().endswith(".gz")
    return pa.input_stream(str(path), compression="gzip" if packed else None)


def _sniffed(path: Path, head: bytes, encoding: str) -> Dialect:
    bom = head.startswith(_BOM)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head).removeprefix("\ufeff")
    ends = [end for end in ("\r\n", "\n", "\r") if end in text]
    newline = min(ends, key=lambda end: (text.index(end), -len(end)), default="\n")
    preferred = "\t" if ".tsv" in path.name.lower() else ","
    whole = len(head) < _HEAD

    def columns(delimiter: str) -> tuple[bool, int, bool]:
        rows = list(islice(python_csv.reader(text.splitlines(True), delimiter=delimiter), 21))
        # The last row may be cut off in its middle.
        kept = [row for row in (rows if whole and len(rows) < 21 else rows[:-1]) if row]
        width = len((kept or rows or [[]])[0])
        same = all(len(row) == width for row in kept)
        return same and width > 1, width, delimiter == preferred

    try:
        delimiter = max([preferred, *",;\t|"], key=columns)
        if columns(delimiter)[1] < 2:
            delimiter = preferred
    except python_csv.Error:
        delimiter = preferred
    header = text.split(newline, 1)[0]
    quoted = (
        header.startswith('"')
        and header.endswith('"')
        and f'{delimiter}"' in header + f'{delimiter}"'
    )
    quoted = quoted and header.count('"') >= 2 * (header.count(delimiter) + 1)
    return Dialect(delimiter, newline, bom, quoted)


def _lone_header(path: Path, dialect: Dialect, encoding: str) -> list[str]:
    """Read a header that no row follows, nor even a line end."""
    with _stream(path) as file:
        text = file.read(_HEAD).decode(encoding).removeprefix("\ufeff").strip("\r\n")
    if not text:
        raise DataError("the file is empty")
    return next(python_csv.reader([text], delimiter=dialect.delimiter))


def _undecodable(path: Path, encoding: str) -> DataError:
    """Find the first byte that is no text."""
    with ExitStack() as stack:
        file = stack.enter_context(_stream(path))
        decoder = codecs.getincrementaldecoder(encoding)()
        passed, lines = 0, 1
        while True:
            block = file.read(1 << 20)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line = lines + error.object[: error.start].count(b"\n")
                byte = passed - held + error.start
                return DataError(
                    f"byte {byte:,} (line {line:,}) is not {encoding.upper()} text; save the file "
                    'as UTF-8, or name its encoding, such as encoding="latin-1"'
                )
            passed, lines = passed + len(block), lines + block.count(b"\n")
            if not block:
                return DataError("cannot be read: its rows differ in length")


def _number(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    return pc.utf8_trim_whitespace(texts).cast(kind)


def _wide_enough(texts: pa.Array, kind: pa.DataType) -> pa.DataType | None:
    for wider in dict.fromkeys((kind, pa.float64())):
        try:
            _number(texts, wider)
        except pa.ArrowInvalid:
            continue
        return wider
    return None


def _without_missing(batch: pa.RecordBatch, numbers: Collection[str]) -> Chunk:
    """Take words such as NA for missing, and blanks among numbers, and remember them."""
    columns, words = list(batch.columns), {}
    for place, column in enumerate(columns):
        said = pc.is_in(column, value_set=_WORDS)
        if batch.schema.names[place] in numbers:
            said = pc.or_(said, pc.equal(pc.utf8_trim_whitespace(column), ""))
        if pc.any(said).as_py():
            # `if_else` of pyarrow 18 breaks the offsets of what is a slice.
            nothing = pa.scalar(None, column.type)
            spoken = pc.replace_with_mask(column, pc.invert(said.fill_null(False)), nothing)
            words[batch.schema.names[place]] = spoken
            columns[place] = pc.replace_with_mask(column, said, nothing)
    if not words:
        return Chunk(batch)
    return Chunk(pa.RecordBatch.from_arrays(columns, schema=batch.schema), Words(words))


# --- writing --------------------------------------------------------------------------------------


def writer(path: Path, target: Path, style: Any) -> CsvWriter:
    """Write a CSV as the original was written, or with commas where there is none."""
    tabs = ".tsv" in target.name.lower()
    dialect = style if isinstance(style, Dialect) else Dialect("\t" if tabs else ",")
    return CsvWriter(path, dialect, packed=target.name.lower().endswith(".gz"))


class CsvWriter:
    """Writes rows as text, quoted where they must be."""

    def __init__(self, path: Path, dialect: Dialect, *, packed: bool) -> None:
        self._file: IO[bytes] = _target(path, packed=packed)
        self._dialect = dialect
        self._needs = re.escape(dialect.delimiter)
        self._changed = 0
        self._names: tuple[str, ...] = ()

    def begin(self, name: str, schema: pa.Schema, names: Sequence[str]) -> None:
        """Write the header."""
        self._names = tuple(names)
        if self._dialect.bom:
            self._file.write(_BOM)
        self._write([pa.array([each], pa.large_string()) for each in schema.names])

    def write(self, chunk: Chunk) -> None:
        """Write some rows."""
        words = chunk.aside.texts if isinstance(chunk.aside, Words) else {}
        columns = []
        for name, column in zip(self._names, chunk.batch.columns, strict=True):
            texts = as_text(column)
            if name in words:
                texts = pc.coalesce(texts, words[name].cast(pa.large_string()))
            columns.append(texts)
        if columns and chunk.batch.num_rows:
            self._write(columns)

    def _write(self, columns: list[pa.Array]) -> None:
        written = [self._quoted(column) for column in columns]
        if len(written) > 1:
            lines = pc.binary_join_element_wise(*written, _text(self._dialect.delimiter))
        else:
            lines = written[0]
        ended = pc.binary_join_element_wise(lines, _text(""), _text(self._dialect.newline))
        _, offsets, data = ended.buffers()
        # Offset by offset of no slice: the array was made here.
        self._file.write(memoryview(data)[: ended.offset + _end(offsets, len(ended))])

    def _quoted(self, column: pa.Array) -> pa.Array:
        texts, changed = disarmed(column)
        self._changed += changed
        marks = pc.match_substring_regex(texts, f'["\r\n]|{self._needs}')
        # An empty text is not a missing one.
        needed = pc.or_(marks, pc.equal(texts, ""))
        quote = pc.is_valid(texts) if self._dialect.quoted else needed
        if pc.any(quote).as_py():
            doubled = texts
            if pc.any(marks).as_py():
                doubled = pc.replace_substring(texts, '"', '""')
            marked = pc.binary_join_element_wise(_text('"'), doubled, _text('"'), _text(""))
            texts = pc.if_else(quote, marked, texts)
        return pc.fill_null(texts, "")

    def close(self) -> tuple[str, ...]:
        """Finish the file."""
        self._file.close()
        if not self._changed:
            return ()
        return (f"{self._changed:,} cells that start a formula got an apostrophe",)

    def abandon(self) -> None:
        """Let go of the file."""
        self._file.close()


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())


def _end(offsets: pa.Buffer, rows: int) -> int:
    return int.from_bytes(memoryview(offsets)[8 * rows : 8 * rows + 8].tobytes(), "little")


def _target(path: Path, *, packed: bool) -> Any:
    return pa.output_stream(str(path), compression="gzip" if packed else None)
