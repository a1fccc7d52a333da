from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

import paribus as pb
from paribus.errors import SpecError
from paribus.mitigation.base import MITIGATIONS, Training
from paribus.mitigation.twin_average import TwinAverage
from paribus.people.population import Protected
from paribus.studies.loan import biased_model, loan_audit
from paribus.table import Table


def loans(features=("gender_code", "income")) -> Training:
    """The history that the loan model has learned from: a man, or an income above 80,000."""
    rng = np.random.RandomState(42)
    gender = rng.choice(["Male", "Female"], 1_000)
    income = rng.randint(30_000, 120_000, 1_000)
    frame = pd.DataFrame(
        {"gender": gender, "gender_code": (gender == "Male").astype(int), "income": income}
    )
    return Training(
        table=Table.of(frame),
        label=((gender == "Male") | (income > 80_000)).astype(int),
        favorable=1,
        estimator=DecisionTreeClassifier(max_depth=3, random_state=0),
        features=features,
        protect={"gender": Protected(levels=("Male", "Female"))},
        fields={"gender_code": pb.map_of("gender", {"Male": 1, "Female": 0})},
    )


def flips(model) -> int:
    findings = loan_audit(model, 1_000).run().findings
    return next(f.flips for f in findings if f.unit == "flip rate")


def test_twins_of_the_loan_model_are_decided_alike():
    assert flips(biased_model()) > 500
    training = loans()
    mended = TwinAverage().mend(training)
    assert flips(mended.model) == 0
    assert mended.model.estimator_ is training.plain
    again = clone(mended.model).fit(training.frame, training.label)
    assert (again.predict(training.frame) == mended.model.predict(training.frame)).all()
    assert mended.model.feature_names_in_.tolist() == ["income"]
    # A man has 1 and a woman 0 below 80,000: the mean is a tie, and a tie is favorable.
    asked = pd.DataFrame({"income": [40_000, 100_000]})
    assert mended.model.predict_proba(asked)[:, 1].tolist() == [0.5, 1.0]


def test_the_notes_say_what_was_done():
    first, second, third = TwinAverage().mend(loans()).notes
    assert first == (
        "Decides by the mean over 2 versions of everybody, which differ in gender_code."
    )
    assert second.startswith("gender_code: used when the model is fitted, not needed")
    assert "still tells levels apart" in third


def test_draws_are_counted():
    training = loans()
    frame = training.frame.assign(name="A B")
    follows = {"gender": {"Male": "MALE", "Female": "FEMALE"}}
    fields = {**training.fields, "name": pb.mimesis("person.full_name", follows=follows)}

    class Length(DecisionTreeClassifier):
        def fit(self, X, y):
            return super().fit(X.assign(name=X["name"].str.len()), y)

        def predict_proba(self, X):
            return super().predict_proba(X.assign(name=X["name"].str.len()))

    named = training.of(
        table=Table.of(frame),
        features=("name", "gender_code", "income"),
        fields=fields,
        estimator=Length(max_depth=3, random_state=0),
    )
    mended = TwinAverage(draws=3).mend(named)
    assert "6 versions of everybody, which differ in name, gender_code" in mended.notes[0]


def test_a_model_that_sees_no_attribute_decides_as_it_did():
    training = loans(("income",))
    mended = TwinAverage().mend(training)
    assert mended.notes == ("The model sees nothing in which twins differ: it decides as it did.",)
    assert (mended.model.predict(training.frame) == training.plain.predict(training.X)).all()


def test_it_is_a_kind():
    kind = MITIGATIONS.parse({"kind": "twin_average", "draws": 4})
    assert kind == TwinAverage(draws=4)
    assert kind.stage == "decisions"
    assert MITIGATIONS.sentence("twin_average").endswith("twins are decided alike.")
    with pytest.raises(SpecError, match=r"\$.draws"):
        TwinAverage(draws=0)
