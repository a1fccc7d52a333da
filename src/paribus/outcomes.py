"""What an answer means, and pairs of answers counted.

Counts merge, so memory does not grow with the number of people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from paribus.stats.moments import Moments
from paribus.table import Scalar

EXAMPLES = 5
"""Pairs kept as examples of each direction of each contrast."""

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


Example = tuple[int, float, float]
"""Number of a person, the value of the reference twin and of the group twin."""


_LARGEST_SQUARE = 1e140

Side = tuple[npt.NDArray[Any], npt.NDArray[np.int8] | None]
"""The values of one version of n people, and what is missing: None where all answered."""


@dataclass(frozen=True, eq=False)
class Shares:
    """The pairs of one contrast by how likely their people are, where not all are equally so."""

    mass: npt.NDArray[np.float64]
    """Shape (3, 3), as the cells of a `Tally`; sums to 1 over all people of the domain."""
    changed: float
    """Of answered pairs whose values differ at all."""
    gap: float
    """Sum of the gaps of answered pairs, each by its likelihood."""
    size: float
    """Sum of the same gaps without their signs."""

    def merge(self, other: Shares) -> Shares:
        """Add the pairs of other people."""
        return Shares(
            self.mass + other.mass,
            self.changed + other.changed,
            self.gap + other.gap,
            self.size + other.size,
        )


@dataclass(frozen=True)
class Repeated:
    """The pairs of one contrast of which both twins were asked twice, for themselves.

    What an answer is worth is one number y: 1 for a favorable decision and 0 for another, or the
    amount itself. With first and second answers a1, a2 of the reference twin and b1, b2 of the
    group twin, chance moves each of them for itself.
    """

    people: int
    """Pairs with all four answers."""
    gap: Moments
    """``((b1 + b2) - (a1 + a2)) / 2``."""
    squared: Moments
    """``((a1 - b1) (a2 - b2) + (a1 - b2) (a2 - b1)) / 2``, whose mean is that of the squared
    difference of the two twins' expected answers: noise adds nothing to it. Of labels without
    favorable ones, half the sum of this over the labels."""
    changed_again: int
    """Pairs whose reference twin was answered otherwise the second time."""

    def merge(self, other: Repeated) -> Repeated:
        """Add the pairs of other people."""
        return Repeated(
            self.people + other.people,
            self.gap.merge(other.gap),
            self.squared.merge(other.squared),
            self.changed_again + other.changed_again,
        )


def repeated(outcome: Outcome, reference: tuple[Side, Side], group: tuple[Side, Side]) -> Repeated:
    """Compare twins who were asked twice.

    Parameters
    ----------
    outcome : Outcome
    reference, group : tuple of two (values, missing)
        The first and the second answers of n people.
    """
    sides = (*reference, *group)
    told = _answered(len(sides[0][0]), *(missing for _, missing in sides))
    each = [values if told is None else values[told] for values, _ in sides]
    changed_again = int(np.count_nonzero(each[0] != each[1]))
    if outcome.kind == "label" and not outcome.decides:
        a1, a2, b1, b2 = each
        gap = np.zeros(len(a1))
        squared = ((a1 == a2) + 0.0 + (b1 == b2)) / 2 - (
            (a1 == b2) + 0.0 + (b1 == a2) + (a1 == b1) + (a2 == b2)
        ) / 4
    else:
        a1, a2, b1, b2 = (
            np.asarray(values if outcome.measures else outcome.favors(values), dtype=np.float64)
            for values in each
        )
        gap = ((b1 + b2) - (a1 + a2)) / 2
        squared = ((a1 - b1) * (a2 - b2) + (a1 - b2) * (a2 - b1)) / 2
        # Its own squares are summed up: of amounts beyond 1e70 they would overflow.
        squared = np.clip(squared, -_LARGEST_SQUARE, _LARGEST_SQUARE)
    return Repeated(len(a1), Moments.of(gap), Moments.of(squared), changed_again)


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
    shares: Shares | None = None
    """The same by likelihood, in an exhaustive audit whose people are not all equally likely."""
    repeated: Repeated | None = None
    """What a second asking adds, for a model that does not repeat itself."""

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
            None if not (self.shares and other.shares) else self.shares.merge(other.shares),
            None if not (self.repeated and other.repeated) else self.repeated.merge(other.repeated),
        )


def _examples(examples: tuple[Example, ...], *, widest: bool) -> tuple[Example, ...]:
    if widest:
        examples = tuple(sorted(examples, key=lambda e: (-abs(e[2] - e[1]), e[0])))
    return examples[:EXAMPLES]


def tally(
    outcome: Outcome,
    start: int,
    reference: Side,
    group: Side,
    weights: npt.NDArray[np.float64] | None = None,
) -> Tally:
    """Count the pairs of one contrast in one block.

    Parameters
    ----------
    outcome : Outcome
    start : int
        Number of the block's first person.
    reference, group : tuple of (values, missing)
        As in `BlockAnswers`, each of shape (n,).
    weights : ndarray of float64, shape (n,), optional
        How likely each person is; all equally likely where left out.
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
    shown = [
        tuple((start + int(numbers[i]), float(r[i]), float(g[i])) for i in found)
        for found in (against, in_favor)
    ]
    shares = None if weights is None else _shares(outcome, reference, group, weights)
    return Tally(cells, changed, gaps, sizes, shown[0], shown[1], shares)


def _shares(
    outcome: Outcome, reference: Side, group: Side, weights: npt.NDArray[np.float64]
) -> Shares:
    sides = _sides(outcome, reference, group)
    mass = np.bincount(3 * sides[0] + sides[1], weights, minlength=9).astype(np.float64)
    told = (sides[0] != MISSING) & (sides[1] != MISSING)
    r, g, likely = reference[0][told], group[0][told], weights[told]
    gap = (g - r).astype(np.float64) if outcome.measures else np.zeros(len(r))
    changed = float(likely[r != g].sum())
    return Shares(mass.reshape(3, 3), changed, float(likely @ gap), float(likely @ np.abs(gap)))


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


def _missing_cells(outcome: Outcome, reference: Side, group: Side) -> npt.NDArray[np.int64]:
    """Count the pairs in which at least one answer is missing."""
    sides = _sides(outcome, reference, group)
    counts = np.bincount(3 * sides[0] + sides[1], minlength=9).reshape(3, 3)
    counts[:2, :2] = 0
    return counts.astype(np.int64)


def _sides(outcome: Outcome, reference: Side, group: Side) -> list[npt.NDArray[np.intp]]:
    """Say for the group twin and for the reference twin which of the three cells is theirs."""
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
    return sides
