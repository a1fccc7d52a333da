"""Error rates of the groups of an attribute, and the largest difference between any two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus._text import count, name, percent, points
from paribus.evidence.base import Row
from paribus.observed import Observed
from paribus.roles import CROSS, MISSING
from paribus.stats.independent import agreeing_with, newcombe, p_beyond, p_within, wilson
from paribus.table import lookup, pool_of

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class People:
    """The group of each row of the sample."""

    attribute: str
    names: tuple[str, ...]
    codes: Codes
    """Position of each row's group."""
    unknown: Mask
    reference: int

    @classmethod
    def of(cls, observed: Observed, attributes: Sequence[str]) -> People:
        """Find everybody's group among those of an attribute, or of crossed ones.

        Names and their order are those of `paribus.observed.Observed.groups`.
        """
        groups = observed.groups(attributes)
        labels = np.zeros(len(observed.sample), dtype=np.int64)
        texts: list[tuple[str, ...]] = [()]
        for attribute in attributes:
            codes, levels = observed.codes(attribute)
            every = (*levels, MISSING)
            labels = labels * len(every) + np.where(codes < 0, len(levels), codes)
            texts = [(*text, level) for text in texts for level in every]
        at = {each: i for i, each in enumerate(groups.names)}
        place = np.array([at.get(CROSS.join(text), -1) for text in texts])
        return cls(groups.attribute, groups.names, place[labels], groups.unknown, groups.reference)


@dataclass(frozen=True, eq=False)
class Rates:
    """Errors of each group: effective numbers of people, of whom so many are wrong."""

    names: tuple[str, ...]
    unknown: Mask
    reference: int
    wrong: Floats
    size: Floats
    people: npt.NDArray[np.int64]
    """Rows, those without an answer or a label included."""
    answered: npt.NDArray[np.int64]


def of_table(observed: Observed, attributes: Sequence[str]) -> Rates:
    """Count the decisions that differ from the label, in the whole table.

    Parameters
    ----------
    observed : Observed
        With decisions and labels.
    attributes : sequence of str
        One of ``observed.attributes``.

    Returns
    -------
    Rates
        Weighted where rows have weights; sizes are then effective numbers of rows (Kish 1965).

    Raises
    ------
    DataError, SpecError
        Where nobody says which decision is favorable.
    """
    groups = observed.groups(attributes)
    if observed.roles.outcome == "decision":
        cells = [observed.binary(groups, what) for what in ("count", "weight", "square")]
        off = ~np.eye(2, dtype=bool)
    else:
        known = [level for level in groups.labels if level is not None]
        told = [level for level in groups.decisions if level is not None]
        same = lookup(pool_of(told), known) if told else np.zeros(0, np.int32)
        off = same[None, :] != np.arange(len(known))[:, None]
        rows = [i for i, level in enumerate(groups.labels) if level is not None]
        columns = [i for i, level in enumerate(groups.decisions) if level is not None]
        cells = [
            np.asarray(part, np.float64)[:, rows][:, :, columns]
            for part in (groups.count, groups.weight, groups.square)
        ]
    number, weight, square = (part.sum(axis=(1, 2)) for part in cells)
    size = groups.effective(weight, square)
    off_weight = cells[1][:, off].sum(axis=1)
    share = np.divide(off_weight, weight, out=np.zeros_like(weight), where=weight > 0)
    return Rates(
        groups.names,
        groups.unknown,
        groups.reference,
        np.minimum(share * size, size),
        size,
        groups.sizes,
        np.rint(number).astype(np.int64),
    )


def of_rows(people: People, rows: Rows, wrong: Floats) -> Rates:
    """Count the wrong answers among some rows of the sample.

    Parameters
    ----------
    people : People
    rows : ndarray of int, shape (n,)
        Positions in the sample.
    wrong : ndarray of float64, shape (n,)
        1 where the answer to this row is wrong, else 0.

    Returns
    -------
    Rates
    """
    codes = people.codes[rows]
    size = np.bincount(codes, minlength=len(people.names))
    missed = np.bincount(codes, wrong, len(people.names))
    return Rates(
        people.names,
        people.unknown,
        people.reference,
        np.asarray(missed, np.float64),
        size.astype(np.float64),
        size,
        size,
    )


# --- error rates ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ErrorRates:
    """The error rates of one attribute, and what is tolerated."""

    attribute: str
    rates: Rates
    tolerance: float
    confidence: float

    def rows(self, *, held: bool, stand_in: bool) -> Iterator[Row]:
        """Give each group's rate, its difference from the reference, and the widest of all.

        Parameters
        ----------
        held : bool
            Whether the widest difference is held against the tolerance.
        stand_in : bool
            Whether a stand-in model gave the answers.
        """
        rates = self.rates
        some = np.flatnonzero(rates.size > 0).tolist()
        low, high = wilson(rates.wrong, rates.size, self.confidence)
        for at in some:
            estimate = float(rates.wrong[at] / rates.size[at])
            yield self._row(
                "value",
                [at],
                group=rates.names[at],
                estimate=estimate,
                low=min(float(low[at]), estimate),
                high=max(float(high[at]), estimate),
                method="Wilson" + (", stand-in model" if stand_in and held else ""),
            )
        base = rates.reference
        for at in some if rates.size[base] > 0 else ():
            if at != base:
                yield self._against(at, base)
        pairs = list(combinations([at for at in some if not rates.unknown[at]], 2))
        if pairs:
            yield self._widest(pairs, held=held, stand_in=stand_in)

    def _row(self, relation: Any, of: Sequence[int], **numbers: Any) -> Row:
        return Row(
            test="training",
            stage="training",
            contrast="group",
            unit="error rate",
            relation=relation,
            scale="share",
            attribute=self.attribute,
            people=int(self.rates.people[of].sum()),
            answered=int(self.rates.answered[of].sum()),
            **{"reference": "", **numbers},
        )

    def _pair(self, one: Any, other: Any) -> tuple[Any, Any, Any, Any]:
        rates = self.rates
        return rates.wrong[one], rates.size[one], rates.wrong[other], rates.size[other]

    def _against(self, at: int, base: int) -> Row:
        pair = self._pair(at, base)
        p = float(p_beyond(*pair))
        low, high = agreeing_with(*newcombe(*pair, self.confidence), p, 0.0, self.confidence)
        estimate = float(pair[0] / pair[1] - pair[2] / pair[3])
        return self._row(
            "difference",
            [at, base],
            group=self.rates.names[at],
            reference=self.rates.names[base],
            estimate=estimate,
            low=min(float(low), estimate),
            high=max(float(high), estimate),
            p=p,
            method="Newcombe",
        )

    def _widest(self, pairs: Sequence[tuple[int, int]], *, held: bool, stand_in: bool) -> Row:
        """Give the largest difference, with bounds that hold for all pairs at once."""
        rates = self.rates
        one, other = np.array(pairs).T
        both = self._pair(one, other)
        gaps = both[0] / both[1] - both[2] / both[3]
        each = 1 - (1 - self.confidence) / len(pairs)
        beyond = p_beyond(*both, self.tolerance)
        low, high = agreeing_with(*newcombe(*both, each), beyond, self.tolerance, each)
        widest = int(np.argmax(np.abs(gaps)))
        estimate = float(np.abs(gaps[widest]))
        least = np.maximum(0.0, np.maximum(low, -high)).max()
        most = np.maximum(high, -low).max()
        worse, better = (one, other) if gaps[widest] >= 0 else (other, one)
        worst, best = int(worse[widest]), int(better[widest])
        where = [name(rates.names[at]) for at in (worst, best)]
        shares = [percent(float(rates.wrong[at] / rates.size[at])) for at in (worst, best)]
        whose = "A stand-in model" if stand_in else "The model"
        more = {}
        if held:
            more = {
                "held": True,
                "p_outside": min(1.0, len(pairs) * float(beyond.min())),
                "p_within": float(p_within(*both, self.tolerance).max()),
                "claim": (
                    f"{whose} errs for {shares[0]} of {where[0]} and {shares[1]} of {where[1]} "
                    f"people, a difference of {points(estimate).lstrip('+')}"
                ),
            }
        return self._row(
            "spread",
            sorted({int(at) for pair in pairs for at in pair}),
            group="",
            estimate=estimate,
            low=min(float(least), estimate),
            high=max(float(most), estimate),
            p=min(1.0, len(pairs) * float(p_beyond(*both).min())),
            method=f"Newcombe, {count(len(pairs), 'pair')} at once",
            **more,
        )
