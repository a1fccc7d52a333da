"""People counted by category: who is known, who was rated, who was favored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from paribus.counting import Scalar, Tally
from paribus.roles import CROSS

Counts = npt.NDArray[np.int64]

UNKNOWN = frozenset(
    {
        *("", "unknown", "not known", "missing", "undisclosed", "not disclosed", "not specified"),
        *("unspecified", "not provided", "not stated", "declined", "declined to answer"),
        *("decline to answer", "decline to state", "decline to self-identify"),
        *("i do not wish to answer", "prefer not to say", "prefer not to answer"),
    }
)
"""Values that say that a category is unknown, in any case of letters."""

SMALL = 50
"""One part in so many of the people: less than 2 %."""


@dataclass(frozen=True)
class Attribute:
    """A column that puts people into categories."""

    title: str
    """What it is called in tables: ``sex``, ``race/ethnicity``."""
    column: str
    renamed: Mapping[str, str | None] = field(default_factory=dict)
    """Value of the column -> category; None where it says that the category is unknown."""

    def category(self, level: Scalar | None) -> str | None:
        """Give the category of a value; None where it is unknown."""
        if level is None:
            return None
        text = str(level)
        if text in self.renamed:
            return self.renamed[text] or None
        return None if text.strip().casefold() in UNKNOWN else text

    def taken_for_unknown(self, levels: Sequence[Scalar | None]) -> list[str]:
        """List the values that count as unknown without anybody having said so."""
        return [
            str(level)
            for level in levels
            if level is not None and str(level) not in self.renamed and self.category(level) is None
        ]


@dataclass(frozen=True, eq=False)
class Counted:
    """People of each category, of whom some were favored."""

    names: tuple[str, ...]
    people: Counts
    """Shape (G,): people of known category who have a decision (or a score)."""
    favored: Counts
    """Shape (G,): of them, those selected (or above the median)."""
    unknown: int
    """People with a decision (or a score) whose category is unknown."""
    unrated: int
    """People without a decision (or a score)."""

    @classmethod
    def of(cls, tally: Tally, attributes: Sequence[Attribute], good: Sequence[int]) -> Counted:
        """Count a table whose last key is the outcome.

        Parameters
        ----------
        tally : Tally
            Its first keys are the columns of the attributes, among others.
        attributes : sequence of Attribute
            To be crossed where they are several.
        good : sequence of int
            Positions of the favorable outcomes among the levels of the last key.
        """
        known = np.ones(len(tally.count), bool)
        place = np.zeros(len(tally.count), np.intp)
        names: list[str] = [""]
        for attribute in attributes:
            key = tally.keys.index(attribute.column)
            own, codes = _coded(attribute, tally.levels[key])
            each = codes[tally.codes[:, key]]
            known &= each >= 0
            place = place * max(1, len(own)) + np.maximum(each, 0)
            names = [CROSS.join(filter(None, (left, name))) for left in names for name in own]
        outcome = tally.levels[-1]
        missing = np.array([level is None for level in outcome])[tally.codes[:, -1]]
        favored = np.isin(tally.codes[:, -1], list(good)) & ~missing
        there, rated = known & ~missing, ~missing
        occurring = _added(place, tally.count, known, len(names))
        kept = np.flatnonzero(occurring)
        return cls(
            names=tuple(names[at] for at in kept),
            people=_added(place, tally.count, there, len(names))[kept],
            favored=_added(place, tally.count, there & favored, len(names))[kept],
            unknown=int(tally.count[rated & ~known].sum()),
            unrated=int(tally.count[missing].sum()),
        )

    @property
    def small(self) -> npt.NDArray[np.bool_]:
        """Whether a category is less than 2 % of the people of all of them, shape (G,)."""
        return np.asarray(self.people * SMALL < self.people.sum(), np.bool_)

    @property
    def rate(self) -> npt.NDArray[np.float64]:
        """Share of favored people, shape (G,); 0 where nobody was rated."""
        return np.divide(
            self.favored, self.people, out=np.zeros(len(self.names)), where=self.people > 0
        )

    def highest(self, among: npt.NDArray[np.bool_]) -> int | None:
        """Find the category with the highest rate; None where nobody was rated.

        Of several, the first that is not small.
        """
        usable = among & (self.people > 0)
        if not usable.any():
            return None
        best = usable & (self.rate == self.rate[usable].max())
        return int(np.argmax(2 * best + (best & ~self.small)))

    def ratio(self, category: int, benchmark: int | None) -> float | None:
        """Divide the rate of a category by that of another; None where one of them has none.

        Of two rates of 0 the ratio is 1; where only the benchmark's is 0 there is none.
        """
        if benchmark is None or not self.people[category]:
            return None
        # Whole numbers: the quotient of the exact rates, rounded once.
        over = int(self.favored[category]) * int(self.people[benchmark])
        under = int(self.favored[benchmark]) * int(self.people[category])
        if under == 0:
            return 1.0 if over == 0 else None
        return over / under


def _coded(
    attribute: Attribute, levels: Sequence[Scalar | None]
) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Give numbers to the categories: those that were declared in their order, then the others."""
    found = [attribute.category(level) for level in levels]
    there = dict.fromkeys(name for name in found if name is not None)
    declared = dict.fromkeys(name for name in attribute.renamed.values() if name in there)
    names = [name for name in {**declared, **there} if name]
    codes = [-1 if name is None else names.index(name) for name in found]
    return names, np.array(codes, np.intp)


def _added(place: Counts, count: Counts, chosen: npt.NDArray[np.bool_], size: int) -> Counts:
    out = np.zeros(size, np.int64)
    np.add.at(out, place[chosen], count[chosen])
    return out
