"""CSV for whoever computes: one row for each finding, numbers unrounded."""

from __future__ import annotations

import tempfile
from pathlib import Path

from paribus._files import write_table
from paribus.record import Record
from paribus.report._typed import columns, findings


def render(record: Record) -> bytes:
    """Write the findings as a table of comma-separated values.

    Parameters
    ----------
    record : Record
        A finished audit.

    Returns
    -------
    bytes
        UTF-8. One row for each finding, in the order of the record; shares and their gaps lie in
        [0, 1] and [-1, 1]. A number that does not exist (the end of an interval without a bound,
        say) is left empty. Text that a spreadsheet would run has an apostrophe in front.
    """
    import pyarrow as pa

    types = {"text": pa.string(), "truth": pa.bool_(), "count": pa.int64()}
    arrays, names = [], []
    for head, values in columns(findings(record)):
        arrays.append(pa.array(values, types.get(head.kind, pa.float64())))
        names.append(head.name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "findings.csv"
        write_table(path, [pa.table(arrays, names=names)])
        return path.read_bytes()
