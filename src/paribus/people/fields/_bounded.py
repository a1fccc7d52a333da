"""Normal numbers within bounds, by the inverse of the distribution function."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri


def bounded_normal(
    u: npt.NDArray[np.float64], low: float | None, high: float | None
) -> npt.NDArray[Any]:
    """Turn uniform numbers in [0, 1) into standard normal ones within bounds.

    Parameters
    ----------
    u : ndarray of shape (n,)
    low, high : float or None
        Bounds in standard deviations from the mean.

    Returns
    -------
    ndarray of shape (n,)
        Distributed as the normal distribution cut off at the bounds (Devroye 1986, II.2.2).
    """
    # Far out on the upper side the distribution function is 1 to machine precision: mirror.
    if low is not None and low > 0:
        mirrored = None if high is None else -high
        return -bounded_normal(1 - u, mirrored, -low)
    below = 0.0 if low is None else float(ndtr(low))
    above = 1.0 if high is None else float(ndtr(high))
    # An exact 0 or 1 has no finite inverse; the nearest number that has is 2**-54 away.
    inner = np.clip(below + u * (above - below), 2.0**-1000, 1 - 2.0**-53)
    normal: npt.NDArray[np.float64] = ndtri(inner)
    return normal


def within(
    values: npt.NDArray[np.float64], low: float | None, high: float | None, decimals: int | None
) -> npt.NDArray[np.float64]:
    """Round, and hold to the bounds, which the way through standard deviations may miss by a bit.

    Parameters
    ----------
    values : ndarray of shape (n,)
    low, high : float or None
    decimals : int or None
    """
    rounded = values if decimals is None else values.round(decimals)
    lower = rounded if low is None else np.maximum(rounded, low)
    return lower if high is None else np.minimum(lower, high)
