"""k people alike in what is written, whatever the size of the file: planned first, then applied."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pydantic

from paribus._plugins import Declaration, Whole
from paribus._text import count, percent
from paribus._text import name as shown_name
from paribus.anonymizing.columns import opened
from paribus.anonymizing.formats.base import as_text
from paribus.anonymizing.reach import Plan, reach
from paribus.anonymizing.replacements.base import as_type, is_text
from paribus.errors import DataError, SpecError, nearest

_CODED = r"^\s*[+-]?0\d|^\s*\+|\d{16}|\p{L}{2}"
"""Text that is no number although it can be read as one: codes, phones, nan and inf."""


class KAnonymity(Declaration):
    """What the quasi-identifiers of every table that is written must reach, and how.

    Examples
    --------
    >>> wanted = KAnonymity(quasi=("sex",), k=2, by="suppress")
    >>> planned = wanted.planned(pa.table({"sex": ["f", "m", "f", None]}))
    >>> planned.kept.tolist(), planned.notes
    ([0, 2], ('to reach k = 2, 2 rows (50.0 %) were left out',))
    """

    quasi: tuple[str, ...]
    """Columns that identify in combination."""
    k: Whole = pydantic.Field(default=5, ge=1)
    """Rows that share a combination of their values, at least."""
    by: Literal["generalize", "suppress"] = "generalize"
    """Make whole columns coarser, and leave out what still falls short; or leave out alone."""

    @pydantic.model_validator(mode="after")
    def _some(self) -> KAnonymity:
        if not self.quasi:
            raise SpecError(
                'name the columns that identify in combination, such as quasi = ["sex", "age"]',
                path="$.quasi",
            )
        return self

    def missing(self, names: Collection[str]) -> tuple[str, ...]:
        """Name the quasi-identifiers that a table lacks."""
        return tuple(name for name in self.quasi if name not in names)

    def check(self, names: Collection[str]) -> None:
        """Refuse a table that lacks one.

        Raises
        ------
        DataError
        """
        for name in self.missing(names):
            raise DataError(
                f'the table has no column "{name}"{nearest(name, names)}', path="$.quasi"
            )

    def planned(self, table: pa.Table) -> Planned:
        """Decide what becomes of every row.

        Parameters
        ----------
        table : pyarrow.Table, n rows
            The quasi-identifiers as they come out of replacement; those that are dropped may lack.

        Raises
        ------
        DataError
            Where a column holds lists or structs.
        """
        names = [name for name in dict.fromkeys(self.quasi) if name in table.column_names]
        whole = np.arange(table.num_rows, dtype=np.intp)
        if not names:
            return Planned(self, (), table.select([]), whole, table.num_rows)
        columns = {name: _plain(table[name], name) for name in names}
        if self.by == "generalize":
            columns = {name: _numbers(column) for name, column in columns.items()}
        reached = reach(pa.table(columns), names, self.k, by=self.by)
        made = [_as_before(reached.table[name], table.schema.field(name).type) for name in names]
        notes = (
            *_said(reached.plan),
            *_left_out(reached.plan, reached.suppressed_rows, len(table)),
        )
        return Planned(
            self, notes, pa.table(dict(zip(names, made, strict=True))), reached.kept, len(table)
        )


@dataclass(frozen=True, eq=False)
class Planned:
    """What becomes of the rows of one table, by their places in it.

    Attributes
    ----------
    notes : tuple of str
        What was made coarser and left out, in a sentence each. No value is told.
    columns : pyarrow.Table
        The quasi-identifiers of the rows that stay.
    kept : ndarray of intp, shape (columns.num_rows,)
        The places of the rows that stay, ascending.
    rows : int
        How many there were.
    """

    wanted: KAnonymity
    notes: tuple[str, ...]
    columns: pa.Table
    kept: npt.NDArray[np.intp]
    rows: int

    def schema(self, given: pa.Schema, named: Mapping[str, str]) -> pa.Schema:
        """Give the types of what comes out; `named` says what columns are called in `given`."""
        for name in self.columns.column_names:
            place = given.get_field_index(named[name])
            kind = self.columns.schema.field(name).type
            given = given.set(place, pa.field(named[name], kind, nullable=True))
        return given

    def of(
        self, batch: pa.RecordBatch, start: int, named: Mapping[str, str]
    ) -> tuple[pa.RecordBatch, npt.NDArray[np.intp]]:
        """Give what comes out of some rows, and which of them stay.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
        start : int
            The place of its first row in the table.
        named : mapping of str to str
            What the quasi-identifiers are called in the batch.
        """
        low, high = np.searchsorted(self.kept, [start, start + batch.num_rows])
        rows = self.kept[low:high] - start
        short = batch if len(rows) == batch.num_rows else batch.take(pa.array(rows))
        some = self.columns.slice(int(low), int(high - low))
        arrays = list(short.columns)
        for name in self.columns.column_names:
            place = batch.schema.get_field_index(named[name])
            arrays[place] = _whole(some[name])
        schema = self.schema(batch.schema, named)
        return pa.RecordBatch.from_arrays(arrays, schema=schema), rows


def _plain(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_nested(kind):
        raise DataError(
            f'the column "{name}" holds {kind}, and identifies in combination as plain values only',
            path="$.quasi",
        )
    chunks = [opened(chunk) for chunk in column.chunks]
    return pa.chunked_array(chunks) if chunks else pa.chunked_array([], _value_type(kind))


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give text that is numbers as numbers, so that bands can be made of it."""
    return numbers(column) if is_text(column.type) else column


def numbers(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Read text as numbers, where all of it is; codes with leading zeros and the like stay text.

    Examples
    --------
    >>> numbers(pa.chunked_array([["1", " 2 ", ""]])).type, numbers(pa.chunked_array([["01"]])).type
    (DataType(int64), DataType(string))
    """
    plain = as_type_of_text(texts)
    trimmed = pc.utf8_trim_whitespace(plain)
    said = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    if said.null_count == len(said) or pc.any(pc.match_substring_regex(said, _CODED)).as_py():
        return texts
    for kind in (pa.int64(), pa.float64()):
        try:
            found = said.cast(kind)
        except pa.ArrowInvalid:
            continue
        finite = pa.types.is_integer(kind) or pc.all(pc.is_finite(found)).as_py()
        return found if finite else texts
    return texts


def as_type_of_text(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give text of any width as `large_string`, which all of Arrow's functions take."""
    chunks = [as_text(chunk) for chunk in texts.chunks]
    return pa.chunked_array(chunks, pa.large_string())


def _as_before(column: pa.ChunkedArray, before: pa.DataType) -> pa.ChunkedArray:
    """Write numbers that were text as text again."""
    plain = _value_type(before)
    if column.type == plain or not is_text(plain):
        return column
    chunks = [as_type(as_text(chunk), plain) for chunk in column.chunks]
    return pa.chunked_array(chunks, plain)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _said(plan: Plan) -> tuple[str, ...]:
    return tuple(
        f"to reach k = {plan.k}, {shown_name(column)} was made coarser: {rung.sentence()}"
        for column, rung in plan.rungs.items()
        if rung.kind != "exact"
    )


def _left_out(plan: Plan, rows: int, whole: int) -> tuple[str, ...]:
    if not rows:
        return ()
    were = "was" if rows == 1 else "were"
    return (
        f"to reach k = {plan.k}, {count(rows, 'row')} ({percent(rows / whole)}) {were} left out",
    )
