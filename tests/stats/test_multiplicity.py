"""Holm's adjustment."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from paribus.stats.multiplicity import holm

P_VALUES = st.lists(st.floats(0.0, 1.0), max_size=40)


def test_known_answers() -> None:
    # Benjamini & Hochberg (1995), the 15 p-values of section 4.1; R 4.2.2, p.adjust "holm"
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1]
    adjusted = [0.0015, 0.0056, 0.0247, 0.114, 0.2211, 0.278, 0.278, 0.278, 0.3213]
    adjusted += [1, 1, 1, 1, 1, 1]
    assert holm(p) == pytest.approx(adjusted, abs=1e-12)
    assert holm(np.array(p[::-1])) == pytest.approx(adjusted[::-1], abs=1e-12)
    # R 4.2.2, with ties and a zero
    assert holm([0.01, 0.01, 0.04, 0.5, 0]) == pytest.approx([0.04, 0.04, 0.08, 0.5, 0])


def test_none_and_one() -> None:
    assert holm([]).shape == (0,)
    assert holm([0.03]).tolist() == [0.03]


@settings(max_examples=20)  # statsmodels takes its time
@given(P_VALUES.filter(len))
def test_equals_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


@given(P_VALUES)
def test_adjusted_are_larger_ordered_alike_and_follow_the_input(
    p: list[float],
) -> None:
    adjusted = holm(p)
    assert ((np.array(p) <= adjusted) & (adjusted <= 1)).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    assert holm(p[::-1]).tolist() == adjusted.tolist()[::-1]
