"""What a search has found: the worst first, with distances, as witnesses and as one table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.record import Witness
from paribus.studies._candidates import Candidates
from paribus.studies._guided import Asking, Said, places
from paribus.table import flat

WITNESSES = 20
"""Pairs that are shown, at most."""

FACTS = (
    *("pair", "row", "attribute", "reference", "group"),
    *("reference_answer", "group_answer", "margin", "distance"),
)
"""First columns of the table of all flips; a column of the people that is called so is renamed."""


@dataclass(frozen=True, eq=False)
class Flips:
    """All flips of a search, the most extreme first; of equal ones, the most natural."""

    asking: Asking
    people: Candidates
    number: npt.NDArray[np.intp]
    """Number of the pair, as they were asked."""
    margins: npt.NDArray[np.float64]
    distances: npt.NDArray[np.float64]
    where: tuple[tuple[Said, int], ...]
    """The answers about each, and its number among them."""

    @classmethod
    def of(cls, asking: Asking) -> Flips:
        """Put what was found in order."""
        where = [(said, i) for said in asking.said for i in range(len(said.people))]
        flip = np.flatnonzero([said.flip[i] for said, i in where])
        people = asking.people.take(flip)
        margins, distances = asking.margins()[flip], asking.space.distances(people)
        order = np.lexsort((flip, distances, -margins))
        return cls(
            asking,
            people.take(order),
            flip[order],
            margins[order],
            distances[order],
            tuple(where[i] for i in flip[order]),
        )

    def __len__(self) -> int:
        return len(self.where)

    @cached_property
    def _shown(self) -> tuple[str, ...]:
        """The columns to show: the attributes, and what the model sees."""
        space = self.asking.space
        return tuple(dict.fromkeys((*space.protect, *space.seen)))

    @cached_property
    def _rows(self) -> list[int | None]:
        """Rows in the caller's data; None for people who were changed, or are synthetic."""
        number = self.asking.space.number
        pairs = zip(self.people.real.tolist(), self.people.base.tolist(), strict=True)
        return [number(base) if real else None for real, base in pairs]

    def witnesses(self) -> tuple[Witness, ...]:
        """Show the worst: those of every contrast before second ones of any."""
        ranks = places(self.people.contrast)
        chosen = np.argsort(ranks, kind="stable")[:WITNESSES]
        return tuple(self._witness(i) for i in sorted(chosen.tolist()))

    def _witness(self, i: int) -> Witness:
        said, at = self.where[i]
        contrast = self.asking.space.contrasts[int(self.people.contrast[i])]
        assert said.answers is not None
        persons = said.answers.persons([(at, contrast.reference), (at, contrast.group)])
        one, other = (
            {name: value for name, value in persons[at, version].items() if name in self._shown}
            for version in (contrast.reference, contrast.group)
        )
        differ = [name for name in other if name not in one or one[name] != other[name]]
        return Witness(
            person=int(self.number[i]),
            row=self._rows[i],
            attribute=contrast.attribute,
            reference=contrast.reference_name,
            group=contrast.group_name,
            reference_answer=self.asking.outcome.shown(said.reference[at]),
            group_answer=self.asking.outcome.shown(said.group[at]),
            same={name: value for name, value in one.items() if name not in differ},
            reference_values={name: one[name] for name in differ if name in one},
            group_values={name: other[name] for name in differ},
        )

    def table(self) -> pa.Table:
        """Lay all flips out, one a row."""
        outcome = self.asking.outcome
        contrasts = [self.asking.space.contrasts[c] for c in self.people.contrast.tolist()]
        columns = (
            pa.array(self.number),
            pa.array(self._rows, pa.int64()),
            pa.array([c.attribute for c in contrasts], pa.string()),
            pa.array([c.reference_name for c in contrasts], pa.string()),
            pa.array([c.group_name for c in contrasts], pa.string()),
            pa.array([outcome.shown(said.reference[at]) for said, at in self.where]),
            pa.array([outcome.shown(said.group[at]) for said, at in self.where]),
            pa.array(self.margins, mask=np.full(len(self), not self.asking.has_scores)),
            pa.array(self.distances),
        )
        return pa.table(dict(zip(FACTS, columns, strict=True)) | self._persons())

    def _persons(self) -> dict[str, Any]:
        """Give what the model sees of the reference twins."""
        places: dict[Said, list[int]] = {}
        for i, (said, _) in enumerate(self.where):
            places.setdefault(said, []).append(i)
        parts = []
        for said, mine in places.items():
            at = np.array([self.where[i][1] for i in mine], np.intp)
            moved = self.asking.space.contrasts[int(said.people.contrast[0])].reference
            assert said.answers is not None
            twins = said.answers.twins
            known = [name for name in self._shown if name in twins.people.names_in(moved.moves)]
            drawn = twins.block(0).columns(moved, known)
            parts.append(pa.table({n: flat(c.take(at).arrow()) for n, c in drawn.items()}))
        if not parts:
            return {}
        order = np.argsort(np.concatenate([np.array(mine, np.intp) for mine in places.values()]))
        whole = pa.concat_tables(parts, promote_options="permissive").take(pa.array(order))
        return {
            f"data.{name}" if name in FACTS else name: whole[name].combine_chunks()
            for name in whole.column_names
        }
