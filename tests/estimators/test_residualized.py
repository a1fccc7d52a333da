"""Numbers without what is linear in them of the attributes: Fairlearn's, on any frame."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from fairlearn.preprocessing import CorrelationRemover
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

from paribus.errors import DataError, ModelError, SpecError
from paribus.estimators.residualized import Residualized

NUMBERS = ["income", "debts", "owner"]


def people(n=600, seed=0, missing=False):
    """Give people of three races and two sexes, whose numbers depend on both."""
    random = np.random.default_rng(seed)
    race, sex = random.integers(0, 3, n), random.integers(0, 2, n)
    frame = pd.DataFrame(
        {
            "race": np.array(["White", "Black", "Asian"], object)[race],
            "income": random.normal(50_000, 9_000, n) + 8_000 * race + 5_000 * sex,
            "debts": random.poisson(2 + race, n),
            "owner": random.random(n) < 0.3 + 0.2 * sex,
            "city": np.array(["Bonn", "Rome"], object)[random.integers(0, 2, n)],
            "race_code": race,
            "sex": np.array(["f", "m"], object)[sex],
        }
    )
    if missing:
        frame.loc[::7, "race"] = None
        frame.loc[::5, "sex"] = None
        frame.loc[(race == 2) & (random.random(n) < 0.4), "income"] = np.nan
        frame["debts"] = frame["debts"].astype("Int64").mask(random.random(n) < 0.1)
    y = (frame["income"].fillna(50_000) + random.normal(0, 9_000, n) > 60_000).to_numpy()
    return frame, y.astype(int)


def pipeline(model=None):
    columns = ColumnTransformer(
        [
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["city"]),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
            ("code", OneHotEncoder(), ["race_code"]),
        ]
    )
    return make_pipeline(columns, model or LogisticRegression())


def residualized(estimator=None, attributes=("race", "sex"), **options):
    given = {"drop": ["race_code"], "features": ["city", *NUMBERS, "race_code"]} | options
    return Residualized(estimator or pipeline(), list(attributes), **given)


def indicators(frame, attribute):
    return pd.get_dummies(frame[attribute], dtype=float)


@pytest.mark.parametrize("attributes", [["race"], ["race", "sex"]])
def test_nothing_is_correlated_with_a_group_any_more(attributes):
    frame, y = people()
    model = residualized(attributes=attributes).fit(frame, y)
    left = model.residuals(frame)
    for attribute in attributes:
        groups = indicators(frame, attribute)
        for name in NUMBERS:
            assert groups.corrwith(left[name]).abs().max() < 1e-12
        assert groups.corrwith(frame["income"]).abs().max() > 0.1
    assert left[NUMBERS].mean().to_numpy() == pytest.approx(
        frame[NUMBERS].astype(float).mean().to_numpy()
    )


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_it_is_what_fairlearn_gives(alpha):
    frame, y = people()
    others, _ = people(seed=5)
    groups = [pd.concat([indicators(f, "race"), indicators(f, "sex")], axis=1) for f in
              (frame, others)]  # fmt: skip
    # Fairlearn 0.13 takes one mean of all indicators; of centered ones all means are 0.
    centered = [each - groups[0].mean() for each in groups]
    tables = [pd.concat([c, f[NUMBERS].astype(float)], axis=1) for c, f in
              zip(centered, (frame, others), strict=True)]  # fmt: skip
    oracle = CorrelationRemover(sensitive_feature_ids=list(groups[0]), alpha=alpha).fit(tables[0])
    model = residualized(alpha=alpha).fit(frame, y)
    for table, each in zip(tables, (frame, others), strict=True):
        expected = oracle.transform(table)
        mine = model.residuals(each)[NUMBERS].to_numpy()
        assert (np.abs(mine - expected) <= 1e-9 * np.maximum(1, np.abs(expected))).all()


def test_of_one_attribute_the_means_of_groups_become_one():
    frame, y = people()
    model = residualized(attributes=["race"]).fit(frame, y)
    means = frame.groupby("race")["income"].mean()
    overall = frame["income"].mean()
    assert model.groups_.levels == [["Asian", "Black", "White"]]
    moved = model.shifts_[0][:, model.columns_.index("income")]
    assert moved == pytest.approx([*(means - overall), 0.0])


@pytest.mark.parametrize("to", [lambda frame: frame, pl.from_pandas], ids=["pandas", "polars"])
def test_missing_values_stay_and_do_not_disturb(to):
    frame, y = people(missing=True)
    model = residualized().fit(to(frame), y)
    left = model.residuals(to(frame))
    left = left.to_pandas() if isinstance(left, pl.DataFrame) else left
    for name in NUMBERS:
        assert np.array_equal(left[name].isna(), frame[name].isna())
    for attribute in ("race", "sex"):
        for _, there in indicators(frame, attribute).items():
            for name in NUMBERS:
                both = (frame[attribute].notna() & frame[name].notna()).to_numpy()
                mine = left[name].to_numpy(np.float64, na_value=np.nan)[both]
                assert abs(np.corrcoef(mine, there.to_numpy()[both])[0, 1]) < 1e-12
    nobody = frame.assign(race=None, sex=None)
    unmoved = model.residuals(to(nobody))["income"].to_numpy()
    assert unmoved == pytest.approx(frame["income"].to_numpy(), nan_ok=True)
    assert np.array_equal(model.predict(to(frame)), model.predict(to(frame)))


def test_where_numbers_are_missing_the_rest_is_free_of_groups():
    frame, y = people(missing=True)
    model = residualized(attributes=["race"]).fit(frame, y)
    left = model.residuals(frame)
    for name in NUMBERS:
        known = frame["race"].notna() & left[name].notna()
        means = left[name].astype(float)[known].groupby(frame["race"][known]).mean()
        assert means.max() - means.min() < 1e-9 * max(1, means.max())


def test_a_level_that_was_never_seen_is_taken_as_it_is():
    frame, y = people()
    model = residualized(attributes=["race"]).fit(frame, y)
    asked = frame.assign(race="Martian")
    assert np.array_equal(model.residuals(asked)["income"], frame["income"])
    assert len(model.predict(asked)) == len(frame)
    assert model.residuals(frame.iloc[[3]])["income"].tolist() == [
        model.residuals(frame)["income"].iloc[3]
    ]


def test_weights_count_as_rows_do():
    frame, y = people(missing=True)
    weight = np.random.default_rng(1).integers(0, 4, len(frame))
    rows = np.repeat(np.arange(len(frame)), weight)
    weighted = residualized().fit(frame, y, weight)
    repeated = residualized().fit(frame.iloc[rows], y[rows])
    plain = residualized().fit(frame, y)
    for mine, theirs, other in zip(weighted.shifts_, repeated.shifts_, plain.shifts_, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-9)
        assert np.abs(mine - other).max() > 1
    with pytest.raises(ModelError, match="takes no weights"):
        residualized(pipeline(KNeighborsClassifier())).fit(frame, y, weight)


def test_what_is_dropped_says_nothing_and_is_not_asked_for():
    frame, y = people()
    model = residualized().fit(frame, y)
    assert model.feature_names_in_.tolist() == ["city", *NUMBERS, "race", "sex"]
    asked = frame[["sex", "race", "owner", "debts", "income", "city"]]
    for other in (asked, frame.assign(race_code=2)):
        assert np.array_equal(model.predict_proba(frame), model.predict_proba(other))
    # An attribute among the features is no feature any more.
    own = Residualized(LogisticRegression(), ["race_code"], features=["income", "race_code"])
    own.fit(frame, y)
    assert own.constants_.values == {"race_code": int(frame["race_code"].median())}
    assert own.feature_names_in_.tolist() == ["income", "race_code"]
    assert own.columns_ == ["income"]


def test_by_itself_it_takes_all_numbers_and_no_text():
    frame, y = people()
    model = Residualized(pipeline(), ["race", "sex"]).fit(frame, y)
    assert model.columns_ == ["income", "debts", "owner", "race_code"]
    assert np.array_equal(model.residuals(frame)["city"], frame["city"])
    some = residualized(columns=["debts"]).fit(frame, y)
    assert some.columns_ == ["debts"]
    assert np.array_equal(some.residuals(frame)["income"], frame["income"])
    assert some.residuals(frame)["debts"].dtype == np.float64


@pytest.mark.parametrize(
    "estimator",
    [
        LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1),
        XGBClassifier(n_estimators=10, enable_categorical=True, n_jobs=1),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_boosters_take_categories_and_polars(estimator):
    frame, y = people(missing=True)
    frame["city"] = frame["city"].astype("category")
    frame["debts"] = frame["debts"].astype("float64")
    mine, theirs = (residualized(estimator).fit(f, y) for f in (frame, pl.from_pandas(frame)))
    assert mine.residuals(frame)["city"].dtype == "category"
    assert np.array_equal(mine.predict_proba(frame), theirs.predict_proba(pl.from_pandas(frame)))
    assert np.array_equal(mine.predict(frame), mine.estimator_.predict(mine.residuals(frame)))


def test_a_matrix_is_shifted_too():
    frame, y = people()
    options = {"features": [*NUMBERS, "race_code"], "matrix": True}
    model = residualized(LogisticRegression(max_iter=5_000), **options).fit(frame, y)
    left = model.residuals(frame)
    assert isinstance(left, np.ndarray)
    named = residualized().fit(frame, y).residuals(frame)[NUMBERS]
    assert left[:, :3] == pytest.approx(named.to_numpy())
    assert len(np.unique(left[:, 3])) == 1
    assert not np.array_equal(left[:, 0], frame["income"])


def test_answering_takes_no_fairlearn(monkeypatch):
    frame, y = people(missing=True)
    model = residualized().fit(frame, np.array(["no", "yes"])[y])
    before = model.predict(frame)
    assert set(before) == {"no", "yes"}
    saved = skops.io.dumps(model)
    monkeypatch.setitem(sys.modules, "fairlearn", None)
    monkeypatch.setitem(sys.modules, "fairlearn.preprocessing", None)
    again = skops.io.loads(saved, trusted=skops.io.get_untrusted_types(data=saved))
    assert np.array_equal(again.predict(frame), before)
    assert np.array_equal(again.predict_proba(frame), model.predict_proba(frame))
    with pytest.raises(ModelError, match=r'pip install "paribus\[mitigate\]"'):
        residualized().fit(frame, y)


def test_it_is_a_normal_estimator():
    frame, y = people()
    model = residualized(alpha=0.5)
    assert clone(model).get_params()["alpha"] == 0.5
    assert cross_val_score(model, frame, y, cv=3).mean() > 0.6
    kept = frame.copy(deep=True)
    model.fit(frame, y)
    model.predict(frame)
    pd.testing.assert_frame_equal(frame, kept)
    odd = frame.set_index(np.zeros(len(frame), int))
    assert np.array_equal(model.predict_proba(odd), model.predict_proba(frame))
    shuffled = frame.sample(frac=1, random_state=0)
    assert np.array_equal(
        model.predict_proba(shuffled), model.predict_proba(frame)[shuffled.index.to_numpy()]
    )


def test_records_with_gaps_are_read():
    frame, y = people()
    model = residualized().fit(frame, y)
    few = frame.head(3).astype({"income": object})
    few.iloc[1, few.columns.get_loc("income")] = None
    assert model.residuals(few)["income"].isna().tolist() == [False, True, False]


numbers = st.floats(-1e100, 1e100) | st.just(np.nan) | st.integers(-3, 3).map(float)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", None]),
            st.sampled_from([1, 2, None]),
            numbers,
            numbers,
            st.integers(0, 3),
        ),
        min_size=2,
        max_size=12,
    ),
    weighted=st.booleans(),
)
def test_whatever_the_rows_are_numbers_stay_numbers(rows, weighted):
    frame = pd.DataFrame(rows, columns=["g", "h", "x", "z", "w"])
    frame["x"] = frame["x"].astype(float)
    frame["z"] = frame["z"].astype(float)
    y = np.arange(len(frame)) % 2
    weight = frame["w"].to_numpy(float) + (np.arange(len(frame)) < 2) if weighted else None
    model = Residualized(_Says(), ["g", "h"], features=["x", "z"]).fit(frame, y, weight)
    assert all(np.isfinite(each).all() for each in model.shifts_)
    left = model.residuals(frame)
    assert np.array_equal(left.isna(), frame[["x", "z"]].isna())
    # Nobody is moved beyond what there is.
    largest = frame[["x", "z"]].abs().max().fillna(0).to_numpy()
    assert (left.abs().max().fillna(0).to_numpy() <= 20 * largest + 1e-9).all()


class _Says(KNeighborsClassifier):
    """Say yes to everybody, whatever the numbers are."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[1], len(X))


def test_errors_say_what_is_wrong():
    frame, y = people()
    cases = [
        (residualized(columns=["incme"]), DataError, 'no feature of the model; did you mean "inc'),
        (residualized(columns=["city"]), DataError, '"city" holds no numbers'),
        (residualized(columns=["race_code"]), DataError, '"race_code" is dropped'),
        (residualized(columns=[]), DataError, "name at least one column"),
        (residualized(features=["city"], drop=None), DataError, "no feature holds numbers"),
        (residualized(drop=["city", *NUMBERS, "race_code"]), DataError, "every feature would be"),
        (residualized(attributes=["rce"]), DataError, 'no column "rce"; did you mean "race"'),
        (residualized(attributes=[]), SpecError, "name at least one protected attribute"),
        (residualized(alpha=1.5), SpecError, "alpha: must lie between 0 and 1, not 1.5"),
    ]
    for model, kind, said in cases:
        with pytest.raises(kind, match=said):
            model.fit(frame, y)
    wide = pd.DataFrame({"id": np.arange(2_000).astype(str), "x": np.arange(2_000.0)})
    with pytest.raises(DataError, match="2,000 levels"):
        Residualized(LogisticRegression(), ["id"]).fit(wide, np.arange(2_000) % 2)
    model = residualized().fit(frame, y)
    with pytest.raises(DataError, match='no column "sex"'):
        model.predict(frame.drop(columns="sex"))
