"""The strongest and the weakest of all pairs are those of the plain p-values, and bounds hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from paribus.stats._guard import at_most, guarded, p_newcombe
from paribus.stats.all_pairs import largest_p_within, smallest_fisher, smallest_p_beyond
from paribus.stats.fisher import p_at_least, p_at_most
from paribus.stats.independent import fisher, p_beyond, p_within

Rows = NDArray[np.float64]
TOLERANCE = st.sampled_from([0.0, 0.01, 0.05, 0.2, 0.6, 1.5])


def drawn(seed: int, pairs: int, most: float, *, whole: bool = True, apart: float = 0.1) -> Rows:
    rng = np.random.default_rng(seed)
    n1, n2 = np.floor(most ** rng.uniform(0, 1, (2, pairs)))
    k1 = rng.binomial(n1.astype(int), rng.beta(0.5, 0.5, pairs))
    k2 = rng.binomial(n2.astype(int), np.clip(k1 / n1 + rng.normal(0, apart, pairs), 0, 1))
    scale = 1.0 if whole else rng.uniform(0.01, 1, pairs)
    return np.array([k1, n1, k2, n2]) * scale


def everybody(groups: int, rates: Rows, seed: int = 1) -> Rows:
    n = np.full(groups, 20_000.0)
    k = np.random.default_rng(seed).binomial(20_000, rates).astype(float)
    i, j = np.triu_indices(groups, 1)
    return np.array([k[i], n[i], k[j], n[j]])


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 60),
    st.sampled_from([5.0, 30.0, 1e3, 1e5, 1e8]),
    st.booleans(),
    st.sampled_from([0.0, 0.02, 0.1]),
    TOLERANCE,
)
def test_they_equal_the_extremes_of_the_plain_p_values(
    seed: int, pairs: int, most: float, whole: bool, apart: float, tolerance: float
) -> None:
    rows = drawn(seed, pairs, most, whole=whole, apart=apart)
    rows[:, ::7] = np.array([0.0, 0.0, 1.0, 3.0])[:, None] if seed % 5 == 0 else rows[:, ::7]
    expected = p_beyond(*rows, tolerance).min()
    assert smallest_p_beyond(*rows, tolerance) == pytest.approx(expected, rel=1e-11)
    expected = p_within(*rows, tolerance).max()
    assert largest_p_within(*rows, tolerance) == pytest.approx(expected, rel=1e-11)
    assert smallest_fisher(*rows) == pytest.approx(fisher(*rows).min(), rel=1e-11)


@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.05, 0.15])
@pytest.mark.parametrize("rates", [(0.3, 0.3), (0.28, 0.32), (0.45, 0.55), (0.1, 0.9)])
def test_all_pairs_of_large_groups(rates: tuple[float, float], tolerance: float) -> None:
    rows = everybody(16, np.linspace(*rates, 16))
    expected = p_beyond(*rows, tolerance).min()
    assert smallest_p_beyond(*rows, tolerance) == pytest.approx(expected, rel=1e-11)
    expected = p_within(*rows, tolerance).max()
    assert largest_p_within(*rows, tolerance) == pytest.approx(expected, rel=1e-11)
    assert smallest_fisher(*rows) == pytest.approx(fisher(*rows).min(), rel=1e-11)


def test_without_a_pair_there_is_no_claim() -> None:
    none: list[float] = []
    assert smallest_p_beyond(none, none, none, none, 0.1) == 1
    assert largest_p_within(none, none, none, none, 0.1) == 1
    assert smallest_fisher(none, none, none, none) == 1
    for empty in ((0, 0, 5, 9), (0, 0, 0, 0)):
        assert smallest_p_beyond(*empty) == smallest_fisher(*empty) == 1
        assert largest_p_within(*empty, 0.5) == 1


def test_extreme_counts() -> None:
    rows = np.array([[1e99, 2e100, 3e99, 2e100], [1, 1e100, 1, 1e7], [3, 4, 1, 4]]).T
    assert smallest_p_beyond(*rows) == p_beyond(*rows).min()
    assert smallest_fisher(*rows) == fisher(*rows).min()
    assert largest_p_within(*rows, 0.9) == p_within(*rows, 0.9).max()


@pytest.mark.parametrize("most", [5.0, 40.0, 1e3, 1e5])
def test_bounds_enclose_fisher(most: float) -> None:
    rows = drawn(3, 1500, most)
    exact = fisher(*rows)
    assert (np.exp(p_at_least(*rows)) <= exact).all()
    assert (exact <= np.exp(np.minimum(p_at_most(*rows), 0.0)) * (1 + 1e-12)).all()
    # A bound of 0 would hold, too: it is tight where it matters.
    usual = (exact < 0.5) & (exact > 1e-250)
    assert (np.log(exact[usual]) - p_at_least(*rows)[usual]).max() < 2


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("most", [5.0, 40.0, 1e3, 1e5, 1e7])
def test_the_bound_of_the_guard_is_above_it(most: float, whole: bool) -> None:
    for t in (-0.05, -0.3, 0.0, 0.1):
        k1, n1, k2, n2 = drawn(4, 1000, most, whole=whole)
        p = p_newcombe(k1, n1, k2, n2, t)
        some = p <= 0.2
        p, k1, n1, k2, n2 = (x[some] for x in (p, k1, n1, k2, n2))
        assert (guarded(p, k1, n1, k2, n2, t) <= at_most(p, k1, n1, k2, n2, t)).all()
