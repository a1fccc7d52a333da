"""Another column, value by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pydantic
from pydantic import StrictBool, StrictFloat, StrictInt, StrictStr

from paribus.errors import DataError, nearest
from paribus.people.fields._keys import text_keys
from paribus.people.fields.base import Field, Latent, coded, missing_level
from paribus.table import Coded, Column, Scalar, lookup, pool_of


class Map(Field):
    """Another column, value by value: ``Male`` is 1 and ``Female`` is 0.

    A missing value stays missing, unless the map has an entry ``missing``.
    """

    kind: Literal["map"] = "map"
    of: str
    map: dict[str, StrictBool | StrictInt | StrictFloat | StrictStr] = pydantic.Field(min_length=1)

    @pydantic.field_validator("map", mode="before")
    @classmethod
    def _keys_are_text(cls, table: Any) -> Any:
        return text_keys(table) if isinstance(table, Mapping) else table

    @property
    def parents(self) -> tuple[str, ...]:
        return (self.of,)

    @cached_property
    def _pool(self) -> pa.Array:
        return pool_of(list(self.map.values()))

    @cached_property
    def _with_missing(self) -> pa.Array:
        return pa.concat_arrays([self._pool, pa.nulls(1, self._pool.type)])

    def check(self, levels: Mapping[str, Sequence[Scalar]]) -> None:
        if self.of in levels:
            missing_level(levels[self.of], self.map, self.of, "$.map")

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        parent = coded(parents[self.of])
        place = lookup(parent.pool, list(self.map))
        if parent.pool.null_count:
            # What is missing stays missing, unless the map has a word for it.
            place[-1] = (
                list(self.map).index("missing") if "missing" in self.map else len(self._pool)
            )
        codes = place[parent.codes]
        if codes.min(initial=0) < 0:
            code = int(parent.each()[np.argmin(np.broadcast_to(codes, (people,)))])
            value = parent.pool[code].as_py()
            raise DataError(
                f'the value "{value}" of {self.of} is missing from the map'
                f"{nearest(value, self.map)}",
                path="$.map",
            )
        pool = self._with_missing if parent.pool.null_count else self._pool
        return Coded(np.asarray(codes, dtype=np.int32), pool, people)


def map_of(of: str, map: Mapping[Any, Scalar]) -> Map:
    """Declare another column, value by value.

    Parameters
    ----------
    of : str
        A field, a protected attribute, or a column of the data.
    map : mapping
        From each value there to the value here.

    Examples
    --------
    >>> map_of("gender", {"Male": 1, "Female": 0}).map["Female"]
    0
    """
    return Map.model_validate({"of": of, "map": map})
