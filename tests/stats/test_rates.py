"""Exact intervals and p-values of one rate."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from paribus.stats.rates import clopper_pearson, p_rate_above, p_rate_below

RATES = st.floats(0.0, 1.0)


@st.composite
def counts(draw: st.DrawFn, most: int = 3000) -> tuple[int, int]:
    n = draw(st.integers(0, most))
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [  # R 4.2.2, binom.test; the last: callbacks to black names, Bertrand & Mullainathan (2004)
        (0, 10, 0.0, 0.308497107818761),
        (3, 20, 0.0320709371854637, 0.378926826545314),
        (157, 2435, 0.055044638648155, 0.0749714168557583),
    ],
)
def test_interval_equals_r(k: int, n: int, low: float, high: float) -> None:
    assert clopper_pearson(k, n) == pytest.approx((low, high), abs=1e-12)


@given(counts(), st.floats(0.5, 0.999))
def test_interval_equals_statsmodels(kn: tuple[int, int], confidence: float) -> None:
    k, n = kn
    low, high = clopper_pearson(k, n, confidence)
    if n == 0:
        assert (low, high) == (0.0, 1.0)
        return
    expected = proportion_confint(k, n, 1 - confidence, method="beta")
    assert (low, high) == pytest.approx(expected, rel=1e-8, abs=1e-12)
    assert 0 <= low <= k / n <= high <= 1


@given(counts(most=10**10), st.sampled_from([0.8, 0.95, 0.999]))
def test_interval_is_where_each_tail_is_half_of_the_rest(
    kn: tuple[int, int], confidence: float
) -> None:
    k, n = kn
    low, high = clopper_pearson(k, n, confidence)
    tail = (1 - confidence) / 2
    # Close to 1 the grid of doubles limits the bound, and so the tail.
    if k > 0:
        assert p_rate_above(k, n, low) == pytest.approx(tail, rel=1e-4)
    if k < n:
        assert p_rate_below(k, n, high) == pytest.approx(tail, rel=1e-4)


@given(counts(), RATES)
def test_p_values_equal_scipy(kn: tuple[int, int], rate: float) -> None:
    k, n = kn
    above, below = p_rate_above(k, n, rate), p_rate_below(k, n, rate)
    assert 0 <= above <= 1
    assert 0 <= below <= 1
    if n == 0:
        assert above == below == 1
        return
    greater = stats.binomtest(k, n, rate, alternative="greater").pvalue
    less = stats.binomtest(k, n, rate, alternative="less").pvalue
    assert above == pytest.approx(greater, rel=1e-8, abs=1e-14)
    assert below == pytest.approx(less, rel=1e-8, abs=1e-14)


@given(st.integers(0, 10**10), RATES)
def test_p_value_without_a_success_is_the_power_law(n: int, rate: float) -> None:
    expected = (1 - rate) ** n if rate > 1e-3 else math.exp(n * math.log1p(-rate))
    assert p_rate_below(0, n, rate) == pytest.approx(expected, rel=1e-6, abs=1e-300)


def test_no_flips_prove_two_percent_from_149_pairs_on() -> None:
    assert p_rate_below(0, 148, 0.02) > 0.05  # 0.98 ** 148 = 0.0503
    assert p_rate_below(0, 149, 0.02) <= 0.05  # 0.98 ** 149 = 0.0493


def test_one_success_refutes_a_rate_of_zero() -> None:
    assert p_rate_above(0, 10, 0.0) == 1.0
    assert p_rate_above(1, 10, 0.0) == 0.0
