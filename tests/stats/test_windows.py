"""Gaps over time: hand-computed numbers, laws, and small simulations of false alarms and power."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.stats.windows import _STAKES, RunningGap, start_share, watch

COUNTS = st.lists(
    st.lists(st.integers(0, 400), min_size=4, max_size=4), min_size=1, max_size=8
).map(lambda rows: np.array(rows, float).reshape(-1, 2, 2))


def logs(random, times, *, gap=0.0, people=100, windows=52, start=0):
    """Draw logs whose rates wander together, with groups of varying sizes."""
    for _ in range(times):
        rate = 0.4 + 0.2 * np.sin(np.arange(windows) / 4 + 6 * random.random())
        late = np.arange(windows) >= start
        rates = np.stack([rate - gap * late, rate], axis=1)
        sizes = random.poisson(people * random.uniform(0.2, 1.8, (windows, 2)))
        chosen = random.binomial(sizes, rates)
        yield RunningGap.of(np.stack([sizes - chosen, chosen], axis=2))


# --- known answers --------------------------------------------------------------------------------


def test_the_mean_gap_weighs_windows_as_mantel_and_haenszel_do():
    # 20 of 40 against 30 of 40, then 5 of 10 against 9 of 90: gaps -1/4 and 4/10,
    # weights 40 * 40 / 80 = 20 and 10 * 90 / 100 = 9.
    gap = RunningGap.of([[[20, 20], [10, 30]], [[5, 5], [81, 9]]])
    assert gap.weight.tolist() == pytest.approx([20, 29])
    assert gap.estimate.tolist() == pytest.approx([-0.25, (20 * -0.25 + 9 * 0.4) / 29])
    assert gap.since(1).estimate.tolist() == pytest.approx([0.4])
    assert gap.since(0) is gap


def test_one_window_is_charged_as_by_hand():
    # 3 of 4 against 1 of 4: both parts are 1/2, the guess is 1/2, all eight people miss it by
    # 1/2: 8 * 1/4 * psi(f / 2), psi(s) = -log(1 - s) - s, and the weighted gap is 2 * 1/2.
    gap = RunningGap.of([[[1, 3], [3, 1]]])
    f = _STAKES
    psi = -np.log(1 - f / 2) - f / 2
    by_hand = math.log(np.mean(np.exp(f * (1 - 2 * 0.1) - 2 * psi)))
    assert gap.log_e_above(0.1)[0] == pytest.approx(by_hand, abs=1e-12)


def test_the_guess_of_a_window_is_the_rate_before_it():
    gap = RunningGap.of([[[8, 2], [5, 5]], [[9, 1], [6, 4]]])
    f = _STAKES
    psi = -np.log(1 - f / 2) - f / 2
    one, other = 2.5 / 11, 5.5 / 11
    misses = 9 * one**2 + (1 - one) ** 2 + 6 * other**2 + 4 * (1 - other) ** 2
    assert gap.cost[1] - gap.cost[0] == pytest.approx(misses * psi)
    assert gap.since(1).cost[0] == pytest.approx(misses * psi)


@pytest.mark.parametrize("p", [0.02, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("guess", [0.0, 0.1, 0.5, 1.0])
def test_no_stake_gains_on_average(p, guess):
    # Fan, Grama and Liu (2015), lemma 4.1, checked for a single person by enumeration.
    for s in np.linspace(0.0, 0.999, 40):
        for side in (1, -1):
            gains = [
                prob * math.exp(side * s * (x - p) - (-math.log1p(-s) - s) * (x - guess) ** 2)
                for x, prob in ((1, p), (0, 1 - p))
            ]
            assert sum(gains) <= 1 + 1e-12


def test_the_e_value_of_a_whole_log_is_at_most_one_on_average():
    # All 3 * 4 * 3 * 4 outcomes of two windows with two or three people a group, rates that change.
    sizes = [(2, 3), (2, 3)]
    rates = [(0.3, 0.1), (0.6, 0.9)]
    weights = [a * b / (a + b) for a, b in sizes]
    truth = np.cumsum([w * (p - q) for w, (p, q) in zip(weights, rates, strict=True)])
    truth = truth / np.cumsum(weights)
    total = np.zeros(2)
    chances = 0.0

    def chance(k, n, p):
        return math.comb(n, k) * p**k * (1 - p) ** (n - k)

    for a in range(3):
        for b in range(4):
            for c in range(3):
                for d in range(4):
                    likely = chance(a, 2, 0.3) * chance(b, 3, 0.1)
                    likely *= chance(c, 2, 0.6) * chance(d, 3, 0.9)
                    gap = RunningGap.of([[[2 - a, a], [3 - b, b]], [[2 - c, c], [3 - d, d]]])
                    above, below = gap.log_e_above(truth)[1], gap.log_e_below(truth)[1]
                    total += likely * np.exp([above, below])
                    chances += likely
    assert chances == pytest.approx(1)
    assert (total <= 1 + 1e-12).all()
    assert (total > 0.5).all()


def test_shares_of_alpha_sum_to_one():
    assert sum(start_share(start) for start in range(100_000)) == pytest.approx(1, abs=1e-5)


# --- laws -----------------------------------------------------------------------------------------


@given(COUNTS, st.floats(0.5, 0.999))
@settings(max_examples=60, deadline=None)
def test_intervals_hold_the_estimate_and_agree_with_the_e_values(counts, confidence):
    gap = RunningGap.of(counts)
    low, high = gap.confidence_sequence(confidence)
    assert (low >= -1).all()
    assert (high <= 1).all()
    assert (low <= gap.estimate + 1e-12).all()
    assert (gap.estimate <= high + 1e-12).all()
    needed = math.log(2 / (1 - confidence))
    inside = low > -1 + 1e-9
    assert (gap.log_e_above(low - 1e-6)[inside] >= needed - 1e-6).all()
    assert (gap.log_e_above(low + 1e-6)[inside] <= needed + 1e-6).all()


@given(COUNTS, st.floats(0, 0.5))
@settings(max_examples=60, deadline=None)
def test_exchanging_the_groups_turns_everything_around(counts, tolerance):
    one, other = RunningGap.of(counts), RunningGap.of(counts[:, ::-1])
    assert one.estimate == pytest.approx(-other.estimate)
    assert one.log_e_above(tolerance) == pytest.approx(other.log_e_below(-tolerance))
    assert one.log_e_outside(tolerance) == pytest.approx(other.log_e_outside(tolerance))


@given(COUNTS, st.floats(0, 0.4), st.floats(0.01, 0.2))
@settings(max_examples=60, deadline=None)
def test_nothing_is_proven_both_within_and_outside(counts, tolerance, alpha):
    gap = RunningGap.of(counts)
    outside = gap.log_e_outside(tolerance) >= math.log(1 / alpha)
    within = gap.log_e_within(tolerance) >= math.log(1 / alpha)
    assert not (outside & within).any()
    alarm = watch(gap, tolerance, alpha)
    assert 0 < alarm.p <= 1
    assert alarm.up.any() == (alarm.p <= alpha)
    assert 0 <= alarm.start <= alarm.end < len(counts)
    assert (alarm.first is None) == (not alarm.up.any())


@given(COUNTS, st.floats(0, 0.3), st.floats(0.01, 0.5))
@settings(max_examples=60, deadline=None)
def test_an_alarm_is_the_strongest_of_all_spans(counts, tolerance, alpha):
    gap, windows = RunningGap.of(counts), len(counts)
    spans = np.full((windows, windows), -np.inf)
    for start in range(windows):
        logs = gap.since(start).log_e_outside(tolerance)
        spans[start, start:] = logs + math.log(start_share(start))
    alarm = watch(gap, tolerance, alpha)
    assert alarm.up.tolist() == (spans.max(axis=0) >= -math.log(alpha)).tolist()
    named = spans[alarm.start, alarm.end]
    assert alarm.p == pytest.approx(min(1.0, math.exp(-named)))
    if alarm.up.any():
        assert named == pytest.approx(spans.max())
    else:
        assert (alarm.start, alarm.end) == (0, windows - 1)


@given(COUNTS)
@settings(max_examples=40, deadline=None)
def test_what_is_known_after_a_window_does_not_depend_on_later_ones(counts):
    whole = watch(RunningGap.of(counts), 0.01, 0.05).up
    for end in range(1, len(counts) + 1):
        assert watch(RunningGap.of(counts[:end]), 0.01, 0.05).up[-1] == whole[end - 1]


@given(COUNTS, st.floats(1e-3, 1e6))
@settings(max_examples=40, deadline=None)
def test_equal_weights_change_nothing(counts, weight):
    one = RunningGap.of(counts)
    other = RunningGap.of(counts * weight, counts * weight**2, weight)
    assert one.cost == pytest.approx(other.cost, rel=1e-9)
    assert one.moved == pytest.approx(other.moved, rel=1e-9, abs=1e-9)


def test_unequal_weights_cost_more_than_as_many_rows():
    counts = np.tile([[300.0, 100.0], [200.0, 200.0]], (6, 1, 1))
    rows = RunningGap.of(counts)
    weighted = RunningGap.of(counts, counts * 4.0, 10.0)
    assert weighted.estimate == pytest.approx(rows.estimate)
    assert (weighted.log_e_outside(0.0) < rows.log_e_outside(0.0)).all()


@pytest.mark.parametrize(
    "counts",
    [
        np.zeros((3, 2, 2)),
        np.array([[[0, 5], [0, 0]], [[0, 0], [3, 0]]]),
        np.array([[[0, 1], [1, 0]]]),
        np.full((2, 2, 2), 1e7),
        np.tile([[1e7, 0.0], [0.0, 1e7]], (52, 1, 1)),
        np.tile([[1e100, 0.0], [0.0, 1.0]], (3, 1, 1)),
    ],
)
@pytest.mark.parametrize("tolerance", [0.0, 0.05, 1.0, 2.0])
def test_edges_give_finite_numbers(counts, tolerance):
    gap = RunningGap.of(counts)
    alarm = watch(gap, tolerance, 0.05)
    low, high = gap.confidence_sequence(0.95)
    for numbers in (gap.estimate, low, high, gap.log_e_outside(tolerance), gap.log_e_within(0.1)):
        assert np.isfinite(numbers).all()
    assert 0 < alarm.p <= 1
    if tolerance >= 1:
        assert not alarm.up.any()


def test_without_a_window_of_both_groups_nothing_is_known():
    gap = RunningGap.of([[[3, 5], [0, 0]], [[0, 0], [4, 4]]])
    low, high = gap.confidence_sequence(0.95)
    assert (low.tolist(), high.tolist(), gap.estimate.tolist()) == ([-1, -1], [1, 1], [0, 0])
    assert watch(gap, 0.0, 0.05).p == 1.0


# --- simulations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("gap", "tolerance"), [(0.0, 0.0), (0.03, 0.03)])
def test_false_alarms_are_seldom_though_rates_drift_and_one_looks_every_week(gap, tolerance):
    random = np.random.default_rng(11)
    times = 120
    wrong = missed = 0
    for log in logs(random, times, gap=gap):
        wrong += watch(log, tolerance, 0.05).up.any()
        low, high = log.confidence_sequence(0.95)
        missed += not ((low <= -gap) & (-gap <= high)).all()
    # Two standard errors above 5 %.
    most = (0.05 + 2 * math.sqrt(0.05 * 0.95 / times)) * times
    assert wrong <= most
    assert missed <= most


def test_a_gap_of_ten_points_is_found_soon():
    random = np.random.default_rng(12)
    first = [watch(log, 0.02, 0.05).first for log in logs(random, 40, gap=0.1, people=500)]
    assert None not in first
    # Counted from 0: after the fourth week.
    assert np.median(first) <= 3


def test_a_gap_that_appears_late_is_found_soon_and_its_span_is_named():
    random = np.random.default_rng(13)
    alarms = [watch(log, 0.02, 0.05) for log in logs(random, 30, gap=0.1, people=1_000, start=26)]
    assert np.median([alarm.first for alarm in alarms]) <= 26 + 4
    assert 24 <= np.median([alarm.start for alarm in alarms]) <= 28
    assert np.median([alarm.end for alarm in alarms]) == 51


def test_an_alarm_ends_when_the_gap_turns_round():
    against, towards = [[600, 400], [500, 500]], [[400, 600], [500, 500]]
    alarm = watch(RunningGap.of([against] * 3 + [towards] * 2), 0.02, 1e-4)
    assert alarm.up.tolist() == [False, False, True, False, False]
    assert (alarm.start, alarm.end, alarm.first) == (0, 2, 2)
