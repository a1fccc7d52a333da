"""A fitted anonymizer: what becomes of each column, as one frozen declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import pyarrow as pa
from pydantic import SerializeAsAny, field_validator

from paribus._plugins import Declaration
from paribus.anonymizing.columns import check, fitted, gives, names_within, opened, replaced, size
from paribus.anonymizing.disguises import undisguised
from paribus.anonymizing.frames import Frame
from paribus.anonymizing.keys import Key
from paribus.anonymizing.patterns import find
from paribus.anonymizing.replacements.base import REPLACEMENTS, Replacement
from paribus.errors import DataError, ParibusError, nearest


class Anonymizer(Declaration):
    """What becomes of each column of a table. It holds no data and no key.

    Every column must be named: one that nobody has looked at never passes.

    Examples
    --------
    >>> import pyarrow as pa
    >>> anonymizer = Anonymizer(columns={"id": {"kind": "id"}, "amount": {"kind": "keep"}})
    >>> table = pa.table({"id": ["A-17", "A-18", "A-17"], "amount": [1.5, 2.5, 3.5]})
    >>> safe = anonymizer.apply(table, Key(b"a secret of some length"))
    >>> fakes = safe["id"].to_pylist()
    >>> fakes[0] == fakes[2], fakes[0] == fakes[1], safe["amount"].to_pylist()
    (True, False, [1.5, 2.5, 3.5])
    """

    columns: dict[str, SerializeAsAny[Replacement]]

    @field_validator("columns", mode="before")
    @classmethod
    def _kinds(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {
            name: REPLACEMENTS.parse({"kind": each} if isinstance(each, str) else each, f"$.{name}")
            for name, each in table.items()
        }

    # --- types ------------------------------------------------------------------------------------

    def check(self, schema: pa.Schema) -> None:
        """Refuse a table that this does not fit.

        Raises
        ------
        DataError
            Where a column is declared and not there, is there and not declared, is there twice, or
            holds what its replacement cannot replace.
        """
        names = list(schema.names)
        for name in self.columns:
            if name not in names:
                raise DataError(
                    f'the table has no column "{name}"{nearest(name, names)}',
                    path=f"$.columns.{name}",
                )
        for name, count in Counter(names).items():
            if name not in self.columns:
                raise DataError(
                    f'nothing says what becomes of the column "{name}"; name a kind for it '
                    '("keep" lets it pass as it is)',
                    path=f"$.columns.{name}",
                )
            if count > 1:
                raise DataError(f'two columns have the name "{name}"; rename one')
        for name, replacement in self.columns.items():
            with _at(name, replacement.kind):
                check(replacement, schema.field(name).type)
            for other in replacement.reads:
                if other not in names:
                    raise DataError(
                        f'reads the column "{other}", and there is none{nearest(other, names)}',
                        path=f"$.columns.{name}",
                    )

    def gives(self, schema: pa.Schema, key: Key) -> pa.Schema:
        """Give the schema of what comes out.

        Nothing of the metadata passes, and names of columns that hold an email, a phone or another
        identifier (as those of pivoted tables do) get its fake.
        """
        self.check(schema)
        kept = [name for name in schema.names if self.columns[name].leaves]
        within = [each for name in kept for each in names_within(schema.field(name).type)]
        named = _headers(kept, within, key)
        fields = []
        for name in kept:
            field = schema.field(name)
            with _at(name, self.columns[name].kind):
                to = gives(self.columns[name], field.type, lambda each: named.get(each, each))
            fields.append(pa.field(named.get(name, name), to, field.nullable))
        return pa.schema(fields)

    # --- rows -------------------------------------------------------------------------------------

    def apply(self, table: pa.Table, key: Key) -> pa.Table:
        """Replace the rows of a table, or of any part of it: the fakes are the same.

        Raises
        ------
        DataError
            Where the table does not fit (see `check`).
        """
        schema = self.gives(table.schema, key)
        parts = list(self._batches(table.to_batches(), key, table.schema, schema))
        return pa.Table.from_batches(parts, schema).unify_dictionaries()

    def stream(
        self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, key: Key
    ) -> Iterator[pa.RecordBatch]:
        """Replace batch after batch; nothing is kept of those that have passed."""
        yield from self._batches(batches, key, schema, self.gives(schema, key))

    def frame(self, data: Any, key: Key) -> Any:
        """Replace the rows of a data frame, and give back a frame of the same sort.

        Parameters
        ----------
        data : pandas, polars or pyarrow data frame, or whatever else narwhals reads
            What is lazy is collected. In pandas the types of columns stay; a column of objects of
            several types is taken as their text. Levels of the index that are declared as columns
            are replaced as such and stay the index; any other index becomes 0, 1, 2 ...
        key : Key

        Returns
        -------
        DataFrame

        Raises
        ------
        DataError
            Where it is no data frame, or does not fit (see `check`).

        Examples
        --------
        >>> import pandas as pd
        >>> people = pd.DataFrame({"id": ["A-17", None], "paid": [True, False]}, index=[9, 8])
        >>> anonymizer = Anonymizer(columns={"id": "id", "paid": "keep"})
        >>> safe = anonymizer.frame(people, Key(b"a secret of some length"))
        >>> safe["paid"].tolist(), safe["id"].isna().tolist(), safe.index.tolist()
        ([True, False], [False, True], [0, 1])
        """
        given = Frame.of(data, self.columns)
        made = self.apply(given.table, key)
        names = [name for name in given.table.column_names if self.columns[name].leaves]
        same = {name for name in names if self.columns[name].kind == "keep"}
        return given.back(made, names, same)

    def _batches(
        self,
        batches: Iterable[pa.RecordBatch],
        key: Key,
        given: pa.Schema,
        to: pa.Schema,
    ) -> Iterator[pa.RecordBatch]:
        kept = [name for name in given.names if self.columns[name].leaves]
        for batch in batches:
            for part in _parts(batch):
                yield self._batch(part, key, kept, to)

    def _batch(
        self, batch: pa.RecordBatch, key: Key, kept: list[str], schema: pa.Schema
    ) -> pa.RecordBatch:
        read: dict[str, pa.Array] = {}
        made = []
        for name, field in zip(kept, schema, strict=True):
            replacement = self.columns[name].among(self.columns)
            for other in replacement.reads:
                if other not in read:
                    with _at(other, self.columns[other].kind):
                        read[other] = opened(batch.column(other))
            row = {other: read[other] for other in replacement.reads}
            with _at(name, replacement.kind):
                fakes = replaced(replacement, batch.column(name), key, row)
                made.append(fitted(fakes, field.type))
        if not made:
            # A batch without columns forgets how many rows it has.
            return pa.RecordBatch.from_pylist([{}] * len(batch), schema=schema)
        return pa.RecordBatch.from_arrays(made, schema=schema)


_LARGEST = 1 << 28
"""Bytes of a part: fakes may be several times as long, and Arrow's text ends at 2**31."""


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows <= 1 or sum(map(size, batch.columns)) <= _LARGEST:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _parts(batch.slice(0, half))
    yield from _parts(batch.slice(half))


def _headers(names: list[str], within: list[str], key: Key) -> dict[str, str]:
    """Give the fakes of those names of columns that hold identifiers."""
    asked = pa.array(list(dict.fromkeys([*names, *within])), pa.string())
    if not find(undisguised(asked)).found:
        return {}
    text = cast("Replacement", REPLACEMENTS.parse({"kind": "text", "people": False}))
    made: list[str] = text.replace(asked, key, {}).to_pylist()
    found: dict[str, str] = {}
    taken = set(asked.to_pylist())
    for name, fake in zip(asked.to_pylist(), made, strict=True):
        if fake == name:
            continue
        unlike, number = fake, 1
        while unlike in taken:
            number += 1
            unlike = f"{fake} {number}"
        taken.add(unlike)
        found[name] = unlike
    return found


class _at:
    """Say of which column an error is, and nothing of what the column holds."""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ParibusError):
            said = error.message
        elif isinstance(error, pa.ArrowException):
            # What Arrow says quotes the value.
            said = f'holds what "{self.kind}" cannot replace ({type(error).__name__}); drop it'
        else:
            return
        raise DataError(f'the column "{self.name}" {said}', path=f"$.columns.{self.name}") from None
