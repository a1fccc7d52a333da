"""The exact median of a column in any engine, from counts alone."""

from __future__ import annotations

import math
import sys

import numpy as np

from paribus.counting import Binned, Source

_BINS = 1_000

_PASSES = 12
"""Histograms after which the rest is halved: more are needed for medians near 0 only."""

_MOST = sys.float_info.max

_LEAST = 2.0**-1022
"""The smallest width of a bin that has a reciprocal: engines multiply by it."""


def at_least(column: str, value: float) -> Binned:
    """Part the numbers of a column, exactly: bin 1 is a number or more, bin 0 is less."""
    # The lowest float has no neighbor below it.
    value = max(value, math.nextafter(-_MOST, 0.0))
    # A power of two in reach of the numbers beside it, so neither step of the bin rounds.
    width = max(value - math.nextafter(value, -math.inf), _LEAST)
    return Binned(column, value - width, width, 2)


def above(column: str, cut: float) -> Binned:
    """Part the numbers of a column, exactly: bin 1 is above a number, bin 0 is not."""
    if cut >= _MOST:
        return Binned(column, _MOST, 1.0, 2)
    return at_least(column, math.nextafter(cut, math.inf))


def middle(source: Source, column: str) -> tuple[float, float]:
    """Find the two middle values of a column, which are the same where their number is odd.

    Parameters
    ----------
    source : Source
    column : str
        Numbers; missing and infinite ones do not count.

    Returns
    -------
    lower, upper : float
        Their mean is the median. A number is above it just where it is above `lower`.

    Raises
    ------
    DataError
        Where no number is finite.
    """
    low, high, missing = source.range(column)
    known = len(source) - missing
    search = _Search(source, column)
    lower = search.find((known + 1) // 2, low, high)
    if known % 2 or search.up_to(lower) > known // 2:
        return lower, lower
    return lower, search.find(known // 2 + 1, math.nextafter(lower, math.inf), high)


class _Search:
    """A search for the k-th smallest number by counting alone."""

    def __init__(self, source: Source, column: str) -> None:
        self._source = source
        self._column = column

    def up_to(self, value: float) -> int:
        """Count the numbers that are not above a value."""
        return int(self._binned(above(self._column, value))[0])

    def find(self, k: int, low: float, high: float) -> float:
        """Find the k-th smallest number, counted from 1, which is in [low, high]."""
        if low <= 0.0 <= high:
            # Floats lie so dense around 0 that halving would take long to get there.
            below = math.nextafter(0.0, -1.0)
            if self.up_to(below) >= k:
                high = below
            elif self.up_to(0.0) >= k:
                return 0.0
            else:
                low = -below
        for _ in range(_PASSES):
            if _ordinal(high) - _ordinal(low) <= _BINS or not math.isfinite(high - low):
                break
            low, high = self._narrowed(k, low, high)
        start, stop = _ordinal(low), _ordinal(high)
        while start < stop:
            half = (start + stop) // 2
            if self.up_to(_number(half)) >= k:
                stop = half
            else:
                start = half + 1
        return _number(start)

    def _narrowed(self, k: int, low: float, high: float) -> tuple[float, float]:
        """Keep the bin of the k-th number, and what rounding may have moved out of it."""
        width = (high - low) / _BINS
        if width < _LEAST:
            return low, high
        bins = np.cumsum(self._binned(Binned(self._column, low, width, _BINS)))
        place = int(np.searchsorted(bins, k))
        slack = 8 * np.finfo(np.float64).eps * max(abs(low), abs(high))
        # Numbers below the first bin and above the last one are counted there.
        start = low if place == 0 else max(low, low + place * width - slack)
        stop = high if place == _BINS - 1 else min(high, low + (place + 1) * width + slack)
        return start, stop

    def _binned(self, bins: Binned) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        tally = self._source.tally([bins])
        counts = np.zeros(bins.bins, np.int64)
        for level, count in zip(tally.levels[0], tally.count, strict=True):
            if level is not None:
                counts[int(level)] = count
        return counts


def _ordinal(value: float) -> int:
    """Give a float its place in the order of all floats; that of 0 is 0."""
    bits = int(np.float64(abs(value)).view(np.int64))
    return bits if value >= 0 else -bits


def _number(ordinal: int) -> float:
    value = float(np.int64(abs(ordinal)).view(np.float64))
    return value if ordinal >= 0 else -value
