"""Less of the value: the first characters, a rounded number, the month or year of a date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from paribus._plugins import Number, Whole
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements import _calendar
from paribus.anonymizing.replacements.base import Replacement, as_type, is_number, is_text
from paribus.errors import DataError, SpecError


class Truncate(Replacement):
    """Keeps the coarse part of a value, and its type.

    Exactly one of `keep`, `step` and `unit` says of what sort the column is. Text of
    postcodes becomes ``101*``; numbers become multiples of the step (halves go up); dates and
    timestamps become the first moment of their unit, and written dates keep no more than the unit
    ("1980", "1980-02"). Text of no more than `keep` characters passes whole: choose `keep` below
    the shortest.

    Examples
    --------
    >>> key = Key.fresh()
    >>> Truncate(keep=2).replace(pa.array(["10115", None, ""]), key, {}).to_pylist()
    ['10*', None, '']
    >>> Truncate(step=1000).replace(pa.array([1499, 1500]), key, {}).to_pylist()
    [1000, 2000]
    >>> Truncate(unit="month").replace(pa.array(["1980-02-17"]), key, {}).to_pylist()
    ['1980-02']
    """

    kind: Literal["truncate"] = "truncate"
    direct: ClassVar[bool] = False

    keep: Whole | None = Field(default=None, ge=0)
    """Characters of text that stay; shorter text stays whole."""
    fill: str = "*"
    """What stands for those that go, however many."""
    step: Number | None = Field(default=None, gt=0)
    """Numbers become multiples of this."""
    unit: (
        Literal["decade", "year", "quarter", "month", "week", "day", "hour", "minute", "second"]
        | None
    ) = None
    """The unit of dates that stays."""
    order: _calendar.Order | None = None
    """Of numbers in text such as 02/03/1980."""

    @model_validator(mode="after")
    def _one(self) -> Truncate:
        said = [name for name in ("keep", "step", "unit") if getattr(self, name) is not None]
        if len(said) != 1:
            raise SpecError(
                "needs one of keep (characters of text), step (numbers) and unit (dates)", path="$"
            )
        return self

    def check(self, given: pa.DataType) -> None:
        if pa.types.is_null(given):
            return
        if self.keep is not None and not is_text(given):
            raise DataError(f"holds {given}, and characters are kept of text; say step or unit")
        if self.step is not None:
            if not is_number(given):
                raise DataError(f"holds {given}, and step is for numbers; say keep or unit")
            if pa.types.is_integer(given) and self.step != int(self.step):
                raise DataError(f"holds whole numbers, and step is {self.step}; take a whole one")
        if self.unit is not None:
            if is_text(given) and self.unit not in _WRITTEN:
                raise DataError("holds text, of which unit = decade, year or month can be kept")
            dated = pa.types.is_date(given) or pa.types.is_timestamp(given)
            if not dated and not is_text(given):
                raise DataError(f"holds {given}, and unit is for dates; say keep or step")

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        if pa.types.is_null(values.type):
            return values
        if self.unit is not None and is_text(values.type):
            return self._written(values, self.unit)
        if self.unit is not None:
            return _calendar.floored(values, self.unit)
        if self.keep is not None:
            return self._shortened(values, self.keep)
        return rounded(values, Decimal(repr(self.step)))

    def _shortened(self, values: pa.Array, characters: int) -> pa.Array:
        given = as_type(values, pa.string())
        texts = pc.utf8_trim_whitespace(given)
        short = pc.utf8_slice_codeunits(texts, 0, characters)
        made = pc.if_else(pc.equal(short, texts), texts, _joined(short, self.fill))
        return as_type(pc.if_else(pc.equal(texts, ""), given, made), values.type)

    def _written(self, values: pa.Array, unit: str) -> pa.Array:
        given = as_type(values, pa.string())
        texts = pc.utf8_trim_whitespace(given)
        dates = _calendar.read(texts, self.order)
        blank = pc.equal(texts, "")
        fine = pc.or_(pc.fill_null(blank, True), pa.array(dates.known))
        if not pc.all(fine).as_py():
            raise DataError("holds text that is no date in a known format; repair it, or mask it")
        return as_type(
            pc.if_else(pc.fill_null(blank, True), given, _WRITTEN[unit](dates.days)), values.type
        )


def _joined(texts: pa.Array, fill: str) -> pa.Array:
    return pc.binary_join_element_wise(texts, fill, "")


def _years(days: npt.NDArray[np.int64]) -> pa.Array:
    return pc.utf8_lpad(pa.array(_calendar.civil(days)[0]).cast(pa.string()), 4, "0")


def _decades(days: npt.NDArray[np.int64]) -> pa.Array:
    years = _calendar.civil(days)[0] // 10 * 10
    return pc.utf8_lpad(pa.array(years).cast(pa.string()), 4, "0")


def _months(days: npt.NDArray[np.int64]) -> pa.Array:
    month = pc.utf8_lpad(pa.array(_calendar.civil(days)[1]).cast(pa.string()), 2, "0")
    return pc.binary_join_element_wise(_years(days), month, "-")


_WRITTEN = {"decade": _decades, "year": _years, "month": _months}


def rounded(values: pa.Array, step: Decimal) -> pa.Array:
    """Give the nearest multiples of a step, halves up, in the type of the values.

    Where that multiple is beyond the type, the last one within it.
    """
    kind = values.type
    there = values.is_valid()
    if pa.types.is_decimal(kind):
        return _distinct(values, lambda value: _multiple(value, step), kind)
    if pa.types.is_floating(kind):
        numbers = pc.fill_null(values.cast(pa.float64()), 0.0).to_numpy()
        with np.errstate(all="ignore"):
            times = np.floor(numbers / float(step) + 0.5) * float(step)
            exponent = step.as_tuple().exponent
            digits = max(0, -int(exponent)) if isinstance(exponent, int) else 0
            times = np.round(times, digits) if digits <= 15 else times
            narrow = times.astype(kind.to_pandas_dtype())
        out = np.where(np.isfinite(narrow), times, numbers) + 0.0
        made = pa.array(out).cast(kind, safe=False)
        return pc.if_else(there, made, pa.scalar(None, kind))
    info = np.iinfo(kind.to_pandas_dtype())
    width = int(step)
    numbers = pc.fill_null(values, 0).to_numpy()
    if width > int(info.max):
        return pc.if_else(there, pa.scalar(0, kind), pa.scalar(None, kind))
    rest = np.mod(numbers, numbers.dtype.type(width))
    # Neither side is computed where it is beyond the type.
    gap = (numbers.dtype.type(width) - rest).astype(numbers.dtype)
    up = (rest > 0) & (rest >= gap)
    fits_up = numbers <= info.max - gap
    fits_down = numbers >= info.min + rest
    up = (up & fits_up) | ~fits_down
    out = np.where(up, numbers + np.where(up, gap, 0), numbers - np.where(up, 0, rest))
    return pc.if_else(there, pa.array(out.astype(numbers.dtype)).cast(kind), pa.scalar(None, kind))


def _multiple(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value(ROUND_HALF_UP) * step


def _distinct(values: pa.Array, make: Callable[[Any], object], kind: pa.DataType) -> pa.Array:
    encoded = values.dictionary_encode()
    pool = [make(value) for value in encoded.dictionary.to_pylist()]
    try:
        made = pa.array(pool, pa.decimal256(76, kind.scale)).cast(kind)
    except pa.ArrowInvalid:
        raise DataError(f"holds {kind}, which has no place for multiples of that step") from None
    return made.take(encoded.indices)
