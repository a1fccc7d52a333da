"""One of several values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pydantic
from pydantic import StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from paribus.people.fields.base import Domain, Field, Latent, Streams
from paribus.table import Coded, Column, Scalar, pool_of


class Choice(Field):
    """One of several values, all equally likely or by weights that sum to 1."""

    kind: Literal["choice"] = "choice"
    values: tuple[StrictBool | StrictInt | StrictFloat | StrictStr, ...] = pydantic.Field(
        min_length=1
    )
    weights: tuple[float, ...] | None = None

    random: ClassVar[bool] = True

    @model_validator(mode="after")
    def _weighed(self) -> Choice:
        if len(set(map(str, self.values))) < len(self.values):
            raise ValueError("values must differ from each other")
        if self.weights is None:
            return self
        if len(self.weights) != len(self.values):
            raise ValueError(
                f"there are {len(self.values)} values and {len(self.weights)} weights; "
                "give one weight for each value"
            )
        if min(self.weights) < 0:
            raise ValueError(f"weights must not be negative, and one is {min(self.weights):g}")
        if abs(sum(self.weights) - 1) > 1e-6:
            raise ValueError(f"weights must sum to 1, and they sum to {sum(self.weights):g}")
        return self

    @cached_property
    def _pool(self) -> pa.Array:
        return pool_of(self.values)

    def draw(self, streams: Streams, people: int) -> Latent:
        if self.weights is None:
            return streams.open().integers(0, len(self.values), people, dtype=np.int32)
        steps = np.cumsum(self.weights)
        u = streams.open().random(people) * steps[-1]
        return np.searchsorted(steps[:-1], u, side="right").astype(np.int32)

    def domain(self) -> Domain:
        return Domain.numbers(len(self.values), np.int32, self.weights)

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        return Coded.of(latent, self._pool)


def choice(values: Sequence[Scalar], weights: Sequence[float] | None = None) -> Choice:
    """Declare one of several values.

    Parameters
    ----------
    values : sequence of str, int, float or bool
        All text or all numbers.
    weights : sequence of float, optional
        One for each value, not negative, summing to 1. All equal where left out.

    Raises
    ------
    SpecError
        Where the weights are negative, do not sum to 1, or are not one for each value.

    Examples
    --------
    >>> choice(["clerk", "nurse"], weights=[0.4, 0.6]).weights
    (0.4, 0.6)
    """
    return Choice(values=tuple(values), weights=None if weights is None else tuple(weights))
