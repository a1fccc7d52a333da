"""Twins weighed one by one, so that an audit may stop as soon as its verdict is proven.

The claims are valid whenever one looks: an e-value bets against each one-sided null hypothesis at
the tolerance, and its p-value holds at every pair (see `paribus.stats.sequential`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from paribus.answers import Answers, BlockAnswers
from paribus.evidence._names import linked_names
from paribus.evidence.base import Row, Step, Test, Unit
from paribus.outcomes import Outcome
from paribus.people.population import People
from paribus.stats.sequential import Walk, running_intersection, size_bounds
from paribus.twins import Contrast, Twins, Version, all_contrasts

Ends = tuple[npt.NDArray[Any], npt.NDArray[Any]]
"""The least and the most that each difference can be: the same where nothing is missing."""


class Sequential(Test):
    """Twins weighed as they come, for audits that stop early."""

    kind: Literal["sequential"] = "sequential"
    cross: tuple[tuple[str, ...], ...] = ()
    """Attributes to cross: each cell is compared with the cell of the references."""

    def needs(self, people: People) -> Sequence[Contrast]:
        return all_contrasts(people, self.cross)

    def weigh(self, answers: Answers, tolerance: float, confidence: float) -> Sequence[Row]:
        watched = Watched(answers.twins, answers.outcome, tolerance, confidence)
        for block in answers.blocks:
            watched.add(block)
        return (*watched.rows(answers.repeatable is not False), *watched.levels())


class Watched:
    """The pairs of an audit as they come: what they prove so far.

    Parameters
    ----------
    twins : Twins
    outcome : Outcome
    tolerance, confidence : float
    levels : bool
        Whether to follow the single levels too, which no verdict needs.
    """

    def __init__(
        self,
        twins: Twins,
        outcome: Outcome,
        tolerance: float,
        confidence: float,
        *,
        levels: bool = True,
    ) -> None:
        self.twins = twins
        self.outcome = outcome
        self.confidence = confidence
        bounded = outcome.bounds == (0.0, 1.0)
        alpha = 1 - confidence
        begin: dict[Unit, Walk] = {}
        if outcome.decides:
            begin["net gap"] = Walk.of_gaps(tolerance, alpha)
            begin["flip rate"] = Walk.of_flips(tolerance, alpha)
        if outcome.kind == "label":
            begin["label change rate"] = Walk.of_flips(tolerance, alpha)
        if outcome.measures and bounded:
            begin["score gap"] = Walk.of_scores(tolerance, alpha)
            begin["absolute gap"] = Walk.of_sizes(tolerance, alpha)
        contrasts = [c for c in twins.contrasts if c.kind != "placebo"]
        self._walks = {contrast: dict(begin) for contrast in contrasts}
        self._counts: dict[Contrast, npt.NDArray[np.int64]] = {
            contrast: np.zeros(4, dtype=np.int64) for contrast in contrasts
        }
        self._sums = dict.fromkeys(contrasts, (0.0, 0.0))
        level = Walk.of_flips(1.0, alpha) if outcome.decides else Walk.of_sizes(1.0, alpha)
        versions = [v for c in contrasts for v in (c.reference, c.group)] if levels else []
        self._levels = dict.fromkeys(versions, level)
        self._told = dict.fromkeys(versions, 0)
        self._totals = dict.fromkeys(versions, 0.0)
        self.people = 0

    @staticmethod
    def names_in_the_way(twins: Twins, seen: tuple[str, ...]) -> str | None:
        """Name a field that the model sees and whose values are names, each a draw of many."""
        each = (linked_names(twins.people, contrast, seen) for contrast in twins.contrasts)
        return next((name for names in each for name in names), None)

    def add(self, block: BlockAnswers) -> None:
        """Weigh the next run of people."""
        self.people += len(block)
        for contrast, walks in self._walks.items():
            places = [self.twins.place(v) for v in (contrast.reference, contrast.group)]
            told = _told(block, places)
            for unit in walks:
                walks[unit] = walks[unit].after(*self._differences(unit, block, places, told))
            r, g = (block.values[place][told] for place in places)
            changed = int(np.count_nonzero(r != g))
            against = favor = 0
            if self.outcome.decides:
                favored = [self.outcome.favors(values) for values in (r, g)]
                against = int(np.count_nonzero(favored[0] > favored[1]))
                favor = int(np.count_nonzero(favored[1] > favored[0]))
            here = np.array([against, favor, changed, len(r)], dtype=np.int64)
            self._counts[contrast] = self._counts[contrast] + here
            if self.outcome.measures:
                total, size = self._sums[contrast]
                gaps = g - r
                self._sums[contrast] = total + float(gaps.sum()), size + float(np.abs(gaps).sum())
        for version in self._levels:
            self._add_level(version, block)

    def copy(self) -> Watched:
        """Give what is known so far, to be told of other people than the original is."""
        other = copy(self)
        other._walks = {contrast: dict(walks) for contrast, walks in self._walks.items()}
        other._counts, other._sums = dict(self._counts), dict(self._sums)
        other._levels = dict(self._levels)
        other._told, other._totals = dict(self._told), dict(self._totals)
        return other

    def _differences(
        self, unit: Unit, block: BlockAnswers, places: Sequence[int], told: npt.NDArray[np.bool_]
    ) -> Ends:
        if unit in {"net gap", "flip rate"}:
            low, high = block.gaps(self.outcome, places[0], places[1])
            return (low, high) if unit == "net gap" else size_bounds(low, high)
        r, g = (block.values[place] for place in places)
        if unit == "label change rate":
            changed = (r != g).astype(np.int8)
            return np.where(told, changed, 0), np.where(told, changed, 1)
        gap = np.where(told, g - r, 0.0)
        if unit == "score gap":
            return np.where(told, gap, -1.0), np.where(told, gap, 1.0)
        return np.where(told, np.abs(gap), 0.0), np.where(told, np.abs(gap), 1.0)

    def _add_level(self, version: Version, block: BlockAnswers) -> None:
        place = self.twins.place(version)
        told = _told(block, [place])
        values = np.where(told, block.values[place], block.values[place].dtype.type(0))
        if self.outcome.decides:
            amounts: npt.NDArray[Any] = self.outcome.favors(values).astype(np.int8)
        elif self.outcome.bounds == (0.0, 1.0):
            amounts = values
        else:
            return
        ends = np.where(told, amounts, 0), np.where(told, amounts, 1)
        self._levels[version] = self._levels[version].after(*ends)
        self._told[version] += int(told.sum())
        self._totals[version] += float(amounts[told].sum())

    def rows(self, steady: bool, *, trails: bool = True) -> list[Row]:
        """Give what is proven now.

        Parameters
        ----------
        steady : bool
            Whether the model repeats itself: else changes of single answers are no evidence.
        trails : bool
            Whether to work out the intervals, which no verdict needs; else they say nothing.
        """
        return [
            self._row(contrast, unit, walk, steady, trails)
            for contrast, walks in self._walks.items()
            for unit, walk in walks.items()
        ]

    def _row(self, contrast: Contrast, unit: Unit, walk: Walk, steady: bool, trails: bool) -> Row:
        against, favor, changed, told = (int(n) for n in self._counts[contrast])
        signed = unit in {"net gap", "score gap"}
        total: float = {
            "net gap": favor - against,
            "flip rate": favor + against,
            "label change rate": changed,
            "score gap": self._sums[contrast][0],
            "absolute gap": self._sums[contrast][1],
        }[unit]
        estimate = float(total) / told if told else 0.0
        floor = -1.0 if signed else 0.0
        trail: tuple[Step, ...] = (Step(pairs=walk.pairs, low=floor, high=1.0),)
        if trails:
            trail = tuple(_trail(walk, self.confidence))
        low, high = _around(estimate, trail, floor)
        decided = unit in {"net gap", "flip rate"}
        return Row(
            **self._about(contrast, told),
            unit=unit,
            estimate=estimate,
            low=low,
            high=high,
            p=walk.p_outside,
            p_outside=walk.p_outside,
            p_within=walk.p_within,
            held=signed or steady,
            nested=not signed,
            flips_against=against if decided else None,
            flips_for=favor if decided else None,
            settled=walk.settled_at,
            trail=trail,
            method="e-values, valid at any time",
        )

    def _about(self, contrast: Contrast, told: int) -> dict[str, Any]:
        return {
            "test": "sequential",
            "contrast": contrast.kind,
            "attribute": contrast.attribute,
            "reference": contrast.reference_name,
            "group": contrast.group_name,
            "people": self.people,
            "answered": told,
        }

    def levels(self) -> Iterator[Row]:
        """Give the rate of favorable answers, or the mean answer, of each level and cell."""
        begun: set[tuple[str, ...]] = set()
        for contrast in self._walks:
            sides = [(contrast.group_name, contrast.group)]
            if contrast.attributes not in begun:
                begun.add(contrast.attributes)
                sides.insert(0, (contrast.reference_name, contrast.reference))
            for name, version in sides:
                walk = self._levels[version]
                if not walk.pairs:
                    continue
                told = self._told[version]
                rate = self._totals[version] / told if told else 0.0
                low, high = _around(rate, tuple(_trail(walk, self.confidence)), 0.0)
                what = {**self._about(contrast, told), "reference": "", "group": name}
                yield Row(
                    **what,
                    unit="favorable rate" if self.outcome.decides else "mean answer",
                    estimate=rate,
                    low=low,
                    high=high,
                    method="e-values, valid at any time",
                )


def _told(block: BlockAnswers, places: Sequence[int]) -> npt.NDArray[np.bool_]:
    told = np.ones(len(block), bool)
    for place in places:
        missing = block.missing[place]
        if missing is not None:
            told &= missing == 0
    return told


def _trail(walk: Walk, confidence: float) -> Iterator[Step]:
    """Give the intervals along the way, each within all before it: all hold at once."""
    pairs, lows, highs = walk.sequence(confidence)
    narrowed = running_intersection(lows, highs)
    for n, low, high, least, most in zip(pairs, *narrowed, lows, highs, strict=True):
        if low > high:
            # They have nothing in common: one of them missed the truth, as one in 20 trails may.
            low, high = least, most
        yield Step(pairs=int(n), low=float(low), high=float(high))


def _around(estimate: float, trail: Sequence[Step], floor: float) -> tuple[float, float]:
    """Give the last interval, and the estimate within it: earlier ones may have excluded it."""
    if not trail:
        return floor, 1.0
    return min(trail[-1].low, estimate), max(trail[-1].high, estimate)
