"""Every kind keeps the promises of its family, and the suite notices whoever does not."""

from __future__ import annotations

import warnings
from itertools import count
from typing import Literal

import pytest

from paribus.errors import DataError
from paribus.evidence.base import TESTS, Check, Line, Row, Weighed
from paribus.evidence.errors import Errors
from paribus.evidence.group import Group
from paribus.evidence.labels import Labels
from paribus.evidence.scores import Scores
from paribus.stats.confusion import CRITERIA
from paribus.testing import check_check, check_test

KINDS = {kind: TESTS.load(kind, "$.kind") for kind in TESTS.kinds()}
CHECKS = [kind for kind, made in KINDS.items() if issubclass(made, Check)]


def test_there_are_tests_of_twins_and_checks_of_tables():
    assert {"group", "representation", "deployment"} <= {*CHECKS}
    assert {"counterfactual", "regions"} <= KINDS.keys() - {*CHECKS}


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {*CHECKS}))
def test_each_test_of_twins_conforms(kind):
    check_test(KINDS[kind]())


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_each_check_of_a_table_conforms(kind):
    check_check(KINDS[kind]())


@pytest.mark.parametrize(
    "check",
    [Group(criteria=tuple(CRITERIA)), Labels(hold=True), Errors(tolerance=2.0), Scores(hold=True)],
    ids=lambda check: check.kind,
)
def test_what_is_held_on_demand_conforms_too(check):
    check_check(check)


# --- the suite can fail ---------------------------------------------------------------------------

GOOD = {
    "test": "broken", "unit": "rate", "contrast": "group", "attribute": "sex", "reference": "",
    "group": "F", "people": 9, "answered": 9, "estimate": 0.5, "low": 0.2, "high": 0.8,
    "stage": "outcomes", "relation": "value", "scale": "share",
}  # fmt: skip
CLAIM = {"held": True, "claim": "It differs", "p": 0.5, "p_outside": 0.5, "p_within": 0.5}
CURVE = {
    "test": "broken", "stage": "outcomes", "chart": "ROC", "attribute": "sex", "group": "F",
    "x": (0.0, 1.0), "y": (0.0, 1.0),
}  # fmt: skip
CALLS = count()


class Broken(Check):
    """Gives what it is told to give."""

    kind: Literal["broken"] = "broken"

    def weigh(self, observed, tolerance, confidence):
        return Weighed(*GIVEN[self.given()](observed))

    def given(self):
        return NOW["given"]


NOW = {"given": "good"}


def row(**changes):
    return lambda observed: ((Row(**GOOD | changes),),)


def line(**changes):
    return lambda observed: ((), (Line(**CURVE | changes),))


def touched(observed):
    observed.source._engine.table.frame.to_native()["income"] = 0.0
    return ((),)


def impure(observed):
    return row(people=9 + next(CALLS))(observed)


def warned(observed):
    warnings.warn("careless", stacklevel=1)
    return ((),)


def refused(observed):
    raise DataError("no")


GIVEN = {
    "good": row(**CLAIM),
    "a good line": line(low=(0.0, 0.5), high=(0.5, 1.0), people=(3, 4), alarms=(False, True)),
    "not finite": row(estimate=float("nan")),
    "unbounded": row(high=float("inf")),
    "upside down": row(low=0.6),
    "p": row(p=1.5),
    "p_within": row(**CLAIM | {"p_within": None}),
    "p_outside": row(**CLAIM | {"p_outside": None}),
    "no claim": row(**CLAIM | {"claim": " "}),
    "stage": row(stage="model"),
    "test": row(test="group"),
    "answered": row(answered=10),
    "short": line(y=(0.0,)),
    "short interval": line(low=(0.0,), high=(1.0,)),
    "half an interval": line(low=(0.0, 0.0)),
    "outside": line(low=(0.5, 0.5), high=(0.6, 1.0)),
    "labels": line(labels=("only one",)),
    "impure": impure,
    "note": lambda observed: ((), (), (" ",)),
    "touched": touched,
    "warned": warned,
    "refused": refused,
}


@pytest.fixture
def told(monkeypatch):
    return lambda given: monkeypatch.setitem(NOW, "given", given) or check_check(Broken())


@pytest.mark.parametrize("given", ["good", "a good line"])
def test_what_is_whole_passes(told, given):
    told(given)


@pytest.mark.parametrize("given", [given for given in GIVEN if "good" not in given])
def test_what_is_broken_does_not_pass(told, given):
    with pytest.raises((AssertionError, UserWarning)):
        told(given)
