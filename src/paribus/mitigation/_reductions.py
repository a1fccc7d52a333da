"""What the kinds that learn under a constraint share: they differ in how Fairlearn searches."""

from __future__ import annotations

from typing import Any

from paribus import estimators
from paribus._text import count, name, percent, points
from paribus.mitigation.base import Mended, Training

_NAMED = 6
"""Predictors whose weight a note tells, and groups that it names, at most."""

_RATES = {
    "demographic parity": "the rate of favorable decisions",
    "equalized odds": "the rate of favorable decisions among those with one label",
    "equal opportunity": "the true positive rate",
    "false positive rate parity": "the false positive rate",
    "error rate parity": "the share of wrong decisions",
}


def constrained(training: Training, constraint: str, method: str, **options: Any) -> Mended:
    """Learn under a constraint.

    Parameters
    ----------
    training : Training
    constraint, method, **options
        As `paribus.estimators.constrained.Constrained` takes them.

    Returns
    -------
    Mended
    """
    model = estimators.Constrained(
        training.estimator,
        list(training.attributes),
        constraint,
        method,
        shared=[each for each in training.features if each not in training.closure],
        features=list(training.features),
        favorable=training.favorable,
        matrix=training.matrix,
        **options,
    ).fit(training.frame, training.label, training.weight)
    return Mended(model, tuple(_notes(model)))


def _notes(model: Any) -> list[str]:
    notes = [_reached(model), _predictors(model)]
    if model.free_:
        listed = ", ".join(name(group) for group in model.free_[:_NAMED])
        more = len(model.free_) - _NAMED
        notes.append(
            f"Lacking rows with a label that {model.constraint} is about, it does not hold all of "
            f"{listed}{f' and {more} more' if more > 0 else ''}."
        )
    return notes


def _reached(model: Any) -> str:
    """Say how far groups are apart on the rows that were learned from."""
    if model.constraint == "bounded group loss":
        bound = "" if model.bound is None else f" (the bound is {percent(model.bound)})"
        return (
            f"In the training rows, {percent(model.gap_)} of decisions are wrong in the group with "
            f"the most{bound}."
        )
    bound = ""
    if model.method == "exponentiated gradient":
        allowed = 0.01 if model.bound is None else model.bound
        bound = f" (the bound is {points(allowed).removeprefix('+')})"
    return (
        f"In the training rows, {_RATES[model.constraint]} of no group is further than "
        f"{points(model.gap_).removeprefix('+')} from that of all{bound}."
    )


def _predictors(model: Any) -> str:
    """Say who decides."""
    same = [type(each).__name__ == "DummyClassifier" for each in model.estimators_]
    if len(same) == 1:
        if same[0]:
            said = "yes" if model.estimators_[0].constant == 1 else "no"
            return f"One predictor decides, and it says {said} to everybody."
        return "One predictor decides: no lot is drawn."
    shares = sorted((float(weight) for weight in model.weights_), reverse=True)
    listed = ", ".join(percent(min(share, 1.0)) for share in shares[:_NAMED])
    more = len(shares) - _NAMED
    told = f"{listed}{f' and {more} more' if more > 0 else ''}"
    if model.lots_:
        lots = "one of which is drawn for each person by a lot that depends on what twins share"
    else:
        lots = "whose weighted majority decides: twins share no feature that a lot could depend on"
    fixed = f" ({count(sum(same), 'predictor')} of them: the same for everybody)"
    return (
        f"The model mixes {count(len(same), 'predictor')}{fixed if any(same) else ''} with weights "
        f"{told}, {lots}."
    )
