"""Group metrics equal those of Fairlearn and AIF360 on the rows that a table counts.

Both give another value only where none is defined. Fairlearn takes a rate without a trial as 0,
so groups without both labels, or never selected, would enter its disparities with a false 0; and
its ratio of 0 to 0 is NaN. AIF360 divides by zero there. The tables that are compared have a
row in each margin, or the comparison is of the groups that have one.
"""

import math
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn import metrics as sklearn

from paribus.stats.confusion import (
    average_absolute_odds_difference,
    average_odds_difference,
    balanced_accuracy,
    criterion_difference,
    criterion_difference_from,
    criterion_ratio,
    f1,
    one_versus_rest,
    overall_accuracy,
    rates,
)
from paribus.stats.disparities import difference, difference_from, ratio, ratio_to
from paribus.stats.inequality import between_group_entropy, generalized_entropy

Cells = NDArray[np.int64]

TOLERANCE = 1e-12
FEW = settings(max_examples=8, deadline=None)
BY_NAME = {
    "selection rate": "selection_rate",
    "TPR": "true_positive_rate",
    "FPR": "false_positive_rate",
    "TNR": "true_negative_rate",
    "FNR": "false_negative_rate",
}


def oracle(package: str, *modules: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in modules:
            pytest.importorskip(f"{package}.{module}")
        return pytest.importorskip(package)


@pytest.fixture(scope="module")
def fairlearn() -> Any:
    return oracle("fairlearn", "metrics").metrics


@pytest.fixture(scope="module")
def aif360() -> Any:
    return oracle("aif360", "datasets", "metrics")


@st.composite
def tables(draw: st.DrawFn, groups: int = 4) -> Cells:
    """A row of each label and of each decision in each group, and else anything."""
    size = draw(st.integers(2, groups))
    cells = draw(arrays(np.int64, (size, 2, 2), elements=st.integers(0, 6)))
    diagonal = draw(arrays(np.bool_, size))
    cells[diagonal] += np.array([[1, 0], [0, 1]])
    cells[~diagonal] += np.array([[0, 1], [1, 0]])
    return cells


def rows(cells: Cells) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    group, label, decision = np.indices(cells.shape).reshape(3, -1)
    return tuple(np.repeat(each, cells.ravel()) for each in (group, label, decision))


def ratio_or_one(value: float) -> float:
    return 1.0 if math.isnan(value) else value


@FEW
@given(tables())
def test_rates_equal_fairlearn(fairlearn: Any, cells: Cells) -> None:
    group, label, decision = rows(cells)
    metrics = {ours: getattr(fairlearn, theirs) for ours, theirs in BY_NAME.items()}
    metrics |= {"accuracy": sklearn.accuracy_score, "PPV": sklearn.precision_score}
    frame = fairlearn.MetricFrame(
        metrics=metrics, y_true=label, y_pred=decision, sensitive_features=group
    )
    with np.errstate(invalid="ignore"):
        gaps, ratios = frame.difference(), frame.ratio()
    for name in metrics:
        values, defined = rates(cells, name)
        assert defined.all()
        assert values == pytest.approx(frame.by_group[name].to_numpy(), abs=TOLERANCE)
        assert difference(values, defined)[0] == pytest.approx(gaps[name], abs=TOLERANCE)
        expected = ratio_or_one(ratios[name])
        assert ratio(values, defined)[0] == pytest.approx(expected, abs=TOLERANCE)
    overall, _ = rates(cells.sum(axis=0, keepdims=True), "TPR")
    assert overall[0] == pytest.approx(frame.overall["TPR"], abs=TOLERANCE)


@FEW
@given(tables())
def test_scores_equal_sklearn(cells: Cells) -> None:
    group, label, decision = rows(cells)
    for i in range(len(cells)):
        own = group == i
        expected = sklearn.f1_score(label[own], decision[own])
        assert f1(cells)[0][i] == pytest.approx(expected, abs=TOLERANCE)
        expected = sklearn.balanced_accuracy_score(label[own], decision[own])
        assert balanced_accuracy(cells)[0][i] == pytest.approx(expected, abs=TOLERANCE)


@FEW
@given(tables())
def test_criteria_equal_fairlearn(fairlearn: Any, cells: Cells) -> None:
    group, label, decision = rows(cells)
    for criterion in ("demographic parity", "equal opportunity", "equalized odds"):
        for measure, kind in ((criterion_difference, "difference"), (criterion_ratio, "ratio")):
            theirs = getattr(fairlearn, f"{criterion.replace(' ', '_')}_{kind}")
            for agg in ("worst", "mean") if criterion == "equalized odds" else ("worst",):
                more = {} if agg == "worst" else {"agg": "mean"}
                with np.errstate(invalid="ignore"):
                    expected = theirs(label, decision, sensitive_features=group, **more)
                value, defined = measure(cells, criterion, agg)
                assert defined
                if math.isnan(expected) or _both_zero(cells, criterion, kind):
                    continue  # 0 over 0 in one of the rates
                assert value == pytest.approx(expected, abs=TOLERANCE)


def _both_zero(cells: Cells, criterion: str, kind: str) -> bool:
    if kind == "difference" or criterion != "equalized odds":
        return False
    return any(rates(cells, name)[0].max() == 0 for name in ("TPR", "FPR"))


def test_where_fairlearn_takes_an_undefined_rate_as_zero(fairlearn: Any) -> None:
    cells = np.array([[[4, 6], [0, 0]], [[2, 3], [5, 5]], [[1, 1], [3, 9]]])
    group, label, decision = rows(cells)
    theirs = fairlearn.equal_opportunity_difference(label, decision, sensitive_features=group)
    value, defined = criterion_difference(cells, "equal opportunity")
    assert theirs == 0.75
    assert (value, defined) == (0.25, True)
    kept = group > 0
    theirs = fairlearn.equal_opportunity_difference(
        label[kept], decision[kept], sensitive_features=group[kept]
    )
    assert value == theirs


@FEW
@given(arrays(np.int64, (2, 3, 3), elements=st.integers(0, 4)))
def test_several_labels_equal_sklearn(counts: NDArray[np.int64]) -> None:
    group, label, decision = rows(counts)
    for i in range(2):
        own = group == i
        if not own.any():
            continue
        expected = sklearn.multilabel_confusion_matrix(label[own], decision[own], labels=[0, 1, 2])
        assert (one_versus_rest(counts)[:, i] == expected).all()
        accuracy = sklearn.accuracy_score(label[own], decision[own])
        assert overall_accuracy(counts)[0][i] == pytest.approx(accuracy, abs=TOLERANCE)


def classified(aif360: Any, cells: Cells, weights: NDArray[np.float64] | None = None) -> Any:
    """AIF360's metric: the first group is unprivileged, the second privileged."""
    group, label, decision = rows(cells)
    given_weights = np.ones(len(group)) if weights is None else weights
    made = [
        aif360.datasets.BinaryLabelDataset(
            df=pd.DataFrame(
                {"group": group.astype(float), "y": each.astype(float), "w": given_weights}
            ),
            label_names=["y"],
            protected_attribute_names=["group"],
            instance_weights_name="w",
        )
        for each in (label, decision)
    ]
    return aif360.metrics.ClassificationMetric(*made, [{"group": 0.0}], [{"group": 1.0}])


@FEW
@given(tables(groups=2))
def test_comparisons_equal_aif360(aif360: Any, cells: Cells) -> None:
    theirs = classified(aif360, cells)
    compare(cells, theirs)
    for name, method in {
        "NPV": "negative_predictive_value",
        "FOR": "false_omission_rate",
        "FDR": "false_discovery_rate",
        "error rate": "error_rate",
        "base rate": "base_rate",
    }.items():
        value = rates(cells, name)[0][0]
        assert value == pytest.approx(getattr(theirs, method)(privileged=False), abs=TOLERANCE)
    for alpha in (1, 2):
        value, defined = generalized_entropy(cells, alpha)
        assert defined
        assert value == pytest.approx(theirs.generalized_entropy_index(alpha), abs=TOLERANCE)
        value, _ = between_group_entropy(cells, alpha)
        expected = theirs.between_group_generalized_entropy_index(alpha)
        assert value == pytest.approx(expected, abs=TOLERANCE)
    data = aif360.metrics.BinaryLabelDatasetMetric(
        theirs.dataset, [{"group": 0.0}], [{"group": 1.0}]
    )
    base = rates(cells, "base rate")
    assert difference_from(*base, 1)[0][0] == pytest.approx(data.mean_difference(), abs=TOLERANCE)
    assert ratio_to(*base, 1)[0][0] == pytest.approx(data.disparate_impact(), abs=TOLERANCE)


@FEW
@given(tables(groups=2), st.integers(0, 99))
def test_weighted_comparisons_equal_aif360(aif360: Any, cells: Cells, seed: int) -> None:
    weights = np.random.default_rng(seed).uniform(0.1, 5, size=cells.sum())
    which = np.ravel_multi_index(rows(cells), cells.shape)
    weighted = np.bincount(which, weights, minlength=cells.size).reshape(cells.shape)
    compare(weighted, classified(aif360, cells, weights))


def compare(cells: NDArray[Any], theirs: Any) -> None:
    selection, error = rates(cells, "selection rate"), rates(cells, "error rate")
    pairs = [
        (difference_from(*selection, 1), theirs.statistical_parity_difference),
        (ratio_to(*selection, 1), theirs.disparate_impact),
        (average_odds_difference(cells, 1), theirs.average_odds_difference),
        (average_absolute_odds_difference(cells, 1), theirs.average_abs_odds_difference),
        (
            criterion_difference_from(cells, "equal opportunity", 1),
            theirs.equal_opportunity_difference,
        ),
        (difference_from(*error, 1), theirs.error_rate_difference),
        (difference_from(*rates(cells, "FOR"), 1), theirs.false_omission_rate_difference),
        (difference_from(*rates(cells, "FDR"), 1), theirs.false_discovery_rate_difference),
    ]
    for (values, defined), method in pairs:
        assert defined[0]
        assert values[0] == pytest.approx(method(), abs=TOLERANCE)
    worst = criterion_difference(cells, "equalized odds")[0]
    assert worst == pytest.approx(theirs.equalized_odds_difference(), abs=TOLERANCE)
    for name, method in (
        ("FPR", theirs.false_positive_rate_ratio),
        ("FNR", theirs.false_negative_rate_ratio),
        ("FDR", theirs.false_discovery_rate_ratio),
        ("FOR", theirs.false_omission_rate_ratio),
    ):
        value = ratio_to(*rates(cells, name), 1)[0][0]
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = float(method())
        if math.isnan(expected):
            assert value == 1
        elif math.isinf(expected):
            assert value == sys.float_info.max
        else:
            assert value == pytest.approx(expected, rel=TOLERANCE)
