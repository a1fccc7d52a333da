"""Answers without a model: pairs of decisions or amounts, weighed and judged as in an audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus import People
from paribus.answers import Answers, BlockAnswers, Tallying
from paribus.evidence.base import Row, Step
from paribus.evidence.counterfactual import Counterfactual
from paribus.outcomes import Outcome
from paribus.twins import Twins, level_contrasts, pair

DECISION = Outcome("decision", (True,), (True, False))
NUMBER = Outcome("number")

Values = npt.NDArray[Any]


def twins_of(levels: int, people: int, seed: int = 0) -> Twins:
    """Give the recipe of twins at some levels of one attribute."""
    protect = {"group": {"levels": [str(level) for level in range(levels)]}}
    drawn = People.model_validate({"protect": protect, "size": people, "seed": seed})
    return pair(drawn, level_contrasts(drawn, "group"))


def block_of(answers: Values) -> BlockAnswers:
    """Take the answers for the answers of the first people, shape (people, levels)."""
    versions = tuple(np.ascontiguousarray(column) for column in answers.T)
    return BlockAnswers(0, versions, (None,) * len(versions))


def answers_of(
    outcome: Outcome, answers: Values, *, repeatable: bool = True, seed: int = 0
) -> Answers:
    """Sum answers up as if a model had given them.

    Parameters
    ----------
    outcome : Outcome
    answers : ndarray, shape (people, levels)
        Decisions are 1 and 0.
    repeatable : bool
        Whether the model repeats itself, as far as the audit knows.
    seed : int
        Of the audit, and so of its relabelings.
    """
    people, levels = answers.shape
    summed = Tallying(twins_of(levels, people, seed), outcome)
    summed.add(block_of(answers))
    return summed.answers(seen=("group",), repeatable=repeatable)


def weighed(answers: Answers, tolerance: float, relabelings: int = 0) -> Sequence[Row]:
    """Give the evidence that verdicts rest on."""
    test = Counterfactual(placebo=False, relabelings=relabelings)
    return unadvised(row for row in test.weigh(answers, tolerance, 0.95) if row.held)


def unadvised(rows: Iterable[Row]) -> list[Row]:
    """Give evidence that is judged alike, and without advice on how many more people to ask.

    That advice can take hundreds of times as long as the verdict; audits that stop early, which
    their trail shows, are not given it.
    """
    return [
        row.model_copy(update={"trail": (Step(pairs=row.people, low=row.low, high=row.high),)})
        for row in rows
    ]


def flips(random: np.random.Generator, people: int, favor: float, against: float) -> Values:
    """Draw pairs of decisions, shape (people, 2): the reference twin's and the group twin's.

    Parameters
    ----------
    random : numpy.random.Generator
    people : int
    favor, against : float
        Chances that the group twin alone, and that the reference twin alone, is favored.
    """
    place = random.random(people)
    reference = (place < against) | (place > (1 + against + favor) / 2)
    group = (place >= against) & (place < against + favor) | (place > (1 + against + favor) / 2)
    return np.column_stack([reference, group]).astype(np.int8)
