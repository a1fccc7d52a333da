"""What the model said: values, refusals and failures, counted pair by pair, and partly kept.

Every pair is counted; the counts merge, so memory does not grow with the number of people. The
answers of the first people are also kept one by one, for tests that need more than counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from paribus._seeds import BLOCK
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

EXAMPLES = 5
"""Pairs kept as examples of each direction of each contrast."""

_REASONS = 20
"""Reasons that a record lists one by one."""

FAVORABLE, UNFAVORABLE, MISSING = 0, 1, 2
REFUSED, FAILED = 1, 2

OutcomeKind = Literal["decision", "score", "number", "label"]


@dataclass(frozen=True)
class Outcome:
    """What an answer means.

    Values of a decision are 1 (favorable) and 0; values of a label are its number among `labels`;
    scores and numbers are themselves.
    """

    kind: OutcomeKind
    favorable: tuple[Scalar, ...] = ()
    labels: tuple[Scalar, ...] = ()
    threshold: float | None = None
    prefer: Literal["high", "low"] = "high"
    bounds: tuple[float, float] | None = None
    """The range that an answer cannot leave: probabilities lie in [0, 1]."""

    @property
    def decides(self) -> bool:
        """Whether an answer is favorable or not, beside being a value."""
        return self.kind == "decision" or bool(self.favorable) or self.threshold is not None

    @property
    def measures(self) -> bool:
        """Whether answers are amounts whose gaps have a size."""
        return self.kind in {"score", "number"}

    def favors(self, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Tell which values are favorable; only where the outcome decides."""
        if self.kind == "decision":
            return np.asarray(values == 1)
        if self.kind == "label":
            good = np.array([label in self.favorable for label in self.labels], dtype=bool)
            return np.asarray(good[values])
        assert self.threshold is not None
        high = self.prefer == "high"
        return np.asarray(values >= self.threshold if high else values <= self.threshold)

    def shown(self, value: float) -> Scalar:
        """Give a value as the model said it."""
        if self.kind == "decision":
            return self.labels[0 if value == 1 else 1] if self.labels else bool(value)
        return self.labels[int(value)] if self.kind == "label" else float(value)


@dataclass(frozen=True, eq=False)
class BlockAnswers:
    """The answers for one block: for each version, one value a person, and what is missing."""

    start: int
    values: tuple[npt.NDArray[Any], ...]
    missing: tuple[npt.NDArray[np.int8] | None, ...]
    """0 answered, 1 refused, 2 failed; None where all answered."""
    reasons: dict[str, int] = field(default_factory=dict)
    unfavorable: frozenset[Scalar] = frozenset()
    """Labels of decisions that are not the favorable one."""
    questions: int = 0
    """Distinct questions that were put to the model."""


Example = tuple[int, float, float]
"""Number of a person, the value of the reference twin and of the group twin."""


@dataclass(frozen=True, eq=False)
class Tally:
    """The pairs of one contrast, counted. Tallies of different people merge."""

    cells: npt.NDArray[np.int64]
    """Shape (3, 3): group twin x reference twin, each favorable, unfavorable or missing."""
    changed: int
    """Answered pairs whose values differ at all."""
    gaps: Moments
    """Group minus reference, over answered pairs; of outcomes that measure."""
    sizes: Moments
    """The same gaps without their signs."""
    against: tuple[Example, ...]
    in_favor: tuple[Example, ...]
    """The first flips in each direction; of outcomes that measure only, the widest gaps."""

    @property
    def people(self) -> int:
        """All pairs."""
        return int(self.cells.sum())

    @property
    def answered(self) -> int:
        """Pairs with both answers."""
        return int(self.cells[:2, :2].sum())

    @property
    def in_favor_count(self) -> int:
        """Pairs in which the group twin alone gets the favorable answer."""
        return int(self.cells[FAVORABLE, UNFAVORABLE])

    @property
    def against_count(self) -> int:
        """Pairs in which the reference twin alone gets the favorable answer."""
        return int(self.cells[UNFAVORABLE, FAVORABLE])

    def merge(self, other: Tally, *, widest: bool) -> Tally:
        """Add the pairs of later people."""
        return Tally(
            self.cells + other.cells,
            self.changed + other.changed,
            self.gaps.merge(other.gaps),
            self.sizes.merge(other.sizes),
            _examples(self.against + other.against, widest=widest),
            _examples(self.in_favor + other.in_favor, widest=widest),
        )


def _examples(examples: tuple[Example, ...], *, widest: bool) -> tuple[Example, ...]:
    if widest:
        examples = tuple(sorted(examples, key=lambda e: (-abs(e[2] - e[1]), e[0])))
    return examples[:EXAMPLES]


def tally(
    outcome: Outcome,
    start: int,
    reference: tuple[npt.NDArray[Any], npt.NDArray[np.int8] | None],
    group: tuple[npt.NDArray[Any], npt.NDArray[np.int8] | None],
) -> Tally:
    """Count the pairs of one contrast in one block.

    Parameters
    ----------
    outcome : Outcome
    start : int
        Number of the block's first person.
    reference, group : tuple of (values, missing)
        As in `BlockAnswers`, each of shape (n,).
    """
    (r, r_missing), (g, g_missing) = reference, group
    answered = _answered(len(r), r_missing, g_missing)
    cells = np.zeros((3, 3), dtype=np.int64)
    numbers = np.arange(len(r)) if answered is None else np.flatnonzero(answered)
    if answered is not None:
        r, g = r[answered], g[answered]
        cells += _missing_cells(outcome, reference, group)
    changed = int(np.count_nonzero(r != g))
    gaps, sizes = Moments.empty(), Moments.empty()
    against, in_favor = np.empty(0, np.intp), np.empty(0, np.intp)
    if outcome.measures:
        gap = g - r
        gaps, sizes = Moments.of(gap), Moments.of(np.abs(gap))
        if not outcome.decides:
            order = np.argsort(gap, kind="stable")
            against, in_favor = order[:EXAMPLES], order[::-1][:EXAMPLES]
            against, in_favor = against[gap[against] < 0], in_favor[gap[in_favor] > 0]
            cells[FAVORABLE, FAVORABLE] += len(r)
    if outcome.decides:
        rf, gf = outcome.favors(r), outcome.favors(g)
        both, r_all, g_all = (int(np.count_nonzero(x)) for x in (rf & gf, rf, gf))
        cells[FAVORABLE, FAVORABLE] += both
        cells[UNFAVORABLE, FAVORABLE] += r_all - both
        cells[FAVORABLE, UNFAVORABLE] += g_all - both
        cells[UNFAVORABLE, UNFAVORABLE] += len(r) - r_all - g_all + both
        against, in_favor = _first(rf > gf), _first(gf > rf)
    elif not outcome.measures:
        cells[FAVORABLE, FAVORABLE] += len(r)
        against = _first(r != g)
    return Tally(
        cells,
        changed,
        gaps,
        sizes,
        *(
            tuple((start + int(numbers[i]), float(r[i]), float(g[i])) for i in found)
            for found in (against, in_favor)
        ),
    )


def _first(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    # argmax stops at the first hit, so a block is not searched to its end for five examples.
    found: list[int] = []
    at = 0
    while len(found) < EXAMPLES and at < len(mask):
        step = int(mask[at:].argmax())
        if not mask[at + step]:
            break
        found.append(at + step)
        at += step + 1
    return np.array(found, dtype=np.intp)


def _answered(length: int, *missing: npt.NDArray[np.int8] | None) -> npt.NDArray[np.bool_] | None:
    given = [m for m in missing if m is not None]
    if not given:
        return None
    answered = np.ones(length, dtype=bool)
    for m in given:
        answered &= m == 0
    return answered


def _missing_cells(
    outcome: Outcome,
    reference: tuple[npt.NDArray[Any], npt.NDArray[np.int8] | None],
    group: tuple[npt.NDArray[Any], npt.NDArray[np.int8] | None],
) -> npt.NDArray[np.int64]:
    """Count the pairs in which at least one answer is missing."""
    sides = []
    for values, missing in (group, reference):
        side = np.zeros(len(values), dtype=np.intp)
        if outcome.decides:
            usable = (
                values if missing is None else np.where(missing == 0, values, values.dtype.type(0))
            )
            side[~outcome.favors(usable)] = UNFAVORABLE
        if missing is not None:
            side[missing != 0] = MISSING
        sides.append(side)
    counts = np.bincount(3 * sides[0] + sides[1], minlength=9).reshape(3, 3)
    counts[:2, :2] = 0
    return counts.astype(np.int64)


class Tallying:
    """Takes the answers of one block after the other, in order, and sums them up."""

    def __init__(self, twins: Twins, outcome: Outcome) -> None:
        self.twins = twins
        self.outcome = outcome
        self._tallies: dict[Contrast, Tally] = {}
        self._levels = [Moments.empty() for _ in twins.versions]
        self._statuses = np.zeros(3, dtype=np.int64)
        self._reasons: Counter[str] = Counter()
        self._unfavorable: frozenset[Scalar] = frozenset()
        self._kept: list[BlockAnswers] = []
        self._questions = 0

    def add(self, block: BlockAnswers) -> None:
        """Count one block."""
        widest = not self.outcome.decides
        for contrast in self.twins.contrasts:
            sides = [self.twins.place(v) for v in (contrast.reference, contrast.group)]
            given = [(block.values[i], block.missing[i]) for i in sides]
            here = tally(self.outcome, block.start, given[0], given[1])
            so_far = self._tallies.get(contrast)
            merged = here if so_far is None else so_far.merge(here, widest=widest)
            self._tallies[contrast] = merged
        for i, (values, missing) in enumerate(zip(block.values, block.missing, strict=True)):
            counts = (
                np.bincount(missing, minlength=3) if missing is not None else [len(values), 0, 0]
            )
            self._statuses += np.asarray(counts, dtype=np.int64)
            if self.outcome.measures:
                said = values if missing is None else values[missing == 0]
                self._levels[i] = self._levels[i].merge(Moments.of(said))
        self._reasons.update(block.reasons)
        self._unfavorable |= block.unfavorable
        self._questions += block.questions
        if block.start < KEPT:
            self._kept.append(block)

    @property
    def unfavorable(self) -> frozenset[Scalar]:
        """Labels that were taken for unfavorable decisions so far."""
        return self._unfavorable

    def first_block(self) -> BlockAnswers:
        """Give the answers of the first block."""
        return self._kept[0]

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
            statuses=(int(self._statuses[0]), int(self._statuses[1]), int(self._statuses[2])),
            reasons=_most_frequent(self._reasons),
            questions=self._questions,
            blocks=tuple(self._kept),
            **facts,
        )


def _most_frequent(reasons: Counter[str]) -> dict[str, int]:
    """Give the most frequent reasons in order, and all others together."""
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ordered[_REASONS:])
    return dict(ordered[:_REASONS]) | ({"other reasons": rest} if rest else {})


@dataclass(frozen=True, eq=False)
class Answers:
    """All answers of an audit: every pair counted, those of the first people kept."""

    twins: Twins
    outcome: Outcome
    tallies: dict[Contrast, Tally]
    moments: dict[Version, Moments]
    """Mean and spread of the answers of each version, of outcomes that measure."""
    statuses: tuple[int, int, int]
    """Answered, refused and failed versions of people."""
    reasons: dict[str, int]
    questions: int
    blocks: tuple[BlockAnswers, ...]
    seen: tuple[str, ...] = ()
    """The columns that the model sees."""
    repeatable: bool | None = None
    """Whether a sample of people, asked twice, was answered the same way twice."""
    frame: FrameKind = "pandas"
    """Kind of data frame that the caller works with."""

    @property
    def kept(self) -> int:
        """People whose answers are kept one by one: the first ones."""
        return sum(len(block.values[0]) for block in self.blocks)

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
        as_asked = version or Version()
        parts = [
            self.twins.block(block.start // BLOCK, len(block.values[0])).columns(as_asked, names)
            for block in self.blocks
        ]
        return {name: concat([part[name] for part in parts]) for name in names}

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
