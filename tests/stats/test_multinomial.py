"""Shares of categories: known answers, statsmodels as oracle, laws, and small simulations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, chi2
from statsmodels.stats.proportion import multinomial_proportions_confint

from paribus.stats.multinomial import (
    goodness_of_fit,
    p_share_above,
    p_share_below,
    p_share_within,
    simultaneous,
)
from paribus.stats.rates import clopper_pearson

COUNT = st.integers(0, 10) | st.integers(0, 10**7) | st.floats(0, 1e4)
CATEGORIES = st.integers(1, 12).flatmap(
    lambda k: st.tuples(
        st.lists(COUNT, min_size=k, max_size=k),
        st.lists(st.just(0.0) | st.floats(1e-6, 1e100), min_size=k, max_size=k).filter(any),
    )
)
RATIO = st.floats(0.05, 1.0)


def test_simultaneous_known() -> None:
    # Goodman's intervals of the 467 people of Sison & Glaz (1995), JASA 90, 366-369, table 1: the
    # exact ones hold them, and are at most a tenth longer.
    counts = [56, 72, 73, 59, 62, 87, 58]
    low, high = simultaneous(counts)
    goodman = multinomial_proportions_confint(counts, 0.05, method="goodman").T
    assert np.all(low <= goodman[0])
    assert high.tolist() == pytest.approx(goodman[1].tolist(), abs=1e-3)
    assert np.all(high - low < 1.1 * (goodman[1] - goodman[0]))


@given(st.lists(COUNT, min_size=1, max_size=12), st.floats(0.5, 0.999))
def test_simultaneous_is_clopper_and_pearson_at_a_part_of_the_error(
    counts: list[float], confidence: float
) -> None:
    low, high = simultaneous(counts, confidence)
    n = sum(counts)
    assert np.all((low >= 0) & (low <= high) & (high <= 1))
    if n == 0:
        assert (low.tolist(), high.tolist()) == ([0] * len(counts), [1] * len(counts))
        return
    share = np.array(counts) / n
    assert np.all((low <= share + 1e-12) & (share <= high + 1e-12))
    if all(isinstance(count, int) for count in counts):
        part = 1 - (1 - confidence) / len(counts)
        expected = [clopper_pearson(k, n, part) for k in counts]  # type: ignore[arg-type]
        assert low.tolist() == pytest.approx([e[0] for e in expected], abs=1e-12)
        assert high.tolist() == pytest.approx([e[1] for e in expected], abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(3, 20), (10, 200), (50, 1000)])
def test_simultaneous_coverage_with_rare_categories(k: int, n: int) -> None:
    shares = 1 / np.arange(1, k + 1) ** 2
    shares /= shares.sum()
    rng = np.random.default_rng(20)
    held = 0
    for _ in range(500):
        low, high = simultaneous(rng.multinomial(n, shares))
        held += bool(np.all((low <= shares) & (shares <= high)))
    assert held / 500 > 0.95


def test_goodness_of_fit_known() -> None:
    # Mendel's peas (1866), round and wrinkled, yellow and green: chi-square 0.470 with 3 degrees
    # of freedom, p = 0.925 (Fisher, 1936, Annals of Science 1, 115-137)
    assert goodness_of_fit([315, 108, 101, 32], [9, 3, 3, 1]) == pytest.approx(0.92543, abs=1e-5)


@given(CATEGORIES)
def test_goodness_of_fit_is_pearson_where_five_are_expected(
    categories: tuple[list[float], list[float]],
) -> None:
    counts, shares = (np.array(x, dtype=float) for x in categories)
    p = goodness_of_fit(counts, shares)
    assert 0 <= p <= 1
    expected = counts.sum() * (shares / shares.max() / (shares / shares.max()).sum())
    if np.all(expected >= 5):
        statistic = ((counts - expected) ** 2 / expected).sum()
        pearson = chi2.sf(statistic, len(counts) - 1) if len(counts) > 1 else 1.0
        assert p == pytest.approx(pearson, rel=1e-9, abs=1e-300)


def test_goodness_of_fit_with_rare_categories() -> None:
    assert goodness_of_fit([0, 0], [1, 1]) == 1
    assert goodness_of_fit([5], [1]) == 1
    # Declared impossible
    assert goodness_of_fit([0.5, 100], [0, 1]) == 0
    assert goodness_of_fit([0, 100], [0, 1]) == 1
    # Nothing but rare: the exact binomial test, for either of two categories
    exact = binomtest(0, 6, 0.5).pvalue
    assert goodness_of_fit([0, 6], [1, 1]) == pytest.approx(min(1, 2 * exact))
    # One rare category among common ones, 8 where 1 is expected, drowns in Pearson's sum no more
    assert goodness_of_fit([8, 331, 331, 330], [0.001, 0.333, 0.333, 0.333]) < 1e-4
    with pytest.raises(ValueError, match="all 0"):
        goodness_of_fit([1, 2], [0, 0])


@pytest.mark.parametrize(
    ("shares", "n"),
    [([0.5, 0.5], 9), ([0.9, 0.05, 0.05], 30), ([0.97] + [0.003] * 10, 300), ([0.02] * 50, 200)],
)
def test_goodness_of_fit_makes_few_false_claims(shares: list[float], n: int) -> None:
    rng = np.random.default_rng(3)
    p = np.array([goodness_of_fit(c, shares) for c in rng.multinomial(n, shares, size=4000)])
    assert (p <= 0.05).mean() < 0.055
    assert (p <= 0.01).mean() < 0.013


@given(CATEGORIES, RATIO)
def test_shares_agree_with_the_binomial_test(
    categories: tuple[list[float], list[float]], ratio: float
) -> None:
    counts, shares = (np.floor(categories[0]), np.array(categories[1]))
    below, above = p_share_below(counts, shares, ratio), p_share_above(counts, shares, ratio)
    within = p_share_within(counts, shares, ratio)
    for p in (below, above, within):
        assert np.all((p >= 0) & (p <= 1))
    n = int(counts.sum())
    share = shares / shares.max() / (shares / shares.max()).sum()
    if n > 0:
        less = binom.cdf(counts, n, ratio * share)
        more = binom.sf(counts - 1, n, np.minimum(1, share / ratio))
        assert below.tolist() == pytest.approx(less.tolist(), rel=1e-6, abs=1e-12)
        assert above.tolist() == pytest.approx(more.tolist(), rel=1e-6, abs=1e-12)
    # What is proven to be off is not proven to be near
    assert np.all((within > 0.5) | (np.minimum(below, above) > 0.4))


def test_three_valued_shares() -> None:
    # Declared half and half, four fifths tolerated: shares from 0.4 to 0.625
    below, above, within = (
        [round(float(claim([k, 1000 - k], [1, 1], 0.8)[0]), 3) for k in (300, 400, 500, 700)]
        for claim in (p_share_below, p_share_above, p_share_within)
    )
    assert below == [0.0, pytest.approx(0.5, abs=0.02), 1.0, 1.0]
    assert above == [1.0, 1.0, 1.0, 0.0]
    assert within == [1.0, pytest.approx(0.5, abs=0.02), 0.0, 1.0]


def test_shares_at_the_edges() -> None:
    # Declared share 0: held by somebody it is above, held by nobody nothing is proven
    assert p_share_above([1, 9], [0, 1]).tolist() == [0, 1]
    assert p_share_above([0, 9], [0, 1]).tolist() == [1, 1]
    assert p_share_below([0, 9], [0, 1]).tolist() == [1, 1]
    assert p_share_within([0, 9], [0, 1])[0] == 1
    # share / ratio above 1 forbids nothing
    assert p_share_within([0, 1000], [0.1, 0.9], 0.8)[1] < 1e-9
    assert p_share_within([500, 500], [1, 1], 1.0).tolist() == [1, 1]
    for claim in (p_share_below, p_share_above, p_share_within):
        assert claim([0, 0], [1, 3], 0.8).tolist() == [1, 1]
        assert claim([], [], 0.8).shape == (0,)
        with pytest.raises(ValueError, match="all 0"):
            claim([1, 2], [0, 0], 0.8)
