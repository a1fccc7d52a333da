"""Reweighing: weights of people that make the label independent of the group."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["cell_weights", "expected", "reweighing"]

_LARGEST = np.finfo(np.float64).max
# Cells that a table may have beyond those of the rows before the codes are packed.
_SPARE = 65_536


def reweighing(
    groups: NDArray[np.integer[Any]],
    labels: NDArray[np.integer[Any]],
    *,
    weight: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Weigh each row by how often its group and label should meet, over how often they do.

    The weight of a row is ``P(group) P(label) / P(group, label)``, times its prior weight if
    there is one; the probabilities are then shares of prior weight.

    Parameters
    ----------
    groups : ndarray, shape (n,), int
        Code of each row's group, at least 0. An unknown group needs a code of its own. Codes
        that never occur change nothing.
    labels : ndarray, shape (n,), int or bool
        Code of each row's label, at least 0.
    weight : ndarray, shape (n,), float64, optional
        Prior weights, each 0 or between 1e-100 and 1e100; 1 each if not given.

    Returns
    -------
    ndarray, shape (n,), float64
        Weights that include the prior ones: pass them on instead of the prior weights. At least
        0, and 0 only where the prior weight is.

    Raises
    ------
    ValueError
        If the arrays are not of one dimension and one length, codes are no whole numbers or
        negative, or a weight is negative or not finite.

    Notes
    -----
    Afterwards each label has the same weighted rate in every group in which all labels occur:
    the rate that it had among all rows before. Without an empty cell each group and each label
    keeps its total weight, and reweighing again, with the result as prior weights, changes
    nothing.

    A cell is empty where a group and a label have weight, but none together. No weight of rows
    can fill it. A group with empty cells cannot reach the common rates: the labels that it lacks
    stay at 0, the others keep their proportions to each other and share its whole weight. The
    total weight falls by what `expected` has in the empty cells, and reweighing again would move
    weights further.

    References
    ----------
    Kamiran and Calders (2012), Knowledge and Information Systems 33, 1-33.

    Examples
    --------
    >>> import numpy as np
    >>> groups = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> labels = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    >>> reweighing(groups, labels).round(3)
    array([0.667, 0.667, 0.667, 2.   , 2.   , 0.667, 0.667, 0.667])
    """
    group, label = _codes(groups, "groups"), _codes(labels, "labels")
    if len(group) != len(label):
        raise ValueError(f"there are {len(group)} groups, but {len(label)} labels")
    n = len(group)
    if not n:
        return np.empty(0)
    if (int(group.max()) + 1) * (int(label.max()) + 1) > 4 * n + _SPARE:
        group = np.unique(group, return_inverse=True)[1]
        label = np.unique(label, return_inverse=True)[1]
    shape = int(group.max()) + 1, int(label.max()) + 1
    cells = np.multiply(group, shape[1], dtype=np.intp)
    # All codes are small by now; the default rule would refuse to add uint64 to int64.
    np.add(cells, label, out=cells, casting="unsafe")
    size = shape[0] * shape[1]
    if weight is None:
        counts = np.bincount(cells, minlength=size).reshape(shape)
        factors: NDArray[np.float64] = cell_weights(counts).ravel().take(cells)
        return factors
    prior = np.asarray(weight, dtype=np.float64)
    if prior.shape != (n,):
        raise ValueError(f"weight has shape {prior.shape}, not ({n},) as the rows")
    if not (prior.min() >= 0 and prior.max() < np.inf):
        raise ValueError("weight must be finite and at least 0")
    counts = np.bincount(cells, weights=prior, minlength=size).reshape(shape)
    weights: NDArray[np.float64] = cell_weights(counts).ravel().take(cells)
    weights *= prior
    return weights


def cell_weights(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Give the factor by which `reweighing` multiplies the weights of each cell.

    Parameters
    ----------
    counts : ndarray, shape (G, L), int or float
        Rows, or their total weight, by group and label; each 0, or between 1e-150 and 1e150.

    Returns
    -------
    ndarray, shape (G, L), float64
        `expected` over `counts`, above 0; 1 in empty cells, in which no row is.

    Examples
    --------
    >>> import numpy as np
    >>> cell_weights(np.array([[427, 160], [63, 50], [0, 0]])).round(4)
    array([[0.9623, 1.1006],
           [1.2556, 0.678 ],
           [1.    , 1.    ]])
    """
    table = np.asarray(counts, dtype=np.float64)
    filled = table > 0
    with np.errstate(over="ignore"):
        factors = expected(table) / np.where(filled, table, 1.0)
    return np.where(filled, np.minimum(factors, _LARGEST), 1.0)


def expected(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Give the table with the same margins in which group and label are independent.

    Parameters
    ----------
    counts : ndarray, shape (G, L), int or float
        Rows, or their total weight, by group and label; each 0, or between 1e-150 and 1e150.

    Returns
    -------
    ndarray, shape (G, L), float64
        Product of the margins over the total; all 0 where the total is.

    Examples
    --------
    >>> import numpy as np
    >>> expected(np.array([[3, 1], [1, 3]]))
    array([[2., 2.],
           [2., 2.]])
    """
    table = np.asarray(counts, dtype=np.float64)
    total = float(table.sum())
    if not total:
        return np.zeros(table.shape)
    # The product first: counts stay exact, so that independent cells have a weight of exactly 1.
    product: NDArray[np.float64] = np.outer(table.sum(axis=1), table.sum(axis=0))
    return product / total


def _codes(codes: NDArray[Any], name: str) -> NDArray[Any]:
    array = np.asarray(codes)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iub"):
        shape = f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"{name} must be whole numbers in one dimension, not {shape}")
    if array.size and array.dtype.kind == "i" and array.min() < 0:
        raise ValueError(f"{name} has negative codes: give the unknown a code of its own")
    return array
