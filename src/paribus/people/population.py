"""The recipe of people: protected attributes, fields, and real rows where there are any."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pydantic
from markupsafe import Markup
from pydantic import (
    InstanceOf,
    PrivateAttr,
    SerializeAsAny,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)
from scipy.special import ndtr

from paribus import _html, _text
from paribus._plugins import Declaration, Number
from paribus._seeds import BLOCK, generator
from paribus.errors import DataError, ParibusError, SpecError, nearest
from paribus.people.census import MOST, Census, CensusError, Look
from paribus.people.fields.base import Domain, Field, Streams, check_loadings
from paribus.people.sample import Rows
from paribus.people.shared import SharedPeople, recipe_of
from paribus.table import Coded, Column, Scalar, flat, lookup, pool_of

_SHOWN = 5
"""People that a notebook shows."""

Moves = tuple[tuple[str, int], ...]
"""Attributes moved to a level, by its number, in the order of declaration."""


class Protected(Declaration):
    """A protected attribute: its levels, and the one that the others are compared with."""

    levels: tuple[StrictBool | StrictInt | StrictFloat | StrictStr, ...]
    reference: StrictBool | StrictInt | StrictFloat | StrictStr | None = None
    """The first level where left out."""
    weights: tuple[float, ...] | None = None
    """How often synthetic people have each level; all equally often where left out."""
    dependence: dict[str, Number] = pydantic.Field(default_factory=dict)
    """Loadings on the chance of other columns, as those of a field that was learned."""

    @model_validator(mode="after")
    def _consistent(self) -> Protected:
        names = [str(level) for level in self.levels]
        if len(names) < 2:
            raise SpecError("needs at least two levels", path="$.levels")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise SpecError(f'has the level "{twice}" twice', path="$.levels")
        if self.reference is not None and self._place(self.reference) < 0:
            raise SpecError(
                f'"{self.reference}" is no level{nearest(self.reference, names)}',
                path="$.reference",
            )
        if self.weights is not None:
            if len(self.weights) != len(names):
                raise SpecError("give one weight for each level", path="$.weights")
            if min(self.weights) < 0 or abs(sum(self.weights) - 1) > 1e-6:
                raise SpecError("weights must not be negative and must sum to 1", path="$.weights")
        elif self.dependence:
            raise SpecError("levels that depend on others need weights", path="$.weights")
        check_loadings(self.dependence)
        pool_of(self.levels, "$.levels")
        return self

    @cached_property
    def pool(self) -> pa.Array:
        """The levels as a pool of values."""
        return pool_of(self.levels)

    @property
    def reference_index(self) -> int:
        """Number of the reference level."""
        if self.reference is None:
            return 0
        return self._place(self.reference)

    def domain(self) -> Domain:
        """Give the levels that people can have of their own, by their numbers.

        Raises
        ------
        CensusError
            Where they depend on other columns.
        """
        if self.dependence:
            others = ", ".join(self.dependence)
            raise CensusError(f"the levels depend on other columns ({others})")
        return Domain.numbers(len(self.levels), np.int32, self.weights)

    def _place(self, level: Scalar) -> int:
        return int(lookup(pool_of([level]), self.levels)[0])


class People(Declaration):
    """A recipe of people. Nothing is drawn before a block of them is asked for.

    Person *i* depends only on the seed, the name of each field, and *i*.
    """

    protect: dict[str, Protected]
    fields: dict[str, SerializeAsAny[Field]] = pydantic.Field(default_factory=dict)
    size: int = pydantic.Field(gt=0)
    seed: int = pydantic.Field(default=0, ge=0, lt=2**63)
    rows: Rows | None = None
    census: InstanceOf[Census] | None = pydantic.Field(default=None, repr=False)
    """Everybody, one after the other, where people are not drawn by chance."""
    _pools: dict[str, pa.Array] = PrivateAttr(default_factory=dict)
    _shared: SharedPeople | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _consistent(self) -> People:
        if not self.protect:
            raise SpecError("name at least one protected attribute", path="$.protect")
        for name in (*self.protect, *self.fields):
            pool_of([name], f"$.{'fields' if name in self.fields else 'protect'}.{name}")
        for name in self.fields:
            if name in self.protect:
                raise SpecError(
                    f'"{name}" is already a protected attribute; a field needs a name of its own '
                    '(kind = "copy" gives the attribute a second name)',
                    path=f"$.fields.{name}",
                )
        _ = self.order
        known_levels = {name: attribute.levels for name, attribute in self.protect.items()}
        for name, field in self.fields.items():
            try:
                field.check(known_levels)
            except SpecError as error:
                raise error.under(f"$.fields.{name}") from None
        if self.rows is not None:
            for name in self.protect:
                self.pool(name)
            return self
        for name in self.protect:
            self._check_weighed(name)
        return self

    def _check_weighed(self, attribute: str) -> None:
        # Levels without weights are drawn as whole numbers, which stand nowhere.
        if self.protect[attribute].weights is not None:
            return
        loading = [name for name, field in self.fields.items() if attribute in field.beside]
        loading += [name for name, other in self.protect.items() if attribute in other.dependence]
        if loading:
            raise SpecError(
                f'"{loading[0]}" depends on the levels; say how often people have each',
                path=f"$.protect.{attribute}.weights",
            )

    def pool(self, attribute: str) -> pa.Array:
        """Give the levels of an attribute as values of the type that the data have there."""
        if attribute not in self._pools:
            protected, pool = self.protect[attribute], self.protect[attribute].pool
            if self.rows is not None and attribute in self.rows.names:
                path = f"$.protect.{attribute}.levels"
                pool = self.rows.typed_levels(attribute, protected.levels, path)
            self._pools[attribute] = pool
        return self._pools[attribute]

    # --- what depends on what ---------------------------------------------------------------------

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Fields in an order in which each stands behind those that it is made from.

        Raises
        ------
        SpecError
            Where a field is made from something that does not exist, or from itself in a ring.
        """
        done: dict[str, None] = {}
        for name in self.fields:
            self._visit(name, (), done)
        return tuple(done)

    def _visit(self, name: str, trail: tuple[str, ...], done: dict[str, None]) -> None:
        if name in done:
            return
        if name in trail:
            ring = " -> ".join((*trail[trail.index(name) :], name))
            raise SpecError(f"the field is made from itself: {ring}", path=f"$.fields.{name}")
        for parent in self.fields[name].parents:
            if parent in self.fields and not (parent == name and self._in_rows(name)):
                self._visit(parent, (*trail, name), done)
            elif parent not in self.protect and not self._in_rows(parent):
                known = [*self.protect, *self.fields, *(self.rows.names if self.rows else ())]
                raise SpecError(
                    f'is made from "{parent}", which nobody declares{nearest(parent, known)}',
                    path=f"$.fields.{name}",
                )
        done[name] = None

    def _in_rows(self, name: str) -> bool:
        return self.rows is not None and name in self.rows.names

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All columns: those of the data in their order, then attributes, then further fields."""
        own = self.rows.names if self.rows is not None else ()
        return tuple(dict.fromkeys((*own, *self.protect, *self.fields)))

    def names_in(self, moves: Moves) -> tuple[str, ...]:
        """List the columns that people have when they are moved.

        A protected attribute that the data do not hold has no value for people who are not moved,
        nor has what follows it, unless the data hold that.
        """
        if self.rows is None:
            return self.names
        known = {name for name, _ in moves} | set(self.rows.names)
        return tuple(
            name
            for name in self.names
            if name in self.rows.names or self.attributes_behind(name) <= known
        )

    @cached_property
    def _roots(self) -> dict[str, frozenset[str]]:
        roots = {name: frozenset([name]) for name in self.protect}
        for name in self.order:
            parents = self.fields[name].parents
            roots[name] = frozenset().union(*(roots.get(parent, frozenset()) for parent in parents))
        return roots

    def attributes_behind(self, column: str) -> frozenset[str]:
        """Give the protected attributes that a column follows, directly or through others."""
        return self._roots.get(column, frozenset())

    def closure(self, attribute: str) -> tuple[str, ...]:
        """Give the columns that may differ between twins: the attribute and all that follows it."""
        return tuple(name for name in self.names if attribute in self.attributes_behind(name))

    def unknown(self, attribute: str) -> bool:
        """Tell whether nobody has a level of their own: the data have no such column."""
        return self.rows is not None and attribute not in self.rows.names

    def held(self, attributes: Sequence[str], columns: Sequence[str]) -> Moves:
        """Give the references at which other attributes are held while some are moved.

        Of an attribute that the data do not know nobody has a level. Where a column follows it
        that is not in the data either, or that follows what is moved too, there is no person as
        they are: the attribute is held at its reference.
        """
        behind = frozenset().union(*(self.attributes_behind(name) for name in columns))
        return tuple(
            (name, protected.reference_index)
            for name, protected in self.protect.items()
            if name not in attributes and self.unknown(name)
            if name in behind or any(c != name and not self._in_rows(c) for c in self.closure(name))
        )

    def redrawn(self, attributes: Sequence[str]) -> tuple[str, ...]:
        """Give the fields that placebo twins draw again: linked fields, and all made from them."""
        again: dict[str, None] = {}
        for name in self.order:
            field = self.fields[name]
            linked = field.random and any(
                set(attributes) & self.attributes_behind(parent) for parent in field.linked
            )
            if linked or any(parent in again for parent in field.parents):
                again[name] = None
        return tuple(again)

    def enumerated(self, seen: Sequence[str], versions: Iterable[Look], most: int = MOST) -> People:
        """Give everybody whom a model can tell apart, each once, in place of a sample.

        What the model does not see (an ID, a name) is still drawn by chance.

        Parameters
        ----------
        seen : sequence of str
            The columns that the model sees.
        versions : iterable of Version
            The versions whose answers shall be exact.
        most : int
            Questions at most (see `Census.of`).

        Raises
        ------
        CensusError
            Where they cannot be listed, or are too many; `Census.why_not` says so beforehand.

        Examples
        --------
        >>> import paribus as pb
        >>> from paribus.twins import level_contrasts, pair
        >>> people = pb.People(
        ...     protect={"gender": {"levels": ["Male", "Female"]}},
        ...     fields={"id": pb.mimesis("cryptographic.uuid"), "age": pb.integers(18, 90)},
        ...     size=10,
        ... )
        >>> twins = pair(people, level_contrasts(people, "gender"))
        >>> everybody = people.enumerated(["gender", "age"], twins.versions)
        >>> everybody.size, len(set(everybody.head(73)["age"].to_pylist()))
        (73, 73)
        """
        census = Census.of(self, seen, versions, most)
        return self.model_copy(update={"size": census.size, "census": census})

    # --- blocks -----------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.size

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.size // BLOCK)

    def block(self, index: int, people: int | None = None) -> Block:
        """Open a block of people; `people` asks for the first few of it only."""
        start = index * BLOCK
        whole = min(BLOCK, self.size - start)
        drawn = Block(self, index, start, whole if people is None else min(people, whole))
        return drawn if self._shared is None else self._shared.block(drawn)

    @cached_property
    def recipe(self) -> Hashable:
        """All that these people depend on; None where nobody may share them."""
        return recipe_of(self)

    def __copy__(self) -> Self:
        copied = super().__copy__()
        # Pydantic copies what is cached too, and `model_copy` may replace what that was made from.
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied

    def sharing(self, shared: SharedPeople) -> People:
        """Give the same people, whose blocks are kept for whoever asks for equal ones."""
        people = self.model_copy()
        people._shared = shared
        return people

    def head(self, people: int = 5) -> pa.Table:
        """Draw the first few people, as they are before any twin is made."""
        block = self.block(0, people)
        known = self.names_in(())
        return pa.table({name: flat(block.column(name).arrow()) for name in known})

    def _repr_html_(self) -> str:
        """Show in a notebook what is protected, and the first few people."""
        try:
            shown = _html.values("The first people, as they are", self.head(_SHOWN).to_pydict())
        except ParibusError as error:
            shown = _html.paragraph(_text.visible(error))
        return _html.piece(*described(self), shown)


def described(people: People) -> Iterator[Markup]:
    """Say for a notebook how many people there are, what is protected, and what follows it."""
    known = "in the data" if people.rows is not None else "drawn"
    if people.census is not None:
        known = "everybody in the declared domain"
    number = "1 person" if people.size == 1 else f"{people.size:,} people"
    yield _html.paragraph(f"{number} ({known}), seed {people.seed}")
    columns = ("Protected", "Reference", "Other levels", "Moves with it")
    rows = []
    for attribute, protected in people.protect.items():
        reference = protected.reference_index
        others = [level for i, level in enumerate(protected.levels) if i != reference]
        moved = [column for column in people.closure(attribute) if column != attribute]
        rows.append(
            [
                _html.Cell(_text.name(attribute)),
                _html.Cell(_text.name(protected.levels[reference])),
                _html.Cell(_html.listed(others)),
                _html.Cell(_html.listed(moved) or "nothing else"),
            ]
        )
    yield _html.table("What twins differ in", [_html.Column(title) for title in columns], rows)


class Block:
    """A run of people whose columns are made when first asked for, and then kept.

    A column is kept under the levels that it depends on. So a column outside the closure of what
    was moved is not merely equal between twins: it is the same object.
    """

    def __init__(self, people: People, index: int, start: int, length: int) -> None:
        self.people = people
        self.index = index
        self.start = start
        self.length = length
        self._latent: dict[tuple[str, bool], Any] = {}
        self._normals: dict[str, npt.NDArray[np.float64]] = {}
        self._columns: dict[tuple[str, Moves, tuple[str, ...]], Column] = {}

    def __len__(self) -> int:
        return self.length

    @property
    def values(self) -> int:
        """Number of values that are kept."""
        return self.length * (len(self._columns) + len(self._latent) + len(self._normals))

    def weights(self) -> npt.NDArray[np.float64] | None:
        """Give how likely each of these people is in the declaration.

        Returns
        -------
        ndarray of float64, shape (n,), or None
            Sums to 1 over all blocks; None where all people are equally likely, as those who were
            drawn are.
        """
        census = self.people.census
        return None if census is None else census.weights(self.start, self.length)

    def own_levels(self, attribute: str) -> npt.NDArray[np.int32] | None:
        """Give each person's own level as its number.

        Returns
        -------
        ndarray of int32, shape (n,), or None
            -1 where the data have no declared level for the person; None where they have no such
            column at all.
        """
        protected = self.people.protect[attribute]
        rows = self.people.rows
        if rows is not None:
            if attribute not in rows.names:
                return None
            return rows.own_levels(attribute, protected.levels, self.start, self.length)
        listed = self._listed(attribute, again=False)
        if listed is not None:
            levels: npt.NDArray[np.int32] = listed
            return levels
        rng = generator(self.people.seed, f"{attribute}/own", self.index)
        if protected.weights is None:
            return rng.integers(0, len(protected.levels), self.length, dtype=np.int32)
        steps = np.cumsum(protected.weights)
        if protected.dependence:
            streams = Streams(self.people.seed, f"{attribute}/own", self.index, self._normals)
            u = ndtr(streams.standing(self.length, protected.dependence)) * steps[-1]
        else:
            u = rng.random(self.length) * steps[-1]
        own: npt.NDArray[np.int32] = np.searchsorted(steps[:-1], u, side="right").astype(np.int32)
        return own

    def column(self, name: str, moves: Moves = (), again: tuple[str, ...] = ()) -> Column:
        """Give a column of these people.

        Parameters
        ----------
        name : str
        moves : tuple of (str, int)
            Attributes that are moved to a level; all others stay as the person has them.
        again : tuple of str
            Fields that are drawn a second time (placebo twins).
        """
        behind = self.people.attributes_behind(name)
        relevant = tuple(move for move in moves if move[0] in behind)
        redrawn = again if name in again else ()
        key = (name, relevant, redrawn)
        if key not in self._columns:
            self._columns[key] = self._make(name, relevant, redrawn)
        return self._columns[key]

    def _make(self, name: str, moves: Moves, again: tuple[str, ...]) -> Column:
        if name in self.people.protect:
            return self._attribute(name, dict(moves))
        field = self.people.fields.get(name)
        if field is None:
            assert self.people.rows is not None
            return self.people.rows.column(name, self.start, self.length)
        kept = self._as_they_are(name, moves)
        if kept is not None:
            return kept
        parents = {
            parent: self._rows_column(parent)
            if parent == name
            else self.column(parent, moves, again)
            for parent in field.parents
        }
        try:
            latent = self._drawn(name, field, name in again)
            return field.column(latent, parents, self.start, self.length)
        except (SpecError, DataError) as error:
            raise error.under(f"$.fields.{name}") from None

    def _rows_column(self, name: str) -> Column:
        assert self.people.rows is not None
        return self.people.rows.column(name, self.start, self.length)

    def _attribute(self, name: str, moves: Mapping[str, int]) -> Column:
        if name in moves:
            return Coded.constant(moves[name], self.people.pool(name), self.length)
        if self.people.rows is not None and name in self.people.rows.names:
            return self._rows_column(name)
        own = self.own_levels(name)
        if own is None:
            raise DataError(
                f'the data have no column "{name}", so nobody has a level of their own there; '
                "what follows it must be a column of the data too",
                path=f"$.protect.{name}",
            )
        return Coded.of(own, self.people.pool(name))

    def _as_they_are(self, name: str, moves: Moves) -> Column | None:
        """Give the data's own column where nobody was moved and the data know no level."""
        rows = self.people.rows
        if rows is None or name not in rows.names:
            return None
        moved = {attribute for attribute, _ in moves}
        unknown = self.people.attributes_behind(name) - moved - set(rows.names)
        return self._rows_column(name) if unknown else None

    def _drawn(self, name: str, field: Field, again: bool) -> Any:
        if not field.random:
            return None
        key = (name, again)
        if key not in self._latent:
            part = "again" if again else "draw"
            streams = Streams(self.people.seed, f"{name}/{part}", self.index, self._normals)
            listed = self._listed(name, again=again)
            drawn = field.draw(streams, self.length) if listed is None else listed
            self._latent[key] = drawn
        return self._latent[key]

    def _listed(self, name: str, *, again: bool) -> Any:
        """Give what a census gives these people in place of chance; None where it gives nothing."""
        census = self.people.census
        if census is None or (name, again) not in census.domains:
            return None
        return census.latent((name, again), self.start, self.length)
