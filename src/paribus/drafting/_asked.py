"""What a model says of itself: the columns that it sees, and which of its answers is good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from paribus.drafting import _words
from paribus.drafting._guess import Guess, name, names
from paribus.drafting._looked import Looked
from paribus.errors import DataError, SpecError, nearest
from paribus.outcomes import Outcome
from paribus.probe.base import Model, Probe, outcome_of, way_of_asking
from paribus.table import Scalar, lookup, pool_of, to_frame

_ROWS = 1_000
"""Rows about which a model is asked, to learn which column it predicts."""
_AGREES = 0.6
_SEPARATORS = ("__", "_", "-", ".", "=", ":", " ", "")


@dataclass(frozen=True)
class Seen:
    """The columns that a model sees, and those of the data that must be coded first."""

    features: tuple[str, ...]
    """In the model's order; empty where it takes whatever there is."""
    coded: Mapping[str, tuple[str, Scalar]]
    """Feature -> the column of the data, and the value of it, that the feature is 1 for."""
    guesses: tuple[Guess, ...] = ()


def seen(
    model: Model, looked: Looked, declared: Sequence[str] | None, aside: Sequence[str]
) -> Seen:
    """Tell which columns the model sees.

    Raises
    ------
    SpecError
        Where it does not name them and nothing tells, or the data do not have them.
    """
    features = tuple(declared or model.features or ())
    guesses: list[Guess] = []
    if declared:
        guesses.append(Guess(("model", "features"), list(declared), "as given"))
    if not features and not model.sees_everything:
        features = _by_width(model, looked, aside)
        guesses.append(
            Guess(
                ("model", "features"),
                list(features),
                f"the model names no columns and takes {model.width}: all numbers of the data "
                "without another role, in their order; check that it is that of training",
                told=True,
            )
        )
    coded = {each: _one_hot(each, looked) for each in features if each not in looked.names}
    for each, found in coded.items():
        if found is None:
            raise SpecError(
                f"the model sees {name(each)}, which the data do not have"
                f"{nearest(each, looked.names)}; add the column as training made it, or give the "
                "model together with what prepares its columns (a scikit-learn Pipeline)",
                path="data",
            )
    told = {each: found for each, found in coded.items() if found is not None}
    return Seen(features, told, tuple(guesses))


def _by_width(model: Model, looked: Looked, aside: Sequence[str]) -> tuple[str, ...]:
    able = [
        each
        for each in looked.names
        if each not in aside
        and not _is_outcome(each, model, looked)
        and (looked.is_number(each) or looked.is_flag(each))
        and looked.sort(each).role != "direct"
    ]
    if model.width == len(able):
        return tuple(able)
    wide = "columns" if model.width is None else f"{model.width} columns"
    raise SpecError(
        f"the model takes {wide} and does not name them, and the data have {len(able)} that it "
        "could be: name them in the order in which it was fitted, such as "
        f"{','.join(able[:2]) or 'income,age'}",
        path="features",
    )


def _is_outcome(column: str, model: Model, looked: Looked) -> bool:
    """Tell whether a column is what a classifier predicts, by its header, and no feature then."""
    if model.classes is None or not _same_values(column, looked, model.classes):
        return False
    return bool(_words.valence(column)) or _words.says("outcome", column)


def _one_hot(feature: str, looked: Looked) -> tuple[str, Scalar] | None:
    """Read a feature such as ``sex_Male`` as one value of a column of the data."""
    owners = [c for c in looked.names if feature.startswith(c) and looked.has_levels(c)]
    for owner in sorted(owners, key=len, reverse=True):
        rest = feature.removeprefix(owner)
        values = [value for (value,) in looked.few_cells(owner) if value is not None]
        for separator in _SEPARATORS:
            said = rest.removeprefix(separator)
            if not rest.startswith(separator) or not said:
                continue
            for value in values:
                if said in (str(value), str(value).replace(" ", "_")):
                    return owner, value
    return None


# --- answers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answers:
    """What a model's answers mean."""

    options: Mapping[str, Any]
    """Of the probe, such as ``favorable``."""
    label: str | None
    """The column with what the model predicts, if any."""
    guesses: tuple[Guess, ...]


def answers(
    probe: Probe,
    model: Model,
    looked: Looked,
    sees: Seen,
    label: str | None,
    tolerance: float | None,
    aside: Sequence[str],
) -> Answers:
    """Tell what the answers mean, and which is good for a person.

    Raises
    ------
    SpecError
        Where nothing tells; the path is the argument that would.
    """
    classes = probe.labels or model.classes
    given = probe.favorable is not None
    found = _label(label, model, looked, sees, aside)
    guesses: list[Guess] = []
    if found is not None and label is None:
        guesses.append(found_label(found, looked))
    options: dict[str, Any] = {}
    needs = classes is not None and probe.outcome != "number" and not given
    if needs and classes is not None:
        guess = _favorable(classes, found, looked)
        guesses.append(guess)
        if guess.sure:
            held = guess.value
            options["favorable"] = tuple(held) if isinstance(held, list) else held
    declared = probe.model_copy(update=options) if options else probe
    try:
        outcome = outcome_of(declared, model)
    except SpecError as error:
        raise SpecError(error.message, path=error.path.removeprefix("$.model.")) from None
    if outcome.kind == "number" and tolerance is None:
        raise SpecError(
            "the model answers with numbers: give the largest gap that counts as equal, in their "
            "unit",
            path="tolerance",
        )
    if outcome.kind == "number" and "prefer" not in probe.model_fields_set:
        low = found is not None and _words.valence(found) < 0
        why = f"{name(found)} is bad for a person" if low else "more counts as better"
        options["prefer"] = "low" if low else "high"
        guesses.append(Guess(("model", "prefer"), options["prefer"], why, told=True))
    return Answers(options, found, tuple(guesses))


def found_label(label: str, looked: Looked) -> Guess:
    """Say which column is what happened, for who wants the table measured too."""
    return Guess(
        ("data", "label"),
        label,
        "looks like what really happened: uncomment it to audit the table as well",
        sure=False,
    )


def good_label(label: str, favorable: Sequence[Scalar], looked: Looked) -> Guess | None:
    """Say which value of what happened is good for a person; None where nothing tells.

    Parameters
    ----------
    favorable : sequence of scalars
        The model's answers that are good, which the column may write in other words.
    """
    place = ("data", "favorable")
    values = _values(label, looked)
    held = [each for each in favorable if lookup(pool_of([each]), values)[0] >= 0]
    if held:
        said = "the label that is good for a person"
        return Guess(place, held[0] if len(held) == 1 else held, said)
    try:
        guess = _favorable(values, label, looked)
    except SpecError:
        return None
    return Guess(place, guess.value, "the label that is good for a person, by its header or word")


def _values(column: str, looked: Looked) -> list[Scalar]:
    found = {value for (value,) in looked.few_cells(column) if value is not None}
    return sorted(found, key=lambda value: (isinstance(value, str), value))


def _label(
    given: str | None, model: Model, looked: Looked, sees: Seen, aside: Sequence[str]
) -> str | None:
    """Find the column that the model predicts."""
    classes = model.classes
    if given is not None:
        return given if classes is None or _same_values(given, looked, classes) else None
    taken = {*sees.features, *(owner for owner, _ in sees.coded.values()), *aside}
    able = [each for each in looked.names if each not in taken]
    if classes is not None:
        able = [each for each in able if _same_values(each, looked, classes)]
    hinted = [each for each in able if _words.valence(each)]
    if classes is not None:
        hinted = hinted or [each for each in able if _words.says("outcome", each)]
    if classes is not None and able and sees.features and not sees.coded:
        agreement = _agreement(model, looked, sees.features, able)
        best = max(agreement, key=lambda each: agreement[each], default=None)
        if best is not None and agreement[best] >= _AGREES:
            alike = [each for each in hinted if agreement[each] >= agreement[best] - 0.05]
            return best if not alike or best in alike else alike[0]
    return hinted[-1] if hinted and (classes is not None or len(hinted) == 1) else None


def _same_values(column: str, looked: Looked, classes: Sequence[Scalar]) -> bool:
    if not 2 <= looked.distinct(column) <= len(classes) or not looked.has_levels(column):
        return False
    values = _values(column, looked)
    try:
        return bool((lookup(pool_of(values), list(classes)) >= 0).all())
    except DataError:
        return False


def _agreement(
    model: Model, looked: Looked, features: Sequence[str], columns: Sequence[str]
) -> dict[str, float]:
    """Ask about a few rows, and say how often each column holds the answer."""
    classes = model.classes or ()
    rows = np.arange(min(_ROWS, len(looked.table)))
    table = looked.table.take(rows)
    try:
        kind = model.frame or table.kind
        frame = to_frame({each: table.column(each, slice(None)) for each in features}, kind)
        said = np.asarray(way_of_asking(model, Outcome("decision", classes[-1:], classes))(frame))
        place = lookup(said.reshape(-1), classes)
    except Exception:
        # A model that cannot be asked says so when the audit asks it.
        return {}
    out = {}
    for column in columns:
        truth = lookup(looked.array(column).slice(0, len(rows)), classes)
        known = truth >= 0
        if known.any() and len(place) == len(truth):
            out[column] = float((place == truth)[known].mean())
    return out


def _favorable(classes: Sequence[Scalar], label: str | None, looked: Looked) -> Guess:
    place = ("model", "favorable")
    told = [str(each) for each in classes]
    header = 0 if label is None else _words.valence(label)
    column = "" if label is None else f"the model predicts {name(label)}"
    if len(classes) > 2:
        good = [each for each in classes if _words.valence(each) > 0]
        if good:
            return Guess(place, good, f"of {names(told)}, by their words", told=True)
        why = f"which of {names(told)} are good for a person? By itself any change of label counts"
        return Guess(place, list(classes[:1]), why, sure=False, told=True)
    if list(classes) in ([0, 1], [False, True]):
        if header:
            why = f"{column}, which is {'good' if header > 0 else 'bad'} for a person"
            return Guess(place, classes[header > 0], why, told=True)
        why = f"{column}, and 1 counts as good" if column else "1 counts as good for a person"
        return Guess(place, classes[1], f"{why}; correct it if it is the other", told=True)
    larger = _words.greater(told)
    if larger is not None:
        return Guess(place, classes[larger], "the larger amount", told=True)
    said = [_words.valence(each) for each in told]
    if header < 0 and all(len(each) <= 3 for each in told):
        # "yes" below "defaulted" is bad news.
        said = [-each for each in said]
    best, worst = max(said), min(said)
    if best > worst and len(classes) == 2:
        at = said.index(best)
        why = f"of {names(told)}, by {'its word' if said[at] > 0 else 'the other word'}"
        return Guess(place, classes[at], why, told=True)
    raise SpecError(
        f"say which answer is good for a person: {' or '.join(name(each) for each in told)}",
        path="favorable",
    )
