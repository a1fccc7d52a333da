"""What group metrics cost: over Fairlearn's `MetricFrame`, over bincount, and as rows grow."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from timing import Row, at_least, at_most, interleaved, shown, timed

import paribus as pb
from paribus.counting import Source
from paribus.evidence._tables import Table
from paribus.observed import Observed
from paribus.roles import Roles
from paribus.stats.resampling import resample

MILLION = 1_000_000
SHAPES: dict[str, tuple[int, ...]] = {"2": (2,), "6": (6,), "50": (2, 5, 5)}
SIX = (
    "selection rate", "true positive rate", "false positive rate", "positive predictive value",
    "accuracy", "base rate",
)  # fmt: skip


def rows(*, quick: bool) -> list[Row]:
    """Measure everything about metrics."""
    found: list[Row] = []
    for name, shape in SHAPES.items():
        found += _against_fairlearn(name, shape, quick=quick)
    for name in ("2", "50"):
        found += _bootstrap(name, quick=quick)
    return found + _growth(quick=quick) + _whole(quick=quick)


def people(shape: Sequence[int], rows: int, seed: int = 0) -> Any:
    """Make a scored table whose groups are coded columns."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    groups = {
        f"group{j}": pd.Categorical.from_codes(
            rng.integers(0, k, rows).astype(np.int8), [f"g{i}" for i in range(k)]
        )
        for j, k in enumerate(shape)
    }
    y = (rng.random(rows, dtype=np.float32) < 0.4).astype(np.uint8)
    d = (rng.random(rows, dtype=np.float32) < 0.25 + 0.35 * y).astype(np.uint8)
    return pd.DataFrame({"y": y, "d": d, **groups})


def _against_fairlearn(name: str, shape: tuple[int, ...], *, quick: bool) -> list[Row]:
    from fairlearn import metrics as fl
    from sklearn.metrics import accuracy_score, precision_score

    frame = people(shape, MILLION)
    by = [column for column in frame if column.startswith("group")]
    key = np.random.default_rng(1).integers(0, 256, MILLION, dtype=np.uint8)
    options: dict[str, Any] = {"by": by, "label": "y", "decision": "d", "metrics": SIX}
    median = interleaved(
        {
            "bincount": lambda: np.bincount(key, minlength=256),
            "rates": lambda: pb.group_rates(frame, **options),
        },
        5 if quick else 25,
    )
    named = {
        "selection": fl.selection_rate,
        "tpr": fl.true_positive_rate,
        "fpr": fl.false_positive_rate,
        "ppv": precision_score,
        "accuracy": accuracy_score,
        "count": fl.count,
    }

    def metric_frame() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = fl.MetricFrame(
                metrics=named, y_true=frame.y, y_pred=frame.d, sensitive_features=frame[by]
            )
            return made.by_group, made.overall, made.difference(), made.ratio()

    theirs = timed(metric_frame)
    of = f"1,000,000 rows, {name} groups"
    return [
        at_least(
            f"six metrics of {of}, times as fast as `MetricFrame`",
            theirs / median["rates"],
            3_000,
            f"`group_rates` with intervals {shown(median['rates'])}, `MetricFrame` without "
            f"{shown(theirs)}",
        ),
        at_most(
            f"the same over one `numpy.bincount` of 1,000,000 bytes, {name} groups",
            median["rates"] / median["bincount"],
            4,
            f"{shown(median['bincount'])} for the pass",
        ),
    ]


def _bootstrap(name: str, *, quick: bool) -> list[Row]:
    frame = people(SHAPES[name], MILLION)
    by = tuple(column for column in frame if column.startswith("group"))
    observed = Observed.of(Source.of(frame), Roles(by=by, label="y", decision="d", cross=()))
    counts = Table.of(observed, observed.groups(by)).full["count"]
    rng = np.random.default_rng(1)
    seconds = interleaved(
        {"resample": lambda: resample(counts.astype(np.int64), rng, 1_000)}, 5 if quick else 25
    )["resample"]
    limit = 0.010 if name == "2" else 0.100
    return [
        Row(
            f"1,000 bootstrap resamples of the table, {name} groups",
            shown(seconds),
            f"≤ {shown(limit)}",
            seconds <= limit,
            "multinomial over the cells",
        )
    ]


def _growth(*, quick: bool) -> list[Row]:
    sizes = (MILLION // 10, MILLION)
    frames = [people((6,), size) for size in sizes]
    tasks: dict[str, Any] = {
        f"{size}": partial(pb.group_rates, frame, by="group0", label="y", decision="d")
        for size, frame in zip(sizes, frames, strict=True)
    }
    tasks["one"] = lambda: pb.group_rates(
        frames[1], by="group0", label="y", decision="d", metrics=["accuracy"]
    )
    median = interleaved(tasks, 5 if quick else 25)
    return [
        at_most(
            "10 times the rows, times the time", median[str(MILLION)] / median["100000"], 10.0,
            "100,000 and 1,000,000 rows, 6 groups",
        ),
        at_most(
            "12 metrics over one metric", median[str(MILLION)] / median["one"], 1.5,
            "1,000,000 rows, 6 groups",
        ),
    ]  # fmt: skip


def _whole(*, quick: bool) -> list[Row]:
    found = []
    for name, shape in SHAPES.items():
        frame = people(shape, MILLION)
        by = [column for column in frame if column.startswith("group")]
        seconds = interleaved(
            {"all": lambda f=frame, b=by: pb.metrics(f, by=b, label="y", decision="d")},
            3 if quick else 7,
        )["all"]
        found.append(
            Row(
                f"a whole record (`metrics`: all rates, comparisons, verdicts), {name} groups",
                shown(seconds),
                detail="1,000,000 rows; several attributes are also measured one by one",
            )
        )
    return found
