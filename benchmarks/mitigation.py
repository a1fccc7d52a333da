"""What a comparison of mitigations costs, over the bare fits that it needs; and reweighing."""

from __future__ import annotations

import functools
import threading
from typing import Any

import numpy as np
from timing import Row, at_most, interleaved, shown

import paribus as pb
from paribus.estimators import fitted
from paribus.people.population import Protected
from paribus.table import Table

ROWS = 50_000
MILLION = 1_000_000
TREES = 100
FOLDS = 3
TRIED = (
    "reweigh", "resample", "massage", "drop_attribute", "drop_proxies",
    "thresholds", "reject_option", "twin_average",
)  # fmt: skip
"""Eight candidates, of every stage that fits no more models than it says."""


def rows(*, quick: bool) -> list[Row]:
    """Measure everything about mitigations."""
    return [*_comparison(quick=quick), *_reweighing(quick=quick)]


def applicants(n: int, seed: int = 0) -> Any:
    """Make people with twelve columns, a label that depends on most, and a bias by sex."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n, p=[0.33, 0.67])
    frame = pd.DataFrame({"sex": sex, "male": (sex == "m").astype(np.int64)})
    z = 0.8 * frame["male"].to_numpy() - 1.0
    for i in range(10):
        kind = rng.integers(0, 40, n) if i % 2 else rng.normal(size=n).round(3)
        frame[f"x{i}"] = kind
        z = z + rng.normal(0.0, 0.4) * (kind - kind.mean()) / kind.std()
    frame["y"] = (z + rng.logistic(size=n) > 0).astype(np.int64)
    return frame


def model() -> Any:
    """Give the learner of the comparison, with the number of threads that it takes by itself."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=TREES, verbose=-1)


class _Counted:
    """Notes how many rows each fit of LightGBM has, and whether they are weighted."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, bool]] = []
        self._lock = threading.Lock()

    def __enter__(self) -> _Counted:
        from lightgbm import LGBMClassifier

        self._plain = LGBMClassifier.fit
        plain, counted = self._plain, self

        @functools.wraps(plain)
        def fit(estimator: Any, X: Any, y: Any, **more: Any) -> Any:
            with counted._lock:
                counted.shapes.append((len(y), more.get("sample_weight") is not None))
            return plain(estimator, X, y, **more)

        LGBMClassifier.fit = fit
        return self

    def __exit__(self, *_: object) -> None:
        from lightgbm import LGBMClassifier

        LGBMClassifier.fit = self._plain


def _comparison(*, quick: bool) -> list[Row]:
    frame = applicants(ROWS)
    features = [name for name in frame if name not in {"sex", "y"}]
    start = model().fit(frame[features], frame["y"])
    fields: dict[str, Any] = {"male": pb.map_of("sex", {"m": 1, "f": 0})}
    for name in features[1:]:
        values = frame[name]
        whole = values.dtype.kind == "i"
        fields[name] = (
            pb.integers(0, 39) if whole else pb.normal(float(values.mean()), float(values.std()))
        )

    def compare() -> None:
        result = pb.mitigate(
            start, train=frame, label="y", protect={"sex": ["m", "f"]}, fields=fields,
            people=10_000, candidates=TRIED, favorable=1, folds=FOLDS,
        )  # fmt: skip
        failed = [c.name for c in result.comparison.candidates if c.failed]
        assert not failed, failed

    with _Counted() as counted:
        compare()
    X, y = frame[features], frame["y"].to_numpy()
    weight = np.random.default_rng(1).uniform(0.5, 2.0, ROWS)

    def bare() -> None:
        for size, weighted in counted.shapes:
            at = slice(0, size)
            fitted(model(), X[at], y[at], weight[at] if weighted else None)

    median = interleaved({"compare": compare, "bare": bare}, 1 if quick else 5)
    ratio = median["compare"] / median["bare"]
    return [
        at_most(
            f"`pb.mitigate`, {len(TRIED)} candidates, {ROWS:,} rows, LightGBM with {TREES} trees, "
            f"{FOLDS} folds, over its bare fits",
            ratio, 1.3,
            f"{len(counted.shapes)} fits in {shown(median['bare'])}, all of it in "
            f"{shown(median['compare'])}",
        )
    ]  # fmt: skip


def _reweighing(*, quick: bool) -> list[Row]:
    from sklearn.linear_model import LogisticRegression

    from paribus.mitigation.base import Training
    from paribus.mitigation.reweigh import Reweigh

    frame = applicants(MILLION)
    features = tuple(name for name in frame if name not in {"sex", "y"})
    learner = LogisticRegression(max_iter=200)
    X, y = frame[list(features)].to_numpy(np.float64), frame["y"].to_numpy()
    X = (X - X.mean(0)) / X.std(0)

    def reweigh() -> None:
        training = Training(
            table=Table.of(frame), label=y, favorable=1, estimator=learner, features=features,
            protect={"sex": Protected(levels=("m", "f"))},
        )  # fmt: skip
        Reweigh().weights(training)

    median = interleaved(
        {"reweigh": reweigh, "fit": lambda: LogisticRegression(max_iter=200).fit(X, y)},
        2 if quick else 5,
    )
    ratio = median["reweigh"] / median["fit"]
    return [
        at_most(
            f"Reweighing {MILLION:,} rows, from the data frame on, over one logistic regression",
            ratio, 0.1, f"{shown(median['reweigh'])} and {shown(median['fit'])}",
        )
    ]  # fmt: skip
