"""Rates of each group of a contingency table, and how far the groups are from parity in them.

A table `cells` has shape ``(..., G, 2, 2)``: groups by true label by decision, where index 1 is
the favorable one, which the literature calls positive. Entries are counts or sums of weights, at
least 0 and at most 1e100; leading axes are tables of their own, such as resamples.

Every metric comes as two arrays of equal shape, `values` and `defined`. A rate without a trial is
not 0 but unknown: `defined` is then False, and the value, which is always finite, says nothing.

Definitions are those of Fairlearn (Bird et al. 2020, Microsoft MSR-TR-2020-32) and, against a
reference group, of AIF360 (Bellamy et al. 2018, arXiv:1810.01943). Both take an unknown rate as 0
or NaN, and 0 over 0 as NaN; the values differ there and nowhere else. An unknown name of a rate
or a criterion raises KeyError.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from paribus.stats.disparities import Measured, difference, difference_from, ratio, ratio_to

__all__ = [
    "CRITERIA",
    "RATES",
    "Rate",
    "average_absolute_odds_difference",
    "average_odds_difference",
    "balanced_accuracy",
    "counted",
    "criterion_difference",
    "criterion_difference_from",
    "criterion_ratio",
    "criterion_ratio_to",
    "f1",
    "one_versus_rest",
    "overall_accuracy",
    "rates",
    "selected",
    "shares",
]

Counted: TypeAlias = tuple[NDArray[Any], NDArray[Any]]

_TN, _FP, _FN, _TP = (0, 0), (0, 1), (1, 0), (1, 1)
_ALL = (_TN, _FP, _FN, _TP)


@dataclass(frozen=True, slots=True)
class Rate:
    """Which cells of a table are the events of a rate, and which its trials.

    Attributes
    ----------
    events, trials : tuple of (label, decision)
        Indices of cells; the events are among the trials.
    needs_labels : bool
        Whether the rate depends on the true labels.

    Examples
    --------
    >>> RATES["TPR"]
    Rate(events=((1, 1),), trials=((1, 0), (1, 1)), needs_labels=True)
    """

    events: tuple[tuple[int, int], ...]
    trials: tuple[tuple[int, int], ...]
    needs_labels: bool = True


#: Rates by name. FDR and FOR are the false discovery and the false omission rate.
RATES: Mapping[str, Rate] = {
    "base rate": Rate((_FN, _TP), _ALL),
    "selection rate": Rate((_FP, _TP), _ALL, needs_labels=False),
    "TPR": Rate((_TP,), (_FN, _TP)),
    "FPR": Rate((_FP,), (_TN, _FP)),
    "TNR": Rate((_TN,), (_TN, _FP)),
    "FNR": Rate((_FN,), (_FN, _TP)),
    "PPV": Rate((_TP,), (_FP, _TP)),
    "NPV": Rate((_TN,), (_TN, _FN)),
    "FDR": Rate((_FP,), (_FP, _TP)),
    "FOR": Rate((_FN,), (_TN, _FN)),
    "accuracy": Rate((_TN, _TP), _ALL),
    "error rate": Rate((_FP, _FN), _ALL),
}

#: Fairness criteria by name: the rates that each wants equal in all groups. Names as in Verma
#: and Rubin (2018), Fairness definitions explained, FairWare '18, 1-7.
CRITERIA: Mapping[str, tuple[str, ...]] = {
    "demographic parity": ("selection rate",),
    "equal opportunity": ("TPR",),
    "predictive equality": ("FPR",),
    "equalized odds": ("TPR", "FPR"),
    "predictive parity": ("PPV",),
    "conditional use accuracy equality": ("PPV", "NPV"),
    "overall accuracy equality": ("accuracy",),
}


def counted(cells: NDArray[Any], name: str) -> Counted:
    """Count the events and the trials of a rate in each group.

    Parameters
    ----------
    cells : ndarray, shape (..., G, 2, 2)
    name : str, a key of `RATES`

    Returns
    -------
    events, trials : ndarray, shape (..., G)
        int64 where `cells` are integers, else float64; ``0 <= events <= trials``.

    Examples
    --------
    >>> import numpy as np
    >>> counted(np.array([[[990, 805], [532, 1369]]]), "FPR")
    (array([805]), array([1795]))
    """
    table = np.asarray(cells)
    table = table.astype(np.float64 if table.dtype.kind == "f" else np.int64, copy=False)
    rate = RATES[name]
    return _total(table, rate.events), _total(table, rate.trials)


def selected(decisions: NDArray[Any]) -> Counted:
    """Count the favorable decisions and all decisions of each group, where labels are unknown.

    Parameters
    ----------
    decisions : ndarray, shape (..., G, 2)
        Groups by decision.

    Returns
    -------
    events, trials : ndarray, shape (..., G)
        As `counted` gives them for the selection rate.

    Examples
    --------
    >>> import numpy as np
    >>> selected(np.array([[9, 16], [5, 3]]))
    (array([16,  3]), array([25,  8]))
    """
    table = np.asarray(decisions)
    return counted(np.stack([table, np.zeros_like(table)], axis=-2), "selection rate")


def shares(events: NDArray[Any], trials: NDArray[Any]) -> Measured:
    """Divide events by trials where there are any.

    Parameters
    ----------
    events, trials : ndarray of one shape
        ``0 <= events <= trials``.

    Returns
    -------
    values, defined : ndarray of that shape
        Shares in [0, 1]; 0.0 and False where there is no trial.

    Examples
    --------
    >>> import numpy as np
    >>> shares(np.array([1, 0]), np.array([4, 0]))
    (array([0.25, 0.  ]), array([ True, False]))
    """
    defined = np.asarray(trials) > 0
    values = np.zeros(defined.shape)
    np.divide(events, trials, out=values, where=defined)
    return np.minimum(values, 1.0), defined  # weights added in another order can differ


def rates(cells: NDArray[Any], name: str) -> Measured:
    """Measure a rate in each group.

    Parameters
    ----------
    cells : ndarray, shape (..., G, 2, 2)
    name : str, a key of `RATES`

    Returns
    -------
    values, defined : ndarray, shape (..., G)
        Rates in [0, 1]; 0.0 and False where there is no trial.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[[990, 805], [532, 1369]], [[1139, 349], [461, 505]]])
    >>> rates(cells, "FPR")[0].round(4)
    array([0.4485, 0.2345])
    """
    return shares(*counted(cells, name))


def balanced_accuracy(cells: NDArray[Any]) -> Measured:
    """Measure the mean of the true positive and the true negative rate in each group.

    Parameters
    ----------
    cells : ndarray, shape (..., G, 2, 2)

    Returns
    -------
    values, defined : ndarray, shape (..., G)
        In [0, 1]; defined where both labels occur.

    Examples
    --------
    >>> import numpy as np
    >>> balanced_accuracy(np.array([[[3, 1], [1, 1]]]))
    (array([0.625]), array([ True]))
    """
    return _mean(rates(cells, "TPR"), rates(cells, "TNR"))


def f1(cells: NDArray[Any]) -> Measured:
    """Measure the harmonic mean of precision and recall in each group.

    Parameters
    ----------
    cells : ndarray, shape (..., G, 2, 2)

    Returns
    -------
    values, defined : ndarray, shape (..., G)
        ``2 TP / (2 TP + FP + FN)``, in [0, 1]; undefined where all are true negatives.

    Examples
    --------
    >>> import numpy as np
    >>> f1(np.array([[[5, 1], [1, 2]]]))[0].round(4)
    array([0.6667])
    """
    table = np.asarray(cells, dtype=np.float64)
    return shares(_total(table, (_TP, _TP)), _total(table, (_TP, _TP, _FP, _FN)))


def criterion_difference(
    cells: NDArray[Any], criterion: str, agg: Literal["worst", "mean"] = "worst"
) -> Measured:
    """Measure how far the groups are from a fairness criterion, as a difference.

    Parameters
    ----------
    cells : ndarray, shape (..., G, 2, 2)
    criterion : str, a key of `CRITERIA`
    agg : {"worst", "mean"}
        What to make of the `difference` of several rates: the largest, or their mean.

    Returns
    -------
    values, defined : ndarray, shape (...)
        In [0, 1]; 0 means parity. Defined where each rate is in two groups or more.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[[990, 805], [532, 1369]], [[1139, 349], [461, 505]]])
    >>> round(float(criterion_difference(cells, "equalized odds")[0]), 4)
    0.2139
    """
    values, defined = _by_rate(cells, criterion, difference)
    return (np.max if agg == "worst" else np.mean)(values, axis=-1), np.all(defined, axis=-1)


def criterion_ratio(
    cells: NDArray[Any], criterion: str, agg: Literal["worst", "mean"] = "worst"
) -> Measured:
    """Measure how far the groups are from a fairness criterion, as a ratio.

    As `criterion_difference`, with `ratio`: in [0, 1], and 1 means parity. The worst of several
    ratios is the smallest.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[[990, 805], [532, 1369]], [[1139, 349], [461, 505]]])
    >>> round(float(criterion_ratio(cells, "equalized odds")[0]), 4)
    0.523
    """
    values, defined = _by_rate(cells, criterion, ratio)
    return (np.min if agg == "worst" else np.mean)(values, axis=-1), np.all(defined, axis=-1)


def criterion_difference_from(cells: NDArray[Any], criterion: str, reference: int) -> Measured:
    """Measure how far each group is from the reference group by a criterion, as a difference.

    Parameters
    ----------
    cells : ndarray, shape (..., G, 2, 2)
    criterion : str, a key of `CRITERIA`
    reference : int, index of a group

    Returns
    -------
    values, defined : ndarray, shape (..., G)
        `difference_from` of the rate that is farthest from parity, with its sign, in [-1, 1].
        Defined where each rate is in both groups.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[[990, 805], [532, 1369]], [[1139, 349], [461, 505]]])
    >>> criterion_difference_from(cells, "equalized odds", reference=1)[0].round(4)
    array([0.2139, 0.    ])
    """
    values, defined = _by_rate(cells, criterion, lambda v, d: difference_from(v, d, reference))
    return _farthest(values, np.abs(values)), np.all(defined, axis=-1)


def criterion_ratio_to(cells: NDArray[Any], criterion: str, reference: int) -> Measured:
    """Measure how far each group is from the reference group by a criterion, as a ratio.

    As `criterion_difference_from`, with `ratio_to`: of the rate that is farthest from parity, be
    it above or below 1.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[[990, 805], [532, 1369]], [[1139, 349], [461, 505]]])
    >>> criterion_ratio_to(cells, "equalized odds", reference=1)[0].round(4)
    array([1.9121, 1.    ])
    """
    values, defined = _by_rate(cells, criterion, lambda v, d: ratio_to(v, d, reference))
    distances = np.abs(np.log(np.maximum(values, sys.float_info.min)))
    return _farthest(values, distances), np.all(defined, axis=-1)


def average_odds_difference(cells: NDArray[Any], reference: int) -> Measured:
    """Average the differences of FPR and TPR between each group and the reference.

    Parameters
    ----------
    cells : ndarray, shape (..., G, 2, 2)
    reference : int, index of a group

    Returns
    -------
    values, defined : ndarray, shape (..., G)
        Group minus reference, in [-1, 1]; defined where both rates are, in both groups.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[[990, 805], [532, 1369]], [[1139, 349], [461, 505]]])
    >>> average_odds_difference(cells, reference=1)[0].round(4)
    array([0.2056, 0.    ])
    """
    return _mean(
        difference_from(*rates(cells, "FPR"), reference),
        difference_from(*rates(cells, "TPR"), reference),
    )


def average_absolute_odds_difference(cells: NDArray[Any], reference: int) -> Measured:
    """Average the absolute differences of FPR and TPR between each group and the reference.

    As `average_odds_difference`, in [0, 1]: opposite differences do not cancel.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([[[990, 805], [532, 1369]], [[1139, 349], [461, 505]]])
    >>> average_absolute_odds_difference(cells, reference=1)[0].round(4)
    array([0.2056, 0.    ])
    """
    fpr, either = difference_from(*rates(cells, "FPR"), reference)
    tpr, other = difference_from(*rates(cells, "TPR"), reference)
    return _mean((np.abs(fpr), either), (np.abs(tpr), other))


def one_versus_rest(counts: NDArray[Any]) -> NDArray[Any]:
    """Turn a table of several labels into a binary table for each label.

    Parameters
    ----------
    counts : ndarray, shape (..., G, L, L)
        Groups by true label by decided label.

    Returns
    -------
    ndarray, shape (..., L, G, 2, 2)
        For each label a table `cells`, in which that label is the favorable one.

    Examples
    --------
    >>> import numpy as np
    >>> one_versus_rest(np.array([[[5, 1, 0], [2, 6, 1], [0, 0, 7]]]))[1]
    array([[[12,  1],
            [ 3,  6]]])
    """
    table = np.asarray(counts)
    same = np.eye(table.shape[-1], dtype=table.dtype)
    sides = np.stack([1 - same, same], axis=-2)
    # Sums only: the total minus the rest would lose the digits of small weights.
    cells: NDArray[Any] = np.einsum("lai,lbj,...gij->...lgab", sides, sides, table, optimize=True)
    return cells


def overall_accuracy(counts: NDArray[Any]) -> Measured:
    """Measure the share of correct decisions in each group, for any number of labels.

    Parameters
    ----------
    counts : ndarray, shape (..., G, L, L)
        Groups by true label by decided label.

    Returns
    -------
    values, defined : ndarray, shape (..., G)
        In [0, 1]; 0.0 and False in an empty group.

    Examples
    --------
    >>> import numpy as np
    >>> overall_accuracy(np.array([[[5, 1, 0], [2, 6, 0], [0, 0, 6]]]))
    (array([0.85]), array([ True]))
    """
    return shares(np.trace(counts, axis1=-2, axis2=-1), np.sum(counts, axis=(-2, -1)))


def _total(table: NDArray[Any], pairs: tuple[tuple[int, int], ...]) -> NDArray[Any]:
    return np.asarray(sum(table[..., label, decision] for label, decision in pairs))


def _mean(either: Measured, other: Measured) -> Measured:
    defined = either[1] & other[1]
    return np.where(defined, (either[0] + other[0]) / 2.0, 0.0), defined


def _by_rate(cells: NDArray[Any], criterion: str, compare: Callable[..., Measured]) -> Measured:
    compared = [compare(*rates(cells, name)) for name in CRITERIA[criterion]]
    values, defined = zip(*compared, strict=True)
    return np.stack(values, axis=-1), np.stack(defined, axis=-1)


def _farthest(values: NDArray[np.float64], distances: NDArray[Any]) -> NDArray[np.float64]:
    chosen = distances.argmax(axis=-1)[..., None]
    return np.take_along_axis(values, chosen, axis=-1)[..., 0]
