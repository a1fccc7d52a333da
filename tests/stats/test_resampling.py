"""Resampled tables behave like resampled rows, and their intervals cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import stats

from paribus.stats.confusion import f1, rates
from paribus.stats.disparities import ratio_to
from paribus.stats.resampling import percentile_interval, resample, resample_weighted

Counts = NDArray[np.int64]

TABLES = arrays(
    np.int64,
    array_shapes(min_dims=1, max_dims=4, max_side=4),
    elements=st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 10**7)),
)


@settings(max_examples=60)
@given(TABLES, st.integers(0, 5), st.integers(0, 99))
def test_resampled_tables_keep_shape_total_and_empty_cells(
    counts: Counts, resamples: int, seed: int
) -> None:
    tables = resample(counts, np.random.default_rng(seed), resamples)
    assert tables.shape == (resamples, *counts.shape)
    assert (tables.sum(axis=tuple(range(1, tables.ndim))) == counts.sum()).all()
    assert (tables >= 0).all()
    assert (tables[:, counts == 0] == 0).all()
    again = resample(counts, np.random.default_rng(seed), resamples)
    assert (tables == again).all()


def test_resampled_cells_have_the_moments_of_a_multinomial() -> None:
    counts = np.array([[7, 0, 3], [90, 400, 0]])
    tables = resample(counts, np.random.default_rng(1), 40_000).reshape(-1, 6)
    n, p = counts.sum(), counts.ravel() / counts.sum()
    error = np.sqrt(n * p * (1 - p) / 40_000)
    assert (np.abs(tables.mean(axis=0) - counts.ravel()) <= 4 * error).all()
    expected = n * (np.diag(p) - np.outer(p, p))
    assert np.cov(tables.T) == pytest.approx(expected, rel=0.03, abs=1.0)


def test_a_resampled_cell_is_binomial() -> None:
    tables = resample(np.array([3, 17, 5]), np.random.default_rng(2), 20_000)
    seen = np.bincount(tables[:, 0], minlength=26)
    expected = 20_000 * stats.binom.pmf(np.arange(26), 25, 3 / 25)
    common = expected > 20
    assert ((seen - expected)[common] ** 2 / expected[common]).sum() < stats.chi2.ppf(
        0.999, common.sum()
    )


def test_equal_weights_are_counted_exactly() -> None:
    counts = np.array([[40, 0], [13, 7]])
    weight = np.array([[2.0, 1.0], [0.1, 1e50]])
    weighted = resample_weighted(
        counts, counts * weight, counts * weight**2, np.random.default_rng(3), 50
    )
    rows = resample(counts, np.random.default_rng(3), 50)
    assert weighted == pytest.approx(rows * weight, rel=1e-12)


def test_weighted_tables_vary_like_resampled_rows() -> None:
    rng = np.random.default_rng(4)
    weight, cell = rng.lognormal(0, 1, 300), rng.integers(0, 4, 300)
    counts, weights, squares = (
        np.bincount(cell, each, minlength=4) for each in (np.ones(300), weight, weight**2)
    )
    tables = resample_weighted(counts.astype(np.int64), weights, squares, rng, 20_000)
    drawn = rng.integers(0, 300, size=(20_000, 300))
    rows = np.stack([(weight * (cell == c))[drawn].sum(axis=1) for c in range(4)], axis=1)
    assert tables.mean(axis=0) == pytest.approx(rows.mean(axis=0), rel=0.01)
    assert tables.std(axis=0) == pytest.approx(rows.std(axis=0), rel=0.03)
    shares = [each[:, 0] / each[:, :2].sum(axis=1) for each in (tables, rows)]
    ends = [np.quantile(each, [0.025, 0.5, 0.975]) for each in shares]
    assert ends[0] == pytest.approx(ends[1], abs=0.006)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1e100)), min_size=1, max_size=6))
def test_weighted_tables_are_finite(cells: list[tuple[int, float]]) -> None:
    counts = np.array([n for n, _ in cells])
    weights = np.array([w * (n > 0) for n, w in cells])
    for squares in (weights**2 / np.maximum(counts, 1), weights**2):
        tables = resample_weighted(counts, weights, squares, np.random.default_rng(5), 9)
        assert np.isfinite(tables).all()
        assert (tables >= 0).all()
        assert (tables[:, counts == 0] == 0).all()


@settings(max_examples=60)
@given(
    st.integers(0, 60).flatmap(
        lambda n: st.tuples(
            arrays(np.float64, (n, 3), elements=st.floats(-1e100, 1e100)),
            arrays(np.bool_, (n, 3)),
            arrays(np.float64, 3, elements=st.floats(-1e100, 1e100)),
        )
    ),
    st.sampled_from([0.5, 0.95, 0.999]),
)
def test_percentile_interval_contains_the_estimate(
    drawn: tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]], confidence: float
) -> None:
    samples, defined, estimate = drawn
    for used in (None, defined):
        low, high = percentile_interval(samples, estimate, confidence, used)
        assert np.isfinite(low).all()
        assert np.isfinite(high).all()
        assert (low <= estimate).all()
        assert (estimate <= high).all()
    for column in range(3):
        alone = percentile_interval(
            samples[defined[:, column], column], estimate[column], confidence
        )
        assert alone == (low[column], high[column])


def test_percentile_interval_takes_the_outer_order_statistics() -> None:
    samples = np.random.default_rng(6).permutation(1000.0 + np.arange(1000))
    assert percentile_interval(samples, 1500.0, 0.95) == (1024, 1975)
    assert percentile_interval(samples, 1000.0, 0.95) == (1000, 1975)
    low, high = np.quantile(samples, [0.025, 0.975])
    assert 1024 < low < high < 1975


def test_percentile_interval_survives_undefined_resamples() -> None:
    cells = np.array([[[9, 3], [1, 1]], [[40, 20], [30, 60]]])
    tables = resample(cells, np.random.default_rng(7))
    values, defined = ratio_to(*rates(tables, "TPR"), reference=0)
    assert 0 < (~defined).sum() < defined.size / 2
    assert (values == np.finfo(np.float64).max).any()
    estimate, _ = ratio_to(*rates(cells, "TPR"), reference=0)
    low, high = percentile_interval(values, estimate, 0.95, defined)
    assert (low <= estimate).all()
    assert (estimate <= high).all()


def test_percentile_interval_covers_a_score() -> None:
    rng = np.random.default_rng(8)
    shares = np.array([[0.45, 0.1], [0.15, 0.3]])
    truth = f1(shares[None])[0][0]
    hits = 0
    for _ in range(400):
        cells = rng.multinomial(200, shares.ravel()).reshape(1, 2, 2)
        low, high = percentile_interval(f1(resample(cells, rng, 300))[0], f1(cells)[0])
        hits += int(low[0] <= truth <= high[0])
    assert 0.92 <= hits / 400 <= 0.98
