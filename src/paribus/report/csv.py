"""CSV for whoever computes: findings, rates or regions, numbers unrounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from paribus._files import csv_of
from paribus.errors import OutputError, nearest
from paribus.record import Record
from paribus.report import _typed
from paribus.report._typed import Typed

_TABLES: Mapping[str, Callable[[Record], Typed]] = {
    "findings": _typed.findings,
    "rates": _typed.rates,
    "regions": _typed.regions,
}


def render(record: Record, *, table: Literal["findings", "rates", "regions"] = "findings") -> bytes:
    """Write a table of comma-separated values.

    Parameters
    ----------
    record : Record
        A finished audit.
    table : {"findings", "rates", "regions"}
        What the rows are: findings, the numbers of each group, or rules that say where a gap lives.

    Returns
    -------
    bytes
        UTF-8. One row for each, in the order of the record; shares and their gaps lie in [0, 1] and
        [-1, 1]. A number that does not exist (the end of an interval without a bound, say) is left
        empty. Text that a spreadsheet would run has an apostrophe in front.

    Raises
    ------
    OutputError
        Where there is no such table.
    """
    import pyarrow as pa

    if table not in _TABLES:
        raise OutputError(f'there is no table "{table}"{nearest(table, list(_TABLES))}')
    types = {"text": pa.string(), "truth": pa.bool_(), "count": pa.int64()}
    arrays, names = [], []
    for head, values in _typed.columns(_TABLES[table](record)):
        arrays.append(pa.array(values, types.get(head.kind, pa.float64())))
        names.append(head.name)
    return csv_of(pa.table(arrays, names=names))
