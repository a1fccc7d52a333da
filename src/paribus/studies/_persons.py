"""Whose rows are whose: people with several rows, and people who are in two tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing._coincidence import issued, unseen

Codes = npt.NDArray[np.intp]

_EVERYBODY = 0.2
"""Share of the rows from which on a shared value, such as none@none.com, connects nobody."""
_HOUSEHOLDS = 0.01
"""Share of a holdout that may share one number with the original: families do."""
_NAMESAKES = 0.05


@dataclass(frozen=True, eq=False)
class Persons:
    """Rows by person.

    Attributes
    ----------
    of_row : ndarray of int, shape (n,)
        The person of each row, from 0.
    apart : bool
        Whether values that are given to one person each tell people apart; names alone do not.
    """

    of_row: Codes
    apart: bool

    @property
    def several(self) -> bool:
        """Whether anybody has several rows."""
        return len(self.of_row) > 0 and int(self.of_row.max()) + 1 < len(self.of_row)


def persons(columns: Sequence[pa.Array]) -> Persons:
    """Tell whose rows are whose from identifying columns, as text.

    Rows are one person's where they say the same in all columns, or share a value that is given to
    one person, such as an address of email, through others if need be.
    """
    n = len(columns[0]) if columns else 0
    if not columns:
        raise ValueError("people are told apart by one column at least")
    values = [_codes(column) for column in columns]
    unique = [issued(pc.unique(column)) for column in columns]
    groups = [_together(values)]
    for codes, own in zip(values, unique, strict=True):
        if own:
            held = np.bincount(codes[codes >= 0], minlength=1)
            many = held > max(20, _EVERYBODY * n)
            groups.append(np.where((codes >= 0) & ~many[np.maximum(codes, 0)], codes, -1))
    return Persons(_connected(groups, n), any(unique))


def met_again(original: Sequence[pa.Array], holdout: Sequence[pa.Array]) -> int:
    """Count the rows of a holdout that are of people in the original.

    Namesakes are none, as many as chance gives, and neither are families with one number.
    """
    if not original or not len(holdout[0]):
        return 0
    n = len(original[0])
    values = [_codes(pa.concat_arrays([a, b])) for a, b in zip(original, holdout, strict=True)]
    unique = [
        issued(pc.unique(pa.concat_arrays([a, b]))) for a, b in zip(original, holdout, strict=True)
    ]
    whole = _together(values)
    same = _among(whole[n:], whole[:n])
    if not any(unique):
        chance = 1.0 - unseen(whole[:n][whole[:n] >= 0])
        return int(same.sum()) if same.mean() > chance + _NAMESAKES else 0
    for codes, own in zip(values, unique, strict=True):
        shared = _among(codes[n:], codes[:n])
        if own and shared.mean() > _HOUSEHOLDS:
            same |= shared
    return int(same.sum())


def _among(codes: Codes, others: Codes) -> npt.NDArray[np.bool_]:
    return np.isin(codes, others) & (codes >= 0)


def _codes(column: pa.Array) -> Codes:
    """Give numbers to distinct texts, but for case and spaces around; -1 where there is none."""
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(column))
    plain = pc.if_else(pc.equal(plain, ""), None, plain)
    codes = pc.fill_null(plain.dictionary_encode().indices, -1)
    return np.asarray(codes.to_numpy(zero_copy_only=False).astype(np.intp))


def _together(values: Sequence[Codes]) -> Codes:
    """Give numbers to combinations; -1 where nothing is known."""
    rows = np.stack(values)
    made = np.unique(rows, axis=1, return_inverse=True)[1].reshape(-1).astype(np.intp)
    return np.where((rows >= 0).any(axis=0), made, -1)


def _connected(groups: Sequence[Codes], n: int) -> Codes:
    """Tell which rows are connected: groups share their smallest number until nothing changes."""
    label = np.arange(n)
    while True:
        before = label.copy()
        for codes in groups:
            some = codes >= 0
            least = np.full(int(codes.max(initial=0)) + 1, n, np.intp)
            np.minimum.at(least, codes[some], label[some])
            label[some] = np.minimum(label[some], least[codes[some]])
        label = label[label]
        if (label == before).all():
            return np.unique(label, return_inverse=True)[1].reshape(-1).astype(np.intp)
