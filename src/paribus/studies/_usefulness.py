"""Whether the result is good for what the original was: a model learned from either, and audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri
from sklearn.base import clone

from paribus._seeds import generator
from paribus._text import count, name, percent, points
from paribus.errors import DataError, ModelError, ParibusError, SpecError, nearest
from paribus.stats.folds import folds
from paribus.stats.paired import tango_interval
from paribus.stats.rate_intervals import wilson
from paribus.studies._assessment import KeptVerdict, Score
from paribus.studies._released import Codes, Floats, Released, numbers, texts

MOST_CLASSES = 20
"""Classes of a label at most: a label with more is a number."""

MOST_LEVELS = 12
"""Levels that a protected attribute is taken to have where nobody names them."""

_TESTED = 10
"""One row in so many thirds: three of ten are held out."""

_FEWEST = 20
"""Rows of each part at least."""

Decisions = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Task:
    """What a model learns from either table, and the real people it is tried on.

    Parameters
    ----------
    label : str
    classes : tuple of str
        As text, the favorable one last.
    features : tuple of str
    protect : dict of str to tuple
        Attribute -> its levels.
    before, after : tuple of (DataFrame, ndarray)
        Rows to learn from, and codes of their classes.
    test_before, test_after : DataFrame
        Real people whom neither model has seen; what has become another sort of value is, for the
        model learned from the result, as the result has it.
    truth : ndarray of int
    notes : tuple of str
    """

    label: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    protect: Mapping[str, tuple[Any, ...]]
    before: tuple[Any, Codes]
    after: tuple[Any, Codes]
    test_before: Any
    test_after: Any
    truth: Codes
    notes: tuple[str, ...]

    @property
    def favorable(self) -> int:
        """Code of the favorable class."""
        return len(self.classes) - 1

    @cached_property
    def same(self) -> bool:
        """Whether both models see the same rows, and so are the same model."""
        frames = self.before[0].equals(self.after[0]) and self.test_before.equals(self.test_after)
        return bool(frames and np.array_equal(self.before[1], self.after[1]))


def task_of(
    released: Released,
    label: str,
    favorable: Any,
    protect: Mapping[str, tuple[Any, ...]],
    fields: Mapping[str, Any] | None,
    rows: int,
    seed: int,
) -> Task:
    """Lay out what is learned, and on whom it is tried.

    Raises
    ------
    SpecError, DataError
        Where the label is missing in a table, or has one class, or too many.
    """
    original, anonymized = released.original, released.anonymized
    classes = _classes(released, label, favorable)
    notes: list[str] = []
    # A name that twins are given again is seen by the model, though it was replaced.
    wanted = {*(fields or {})} & set(released.identifying) & set(anonymized.column_names)
    known = [n for n in original.column_names if n in released.shared or n in wanted]
    features = [n for n in known if n != label]
    recoded = [n for n in features if n not in wanted and released.recoded(n)]
    if not released.aligned and recoded:
        features = [n for n in features if n not in recoded]
        notes.append(
            "The models see no "
            + ", ".join(name(n) for n in recoded)
            + ": the values there are of another sort than they were."
        )
    if not features:
        raise DataError("no column is left that a model could learn from", path="$.anonymized")
    truth, after = labels_of(original, label, classes), labels_of(anonymized, label, classes)
    test_table, test_truth, train, learned = original, truth, np.flatnonzero(truth >= 0), after
    held_out = np.zeros(0, np.intp)
    chosen = np.flatnonzero(after >= 0)
    if released.aligned:
        both = np.flatnonzero((truth >= 0) & (after >= 0))
        part = folds(truth[both], _TESTED, seed)
        held_out, train = both[part < 3], both[part >= 3]
        chosen = train
    elif released.holdout is not None:
        test_table = released.holdout
        test_truth = labels_of(test_table, label, classes)
        held_out = np.flatnonzero(test_truth >= 0)
    else:
        part = folds(truth[train], _TESTED, seed)
        held_out, train = train[part < 3], train[part >= 3]
        notes.append(
            "Without a holdout, the models are tried on rows of the original; whoever made the "
            "result saw them too."
        )
    rng = generator(seed, "assess/rows", 0)
    held_out, train, chosen = (_few(rng, r, rows) for r in (held_out, train, chosen))
    if released.aligned:
        chosen = train
    for what, some in (("original", train), ("result", chosen), ("held-out", held_out)):
        if len(some) < _FEWEST:
            raise DataError(
                f"{count(len(some), 'row')} of the {what} data with a label are too few to learn "
                f"from or to try a model on; it takes {_FEWEST}",
                path="$.label",
            )
    for what, codes, some in (("original", truth, train), ("result", learned, chosen)):
        if len(np.unique(codes[some])) < 2:
            raise DataError(f'all rows of the {what} have one class of "{label}"', path="$.label")
    seen = [*dict.fromkeys([*features, *(a for a in protect if a in test_table.column_names)])]
    test_before = frame_of(test_table.take(held_out), seen)
    test_after = test_before
    if released.aligned and recoded:
        test_after = test_before.copy()
        changed = frame_of(anonymized.take(held_out), recoded)
        for each in recoded:
            test_after[each] = changed[each]
        notes.append(
            "What is of another sort than it was ("
            + ", ".join(name(n) for n in recoded)
            + ") is shown to the model learned from the result as the result has it."
        )
    return Task(
        label=label,
        classes=classes,
        features=tuple(features),
        protect=protect,
        before=(frame_of(original.take(train), features), truth[train]),
        after=(frame_of(anonymized.take(chosen), features), learned[chosen]),
        test_before=test_before,
        test_after=test_after,
        truth=test_truth[held_out],
        notes=tuple(notes),
    )


def _few(rng: np.random.Generator, rows: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def _classes(released: Released, label: str, favorable: Any) -> tuple[str, ...]:
    original, anonymized = released.original, released.anonymized
    for what, table in (("original", original), ("result", anonymized)):
        if label not in table.column_names:
            raise SpecError(
                f'the {what} has no column "{label}"{nearest(label, table.column_names)}',
                path="$.label",
            )
    if label in released.identifying:
        raise SpecError(f'"{label}" identifies people, and is no label', path="$.label")
    found = sorted(v for v in pc.unique(texts(original[label])).to_pylist() if v is not None)
    if len(found) < 2:
        raise DataError(
            f'all rows of the original have one class of "{label}", so nothing can be learned',
            path="$.label",
        )
    if len(found) > MOST_CLASSES:
        raise DataError(
            f'"{label}" has {len(found):,} values, and a label has {MOST_CLASSES} at most; cut it '
            "at a threshold first",
            path="$.label",
        )
    if favorable is None:
        good = next((v for v in ("true", "True", "1") if v in found and len(found) == 2), None)
        if good is None:
            raise SpecError(
                f'say which value of "{label}" is good for a person: favorable = "{found[-1]}"',
                path="$.favorable",
            )
    else:
        good = str(favorable)
        if isinstance(favorable, bool | np.bool_) and good not in found:
            good = good.lower()
        if good not in found:
            raise SpecError(
                f'"{good}" is no value of "{label}"{nearest(good, found)}', path="$.favorable"
            )
    return (*(value for value in found if value != good), good)


def labels_of(table: pa.Table, label: str, classes: Sequence[str]) -> Codes:
    at = pc.index_in(texts(table[label]), pa.array(list(classes)))
    return cast("Codes", pc.fill_null(at, -1).to_numpy(zero_copy_only=False).astype(np.intp))


def frame_of(table: pa.Table, names: Sequence[str]) -> Any:
    """Give columns as a pandas frame of numbers (NaN where missing) and of objects."""
    import pandas as pd

    columns = {}
    for each in names:
        values = numbers(table[each])
        if values is None:
            held_values = table[each].to_pylist()
            if not pa.types.is_boolean(table[each].type):
                held_values = texts(table[each]).to_pylist()
            values = np.array(held_values, dtype=object)
        columns[each] = pd.Series(values, dtype=values.dtype)
    return pd.DataFrame(columns)


def levels_of(released: Released, protect: Any) -> dict[str, tuple[Any, ...]]:
    """Give the levels of protected attributes: those that are named, or those of the original.

    Raises
    ------
    SpecError
        Where an attribute is no column, or has too many values to be levels.
    """
    names = (protect,) if isinstance(protect, str) else tuple(protect or ())
    given = protect if isinstance(protect, Mapping) else {}
    found: dict[str, tuple[Any, ...]] = {}
    for each in names:
        path = f"$.protect.{each}"
        if each not in released.original.column_names:
            near = nearest(each, released.original.column_names)
            raise SpecError(f'the original has no column "{each}"{near}', path=path)
        levels = given.get(each)
        if isinstance(levels, Mapping):
            levels = levels.get("levels")
        if levels is None:
            column = released.original[each].combine_chunks().drop_null()
            plain = not pa.types.is_nested(column.type)
            counts = pc.value_counts(column if plain else texts(column))
            order = sorted(counts.to_pylist(), key=lambda one: (-one["counts"], str(one["values"])))
            levels = [one["values"] for one in order]
            if len(levels) > MOST_LEVELS:
                raise SpecError(
                    f"has {len(levels):,} values; name its levels, the reference first", path=path
                )
        if isinstance(levels, str) or len(tuple(levels)) < 2:
            raise SpecError('needs two levels at least, such as ["Male", "Female"]', path=path)
        found[each] = tuple(levels)
    return found


# --- models ---------------------------------------------------------------------------------------


def usual_model(frame: Any, seed: int) -> Any:
    """Give what is fitted where nobody hands a model over: boosted trees on all columns."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    words = [each for each in frame.columns if frame[each].dtype == object]
    rest = [each for each in frame.columns if each not in words]
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=250
    )
    columns = ColumnTransformer([("words", encoder, words), ("numbers", "passthrough", rest)])
    trees = HistGradientBoostingClassifier(
        categorical_features=np.arange(len(frame.columns)) < len(words),
        early_stopping=False,
        random_state=seed,
    )
    return make_pipeline(columns, trees)


@dataclass(frozen=True, eq=False)
class Fits:
    """Two models, one learned from either table, and what they say of the held-out people."""

    before: Any
    after: Any
    decided: tuple[Codes, Codes]
    """Codes of classes."""
    sure: tuple[Floats, Floats] | None
    """How sure they are of the favorable class; None where they do not say."""


def fitted(task: Task, model: Any, seed: int) -> Fits:
    """Fit a model on either table.

    Raises
    ------
    ModelError
        Where it cannot be fitted or asked.
    """
    made, said, sure = [], [], []
    sides = [(task.before, task.test_before), (task.after, task.test_after)]
    for (frame, labels), people in sides[:1] if task.same else sides:
        fresh = usual_model(frame, seed) if model is None else _cloned(model)
        try:
            fresh.fit(frame, labels)
            asked = people[list(task.features)]
            said.append(np.asarray(fresh.predict(asked)).ravel().astype(np.intp))
            if hasattr(fresh, "predict_proba"):
                told = np.asarray(fresh.predict_proba(asked), np.float64)
                classes = list(np.asarray(fresh.classes_).tolist())
                good = task.favorable
                sure.append(
                    told[:, classes.index(good)] if good in classes else np.zeros(len(told))
                )
        except ParibusError:
            raise
        except Exception as error:
            lines = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise ModelError(f"the model cannot be fitted: {lines[0]}"[:300]) from None
        made.append(fresh)
    both = (sure[0], sure[-1]) if len(sure) == len(made) else None
    return Fits(made[0], made[-1], (said[0], said[-1]), both)


def _cloned(model: Any) -> Any:
    if not callable(getattr(model, "fit", None)):
        raise ModelError(
            f"expected an estimator that can be fitted on either table, not {type(model).__name__}",
            path="$.model",
        )
    try:
        return clone(model)
    except TypeError:
        raise ModelError(f"{type(model).__name__} cannot be cloned", path="$.model") from None


def scores(task: Task, fits: Fits, tolerance: float, confidence: float) -> tuple[Score, ...]:
    """Score both models on the held-out people, and take the difference person by person."""
    right = [decided == task.truth for decided in fits.decided]
    n = len(task.truth)
    won, lost = int((right[1] & ~right[0]).sum()), int((right[0] & ~right[1]).sum())
    low, high = (0.0, 0.0) if task.same else tango_interval(won, lost, n, confidence)
    found = [
        _score(
            "accuracy", n, [_share(each, confidence) for each in right],
            ((won - lost) / n, low, high), tolerance, confidence,
        )
    ]  # fmt: skip
    good = task.truth == task.favorable
    if fits.sure is not None and len(task.classes) == 2 and 0 < good.sum() < n:
        found.append(_auc(fits.sure, good, tolerance, confidence, same=task.same))
    return tuple(found)


def _share(true: Decisions, confidence: float) -> tuple[float, float, float]:
    low, high = wilson(int(true.sum()), len(true), confidence)
    return float(true.mean()), float(low), float(high)


def _auc(
    sure: tuple[Floats, Floats],
    good: Decisions,
    tolerance: float,
    confidence: float,
    *,
    same: bool,
) -> Score:
    """Compare two areas on the same people by DeLong, DeLong and Clarke-Pearson (1988).

    No interval is narrower than what people not seen could move: with as many of the rarer class
    as there are, a share of up to ``1 - (1 - confidence) ** (1 / n)`` may rank otherwise.
    """
    places = [_placements(each, good) for each in sure]
    least = -float(np.expm1(np.log(1.0 - confidence) / min(good.sum(), (~good).sum())))
    z = -float(ndtri((1.0 - confidence) / 2.0))

    def reach(up: Floats, down: Floats) -> float:
        parts = [each.var(ddof=1) / len(each) if len(each) > 1 else 0.25 for each in (up, down)]
        return z * sqrt(float(sum(parts)))

    whole = []
    for up, down in places:
        area = float(up.mean())
        half = max(reach(up, down), least * 2 * min(area, 1 - area, 0.5) if area < 1 else least)
        whole.append((area, max(0.0, area - half), min(1.0, area + half)))
    change = whole[1][0] - whole[0][0]
    half = max(reach(places[1][0] - places[0][0], places[1][1] - places[0][1]), least)
    half = 0.0 if same else half
    difference = (change, max(-1.0, change - half), min(1.0, change + half))
    return _score("AUC", len(good), whole, difference, tolerance, confidence)


def _placements(sure: Floats, good: Decisions) -> tuple[Floats, Floats]:
    """Give, of each favorable person, the share of the others that are below, and the reverse."""
    others, ours = np.sort(sure[~good]), np.sort(sure[good])
    up = np.searchsorted(others, sure[good], "left") + np.searchsorted(others, sure[good], "right")
    down = np.searchsorted(ours, sure[~good], "left") + np.searchsorted(ours, sure[~good], "right")
    return up / (2.0 * len(others)), 1.0 - down / (2.0 * len(ours))


def _score(
    measure: Any,
    rows: int,
    each: Sequence[tuple[float, float, float]],
    difference: tuple[float, float, float],
    tolerance: float,
    confidence: float,
) -> Score:
    change, low, high = difference
    verdict: KeptVerdict = "inconclusive"
    if low >= -tolerance:
        verdict = "kept"
    elif high < -tolerance:
        verdict = "changed"
    said = {
        "kept": f"a loss of more than {percent(tolerance)} is ruled out",
        "changed": f"more than the tolerance of {percent(tolerance)} is lost",
        "inconclusive": f"whether more than {percent(tolerance)} is lost is not proven",
    }[verdict]
    span = f"{confidence * 100:g} % interval {points(low)} to {points(high)}"
    if low == high == 0.0:
        span, said = "exact", "what the models see is the same in both tables"
    sentence = (
        f"Learned from the original, a model has {'an' if measure[0] in 'aA' else 'a'} {measure} "
        f"of {percent(each[0][0])} on {count(rows, 'real person')}, learned from the result "
        f"{percent(each[1][0])}: {points(change)} ({span}); {said}."
    ).replace("persons", "people")
    return Score(
        measure=measure, rows=rows,
        before=each[0][0], before_low=each[0][1], before_high=each[0][2],
        after=each[1][0], after_low=each[1][1], after_high=each[1][2],
        difference=change, low=low, high=high, verdict=verdict, sentence=sentence,
    )  # fmt: skip
