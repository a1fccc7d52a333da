"""Areas under ROC curves: scikit-learn and a direct DeLong as oracles, laws, coverage."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.special import expit, ndtri
from scipy.stats import brunnermunzel
from sklearn.metrics import roc_auc_score, roc_curve

from paribus.stats.discrimination import (
    Auc,
    auc,
    auc_difference,
    p_auc_beyond,
    p_auc_within,
    roc,
)

Array = NDArray[np.float64]

COUNTS = st.integers(0, 4) | st.integers(0, 10**7)
TABLES = hnp.arrays(np.float64, st.tuples(st.just(2), st.integers(1, 12)), elements=COUNTS)
ANY_TABLES = TABLES | hnp.arrays(
    np.float64,
    st.tuples(st.just(2), st.integers(0, 6)),
    elements=st.sampled_from([0.0, 1e-100, 0.3, 1.0, 5.0, 1e100]) | st.floats(1e-3, 1e6),
)
CONFIDENCE = st.floats(0.5, 0.999)


def histogram(zeros: Array, ones: Array) -> tuple[Array, Array]:
    values, codes = np.unique(np.concatenate([zeros, ones]), return_inverse=True)
    k = len(values)
    return (
        np.bincount(codes[: len(zeros)], minlength=k).astype(np.float64),
        np.bincount(codes[len(zeros) :], minlength=k).astype(np.float64),
    )


def rows(table: Array) -> tuple[Array, Array]:
    scores = np.arange(table.shape[1], dtype=np.float64)
    zeros, ones = (np.repeat(scores, counts.astype(int)) for counts in table)
    return zeros, ones


def delong(zeros: Array, ones: Array) -> tuple[float, float]:
    """Equations 3 to 6 of DeLong et al. (1988), pair by pair."""
    beats = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    by_one, by_zero = beats.mean(axis=1), beats.mean(axis=0)
    variance = by_one.var(ddof=1) / len(ones) + by_zero.var(ddof=1) / len(zeros)
    return float(beats.mean()), float(variance)


def normal_auc(rng: np.random.Generator, m: int, n: int, area: float) -> Auc:
    return auc(*histogram(rng.normal(size=m), rng.normal(math.sqrt(2) * ndtri(area), size=n)))


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.just(2), st.integers(2, 8)),
        elements=st.integers(0, 6).map(float),
    )
)
def test_equals_sklearn_and_a_direct_delong(table: Array) -> None:
    zeros, ones = rows(table)
    if min(len(zeros), len(ones)) < 2:
        return
    area = auc(*table)
    labels = np.repeat([0, 1], [len(zeros), len(ones)])
    scores = np.concatenate([zeros, ones])
    assert area.estimate == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    estimate, variance = delong(zeros, ones)
    assert area.estimate == pytest.approx(estimate, abs=1e-12)
    assert area.se**2 == pytest.approx(variance, abs=1e-12)
    ties = (ones[:, None] == zeros).mean()
    assert area.slack == pytest.approx(ties / 2, abs=1e-12)


def test_the_test_statistic_is_that_of_brunner_and_munzel() -> None:
    rng = np.random.default_rng(3)
    zeros, ones = rng.normal(size=30), rng.normal(0.6, size=25)
    area = auc(*histogram(zeros, ones))
    statistic = brunnermunzel(zeros, ones).statistic
    assert (area.estimate - 0.5) / area.se == pytest.approx(statistic, rel=1e-9)


def test_one_row_more_in_the_interval() -> None:
    # By hand: each positive beats 0.75 and 1 of the negatives, each negative loses to 1 and 0.75.
    area = auc([1, 1, 0], [0, 1, 1])
    assert (area.estimate, area.se) == (0.875, pytest.approx(math.sqrt(2 * 0.015625)))
    most = 0.875 * 0.125
    assert area.logit_se == pytest.approx(math.sqrt(2 * (2 * 0.015625 + most) / 3) / most)
    assert area.freedom == pytest.approx(2.0)


def test_perfect_separation_and_constants() -> None:
    perfect = auc([20, 0], [0, 20])
    # Wilson for 20 of 20: n / (n + z^2)
    z = float(ndtri(0.975))
    assert (perfect.estimate, perfect.se, perfect.high) == (1.0, 0.0, 1.0)
    assert perfect.low == pytest.approx(20 / (20 + z * z))
    reversed_ = auc([0, 20], [20, 0])
    assert (reversed_.estimate, reversed_.low) == (0.0, 0.0)
    assert reversed_.high == pytest.approx(1 - perfect.low)
    constant = auc([20], [30])
    half = (1 - 0.025 ** (1 / 20 + 1 / 30)) / 2
    assert (constant.estimate, constant.se, constant.slack) == (0.5, 0.0, 0.5)
    assert (constant.low, constant.high) == pytest.approx((0.5 - half, 0.5 + half))
    single = auc([0, 1, 0], [1, 1, 2])
    assert single.estimate == 0.625
    assert single.low < 0.1
    assert single.high > 0.95


def test_without_one_of_the_labels() -> None:
    for area in (auc([], []), auc([0, 0], [3, 4]), auc([3, 4], [0, 0])):
        assert (area.estimate, area.low, area.high, area.defined) == (0.5, 0.0, 1.0, False)
    gap = auc_difference(auc([0], [1]), auc([1, 0], [0, 1]))
    assert (gap.estimate, gap.low, gap.high, gap.p, gap.defined) == (0, -1, 1, 1, False)
    assert p_auc_beyond(auc([0], [1]), auc([5, 0], [0, 5]), 0.1) == 1.0
    assert p_auc_within(auc([0], [1]), auc([5, 0], [0, 5]), 0.1) == 1.0


@example(np.array([[1e-100, 5.0], [5.0, 1e-100]]), 0.5)
@given(ANY_TABLES, CONFIDENCE)
def test_always_finite_ordered_and_mirrored(table: Array, confidence: float) -> None:
    area = auc(*table, confidence)
    assert all(math.isfinite(getattr(area, name)) for name in Auc.__slots__)
    assert 0 <= area.low <= area.estimate <= area.high <= 1
    assert 0 <= area.slack <= 0.5
    mirrored = auc(table[1], table[0], confidence)
    assert mirrored.estimate == pytest.approx(1 - area.estimate, abs=1e-9)
    assert mirrored.low == pytest.approx(1 - area.high, abs=1e-6)
    flipped = auc(*table[:, ::-1], confidence)
    assert flipped.estimate == pytest.approx(1 - area.estimate, abs=1e-9)
    assert auc(*table, (1 + confidence) / 2).low <= area.low + 1e-12


@given(TABLES, st.floats(0.1, 50))
def test_weights_count_as_their_effective_rows(table: Array, weight: float) -> None:
    sizes = (float(table[0].sum()), float(table[1].sum()))
    plain, weighted = auc(*table), auc(*(table * weight), effective=sizes)
    assert weighted.estimate == pytest.approx(plain.estimate, abs=1e-9)
    assert weighted.low == pytest.approx(plain.low, abs=1e-6)
    assert weighted.high == pytest.approx(plain.high, abs=1e-6)


@given(TABLES, st.integers(1, 4))
def test_binning_moves_the_area_by_at_most_the_slack(table: Array, width: int) -> None:
    starts = np.arange(0, table.shape[1], width)
    fine, coarse = auc(*table), auc(*np.add.reduceat(table, starts, axis=1))
    assert abs(fine.estimate - coarse.estimate) <= coarse.slack + 1e-12


@given(ANY_TABLES, ANY_TABLES, CONFIDENCE, st.floats(0, 1))
def test_differences_agree_with_their_p_values(
    first: Array, second: Array, confidence: float, tolerance: float
) -> None:
    one, other = auc(*first, confidence), auc(*second, confidence)
    gap = auc_difference(one, other, confidence)
    assert -1 <= gap.low <= gap.estimate <= gap.high <= 1
    back = auc_difference(other, one, confidence)
    assert (back.estimate, back.low, back.high) == pytest.approx(
        (-gap.estimate, -gap.high, -gap.low)
    )
    assert back.p == pytest.approx(gap.p)
    assert 0 < gap.p <= 1
    beyond, within = p_auc_beyond(one, other, tolerance), p_auc_within(one, other, tolerance)
    assert 0 < beyond <= 1
    assert 0 < within <= 1
    assert max(beyond, within) >= 0.5
    if abs(beyond - (1 - confidence)) > 1e-6:
        outside = gap.low > tolerance or gap.high < -tolerance
        assert (
            outside == (beyond < 1 - confidence)
            or not gap.defined
            or min(abs(gap.low - tolerance), abs(gap.high + tolerance)) < 1e-9
        )


def test_difference_of_large_groups_is_the_z_test() -> None:
    rng = np.random.default_rng(8)
    one, other = normal_auc(rng, 20_000, 20_000, 0.72), normal_auc(rng, 20_000, 20_000, 0.71)
    gap = auc_difference(one, other)
    se = math.hypot(one.se, other.se)
    assert gap.high - gap.low == pytest.approx(2 * 1.959964 * se, rel=1e-3)
    assert gap.p == pytest.approx(math.erfc(abs(gap.estimate) / se / math.sqrt(2)), rel=0.01)
    assert p_auc_within(one, other, 0.05) < 1e-6
    assert p_auc_beyond(one, other, 0.05) == 1.0


@pytest.mark.parametrize(
    ("m", "n", "area"),
    [(20, 20, 0.5), (20, 20, 0.95), (200, 50, 0.7), (200, 50, 0.95), (200, 50, 0.99)],
)
def test_coverage(m: int, n: int, area: float) -> None:
    rng = np.random.default_rng(m + n)
    runs = [normal_auc(rng, m, n, area) for _ in range(600)]
    assert np.mean([run.low <= area <= run.high for run in runs]) >= 0.93
    pairs = list(pairwise(runs))[::2]
    assert np.mean([p_auc_beyond(one, other, 0.0) <= 0.05 for one, other in pairs[:200]]) <= 0.08


def test_tied_scores_are_covered_too() -> None:
    rng = np.random.default_rng(4)
    grades = np.arange(5)
    low, high = expit(1 - grades), expit(grades - 2.0)
    low, high = low / low.sum(), high / high.sum()
    truth = float(high @ (np.cumsum(low) - low / 2))
    runs = [auc(rng.multinomial(40, low), rng.multinomial(25, high)) for _ in range(600)]
    assert np.mean([run.low <= truth <= run.high for run in runs]) >= 0.93


@given(TABLES)
def test_roc_equals_sklearn(table: Array) -> None:
    table = np.minimum(table, 50)
    zeros, ones = rows(table)
    fpr, tpr = roc(*table)
    if not (len(zeros) and len(ones)):
        assert fpr.tolist() == tpr.tolist() == [0.0, 1.0]
        return
    labels = np.repeat([0, 1], [len(zeros), len(ones)])
    x, y, _ = roc_curve(labels, np.concatenate([zeros, ones]))
    # Points left out lie on the lines between those that are kept.
    assert np.trapezoid(tpr, fpr) == pytest.approx(np.trapezoid(y, x), abs=1e-9)
    corners = {(round(a, 9), round(b, 9)) for a, b in zip(x, y, strict=True)}
    assert {(round(a, 9), round(b, 9)) for a, b in zip(fpr, tpr, strict=True)} <= corners


@given(ANY_TABLES, st.integers(2, 12))
def test_roc_is_a_short_rising_curve(table: Array, most: int) -> None:
    fpr, tpr = roc(*table, most=most)
    assert 2 <= len(fpr) == len(tpr) <= most
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert np.all(np.diff(fpr) >= 0)
    assert np.all(np.diff(tpr) >= 0)


def test_a_thinned_curve_keeps_its_area() -> None:
    rng = np.random.default_rng(2)
    table = histogram(rng.normal(size=20_000), rng.normal(1, size=30_000))
    fpr, tpr = roc(*table, most=100)
    assert len(fpr) == 100
    assert np.trapezoid(tpr, fpr) == pytest.approx(auc(*table).estimate, abs=5e-4)
    assert np.max(np.diff(fpr) + np.diff(tpr)) <= 2 * 2 / 99
