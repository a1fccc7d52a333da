"""What must move with a protected attribute: codes, forms of address, names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from paribus._text import percent
from paribus.anonymizing.detection._headers import words_of
from paribus.anonymizing.names import genders
from paribus.drafting._guess import Guess, name, names
from paribus.drafting._looked import FEW, Looked, together
from paribus.drafting._protected import Attribute
from paribus.table import Scalar

_ROWS_BEHIND = 5
"""Rows that a level must have before a link says something."""
_PURE = 0.98
"""Share of a value's rows at one level, from which on it belongs to that level."""
_EXPECTED = 10.0
"""Rows expected to hold two flags at once, from which on it is no chance that none does."""
_NAMES = {"first name": "person.first_name", "name": "person.full_name"}


def links(
    attributes: Sequence[Attribute], looked: Looked, features: Sequence[str], aside: Sequence[str]
) -> list[Guess]:
    """Find the columns that must move with an attribute, and those that perhaps should."""
    taken = {each.name for each in attributes} | {c for each in attributes for c in each.columns}
    guesses: list[Guess] = []
    for each in attributes:
        for column, level in each.columns.items():
            table = {str(other): int(other == level) for other in each.levels}
            why = f"1 where {name(each.name)} is {name(level)}"
            guesses.append(_field(column, {"kind": "map", "of": each.name, "map": table}, why))
    for column in looked.names:
        if column in taken or column in aside:
            continue
        for each in attributes:
            guess = _link(each, column, looked, column in features)
            if guess is not None:
                guesses.append(guess)
                break
    guesses += _never_together(attributes, looked, features)
    return guesses


def _never_together(
    attributes: Sequence[Attribute], looked: Looked, features: Sequence[str]
) -> Iterator[Guess]:
    """Find flags that exclude each other, as the codes of one attribute do: twins do not know."""
    flags = [each.name for each in attributes if each.in_data and looked.is_flag(each.name)]
    rows = len(looked.table)
    for at, flag in enumerate(flags):
        others = [c for c in features if c not in flags and c in looked.names and looked.is_flag(c)]
        excluded = []
        for other in (*flags[at + 1 :], *others):
            cells = looked.sample_cells(flag, other)
            own = sum(n for (v, _), n in cells.items() if v)
            its = sum(n for (_, v), n in cells.items() if v)
            both = sum(n for (a, b), n in cells.items() if a and b)
            if not both and own * its / max(rows, 1) >= _EXPECTED:
                excluded.append(other)
        if excluded:
            why = (
                f"{name(flag)} is never 1 together with {names(excluded)}: codes of one attribute? "
                f"A twin who is moved to {name(flag)} keeps the others"
            )
            yield Guess(("protect", flag), None, why, sure=False, told=True)


def _field(column: str, field: Mapping[str, Any], why: str, *, sure: bool = True) -> Guess:
    return Guess(("fields", column), dict(field), why, sure=sure, told=True)


def _link(each: Attribute, column: str, looked: Looked, seen: bool) -> Guess | None:
    if looked.sort(column).sort in _NAMES and looked.is_text(column):
        return _name(each, column, looked, seen=seen)
    if not each.in_data or not each.counts or not _linkable(column, looked):
        return None
    cells = looked.sample_cells(each.name, column)
    table = _function(cells)
    if table is not None and looked.sampled:
        table = _function(looked.few_cells(each.name, column))
    keys = [_key(level) for level in each.levels]
    if table is not None and {*keys} <= set(table):
        table = {**{key: table[key] for key in keys}, **table}
        one_to_one = len(set(table.values())) == len(table)
        how = "goes one to one with" if one_to_one else "is settled by"
        why = f"{name(column)} {how} {name(each.name)} in all rows"
        return _field(column, {"kind": "map", "of": each.name, "map": table}, why)
    titles = _titles(each, cells)
    if titles is not None:
        why = (
            f"{name(column)} says the gender in words: everybody gets the most frequent one of "
            f"their {name(each.name)}"
        )
        return _field(column, {"kind": "map", "of": each.name, "map": titles}, why)
    return _remark(each, column, cells, seen=seen)


def _linkable(column: str, looked: Looked) -> bool:
    kind = looked.array(column).type
    able = pa.types.is_boolean(kind) or looked.is_text(column) or looked.is_number(column)
    return able and 2 <= looked.distinct(column) <= FEW


def _function(cells: Mapping[tuple[Any, ...], int]) -> dict[str, Scalar] | None:
    """Give the column as a map of the attribute, where each level has one value in all rows."""
    table: dict[str, Scalar] = {}
    behind: dict[Scalar, int] = {}
    for (level, value), rows in cells.items():
        key = "missing" if level is None else _key(level)
        if value is None and level is None:
            continue
        if value is None or key in table:
            return None
        table[key] = value
        if rows >= _ROWS_BEHIND:
            behind[value] = behind.get(value, 0) + rows
    # Few rows, or one value nearly everywhere, agree by chance.
    return table if len(behind) > 1 else None


def _key(level: Scalar) -> str:
    return str(level).lower() if isinstance(level, bool) else str(level)


def _titles(each: Attribute, cells: Mapping[tuple[Any, ...], int]) -> dict[str, Scalar] | None:
    """Give the most frequent value of each gender, where the column says it too: Mr, Mrs, Ms."""
    own = _genders(each)
    if not {0, 1} <= set(own.values()):
        # Below a nationality or an age, a title says something else about the person.
        return None
    texts: dict[str, int] = {
        value: rows for (value,), rows in together(cells, [1]).items() if isinstance(value, str)
    }
    said = dict(zip(texts, genders(pa.array(list(texts), pa.string())).to_pylist(), strict=True))
    read = sum(rows for value, rows in texts.items() if said[value] is not None)
    if {0, 1} - set(said.values()) or read < 0.9 * sum(texts.values()):
        return None
    table: dict[str, Scalar] = {}
    for level in (*each.levels, None):
        able = {v: n for (at, v), n in cells.items() if at == level and v is not None}
        gender = None if level is None else own[level]
        told = able if gender is None else {v: n for v, n in able.items() if said[v] == gender}
        if told:
            key = "missing" if level is None else _key(level)
            table[key] = max(told, key=lambda value: told[value])
        elif level is not None:
            return None
    return table


def _remark(
    each: Attribute, column: str, cells: Mapping[tuple[Any, ...], int], *, seen: bool
) -> Guess | None:
    """Say which values of a feature occur at one level only: twins keep them."""
    if not seen:
        return None
    own = {level: rows for (level,), rows in together(cells, [0]).items() if level is not None}
    total = sum(own.values())
    told: list[str] = []
    for (value,), rows in together(cells, [1]).items():
        if value is None or rows < 2 * _ROWS_BEHIND:
            continue
        level = max(own, key=lambda at: cells.get((at, value), 0), default=None)
        if level is None:
            continue
        share = cells.get((level, value), 0) / rows
        # Seldom by chance: rows of one level alone, of which there are others.
        if share >= _PURE and (own[level] / total) ** rows < 1e-3:
            told.append(f"{name(value)} ({percent(share)} {name(level)})")
    if not told:
        return None
    listed = ", ".join(told[:4]) + (f" and {len(told) - 4} more" if len(told) > 4 else "")
    why = (
        f"{name(column)} has values that occur at one level of {name(each.name)}: {listed}. Twins "
        "keep them; declare what else should move with it"
    )
    return Guess(("fields", column), None, why, sure=False, told=True)


def _genders(each: Attribute) -> dict[Scalar, int | None]:
    """Read the levels as genders; None for those that are neither."""
    values = [str(level) for level in each.levels]
    said = genders(pa.array(values, pa.string())).to_pylist()
    if len(each.levels) == 2 and {_key(level) for level in each.levels} <= {
        "0",
        "1",
        "true",
        "false",
    }:
        words = genders(pa.array(words_of(each.name), pa.string())).to_pylist()
        own = next((word for word in words if word is not None), None)
        if own is None:
            return {}
        said = [own if _key(level) in {"1", "true"} else 1 - own for level in each.levels]
    return dict(zip(each.levels, said, strict=True))


def _name(each: Attribute, column: str, looked: Looked, *, seen: bool) -> Guess | None:
    own = _genders(each)
    if not {0, 1} <= set(own.values()):
        return None
    unnamed = [name(level) for level, gender in own.items() if gender is None]
    unnamed += ["who has none"] if None in each.counts else []
    if unnamed:
        why = (
            f"{name(column)} holds names, and which go with {name(each.name)} is not known for "
            f"{' and '.join(unnamed)}: twins keep theirs"
        )
        return Guess(("fields", column), None, why, sure=False, told=seen)
    gender = {_key(level): ("MALE", "FEMALE")[at] for level, at in own.items() if at is not None}
    field = {
        "kind": "mimesis",
        "method": _NAMES[looked.sort(column).sort],
        "locale": looked.detected.locale,
        "follows": {each.name: gender},
    }
    if looked.detected.locale == "en":
        del field["locale"]
    why = f"{name(column)} holds names: realistic ones that go with {name(each.name)} stand in"
    return _field(column, field, why)


def blind(attributes: Sequence[Attribute], features: Sequence[str], fields: Sequence[Guess]) -> str:
    """Say for which attributes twins cannot look different to the model."""
    out = []
    for each in attributes:
        moved = {
            guess.place[1]
            for guess in fields
            if guess.sure and each.name in (guess.value.get("of"), *guess.value.get("follows", ()))
        }
        if not ({each.name} | moved) & set(features):
            out.append(each.name)
    if not out:
        return ""
    return (
        f"the model sees neither {names(out)} nor a column that moves with it: twins look the same "
        "to it, and what else goes with the attribute stays as it is"
    )
