"""Exposure and the top of rankings: exact permutations, scipy as oracle, laws, simulations."""

import math
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats

from paribus.stats.exposure import Exposure, TopShare, exposure, ndkl, position_weights, top_share

Array = NDArray[np.float64]

MOST = sys.float_info.max
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 8))
COUNTS = hnp.arrays(np.float64, SHAPES, elements=st.integers(0, 3) | st.integers(0, 10**5))
ANY = COUNTS | hnp.arrays(
    np.float64,
    SHAPES,
    elements=st.sampled_from([0.0, 0.0, 1e-6, 0.3, 1.0, 1e100]) | st.floats(0, 1e6),
)
DISCOUNTS = st.sampled_from(["log", "reciprocal", "none"])


def values(result: Exposure | TopShare) -> Array:
    return np.array([getattr(result, name) for name in type(result).__slots__])


def list_of(places: Array | list[int], positions: int) -> Array:
    table = np.zeros((2, positions))
    table[0] = 1
    table[0, places] = 0
    table[1, places] = 1
    return table


def rankings(seed: int, runs: int, lists: int, size: int, few: int, shift: float) -> list[Array]:
    rng = np.random.default_rng(seed)
    tables = []
    for _ in range(runs):
        table = np.zeros((2, size))
        for _ in range(lists):
            scores = rng.normal(size=size)
            scores[:few] -= shift
            table += list_of(np.flatnonzero(np.argsort(-scores) < few), size)
        tables.append(table)
    return tables


def test_weights_by_definition() -> None:
    # Järvelin & Kekäläinen (2002); Singh & Joachims (2018)
    assert position_weights(4) == pytest.approx([1, 1 / math.log2(3), 0.5, 1 / math.log2(5)])
    assert position_weights(3, "reciprocal") == pytest.approx([1, 1 / 2, 1 / 3])
    assert position_weights(2, "none").tolist() == [1, 1]
    assert position_weights(0).size == 0


def test_exposure_of_the_job_seekers() -> None:
    # Singh & Joachims (2018), figure 1: three men ranked above three women, a small difference
    # in relevance and a large one in exposure: 0.71 against 0.39.
    seen = exposure([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    assert seen.exposure.round(2).tolist() == [0.71, 0.39]
    assert seen.ratio == pytest.approx([1, seen.exposure[1] / seen.exposure[0]])
    assert (seen.ratio_low[0], seen.ratio_high[0], seen.p[0]) == (1, 1, 1)
    # 1 of 20 ways of dealing the places is as bad: no test can be surer than 2 / 20.
    assert 0.1 <= seen.p[1] <= 0.11


@pytest.mark.parametrize("places", [[9, 10, 11], [0, 1], [2, 8, 9, 10], [0, 3, 5, 7, 9, 11]])
def test_p_values_are_near_those_of_all_permutations(places: list[int]) -> None:
    weights = position_weights(12)
    all_ways = np.array([weights[list(way)].sum() for way in combinations(range(12), len(places))])
    here = weights[places].sum()
    tails = (all_ways <= here + 1e-12).mean(), (all_ways >= here - 1e-12).mean()
    exact = min(1.0, 2 * min(tails))
    # Never much surer than the permutations; less sure in the short tail of few members.
    assert 0.8 * exact <= exposure(list_of(places, 12)).p[1] <= exact + 0.11


def test_variance_and_skewness_are_those_of_all_permutations() -> None:
    weights = position_weights(9)
    means = np.array([weights[list(way)].mean() for way in combinations(range(9), 3)])
    table = list_of([1, 4, 6], 9)
    seen = exposure(table, confidence=0.5)
    shape = 4 / stats.skew(means) ** 2
    error = means.std()
    quantile = (stats.gamma.ppf([0.25, 0.75], shape) - shape) / math.sqrt(shape)
    assert seen.low[1] == pytest.approx(seen.exposure[1] - quantile[1] * error)
    assert seen.high[1] == pytest.approx(seen.exposure[1] - quantile[0] * error)


@given(ANY, DISCOUNTS, st.floats(0.5, 0.999))
def test_exposure_always_gives_numbers(table: Array, discount: str, confidence: float) -> None:
    reference = len(table) - 1
    seen = exposure(table, discount, reference, confidence)  # type: ignore[arg-type]
    assert np.all(np.isfinite(values(seen)))
    assert np.all((seen.low >= 0) & (seen.low <= seen.exposure))
    assert np.all((seen.exposure <= seen.high) & (seen.high <= 1))
    assert np.all((seen.ratio_low >= 0) & (seen.ratio_low <= seen.ratio))
    assert np.all(seen.ratio <= seen.ratio_high)
    assert np.all((seen.p >= 0) & (seen.p <= 1))
    apart = np.abs(seen.p - (1 - confidence)) > 1e-6
    excluded = (seen.ratio_low > 1 + 1e-9) | (seen.ratio_high < 1 - 1e-9)
    near = (np.abs(seen.ratio_low - 1) < 1e-6) | (np.abs(seen.ratio_high - 1) < 1e-6)
    assert np.all((excluded == (seen.p < 1 - confidence)) | ~apart | near)


@given(COUNTS)
def test_exposures_add_up_and_the_order_of_groups_does_not_matter(table: Array) -> None:
    seen, back = exposure(table), exposure(table[::-1], reference=len(table) - 1)
    assert seen.exposure @ seen.n == pytest.approx(
        float(table.sum(axis=0) @ position_weights(table.shape[1]))
    )
    assert values(back)[:, ::-1] == pytest.approx(values(seen))


def test_without_members_or_with_one_group_only() -> None:
    empty = exposure(np.zeros((2, 3)))
    assert empty.exposure.tolist() == [0, 0]
    assert (empty.ratio_low.tolist(), empty.ratio_high.tolist()) == ([0, 0], [MOST, MOST])
    missing = exposure([[1, 1, 1], [0, 0, 0]])
    assert missing.low[0] == missing.high[0] == pytest.approx(missing.exposure[0])
    assert (missing.low[1], missing.high[1], missing.p[1]) == (0, 1, 1)
    assert (missing.ratio[1], missing.ratio_low[1], missing.ratio_high[1]) == (1, 0, MOST)
    same = exposure([[3], [5]])
    assert (same.ratio[1], same.ratio_low[1], same.ratio_high[1], same.p[1]) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("lists", "size", "few"), [(1, 50, 10), (1, 50, 25), (1, 200, 20), (10, 40, 8)]
)
def test_false_claims_about_exposure(lists: int, size: int, few: int) -> None:
    tables = rankings(size + few, 500, lists, size, few, 0.0)
    seen = [exposure(table) for table in tables]
    assert np.mean([s.p[1] <= 0.05 for s in seen]) <= 0.075
    tops = [top_share(table, size // 5) for table in tables]
    assert np.mean([top.p[1] <= 0.05 for top in tops]) <= 0.065


@pytest.mark.parametrize(("lists", "shift"), [(1, 1.0), (20, 0.5)])
def test_coverage_and_power_where_groups_differ(lists: int, shift: float) -> None:
    tables = rankings(3, 300, lists, 50, 20, shift)
    truth, top_truth = exposure(sum(tables)), top_share(sum(tables), 10)
    seen, tops = [exposure(table) for table in tables], [top_share(table, 10) for table in tables]
    for result, whole, low, estimate, high in (
        (seen, truth, "ratio_low", "ratio", "ratio_high"),
        (seen, truth, "low", "exposure", "high"),
        (tops, top_truth, "low", "share", "high"),
    ):
        goal = getattr(whole, estimate)[1]
        covered = [getattr(r, low)[1] <= goal <= getattr(r, high)[1] for r in result]
        assert np.mean(covered) >= 0.92
    assert np.mean([s.p[1] <= 0.05 for s in seen]) >= 0.5


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_top_p_value_is_fishers(a: int, b: int, c: int, d: int) -> None:
    found = top_share([[a, b], [c, d]], k=1)
    expected = stats.fisher_exact([[a, b], [c, d]]).pvalue if a + b + c + d else 1.0
    assert found.p == pytest.approx([expected, expected], rel=1e-6)


@pytest.mark.parametrize(
    "cells", [(5_020_000, 4_980_000, 4_990_000, 5_010_000), (30, 9_999_970, 5, 9_999_995)]
)
def test_top_p_value_of_millions(cells: tuple[int, int, int, int]) -> None:
    a, b, c, d = cells
    found = top_share([[a, b], [c, d]], k=1).p[0]
    chance = stats.hypergeom(a + b + c + d, a + b, a + c)
    # Equal groups: the distribution is symmetric, the two-sided p-value twice a tail.
    assert found == pytest.approx(2 * chance.sf(a - 1), rel=1e-3)
    assert 0 < top_share([[10**7, 0], [0, 10**7]], k=1).p[0] < 1e-300


@given(ANY, st.integers(0, 10), st.floats(0.5, 0.999))
def test_top_always_gives_numbers(table: Array, k: int, confidence: float) -> None:
    table = np.minimum(table, 1e14)
    top = top_share(table, k, confidence)
    assert np.all(np.isfinite(values(top)))
    assert np.all((top.low >= 0) & (top.low <= top.share + 1e-12))
    assert np.all((top.share <= top.high + 1e-12) & (top.high <= 1))
    assert np.all((top.ratio_low <= top.ratio + 1e-9) & (top.ratio <= top.ratio_high + 1e-9))
    assert np.all((top.p >= 0) & (top.p <= 1))
    if top.top.sum() > 0:
        assert top.share.sum() == pytest.approx(1)
    if k >= table.shape[1]:
        assert top.share == pytest.approx(top.share_of_all)
        assert top.p == pytest.approx(np.ones(len(table)))


def test_top_by_hand() -> None:
    top = top_share([[8, 6, 4, 2], [2, 4, 6, 8], [0, 0, 0, 0]], k=2)
    assert top.share.tolist() == [0.7, 0.3, 0]
    assert top.ratio.tolist() == [1.4, 0.6, 1]
    assert (top.ratio_low[2], top.ratio_high[2], top.p[2]) == (0, MOST, 1)
    # Geyik et al. (2019), definition 1, with half a member more in every count
    assert top.skew[0] == pytest.approx(math.log((14.5 / 21.5) / (20.5 / 41.5)))
    # A top of 3 with 1 of the other group at most: the share cannot be below 2 / 3.
    assert top_share([[2, 7, 0], [1, 0, 0]], k=1).low[0] == pytest.approx(2 / 3)


def test_ndkl_by_hand() -> None:
    # Geyik et al. (2019), definition 3: (1 * log 2 + 0.6309 * 0) / (1 + 0.6309)
    assert ndkl([[1, 0], [0, 1]]) == pytest.approx(math.log(2) / (1 + 1 / math.log2(3)))
    assert ndkl([[2, 2, 2], [1, 1, 1]]) == pytest.approx(0, abs=1e-15)
    assert ndkl(np.zeros((2, 3))) == 0


@given(ANY)
def test_ndkl_is_a_divergence(table: Array) -> None:
    found = ndkl(table)
    assert 0 <= found < 1_000
    assert ndkl(table[::-1]) == pytest.approx(found, rel=1e-9, abs=1e-12)
