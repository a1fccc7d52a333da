"""Where a gap lives, as readable rules.

Rules are looked for among one half of the people; their gaps are measured on the other half, who
had no part in finding them, at a confidence that is shared among all rules that are measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pydantic

from paribus._seeds import generator
from paribus.answers import Answers
from paribus.evidence._cells import (
    EVERYBODY,
    Cell,
    Floats,
    Gaps,
    Index,
    Mask,
    candidates,
    difference,
    is_census,
    merged,
    method_of,
    widest,
)
from paribus.evidence._columns import everyone, few, inside, some
from paribus.evidence._cuts import sharpened
from paribus.evidence._rules import Grid, Limits, Search, Terms
from paribus.evidence.base import Condition, Row, Test
from paribus.people.population import People
from paribus.stats.moments import ROUNDING
from paribus.twins import Contrast, all_contrasts

_RESAMPLES = 20
"""Resamples in which a rule is looked for again."""

_RESAMPLED = 2_500
"""People in a resample, at most."""

_SAME = 0.8
"""Two rules are the same where this share of the people of either one are those of both."""

_NEARLY = 0.25
"""Gaps that differ by less than this share of the wider one are nearly the same."""

_FEWEST = 20
"""People among whom rules are looked for, at least."""

Rule = tuple[Condition, ...]


class Regions(Test):
    """Rules such as ``income <= 79,997`` that say where a gap lives.

    Of every contrast of levels and of cells of crossed attributes, the rules whose gap differs
    from zero and lies beyond the gap of everybody else, those that explain most of it first.
    """

    kind: Literal["regions"] = "regions"
    depth: int = pydantic.Field(default=3, ge=1, le=6)
    """Conditions in a rule, at most."""
    smallest: float = pydantic.Field(default=0.02, gt=0, lt=0.5)
    """The smallest share of people that a rule may be about."""
    most: int = pydantic.Field(default=5, ge=1)
    """Rules for one contrast, at most: those that explain most of the gap."""
    contrasts: int = pydantic.Field(default=12, ge=1)
    """Contrasts that are searched, at most: those with the widest gaps."""

    def needs(self, people: People) -> Sequence[Contrast]:
        return all_contrasts(people)

    def weigh(self, answers: Answers, tolerance: float, confidence: float) -> Sequence[Row]:
        if answers.weights is not None and not is_census(answers):
            # A part of everybody, who are not equally likely, is no sample.
            return []
        halves = _Halves.of(answers)
        weighed = [c for c in answers.tallies if c.kind in {"level", "cell"}]
        sought = [
            _Sought.of(self, Gaps(answers, contrast), halves)
            for contrast in widest(answers, weighed, halves.shape, self.contrasts)
        ]
        suggested = [each.suggestions(tolerance) for each in sought]
        # A rule that fails among the very people who suggest it is not worth a claim: the fewer
        # rules are measured, the narrower are their intervals.
        shared = 1 - (1 - confidence) / max(1, sum(len(rules) for rules in suggested))
        suggested = [
            [rule for rule in rules if each.says_something(rule.first, shared)]
            for each, rules in zip(sought, suggested, strict=True)
        ]
        claims = sum(len(rules) for rules in suggested)
        rows: list[Row] = []
        for each, rules in zip(sought, suggested, strict=True):
            rows.extend(each.borne_out(rules, confidence, claims))
        return rows


def people_in(answers: Answers, rule: Sequence[Condition]) -> Mask:
    """Tell which of the kept people a rule is about, shape (kept,).

    So that whoever doubts a region, or a bar of a profile, can look at its people.
    """
    return inside(everyone(answers, _named([rule])), rule)


@dataclass(frozen=True, eq=False)
class _Halves:
    """Who suggests rules, and who measures them; a census leaves nothing to chance."""

    first: Mask
    second: Mask
    shape: Index
    """The people of the first half who suggest the shape of rules."""
    whole: bool

    @classmethod
    def of(cls, answers: Answers) -> _Halves:
        whole = is_census(answers)
        if whole:
            first = second = np.ones(answers.kept, dtype=bool)
        else:
            seed = answers.twins.people.seed
            first = generator(seed, "regions/half", 0).random(answers.kept) < 0.5
            second = ~first
        return cls(first, second, few(answers, np.flatnonzero(first), "regions/shape"), whole)


@dataclass(frozen=True, eq=False)
class _Suggestion:
    terms: Terms
    rule: Rule
    held: Mask
    """The people whom the rule is about, shape (kept,)."""
    first: Sequence[Cell]
    """The pairs of those who suggest rules: of nobody's people, of the rule's alone, of better
    rules' alone, and of those of both."""
    second: Sequence[Cell]
    """The same of those who measure."""


@dataclass(frozen=True, eq=False)
class _Sought:
    """One contrast, and what the rules about its gap are looked for with."""

    test: Regions
    gaps: Gaps
    halves: _Halves
    shape: Index
    grids: Mapping[str, Grid]
    search: Search | None
    gap: Floats
    """Of the people in `shape`: their gaps, the widest being 1 in size."""

    @classmethod
    def of(cls, test: Regions, gaps: Gaps, halves: _Halves) -> _Sought:
        shape = halves.shape[gaps.told[halves.shape]]
        gap = gaps.values[shape].astype(np.float64)
        scale = float(np.abs(gap).max(initial=0.0))
        grids: dict[str, Grid] = {}
        fewest = 2 if halves.whole else _FEWEST
        if len(shape) >= fewest and float(gap.std()) > ROUNDING * gaps.spread:
            sample = some(gaps.answers, candidates(gaps.answers, gaps.contrast), shape)
            laid = [Grid.of(column, test.smallest) for column in sample.values()]
            grids = {grid.name: grid for grid in laid if grid is not None}
        limits = Limits(test.depth, test.smallest, test.most)
        search = Search(list(grids.values()), limits) if grids else None
        return cls(test, gaps, halves, shape, grids, search, gap / (scale or 1.0))

    def suggestions(self, tolerance: float) -> list[_Suggestion]:
        """Look for rules among the people of the first half."""
        if self.search is None:
            return []
        weights = self.gaps.answers.weights
        w = None if weights is None else weights[self.shape]
        found = list(self.search.rules(np.arange(len(self.shape)), self.gap, w))
        rough = [self.search.conditions(terms) for terms in found]
        fields = everyone(self.gaps.answers, _named(rough))
        among = self.halves.first & self.gaps.told
        covered = np.zeros(len(among), dtype=bool)
        kept: list[_Suggestion] = []
        for terms, rule in zip(found, rough, strict=True):
            sharp = sharpened(rule, self.grids, fields, self.gaps, among, self.test.smallest)
            held = inside(fields, sharp)
            among = among & ~held
            suggestion = _Suggestion(terms, sharp, held, *self._cells(held, covered))
            gap = _rule_of(suggestion.first).gap
            if abs(gap) > tolerance and not any(self._repeats(suggestion, one) for one in kept):
                kept.append(suggestion)
                covered = covered | held
        return kept

    def _cells(self, held: Mask, covered: Mask) -> tuple[list[Cell], list[Cell]]:
        """Sum up the pairs of both halves in one go."""
        sets = held.astype(np.int8) + np.int8(2) * covered.astype(np.int8)
        if self.halves.whole:
            cells = self.gaps.cells(sets, 4)
            return cells, cells
        cells = self.gaps.cells(sets + np.int8(4) * self.halves.second.astype(np.int8), 8)
        return cells[:4], cells[4:]

    def _repeats(self, rule: _Suggestion, better: _Suggestion) -> bool:
        """Tell whether a rule is about the same people as a better one, with nearly its gap."""
        sizes = [int(np.count_nonzero(one.held & self.halves.first)) for one in (rule, better)]
        both = np.count_nonzero(rule.held & better.held & self.halves.first)
        if both <= _SAME * min(sizes):
            return False
        gaps = [_rule_of(one.first).gap for one in (rule, better)]
        return abs(gaps[0] - gaps[1]) <= _NEARLY * max(abs(gap) for gap in gaps)

    def borne_out(
        self, suggested: Sequence[_Suggestion], confidence: float, claims: int
    ) -> list[Row]:
        """Measure rules on the people of the second half, and keep those that say something."""
        if not suggested:
            return []
        shared = 1 - (1 - confidence) / claims
        kept = [rule for rule in suggested if self.says_something(rule.second, shared)]
        again = self._again(kept)
        size = self._size()
        rows = [
            self._row(suggestion, size, stability, shared, claims)
            for suggestion, stability in zip(kept, again, strict=True)
        ]
        return sorted(rows, key=lambda row: -(row.explained or 0.0))

    def says_something(self, cells: Sequence[Cell], confidence: float) -> bool:
        """Tell whether a rule is about enough people, with a gap beyond that of the others."""
        nobody, own, better, _ = cells
        rule, rest = _rule_of(cells), merged([nobody, better])
        if rule.weight < self.test.smallest * (rule.weight + rest.weight):
            return False
        # Its people must have a gap, not merely some whom a better rule is about as well.
        return self._beyond(rule, rest, confidence) and self._beyond(own, nobody, confidence)

    def _beyond(self, cell: Cell, rest: Cell, confidence: float) -> bool:
        """Tell whether a gap differs from 0, and lies beyond that of the others."""
        low, high = cell.interval(confidence)
        if not cell.answered or not rest.answered or low <= 0 <= high:
            return False
        least, most = difference(cell, rest, confidence)
        rounding = ROUNDING * self.gaps.spread
        return least > rounding if low > 0 else most < -rounding

    def _size(self) -> float:
        """Give the mean size of the gaps in the second half, whatever their sign."""
        counted = self.halves.second & self.gaps.told
        sizes = np.abs(self.gaps.values[counted], dtype=np.float64)
        weights = self.gaps.answers.weights
        if weights is not None and float(weights[counted].sum()) > 0:
            return float(np.average(sizes, weights=weights[counted]))
        return float(sizes.mean()) if len(sizes) else 0.0

    def _row(
        self,
        suggestion: _Suggestion,
        size: float,
        stability: float | None,
        confidence: float,
        claims: int,
    ) -> Row:
        rule, whole = _rule_of(suggestion.second), merged(suggestion.second)
        contrast = self.gaps.contrast
        low, high = rule.interval(confidence)
        share = rule.weight / whole.weight
        exact = self.halves.whole
        return Row(
            test="regions",
            unit=self.gaps.unit,
            contrast=contrast.kind,
            attribute=contrast.attribute,
            reference=contrast.reference_name,
            group=contrast.group_name,
            people=rule.people,
            answered=rule.answered,
            estimate=rule.gap,
            low=low,
            high=high,
            rule=suggestion.rule,
            share=share,
            explained=_explained(share, rule.gap, whole.gap, size),
            stability=stability,
            method=EVERYBODY if exact else method_of(self.gaps.unit, confidence, claims, "rule"),
            exact=exact,
        )

    def _again(self, suggested: Sequence[_Suggestion]) -> list[float | None]:
        """Look for rules among resamples, and count in how many of them each is found again."""
        if self.halves.whole or not suggested or self.search is None:
            return [None] * len(suggested)
        n = len(self.shape)
        everybody = np.arange(n)
        known = [(_fields(s.terms), s.held[self.shape]) for s in suggested]
        hits = [0] * len(suggested)
        for i in range(_RESAMPLES):
            rng = generator(self.gaps.answers.twins.people.seed, "regions/resample", i)
            drawn = rng.integers(0, n, min(n, _RESAMPLED))
            missed = dict(enumerate(known))
            for terms in self.search.rules(drawn, self.gap[drawn]):
                fields, held = _fields(terms), self.search.holds(terms, everybody)
                found = [
                    at
                    for at, (same, mask) in missed.items()
                    if same == fields and _alike(held, mask)
                ]
                for at in found:
                    hits[at] += 1
                    del missed[at]
                if not missed:
                    break
        return [hit / _RESAMPLES for hit in hits]


def _rule_of(cells: Sequence[Cell]) -> Cell:
    _, own, _, both = cells
    return merged([own, both])


def _explained(share: float, gap: float, whole: float, size: float) -> float:
    """Give the part of the whole gap that lies in a region.

    Where gaps of both signs cancel, the part of the sizes of all gaps.
    """
    if size <= 0:
        return 0.0
    part = gap / whole if abs(whole) >= size / 2 else abs(gap) / size
    return min(1.0, max(0.0, share * part))


def _alike(one: Mask, other: Mask) -> bool:
    both = int(np.count_nonzero(one & other))
    return both >= _SAME * int(np.count_nonzero(one | other))


def _fields(terms: Terms) -> frozenset[int]:
    return frozenset(term.field for term in terms)


def _named(rules: Iterable[Sequence[Condition]]) -> list[str]:
    return list(dict.fromkeys(part.field for rule in rules for part in rule))
