"""Dates moved by some days, the same for all dates of a person: intervals stay."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from paribus._plugins import Whole
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements import _calendar
from paribus.anonymizing.replacements.base import Replacement, as_type, is_text, written
from paribus.errors import DataError, SpecError

_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class Dates(Replacement):
    """Moves dates by -`days` to `days` days, never by none.

    All dates of one `person` move by the same number of days, in all columns and tables of one
    key: ages at an event, lengths of stays and orders of events are as they were. Without `person`
    the value itself says the shift: equal dates stay equal, and intervals do not stay. Times of the
    day stay, and so do absolute intervals across changes of the clock. A date at the end of what
    its type can hold moves the other way.

    Dates, timestamps, and text as in 1980-02-03, 1980-02-03T10:22, 19800203, 3.2.1980, 3/2/1980
    (needs `order`), 3 February 1980, 03-Feb-1980, February 3, 1980 keep their type and format.

    Examples
    --------
    >>> row = {"who": pa.array(["ann", "ann"])}
    >>> visits = pa.array(["2020-01-31 08:00", "2020-03-01 09:30"])
    >>> made = Dates(person="who").replace(visits, Key(b"a secret of some length"), row)
    >>> came, went = (datetime.date.fromisoformat(text[:10]) for text in made.to_pylist())
    >>> (went - came).days, [text[10:] for text in made.to_pylist()]
    (30, [' 08:00', ' 09:30'])
    """

    kind: Literal["dates"] = "dates"
    direct: ClassVar[bool] = False

    person: str = ""
    """The column that says whose date it is. Its own values say the shift, whatever becomes of
    them; where it is missing, the date does."""
    days: Whole = Field(default=183, ge=1, le=36_500)
    """The largest shift."""
    keep_weekday: bool = False
    """Whether Mondays stay Mondays: shifts are whole weeks."""
    order: _calendar.Order | None = None
    """Of numbers in text such as 02/03/1980."""
    unit: Literal["s", "ms", "us", "ns"] | None = None
    """What whole numbers count since 1970, in columns of numbers."""
    beyond: Literal["refuse", "keep", "remove"] = "refuse"
    """What becomes of text that is no date: it stays ("unknown"), or `[removed]` stands there."""
    never: tuple[str, ...] = ("0001-01-01", "1900-01-01", "1970-01-01", "9999-12-31")
    """Dates that stand for none and stay: moved, they would give the shift of the person away."""

    @model_validator(mode="after")
    def _fitting(self) -> Dates:
        if self.keep_weekday and self.days < 7:
            raise SpecError("weekdays are kept by shifts of 7 days or more", path="$.days")
        for text in self.never:
            try:
                datetime.date.fromisoformat(text)
            except ValueError:
                raise SpecError(f'"{text}" is no date (1900-01-01 is)', path="$.never") from None
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.person,) if self.person else ()

    def check(self, given: pa.DataType) -> None:
        whole = pa.types.is_integer(given) and given.bit_width == 64
        if whole and self.unit is None:
            raise DataError('holds whole numbers; say unit = "s" where they count seconds')
        if not (
            whole
            or is_text(given)
            or pa.types.is_null(given)
            or pa.types.is_date(given)
            or pa.types.is_timestamp(given)
        ):
            raise DataError(f'holds {given}, and "dates" moves dates; take keep, drop or truncate')

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        if pa.types.is_null(values.type):
            return values
        who = row[self.person] if self.person else None
        if is_text(values.type):
            return self._texts(values, key, who)
        return self._numbers(values, key, who)

    def _texts(self, values: pa.Array, key: Key, who: pa.Array | None) -> pa.Array:
        given = as_type(values, pa.string())
        texts = pc.utf8_trim_whitespace(given)
        dates = _calendar.read(texts, self.order)
        there = pc.fill_null(pc.not_equal(texts, ""), False).to_numpy(zero_copy_only=False)
        other = there & ~dates.known
        if other.any() and self.beyond == "refuse":
            raise DataError(
                "holds text that is no date in a known format; repair it, or say "
                'beyond = "keep" or "remove"'
            )
        moved = dates.days.copy()
        moves = dates.known & ~np.isin(dates.days, self._never())
        shifts = self._shifts(dates.days[moves], who, moves, key)
        moved[moves] = _within(dates.days[moves], shifts, 1, _calendar.FIRST, _calendar.LAST)
        made = dates.again(moved)
        made = pc.if_else(pa.array(dates.known), made, given)
        if self.beyond == "remove":
            made = pc.if_else(pa.array(other), "[removed]", made)
        return as_type(made, values.type)

    def _numbers(self, values: pa.Array, key: Key, who: pa.Array | None) -> pa.Array:
        kind = values.type
        small = pa.types.is_date32(kind)
        if pa.types.is_timestamp(kind):
            ticks = 86_400 * _TICKS[kind.unit]
        elif pa.types.is_date(kind):
            ticks = 1 if small else 86_400_000
        else:
            ticks = 86_400 * _TICKS[self.unit or "s"]
        if pa.types.is_uint64(kind):
            whole = as_type(values, pa.int64())
        else:
            whole = values.view(pa.int32() if small else pa.int64())
        numbers = pc.fill_null(whole, 0).to_numpy().astype(np.int64)
        days = numbers // ticks
        moves = values.is_valid().to_numpy(zero_copy_only=False)
        moves = moves & ~np.isin(days, self._never())
        shifts = self._shifts(days[moves], who, moves, key)
        low, high = _bounds(ticks, 32 if small else 64)
        moved = numbers.copy()
        moved[moves] = _within(numbers[moves], shifts * ticks, ticks, low, high)
        made = pa.array(moved.astype(np.int32) if small else moved)
        made = pc.if_else(values.is_valid(), made, pa.scalar(None, made.type))
        return as_type(made, kind) if pa.types.is_integer(kind) else made.view(kind)

    def _never(self) -> list[int]:
        start = datetime.date(1970, 1, 1)
        return [(datetime.date.fromisoformat(text) - start).days for text in self.never]

    def _shifts(
        self,
        days: npt.NDArray[np.int64],
        who: pa.Array | None,
        moves: npt.NDArray[np.bool_],
        key: Key,
    ) -> npt.NDArray[np.int64]:
        """Give the days by which the dates of some rows move."""
        step = 7 if self.keep_weekday else 1
        most = self.days // step

        def drawn(texts: pa.Array, realm: str) -> npt.NDArray[np.int64]:
            words = key.words(texts, realm)[:, 0] % np.uint64(2 * most)
            place = words.astype(np.int64) - most
            shifts: npt.NDArray[np.int64] = (place + (place >= 0)) * step
            return shifts

        def of_dates(days: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
            encoded = pa.array(days).dictionary_encode()
            codes: npt.NDArray[np.int32] = encoded.indices.to_numpy()
            return drawn(encoded.dictionary.cast(pa.string()), "date")[codes]

        if who is None:
            return of_dates(days)
        people, codes = _people(who if moves.all() else who.filter(pa.array(moves)))
        known = pc.fill_null(pc.not_equal(people, ""), False)
        # One place more, for who is missing: then the date says the shift.
        named = np.zeros(len(people) + 1, np.bool_)
        named[:-1] = known.to_numpy(zero_copy_only=False)
        shift = np.zeros(len(named), np.int64)
        shift[named] = drawn(people.filter(known), "dates of a person")
        shifts, at = shift[codes], named[codes]
        if not at.all():
            shifts[~at] = of_dates(days[~at])
        return shifts


def _people(who: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Give each person once, as text, and which of them each row names; null is the last of all."""
    if pa.types.is_integer(who.type):
        encoded = who.dictionary_encode()
        people = _person(encoded.dictionary)
    else:
        encoded = _person(who).dictionary_encode()
        people = encoded.dictionary
    codes = pc.fill_null(encoded.indices, len(people)).to_numpy()
    return pc.utf8_trim_whitespace(people), codes


def _person(values: pa.Array) -> pa.Array:
    try:
        return written(values)
    except DataError:
        return as_type(values, pa.string())


def _bounds(ticks: int, bits: int) -> tuple[int, int]:
    """Give the ends of the years 1 to 9999 in ticks, or those of the type where it is narrower."""
    low, high = _calendar.FIRST * ticks, (_calendar.LAST + 1) * ticks - 1
    return max(low, -(1 << bits - 1)), min(high, (1 << bits - 1) - 1)


def _within(
    numbers: npt.NDArray[np.int64],
    shifts: npt.NDArray[np.int64],
    ticks: int,
    low: int,
    high: int,
) -> npt.NDArray[np.int64]:
    """Move numbers, the other way where this way leaves the range."""
    up = (shifts > 0) & (numbers > high - np.abs(shifts))
    down = (shifts < 0) & (numbers < low + np.abs(shifts))
    return numbers + np.where(up | down, -shifts, shifts)
