"""Dates move with their person and keep everything else."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._calendar import read
from paribus.anonymizing.replacements.dates import Dates
from paribus.anonymizing.replacements.truncate import Truncate
from paribus.errors import DataError, SpecError

KEY = Key(b"a secret of some length")
SLOW = [HealthCheck.too_slow]
OTHER = Key(b"another secret of length")
TYPES = (
    pa.date32(),
    pa.date64(),
    pa.timestamp("s"),
    pa.timestamp("ns"),
    pa.timestamp("us", "UTC"),
    pa.timestamp("ms", "America/New_York"),
)
SENTINELS = {dt.date(1, 1, 1), dt.date(1900, 1, 1), dt.date(1970, 1, 1), dt.date(9999, 12, 31)}

days = st.dates(dt.date(1800, 1, 1), dt.date(2200, 12, 31)).filter(lambda d: d not in SENTINELS)
rows = st.lists(st.tuples(st.sampled_from(["ann", "bob", "eve"]), st.none() | days), max_size=20)


def moved(values: pa.Array, people: list[object] | None = None, key: Key = KEY, **said: object):
    kind = Dates(person="who" if people is not None else "", **said)
    row = {} if people is None else {"who": pa.array(people)}
    return kind.replace(values, key, row)


@settings(deadline=None, max_examples=80, suppress_health_check=SLOW)
@given(rows, st.sampled_from(TYPES), st.booleans())
def test_intervals_of_a_person_stay(given: list, kind: pa.DataType, weeks: bool) -> None:
    people = pa.array([who for who, _ in given], pa.string())
    values = pa.array([day for _, day in given], pa.date32()).cast(pa.timestamp("s")).cast(kind)
    declared = Dates(person="who", days=30, keep_weekday=weeks)
    made = declared.replace(values, KEY, {"who": people})
    assert made.type == kind
    assert made.is_null().equals(values.is_null())
    before = values.cast(pa.int64() if kind != pa.date32() else pa.int32()).to_pylist()
    after = made.cast(pa.int64() if kind != pa.date32() else pa.int32()).to_pylist()
    day = {"s": 86_400, "ms": 86_400_000, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
    tick = 1 if kind == pa.date32() else day["ms" if kind == pa.date64() else kind.unit]
    shifts: dict[str, set[int]] = {}
    for (who, _), a, b in zip(given, before, after, strict=True):
        if a is not None:
            assert (b - a) % tick == 0
            shifts.setdefault(who, set()).add((b - a) // tick)
    for each in shifts.values():
        assert len(each) == 1
        shift = each.pop()
        assert shift != 0
        assert abs(shift) <= 30
        assert not weeks or shift % 7 == 0
    # Batches, orders of rows and slices change nothing.
    cut = len(values) // 2
    parts = [
        declared.replace(values.slice(a, n), KEY, {"who": people.slice(a, n)})
        for a, n in ((0, cut), (cut, len(values) - cut))
    ]
    assert pa.concat_arrays(parts).equals(made)


FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
)


@settings(deadline=None, max_examples=60, suppress_health_check=SLOW)
@given(
    st.lists(
        st.datetimes(dt.datetime(1800, 1, 1), dt.datetime(2200, 1, 1)), min_size=1, max_size=8
    ),
    st.sampled_from(FORMATS),
)
def test_written_dates_keep_their_format(moments: list[dt.datetime], pattern: str) -> None:
    # May is the short and the full name of its month.
    moments = [m for m in moments if m.date() not in SENTINELS and m.month != 5]
    moments = moments or [dt.datetime(1999, 1, 1)]
    texts = pa.array([m.strftime(pattern) for m in moments])
    made = moved(texts, ["ann"] * len(moments), order="dmy").to_pylist()
    shifts = {
        dt.datetime.strptime(b, pattern) - dt.datetime.strptime(a, pattern)
        for a, b in zip(texts.to_pylist(), made, strict=True)
    }
    assert len(shifts) == 1
    assert [dt.datetime.strptime(b, pattern).strftime(pattern) for b in made] == made
    # The same person moves alike, whatever the format and the type.
    typed = moved(pa.array([m.date() for m in moments]), ["ann"] * len(moments)).to_pylist()
    assert {b - m.date() for b, m in zip(typed, moments, strict=True)} == {
        shift - dt.timedelta() for shift in shifts
    }


def test_short_numbers_and_cases_stay() -> None:
    texts = pa.array(["3.2.80", "3/2/1980", "FEBRUARY 3, 1980", "3 feb 1980", "1980-02-03T10:22Z"])
    made = moved(texts, ["ann"] * 5, order="dmy", days=3).to_pylist()
    read_again = read(pa.array(made), "dmy")
    assert set((read_again.days - read(texts, "dmy").days).tolist()).issubset({-3, -2, -1, 1, 2, 3})
    assert len(set(read_again.days.tolist())) == 1
    assert made[0].endswith(".80")
    assert made[2].isupper()
    assert made[3].islower()
    assert made[4].endswith("T10:22Z")


def test_the_order_of_day_and_month_must_be_said() -> None:
    texts = pa.array(["02/13/1980"])
    with pytest.raises(DataError, match='order = "dmy"'):
        moved(texts)
    assert read(texts, "mdy").days.tolist() == [(dt.date(1980, 2, 13) - dt.date(1970, 1, 1)).days]
    assert not read(texts, "dmy").known.any()


@pytest.mark.parametrize("text", ["unknown", "31.02.1990", "1980-13-01", "0000-01-01", "12"])
def test_text_that_is_no_date(text: str) -> None:
    texts = pa.array([text, None, " "])
    with pytest.raises(DataError, match="no date") as caught:
        moved(texts)
    assert text not in str(caught.value)
    assert moved(texts, beyond="keep").to_pylist() == [text, None, " "]
    assert moved(texts, beyond="remove").to_pylist() == ["[removed]", None, " "]


def test_without_a_person_the_date_says_the_shift() -> None:
    values = pa.array([dt.date(1980, 2, 3), dt.date(1980, 2, 3), dt.date(1981, 2, 3)])
    made = moved(values)
    assert made[0] == made[1]
    assert made[0] != values[0]
    # A person who is missing or blank is nobody, not somebody.
    assert moved(values, [None, " ", "ann"])[:2].equals(made[:2])


def test_people_are_the_same_in_every_type() -> None:
    values = pa.array([dt.date(1980, 2, 3)] * 3)
    as_number = moved(values, [7, 7, 8])
    assert moved(values, ["7", "7", "8"]).equals(as_number)
    assert moved(values, [7.0, 7.0, 8.0]).equals(as_number)
    assert as_number[0] == as_number[1]
    many = moved(pa.array([dt.date(1980, 2, 3)] * 50), list(range(50)))
    assert len(pc.unique(many)) > 20
    assert not many.equals(moved(pa.array([dt.date(1980, 2, 3)] * 50), list(range(50)), OTHER))


def test_shifts_are_even_over_all_but_none() -> None:
    values = pa.array([dt.date(2000, 1, 1)] * 8000)
    made = moved(values, list(range(8000)), days=2)
    counts = {each["values"]: each["counts"] for each in pc.value_counts(made).to_pylist()}
    assert sorted(day.day for day in counts) == [2, 3, 30, 31]
    # 2000 each, standard deviation 39.
    assert all(abs(count - 2000) < 200 for count in counts.values())


def test_dates_that_stand_for_none_stay_and_do_not_betray_the_shift() -> None:
    values = pa.array([dt.date(9999, 12, 31), dt.date(1900, 1, 1), dt.date(1980, 2, 3)])
    made = moved(values, ["ann"] * 3)
    assert made[:2].equals(values[:2])
    assert made[2] != values[2]
    texts = pa.array(["9999-12-31", "01.01.1900"])
    assert moved(texts, ["ann"] * 2).equals(texts)
    assert moved(values, ["ann"] * 3, never=())[1] != values[1]


@pytest.mark.parametrize(
    "kind", [pa.date32(), pa.date64(), *(pa.timestamp(u) for u in ("s", "ns"))]
)
def test_no_shift_leaves_the_type(kind: pa.DataType) -> None:
    if kind == pa.timestamp("ns"):
        ends = pa.array([-(2**63), 2**63 - 1]).view(kind)
    else:
        ends = (
            pa.array([dt.date(1, 1, 2), dt.date(9999, 12, 30)]).cast(pa.timestamp("s")).cast(kind)
        )
    for who in range(20):
        made = moved(ends, [who, who])
        low, high = (made[i].cast(pa.timestamp("us"), safe=False).as_py() for i in (0, 1))
        assert dt.datetime(1, 1, 1) <= low < high
        assert made[0].as_py() != ends[0].as_py()


def test_numbers_that_count_since_1970() -> None:
    values = pa.array([1_000_000_000, None], pa.int64())
    with pytest.raises(DataError, match='unit = "s"'):
        Dates().check(pa.int64())
    Dates(unit="s").check(pa.int64())
    made = moved(values, ["ann", "ann"], unit="s")
    whole = moved(pa.array([dt.date(2001, 9, 9)]), ["ann"])
    assert (made[0].as_py() - 1_000_000_000) / 86_400 == (
        whole[0].as_py() - dt.date(2001, 9, 9)
    ).days


@pytest.mark.parametrize("kind", [pa.time64("us"), pa.duration("s"), pa.bool_(), pa.float64()])
def test_what_is_no_date_is_refused(kind: pa.DataType) -> None:
    with pytest.raises(DataError, match="moves dates"):
        Dates().check(kind)


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"days": 0}, "$.days"),
        ({"days": 5, "keep_weekday": True}, "$"),
        ({"never": ["soon"]}, "$"),
        ({"order": "ymd"}, "$.order"),
    ],
)
def test_wrong_options(said: dict, path: str) -> None:
    with pytest.raises(SpecError) as caught:
        Dates(**said)
    assert caught.value.path.startswith(path)


# --- dates truncated ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "first"),
    [
        ("decade", dt.datetime(1980, 1, 1)),
        ("year", dt.datetime(1987, 1, 1)),
        ("quarter", dt.datetime(1987, 4, 1)),
        ("month", dt.datetime(1987, 5, 1)),
        ("week", dt.datetime(1987, 5, 11)),
        ("day", dt.datetime(1987, 5, 17)),
        ("hour", dt.datetime(1987, 5, 17, 13)),
    ],
)
def test_dates_truncated(unit: str, first: dt.datetime) -> None:
    moment = dt.datetime(1987, 5, 17, 13, 45, 12)
    for kind in (
        pa.timestamp("s"),
        pa.timestamp("us"),
        pa.timestamp("ns"),
        pa.timestamp("ms", "UTC"),
    ):
        values = pa.array([moment, None], pa.timestamp("s")).cast(kind)
        made = Truncate(unit=unit).replace(values, KEY, {})
        assert made.type == kind
        assert made[1].as_py() is None
        assert made[0].as_py().replace(tzinfo=None) == pd.Timestamp(first)
    zoned = pa.array([moment], pa.timestamp("s", "America/New_York"))
    made = Truncate(unit="year").replace(zoned, KEY, {})[0].as_py()
    assert (made.year, made.month, made.hour) == (1980 if unit == "never" else 1987, 1, 0)
    dates = pa.array([moment.date()])
    for kind in (pa.date32(), pa.date64()):
        made = Truncate(unit=unit).replace(dates.cast(kind), KEY, {})
        assert made.type == kind
        assert made.cast(pa.date32())[0].as_py() == first.date()


def test_written_dates_truncated() -> None:
    texts = pa.array(["17.5.1987", "May 17, 1987", None, ""])
    assert Truncate(unit="month").replace(texts, KEY, {}).to_pylist() == ["1987-05"] * 2 + [
        None,
        "",
    ]
    assert Truncate(unit="decade").replace(texts, KEY, {})[0].as_py() == "1980"
    with pytest.raises(DataError, match="no date"):
        Truncate(unit="year").replace(pa.array(["soon"]), KEY, {})
