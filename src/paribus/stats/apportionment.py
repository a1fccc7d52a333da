"""Whole numbers in place of fractions, with the same sum."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["largest_remainder"]

# Quotas that differ by less differ by rounding, and are treated alike.
_DIGITS = 9


def largest_remainder(quotas: NDArray[Any], total: int) -> NDArray[np.int64]:
    """Round numbers so that they keep their sum, by the method of largest remainders.

    Each number is rounded down, and those with the largest remainders are rounded up until the
    sum is reached; of equal remainders the first.

    Parameters
    ----------
    quotas : ndarray, shape (n,), numeric
        At least 0.
    total : int
        The sum to reach, which is their own up to rounding.

    Returns
    -------
    ndarray of int64, shape (n,)
        Each less than 1 away from its quota.

    References
    ----------
    Hamilton's method: Balinski and Young (2001), Fair Representation, chapter 2.

    Examples
    --------
    >>> largest_remainder(np.array([2.4, 3.3, 4.3]), 10).tolist()
    [3, 3, 4]
    """
    exact = np.round(np.asarray(quotas, np.float64), _DIGITS)
    out = np.floor(exact).astype(np.int64)
    missing = int(total - out.sum())
    order = np.argsort(-np.round(exact - out, _DIGITS), kind="stable")
    out[order[: max(0, missing)]] += 1
    return out
