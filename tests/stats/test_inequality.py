"""Inequality of benefits: published numbers, and laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from paribus.stats.inequality import between_group_entropy, generalized_entropy

# ProPublica, compas-scores-two-years.csv: African-American and Caucasian, where not to be recorded
# again is the favorable outcome; label is two_year_recid, decision is decile_score >= 5.
NOT_AGAIN = np.array([[[1369, 532], [805, 990]], [[505, 461], [349, 1139]]])


def test_compas_inequality_of_aif360() -> None:
    # aif360 0.6.1: theil_index, generalized_entropy_index (alpha 2), coefficient_of_variation,
    # between_group_theil_index
    assert generalized_entropy(NOT_AGAIN, 1)[0] == pytest.approx(0.25638074267736866, abs=1e-12)
    entropy = float(generalized_entropy(NOT_AGAIN, 2)[0])
    assert entropy == pytest.approx(0.1837025279356004, abs=1e-12)
    assert math.sqrt(2 * entropy) == pytest.approx(0.6061394689930699, abs=1e-12)
    between = between_group_entropy(NOT_AGAIN, 1)[0]
    assert between == pytest.approx(0.0017919515986287333, abs=1e-12)


def test_equal_benefits_are_no_inequality() -> None:
    right = np.array([[[5, 0], [0, 3]], [[2, 0], [0, 9]]])
    for alpha in (1, 2):
        assert generalized_entropy(right, alpha) == (0, True)
        assert between_group_entropy(NOT_AGAIN[[0, 0]], alpha)[0] == pytest.approx(0, abs=1e-15)


def test_without_a_benefit_nothing_is_defined() -> None:
    denied = np.array([[[0, 0], [4, 0]]])
    for cells in (np.zeros((0, 2, 2)), np.zeros((3, 2, 2)), denied):
        for alpha in (1, 2):
            assert generalized_entropy(cells, alpha) == (0, False)
            assert between_group_entropy(cells, alpha) == (0, False)


WEIGHTS = st.one_of(
    st.just(0.0), st.floats(1e-100, 1e100), st.integers(0, 10**7).map(float), st.just(1.0)
)
TABLES = st.integers(0, 6).flatmap(lambda g: arrays(np.float64, (g, 2, 2), elements=WEIGHTS))


@settings(max_examples=60)
@given(TABLES)
def test_the_part_between_groups_is_at_most_the_whole(cells: NDArray[np.float64]) -> None:
    for alpha in (1, 2):
        total, part = generalized_entropy(cells, alpha), between_group_entropy(cells, alpha)
        assert total[1] == part[1]
        assert 0 <= part[0] <= total[0] * (1 + 1e-9) + 1e-12
        assert total[0] < math.inf


@settings(max_examples=30)
@given(arrays(np.int64, (3, 2, 2), elements=st.integers(1, 9)), st.floats(1e-3, 1e3))
def test_weights_have_no_unit(cells: NDArray[np.int64], unit: float) -> None:
    for alpha in (1, 2):
        scaled = generalized_entropy(cells * unit, alpha)[0]
        assert scaled == pytest.approx(generalized_entropy(cells, alpha)[0], abs=1e-14)


@pytest.mark.parametrize("leading", [(1,), (7,), (3, 2)])
def test_leading_axes_are_tables_of_their_own(leading: tuple[int, ...]) -> None:
    cells = np.random.default_rng(len(leading)).integers(0, 4, size=(*leading, 3, 2, 2))
    flat = cells.reshape(-1, *cells.shape[-3:])
    for entropy in (generalized_entropy, between_group_entropy):
        for alpha in (1, 2):
            together = entropy(cells, alpha)[0]
            assert together.shape == leading
            one_by_one = np.array([entropy(t, alpha)[0] for t in flat])
            assert together.ravel() == pytest.approx(one_by_one, abs=1e-15)
