"""A table of every answer so far, for questions with few distinct forms."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from paribus.probe._calls import CODES
from paribus.probe.base import Missing, Values
from paribus.table import Coded, Column, Plain, Scalar
from paribus.twins import TwinBlock, Twins

_TABLE = 1 << 22
"""Distinct questions that a table may hold."""

Digit = tuple[int, int, int]
"""How many values a column can have, its lowest number, and which pool it is from."""


class Known:
    """A table of every answer so far.

    Each question is a number in mixed radix, one digit a column; looking an answer up costs a few
    nanoseconds, less than any model.
    """

    def __init__(self, digits: tuple[Digit, ...], value_type: type[np.generic]) -> None:
        self.digits = digits
        total = int(np.prod([size for size, _, _ in digits], dtype=np.int64))
        self.values: Values = np.zeros(total, value_type)
        self.status = np.full(total, -1, np.int32)
        self.codes = dict(CODES)
        """Why answers are missing, each reason with the status that says so."""
        self._others = np.zeros(total, np.int16)
        self._labels: list[frozenset[Scalar]] = [frozenset()]
        self.lock = threading.Lock()

    @classmethod
    def of(
        cls,
        twins: Twins,
        sample: TwinBlock,
        features: Sequence[str],
        repeats: str,
        value_type: type[np.generic],
    ) -> Known | None:
        """Make a table where it surely pays: where there are far more questions than forms.

        Parameters
        ----------
        twins : Twins
        sample : TwinBlock
            The first of these people.
        features : sequence of str
            The columns that the model sees.
        repeats : {"auto", "merge", "ask"}
            As in `paribus.probe.base.Probe`.
        value_type : type
            What numbers answers are kept as.
        """
        if repeats == "ask" or not features:
            return None
        digits = _digits(sample, features)
        # In real rows a column may be coded in one version and the caller's own in another.
        first = tuple(digit for digit in digits.pop() if digit is not None)
        if digits or len(first) < len(features):
            return None
        forms = math.prod(size for size, _, _ in first)
        questions = twins.people.size * len(twins.versions)
        if forms > _TABLE or (repeats == "auto" and forms > questions // 4):
            return None
        return cls(first, value_type)

    def fits(self, block: TwinBlock, features: Sequence[str]) -> bool:
        """Tell whether a block's columns have the pools and bounds that questions are numbered by.

        A pool may grow: where a value is missing for the first time, say.
        """
        return _digits(block, features) == {self.digits}

    def keys(self, columns: Mapping[str, Column]) -> npt.NDArray[np.int64]:
        """Give each question its number, shape (n,)."""
        out: Any = np.int64(0)
        for column, (size, low, _) in zip(columns.values(), self.digits, strict=True):
            whole = column.values if isinstance(column, Plain) else cast("Coded", column).codes
            digit: Any = whole - low if low else whole
            out = out * size + digit
        length = len(next(iter(columns.values())))
        return np.broadcast_to(np.asarray(out, dtype=np.int64), (length,))

    def learn(
        self,
        keys: npt.NDArray[np.int64],
        values: Values,
        missing: Missing,
        unfavorable: frozenset[Scalar],
    ) -> None:
        """Remember answers, and the labels that were taken for unfavorable decisions among them."""
        self.values[keys] = values
        self.status[keys] = 0 if missing is None else missing
        if unfavorable not in self._labels:
            self._labels.append(unfavorable)
        self._others[keys] = self._labels.index(unfavorable)

    def unfavorable(self, keys: npt.NDArray[np.int64]) -> frozenset[Scalar]:
        """Give the labels of unfavorable decisions among known answers, whoever learned them."""
        if len(self._labels) == 1:
            return self._labels[0]
        labels = self._others[keys[(self.values[keys] == 0) & (self.status[keys] == 0)]]
        return frozenset().union(*(self._labels[i] for i in np.flatnonzero(np.bincount(labels))))


def _digit(column: Column) -> Digit | None:
    if isinstance(column, Coded):
        return len(column.pool), 0, id(column.pool)
    if isinstance(column, Plain) and column.domain is not None:
        low, high = column.domain
        return high - low + 1, low, 0
    return None


def _digits(block: TwinBlock, features: Sequence[str]) -> set[tuple[Digit | None, ...]]:
    """Give the digits of the questions in each version."""
    versions = block.twins.versions
    return {tuple(map(_digit, block.columns(v, features).values())) for v in versions}
