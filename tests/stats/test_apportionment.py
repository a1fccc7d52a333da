"""Whole numbers with the same sum, each near its quota."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paribus.stats.apportionment import largest_remainder


def test_known_answer() -> None:
    # The Alabama paradox: a house of 11 gives the third less than one of 10 does (Balinski and
    # Young 2001, chapter 5; the numbers are those of textbooks, 6, 6 and 2 in 14).
    assert largest_remainder(np.array([6, 6, 2]) * 10 / 14, 10).tolist() == [4, 4, 2]
    assert largest_remainder(np.array([6, 6, 2]) * 11 / 14, 11).tolist() == [5, 5, 1]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=9), st.integers(1, 10_000))
def test_sum_and_quota(sizes: list[int], total: int) -> None:
    if not sum(sizes):
        sizes = [1]
    quotas = np.array(sizes) * (total / sum(sizes))
    out = largest_remainder(quotas, total)
    assert out.sum() == total
    assert (np.abs(out - quotas) < 1).all()
    assert (out[quotas == 0] == 0).all()


def test_rounding_of_whole_quotas_changes_nothing() -> None:
    third = np.array([0.1, 0.2, 0.7]) * 3 / 0.1
    assert largest_remainder(third, 30).tolist() == [3, 6, 21]


@pytest.mark.parametrize("quotas", [[], [0.0, 0.0]])
def test_nothing(quotas: list[float]) -> None:
    assert largest_remainder(np.array(quotas), 0).sum() == 0
