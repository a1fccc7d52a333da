"""What mended models share: frames handed on, groups, lots, weights and held-out scores."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from paribus.errors import DataError, ModelError
from paribus.estimators.fits import favorable_scores, fitted, held_out_scores, weight_name
from paribus.estimators.frames import Seen, final, names_of, rows_of
from paribus.estimators.groups import Groups, lot


def people():
    return pd.DataFrame(
        {"age": [25, 40, 31, 58], "sex": ["m", "f", None, "f"], "skill": [0.5, -1.0, 2.0, 0.0]}
    )


# --- frames ---------------------------------------------------------------------------------------


def test_a_frame_has_the_columns_of_the_fit_in_their_order():
    seen = Seen.of(people(), LogisticRegression(), ["skill", "age"])
    given_more = people()[["sex", "age", "skill"]]
    assert list(seen.of_frame(given_more)) == ["skill", "age"]
    with pytest.raises(DataError, match='no column "skill", which the model was fitted on'):
        seen.of_frame(people().drop(columns="skill"))
    assert seen.of_frame(people()[["age"]], {"skill": 1.0})["skill"].tolist() == [1.0] * 4
    assert seen.of_frame(people(), {"sex": "m"}).columns.tolist() == ["skill", "age"]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
def test_frames_of_any_kind_give_the_same_matrix(kind):
    seen = Seen.of(people(), LogisticRegression(), ["age", "skill"], matrix=True)
    matrix = seen.of_frame(kind(people()))
    assert matrix.dtype == np.float64
    assert matrix.tolist() == [[25, 0.5], [40, -1], [31, 2], [58, 0]]


def test_polars_stays_polars_but_for_boosters():
    frame = pl.from_pandas(people())
    assert isinstance(Seen.of(frame, LogisticRegression()).of_frame(frame), pl.DataFrame)
    boosted = Seen.of(frame, make_pipeline(StandardScaler(), XGBClassifier()))
    assert isinstance(boosted.of_frame(frame), pd.DataFrame)
    # Fitted on polars and asked with pandas, and the other way round.
    assert isinstance(Seen.of(frame, LogisticRegression()).of_frame(people()), pl.DataFrame)
    assert isinstance(Seen.of(people(), LogisticRegression()).of_frame(frame), pd.DataFrame)
    twins = Seen.of(frame, LogisticRegression()).of_frame(frame, {"sex": ["f", "f", "m", "m"]})
    assert twins["sex"].to_list() == ["f", "f", "m", "m"]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas])
def test_categories_keep_their_codes(kind):
    frame = people().astype({"sex": "category"})
    seen = Seen.of(kind(frame), XGBClassifier(), ["sex"])
    assert sorted(seen.categories["sex"]) == ["f", "m"]
    women = kind(frame[frame["sex"] == "f"].assign(sex=["f", "f"]))
    shown = seen.of_frame(women)["sex"]
    assert list(shown.cat.categories) == seen.categories["sex"]
    assert set(shown.astype(str)) == {"f"}
    with pytest.raises(ValueError, match='"x" is no category of the column "sex"'):
        seen.of_frame(frame.assign(sex="x"))


@pytest.mark.parametrize(
    "kind", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas, lambda f: f.to_numpy()]
)
def test_some_rows_of_anything(kind):
    frame = people()[["age", "skill"]]
    some = rows_of(kind(frame), np.array([2, 0]))
    assert len(some) == 2
    plain = some if isinstance(some, np.ndarray) else np.column_stack(
        [np.asarray(some[name]) for name in names_of(some)]
    )  # fmt: skip
    assert plain.tolist() == [[31, 2], [25, 0.5]]


def test_the_estimator_that_answers():
    inside = LogisticRegression()
    assert final(inside) is inside
    assert final(make_pipeline(StandardScaler(), inside)) is inside
    assert final(GridSearchCV(make_pipeline(StandardScaler(), inside), {})) is inside


# --- groups ---------------------------------------------------------------------------------------


def crossed():
    return pd.DataFrame({"sex": ["m", "f", None, "m"], "race": ["a", "b", "a", "a"]})


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
@pytest.mark.parametrize("times", [1, 50])
def test_groups_are_what_occurs(kind, times):
    frame = kind(pd.concat([crossed()] * times, ignore_index=True))
    groups, codes = Groups.coded(frame, ["sex", "race"])
    assert groups.names == ("f x b", "m x a", "(missing) x a")
    assert codes.tolist() == [1, 0, 2, 1] * times
    assert groups.codes(frame).tolist() == codes.tolist()
    assert len(groups) == 3


def test_whom_nobody_knew():
    groups = Groups.of(crossed(), ["sex", "race"])
    asked = pd.DataFrame({"sex": ["f", "m", "x", None], "race": ["a", "z", "a", "a"]})
    # No women of race a; no race z; "x" is no missing sex; and missing is a group of its own.
    assert groups.codes(asked).tolist() == [-1, -1, -1, 2]
    complete = Groups.of(pd.DataFrame({"sex": ["m", "f"]}), ["sex"])
    assert complete.codes(pd.DataFrame({"sex": [None, "x", "f"]})).tolist() == [-1, -1, 0]


@pytest.mark.parametrize("times", [1, 50])
def test_levels_are_the_same_as_text_or_as_numbers(times):
    groups = Groups.of(pd.DataFrame({"age": [40, 25, 25]}), ["age"])
    assert groups.names == ("25", "40")
    for told in (["25", "40"], [25.0, 40.0], [25, 40]):
        assert groups.codes(pd.DataFrame({"age": told * times})).tolist() == [0, 1] * times
    floats = Groups.of(pd.DataFrame({"age": [40.0, 25.0, np.nan]}), ["age"])
    assert floats.names == ("25", "40", "(missing)")
    assert floats.codes(pl.DataFrame({"age": [float("nan"), None, 25.0]})).tolist() == [2, 2, 0]


def test_truth_values_are_levels():
    groups, codes = Groups.coded(pd.DataFrame({"old": [True, False, True]}), ["old"])
    assert groups.levels == [[False, True]]
    assert codes.tolist() == [1, 0, 1]
    assert groups.codes(pd.DataFrame({"old": ["true", "False", "maybe"]})).tolist() == [1, 0, -1]


def test_categories_that_do_not_occur_are_no_groups():
    frame = pd.DataFrame({"sex": pd.Categorical(["m", "m"], categories=["f", "m", "x"])})
    assert Groups.of(frame, ["sex"]).names == ("m",)
    assert Groups.of(pl.from_pandas(frame), ["sex"]).names == ("m",)


def test_without_an_attribute_everybody_is_one_group():
    assert Groups.coded(people(), [])[1].tolist() == [0, 0, 0, 0]
    with pytest.raises(DataError, match='no column "sx"; did you mean "sex"'):
        Groups.of(people(), ["sx"])


# --- lots -----------------------------------------------------------------------------------------


def many(n=20_000):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"income": rng.integers(0, 10**9, n), "name": rng.integers(0, 10**12, n).astype(str)}
    )


@pytest.mark.parametrize("columns", [["income"], ["name"], ["income", "name"]])
def test_lots_are_even(columns):
    lots = lot(many(), columns)
    assert kstest(lots, "uniform").pvalue > 0.01
    assert 0 <= lots.min() < lots.max() < 1
    # Nor do neighbors draw alike.
    counted = lot(pd.DataFrame({"n": np.arange(20_000)}), ["n"])
    assert kstest(counted, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(counted[:-1], counted[1:])[0, 1]) < 0.03


def test_a_lot_is_that_of_the_person():
    frame = many(500)
    lots = lot(frame, ["income", "name"])
    order = np.random.default_rng(1).permutation(500)
    assert (lot(frame.iloc[order], ["income", "name"]) == lots[order]).all()
    assert (lot(frame.iloc[:1], ["income", "name"]) == lots[:1]).all()
    assert (lot(pl.from_pandas(frame), ["income", "name"]) == lots).all()
    assert (lot(frame.astype({"income": "float64"}), ["income", "name"]) == lots).all()
    assert (lot(frame.astype({"income": "Int64"}), ["income", "name"]) == lots).all()
    assert (lot(frame.astype({"name": "category"}), ["income", "name"]) == lots).all()
    assert (lot(frame.assign(sex="f"), ["income", "name"]) == lots).all()
    assert (lot(frame, ["name", "income"]) != lots).any()


def test_what_is_missing_draws_a_lot_too():
    frame = pd.DataFrame({"a": [1.0, np.nan, 1.0, np.nan], "b": ["x", None, "x", None]})
    lots = lot(frame, ["a", "b"])
    assert lots[0] == lots[2] != lots[1] == lots[3]
    assert (lot(pl.from_pandas(frame), ["a", "b"]) == lots).all()
    assert lot(pd.DataFrame({"a": [0.0, -0.0]}), ["a"]).tolist()[0] == lot(
        pd.DataFrame({"a": [-0.0]}), ["a"]
    )
    assert lot(frame, []).tolist() == [0.5] * 4


# --- weights --------------------------------------------------------------------------------------


def pipe(model=None):
    return make_pipeline(StandardScaler(), model or LogisticRegression())


TAKES = [
    (LogisticRegression(), "sample_weight"),
    (pipe(), "logisticregression__sample_weight"),
    (Pipeline([("outer", pipe())]), "outer__logisticregression__sample_weight"),
    (GridSearchCV(pipe(), {"logisticregression__C": [1, 2]}, cv=2),
     "logisticregression__sample_weight"),
    (RFE(LogisticRegression()), "sample_weight"),
    (CalibratedClassifierCV(LogisticRegression(), cv=2), "sample_weight"),
    (CalibratedClassifierCV(cv=2), "sample_weight"),
    (BaggingClassifier(LogisticRegression(), n_estimators=2), "sample_weight"),
    (AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=2), "sample_weight"),
    (StackingClassifier([("a", LogisticRegression())], cv=2), "sample_weight"),
    (VotingClassifier([("a", LogisticRegression()), ("b", "drop")]), "sample_weight"),
    (XGBClassifier(n_estimators=2), "sample_weight"),
]  # fmt: skip


def learned(n=60):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    return frame, (frame["a"] + rng.normal(size=n) > 0).astype(int).to_numpy()


@pytest.mark.parametrize(("estimator", "name"), TAKES, ids=lambda e: type(e).__name__)
def test_weights_find_their_way(estimator, name):
    frame, y = learned()
    assert weight_name(estimator) == name
    weight = np.where(y == 1, 50.0, 1.0)
    heavy = fitted(estimator, frame, y, weight)
    plain = fitted(estimator, frame, y)
    # Whoever counts more is foreseen more often.
    assert heavy.predict(frame).mean() >= plain.predict(frame).mean()
    assert not hasattr(estimator, "classes_")


@pytest.mark.parametrize("estimator", [pipe(), GridSearchCV(pipe(), {}, cv=2)])
def test_weights_reach_the_fit_inside(estimator):
    frame, y = learned()
    weight = np.where(y == 1, 50.0, 1.0)
    inside = final(getattr(fitted(estimator, frame, y, weight), "best_estimator_", None)
                   or fitted(estimator, frame, y, weight))  # fmt: skip
    alone = LogisticRegression().fit(StandardScaler().fit_transform(frame), y, weight)
    assert inside.coef_ == pytest.approx(alone.coef_)


@pytest.mark.parametrize(
    "estimator",
    [KNeighborsClassifier(), pipe(KNeighborsClassifier()), GridSearchCV(KNeighborsClassifier(), {}),
     # These would fit without the weights, or fail.
     CalibratedClassifierCV(pipe()), AdaBoostClassifier(pipe()), VotingClassifier([("a", pipe())]),
     StackingClassifier([("a", KNeighborsClassifier())]),
     TunedThresholdClassifierCV(LogisticRegression()),
     FixedThresholdClassifier(LogisticRegression())],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_estimators_that_take_no_weights_say_so(estimator):
    with pytest.raises(ModelError, match='takes no weights; try "resample", which needs none'):
        weight_name(estimator)
    assert fitted(LogisticRegression(), *learned()).classes_.tolist() == [0, 1]


# --- scores ---------------------------------------------------------------------------------------


class Labels(ClassifierMixin, BaseEstimator):
    """Says labels and nothing else."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[(np.asarray(X["a"]) > 0).astype(int)]


@pytest.mark.parametrize("labels", [(0, 1), ("bad", "good"), (False, True)])
@pytest.mark.parametrize("favorable", [0, 1])
@pytest.mark.parametrize(
    "model", [LogisticRegression(), SVC(), LinearSVC(), Labels()], ids=lambda m: type(m).__name__
)
def test_scores_are_favorable_from_one_half_on(model, favorable, labels):
    frame, y = learned()
    model.fit(frame, np.array(labels)[y])
    scores = favorable_scores(model, frame, labels[favorable])
    assert ((scores >= 0.5) == (model.predict(frame) == labels[favorable])).all()
    assert 0 <= scores.min() <= scores.max() <= 1
    assert scores.dtype == np.float64


def test_a_label_that_a_model_has_never_met():
    frame, _ = learned()
    model = RandomForestClassifier(n_estimators=2).fit(frame, np.zeros(60, int))
    assert (favorable_scores(model, frame, 1) == 0).all()


class Memory(ClassifierMixin, BaseEstimator):
    """Is sure of whom it has met, and of nobody else."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.met_ = set(np.asarray(X)[:, 0])
        return self

    def predict_proba(self, X):
        sure = np.array([float(x in self.met_) for x in np.asarray(X)[:, 0]])
        return np.column_stack([1 - sure, sure])


@pytest.mark.parametrize("parts", [2, 3, 5])
def test_held_out_scores_are_of_rows_that_were_not_fitted(parts):
    frame, y = learned()
    assert (held_out_scores(Memory(), frame, y, 1, parts=parts) == 0).all()
    weight = np.ones(len(y))
    assert (held_out_scores(Memory(), frame, y, 1, parts=parts, weight=weight) == 0).all()


def test_held_out_scores_repeat_themselves():
    frame, y = learned()
    one = held_out_scores(LogisticRegression(), frame, y, 1, seed=3)
    assert (one == held_out_scores(LogisticRegression(), frame, y, 1, seed=3)).all()
    assert (one != held_out_scores(LogisticRegression(), frame, y, 1, seed=4)).any()
    other = held_out_scores(LogisticRegression(), pl.from_pandas(frame), y, 1, seed=3)
    assert other == pytest.approx(one)


@given(st.integers(2, 40), st.integers(2, 5), st.data())
def test_many_small_groups_never_hold_a_whole_label_out(groups, parts, data):
    # One or two rows of each label in each group: dealt group by group, one part might get all.
    sizes = data.draw(st.lists(st.tuples(*[st.integers(1, 2)] * 2), min_size=groups,
                               max_size=groups))  # fmt: skip
    y = np.concatenate([[0] * a + [1] * b for a, b in sizes])
    strata = np.repeat(np.arange(groups), [a + b for a, b in sizes])
    frame = np.arange(len(y), dtype=float)[:, None]
    assert (held_out_scores(Memory(), frame, y, 1, strata=strata, parts=parts) == 0).all()


def test_a_label_too_rare_to_be_held_out():
    frame, _ = learned()
    with pytest.raises(DataError, match="too rare to be held out in 3 parts"):
        held_out_scores(LogisticRegression(), frame, np.arange(60) == 0, True)
