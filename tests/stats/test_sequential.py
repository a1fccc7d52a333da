"""Verdicts valid at any time: known answers, laws, error rates, and independence of chunks."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logsumexp

from paribus.stats.sequential import (
    Walk,
    confidence_sequence,
    log_e_above,
    log_e_below,
    look_numbers,
    running_intersection,
    simulate_pairs,
    size_bounds,
)

Array = NDArray[np.float64]

counts = st.integers(0, 40) | st.integers(0, 10**7)
means = st.floats(-0.999, 0.999)
tolerances = st.sampled_from([0.0, 0.01, 0.02, 0.1, 0.5, 0.99])
BEGINNINGS = (Walk.of_gaps, Walk.of_flips, Walk.of_scores, Walk.of_sizes)


@st.composite
def bounds(draw: st.DrawFn, most: int = 40) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Runs of equal differences, some unknown: long enough to prove something now and then."""
    pieces = draw(
        st.lists(
            st.tuples(
                st.sampled_from([(-1, -1), (0, 0), (1, 1), (-1, 0), (0, 1), (-1, 1)]),
                st.integers(1, most),
            ),
            min_size=1,
            max_size=6,
        )
    )
    rows = np.repeat([ends for ends, _ in pieces], [length for _, length in pieces], axis=0)
    rows = np.random.default_rng(draw(st.integers(0, 99))).permutation(rows, axis=0)
    return rows[:, 0].astype(np.int8), rows[:, 1].astype(np.int8)


def wealth_by_definition(d: Array, m: float) -> Array:
    """Log e-value of "mean <= m" after each pair, straight from the paper's product of bets."""
    bets = np.linspace(0.03, 0.995, 32) / (1 + m)
    path = np.cumsum(np.log1p(bets * (d[:, None] - m)), axis=0)
    return np.asarray(logsumexp(path, axis=1, b=1 / 32))


# --- e-values and the intervals they leave open ---------------------------------------------------


def test_one_bet_by_hand() -> None:
    shares = np.linspace(0.03, 0.995, 32)
    assert log_e_above(1, 0, 0, 0.0) == pytest.approx(math.log(np.mean(1 + shares)))
    assert log_e_above(0, 1, 0, 0.5) == pytest.approx(math.log(np.mean(1 - shares / 3)))
    assert log_e_above(0, 0, 1, 0.5) == pytest.approx(math.log(np.mean(1 - shares)))
    assert log_e_above(0, 0, 0, 0.5) == log_e_below(0, 0, 0, 0.5) == 0.0


@given(counts, counts, counts, means)
def test_e_values_are_finite_mirrored_and_silent_about_what_was_not_seen(
    plus: int, zero: int, minus: int, m: float
) -> None:
    above, below = (
        float(log_e_above(plus, zero, minus, m)),
        float(log_e_below(plus, zero, minus, m)),
    )
    assert math.isfinite(above)
    assert math.isfinite(below)
    assert above == log_e_below(minus, zero, plus, -m)
    excess = plus - minus - m * (plus + zero + minus)
    assert above <= 1e-9 * (1 + plus + zero + minus) or excess > 0
    assert below <= 1e-9 * (1 + plus + zero + minus) or excess < 0


@given(counts, counts, counts, means, means)
def test_a_smaller_mean_is_refuted_first(
    plus: int, zero: int, minus: int, one: float, other: float
) -> None:
    less, more = sorted((one, other))
    slack = 1e-12 * (plus + zero + minus) + 1e-12
    assert log_e_above(plus, zero, minus, less) >= log_e_above(plus, zero, minus, more) - slack
    assert log_e_below(plus, zero, minus, less) <= log_e_below(plus, zero, minus, more) + slack


@pytest.mark.parametrize("m", [-0.5, -0.02, 0.0, 0.02, 0.5])
def test_wealth_is_one_on_average_where_the_null_hypothesis_just_holds(m: float) -> None:
    # Every path of 8 pairs, under a chance of +1 and -1 with mean m exactly.
    chance = {1: 0.25 + m / 2 if m < 0.5 else 0.6, 0: 0.0, -1: 0.25 - m / 2 if m < 0.5 else 0.1}
    chance[0] = 1 - chance[1] - chance[-1]
    expected = 0.0
    for path in itertools.product((-1, 0, 1), repeat=8):
        e = math.exp(log_e_above(path.count(1), path.count(0), path.count(-1), m))
        expected += e * math.prod(chance[d] for d in path)
    assert expected == pytest.approx(1.0, rel=1e-9)


@settings(deadline=None, max_examples=40)
@given(counts, counts, counts, st.floats(0.5, 0.999))
def test_interval_laws(plus: int, zero: int, minus: int, confidence: float) -> None:
    low, high = (float(end) for end in confidence_sequence(plus, zero, minus, confidence))
    n = plus + zero + minus
    estimate = (plus - minus) / n if n else 0.0
    assert -1 <= low <= estimate + 1e-12
    assert estimate - 1e-12 <= high <= 1
    mirrored = confidence_sequence(minus, zero, plus, confidence)
    assert (low, high) == (-mirrored[1], -mirrored[0])
    needed = math.log(2 / (1 - confidence))
    for step in (1e-6, 1e-3):
        if low - step > -1:
            assert log_e_above(plus, zero, minus, low - step) >= needed - 1e-9 * n - 1e-9
        if low + step < 1:
            assert log_e_above(plus, zero, minus, low + step) < needed


def test_intersection_keeps_the_narrowest() -> None:
    low, high = running_intersection(np.array([-1.0, 0.1, 0.0]), np.array([1.0, 0.2, 0.3]))
    assert low.tolist() == [-1.0, 0.1, 0.1]
    assert high.tolist() == [1.0, 0.2, 0.2]


@pytest.mark.parametrize(("plus", "minus"), [(0.02, 0.02), (0.2, 0.05), (0.0, 0.3)])
def test_intersection_holds_the_truth_at_all_times(plus: float, minus: float) -> None:
    rng = np.random.default_rng(7)
    d = rng.choice([-1, 0, 1], p=[minus, 1 - plus - minus, plus], size=(150, 1500))
    at = look_numbers(1500)[::25] - 1
    n_plus, n_minus = (d == 1).cumsum(axis=1)[:, at], (d == -1).cumsum(axis=1)[:, at]
    low, high = confidence_sequence(n_plus, at + 1 - n_plus - n_minus, n_minus, 0.9)
    truth = plus - minus
    missed = ((low > truth) | (high < truth)).any(axis=1)
    assert missed.mean() <= 0.1 + 2 * math.sqrt(0.1 * 0.9 / 150)
    assert np.median(high[:, -1] - low[:, -1]) < 0.16


# --- the walk -------------------------------------------------------------------------------------


def test_looks_are_every_pair_and_then_every_quarter_of_a_percent() -> None:
    looks = look_numbers(10**7)
    assert looks[:1000].tolist() == list(range(1, 1001))
    steps = np.diff(looks[999:])
    assert (steps / looks[999:-1]).max() <= 0.0025
    assert (steps / looks[999:-1]).min() > 0.0016
    assert look_numbers(0).size == 0
    assert np.array_equal(look_numbers(5003), looks[looks <= 5003])


@settings(max_examples=30, deadline=None)
@given(st.data(), bounds(), st.sampled_from(BEGINNINGS), st.integers(0, 10**4))
def test_chunks_never_matter(data: st.DataObject, ends, beginning, seed: int) -> None:  # type: ignore[no-untyped-def]
    low, high = ends
    if beginning in (Walk.of_flips, Walk.of_sizes):
        low, high = size_bounds(low, high)
    if beginning in (Walk.of_scores, Walk.of_sizes):
        scale = np.random.default_rng(seed).uniform(0, 1, len(low))
        low, high = low * scale, high * scale
    whole = beginning(0.1, 0.05).after(low, high)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(low)), max_size=8)))
    parts = beginning(0.1, 0.05)
    for begin, end in itertools.pairwise((0, *cuts, len(low))):
        parts = parts.after(low[begin:end], high[begin:end])
    assert parts == whole
    one_by_one = beginning(0.1, 0.05)
    for pair in range(len(low)):
        one_by_one = one_by_one.after(low[pair : pair + 1], high[pair : pair + 1])
    assert one_by_one == whole


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_chunks_never_matter_beyond_the_first_thousand(beginning) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(4)
    d = np.where(rng.random(9000) < 0.6, 0.0, rng.random(9000) * 0.4)
    if beginning in (Walk.of_gaps, Walk.of_flips):
        d = (d > 0.3).astype(np.int8)
    whole = beginning(0.05, 0.01).after(d)
    parts = beginning(0.05, 0.01)
    for piece in np.split(d, [1, 999, 1003, 1004, 5000, 5001, 8191]):
        parts = parts.after(piece)
    assert parts == whole
    assert whole.settled_at is not None


@settings(deadline=None)
@given(bounds(most=100), tolerances.filter(lambda t: t > 0), st.sampled_from([0.05, 0.3]))
def test_walk_is_the_definition(ends, tolerance: float, alpha: float) -> None:  # type: ignore[no-untyped-def]
    low, high = (end.astype(float) for end in ends)
    walk = Walk.of_gaps(tolerance, alpha).after(*ends)
    up, down = wealth_by_definition(low, tolerance), wealth_by_definition(-high, tolerance)
    not_up, not_down = (
        wealth_by_definition(-high, -tolerance),
        wealth_by_definition(low, -tolerance),
    )
    outside, within = np.maximum(up, down), np.minimum(not_up, not_down)
    assert walk.log_outside == pytest.approx(max(0.0, outside.max()), abs=1e-9)
    assert walk.log_within == pytest.approx(max(0.0, within.max()), abs=1e-9)
    assert walk.p_outside == pytest.approx(min(1.0, 2 * math.exp(-walk.log_outside)))
    assert walk.p_within == pytest.approx(math.exp(-walk.log_within))
    for at, path, needed in (
        (walk.outside_at, outside, math.log(2 / alpha)),
        (walk.within_at, within, math.log(1 / alpha)),
    ):
        reached = np.flatnonzero(path >= needed)
        assert at == (reached[0] + 1 if reached.size else None)
    assert not np.any((outside > 1e-12) & (within > 1e-12))


@settings(deadline=None)
@given(bounds(most=150), tolerances)
def test_flips_prove_a_difference_first_and_its_absence_last(ends, tolerance: float) -> None:  # type: ignore[no-untyped-def]
    gaps = Walk.of_gaps(tolerance, 0.05).after(*ends)
    flips = Walk.of_flips(tolerance, 0.05).after(*size_bounds(*ends))
    assert flips.log_outside >= gaps.log_outside
    assert flips.p_outside <= gaps.p_outside
    assert flips.p_within >= gaps.p_within
    if gaps.outside_at is not None:
        assert flips.outside_at is not None
        assert flips.outside_at <= gaps.outside_at
    if flips.within_at is not None:
        assert gaps.within_at is not None
        assert gaps.within_at <= flips.within_at


@settings(deadline=None)
@given(bounds(most=150), tolerances, st.integers(0, 9))
def test_a_missing_answer_only_weakens_a_claim(ends, tolerance: float, seed: int) -> None:  # type: ignore[no-untyped-def]
    low, high = ends
    known = np.random.default_rng(seed).integers(low, high, endpoint=True).astype(np.int8)
    unknown = Walk.of_gaps(tolerance, 0.05).after(low, high)
    complete = Walk.of_gaps(tolerance, 0.05).after(known)
    assert unknown.log_outside <= complete.log_outside
    assert unknown.log_within <= complete.log_within
    assert Walk.of_gaps(tolerance, 0.05).after(known, known) == complete


@settings(deadline=None, max_examples=40)
@given(bounds(most=80))
def test_a_gap_is_outside_when_its_interval_is(ends) -> None:  # type: ignore[no-untyped-def]
    walk = Walk.of_gaps(0.05, 0.05).after(*ends)
    plus_low, plus_high = (np.cumsum(end == 1) for end in ends)
    minus_low, minus_high = (np.cumsum(end == -1) for end in ends)
    n = np.arange(1, len(ends[0]) + 1)
    low, _ = confidence_sequence(plus_low, n - plus_low - minus_low, minus_low)
    _, high = confidence_sequence(plus_high, n - plus_high - minus_high, minus_high)
    beside = np.flatnonzero((low >= 0.05 - 1e-12) | (high <= -0.05 + 1e-12))
    assert walk.outside_at == (beside[0] + 1 if beside.size else None)
    pairs, at_low, at_high = walk.sequence()
    assert at_low == pytest.approx(low[pairs - 1], abs=1e-12)
    assert at_high == pytest.approx(high[pairs - 1], abs=1e-12)


@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("value", [-1, 0, 1])
@pytest.mark.parametrize("tolerance", [-0.1, 0.0, 1e-9, 0.5, 1.0, 3.0])
def test_extremes_stay_finite(beginning, value: int, tolerance: float) -> None:  # type: ignore[no-untyped-def]
    size = abs(value) if beginning in (Walk.of_flips, Walk.of_sizes) else value
    walk = beginning(tolerance, 0.05).after(np.full(70_000, size))
    assert math.isfinite(walk.log_outside)
    assert math.isfinite(walk.log_within)
    assert 0 <= min(walk.p_outside, walk.p_within) <= max(walk.p_outside, walk.p_within) <= 1
    if tolerance >= 1:
        assert walk.p_outside == 1
    if tolerance <= 0:
        assert walk.p_within == 1
    if 0 < tolerance < 1:
        small = value == 0 and tolerance > 1e-3
        assert walk.verdict == ("outside" if value else "within" if small else "open")
    pairs, low, high = walk.sequence()
    assert pairs[-1] == 70_000
    assert len(pairs) < 60
    assert np.all((low <= size) & (size <= high))
    assert np.isfinite(low).all()
    assert high.max() <= 1


def test_no_pairs_say_nothing() -> None:
    walk = Walk.of_gaps(0.02, 0.05)
    assert walk.after(np.array([], dtype=np.int8)) == walk
    assert (walk.p_outside, walk.p_within, walk.verdict) == (1.0, 1.0, "open")
    assert [len(part) for part in walk.sequence()] == [0, 0, 0]


def test_a_fraction_between_decisions_counts_for_the_less_favorable() -> None:
    walk = Walk.of_gaps(0.02, 0.05).after(np.array([0.4, -0.4]))
    assert walk == Walk.of_gaps(0.02, 0.05).after(np.array([0, -1]), np.array([1, 0]))


@settings(deadline=None)
@given(
    st.lists(st.floats(-1, 1), min_size=1, max_size=60),
    st.sampled_from([0.01, 0.1]),
    st.sampled_from([0.01, 0.1, 1.0]),
)
def test_knots_never_add_wealth_and_cost_little(
    values: list[float], tolerance: float, scale: float
) -> None:
    d = np.repeat(values, 5) * scale
    walk = Walk.of_scores(tolerance, 0.05).after(d)
    outside = np.maximum(wealth_by_definition(d, tolerance), wealth_by_definition(-d, tolerance))
    within = np.minimum(wealth_by_definition(-d, -tolerance), wealth_by_definition(d, -tolerance))
    for knotted, exact in ((walk.log_outside, outside), (walk.log_within, within)):
        assert knotted <= max(0.0, exact.max()) + 1e-9
        assert knotted >= 0.9 * exact.max() - 0.1


def test_scores_and_decisions_agree_where_scores_are_decisions() -> None:
    d = np.random.default_rng(2).choice([-1, 0, 1], p=[0.1, 0.8, 0.1], size=3000)
    scores, decisions = (start(0.05, 0.05).after(d) for start in (Walk.of_scores, Walk.of_gaps))
    assert scores.log_within == pytest.approx(decisions.log_within, rel=1e-12)
    assert scores.within_at == decisions.within_at is not None


# --- how long it takes, and how often it errs -----------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "noise", "pairs"),
    [
        # Means of 1,000 simulations of the same bets by a program of its own, with sparser looks.
        (0.0, 0.0, 220),
        (0.01, 0.0, 1091),
        (0.05, 0.0, 331),
        (0.20, 0.0, 45),
        (0.0, 0.02, 1326),
        (0.01, 0.02, 4678),
        (0.05, 0.02, 841),
        (0.20, 0.02, 57),
    ],
)
def test_pairs_until_settled(gap: float, noise: float, pairs: int) -> None:
    found = simulate_pairs(
        gap + noise, noise, 0.02, 0.05, np.random.default_rng(5), simulations=120, most=30_000
    )
    error = found.pairs.std() / math.sqrt(120)
    assert found.pairs.mean() == pytest.approx(pairs, abs=0.1 * pairs + 2 * error)
    assert (found.outside if gap > 0.02 else found.within).mean() > 0.97
    assert np.array_equal(found.outside, ~found.within)


@pytest.mark.parametrize(("gap", "noise"), [(0.1, 0.0), (0.1, 0.05), (0.3, 0.1)])
def test_no_proof_of_equality_at_the_tolerance(gap: float, noise: float) -> None:
    found = simulate_pairs(
        gap + noise, noise, gap, 0.1, np.random.default_rng(6), simulations=400, most=2_000
    )
    assert found.within.mean() <= 0.1 + 2 * math.sqrt(0.09 / 400)
    assert found.outside.mean() <= 0.05 + 2 * math.sqrt(0.0475 / 400)


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.5])
def test_no_gap_is_seldom_called_one(noise: float) -> None:
    rng = np.random.default_rng(8)
    found = simulate_pairs(noise, noise, 0.0, 0.1, rng, simulations=400, most=2_000)
    assert found.outside.mean() <= 0.1 + 2 * math.sqrt(0.09 / 400)
    assert not found.within.any()


def test_rates_at_the_tolerance_prove_nothing() -> None:
    rng = np.random.default_rng(9)
    found = simulate_pairs(0.1, 0.0, 0.1, 0.1, rng, sides=1, simulations=400, most=2_000)
    assert found.within.mean() <= 0.1 + 2 * math.sqrt(0.09 / 400)
    assert found.outside.mean() <= 0.1 + 2 * math.sqrt(0.09 / 400)


def test_simulated_looks_are_those_of_the_walk() -> None:
    # Certain differences leave nothing to chance.
    for value, sides, start in ((1, 2, Walk.of_gaps), (0, 2, Walk.of_gaps), (0, 1, Walk.of_flips)):
        rng = np.random.default_rng(0)
        found = simulate_pairs(value, 0.0, 0.001, 0.05, rng, sides=sides, simulations=2)  # type: ignore[arg-type]
        walk = start(0.001, 0.05).after(np.full(6000, value))
        assert set(found.pairs.tolist()) == {walk.settled_at}
        assert bool(found.outside.all()) == (walk.verdict == "outside")
