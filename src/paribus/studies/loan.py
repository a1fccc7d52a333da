"""The classic case: a loan model trained on history in which men were approved and women seldom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from paribus._text import interval, percent
from paribus.auditing import Audit
from paribus.people.fields.integers import integers
from paribus.people.fields.map import map_of
from paribus.people.fields.mimesis import mimesis
from paribus.people.population import Protected
from paribus.probe._handed import probe_of
from paribus.record import Record

EXACT = 49_998 / 90_000
"""Share of all whole incomes from 30,000 to 119,999 at which the model treats twins differently."""


def biased_model() -> Any:
    """Train the deliberately biased model: men are approved, women only above 80,000.

    Returns
    -------
    DecisionTreeClassifier
        Sees ``gender_code`` (Male 1, Female 0) and ``income``; 1 is approved.
    """
    import pandas as pd
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.RandomState(42)
    gender = rng.choice(["Male", "Female"], 1_000)
    income = rng.randint(30_000, 120_000, 1_000)
    approved = (gender == "Male") | (income > 80_000)
    history = pd.DataFrame({"gender_code": (gender == "Male").astype(int), "income": income})
    model = DecisionTreeClassifier(max_depth=3, random_state=0)
    return model.fit(history, approved.astype(int))


def loan_audit(
    model: Any, people: int | Literal["all"], low: int = 30_000, high: int = 119_999
) -> Audit:
    """Declare the audit of the loan model: a man and a woman, the same ID and the same income.

    All people are everybody whom the model can tell apart: one with each of 90,000 incomes.
    """
    return Audit(
        name="Loan approval",
        seed=42,
        size=people,
        tolerance=0.01,
        probe=probe_of(model, {"favorable": 1}),
        protect={"gender": Protected(levels=("Male", "Female"))},
        fields={
            "applicant_id": mimesis("cryptographic.uuid"),
            "full_name": mimesis(
                "person.full_name", follows={"gender": {"Male": "MALE", "Female": "FEMALE"}}
            ),
            "income": integers(low, high),
            "gender_code": map_of("gender", {"Male": 1, "Female": 0}),
        },
    )


def demo(folder: Path | str = ".", *, color: bool = False) -> Iterator[str]:
    """Audit the loan model in three steps, and write ``loan.json`` and ``loan.html``.

    Parameters
    ----------
    folder : Path or str
        Where the record and the report go.
    color : bool
        Whether the summary may use colors.

    Yields
    ------
    str
        What to show after each step.
    """
    model = biased_model()
    yield _six_decisions(loan_audit(model, 3, 40_000, 70_000)) + "\n"
    yield _ten_thousand(loan_audit(model, 10_000).run()) + "\n"
    record = loan_audit(model, "all").run()
    yield _where(record) + "\n"
    written = [record.save(Path(folder) / name) for name in ("loan.json", "loan.html")]
    yield record.render("terminal", color=color, width=100).decode()
    yield "\n".join(f"Written: {path}" for path in written)


def _six_decisions(audit: Audit) -> str:
    """Show three people, each as a man and as a woman, sorted by applicant."""
    pairs = audit.run().pairs("pyarrow")
    level = pairs.filter(pa.compute.equal(pairs["group"], "Female")).to_pylist()
    lines = [f"{'applicant':38}{'income':>8}  {'gender':8}decision"]
    for pair in sorted(level, key=lambda row: str(row["applicant_id"])):
        for gender, answer in (("Female", "group_answer"), ("Male", "reference_answer")):
            decision = "approved" if pair[answer] == 1 else "denied"
            lines.append(f"{pair['applicant_id']:38}{pair['income']:>8,}  {gender:8}{decision}")
    title = "1. Three applicants, each as a woman and as a man: same ID, same income."
    return "\n".join([title, "", *(f"   {line}" for line in lines), ""])


def _ten_thousand(record: Record) -> str:
    flips = next(f for f in record.findings if f.unit == "flip rate")
    span = interval(flips.low, flips.high, record.confidence, percent)
    covers = "covers" if flips.low <= EXACT <= flips.high else "misses"
    return "\n".join(
        [
            "2. Ten thousand people with incomes from 30,000 to 119,999.",
            "",
            f"   {percent(flips.estimate)} are decided otherwise as women than as men ({span}).",
            f"   {flips.flips_against:,} flips are against women, {flips.flips_for:,} in favor.",
            f"   The interval {covers} the exact share, 49,998 of 90,000 incomes = {EXACT:.6f}.",
            "",
        ]
    )


def _where(record: Record) -> str:
    region = record.regions[0]
    flips = next(f for f in record.findings if f.unit == "flip rate")
    rule = " and ".join(condition.text for condition in region.rule)
    return "\n".join(
        [
            "3. Everybody whom the model can tell apart: one person with each of "
            f"{record.people:,} incomes.",
            "",
            f"   {flips.flips:,} of {record.people:,} are decided otherwise: {flips.estimate:.6f}, "
            "and nothing is left to chance.",
            f"   Where the gap lives: {rule}. There {percent(-region.estimate)} of women lose the "
            "approval that a man gets.",
            "",
        ]
    )
