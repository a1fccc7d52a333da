"""How well candidates predict, with intervals: accuracy from pairs, any other scorer from parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils.metaestimators import available_if

from paribus.comparison import Measure
from paribus.errors import ModelError, SpecError, nearest
from paribus.estimators.base import rows_of
from paribus.stats.folds import folds
from paribus.stats.paired import tango_interval
from paribus.stats.rate_intervals import wilson
from paribus.stats.ratios import impact_ratio
from paribus.studies._cross_fitting import Asked

ACCURACY = "accuracy"

_PARTS = 10
"""Parts of each fold, at most, that a scorer sees one by one."""

_FEW = 10
"""Rows of the rarer label that a part has at least."""

Truths = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Scorer:
    """What tells how well a model predicts; higher is better."""

    name: str
    call: Callable[..., float] | None
    """None for accuracy, which is counted."""

    @classmethod
    def of(cls, given: Any) -> Scorer:
        """Find a scorer of scikit-learn by name, or take a function of (model, X, y).

        Raises
        ------
        SpecError
            For an unknown name.
        """
        if callable(given):
            return cls(str(getattr(given, "__name__", "scorer")), given)
        if given == ACCURACY:
            return cls(ACCURACY, None)
        known = get_scorer_names()
        if given not in known:
            raise SpecError(
                f'there is no scorer "{given}"{nearest(given, known)}', path="$.mitigate.scorer"
            )
        return cls(str(given), get_scorer(given))

    @property
    def share(self) -> bool:
        """Whether scores are shares, so that one can be divided by another."""
        return self.name in {ACCURACY, "balanced_accuracy", "roc_auc", "f1", "precision", "recall"}


@dataclass(frozen=True, eq=False)
class Share:
    """A share of people: of whom something is true, and how many people each row stands for."""

    true: Truths
    weight: Floats | None = None

    def measure(self, confidence: float) -> Measure:
        """Give the share (Wilson's interval; the normal one of a weighted mean)."""
        if self.weight is not None:
            return _mean(self.true.astype(np.float64), self.weight, confidence, (0.0, 1.0))
        low, high = wilson(int(self.true.sum()), len(self.true), confidence)
        return Measure(estimate=float(self.true.mean()), low=float(low), high=float(high))

    def minus(self, before: Share, confidence: float) -> Measure:
        """Give the difference to another share of the same people (Tango 1998)."""
        if self.weight is not None:
            gap = self.true.astype(np.float64) - before.true
            return _mean(gap, self.weight, confidence, (-1.0, 1.0))
        won, lost = _changed(self.true, before.true)
        n = len(self.true)
        low, high = tango_interval(won, lost, n, confidence)
        return Measure(estimate=(won - lost) / n, low=low, high=high)

    def over(self, before: Share, confidence: float) -> Measure | None:
        """Give the ratio to another share of the same people (Bonett and Price 2006).

        None where the other is 0 and rows are weighted.
        """
        if self.weight is not None:
            base = before.measure(confidence).estimate
            if base <= 0:
                return None
            change = self.minus(before, confidence)
            low, high = 1.0 + change.low / base, 1.0 + change.high / base
            return Measure(estimate=1.0 + change.estimate / base, low=max(low, 0.0), high=high)
        won, lost = _changed(self.true, before.true)
        both = int((self.true & before.true).sum())
        neither = len(self.true) - both - won - lost
        estimate, low, high = impact_ratio(both, won, lost, neither, confidence)
        return Measure(estimate=estimate, low=low, high=high)


def informed(right: Truths, constant: Truths, weight: Floats | None, confidence: float) -> bool:
    """Tell whether a model is proven to predict better than one answer for everybody."""
    return Share(right, weight).minus(Share(constant, weight), confidence).low > 0


def _changed(after: Truths, before: Truths) -> tuple[int, int]:
    return int((after & ~before).sum()), int((before & ~after).sum())


def _mean(values: Floats, weight: Floats, confidence: float, ends: tuple[float, float]) -> Measure:
    total = float(weight.sum())
    mean = float((weight * values).sum() / total)
    spread = float(np.sqrt((weight**2 * (values - mean) ** 2).sum())) / total
    reach = -float(ndtri((1.0 - confidence) / 2.0)) * spread
    return Measure(estimate=mean, low=max(mean - reach, ends[0]), high=min(mean + reach, ends[1]))


# --- any scorer -----------------------------------------------------------------------------------


class _Coded(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A model whose favorable label is 1 and whose other is 0, for scorers."""

    def __init__(self, asked: Any = None) -> None:
        self.asked = asked
        self.classes_ = np.array([0, 1])

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> npt.NDArray[np.intp]:
        return np.asarray(self.asked.labels(X) == self.asked.favorable, np.intp)

    @available_if(lambda self: hasattr(self.asked.model, "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Floats:
        _, good = self.asked.answers(X)
        return np.column_stack([1.0 - good, good])


def parts_of(good: Truths, part: Codes, seed: int) -> Codes:
    """Deal the rows of each fold into parts that a scorer sees one by one.

    Returns
    -------
    ndarray of int, shape (n,)
        Number of the part; parts of a fold follow one another.
    """
    out = np.zeros(len(good), np.intp)
    for fold in range(int(part.max()) + 1):
        rows = np.flatnonzero(part == fold)
        rarer = min(int(good[rows].sum()), int((~good[rows]).sum()))
        pieces = int(np.clip(rarer // _FEW, 1, _PARTS))
        out[rows] = fold * _PARTS + folds(good[rows].astype(np.intp), pieces, seed)
    return out


def part_scores(
    scorer: Scorer, models: Sequence[Asked], frame: Any, good: Truths, pieces: Codes
) -> Floats:
    """Score every part by the model that was not fitted on it.

    Raises
    ------
    ModelError
        Where the scorer fails, or gives no number.
    """
    assert scorer.call is not None
    scores = []
    for piece in np.unique(pieces):
        rows = np.flatnonzero(pieces == piece)
        model = _Coded(models[int(piece) // _PARTS])
        try:
            score = float(scorer.call(model, rows_of(frame, rows), good[rows].astype(np.intp)))
        except Exception as error:
            said = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise ModelError(f'the scorer "{scorer.name}" fails: {said[0]}'[:200]) from None
        if not np.isfinite(score):
            raise ModelError(f'the scorer "{scorer.name}" gives {score} for {len(rows):,} rows')
        scores.append(score)
    return np.array(scores)


def mean_of(scores: Floats, confidence: float) -> Measure:
    """Give the mean of the scores of parts (Student's t; of one part alone, the score itself)."""
    n, mean = len(scores), float(scores.mean())
    if n == 1:
        return Measure(estimate=mean, low=mean, high=mean)
    reach = -float(stdtrit(n - 1, (1.0 - confidence) / 2.0)) * float(scores.std(ddof=1)) / n**0.5
    return Measure(estimate=mean, low=mean - reach, high=mean + reach)


def ratio_of(after: Floats, before: Floats, confidence: float) -> Measure | None:
    """Give the ratio of two means of scores of the same parts; None where it means nothing.

    The interval is Fieller's first-order one, of the mean of ``after - ratio * before``.
    """
    base = float(before.mean())
    if base <= 0:
        return None
    ratio = float(after.mean()) / base
    left = mean_of(after - ratio * before, confidence)
    reach = (left.high - left.low) / 2.0 / base
    return Measure(estimate=ratio, low=max(ratio - reach, 0.0), high=ratio + reach)
