import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paribus.probe.catboost import CatBoostProbe
from paribus.probe.file import FileProbe
from paribus.probe.object import ObjectProbe

cb = pytest.importorskip("catboost")

SMALL: dict[str, Any] = {
    "iterations": 4,
    "depth": 3,
    "random_seed": 0,
    "verbose": False,
    "thread_count": 1,
    "allow_writing_files": False,
}


def save(model: Any, path: Path) -> str:
    model.save_model(str(path))
    return str(path)


@pytest.mark.parametrize("kind", [FileProbe, CatBoostProbe])
def test_text_and_names_of_labels(say, applicants, approved, tmp_path, kind) -> None:
    words = np.where(approved == 1, "yes", "no")
    model = cb.CatBoostClassifier(cat_features=["job"], **SMALL).fit(applicants, words)
    path = save(model, tmp_path / "loan.cbm")
    opened = kind(path=path).open(trust=False)
    assert opened.name == "CatBoostClassifier (loan.cbm)"
    assert opened.features == tuple(applicants.columns)
    assert opened.classes == ("no", "yes")
    assert opened.fingerprint == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    score = say(kind(path=path, outcome="score", favorable="yes"), applicants)
    np.testing.assert_array_equal(score, model.predict_proba(applicants)[:, 1])
    decisions = say(kind(path=path, favorable="yes"), applicants)
    np.testing.assert_array_equal(decisions, model.predict(applicants) == "yes")


@pytest.mark.parametrize("convert", ["pandas", "category", "polars", "pyarrow"])
def test_any_data_frame(say, applicants, approved, convert) -> None:
    model = cb.CatBoostClassifier(cat_features=["job"], **SMALL).fit(applicants, approved)
    frame: Any = applicants.assign(job=applicants["job"].astype("category"))
    if convert == "pandas":
        frame = applicants
    elif convert == "polars":
        frame = pytest.importorskip("polars").from_pandas(frame)
    elif convert == "pyarrow":
        frame = __import__("pyarrow").Table.from_pandas(applicants, preserve_index=False)
    score = say(ObjectProbe(estimator=model, outcome="score"), frame)
    np.testing.assert_array_equal(score, model.predict_proba(applicants)[:, 1])


def test_several_classes(say, numbers, grades, tmp_path) -> None:
    model = cb.CatBoostClassifier(**SMALL).fit(numbers.to_numpy(), grades)
    path = save(model, tmp_path / "loan.cbm")
    probe = FileProbe(path=path, favorable=2, features=tuple(numbers.columns))
    assert probe.open(trust=False).features is None
    expected = model.predict(numbers.to_numpy()).ravel()
    np.testing.assert_array_equal(say(probe, numbers), expected)


def test_numbers(say, numbers, tmp_path) -> None:
    model = cb.CatBoostRegressor(**SMALL).fit(numbers, numbers["age"])
    path = save(model, tmp_path / "age.cbm")
    np.testing.assert_array_equal(say(FileProbe(path=path), numbers), model.predict(numbers))
