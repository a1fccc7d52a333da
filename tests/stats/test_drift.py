"""Distances of distributions and tests that they are one, with scipy as the oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance
from scipy.stats import chi2_contingency, ks_2samp, kstwobign

from paribus.stats.drift import (
    bins,
    excess_divergence,
    homogeneity,
    jackknife,
    jensen_shannon,
    kolmogorov_smirnov,
)

SHARES = st.lists(st.integers(0, 1_000), min_size=2, max_size=8)


@given(SHARES, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_jensen_shannon_is_scipys(first, random):
    last = [random.randint(0, 1_000) for _ in first]
    first[0] += 1
    last[-1] += 1
    ours = float(jensen_shannon(first, last))
    assert ours == pytest.approx(distance.jensenshannon(first, last, base=2), abs=1e-7)
    assert ours == pytest.approx(float(jensen_shannon(last, first)))
    assert 0 <= ours <= 1


def test_jensen_shannon_of_many_tables_at_once():
    first, last = np.array([[[5, 5], [1, 9]], [[0, 0], [3, 0]]]), np.array([[5, 5], [9, 1]])
    found = jensen_shannon(first, last)
    # Nobody in the first sample, then a third of the levels shared.
    assert found.shape == (2, 2)
    assert found[0, 0] == 0
    assert found[1, 0] == 0
    assert found[1, 1] == pytest.approx(distance.jensenshannon([3, 0], [9, 1], base=2))


def test_the_excess_is_nothing_on_average_where_nothing_moved():
    random = np.random.default_rng(1)
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    first, last = (random.multinomial(n, shares, size=20_000) for n in (150, 400))
    plain = (jensen_shannon(first, last) ** 2).mean()
    excess = excess_divergence(first, last)
    assert plain > 0.004
    assert abs(excess.mean()) < 4 * excess.std() / np.sqrt(len(excess)) + 0.02 * plain


def test_the_excess_of_a_large_shift_is_the_divergence():
    first, last = np.array([9e6, 1e6]), np.array([1e6, 9e6])
    assert float(excess_divergence(first, last)) == pytest.approx(
        float(jensen_shannon(first, last)) ** 2, abs=1e-6
    )


@given(st.integers(0, 2**31), st.integers(2, 300), st.integers(2, 300), st.booleans())
@settings(max_examples=60, deadline=None)
def test_kolmogorov_and_smirnov_are_scipys(seed, n1, n2, ties):
    random = np.random.default_rng(seed)
    first, last = random.normal(size=n1), random.normal(0.3, 1, size=n2)
    if ties:
        first, last = first.round(), last.round()
    ours, p = kolmogorov_smirnov(first, last)
    theirs = ks_2samp(first, last, method="asymp")
    assert ours == pytest.approx(theirs.statistic, abs=1e-12)
    assert p == pytest.approx(kstwobign.sf(ours * np.sqrt(n1 * n2 / (n1 + n2))), abs=1e-12)
    # The limiting distribution errs on the side of caution.
    assert p >= theirs.pvalue - 0.02 or theirs.pvalue > 0.3


def test_the_limiting_distribution_is_not_too_sure_of_small_samples():
    random = np.random.default_rng(2)
    p = [kolmogorov_smirnov(random.normal(size=8), random.normal(size=15))[1] for _ in range(4_000)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05


@given(st.lists(st.integers(60, 1_000), min_size=2, max_size=6), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_homogeneity_is_scipys_where_all_levels_are_frequent(first, factor):
    last = [factor * count + 7 * i for i, count in enumerate(first)]
    found = homogeneity(first, last)
    theirs = chi2_contingency([first, last], correction=False)
    assert found[0] == pytest.approx(theirs.statistic, abs=1e-9)
    assert found[1] == theirs.dof
    assert found[2] == pytest.approx(theirs.pvalue, abs=1e-9)


def test_rare_levels_are_taken_together():
    first, last = [100, 60, 3, 2, 0], [90, 80, 1, 4, 1]
    # 4 + 6 + 1 rare people: expected 5.3 and 5.7 of them.
    theirs = chi2_contingency([[100, 60, 5], [90, 80, 6]], correction=False)
    statistic, freedom, p = homogeneity(first, last)
    assert (statistic, freedom, p) == pytest.approx((theirs.statistic, 2, theirs.pvalue))


def test_too_few_rare_people_are_taken_together_with_the_rarest_level_that_is_frequent():
    theirs = chi2_contingency([[100, 61], [90, 82]], correction=False)
    assert homogeneity([100, 60, 1], [90, 80, 2]) == pytest.approx(
        (theirs.statistic, 1, theirs.pvalue)
    )


def test_homogeneity_keeps_its_level():
    random = np.random.default_rng(3)
    shares = np.array([0.5, 0.3, 0.15, 0.03, 0.01, 0.01])
    p = [
        homogeneity(random.multinomial(60, shares), random.multinomial(120, shares))[2]
        for _ in range(3_000)
    ]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(p))


@given(
    st.lists(
        st.floats(allow_infinity=False, allow_nan=True, min_value=None), min_size=0, max_size=60
    ),
    st.integers(1, 12),
)
@settings(max_examples=100, deadline=None)
def test_bins_keep_order_and_equal_numbers_together(values, most):
    numbers = np.array(values, float)
    found = bins(numbers, most)
    missing = np.isnan(numbers)
    assert (found[missing] == most).all()
    assert (found[~missing] < most).all()
    assert (found >= 0).all()
    order = np.argsort(numbers[~missing], kind="stable")
    assert (np.diff(found[~missing][order]) >= 0).all()
    for value in set(numbers[~missing].tolist()):
        assert len(set(found[numbers == value].tolist())) == 1


def test_bins_are_of_equal_size_where_numbers_differ():
    assert np.bincount(bins(np.random.default_rng(4).permutation(1_000), 10)).tolist() == [100] * 10


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(5).normal(2.0, 1.0, 50)
    without = (values.sum() - values) / (len(values) - 1)
    error, p = jackknife(values.mean(), without)
    assert float(error) == pytest.approx(values.std(ddof=1) / np.sqrt(50))
    assert float(p) < 1e-9
    assert jackknife(1.0, [1.0, 1.0])[1] == 1.0


@pytest.mark.parametrize(
    ("first", "last"),
    [([0, 0], [1, 2]), ([0, 0], [0, 0]), ([5], [7]), ([1e100, 0], [0, 1e100]), ([1, 0], [0, 1])],
)
def test_edges_give_finite_numbers(first, last):
    assert 0 <= float(jensen_shannon(first, last)) <= 1
    assert np.isfinite(excess_divergence(first, last))
    statistic, freedom, p = homogeneity(first, last)
    assert np.isfinite([statistic, freedom, p]).all()
    assert 0 <= p <= 1


def test_no_numbers_prove_nothing():
    assert kolmogorov_smirnov([], [1.0]) == (0.0, 1.0)
    assert kolmogorov_smirnov([1.0], [1.0]) == (0.0, 1.0)
    assert bins([float("nan")], 3).tolist() == [3]
