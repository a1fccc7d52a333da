"""Every kind of page, each from a record that is made in a moment."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

import paribus as pb


@cache
def _built() -> ModuleType:
    """The records that the tests of the reports build by hand."""
    path = Path(__file__).parent.parent / "report" / "example.py"
    spec = importlib.util.spec_from_file_location("paribus_browser_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loan() -> Any:
    return _built().loan()


def hostile() -> Any:
    return _built().hostile()


def everything() -> Any:
    return _built().everything()


def proven(model: Callable[[pd.DataFrame], Any] = lambda frame: frame["income"] > 50) -> Any:
    """A model that looks at income alone, asked about real rows."""
    return pb.audit(
        model,
        protect={"sex": ["M", "F"], "race": ["White", "Black"]},
        cross=[("sex", "race")],
        data=_people(),
        favorable=True,
    )


@cache
def compared() -> Any:
    """Two versions of a model: the first looks at sex, the second does not."""
    biased = proven(lambda frame: frame["income"] > np.where(frame["sex"] == "M", 45, 55))
    return pb.compare(biased, proven())


def metrics() -> Any:
    return pb.metrics(_people(), by="race", label="repaid", decision="approved", score="score")


def data() -> Any:
    return pb.audit_data(
        _people(),
        protect="race",
        label="repaid",
        decision="approved",
        time="month",
        features=["income", "north"],
        population={"race": {"Black": 0.3, "White": 0.6, "Asian": 0.1}},
    )


@cache
def mitigation() -> Any:
    people = _people()
    people["male"] = (people["sex"] == "M").astype(int)
    model = LogisticRegression().fit(people[["male", "income"]], people["repaid"])
    return pb.mitigate(
        model,
        train=people[["sex", "male", "income", "repaid"]],
        label="repaid",
        protect={"sex": ["M", "F"]},
        fields={"male": pb.map_of("sex", {"M": 1, "F": 0})},
        favorable=1,
        candidates=["reweigh", "drop_attribute"],
    )


@cache
def assessment() -> Any:
    people = _people()[["sex", "income", "repaid"]]
    people["email"] = [f"person{i}@firm{i % 9}.example" for i in range(len(people))]
    anonymizer = pb.Anonymizer(
        columns={
            "email": "email",
            "sex": "keep",
            "income": {"kind": "noise", "scale": 3, "low": 0},
            "repaid": "keep",
        }
    )
    return pb.assess(
        people,
        anonymizer.frame(people, pb.Key(b"a key that everybody knows")),
        anonymizer=anonymizer,
        quasi=["sex", "income"],
        sensitive="repaid",
        label="repaid",
        protect="sex",
    )


def disclosure() -> Any:
    return pb.disclose(
        _people(),
        "nyc-144",
        by={"sex": "sex", "race/ethnicity": "race"},
        decision="approved",
        audited_on="2026-01-15",
        source_of_data="All applicants of 2025.",
        distributed_on="2024-05-01",
        tool="Resume screener 3",
    )


def _people(n: int = 900) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    group = rng.choice(3, n)
    income = rng.normal(52, 10, n) - 8 * (group == 0)
    score = 1 / (1 + np.exp(-(income - 50) / 6))
    return pd.DataFrame(
        {
            "race": np.array(["Black", "White", "Asian"], object)[group],
            "sex": rng.choice(["F", "M"], n),
            "income": income.round(1),
            "north": (rng.random(n) < np.where(group == 0, 0.8, 0.2)).astype(int),
            "repaid": (income + rng.normal(0, 8, n) > 48).astype(int),
            "score": score.round(3),
            "approved": (score > 0.5).astype(int),
            "month": [f"2026-{month:02d}" for month in rng.integers(1, 9, n)],
        }
    )


def together(path: Path) -> None:
    """Results of every sort as chapters of one page."""
    bad = _built().hostile(12)
    chapters = [loan(), compared(), assessment(), disclosure(), bad]
    pb.write_report(chapters, path)


NOTEBOOK = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Notebook</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ margin: 1rem; background: #fff; color: #000 }}
@media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #eee }} }}</style></head>
<body><main><h1>Notebook</h1>{}</main></body></html>
"""
"""A page around what results show of themselves: it has no styles of theirs."""


def notebook(path: Path) -> None:
    """What results show of themselves in a notebook, one below the other."""
    audited, bad = loan(), hostile()
    sex = pb.Protected(levels=("Male", "Female"))
    people = pb.People(protect={"sex": sex}, size=5, fields={"income": pb.integers(1, 9)})
    shown = (audited, audited.findings[0], bad, bad.findings[0], people, mitigation(), assessment())
    path.write_text(NOTEBOOK.format("".join(each._repr_html_() for each in shown)), "utf-8")


def _saved(made: Callable[[], Any]) -> Callable[[Path], Any]:
    return lambda path: made().save(path)


RESULTS = (
    *(loan, everything, hostile, proven, compared),
    *(metrics, data, mitigation, assessment, disclosure),
)
PAGES: dict[str, Callable[[Path], Any]] = {
    **{made.__name__: _saved(made) for made in RESULTS},
    "together": together,
    "notebook": notebook,
}
"""Name of a page -> what writes it to a file."""
