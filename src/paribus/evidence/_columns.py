"""Columns of people as what a rule can be about: numbers, or categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus._seeds import BLOCK, generator
from paribus._text import plain_number
from paribus.answers import Answers
from paribus.evidence._cells import Floats, Index, Mask, is_census
from paribus.evidence.base import Condition
from paribus.table import Coded, Column, Joined, Plain, Text, concat
from paribus.twins import Version

MISSING = "missing"
"""Stands for a missing value in a condition."""

_FIT = 20_000
"""People who suggest the shape of rules and bins. More would not change it."""

_LARGEST = 1e300
"""Numbers beyond are cut here: an infinite one is above every cut, and no cut is infinite."""


@dataclass(frozen=True, eq=False)
class Known:
    """A column that rules can be about."""

    name: str
    numbers: Floats | None = None
    """Of numbers, shape (n,); NaN where missing, which is on neither side of a cut."""
    codes: npt.NDArray[np.int32] | None = None
    """Of categories, shape (n,): position in `categories`; -1 where missing."""
    categories: tuple[str, ...] = ()

    def __len__(self) -> int:
        held = self.numbers if self.numbers is not None else self.codes
        assert held is not None
        return len(held)

    @property
    def missing(self) -> Mask:
        """Where there is no value."""
        if self.numbers is not None:
            return np.isnan(self.numbers)
        assert self.codes is not None
        return self.codes < 0

    def take(self, index: Index) -> Known:
        """Give the rows at the positions `index`."""
        if self.numbers is not None:
            return Known(self.name, numbers=self.numbers[index])
        assert self.codes is not None
        return Known(self.name, codes=self.codes[index], categories=self.categories)

    def holds(self, condition: Condition) -> Mask:
        """Tell for whom a condition on this column holds."""
        if condition.relation in {"is", "is not"}:
            yes = self._is(condition.value)
            return yes if condition.relation == "is" else ~yes
        assert self.numbers is not None
        cut = float(condition.value)
        held: Mask = self.numbers <= cut if condition.relation == "<=" else self.numbers > cut
        return held

    def _is(self, value: object) -> Mask:
        if value == MISSING:
            return self.missing
        if self.numbers is not None:
            return np.asarray(self.numbers == value)
        assert self.codes is not None
        # Nobody has the code of a category that is not there.
        code = self.categories.index(str(value)) if str(value) in self.categories else -2
        return np.asarray(self.codes == code)


def known(name: str, column: Column) -> Known | None:
    """Read a column; None where no rule can be about it (free text)."""
    if isinstance(column, Text | Joined):
        return None
    if isinstance(column, Plain) and column.values.dtype.kind in "iuf":
        return Known(name, numbers=_finite(column.values))
    if isinstance(column, Coded) and column.values.dtype.kind in "iuf":
        return Known(name, numbers=_finite(column.values)[column.each()])
    array = column.arrow()
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return Known(name, numbers=_finite(numbers))
    encoded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    values = encoded.dictionary.to_pylist()
    return _categories(name, codes, values)


def _finite(values: npt.NDArray[Any]) -> Floats:
    numbers = values.astype(np.float64)
    return np.clip(numbers, -_LARGEST, _LARGEST) if values.dtype.kind == "f" else numbers


def _categories(name: str, codes: npt.NDArray[np.int32], values: Sequence[Any]) -> Known:
    """Count a category that a pool holds twice as one: people read its text."""
    places: dict[str, int] = {}
    gone = [v is None or (isinstance(v, float) and v != v) for v in values]
    table = [
        -1 if no else places.setdefault(_spelled(v), len(places))
        for v, no in zip(values, gone, strict=True)
    ]
    renumbered = np.array([*table, -1], dtype=np.int32)[codes]
    return Known(name, codes=renumbered, categories=tuple(places))


def _spelled(value: object) -> str:
    """Write a category; the text "missing" in quotes, for it is a value and none is missing."""
    text = str(value)
    return f'"{text}"' if text == MISSING else text


def condition(name: str, relation: str, value: float | str) -> Condition:
    """Write a condition, its number with no more digits than it has."""
    shown = value if isinstance(value, str) else plain_number(value)
    return Condition(field=name, relation=relation, value=value, text=f"{name} {relation} {shown}")


def inside(fields: Mapping[str, Known], rule: Sequence[Condition]) -> Mask:
    """Tell for whom all conditions of a rule hold, shape (n,)."""
    held: Mask = np.logical_and.reduce([fields[part.field].holds(part) for part in rule])
    return held


# --- people ---------------------------------------------------------------------------------------


def everyone(answers: Answers, names: Sequence[str]) -> dict[str, Known]:
    """Read columns of all kept people."""
    read = {name: known(name, column) for name, column in answers.columns(names).items()}
    return {name: column for name, column in read.items() if column is not None}


def some(answers: Answers, names: Sequence[str], index: Index) -> dict[str, Known]:
    """Read columns of the kept people at the positions `index` (in order)."""
    if not len(index):
        return {}
    parts: dict[str, list[Column]] = {name: [] for name in names}
    for block in answers.blocks:
        start, end = block.start, block.start + len(block.values[0])
        here = index[(index >= start) & (index < end)] - start
        if len(here):
            drawn = answers.twins.block(start // BLOCK, end - start).columns(Version(), names)
            for name in names:
                parts[name].append(drawn[name].take(here))
    read = {name: known(name, concat(columns)) for name, columns in parts.items()}
    return {name: column for name, column in read.items() if column is not None}


def few(answers: Answers, among: Index, stream: str) -> Index:
    """Choose the people who suggest the shape of rules and bins, in order.

    Synthetic people are all alike, so the first ones do; real rows may be sorted, and a census is
    in an order of its own, so they are drawn.
    """
    if len(among) <= _FIT:
        return among
    people = answers.twins.people
    if people.rows is None and not is_census(answers):
        return among[:_FIT]
    rng = generator(people.seed, stream, 0)
    return among[np.sort(rng.choice(len(among), _FIT, replace=False, shuffle=False))]
