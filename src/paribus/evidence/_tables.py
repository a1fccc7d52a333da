"""Labels and decisions of groups, each favorable or not, as one table; and its rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from paribus.evidence._rated import Rated
from paribus.observed import Groups, Observed
from paribus.stats import confusion

Floats = npt.NDArray[np.float64]
Measure = Literal["count", "weight", "square"]
_MEASURES: tuple[Measure, ...] = ("count", "weight", "square")

NAMES = {
    "base rate": "base rate",
    "selection rate": "selection rate",
    "TPR": "true positive rate",
    "FPR": "false positive rate",
    "TNR": "true negative rate",
    "FNR": "false negative rate",
    "PPV": "positive predictive value",
    "NPV": "negative predictive value",
    "FDR": "false discovery rate",
    "FOR": "false omission rate",
    "accuracy": "accuracy",
    "error rate": "error rate",
}
"""The rates of a table of labels and decisions, and what they are called."""


def of_classes(observed: Observed) -> bool:
    """Tell whether every class is looked at for itself, as none is better than another."""
    return observed.roles.outcome == "label" and observed.roles.favorable is None


class Table:
    """Counts, weights and squared weights of groups x label x decision, favorable ones last."""

    def __init__(
        self, full: dict[str, Floats], part: dict[str, Floats], *, decided: bool, labeled: bool
    ) -> None:
        self.full = full
        """Rows with a label and a decision, shape (G, 2, 2)."""
        self.part = part
        """Rows with a decision, or with a label where there are no decisions, shape (G, 2)."""
        self.decided = decided
        self.labeled = labeled

    @classmethod
    def of(cls, observed: Observed, groups: Groups) -> Table:
        """Count people by what is favorable to them."""
        decided = observed.decision is not None
        labeled = observed.roles.label is not None and observed.roles.prediction is None
        full: dict[Measure, Floats] = {}
        part: dict[Measure, Floats] = {}
        axis, what = (1, "decision") if decided else (2, "label")
        known = groups.decisions if decided else groups.labels
        good = observed.favorable(known, what)
        bad = tuple(i for i, v in enumerate(known) if v is not None and i not in good)
        for measure in _measures(groups):
            if decided and labeled:
                full[measure] = observed.binary(groups, measure)
            margin = np.asarray(getattr(groups, measure), np.float64).sum(axis=axis)
            sides = [margin[:, list(side)].sum(axis=1) for side in (bad, good)]
            part[measure] = np.stack(sides, axis=1)
        return cls(_all(full), _all(part), decided=decided, labeled=labeled)

    @classmethod
    def of_class(
        cls,
        groups: Groups,
        good: Mapping[str, tuple[int, ...]],
        *,
        decided: bool,
        labeled: bool,
    ) -> Table:
        """Count people as if one class, and no other, were favorable.

        Parameters
        ----------
        groups : Groups
        good : mapping
            ``label`` and ``decision``: positions of the class among the values of each.
        decided, labeled : bool
            Whether there are decisions; whether there are labels beside them.
        """
        full: dict[Measure, Floats] = {}
        part: dict[Measure, Floats] = {}
        sides = {}
        for what, known in (("label", groups.labels), ("decision", groups.decisions)):
            rest = [i for i, v in enumerate(known) if v is not None and i not in good[what]]
            sides[what] = (rest, list(good[what]))
        for measure in _measures(groups):
            cells = np.asarray(getattr(groups, measure), np.float64)
            if decided and labeled:
                full[measure] = np.zeros((len(groups.names), 2, 2))
                for y, d in product(range(2), range(2)):
                    chosen = cells[:, sides["label"][y]][:, :, sides["decision"][d]]
                    full[measure][:, y, d] = chosen.sum(axis=(1, 2))
            axis, what = (1, "decision") if decided else (2, "label")
            margin = cells.sum(axis=axis)
            part[measure] = np.stack([margin[:, side].sum(axis=1) for side in sides[what]], axis=1)
        return cls(_all(full), _all(part), decided=decided, labeled=labeled)

    @property
    def names(self) -> tuple[str, ...]:
        """The rates that this table has."""
        if not self.decided:
            return ("base rate",)
        return tuple(confusion.RATES) if self.labeled else ("selection rate",)

    def counted(self, name: str, what: str) -> tuple[Floats, Floats]:
        """Give events and trials of a rate, as counts, weights or squared weights."""
        if not self.full or name == "selection rate":
            part = self.part[what]
            return part[:, 1], part.sum(axis=1)
        events, trials = confusion.counted(self.full[what], name)
        return events, trials

    def rated(self, name: str) -> Rated:
        """Give a rate of each group."""
        events, trials = self.counted(name, "weight")
        if self._unweighted:
            return Rated(events, trials, trials.astype(np.int64))
        return Rated.of(
            events, trials, self.counted(name, "square")[1], self.counted(name, "count")[1]
        )

    @cached_property
    def _unweighted(self) -> bool:
        return all(
            np.array_equal(cells["count"], cells[measure])
            for cells in (self.full, self.part)
            for measure in cells
        )


def _measures(groups: Groups) -> tuple[Measure, ...]:
    """Name what there is to add up: without weights all three are the same."""
    count = groups.count
    if np.array_equal(groups.weight, count) and np.array_equal(groups.square, count):
        return ("count",)
    return _MEASURES


def _all(found: dict[Measure, Floats]) -> dict[str, Floats]:
    return {what: found.get(what, found["count"]) for what in _MEASURES} if found else {}


def overall(
    groups: Groups, classes: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]
) -> tuple[Rated, Floats]:
    """Give how often the decision is the label, and of how many people this is known."""
    known = [
        [i for i, v in enumerate(values) if v is not None]
        for values in (groups.labels, groups.decisions)
    ]

    def summed(cells: npt.NDArray[Any]) -> tuple[Floats, Floats]:
        cells = np.asarray(cells, np.float64)
        hits = np.zeros(len(cells))
        for label, decision in classes:
            for y, d in product(label, decision):
                hits += cells[:, y, d]
        return hits, cells[:, known[0]][:, :, known[1]].sum(axis=(1, 2))

    events, trials = summed(groups.weight)
    rated = Rated.of(events, trials, summed(groups.square)[1], summed(groups.count)[1])
    return rated, trials
