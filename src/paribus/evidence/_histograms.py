"""Scores counted where they live: how many rows of each group and label have each score."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus.counting import Binned, Tally
from paribus.counting.base import floats
from paribus.errors import DataError
from paribus.evidence._numbers import Floats, Places, effective, placed, scale
from paribus.observed import Observed

SAMPLE = 20_000
"""Different scores up to which each is counted by itself, and rows that tell whether they are as
few."""

EXACT = 10_000
"""Different scores among these rows from which on there are probably more."""

LABELS = 20
"""Different numbers from which on a label looks like an amount."""

FINEST, COARSEST, SHARED = 65_535, 1_024, 4_096
"""Bins of a score at most and at least, and those that are worth one table for all attributes."""

CELLS = 1 << 21
"""Groups times labels times bins, so that a table of them stays small."""

LARGEST = 1e100
"""Of scores: their squares still have a sum."""

TAIL = 0.001
"""Share of the scores at either end that may share a bin where the others lie close together."""

SPARSE = 8
"""How much wider than the rest such ends must be."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows of some people, counted by score and label; all arrays have the shape (cells,)."""

    place: Places
    """Position of the score among all `distinct` ones; -1 where it is missing."""
    score: Floats
    """Mean score, 0 where it is missing."""
    label: npt.NDArray[np.int8]
    """1 where favorable, 0 where not, -1 where missing or not asked for."""
    count: npt.NDArray[np.int64]
    weight: Floats
    """Sums of the weights, which are one on average."""
    square: Floats
    distinct: int

    def at(self, chosen: npt.NDArray[Any]) -> Cells:
        """Give some of the cells."""
        return Cells(
            self.place[chosen],
            self.score[chosen],
            self.label[chosen],
            self.count[chosen],
            self.weight[chosen],
            self.square[chosen],
            self.distinct,
        )

    @cached_property
    def scored(self) -> Cells:
        """Give the rows that have a score."""
        return self.at(self.place >= 0)

    @cached_property
    def labeled(self) -> Cells:
        """Give the rows that have a score and a label."""
        return self.at((self.place >= 0) & (self.label >= 0))

    @property
    def rows(self) -> int:
        """Count the rows."""
        return int(self.count.sum())

    @property
    def effective(self) -> float:
        """Give the effective number of rows."""
        return float(effective(self.weight.sum(), self.square.sum()))

    def histogram(self, label: int | None = None) -> Floats:
        """Sum the weights at each score, shape (distinct,)."""
        chosen = slice(None) if label is None else self.label == label
        counted = np.bincount(self.place[chosen], self.weight[chosen], self.distinct)
        return np.asarray(counted, np.float64)

    def totals(self) -> Floats:
        """Sum weights times scores at each score, shape (distinct,)."""
        # No rounding may take a score such as 0.3 below the bin that starts there.
        scores = np.minimum(self.score * (1 + 1e-15), np.maximum(self.score, 1.0))
        counted = np.bincount(self.place, self.weight * scores, self.distinct)
        return np.asarray(counted, np.float64)


@dataclass(frozen=True, eq=False)
class Scored:
    """All rows of a table, counted by attributes, label and score."""

    tally: Tally
    cells: Cells
    low: float
    """The lowest score."""
    high: float
    start: float
    """Where the first bin starts: the lowest score, except where outliers share a bin."""
    end: float
    exact: bool
    """Whether each score is counted by itself, and not in bins."""

    @property
    def probabilities(self) -> bool:
        """Whether all scores lie in [0, 1]."""
        return self.low >= 0 and self.high <= 1

    def of(self, observed: Observed, attributes: Sequence[str], groups: int) -> list[Cells]:
        """Give the cells of each group of an attribute."""
        group = placed(observed, attributes, self.tally)
        order = np.argsort(group, kind="stable")
        ends = np.searchsorted(group[order], np.arange(groups + 1))
        return [self.cells.at(order[ends[g] : ends[g + 1]]) for g in range(groups)]


def scored(observed: Observed, *, labeled: bool) -> Iterator[tuple[tuple[str, ...], Scored]]:
    """Count the scores for each attribute, for all of them at once where that stays small.

    Parameters
    ----------
    observed : Observed
        With a score.
    labeled : bool
        Whether to count by label, too.

    Raises
    ------
    DataError
        Where scores are no numbers or too large, or labels look like amounts.
    """
    near = _near(observed, labeled=labeled)
    by = observed.roles.by
    whole = None
    if _bins(observed, by, labeled=labeled) >= SHARED or len(observed.attributes) == 1:
        whole = _counted(observed, by, near, labeled=labeled)
    for attributes in observed.attributes:
        yield attributes, whole or _counted(observed, attributes, near, labeled=labeled)


@dataclass(frozen=True)
class _Near:
    """What some rows show of the scores."""

    few: bool
    """Whether there may be few different ones."""
    low: float
    """Nearly all scores lie from here."""
    high: float


def _near(observed: Observed, *, labeled: bool) -> _Near:
    score, label = str(observed.roles.score), str(observed.roles.label)
    if observed.source.kind(score) not in {"number", "truth"}:
        raise DataError(
            f'the column "{score}" holds no numbers: name a column of scores, higher being better '
            "for a person",
            path="$.data.score",
        )
    amounts = labeled and observed.source.kind(label) == "number"
    names = [score, *([label] if amounts else [])]
    some = observed.source.rows(SAMPLE, observed.seed, names)
    if amounts:
        _check_label(observed, floats(some.column(label, slice(None)).arrow(), label))
    numbers = floats(some.column(score, slice(None)).arrow(), score)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return _Near(few=True, low=0.0, high=0.0)
    low, high = np.quantile(known, [TAIL, 1 - TAIL], method="nearest").tolist()
    few = len(numbers) < SAMPLE or len(np.unique(known)) <= EXACT
    return _Near(few, low, high)


def _check_label(observed: Observed, labels: Floats) -> None:
    roles = observed.roles
    distinct = len(np.unique(labels[np.isfinite(labels)]))
    if distinct > LABELS and roles.outcome == "decision":
        raise DataError(
            f'the column "{roles.label}" has {distinct:,} different numbers where a label has two '
            f'values: if it is an amount, did you mean prediction = "{roles.score}" and no score?',
            path="$.data.score",
        )


def _bins(observed: Observed, attributes: Sequence[str], *, labeled: bool) -> int:
    """Say how many bins a table by these attributes can have."""
    table = observed.table
    keys = _keys(observed, attributes, labeled=labeled)
    groups = math.prod(len(table.levels[table.keys.index(key)]) for key in keys)
    most = min(FINEST, max(COARSEST, CELLS // groups))
    # Each bar of a histogram is a whole number of bins.
    return most // observed.roles.bins * observed.roles.bins


def _keys(observed: Observed, attributes: Sequence[str], *, labeled: bool) -> list[str]:
    return [*attributes, *([str(observed.roles.label)] if labeled else [])]


def _counted(
    observed: Observed, attributes: Sequence[str], near: _Near, *, labeled: bool
) -> Scored:
    roles, source = observed.roles, observed.source
    keys, score = _keys(observed, attributes, labeled=labeled), str(roles.score)
    if near.few:
        try:
            tally = source.tally([*keys, score], weight=roles.weight, most_levels=SAMPLE)
        except DataError:
            # There are more than some rows have shown; or the same error comes again.
            pass
        else:
            return _exact(observed, tally, labeled=labeled)
    low, high, _ = source.range(score)
    _check_size(low, high, score)
    start, end = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    if not (low >= 0 and high <= 1) and 0 < SPARSE * (near.high - near.low) < high - low:
        start, end = near.low, near.high
    bins = _bins(observed, attributes, labeled=labeled)
    binned = Binned(score, start, (end - start) / bins if end > start else 1.0, bins)
    tally = source.tally([*keys, binned], weight=roles.weight, sums=[score], most_levels=bins)
    places = np.array([-1 if level is None else level for level in tally.levels[-1]], np.intp)
    place = places[tally.codes[:, -1]]
    # The mean score in a bin lies in it, whatever the rounding of sums.
    mean = np.divide(
        tally.sums[score], tally.weight, out=np.zeros(len(place)), where=tally.weight > 0
    )
    least = np.where(place == 0, low, start + place * binned.width)
    most = np.where(place == bins - 1, high, start + (place + 1) * binned.width)
    mean = np.clip(mean, np.clip(least, low, high), np.clip(most, low, high))
    cells = _cells(observed, tally, place, np.where(place < 0, 0.0, mean), bins, labeled=labeled)
    return Scored(tally, cells, low, high, start, end, exact=False)


def _exact(observed: Observed, tally: Tally, *, labeled: bool) -> Scored:
    levels = tally.levels[-1]
    known = np.array([float(level) for level in levels if level is not None])
    low, high = (float(known[0]), float(known[-1])) if len(known) else (0.0, 0.0)
    _check_size(low, high, str(observed.roles.score))
    code = tally.codes[:, -1]
    missing = code >= len(known)
    score = np.append(known, 0.0)[np.minimum(code, len(known))]
    place = np.where(missing, -1, code)
    cells = _cells(observed, tally, place, score, len(known), labeled=labeled)
    start, end = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    return Scored(tally, cells, low, high, start, end, exact=True)


def _cells(
    observed: Observed, tally: Tally, place: Places, score: Floats, distinct: int, *, labeled: bool
) -> Cells:
    label = np.full(len(place), -1, np.int8)
    if labeled:
        key = tally.keys.index(str(observed.roles.label))
        good = observed.favorable(tally.levels[key], "label")
        each = [-1 if v is None else int(i in good) for i, v in enumerate(tally.levels[key])]
        label = np.array(each, np.int8)[tally.codes[:, key]]
    by = scale(tally)
    return Cells(
        place, score, label, tally.count, tally.weight / by, tally.square / by / by, distinct
    )


def _check_size(low: float, high: float, score: str) -> None:
    if max(-low, high) > LARGEST:
        raise DataError(
            f'the column "{score}" has scores beyond 1e100: look for values that stand for missing '
            "ones",
            path="$.data.score",
        )
