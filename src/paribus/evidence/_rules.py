"""The search for rules: which few conditions set apart the people with the widest gaps.

Conditions are looked for on grids of at most 256 values a field: single fields and bands of them,
then all pairs of fields, then the best rules again with one more condition. Each cut is then
moved to where it serves best while the others hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from paribus.evidence._cells import Floats, Index, Mask
from paribus.evidence._columns import MISSING, Known, condition
from paribus.evidence.base import Condition

_FINE = 250
"""Cuts of a field, at most; one byte holds the place of a value among them."""

_COARSE = 24
"""Places of a field on the grid of pairs, a missing value's among them."""

_SIDES = 2 * _COARSE
"""Conditions on one field on that grid, at most."""

_BEAM = 6
"""Rules that are tried with one more condition."""

_PAIRED = 12
"""Fields of which all pairs are tried, at most: those with the best conditions of their own."""

_LEAST = 0.005
"""A rule explains at least this share of the variance of the gap, and so does each condition."""

_BETTER = 1.2
"""One more condition must explain this much more."""

Relation = Literal["<=", ">", "is", "is not"]
Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True, order=True)
class Term:
    """A condition on a grid: which field, which relation, and the place of its value."""

    field: int
    relation: Relation
    place: int


Terms = tuple[Term, ...]


@dataclass(frozen=True, eq=False)
class Grid:
    """A field in places: numbers between cuts, or categories. The last place may be a missing one.

    A number at place `i` lies above cut ``i - 1`` and not above cut `i`.
    """

    name: str
    codes: Codes
    cuts: Floats | None
    categories: tuple[str, ...]
    """Of categories: those that are frequent enough for a rule; place ``len`` holds the others."""
    missing: int
    """Place of missing values; -1 where there are none."""

    @classmethod
    def of(cls, known: Known, smallest: float) -> Grid | None:
        """Lay a grid over a column; None where no condition would set enough people apart."""
        gone = known.missing
        any_gone = bool(gone.any())
        if known.numbers is not None:
            present = known.numbers[~gone]
            values = np.unique(present)
            cuts = values[:-1]
            if len(cuts) > _FINE:
                ranked = np.sort(present)
                at = np.linspace(0, len(ranked) - 1, _FINE + 2).astype(np.intp)[1:-1]
                cuts = np.unique(ranked[at])
                cuts = cuts[cuts < values[-1]]
            if not len(cuts) and not any_gone:
                return None
            codes = np.searchsorted(cuts, known.numbers).astype(np.uint8)
            codes[gone] = len(cuts) + 1
            return cls(known.name, codes, cuts, (), len(cuts) + 1 if any_gone else -1)
        assert known.codes is not None
        counts = np.bincount(known.codes[~gone], minlength=len(known.categories))
        order = np.argsort(-counts, kind="stable")[: _COARSE - 2]
        frequent = order[counts[order] >= max(1.0, smallest * len(known))]
        if not len(frequent) and not any_gone:
            return None
        # One more for the missing ones, whose code is -1.
        places = np.full(len(known.categories) + 1, len(frequent), dtype=np.uint8)
        places[frequent] = np.arange(len(frequent), dtype=np.uint8)
        places[-1] = len(frequent) + 1
        codes = places[known.codes]
        if (codes == codes[0]).all():
            return None
        names = tuple(known.categories[i] for i in frequent)
        return cls(known.name, codes, None, names, len(frequent) + 1 if any_gone else -1)

    @cached_property
    def size(self) -> int:
        """Number of places."""
        last = len(self.categories) if self.cuts is None else len(self.cuts)
        return max(last, self.missing) + 1

    @cached_property
    def coarse(self) -> Index:
        """For each fine place its place on the grid of pairs."""
        if self.cuts is None:
            return np.arange(self.size)
        cuts = self._few_cuts
        places = np.searchsorted(cuts, np.arange(self.size))
        if self.missing >= 0:
            places[self.missing] = len(cuts) + 1
        return places

    @cached_property
    def _few_cuts(self) -> Index:
        assert self.cuts is not None
        if len(self.cuts) <= _COARSE - 2:
            return np.arange(len(self.cuts))
        counts = np.bincount(self.codes, minlength=self.size)[: len(self.cuts) + 1]
        wanted = np.arange(1, _COARSE - 1) / (_COARSE - 1) * counts.sum()
        return np.unique(np.searchsorted(np.cumsum(counts), wanted).clip(0, len(self.cuts) - 1))

    def terms(self, field: int) -> list[Term]:
        """List the conditions on the grid of pairs."""
        if self.cuts is None:
            single = range(len(self.categories))
            found = [Term(field, "is", i) for i in single]
            found += [Term(field, "is not", i) for i in single]
        else:
            places = self._few_cuts.tolist()
            found = [Term(field, "<=", i) for i in places] + [Term(field, ">", i) for i in places]
        if self.missing >= 0:
            found += [Term(field, "is", self.missing), Term(field, "is not", self.missing)]
        return found

    def table(self, term: Term) -> Mask:
        """Tell for each place whether a condition holds there, shape (size,)."""
        places = np.arange(self.size)
        held: Mask
        if term.relation in {"is", "is not"}:
            held = (places == term.place) == (term.relation == "is")
        elif term.relation == "<=":
            held = places <= term.place
        else:
            held = (places > term.place) & (places != self.missing)
        return held

    def condition(self, term: Term) -> Condition:
        """Write a term down, with the cut where the grid has it."""
        if term.place == self.missing:
            return condition(self.name, term.relation, MISSING)
        if self.cuts is None:
            return condition(self.name, term.relation, self.categories[term.place])
        return condition(self.name, term.relation, float(self.cuts[term.place]))


@dataclass(frozen=True)
class Limits:
    """What a rule may be."""

    depth: int
    smallest: float
    most: int


@dataclass(frozen=True, eq=False)
class _Scored:
    terms: Terms
    gain: float


@dataclass(frozen=True, eq=False)
class _Sums:
    """Totals of the people among whom rules are looked for."""

    weight: float
    total: float
    least: float
    """Weight of a rule at least, and of the people outside it."""

    def gains(self, weight: Any, total: Any) -> Any:
        """Give the variance between the people of each rule and the rest.

        Only where the rule has the wider gap: its complement says the same of the other side. No
        gain (-1) where too few people are inside or outside.
        """
        outside = self.weight - weight
        # Weight times the difference of the means of inside and outside, times what is outside.
        excess = total * self.weight - weight * self.total
        fits = (weight >= self.least) & (outside >= self.least) & (total * excess > 0)
        between = np.divide(
            excess * excess, weight * outside, out=-np.ones_like(excess), where=fits
        )
        return np.where(fits, between / self.weight**2, -1.0)


class Search:
    """A search over the grids of some fields, for the gaps of some people.

    Parameters
    ----------
    grids : sequence of Grid
        With n people each.
    limits : Limits
    """

    def __init__(self, grids: Sequence[Grid], limits: Limits) -> None:
        self.grids = grids
        self.limits = limits
        self.terms = [grid.terms(i) for i, grid in enumerate(grids)]
        self._codes = np.stack([grid.codes for grid in grids])
        self._coarse = np.stack([grid.coarse.astype(np.uint8)[grid.codes] for grid in grids])
        self._sides = np.zeros((len(grids), _SIDES, _COARSE))
        for i, grid in enumerate(grids):
            for j, term in enumerate(self.terms[i]):
                self._sides[i, j, grid.coarse] = grid.table(term)
        self._conditions = sum(len(terms) for terms in self.terms)

    def rules(self, people: Index, gap: Floats, weight: Floats | None = None) -> Iterator[Terms]:
        """Find the few rules that explain most of the variance of a gap, one after the other.

        Once a rule is found, the next one is looked for among the people it is not about.

        Parameters
        ----------
        people : ndarray of int, shape (m,)
            Positions of people on the grids; repeats count.
        gap, weight : ndarray of float, shape (m,)
            Their gaps, at most 1 in size, and how much each of them counts.
        """
        w = np.ones(len(people)) if weight is None else weight
        least = max(self.limits.smallest * float(w.sum()), 5.0 if weight is None else 0.0)
        variance = _variance(gap, w)
        left = np.arange(len(people))
        for _ in range(self.limits.most):
            if not len(left) or variance <= 0:
                return
            # Of all people's variance, so that what is left of a gap need not be worth a rule.
            floor = _LEAST * variance * float(w.sum()) / float(w[left].sum())
            best = self._best(people[left], gap[left], w[left], least, floor)
            if best is None:
                return
            yield best
            left = left[~self.holds(best, people[left])]

    def holds(self, terms: Terms, people: Index) -> Mask:
        """Tell for which people all terms of a rule hold."""
        held = np.ones(len(people), dtype=bool)
        for term in terms:
            held &= self.grids[term.field].table(term)[self._codes[term.field, people]]
        return held

    def conditions(self, terms: Terms) -> tuple[Condition, ...]:
        """Write a rule down."""
        return tuple(self.grids[term.field].condition(term) for term in terms)

    # --- one rule ---------------------------------------------------------------------------------

    def _best(
        self, people: Index, gap: Floats, w: Floats, least: float, floor: float
    ) -> Terms | None:
        """Find the rule that explains most, with no condition that explains nothing."""
        sums = _Sums(float(w.sum()), float(w @ gap), least)
        if sums.weight < 2 * least:
            return None
        here = _Here(self, people, gap, w, sums)
        levels: dict[int, list[_Scored]] = {}
        for scored in here.begun():
            levels.setdefault(len(scored.terms), []).append(scored)
        for depth in range(1, self.limits.depth + 1):
            ranked = _ranked(levels.get(depth, []))
            levels[depth] = ranked
            if depth < self.limits.depth:
                levels.setdefault(depth + 1, []).extend(here.refined(ranked[:_BEAM]))
        unexplained = _variance(gap, w)
        chosen, base = None, 0.0
        for depth in range(1, self.limits.depth + 1):
            better = max(
                (here.improved(scored) for scored in levels[depth][:1]),
                key=lambda scored: scored.gain,
                default=None,
            )
            if better is None or better.gain < max(_BETTER * base, base + floor):
                continue
            added = depth - (len(chosen.terms) if chosen is not None else 0)
            # What the best of so many conditions would explain by chance (Foster and George 1994,
            # Annals of Statistics 22, 1947-1975).
            chance = 2 * math.log(max(2, self._conditions)) * added
            noise = max(unexplained - better.gain, 0.0) / len(people)
            if better.gain - base >= chance * noise:
                chosen, base = better, better.gain
        return chosen.terms if chosen is not None else None


class _Here:
    """The people among whom one rule is looked for."""

    def __init__(self, search: Search, people: Index, gap: Floats, w: Floats, sums: _Sums) -> None:
        self.search = search
        self.gap, self.w, self.sums = gap, w, sums
        self.weighted = w * gap
        self.codes = search._codes[:, people]
        self.coarse = search._coarse[:, people].astype(np.intp)

    def begun(self) -> list[_Scored]:
        """Give the best conditions, bands and pairs of conditions."""
        search, sums = self.search, self.sums
        counts, totals = self._single(slice(None))
        gains = self._gains(counts, totals)
        found = [
            _Scored((search.terms[i][j],), float(gains[i, j]))
            for i in range(len(gains))
            for j in np.argsort(-gains[i], kind="stable")[:2].tolist()
            if gains[i, j] > 0
        ]
        if search.limits.depth == 1:
            return found
        found += [band for i in range(len(gains)) for band in self._bands(i, counts[i], totals[i])]
        alone = np.argsort(-gains.max(axis=1), kind="stable")[:_PAIRED]
        pairs = list(combinations(sorted(alone.tolist()), 2))
        for start in range(0, len(pairs), 64):
            found += self._pairs(pairs[start : start + 64], sums)
        return found

    def refined(self, rules: Sequence[_Scored]) -> list[_Scored]:
        """Give each rule with the one more condition that serves best."""
        found = []
        for rule in rules:
            inner = np.flatnonzero(self._holds(rule.terms))
            gains = self._gains(*self._single(inner))
            for at in np.argsort(-gains, axis=None, kind="stable")[:2].tolist():
                i, j = divmod(at, _SIDES)
                if gains[i, j] > 0:
                    terms = _tightest((*rule.terms, self.search.terms[i][j]))
                    if len(terms) > len(rule.terms):
                        found.append(_Scored(terms, float(gains[i, j])))
        return found

    def improved(self, rule: _Scored) -> _Scored:
        """Move each cut, on the fine grid, to where it serves best while the others hold."""
        for _ in range(2):
            before = rule.gain
            for at, term in enumerate(rule.terms):
                rule = self._moved(rule, at, term)
            if rule.gain <= before:
                break
        return rule

    def _moved(self, rule: _Scored, at: int, term: Term) -> _Scored:
        grid = self.search.grids[term.field]
        if grid.cuts is None or term.place == grid.missing or not len(grid.cuts):
            return rule
        others = (*rule.terms[:at], *rule.terms[at + 1 :])
        held = self._holds(others)
        codes = self.codes[term.field][held]
        k = len(grid.cuts)
        counts = np.bincount(codes, weights=self.w[held], minlength=grid.size)[: k + 1]
        totals = np.bincount(codes, weights=self.weighted[held], minlength=grid.size)[: k + 1]
        below, total = np.cumsum(counts), np.cumsum(totals)
        if term.relation == "<=":
            gains = self.sums.gains(below[:-1], total[:-1])
        else:
            gains = self.sums.gains(below[-1] - below[:-1], total[-1] - total[:-1])
        best = int(np.argmax(gains))
        if gains[best] <= rule.gain:
            return rule
        moved = Term(term.field, term.relation, best)
        return _Scored((*rule.terms[:at], moved, *rule.terms[at + 1 :]), float(gains[best]))

    def _holds(self, terms: Terms) -> Mask:
        held = np.ones(len(self.gap), dtype=bool)
        for term in terms:
            held &= self.search.grids[term.field].table(term)[self.codes[term.field]]
        return held

    def _single(self, among: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Count the people in each place of each field, and add up their gaps."""
        coarse = self.coarse[:, among]
        fields = len(coarse)
        place = (coarse + _COARSE * np.arange(fields)[:, None]).ravel()
        counts = np.bincount(place, np.tile(self.w[among], fields), minlength=fields * _COARSE)
        totals = np.bincount(
            place, np.tile(self.weighted[among], fields), minlength=fields * _COARSE
        )
        return counts.reshape(fields, _COARSE), totals.reshape(fields, _COARSE)

    def _gains(self, counts: npt.NDArray[Any], totals: npt.NDArray[Any]) -> Floats:
        """Give the gain of each condition on each field, shape (fields, sides)."""
        sides = self.search._sides
        weight = np.matmul(sides, counts[:, :, None])[:, :, 0]
        total = np.matmul(sides, totals[:, :, None])[:, :, 0]
        gains: Floats = self.sums.gains(weight, total)
        return gains

    def _bands(
        self, field: int, counts: npt.NDArray[Any], totals: npt.NDArray[Any]
    ) -> list[_Scored]:
        """Give the best ``low < x <= high`` of a field of numbers."""
        grid = self.search.grids[field]
        if grid.cuts is None or len(grid._few_cuts) < 2:
            return []
        cuts = grid._few_cuts
        k = len(cuts)
        below, total = np.cumsum(counts[: k + 1])[:k], np.cumsum(totals[: k + 1])[:k]
        gains = self.sums.gains(below[None, :] - below[:, None], total[None, :] - total[:, None])
        low, high = divmod(int(np.argmax(gains)), k)
        if gains[low, high] <= 0 or low >= high:
            return []
        terms = (Term(field, ">", int(cuts[low])), Term(field, "<=", int(cuts[high])))
        return [_Scored(terms, float(gains[low, high]))]

    def _pairs(self, pairs: Sequence[tuple[int, int]], sums: _Sums) -> list[_Scored]:
        """Give the best two conditions of each pair of fields."""
        size = _COARSE * _COARSE
        counts = np.empty((len(pairs), _COARSE, _COARSE))
        totals = np.empty_like(counts)
        equal = bool((self.w == self.w[0]).all())
        for at, (i, j) in enumerate(pairs):
            place = self.coarse[i] * _COARSE + self.coarse[j]
            if equal:
                count = np.bincount(place, minlength=size) * self.w[0]
            else:
                count = np.bincount(place, self.w, minlength=size)
            counts[at] = count.reshape(_COARSE, _COARSE)
            totals[at] = np.bincount(place, self.weighted, minlength=size).reshape(_COARSE, _COARSE)
        left = self.search._sides[[i for i, _ in pairs]]
        right = self.search._sides[[j for _, j in pairs]].transpose(0, 2, 1)
        gains = sums.gains(left @ counts @ right, left @ totals @ right)
        found = []
        for (i, j), of_pair in zip(pairs, gains, strict=True):
            a, b = divmod(int(np.argmax(of_pair)), _SIDES)
            if of_pair[a, b] > 0:
                terms = (self.search.terms[i][a], self.search.terms[j][b])
                found.append(_Scored(terms, float(of_pair[a, b])))
        return found


def _variance(gap: Floats, w: Floats) -> float:
    weight = float(w.sum())
    mean = float(w @ gap) / weight if weight > 0 else 0.0
    return float(w @ (gap - mean) ** 2) / weight if weight > 0 else 0.0


def _ranked(rules: Sequence[_Scored]) -> list[_Scored]:
    """Order rules by what they explain; of rules with the same terms one is enough."""
    distinct = {frozenset(rule.terms): rule for rule in reversed(rules)}
    return sorted(distinct.values(), key=lambda rule: (-rule.gain, rule.terms))


def _tightest(terms: Terms) -> Terms:
    """Keep the tightest of several cuts on the same side of a field."""
    kept: dict[tuple[Any, ...], Term] = {}
    for term in terms:
        cuts = term.relation in {"<=", ">"}
        key = (term.field, term.relation) if cuts else (term.field, term.relation, term.place)
        held = kept.get(key)
        if held is None or (term.place > held.place) == (term.relation == ">"):
            kept[key] = term
    return tuple(kept.values())
