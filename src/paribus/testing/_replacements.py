"""The suite of replacements."""

from __future__ import annotations

import datetime
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import OfText, Replacement
from paribus.errors import DataError

_KEY, _OTHER = Key(b"the key of the suite"), Key(b"another key, not that one")
_ROWS = 40


def check_replacement(replacement: Replacement, values: pa.Array | None = None) -> None:
    """Check a kind of replacement: it depends on the value, the key and its row, and on no more.

    Parameters
    ----------
    replacement : Replacement
    values : pyarrow.Array, optional
        What it is made for; without them it is tried on columns of every sort.

    Raises
    ------
    AssertionError
        One sentence that says which promise is broken.

    Examples
    --------
    >>> from paribus.anonymizing.replacements.email import Email
    >>> check_replacement(Email())
    """
    told = replacement.model_dump(exclude_unset=True, exclude={"kind"})
    again = type(replacement)(**told)
    assert again == replacement, "the declaration does not survive a file"
    tried, refused = 0, list[str]()
    for what, column in [("the values", values)] if values is not None else _columns():
        coded = isinstance(column, pa.DictionaryArray)
        inner = column.type.value_type if coded else column.type
        try:
            replacement.check(inner)
            given = replacement.gives(inner)
            _replaced(replacement, column, _KEY)
        except DataError as error:
            refused.append(f"{what} are refused: {error}")
            continue
        tried += 1
        _check_column(replacement, column, given, what)
    assert tried, "; ".join(refused)


def _check_column(
    replacement: Replacement, column: pa.Array, given: pa.DataType, what: str
) -> None:
    made = _replaced(replacement, column, _KEY)
    if not replacement.leaves:
        return
    assert made.type == given, f"{what}: gives {made.type}, and not {given} as it says"
    assert len(made) == len(column), f"{what}: {len(made)} values for {len(column)} rows"
    assert made.is_null().equals(column.is_null()), f"{what}: nulls do not stay where they are"
    assert made.equals(_replaced(replacement, column, _KEY)), f"{what}: the same key, other fakes"
    order = pa.array(np.random.default_rng(0).permutation(len(column)))
    assert made.take(order).equals(_replaced(replacement, column.take(order), _KEY, order)), (
        f"{what}: what a value becomes depends on where it stands"
    )
    half = len(column) // 2
    parts = [
        _replaced(
            replacement, column.slice(start, half), _KEY, pa.array(np.arange(start, start + half))
        )
        for start in (0, half)
    ]
    assert pa.concat_arrays(parts).equals(made), f"{what}: the batch makes a difference"
    empty = _replaced(replacement, column.slice(0, 0), _KEY, pa.array([], pa.int64()))
    assert len(empty) == 0, f"{what}: no rows give some"
    assert empty.type == given, f"{what}: no rows give another type"
    numbers = [v for v in made.to_pylist() if isinstance(v, float)]
    assert all(math.isfinite(v) for v in numbers), f"{what}: gives a number that is none"
    if isinstance(replacement, OfText):
        _check_text(replacement, column, made, what)


def _check_text(replacement: OfText, column: pa.Array, made: pa.Array, what: str) -> None:
    pairs = dict(zip(column.to_pylist(), made.to_pylist(), strict=True))
    for value, fake in pairs.items():
        if isinstance(value, str) and not value.strip():
            assert fake == value, f"{what}: {value!r} becomes {fake!r}, and says nothing to hide"
        elif value is not None and len(str(value)) > 3 and replacement.direct:
            assert fake != value, f"{what}: a value is its own fake"
            assert str(fake).strip(), f"{what}: a value becomes nothing"
            assert not str(fake).startswith(("=", "@", "\t")), f"{what}: a fake starts a formula"
            assert "<" not in str(fake), f"{what}: a fake holds markup"
    if replacement.direct and column.null_count < len(column):
        other = _replaced(replacement, column, _OTHER)
        assert not other.equals(made), f"{what}: another key gives the same fakes"


def _replaced(
    replacement: Replacement, column: pa.Array, key: Key, rows: pa.Array | None = None
) -> pa.Array:
    """Replace a column as the anonymizer does, next to what it reads."""
    people = pa.array([f"person {i % 7}" for i in range(_ROWS)])
    if rows is not None:
        people = people.take(rows)
    table = pa.table({"c": column} | {name: people[: len(column)] for name in replacement.reads})
    columns: dict[str, Any] = {"c": replacement} | dict.fromkeys(replacement.reads, "keep")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = Anonymizer(columns=columns).apply(table, key)
    if not replacement.leaves:
        assert "c" not in made.column_names, "a column that does not stay is there"
        return pa.nulls(len(column))
    whole = made["c"].combine_chunks()
    array = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
    return array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array


def _columns() -> Iterator[tuple[str, pa.Array]]:
    words = ["Ann Miller", "ann.miller@firm.com", "+1 202 555 0143", "A-1007", "12 Elm Street", "",
             "  ", "=cmd|'/c calc'!A1", "<script>alert(1)</script>", "Ανδρέας", "李小龍", None,
             "DE89370400440532013000", "4111 1111 1111 1111", "10.1.2.3", "x" * 300, "O'Neill",
             "\u202eeman", "https://firm.com/ann?x=1", "é"]  # fmt: skip
    texts = pa.array([words[i % len(words)] for i in range(_ROWS)], pa.string())
    yield "text", texts
    yield "large text", texts.cast(pa.large_string())
    yield "text of few values", texts.dictionary_encode()
    yield (
        "whole numbers",
        pa.array([None if i % 9 == 0 else 100_000 + i % 11 for i in range(_ROWS)]),
    )
    small = [None if i % 9 == 0 else i % 11 - 5 for i in range(_ROWS)]
    yield "small whole numbers", pa.array(small, pa.int8())
    yield "numbers", pa.array([None if i % 9 == 0 else i * 1.25 - 7 for i in range(_ROWS)])
    yield "extreme numbers", pa.array([1e100 if i % 2 else -1e100 for i in range(_ROWS)])
    yield "truth", pa.array([i % 3 == 0 for i in range(_ROWS)])
    days = [datetime.date(1950 + i, 2, 28) if i % 9 else None for i in range(_ROWS)]
    yield "dates", pa.array(days, pa.date32())
    times = [datetime.datetime(2024, 2, 29, 23, 59, i) if i % 9 else None for i in range(_ROWS)]
    yield "times", pa.array(times, pa.timestamp("us", tz="UTC"))
    yield "dates in text", pa.array([None if d is None else d.isoformat() for d in days])
    yield "nothing", pa.nulls(_ROWS, pa.string())
    yield "nothing of no type", pa.nulls(_ROWS)
