"""How well something predicts the groups of an attribute, on people it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus.stats.discrimination import Auc, auc

_PRIOR = 10.0
"""People that everybody's share is worth, against those with the same value."""

_SUREST = 1e-15
_BISECTIONS = 40

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Histogram = tuple[Floats, Floats]
"""People who are not of a level, and who are, at increasing scores."""


@dataclass(frozen=True, eq=False)
class Strength:
    """How well scores tell each level from the rest.

    Parameters
    ----------
    levels : tuple of int
        Levels that occur, and others too; -1 where rare ones are taken together.
    histograms : tuple of Histogram
        For each of them, people at increasing scores.
    cautious : tuple of Histogram
        The same at their worst: as if values from which nothing could be learned told everything.
    people : int
    """

    levels: tuple[int, ...]
    histograms: tuple[Histogram, ...]
    cautious: tuple[Histogram, ...]
    people: int

    @classmethod
    def of(
        cls, scores: Floats, target: Codes, levels: Sequence[int], unseen: Mask | None = None
    ) -> Strength:
        """Count the people at each score.

        Parameters
        ----------
        scores : ndarray of float64, shape (n, levels)
            How likely each level is.
        target : ndarray of int, shape (n,)
            Column of the level of each of these people, of whom two at least differ.
        levels : sequence of int
            What the columns are.
        unseen : ndarray of bool, shape (n,), optional
            People with a value from which nothing could be learned.
        """
        kept, plain, cautious = [], [], []
        for column, level in enumerate(levels):
            there = target == column
            if not there.any() or there.all():
                continue
            kept.append(level)
            plain.append(_histogram(scores[:, column], there))
            if unseen is None or not unseen.any():
                cautious.append(plain[-1])
            else:
                worst = np.where(unseen, np.where(there, 2.0, -1.0), scores[:, column])
                cautious.append(_histogram(worst, there))
            if len(levels) == 2:
                # Whoever is not of one level is of the other: both areas are the same.
                break
        return cls(tuple(kept), tuple(plain), tuple(cautious), len(target))

    @cached_property
    def _areas(self) -> list[float]:
        return [auc(*each).estimate for each in self.histograms]

    @property
    def best(self) -> int:
        """Level that is predicted best."""
        return self.levels[int(np.argmax(self._areas))]

    @property
    def estimate(self) -> float:
        """AUC of the level that is predicted best."""
        return max(self._areas)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give bounds of the largest area, from intervals that hold all of them at once."""
        each = 1 - (1 - confidence) / len(self.levels)
        low = max(_area(h, each).low for h in self.histograms)
        high = max(_area(h, each).high for h in self.cautious)
        return min(low, self.estimate), max(high, self.estimate)

    def p_above(self, bound: float) -> float:
        """Claim that some level is predicted better than that."""
        return min(1.0, len(self.levels) * min(p_area_above(*h, bound) for h in self.histograms))

    def p_below(self, bound: float) -> float:
        """Claim that no level is."""
        return max(p_area_below(*h, bound) for h in self.cautious)


def _area(histogram: Histogram, confidence: float) -> Auc:
    return auc(*histogram, confidence)


def _histogram(scores: Floats, there: Mask) -> Histogram:
    _, place = np.unique(scores, return_inverse=True)
    size = int(place.max()) + 1
    zeros, ones = (np.bincount(place[each], minlength=size) for each in (~there, there))
    return zeros.astype(np.float64), ones.astype(np.float64)


def p_area_above(zeros: Floats, ones: Floats, bound: float) -> float:
    """One-sided p-value for the claim that an area under the curve is larger than `bound`.

    Parameters
    ----------
    zeros, ones : ndarray of float64, shape (K,)
        Rows of either class at each of `K` increasing scores.
    bound : float
        In (0, 1).

    Returns
    -------
    float
        In (0, 1]: at most alpha where the interval of confidence ``1 - 2 alpha`` of
        `paribus.stats.discrimination.auc`, which it inverts, lies above the bound, down to 1e-15.
        1 where the area is not defined.

    Examples
    --------
    >>> zeros, ones = np.array([5.0, 3, 2]), np.array([1.0, 3, 6])
    >>> round(p_area_above(zeros, ones, auc(zeros, ones, confidence=0.9).low), 4)
    0.05
    """
    area = auc(zeros, ones)
    if not area.defined:
        return 1.0
    above = area.estimate > bound
    # The half of the missing confidence with which the interval reaches the bound, in logarithms.
    low, high = np.log(_SUREST), np.log(0.5)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        ends = auc(zeros, ones, 1 - 2 * float(np.exp(middle)))
        beyond = ends.low > bound if above else ends.high < bound
        low, high = (low, middle) if beyond else (middle, high)
    p = float(np.exp(high))
    return p if above else 1 - p


def p_area_below(zeros: Floats, ones: Floats, bound: float) -> float:
    """One-sided p-value for the claim that an area under the curve is smaller than `bound`.

    Parameters
    ----------
    zeros, ones, bound
        As for `p_area_above`.

    Returns
    -------
    float
        In (0, 1], as for `p_area_above`.

    Examples
    --------
    >>> zeros, ones = np.array([5.0, 3, 2]), np.array([1.0, 3, 6])
    >>> round(p_area_below(zeros, ones, auc(zeros, ones, confidence=0.9).high), 4)
    0.05
    """
    return p_area_above(ones, zeros, 1 - bound)


def encoded_shares(
    fine: Codes, coarse: Codes, target: Codes, fit: Rows, test: Rows, classes: int
) -> Floats:
    """Predict classes from one field by their shares among people with the same value.

    The shares among people in the same bin, which lean on those of everybody, are what the shares
    among people with the same value lean on, each like ten people more (an m-estimate in two
    steps): numbers that hardly two people share count by their bin, codes by themselves.

    Parameters
    ----------
    fine : ndarray of int, shape (n,)
        Code of each value; -1 where it is missing.
    coarse : ndarray of int, shape (n,)
        Bin of each value, from 0.
    target : ndarray of int, shape (n,)
        Class from 0 in the rows that are fitted.
    fit, test : ndarray of int
        Positions of rows to learn from, and to predict.
    classes : int

    Returns
    -------
    ndarray of float64, shape (len(test), classes)
        Rows sum to 1.

    References
    ----------
    Micci-Barreca (2001), ACM SIGKDD Explorations 3, 27-32.

    Examples
    --------
    >>> fine = np.array([0, 0, 1, 1, 0, 1])
    >>> encoded_shares(fine, 0 * fine, np.array([0, 0, 1, 1, 0, 1]),
    ...                np.arange(4), np.arange(4, 6), 2).round(2).tolist()
    [[0.58, 0.42], [0.42, 0.58]]
    """
    known = target[fit]
    shares = np.bincount(known, minlength=classes) / max(1, len(known))
    prior = np.broadcast_to(shares, (len(test), classes))
    for cells in (coarse, fine):
        cells = cells + 1
        seen = np.bincount(cells[fit] * classes + known, minlength=(cells.max() + 1) * classes)
        mine = seen.reshape(-1, classes)[cells[test]]
        prior = (mine + _PRIOR * prior) / (mine.sum(axis=1, keepdims=True) + _PRIOR)
    return np.asarray(prior, np.float64)
