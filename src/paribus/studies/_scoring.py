"""How well candidates predict, with intervals: accuracy from pairs, any other scorer from parts."""

from __future__ import annotations

import inspect
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
from paribus.estimators.frames import rows_of
from paribus.stats.folds import folds
from paribus.stats.independent import p_beyond
from paribus.stats.paired import tango_interval
from paribus.stats.rate_intervals import wilson
from paribus.stats.ratios import impact_ratio
from paribus.studies._cross_fitting import Asked

ACCURACY = "accuracy"

_SCORER = "$.mitigate.scorer"

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
        """Give the share (Wilson's interval; of weighted rows that of Agresti and Coull 1998)."""
        if self.weight is not None:
            # Half a squared quantile of people on either side: nobody is proven to be all alike.
            half = _quantile(confidence) ** 2 / 2.0
            values = self.true.astype(np.float64)
            return _mean(values, self.weight, confidence, ((1.0, half), (0.0, half)))
        low, high = wilson(int(self.true.sum()), len(self.true), confidence)
        return Measure(estimate=float(self.true.mean()), low=float(low), high=float(high))

    def minus(self, before: Share, confidence: float) -> Measure:
        """Give the difference to another share of the same people.

        By Tango (1998); of weighted rows by Bonett and Price (2012), with one more change each way.
        """
        if self.weight is not None:
            gap = self.true.astype(np.float64) - before.true
            return _mean(gap, self.weight, confidence, ((1.0, 1.0), (-1.0, 1.0)))
        won, lost = _changed(self.true, before.true)
        n = len(self.true)
        low, high = tango_interval(won, lost, n, confidence)
        return Measure(estimate=(won - lost) / n, low=low, high=high)

    def over(self, before: Share, confidence: float) -> Measure | None:
        """Give the ratio to another share of the same people.

        By Bonett and Price (2006); of weighted rows to the first order, from the mean of ``after -
        ratio * before``, which is 0, with one more change each way. None where the other is 0 and
        rows are weighted.
        """
        if self.weight is not None:
            base = float(self.weight[before.true].sum() / self.weight.sum())
            if base <= 0:
                return None
            ratio = float(self.weight[self.true].sum() / self.weight.sum()) / base
            left = self.true.astype(np.float64) - ratio * before.true
            off = _mean(left, self.weight, confidence, ((1.0, 1.0), (-ratio, 1.0)))
            low, high = ratio + off.low / base, ratio + off.high / base
            return Measure(estimate=ratio, low=min(max(low, 0.0), ratio), high=max(high, ratio))
        won, lost = _changed(self.true, before.true)
        both = int((self.true & before.true).sum())
        neither = len(self.true) - both - won - lost
        estimate, low, high = impact_ratio(both, won, lost, neither, confidence)
        return Measure(estimate=estimate, low=low, high=high)


def informed(decisions: Truths, good: Truths, weight: Floats | None, confidence: float) -> bool:
    """Tell whether decisions are proven to go with the label.

    Those that are the same for everybody, or a matter of luck, are favorable as often where the
    label is not favorable as where it is: Youden's J (1950) is 0. That it is larger is proven by
    Newcombe's interval (1998, method 10) and an exact test; of weighted rows at Kish's effective
    number of rows.
    """
    each = np.ones(len(good)) if weight is None else weight
    counts = []
    for rows in (good, ~good):
        total = float(each[rows].sum())
        if total <= 0:
            return False
        one = total / float((each[rows] ** 2).sum())
        counts += [float(each[rows & decisions].sum()) * one, total * one]
    more = counts[0] * counts[3] > counts[2] * counts[1]
    return more and bool(p_beyond(*counts) <= 1.0 - confidence)


def _changed(after: Truths, before: Truths) -> tuple[int, int]:
    return int((after & ~before).sum()), int((before & ~after).sum())


def _mean(
    values: Floats, weight: Floats, confidence: float, added: tuple[tuple[float, float], ...]
) -> Measure:
    """Give a weighted mean; its interval is the normal one of a few people more.

    The linearized variance of a weighted mean alone is 0 where nobody differs, however few they
    are. With equal weights all is as without weights.

    Parameters
    ----------
    values, weight : ndarray of float64, shape (n,)
    confidence : float
    added : tuple of (value, people)
        Values of the people that are added, the largest first, and how many; each weighs as much
        as one of the effective number of rows (Kish).
    """
    total, squares = float(weight.sum()), float((weight**2).sum())
    mean = float((weight * values).sum()) / total
    one = squares / total
    everybody = total + one * sum(people for _, people in added)
    center = (total * mean + one * sum(value * people for value, people in added)) / everybody
    spread = float((weight**2 * (values - center) ** 2).sum())
    spread += one**2 * sum(people * (value - center) ** 2 for value, people in added)
    reach = _quantile(confidence) * spread**0.5 / everybody
    low, high = max(center - reach, added[-1][0]), min(center + reach, added[0][0])
    return Measure(estimate=mean, low=min(low, mean), high=max(high, mean))


def _quantile(confidence: float) -> float:
    return -float(ndtri((1.0 - confidence) / 2.0))


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

    @available_if(lambda self: hasattr(self.asked.model, "decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Floats:
        # Ranks as the model does: scorers of ranks ask for margins where there are some.
        _, good = self.asked.answers(X)
        return np.asarray(good - 0.5)


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
    scorer: Scorer,
    models: Sequence[Asked],
    frame: Any,
    good: Truths,
    pieces: Codes,
    weight: Floats | None = None,
) -> Floats:
    """Score every part by the model that was not fitted on it.

    Rows count for as many people as they stand for where the scorer takes ``sample_weight``.

    Raises
    ------
    ModelError
        Where the scorer fails, or gives no number.
    """
    assert scorer.call is not None
    function = getattr(scorer.call, "_score_func", scorer.call)
    weighs = "sample_weight" in inspect.signature(function).parameters
    scores = []
    for piece in np.unique(pieces):
        rows = np.flatnonzero(pieces == piece)
        model = _Coded(models[int(piece) // _PARTS])
        counted = {"sample_weight": weight[rows]} if weighs and weight is not None else {}
        truths = good[rows].astype(np.intp)
        try:
            score = float(scorer.call(model, rows_of(frame, rows), truths, **counted))
        except Exception as error:
            lines = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise ModelError(
                f'the scorer "{scorer.name}" fails: {lines[0]}'[:200], path=_SCORER
            ) from None
        if not np.isfinite(score):
            raise ModelError(
                f'the scorer "{scorer.name}" gives {score} for {len(rows):,} rows', path=_SCORER
            )
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
