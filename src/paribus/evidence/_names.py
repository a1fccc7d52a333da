"""Names as random effects: what twins are called is one draw of many, and others would do else.

Where a model sees a field that is drawn anew at every level (a first name that follows the gender),
people with the same name share what that name does to the model's answer. They are no independent
evidence of what the level does, so errors are computed over names, not over people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus.answers import Answers
from paribus.people.population import People
from paribus.stats.clusters import (
    clustered_interval,
    clustered_mean,
    p_clustered_outside,
    p_clustered_within,
)
from paribus.table import Coded, Column, Joined
from paribus.twins import Contrast, Version

_EXHAUSTED = 10
"""People for each distinct value from which on a short list of values is all there is."""

Codes = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Names:
    """Which of the kept people of a contrast share a name, as one twin and as the other."""

    ways: tuple[tuple[Codes, Codes], ...]
    """For each field with names, its number for each person as either twin, shape (kept,)."""
    fewest: int
    """Distinct names of the level that has the fewest."""

    def widen(
        self,
        values: npt.NDArray[np.float64],
        told: npt.NDArray[np.bool_],
        tolerance: float,
        confidence: float,
        spread: float,
    ) -> tuple[float, float, float, float]:
        """Weigh the mean of some values over names.

        Parameters
        ----------
        values : ndarray of float64, shape (kept,)
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
        for one, other in self.ways:
            mean = clustered_mean(values[told], one[told], other[told])
            ends = clustered_interval(mean, confidence, spread)
            low, high = min(low, ends[0]), max(high, ends[1])
            outside = max(outside, p_clustered_outside(mean, tolerance, spread))
            within = max(within, p_clustered_within(mean, tolerance, spread))
        return float(low), float(high), outside, within


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


def names_of(answers: Answers, contrast: Contrast, least: int) -> Names | None:
    """Find the names that the twins of a contrast carry.

    Parameters
    ----------
    answers : Answers
    contrast : Contrast
    least : int
        Distinct values from which on a list is a sample of many names. A shorter list that is used
        up (Mr and Ms) is no sample: all there is was asked.

    Returns
    -------
    Names or None
        None where the model sees no linked name.
    """
    fields = linked_names(answers.twins.people, contrast, answers.seen)
    ways: list[tuple[Codes, Codes]] = []
    fewest = []
    for one, other in _both(answers, contrast, fields):
        counts = [len(np.unique(codes)) for codes in (one, other)]
        if min(counts) < least and len(one) >= _EXHAUSTED * min(counts):
            continue
        ways.append((one, other))
        fewest.append(min(counts))
    return Names(tuple(ways), min(fewest)) if ways else None


def _both(
    answers: Answers, contrast: Contrast, fields: tuple[str, ...]
) -> Iterator[tuple[Codes, Codes]]:
    def coded(version: Version) -> list[Codes]:
        runs = [
            [codes for name in fields for codes in _parts(run[name])]
            for run in answers.runs(fields, version)
        ]
        return [np.concatenate(parts) for parts in zip(*runs, strict=True)]

    for one, other in zip(coded(contrast.reference), coded(contrast.group), strict=True):
        # A surname that both twins share is no part of what the level draws.
        if not np.array_equal(one, other):
            yield one, other


def _parts(column: Column) -> list[Codes]:
    if isinstance(column, Joined):
        parts = [part for part in column.parts if not isinstance(part, str)]
        return [codes for part in parts for codes in _parts(part)]
    return [column.each()] if isinstance(column, Coded) else []
