"""Numbers of groups that are no rates, such as a mean error: what checks make rows from."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus._text import name
from paribus.counting import Tally
from paribus.evidence._rated import ALL_PAIRS, About
from paribus.evidence.base import Row
from paribus.observed import Groups, Observed
from paribus.stats.multiplicity import holm
from paribus.stats.prediction_errors import Estimates, difference, p_beyond, p_within

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

NAMED = 8
"""Groups that a note names."""

UNBOUNDED = sys.float_info.max
"""Where an interval has no end."""


def placed(observed: Observed, attributes: Sequence[str], tally: Tally) -> Places:
    """Give the group of each cell of a table whose keys include the attributes.

    Returns
    -------
    ndarray, shape (cells,)
        Positions among the names of `Observed.groups` of these attributes.
    """
    places = [tally.keys.index(attribute) for attribute in attributes]
    shape = tuple(len(tally.levels[place]) for place in places)
    mine = np.ravel_multi_index(tuple(tally.codes[:, places].T), shape)
    occurring = observed.table.over(*attributes).codes
    there = np.ravel_multi_index(tuple(occurring.T), shape)
    return np.asarray(np.searchsorted(there, mine), np.intp)


def scale(tally: Tally) -> float:
    """Give the mean weight of a row, by which weights are divided so that they stay moderate."""
    total = float(tally.weight.sum())
    return total / float(tally.count.sum()) if total > 0 else 1.0


def effective(weight: Any, square: Any) -> Floats:
    """Give the effective number of rows behind sums of weights (Kish 1965)."""
    total = np.asarray(weight, np.float64)
    squares = np.asarray(square, np.float64)
    return np.divide(total**2, squares, out=np.zeros_like(total), where=squares > 0)


@dataclass(frozen=True, eq=False)
class Measured:
    """One number of each group."""

    unit: str
    numbers: Estimates
    """Of each group, shape (G,)."""
    rows: npt.NDArray[np.int64]
    """Rows behind each."""
    defined: npt.NDArray[np.bool_]
    """Whether there was anything to measure."""
    least: float = -UNBOUNDED
    most: float = UNBOUNDED
    """What the number can be."""
    method: str = ""
    shown: Estimates | None = None
    """The numbers with the intervals that are shown, where some groups have none of their own."""

    def lent(self, everybody: Estimates, confidence: float) -> Measured:
        """Lend the spread of everybody to groups of one row, for the intervals that are shown.

        Nothing is proven by it: claims know these groups to have no spread of their own.
        """
        n = self.numbers
        lone = self.defined & (n.freedom <= 0)
        if not lone.any() or not float(everybody.freedom) > 0:
            return self
        spread = float(everybody.se) * (float(everybody.freedom) + 1) ** 0.5
        se = np.where(lone, spread, n.se)
        freedom = np.where(lone, float(everybody.freedom), n.freedom)
        none = np.zeros_like(se)
        sure = Estimates(none, none, none, none, np.ones_like(se))
        own = difference(Estimates(n.estimate, n.low, n.high, se, freedom), sure, confidence)
        low, high = np.where(lone, own.low, n.low), np.where(lone, own.high, n.high)
        return replace(self, shown=Estimates(n.estimate, low, high, se, freedom))

    def drawn(self, groups: Any) -> Estimates:
        """Give the numbers of some groups, with the intervals that are shown."""
        return replace(self, numbers=self.shown or self.numbers).at(groups)

    def at(self, groups: Any) -> Estimates:
        """Give the numbers of some groups."""
        n = self.numbers
        return Estimates(*(part[groups] for part in (n.estimate, n.low, n.high, n.se, n.freedom)))


def values(about: About, measured: Measured, everybody: Estimates) -> Iterator[Row]:
    """Give the number of every group that has one, then that of everybody."""
    sizes = about.groups.sizes
    for g in np.flatnonzero(measured.defined).tolist():
        yield about.row(
            measured.unit,
            g,
            people=int(sizes[g]),
            answered=int(measured.rows[g]),
            **_bounded(measured, measured.drawn(g)),
        )
    if measured.defined.any():
        yield about.row(
            measured.unit,
            None,
            people=int(sizes.sum()),
            answered=int(measured.rows.sum()),
            **_bounded(measured, everybody),
        )


def _bounded(measured: Measured, number: Estimates) -> dict[str, Any]:
    estimate = float(number.estimate)
    return {
        "relation": "value",
        "scale": "number",
        "estimate": estimate,
        "low": min(max(float(number.low), measured.least), estimate),
        "high": max(min(float(number.high), measured.most), estimate),
        "method": measured.method,
    }


def alone(about: About, measured: Measured) -> Iterator[str]:
    """Name the groups of one row."""
    names = about.groups.names
    lone = np.flatnonzero(measured.defined & (measured.numbers.freedom <= 0)).tolist()
    if lone:
        more = f" and {len(lone) - NAMED:,} more" if len(lone) > NAMED else ""
        yield (
            f"Groups of {name(about.groups.attribute)} with one row: "
            f"{', '.join(name(names[g]) for g in lone[:NAMED])}{more}. Their intervals take the "
            "spread of all rows for theirs, and nothing is proven about them."
        )


def against(about: About, measured: Measured) -> Iterator[Row]:
    """Compare every group that has a number with the reference."""
    groups, ref = about.groups, about.groups.reference
    others = [g for g in np.flatnonzero(measured.defined).tolist() if g != ref]
    if not measured.defined[ref] or not others:
        return
    gaps = difference(measured.drawn(others), measured.drawn(ref), about.confidence)
    p = holm(np.atleast_1d(difference(measured.at(others), measured.at(ref)).p))
    widest = measured.most - measured.least if measured.most < UNBOUNDED else UNBOUNDED
    for i, g in enumerate(others):
        estimate = float(gaps.estimate[i])
        yield about.row(
            measured.unit,
            g,
            relation="difference",
            scale="number",
            reference=groups.names[ref],
            people=int(groups.sizes[g] + groups.sizes[ref]),
            answered=int(measured.rows[g] + measured.rows[ref]),
            estimate=estimate,
            low=min(max(float(gaps.low[i]), -widest), estimate),
            high=max(min(float(gaps.high[i]), widest), estimate),
            p=float(p[i]),
            method="Welch's t-test",
        )


@dataclass(frozen=True)
class Widest:
    """The widest difference between any two groups of whom the attribute is known."""

    lowest: int
    highest: int
    estimate: float
    low: float
    high: float
    p: float
    """Of no difference at all between any two."""
    p_outside: float
    """Of the claim that some two differ by more than the tolerance, adjusted for all pairs."""
    p_within: float
    """Of the claim that no two do."""


def compared(groups: Groups, numbers: Floats, defined: npt.NDArray[np.bool_]) -> Compared | None:
    """Choose the pairs of groups to compare; None where fewer than two groups have a number."""
    known = np.flatnonzero(~groups.unknown)
    usable = known[defined[known]]
    if len(usable) < 2:
        return None
    lowest = int(usable[np.argmin(numbers[usable])])
    highest = int(usable[np.argmax(numbers[usable])])
    every = len(usable) <= ALL_PAIRS
    if every:
        i, j = (usable[side] for side in np.triu_indices(len(usable), 1))
    else:
        i, j = np.concatenate([usable, usable]), np.repeat([lowest, highest], len(usable))
        i, j = i[i != j], j[i != j]
    return Compared(
        lowest,
        highest,
        float(numbers[highest] - numbers[lowest]),
        i,
        j,
        len(usable) * (len(usable) - 1) // 2,
        whole=every and len(usable) == len(known),
    )


@dataclass(frozen=True, eq=False)
class Compared:
    """Pairs of groups."""

    lowest: int
    highest: int
    estimate: float
    i: Places
    j: Places
    pairs: int
    """How many there are, of which some may be left out where they are many."""
    whole: bool
    """Whether all pairs of all known groups are among them."""


def widest(about: About, measured: Measured, tolerance: float | None = None) -> Widest | None:
    """Compare all groups with each other; people of whom the attribute is unknown are left out.

    The interval holds for the widest of all differences: that of each pair is adjusted for their
    number (Bonferroni).
    """
    chosen = compared(about.groups, measured.numbers.estimate, measured.defined)
    if chosen is None:
        return None
    adjusted = 1 - (1 - about.confidence) / chosen.pairs
    shown = difference(measured.drawn(chosen.i), measured.drawn(chosen.j), adjusted)
    gaps = difference(measured.at(chosen.i), measured.at(chosen.j), adjusted)
    nearest = np.minimum(np.abs(gaps.low), np.abs(gaps.high))
    nearest = np.where((gaps.low < 0) & (gaps.high > 0), 0.0, nearest)
    farthest = np.maximum(np.abs(shown.low), np.abs(shown.high))
    limit = tolerance or 0.0
    return Widest(
        chosen.lowest,
        chosen.highest,
        chosen.estimate,
        low=min(float(nearest.max()), chosen.estimate),
        high=max(float(farthest.max()), chosen.estimate),
        p=min(1.0, chosen.pairs * float(gaps.p.min())),
        p_outside=min(1.0, chosen.pairs * float(p_beyond(gaps, limit).min())),
        # A group that was not compared might be anywhere.
        p_within=float(p_within(gaps, limit).max()) if chosen.whole else 1.0,
    )
