"""Bands, rounding, noise, masks: numbers that say less."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.bands import Bands
from paribus.anonymizing.replacements.drop import Drop
from paribus.anonymizing.replacements.mask import Mask
from paribus.anonymizing.replacements.noise import Noise
from paribus.anonymizing.replacements.truncate import Truncate
from paribus.errors import DataError, SpecError

KEY = Key(b"a secret of some length")
SLOW = [HealthCheck.too_slow]
OTHER = Key(b"another secret of length")
WHOLE = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32(), pa.uint64()]


def numbers(kind: pa.DataType) -> st.SearchStrategy[int]:
    info = np.iinfo(kind.to_pandas_dtype())
    return st.integers(int(info.min), int(info.max))


columns = st.sampled_from(WHOLE).flatmap(
    lambda kind: st.lists(st.none() | numbers(kind), max_size=12).map(lambda v: pa.array(v, kind))
)
floats = st.lists(st.none() | st.floats(width=64), max_size=12).map(
    lambda values: pa.array(values, pa.float64())
)
decimals = st.lists(
    st.none() | st.decimals(-(10**12), 10**12, places=2, allow_nan=False), max_size=12
).map(lambda values: pa.array(values, pa.decimal128(20, 2)))
any_numbers = columns | floats | decimals


# --- bands ----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60, suppress_health_check=SLOW)
@given(columns, st.integers(1, 1000), st.integers(-50, 50))
def test_a_whole_number_is_within_its_band(values: pa.Array, width: int, start: int) -> None:
    made = Bands(width=width, start=start).replace(values, KEY, {}).to_pylist()
    for value, text in zip(values.to_pylist(), made, strict=True):
        if value is None:
            assert text is None
            continue
        low, high = (int(n) for n in (text.split(" to ") if " to " in text else span(text)))
        assert low <= value <= high
        assert high - low == width - 1
        assert (low - start) % width == 0


def span(text: str) -> list[str]:
    low, _, high = (
        text.rpartition("-") if text.count("-") == 1 and text[0] != "-" else ("", "", text)
    )
    return [low or high, high]


@settings(deadline=None, max_examples=100, suppress_health_check=SLOW)
@given(any_numbers)
def test_bands_never_fail_and_keep_nulls(values: pa.Array) -> None:
    for said in ({"width": 2.5}, {"edges": [-3.5, 0, 1e6]}, {"width": 10, "low": 0, "high": 90}):
        for write in ("range", "middle"):
            made = Bands(**said, write=write).replace(values, KEY, {})
            assert made.type == (pa.string() if write == "range" else pa.float64())
            gone = [v is None or v != v for v in values.to_pylist()]
            assert made.is_null().to_pylist() == gone
            if write == "middle":
                assert pc.all(pc.is_finite(made)).as_py() is not False


def test_bands_read_well() -> None:
    def texts(values: list, **said: object) -> list:
        return Bands(**said).replace(pa.array(values), KEY, {}).to_pylist()

    ages = [0, 9, 17, 18, 64, 65, 120]
    assert texts(ages, width=10, high=90) == [
        *("0-9", "0-9", "10-19", "10-19", "60-69", "60-69", "90+")
    ]
    assert texts(ages, edges=[18, 65]) == ["<18"] * 3 + ["18-64"] * 2 + ["65+"] * 2
    assert texts([-5, 5], width=10) == ["-10 to -1", "0-9"]
    assert texts([3], width=1) == ["3"]
    assert texts([12, 17], width=10, low=15) == ["<15", "15-19"]
    assert texts([0.15, 0.35], width=0.1) == ["[0.1, 0.2)", "[0.3, 0.4)"]
    assert texts([2**53 + 1], width=2) == ["9007199254740992-9007199254740993"]
    assert Bands(width=10, write="middle").replace(pa.array([31]), KEY, {}).to_pylist() == [35.0]


def test_dates_in_bands() -> None:
    days = pa.array([dt.date(1987, 5, 17), None])
    wanted = {"decade": "1980s", "year": "1987", "quarter": "1987-Q2", "month": "1987-05"}
    for unit, text in wanted.items():
        for values in (days, days.cast(pa.timestamp("ns", "UTC")), pa.array(["17.5.1987", None])):
            assert Bands(unit=unit).replace(values, KEY, {}).to_pylist() == [text, None]
    # Midnight in New York is the day before in no zone of its own.
    zoned = pa.array([dt.datetime(2020, 1, 1, 3)], pa.timestamp("s")).cast(
        pa.timestamp("s", "America/New_York")
    )
    assert Bands(unit="year").replace(zoned, KEY, {}).to_pylist() == ["2019"]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"width": 1, "edges": [1]},
        {"edges": [2, 1]},
        {"width": 0},
        {"width": 5, "low": 3, "high": 1},
        {"edges": [1], "write": "middle"},
        {"edges": [1, 2], "low": 0},
        {"unit": "year", "write": "middle"},
    ],
)
def test_wrong_bands(said: dict) -> None:
    with pytest.raises(SpecError):
        Bands(**said)


# --- rounding -------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60, suppress_health_check=SLOW)
@given(columns, st.integers(1, 10**6))
def test_whole_numbers_go_to_the_nearest_multiple(values: pa.Array, step: int) -> None:
    made = Truncate(step=step).replace(values, KEY, {})
    assert made.type == values.type
    info = np.iinfo(values.type.to_pandas_dtype())
    for before, after in zip(values.to_pylist(), made.to_pylist(), strict=True):
        if before is None:
            assert after is None
            continue
        exact = (2 * before + step) // (2 * step) * step
        # At the ends of the type the multiple within it.
        fits = [m for m in (exact, exact - step, exact + step, 0) if info.min <= m <= info.max]
        assert after % step == 0
        assert after == fits[0]


def test_halves_go_up() -> None:
    values = pa.array([4, 5, 14, 15, -4, -5, -6, -15])
    assert Truncate(step=10).replace(values, KEY, {}).to_pylist() == [0, 10, 10, 20, 0, 0, -10, -10]


def test_other_numbers_rounded() -> None:
    made = Truncate(step=0.1).replace(pa.array([0.25, 0.3, -1.27, None, float("inf")]), KEY, {})
    assert made.to_pylist() == [0.3, 0.3, -1.3, None, float("inf")]
    money = pa.array([Decimal("12.34"), None], pa.decimal128(10, 2))
    assert Truncate(step=5).replace(money, KEY, {}).to_pylist() == [Decimal("10.00"), None]
    with pytest.raises(DataError, match="no place"):
        Truncate(step=0.07).replace(pa.array([Decimal("1.2")], pa.decimal128(3, 1)), KEY, {})
    small = pa.array([1.4, 2.6], pa.float32())
    assert Truncate(step=1).replace(small, KEY, {}).to_pylist() == [1.0, 3.0]


def test_characters_that_stay() -> None:
    texts = pa.array(["10115", "ab", " SW1A 1AA ", None, "", " ", "äöü"])
    assert Truncate(keep=2).replace(texts, KEY, {}).to_pylist() == [
        *("10*", "ab", "SW*", None, "", " ", "äö*")
    ]
    assert Truncate(keep=0, fill="?").replace(pa.array(["x"]), KEY, {}).to_pylist() == ["?"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"keep": 1}, pa.int64()),
        ({"step": 1}, pa.string()),
        ({"step": 0.5}, pa.int64()),
        ({"unit": "year"}, pa.int64()),
        ({"unit": "week"}, pa.string()),
    ],
)
def test_wrong_columns_to_truncate(said: dict, kind: pa.DataType) -> None:
    with pytest.raises(DataError):
        Truncate(**said).check(kind)


# --- noise ----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60, suppress_health_check=SLOW)
@given(
    any_numbers,
    st.sampled_from(
        [{"scale": 3}, {"scale": 1e6}, {"share": 0.1}, {"share": 5, "shape": "normal"}]
    ),
)
def test_noise_never_fails(values: pa.Array, said: dict) -> None:
    made = Noise(**said).replace(values, KEY, {})
    assert made.type == values.type
    assert made.is_null().equals(values.is_null())
    if pa.types.is_floating(values.type):
        finite = [v is not None and np.isfinite(v) for v in values.to_pylist()]
        assert all(np.isfinite(v) for v, yes in zip(made.to_pylist(), finite, strict=True) if yes)
    cut = len(values) // 2
    parts = [Noise(**said).replace(v, KEY, {}) for v in (values[:cut], values[cut:])]
    assert pa.concat_arrays(parts).to_pylist() == pytest.approx(made.to_pylist(), nan_ok=True)


@pytest.mark.parametrize("shape", ["laplace", "normal"])
def test_noise_has_the_size_declared_and_no_bias(shape: str) -> None:
    values = pa.array(np.arange(40_000) * 7.0)
    made = Noise(scale=50, shape=shape, decimals=9).replace(values, KEY, {})
    noise = made.to_numpy() - values.to_numpy()
    # Standard errors: of the mean 0.25; of the standard deviation about 0.4 (Laplace: kurtosis 6).
    assert abs(noise.mean()) < 1
    assert abs(noise.std() - 50) < 2
    # Mean absolute deviation: b of Laplace with sd b * sqrt(2); sd * sqrt(2 / pi) of the normal.
    wanted = 50 / np.sqrt(2) if shape == "laplace" else 50 * np.sqrt(2 / np.pi)
    assert abs(np.abs(noise).mean() - wanted) < 1
    share = Noise(share=0.1, shape=shape, decimals=9).replace(values[1:], KEY, {}).to_numpy()
    assert abs((share / values.to_numpy()[1:] - 1).std() - 0.1) < 0.005


def test_repeats_do_not_average_the_noise_away() -> None:
    pay = pa.array([52_000] * 5 + [48_000])
    made = Noise(scale=1000).replace(pay, KEY, {})
    assert len(set(made.to_pylist()[:5])) == 1
    assert made[0] != pay[0]
    who = {"who": pa.array(["a", "a", "b", "b", None, "a"])}
    own = Noise(scale=1000, person="who").replace(pay, KEY, who).to_pylist()
    assert own[0] == own[1]
    assert own[2] == own[3]
    assert len({own[0], own[2], own[4]}) == 3
    assert not made.equals(Noise(scale=1000).replace(pay, OTHER, {}))
    assert not made.equals(Noise(scale=1000, realm="bonus").replace(pay, KEY, {}))
    # The same number of another type is the same number.
    assert Noise(scale=1000).replace(pay.cast(pa.int32()), KEY, {}).to_pylist() == made.to_pylist()


def test_bounds_turn_noise_back() -> None:
    for kind in (pa.int64(), pa.float64(), pa.decimal128(12, 2)):
        values = pa.array([Decimal(n) for n in range(2000)], pa.decimal128(12, 2)).cast(kind)
        made = Noise(scale=800, low=0, high=2000).replace(values, KEY, {}).cast(pa.float64())
        assert pc.min(made).as_py() >= 0
        assert pc.max(made).as_py() <= 2000
        # Clipped, a fifth of them would be at the ends.
        assert pc.sum(pc.or_(pc.equal(made, 0), pc.equal(made, 2000))).as_py() < 100


def test_decimals_stay() -> None:
    values = pa.array([3.0, 2.5, 1.25, 0.1 + 0.2])
    made = Noise(scale=10).replace(values, KEY, {}).to_pylist()
    assert [round(v, n) == v for v, n in zip(made, (0, 1, 2, 6), strict=True)] == [True] * 4
    assert Noise(scale=10, decimals=0).replace(values, KEY, {})[1].as_py().is_integer()


@pytest.mark.parametrize(
    "said", [{}, {"scale": 1, "share": 1}, {"scale": 0}, {"scale": 1, "low": 2, "high": 1}]
)
def test_wrong_noise(said: dict) -> None:
    with pytest.raises(SpecError):
        Noise(**said)
    with pytest.raises(DataError):
        Noise(scale=1).check(pa.string())


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (pa.int64(), {"scale": 0.2}),
        (pa.int8(), {"scale": 0.49, "decimals": 3}),
        (pa.float64(), {"scale": 0.2}),
        (pa.float32(), {"scale": 0.04, "decimals": 1}),
        (pa.decimal128(9, 2), {"scale": 0.004}),
        (pa.decimal128(9, 2), {"scale": 0.2, "decimals": 0}),
    ],
)
def test_noise_that_rounding_takes_away_is_refused(kind: pa.DataType, said: dict) -> None:
    values = pa.array([Decimal(n) for n in range(100)], pa.decimal128(9, 2)).cast(kind)
    table = pa.table({"n": values})
    with pytest.raises(DataError, match=r"steps of .* lost"):
        Anonymizer(columns={"n": {"kind": "noise", **said}}).apply(table, KEY)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pa.array(range(-60, 60), pa.int8()), {"scale": 0.5}),
        (pa.array([n + (1 << 61) for n in range(100)]), {"scale": 0.5}),
        (pa.array([float(n) for n in range(1000)]), {"scale": 0.5}),
        (pa.array([float(n) for n in range(1000)]), {"scale": 0.2, "decimals": 1}),
        (pa.array([n * 1e18 for n in range(1, 100)]), {"scale": 1}),
        (pa.array([n * 1e6 for n in range(1, 100)], pa.float32()), {"scale": 1}),
        (pa.array([Decimal(n) for n in range(100)], pa.decimal128(9, 2)), {"scale": 0.005}),
        (pa.array(range(1, 100)), {"share": 0.01}),
        # Turned back at a bound, and from there onto itself.
        (pa.array([0, 1, 2] * 9), {"scale": 2, "low": 0, "high": 2, "realm": "a"}),
        (pa.array([0.0, 1.0, 2.0] * 9), {"scale": 2, "low": 0, "high": 2}),
    ],
)
def test_no_number_stays_what_it_was(values: pa.Array, said: dict) -> None:
    made = Noise(**said).replace(values, KEY, {})
    assert made.type == values.type
    pairs = list(zip(values.to_pylist(), made.to_pylist(), strict=True))
    assert [a for a, b in pairs if a == b] == []
    low, high = said.get("low", -1e30), said.get("high", 1e30)
    assert all(low <= b <= high for _, b in pairs)


def test_a_share_of_nothing_is_nothing() -> None:
    assert Noise(share=0.5).replace(pa.array([0, 0]), KEY, {}).to_pylist() == [0, 0]
    only = Noise(scale=5, low=0.5, high=1.5).replace(pa.array([1, 7]), KEY, {})
    assert only.to_pylist() == [1, 1]


# --- masks ----------------------------------------------------------------------------------------


def test_masks() -> None:
    for values in (pa.array([1, None]), pa.array([[1], None]), pa.array([{"a": 1}, None])):
        assert Mask().replace(values, KEY, {}).to_pylist() == ["***", None]
    texts = pa.array(["x", None, " "], pa.large_string())
    made = Mask(value="?").replace(texts, KEY, {})
    assert made.to_pylist() == ["?", None, " "]
    assert made.type == pa.large_string()
    coded = texts.dictionary_encode()
    assert Mask().replace(coded, KEY, {}).to_pylist() == ["***", None, " "]
    with pytest.raises(DataError, match="drop"):
        Mask(value=" ").check(pa.string())
    assert not Drop().leaves
