from __future__ import annotations

import json
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import skops.io
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import paribus as pb
from paribus.errors import DataError, ModelError, SpecError
from paribus.estimators.twin_average import TwinAverage
from paribus.mitigation.base import Training
from paribus.people.population import Protected
from paribus.table import Table, to_frame
from paribus.twins import factorial

GENDER = {"gender": Protected(levels=("Male", "Female"))}
CODE = {"code": pb.map_of("gender", {"Male": 1, "Female": 0})}
NAME = pb.mimesis("person.full_name", follows={"gender": {"Male": "MALE", "Female": "FEMALE"}})


class Hashed(ClassifierMixin, BaseEstimator):
    """Answers by chance, but the same for the same row: whatever differs changes the answer.

    It refuses frames whose columns have other types than those that it was fitted on.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Hashed:
        self.classes_ = np.unique(y)
        self.types_ = self._types(X)
        return self

    def predict_proba(self, X: Any) -> Any:
        assert self._types(X) == self.types_
        frame = X.to_pandas() if hasattr(X, "to_pandas") else X
        hashed = pd.util.hash_pandas_object(frame.astype(object).astype(str), index=False)
        good = hashed.to_numpy() / 2.0**64
        return np.column_stack([1 - good, good])

    def predict(self, X: Any) -> Any:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype(int)]

    def _types(self, X: Any) -> list[str]:
        return [f"{name} {X[name].dtype}" for name in X.columns]


class Labels(ClassifierMixin, BaseEstimator):
    """Another model's labels, without probabilities."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, X: Any, y: Any) -> Labels:
        self.model_ = clone(self.model).fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        return self.model_.predict(X)


def people(n: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    male = rng.random(n) < 0.5
    return pd.DataFrame(
        {
            "gender": np.where(male, "Male", "Female"),
            "code": male.astype("int8"),
            "income": rng.integers(20, 120, n),
            "debt": rng.normal(size=n).astype("float32"),
        }
    )


def training(frame: Any, features: Any, fields: Any = CODE, protect: Any = GENDER) -> Training:
    label = np.random.default_rng(1).integers(0, 2, len(frame))
    return Training(
        table=Table.of(frame),
        label=label,
        favorable=1,
        estimator=Hashed(),
        features=tuple(features),
        protect=protect,
        fields=fields,
    )


def averaged(rows: Training, estimator: Any = None, **options: Any) -> TwinAverage:
    model = TwinAverage(
        Hashed() if estimator is None else estimator,
        rows.recipe(),
        features=list(rows.features),
        **options,
    )
    return model.fit(rows.frame, rows.label)


def versions(rows: Training) -> list[Any]:
    """Everybody in every cell of levels, as an audit would make them."""
    twins = factorial(rows.people)
    block = twins.block(0)
    return [
        to_frame(block.columns(version, rows.table.names), rows.table.kind, rows.table)
        for version in twins.versions
    ]


# --- the mean -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_the_answer_is_the_mean_of_both_levels(kind):
    frame = people()
    label = ((frame["income"] > 60) & (frame["gender"] == "Male")).to_numpy()
    inside = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(), ["gender"]), (StandardScaler(), ["code", "income", "debt"])
        ),
        LogisticRegression(max_iter=1_000),
    )
    given_frame = frame if kind == "pandas" else pl.from_pandas(frame)
    rows = training(given_frame, ["gender", "code", "income", "debt"])
    model = TwinAverage(inside, rows.recipe(), features=list(rows.features))
    model.fit(given_frame, label)

    plain = clone(inside).fit(frame, label)
    men = plain.predict_proba(frame.assign(gender="Male", code=1))[:, 1]
    women = plain.predict_proba(frame.assign(gender="Female", code=0))[:, 1]
    assert np.abs(men - women).max() > 0.3
    told = model.predict_proba(given_frame)
    assert told[:, 1] == pytest.approx((men + women) / 2, abs=1e-9)
    assert told.sum(axis=1) == pytest.approx(1)
    assert model.predict(given_frame).tolist() == ((men + women) / 2 >= 0.5).tolist()


def test_only_the_columns_outside_the_closure_are_needed():
    frame = people()
    model = averaged(training(frame, ["code", "income", "gender", "debt"]))
    assert model.feature_names_in_.tolist() == ["income", "debt"]
    assert model.n_features_in_ == 2
    shared = frame[["debt", "income"]]
    wrong = frame.assign(gender="nobody knows", code=7)
    assert (model.predict_proba(shared) == model.predict_proba(frame)).all()
    assert (model.predict_proba(wrong) == model.predict_proba(frame)).all()


def test_other_kinds_of_frames_may_ask():
    frame = people()
    model = averaged(training(frame, ["code", "income", "debt"]))
    told = model.predict_proba(frame)
    shared = frame[["income", "debt"]]
    assert (model.predict_proba(pa.Table.from_pandas(shared)) == told).all()
    assert (model.predict_proba(pl.from_pandas(shared)) == told).all()
    trained = training(pl.from_pandas(frame), ["code", "income", "debt"])
    assert (averaged(trained).predict_proba(shared) == told).all()


def test_a_tie_between_versions_is_favorable():
    frame = pd.DataFrame({"code": [1, 0] * 10, "income": range(20)})
    model = TwinAverage(
        DecisionTreeClassifier(), training(people(), ["code"]).recipe(), favorable="yes"
    )
    model.fit(frame, np.where(frame["code"] == 1, "yes", "no"))
    assert model.predict_proba(frame)[:, 1].tolist() == [0.5] * 20
    assert model.predict(frame).tolist() == ["yes"] * 20
    assert model.set_params(favorable="no").fit(frame, frame["code"].map({1: "yes", 0: "no"}))
    assert model.predict(frame).tolist() == ["no"] * 20


def test_labels_alone_are_averaged_too():
    frame = people()
    label = (frame["code"] == 1).to_numpy()
    model = averaged(training(frame, ["code", "income"]), Labels(DecisionTreeClassifier()))
    model.fit(frame, label)
    assert set(model.estimator_.predict(frame[["code", "income"]])) == {True, False}
    assert set(model.predict_proba(frame)[:, 1]) == {0.5}
    assert set(model.predict(frame)) == {True}


def test_every_cell_counts_the_same_and_what_looks_the_same_is_asked_once():
    race = {"race": Protected(levels=("a", "b", "c"))} | GENDER
    fields = CODE | {"white": pb.map_of("race", {"a": 1, "b": 0, "c": 0})}
    frame = people().assign(race="a", white=1)
    frame.loc[:50, "race"], frame.loc[:20, "race"] = "b", "c"
    model = averaged(training(frame, ["white", "income"], fields, race))
    assert [v["count"] for v in model.versions_] == [1, 2]
    plain = Hashed().fit(frame[["white", "income"]], [0, 1] * 100)
    asked = [plain.predict_proba(frame[["white", "income"]].assign(white=w)) for w in (1, 0)]
    expected = (asked[0] + 2 * asked[1])[:, 1] / 3
    assert model.predict_proba(frame)[:, 1] == pytest.approx(expected, abs=1e-11)
    # Gender moves nothing that the model sees.
    assert not any("gender" in v["values"] for v in model.versions_)


def test_nothing_moved_leaves_the_model_as_it_is():
    frame = people()
    rows = training(frame, ["income", "debt"])
    inside = DecisionTreeClassifier(max_depth=4, random_state=0)
    model = averaged(rows, inside)
    plain = clone(inside).fit(frame[["income", "debt"]], rows.label)
    assert len(model.versions_) == 1
    assert (model.predict_proba(frame) == plain.predict_proba(frame[["income", "debt"]])).all()
    assert (model.predict(frame) == plain.predict(frame[["income", "debt"]])).all()


def test_a_model_that_sees_nothing_else_asks_for_one_column():
    frame = people()
    model = averaged(training(frame, ["code"]))
    assert model.feature_names_in_.tolist() == ["code"]
    assert len(set(model.predict_proba(frame)[:, 1])) == 1


# --- twins are decided alike ----------------------------------------------------------------------


@st.composite
def closures(draw: Any) -> tuple[dict[str, Any], list[str]]:
    """Fields that follow two attributes, one another, and a column that twins share."""
    genders, ages = ("Male", "Female"), (25, 45, 65)
    fields: dict[str, Any] = {}
    moved = ["gender", "age"]
    for i in range(draw(st.integers(0, 3))):
        of = draw(st.sampled_from(moved))
        name = f"column {i}"
        if draw(st.booleans()):
            fields[name] = pb.copy_of(of)
        else:
            known = (*genders, *ages, 0, 1, 2)
            values = draw(st.lists(st.integers(0, 2), min_size=8, max_size=8))
            fields[name] = pb.map_of(of, dict(zip(known, values, strict=True)))
        moved.append(name)
    if draw(st.booleans()):
        follows: dict[str, Any] = {"gender": {"Male": "MALE", "Female": "FEMALE"}}
        if draw(st.booleans()):
            follows["land"] = {"en": "en", "de": "de"}
        fields["name"] = pb.mimesis("person.full_name", follows=follows)
        if draw(st.booleans()):
            fields["mail"] = pb.mimesis("person.email", of="name")
    seen = draw(st.lists(st.sampled_from(["gender", "age", *fields]), unique=True, max_size=4))
    return fields, [*seen, "income"]


@given(closures(), st.sampled_from(["pandas", "polars"]), st.integers(1, 2))
@settings(max_examples=20, deadline=None)
def test_twins_are_never_decided_otherwise(closure, kind, draws):
    fields, seen = closure
    rng = np.random.default_rng(0)
    n = 24
    frame = people(n)[["gender", "income"]].assign(
        age=np.resize([25, 45, 65], n), land=rng.choice(["en", "de"], n)
    )
    protect = GENDER | {"age": Protected(levels=(25, 45, 65))}
    bare = training(frame, seen, fields, protect).people
    block = bare.block(0)
    full = to_frame({name: block.column(name) for name in bare.names}, "pandas")
    rows = training(full if kind == "pandas" else pl.from_pandas(full), seen, fields, protect)

    model = averaged(rows, draws=draws)
    twins = versions(rows)[::2]
    told = [model.predict_proba(each) for each in twins]
    assert all((each == told[0]).all() for each in told)
    assert {"gender", "age", *fields}.isdisjoint(model.feature_names_in_)
    # Nor does it matter who else is asked about.
    order = rng.permutation(n)
    mixed = twins[1][order.tolist()] if kind == "polars" else twins[1].iloc[order]
    assert (model.predict_proba(mixed) == told[0][order]).all()


def test_the_model_inside_does_flip():
    """Or the test above would show nothing."""
    rows = training(people(), ["code", "income"])
    men, women = (rows.plain.predict(each[["code", "income"]]) for each in versions(rows))
    assert 0.3 < (men != women).mean() < 0.7


# --- draws ----------------------------------------------------------------------------------------


def named(n: int = 60) -> Training:
    frame = people(n)
    frame["name"] = np.where(frame["gender"] == "Male", "Bob Smith", "Ann Smith")
    return training(frame, ["name", "income"], CODE | {"name": NAME})


def test_everybody_has_the_same_draws_at_every_level():
    rows = named()
    model = averaged(rows, draws=5)
    names = [version["values"]["name"] for version in model.versions_]
    assert len(set(names)) == 10
    # A full name is a first name that follows the gender, and a last name that does not.
    men, women = names[:5], names[5:]
    assert [n.split(" ", 1)[1] for n in men] == [n.split(" ", 1)[1] for n in women]
    plain = rows.plain
    each = [plain.predict_proba(rows.X.assign(name=name))[:, 1] for name in names]
    assert model.predict_proba(rows.frame)[:, 1] == pytest.approx(np.mean(each, axis=0))


def test_the_seed_alone_makes_the_draws():
    rows = named()
    same, again, other = (averaged(rows, seed=seed) for seed in (3, 3, 4))
    assert same.versions_ == again.versions_
    assert same.versions_ != other.versions_
    few = averaged(rows, seed=3, draws=2)
    assert [v["values"] for v in few.versions_[:2]] == [v["values"] for v in same.versions_[:2]]


def test_a_name_that_follows_a_shared_column_too_is_drawn_for_its_values():
    frame = people(40).assign(land=["en", "de"] * 20, name="x")
    follows = {"gender": {"Male": "MALE", "Female": "FEMALE"}, "land": {"en": "en", "de": "de"}}
    fields = {"name": pb.mimesis("person.full_name", follows=follows)}
    rows = training(frame, ["name", "income"], fields)
    model = averaged(rows, draws=3)
    assert model.feature_names_in_.tolist() == ["income", "land"]
    made = [model._replaced(frame, version)["name"] for version in model.versions_]
    assert all(len(set(names[::2])) == len(set(names[1::2])) == 1 for names in made)
    assert len({name for names in made for name in names}) == 12
    assert (model.predict_proba(frame[["land", "income"]]) == model.predict_proba(frame)).all()
    with pytest.raises(DataError, match='no column "land"'):
        model.predict(frame[["income"]])


def test_a_text_model_that_reads_names():
    rows = named(200)
    text = make_pipeline(
        make_column_transformer((HashingVectorizer(n_features=256), "name")), LogisticRegression()
    )
    label = rows.frame["gender"] == "Male"
    model = TwinAverage(text, rows.recipe(), features=["name"]).fit(rows.frame, label)
    assert model.estimator_.score(rows.X, label) == 1
    assert len(set(model.predict(rows.frame))) == 1


# --- estimators and types -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inside",
    [
        xgboost.XGBClassifier(n_estimators=5, enable_categorical=True),
        lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, min_child_samples=2),
    ],
    ids=["xgboost", "lightgbm"],
)
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_boosters_with_categories(inside, kind):
    frame = people(300)
    frame["sex"] = pd.Categorical(frame["gender"], categories=["Female", "Male", "Other"])
    label = ((frame["gender"] == "Male") & (frame["income"] > 50)).astype(int).to_numpy()
    handed = frame if kind == "pandas" else pl.from_pandas(frame)
    rows = training(handed, ["sex", "code", "income"], CODE | {"sex": pb.copy_of("gender")})
    model = TwinAverage(inside, rows.recipe(), features=list(rows.features)).fit(handed, label)
    men, women = (model.predict_proba(each) for each in versions(rows))
    assert (men == women).all()
    plain = [model.estimator_.predict(model.seen_.of_frame(each)) for each in versions(rows)]
    assert (plain[0] != plain[1]).any()


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, 0] * 10, dtype="int16"),
        pd.Series([1, 0] * 10, dtype="float32"),
        pd.Series([True, False] * 10),
        pd.Series([1, 0] * 10, dtype="Int64"),
        pd.Series(["1", "0"] * 10, dtype=object),
        pd.Series(["1", "0"] * 10, dtype="string"),
        pl.Series([1, 0] * 10, dtype=pl.UInt8),
        pl.Series([1, 0] * 10, dtype=pl.Float32),
        pl.Series([True, False] * 10),
        pl.Series(["1", "0"] * 10),
        pl.Series(["1", "0"] * 10, dtype=pl.Enum(["0", "1"])),
    ],
    ids=lambda column: f"{type(column).__module__.split('.')[0]} {column.dtype}",
)
def test_columns_keep_their_types(column):
    kind: Any = pd if isinstance(column, pd.Series) else pl
    frame = kind.DataFrame({"code": column, "income": list(range(20))})
    text = {"code": pb.map_of("gender", {"Male": "1", "Female": "0"})}
    fields = text if "Enum" in str(column.dtype) else CODE
    model = TwinAverage(Hashed(), training(people(), ["code"], fields).recipe())
    model.fit(frame, [0, 1] * 10)
    assert len(model.versions_) == 2
    # Hashed refuses other types than those of the fit.
    assert (model.predict(frame) == model.predict(frame[["income"]])).all()


def test_a_matrix_of_numbers():
    frame = people()
    rows = training(frame, ["code", "income"])
    inside = DecisionTreeClassifier(random_state=0)
    model = averaged(rows, inside, matrix=True)
    named_columns = averaged(rows, inside)
    assert not hasattr(model.estimator_, "feature_names_in_")
    assert (model.predict_proba(frame) == named_columns.predict_proba(frame)).all()


def test_missing_and_undeclared_levels_are_answered_like_all_others():
    frame = people()
    frame.loc[:9, "gender"], frame.loc[10:19, "gender"] = None, "Other"
    model = averaged(training(frame, ["code", "income"]))
    assert len(model.predict(frame)) == 200


# --- a normal estimator ---------------------------------------------------------------------------


def test_it_can_be_cloned_and_cross_validated():
    frame = people()
    label = (frame["income"] > 70).astype(int)
    rows = training(frame, ["code", "income"])
    model = averaged(rows, DecisionTreeClassifier(max_depth=2))
    copy = clone(model)
    assert copy.get_params(deep=False)["recipe"] == rows.recipe()
    assert not hasattr(copy, "classes_")
    assert cross_val_score(copy, frame, label).min() > 0.95


def test_prefit_keeps_the_very_model():
    frame = people()
    rows = training(frame, ["code", "income"])
    model = averaged(rows, rows.plain, prefit=True)
    assert model.estimator_ is rows.plain
    fresh = averaged(rows)
    assert fresh.estimator_ is not fresh.estimator
    assert (fresh.predict_proba(frame) == model.predict_proba(frame)).all()
    with pytest.raises(ModelError, match="not fitted"):
        averaged(rows, DecisionTreeClassifier(), prefit=True)
    with pytest.raises(NotFittedError):
        TwinAverage(Hashed(), rows.recipe()).predict(frame)


def test_weights_reach_the_estimator():
    frame = people()
    rows = training(frame, ["code", "income"])
    weight = np.where(frame["income"] > 60, 1.0, 0.0)
    inside = DecisionTreeClassifier(random_state=0)
    model = TwinAverage(inside, rows.recipe(), features=["code", "income"])
    model.fit(frame, rows.label, sample_weight=weight)
    some = weight > 0
    plain = clone(inside).fit(frame.loc[some, ["code", "income"]], rows.label[some])
    asked = frame.loc[some].assign(code=1)[["code", "income"]]
    assert (model.estimator_.predict(asked) == plain.predict(asked)).all()


def test_skops_gives_the_same_model_back():
    frame = people(80).assign(land=["en", "de"] * 40, name="x")
    follows = {"gender": {"Male": "MALE", "Female": "FEMALE"}, "land": {"en": "en", "de": "de"}}
    fields = CODE | {"name": pb.mimesis("person.full_name", follows=follows)}
    text = make_column_transformer((HashingVectorizer(n_features=64), "name"),
                                   ("passthrough", ["code", "income"]))  # fmt: skip
    rows = training(frame, ["name", "code", "income"], fields)
    model = averaged(rows, make_pipeline(text, DecisionTreeClassifier(random_state=0)))
    saved = skops.io.dumps(model)
    loaded = skops.io.loads(saved, trusted=skops.io.get_untrusted_types(data=saved))
    shared = frame[["income", "land"]]
    assert (loaded.predict_proba(shared) == model.predict_proba(shared)).all()
    assert loaded.versions_ == model.versions_


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["", "[]", "{}", "null", '{"protect": 3}'])
def test_a_recipe_that_is_none(recipe):
    with pytest.raises(SpecError, match=r"\$.recipe"):
        TwinAverage(Hashed(), recipe).fit(people(), [0, 1] * 100)


def test_a_recipe_with_a_field_of_no_kind():
    recipe = json.loads(training(people(), ["code"]).recipe())
    recipe["fields"]["code"]["kind"] = "mapp"
    with pytest.raises(SpecError, match=r'\$.fields.code.kind: .*did you mean "map"'):
        TwinAverage(Hashed(), json.dumps(recipe)).fit(people(), [0, 1] * 100)


def test_a_column_that_follows_a_level_and_itself():
    follows = {"gender": {"Male": "MALE", "Female": "FEMALE"},
               "name": {"argument": "locale", "levels": {"x": "en"}}}  # fmt: skip
    fields = {"name": pb.mimesis("person.full_name", follows=follows)}
    rows = training(people().assign(name="x"), ["name"], fields)
    with pytest.raises(SpecError, match="made from itself"):
        averaged(rows)


@pytest.mark.parametrize("draws", [0, -1, True])
def test_draws_must_be_one_or_more(draws):
    with pytest.raises(SpecError, match=r"\$.draws"):
        averaged(named(), draws=draws)


def test_too_many_versions_are_refused():
    with pytest.raises(SpecError, match="20,000 versions"):
        averaged(named(), draws=10_000)


def test_a_level_that_is_no_category():
    frame = people().assign(sex=pd.Categorical(["Male"] * 200))
    rows = training(frame, ["sex", "income"], CODE | {"sex": pb.copy_of("gender")})
    with pytest.raises(DataError, match='"Female" is no category of the column "sex"'):
        averaged(rows)


def test_a_level_that_the_model_never_saw():
    frame = people().assign(gender="Male")
    inside = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["gender"])), DecisionTreeClassifier()
    )
    recipe = training(people(), ["gender"]).recipe()
    with pytest.raises(ModelError, match="no answer for gender = Female"):
        TwinAverage(inside, recipe, features=["gender"]).fit(frame, [0, 1] * 100)


def test_columns_that_are_missing():
    rows = training(people(), ["code", "income"])
    model = TwinAverage(Hashed(), rows.recipe(), features=["code", "incme"])
    with pytest.raises(DataError, match='no column "incme"; did you mean "income"'):
        model.fit(people(), rows.label)
    with pytest.raises(DataError, match='no column "income"'):
        averaged(rows).predict(people()[["code"]])
    with pytest.raises(DataError, match="data frame"):
        TwinAverage(Hashed(), rows.recipe()).fit(np.zeros((200, 2)), rows.label)


def test_the_frame_of_the_caller_is_left_alone():
    frame = people()
    before = frame.copy(deep=True)
    averaged(training(frame, ["code", "income"])).predict(frame)
    pd.testing.assert_frame_equal(frame, before)
