import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from paribus.errors import ModelError, SpecError
from paribus.probe.file import FileProbe
from paribus.probe.lightgbm import LightGBMProbe
from paribus.probe.object import ObjectProbe

lgb = pytest.importorskip("lightgbm")

SMALL: dict[str, Any] = {"n_estimators": 4, "random_state": 0, "n_jobs": 1, "verbose": -1}


def save(model: Any, path: Path) -> str:
    model.booster_.save_model(path)
    return str(path)


@pytest.mark.parametrize("kind", [FileProbe, LightGBMProbe])
def test_binary(say, numbers, approved, tmp_path, kind) -> None:
    model = lgb.LGBMClassifier(**SMALL).fit(numbers, approved)
    path = save(model, tmp_path / "loan.txt")
    opened = kind(path=path).open(trust=False)
    assert opened.name == "LightGBM binary (loan.txt)"
    assert opened.features == tuple(numbers.columns)
    assert opened.classes == (0, 1)
    assert opened.fingerprint == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    expected = model.predict_proba(numbers)
    for favorable in (0, 1):
        score = say(kind(path=path, outcome="score", favorable=favorable), numbers)
        np.testing.assert_array_equal(score, expected[:, favorable])
    np.testing.assert_array_equal(say(kind(path=path), numbers), model.predict(numbers))


def test_a_matrix_needs_declared_features(say, numbers, approved, tmp_path) -> None:
    model = lgb.LGBMClassifier(**SMALL).fit(numbers.to_numpy(), approved)
    path = save(model, tmp_path / "loan.lgb")
    opened = FileProbe(path=path).open(trust=False)
    assert (opened.features, opened.width, opened.frame) == (None, 3, "numpy")
    probe = FileProbe(path=path, outcome="score", features=tuple(numbers.columns))
    expected = model.predict_proba(numbers.to_numpy())[:, 1]
    np.testing.assert_array_equal(say(probe, numbers), expected)


def test_several_classes(say, numbers, grades, tmp_path) -> None:
    model = lgb.LGBMClassifier(**SMALL).fit(numbers, grades)
    path = save(model, tmp_path / "loan.txt")
    labels = say(FileProbe(path=path, favorable=2), numbers)
    np.testing.assert_array_equal(labels, model.predict(numbers))
    score = say(FileProbe(path=path, outcome="score", favorable=2), numbers)
    np.testing.assert_array_equal(score, model.predict_proba(numbers)[:, 2])


@pytest.mark.parametrize("objective", ["regression", "poisson", "cross_entropy"])
def test_numbers(say, numbers, tmp_path, objective) -> None:
    model = lgb.LGBMRegressor(objective=objective, **SMALL).fit(numbers, numbers["age"] / 100)
    path = save(model, tmp_path / "age.txt")
    np.testing.assert_array_equal(say(FileProbe(path=path), numbers), model.predict(numbers))


def test_an_early_stop(say, numbers, approved, tmp_path) -> None:
    data = lgb.Dataset(numbers, approved)
    options = {"objective": "binary", "learning_rate": 1, "verbose": -1, "num_threads": 1}
    early = lgb.early_stopping(3, verbose=False)
    held_out = data.create_valid(numbers[::-1], approved)
    model = lgb.train(options, data, 60, valid_sets=[held_out], callbacks=[early])
    model.save_model(tmp_path / "early.txt")
    score = say(FileProbe(path=str(tmp_path / "early.txt"), outcome="score"), numbers)
    np.testing.assert_array_equal(score, model.predict(numbers))


def test_text_becomes_the_categories_of_the_training(
    say, applicants, categories, approved, tmp_path
) -> None:
    model = lgb.LGBMClassifier(min_child_samples=5, **SMALL).fit(categories, approved)
    probe = FileProbe(path=save(model, tmp_path / "loan.txt"), outcome="score")
    expected = model.predict_proba(categories)[:, 1]
    turned = categories["job"].cat.rename_categories({"smith": "nurse", "nurse": "smith"})
    assert (model.predict_proba(categories.assign(job=turned))[:, 1] != expected).any()
    other_order = applicants["job"].astype(pd.CategoricalDtype(["smith", "clerk", "nurse", "x"]))
    frames: list[Any] = [categories, applicants, applicants.assign(job=other_order)]
    pl = pytest.importorskip("polars")
    for frame in [*frames, pl.from_pandas(applicants)]:
        np.testing.assert_array_equal(say(probe, frame), expected)
        in_memory = ObjectProbe(estimator=model, outcome="score")
        np.testing.assert_array_equal(say(in_memory, frame), expected)


def test_numeric_categories_in_pandas(say, applicants, approved, tmp_path) -> None:
    frame = applicants[["age"]].assign(code=pd.Categorical(applicants["gender_code"] * 10 + 5))
    model = lgb.LGBMClassifier(min_child_samples=5, **SMALL).fit(frame, approved)
    probe = FileProbe(path=save(model, tmp_path / "loan.txt"), outcome="score")
    expected = model.predict_proba(frame)[:, 1]
    np.testing.assert_array_equal(say(probe, frame), expected)
    plain = frame.assign(code=applicants["gender_code"] * 10 + 5)
    np.testing.assert_array_equal(say(probe, plain), expected)


def test_missing_categories_stay_missing(say, applicants, categories, approved, tmp_path) -> None:
    gone = categories.index % 5 == 0
    frame = categories.assign(job=categories["job"].mask(gone))
    model = lgb.LGBMClassifier(min_child_samples=5, **SMALL).fit(frame, approved)
    probe = FileProbe(path=save(model, tmp_path / "loan.txt"), outcome="score")
    text = applicants.assign(job=applicants["job"].mask(gone))
    np.testing.assert_array_equal(say(probe, text), model.predict_proba(frame)[:, 1])


def test_an_unknown_category_is_an_error_of_its_row(
    applicants, categories, approved, tmp_path
) -> None:
    model = lgb.LGBMClassifier(**SMALL).fit(categories, approved)
    opened = FileProbe(path=save(model, tmp_path / "loan.txt")).open(trust=False)
    odd = applicants.assign(job=applicants["job"].mask(applicants.index == 3, "king"))
    with pytest.raises(ValueError, match='"king" is no category of the column "job"'):
        opened.probabilities(odd)


def test_names_of_labels_are_not_in_the_file(say, numbers, approved, tmp_path) -> None:
    words = np.where(approved == 1, "approved", "denied")
    model = lgb.LGBMClassifier(**SMALL).fit(numbers, words)
    path = save(model, tmp_path / "loan.txt")
    with pytest.raises(SpecError, match=r"\$\.model\.labels: a LightGBM file holds no names"):
        FileProbe(path=path, labels=("denied", "approved")).open(trust=False)
    # "approved" sorts first, so LGBMClassifier gave it the number 0.
    decisions = say(FileProbe(path=path, favorable=0), numbers)
    np.testing.assert_array_equal(decisions, model.predict(numbers) == "approved")


def test_a_bare_booster_in_memory(say, numbers, approved) -> None:
    model = lgb.LGBMClassifier(**SMALL).fit(numbers, approved)
    probe = ObjectProbe(estimator=model.booster_, outcome="score")
    assert probe.open(trust=False).name == "LightGBM binary"
    np.testing.assert_array_equal(say(probe, numbers), model.predict_proba(numbers)[:, 1])


def test_other_text_never_reaches_lightgbm(tmp_path, capfd) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("just notes")
    with pytest.raises(ModelError, match='its first line is not "tree"'):
        FileProbe(path=str(file)).open(trust=False)
    assert capfd.readouterr() == ("", "")
