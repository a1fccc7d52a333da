"""Calibration from tables: known answers, statsmodels as oracle, laws, coverage."""

import math
import sys
from statistics import NormalDist

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, logit
from statsmodels.stats.proportion import proportion_confint

from paribus.stats.calibration import (
    CLIPPED,
    Estimate,
    expected_calibration_error,
    mean_calibration,
    recalibration,
    reliability,
    wilson_interval,
)

Array = NDArray[np.float64]
Table = tuple[Array, Array, Array]

MOST = sys.float_info.max
SHARES = st.sampled_from([0.0, 1e-12, 0.5, 1.0]) | st.floats(0, 1)
BINS = st.tuples(st.sampled_from([0, 1, 1, 2, 7, 1e7]) | st.floats(0, 50), SHARES, SHARES)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    bins = draw(st.lists(BINS, max_size=12))
    scale = draw(st.sampled_from([1.0, 1.0, 1e-3, 1e90]))
    n = np.array([count * scale for count, _, _ in bins])
    events = n * [share for _, share, _ in bins]
    return n, events, n * [score for _, _, score in bins]


def rows(seed: int, n: int, slope: float = 1.0, intercept: float = 0.0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    scores = rng.beta(1, 3, size=n)
    labels = rng.random(n) < expit(intercept + slope * logit(scores))
    return scores, labels.astype(np.float64)


def finite(*estimates: Estimate) -> bool:
    return all(math.isfinite(value) for estimate in estimates for value in estimate) and all(
        e.low <= e.estimate <= e.high for e in estimates
    )


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.5, 0.999))
def test_wilson_equals_statsmodels(k: int, n: int, confidence: float) -> None:
    k = min(k, n)
    z = -NormalDist().inv_cdf((1 - confidence) / 2)
    low, high = wilson_interval(k / n, n, z)
    expected = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
    assert (float(low), float(high)) == pytest.approx(expected, abs=1e-9)


def test_reliability_by_hand() -> None:
    points = reliability([10, 30, 0, 20], [1, 6, 0, 20], [0.4, 2.6, 0.0, 20.0])
    assert points.score.tolist() == pytest.approx([3 / 40, 1.0])
    assert points.observed.tolist() == pytest.approx([7 / 40, 1.0])
    assert points.n.tolist() == [40, 20]
    assert points.low[0] == pytest.approx(proportion_confint(7, 40, method="wilson")[0])
    assert points.high.tolist() == [pytest.approx(points.high[0]), 1.0]


@given(tables(), st.integers(1, 20))
def test_reliability_keeps_every_row(table: Table, bins: int) -> None:
    points = reliability(*table, bins=bins)
    assert len(points.n) <= bins
    assert points.n.sum() == pytest.approx(table[0].sum())
    assert points.n @ points.observed == pytest.approx(table[1].sum())
    assert points.n @ points.score == pytest.approx(table[2].sum())
    assert np.all(np.diff(points.score) >= 0)
    assert np.all((points.low <= points.observed) & (points.observed <= points.high))


def test_calibration_error_by_hand() -> None:
    # Guo et al. (2017), equation 3: 0.25 * |0.2 - 0.15| + 0.75 * |0.6 - 0.85|
    error = expected_calibration_error(
        [100, 300], [20, 180], [15.0, 255.0], np.random.default_rng(0)
    )
    assert error.estimate == pytest.approx(0.25 * 0.05 + 0.75 * 0.25)
    assert 0.1 < error.low < error.estimate < error.high < 0.3
    assert error.p == pytest.approx(1 / 2001)
    # E|X/n - p| of a calibrated model: sqrt(2 / pi) * sd for each bin
    sds = [math.sqrt(0.15 * 0.85 / 100), math.sqrt(0.85 * 0.15 / 300)]
    expected = math.sqrt(2 / math.pi) * (0.25 * sds[0] + 0.75 * sds[1])
    assert error.chance == pytest.approx(expected, rel=0.05)


def test_calibration_error_of_nothing_and_of_perfection() -> None:
    rng = np.random.default_rng(0)
    nothing = expected_calibration_error([], [], [], rng)
    assert (nothing.estimate, nothing.low, nothing.high, nothing.p) == (0, 0, 1, 1)
    perfect = expected_calibration_error([50, 50], [0, 50], [0, 50], rng)
    assert (perfect.estimate, perfect.low, perfect.chance, perfect.p) == (0, 0, 0, 1)
    assert 0 < perfect.high < 0.05
    worst = expected_calibration_error([50, 50], [50, 0], [0, 50], rng)
    assert worst.estimate == worst.high == 1.0
    assert worst.low > 0.8


@settings(deadline=None, max_examples=40)
@given(tables(), st.floats(0.5, 0.99), st.floats(0.3, 1e5) | st.none())
def test_calibration_error_is_always_in_range(
    table: Table, confidence: float, effective: float | None
) -> None:
    error = expected_calibration_error(
        *table, np.random.default_rng(1), confidence=confidence, effective=effective, draws=50
    )
    assert 0 <= error.low <= error.estimate <= error.high <= 1
    assert 0 <= error.chance <= 1
    assert 0 < error.p <= 1
    assert (error.low > 0) <= (error.p <= (1 - confidence) / 2)


@pytest.mark.parametrize("n", [100, 1_000])
@pytest.mark.parametrize("slope", [1.0, 0.5, 1.5])
def test_coverage_of_the_calibration_error(n: int, slope: float) -> None:
    rng = np.random.default_rng(n)
    covered, proven, runs = 0, 0, 100
    for _ in range(runs):
        scores = rng.beta(1, 3, size=n)
        chances = expit(slope * logit(scores))
        labels = rng.random(n) < chances
        place = np.minimum((scores * 10).astype(int), 9)
        truth = float(np.abs(np.bincount(place, chances - scores, 10)).sum() / n)
        error = expected_calibration_error(np.ones(n), labels, scores, rng, draws=400)
        covered += error.low <= truth + 1e-12 and truth <= error.high
        proven += error.p <= 0.05
    assert covered / runs >= 0.92
    if slope == 1.0:
        assert proven / runs <= 0.11
    elif n == 1_000:
        assert proven / runs >= 0.9


def test_mean_calibration_known() -> None:
    estimate, low, high = mean_calibration([60, 40], [20, 30], [15.0, 25.0])
    wilson = proportion_confint(50, 100, method="wilson")
    assert estimate == pytest.approx(0.1)
    assert (low, high) == pytest.approx((wilson[0] - 0.4, wilson[1] - 0.4))
    assert mean_calibration([], [], []) == (0.0, -1.0, 1.0)
    assert mean_calibration([300], [0], [3.0]) == pytest.approx(
        (-0.01, -0.01, proportion_confint(0, 300, method="wilson")[1] - 0.01)
    )


@settings(deadline=None)
@example((np.array([3.0, 1e-15]), np.array([3.0, 5e-16]), np.zeros(2)), None)
@given(tables(), st.floats(0.3, 1e5) | st.none())
def test_means_and_recalibration_always_give_numbers(table: Table, effective: float | None) -> None:
    assert finite(mean_calibration(*table, effective=effective))
    fit = recalibration(*table, effective=effective)
    assert finite(fit.slope, fit.intercept, fit.in_the_large)
    if not fit.defined:
        assert fit.slope == (1.0, -MOST, MOST)
        assert fit.intercept == (0.0, -MOST, MOST)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, 0.3), (1.6, -0.7)])
def test_recalibration_equals_statsmodels_on_rows(slope: float, intercept: float) -> None:
    scores, labels = rows(7, 600, slope, intercept)
    fit = recalibration(np.ones(600), labels, scores)
    x = logit(np.clip(scores, CLIPPED, 1 - CLIPPED))
    oracle = sm.Logit(labels, sm.add_constant(x)).fit(disp=0)
    intervals = oracle.conf_int()
    assert fit.intercept == pytest.approx((oracle.params[0], *intervals[0]), abs=1e-6)
    assert fit.slope == pytest.approx((oracle.params[1], *intervals[1]), abs=1e-6)
    large = sm.GLM(labels, np.ones((600, 1)), sm.families.Binomial(), offset=x).fit()
    assert fit.in_the_large == pytest.approx((large.params[0], *large.conf_int()[0]), abs=1e-5)


def test_narrow_bins_give_nearly_what_rows_give() -> None:
    scores, labels = rows(9, 5_000, 0.7)
    place = np.minimum((scores * 65_536).astype(int), 65_535)
    table = [np.bincount(place, values, 65_536) for values in (np.ones(5_000), labels, scores)]
    exact, binned = recalibration(np.ones(5_000), labels, scores), recalibration(*table)
    assert binned.slope == pytest.approx(exact.slope, abs=1e-3)
    assert binned.in_the_large == pytest.approx(exact.in_the_large, abs=1e-3)


@given(st.floats(0.01, 100))
def test_weights_count_as_their_effective_rows(weight: float) -> None:
    scores, labels = rows(11, 200)
    table = np.ones(200), labels, scores
    weighted = tuple(column * weight for column in table)
    for function in (mean_calibration, lambda *a, **k: recalibration(*a, **k).slope):
        assert function(*weighted, effective=200.0) == pytest.approx(function(*table), rel=1e-6)


@pytest.mark.parametrize(
    ("n", "favorable", "total"),
    [
        ([5, 5], [0, 5], [1.0, 4.0]),  # separated
        ([5, 5, 5], [0, 2, 5], [1.0, 2.5, 4.0]),  # separated but for ties
        ([5, 5], [5, 0], [1.0, 4.0]),  # separated the wrong way
        ([9], [4], [3.0]),  # constant scores
        ([5, 5], [0, 0], [1.0, 4.0]),  # no events
        ([5, 5], [5, 5], [1.0, 4.0]),  # nothing but events
        ([1], [1], [1.0]),
        ([], [], []),
    ],
)
def test_no_finite_slope(n: list[int], favorable: list[int], total: list[float]) -> None:
    fit = recalibration(n, favorable, total)
    assert not fit.defined
    assert fit.slope == (1.0, -MOST, MOST)
    assert finite(fit.in_the_large)


def test_no_events_bound_the_intercept_on_one_side() -> None:
    large = recalibration([40, 60], [0, 0], [4.0, 30.0]).in_the_large
    assert large.low == -MOST
    chances = expit(logit(np.array([0.1, 0.5])) + large.high)
    # The chance of no event is then half of the missing confidence.
    assert float(np.prod((1 - chances) ** [40, 60])) == pytest.approx(0.025, rel=1e-6)
    mirrored = recalibration([40, 60], [40, 60], [36.0, 30.0]).in_the_large
    assert mirrored == pytest.approx((-large.estimate, -large.high, MOST))


def test_coverage_of_recalibration_and_mean() -> None:
    covered = np.zeros(3)
    for seed in range(300):
        scores, labels = rows(seed, 150)
        fit = recalibration(np.ones(150), labels, scores)
        mean = mean_calibration(np.ones(150), labels, scores)
        found = (fit.slope, 1.0), (fit.in_the_large, 0.0), (mean, 0.0)
        covered += [estimate.low <= truth <= estimate.high for estimate, truth in found]
    assert np.all(covered / 300 >= 0.92)
