import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from paribus.errors import ModelError, SpecError
from paribus.executors.serial import Serial
from paribus.people.population import People
from paribus.probe._ask import ask
from paribus.probe.file import FileProbe
from paribus.probe.object import ObjectProbe
from paribus.probe.xgboost import XGBoostProbe
from paribus.twins import level_contrasts, pair

xgb = pytest.importorskip("xgboost")

SMALL = {"n_estimators": 4, "max_depth": 3, "random_state": 0, "n_jobs": 1}


def save(model: Any, path: Path) -> str:
    model.save_model(path)
    return str(path)


@pytest.mark.parametrize("suffix", [".json", ".ubj"])
@pytest.mark.parametrize("kind", [FileProbe, XGBoostProbe])
def test_binary(say, numbers, approved, tmp_path, suffix, kind) -> None:
    model = xgb.XGBClassifier(**SMALL).fit(numbers, approved)
    path = save(model, tmp_path / f"loan{suffix}")
    opened = kind(path=path).open(trust=False)
    assert opened.name == f"XGBoost binary:logistic (loan{suffix})"
    assert opened.features == tuple(numbers.columns)
    assert opened.classes == (0, 1)
    assert opened.fingerprint == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    expected = model.predict_proba(numbers)
    for favorable in (0, 1):
        score = say(kind(path=path, outcome="score", favorable=favorable), numbers)
        np.testing.assert_array_equal(score, expected[:, favorable])
    np.testing.assert_array_equal(say(kind(path=path), numbers), model.predict(numbers))


def test_a_matrix_needs_declared_features(say, numbers, approved, tmp_path) -> None:
    model = xgb.XGBClassifier(**SMALL).fit(numbers.to_numpy(), approved)
    path = save(model, tmp_path / "loan.ubj")
    opened = FileProbe(path=path).open(trust=False)
    assert (opened.features, opened.width, opened.frame) == (None, 3, "numpy")
    probe = FileProbe(path=path, outcome="score", features=tuple(numbers.columns))
    expected = model.predict_proba(numbers.to_numpy())[:, 1]
    np.testing.assert_array_equal(say(probe, numbers), expected)


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
def test_several_classes(say, numbers, grades, tmp_path, objective) -> None:
    model = xgb.XGBClassifier(**SMALL).fit(numbers, grades)
    booster = xgb.train(
        {"objective": objective, "num_class": 3, "max_depth": 3, "nthread": 1},
        xgb.DMatrix(numbers, grades),
        num_boost_round=4,
    )
    path = save(booster, tmp_path / "loan.ubj")
    labels = say(FileProbe(path=path, favorable=2), numbers)
    np.testing.assert_array_equal(
        labels,
        booster.predict(xgb.DMatrix(numbers))
        if objective == "multi:softmax"
        else model.predict(numbers),
    )
    score = say(FileProbe(path=path, outcome="score", favorable=2), numbers)
    np.testing.assert_allclose(score, model.predict_proba(numbers)[:, 2], rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("objective", ["reg:squarederror", "count:poisson", "reg:gamma"])
def test_numbers(say, numbers, tmp_path, objective) -> None:
    model = xgb.XGBRegressor(objective=objective, **SMALL).fit(numbers, numbers["age"])
    path = save(model, tmp_path / "age.json")
    np.testing.assert_array_equal(say(FileProbe(path=path), numbers), model.predict(numbers))
    with pytest.raises(SpecError, match="gives numbers, not a decision"):
        say(FileProbe(path=path, outcome="decision", favorable=1), numbers)


def test_ranks_are_numbers(say, numbers, approved, tmp_path) -> None:
    model = xgb.XGBRanker(**SMALL).fit(numbers, approved, qid=np.arange(len(numbers)) // 60)
    path = save(model, tmp_path / "rank.json")
    np.testing.assert_array_equal(say(FileProbe(path=path), numbers), model.predict(numbers))


def test_margins_pass_the_logistic_function(say, numbers, approved, tmp_path) -> None:
    data = xgb.DMatrix(numbers, approved)
    options = {"max_depth": 3, "base_score": 0.5, "nthread": 1}
    raw = xgb.train({"objective": "binary:logitraw", **options}, data, num_boost_round=4)
    path = save(raw, tmp_path / "raw.json")
    expected = 1 / (1 + np.exp(-raw.predict(data, output_margin=True)))
    np.testing.assert_allclose(say(FileProbe(path=path, outcome="score"), numbers), expected, 1e-6)
    np.testing.assert_array_equal(say(FileProbe(path=path), numbers), expected > 0.5)


def test_hinge_gives_labels_only(say, numbers, approved, tmp_path) -> None:
    data = xgb.DMatrix(numbers, approved)
    model = xgb.train({"objective": "binary:hinge", "max_depth": 3}, data, num_boost_round=4)
    path = save(model, tmp_path / "hinge.json")
    np.testing.assert_array_equal(say(FileProbe(path=path), numbers), model.predict(data))
    with pytest.raises(SpecError, match="gives no scores"):
        say(FileProbe(path=path, outcome="score"), numbers)


def test_a_linear_booster(say, numbers, approved, tmp_path) -> None:
    filled = numbers.fillna(0) / [10, 10_000, 1]
    model = xgb.XGBClassifier(booster="gblinear", n_estimators=5, n_jobs=1).fit(filled, approved)
    path = save(model, tmp_path / "line.json")
    score = say(FileProbe(path=path, outcome="score"), filled)
    np.testing.assert_array_equal(score, model.predict_proba(filled)[:, 1])


def test_an_early_stop(say, numbers, approved, tmp_path) -> None:
    model = xgb.XGBClassifier(n_estimators=60, early_stopping_rounds=3, learning_rate=1, n_jobs=1)
    model.fit(numbers, approved, eval_set=[(numbers[::-1], approved)], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    path = save(model, tmp_path / "early.json")
    score = say(FileProbe(path=path, outcome="score"), numbers)
    np.testing.assert_array_equal(score, model.predict_proba(numbers)[:, 1])


@pytest.mark.skipif(not hasattr(xgb.Booster, "get_categories"), reason="XGBoost before 3.1")
def test_text_becomes_the_categories_of_the_training(
    say, applicants, categories, approved, tmp_path
) -> None:
    model = xgb.XGBClassifier(enable_categorical=True, **SMALL).fit(categories, approved)
    probe = FileProbe(path=save(model, tmp_path / "loan.ubj"), outcome="score")
    expected = model.predict_proba(categories)[:, 1]
    turned = categories["job"].cat.rename_categories({"smith": "nurse", "nurse": "smith"})
    assert (model.predict_proba(categories.assign(job=turned))[:, 1] != expected).any()
    other_order = applicants["job"].astype(pd.CategoricalDtype(["smith", "clerk", "nurse", "x"]))
    for frame in (categories, applicants, applicants.assign(job=other_order)):
        np.testing.assert_array_equal(say(probe, frame), expected)
        in_memory = ObjectProbe(estimator=model, outcome="score")
        np.testing.assert_array_equal(say(in_memory, frame), expected)
    pl = pytest.importorskip("polars")
    np.testing.assert_array_equal(say(probe, pl.from_pandas(applicants)), expected)


@pytest.mark.skipif(not hasattr(xgb.Booster, "get_categories"), reason="XGBoost before 3.1")
def test_an_unknown_category_is_an_error_of_its_row(
    applicants, categories, approved, tmp_path
) -> None:
    model = xgb.XGBClassifier(enable_categorical=True, **SMALL).fit(categories, approved)
    opened = FileProbe(path=save(model, tmp_path / "loan.ubj")).open(trust=False)
    odd = applicants.assign(job=applicants["job"].mask(applicants.index == 3, "king"))
    with pytest.raises(ValueError, match='"king" is no category of the column "job"'):
        opened.probabilities(odd)
    assert len(opened.probabilities(odd.iloc[4:])) == len(odd) - 4


def test_names_of_labels_are_not_in_the_file(numbers, approved, tmp_path) -> None:
    path = save(xgb.XGBClassifier(**SMALL).fit(numbers, approved), tmp_path / "loan.json")
    with pytest.raises(SpecError, match=r"\$\.model\.labels: an XGBoost file holds no names"):
        FileProbe(path=path, labels=("denied", "approved")).open(trust=False)
    assert FileProbe(path=path, labels=(0, 1)).open(trust=False).classes == (0, 1)


def test_several_targets_are_refused(numbers, tmp_path) -> None:
    model = xgb.XGBRegressor(**SMALL).fit(numbers, numbers[["age", "gender_code"]])
    with pytest.raises(ModelError, match="2 answers a person"):
        FileProbe(path=save(model, tmp_path / "two.json")).open(trust=False)


def test_a_bare_booster_in_memory(say, numbers, approved) -> None:
    model = xgb.XGBClassifier(**SMALL).fit(numbers, approved)
    probe = ObjectProbe(estimator=model.get_booster(), outcome="score")
    assert probe.open(trust=False).name == "XGBoost binary:logistic"
    np.testing.assert_array_equal(say(probe, numbers), model.predict_proba(numbers)[:, 1])


def test_twins_through_a_file(people: People, numbers, approved, tmp_path) -> None:
    model = xgb.XGBClassifier(**SMALL).fit(numbers, approved)
    probe = FileProbe(path=save(model, tmp_path / "loan.ubj"))
    twins = pair(people, level_contrasts(people, "gender"))
    answers = ask(probe, probe.open(trust=False), twins, Serial())
    block = people.block(0)
    frame = pd.DataFrame(
        {n: block.column(n).arrow().to_pandas() for n in ("age", "income", "gender_code")}
    )
    men = model.predict(frame.assign(gender_code=1))
    women = model.predict(frame.assign(gender_code=0))
    cells = answers.tallies[twins.contrasts[0]].cells
    expected = [[(women == w)[men == m].sum() for m in (1, 0)] for w in (1, 0)]
    assert cells[:2, :2].tolist() == expected
    assert answers.statuses == (1000, 0, 0)
    assert answers.repeatable
