"""Adjustments of Holm, and of Benjamini and Hochberg."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from paribus.stats.multiplicity import benjamini_hochberg, holm

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


def test_benjamini_hochberg_known() -> None:
    # Benjamini & Hochberg (1995), section 4.1: four rejected at 0.05; R 4.2.2, p.adjust "BH"
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1]
    adjusted = [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.0638571428571429, 0.0638571428571429]
    adjusted += [0.0645, 0.0765, 0.486, 0.581181818181818, 0.714875, 0.753230769230769]
    adjusted += [0.813214285714286, 1]
    assert benjamini_hochberg(p) == pytest.approx(adjusted, abs=1e-12)
    assert benjamini_hochberg(np.array(p[::-1])) == pytest.approx(adjusted[::-1], abs=1e-12)
    assert (benjamini_hochberg(p) <= 0.05).sum() == 4
    # R 4.2.2, with ties and a zero
    assert benjamini_hochberg([0.01, 0.01, 0.04, 0.5, 0]) == pytest.approx(
        [0.0166666666666667, 0.0166666666666667, 0.05, 0.5, 0], abs=1e-12
    )


def test_benjamini_hochberg_of_none_and_one() -> None:
    assert benjamini_hochberg([]).shape == (0,)
    assert benjamini_hochberg([0.03]).tolist() == [0.03]


@settings(max_examples=20)
@given(P_VALUES.filter(len))
def test_benjamini_hochberg_equals_scipy(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p), rel=1e-12)


@given(P_VALUES | st.lists(st.sampled_from([0.0, 0.01, 0.04, 0.5, 1.0]), max_size=20))
def test_benjamini_hochberg_lies_between_p_and_holm(p: list[float]) -> None:
    adjusted = benjamini_hochberg(p)
    assert (np.array(p) <= adjusted).all()
    assert (adjusted <= holm(p) * (1 + 1e-12)).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    assert benjamini_hochberg(p[::-1]).tolist() == adjusted.tolist()[::-1]
    assert len(set(adjusted.tolist())) <= len(set(p))
