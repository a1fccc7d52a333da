"""Excel workbooks: each sheet is a table, and nothing but the cells passes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.anonymizing.formats.base import Chunk, Opened, Options, as_text, disarmed, reported
from paribus.errors import DataError, OutputError

SUFFIXES = (".xlsx",)

_ROWS = 1 << 14
_MOST_ROWS = 1 << 20
"""Rows of a sheet, the header included: a limit of the format."""
_MOST_CHARACTERS = 32_767
_UNPACKED = 1 << 31
"""Bytes of a part of a workbook at most: texts are shared by all cells, and held in memory."""

_LOST = {
    "comments": r"xl/(comments|threadedComments)",
    "pictures": r"xl/media/",
    "charts": r"xl/charts/",
    "pivot tables and their copies of the data": r"xl/pivot",
    "links to other workbooks": r"xl/externalLinks/",
    "macros": r"xl/vbaProject",
    "queries and connections": r"xl/(connections|queryTables)",
    "custom parts": r"customXml/",
}
_ILLEGAL = re.compile(r"[\000-\010\013\014\016-\037]")

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Kinds:
    """The type of each cell, of columns that hold several."""

    cells: Mapping[str, list[type]]

    def taken(self, rows: npt.NDArray[np.intp], changed: Collection[str]) -> Kinds:
        """Give those of some of the rows; a column that has changed is text."""
        kept = {name: each for name, each in self.cells.items() if name not in changed}
        return Kinds({name: [each[row] for row in rows.tolist()] for name, each in kept.items()})


@dataclass(frozen=True)
class Sheet:
    """One sheet: its first row names the columns."""

    path: Path
    name: str
    hidden: bool
    options: Options

    @cached_property
    def _header(self) -> tuple[list[int], list[str]]:
        """Give the places and names of the columns."""
        cells = next(self._rows(), ())
        if not cells:
            raise DataError(f'the sheet "{self.name}" is empty')
        used = self._kinds
        width = max(len(cells), len(used))
        places = [p for p in range(width) if _filled(cells, p) or (p < len(used) and used[p])]
        for place in places:
            if not _filled(cells, place):
                raise DataError(
                    f'the sheet "{self.name}" has values in column {_letters(place)}, and no name '
                    "for it in the first row"
                )
        return places, [str(cells[place]) for place in places]

    @cached_property
    def _kinds(self) -> list[set[type]]:
        """Say what each column holds; reads the whole sheet."""
        kinds: list[set[type]] = []
        rows = self._rows()
        next(rows, None)
        for cells in rows:
            kinds += [set() for _ in range(len(cells) - len(kinds))]
            for place, value in enumerate(cells):
                if value is not None:
                    kinds[place].add(_kind(value))
        return kinds

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns and types; one that holds several is text."""
        with reported(self.path):
            places, names = self._header
            used = self._kinds
            return pa.schema(
                [
                    (name, _type(used[place] if place < len(used) else set()))
                    for place, name in zip(places, names, strict=True)
                ]
            )

    def numeric(self, names: Collection[str]) -> Sheet:
        """Give the same rows: numbers are numbers."""
        return self

    def chunks(self) -> Iterator[Chunk]:
        """Read the rows; empty ones at the end are none."""
        schema, (places, _) = self.schema, self._header
        waiting: list[Row] = []
        empty = 0
        with reported(self.path):
            rows = self._rows()
            next(rows, None)
            for cells in rows:
                row = tuple(cells[p] if p < len(cells) else None for p in places)
                if all(value is None for value in row):
                    empty += 1
                    continue
                waiting += [(None,) * len(places)] * empty
                waiting.append(row)
                empty = 0
                while len(waiting) >= self._most:
                    yield _chunk(waiting[: self._most], schema)
                    waiting = waiting[self._most :]
            if waiting:
                yield _chunk(waiting, schema)

    @property
    def _most(self) -> int:
        return min(_ROWS, self.options.rows)

    def _rows(self) -> Iterator[Row]:
        with _workbook(self.path) as book:
            sheet = book[self.name]
            # What the file says about its size is often wrong.
            sheet.reset_dimensions()
            for number, cells in enumerate(sheet.iter_rows(), 1):
                yield tuple([self._value(cell, number) for cell in cells])

    def _value(self, cell: Any, row: int) -> Any:
        value = cell.value
        if cell.data_type == "e":
            return str(value)
        if isinstance(value, str) and len(value) > _MOST_CHARACTERS:
            raise DataError(f'row {row:,} of "{self.name}" has a cell of {len(value):,} characters')
        return value


def _filled(cells: Row, place: int) -> bool:
    return place < len(cells) and cells[place] is not None and str(cells[place]).strip() != ""


def _letters(place: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(place + 1))


def _kind(value: Any) -> type:
    if isinstance(value, datetime):
        return date if value.time() == time() else datetime
    return type(value)


def _type(kinds: set[type]) -> pa.DataType:
    if kinds == {date, datetime}:
        return pa.timestamp("us")
    if kinds == {int, float}:
        return pa.float64()
    if len(kinds) > 1:
        return pa.string()
    known = {
        int: pa.int64(),
        float: pa.float64(),
        bool: pa.bool_(),
        date: pa.date32(),
        datetime: pa.timestamp("us"),
        time: pa.time64("us"),
        timedelta: pa.duration("us"),
    }
    return known.get(next(iter(kinds), str), pa.string()) if kinds else pa.null()


def _chunk(rows: list[Row], schema: pa.Schema) -> Chunk:
    columns, mixed = [], {}
    for values, each in zip(zip(*rows, strict=True), schema, strict=True):
        if pa.types.is_string(each.type):
            texts = [
                None if v is None else v if isinstance(v, str) else _written(v) for v in values
            ]
            columns.append(pa.array(texts, pa.string()))
            if any(v is not None and not isinstance(v, str) for v in values):
                mixed[each.name] = [_kind(v) for v in values]
        else:
            try:
                columns.append(pa.array(values, each.type))
            except (pa.ArrowException, OverflowError):
                raise DataError(f'"{each.name}" holds a number of more than 64 bits') from None
    return Chunk(pa.RecordBatch.from_arrays(columns, schema=schema), Kinds(mixed))


def _written(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        plain = value.date() if _kind(value) is date and isinstance(value, datetime) else value
        return plain.isoformat()
    return str(value)


def _read_again(text: str | None, kind: type) -> Any:
    """Give the cell of a column of several types the type that it had, where it still fits."""
    if text is None:
        return None
    with suppress(ValueError, KeyError):
        if kind is bool:
            return {"True": True, "False": False}[text]
        if kind in (int, float):
            return kind(text)
        if kind in (date, datetime, time):
            return kind.fromisoformat(text)
    return text


# --- what a workbook holds ------------------------------------------------------------------------


@contextmanager
def _workbook(path: Path, *, formulas: bool = False) -> Iterator[Any]:
    import warnings

    try:
        import openpyxl
    except ImportError:
        raise DataError(
            'Excel workbooks need openpyxl; install it with: pip install "paribus[excel]"'
        ) from None
    with path.open("rb") as file, warnings.catch_warnings():
        # What openpyxl does not understand does not pass anyway.
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(file, read_only=True, data_only=not formulas)
        try:
            yield book
        finally:
            book.close()


def opened(path: Path, options: Options) -> Opened:
    """List the sheets of a workbook, and what of it does not pass.

    Raises
    ------
    DataError
        Where it is no workbook, is encrypted, or holds a formula without a value.
    """
    with reported(path):
        try:
            notes = _lost(path)
            with _workbook(path) as book:
                sheets = [
                    Sheet(path, sheet.title, sheet.sheet_state != "visible", options)
                    for sheet in book.worksheets
                    if next(sheet.iter_rows(), None)
                ]
            formulas = _formulas(path)
        except (KeyError, zipfile.BadZipFile, EOFError) as error:
            raise _no_workbook(path, error) from None
        if not sheets:
            raise DataError("no sheet of the workbook has rows")
    if formulas:
        notes = (f"{formulas:,} formulas became their values", *notes)
    return Opened(tuple(sheets), None, notes)


def _no_workbook(path: Path, error: Exception) -> DataError:
    with path.open("rb") as file:
        # An encrypted workbook is not a ZIP file but an OLE one, as .xls was.
        if file.read(4) == b"\xd0\xcf\x11\xe0":
            return DataError(
                "cannot be read: it is encrypted or an old .xls workbook; save it as .xlsx without "
                "a password"
            )
    return DataError("cannot be read: it is damaged, or no .xlsx workbook")


def _lost(path: Path) -> tuple[str, ...]:
    with ZipFile(path) as archive:
        for part in archive.infolist():
            if part.file_size > _UNPACKED:
                raise DataError("unpacks to more than 2 GB; save it as CSV or Parquet")
        names = archive.namelist()
        found = [what for what, where in _LOST.items() if any(re.match(where, n) for n in names)]
        heads = [
            _head(archive, name)
            for name in names
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)
        ]
        if any(re.search(r'<(?:\w+:)?col\b[^>]*\bhidden="(?:1|true)"', head) for head in heads):
            found.append("that columns are hidden (they are treated as all others)")
        book = _head(archive, "xl/workbook.xml")
        if "definedName" in book:
            found.append("defined names")
    found.append("document properties, such as the author")
    return tuple(f"does not pass: {what}" for what in found)


def _head(archive: ZipFile, name: str) -> str:
    with archive.open(name) as file:
        text = file.read(1 << 18).decode("utf-8", "replace")
    return text.split("<sheetData", 1)[0]


def _formulas(path: Path) -> int:
    """Count formulas; refuses one that nobody has calculated."""
    if not _any_formula(path):
        return 0
    found = 0
    with _workbook(path, formulas=True) as book, _workbook(path) as values:
        for sheet in book.worksheets:
            known = values[sheet.title]
            sheet.reset_dimensions()
            known.reset_dimensions()
            for told, held in zip(sheet.iter_rows(), known.iter_rows(), strict=True):
                for cell, value in zip(told, held, strict=True):
                    if cell.data_type != "f":
                        continue
                    found += 1
                    # Text that is empty is a value too, and comes as none of the type "str".
                    if value.value is None and value.data_type != "str":
                        raise DataError(
                            f'the sheet "{sheet.title}" has a formula without a value in '
                            f"{cell.coordinate}; open the workbook in Excel and save it"
                        )
    return found


def _any_formula(path: Path) -> bool:
    with ZipFile(path) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                with archive.open(name) as file:
                    rest = b""
                    while block := file.read(1 << 20):
                        if re.search(rb"<(?:\w+:)?f[ >/]", rest + block):
                            return True
                        rest = block[-16:]
    return False


# --- writing --------------------------------------------------------------------------------------


def writer(path: Path, target: Path, style: Any) -> ExcelWriter:
    """Write a new workbook."""
    return ExcelWriter(path, target)


class ExcelWriter:
    """Writes a workbook, row by row."""

    def __init__(self, path: Path, target: Path) -> None:
        try:
            from openpyxl import Workbook
        except ImportError:
            raise OutputError(
                'Excel workbooks need openpyxl; install it with: pip install "paribus[excel]"'
            ) from None
        self._path, self._target = path, target
        self._book = Workbook(write_only=True)
        self._book.properties.creator = None
        self._sheet: Any = None
        self._names: tuple[str, ...] = ()
        self._changed = self._rows = 0

    def begin(self, name: str, schema: pa.Schema, names: Sequence[str]) -> None:
        """Start a sheet with its header."""
        self._sheet = self._book.create_sheet(name or "Sheet1")
        self._rows = 0
        self._names = tuple(names)
        header, changed = disarmed(pa.array(schema.names, pa.string()))
        self._changed += changed
        self._append(header.to_pylist())

    def write(self, chunk: Chunk) -> None:
        """Write some rows."""
        mixed = chunk.aside.cells if isinstance(chunk.aside, Kinds) else {}
        columns = [
            self._cells(column, mixed.get(name))
            for name, column in zip(self._names, chunk.batch.columns, strict=True)
        ]
        for row in zip(*columns, strict=True):
            self._append(row)

    def _cells(self, column: pa.Array, kinds: list[type] | None) -> list[Any]:
        if isinstance(column, pa.DictionaryArray):
            column = column.dictionary_decode()
        kind = column.type
        if (
            pa.types.is_integer(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_date(kind)
            or pa.types.is_time(kind)
            or pa.types.is_duration(kind)
            or (pa.types.is_timestamp(kind) and kind.tz is None)
        ):
            return self._plain(column)
        if pa.types.is_floating(kind):
            return [None if v is None or v - v != 0 else v for v in column.to_pylist()]
        texts, changed = disarmed(as_text(column))
        self._changed += changed
        cells: list[Any] = texts.to_pylist()
        self._check(cells)
        if kinds is None:
            return cells
        return [_read_again(text, kind) for text, kind in zip(cells, kinds, strict=True)]

    def _plain(self, column: pa.Array) -> list[Any]:
        if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):
            unit = pa.duration("us") if pa.types.is_duration(column.type) else pa.timestamp("us")
            column = column.cast(unit, safe=False)
        if pa.types.is_time(column.type):
            column = column.cast(pa.time64("us"), safe=False)
        values: list[Any] = column.to_pylist()
        return values

    def _check(self, texts: list[str | None]) -> None:
        for text in texts:
            if text is not None and len(text) > _MOST_CHARACTERS:
                raise self._refused(f"a cell of {len(text):,} characters is too long for Excel")
            if text is not None and _ILLEGAL.search(text):
                raise self._refused("a cell holds a control character, which Excel does not know")

    def _append(self, row: Any) -> None:
        self._rows += 1
        if self._rows > _MOST_ROWS:
            raise self._refused(f"Excel has {_MOST_ROWS:,} rows a sheet; write CSV or Parquet")
        self._sheet.append(row)

    def _refused(self, why: str) -> OutputError:
        return OutputError(f'"{self._target}" cannot be written: {why}')

    def close(self) -> tuple[str, ...]:
        """Write the workbook."""
        self._book.save(self._path)
        if not self._changed:
            return ()
        return (f"{self._changed:,} cells that start a formula got an apostrophe",)

    def abandon(self) -> None:
        """Let go of the workbook: of its sheets, which wait in temporary files."""
        with suppress(Exception):
            self._book.save(self._path)
