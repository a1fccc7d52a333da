"""Trees of XGBoost and LightGBM without a scikit-learn wrapper, and the categories that they know.

Nothing is imported here: whoever holds a booster has imported its library.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from paribus.errors import ModelError, SpecError
from paribus.probe.base import Label, Model

Categories = Mapping[str, Sequence[Any]]
"""Column -> the values that it had when the model was fitted, in the order of their codes."""

_PROBABILITY = ("binary:logistic", "binary:logitraw")


def in_pandas(frame: Any) -> Any:
    """Give any data frame as a pandas one; a matrix and a pandas frame pass as they are."""
    return frame.to_pandas() if hasattr(frame, "to_pandas") else frame


def with_categories(frame: Any, categories: Categories) -> Any:
    """Turn columns into the categories that the model knows.

    Raises
    ------
    ValueError
        Where a value is none of them: the model has no answer for it.
    """
    import pandas as pd

    frame = in_pandas(frame)
    if not categories or not isinstance(frame, pd.DataFrame):
        return frame
    changed: dict[str, Any] = {}
    for name in frame.columns:
        known = categories.get(str(name))
        if known is not None:
            changed[name] = _categorical(frame[name], list(known))
    return frame.assign(**changed)


def _categorical(column: Any, known: list[Any]) -> Any:
    import pandas as pd

    values = column.astype(object)
    if all(isinstance(value, str) for value in known):
        values = values.where(column.isna(), column.astype(str))
    codes = pd.Index(known, dtype=object).get_indexer(values)
    odd = np.flatnonzero((codes < 0) & column.notna().to_numpy())
    if len(odd):
        value = column.iloc[int(odd[0])]
        raise ValueError(f'"{value}" is no category of the column "{column.name}"')
    return pd.Categorical.from_codes(codes, categories=cast("Any", known))


def numbered(labels: tuple[Label, ...] | None, classes: int, what: str) -> tuple[int, ...]:
    """Give the classes of a file that holds no names of classes: their numbers.

    Raises
    ------
    SpecError
        Where other labels are declared: in which order they were numbered, nobody can know.
    """
    known = tuple(range(classes))
    if labels is not None and {str(label) for label in labels} - {str(k) for k in known}:
        raise SpecError(
            f"{what} holds no names of labels: it answers 0 to {classes - 1}, mostly in the sorted "
            "order of the labels that it was trained on; declare these numbers (favorable = 1)",
            path="$.model.labels",
        )
    return known


# --- XGBoost --------------------------------------------------------------------------------------


def xgboost_categories(booster: Any) -> Categories:
    """Read the categories that a booster has stored; XGBoost stores them since 3.1."""
    if "c" not in (booster.feature_types or ()) or not hasattr(booster, "get_categories"):
        return {}
    stored = booster.get_categories(export_to_arrow=True).to_arrow() or ()
    return {name: values.to_pylist() for name, values in stored if values is not None}


def xgboost_model(
    booster: Any, labels: tuple[Label, ...] | None, *, name: str, fingerprint: str
) -> Model:
    """Open an ``xgboost.Booster``.

    Probabilities come from the objectives ``binary:logistic``, ``binary:logitraw`` (its margins
    through the logistic function), ``multi:softprob`` and ``multi:softmax``; all other objectives
    give numbers.

    Raises
    ------
    ModelError
        Where the model gives several answers a person.
    """
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    shape = learner["learner_model_param"]
    if int(shape.get("num_target", 1)) > 1:
        raise ModelError(
            f"the model gives {shape['num_target']} answers a person; audit one at a time",
            path="$.model",
        )
    if int(shape.get("num_feature", 0)) < 1:
        raise ModelError("the model was never fitted", path="$.model")
    ask = _xgboost_ask(booster, learner, margin=objective in {"binary:logitraw", "multi:softmax"})
    named = booster.feature_names
    opened: dict[str, Any] = {
        "name": f"XGBoost {objective}" + (f" ({name})" if name else ""),
        "fingerprint": fingerprint,
        "features": tuple(named) if named else None,
        "width": int(booster.num_features()),
        "frame": None if named else "numpy",
        "precision": np.float32,
    }
    what = "an XGBoost file"
    if objective in _PROBABILITY:
        link = _logistic if objective == "binary:logitraw" else _same
        opened |= {"probabilities": _then(ask, link), "classes": numbered(labels, 2, what)}
    elif objective == "binary:hinge":
        opened |= {"labels": _then(ask, _whole), "classes": numbered(labels, 2, what)}
    elif objective.startswith("multi:"):
        link = _softmax if objective == "multi:softmax" else _same
        classes = numbered(labels, int(shape["num_class"]), what)
        opened |= {"probabilities": _then(ask, link), "classes": classes}
    else:
        opened["numbers"] = ask
    return Model(**opened)


def _xgboost_ask(booster: Any, learner: Mapping[str, Any], *, margin: bool) -> Callable[[Any], Any]:
    xgboost = sys.modules["xgboost"]
    categories = xgboost_categories(booster)
    linear = learner["gradient_booster"]["name"] == "gblinear"
    best = booster.attr("best_iteration")
    # As XGBClassifier: after an early stop, the trees up to the best one.
    rounds = (0, 0) if best is None else (0, int(best) + 1)

    def ask(frame: Any) -> npt.NDArray[Any]:
        frame = with_categories(frame, categories)
        if linear:
            questions = xgboost.DMatrix(frame, enable_categorical=True)
            said = booster.predict(questions, output_margin=margin, iteration_range=rounds)
        else:
            how = "margin" if margin else "value"
            said = booster.inplace_predict(frame, iteration_range=rounds, predict_type=how)
        return np.asarray(said)

    return ask


# --- LightGBM -------------------------------------------------------------------------------------


def lightgbm_categories(booster: Any, header: Mapping[str, str]) -> Categories:
    """Read the categories of the pandas columns that a booster was fitted on.

    The file lists categories without the names of their columns; where it is not certain which
    columns these are, none are given.
    """
    stored = booster.pandas_categorical or []
    names = booster.feature_name()
    # A numeric feature's range is written [low:high], categories are written 0:1:2.
    ranges = header.get("feature_infos", "").split()
    places = [i for i, text in enumerate(ranges) if text[0] != "[" and text != "none"]
    if len(places) != len(stored):
        return {}
    return {names[i]: values for i, values in zip(places, stored, strict=True)}


def lightgbm_model(
    booster: Any, labels: tuple[Label, ...] | None, *, name: str, fingerprint: str
) -> Model:
    """Open a ``lightgbm.Booster``.

    Probabilities come from the objectives ``binary``, ``multiclass`` and ``multiclassova``; all
    others give numbers.
    """
    header = lightgbm_header(booster)
    objective = header.get("objective", "").split(" ")[0]
    names = [str(feature) for feature in booster.feature_name()]
    named = None if names == [f"Column_{i}" for i in range(len(names))] else tuple(names)
    categories = lightgbm_categories(booster, header)

    def ask(frame: Any) -> Any:
        return booster.predict(with_categories(frame, categories))

    opened: dict[str, Any] = {
        "name": f"LightGBM {objective}".rstrip() + (f" ({name})" if name else ""),
        "fingerprint": fingerprint,
        "features": named,
        "width": len(names),
        "frame": None if named else "numpy",
    }
    if objective in {"binary", "multiclass", "multiclassova"}:
        several = objective != "binary"
        classes = int(header["num_class"]) if several else 2
        known = numbered(labels, classes, "a LightGBM file")
        opened |= {"probabilities": ask, "classes": known}
    else:
        opened["numbers"] = ask
    return Model(**opened)


def lightgbm_header(booster: Any) -> dict[str, str]:
    text = booster.model_to_string(num_iteration=1)
    lines = re.split(r"^Tree=", text, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


# --- from margins to probabilities ----------------------------------------------------------------


def _then(ask: Callable[[Any], Any], link: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda frame: link(ask(frame))


def _same(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values


def _whole(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values.astype(np.int64)


def _logistic(margins: npt.NDArray[Any]) -> npt.NDArray[Any]:
    from scipy.special import expit

    return np.asarray(expit(margins))


def _softmax(margins: npt.NDArray[Any]) -> npt.NDArray[Any]:
    from scipy.special import softmax

    return np.asarray(softmax(margins, axis=1))
