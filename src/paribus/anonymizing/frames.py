"""Data frames as Arrow tables, and back to the sort of frame that they were."""

from __future__ import annotations

import sys
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from paribus.errors import DataError, nearest
from paribus.table import Table


@dataclass(frozen=True, eq=False)
class Frame:
    """A data frame, and its rows as Arrow.

    Parameters
    ----------
    native : DataFrame
        Of pandas, polars or pyarrow.
    table : pyarrow.Table
        The same columns, after those of the index that are declared.
    index : tuple of str
        Levels of the index among them.
    """

    native: Any
    table: pa.Table
    index: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Any, declared: Container[str]) -> Frame:
        """Wrap a data frame.

        Parameters
        ----------
        data : DataFrame
            Whatever narwhals reads; what is lazy is collected.
        declared : container of str
            Columns that somebody has declared: levels of pandas' index count where they are there.

        Raises
        ------
        DataError
            Where it is no data frame, or names of columns are twice there or no text.
        """
        kind = _kind(data)
        if not kind:
            data = Table.of(data).frame.to_native()
            kind = _kind(data)
        if kind == "pandas":
            return cls._of_pandas(data, declared)
        if kind == "polars":
            from polars import CompatLevel

            return cls(data, data.to_arrow(compat_level=CompatLevel.oldest()))
        if isinstance(data, pa.RecordBatch):
            return cls(data, pa.Table.from_batches([data]))
        if isinstance(data, pa.Table):
            return cls(data, data)
        arrow = Table.of(data).frame.to_arrow()
        return cls(arrow, arrow)

    @classmethod
    def _of_pandas(cls, data: Any, declared: Container[str]) -> Frame:
        index = tuple(n for n in data.index.names if isinstance(n, str) and n in declared)
        names = [*index, *data.columns]
        odd = [name for name in names if not isinstance(name, str)]
        if odd:
            raise DataError(
                f"names of columns must be text, and one is of type {type(odd[0]).__name__}; "
                "rename it"
            )
        check_encodable(names)
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            raise DataError(f'two columns have the name "{repeated}"; rename one')
        columns = [data.index.get_level_values(name).to_series() for name in index]
        columns += [data.iloc[:, i] for i in range(data.shape[1])]
        arrays = [_of_series(column) for column in columns]
        return cls(data, pa.Table.from_arrays(arrays, names=names), index)

    def back(self, made: pa.Table, names: Sequence[str], same: Container[str]) -> Any:
        """Give a table as the sort of frame that this is.

        Parameters
        ----------
        made : pyarrow.Table
        names : sequence of str
            What each of its columns was called before.
        same : container of str
            Columns whose values have stayed as they were.
        """
        if isinstance(self.native, pa.RecordBatch):
            parts = made.combine_chunks().to_batches()
            return parts[0] if parts else pa.RecordBatch.from_pylist([], schema=made.schema)
        kind = _kind(self.native)
        if kind == "polars":
            return self._polars(made, names, same)
        if kind == "pandas":
            return self._pandas(made, names, same)
        return made

    def _polars(self, made: pa.Table, names: Sequence[str], same: Container[str]) -> Any:
        import polars

        # As a table: older versions of polars misread large lists handed over by themselves.
        frame: Any = polars.from_arrow(made)
        columns = []
        for name, series in zip(names, frame.get_columns(), strict=True):
            before = self.native[name]
            if name in same and before.dtype not in (polars.Categorical, polars.Enum):
                columns.append(before.alias(series.name))
            elif _alike(series.dtype, before.dtype):
                columns.append(series.cast(before.dtype))
            else:
                columns.append(series)
        return polars.DataFrame(columns)

    def _pandas(self, made: pa.Table, names: Sequence[str], same: Container[str]) -> Any:
        import pandas

        columns: list[Any] = []
        for place, name in enumerate(names):
            level = self.index.index(name) if name in self.index else None
            if level is None:
                before = self.native[name]
            else:
                before = self.native.index.get_level_values(name).to_series()
            before = before.reset_index(drop=True)
            if name in same:
                after = before
                if isinstance(before.dtype, pandas.CategoricalDtype):
                    after = before.cat.remove_unused_categories()
            else:
                after = _like(before, made.column(place))
            columns.append(after.rename(made.column_names[place]))
        if not columns:
            return pandas.DataFrame(index=range(len(self.native)))
        # One after the other, so that names that are alike or blank do no harm.
        frame = pandas.concat(columns, axis=1)
        frame.attrs = {}
        levels = [made.column_names[i] for i, name in enumerate(names) if name in self.index]
        return frame.set_index(levels) if levels else frame


def check_declared(names: Collection[str], declared: Collection[str]) -> None:
    """Refuse a table with a column of which an anonymizer says nothing.

    What is declared and not there alone may be a level of the index of a data frame.

    Raises
    ------
    DataError
        With a path below ``$.anonymizer.columns``.
    """
    unsaid = [name for name in names if name not in declared]
    if not unsaid:
        return
    for name in declared:
        if name not in names:
            raise DataError(
                f'the table has no column "{name}"{nearest(name, names)}',
                path=f"$.anonymizer.columns.{name}",
            )
    raise DataError(
        f'nothing says what becomes of the column "{unsaid[0]}"',
        path=f"$.anonymizer.columns.{unsaid[0]}",
    )


def check_encodable(names: Iterable[str]) -> None:
    """Refuse names of columns that no file can hold: Python's text may have half of a character.

    Raises
    ------
    DataError
        Where a name has one; it names the column, with a question mark in place of the half.
    """
    for name in names:
        whole = name.encode("utf-8", "replace").decode()
        if whole != name:
            raise DataError(
                f'the name of the column "{whole}" holds half of a character (\\ud800 to \\udfff); '
                "rename it"
            )


def _kind(data: Any) -> str:
    """Give the package that a frame is of; empty for all others than these three."""
    if isinstance(data, pa.Table | pa.RecordBatch):
        return "pyarrow"
    for name in ("pandas", "polars"):
        # A frame of a package that nobody has imported cannot be here.
        package = sys.modules.get(name)
        if package is not None and isinstance(data, package.DataFrame):
            return name
    return ""


def _alike(one: Any, other: Any) -> bool:
    """Tell whether a column of polars may be cast to another type without loss."""
    import polars

    if one in (polars.String, polars.Categorical):
        return other in (polars.String, polars.Categorical)
    moments = (polars.Datetime, polars.Duration)
    return one.base_type() in moments and one.base_type() == other.base_type()


def _of_series(series: Any) -> pa.ChunkedArray:
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        gone = series.isna().tolist()
        texts = [None if no else _text(v) for v, no in zip(series.tolist(), gone, strict=True)]
        array = pa.array(texts, pa.string())
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).encode("utf-8", "replace").decode()


def _like(before: Any, made: pa.ChunkedArray) -> Any:
    """Give a column of pandas the type that it had, where the values are of that sort still."""
    import pandas

    dtype = before.dtype
    plain = pandas.Series(made.to_pandas())
    if isinstance(dtype, pandas.CategoricalDtype):
        return plain.astype("category")
    # Missing stays missing in the way that it was written: None, NaN, NaT or NA.
    if dtype.kind == "O" and not hasattr(dtype, "__from_arrow__"):
        gone = before.isna().to_numpy()
        plain = plain.astype(object)
        if len(gone):
            plain[gone] = before[gone]
        return plain
    if _changed(before, made):
        return plain
    if hasattr(dtype, "__from_arrow__"):
        return pandas.Series(dtype.__from_arrow__(made), dtype=dtype)
    return plain.astype(dtype)


def _changed(before: Any, made: pa.ChunkedArray) -> bool:
    """Tell whether a kind has given another type: bands of numbers are text."""
    was = _of_series(before).type
    now = made.type
    if pa.types.is_null(was) or pa.types.is_null(now):
        return False
    tests = (
        lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or str(t) == "string_view",
        lambda t: pa.types.is_integer(t) or pa.types.is_floating(t),
        pa.types.is_temporal,
        pa.types.is_boolean,
    )
    return was != now and not any(test(was) and test(now) for test in tests)
