"""A model that sees numbers without what is linear in them of the protected attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from paribus.errors import DataError, ModelError, SpecError, nearest
from paribus.estimators.base import Floats, Recast
from paribus.estimators.fits import fitted
from paribus.estimators.groups import Groups
from paribus.table import Table, lookup

_MOST_LEVELS = 1_000
"""Levels of an attribute up to which it is taken for one."""

Places = npt.NDArray[np.intp]


class Residualized(Recast):
    """A classifier that is shown the residuals of numbers given the groups of some attributes.

    Fairlearn's ``CorrelationRemover`` takes out of every column of numbers what a least-squares fit
    on the indicators of all groups foresees. What is left does not correlate with any group, in the
    rows that were fitted; it may still depend on groups otherwise, so it suits linear models best.

    People who are alike but for an attribute are shown to the estimator with different numbers: it
    makes groups more equal, and not twins.

    Of groups, several attributes, missing values and weights, this is what happens:

    * every level of every attribute has an indicator, and attributes act one beside the other (they
      are not crossed);
    * whoever's attribute is missing, or of a level that was never seen, is taken as everybody on
      average: nothing is taken out on its account;
    * a missing number stays missing, and columns learn from the rows in which they are known (means
      in their place would leave a part of the correlation);
    * a row with weight two counts like two rows.

    Parameters
    ----------
    estimator : object
        Any classifier of two labels.
    attributes : list of str
        Columns of `X`, needed of whoever is asked about. The estimator does not see them: where
        `features` names one, it holds one value.
    columns : list of str, optional
        Of numbers or truth values, which all become floats; all of the features where left out.
        Name them where some numbers are codes that the estimator takes for categories.
    drop : list of str, optional
        Features that hold one value for everybody as in `Without`, such as copies of an attribute.
    alpha : float
        How much of it is taken out, from 0 (nothing) to 1 (all).
    features : list of str, optional
        The columns that `estimator` sees; all of `X` that are no attributes where left out.
    favorable : label, optional
        The label that is good for a person; the last of the sorted labels where left out. It plays
        no part in the answers.
    matrix : bool
        Whether `estimator` takes a matrix of numbers without names.

    Attributes
    ----------
    columns_ : list of str
        Those of which residuals are taken.
    shifts_ : list of ndarray, each of shape (levels + 1, columns)
        For each attribute, how far the numbers of each level are moved towards those of everybody,
        `alpha` included; 0 in the last row, which is for everybody else. Answering takes no
        Fairlearn.
    groups_ : Groups
    constants_ : Constants
        What everybody has in the columns that are dropped.
    classes_, estimator_, feature_names_in_, n_features_in_, seen_
        As `paribus.estimators.base.Mended` describes.

    References
    ----------
    Bird, Dudik, Edgar et al. (2020), Fairlearn: A toolkit for assessing and improving fairness in
    AI, Microsoft MSR-TR-2020-32.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> people = pd.DataFrame({"income": [1.0, 3.0, 5.0, 7.0], "sex": ["f", "f", "m", "m"]})
    >>> model = Residualized(LogisticRegression(), ["sex"]).fit(people, [0, 1, 0, 1])
    >>> model.residuals(people)["income"].round(6).tolist()
    [3.0, 5.0, 3.0, 5.0]
    >>> model.feature_names_in_.tolist()
    ['income', 'sex']
    """

    def __init__(
        self,
        estimator: Any,
        attributes: list[str],
        columns: list[str] | None = None,
        drop: list[str] | None = None,
        alpha: float = 1.0,
        features: list[str] | None = None,
        favorable: Any = None,
        matrix: bool = False,
    ) -> None:
        self.estimator = estimator
        self.attributes = attributes
        self.columns = columns
        self.drop = drop
        self.alpha = alpha
        self.features = features
        self.favorable = favorable
        self.matrix = matrix

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Residualized:
        """Learn what is linear in the attributes, and fit the estimator on what is left.

        Parameters
        ----------
        X : data frame of n rows
        y : array-like, shape (n,)
            One of two labels each.
        sample_weight : array-like, shape (n,), optional
            For the estimator, and for what is linear in the attributes.

        Raises
        ------
        DataError
            Where there is no such column, one holds no numbers or is dropped, or none is left.
        ModelError
            Where Fairlearn is not installed, or there are weights and the estimator takes none.
        SpecError
            Where there are no attributes, or `alpha` is out of range.
        """
        if not len(self.attributes):
            raise SpecError("name at least one protected attribute", path="$.attributes")
        if not 0 <= self.alpha <= 1:
            raise SpecError(f"must lie between 0 and 1, not {self.alpha}", path="$.alpha")
        labels = self._begin(X, y, self.attributes)
        own = [name for name in self.attributes if name in self.seen_.names]
        self._drop(X, [*(self.drop or ()), *own], self.attributes)
        weight = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        self.groups_ = Groups.of(X, self.attributes)
        for name, levels in zip(self.attributes, self.groups_.levels, strict=True):
            if len(levels) > _MOST_LEVELS:
                raise DataError(f'"{name}" has {len(levels):,} levels: put them into fewer groups')
        shown = super()._shown(X)
        self.columns_ = self._chosen(shown)
        numbers = np.column_stack([self._floats(shown, name) for name in self.columns_])
        sizes = [len(levels) for levels in self.groups_.levels]
        linear = _shifts(self._places(X), sizes, numbers, weight)
        self.shifts_ = [float(self.alpha) * each for each in linear]
        self.estimator_ = fitted(self.estimator, self.residuals(X), labels, weight)
        return self

    def residuals(self, X: Any) -> Any:
        """Give people as the estimator is shown them.

        Parameters
        ----------
        X : data frame
            With the columns of `feature_names_in_`.

        Returns
        -------
        data frame or ndarray
            With the features in their order; a matrix where `matrix` says so.
        """
        return self._shown(X)

    def _shown(self, X: Any) -> Any:
        shown = super()._shown(X)
        places = self._places(X)
        moved = sum(each[at] for each, at in zip(self.shifts_, places, strict=True))
        return _moved(shown, self.seen_.names, self.columns_, cast("Floats", moved))

    def _places(self, X: Any) -> list[Places]:
        """Give for each attribute the number of everybody's level, one past the last for none."""
        table = Table.of(X)
        found = []
        for name, levels in zip(self.attributes, self.groups_.levels, strict=True):
            at = lookup(table.column(name, slice(None)).arrow(), levels)
            found.append(np.where(at < 0, len(levels), at).astype(np.intp))
        return found

    def _chosen(self, shown: Any) -> list[str]:
        """Name the columns of numbers out of which something is taken."""
        names = self.seen_.names
        numeric = [name for name in names if self.matrix or _is_numeric(shown[name])]
        dropped = self.constants_.values
        if self.columns is None:
            chosen = [name for name in numeric if name not in dropped]
            if not chosen:
                raise DataError("no feature holds numbers, so there are no residuals to take")
            return chosen
        for name in self.columns:
            if name not in names:
                raise DataError(f'"{name}" is no feature of the model{nearest(name, names)}')
            if name in dropped:
                raise DataError(f'"{name}" is dropped, so nothing can be taken out of it')
            if name not in numeric:
                raise DataError(f'the column "{name}" holds no numbers')
        if not len(self.columns):
            raise DataError("name at least one column of numbers")
        return [str(name) for name in dict.fromkeys(self.columns)]

    def _floats(self, shown: Any, name: str) -> Floats:
        if isinstance(shown, np.ndarray):
            return np.asarray(shown[:, self.seen_.names.index(name)])
        if self.seen_.kind == "polars":
            import polars as pl

            return np.asarray(shown[name].cast(pl.Float64).to_numpy())
        return np.asarray(shown[name].to_numpy(np.float64, na_value=np.nan))


# --- columns --------------------------------------------------------------------------------------


def _is_numeric(column: Any) -> bool:
    if type(column).__module__.startswith("polars"):
        import polars as pl

        return bool(column.dtype.is_numeric() or column.dtype == pl.Boolean)
    import pandas as pd

    return pd.api.types.is_numeric_dtype(column.dtype)


def _moved(shown: Any, names: Sequence[str], columns: Sequence[str], by: Floats) -> Any:
    """Take numbers of shape (n, columns) off some columns; what is missing stays so."""
    if isinstance(shown, np.ndarray):
        out = shown.copy()
        out[:, [names.index(name) for name in columns]] -= by
        return out
    if type(shown).__module__.startswith("polars"):
        import polars as pl

        return shown.with_columns(
            (shown[name].cast(pl.Float64) - pl.Series(by[:, i])).alias(name)
            for i, name in enumerate(columns)
        )
    changed = {}
    for i, name in enumerate(columns):
        column = shown[name]
        # Where all or some are missing, a frame made of records holds objects.
        changed[name] = (column if _is_numeric(column) else column.astype("float64")) - by[:, i]
    return shown.assign(**changed)


# --- what is linear -------------------------------------------------------------------------------


def _shifts(
    places: Sequence[Places], sizes: Sequence[int], numbers: Floats, weight: Floats | None
) -> list[Floats]:
    """Find how far the numbers of each level lie from those of everybody.

    Columns that are known of the same people are fitted at once.
    """
    out = [np.zeros((size + 1, numbers.shape[1])) for size in sizes]
    known = np.isfinite(numbers) if weight is None else np.isfinite(numbers) & (weight > 0)[:, None]
    alike: dict[bytes, list[int]] = {}
    for column in range(numbers.shape[1]):
        alike.setdefault(np.packbits(known[:, column]).tobytes(), []).append(column)
    for columns in alike.values():
        rows = np.flatnonzero(known[:, columns[0]])
        if not len(rows):
            continue
        mass = np.ones(len(rows)) if weight is None else weight[rows] / weight[rows].max()
        levels = [_Indicators(at[rows], size, mass) for at, size in zip(places, sizes, strict=True)]
        found = _linear(
            np.hstack([each.centered for each in levels]),
            numbers[np.ix_(rows, np.array(columns))],
            None if weight is None else mass,
        )
        start = 0
        for each, of_attribute, size in zip(levels, out, sizes, strict=True):
            part = found[start : start + size]
            start += size
            moved = np.where(each.occurs[:, None], part - each.means @ part, 0.0)
            of_attribute[:size, columns] = moved
    return out


class _Indicators:
    """Who is of which level, less the mean of those whose level is known: 0 for the others."""

    def __init__(self, places: Places, size: int, mass: Floats) -> None:
        of = np.bincount(places, mass, minlength=size + 1)[:size]
        self.occurs = of > 0
        self.means = of / max(of.sum(), np.finfo(np.float64).tiny)
        there = (places[:, None] == np.arange(size)).astype(np.float64)
        self.centered = np.where((places < size)[:, None], there - self.means, 0.0)


def _linear(indicators: Floats, numbers: Floats, mass: Floats | None) -> Floats:
    """Fit numbers on indicators by least squares, shape (indicators, columns)."""
    try:
        from fairlearn.preprocessing import CorrelationRemover
    except ImportError:
        raise ModelError(
            'taking residuals needs fairlearn; install it with: pip install "paribus[mitigate]"'
        ) from None
    # Squares of large numbers, and differences of numbers far from 0, would lose all digits.
    scale = np.maximum(np.abs(numbers).max(axis=0), np.finfo(np.float64).tiny)
    small = numbers / scale
    table = np.hstack([indicators, small - small.mean(axis=0)])
    if mass is not None:
        # Least squares with weights are those of rows times the root of the weight; with each row's
        # mirror image, all means stay 0, which it would otherwise take away.
        table = table * np.sqrt(mass)[:, None]
        table = np.vstack([table, -table])
    width = indicators.shape[1]
    remover = CorrelationRemover(sensitive_feature_ids=list(range(width))).fit(table)
    return cast("Floats", remover.beta_ * scale)
