"""Normally distributed numbers, with bounds where they are declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import pydantic
from pydantic import model_validator

from paribus._plugins import Number, Whole
from paribus.people.fields._bounded import bounded_normal, within
from paribus.people.fields.base import Field, Latent, Streams, check_order
from paribus.table import Column, Plain


class Normal(Field):
    """Normally distributed numbers; with bounds, the distribution is cut off there."""

    kind: Literal["normal"] = "normal"
    mean: Number = 0.0
    sd: Number = pydantic.Field(default=1.0, gt=0)
    low: Number | None = None
    high: Number | None = None
    decimals: Whole | None = pydantic.Field(default=None, ge=0, le=15)

    random: ClassVar[bool] = True

    @model_validator(mode="after")
    def _ordered(self) -> Normal:
        check_order(self.low, self.high)
        if abs(self.mean) > 1e300 or self.sd > 1e300:
            raise ValueError("mean and sd must not exceed 1e300 in size")
        return self

    def draw(self, streams: Streams, people: int) -> Latent:
        return streams.open().random(people)

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        low = None if self.low is None else (self.low - self.mean) / self.sd
        high = None if self.high is None else (self.high - self.mean) / self.sd
        values = self.mean + self.sd * bounded_normal(latent, low, high)
        return Plain(within(values, self.low, self.high, self.decimals))


def normal(
    mean: Number = 0.0,
    sd: Number = 1.0,
    *,
    low: Number | None = None,
    high: Number | None = None,
    decimals: Whole | None = None,
) -> Normal:
    """Declare normally distributed numbers.

    Parameters
    ----------
    mean, sd : float
        Mean and standard deviation before any cut; `sd` above 0.
    low, high : float, optional
        Bounds at which the distribution is cut off.
    decimals : int, optional
        Round to so many decimals.

    Examples
    --------
    >>> normal(40, 12, low=18, high=70).sd
    12.0
    """
    return Normal(mean=mean, sd=sd, low=low, high=high, decimals=decimals)
