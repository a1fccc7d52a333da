"""Columns at which a model does not look: nothing in them changes an answer, to the bit."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import skops.io
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from paribus.errors import DataError, ModelError
from paribus.estimators.frames import Constants
from paribus.estimators.without import Without

DROPPED = ["sex", "sex_code", "title"]


def people(n=400, seed=0):
    """Give people of whom three columns tell the sex, and two the label."""
    random = np.random.default_rng(seed)
    sex = random.integers(0, 2, n)
    frame = pd.DataFrame(
        {
            "sex": np.array(["f", "m"], object)[sex],
            "income": random.normal(size=n),
            "sex_code": sex,
            "city": np.array(["Bonn", "Rome", "Oslo"], object)[random.integers(0, 3, n)],
            "title": pd.Categorical.from_codes(sex, ["Ms", "Mr"]),
        }
    )
    frame.loc[::17, "sex"] = None
    y = (frame["income"] + sex + random.normal(size=n) > 0.5).astype(int).to_numpy()
    return frame, y


def moved(frame):
    """Give everybody the other sex, in all columns that tell it."""
    return frame.assign(
        sex=frame["sex"].map({"f": "m", "m": "x"}),
        sex_code=1 - frame["sex_code"],
        title=frame["title"].cat.rename_categories({"Ms": "Mr", "Mr": "Ms"}),
    )


def encoded(texts, numbers, model=None):
    columns = ColumnTransformer(
        [
            ("texts", make_pipeline(SimpleImputer(strategy="most_frequent"), _hot()), texts),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        ]
    )
    return make_pipeline(columns, model or LogisticRegression())


def _hot():
    return OneHotEncoder(handle_unknown="ignore")


def pipeline():
    return encoded(["sex", "city", "title"], ["income", "sex_code"])


def boosted(frame):
    """Give texts as categories, which boosters take as they are."""
    return frame.assign(**{name: frame[name].astype("category") for name in ("sex", "city")})


MODELS = {
    "pipeline": (pipeline(), lambda frame: frame),
    "tree": (
        encoded(["sex", "city", "title"], ["income", "sex_code"], DecisionTreeClassifier()),
        lambda frame: frame,
    ),
    "lightgbm": (LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1), boosted),
    "xgboost": (XGBClassifier(n_estimators=10, enable_categorical=True, n_jobs=1), boosted),
    "svc": (encoded(["sex", "city", "title"], ["income", "sex_code"], SVC()), lambda f: f),
}


@pytest.mark.parametrize("kind", MODELS)
def test_people_who_differ_in_these_columns_alone_get_the_same_answer(kind):
    estimator, prepared = MODELS[kind]
    frame, y = people()
    before, after = prepared(frame), prepared(moved(frame))
    plain = clone(estimator).fit(before[list(frame)], y)
    if kind not in {"lightgbm", "xgboost"}:  # which know only the categories of the fit
        assert (plain.predict(before) != plain.predict(after)).any()
    model = Without(estimator, DROPPED).fit(before, y)
    assert model.feature_names_in_.tolist() == ["income", "city"]
    assert model.n_features_in_ == 2
    asked = before[["city", "income"]]
    for other in (after, asked, after[["income", "city"]]):
        assert np.array_equal(model.predict(before), model.predict(other))
        assert np.array_equal(model.predict_proba(before), model.predict_proba(other))
    assert len(np.unique(model.predict(asked))) == 2


def test_it_is_the_estimator_fitted_without_these_columns():
    frame, y = people()
    numbers = frame[["sex_code", "income"]]
    tree = DecisionTreeClassifier(max_depth=4, random_state=0)
    without = Without(tree, ["sex_code"]).fit(numbers, y)
    alone = clone(tree).fit(numbers[["income"]], y)
    assert np.array_equal(without.predict_proba(numbers), alone.predict_proba(numbers[["income"]]))
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    without = Without(scaled, ["sex_code"]).fit(numbers, y)
    alone = clone(scaled).fit(numbers[["income"]], y)
    chances = alone.predict_proba(numbers[["income"]])
    assert without.predict_proba(numbers) == pytest.approx(chances, abs=1e-6)


def test_answers_are_those_of_the_estimator_inside():
    frame, y = people()
    labels = np.array(["no", "yes"])[y]
    low = FixedThresholdClassifier(pipeline(), threshold=0.2)
    model = Without(low, DROPPED, favorable="no").fit(frame, labels)
    chances = model.predict_proba(frame)
    assert model.classes_.tolist() == ["no", "yes"]
    assert np.array_equal(model.predict(frame), np.where(chances[:, 1] >= 0.2, "yes", "no"))
    assert (model.predict(frame) != model.classes_[chances.argmax(axis=1)]).any()


def test_margins_are_brought_to_probabilities():
    frame, y = people()
    model = Without(MODELS["svc"][0], DROPPED).fit(frame, y)
    chances = model.predict_proba(frame)
    assert chances.sum(axis=1) == pytest.approx(1)
    assert np.array_equal(chances[:, 1] >= 0.5, model.predict(frame) == 1)


@pytest.mark.parametrize("to", [pl.from_pandas, pa.Table.from_pandas])
def test_other_frames_give_the_same(to):
    frame, y = people()
    other = to(frame)
    mine, theirs = (Without(pipeline(), DROPPED).fit(each, y) for each in (frame, other))
    assert np.array_equal(mine.predict(frame), theirs.predict(other))
    assert mine.predict_proba(frame) == pytest.approx(theirs.predict_proba(other), abs=1e-9)
    assert np.array_equal(theirs.predict(frame), theirs.predict(other))
    asked = other.select(["income", "city"])
    assert np.array_equal(theirs.predict(asked), theirs.predict(other))


def test_a_booster_reads_polars_as_pandas():
    frame, y = people()
    frame = boosted(frame)
    estimator, _ = MODELS["lightgbm"]
    mine, theirs = (
        Without(estimator, DROPPED).fit(each, y) for each in (frame, pl.from_pandas(frame))
    )
    asked = pl.from_pandas(frame[["income", "city"]])
    assert np.array_equal(mine.predict_proba(frame), theirs.predict_proba(asked))


def test_a_matrix_has_the_same_number_for_everybody():
    frame, y = people()
    numbers = frame[["sex_code", "income"]]
    model = Without(LogisticRegression(), ["sex_code"], matrix=True).fit(numbers, y)
    assert not hasattr(model.estimator_, "feature_names_in_")
    asked = numbers[["income"]]
    assert np.array_equal(model.predict_proba(asked), model.predict_proba(numbers))


def test_weights_count_as_rows_do():
    frame, y = people()
    weight = np.random.default_rng(1).integers(1, 4, len(frame))
    rows = np.repeat(np.arange(len(frame)), weight)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    estimator = encoded(["city"], ["income", "sex_code"], tree)
    features = ["income", "sex_code", "city"]
    weighted = Without(estimator, ["sex_code"], features).fit(frame, y, weight)
    repeated = Without(estimator, ["sex_code"], features).fit(frame.iloc[rows], y[rows])
    plain = Without(estimator, ["sex_code"], features).fit(frame, y)
    chances = weighted.predict_proba(frame)
    # Means of the scaler are of rows, whatever these count; trees do not care.
    assert chances == pytest.approx(repeated.predict_proba(frame))
    assert np.abs(chances - plain.predict_proba(frame)).max() > 0.01
    with pytest.raises(ModelError, match="takes no weights"):
        Without(KNeighborsClassifier(), ["sex_code"], ["income", "sex_code"]).fit(frame, y, weight)


def test_it_is_a_normal_estimator():
    frame, y = people()
    model = Without(pipeline(), DROPPED, features=list(frame), favorable=1)
    assert clone(model).get_params()["columns"] == DROPPED
    accuracy = cross_val_score(model, frame, y, cv=3)
    assert 0.55 < accuracy.mean() < 1
    assert cross_val_score(model, frame, y, cv=3, scoring="roc_auc").min() > 0.6
    kept = frame.copy(deep=True)
    model.fit(frame, y)
    pd.testing.assert_frame_equal(frame, kept)
    saved = skops.io.dumps(model)
    again = skops.io.loads(saved, trusted=skops.io.get_untrusted_types(data=saved))
    asked = frame[["income", "city"]]
    assert np.array_equal(again.predict_proba(asked), model.predict_proba(asked))


# --- constants ------------------------------------------------------------------------------------


def test_the_constant_is_a_typical_value():
    frame = pd.DataFrame(
        {
            "code": [0, 1, 1, 1],
            "even": [4.0, 1.0, 3.0, 2.0],
            "gap": [np.nan, 7.0, np.nan, 9.0],
            "text": ["b", "a", None, "b"],
            "tie": ["b", "a", "a", "b"],
            "none": [np.nan] * 4,
            "truth": [True, False, True, True],
        }
    )
    values = {"code": 1, "even": 2.0, "gap": 7.0, "text": "b", "tie": "a", "none": None}
    assert Constants.of(frame, list(frame), "pandas").values == values | {"truth": True}
    polars = pl.from_pandas(frame)
    assert Constants.of(polars, polars.columns, "polars").values == values | {"truth": True}


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, 2, 2], dtype="int8"),
        pd.Series([1, None, 2], dtype="Int64"),
        pd.Series([0.5, None, 2], dtype="float32"),
        pd.Series(["a", None, "b"], dtype="object"),
        pd.Series(["a", None, "b"], dtype="string"),
        pd.Series([True, False, True]),
        pd.Series([True, None, True], dtype="boolean"),
        pd.Series([1, 2, None], dtype="int64[pyarrow]"),
        pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02", None])),
        pd.Series([None, None, None], dtype="float64"),
    ],
    ids=lambda column: str(column.dtype),
)
def test_the_constant_keeps_the_type_in_pandas(column):
    frame = pd.DataFrame({"x": [1, 2]}, index=[7, 7])
    made = Constants.of(column.to_frame("c"), ["c"], "pandas").columns(frame, "pandas")["c"]
    assert frame.assign(c=made)["c"].dtype == column.dtype
    assert len(made) == 2


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("c", [1, 2, None], pl.Int8),
        pl.Series("c", [2**40, 2**40, 1], pl.Int64),
        pl.Series("c", [0.5, None, 2.0], pl.Float32),
        pl.Series("c", ["a", "b", "a"]),
        pl.Series("c", ["a", "b", "a"], pl.Categorical),
        pl.Series("c", ["a", "b", "a"], pl.Enum(["b", "a"])),
        pl.Series("c", [True, None, True]),
        pl.Series("c", [None, None], pl.Int64),
    ],
    ids=lambda column: str(column.dtype).partition("(")[0],
)
def test_the_constant_keeps_the_type_in_polars(column):
    frame = pl.DataFrame({"x": [1, 2]})
    made = Constants.of(column.to_frame(), ["c"], "polars").columns(frame, "polars")["c"]
    assert made.dtype == column.dtype
    assert made[0] == made[1]
    assert made[0] in column.to_list()


# --- what is wrong --------------------------------------------------------------------------------


def test_errors_say_what_is_wrong():
    frame, y = people()
    with pytest.raises(DataError, match="every feature would be dropped"):
        Without(pipeline(), list(frame)).fit(frame, y)
    with pytest.raises(DataError, match='no column "sexx"; did you mean "sex"'):
        Without(pipeline(), ["sexx"]).fit(frame, y)
    with pytest.raises(DataError, match="expected two labels, not 3"):
        Without(pipeline(), ["sex"]).fit(frame, np.arange(len(y)) % 3)
    with pytest.raises(DataError, match="expected a data frame"):
        Without(pipeline(), ["sex"]).fit(np.zeros((4, 2)), [0, 1, 0, 1])
    model = Without(pipeline(), DROPPED).fit(frame, y)
    with pytest.raises(DataError, match='no column "city"'):
        model.predict(frame.drop(columns="city"))
