"""People counted by window of time: dates cut to windows, and the windows in their order."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.counting import Source, Tally
from paribus.errors import DataError
from paribus.observed import Groups, Observed
from paribus.roles import CROSS, level_name
from paribus.table import Scalar, Table, flat

MOST_VALUES = 10_000
"""Different times up to which a log is counted where it lives, and then cut to windows."""

MOST_ROWS = 5_000_000
"""Rows up to which a log with more different times is cut row by row, in memory."""

MOST_WINDOWS = 500

PATH = "$.data.time"

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_YEAR = re.compile(r"\d{4}")
_MONTH = re.compile(r"\d{4}-\d{2}")
_BASIC = re.compile(r"(\d{8})T.*")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, eq=False)
class Windows:
    """A log, counted by window, attribute, label and decision."""

    names: tuple[str, ...]
    """In the order of time."""
    missing: int
    """Rows of which the time is not known; they are in no window."""
    tally: Tally
    """Its first key is the time."""
    places: Places
    """Shape (lines of the tally,): position of the window, -1 where the time is missing."""

    @classmethod
    def of(cls, observed: Observed) -> Windows:
        """Count a log whose time has a role.

        Raises
        ------
        DataError
            Where a time is no date and dates are to be cut, or there are too many windows.
        """
        every = observed.roles.every
        tally = _counted(observed)
        named = [None if v is None else window(v, every, _told(observed)) for v in tally.levels[0]]
        names = tuple(sorted({name for name in named if name is not None}, key=_order(named)))
        if len(names) > MOST_WINDOWS:
            longer = 'every = "week"' if every == "value" else "a longer every"
            raise DataError(
                f'the column "{observed.roles.time}" has {len(names):,} windows, and at most '
                f"{MOST_WINDOWS} can be watched: choose {longer}",
                path=PATH,
            )
        at = {name: i for i, name in enumerate(names)}
        places = np.array([-1 if name is None else at[name] for name in named], np.intp)
        places = places[tally.codes[:, 0]]
        return cls(names, int(tally.count[places < 0].sum()), tally, places)

    def cells(self, observed: Observed, groups: Groups, attributes: Sequence[str]) -> Cells:
        """Count the groups of an attribute (or of crossed ones) in each window."""
        group = self._groups(groups, attributes)
        at = 1 + len(observed.roles.by)
        label = None
        if observed.roles.label is not None and observed.roles.prediction is None:
            label, at = at, at + 1
        status = [
            self._status(observed, label, "label"),
            self._status(observed, at if observed.decision is not None else None, "decision"),
        ]
        shape = (len(self.names), len(groups.names), 3, 3)
        inside = self.places >= 0
        axes = (self.places, group, *status)
        lines = np.ravel_multi_index(tuple(axis[inside] for axis in axes), shape)
        size = int(np.prod(shape))
        count, weight, square = (
            np.bincount(lines, part[inside], minlength=size).reshape(shape).astype(np.float64)
            for part in (self.tally.count, self.tally.weight, self.tally.square)
        )
        return Cells(count, weight, square)

    def of_rows(self, observed: Observed) -> Places:
        """Give the window of each row of the sample, -1 where its time is missing."""
        roles = observed.roles
        column = _times(observed.sample, roles.time or "")
        if roles.every != "value":
            column = _days(column)
        encoded = column.dictionary_encode()
        at = {name: i for i, name in enumerate(self.names)}
        told = _told(observed)
        pool = [
            -1 if _is_missing(v) else at.get(window(v, roles.every, told), -1)
            for v in encoded.dictionary.to_pylist()
        ]
        codes = pc.fill_null(encoded.indices, len(pool)).to_numpy(zero_copy_only=False)
        places: Places = np.array([*pool, -1], np.intp)[codes]
        return places

    def _groups(self, groups: Groups, attributes: Sequence[str]) -> Places:
        columns = [self.tally.keys.index(name, 1) for name in attributes]
        levels = [self.tally.levels[column] for column in columns]
        cells, inverse = np.unique(self.tally.codes[:, columns], axis=0, return_inverse=True)
        at = {name: i for i, name in enumerate(groups.names)}
        names = [
            CROSS.join(level_name(known[code]) for known, code in zip(levels, cell, strict=True))
            for cell in cells.tolist()
        ]
        return np.array([at[name] for name in names], np.intp)[inverse.reshape(-1)]

    def _status(self, observed: Observed, key: int | None, what: str) -> Places:
        """Say of each line whether it is unfavorable (0), favorable (1) or not known (2)."""
        if key is None:
            return np.full(len(self.places), 2, np.intp)
        levels = self.tally.levels[key]
        good = observed.favorable(levels, what)
        status = [2 if v is None else int(i in good) for i, v in enumerate(levels)]
        return np.array(status, np.intp)[self.tally.codes[:, key]]


@dataclass(frozen=True, eq=False)
class Cells:
    """Windows x groups x label x decision; the last of three is the one that is not known."""

    count: Floats
    weight: Floats
    square: Floats

    def part(self, what: str, rate: str) -> Floats:
        """Give the people whom a rate is about, by decision.

        Parameters
        ----------
        what : {"count", "weight", "square"}
        rate : {"selection rate", "true positive rate", "false positive rate"}

        Returns
        -------
        ndarray, shape (windows, groups, 2)
        """
        decided = np.asarray(getattr(self, what), np.float64)[..., :2]
        if rate == "selection rate":
            return np.asarray(decided.sum(axis=2))
        return decided[:, :, 1 if rate == "true positive rate" else 0]


def _counted(observed: Observed) -> Tally:
    """Count where the data live, or cut times row by row where they are too many."""
    roles = observed.roles
    time = roles.time or ""
    keys: list[Any] = [time, *roles.by]
    if roles.label is not None and roles.prediction is None:
        keys.append(roles.label)
    if observed.decision is not None:
        keys.append(observed.decision)
    try:
        return observed.source.tally(keys, weight=roles.weight, most_levels=MOST_VALUES)
    except DataError as error:
        try:
            observed.source.tally([time], most_levels=MOST_VALUES)
        except DataError:
            pass
        else:
            raise error from None
    if roles.every == "value" or len(observed.source) > MOST_ROWS:
        raise DataError(
            f'the column "{time}" has more than {MOST_VALUES:,} different values: '
            + (
                'cut dates to windows, such as every = "month"'
                if roles.every == "value"
                else f"in a table of more than {MOST_ROWS:,} rows, add a column that names the "
                f"{roles.every} of each row"
            ),
            path=PATH,
        )
    columns = [key if isinstance(key, str) else key.column for key in keys]
    columns += [roles.weight] if roles.weight else []
    table = observed.source.rows(MOST_ROWS, observed.seed, columns)
    days = _days(_times(table, time)).dictionary_encode()
    told = _told(observed)
    pool = [
        None if v is None else window(v, roles.every, told) for v in days.dictionary.to_pylist()
    ]
    named = pa.array(pool, pa.string()).take(days.indices)
    kept = {
        name: named if name == time else table.column(name, slice(None)).arrow() for name in columns
    }
    return Source.of(pa.table(kept)).tally(keys, weight=roles.weight)


def _times(table: Table, column: str) -> pa.Array:
    """Give a column of times, those of a time zone in UTC, as they are counted."""
    times = flat(table.column(column, slice(None)).arrow())
    kind = times.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return times.cast(pa.timestamp(kind.unit))
    return times


def _days(column: pa.Array) -> pa.Array:
    """Cut times to the text of their days, which are few."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return column
    return pc.utf8_slice_codeunits(column.cast(pa.string()), 0, 10)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _told(observed: Observed) -> str:
    return observed.roles.time or ""


# --- names of windows -----------------------------------------------------------------------------


def window(value: Scalar | date, every: str, column: str = "time") -> str:
    """Name the window that a time is in.

    Parameters
    ----------
    value : str, int, float or date
        A date: 2024-03-31 with or without a time of day, 20240331; 2024-03 for months and longer,
        2024 for years. Anything at all where `every` is ``value``.
    every : {"value", "day", "week", "month", "quarter", "year"}
    column : str
        For errors.

    Raises
    ------
    DataError
        Where it is no date, or one too vague.

    Examples
    --------
    >>> [window("2024-12-30T08:00", each) for each in ("day", "week", "month", "quarter", "year")]
    ['2024-12-30', '2025-W01', '2024-12', '2024-Q4', '2024']
    """
    text = value.isoformat() if isinstance(value, date) else _plain(value)
    if every == "value":
        return text.removesuffix("T00:00:00") if _is_time(text) else text
    day = _date(text, every)
    if day is None:
        raise DataError(
            f'"{text}" in the column "{column}" names no {every}: write dates such as 2024-03-31, '
            'or take the values as they are, every = "value"',
            path=PATH,
        )
    if every == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04d}-W{week:02d}"
    return {
        "day": day.isoformat(),
        "month": f"{day.year:04d}-{day.month:02d}",
        "quarter": f"{day.year:04d}-Q{(day.month + 2) // 3}",
        "year": f"{day.year:04d}",
    }[every]


def _plain(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _is_time(text: str) -> bool:
    return len(text) > 10 and text[10] == "T"


def _date(text: str, every: str) -> date | None:
    vague = {"year": (_YEAR, _MONTH), "quarter": (_MONTH,), "month": (_MONTH,)}.get(every, ())
    for pattern in vague:
        if pattern.fullmatch(text):
            text = f"{text}-01-01"[:10]
    basic = _BASIC.fullmatch(text)
    for part in (basic[1] if basic else text, text[:10]):
        try:
            return datetime.fromisoformat(part).date()
        except ValueError:
            continue
    return None


def _order(named: Sequence[str | None]) -> Any:
    """Order windows as numbers where all are, else as text in which runs of digits are numbers."""
    try:
        numbers = {name: float(name) for name in named if name is not None}
    except ValueError:
        numbers = {"": math.inf}
    if all(map(math.isfinite, numbers.values())):
        return lambda name: (numbers[name], name)
    return lambda name: (
        [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name)],
        name,
    )
