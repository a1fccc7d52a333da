"""Frames that live elsewhere: DuckDB, PySpark, Dask, Ibis, lazy polars; one query a table."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa

from paribus.counting.base import (
    ERRORS,
    FOURTH_ROOT,
    MISSING_SIDE,
    ROOT,
    Key,
    Pair,
    bad_weights,
    chosen,
    kind_of_dtype,
)
from paribus.counting.codes import Binned, Kind, encode
from paribus.counting.tallies import HEAVIEST, LARGEST, Tally, tallied
from paribus.errors import DataError
from paribus.table import Table

MOST_CELLS = 1 << 22
"""Combinations of values that are fetched at most."""

_MAX = sys.float_info.max


def lazily(data: object) -> Lazy | None:
    """Wrap a frame that lives elsewhere; None where the data are no such frame.

    Raises
    ------
    DataError
        Where two columns have the same name.
    """
    try:
        frame = _wrapped(data)
    except nw.exceptions.DuplicateError:
        return None
    if not isinstance(frame, nw.LazyFrame):
        return None
    spark = frame.implementation.is_spark_like()
    names = tuple(cast("Any", data).columns) if spark else tuple(frame.collect_schema().names())
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f'two columns have the name "{repeated}"; rename one')
    if spark:
        # Spark takes a dot for a field of a struct, and two names that differ in case for one.
        inner = tuple(f"c{place}" for place in range(len(names)))
        frame = _wrapped(cast("Any", data).toDF(*inner))
        return Lazy(frame, dict(zip(names, inner, strict=True)))
    if frame.implementation.is_duckdb():
        # Older versions take a dot for a field of a table.
        inner = tuple(f"c{place}" for place in range(len(names)))
        quoted = ('"' + name.replace('"', '""') + '"' for name in names)
        chosen = ", ".join(f"{q} AS {i}" for q, i in zip(quoted, inner, strict=True))
        frame = _wrapped(cast("Any", data).project(chosen))
        return Lazy(frame, dict(zip(names, inner, strict=True)))
    return Lazy(frame, {name: name for name in names})


@dataclass(frozen=True, eq=False)
class Lazy:
    """A frame that its own engine counts."""

    frame: nw.LazyFrame[Any]
    inner: Mapping[str, str]
    """Name of each column -> its name in the frame."""

    @property
    def name(self) -> str:
        """Name of the engine."""
        return str(self.frame.implementation.value).split("[")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.inner)

    @cached_property
    def _schema(self) -> Mapping[str, Any]:
        return self.frame.collect_schema()

    def _dtype(self, name: str) -> Any:
        return self._schema[self.inner[name]]

    def length(self) -> int:
        """Count the rows."""
        return int(_collected(self.frame.select(nw.len().alias("n")))["n"][0].as_py())

    def kind(self, name: str) -> Kind:
        """Say what a column holds."""
        return kind_of_dtype(self._dtype(name))

    guess = kind

    # --- expressions ------------------------------------------------------------------------------

    def _number(self, name: str) -> nw.Expr:
        return nw.col(self.inner[name]).cast(nw.Float64)

    def _key(self, key: Key) -> nw.Expr:
        if isinstance(key, Binned):
            number = self._number(key.column)
            place = ((number - key.low) / key.width).clip(0.0, float(key.bins - 1))
            # Engines differ in what // means of numbers that are not whole.
            near = place.round(0)
            return nw.when(_finite(number)).then(
                nw.when(near > place).then(near - 1.0).otherwise(near)
            )
        dtype = self._dtype(key)
        if dtype.is_float() or dtype.is_decimal():
            number = self._number(key)
            return nw.when(_finite(number)).then(number)
        if self.kind(key) == "other":
            raise DataError(
                f'the column "{key}" holds values of the type {dtype}, which cannot be counted'
            )
        column = nw.col(self.inner[key])
        if isinstance(dtype, nw.Datetime) and self.frame.implementation.is_spark_like():
            # Spark shows moments in the zone of its session.
            return column.cast(nw.Datetime("us"))
        return column.cast(nw.String) if isinstance(dtype, nw.Categorical | nw.Enum) else column

    def _errors(self, pair: Pair) -> dict[str, nw.Expr]:
        prediction, truth = (self._number(name) for name in pair)
        known = _finite(prediction) & _finite(truth)
        half = (prediction / 2.0 - truth / 2.0).clip(-LARGEST / 2, LARGEST / 2)
        gap = nw.when(known).then(half * 2.0).otherwise(0.0)
        size = gap.abs()
        square, fourth = size.clip(0.0, ROOT), size.clip(0.0, FOURTH_ROOT)
        powers = (gap, size, square * square, fourth * fourth * fourth * fourth)
        return dict(zip(ERRORS, powers, strict=True))

    def _sums(self, sums: Sequence[str], weight: nw.Expr) -> dict[str, nw.Expr]:
        out = {}
        for name in sums:
            number = self._number(name)
            known = _finite(number)
            cut = number.clip(-LARGEST, LARGEST)
            out[f"sum {name}"] = nw.when(known).then(cut * weight).otherwise(0.0)
            out[f"absent {name}"] = nw.when(known).then(0.0).otherwise(weight)
        return out

    # --- questions --------------------------------------------------------------------------------

    def tally(
        self,
        keys: Sequence[Key],
        weight: str | None,
        sums: Sequence[str],
        errors: Pair | None,
        most: int,
    ) -> Tally:
        """Count, in one query."""
        names = [key if isinstance(key, str) else key.column for key in keys]
        grouped = [self._key(key) for key in keys]
        weighed, checked = nw.lit(1.0), {}
        if weight is not None:
            number = self._number(weight)
            fine = ((number >= 0.0) & (number <= HEAVIEST)).fill_null(False)
            weighed = nw.when(fine).then(number).otherwise(0.0)
            checked = {
                "weight": weighed,
                "square": weighed * weighed,
                "bad": nw.when(fine).then(0.0).otherwise(1.0),
            }
        added = checked | self._sums(sums, weighed)
        if errors:
            names.append(MISSING_SIDE)
            both = _finite(self._number(errors[0])) & _finite(self._number(errors[1]))
            grouped.append(nw.when(both).then(0).otherwise(1))
            powers = self._errors(errors)
            added |= {f"sum {name}": power * weighed for name, power in powers.items()}
        table = self._grouped(grouped, list(added.values()))
        measures = {
            name: table[f"s{place}"].fill_null(0.0).to_numpy() for place, name in enumerate(added)
        }
        if weight is not None and (bad := measures.pop("bad").sum()):
            raise bad_weights(weight, int(bad))
        counts = table["n"].to_numpy().astype(np.int64)
        plain = {"weight": counts.astype(np.float64), "square": counts.astype(np.float64)}
        coded = [encode(table[f"k{i}"], name, most) for i, name in enumerate(names)]
        if table.num_rows > MOST_CELLS:
            raise DataError(
                f"the keys have more than {MOST_CELLS:,} combinations of values: name fewer keys"
            )
        codes = np.zeros((len(counts), len(coded)), np.intp)
        for place, code in enumerate(coded):
            codes[:, place] = code.codes
        return tallied(
            names, [code.levels for code in coded], codes, {"count": counts} | plain | measures
        )

    def _grouped(self, keys: Sequence[nw.Expr], sums: Sequence[nw.Expr]) -> pa.Table:
        """Add up by keys; the columns are called k0, k1, ..., n, s0, s1, ..."""
        grouped = {f"k{place}": key for place, key in enumerate(keys)} or {"k0": nw.lit(0)}
        added = {f"s{place}": value for place, value in enumerate(sums)}
        columns = [value.alias(name) for name, value in (grouped | added).items()]
        anchor = nw.col(next(iter(self.inner.values()))).alias("anchor")
        cells = (
            self.frame.select(anchor, *columns)
            .group_by(*grouped)
            .agg(nw.len().alias("n"), *(nw.col(name).sum() for name in added))
        )
        return _collected(cells.head(MOST_CELLS + 1))

    def range(self, name: str) -> tuple[float, float, int]:
        """Give the smallest and the largest finite value, and the number of the others."""
        number = self._number(name)
        known = _finite(number)
        values = self.frame.select(
            nw.when(known).then(number).alias("x"),
            nw.when(known).then(0).otherwise(1).alias("gone"),
        )
        x, gone = nw.col("x"), nw.col("gone")
        found = _collected(
            values.select(x.min().alias("low"), x.max().alias("high"), gone.sum().alias("gone"))
        )
        low, high, missing = (found[k][0].as_py() for k in ("low", "high", "gone"))
        if low is None or low != low:
            return np.inf, -np.inf, int(missing or 0)
        return float(low), float(high), int(missing)

    def rows(self, most: int, seed: int, columns: Sequence[str]) -> Table:
        """Give some rows: a pandas frame, or one of polars."""
        total = self.length()
        frame = self.frame.select(*(nw.col(self.inner[name]) for name in columns))
        polars = frame.implementation.is_polars()
        if total > most:
            frame = self._sampled(frame, total, most, seed)
        table = Table.of(frame.to_native() if polars else _collected(frame).to_pandas())
        renamed = table.frame.rename({self.inner[name]: name for name in columns})
        if len(renamed) > most:
            renamed = renamed[chosen(len(renamed), most, seed), :]
        return Table(renamed)

    def _sampled(
        self, frame: nw.LazyFrame[Any], total: int, most: int, seed: int
    ) -> nw.LazyFrame[Any]:
        """Give a few more rows than wanted, each drawn with the same probability."""
        native, kind = cast("Any", frame.to_native()), frame.implementation
        if kind.is_polars():
            index = nw.new_series("row", chosen(total, most, seed), nw.UInt32, backend="polars")
            wanted = index.to_frame().to_native().lazy()
            numbered = native.with_row_index("row")
            drawn = numbered.join(wanted, on="row", how="semi").drop("row")
            return cast("nw.LazyFrame[Any]", _wrapped(drawn))
        share = min(1.0, (most + 6 * most**0.5 + 20) / total)
        if kind.is_duckdb():
            sample = f"{share * 100:.9f} PERCENT (bernoulli, {seed:d})"
            drawn = native.query("t", f"SELECT * FROM t USING SAMPLE {sample}")  # noqa: S608
        elif kind.is_dask():
            drawn = native.sample(frac=share, random_state=seed)
        elif kind.is_ibis():
            drawn = native.sample(share, method="row", seed=seed)
        else:
            drawn = native.sample(withReplacement=False, fraction=share, seed=seed)
        return cast("nw.LazyFrame[Any]", _wrapped(drawn))


def _wrapped(data: object) -> Any:
    with warnings.catch_warnings():
        # Nobody who hands us a frame can act on where narwhals keeps its adapter.
        warnings.filterwarnings("ignore", "Dask support is moving", FutureWarning)
        return nw.from_native(cast("Any", data), pass_through=True)


def _finite(number: nw.Expr) -> nw.Expr:
    # NaN is below or above everything, or compares to nothing: each engine has its own belief.
    return ((number >= -_MAX) & (number <= _MAX)).fill_null(False)


def _collected(frame: nw.LazyFrame[Any]) -> pa.Table:
    return frame.collect("pyarrow").to_native()
