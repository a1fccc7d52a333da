"""Thresholds of groups are Fairlearn's, to the digit, and lots favor nobody."""

import sys
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import skops.io as sio
import xgboost as xgb
from fairlearn.postprocessing import ThresholdOptimizer
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from paribus.errors import DataError, ModelError, SpecError
from paribus.estimators.fits import held_out_scores
from paribus.estimators.group_thresholds import CONSTRAINTS, OBJECTIVES, GroupThresholds
from paribus.estimators.groups import lot

NUMBERS = ["income", "years"]


def people(n: int = 500, groups: str = "abc", seed: int = 0) -> tuple[pd.DataFrame, Any]:
    """Groups that differ in income, and labels that follow it."""
    rng = np.random.default_rng(seed)
    group = rng.choice(list(groups), n)
    income = rng.normal(size=n) + np.select([group == "a", group == "b"], [1.0, -0.5], 0.0)
    years = rng.normal(size=n)
    label = (income + years + rng.normal(size=n) > 0.4).astype(int)
    return pd.DataFrame({"income": income, "years": years, "group": group}), label


def rates(values: Any, groups: Any) -> Any:
    return pd.Series(np.asarray(values, float)).groupby(np.asarray(groups)).mean().to_numpy()


def loan(labels: str = "text") -> tuple[pd.DataFrame, Any]:
    X, y = people(500)
    X["job"] = np.where(X["years"] > 0, "clerk", "smith")
    return X, np.where(y == 1, "paid", "not paid") if labels == "text" else y


def pipeline() -> Any:
    columns = ColumnTransformer(
        [("job", OneHotEncoder(handle_unknown="ignore"), ["job"]), ("n", StandardScaler(), NUMBERS)]
    )
    return make_pipeline(columns, LogisticRegression())


# --- Fairlearn ------------------------------------------------------------------------------------


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("groups", ["ab", "abc"])
def test_decisions_are_those_of_fairlearn_under_the_same_seed(groups: str, constraint: str) -> None:
    X, y = people(groups=groups, seed=len(groups))
    estimator = LogisticRegression().fit(X[NUMBERS], y)
    ours = GroupThresholds(estimator, ["group"], constraint, parts=0, prefit=True).fit(X, y)
    theirs = ThresholdOptimizer(
        estimator=estimator, constraints=CONSTRAINTS[constraint], prefit=True,
        predict_method="predict_proba",
    ).fit(X[NUMBERS], y, sensitive_features=X["group"])  # fmt: skip
    new, _ = people(400, groups, seed=9)
    asked: dict[str, Any] = {"sensitive_features": new["group"]}
    chance = theirs._pmf_predict(new[NUMBERS], **asked)
    assert ours.predict_proba(new) == pytest.approx(chance, abs=1e-12)
    for seed in range(5):
        expected = theirs.predict(new[NUMBERS], random_state=seed, **asked)
        assert (ours.predict(new, random_state=seed) == expected).all()
    state = np.random.RandomState(3)
    expected = theirs.predict(new[NUMBERS], random_state=np.random.RandomState(3), **asked)
    assert (ours.predict(new, random_state=state) == expected).all()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives_are_those_of_fairlearn(objective: str) -> None:
    X, y = people()
    estimator = LogisticRegression().fit(X[NUMBERS], y)
    ours = GroupThresholds(
        estimator, ["group"], objective=objective, parts=0, prefit=True, grid=50
    ).fit(X, y)
    theirs = ThresholdOptimizer(
        estimator=estimator, objective=OBJECTIVES[objective], prefit=True, grid_size=50,
        predict_method="predict_proba",
    ).fit(X[NUMBERS], y, sensitive_features=X["group"])  # fmt: skip
    chance = theirs._pmf_predict(X[NUMBERS], sensitive_features=X["group"])
    assert ours.predict_proba(X) == pytest.approx(chance, abs=1e-12)


def test_fairlearns_own_words_will_do() -> None:
    X, y = people(200)
    model = LogisticRegression()
    ours = GroupThresholds(model, ["group"], "equal opportunity", "balanced accuracy").fit(X, y)
    theirs = GroupThresholds(
        model, ["group"], "true_positive_rate_parity", "balanced_accuracy_score"
    ).fit(X, y)
    assert (ours.thresholds_ == theirs.thresholds_).all()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans()), min_size=4, max_size=60
    ),
    st.sampled_from(sorted(CONSTRAINTS)),
)
def test_chances_are_probabilities_whatever_the_scores(
    rows: list[tuple[str, int, bool]], constraint: str
) -> None:
    X = pd.DataFrame({"group": [row[0] for row in rows], "score": [row[1] / 5 for row in rows]})
    y = np.array([row[2] for row in rows])
    if len(set(y)) < 2:
        return
    model = GroupThresholds(Told(), ["group"], constraint, smallest=1, parts=0)
    try:
        model.fit(X, y)
    except DataError:
        assert not any(0 < y[X["group"] == group].mean() < 1 for group in set(X["group"]))
        return
    chance = model.predict_proba(X)
    assert ((chance >= 0) & (chance <= 1)).all()
    assert chance.sum(axis=1) == pytest.approx(1)


class Told(LogisticRegression):  # type: ignore[misc]
    """Says what is in a column."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Told":
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.column_stack([1 - X["score"], X["score"]])


def test_thresholds_need_fairlearn_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = people(100)
    monkeypatch.setitem(sys.modules, "fairlearn.postprocessing", None)
    with pytest.raises(ModelError, match=r"needs fairlearn: pip install \"paribus\[mitigate\]\""):
        GroupThresholds(LogisticRegression(), ["group"]).fit(X, y)


def test_a_saved_model_needs_no_fairlearn(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = people(200)
    model = GroupThresholds(LogisticRegression(), ["group"]).fit(X, y)
    told, data = model.predict(X), sio.dumps(model)
    for module in [name for name in sys.modules if name.split(".")[0] == "fairlearn"]:
        monkeypatch.setitem(sys.modules, module, None)
    again = sio.loads(data, trusted=sio.get_untrusted_types(data=data))
    assert (again.predict(X) == told).all()


# --- criteria -------------------------------------------------------------------------------------


def test_chances_meet_demographic_parity_on_the_rows_they_were_chosen_on() -> None:
    X, y = people()
    plain = LogisticRegression().fit(X[NUMBERS], y)
    model = GroupThresholds(plain, ["group"], parts=0, prefit=True).fit(X, y)
    before = rates(plain.predict(X[NUMBERS]), X["group"])
    assert np.ptp(before) > 0.3
    assert np.ptp(rates(model.predict_proba(X)[:, 1], X["group"])) < 1e-9
    # Lots move the rate of a group by less than the few people that are between two thresholds.
    assert np.ptp(rates(model.predict(X), X["group"])) < 0.02


def test_chances_meet_equalized_odds_on_the_rows_they_were_chosen_on() -> None:
    X, y = people()
    plain = LogisticRegression().fit(X[NUMBERS], y)
    model = GroupThresholds(plain, ["group"], "equalized odds", parts=0, prefit=True).fit(X, y)
    chance = model.predict_proba(X)[:, 1]
    for label in (0, 1):
        own = y == label
        assert np.ptp(rates(plain.predict(X[NUMBERS])[own], X["group"][own])) > 0.1
        assert np.ptp(rates(chance[own], X["group"][own])) < 1e-9


def test_thresholds_on_held_out_scores_are_exact_on_these_scores() -> None:
    X, y = people()
    scores = np.random.default_rng(1).uniform(size=len(y))
    model = GroupThresholds(LogisticRegression(), ["group"]).fit(X, y, held_out=scores)
    rule = model.rule_of_[model.groups_.codes(X)]
    chance = (model.shares_[rule] * (scores[:, None] > model.thresholds_[rule])).sum(axis=1)
    assert np.ptp(rates(chance, X["group"])) < 1e-9


def test_held_out_scores_are_made_as_everybody_makes_them() -> None:
    X, y = people()
    own = GroupThresholds(LogisticRegression(), ["group"], parts=4, seed=5).fit(X, y)
    scores = held_out_scores(
        LogisticRegression(), X[NUMBERS], y, 1, strata=own.groups_.codes(X), parts=4, seed=5
    )
    given_scores = GroupThresholds(LogisticRegression(), ["group"]).fit(X, y, held_out=scores)
    assert (own.thresholds_ == given_scores.thresholds_).all()
    assert (own.shares_ == given_scores.shares_).all()


def test_a_model_that_has_memorized_its_rows_says_nothing_about_thresholds_on_them() -> None:
    """Where labels are mostly noise, a forest is as sure of its own rows as it is of no others:
    thresholds chosen on them leave a gap that is larger than without any."""
    forest = RandomForestClassifier(20, random_state=0)

    def noisy(n: int, seed: int) -> tuple[pd.DataFrame, Any]:
        X, _ = people(n, "ab", seed)
        return X, X["income"] + 3 * np.random.default_rng(seed + 1).normal(size=n) > 1.2

    (X, y), (new, _) = noisy(2000, 5), noisy(20_000, 50)
    plain = forest.fit(X[NUMBERS], y).predict(new[NUMBERS])
    gaps = {}
    for parts in (0, 3):
        model = GroupThresholds(forest, ["group"], parts=parts).fit(X, y)
        gaps[parts] = np.ptp(rates(model.predict_proba(new)[:, 1], new["group"]))
    assert gaps[3] < 0.04
    assert gaps[0] > 0.1
    assert np.ptp(rates(plain, new["group"])) > 0.1


# --- lots -----------------------------------------------------------------------------------------


def test_the_same_person_always_draws_the_same_lot() -> None:
    X, y = people()
    model = GroupThresholds(LogisticRegression(), ["group"], "equalized odds").fit(X, y)
    told = model.predict(X)
    order = np.random.default_rng(0).permutation(len(X))
    assert (model.predict(X.iloc[order]) == told[order]).all()
    assert (np.concatenate([model.predict(X[i : i + 1]) for i in range(50)]) == told[:50]).all()


def test_whoever_has_no_chance_never_wins_and_whoever_is_certain_always_does() -> None:
    X, y = people(4000)
    model = GroupThresholds(LogisticRegression(), ["group"], "equal opportunity").fit(X, y)
    chance, told = model.predict_proba(X)[:, 1], model.predict(X)
    assert (chance == 0).any()
    assert not told[chance == 0].any()
    assert told[chance == 1].all()
    lucky = told[(chance > 0) & (chance < 1)]
    assert 0 < len(lucky) < len(X)


def test_lots_keep_the_chances() -> None:
    X, y = people(20_000)
    model = GroupThresholds(LogisticRegression(), ["group"], "equalized odds").fit(X, y)
    chance = model.predict_proba(X)[:, 1]
    between = (chance > 0) & (chance < 1)
    assert between.sum() > 1000
    deviation = np.sqrt((chance * (1 - chance)).sum())
    assert abs(model.predict(X).sum() - chance.sum()) < 4 * deviation


def test_twins_share_their_lot_where_only_shared_columns_draw_it() -> None:
    X, y = people()
    X["code"] = (X["group"] == "a").astype(int)
    model = GroupThresholds(
        LogisticRegression(), ["group"], "equalized odds", shared=NUMBERS, parts=0
    ).fit(X, y)
    assert list(model.feature_names_in_) == ["income", "years", "code", "group"]
    twin = X.assign(group="a", code=1)
    lots = lot(X, NUMBERS)
    for each in (X, twin):
        assert (model.predict(each) == (model.predict_proba(each)[:, 1] > lots)).all()
    by_default = GroupThresholds(LogisticRegression(), ["group"]).fit(X, y)
    assert by_default.shared_ == ["income", "years", "code"]


def test_a_column_that_only_lots_are_drawn_from_is_needed_too() -> None:
    X, y = people(300)
    X["person"] = np.arange(len(X))
    model = GroupThresholds(
        LogisticRegression(), ["group"], features=NUMBERS, shared=["person"]
    ).fit(X, y)
    assert list(model.feature_names_in_) == [*NUMBERS, "group", "person"]
    assert model.n_features_in_ == 4
    with pytest.raises(DataError, match='no column "persn"; did you mean "person"'):
        clone(model).set_params(shared=["persn"]).fit(X, y)


# --- groups ---------------------------------------------------------------------------------------


def test_small_groups_and_groups_with_one_label_are_taken_together() -> None:
    X, y = people(400)
    X["group"] = X["group"].astype(object)
    X.loc[:14, "group"] = "few"
    X.loc[15:59, "group"] = "good"
    X.loc[60:69, "group"] = None
    y[15:60] = 1
    y[:15] = np.arange(15) % 2
    model = GroupThresholds(LogisticRegression(), ["group"]).fit(X, y)
    assert model.pooled_ == ["few", "good", "(missing)"]
    assert model.plain_ == []
    assert dict(zip(model.groups_.names, model.rule_of_.tolist(), strict=True)) == {
        "a": 0, "b": 1, "c": 2, "few": 3, "good": 3, "(missing)": 3,
    }  # fmt: skip


def test_groups_that_are_too_small_together_are_decided_by_the_estimator() -> None:
    X, y = people(400)
    X.loc[:5, "group"] = "few"
    model = GroupThresholds(LogisticRegression(), ["group"]).fit(X, y)
    assert model.pooled_ == []
    assert model.plain_ == ["few"]
    new, _ = people(300, seed=8)
    plain = model.estimator_.predict(new[NUMBERS])
    assert (model.predict(new.assign(group="few")) == plain).all()
    assert (model.predict(new.assign(group="a")) != plain).any()


def test_a_level_that_nobody_knew_is_decided_by_the_estimator() -> None:
    X, y = people()
    model = GroupThresholds(LogisticRegression(), ["group"]).fit(X, y)
    plain = model.estimator_.predict(X[NUMBERS])
    for unknown in ("z", None):
        strangers = X.assign(group=pd.Series([unknown] * len(X), dtype=object))
        assert (model.predict(strangers) == plain).all()
        assert (model.predict(strangers, random_state=0) == plain).all()


def test_people_whose_group_is_missing_are_a_group() -> None:
    X, y = people(800, "abcd")
    X["group"] = X["group"].where(X["group"] != "d", None)
    model = GroupThresholds(LogisticRegression(), ["group"], parts=0).fit(X, y)
    assert model.groups_.names == ("a", "b", "c", "(missing)")
    chance = model.predict_proba(X)[:, 1]
    assert np.ptp(rates(chance, X["group"].fillna("?"))) < 1e-9


def test_groups_of_two_attributes_are_crossed() -> None:
    X, y = people(1200, "ab")
    X["old"] = X["years"] > 0.5
    model = GroupThresholds(LogisticRegression(), ["group", "old"], parts=0).fit(X, y)
    assert len(model.thresholds_) == 4
    assert list(model.feature_names_in_) == ["income", "years", "group", "old"]
    cells = X["group"] + X["old"].astype(str)
    assert np.ptp(rates(model.predict_proba(X)[:, 1], cells)) < 1e-9


def test_an_attribute_that_the_estimator_sees_is_named_once() -> None:
    X, y = people(300)
    X["group"] = (X["group"] == "a").astype(int)
    model = GroupThresholds(
        LogisticRegression(), ["group"], features=["group", "income"]
    ).fit(X, y)  # fmt: skip
    assert list(model.feature_names_in_) == ["group", "income"]
    assert model.shared_ == ["income"]


# --- estimators and frames ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_strings_pipelines_and_frames_of_any_kind(kind: str) -> None:
    X, y = loan()
    frame = X if kind == "pandas" else pl.from_pandas(X)
    model = GroupThresholds(
        pipeline(), ["group"], "equalized odds", features=["job", *NUMBERS], favorable="paid"
    ).fit(frame, pl.Series(y) if kind == "polars" else pd.Series(y))
    expected = GroupThresholds(
        pipeline(), ["group"], "equalized odds", features=["job", *NUMBERS], favorable="paid"
    ).fit(X, y)
    told = model.predict(frame)
    assert set(told) == {"paid", "not paid"}
    for other in (X, pl.from_pandas(X), pa.Table.from_pandas(X)):
        assert (expected.predict(other) == told).all()


def test_the_favorable_label_may_be_the_first() -> None:
    X, y = people()
    labels = np.where(y == 1, "a loan", "none")
    model = GroupThresholds(LogisticRegression(), ["group"], favorable="a loan", parts=0)
    model.fit(X, labels)
    numbers = GroupThresholds(LogisticRegression(), ["group"], parts=0).fit(X, y)
    assert ((model.predict(X) == "a loan") == (numbers.predict(X) == 1)).all()
    assert model.predict_proba(X)[:, 0] == pytest.approx(numbers.predict_proba(X)[:, 1])


@pytest.mark.parametrize(
    "estimator",
    [
        lgb.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1),
        xgb.XGBClassifier(n_estimators=10, enable_categorical=True, n_jobs=1),
    ],
    ids=["lightgbm", "xgboost"],
)
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_boosters_with_categories(estimator: Any, kind: str) -> None:
    X, y = loan("numbers")
    X["job"] = X["job"].astype("category")
    frame = X if kind == "pandas" else pl.from_pandas(X)
    model = GroupThresholds(estimator, ["group"]).fit(frame, y)
    told = model.predict(frame)
    assert np.ptp(rates(told, X["group"])) < np.ptp(rates(y, X["group"]))
    again = X.assign(job=X["job"].astype(str))
    assert (model.predict(again) == told).all()


@pytest.mark.parametrize("matrix", [False, True])
def test_trees_and_matrices(matrix: bool) -> None:
    X, y = people()
    model = GroupThresholds(DecisionTreeClassifier(max_depth=4), ["group"], matrix=matrix).fit(X, y)
    assert hasattr(model.estimator_, "feature_names_in_") is not matrix
    plain = model.estimator_.predict(X[NUMBERS].to_numpy() if matrix else X[NUMBERS])
    assert np.ptp(rates(model.predict(X), X["group"])) < np.ptp(rates(plain, X["group"])) / 2


def test_weights_reach_the_fits_through_a_pipeline() -> None:
    X, y = loan()
    weight = np.random.default_rng(0).integers(1, 5, len(y))
    model = GroupThresholds(pipeline(), ["group"]).fit(X, y, sample_weight=weight)
    plain = pipeline().fit(X, y, logisticregression__sample_weight=weight)
    inside = model.estimator_[-1].coef_
    assert inside == pytest.approx(plain[-1].coef_)
    with pytest.raises(ModelError, match="takes no weights"):
        GroupThresholds(KNeighborsClassifier(), ["group"], features=NUMBERS).fit(X, y, weight)


def test_skops_keeps_it() -> None:
    X, y = loan()
    model = GroupThresholds(pipeline(), ["group"], "equalized odds").fit(X, y)
    data = sio.dumps(model)
    again = sio.loads(data, trusted=sio.get_untrusted_types(data=data))
    assert (again.predict(X) == model.predict(X)).all()
    assert (again.predict_proba(X) == model.predict_proba(X)).all()


def test_it_is_cloned_and_cross_validated_like_any_estimator() -> None:
    X, y = loan()
    model = GroupThresholds(pipeline(), ["group"], smallest=10, seed=3)
    assert cross_val_score(model, X, y, cv=3).mean() > 0.6
    copy = clone(model.fit(X, y))
    assert copy.get_params()["smallest"] == 10
    with pytest.raises(NotFittedError):
        copy.predict(X)
    assert (copy.fit(X, y).predict(X) == model.predict(X)).all()


def test_nothing_that_was_handed_in_is_changed() -> None:
    X, y = loan()
    frame, labels, estimator = X.copy(), y.copy(), pipeline()
    model = GroupThresholds(estimator, ["group"]).fit(frame, labels)
    model.predict(frame)
    pd.testing.assert_frame_equal(frame, X)
    assert (labels == y).all()
    assert not hasattr(estimator[-1], "coef_")


def test_a_fitted_estimator_stays_as_it_is() -> None:
    X, y = people()
    plain = LogisticRegression().fit(X[NUMBERS], y)
    model = GroupThresholds(plain, ["group"], prefit=True).fit(X, y)
    assert model.estimator_ is plain


# --- what cannot be done --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "error", "said"),
    [
        ({"constraint": "demographic party"}, SpecError, 'did you mean "demographic parity"'),
        ({"objective": "acuracy"}, SpecError, r'^\$.objective: .* did you mean "accuracy"'),
        (
            {"constraint": "equalized odds", "objective": "selection rate"},
            SpecError,
            r"^\$.objective: equalized odds take the objective accuracy or balanced accuracy",
        ),
        ({"parts": 1}, SpecError, r"^\$.parts: take 0 parts, or 2 and more"),
        ({"grid": 0}, SpecError, r"^\$.grid"),
        ({"smallest": 1000}, DataError, "no group has 1000 rows with both labels"),
        ({"attributes": ["grup"]}, DataError, 'did you mean "group"'),
        ({"prefit": True}, ModelError, "LogisticRegression is not fitted"),
    ],
)
def test_mistakes_are_told(option: dict[str, Any], error: type[Exception], said: str) -> None:
    X, y = people(200)
    model = GroupThresholds(LogisticRegression(), ["group"]).set_params(**option)
    with pytest.raises(error, match=said):
        model.fit(X, y)


@pytest.mark.parametrize("scores", [np.zeros(3), np.full(200, 2.0), np.full(200, np.nan)])
def test_held_out_scores_that_are_none(scores: Any) -> None:
    X, y = people(200)
    with pytest.raises(DataError, match="one number from 0 to 1 for each row"):
        GroupThresholds(LogisticRegression(), ["group"]).fit(X, y, held_out=scores)


def test_a_label_that_is_too_rare_to_be_held_out() -> None:
    X, _ = people(200)
    y = np.arange(200) == 7
    with pytest.raises(DataError, match="too rare to be held out in 3 parts"):
        GroupThresholds(LogisticRegression(), ["group"]).fit(X, y)


def test_people_without_the_attribute_cannot_be_decided_about() -> None:
    X, y = people(200)
    model = GroupThresholds(LogisticRegression(), ["group"]).fit(X, y)
    with pytest.raises(DataError, match='no column "group"'):
        model.predict(X[NUMBERS])
