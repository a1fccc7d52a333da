"""How many people it takes: published sizes, the actual rules by enumeration and by chance."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from paribus.stats import power
from paribus.stats.moments import Moments, p_mean_outside, p_mean_within
from paribus.stats.more_people import (
    more_people_for_flips,
    more_people_for_gap,
    more_people_for_mean,
)
from paribus.stats.paired import p_gap_outside, p_gap_within, tango_z
from paribus.stats.power import (
    connor,
    people_for_biased,
    people_for_flips_biased,
    people_for_flips_within,
    people_for_mean_biased,
    people_for_mean_within,
    people_for_within,
    power_biased,
    power_flips_biased,
    power_flips_within,
    power_mean_biased,
    power_mean_within,
    power_within,
)
from paribus.stats.rates import p_rate_above, p_rate_below

CHANCES = [(0.0, 0.0), (0.05, 0.0), (0.05, 0.01), (0.1, 0.1), (0.4, 0.1), (0.7, 0.3), (1.0, 0.0)]
RULES = [(p_gap_outside, power_biased), (p_gap_within, power_within)]


def test_connor_known() -> None:
    assert connor(0.05, 0.01) == 292  # Connor's formula by hand: 291.1
    assert connor(0.01, 0.05) == 292
    # Machin, Campbell, Fayers & Pinol (1997), paired proportions: no more than rounding apart.
    assert connor(0.2, 0.1, power=0.9) == math.ceil(
        ((1.959964 * math.sqrt(0.3) + 1.281552 * math.sqrt(0.29)) / 0.1) ** 2
    )
    assert connor(0.02, 0.02) is None
    assert connor(0.0, 0.0) is None
    assert connor(1.0, 0.0) == 4  # without spread only the error rate counts: 1.96 squared


def test_connor_is_near_the_power_of_the_rule() -> None:
    needed = connor(0.1, 0.05)
    assert needed is not None
    assert power_biased(needed, 0.1, 0.05) == pytest.approx(0.8, abs=0.03)


# --- the power of the actual rules ----------------------------------------------------------------


@given(st.integers(1, 10**6), st.data(), st.sampled_from([0.0, 1e-9, 0.01, 0.5, 0.99, 1.0]))
def test_score_of_arrays_is_that_of_numbers(n: int, data: st.DataObject, delta: float) -> None:
    n12 = data.draw(st.integers(0, n))
    n21 = data.draw(st.integers(0, n - n12))
    assert power._tango_z(np.array([n12]), np.array([n21]), n, delta)[0] == tango_z(
        n12, n21, n, delta
    )


@cache
def enumerated(rule: Callable[..., float], n: int, tolerance: float, alpha: float):  # type: ignore[no-untyped-def]
    changed, n12 = np.tril_indices(n + 1)
    cells = np.column_stack([n12, changed - n12, n - changed])
    proven = [rule(a, b, n, tolerance) <= alpha for a, b, _ in cells.tolist()]
    return cells[np.array(proven, dtype=bool)]


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("n", [1, 6, 40, 61])
def test_power_is_that_of_the_rule_by_enumeration(n: int, tolerance: float, alpha: float) -> None:
    for rule, power_of in RULES:
        cells = enumerated(rule, n, tolerance, alpha)
        for p12, p21 in CHANCES:
            left = max(0.0, 1 - p12 - p21)
            expected = stats.multinomial.pmf(cells, n, [p12, p21, left]).sum() if len(cells) else 0
            assert power_of(n, p12, p21, tolerance, alpha) == pytest.approx(expected, abs=1e-9)
            assert power_of(n, p21, p12, tolerance, alpha) == pytest.approx(expected, abs=1e-9)


def proven_at_random(
    rule: Callable[..., float], n: int, p12: float, p21: float, tolerance: float, times: int
) -> float:
    rng = np.random.default_rng(n)
    drawn = rng.multinomial(n, [p12, p21, 1 - p12 - p21], size=times)
    return float(np.mean([rule(a, b, n, tolerance) <= 0.05 for a, b, _ in drawn.tolist()]))


@pytest.mark.parametrize(
    ("n", "p12", "p21", "tolerance"),
    [
        (150, 0.001, 0.001, 0.02),
        (300, 0.05, 0.01, 0.0),
        (1000, 0.05, 0.01, 0.02),
        (1000, 0.02, 0.02, 0.02),
        (5000, 0.3, 0.27, 0.01),
        (50_000, 0.31, 0.3, 0.0),
        (50_000, 0.3, 0.3, 0.01),
        (10**6, 0.21, 0.2, 0.009),
        (10**7, 0.2502, 0.25, 0.001),
        (10**7, 0.251, 0.25, 0.0),
    ],
)
def test_power_is_that_of_the_rule_at_random(
    n: int, p12: float, p21: float, tolerance: float
) -> None:
    for rule, power_of in RULES:
        seen = proven_at_random(rule, n, p12, p21, tolerance, 4000)
        assert power_of(n, p12, p21, tolerance) == pytest.approx(seen, abs=0.025)


def test_leaving_out_changes_hardly_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [(20_000, 0.21, 0.2, 0.005), (20_000, 0.2, 0.2, 0.009), (100_000, 0.255, 0.25, 0.002)]
    sampled = [power_of(*case) for case in cases for _, power_of in RULES]
    picked = power._spread_out(0, 2 * power._CHANGES - 1)
    monkeypatch.setattr(power, "_CHANGES", 10**6)
    exact = [power_of(*case) for case in cases for _, power_of in RULES]
    assert sampled == pytest.approx(exact, abs=2e-3)
    assert sampled != exact
    # Two numbers a stretch: the one picked must not always be even.
    assert 0.4 < np.mean(picked % 2) < 0.6
    assert any(0.2 < value < 0.8 for value in exact)


@pytest.mark.parametrize("n", [0, 1, 5, 60, 200])
@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.3, 1.0, 1.5])
def test_power_for_flips_is_that_of_the_rule(n: int, tolerance: float) -> None:
    limit, flips = min(tolerance, 1.0), range(n + 1)
    above = [k for k in flips if 2 * p_rate_above(k, n, limit) <= 0.05]
    below = [k for k in flips if p_rate_below(k, n, limit) <= 0.05]
    for rate in (0.0, 0.01, 0.1, 0.5, 1.0):
        chance = stats.binom.pmf(flips, n, rate)
        expected = chance[above].sum(), chance[below].sum()
        assert power_flips_biased(n, rate, tolerance) == pytest.approx(expected[0], abs=1e-9)
        assert power_flips_within(n, rate, tolerance) == pytest.approx(expected[1], abs=1e-9)


@pytest.mark.parametrize(
    ("n", "gap", "sd", "tolerance"),
    [
        (5, 1.0, 1.0, 0.0),
        (12, 0.0, 0.3, 0.2),
        (34, 0.5, 1.0, 0.0),
        (36, 0.05, 1.0, 0.5),
        (400, 0.05, 0.2, 0.02),
        (800, 0.0, 0.2, 0.02),
        (3, 0.0, 0.02, 0.2),
        (20_000, 0.01, 0.5, 0.02),
    ],
)
def test_power_for_means_is_that_of_the_rule(
    n: int, gap: float, sd: float, tolerance: float
) -> None:
    rng = np.random.default_rng(n)
    times = 4000
    means = gap + sd / math.sqrt(n) * rng.standard_normal(times)
    squares = sd**2 * rng.chisquare(n - 1, times)
    seen = [Moments(n, m, s, m, m) for m, s in zip(means.tolist(), squares.tolist(), strict=True)]
    outside = np.mean([p_mean_outside(moments, tolerance) <= 0.05 for moments in seen])
    within = np.mean([p_mean_within(moments, tolerance) <= 0.05 for moments in seen])
    assert power_mean_biased(n, gap, sd, tolerance) == pytest.approx(outside, abs=0.025)
    assert power_mean_within(n, gap, sd, tolerance) == pytest.approx(within, abs=0.025)


@pytest.mark.parametrize(("n", "gap"), [(4, 1.5), (10, 1.0), (34, 0.5), (1500, 0.07)])
def test_power_for_means_without_a_tolerance_equals_statsmodels(n: int, gap: float) -> None:
    expected = TTestPower().power(gap, n, 0.05)
    assert power_mean_biased(n, gap, 1.0) == pytest.approx(expected, abs=2e-4)


def test_the_standard_deviation_spreads_alike_on_both_sides_of_the_approximation() -> None:
    exact = np.sqrt(stats.chi2.isf(power._QUANTILES, 5000) / 5000)
    approximate = power._sd_quantiles(5000)
    assert np.sort(approximate) == pytest.approx(np.sort(exact), abs=1e-5)
    assert np.sort(power._sd_quantiles(50)) == pytest.approx(
        np.sort(np.sqrt(stats.chi2.ppf(power._QUANTILES, 50) / 50)), abs=1e-9
    )


# --- how many people ------------------------------------------------------------------------------


@pytest.mark.parametrize(("tolerance", "people"), [(0.02, 149), (0.01, 299), (0.05, 59)])
def test_people_without_a_change(tolerance: float, people: int) -> None:
    # The rule of three: (1 - tolerance) ** people <= 0.05.
    assert people == math.ceil(math.log(0.05) / math.log1p(-tolerance))
    assert people_for_within(0.0, 0.0, tolerance) == people
    assert people_for_flips_within(0.0, tolerance) == people
    assert people_for_mean_within(0.0, 0.0, tolerance, spread=1.0) == people


def stays(power_of: Callable[[int], float], until: int) -> int:
    short = [n for n in range(1, until) if power_of(n) < 0.8]
    return short[-1] + 1


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.03])
@pytest.mark.parametrize("tolerance", [0.05, 0.1])
def test_people_for_flips_within_is_where_the_power_stays(rate: float, tolerance: float) -> None:
    found = people_for_flips_within(rate, tolerance)
    assert found is not None
    assert found == stays(lambda n: power_flips_within(n, rate, tolerance), 2 * found)


@pytest.mark.parametrize(("rate", "tolerance"), [(0.05, 0.02), (0.1, 0.05), (0.02, 0.0), (1, 0.5)])
def test_people_for_flips_biased_is_where_the_power_stays(rate: float, tolerance: float) -> None:
    found = people_for_flips_biased(rate, tolerance)
    assert found is not None
    assert found == stays(lambda n: power_flips_biased(n, rate, tolerance), 2 * found)


@pytest.mark.parametrize(
    ("p12", "p21", "tolerance", "of_people", "of_power"),
    [
        (0.3, 0.1, 0.05, people_for_biased, power_biased),
        (0.15, 0.0, 0.05, people_for_biased, power_biased),
        (0.02, 0.0, 0.1, people_for_within, power_within),
        (0.05, 0.05, 0.1, people_for_within, power_within),
    ],
)
def test_people_for_gaps_is_where_the_power_stays(  # type: ignore[no-untyped-def]
    p12: float, p21: float, tolerance: float, of_people, of_power
) -> None:
    found = of_people(p12, p21, tolerance)
    assert found == stays(lambda n: of_power(n, p12, p21, tolerance), 2 * found)


@pytest.mark.parametrize(("gap", "people"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_people_for_means_known(gap: float, people: int) -> None:
    # Cohen (1988), paired t-test, two-sided 5 %, power 80 %; G*Power 3.1 gives the same.
    assert people_for_mean_biased(gap, 1.0) == people
    assert people_for_mean_biased(-gap, 1.0) == people


def test_people_for_means_within_is_near_the_formula() -> None:
    # Chow, Shao & Wang (2008): (z_alpha + z_(beta / 2))**2 sd**2 / tolerance**2 at no gap.
    formula = (stats.norm.isf(0.05) + stats.norm.isf(0.1)) ** 2 * 0.2**2 / 0.02**2
    assert people_for_mean_within(0.0, 0.2, 0.02) == pytest.approx(formula, abs=3)


def test_means_that_do_not_vary_follow_the_fallback() -> None:
    # 2 * 0.5 ** n <= 0.05 from six equal differences on.
    assert people_for_mean_biased(0.3, 0.0, 0.1) == 6
    assert p_mean_outside(Moments.of(np.full(6, 0.3)), 0.1) <= 0.05
    assert people_for_mean_within(0.05, 0.0, 0.1, spread=1.0) == 59
    assert people_for_mean_within(0.05, 0.0, 0.1) == 2


def test_no_number_of_people_settles_a_gap_at_the_tolerance() -> None:
    assert people_for_biased(0.02, 0.0, 0.02) is people_for_within(0.02, 0.0, 0.02) is None
    assert people_for_within(0.27, 0.3, 0.03) is None  # equal but for rounding
    assert people_for_flips_biased(0.02, 0.02) is people_for_flips_within(0.02, 0.02) is None
    assert people_for_mean_biased(0.1, 1.0, 0.1) is people_for_mean_within(0.1, 1.0, 0.1) is None
    assert people_for_within(0.0, 0.0, 0.0) is people_for_flips_within(0.0, 0.0) is None
    assert people_for_mean_biased(1e-7, 1e5) is None
    assert people_for_within(0.0, 0.0, 1e-310) is people_for_flips_within(0.0, 1e-310) is None


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10**7),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1.2) | st.sampled_from([0.0, 1e-12, 1.0]),
    st.floats(1e-6, 0.9),
)
def test_power_is_a_probability(
    n: int, rate: float, share: float, tolerance: float, alpha: float
) -> None:
    p12, p21 = rate * share, rate * (1 - share)
    for value in (
        power_biased(n, p12, p21, tolerance, alpha),
        power_within(n, p12, p21, tolerance, alpha),
        power_flips_biased(n, rate, tolerance, alpha),
        power_flips_within(n, rate, tolerance, alpha),
        power_mean_biased(n, rate - share, share, tolerance, alpha, 1.0),
        power_mean_within(n, rate - share, share, tolerance, alpha, 1.0),
    ):
        assert 0 <= value <= 1


@pytest.mark.parametrize("size", [1e-100, 1.0, 1e100])
@pytest.mark.parametrize("sd", [0.0, 1e-100, 1.0, 1e100])
@pytest.mark.parametrize("n", [2, 10**3, 10**9])
def test_extreme_means(size: float, sd: float, n: int) -> None:
    for gap in (0.0, size, -2 * size):
        for tolerance in (0.0, size, 1.5 * size):
            assert 0 <= power_mean_biased(n, gap, sd, tolerance) <= 1
            assert 0 <= power_mean_within(n, gap, sd, tolerance) <= 1


# --- how many more --------------------------------------------------------------------------------


def test_more_people_where_nothing_changed() -> None:
    zeros = Moments.of(np.zeros(100))
    assert more_people_for_gap(0, 0, 100, 0.02) == more_people_for_flips(0, 100, 0.02) == 49
    assert more_people_for_mean(zeros, 0.02, spread=1.0) == 49
    assert more_people_for_gap(0, 0, 0, 0.02) == more_people_for_flips(0, 0, 0.02) == 149
    assert more_people_for_gap(0, 0, 149, 0.02) == more_people_for_flips(0, 149, 0.02) == 0
    assert more_people_for_gap(0, 0, 100, 0.0) is more_people_for_flips(0, 100, 0.0) is None


def test_more_people_settle_the_claim_with_the_power_asked_for() -> None:
    more = more_people_for_gap(30, 10, 200, 0.05)
    assert more is not None
    assert (
        power_biased(200 + more, 0.15, 0.05, 0.05)
        >= 0.8
        > power_biased(199 + more, 0.15, 0.05, 0.05)
    )
    more = more_people_for_gap(4, 4, 200, 0.02)
    assert more == people_for_within(0.02, 0.02, 0.02) - 200  # type: ignore[operator]
    more = more_people_for_flips(15, 500, 0.02)
    assert more == people_for_flips_biased(0.03, 0.02) - 500  # type: ignore[operator]
    seen = Moments(100, 0.03, 4.0, -1.0, 1.0)
    assert more_people_for_mean(seen, 0.02) == people_for_mean_biased(0.03, seen.sd, 0.02) - 100  # type: ignore[operator]
    within = Moments(100, -0.01, 4.0, -1.0, 1.0)
    assert more_people_for_mean(within, 0.02) == (
        people_for_mean_within(-0.01, within.sd, 0.02) - 100  # type: ignore[operator]
    )


def test_no_more_people_where_the_claim_is_proven() -> None:
    assert more_people_for_gap(100, 10, 1000, 0.02) == 0
    assert more_people_for_gap(2, 1, 5000, 0.02) == 0
    assert more_people_for_flips(100, 1000, 0.02) == more_people_for_flips(2, 5000, 0.02) == 0
    assert more_people_for_mean(Moments(1000, 0.5, 1.0, 0.0, 1.0), 0.1) == 0
    assert more_people_for_mean(Moments(1000, 0.05, 1.0, 0.0, 1.0), 0.1) == 0


def test_no_answer_where_the_gap_is_at_the_tolerance() -> None:
    assert more_people_for_gap(20, 0, 1000, 0.02) is None
    assert more_people_for_flips(20, 1000, 0.02) is None
    assert more_people_for_mean(Moments(100, 0.02, 100.0, -1.0, 1.0), 0.02) is None
    assert more_people_for_gap(20_002, 0, 10**6, 0.02) is None  # over ten million
