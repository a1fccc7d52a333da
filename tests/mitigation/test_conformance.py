"""Every kind of mitigation keeps the promises of its family; the suite notices whoever does not."""

from __future__ import annotations

import warnings
from itertools import count
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from paribus.errors import DataError, SpecError, TrustError
from paribus.estimators import Mended as Model
from paribus.estimators import Without, favorable_scores
from paribus.mitigation.base import MITIGATIONS, Mended, Mitigation, Stage
from paribus.probe.skops import SkopsProbe, written
from paribus.testing import check_mitigation
from paribus.testing._mitigations import example_trainings

QUICK: dict[str, dict[str, Any]] = {"constrain": {"iterations": 1}}
"""Options with which a kind is as it is, only faster."""


@pytest.mark.parametrize("kind", MITIGATIONS.kinds())
def test_each_kind_conforms(kind):
    check_mitigation(MITIGATIONS.load(kind)(**QUICK.get(kind, {})))


@pytest.mark.parametrize("kind", MITIGATIONS.kinds())
def test_each_kind_says_what_it_does(kind):
    assert MITIGATIONS.sentence(kind).endswith(".")


@pytest.mark.parametrize("kind", MITIGATIONS.kinds())
def test_models_of_each_kind_open_without_trust(kind, tmp_path):
    _, training, _ = next(example_trainings())
    model = MITIGATIONS.load(kind)(**QUICK.get(kind, {})).mend(training).model
    file = tmp_path / "model.skops"
    file.write_bytes(written(model))
    unknown = ""
    try:
        opened = SkopsProbe(path=str(file)).open(trust=False)
    except TrustError as error:
        # Old versions of skops do not know all of scikit-learn; ours are none of what they name.
        unknown = str(error)
        opened = SkopsProbe(path=str(file)).open(trust=True)
    assert "paribus.estimators" not in unknown
    assert type(opened.estimator) is type(model)


def test_rows_of_ones_own_are_checked_too():
    _, training, _ = next(example_trainings())
    check_mitigation(MITIGATIONS.load("drop_proxies")(columns=("trade",)), training)


# --- the suite can fail ---------------------------------------------------------------------------

CALLS = count()


class Broken(Mitigation):
    """Does what it is told to do."""

    kind: Literal["broken"] = "broken"
    given: str = "good"
    stage: ClassVar[Stage] = "features"

    def mend(self, training):
        made = Mended(GIVEN[self.given](training), NOTES.get(self.given, ("It is done.",)))
        return made.model if self.given == "no result" else made


class Misnamed(Broken):
    # Read from a file it is no longer what it was.
    def model_dump(self, **how):
        return {"kind": "broken", "given": "good", "odd": 1}


class Undescribed(Broken):
    stage: ClassVar[Any] = "afterwards"


class Odd(Model):
    """A mended model that breaks one promise."""

    def __init__(self, estimator=None, features=None, favorable=None, matrix=False, how=""):
        self.estimator = estimator
        self.features = features
        self.favorable = favorable
        self.matrix = matrix
        self.how = how

    def fit(self, X, y, sample_weight=None):
        self._begin(X, y)
        self.estimator_ = self.estimator.fit(self.seen_.of_frame(X), y)
        self.luck_ = next(CALLS) / 1000.0
        if self.how == "unnamed":
            self.feature_names_in_ = []
        if self.how == "absent":
            self.feature_names_in_ = np.array(["code", "height"], dtype=object)
        if self.how == "needs more":
            self.feature_names_in_ = self.feature_names_in_[:1]
        return self

    def _favorable(self, X):
        good = favorable_scores(self.estimator_, self.seen_.of_frame(X), self.favorable_)
        if self.how == "luck":
            return np.clip(good + self.luck_, 0.0, 1.0)
        if self.how == "company":
            return np.clip(good - good.mean() / 2.0, 0.0, 1.0)
        if self.how == "place":
            return good * (np.arange(len(good)) % 2)
        if self.how == "groups":
            frame = X.to_pandas() if hasattr(X, "estimated_size") else X
            assert not (frame.get("gender", good) == "somebody else").any()
        return good * (2.0 if self.how == "beyond" else 1.0)

    def answers(self, X):
        favored, sure = super().answers(X)
        return (~favored if self.how == "turned" else favored), sure

    def predict(self, X):
        if self.how == "turned":
            return self.classes_[np.where(self._favorable(X) >= 0.5, 1, 0)]
        labels = super().predict(X)
        return np.array(["perhaps"] * len(labels)) if self.how == "label" else labels


def odd(how):
    def made(training):
        from sklearn.base import clone

        model = Odd(
            clone(training.estimator), list(training.features), training.favorable, False, how
        )
        return model.fit(training.frame, training.label)

    return made


def good(training):
    model = Without(
        training.estimator, ["code"], features=list(training.features),
        favorable=training.favorable,
    )  # fmt: skip
    return model.fit(training.frame, training.label, training.weight)


def touched(training):
    if hasattr(training.frame, "loc"):
        training.frame.loc[0, "income"] = -1.0
    return good(training)


def relabeled(training):
    training.label[:3] = training.label[0]
    training.label[3] = training.label[training.label != training.label[0]][0]
    return good(training)


def fitted_itself(training):
    training.estimator.fit(training.X, training.label)
    return good(training)


def unweighted(training):
    return good(training.of(weight=None))


def careless(training):
    warnings.warn("careless", stacklevel=1)
    return good(training)


def refused(training):
    raise DataError("no")


def crashed(training):
    raise ZeroDivisionError


def silent(training):
    if training.weight is not None:
        raise DataError(" ")
    return good(training)


GIVEN = {
    "good": good,
    "no result": good,
    "touched": touched,
    "relabeled": relabeled,
    "fitted itself": fitted_itself,
    "unweighted": unweighted,
    "careless": careless,
    "refused": refused,
    "crashed": crashed,
    "silent": silent,
    "no sentence": good,
    "not a number": good,
    **{how: odd(how) for how in (
        "unnamed", "absent", "needs more", "luck", "company", "place", "groups", "beyond", "label",
        "turned",
    )},
}  # fmt: skip
NOTES = {"no sentence": ("done",), "not a number": ("The gap is nan points.",)}


def test_what_is_whole_passes():
    check_mitigation(Broken())


@pytest.mark.parametrize("given", [given for given in GIVEN if given != "good"])
def test_what_is_broken_does_not_pass(given):
    with pytest.raises((AssertionError, UserWarning, ZeroDivisionError, DataError)):
        check_mitigation(Broken(given=given))


@pytest.mark.parametrize("declared", [Misnamed, Undescribed])
def test_what_is_declared_wrongly_does_not_pass(declared):
    with pytest.raises((AssertionError, SpecError)):
        check_mitigation(declared())
