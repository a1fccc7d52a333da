"""The group decides where the estimator is least sure, as Kamiran, Karim and Zhang have it."""

import warnings
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import skops.io as sio
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from paribus.errors import DataError, ModelError, SpecError
from paribus.estimators.reject_option import RejectOption


class Told(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Is as sure as a column says."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Told":
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.column_stack([1 - X["score"], X["score"]])

    def predict(self, X: Any) -> Any:
        return self.classes_[(X["score"] >= 0.5).astype(int)]


def scored(scores: Any, groups: Any) -> tuple[pd.DataFrame, Any]:
    X = pd.DataFrame({"score": np.asarray(scores, float), "group": np.asarray(groups, object)})
    return X, np.arange(len(X)) % 2


def rejected(X: pd.DataFrame, y: Any, weight: Any = None, **options: Any) -> RejectOption:
    return RejectOption(Told(), ["group"], **{"parts": 0, "smallest": 1} | options).fit(
        X, y, sample_weight=weight
    )


def people(n: int = 500, groups: str = "abc", seed: int = 0) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(seed)
    group = rng.choice(list(groups), n)
    income = rng.normal(size=n) + np.select([group == "a", group == "b"], [1.0, -0.5], 0.0)
    X = pd.DataFrame({"income": income, "job": rng.choice(["clerk", "smith"], n), "group": group})
    return X, np.where(income + rng.normal(size=n) > 0.2, "paid", "not paid")


def pipeline() -> Any:
    columns = ColumnTransformer(
        [("job", OneHotEncoder(), ["job"]), ("n", StandardScaler(), ["income"])]
    )
    return make_pipeline(columns, LogisticRegression())


def largest_gap(decided: Any, groups: Any) -> float:
    return float(np.ptp(pd.Series(np.asarray(decided, float)).groupby(np.asarray(groups)).mean()))


# --- the rule -------------------------------------------------------------------------------------


def test_decisions_by_hand() -> None:
    # Three of four in group a are selected, one of four in b; a is favored, b deprived.
    X, y = scored([0.9, 0.7, 0.55, 0.2, 0.8, 0.45, 0.35, 0.1], list("aaaabbbb"))
    model = rejected(X, y, width=0.1)
    assert dict(zip(model.groups_.names, model.side_, strict=True)) == {"a": -1, "b": 1}
    assert model.predict(X).tolist() == [1, 1, 0, 0, 1, 1, 0, 0]
    assert model.rates_.tolist() == [[0.75, 0.5], [0.25, 0.5]]
    assert model.changed_.tolist() == [1, 1]
    assert model.difference_.tolist() == [0.5, 0.0]
    wide = rejected(X, y, width=0.25)
    assert wide.predict(X).tolist() == [1, 0, 0, 0, 1, 1, 1, 0]
    # Who lies at the edge stays: nearer to 0.5 than the width, and no further.
    assert rejected(X, y, width=abs(0.45 - 0.5)).predict(X).tolist() == [1, 1, 1, 0, 1, 0, 0, 0]


def test_the_smallest_width_by_hand() -> None:
    X, y = scored([0.9, 0.7, 0.55, 0.2, 0.8, 0.45, 0.35, 0.1], list("aaaabbbb"))
    model = rejected(X, y)
    # The middle between the distances .05 of those who must change and .15 of the next.
    assert model.width_ == pytest.approx(0.1)
    assert model.difference_.tolist() == [0.5, 0.0]
    assert rejected(X, y, gap=0.5).width_ == 0


def test_a_width_of_zero_changes_nothing() -> None:
    X, y = people()
    model = RejectOption(pipeline(), ["group"], width=0.0).fit(X, y)
    assert (model.predict(X) == pipeline().fit(X, y).predict(X)).all()
    assert model.changed_.sum() == 0


def test_whoever_is_certain_stays() -> None:
    X, y = scored([1.0, 1.0, 0.6, 0.0, 0.0, 0.4], list("aaabbb"))
    model = rejected(X, y, width=0.5)
    assert model.predict(X).tolist() == [1, 1, 0, 0, 0, 1]
    assert model.predict_proba(X)[[0, 3], 1].tolist() == [1.0, 0.0]


def test_labels_without_scores_stay() -> None:
    X, y = scored([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], list("aabbbb"))
    model = rejected(X, y)
    assert model.width_ == 0
    assert model.predict(X).tolist() == [1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("width", [0.02, 0.13, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_two_groups_are_decided_as_aif360_decides(width: float, seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        datasets = pytest.importorskip("aif360.datasets")
        post = pytest.importorskip("aif360.algorithms.postprocessing")
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, 400)
    X, y = scored(np.clip(rng.uniform(size=400) + 0.2 * group - 0.1, 0.001, 0.999), group)
    data = datasets.BinaryLabelDataset(
        df=pd.DataFrame({"group": group.astype(float), "y": y.astype(float)}),
        label_names=["y"], protected_attribute_names=["group"],
    )  # fmt: skip
    data.scores = X[["score"]].to_numpy()
    theirs = post.RejectOptionClassification([{"group": 0.0}], [{"group": 1.0}])
    theirs.classification_threshold, theirs.ROC_margin = 0.5, width
    expected = theirs.predict(data).labels.ravel()
    model = rejected(X, y, width=width)
    assert model.side_.tolist() == [1, -1]
    assert (model.predict(X) == expected).all()
    assert (expected != (X["score"] >= 0.5)).any()


# --- the width ------------------------------------------------------------------------------------

ROWS = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from("abc"), st.integers(1, 4)),
    min_size=2,
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from([0.0, 0.1, 0.3]))
def test_no_other_width_does_better(rows: list[tuple[int, str, int]], gap: float) -> None:
    X, y = scored([row[0] / 20 for row in rows], [row[1] for row in rows])
    weight = np.array([row[2] for row in rows])
    model = rejected(X, y, weight, gap=gap)
    # Scores are steps of 0.05: no decision changes between these widths.
    widths = [0.0, *(np.arange(10) / 20 + 0.01)]
    every = [rejected(X, y, weight, width=width) for width in widths]
    target = max(gap, min(other.difference_[1] for other in every)) + 1e-9
    assert model.difference_[1] <= target
    told = model.predict(X)
    for width, other in zip(widths, every, strict=True):
        if width < model.width_ and (other.predict(X) != told).any():
            assert other.difference_[1] > target - 2e-9


@settings(max_examples=50, deadline=None)
@given(ROWS, st.one_of(st.none(), st.floats(0, 0.5)))
def test_scores_agree_with_decisions_and_keep_the_order(
    rows: list[tuple[int, str, int]], width: float | None
) -> None:
    X, y = scored([row[0] / 20 for row in rows], [row[1] for row in rows])
    model = rejected(X, y, width=width)
    told = model.predict_proba(X)[:, 1]
    assert ((told >= 0) & (told <= 1)).all()
    assert ((told >= 0.5) == (model.predict(X) == 1)).all()
    for _, own in X.assign(told=told).groupby("group"):
        assert (np.diff(own.sort_values("score")["told"]) >= 0).all()


def test_a_weight_is_as_many_rows() -> None:
    rng = np.random.default_rng(2)
    X, y = scored(rng.uniform(size=60), rng.choice(list("abc"), 60))
    weight = rng.integers(1, 6, 60)
    weighted = rejected(X, y, weight)
    copied = rejected(X.loc[np.repeat(X.index, weight)], np.repeat(y, weight))
    assert weighted.width_ == copied.width_
    assert weighted.rates_ == pytest.approx(copied.rates_)
    assert weighted.difference_ == pytest.approx(copied.difference_)


def test_held_out_decisions_come_to_within_the_gap() -> None:
    X, y = people(3000, "ab")
    new, _ = people(20_000, "ab", seed=1)
    model = RejectOption(pipeline(), ["group"]).fit(X, y)
    plain = model.estimator_.predict(new) == "paid"
    assert model.difference_[0] > 0.3
    assert model.difference_[1] <= 0.01
    assert largest_gap(plain, new["group"]) > 0.3
    assert largest_gap(model.predict(new) == "paid", new["group"]) < 0.05


# --- groups ---------------------------------------------------------------------------------------


def test_three_groups_are_compared_with_everybody() -> None:
    X, y = people(2000)
    model = RejectOption(pipeline(), ["group"]).fit(X, y)
    assert dict(zip(model.groups_.names, model.side_, strict=True)) == {"a": -1, "b": 1, "c": 1}
    assert model.difference_[1] < model.difference_[0] / 2
    assert largest_gap(model.predict(X) == "paid", X["group"]) < model.difference_[0] / 2


def test_nobody_is_moved_whose_group_says_nothing() -> None:
    X, y = people(800, "abcd")
    X["group"] = X["group"].astype(object).where(X["group"] != "d", None)
    X.loc[:9, "group"] = "few"
    model = RejectOption(pipeline(), ["group"], width=0.4, parts=0).fit(X, y)
    sides = dict(zip(model.groups_.names, model.side_, strict=True))
    assert (sides["few"], sides["(missing)"]) == (0, 0)
    plain = model.estimator_.predict(X)
    told = model.predict(X)
    left = X["group"].isna() | (X["group"] == "few")
    assert (told[left] == plain[left]).all()
    assert (told[~left] != plain[~left]).any()
    assert (model.predict(X.assign(group="never seen")) == plain).all()
    scores = model.estimator_.predict_proba(X)
    assert model.predict_proba(X)[left] == pytest.approx(scores[left], abs=1e-15)


def test_a_level_that_nobody_knew_is_decided_by_the_estimator() -> None:
    X, y = people()
    model = RejectOption(pipeline(), ["group"], width=0.4, parts=0).fit(X, y)
    assert model.side_.all()
    plain = model.estimator_.predict(X)
    assert (model.predict(X) != plain).any()
    for unknown in ("never seen", None):
        strangers = X.assign(group=pd.Series([unknown] * len(X), dtype=object))
        assert (model.predict(strangers) == plain).all()


def test_groups_that_are_selected_alike_are_left_alone() -> None:
    X, y = scored([0.6, 0.4] * 4, list("aabbccdd"))
    model = rejected(X, y, width=0.3)
    assert model.side_.tolist() == [0, 0, 0, 0]
    assert (model.predict(X) == (X["score"] >= 0.5)).all()


def test_a_single_group_is_left_alone() -> None:
    X, y = scored([0.6, 0.4, 0.2], list("aaa"))
    model = rejected(X, y)
    assert (model.width_, model.difference_.tolist()) == (0.0, [0.0, 0.0])
    nobody = rejected(X, y, smallest=9)
    assert (nobody.width_, nobody.difference_.tolist()) == (0.0, [0.0, 0.0])


# --- estimators and frames ------------------------------------------------------------------------


def test_frames_of_any_kind() -> None:
    X, y = people()
    model = RejectOption(pipeline(), ["group"], features=["job", "income"]).fit(X, y)
    assert list(model.feature_names_in_) == ["job", "income", "group"]
    polars = RejectOption(pipeline(), ["group"], features=["job", "income"]).fit(
        pl.from_pandas(X), pl.Series(y)
    )
    told = model.predict(X)
    assert set(told) == {"paid", "not paid"}
    for other in (pl.from_pandas(X), pa.Table.from_pandas(X)):
        assert (model.predict(other) == told).all()
        assert (polars.predict(other) == told).all()


@pytest.mark.parametrize(
    "estimator",
    [
        lgb.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1),
        DecisionTreeClassifier(max_depth=4),
    ],
    ids=["lightgbm", "tree"],
)
def test_trees(estimator: Any) -> None:
    X, y = people(1500)
    X["job"] = X["job"].astype("category") if "LGBM" in repr(estimator) else X["job"] == "clerk"
    model = RejectOption(estimator, ["group"]).fit(X, y)
    assert model.difference_[1] < model.difference_[0]
    plain = model.estimator_.predict(X[["income", "job"]])
    assert largest_gap(model.predict(X) == "paid", X["group"]) < largest_gap(
        plain == "paid", X["group"]
    )


def test_the_favorable_label_may_be_the_first() -> None:
    X, y = people()
    last = RejectOption(pipeline(), ["group"], parts=0).fit(X, y == "paid")
    first = RejectOption(pipeline(), ["group"], parts=0, favorable="a").fit(
        X, np.where(y == "paid", "a", "b")
    )
    assert first.width_ == pytest.approx(last.width_)
    assert ((first.predict(X) == "a") == last.predict(X)).all()
    assert first.predict_proba(X)[:, 0] == pytest.approx(last.predict_proba(X)[:, 1])


def test_skops_keeps_it() -> None:
    X, y = people()
    model = RejectOption(pipeline(), ["group"]).fit(X, y)
    data = sio.dumps(model)
    again = sio.loads(data, trusted=sio.get_untrusted_types(data=data))
    assert (again.predict_proba(X) == model.predict_proba(X)).all()
    assert (again.predict(X) == model.predict(X)).all()


def test_it_is_cloned_and_cross_validated_like_any_estimator() -> None:
    X, y = people()
    model = RejectOption(pipeline(), ["group"], gap=0.05, seed=4)
    assert cross_val_score(model, X, y, cv=3).mean() > 0.6
    copy = clone(model.fit(X, y))
    assert copy.get_params()["gap"] == 0.05
    with pytest.raises(NotFittedError):
        copy.predict(X)
    assert (copy.fit(X, y).predict(X) == model.predict(X)).all()


def test_a_fitted_estimator_and_its_scores_are_used_as_they_are() -> None:
    X, y = people()
    plain = pipeline().fit(X, y)
    scores = np.where(X["group"] == "a", 0.7, 0.4)
    model = RejectOption(plain, ["group"], prefit=True, gap=0.0)
    frame = X.copy()
    model.fit(frame, y, held_out=scores)
    pd.testing.assert_frame_equal(frame, X)
    assert model.estimator_ is plain
    # Everybody of b and c at a distance of 0.1 changes, then everybody of a at 0.2 would.
    assert model.width_ == pytest.approx(0.15)
    assert model.rates_.tolist() == [[1.0, 1.0], [0.0, 1.0], [0.0, 1.0]]


# --- what cannot be done --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "error", "said"),
    [
        ({"width": 0.6}, SpecError, r"^\$.width: must be from 0 to 0.5, not 0.6"),
        ({"gap": -0.1}, SpecError, r"^\$.gap: must be from 0 to 1"),
        ({"parts": 1}, SpecError, r"^\$.parts: take 0 parts, or 2 and more"),
        ({"attributes": ["grup"]}, DataError, 'did you mean "group"'),
        ({"prefit": True}, ModelError, "Pipeline is not fitted"),
    ],
)
def test_mistakes_are_told(option: dict[str, Any], error: type[Exception], said: str) -> None:
    X, y = people(100)
    with pytest.raises(error, match=said):
        RejectOption(pipeline(), ["group"]).set_params(**option).fit(X, y)
