"""Near the boundary the group decides: reject option based classification."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from paribus.errors import SpecError
from paribus.estimators.base import PostProcessed
from paribus.estimators.fits import favorable_scores
from paribus.estimators.groups import Groups

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]

_ROUNDING = 1e-12
_BELOW = float(np.nextafter(0.5, 0.0))
_TINY = 1e-300


class RejectOption(PostProcessed):
    """Decide for deprived groups and against favored ones where the estimator is least sure.

    Of people whose score is nearer to 0.5 than a width, those of deprived groups get the favorable
    decision and those of favored groups the unfavorable one; everybody else is decided as
    `estimator` would. That is reject option based classification (Kamiran, Karim, Zhang 2012,
    Decision theory for discrimination-aware classification, ICDM, 924-929), whose theta is 0.5
    plus the width. With several groups, a group is deprived where fewer of it than of everybody
    are selected, and favored where more are.

    Nobody is treated so whose attribute is missing, whose group is too small to tell, was not known
    when the model was fitted, or is selected exactly as often as everybody.

    Whoever is asked about needs a group: the protected attributes are among the columns that the
    model needs.

    Parameters
    ----------
    estimator : object
        Any classifier that tells how sure it is: of scores that are all 0 or 1 none is near the
        boundary, and nothing changes.
    attributes : list of str
        Protected attributes; groups are the combinations of their levels.
    width : float, optional
        From 0 to 0.5. Where left out, the smallest that brings the largest difference between the
        selection rates of groups to `gap` on held-out scores, or else the one with the smallest
        difference.
    gap : float
        The largest difference that counts as equal, in [0, 1].
    parts : int
        Clones that make the held-out scores on which groups and the width are judged; 0 takes the
        scores of the fitted estimator on the same rows.
    prefit : bool
        Whether `estimator` is fitted already and stays as it is.
    smallest : int
        Groups with fewer rows are left alone, and not judged.
    features : list of str, optional
        The columns that `estimator` sees; all but the attributes where left out.
    favorable : label, optional
        The label that is good for a person; the last of the sorted labels where left out.
    matrix : bool
        Whether `estimator` takes a matrix of numbers without names.
    seed : int
        Of the parts.

    Attributes
    ----------
    width_ : float
    groups_ : Groups
    side_ : ndarray of int, shape (G,)
        1 for a deprived group, -1 for a favored one, 0 for one that is left alone.
    rates_ : ndarray of float64, shape (G, 2)
        Selection rate of each group on the held-out scores, before and after.
    changed_ : ndarray of int, shape (G,)
        Rows of each group whose held-out decision changed.
    difference_ : ndarray of float64, shape (2,)
        Largest difference between the rates of groups that are judged, before and after.

    Raises
    ------
    SpecError
        Where an option makes no sense.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"income": rng.normal(size=600), "gender": rng.choice(["f", "m"], 600)})
    >>> X["income"] += X["gender"] == "m"
    >>> y = X["income"] + rng.normal(size=600) > 0.5
    >>> model = RejectOption(LogisticRegression(), ["gender"]).fit(X, y)
    >>> bool(model.difference_[0] > 0.3), bool(model.difference_[1] <= 0.01)
    (True, True)
    """

    def __init__(
        self,
        estimator: Any,
        attributes: list[str],
        width: float | None = None,
        gap: float = 0.01,
        parts: int = 3,
        prefit: bool = False,
        smallest: int = 20,
        features: list[str] | None = None,
        favorable: Any = None,
        matrix: bool = False,
        seed: int = 0,
    ) -> None:
        self.estimator = estimator
        self.attributes = attributes
        self.width = width
        self.gap = gap
        self.parts = parts
        self.prefit = prefit
        self.smallest = smallest
        self.features = features
        self.favorable = favorable
        self.matrix = matrix
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None, held_out: Any = None) -> RejectOption:
        """Fit the estimator, tell which groups are deprived and favored, and choose the width.

        Parameters
        ----------
        X : data frame
        y : array-like, shape (n,)
        sample_weight : array-like, shape (n,), optional
            How many people a row stands for, in the fits and in the rates.
        held_out : array-like, shape (n,), optional
            Held-out scores of these rows that have been made before, such as
            `paribus.estimators.fits.held_out_scores` makes.
        """
        if self.width is not None and not 0 <= self.width <= 0.5:
            raise SpecError(f"must be from 0 to 0.5, not {self.width}", path="$.width")
        if not 0 <= self.gap <= 1:
            raise SpecError(f"must be from 0 to 1, not {self.gap}", path="$.gap")
        labels = self._begin(X, y, self.attributes)
        self.groups_ = Groups.of(X, self.attributes)
        codes = self.groups_.codes(X)
        scores = self._learn(X, labels, codes, sample_weight, held_out)
        weight = np.ones(len(scores)) if sample_weight is None else np.asarray(sample_weight, float)
        before = scores >= 0.5
        rates, judged = self._judge(before, codes, weight)
        self.width_ = (
            _smallest_width(scores, self.side_[codes], codes, weight, judged, self.gap)
            if self.width is None
            else float(self.width)
        )
        after = _decided(scores, self.side_[codes], self.width_)
        self.rates_ = np.column_stack([rates, _rates(after, codes, weight, len(rates))])
        self.changed_ = np.bincount(codes[after != before], minlength=len(rates))
        self.difference_ = np.ptp(self.rates_[judged], axis=0) if judged.any() else np.zeros(2)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Give a score of each label, shape (n, 2), in the order of `classes_`.

        Scores of deprived and favored groups are stretched so that the new boundary comes to lie
        at 0.5: the order within a group stays, and scores of 0 and 1 do. They are no longer
        calibrated.
        """
        return super().predict_proba(X)

    def _favorable(self, X: Any) -> Floats:
        scores = favorable_scores(self.estimator_, self.seen_.of_frame(X), self.favorable_)
        code = self.groups_.codes(X)
        certain = np.abs(scores - 0.5) >= 0.5
        side = np.where((code < 0) | certain, 0, self.side_[code])
        boundary = 0.5 - side * self.width_
        low = 0.5 * scores / np.maximum(boundary, _TINY)
        high = 0.5 + 0.5 * (scores - boundary) / np.maximum(1 - boundary, _TINY)
        moved = np.where(side == 0, scores, np.where(scores < boundary, low, high))
        decided = _decided(scores, side, self.width_)
        return np.where(decided, np.clip(moved, 0.5, 1.0), np.clip(moved, 0.0, _BELOW))

    def _judge(self, decided: Flags, codes: Codes, weight: Floats) -> tuple[Floats, Flags]:
        """Tell deprived from favored groups; give all rates, and which groups can be judged."""
        size = len(self.groups_)
        rates = _rates(decided, codes, weight, size)
        everybody = float(np.dot(decided, weight)) / max(float(weight.sum()), _TINY)
        cells, levels = self.groups_.cells, self.groups_.levels
        known = np.array(
            [all(at < len(of) for at, of in zip(cell, levels, strict=True)) for cell in cells]
        )
        enough = np.bincount(codes, minlength=size) >= self.smallest
        judged = known & enough & (np.bincount(codes, weight, minlength=size) > 0)
        sign = np.sign(everybody - rates) * (np.abs(everybody - rates) > _ROUNDING)
        self.side_ = np.where(judged, sign, 0).astype(np.intp)
        return rates, judged


def _decided(scores: Floats, side: Codes, width: float) -> Flags:
    near = np.abs(scores - 0.5) < width
    return np.where(near & (side != 0), side > 0, scores >= 0.5)


def _rates(decided: Flags, codes: Codes, weight: Floats, size: int) -> Floats:
    total = np.bincount(codes, weight, minlength=size)
    yes = np.bincount(codes, weight * decided, minlength=size)
    return np.divide(yes, total, out=np.zeros(size), where=total > 0)


def _smallest_width(
    scores: Floats, side: Codes, codes: Codes, weight: Floats, judged: Flags, gap: float
) -> float:
    """Choose the smallest width with at most this difference, else with the smallest difference.

    Decisions change at the distances of scores from 0.5, and nowhere else: every width that makes
    a difference is tried, each as the middle between two distances.
    """
    distance = np.abs(scores - 0.5)
    before = scores >= 0.5
    # Who is certain never changes, for a width is at most 0.5.
    moves = np.flatnonzero((distance < 0.5) & np.where(before, side < 0, side > 0))
    moves = moves[np.argsort(distance[moves], kind="stable")]
    far = distance[moves]
    last = np.flatnonzero(np.append(far[1:] > far[:-1], True)) if len(far) else moves
    beyond = np.append(far[last][1:], 0.5)
    middle = (far[last] + beyond) / 2
    widths = np.append(0.0, np.where(middle > far[last], middle, beyond))
    size = len(judged)
    total, start = np.bincount(codes, weight, minlength=size), _rates(before, codes, weight, size)
    step = weight[moves] * side[moves]
    low, high = np.full(len(widths), np.inf), np.full(len(widths), -np.inf)
    for group in np.flatnonzero(judged):
        own = np.cumsum(np.where(codes[moves] == group, step, 0.0))[last]
        rate = start[group] + np.append(0.0, own) / total[group]
        low, high = np.minimum(low, rate), np.maximum(high, rate)
    if not judged.any():
        return 0.0
    difference = high - low
    target = max(gap, float(difference.min())) + _ROUNDING
    return float(widths[np.flatnonzero(difference <= target)[0]])
