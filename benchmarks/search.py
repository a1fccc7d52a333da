"""How many unique flips a guided search finds, beside a random one with the same budget.

By itself: ``python benchmarks/search.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from timing import Row, at_least, interleaved, markdown, shown

import paribus as pb
from paribus.probe._handed import probe_of
from paribus.studies.search import Search, search
from paribus.table import Table

PEOPLE = 15_000
PAIRS = 1_500
SEEDS = (0, 1)
TEXT = {
    "class": ("private", "local", "state", "federal", "self-employed", "none"),
    "education": ("none", "school", "some college", "bachelor", "master", "doctorate"),
    "marital": ("married", "never", "divorced", "widowed", "separated"),
    "occupation": tuple(f"occupation {i:02d}" for i in range(15)),
    "race": ("white", "black", "asian", "native", "other"),
    "region": tuple(f"region {i:02d}" for i in range(12)),
}
SEXES = ("male", "female")


def census(people: int, seed: int) -> Any:
    """Draw people as in a census: fourteen mixed columns, most of their weight in few of them."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    age = np.clip(rng.gamma(9, 4.7, people), 18, 90).astype(np.int64)
    weeks = np.where(rng.random(people) < 0.6, 52, rng.integers(0, 52, people))
    education = rng.choice(6, people, p=(0.12, 0.34, 0.27, 0.18, 0.07, 0.02))
    hours = np.clip(np.round(rng.normal(40, 9, people) / 5) * 5, 5, 80).astype(np.int64)
    gain = np.where(rng.random(people) < 0.05, np.round(rng.lognormal(8, 1, people), -2), 0)
    loss = np.where(rng.random(people) < 0.03, np.round(rng.lognormal(7, 0.4, people), -1), 0)
    dividends = np.where(rng.random(people) < 0.1, np.round(rng.lognormal(5.5, 1.4, people)), 0)
    codes = {
        "class": rng.choice(6, people, p=(0.66, 0.08, 0.06, 0.04, 0.1, 0.06)),
        "education": education,
        "marital": rng.choice(5, people, p=(0.5, 0.28, 0.13, 0.05, 0.04)),
        "occupation": np.minimum(rng.geometric(0.15, people) - 1, 14),
        "race": rng.choice(5, people, p=(0.8, 0.1, 0.05, 0.02, 0.03)),
        "region": rng.integers(0, 12, people),
    }
    return pd.DataFrame(
        {
            "age": age,
            "sex": np.array(SEXES, dtype=object)[rng.integers(0, 2, people)],
            **{name: np.array(TEXT[name], dtype=object)[code] for name, code in codes.items()},
            "hours": hours,
            "weeks": weeks,
            "gain": gain.astype(np.int64),
            "loss": loss.astype(np.int64),
            "dividends": dividends.astype(np.int64),
            "employers": rng.choice(7, people, p=(0.05, 0.1, 0.1, 0.15, 0.2, 0.15, 0.25)),
        }
    ).astype(dict.fromkeys((*TEXT, "sex"), "str"))


def earns(people: Any, seed: int) -> npt.NDArray[np.int64]:
    """Decide who earns a lot, about one in ten: men more often, all else being equal."""
    grade = people["education"].map({name: i for i, name in enumerate(TEXT["education"])})
    work = people["occupation"].map({name: i for i, name in enumerate(TEXT["occupation"])})
    merit = (
        1.0 * grade
        - 0.12 * (work % 7)
        + 0.03 * (people["hours"] - 40)
        + 0.03 * (people["weeks"] - 40)
        - 0.0025 * (people["age"] - 50) ** 2
        + 0.8 * (people["marital"] == "married")
        + 0.15 * people["employers"]
        + 0.7 * np.log1p(people["gain"] / 2_000)
        + 0.3 * np.log1p(people["dividends"] / 500)
        + 0.7 * (people["sex"] == "male")
    )
    noise = np.random.default_rng(seed + 1_000).logistic(size=len(people))
    return (merit + noise > 5.6).astype(np.int64).to_numpy()


def fit(kind: str, seed: int = 0) -> Any:
    """Fit a model on the columns as they are."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    train = census(PEOPLE, seed + 100)
    text = ["sex", *TEXT]
    numbers = [name for name in train.columns if name not in text]
    encoder, scaler, model = {
        "boosting": (
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
            "passthrough",
            HistGradientBoostingClassifier(random_state=0),
        ),
        "logistic": (
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            StandardScaler(),
            LogisticRegression(max_iter=500),
        ),
    }[kind]
    encoded = make_column_transformer((encoder, text), (scaler, numbers))
    return make_pipeline(encoded, model).fit(train, earns(train, seed + 100))


def audit(model: Any, seed: int) -> pb.Audit:
    """Declare the audit: real rows, and sex."""
    return pb.Audit(
        name="Census income",
        seed=seed,
        probe=probe_of(model, {"favorable": 1}),
        protect={"sex": pb.Protected(levels=SEXES)},
        table=Table.of(census(PEOPLE, seed)),
    )


def rows(*, quick: bool) -> list[Row]:
    """Measure what a search finds and what it costs, for each model and seed."""
    found: list[Row] = []
    for kind in ("boosting", "logistic"):
        for seed in SEEDS[:1] if quick else SEEDS:
            found += _of_model(kind, seed)
    return found


def _of_model(kind: str, seed: int) -> list[Row]:
    model = fit(kind, seed)
    declared = audit(model, seed)
    searched: dict[str, Search] = {}

    def task(name: str, *, rows_only: bool) -> None:
        searched[name] = search(declared, PAIRS, rows_only=rows_only)

    seconds = interleaved(
        {
            "changed": lambda: task("changed", rows_only=False),
            "rows": lambda: task("rows", rows_only=True),
        },
        1,
        warm=False,
    )
    changed, real = searched["changed"], searched["rows"]
    assert changed.baseline is not None
    assert real.baseline is not None
    assert changed.distances is not None
    name = f"{kind}, seed {seed}"
    times = real.per_pair / max(real.baseline.per_pair, 1 / PAIRS)
    near = changed.distances
    return [
        Row(
            f"{name}: flips a pair asked, rows changed in up to three columns",
            f"{changed.per_pair:.2f}",
            "≥ 0.65",
            changed.per_pair >= 0.65,
            f"{changed.baseline.per_pair:.3f} at random; half within {near.median:.3f} of a row, "
            f"{near.real:.1%} are rows; {shown(seconds['changed'])}",
        ),
        at_least(
            f"{name}: times as many as at random, rows only",
            times,
            3,
            f"{real.per_pair:.2f} against {real.baseline.per_pair:.3f}; {shown(seconds['rows'])}",
        ),
    ]


if __name__ == "__main__":
    title = "Searches of 1,500 pairs among 15,000 people as in a census"
    print(markdown({title: rows(quick=False)}))
