"""Moments of numbers: merging, the mean's interval, and claims about the mean."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats

from paribus.stats.moments import Moments, mean_interval, p_mean_outside, p_mean_within

Array = NDArray[np.float64]

ARRAYS = hnp.arrays(np.float64, st.integers(0, 30), elements=st.floats(-1e3, 1e3))
ANY_ARRAYS = (
    hnp.arrays(np.float64, st.integers(0, 5), elements=st.floats(-1e100, 1e100))
    | st.builds(np.full, st.integers(0, 50), st.floats(-2, 2))
    | ARRAYS
)
# "extra" in Student's (1908) sleep data, drug 2 minus drug 1, as in R's `sleep`.
SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])


def test_moments_of_values() -> None:
    moments = Moments.of(SLEEP)
    assert moments.count == 10
    assert moments.mean == pytest.approx(1.58)
    assert moments.sd == pytest.approx(1.229995, abs=1e-6)
    assert (moments.low, moments.high) == (0.0, 4.6)


def test_moments_of_nothing_one_and_flags() -> None:
    assert Moments.of(np.array([])) == Moments.empty() == Moments(0, 0.0, 0.0, 0.0, 0.0)
    assert Moments.of(np.array([7])) == Moments(1, 7.0, 0.0, 7.0, 7.0)
    assert Moments.of(np.array([[True], [False]])) == Moments(2, 0.5, 0.5, 0.0, 1.0)
    assert Moments.empty().sd == Moments.of(np.array([7])).sd == 0.0


@given(st.integers(1, 1000), st.floats(-1e6, 1e6))
def test_equal_numbers_have_no_rounding_error(count: int, value: float) -> None:
    whole = Moments.of(np.full(count, value))
    assert whole == Moments(count, value, 0.0, value, value)
    assert whole.merge(whole) == Moments(2 * count, value, 0.0, value, value)


@given(ARRAYS, ARRAYS, ARRAYS)
def test_merging_equals_concatenation(a: Array, b: Array, c: Array) -> None:
    merged = Moments.of(a).merge(Moments.of(b)).merge(Moments.of(c))
    whole = Moments.of(np.concatenate([a, b, c]))
    assert merged.count == whole.count
    assert merged.mean == pytest.approx(whole.mean, rel=1e-9, abs=1e-9)
    assert merged.m2 == pytest.approx(whole.m2, rel=1e-9, abs=1e-9)
    assert (merged.low, merged.high) == (whole.low, whole.high)


@given(ARRAYS)
def test_moments_equal_numpy(values: Array) -> None:
    moments = Moments.of(values)
    if len(values) > 1:
        assert moments.mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-9)
        assert moments.sd == pytest.approx(values.std(ddof=1), rel=1e-9, abs=1e-9)
    assert Moments.empty().merge(moments) == moments.merge(Moments.empty()) == moments


def test_a_small_spread_on_a_large_mean_keeps_its_digits() -> None:
    left, right = Moments.of(np.array([1e9, 1e9 + 1])), Moments.of(np.array([1e9 + 2, 1e9 + 3]))
    assert left.merge(right).m2 == pytest.approx(5.0, rel=1e-12)


def test_interval_and_p_known() -> None:
    # R: t.test(extra ~ group, paired = TRUE), t = 4.0621, p = 0.002833, [0.7001, 2.4599]
    moments = Moments.of(SLEEP)
    assert mean_interval(moments) == pytest.approx((0.7001142, 2.4598858), abs=1e-6)
    assert p_mean_outside(moments, 0.0) == pytest.approx(0.00283289, abs=1e-8)


@given(ARRAYS, st.floats(0.5, 0.999), st.floats(0, 100))
def test_interval_and_p_values_equal_scipy(
    values: Array, confidence: float, tolerance: float
) -> None:
    moments = Moments.of(values)
    if moments.sd < 1e-3:
        return
    greater = stats.ttest_1samp(values, tolerance, alternative="greater")
    less = stats.ttest_1samp(values, -tolerance, alternative="less")
    outside = min(1.0, 2 * min(greater.pvalue, less.pvalue))
    assert p_mean_outside(moments, tolerance) == pytest.approx(outside, rel=1e-6, abs=1e-12)
    within = max(
        stats.ttest_1samp(values, tolerance, alternative="less").pvalue,
        stats.ttest_1samp(values, -tolerance, alternative="greater").pvalue,
    )
    assert p_mean_within(moments, tolerance) == pytest.approx(within, rel=1e-6, abs=1e-12)
    interval = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert mean_interval(moments, confidence) == pytest.approx(
        (interval.low, interval.high), rel=1e-7, abs=1e-7
    )


@given(ANY_ARRAYS, st.floats(0, 2), st.floats(0, 2))
def test_always_finite_and_never_both_claims(
    values: Array, tolerance: float, spread: float
) -> None:
    moments = Moments.of(values)
    low, high = mean_interval(moments, spread=spread)
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low <= moments.mean <= high
    outside = p_mean_outside(moments, tolerance, spread)
    within = p_mean_within(moments, tolerance, spread)
    assert 0 <= outside <= 1
    assert 0 <= within <= 1
    assert max(outside, within) >= 0.5
    mirrored = Moments.of(-values)
    assert outside == pytest.approx(p_mean_outside(mirrored, tolerance, spread), rel=1e-9)
    assert within == pytest.approx(p_mean_within(mirrored, tolerance, spread), rel=1e-9)


def test_no_numbers_and_one_number_claim_nothing() -> None:
    assert mean_interval(Moments.empty(), spread=2.0) == (-2.0, 2.0)
    one = Moments.of(np.array([0.3]))
    assert mean_interval(one, spread=1.0) == pytest.approx((0.3 - 0.95, 0.3 + 0.95))
    assert p_mean_outside(Moments.empty(), 0.0) == p_mean_outside(one, 0.0) == 1.0
    assert p_mean_within(Moments.empty(), 0.5, 1.0) == p_mean_within(one, 0.5) == 1.0
    assert p_mean_within(one, 0.5, 1.0) == pytest.approx(0.8)


def test_equal_numbers_follow_the_rule_of_three() -> None:
    # Hanley & Lippman-Hand (1983): none of n seen, at most about 3 / n unseen.
    same = Moments.of(np.full(100, 0.25))
    low, high = mean_interval(same, spread=1.0)
    assert high - 0.25 == pytest.approx(0.25 - low) == pytest.approx(1 - 0.05**0.01)
    assert high - 0.25 == pytest.approx(3 / 100, rel=0.02)
    assert mean_interval(same) == (0.25, 0.25)


def test_claims_about_equal_numbers() -> None:
    same = Moments.of(np.full(5, 0.3))
    assert p_mean_outside(same, 0.1) == 2 / 2**5
    assert p_mean_outside(Moments.of(np.full(5, -0.3)), 0.1) == 2 / 2**5
    assert p_mean_outside(same, 0.3) == 1.0
    assert p_mean_within(same, 0.3, 1.0) == p_mean_within(same, 0.3) == 1.0
    assert p_mean_within(same, 0.1) == 1.0
    assert p_mean_within(same, 0.5) == 0.0
    assert p_mean_within(same, 0.5, 1.0) == pytest.approx(0.8**5)
    assert p_mean_within(same, 0.5, 0.1) == 0.0


@given(st.integers(2, 400), st.floats(0.001, 0.5))
def test_within_agrees_with_the_interval_of_equal_numbers(count: int, tolerance: float) -> None:
    zeros = Moments.of(np.zeros(count))
    high = mean_interval(zeros, spread=1.0)[1]
    if abs(high - tolerance) > 1e-9:
        assert (p_mean_within(zeros, tolerance, 1.0) < 0.05) == (high < tolerance)


def test_rounding_noise_counts_as_equal() -> None:
    noise = np.random.default_rng(1).normal(0.0, 1e-8, 20)
    exact, noisy = Moments.of(np.full(20, 0.005)), Moments.of(0.005 + noise)
    for claim in (p_mean_within, p_mean_outside):
        assert claim(noisy, 0.01, 1.0) == pytest.approx(claim(exact, 0.01, 1.0), rel=1e-4)
        assert claim(noisy, 0.002, 1.0) == pytest.approx(claim(exact, 0.002, 1.0), rel=1e-4)
    assert mean_interval(noisy, spread=1.0) == pytest.approx(mean_interval(exact, spread=1.0))
    # Noise around the tolerance itself is on both sides of it: no claim.
    assert p_mean_outside(noisy, 0.005, 1.0) == 1.0
