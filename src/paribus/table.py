"""Columns, and any data frame or file as columns. The only importer of narwhals.

A column is never a list of Python values: numbers are numpy arrays, everything with repeated values
is integer codes into a pool (`Coded`), text that is put together stays in its parts until somebody
reads it (`Joined`), and the columns of a real table stay what they are (`Native`).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus._files import read_table
from paribus.errors import DataError, nearest

Scalar = str | int | float | bool
FrameKind = Literal["pandas", "polars", "pyarrow", "numpy"]

_FEW = 64
"""Values up to which a plain loop beats Arrow's kernels, which cost a tenth of a millisecond."""


class Column(Protocol):
    """A column of a block of people: immutable, of known length."""

    def __len__(self) -> int: ...

    def take(self, index: npt.NDArray[np.intp]) -> Column:
        """Give the rows at the positions `index`."""
        ...

    def arrow(self) -> pa.Array:
        """Give the column as one Arrow array; pools become Arrow dictionaries."""
        ...


@dataclass(frozen=True, eq=False)
class Plain:
    """Numbers, booleans or dates as one numpy array of shape (n,)."""

    values: npt.NDArray[Any]
    domain: tuple[int, int] | None = None
    """Lowest and highest possible whole number, where the column is bounded by its declaration."""

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: npt.NDArray[np.intp]) -> Plain:
        return Plain(self.values[index], self.domain)

    def arrow(self) -> pa.Array:
        return pa.array(self.values)


@dataclass(frozen=True, eq=False)
class Coded:
    """Integer codes into a pool of values; a single code (0-d) stands for a constant column."""

    codes: npt.NDArray[np.integer[Any]]
    pool: pa.Array
    length: int

    @classmethod
    def of(cls, codes: npt.NDArray[np.integer[Any]], pool: pa.Array) -> Coded:
        """Wrap one code per row."""
        return cls(codes, pool, len(codes))

    @classmethod
    def constant(cls, code: int, pool: pa.Array, length: int) -> Coded:
        """Wrap the same code for every row."""
        return cls(np.asarray(code, dtype=np.int32), pool, length)

    def __len__(self) -> int:
        return self.length

    @property
    def is_constant(self) -> bool:
        """Whether every row has the same value."""
        return self.codes.ndim == 0

    def each(self) -> npt.NDArray[np.int32]:
        """Give one code per row."""
        full = np.broadcast_to(self.codes, (self.length,))
        return full.astype(np.int32, copy=False)

    def take(self, index: npt.NDArray[np.intp]) -> Coded:
        if self.is_constant:
            return Coded(self.codes, self.pool, len(index))
        return Coded(self.codes[index], self.pool, len(index))

    def arrow(self) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(self.each()), self.pool)

    @cached_property
    def values(self) -> npt.NDArray[Any]:
        """The pool as a numpy array: numbers as numbers, text as objects."""
        return cast("npt.NDArray[Any]", self.pool.to_numpy(zero_copy_only=False))


@dataclass(frozen=True, eq=False)
class Text:
    """Text with no useful pool, such as identifiers."""

    strings: pa.Array

    def __len__(self) -> int:
        return len(self.strings)

    def take(self, index: npt.NDArray[np.intp]) -> Text:
        return Text(self.strings.take(pa.array(index)))

    def arrow(self) -> pa.Array:
        return self.strings


@dataclass(frozen=True, eq=False)
class Joined:
    """Text put together from parts, such as a first name, a space and a last name."""

    parts: tuple[Column | str, ...]

    def __len__(self) -> int:
        return next(len(part) for part in self.parts if not isinstance(part, str))

    def take(self, index: npt.NDArray[np.intp]) -> Joined:
        return Joined(tuple(p if isinstance(p, str) else p.take(index) for p in self.parts))

    def arrow(self) -> pa.Array:
        pieces = [part if isinstance(part, str) else _strings(part) for part in self.parts]
        return pc.binary_join_element_wise(*pieces, "")


@dataclass(frozen=True, eq=False)
class Native:
    """A column of the caller's own data frame, with the type that it has there."""

    series: nw.Series[Any]

    def __len__(self) -> int:
        return len(self.series)

    def take(self, index: npt.NDArray[np.intp]) -> Native:
        return Native(self.series[index])

    def arrow(self) -> pa.Array:
        try:
            column = self.series.to_arrow()
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            # Objects of several types, or of one that Arrow does not know: people read their text.
            values = self.series.to_list()
            gone = [v is None or str(v) in {"nan", "NaT", "<NA>"} for v in values]
            texts = [None if no else str(v) for v, no in zip(values, gone, strict=True)]
            return pa.array(texts, pa.string())
        except UnicodeEncodeError:
            raise no_text(self.series.name) from None
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def no_text(column: str) -> DataError:
    """Say that a column holds half a pair of surrogates, which is no text to anybody but Python."""
    return DataError(
        f'the column "{column}" holds text that is no valid Unicode; read its file with the '
        "encoding that it was written in"
    )


def _strings(column: Column) -> pa.Array:
    if isinstance(column, Coded) and column.is_constant:
        return pa.scalar(str(column.pool[int(column.codes)].as_py()))
    array = column.arrow()
    if isinstance(array, pa.DictionaryArray):
        pool = array.dictionary
        array = (pool if pa.types.is_string(pool.type) else pool.cast(pa.string())).take(
            array.indices
        )
    return array if pa.types.is_string(array.type) else array.cast(pa.string())


def pool_of(values: Sequence[Scalar], path: str = "$") -> pa.Array:
    """Make a pool of values of one type.

    Raises
    ------
    DataError
        Where text and numbers are mixed.
    """
    try:
        return pa.array(list(values))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise DataError("values must be all text or all numbers, not a mix", path=path) from None
    except OverflowError:
        raise DataError("whole numbers must fit into 64 bits", path=path) from None
    except UnicodeEncodeError:
        raise DataError("text must be valid Unicode", path=path) from None


def lookup(values: npt.NDArray[Any] | pa.Array, levels: Sequence[Scalar]) -> npt.NDArray[np.int32]:
    """Find each value's position among levels; -1 where it is none of them (or missing).

    Levels match values that are equal, or equal as text where one side is text ("25" and 25).
    """
    known = {_key(level): i for i, level in enumerate(levels)}
    if len(values) <= _FEW:
        few = values.to_pylist() if isinstance(values, pa.Array) else values.tolist()
        return np.array([-1 if v is None else known.get(_key(v), -1) for v in few], dtype=np.int32)
    array = values if isinstance(values, pa.Array) else pa.array(values)
    encoded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    table = np.array(
        [known.get(_key(v), -1) for v in encoded.dictionary.to_pylist()] + [-1], dtype=np.int32
    )
    codes = encoded.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False)
    return cast("npt.NDArray[np.int32]", table[codes.astype(np.intp, copy=False)])


def _key(value: object) -> str:
    if isinstance(value, bool | np.bool_) or value in ("True", "False"):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def flat(array: pa.Array) -> pa.Array:
    """Give the values themselves where an array is a dictionary."""
    return array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array


def concat(columns: Sequence[Column]) -> Column:
    """Put the rows of several columns of one sort below each other."""
    first = columns[0]
    if len(columns) == 1:
        return first
    if isinstance(first, Plain):
        return Plain(np.concatenate([cast("Plain", c).values for c in columns]), first.domain)
    if isinstance(first, Coded) and all(
        isinstance(c, Coded) and c.pool is first.pool for c in columns
    ):
        return Coded.of(np.concatenate([cast("Coded", c).each() for c in columns]), first.pool)
    if isinstance(first, Native) and all(isinstance(c, Native) for c in columns):
        return Native(_concat_series([cast("Native", c).series for c in columns]))
    plain = [flat(c.arrow()) for c in columns]
    # Where some rows are the caller's own, all take the type that they have there.
    own = next((a for a, c in zip(plain, columns, strict=True) if isinstance(c, Native)), plain[0])
    return Text(pa.concat_arrays([fitted(a, own.type) for a in plain]))


def fitted(array: pa.Array, to: pa.DataType) -> pa.Array:
    """Give the same values in another type.

    Raises
    ------
    DataError
        Where a value would become another: 300 is no 8-bit number, and "yes" is no truth value.
    """
    if array.type == to:
        return array
    try:
        cast_array = array.cast(to)
        rounded = pa.types.is_floating(array.type) and pa.types.is_floating(to)
        same = rounded or cast_array.cast(array.type).equals(array)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        same = False
    if not same:
        raise DataError(f"the new values do not fit the type that the data have there ({to})")
    return cast_array


def _concat_series(series: Sequence[nw.Series[Any]]) -> nw.Series[Any]:
    stacked = nw.concat([s.rename("c").to_frame() for s in series], how="vertical")
    return stacked["c"]


@dataclass(frozen=True, eq=False)
class Table:
    """Real rows: the caller's data frame, column by column."""

    frame: nw.DataFrame[Any]
    source: str = ""
    """The file it was read from, if any."""

    @classmethod
    def of(cls, data: object, *, path: str = "$.data") -> Table:
        """Wrap any data frame that narwhals reads: pandas, polars, pyarrow, a DuckDB relation ...

        Raises
        ------
        DataError
            Where it is no data frame, has no rows, or has two columns of the same name.
        """
        try:
            wrapped = nw.from_native(cast("Any", data))
        except TypeError:
            raise DataError(
                f"expected a data frame, or the path of a CSV, Parquet, Excel or JSON lines file, "
                f"not {type(data).__name__}",
                path=path,
            ) from None
        except nw.exceptions.DuplicateError:
            names = list(getattr(data, "column_names", None) or cast("Any", data).columns)
            repeated = next((name for name in names if names.count(name) > 1), "")
            raise DataError(
                f'two columns have the name "{repeated}"; rename one', path=path
            ) from None
        if isinstance(wrapped, nw.LazyFrame):
            # What has no frame of its own (a DuckDB relation, say) becomes what most models know.
            polars = wrapped.implementation is nw.Implementation.POLARS
            wrapped = wrapped.collect("polars" if polars else "pandas")
        frame = cast("nw.DataFrame[Any]", wrapped)
        odd = [name for name in frame.columns if not isinstance(name, str)]
        if odd:
            raise DataError(
                f"names of columns must be text, and one is {odd[0]!r}; rename it", path=path
            )
        if not len(frame):
            raise DataError("the data have no rows", path=path)
        return cls(frame)

    @classmethod
    def read(
        cls, file: str | Path, *, sheet: str | None = None, path: str = "$.data.path"
    ) -> Table:
        """Read a file as the data frame that most models were fitted on (pandas).

        Parameters
        ----------
        file : str or Path
            CSV, Parquet, Excel or JSON lines.
        sheet : str, optional
            That of a workbook; the first one where left out.

        Raises
        ------
        DataError
            Where the file is missing, empty, ragged, not UTF-8, or heads two columns alike.
        """
        try:
            checked = cls.of(read_table(file, sheet))
        except DataError as error:
            raise DataError(f'"{file}": {error.message}', path=path) from None
        frame = checked.frame.to_native().to_pandas()
        if frame.index.names != [None]:
            # What pandas had written as an index is a column like any other.
            frame = frame.reset_index()
        return cls(nw.from_native(frame, eager_only=True), str(file))

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(str(name) for name in self.frame.columns)

    @property
    def kind(self) -> FrameKind:
        """The sort of frame that models of this data expect."""
        name = str(nw.get_native_namespace(self.frame).__name__)
        return cast("FrameKind", name if name in {"pandas", "polars"} else "pyarrow")

    def column(self, name: str, rows: slice | npt.NDArray[np.intp]) -> Native:
        """Give some rows of a column, with its own type.

        Raises
        ------
        DataError
            Where there is no such column; says which is nearest.
        """
        if name not in self.names:
            raise DataError(f'the data have no column "{name}"{nearest(name, self.names)}')
        if isinstance(rows, slice):
            # Older narwhals wants both ends.
            rows = slice(*rows.indices(len(self))[:2])
        return Native(self.frame[name][rows])

    def take(self, index: npt.NDArray[np.intp]) -> Table:
        """Give the rows at the positions `index`."""
        return Table(self.frame[index, :], self.source)

    def with_columns(self, columns: Mapping[str, npt.NDArray[Any]]) -> Table:
        """Give the same rows with further columns; None and NaN are missing."""
        backend = nw.get_native_namespace(self.frame)
        made = [
            nw.from_native(_series(name, values, backend), series_only=True).alias(name)
            for name, values in columns.items()
        ]
        return Table(self.frame.with_columns(*made), self.source)


def _series(name: str, values: npt.NDArray[Any], backend: Any) -> Any:
    made = pa.array(values.tolist() if values.dtype == object else values, from_pandas=True)
    return nw.new_series(name, made.to_pylist(), backend=backend).to_native()


# --- frames for models and people -----------------------------------------------------------------


def to_frame(columns: Mapping[str, Column], kind: FrameKind, like: Table | None = None) -> Any:
    """Build the data frame that a model expects.

    Parameters
    ----------
    columns : mapping of str to Column
        In the order that the frame shall have.
    kind : {"pandas", "polars", "pyarrow", "numpy"}
        ``numpy`` gives one float64 matrix of shape (n, number of columns).
    like : Table, optional
        A column that replaces one of this table takes the type that it has there.

    Returns
    -------
    DataFrame or ndarray
    """
    if kind == "numpy":
        return matrix([columns], next(len(c) for c in columns.values()), np.float64)
    known = () if like is None or like.kind != kind else like.names
    types = {name: like.frame[name] for name in columns if name in known} if like else {}
    if kind == "pandas":
        return _pandas(columns, types)
    if kind == "polars":
        return _polars(columns, types)
    return pa.table({n: _like_arrow(n, _decoded(c), types) for n, c in columns.items()})


def matrix(
    blocks: Sequence[Mapping[str, Column]], rows: int, dtype: type[np.floating[Any]]
) -> npt.NDArray[np.floating[Any]]:
    """Fill one C-ordered matrix with several blocks of columns below each other.

    Raises
    ------
    DataError
        Where a column is text, or what the model wants is not a number.
    """
    out = np.empty((rows, len(blocks[0])), dtype=dtype)
    start = 0
    for block in blocks:
        length = next(len(column) for column in block.values())
        for j, (name, column) in enumerate(block.items()):
            try:
                _fill(out[start : start + length, j], column)
            except (ValueError, TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise DataError(
                    f'the model takes a matrix of numbers, and the column "{name}" holds text; '
                    "give its code as a column, or the model with what prepares its columns"
                ) from None
        start += length
    return out


def _fill(out: npt.NDArray[np.floating[Any]], column: Column) -> None:
    if isinstance(column, Plain):
        out[:] = column.values
    elif isinstance(column, Coded):
        # A float pool is cast once, not once per row.
        pool = column.values.astype(out.dtype)
        out[:] = pool[int(column.codes)] if column.is_constant else pool[column.codes]
    elif isinstance(column, Native):
        out[:] = column.series.to_numpy()
    else:
        raise TypeError("text")


def _decoded(column: Column) -> pa.Array:
    array = column.arrow()
    if isinstance(array, pa.DictionaryArray) and not isinstance(column, Native):
        return array.dictionary.take(array.indices)
    return array


def _like_arrow(name: str, array: pa.Array, like: Mapping[str, nw.Series[Any]]) -> pa.Array:
    if name not in like:
        return array
    to = like[name].to_native().type
    if pa.types.is_dictionary(to):
        return array if array.type == to else fitted(array, to.value_type).dictionary_encode()
    with _about(name):
        return fitted(flat(array), to)


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Name the column in an error about its values."""
    try:
        yield
    except DataError as error:
        raise DataError(f'the column "{name}": {error.message}') from None


def _pandas(columns: Mapping[str, Column], like: Mapping[str, nw.Series[Any]]) -> Any:
    import pandas as pd

    out: dict[str, Any] = {}
    for name, column in columns.items():
        if isinstance(column, Native):
            out[name] = column.series.to_pandas().array
            continue
        if isinstance(column, Plain):
            values: Any = column.values
        elif isinstance(column, Coded) and column.values.dtype != object:
            values = np.broadcast_to(column.values[column.codes], (len(column),))
        else:
            values = _decoded(column).to_pandas().array
        if name in like:
            values = _cast_pandas(pd, name, values, like[name].to_native().dtype)
        out[name] = values
    try:
        # A model that writes into its frame must reach neither the caller's rows nor the next twin.
        return pd.DataFrame(out, copy=True)
    except UnicodeEncodeError:
        found = (name for name, values in out.items() if _is_no_text(values))
        raise no_text(next(found)) from None


def _is_no_text(values: Iterable[Any]) -> bool:
    return any(re.search("[\ud800-\udfff]", value) for value in values if isinstance(value, str))


def _cast_pandas(pd: Any, name: str, values: Any, dtype: Any) -> Any:
    if getattr(values, "dtype", None) == dtype:
        return values
    if isinstance(dtype, pd.CategoricalDtype):
        return _cast_categories(pd, name, values, dtype)
    series = pd.Series(values)
    try:
        changed = series.astype(dtype)
        back = changed.astype(series.dtype)
        rounded = series.dtype.kind == changed.dtype.kind == "f"
        same = rounded or bool(((back == series) | (back.isna() & series.isna())).all())
    except (TypeError, ValueError, OverflowError):
        same = False
    if not same:
        raise DataError(
            f'the new values of "{name}" do not fit the type that the data have there ({dtype})'
        )
    return changed.array


def _cast_categories(pd: Any, name: str, values: Any, dtype: Any) -> Any:
    codes = dtype.categories.get_indexer(pd.Index(values))
    odd = np.flatnonzero((codes < 0) & ~pd.isna(values))
    if len(odd):
        known = [str(category) for category in dtype.categories]
        value = str(values[odd[0]])
        raise DataError(f'"{value}" is no category of the column "{name}"{nearest(value, known)}')
    return pd.Categorical.from_codes(codes, dtype=dtype)


def _polars(columns: Mapping[str, Column], like: Mapping[str, nw.Series[Any]]) -> Any:
    import polars as pl

    out: dict[str, Any] = {}
    for name, column in columns.items():
        if isinstance(column, Native):
            out[name] = column.series.to_polars()
            continue
        out[name] = (
            pl.Series(name, column.values)
            if isinstance(column, Plain)
            else pl.from_arrow(_decoded(column))
        )
        if name in like and out[name].dtype != like[name].to_native().dtype:
            dtype = like[name].to_native().dtype
            new = out[name]
            try:
                out[name] = new.cast(dtype, strict=True)
                rounded = new.dtype.is_float() and dtype.is_float()
                same = rounded or out[name].cast(new.dtype).equals(new)
            except pl.exceptions.PolarsError:
                same = False
            if not same:
                raise DataError(
                    f'the new values of "{name}" do not fit the type of the data there ({dtype})'
                )
    return pl.DataFrame(out)


def python_values(column: Column) -> list[Any]:
    """Give a (short) column as Python values, for people to read; missing values are None."""
    array = column.arrow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = array.to_pylist()
    return [None if isinstance(v, float) and v != v else _readable(v) for v in values]


def _readable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
