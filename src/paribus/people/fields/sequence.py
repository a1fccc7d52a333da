"""A running number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pydantic

from paribus._plugins import Whole
from paribus.people.fields.base import Field, Latent
from paribus.table import Column, Plain


class Sequence(Field):
    """A running number: ``start + step * person``, persons counted from 0."""

    kind: Literal["sequence"] = "sequence"
    start: Whole = pydantic.Field(default=1, ge=-(2**62), le=2**62)
    step: Whole = pydantic.Field(default=1, ge=-(2**30), le=2**30)

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        return Plain(self.start + self.step * np.arange(start, start + people, dtype=np.int64))


def sequence(start: int = 1, step: int = 1) -> Sequence:
    """Declare a running number.

    Examples
    --------
    >>> sequence(1000).start
    1000
    """
    return Sequence(start=start, step=step)
