"""Real rows as base people."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus._seeds import generator
from paribus.errors import DataError, nearest
from paribus.table import Native, Scalar, Table, flat, lookup, pool_of

_CODES = 10
"""Distinct numbers up to which they are taken for codes, each of them a level by itself."""


class Rows:
    """The rows of a table as people, in their own order or as a random sample.

    Parameters
    ----------
    table : Table
    seed : int
    size : int or None
        How many rows to draw, without putting any back; all of them where None.
    shuffled : bool
        Whether they come in the order in which they were drawn, not in their own: then the first
        few of them are a sample of all.
    """

    def __init__(
        self, table: Table, seed: int, size: int | None, *, shuffled: bool = False
    ) -> None:
        if size is not None and size > len(table):
            raise DataError(
                f"{size:,} people are asked for and the data have {len(table):,} rows; real rows "
                "are never made up: leave `people` out, or ask for fewer",
                path="$.audit.people",
            )
        # Which levels there are is asked of all rows: a rare one need not be among those drawn.
        self._all = table
        if shuffled or (size is not None and size < len(table)):
            chosen = generator(seed, "rows/sample", 0).permutation(len(table))[:size]
            self._drawn = chosen if shuffled else np.sort(chosen)
            table = table.take(self._drawn)
        else:
            self._drawn = np.arange(len(table))
        self.table = table
        self._own: dict[str, npt.NDArray[np.int32]] = {}

    def __len__(self) -> int:
        return len(self.table)

    def number(self, person: int) -> int:
        """Give the row of a person in the table, from 0."""
        return int(self._drawn[person])

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

    def typed_levels(self, attribute: str, levels: Sequence[Scalar], path: str) -> pa.Array:
        """Give the levels as the attribute's column spells them, in its own type.

        Raises
        ------
        DataError
            For a level that no row has, with the nearest value; or that the column cannot hold.
            Declared values of a measured number (ages) need not occur.
        """
        rows = len(self._all)
        array = flat(self._all.column(attribute, slice(0, rows)).arrow())
        values = [v for v in pc.unique(array).to_pylist() if v is not None]
        place = lookup(pool_of(levels), values)
        named = not values or isinstance(values[0], str | bool)
        if named or (len(values) <= _CODES and rows >= _CODES * len(values)):
            missing = np.flatnonzero(place < 0)
            if len(missing):
                level = levels[int(missing[0])]
                raise DataError(
                    f'no row has the level "{level}" in the column "{attribute}"'
                    f"{nearest(level, values)}",
                    path=path,
                )
        spelled = [
            values[at] if at >= 0 else level for at, level in zip(place, levels, strict=True)
        ]
        try:
            return pa.array(spelled, array.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            raise DataError(
                f'the column "{attribute}" cannot hold these levels (its type is {array.type})',
                path=path,
            ) from None
