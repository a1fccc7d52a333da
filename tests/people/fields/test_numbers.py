"""Numbers and dates have the distributions that they declare (scipy's tests, fixed seeds)."""

import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import paribus as pb
from paribus.people.population import People

N = 60_000


def drawn(field, n=N, seed=1):
    people = People(protect={"g": {"levels": ["a", "b"]}}, fields={"x": field}, size=n, seed=seed)
    return people.block(0).column("x").arrow().to_numpy(zero_copy_only=False)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 9), (-3, 3), (10**12, 10**12 + 99), (5, 5), (0, 299)]
)
def test_integers_are_equally_likely_with_both_bounds(low, high):
    values = drawn(pb.integers(low, high))
    assert values.dtype == np.int64
    assert (values.min(), values.max()) == (low, high)
    if low < high:
        counts = np.bincount(values - low, minlength=high - low + 1)
        assert stats.chisquare(counts).pvalue > 0.001


@given(low=st.integers(-(2**63), 2**63 - 1), high=st.integers(-(2**63), 2**63 - 1))
@settings(max_examples=60, deadline=None)
def test_integers_stay_within_any_bounds(low, high):
    low, high = sorted((low, high))
    values = drawn(pb.integers(low, high), 200)
    assert low <= values.min()
    assert values.max() <= high
    # Where there is room, chance uses it: no overflow piles everything up at one end.
    if high - low > 10**6:
        assert len(np.unique(values)) > 150


@given(low=st.floats(-1e300, 1e300), high=st.floats(-1e300, 1e300))
@settings(max_examples=60, deadline=None)
def test_uniform_stays_within_any_bounds(low, high):
    low, high = sorted((low, high))
    values = drawn(pb.uniform(low, high), 200)
    assert np.isfinite(values).all()
    assert low <= values.min()
    assert values.max() <= high


def test_uniform_is_even():
    assert stats.kstest(drawn(pb.uniform(-2, 6)), stats.uniform(-2, 8).cdf).pvalue > 0.001


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (None, None),
        (18, None),
        (None, 70),
        (18, 70),
        (90, 120),
        (38, 41),
        (160, None),
        (None, -80),
        (160, 170),
    ],
)
def test_normal_is_cut_off_at_its_bounds(low, high):
    mean, sd = 40, 12
    values = drawn(pb.normal(mean, sd, low=low, high=high))
    a = -np.inf if low is None else (low - mean) / sd
    b = np.inf if high is None else (high - mean) / sd
    expected = stats.truncnorm(a, b, mean, sd)
    assert stats.kstest(values, expected.cdf).pvalue > 0.001
    assert values.min() >= (low if low is not None else -np.inf)
    assert values.max() <= (high if high is not None else np.inf)


@pytest.mark.parametrize(("low", "high"), [(500, None), (None, -500), (500, 501), (40, 40)])
def test_normal_far_out_in_a_tail_stays_finite_and_within(low, high):
    values = drawn(pb.normal(40, 12, low=low, high=high), 2_000)
    assert np.isfinite(values).all()
    assert values.min() >= (low if low is not None else -np.inf)
    assert values.max() <= (high if high is not None else np.inf)


@pytest.mark.parametrize(
    ("low", "high"), [(None, None), (12_000, None), (0, 50_000), (30_000, 60_000)]
)
def test_lognormal_has_its_median_and_its_cuts(low, high):
    median, sigma = 42_000, 0.6
    values = drawn(pb.lognormal(median, sigma, low=low, high=high))
    a = -np.inf if not low else np.log(low / median) / sigma
    b = np.inf if high is None else np.log(high / median) / sigma
    expected = stats.truncnorm(a, b, np.log(median), sigma)
    assert stats.kstest(np.log(values), expected.cdf).pvalue > 0.001


def test_decimals_round():
    for field in (pb.normal(0, 5, decimals=1), pb.lognormal(10, 1, decimals=1)):
        values = drawn(field, 500)
        assert (values == values.round(1)).all()
        assert (values != values.round(0)).any()


@given(
    field=st.sampled_from([pb.normal, lambda **k: pb.lognormal(50, 0.8, **k)]),
    low=st.floats(1, 60),
    width=st.floats(0, 40),
    decimals=st.one_of(st.none(), st.integers(0, 3)),
)
@settings(max_examples=60, deadline=None)
def test_rounding_does_not_leave_the_bounds(field, low, width, decimals):
    values = drawn(field(low=low, high=low + width, decimals=decimals), 100)
    assert values.min() >= low
    assert values.max() <= low + width


def test_dates_include_both_ends():
    values = drawn(pb.dates("1999-12-28", "2000-03-02"), 30_000)
    counts = np.unique(values, return_counts=True)
    assert counts[0].min() == np.datetime64("1999-12-28")
    assert counts[0].max() == np.datetime64("2000-03-02")
    assert len(counts[0]) == 66  # 2000 was a leap year
    assert stats.chisquare(counts[1]).pvalue > 0.001


def test_dates_reach_from_the_first_year_to_the_last():
    values = drawn(pb.dates(datetime.date.min, datetime.date.max), 300)
    assert len(np.unique(values)) > 290


def test_a_sequence_counts_people():
    assert drawn(pb.sequence(10, -2), 4).tolist() == [10, 8, 6, 4]


@pytest.mark.parametrize(
    ("make", "path", "said"),
    [
        (lambda: pb.integers(5, 3), "$.low", "low (5) is above high (3)"),
        (lambda: pb.integers(0, 2**63), "$", "64 bits"),
        (lambda: pb.integers(0.5, 3), "$.low", "whole number"),
        (lambda: pb.integers(1, "x"), "$.high", "whole number"),
        (lambda: pb.integers(True, 3), "$.low", "whole number"),
        (lambda: pb.uniform(1, 0), "$.low", "low (1) is above high (0)"),
        (lambda: pb.uniform(float("nan"), 1), "$.low", "finite"),
        (lambda: pb.normal(0, 0), "$.sd", "greater than 0"),
        (lambda: pb.normal(0, 1, low=2, high=1), "$.low", "low (2) is above high (1)"),
        (lambda: pb.normal(1e301), "$", "1e300"),
        (lambda: pb.normal(float("inf")), "$.mean", "finite"),
        (lambda: pb.lognormal(0, 1), "$.median", "greater than 0"),
        (lambda: pb.lognormal(1, -1), "$.sigma", "greater than 0"),
        (lambda: pb.lognormal(1e300, 20), "$", "too large"),
        (lambda: pb.lognormal(5, 1, low=9, high=2), "$.low", "above high"),
        (lambda: pb.dates("2000-01-02", "2000-01-01"), "$.low", "is above high"),
        (lambda: pb.dates("2000-13-01", "2001-01-01"), "$.low", "date"),
        (lambda: pb.sequence(2**63), "$.start", "less than"),
    ],
)
def test_declarations_that_make_no_sense(make, path, said):
    with pytest.raises(pb.SpecError) as raised:
        make()
    assert raised.value.path == path
    assert said in raised.value.message
