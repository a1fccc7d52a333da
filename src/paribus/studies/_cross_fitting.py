"""Models asked about rows on which they were not fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from sklearn.utils.metaestimators import available_if

from paribus.estimators.base import Mended
from paribus.estimators.fits import answers
from paribus.estimators.frames import Seen, rows_of
from paribus.probe._boosters import in_pandas
from paribus.table import Table

FOLD = "cross-fitting fold"
"""Column that says in which part a row is; a space is added while the data have it already."""

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


class Asked:
    """A fitted model, and how it is handed a frame with more columns than it needs.

    Parameters
    ----------
    model : object
    seen : Seen
        Of what `model` was fitted on, where it is an estimator of the caller's own.
    favorable : label
    """

    def __init__(self, model: Any, seen: Seen, favorable: Any) -> None:
        self.model = model
        self.seen = seen
        self.favorable = favorable

    def frame(self, frame: Any) -> Any:
        """Give the columns that it needs, as it needs them."""
        return frame if isinstance(self.model, Mended) else self.seen.of_frame(frame)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it needs of people."""
        if isinstance(self.model, Mended):
            return tuple(str(name) for name in self.model.feature_names_in_)
        return tuple(self.seen.names)

    def labels(self, frame: Any) -> npt.NDArray[Any]:
        """Give the label of each row."""
        return np.asarray(self.model.predict(self.frame(frame))).ravel()

    def answers(self, frame: Any) -> tuple[Truths, Floats]:
        """Tell whose decision is favorable, and how sure the model is of it."""
        if isinstance(self.model, Mended):
            return self.model.answers(frame)
        return answers(self.model, self.frame(frame), self.favorable)


class CrossFitted:
    """Several models, each of which answers for the rows on which it was not fitted.

    Looks like one fitted classifier. Twins have the fold of the row that they are made of.
    """

    def __init__(self, models: Sequence[Asked], fold: str) -> None:
        self.models = list(models)
        self.fold = fold
        names = dict.fromkeys(name for model in models for name in model.names)
        self.feature_names_in_ = np.array([*names, fold], dtype=object)
        self.classes_ = np.unique([label for model in models for label in model.model.classes_])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Give the label of each row."""
        out = np.empty(len(X), self.classes_.dtype)
        for model, rows in self._parts(X):
            out[rows] = model.labels(rows_of(X, rows))
        return out

    @available_if(lambda self: all(hasattr(m.model, "predict_proba") for m in self.models))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Floats:
        """Give the probability of each label in the order of `classes_`."""
        out = np.zeros((len(X), len(self.classes_)))
        for model, rows in self._parts(X):
            told = model.model.predict_proba(model.frame(rows_of(X, rows)))
            out[np.ix_(rows, np.searchsorted(self.classes_, model.model.classes_))] = told
        return out

    def _parts(self, X: Any) -> list[tuple[Asked, npt.NDArray[np.intp]]]:
        part = np.asarray(in_pandas(X)[self.fold], np.intp)
        found = [(model, np.flatnonzero(part == i)) for i, model in enumerate(self.models)]
        return [(model, rows) for model, rows in found if len(rows)]


def with_fold(table: Table, part: npt.NDArray[np.intp]) -> tuple[Table, str]:
    """Add the column that says in which part a row is; give its name too."""
    name = FOLD
    while name in table.names:
        name += " "
    return table.with_columns({name: part}), name


def held_out(
    models: Sequence[Asked], frame: Any, part: npt.NDArray[np.intp]
) -> tuple[Truths, Floats]:
    """Ask every row's model about it: the one that was not fitted on its part.

    Returns
    -------
    decisions : ndarray of bool, shape (n,)
    scores : ndarray of float64, shape (n,)
    """
    decisions, scores = np.zeros(len(part), bool), np.zeros(len(part))
    for i, model in enumerate(models):
        rows = np.flatnonzero(part == i)
        if len(rows):
            decisions[rows], scores[rows] = model.answers(rows_of(frame, rows))
    return decisions, cast("Floats", scores)
