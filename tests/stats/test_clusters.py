"""Clustered means: the standard error, the interval, and claims about the mean."""

import math
import sys

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.sandwich_covariance import cov_cluster, cov_cluster_2groups

from paribus.stats.clusters import (
    ClusteredMean,
    clustered_interval,
    clustered_mean,
    p_clustered_outside,
    p_clustered_within,
)
from paribus.stats.moments import Moments, mean_interval, p_mean_outside, p_mean_within

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Sample = tuple[Floats, Codes, Codes]


@st.composite
def samples(draw: st.DrawFn, most: float = 1e3) -> Sample:
    n = draw(st.integers(0, 40))
    values = draw(
        hnp.arrays(np.float64, n, elements=st.floats(-most, most))
        | st.builds(np.full, st.just(n), st.floats(-2, 2))
    )
    codes = hnp.arrays(np.int64, n, elements=st.integers(0, draw(st.integers(0, 8))))
    return values, draw(codes), draw(codes)


def drawn(seed: int, n: int = 600) -> Sample:
    generator = np.random.default_rng(seed)
    first, second = generator.integers(0, 20, n), generator.integers(0, 30, n)
    effects = generator.normal(0, 1, 20)[first] + generator.normal(0, 1, 30)[second]
    return generator.normal(0.3, 1, n) + effects, first, second


@pytest.mark.parametrize("seed", range(5))
def test_error_equals_statsmodels(seed: int) -> None:
    values, first, second = drawn(seed)
    ones = np.ones_like(values)
    one_way = sm.OLS(values, ones).fit(
        cov_type="cluster", cov_kwds={"groups": first, "use_correction": True}
    )
    cm = clustered_mean(values, first)
    assert cm.mean == pytest.approx(one_way.params[0], rel=1e-12)
    assert cm.error == pytest.approx(one_way.bse[0], rel=1e-12)
    assert (cm.freedom, cm.clusters) == (19, 20)
    assert cm.sd == pytest.approx(values.std(ddof=1))
    two_way = cov_cluster_2groups(sm.OLS(values, ones).fit(), first, second)[0]
    cm = clustered_mean(values, second, first)
    assert cm.error == pytest.approx(math.sqrt(two_way[0, 0]), rel=1e-12)
    assert (cm.freedom, cm.clusters) == (19, 20)


def test_three_ways_by_inclusion_and_exclusion() -> None:
    values, first, second = drawn(11)
    third = np.random.default_rng(12).integers(0, 25, len(values))
    fitted = sm.OLS(values, np.ones_like(values)).fit()

    def one(*ways: Codes) -> float:
        crossed = np.unique(np.array(ways), axis=1, return_inverse=True)[1]
        return float(cov_cluster(fitted, crossed)[0, 0])

    total = one(first) + one(second) + one(third) + one(first, second, third)
    total -= one(first, second) + one(first, third) + one(second, third)
    assert clustered_mean(values, first, second, third).error == pytest.approx(math.sqrt(total))


@given(samples())
def test_error_is_never_below_one_way_nor_independence(sample: Sample) -> None:
    values, first, second = sample
    both = clustered_mean(values, first, second)
    one, other = clustered_mean(values, first), clustered_mean(values, second)
    alone = clustered_mean(values)
    assert both.error >= max(one.error, other.error)
    assert min(one.error, other.error) >= alone.error
    assert both.clusters == min(one.clusters, other.clusters)
    assert both.error == pytest.approx(clustered_mean(values, second, first).error)
    assert clustered_mean(values, first, first).error == pytest.approx(one.error, abs=1e-12)


@given(samples())
def test_every_value_its_own_cluster_is_the_t_test(sample: Sample) -> None:
    values = sample[0]
    moments = Moments.of(values)
    for cm in (clustered_mean(values), clustered_mean(values, np.arange(len(values)))):
        assert (cm.mean, cm.sd) == (moments.mean, moments.sd)
        if len(values) > 1 and moments.sd > 1e-6:
            assert clustered_interval(cm) == pytest.approx(mean_interval(moments), rel=1e-9)
            assert p_clustered_outside(cm, 0.1) == pytest.approx(p_mean_outside(moments, 0.1))
            assert p_clustered_within(cm, 0.1) == pytest.approx(p_mean_within(moments, 0.1))


@given(samples(), st.integers(-(10**12), 10**12), st.integers(1, 10**9))
def test_codes_are_only_names(sample: Sample, shift: int, step: int) -> None:
    values, first, second = sample
    expected = clustered_mean(values, first, second)
    renamed = clustered_mean(values, first * step + shift, -second * step)
    assert renamed.error == pytest.approx(expected.error, rel=1e-9, abs=1e-12)
    assert renamed.clusters == expected.clusters
    narrow = clustered_mean(values, (first * 30 - 120).astype(np.int8), second.astype(np.uint16))
    assert narrow.error == pytest.approx(expected.error, rel=1e-9, abs=1e-12)


def test_sparse_crossings_of_many_clusters() -> None:
    generator = np.random.default_rng(3)
    values = generator.normal(size=5000)
    first, second = generator.integers(0, 4000, 5000), generator.integers(0, 4000, 5000)
    expected = cov_cluster_2groups(sm.OLS(values, np.ones(5000)).fit(), first, second)[0][0, 0]
    floor = max(clustered_mean(values, way).error for way in (first, second))
    error = clustered_mean(values, first, second).error
    assert error == pytest.approx(max(floor, math.sqrt(expected)), rel=1e-12)


@given(
    st.floats(-1, 1),
    st.floats(1e-3, 1),
    st.integers(1, 500),
    st.floats(0, 1),
    st.floats(0.5, 0.999),
)
def test_interval_and_claims_equal_scipy(
    mean: float, error: float, freedom: int, tolerance: float, confidence: float
) -> None:
    cm = ClusteredMean(mean, error, freedom, freedom + 1, 1.0)
    t = stats.t(freedom, loc=mean, scale=error)
    assert clustered_interval(cm, confidence) == pytest.approx(t.interval(confidence), rel=1e-6)
    outside = min(1.0, 2 * min(t.cdf(tolerance), t.sf(-tolerance)))
    assert p_clustered_outside(cm, tolerance) == pytest.approx(outside, rel=1e-6, abs=1e-12)
    within = max(t.sf(tolerance), t.cdf(-tolerance))
    assert p_clustered_within(cm, tolerance) == pytest.approx(within, rel=1e-6, abs=1e-12)


@given(samples(1e3) | samples(1e100), st.floats(0, 2), st.floats(0, 2))
def test_always_finite_and_never_both_claims(
    sample: Sample, tolerance: float, spread: float
) -> None:
    values, first, second = sample
    cm = clustered_mean(values, first, second)
    assert all(map(math.isfinite, (cm.mean, cm.error, cm.sd)))
    assert cm.freedom >= 1
    low, high = clustered_interval(cm, spread=spread)
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low <= cm.mean <= high
    outside = p_clustered_outside(cm, tolerance, spread)
    within = p_clustered_within(cm, tolerance, spread)
    assert 0 <= outside <= 1
    assert 0 <= within <= 1
    assert max(outside, within) >= 0.5
    mirrored = clustered_mean(-values, first, second)
    assert p_clustered_outside(mirrored, tolerance, spread) == pytest.approx(outside)
    assert p_clustered_within(mirrored, tolerance, spread) == pytest.approx(within)


@pytest.mark.parametrize(
    "cm",
    [
        clustered_mean(np.array([]), np.array([], dtype=np.int64)),
        clustered_mean(np.array([0.3]), np.array([4])),
        clustered_mean(np.array([0.3, 0.3, 0.3]), np.zeros(3, dtype=np.int64)),
        clustered_mean(np.array([0.3, 0.2, 0.4]), np.zeros(3, dtype=np.int64)),
        clustered_mean(np.array([0.3, 0.2, 0.4]), np.arange(3), np.zeros(3, dtype=np.int64)),
    ],
)
def test_fewer_than_two_clusters_claim_nothing(cm: ClusteredMean) -> None:
    assert cm.clusters < 2
    assert cm.freedom == 1
    for spread in (0.0, 1.0):
        assert p_clustered_outside(cm, 0.0, spread) == 1.0
        assert p_clustered_within(cm, 10.0, spread) == 1.0
    assert clustered_interval(cm) == (-sys.float_info.max, sys.float_info.max)
    assert clustered_interval(cm, spread=1.0) == (cm.mean - 1, cm.mean + 1)


def test_equal_values_count_each_cluster_once() -> None:
    names = np.repeat(np.arange(5), 100)
    same = clustered_mean(np.full(500, 0.3), names)
    assert (same.mean, same.error, same.clusters) == (0.3, 0.0, 5)
    five = Moments.of(np.full(5, 0.3))
    for spread in (0.0, 1.0):
        assert clustered_interval(same, spread=spread) == mean_interval(five, spread=spread)
        for tolerance in (0.1, 0.3, 0.5):
            assert p_clustered_outside(same, tolerance, spread) == p_mean_outside(
                five, tolerance, spread
            )
            assert p_clustered_within(same, tolerance, spread) == p_mean_within(
                five, tolerance, spread
            )
    # 500 independent values would have been near certain.
    assert p_clustered_outside(same, 0.1) == 2 / 2**5
    assert p_clustered_within(same, 0.5, 1.0) == pytest.approx(0.8**5)


def test_rounding_noise_counts_as_equal() -> None:
    noise = np.random.default_rng(1).normal(0.0, 1e-8, 200)
    names = np.repeat(np.arange(20), 10)
    exact, noisy = clustered_mean(np.full(200, 0.005), names), clustered_mean(0.005 + noise, names)
    for claim in (p_clustered_within, p_clustered_outside):
        assert claim(noisy, 0.01, 1.0) == pytest.approx(claim(exact, 0.01, 1.0), rel=1e-4)
    assert p_clustered_outside(noisy, 0.005, 1.0) == 1.0
    assert clustered_interval(noisy, spread=1.0) == pytest.approx(
        clustered_interval(exact, spread=1.0)
    )


def test_names_as_random_effects_make_no_false_claims() -> None:
    generator = np.random.default_rng(42)
    runs, people, names, nominal = 600, 2000, 25, 0.05
    naive = clustered = covered = 0
    for _ in range(runs):
        reference, group = generator.integers(0, names, (2, people))
        effects = generator.normal(0.0, 0.05, (2, names))
        values = effects[0][reference] - effects[1][group] + generator.normal(0, 0.2, people)
        cm = clustered_mean(values, reference, group)
        naive += p_mean_outside(Moments.of(values), 0.0) <= nominal
        clustered += p_clustered_outside(cm, 0.0) <= nominal
        low, high = clustered_interval(cm)
        covered += low <= 0 <= high
    slack = 2 * math.sqrt(nominal * (1 - nominal) / runs)
    assert clustered / runs <= nominal + slack
    assert clustered / runs >= nominal / 4  # and not by never claiming anything
    assert covered == runs - clustered
    assert naive / runs > 0.4


def test_shared_names_make_no_false_claims() -> None:
    generator = np.random.default_rng(43)
    runs, people, names, nominal = 600, 2000, 25, 0.05
    naive = clustered = 0
    for _ in range(runs):
        name = generator.integers(0, names, people)
        values = generator.normal(0.0, 0.05, names)[name] + generator.normal(0, 0.2, people)
        naive += p_mean_outside(Moments.of(values), 0.0) <= nominal
        clustered += p_clustered_outside(clustered_mean(values, name), 0.0) <= nominal
    slack = 2 * math.sqrt(nominal * (1 - nominal) / runs)
    assert nominal / 4 <= clustered / runs <= nominal + slack
    assert naive / runs > 0.3
