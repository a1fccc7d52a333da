"""Learning curves: how wrong a learner is as it is shown more and more people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from paribus._seeds import generator
from paribus.evidence._learners import Design, probabilities
from paribus.stats.moments import Moments, mean_interval

FEWEST = 40
"""People with a label from which on a learner is asked for."""

_FIRST = 50
"""People that the shortest training set has, at least."""

_STEP = 1.4
"""How much larger than the one before a training set is, at least."""

_ROUNDING = 1e-9

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]
Rows = npt.NDArray[np.intp]


class Benefit(NamedTuple):
    """What twice the people to learn from take off an error rate, with its interval."""

    estimate: float
    low: float
    high: float
    p: float
    """Of no change."""


def training_sizes(most: int, points: int) -> tuple[int, ...]:
    """Choose sizes of training sets, the largest two of which are everybody and half of them.

    Parameters
    ----------
    most : int
        People to learn from.
    points : int
        Sizes to choose, at least 2.

    Returns
    -------
    tuple of int
        Rising, each at least 1.4 times the one before; the smaller ones in equal ratios from 50
        up. Fewer where there is no room, none for fewer than 20 people.

    Examples
    --------
    >>> training_sizes(10_000, 6)
    (50, 158, 500, 1581, 5000, 10000)
    >>> training_sizes(120, 6), training_sizes(19, 6)
    ((60, 120), ())
    """
    if most < FEWEST // 2:
        return ()
    half = most // 2
    steps = [half, most]
    if points > 2 and half >= _STEP * _FIRST:
        room = int(np.log(half / _FIRST) / np.log(_STEP))
        between = np.geomspace(_FIRST, half, min(points - 1, room + 1))[:-1]
        steps = [*(round(each) for each in between.tolist()), *steps]
    return tuple(steps)


def wrong(shares: Floats, target: Codes) -> Floats:
    """Tell where the likeliest class is another than the true one.

    Parameters
    ----------
    shares : ndarray of float64, shape (n, classes)
    target : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
        0 or 1.

    Examples
    --------
    >>> wrong(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1])).tolist()
    [0.0, 1.0]
    """
    return np.asarray(shares.argmax(axis=1) != target, np.float64)


def errors_by_size(
    of: Design,
    target: Codes,
    classes: int,
    fit: Rows,
    test: Rows,
    sizes: Sequence[int],
    repeats: int,
    seed: int,
) -> list[Floats]:
    """Judge learners of training sets of several sizes by the same people.

    Parameters
    ----------
    of : Design
    target : ndarray of int, shape (n,)
        Class of each row, known in the rows of `fit` and `test`.
    classes : int
    fit, test : ndarray of int
        Positions of rows to learn from, and to judge by.
    sizes : sequence of int
        At most ``len(fit)``.
    repeats : int
        Random training sets of each size; there is one alone of everybody.
    seed : int

    Returns
    -------
    list of ndarray of float64, shape (repeats, len(test))
        For each size and training set, 1 where the likeliest class is wrong, else 0.
    """
    orders = [
        _order(target, classes, fit, generator(seed, "training/order", r)) for r in range(repeats)
    ]
    out = []
    for size in sizes:
        sets = [order[:size] for order in orders] if size < len(fit) else [fit]
        learned = [probabilities(of, target, rows, test, seed, classes) for rows in sets]
        out.append(np.stack([wrong(shares, target[test]) for shares in learned]))
    return out


def _order(target: Codes, classes: int, fit: Rows, rng: np.random.Generator) -> Rows:
    """Shuffle rows so that each class is spread evenly: few have all classes in their shares."""
    order = rng.permutation(fit)
    place = np.empty(len(order))
    for each in range(classes):
        mine = np.flatnonzero(target[order] == each)
        place[mine] = (np.arange(len(mine)) + rng.random()) / max(1, len(mine))
    return order[np.argsort(place, kind="stable")]


def benefit(half: Floats, full: Floats, share: float, confidence: float) -> Benefit:
    """Tell how much error the second half of a training set takes away.

    Two things make it uncertain. Who it is judged by: the differences of each one's errors show how
    much, with the chance that strikes each of them apart. And who it learned from, where that makes
    a learner better or worse for all of them: the repeats show it, beyond what the former explains.
    Parts of one set overlap and so differ too little by the share that is not left out (a finite
    population), and the learner of everybody, fitted once, counts as one repeat more.

    Parameters
    ----------
    half : ndarray of float64, shape (repeats, n)
        Errors of each of `n` people by learners of random parts of a training set, at least two
        repeats and one person.
    full : ndarray of float64, shape (n,)
        Errors by the learner of all of it.
    share : float
        What share of all each part is, in (0, 1).
    confidence : float
        Of the interval, in (0, 1).

    Returns
    -------
    Benefit
        In [-1, 1]; above 0 where more people to learn from give less error.

    References
    ----------
    Satterthwaite (1946), Biometrics Bulletin 2, 110-114, for the degrees of freedom; Cochran
    (1977), Sampling Techniques, 3rd edition, section 2.6, for the finite population.

    Examples
    --------
    >>> half = np.array([[1.0, 1, 0, 1, 0, 1], [1, 0, 0, 1, 1, 1]])
    >>> found = benefit(half, np.array([0.0, 0, 0, 1, 0, 0]), 0.5, 0.95)
    >>> round(found.estimate, 4), found.low < found.estimate < found.high
    (0.5, True)
    """
    gaps = Moments.of(half.mean(axis=0) - full)
    repeats, people = half.shape
    # Learners that are wrong about other people each, and no more or less often, differ by this.
    alone = float(half.var(axis=0, ddof=1).mean()) / people
    common = max(0.0, float(half.mean(axis=1).var(ddof=1)) - alone) / (1 - share)
    parts = np.array([gaps.sd**2 / people, common * (1 + 1 / repeats)])
    error = float(np.sqrt(parts.sum()))
    p = 1.0
    if people < 2 or error <= _ROUNDING:
        low, high = mean_interval(gaps, confidence, 1.0)
    else:
        each = (parts / parts.sum()) ** 2 / np.array([people - 1, repeats - 1])
        freedom = 1 / float(each.sum())
        reach = -float(stdtrit(freedom, (1 - confidence) / 2)) * error
        low, high = gaps.mean - reach, gaps.mean + reach
        p = min(1.0, 2 * float(stdtr(freedom, -abs(gaps.mean) / error)))
    low, high = max(-1.0, min(low, gaps.mean)), min(1.0, max(high, gaps.mean))
    return Benefit(gaps.mean, low, high, p)
