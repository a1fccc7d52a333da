"""What mended models are: classifiers around others that decide between two labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from paribus.errors import DataError, ModelError, SpecError, nearest
from paribus.estimators.fits import answers, favorable_scores, fitted, held_out_scores
from paribus.estimators.frames import Constants, Seen, names_of
from paribus.probe._boosters import in_pandas

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


class Mended(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier around another one that decides between two labels.

    A kind declares its own ``__init__`` (with at least `estimator`, `features`, `favorable` and
    `matrix`) and ``fit``, which calls `_begin` first, and says in `_favorable` how favorable each
    person's answer is.

    Parameters
    ----------
    estimator : object
        Any classifier, fitted or not.
    features : list of str, optional
        The columns that it sees; all of `X` that are not protected attributes where left out.
    favorable : label, optional
        The label that is good for a person; the last of the sorted labels where left out.
    matrix : bool
        Whether `estimator` takes a matrix of numbers without names.

    Attributes
    ----------
    classes_ : ndarray, shape (2,)
        The labels, sorted.
    estimator_ : object
        The estimator inside, fitted.
    feature_names_in_ : ndarray of str
        The columns that it needs of whoever is asked about: no others are looked at.
    n_features_in_ : int
    seen_ : Seen
    """

    estimator: Any
    features: list[str] | None
    favorable: Any
    matrix: bool
    classes_: npt.NDArray[Any]
    estimator_: Any
    seen_: Seen

    def _begin(
        self, X: Any, y: Any, attributes: Sequence[str] = (), needed: Sequence[str] | None = None
    ) -> npt.NDArray[Any]:
        """Learn the labels and the columns; give the labels as an array.

        Parameters
        ----------
        X : data frame
        y : array-like
        attributes : sequence of str
            Protected attributes, which the estimator does not see unless `features` names them.
        needed : sequence of str, optional
            The columns that must be there when people are asked about; the features and the
            attributes where left out.

        Raises
        ------
        DataError
            Where `X` has no column names, or there are not two labels.
        """
        if not hasattr(X, "columns"):
            raise DataError("expected a data frame: groups are found by the names of columns")
        labels = np.asarray(y)
        self.classes_ = np.unique(labels)
        if len(self.classes_) != 2:
            raise DataError(f"expected two labels, not {len(self.classes_)}")
        self.favorable_ = self.classes_[-1] if self.favorable is None else self.favorable
        if self.favorable_ not in self.classes_:
            raise DataError(f'no row has the label "{self.favorable_}"')
        names = self.features
        if names is None:
            names = [name for name in names_of(X) if name not in set(attributes)]
        self.seen_ = Seen.of(X, self.estimator, names, matrix=self.matrix)
        wanted = [*names, *(a for a in attributes if a not in names)] if needed is None else needed
        self.feature_names_in_ = np.array([str(name) for name in wanted], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        return labels

    def _favorable(self, X: Any) -> Floats:
        """Give how sure the favorable answer is for each row, in [0, 1]; favorable from 0.5 on."""
        raise NotImplementedError

    def _decided(self, X: Any, good: Floats) -> npt.NDArray[np.bool_]:
        """Tell whose answer is favorable, from how sure it is."""
        return good >= 0.5

    def answers(self, X: Any) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Tell whose label is the favorable one, and how sure it is; asks the estimator once.

        Returns
        -------
        decided : ndarray of bool, shape (n,)
        favorable : ndarray of float64, shape (n,)
            The probability of the favorable label, in [0, 1].
        """
        check_is_fitted(self, "classes_")
        good = self._favorable(X)
        return self._decided(X, good), good

    def predict_proba(self, X: Any) -> Floats:
        """Give the probability of each label, shape (n, 2), in the order of `classes_`."""
        check_is_fitted(self, "classes_")
        good = self._favorable(X)
        columns = [good if label == self.favorable_ else 1.0 - good for label in self.classes_]
        return np.column_stack(columns)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Give the label of each row, shape (n,)."""
        decided, _ = self.answers(X)
        good = int(np.flatnonzero(self.classes_ == self.favorable_)[0])
        return self.classes_[np.where(decided, good, 1 - good)]


class Recast(Mended):
    """A mended model whose estimator is shown other columns than people have.

    What it says is what the estimator inside says, to the bit.

    Attributes
    ----------
    constants_ : Constants
        The columns at which it does not look.
    """

    constants_: Constants

    def _drop(self, X: Any, dropped: Sequence[str], attributes: Sequence[str] = ()) -> None:
        """Hold features at one value, and ask for them no longer.

        Parameters
        ----------
        X : data frame
            The rows that are fitted.
        dropped : sequence of str
            Columns of `X`; those that are no features are of no account.
        attributes : sequence of str
            Columns that are needed whatever is dropped.

        Raises
        ------
        DataError
            Where there is no such column, or no feature is left.
        """
        seen = self.seen_.names
        known = names_of(X)
        for name in dropped:
            if name not in known:
                raise DataError(f'the data have no column "{name}"{nearest(name, known)}')
        kept = [name for name in seen if name not in dropped]
        if not kept:
            raise DataError("every feature would be dropped, and none is left to decide by")
        needed = [*kept, *(name for name in attributes if name not in kept)]
        self.feature_names_in_ = np.array(needed, dtype=object)
        self.n_features_in_ = len(needed)
        gone = [name for name in seen if name in dropped]
        self.constants_ = Constants.of(X, gone, self.seen_.kind)

    def _shown(self, X: Any) -> Any:
        """Give people as the estimator is shown them."""
        kind = self.seen_.kind
        people = X if kind == "polars" else in_pandas(X)
        return self.seen_.of_frame(people, self.constants_.columns(people, kind))

    def _favorable(self, X: Any) -> Floats:
        return favorable_scores(self.estimator_, self._shown(X), self.favorable_)

    def predict_proba(self, X: Any) -> Floats:
        check_is_fitted(self, "estimator_")
        classes = list(getattr(self.estimator_, "classes_", []))
        if not hasattr(self.estimator_, "predict_proba") or classes != list(self.classes_):
            return super().predict_proba(X)
        return np.asarray(self.estimator_.predict_proba(self._shown(X)))

    def answers(self, X: Any) -> tuple[npt.NDArray[np.bool_], Floats]:
        check_is_fitted(self, "estimator_")
        return answers(self.estimator_, self._shown(X), self.favorable_)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.predict(self._shown(X))).ravel()


class PostProcessed(Mended):
    """A mended model that decides anew on what an estimator says, and learns how on its scores.

    Parameters
    ----------
    parts : int
        Clones that make held-out scores, each of people on whom it was not fitted: a model that
        has memorized its rows says nothing about others on them. With 0 the scores are those of
        the fitted estimator on the same rows.
    prefit : bool
        Whether `estimator` is fitted already and stays as it is.
    seed : int
        Of the parts.
    """

    parts: int
    prefit: bool
    seed: int

    def _learn(
        self,
        X: Any,
        labels: npt.NDArray[Any],
        groups: Codes,
        sample_weight: Any = None,
        held_out: Any = None,
    ) -> Floats:
        """Fit the estimator, or keep it, and say how sure it is of people whom it has not seen.

        Parameters
        ----------
        X : data frame
        labels : ndarray, shape (n,)
            As `_begin` gave them.
        groups : ndarray of int, shape (n,)
            Spread over all parts.
        sample_weight : array-like, shape (n,), optional
        held_out : array-like, shape (n,), optional
            Such scores, where they have been made before.

        Raises
        ------
        DataError
            Where `held_out` are no scores of these rows.
        ModelError
            Where the estimator is said to be fitted and is not.
        SpecError
            Where `parts` makes no sense.
        """
        if self.parts < 0 or self.parts == 1:
            raise SpecError(f"take 0 parts, or 2 and more, not {self.parts}", path="$.parts")
        seen = self.seen_.of_frame(X)
        weight = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        if self.prefit:
            _check_fitted(self.estimator)
            self.estimator_ = self.estimator
        else:
            self.estimator_ = fitted(self.estimator, seen, labels, weight)
        if held_out is not None:
            scores = np.asarray(held_out, np.float64)
            if scores.shape != labels.shape or not ((scores >= 0) & (scores <= 1)).all():
                raise DataError("held-out scores must be one number from 0 to 1 for each row")
            return scores
        if self.parts == 0:
            return favorable_scores(self.estimator_, seen, self.favorable_)
        return held_out_scores(
            self.estimator, seen, labels, self.favorable_,
            strata=groups, weight=weight, parts=self.parts, seed=self.seed,
        )  # fmt: skip


def _check_fitted(estimator: Any) -> None:
    try:
        if hasattr(estimator, "fit"):
            check_is_fitted(estimator)
    except NotFittedError:
        raise ModelError(
            f"{type(estimator).__name__} is not fitted; fit it first, or leave prefit out"
        ) from None
