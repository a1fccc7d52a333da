"""Numbers whose logarithm is normally distributed, such as incomes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import pydantic
from pydantic import model_validator

from paribus._plugins import Number, Whole
from paribus.people.fields._bounded import bounded_normal, within
from paribus.people.fields.base import Field, Latent, Streams, check_order
from paribus.table import Column, Plain


class Lognormal(Field):
    """Positive numbers with a long upper tail: ``median * exp(sigma * z)``."""

    kind: Literal["lognormal"] = "lognormal"
    median: Number = pydantic.Field(gt=0)
    sigma: Number = pydantic.Field(gt=0, le=20)
    low: Number | None = pydantic.Field(default=None, ge=0)
    high: Number | None = pydantic.Field(default=None, gt=0)
    decimals: Whole | None = pydantic.Field(default=None, ge=0, le=15)

    random: ClassVar[bool] = True

    @model_validator(mode="after")
    def _ordered(self) -> Lognormal:
        check_order(self.low, self.high)
        if self.high is None and math.log(self.median) + 9 * self.sigma > 700:
            raise ValueError(
                f"sigma ({self.sigma:g}) is too large for numbers that a computer holds"
            )
        return self

    def draw(self, streams: Streams, people: int) -> Latent:
        return streams.open().random(people)

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        low = None if not self.low else math.log(self.low / self.median) / self.sigma
        high = None if self.high is None else math.log(self.high / self.median) / self.sigma
        values = self.median * np.exp(self.sigma * bounded_normal(latent, low, high))
        return Plain(within(values, self.low, self.high, self.decimals))


def lognormal(
    median: Number,
    sigma: Number,
    *,
    low: Number | None = None,
    high: Number | None = None,
    decimals: Whole | None = None,
) -> Lognormal:
    """Declare numbers whose logarithm is normally distributed.

    Parameters
    ----------
    median : float
        Half of the people lie below it (before any cut); above 0.
    sigma : float
        Standard deviation of the natural logarithm; above 0. Incomes have about 0.5 to 0.8.
    low, high : float, optional
        Bounds at which the distribution is cut off.
    decimals : int, optional
        Round to so many decimals.

    Examples
    --------
    >>> lognormal(42_000, 0.6, low=12_000).median
    42000.0
    """
    return Lognormal(median=median, sigma=sigma, low=low, high=high, decimals=decimals)
