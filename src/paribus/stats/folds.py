"""Rows dealt into parts, with every class spread over all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from paribus._seeds import generator


def folds(strata: npt.NDArray[np.integer[Any]], parts: int, seed: int) -> npt.NDArray[np.intp]:
    """Deal rows into parts of equal size, with every class spread over all of them.

    Parameters
    ----------
    strata : ndarray of int, shape (n,)
        Classes; all 0 where there are none.
    parts : int
    seed : int

    Returns
    -------
    ndarray of int, shape (n,)
        Part of each row, from 0 to ``parts - 1``.

    Examples
    --------
    >>> np.bincount(folds(np.array([0, 0, 0, 0, 1, 1]), 2, seed=1)[:4]).tolist()
    [2, 2]
    """
    order = generator(seed, "learners/folds", 0).permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    out = np.empty(len(strata), dtype=np.intp)
    out[order] = np.arange(len(strata)) % parts
    return out
