"""Two groups within strata: Berkeley's admissions, statsmodels as oracle, and laws."""

import dataclasses
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm
from statsmodels.stats.contingency_tables import StratifiedTable

from paribus.stats.strata import (
    breslow_day,
    mantel_haenszel,
    reversal,
    standardized_difference,
    woolf,
)

MOST = sys.float_info.max

# Bickel, Hammel and O'Connell (1975), Science 187, 398-404; R datasets, UCBAdmissions.
# Departments A to F; (rejected, admitted) of men and of women.
MEN = [(313, 512), (207, 353), (205, 120), (279, 138), (138, 53), (351, 22)]
WOMEN = [(19, 89), (8, 17), (391, 202), (244, 131), (299, 94), (317, 24)]
MEN_OVER_WOMEN = np.array([list(pair) for pair in zip(WOMEN, MEN, strict=True)])
WOMEN_OVER_MEN = MEN_OVER_WOMEN[:, ::-1]

COUNT = st.integers(0, 6) | st.integers(0, 10**7) | st.floats(0, 1e4) | st.just(0)
TABLES = st.integers(0, 6).flatmap(
    lambda s: st.lists(COUNT, min_size=4 * s, max_size=4 * s).map(
        lambda cells: np.array(cells, dtype=float).reshape(-1, 2, 2)
    )
)


def numbers(found: object) -> list[float]:
    fields = dataclasses.asdict(found)  # type: ignore[call-overload]
    return [value for value in fields.values() if isinstance(value, float)]


def test_berkeley() -> None:
    # R 4.2.2: mantelhaen.test(UCBAdmissions), with and without correct; vcd::woolf_test;
    # DescTools::BreslowDayTest
    found = mantel_haenszel(MEN_OVER_WOMEN)
    assert found.odds_ratio == pytest.approx(0.904696828258623, rel=1e-12)
    assert (found.low, found.high) == pytest.approx((0.77190736175935, 1.06032976443666), rel=1e-12)
    assert (found.chi2, found.p) == pytest.approx((1.52460666044344, 0.216923697055518), rel=1e-9)
    assert found.chi2_corrected == pytest.approx(1.42694622858669, rel=1e-9)
    assert found.p_corrected == pytest.approx(0.232263462817048, rel=1e-9)
    statistic, df, p = woolf(MEN_OVER_WOMEN)
    assert (statistic, df, p) == pytest.approx((17.9017124697972, 5, 0.00307214230873254), rel=1e-9)
    assert breslow_day(MEN_OVER_WOMEN) == pytest.approx((18.8255, 5, 0.00207139), rel=1e-5)
    # All departments as one: the crude odds ratio is 1.841, and Pearson's chi-square 92.2053, which
    # the test of Mantel and Haenszel is up to n / (n - 1); 91.6096 with Yates' correction
    one = mantel_haenszel(MEN_OVER_WOMEN.sum(axis=0, keepdims=True))
    assert one.odds_ratio == pytest.approx(1.84108, abs=1e-5)
    assert one.chi2 * 4526 / 4525 == pytest.approx(92.2052804115276)


def test_berkeley_is_reversed() -> None:
    # 30.4 % of the women and 44.5 % of the men; women 4.26 points ahead in equal departments
    found = reversal(WOMEN_OVER_MEN)
    assert found.raw == pytest.approx(557 / 1835 - 1198 / 2691)
    assert found.adjusted == pytest.approx(0.04264, abs=5e-6)
    assert found.kind == "reversed"
    assert found.raw_low < found.raw < found.raw_high < 0 < found.adjusted_low < found.adjusted
    standardized = standardized_difference(WOMEN_OVER_MEN)
    assert (standardized.rows, standardized.left_out) == (4526, 0)
    assert standardized.estimate == found.adjusted
    # With more confidence asked, the adjusted difference may be none
    assert reversal(WOMEN_OVER_MEN, 0.999).kind == "vanishes"


def test_what_becomes_of_a_difference() -> None:
    same = np.array([[[300, 700], [500, 500]]] * 3)
    assert reversal(same).kind == "persists"
    assert reversal(same // 100).kind == "none"
    assert reversal(np.array([[[50, 50], [50, 50]]])).kind == "none"
    assert reversal(np.zeros((0, 2, 2))).kind == "none"
    # All of the difference lies in who applies where
    apart = np.array([[[100, 900], [20, 180]], [[180, 20], [900, 100]]])
    found = reversal(apart)
    assert found.kind == "vanishes"
    assert found.adjusted == pytest.approx(0, abs=1e-12)
    # 5 of 5 against 3 of 8: Newcombe's interval excludes 0, the exact test does not
    assert reversal(np.array([[[5, 3], [0, 5]]])).kind == "none"


def test_strata_with_one_group_are_left_out() -> None:
    alone = np.concatenate([WOMEN_OVER_MEN, [[[5, 7], [0, 0]], [[0, 0], [2, 1]], [[0, 0], [0, 0]]]])
    found, bare = standardized_difference(alone), standardized_difference(WOMEN_OVER_MEN)
    assert (found.rows, found.left_out) == (4526, 15)
    assert (found.estimate, found.low, found.high) == (bare.estimate, bare.low, bare.high)
    assert mantel_haenszel(alone) == mantel_haenszel(WOMEN_OVER_MEN)
    assert woolf(alone) == woolf(WOMEN_OVER_MEN)
    assert breslow_day(alone) == breslow_day(WOMEN_OVER_MEN)


def test_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(4)
    for _ in range(100):
        tables = rng.integers(1, 40, (int(rng.integers(2, 7)), 2, 2)).astype(float)
        found, oracle = mantel_haenszel(tables), StratifiedTable(list(tables[:, ::-1, ::-1]))
        assert found.odds_ratio == pytest.approx(oracle.oddsratio_pooled)
        assert (found.low, found.high) == pytest.approx(oracle.oddsratio_pooled_confint())
        null = oracle.test_null_odds()
        assert (found.chi2, found.p) == pytest.approx((null.statistic, null.pvalue))
        equal = oracle.test_equal_odds()
        statistic, df, p = breslow_day(tables)
        assert df == len(tables) - 1
        assert (statistic, p) == pytest.approx((equal.statistic, equal.pvalue), rel=1e-6)


def test_common_difference_known() -> None:
    # One stratum: the difference itself, and its unpooled standard error up to Sato's weights
    table = np.array([[[400, 600], [300, 700]]])
    found = mantel_haenszel(table)
    assert found.mh_difference == pytest.approx(0.1)
    half = float(norm.ppf(0.975)) * np.sqrt(0.6 * 0.4 / 1000 + 0.7 * 0.3 / 1000)
    assert found.mh_difference_high - found.mh_difference_low == pytest.approx(2 * half, rel=1e-3)
    # Rothman, Greenland and Lash: the weights n1 n0 / n. 0.1 with 100 and 100, 0.3 with 300 and 100
    two = np.array([[[50, 50], [40, 60]], [[60, 40], [90, 210]]])
    assert mantel_haenszel(two).mh_difference == pytest.approx((0.1 * 50 + 0.3 * 75) / 125)


def test_mh_difference_covers() -> None:
    rng = np.random.default_rng(8)
    base = np.array([0.2, 0.4, 0.6, 0.3])
    held = adjusted = 0
    for _ in range(1000):
        group, reference = rng.binomial(30, base + 0.1), rng.binomial(60, base)
        tables = np.stack(
            [np.stack([60 - reference, reference], 1), np.stack([30 - group, group], 1)], 1
        )
        found, standardized = mantel_haenszel(tables), standardized_difference(tables)
        held += found.mh_difference_low <= 0.1 <= found.mh_difference_high
        adjusted += standardized.low <= 0.1 <= standardized.high
    assert 0.93 < held / 1000 < 0.97
    assert 0.94 < adjusted / 1000 < 0.98


@pytest.mark.parametrize("rate", [0.02, 0.3, 0.5])
def test_standardized_difference_covers_over_tiny_strata(rate: float) -> None:
    rng = np.random.default_rng(9)
    held = 0
    for _ in range(500):
        group, reference = rng.binomial(1, rate, 100), rng.binomial(50, rate, 100)
        tables = np.stack(
            [np.stack([50 - reference, reference], 1), np.stack([1 - group, group], 1)], 1
        )
        found = standardized_difference(tables)
        held += found.low <= 0 <= found.high
    assert held / 500 > 0.93


def test_edges() -> None:
    nothing = mantel_haenszel(np.zeros((3, 2, 2)))
    assert (nothing.odds_ratio, nothing.low, nothing.high, nothing.p) == (1, 0, MOST, 1)
    assert (nothing.mh_difference_low, nothing.mh_difference_high) == (-1, 1)
    one_way = np.array([[[5, 0], [0, 5]], [[3, 0], [2, 2]]])
    found = mantel_haenszel(one_way)
    assert (found.odds_ratio, found.low, found.high) == (MOST, 0, MOST)
    found = mantel_haenszel(one_way[:, ::-1])
    assert (found.odds_ratio, found.low, found.high) == (0, 0, MOST)
    assert breslow_day(one_way) == (0, 1, 1)
    # Everybody is favored: no difference, but not certainly none
    found = mantel_haenszel(np.array([[[0, 5], [0, 5]], [[0, 3], [0, 9]]]))
    assert found.mh_difference_low < found.mh_difference == 0 < found.mh_difference_high
    # A single stratum has nothing to be equal to
    for test in (woolf, breslow_day):
        assert test(np.array([[[3, 4], [5, 6]]])) == (0, 0, 1)
    # A zero cell: a half is added, as in R
    statistic, df, _ = woolf(np.array([[[5, 0], [2, 4]], [[3, 2], [2, 2]]]))
    logs = np.array([np.log(5.5 * 4.5 / (0.5 * 2.5)), np.log(3.5 * 2.5 / (2.5 * 2.5))])
    weights = 1 / np.array([1 / 5.5 + 2 + 0.4 + 1 / 4.5, 1 / 3.5 + 0.4 + 0.4 + 0.4])
    mean = (weights * logs).sum() / weights.sum()
    assert (statistic, df) == pytest.approx(((weights * (logs - mean) ** 2).sum(), 1))


@given(TABLES, st.floats(0.5, 0.999))
def test_everything_is_finite_and_in_range(tables: NDArray[np.float64], confidence: float) -> None:
    found = mantel_haenszel(tables, confidence)
    standardized = standardized_difference(tables, confidence)
    told = reversal(tables, confidence)
    statistics = [*woolf(tables), *breslow_day(tables)]
    everything = [*numbers(found), *numbers(standardized), *numbers(told), *statistics]
    assert np.all(np.isfinite(everything))
    assert 0 <= found.low <= found.odds_ratio <= found.high <= MOST or found.odds_ratio == MOST
    assert -1 <= found.mh_difference_low <= found.mh_difference + 1e-12
    assert found.mh_difference - 1e-12 <= found.mh_difference_high <= 1
    assert -1 <= standardized.low <= standardized.estimate + 1e-12
    assert standardized.estimate - 1e-12 <= standardized.high <= 1
    assert min(found.p, found.p_corrected, *statistics) >= 0
    assert max(found.p, found.p_corrected, statistics[2], statistics[5]) <= 1
    assert standardized.rows + standardized.left_out == pytest.approx(tables.sum())


@given(TABLES)
def test_groups_can_be_exchanged(tables: NDArray[np.float64]) -> None:
    found, other = mantel_haenszel(tables), mantel_haenszel(tables[:, ::-1])
    if 1e-100 < found.odds_ratio < 1e100:
        assert other.odds_ratio == pytest.approx(1 / found.odds_ratio)
    assert other.chi2 == pytest.approx(found.chi2, rel=1e-6, abs=1e-9)
    assert other.mh_difference == pytest.approx(-found.mh_difference, abs=1e-12)
    there, back = standardized_difference(tables), standardized_difference(tables[:, ::-1])
    if there.rows > 0:
        assert back.estimate == pytest.approx(-there.estimate, abs=1e-12)
        assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-9)
    assert reversal(tables).kind == reversal(tables[:, ::-1]).kind
    assert breslow_day(tables)[0] == pytest.approx(
        breslow_day(tables[:, ::-1])[0], rel=1e-3, abs=1e-6
    )
