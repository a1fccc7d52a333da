"""Tests by relabeling: known answers, oracles, exact enumeration, and error rates by simulation."""

import itertools
from math import sqrt

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.contingency_tables import cochrans_q

from paribus.stats.multiplicity import holm
from paribus.stats.paired import mcnemar_exact
from paribus.stats.relabeling import cochran_q, friedman, max_t, sign_flip

Array = NDArray[np.float64]

# Darwin's Zea mays, cross- minus self-fertilized, in eighths of an inch; Fisher (1935), section 17.
ZEA = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])

SEEDED = "rng" if [int(n) for n in scipy.__version__.split(".")[:2]] >= [1, 15] else "random_state"


def test_sign_flip_known() -> None:
    # Fisher (1935), section 21: 1,726 of the 32,768 sums are as large, 5.267 %.
    assert sign_flip(ZEA, flips=2**15) == 1726 / 2**15
    assert sign_flip(ZEA) == pytest.approx(1726 / 2**15, abs=4 * sqrt(0.05 / 9999))


def test_sign_flip_of_nothing_and_of_one_size() -> None:
    assert sign_flip(np.array([])) == sign_flip(np.zeros(9)) == sign_flip(np.array([4.0])) == 1.0
    decisions = np.repeat([1.0, 0.0, -1.0], [30_000, 5, 29_500])
    assert sign_flip(decisions) == mcnemar_exact(30_000, 29_500)


@given(hnp.arrays(np.float64, st.integers(1, 10), elements=st.integers(-9, 9).map(float)))
def test_sign_flip_equals_enumeration(values: Array) -> None:
    signs = np.array(list(itertools.product([-1, 1], repeat=len(values))))
    reached = np.abs(signs @ values) >= abs(values.sum()) - 1e-9
    assert sign_flip(values / 10) == pytest.approx(reached.mean())


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # of scipy before 1.15
@pytest.mark.parametrize("n", [17, 300, 2_000])
def test_sign_flip_equals_scipy(n: int) -> None:
    values = np.random.default_rng(n).exponential(1.0, n) - 1.0 + 1.6 / sqrt(n)

    def mean(x: Array, axis: int) -> Array:
        return np.mean(x, axis=axis)

    theirs = stats.permutation_test(
        (values,), mean, permutation_type="samples", n_resamples=4_999, vectorized=True,
        batch=500, **{SEEDED: np.random.default_rng(1)},
    )  # fmt: skip
    assert sign_flip(values) == pytest.approx(theirs.pvalue, abs=0.02)


def test_the_normal_limit_meets_the_flips() -> None:
    values = np.random.default_rng(3).uniform(-1, 1, 20_000)
    values += 2.0 * values.std() / sqrt(len(values)) - values.mean()
    drawn = sign_flip(values, flips=20_000)
    more = np.append(values, [1e-9, -1e-9])
    assert sign_flip(more) == pytest.approx(0.0455, abs=2e-4)
    assert drawn == pytest.approx(0.0455, abs=4 * sqrt(0.0455 / 20_000))


def test_one_dominant_difference_is_flipped_and_not_taken_as_normal() -> None:
    values = np.random.default_rng(4).uniform(-1, 1, 30_000)
    values -= values.mean()
    values[0] += 1e6
    # Only its sign decides: every flip gives a sum about as large, half of them a larger one.
    assert 0.3 < sign_flip(values) < 0.7
    # Two flips in four reach the sum of two, or about half of these, for the sake of the rest;
    # the normal limit would have said 0.157.
    values[1] += 1e6
    assert 0.2 < sign_flip(values) < 0.3


def test_seeds_repeat_and_nothing_global_moves() -> None:
    values = np.random.default_rng(0).normal(size=50)
    scores = np.random.default_rng(0).normal(size=(50, 3))
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert sign_flip(values, seed=5) == sign_flip(values, seed=5) != sign_flip(values, seed=6)
    assert (max_t(scores, seed=5) == max_t(scores, seed=5)).all()
    assert (max_t(scores, seed=5) != max_t(scores, seed=6)).any()
    assert (before == np.random.get_state()[1]).all()  # noqa: NPY002


@settings(max_examples=50)
@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(2, 6))))
def test_cochran_equals_statsmodels(answers: NDArray[np.bool_]) -> None:
    statistic, df, p = cochran_q(answers)
    assert df == answers.shape[1] - 1
    if (answers == answers[:, :1]).all():
        assert (statistic, p) == (0.0, 1.0)
    else:
        theirs = cochrans_q(answers.astype(int))
        assert (statistic, p) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-12)
    rows, counts = np.unique(answers, axis=0, return_counts=True)
    assert cochran_q(rows, counts) == (statistic, df, p)


def test_cochran_without_people_and_with_one_version() -> None:
    assert cochran_q(np.zeros((0, 4), dtype=bool)) == (0.0, 3, 1.0)
    assert cochran_q(np.ones((5, 1), dtype=bool)) == (0.0, 0, 1.0)
    # Two versions: McNemar's (n12 - n21)^2 / (n12 + n21).
    pairs = np.repeat([[True, False], [False, True], [True, True]], [9, 3, 50], axis=0)
    assert cochran_q(pairs)[0] == pytest.approx(36 / 12)


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 20), st.integers(3, 6)),
        elements=st.integers(0, 5).map(float),
    )
)
def test_friedman_equals_scipy(scores: Array) -> None:
    statistic, df, p = friedman(scores)
    assert df == scores.shape[1] - 1
    if (scores == scores[:, :1]).all():
        assert (statistic, p) == (0.0, 1.0)
    else:
        theirs = stats.friedmanchisquare(*scores.T)
        assert (statistic, p) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-9)


def test_friedman_without_people_and_with_one_version() -> None:
    assert friedman(np.zeros((0, 4))) == (0.0, 3, 1.0)
    assert friedman(np.ones((5, 1))) == (0.0, 0, 1.0)


def stepped(answers: Array) -> Array:
    """Algorithm 2.8 with every relabeling of every person, by the book."""
    n, k = answers.shape

    def statistics(table: Array) -> Array:
        change = table[:, 1:] - table[:, :1]
        mean, sd = change.mean(axis=0), change.std(axis=0, ddof=1)
        return np.abs(mean) / np.maximum(sd, 1e-9) * sqrt(n)

    observed = statistics(answers)
    order = np.argsort(-observed)
    orders = list(itertools.permutations(range(k)))
    reached, adjusted = np.zeros(k - 1), np.empty(k - 1)
    for chosen in itertools.product(orders, repeat=n):
        drawn = statistics(np.array([row[list(o)] for row, o in zip(answers, chosen, strict=True)]))
        for step, j in enumerate(order):
            reached[step] += drawn[order[step:]].max() >= observed[j] - 1e-6
    adjusted[order] = np.maximum.accumulate(reached / len(orders) ** n)
    return adjusted


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_max_t_equals_enumeration(seed: int) -> None:
    random = np.random.default_rng(seed)
    decisions = random.integers(0, 2, (5, 3)).astype(float)
    assert max_t(decisions, permutations=20_000) == pytest.approx(stepped(decisions), abs=0.02)


def test_max_t_of_scores_is_close_to_enumeration() -> None:
    # A random circle of three versions is half of the six orders, with the same variances.
    scores = np.random.default_rng(3).normal(size=(6, 3)) + np.array([0, 0.9, 0.2])
    assert max_t(scores, permutations=20_000) == pytest.approx(stepped(scores), abs=0.06)


def test_the_ways_to_relabel_agree() -> None:
    random = np.random.default_rng(6)
    decisions = (random.random((3_000, 1)) < random.random((3_000, 4))).astype(float)
    decisions[:, 1] = np.where(random.random(3_000) < 0.04, 1.0, decisions[:, 1])
    counted = max_t(decisions, permutations=8_000)
    # Noise too small to matter makes every row different: people are relabeled one by one.
    people = max_t(decisions + random.normal(0, 1e-7, decisions.shape), permutations=8_000)
    # So many people that the limit is used: the same means and variances by repetition.
    z = np.sqrt(8)
    many = np.repeat(decisions * z, 8, axis=0) + random.normal(0, 1e-7, (24_000, 4))
    many -= many.mean(axis=0)
    shift = decisions.mean(axis=0)
    limit = max_t(many + shift)
    assert people == pytest.approx(counted, abs=0.03)
    assert limit == pytest.approx(counted, abs=0.03)


def test_the_limit_is_dunnetts_distribution() -> None:
    # Hsu (1996), table E.4, two-sided 5 % points, correlation 1/2, infinite df, k = 1 .. 4
    random = np.random.default_rng(7)
    points = {1: 1.960, 2: 2.212, 3: 2.349, 4: 2.442}
    for many, point in points.items():
        scores = random.normal(size=(25_000, many + 1))
        change = scores[:, 1:] - scores[:, :1]
        aim = np.full(many, point)
        change += (aim / sqrt(len(change))) * change.std(axis=0, ddof=1) - change.mean(axis=0)
        answers = np.concatenate([scores[:, :1], scores[:, :1] + change], axis=1)
        assert max_t(answers)[np.argmin(max_t(answers))] == pytest.approx(0.05, abs=1e-3)


def test_a_few_heavy_people_among_many() -> None:
    random = np.random.default_rng(9)
    scores = random.normal(size=(25_000, 3))
    scores[:2] += random.normal(size=(2, 3)) * 1e4
    p = max_t(scores)
    assert ((p > 0.05) & (p <= 1)).all()
    # The rest is noise of its own: without it, two people alone would decide.
    quiet = random.normal(size=(90_000, 3))
    quiet[:, 1] += 1.9 * sqrt(2 / 90_000) - (quiet[:, 1] - quiet[:, 0]).mean()
    limit = max_t(quiet)
    quiet[0] = [0.0, 30.0, 0.0]
    quiet[1] = [30.0, 0.0, 30.0]
    quiet[2] = [0.0, 0.0, 30.0]
    assert max_t(quiet)[0] == pytest.approx(limit[0], abs=0.03)
    # No more than thirty people decide, by 2 ** 30 patterns: relabelings, not the normal limit.
    scores[:30, 2] += 1e4
    assert max_t(scores).tolist()[1] == pytest.approx(1 / 2001)


def test_max_t_tolerance_and_degenerate_answers() -> None:
    random = np.random.default_rng(11)
    scores = (
        random.normal(size=(400, 1)) + random.normal(0, 0.1, (400, 3)) + np.array([0, 0.05, 0.3])
    )
    assert (max_t(scores) < 0.01).all()
    first, second = max_t(scores, tolerance=0.06)
    assert first == 1.0
    assert second < 0.01
    assert max_t(scores, tolerance=1.0).tolist() == [1.0, 1.0]
    assert max_t(np.zeros((0, 4))).tolist() == [1.0] * 3
    assert max_t(np.zeros((5, 1))).shape == (0,)
    assert max_t(np.full((50, 3), 0.3)).tolist() == [1.0, 1.0]
    # The same change for everyone: no variance, yet the strongest claim, and a finite one.
    shifted = np.tile([0.0, 0.0, 1.0], (50, 1))
    assert max_t(shifted).tolist() == pytest.approx([1.0, 1 / 2001])
    assert max_t(np.tile([0, 1e100], (1, 1))).tolist() == [1.0]


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 12), st.integers(2, 7)),
        elements=st.floats(-1e100, 1e100) | st.integers(0, 1).map(float),
    ),
    st.sampled_from([0.0, 0.1, 1e99]),
)
def test_max_t_is_a_p_value(answers: Array, tolerance: float) -> None:
    p = max_t(answers, tolerance, permutations=50)
    assert ((p >= 1 / 51) & (p <= 1)).all()
    assert (max_t(answers, tolerance + 1, permutations=50) >= p).all()


def drawn(random: np.random.Generator, effects: tuple[float, ...]) -> Array:
    """300 people, 5 versions that share a threshold; 5 % of the answers are drawn again."""
    base, n = random.beta(2, 2, (300, 1)), 300
    chance = np.clip(base + np.array([0.0, *effects]), 0, 1)
    shared = random.random((n, 1)) < chance
    return np.where(random.random((n, 5)) < 0.05, random.random((n, 5)) < chance, shared) * 1.0


def holm_mcnemar(answers: Array) -> Array:
    change = answers[:, 1:] - answers[:, :1]
    return holm([mcnemar_exact(int((c > 0).sum()), int((c < 0).sum())) for c in change.T])


@pytest.mark.parametrize("effects", [(0, 0, 0, 0), (0.08, 0, 0, 0), (0.05, 0.05, 0, 0)])
def test_familywise_error(effects: tuple[float, ...]) -> None:
    random = np.random.default_rng(21)
    null = np.array(effects) == 0
    runs = 300
    wrong = sum(
        bool((max_t(drawn(random, effects), permutations=499, seed=run)[null] <= 0.05).any())
        for run in range(runs)
    )
    assert wrong / runs <= 0.07


def test_power_is_at_least_holms() -> None:
    random = np.random.default_rng(22)
    ours = theirs = 0
    for run in range(200):
        answers = drawn(random, (-0.05, -0.05, 0, 0))
        ours += int((max_t(answers, permutations=499, seed=run)[:2] <= 0.05).sum())
        theirs += int((holm_mcnemar(answers)[:2] <= 0.05).sum())
    assert ours >= theirs > 40


def test_error_of_scores_that_vary_differently_from_person_to_person() -> None:
    random = np.random.default_rng(23)
    wrong = 0
    for run in range(200):
        spread = random.exponential(1.0, (60, 1))
        scores = random.normal(size=(60, 1)) + spread * random.exponential(1.0, (60, 5))
        wrong += bool((max_t(scores, permutations=299, seed=run) <= 0.05).any())
    # Binomial(200, 0.05) is above 21 with probability 0.0005.
    assert wrong <= 21
