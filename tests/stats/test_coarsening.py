"""What is told of numbers: averages of disjoint groups of neighboring rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from paribus.stats.coarsening import averaged_quantiles, merged_values, rounded_shares

COUNTED = st.lists(
    st.tuples(
        st.floats(-1e100, 1e100, allow_subnormal=False) | st.integers(-20, 20).map(float),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=60,
    unique_by=lambda pair: pair[0],
)


def counted(pairs):
    values, counts = zip(*sorted(pairs), strict=True)
    return np.array(values), np.array(counts, dtype=np.int64)


@given(st.lists(st.floats(0, 1e100), min_size=1, max_size=50).filter(lambda c: max(c) > 0))
@settings(deadline=None, max_examples=100)
def test_shares_are_millionths_that_sum_to_1(counts):
    shares = rounded_shares(np.array(counts))
    assert np.isclose(shares.sum(), 1, rtol=0, atol=1e-12)
    assert (shares >= 0).all()
    assert np.abs(shares - np.array(counts) / max(counts) / (np.array(counts) / max(counts)).sum()
                  ).max() <= 1e-6  # fmt: skip


@given(COUNTED, st.integers(1, 30))
@settings(deadline=None, max_examples=150)
def test_every_value_stands_for_enough_rows(pairs, least):
    values, counts = counted(pairs)
    if counts.sum() < least:
        return
    merged, rows = merged_values(values, counts, least)
    assert rows.sum() == counts.sum()
    assert rows.min() >= least
    assert (np.diff(merged) > 0).all()
    # Groups are runs of neighbors: their means are those of cuts of the sorted rows.
    ends = np.searchsorted(np.cumsum(counts), np.cumsum(rows)) + 1
    for i, (start, end, told) in enumerate(zip([0, *ends[:-1]], ends, merged, strict=True)):
        group = slice(start, end)
        if counts[group].max() >= least:
            assert told == values[group][np.argmax(counts[group])]
        elif 0 < i < len(merged) - 1:
            weights = counts[group] / counts[group].sum()
            assert np.isclose(told, weights @ values[group], rtol=1e-9, atol=1e-9)
        assert values[group][0] <= told <= values[group][-1]


def test_one_extreme_value_moves_nothing():
    rng = np.random.default_rng(0)
    values = np.sort(rng.lognormal(3, 1, 500))
    ones = np.ones(500, np.int64)
    for more in (1e3, 1e6, 1e100):
        extreme = np.concatenate([[-more], values, [more]])
        told = averaged_quantiles(extreme, np.ones(502, np.int64), 10)
        if more == 1e3:
            first = told
        np.testing.assert_array_equal(told, first)
    assert 50 < first[0][-1] < averaged_quantiles(values, ones, 10)[0][-1] + 100
    ages = np.append(np.arange(20.0, 60.0), [103.0, 111.0])
    counts = np.append(np.full(40, 25), [2, 1])
    merged, rows = merged_values(ages, counts, 10)
    assert merged[-1] == 59
    assert rows[-1] == 28


@given(COUNTED, st.integers(1, 30), st.sampled_from([1, 4, 100]))
@settings(deadline=None, max_examples=200)
def test_quantiles_ascend_and_tell_no_extreme(pairs, least, bands):
    values, counts = counted(pairs)
    if counts.sum() < least:
        return
    quantiles, shares = averaged_quantiles(values, counts, least, bands)
    assert len(quantiles) == len(shares)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles) >= 0).all()
    assert (np.diff(shares) >= 0).all()
    assert (shares[0], shares[-1]) == (0, 1)
    # A third of as many rows as a band has are at or beyond whatever is told.
    slack = 1e-9 * np.abs(values).max()
    assert counts[values >= quantiles[-1] - slack].sum() >= least // 3
    assert counts[values <= quantiles[0] + slack].sum() >= least // 3


@given(st.integers(0, 10_000), st.integers(2, 30))
@settings(deadline=None, max_examples=30)
def test_a_single_value_is_not_told(seed, least):
    rng = np.random.default_rng(seed)
    values = np.sort(rng.lognormal(3, 2, 400))
    quantiles, _ = averaged_quantiles(values, np.ones(400, np.int64), least)
    assert not np.isin(quantiles, values).any()


@pytest.mark.parametrize(
    "rows",
    [
        stats.norm(40, 12).ppf((np.arange(20_000) + 0.5) / 20_000),
        stats.lognorm(0.8, scale=30_000).ppf((np.arange(20_000) + 0.5) / 20_000),
        np.concatenate([np.zeros(18_000), stats.lognorm(1).ppf((np.arange(2_000) + 0.5) / 2_000)]),
    ],
    ids=["normal", "lognormal", "mostly zero"],
)
def test_the_distribution_and_its_mean_survive(rows):
    values, counts = np.unique(rows, return_counts=True)
    quantiles, shares = averaged_quantiles(values, counts, 10)
    u = (np.arange(200_000) + 0.5) / 200_000
    left = np.clip(np.searchsorted(shares, u, side="right") - 1, 0, len(shares) - 2)
    steps = np.where(np.diff(shares) > 0, np.diff(shares), 1)
    drawn = quantiles[left] + (u - shares[left]) / steps[left] * np.diff(quantiles)[left]
    assert stats.ks_2samp(drawn, rows).statistic < 0.004
    assert np.isclose(drawn.mean(), rows.mean(), rtol=0.01)
    assert np.isclose(drawn.std(), rows.std(), rtol=0.05)
    assert np.isclose((drawn == 0).mean(), (rows == 0).mean(), atol=1e-3)


def test_a_common_value_stays_exact():
    values = np.array([0.0, 1.5, 2.5, 7.0])
    quantiles, shares = averaged_quantiles(values, np.array([500, 3, 2, 400]), 10)
    # Five rows are too few for an average of their own.
    assert quantiles.tolist() == [0, 0, 7, 7]
    np.testing.assert_allclose(shares, [0, 500 / 905, 500 / 905, 1])
    quantiles, shares = averaged_quantiles(values, np.array([500, 400, 3, 2]), 10)
    assert quantiles.tolist() == [0, 0, 1.5, 1.5]
