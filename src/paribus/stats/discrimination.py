"""How well scores tell the labels apart: area under the ROC curve, from histograms.

Everything is read from two rows of counts over increasing score values (or narrow bins): how
many rows with label 0 and with label 1 have each. Weights may take the place of counts; then
`effective` says how many equally weighted rows each label has (Kish 1965, Survey Sampling,
section 11.7: ``sum(w) ** 2 / sum(w ** 2)``).
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr, ndtri, stdtrit

from paribus.stats.calibration import wilson_interval

__all__ = ["Auc", "AucDifference", "auc", "auc_difference", "p_auc_beyond", "p_auc_within", "roc"]

_Floats = NDArray[np.float64]

_Z_LIMIT = 37.0
_BISECTIONS = 60
_ROUNDING = 1e-14


@dataclass(frozen=True, slots=True)
class Auc:
    """Area under a ROC curve.

    Attributes
    ----------
    estimate : float
        Chance that a row with label 1 scores above a row with label 0, ties counted half;
        0.5 where it is not defined.
    low, high : float
        Confidence interval, in [0, 1].
    se : float
        DeLong standard error; 0 for perfect separation and for scores that are all equal.
    slack : float
        How far binning can have moved the estimate: half of the chance of a tie between the
        labels, in [0, 0.5]. Not part of the interval; exact ties count here too.
    defined : bool
        Whether both labels occur.
    negatives, positives : float
        (Effective) rows with label 0 and label 1.
    logit_se : float
        Standard error on the logit scale, of the interval; 0 where a fallback is used.
    freedom : float
        Degrees of freedom of its t distribution; 0 where a fallback is used.

    Examples
    --------
    >>> auc([0, 0], [3, 4]).defined
    False
    """

    estimate: float
    low: float
    high: float
    se: float
    slack: float
    defined: bool
    negatives: float
    positives: float
    logit_se: float
    freedom: float


@dataclass(frozen=True, slots=True)
class AucDifference:
    """Difference of the areas of two independent groups.

    Attributes
    ----------
    estimate : float
        First minus second, in [-1, 1]; 0 where one of them is not defined.
    low, high : float
        Confidence interval, in [-1, 1].
    p : float
        Two-sided p-value for the claim that the areas differ, in (0, 1]; below ``1 -
        confidence`` exactly where the interval excludes 0.
    defined : bool
        Whether both areas are.

    Examples
    --------
    >>> auc_difference(auc([1, 0], [0, 1]), auc([0, 0], [3, 4])).defined
    False
    """

    estimate: float
    low: float
    high: float
    p: float
    defined: bool


def auc(
    negatives: Any,
    positives: Any,
    confidence: float = 0.95,
    effective: tuple[float, float] | None = None,
) -> Auc:
    """Area under the ROC curve of a histogram, with its DeLong interval on the logit scale.

    Parameters
    ----------
    negatives, positives : array_like, shape (K,)
        Rows with label 0 and with label 1 at each of `K` increasing scores, at least 0 and at
        most 1e100.
    confidence : float
        Nominal coverage, in (0, 1).
    effective : tuple of float, optional
        Effective rows with label 0 and 1; those of the counts by default.

    Returns
    -------
    Auc
        Exchanging the two arrays gives one minus the area.

    Notes
    -----
    The standard error is that of DeLong and others, in one pass over the histogram. It is too
    small where one label is rare and the area large, since misplaced rows are then few. For the
    interval each label gets one row more, with the largest variance that a row can have at this
    area, ``A (1 - A)`` (Birnbaum and Klose), which vanishes as rows increase. The quantile is that
    of the t distribution with the degrees of freedom of Brunner and Munzel, who use the same
    variance. Where that says nothing, other bounds take its place:

    - perfect separation, or a label with fewer than two rows: the Wilson interval of a share
      seen in as many rows as the rarer label has. No distribution of scores has a variance
      above ``A (1 - A) / min(negatives, positives)`` (Birnbaum and Klose), so this is safe.
    - equal scores of all rows: of each label, a share of up to ``1 - miss ** (1 / n)`` of rows
      not seen may score otherwise, with half of the missing confidence as `miss`.

    Coverage of 95 % intervals by simulation (normal scores, 4,000 runs) at areas of 0.5, 0.7, 0.95
    and 0.99: 0.978, 0.973, 0.984, 0.985 with 20 and 20 rows; 0.956, 0.962, 0.953, 0.962 with 200
    negatives and 50 positives (without the row more: 0.923 in the last). Claims of a difference
    at a level of 5 % are false in 3 % and 5 to 6 % of runs.

    References
    ----------
    Mann and Whitney (1947), Annals of Mathematical Statistics 18, 50-60; DeLong, DeLong and
    Clarke-Pearson (1988), Biometrics 44, 837-845; Brunner and Munzel (2000), Biometrical Journal
    42, 17-25; the logit scale: Pepe (2003), The Statistical Evaluation of Medical Tests for
    Classification and Prediction, section 5.2.4; Birnbaum and Klose (1957), Annals of
    Mathematical Statistics 28, 933-945.

    Examples
    --------
    >>> area = auc([5, 3, 2], [1, 3, 6])
    >>> area.estimate, round(area.low, 4), round(area.high, 4), area.slack
    (0.76, 0.4476, 0.9252, 0.13)
    """
    zeros = np.asarray(negatives, dtype=np.float64).ravel()
    ones = np.asarray(positives, dtype=np.float64).ravel()
    all_zeros, all_ones = float(zeros.sum()), float(ones.sum())
    size0, size1 = (all_zeros, all_ones) if effective is None else effective
    if all_zeros <= 0.0 or all_ones <= 0.0:
        return Auc(0.5, 0.0, 1.0, 0.0, 0.0, False, size0, size1, 0.0, 0.0)
    # Sums that end in their own total keep shares of exactly 0 and 1.
    up, down = np.cumsum(zeros), np.cumsum(ones[::-1])[::-1]
    beaten = (up - zeros / 2.0) / up[-1]
    lost_to = (down - ones / 2.0) / down[0]
    estimate = min(1.0, float((ones * beaten).sum()) / all_ones)
    if abs(estimate - 0.5) > 0.5 - _ROUNDING:
        estimate = float(round(estimate))
    mirrored = float((zeros * lost_to).sum()) / all_zeros
    slack = min(0.5, float((zeros / all_zeros) @ (ones / all_ones)) / 2.0)
    spread1 = float((ones / all_ones) @ (beaten - estimate) ** 2)
    spread0 = float((zeros / all_zeros) @ (lost_to - mirrored) ** 2)
    most = estimate * (1.0 - estimate)
    se = logit_se = freedom = 0.0
    if most > 0.0 and spread0 + spread1 > 0.0:
        if min(size0, size1) < 2.0:
            se = math.sqrt(most / max(min(size0, size1), 1e-100))
        else:
            se = math.sqrt(spread0 / (size0 - 1.0) + spread1 / (size1 - 1.0))
            logit_se, freedom = _logit_error(spread0, spread1, size0, size1, most)
    area = Auc(estimate, 0.0, 1.0, se, slack, True, size0, size1, logit_se, freedom)
    low, high = _limits(area, -float(ndtri((1.0 - confidence) / 2.0)))
    return replace(area, low=low, high=high)


def auc_difference(one: Auc, other: Auc, confidence: float = 0.95) -> AucDifference:
    """Difference of two independent areas, with an interval that is never beyond [-1, 1].

    The distances of each area to its own limits are squared and added (MOVER), and the p-value
    inverts that interval.

    Parameters
    ----------
    one, other : Auc
        Of two groups without a row in common.
    confidence : float
        Nominal coverage, in (0, 1).

    Returns
    -------
    AucDifference
        Exchanging the groups flips its signs.

    References
    ----------
    Zou and Donner (2008), Statistics in Medicine 27, 1693-1702; Newcombe (1998), Statistics in
    Medicine 17, 873-890.

    Examples
    --------
    >>> gap = auc_difference(auc([50, 30, 20], [10, 30, 60]), auc([40, 30, 30], [25, 35, 40]))
    >>> round(gap.estimate, 4), round(gap.low, 4), round(gap.high, 4), round(gap.p, 5)
    (0.1775, 0.0762, 0.2743, 0.00075)
    """
    if not (one.defined and other.defined):
        return AucDifference(0.0, -1.0, 1.0, 1.0, False)
    gap = one.estimate - other.estimate
    down, up = _distances(one, other, -float(ndtri((1.0 - confidence) / 2.0)))
    low, high = max(-1.0, gap - down), min(1.0, gap + up)
    return AucDifference(gap, low, high, p_auc_beyond(one, other, 0.0), True)


def p_auc_beyond(one: Auc, other: Auc, tolerance: float) -> float:
    """Two-sided p-value for the claim that two areas differ by more than `tolerance`.

    Parameters
    ----------
    one, other : Auc
        Of two groups without a row in common.
    tolerance : float
        Largest difference that counts as equal, at least 0.

    Returns
    -------
    float
        Twice the smaller one-sided p-value, in (0, 1]: below ``1 - confidence`` exactly where
        the interval of `auc_difference` lies beyond the tolerance. 1 where an area is not
        defined or the difference is within the tolerance.

    References
    ----------
    Zou and Donner (2008), Statistics in Medicine 27, 1693-1702, whose interval it inverts.

    Examples
    --------
    >>> one, other = auc([50, 30, 20], [10, 30, 60]), auc([40, 30, 30], [25, 35, 40])
    >>> round(p_auc_beyond(one, other, 0.05), 4)
    0.0142
    """
    if not (one.defined and other.defined):
        return 1.0
    above = _p_above(one, other, tolerance)
    below = _p_above(other, one, tolerance)
    return min(1.0, 2.0 * min(above, below))


def p_auc_within(one: Auc, other: Auc, tolerance: float) -> float:
    """P-value for the claim that two areas differ by less than `tolerance`, both ways.

    Parameters
    ----------
    one, other : Auc
        Of two groups without a row in common.
    tolerance : float
        Largest difference that counts as equal; nothing is within one of 0 or below.

    Returns
    -------
    float
        The larger of the two one-sided p-values, in (0, 1]; at least 0.5 where the difference is
        not within the tolerance, and 1 where an area is not defined.

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680; Zou and
    Donner (2008), Statistics in Medicine 27, 1693-1702.

    Examples
    --------
    >>> one, other = auc([500, 300, 200], [100, 300, 600]), auc([500, 310, 190], [110, 300, 590])
    >>> p_auc_within(one, other, 0.05) < 0.001
    True
    """
    if not (one.defined and other.defined):
        return 1.0
    return max(_p_above(one, other, -tolerance), _p_above(other, one, -tolerance))


def roc(negatives: Any, positives: Any, most: int = 100) -> tuple[_Floats, _Floats]:
    """Points of the ROC curve, from the strictest threshold to the most lenient.

    Points on a straight line between their neighbors are left out. If more than `most` remain,
    those nearest to equal steps along the curve (in steps right plus steps up) are kept: no
    two of them hide more than ``2 / (most - 1)`` of its length, 2, unless one step of the curve
    is longer.

    Parameters
    ----------
    negatives, positives : array_like, shape (K,)
        Rows with label 0 and with label 1 at each of `K` increasing scores, at least 0.
    most : int
        Most points to return, at least 2.

    Returns
    -------
    fpr, tpr : ndarray, shape (P,), float
        False and true positive rates from (0, 0) to (1, 1), neither ever falling; only these two
        points where a label does not occur.

    References
    ----------
    Fawcett (2006), Pattern Recognition Letters 27, 861-874.

    Examples
    --------
    >>> fpr, tpr = roc([5, 3, 2], [1, 3, 6])
    >>> fpr.tolist(), tpr.tolist()
    ([0.0, 0.2, 0.5, 1.0], [0.0, 0.6, 0.9, 1.0])
    """
    across = np.cumsum(np.asarray(negatives, dtype=np.float64).ravel()[::-1])
    upward = np.cumsum(np.asarray(positives, dtype=np.float64).ravel()[::-1])
    if across.size == 0 or across[-1] <= 0.0 or upward[-1] <= 0.0:
        return np.array([0.0, 1.0]), np.array([0.0, 1.0])
    fpr = np.concatenate([[0.0], across / across[-1]])
    tpr = np.concatenate([[0.0], upward / upward[-1]])
    kept = _corners(fpr, tpr)
    fpr, tpr = fpr[kept], tpr[kept]
    if fpr.size > most:
        length = fpr + tpr
        wanted = np.linspace(0.0, 2.0, most)
        after = np.clip(np.searchsorted(length, wanted), 1, length.size - 1)
        nearer = wanted - length[after - 1] < length[after] - wanted
        chosen = np.unique(after - nearer)
        chosen[0], chosen[-1] = 0, length.size - 1
        fpr, tpr = fpr[chosen], tpr[chosen]
    return fpr, tpr


def _corners(fpr: _Floats, tpr: _Floats) -> NDArray[np.bool_]:
    right, up = np.diff(fpr), np.diff(tpr)
    moves = np.concatenate([[True], (right > 0.0) | (up > 0.0)])
    places = np.flatnonzero(moves)
    right, up = np.diff(fpr[places]), np.diff(tpr[places])
    turns = np.abs(right[1:] * up[:-1] - right[:-1] * up[1:]) > 1e-12 * (
        right[1:] * up[:-1] + right[:-1] * up[1:]
    )
    kept = np.zeros(fpr.size, dtype=np.bool_)
    kept[places[np.concatenate([[True], turns, [True]])]] = True
    return kept


def _logit_error(
    spread0: float, spread1: float, size0: float, size1: float, most: float
) -> tuple[float, float]:
    part0 = (size0 * spread0 + most) / (size0 + 1.0) / (size0 - 1.0)
    part1 = (size1 * spread1 + most) / (size1 + 1.0) / (size1 - 1.0)
    variance = part0 + part1
    share0, share1 = part0 / variance, part1 / variance
    freedom = 1.0 / (share0**2 / (size0 - 1.0) + share1**2 / (size1 - 1.0))
    return math.sqrt(variance) / most, freedom


def _limits(area: Auc, z: float) -> tuple[float, float]:
    estimate, tail = area.estimate, float(ndtr(-z))
    if area.freedom > 0.0:
        # Beyond the t quantile that can be computed, its bound is 0 and 1 all the same.
        steps = min(-float(stdtrit(area.freedom, tail)), 1e100) if tail < 0.5 else 0.0
        center = math.log(estimate) - math.log1p(-estimate)
        half = steps * area.logit_se
        low, high = float(expit(center - half)), float(expit(center + half))
    elif area.se == 0.0 and 0.0 < estimate < 1.0:
        seen = math.exp(math.log(tail) * (1.0 / area.negatives + 1.0 / area.positives))
        low, high = estimate - (1.0 - seen) / 2.0, estimate + (1.0 - seen) / 2.0
    else:
        least = min(area.negatives, area.positives)
        bounds = wilson_interval(estimate, least, z)
        low, high = float(bounds[0]), float(bounds[1])
    return max(0.0, min(low, estimate)), min(1.0, max(high, estimate))


def _distances(one: Auc, other: Auc, z: float) -> tuple[float, float]:
    low1, high1 = _limits(one, z)
    low2, high2 = _limits(other, z)
    down = math.hypot(one.estimate - low1, high2 - other.estimate)
    up = math.hypot(high1 - one.estimate, other.estimate - low2)
    return down, up


def _p_above(one: Auc, other: Auc, bound: float) -> float:
    """One-sided p-value for the claim that the first area is larger by more than `bound`."""
    gap = one.estimate - other.estimate - bound
    if gap == 0.0:
        return 0.5
    side = 0 if gap > 0.0 else 1
    low, high = 0.0, _Z_LIMIT
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        closer = _distances(one, other, middle)[side] < abs(gap)
        low, high = (middle, high) if closer else (low, middle)
    return float(ndtr(-low)) if gap > 0.0 else float(ndtr(low))
