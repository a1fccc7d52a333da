"""Files: tables read and written, and everything written whole or not at all."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from paribus.errors import DataError, OutputError, nearest

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def atomic(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place only when everything has been written.

    A symbolic link stays one: the file that it leads to is replaced. A pipe or a device cannot be
    replaced, and is written to as it is.

    Raises
    ------
    OutputError
        Where the path cannot be written. An error inside the block leaves what was there before.
    """
    check_writable(path)
    with _reported(path), _stream(path) if _is_stream(path) else _replacement(path) as file:
        yield file


@contextmanager
def _reported(path: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f'"{path}" cannot be written: {error.strerror or error}') from None


def _is_stream(path: str | Path) -> bool:
    return Path(path).exists() and not Path(path).is_file()


def _stream(path: str | Path) -> IO[bytes]:
    return Path(path).open("wb")


@contextmanager
def _replacement(path: str | Path) -> Iterator[IO[bytes]]:
    target = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).chmod(_mode(target))
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)


def _mode(target: Path) -> int:
    """Give the mode of the replaced file, else that of any new one: mkstemp's is for its owner."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def check_writable(path: str | Path) -> None:
    """Raise where a file cannot be written, before the work that would fill it.

    Raises
    ------
    OutputError
        Where the folder does not exist, or must not be written to, or the path is a folder.
    """
    if "\0" in str(path):
        raise OutputError(f'"{path}" cannot be written: no path holds a null character')
    with _reported(path):
        if Path(path).is_dir():
            raise OutputError(f'"{path}" is a folder; name a file')
        if _is_stream(path):
            if not os.access(path, os.W_OK):
                raise OutputError(f'"{path}" cannot be written: it is read-only')
            return
        folder = Path(os.path.realpath(path)).parent
        if not folder.is_dir():
            raise OutputError(f'"{path}" cannot be written: there is no folder "{folder}"')
        if not os.access(folder, os.W_OK):
            raise OutputError(f'"{path}" cannot be written: the folder is read-only')


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write bytes to a file whole or not at all."""
    with atomic(path) as file:
        file.write(content)


# --- tables ---------------------------------------------------------------------------------------

_WRITTEN = (".csv", ".parquet", ".pq")

_LINE = 1 << 20
"""Bytes of a header at most."""

_BLOCK = 1 << 25
"""Bytes of a line of JSON at most."""

_BOM = b"\xef\xbb\xbf"

_CELL = rb'(?:^|[;\t|\n])"?[+-]?%s"?(?=$|[;\t|\r\n])'
# 54,000 may be a number of thousands: it proves nothing.
_DECIMAL_COMMA = re.compile(_CELL % rb"(?:\d+,(?:\d{1,2}|\d{4,})|(?:0|\d{4,}),\d{3})")
_NO_DECIMAL_COMMA = re.compile(_CELL % rb"(?:\d+\.\d+|\d{1,3}(?:,\d{3}){2,})")

_UNPACKED = 1 << 31
"""Bytes of a part of a workbook at most."""

_UNCALCULATED = re.compile(rb'<c (?![^>]*t="str")[^>]*><f[^>]*>[^<]*</f>(?:<v\s*/>|<v></v>)?</c>')

MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""What `pandas.read_csv` takes for a missing value."""

_UNSEEN = r"[\x00-\x20\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*"
"""Blanks, and what is not seen: spreadsheets drop some of them."""

_FORMULA = re.compile(rf"^(?:[\t\r\n]|{_UNSEEN}(?:[=@＝＠＋－]|[+-](?![\d\s().,-]*$)))")
"""Text that a spreadsheet would run; a phone number such as +1-325-100 cannot call anything."""


def read_table(path: str | Path, sheet: str | None = None) -> pa.Table:
    """Read a file of CSV, Parquet, Excel or JSON lines.

    Dates in text stay text, as in `pandas.read_csv`: a model has seen what its training read. Those
    of a workbook are dates, as in `pandas.read_excel`.

    Parameters
    ----------
    path : str or Path
        The suffix says the format: ``.csv``, ``.tsv``, ``.parquet``, ``.pq``, ``.xlsx``,
        ``.jsonl`` or ``.ndjson``.
    sheet : str, optional
        That of a workbook; the first one where left out.

    Raises
    ------
    DataError
        Where the file is missing, empty, ragged or not UTF-8; the caller names the file.
    """
    import pyarrow as pa

    source = Path(path)
    suffix = source.suffix.lower()
    if suffix not in _READ:
        raise DataError(f"is no table that can be read here ({', '.join(_READ)})")
    if sheet is not None and suffix != ".xlsx":
        raise DataError("is no workbook, and has no sheets; leave the sheet out")
    try:
        return _read_excel(source, sheet) if suffix == ".xlsx" else _READ[suffix](source)
    except FileNotFoundError:
        raise DataError("there is no such file") from None
    except (ValueError, pa.ArrowException) as error:
        # Arrow's own errors, and Python's of a path that holds a null character.
        raise DataError(f"cannot be read: {_reason(error)}") from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or _first_line(error)}") from None


def delimiter_of(source: Path) -> str:
    """Tell by the first line of a CSV file what stands between its columns.

    A comma, unless the line has none and has semicolons, tabs or bars; in a ``.tsv`` a tab.
    """
    if source.suffix.lower() == ".tsv":
        return "\t"
    with source.open("rb") as file:
        line = file.readline(_LINE)
    marks = max((";", "\t", "|"), key=lambda mark: line.count(mark.encode()))
    return "," if b"," in line or marks.encode() not in line else marks


def decimal_of(source: Path) -> str:
    """Tell by the first rows of a CSV file whether its numbers have a decimal comma.

    They can where columns are apart by something else, as where Excel writes German or French, and
    where some number shows that its comma does not part thousands.
    """
    if delimiter_of(source) == ",":
        return "."
    with source.open("rb") as file:
        head = file.read(_LINE)
    return "," if _DECIMAL_COMMA.search(head) and not _NO_DECIMAL_COMMA.search(head) else "."


def _read_csv(source: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    with source.open("rb") as file:
        head = file.read(2)
    if not head:
        raise pa.ArrowInvalid("the file is empty")
    if head in {b"\xff\xfe", b"\xfe\xff"}:
        raise pa.ArrowInvalid("UTF-16 is not UTF-8")

    def read(types: dict[str, pa.DataType]) -> pa.Table:
        return csv.read_csv(
            source,
            parse_options=csv.ParseOptions(delimiter=delimiter_of(source), newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                strings_can_be_null=True,
                null_values=MISSING,
                column_types=types,
                decimal_point=decimal_of(source),
            ),
        )

    table = read({})
    if any(pa.types.is_binary(column.type) for column in table.schema):
        # Arrow takes text that it cannot decode for bytes.
        raise pa.ArrowInvalid("a value is not UTF-8")
    types = {f.name: pa.string() for f in table.schema if pa.types.is_temporal(f.type)}
    types |= {f.name: pa.float64() for f in table.schema if pa.types.is_null(f.type)}
    return read(types) if types else table


def _read_parquet(source: Path) -> pa.Table:
    from pyarrow import parquet

    with source.open("rb") as file:
        return parquet.read_table(file)


def _read_json_lines(source: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import json

    with source.open("rb") as file:
        head = file.read(3)
        if head != _BOM:
            file.seek(0)
        content = pa.py_buffer(file.read())
    if not content.size:
        raise pa.ArrowInvalid("the file is empty")

    def read(types: pa.Schema | None) -> pa.Table:
        return json.read_json(
            pa.BufferReader(content),
            read_options=json.ReadOptions(block_size=min(max(content.size, 1), _BLOCK)),
            parse_options=json.ParseOptions(explicit_schema=types),
        )

    table = read(None)
    types = [pa.field(f.name, pa.string()) for f in table.schema if pa.types.is_temporal(f.type)]
    types += [pa.field(f.name, pa.float64()) for f in table.schema if pa.types.is_null(f.type)]
    table = read(pa.schema(types)).select(table.column_names) if types else table
    for column in table.columns:
        if pa.types.is_string(column.type):
            column.validate(full=True)
    return table


def _read_excel(source: Path, sheet: str | None) -> pa.Table:
    import pandas as pd

    with source.open("rb") as file:
        if file.read(4) == b"\xd0\xcf\x11\xe0":
            raise DataError(
                "cannot be read: it is encrypted or an old .xls workbook; save it as .xlsx without "
                "a password"
            )
    try:
        with warnings.catch_warnings():
            # What openpyxl does not understand (colors, checks of input) is no value.
            warnings.simplefilter("ignore")
            _check_workbook(source)
            with pd.ExcelFile(source, engine="openpyxl") as book:
                return _sheet(book, sheet)
    except ImportError:
        raise DataError(
            'takes openpyxl; install it with: pip install "paribus[excel]", or save it as CSV'
        ) from None
    except (KeyError, zipfile.BadZipFile, EOFError):
        raise DataError("cannot be read: it is damaged, or no .xlsx workbook") from None


def _check_workbook(source: Path) -> None:
    """Refuse what unpacks to too much, and formulas whose values nobody has calculated."""
    with zipfile.ZipFile(source) as archive:
        for part in archive.infolist():
            if part.file_size > _UNPACKED:
                raise DataError("unpacks to more than 2 GB; save it as CSV or Parquet")
        for name in archive.namelist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                with archive.open(name) as file:
                    rest = b""
                    while block := file.read(_LINE):
                        if _UNCALCULATED.search(rest + block):
                            raise DataError(
                                "has a formula without a value; open it in Excel and save it"
                            )
                        rest = block[-1024:]


def _sheet(book: Any, sheet: str | None) -> pa.Table:
    import pandas as pd
    import pyarrow as pa

    names = [str(name) for name in book.sheet_names]
    if sheet is not None and sheet not in names:
        raise DataError(f'has no sheet "{sheet}"{nearest(sheet, names)}')
    where = names[0] if sheet is None else sheet
    frame = book.parse(where)
    # Names as they stand there: pandas numbers what is called alike, and makes up what is empty.
    top = book.parse(where, header=None, nrows=1)
    heads = [None if pd.isna(head) else str(head) for head in top.iloc[0]] if len(top) else []
    heads += [None] * (frame.shape[1] - len(heads))
    kept = [at for at, head in enumerate(heads) if head or frame.iloc[:, at].notna().any()]
    unnamed = next((at for at in kept if not heads[at]), None)
    if unnamed is not None:
        raise DataError(
            f"has values in column {unnamed + 1}, and no name for it in the first row; delete what "
            "stands above the names, or name the column"
        )
    if not kept:
        raise DataError(f'has nothing in the sheet "{where}"')
    rows = frame.notna().any(axis=1)
    columns = [_cells(frame.iloc[:, at][rows]) for at in kept]
    return pa.table(columns, names=[str(heads[at]) for at in kept])


def _cells(values: Any) -> pa.Array:
    """Give a column of a sheet; one of several types is text, as in a CSV."""
    import pandas as pd
    import pyarrow as pa

    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if pd.isna(v) else str(v) for v in values], pa.string())


_READ: Mapping[str, Callable[[Path], pa.Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".xlsx": lambda path: _read_excel(path, None),
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}


def _reason(error: Exception) -> str:
    text = _first_line(error)
    if "UTF8" in text or "UTF-8" in text:
        return "it is not UTF-8 text; save it as UTF-8"
    ragged = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", text)
    if ragged:
        return f"row {ragged[1]} has {ragged[3]} values and the header has {ragged[2]} columns"
    if "Expected" in text and "columns, got" in text:
        return "its rows differ in length"
    if "conversion error" in text:
        # Arrow quotes the value, which may be somebody's.
        column = re.match(r"In CSV column #(\d+)", text)
        where = f"column {int(column[1]) + 1}" if column else "a column"
        return f"{where} holds values of several types"
    return "the file is empty" if "Empty CSV" in text else text


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else "no reason given"


def write_table(path: str | Path, blocks: Iterable[pa.Table]) -> int:
    """Write blocks of rows to a CSV or Parquet file, one after the other.

    In a CSV, text that a spreadsheet would run as a formula gets an apostrophe in front; Parquet
    keeps every value as it is.

    Parameters
    ----------
    path : str or Path
        The suffix chooses the format: ``.csv``, ``.parquet`` or ``.pq``.
    blocks : iterable of pyarrow.Table
        All with the same columns; at least one.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    OutputError
        Where the suffix says another format, or the path cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITTEN:
        raise OutputError(f'"{path}" is neither a .csv nor a .parquet file')
    check_writable(path)
    rows = 0
    with atomic(path) as file:
        writer = None
        for block in blocks:
            table = _harmless(block) if suffix == ".csv" else block
            writer = writer or _writer(file, table.schema, csv=suffix == ".csv")
            writer.write_table(table)
            rows += table.num_rows
        if writer is not None:
            writer.close()
    return rows


def csv_of(table: pa.Table) -> bytes:
    """Write a table as CSV, with text disarmed as `write_table` does."""
    content = io.BytesIO()
    safe = _harmless(table)
    with _writer(content, safe.schema, csv=True) as writer:
        writer.write_table(safe)
    return content.getvalue()


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    DataError
        Where it is missing, cannot be read, or is no JSON.
    """
    source = Path(path)
    try:
        return json.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f'there is no file "{source}"') from None
    except OSError as error:
        raise DataError(f'"{source}" cannot be read: {error.strerror}') from None
    except (ValueError, RecursionError):
        raise DataError(f'"{source}" is not a JSON file') from None


def _writer(file: IO[bytes], schema: pa.Schema, *, csv: bool) -> Any:
    if csv:
        from pyarrow import csv as arrow_csv

        return arrow_csv.CSVWriter(file, schema)
    from pyarrow import parquet

    return parquet.ParquetWriter(file, schema, compression="zstd")


def harmless(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula.

    Examples
    --------
    >>> harmless("=1+1"), harmless("+1-325-100"), harmless("plain")
    ("'=1+1", '+1-325-100', 'plain')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def _harmless(table: pa.Table) -> pa.Table:
    """Decode dictionaries, and disarm text that starts a formula (OWASP, CSV injection)."""
    import pyarrow as pa

    columns = []
    for column in table.columns:
        plain = column.combine_chunks()
        if isinstance(plain, pa.ChunkedArray):
            plain = pa.concat_arrays(plain.chunks)
        if isinstance(plain, pa.DictionaryArray):
            plain = _disarmed(plain.dictionary).take(plain.indices)
        else:
            plain = _disarmed(plain)
        columns.append(plain)
    names = [harmless(name) for name in table.column_names]
    return pa.table(columns, names=names)


def _disarmed(array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = array.type, pa.types
    formless = (types.is_nested, types.is_duration, types.is_interval)
    raw = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    if any(is_one(kind) for is_one in (*formless, *raw)):
        # A CSV has no form for these.
        array = pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return array
    suspicious = pc.match_substring_regex(array, r"^(?:[\t\r\n]|[\pZ\pC]*[=@＝＠＋－+-])")
    if not pc.any(suspicious).as_py():
        return array
    values = array.to_pylist()
    safe = [None if v is None else harmless(v) for v in values]
    return pa.array(safe, type=array.type)
