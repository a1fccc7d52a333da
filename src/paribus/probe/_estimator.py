"""Anything with ``predict``: what it was fitted on, and how it is asked."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from paribus.errors import ModelError
from paribus.probe._boosters import (
    Categories,
    in_pandas,
    lightgbm_categories,
    lightgbm_header,
    lightgbm_model,
    with_categories,
    xgboost_categories,
    xgboost_model,
)
from paribus.probe.base import Label, Model
from paribus.table import Scalar

_FLOAT32 = ("sklearn.tree.", "sklearn.ensemble._forest", "xgboost.")
"""Models that convert a matrix to float32 themselves: handing it over so loses nothing."""

_BOOSTERS = {"xgboost": xgboost_model, "lightgbm": lightgbm_model}
"""Libraries whose bare `Booster` has a ``predict`` of its own sort."""


def model_of(
    estimator: Any,
    *,
    source: str = "",
    fingerprint: str | None = None,
    labels: tuple[Label, ...] | None = None,
) -> Model:
    """Open a fitted estimator.

    Parameters
    ----------
    estimator : object
        Anything with ``predict``, and ``predict_proba`` for scores.
    source : str
        Name of the file that it comes from, if any.
    fingerprint : str, optional
        SHA-256 of the file; by itself that of the fitted parameters.
    labels : tuple, optional
        The declared labels, to be checked where a model knows its classes by number only.

    Raises
    ------
    ModelError
        Where it has no ``predict``, or answers several questions at once.
    """
    if isinstance(estimator, type) or not callable(getattr(estimator, "predict", None)):
        name = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
        what = (
            "is a class, not a fitted model"
            if isinstance(estimator, type)
            else "has no predict method"
        )
        raise ModelError(
            f"{name} {what}; hand over a fitted model, or a function that takes a data frame",
            path="$.model",
        )
    if fingerprint is None:
        fingerprint = _fingerprint(estimator)
    library = type(estimator).__module__.partition(".")[0]
    if library in _BOOSTERS and type(estimator).__name__ == "Booster":
        return _BOOSTERS[library](estimator, labels, name=source, fingerprint=fingerprint)
    classes = _classes(estimator)
    features = _features(estimator)
    asked = _asking(estimator, library)
    predict = asked(estimator.predict)
    probabilities = getattr(estimator, "predict_proba", None) if classes else None
    return Model(
        name=_name(estimator) + (f" ({source})" if source else ""),
        fingerprint=fingerprint,
        labels=predict if classes is not None else None,
        probabilities=None if probabilities is None else asked(probabilities),
        numbers=predict if classes is None else None,
        classes=classes,
        features=features,
        width=_width(estimator),
        frame="numpy" if features is None else None,
        precision=np.float32 if type(estimator).__module__.startswith(_FLOAT32) else np.float64,
        estimator=estimator,
    )


def _asking(estimator: Any, library: str) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Give what stands between a data frame and a method of the estimator."""
    if library not in {"xgboost", "lightgbm", "catboost"}:
        return lambda method: lambda frame: method(_known_to_sklearn(frame))
    # They read pandas best: other frames they refuse, or (CatBoost, polars categories) crash on.
    categories = _categories(estimator, library)
    return lambda method: lambda frame: method(with_categories(in_pandas(frame), categories))


def _known_to_sklearn(frame: Any) -> Any:
    """Give Arrow tables as pandas frames: scikit-learn has no use for their column names."""
    return in_pandas(frame) if type(frame).__module__.startswith("pyarrow") else frame


def _categories(estimator: Any, library: str) -> Categories:
    try:
        if library == "xgboost":
            return xgboost_categories(estimator.get_booster())
        if library == "lightgbm":
            return lightgbm_categories(estimator.booster_, lightgbm_header(estimator.booster_))
    except Exception:
        # It was never fitted, and says so itself when it is asked.
        return {}
    return {}


def _classes(estimator: Any) -> tuple[Scalar, ...] | None:
    found = getattr(estimator, "classes_", None)
    if found is None or not len(found):
        return None
    if isinstance(found, list) and any(np.ndim(each) for each in found):
        raise ModelError(
            f"{type(estimator).__name__} answers {len(found)} questions at once; audit a model "
            "that answers one",
            path="$.model",
        )
    return tuple(cast("list[Scalar]", np.asarray(found).ravel().tolist()))


def _features(estimator: Any) -> tuple[str, ...] | None:
    for attribute in ("feature_names_in_", "feature_names_"):
        found = getattr(estimator, attribute, None)
        if found is not None and len(found):
            names = [str(name) for name in found]
            return None if _made_up(names) else tuple(names)
    return None


def _made_up(names: list[str]) -> bool:
    """Tell whether LightGBM or CatBoost has numbered the columns of a matrix."""
    return any(names == [f"{prefix}{i}" for i in range(len(names))] for prefix in ("Column_", ""))


def _width(estimator: Any) -> int | None:
    found = getattr(estimator, "n_features_in_", None)
    return int(found) if found else None


def _name(estimator: Any) -> str:
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list) and steps:
        return " > ".join(type(step).__name__ for _, step in steps)
    return type(estimator).__name__


def _fingerprint(estimator: Any) -> str:
    """Hash the fitted parameters; empty where the object cannot be serialized."""
    digest = hashlib.sha256()

    class _Sink:
        def write(self, data: Any) -> int:
            digest.update(data)
            return len(data)

    pickler = pickle.Pickler(cast("Any", _Sink()), protocol=5)
    # Without the memo, equal objects give equal bytes however their strings are shared.
    pickler.fast = True
    try:
        pickler.dump(estimator)
    except Exception:
        return ""
    return digest.hexdigest()
