"""A table in any engine, as something that can be counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from paribus.counting.base import Engine, Key, Pair
from paribus.counting.codes import Binned, Kind, too_many
from paribus.counting.files import opened
from paribus.counting.lazy import lazily
from paribus.counting.memory import InMemory
from paribus.counting.tallies import Tally
from paribus.errors import DataError, nearest
from paribus.table import Table

MOST_LEVELS = 1_000
"""Different values up to which a column is taken for a key."""

T = TypeVar("T")


class Source:
    """A table in any engine, as something that can be counted.

    The rows are taken as they are when they are first counted: codes of columns in memory are
    kept, so a frame that is changed afterwards needs a new source.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"age": [31, 45, None, 62], "hired": [1, 0, 1, 1]})
    >>> source = Source.of(people)
    >>> source.engine, len(source), source.kind("age"), source.range("age")
    ('pandas', 4, 'number', (31.0, 62.0, 1))
    >>> tally = source.tally([Binned("age", 30, 20, 2), "hired"])
    >>> tally.levels
    ((0, 1, None), (0, 1))
    >>> tally.dense().tolist()
    [[1, 1], [0, 1], [0, 1]]
    """

    def __init__(self, engine: Engine, path: str = "$.data") -> None:
        self._engine = engine
        self._path = path

    @classmethod
    def of(cls, data: object, *, path: str = "$.data") -> Source:
        """Wrap a data frame, or the path of a CSV or Parquet file.

        Parameters
        ----------
        data : object
            A frame of pandas, polars (also lazy), pyarrow, DuckDB, PySpark, Dask or Ibis, a mapping
            of names to arrays of shape (n,), or a path that ends in .csv, .tsv, .parquet, .pq,
            .xlsx (its first sheet), .jsonl or .ndjson.
        path : str
            Where errors say that the data come from.

        Raises
        ------
        DataError
            Where it is none of these, cannot be read, has two columns of one name, or no rows.
        """
        if isinstance(data, Mapping):
            data = _arrays(data, path)
        return cls(_engine(data, path), path)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self._engine.names

    @property
    def engine(self) -> str:
        """What counts: a library (pandas, duckdb ...), or a kind of file (parquet, csv ...)."""
        return self._engine.name

    @cached_property
    def _length(self) -> int:
        rows = self._asked(self._engine.length)
        if not rows:
            raise DataError("the data have no rows", path=self._path)
        return rows

    def __len__(self) -> int:
        """Count the rows, where they live; once."""
        return self._length

    def kind(self, name: str) -> Kind:
        """Say what a column holds: number, text, truth, time or other.

        Raises
        ------
        DataError
            Where there is no such column; says which is nearest.
        """
        self._check(name)
        return self._asked(lambda: self._engine.kind(name))

    def tally(
        self,
        keys: Sequence[Key],
        *,
        weight: str | None = None,
        sums: Sequence[str] = (),
        most_levels: int = MOST_LEVELS,
    ) -> Tally:
        """Count rows by the values of some columns.

        Missing values are a level of their own, None; an infinite number is a missing one.

        Parameters
        ----------
        keys : sequence of str or Binned
            Different columns; none gives the total.
        weight : str, optional
            A column of numbers in [0, 1e100].
        sums : sequence of str
            Columns of numbers or truth values to add up, each value times the weight of its row.
            Rows where it is missing add nothing; their weight is in `absent`. Values beyond 1e200
            count as 1e200.
        most_levels : int
            The largest number of different values of a key, the missing one aside.

        Raises
        ------
        DataError
            Where a column does not exist, a key has too many values or values that are several, a
            weight is negative or missing, numbers are text, or there are no rows.
        """
        keys = tuple(keys)
        self._check_keys(keys, weight)
        self._check(*sums)
        self._check_numbers(*sums)
        return self._tallied(keys, weight, tuple(sums), None, most_levels)

    def errors_by(
        self,
        keys: Sequence[Key],
        prediction: str,
        truth: str,
        *,
        weight: str | None = None,
        most_levels: int = MOST_LEVELS,
    ) -> Tally:
        """Add up the differences e = prediction - truth, and their powers, in each cell.

        Count and weights are of the rows where both sides are known.

        Returns
        -------
        Tally
            Its `sums` are, weighted, ``error`` (e), ``absolute``, ``square_error`` and ``fourth``
            (the size of e, its square and its fourth power, none more than 1e200), and
            ``missing``, the number of rows that miss a side or have an infinite one.

        Raises
        ------
        DataError
            As `tally` does.
        """
        keys = tuple(keys)
        self._check_keys(keys, weight)
        self._check(prediction, truth)
        self._check_numbers(prediction, truth)
        return _split(self._tallied(keys, weight, (), (prediction, truth), most_levels))

    def range(self, name: str) -> tuple[float, float, int]:
        """Give the smallest and the largest finite value of a column of numbers.

        Returns
        -------
        low, high : float
        missing : int
            Rows in which it is missing or infinite.

        Raises
        ------
        DataError
            Where there is no such column, it is no number, or no value is finite.
        """
        self._check(name)
        self._check_numbers(name)
        low, high, missing = self._asked(lambda: self._engine.range(name))
        if low > high:
            raise DataError(f'the column "{name}" has no finite number', path=self._path)
        return low, high, missing

    def rows(self, most: int, seed: int, columns: Sequence[str] | None = None) -> Table:
        """Give all rows if they are at most `most`, else a uniform sample without replacement.

        The same seed gives the same rows where rows have an order: frames in memory, files and
        lazy polars. DuckDB, Spark, Dask and Ibis give them to the seed as far as the engine deals
        its rows to workers alike.

        Parameters
        ----------
        most : int
            At least one.
        columns : sequence of str, optional
            All columns by default.

        Raises
        ------
        DataError
            Where a column does not exist, or there are no rows.
        """
        wanted = self.names if columns is None else tuple(columns)
        self._check(*wanted)
        return self._asked(lambda: self._engine.rows(most, seed, wanted))

    def _check(self, *names: str) -> None:
        for name in names:
            if name not in self.names:
                raise DataError(
                    f'the data have no column "{name}"{_near(name, self.names)}', path=self._path
                )

    def _check_keys(self, keys: Sequence[Key], weight: str | None) -> None:
        names = [key.column if isinstance(key, Binned) else key for key in keys]
        self._check(*names, *([] if weight is None else [weight]))
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            raise DataError(
                f'the column "{repeated}" is named twice among the keys', path=self._path
            )
        self._check_numbers(*(key.column for key in keys if isinstance(key, Binned)))
        if weight is not None:
            self._check_numbers(weight, told="weights")

    def _check_numbers(self, *names: str, told: str = "column") -> None:
        for name in names:
            kind = self._asked(partial(self._engine.guess, name))
            if kind not in {"number", "truth"}:
                verb = "are" if told == "weights" else "is"
                held = {"time": "dates or times", "other": "no numbers"}.get(kind, kind)
                raise DataError(
                    f'the {told} "{name}" {verb} {held}: name a column of numbers', path=self._path
                )

    def _tallied(
        self,
        keys: Sequence[Key],
        weight: str | None,
        sums: Sequence[str],
        errors: Pair | None,
        most: int,
    ) -> Tally:
        tally = self._asked(partial(self._engine.tally, keys, weight, sums, errors, most))
        if not tally.count.any():
            raise DataError("the data have no rows", path=self._path)
        for name, levels in zip(tally.keys, tally.levels, strict=True):
            if (known := len(levels) - (None in levels)) > most:
                raise DataError(too_many(name, known, most).message, path=self._path)
        return tally

    def _asked(self, question: Callable[[], T]) -> T:
        """Ask the engine; its errors come from our path."""
        try:
            return question()
        except DataError as error:
            raise DataError(error.message, path=error.path or self._path) from None


def _engine(data: object, path: str) -> Engine:
    try:
        if isinstance(data, str | Path):
            return opened(data)
        return lazily(data) or InMemory(Table.of(data, path=path))
    except DataError as error:
        raise DataError(error.message, path=path) from None


def _near(name: str, names: Sequence[str]) -> str:
    alike = [known for known in names if known.casefold() == str(name).casefold()]
    if len(alike) > 1:
        listed = " and ".join(f'"{known}"' for known in alike)
        return f"; there are {listed}, which differ in case only: name one of them exactly"
    return nearest(name, names)


def _arrays(data: Mapping[Any, Any], path: str) -> pa.Table:
    try:
        return pa.table(
            {
                name: pa.array(values, from_pandas=isinstance(values, np.ndarray))
                for name, values in data.items()
            }
        )
    except (pa.ArrowException, TypeError, ValueError):
        raise DataError("expected a mapping of names to arrays of one length", path=path) from None


def _split(sided: Tally) -> Tally:
    """Take the rows that lack a side out of a table whose last key says which do."""
    gone = np.array([sided.levels[-1][code] for code in sided.codes[:, -1]], bool)
    known = dataclasses.replace(
        sided,
        count=np.where(gone, 0, sided.count),
        weight=np.where(gone, 0.0, sided.weight),
        square=np.where(gone, 0.0, sided.square),
        sums=dict(sided.sums) | {"missing": np.where(gone, sided.count, 0).astype(np.float64)},
        absent={},
    )
    return known.over(*sided.keys[:-1])
