import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from paribus.errors import ModelError, SpecError
from paribus.executors.serial import Serial
from paribus.people.population import People
from paribus.probe._ask import ask
from paribus.probe.object import ObjectProbe
from paribus.twins import level_contrasts, pair


def pipeline() -> Any:
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income", "gender_code"]),
        (OneHotEncoder(handle_unknown="ignore"), ["job"]),
    )
    return make_pipeline(columns, LogisticRegression())


def converted(frame: pd.DataFrame, kind: str) -> Any:
    if kind == "polars":
        return pytest.importorskip("polars").from_pandas(frame)
    if kind == "pyarrow":
        return pytest.importorskip("pyarrow").Table.from_pandas(frame, preserve_index=False)
    return frame


def test_a_tree_fitted_on_a_matrix(say, numbers, approved) -> None:
    filled = numbers.fillna(0)
    tree = DecisionTreeClassifier(max_depth=3).fit(filled.to_numpy(), approved)
    opened = ObjectProbe(estimator=tree).open(trust=False)
    assert (opened.features, opened.width, opened.frame) == (None, 3, "numpy")
    assert opened.precision is np.float32
    probe = ObjectProbe(estimator=tree, features=tuple(filled.columns))
    np.testing.assert_array_equal(say(probe, filled), tree.predict(filled.to_numpy()))


@pytest.mark.parametrize("fitted_on", ["pandas", "polars"])
@pytest.mark.parametrize("asked_with", ["pandas", "polars", "pyarrow"])
def test_a_pipeline_on_any_frame(say, applicants, approved, fitted_on, asked_with) -> None:
    words = np.where(approved == 1, "yes", "no")
    model = pipeline().fit(converted(applicants, fitted_on), words)
    probe = ObjectProbe(estimator=model, favorable="yes")
    assert probe.open(trust=False).name == "ColumnTransformer > LogisticRegression"
    decisions = say(probe, converted(applicants, asked_with))
    np.testing.assert_array_equal(
        decisions, pipeline().fit(applicants, words).predict(applicants) == "yes"
    )


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
@pytest.mark.parametrize("fitted_on", ["pandas", "matrix"])
@pytest.mark.parametrize("asked_with", ["pandas", "polars", "pyarrow"])
def test_boosted_trees_of_numbers(say, numbers, grades, library, fitted_on, asked_with) -> None:
    model = boosted(library).fit(numbers if fitted_on == "pandas" else numbers.to_numpy(), grades)
    opened = ObjectProbe(estimator=model).open(trust=False)
    assert opened.features == (tuple(numbers.columns) if fitted_on == "pandas" else None)
    assert opened.classes == (0, 1, 2)
    probe = ObjectProbe(estimator=model, features=tuple(numbers.columns), favorable=2)
    frame = converted(numbers, asked_with)
    expected = model.predict(numbers if fitted_on == "pandas" else numbers.to_numpy())
    np.testing.assert_array_equal(say(probe, frame), expected.ravel())
    score = say(probe.model_copy(update={"outcome": "score"}), frame)
    handed = numbers if fitted_on == "pandas" else numbers.to_numpy()
    np.testing.assert_array_equal(score, model.predict_proba(handed)[:, 2])


def boosted(library: str) -> Any:
    module = pytest.importorskip(library)
    if library == "xgboost":
        return module.XGBClassifier(n_estimators=3, max_depth=3, n_jobs=1)
    if library == "lightgbm":
        return module.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1)
    return module.CatBoostClassifier(
        iterations=3, thread_count=1, verbose=False, allow_writing_files=False
    )


def test_columns_that_are_named_like_numbered_ones(say, numbers, approved) -> None:
    frame = numbers.fillna(0).set_axis(["f0", "f1", "2"], axis=1)
    tree = DecisionTreeClassifier(max_depth=3).fit(frame, approved)
    assert ObjectProbe(estimator=tree).open(trust=False).features == ("f0", "f1", "2")
    np.testing.assert_array_equal(say(ObjectProbe(estimator=tree), frame), tree.predict(frame))


def test_truth_values_as_classes(say, numbers, approved) -> None:
    filled = numbers.fillna(0)
    tree = DecisionTreeClassifier(max_depth=3).fit(filled, approved == 1)
    np.testing.assert_array_equal(say(ObjectProbe(estimator=tree), filled), tree.predict(filled))


def test_a_regressor(say, numbers) -> None:
    filled = numbers.fillna(0)
    line = LinearRegression().fit(filled, filled["age"])
    np.testing.assert_array_equal(say(ObjectProbe(estimator=line), filled), line.predict(filled))
    with pytest.raises(SpecError, match="gives numbers, not a decision"):
        say(ObjectProbe(estimator=line, outcome="decision", favorable=1), filled)


def test_a_search_over_models(say, numbers, approved) -> None:
    filled = numbers.fillna(0)
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, cv=2)
    search.fit(filled, approved)
    np.testing.assert_array_equal(
        say(ObjectProbe(estimator=search), filled), search.predict(filled)
    )


class TestWhatIsNoModel:
    def test_no_predict(self) -> None:
        with pytest.raises(ModelError, match="StandardScaler has no predict method"):
            ObjectProbe(estimator=StandardScaler()).open(trust=False)

    def test_a_class(self) -> None:
        with pytest.raises(ModelError, match="DecisionTreeClassifier is a class, not a fitted"):
            ObjectProbe(estimator=DecisionTreeClassifier).open(trust=False)

    def test_several_questions_at_once(self, numbers, approved, grades) -> None:
        both = np.column_stack([approved, grades])
        model = MultiOutputClassifier(DecisionTreeClassifier()).fit(numbers.fillna(0), both)
        with pytest.raises(ModelError, match="MultiOutputClassifier answers 2 questions at once"):
            ObjectProbe(estimator=model).open(trust=False)

    @pytest.mark.parametrize("library", ["sklearn", "xgboost", "lightgbm"])
    def test_never_fitted(self, people: People, library) -> None:
        model = DecisionTreeRegressor() if library == "sklearn" else boosted(library)
        probe = ObjectProbe(estimator=model, features=("age",))
        twins = pair(people, level_contrasts(people, "gender"))
        with pytest.raises((ModelError, SpecError)):
            ask(probe, probe.open(trust=False), twins, Serial())


class TestFingerprint:
    def test_it_is_that_of_the_parameters(self, numbers, approved) -> None:
        filled = numbers.fillna(0)

        def fitted(depth: int) -> str:
            forest = RandomForestClassifier(3, max_depth=depth, random_state=0)
            probe = ObjectProbe(estimator=forest.fit(filled, approved))
            return probe.open(trust=False).fingerprint

        assert fitted(2) == fitted(2)
        assert fitted(2) != fitted(3)
        assert len(fitted(2)) == 64

    def test_it_is_empty_for_what_cannot_be_serialized(self) -> None:
        class Local:
            def predict(self, frame: Any) -> Any:
                return frame

        assert ObjectProbe(estimator=Local()).open(trust=False).fingerprint == ""


class Refusing(BaseEstimator):
    """Raises where an age is 30 or less."""

    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(["age", "gender_code"])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        if (frame["age"] <= 30).any():
            raise ValueError("too young")
        return frame["gender_code"].to_numpy()


def test_a_model_that_raises_on_some_rows(people: People) -> None:
    probe = ObjectProbe(estimator=Refusing())
    twins = pair(people, level_contrasts(people, "gender"))
    answers = ask(probe, probe.open(trust=False), twins, Serial())
    young = int((people.block(0).column("age").values <= 30).sum())
    assert young > 0
    assert answers.statuses == (1000 - 2 * young, 0, 2 * young)
    assert answers.tallies[twins.contrasts[0]].cells[1, 0] == 500 - young


def test_a_model_that_raises_on_a_whole_half_is_not_given_up(people: People) -> None:
    class Half(Refusing):
        def predict(self, frame: pd.DataFrame) -> np.ndarray:
            if frame.index.max() < 1000 and (frame.index < 500).any():
                raise ValueError("the first half")
            return frame["gender_code"].to_numpy()

    probe = ObjectProbe(estimator=Half(), repeats="ask")
    twins = pair(people, level_contrasts(people, "gender"))
    answers = ask(probe, probe.open(trust=False), twins, Serial())
    assert answers.statuses == (500, 0, 500)


def test_importing_the_kind_imports_no_library() -> None:
    """In a process of its own: this one has them all."""
    import subprocess

    code = (
        "import sys, paribus.probe.object, paribus.probe.file, paribus.probe.onnx, "
        "paribus.probe.xgboost, paribus.probe.lightgbm, paribus.probe.catboost, "
        "paribus.probe.skops, paribus.probe.pickle; "
        "print([m for m in ('sklearn', 'xgboost', 'lightgbm', 'catboost', 'onnxruntime', 'skops', "
        "'pandas', 'joblib') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
