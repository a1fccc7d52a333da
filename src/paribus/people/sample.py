"""Real rows as base people."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus._seeds import generator
from paribus.errors import DataError, nearest
from paribus.table import Native, Scalar, Table, lookup, pool_of


class Rows:
    """The rows of a table as people, in their own order or as a random sample.

    Parameters
    ----------
    table : Table
    seed : int
    size : int or None
        How many rows to draw, without putting any back; all of them where None.
    """

    def __init__(self, table: Table, seed: int, size: int | None) -> None:
        if size is not None and size > len(table):
            raise DataError(
                f"{size:,} people are asked for and the data have {len(table):,} rows; real rows "
                "are never made up: leave `people` out, or ask for fewer",
                path="$.audit.people",
            )
        if size is not None and size < len(table):
            chosen = generator(seed, "rows/sample", 0).permutation(len(table))[:size]
            table = table.take(np.sort(chosen))
        self.table = table
        self._own: dict[str, npt.NDArray[np.int32]] = {}

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.table.names

    def column(self, name: str, start: int, people: int) -> Native:
        """Give a column for a run of people, with its own type."""
        return self.table.column(name, slice(start, start + people))

    def own_levels(
        self, attribute: str, levels: Sequence[Scalar], start: int, people: int
    ) -> npt.NDArray[np.int32]:
        """Give each person's own level as its number; -1 where it is missing or undeclared."""
        if attribute not in self._own:
            column = self.table.column(attribute, slice(0, len(self)))
            self._own[attribute] = lookup(column.arrow(), levels)
        return self._own[attribute][start : start + people]

    def check_levels(self, attribute: str, levels: Sequence[Scalar], path: str) -> None:
        """Check that every declared level occurs in the attribute's column.

        Raises
        ------
        DataError
            For a level that no row has; says which value is nearest.
        """
        array = self.table.column(attribute, slice(0, len(self))).arrow()
        encoded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
        values = [v for v in encoded.dictionary.to_pylist() if v is not None]
        if len(values) > 50 and not isinstance(values[0], str):
            # A number such as an age: declared values need not occur among the rows.
            return
        missing = np.flatnonzero(lookup(pool_of(levels), values) < 0)
        if len(missing) and isinstance(values[0], str):
            level = levels[int(missing[0])]
            raise DataError(
                f'no row has the level "{level}" in the column "{attribute}"'
                f"{nearest(level, values)}",
                path=path,
            )
