"""Private releases: noise of the stated size, and no more of a row than is paid for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from paribus.stats.releases import (
    _GRID,
    _gridded,
    concentrated,
    consistent_counts,
    noise_scale,
    noisy_categories,
    noisy_counts,
    noisy_products,
)

pytest.importorskip("opendp")


@given(st.floats(1e-3, 100), st.floats(1e-12, 0.1))
@settings(deadline=None, max_examples=60)
def test_rho_is_the_root_of_the_bound(epsilon, delta):
    # Bun and Steinke (2016), proposition 1.3.
    rho = concentrated(epsilon, delta)
    bound = rho + 2 * math.sqrt(rho * math.log(1 / delta))
    assert bound == pytest.approx(epsilon, rel=1e-9)
    root = optimize.brentq(
        lambda r: r + 2 * math.sqrt(r * math.log(1 / delta)) - epsilon, 0, epsilon, xtol=1e-300
    )
    assert rho == pytest.approx(root, rel=1e-6)


def test_rho_is_no_weaker_than_the_exact_conversion():
    # The exact privacy profile of a Gaussian of sensitivity 1 (Balle and Wang 2018, theorem 8).
    for epsilon, delta in [(0.5, 1e-6), (1, 1e-5), (4, 1e-9)]:
        sigma = noise_scale(concentrated(epsilon, delta))
        a, b = 1 / (2 * sigma) - epsilon * sigma, -1 / (2 * sigma) - epsilon * sigma
        assert stats.norm.cdf(a) - math.exp(epsilon) * stats.norm.cdf(b) <= delta


@pytest.mark.parametrize("bad", [(0, 1e-6), (-1, 1e-6), (math.nan, 1e-6), (1, 0), (1, 1), (1, 2)])
def test_a_guarantee_out_of_range(bad):
    with pytest.raises(ValueError, match=r"epsilon|delta"):
        concentrated(*bad)


@pytest.mark.parametrize(("rho", "sensitivity"), [(0.02, 1.0), (0.5, 1.0), (0.02, 30.0)])
def test_counts_have_gaussian_noise_of_the_stated_scale(rho, sensitivity):
    counts = np.full(20_000, 1_000_000)
    noise = noisy_counts(counts, rho, sensitivity) - counts
    scale = noise_scale(rho, sensitivity)
    assert scale == sensitivity / math.sqrt(2 * rho)
    # Five standard errors: the noise cannot be seeded.
    assert abs(noise.mean()) < 5 * scale / math.sqrt(20_000)
    assert noise.std() == pytest.approx(scale, rel=5 / math.sqrt(40_000))
    assert stats.kurtosis(noise) == pytest.approx(0, abs=5 * math.sqrt(24 / 20_000) + 0.05)


def test_noise_is_never_repeated():
    counts = np.zeros(100, dtype=np.int64)
    np.random.seed(0)  # noqa: NPY002
    first = noisy_counts(counts, 0.01)
    np.random.seed(0)  # noqa: NPY002
    assert (noisy_counts(counts, 0.01) != first).any()


def test_a_category_of_one_row_is_not_told():
    rows = {f"person {i}": 1 for i in range(20_000)} | {"clerk": 5_000}
    told = noisy_categories(rows, rho=0.01, delta=1e-9)
    assert list(told) == ["clerk"]
    assert abs(told["clerk"] - 5_000) < 6 * noise_scale(0.01)


@pytest.mark.parametrize("odd", ["clerk\0", "clerk\0x", "\0", "Clerk", "clerk "])
def test_no_category_takes_the_place_of_another(odd):
    # One row more, of a name that ends like another where a null character ends it.
    told = noisy_categories({"clerk": 5_000, odd: 1}, rho=0.01, delta=1e-9)
    assert list(told) == ["clerk"]
    assert abs(told["clerk"] - 5_000) < 6 * noise_scale(0.01)
    assert set(noisy_categories({"clerk": 5_000, odd: 4_000}, 0.01, 1e-9)) == {"clerk", odd}


def test_the_threshold_is_that_of_delta():
    # A count of 1 is told with probability delta, nearly.
    rows = {str(i): 1 for i in range(40_000)}
    told = len(noisy_categories(rows, rho=0.01, delta=0.01))
    assert 200 < told <= 400 + 5 * 20
    assert noisy_categories({}, 0.1, 1e-6) == {}


@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.floats(1, 6), st.sampled_from([0.1, 1, 50]))
@settings(deadline=None, max_examples=80)
def test_one_row_moves_products_by_no_more_than_is_paid_for(seed, width, length, size):
    row = np.random.default_rng(seed).standard_normal((1, width)) * size
    whole = _gridded(row, length)
    assert (whole == np.rint(whole)).all()
    assert (np.abs(whole) <= np.abs(row * _GRID) + 1e-6).all()
    product = whole.T @ whole
    moved = math.sqrt((product[np.triu_indices(width, 1)] ** 2).sum())
    assert moved <= (length * _GRID) ** 2 / math.sqrt(2)
    if np.sqrt((row**2).sum()) <= length:
        np.testing.assert_allclose(whole / _GRID, row, atol=1 / _GRID)


def test_the_bound_on_products_is_reached():
    # Both features as large as they may be together.
    row = np.full((1, 2), 2 / math.sqrt(2))
    whole = _gridded(row, 2.0)
    assert whole[0, 0] * whole[0, 1] == pytest.approx((2 * _GRID) ** 2 / 2, rel=0.01)


def test_sums_of_products():
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((20_001, 3)).clip(-1.5, 1.5)
    sums, scale = noisy_products(lambda a, b: rows[a:b], len(rows), 3.0, rho=0.5)
    assert scale == pytest.approx(9 / math.sqrt(2) / 1.0)
    exact = rows.T @ rows
    above = np.triu_indices(3, 1)
    # Features are rounded to steps of 1/256, towards 0.
    assert np.abs(sums - exact)[above].max() < 6 * scale + 20_001 * 0.002
    assert (np.diag(sums) == 0).all()
    np.testing.assert_array_equal(sums, sums.T)
    nobody, _ = noisy_products(lambda a, b: rows[a:b], 0, 3.0, rho=1e9)
    assert np.abs(nobody).max() < 0.1


def test_rows_beyond_exact_sums():
    with pytest.raises(ValueError, match="exact sums"):
        noisy_products(lambda a, b: np.ones((b - a, 2)), 10**9, 100.0, 1.0)


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=40))
@settings(deadline=None, max_examples=150)
def test_consistent_counts_are_the_nearest(noisy):
    noisy = np.array(noisy)
    counts = consistent_counts(noisy)
    assert (counts >= 0).all()
    if noisy.sum() <= 0:
        assert (counts == counts[0]).all()
        return
    assert counts.sum() == pytest.approx(noisy.sum())
    # Optimality (Kuhn and Tucker): what is above 0 went down by one amount, the rest by less.
    drop = noisy - counts
    level = drop[counts > 0].max()
    np.testing.assert_allclose(drop[counts > 0], level, atol=1e-9)
    assert (drop[counts == 0] <= level + 1e-9).all()
