"""Whom a search may ask about: real rows, and people who differ from one in a column or two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus._seeds import generator
from paribus.people.fields.base import Field
from paribus.people.population import People
from paribus.people.sample import Rows
from paribus.table import Column, Plain, Scalar, Table, concat, flat, to_frame
from paribus.twins import Contrast

POOL = 20_000
"""Rows (or synthetic people) among which a search looks, at most."""

CHANGES = 3
"""Columns in which a person may differ from the row that they are made from."""

_CODES = 10
"""Distinct whole numbers up to which they are taken for codes, which have nothing in between."""

_EXACT = 2.0**53
"""Whole numbers beyond it are not told apart as floating point."""

_LARGEST = 1e100
_DECIMALS = 6
_CHUNK = 64

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Candidates:
    """People to ask about, each with the contrast that they are asked in."""

    contrast: Numbers
    """Number of the contrast, shape (n,)."""
    base: Numbers
    """The row that a person is made from, shape (n,)."""
    cells: Floats
    """What the model sees of them, encoded, shape (n, columns); NaN is a missing number."""
    source: Numbers
    """The row that each cell is taken from, shape (n, columns); -1 where a number is new."""

    def __len__(self) -> int:
        return len(self.base)

    def take(self, index: npt.NDArray[Any]) -> Candidates:
        """Give those at the positions `index`."""
        parts = (self.contrast, self.base, self.cells, self.source)
        return Candidates(*(part[index] for part in parts))

    @property
    def real(self) -> npt.NDArray[np.bool_]:
        """Tell who is a row as it is, shape (n,)."""
        return np.asarray((self.source == self.base[:, None]).all(axis=1))


def together(parts: Sequence[Candidates]) -> Candidates:
    """Put candidates below each other."""
    return Candidates(
        np.concatenate([part.contrast for part in parts]),
        np.concatenate([part.base for part in parts]),
        np.concatenate([part.cells for part in parts]),
        np.concatenate([part.source for part in parts]),
    )


@dataclass(frozen=True, eq=False)
class _Domain:
    """One column that the model sees: what there is, and what else there may be."""

    name: str
    cells: Floats
    """Of all rows: numbers as they are, everything else as the number of its value."""
    measured: bool
    """Whether values in between mean something."""
    mutable: bool
    firsts: Numbers
    """A row that has each of the values; of columns that are not measured."""
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    """Distance of neighbors; 0 where there is no such thing."""
    decimals: int | None = None
    spread: float = 0.0
    """From the 5th to the 95th percentile."""
    whole: bool = False

    @property
    def width(self) -> float:
        """The range of a number; 1 where it has none."""
        return (self.high - self.low) or 1.0

    def scaled(self, cells: Floats) -> Floats:
        """Give numbers as their place in the range, everything else as it is."""
        return (cells - self.low) / self.width if self.measured else cells

    def near(self, rng: np.random.Generator, cells: Floats, share: float) -> Floats:
        """Move numbers by some steps, within the range."""
        width = max(share * self.spread, self.step)
        moved = rng.standard_normal(len(cells)) * width
        if not self.step:
            return np.asarray(np.clip(cells + moved, self.low, self.high))
        steps = np.round(moved / self.step)
        steps[steps == 0] = np.where(moved[steps == 0] < 0, -1.0, 1.0)
        most = np.floor((self.high - self.low) / self.step + 1e-9)
        place = np.clip(np.round((cells - self.low) / self.step) + steps, 0.0, most)
        new = self.low + place * self.step
        rounded = new if self.decimals is None else np.round(new, self.decimals)
        return np.asarray(np.clip(rounded, self.low, self.high))


class _Part(Rows):
    """Rows that stand for a part of others: their levels are spelled as in the whole."""

    def __init__(self, table: Table, pools: Mapping[str, pa.Array]) -> None:
        super().__init__(table, 0, None)
        self._pools = pools

    def typed_levels(self, attribute: str, levels: Sequence[Scalar], path: str) -> pa.Array:
        return self._pools[attribute]


class Space:
    """All candidates of a search.

    Parameters
    ----------
    people : People
        The audit's people. Fields that are made from nothing are drawn once and become columns of
        the rows; those that are made from others stay recipes, so that they follow a mutation.
    contrasts : sequence of Contrast
    seen : sequence of str
        The columns that the model sees.
    handed_all : bool
        Whether the model is a function that is handed whatever there is: then columns that tell
        everybody apart (an ID) do not count as seen.
    seed : int
    """

    def __init__(
        self,
        people: People,
        contrasts: Sequence[Contrast],
        seen: Sequence[str],
        *,
        handed_all: bool,
        seed: int,
    ) -> None:
        self.protect = people.protect
        self.recipes = {name: field for name, field in people.fields.items() if field.parents}
        self.contrasts = tuple(contrasts)
        self.seen = tuple(seen)
        self.seed = seed
        self._pools = {name: people.pool(name) for name in people.protect}
        self.table, self._numbers = self._rows(people, seed)
        self.domains = self._domains(people, seen, handed_all=handed_all)
        self.cells: Floats = np.empty((len(self.table), len(self.domains)))
        for j, domain in enumerate(self.domains):
            self.cells[:, j] = domain.cells
        self._mutable = np.array([j for j, d in enumerate(self.domains) if d.mutable], np.intp)
        shown = np.ones((len(self.contrasts), len(self.domains)), bool)
        for c, contrast in enumerate(self.contrasts):
            shown[c] = [domain.name not in contrast.attributes for domain in self.domains]
        self._shown = shown
        """The columns by which people of a contrast differ, shape (contrasts, columns)."""

    # --- rows and their columns -------------------------------------------------------------------

    def _rows(self, people: People, seed: int) -> tuple[Table, Numbers | None]:
        rows = people.rows
        if rows is None:
            drawn = People(
                protect=people.protect, fields=people.fields, size=POOL, seed=people.seed
            )
            return self._drawn(drawn, None), None
        chosen = np.arange(len(rows))
        table = rows.table
        if len(rows) > POOL:
            chosen = np.sort(generator(seed, "search/rows", 0).permutation(len(rows))[:POOL])
            table = table.take(chosen)
        numbers = np.array([rows.number(int(i)) for i in chosen], np.intp)
        if len(self.recipes) == len(people.fields):
            return table, numbers
        part = People(
            protect=people.protect,
            fields=people.fields,
            size=len(table),
            seed=people.seed,
            rows=_Part(table, self._pools),
        )
        return self._drawn(part, table), numbers

    def _drawn(self, people: People, like: Table | None) -> Table:
        block = people.block(0)
        columns: dict[str, Column] = {}
        for name in people.names:
            if name in self.recipes:
                if like is not None and name in like.names:
                    columns[name] = like.column(name, slice(None))
            elif not people.unknown(name) or name not in people.protect:
                columns[name] = block.column(name)
        return Table.of(to_frame(columns, "pandas" if like is None else like.kind, like))

    def _domains(self, people: People, seen: Sequence[str], *, handed_all: bool) -> list[_Domain]:
        closed = {column for name in people.protect for column in people.closure(name)}
        sees = self._behind(seen)
        out = []
        for name in self.table.names:
            if name not in sees or (name in closed and name not in people.protect):
                continue
            array = self.table.column(name, slice(None)).arrow()
            field = None if name in self.recipes else people.fields.get(name)
            if handed_all and name not in people.protect and _identifies(array, field):
                continue
            fixed = name in people.protect or name in self.recipes
            out.append(_domain(name, array, field, fixed=fixed))
        return out

    def _behind(self, seen: Sequence[str]) -> set[str]:
        """Find the columns that the model sees, or that something that it sees is made from."""
        found: set[str] = set()
        todo = list(seen)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self.recipes[name].parents if name in self.recipes else ()
        return found

    def number(self, row: int) -> int | None:
        """Give the row of the caller's data; None where the people are synthetic."""
        return None if self._numbers is None else int(self._numbers[row])

    # --- candidates -------------------------------------------------------------------------------

    def dealt(self, rng: np.random.Generator) -> Candidates:
        """Give all rows in random order, each distinct one once in each contrast, in turns."""
        each = max(POOL // max(len(self.contrasts), 1), _CHUNK)
        rows, turns, contrasts = [], [], []
        for c in range(len(self.contrasts)):
            order = rng.permutation(len(self.table))
            keys = self.keys(self.candidates(order, np.full(len(order), c)))
            first = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
            own = order[np.sort(np.fromiter(first.values(), np.intp, len(first)))][:each]
            rows.append(own)
            turns.append(np.arange(len(own)))
            contrasts.append(np.full(len(own), c))
        if not rows:
            return self.candidates(np.empty(0, np.intp), np.empty(0, np.intp))
        order = np.argsort(np.concatenate(turns), kind="stable")
        return self.candidates(np.concatenate(rows)[order], np.concatenate(contrasts)[order])

    def candidates(self, rows: Numbers, contrasts: Numbers) -> Candidates:
        """Give rows as they are, each in a contrast."""
        source = np.repeat(rows[:, None], len(self.domains), axis=1)
        return Candidates(contrasts, rows, self.cells[rows], source)

    def mutated(
        self, rng: np.random.Generator, parents: Candidates, people: int, most: int, share: float
    ) -> Candidates:
        """Change some columns of parents within the domain of each.

        Parameters
        ----------
        rng : numpy.random.Generator
        parents : Candidates
        people : int
            How many to make.
        most : int
            Columns that are changed, at most; at least one is.
        share : float
            Standard deviation of the steps of a number, as a share of its spread.
        """
        most = min(most, len(self._mutable))
        if not most or not len(parents):
            return parents.take(np.empty(0, np.intp))
        made = parents.take(rng.integers(0, len(parents), people))
        chosen = rng.random((people, len(self._mutable))).argsort(axis=1)[:, :most]
        active = np.arange(most) < rng.integers(1, most + 1, people)[:, None]
        for at, j in enumerate(self._mutable):
            here = np.flatnonzero(((chosen == at) & active).any(axis=1))
            self._change(rng, made, here, int(j), share)
        changed = (made.source != made.base[:, None]).sum(axis=1)
        return made.take(np.flatnonzero(changed <= CHANGES))

    def _change(
        self, rng: np.random.Generator, made: Candidates, here: Numbers, j: int, share: float
    ) -> None:
        domain = self.domains[j]
        donors = rng.integers(0, len(self.table), len(here))
        other = rng.random(len(here)) < 0.5
        if not domain.measured:
            anything = domain.firsts[rng.integers(0, len(domain.firsts), len(here))]
            donors = np.where(other, anything, donors)
            other[:] = True
        other |= np.isnan(made.cells[here, j])
        made.cells[here, j] = np.where(
            other, domain.cells[donors], domain.near(rng, made.cells[here, j], share)
        )
        made.source[here, j] = np.where(other, donors, -1)

    def keys(self, people: Candidates) -> list[bytes]:
        """Give what the model sees of each outside the closure: equal for equal questions."""
        # Adding zero makes one of the two zeros that floating point has.
        cells = np.where(self._shown[people.contrast], people.cells, 0.0) + 0.0
        cells = np.column_stack([people.contrast, np.where(np.isnan(cells), np.nan, cells)])
        return [row.tobytes() for row in np.ascontiguousarray(cells)]

    def features(self, people: Candidates) -> Floats:
        """Encode candidates for a surrogate, shape (n, columns + contrasts)."""
        cells = np.empty_like(people.cells)
        for j, domain in enumerate(self.domains):
            cells[:, j] = domain.scaled(people.cells[:, j])
        cells[~self._shown[people.contrast]] = 0.0
        if len(self.contrasts) == 1:
            return cells
        return np.column_stack([cells, np.eye(len(self.contrasts))[people.contrast]])

    def people(self, chosen: Candidates, turn: int) -> People:
        """Give candidates as people; what follows an attribute by chance is drawn each turn."""
        seed = int(generator(self.seed, "search/people", turn).integers(2**62))
        columns = {name: self._column(name, chosen) for name in self.table.names}
        frame = to_frame(columns, self.table.kind, self.table)
        part = _Part(Table.of(frame), self._pools)
        return People(
            protect=self.protect, fields=self.recipes, size=len(chosen), seed=seed, rows=part
        )

    def _column(self, name: str, chosen: Candidates) -> Column:
        j = next((j for j, domain in enumerate(self.domains) if domain.name == name), None)
        if j is None:
            return self.table.column(name, chosen.base)
        source = chosen.source[:, j]
        new = source < 0
        if not new.any():
            return self.table.column(name, source)
        values = chosen.cells[new, j]
        made = Plain(values.astype(np.int64) if self.domains[j].whole else values)
        if new.all():
            return made
        order = np.argsort(np.concatenate([np.flatnonzero(~new), np.flatnonzero(new)]))
        return concat([self.table.column(name, source[~new]), made]).take(order)

    # --- how natural ------------------------------------------------------------------------------

    def distances(self, people: Candidates) -> Floats:
        """Measure how far each is from the nearest row, shape (n,), in [0, 1].

        The mean over columns of the share of the range by which numbers differ, and of 0 or 1 for
        everything else (Gower 1971, Biometrics 27, 857-871). A missing value differs from all
        others by 1. Columns are those that the model sees outside the closure of the contrast.
        """
        out = np.zeros(len(people))
        rows = [domain.scaled(domain.cells).astype(np.float32) for domain in self.domains]
        for c in range(len(self.contrasts)):
            columns = np.flatnonzero(self._shown[c])
            # Of a row as it is, the nearest row is known.
            mine = np.flatnonzero((people.contrast == c) & ~people.real)
            for start in range(0, len(mine) if len(columns) else 0, _CHUNK):
                few = mine[start : start + _CHUNK]
                total = np.zeros((len(few), len(self.table)), np.float32)
                for j in columns:
                    own = self.domains[j].scaled(people.cells[few, j]).astype(np.float32)
                    total += _apart(own[:, None], rows[j], self.domains[j].measured)
                out[few] = total.min(axis=1) / len(columns)
        return out


def _apart(one: Any, other: Any, measured: bool) -> Any:
    if not measured:
        return one != other
    gap = np.minimum(np.abs(one - other), np.float32(1.0))
    gone = np.isnan(one) | np.isnan(other)
    if gone.any():
        gap = np.where(gone, np.isnan(one) != np.isnan(other), gap)
    return gap


def _identifies(array: pa.Array, field: Field | None) -> bool:
    """Tell whether a column tells nearly everybody apart, and means nothing else."""
    if field is not None and field.kind == "sequence":
        return True
    values = flat(array)
    text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    return bool(
        text and len(values) > _CODES and pc.count_distinct(values).as_py() * 2 > len(array)
    )


def _domain(name: str, array: pa.Array, field: Field | None, *, fixed: bool) -> _Domain:
    numbers = None if pa.types.is_dictionary(array.type) else _measured(array)
    if numbers is None:
        encoded = pc.dictionary_encode(flat(array), null_encoding="encode")
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        rank = np.argsort(_order(encoded.dictionary))
        cells = rank[codes].astype(np.float64)
        firsts = np.unique(cells, return_index=True)[1]
        return _Domain(name, cells, False, not fixed and len(firsts) > 1, firsts)
    known = numbers[~np.isnan(numbers)]
    low, high = float(known.min()), float(known.max())
    exact = 1e-6 if pa.types.is_float32(array.type) else 1e-12
    step, decimals = _grid(np.unique(known), exact)
    if field is not None:
        low, high = (
            float(declared) if isinstance(declared, int | float) else observed
            for declared, observed in (
                (getattr(field, "low", None), low),
                (getattr(field, "high", None), high),
            )
        )
        step = 1.0 if field.kind == "integers" else step
    fifth, last = np.percentile(known, [5, 95])
    return _Domain(
        name,
        numbers,
        measured=True,
        mutable=not fixed,
        firsts=np.empty(0, np.intp),
        low=low,
        high=high,
        step=step,
        decimals=decimals,
        spread=float(last - fifth) or high - low,
        whole=pa.types.is_integer(array.type),
    )


def _order(values: pa.Array) -> Numbers:
    """Order values, missing ones last; as they come where they have no order."""
    try:
        order = pc.array_sort_indices(values).to_numpy()
    except pa.ArrowNotImplementedError:
        return np.arange(len(values))
    return np.asarray(order, dtype=np.intp)


def _measured(array: pa.Array) -> Floats | None:
    """Give numbers that are worth changing by a little; None for all other columns."""
    whole = pa.types.is_integer(array.type)
    if not whole and not pa.types.is_floating(array.type):
        return None
    numbers = np.asarray(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    known = numbers[~np.isnan(numbers)]
    if not len(known) or np.abs(known).max() > (_EXACT if whole else _LARGEST):
        return None
    values = np.unique(known)
    codes = len(values) <= _CODES and bool((values == np.round(values)).all())
    return None if codes or len(values) < 2 else numbers.astype(np.float64)


def _grid(values: Floats, exact: float) -> tuple[float, int | None]:
    """Find the step and the decimals of distinct numbers; 0 and None where there are none."""
    for decimals in range(_DECIMALS + 1):
        scaled = values * 10.0**decimals
        units = np.round(scaled)
        if np.abs(units).max() > _EXACT:
            break
        if (np.abs(units - scaled) <= exact * np.maximum(np.abs(scaled), 1.0)).all():
            step = int(np.gcd.reduce((units - units[0]).astype(np.int64)))
            return step / 10.0**decimals, decimals
    return 0.0, None
