"""Ranks of differences: known answers, brute force, and the bounds of what is approximated."""

import math

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats

from paribus.stats.ranks import Quantiles, hodges_lehmann, quantiles, rank_shift, wilcoxon

Array = NDArray[np.float64]

# Hollander & Wolfe (1999), table 3.1: Hamilton depression scale factor IV, before and after.
BEFORE = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
AFTER = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
TIED = np.array([0.3, 0.3, -0.1, 0, 0.2, 0.2, 0.5, -0.3, 0, 0.1])

STEPS = hnp.arrays(np.float64, st.integers(0, 25), elements=st.integers(-6, 6).map(float))
ANY = STEPS | hnp.arrays(np.float64, st.integers(0, 200), elements=st.floats(-1e100, 1e100))

# What scipy calls the normal limit.
NORMAL = "asymptotic" if [int(n) for n in scipy.__version__.split(".")[:2]] >= [1, 15] else "approx"


def walsh(values: Array) -> Array:
    rows, columns = np.triu_indices(len(values))
    return np.sort(values[rows] / 2 + values[columns] / 2)


def test_wilcoxon_known() -> None:
    # Hollander & Wolfe (1999), example 3.1; R 4.2.2, wilcox.test(x, y, paired = TRUE)
    assert wilcoxon(BEFORE - AFTER) == (40.0, 0.0390625)
    # R 4.2.2, exactRankTests::wilcox.exact and wilcox.test(correct = TRUE)
    assert wilcoxon(TIED) == (28.5, 0.171875)
    statistic, p = wilcoxon(TIED, exact=0)
    assert statistic == 28.5
    assert p == pytest.approx(0.158335677521379, rel=1e-12)


def test_wilcoxon_of_nothing() -> None:
    for nothing in (np.array([]), np.zeros(7)):
        assert wilcoxon(nothing) == (0.0, 1.0)
    assert wilcoxon(np.array([2])) == (1.0, 1.0)
    assert wilcoxon(np.array([-2])) == (0.0, 1.0)


@given(hnp.arrays(np.float64, st.integers(1, 12), elements=st.integers(-5, 5).map(float)))
def test_wilcoxon_equals_enumeration(values: Array) -> None:
    values = values[values != 0]
    ranks = stats.rankdata(np.abs(values))
    signs = (np.arange(2 ** len(values))[:, None] >> np.arange(len(values))) & 1
    sums = signs @ ranks
    observed = float(ranks[values > 0].sum())
    tails = np.mean(sums <= observed), np.mean(sums >= observed)
    assert wilcoxon(values) == (observed, pytest.approx(min(1.0, 2 * min(tails))))


@pytest.mark.parametrize("n", [20, 100, 101, 5_000])
def test_wilcoxon_equals_scipy(n: int) -> None:
    values = np.random.default_rng(n).normal(0.2, 1.0, n)
    method = "exact" if n <= 100 else NORMAL
    theirs = stats.wilcoxon(values, method=method, correction=True)
    statistic, p = wilcoxon(values)
    assert min(statistic, n * (n + 1) / 2 - statistic) == theirs.statistic
    assert p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_normal_limit_with_ties_equals_scipy_and_meets_the_exact_p() -> None:
    values = np.random.default_rng(2).integers(-4, 6, 110).astype(float)
    theirs = stats.wilcoxon(values, zero_method="wilcox", method=NORMAL, correction=True)
    assert wilcoxon(values, exact=0)[1] == pytest.approx(theirs.pvalue, rel=1e-9)
    assert wilcoxon(values, exact=110)[1] == pytest.approx(theirs.pvalue, rel=0.06)


def test_hodges_lehmann_known() -> None:
    # Hollander & Wolfe (1999), examples 3.3 and 3.4; R 4.2.2, wilcox.test(conf.int = TRUE)
    assert hodges_lehmann(BEFORE - AFTER) == pytest.approx((0.46, 0.010, 0.786), abs=1e-12)


def test_hodges_lehmann_of_few() -> None:
    assert hodges_lehmann(np.array([])) == (0.0, 0.0, 0.0)
    assert hodges_lehmann(np.array([3])) == (3.0, 3.0, 3.0)
    assert hodges_lehmann(np.array([1.0, 4.0])) == (2.5, 1.0, 4.0)
    assert hodges_lehmann(np.full(30_000, 0.3)) == (0.3, 0.3, 0.3)


@pytest.mark.parametrize("n", [1, 2, 6, 20, 100, 101, 150, 400, 700])
@pytest.mark.parametrize(
    "kind", ["normal", "cauchy", "decisions", "tenths", "two far masses", "three"]
)
def test_hodges_lehmann_equals_brute_force(n: int, kind: str) -> None:
    random = np.random.default_rng(n)
    values = {
        "normal": random.normal(size=n),
        "cauchy": random.standard_cauchy(n) ** 5,
        "decisions": random.integers(-1, 2, n).astype(float),
        "tenths": random.integers(-9, 30, n) / 10,
        "two far masses": np.where(random.random(n) < 0.5, 0.1, 1e9),
        "three": random.choice([0.3, 1e16, 1e100], n),
    }[kind]
    averages = walsh(values)
    estimate, low, high = hodges_lehmann(values)
    assert estimate == pytest.approx(np.median(averages), rel=1e-12, abs=1e-15)
    # Not refuted at 5 %: W(k) with P(V <= k - 1) <= 2.5 % < P(V <= k), by scipy's own rank sums.
    if n <= 20:
        null = np.ones(1)
        for rank in range(1, n + 1):
            null = np.convolve(null, [0.5] + [0.0] * (rank - 1) + [0.5])
        below = null.cumsum()
        k = max(1, int(np.argmax(below >= 0.025)))
    else:
        mean, spread = n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        k = round(mean - 1.959963984540054 * spread)
    slack = 0 if n <= 20 else max(2, n // 50)
    for found, center, ordered in ((low, k, averages), (high, k, -averages[::-1])):
        sign = 1 if found is low else -1
        first, last = ordered[max(0, center - 1 - slack)], ordered[center - 1 + slack]
        assert first - 1e-9 <= sign * found <= last + 1e-9


@settings(max_examples=60, deadline=None)
@given(ANY, st.floats(0.5, 0.999))
def test_hodges_lehmann_laws(values: Array, confidence: float) -> None:
    estimate, low, high = hodges_lehmann(values, confidence)
    assert low <= estimate <= high
    size = 1e-12 * float(np.abs(values).max(initial=0.0))
    mirrored = hodges_lehmann(-values, confidence)
    assert (estimate, low, high) == pytest.approx(
        (-mirrored[0], -mirrored[2], -mirrored[1]), rel=1e-12, abs=size
    )
    if len(values):
        assert values.min() <= low
        assert high <= values.max()


@pytest.mark.parametrize("kind", ["normal", "skewed", "tenths"])
def test_cells_contain_the_exact_interval_within_the_stated_ranks(kind: str) -> None:
    random = np.random.default_rng(5)
    values = {
        "normal": random.normal(size=1_500),
        "skewed": random.gamma(0.3, size=1_500),
        "tenths": random.integers(-9, 30, 1_500) / 10,
    }[kind]
    averages = walsh(values)
    exact, cells = hodges_lehmann(values), hodges_lehmann(values, cells=101)
    assert cells[1] <= exact[1] <= exact[2] <= cells[2]
    assert cells[1] <= exact[0] <= cells[2]
    assert abs(cells[0] - exact[0]) <= 0.05 * (exact[2] - exact[1])
    moved = 2 / 101 * len(averages)
    for bound, shifted in ((exact[1], cells[1]), (exact[2], cells[2])):
        between = (averages > min(bound, shifted)) & (averages < max(bound, shifted))
        assert between.sum() <= moved
    mirrored = hodges_lehmann(-values, cells=101)
    assert cells == pytest.approx((-mirrored[0], -mirrored[2], -mirrored[1]), rel=1e-12)


def test_the_interval_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(8)
    hits = sum(
        low <= 0.3 <= high
        for _, low, high in (hodges_lehmann(random.laplace(0.3, 1.0, 40)) for _ in range(800))
    )
    # Binomial(800, 0.95) is below 739 with probability 0.0006.
    assert 739 <= hits <= 785


def test_rank_shift_known() -> None:
    # Persons 1 and 3 exchange places with the others; person 2 ties with person 1.
    moves = rank_shift(np.array([10.0, 20.0, 30.0]), np.array([40.0, 10.0, 5.0]))
    assert moves.tolist() == [1.0, -0.25, -1.0]
    assert rank_shift(np.array([]), np.array([])).shape == (0,)
    assert rank_shift(np.array([1.0]), np.array([5.0])).tolist() == [0.0]


@given(st.data())
def test_rank_shift_equals_moving_each_alone(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 20))
    scores = st.integers(-4, 4).map(float) | st.sampled_from([1e100, -1e100])
    reference = data.draw(hnp.arrays(np.float64, n, elements=scores))
    group = data.draw(hnp.arrays(np.float64, n, elements=scores))
    moves = rank_shift(reference, group)
    for i in range(n):
        others = np.delete(reference, i)
        place = [(others < x).sum() + (others == x).sum() / 2 for x in (reference[i], group[i])]
        assert moves[i] == pytest.approx((place[1] - place[0]) / (n - 1))
    assert (rank_shift(-reference, -group) == -moves).all()


def test_quantiles() -> None:
    values = np.random.default_rng(0).normal(size=500)
    found = quantiles(values)
    assert found.minimum == values.min()
    assert found.median == pytest.approx(np.median(values))
    # R 4.2.2, quantile(c(1, 2, 4, 8), c(.25, .75)), type 7
    assert quantiles(np.array([8, 1, 4, 2]))[3:6:2] == (1.75, 5.0)
    assert quantiles(np.array([])) == Quantiles(*[0.0] * 9)
    assert quantiles(np.array([True])) == Quantiles(*[1.0] * 9)


@given(ANY)
def test_always_finite_and_ordered(values: Array) -> None:
    found = quantiles(values)
    assert list(found) == sorted(found)
    statistic, p = wilcoxon(values)
    assert 0 <= p <= 1
    assert statistic >= 0
    assert wilcoxon(-values)[1] == p
