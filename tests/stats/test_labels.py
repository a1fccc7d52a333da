"""Paired answers of several labels: homogeneity of the margins, and symmetry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.special import chdtrc
from statsmodels.stats.contingency_tables import SquareTable

from paribus.stats.labels import bowker, stuart_maxwell
from paribus.stats.paired import mcnemar_asymptotic

Table = NDArray[np.int64]

# Unaided distance vision of the two eyes of 7,477 women, Stuart (1953, 1955)
VISION = np.array(
    [[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]]
)


@st.composite
def tables(draw: st.DrawFn, least: int = 0) -> Table:
    k = draw(st.integers(1, 6))
    counts = st.integers(least, 5) | st.integers(least, 10**7)
    return draw(hnp.arrays(np.int64, (k, k), elements=counts))


def test_vision_of_stuart_and_bowker() -> None:
    # Stuart (1955): 11.96 with 3 degrees of freedom. R, mcnemar.test: 19.107, df 6, p 0.003987
    statistic, df, p = stuart_maxwell(VISION)
    assert (statistic, df) == (pytest.approx(11.9566, abs=5e-5), 3)
    assert p == pytest.approx(0.007533, abs=5e-7)
    statistic, df, p = bowker(VISION)
    assert (statistic, df) == (pytest.approx(19.107, abs=5e-4), 6)
    assert p == pytest.approx(0.003987, abs=5e-7)


@given(tables(least=1))
def test_equal_statsmodels_where_every_cell_counts(table: Table) -> None:
    if len(table) == 1:
        return
    oracle = SquareTable(table, shift_zeros=False)
    statistic, df, p = stuart_maxwell(table)
    expected = oracle.homogeneity()
    assert df == expected.df
    assert statistic == pytest.approx(expected.statistic, rel=1e-5, abs=1e-6)
    assert p == pytest.approx(expected.pvalue, rel=1e-5, abs=1e-6)
    statistic, df, p = bowker(table)
    expected = oracle.symmetry()
    assert df == expected.df
    assert statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-280)


@given(st.integers(0, 10**5), st.integers(0, 10**5), st.integers(0, 9), st.integers(0, 9))
def test_two_labels_are_mcnemar(n12: int, n21: int, n11: int, n22: int) -> None:
    table = np.array([[n11, n12], [n21, n22]])
    expected = pytest.approx(mcnemar_asymptotic(n12, n21), rel=1e-8, abs=1e-280)
    assert stuart_maxwell(table)[2] == expected
    assert bowker(table)[2] == expected
    assert stuart_maxwell(table)[1] == bowker(table)[1] == min(1, n12 + n21)


@pytest.mark.parametrize("test", [stuart_maxwell, bowker])
def test_agreement_says_nothing(test: type[stuart_maxwell]) -> None:
    assert test(np.diag([5, 0, 7])) == (0.0, 0, 1.0)
    assert test(np.zeros((4, 4), dtype=int)) == (0.0, 0, 1.0)
    assert test(np.array([[3]])) == (0.0, 0, 1.0)
    assert test(np.empty((0, 0), dtype=int)) == (0.0, 0, 1.0)


def test_labels_without_changes_do_not_count() -> None:
    padded = np.zeros((6, 6), dtype=int)
    padded[np.ix_([0, 2, 3, 5], [0, 2, 3, 5])] = VISION
    padded[4, 4] = 1000
    assert stuart_maxwell(padded) == pytest.approx(stuart_maxwell(VISION), rel=1e-12)
    assert bowker(padded) == pytest.approx(bowker(VISION), rel=1e-12)


def test_separate_sets_of_labels_add_up() -> None:
    apart = np.zeros((4, 4), dtype=int)
    apart[0, 2], apart[2, 0] = 9, 3  # labels 0 and 2 change only into each other
    apart[1, 3], apart[3, 1] = 2, 7
    expected = 6**2 / 12 + 5**2 / 9
    for test in (stuart_maxwell, bowker):
        statistic, df, p = test(apart)
        assert (statistic, df) == (pytest.approx(expected), 2)
        assert p == pytest.approx(chdtrc(2, expected))


def test_a_circle_of_changes_keeps_the_margins_but_no_symmetry() -> None:
    circle = np.array([[0, 10, 0], [0, 0, 10], [10, 0, 0]])
    assert stuart_maxwell(circle) == (0.0, 2, 1.0)
    assert bowker(circle) == (30.0, 3, pytest.approx(chdtrc(3, 30.0)))


@given(tables(), st.randoms(use_true_random=False))
def test_laws(table: Table, random: np.random.Generator) -> None:
    order = list(range(len(table)))
    random.shuffle(order)
    shuffled = table[np.ix_(order, order)]
    for test in (stuart_maxwell, bowker):
        statistic, df, p = test(table)
        assert 0 <= statistic < np.inf
        assert 0 <= p <= 1
        assert df <= len(table) * (len(table) - 1) // 2
        for other in (table.T, shuffled):
            assert test(other) == pytest.approx((statistic, df, p), rel=1e-6, abs=1e-6)
    assert stuart_maxwell(table)[1] <= max(0, len(table) - 1)


@given(tables())
def test_equals_the_pseudo_inverse(table: Table) -> None:
    small = np.minimum(table, 50)
    changes = small + small.T
    covariance = np.diag(changes.sum(axis=0)) - changes
    difference = small.sum(axis=1) - small.sum(axis=0)
    inverse = np.linalg.pinv(covariance.astype(float), rcond=1e-10, hermitian=True)
    statistic, df, _ = stuart_maxwell(small)
    assert statistic == pytest.approx(difference @ inverse @ difference, rel=1e-8, abs=1e-8)
    assert df == np.linalg.matrix_rank(covariance, tol=1e-8)


def test_claims_are_seldom_false() -> None:
    generator = np.random.default_rng(7)
    rates = np.array([[0.3, 0.04, 0.02], [0.04, 0.3, 0.05], [0.02, 0.05, 0.18]])
    draws = generator.multinomial(400, rates.ravel(), size=2000).reshape(-1, 3, 3)
    for test in (stuart_maxwell, bowker):
        false = np.mean([test(table)[2] <= 0.05 for table in draws])
        assert 0.035 < false < 0.06
