"""How much a model's answers change when a field takes the values of people of another group.

The model itself is asked elsewhere (`paribus.observed.Observed.swaps`). Where none was asked, a
stand-in that has learned the label answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from paribus._seeds import generator
from paribus._text import name, number, percent, points
from paribus.evidence._learners import Design, learner
from paribus.evidence.base import Scale
from paribus.observed import Observed
from paribus.stats.folds import folds
from paribus.stats.moments import Moments, mean_interval, p_mean_outside, p_mean_within
from paribus.stats.rates import clopper_pearson, p_rate_above, p_rate_below

_ASKED = 10_000
"""People of whom a stand-in model is asked, at most."""

_SHUFFLED = 20
"""Shuffled fields that a stand-in model learns from, at least."""

_ASKED_OF_NOISE = 2_000
"""People who are given other values of shuffled fields, at most."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Movement:
    """How far answers move when a field is swapped: of everybody, lost answers at their worst."""

    moved: Floats
    """Distance of each person's answers; 0 or 1 where it is a change of decisions or labels."""
    people: int
    spread: float
    """The largest distance that answers could have."""
    counts: bool
    """Whether it is a share of people whose answer changes."""
    scale: Scale
    verb: str
    """What the movement does, such as ``changes the decision for {} of people``."""
    write: Callable[[float], str]
    whose: Literal["model", "stand-in model"]

    @property
    def estimate(self) -> float:
        return float(self.moved.mean()) if len(self.moved) else 0.0

    def words(self) -> str:
        return self.verb.format(self.write(self.estimate))

    def _filled(self, distance: float) -> Moments:
        """Take lost answers to have moved by so much."""
        lost = np.full(self.people - len(self.moved), distance)
        return Moments.of(np.concatenate([self.moved, lost]))

    def interval(self, confidence: float) -> tuple[float, float]:
        estimate = self.estimate
        if self.counts:
            least, most = self._changed
            low, _ = clopper_pearson(least, self.people, confidence)
            _, high = clopper_pearson(most, self.people, confidence)
        else:
            low, _ = mean_interval(self._filled(0.0), confidence, self.spread)
            _, high = mean_interval(self._filled(self.spread), confidence, self.spread)
        return max(0.0, min(low, estimate)), max(min(high, self.spread), estimate)

    def p_above(self, tolerance: float) -> float:
        """Claim that the movement is larger than that."""
        if self.counts:
            return p_rate_above(self._changed[0], self.people, min(1.0, tolerance))
        return p_mean_outside(self._filled(0.0), tolerance, self.spread)

    def p_below(self, tolerance: float) -> float:
        """Claim that it is smaller."""
        if self.counts:
            return p_rate_below(self._changed[1], self.people, min(1.0, tolerance))
        return p_mean_within(self._filled(self.spread), tolerance, self.spread)

    @property
    def _changed(self) -> tuple[int, int]:
        """People whose answer changes, and with those whose answer is lost."""
        changed = int(self.moved.sum())
        return changed, changed + self.people - len(self.moved)


def movements(
    observed: Observed, of: Design
) -> tuple[Callable[[str, Codes, int], Movement | None], float, list[str]]:
    """Say how movements are found, in the order of preference: model, stand-in, not at all.

    Returns
    -------
    movement : callable
        Takes an attribute, its codes and the place of a field.
    noise : float
        Movement that says nothing.
    notes : list of str
    """
    if observed.swaps:
        silent = [f for f in of.names if not any(key[1] == f for key in observed.swaps)]
        notes = [_CAVEAT.format("the model")]
        if silent:
            listed = ", ".join(name(each) for each in silent)
            notes.append(
                f"The model was not asked with other values of {listed}: how much they move it is "
                "unknown, and none of them is flagged."
            )
        return partial(_of_model, observed, of), 0.0, notes
    stand_in = _StandIn.of(observed, of)
    if stand_in is None:
        return (
            lambda attribute, codes, at: None,
            0.0,
            [
                "No model was asked, and there are no labels of two values that a stand-in model "
                "could learn: how much a field moves decisions is unknown, and nothing can be "
                "flagged."
            ],
        )
    noise = stand_in.noise
    return (
        stand_in.movement,
        noise,
        [
            "No model was asked: movement is that of a stand-in model, which learned the label "
            f'"{name(observed.roles.label)}" from all features in half of the rows. It says what a '
            f"model would probably do, not what yours does. Noise moves it by {_points(noise)}, "
            "which is what shuffled fields do at most, and is tolerated besides.",
            _CAVEAT.format("the stand-in model"),
        ],
    )


def _points(move: float) -> str:
    return points(move).lstrip("+")


_CAVEAT = (
    "Fields are swapped one at a time, which breaks their ties to each other: movement is of {}, "
    "not of the world."
)


def _of_model(
    observed: Observed, of: Design, attribute: str, codes: Codes, at: int
) -> Movement | None:
    swap = observed.swaps.get((attribute, of.names[at]))
    if swap is None:
        return None
    known = codes[swap.rows] >= 0
    before, after = swap.before[known], swap.after[known]
    told = np.isfinite(before) & np.isfinite(after)
    before, after = before[told], after[told]
    if swap.amounts:
        both = np.concatenate([before, after])
        return Movement(
            np.abs(after - before),
            int(known.sum()),
            float(both.max() - both.min()) if len(both) else 0.0,
            counts=False,
            scale="number",
            verb="moves the answer by {} on average",
            write=number,
            whose="model",
        )
    what = "label" if observed.roles.outcome == "label" else "decision"
    return Movement(
        (before != after).astype(np.float64),
        int(known.sum()),
        1.0,
        counts=True,
        scale="share",
        verb=f"changes the {what} for {{}} of people",
        write=percent,
        whose="model",
    )


@dataclass(frozen=True, eq=False)
class _StandIn:
    """A model of the label, learned from half of the rows, that answers for the other half.

    It learns from every field and from shuffled copies of it, which are known to tell nothing. What
    the copies move it is noise of learning (Kursa and Rudnicki 2010, Journal of Statistical
    Software 36, 11, who hold fields against the best of the shuffled ones, too). Of `_SHUFFLED`
    copies and one field that tells nothing either, all alike, the field moves it most by a chance
    of one in 21.
    """

    observed: Observed
    matrix: Floats
    """The fields, then all shuffled ones."""
    fields: int
    test: Rows
    answer: Callable[[Floats], Floats]

    @classmethod
    def of(cls, observed: Observed, of: Design) -> _StandIn | None:
        label = observed.roles.label
        if label is None or observed.roles.prediction is not None:
            return None
        codes, levels = observed.codes(label)
        known = np.flatnonzero(codes >= 0)
        if len(levels) != 2 or len(np.unique(codes[known])) < 2:
            return None
        rng = generator(observed.seed, "proxies/shuffled", 0)
        copies = max(2, -(-_SHUFFLED // len(of.names)))
        every = [of.matrix, *(of.matrix[rng.permutation(len(of))] for _ in range(copies))]
        names = tuple(f"{at}/{each}" for at in range(len(every)) for each in of.names)
        padded = Design(np.hstack(every), names, np.tile(of.categorical, len(every)))
        part = folds(codes[known], 2, observed.seed)
        learned = learner(padded, codes, known[part == 0], observed.seed, 2)
        return cls(
            observed,
            padded.matrix,
            len(of.names),
            known[part == 1][:_ASKED],
            lambda x: learned(x)[:, 1],
        )

    @cached_property
    def _donors(self) -> dict[str, Rows]:
        return {each: self.observed.donors(each) for each in self.observed.roles.by}

    @cached_property
    def _before(self) -> Floats:
        return self.answer(self.matrix[self.test])

    @cached_property
    def noise(self) -> float:
        """The mean movement of the shuffled field that moves it most."""
        rng = generator(self.observed.seed, "proxies/noise", 0)
        among = np.arange(len(self.test)) < _ASKED_OF_NOISE
        donors = rng.permutation(self.test)[: int(among.sum())]
        copies = range(self.fields, self.matrix.shape[1])
        return max(float(self._moved(among, donors, at).mean()) for at in copies)

    def movement(self, attribute: str, codes: Codes, at: int) -> Movement:
        known = codes[self.test] >= 0
        moved = self._moved(known, self._donors[attribute][self.test[known]], at)
        return Movement(
            moved,
            len(moved),
            1.0,
            counts=False,
            scale="share",
            verb="moves the chance that a stand-in model predicts by {} on average",
            write=_points,
            whose="stand-in model",
        )

    def _moved(self, among: Mask, donors: Rows, at: int) -> Floats:
        other = self.matrix[self.test[among]]
        other[:, at] = self.matrix[donors, at]
        return np.abs(self.answer(other) - self._before[among])
