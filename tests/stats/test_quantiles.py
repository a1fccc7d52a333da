"""Quantiles: order statistics by the binomial distribution, and their coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from paribus.stats.quantiles import quantile_intervals


@pytest.mark.parametrize("n", [1, 2, 7, 60, 1_000])
@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 0.9])
def test_the_interval_is_scipys(n, share):
    values = np.random.default_rng(n).normal(size=n)
    estimate, low, high = quantile_intervals(values, [share])[0]
    assert estimate == pytest.approx(np.quantile(values, share))
    ours = stats.quantile_test(values, p=share, q=0.0).confidence_interval(0.95)
    assert low == (pytest.approx(ours.low) if np.isfinite(ours.low) else min(values))
    assert high == (pytest.approx(ours.high) if np.isfinite(ours.high) else max(values))


@given(
    st.lists(st.floats(-1e100, 1e100), max_size=30), st.floats(0.001, 0.999), st.floats(0.01, 0.99)
)
def test_always_ordered_and_finite(values, share, confidence):
    estimate, low, high = quantile_intervals(np.array(values), [share], confidence)[0]
    assert np.isfinite([estimate, low, high]).all()
    assert low <= estimate <= high


def test_coverage():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(1_000):
        _, low, high = quantile_intervals(rng.exponential(size=80), [0.75])[0]
        held += low <= np.log(4) <= high
    assert held >= 935
