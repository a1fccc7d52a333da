"""What a probe is: the declaration of a model, and what it becomes once it is open."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import StrictBool, StrictFloat, StrictInt, StrictStr

from paribus._plugins import Declaration, Family
from paribus.errors import ModelError, SpecError, nearest
from paribus.outcomes import FAILED, REFUSED, Outcome, OutcomeKind
from paribus.table import FrameKind, Scalar, lookup, pool_of

PROBES = Family("paribus.probe", "model")

Label = StrictBool | StrictInt | StrictFloat | StrictStr
_NONE: frozenset[Scalar] = frozenset()

_LARGEST = 1e100
"""The largest amount that counts as an answer: beyond it, squares and their sums overflow."""

Values = npt.NDArray[Any]
Missing = npt.NDArray[np.int8 | np.int32] | None


@dataclass(frozen=True)
class Model:
    """A model that is open for questions.

    Each way of asking takes a data frame (or a matrix) of n people and gives n answers; a way that
    the model does not know is None.
    """

    name: str
    fingerprint: str = ""
    labels: Callable[[Any], Any] | None = None
    """One label a person, shape (n,)."""
    probabilities: Callable[[Any], Any] | None = None
    """Shape (n, number of classes) in the order of `classes`, or (n,) for the last of two."""
    numbers: Callable[[Any], Any] | None = None
    """One number a person, shape (n,)."""
    classes: tuple[Scalar, ...] | None = None
    """All labels that the model can give, where it knows them."""
    features: tuple[str, ...] | None = None
    """Names of the columns that the model was fitted on, in their order."""
    width: int | None = None
    """How many columns the model was fitted on."""
    frame: FrameKind | None = None
    """What the model wants to be handed; None where any data frame does."""
    sees_everything: bool = False
    """Whether the model takes whatever columns there are, as a plain function does."""
    hidden: tuple[str, ...] = ()
    """Of `features`, those that are no description of a person but answers."""
    precision: type[np.floating[Any]] = np.float64
    """Type of the matrix that the model converts to anyway, for models that take a matrix."""
    estimator: Any = None
    """The estimator itself, where there is one that can be fitted again."""


class Probe(Declaration):
    """The declaration of a model: where it is, what it sees, and what its answers mean."""

    kind: str
    outcome: OutcomeKind | None = None
    favorable: Label | tuple[Label, ...] | None = None
    """The label (or labels) that are good for a person."""
    threshold: float | None = None
    """A score at or beyond which the decision is favorable."""
    prefer: Literal["high", "low"] = "high"
    """Whether high or low scores are good for a person."""
    labels: tuple[Label, ...] | None = None
    """All labels that there are, for models that do not know them."""
    features: tuple[str, ...] | None = None
    """The columns that the model sees, for models that do not name them."""
    frame: FrameKind | None = None
    """What the model is handed; by itself it is what the model was fitted on."""
    repeats: Literal["auto", "merge", "ask"] = "auto"
    """Whether people who look the same to the model are asked once; `auto` where it surely pays."""
    times: Literal["auto", 1, 2] = "auto"
    """How often each question is put; `auto` asks a model that does not repeat itself twice."""

    def open(self, *, trust: bool) -> Model:
        """Load the model.

        Raises
        ------
        ModelError
            Where it cannot be loaded.
        TrustError
            Where loading would run code and `trust` is not given.
        """
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """Describe the probe for the record's spec."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude_none=True) | {
            "kind": self.kind
        }


# --- what the answers mean ------------------------------------------------------------------------


def outcome_of(probe: Probe, model: Model) -> Outcome:
    """Decide what the answers mean, from the declaration and from what the model knows.

    Raises
    ------
    SpecError
        Where the two do not fit, or too little is declared to tell.
    """
    favorable = _favorable(probe)
    kind = probe.outcome or _inferred(model, favorable, probe)
    if kind == "number":
        if model.numbers is None:
            raise SpecError(
                "the model is a classifier: ask for a decision, a score or a label",
                path="$.model.outcome",
            )
        return Outcome("number", threshold=probe.threshold, prefer=probe.prefer)
    known = probe.labels or model.classes
    if kind == "score":
        if model.probabilities is None and model.numbers is None:
            raise SpecError("the model gives no scores: ask for a decision", path="$.model.outcome")
        if model.classes is None or model.probabilities is None:
            return Outcome("score", threshold=probe.threshold, prefer=probe.prefer)
        # A classifier's score is the probability of the favorable label.
        labels = _first((_one_favorable(favorable, model.classes),), model.classes)
        return Outcome("score", (), labels, probe.threshold, probe.prefer, bounds=(0.0, 1.0))
    if probe.threshold is not None:
        raise SpecError(
            f'a threshold turns scores into decisions: use outcome = "score", not "{kind}"',
            path="$.model.threshold",
        )
    if model.labels is None and model.probabilities is None:
        raise SpecError(f"the model gives numbers, not a {kind}", path="$.model.outcome")
    if kind == "label":
        if not known:
            raise SpecError("name all labels that the model can give", path="$.model.labels")
        return Outcome("label", tuple(_among(f, known) for f in favorable), tuple(known))
    if known is not None and len(known) > 2:
        raise SpecError(
            f"the model knows {len(known)} labels; a decision has two: use "
            'outcome = "label" with the favorable ones',
            path="$.model.outcome",
        )
    good = _one_favorable(favorable, known)
    return Outcome("decision", (good,), () if known is None else _first((good,), tuple(known)))


def _first(favorable: tuple[Scalar, ...], known: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    return (*favorable, *(label for label in known if label not in favorable))


def _favorable(probe: Probe) -> tuple[Scalar, ...]:
    if probe.favorable is None:
        return ()
    return probe.favorable if isinstance(probe.favorable, tuple) else (probe.favorable,)


def _inferred(model: Model, favorable: tuple[Scalar, ...], probe: Probe) -> OutcomeKind:
    if probe.threshold is not None and (model.probabilities or model.numbers):
        return "score"
    if model.classes is not None:
        return "decision" if len(model.classes) <= 2 else "label"
    if model.labels is not None:
        if favorable:
            return "decision" if len(favorable) == 1 and not probe.labels else "label"
        raise SpecError(
            'say what the answers mean: "decision" with a favorable label, "score" or "number"',
            path="$.model.outcome",
        )
    return "number"


def _one_favorable(favorable: tuple[Scalar, ...], known: Sequence[Scalar] | None) -> Scalar:
    if len(favorable) == 1:
        return favorable[0] if known is None else _among(favorable[0], known)
    if len(favorable) > 1:
        raise SpecError("name one favorable label", path="$.model.favorable")
    if known is not None and list(known) in ([0, 1], [False, True]):
        return known[1]
    among = f", one of {', '.join(map(str, known))}" if known else ""
    raise SpecError(f"name the favorable label{among}", path="$.model.favorable")


def _among(label: Scalar, known: Sequence[Scalar]) -> Scalar:
    found = int(lookup(pool_of([label]), known)[0])
    if found < 0:
        raise SpecError(
            f'the model has no label "{label}"{nearest(label, known)}', path="$.model.favorable"
        )
    return known[found]


# --- how it is asked ------------------------------------------------------------------------------


def way_of_asking(model: Model, outcome: Outcome) -> Callable[[Any], Any]:
    """Choose the method that answers: labels, or a column of the probabilities, or numbers."""
    if outcome.kind == "number":
        assert model.numbers is not None
        return model.numbers
    if outcome.kind == "score":
        if model.probabilities is None or not outcome.labels or model.classes is None:
            ask = model.probabilities or model.numbers
            assert ask is not None
            return ask
        column = list(model.classes).index(outcome.labels[0])
        return _column_of(model.probabilities, column, len(model.classes))
    if model.labels is not None:
        return model.labels
    assert model.probabilities is not None
    return _most_probable(model.probabilities, model.classes or ())


def _column_of(
    ask: Callable[[Any], Any], column: int, classes: int
) -> Callable[[Any], npt.NDArray[Any]]:
    def scores(frame: Any) -> npt.NDArray[Any]:
        given = np.asarray(ask(frame))
        if given.ndim == 2 and given.shape[1] == classes:
            return given[:, column]
        # One number a person is the probability of the last of two classes.
        flat = given.reshape(-1)
        return flat if column == classes - 1 else 1 - flat

    return scores


def _most_probable(
    ask: Callable[[Any], Any], classes: tuple[Scalar, ...]
) -> Callable[[Any], npt.NDArray[Any]]:
    names = np.array(classes)

    def labels(frame: Any) -> npt.NDArray[Any]:
        given = np.asarray(ask(frame))
        if given.ndim == 2 and given.shape[1] == len(classes):
            return np.asarray(names[given.argmax(axis=1)])
        return np.asarray(names[(given.reshape(-1) > 0.5).astype(np.intp)])

    return labels


# --- what came back -------------------------------------------------------------------------------


def read(outcome: Outcome, said: Any, people: int) -> tuple[Values, Missing, frozenset[Scalar]]:
    """Turn what the model said into values.

    Parameters
    ----------
    outcome : Outcome
    said : array-like
        What came back: one answer a person. None is a refusal, NaN a failure.
    people : int
        How many people were asked about.

    Returns
    -------
    values : ndarray of shape (n,)
        As `Outcome` describes.
    missing : ndarray of int8 or None
    unfavorable : frozenset
        Labels that were taken for the unfavorable decision.

    Raises
    ------
    ModelError
        Where there is not one answer a person, or an unknown label.
    """
    array = _one_each(said, people)
    missing = _missing(array)
    if outcome.measures:
        values, missing = _numbers(array, missing)
        return values, missing, _NONE
    if missing is not None and missing.all():
        return np.zeros(people, np.int8 if outcome.kind == "decision" else np.int16), missing, _NONE
    array = _settled(array, missing)
    if array.dtype.kind == "b" and not all(isinstance(la, bool) for la in outcome.labels):
        # A truth value may stand for the labels 1 and 0.
        array = array.astype(np.int8)
    if outcome.kind == "label":
        codes = lookup(array, outcome.labels)
        if codes.min(initial=0) < 0:
            _unknown_label(array[int(np.argmin(codes))], outcome.labels)
        return codes.astype(np.int16), missing, _NONE
    good = np.asarray(array == _alike(outcome.favorable[0], array))
    others = frozenset(_others(array, good))
    if outcome.labels:
        for other in others:
            if int(lookup(pool_of([other]), outcome.labels)[0]) < 0:
                _unknown_label(other, outcome.labels)
        others = _NONE
    return good.view(np.int8), missing, others


def _one_each(said: Any, people: int) -> npt.NDArray[Any]:
    try:
        array = np.asarray(said)
        if array.dtype.kind == "U" and isinstance(said, list | tuple):
            # Among text, numpy would write out NaN and None as words.
            array = np.asarray(said, dtype=object)
    except ValueError:
        raise ModelError(
            "the model gave lists of different lengths; it must give one answer for each person",
            path="$.model",
        ) from None
    if array.ndim == 2 and array.shape == (people, 1):
        array = array.reshape(-1)
    if array.dtype.kind == "c":
        raise ModelError("the model answered complex numbers", path="$.model")
    if array.ndim != 1 or len(array) != people:
        shape = " x ".join(map(str, array.shape)) or "a single value"
        raise ModelError(
            f"the model was asked about {people:,} people and answered {shape}; it must give one "
            "answer for each",
            path="$.model",
        )
    return array


def _missing(array: npt.NDArray[Any]) -> Missing:
    if array.dtype.kind == "f":
        odd = ~np.isfinite(array)
        return np.where(odd, FAILED, 0).astype(np.int8) if odd.any() else None
    if array.dtype != object:
        return None
    statuses = np.array([_status(value) for value in array], dtype=np.int8)
    return statuses if statuses.any() else None


def _status(value: Any) -> int:
    if value is None:
        return REFUSED
    if isinstance(value, float | np.floating):
        return 0 if np.isfinite(value) else FAILED
    # pandas' own missing value compares with nothing, not even with itself.
    return FAILED if type(value).__name__ in {"NAType", "NaTType"} else 0


def _settled(array: npt.NDArray[Any], missing: Missing) -> npt.NDArray[Any]:
    """Give labels one type, and those that are missing the place of some other."""
    if missing is None and array.dtype != object:
        return array
    told = array if missing is None else array[missing == 0]
    if told.dtype == object:
        told = np.array(told.tolist())
        told = told.astype(str) if told.dtype == object else told
    if missing is None:
        return told
    out = np.full(len(array), told[0], told.dtype)
    out[missing == 0] = told
    return out


def _numbers(array: npt.NDArray[Any], missing: Missing) -> tuple[Values, Missing]:
    usable = array if missing is None else np.where(missing == 0, array, 0.0)
    try:
        values = usable.astype(np.float64)
    except (OverflowError, TypeError, ValueError):
        odd = next((v for v in usable if not isinstance(v, float | np.number)), usable[0])
        raise ModelError(
            f'the model answered "{odd}"'[:80]
            + ', which is no number; use outcome = "decision" or "label"',
            path="$.model.outcome",
        ) from None
    # Text such as "nan" is only now a number, and sums of larger ones overflow.
    unusable = ~(np.abs(values) <= _LARGEST)
    if unusable.any():
        values[unusable] = 0.0
        failed = np.where(unusable, FAILED, 0).astype(np.int8)
        missing = failed if missing is None else np.maximum(missing, failed)
    return values, missing


def _alike(favorable: Scalar, array: npt.NDArray[Any]) -> Scalar:
    """Give the favorable label in the type that the model answers in: 1 may be said as "1"."""
    if array.dtype.kind in "US":
        return str(favorable)
    if array.dtype.kind == "b" and str(favorable).casefold() in {"true", "false"}:
        return str(favorable).casefold() == "true"
    if isinstance(favorable, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?", favorable):
        return float(favorable)
    return favorable


def _others(array: npt.NDArray[Any], good: npt.NDArray[np.bool_]) -> list[Scalar]:
    """List the labels that are not the favorable one."""
    if good.all():
        return []
    first = array[good.argmin()]
    # Nearly always there is one, and two counts tell so faster than any search for more.
    if np.count_nonzero(good) + np.count_nonzero(array == first) == len(array):
        return [_python(first)]
    return [_python(value) for value in np.unique(array[~good])]


def _python(value: Any) -> Scalar:
    plain: Scalar = value.item() if isinstance(value, np.generic) else value
    return plain


def _unknown_label(label: Any, known: Sequence[Scalar]) -> None:
    raise ModelError(
        f'the model answered "{label}", which is no known label{nearest(label, known)}',
        path="$.model.labels",
    )
