"""Rates of groups, with the numbers behind them: what checks of a table make rows from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus.evidence.base import Row, Stage
from paribus.observed import Groups
from paribus.stats.all_pairs import largest_p_within, smallest_fisher, smallest_p_beyond
from paribus.stats.disparities import difference_interval
from paribus.stats.disparities import ratio_interval as extremes_interval
from paribus.stats.independent import fisher, newcombe, ratio_interval, wilson
from paribus.stats.multiplicity import holm

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

ALL_PAIRS = 100
"""Groups up to which every pair of them is compared; of more, each with the reference."""


@dataclass(frozen=True, eq=False)
class Rated:
    """One rate of each group."""

    k: Floats
    """Effective number of events, shape (G,): counts where there are no weights."""
    n: Floats
    """Effective number of trials."""
    trials: npt.NDArray[np.int64]
    """Rows that the rate is about."""

    @classmethod
    def of(cls, events: Floats, trials: Floats, squares: Floats, rows: Floats) -> Rated:
        """Give a rate of weighted people.

        Parameters
        ----------
        events, trials : ndarray, shape (G,)
            Sums of weights.
        squares : ndarray, shape (G,)
            Sums of squared weights of the trials.
        rows : ndarray, shape (G,)
            Rows behind the trials.
        """
        n = np.divide(trials**2, squares, out=np.zeros_like(trials), where=squares > 0)
        share = np.divide(events, trials, out=np.zeros_like(trials), where=trials > 0)
        n = _settled(n)
        # Weights that were added in another order may differ in their last digits.
        return cls(np.minimum(_settled(share * n), n), n, rows.astype(np.int64))

    @property
    def defined(self) -> Truths:
        """Whether there was anything to rate."""
        return self.n > 0

    @property
    def rate(self) -> Floats:
        """The rates; 0 where there is none."""
        return np.divide(self.k, self.n, out=np.zeros_like(self.n), where=self.defined)

    def everybody(self, trials: Floats) -> tuple[float, float, float, int]:
        """Give the rate of all groups together: estimate, low and high come from its counts.

        Parameters
        ----------
        trials : ndarray, shape (G,)
            Sums of the weights.

        Returns
        -------
        k, n, rate : float
        rows : int
        """
        total = float(trials.sum())
        rate = float((self.rate * trials).sum() / total) if total > 0 else 0.0
        squares = np.divide(trials**2, self.n, out=np.zeros_like(trials), where=self.defined)
        square = float(squares.sum())
        n = float(_settled(np.array(total**2 / square))) if square > 0 else 0.0
        return float(_settled(np.array(rate * n))), n, rate, int(self.trials.sum())


def _settled(counts: Floats) -> Floats:
    """Give whole numbers that rounding has moved as whole numbers again: exact tests want them."""
    whole = np.rint(counts)
    return np.where(np.abs(counts - whole) <= 1e-12 * whole, whole, counts)


@dataclass(frozen=True)
class About:
    """What rows have in common."""

    test: str
    stage: Stage
    groups: Groups
    confidence: float
    field: str = ""

    def row(self, unit: str, group: int | None, **numbers: Any) -> Row:
        """Make a row about a group, or about all of them."""
        names = self.groups.names
        numbers.setdefault("scale", "share")
        return Row(
            test=self.test,
            stage=self.stage,
            unit=unit,
            contrast="group",
            attribute=self.groups.attribute,
            group="" if group is None else names[group],
            **{"reference": "", "field": self.field, **numbers},
        )


def values(about: About, unit: str, rated: Rated, trials: Floats) -> Iterator[Row]:
    """Give the rate of every group that has one, then that of everybody."""
    low, high = wilson(rated.k, rated.n, about.confidence)
    for g in np.flatnonzero(rated.defined):
        yield about.row(
            unit,
            int(g),
            relation="value",
            people=int(about.groups.sizes[g]),
            answered=int(rated.trials[g]),
            estimate=float(rated.rate[g]),
            low=float(low[g]),
            high=float(high[g]),
        )
    k, n, rate, rows = rated.everybody(trials)
    if n > 0:
        low, high = wilson(k, n, about.confidence)
        yield about.row(
            unit,
            None,
            relation="value",
            people=int(about.groups.sizes.sum()),
            answered=rows,
            estimate=rate,
            low=min(float(low), rate),
            high=max(float(high), rate),
        )


def against(
    about: About, unit: str, rated: Rated, reference: int | None = None, *, ratios: bool = True
) -> Iterator[Row]:
    """Compare every group that has a rate with the reference: difference and ratio."""
    ref = about.groups.reference if reference is None else reference
    others = np.array([g for g in np.flatnonzero(rated.defined) if g != ref], np.intp)
    if not rated.defined[ref] or not len(others):
        return
    sides = rated.k[others], rated.n[others], rated.k[ref], rated.n[ref]
    p = fisher(*sides)
    adjusted = holm(np.atleast_1d(p))
    for relation in ("difference", "ratio") if ratios else ("difference",):
        interval = newcombe if relation == "difference" else ratio_interval
        low, high = interval(*sides, about.confidence)
        for i, g in enumerate(others):
            one, other = float(rated.rate[g]), float(rated.rate[ref])
            estimate = one - other if relation == "difference" else _ratio(one, other)
            yield about.row(
                unit,
                int(g),
                relation=relation,
                scale="share" if relation == "difference" else "ratio",
                reference=about.groups.names[ref],
                people=int(about.groups.sizes[g] + about.groups.sizes[ref]),
                answered=int(rated.trials[g] + rated.trials[ref]),
                estimate=estimate,
                low=min(float(low[i]), estimate),
                high=max(float(high[i]), estimate),
                p=float(adjusted[i]),
            )


def _ratio(one: float, other: float) -> float:
    if other == 0:
        return 1.0 if one == 0 else float(np.finfo(np.float64).max)
    return one / other


def extremes(about: About, unit: str, rated: Rated) -> Iterator[Row]:
    """Compare the lowest with the highest of the groups whose attribute is known."""
    groups = about.groups
    known = np.flatnonzero(~groups.unknown & rated.defined)
    if len(known) < 2:
        return
    rate = rated.rate[known]
    lowest, highest = float(rate.min()), float(rate.max())
    for relation, scale, interval, estimate in (
        ("spread", "share", difference_interval, highest - lowest),
        ("extremes", "ratio", extremes_interval, lowest / highest if highest > 0 else 1.0),
    ):
        low, high = interval(rated.k[known], rated.n[known], about.confidence)
        yield about.row(
            unit,
            None,
            relation=relation,
            scale=scale,
            people=int(groups.sizes[known].sum()),
            answered=int(rated.trials[known].sum()),
            estimate=estimate,
            low=min(low, estimate),
            high=max(high, estimate),
        )


@dataclass(frozen=True)
class Widest:
    """The widest difference between any two groups, and what is proven about all of them."""

    lowest: int
    highest: int
    difference: float
    p: float
    """Of no difference at all between any two."""
    p_outside: float
    """Of the claim that some two differ by more than the tolerance, adjusted for all pairs."""
    p_within: float
    """Of the claim that no two do."""
    whole: bool
    """Whether all groups whose attribute is known have a rate."""


def widest(groups: Groups, rated: Rated, tolerance: float) -> Widest | None:
    """Compare all groups with each other; people of whom the attribute is unknown are left out.

    Returns
    -------
    Widest or None
        None where fewer than two groups have a rate.
    """
    known = np.flatnonzero(~groups.unknown)
    usable = known[rated.defined[known]]
    if len(usable) < 2:
        return None
    rate = rated.rate
    lowest = int(usable[np.argmin(rate[usable])])
    highest = int(usable[np.argmax(rate[usable])])
    pairs = len(usable) * (len(usable) - 1) / 2
    i, j = (usable[side] for side in np.triu_indices(len(usable), 1))
    sides = rated.k[i], rated.n[i], rated.k[j], rated.n[j]
    # A group without a rate might be anywhere.
    whole = len(usable) == len(known)
    return Widest(
        lowest=lowest,
        highest=highest,
        difference=float(rate[highest] - rate[lowest]),
        p=min(1.0, pairs * smallest_fisher(*sides)),
        p_outside=min(1.0, pairs * smallest_p_beyond(*sides, tolerance)),
        p_within=largest_p_within(*sides, tolerance) if whole else 1.0,
        whole=whole,
    )
