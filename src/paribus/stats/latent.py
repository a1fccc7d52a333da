"""The correlation of latent normal variables, from correlations of the scores of what is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

__all__ = ["latent_correlation", "normal_scores"]

_Floats = npt.NDArray[np.float64]
_Counts = npt.NDArray[np.float64] | npt.NDArray[np.integer[Any]]

# Terms of Mehler's expansion: identical binary columns are told from a correlation of 0.94 on.
_TERMS = 60
_HALVINGS = 50
# No atom of this share or more: normal scores are normal to three digits.
_ATOM = 1e-3
_LEAST_EIGENVALUE = 1e-8


def normal_scores(counts: _Counts) -> _Floats:
    """Give the normal scores of mid-ranks, with mean 0 and variance 1 over all rows.

    Parameters
    ----------
    counts : ndarray, shape (K,), float64 or int
        Rows at each value, ascending; not negative.

    Returns
    -------
    ndarray of float64, shape (K,)
        All 0 where fewer than two values have more than a billionth of the rows.

    Examples
    --------
    >>> normal_scores(np.array([50.0, 0.0, 50.0])).round(3).tolist()
    [-1.0, 0.0, 1.0]
    """
    if (counts > 1e-9 * counts.max(initial=0)).sum() < 2:
        return np.zeros(len(counts))
    shares = counts / counts.sum()
    scores = ndtri(np.clip(np.cumsum(shares) - 0.5 * shares, 1e-12, 1.0 - 1e-12))
    scores -= shares @ scores
    scaled: _Floats = scores / np.sqrt(shares @ scores**2)
    return scaled


def latent_correlation(
    observed: _Floats, chance: _Floats, counts: Sequence[_Counts], floor: float = 0.0
) -> _Floats:
    """Give the correlation of latent normal variables.

    Each score is a step function of its latent variable. Their correlation is a power series in
    that of the latent variables, with the products of their Hermite coefficients (Mehler 1866,
    Journal für die reine und angewandte Mathematik 66, 161-176), and is solved by bisection.

    Parameters
    ----------
    observed : ndarray, shape (q, q)
        Correlations of `normal_scores`, symmetric; those that noise left beyond -1 or 1 are cut.
    chance : ndarray, shape (q, q)
        The mean square that each would have if the two were independent: so much is taken off its
        square, down to 0.
    counts : sequence of ndarray, each of shape (K,)
        Rows at each value of each variable, ascending; not negative.
    floor : float
        In [0, 1): eigenvalues are raised to this, where noise left smaller ones.

    Returns
    -------
    ndarray of float64, shape (q, q)
        Positive definite, with a diagonal of 1.

    Examples
    --------
    >>> half = [np.array([500.0, 500.0])] * 2
    >>> observed = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> latent_correlation(observed, np.zeros((2, 2)), half).round(3)[0].tolist()
    [1.0, 0.707]
    """
    if not len(counts):
        return np.empty((0, 0))
    bounded = np.clip(observed, -1.0, 1.0)
    sure = np.sign(bounded) * np.sqrt(np.maximum(bounded**2 - chance, 0.0))
    hermite = np.stack([_hermite(each) for each in counts])
    above = np.triu_indices(len(counts), 1)
    result = np.zeros(observed.shape)
    result[above] = _solved(sure[above], hermite[above[0]] * hermite[above[1]])
    full = result + result.T + np.eye(len(result))
    return _positive_definite(full, max(floor, _LEAST_EIGENVALUE))


def _hermite(counts: _Counts) -> _Floats:
    """Give the coefficients of the scores, a step function of the latent variable."""
    some = np.maximum(np.rint(counts[counts > 0]), 1.0)
    coefficients = np.zeros(_TERMS)
    if len(some) < 2:
        return coefficients
    shares = some / some.sum()
    if float(shares.max()) < _ATOM:
        coefficients[0] = 1.0
        return coefficients
    cuts = ndtri(np.cumsum(shares)[:-1])
    steps = np.diff(normal_scores(some)) * np.exp(-0.5 * cuts**2) / np.sqrt(2.0 * np.pi)
    before, polynomial = np.zeros(len(cuts)), np.ones(len(cuts))
    for m in range(1, _TERMS + 1):
        coefficients[m - 1] = steps @ polynomial / np.sqrt(m)
        following = (cuts * polynomial - np.sqrt(m - 1) * before) / np.sqrt(m)
        before, polynomial = polynomial, following
    return coefficients


def _solved(observed: _Floats, products: _Floats) -> _Floats:
    # Monotone scores correlate the more, the more their latent variables do.
    low, high = np.full(observed.shape, -1.0), np.ones(observed.shape)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        reached = np.zeros(observed.shape)
        for term in products.T[::-1]:
            reached = (reached + term) * middle
        too_low = reached < observed
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return np.where(observed == 0.0, 0.0, 0.5 * (low + high))


def _positive_definite(matrix: _Floats, least: float) -> _Floats:
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < least:
        matrix = (vectors * np.maximum(values, least)) @ vectors.T
        matrix = 0.5 * (matrix + matrix.T)
    scale = 1.0 / np.sqrt(np.diag(matrix))
    scaled: _Floats = matrix * scale * scale[:, None]
    np.fill_diagonal(scaled, 1.0)
    return scaled
