"""Rates of two independent groups: known answers, oracles, laws, and size by enumeration."""

import sys
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, fisher_exact
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from paribus.stats._guard import p_newcombe
from paribus.stats.independent import (
    agreeing_with,
    fisher,
    newcombe,
    p_beyond,
    p_within,
    ratio_interval,
    standard_deviations,
    wilson,
)

MOST = sys.float_info.max
COUNT = st.integers(0, 12) | st.integers(0, 2000) | st.integers(0, 10**7)
CONFIDENCE = st.floats(0.05, 0.9999)
TOLERANCE = st.floats(0, 1) | st.just(0.0) | st.floats(0, 1e300)


@st.composite
def cells(draw: st.DrawFn, fractions: bool = True) -> tuple[float, float, float, float]:
    k1, r1, k2, r2 = (float(draw(COUNT)) for _ in range(4))
    if fractions and draw(st.booleans()):
        scale = draw(st.floats(1e-3, 1.0))
        k1, r1, k2, r2 = k1 * scale, r1 * scale, k2 * scale, r2 * scale
    return k1, k1 + r1, k2, k2 + r2


def swap(group: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    k1, n1, k2, n2 = group
    return k2, n2, k1, n1


def test_bertrand_and_mullainathan() -> None:
    # Bertrand & Mullainathan (2004), American Economic Review 94: callbacks of 2,435 applications
    # each. R 4.2.2: prop.test(correct = FALSE), fisher.test, method 10 by hand.
    table = (235, 2435, 157, 2435)
    low, high = newcombe(*table)
    assert (float(low), float(high)) == pytest.approx((0.0167819687497045, 0.0473825502727085))
    low, high = wilson([235, 157], 2435)
    assert low.tolist() == pytest.approx([0.0854082394123762, 0.0553909831912091])
    assert high.tolist() == pytest.approx([0.108881330787821, 0.0749337895286983])
    assert float(fisher(*table)) == pytest.approx(4.7587471079095e-05, rel=1e-10)
    assert float(standard_deviations(*table)) == pytest.approx(np.sqrt(16.8790504142702))
    # Where the counts are small enough for it, the exact test decides.
    assert float(p_beyond(*table)) == float(fisher(*table))


def test_newcombe_known() -> None:
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10, columns (a)-(h)
    tables = np.array(
        [
            (56, 70, 48, 80),
            (9, 10, 3, 10),
            (6, 7, 2, 7),
            (5, 56, 0, 29),
            (0, 10, 0, 20),
            (0, 10, 0, 10),
            (10, 10, 0, 20),
            (10, 10, 0, 10),
        ]
    ).T
    low, high = newcombe(*tables)
    assert low.round(4).tolist() == [
        0.0524, 0.1705, 0.0582, -0.0381, -0.1611, -0.2775, 0.6791, 0.6075,
    ]  # fmt: skip
    assert high.round(4).tolist() == [
        0.3339, 0.8090, 0.8062, 0.1926, 0.2775, 0.2775, 1.0, 1.0,
    ]  # fmt: skip


def test_fisher_known() -> None:
    # R documentation of fisher.test: TeaTasting 0.4857; Convictions, two-sided, 0.0005367
    assert float(fisher(3, 4, 1, 4)) == pytest.approx(17 / 35)
    assert float(fisher(2, 17, 10, 13)) == pytest.approx(0.0005367241, rel=1e-6)


def test_hazelwood() -> None:
    # Hazelwood School District v. United States, 433 U.S. 299 (1977), note 17: of the teachers
    # hired, against 15.4 %, "more than" 5, 3 and 6 standard deviations. A reference so large that
    # it leaves no doubt about its rate makes the count for two samples that of one.
    z = standard_deviations([10, 5, 15], [282, 123, 405], 154_000_000, 10**9)
    assert z.tolist() == pytest.approx([-5.5149, -3.4828, -6.5212], abs=5e-4)
    assert standard_deviations([0, 5, 0], [0, 5, 5], [1, 5, 0], [2, 5, 5]).tolist() == [0, 0, 0]


@given(cells(), CONFIDENCE)
def test_intervals_agree_with_statsmodels(
    group: tuple[float, float, float, float], confidence: float
) -> None:
    k1, n1, k2, n2 = group
    if min(n1, n2) < 1:
        return
    expected = proportion_confint(k1, n1, 1 - confidence, method="wilson")
    low, high = wilson(k1, n1, confidence)
    assert (float(low), float(high)) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    expected = confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", alpha=1 - confidence)
    low, high = newcombe(*group, confidence)
    assert (float(low), float(high)) == pytest.approx(expected, rel=1e-6, abs=1e-7)


@settings(max_examples=60)
@given(st.lists(cells(fractions=False), min_size=1, max_size=6))
def test_fisher_agrees_with_scipy(groups: list[tuple[float, float, float, float]]) -> None:
    groups = [g if max(g) <= 10_000 else tuple(x // 2000 for x in g) for g in groups]  # type: ignore[misc]
    k1, n1, k2, n2 = np.array(groups).T
    expected = [
        fisher_exact(np.array([[a, b - a], [c, d - c]]).astype(int)).pvalue for a, b, c, d in groups
    ]
    # scipy's own tails carry an absolute error
    assert fisher(k1, n1, k2, n2).tolist() == pytest.approx(expected, rel=1e-8, abs=1e-14)


def test_fisher_of_large_counts() -> None:
    # A difference of a few standard deviations among ten million: the normal tail, closely
    n, k = 10**7, 3 * 10**6
    for shift in (2000, 5000, 9000):
        z = (shift - 1) / np.sqrt(2 * n * 0.3 * 0.7)
        tails = 2 * NormalDist().cdf(-z)
        assert float(fisher(k, n, k - shift, n)) == pytest.approx(tails, rel=0.01)
    assert float(fisher(k, n, 0, n)) == 0.0
    assert 0 <= float(fisher(1e100, 2e100, 1e99, 2e100)) <= 1
    # Rounded to whole counts
    assert float(fisher(3.2, 3.9, 0.8, 4.3)) == float(fisher(3, 4, 1, 4))


@given(cells(), st.floats(0.0005, 0.2), st.floats(0, 0.5) | st.just(0.0))
def test_a_claim_beyond_lies_outside_the_interval(
    group: tuple[float, float, float, float], alpha: float, tolerance: float
) -> None:
    p = p_beyond(*group, tolerance)
    low, high = newcombe(*group, 1 - alpha)
    if p <= alpha:
        assert low >= tolerance - 1e-9 or high <= -tolerance + 1e-9
    low, high = agreeing_with(low, high, p, tolerance, 1 - alpha)
    if p > alpha:
        assert low <= tolerance
        assert high >= -tolerance


@settings(max_examples=30)
@given(st.lists(cells(), min_size=1, max_size=5), st.floats(0, 0.5) | st.just(0.0))
def test_the_bare_p_value_is_where_the_interval_ends(
    groups: list[tuple[float, float, float, float]], tolerance: float
) -> None:
    rows = np.array(groups).T
    p = p_newcombe(*rows, tolerance)
    for group, value in zip(groups, p, strict=True):
        if 1e-9 < value < 0.499:
            assert newcombe(*group, 1 - 2 * value)[0] == pytest.approx(tolerance, abs=1e-6)
        elif value >= 0.499:
            assert newcombe(*group, 0.01)[0] <= tolerance


@given(cells(), st.floats(0.0005, 0.2), st.floats(0.001, 1))
def test_a_claim_within_holds_for_the_interval(
    group: tuple[float, float, float, float], alpha: float, tolerance: float
) -> None:
    if p_within(*group, tolerance) <= alpha:
        low, high = newcombe(*group, 1 - 2 * alpha)
        assert -tolerance - 1e-9 <= low <= high <= tolerance + 1e-9


def test_large_groups_are_judged_by_the_interval() -> None:
    # With a million people the guard costs less than a twentieth of the p-value.
    for k2 in (501_300, 502_200, 503_000):
        table = (500_000, 10**6, k2, 10**6)
        p = float(p_beyond(*table, 0.0005))
        low, high = newcombe(*table, 1 - p / 1.2)
        assert high >= -0.0005 >= newcombe(*table, 1 - p)[1] - 1e-9
        p = float(p_within(*table, 0.005))
        low, high = newcombe(*table, 1 - 2 * p / 1.2)
        assert low <= -0.005


@given(cells(), TOLERANCE, CONFIDENCE)
def test_groups_can_be_exchanged(
    group: tuple[float, float, float, float], tolerance: float, confidence: float
) -> None:
    other = swap(group)
    assert p_beyond(*group, tolerance) == pytest.approx(float(p_beyond(*other, tolerance)))
    assert p_within(*group, tolerance) == pytest.approx(float(p_within(*other, tolerance)))
    assert fisher(*group) == pytest.approx(float(fisher(*other)), rel=1e-7)
    assert standard_deviations(*group) == pytest.approx(-float(standard_deviations(*other)))
    low, high = newcombe(*group, confidence)
    back = newcombe(*other, confidence)
    assert (float(low), float(high)) == pytest.approx((-float(back[1]), -float(back[0])))
    low, high = ratio_interval(*group, confidence)
    back = ratio_interval(*other, confidence)
    if 1e-300 < low < 1e300:
        assert float(back[1]) == pytest.approx(1 / float(low))


@given(cells(), TOLERANCE, CONFIDENCE)
def test_everything_is_finite_and_in_range(
    group: tuple[float, float, float, float], tolerance: float, confidence: float
) -> None:
    k1, n1, k2, n2 = group
    for p in (p_beyond(*group, tolerance), p_within(*group, tolerance), fisher(*group)):
        assert 0 <= p <= 1
    low, high = newcombe(*group, confidence)
    assert -1 <= low <= high <= 1
    ratio_low, ratio_high = ratio_interval(*group, confidence)
    assert 0 <= ratio_low <= ratio_high <= MOST
    assert np.isfinite(standard_deviations(*group))
    if min(n1, n2) == 0:
        assert (low, high, ratio_low, ratio_high) == (-1, 1, 0, MOST)
        assert p_beyond(*group, tolerance) == p_within(*group, tolerance) == fisher(*group) == 1
        return
    difference = k1 / n1 - k2 / n2
    assert low - 1e-12 <= difference <= high + 1e-12
    if k1 > 0 and k2 > 0:
        ratio = k1 / n1 / (k2 / n2)
        assert ratio_low <= ratio * (1 + 1e-9)
        assert ratio_high >= ratio * (1 - 1e-9)
    if k2 == 0:
        assert ratio_high == MOST
    if abs(difference) <= tolerance:
        assert p_beyond(*group, tolerance) == 1
    if abs(difference) >= tolerance:
        assert p_within(*group, tolerance) == 1


# Toward a tolerance of 1 both rates are at their ends, and the guard of `p_within` gives away much.
@given(cells(), st.floats(0, 0.9), st.floats(0, 0.9))
def test_a_wider_tolerance_proves_less_beyond_and_more_within(
    group: tuple[float, float, float, float], one: float, two: float
) -> None:
    small, large = sorted((one, two))
    # The guard spends a share of the p-value that depends on the tolerance, in steps.
    if p_beyond(*group, large) <= 0.05:
        assert p_beyond(*group, small) <= 0.1
    if p_within(*group, small) <= 0.05:
        assert p_within(*group, large) <= 0.1


def test_arrays_broadcast() -> None:
    many = p_beyond(np.array([[5], [9]]), 10, [1, 2, 3], [10, 20, 30], 0.1)
    assert many.shape == (2, 3)
    assert many[1, 2] == p_beyond(9, 10, 3, 30, 0.1)
    assert p_within(np.array([[5], [9]]), 10, [1, 2, 3], 10, 0.5).shape == (2, 3)
    assert fisher([5, 9], 10, [[1], [2], [3]], 10).shape == (3, 2)
    assert p_beyond([], [], [], []).shape == (0,)
    assert fisher([], [], [], []).shape == (0,)
    assert newcombe(5, 10, 1, 10)[0].shape == ()


LEVELS = (0.1, 0.05, 0.01, 1e-3, 1e-4)


def sizes(
    groups: tuple[int, int], gap: float, p: NDArray[np.float64], alphas: tuple[float, ...] = LEVELS
) -> NDArray[np.float64]:
    """Largest chance of a claim, over its level, over true rates whose difference is `gap`."""
    n1, n2 = groups
    claims = [np.where(p <= alpha, 1.0, 0.0) for alpha in alphas]
    worst = np.zeros(len(alphas))
    for second in (0.001, 0.01, 0.05, 0.07, 0.15, 0.3, 0.45, 0.5, 0.7, 0.85, 0.93, 0.99):
        for first in {second + gap, second - gap}:
            if 0 <= first <= 1:
                chance1 = binom.pmf(np.arange(n1 + 1), n1, first)
                chance2 = binom.pmf(np.arange(n2 + 1), n2, second)
                worst = np.maximum(worst, [chance1 @ claim @ chance2 for claim in claims])
    return worst / alphas


GROUPS = [(1, 2), (1, 1000), (2, 1000), (5, 5), (5, 30), (10, 10), (10, 1000), (30, 30), (1000, 30)]


def every(groups: tuple[int, int]) -> tuple[Any, int, Any, int]:
    n1, n2 = groups
    return np.arange(n1 + 1.0)[:, None], n1, np.arange(n2 + 1.0)[None, :], n2


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("tolerance", [0.0, 0.05])
def test_false_claims_beyond_stay_at_the_level(groups: tuple[int, int], tolerance: float) -> None:
    p = p_beyond(*every(groups), tolerance)
    assert (sizes(groups, tolerance, p) <= 1).all()


@pytest.mark.parametrize("groups", [(1, 1000), (5, 1000), (30, 30), (30, 300)])
def test_false_claims_of_weighted_data_stay_at_the_level(groups: tuple[int, int]) -> None:
    # A hair off whole counts, so that the binomial guard works without the exact test.
    k1, n1, k2, n2 = every(groups)
    p = p_beyond(k1 * (1 + 1e-12), n1 * (1 + 1e-12), k2, n2)
    assert (sizes(groups, 0.0, p) <= 1).all()


@pytest.mark.parametrize(
    ("groups", "tolerance"),
    [
        *((g, t) for g in ((5, 1000), (10, 1000), (30, 30)) for t in (0.05, 0.2, 0.5)),
        *(((1000, 10), 0.2), ((30, 1000), 0.05), ((30, 1000), 0.2), ((30, 300), 0.5)),
    ],
)
def test_false_claims_within_stay_at_the_level(groups: tuple[int, int], tolerance: float) -> None:
    p = p_within(*every(groups), tolerance)
    assert (sizes(groups, tolerance, p) <= 1).all()


def test_no_favored_person_can_still_prove_equivalence() -> None:
    # Without a success (1 - t)^n is the chance of none in a group at the tolerance.
    p = p_within(0, [100, 149, 300, 1000], 0, [100, 149, 300, 1000], 0.02)
    assert np.all(np.diff(p) < 0)
    assert 0.05 > p[2] > 0.98**300
    assert float(p_within(0, 23, 0, 103, 0.75)) < 1e-3


def test_the_bare_interval_would_not_do() -> None:
    # Why there is a guard: claims by the Newcombe interval alone.
    low, high = newcombe(*every((1, 1000)), 1 - 1e-4)
    outside = np.where((low > 0) | (high < 0), 0.0, 1.0)
    assert 0.5 * sizes((1, 1000), 0.0, outside, (0.5,))[0] > 100 * 1e-4


def test_power_is_kept() -> None:
    # 90 % power by the textbook for 0.30 against 0.40: 473 a group (Fleiss, Levin and Paik, 2003,
    # table A.4, with continuity correction 496), for a two-sided level of 0.05
    k1, k2 = np.arange(90, 210)[:, None], np.arange(140, 260)[None, :]
    chance = binom.pmf(k1, 496, 0.3) * binom.pmf(k2, 496, 0.4)
    assert chance[p_beyond(k1, 496, k2, 496) <= 0.05].sum() > 0.9
    # and of equivalence within 0.1 at 0.5: (1.645 + 1.282)^2 * 0.5 / 0.01 = 428 and some more
    k1, k2 = np.arange(230, 370)[:, None], np.arange(230, 370)[None, :]
    chance = binom.pmf(k1, 600, 0.5) * binom.pmf(k2, 600, 0.5)
    assert chance[p_within(k1, 600, k2, 600, 0.1) <= 0.05].sum() > 0.9


def test_ratio_known() -> None:
    # Statsmodels' score interval (Koopman 1984) is (2.939569, 7.152223)
    low, high = ratio_interval(36, 40, 16, 80)
    expected = confint_proportions_2indep(
        36, 40, 16, 80, compare="ratio", method="score", correction=False
    )
    assert (float(low), float(high)) == pytest.approx(expected, rel=0.02)
    # Without anybody favored: Donner and Zou (2012) with a rate of 0
    low, high = ratio_interval([0, 5, 0], 10, [5, 0, 0], 10)
    up = float(wilson(0, 10)[1])
    down, rate = float(wilson(5, 10)[0]), 0.5
    assert high.tolist() == pytest.approx([up / np.sqrt(down * (2 * rate - down)), MOST, MOST])
    assert low.tolist() == pytest.approx([0, np.sqrt(down * (2 * rate - down)) / up, 0])


def test_ratio_coverage() -> None:
    for groups in ((10, 10), (20, 100), (100, 20)):
        k1, n1, k2, n2 = every(groups)
        low, high = ratio_interval(k1, n1, k2, n2)
        for second in (0.02, 0.1, 0.3, 0.5, 0.9):
            for ratio in (0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0):
                if ratio * second < 0.98:
                    chance = binom.pmf(k1, n1, ratio * second) * binom.pmf(k2, n2, second)
                    assert chance[(low <= ratio) & (ratio <= high)].sum() > 0.93


def test_rare_outcomes_keep_their_digits() -> None:
    low, high = ratio_interval(1e3, 1e100, 1e3, 1e100)
    same_low, same_high = ratio_interval(1e3, 1e7, 1e3, 1e7)
    assert float(low) == pytest.approx(float(same_low), rel=1e-3)
    assert float(high) == pytest.approx(float(same_high), rel=1e-3)
    assert float(p_beyond(1, 1e100, 1, 1e7)) <= 1
    assert float(wilson(1, 1e100)[1]) == pytest.approx(5.6654e-100, rel=1e-3)
