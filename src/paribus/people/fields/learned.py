"""What was learned of a column of a table: its distribution, and how it goes with other columns.

The file holds shares and averages of groups of rows, never a row. A Gaussian copula ties columns
together: where a person stands in one is a standard normal number, part of it the own chance of
other columns (`dependence`), and what is left the column's own.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pydantic
from pydantic import StrictBool, StrictFloat, StrictInt, StrictStr, model_validator
from scipy.special import ndtr, ndtri

from paribus._plugins import Declaration, Number, Whole
from paribus.errors import SpecError
from paribus.people.fields.base import Field, Latent, Streams, check_loadings
from paribus.table import Coded, Column, Plain, Table, pool_of

Share = Annotated[float, pydantic.Strict(), pydantic.Field(ge=0, le=1)]

_WHOLE = 2.0**53
"""Up to here every whole number is a float of its own."""


class Missing(Declaration):
    """Which share of a column is missing, and how that goes with other columns."""

    share: Share
    dependence: dict[str, Number] = pydantic.Field(default_factory=dict)
    """Loadings on the chance of other columns."""
    gaps: dict[str, Number] = pydantic.Field(default_factory=dict)
    """Loadings on the chance that other columns are missing."""

    @model_validator(mode="after")
    def _bounded(self) -> Missing:
        check_loadings(self.dependence, self.gaps)
        return self


class LearnedField(Field):
    """A column like that of a table: `values` by `weights`, or `quantiles` (or `days`) at `shares`.

    Quantiles are those of people without a missing value, joined by straight lines; two at one
    share are a jump, two of one value are people who all have it.
    """

    kind: Literal["learned"] = "learned"
    values: tuple[StrictBool | StrictInt | StrictFloat | StrictStr, ...] = ()
    """In the order in which they go with other columns: numbers ascending."""
    weights: tuple[Share, ...] = ()
    quantiles: tuple[Number, ...] = ()
    days: tuple[datetime.date, ...] = ()
    """Quantiles that are dates."""
    shares: tuple[Share, ...] = ()
    """Which share of people is below each quantile, ascending."""
    decimals: Whole | None = pydantic.Field(default=None, ge=0, le=15)
    whole: StrictBool = False
    """Whether the column is one of whole numbers."""
    dependence: dict[str, Number] = pydantic.Field(default_factory=dict)
    """Loadings on the chance of other columns; the squares sum to 1 at most."""
    missing: Missing | None = None

    random: ClassVar[bool] = True

    @pydantic.field_validator("missing", mode="before")
    @classmethod
    def _of_a_table(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        try:
            return Missing(**table)
        except SpecError as error:
            raise error.under("$.missing") from None

    @model_validator(mode="after")
    def _consistent(self) -> LearnedField:
        forms = [n for n in ("values", "quantiles", "days") if getattr(self, n)]
        if len(forms) > 1:
            raise SpecError(f"has {' and '.join(forms)}; give one of them", path=f"$.{forms[1]}")
        if not forms and (self.missing is None or self.missing.share < 1):
            raise SpecError("needs values, quantiles or days", path="$.values")
        self._check_values()
        self._check_quantiles(forms)
        check_loadings(self.dependence)
        return self

    def _check_values(self) -> None:
        if len(set(map(str, self.values))) < len(self.values):
            raise SpecError("values must differ from each other", path="$.values")
        if len(self.weights) != len(self.values):
            raise SpecError(
                f"there are {len(self.values)} values and {len(self.weights)} weights; "
                "give one weight for each value",
                path="$.weights",
            )
        if self.values and abs(sum(self.weights) - 1) > 1e-6:
            raise SpecError(
                f"weights must sum to 1, and they sum to {sum(self.weights):g}", path="$.weights"
            )

    def _check_quantiles(self, forms: Sequence[str]) -> None:
        points: Sequence[Any] = self.quantiles or self.days
        if len(self.shares) != len(points):
            raise SpecError(
                f"there are {len(points)} quantiles and {len(self.shares)} shares; "
                "give one share for each quantile",
                path="$.shares",
            )
        if not points:
            return
        for name, ascending in (("shares", self.shares), (forms[0], points)):
            if any(b < a for a, b in pairwise(ascending)):
                raise SpecError("must not go down", path=f"$.{name}")
        if self.shares[0] != 0 or self.shares[-1] != 1:
            raise SpecError("must begin with 0 and end with 1", path="$.shares")
        if max(abs(float(q)) for q in self.quantiles or (0.0,)) > 1e300:
            raise SpecError("must not exceed 1e300 in size", path="$.quantiles")

    @property
    def beside(self) -> tuple[str, ...]:
        gaps = () if self.missing is None else self.missing.dependence
        return tuple(dict.fromkeys((*self.dependence, *gaps)))

    def draw(self, streams: Streams, people: int) -> Latent:
        shares = ndtr(streams.standing(people, self.dependence))
        if self.missing is None:
            return shares, None
        given = self.missing
        standing = streams.standing(people, given.dependence, given.gaps, part="gap")
        return shares, standing > ndtri(1.0 - given.share)

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        shares, gone = latent
        if self.values:
            codes = np.searchsorted(self._steps[:-1], shares * self._steps[-1], side="right")
            if gone is not None:
                codes[gone] = len(self.values)
            return Coded.of(codes.astype(np.int32), self._pool)
        if self.days:
            dates = np.rint(self._quantile(shares)).astype("datetime64[D]")
            if gone is not None:
                dates[gone] = np.datetime64("NaT")
            return Plain(dates)
        numbers: npt.NDArray[Any] = self._quantile(shares) if self.quantiles else np.zeros(people)
        if self.decimals is not None:
            numbers = np.round(numbers, self.decimals)
        if self.whole:
            numbers = np.clip(np.rint(numbers), -_WHOLE, _WHOLE).astype(np.int64)
        return Plain(numbers) if gone is None else _with_gaps(numbers, gone)

    def _quantile(self, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        at, points = self._points
        left = np.clip(np.searchsorted(at, shares, side="right") - 1, 0, len(at) - 2)
        return points[left] + (shares - at[left]) * self._slopes[left]

    @cached_property
    def _points(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        points = np.array(self.quantiles, dtype=np.float64)
        if self.days:
            points = np.array(self.days, dtype="datetime64[D]").astype(np.float64)
        return np.array(self.shares), points

    @cached_property
    def _slopes(self) -> npt.NDArray[np.float64]:
        at, points = self._points
        steps = np.diff(at)
        slopes: npt.NDArray[np.float64] = np.divide(
            np.diff(points), steps, out=np.zeros(len(steps)), where=steps > 0
        )
        return slopes

    @cached_property
    def _steps(self) -> npt.NDArray[np.float64]:
        return np.cumsum(self.weights)

    @cached_property
    def _pool(self) -> pa.Array:
        pool = pool_of(self.values, "$.values")
        return pool if self.missing is None else pa.concat_arrays([pool, pa.nulls(1, pool.type)])


def _with_gaps(numbers: npt.NDArray[Any], gone: npt.NDArray[np.bool_]) -> Column:
    """Give numbers of which some are missing; a float that is no number would be something else."""
    table = pa.table({"x": pa.array(numbers, mask=gone)})
    return Table.of(table).column("x", slice(None))
