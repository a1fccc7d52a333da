"""An Excel workbook: a summary, then findings, rates, regions, witnesses and pairs to filter."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Literal, get_args

from paribus._files import harmless
from paribus._text import shortened, visible
from paribus.errors import DataError, OutputError, nearest
from paribus.record import Record
from paribus.report import _typed
from paribus.report._held import SIGNS
from paribus.report._parts import Page
from paribus.report._typed import Head, Kind, Line, Value
from paribus.report.base import page

Sheet = Literal["Summary", "Findings", "Rates", "Regions", "Witnesses", "Pairs"]
_SHEETS = get_args(Sheet)

MOST_ROWS = 1 << 20
"""Rows of a sheet, its header included: a limit of the format."""

_MOST_CHARACTERS = 32_000
"""Characters of a cell: the format ends at 32,767, escapes included."""
_MOST_OF_HEAD = 255
_LARGEST = 9.99e307
_EXACT = 10**15
"""Whole numbers from which on Excel loses digits."""
_PEEKED = 200
"""Rows that say how wide a column is."""
_WIDEST, _NARROWEST = 60, 8

_FORMATS: dict[Kind, str] = {
    "count": "#,##0",
    "share": "0.0%",
    "p": '[<0.001]"<0.001";0.000',
    "day": "yyyy-mm-dd",
    "time": "yyyy-mm-dd hh:mm:ss",
}
_ESTIMATES = {"number": None, "share": "0.0%", "gap": "+0.0%;-0.0%;0.0%"}
_FILLS = {"biased": "F6D5D1", "within tolerance": "D5E8D8", "inconclusive": "F5E6C4"}
_FIRST = datetime(2000, 1, 1)
"""When every workbook was made: the same record gives the same bytes."""
_FIRST_DAY = date(1900, 3, 1)
"""Excel has no days before 1900, and a leap day in it that never was."""
_LAST_DAY = date(9999, 12, 31)
_DIGITS = 15
"""Digits of a decimal that a number keeps."""


def render(record: Record, *, sheets: Collection[Sheet] | None = None) -> bytes:
    """Write a workbook.

    Parameters
    ----------
    record : Record
        A finished audit. With its answers at hand (just made, not read from a file) the workbook
        has all pairs, up to the rows of a sheet.
    sheets : collection of str, optional
        Only these of ``Summary``, ``Findings``, ``Rates``, ``Regions``, ``Witnesses``, ``Pairs``.

    Returns
    -------
    bytes
        The same for the same record. Numbers are numbers with all of their digits, dates in pairs
        are dates, and no cell is a formula.

    Raises
    ------
    OutputError
        Where openpyxl is not installed, a sheet is none of these, or pairs alone are asked for and
        a sheet is too short.
    """
    try:
        from openpyxl import Workbook
    except ImportError:
        raise OutputError(
            'Excel workbooks need openpyxl; install it with: pip install "paribus[excel]"'
        ) from None
    _check(sheets)
    book = Workbook(write_only=True)
    book.properties.creator = "paribus"
    book.properties.created = book.properties.modified = _FIRST
    tables = [
        each(record) for each in (_typed.findings, _typed.rates, _typed.regions, _typed.witnesses)
    ]
    pairs = _pairs(record) if sheets is None or "Pairs" in sheets else None
    alone = sheets is not None and set(sheets) == {"Pairs"}
    if alone and pairs is None:
        record.pairs("pyarrow")
    if alone and pairs is not None and pairs.num_rows >= MOST_ROWS:
        raise OutputError(
            f"Excel has {MOST_ROWS:,} rows a sheet, and there are {pairs.num_rows:,} pairs; write "
            "them as .csv or .parquet"
        )
    if sheets is None or "Summary" in sheets:
        _summary(book, record, pairs)
    for table in tables:
        if (sheets is None and table.lines) or (sheets is not None and table.title in sheets):
            _sheet(book, table.title, table.heads, table.lines, len(table.lines))
    if pairs is not None:
        _pairs_sheet(book, pairs)
    content = io.BytesIO()
    book.save(content)
    return _fixed(content)


def _check(sheets: Collection[str] | None) -> None:
    if sheets is not None and not sheets:
        raise OutputError("sheets: a workbook has at least one; leave them out for all")
    unknown = next((sheet for sheet in sheets or () if sheet not in _SHEETS), None)
    if unknown is not None:
        raise OutputError(f'sheets: there is no sheet "{unknown}"{nearest(unknown, _SHEETS)}')


# --- the sheets -----------------------------------------------------------------------------------


def _summary(book: Any, record: Record, pairs: Any) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    sheet = book.create_sheet("Summary")
    sheet.column_dimensions["A"].width = 24
    sheet.column_dimensions["B"].width = 100
    sheet.freeze_panes = "A2"
    content = page(record)
    for order, (label, value, form) in enumerate(_facts(content, record, pairs)):
        head, told = _cell(sheet, label), _cell(sheet, value, form)
        head.font = Font(bold=True)
        head.alignment = Alignment(vertical="top")
        told.alignment = Alignment(wrap_text=True, vertical="top", horizontal="left")
        if order == 0:
            told.font = Font(bold=True, size=14)
        if label == "Verdict" and content.verdict is not None:
            told.fill = PatternFill("solid", fgColor=_FILLS[content.verdict])
        sheet.append([head, told])


def _facts(content: Page, record: Record, pairs: Any) -> Iterator[tuple[str, Value, str | None]]:
    yield "Audit", content.title, None
    if content.verdict is not None:
        yield "Verdict", f"{SIGNS[content.verdict]} {content.verdict}", None
    yield "In words", content.sentence, None
    for remark in (*content.advice, *content.remarks):
        yield "Note", remark, None
    for verdict in SIGNS:
        number = sum(finding.verdict == verdict for finding in record.findings)
        yield f"Findings {verdict}", number, "#,##0"
    yield "People", record.people, "#,##0"
    yield "Tolerance", record.tolerance, None
    yield "Confidence", record.confidence, "0.0%"
    yield "Seed", record.seed, "0"
    if record.model is not None:
        yield "Model", shortened(visible(record.model.name), 120), None
        yield "Fingerprint", visible(record.model.fingerprint) or "none: nothing to hash", None
    if record.answers is not None:
        yield "Questions", record.answers.versions, "#,##0"
        yield "Answered", record.answers.answered, "#,##0"
        yield "Refused", record.answers.refused, "#,##0"
        yield "Failed", record.answers.failed, "#,##0"
    if record.data is not None:
        yield "Table", shortened(visible(record.data.name), 120), None
        yield "Rows", record.data.rows, "#,##0"
    yield "Shares", "Shares and gaps of shares are shown in hundredths and held as fractions.", None
    if pairs is None and record.has_pairs:
        yield "Pairs", "They are left out: an answer is no valid Unicode.", None
    if pairs is not None and pairs.num_rows >= MOST_ROWS:
        more = pairs.num_rows - MOST_ROWS + 1
        yield "Pairs", f"The last {more:,} pairs do not fit on a sheet of Excel.", None


def _pairs(record: Record) -> Any:
    """Give all pairs as an Arrow table; None where there are none at hand.

    Of answers that are no valid Unicode there is no table: the record has witnesses of them.
    """
    if not record.has_pairs:
        return None
    try:
        return record.pairs("pyarrow")
    except DataError:
        return None


def _pairs_sheet(book: Any, pairs: Any) -> None:
    kept = _numbers(pairs.slice(0, MOST_ROWS - 1))
    kinds = [_kind(column) for column in kept.columns]
    heads = [Head(name, kind) for name, kind in zip(kept.column_names, kinds, strict=True)]

    def lines() -> Iterator[Line]:
        for batch in kept.to_batches(max_chunksize=4_096):
            columns = [
                column.to_pylist() if kind in {"day", "time"} else _told(column.to_pylist())
                for column, kind in zip(batch.columns, kinds, strict=True)
            ]
            yield from map(Line, zip(*columns, strict=True))

    _sheet(book, "Pairs", heads, lines(), kept.num_rows)


def _told(values: list[Any]) -> list[Value]:
    # NaN stands for a missing gap.
    return [_typed.plain(None if value != value else value) for value in values]


def _numbers(pairs: Any) -> Any:
    """Give decimals as numbers where these keep every digit."""
    import pyarrow as pa

    for place, field in enumerate(pairs.schema):
        if pa.types.is_decimal(field.type) and field.type.precision <= _DIGITS:
            pairs = pairs.set_column(place, field.name, pairs.column(place).cast(pa.float64()))
    return pairs


def _kind(column: Any) -> Kind:
    """Tell columns of dates, and those of dates with a time; Excel knows no zones."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if not pa.types.is_date(kind) and (not pa.types.is_timestamp(kind) or kind.tz is not None):
        return "value"
    days = pc.cast(column, pa.date32(), safe=False)
    ends = pc.min_max(days)
    known = [pc.less_equal(_FIRST_DAY, ends["min"]), pc.less_equal(ends["max"], _LAST_DAY)]
    if not all(each.as_py() for each in known):
        return "value"
    whole = pa.types.is_date(kind) or pc.all(pc.equal(pc.cast(days, kind), column)).as_py()
    return "day" if whole else "time"


def _sheet(
    book: Any, title: Sheet | str, heads: Sequence[Head], lines: Iterable[Line], rows: int
) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    waiting = iter(lines)
    first = list(islice(waiting, _PEEKED))
    wrapped = [head.name in {"sentence", "rule"} for head in heads]
    for place, head in enumerate(heads):
        width = max([len(head.name) + 4, *(_width(line.values[place]) for line in first)])
        letter = get_column_letter(place + 1)
        sheet.column_dimensions[letter].width = min(max(width, _NARROWEST), _WIDEST)
    header = []
    for head in heads:
        label = head.name if title in {"Pairs", "Witnesses"} else head.name.replace("_", " ")
        cell = _cell(sheet, shortened(_typed.text(label), _MOST_OF_HEAD) or "(empty)")
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="E4E4E4")
        header.append(cell)
    sheet.append(header)
    wrapping = Alignment(wrap_text=True, vertical="top")
    forms = [_former(head) for head in heads]
    for line in chain(first, waiting):
        cells = [
            _light(sheet, value, form(line)) for value, form in zip(line.values, forms, strict=True)
        ]
        for place, wraps in enumerate(wrapped):
            if wraps:
                cells[place] = _cell(sheet, line.values[place])
                cells[place].alignment = wrapping
        sheet.append(cells)
    if heads:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(heads))}{rows + 1}"


def _former(head: Head) -> Callable[[Line], str | None]:
    """Say how the cells of a column are shown."""
    if head.kind == "estimate":
        return lambda line: _ESTIMATES[line.form]
    if head.kind == "bound":
        return lambda line: None if line.form == "number" else _ESTIMATES["share"]
    return lambda line: _FORMATS.get(head.kind)


def _width(value: Value) -> int:
    return len(f"{value:,.4g}") if isinstance(value, float) else len(str(value or "")) + 2


# --- cells ----------------------------------------------------------------------------------------


def _light(sheet: Any, value: Value, form: str | None) -> Any:
    """Give a bare value where a cell of its own would say no more."""
    held = _held(value)
    # Disarmed text starts no formula, and only text such as #N/A would be an error.
    if isinstance(held, str):
        return held if held[0] != "#" else _cell(sheet, value)
    bare = held is None or (form is None and not _is_long(held))
    return held if bare else _cell(sheet, value, form)


def _cell(sheet: Any, value: Value, form: str | None = None) -> Any:
    """Make a cell; text is text, whatever it looks like."""
    from openpyxl.cell import WriteOnlyCell

    held = _held(value)
    long = _is_long(held)
    cell = WriteOnlyCell(sheet, value=repr(held) if long else held)
    if isinstance(held, str):
        # Openpyxl takes text such as =1+1 for a formula, and #N/A for an error.
        cell.data_type = "s"
        return cell
    if long:
        cell.data_type = "n"
    if form is not None:
        cell.number_format = form
    return cell


def _is_long(value: Value) -> bool:
    """Tell a number that takes 17 digits; openpyxl writes 16."""
    return isinstance(value, float) and float(f"{value:.16g}") != value


def _held(value: Value) -> Value:
    """Give what a cell can hold: of numbers, those that Excel keeps as they are."""
    if isinstance(value, str):
        return _text(value) or None
    if isinstance(value, bool | date) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < _EXACT else harmless(str(value))
    return value if abs(value) < _LARGEST else harmless(repr(value))


@lru_cache(maxsize=4_096)
def _text(text: str) -> str:
    # Marks that set names apart are ours: those in names are visible by now.
    seen = re.sub("[^\u2068\u2069]+", lambda found: visible(found[0]), text)
    shown = harmless(shortened(seen, _MOST_CHARACTERS))
    # Excel reads _x000D_ as the character of that code; this is how such text is written.
    return re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", shown)[:_MOST_CHARACTERS]


def _fixed(content: io.BytesIO) -> bytes:
    """Write the parts of the workbook again, with the same date each time."""
    stamp = _FIRST.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    fixed = io.BytesIO()
    with zipfile.ZipFile(content) as made, zipfile.ZipFile(fixed, "w") as archive:
        for part in made.infolist():
            data = made.read(part)
            if part.filename == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
            named = zipfile.ZipInfo(part.filename, (2000, 1, 1, 0, 0, 0))
            named.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(named, data)
    return fixed.getvalue()
