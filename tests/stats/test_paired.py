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
from statsmodels.stats.contingency_tables import mcnemar

from paribus.stats.paired import (
    agreeing,
    bonett_price_interval,
    mcnemar_asymptotic,
    mcnemar_exact,
    mcnemar_midp,
    newcombe_interval,
    p_gap_outside,
    p_gap_within,
    square_and_add,
    tango_interval,
    tango_z,
    wilson_distances,
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
    # scipy gives 0 from about 1e-280 on
    assert mcnemar_exact(n12, n21) == pytest.approx(expected, rel=1e-8, abs=1e-270)


@pytest.mark.parametrize(
    ("n12", "n21", "midp", "asymptotic", "digits"),
    [
        # airway reactivity, Fagerland, Lydersen & Laake (2014), Table I
        (1, 7, 0.0390625, 0.0338949, 5e-8),
        # complete response, Fagerland, Lydersen & Laake (2014); R package contingencytables
        (6, 16, 0.034690, 0.033006, 5e-7),
        # approval of the prime minister, Agresti; R 4.2.2
        (150, 86, 2.89338951761549e-05, 3.09929344104522e-05, 1e-17),
        (12, 2, 0.00738525390625001, 0.00752631516645789, 1e-14),  # R 4.2.2
        (1, 0, 0.5, 0.317310507862914, 1e-14),  # R 4.2.2
        # callbacks, Bertrand & Mullainathan (2004) Table 2; R 4.2.2
        (111, 46, 1.55409408282658e-07, 2.13061856749415e-07, 1e-19),
        (3, 3, 0.84375, 1.0, 1e-15),  # 1 - C(6, 3) / 2**6 / 2
        (0, 0, 1.0, 1.0, 0.0),
    ],
)
def test_mid_p_and_asymptotic_p_known(
    n12: int, n21: int, midp: float, asymptotic: float, digits: float
) -> None:
    for table in ((n12, n21), (n21, n12)):
        assert mcnemar_midp(*table) == pytest.approx(midp, abs=digits, rel=0)
        assert mcnemar_asymptotic(*table) == pytest.approx(asymptotic, abs=digits, rel=0)


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_mid_p_and_asymptotic_p_equal_scipy_and_statsmodels(n12: int, n21: int) -> None:
    changed = n12 + n21
    if changed:  # without a change statsmodels gives 0
        expected = mcnemar([[0, n12], [n21, 0]], exact=False, correction=False).pvalue
        assert mcnemar_asymptotic(n12, n21) == pytest.approx(expected, rel=1e-8, abs=1e-270)
        twice = 2 * stats.binom.cdf(min(n12, n21), changed, 0.5)
        here = stats.binom.pmf(n12, changed, 0.5)
        expected = 1 - here / 2 if n12 == n21 else twice - here
        assert mcnemar_midp(n12, n21) == pytest.approx(expected, rel=1e-8, abs=1e-270)
    assert mcnemar_midp(n12, n21) <= mcnemar_exact(n12, n21)


@given(st.integers(0, 10**10), st.integers(0, 10**10))
def test_p_values_of_no_gap_are_probabilities(n12: int, n21: int) -> None:
    for test in (mcnemar_exact, mcnemar_midp, mcnemar_asymptotic):
        assert 0 <= test(n12, n21) <= 1
        assert test(n12, n21) == test(n21, n12)
        assert test(n12, n12) >= 0.75


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


@pytest.mark.parametrize(
    ("cells", "low", "high", "digits"),
    [
        ((1, 1, 7, 12), -0.5069, -0.0256, 5e-5),  # Fagerland, Lydersen & Laake (2014)
        ((59, 6, 16, 80), -0.1186, -0.0046, 5e-5),  # the same; R package contingencytables
        # R 4.2.2; the first three tables are those of Newcombe (1998), Table II
        ((36, 12, 2, 0), 0.0569295840032387, 0.340427602974941, 1e-13),
        ((20, 12, 2, 16), 0.0561564248417483, 0.329206995400141, 1e-13),
        ((43, 0, 1, 0), -0.118077096982133, 0.0597180083508988, 1e-13),
        ((794, 150, 86, 570), 0.0212304239828771, 0.0587038728957288, 1e-13),
        ((1, 111, 46, 1165), 0.0308356263569947, 0.0678793538175419, 1e-13),
        ((90, 5, 0, 5), 0.000655334463879345, 0.111243521721986, 1e-13),
        ((0, 1, 0, 99), -0.0278984707397118, 0.0544861961787053, 1e-13),
    ],
)
def test_newcombe_interval_known(
    cells: tuple[int, int, int, int], low: float, high: float, digits: float
) -> None:
    assert newcombe_interval(*cells) == pytest.approx((low, high), abs=digits, rel=0)


@pytest.mark.parametrize(
    ("n12", "n21", "n", "low", "high"),
    [
        (1, 7, 21, -0.5084, -0.0134),  # Fagerland, Lydersen & Laake (2014)
        (6, 16, 161, -0.1195, -0.0032),  # the same; R package contingencytables
    ],
)
def test_bonett_price_interval_known(n12: int, n21: int, n: int, low: float, high: float) -> None:
    assert bonett_price_interval(n12, n21, n) == pytest.approx((low, high), abs=5e-5)


def test_bonett_price_is_wald_after_one_change_more_either_way() -> None:
    # What is avoided: without a change Wald's interval is a point.
    assert wald_interval(0, 0, 100) == (0.0, 0.0)
    assert wald_interval(1, 7, 21) == pytest.approx((-0.5197, -0.0517), abs=5e-5)  # Fagerland
    assert bonett_price_interval(12, 2, 50) == pytest.approx(wald_interval(13, 3, 52), rel=1e-12)
    assert bonett_price_interval(0, 0, 100)[1] > 0.02


def wald_interval(n12: int, n21: int, n: int) -> tuple[float, float]:
    gap = (n12 - n21) / n
    half = -ndtri(0.025) * math.sqrt(((n12 + n21) / n - gap**2) / n)
    return gap - half, gap + half


@given(st.integers(0, 30) | st.integers(0, 10**10), st.data(), st.floats(0.5, 0.999))
def test_wilson_distances_equal_scipy(k: int, data: st.DataObject, confidence: float) -> None:
    n = data.draw(st.integers(max(k, 1), max(k, 1) * 3))
    down, up = wilson_distances(k, n, float(-ndtri((1 - confidence) / 2)))
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert (k / n - down, k / n + up) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert down >= 0
    assert up >= 0


def test_square_and_add_of_fully_correlated_terms_is_the_difference_of_distances() -> None:
    assert square_and_add(1.0, (0.2, 0.3), (0.3, 0.7), 1.0) == pytest.approx((0.5, 1.0))
    assert square_and_add(1.0, (0.2, 0.3), (0.3, 0.7), -1.0) == pytest.approx((0.1, 1.6))
    assert square_and_add(1.0, (0.3, 0.4), (0.3, 0.4), 0.0) == pytest.approx((0.5, 1.5))


@given(st.integers(1, 10**10), st.floats(0.5, 0.999))
def test_interval_without_flips_is_wilson(n: int, confidence: float) -> None:
    # Tango (1998): for n12 = n21 = 0 the bounds are -z^2/(n+z^2) and z^2/(n+z^2).
    square = ndtri((1 - confidence) / 2) ** 2
    bound = square / (n + square)
    assert tango_interval(0, 0, n, confidence) == pytest.approx((-bound, bound), rel=1e-7)


def test_no_pairs_say_nothing() -> None:
    assert tango_interval(0, 0, 0) == (-1.0, 1.0)
    assert newcombe_interval(0, 0, 0, 0) == bonett_price_interval(0, 0, 0) == (-1.0, 1.0)
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


@given(tables(), st.floats(0, 1), st.floats(0.01, 0.9999))
def test_closed_interval_laws(table: Table, share: float, confidence: float) -> None:
    n12, n21, n = table
    n11 = round(share * (n - n12 - n21))
    n22 = n - n12 - n21 - n11
    low, high = newcombe_interval(n11, n12, n21, n22, confidence)
    assert newcombe_interval(n11, n21, n12, n22, confidence) == (-high, -low)
    assert newcombe_interval(n22, n21, n12, n11, confidence) == pytest.approx((-high, -low))
    if n:
        assert -1 <= low <= (n12 - n21) / n <= high <= 1
    low, high = bonett_price_interval(n12, n21, n, confidence)
    assert bonett_price_interval(n21, n12, n, confidence) == (-high, -low)
    assert -1 <= low < high <= 1
    if n and confidence > 0.8:
        assert low <= (n12 - n21) / n <= high


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_no_interval_is_a_point_without_flips(n11: int, n22: int) -> None:
    for low, high in (
        newcombe_interval(n11, 0, 0, n22),
        bonett_price_interval(0, 0, n11 + n22),
    ):
        assert low < 0 < high


@given(tables(most=300), st.floats(0.5, 0.999))
def test_shown_interval_never_contradicts_the_exact_test(table: Table, confidence: float) -> None:
    n12, n21, n = table
    p = mcnemar_exact(n12, n21)
    low, high = tango_interval(n12, n21, n, confidence)
    shown = agreeing(low, high, p, confidence)
    assert shown[0] <= low <= high <= shown[1]
    if p > 1 - confidence:
        assert shown[0] <= 0 <= shown[1]
        assert shown == (min(low, 0.0), max(high, 0.0))
    else:
        assert shown == (low, high)


def test_shown_interval_reaches_zero_where_the_exact_test_is_silent() -> None:
    low, high = tango_interval(5, 0, 100)
    assert (low, high) == pytest.approx((0.0112, 0.1118), abs=5e-5)
    assert agreeing(low, high, mcnemar_exact(5, 0)) == (0.0, high)
    assert agreeing(-high, -low, mcnemar_exact(0, 5)) == (-high, 0.0)
    assert agreeing(low, high, mcnemar_exact(5, 0), confidence=0.9) == (low, high)
    assert agreeing(low, high, 0.05) == (low, high)
    assert agreeing(-0.1, 0.2, 1.0) == (-0.1, 0.2)


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


@pytest.mark.parametrize(("n", "least"), [(20, 0.92), (50, 0.93), (100, 0.93)])
def test_bonett_price_coverage_by_enumeration(n: int, least: float) -> None:
    bounds = for_all_tables(n, lambda a, b: bonett_price_interval(a, b, n))
    coverage = []
    for p21 in (0.0, 0.005, 0.02, 0.1, 0.3):
        for gap in (0.0, 0.5 / n, 2 / n, 4 / n, 0.02, 0.05, 0.1, 0.3):
            covered = (bounds[:, 0] <= gap) & (gap <= bounds[:, 1])
            coverage.append(probability(n, p21 + gap, p21) @ covered)
    assert min(coverage) > least
    assert 0.95 < np.mean(coverage) < 0.99


def four_cells(n: int) -> NDArray[np.int64]:
    cells = np.indices((n + 1,) * 3).reshape(3, -1)
    cells = cells[:, cells.sum(axis=0) <= n]
    return np.vstack([cells, n - cells.sum(axis=0)])


def test_newcombe_coverage_by_enumeration() -> None:
    n = 40
    cells = four_cells(n)
    bounds = np.array([newcombe_interval(*map(int, table)) for table in cells.T])
    coverage = {}
    for p21 in (0.0, 0.005, 0.02, 0.1, 0.3):
        for gap in (0.0, 0.02, 2 / n, 0.1, 0.3):
            covered = (bounds[:, 0] <= gap) & (gap <= bounds[:, 1])
            for share in (0.0, 0.1, 0.5, 0.95):
                same = 1 - 2 * p21 - gap
                rates = np.array([share * same, p21 + gap, p21, (1 - share) * same])
                chance = gammaln(n + 1) + (xlogy(cells, rates[:, None]) - gammaln(cells + 1)).sum(
                    axis=0
                )
                coverage[p21, gap, share] = float(np.exp(chance) @ covered)
    # The weak spot that the docstring names: half of the answers favorable, rare changes one way.
    weak = {key: coverage.pop(key) for key in list(coverage) if key[0] <= 0.005 and key[2] == 0.5}
    assert 0.88 < min(weak.values()) < 0.9
    assert min(weak, key=lambda key: weak[key]) == (0.0, 2 / n, 0.5)
    assert min(coverage.values()) > 0.93
    assert 0.96 < np.mean(list(coverage.values())) < 0.99


@pytest.mark.parametrize("n", [20, 60])
def test_mid_p_is_seldom_false_by_enumeration(n: int) -> None:
    refuted = for_all_tables(n, lambda a, b: mcnemar_midp(a, b) <= 0.05)
    loose = for_all_tables(n, lambda a, b: mcnemar_asymptotic(a, b) <= 0.05)
    for rate in (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5):
        assert probability(n, rate, rate) @ refuted <= 0.052
        assert probability(n, rate, rate) @ loose <= 0.06
