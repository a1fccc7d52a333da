"""A gap of two groups of different people that arrives window by window, looked at after each.

In a window, `A` people of a group and `B` people of the reference are decided upon, and the gap of
their rates is weighted by ``A B / (A + B)``, as Mantel and Haenszel do. Rates may drift from window
to window as they like; what is estimated is the mean of the true gaps of all windows so far. A
person of the group so moves the weighted sum by ``c = B / (A + B)``, one of the reference by
``A / (A + B)``: by at most 1. For a decision `x` in {0, 1} whose chance is `p`, any guess `g` made
before the window, and a stake `s` in [0, 1),

``exp(s (x - p) - (-log(1 - s) - s) (x - g)**2)``

is on average at most 1 (Fan, Grama and Liu 2015), whatever `p` is. So the product over all people,
with the stakes ``s = f c``, gains nothing on average if the mean gap is what is claimed, and the
chance that it *ever* reaches ``1 / alpha`` is at most alpha (Ville's inequality). The e-value here
is the average over 32 stakes `f`; the guess is each group's rate before the window.

A gap that appears late is diluted by the windows before it. So `watch` looks at the spans that
begin in later windows as well, and shares alpha out among the windows in which a span can begin.

References
----------
Howard, Ramdas, McAuliffe and Sekhon (2021), Time-uniform, nonparametric, nonasymptotic confidence
sequences, Annals of Statistics 49, 1055-1080, theorem 4; Fan, Grama and Liu (2015), Exponential
inequalities for martingales with applications, Electronic Journal of Probability 20, 1-22.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Alarm", "RunningGap", "start_share", "watch"]

Floats: TypeAlias = NDArray[np.float64]

_STAKES = np.geomspace(0.002, 0.9, 32)
_HALVINGS = 40


@dataclass(frozen=True, eq=False, slots=True)
class RunningGap:
    """The mean gap of all windows so far, after each window, and what is proven of it.

    All statements hold at all windows at once. They need no rate to stay what it is, nor a window
    to be large: only that the decisions of different people are independent given the windows
    before, and that how many people come, and with which weights, is settled before the decisions.
    The gap of a window in which either group is absent counts for nothing.

    Attributes
    ----------
    weight : ndarray, shape (T,), float64
        Sum of the weights of the windows so far, in units of the largest weight of a person; 0 as
        long as no window has people of both groups.
    moved : ndarray, shape (T,), float64
        Weighted sum of the observed gaps so far.
    cost : ndarray, shape (T, 32), float64
        What has been charged so far for chance, by stake.

    Examples
    --------
    Twelve windows with 500 people in each group, of whom 180 and 250 were selected:

    >>> gap = RunningGap.of(np.tile([[320, 180], [250, 250]], (12, 1, 1)))
    >>> gap.estimate[[0, 11]].round(3).tolist()
    [-0.14, -0.14]
    >>> low, high = gap.confidence_sequence(0.95)
    >>> low[[0, 11]].round(3).tolist(), high[[0, 11]].round(3).tolist()
    ([-0.255, -0.171], [-0.025, -0.109])
    """

    weight: Floats = field(repr=False)
    moved: Floats = field(repr=False)
    cost: Floats = field(repr=False)

    @classmethod
    def of(cls, weight: ArrayLike, square: ArrayLike | None = None, largest: float = 1.0) -> Self:
        """Take the counts of all windows, in the order of time.

        Parameters
        ----------
        weight : array_like, shape (T, 2, 2), at least 0
            People (or sums of their weights) by window, group (the group, then the reference) and
            decision (unfavorable, then favorable).
        square : array_like, shape (T, 2, 2), optional
            Sums of the squared weights; the same as `weight` where everybody counts once.
        largest : float
            The largest weight of a person, above 0.

        Returns
        -------
        RunningGap

        Examples
        --------
        >>> RunningGap.of([[[3, 1], [1, 3]], [[0, 0], [5, 5]]]).estimate.tolist()
        [-0.5, -0.5]
        """
        counts = np.asarray(weight, np.float64) / largest
        squares = counts if square is None else np.asarray(square, np.float64) / largest / largest
        people = counts.sum(axis=2)
        shares = _ratio(people, people.sum(axis=1, keepdims=True))
        # One person moves the gap of a window by the share of the other group.
        parts = shares[:, ::-1]
        sizes = people[:, 0] * parts[:, 0]
        rates = _ratio(counts[..., 1], people)
        moved = sizes * (rates[:, 0] - rates[:, 1])

        before = np.cumsum(counts, axis=0) - counts
        guess = (before[..., 1] + 0.5) / (before.sum(axis=2) + 1.0)
        misses = squares[..., 1] * (1.0 - guess) ** 2 + squares[..., 0] * guess**2
        stakes = parts[..., None] * _STAKES
        charged = (misses[..., None] * (-np.log1p(-stakes) - stakes)).sum(axis=1)
        return cls(np.cumsum(sizes), np.cumsum(moved), np.cumsum(charged, axis=0))

    def since(self, start: int) -> Self:
        """Forget the windows before one; the guesses still know them.

        Parameters
        ----------
        start : int
            Position of the window to begin with, from 0 to ``T - 1``, chosen before looking.

        Returns
        -------
        RunningGap
            Of ``T - start`` windows.

        Examples
        --------
        >>> RunningGap.of([[[3, 1], [1, 3]], [[1, 1], [1, 1]]]).since(1).estimate.tolist()
        [0.0]
        """
        if start == 0:
            return self
        before = start - 1
        return type(self)(
            self.weight[start:] - self.weight[before],
            self.moved[start:] - self.moved[before],
            self.cost[start:] - self.cost[before],
        )

    def span(self, start: int, end: int) -> Self:
        """Take the windows from one to another as one.

        Parameters
        ----------
        start, end : int
            Positions of the first and the last window, ``start <= end``.

        Returns
        -------
        RunningGap
            Of one window: the last.

        Examples
        --------
        >>> gap = RunningGap.of([[[3, 1], [1, 3]], [[1, 1], [1, 1]]])
        >>> gap.span(0, 1).estimate.round(3).tolist()
        [-0.333]
        """
        part, at = self.since(start), slice(end - start, end - start + 1)
        return type(self)(part.weight[at], part.moved[at], part.cost[at])

    @property
    def estimate(self) -> Floats:
        """Mean of the observed gaps so far, group minus reference, in [-1, 1]; 0 without any."""
        return np.asarray(np.clip(_ratio(self.moved, self.weight), -1.0, 1.0))

    def log_e_above(self, m: ArrayLike) -> Floats:
        """Log e-value against the claim that the mean gap so far was never above `m`.

        Parameters
        ----------
        m : array_like, scalar or shape (T,)
            Largest mean gap under the null hypothesis, in [-1, 1].

        Returns
        -------
        ndarray, shape (T,), float64
            At most 0 where the observed gap is not above `m`. Falls as `m` grows.

        Examples
        --------
        >>> gap = RunningGap.of([[[50, 150], [150, 50]]])
        >>> gap.log_e_above(0.1).round(2).tolist()
        [18.16]
        """
        return self._log_e(self.moved - self.weight * np.asarray(m, np.float64))

    def log_e_below(self, m: ArrayLike) -> Floats:
        """Log e-value against the claim that the mean gap so far was never below `m`.

        The mirror image of `log_e_above`.

        Examples
        --------
        >>> gap = RunningGap.of([[[150, 50], [50, 150]]])
        >>> gap.log_e_below(-0.1).round(2).tolist()
        [18.16]
        """
        return self._log_e(self.weight * np.asarray(m, np.float64) - self.moved)

    def log_e_outside(self, tolerance: float) -> Floats:
        """Log e-value against a mean gap so far within plus or minus the tolerance.

        Parameters
        ----------
        tolerance : float
            At least 0; nothing is outside of 1.

        Returns
        -------
        ndarray, shape (T,), float64
            The larger of both sides, at half its e-value: with a chance of at most alpha it ever
            reaches ``log(1 / alpha)`` while the mean gap has been within the tolerance.

        Examples
        --------
        >>> gap = RunningGap.of([[[150, 50], [50, 150]]])
        >>> round(float(gap.log_e_outside(0.1)[0] - gap.log_e_below(-0.1)[0]), 3)
        -0.693
        """
        return np.asarray(self._log_e(self._beyond(tolerance)) - math.log(2.0))

    def log_e_within(self, tolerance: float) -> Floats:
        """Log e-value against a mean gap so far beyond plus or minus the tolerance.

        Parameters
        ----------
        tolerance : float
            At least 0; nothing is within 0.

        Returns
        -------
        ndarray, shape (T,), float64
            The smaller of both sides.

        Examples
        --------
        >>> gap = RunningGap.of(np.full((10, 2, 2), 500))
        >>> gap.log_e_within(0.1).round(1)[[0, 1, 9]].tolist()
        [6.5, 14.9, 85.0]
        """
        if tolerance <= 0:
            return np.zeros(len(self.weight))
        return np.asarray(np.minimum(self.log_e_above(-tolerance), self.log_e_below(tolerance)))

    def confidence_sequence(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Confidence intervals for the mean gap so far that hold at all windows at once.

        Parameters
        ----------
        confidence : float
            Chance that all of them hold their true mean gaps, in (0, 1).

        Returns
        -------
        low, high : ndarray, shape (T,), float64
            Bounds in [-1, 1] around `estimate`. The mean gap itself moves from window to window,
            so they must not be intersected.

        Examples
        --------
        >>> low, high = RunningGap.of(np.full((3, 2, 2), 50)).confidence_sequence()
        >>> low.round(2).tolist(), high.round(2).tolist()
        ([-0.28, -0.19, -0.15], [0.28, 0.19, 0.15])
        """
        needed = math.log(2.0 / (1.0 - confidence))
        low = self._farthest(-1.0, lambda m: self.log_e_above(m) >= needed)
        high = self._farthest(1.0, lambda m: self.log_e_below(m) >= needed)
        return low, high

    def _farthest(self, end: float, refuted: Callable[[Floats], NDArray[np.bool_]]) -> Floats:
        """Give the mean gap farthest from `end` up to which all are refuted."""
        out, kept = np.full(len(self.weight), end), self.estimate
        for _ in range(_HALVINGS):
            middle = (out + kept) / 2.0
            gone = refuted(middle)
            out, kept = np.where(gone, middle, out), np.where(gone, kept, middle)
        return out

    def _log_e(self, gain: Floats) -> Floats:
        """Average the e-values of all stakes."""
        return _log_mean(gain[:, None] * _STAKES - self.cost)

    def _beyond(self, tolerance: float) -> Floats:
        """Give how far the sum of the gaps is beyond the tolerance."""
        # On the other side of 0 every stake gains less.
        return np.asarray(np.abs(self.moved) - self.weight * min(max(tolerance, 0.0), 1.0))


def _log_mean(logs: Floats) -> Floats:
    top = logs.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(logs - top).mean(axis=1)))


@dataclass(frozen=True, eq=False, slots=True)
class Alarm:
    """Whether the mean gap of a span of windows was beyond the tolerance, and of which.

    Attributes
    ----------
    up : ndarray, shape (T,), bool
        Whether an alarm is up after each window. It can end again.
    start, end : int
        First and last window of the span with the strongest evidence where an alarm was ever up;
        else of all windows.
    p : float
        Valid at any window and for the choice of the span, in (0, 1].
    """

    up: NDArray[np.bool_] = field(repr=False)
    start: int
    end: int
    p: float

    @property
    def first(self) -> int | None:
        """The window after which the alarm was first up."""
        return int(self.up.argmax()) if self.up.any() else None


def start_share(start: int) -> float:
    """Give the share of alpha that spans beginning in a window have.

    Parameters
    ----------
    start : int
        Position of the window, at least 0.

    Returns
    -------
    float
        In (0, 1/2]. One half for spans of all windows so far; the shares of all others, however
        many will come, sum to the other half.

    Examples
    --------
    >>> [start_share(start) for start in (0, 1, 2)]
    [0.5, 0.25, 0.08333333333333333]
    """
    return 0.5 / max(1, start * (start + 1))


def watch(gap: RunningGap, tolerance: float, alpha: float) -> Alarm:
    """Look after each window whether a mean gap since some window is beyond the tolerance.

    Parameters
    ----------
    gap : RunningGap
        At least one window.
    tolerance : float
        At least 0.
    alpha : float
        Chance that an alarm is ever raised, at any window and for any span, if no span's mean gap
        is beyond the tolerance, in (0, 1).

    Returns
    -------
    Alarm

    Examples
    --------
    Twenty windows without a gap, and twenty in which 40 % instead of 50 % are selected:

    >>> equal, unequal = [[500, 500], [500, 500]], [[600, 400], [500, 500]]
    >>> alarm = watch(RunningGap.of([equal] * 20 + [unequal] * 20), 0.02, 0.05)
    >>> alarm.first, alarm.start, alarm.end
    (22, 20, 39)
    """
    windows = len(gap.weight)
    needed = -math.log(alpha)
    best = np.full(windows, -math.inf)
    starts = np.zeros(windows, dtype=np.intp)
    for start in range(windows):
        part = gap.since(start)
        less = math.log(start_share(start)) - math.log(2.0)
        logs = part._beyond(tolerance)[:, None] * _STAKES - part.cost
        # No average is above the largest: few spans need more than that.
        near = np.flatnonzero(logs.max(axis=1) + less >= np.maximum(best[start:], needed))
        log_e = _log_mean(logs[near]) + less
        better = log_e > best[near + start]
        best[near[better] + start] = log_e[better]
        starts[near[better] + start] = start
    up = best >= needed
    end = int(best.argmax())
    if up.any():
        return Alarm(up, int(starts[end]), end, _p(float(best[end])))
    return Alarm(up, 0, windows - 1, _p(float(gap.log_e_outside(tolerance)[-1]) + math.log(0.5)))


def _p(log_e: float) -> float:
    return max(math.exp(-max(log_e, 0.0)), sys.float_info.min)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
