"""The gap of every kept pair, and the gap of any set of people with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus._text import count
from paribus.answers import Answers
from paribus.evidence.base import Unit
from paribus.stats.moments import ROUNDING, Moments, mean_interval
from paribus.stats.paired import tango_interval
from paribus.stats.rates import clopper_pearson
from paribus.twins import Contrast

EVERYBODY = "everybody in the declared domain"
"""How a census is measured."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Signs:
    """Pairs of decisions: how many change for the group, and how many against it."""

    people: int
    answered: int
    up: int
    down: int
    most_up: int
    """Changes for the group if every missing answer were one, where it can be."""
    most_down: int

    @property
    def weight(self) -> float:
        """Number of pairs."""
        return float(self.people)

    @property
    def gap(self) -> float:
        """Mean gap of the answered pairs; 0 where there is none."""
        return (self.up - self.down) / self.answered if self.answered else 0.0

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the interval of the gap, widened to the worst case over missing answers."""
        low, _ = tango_interval(self.up, self.most_down, self.people, confidence)
        _, high = tango_interval(self.most_up, self.down, self.people, confidence)
        return low, high


@dataclass(frozen=True)
class Changes:
    """Pairs of labels of which none is better: how many differ."""

    people: int
    answered: int
    changed: int

    @property
    def weight(self) -> float:
        """Number of pairs."""
        return float(self.people)

    @property
    def gap(self) -> float:
        """Share of the answered pairs that differ; 0 where there is none."""
        return self.changed / self.answered if self.answered else 0.0

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the interval of the share, widened to the worst case over missing answers."""
        most = self.changed + self.people - self.answered
        low, _ = clopper_pearson(self.changed, self.people, confidence)
        _, high = clopper_pearson(most, self.people, confidence)
        return low, high


@dataclass(frozen=True)
class Amounts:
    """Pairs of amounts: the moments of their gaps."""

    people: int
    moments: Moments
    spread: float
    """Range of the answers; no gap is wider."""

    @property
    def answered(self) -> int:
        """Pairs with an answer on both sides."""
        return self.moments.count

    @property
    def weight(self) -> float:
        """Number of pairs."""
        return float(self.people)

    @property
    def gap(self) -> float:
        """Mean gap of the answered pairs; 0 where there is none."""
        return self.moments.mean

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the interval of the gap, widened to the worst case over missing answers."""
        ends = [
            mean_interval(moments, confidence, self.spread + abs(moments.mean))
            for moments in self._completed()
        ]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def _completed(self) -> list[Moments]:
        """Complete the gaps with missing ones at their extremes, from all lowest to all highest."""
        gaps, missing = self.moments, self.people - self.moments.count
        if not missing:
            return [gaps]
        steps = sorted({round(missing * i / 16) for i in range(17)})
        extremes = [
            gaps.merge(_constant(self.spread, up)).merge(_constant(-self.spread, missing - up))
            for up in steps
        ]
        return [gaps.merge(_constant(gaps.mean, missing)), *extremes]


@dataclass(frozen=True)
class Exact:
    """Everybody there is: sums of how likely they are, and no chance."""

    people: int
    answered: int
    weight: float
    """How likely these people are."""
    told: float
    """The same of the answered pairs."""
    total: float
    """Weighted sum of the gaps of answered pairs."""
    least: float
    """The same of all pairs, with every missing answer at its least."""
    most: float

    @property
    def gap(self) -> float:
        """Mean gap of the answered pairs; 0 where there is none."""
        return self.total / self.told if self.told > 0 else 0.0

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the gap twice; where answers are missing, the least and the most it can be."""
        if self.answered == self.people or self.weight <= 0:
            return self.gap, self.gap
        return min(self.gap, self.least / self.weight), max(self.gap, self.most / self.weight)


Cell = Signs | Changes | Amounts | Exact
"""The pairs of a set of people, summed up: ``people, answered, weight, gap, interval()``."""


def _constant(value: float, people: int) -> Moments:
    return Moments(people, value, 0.0, value, value) if people else Moments.empty()


def merged(cells: Sequence[Cell]) -> Cell:
    """Put the pairs of different people together."""
    first = cells[0]
    if isinstance(first, Amounts):
        moments = Moments.empty()
        for cell in cells:
            assert isinstance(cell, Amounts)
            moments = moments.merge(cell.moments)
        return replace(first, people=sum(cell.people for cell in cells), moments=moments)
    rows = [vars(cell) for cell in cells]
    return type(first)(**{key: sum(row[key] for row in rows) for key in rows[0]})


@dataclass(frozen=True, eq=False)
class Gaps:
    """The gaps of one contrast, group minus reference, pair by pair.

    Of decisions they are -1, 0 and 1; of labels of which none is better 1 for a change; of amounts
    themselves. Where an answer is missing the gap is 0, and the pair is not `told`.
    """

    answers: Answers
    contrast: Contrast

    @property
    def unit(self) -> Unit:
        """What the mean of the gaps is."""
        outcome = self.answers.outcome
        if outcome.decides:
            return "net gap"
        return "score gap" if outcome.measures else "label change rate"

    @cached_property
    def told(self) -> Mask:
        """Whether both twins have an answer, shape (kept,)."""
        contrast = self.contrast
        return self.answers.answered(contrast.reference) & self.answers.answered(contrast.group)

    @cached_property
    def values(self) -> npt.NDArray[Any]:
        """The gaps, shape (kept,): int8, or float64 of amounts."""
        answers, outcome = self.answers, self.answers.outcome
        r, g = answers.values(self.contrast.reference), answers.values(self.contrast.group)
        if outcome.decides:
            gap = outcome.favors(g).astype(np.int8) - outcome.favors(r).astype(np.int8)
        elif outcome.measures:
            gap = g.astype(np.float64) - r
        else:
            gap = (g != r).astype(np.int8)
        return gap if self._complete else np.where(self.told, gap, gap.dtype.type(0))

    @cached_property
    def spread(self) -> float:
        """Range of the answers: no gap is wider."""
        if self.unit != "score gap":
            return 1.0
        low, high = self.answers.bounds
        return high - low

    @cached_property
    def _complete(self) -> bool:
        return bool(self.told.all())

    def cells(self, sets: npt.NDArray[Any], k: int, among: Mask | None = None) -> list[Cell]:
        """Sum up the pairs of several sets of people.

        Parameters
        ----------
        sets : ndarray of int or bool, shape (kept,)
            The set that each person is in, from 0 to below `k`.
        k : int
            Number of sets.
        among : ndarray of bool, shape (kept,), optional
            The people to count; all of them where left out. Of a census all are counted.
        """
        if is_census(self.answers):
            return list(self._exact(sets.astype(np.intp), k))
        place = (sets if among is None else sets[among]).astype(np.intp)
        gap = self.values if among is None else self.values[among]
        known, known_gap = place, gap
        if not self._complete:
            told = self.told if among is None else self.told[among]
            known, known_gap = place[told], gap[told]
        people = np.bincount(place, minlength=k).tolist()
        if self.unit == "score gap":
            moments = _moments(known, known_gap, k)
            return [Amounts(n, m, self.spread) for n, m in zip(people, moments, strict=True)]
        answered = people if self._complete else np.bincount(known, minlength=k).tolist()
        signs = np.bincount(3 * place + gap + 1, minlength=3 * k).reshape(k, 3)
        down, up = signs[:, 0].tolist(), signs[:, 2].tolist()
        if self.unit == "label change rate":
            return [Changes(*row) for row in zip(people, answered, up, strict=True)]
        most_up, most_down = up, down
        if not self._complete:
            low, high = self.answers.gaps(self.contrast)
            low, high = (end if among is None else end[among] for end in (low, high))
            most_up = np.bincount(place[high > 0], minlength=k).tolist()
            most_down = np.bincount(place[low < 0], minlength=k).tolist()
        rows = zip(people, answered, up, down, most_up, most_down, strict=True)
        return [Signs(*row) for row in rows]

    def _exact(self, place: Index, k: int) -> list[Exact]:
        weights = self.answers.weights
        each = np.full(len(place), 1 / len(place)) if weights is None else weights
        gap = self.values.astype(np.float64)
        least = most = gap
        if not self._complete:
            if self.unit == "net gap":
                least, most = (end.astype(np.float64) for end in self.answers.gaps(self.contrast))
            else:
                floor = 0.0 if self.unit == "label change rate" else -self.spread
                least = np.where(self.told, gap, floor)
                most = np.where(self.told, gap, self.spread)
        counts = [np.bincount(p, minlength=k).tolist() for p in (place, place[self.told])]
        sums = [
            np.bincount(place, weights=each * part, minlength=k).tolist()
            for part in (1.0, self.told, gap, least, most)
        ]
        return [Exact(*row) for row in zip(*counts, *sums, strict=True)]


def is_census(answers: Answers) -> bool:
    """Tell whether all people of the declared domain were asked, and all their answers kept."""
    return answers.exhaustive and answers.kept == answers.people


def _moments(place: Index, gap: Floats, k: int) -> list[Moments]:
    """Give the moments of the gaps at each place."""
    if not len(gap):
        return [Moments.empty()] * k
    n = np.bincount(place, minlength=k)
    some = np.maximum(n, 1)
    # From a gap that is there, so that equal gaps have no rounding error.
    shifted = gap - gap[0]
    means = np.bincount(place, weights=shifted, minlength=k) / some
    rest = shifted - means[place]
    squares = np.bincount(place, weights=rest * rest, minlength=k)
    found = []
    for count_, mean, m2 in zip(n.tolist(), means.tolist(), squares.tolist(), strict=True):
        middle = float(gap[0]) + mean
        # Intervals of means take no notice of the smallest and the largest number.
        found.append(Moments(count_, middle, m2, middle, middle) if count_ else Moments.empty())
    return found


def method_of(unit: Unit, confidence: float, claims: int, noun: str) -> str:
    """Name the interval of a unit, at a confidence that is shared among several claims.

    Examples
    --------
    >>> method_of("net gap", 0.99, 5, "rule")
    'Tango interval at 99 % for 5 rules'
    """
    name = {"net gap": "Tango", "label change rate": "Clopper-Pearson"}.get(unit, "Student")
    return f"{name} interval at {100 * confidence:.4g} % for {count(claims, noun)}"


def difference(one: Cell, other: Cell, confidence: float) -> tuple[float, float]:
    """Give the interval of the gap of some people minus that of others.

    The intervals of both are put together (MOVER): their widths towards each other add as the
    sides of a right angle do, because the people are independent. Where answers are missing the
    widths are not chance, and add up.

    References
    ----------
    Zou and Donner (2008), Statistics in Medicine 27, 1693-1702, equation 5.
    """
    (l1, u1), (l2, u2) = one.interval(confidence), other.interval(confidence)
    middle = one.gap - other.gap
    below, above = (one.gap - l1, u2 - other.gap), (u1 - one.gap, other.gap - l2)
    if one.answered == one.people and other.answered == other.people:
        return middle - math.hypot(*below), middle + math.hypot(*above)
    return middle - sum(below), middle + sum(above)


def candidates(answers: Answers, contrast: Contrast) -> tuple[str, ...]:
    """List the columns that a rule may be about: what the model sees and the twins share.

    A column that follows another protected attribute stands for that attribute, so attributes
    that the model crosses appear in rules under their own name.
    """
    people = answers.twins.people
    names: dict[str, None] = {}
    for name in answers.seen:
        behind = people.attributes_behind(name)
        if behind & set(contrast.attributes):
            continue
        for readable in sorted(behind) or [name]:
            names[readable if people.rows is None or readable in people.rows.names else name] = None
    # Of people as they are: an attribute that the data do not know has no value then.
    known = people.names_in(())
    return tuple(name for name in names if name in known)


def widest(
    answers: Answers, contrasts: Sequence[Contrast], among: Index, most: int
) -> list[Contrast]:
    """Choose the contrasts with the widest gaps among some people, in their declared order.

    Contrasts whose gaps are all equal are left out: there is nothing that could vary.
    """
    sizes = []
    for contrast in contrasts:
        gaps = Gaps(answers, contrast)
        values = gaps.values[among][gaps.told[among]].astype(np.float64)
        varies = len(values) > 0 and float(np.ptp(values)) > ROUNDING * gaps.spread
        sizes.append(float(np.abs(values).mean()) if varies else -1.0)
    order = sorted(range(len(sizes)), key=lambda i: -sizes[i])[:most]
    return [contrasts[i] for i in sorted(order) if sizes[i] >= 0]
