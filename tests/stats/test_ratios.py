"""Odds ratio, impact ratio and Cohen's h: known answers, laws, and coverage by enumeration."""

import math
import sys
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_effectsize

from paribus.stats.paired import mcnemar_exact
from paribus.stats.ratios import (
    FOUR_FIFTHS,
    cohens_h,
    cohens_h_interval,
    impact_ratio,
    odds_ratio,
)

MOST = sys.float_info.max
Cells = tuple[int, int, int, int]

COUNTS = st.integers(0, 12) | st.integers(0, 10**7)
CELLS = st.tuples(COUNTS, COUNTS, COUNTS, COUNTS)
CONFIDENCE = st.floats(0.05, 0.9999)


def reciprocal(number: float) -> float:
    return MOST if number == 0 else 0.0 if number == MOST else 1 / number


def test_four_fifths() -> None:
    assert FOUR_FIFTHS == 0.8


def test_odds_ratio_known() -> None:
    # Floppy eyelids and sleep apnea (Ezra et al. 2010) in Fagerland, Lydersen & Laake,
    # Statistical Analysis of Contingency Tables (2017), chapter 8; R package contingencytables
    assert odds_ratio(25, 2) == pytest.approx((12.5, 3.1169, 108.8892), abs=5e-5)


def test_odds_ratio_at_the_edges() -> None:
    assert odds_ratio(0, 0) == (1.0, 0.0, MOST)
    estimate, low, high = odds_ratio(3, 0)
    assert (estimate, high) == (7.0, MOST)
    share = 0.025 ** (1 / 3)  # Clopper & Pearson (1934): the root of alpha / 2
    assert low == pytest.approx(share / (1 - share), rel=1e-12)
    assert odds_ratio(0, 3) == pytest.approx((1 / 7, 0.0, (1 - share) / share), rel=1e-12)


@given(st.integers(0, 300), st.integers(0, 300), CONFIDENCE)
def test_odds_ratio_interval_is_that_of_the_share(n12: int, n21: int, confidence: float) -> None:
    if n12 + n21 == 0:
        return
    estimate, low, high = odds_ratio(n12, n21, confidence)
    share = binomtest(n12, n12 + n21).proportion_ci(confidence)
    assert low / (1 + low) == pytest.approx(share.low, rel=1e-6, abs=1e-9)
    assert (1 / (1 / high + 1)) == pytest.approx(share.high, rel=1e-6, abs=1e-9)
    if n12 and n21:
        assert estimate == n12 / n21


@given(st.integers(0, 40), st.integers(0, 40))
def test_odds_ratio_excludes_one_just_where_the_exact_test_refutes(n12: int, n21: int) -> None:
    _, low, high = odds_ratio(n12, n21)
    assert (low > 1 or high < 1) == (mcnemar_exact(n12, n21) < 0.05)


@given(COUNTS, COUNTS, CONFIDENCE)
def test_odds_ratio_laws(n12: int, n21: int, confidence: float) -> None:
    estimate, low, high = odds_ratio(n12, n21, confidence)
    assert 0 <= low <= estimate <= high <= MOST
    mirrored = odds_ratio(n21, n12, confidence)
    assert mirrored == pytest.approx(
        (reciprocal(estimate), reciprocal(high), reciprocal(low)), rel=1e-12
    )


def test_impact_ratio_known() -> None:
    # Complete response (Cavo et al. 2012) in Fagerland, Lydersen & Laake (2014); R package
    # contingencytables
    assert impact_ratio(59, 6, 16, 80) == pytest.approx((0.8667, 0.7579, 0.9910), abs=5e-5)


@given(st.integers(1, 10**7), st.floats(0.05, 0.999))
def test_impact_ratio_interval_follows_the_published_formula(n: int, confidence: float) -> None:
    # Bonett & Price (2006), with 2/3 n favorable on both sides and 1/3 n changed
    n11, n12, n21 = 2 * n, n, 3 * n
    first, second, either = n11 + n12, n11 + n21, n11 + n12 + n21
    a = math.sqrt((n12 + n21 + 2) / ((first + 1) * (second + 1)))
    b = math.sqrt((1 - (first + 1) / (either + 2)) / (first + 1))
    c = math.sqrt((1 - (second + 1) / (either + 2)) / (second + 1))
    adjusted = 1 - 2 * norm_sf(a / (b + c) * norm_isf((1 - confidence) / 2))
    if adjusted > 1e-6:
        ci1 = binomtest(first, either).proportion_ci(adjusted, method="wilson")
        ci2 = binomtest(second, either).proportion_ci(adjusted, method="wilson")
        assert impact_ratio(n11, n12, n21, 7, confidence) == pytest.approx(
            (first / second, ci1.low / ci2.high, ci1.high / ci2.low), rel=1e-6
        )


def norm_sf(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2


def norm_isf(p: float) -> float:
    return -NormalDist().inv_cdf(p)


def test_impact_ratio_at_the_edges() -> None:
    assert impact_ratio(0, 0, 0, 9) == impact_ratio(0, 0, 0, 0) == (1.0, 0.0, MOST)
    estimate, low, high = impact_ratio(0, 0, 5, 5)
    assert estimate == low == 0.0
    assert 0 < high < 2
    estimate, low, high = impact_ratio(0, 5, 0, 5)
    assert (estimate, high) == (11.0, MOST)
    assert 0.5 < low < 2
    estimate, low, high = impact_ratio(100, 0, 0, 0)
    assert low < estimate == 1.0 < high
    assert impact_ratio(80, 0, 20, 0)[0] == FOUR_FIFTHS


@given(CELLS, CONFIDENCE)
def test_impact_ratio_laws(cells: Cells, confidence: float) -> None:
    n11, n12, n21, n22 = cells
    estimate, low, high = impact_ratio(n11, n12, n21, n22, confidence)
    assert 0 <= low <= estimate <= high <= MOST
    assert (estimate, low, high) == impact_ratio(n11, n12, n21, 0, confidence)
    mirrored = impact_ratio(n11, n21, n12, n22, confidence)
    if n11 + min(n12, n21) > 0:
        assert mirrored == pytest.approx((1 / estimate, 1 / high, 1 / low), rel=1e-9)


@given(st.floats(0, 1), st.floats(0, 1))
def test_cohens_h_equals_statsmodels(p1: float, p2: float) -> None:
    assert cohens_h(p1, p2) == pytest.approx(proportion_effectsize(p1, p2), abs=1e-12)
    assert cohens_h(p1, p2) == -cohens_h(p2, p1)
    assert abs(cohens_h(p1, p2)) <= math.pi


def test_cohens_h_known() -> None:
    # Cohen (1988), Table 6.2.2: phi of .50 is 1.571, of .40 is 1.369
    assert cohens_h(0.5, 0.4) == pytest.approx(1.571 - 1.369, abs=1e-3)
    assert cohens_h(1.0, 0.0) == math.pi


def test_cohens_h_interval_is_that_of_the_gap_for_many_pairs() -> None:
    # By the delta method: var(h) = sum over sides of 1/n, less the covariance.
    n11, n12, n21, n22 = 400_000, 120_000, 80_000, 400_000
    n = 10**6
    p1, p2 = 0.52, 0.48
    covariance = (n11 * n22 - n12 * n21) / n**2 / math.sqrt(p1 * (1 - p1) * p2 * (1 - p2))
    half = 1.959964 * math.sqrt((2 - 2 * covariance) / n)
    low, high = cohens_h_interval(n11, n12, n21, n22)
    middle = cohens_h(p1, p2)
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=1e-2 * half)


@given(CELLS, CONFIDENCE)
def test_cohens_h_interval_laws(cells: Cells, confidence: float) -> None:
    n11, n12, n21, n22 = cells
    low, high = cohens_h_interval(n11, n12, n21, n22, confidence)
    assert -math.pi <= low < high <= math.pi
    assert cohens_h_interval(n11, n21, n12, n22, confidence) == (-high, -low)
    assert cohens_h_interval(n22, n21, n12, n11, confidence) == pytest.approx(
        (-high, -low), abs=1e-6
    )
    n = sum(cells)
    if n:
        assert low <= cohens_h((n11 + n12) / n, (n11 + n21) / n) <= high


def test_cohens_h_interval_of_no_pairs_is_everything() -> None:
    assert cohens_h_interval(0, 0, 0, 0) == (-math.pi, math.pi)


@cache
def all_cells(n: int) -> NDArray[np.int64]:
    cells = np.indices((n + 1,) * 3).reshape(3, -1)
    cells = cells[:, cells.sum(axis=0) <= n]
    return np.vstack([cells, n - cells.sum(axis=0)])


def coverage(
    n: int,
    interval: Callable[..., tuple[float, ...]],
    truth: Callable[[float, float], float],
) -> NDArray[np.float64]:
    cells = all_cells(n)
    bounds = np.array([interval(*table)[-2:] for table in zip(*cells.tolist(), strict=True)])
    weight = gammaln(n + 1) - gammaln(cells + 1).sum(axis=0)
    found = []
    for p21 in (0.0, 0.005, 0.02, 0.1, 0.3):
        for gap in (0.0, 0.02, 2 / n, 0.1, 0.3):
            for share in (0.02, 0.1, 0.5, 0.8, 1.0):
                same = 1 - 2 * p21 - gap
                rates = (share * same, p21 + gap, p21, (1 - share) * same)
                powers = sum(xlogy(k, rate) for k, rate in zip(cells, rates, strict=True))
                true = truth(rates[0] + rates[1], rates[0] + rates[2])
                inside = (bounds[:, 0] <= true + 1e-12) & (true - 1e-12 <= bounds[:, 1])
                found.append(np.exp(weight + powers) @ inside)
    return np.array(found)


@pytest.mark.parametrize("n", [20, 40])
def test_cohens_h_coverage_by_enumeration(n: int) -> None:
    found = coverage(n, cohens_h_interval, cohens_h)
    assert found.min() > 0.93
    assert 0.96 < found.mean() < 0.99


@pytest.mark.parametrize("n", [20, 40])
def test_impact_ratio_coverage_by_enumeration(n: int) -> None:
    found = coverage(n, impact_ratio, lambda p1, p2: p1 / p2)
    # Short of 95 % where changes are rare and go one way, as the docstring says.
    assert 0.85 < found.min() < 0.9
    assert (found > 0.93).mean() > 0.85
    assert 0.95 < found.mean() < 0.98
