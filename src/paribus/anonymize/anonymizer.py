"""A fitted anonymizer: what becomes of each column, as one frozen declaration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pydantic import SerializeAsAny, field_validator

from paribus._plugins import Declaration
from paribus.anonymize.keys import Key
from paribus.anonymize.replacements.base import REPLACEMENTS, Replacement, is_text
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
        for name in names:
            if name not in self.columns:
                raise DataError(
                    f'nothing says what becomes of the column "{name}"; name a kind for it '
                    '("keep" lets it pass as it is)',
                    path=f"$.columns.{name}",
                )
            if names.count(name) > 1:
                raise DataError(f'two columns have the name "{name}"; rename one')
        for name, replacement in self.columns.items():
            with _at(name):
                replacement.check(_inner(schema.field(name).type))
            for other in replacement.reads:
                if other not in names:
                    raise DataError(
                        f'reads the column "{other}", and the table has none{nearest(other, names)}',
                        path=f"$.columns.{name}",
                    )

    def schema(self, given: pa.Schema, key: Key) -> pa.Schema:
        """Give the schema of what comes out. Nothing of the metadata passes."""
        self.check(given)
        fields = []
        for name in given.names:
            replacement, field = self.columns[name], given.field(name)
            if replacement.leaves:
                to = replacement.gives(_inner(field.type))
                if pa.types.is_dictionary(field.type) and is_text(to):
                    to = pa.dictionary(field.type.index_type, to, field.type.ordered)
                fields.append(pa.field(name, to, field.nullable))
        return pa.schema(fields)

    # --- rows -------------------------------------------------------------------------------------

    def apply(self, table: pa.Table, key: Key) -> pa.Table:
        """Replace the rows of a table, or of any part of it: the fakes are the same.

        Raises
        ------
        DataError
            Where the table does not fit (see `check`).
        """
        schema = self.schema(table.schema, key)
        parts = [self._batch(batch, key, schema) for batch in table.to_batches()]
        return pa.Table.from_batches(parts, schema)

    def stream(
        self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, key: Key
    ) -> Iterator[pa.RecordBatch]:
        """Replace batch after batch; nothing is kept of those that have passed."""
        out = self.schema(schema, key)
        for batch in batches:
            yield self._batch(batch, key, out)

    def _batch(self, batch: pa.RecordBatch, key: Key, schema: pa.Schema) -> pa.RecordBatch:
        plain: dict[str, pa.Array] = {}

        def column(name: str) -> pa.Array:
            if name not in plain:
                found = batch.column(name)
                decode = isinstance(found, pa.DictionaryArray)
                plain[name] = found.dictionary_decode() if decode else found
            return plain[name]

        made = []
        for field in schema:
            replacement = self.columns[field.name]
            row = {other: column(other) for other in replacement.reads}
            with _at(field.name):
                fakes = replacement.replace(column(field.name), key, row)
            if pa.types.is_dictionary(field.type):
                # Put together anew: a dictionary may hold values that no row has any more.
                fakes = fakes.dictionary_encode().cast(field.type)
            made.append(fakes if fakes.type == field.type else fakes.cast(field.type))
        return pa.RecordBatch.from_arrays(made, schema=schema)


def _inner(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


class _at:
    """Say of which column an error is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ParibusError):
            raise DataError(
                f'the column "{self.name}" {error.message}', path=f"$.columns.{self.name}"
            ) from None
