"""The gap of paired yes/no answers: known answers, laws, and coverage by enumeration."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln, ndtr, ndtri, xlogy

from paribus.stats.paired import (
    mcnemar_exact,
    p_gap_outside,
    p_gap_within,
    tango_interval,
    tango_z,
)

Table = tuple[int, int, int]


@st.composite
def tables(draw: st.DrawFn, most: int = 10**10) -> Table:
    n = draw(st.integers(0, 30) | st.integers(0, most))
    n12 = draw(st.integers(0, n) | st.sampled_from([0, n]))
    n21 = draw(st.integers(0, n - n12) | st.sampled_from([0, n - n12]))
    return n12, n21, n


@pytest.mark.parametrize(
    ("n12", "n21", "p"),
    [
        (1, 7, 0.0703125),  # airway reactivity, Fagerland, Lydersen & Laake (2014)
        (150, 86, 3.71593613957143e-05),  # approval of the prime minister, Agresti; R 4.2.2
        (111, 46, 2.21594840764085e-07),  # callbacks, Bertrand & Mullainathan (2004) Table 2
        (12, 2, 0.012939453125),  # R 4.2.2, binom.test
        (5, 0, 0.0625),
        (1, 0, 1.0),
        (0, 0, 1.0),
    ],
)
def test_exact_p_known(n12: int, n21: int, p: float) -> None:
    assert mcnemar_exact(n12, n21) == pytest.approx(p, rel=1e-12)
    assert mcnemar_exact(n21, n12) == pytest.approx(p, rel=1e-12)


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_exact_p_equals_scipy(n12: int, n21: int) -> None:
    expected = stats.binomtest(n12, n12 + n21).pvalue if n12 + n21 else 1.0
    assert mcnemar_exact(n12, n21) == pytest.approx(expected, rel=1e-8, abs=1e-300)


@pytest.mark.parametrize(
    ("n12", "n21", "n", "low", "high", "digits"),
    [
        (1, 7, 21, -0.5172, -0.0260, 5e-5),  # Fagerland, Lydersen & Laake (2014), Tango
        (0, 1, 44, -0.1181, 0.0594, 5e-5),  # Tango (1998), table (43, 0, 1, 0)
        # R 4.2.2; the first table is that of Tango (1998)
        (12, 2, 50, 0.061112406186344, 0.344708748282149, 1e-8),
        (0, 1, 44, -0.118077096982133, 0.0593932311166308, 1e-8),
        (150, 86, 1600, 0.0213615647547872, 0.0589980333056994, 1e-8),
        (111, 46, 1323, 0.030991817030737, 0.0680407030475409, 1e-8),
        (5, 0, 100, 0.0111568268826403, 0.111750469232061, 1e-8),
        (1, 0, 100, -0.0273634331890794, 0.0544861961787053, 1e-8),
    ],
)
def test_interval_known(n12: int, n21: int, n: int, low: float, high: float, digits: float) -> None:
    assert tango_interval(n12, n21, n) == pytest.approx((low, high), abs=digits)


@given(st.integers(1, 10**10), st.floats(0.5, 0.999))
def test_interval_without_flips_is_wilson(n: int, confidence: float) -> None:
    # Tango (1998): for n12 = n21 = 0 the bounds are -z^2/(n+z^2) and z^2/(n+z^2).
    square = ndtri((1 - confidence) / 2) ** 2
    bound = square / (n + square)
    assert tango_interval(0, 0, n, confidence) == pytest.approx((-bound, bound), rel=1e-7)


def test_no_pairs_say_nothing() -> None:
    assert tango_interval(0, 0, 0) == (-1.0, 1.0)
    assert tango_z(0, 0, 0, 0.1) == 0.0
    assert p_gap_outside(0, 0, 0, 0.0) == p_gap_within(0, 0, 0, 0.5) == 1.0


@given(tables(), st.floats(0.01, 0.9999))
def test_interval_laws(table: Table, confidence: float) -> None:
    n12, n21, n = table
    low, high = tango_interval(n12, n21, n, confidence)
    mirrored = tango_interval(n21, n12, n, confidence)
    assert (low, high) == (-mirrored[1], -mirrored[0])
    if n:
        assert -1 <= low <= (n12 - n21) / n <= high <= 1


@given(tables(most=10**6), st.floats(0.5, 0.999))
def test_interval_ends_where_the_score_refutes(table: Table, confidence: float) -> None:
    n12, n21, n = table
    z = -ndtri((1 - confidence) / 2)
    low, high = tango_interval(n12, n21, n, confidence)
    for bound, sign in ((low, 1.0), (high, -1.0)):
        if n and abs(bound) < 1 - 1e-6:
            outward = bound - sign * 1e-8
            assert sign * tango_z(n12, n21, n, outward) > z - 1e-9
            assert sign * tango_z(n12, n21, n, bound + sign * 1e-8) < z + 1e-9


@given(tables(), st.floats(-1, 1))
def test_score_is_finite_mirrored_and_falling(table: Table, delta: float) -> None:
    n12, n21, n = table
    z = tango_z(n12, n21, n, delta)
    assert math.isfinite(z)
    assert abs(z) <= 40
    assert z == -tango_z(n21, n12, n, -delta)
    assert z >= tango_z(n12, n21, n, min(1.0, delta + 0.01)) - 1e-9


def test_score_without_variance() -> None:
    assert tango_z(3, 0, 3, 1.0) == 0.0
    assert tango_z(2, 0, 3, 1.0) == -40.0
    assert tango_z(2, 0, 3, -1.0) == 40.0
    assert tango_z(0, 0, 3, 0.0) == 0.0


@given(tables(most=2000), st.integers(-99, 99))
def test_score_uses_the_likeliest_rates_under_the_null(table: Table, percent: int) -> None:
    n12, n21, n = table
    delta = percent / 100
    least, most = max(0.0, -delta), (1 - delta) / 2
    for _ in range(100):  # halve to where the log-likelihood in the rate of n21 stops rising
        rate = (least + most) / 2
        both = 1 - 2 * rate - delta
        gain = both * (n12 * rate + n21 * (rate + delta))
        if gain > 2 * (n - n12 - n21) * rate * (rate + delta):
            least = rate
        else:
            most = rate
    variance = (2 * least + delta - delta**2) / n if n else 0.0
    if variance > 1e-9:
        expected = ((n12 - n21) / n - delta) / math.sqrt(variance)
        clipped = max(-40.0, min(40.0, expected))
        assert tango_z(n12, n21, n, delta) == pytest.approx(clipped, rel=1e-5, abs=1e-6)


@given(tables(), st.floats(0, 1.5))
def test_claims_are_probabilities_and_exclude_each_other(table: Table, tolerance: float) -> None:
    n12, n21, n = table
    outside = p_gap_outside(n12, n21, n, tolerance)
    within = p_gap_within(n12, n21, n, tolerance)
    assert 0 <= outside <= 1
    assert 0 <= within <= 1
    assert max(outside, within) >= 0.5
    assert outside == p_gap_outside(n21, n12, n, tolerance)
    assert within == p_gap_within(n21, n12, n, tolerance)
    if n and abs(n12 - n21) / n <= tolerance:
        assert outside == 1


@given(tables(), st.floats(0, 1))
def test_a_claim_of_a_gap_never_contradicts_interval_or_exact_test(
    table: Table, tolerance: float
) -> None:
    n12, n21, n = table
    p = p_gap_outside(n12, n21, n, tolerance)
    assert p >= mcnemar_exact(n12, n21)
    low, high = tango_interval(n12, n21, n)
    if p < 0.05 - 1e-6:
        assert low > tolerance or high < -tolerance


def test_an_interval_beside_zero_is_no_claim_where_the_exact_test_is_silent() -> None:
    assert tango_interval(5, 0, 100)[0] > 0.011
    assert p_gap_outside(5, 0, 100, 0.0) == 0.0625
    assert p_gap_outside(6, 0, 100, 0.0) == pytest.approx(0.03125)  # 2 / 2**6


def test_a_gap_outside_is_twice_the_one_sided_score_p() -> None:
    # 40 against 5 of 1,000: gap 3.5 %, exact p about 1e-7, so the score decides.
    assert p_gap_outside(40, 5, 1000, 0.02) == pytest.approx(
        2 * ndtr(-tango_z(40, 5, 1000, 0.02)), rel=1e-12
    )
    assert p_gap_outside(40, 5, 1000, 0.02) == pytest.approx(0.0133, abs=5e-5)


def test_no_flips_are_within_two_percent_from_149_pairs_on() -> None:
    assert p_gap_within(0, 0, 148, 0.02) > 0.05
    assert p_gap_within(0, 0, 149, 0.02) <= 0.05
    assert p_gap_within(1, 0, 235, 0.02) > 0.05  # exact: P(X <= 1) for 235 and 236 pairs
    assert p_gap_within(1, 0, 236, 0.02) <= 0.05


def test_two_one_sided_tests_take_the_larger() -> None:
    assert p_gap_within(30, 10, 1000, 0.05) == pytest.approx(
        ndtr(tango_z(30, 10, 1000, 0.05)), rel=1e-12
    )
    assert p_gap_within(10, 30, 1000, 0.05) == p_gap_within(30, 10, 1000, 0.05)


@pytest.mark.parametrize("tolerance", [0.0, -0.1])
def test_nothing_is_within_no_tolerance(tolerance: float) -> None:
    assert p_gap_within(0, 0, 10**6, tolerance) == 1.0
    assert p_gap_within(3, 3, 10**6, tolerance) == 1.0


@cache
def all_tables(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    changed, n12 = np.tril_indices(n + 1)
    return n12, changed - n12


def probability(n: int, p12: float, p21: float) -> NDArray[np.float64]:
    n12, n21 = all_tables(n)
    same = n - n12 - n21
    coefficient = gammaln(n + 1) - gammaln(n12 + 1) - gammaln(n21 + 1) - gammaln(same + 1)
    powers = xlogy(n12, p12) + xlogy(n21, p21) + xlogy(same, 1 - p12 - p21)
    return np.asarray(np.exp(coefficient + powers))


def for_all_tables(n: int, statistic: Callable[[int, int], object]) -> NDArray[np.float64]:
    n12, n21 = all_tables(n)
    return np.array([statistic(a, b) for a, b in zip(n12.tolist(), n21.tolist(), strict=True)])


@pytest.mark.parametrize("n", [20, 50, 100])
def test_interval_coverage_by_enumeration(n: int) -> None:
    bounds = for_all_tables(n, lambda a, b: tango_interval(a, b, n))
    coverage = []
    for gap in (0.0, 0.02, 0.05, 0.1, 0.3):
        covered = (bounds[:, 0] <= gap) & (gap <= bounds[:, 1])
        for p21 in (0.0, 0.005, 0.02, 0.1, 0.3):
            coverage.append(probability(n, p21 + gap, p21) @ covered)
    assert min(coverage) > 0.93
    assert 0.95 < np.mean(coverage) < 0.99


@pytest.mark.parametrize("tolerance", [0.01, 0.05, 0.1])
def test_claims_are_seldom_false_by_enumeration(tolerance: float) -> None:
    n = 100
    outside = for_all_tables(n, lambda a, b: p_gap_outside(a, b, n, tolerance) <= 0.05)
    within = for_all_tables(n, lambda a, b: p_gap_within(a, b, n, tolerance) <= 0.05)
    for p21 in (0.0, 0.005, 0.02, 0.1, 0.3):
        # At the edge of the tolerance both claims are false.
        chance = probability(n, p21 + tolerance, p21)
        assert chance @ outside <= 0.05
        assert chance @ within <= 0.05
