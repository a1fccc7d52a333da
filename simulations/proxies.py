"""Fields that stand for a group: intervals of their AUC, and claims at the edge of tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from table import Row, percent, seldom
from trials import Results, Setting, shortened

from paribus.counting import Source
from paribus.evidence._learners import folds
from paribus.evidence._strength import encoded_shares
from paribus.evidence.proxies import Proxies
from paribus.findings import judge
from paribus.observed import Observed, Swap
from paribus.roles import Roles
from paribus.stats.discrimination import auc

TIMES = 2_000
AUDITS = 400
LEAST = 0.93
VALUES = 40
FOLDS = 5
TOLERANCE = 0.1
STRENGTH = 0.6


def settings(share: float = 1.0) -> list[Setting]:
    """List the fields and the models."""
    intervals = [
        Setting(
            f"AUC of a field of {VALUES} values, {told}, {people:,} people",
            interval,
            shortened(TIMES, share),
            _intervals,
            {"people": people, "tie": tie},
        )
        for told, tie in (("tied to the group", 0.4), ("not tied to it", 0.0))
        for people in (400, 2_000)
    ]
    audits = [
        Setting(
            f"Proxies: {told}", trial, shortened(AUDITS, share), partial(_claims, both), options
        )
        for told, trial, options, both in (
            (
                f"AUC of {STRENGTH:g}, swaps change {2 * TOLERANCE:.0%} of decisions",
                swapped,
                {"agree": STRENGTH, "moved": 2 * TOLERANCE},
                True,
            ),
            (
                f"AUC of 0.8, swaps change {TOLERANCE:.0%} of decisions",
                swapped,
                {"agree": 0.8, "moved": TOLERANCE},
                True,
            ),
            ("a stand-in model of labels that ignore the field, AUC 0.85", stand_in, {}, False),
        )
    ]
    return [*intervals, *audits]


def interval(
    number: int, random: np.random.Generator, *, people: int, tie: float
) -> tuple[float, ...]:
    """Ask whether intervals hold the AUC that the learner behind them has among all people.

    The first learns from one half and is judged by the other. Of the second the scores of five
    folds are pooled, and what it should hold is the mean AUC of their five learners.
    """
    chance = 0.5 + tie * (2 * random.random(VALUES) - 1)
    values = random.integers(0, VALUES, people)
    group = (random.random(people) < chance[values]).astype(np.intp)
    field = values, np.zeros_like(values)

    def learned(fit: np.ndarray) -> np.ndarray:
        """Give each value its score, learned from some people."""
        every = np.concatenate([values[fit], np.arange(VALUES)])
        groups = np.concatenate([group[fit], np.zeros(VALUES, np.intp)])
        rows = np.arange(len(every))
        shares = encoded_shares(every, 0 * every, groups, rows[: len(fit)], rows[len(fit) :], 2)
        return shares[:, 1]

    def truth(scores: np.ndarray) -> float:
        _, place = np.unique(scores, return_inverse=True)
        return auc(np.bincount(place, 1 - chance), np.bincount(place, chance)).estimate

    half = folds(group, 2, number)
    scores = learned(np.flatnonzero(half == 0))
    test = np.flatnonzero(half == 1)
    held = _held(scores[field[0][test]], group[test], truth(scores))
    part = folds(group, FOLDS, number)
    pooled, truths = np.empty(people), []
    for each in range(FOLDS):
        scores = learned(np.flatnonzero(part != each))
        pooled[part == each] = scores[values[part == each]]
        truths.append(truth(scores))
    return held, _held(pooled, group, float(np.mean(truths)))


def swapped(
    number: int, random: np.random.Generator, *, agree: float, moved: float
) -> tuple[float, ...]:
    """Weigh a field that agrees with the group so often, and moves so many decisions."""
    people = 2_000
    group = np.arange(people) % 2
    field = np.where(random.random(people) < agree, group, 1 - group)
    frame = pd.DataFrame({"group": group, "field": field})
    before = random.integers(0, 2, people).astype(float)
    after = np.where(random.random(people) < moved, 1 - before, before)
    swap = Swap(before, after, np.arange(people), amounts=False)
    observed = Observed.of(
        Source.of(frame), Roles(by=("group",)), number, swaps={("group", "field"): swap}
    )
    return _verdicts(observed, TOLERANCE)


def stand_in(number: int, random: np.random.Generator) -> tuple[float, ...]:
    """Weigh a field that tells the group, beside others, and nothing of the label."""
    people = 1_000
    group = np.arange(people) % 2
    merit = random.normal(size=people)
    frame = pd.DataFrame(
        {
            "group": group,
            "field": group + random.normal(0, 0.68, people),
            "merit": merit,
            **{f"noise {i}": random.normal(size=people) for i in range(3)},
            "label": (random.random(people) < 1 / (1 + np.exp(-merit))).astype(int),
        }
    )
    roles = Roles(by=("group",), label="label")
    return _verdicts(Observed.of(Source.of(frame), roles, number), 0.01)


def _verdicts(observed: Observed, tolerance: float) -> tuple[float, ...]:
    rows = Proxies(strength=STRENGTH).weigh(observed, tolerance, 0.95).rows
    verdicts = [finding.verdict for finding in judge(rows, tolerance) if finding.field == "field"]
    return verdicts == ["biased"], verdicts == ["within tolerance"]


def _held(scores: np.ndarray, group: np.ndarray, truth: float) -> bool:
    _, place = np.unique(scores, return_inverse=True)
    size = int(place.max()) + 1
    area = auc(*(np.bincount(place[group == each], minlength=size) for each in (0, 1)))
    return area.low <= truth <= area.high


def _intervals(results: Results) -> list[Row]:
    held, pooled = results.mean(axis=0).tolist()
    return [
        Row(
            "DeLong on the held-out half covers",
            percent(held),
            f"≥ {percent(LEAST)}",
            held >= LEAST,
        ),
        Row("DeLong on pooled folds covers", percent(pooled)),
    ]


def _claims(both: bool, results: Results) -> Sequence[Row]:
    biased, within = results.sum(axis=0).tolist()
    lines = [seldom("fields called `biased`", biased, len(results))]
    if both:
        lines.append(seldom("fields called `within tolerance`", within, len(results)))
    return lines
