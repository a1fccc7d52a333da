"""What is fitted at a time shares the cores, and what is handed over has its own back."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import paribus as pb
from paribus.estimators.fits import on_all_cores, on_few_cores


def test_every_part_that_takes_many_threads_takes_few():
    whole = make_pipeline(StandardScaler(), BaggingClassifier(RandomForestClassifier(n_jobs=-1)))
    few, before = on_few_cores(whole, 2)
    assert few[-1].estimator.n_jobs == 2
    assert before == {"RandomForestClassifier": -1}
    assert whole[-1].estimator.n_jobs == -1


@pytest.mark.parametrize("jobs", [None, 1, 2])
def test_what_takes_few_threads_is_left_alone(jobs):
    few, before = on_few_cores(RandomForestClassifier(n_jobs=jobs), 2)
    assert (few.n_jobs, before) == (jobs, {})
    assert on_few_cores(LogisticRegression(), 1)[1] == {}


@pytest.mark.parametrize("name", ["lightgbm.LGBMClassifier", "xgboost.XGBClassifier"])
def test_boosters_take_all_cores_where_nothing_is_said(name):
    library, _, kind = name.partition(".")
    model = getattr(pytest.importorskip(library), kind)(n_estimators=2)
    few, before = on_few_cores(model, 1)
    assert few.n_jobs == 1
    assert before == {kind: model.n_jobs}


def test_fitted_parts_get_their_threads_back():
    few, before = on_few_cores(BaggingClassifier(RandomForestClassifier(5, n_jobs=-1), 2), 1)
    few.fit(np.arange(20).reshape(-1, 1), np.arange(20) % 2)
    on_all_cores(few, before)
    assert [each.n_jobs for each in few.estimators_] == [-1, -1]


def test_a_mended_model_has_the_threads_that_were_declared():
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"male": rng.integers(0, 2, 400), "x": rng.normal(size=400)})
    people["y"] = (people["x"] + people["male"] > 0.5).astype(int)
    result = pb.mitigate(
        RandomForestClassifier(10, n_jobs=-1, random_state=0), train=people, label="y",
        protect={"male": [1, 0]}, features=["male", "x"], candidates=["drop_attribute"],
        favorable=1, workers=2,
    )  # fmt: skip
    assert result.fit("drop_attribute").estimator_.n_jobs == -1
    assert result.fit("drop_attribute").estimator.n_jobs == -1
