"""Columns as small codes: what each row holds is one of a few levels."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.errors import DataError

Scalar = str | int | float | bool
Unsigned = npt.NDArray[np.unsignedinteger[Any]]
Floats = npt.NDArray[np.float64]
Kind = Literal["number", "text", "truth", "time", "other"]

CHUNK = 1 << 18
"""Rows whose keys stay in the cache between being made and being counted."""

_GAPS = 64
"""Codes up to which it is not worth finding out which of them occur."""

_EXACT = 2.0**53


@dataclass(frozen=True)
class Binned:
    """A numeric column in equal bins.

    The bin is floor((x - low) / width), clipped to [0, bins - 1]; a missing or infinite value is
    missing.

    Parameters
    ----------
    column : str
        The name of the column.
    low : float
        Where the first bin starts.
    width : float
        The width of a bin, above zero.
    bins : int
        How many there are, at least one.

    Raises
    ------
    ValueError
        Where the bins are none.
    """

    column: str
    low: float
    width: float
    bins: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.width) and self.width > 0):
            raise ValueError("bins start at a finite number, and their width is above zero")
        if self.bins < 1:
            raise ValueError("there must be at least one bin")


@dataclass(frozen=True, eq=False)
class Codes:
    """A column as small numbers: what each row holds is `levels[codes[row]]`."""

    codes: Unsigned
    """Shape (n,)."""
    levels: tuple[Scalar | None, ...]
    """Not sorted; some may not occur, and the missing one may be anywhere."""


# --- values ---------------------------------------------------------------------------------------


def kind_of(dtype: pa.DataType) -> Kind:
    """Say what the values of an Arrow type are to a reader."""
    if pa.types.is_dictionary(dtype):
        return kind_of(dtype.value_type)
    if pa.types.is_boolean(dtype):
        return "truth"
    if pa.types.is_integer(dtype) or pa.types.is_floating(dtype) or pa.types.is_decimal(dtype):
        return "number"
    if is_text(dtype):
        return "text"
    return "time" if pa.types.is_temporal(dtype) else "other"


def is_text(dtype: pa.DataType) -> bool:
    """Say whether an Arrow type is one of the three sorts of text."""
    return bool(
        pa.types.is_string(dtype)
        or pa.types.is_large_string(dtype)
        or pa.types.is_string_view(dtype)
    )


def scalar(value: object) -> Scalar | None:
    """Give a value as every engine gives it.

    Whole numbers are ints, moments are ISO text (in UTC where they have a zone, the bare date at
    midnight), and what is null, NaN or infinite is None.
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            return None
        number = float(value)
        return int(number) if number.is_integer() and abs(number) <= _EXACT else number
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.UTC).replace(tzinfo=None)
        return value.isoformat().removesuffix("T00:00:00")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def scalars(values: pa.Array) -> tuple[Scalar | None, ...]:
    """Give a short array as Python values, as every engine gives them."""
    return tuple(scalar(value) for value in values.to_pylist())


def too_many(name: str, distinct: int, most: int, *, more: bool = False) -> DataError:
    """Make the error about a key that is none: an identifier, or a number that is measured."""
    told = f"more than {most:,}" if more else f"{distinct:,}"
    return DataError(
        f'the column "{name}" has {told} different values: did you mean a numeric field? To count '
        f"by it, bin it first (a key has at most {most:,} values)"
    )


# --- columns as codes -----------------------------------------------------------------------------


def encode(values: npt.NDArray[Any] | pa.Array, name: str, most: int) -> Codes:
    """Give each row of a column a small number.

    Parameters
    ----------
    values : ndarray or pyarrow.Array or pyarrow.ChunkedArray, shape (n,)
        Text, numbers, truth values, moments, or a dictionary of such.
    name : str
        The name of the column, for the errors.
    most : int
        The largest number of different values.

    Raises
    ------
    DataError
        Where there are more different values, or each is more than one value.
    """
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "b":
            return Codes(values.view(np.uint8), (False, True))
        if values.dtype.kind in "iu":
            return _whole(values, None, name, most)
        if values.dtype.kind == "f" and values.dtype.itemsize in (4, 8):
            return _real(values, name, most)
        values = pa.array(values, from_pandas=True)
    dtype = values.type
    if kind_of(dtype) == "other" and not pa.types.is_null(dtype):
        raise DataError(
            f'the column "{name}" holds values of the type {dtype}, which cannot be counted'
        )
    if pa.types.is_dictionary(dtype):
        return _pooled(_one(values), name, most)
    if pa.types.is_boolean(dtype) or pa.types.is_integer(dtype):
        whole = _one(values)
        if pa.types.is_boolean(dtype):
            whole = whole.cast(pa.uint8())
        gone = pc.is_null(whole).to_numpy(zero_copy_only=False) if whole.null_count else None
        plain = (whole.fill_null(0) if whole.null_count else whole).to_numpy(zero_copy_only=False)
        coded = _whole(plain, gone, name, most)
        if pa.types.is_boolean(dtype):
            truths = tuple(None if level is None else bool(level) for level in coded.levels)
            return Codes(coded.codes, truths)
        return coded
    if pa.types.is_floating(dtype) and not pa.types.is_float16(dtype):
        # Null and NaN are the same here.
        return _real(_one(values).to_numpy(zero_copy_only=False), name, most)
    return _hashed(values, name, most)


def _one(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(values, pa.ChunkedArray):
        return values
    if pa.types.is_dictionary(values.type):
        try:
            values = values.unify_dictionaries()
        except pa.ArrowInvalid:
            # A dictionary that itself holds a null.
            return _one(values.cast(values.type.value_type).dictionary_encode())
    whole = values.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _whole(
    values: npt.NDArray[Any], gone: npt.NDArray[np.bool_] | None, name: str, most: int
) -> Codes:
    """Code whole numbers by their distance from the lowest, where that is short."""
    if not len(values):
        return Codes(np.zeros(0, np.uint8), ())
    low, high = int(values.min()), int(values.max())
    if values.dtype.kind == "u" and low < _GAPS:
        low = 0  # a few codes that do not occur cost less than a copy
    span = high - low + 1
    size = span + (gone is not None)
    if size > 1 << 16:
        return _hashed(pa.array(values, mask=gone), name, most)
    small = smallest(size)
    if low == 0 and values.dtype.itemsize == small().itemsize:
        codes = values.view(small)
    elif low == 0:
        codes = values.astype(small)
    else:
        # Arithmetic modulo 2^k is right in any integer type that holds the differences.
        wide = values.astype(np.int32) if values.dtype.itemsize == 1 else values
        codes = np.empty(len(values), small)
        for start, stop in chunks(len(values)):
            codes[start:stop] = wide[start:stop] - wide.dtype.type(low)
    levels: tuple[Scalar | None, ...] = tuple(range(low, low + span))
    if gone is not None:
        codes = codes.copy()  # they may be the caller's own
        codes[gone] = span
        levels = (*levels, None)
    return Codes(codes, levels) if size <= _GAPS else _present(codes, levels, name, most)


def _present(codes: Unsigned, levels: tuple[Scalar | None, ...], name: str, most: int) -> Codes:
    """Leave out the codes that do not occur."""
    size = len(levels)
    found = np.flatnonzero(cells_of([codes], [size], len(codes)))
    if len(found) == size <= most:
        return Codes(codes, levels)
    if len(found) - (levels[-1] is None) > most:
        raise too_many(name, len(found) - (levels[-1] is None), most)
    kept = tuple(levels[code] for code in found.tolist())
    small: type[np.uint8] | type[np.uint16] = np.uint8 if len(kept) <= 256 else np.uint16
    places = np.zeros(size, small)
    places[found] = np.arange(len(found), dtype=small)
    if codes.dtype == np.uint8:
        # Several times as fast as an index.
        table = np.zeros(256, np.uint8)
        table[:size] = places
        moved = np.ascontiguousarray(codes).tobytes().translate(table.tobytes())
        return Codes(np.frombuffer(moved, np.uint8), kept)
    return Codes(places[codes], kept)


def _real(values: npt.NDArray[Any], name: str, most: int) -> Codes:
    """Code whole numbers that happen to be floats as whole numbers."""
    if not len(values):
        return Codes(np.zeros(0, np.uint8), ())
    low, high = values.min(), values.max()
    gone = None
    if not (math.isfinite(low) and math.isfinite(high)):
        known = np.isfinite(values)
        if not known.any():
            return Codes(np.zeros(len(values), np.uint8), (None,))
        gone = ~known
        values = np.where(known, values, values[known.argmax()])
        low, high = values.min(), values.max()
    if float(high) - float(low) < (1 << 16) - 1 and abs(low) < 1 << 31 and low == np.floor(low):
        shifted = np.empty(len(values), np.int32)
        for start, stop in chunks(len(values)):
            part = values[start:stop]
            shifted[start:stop] = part
            if not np.array_equal(shifted[start:stop], part):
                break
        else:
            return _whole(shifted, gone, name, most)
    return _hashed(pa.array(values, mask=gone), name, most)


def _pooled(values: pa.DictionaryArray, name: str, most: int) -> Codes:
    """Code a dictionary by its own indices."""
    return _levels(encode(values.indices, name, most), values.dictionary)


def _levels(indices: Codes, pool: pa.Array) -> Codes:
    """Give codes that stand for places in a pool the values that are there."""
    wanted = pa.array(indices.levels, pa.int64())
    return Codes(indices.codes, scalars(pool.take(wanted)))


def categories(codes: npt.NDArray[Any], pool: pa.Array, name: str, most: int) -> Codes:
    """Code the codes of a pandas Categorical, where -1 is missing."""
    gone = None
    if not len(pool):
        return Codes(np.zeros(len(codes), np.uint8), (None,))
    if len(codes) and codes.min() < 0:
        gone = codes < 0
        codes = np.where(gone, 0, codes)
    return _levels(_whole(codes, gone, name, most), pool)


def _hashed(values: pa.Array, name: str, most: int) -> Codes:
    """Code by hashing; finds out early where nearly every row has a value of its own."""
    if pa.types.is_string_view(values.type):
        values = values.cast(pa.large_string())
    head = 1 << 16
    if len(values) > 2 * head and pc.count_distinct(values.slice(0, head)).as_py() > most:
        raise too_many(name, pc.count_distinct(values).as_py(), most)
    coded = _one(values.dictionary_encode())
    if len(coded.dictionary) > most:
        raise too_many(name, len(coded.dictionary), most)
    pool, indices = scalars(coded.dictionary), coded.indices
    if coded.null_count:
        indices, pool = indices.fill_null(len(pool)), (*pool, None)
    return Codes(indices.to_numpy().astype(smallest(len(pool))), pool)


def smallest(levels: int) -> type[np.unsignedinteger[Any]]:
    """Give the smallest type for the numbers below `levels`."""
    return np.uint8 if levels <= 1 << 8 else np.uint16 if levels <= 1 << 16 else np.uint32


def binned(values: Floats, bins: Binned) -> Codes:
    """Code numbers by their bin."""
    codes = np.empty(len(values), smallest(bins.bins + 1))
    for start, stop in chunks(len(values)):
        part = values[start:stop]
        with np.errstate(over="ignore", invalid="ignore"):
            place = np.clip((part - bins.low) / bins.width, 0, bins.bins - 1)
        place[~np.isfinite(part)] = bins.bins
        codes[start:stop] = place
    return Codes(codes, (*range(bins.bins), None))


# --- cells ---------------------------------------------------------------------------------------


def chunks(rows: int) -> Iterator[tuple[int, int]]:
    """Give where pieces that fit into the cache start and stop."""
    return ((start, min(start + CHUNK, rows)) for start in range(0, rows, CHUNK))


def cells_of(codes: Sequence[Unsigned], sizes: Sequence[int], rows: int) -> npt.NDArray[np.int64]:
    """Count the rows of each cell of the full table, in C order."""
    cells = math.prod(sizes)
    if cells > 1 << 8:
        out = np.zeros(cells, np.int64)
        for key, _, _ in cell_numbers(codes, sizes, rows):
            if cells > CHUNK:
                np.add.at(out, key, 1)
            else:
                out += np.bincount(key, minlength=cells)
        return out
    # Two keys of one byte are one of two bytes: half as many steps.
    pairs, rest = np.zeros(1 << 16, np.int64), np.zeros(1 << 8, np.int64)
    for key, _, _ in cell_numbers(codes, sizes, rows):
        even = len(key) & ~1
        pairs += np.bincount(key[:even].view(np.uint16), minlength=1 << 16)
        if even < len(key):
            rest[key[-1]] += 1
    table = pairs.reshape(1 << 8, 1 << 8)
    return cast("npt.NDArray[np.int64]", (rest + table.sum(0) + table.sum(1))[:cells])


def cell_numbers(
    codes: Sequence[Unsigned], sizes: Sequence[int], rows: int
) -> Iterator[tuple[Unsigned, int, int]]:
    """Give the number of each row's cell, chunk by chunk, with where the chunk starts and stops."""
    cells = math.prod(sizes)
    small: type[np.integer[Any]] = smallest(cells) if cells <= 1 << 16 else np.intp
    several = [(code, size) for code, size in zip(codes, sizes, strict=True) if size > 1]
    for start, stop in chunks(rows):
        key = np.zeros(stop - start, small)
        for place, (code, size) in enumerate(several):
            if not place:
                key[:] = code[start:stop]
                continue
            key *= small(size)
            np.add(key, code[start:stop], out=key, casting="unsafe")
        yield cast("Unsigned", key), start, stop
