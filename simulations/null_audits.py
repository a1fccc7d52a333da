"""Whole audits of models that ignore the attribute, or heed it by just what is tolerated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import models
import numpy as np
from pairs import unadvised
from table import Row, seldom
from trials import Results, Setting, shortened

import paribus as pb
from paribus.evidence.counterfactual import Counterfactual
from paribus.findings import judge, overall

TIMES = 2_000
LEVELS = {"group": [0, 1]}
MERIT = {"merit": pb.uniform(0.0, 1.0)}
GENDER = {"gender": {"Male": "MALE", "Female": "FEMALE"}}
NAMES_SD = 0.05


def settings(share: float = 1.0) -> list[Setting]:
    """List the audits."""
    times = shortened(TIMES, share)
    false = partial(_lines, ("audits that are `biased`",))
    five = partial(_lines, ("audits that are `biased`, Holm", "audits that are `biased`, max-T"))
    at_tolerance = partial(_lines, ("audits `biased`", "audits `within tolerance`"))
    named = [
        Setting(
            f"Names with random effects of sd {NAMES_SD:g}, {title}, {people:,} people",
            names,
            times,
            false,
            {"locale": locale, "people": people},
        )
        for title, locale, people in (("English", "en", 500), ("Japanese", "ja", 5_000))
    ]
    return [
        Setting("Deterministic model that ignores the attribute, 300 people", blind, times, false),
        Setting(
            "Answers redrawn at every question, p ~ Beta(2, 2), 300 people", redrawn, times, false
        ),
        Setting("The same with five levels, 300 people", five_levels, times, five),
        *named,
        Setting(
            "Redrawn answers, everybody's chance less by the tolerance of 2 %, 5,000 people",
            redrawn_at_tolerance,
            times,
            at_tolerance,
        ),
    ]


def blind(number: int, random: np.random.Generator) -> tuple[float, ...]:
    """Audit the deterministic model that ignores the attribute; 1 if it is `biased`."""
    record = _audit(models.blind, random, people=300, tolerance=0.0)
    return (record.verdict == "biased",)


def redrawn(number: int, random: np.random.Generator) -> tuple[float, ...]:
    """Audit the noisy model that ignores the attribute; 1 if it is `biased`."""
    record = _audit(models.redrawn(random), random, people=300, tolerance=0.0)
    return (record.verdict == "biased",)


def five_levels(number: int, random: np.random.Generator) -> tuple[float, ...]:
    """Audit it at five levels; 1 if it is `biased`, by Holm's adjustment and by the joint one."""
    record = pb.audit(
        models.redrawn(random),
        protect={"group": [0, 1, 2, 3, 4]},
        fields=MERIT,
        people=300,
        favorable=True,
        tolerance=0.0,
        seed=_seed(random),
        frame="numpy",
        features=["group", "merit"],
        multiplicity="max-t",
        tests=[Counterfactual(relabelings=999)],
    )
    holm = overall(judge(unadvised(record.evidence), 0.0, 0.95, "holm"))
    return holm == "biased", record.verdict == "biased"


def names(
    number: int, random: np.random.Generator, *, locale: str, people: int
) -> tuple[float, ...]:
    """Audit a score, and the decisions made of it, that names move and gender does not."""
    record = pb.audit(
        models.swayed_by_names(random, NAMES_SD),
        protect={"gender": ["Male", "Female"]},
        fields={
            "first_name": pb.mimesis("person.first_name", locale=locale, follows=GENDER),
            "merit": pb.uniform(0.2, 0.8),
        },
        people=people,
        outcome="score",
        threshold=0.5,
        tolerance=0.0,
        seed=_seed(random),
        tests=[Counterfactual()],
    )
    return (record.verdict == "biased",)


def redrawn_at_tolerance(number: int, random: np.random.Generator) -> tuple[float, ...]:
    """Audit a noisy model whose net gap is just what is tolerated."""
    record = _audit(models.redrawn(random, 0.02), random, people=5_000, tolerance=0.02)
    return record.verdict == "biased", record.verdict == "within tolerance"


def _audit(
    model: models.Model, random: np.random.Generator, *, people: int, tolerance: float
) -> pb.Record:
    return pb.audit(
        model,
        protect=LEVELS,
        fields=MERIT,
        people=people,
        favorable=True,
        tolerance=tolerance,
        seed=_seed(random),
        frame="numpy",
        features=["group", "merit"],
        tests=[Counterfactual()],
    )


def _seed(random: np.random.Generator) -> int:
    return int(random.integers(2**63))


def _lines(titles: Sequence[str], results: Results) -> list[Row]:
    wrong = results.sum(axis=0)
    return [seldom(what, count, len(results)) for what, count in zip(titles, wrong, strict=True)]
