"""A hiring-like population with seven features, and the models that are audited on it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import paribus as pb
from paribus.evidence.base import Test
from paribus.people.fields.base import Field
from paribus.probe._handed import probe_of

SEXES = ("F", "M")
RANGES = {
    "age": (18, 67),
    "years": (0, 29),
    "education": (0, 4),
    "occupation": (0, 11),
    "city": (0, 19),
    "score": (0, 100),
}
FEATURES = ("sex_code", *RANGES)
FEW = ("sex_code", "age", "education", "occupation")
"""So few values together that rows repeat."""
NAMES = {
    "education": ("none", "school", "bachelor", "master", "phd"),
    "occupation": (
        *("clerk", "nurse", "engineer", "teacher", "driver", "analyst"),
        *("manager", "cook", "welder", "writer", "chemist", "lawyer"),
    ),
    "city": tuple(f"city{i:02d}" for i in range(20)),
}

Matrix = npt.NDArray[np.float32]


def codes(people: int, seed: int = 0) -> Matrix:
    """Draw people as a float32 matrix with the columns of `FEATURES`."""
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(0, 2, people)]
    drawn += [rng.integers(low, high, people, endpoint=True) for low, high in RANGES.values()]
    return np.column_stack(drawn).astype(np.float32)


def hired(matrix: Matrix, seed: int = 0) -> npt.NDArray[np.int8]:
    """Decide who is hired: men somewhat more often, all else being equal."""
    sex, age, years, education, occupation, _, score = matrix.T
    merit = 0.08 * years + 0.5 * education + 0.03 * score + 0.1 * (occupation % 4) - 0.01 * age
    noise = np.random.default_rng(seed + 1).logistic(size=len(matrix))
    return (merit + 0.6 * sex + noise > 3.6).astype(np.int8)


def twins_of(matrix: Matrix) -> Matrix:
    """Stack everybody as a woman above everybody as a man."""
    both = np.concatenate([matrix, matrix])
    both[: len(matrix), 0], both[len(matrix) :, 0] = 0, 1
    return both


def frame(matrix: Matrix, *, categorical: bool) -> Any:
    """Give the people of a matrix as a data frame with text columns."""
    import pandas as pd

    out: dict[str, Any] = {}
    for name, column in zip(("sex", *RANGES), matrix.T, strict=True):
        names = SEXES if name == "sex" else NAMES.get(name)
        if names is None:
            out[name] = column.astype(np.int64)
        elif categorical:
            out[name] = pd.Categorical.from_codes(column.astype(np.int8), list(names))
        else:
            out[name] = pd.array(np.array(names, dtype=object)[column.astype(int)], dtype="str")
    return pd.DataFrame(out)


def fit(kind: str, features: Sequence[str] = FEATURES) -> Any:
    """Fit one of the models on 20,000 people, most on a float32 matrix without names."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    # Models that were fitted without names say so whenever a frame with names comes.
    warnings.filterwarnings("ignore", message=".*(feature names|Falling back to prediction).*")
    people = codes(20_000)
    y = hired(people)
    x = people[:, [FEATURES.index(name) for name in features]]
    if kind == "tree":
        return DecisionTreeClassifier(max_depth=3, random_state=0).fit(x, y)
    if kind == "forest":
        return RandomForestClassifier(100, n_jobs=2, random_state=0).fit(x, y)
    if kind == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(n_estimators=100, max_depth=6, n_jobs=2).fit(x, y)
    if kind == "lightgbm":
        from lightgbm import LGBMClassifier

        return LGBMClassifier(n_estimators=100, n_jobs=2, verbose=-1).fit(x, y)
    return _logistic().fit(frame(people, categorical=False), y)


def _logistic() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    return make_pipeline(
        ColumnTransformer(
            [
                ("text", OneHotEncoder(handle_unknown="ignore"), ["sex", *NAMES]),
                ("numbers", StandardScaler(), ["age", "years", "score"]),
            ]
        ),
        LogisticRegression(max_iter=500),
    )


def fields(*, text: bool = False) -> dict[str, Field]:
    """Declare the same people to paribus, as codes or as text."""
    declared: dict[str, Field] = {
        name: pb.choice(NAMES[name]) if text and name in NAMES else pb.integers(low, high)
        for name, (low, high) in RANGES.items()
    }
    if not text:
        declared["sex_code"] = pb.map_of("sex", {"F": 0, "M": 1})
    return declared


def audit(
    model: Any,
    people: int,
    *,
    declared: Mapping[str, Field] | None = None,
    features: Sequence[str] | None = FEATURES,
    tests: tuple[Test, ...] | None = None,
    outcome: str = "decision",
) -> pb.Audit:
    """Declare the audit of a model on this population; all tests where none are named."""
    options: dict[str, Any] = {"favorable": 1, "outcome": outcome}
    if features is not None:
        options["features"] = tuple(features)
    return pb.Audit(
        name="Hiring",
        size=people,
        tolerance=0.01,
        probe=probe_of(model, options),
        protect={"sex": pb.Protected(levels=SEXES)},
        fields=dict(fields() if declared is None else declared),
        declared_tests=tests,
    )
