"""How the gap runs along each field: pictures of everybody, not claims that a search has found.

For each contrast with wide gaps, the few fields along which its gap varies most are cut into bins,
and the two foremost into the cells of a heat map. Every bin has its people, its gap and an interval
at a confidence that is shared among the bins of its profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt
import pydantic

from paribus._text import plain_number
from paribus.answers import Answers
from paribus.evidence._cells import (
    EVERYBODY,
    Floats,
    Gaps,
    candidates,
    is_census,
    method_of,
    widest,
)
from paribus.evidence._columns import MISSING, Known, condition, everyone, few, some
from paribus.evidence._cuts import roundest
from paribus.evidence.base import Condition, Row, Test
from paribus.people.population import People
from paribus.twins import Contrast, all_contrasts

_SIDE = 8
"""Bins of either field of a heat map, at most."""

_CHUNK = 1 << 16
"""People whose bins are found at a time: their numbers stay in the cache."""

Rule = tuple[Condition, ...]
Places = npt.NDArray[np.uint8]


class Profiles(Test):
    """The gap along the fields that tell most about it, bin by bin, and over two of them."""

    kind: Literal["profiles"] = "profiles"
    fields: int = pydantic.Field(default=4, ge=1, le=100)
    """Fields shown for one contrast, at most: those along which its gap varies most."""
    bins: int = pydantic.Field(default=12, ge=2, le=100)
    """Bins of numbers, or categories shown one by one, at most."""
    contrasts: int = pydantic.Field(default=4, ge=1)
    """Contrasts shown, at most: those with the widest gaps."""

    def needs(self, people: People) -> Sequence[Contrast]:
        return all_contrasts(people)

    def weigh(self, answers: Answers, tolerance: float, confidence: float) -> Sequence[Row]:
        if answers.weights is not None and not is_census(answers):
            # A part of everybody, who are not equally likely, is no sample.
            return []
        shape = few(answers, np.arange(answers.kept), "profiles/shape")
        levels = [contrast for contrast in answers.tallies if contrast.kind == "level"]
        shown = [Gaps(answers, c) for c in widest(answers, levels, shape, self.contrasts)]
        names = dict.fromkeys(n for gaps in shown for n in candidates(answers, gaps.contrast))
        sample = some(answers, list(names), shape)
        telling = [self._telling(gaps, sample, gaps.told[shape], shape) for gaps in shown]
        columns = everyone(answers, list(dict.fromkeys(n for named in telling for n in named)))
        axes = {
            name: _Axis.of(sample[name], whole, self.bins, apart=True)
            for name, whole in columns.items()
        }
        sides = {
            name: _Axis.of(sample[name], columns[name], _SIDE)
            for name in dict.fromkeys(n for named in telling if len(named) > 1 for n in named[:2])
        }
        rows: list[Row] = []
        for gaps, named in zip(shown, telling, strict=True):
            for name in named:
                rows.extend(_rows(gaps, axes[name].rules, axes[name].places, confidence))
            if len(named) > 1:
                one, other = (sides[name] for name in named[:2])
                rules = [(*a, *b) for a, b in product(one.rules, other.rules)]
                places = one.places.astype(np.intp) * len(other.rules) + other.places
                rows.extend(_rows(gaps, rules, places, confidence))
        return rows

    def _telling(
        self,
        gaps: Gaps,
        sample: Mapping[str, Known],
        told: npt.NDArray[np.bool_],
        shape: npt.NDArray[np.intp],
    ) -> list[str]:
        """Choose the fields along which the gap varies most."""
        gap = gaps.values[shape][told].astype(np.float64)
        gap /= float(np.abs(gap).max(initial=0.0)) or 1.0
        weights = gaps.answers.weights
        w = np.ones(len(gap)) if weights is None else weights[shape][told]
        ranked = []
        for name in candidates(gaps.answers, gaps.contrast):
            if name in sample:
                axis = _Axis.of(sample[name], sample[name], self.bins)
                if len(axis.rules) > 1:
                    ranked.append((_between(axis.places[told], gap, w), name))
        ranked.sort(key=lambda pair: -pair[0])
        return [name for _, name in ranked[: self.fields]]


def _between(places: Places, gap: Floats, w: Floats) -> float:
    """Give the variance of the gap between bins, less what chance alone puts there."""
    n = np.bincount(places, weights=w)
    mean = np.bincount(places, weights=w * gap) / np.where(n > 0, n, 1.0)
    middle = float(w @ gap) / float(w.sum())
    between = float(n @ (mean - middle) ** 2)
    within = float(w @ (gap - mean[places]) ** 2)
    filled = int(np.count_nonzero(n))
    return between - within * (filled - 1) / max(1, len(gap) - filled)


def _rows(
    gaps: Gaps, rules: Sequence[Rule], places: npt.NDArray[np.integer], confidence: float
) -> list[Row]:
    """Measure each bin of a profile, at a confidence shared among them."""
    claims = len(rules)
    shared = 1 - (1 - confidence) / claims
    contrast, exact = gaps.contrast, is_census(gaps.answers)
    cells = gaps.cells(places, claims)
    whole = sum(cell.weight for cell in cells)
    rows = []
    for rule, cell in zip(rules, cells, strict=True):
        low, high = cell.interval(shared)
        rows.append(
            Row(
                test="profiles",
                unit=gaps.unit,
                contrast=contrast.kind,
                attribute=contrast.attribute,
                reference=contrast.reference_name,
                group=contrast.group_name,
                people=cell.people,
                answered=cell.answered,
                estimate=cell.gap,
                low=low,
                high=high,
                rule=rule,
                share=min(1.0, cell.weight / whole),
                method=EVERYBODY if exact else method_of(gaps.unit, shared, claims, "bin"),
                exact=exact,
            )
        )
    return rows


# --- bins -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Axis:
    """The bins of a field: which conditions hold in each of them, and who is in which."""

    rules: tuple[Rule, ...]
    places: Places

    @classmethod
    def of(cls, sample: Known, whole: Known, bins: int, *, apart: bool = False) -> _Axis:
        """Choose bins with about equal shares.

        Parameters
        ----------
        sample : Known
            The people who suggest where numbers are cut.
        whole : Known
            The people who are put into bins.
        bins : int
            How many, at most.
        apart : bool
            Whether a bin of missing values is one more.
        """
        gone = whole.missing
        any_gone = bool(gone.any())
        room = bins - (any_gone and not apart)
        if whole.numbers is not None:
            assert sample.numbers is not None
            edges = _edges(sample.numbers[~sample.missing], room)
            rules = _between_edges(whole.name, edges)
            places = _counted(whole.numbers, edges)
        else:
            rules, places = _shown(whole, room, any_gone)
        if any_gone:
            places[gone] = len(rules)
            rules.append((condition(whole.name, "is", MISSING),))
        return cls(tuple(rules), places)


def _edges(numbers: Floats, bins: int) -> list[float]:
    """Choose round numbers with about equal shares of people between them."""
    values = np.unique(numbers)
    if len(values) <= bins:
        return [float(value) for value in values[:-1]]
    ranked = np.sort(numbers)
    whole = bool((values == np.round(values)).all())
    last = len(ranked) - 1
    chosen: list[float] = []
    for i in range(1, bins):
        # A bin may have a quarter more or fewer people than it should, for the sake of its edges.
        near = (np.array([i - 0.125, i + 0.125]) / bins * last).round().astype(int)
        low, high = float(ranked[near[0]]), float(ranked[near[1]])
        edge = roundest(low, high, whole=whole) if low < high else low
        if edge < values[-1] and (not chosen or edge > chosen[-1]):
            chosen.append(edge)
    places = np.searchsorted(chosen, ranked)
    filled = np.bincount(places, minlength=len(chosen) + 1) > 0
    return [edge for edge, some in zip(chosen, filled[:-1].tolist(), strict=True) if some]


def _between_edges(name: str, edges: Sequence[float]) -> list[Rule]:
    if not edges:
        return [(condition(name, "is not", MISSING),)]
    below: list[Rule] = [(condition(name, "<=", edge),) for edge in edges]
    above: list[Rule] = [(condition(name, ">", edge),) for edge in edges]
    return [a + b for a, b in zip([(), *above], [*below, ()], strict=True)]


def _counted(numbers: Floats, edges: Sequence[float]) -> Places:
    """Count the edges below each number: for a few of them several times faster than a search."""
    places = np.zeros(len(numbers), dtype=np.uint8)
    for start in range(0, len(numbers), _CHUNK):
        part = slice(start, start + _CHUNK)
        for edge in edges:
            places[part] += numbers[part] > edge
    return places


def _shown(column: Known, bins: int, any_gone: bool) -> tuple[list[Rule], Places]:
    """Give the most frequent categories a bin each, and all others one together."""
    assert column.codes is not None
    k = len(column.categories)
    counts = np.bincount(column.codes[column.codes >= 0], minlength=k)
    order = [i for i in np.argsort(-counts, kind="stable").tolist() if counts[i]]
    alone = order if len(order) <= bins else order[: bins - 1]
    rules: list[Rule] = [(condition(column.name, "is", column.categories[i]),) for i in alone]
    if len(alone) < len(order):
        named = [column.categories[i] for i in alone] + [MISSING] * any_gone
        rules.append(tuple(condition(column.name, "is not", each) for each in named))
    table = np.full(k + 1, len(alone), dtype=np.uint8)
    table[alone] = np.arange(len(alone), dtype=np.uint8)
    return rules, table[column.codes]


# --- for those who draw ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Profile:
    """The gap of one contrast along a field, or over two of them, bin by bin."""

    fields: tuple[str, ...]
    """One field, or two: then the rows go through all bins of the second for each of the first."""
    rows: tuple[Row, ...]
    """The bins in order; all are about the same contrast and have the same unit."""

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether each field is cut into bins of numbers, rather than into categories."""
        cuts = {
            part.field for row in self.rows for part in row.rule if part.relation in {"<=", ">"}
        }
        return tuple(name in cuts for name in self.fields)


def profiles_of(rows: Iterable[Row]) -> list[Profile]:
    """Find the profiles among the rows of a record, in their order.

    Examples
    --------
    >>> import paribus as pb
    >>> from paribus.evidence.profiles import Profiles, profiles_of
    >>> profiles_of([])
    []
    """
    found: dict[tuple[tuple[str, ...], tuple[object, ...]], list[Row]] = {}
    for row in rows:
        if row.test == "profiles":
            fields = tuple(dict.fromkeys(part.field for part in row.rule))
            about = (row.contrast, row.attribute, row.reference, row.group, row.unit)
            found.setdefault((fields, about), []).append(row)
    return [Profile(fields, tuple(of_one)) for (fields, _), of_one in found.items()]


def bin_label(row: Row, field: str) -> str:
    """Name the bin of a field that a row of a profile is about, in a word or two.

    Examples
    --------
    >>> from paribus.evidence.base import Condition
    >>> above = Condition(field="age", relation=">", value=30.0, text="age > 30")
    >>> below = Condition(field="age", relation="<=", value=1_000.0, text="age <= 1,000")
    >>> row = Row(
    ...     test="profiles", unit="net gap", contrast="level", attribute="gender",
    ...     reference="Male", group="Female", people=9, answered=9, estimate=0.0, low=-0.3,
    ...     high=0.3, rule=(above, below), share=1.0,
    ... )
    >>> bin_label(row, "age")
    '> 30 to 1,000'
    """
    parts = [part for part in row.rule if part.field == field]
    ends = {p.relation: plain_number(float(p.value)) for p in parts if p.relation in {"<=", ">"}}
    if ends:
        if len(ends) == 2:
            return f"> {ends['>']} to {ends['<=']}"
        return " ".join(*ends.items())
    if parts[0].relation == "is":
        return str(parts[0].value)
    return "not missing" if [part.value for part in parts] == [MISSING] else "other"
