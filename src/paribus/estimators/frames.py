"""Frames as an estimator was fitted on them, and as it is handed others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.errors import DataError
from paribus.probe._boosters import in_pandas, with_categories

Floats = npt.NDArray[np.float64]
_BOOSTERS = {"xgboost", "lightgbm", "catboost"}


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
                many = pl.Series(name, [value], known, strict=False).new_from_index(0, rows)
                # Older versions of polars lose that it was categorical.
                made[name] = many if known is None else many.cast(known)
            else:
                import pandas as pd

                one = pd.Series([value], dtype=cast("Any", told or None))
                same = one.array.take(np.zeros(rows, np.intp))
                made[name] = pd.Series(same, index=X.index, dtype=one.dtype)
        return made


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


def _expression(name: str, value: Any) -> Any:
    import polars as pl

    if isinstance(value, np.ndarray | list):
        return pl.Series(name, value)
    return pl.lit(value).alias(name)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


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
        if isinstance(column.dtype, pl.Categorical):
            return "Categorical"
        return told if isinstance(getattr(pl, told, None), type) else ""
    import pandas as pd

    try:
        return told if pd.api.types.pandas_dtype(told) == column.dtype else ""
    except (TypeError, ValueError):
        return ""
