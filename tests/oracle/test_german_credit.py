"""Reweighing on German credit by age, against the tutorial of AIF360 and AIF360 itself.

The tutorial is examples/tutorial_credit_scoring.ipynb of AIF360: the protected attribute is an age
of 25 or more (the default of its `GermanDataset`, over 25, gives -0.1936 instead of -0.1699), the
favorable label is good credit, numpy's seed is 0, and the first 700 rows of a permutation are for
training.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from paribus.stats.reweighing import reweighing

AGE, CREDIT, COLUMNS = 12, 20, 21
# As in AIF360's GermanDataset.
CATEGORICAL = [0, 2, 3, 5, 6, 9, 11, 13, 14, 16, 18, 19]
STATUS_AND_SEX = 8


@pytest.fixture(scope="module")
def applicants(data_sets: Path) -> pd.DataFrame:
    read = pd.read_csv(data_sets / "german" / "german.data", sep=" ", header=None)
    assert read.shape == (1_000, COLUMNS)
    return read


@pytest.fixture(scope="module")
def training(applicants: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Whether somebody is 25 or older, and whether the credit is good: the 700 training rows."""
    rows = np.random.RandomState(0).permutation(len(applicants))[:700]
    drawn = applicants.iloc[rows]
    return (drawn[AGE] >= 25).to_numpy(), (drawn[CREDIT] == 1).to_numpy()


def mean_difference(older: np.ndarray, good: np.ndarray, weight: np.ndarray) -> float:
    """The share of good credit among the younger minus that among the older."""
    younger, older = (np.average(good[rows], weights=weight[rows]) for rows in (~older, older))
    return float(younger - older)


def test_the_tutorial(training: tuple[np.ndarray, np.ndarray]) -> None:
    older, good = training
    weight = reweighing(older.astype(int), good)
    before = mean_difference(older, good, np.ones(700))
    assert before == pytest.approx(-0.1699054740619017, abs=1e-15)
    assert mean_difference(older, good, weight) == pytest.approx(0.0, abs=1e-14)
    assert weight.sum() == pytest.approx(700.0, rel=1e-14)


@pytest.mark.parametrize(
    ("of_older", "of_good", "expected"),
    [(False, False, 0.678), (False, True, 1.2556), (True, False, 1.1006), (True, True, 0.9623)],
)
def test_the_four_weights(
    training: tuple[np.ndarray, np.ndarray], of_older: bool, of_good: bool, expected: float
) -> None:
    older, good = training
    weight = reweighing(older.astype(int), good)
    cell = weight[(older == of_older) & (good == of_good)]
    assert np.ptp(cell) == 0
    assert cell[0] == pytest.approx(expected, abs=5e-5)


def test_every_weight_equals_that_of_aif360(
    applicants: pd.DataFrame, training: tuple[np.ndarray, np.ndarray], aif360: Any
) -> None:
    table = applicants.rename(columns=str)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        everybody = aif360.datasets.StandardDataset(
            table,
            label_name=str(CREDIT),
            favorable_classes=[1],
            protected_attribute_names=[str(AGE)],
            privileged_classes=[lambda age: age >= 25],
            categorical_features=[str(i) for i in CATEGORICAL],
            features_to_drop=[str(STATUS_AND_SEX)],
        )
        drawn, _ = everybody.split([0.7], shuffle=True, seed=0)
        groups = ([{str(AGE): 0}], [{str(AGE): 1}])
        reweighed = aif360.algorithms.preprocessing.Reweighing(*groups).fit_transform(drawn)
        before = aif360.metrics.BinaryLabelDatasetMetric(drawn, *groups).mean_difference()

    older, good = training
    np.testing.assert_array_equal(drawn.protected_attributes.ravel() == 1, older)
    np.testing.assert_array_equal(drawn.labels.ravel() == drawn.favorable_label, good)
    assert mean_difference(older, good, np.ones(700)) == pytest.approx(before, abs=1e-15)
    weight = reweighing(older.astype(int), good)
    np.testing.assert_allclose(weight, reweighed.instance_weights, rtol=1e-14)
