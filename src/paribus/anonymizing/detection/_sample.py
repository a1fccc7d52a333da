"""A few rows of a table, drawn by a fixed seed and without reading the rest."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus._seeds import generator
from paribus.anonymizing.frames import check_encodable
from paribus.anonymizing.replacements.base import is_text
from paribus.errors import DataError
from paribus.table import Table


def drawn(data: object, most: int) -> tuple[dict[str, pa.Array], int]:
    """Draw rows of a table, in their order.

    Parameters
    ----------
    data : pyarrow.Table or data frame
    most : int
        Rows at most.

    Returns
    -------
    tuple of (dict of str to pyarrow.Array, int)
        The columns of the sample, dictionaries taken apart, and the rows of the table.

    Raises
    ------
    DataError
        Where it is no data frame, two columns have one name, or a name is no text.
    """
    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    if not isinstance(data, pa.Table):
        table = data if isinstance(data, Table) else Table.of(data)
        check_encodable(table.names)
        rows = _rows(len(table), most)
        chosen = table if len(rows) == len(table) else table.take(rows)
        return {name: _column(chosen, name) for name in chosen.names}, len(table)
    names = data.column_names
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f'two columns have the name "{repeated}"; rename one', path="$.data")
    rows = _rows(data.num_rows, most)
    columns = {}
    for name, column in zip(names, data.columns, strict=True):
        columns[name] = values = _plain(_taken(column, rows))
        if is_text(values.type):
            try:
                values.validate(full=True)
            except pa.ArrowInvalid:
                raise DataError(
                    f'the column "{name}" holds text that is not UTF-8; repair it, or leave it out',
                    path="$.data",
                ) from None
    return columns, data.num_rows


def _rows(length: int, most: int) -> npt.NDArray[np.intp]:
    if length <= most:
        return np.arange(length)
    chosen = generator(0, "detection", 0).choice(length, most, replace=False)
    return np.sort(chosen).astype(np.intp)


def _taken(column: pa.ChunkedArray, rows: npt.NDArray[np.intp]) -> pa.Array:
    """Take rows chunk by chunk: taken at once, Arrow would first copy the whole column."""
    parts, start = [], 0
    for chunk in column.chunks:
        low, high = np.searchsorted(rows, [start, start + len(chunk)])
        if high > low:
            own = rows[low:high] - start
            whole = len(own) == len(chunk)
            parts.append(_plain(chunk if whole else chunk.take(pa.array(own))))
        start += len(chunk)
    if not parts:
        kind = column.type
        return pa.array([], kind.value_type if pa.types.is_dictionary(kind) else kind)
    return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)


def _plain(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if isinstance(values, pa.DictionaryArray) else values


def _column(table: Table, name: str) -> pa.Array:
    column = table.column(name, slice(None))
    try:
        values = _plain(column.arrow())
        if not isinstance(values, pa.ExtensionArray):
            return values
        return values.storage
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        # Values of several types in one column of objects: what they are written as.
        native = cast("Any", column.series)
        written = [None if _missing(v) else _written(v) for v in native.to_list()]
        return pa.array(written, pa.string())


def _written(value: object) -> str:
    # Half of a character is no text.
    return str(value).encode("utf-8", "replace").decode()


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value)
