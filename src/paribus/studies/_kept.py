"""What became of each column, and of how columns go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import log, sqrt
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri

from paribus.anonymizing.replacements.base import is_text
from paribus.stats.drift import bins, kolmogorov_smirnov
from paribus.studies._assessment import Association, KeptColumn, KeptVerdict, Treatment
from paribus.studies._released import Codes, Floats, Released, coded, numbers, ranks, texts

MOST_COLUMNS = 30
"""Columns whose associations are measured; of more, the first."""

_LEVELS = 30
"""Values of a column that are told apart in an association; the rarer ones are one."""

_PIECES = 10
"""Pieces of a number where it has become text."""


def columns(released: Released, tolerance: float, confidence: float) -> tuple[KeptColumn, ...]:
    """Compare the columns of both tables, those that one of them lacks too."""
    before, after = released.original, released.anonymized
    names = [*before.column_names, *(n for n in after.column_names if n not in before.column_names)]
    each = 1.0 - (1.0 - confidence) / len(names)
    return tuple(_column(released, name, tolerance, each) for name in names)


def _column(released: Released, name: str, tolerance: float, confidence: float) -> KeptColumn:
    before, after = (
        table[name].combine_chunks() if name in table.column_names else None
        for table in (released.original, released.anonymized)
    )
    replaced = name in released.identifying
    pooled = None
    if before is not None and after is not None:
        pooled = coded(texts(before), texts(after))
    facts = _Facts.of(released, before, after, pooled)
    treatment: Treatment
    distance = wasserstein = None
    measure: Literal["total variation", "Kolmogorov-Smirnov"] | None = None
    margin = 0.0
    verdict: KeptVerdict | None = None
    if before is None or after is None or pooled is None:
        treatment = "added" if before is None else "dropped"
        verdict = None if before is None or replaced else "changed"
    else:
        one, other = numbers(before), numbers(after)
        if (one is None) != (other is None):
            treatment = "replaced" if replaced else "generalized"
        elif one is not None and other is not None:
            one, other = one[~np.isnan(one)], other[~np.isnan(other)]
            measure = "Kolmogorov-Smirnov"
            distance = kolmogorov_smirnov(one, other)[0]
            wasserstein = _moved(one, other)
            margin = 0.0 if released.aligned else _ks_margin(len(one), len(other), confidence)
            treatment = _treated(distance, facts, replaced)
        else:
            measure = "total variation"
            distance, kinds = _variation(pooled[0], len(pooled[1]))
            sizes = [int((codes >= 0).sum()) for codes in pooled[0]]
            margin = 0.0 if released.aligned else _tv_margin(kinds, sizes, confidence)
            treatment = _treated(distance, facts, replaced)
    if replaced:
        # Another distribution of names is what replacing them is for.
        measure = distance = wasserstein = None
        margin = 0.0
    if distance is not None:
        verdict = held(distance, margin, tolerance)
    return KeptColumn(
        name=name,
        treatment=treatment,
        type_before=_type(before),
        type_after=_type(after),
        nulls_before=facts.nulls[0],
        nulls_after=facts.nulls[1],
        same_nulls=facts.same_nulls,
        distinct_before=facts.distinct[0],
        distinct_after=facts.distinct[1],
        same_duplicates=facts.same_duplicates,
        distance_measure=measure,
        distance=distance,
        margin=margin if distance is not None else 0.0,
        wasserstein=wasserstein,
        verdict=verdict,
    )


def _type(column: pa.Array | None) -> str:
    if column is None:
        return ""
    # How wide text is stored is a matter of the file, and not of the column.
    return "text" if is_text(column.type) else str(column.type)


def held(distance: float, margin: float, tolerance: float) -> KeptVerdict:
    """Hold a distance against the tolerance, with what chance may do."""
    if distance + margin <= tolerance:
        return "kept"
    return "changed" if distance - margin > tolerance else "inconclusive"


def _treated(distance: float, facts: _Facts, replaced: bool) -> Treatment:
    if replaced:
        return "replaced"
    if facts.equal is not None:
        return "kept" if facts.equal else "changed"
    return "kept" if distance == 0 else "changed"


@dataclass(frozen=True)
class _Facts:
    nulls: tuple[float, float]
    distinct: tuple[int, int]
    same_nulls: bool | None
    same_duplicates: bool | None
    equal: bool | None

    @classmethod
    def of(
        cls,
        released: Released,
        before: pa.Array | None,
        after: pa.Array | None,
        pooled: tuple[tuple[Codes, ...], list[str]] | None,
    ) -> _Facts:
        held = (before, after)
        nulls = [0.0 if a is None else a.null_count / max(len(a), 1) for a in held]
        distinct = [0 if a is None else int(pc.count_distinct(texts(a)).as_py()) for a in held]
        same_nulls = same_duplicates = equal = None
        if released.aligned and pooled is not None:
            (one, other), pool = pooled
            same_nulls = bool(((one < 0) == (other < 0)).all())
            both = (one >= 0) & (other >= 0)
            pairs = len(np.unique(one[both] * (len(pool) + 1) + other[both]))
            same_duplicates = same_nulls and pairs == distinct[0] == distinct[1]
            equal = bool((one == other).all())
        return cls(
            (nulls[0], nulls[1]), (distinct[0], distinct[1]), same_nulls, same_duplicates, equal
        )


def _variation(codes: Sequence[Codes], pool: int) -> tuple[float, int]:
    """Half the sum of the differences of shares, in [0, 1]; also, how many values there are."""
    counts = [np.bincount(each[each >= 0], minlength=max(pool, 1)) for each in codes]
    sizes = [int(count.sum()) for count in counts]
    if not all(sizes):
        return float(sizes[0] != sizes[1]), pool
    gaps = np.abs(counts[0] / sizes[0] - counts[1] / sizes[1])
    return min(1.0, float(gaps.sum()) / 2.0), pool


def _moved(before: Floats, after: Floats) -> float | None:
    """Wasserstein's distance of order 1, in standard deviations of the first."""
    if not len(before) or not len(after):
        return None
    center = float(np.median(before))
    size = max(float(np.abs(before).max()), float(np.abs(after).max()), 1e-300)
    one, other = np.sort(before / size - center / size), np.sort(after / size - center / size)
    spread = float(one.std())
    every = np.sort(np.concatenate([one, other]))
    steps = np.diff(every)
    gaps = np.searchsorted(one, every[:-1], "right") / len(one)
    gaps = np.abs(gaps - np.searchsorted(other, every[:-1], "right") / len(other))
    moved = float((gaps * steps).sum())
    if moved == 0.0:
        return 0.0
    # Of a constant, any distance is beyond all deviations.
    return min(moved / spread, 1e100) if spread > 0 else 1e100


def _ks_margin(n1: int, n2: int, confidence: float) -> float:
    """By Dvoretzky, Kiefer and Wolfowitz with the constant of Massart (1990), for both tables."""
    if not n1 or not n2:
        return 1.0
    reach = log(4.0 / (1.0 - confidence)) / 2.0
    return min(1.0, sqrt(reach / n1) + sqrt(reach / n2))


def _tv_margin(kinds: int, sizes: Sequence[int], confidence: float) -> float:
    """Its mean is at most half the root of values by rows; McDiarmid (1989) beyond it."""
    if not all(sizes):
        return 1.0
    reach = log(2.0 / (1.0 - confidence)) / 2.0
    return min(1.0, sum(0.5 * sqrt(kinds / n) + sqrt(reach / n) for n in sizes))


# --- two columns ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Sides:
    """A column of both tables: both as numbers, or both as codes of values (-1: missing)."""

    name: str
    number: bool
    before: npt.NDArray[Any]
    after: npt.NDArray[Any]

    @cached_property
    def same(self) -> bool:
        """Whether no row has changed."""
        return np.array_equal(self.before, self.after, equal_nan=self.number)

    @cached_property
    def ranks_before(self) -> Floats | None:
        """Ranks, where no number is missing."""
        return None if np.isnan(self.before).any() else ranks(self.before)

    @cached_property
    def ranks_after(self) -> Floats | None:
        """The same, of the result."""
        return None if np.isnan(self.after).any() else ranks(self.after)

    def ranked(self, when: Literal["before", "after"], known: npt.NDArray[np.bool_]) -> Any:
        """Give ranks of some rows; those of all are computed once."""
        if known.all():
            return self.ranks_before if when == "before" else self.ranks_after
        return ranks(getattr(self, when)[known])


def associations(
    released: Released, tolerance: float, confidence: float
) -> tuple[Association, ...]:
    """Measure how every two columns go together, before and after.

    Numbers by Spearman's rho (1904), values by Cramer's V with the correction of Bergsma (2013),
    and a number with values by the correlation ratio (Pearson 1905), corrected as epsilon squared
    (Kelley 1935). A number that has become text is cut into ten pieces of its own, so that both
    tables are measured alike. Columns of as many values as rows are left out.
    """
    sides = list(_sides(released))[:MOST_COLUMNS]
    pairs = list(combinations(sides, 2))
    if not pairs:
        return ()
    margin = 0.0
    if not released.aligned:
        sizes = [len(released.original), len(released.anonymized)]
        z = -float(ndtri((1.0 - confidence) / 2.0 / len(pairs)))
        # Near enough also for V and the ratio; of a rank correlation of 0 it is right.
        margin = min(1.0, z * sqrt(sum(1.0 / max(n, 1) for n in sizes)))
    found = []
    for one, other in pairs:
        measure, before = _together(one, other, "before")
        after = before if one.same and other.same else _together(one, other, "after")[1]
        found.append(
            Association(
                first=one.name, second=other.name, measure=measure, before=before, after=after,
                margin=margin, verdict=held(abs(after - before), margin, tolerance),
            )
        )  # fmt: skip
    return tuple(found)


def _sides(released: Released) -> Iterator[_Sides]:
    for name in released.shared:
        both = released.both(name)
        if both is not None:
            if all(len(np.unique(v[~np.isnan(v)])) > 1 for v in both):
                yield _Sides(name, True, *both)
            continue
        sides = [_values(released.original[name]), _values(released.anonymized[name])]
        if all(side is not None for side in sides):
            yield _Sides(name, False, *(side for side in sides if side is not None))


def _values(column: pa.ChunkedArray) -> Codes | None:
    """Give codes of the most frequent values; None where there are too few or too many."""
    values = numbers(column)
    if values is not None:
        cut = bins(values, _PIECES)
        return np.where(cut == _PIECES, -1, cut).astype(np.intp)
    (codes,), pool = coded(texts(column))
    known = int((codes >= 0).sum())
    if len(pool) < 2 or len(pool) * 2 > known:
        return None
    counts = np.bincount(codes[codes >= 0], minlength=len(pool))
    place = np.empty(len(pool) + 1, np.intp)
    place[np.argsort(-counts, kind="stable")] = np.arange(len(pool))
    place[-1] = -1
    return np.minimum(place, _LEVELS)[codes]


def _together(
    one: _Sides, other: _Sides, when: Literal["before", "after"]
) -> tuple[Literal["Spearman", "Cramer's V", "correlation ratio"], float]:
    first, second = getattr(one, when), getattr(other, when)
    if one.number and other.number:
        known = ~(np.isnan(first) | np.isnan(second))
        left, right = one.ranked(when, known), other.ranked(when, known)
        rho = 0.0 if left is None or right is None else float(left @ right)
        return "Spearman", float(np.clip(rho, -1.0, 1.0))
    if not one.number and not other.number:
        return "Cramer's V", _cramer(first, second)
    values, codes = (first, second) if one.number else (second, first)
    known = ~np.isnan(values) & (codes >= 0)
    ranked = (one if one.number else other).ranked(when, known)
    return "correlation ratio", _ratio(ranked, codes[known])


def _cramer(one: Codes, other: Codes) -> float:
    known = (one >= 0) & (other >= 0)
    n = int(known.sum())
    rows, columns = _LEVELS + 1, _LEVELS + 1
    table = np.bincount(one[known] * columns + other[known], minlength=rows * columns)
    table = table.reshape(rows, columns)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    r, c = table.shape
    if n < 2 or r < 2 or c < 2:
        return 0.0
    expected = table.sum(axis=1)[:, None] / n * table.sum(axis=0)[None]
    phi = float(((table - expected) ** 2 / expected).sum()) / n
    corrected = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return min(1.0, sqrt(corrected / least)) if least > 0 else 0.0


def _ratio(ranked: Floats | None, codes: Codes) -> float:
    """Of ranks: one huge number must not decide."""
    n = len(codes)
    counts = np.bincount(codes, minlength=1)
    groups = int((counts > 0).sum())
    if ranked is None or groups < 2 or n <= groups:
        return 0.0
    sums = np.bincount(codes, weights=ranked, minlength=len(counts))[counts > 0]
    between = float((sums**2 / counts[counts > 0]).sum())
    epsilon = 1.0 - (1.0 - between) * (n - 1) / (n - groups)
    return sqrt(min(max(epsilon, 0.0), 1.0))
