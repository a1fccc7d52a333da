"""Errors of regressions from sums: scipy as oracle, laws, coverage."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats

from paribus.stats.prediction_errors import (
    Differences,
    ErrorSums,
    Estimates,
    difference,
    mean_absolute_error,
    mean_error,
    p_beyond,
    p_within,
    root_mean_squared_error,
)

Array = NDArray[np.float64]

MOST = sys.float_info.max
KINDS = [mean_error, mean_absolute_error, root_mean_squared_error]
ARRAYS = hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e3, 1e3))
ANY_ARRAYS = (
    hnp.arrays(np.float64, st.integers(0, 6), elements=st.floats(-1e70, 1e70))
    | hnp.arrays(np.float64, st.integers(0, 4), elements=st.sampled_from([0.0, 1e-70, -1e-70]))
    | st.builds(np.full, st.integers(0, 50), st.floats(-2, 2))
    | ARRAYS
)


def varied(values: Array) -> bool:
    return bool(values.std() > 1e-3 and np.abs(values).std() > 1e-3)


def numbers(result: Estimates | Differences) -> Array:
    return np.array([getattr(result, name) for name in type(result).__slots__])


@given(ARRAYS, st.floats(0.5, 0.999), st.floats(-10, 10))
def test_means_equal_scipy(errors: Array, confidence: float, center: float) -> None:
    if not varied(errors):
        return
    sums = ErrorSums.of(errors, center)
    for function, values in ((mean_error, errors), (mean_absolute_error, np.abs(errors))):
        found = function(sums, confidence)
        interval = stats.ttest_1samp(values, 0).confidence_interval(confidence)
        assert float(found.estimate) == pytest.approx(values.mean(), rel=1e-6, abs=1e-6)
        low = interval.low if function is mean_error else max(0.0, interval.low)
        assert float(found.low) == pytest.approx(low, rel=1e-4, abs=1e-4)
        assert float(found.high) == pytest.approx(interval.high, rel=1e-4, abs=1e-4)


@given(ARRAYS, ARRAYS, st.floats(0.5, 0.999))
def test_differences_equal_scipy(first: Array, second: Array, confidence: float) -> None:
    if not (varied(first) and varied(second)):
        return
    one, other = ErrorSums.of(first), ErrorSums.of(second)
    for function, change in ((mean_error, np.asarray), (mean_absolute_error, np.abs)):
        gap = difference(function(one), function(other), confidence)
        oracle = stats.ttest_ind(change(first), change(second), equal_var=False)
        interval = oracle.confidence_interval(confidence)
        assert float(gap.p) == pytest.approx(oracle.pvalue, rel=1e-4, abs=1e-9)
        assert float(gap.freedom) == pytest.approx(oracle.df, rel=1e-4)
        assert float(gap.low) == pytest.approx(interval.low, rel=1e-4, abs=1e-4)
        assert float(gap.high) == pytest.approx(interval.high, rel=1e-4, abs=1e-4)


@given(ARRAYS, st.floats(0, 5))
def test_claims_equal_scipy(errors: Array, tolerance: float) -> None:
    if not varied(errors):
        return
    bias = mean_error(ErrorSums.of(errors))
    greater = stats.ttest_1samp(errors, tolerance, alternative="greater").pvalue
    less = stats.ttest_1samp(errors, -tolerance, alternative="less").pvalue
    assert float(p_beyond(bias, tolerance)) == pytest.approx(
        min(1, 2 * min(greater, less)), rel=1e-4, abs=1e-9
    )
    within = max(
        stats.ttest_1samp(errors, tolerance, alternative="less").pvalue,
        stats.ttest_1samp(errors, -tolerance, alternative="greater").pvalue,
    )
    assert float(p_within(bias, tolerance)) == pytest.approx(within, rel=1e-4, abs=1e-9)


def test_root_mean_squared_error_by_hand() -> None:
    errors = np.array([1.0, -2.0, 3.0, 2.0])
    found = root_mean_squared_error(ErrorSums.of(errors))
    squares = errors**2
    se = squares.std(ddof=1) / 2
    assert float(found.estimate) == pytest.approx(math.sqrt(4.5))
    assert float(found.se) == pytest.approx(se / (2 * math.sqrt(4.5)))
    steps = math.exp(stats.t.ppf(0.975, 3) * se / 4.5 / 2)
    assert float(found.low) == pytest.approx(math.sqrt(4.5) / steps)
    assert float(found.high) == pytest.approx(math.sqrt(4.5) * steps)


def test_a_center_keeps_the_digits_of_a_small_spread() -> None:
    errors = 1e7 + np.array([0.0, 1.0, 2.0, 3.0])
    found = mean_error(ErrorSums.of(errors, center=1e7))
    assert float(found.se) == pytest.approx(errors.std(ddof=1) / 2)
    assert float(found.estimate) == errors.mean()
    rmse = root_mean_squared_error(ErrorSums.of(errors, center=1e7))
    assert float(rmse.estimate) == pytest.approx(1e7 + 1.5)
    assert float(mean_error(ErrorSums.of(errors + 1e5)).se) >= 0


@pytest.mark.parametrize("function", KINDS)
def test_nothing_one_and_constants(function: type) -> None:
    nothing = function(ErrorSums.of(np.array([])))
    least = -MOST if function is mean_error else 0.0
    assert (float(nothing.estimate), float(nothing.low), float(nothing.high)) == (0, least, MOST)
    one = function(ErrorSums.of(np.array([0.3])))
    assert (float(one.estimate), float(one.low), float(one.high)) == (
        pytest.approx(0.3),
        least,
        MOST,
    )
    for few in (nothing, one):
        assert float(p_beyond(few, 0.0)) == float(p_within(few, 1.0)) == 1.0
    certain = function(ErrorSums.of(np.full(10, 0.3)))
    assert float(certain.low) == float(certain.high) == pytest.approx(0.3)
    assert float(p_within(certain, 0.5)) == 0.0
    assert float(p_within(certain, 0.2)) == 1.0
    assert float(p_beyond(certain, 0.2)) == pytest.approx(2 * 0.5**10)
    assert float(p_beyond(certain, 0.5)) == 1.0
    # Rule of three, as in moments.mean_interval
    cautious = function(ErrorSums.of(np.full(10, 0.3)), spread=0.1)
    half = 0.1 * (1 - 0.05**0.1)
    assert float(cautious.high) == pytest.approx(0.3 + half)
    assert 0 < float(p_within(cautious, 0.35)) < 0.05


@given(ANY_ARRAYS, ANY_ARRAYS, st.floats(0, 2), st.floats(0, 2))
def test_always_finite_and_never_both_claims(
    first: Array, second: Array, tolerance: float, spread: float
) -> None:
    for function in KINDS:
        one = function(ErrorSums.of(first), spread=spread)
        other = function(ErrorSums.of(second), spread=spread)
        gap, back = difference(one, other), difference(other, one)
        for result in (one, other, gap):
            assert np.all(np.isfinite(numbers(result)))
            assert result.low <= result.estimate <= result.high
            beyond, within = p_beyond(result, tolerance), p_within(result, tolerance)
            assert 0 <= beyond <= 1
            assert 0 <= within <= 1
            assert max(beyond, within) >= 0.5
        assert gap.estimate == -back.estimate
        assert gap.low == pytest.approx(-back.high)
        assert gap.p == pytest.approx(float(back.p))
        assert gap.p == pytest.approx(float(p_beyond(gap, 0.0)))


@given(st.lists(ARRAYS, min_size=1, max_size=4))
def test_many_groups_at_once_are_the_same_as_one_by_one(groups: list[Array]) -> None:
    singles = [ErrorSums.of(group) for group in groups]
    fields = ("n", "total", "absolute", "squares", "fourths")
    together = ErrorSums(*(np.array([getattr(s, field) for s in singles]) for field in fields))
    for function in KINDS:
        alone = np.array([numbers(function(single)) for single in singles]).T
        assert numbers(function(together)) == pytest.approx(alone)
        gaps = difference(function(together), function(singles[0]))
        assert gaps.estimate[0] == 0
        assert gaps.p[0] == 1.0


@given(ARRAYS, st.floats(0.01, 1e3))
def test_weights_count_as_their_effective_rows(errors: Array, weight: float) -> None:
    if not varied(errors):
        return
    plain = ErrorSums.of(errors)
    weighted = ErrorSums(
        plain.n * weight,
        plain.total * weight,
        plain.absolute * weight,
        plain.squares * weight,
        plain.fourths * weight,
        effective=plain.n,
    )
    for function in KINDS:
        found, expected = function(weighted), function(plain)
        assert found.low == pytest.approx(float(expected.low), rel=1e-4, abs=1e-4)
        assert found.high == pytest.approx(float(expected.high), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(("n", "least"), [(20, 0.90), (50, 0.92), (200, 0.93)])
def test_coverage_for_normal_errors(n: int, least: float) -> None:
    errors = np.random.default_rng(n).normal(size=(4_000, n))
    sums = ErrorSums(
        np.full(4_000, n),
        errors.sum(axis=1),
        np.abs(errors).sum(axis=1),
        (errors**2).sum(axis=1),
        (errors**4).sum(axis=1),
    )
    truths = 0.0, math.sqrt(2 / math.pi), 1.0
    for function, truth in zip(KINDS, truths, strict=True):
        found = function(sums)
        assert np.mean((found.low <= truth) & (truth <= found.high)) >= least
    halves = [
        ErrorSums(*(getattr(sums, field)[part] for field in ErrorSums.__slots__[:5]))
        for part in (slice(0, None, 2), slice(1, None, 2))
    ]
    for function in KINDS:
        gaps = difference(*(function(half) for half in halves))
        assert np.mean(gaps.p <= 0.05) <= 0.07
