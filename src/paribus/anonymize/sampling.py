"""What identifies in files of any size: a sample of every table, looked at by `detect`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paribus._plugins import Declaration
from paribus._seeds import generator
from paribus.anonymize._jobs import _of_file, _of_sheet, places
from paribus.anonymize.detection import Detected, detect, together
from paribus.anonymize.formats.base import Options, Part, format_of
from paribus.anonymize.section import Section
from paribus.errors import DataError

ROWS = 10_000
"""Rows of a sample, at most."""

_CHUNK = 2_000
"""Rows that are taken of one chunk, at most: every part of a file is looked at."""


class DetectedTables(Declaration):
    """What identifies in the tables of some files. A suggestion, to be corrected."""

    tables: dict[str, Detected]
    """By the name under which a table is declared."""

    def toml(self) -> str:
        """Write the ``[anonymize]`` section for all of them."""
        if len(self.tables) == 1:
            return next(iter(self.tables.values())).toml()
        return together(self.tables)

    def section(self) -> Section:
        """Give the section, as `toml` writes it."""
        return Section.of(tomllib.loads(self.toml()))


def detect_files(
    sources: str | Path | Iterable[str | Path],
    *,
    locale: str | None = None,
    encoding: str = "utf-8",
    skip: bool = False,
) -> DetectedTables:
    """Say for every table of some files what identifies in it.

    Parameters
    ----------
    sources : str, Path, or iterable of them
        Files, or one folder.
    locale : str, optional
        Mimesis locale of the fakes; guessed for each table where left out.
    encoding : str
        Of text files.
    skip : bool
        Whether files that are no tables are passed over.

    Returns
    -------
    DetectedTables
        Each by the name under which it is declared: that of its file without suffix
        (``"eu/customers"``), with that of its sheet where a file has several
        (``"customers/Sheet1"``).

    Raises
    ------
    DataError
        Where a file cannot be read.
    """
    found: dict[str, Detected] = {}
    for file, _, inside in places(sources, _nowhere(sources), skip=skip):
        parts = format_of(file).opened(file, Options(encoding=encoding, hidden="include")).parts
        for part in parts:
            names = _of_sheet(inside, part.name) if len(parts) > 1 else _of_file(inside)
            # The first has the suffix of the file, if there is one.
            name = names[min(1, len(names) - 1)]
            if name in found:
                raise DataError(f'two tables have the name "{name}"; anonymize them one by one')
            found[name] = detect(sample(part), locale=locale)
    return DetectedTables(tables=found)


def _nowhere(sources: str | Path | Iterable[str | Path]) -> Path:
    """Give a target outside of what is read, to which nothing is written."""
    if isinstance(sources, str | Path):
        return Path(sources).resolve().with_name(".nowhere")
    return Path(".nowhere")


def sample(part: Part, rows: int = ROWS) -> pa.Table:
    """Draw rows of a table, some of every chunk; columns of text that hold numbers become numbers.

    Parameters
    ----------
    part : Part
        One table of a file.
    rows : int
        How many, at most.

    Returns
    -------
    pyarrow.Table
        The same rows of the same file, whenever it is asked for.
    """
    drawn = []
    for number, chunk in enumerate(part.chunks()):
        batch = chunk.batch
        if batch.num_rows > _CHUNK:
            draw = generator(0, "anonymize/sample", number)
            batch = batch.take(pa.array(np.sort(draw.permutation(batch.num_rows)[:_CHUNK])))
        drawn.append(batch)
    table = pa.Table.from_batches(drawn, part.schema)
    if len(table) > rows:
        draw = generator(0, "anonymize/sample of samples", 0)
        table = table.take(pa.array(np.sort(draw.permutation(len(table))[:rows])))
    columns = [_typed(column.combine_chunks()) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _typed(column: pa.Array) -> pa.Array:
    """Give text that holds nothing but numbers, dates or times as such; codes stay text."""
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if not pa.types.is_string(column.type) or column.null_count == len(column):
        return column
    texts = pc.utf8_trim_whitespace(column)
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    if pc.any(pc.match_substring_regex(texts, r"^[+-]?0\d|^\+")).as_py():
        return column
    for kind in (pa.int64(), pa.float64(), pa.date32(), pa.timestamp("us")):
        try:
            return texts.cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
    return column
