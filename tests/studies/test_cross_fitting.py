"""Cross-fitted models: nobody is judged by a model that has seen them, answers are as predicted."""

import copy
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

import paribus as pb
from paribus.estimators import Without
from paribus.estimators.frames import Seen
from paribus.studies._cross_fitting import FOLD, Asked, CrossFitted, held_out, with_fold
from paribus.table import Table


class Recording(ClassifierMixin, BaseEstimator):
    """Remembers whom it was fitted on, and refuses to be asked about them."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.known_ = set(X["person"])
        return self

    def predict(self, X):
        met = self.known_ & set(X["person"])
        assert not met, f"asked about {sorted(met)[:3]}, on whom it was fitted"
        return self.classes_[(X["sex"].to_numpy() == "m").astype(int)]

    def predict_proba(self, X):
        good = (self.predict(X) == self.classes_[1]).astype(float)
        return np.column_stack([1 - good, good])


def rows(n=240, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"person": np.arange(n), "sex": rng.choice(["m", "f"], n)})
    return frame.assign(y=(rng.random(n) < 0.5).astype(int))


def recorded(frame, part):
    models = []
    for fold in range(int(part.max()) + 1):
        rest = frame[part != fold]
        model = Recording().fit(rest[["person", "sex"]], rest["y"])
        models.append(Asked(model, Seen(["person", "sex"], "pandas", {}), 1))
    return models


def test_no_model_is_asked_about_rows_that_it_was_fitted_on():
    frame = rows()
    part = np.random.default_rng(1).integers(0, 3, len(frame))
    models = recorded(frame, part)
    decisions, scores = held_out(models, frame, part)
    assert (decisions == (frame["sex"] == "m")).all()
    assert (scores == decisions).all()
    joined = CrossFitted(models, FOLD)
    asked = frame.assign(**{FOLD: part}).sample(frac=1, random_state=0)
    assert (joined.predict(asked) == (asked["sex"] == "m")).all()
    assert (joined.predict_proba(asked)[:, 1] == (asked["sex"] == "m")).all()
    with pytest.raises(AssertionError, match="on whom it was fitted"):
        joined.predict(asked.assign(**{FOLD: (asked[FOLD] + 1) % 3}))


def test_twins_are_judged_by_the_model_of_their_row():
    # The recording model fails where any twin meets a model that has seen its row.
    frame = rows()
    part = np.random.default_rng(1).integers(0, 3, len(frame))
    table, fold = with_fold(Table.of(frame), part)
    record = pb.audit(
        CrossFitted(recorded(frame, part), fold), data=table.frame.to_native(),
        protect={"sex": ["m", "f"]}, favorable=1,
    )  # fmt: skip
    flips = next(f for f in record.findings if f.unit == "flip rate")
    assert flips.estimate == 1
    assert flips.answered == len(frame)


def test_a_whole_comparison_asks_no_model_about_its_own_rows():
    result = pb.mitigate(
        _Checked(), train=rows(600), label="y", protect={"sex": ["m", "f"]}, favorable=1,
        features=["person", "sex"], candidates=["drop_attribute"], workers=1,
    )  # fmt: skip
    start = result.comparison.candidates[0]
    assert start.score.estimate < 0.65
    # Held-out decisions are by sex, those about rows it was fitted on by their label.
    assert start.gap.estimate > 0.9


class _Checked(ClassifierMixin, BaseEstimator):
    """Knows the labels of its own rows by heart, and decides by sex about all others."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.known_ = dict(zip(X["person"], y, strict=True))
        return self

    def predict(self, X):
        guess = (X["sex"].astype(str) == "m").astype(int)
        said = [self.known_.get(p, g) for p, g in zip(X["person"], guess, strict=True)]
        return np.asarray(said)


def test_the_column_of_folds_gets_a_name_of_its_own():
    frame = rows(6).assign(**{FOLD: 0})
    table, name = with_fold(Table.of(frame), np.array([0, 1, 0, 1, 0, 1]))
    assert name == FOLD + " "
    assert table.frame[name].to_list() == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("labels", [(0, 1), ("no", "yes"), (False, True), ("a", "longer")])
@pytest.mark.parametrize("favorable", [0, 1])
def test_labels_of_any_type(labels, favorable):
    frame = rows()
    y = np.array(labels)[frame["y"]]
    part = np.arange(len(frame)) % 2
    seen, models = Seen(["sex"], "pandas", {}), []
    shown = frame.assign(sex=(frame["sex"] == "m").astype(float))
    for fold in range(2):
        model = LogisticRegression().fit(shown.loc[part != fold, ["sex"]], y[part != fold])
        models.append(Asked(model, seen, labels[favorable]))
    joined = CrossFitted(models, FOLD)
    asked = shown.assign(**{FOLD: part})
    decisions, scores = held_out(models, shown, part)
    assert joined.classes_.tolist() == sorted(labels)
    assert set(joined.predict(asked)) <= set(labels)
    assert (decisions == (joined.predict(asked) == labels[favorable])).all()
    place = sorted(labels).index(labels[favorable])
    assert scores == pytest.approx(joined.predict_proba(asked)[:, place])


def test_polars_rows_are_judged_alike():
    frame = rows()
    part = np.arange(len(frame)) % 3
    joined = CrossFitted(recorded(frame, part), FOLD)
    asked = frame.assign(**{FOLD: part})
    assert (joined.predict(asked) == joined.predict(pl.from_pandas(asked))).all()


# --- one question for label and probability -------------------------------------------------------


ONE_PASS = [
    LogisticRegression(),
    DecisionTreeClassifier(max_depth=2),
    RandomForestClassifier(n_estimators=7, max_depth=3, random_state=0),
    RandomForestClassifier(n_estimators=10, max_features=1, random_state=1),
    ExtraTreesClassifier(n_estimators=6, random_state=0),
    HistGradientBoostingClassifier(max_iter=5),
    LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1),
    XGBClassifier(n_estimators=5, n_jobs=1),
    make_pipeline(StandardScaler(), LogisticRegression()),
]
OTHERS = [
    GradientBoostingClassifier(n_estimators=3),
    SVC(),
    LinearSVC(),
    DummyClassifier(),
    CalibratedClassifierCV(LinearSVC(), cv=3),
]


def named(model):
    return type(model).__name__


def grid(n=400):
    """A few values, many rows of each: votes are often equal."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"a": rng.integers(0, 4, n) / 3, "b": rng.integers(0, 4, n) / 3})
    return frame, ((frame["a"] + rng.normal(size=n)) > 0.5).astype(int).to_numpy()


def mute(model):
    """Take the word ``predict`` from a fitted model; its probabilities stay."""

    def predict(X):
        raise AssertionError("asked for labels")

    model.predict = predict
    return model


@pytest.mark.parametrize("model", ONE_PASS + OTHERS, ids=named)
@pytest.mark.parametrize("favorable", [0, 1])
def test_answers_are_those_of_predict(model, favorable):
    frame, y = grid()
    model.fit(frame, y)
    asked = Asked(model, Seen(["a", "b"], "pandas", {}), favorable)
    decisions, scores = asked.answers(frame)
    assert (decisions == (model.predict(frame) == favorable)).all()
    assert scores.dtype == np.float64
    if hasattr(model, "predict_proba"):
        assert scores == pytest.approx(model.predict_proba(frame)[:, favorable])


@pytest.mark.parametrize("model", ONE_PASS, ids=named)
def test_label_and_probability_come_from_one_question(model):
    frame, y = grid()
    seen = Seen(["a", "b"], "pandas", {})
    decisions, _ = Asked(model.fit(frame, y), seen, 1).answers(frame)
    silent = mute(copy.deepcopy(model))
    assert (Asked(silent, seen, 1).answers(frame)[0] == decisions).all()


@pytest.mark.parametrize("model", OTHERS, ids=named)
def test_others_are_asked_for_their_labels(model):
    frame, y = grid()
    silent = mute(copy.deepcopy(model).fit(frame, y))
    with pytest.raises(AssertionError, match="asked for labels"):
        Asked(silent, Seen(["a", "b"], "pandas", {}), 1).answers(frame)


def test_a_calibrated_svm_is_asked_for_its_labels():
    # Labels of SVC(probability=True) are no argmax of its probabilities (scikit-learn says so).
    frame, y = grid(120)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model = SVC(probability=True, random_state=0).fit(frame, y)
    asked = Asked(model, Seen(["a", "b"], "pandas", {}), 1)
    assert (asked.answers(frame)[0] == (model.predict(frame) == 1)).all()
    with pytest.raises(AssertionError, match="asked for labels"):
        Asked(mute(model), asked.seen, 1).answers(frame)


@pytest.mark.parametrize("favorable", [0, 1])
@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        DecisionTreeClassifier(),
        RandomForestClassifier(n_estimators=4, bootstrap=False),
        HistGradientBoostingClassifier(max_iter=2),
        GradientBoostingClassifier(n_estimators=2),
        LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1),
        XGBClassifier(n_estimators=2, n_jobs=1),
    ],
    ids=named,
)
def test_a_tie_is_decided_as_the_library_does(model, favorable):
    # Nothing tells the two labels apart: both have the probability 1/2 exactly.
    frame = pd.DataFrame({"a": np.zeros(80), "b": np.zeros(80)})
    model.fit(frame, np.tile([0, 1], 40))
    assert (model.predict_proba(frame) == 0.5).all()
    asked = Asked(model, Seen(["a", "b"], "pandas", {}), favorable)
    assert (asked.answers(frame)[0] == (model.predict(frame) == favorable)).all()


def test_votes_that_are_equal_but_for_rounding():
    # Ten trees of which five say 0.1, 0.2, ... and five the rest: sums differ in the last digit.
    frame, y = grid(60)
    different = 0
    for seed in range(12):
        model = RandomForestClassifier(n_estimators=10, max_depth=2, random_state=seed)
        model.fit(frame, y)
        told = model.predict_proba(frame)
        different += int((told.sum(axis=1) != 1).any())
        for favorable in (0, 1):
            asked = Asked(model, Seen(["a", "b"], "pandas", {}), favorable)
            assert (asked.answers(frame)[0] == (model.predict(frame) == favorable)).all()
    assert different > 0


def test_a_model_that_has_met_one_label_only():
    frame = pd.DataFrame({"a": np.arange(10.0)})
    model = RandomForestClassifier(n_estimators=2).fit(frame, np.ones(10, int))
    seen = Seen(["a"], "pandas", {})
    decisions, scores = Asked(model, seen, 1).answers(frame)
    assert decisions.all()
    assert (scores == 1).all()
    decisions, scores = Asked(model, seen, 0).answers(frame)
    assert not decisions.any()
    assert (scores == 0).all()


@pytest.mark.parametrize("model", ONE_PASS + OTHERS, ids=named)
def test_answers_of_a_mended_model_are_those_of_predict(model):
    frame, y = grid()
    mended = Without(model, columns=["b"], features=["a", "b"], favorable=0).fit(frame, y)
    decisions, scores = Asked(mended, Seen(["a", "b"], "pandas", {}), 0).answers(frame)
    assert (decisions == (mended.predict(frame) == 0)).all()
    assert scores == pytest.approx(mended.predict_proba(frame)[:, 0])


def test_a_mended_model_finds_its_columns_itself():
    frame, y = grid()
    model = Without(LogisticRegression(), columns=["b"], features=["a", "b"]).fit(frame, y)
    asked = Asked(model, Seen(["a", "b"], "pandas", {}), 1)
    assert asked.names == ("a",)
    assert (asked.answers(frame[["a"]])[0] == (model.predict(frame) == 1)).all()
