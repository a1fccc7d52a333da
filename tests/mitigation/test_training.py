"""Kinds that learn under a constraint: fitted, described, and the same for twins."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from fairlearn import reductions
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from paribus.errors import ModelError, SpecError
from paribus.mitigation.base import MITIGATIONS, Training
from paribus.mitigation.constrain import Constrain
from paribus.mitigation.grid_search import GridSearch
from paribus.people.fields.map import Map
from paribus.people.population import Protected
from paribus.table import Table

KINDS = [Constrain(iterations=8), GridSearch()]


def loans(n: int = 500, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    gender = rng.choice(["Male", "Female"], n)
    code = (gender == "Male") * 1
    income = rng.integers(30, 120, n)
    paid = income / 30 + 1.5 * code + rng.normal(size=n) > 3
    return pd.DataFrame(
        {
            "income": income,
            "gender": gender,
            "gender_code": code,
            "paid": np.where(paid, "yes", "no"),
        }
    )


def training(frame: object = None, **changed: object) -> Training:
    frame = loans() if frame is None else frame
    given = {
        "table": Table.of(frame),
        "label": np.asarray(frame["paid"]),
        "favorable": "yes",
        "estimator": LogisticRegression(),
        "features": ("income", "gender_code"),
        "protect": {"gender": Protected(levels=("Male", "Female"))},
        "fields": {"gender_code": Map(of="gender", map={"Male": 1, "Female": 0})},
    }
    return Training(**(given | changed))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_the_gap_closes(kind):
    rows = training()
    plain = pd.Series(rows.plain.predict(rows.X) == "yes")
    before = np.ptp(plain.groupby(rows.frame["gender"].to_numpy()).mean())
    mended = kind.mend(rows)
    told = pd.Series(mended.model.predict(rows.frame) == "yes")
    after = np.ptp(told.groupby(rows.frame["gender"].to_numpy()).mean())
    assert before > 0.25
    assert after < before / 2
    assert list(mended.model.feature_names_in_) == ["income", "gender_code"]
    assert all(note.endswith(".") for note in mended.notes)
    again = kind.mend(rows)
    assert (again.model.predict(rows.frame) == mended.model.predict(rows.frame)).all()
    assert again.notes == mended.notes


def test_lots_depend_on_what_twins_share():
    rows = training()
    mended = Constrain(iterations=8).mend(rows)
    assert mended.model.shared == ["income"]
    frame = rows.frame
    twins = frame.assign(gender_code=1 - frame["gender_code"])
    first, second = mended.model.predict_proba(frame)[:, 1], mended.model.predict_proba(twins)[:, 1]
    one, two = mended.model.predict(frame) == "yes", mended.model.predict(twins) == "yes"
    assert ((first > 0) & (first < 1)).any()
    # With one lot, whoever has the better chance is never the only one who is refused.
    assert not (one & ~two)[second >= first].any()
    assert not (two & ~one)[first >= second].any()


def test_notes_tell_what_was_done_in_numbers():
    rows = training()
    mended = Constrain(iterations=8, bound=0.02).mend(rows)
    model = mended.model
    assert len(model.estimators_) > 1
    reached, mixed = mended.notes
    assert f"further than {100 * model.gap_:.1f} points" in reached
    assert "(the bound is 2.0 points)" in reached
    assert f"mixes {len(model.estimators_)} predictors" in mixed
    assert f"{100 * model.weights_.max():.1f} %" in mixed
    assert "drawn for each person by a lot that depends on what twins share" in mixed
    one = GridSearch().mend(rows).notes[-1]
    assert one == "One predictor decides: no lot is drawn."


def test_notes_where_twins_share_nothing():
    mended = Constrain(iterations=8).mend(training(features=("gender_code",)))
    assert mended.model.shared == []
    if len(mended.model.estimators_) > 1:
        assert "weighted majority decides" in mended.notes[1]


def test_notes_name_groups_that_a_constraint_cannot_hold():
    frame = loans()
    frame.loc[frame["gender"] == "Female", "paid"] = "no"
    mended = Constrain(constraint="equal opportunity", iterations=2).mend(training(frame))
    assert mended.notes[-1] == (
        "Lacking rows with a label that equal opportunity is about, it does not hold all of Female."
    )


def test_everybody_told_the_same_is_said():
    frame = loans(200)
    rows = training(frame.assign(income=1, paid=np.where(frame["gender"] == "Male", "yes", "no")))
    mended = GridSearch().mend(rows)
    same = len(set(mended.model.predict(rows.frame))) == 1
    assert same == ("to everybody" in mended.notes[-1])
    assert same


@pytest.mark.parametrize(
    "constraint", ["equalized odds", "error rate parity", "bounded group loss"]
)
def test_what_fairlearn_gives_alone(constraint):
    rows = training()
    if constraint == "bounded group loss":
        moment = reductions.BoundedGroupLoss(reductions.ZeroOneLoss(), upper_bound=0.15)
    elif constraint == "equalized odds":
        moment = reductions.EqualizedOdds(difference_bound=0.15)
    else:
        moment = reductions.ErrorRateParity(difference_bound=0.15)
    alone = reductions.ExponentiatedGradient(LogisticRegression(), moment, max_iter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone.fit(rows.X, rows.good * 1, sensitive_features=rows.codes)
        expected = alone.predict(rows.X, random_state=11)
    mended = Constrain(constraint=constraint, bound=0.15, iterations=3).mend(rows)
    assert ((mended.model.predict(rows.frame, random_state=11) == "yes") == expected).all()


@pytest.mark.parametrize("kind", [Constrain(iterations=2), GridSearch(grid=5)], ids=["eg", "grid"])
def test_polars_boosters_and_missing_attributes(kind):
    frame = loans(300)
    frame.loc[::11, "gender"] = None
    one = kind.mend(training(frame, estimator=LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1)))
    two = kind.mend(
        training(
            pl.from_pandas(frame), estimator=LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1)
        )
    )
    told = one.model.predict(frame)
    assert (two.model.predict(pl.from_pandas(frame)) == told).all()
    assert (one.model.predict(frame[["income", "gender_code"]]) == told).all()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_what_cannot_be(kind):
    with pytest.raises(ModelError, match="takes no weights"):
        kind.mend(training(estimator=KNeighborsClassifier()))
    with pytest.raises(ModelError, match="counts every row once"):
        kind.mend(training(weight=np.linspace(1, 2, 500)))


@pytest.mark.parametrize("name", ["constrain", "grid_search"])
def test_kinds_are_found_and_declared(name):
    kind = MITIGATIONS.load(name)()
    assert (kind.kind, kind.stage) == (name, "training")
    assert MITIGATIONS.sentence(name).endswith(".")
    assert MITIGATIONS.parse(kind.model_dump()) == kind
    with pytest.raises(SpecError, match=r"\$\.constraint: .*\"equalized odds\""):
        MITIGATIONS.load(name)(constraint="equalised odds")


def test_options_out_of_range():
    with pytest.raises(SpecError, match=r"\$\.bound: bounded group loss needs a bound"):
        Constrain(constraint="bounded group loss")
    with pytest.raises(SpecError, match=r"\$\.bound"):
        Constrain(bound=-0.1)
    with pytest.raises(SpecError, match=r"\$\.eps"):
        Constrain(eps=0)
    with pytest.raises(SpecError, match=r"\$\.grid"):
        GridSearch(grid=1)
