"""Fits with the weights of rows, and what fitted estimators say of people."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import has_fit_parameter

from paribus.errors import DataError, ModelError
from paribus.estimators.frames import rows_of
from paribus.stats.folds import folds

Floats = npt.NDArray[np.float64]

_ARGMAX = (
    "sklearn.linear_model._logistic",
    "sklearn.tree.",
    "sklearn.ensemble._forest",
    "sklearn.ensemble._hist_gradient_boosting",
    "lightgbm.",
    "xgboost.",
)
"""Where the label is that of the higher of two probabilities, and of equal ones the first.
Gradient boosting of scikit-learn takes the last of equal ones."""

_BY_NAME = {"CalibratedClassifierCV", "AdaBoostClassifier"}
"""They hand weights to an estimator whose ``fit`` names them, and to no pipeline."""

_ROUTED = {"TunedThresholdClassifierCV", "FixedThresholdClassifier"}
"""They hand nothing on unless scikit-learn is configured to."""


def weight_name(estimator: Any) -> str:
    """Name the argument of ``fit`` that takes the weights of rows, through pipelines.

    Raises
    ------
    ModelError
        Where the estimator takes none.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> weight_name(make_pipeline(StandardScaler(), LogisticRegression()))
    'logisticregression__sample_weight'
    """
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list) and steps:
        return f"{steps[-1][0]}__{weight_name(steps[-1][1])}"
    kind, inside = type(estimator).__name__, getattr(estimator, "estimator", None)
    takes = has_fit_parameter(estimator, "sample_weight")
    several = getattr(estimator, "estimators", None)
    if isinstance(several, list):
        # Some of their versions take weights whatever those inside do.
        takes = all(_takes_weights(each) for _, each in several)
    if takes and not (kind in _BY_NAME and inside is not None and not _takes_weights(inside)):
        return "sample_weight"
    passes = kind not in _ROUTED and any(
        parameter.kind is inspect.Parameter.VAR_KEYWORD
        for parameter in inspect.signature(estimator.fit).parameters.values()
    )
    if passes and not takes and inside is not None:
        # A search hands what it is given on to the fit of its estimator.
        return weight_name(inside)
    raise ModelError(f'{kind} takes no weights; try "resample", which needs none')


def _takes_weights(estimator: Any) -> bool:
    return isinstance(estimator, str) or has_fit_parameter(estimator, "sample_weight")


def fitted(estimator: Any, X: Any, y: Any, weight: Floats | None = None) -> Any:
    """Fit a clone, with the weights of rows where there are any.

    Raises
    ------
    ModelError
        Where there are weights and the estimator takes none.
    """
    made = clone(estimator)
    if weight is None:
        return made.fit(X, y)
    return made.fit(X, y, **{weight_name(estimator): weight})


def on_few_cores(estimator: Any, threads: int) -> tuple[Any, dict[str, Any]]:
    """Give a clone whose parts each take a few threads, for several that are fitted at a time.

    Parameters
    ----------
    estimator : object
    threads : int
        Threads that each part may take at most.

    Returns
    -------
    estimator : object
        Not fitted.
    before : dict of str to Any
        What ``n_jobs`` was, by the name of the class, for `on_all_cores`.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> few, before = on_few_cores(RandomForestClassifier(n_jobs=-1), 1)
    >>> few.n_jobs, before
    (1, {'RandomForestClassifier': -1})
    """
    made, before = clone(estimator), {}
    for part in _parts(made):
        library = type(part).__module__.partition(".")[0]
        jobs = getattr(part, "n_jobs", 1)
        # None is one thread to scikit-learn, and all of them to the boosters.
        many = jobs is None and library in {"lightgbm", "xgboost"}
        if many or (isinstance(jobs, int) and (jobs < 0 or jobs > threads)):
            before[type(part).__name__] = jobs
            part.set_params(n_jobs=threads)
    return made, before


def on_all_cores(model: Any, before: Mapping[str, Any]) -> Any:
    """Give a fitted model whose parts take as many threads again as they were declared to."""
    for part in _parts(model):
        if type(part).__name__ in before:
            part.set_params(n_jobs=before[type(part).__name__])
    return model


def _parts(whole: Any) -> Iterator[Any]:
    """Go through an estimator and all estimators inside it, fitted ones too."""
    waiting, seen = [whole], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, BaseEstimator):
            yield part
            waiting += vars(part).values()


def favorable_scores(estimator: Any, X: Any, favorable: Any) -> Floats:
    """Give how sure a fitted estimator is of the favorable label.

    Returns
    -------
    ndarray of float64, shape (n,)
        In [0, 1], and favorable from 0.5 on: probabilities, margins brought there by the logistic
        function, or 0 and 1 where there are labels only.
    """
    classes = list(np.asarray(getattr(estimator, "classes_", [])).tolist())
    if hasattr(estimator, "predict_proba") and classes:
        told = np.asarray(estimator.predict_proba(X), np.float64)
        return told[:, classes.index(favorable)] if favorable in classes else np.zeros(len(told))
    if hasattr(estimator, "decision_function") and len(classes) == 2 and favorable in classes:
        margin = np.asarray(estimator.decision_function(X), np.float64)
        sign = 1.0 if classes.index(favorable) == 1 else -1.0
        return 1.0 / (1.0 + np.exp(-np.clip(sign * margin, -700, 700)))
    return np.asarray(np.asarray(estimator.predict(X)).ravel() == favorable, np.float64)


def answers(estimator: Any, X: Any, favorable: Any) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Tell whom a fitted estimator gives the favorable label, and how sure it is of it.

    Returns
    -------
    decided : ndarray of bool, shape (n,)
        As ``predict`` says. Estimators whose label is surely that of the higher of two
        probabilities are asked once.
    favorable : ndarray of float64, shape (n,)
        As `favorable_scores` describes.
    """
    inside = estimator
    while isinstance(getattr(inside, "steps", None), list):
        inside = inside.steps[-1][1]
    known = type(inside).__module__.startswith(_ARGMAX) and hasattr(inside, "predict_proba")
    if known and favorable in (classes := np.asarray(inside.classes_).tolist()):
        # Not against 0.5: the two of a forest are rounded each by itself.
        told = np.asarray(estimator.predict_proba(X))
        place = classes.index(favorable)
        return told.argmax(axis=1) == place, told[:, place].astype(np.float64)
    scores = favorable_scores(estimator, X, favorable)
    return np.asarray(estimator.predict(X)).ravel() == favorable, scores


def held_out_scores(
    estimator: Any,
    X: Any,
    y: npt.NDArray[Any],
    favorable: Any,
    *,
    strata: npt.NDArray[np.intp] | None = None,
    weight: Floats | None = None,
    parts: int = 3,
    seed: int = 0,
) -> Floats:
    """Give how sure clones of an estimator are of rows on which they were not fitted.

    Parameters
    ----------
    estimator : object
    X : data frame or matrix
        What the estimator sees.
    y : ndarray, shape (n,)
    favorable : label
    strata : ndarray of int, shape (n,), optional
        Groups that are spread over all parts, beside the labels.
    weight : ndarray of float64, shape (n,), optional
    parts : int
        As many clones are fitted.
    seed : int

    Returns
    -------
    ndarray of float64, shape (n,)
        As `favorable_scores` describes.

    Raises
    ------
    DataError
        Where a clone would see one label only.
    """
    told = np.unique(y, return_inverse=True)[1].reshape(-1)
    # Labels first: rows are dealt in this order, and with many small groups first one part could
    # be dealt all rows of a label.
    groups = told if strata is None else told * (strata.max() + 2) + strata + 1
    part = folds(groups, parts, seed)
    out = np.empty(len(y))
    for number in range(parts):
        test, rest = np.flatnonzero(part == number), np.flatnonzero(part != number)
        if not len(test):
            continue
        if len(np.unique(told[rest])) < 2:
            raise DataError(
                f"a label is too rare to be held out in {parts} parts; take more rows of it"
            )
        model = fitted(
            estimator, rows_of(X, rest), y[rest], None if weight is None else weight[rest]
        )
        out[test] = favorable_scores(model, rows_of(X, test), favorable)
    return out
