"""Anything with ``predict``: what it was fitted on, and how it is asked."""

from __future__ import annotations

import hashlib
import pickle
import re
from typing import Any, cast

import numpy as np

from paribus.errors import ModelError
from paribus.probe.base import Model
from paribus.table import Scalar

_FLOAT32 = ("sklearn.tree.", "sklearn.ensemble._forest", "xgboost.")
"""Models that convert a matrix to float32 themselves: handing it over so loses nothing."""

_UNNAMED = re.compile(r"(Column_|f)?\d+")
"""Names that libraries make up for the columns of a matrix."""


def model_of(estimator: Any, *, name: str | None = None, fingerprint: str | None = None) -> Model:
    """Open a fitted estimator.

    Parameters
    ----------
    estimator : object
        Anything with ``predict``, and ``predict_proba`` for scores.

    Raises
    ------
    ModelError
        Where it has no ``predict``.
    """
    if not callable(getattr(estimator, "predict", None)):
        raise ModelError(
            f"{type(estimator).__name__} has no predict method; hand over a fitted model, or a "
            "function that takes a data frame",
            path="$.model",
        )
    classes = _classes(estimator)
    probabilities = getattr(estimator, "predict_proba", None) if classes else None
    features = _features(estimator)
    module = f"{type(estimator).__module__}."
    return Model(
        name=name or _name(estimator),
        fingerprint=_fingerprint(estimator) if fingerprint is None else fingerprint,
        labels=estimator.predict if classes is not None else None,
        probabilities=probabilities,
        numbers=estimator.predict if classes is None else None,
        classes=classes,
        features=features,
        width=_width(estimator),
        frame="numpy" if features is None else None,
        precision=np.float32 if module.startswith(_FLOAT32) else np.float64,
    )


def _classes(estimator: Any) -> tuple[Scalar, ...] | None:
    found = getattr(estimator, "classes_", None)
    if found is None or (isinstance(found, list) and not found):
        return None
    return tuple(cast("list[Scalar]", np.asarray(found).ravel().tolist())) or None


def _features(estimator: Any) -> tuple[str, ...] | None:
    for attribute in ("feature_names_in_", "feature_names_"):
        found = getattr(estimator, attribute, None)
        if found is not None and len(found):
            names = tuple(str(name) for name in found)
            return None if all(_UNNAMED.fullmatch(name) for name in names) else names
    return None


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
