"""Whole numbers between two bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import model_validator

from paribus._plugins import Whole
from paribus.people.fields.base import Domain, Field, Latent, Streams, check_order
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

    @property
    def _drawn_as(self) -> type[np.uint16 | np.uint32 | np.uint64]:
        span = self.high - self.low
        # A type with room to spare: numpy throws away draws that do not divide evenly among the
        # values, which in a tight type is often, and costs more than the random bits saved.
        if span <= np.iinfo(np.uint16).max // 16:
            return np.uint16
        return np.uint32 if span <= np.iinfo(np.uint32).max // 16 else np.uint64

    def draw(self, streams: Streams, people: int) -> Latent:
        span = self.high - self.low
        return streams.open().integers(0, span, people, dtype=self._drawn_as, endpoint=True)

    def domain(self) -> Domain:
        return Domain.numbers(self.high - self.low + 1, self._drawn_as)

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
