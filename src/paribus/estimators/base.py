"""What mended models share: the frames they hand on, groups of people, weighted fits."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from paribus.errors import DataError, ModelError, SpecError, nearest
from paribus.probe._boosters import in_pandas, with_categories
from paribus.roles import CROSS, level_name
from paribus.stats.folds import folds
from paribus.table import Scalar, Table, flat, lookup

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

_BOOSTERS = {"xgboost", "lightgbm", "catboost"}
_STEP = 2.0**-53

_ARGMAX = (
    "sklearn.linear_model._logistic",
    "sklearn.tree.",
    "sklearn.ensemble._forest",
    "sklearn.ensemble._hist_gradient_boosting",
    "lightgbm.",
    "xgboost.",
)
"""Where the label is that of the higher of two probabilities, and of equal ones the first.
Gradient boosting of scikit-learn takes the last of equal ones."""

_BY_NAME = {"CalibratedClassifierCV", "AdaBoostClassifier"}
"""They hand weights to an estimator whose ``fit`` names them, and to no pipeline."""

_ROUTED = {"TunedThresholdClassifierCV", "FixedThresholdClassifier"}
"""They hand nothing on unless scikit-learn is configured to."""


# --- frames ---------------------------------------------------------------------------------------


class Seen:
    """The columns that an estimator was fitted on, and how it is handed others like them.

    Parameters
    ----------
    names : list of str
        In the order in which they were fitted.
    kind : {"pandas", "polars", "numpy"}
        ``numpy`` is one float64 matrix without names.
    categories : dict of str to list
        Categorical columns -> their values in the order of their codes.
    """

    def __init__(self, names: list[str], kind: str, categories: dict[str, list[Any]]) -> None:
        self.names = names
        self.kind = kind
        self.categories = categories

    @classmethod
    def of(
        cls, X: Any, estimator: Any, names: Sequence[str] | None = None, *, matrix: bool = False
    ) -> Seen:
        """Look at the frame that an estimator is about to be fitted on.

        Parameters
        ----------
        X : data frame
        estimator : object
            XGBoost, LightGBM and CatBoost are handed pandas frames whatever `X` is.
        names : sequence of str, optional
            Its columns; all where left out.
        matrix : bool
            Whether it takes a matrix.
        """
        known = [str(name) for name in (names_of(X) if names is None else names)]
        polars = type(X).__module__.startswith("polars")
        kind = "polars" if polars and _library(estimator) not in _BOOSTERS else "pandas"
        categories = {}
        if not matrix and kind == "pandas":
            frame = in_pandas(X)
            for name in known:
                held = getattr(frame[name], "cat", None)
                if held is not None:
                    categories[name] = [_plain(value) for value in held.categories]
        return cls(known, "numpy" if matrix else kind, categories)

    def of_frame(self, X: Any, replaced: Mapping[str, Any] | None = None) -> Any:
        """Give other people as the estimator wants them.

        Parameters
        ----------
        X : data frame
        replaced : mapping, optional
            Column -> what it holds instead: one value, or one for each row. `X` may lack it.

        Raises
        ------
        DataError
            Where a column is missing.
        """
        columns = names_of(X)
        given = replaced or {}
        missing = [name for name in self.names if name not in columns and name not in given]
        if missing:
            raise DataError(
                f'the data have no column "{missing[0]}", which the model was fitted on'
            )
        if self.kind == "polars":
            import polars as pl

            frame = X if isinstance(X, pl.DataFrame) else pl.from_pandas(in_pandas(X))
            if given:
                frame = frame.with_columns(
                    _expression(name, value) for name, value in given.items() if name in self.names
                )
            return frame.select(self.names)
        frame = in_pandas(X)
        if given:
            frame = frame.assign(**{k: v for k, v in given.items() if k in self.names})
        frame = frame[self.names]
        if self.kind == "numpy":
            return frame.to_numpy(np.float64)
        return with_categories(frame, self.categories)


def _expression(name: str, value: Any) -> Any:
    import polars as pl

    if isinstance(value, np.ndarray | list):
        return pl.Series(name, value)
    return pl.lit(value).alias(name)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def final(estimator: Any) -> Any:
    """Give the estimator that answers: the last step of a pipeline, the model inside a search."""
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list) and steps:
        return final(steps[-1][1])
    inside = getattr(estimator, "estimator", None)
    return estimator if inside is None or isinstance(inside, str) else final(inside)


def _library(estimator: Any) -> str:
    return type(final(estimator)).__module__.partition(".")[0]


def names_of(X: Any) -> list[str]:
    """Name the columns of a data frame of any kind."""
    arrow = type(X).__module__.startswith("pyarrow")
    return [str(name) for name in (X.column_names if arrow else X.columns)]


def rows_of(X: Any, index: npt.NDArray[np.intp]) -> Any:
    """Give some rows of a data frame or of a matrix."""
    if isinstance(X, pa.Table):
        return X.take(pa.array(index))
    return X.iloc[index] if hasattr(X, "iloc") else X[index]


class Constants:
    """Columns in which everybody has the same: a pipeline that names them finds them.

    Parameters
    ----------
    values : dict of str to value
        None where nobody's value was known.
    types : dict of str to (str or list of str)
        What the column was, by the name that pandas or polars has for it, empty where that does
        not say all; the categories of an enumeration of polars.
    """

    def __init__(self, values: dict[str, Any], types: dict[str, str | list[str]]) -> None:
        self.values = values
        self.types = types

    @classmethod
    def of(cls, X: Any, columns: Sequence[str], kind: str) -> Constants:
        """Choose what everybody has: the median of numbers, else the most frequent value.

        Either is a value that occurs: of two in the middle the lower one, of several that are as
        frequent the first by the alphabet. Which one it is says nothing to an estimator that never
        sees another.

        Parameters
        ----------
        X : data frame
        columns : sequence of str
        kind : {"pandas", "polars", "numpy"}
            What the estimator is handed, as `Seen` has it.
        """
        frame = in_pandas(X[list(columns)] if hasattr(X, "iloc") else X.select(list(columns)))
        values = {name: _typical(frame[name]) for name in columns}
        named = X if kind == "polars" and not hasattr(X, "iloc") else frame
        types = {} if kind == "numpy" else {name: _type_name(named[name]) for name in columns}
        return cls(values, types)

    def columns(self, X: Any, kind: str) -> dict[str, Any]:
        """Give the columns for the rows of `X`, as `Seen.of_frame` takes them.

        Parameters
        ----------
        X : data frame
            Of pandas, unless `kind` is polars.
        kind : {"pandas", "polars", "numpy"}
        """
        rows = len(X)
        made: dict[str, Any] = {}
        for name, value in self.values.items():
            told = self.types.get(name, "")
            if kind == "polars":
                import polars as pl

                known = pl.Enum(told) if isinstance(told, list) else getattr(pl, told or "_", None)
                made[name] = pl.Series(name, [value], known, strict=False).new_from_index(0, rows)
            else:
                import pandas as pd

                one = pd.Series([value], dtype=cast("Any", told or None))
                many = one.array.take(np.zeros(rows, np.intp))
                made[name] = pd.Series(many, index=X.index, dtype=one.dtype)
        return made


def _typical(column: Any) -> Any:
    import pandas as pd

    known = column.dropna()
    if not len(known):
        return None
    if pd.api.types.is_numeric_dtype(known.dtype):
        return _plain(np.sort(known.to_numpy())[(len(known) - 1) // 2])
    counts = known.value_counts(sort=False)
    return _plain(min(counts.index[counts.to_numpy() == counts.max()], key=str))


def _type_name(column: Any) -> str | list[str]:
    """Name a type where the name alone brings it back."""
    told = str(column.dtype)
    if type(column).__module__.startswith("polars"):
        import polars as pl

        if isinstance(column.dtype, pl.Enum):
            return [str(each) for each in column.dtype.categories]
        return told if isinstance(getattr(pl, told, None), type) else ""
    import pandas as pd

    try:
        return told if pd.api.types.pandas_dtype(told) == column.dtype else ""
    except (TypeError, ValueError):
        return ""


# --- groups ---------------------------------------------------------------------------------------


class Groups:
    """Groups of people: the combinations of levels of some attributes that occur.

    People whose attribute is missing are groups of their own.

    Parameters
    ----------
    attributes : list of str
    levels : list of lists
        The levels of each attribute.
    cells : list of lists of int
        For each group, the number of the level of each attribute; one past the last is missing.
    """

    def __init__(
        self, attributes: list[str], levels: list[list[Scalar]], cells: list[list[int]]
    ) -> None:
        self.attributes = attributes
        self.levels = levels
        self.cells = cells

    @classmethod
    def of(cls, X: Any, attributes: Sequence[str]) -> Groups:
        """Find the groups that occur.

        Raises
        ------
        DataError
            Where an attribute is no column.
        """
        return cls.coded(X, attributes)[0]

    @classmethod
    def coded(cls, X: Any, attributes: Sequence[str]) -> tuple[Groups, Codes]:
        """Find the groups that occur, and the number of each row's group.

        Raises
        ------
        DataError
            Where an attribute is no column.
        """
        table = Table.of(X)
        levels, places = [], []
        for name in attributes:
            values = table.column(name, slice(None)).arrow()
            if not pa.types.is_dictionary(values.type):
                # Text is compared once, and its codes from then on.
                values = values.dictionary_encode()
            here = values.unique().to_pylist()
            levels.append(sorted((v for v in here if not _unknown(v)), key=_order))
            found = lookup(values, levels[-1])
            places.append(np.where(found < 0, len(levels[-1]), found))
        width = [len(each) + 1 for each in levels]
        rows = np.ravel_multi_index(places, width) if places else np.zeros(len(table), np.intp)
        occurs = np.bincount(rows, minlength=int(np.prod(width))) > 0
        cells = [
            [int(at) for at in np.unravel_index(cell, width)] if places else []
            for cell in np.flatnonzero(occurs)
        ]
        codes = (np.cumsum(occurs) - 1)[rows].astype(np.intp, copy=False)
        made = cls([str(name) for name in attributes], levels, cells)
        return made, codes

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups, such as ``Black x F``."""
        return tuple(
            CROSS.join(
                level_name(levels[at] if at < len(levels) else None)
                for at, levels in zip(cell, self.levels, strict=True)
            )
            for cell in self.cells
        )

    def codes(self, X: Any) -> Codes:
        """Give the number of each row's group; -1 where nobody of it was known before."""
        places = self._places(Table.of(X))
        # One past the last is missing, and one further a level that nobody had.
        width = [len(levels) + 2 for levels in self.levels]
        known = np.full(int(np.prod(width)), -1, np.intp)
        for number, cell in enumerate(self.cells):
            known[np.ravel_multi_index(cell, width)] = number
        return cast("Codes", known[np.ravel_multi_index(places.T, width)])

    def _places(self, table: Table) -> npt.NDArray[np.intp]:
        out = np.empty((len(table), len(self.attributes)), np.intp)
        for i, (name, levels) in enumerate(zip(self.attributes, self.levels, strict=True)):
            values = table.column(name, slice(None)).arrow()
            found = lookup(values, levels)
            missing = flat(values).is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
            out[:, i] = np.where(found < 0, np.where(missing, len(levels), len(levels) + 1), found)
        return out


def _unknown(value: Any) -> bool:
    return value is None or value != value


def _order(value: Any) -> tuple[bool, Any]:
    return (isinstance(value, str), value)


def lot(X: Any, columns: Sequence[str]) -> Floats:
    """Draw a lot for each person from what is in some columns.

    The same person always draws the same lot, and so do twins where the columns are those that
    twins share: chance then favors nobody, and nobody gains by asking twice.

    Parameters
    ----------
    X : data frame
    columns : sequence of str

    Returns
    -------
    ndarray of float64, shape (n,)
        In [0, 1), spread evenly over different people.
    """
    import pandas as pd

    if not len(columns):
        return np.full(len(X), 0.5)
    frame = in_pandas(X)[list(columns)]
    plain = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column.dtype):
            # One number is one number, whatever type holds it.
            plain[name] = column.astype("float64") + 0.0
        else:
            plain[name] = column.astype(object).where(column.notna(), "").astype(str)
    hashed = pd.util.hash_pandas_object(pd.DataFrame(plain), index=False).to_numpy(np.uint64)
    return (hashed >> np.uint64(11)).astype(np.float64) * _STEP


# --- fits -----------------------------------------------------------------------------------------


def weight_name(estimator: Any) -> str:
    """Name the argument of ``fit`` that takes the weights of rows, through pipelines.

    Raises
    ------
    ModelError
        Where the estimator takes none.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> weight_name(make_pipeline(StandardScaler(), LogisticRegression()))
    'logisticregression__sample_weight'
    """
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list) and steps:
        return f"{steps[-1][0]}__{weight_name(steps[-1][1])}"
    kind, inside = type(estimator).__name__, getattr(estimator, "estimator", None)
    takes = has_fit_parameter(estimator, "sample_weight")
    if takes and not (kind in _BY_NAME and inside is not None and not _takes_weights(inside)):
        return "sample_weight"
    passes = kind not in _ROUTED and any(
        parameter.kind is inspect.Parameter.VAR_KEYWORD
        for parameter in inspect.signature(estimator.fit).parameters.values()
    )
    if passes and not takes:
        if inside is not None:
            # A search hands what it is given on to the fit of its estimator.
            return weight_name(inside)
        several = getattr(estimator, "estimators", None)
        if isinstance(several, list) and all(_takes_weights(each) for _, each in several):
            return "sample_weight"
    raise ModelError(f'{kind} takes no weights; try "resample", which needs none')


def _takes_weights(estimator: Any) -> bool:
    return isinstance(estimator, str) or has_fit_parameter(estimator, "sample_weight")


def fitted(estimator: Any, X: Any, y: Any, weight: Floats | None = None) -> Any:
    """Fit a clone, with the weights of rows where there are any.

    Raises
    ------
    ModelError
        Where there are weights and the estimator takes none.
    """
    made = clone(estimator)
    if weight is None:
        return made.fit(X, y)
    return made.fit(X, y, **{weight_name(estimator): weight})


def favorable_scores(estimator: Any, X: Any, favorable: Any) -> Floats:
    """Give how sure a fitted estimator is of the favorable label.

    Returns
    -------
    ndarray of float64, shape (n,)
        In [0, 1], and favorable from 0.5 on: probabilities, margins brought there by the logistic
        function, or 0 and 1 where there are labels only.
    """
    classes = list(np.asarray(getattr(estimator, "classes_", [])).tolist())
    if hasattr(estimator, "predict_proba") and classes:
        told = np.asarray(estimator.predict_proba(X), np.float64)
        return told[:, classes.index(favorable)] if favorable in classes else np.zeros(len(told))
    if hasattr(estimator, "decision_function") and len(classes) == 2 and favorable in classes:
        margin = np.asarray(estimator.decision_function(X), np.float64)
        sign = 1.0 if classes.index(favorable) == 1 else -1.0
        return 1.0 / (1.0 + np.exp(-np.clip(sign * margin, -700, 700)))
    return np.asarray(np.asarray(estimator.predict(X)).ravel() == favorable, np.float64)


def answers(estimator: Any, X: Any, favorable: Any) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Tell whom a fitted estimator gives the favorable label, and how sure it is of it.

    Returns
    -------
    decided : ndarray of bool, shape (n,)
        As ``predict`` says. Estimators whose label is surely that of the higher of two
        probabilities are asked once.
    favorable : ndarray of float64, shape (n,)
        As `favorable_scores` describes.
    """
    inside = estimator
    while isinstance(getattr(inside, "steps", None), list):
        inside = inside.steps[-1][1]
    known = type(inside).__module__.startswith(_ARGMAX) and hasattr(inside, "predict_proba")
    if known and favorable in (classes := np.asarray(inside.classes_).tolist()):
        # Not against 0.5: the two of a forest are rounded each by itself.
        told = np.asarray(estimator.predict_proba(X))
        place = classes.index(favorable)
        return told.argmax(axis=1) == place, told[:, place].astype(np.float64)
    scores = favorable_scores(estimator, X, favorable)
    return np.asarray(estimator.predict(X)).ravel() == favorable, scores


def held_out_scores(
    estimator: Any,
    X: Any,
    y: npt.NDArray[Any],
    favorable: Any,
    *,
    strata: npt.NDArray[np.intp] | None = None,
    weight: Floats | None = None,
    parts: int = 3,
    seed: int = 0,
) -> Floats:
    """Give how sure clones of an estimator are of rows on which they were not fitted.

    Parameters
    ----------
    estimator : object
    X : data frame or matrix
        What the estimator sees.
    y : ndarray, shape (n,)
    favorable : label
    strata : ndarray of int, shape (n,), optional
        Groups that are spread over all parts, beside the labels.
    weight : ndarray of float64, shape (n,), optional
    parts : int
        As many clones are fitted.
    seed : int

    Returns
    -------
    ndarray of float64, shape (n,)
        As `favorable_scores` describes.

    Raises
    ------
    DataError
        Where a clone would see one label only.
    """
    told = np.unique(y, return_inverse=True)[1].reshape(-1)
    # Labels first: rows are dealt in this order, and with many small groups first one part could
    # be dealt all rows of a label.
    groups = told if strata is None else told * (strata.max() + 2) + strata + 1
    part = folds(groups, parts, seed)
    out = np.empty(len(y))
    for number in range(parts):
        test, rest = np.flatnonzero(part == number), np.flatnonzero(part != number)
        if not len(test):
            continue
        if len(np.unique(told[rest])) < 2:
            raise DataError(
                f"a label is too rare to be held out in {parts} parts; take more rows of it"
            )
        model = fitted(
            estimator, rows_of(X, rest), y[rest], None if weight is None else weight[rest]
        )
        out[test] = favorable_scores(model, rows_of(X, test), favorable)
    return out


# --- estimators -----------------------------------------------------------------------------------


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
