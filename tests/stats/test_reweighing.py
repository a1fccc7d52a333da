"""Reweighing: published weights, AIF360 as oracle, and independence after."""

import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paribus.stats.reweighing import cell_weights, expected, reweighing

# AIF360, examples/tutorial_credit_scoring.ipynb: German credit (UCI), the first 700 rows of
# numpy.random.seed(0) and a permutation; age at least 25, then under; good credit, then bad. It
# prints the mean difference before, and 0 after. These are the only counts of 700 rows within
# 2e-15 of it, and they give its four weights.
GERMAN = np.array([[427, 160], [63, 50]])
MEAN_DIFFERENCE = -0.1699054740619017
WEIGHTS = [[0.9623, 1.1006], [1.2556, 0.678]]


@st.composite
def tables(draw: st.DrawFn, least: int = 0) -> np.ndarray:
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    return draw(arrays(np.int64, shape, elements=st.integers(least, 6)))


@st.composite
def weighted(draw: st.DrawFn, least: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    groups, labels = rows(draw(tables(least)))
    weight = draw(arrays(np.float64, len(groups), elements=st.floats(0.01, 100)))
    return groups, labels, weight


def rows(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    group, label = np.indices(table.shape).reshape(2, -1)
    return np.repeat(group, table.ravel()), np.repeat(label, table.ravel())


def totals(groups: np.ndarray, labels: np.ndarray, weight: np.ndarray) -> np.ndarray:
    if not len(groups):
        return np.zeros((1, 1))
    table = np.zeros((groups.max() + 1, labels.max() + 1))
    np.add.at(table, (groups, labels), weight)
    return table


def test_german_credit() -> None:
    old, young = GERMAN / GERMAN.sum(axis=1, keepdims=True)
    assert young[0] - old[0] == pytest.approx(MEAN_DIFFERENCE, rel=1e-15)
    assert cell_weights(GERMAN) == pytest.approx(np.array(WEIGHTS), abs=5e-5)
    groups, labels = rows(GERMAN)
    after = totals(groups, labels, reweighing(groups, labels))
    old, young = after / after.sum(axis=1, keepdims=True)
    assert young[0] - old[0] == pytest.approx(0, abs=1e-14)
    assert old[0] == pytest.approx(490 / 700)
    assert after == pytest.approx(expected(GERMAN))


def test_kamiran_and_calders() -> None:
    # Their example of ten applicants, sex by class: a rejected woman weighs 0.67, an
    # accepted woman 1.5, a rejected man 2 and an accepted man 0.75.
    table = np.array([[3, 2], [1, 4]])
    assert cell_weights(table) == pytest.approx(np.array([[2 / 3, 1.5], [2.0, 0.75]]))


@pytest.fixture(scope="module")
def aif360() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("aif360.datasets")
        pytest.importorskip("aif360.algorithms.preprocessing")
        return pytest.importorskip("aif360")


@pytest.mark.parametrize("seed", range(6))
def test_aif360(aif360: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 200
    group, label = rng.integers(0, 2, n), (rng.random(n) < 0.3).astype(int)
    prior = rng.uniform(0.1, 5, n) if seed % 2 else np.ones(n)
    dataset = aif360.datasets.BinaryLabelDataset(
        df=pd.DataFrame({"group": group, "label": label, "prior": prior}, dtype=float),
        label_names=["label"],
        protected_attribute_names=["group"],
        instance_weights_name="prior",
    )
    oracle = aif360.algorithms.preprocessing.Reweighing([{"group": 0.0}], [{"group": 1.0}])
    theirs = oracle.fit_transform(dataset).instance_weights
    ours = reweighing(group, label, weight=prior if seed % 2 else None)
    assert ours == pytest.approx(theirs, rel=1e-13)


@given(weighted(least=1))
def test_independent_after(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    groups, labels, prior = data
    before = totals(groups, labels, prior)
    weight = reweighing(groups, labels, weight=prior)
    after = totals(groups, labels, weight)
    assert after == pytest.approx(expected(before))
    assert after.sum(axis=1) == pytest.approx(before.sum(axis=1))
    assert after.sum(axis=0) == pytest.approx(before.sum(axis=0))
    assert reweighing(groups, labels, weight=weight) == pytest.approx(weight)


@given(weighted())
def test_empty_cells(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    groups, labels, prior = data
    before = totals(groups, labels, prior)
    after = totals(groups, labels, reweighing(groups, labels, weight=prior))
    goal = expected(before)
    assert after == pytest.approx(np.where(before > 0, goal, 0.0))
    assert after.sum() == pytest.approx(before.sum() - goal[before == 0].sum())
    rates = before.sum(axis=0) / max(before.sum(), 1e-300)
    occurring = before.sum(axis=0) > 0
    for row in after[(before[:, occurring] > 0).all(axis=1)]:
        assert row / max(row.sum(), 1e-300) == pytest.approx(rates)


def test_a_group_without_a_label() -> None:
    # The documented case: the group stays at 0, the other reaches the common rate of 1/3.
    groups, labels = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 0, 1, 1])
    weight = reweighing(groups, labels)
    assert weight == pytest.approx(np.array([2 / 3, 2 / 3, 2 / 3, 2.0, 0.5, 0.5]))
    assert weight.sum() == pytest.approx(6 - expected(np.array([[3, 0], [1, 2]]))[0, 1])


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 9), st.integers(1, 9))
def test_independent_already(a: int, b: int, c: int, d: int) -> None:
    groups, labels = rows(np.outer([a, b], [c, d]))
    assert (reweighing(groups, labels) == 1.0).all()


@given(weighted(), st.randoms(use_true_random=False))
def test_permuted_and_relabeled(
    data: tuple[np.ndarray, np.ndarray, np.ndarray], random: Any
) -> None:
    groups, labels, prior = data
    weight = reweighing(groups, labels, weight=prior)
    order = np.array(random.sample(range(len(groups)), len(groups)), dtype=int)
    permuted = reweighing(groups[order], labels[order], weight=prior[order])
    assert permuted == pytest.approx(weight[order])
    names, others = (np.array(random.sample(range(7), 4)) for _ in range(2))
    assert reweighing(names[groups], others[labels], weight=prior) == pytest.approx(weight)
    # Codes so far apart that no table could hold them.
    far = reweighing(names[groups] * 10**9, others[labels] * 10**9, weight=prior)
    assert far == pytest.approx(weight)


@given(weighted())
def test_prior_of_ones_is_none(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    groups, labels, _ = data
    assert (
        reweighing(groups, labels) == reweighing(groups, labels, weight=np.ones(len(groups)))
    ).all()


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int16, np.uint32, np.uint64])
def test_any_whole_dtype(dtype: type) -> None:
    rng = np.random.default_rng(3)
    groups, labels = rng.integers(0, 2, 500), rng.integers(0, 2, 500)
    if dtype is not bool:
        groups = groups * 120
    result = reweighing(groups.astype(dtype), labels.astype(dtype))
    assert result.dtype == np.float64
    assert (result == reweighing(groups, labels)).all()


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 2),
            st.one_of(st.just(0.0), st.floats(1e-100, 1e100), st.sampled_from([1e-100, 1e100])),
        ),
        max_size=12,
    )
)
def test_always_finite(data: list[tuple[int, int, float]]) -> None:
    groups, labels = (np.array([row[i] for row in data], dtype=np.int64) for i in (0, 1))
    prior = np.array([row[2] for row in data])
    weight = reweighing(groups, labels, weight=prior)
    assert np.isfinite(weight).all()
    assert ((weight > 0) == (prior > 0)).all()


def test_zero_weight_rows_count_for_nothing() -> None:
    groups, labels = rows(GERMAN)
    prior = np.append(np.ones(700), [0.0, 0.0])
    weight = reweighing(np.append(groups, [2, 0]), np.append(labels, [3, 3]), weight=prior)
    assert weight[:700] == pytest.approx(reweighing(groups, labels))
    assert (weight[700:] == 0).all()


def test_tables_at_the_edges() -> None:
    for shape in ((0, 0), (0, 2), (3, 2)):
        assert (cell_weights(np.zeros(shape)) == np.ones(shape)).all()
        assert (expected(np.zeros(shape)) == np.zeros(shape)).all()
    extreme = np.array([[1e-150, 1e150], [1e150, 1e150]])
    factors = cell_weights(extreme)
    assert (factors > 0).all()
    assert (factors <= sys.float_info.max).all()
    assert len(reweighing(np.array([], dtype=int), np.array([], dtype=int))) == 0
    assert reweighing(np.array([4]), np.array([2])).tolist() == [1.0]


@pytest.mark.parametrize(
    ("groups", "labels", "weight", "message"),
    [
        ([0, -1], [0, 1], None, "groups has negative codes"),
        ([0, 1], [0, -1], None, "labels has negative codes"),
        ([0, 1], [0.0, 1.0], None, "labels must be whole numbers"),
        ([[0, 1]], [0, 1], None, "groups must be whole numbers in one dimension"),
        ([0, 1], [0], None, "2 groups, but 1 labels"),
        ([0, 1], [0, 1], [1.0], "weight has shape"),
        ([0, 1], [0, 1], [1.0, -1.0], "weight must be finite"),
        ([0, 1], [0, 1], [1.0, np.nan], "weight must be finite"),
        ([0, 1], [0, 1], [1.0, np.inf], "weight must be finite"),
    ],
)
def test_bad_input(groups: Any, labels: Any, weight: Any, message: str) -> None:
    given_weight = None if weight is None else np.array(weight)
    with pytest.raises(ValueError, match=message):
        reweighing(np.array(groups), np.array(labels), weight=given_weight)
