"""Several claims at once: p-values adjusted so that the family keeps its error rate."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["benjamini_hochberg", "holm"]


def holm(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values by Holm's step-down method.

    Rejecting every claim whose adjusted p-value is at most alpha keeps the chance of even one
    false claim at or below alpha, whatever the dependence between the claims.

    Parameters
    ----------
    p : sequence or ndarray, shape (m,), float
        P-values in [0, 1]; may be empty.

    Returns
    -------
    ndarray, shape (m,), float64
        Adjusted p-values in [0, 1], in the order of `p` and never below it; equal p-values
        stay equal.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70; in the adjusted form of Wright
    (1992), Biometrics 48, 1005-1013.

    Examples
    --------
    >>> holm([0.04, 0.01, 0.03]).tolist()
    [0.06, 0.03, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.arange(len(values), 0, -1) * values[order]
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return adjusted


def benjamini_hochberg(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values by the step-up method of Benjamini and Hochberg.

    Rejecting every claim whose adjusted p-value is at most alpha keeps the expected share of
    false claims among the claims made (the false discovery rate) at or below alpha, for tests
    that are independent or positively dependent. It allows more false claims than `holm`.

    Parameters
    ----------
    p : sequence or ndarray, shape (m,), float
        P-values in [0, 1]; may be empty.

    Returns
    -------
    ndarray, shape (m,), float64
        Adjusted p-values in [0, 1], in the order of `p`, never below it and never above those of
        `holm`; equal p-values stay equal.

    References
    ----------
    Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300;
    positive dependence: Benjamini and Yekutieli (2001), Annals of Statistics 29, 1165-1188.

    Examples
    --------
    >>> benjamini_hochberg([0.04, 0.01, 0.03]).tolist()
    [0.04, 0.03, 0.04]
    """
    values = np.asarray(p, dtype=np.float64)
    descending = np.argsort(values, kind="stable")[::-1]
    count = len(values)
    # The factor first: it is 1 for the largest, which so keeps its digits.
    stepped = values[descending] * (count / np.arange(count, 0, -1))
    adjusted = np.empty_like(values)
    adjusted[descending] = np.minimum(1.0, np.minimum.accumulate(stepped))
    return adjusted
