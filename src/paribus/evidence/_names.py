"""Names as random effects: what twins are called is one draw of many, and others would do else.

Where a model sees a field that is drawn anew at every level (a first name that follows the gender),
people with the same name share what that name does to the model's answer. They are no independent
evidence of what the level does, so errors are computed over names, not over people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.answers import Answers
from paribus.people.population import People
from paribus.stats.clusters import (
    ClusteredMean,
    clustered_interval,
    clustered_mean,
    p_clustered_outside,
    p_clustered_within,
)
from paribus.table import Coded, Column, Joined
from paribus.twins import Contrast, Version

TOO_FEW = "too few to tell a level from its names"
"""How the method of a row says that names are what it lacks."""

_EXHAUSTED = 10
"""People for each distinct value from which on a short list of values is all there is."""

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Names:
    """Which of the kept people of a contrast share a name, as one twin and as the other."""

    ways: tuple[tuple[Codes, ...], ...]
    """For each field with names, its number for each person as either twin, of shape (kept,)."""
    drawn_again: tuple[Codes, ...]
    """The same of the placebo twin, for each field; empty without a placebo."""
    fewest: int
    """Distinct names of the level that has the fewest; 0 where no field holds names."""
    another: npt.NDArray[np.bool_]
    """Who has another name as the placebo twin, shape (kept,): by chance it may be the same."""

    def with_placebo(self) -> Names:
        """Take into account that placebo twins share names too."""
        pairs = zip(self.ways, self.drawn_again, strict=True)
        return replace(self, ways=tuple((*way, again) for way, again in pairs))

    def among(self, chosen: npt.NDArray[np.bool_]) -> Names:
        """Keep some of the people."""
        ways = tuple(tuple(codes[chosen] for codes in way) for way in self.ways)
        again = tuple(codes[chosen] for codes in self.drawn_again)
        return Names(ways, again, self.fewest, self.another[chosen])

    def widen(
        self,
        ends: tuple[Floats, Floats],
        told: npt.NDArray[np.bool_],
        tolerance: float,
        confidence: float,
        spread: float,
    ) -> tuple[float, float, float, float]:
        """Weigh the mean of some values over names, in the worst case over missing ones.

        Parameters
        ----------
        ends : tuple of two ndarray of float64, shape (kept,)
            The least and the most that each value can be: the same where it is known.
        told : ndarray of bool, shape (kept,)
            Which of them are known.
        tolerance, confidence : float
        spread : float
            Width of the range of a single value.

        Returns
        -------
        low, high, p_outside, p_within : float
            Of the field whose names matter most.
        """
        low, high, outside, within = np.inf, -np.inf, 0.0, 0.0
        for way in self.ways:
            whole = _completed(ends, told, way, spread)
            means = [each.mean for each in whole]
            for each in whole:
                here = clustered_interval(each, confidence, spread)
                low, high = min(low, here[0]), max(high, here[1])
                outside = max(outside, p_clustered_outside(each, tolerance, spread))
                within = max(within, p_clustered_within(each, tolerance, spread))
            if min(means) <= tolerance and max(means) >= -tolerance:
                # The missing values can be such that there is nothing to claim.
                outside = 1.0
        return float(low), float(high), outside, within

    def not_above(
        self,
        ends: tuple[Floats, Floats],
        told: npt.NDArray[np.bool_],
        tolerance: float,
        spread: float,
    ) -> float:
        """Give the p-value of the claim that the mean is below the tolerance, however far below."""
        means = [mean for way in self.ways for mean in _completed(ends, told, way, spread)]
        # No surer than where the mean is zero, so that the lower end of the tolerance is far.
        raised = [replace(mean, mean=max(0.0, mean.mean)) for mean in means]
        return max(p_clustered_within(mean, tolerance, spread) for mean in raised)


def _completed(
    ends: tuple[Floats, Floats], told: npt.NDArray[np.bool_], way: tuple[Codes, ...], spread: float
) -> list[ClusteredMean]:
    """Complete missing values with their least and with their most.

    The standard error is a length: that of the values with missing ones in the middle, and that of
    half of what these leave open, are together at least that of any completion.
    """
    least, most = ends
    if told.all():
        return [clustered_mean(least, *way)]
    middle = clustered_mean((least + most) / 2, *way)
    half = (most - least) / 2
    n, square = len(told), 0.0
    for codes in way:
        _, dense = np.unique(codes, return_inverse=True)
        clusters = int(dense.max()) + 1
        sums = np.bincount(dense, weights=half) / n
        square += clusters / max(1, clusters - 1) * float(sums @ sums)
    error = middle.error + square**0.5
    moved = [replace(middle, mean=float(end.mean())) for end in ends]
    # Equal values are weighed as such too, where that is less sure.
    return [*moved, *(replace(mean, error=error, sd=max(mean.sd, spread)) for mean in moved)]


def linked_names(people: People, contrast: Contrast, seen: tuple[str, ...]) -> tuple[str, ...]:
    """List the fields that are drawn anew at every level and that the model sees, or sees made of.

    These are what placebo twins draw again.
    """
    moved = set(contrast.attributes)
    return tuple(
        name
        for name in people.order
        if people.fields[name].random
        and any(moved & people.attributes_behind(parent) for parent in people.fields[name].linked)
        and any(name == column or name in _ancestors(people, column) for column in seen)
    )


def _ancestors(people: People, column: str) -> set[str]:
    found: set[str] = set()
    open_ends = [column]
    while open_ends:
        field = people.fields.get(open_ends.pop())
        new = set(field.parents) - found if field is not None else set()
        found |= new
        open_ends += new
    return found


def names_of(
    answers: Answers, contrast: Contrast, least: int, placebo: Contrast | None = None
) -> Names | None:
    """Find the names that the twins of a contrast carry.

    Parameters
    ----------
    answers : Answers
    contrast : Contrast
    least : int
        Distinct values from which on a list is a sample of many names. A shorter list that is used
        up (Mr and Ms) is no sample: all there is was asked.
    placebo : Contrast, optional
        What draws the same fields again.

    Returns
    -------
    Names or None
        None where the model sees no linked field that differs between the twins.
    """
    fields = linked_names(answers.twins.people, contrast, answers.seen)
    versions = [contrast.reference, contrast.group]
    if placebo is not None:
        versions += [placebo.reference, placebo.group]
    ways: list[tuple[Codes, ...]] = []
    drawn_again: list[Codes] = []
    fewest = []
    another: npt.NDArray[np.bool_] | None = None
    for one, other, *again in _drawn(answers, versions, fields):
        # A surname that both twins share is no part of what the level draws.
        if np.array_equal(one, other):
            continue
        differ = again[0] != again[1] if again else np.ones(len(one), bool)
        another = differ if another is None else another | differ
        counts = [len(np.unique(codes)) for codes in (one, other)]
        if min(counts) < least and len(one) >= _EXHAUSTED * min(counts):
            continue
        ways.append((one, other))
        drawn_again += again[1:]
        fewest.append(min(counts))
    if another is None:
        return None
    return Names(tuple(ways), tuple(drawn_again), min(fewest, default=0), another)


def _drawn(
    answers: Answers, versions: Sequence[Version], fields: tuple[str, ...]
) -> Iterator[tuple[Codes, ...]]:
    """Give what every part of some fields is in each version, by number: equal values are equal."""
    numbers: dict[Any, int] = {}
    pools: dict[int, tuple[pa.Array, Codes]] = {}

    def numbered(pool: pa.Array) -> Codes:
        # With the pool itself, or its id would be given to another.
        if id(pool) not in pools:
            found = [numbers.setdefault(value, len(numbers)) for value in pool.to_pylist()]
            pools[id(pool)] = pool, np.array(found, dtype=np.int64)
        return pools[id(pool)][1]

    def coded(version: Version) -> list[Codes]:
        runs = [
            [numbered(part.pool)[part.each()] for name in fields for part in _parts(run[name])]
            for run in answers.runs(fields, version)
        ]
        return [np.concatenate(parts) for parts in zip(*runs, strict=True)]

    yield from zip(*(coded(version) for version in versions), strict=True)


def _parts(column: Column) -> list[Coded]:
    if isinstance(column, Joined):
        parts = [part for part in column.parts if not isinstance(part, str)]
        return [coded for part in parts for coded in _parts(part)]
    return [column] if isinstance(column, Coded) else []
