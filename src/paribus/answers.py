"""What the model said: values, refusals and failures, counted pair by pair, and partly kept.

Every pair is counted; the counts merge, so memory does not grow with the number of people. The
answers of the first people are also kept one by one, for tests that need more than counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus._seeds import BLOCK
from paribus.outcomes import Outcome, Side, Tally, repeated, tally
from paribus.stats.moments import Moments
from paribus.table import (
    Coded,
    Column,
    FrameKind,
    Plain,
    Scalar,
    concat,
    pool_of,
    python_values,
    to_frame,
)
from paribus.twins import Contrast, Twins, Version

KEPT = 1 << 20
"""People whose answers are kept one by one. Counts cover everybody."""

Floats = npt.NDArray[np.float64]

_REASONS = 20
"""Reasons that a record lists one by one."""

_TOLD_APART = 1_000
"""Reasons that are counted one by one; messages that name their row would fill the memory."""

_OTHERS = "other reasons"


@dataclass(frozen=True, eq=False)
class BlockAnswers:
    """The answers for a run of people: for each version, one value each, and what is missing."""

    start: int
    values: tuple[npt.NDArray[Any], ...]
    missing: tuple[npt.NDArray[np.int8] | None, ...]
    """0 answered, 1 refused, 2 failed; None where all answered."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Why answers are missing; where people were asked twice, why one of the two is."""
    unfavorable: frozenset[Scalar] = frozenset()
    """Labels of decisions that are not the favorable one."""
    questions: int = 0
    """Distinct questions that were put to the model."""
    again: BlockAnswers | None = None
    """The answers of the same people asked a second time, where a model does not repeat itself."""
    weights: npt.NDArray[np.float64] | None = None
    """How likely each person is, shape (n,); None where all are equally likely."""

    def __len__(self) -> int:
        return len(self.values[0])

    def side(self, place: int) -> Side:
        """Give the answers of one version."""
        return self.values[place], self.missing[place]

    def first(self, people: int) -> BlockAnswers:
        """Give the answers of the first people of the run; what was heard besides is left out."""
        return BlockAnswers(
            self.start,
            tuple(values[:people] for values in self.values),
            tuple(None if gone is None else gone[:people] for gone in self.missing),
            again=None if self.again is None else self.again.first(people),
            weights=None if self.weights is None else self.weights[:people],
        )

    def gaps(
        self, outcome: Outcome, reference: int, group: int
    ) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
        """Give how each pair is decided: 1 for the group alone, -1 for the reference alone, else 0.

        Returns
        -------
        low, high : ndarray of int8, shape (n,)
            The same where both answered; where an answer is missing, the least and the most that
            it can be.
        """
        ends = []
        for place in (group, reference):
            values, missing = self.side(place)
            told = np.ones(len(values), bool) if missing is None else missing == 0
            favored = outcome.favors(np.where(told, values, values.dtype.type(0))).astype(np.int8)
            ends.append((np.where(told, favored, 0), np.where(told, favored, 1)))
        (g_low, g_high), (r_low, r_high) = ends
        return (g_low - r_high).astype(np.int8), (g_high - r_low).astype(np.int8)


class Tallying:
    """Takes the answers of one run of people after the other, in order, and sums them up."""

    def __init__(self, twins: Twins, outcome: Outcome) -> None:
        self.twins = twins
        self.outcome = outcome
        self._tallies: dict[Contrast, Tally] = {}
        self._levels = [Moments.empty() for _ in twins.versions]
        self._masses = np.zeros((2, len(twins.versions)))
        self._mass = 0.0
        self._statuses = np.zeros(3, dtype=np.int64)
        self._reasons: Counter[str] = Counter()
        self._unfavorable: frozenset[Scalar] = frozenset()
        self._kept: list[BlockAnswers] = []
        self._questions = 0
        self._people = 0
        self.twice = False
        """Whether people were asked twice."""

    def add(self, block: BlockAnswers) -> None:
        """Count one run of people."""
        widest = not self.outcome.decides
        for contrast in self.twins.contrasts:
            sides = [self.twins.place(v) for v in (contrast.reference, contrast.group)]
            reference, group = (block.side(i) for i in sides)
            here = tally(self.outcome, block.start, reference, group, block.weights)
            if block.again is not None:
                second = [block.again.side(i) for i in sides]
                twice = repeated(self.outcome, (reference, second[0]), (group, second[1]))
                here = replace(here, repeated=twice)
            so_far = self._tallies.get(contrast)
            merged = here if so_far is None else so_far.merge(here, widest=widest)
            self._tallies[contrast] = merged
        for i, (values, missing) in enumerate(zip(block.values, block.missing, strict=True)):
            gone = missing
            unsaid = None if block.again is None else block.again.missing[i]
            if unsaid is not None:
                gone = unsaid if missing is None else np.where(missing != 0, missing, unsaid)
            counts = np.bincount(gone, minlength=3) if gone is not None else [len(values), 0, 0]
            self._statuses += np.asarray(counts, dtype=np.int64)
            if self.outcome.measures:
                told = slice(None) if missing is None else missing == 0
                said = values[told]
                self._levels[i] = self._levels[i].merge(Moments.of(said))
                if block.weights is not None:
                    likely = block.weights[told]
                    self._masses[:, i] += (likely @ said, likely.sum())
        for reason, count in block.reasons.items():
            known = reason in self._reasons or len(self._reasons) < _TOLD_APART
            self._reasons[reason if known else _OTHERS] += count
        self._unfavorable |= block.unfavorable
        self._questions += block.questions
        self._people += len(block)
        self._mass += 0.0 if block.weights is None else float(block.weights.sum())
        self.twice |= block.again is not None
        if block.start < KEPT:
            self._kept.append(block)

    @property
    def unfavorable(self) -> frozenset[Scalar]:
        """Labels that were taken for unfavorable decisions so far."""
        return self._unfavorable

    @property
    def each_asked(self) -> bool:
        """Whether each person and each version was asked about for itself."""
        each = self._people * len(self.twins.versions)
        return self._questions == (2 * each if self.twice else each)

    def first_block(self) -> BlockAnswers:
        """Give the answers of the first block of people."""
        return _whole([run for run in self._kept if run.start < BLOCK])[0]

    def answers(self, **facts: Any) -> Answers:
        """Give the sum."""
        outcome = self.outcome
        if outcome.kind == "decision" and not outcome.labels and len(self._unfavorable) == 1:
            labels = (*outcome.favorable, *self._unfavorable)
            outcome = Outcome("decision", outcome.favorable, labels)
        return Answers(
            twins=self.twins,
            outcome=outcome,
            tallies=dict(self._tallies),
            moments=dict(zip(self.twins.versions, self._levels, strict=True)),
            weighed=dict(zip(self.twins.versions, self._weighed(), strict=True)),
            statuses=(int(self._statuses[0]), int(self._statuses[1]), int(self._statuses[2])),
            reasons=_most_frequent(self._reasons),
            questions=self._questions,
            blocks=_whole(self._kept),
            **facts,
        )

    def _weighed(self) -> list[tuple[float, float]]:
        if not self._mass:
            return [(m.mean, m.count / max(1, self._people)) for m in self._levels]
        sums, masses = self._masses
        return [
            (float(total / mass) if mass else 0.0, float(mass / self._mass))
            for total, mass in zip(sums, masses, strict=True)
        ]


def _whole(runs: Sequence[BlockAnswers]) -> tuple[BlockAnswers, ...]:
    """Join the runs of people that belong to the same block."""
    blocks: dict[int, list[BlockAnswers]] = {}
    for run in runs:
        blocks.setdefault(run.start // BLOCK, []).append(run)
    return tuple(parts[0] if len(parts) == 1 else _joined(parts) for parts in blocks.values())


def _joined(runs: Sequence[BlockAnswers]) -> BlockAnswers:
    places = range(len(runs[0].values))
    missing = []
    for i in places:
        gone = [run.missing[i] for run in runs]
        told = [
            np.zeros(len(run), np.int8) if m is None else m
            for run, m in zip(runs, gone, strict=True)
        ]
        missing.append(None if all(m is None for m in gone) else np.concatenate(told))
    reasons: Counter[str] = Counter()
    for run in runs:
        reasons.update(run.reasons)
    second = [run.again for run in runs if run.again is not None]
    weights = [run.weights for run in runs if run.weights is not None]
    return BlockAnswers(
        start=runs[0].start,
        values=tuple(np.concatenate([run.values[i] for run in runs]) for i in places),
        missing=tuple(missing),
        reasons=dict(reasons),
        unfavorable=frozenset().union(*(run.unfavorable for run in runs)),
        questions=sum(run.questions for run in runs),
        again=_joined(second) if second else None,
        weights=np.concatenate(weights) if weights else None,
    )


def _most_frequent(reasons: Counter[str]) -> dict[str, int]:
    """Give the most frequent reasons in order, and all others together."""
    named = [item for item in reasons.items() if item[0] != _OTHERS]
    ordered = sorted(named, key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ordered[_REASONS:]) + reasons[_OTHERS]
    return dict(ordered[:_REASONS]) | ({_OTHERS: rest} if rest else {})


@dataclass(frozen=True, eq=False)
class Answers:
    """All answers of an audit: every pair counted, those of the first people kept."""

    twins: Twins
    outcome: Outcome
    tallies: dict[Contrast, Tally]
    moments: dict[Version, Moments]
    """Mean and spread of the answers of each version, of outcomes that measure."""
    weighed: dict[Version, tuple[float, float]]
    """Mean answer of each version, and how likely there is one, of outcomes that measure: by
    likelihood where not all people are equally likely."""
    statuses: tuple[int, int, int]
    """Answered, refused and failed versions of people; where people were asked twice, a version is
    answered if both times it was."""
    reasons: dict[str, int]
    questions: int
    blocks: tuple[BlockAnswers, ...]
    seen: tuple[str, ...] = ()
    """The columns that the model sees."""
    repeatable: bool | None = None
    """Whether a sample of people, asked twice, was answered the same way twice."""
    exhaustive: bool = False
    """Whether the people are everybody in the declared domain."""
    frame: FrameKind = "pandas"
    """Kind of data frame that the caller works with."""

    @property
    def kept(self) -> int:
        """People whose answers are kept one by one: the first ones."""
        return sum(len(block) for block in self.blocks)

    @property
    def people(self) -> int:
        """People who were asked about: all of them, but for an audit that stopped early."""
        return next(iter(self.tallies.values())).people

    @property
    def weights(self) -> npt.NDArray[np.float64] | None:
        """How likely each kept person is, shape (kept,); None where all are equally likely."""
        given = [block.weights for block in self.blocks]
        known = [weights for weights in given if weights is not None]
        return np.concatenate(known) if len(known) == len(given) else None

    def gaps(self, contrast: Contrast) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
        """Give how each kept pair is decided, at least and at most (see `BlockAnswers.gaps`)."""
        sides = [self.twins.place(v) for v in (contrast.reference, contrast.group)]
        parts = [block.gaps(self.outcome, sides[0], sides[1]) for block in self.blocks]
        return np.concatenate([low for low, _ in parts]), np.concatenate(
            [high for _, high in parts]
        )

    @property
    def bounds(self) -> tuple[float, float]:
        """The range of the answers: known beforehand, or the smallest and largest that was seen."""
        if self.outcome.bounds is not None:
            return self.outcome.bounds
        said = [m for m in self.moments.values() if m.count]
        return (min((m.low for m in said), default=0.0), max((m.high for m in said), default=0.0))

    def values(self, version: Version) -> npt.NDArray[Any]:
        """Give the kept values of a version, shape (kept,); what is missing is 0."""
        place = self.twins.place(version)
        parts = []
        for block in self.blocks:
            values, missing = block.values[place], block.missing[place]
            parts.append(values if missing is None else np.where(missing == 0, values, 0))
        return np.concatenate(parts)

    def answered(self, version: Version) -> npt.NDArray[np.bool_]:
        """Tell which of the kept people have an answer in a version, shape (kept,)."""
        place = self.twins.place(version)
        parts = [
            np.ones(len(b.values[place]), bool)
            if b.missing[place] is None
            else b.missing[place] == 0
            for b in self.blocks
        ]
        return np.concatenate(parts)

    def columns(self, names: Sequence[str], version: Version | None = None) -> dict[str, Column]:
        """Draw columns of the kept people again, as they are or as a version of them."""
        parts = list(self.runs(names, version or Version()))
        return {name: concat([part[name] for part in parts]) for name in names}

    def runs(self, names: Sequence[str], version: Version) -> Iterator[dict[str, Column]]:
        """Draw columns of the kept people again, one block after the other."""
        for block in self.blocks:
            yield self.twins.block(block.start // BLOCK, len(block)).columns(version, names)

    def effects(self, contrast: Contrast) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Give what the change does to each kept person, and of whom that is known.

        Returns
        -------
        gaps : ndarray of float64, shape (kept,)
            Group minus reference: of favorable decisions, else of amounts, else 1 for another
            label. The mean of two where people were asked twice.
        told : ndarray of bool, shape (kept,)
        """
        favors = self.outcome.favors
        if self.outcome.decides:
            return self._compared(contrast, lambda r, g: favors(g).astype(np.float64) - favors(r))
        if self.outcome.measures:
            return self._compared(contrast, np.subtract, swap=True)
        return self._compared(contrast, np.not_equal)

    def amounts(self, contrast: Contrast) -> Floats:
        """Give the gap of the answers of each kept person, 0 where one is missing."""
        return self._compared(contrast, np.subtract, swap=True)[0]

    def changes(self, contrast: Contrast) -> npt.NDArray[np.bool_]:
        """Tell whose two answers differ, of the kept people."""
        return self._compared(contrast, np.not_equal)[0] > 0

    def _compared(
        self,
        contrast: Contrast,
        compare: Callable[[npt.NDArray[Any], npt.NDArray[Any]], npt.NDArray[Any]],
        *,
        swap: bool = False,
    ) -> tuple[Floats, npt.NDArray[np.bool_]]:
        places = [self.twins.place(v) for v in (contrast.reference, contrast.group)]
        gaps, told = [], []
        for block in self.blocks:
            each = []
            for said in (block, *([block.again] if block.again is not None else [])):
                sides = [said.side(place) for place in places]
                known = np.ones(len(block), bool)
                for _, missing in sides:
                    if missing is not None:
                        known &= missing == 0
                r, g = (np.where(known, v, v.dtype.type(0)) for v, _ in sides)
                gap = np.asarray(compare(g, r) if swap else compare(r, g), dtype=np.float64)
                each.append((np.where(known, gap, 0.0), known))
            gaps.append(sum(gap for gap, _ in each) / len(each))
            told.append(np.logical_and.reduce([known for _, known in each]))
        return np.concatenate(gaps), np.concatenate(told)

    def persons(
        self, wanted: Sequence[tuple[int, Version]]
    ) -> dict[tuple[int, Version], dict[str, Any]]:
        """Draw single people again, each as a version of them: column -> value."""
        last: dict[int, int] = {}
        for number, _ in wanted:
            block, offset = divmod(number, BLOCK)
            last[block] = max(offset, last.get(block, 0))
        blocks = {block: self.twins.block(block, offset + 1) for block, offset in last.items()}
        out = {}
        for number, version in dict.fromkeys(wanted):
            block, offset = divmod(number, BLOCK)
            names = self.twins.people.names_in(version.moves)
            drawn = blocks[block].columns(version, names)
            at = np.array([offset])
            out[number, version] = {
                name: python_values(column.take(at))[0] for name, column in drawn.items()
            }
        return out

    def pairs(self, kind: str | None = None) -> Any:
        """Give one row per kept person and contrast, with both answers (see `Record.pairs`)."""
        from_kind: FrameKind = self.frame if self.frame != "numpy" else "pandas"
        columns = _stacked([self._pairs_of(contrast) for contrast in self.tallies])
        return to_frame(columns, kind or from_kind)  # type: ignore[arg-type]

    def _pairs_of(self, contrast: Contrast) -> dict[str, Column]:
        r, g = self.values(contrast.reference), self.values(contrast.group)
        n = len(r)
        told = self.answered(contrast.reference), self.answered(contrast.group)
        out: dict[str, Column] = {"person": Plain(np.arange(n))}
        for name in ("attribute", "reference", "group"):
            text = getattr(contrast, name if name == "attribute" else f"{name}_name")
            out[name] = Coded.constant(0, pool_of([text]), n)
        for name, values, answered in (("reference", r, told[0]), ("group", g, told[1])):
            out[f"{name}_answer"] = self._said(values, answered)
        both = told[0] & told[1]
        if self.outcome.measures:
            out["gap"] = Plain(np.where(both, g - r, np.nan))
        if self.outcome.decides:
            out["flip"] = Plain((self.outcome.favors(r) != self.outcome.favors(g)) & both)
        elif not self.outcome.measures:
            out["flip"] = Plain((r != g) & both)
        known = self.twins.people.names_in(contrast.reference.moves)
        drawn = self.columns(known, contrast.reference)
        taken = {"person", "attribute", "reference", "group", "gap", "flip"}
        taken |= {"reference_answer", "group_answer"}
        return out | {f"data.{n}" if n in taken else n: column for n, column in drawn.items()}

    def _said(self, values: npt.NDArray[Any], answered: npt.NDArray[np.bool_]) -> Column:
        if self.outcome.measures:
            return Plain(np.where(answered, values, np.nan))
        labels = self.outcome.labels or (True, False)
        codes = np.where(values == 1, 0, 1) if self.outcome.kind == "decision" else values
        known = [str(label) for label in labels] if not answered.all() else list(labels)
        pool = pool_of([*known, "no answer"] if not answered.all() else known)
        return Coded.of(np.where(answered, codes, len(labels)).astype(np.int32), pool)


def _stacked(parts: Sequence[dict[str, Column]]) -> dict[str, Column]:
    # A column that only some contrasts know has no place in one table.
    names = [name for name in parts[0] if all(name in part for part in parts)]
    return {name: concat([part[name] for part in parts]) for name in names}
