"""Learning under a constraint: Fairlearn's reductions around any classifier that takes weights."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from math import comb
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from paribus.errors import DataError, ModelError, ParibusError, SpecError, nearest, reason
from paribus.estimators.base import Codes, Floats, Mended
from paribus.estimators.fits import favorable_scores, fitted, weight_name
from paribus.estimators.groups import Groups, lot

Constraint = Literal[
    "demographic parity",
    "equalized odds",
    "equal opportunity",
    "false positive rate parity",
    "error rate parity",
    "bounded group loss",
]
Method = Literal["exponentiated gradient", "grid search"]

_MOMENTS = {
    "demographic parity": "DemographicParity",
    "equalized odds": "EqualizedOdds",
    "equal opportunity": "TruePositiveRateParity",
    "false positive rate parity": "FalsePositiveRateParity",
    "error rate parity": "ErrorRateParity",
    "bounded group loss": "BoundedGroupLoss",
}
_METHODS = ("exponentiated gradient", "grid search")

_CONDITIONS = {
    "equalized odds": (0, 1),
    "equal opportunity": (1,),
    "false positive rate parity": (0,),
}
"""Of whom a constraint speaks: those with an unfavorable label (0), a favorable one (1)."""

_BOUND = 0.01
_GRID = 10
_AGAIN = 3
"""Fits that a warning may stop before it counts."""


class Constrained(Mended):
    """A classifier learned under a constraint on groups, by the reductions of Agarwal et al.

    Fairlearn turns the constraint into weights and labels of rows, and fits clones of the estimator
    on them again and again. *Exponentiated gradient* gives a mixture: some predictors, one of which
    decides about each person, drawn in proportion to its weight. *Grid search* gives the one
    predictor with the best trade between errors and violation. The attributes are needed for
    fitting alone, unless they are features.

    What is drawn for a person depends on that person: `predict` draws a lot from the columns
    `shared`, so that the same person always gets the same decision and twins share their lot. Whom
    no predictor favors is never favored, and whom all favor always is. The share of favorable
    decisions comes near to the mixture's where people differ in what the lot is drawn from.

    Parameters
    ----------
    estimator : object
        Any classifier whose ``fit`` takes ``sample_weight``, alone or at the end of a pipeline.
    attributes : list of str
        Protected attributes. Groups are their combinations; a missing value is a level of its own.
    constraint : str
        ``"demographic parity"``, ``"equalized odds"``, ``"equal opportunity"`` (equal true positive
        rates), ``"false positive rate parity"``, ``"error rate parity"``, or ``"bounded group
        loss"`` (the share of wrong answers in every group).
    method : {"exponentiated gradient", "grid search"}
    bound : float, optional
        How far the rate of a group may be from that of all rows, 0.01 where left out; for bounded
        group loss the largest share of wrong answers in a group, which must be given. Grid search
        has no bound.
    eps : float
        Exponentiated gradient: the smaller, the heavier it may weigh a violation (its ``eps``,
        above 0).
    iterations : int
        Exponentiated gradient: at most so many, each of which takes up to nine fits (its
        ``max_iter``).
    grid : int, optional
        Grid search: how many predictors are fitted (its ``grid_size``, from 2). Left out, the
        smallest grid of at least 10 that is whole: of others, Fairlearn leaves out one end.
    shared : list of str, optional
        The columns from which lots are drawn: those that twins have in common. The features where
        left out. Without any, whatever more than half of the mixture says is done.
    features, favorable, matrix
        See `paribus.estimators.base.Mended`.

    Attributes
    ----------
    estimators_ : list
        Fitted predictors of 0 and 1 (favorable) with a weight other than 0.
    weights_ : ndarray of float64, shape (len(estimators_),)
        Add up to 1.
    gap_ : float
        On the rows that it was fitted on, the largest distance of a group's rate from that of all
        rows; for bounded group loss the largest share of wrong answers in a group. Of the
        mixture, whatever lots are drawn.
    free_ : list of str
        Groups that the constraint does not hold entirely: nobody in them has a label that it
        speaks of.

    Notes
    -----
    Source: Agarwal, Beygelzimer, Dudík, Langford and Wallach 2018, A reductions approach to fair
    classification, ICML, algorithm 1 and section 3.4; bounded group loss: Agarwal, Dudík and Wu
    2019, Fair regression, ICML.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> gender = rng.choice(["F", "M"], 500)
    >>> skill = rng.normal(size=500) + (gender == "M")
    >>> X = pd.DataFrame({"skill": skill, "gender": gender})
    >>> y = (skill + rng.normal(size=500) > 0.5).astype(int)
    >>> model = Constrained(LogisticRegression(), ["gender"], bound=0.02).fit(X, y)
    >>> rate = pd.Series(model.predict_proba(X)[:, 1]).groupby(gender).mean()
    >>> bool(rate["M"] - rate["F"] < 0.05)
    True
    """

    def __init__(
        self,
        estimator: Any,
        attributes: list[str],
        constraint: str = "demographic parity",
        method: str = "exponentiated gradient",
        *,
        bound: float | None = None,
        eps: float = 0.01,
        iterations: int = 50,
        grid: int | None = None,
        shared: list[str] | None = None,
        features: list[str] | None = None,
        favorable: Any = None,
        matrix: bool = False,
    ) -> None:
        self.estimator = estimator
        self.attributes = attributes
        self.constraint = constraint
        self.method = method
        self.bound = bound
        self.eps = eps
        self.iterations = iterations
        self.grid = grid
        self.shared = shared
        self.features = features
        self.favorable = favorable
        self.matrix = matrix

    # --- fit --------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Floats | None = None) -> Constrained:
        """Learn under the constraint.

        Parameters
        ----------
        X : data frame
            The features and the attributes.
        y : array-like, shape (n,)
            Two labels.
        sample_weight : ndarray of float64, shape (n,), optional
            Equal ones only: Fairlearn counts every row once.

        Raises
        ------
        SpecError
            Where an option is out of range.
        DataError
            Where there are not two labels or not two groups.
        ModelError
            Where Fairlearn is not installed, rows have weights, or the estimator takes none or
            cannot be fitted.
        """
        self._check()
        reductions = _reductions()
        weight_name(self.estimator)
        if sample_weight is not None and np.ptp(np.asarray(sample_weight, np.float64)) > 0:
            raise ModelError(
                "learning under a constraint counts every row once, and these rows have weights; "
                "leave the weights out, or draw rows in proportion to them first"
            )
        labels = self._begin(X, y, self.attributes, needed=())
        names = self.seen_.names
        self.lots_ = list(names if self.shared is None else self.shared)
        needed = [*names, *(name for name in self.lots_ if name not in names)]
        self.feature_names_in_ = np.array(needed, dtype=object)
        self.n_features_in_ = len(needed)
        good = (labels == self.favorable_).astype(np.int64)
        groups = Groups.of(X, self.attributes)
        codes = groups.codes(X)
        if len(groups) < 2:
            raise DataError(
                f"all rows are of one group ({groups.names[0]}): a constraint is about several"
            )
        self.free_ = [
            group
            for number, group in enumerate(groups.names)
            if set(_CONDITIONS.get(self.constraint, ())) - set(good[codes == number].tolist())
        ]
        rows = self.seen_.of_frame(X)
        try:
            reduction = self._reduced(reductions, rows, good, codes)
            self._keep(reduction, rows)
        except ParibusError:
            raise
        except Exception as error:
            raise ModelError(
                f"Fairlearn could not fit {type(self.estimator).__name__} under "
                f"{self.constraint}: {reason(error)}"
            ) from error
        return self

    def _check(self) -> None:
        if self.constraint not in _MOMENTS:
            raise SpecError(
                f'there is no constraint "{self.constraint}"{nearest(self.constraint, _MOMENTS)}',
                path="$.constraint",
            )
        if self.method not in _METHODS:
            raise SpecError(
                f'there is no method "{self.method}"{nearest(self.method, _METHODS)}',
                path="$.method",
            )
        if self.method == "grid search":
            if self.grid is not None and self.grid < 2:
                raise SpecError(f"must be at least 2, not {self.grid}", path="$.grid")
            return
        if self.bound is None and self.constraint == "bounded group loss":
            raise SpecError(
                "bounded group loss needs a bound, the largest share of wrong answers in a group",
                path="$.bound",
            )
        if self.bound is not None and not 0 <= self.bound <= 1:
            raise SpecError(f"must be from 0 to 1, not {self.bound}", path="$.bound")
        if not self.eps > 0:
            raise SpecError(f"must be above 0, not {self.eps}", path="$.eps")
        if self.iterations < 1:
            raise SpecError(f"must be at least 1, not {self.iterations}", path="$.iterations")

    def _reduced(
        self, reductions: Any, rows: Any, good: npt.NDArray[np.int64], codes: Codes
    ) -> Any:
        """Let Fairlearn fit clones of the estimator."""
        for _ in range(_AGAIN):
            _hush()
            try:
                return self._once(reductions, rows, good, codes)
            except Warning:
                # Another thread has just put the filters back that it found (see `_hush`).
                continue
        return self._once(reductions, rows, good, codes)

    def _once(self, reductions: Any, rows: Any, good: npt.NDArray[np.int64], codes: Codes) -> Any:
        bound = _BOUND if self.bound is None else self.bound
        moment = _moment(reductions, self.constraint, bound)
        oracle = _Oracle(self.estimator, rows, _Last())
        if self.method == "grid search":
            size = self.grid or _whole_grid(self.constraint, int(codes.max()) + 1)
            reduction = reductions.GridSearch(oracle, moment, grid_size=size)
        else:
            reduction = reductions.ExponentiatedGradient(
                oracle, moment, eps=self.eps, max_iter=self.iterations
            )
        # The rows that Fairlearn hands around stand for those that the estimator sees.
        reduction.fit(np.arange(len(good))[:, None], good, sensitive_features=codes)
        return reduction

    def _keep(self, reduction: Any, rows: Any) -> None:
        """Keep what predictions take, and nothing of Fairlearn."""
        if self.method == "grid search":
            held = {int(reduction.best_idx_): 1.0}
        else:
            given = reduction.weights_.sort_index()
            held = {int(i): float(weight) for i, weight in given.items() if weight != 0}
        kept = [reduction.predictors_[i] for i in held]
        self.weights_ = np.array(list(held.values()), np.float64)
        self.estimators_ = [
            each.model if isinstance(each, _Oracle) else _constant(each, rows) for each in kept
        ]
        votes = np.column_stack(
            [each.told if isinstance(each, _Oracle) else _answers(each, rows) for each in kept]
        )
        # Fairlearn 0.13 loads the rows into the constraint that it was given.
        moment = getattr(reduction, "constraints_", reduction.constraints)
        mixed = _mixed(votes, self.weights_)
        self.gap_ = float(moment.gamma(lambda _: mixed).max())

    # --- predict ----------------------------------------------------------------------------------

    def predict(self, X: Any, random_state: Any = None) -> npt.NDArray[Any]:
        """Give the label of each row, shape (n,).

        Parameters
        ----------
        X : data frame
        random_state : int or numpy.random.RandomState, optional
            Draws anew, whoever the people are, what Fairlearn draws from the same seed. Where left
            out, each person's lot comes from what is in the columns `shared`.
        """
        check_is_fitted(self, "weights_")
        if random_state is None or self.method == "grid search":
            return super().predict(X)
        draw = check_random_state(random_state)
        votes = self._votes(X)
        lots = draw.rand(len(votes))
        if self.constraint == "bounded group loss":
            # Fairlearn draws a predictor here, not a decision.
            steps = np.cumsum(self.weights_)
            drawn = np.searchsorted(steps / steps[-1], lots, side="right")
            favored = votes[np.arange(len(votes)), np.minimum(drawn, votes.shape[1] - 1)] == 1
        else:
            favored = votes @ self.weights_ >= lots
        good = int(np.flatnonzero(self.classes_ == self.favorable_)[0])
        return self.classes_[np.where(favored, good, 1 - good)]

    def _favorable(self, X: Any) -> Floats:
        if self.method == "grid search":
            return favorable_scores(self.estimators_[0], self.seen_.of_frame(X), 1)
        return _mixed(self._votes(X), self.weights_)

    def _decided(self, X: Any, good: Floats) -> npt.NDArray[np.bool_]:
        if self.method == "grid search":
            return cast("npt.NDArray[np.bool_]", self._votes(X)[:, 0] == 1)
        return good > lot(X, self.lots_)

    def _votes(self, X: Any) -> npt.NDArray[np.int64]:
        """Give what each predictor says of each row, 1 or 0, shape (n, predictors)."""
        rows = self.seen_.of_frame(X)
        return np.column_stack([_answers(each, rows) for each in self.estimators_])


def _answers(estimator: Any, rows: Any) -> npt.NDArray[np.int64]:
    return np.asarray(estimator.predict(rows)).ravel().astype(np.int64)


def _mixed(votes: npt.NDArray[np.int64], weights: Floats) -> Floats:
    """Give the share of the mixture that favors each row: exactly 1 where all do, 0 where none."""
    share = np.clip(votes @ weights, 0.0, 1.0)
    return np.where(votes.all(axis=1), 1.0, np.where(votes.any(axis=1), share, 0.0))


def _constant(dummy: Any, rows: Any) -> Any:
    """Fit what always says the same again, on the columns of all others."""
    said = int(dummy.constant)
    return DummyClassifier(strategy="constant", constant=said).fit(rows, np.full(len(rows), said))


# --- what Fairlearn is handed ---------------------------------------------------------------------


class _Last:
    """The last fit. Fairlearn often asks for the same one again: weights that scale alike."""

    def __init__(self) -> None:
        self.asked: tuple[npt.NDArray[np.int64], Floats] | None = None
        self.given: tuple[Any, npt.NDArray[np.int64]] | None = None


class _Oracle:
    """What Fairlearn clones and fits: its rows are numbers, the estimator sees the rows themselves.

    So whatever frame the estimator takes reaches it untouched, the weights find their way through
    pipelines, and each fit predicts its rows once.
    """

    def __init__(self, estimator: Any, rows: Any, last: _Last) -> None:
        self.estimator = estimator
        self.rows = rows
        self.last = last

    def __sklearn_clone__(self) -> _Oracle:
        return _Oracle(self.estimator, self.rows, self.last)

    def __deepcopy__(self, memo: Mapping[int, Any]) -> _Oracle:
        return self.__sklearn_clone__()

    def fit(self, X: Any, y: Any, sample_weight: Any) -> _Oracle:
        label, weight = np.asarray(y, np.int64), np.asarray(sample_weight, np.float64)
        last = self.last
        if last.asked is None or not all(
            np.array_equal(a, b) for a, b in zip(last.asked, (label, weight), strict=True)
        ):
            model = fitted(self.estimator, self.rows, label, weight)
            last.asked, last.given = (label, weight), (model, _answers(model, self.rows))
            # Whatever fits in the meantime may have put other filters back.
            _hush()
        self.model, self.told = cast("Any", last.given)
        return self

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        return cast("npt.NDArray[np.int64]", self.told)


def _reductions() -> Any:
    try:
        from fairlearn import reductions
    except ImportError as error:
        raise ModelError(
            'learning under a constraint needs fairlearn: pip install "paribus[mitigate]"'
        ) from error
    # A library that nobody has told where to log prints nothing.
    logging.getLogger("fairlearn").addHandler(_SILENT)
    return reductions


_SILENT = logging.NullHandler()


def _hush() -> None:
    """Let Fairlearn's own use of pandas warn nobody.

    Warnings cannot be put back as they were: the filters belong to all threads, and other
    candidates are fitted meanwhile. So the filter stays, and it names Fairlearn alone.
    """
    warnings.filterwarnings("ignore", category=Warning, module=r"fairlearn\.")


def _moment(reductions: Any, constraint: str, bound: float) -> Any:
    """Make Fairlearn's constraint."""
    made = getattr(reductions, _MOMENTS[constraint])
    if constraint == "bounded group loss":
        return _weighed_at_once(reductions)(reductions.ZeroOneLoss(), upper_bound=bound)
    return made(difference_bound=bound)


def _weighed_at_once(reductions: Any) -> Callable[..., Any]:
    """Give Fairlearn's bounded group loss with weights made of columns, not row by row.

    The weights are the same numbers; row by row they take longer than most fits.
    """

    class Weighed(reductions.BoundedGroupLoss):  # type: ignore[misc]
        def signed_weights(self, lambda_vec: Any = None) -> Any:
            if lambda_vec is None:
                return 1.0 + 0.0 * self.tags["label"]
            return self.tags["group_id"].map(lambda_vec / self.prob_attr)

        def default_objective(self) -> Any:
            objective = super().default_objective()
            objective.signed_weights = lambda: 1.0 + 0.0 * objective.tags["label"]
            return objective

    return Weighed


def _whole_grid(constraint: str, groups: int) -> int:
    """Count the multipliers of the smallest whole grid of at least `_GRID`.

    Fairlearn lists all vectors of whole numbers whose sizes add up to at most some k, and keeps the
    first ones: cut short, the list lacks one end, and often the multipliers that are all 0.
    """
    k = 0
    while True:
        k += 1
        if constraint == "bounded group loss":
            points = comb(k + groups - 1, groups - 1)
        else:
            d = (groups - 1) * (2 if constraint == "equalized odds" else 1)
            points = sum(comb(d, i) * comb(k, i) * 2**i for i in range(min(d, k) + 1))
        if points >= _GRID:
            return points
