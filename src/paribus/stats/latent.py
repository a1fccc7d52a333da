"""The correlation of latent normal variables, from correlations of the scores of what is seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from paribus.stats.copula import _hermite, _latent_correlations, _positive_definite, _Ranked

__all__ = ["latent_correlation", "normal_scores"]

_Floats = npt.NDArray[np.float64]


def normal_scores(counts: _Floats) -> _Floats:
    """Give the normal scores of mid-ranks, with mean 0 and variance 1 over all rows.

    Parameters
    ----------
    counts : ndarray, shape (K,), float64
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
    if (counts > 1e-9 * counts.max(initial=0.0)).sum() < 2:
        return np.zeros(len(counts))
    shares = counts / counts.sum()
    scores = ndtri(np.clip(np.cumsum(shares) - 0.5 * shares, 1e-12, 1.0 - 1e-12))
    scores -= shares @ scores
    scaled: _Floats = scores / np.sqrt(shares @ scores**2)
    return scaled


def latent_correlation(observed: _Floats, chance: _Floats, counts: Sequence[_Floats]) -> _Floats:
    """Give the correlation of latent normal variables.

    Parameters
    ----------
    observed : ndarray, shape (q, q)
        Correlations of `normal_scores`, symmetric, as noise left them: any size.
    chance : ndarray, shape (q, q)
        The mean square that each would have if the two were independent: so much is taken off its
        square, down to 0. Where noise leaves no correlation matrix, eigenvalues are raised to the
        root of the median of these (0.1 at most): below it there is nothing but noise.
    counts : sequence of ndarray, each of shape (K,)
        Rows at each value of each variable, ascending; not negative.

    Returns
    -------
    ndarray of float64, shape (q, q)
        Positive definite, with a diagonal of 1 (see `paribus.stats.copula.Copula`).

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
    hermite = np.stack([_hermite(_ranked(each)) for each in counts])
    above = np.triu_indices(len(counts), 1)
    result = np.zeros(observed.shape)
    result[above] = _latent_correlations(sure[above], hermite[above[0]] * hermite[above[1]])
    full = result + result.T + np.eye(len(result))
    floor = min(0.1, float(np.sqrt(np.median(chance[above])))) if len(above[0]) else 0.0
    values, vectors = np.linalg.eigh(full)
    if values[0] < floor:
        full = (vectors * np.maximum(values, floor)) @ vectors.T
        full /= np.sqrt(np.outer(np.diag(full), np.diag(full)))
    return _positive_definite(full)


def _ranked(counts: _Floats) -> _Ranked:
    some = np.maximum(np.rint(counts[counts > 0]), 1.0).astype(np.int64)
    return _Ranked(np.arange(len(some)), some, np.empty(0, dtype=np.int64))
