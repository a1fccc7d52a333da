"""Quantiles of numbers, with intervals that hold whatever the distribution."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrik

__all__ = ["quantile_intervals"]


def quantile_intervals(
    values: NDArray[Any], shares: Sequence[float], confidence: float = 0.95
) -> list[tuple[float, float, float]]:
    """Estimate quantiles, each with an interval between two order statistics.

    The number of values below the true quantile is binomial, whatever they are distributed like.

    Parameters
    ----------
    values : ndarray, shape (n,), numeric
        Finite numbers.
    shares : sequence of float
        Which quantiles, in (0, 1).
    confidence : float
        Nominal coverage of each interval, in (0, 1). Far out in a tail, where the sample has no
        order statistic that is sure enough, the end is the smallest or the largest value.

    Returns
    -------
    list of tuple of float
        Estimate (interpolated linearly between neighbors), low and high of each; all 0 without a
        value.

    References
    ----------
    Conover (1999), Practical Nonparametric Statistics, section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> quantile_intervals(np.arange(100.0), [0.5])
    [(49.5, 39.0, 60.0)]
    """
    numbers = np.sort(np.asarray(values, dtype=np.float64))
    n = len(numbers)
    if not n:
        return [(0.0, 0.0, 0.0) for _ in shares]
    tail = (1.0 - confidence) / 2.0
    out = []
    for share in shares:
        # x(r) is below the quantile unless fewer than r values are: P(X < r) is at most the tail.
        lower, upper = _most(n, share, tail), n - _most(n, 1.0 - share, tail)
        estimate = _between(numbers, share * (n - 1))
        low, high = float(numbers[max(lower, 1) - 1]), float(numbers[min(upper + 1, n) - 1])
        out.append((estimate, min(low, estimate), max(high, estimate)))
    return out


def _between(numbers: NDArray[np.float64], place: float) -> float:
    """Give what stands at a place between two neighbors."""
    left = min(int(place), len(numbers) - 1)
    right = min(left + 1, len(numbers) - 1)
    part = place - left
    return float((1.0 - part) * numbers[left] + part * numbers[right])


def _most(n: int, share: float, tail: float) -> int:
    """Give the largest r that a Binomial(n, share) stays below with a chance of at most tail."""
    rank = int(np.nan_to_num(bdtrik(tail, n, share), nan=0.0))
    for near in range(min(n, rank + 2), max(0, rank - 2), -1):
        if bdtr(near - 1, n, share) <= tail:
            return near
    return 0
