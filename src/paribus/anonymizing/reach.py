"""Reaching a wanted k: quasi-identifiers made coarser, and what still stands out left out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from paribus._plugins import Declaration, Number, Whole
from paribus.anonymizing.rungs import Codes, Exact, Hidden, Rung, encoded, ladder
from paribus.errors import DataError, SpecError, nearest
from paribus.stats.anonymity import (
    compressed,
    distinct_diversity,
    equal_distance,
    equivalence_classes,
    ordered_distance,
)

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

_DROPPED = -1
_LATTICE = 100_000
"""Combinations of rungs up to which the best one is searched for, not only a good one."""
_LOOKED_AT = 300


# --- the plan -------------------------------------------------------------------------------------


class Plan(Declaration):
    """What is done to reach k. It holds no value that fewer than k rows have.

    Attributes
    ----------
    k, l, t
        What every class reaches: rows, distinct values of the secret, and its distance from the
        whole table.
    rungs : dict of str to rung
        What becomes of each quasi-identifier.
    suppress : {"rows", "cells"}
        What becomes of rows in classes that still fall short: left out, or their quasi-identifiers
        made null, one after the other, as far as it takes.
    secret : str or None
    """

    k: Whole = Field(ge=1)
    l_diversity: Whole = Field(default=1, ge=1)
    t_closeness: Number = Field(default=1.0, ge=0, le=1)
    rungs: dict[str, Rung]
    suppress: Literal["rows", "cells"] = "rows"
    secret: str | None = None

    def sentences(self) -> tuple[str, ...]:
        """Say what becomes of each column, and of the rows that fall short."""
        said = [f"{name}: {rung.sentence()}" for name, rung in self.rungs.items()]
        short = f"rows in classes of fewer than {self.k}"
        if self.l_diversity > 1:
            short += f", with fewer than {self.l_diversity} values of {self.secret}"
        if self.t_closeness < 1:
            short += f", or farther than {self.t_closeness:g} from all in {self.secret}"
        end = "left out" if self.suppress == "rows" else "emptied, and left out where that fails"
        return (*said, f"{short}: {end}")


@dataclass(frozen=True)
class Reached:
    """A table whose classes all reach k, and how it was reached.

    Attributes
    ----------
    plan : Plan
        May be shown to anyone.
    table : pyarrow.Table
        The rows that are left, in their order. Quasi-identifiers that were made coarser are text;
        NaN has become null in all of them.
    kept : ndarray of intp, shape (table.num_rows,)
        The rows that they were before.
    suppressed_rows, suppressed_cells : int
        Rows left out; cells of quasi-identifiers of the others that were made null.
    loss : float
        Normalized certainty penalty, in [0, 1]: over all cells of quasi-identifiers, which part of
        all values (of the range, for numbers and dates) a cell stands for; 1 for one that is gone.
    discernibility : float
        Sum of the squared class sizes, and n for each row left out.
    optimal : bool
        Whether no other combination of rungs has a smaller loss.
    """

    plan: Plan
    table: pa.Table = field(repr=False)
    kept: Codes = field(repr=False)
    suppressed_rows: int
    suppressed_cells: int
    loss: float
    discernibility: float
    optimal: bool
    _fates: _Fates = field(repr=False)

    def apply(self, rows: pa.Table | pa.RecordBatch) -> pa.Table:
        """Do the same to a part of the same table; rows of any other are left out.

        Raises
        ------
        DataError
            Where a column is missing.
        """
        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        _check_columns(table, list(self.plan.rungs))
        return _applied(self.plan, self._fates, table)[0]


@dataclass(frozen=True)
class _Fates:
    """What becomes of each combination of labels; who holds a rare one can tell who it was."""

    pools: tuple[pa.Array, ...]
    codes: tuple[Codes, ...]
    fate: Codes


def reach(
    table: pa.Table,
    quasi: Sequence[str],
    k: int,
    *,
    by: Literal["generalize", "suppress"] = "generalize",
    ladders: Mapping[str, Sequence[Rung]] | None = None,
    suppress: Literal["rows", "cells"] = "rows",
    most: float = 0.05,
    secret: str | None = None,
    l_diversity: int = 1,
    t_closeness: float = 1.0,
) -> Reached:
    """Make every class of rows that agree in the quasi-identifiers hold at least k rows.

    Parameters
    ----------
    table : pyarrow.Table, n rows
    quasi : sequence of str
        Columns that identify in combination, at least one.
    k : int
        Rows that each class must have, at least 1.
    by : {"generalize", "suppress"}
        Make whole columns coarser, with the least loss, and then suppress; or suppress alone.
    ladders : mapping of str to sequence of rungs, optional
        What may become of a column, each rung coarser than the one before; without it, see
        `ladder`.
    suppress : {"rows", "cells"}
        Leave out the rows that fall short, or empty as many of their quasi-identifiers as it takes.
    most : float
        Share of rows that `generalize` may leave to suppression, in [0, 1].
    secret : str, optional
        The column that `l_diversity` and `t_closeness` are about.
    l_diversity : int
        Distinct values of the secret that each class must have.
    t_closeness : float
        How far the secret may be distributed in a class from how it is in the resulting table:
        earth mover's distance, by rank for numbers and dates.

    Returns
    -------
    Reached
        Every class of `Reached.table` satisfies all three, exactly; it may have no rows.

    Raises
    ------
    SpecError
        Where `quasi` is empty, or l or t is asked for without a secret.
    DataError
        Where a column is missing.

    Notes
    -----
    Rungs are chosen for whole columns (full-domain generalization). Combinations are looked at in
    the order of their least possible loss until none can be better, up to 300 of them; beyond, and
    in lattices of more than 100,000, the best one so far is taken (`Reached.optimal`).

    References
    ----------
    Sweeney (2002), Achieving k-anonymity privacy protection using generalization and suppression,
    International Journal of Uncertainty, Fuzziness and Knowledge-Based Systems 10, 571-588; the
    loss: Xu et al. (2006), Utility-based anonymization using local recoding, KDD 2006, 785-790;
    discernibility: Bayardo and Agrawal (2005), Data privacy through optimal k-anonymization, ICDE
    2005, 217-228.

    Examples
    --------
    >>> table = pa.table({"age": [41, 43, 46, 47, 90], "sex": ["f", "m", "f", "m", "f"]})
    >>> reached = reach(table, ["age", "sex"], 2, most=0.2)
    >>> reached.plan.sentences()[0], reached.suppressed_rows
    ('age: bands of 8', 1)
    """
    _check_columns(table, [*quasi, *([secret] if secret is not None else [])])
    if not quasi:
        raise SpecError("names no quasi-identifier", path="$.quasi")
    if secret is None and (l_diversity > 1 or t_closeness < 1):
        raise SpecError("l_diversity and t_closeness need a secret", path="$.secret")
    plan = Plan(
        k=k,
        l_diversity=l_diversity,
        t_closeness=float(t_closeness),
        rungs={name: Exact() for name in quasi},
        suppress=suppress,
        secret=secret,
    )
    wanted = _Wanted.of(plan, table)
    columns = [
        _Ladder.of(table[name], (ladders or {}).get(name) or ladder(table[name], k), by)
        for name in quasi
    ]
    combination, counts = equivalence_classes([column.codes for column in columns])
    first = np.zeros(len(counts), np.intp)
    first[combination[::-1]] = np.arange(table.num_rows)[::-1]
    search = _Search(columns, wanted, combination, counts, [c.codes[first] for c in columns], most)
    node, optimal = search.best() if by == "generalize" else ((0,) * len(columns), True)
    plan = plan.model_copy(
        update={"rungs": {n: c.rungs[r] for n, c, r in zip(quasi, columns, node, strict=True)}}
    )
    return _finished(plan, table, search, node, optimal)


def _check_columns(table: pa.Table, names: Sequence[str]) -> None:
    for name in names:
        if name not in table.column_names:
            raise DataError(f'the table has no column "{name}"{nearest(name, table.column_names)}')


@dataclass(frozen=True)
class _Ladder:
    """A column, and what its values become on each rung."""

    rungs: tuple[Rung, ...]
    codes: Codes
    labels: tuple[Codes, ...]
    """On each rung, the label of each code; null is a label of its own."""
    losses: tuple[Floats, ...]
    """On each rung, the loss of each code, in [0, 1]."""

    @classmethod
    def of(cls, column: pa.ChunkedArray, rungs: Sequence[Rung], by: str) -> _Ladder:
        pool, codes = encoded(column)
        places = _places(pool)
        taken = tuple(rungs) if by == "generalize" else (Exact(),)
        labels, losses = [], []
        for rung in taken:
            label = _labelled(rung, pool)
            labels.append(label)
            losses.append(_loss(label, places))
        return cls(taken, codes, tuple(labels), tuple(losses))


def _labelled(rung: Rung, pool: pa.Array) -> Codes:
    said = rung.labels(pool)
    _, codes = encoded(said)
    number, count = compressed(codes)
    return np.append(number, 0 if isinstance(rung, Hidden) else count).astype(np.intp)


def _places(pool: pa.Array) -> Floats:
    """Give where each value lies between the first and the last, 0 to 1; NaN without an order."""
    kind = pool.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        numbers = pool.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy().astype(np.float64)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = np.clip(pool.cast(pa.float64(), safe=False).to_numpy(), -1e300, 1e300)
    else:
        return np.full(len(pool), np.nan)
    span = numbers.max(initial=-np.inf) - numbers.min(initial=np.inf)
    return (numbers - numbers.min()) / span if span > 0 else np.zeros(len(pool))


def _loss(label: Codes, places: Floats) -> Floats:
    known, n = label[:-1], len(places)
    size = int(label.max()) + 1
    if not n or np.isnan(places[0]):
        share = (np.bincount(known, minlength=size) - 1) / max(1, n - 1)
    else:
        low, high = np.ones(size), np.zeros(size)
        np.minimum.at(low, known, places)
        np.maximum.at(high, known, places)
        share = high - low
    return np.asarray(np.clip(share, 0.0, 1.0)[label])


# --- what every class must reach ------------------------------------------------------------------


@dataclass(frozen=True)
class _Wanted:
    plan: Plan
    secret: Codes | None
    ordered: bool

    @classmethod
    def of(cls, plan: Plan, table: pa.Table) -> _Wanted:
        if plan.secret is None or (plan.l_diversity == 1 and plan.t_closeness >= 1):
            return cls(plan, None, False)
        pool, codes = encoded(table[plan.secret])
        ordered = not np.isnan(_places(pool)).any() and len(pool) > 0
        if ordered:
            rank = np.empty(len(pool) + 1, np.intp)
            rank[pc.array_sort_indices(pool).to_numpy()] = np.arange(len(pool))
            rank[-1] = len(pool)
            codes = rank[codes]
        return cls(plan, codes, ordered)

    def missed(self, classes: Codes, counts: Codes, combination: Codes, left: Codes) -> Flags:
        """Tell which combinations are in a class that falls short; `left` are those that count."""
        missed: Flags = np.zeros(len(counts), np.bool_)
        if not len(left):
            return missed
        number, _ = compressed(classes[left])
        size = np.bincount(number, weights=counts[left])
        short = size < self.plan.k
        if self.secret is not None:
            of_combination = np.full(len(counts), -1, np.intp)
            of_combination[left] = number
            rows = of_combination[combination]
            some = rows >= 0
            rows, secret = rows[some], self.secret[some]
            short |= distinct_diversity(rows, secret) < self.plan.l_diversity
            if self.plan.t_closeness < 1:
                distance = ordered_distance if self.ordered else equal_distance
                short |= distance(rows, secret) > self.plan.t_closeness
        missed[left] = short[number]
        return missed


# --- the search -----------------------------------------------------------------------------------

Node: TypeAlias = tuple[int, ...]


@dataclass
class _Search:
    columns: list[_Ladder]
    wanted: _Wanted
    combination: Codes
    counts: Codes
    codes: list[Codes]
    most: float

    def labels(self, node: Node) -> list[Codes]:
        """Give the label of each combination in each column."""
        zipped = zip(self.columns, node, self.codes, strict=True)
        return [column.labels[rung][codes] for column, rung, codes in zipped]

    def losses(self, node: Node) -> list[Floats]:
        """Give the loss of each combination in each column."""
        zipped = zip(self.columns, node, self.codes, strict=True)
        return [column.losses[rung][codes] for column, rung, codes in zipped]

    def looked_at(self, node: Node) -> tuple[int, float]:
        """Give the rows that fall short, and the loss if they are left out."""
        classes, _ = equivalence_classes(self.labels(node))
        every = np.arange(len(self.counts))
        missed = self.wanted.missed(classes, self.counts, self.combination, every)
        loss = np.where(missed, 1.0, np.mean(self.losses(node), axis=0))
        return int(self.counts[missed].sum()), float(loss @ self.counts) / self.rows

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return len(self.combination)

    def best(self) -> tuple[Node, bool]:
        """Choose rungs."""
        if not self.rows:
            return (0,) * len(self.columns), True
        allowed = math.floor(self.most * self.rows + 1e-9)
        node, loss = self._climbed(allowed)
        heights = [len(column.rungs) for column in self.columns]
        if math.prod(heights) > _LATTICE:
            return node, False
        least = [
            np.array([float(each[codes] @ self.counts) for each in column.losses])
            for column, codes in zip(self.columns, self.codes, strict=True)
        ]
        scale = 1.0 / (self.rows * len(self.columns))
        bounds = sum(np.ix_(*least), np.zeros(heights)) * scale
        nodes = np.argsort(bounds, axis=None, kind="stable")
        looked_at = 0
        hopeless: list[Node] = []
        for flat in nodes.tolist():
            other = tuple(int(i) for i in np.unravel_index(flat, heights))
            if bounds[other] >= loss - 1e-12:
                return node, True
            # What is finer in every column falls short at least as often.
            if any(all(map(int.__le__, other, each)) for each in hopeless):
                continue
            if looked_at == _LOOKED_AT:
                return node, False
            looked_at += 1
            missed, found = self.looked_at(other)
            if missed > allowed:
                hopeless.append(other)
            elif found < loss:
                node, loss = other, found
        return node, True

    def _climbed(self, allowed: int) -> tuple[Node, float]:
        """Climb where it helps most for its loss, then down again where nothing needs it."""
        node = (0,) * len(self.columns)
        missed, loss = self.looked_at(node)
        while missed > allowed:
            steps = self._above(node)
            if not steps:
                break
            seen = [(self.looked_at(step), step) for step in steps]
            bare = [float(np.mean(self.losses(step), axis=0) @ self.counts) for _, step in seen]
            here = float(np.mean(self.losses(node), axis=0) @ self.counts)
            gains = [
                (missed - found[0] + 1e-9) / (1e-9 + max(0.0, cost - here))
                for (found, _), cost in zip(seen, bare, strict=True)
            ]
            (missed, loss), node = seen[int(np.argmax(gains))]
        for _, column in itertools.product(range(2), range(len(self.columns))):
            while node[column]:
                lower = (*node[:column], node[column] - 1, *node[column + 1 :])
                fewer, less = self.looked_at(lower)
                if fewer > allowed or less > loss:
                    break
                node, missed, loss = lower, fewer, less
        return node, loss

    def _above(self, node: Node) -> list[Node]:
        return [
            (*node[:i], node[i] + 1, *node[i + 1 :])
            for i, column in enumerate(self.columns)
            if node[i] + 1 < len(column.rungs)
        ]


# --- what is left over ----------------------------------------------------------------------------


def _finished(plan: Plan, table: pa.Table, search: _Search, node: Node, optimal: bool) -> Reached:
    labels = search.labels(node)
    # Null has the same code in every column from here on: what is emptied is as null as the rest.
    labels = [
        np.where(codes == len(column.labels[rung]) - 1, _DROPPED, label)
        if not isinstance(column.rungs[rung], Hidden)
        else label
        for label, codes, column, rung in zip(
            labels, search.codes, search.columns, node, strict=True
        )
    ]
    fate = _fates(plan, search, labels)
    n, columns = table.num_rows, len(labels)
    emptied = [(fate >= 0) & ((fate >> i) & 1 == 1) for i in range(columns)]
    losses = [
        np.where((fate < 0) | gone, 1.0, loss)
        for gone, loss in zip(emptied, search.losses(node), strict=True)
    ]
    whole = sum((float(loss @ search.counts) for loss in losses), 0.0)
    pools, combinations, known = _known(plan, table, search, fate)
    fates = _Fates(pools, combinations, known)
    done, kept, classes = _applied(plan, fates, table)
    cells = [(gone & (label != _DROPPED)) for gone, label in zip(emptied, labels, strict=True)]
    return Reached(
        plan,
        done,
        kept,
        n - len(kept),
        int(sum(int(search.counts[cell].sum()) for cell in cells)),
        whole / (n * columns) if n else 0.0,
        float(classes.astype(np.float64) @ classes) + float(n) * (n - len(kept)),
        optimal,
        fates,
    )


def _fates(plan: Plan, search: _Search, labels: list[Codes]) -> Codes:
    """Decide which columns of each combination are emptied, as bits, or that it is left out."""
    fate = np.zeros(len(search.counts), np.intp)
    levels = [-len(np.unique(label)) for label in labels]
    order = np.argsort(levels, kind="stable").tolist() if plan.suppress == "cells" else []
    for column in (*order, None):
        while True:
            missed = _missed(search, labels, fate)
            if not missed.any():
                return fate
            if column is not None:
                fate[missed] |= 1 << column
                break
            fate[missed] = _DROPPED
    return fate


def _missed(search: _Search, labels: list[Codes], fate: Codes) -> Flags:
    left = np.flatnonzero(fate >= 0)
    if not len(fate):
        return np.zeros(0, np.bool_)
    state = [np.where((fate >> i) & 1 == 1, _DROPPED, label) for i, label in enumerate(labels)]
    classes, _ = equivalence_classes(state)
    return search.wanted.missed(classes, search.counts, search.combination, left)


def _known(
    plan: Plan, table: pa.Table, search: _Search, fate: Codes
) -> tuple[tuple[pa.Array, ...], tuple[Codes, ...], Codes]:
    """Write down what becomes of each combination of labels, once each."""
    first = np.zeros(len(fate), np.intp)
    first[search.combination[::-1]] = np.arange(table.num_rows)[::-1]
    pools, codes = [], []
    for name, rung in plan.rungs.items():
        pool, code = encoded(_coarser(rung, table[name].take(pa.array(first))))
        pools.append(pool)
        codes.append(code)
    classes, _ = equivalence_classes(codes)
    _, once = np.unique(classes, return_index=True)
    return tuple(pools), tuple(code[once] for code in codes), fate[once]


def _coarser(rung: Rung, column: pa.ChunkedArray | pa.Array) -> pa.Array:
    pool, codes = encoded(column)
    labels = rung.labels(pool)
    last = "*" if isinstance(rung, Hidden) else None
    whole = pa.concat_arrays([labels, pa.array([last], labels.type)])
    return whole.take(pa.array(codes))


def _applied(plan: Plan, fates: _Fates, table: pa.Table) -> tuple[pa.Table, Codes, Codes]:
    """Give the table that comes out, the rows that it keeps, and its class sizes."""
    coarse = {name: _coarser(rung, table[name]) for name, rung in plan.rungs.items()}
    mine = []
    for pool, column in zip(fates.pools, coarse.values(), strict=True):
        code = pc.fill_null(pc.index_in(column, pool.cast(column.type)), len(pool)).to_numpy()
        # What was never there has no fate, and neither has a null that is no label.
        strange = pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, pool.cast(column.type))))
        mine.append(np.where(strange.to_numpy(zero_copy_only=False), -1, code).astype(np.intp))
    known = len(fates.fate)
    stacked = [np.concatenate([a, b]) for a, b in zip(fates.codes, mine, strict=True)]
    rows, sizes = equivalence_classes(stacked)
    fate_of = np.full(len(sizes), _DROPPED, np.intp)
    fate_of[rows[:known]] = fates.fate
    fate = fate_of[rows[known:]]
    kept = np.flatnonzero(fate >= 0)
    out, state = table.take(pa.array(kept)), []
    for i, (name, column) in enumerate(coarse.items()):
        gone = (fate[kept] >> i) & 1 == 1
        values = pc.if_else(pa.array(gone), None, column.take(pa.array(kept)))
        state.append(np.where(gone, len(fates.pools[i]), mine[i][kept]))
        out = out.set_column(out.column_names.index(name), name, values.cast(column.type))
    classes = equivalence_classes(state)[1]
    return out, kept, classes
