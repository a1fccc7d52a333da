"""What a table's column is to whoever learns from it, and the distribution that may be told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus._text import count
from paribus.stats.coarsening import averaged_quantiles, merged_values, rounded_shares

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

OTHER = "other"
"""What categories are called that too few rows have."""

LARGEST = 1e100
FEW = 200
"""Distinct numbers up to which they may be told one by one."""
_FREQUENT = 0.8
_DIGITS = 6
_DECIMALS = 9
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""Years 1 to 9999, in days since 1970."""


@dataclass(frozen=True, eq=False)
class Learnable:
    """A column that a copula can learn from, and what is told of it.

    Attributes
    ----------
    rows : ndarray, shape (n,)
        Floating, NaN where missing; or codes of `declared["values"]`, -1 where missing.
    declared : mapping
        Keys of the field, but for those of dependence; values of categories in the order of codes.
    missing : float
        Share of rows without a value.
    notes : tuple of str
        What was merged or left out, in sentences.
    """

    name: str
    rows: Floats | Codes
    declared: Mapping[str, Any]
    missing: float
    notes: tuple[str, ...] = field(default=())

    @property
    def categorical(self) -> bool:
        """Whether the values have no order of their own."""
        return self.rows.dtype.kind == "i"

    def take(self, inside: npt.NDArray[np.bool_]) -> Self:
        """Give the column for some rows only; what is told of it stays."""
        return replace(self, rows=self.rows[inside])


Form = Literal["categories", "numbers", "days"]


def form_of(array: pa.Array) -> Form | None:
    """Say what the values of a type are; None where nothing can be learned of them."""
    kind = array.type
    if pa.types.is_null(kind):
        return "numbers"
    if pa.types.is_boolean(kind) or is_text(array):
        return "categories"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "numbers"
    return "days" if pa.types.is_date(kind) or pa.types.is_timestamp(kind) else None


def is_text(array: pa.Array) -> bool:
    """Tell whether the values are text."""
    kind = array.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind)) or str(kind) == (
        "string_view"
    )


def numbers_of(array: pa.Array) -> Floats:
    """Give numbers, or days since 1970, as floats; NaN where missing, infinite or above 1e100."""
    if pa.types.is_timestamp(array.type):
        array = pc.cast(array, pa.date32(), safe=False)
    if pa.types.is_date(array.type):
        array = pc.cast(pc.cast(array, pa.date32()), pa.int32())
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    floats = pc.cast(array, pa.float64(), safe=False)
    numbers: Floats = np.array(floats.to_numpy(zero_copy_only=False), dtype=np.float64)
    with np.errstate(invalid="ignore"):
        numbers[~(np.abs(numbers) <= LARGEST)] = np.nan
    return numbers


def counted(array: pa.Array) -> tuple[Codes, list[Any], Codes]:
    """Give codes, distinct values in ascending order, and their counts; -1 where missing."""
    encoded = pc.dictionary_encode(array)
    values = encoded.dictionary.to_pylist()
    order = sorted(range(len(values)), key=lambda i: values[i])
    to = np.empty(len(values) + 1, dtype=np.int64)
    to[order], to[-1] = np.arange(len(values)), -1
    codes = to[encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)]
    counts = np.bincount(codes[codes >= 0], minlength=len(values)).astype(np.int64)
    return codes, [values[i] for i in order], counts


def nothing(name: str, n: int, why: str) -> Learnable:
    """Describe a column of which all is missing, or may as well be."""
    return Learnable(name, np.full(n, np.nan), {}, 1.0, (why,))


def learnable(name: str, array: pa.Array, least: int) -> Learnable:
    """Describe a column by what at least `least` rows share.

    Parameters
    ----------
    name : str
    array : pyarrow.Array
        Of a type that has a form (see `form_of`), no dictionary.
    least : int
    """
    return _without_few_gaps(_described(name, array, least), least)


def _described(name: str, array: pa.Array, least: int) -> Learnable:
    n = len(array)
    if form_of(array) == "categories":
        return _categories(name, array, least)
    numbers = numbers_of(array)
    known = ~np.isnan(numbers)
    found = int(known.sum())
    if found < max(least, 1):
        why = "all is missing" if not found else "too few rows with a value"
        return nothing(name, n, f'"{name}": {why}; nothing is learned.')
    values, counts = np.unique(numbers[known], return_counts=True)
    declared, notes = _marginal(name, array, values, counts.astype(np.int64), least)
    return Learnable(name, numbers, declared, 1.0 - found / n, notes)


def _without_few_gaps(column: Learnable, least: int) -> Learnable:
    """Take the few rows that lack a value for middle ones: what they have in common is theirs."""
    gone = column.rows < 0 if column.categorical else np.isnan(column.rows)
    if column.missing >= 1 or not 0 < int(gone.sum()) < least:
        return column
    rows, known = column.rows.copy(), column.rows[~gone]
    middle = np.bincount(known).argmax() if column.categorical else np.sort(known)[len(known) // 2]
    rows[gone] = middle
    said = f'"{column.name}": too few rows lack a value to tell of them; none does here.'
    return replace(column, rows=rows, missing=0.0, notes=(*column.notes, said))


def _categories(name: str, array: pa.Array, least: int) -> Learnable:
    codes, values, counts = counted(array)
    known = int(counts.sum())
    if known < least:
        why = "all is missing" if not known else "too few rows with a value"
        return nothing(name, len(array), f'"{name}": {why}; nothing is learned.')
    kept = np.flatnonzero(counts >= least)
    rare = known - int(counts[kept].sum())
    missing = 1.0 - known / len(array)
    if not rare:
        return _coded(name, codes, values, counts, missing)
    merged = np.full(len(values) + 1, -1, dtype=np.int64)
    merged[kept] = np.arange(len(kept))
    names = [values[i] for i in kept.tolist()]
    into = OTHER
    if is_text(array) and (rare >= least or OTHER in names or not names):
        if OTHER not in names:
            names.append(OTHER)
        home = names.index(OTHER)
    else:
        home = int(np.argmax(counts[kept]))
        into = str(names[home])
    rest = counts < least
    merged[:-1][rest] = home
    codes = merged[codes]
    counts = np.bincount(codes[codes >= 0], minlength=len(names)).astype(np.int64)
    told = "values of few rows"
    if rare >= least:
        told = f"{count(int(rest.sum()), 'value')} of {count(rare, 'row')}"
    column = _coded(name, codes, names, counts, missing)
    return replace(column, notes=(f'"{name}": {told} became "{into}".',))


def _coded(name: str, codes: Codes, values: list[Any], counts: Codes, missing: float) -> Learnable:
    weights = rounded_shares(counts).tolist()
    return Learnable(name, codes, {"values": values, "weights": weights}, missing)


def _marginal(
    name: str, array: pa.Array, values: Floats, counts: Codes, least: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    # Beyond 2 ** 53 a float does not tell whole numbers apart.
    whole = bool(pa.types.is_integer(array.type)) and float(np.abs(values).max()) < 2.0**53
    days = form_of(array) == "days"
    notes: tuple[str, ...] = ()
    if pa.types.is_timestamp(array.type):
        notes = (f'"{name}": learned by the day, without the time of day.',)
    decimals = 0 if whole or days else decimals_of(values)
    frequent = counts[counts >= least].sum() >= _FREQUENT * counts.sum()
    if len(values) <= FEW and frequent and not days:
        merged, rows = merged_values(values, counts, least)
        return listed(rounded(merged, decimals), rows, whole, decimals), notes
    quantiles, shares = averaged_quantiles(values, counts, least)
    return banded(quantiles, shares, whole=whole, decimals=decimals, days=days), notes


def listed(values: Floats, counts: Any, whole: bool, decimals: int | None) -> dict[str, Any]:
    """Declare numbers one by one; those that rounding made equal are one."""
    values, place = np.unique(values, return_inverse=True)
    weights = rounded_shares(np.bincount(place, weights=counts))
    told = [int(v) for v in values] if whole else values.tolist()
    return {"values": told, "weights": weights.tolist()}


def banded(
    quantiles: Floats, shares: Floats, *, whole: bool, decimals: int | None, days: bool
) -> dict[str, Any]:
    """Declare quantiles at shares, rounded."""
    points = np.maximum.accumulate(rounded(quantiles, None if days else decimals))
    places = np.maximum.accumulate(np.round(shares, _DIGITS))
    places[0], places[-1] = 0.0, 1.0
    new = np.append(True, (np.diff(points) != 0) | (np.diff(places) != 0))
    points, places = points[new], places[new]
    if days:
        near = np.clip(np.rint(points), _FIRST_DAY, _LAST_DAY)
        told = near.astype("datetime64[D]").tolist()
        return {"days": told, "shares": places.tolist()}
    declared: dict[str, Any] = {"quantiles": points.tolist(), "shares": places.tolist()}
    if whole:
        declared["whole"] = True
    elif decimals is not None:
        declared["decimals"] = decimals
    return declared


def decimals_of(values: Floats) -> int | None:
    """Count the decimals that all values have at most; None where there are more than 9."""
    if float(np.abs(values).max(initial=0.0)) > 2.0**53:
        return None
    for decimals in range(_DECIMALS + 1):
        if bool((np.round(values, decimals) == values).all()):
            return decimals
    return None


def rounded(values: Floats, decimals: int | None) -> Floats:
    """Round to some decimals; without, to six digits of the range."""
    if decimals is None:
        span = float(values.max()) / 2 - float(values.min()) / 2 or abs(float(values[0]))
        decimals = 0 if span == 0 else _DIGITS - math.floor(math.log10(2 * span))
    return np.array([round(value, decimals) for value in values.tolist()], dtype=np.float64)
