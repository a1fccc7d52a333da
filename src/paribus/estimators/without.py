"""A model that does not look at some columns, although its estimator names them."""

from __future__ import annotations

from typing import Any

import numpy as np

from paribus.estimators.base import Recast
from paribus.estimators.fits import fitted


class Without(Recast):
    """A classifier that holds some columns at one value, in the fit as in every answer.

    A pipeline that selects a column by its name breaks where the column is gone. Here it stays, and
    everybody has the same in it: the median of its numbers, or its most frequent value, in its own
    type. Nothing can be learned from it, and people are asked about without it: people who differ
    in these columns alone get the same answer.

    Parameters
    ----------
    estimator : object
        Any classifier of two labels. One that refuses constant columns refuses these.
    columns : list of str
        At which it does not look. What is no feature is of no account.
    features : list of str, optional
        The columns that `estimator` names, with those at which it does not look; all of `X` where
        left out.
    favorable : label, optional
        The label that is good for a person; the last of the sorted labels where left out. It plays
        no part in the answers.
    matrix : bool
        Whether `estimator` takes a matrix of numbers without names.

    Attributes
    ----------
    constants_ : Constants
        What everybody has in these columns.
    classes_, estimator_, feature_names_in_, n_features_in_, seen_
        As `paribus.estimators.base.Mended` describes; `feature_names_in_` is without `columns`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> people = pd.DataFrame({"income": [1, 2, 3, 4], "sex": [0, 0, 1, 1]})
    >>> model = Without(LogisticRegression(), ["sex"]).fit(people, ["no", "no", "yes", "yes"])
    >>> model.feature_names_in_.tolist(), model.constants_.values
    (['income'], {'sex': 0})
    >>> model.predict(pd.DataFrame({"income": [1, 4]})).tolist()
    ['no', 'yes']
    """

    def __init__(
        self,
        estimator: Any,
        columns: list[str],
        features: list[str] | None = None,
        favorable: Any = None,
        matrix: bool = False,
    ) -> None:
        self.estimator = estimator
        self.columns = columns
        self.features = features
        self.favorable = favorable
        self.matrix = matrix

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Without:
        """Fit the estimator on the columns as it shall see them.

        Parameters
        ----------
        X : data frame of n rows
        y : array-like, shape (n,)
            One of two labels each.
        sample_weight : array-like, shape (n,), optional

        Raises
        ------
        DataError
            Where there is no such column, or none would be left.
        ModelError
            Where there are weights and the estimator takes none.
        """
        labels = self._begin(X, y)
        self._drop(X, self.columns)
        weight = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        self.estimator_ = fitted(self.estimator, self._shown(X), labels, weight)
        return self
