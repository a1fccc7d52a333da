"""Twins: the same person with a protected attribute, and what follows from it, moved. The heart.

A *version* says what was moved. A *contrast* says which two versions are compared. `pair` lists the
distinct versions that a set of contrasts needs; nothing is drawn until a block is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from markupsafe import Markup

from paribus import _html, _text
from paribus._files import write_table
from paribus.errors import ParibusError, SpecError, nearest
from paribus.people.population import Block, Moves, People, described
from paribus.people.shared import SharedPeople
from paribus.table import Column, flat

RESERVED = ("person", "version")
"""First columns of the balanced data set; a column of the people that is called so is renamed."""

_SHOWN_PEOPLE = 3
_SHOWN_VERSIONS = 4
"""What a notebook shows."""

CROSS = " x "
"""Between the names of crossed attributes, and of their levels."""


@dataclass(frozen=True)
class Version:
    """A person as they are, moved to levels, or with linked fields drawn again."""

    moves: Moves = ()
    again: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contrast:
    """Two versions that are compared; gaps are `group` minus `reference`."""

    kind: Literal["level", "cell", "placebo"]
    attributes: tuple[str, ...]
    reference: Version
    group: Version
    reference_name: str
    group_name: str

    @property
    def attribute(self) -> str:
        """The attribute's name; crossed attributes are joined."""
        return CROSS.join(self.attributes)


def level_contrasts(people: People, attribute: str) -> tuple[Contrast, ...]:
    """Compare every level of an attribute with its reference."""
    return _cells(people, (attribute,), "level")


def cell_contrasts(people: People, attributes: Sequence[str]) -> tuple[Contrast, ...]:
    """Compare every cell of crossed attributes with the cell of their references.

    Raises
    ------
    SpecError
        Where fewer than two attributes are crossed, or one is not declared.
    """
    path = "$.audit.cross"
    for name in attributes:
        if name not in people.protect:
            near = nearest(name, people.protect)
            raise SpecError(f'"{name}" is no protected attribute{near}', path=path)
    if len(set(attributes)) < 2 or len(set(attributes)) < len(attributes):
        raise SpecError("crossing takes two or more different attributes", path=path)
    return _cells(people, tuple(attributes), "cell")


def all_contrasts(people: People, cross: Sequence[Sequence[str]] = ()) -> tuple[Contrast, ...]:
    """Compare every level of every attribute, and every cell of attributes that are crossed.

    Parameters
    ----------
    people : People
    cross : sequence of sequences of str
        Attributes to cross; the same attributes in another order count once.
    """
    levels = [c for name in people.protect for c in level_contrasts(people, name)]
    distinct = {frozenset(attributes): attributes for attributes in reversed(cross)}
    cells = [c for each in reversed(distinct.values()) for c in cell_contrasts(people, each)]
    return (*levels, *cells)


def placebo_contrasts(people: People, *attributes: str) -> tuple[Contrast, ...]:
    """Compare people with themselves under another draw of the fields linked to some attributes.

    Nothing follows an attribute by chance in many audits; then there is nothing to compare.
    """
    again = people.redrawn(attributes)
    if not again:
        return ()
    names = ", ".join(again)
    same = Version(people.held((), again))
    drawn = Version(same.moves, again)
    return (Contrast("placebo", attributes, same, drawn, "as they are", f"another {names}"),)


def _cells(
    people: People, attributes: tuple[str, ...], kind: Literal["level", "cell"]
) -> tuple[Contrast, ...]:
    protected = [people.protect[name] for name in attributes]
    together = {column for name in attributes for column in people.closure(name)}
    held = dict(people.held(attributes, tuple(together)))

    def version(cell: tuple[int, ...]) -> Version:
        moves = held | dict(zip(attributes, cell, strict=True))
        return Version(tuple((name, moves[name]) for name in people.protect if name in moves))

    def name(cell: tuple[int, ...]) -> str:
        return CROSS.join(str(p.levels[i]) for p, i in zip(protected, cell, strict=True))

    reference = tuple(p.reference_index for p in protected)
    cells = product(*(range(len(p.levels)) for p in protected))
    return tuple(
        Contrast(kind, attributes, version(reference), version(cell), name(reference), name(cell))
        for cell in cells
        if cell != reference
    )


@dataclass(frozen=True, eq=False)
class Twins:
    """A recipe of twins: people, the contrasts asked for, and the versions that these need."""

    people: People
    contrasts: tuple[Contrast, ...]
    versions: tuple[Version, ...]
    _places: dict[Version, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {v: i for i, v in enumerate(self.versions)})

    def place(self, version: Version) -> int:
        """Give the number of a version."""
        return self._places[version]

    def title(self, version: Version) -> str:
        """Name a version by what was moved, such as ``gender=Female``."""
        protect = self.people.protect
        moved = ", ".join(f"{name}={protect[name].levels[i]}" for name, i in version.moves)
        again = f"another {', '.join(version.again)}" if version.again else ""
        return ", ".join(part for part in (moved, again) if part) or "as they are"

    def sharing(self, shared: SharedPeople) -> Twins:
        """Give the same twins, whose people are kept for whoever asks for equal ones."""
        return replace(self, people=self.people.sharing(shared))

    @property
    def blocks(self) -> int:
        """Number of blocks of people."""
        return self.people.blocks

    def block(self, index: int, people: int | None = None, skip: int = 0) -> TwinBlock:
        """Open a block: its people, and each version of them when asked for.

        Parameters
        ----------
        index : int
        people : int, optional
            Only the first people of the block; all of them where left out.
        skip : int
            How many of these to leave out at the beginning.
        """
        return TwinBlock(self, self.people.block(index, people), skip)

    def tables(self) -> Iterator[pa.Table]:
        """Give the balanced data set, block by block: one row for each version of each person.

        The first columns are ``person`` (counted from 0) and ``version`` (what was moved); a
        person's versions stand one below the other.
        """
        names = self.people.names
        schema: pa.Schema | None = None
        for index in range(self.blocks):
            table = _interleaved(self.block(index), names)
            if schema is None:
                schema = self._schema(table)
            yield table.cast(schema)

    def _schema(self, table: pa.Table) -> pa.Schema:
        """Give the types of all blocks: a column may be empty in the first one alone."""
        schema = table.schema
        rows = self.people.rows
        for i, column in enumerate(table.schema):
            if pa.types.is_null(column.type) and rows is not None and column.name in rows.names:
                whole = flat(rows.column(column.name, 0, len(rows)).arrow())
                schema = schema.set(i, pa.field(column.name, whole.type))
        return schema

    def write(self, path: str | Path) -> int:
        """Write the balanced data set to a ``.csv`` or ``.parquet`` file; gives the rows written.

        Raises
        ------
        OutputError
            Where the suffix says another format, or the path cannot be written.
        """
        return write_table(path, self.tables())

    def _repr_html_(self) -> str:
        """Show in a notebook the first people in each of their versions, what differs marked."""
        try:
            shown = _side_by_side(self)
        except ParibusError as error:
            shown = _html.paragraph(_text.visible(error))
        contrasts = _text.count(len(self.contrasts), "contrast")
        versions = _text.count(len(self.versions), "version")
        counted = _html.paragraph(f"{versions} of each person, for {contrasts}")
        return _html.piece(*described(self.people), counted, shown)


def pair(people: People, contrasts: Iterable[Contrast]) -> Twins:
    """Make the recipe of twins for some contrasts; each contrast and each version counts once.

    Parameters
    ----------
    people : People
    contrasts : iterable of Contrast
        What all tests together need; repeats are merged.

    Returns
    -------
    Twins
        Twins differ inside the closure of what was moved and nowhere else.

    Examples
    --------
    >>> from paribus import People
    >>> people = People(protect={"gender": {"levels": ["Male", "Female"]}}, size=3)
    >>> twins = pair(people, level_contrasts(people, "gender"))
    >>> len(twins.versions)
    2
    """
    merged = tuple(dict.fromkeys(contrasts))
    versions = dict.fromkeys(v for c in merged for v in (c.reference, c.group))
    return Twins(people, merged, tuple(versions))


def factorial(people: People) -> Twins:
    """Make the recipe of the balanced data set: every person at every combination of levels.

    Examples
    --------
    >>> from paribus import People
    >>> levels = {"sex": {"levels": ["m", "f"]}, "age": {"levels": [25, 45, 65]}}
    >>> len(factorial(People(protect=levels, size=3)).versions)
    6
    """
    names = tuple(people.protect)
    return pair(people, _cells(people, names, "cell" if len(names) > 1 else "level"))


class TwinBlock:
    """A block of people, or a run of them, and their versions as columns."""

    def __init__(self, twins: Twins, people: Block, skip: int = 0) -> None:
        self.twins = twins
        self.people = people
        self.skip = skip
        self._rest = np.arange(skip, len(people)) if skip else None
        self._taken: dict[int, tuple[Column, Column]] = {}

    def __len__(self) -> int:
        return len(self.people) - self.skip

    @property
    def start(self) -> int:
        """Number of the first person."""
        return self.people.start + self.skip

    def columns(self, version: Version, names: Sequence[str]) -> dict[str, Column]:
        """Give some columns of a version. What does not differ is the very same object."""
        whole = {name: self.people.column(name, version.moves, version.again) for name in names}
        return whole if self._rest is None else {n: self._run(c) for n, c in whole.items()}

    def weights(self) -> npt.NDArray[np.float64] | None:
        """Give how likely each person is, where the people are everybody in the domain.

        Returns
        -------
        ndarray of float64, shape (n,), or None
            None where all are equally likely.
        """
        weights = self.people.weights()
        return None if weights is None else weights[self.skip :]

    def _run(self, column: Column) -> Column:
        assert self._rest is not None
        if id(column) not in self._taken:
            # With the column itself, or its id would be given to another.
            self._taken[id(column)] = column, column.take(self._rest)
        return self._taken[id(column)][1]

    def distinct(self, seen: Sequence[str]) -> list[npt.NDArray[Any]]:
        """Tell which versions of which people are the same question to a model.

        Parameters
        ----------
        seen : sequence of str
            The columns that the model sees.

        Returns
        -------
        list of ndarray of int, shape (n,) or ()
            For each version, the number of the first version that looks the same to the model: its
            own number where no earlier one does. One number where it holds for all people.
        """
        keys = [self._key(version, tuple(seen)) for version in self.twins.versions]
        out: list[npt.NDArray[Any]] = []
        for number, (again, cell) in enumerate(keys):
            first = np.asarray(number)
            for earlier in range(number - 1, -1, -1):
                if keys[earlier][0] == again:
                    first = np.where(keys[earlier][1] == cell, out[earlier], first)
            out.append(_collapsed(first))
        return out

    def _key(self, version: Version, seen: tuple[str, ...]) -> tuple[tuple[str, ...], Any]:
        """Describe how a version looks to the model: a cell of levels, and what is drawn again."""
        cell: npt.NDArray[np.int64] = np.asarray(0, dtype=np.int64)
        moves = dict(version.moves)
        for name in self._visible(seen):
            levels = len(self.twins.people.protect[name].levels) + 1
            if name in moves:
                here: Any = moves[name] + 1
            elif name not in self._moved_anywhere:
                here = 0
            else:
                own = self.people.own_levels(name)
                here = 0 if own is None else own[self.skip :].astype(np.int64) + 1
            cell = cell * levels + here
        return tuple(name for name in version.again if name in seen), cell

    def _visible(self, seen: tuple[str, ...]) -> tuple[str, ...]:
        """List the attributes that move anything the model sees."""
        people = self.twins.people
        behind = frozenset().union(*(people.attributes_behind(name) for name in seen))
        return tuple(name for name in people.protect if name in behind)

    @cached_property
    def _moved_anywhere(self) -> frozenset[str]:
        return frozenset(name for v in self.twins.versions for name, _ in v.moves)


def _interleaved(block: TwinBlock, names: Sequence[str]) -> pa.Table:
    versions = block.twins.versions
    n = len(block)
    parts = []
    for version in versions:
        columns = block.columns(version, block.twins.people.names_in(version.moves))
        missing = pa.nulls(n)
        arrays = {"person": pa.array(np.arange(block.people.start, block.people.start + n))}
        arrays["version"] = pa.array([block.twins.title(version)] * n).dictionary_encode()
        for name in names:
            title = f"data.{name}" if name in RESERVED else name
            arrays[title] = flat(columns[name].arrow()) if name in columns else missing
        parts.append(pa.table(arrays))
    together = pa.concat_tables(parts, promote_options="permissive")
    order = np.arange(n * len(versions)).reshape(len(versions), n).T.reshape(-1)
    return together.take(pa.array(order)).unify_dictionaries()


def _side_by_side(twins: Twins) -> Markup:
    """Write the first people, their versions one below the other, as columns that differ first."""
    few = replace(twins, versions=twins.versions[:_SHOWN_VERSIONS])
    k = len(few.versions)
    table = _interleaved(few.block(0, _SHOWN_PEOPLE), few.people.names).to_pydict()
    differs = {
        column: [_differ(values[i - i % k], value) for i, value in enumerate(values)]
        for column, values in table.items()
        if column not in RESERVED
    }
    # Of two who differ, both are marked, as neither is the right one.
    marked = {
        column: [any(found[i - i % k : i - i % k + k]) for i in range(len(found))]
        for column, found in differs.items()
    }
    front = [*RESERVED, *(column for column, found in marked.items() if any(found))]
    columns = {column: table[column] for column in dict.fromkeys((*front, *table))}
    title = "The first people: what differs is marked, all else is equal"
    if k < len(twins.versions):
        title += f" ({k} of {len(twins.versions):,} versions)"
    return _html.values(title, columns, marked, together=k)


def _differ(one: object, other: object) -> bool:
    # NaN is no other value than NaN.
    return one is not other and one != other and (one == one or other == other)


def _collapsed(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if numbers.ndim and (numbers == numbers[0]).all():
        return np.asarray(numbers[0])
    return numbers
