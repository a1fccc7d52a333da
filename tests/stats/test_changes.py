"""Changes of a gap: the score test on a grid, and claims about the size of a gap with a sign."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from paribus.stats.changes import (
    Apart,
    Between,
    Exact,
    Known,
    Scores,
    change_of_size,
    change_of_value,
    scaled,
)
from paribus.stats.moments import Moments, mean_interval
from paribus.stats.paired import (
    agreeing,
    mcnemar_exact,
    p_gap_outside,
    p_gap_within,
    tango_interval,
    tango_z,
)

GRID = (-2.0, -1.0, 0.0, 1.0, 2.0)

tables = st.lists(st.integers(0, 400), min_size=5, max_size=5).map(tuple)
few = st.lists(st.sampled_from([0, 0, 0, 1, 2, 5, 300]), min_size=5, max_size=5).map(tuple)
limits = st.sampled_from([-2.0, -1.0, -0.3, -0.01, 0.0, 0.01, 0.3, 1.0, 2.0])


def mirrored(scores):
    return Scores(tuple(-v for v in reversed(scores.values)), scores.counts[::-1])


# --- scores ---------------------------------------------------------------------------------------


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.floats(-1, 1))
@settings(max_examples=60, deadline=None)
def test_changes_of_one_either_way_are_tangos(down, same, up, limit):
    """The generalization holds what it generalizes: Tango (1998) with the guards of an audit."""
    scores, n = Scores((-1.0, 0.0, 1.0), (down, same, up)), down + same + up
    assert scores.z(limit) == pytest.approx(tango_z(up, down, n, limit), abs=1e-7)
    if not n:
        return
    outside = min(1.0, 2 * min(scores.p_above(0.02), scores.p_below(-0.02)))
    assert outside == pytest.approx(p_gap_outside(up, down, n, 0.02), abs=1e-9)
    within = max(scores.p_above(-0.02), scores.p_below(0.02))
    assert within == pytest.approx(p_gap_within(up, down, n, 0.02), abs=1e-9)
    known = agreeing(*tango_interval(up, down, n), mcnemar_exact(up, down))
    assert scores.interval(0.95) == pytest.approx(known, abs=1e-6)


def test_the_known_interval_of_tango():
    """Tango (1998), table II: 12 and 2 of 50."""
    low, high = Scores((-1.0, 0.0, 1.0), (2, 36, 12)).interval(0.95)
    assert (round(low, 3), round(high, 3)) == (0.061, 0.345)


@given(tables | few, limits)
@settings(max_examples=80, deadline=None)
def test_numbers_are_numbers_and_mirror(counts, limit):
    scores = Scores(GRID, counts)
    other = mirrored(scores)
    assert -40 <= scores.z(limit) <= 40
    assert scores.z(limit) == -other.z(-limit)
    assert 0 <= scores.p_above(limit) <= 1
    assert scores.p_above(limit) == other.p_below(-limit)
    low, high = scores.interval(0.9)
    assert -2 <= low <= scores.estimate <= high <= 2


@given(tables, st.floats(-1.9, 1.8), st.floats(0.0, 0.1))
@settings(max_examples=60, deadline=None)
def test_a_higher_limit_is_harder_to_be_above(counts, limit, step):
    scores = Scores(GRID, counts)
    assert scores.z(limit + step) <= scores.z(limit) + 1e-9


@pytest.mark.parametrize("counts", [(3, 20, 200, 40, 9), (0, 0, 200, 6, 2), (0, 0, 50, 0, 0)])
@pytest.mark.parametrize("limit", [0.05, 0.2, -0.1, 1.2])
def test_the_variance_is_that_of_the_likeliest_distribution(counts, limit):
    """The statistic against a direct search for the likeliest distribution with that mean."""
    from scipy.optimize import minimize

    scores, n = Scores(GRID, counts), sum(counts)
    values, seen = np.array(GRID), np.array(counts, float)

    def unlikely(p):
        return -float((seen * np.log(np.maximum(p, 1e-12))).sum())

    start = np.full(5, 0.2)
    found = minimize(
        unlikely, start, method="SLSQP", bounds=[(0, 1)] * 5, tol=1e-12,
        options={"maxiter": 1_000},
        constraints=[
            {"type": "eq", "fun": lambda p: p.sum() - 1},
            {"type": "eq", "fun": lambda p: p @ values - limit},
        ],
    )  # fmt: skip
    variance = float(found.x @ values**2 - limit**2)
    direct = (scores.estimate - limit) * math.sqrt(n / variance)
    assert scores.z(limit) == pytest.approx(direct, rel=2e-3, abs=2e-3)


@given(few.filter(lambda counts: 0 < sum(counts) - counts[2] <= 12))
@settings(max_examples=40, deadline=None)
def test_sign_flips_are_counted_one_by_one(counts):
    """Every assignment of signs to the changes, as Fisher (1935) has it."""
    scores = Scores(GRID, counts)
    sizes = [abs(v) for v, c in zip(GRID, counts, strict=True) for _ in range(c) if v]
    total = sum(v * c for v, c in zip(GRID, counts, strict=True))
    signs = np.array(np.meshgrid(*[[-1, 1]] * len(sizes))).reshape(len(sizes), -1)
    direct = float((np.array(sizes) @ signs >= total - 1e-9).mean())
    assert scores.p_above(0.0) >= direct - 1e-12
    assert scores._flipped(1) == pytest.approx(direct)


def test_few_changes_one_way_prove_nothing_too_soon():
    """Five changes of a hundred, all one way: the exact test has 0.0625, twice one-sided."""
    scores = Scores((-1.0, 0.0, 1.0), (0, 95, 5))
    assert 2 * scores.p_above(0.0) == pytest.approx(0.0625)
    assert scores.interval(0.95)[0] == 0.0
    # Where one person may change by two the other way, five of them prove still less.
    assert 2 * Scores(GRID, (0, 0, 95, 5, 0)).p_above(0.0) > 0.0625
    # Without a change, or with a few small ones, it takes as many as if unseen ones were of two.
    assert Scores(GRID, (0, 0, 2_977, 23, 0)).p_below(0.02) < 0.001
    assert Scores(GRID, (0, 0, 299, 1, 0)).p_below(0.02) > 0.05
    assert Scores(GRID, (0, 0, 399, 1, 0)).p_below(0.02) >= stats.binom.cdf(1, 400, 0.01)
    assert Scores(GRID, (0, 0, 298, 0, 0)).p_below(0.02) > 0.05
    assert Scores(GRID, (0, 0, 299, 0, 0)).p_below(0.02) < 0.05


@pytest.mark.parametrize("people", [3, 4, 5, 6, 10, 20])
@pytest.mark.parametrize("changing", [0.1, 0.4, 0.7, 1.0])
def test_no_growth_is_proven_no_too_soon(people, changing):
    """The exact chance of a false claim where a rate grew by just the margin."""
    margin = 0.02
    up, down = (changing + margin) / 2, (changing - margin) / 2
    wrong = sum(
        stats.multinomial(people, [down, 1 - changing, up]).pmf([d, people - d - u, u])
        for d in range(people + 1)
        for u in range(people + 1 - d)
        if Scores((-1.0, 0.0, 1.0), (d, people - d - u, u)).p_below(margin) <= 0.05
    )
    assert wrong <= 0.05


def test_counting_takes_the_ends_of_the_grid_along():
    scores = Scores.of(np.array([0.0, 0.5, 0.5]), -2.0, 2.0)
    assert scores == Scores((-2.0, 0.0, 0.5, 2.0), (0, 1, 2, 0))
    assert Scores.of(np.array([]), -1.0, 1.0).interval(0.95) == (-1.0, 1.0)
    assert Scores.of(np.array([]), -1.0, 1.0).p_above(-0.5) == 1.0


# --- amounts, ends, and two estimates -------------------------------------------------------------


def test_amounts_are_students():
    values = np.random.default_rng(3).normal(0.2, 1.0, 40)
    known = Known(Moments.of(values), spread=10.0)
    for limit in (-0.3, 0.0, 0.4):
        above = stats.ttest_1samp(values, limit, alternative="greater").pvalue
        below = stats.ttest_1samp(values, limit, alternative="less").pvalue
        assert known.p_above(limit) == pytest.approx(above)
        assert known.p_below(limit) == pytest.approx(below)
    assert known.interval(0.9) == mean_interval(Moments.of(values), 0.9, 10.0)


@pytest.mark.parametrize("spread", [0.0, 1.0, 1e100])
@pytest.mark.parametrize("values", [[], [0.0], [1e100], [0.3] * 50, [-1e100, 1e100]])
def test_amounts_at_the_edge(values, spread):
    known = Known(Moments.of(np.array(values)), spread)
    for limit in (-1.0, 0.0, 1.0):
        assert 0 <= known.p_above(limit) <= 1
        assert 0 <= known.p_below(limit) <= 1
    assert all(map(math.isfinite, known.interval(0.95)))


def test_missing_numbers_count_at_their_worst():
    least, most = Scores(GRID, (0, 30, 70, 0, 0)), Scores(GRID, (0, 0, 70, 30, 0))
    mean = Between(0.0, least, most)
    assert mean.interval(0.95) == (least.interval(0.95)[0], most.interval(0.95)[1])
    assert mean.p_above(0.0) == 1.0
    assert mean.p_below(0.0) == 1.0


def test_two_estimates_apart():
    """Of normal estimates, the z-test; without independence, as wide as both together."""
    spans = scaled(0.5, 0.5 - 0.196, 0.5 + 0.196, 0.95), scaled(0.1, 0.1 - 0.196, 0.296, 0.95)
    apart = Apart(0.5, 0.1, *spans)
    error = math.sqrt(2) * 0.196 / stats.norm.ppf(0.975)
    assert apart.p_above(0.1) == pytest.approx(stats.norm.sf(0.3 / error), rel=1e-4)
    assert apart.p_below(0.1) == 1.0
    low, high = apart.interval(0.95)
    assert (low, high) == pytest.approx((0.4 - 0.196 * 2**0.5, 0.4 + 0.196 * 2**0.5))
    unknown = Apart(0.5, 0.1, *spans, independent=False)
    assert unknown.interval(0.95) == pytest.approx((0.4 - 0.392, 0.4 + 0.392))
    total = Apart(0.5, 0.1, *spans, sign=1, independent=False)
    assert total.estimate == pytest.approx(0.6)
    assert total.interval(0.95) == pytest.approx((0.6 - 0.392, 0.6 + 0.392))


def test_ends_that_are_not_alike_change_places_in_a_difference():
    def skewed(confidence):
        return 0.0, 0.5

    difference = Apart(1.0, 0.1, lambda _: (1.0, 1.0), skewed)
    assert difference.interval(0.95) == pytest.approx((0.5, 1.0))
    total = Apart(1.0, 0.1, lambda _: (1.0, 1.0), skewed, sign=1)
    assert total.interval(0.95) == pytest.approx((1.0, 1.5))


# --- what became of it ----------------------------------------------------------------------------


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5))
@settings(max_examples=200, deadline=None)
def test_the_size_of_a_gap(before, after, half_before, half_after):
    """The interval holds the change of the size of any two gaps in the intervals of both."""

    def span(center, half):
        return lambda confidence: (center - half, center + half)

    parts = after, before, span(after, half_after), span(before, half_before)
    change = change_of_size(
        Apart(*parts, independent=False), Apart(*parts, sign=1, independent=False), 0.1
    )
    assert change.estimate == pytest.approx(abs(after) - abs(before), abs=1e-12)
    for a in np.linspace(before - half_before, before + half_before, 7):
        for b in np.linspace(after - half_after, after + half_after, 7):
            assert change.low - 1e-9 <= abs(b) - abs(a) <= change.high + 1e-9


def gaps(down, up, n=1_000):
    return np.repeat([-1.0, 1.0, 0.0], [down, up, n - down - up])


def judged(before, after, margin=0.02):
    difference = Scores.of(after - before, -2.0, 2.0)
    total = Scores.of(after + before, -2.0, 2.0)
    return change_of_size(difference, total, margin)


def test_a_gap_may_grow_on_either_side():
    small, large = gaps(10, 0), gaps(90, 0)
    for first, second in ((small, large), (-small, -large)):
        grown = judged(first, second)
        assert grown.estimate == pytest.approx(0.08)
        assert grown.p_worse < 1e-6
        assert grown.p_better == 1.0
        shrunk = judged(second, first)
        assert shrunk.p_better < 1e-6
        assert shrunk.p_no_worse < 1e-6
        assert (shrunk.low, shrunk.high) == pytest.approx((-grown.high, -grown.low))


def test_a_gap_that_turned_around_is_neither_worse_nor_the_same():
    rng = np.random.default_rng(5)
    turned = judged(gaps(80, 0), rng.permutation(gaps(0, 80)))
    assert turned.estimate == 0.0
    assert turned.p_worse == 1.0
    assert turned.p_better == 1.0
    assert turned.p_unchanged > 0.9


def test_equal_answers_are_unchanged_once_there_are_enough():
    assert judged(gaps(50, 0), gaps(50, 0)).p_unchanged < 0.05
    assert judged(gaps(5, 0, 100), gaps(5, 0, 100)).p_unchanged > 0.05
    assert judged(gaps(50, 0), gaps(50, 0), margin=0.0).p_unchanged == 1.0


def test_exact_numbers():
    same = change_of_value(Exact(0.02, 0.02, 0.02), 0.02)
    assert (same.p_worse, same.p_unchanged, same.p_no_worse) == (1.0, 0.0, 0.0)
    nothing = change_of_value(Exact(0.0, 0.0, 0.0), 0.0)
    assert nothing.p_unchanged == 0.0
    worse = change_of_size(Exact(0.03, 0.03, 0.03), Exact(0.05, 0.05, 0.05), 0.02)
    assert (worse.p_worse, worse.p_no_worse) == (0.0, 1.0)
    # A gap from 0.04 to -0.05: larger by 0.01, and on the other side.
    turned = change_of_size(Exact(-0.09, -0.09, -0.09), Exact(-0.01, -0.01, -0.01), 0.02)
    assert turned.estimate == pytest.approx(0.01)
    assert (turned.p_worse, turned.p_no_worse, turned.p_unchanged) == (1.0, 0.0, 1.0)
    open_end = change_of_value(Exact(0.0, -0.1, 0.1), 0.02)
    assert (open_end.p_worse, open_end.p_no_worse) == (1.0, 1.0)


def test_the_rate_of_false_claims_where_many_change_both_ways():
    """1,000 pairs of models equal in law; a bound of 5 % and three standard errors."""
    rng = np.random.default_rng(11)
    chances = [0.07, 0.03, 0.9]
    wrong = 0
    for _ in range(1_000):
        both = [rng.choice([-1.0, 1.0, 0.0], 200, p=chances) for _ in range(2)]
        difference = Scores.of(both[1] - both[0], -2.0, 2.0)
        total = Scores.of(both[1] + both[0], -2.0, 2.0)
        up = max(difference.p_above(0.0), total.p_above(0.0))
        down = max(difference.p_below(0.0), total.p_below(0.0))
        wrong += 2 * min(up, down) <= 0.05
    assert wrong <= 70


@pytest.mark.parametrize("people", [150, 320, 500])
def test_small_changes_prove_equality_no_too_soon(people):
    """The exact chance of a false claim, whatever the sizes that make up a mean at the limit."""
    limit, most = 0.02, 12
    p = {
        (up, two): Scores(GRID, (0, 0, people - up - two, up, two)).p_below(limit)
        for up in range(most)
        for two in range(most)
    }
    for share in (0.0, 0.1, 0.3, 0.5, 0.8, 1.0):
        two = share * limit / 2
        chances = stats.multinomial(people, [limit - 2 * two, two, 1 - limit + two])
        wrong = sum(
            chances.pmf([ups, twos, people - ups - twos])
            for (ups, twos), value in p.items()
            if value <= 0.05
        )
        assert wrong <= 0.05
