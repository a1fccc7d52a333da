"""The Python call on a loan model: train it, audit it, read the answer.

    python examples/loan.py [FOLDER]

The model has learned from a history in which men were approved and women only above 80,000.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

import paribus as pb


def train() -> DecisionTreeClassifier:
    """Train the biased model on 1,000 applications; it sees ``gender_code`` and ``income``."""
    rng = np.random.RandomState(42)
    gender = rng.choice(["Male", "Female"], 1_000)
    income = rng.randint(30_000, 120_000, 1_000)
    approved = (gender == "Male") | (income > 80_000)
    history = pd.DataFrame({"gender_code": (gender == "Male").astype(int), "income": income})
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(history, approved.astype(int))


def audit(model: DecisionTreeClassifier, people: int = 10_000) -> pb.Record:
    """Ask the model about every person twice: once as a man, once as a woman."""
    return pb.audit(
        model,
        protect={"gender": ["Male", "Female"]},  # the first level is the reference
        fields={
            "applicant_id": pb.mimesis("cryptographic.uuid"),
            "full_name": pb.mimesis(
                "person.full_name", follows={"gender": {"Male": "MALE", "Female": "FEMALE"}}
            ),
            "income": pb.integers(30_000, 119_999),
            "gender_code": pb.map_of("gender", {"Male": 1, "Female": 0}),
        },
        people=people,
        favorable=1,
        tolerance=0.01,
        seed=42,
        name="Loan approval",
    )


def main(folder: Path = Path()) -> None:
    """Audit, say what was found, and write the record and the report into a folder."""
    record = audit(train())
    for finding in record.findings:
        print(finding.sentence)
    for region in record.regions:
        rule = " and ".join(condition.text for condition in region.rule)
        print(f"The gap lives where {rule}.")
    print("Verdict:", record.verdict)
    for name in ("loan.json", "loan.html"):
        print("Written:", record.save(folder / name))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
