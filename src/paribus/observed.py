"""What is known of real people: a table whose columns have roles, counted where it lives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from paribus._seeds import generator
from paribus.counting import Binned, Source, Tally
from paribus.errors import DataError, SpecError, nearest
from paribus.roles import CROSS, Roles, check, favorable_among, level_name, named_columns
from paribus.table import Scalar, Table, lookup, pool_of

SAMPLE = 50_000
"""Rows that learners are fitted on, at most."""

FULL_CROSS = 3
"""Attributes up to which all of them are crossed with each other where nobody says which."""

MOST_CELLS = 1_000
"""Groups of crossed attributes, at most."""

Counts = npt.NDArray[np.int64]
Sums = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Groups:
    """People of one attribute (or crossed attributes), counted by label and decision."""

    attribute: str
    """``sex``, or ``race x sex``."""
    names: tuple[str, ...]
    """The groups that occur, in the order of the levels; people of whom it is unknown come last."""
    reference: int
    """Position of the reference group, which is never that of the unknown: of crossed attributes
    the largest in which all, or else most, of the declared levels meet."""
    unknown: npt.NDArray[np.bool_]
    """Whether the attribute (or one of them) is missing, shape (G,)."""
    labels: tuple[Scalar | None, ...]
    """Values of the label; None where it is missing, or there is no label at all."""
    decisions: tuple[Scalar | None, ...]
    count: Counts
    """Rows, shape (G, labels, decisions)."""
    weight: Sums
    """Sums of the weights, the counts where there is none."""
    square: Sums
    """Sums of the squared weights."""

    @property
    def sizes(self) -> Counts:
        """Rows of each group, shape (G,)."""
        return cast("Counts", self.count.sum(axis=(1, 2)))

    def effective(self, weight: Sums, square: Sums) -> Sums:
        """Give the effective number of rows behind sums of weights (Kish 1965).

        Where all weights are equal, these are the counts themselves.
        """
        total = np.asarray(weight, np.float64)
        return np.divide(total**2, square, out=np.zeros_like(total), where=square > 0)


@dataclass(frozen=True, eq=False)
class Swap:
    """What a model says of some rows, and of the same rows with one column of other people.

    Every row's value in the column was replaced by that of a random row of another group.
    """

    before: npt.NDArray[np.float64]
    """Answers as the rows are, shape (n,): decisions (0, 1), scores, numbers or codes of labels."""
    after: npt.NDArray[np.float64]
    rows: npt.NDArray[np.intp]
    """Positions of these rows in the sample."""
    amounts: bool
    """Whether answers are amounts, so that their distance has a meaning."""


@dataclass(frozen=True, eq=False)
class Observed:
    """A table and the roles of its columns. Nothing is read before it is needed, and once.

    Parameters
    ----------
    source : Source
    roles : Roles
        Checked against the columns of the source by `Observed.of`.
    seed : int
        For samples and splits.
    swaps : mapping
        (attribute, column) -> what a model answers when the column is swapped between groups;
        empty where no model was asked.
    model : str
        Name of the model that was asked; empty where there is none.
    """

    source: Source
    roles: Roles
    seed: int = 0
    swaps: Mapping[tuple[str, str], Swap] = field(default_factory=dict)
    model: str = ""

    @classmethod
    def of(cls, source: Source, roles: Roles, seed: int = 0, **more: Any) -> Observed:
        """Check that the columns exist and have one role each.

        Raises
        ------
        SpecError, DataError
            With the path of what is wrong, such as ``$.data.by``.
        """
        check(roles, source)
        return cls(source, roles, seed, **more)

    # --- groups -----------------------------------------------------------------------------------

    @cached_property
    def attributes(self) -> tuple[tuple[str, ...], ...]:
        """Each attribute alone, then those that are crossed.

        Raises
        ------
        SpecError
            Where attributes that were declared to be crossed have too many combinations.
        """
        by = self.roles.by
        return (*((name,) for name in by), *(self.roles.cross or ()), *self._crossed_anyway)

    @cached_property
    def _crossed_anyway(self) -> tuple[tuple[str, ...], ...]:
        by, crossed = self.roles.by, self.roles.cross
        for i, each in enumerate(crossed or ()):
            if (cells := len(self._cells(each).names)) > MOST_CELLS:
                raise SpecError(
                    f"{CROSS.join(each)} has {cells:,} combinations, and at most {MOST_CELLS:,} "
                    "can be compared",
                    path=f"$.data.cross[{i}]",
                )
        if crossed is not None or not 2 <= len(by) <= FULL_CROSS:
            return ()
        return (by,) if len(self._cells(by).names) <= MOST_CELLS else ()

    @property
    def uncrossed(self) -> str:
        """Say which attributes are not crossed although nobody declared which are; or nothing."""
        by = self.roles.by
        if self.roles.cross is not None or len(by) < 2 or self._crossed_anyway:
            return ""
        what = "has too many combinations" if len(by) <= FULL_CROSS else "are too many attributes"
        return f"{CROSS.join(by)} {what} to cross all by itself: cross = [...] says which to cross."

    @cached_property
    def table(self) -> Tally:
        """The one contingency table: attributes, factors, label and decision."""
        keys = [*self.roles.by, *self.roles.factors, *self._outcomes]
        return self.source.tally(keys, weight=self.roles.weight)

    @property
    def _outcomes(self) -> tuple[str | Binned, ...]:
        keys: list[str | Binned] = [] if self._numeric_label else [self.roles.label or ""]
        keys += [self.decision] if self.decision is not None else []
        return tuple(key for key in keys if key)

    @property
    def _numeric_label(self) -> bool:
        return self.roles.prediction is not None

    @cached_property
    def decision(self) -> str | Binned | None:
        """The decision: its column, or the score from the threshold on."""
        roles = self.roles
        if roles.decision is not None or roles.threshold is None:
            return roles.decision
        if roles.score is None:
            raise SpecError("name the score that it is a threshold of", path="$.data.threshold")
        # A bin that is one step of floats wide parts exactly: nothing of it is rounded, unless
        # the threshold is next to the smallest of all floats.
        step = roles.threshold - math.nextafter(roles.threshold, -math.inf)
        width = max(step, _NARROWEST)
        return Binned(roles.score, roles.threshold - width, width, 2)

    def groups(self, attributes: Sequence[str], within: Mapping[str, int] | None = None) -> Groups:
        """Count the people of an attribute (or of crossed ones) by label and decision.

        Parameters
        ----------
        attributes : sequence of str
            One of `attributes`.
        within : mapping of str to int, optional
            Factor -> position of its level: only these people.
        """
        tally, cells = self.table, self._cells(attributes)
        chosen = np.ones(len(tally.count), bool)
        for factor, level in (within or {}).items():
            chosen &= tally.codes[:, tally.keys.index(factor)] == level
        has_label = self.roles.label is not None and not self._numeric_label
        has_decision = self.decision is not None
        # Without a label (or a decision) there is one column of unknown ones.
        places = [tally.keys.index(_name(key)) for key in self._outcomes]
        outcomes = [tally.levels[place] for place in places]
        labels = outcomes[0] if has_label else (None,)
        decisions = outcomes[-1] if has_decision else (None,)
        shape = (len(cells.names), len(labels), len(decisions))
        flat = cells.places[chosen]
        for place, known in zip(places, outcomes, strict=True):
            flat = flat * len(known) + tally.codes[chosen, place]
        count, weight, square = (
            np.bincount(flat, part[chosen], minlength=math.prod(shape)).reshape(shape)
            for part in (tally.count, tally.weight, tally.square)
        )
        return Groups(
            attribute=CROSS.join(attributes),
            names=cells.names,
            reference=cells.reference,
            unknown=cells.unknown,
            labels=tuple(labels),
            decisions=tuple(decisions),
            count=count.astype(np.int64),
            weight=weight.astype(np.float64),
            square=square.astype(np.float64),
        )

    def _cells(self, attributes: Sequence[str]) -> _Cells:
        """Name all combinations of levels that occur, and choose the reference among them."""
        kept, key = self._kept_cells, tuple(attributes)
        if key not in kept:
            kept[key] = self._found_cells(key)
        return kept[key]

    @cached_property
    def _kept_cells(self) -> dict[tuple[str, ...], _Cells]:
        return {}

    def _found_cells(self, attributes: tuple[str, ...]) -> _Cells:
        tally = self.table
        columns = [tally.keys.index(attribute) for attribute in attributes]
        levels = [tally.levels[column] for column in columns]
        cells, places = np.unique(tally.codes[:, columns], axis=0, return_inverse=True)
        places = places.reshape(-1)
        sizes = np.bincount(places, tally.count, minlength=len(cells))
        texts = [tuple(level_name(level) for level in known) for known in levels]
        names = tuple(
            CROSS.join(own[code] for own, code in zip(texts, cell, strict=True))
            for cell in cells.tolist()
        )
        unknown = np.zeros(len(cells), bool)
        wanted = np.zeros(len(cells), np.intp)
        for i, (attribute, known) in enumerate(zip(attributes, levels, strict=True)):
            if known[-1] is None:
                unknown |= cells[:, i] == len(known) - 1
            if attribute in self.roles.reference:
                wanted += cells[:, i] == self._level(attribute, known)
        if unknown.all():
            raise DataError(
                f"nobody's {CROSS.join(attributes)} is known, so there are no groups to compare",
                path="$.data.by",
            )
        usable = ~unknown & (wanted == wanted[~unknown].max())
        reference = int(np.argmax(np.where(usable, sizes, -1)))
        return _Cells(names, reference, unknown, places.astype(np.intp))

    def _level(self, attribute: str, levels: Sequence[Scalar | None]) -> int:
        known = [level for level in levels if level is not None]
        wanted = self.roles.reference[attribute]
        place = int(lookup(pool_of([wanted]), known)[0])
        if place < 0:
            raise SpecError(
                f'nobody has the {attribute} "{wanted}"{nearest(wanted, known)}',
                path=f"$.data.reference.{attribute}",
            )
        return place

    # --- what is favorable ------------------------------------------------------------------------

    def favorable(self, values: Sequence[Scalar | None], what: str) -> tuple[int, ...]:
        """Tell which values of a label or a decision are good for a person.

        Parameters
        ----------
        values : sequence
            The values that occur; None for missing ones.
        what : {"label", "decision"}

        Returns
        -------
        tuple of int
            Their positions. Empty where no row has a favorable value.

        Raises
        ------
        DataError, SpecError
            Where there are more than two values, or nobody says which is favorable.
        """
        return favorable_among(self.roles, values, what)

    def binary(self, groups: Groups, what: Literal["count", "weight", "square"]) -> Sums:
        """Give groups x label x decision with the favorable ones last, rows with both alone.

        Returns
        -------
        ndarray of shape (G, 2, 2)
        """
        part = np.asarray(getattr(groups, what), np.float64)
        good = self.favorable(groups.labels, "label")
        chosen = self.favorable(groups.decisions, "decision")
        rows = [[i for i, v in enumerate(groups.labels) if v is not None and i not in good], good]
        cols = [
            [i for i, v in enumerate(groups.decisions) if v is not None and i not in chosen],
            chosen,
        ]
        out = np.zeros((len(groups.names), 2, 2))
        for y in range(2):
            for d in range(2):
                out[:, y, d] = part[:, list(rows[y])][:, :, list(cols[d])].sum(axis=(1, 2))
        return out

    # --- rows -------------------------------------------------------------------------------------

    @cached_property
    def sample(self) -> Table:
        """Rows for learners: all of them where they are few, else a random sample."""
        return self.source.rows(SAMPLE, self.seed)

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Columns that a model may see: those declared, or all that have no other role."""
        if self.roles.features is not None:
            return self.roles.features
        taken = {name for _, name in named_columns(self.roles)} - set(self.roles.factors)
        usable = {"number", "text", "truth"}
        return tuple(
            name
            for name in self.source.names
            if name not in taken and self.source.kind(name) in usable
        )

    def codes(self, attribute: str) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
        """Give the level of each row of the sample as a number, -1 where it is missing.

        Returns
        -------
        codes : ndarray of int32, shape (rows,)
        names : tuple of str
        """
        tally = self.table
        levels = [v for v in tally.levels[tally.keys.index(attribute)] if v is not None]
        column = self.sample.column(attribute, slice(None)).arrow()
        return lookup(column, levels), tuple(level_name(level) for level in levels)

    def donors(self, attribute: str) -> npt.NDArray[np.intp]:
        """Choose for each row of the sample a random row of another group, as a donor of values.

        Where there is no other group, rows are their own donors.
        """
        codes, names = self.codes(attribute)
        rng = generator(self.seed, f"donors/{attribute}", 0)
        out = np.arange(len(codes), dtype=np.intp)
        # A column is swapped with those of whom the attribute is known to differ.
        for level in range(len(names)):
            mine = np.flatnonzero(codes == level)
            others = np.flatnonzero((codes != level) & (codes >= 0))
            if len(mine) and len(others):
                out[mine] = others[rng.integers(0, len(others), len(mine))]
        return out


_NARROWEST = 2.0**-1022
"""The smallest width of a bin that has a reciprocal: engines multiply by it."""


@dataclass(frozen=True, eq=False)
class _Cells:
    names: tuple[str, ...]
    reference: int
    unknown: npt.NDArray[np.bool_]
    places: npt.NDArray[np.intp]
    """The cell of each line of the table."""


def _name(key: str | Binned) -> str:
    return key if isinstance(key, str) else key.column
