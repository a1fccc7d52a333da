"""Thresholds of groups and the reject option, as ways to mend a model."""

import sys
from typing import Any, get_args

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import skops.io as sio
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import paribus as pb
from paribus.errors import DataError, ModelError, SpecError
from paribus.estimators.group_thresholds import CONSTRAINTS, OBJECTIVES, GroupThresholds
from paribus.estimators.groups import lot
from paribus.estimators.reject_option import RejectOption as RejectOptionModel
from paribus.mitigation.base import MITIGATIONS, Training
from paribus.mitigation.reject_option import RejectOption
from paribus.mitigation.thresholds import Thresholds
from paribus.people.population import Protected
from paribus.table import Table

KINDS = [Thresholds(), Thresholds(constraint="equalized odds"), RejectOption()]
NAMES = ["thresholds", "equalized odds", "reject option"]
FEATURES = ("income", "job", "gender_code")


def frame(n: int = 900, seed: int = 0) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(seed)
    gender = rng.choice(["Female", "Male"], n)
    income = rng.normal(60, 15, n) + 12 * (gender == "Male")
    X = pd.DataFrame(
        {
            "income": income, "job": rng.choice(["clerk", "smith"], n), "gender": gender,
            "gender_code": (gender == "Male").astype(int),
        }
    )  # fmt: skip
    return X, np.where(income + rng.normal(0, 10, n) > 65, "paid", "not paid")


def pipeline() -> Any:
    parts = [
        ("job", OneHotEncoder(), ["job"]),
        ("numbers", StandardScaler(), ["income", "gender_code"]),
    ]
    return make_pipeline(ColumnTransformer(parts), LogisticRegression())


def training(table: Any = None, label: Any = None, **changed: Any) -> Training:
    X, y = frame()
    given: dict[str, Any] = {
        "table": Table.of(X if table is None else table),
        "label": y if label is None else label,
        "favorable": "paid",
        "estimator": pipeline(),
        "features": FEATURES,
        "protect": {"gender": Protected(levels=("Male", "Female"))},
        "fields": {"gender_code": pb.map_of("gender", {"Male": 1, "Female": 0})},
    }
    return Training(**(given | changed))


def gap(labels: Any, groups: Any) -> float:
    return float(np.ptp(pd.Series(labels == "paid").groupby(np.asarray(groups)).mean()))


# --- what is given --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Thresholds(), RejectOption()], ids=["thresholds", "reject"])
def test_the_gap_is_closed_on_people_whom_nobody_has_seen(kind: Any) -> None:
    rows = training()
    new, _ = frame(20_000, seed=1)
    assert gap(rows.plain.predict(new[list(FEATURES)]), new["gender"]) > 0.25
    assert gap(kind.mend(rows).model.predict(new), new["gender"]) < 0.05


def test_thresholds_are_those_of_the_estimator_fitted_directly() -> None:
    rows = training(seed=7)
    direct = GroupThresholds(
        pipeline(), ["gender"], "equalized odds", "balanced accuracy", features=list(FEATURES),
        favorable="paid", shared=["income", "job"], seed=7,
    ).fit(rows.frame, rows.label)  # fmt: skip
    kind = Thresholds(constraint="equalized odds", objective="balanced accuracy")
    model = kind.mend(rows).model
    assert (model.thresholds_ == direct.thresholds_).all()
    assert (model.predict(rows.frame) == direct.predict(rows.frame)).all()
    five = Thresholds(parts=5).mend(rows).model
    own = clone(direct).set_params(parts=5, constraint="demographic parity", objective="accuracy")
    assert (five.thresholds_ == own.fit(rows.frame, rows.label).thresholds_).all()


def test_the_reject_option_is_that_of_the_estimator_fitted_directly() -> None:
    rows = training(seed=7)
    direct = RejectOptionModel(
        pipeline(), ["gender"], features=list(FEATURES), favorable="paid", seed=7
    ).fit(rows.frame, rows.label)
    model = RejectOption().mend(rows).model
    assert model.width_ == direct.width_
    assert (model.predict(rows.frame) == direct.predict(rows.frame)).all()
    assert RejectOption(width=0.1, parts=0).mend(rows).model.width_ == 0.1


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_fits_and_scores_are_shared_between_kinds(kind: Any) -> None:
    rows = training()
    assert kind.mend(rows).model.estimator_ is rows.plain
    assert "_held_out" in vars(rows)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_the_result_is_an_estimator_like_any_other(kind: Any) -> None:
    rows = training()
    before = rows.frame.copy()
    model = kind.mend(rows).model
    pd.testing.assert_frame_equal(rows.frame, before)
    assert not hasattr(rows.estimator[-1], "coef_")
    assert set(model.feature_names_in_) == {*FEATURES, "gender"}
    told = model.predict(rows.frame)
    data = sio.dumps(model)
    again = sio.loads(data, trusted=sio.get_untrusted_types(data=data))
    assert (again.predict(rows.frame) == told).all()
    # It can be fitted again on other rows, although it was given a fitted estimator.
    assert (clone(model).fit(rows.frame, rows.label).predict(rows.frame) == told).all()
    assert cross_val_score(model, rows.frame, rows.label, cv=3).mean() > 0.6
    assert (kind.mend(training()).model.predict(rows.frame) == told).all()


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_frames_of_any_kind(kind: Any) -> None:
    X, _ = frame()
    told = kind.mend(training()).model.predict(X)
    for other in (pl.from_pandas(X), pa.Table.from_pandas(X)):
        model = kind.mend(training(other)).model
        assert (model.predict(other) == told).all()
        assert (model.predict(X) == told).all()


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_several_groups_some_of_them_missing_or_small(kind: Any) -> None:
    X, y = frame(1500)
    race = np.random.default_rng(3).choice(["A", "B", "C", ""], len(X), p=[0.5, 0.3, 0.19, 0.01])
    X["race"] = pd.Series(race, dtype=object).where(race != "", None)
    rows = training(
        X, y,
        protect={
            "gender": Protected(levels=("Male", "Female")),
            "race": Protected(levels=("A", "B", "C")),
        },
    )  # fmt: skip
    made = kind.mend(rows)
    assert "Female x (missing), Male x (missing)" in " ".join(made.notes)
    strange = X.assign(race="D")
    assert set(made.model.predict(strange)) == {"paid", "not paid"}


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_weights_and_matrices(kind: Any) -> None:
    X, y = frame()
    rows = training(
        weight=np.random.default_rng(0).uniform(1, 3, len(y)),
        matrix=True,
        features=("income", "gender_code"),
        estimator=DecisionTreeClassifier(max_depth=4),
    )
    told = kind.mend(rows).model.predict(X)
    assert not hasattr(rows.plain, "feature_names_in_")
    assert gap(told, X["gender"]) < gap(rows.plain.predict(rows.X), X["gender"])


def test_twins_draw_the_same_lot() -> None:
    rows = training()
    model = Thresholds(constraint="equalized odds").mend(rows).model
    assert model.shared_ == ["income", "job"]
    lots = lot(rows.frame, ["income", "job"])
    for gender, code in (("Male", 1), ("Female", 0)):
        twins = rows.frame.assign(gender=gender, gender_code=code)
        chance = model.predict_proba(twins)[:, 1]
        assert ((model.predict(twins) == "paid") == (chance > lots)).all()


# --- notes ----------------------------------------------------------------------------------------


def test_notes_say_which_thresholds_were_chosen() -> None:
    rows = training()
    made = Thresholds().mend(rows)
    first = made.notes[0]
    assert first.startswith(
        "Thresholds for demographic parity and the highest accuracy were chosen on scores of 3 "
        "clones for rows that they had not seen. The answer is favorable for a score of Female "
        "above 0."
    )
    for threshold in made.model.thresholds_[made.model.shares_ > 1e-9]:
        assert f"{threshold:.4f}".rstrip("0") in first
    assert "may itself be unlawful" in made.notes[-1]
    assert not any("counted once" in note for note in made.notes)
    odds = Thresholds(constraint="equalized odds", parts=0).mend(rows)
    assert "by a lot alone that favors" in odds.notes[0]
    assert "which it may have memorized" in odds.notes[0]
    weighted = Thresholds().mend(training(weight=np.ones(len(rows))))
    assert any("counted once" in note for note in weighted.notes)


def test_notes_name_groups_that_were_taken_together_or_left_to_the_model() -> None:
    X, y = frame()
    X.loc[:11, "gender"] = "Other"
    protect = {"gender": Protected(levels=("Male", "Female", "Other"))}
    fields = {"gender_code": pb.map_of("gender", {"Male": 1, "Female": 0, "Other": 0})}
    rows = training(X, y, protect=protect, fields=fields)
    alone = Thresholds().mend(rows).notes
    assert (
        "Groups with fewer than 20 rows or one label only are decided as the model alone would: "
        "Other."
    ) in alone
    X.loc[12:30, "gender"] = "Not said"
    wide = {"gender": Protected(levels=("Male", "Female", "Other", "Not said"))}
    codes = {"Male": 1, "Female": 0, "Other": 0, "Not said": 0}
    fields = {"gender_code": pb.map_of("gender", codes)}
    together = Thresholds().mend(training(X, y, protect=wide, fields=fields)).notes
    assert (
        "Groups with fewer than 20 rows or one label only were taken together: Not said, Other."
    ) in together
    assert "; the groups taken together " in together[0]


def test_notes_name_six_groups_at_most() -> None:
    X, y = frame(2400)
    X["place"] = np.arange(len(X)) % 8
    rows = training(X, y, protect={"place": Protected(levels=tuple(range(8)))}, fields={})
    assert "; and by 2 further rules." in Thresholds().mend(rows).notes[0]


def test_notes_say_when_lots_are_few() -> None:
    X, y = frame()
    X["job"] = X["job"] == "clerk"
    rows = training(X, y, features=("job", "gender_code"), estimator=DecisionTreeClassifier())
    notes = Thresholds().mend(rows).notes
    assert any("hold only 2 different combinations, and so many lots" in note for note in notes)
    assert not any("different combination" in note for note in Thresholds().mend(training()).notes)


def test_notes_say_whose_decisions_changed() -> None:
    made = RejectOption().mend(training())
    model = made.model
    women, men = model.changed_
    assert made.notes[0].startswith("The group decides about people whose score is within 0.")
    assert (
        f"Judged by held-out scores, {women + men} decisions changed: they became favorable for "
        f"{women} of Female and became unfavorable for {men} of Male."
    ) in made.notes[0]
    assert made.notes[0].endswith(
        f"went from {100 * model.difference_[0]:.1f} % to {100 * model.difference_[1]:.1f} %."
    )
    assert "may itself be unlawful" in made.notes[-1]
    assert len(made.notes) == 2


def test_notes_say_why_no_decision_changed() -> None:
    X, y = frame()
    even = RejectOption(gap=1.0).mend(training()).notes[0]
    assert "No decision changed, judged by held-out scores: the largest difference" in even
    nobody = RejectOption(width=0.0).mend(training()).notes[0]
    assert "nobody whose decision could change has a score within 0 of 0.5" in nobody
    certain = training(estimator=DecisionTreeClassifier(), features=("income", "gender_code"))
    assert "no width makes the largest difference" in RejectOption().mend(certain).notes[0]
    few = RejectOption(smallest=2000).mend(training(X, y)).notes
    assert "no group can be told to be deprived or favored" in few[0]
    assert few[1].startswith("Left alone")


# --- declarations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["thresholds", "reject_option"])
def test_kinds_are_found_by_name(kind: str) -> None:
    made = MITIGATIONS.parse({"kind": kind, "parts": 0})
    assert made.model_dump()["parts"] == 0
    assert type(made).stage == "decisions"  # type: ignore[attr-defined]
    assert MITIGATIONS.sentence(kind).endswith(".")


def test_words_are_those_of_the_estimator() -> None:
    own = set(get_args(Thresholds.model_fields["constraint"].annotation))
    assert own <= set(CONSTRAINTS)
    assert set(CONSTRAINTS) - own == {"selection rate parity"}
    assert set(get_args(Thresholds.model_fields["objective"].annotation)) == set(OBJECTIVES)


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (Thresholds, {"constraint": "equalised odds"}, 'did you mean "equalized odds"'),
        (Thresholds, {"parts": 1}, r"^\$.parts: take 0 parts, or 2 and more"),
        (Thresholds, {"smallest": 0}, r"^\$.smallest"),
        (
            Thresholds,
            {"constraint": "equalized odds", "objective": "selection rate"},
            r"^\$.objective: equalized odds take",
        ),
        (RejectOption, {"parts": 1}, r"^\$.parts: take 0 parts, or 2 and more"),
        (RejectOption, {"width": 0.7}, r"^\$.width"),
        (RejectOption, {"gap": 2}, r"^\$.gap"),
        (RejectOption, {"constraint": "x"}, 'unknown key "constraint"'),
    ],
)
def test_mistakes_are_told(kind: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        kind(**options)


def test_what_does_not_suit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="no group has 2000 rows with both labels"):
        Thresholds(smallest=2000).mend(training())
    monkeypatch.setitem(sys.modules, "fairlearn.postprocessing", None)
    with pytest.raises(ModelError, match=r"pip install \"paribus\[mitigate\]\""):
        Thresholds().mend(training())
