"""Differentially private releases: counts, categories, and sums of products, with noise by OpenDP.

The unit of privacy is one row: two tables are neighbors where one has a row more. Each release is
zero-concentrated differentially private (Bun and Steinke 2016) at a `rho` of its own; those of
several releases add up, and so do their `delta`. The noise comes from OpenDP's own source of
chance: no seed repeats it, and none must.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

__all__ = [
    "concentrated",
    "consistent_counts",
    "noise_scale",
    "noisy_categories",
    "noisy_counts",
    "noisy_products",
]

_Counts = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]

_GRID = 2**8
"""Steps of 1 in which features are summed: whole numbers have exact sums."""
_ROWS = 8_192
_EXACT = 2**53


def _opendp() -> ModuleType:
    """Import OpenDP, without the parts of it that take seconds.

    Raises
    ------
    ImportError
        Where it is not installed.
    """
    import opendp.measurements
    from opendp import mod

    mod.enable_features("contrib")
    return opendp


def concentrated(epsilon: float, delta: float) -> float:
    """Give the rho whose zero-concentrated guarantee is at least as strong as (epsilon, delta).

    Parameters
    ----------
    epsilon : float
        Above 0.
    delta : float
        Above 0 and below 1.

    Returns
    -------
    float
        The rho at which ``rho + 2 * sqrt(rho * log(1 / delta))`` is epsilon (Bun and Steinke 2016,
        Theory of Cryptography, LNCS 9985, 635-658, proposition 1.3).

    Raises
    ------
    ValueError
        Where epsilon or delta is out of range.

    Examples
    --------
    >>> round(concentrated(1.0, 1e-6), 5)
    0.01747
    """
    if not 0 < epsilon <= 1e6:
        raise ValueError(f"epsilon must be above 0, and at most 1e6, not {epsilon!r}")
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie between 0 and 1, not {delta!r}")
    log = -math.log(delta)
    # (sqrt(log + epsilon) - sqrt(log)) ** 2, without the difference of two like numbers.
    return (epsilon / (math.sqrt(log + epsilon) + math.sqrt(log))) ** 2


def noise_scale(rho: float, sensitivity: float = 1.0) -> float:
    """Give the standard deviation of Gaussian noise that spends `rho`.

    Parameters
    ----------
    rho : float
        Above 0.
    sensitivity : float
        How far one row moves the release at most, in Euclidean length.

    Returns
    -------
    float
        ``sensitivity / sqrt(2 * rho)`` (Bun and Steinke 2016, proposition 1.6).

    Examples
    --------
    >>> noise_scale(0.02)
    5.0
    """
    if not rho > 0:
        raise ValueError(f"rho must be above 0, not {rho!r}")
    return sensitivity / math.sqrt(2.0 * rho)


def noisy_counts(counts: _Counts, rho: float, sensitivity: float = 1.0) -> _Counts:
    """Release counts, or other sums of whole numbers, with discrete Gaussian noise.

    Parameters
    ----------
    counts : ndarray, shape (K,), int64
        One for each bin; which bins there are must not depend on the rows.
    rho : float
        What the release spends.
    sensitivity : float
        How far one row moves the sums at most, in Euclidean length: 1 where it counts in one bin.

    Returns
    -------
    ndarray of int64, shape (K,)
        Any sign. (Canonne, Kamath and Steinke 2020, NeurIPS 33.)

    Examples
    --------
    >>> noisy_counts(np.array([30, 70]), rho=1e6).tolist()
    [30, 70]
    """
    scale = noise_scale(rho, sensitivity)
    dp = _opendp()
    space = (
        dp.domains.vector_domain(dp.domains.atom_domain(T="i64")),
        dp.metrics.l2_distance(T="f64"),
    )
    release = dp.measurements.make_gaussian(*space, scale=scale)
    _spends(release.map(float(sensitivity)), rho)
    noisy: _Counts = np.array(release(np.asarray(counts).tolist()), dtype=np.int64)
    return noisy.reshape(len(counts))


def noisy_categories(counts: Mapping[str, int], rho: float, delta: float) -> dict[str, int]:
    """Release the categories that many rows have, with noisy counts.

    Parameters
    ----------
    counts : mapping of str to int
        Rows of each category that occurs.
    rho, delta : float
        What the release spends: delta is the chance that a category of one single row is told.

    Returns
    -------
    dict of str to int
        Those whose noisy count reaches the threshold, by name (Rogers 2023, A unifying privacy
        analysis framework for unknown domain algorithms in differential privacy,
        arXiv:2309.09170).

    Examples
    --------
    >>> noisy_categories({"clerk": 900, "astronaut": 1}, rho=0.5, delta=1e-6).keys()
    dict_keys(['clerk'])
    """
    scale = noise_scale(rho)
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie between 0 and 1, not {delta!r}")
    dp = _opendp()
    text, whole = dp.domains.atom_domain(T="String"), dp.domains.atom_domain(T="i64")
    space = (
        dp.domains.map_domain(text, whole),
        dp.metrics.l02inf_distance(dp.metrics.absolute_distance(T="i64")),
    )
    threshold = math.ceil(1.0 - scale * float(ndtri(delta)))
    while True:
        release = dp.measurements.make_gaussian_threshold(*space, scale=scale, threshold=threshold)
        spent, chance = release.map((1, 1, 1))
        if chance <= delta:
            break
        threshold += 1
    _spends(spent, rho)
    # OpenDP ends text at a null character, and two categories must never become one.
    plain = {name.encode("utf-8", "surrogatepass").hex(): name for name in counts}
    noisy: dict[str, int] = release({code: int(counts[name]) for code, name in plain.items()})
    return {name: int(noisy[code]) for name, code in sorted((plain[c], c) for c in noisy)}


def noisy_products(features: Any, rows: int, length: float, rho: float) -> tuple[_Floats, float]:
    """Release the sums of products of all pairs of features.

    Parameters
    ----------
    features : callable
        ``features(start, stop)`` gives the features of some rows, shape (stop - start, D), finite:
        a function of the row alone.
    rows : int
        At most 1e9 / length ** 2.
    length : float
        Rows that are longer, in Euclidean length, are scaled down to it; 1 or more.
    rho : float
        What the release spends. One row moves all products of two different features by
        ``length ** 2 / sqrt(2)`` in Euclidean length, at most: the squares of all entries of an
        outer product sum to the fourth power of the length.

    Returns
    -------
    sums : ndarray of float64, shape (D, D)
        Symmetric, with the noise of each pair; the diagonal is 0.
    scale : float
        Standard deviation of the noise.

    Examples
    --------
    >>> rows = np.array([[1.0, 1.0], [1.0, -0.5], [0.0, 1.0]])
    >>> sums, _ = noisy_products(lambda start, stop: rows[start:stop], 3, 2.0, rho=1e9)
    >>> sums.round(2).tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """
    if rows * length**2 * _GRID**2 > _EXACT:
        raise ValueError(f"{rows:,} rows of length {length:g} have no exact sums")
    total: _Floats | None = None
    for start in range(0, max(rows, 1), _ROWS):
        part = _gridded(features(start, min(start + _ROWS, rows)), length)
        # Whole numbers below 2 ** 53: their products and sums are exact as floats.
        total = part.T @ part if total is None else total + part.T @ part
    assert total is not None
    above = np.triu_indices(len(total), 1)
    sensitivity = (length * _GRID) ** 2 / math.sqrt(2.0)
    noisy = noisy_counts(total[above].astype(np.int64), rho, sensitivity)
    sums = np.zeros(total.shape)
    sums[above] = noisy / _GRID**2
    return sums + sums.T, noise_scale(rho, sensitivity) / _GRID**2


def _gridded(features: _Floats, length: float) -> _Floats:
    """Round features towards 0 to whole steps, of rows that are no longer than allowed."""
    lengths = np.sqrt((features**2).sum(axis=1, keepdims=True))
    factor = np.minimum(1.0, length / np.maximum(lengths, 1e-300)) * _GRID
    whole: _Floats = np.trunc(features * factor)
    over = (whole**2).sum(axis=1) > (length * _GRID) ** 2
    # By rounding in the factor alone; one step less is enough.
    whole[over] = np.trunc(whole[over] * (1.0 - 1e-9))
    return whole


def consistent_counts(noisy: npt.NDArray[np.integer[Any]]) -> _Floats:
    """Give the nearest counts that are not negative and have the sum of the noisy ones.

    Parameters
    ----------
    noisy : ndarray, shape (K,)
        K at least 1.

    Returns
    -------
    ndarray of float64, shape (K,)
        What is above a common level, so that empty bins stay empty: the Euclidean projection on
        the simplex (Held, Wolfe and Crowder 1974, Mathematical Programming 6, 62-88). All equal
        where the sum is 0 or below.

    Examples
    --------
    >>> consistent_counts(np.array([50, -4, 4, 0])).tolist()
    [48.0, 0.0, 2.0, 0.0]
    """
    total = float(noisy.sum())
    if total <= 0:
        return np.full(len(noisy), 1.0 / len(noisy))
    descending = np.sort(noisy)[::-1].astype(np.float64)
    levels = (np.cumsum(descending) - total) / np.arange(1, len(noisy) + 1)
    level = levels[np.flatnonzero(descending > levels)[-1]]
    counts: _Floats = np.maximum(noisy - level, 0.0)
    return counts


def _spends(spent: float, rho: float) -> None:
    if spent > rho * (1 + 1e-9):
        raise ValueError(f"the release would spend {spent!r}, more than {rho!r}")
