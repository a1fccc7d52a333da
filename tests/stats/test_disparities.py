"""Disparities between groups: court cases, known answers, laws, and coverage."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from paribus.stats.confusion import RATES, counted, rates, selected, shares
from paribus.stats.disparities import (
    _all_pairs,
    difference,
    difference_from,
    difference_interval,
    impact_ratios,
    ratio,
    ratio_interval,
    ratio_to,
)

Counts = NDArray[np.int64]


def test_ricci_v_destefano() -> None:
    # Ricci v. DeStefano, 557 U.S. 557 (2009): white, black, Hispanic candidates who passed the
    # examinations for captain and for lieutenant.
    passed = np.array([[16, 3, 3], [25, 6, 3]])
    examined = np.array([[25, 8, 8], [43, 19, 15]])
    decisions = np.stack([examined - passed, passed], axis=-1)
    values, defined = shares(*selected(decisions))
    assert values.round(3).tolist() == [[0.64, 0.375, 0.375], [0.581, 0.316, 0.2]]
    assert impact_ratios(values, defined)[0].round(3).tolist() == [
        [1, 0.586, 0.586],
        [1, 0.543, 0.344],
    ]
    assert ratio(values, defined)[0].round(3).tolist() == [0.586, 0.344]
    both = shares(*selected(decisions.sum(axis=0)))
    assert impact_ratios(*both)[0].round(3).tolist() == [1, 0.553, 0.433]


def test_undefined_groups_are_left_out() -> None:
    values, defined = np.array([0.0, 0.5, 0.75]), np.array([False, True, True])
    assert difference(values, defined) == (0.25, True)
    assert ratio(values, defined)[0] == pytest.approx(2 / 3)
    assert impact_ratios(values, defined)[1].tolist() == [False, True, True]
    for against in (difference_from, ratio_to):
        assert against(values, defined, 0)[1].tolist() == [False, False, False]
        assert against(values, defined, 1)[1].tolist() == [False, True, True]
    for few in (defined & [False, True, False], defined & False):
        assert difference(values, few) == (0, False)
        assert ratio(values, few) == (1, False)


def test_zero_rates() -> None:
    values, defined = np.array([0.0, 0.0, 0.5]), np.array([True, True, True])
    assert ratio(values[:2], defined[:2]) == (1, True)
    assert ratio(values, defined) == (0, True)
    assert impact_ratios(values[:2], defined[:2])[0].tolist() == [1, 1]
    assert ratio_to(values, defined, 0)[0].tolist() == [1, 1, sys.float_info.max]
    assert ratio_to(values, defined, 2)[0].tolist() == [0, 0, 1]
    tiny = np.array([5e-324, 1e100])
    assert ratio_to(tiny, defined[:2], 0)[0].tolist() == [1, sys.float_info.max]


@settings(max_examples=50)
@given(arrays(np.int64, (3, 2, 2), elements=st.integers(0, 9)))
def test_difference_spans_the_pairs(cells: NDArray[np.int64]) -> None:
    for name in RATES:
        values, defined = rates(cells, name)
        gap, known = difference(values, defined)
        gaps = [difference_from(values, defined, i)[0] for i in range(3)]
        assert gap == np.max(gaps)
        assert known == (defined.sum() >= 2)
        assert 0 <= ratio(values, defined)[0] <= 1


@pytest.mark.parametrize(
    ("groups", "error", "studentized_range"),
    [  # Harter (1960), Annals of Mathematical Statistics 31, 1122-1147: infinite degrees of freedom
        (2, 0.05, 2.772),
        (3, 0.05, 3.314),
        (10, 0.05, 4.474),
        (20, 0.05, 5.012),
        (6, 0.01, 4.757),
        (100, 0.05, 6.085),
    ],
)
def test_critical_values_of_all_pairs(groups: int, error: float, studentized_range: float) -> None:
    assert _all_pairs(groups, error) * np.sqrt(2) == pytest.approx(studentized_range, abs=2e-3)


def test_two_groups_equal_the_hybrid_interval_of_the_pair() -> None:
    # Square-and-add of the Jeffreys limits, Laud (2017).
    limits = [stats.beta(k + 0.5, n - k + 0.5).ppf([0.025, 0.975]) for k, n in ((56, 70), (48, 80))]
    (l1, u1), (l2, u2) = limits
    expected = (
        0.2 - np.hypot(0.8 - l1, u2 - 0.6),
        0.2 + np.hypot(u1 - 0.8, 0.6 - l2),
    )
    measured = difference_interval(np.array([56, 48]), np.array([70, 80]))
    assert measured == pytest.approx(expected, abs=1e-9)
    # Newcombe (1998), table II, method 10, with Wilson limits: 0.0524 to 0.3339.
    assert measured == pytest.approx((0.0524, 0.3339), abs=0.005)
    low, high = ratio_interval(np.array([56, 48]), np.array([70, 80]))
    for bound, (top, bottom) in ((low, (u1, l2)), (high, (l1, u2))):
        gap = 0.6 - bound * 0.8
        away = np.hypot(0.6 - bottom, bound * (top - 0.8))
        assert abs(gap) == pytest.approx(away, abs=1e-9)
    assert low < 0.75 < high


def events_and_trials(groups: int, most: int) -> st.SearchStrategy[tuple[Counts, Counts]]:
    pair = st.integers(0, most).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
    return st.lists(pair, min_size=groups, max_size=groups).map(
        lambda pairs: (np.array([k for k, _ in pairs]), np.array([n for _, n in pairs]))
    )


@settings(max_examples=150)
@given(
    st.one_of(*(events_and_trials(g, most) for g in (1, 2, 3, 6) for most in (3, 60, 10**7))),
    st.sampled_from([0.5, 0.95, 0.9999]),
)
def test_intervals_surround_the_estimate(drawn: tuple[Counts, Counts], confidence: float) -> None:
    events, trials = drawn
    seen = trials > 0
    measured = events[seen] / trials[seen]
    low, high = difference_interval(events, trials, confidence)
    assert 0 <= low <= high <= 1
    least, most = ratio_interval(events, trials, confidence)
    assert 0 <= least <= most <= 1
    if seen.sum() < 2:
        assert (low, high, least, most) == (0, 1, 0, 1)
        return
    assert low <= measured.max() - measured.min() <= high
    observed = measured.min() / measured.max() if measured.max() > 0 else 1
    assert least <= observed <= most
    assert difference_interval(events[::-1], trials[::-1], confidence) == (low, high)
    wider = difference_interval(events, trials, (1 + confidence) / 2)
    assert wider[0] <= low
    assert high <= wider[1]
    # Unfavorable instead of favorable: the same difference.
    turned = difference_interval(trials - events, trials, confidence)
    assert turned == pytest.approx((low, high), abs=1e-9)


def test_several_rates_are_the_worst_of_them() -> None:
    cells = np.array([[[50, 20], [30, 60]], [[80, 10], [40, 30]], [[15, 9], [2, 9]]])
    both = [counted(cells, name) for name in ("TPR", "FPR")]
    events, trials = (np.stack(each) for each in zip(*both, strict=True))
    for interval, worse in ((difference_interval, max), (ratio_interval, min)):
        together = interval(events, trials)
        alone = [interval(*each) for each in both]
        stricter = [interval(*each, 0.975) for each in both]
        # Proof of parity needs each rate at the nominal level, proof of a gap all at once.
        parity = 1 if worse is max else 0
        assert together[parity] == worse(each[parity] for each in alone)
        assert together[1 - parity] == worse(each[1 - parity] for each in stricter)


def test_a_rate_that_is_unknown_leaves_the_worst_open() -> None:
    events, trials = np.array([[9, 50], [0, 3]]), np.array([[90, 90], [0, 9]])
    low, high = difference_interval(events, trials)
    assert 0 < low < high == 1
    least, most = ratio_interval(events, trials)
    assert 0 == least < most < 1


@pytest.mark.parametrize("groups", [2, 6, 24])
@pytest.mark.parametrize("equal", [True, False])
def test_intervals_of_extremes_cover(groups: int, equal: bool) -> None:
    rng = np.random.default_rng(groups)
    trials = np.where(np.arange(groups) % 2 == 0, 1000, 20)
    truth = np.full(groups, 0.03) if equal else np.linspace(0.2, 0.5, groups)
    gap, least = np.ptp(truth), truth.min() / truth.max()
    hits = np.zeros(2)
    for events in rng.binomial(trials, truth, size=(300, groups)):
        low, high = difference_interval(events, trials)
        hits[0] += low <= gap <= high
        low, high = ratio_interval(events, trials)
        hits[1] += low <= least <= high
    assert (hits / 300 >= 0.925).all()


def test_intervals_shrink_on_the_truth() -> None:
    events, trials = np.array([3, 4, 5]) * 10**6, np.full(3, 10**7)
    assert difference_interval(events, trials) == pytest.approx((0.2, 0.2), abs=1e-3)
    assert ratio_interval(events, trials) == pytest.approx((0.6, 0.6), abs=2e-3)
