"""Calls of a model: frames of questions go in, values and what is missing come out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus._seeds import BLOCK
from paribus.errors import ModelError, ParibusError, reason
from paribus.outcomes import FAILED, REFUSED, Outcome
from paribus.probe.base import Missing, Model, Values, read, way_of_asking
from paribus.table import Column, FrameKind, Scalar, Table, concat, matrix, to_frame

_MOST = 2 * BLOCK
"""People in one call, at most: a call has a cost of its own, and more gain nothing."""

CODES = {"no answer": REFUSED, "not a number": FAILED}
"""The first reasons that answers are missing for, and the status that says so."""

_FEW = 8

Selection = npt.NDArray[np.intp] | None
Segment = tuple[int, Selection]
"""A version's number, and which of its people are asked about; all where None."""


@dataclass
class Heard:
    """What came back beside values, for one run of people."""

    unfavorable: frozenset[Scalar] = frozenset()
    questions: int = 0
    codes: dict[str, int] = field(default_factory=lambda: dict(CODES))
    """Each reason that answers are missing for, and the status that says so."""

    def code(self, error: BaseException) -> int:
        """Give a reason its number."""
        return self.codes.setdefault(reason(error), FAILED + len(self.codes) - 1)


class Calls:
    """Puts questions to one model, and finds those that it fails on."""

    def __init__(
        self,
        model: Model,
        outcome: Outcome,
        features: tuple[str, ...],
        handed: FrameKind,
        like: Table | None,
    ) -> None:
        self.model = model
        self.outcome = outcome
        self.features = features
        self.handed = handed
        self.like = like
        self.put = way_of_asking(model, outcome)
        self.answered = False
        """Whether the model has ever answered anything."""

    def call(self, columns: Sequence[Mapping[str, Column]], heard: Heard) -> tuple[Values, Missing]:
        """Ask about some people, in one call where the model does not fail on any.

        Parameters
        ----------
        columns : sequence of mappings of str to Column
            Their features, in parts that are put together.
        heard : Heard
            Is told what came back besides.

        Returns
        -------
        values : ndarray, shape (n,)
        missing : ndarray of int32, shape (n,), or None
            The status of each, as in ``heard.codes``; 0 where it was answered.
        """
        people = sum(len(next(iter(c.values()))) for c in columns)
        heard.questions += people
        return self._put(partial(self._frame, columns, people), people, heard)

    def _frame(self, columns: Sequence[Mapping[str, Column]], people: int) -> Any:
        if self.handed == "numpy":
            return matrix(columns, people, self.model.precision)
        merged = {name: concat([c[name] for c in columns]) for name in self.features}
        return to_frame(merged, self.handed, self.like)

    def _put(self, make: Callable[[], Any], people: int, heard: Heard) -> tuple[Values, Missing]:
        """Put questions; where the model raises, find those that it raises on, by halves."""
        try:
            said = self.put(make())
        except ParibusError:
            raise
        except (Exception, SystemExit) as error:
            # Made anew: the model may have written into its frame before it raised.
            questions = make()
            if not self.answered:
                self._refuses_everything(questions, people, error)
            if people == 1:
                return np.zeros(1, self.value_type), np.full(1, heard.code(error), np.int32)
            # Where failures are many, halves of a few people fail too: one by one is cheaper.
            half = people // 2 if people > _FEW else 1
            parts = [
                self._put(partial(_slice, questions, 0, half), half, heard),
                self._put(partial(_slice, questions, half, people), people - half, heard),
            ]
            return _joined(parts)
        values, missing, unfavorable = read(self.outcome, said, people)
        self.answered = True
        heard.unfavorable |= unfavorable
        return values, missing

    @property
    def value_type(self) -> type[np.generic]:
        """What numbers answers are kept as."""
        if self.outcome.measures:
            return np.float64
        return np.int8 if self.outcome.kind == "decision" else np.int16

    def _refuses_everything(self, questions: Any, people: int, error: BaseException) -> None:
        """Raise where the model has never answered and raises on single people too."""
        for at in {0, people // 3, 2 * people // 3, people - 1}:
            try:
                self.put(_slice(questions, at, at + 1))
            except (Exception, SystemExit):  # noqa: S112 - the first error is the one to tell
                continue
            self.answered = True
            return
        wanted = ", ".join(self.features[:8]) + (" ..." if len(self.features) > 8 else "")
        raise ModelError(
            f"the model refuses every question ({reason(error)}); it was handed a {self.handed} "
            f"frame with the columns {wanted}",
            path="$.model",
        ) from error


def _slice(questions: Any, start: int, stop: int) -> Any:
    """Give some rows of a frame or matrix as a copy, which a model may write into."""
    if hasattr(questions, "iloc"):
        return questions.iloc[start:stop].copy()
    if hasattr(questions, "slice"):
        return questions.slice(start, stop - start)
    return questions[start:stop].copy()


def _joined(parts: Sequence[tuple[Values, Missing]]) -> tuple[Values, Missing]:
    values = np.concatenate([v for v, _ in parts])
    if all(m is None for _, m in parts):
        return values, None
    gone = [np.zeros(len(v), np.int32) if m is None else m for v, m in parts]
    return values, np.concatenate(gone)


# --- what belongs together ------------------------------------------------------------------------


def either(one: Missing, other: Missing) -> Missing:
    """Say why an answer is missing that was asked for twice: it is, where one of the two is."""
    return one if other is None else other if one is None else np.where(one != 0, one, other)


def statuses_of(missing: Sequence[Missing]) -> tuple[npt.NDArray[np.int8] | None, ...]:
    """Say of each answer whether it was refused or failed, whatever the reason."""
    return tuple(
        None if gone is None else np.minimum(gone, FAILED).astype(np.int8) for gone in missing
    )


def reasons_of(missing: Sequence[Missing], codes: Mapping[str, int]) -> dict[str, int]:
    """Count the reasons of all versions that are missing, whoever was asked in their place."""
    counts: Counter[int] = Counter()
    for gone in missing:
        if gone is not None:
            counts.update(dict(zip(*np.unique(gone, return_counts=True), strict=True)))
    # In the order of the alphabet: which block came upon a reason first is a matter of timing.
    return {text: int(counts[code]) for text, code in sorted(codes.items()) if counts[code]}


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Deal segments of these lengths to calls, in order."""
    out: list[list[int]] = []
    room = 0
    for i, length in enumerate(lengths):
        if not out or length > room:
            out.append([])
            room = _MOST
        out[-1].append(i)
        room -= length
    return out


def gathered(
    first: npt.NDArray[Any],
    said: Mapping[int, tuple[Selection, Values, Missing]],
    people: int,
) -> tuple[Values, Missing]:
    """Collect a version's answers from the versions that were asked in its place."""
    if first.ndim == 0:
        _, values, missing = _spread(said[int(first)], people)
        return values, missing
    roots = [(int(r), *_spread(said[int(r)], people)[1:]) for r in np.unique(first)]
    out = np.empty(people, roots[0][1].dtype)
    gone = np.zeros(people, np.int32)
    for root, values, missing in roots:
        here = first == root
        out[here] = values[here]
        if missing is not None:
            gone[here] = missing[here]
    return out, gone if gone.any() else None


def _spread(said: tuple[Selection, Values, Missing], people: int) -> tuple[None, Values, Missing]:
    chosen, values, missing = said
    if chosen is None:
        return None, values, missing
    full = np.zeros(people, values.dtype)
    full[chosen] = values
    if missing is None:
        return None, full, None
    gone = np.zeros(people, np.int32)
    gone[chosen] = missing
    return None, full, gone
