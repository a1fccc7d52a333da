"""A threshold for each group, so that decisions meet a fairness criterion (Fairlearn)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from paribus.errors import DataError, ModelError, SpecError, nearest
from paribus.estimators.base import PostProcessed
from paribus.estimators.fits import favorable_scores
from paribus.estimators.frames import names_of
from paribus.estimators.groups import Groups, lot

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]

CONSTRAINTS = {
    "demographic parity": "demographic_parity",
    "selection rate parity": "selection_rate_parity",
    "equalized odds": "equalized_odds",
    "equal opportunity": "true_positive_rate_parity",
    "predictive equality": "false_positive_rate_parity",
    "true positive rate parity": "true_positive_rate_parity",
    "false positive rate parity": "false_positive_rate_parity",
    "true negative rate parity": "true_negative_rate_parity",
    "false negative rate parity": "false_negative_rate_parity",
}
"""What shall be equal in all groups -> Fairlearn's word for it."""

OBJECTIVES = {
    "accuracy": "accuracy_score",
    "balanced accuracy": "balanced_accuracy_score",
    "selection rate": "selection_rate",
    "true positive rate": "true_positive_rate",
    "true negative rate": "true_negative_rate",
}
"""What shall be as high as that allows -> Fairlearn's word for it."""

_WITH_ODDS = ("accuracy", "balanced accuracy")

_EXACT = 10_000
"""Rows up to which scores are taken as they are."""

_GRID = 2_048
"""Steps between 0 and 1 to which the scores of more rows are rounded."""


class GroupThresholds(PostProcessed):
    """Decide by a threshold of each group, or by a lot between two of them.

    Thresholds are those of Fairlearn's ``ThresholdOptimizer`` (Hardt, Price, Srebro 2016, Equality
    of opportunity in supervised learning, NIPS 29, 3315-3323): the best decisions that meet the
    criterion exactly on the rows that they are chosen on, where a lot is drawn between two
    thresholds. Fairlearn is needed to fit, and not to predict.

    Whoever is asked about needs a group: the protected attributes are among the columns that the
    model needs. People of groups that nobody knew when it was fitted, and of groups that are too
    small, are decided as `estimator` would.

    Parameters
    ----------
    estimator : object
        Any classifier.
    attributes : list of str
        Protected attributes; groups are the combinations of their levels.
    constraint : str
        ``demographic parity``, ``equalized odds``, ``equal opportunity`` (true positive rate
        parity), ``predictive equality`` (false positive rate parity), ``true negative rate
        parity`` or ``false negative rate parity``; Fairlearn's own words will do.
    objective : str
        ``accuracy``, ``balanced accuracy``, ``selection rate``, ``true positive rate`` or ``true
        negative rate``; the first two with equalized odds.
    parts : int
        Clones that make the held-out scores on which thresholds are chosen; 0 takes the scores of
        the fitted estimator on the same rows, as Fairlearn does.
    prefit : bool
        Whether `estimator` is fitted already and stays as it is.
    smallest : int
        Groups with fewer rows, or with one label only, are taken together. Where even together
        they are fewer, or have one label, they are decided as `estimator` would.
    grid : int
        Steps of the rate that is made equal.
    features : list of str, optional
        The columns that `estimator` sees; all but the attributes where left out.
    favorable : label, optional
        The label that is good for a person; the last of the sorted labels where left out.
    matrix : bool
        Whether `estimator` takes a matrix of numbers without names.
    shared : list of str, optional
        The columns from which a lot is drawn; the features that are no attributes where left out.
        Twins draw the same lot where these are columns that they have in common. A lot is as fine
        as these columns are: people who agree in all of them share theirs.
    seed : int
        Of the parts.

    Attributes
    ----------
    groups_ : Groups
    rule_of_ : ndarray of int, shape (G,)
        The rule of each group; -1 for the decision of `estimator`.
    thresholds_ : ndarray of float64, shape (R, 2)
        Scores above which the answer is favorable, the infinities included.
    shares_ : ndarray of float64, shape (R, 2)
        How often each of the two decides.
    ignored_ : ndarray of float64, shape (R,)
        How often neither does and the answer is a lot (equalized odds).
    constant_ : ndarray of float64, shape (R,)
        How often that lot is favorable.
    pooled_ : list of str
        Groups that were taken together, for they are too small or have one label only.
    plain_ : list of str
        Groups that are decided as `estimator` would.
    shared_ : list of str

    Raises
    ------
    DataError
        Where no group has enough rows with both labels.
    ModelError
        Where Fairlearn is not installed.
    SpecError
        Where an option makes no sense.

    Notes
    -----
    A row counts once when thresholds are chosen, whatever its weight: Fairlearn takes none there.
    Of more than 10,000 rows the scores are rounded to multiples of 1/2048 to choose them.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"income": rng.normal(size=600), "gender": rng.choice(["f", "m"], 600)})
    >>> y = X["income"] + (X["gender"] == "m") + rng.normal(size=600) > 0.5
    >>> X["income"] += X["gender"] == "m"
    >>> model = GroupThresholds(LogisticRegression(), ["gender"]).fit(X, y)
    >>> chance = model.predict_proba(X)[:, 1]
    >>> gap = chance[X["gender"] == "m"].mean() - chance[X["gender"] == "f"].mean()
    >>> bool(abs(gap) < 0.05)
    True
    """

    def __init__(
        self,
        estimator: Any,
        attributes: list[str],
        constraint: str = "demographic parity",
        objective: str = "accuracy",
        parts: int = 3,
        prefit: bool = False,
        smallest: int = 20,
        grid: int = 1000,
        features: list[str] | None = None,
        favorable: Any = None,
        matrix: bool = False,
        shared: list[str] | None = None,
        seed: int = 0,
    ) -> None:
        self.estimator = estimator
        self.attributes = attributes
        self.constraint = constraint
        self.objective = objective
        self.parts = parts
        self.prefit = prefit
        self.smallest = smallest
        self.grid = grid
        self.features = features
        self.favorable = favorable
        self.matrix = matrix
        self.shared = shared
        self.seed = seed

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, held_out: Any = None
    ) -> GroupThresholds:
        """Fit the estimator and choose the thresholds.

        Parameters
        ----------
        X : data frame
        y : array-like, shape (n,)
        sample_weight : array-like, shape (n,), optional
            For the fits of the estimator.
        held_out : array-like, shape (n,), optional
            Held-out scores of these rows that have been made before, such as
            `paribus.estimators.fits.held_out_scores` makes.
        """
        constraint, objective = _words(self.constraint, self.objective)
        if self.grid < 1:
            raise SpecError(f"take at least 1 step, not {self.grid}", path="$.grid")
        thresholder = _optimizer()
        labels = self._begin(X, y, self.attributes)
        self.shared_ = self._shared(X)
        self.groups_ = Groups.of(X, self.attributes)
        codes = self.groups_.codes(X)
        scores = self._learn(X, labels, codes, sample_weight, held_out)
        good = labels == self.favorable_
        self._pool(codes, good)
        rule = self.rule_of_[codes]
        ruled = rule >= 0
        optimizer = thresholder(
            estimator=_Scores(), constraints=constraint, objective=objective, grid_size=self.grid,
            prefit=True, predict_method="predict",
        )  # fmt: skip
        optimizer.fit(
            _coarse(scores[ruled])[:, None],
            good[ruled].astype(np.int64),
            sensitive_features=rule[ruled],
        )
        self._keep(optimizer.interpolated_thresholder_.interpolation_dict)
        return self

    def predict(self, X: Any, random_state: Any = None) -> npt.NDArray[Any]:
        """Give the label of each row.

        Parameters
        ----------
        X : data frame
        random_state : int or numpy.random.RandomState, optional
            Where it is given, lots are drawn as Fairlearn draws them under the same seed. By
            itself the same person always draws the same lot, and so do twins, and a chance of 0
            never wins.

        Returns
        -------
        ndarray, shape (n,)
        """
        if random_state is None:
            return super().predict(X)
        check_is_fitted(self, "classes_")
        chance = self._favorable(X)
        decided = chance >= check_random_state(random_state).rand(len(chance))
        good = int(np.flatnonzero(self.classes_ == self.favorable_)[0])
        return self.classes_[np.where(decided, good, 1 - good)]

    def predict_proba(self, X: Any) -> Floats:
        """Give the chance that each label is decided on, shape (n, 2), as `classes_` are ordered.

        It is 0 or 1 but for people between two thresholds of their group, and says nothing of how
        likely a label is to be right.
        """
        return super().predict_proba(X)

    def _favorable(self, X: Any) -> Floats:
        scores = favorable_scores(self.estimator_, self.seen_.of_frame(X), self.favorable_)
        code = self.groups_.codes(X)
        rule = np.where(code < 0, -1, self.rule_of_[code])
        above = scores[:, None] > self.thresholds_[rule]
        chance = self.shares_[rule, 0] * above[:, 0] + self.shares_[rule, 1] * above[:, 1]
        ignored = self.ignored_[rule]
        chance = ignored * self.constant_[rule] + (1 - ignored) * chance
        # Where a curve is all but diagonal, rounding leads a little beyond the ends.
        return np.where(rule < 0, scores >= 0.5, np.clip(chance, 0.0, 1.0))

    def _decided(self, X: Any, good: Floats) -> Flags:
        return good > lot(X, self.shared_)

    def _shared(self, X: Any) -> list[str]:
        columns = names_of(X)
        if self.shared is None:
            return [name for name in self.seen_.names if name not in set(self.attributes)]
        for name in self.shared:
            if name not in columns:
                raise DataError(f'the data have no column "{name}"{nearest(name, columns)}')
        needed = [*self.feature_names_in_, *self.shared]
        self.feature_names_in_ = np.array(list(dict.fromkeys(needed)), dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        return list(self.shared)

    def _pool(self, codes: Codes, good: Flags) -> None:
        """Give a rule to each group that is large enough, and one to all others together."""
        rows = np.bincount(codes, minlength=len(self.groups_))
        yes = np.bincount(codes[good], minlength=len(self.groups_))
        alone = (rows >= self.smallest) & (yes > 0) & (yes < rows)
        self.rule_of_ = np.where(alone, np.cumsum(alone) - 1, -1).astype(np.intp)
        together, favorable = int(rows[~alone].sum()), int(yes[~alone].sum())
        names = [name for name, large in zip(self.groups_.names, alone, strict=True) if not large]
        enough = together >= self.smallest and 0 < favorable < together
        if enough:
            self.rule_of_[~alone] = alone.sum()
        elif not alone.any():
            raise DataError(
                f"no group has {self.smallest} rows with both labels, and thresholds would be "
                "chance; take more rows, or lower smallest"
            )
        self.pooled_, self.plain_ = (names, []) if enough else ([], names)

    def _keep(self, found: Mapping[int, Any]) -> None:
        rules = [found[number] for number in range(len(found))]
        self.thresholds_ = np.array(
            [[r.operation0.threshold, r.operation1.threshold] for r in rules], np.float64
        )
        self.shares_ = np.array([[r.p0, r.p1] for r in rules], np.float64)
        self.ignored_ = np.array([r.get("p_ignore", 0.0) for r in rules], np.float64)
        self.constant_ = np.array([r.get("prediction_constant", 0.0) for r in rules], np.float64)


class _Scores(BaseEstimator):  # type: ignore[misc]
    """Hands scores on as they are."""

    def fit(self, X: Any, y: Any) -> _Scores:
        return self

    def predict(self, X: Any) -> Any:
        return X[:, 0]

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _coarse(scores: Floats) -> Floats:
    """Round very many scores: each becomes a point of a curve that Fairlearn walks in Python."""
    return scores if len(scores) <= _EXACT else np.round(scores * _GRID) / _GRID


def _optimizer() -> Any:
    try:
        from fairlearn.postprocessing import ThresholdOptimizer
    except ImportError:
        raise ModelError('this needs fairlearn: pip install "paribus[mitigate]"') from None
    return ThresholdOptimizer


def _words(constraint: str, objective: str) -> tuple[str, str]:
    """Give Fairlearn's words."""
    first = _word(constraint, CONSTRAINTS, "constraint")
    second = _word(objective, OBJECTIVES, "objective")
    if first == "equalized_odds" and second not in [OBJECTIVES[name] for name in _WITH_ODDS]:
        raise SpecError(
            f'equalized odds take the objective {" or ".join(_WITH_ODDS)}, not "{objective}"',
            path="$.objective",
        )
    return first, second


def _word(word: str, known: Mapping[str, str], option: str) -> str:
    if word in known:
        return known[word]
    if word in known.values():
        return word
    raise SpecError(f'there is no {option} "{word}"{nearest(word, known)}', path=f"$.{option}")
