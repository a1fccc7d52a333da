"""A distribution of numbers told by averages of several rows each, never by the number of one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["averaged_quantiles", "merged_values", "rounded_shares"]

_Floats = npt.NDArray[np.float64]
_Counts = npt.NDArray[np.int64]

_MILLION = 1_000_000
_RUN = 20
"""Bands between two common values, at least, where there are rows enough."""


def rounded_shares(counts: npt.NDArray[np.integer] | _Floats) -> _Floats:
    """Give shares in whole millionths that sum to 1.

    Parameters
    ----------
    counts : ndarray, shape (K,)
        Not negative, of a sum above 0.

    Returns
    -------
    ndarray of float64, shape (K,)
        By the method of largest remainders (Hamilton).

    Examples
    --------
    >>> rounded_shares(np.array([1, 1, 1])).tolist()
    [0.333334, 0.333333, 0.333333]
    """
    exact = np.asarray(counts, dtype=np.float64)
    exact = exact / exact.max()
    exact = exact / exact.sum() * _MILLION
    parts = np.floor(exact)
    short = round(float(_MILLION - parts.sum()))
    parts[np.argsort(parts - exact, kind="stable")[:short]] += 1
    shares: _Floats = parts / _MILLION
    return shares


def merged_values(values: _Floats, counts: _Counts, least: int) -> tuple[_Floats, _Counts]:
    """Merge neighboring values until each stands for several rows.

    Parameters
    ----------
    values : ndarray, shape (K,), float64
        Distinct, ascending.
    counts : ndarray, shape (K,), int64
        How many rows have each, at least 1; `least` in all, at least.
    least : int
        Rows behind a value, at least; 1 or more.

    Returns
    -------
    values : ndarray, shape (k,), float64
        One for each of disjoint groups of neighbors, ascending: the most common value where
        `least` rows have it, else their mean (at the ends as in `averaged_quantiles`).
    counts : ndarray, shape (k,), int64

    Examples
    --------
    >>> values, counts = np.array([17.0, 18.0, 19.0, 88.0, 90.0]), np.array([12, 30, 25, 3, 9])
    >>> merged, rows = merged_values(values, counts, 10)
    >>> merged.round(1).tolist(), rows.tolist()
    ([17.0, 18.0, 19.0, 89.5], [12, 30, 25, 12])
    """
    group = np.zeros(len(values), dtype=np.intp)
    number, inside = 0, 0
    for i, count in enumerate(counts.tolist()):
        if inside >= least:
            number, inside = number + 1, 0
        group[i] = number
        inside += count
    if inside < least and number:
        group[group == number] = number - 1
    means, rows = _means(values, counts, group)
    for number in {0, len(rows) - 1}:
        inside = group == number
        ends = number == 0, number == len(rows) - 1
        means[number] = _pulled_in(values[inside], counts[inside], *ends)
    most = np.argsort(counts, kind="stable")
    common = most[counts[most] >= least]
    means[group[common]] = values[common]
    return means, rows


def averaged_quantiles(
    values: _Floats, counts: _Counts, least: int, bands: int = 50
) -> tuple[_Floats, _Floats]:
    """Tell a distribution by averages of neighboring rows, and the shares at which they stand.

    Rows are cut, in ascending order, into disjoint bands of about ``n / bands`` of them; towards
    the ends (and where many rows share one value, such as 0) bands get smaller, down to `least`
    rows. What is told comes from the means of bands alone. In the first and the last band, rows
    beyond the middle are moved to the middle (the mean of the third of its rows there), so that
    one extreme value moves nothing; the band is flat. In each other band the quantile goes
    straight from an edge to the middle and on to the next edge, which lies between the means on
    both of its sides. The middle is such that the band keeps its mean, wherever that can be.

    Parameters
    ----------
    values : ndarray, shape (K,), float64
        Distinct, ascending.
    counts : ndarray, shape (K,), int64
        How many rows have each, at least 1; `least` in all, at least.
    least : int
        Rows behind a number, at least; 1 or more.
    bands : int
        About as many bands.

    Returns
    -------
    quantiles : ndarray, shape (q,), float64
        Ascending; equal ones in a row are people who all have that value.
    shares : ndarray, shape (q,), float64
        Ascending from 0 to 1; two equal ones are a jump.

    Examples
    --------
    >>> values = np.arange(1_000.0)
    >>> quantiles, shares = averaged_quantiles(values, np.ones(1_000, np.int64), 10, bands=4)
    >>> quantiles[:5].round(1).tolist(), shares[:5].tolist()
    ([5.8, 5.8, 21.4, 29.5, 49.5], [0.0, 0.01, 0.02, 0.03, 0.05])
    """
    n = int(counts.sum())
    body = max(least, n // bands)
    common = np.flatnonzero(counts >= body)
    quantiles: list[float] = []
    places: list[float] = []
    below, first = 0.0, 0
    for at in [*common.tolist(), len(values)]:
        rows = int(counts[first:at].sum())
        start = below
        if rows >= least:
            wide = max(least, min(body, rows // _RUN))
            bands_of = _cuts(counts[first:at], least, wide)
            means, sizes = _means(values[first:at], counts[first:at], bands_of)
            for number, end in ((0, first == 0), (len(means) - 1, at == len(values))):
                if end:
                    inside = slice(*(first + np.searchsorted(bands_of, [number, number + 1])))
                    ends = first + number == 0, number == len(means) - 1 and at == len(values)
                    means[number] = _pulled_in(values[inside], counts[inside], *ends)
            points, stops = _through(means, sizes)
            quantiles += points
            places += [below + stop for stop in stops]
            below = start = below + rows
        elif rows and at == len(values):
            # Too few for an average of their own: they take the common value next to them.
            places[-1] += rows
        else:
            below += rows
        if at < len(values):
            below += int(counts[at])
            places += [start, below]
            quantiles += [float(values[at])] * 2
        first = at + 1
    return np.array(quantiles), np.clip(np.array(places) / n, 0.0, 1.0)


def _through(means: _Floats, sizes: _Counts) -> tuple[list[float], list[float]]:
    """Give quantiles of bands with these means, and the rows below each."""
    ends = np.cumsum(sizes)
    if len(means) < 3:
        stops = np.column_stack([ends - sizes, ends]).ravel()
        return np.repeat(means, 2).tolist(), stops.tolist()
    inner = slice(1, -1)
    part = sizes[1:-2] / (sizes[1:-2] + sizes[2:-1])
    between = means[1:-2] + part * (means[2:-1] - means[1:-2])
    edges = np.concatenate([means[:1], between, means[-1:]])
    middles = np.clip(2 * means[inner] - (edges[:-1] / 2 + edges[1:] / 2), edges[:-1], edges[1:])
    points = np.column_stack([middles, edges[1:]]).ravel()
    stops = np.column_stack([ends[inner] - sizes[inner] / 2, ends[inner]]).ravel()
    first, last = float(means[0]), float(means[-1])
    return (
        [first, first, *points.tolist(), last],
        [0.0, float(ends[0]), *stops.tolist(), float(ends[-1])],
    )


def _cuts(counts: _Counts, least: int, body: int) -> npt.NDArray[np.intp]:
    """Give the band of each value of a run; equal values are never cut apart."""
    ends = np.cumsum(counts)
    total = int(ends[-1])
    tail: list[int] = []
    size = least
    while size < body and 2 * (sum(tail) + size) + body <= total:
        tail.append(size)
        size *= 2
    middle = total - 2 * sum(tail)
    inner = max(1, middle // body)
    sizes = [*tail, *([middle / inner] * inner), *reversed(tail)]
    stops = np.searchsorted(ends, np.cumsum(sizes)[:-1] - 1e-9)
    group = np.zeros(len(counts), dtype=np.intp)
    if len(stops):
        marks = np.zeros(len(counts) + 1, dtype=np.intp)
        marks[np.unique(stops) + 1] = 1
        group = np.cumsum(marks[:-1])
    rows = np.bincount(group, weights=counts)
    merged = np.zeros(len(rows), dtype=np.intp)
    number, inside = 0, 0.0
    for i, count in enumerate(rows.tolist()):
        if inside >= least:
            number, inside = number + 1, 0.0
        merged[i] = number
        inside += count
    if inside < least and number:
        merged[merged == number] = number - 1
    return merged[group]


def _pulled_in(values: _Floats, counts: _Counts, low: bool, high: bool) -> float:
    """Give the mean of rows of which those below or above the middle are moved to the middle."""
    rows = np.repeat(values, counts)
    n = len(rows)
    middle = np.mean(rows[n // 3 : n - n // 3] / n) * n
    held = np.clip(rows, middle if low else None, middle if high else None)
    return float(np.clip(np.mean(held / n) * n, values[0], values[-1]))


def _means(
    values: _Floats, counts: _Counts, group: npt.NDArray[np.intp]
) -> tuple[_Floats, _Counts]:
    sizes = np.bincount(group, weights=counts)
    # Shares of the group first: a sum of large numbers has no float.
    means = np.bincount(group, weights=values * (counts / sizes[group]))
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    return np.clip(means, low, high), sizes.astype(np.int64)
