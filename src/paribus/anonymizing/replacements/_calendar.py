"""Dates as people write them: the formats that are known, read and written again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.errors import DataError

Order = Literal["dmy", "mdy"]

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

FIRST, LAST = -719162, 2932896
"""Days since 1970 of 0001-01-01 and 9999-12-31: what Python, pandas and ISO 8601 agree on."""

_TIME = r"(?P<rest>(?:[T ]\d{1,2}:\d{2}.*)?)"
_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS)
_FORMATS: tuple[tuple[str, str], ...] = (
    ("ymd", rf"^(?P<y>\d{{4}})(?P<a>[-/.])(?P<m>\d{{1,2}})(?P<b>[-/.])(?P<d>\d{{1,2}}){_TIME}$"),
    (
        "ymd",
        r"^(?P<y>\d{4})(?P<a>)(?P<m>\d{2})(?P<b>)(?P<d>\d{2})(?P<rest>(?:T\d{4}.*)?)$",
    ),
    ("dmy", rf"^(?P<d>\d{{1,2}})(?P<a>\.)(?P<m>\d{{1,2}})(?P<b>\.)(?P<y>\d{{4}}|\d{{2}}){_TIME}$"),
    (
        "?",
        rf"^(?P<d>\d{{1,2}})(?P<a>[-/])(?P<m>\d{{1,2}})(?P<b>[-/])(?P<y>\d{{4}}|\d{{2}}){_TIME}$",
    ),
    (
        "dmy",
        rf"^(?P<d>\d{{1,2}})(?P<a>[ -])(?P<m>(?i:{_MONTH}))(?P<b>[ -])(?P<y>\d{{4}}|\d{{2}})"
        rf"{_TIME}$",
    ),
    ("mdy", rf"^(?P<m>(?i:{_MONTH}))(?P<a>\.? )(?P<d>\d{{1,2}})(?P<b>, ?)(?P<y>\d{{4}}){_TIME}$"),
)


@dataclass(frozen=True, eq=False)
class Written:
    """Dates read from texts.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
        Days since 1970; anything where `known` is false.
    known : ndarray of bool, shape (n,)
    """

    days: npt.NDArray[np.int64]
    known: npt.NDArray[np.bool_]
    _parts: tuple[tuple[npt.NDArray[np.int64], str, pa.StructArray], ...]
    _texts: pa.Array

    def again(self, days: npt.NDArray[np.int64]) -> pa.Array:
        """Write other days in the format that each text has; times of the day stay.

        Parameters
        ----------
        days : ndarray of int64, shape (n,)
            From `FIRST` to `LAST`.
        """
        place: list[npt.NDArray[np.int64]] = []
        made: list[pa.Array] = []
        for rows, order, parts in self._parts:
            year, month, day = civil(days[rows])
            pieces = {name: parts.field(name) for name in ("y", "a", "m", "b", "d", "rest")}
            either = pc.or_(
                pc.equal(pc.utf8_length(pieces["m"]), 1), pc.equal(pc.utf8_length(pieces["d"]), 1)
            )
            short = pc.equal(pc.utf8_length(pieces["y"]), 2)
            y = pc.if_else(short, _padded(year % 100, 2), _padded(year, 4))
            d = pc.if_else(either, _text(day), _padded(day, 2))
            if pc.any(pc.match_substring_regex(pieces["m"], r"^\pL")).as_py():
                m = _month_names(month, pieces["m"], pieces["a"])
            else:
                m = pc.if_else(either, _text(month), _padded(month, 2))
            by = {"y": y, "m": m, "d": d}
            one, two, three = (by[letter] for letter in order)
            made.append(
                pc.binary_join_element_wise(
                    one, pieces["a"], two, pieces["b"], three, pieces["rest"], ""
                )
            )
            place.append(rows)
        if not made:
            return self._texts
        index = np.arange(len(self._texts))
        index[np.concatenate(place)] = len(self._texts) + np.arange(sum(map(len, place)))
        return pa.concat_arrays([self._texts, *made]).take(pa.array(index))


def read(texts: pa.Array, order: Order | None) -> Written:
    """Read dates from texts.

    Parameters
    ----------
    texts : pyarrow.Array of string, shape (n,)
        Nulls are no dates.
    order : {"dmy", "mdy"} or None
        Of 02/03/1980 and 02-03-1980; with points the day is first.

    Raises
    ------
    DataError
        Where such dates are there and nothing says their order.
    """
    days = np.zeros(len(texts), np.int64)
    known = np.zeros(len(texts), np.bool_)
    parts = []
    left = np.arange(len(texts))
    for named, pattern in _FORMATS:
        if not len(left):
            break
        found = pc.extract_regex(texts.take(pa.array(left)), pattern)
        fit = found.is_valid().to_numpy(zero_copy_only=False)
        if not fit.any():
            continue
        rows, struct = left[fit], found.filter(pa.array(fit))
        if named == "?":
            if order is None:
                raise DataError(
                    'holds dates such as 02/03/1980; say order = "dmy" or order = "mdy"'
                )
            if order == "mdy":
                struct = _swapped(struct)
            letters: str = order
        else:
            letters = named
        year, month, day = (_number(struct.field(name)) for name in "ymd")
        short = pc.equal(pc.utf8_length(struct.field("y")), 2).to_numpy(zero_copy_only=False)
        # POSIX, strptime: 69 to 99 are of the last century.
        year = np.where(short, np.where(year >= 69, 1900, 2000) + year, year)
        real, at = _since_1970(year, month, day)
        days[rows], known[rows] = at, real
        keep = pa.array(real)
        parts.append((rows[real], letters, struct.filter(keep)))
        left = left[~fit]
    return Written(days, known, tuple(parts), texts)


def civil(
    days: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give year, month and day of days since 1970."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month = months.astype(np.int64)
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    return month // 12 + 1970, month % 12 + 1, day


def _since_1970(
    year: npt.NDArray[np.int64], month: npt.NDArray[np.int64], day: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    fine = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1)
    months = np.where(fine, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + np.where(fine, day - 1, 0)
    same = days.astype("datetime64[D]").astype("datetime64[M]") == months
    return fine & same, days


def _swapped(struct: pa.StructArray) -> pa.StructArray:
    """Give the first number as the month and the second as the day."""
    named = {name: struct.field(name) for name in ("y", "a", "m", "b", "d", "rest")}
    named["d"], named["m"] = named["m"], named["d"]
    return pa.StructArray.from_arrays(list(named.values()), list(named))


def _number(texts: pa.Array) -> npt.NDArray[np.int64]:
    if pc.any(pc.match_substring_regex(texts, r"^\pL")).as_py():
        short = pc.utf8_slice_codeunits(pc.utf8_lower(texts), 0, 3)
        found: npt.NDArray[np.int64] = pc.index_in(
            short, value_set=pa.array([name[:3] for name in MONTHS])
        ).to_numpy()
        return found.astype(np.int64) + 1
    numbers: npt.NDArray[np.int64] = texts.cast(pa.int64()).to_numpy()
    return numbers


def _text(numbers: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(numbers).cast(pa.string())


def _padded(numbers: npt.NDArray[np.int64], width: int) -> pa.Array:
    return pc.utf8_lpad(_text(numbers), width, "0")


def _month_names(month: npt.NDArray[np.int64], like: pa.Array, edge: pa.Array) -> pa.Array:
    """Give names of months, short or full, in the case of what was written."""
    full = pa.array([name.title() for name in MONTHS])
    index = pa.array(month - 1)
    # May is short and full at once: short between hyphens (03-May-1980).
    may = pc.and_(pc.equal(pc.utf8_lower(like), "may"), pc.not_equal(edge, "-"))
    short = pc.and_not(pc.equal(pc.utf8_length(like), 3), may)
    names = pc.if_else(short, pc.utf8_slice_codeunits(full, 0, 3).take(index), full.take(index))
    names = pc.if_else(pc.utf8_is_upper(like), pc.utf8_upper(names), names)
    return pc.if_else(pc.utf8_is_lower(like), pc.utf8_lower(names), names)


def floored(values: pa.Array, unit: str) -> pa.Array:
    """Give the first moment of the unit that dates or times are in.

    Parameters
    ----------
    values : pyarrow.Array of date or timestamp
    unit : {"decade", "year", "quarter", "month", "week", "day", "hour", "minute", "second"}
    """
    kind = values.type
    multiple, unit = (10, "year") if unit == "decade" else (1, unit)
    if pa.types.is_date(kind) and unit in ("hour", "minute", "second"):
        return values
    # Coarser ticks reach further: the first day of 1677 is no timestamp in nanoseconds.
    plain = values.cast(pa.timestamp("s"), safe=False) if pa.types.is_date(kind) else values
    if pa.types.is_timestamp(kind):
        if kind.tz:
            plain = pc.local_timestamp(plain)
        plain = plain.cast(pa.timestamp("s"), safe=False)
    made = pc.floor_temporal(plain, multiple=multiple, unit=unit)
    if pa.types.is_timestamp(kind) and kind.tz:
        made = pc.assume_timezone(made, kind.tz, ambiguous="earliest", nonexistent="earliest")
    return made.cast(kind)
