"""What identifies in files of any size: a sample of every table, looked at by `detect`."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus._plugins import Declaration
from paribus._seeds import BLOCK, generator
from paribus.anonymizing._jobs import hidden_sheet, options_of, tables_in, without_suffix
from paribus.anonymizing.detection import SAMPLE, Detected, detect, together
from paribus.anonymizing.formats.base import Options, Part, format_of
from paribus.anonymizing.k_anonymity import numbers
from paribus.anonymizing.replacements.base import is_text
from paribus.anonymizing.section import Section
from paribus.errors import DataError

ROWS = 2 * SAMPLE
"""Rows of a sample, at most: more than `detect` looks at, so that it knows that there are more."""

_LOCAL = ("name", "first name", "last name", "phone", "address")
"""Sorts that tell where people live."""


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
    hidden: Literal["refuse", "include", "drop"] = "include",
    skip: bool = False,
) -> DetectedTables:
    r"""Say for every table of some files what identifies in it.

    Parameters
    ----------
    sources : str, Path, or iterable of them
        Files, or one folder.
    locale : str, optional
        Mimesis locale of the fakes; guessed for each table where left out. One without people's
        names and phones gets that of most others, so that its columns join with theirs.
    encoding : str
        Of text files.
    hidden : {"refuse", "include", "drop"}
        What becomes of hidden sheets.
    skip : bool
        Whether files of a folder that are no tables are passed over.

    Returns
    -------
    DetectedTables
        Each by the name under which it is declared: that of its file without suffix
        (``"eu/customers"``), with that of its sheet where a file has several
        (``"customers/Sheet1"``).

    Raises
    ------
    DataError
        Where a file cannot be read, or two tables have one name.
    SpecError
        Where nobody has names for the locale, or there is no such encoding.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "people.csv"
    ...     _ = file.write_text("email,paid\nann@firm.com,1.5\nbob@firm.com,2.5\n")
    ...     found = detect_files(file)
    >>> found.tables["people"].direct
    ('email',)
    """
    options = options_of(encoding, hidden)
    samples: dict[str, pa.Table] = {}
    files = tables_in(sources, skip=skip)
    bare = Counter(without_suffix(inside) for _, inside in files)
    for file, inside in files:
        name = without_suffix(inside)
        # Beside a file that differs in its suffix alone, a name has one too.
        named = _parts(file, inside if bare[name] > 1 else name, options)
        for table, part in named.items():
            if table in samples:
                raise DataError(f'two tables have the name "{table}"; anonymize them one by one')
            samples[table] = sample(part)
    found = {name: detect(rows, locale=locale) for name, rows in samples.items()}
    if locale is None:
        found |= _of_one_locale(found, samples)
    return DetectedTables(tables=found)


def _of_one_locale(
    found: Mapping[str, Detected], samples: Mapping[str, pa.Table]
) -> dict[str, Detected]:
    """Look again at tables that name nobody, with the locale of the people in the others."""
    telling = {n for n, each in found.items() if any(c.sort in _LOCAL for c in each.columns)}
    common = Counter(found[name].locale for name in telling)
    if not common:
        return {}
    shared = common.most_common(1)[0][0]
    silent = [name for name in found if name not in telling and found[name].locale != shared]
    return {name: detect(samples[name], locale=shared) for name in silent}


def _parts(file: Path, name: str, options: Options) -> Mapping[str, Part]:
    """Give the tables of a file by the names under which they are declared."""
    parts = format_of(file).opened(file, options).parts
    seen = []
    for part in parts:
        if part.hidden and options.hidden == "refuse":
            raise hidden_sheet(file, part.name)
        if not part.hidden or options.hidden == "include":
            seen.append(part)
    if not seen:
        raise DataError(f'"{file}": all of its sheets are hidden')
    return {f"{name}/{part.name}" if len(seen) > 1 else name: part for part in seen}


def sample(part: Part, rows: int = ROWS) -> pa.Table:
    """Draw rows of a table, each with the same chance; reads all of it, and keeps no more.

    Parameters
    ----------
    part : Part
        One table of a file.
    rows : int
        How many, at most.

    Returns
    -------
    pyarrow.Table
        The same rows of the same file, whenever it is asked for, in their order. Columns of text
        that a replacement of numbers would be given as numbers are numbers.
    """
    drawn = _drawn(part, rows)
    named = [
        field.name
        for field in part.schema
        if is_text(field.type) and part.schema.names.count(field.name) == 1
    ]
    able = [name for name in named if not is_text(numbers(drawn[name]).type)]
    typed = part.numeric(able).schema
    for name in able:
        kind = typed.field(name).type
        if not is_text(kind):
            place = drawn.column_names.index(name)
            drawn = drawn.set_column(place, name, numbers(drawn[name]).cast(kind))
    return drawn


def _drawn(part: Part, rows: int) -> pa.Table:
    parts: list[pa.RecordBatch] = []
    lots: list[npt.NDArray[np.float64]] = []
    highest, start = 1.0, 0
    for chunk in part.chunks():
        mine = _lots(start, chunk.batch.num_rows)
        start += chunk.batch.num_rows
        taken = np.flatnonzero(mine < highest)
        parts.append(chunk.batch.take(pa.array(taken)))
        lots.append(mine[taken])
        if sum(map(len, lots)) > 2 * rows:
            table, lot = _lowest(parts, lots, part.schema, rows)
            parts, lots, highest = table.to_batches(), [lot], float(lot.max())
    return _lowest(parts, lots, part.schema, rows)[0]


def _lots(start: int, length: int) -> npt.NDArray[np.float64]:
    """Draw a number for each row, by its place alone: the size of chunks makes no difference."""
    blocks = range(start // BLOCK, -(-(start + length) // BLOCK))
    drawn = [generator(0, "anonymize/sample", block).random(BLOCK) for block in blocks]
    first = start - start // BLOCK * BLOCK
    return np.concatenate([np.empty(0), *drawn])[first : first + length]


def _lowest(
    parts: list[pa.RecordBatch], lots: list[npt.NDArray[np.float64]], schema: pa.Schema, rows: int
) -> tuple[pa.Table, npt.NDArray[np.float64]]:
    """Keep the rows with the lowest numbers, in their order."""
    table, lot = pa.Table.from_batches(parts, schema), np.concatenate([np.empty(0), *lots])
    if len(lot) <= rows:
        return table, lot
    kept = np.sort(np.argpartition(lot, rows)[:rows])
    return table.take(pa.array(kept)).combine_chunks(), lot[kept]
