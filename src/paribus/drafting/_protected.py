"""Protected attributes: which columns they are, and their levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from paribus.anonymizing.detection._headers import words_of
from paribus.anonymizing.detection._vocabularies import ETHNICITY, RELIGION
from paribus.anonymizing.names import genders
from paribus.drafting import _words
from paribus.drafting._guess import name, names
from paribus.drafting._looked import CODES, FEW, Looked
from paribus.errors import DataError, SpecError, nearest
from paribus.table import Scalar

SURE_SORTS = ("sex", "ethnicity", "nationality", "religion", "orientation", "age")
"""What is protected nearly everywhere."""
LIKELY_SORTS = ("marital status", "language", "health", "politics", "union")
"""What is protected in some places, or for some purposes."""

_SEPARATORS = ("__", "_", "-", ".", "=", ":", " ")


@dataclass(frozen=True)
class Attribute:
    """A protected attribute."""

    name: str
    levels: tuple[Scalar, ...]
    """The reference first."""
    counts: Mapping[Scalar | None, int]
    """Rows of each value; None where it is missing. Empty where the data have no such column."""
    said: str
    """How its levels were found."""
    columns: Mapping[str, Scalar]
    """Where the data only have a column of 0 and 1 for each level: those, and the levels."""

    @property
    def in_data(self) -> bool:
        """Whether the data have a column of the name."""
        return not self.columns


# --- which ----------------------------------------------------------------------------------------


def likely(looked: Looked, aside: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Find columns that are protected attributes.

    Returns
    -------
    sure, perhaps : dict of str to str
        Column -> why.
    """
    sure: dict[str, str] = {}
    perhaps: dict[str, str] = {}
    for column in looked.names:
        found = looked.sort(column)
        if column in aside or looked.distinct(column) < 2:
            continue
        able = looked.has_levels(column) or looked.is_number(column)
        if found.sort in SURE_SORTS and found.confidence >= 0.5 and able:
            sure[column] = f"{found.sort}: {found.reason}"
        elif looked.is_flag(column) and (why := _named_after_a_group(column)):
            sure[column] = why
        elif found.sort in LIKELY_SORTS and found.confidence >= 0.5 and able:
            perhaps[column] = f"{found.sort}: {found.reason}"
    # Of several columns that say the same, the plainest comes first.
    sorts = [looked.sort(each).sort for each in sure]
    ranked = sorted(
        sure,
        key=lambda each: (
            sorts.index(looked.sort(each).sort),
            *(-p for p in _plainness(each, looked)),
        ),
    )
    return {each: sure[each] for each in ranked}, perhaps


def _plainness(column: str, looked: Looked) -> tuple[float, float]:
    """Rank columns of one sort: those come first whose header says it."""
    found = looked.sort(column)
    return float("header says" in found.reason), found.confidence


def _named_after_a_group(column: str) -> str:
    words = words_of(column)
    if set(genders(pa.array(words, pa.string())).to_pylist()) - {None} and max(map(len, words)) > 1:
        return "yes or no, below the word for a sex"
    if {*words} & (ETHNICITY | RELIGION):
        return "yes or no, below the word for a group"
    return "yes or no, below a word for disability" if _words.says("disability", column) else ""


def resolved(asked: str, looked: Looked) -> str:
    """Find the column that somebody means; the name itself where columns of 0 and 1 stand for it.

    Raises
    ------
    DataError
        Where there is none.
    """
    if asked in looked.names:
        return asked
    alike = [each for each in looked.names if each.casefold() == asked.casefold()]
    if len(alike) == 1:
        return alike[0]
    if len(_dummies(asked, looked)) > 1:
        return asked
    meant = {asked.casefold(), _SYNONYMS.get(asked.casefold(), "")}
    able = [each for each in looked.names if looked.sort(each).sort in meant]
    if able:
        best = max(able, key=lambda each: _plainness(each, looked))
        raise DataError(
            f"the data have no column {name(asked)}; {name(best)} looks like it", path="protect"
        )
    raise DataError(
        f"the data have no column {name(asked)}{nearest(asked, looked.names)}", path="protect"
    )


_SYNONYMS = {
    "gender": "sex",
    "race": "ethnicity",
    "citizenship": "nationality",
    "faith": "religion",
}


# --- levels ---------------------------------------------------------------------------------------


def attribute(column: str, looked: Looked, levels: Sequence[Scalar] | None = None) -> Attribute:
    """Find the levels of an attribute, the most frequent one first.

    Raises
    ------
    SpecError
        Where the column has no levels: one value only, or too many.
    """
    if column not in looked.names:
        return _from_dummies(column, looked)
    kind = looked.array(column).type
    if pa.types.is_temporal(kind) or pa.types.is_nested(kind) or pa.types.is_binary(kind):
        raise SpecError(
            f"{name(column)} holds no levels; add a column of groups, such as bands of age",
            path="protect",
        )
    if looked.is_number(column) and looked.distinct(column) > CODES:
        return _of_number(column, looked, levels)
    try:
        cells = looked.cells(column, most=FEW)
    except DataError:
        raise SpecError(
            f"{name(column)} has more than {FEW} values, and each would be a level; add a column "
            "of groups, or name the levels in Python: protect={...: [...]}",
            path="protect",
        ) from None
    counts = {value: rows for (value,), rows in cells.items()}
    known = sorted((v for v in counts if v is not None), key=lambda v: -counts[v])
    if levels is not None:
        return Attribute(column, tuple(levels), counts, "as given", {})
    if len(known) < 2:
        only = f"the one value {name(known[0])}" if known else "no value"
        raise SpecError(
            f"{name(column)} has {only} in all rows: nothing to compare", path="protect"
        )
    listed = ", ".join(f"{counts[v]:,} {name(v)}" for v in known)
    gone = f"; {counts[None]:,} without one" if None in counts else ""
    said = f"Rows: {listed}{gone}. The most frequent is the reference"
    return Attribute(column, tuple(known), counts, said, {})


def _of_number(column: str, looked: Looked, levels: Sequence[Scalar] | None) -> Attribute:
    """Choose values of a number: a twin needs one that a model can be asked about, so no bands."""
    counts = {value: rows for (value,), rows in looked.few_cells(column).items()}
    if levels is not None:
        return Attribute(column, tuple(levels), counts, "as given", {})
    found = looked.floats(column)
    whole = bool((found == np.rint(found)).all())
    step = 5.0 if looked.sort(column).sort == "age" else _step(found)
    wanted = np.quantile(found, [0.5, 0.1, 0.3, 0.7, 0.9])
    rounded = np.clip(np.rint(wanted / step) * step, found.min(), found.max())
    chosen = dict.fromkeys(int(v) if whole else float(f"{v:.6g}") for v in rounded)
    if len(chosen) < 2:
        chosen = dict.fromkeys((*chosen, int(found.min()), int(found.max())))
    said = (
        "A number, so five of its values rather than bands: a twin is the same person at another "
        "value. The middle one is the reference"
    )
    reference = next(iter(chosen))
    return Attribute(column, (reference, *sorted(set(chosen) - {reference})), counts, said, {})


def _step(found: np.ndarray[Any, Any]) -> float:
    """Give a round number of about a fortieth of the range."""
    low, high = np.quantile(found, [0.05, 0.95])
    width = float(high - low) / 40
    return float(10 ** np.floor(np.log10(width))) if width > 0 and np.isfinite(width) else 1.0


def _dummies(asked: str, looked: Looked) -> dict[str, str]:
    for separator in _SEPARATORS:
        start = (asked + separator).casefold()
        found = {
            each: each[len(start) :]
            for each in looked.names
            if each.casefold().startswith(start) and len(each) > len(start) and looked.is_flag(each)
        }
        if len(found) > 1:
            return found
    return {}


def _from_dummies(asked: str, looked: Looked) -> Attribute:
    columns = _dummies(asked, looked)
    cells = looked.cells(*columns)
    counts: dict[str, int] = dict.fromkeys(columns.values(), 0)
    without = 0
    for values, rows in cells.items():
        held = [level for level, v in zip(columns.values(), values, strict=True) if v]
        if len(held) > 1:
            raise SpecError(
                f"{names(list(columns))} are no levels of one attribute: {names(held)} are 1 in "
                "the same row; name one of the columns",
                path="protect",
            )
        without += rows if not held else 0
        for level in held:
            counts[level] += rows
    levels = sorted(counts, key=lambda level: -counts[level])
    listed = ", ".join(f"{counts[v]:,} {name(v)}" for v in levels)
    if without:
        # The level that has no column of its own, as after `drop_first=True`.
        other = next(w for w in ("other", "none of these") if w not in levels)
        levels = [*levels, other] if without < max(counts.values()) else [other, *levels]
        listed += f", {without:,} none of these ({name(other)})"
    said = f"The data have a column of 0 and 1 for each level; rows: {listed}"
    return Attribute(asked, tuple(levels), {}, said, dict(columns))
