"""Learn from the twins of every person too, and from synthetic people where a group is small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pydantic
from pydantic import StrictBool, model_validator

from paribus import estimators
from paribus._plugins import Number, Whole
from paribus._seeds import generator
from paribus._text import count
from paribus.errors import DataError, ModelError, SpecError
from paribus.mitigation.base import Mitigation, Stage, Training, Treated
from paribus.people.population import Moves, People
from paribus.stats.copula import Copula
from paribus.stats.folds import folds
from paribus.table import Column, Native, Table, Text, concat, flat, to_frame

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

ENOUGH = 10
"""Rows from which on synthetic people of a group are like these rows, not like everybody's."""

_PARTS = 3
_LARGEST = 1e100


class Augment(Mitigation):
    """Add to every training row its twins, and to small groups synthetic people.

    *Twins* (counterfactual data augmentation). A row stays as it is and gets a copy at every other
    level, which differs from it in the closure alone. The attribute then says nothing about
    anything else in the rows, nor about the label. People whose attribute is missing, or has a
    level that is not declared, stay as they are.

    *Versions.* Twins are moved in all attributes: there is one in every cell of their levels.
    Where there are more cells than `most`, everybody gets as many as that, drawn at random and
    each as likely as any other. (Twins that differ in one attribute at a time would not do: from
    both attributes together a model could still tell who somebody was.)

    *Weights.* A person counts as much as before, and every cell as much as any other: the weight
    is dealt out equally to all cells, and those that were not drawn are stood for by those that
    were. An estimator that takes no weights is handed the rows alone.

    *Synthetic people.* A group (a combination of levels) that has fewer rows than are asked for
    gets people drawn from the group itself: what is declared as Mimesis (a name) from its field,
    what follows an attribute from the level, and all else, the label too, from a Gaussian copula
    of the group's rows. A group of fewer than 10 rows has no distribution to speak of: its people
    are drawn as everybody's are, and have the levels of the group. A group of which there is
    nobody is not made up. A synthetic person has the mean weight of the group's rows, which comes
    on top of what real people weigh, and gets twins like everybody. Columns that neither the
    estimator nor a field looks at are left out, for what stands there is true of real people only.

    References
    ----------
    Lu, Mardziel, Wu, Amancharla and Datta (2020), Gender bias in neural natural language
    processing, Lecture Notes in Computer Science 12300, 189-202.
    Pearl (2009), Causality, 2nd edition, theorem 7.1.7.
    """

    kind: Literal["augment"] = "augment"
    twins: StrictBool = True
    """Whether people get their twins."""
    label: Literal["kept", "reference"] = "kept"
    """Which label twins have.

    ``kept``: the person's own. ``reference``: a person and all their twins have the label that the
    person would have had at the reference levels.

    Labels are observed at a person's own level alone. What an estimator that was fitted on other
    people says of the person (p) and of their reference twin (q) tells the other one, with the
    person's luck held as their label reveals it (Pearl's abduction): where q is lower, a favorable
    label stays with probability q / p; where q is higher, an unfavorable one turns with
    probability (q - p) / (1 - p). So labels stay where the estimator sees no difference, and those
    of people at the reference levels always do.
    """
    most: Whole = pydantic.Field(default=8, ge=2)
    """Versions of a person at most, their own among them."""
    smallest: Whole | None = pydantic.Field(default=None, ge=1)
    """Rows that every group shall have."""
    share: Number = pydantic.Field(default=0.1, ge=0, le=1)
    """Rows that every group shall have, as a share of those of the largest one; 0: no matter."""

    stage: ClassVar[Stage] = "data"

    @model_validator(mode="after")
    def _adds(self) -> Augment:
        if not self.twins and self.smallest is None and self.share == 0:
            raise SpecError(
                'nothing is added without twins; say how many rows a group shall have ("smallest" '
                'or "share")',
                path="$.twins",
            )
        if not self.twins and self.label == "reference":
            raise SpecError("there are no twins to give a label; leave it out", path="$.label")
        return self

    def treat(self, training: Training) -> Treated:
        filled, people, groups = self._filled(training)
        noun = "person" if people == 1 else "people"
        said = f"{people:,} synthetic {noun} of {count(groups, 'small group')}"
        if not self.twins:
            return Treated(filled, (f"Added {said}.",))
        notes: list[str] = []
        if self.label == "reference":
            label = _at_reference(filled)
            changed = int((label != filled.label).sum())
            filled = filled.of(label=label)
            notes.append(
                f"Gave {changed:,} of {count(len(filled), 'label')} the value that it would have "
                "had at the reference."
            )
        twinned, without = self._twinned(filled)
        twins = count(len(twinned) - len(filled), "twin")
        notes.insert(0, f"Added {twins}, and {said}." if people else f"Added {twins}.")
        if without:
            names = " or ".join(training.protect)
            notes.append(
                f"{count(without, 'row')} without twins: {names} is missing there, or is no "
                "declared level."
            )
        if twinned.weight is None:
            notes.append("The estimator takes no weights: a person counts once for each version.")
        return Treated(twinned, tuple(notes))

    # --- twins ------------------------------------------------------------------------------------

    def _twinned(self, training: Training) -> tuple[Training, int]:
        """Add the twins; give how many rows have none, too."""
        own = _own_levels(training)
        known = (own >= 0).all(axis=1)
        sizes = np.array([len(each.levels) for each in training.protect.values()])
        cells = int(np.prod(sizes))
        versions = min(cells, self.most)
        chosen = _chosen(len(training), cells - 1, versions - 1, training.seed)
        parts: list[tuple[Places, Any]] = []
        for cell in product(*(range(size) for size in sizes)):
            # How far the cell is from each person's own; 0 where it is their own.
            steps = np.ravel_multi_index(tuple(((cell - own) % sizes).T), tuple(sizes))
            index = np.flatnonzero(known & (steps > 0) & chosen(steps - 1))
            if len(index):
                moves = tuple(zip(training.protect, cell, strict=True))
                parts.append((index, _version(training, moves, index)))
        of = np.concatenate([np.arange(len(training)), *(index for index, _ in parts)])
        weight = training.weight
        if weight is not None or _takes_weights(training.estimator):
            person = np.ones(len(training)) if weight is None else weight
            weight = person[of] * (cells - 1) / (cells * (versions - 1))
            weight[: len(person)] = np.where(known, person / cells, person)
        table = _stacked(training.table, [frame for _, frame in parts])
        twinned = training.of(table=table, label=training.label[of], weight=weight)
        return twinned, int((~known).sum())

    # --- small groups -----------------------------------------------------------------------------

    def _filled(self, training: Training) -> tuple[Training, int, int]:
        """Add synthetic people to groups that are too small; give how many, and of how many."""
        own = _own_levels(training)
        known = np.flatnonzero((own >= 0).all(axis=1))
        cells, group, sizes = np.unique(own[known], axis=0, return_inverse=True, return_counts=True)
        largest = int(sizes.max(initial=0))
        least = max(self.smallest or 0, ceil(self.share * largest))
        small = np.flatnonzero(sizes < least)
        if not len(small):
            return training, 0, 0
        names = _needed(training)
        drawn: list[_Drawn] = []
        for number in small:
            rows = known[group.reshape(-1) == number]
            moves = tuple(zip(training.protect, cells[number].tolist(), strict=True))
            rng = generator(training.seed, f"mitigation/augment/{moves}", 0)
            from_rows = rows if len(rows) >= ENOUGH else known
            people = int(least - len(rows))
            drawn.append(_draw(training, names, moves, rows, from_rows, people, rng))
        everybody = Table.of(_frame(training.table, {n: _all(training.table, n) for n in names}))
        everybody = _stacked(everybody, [each.frame for each in drawn])
        label = np.concatenate([training.label, *(each.label for each in drawn)])
        weight = training.weight
        if weight is not None:
            weight = np.concatenate([weight, *(each.weight for each in drawn)])
        filled = training.of(table=everybody, label=label, weight=weight)
        filled = _with_fields(filled, drawn, len(training))
        return filled, len(label) - len(training), len(small)


# --- versions of people ---------------------------------------------------------------------------


def _own_levels(training: Training) -> npt.NDArray[np.int32]:
    """Give the level of each attribute, shape (n, attributes); -1 where it is none."""
    rows = training.people.rows
    assert rows is not None
    return np.column_stack(
        [
            rows.own_levels(name, each.levels, 0, len(training))
            for name, each in training.protect.items()
        ]
    )


def _chosen(people: int, others: int, taken: int, seed: int) -> Callable[[Places], Flags]:
    """Choose which of the other cells people have a twin in, each as likely as any other.

    Systematic sampling: equal steps around the circle of all other cells, from a start that is
    drawn for each person.
    """
    if taken >= others:
        return lambda steps: np.ones(people, bool)
    start = generator(seed, "mitigation/augment/cells", 0).integers(0, others, people)
    stops = np.zeros(others, bool)
    stops[np.arange(taken) * others // taken] = True
    return lambda steps: stops[(steps - start) % others]


def _columns(people: People, names: Sequence[str], moves: Moves) -> dict[str, Column]:
    """Give some columns of everybody, moved to some levels."""
    blocks = [people.block(i) for i in range(people.blocks)]
    return {name: concat([block.column(name, moves) for block in blocks]) for name in names}


def _version(training: Training, moves: Moves, index: Places) -> Any:
    """Give some rows moved to other levels, as the caller's kind of data frame."""
    people, table = training.people, training.table
    closure = {column for name, _ in moves for column in people.closure(name)}
    moved = _columns(people, [name for name in table.names if name in closure], moves)
    return _frame(table, _replaced(table, moved, index))


def _replaced(table: Table, columns: Mapping[str, Column], index: Places) -> dict[str, Column]:
    """Give some rows of a table, of which some columns are others."""
    return {
        name: columns[name].take(index) if name in columns else table.column(name, index)
        for name in table.names
    }


def _all(table: Table, name: str) -> Native:
    return table.column(name, slice(None))


def _frame(table: Table, columns: Mapping[str, Column]) -> Any:
    return to_frame(columns, table.kind, table)


def _stacked(table: Table, frames: Sequence[Any]) -> Table:
    """Put rows below those of a table, each column with the type that it has there."""
    if not frames:
        return table
    below = [Table.of(frame) for frame in frames]
    columns = {
        name: concat([_all(table, name), *(_all(each, name) for each in below)])
        for name in table.names
    }
    return Table(Table.of(_frame(table, columns)).frame, table.source)


def _takes_weights(estimator: Any) -> bool:
    try:
        estimators.weight_name(estimator)
    except ModelError:
        return False
    return True


# --- labels at the reference ----------------------------------------------------------------------


def _at_reference(training: Training) -> npt.NDArray[Any]:
    """Give the labels that people would have had at the reference levels."""
    own = _own_levels(training)
    reference = tuple((name, each.reference_index) for name, each in training.protect.items())
    at = np.array([place for _, place in reference])
    index = np.flatnonzero((own >= 0).all(axis=1) & (own != at).any(axis=1))
    if not len(index):
        return training.label
    twin = training.seen.of_frame(_version(training, reference, index))
    here, there = _held_out(training, index, twin)
    luck = generator(training.seed, "mitigation/augment/labels", 0).random(len(training))[index]
    good = training.good[index]
    # Equal scores leave every label as it is, and so do scores that the label has proved wrong.
    stays = np.divide(there, here, out=np.ones_like(here), where=here > there)
    turns = np.divide(there - here, 1 - here, out=np.zeros_like(here), where=there > here)
    favored = np.where(good, luck < stays, luck < turns)
    classes = np.unique(training.label)
    other = classes[classes != training.favorable][0]
    values = np.array([other, training.favorable], dtype=training.label.dtype)
    label = training.label.copy()
    label[index] = values[favored.astype(np.intp)]
    return label


def _held_out(training: Training, index: Places, twin: Any) -> tuple[Floats, Floats]:
    """Score some rows and their twins by estimators that were fitted on neither."""
    good = training.good
    # Labels first: a part of many small groups could be dealt all rows of a label.
    part = folds(good * len(training.groups) + training.codes, _PARTS, training.seed)
    here, there = np.empty(len(index)), np.empty(len(index))
    for number in range(_PARTS):
        rest = np.flatnonzero(part != number)
        asked = np.flatnonzero(part[index] == number)
        if not len(asked):
            continue
        if good[rest].all() or not good[rest].any():
            raise DataError(
                f"a label is too rare to be held out in {_PARTS} parts, so nobody can tell what it "
                "would be at the reference; take more rows of it, or keep the labels"
            )
        weight = None if training.weight is None else training.weight[rest]
        model = estimators.fitted(
            training.estimator, estimators.rows_of(training.X, rest), training.label[rest], weight
        )
        here[asked] = estimators.favorable_scores(
            model, estimators.rows_of(training.X, index[asked]), training.favorable
        )
        there[asked] = estimators.favorable_scores(
            model, estimators.rows_of(twin, asked), training.favorable
        )
    return here, there


# --- synthetic people -----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Synthetic people of one group; what fields give them comes later."""

    moves: Moves
    frame: Any
    label: npt.NDArray[Any]
    weight: Floats


def _needed(training: Training) -> tuple[str, ...]:
    """List the columns that the estimator, an attribute or a field looks at."""
    wanted = {*training.features, *training.protect}
    wanted.update(parent for each in training.fields.values() for parent in each.parents)
    return tuple(name for name in training.table.names if name in wanted)


def _from_fields(training: Training, names: Sequence[str]) -> tuple[str, ...]:
    """List the columns that synthetic people have from their fields, not from other rows."""
    return tuple(
        name
        for name in names
        if name in training.fields
        and (name in training.closure or training.fields[name].kind == "mimesis")
    )


def _draw(
    training: Training,
    names: Sequence[str],
    moves: Moves,
    rows: Places,
    like: Places,
    people: int,
    rng: np.random.Generator,
) -> _Drawn:
    """Draw people of a group like some rows."""
    table = training.table
    made = {*training.protect, *_from_fields(training, names)}
    free = [name for name in names if name not in made]
    learned = [_Learned.of(table.column(name, like)) for name in free]
    classes, label = np.unique(training.label[like], return_inverse=True)
    copula = Copula.fit([*(each.values for each in learned), label.reshape(-1).astype(np.int64)])
    *values, codes = copula.draw(people, rng)
    drawn = {name: each.column(v) for name, each, v in zip(free, learned, values, strict=True)}
    # What fields give is filled in once all people stand in one table.
    first = np.full(people, rows[0])
    columns = {n: drawn[n] if n in drawn else table.column(n, first) for n in names}
    mean = 1.0 if training.weight is None else float(training.weight[rows].mean())
    return _Drawn(
        moves, _frame(table, columns), classes[codes.astype(np.intp)], np.full(people, mean)
    )


def _with_fields(training: Training, drawn: Sequence[_Drawn], real: int) -> Training:
    """Give synthetic people, who stand behind all real ones, what their fields say."""
    table = training.table
    names = _from_fields(training, table.names)
    if not names:
        return training
    people = training.people
    parts = []
    start = real
    for each in drawn:
        index = np.arange(start, start + len(each.label))
        made = _columns(people, names, each.moves)
        parts.append(_frame(table, _replaced(table, made, index)))
        start += len(each.label)
    return training.of(table=_stacked(table.take(np.arange(real)), parts))


@dataclass(frozen=True, eq=False)
class _Learned:
    """A column as a copula takes it: numbers, or codes of values without an order."""

    source: Native
    values: Any
    known: Any
    """The distinct values, sorted."""
    first: Places
    """A row with each of them."""
    missing: int
    """A row without a value; -1 where there is none."""

    @classmethod
    def of(cls, source: Native) -> _Learned:
        array = flat(source.arrow())
        values = _numbers(array)
        if values is None:
            encoded = pc.dictionary_encode(array).indices.fill_null(-1)
            values = encoded.to_numpy(zero_copy_only=False).astype(np.int64)
        there = values >= 0 if values.dtype.kind == "i" else ~np.isnan(values)
        rows = np.flatnonzero(there)
        known, first = np.unique(values[rows], return_index=True)
        gone = np.flatnonzero(~there)
        return cls(source, values, known, rows[first], int(gone[0]) if len(gone) else -1)

    def column(self, drawn: Any) -> Column:
        """Give what was drawn in the type of the column: values of rows where they are such."""
        there = drawn >= 0 if drawn.dtype.kind == "i" else ~np.isnan(drawn)
        place = np.searchsorted(self.known, drawn[there]).clip(max=max(len(self.known) - 1, 0))
        if (self.known[place] == drawn[there]).all():
            index = np.full(len(drawn), self.missing, np.intp)
            index[there] = self.first[place]
            return self.source.take(index)
        return Text(pa.array(drawn, from_pandas=True))


def _numbers(array: pa.Array) -> Floats | None:
    """Give numbers, and dates as numbers; None for all else. What is not finite is missing."""
    kind = array.type
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        array = array.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return None
    values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.where(np.abs(values) <= _LARGEST, values, np.nan)
