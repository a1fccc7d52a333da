"""Rungs: what a quasi-identifier may be made into, each coarser than the one before."""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from paribus._plugins import Declaration, Number, Whole
from paribus.anonymizing.replacements.base import is_text

Codes: TypeAlias = npt.NDArray[np.intp]

_ISO_DATE = r"^\d{4}-\d{2}-\d{2}$"
_OTHER = "other"


class Exact(Declaration):
    """Values as they are."""

    kind: Literal["exact"] = "exact"

    def labels(self, values: pa.Array) -> pa.Array:
        """Say what becomes of distinct values, none of them null."""
        return values

    def sentence(self) -> str:
        """Say it in words."""
        return "as it is"


class Bands(Declaration):
    """Numbers as bands of one width, one of which begins at 0."""

    kind: Literal["bands"] = "bands"
    width: Number = Field(gt=0)

    def labels(self, values: pa.Array) -> pa.Array:
        """Say what becomes of distinct values, none of them null."""
        numbers = values.cast(pa.float64(), safe=False).to_numpy()
        whole = pa.types.is_integer(values.type) and float(self.width).is_integer()
        with np.errstate(over="ignore", invalid="ignore"):
            low = np.floor(numbers / self.width) * self.width
        distinct, place = np.unique(low, return_inverse=True)
        said = [self._label(each, whole) for each in distinct.tolist()]
        return pa.array(said, pa.string()).take(pa.array(place.astype(np.int64)))

    def _label(self, low: float, whole: bool) -> str:
        if not math.isfinite(low):
            return "*"
        if whole:
            return f"[{low:.0f}, {low + self.width - 1:.0f}]"
        return f"[{low:.12g}, {low + self.width:.12g})"

    def sentence(self) -> str:
        """Say it in words."""
        return f"bands of {self.width:g}"


class Dates(Declaration):
    """Dates as their month, year or decade."""

    kind: Literal["dates"] = "dates"
    to: Literal["month", "year", "decade"]

    def labels(self, values: pa.Array) -> pa.Array:
        """Say what becomes of distinct values, none of them null."""
        years = pc.year(values).to_pylist()
        if self.to == "month":
            months = pc.month(values).to_pylist()
            said = [f"{year:04d}-{month:02d}" for year, month in zip(years, months, strict=True)]
        elif self.to == "year":
            said = [f"{year:04d}" for year in years]
        else:
            said = [f"{year // 10 * 10:04d}s" for year in years]
        return pa.array(said, pa.string())

    def sentence(self) -> str:
        """Say it in words."""
        return f"the {self.to}"


class Prefix(Declaration):
    """The first characters of a code, the others as stars."""

    kind: Literal["prefix"] = "prefix"
    length: Whole = Field(ge=1)

    def labels(self, values: pa.Array) -> pa.Array:
        """Say what becomes of distinct values, none of them null."""
        said = [text[: self.length].ljust(len(text), "*") for text in values.to_pylist()]
        return pa.array(said, pa.string())

    def sentence(self) -> str:
        """Say it in words."""
        return f"the first {self.length} characters" if self.length > 1 else "the first character"


class Merge(Declaration):
    """The values listed, and "other" for all others."""

    kind: Literal["merge"] = "merge"
    keep: tuple[str, ...]

    def labels(self, values: pa.Array) -> pa.Array:
        """Say what becomes of distinct values, none of them null."""
        texts = values.cast(pa.string())
        return pc.if_else(pc.is_in(texts, pa.array(self.keep, pa.string())), texts, _OTHER)

    def sentence(self) -> str:
        """Say it in words."""
        return f"the {len(self.keep)} most frequent values, and one for all others"


class Hidden(Declaration):
    """One star for everything."""

    kind: Literal["hidden"] = "hidden"

    def labels(self, values: pa.Array) -> pa.Array:
        """Say what becomes of distinct values, none of them null."""
        return pa.array(["*"] * len(values), pa.string())

    def sentence(self) -> str:
        """Say it in words."""
        return "hidden altogether"


Rung: TypeAlias = Annotated[
    Exact | Bands | Dates | Prefix | Merge | Hidden, Field(discriminator="kind")
]


def ladder(column: pa.ChunkedArray | pa.Array, k: int) -> tuple[Rung, ...]:
    """Propose rungs for a column, each coarser than the one before.

    Parameters
    ----------
    column : pyarrow column
    k : int
        Values of text held by fewer rows are rare.

    Returns
    -------
    tuple of rungs
        From `Exact` to `Hidden`. Numbers: bands of doubling width. Dates: month, year, decade.
        Codes, that is text with digits and of one length: ever shorter prefixes. Other text: rare
        values merged.

    Examples
    --------
    >>> [rung.sentence() for rung in ladder(pa.array(["10115", "10117", "80331"]), 2)][1:3]
    ['the first 4 characters', 'the first 3 characters']
    """
    pool, codes = encoded(column)
    kind = pool.type
    middle: list[Rung] = []
    if len(pool) > 1 and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        middle = [Bands(width=width) for width in _widths(pool)]
    elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        middle = [Dates(to="month"), Dates(to="year"), Dates(to="decade")]
    elif len(pool) > 1 and is_text(kind):
        lengths = pc.unique(pc.utf8_length(pool)).to_pylist()
        if pc.all(pc.match_substring_regex(pool, _ISO_DATE)).as_py():
            middle = [Prefix(length=length) for length in (7, 4, 3)]
        elif len(lengths) == 1 and pc.all(pc.match_substring_regex(pool, r"\d")).as_py():
            middle = [Prefix(length=length) for length in range(min(lengths[0], 13) - 1, 0, -1)]
        else:
            middle = list(_merges(pool, codes, k))
    return (Exact(), *middle, Hidden())


def _widths(pool: pa.Array) -> list[float]:
    numbers = pool.cast(pa.float64(), safe=False).to_numpy()
    numbers = np.clip(numbers, -1e300, 1e300)
    span = float(numbers.max() - numbers.min())
    least = 2.0 if pa.types.is_integer(pool.type) else 0.0
    if not span > 0:
        return []
    # 1, 2 or 5 times a power of ten, and about 64 bands to begin with.
    power = 10.0 ** math.floor(math.log10(span / 64.0)) if span / 64.0 > 1e-300 else 1e-300
    width = max(least, next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= span / 64.0))
    return [width * 2**i for i in range(9) if width * 2 ** (i - 1) < span]


def _merges(pool: pa.Array, codes: Codes, k: int) -> list[Merge]:
    counts = np.bincount(codes, minlength=len(pool) + 1)[: len(pool)]
    merges: list[Merge] = []
    for least in (k, 4 * k, 16 * k):
        common = np.flatnonzero(counts >= least)
        keep = pool.take(pa.array(common[np.argsort(-counts[common], kind="stable")]))
        if 0 < len(keep) < (len(merges[-1].keep) if merges else len(pool)):
            merges.append(Merge(keep=tuple(keep.to_pylist())))
    return merges


def encoded(column: pa.ChunkedArray | pa.Array) -> tuple[pa.Array, Codes]:
    """Give distinct values, none of them null, and codes; the one after the last is null.

    NaN counts as null.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    pool = pc.drop_null(pc.unique(column))
    found = pc.fill_null(pc.index_in(column, pool), len(pool))
    return pool, np.asarray(found.to_numpy()).astype(np.intp)
