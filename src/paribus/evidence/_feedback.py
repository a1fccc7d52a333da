"""What happens when decisions become the next training data: a toy, with its assumptions.

The sample stands for all people who will ever come, and its labels for what would happen to each of
them if selected. In each round a ridge logistic regression is fitted to the people whose label was
seen, fresh people come, the share of them that was always selected is selected, those with the
highest scores, and only theirs are the labels that the next round sees. The first model learns
from those whom the decisions on record selected, or from a random sample where there are none.

The mechanism is that of selective labels: Lakkaraju et al. (2017), The selective labels problem,
KDD, 275-284; the loop that of Ensign et al. (2018), Runaway feedback loops in predictive policing,
PMLR 81, 160-171.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from paribus._seeds import generator
from paribus.evidence._learners import Design

Floats = npt.NDArray[np.float64]

LEVELS = 12
"""Values of a column that the toy learner tells apart."""

COLUMNS = 40
"""Columns that it reads at most: those that go with the label most."""

PEOPLE = 2_500
"""People who come in a round, at most."""

STEPS = 20
RIDGE = 1.0


@dataclass(frozen=True, eq=False)
class Rounds:
    """What happened to the groups of one attribute, over rounds and repeats.

    Where nobody of a group came (or nobody with a favorable label), its rate is 0 and `known` is
    false.
    """

    selected: Floats
    """Selection rates, shape (repeats, rounds, G)."""
    hit: Floats
    """True positive rates, of the same shape."""
    came: npt.NDArray[np.bool_]
    """Whether anybody of the group came, of the same shape."""
    deserved: npt.NDArray[np.bool_]
    """Whether anybody of the group with a favorable label came, of the same shape."""


def encode(design: Design, label: npt.NDArray[np.bool_]) -> Floats:
    """Give columns as numbers of mean 0 and standard deviation 1, and an intercept.

    Parameters
    ----------
    design : Design
        Of n rows.
    label : ndarray of bool, shape (n,)
        Of more than `COLUMNS` columns, those are kept that go with it most.

    Returns
    -------
    ndarray of float64, shape (n, p)
        Ranks of numbers, with their mean where missing, the commonest values of categories as 0
        and 1, and whether a value is missing.
    """
    columns: list[Floats] = []
    for values, coded in zip(design.matrix.T, design.categorical, strict=True):
        missing = np.isnan(values)
        if coded:
            columns += [(values == level).astype(float) for level in range(LEVELS)]
        else:
            # Ranks: nothing of any size can dominate, and no sum can leave the numbers.
            order = np.unique(values[~missing], return_inverse=True)[1]
            ranks = np.zeros(len(values))
            ranks[~missing] = order - (order.mean() if len(order) else 0.0)
            columns.append(ranks)
        columns.append(missing.astype(float))
    columns = [column for column in columns if np.ptp(column) > 0]
    scaled = [(column - column.mean()) / column.std() for column in columns]
    if len(scaled) > COLUMNS:
        strength = [abs(float(column @ (label - label.mean()))) for column in scaled]
        strongest = np.sort(np.argsort(strength, kind="stable")[-COLUMNS:])
        scaled = [scaled[i] for i in strongest]
    return np.column_stack([np.ones(len(design)), *scaled])


def simulate(
    x: Floats,
    label: npt.NDArray[np.bool_],
    groups: Mapping[str, tuple[npt.NDArray[np.intp], int]],
    start: npt.NDArray[np.intp],
    share: float,
    rounds: int,
    repeats: int,
    seed: int,
) -> dict[str, Rounds]:
    """Let decisions become training data, several times over.

    Parameters
    ----------
    x : ndarray of float64, shape (n, p)
        As of `encode`.
    label : ndarray of bool, shape (n,)
        Whether what really happens is favorable.
    groups : mapping
        Attribute -> the group of each row, shape (n,), and how many groups there are.
    start : ndarray of int
        Rows whose labels the first model may see; at least one.
    share : float
        Of people who are selected in each round, in (0, 1).
    rounds, repeats : int
        At least 1.
    seed : int

    Returns
    -------
    dict of str to Rounds
        By attribute.
    """
    people = min(len(x), PEOPLE)
    places = max(1, min(people, round(share * people)))
    shape = (repeats, rounds)
    counts = {name: np.zeros((4, *shape, size)) for name, (_, size) in groups.items()}
    for repeat in range(repeats):
        random = generator(seed, "deployment/feedback", repeat)
        seen = start[random.integers(0, len(start), min(len(start), PEOPLE))]
        for turn in range(rounds):
            model = _fit(x[seen], label[seen])
            came = random.integers(0, len(x), people)
            # Equal scores are drawn by lot, and sums may differ in their last digits.
            score = np.round(x[came] @ model, 9)
            order = np.lexsort((random.random(people), -score))
            chosen = np.zeros(people, bool)
            chosen[order[:places]] = True
            for name, (codes, size) in groups.items():
                for i, who in enumerate((came, came[chosen])):
                    good = who[label[who]]
                    counts[name][2 * i, repeat, turn] = np.bincount(codes[who], minlength=size)
                    counts[name][2 * i + 1, repeat, turn] = np.bincount(codes[good], minlength=size)
            seen = np.concatenate([seen, came[chosen]])
    return {name: _rounds(each) for name, each in counts.items()}


def _rounds(counts: Floats) -> Rounds:
    everybody, good, chosen, hits = counts
    came, deserved = everybody > 0, good > 0
    return Rounds(
        np.divide(chosen, everybody, out=np.zeros_like(chosen), where=came),
        np.divide(hits, good, out=np.zeros_like(hits), where=deserved),
        came,
        deserved,
    )


def _fit(x: Floats, label: npt.NDArray[np.bool_]) -> Floats:
    """Fit a ridge logistic regression by steps that only ever improve it.

    The curvature of the likelihood is nowhere above a quarter of ``x.T @ x`` (Boehning and Lindsay
    1988, Annals of the Institute of Statistical Mathematics 40, 641-663), so one inverse serves all
    steps.
    """
    penalty = np.full(x.shape[1], RIDGE)
    penalty[0] = 1e-6
    inverse = np.linalg.inv(x.T @ x / 4.0 + np.diag(penalty))
    y = label.astype(float)
    weights = np.zeros(x.shape[1])
    for _ in range(STEPS):
        odds = np.clip(x @ weights, -30.0, 30.0)
        weights = weights + inverse @ (x.T @ (y - 1.0 / (1.0 + np.exp(-odds))) - penalty * weights)
    return weights
