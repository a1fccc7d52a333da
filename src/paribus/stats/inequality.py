"""Inequality of the benefits that decisions bring to people, as a whole and between groups.

Tables `cells`, and metrics as `values` and `defined`, are those of `paribus.stats.confusion`. The
benefit of a person is the decision minus the label plus 1: 2 for an undeserved favor, 1 for a
correct decision, 0 for a denied favor.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import kl_div

from paribus.stats.confusion import shares
from paribus.stats.disparities import Measured

__all__ = ["between_group_entropy", "generalized_entropy"]

_BENEFIT = np.array([[0.5, 1.0], [0.0, 0.5]])  # of the largest; only relative benefits matter


def generalized_entropy(cells: NDArray[Any], alpha: Literal[1, 2]) -> Measured:
    """Measure the inequality of individual benefits; with an `alpha` of 1 it is Theil's index.

    Parameters
    ----------
    cells : ndarray, shape (..., G, 2, 2)
        The groups are put together.
    alpha : {1, 2}
        With `r` the benefits over their mean: the mean of ``r log r`` for 1, of
        ``(r ** 2 - 1) / 2`` for 2, which is half the squared coefficient of variation.

    Returns
    -------
    values, defined : ndarray, shape (...)
        At least 0, which means equal benefits. Undefined where nobody has a benefit.

    References
    ----------
    Speicher et al. (2018), A unified approach to quantifying algorithmic unfairness, KDD,
    2239-2248, equations 1 and 2.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[[1369, 532], [805, 990]], [[505, 461], [349, 1139]]])
    >>> round(float(generalized_entropy(cells, alpha=1)[0]), 8)
    0.25638074
    """
    people = np.asarray(cells, dtype=np.float64).sum(axis=-3)
    return _inequality(_BENEFIT.ravel(), people.reshape(*people.shape[:-2], 4), alpha)


def between_group_entropy(cells: NDArray[Any], alpha: Literal[1, 2]) -> Measured:
    """Measure the part of `generalized_entropy` that lies between the groups.

    It is that of a population in which everybody has the mean benefit of the own group
    (Speicher et al. 2018, section 3.3).

    Parameters
    ----------
    cells : ndarray, shape (..., G, 2, 2)
    alpha : {1, 2}

    Returns
    -------
    values, defined : ndarray, shape (...)
        At least 0, at most `generalized_entropy`. Undefined where nobody has a benefit.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[[1369, 532], [805, 990]], [[505, 461], [349, 1139]]])
    >>> round(float(between_group_entropy(cells, alpha=1)[0]), 8)
    0.00179195
    """
    table = np.asarray(cells, dtype=np.float64)
    people = table.sum(axis=(-2, -1))
    benefit, _ = shares((table * _BENEFIT).sum(axis=(-2, -1)), people)
    return _inequality(benefit, people, alpha)


def _inequality(
    benefit: NDArray[np.float64], people: NDArray[np.float64], alpha: Literal[1, 2]
) -> Measured:
    share, _ = shares(people, np.broadcast_to(people.sum(axis=-1)[..., None], people.shape))
    mean = (share * benefit).sum(axis=-1, keepdims=True)
    defined = mean > 0
    relative = benefit / np.where(defined, mean, 1.0)
    # Both indices less a multiple of r - 1, which is 0 in the mean: no term is negative.
    if alpha == 1:
        terms = share * kl_div(relative, 1.0)
    else:
        terms = share * (relative - 1.0) / 2.0 * (relative - 1.0)
    return np.where(defined[..., 0], terms.sum(axis=-1), 0.0), defined[..., 0]
