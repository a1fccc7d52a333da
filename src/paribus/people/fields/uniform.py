"""Numbers spread evenly between two bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import model_validator

from paribus._plugins import Number
from paribus.people.fields.base import Field, Latent, Streams, check_order
from paribus.table import Column, Plain


class Uniform(Field):
    """Numbers, all equally likely in ``[low, high)``."""

    kind: Literal["uniform"] = "uniform"
    low: Number = 0.0
    high: Number = 1.0

    random: ClassVar[bool] = True

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        check_order(self.low, self.high)
        return self

    def draw(self, streams: Streams, people: int) -> Latent:
        return streams.open().random(people)

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        # Weighted ends instead of low + u * (high - low): the width may overflow, the ends do not.
        values = self.low * (1 - latent) + self.high * latent
        # The sum may miss a bound by its last bit.
        return Plain(values.clip(self.low, self.high))


def uniform(low: float = 0.0, high: float = 1.0) -> Uniform:
    """Declare numbers, all equally likely in ``[low, high)``.

    Examples
    --------
    >>> uniform(0, 40).high
    40.0
    """
    return Uniform(low=low, high=high)
