"""Counting in memory and in files: laws, extremes, and every mistake in one sentence."""

import math
import subprocess
import sys
from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from paribus.counting import Binned, Source, codes, files
from paribus.errors import DataError


def shown(value):
    """Give a value as a level."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value


def typed(place):
    return tuple((type(value), value) for value in place)


def cells_of(tally):
    levels = [[tally.levels[k][code] for code in tally.codes[:, k]] for k in range(len(tally.keys))]
    places = zip(*levels, strict=True) if levels else [()] * len(tally.count)
    return {typed(place): int(n) for place, n in zip(places, tally.count, strict=True)}


COLUMNS = {
    "text": st.sampled_from(["a", "b", "ab", "", "é", "Z", None]),
    "truth": st.sampled_from([True, False, None]),
    "few": st.sampled_from([0, 1]),
    "whole": st.integers(-40, 300) | st.none(),
    "wide": st.sampled_from([-(2**63), 2**63 - 1, 0, 70_000]),
    "real": st.sampled_from([0.0, -0.0, 1.0, 2.5, -7.0, 1e300, math.nan, math.inf, None]),
}
TYPES = {
    "text": pa.string(),
    "truth": pa.bool_(),
    "few": pa.int64(),
    "whole": pa.int64(),
    "wide": pa.int64(),
    "real": pa.float64(),
}
FRAMES = {
    "pandas": lambda table: table.to_pandas(),
    "pandas categories": lambda table: table.to_pandas().astype("category"),
    "pandas nullable": lambda table: table.to_pandas().convert_dtypes(),
    "polars": pl.from_arrow,
    "pyarrow": lambda table: table,
    "pyarrow chunks": lambda table: pa.concat_tables([table.slice(0, 3), table.slice(3)]),
    "arrays": lambda table: {name: table[name].to_pylist() for name in table.column_names},
}


@st.composite
def tables(draw):
    size = draw(st.integers(1, 30))
    return pa.table(
        {
            name: pa.array(draw(st.lists(values, min_size=size, max_size=size)), TYPES[name])
            for name, values in COLUMNS.items()
        }
    )


@settings(max_examples=40, deadline=None)
@given(
    table=tables(),
    keys=st.lists(st.sampled_from(list(COLUMNS)), unique=True, max_size=6),
    kind=st.sampled_from(list(FRAMES)),
)
def test_every_row_is_counted_once_where_it_belongs(table, keys, kind):
    exact = kind in {"pyarrow", "pyarrow chunks", "polars", "arrays"}
    if "wide" in keys and not exact:
        keys.remove("wide")
    if kind == "arrays" and any(
        table[name].null_count == len(table) for name in table.schema.names
    ):
        return
    tally = Source.of(FRAMES[kind](table)).tally(keys)
    columns = [[shown(value) for value in table[name].to_pylist()] for name in keys]
    rows = zip(*columns, strict=True) if keys else [()] * len(table)
    assert cells_of(tally) == dict(Counter(typed(row) for row in rows))
    for levels in tally.levels:
        known = [level for level in levels if level is not None]
        assert list(levels) == sorted(known) + [None] * (None in levels)
    assert tally.weight.tolist() == tally.square.tolist() == tally.count.tolist()


@settings(max_examples=30, deadline=None)
@given(table=tables(), data=st.data())
def test_margins_add_up(table, data):
    names = ["text", "truth", "few", "real"]
    tally = Source.of(table).tally(names, sums=["whole"])
    kept = data.draw(st.lists(st.sampled_from(names), unique=True))
    margin = tally.over(*kept)
    axes = tuple(k for k, name in enumerate(names) if name not in kept)
    order = [kept.index(name) for name in names if name in kept]
    dense = margin.dense().transpose(order) if kept else margin.dense()
    np.testing.assert_array_equal(dense, tally.dense().sum(axes))
    assert margin.levels == tuple(tally.levels[names.index(name)] for name in kept)
    assert margin.sums["whole"].sum() == tally.sums["whole"].sum()
    assert margin.absent["whole"].sum() == table["whole"].null_count


@pytest.mark.parametrize("sizes", [(2, 2), (3, 7, 12), (16, 16), (50, 6, 2), (900, 80), (999,) * 3])
def test_tables_of_every_size(sizes):
    # One byte a key, two bytes, more than the cache, and more than memory.
    rng = np.random.default_rng(1)
    n = 300_001
    columns = {f"k{i}": rng.integers(0, size, n) for i, size in enumerate(sizes)}
    weight = rng.integers(0, 9, n) / 4
    tally = Source.of({**columns, "w": weight}).tally(list(columns), weight="w", sums=["k0"])
    frame = pd.DataFrame({**columns, "w": weight, "q": weight**2, "s": weight * columns["k0"]})
    wanted = frame.groupby(list(columns)).agg(
        n=("w", "size"), w=("w", "sum"), q=("q", "sum"), s=("s", "sum")
    )
    at = [np.array(levels)[tally.codes[:, i]] for i, levels in enumerate(tally.levels)]
    np.testing.assert_array_equal(np.stack(at, 1), wanted.index.to_frame().to_numpy())
    np.testing.assert_array_equal(tally.count, wanted["n"])
    np.testing.assert_array_equal(tally.weight, wanted["w"])
    np.testing.assert_array_equal(tally.square, wanted["q"])
    np.testing.assert_array_equal(tally.sums["k0"], wanted["s"])


WHOLES = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


@pytest.mark.parametrize("dtype", WHOLES)
def test_whole_numbers_of_every_type(dtype):
    ends = np.iinfo(dtype)
    values = np.array([ends.min, ends.max, 0, 1, ends.max, ends.max - 1], dtype)
    for frame in (pd.DataFrame({"x": values}), pl.DataFrame({"x": values}), {"x": values[::-1]}):
        tally = Source.of(frame).tally(["x"])
        assert cells_of(tally) == dict(Counter(typed([int(v)]) for v in values))
    missing = pa.array([*values.tolist(), None, None], pa.from_numpy_dtype(dtype))
    tally = Source.of(pa.table({"x": missing})).tally(["x"])
    assert tally.levels[0][-1] is None
    assert tally.count[-1] == 2
    assert cells_of(tally) == dict(Counter(typed([v]) for v in missing.to_pylist()))


def test_the_callers_arrays_stay_as_they_are():
    values = np.array([0, 1, 2, 1], np.int8)
    values.flags.writeable = False
    frame = pd.DataFrame({"x": values, "m": np.arange(0, 8, 2).astype(np.uint8)}, copy=False)
    column = pa.array([0, 1, None, 1], pa.int8())
    Source.of(frame).tally(["x", "m"])
    Source.of(pa.table({"x": column})).tally(["x"])
    assert values.tolist() == [0, 1, 2, 1]
    assert column.to_pylist() == [0, 1, None, 1]


def test_categories_that_nobody_has_are_no_levels():
    many = pd.Categorical.from_codes([3, 70_000, -1], [f"c{i}" for i in range(100_000)])
    assert Source.of(pd.DataFrame({"c": many})).tally(["c"]).levels == (("c3", "c70000", None),)
    clean = pd.Categorical(["b", "a"], categories=["z", "b", "a"])
    assert Source.of(pd.DataFrame({"c": clean})).tally(["c"]).levels == (("a", "b"),)


def test_objects_of_several_types_are_text():
    frame = pd.DataFrame({"x": pd.Series(["a", 1, None, 2.5, "a"], dtype=object)})
    assert Source.of(frame).tally(["x"]).levels == (("1", "2.5", "a", None),)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(width=64) | st.none(), min_size=1, max_size=20),
    low=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e6),
    bins=st.integers(1, 300),
)
def test_bins(values, low, width, bins):
    tally = Source.of(pa.table({"x": pa.array(values, pa.float64())})).tally(
        [Binned("x", low, width, bins)]
    )
    wanted = Counter()
    for value in values:
        known = value is not None and math.isfinite(value)
        place = (value - low) / width if known else None
        inside = known and 0 <= place < bins - 1
        edge = None if not known else 0 if place < 0 else bins - 1
        wanted[typed([math.floor(place) if inside else edge])] += 1
    assert cells_of(tally) == dict(wanted)


@pytest.mark.parametrize("bad", [{"width": 0.0}, {"width": math.nan}, {"bins": 0}])
def test_bins_that_are_none(bad):
    with pytest.raises(ValueError, match=r"bin|width"):
        Binned(**({"column": "x", "low": 0.0, "width": 1.0, "bins": 2} | bad))


def test_nothing_leaves_the_numbers():
    big = sys.float_info.max
    source = Source.of({"p": [big, -big, 1e60, 0.5], "t": [-big, big, 0.0, 0.5], "w": [1e100] * 4})
    for tally in (
        source.errors_by([], "p", "t", weight="w"),
        source.tally([], weight="w", sums=["p", "t"]),
    ):
        for values in (tally.weight, tally.square, *tally.sums.values()):
            assert np.isfinite(values).all()
    assert source.errors_by([], "p", "t").sums["square_error"][0] == pytest.approx(2e200)
    low, high, missing = source.range("p")
    assert (low, high, missing) == (-big, big, 0)
    assert source.tally(["p"], weight="w").count.sum() == 4


def test_sums_of_powers_are_exact_where_doubles_are():
    rng = np.random.default_rng(3)
    p, t = rng.integers(-40, 40, 200) / 8, rng.integers(0, 2, 200)
    tally = Source.of({"p": p, "t": t}).errors_by(["t"], "p", "t")
    gaps = {k: [Fraction(a) - int(b) for a, b in zip(p, t, strict=True) if b == k] for k in (0, 1)}
    for k, found in gaps.items():
        powers = {
            "error": sum(found),
            "absolute": sum(abs(e) for e in found),
            "square_error": sum(e**2 for e in found),
            "fourth": sum(e**4 for e in found),
        }
        assert {name: Fraction(tally.sums[name][k]) for name in powers} == powers
        assert (tally.count[k], tally.sums["missing"][k]) == (len(found), 0)


# --- samples --------------------------------------------------------------------------------------


def test_samples_are_uniform_and_without_replacement():
    source = Source.of({"x": np.arange(50)})
    drawn = Counter()
    for seed in range(400):
        values = source.rows(10, seed).frame["x"].to_list()
        assert len(set(values)) == 10
        assert values == sorted(values)
        drawn.update(values)
    # 400 draws of a fifth: 80 each, with a standard deviation of 8.
    assert min(drawn.values()) > 80 - 4 * 8
    assert max(drawn.values()) < 80 + 4 * 8
    assert len(drawn) == 50


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("batches", [False, True])
def test_samples_of_files_are_the_same_in_batches(tmp_path, monkeypatch, suffix, batches):
    frame = pd.DataFrame({"x": np.arange(1_000), "t": [f"t{i % 7}" for i in range(1_000)]})
    path = tmp_path / f"rows.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, row_group_size=90)
    if batches:
        in_batches(monkeypatch)
    source = Source.of(path)
    rows = source.rows(25, 7)
    wanted = Source.of(frame).rows(25, 7)
    assert rows.frame.to_native().to_dict("list") == wanted.frame.to_native().to_dict("list")
    assert rows.kind == "pandas"
    assert rows.frame.to_native()["t"].dtype == frame["t"].dtype
    assert source.rows(3, 7, ["t", "x"]).names == ("t", "x")
    assert source.rows(10**9, 7, ["t"]).frame["t"].to_list() == frame["t"].tolist()
    assert source.engine == suffix


# --- files in batches -----------------------------------------------------------------------------


def in_batches(monkeypatch):
    for name, value in {"IN_MEMORY": 0, "_BATCH": 64, "_SPAN": 100, "_BLOCK": 256}.items():
        monkeypatch.setattr(files, name, value)


LATE = [
    (["1"] * 300 + ["2.5"], (1, 2.5), "number"),
    (["1"] * 300 + ["x"], ("1", "x"), "text"),
    (["0"] * 300 + ["true"], (False, True), "truth"),
    (["true"] * 300 + ["maybe"], ("maybe", "true"), "text"),
    (["NA"] * 300 + ["x"], ("x", None), "text"),
    (["NA"] * 300 + ["7"], (7, None), "number"),
    (["2020-01-01"] * 300 + ["soon"], ("2020-01-01", "soon"), "text"),
    (['"a,\nb"'] * 300 + ["c"], ("a,\nb", "c"), "text"),
]


@pytest.mark.parametrize(("values", "levels", "kind"), LATE, ids=str)
@pytest.mark.parametrize("first", ["tally", "kind"])
def test_a_late_value_shows_what_a_column_is(tmp_path, monkeypatch, values, levels, kind, first):
    path = tmp_path / "late.csv"
    path.write_text("n,x\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values)))
    whole = Source.of(path).tally(["x"])
    in_batches(monkeypatch)
    source = Source.of(path)
    if first == "kind":
        assert source.kind("x") == kind
    tally = source.tally(["x"])
    assert tally.levels == whole.levels == (levels,)
    assert tally.count.tolist() == whole.count.tolist()
    assert source.kind("x") == kind
    assert len(source) == 301


def test_numbers_that_turn_out_to_be_text(tmp_path, monkeypatch):
    path = tmp_path / "late.csv"
    path.write_text("g,w\n" + "a,1\n" * 300 + "a,heavy\n")
    in_batches(monkeypatch)
    with pytest.raises(DataError, match=r'late.csv": the column "w" is text'):
        Source.of(path).tally(["g"], weight="w")


def test_the_first_bad_weight_of_a_file(tmp_path, monkeypatch):
    in_batches(monkeypatch)
    weights = np.ones(1_000)
    weights[[777, 801]] = [-1, math.nan]
    parquet.write_table(pa.table({"w": weights}), tmp_path / "w.parquet", row_group_size=90)
    pd.DataFrame({"w": weights}).to_csv(tmp_path / "w.csv", index=False)
    for name in ("w.parquet", "w.csv"):
        with pytest.raises(DataError, match=r"in at least \d rows? \(the first in row 778\)"):
            Source.of(tmp_path / name).tally([], weight="w")


def test_a_file_whose_key_is_none(tmp_path, monkeypatch):
    in_batches(monkeypatch)
    path = tmp_path / "ids.parquet"
    parquet.write_table(pa.table({"id": np.arange(5_000)}), path, row_group_size=90)
    with pytest.raises(DataError, match=r'"id" has more than 1,000 different values'):
        Source.of(path).tally(["id"])


BROKEN = [
    ("x.csv", b"", "empty"),
    ("x.csv", b"a,b\n", "no rows"),
    ("x.csv", b"a,b\n1,2\n1\n", "row 3 has 1 values and the header has 2|differ in length"),
    ("x.csv", b"a,a\n1,2\n", 'two columns have the name "a"'),
    ("x.csv", b"a\n\xe4\xff\n", "not UTF-8"),
    ("x.csv", b"\xff\xfea\x00\n\x00", "not UTF-8|UTF-16"),
    ("x.parquet", b"nonsense nonsense", "cannot be read"),
    ("x.xlsx", b"", "damaged, or no .xlsx workbook"),
    ("x.ods", b"", "is no table that can be read here"),
]


@pytest.mark.parametrize(("name", "content", "told"), BROKEN)
@pytest.mark.parametrize("batches", [False, True])
def test_broken_files(tmp_path, monkeypatch, name, content, told, batches):
    (tmp_path / name).write_bytes(content)
    if batches:
        in_batches(monkeypatch)
    with pytest.raises(DataError, match=told) as caught:
        len(Source.of(tmp_path / name, path="$.data.path"))
    assert caught.value.path == "$.data.path"
    assert name in caught.value.message or "no rows" in told


def test_no_such_file():
    with pytest.raises(DataError, match=r'"gone.parquet": there is no such file'):
        Source.of("gone.parquet")


# --- mistakes -------------------------------------------------------------------------------------

PEOPLE = {"age": [1, 2], "Sex": ["f", "m"], "SEX": ["f", "m"], "w": [1.0, -2.0]}


def asked(data=None, keys=("age",), **more):
    return lambda: Source.of(PEOPLE if data is None else data).tally(keys, **more)


MISTAKES = [
    (asked(keys=["agee"]), 'no column "agee"; did you mean "age"?'),
    (asked(keys=["sex"]), 'there are "Sex" and "SEX", which differ in case only'),
    (asked(keys=["age", "age"]), '"age" is named twice among the keys'),
    (asked(keys=[Binned("Sex", 0, 1, 2)]), 'the column "Sex" is text: name a column of numbers'),
    (asked(weight="w"), 'weights "w" are missing, negative, infinite or above 1e100 in 1 row (the'),
    (asked(weight="Sex"), 'the weights "Sex" are text'),
    (asked(weight="v"), 'no column "v"'),
    (asked(sums=["Sex"]), 'the column "Sex" is text'),
    (asked(pa.table({"age": pa.array([], pa.int64())})), "no rows"),
    (asked(pl.DataFrame({"age": []}, {"age": pl.Int64}).lazy()), "no rows"),
    (
        asked({"age": np.arange(10_000)}),
        '"age" has 10,000 different values: did you mean a numeric',
    ),
    (asked({"age": np.arange(10**6) / 7}), '"age" has 1,000,000 different values'),
    (asked({"age": np.arange(200_000).astype(str)}), '"age" has 200,000 different values'),
    (asked({"age": [[1], [2]]}), '"age" holds values of the type list'),
    (asked({"age": [1, 2], "b": [1]}), "arrays of one length"),
    (asked(pd.DataFrame([[1, 2]], columns=["age", "age"])), 'two columns have the name "age"'),
    (asked(pd.DataFrame([[1, 2]], columns=[1, 2])), "names of columns must be text"),
    (asked(3.5), "expected a data frame, or the path"),
]


@pytest.mark.parametrize(("question", "told"), MISTAKES, ids=[told for _, told in MISTAKES])
def test_mistakes(question, told):
    with pytest.raises(DataError) as caught:
        question()
    assert told in caught.value.message
    assert caught.value.path == "$.data"


def test_no_key_of_a_table():
    with pytest.raises(KeyError, match="no key"):
        Source.of(PEOPLE).tally(["age"]).over("Sex")


def test_a_column_may_be_key_weight_and_sum():
    source = Source.of({"x": [1.5, 2.0, 2.0]})
    tally = source.tally(["x"], weight="x", sums=["x"])
    assert tally.levels == ((1.5, 2),)
    assert tally.square.tolist() == tally.sums["x"].tolist() == [2.25, 8.0]


def test_columns_are_coded_once(monkeypatch):
    source = Source.of(pd.DataFrame({"x": ["a", "b"]}))
    before = source.tally(["x"])
    monkeypatch.setattr(codes, "_hashed", None)
    assert source.tally(["x"]).levels == before.levels


def test_importing_is_cheap():
    code = "import sys, paribus.counting; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pandas", "polars", "duckdb", "pyspark", "dask", "ibis"} & set(done.stdout.split())
