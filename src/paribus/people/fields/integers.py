"""Whole numbers between two bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import model_validator

from paribus._plugins import Whole
from paribus.people.fields.base import Field, Latent, Streams, check_order
from paribus.table import Column, Plain


class Integers(Field):
    """Whole numbers, all equally likely, both bounds included."""

    kind: Literal["integers"] = "integers"
    low: Whole
    high: Whole

    random: ClassVar[bool] = True

    @model_validator(mode="after")
    def _ordered(self) -> Integers:
        check_order(self.low, self.high)
        if self.low < -(2**63) or self.high >= 2**63:
            raise ValueError("low and high must fit into 64 bits")
        return self

    def draw(self, streams: Streams, people: int) -> Latent:
        span = self.high - self.low
        # A type with room to spare: numpy throws away draws that do not divide evenly among the
        # values, which in a tight type is often, and costs more than the random bits saved.
        for dtype in (np.uint16, np.uint32, np.uint64):
            if span <= np.iinfo(dtype).max // (1 if dtype is np.uint64 else 16):
                return streams.open().integers(0, span, people, dtype=dtype, endpoint=True)
        raise AssertionError("unreachable: the bounds fit into 64 bits")

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        if latent.dtype == np.uint64:
            # Two's complement wraps to the right value where the span exceeds a signed number.
            return Plain((latent + np.uint64(self.low % 2**64)).view(np.int64))
        values = latent.astype(np.int64)
        values += self.low
        return Plain(values, (self.low, self.high))


def integers(low: int, high: int) -> Integers:
    """Declare whole numbers, all equally likely, both bounds included.

    Parameters
    ----------
    low, high : int
        Bounds; `low` may equal `high`.

    Raises
    ------
    SpecError
        Where `low` is above `high`.

    Examples
    --------
    >>> integers(30_000, 119_999).high
    119999
    """
    return Integers(low=low, high=high)
