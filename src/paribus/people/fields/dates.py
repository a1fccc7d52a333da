"""Days between two dates."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from pydantic import model_validator

from paribus.people.fields.base import Domain, Field, Latent, Streams, check_order
from paribus.table import Column, Plain


class Dates(Field):
    """Days, all equally likely, both ends included."""

    kind: Literal["dates"] = "dates"
    low: datetime.date
    high: datetime.date

    random: ClassVar[bool] = True

    @model_validator(mode="after")
    def _ordered(self) -> Dates:
        check_order(self.low, self.high)
        return self

    def draw(self, streams: Streams, people: int) -> Latent:
        days = (self.high - self.low).days
        return streams.open().integers(0, days, people, dtype=np.uint32, endpoint=True)

    def domain(self) -> Domain:
        return Domain.numbers((self.high - self.low).days + 1, np.uint32)

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        return Plain(np.datetime64(self.low, "D") + latent.astype("timedelta64[D]"))


def dates(low: datetime.date | str, high: datetime.date | str) -> Dates:
    """Declare days, all equally likely, both ends included.

    Parameters
    ----------
    low, high : datetime.date or str
        First and last day, as dates or as ``"1960-01-01"``.

    Examples
    --------
    >>> dates("1960-01-01", "2005-12-31").high.year
    2005
    """
    return Dates.model_validate({"low": low, "high": high})
