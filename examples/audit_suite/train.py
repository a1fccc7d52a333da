"""Train the loan models that test_fairness.py holds to their audits.

    python train.py

writes ``loan.skops``, the model in use, which ``audit.toml`` names.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import paribus as pb


def history() -> pd.DataFrame:
    """Decisions of the past: of people with the same income, women were approved less often."""
    rng = np.random.default_rng(7)
    people = pd.DataFrame(
        {
            "gender_code": rng.integers(0, 2, 4_000),
            "income": rng.integers(20_000, 120_000, 4_000),
            "debt": rng.integers(0, 60_000, 4_000),
        }
    )
    worth = people["income"] - people["debt"] + 15_000 * people["gender_code"]
    people["approved"] = (worth + rng.normal(0, 10_000, 4_000) > 50_000).astype(int)
    return people


def train(*features: str) -> Pipeline:
    """Train a model that sees some columns and no others."""
    people = history()
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return model.fit(people[list(features)], people["approved"])


def save(folder: Path) -> Path:
    """Write the model in use; whoever reads it meanwhile never finds half a file."""
    path = folder / "loan.skops"
    pb.write_atomically(path, skops.io.dumps(train("income", "debt")))
    return path


if __name__ == "__main__":
    print(save(Path(__file__).parent))
