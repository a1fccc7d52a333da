"""Applicants to train on, and a way to ask a probe about them without any twins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from paribus.people.population import People
from paribus.probe.base import Probe, outcome_of, read, way_of_asking
from paribus.table import Table, matrix, to_frame

Say = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def applicants() -> pd.DataFrame:
    """Numbers, text and missing values: 240 rows."""
    rng = np.random.default_rng(7)
    n = 240
    income = rng.normal(60_000, 15_000, n).round()
    income[rng.random(n) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": income,
            "job": rng.choice(["clerk", "nurse", "smith"], n),
            "gender_code": rng.integers(0, 2, n),
        }
    )


@pytest.fixture(scope="session")
def numbers(applicants: pd.DataFrame) -> pd.DataFrame:
    return applicants[["age", "income", "gender_code"]]


@pytest.fixture(scope="session")
def categories(applicants: pd.DataFrame) -> pd.DataFrame:
    return applicants.assign(job=applicants["job"].astype("category"))


@pytest.fixture(scope="session")
def approved(applicants: pd.DataFrame) -> np.ndarray:
    rich = applicants["income"].fillna(0) > 65_000
    return (rich | (applicants["gender_code"] == 1) & (applicants["job"] != "smith")).to_numpy(int)


@pytest.fixture(scope="session")
def grades(applicants: pd.DataFrame) -> np.ndarray:
    """Three classes."""
    return (applicants["age"] // 27).clip(0, 2).to_numpy() + 0


@pytest.fixture(scope="session")
def say() -> Say:
    """Put every row of a frame to a probe, the way an audit does."""

    def asked(probe: Probe, frame: Any, *, trust: bool = False) -> np.ndarray:
        model = probe.open(trust=trust)
        outcome = outcome_of(probe, model)
        table = Table.of(frame)
        names = probe.features or model.features or table.names
        columns = {name: table.column(name, slice(None)) for name in names}
        handed = probe.frame or model.frame or table.kind
        if handed == "numpy":
            questions: Any = matrix([columns], len(table), model.precision)
        else:
            questions = to_frame(columns, handed, table)
        values, missing, _ = read(outcome, way_of_asking(model, outcome)(questions), len(table))
        assert missing is None
        return values

    return asked


@pytest.fixture(scope="session")
def people() -> People:
    """Synthetic applicants whose gender code follows their gender."""
    from paribus.people.fields.choice import choice
    from paribus.people.fields.integers import integers
    from paribus.people.fields.map import map_of

    return People(
        protect={"gender": {"levels": ["Male", "Female"]}},
        fields={
            "age": integers(18, 79),
            "income": integers(30_000, 90_000),
            "job": choice(["clerk", "nurse", "smith"]),
            "gender_code": map_of("gender", {"Male": 1, "Female": 0}),
        },
        size=500,
        seed=3,
    )
