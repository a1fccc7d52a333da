"""Uncertainty of what is computed from a table of counts: resampled tables and intervals.

Drawing `N` rows with replacement and counting them again is one multinomial draw of the cells, so
a bootstrap of a table costs the same for a thousand rows as for a billion.

It serves one group's score, a comparison of two given groups, an index of the whole table. It fails
for the gap between the highest and the lowest of several groups: `paribus.stats.disparities` has
intervals for that, and the numbers that say why.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["percentile_interval", "resample", "resample_weighted"]

_ROUNDING = 1e-9


def resample(
    counts: NDArray[Any], rng: np.random.Generator, resamples: int = 1000
) -> NDArray[np.int64]:
    """Draw as many rows as there are, with replacement, and count them, again and again.

    Parameters
    ----------
    counts : ndarray of any shape, int
        Rows in each cell, at least 0.
    rng : Generator
        Source of chance.
    resamples : int
        How many tables to draw, at least 0.

    Returns
    -------
    ndarray, shape (resamples, *counts.shape), int64
        Tables with the same total. Empty cells stay empty.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, section 5.6, where the
    resampling vector is multinomial.

    Examples
    --------
    >>> import numpy as np
    >>> tables = resample(np.array([[30, 10], [5, 0]]), np.random.default_rng(1), resamples=3)
    >>> tables.shape, tables.sum(axis=(1, 2))
    ((3, 2, 2), array([45, 45, 45]))
    """
    table = np.asarray(counts, dtype=np.int64)
    tables = np.zeros((resamples, table.size), dtype=np.int64)
    # The last cell takes what rounding leaves over, so it must not be an empty one.
    seen = np.flatnonzero(table)
    if seen.size > 0:
        rows = table.ravel()[seen]
        total = int(rows.sum())
        tables[:, seen] = rng.multinomial(total, rows / total, size=resamples)
    return tables.reshape(resamples, *table.shape)


def resample_weighted(
    counts: NDArray[Any],
    weights: NDArray[Any],
    squares: NDArray[Any],
    rng: np.random.Generator,
    resamples: int = 1000,
) -> NDArray[np.float64]:
    """Draw rows with weights, with replacement, and add up their weights, again and again.

    The rows of each cell are drawn as by `resample`. The weight of `k` rows of a cell then has
    the mean and the variance of `k` draws from the weights in that cell; its distribution is
    taken to be a gamma, which like the weights themselves is never negative. This is exact
    where the weights of a cell are equal.

    Parameters
    ----------
    counts : ndarray of any shape, int
        Rows in each cell, at least 0.
    weights : ndarray of that shape, float
        Sum of their weights, at least 0.
    squares : ndarray of that shape, float
        Sum of their squared weights, at least ``weights ** 2 / counts``.
    rng : Generator
        Source of chance.
    resamples : int
        How many tables to draw, at least 0.

    Returns
    -------
    ndarray, shape (resamples, *counts.shape), float64
        Weights in each cell, at least 0. Empty cells stay empty.

    Notes
    -----
    Against a bootstrap of the rows themselves, 300 with lognormal weights in four cells: the
    standard deviations of the cells and of a weighted rate agree to 1 %, the ends of the rate's
    95 % interval to 0.001.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> weights, squares = np.array([8.0, 2.0]), np.array([16.0, 1.0])  # two a row, and a half
    >>> tables = resample_weighted(np.array([4, 4]), weights, squares, rng)
    >>> bool((tables @ np.array([0.5, 2.0]) == 8).all())
    True
    """
    rows = resample(counts, rng, resamples)
    seen = np.asarray(counts) > 0
    count = np.where(seen, counts, 1)
    mean = np.asarray(weights, dtype=np.float64) / count
    scale = np.where(mean > 0, mean, 1.0)
    # Relative to the mean, since the square of an extreme weight may leave the range of floats.
    spread = np.asarray(squares, dtype=np.float64) / count / scale / scale - 1.0
    varied = seen & (mean > 0) & (spread > _ROUNDING)
    spread = np.where(varied, spread, 1.0)
    relative = np.where(varied, rng.standard_gamma(rows / spread) * spread, rows)
    return relative * np.where(seen, mean, 0.0)


def percentile_interval(
    samples: NDArray[Any],
    estimate: NDArray[Any] | float,
    confidence: float = 0.95,
    defined: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bootstrap percentile interval, stretched to contain the estimate.

    Not for the extremes of several groups; nor for what is at least 0 and may be 0, such as
    `between_group_entropy`: resampled, it is never as low.

    Parameters
    ----------
    samples : ndarray, shape (resamples, ...)
        A metric of each resampled table; finite.
    estimate : ndarray, shape (...), or float
        The metric of the table itself.
    confidence : float
        Nominal coverage, in (0, 1).
    defined : ndarray of bool, shape (resamples, ...), optional
        Which samples to use; all by default. Where a tail holds no more than the samples that
        are left out, the interval leans on the remaining ones: look at their share.

    Returns
    -------
    low, high : ndarray, shape (...)
        Order statistics of the samples, the outer ones where the percentile falls between two;
        with ``low <= estimate <= high``. Without a sample both are the estimate.

    Notes
    -----
    Coverage in 1,000 simulated tables a case, with 500 resamples and two groups of 50, 150 and 500
    rows: 0.94 to 0.96 for F1, balanced accuracy, the average odds difference, the Theil index and
    the ratio of two selection rates.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = percentile_interval(np.arange(1001) / 1000, 0.5, confidence=0.9)
    >>> float(low), float(high)
    (0.05, 0.95)
    """
    metric = np.asarray(samples, dtype=np.float64)
    point = np.asarray(estimate, dtype=np.float64)
    if metric.shape[0] == 0:
        return point.copy(), point.copy()
    used = np.ones(metric.shape, dtype=np.bool_) if defined is None else np.asarray(defined)
    ordered = np.sort(np.where(used, metric, np.inf), axis=0)
    last = np.count_nonzero(used, axis=0) - 1
    tail = (1.0 - confidence) / 2.0
    # Rounding must not push a percentile that is an order statistic on to the next one.
    below = np.floor(last * tail + _ROUNDING).astype(np.int64)
    bounds = []
    for rank in (below, last - below):
        chosen = np.take_along_axis(ordered, np.maximum(rank, 0)[None], axis=0)[0]
        bounds.append(np.where(last >= 0, chosen, point))
    return np.minimum(bounds[0], point), np.maximum(bounds[1], point)
