"""Reweighing before a logistic regression on Adult, against a notebook of AIF360.

The notebook is examples/demo_reweighing_preproc.ipynb of AIF360. Our recipe, which gives its
printed numbers by sex in all four decimals:

1. The 32,561 rows of adult.data, then the 16,281 of adult.test. No row is dropped: no column with
   missing values is used. (AIF360 0.6.1 reads the files in the other order; in this one, the
   training rows have the mean difference of -0.190698 that the notebook prints.)
2. Features, as in AIF360's `load_preproc_data_adult`: white, male, and one-hot the decade of age
   (10 to 60, 70 and over) and the years of education (under 6, 6 to 12, over 12). The favorable
   label is an income over 50K.
3. `RandomState(1).permutation`: 70 % for training. Of the rest, by a second permutation, half for
   validation and half for testing.
4. `StandardScaler` and `LogisticRegression`, both fitted on the training rows: once without
   weights, and once with those of `reweighing` by sex (or race) and label. Scikit-learn's default
   penalty and solver; the liblinear of the notebook's day decides the same.
5. The threshold, of 100 between 0.01 and 0.99, with the best balanced accuracy of the first model
   on the validation rows. The second model keeps it.

Measured on the 7,327 test rows, women minus men:

====================  =======  =========
test rows, by sex      before  reweighed
====================  =======  =========
balanced accuracy      0.7417     0.7128
parity difference     -0.3576    -0.0906
disparate impact       0.2774     0.7625
average odds diff.    -0.3281    -0.0266
opportunity diff.     -0.4001    -0.0518
====================  =======  =========

The figures by race (others minus white people) are those of the notebook too, but for the reweighed
model: the notebook scales the rows to test by their own mean and deviation. By sex that changes no
decision; by race it changes four, hence a disparate impact of 0.7430 there and of 0.7518 here.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from paribus.stats.confusion import average_odds_difference, balanced_accuracy, rates
from paribus.stats.reweighing import reweighing

USED = {0: "age", 4: "years", 8: "race", 9: "sex", 14: "income"}
DECIMALS = 5e-5  # what the notebook prints: four of them


@dataclass(frozen=True)
class Adult:
    features: pd.DataFrame
    rich: np.ndarray
    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def reference(self, attribute: str) -> np.ndarray:
        return self.features[attribute].to_numpy() == 1


@pytest.fixture(scope="module")
def adult(data_sets: Path) -> Adult:
    # The first line of adult.test is no row, and its labels end in a dot.
    people = pd.concat(
        [
            pd.read_csv(
                data_sets / "adult" / name,
                header=None,
                usecols=list(USED),
                skiprows=above,
                skipinitialspace=True,
            )
            for name, above in (("adult.data", 0), ("adult.test", 1))
        ],
        ignore_index=True,
    ).rename(columns=USED)
    features = pd.DataFrame(
        {
            "race": (people["race"] == "White").astype(float),
            "sex": (people["sex"] == "Male").astype(float),
        }
    ).join(
        [
            pd.get_dummies((people["age"] // 10 * 10).clip(upper=70), prefix="age", dtype=float),
            pd.get_dummies(people["years"].clip(5, 13), prefix="years", dtype=float),
        ]
    )
    assert features.shape == (48_842, 18)
    random = np.random.RandomState(1)
    training, rest = np.split(random.permutation(48_842), [34_189])
    validation, test = np.split(rest[random.permutation(14_653)], [7_326])
    rich = people["income"].str.startswith(">50K").to_numpy(bool)
    return Adult(features, rich, training, validation, test)


def cells(reference: np.ndarray, rich: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Count the others and the reference group by true label by decision."""
    index = 4 * reference.astype(int) + 2 * rich.astype(int) + said.astype(int)
    return np.bincount(index, minlength=8).reshape(2, 2, 2)


def scores(adult: Adult, weight: np.ndarray | None) -> np.ndarray:
    scaler = StandardScaler().fit(adult.features.iloc[adult.training])
    scaled = scaler.transform(adult.features)
    model = LogisticRegression().fit(
        scaled[adult.training], adult.rich[adult.training], sample_weight=weight
    )
    return np.asarray(model.predict_proba(scaled)[:, 1])


def weights(adult: Adult, attribute: str) -> np.ndarray:
    rows = adult.training
    return reweighing(adult.reference(attribute)[rows].astype(int), adult.rich[rows])


def best_threshold(adult: Adult, scored: np.ndarray) -> tuple[float, float]:
    """The threshold of the best balanced accuracy on the validation rows, and that accuracy."""
    rows = adult.validation
    nobody = np.zeros(len(rows), bool)
    thresholds = np.linspace(0.01, 0.99, 100)
    accuracies = [
        float(balanced_accuracy(cells(nobody, adult.rich[rows], scored[rows] > t))[0][0])
        for t in thresholds
    ]
    best = int(np.argmax(accuracies))
    return float(thresholds[best]), accuracies[best]


def measured(adult: Adult, attribute: str, said: np.ndarray) -> dict[str, float]:
    rows = adult.test
    table = cells(adult.reference(attribute)[rows], adult.rich[rows], said[rows])
    (others, reference), _ = rates(table, "selection rate")
    true_positive, _ = rates(table, "TPR")
    return {
        "balanced accuracy": float(balanced_accuracy(table.sum(axis=0, keepdims=True))[0][0]),
        "parity difference": float(others - reference),
        "disparate impact": float(others / reference),
        "average odds": float(average_odds_difference(table, reference=1)[0][0]),
        "opportunity": float(true_positive[0] - true_positive[1]),
    }


def test_the_training_rows_are_those_of_the_notebook(adult: Adult) -> None:
    rich, male = adult.rich[adult.training], adult.reference("sex")[adult.training]
    weight = weights(adult, "sex")
    assert rich[~male].mean() - rich[male].mean() == pytest.approx(-0.190698, abs=5e-7)
    women, men = (np.average(rich[who], weights=weight[who]) for who in (~male, male))
    assert women - men == pytest.approx(0.0, abs=1e-12)
    assert weight.sum() == pytest.approx(34_189, rel=1e-12)


def test_the_notebook_by_sex(adult: Adult) -> None:
    plain, reweighed = scores(adult, None), scores(adult, weights(adult, "sex"))
    threshold, accuracy = best_threshold(adult, plain)
    assert threshold == pytest.approx(0.2674, abs=DECIMALS)
    assert accuracy == pytest.approx(0.7473, abs=DECIMALS)
    assert measured(adult, "sex", plain > threshold) == pytest.approx(
        {
            "balanced accuracy": 0.7417,
            "parity difference": -0.3576,
            "disparate impact": 0.2774,
            "average odds": -0.3281,
            "opportunity": -0.4001,
        },
        abs=DECIMALS,
    )
    assert measured(adult, "sex", reweighed > threshold) == pytest.approx(
        {
            "balanced accuracy": 0.7128,
            "parity difference": -0.0906,
            "disparate impact": 0.7625,
            "average odds": -0.0266,
            "opportunity": -0.0518,
        },
        abs=DECIMALS,
    )


def test_the_notebook_by_race(adult: Adult) -> None:
    plain, reweighed = scores(adult, None), scores(adult, weights(adult, "race"))
    threshold, _ = best_threshold(adult, plain)
    before = measured(adult, "race", plain > threshold)
    after = measured(adult, "race", reweighed > threshold)
    assert before["balanced accuracy"] == pytest.approx(0.7417, abs=DECIMALS)
    assert before["disparate impact"] == pytest.approx(0.4423, abs=DECIMALS)
    assert before["average odds"] == pytest.approx(-0.1991, abs=DECIMALS)
    assert after["balanced accuracy"] == pytest.approx(0.7443, abs=DECIMALS)
    assert after["disparate impact"] == pytest.approx(0.7430, abs=0.01)
    assert after["average odds"] == pytest.approx(-0.0395, abs=0.005)


@pytest.mark.parametrize("attribute", ["sex", "race"])
def test_every_weight_equals_that_of_aif360(adult: Adult, aif360: Any, attribute: str) -> None:
    rows = adult.training
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = aif360.datasets.BinaryLabelDataset(
            df=adult.features.iloc[rows].assign(rich=adult.rich[rows].astype(float)),
            label_names=["rich"],
            protected_attribute_names=[attribute],
        )
        reweighed = aif360.algorithms.preprocessing.Reweighing(
            [{attribute: 0.0}], [{attribute: 1.0}]
        ).fit_transform(drawn)
    np.testing.assert_allclose(weights(adult, attribute), reweighed.instance_weights, rtol=1e-12)
