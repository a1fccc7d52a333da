"""The table as it was and as it is released: columns that can be laid side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus._files import read_table
from paribus.anonymizing.patterns import find
from paribus.errors import DataError, SpecError, nearest
from paribus.studies._persons import Persons, met_again, persons
from paribus.table import Table, flat

_LARGEST = 1e300
"""Numbers beyond it are cut: the difference of two must still be a number."""

_AGREE = 0.5
"""Agreement beyond chance from which on a column says that rows belong together."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


def arrow_of(data: Any, path: str) -> pa.Table:
    """Give a data frame, or a CSV or Parquet file, as plain Arrow columns; NaN is null.

    Raises
    ------
    DataError
        Where it is no data frame, has no rows, or cannot be read.
    """
    if isinstance(data, str | Path):
        try:
            read = read_table(data)
        except DataError as error:
            raise DataError(f'"{data}": {error.message}', path=path) from None
        table = Table.of(read, path=path)
    else:
        table = Table.of(data, path=path)
    columns = {name: _plain(table.column(name, slice(None)).arrow()) for name in table.names}
    return pa.table(columns)


def _plain(array: pa.Array) -> pa.Array:
    array = flat(array)
    if pa.types.is_floating(array.type):
        return pc.if_else(pc.fill_null(pc.is_nan(array), False), None, array)
    return array


def numbers(column: pa.ChunkedArray | pa.Array) -> Floats | None:
    """Give a column as numbers, NaN where there is none; None where it holds something else.

    Dates and times count as numbers; truth values do not.
    """
    array = whole(column)
    kind = array.type
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        array = array.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
        kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return np.asarray(np.clip(values, -_LARGEST, _LARGEST), np.float64)
    return None


def texts(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Give a column as text; whole numbers are written without a point."""
    array = whole(column)
    kind = array.type
    if pa.types.is_string(kind):
        return array
    if pa.types.is_floating(kind) and pc.all(pc.equal(pc.floor(array), array)).as_py() is not False:
        try:
            return array.cast(pa.int64()).cast(pa.string())
        except pa.ArrowInvalid:
            pass
    try:
        return array.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())


def whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Give a column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def coded(*columns: pa.Array) -> tuple[tuple[Codes, ...], list[str]]:
    """Give texts of several columns as codes into one pool, -1 where there is none.

    Returns
    -------
    codes : tuple of ndarray of int
    pool : list of str
        Distinct texts.
    """
    encoded = pa.concat_arrays(list(columns)).dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.intp)
    ends = np.cumsum([len(column) for column in columns])[:-1]
    return tuple(np.split(codes, ends)), encoded.dictionary.to_pylist()


@dataclass(frozen=True, eq=False)
class Released:
    """A table before and after, and what its columns are.

    Parameters
    ----------
    original, anonymized : pyarrow.Table
    holdout : pyarrow.Table, optional
        Real rows that nobody anonymized or learned from.
    identifying, quasi, sensitive : tuple of str
    aligned : bool
        Whether each row of the result belongs to the row of the original at its place.
    file : Path, optional
        The file that the result was read from.
    """

    original: pa.Table
    anonymized: pa.Table
    holdout: pa.Table | None
    identifying: tuple[str, ...]
    quasi: tuple[str, ...]
    sensitive: tuple[str, ...]
    aligned: bool
    file: Path | None = None
    texts: tuple[str, ...] = ()
    """Those of `identifying` that are free text: what identifies is somewhere in it, if at all."""

    @cached_property
    def sought(self) -> pa.Table:
        """The original with what must be found nowhere: of free text, cells with identifiers."""
        table = self.original
        for name in self.texts:
            texts = _plain_text(table[name])
            marked = find(texts)
            held = marked.holding(*marked.hits)
            at = table.column_names.index(name)
            table = table.set_column(at, name, pc.if_else(held, texts, pa.scalar(None, texts.type)))
        return table

    @cached_property
    def persons(self) -> Persons | None:
        """Whose rows those of the original are; None where nothing tells."""
        telling = self._telling(self.original)
        return persons(telling) if telling else None

    @cached_property
    def met_again(self) -> int:
        """Rows of the holdout that are of people in the original."""
        if self.holdout is None:
            return 0
        return met_again(self._telling(self.original), self._telling(self.holdout))

    def _telling(self, table: pa.Table) -> list[pa.Array]:
        return [texts(table[name]) for name in self.identifying if name not in self.texts]

    @cached_property
    def shared(self) -> tuple[str, ...]:
        """Columns that both tables have, without those that identify."""
        return tuple(
            name
            for name in self.original.column_names
            if name in self.anonymized.column_names and name not in self.identifying
        )

    def both(self, name: str) -> tuple[Floats, Floats] | None:
        """Give a column of both tables as numbers; None where one of them holds something else."""
        before, after = numbers(self.original[name]), numbers(self.anonymized[name])
        return None if before is None or after is None else (before, after)

    def recoded(self, name: str) -> bool:
        """Tell whether the values of a column are of another sort than they were."""
        before, after = self.original[name], self.anonymized[name]
        kinds = [numbers(column) is None for column in (before, after)]
        if kinds[0] != kinds[1]:
            return True
        if not kinds[0]:
            return False
        (one, other), pool = coded(texts(before), texts(after))
        seen = np.zeros(len(pool) + 1, bool)
        seen[other] = True
        seen[-1] = True
        return bool(seen[one].mean() < _AGREE)


def named(given: str | Sequence[str] | None, known: Sequence[str], path: str) -> tuple[str, ...]:
    """Take the names of columns, one or several.

    Raises
    ------
    SpecError
        Where there is no such column, or one is named twice.
    """
    listed = (given,) if isinstance(given, str) else tuple(given or ())
    for name in listed:
        if name not in known:
            raise SpecError(
                f'the original has no column "{name}"{nearest(str(name), known)}', path=path
            )
        if listed.count(name) > 1:
            raise SpecError(f'"{name}" is named twice', path=path)
    return listed


def fitting(other: pa.Table, original: pa.Table, path: str) -> None:
    """Refuse a holdout that lacks columns of the original."""
    for name in original.column_names:
        if name not in other.column_names:
            raise DataError(
                f'has no column "{name}"{nearest(name, other.column_names)}; the holdout needs '
                "the columns of the original",
                path=path,
            )


def belong_together(original: pa.Table, anonymized: pa.Table, without: Sequence[str]) -> bool:
    """Tell whether rows at the same place are about the same person.

    Most columns that nobody replaced must agree row by row, far beyond chance: values by Cohen's
    kappa (1960), numbers by their rank correlation.
    """
    if len(original) != len(anonymized):
        return False
    votes = []
    for name in original.column_names:
        if name in without or name not in anonymized.column_names:
            continue
        before, after = numbers(original[name]), numbers(anonymized[name])
        if before is not None and after is not None:
            agreement = _ranked(before, after)
        else:
            agreement = _kappa(texts(original[name]), texts(anonymized[name]))
        if agreement is not None:
            votes.append(agreement >= _AGREE)
    return bool(votes) and sum(votes) * 2 > len(votes)


def _kappa(before: pa.Array, after: pa.Array) -> float | None:
    (one, other), pool = coded(before, after)
    n = len(one)
    if n == 0 or len(np.intersect1d(one, other)) == 0:
        # Nothing that the two have in common: bands in place of numbers, say.
        return None
    shares = [np.bincount(codes + 1, minlength=len(pool) + 1) / n for codes in (one, other)]
    chance = float(shares[0] @ shares[1])
    if chance >= 1.0:
        return None
    return float(((one == other).mean() - chance) / (1.0 - chance))


def _ranked(before: Floats, after: Floats) -> float | None:
    known = ~(np.isnan(before) | np.isnan(after))
    one, other = ranks(before[known]), ranks(after[known])
    return None if one is None or other is None else float(one @ other)


def ranks(values: Floats) -> Floats | None:
    """Give mid-ranks, centered and of length 1, so that two of them multiply to Spearman's rho.

    Returns
    -------
    ndarray of float64, or None
        None where all values are equal, or there are none.
    """
    if len(values) < 2:
        return None
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle = (ends - counts + ends - 1) / 2.0
    ranked = middle[place.reshape(-1)]
    ranked = ranked - ranked.mean()
    length = float(np.sqrt(ranked @ ranked))
    return ranked / length if length > 0 and len(counts) > 1 else None


def _plain_text(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    whole = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
    plain = whole.dictionary_decode() if isinstance(whole, pa.DictionaryArray) else whole
    return plain if plain.type == pa.string() else plain.cast(pa.string())
