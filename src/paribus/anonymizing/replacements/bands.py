"""Numbers and dates as the band that they are in: 30-39, 1980s, 2020-Q1."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from paribus._plugins import Number
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements import _calendar
from paribus.anonymizing.replacements.base import Replacement, as_type, is_number, is_text
from paribus.errors import DataError, SpecError


class Bands(Replacement):
    """Puts numbers into bands of one `width`, or between `edges`, and dates into a `unit`.

    Whole numbers read ``30-39``, others ``[30, 40)``; beyond the outermost edges ``<18`` and
    ``65+``. With `write` = "middle" the middle of the band stands there as a number.

    Examples
    --------
    >>> key = Key.fresh()
    >>> Bands(width=10).replace(pa.array([30, 39, 40, None]), key, {}).to_pylist()
    ['30-39', '30-39', '40-49', None]
    >>> Bands(edges=[18, 65]).replace(pa.array([17, 18, 65]), key, {}).to_pylist()
    ['<18', '18-64', '65+']
    >>> Bands(unit="decade").replace(pa.array(["1980-02-03"]), key, {}).to_pylist()
    ['1980s']
    """

    kind: Literal["bands"] = "bands"
    direct: ClassVar[bool] = False

    width: Number | None = Field(default=None, gt=0)
    start: Number = 0.0
    """Where a band of `width` begins."""
    low: Number | None = None
    """With `width`: all below are one band."""
    high: Number | None = None
    """With `width`: this and all above are one band."""
    edges: tuple[Number, ...] = ()
    """Where bands begin, ascending."""
    unit: Literal["decade", "year", "quarter", "month"] | None = None
    write: Literal["range", "middle"] = "range"
    order: _calendar.Order | None = None
    """Of numbers in text such as 02/03/1980."""

    @model_validator(mode="after")
    def _one(self) -> Bands:
        if (self.width is not None) + bool(self.edges) + (self.unit is not None) != 1:
            raise SpecError("needs one of width, edges (numbers) and unit (dates)", path="$")
        if any(b <= a for a, b in zip(self.edges, self.edges[1:], strict=False)):
            raise SpecError("edges must ascend", path="$.edges")
        if self.width is None and (self.low is not None or self.high is not None):
            raise SpecError("low and high belong to width; edges say it themselves", path="$")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise SpecError("low must be below high", path="$.low")
        if self.unit is not None and self.write == "middle":
            raise SpecError("dates are written as their band", path="$.write")
        if self.write == "middle" and len(self.edges) == 1:
            raise SpecError("one edge makes two open bands, which have no middle", path="$.edges")
        return self

    def check(self, given: pa.DataType) -> None:
        if pa.types.is_null(given):
            return
        if self.unit is None and not is_number(given):
            raise DataError(f'holds {given}, and bands are of numbers; say unit = "year" of dates')
        dated = pa.types.is_date(given) or pa.types.is_timestamp(given) or is_text(given)
        if self.unit is not None and not dated:
            raise DataError(f"holds {given}, and unit is for dates; say width or edges")

    def gives(self, given: pa.DataType) -> pa.DataType:
        if pa.types.is_null(given) or is_text(given):
            return given
        return pa.float64() if self.write == "middle" else pa.string()

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        if pa.types.is_null(values.type):
            return values
        if self.unit is not None:
            return self._dates(values, self.unit)
        return self._numbers(values)

    # --- numbers ----------------------------------------------------------------------------------

    def _numbers(self, values: pa.Array) -> pa.Array:
        whole = pa.types.is_integer(values.type)
        there = values.is_valid().to_numpy(zero_copy_only=False)
        if whole:
            numbers = pc.fill_null(values, 0).to_numpy()
            if values.type == pa.uint64() and len(numbers) and numbers.max() >= 1 << 63:
                # Python's own numbers where 64 bits with a sign do not do.
                numbers = numbers.astype(object)
            else:
                numbers = numbers.astype(np.int64)
        else:
            numbers = pc.fill_null(values.cast(pa.float64(), safe=False), 0.0).to_numpy()
            there = there & ~np.isnan(numbers)
            numbers = np.where(there, numbers, 0.0)
        lows, bands = self._bands(numbers)
        if self.write == "middle":
            pool = pa.array([self._middle(low) for low in lows], pa.float64())
        else:
            exact = whole and all(float(n).is_integer() for n in self._numbers_said())
            pool = pa.array([self._range(low, exact) for low in lows], pa.string())
        return pool.take(pa.array(bands, mask=~there))

    def _numbers_said(self) -> tuple[float, ...]:
        said = (self.width, self.start, self.low, self.high, *self.edges)
        return tuple(n for n in said if n is not None)

    def _bands(self, numbers: npt.NDArray[Any]) -> tuple[list[float | None], npt.NDArray[np.int64]]:
        """Give the lower ends of bands (None: open below), and which one each number is in."""
        if self.edges:
            place = np.searchsorted(np.array(self.edges), numbers, side="right")
            found, bands = np.unique(place, return_inverse=True)
            return [self.edges[i - 1] if i else None for i in found.tolist()], bands
        assert self.width is not None
        if numbers.dtype.kind in "iO" and self._is_whole:
            width = int(self.width)
            index = numbers // width - (numbers % width < int(self._origin))
        else:
            with np.errstate(all="ignore"):
                index = np.floor((numbers.astype(np.float64) - self._origin) / self.width)
                index = np.clip(index, -1e300, 1e300)
        if self.high is not None:
            index = np.where(numbers >= self.high, np.inf, index)
        if self.low is not None:
            index = np.where(numbers < self.low, -np.inf, index)
        found, bands = np.unique(index, return_inverse=True)
        lows: list[float | None] = []
        for i in found.tolist():
            if i == -np.inf:
                lows.append(None)
            elif i == np.inf:
                lows.append(self.high)
            else:
                lows.append(self._low(i))
        return lows, bands

    def _low(self, index: float) -> float:
        assert self.width is not None
        if self._is_whole:
            # Whole numbers keep all of their digits.
            return int(index) * int(self.width) + int(self._origin)
        return float(Decimal(int(index)) * Decimal(repr(self.width)) + Decimal(repr(self.start)))

    @property
    def _is_whole(self) -> bool:
        return float(self.width or 0.5).is_integer() and float(self.start).is_integer()

    @property
    def _origin(self) -> float:
        """Where the band of index 0 begins."""
        return self.start % self.width if self._is_whole and self.width else self.start

    def _high(self, low: float | None) -> float | None:
        if low is None:
            return self.edges[0] if self.edges else self.low
        if self.edges:
            after = [edge for edge in self.edges if edge > low]
            return after[0] if after else None
        if self.high is not None and low >= self.high:
            return None
        assert self.width is not None
        up = low + (int(self.width) if isinstance(low, int) else self.width)
        if isinstance(up, float):
            up = float(Decimal(repr(low)) + Decimal(repr(self.width)))
        return up if self.high is None else min(up, self.high)

    def _range(self, low: float | None, whole: bool) -> str:
        high = self._high(low)
        if low is None:
            return f"<{_shown(high)}"
        if self.low is not None:
            low = max(low, self.low)
        if high is None:
            return f"{_shown(low)}+"
        if not whole:
            return f"[{_shown(low)}, {_shown(high)})"
        last = int(high) - 1
        if last == low:
            return _shown(low)
        return f"{_shown(low)}-{last}" if low >= 0 else f"{_shown(low)} to {last}"

    def _middle(self, low: float | None) -> float:
        high = self._high(low)
        # An open band has no middle: where it begins or ends is what is known of it.
        ends = [float(end) for end in (low, high) if end is not None]
        return ends[0] / len(ends) + ends[-1] / 2 if len(ends) == 2 else ends[0]

    # --- dates ------------------------------------------------------------------------------------

    def _dates(self, values: pa.Array, unit: str) -> pa.Array:
        there = values.is_valid()
        if is_text(values.type):
            given = as_type(values, pa.string())
            texts = pc.utf8_trim_whitespace(given)
            dates = _calendar.read(texts, self.order)
            there = pc.fill_null(pc.not_equal(texts, ""), False)
            if not pc.all(pc.or_(pc.invert(there), pa.array(dates.known))).as_py():
                raise DataError(
                    "holds text that is no date in a known format; repair it, or mask it"
                )
            days = dates.days
        else:
            given = pa.nulls(len(values), pa.string())
            if pa.types.is_timestamp(values.type) and values.type.tz:
                values = pc.local_timestamp(values)
            days = (
                pc.fill_null(values.cast(pa.date32(), safe=False).cast(pa.int32()), 0)
                .to_numpy()
                .astype(np.int64)
            )
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        found, place = np.unique(months, return_inverse=True)
        pool = pa.array([_named(month, unit) for month in found.tolist()], pa.string())
        made = pc.if_else(there, pool.take(pa.array(place)), given)
        return as_type(made, self.gives(values.type))


def _named(month: int, unit: str) -> str:
    year, month = month // 12 + 1970, month % 12 + 1
    if unit == "decade":
        return f"{year // 10 * 10:04d}s"
    if unit == "quarter":
        return f"{year:04d}-Q{(month + 2) // 3}"
    return f"{year:04d}" if unit == "year" else f"{year:04d}-{month:02d}"


def _shown(number: float | None) -> str:
    if number is None:
        return ""
    if isinstance(number, int) or (float(number).is_integer() and abs(number) < 1e15):
        return str(int(number))
    return repr(float(number))
