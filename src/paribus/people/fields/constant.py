"""The same value for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import StrictBool, StrictFloat, StrictInt, StrictStr

from paribus.people.fields.base import Domain, Field, Latent
from paribus.table import Coded, Column, Scalar, pool_of


class Constant(Field):
    """The same value for everybody."""

    kind: Literal["constant"] = "constant"
    value: StrictBool | StrictInt | StrictFloat | StrictStr

    @cached_property
    def _pool(self) -> pa.Array:
        return pool_of([self.value])

    def domain(self) -> Domain:
        return Domain(1, _nothing)

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        return Coded.constant(0, self._pool, people)


def _nothing(entries: npt.NDArray[np.int64]) -> None:
    """Give what a field that is not random draws."""


def constant(value: Scalar) -> Constant:
    """Declare the same value for everybody.

    Examples
    --------
    >>> constant("new").value
    'new'
    """
    return Constant(value=value)
