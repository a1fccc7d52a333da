"""The same rows give the same table, wherever they live."""

import datetime as dt
import math
import os
import shutil
import sys
import warnings
import zoneinfo
from collections import defaultdict

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from paribus.counting import Binned, Source, files
from paribus.errors import DataError

dd = pytest.importorskip("dask.dataframe")
duckdb = pytest.importorskip("duckdb")
ibis = pytest.importorskip("ibis")

# Between Ibis and DuckDB.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

DAY = dt.date(2020, 2, 29)
NIGHT = dt.datetime(2021, 7, 1, 23, 59, 30)
MORNING = dt.datetime(2021, 7, 1)

# Missing values of every sort, and what engines are known to mix up.
NASTY = {
    "text": ["zoë", "Ann", None, "ann", "", "Ann", "名前", "it's", None, 'a "b"'],
    "Text": ["a"] * 5 + ["b"] * 5,
    "truth": [True, False, None, True, True, False, None, False, True, True],
    "sure": [True, False, False, True, True, False, True, False, True, True],
    "whole": [-3, 0, 2, -3, 2, 0, 5, 5, 5, 5],
    "gaps": [1, None, 2, 2, 1, None, -7, 1, 1, 2],
    "real": [1.0, math.nan, None, -0.0, 0.0, 2.5, math.inf, -math.inf, 1e300, -2.5],
    "label": [0, 1, 1, 0, 1, 0, 1, 1, 0, 1],
    "guess": [0.25, 0.75, None, 0.0, 1.0, math.nan, 0.5, 1e200, -1e308, 1e60],
    "day": [DAY, None, DAY, DAY, dt.date(1969, 12, 31), None, DAY, DAY, DAY, DAY],
    "moment": [NIGHT, None, MORNING, MORNING, NIGHT, NIGHT, None, NIGHT, NIGHT, NIGHT],
    "weight": [1.0, 0.5, 0.0, 2.25, 1.0, 3.0, 1.0, 1.0, 0.125, 4.0],
    "a.b": ["x", "y"] * 5,
    "a b": [7, 8] * 5,
    "empty": [None] * 10,
}
TYPES = {
    "text": pa.string(),
    "truth": pa.bool_(),
    "gaps": pa.int64(),
    "real": pa.float64(),
    "guess": pa.float64(),
    "day": pa.date32(),
    "moment": pa.timestamp("us"),
    "empty": pa.float64(),
}
ROWS = pa.table({name: pa.array(values, TYPES.get(name)) for name, values in NASTY.items()})
# What no row of a SQL table can have: two columns that differ in case only.
SQL_ROWS = ROWS.drop_columns(["Text"])


def as_pandas(folder):
    return ROWS.to_pandas()


def as_objects(folder):
    columns = {}
    for name, values in NASTY.items():
        exact = name in {"real", "guess", "weight", "empty"}
        columns[name] = pd.Series(values, dtype="float64" if exact else object)
    return pd.DataFrame(columns)


def as_categories(folder):
    frame = ROWS.to_pandas()
    for name in ("text", "truth", "whole", "gaps", "day", "a.b"):
        frame[name] = frame[name].astype("category")
    frame["text"] = frame["text"].cat.add_categories(["nobody"])
    return frame


def as_polars_categories(folder):
    return pl.from_arrow(ROWS).with_columns(pl.col("text").cast(pl.Categorical))


def as_dictionaries(folder):
    """Several chunks, each with a dictionary of its own."""

    def coded(part):
        chosen = {"text", "whole", "gaps", "moment", "real"}
        columns = [part[n].dictionary_encode() if n in chosen else part[n] for n in NASTY]
        return pa.table(columns, names=list(NASTY))

    return pa.concat_tables([coded(ROWS.slice(a, 4)) for a in (0, 4, 8)])


def as_parquet(folder):
    parquet.write_table(ROWS, folder / "rows.parquet", row_group_size=3)
    return folder / "rows.parquet"


def as_csv(folder):
    csv.write_csv(ROWS.drop_columns(["moment"]), folder / "rows.csv")
    return str(folder / "rows.csv")


OPEN = []


def as_duckdb(folder):
    rows = SQL_ROWS
    # Older versions close a connection that nobody holds any more, and with it its relations.
    OPEN.append(duckdb.connect())
    return OPEN[-1].from_arrow(rows)


def as_dask(folder):
    frame = ROWS.to_pandas().astype({"truth": "boolean", "day": pd.ArrowDtype(pa.date32())})
    return dd.from_pandas(frame, npartitions=3)


def as_ibis(folder):
    connection = ibis.duckdb.connect()
    connection.con.register("arrow", SQL_ROWS)
    connection.con.execute("CREATE TABLE rows AS SELECT * FROM arrow")
    return connection.table("rows")


EAGER = {
    "pandas": as_pandas,
    "pandas objects": as_objects,
    "pandas categories": as_categories,
    "polars": lambda folder: pl.from_arrow(ROWS),
    "polars categories": as_polars_categories,
    "pyarrow": lambda folder: ROWS,
    "pyarrow dictionaries": as_dictionaries,
}
LAZY = {
    "polars lazy": lambda folder: pl.from_arrow(ROWS).lazy(),
    "polars lazy categories": lambda folder: as_polars_categories(folder).lazy(),
    "duckdb": as_duckdb,
    "dask": as_dask,
    "ibis": as_ibis,
}
FILES = {"parquet": as_parquet, "csv": as_csv}


@pytest.fixture(params=[*EAGER, *LAZY, *FILES, "parquet in batches", "csv in batches"])
def source(request, tmp_path, monkeypatch):
    if request.param.endswith("in batches"):
        monkeypatch.setattr(files, "IN_MEMORY", 0)
        monkeypatch.setattr(files, "_BATCH", 4)
        monkeypatch.setattr(files, "_SPAN", 5)
        monkeypatch.setattr(files, "_BLOCK", 400)
    make = (EAGER | LAZY | FILES)[request.param.removesuffix(" in batches")]
    return Source.of(make(tmp_path))


# --- a plain oracle -------------------------------------------------------------------------------


def level(value):
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dt.datetime):
        text = value.isoformat()
        return text.removesuffix("T00:00:00")
    return value.isoformat() if isinstance(value, dt.date) else value


def bin_of(value, bins):
    value = level(value)
    if value is None:
        return None
    place = (value - bins.low) / bins.width
    return int(min(max(math.floor(place), 0), bins.bins - 1))


def expected(rows, keys, weight=None, sums=()):
    """Count rows with a loop; gives {levels: [count, weight, square, sums..., absent...]}."""
    cells = defaultdict(lambda: np.zeros(3 + 2 * len(sums)))
    for row in rows:
        place = tuple(
            bin_of(row[key.column], key) if isinstance(key, Binned) else level(row[key])
            for key in keys
        )
        w = row[weight] if weight else 1.0
        added = [1.0, w, w * w]
        values = [level(row[name]) for name in sums]
        added += [0.0 if v is None else min(max(v, -1e200), 1e200) * w for v in values]
        added += [w if v is None else 0.0 for v in values]
        cells[tuple((type(v).__name__, v) for v in place)] += added
    return dict(cells)


def found(tally, sums=()):
    cells = {}
    for i, codes in enumerate(tally.codes):
        place = [tally.levels[k][code] for k, code in enumerate(codes)]
        values = [tally.count[i], tally.weight[i], tally.square[i]]
        values += [tally.sums[name][i] for name in sums]
        values += [tally.absent[name][i] for name in sums]
        cells[tuple((type(v).__name__, v) for v in place)] = np.array(values, float)
    return cells


def assert_same(tally, wanted, sums=()):
    cells = found(tally, sums)
    assert cells.keys() == wanted.keys()
    for place, values in wanted.items():
        np.testing.assert_allclose(cells[place], values, rtol=1e-12, err_msg=str(place))
    assert [tuple(c) for c in tally.codes] == sorted(tuple(c) for c in tally.codes)
    for levels in tally.levels:
        known = [v for v in levels if v is not None]
        assert list(levels) == sorted(known) + [None] * (None in levels)


def assert_errors(tally):
    wanted = {}
    for row in records():
        cell = wanted.setdefault(row["sure"], np.zeros(8))
        if level(row["guess"]) is None:
            cell[7] += 1
            continue
        half = row["guess"] / 2 - row["label"] / 2
        e, w = min(max(half, -0.5e200), 0.5e200) * 2, row["weight"]
        size = abs(e)
        square, fourth = min(size, 1e100), min(size, 1e50)
        cell[:7] += [1, w, w * w, w * e, w * size, w * square**2, w * fourth**4]
    assert tally.levels == ((False, True),)
    sums = [tally.sums[k] for k in ("error", "absolute", "square_error", "fourth", "missing")]
    got = np.stack([tally.count, tally.weight, tally.square, *sums], axis=1)
    np.testing.assert_allclose(got, [wanted[False], wanted[True]], rtol=1e-12)


def records():
    return [dict(zip(NASTY, row, strict=True)) for row in zip(*NASTY.values(), strict=True)]


KEYS = [
    ["text"],
    ["truth"],
    ["sure"],
    ["whole"],
    ["gaps"],
    ["real"],
    ["day"],
    ["moment"],
    ["a.b", "a b"],
    ["empty"],
    ["weight"],
    ["text", "truth", "gaps", "real"],
    [Binned("real", -1, 0.75, 4), "sure"],
    [Binned("whole", -3, 2, 3)],
    [],
]


@pytest.mark.parametrize("keys", KEYS, ids=str)
def test_the_same_rows_give_the_same_table(source, keys):
    if keys == ["moment"] and "moment" not in source.names:
        pytest.skip("a CSV holds text")
    rows = records()
    if keys and keys[0] == "text" and source.engine == "csv":
        rows = [row | {"text": row["text"] or None} for row in rows]
    sums = ("real", "sure")
    tally = source.tally(keys, weight="weight", sums=sums)
    assert_same(tally, expected(rows, keys, "weight", sums), sums)
    assert_same(source.tally(keys), expected(rows, keys))


def test_levels_are_what_a_reader_would_write(source):
    assert source.tally(["whole"]).levels == ((-3, 0, 2, 5),)
    assert source.tally(["gaps"]).levels == ((-7, 1, 2, None),)
    assert source.tally(["truth"]).levels == ((False, True, None),)
    assert source.tally(["day"]).levels == (("1969-12-31", "2020-02-29", None),)
    assert source.tally(["real"]).levels == ((-2.5, 0, 1, 2.5, 1e300, None),)


def test_facts_about_columns(source):
    assert len(source) == 10
    kinds = {name: source.kind(name) for name in source.names}
    assert [kinds[name] for name in ("text", "truth", "whole", "gaps", "real", "a.b")] == [
        "text",
        "truth",
        "number",
        "number",
        "number",
        "text",
    ]
    assert kinds["day"] == ("text" if source.engine == "csv" else "time")
    assert source.range("real") == (-2.5, 1e300, 4)
    assert source.range("whole") == (-3, 5, 0)
    assert source.range("gaps") == (-7, 2, 2)
    assert source.range("truth") == (0, 1, 2)
    with pytest.raises(DataError, match='"empty" has no finite number'):
        source.range("empty")


def test_errors_by_cell(source):
    assert_errors(source.errors_by(["sure"], "guess", "label", weight="weight"))


def test_rows_come_back(source):
    every = source.rows(10, 1, ["whole", "text"])
    assert every.names == ("whole", "text")
    values = [int(v) for v in every.frame["whole"].to_list()]
    assert sorted(values) == sorted(NASTY["whole"])
    few = source.rows(4, 1)
    assert len(few) <= 4
    assert few.names == source.names
    again = source.rows(4, 1)
    assert few.frame["weight"].to_list() == again.frame["weight"].to_list()


def test_bad_weights(source):
    with pytest.raises(DataError, match=r'weights "gaps" are .* in (at least )?[123] rows?'):
        source.tally(["sure"], weight="gaps")
    with pytest.raises(DataError, match='weights "text" are text'):
        source.tally(["sure"], weight="text")


def test_too_many_levels(source):
    with pytest.raises(DataError, match=r'"whole" has (4|more than 3) different values.* bin it'):
        source.tally(["whole"], most_levels=3)
    assert source.tally(["truth"], most_levels=2).levels == ((False, True, None),)


# --- Spark: few questions, as each takes a second -------------------------------------------------


@pytest.fixture(scope="module")
def spark():
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java 17")
    patch = pytest.MonkeyPatch()
    patch.setenv("PYSPARK_PYTHON", sys.executable)
    patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        # Ten rows are not worth compiling code for.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.sql.session.timeZone": "Asia/Tokyo",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        builder = sql.SparkSession.builder.master("local[2]")
        for name, value in settings.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
    patch.undo()


@pytest.fixture(scope="module")
def spark_source(spark):
    types = {"text": "string", "a.b": "string", "day": "date", "moment": "timestamp"}
    types |= {"truth": "boolean", "sure": "boolean", "Text": "string"}
    types |= dict.fromkeys(("real", "guess", "weight", "empty"), "double")
    schema = ", ".join(f"`{name}` {types.get(name, 'long')}" for name in NASTY)
    # A moment without a zone is one in the zone of the session, as Spark shows it.
    rows = [
        tuple(
            spark_moment(value) if name == "moment" else value
            for name, value in zip(NASTY, row, strict=True)
        )
        for row in zip(*NASTY.values(), strict=True)
    ]
    return Source.of(spark.createDataFrame(rows, schema).repartition(3))


def spark_moment(value):
    return value if value is None else value.replace(tzinfo=zoneinfo.ZoneInfo("Asia/Tokyo"))


ALL = ["text", "Text", "truth", "sure", "whole", "gaps", "real", "day", "moment", "a.b", "empty"]


def test_spark_gives_the_same_table(spark_source):
    # One test, so that one process starts Spark.
    sums = ("guess", "truth")
    tally = spark_source.tally(ALL, weight="weight", sums=sums)
    assert_same(tally, expected(records(), ALL, "weight", sums), sums)

    keys = [Binned("real", -1, 0.75, 4), Binned("whole", -3, 2, 3)]
    assert_same(spark_source.tally(keys), expected(records(), keys))

    assert_errors(spark_source.errors_by(["sure"], "guess", "label", weight="weight"))

    assert (spark_source.engine, len(spark_source)) == ("pyspark", 10)
    kinds = [spark_source.kind(n) for n in ("text", "truth", "gaps", "real", "day", "moment")]
    assert kinds == ["text", "truth", "number", "number", "time", "time"]
    assert spark_source.range("real") == (-2.5, 1e300, 4)
    with pytest.raises(DataError, match=r'weights "gaps" are .* in 3 rows'):
        spark_source.tally([], weight="gaps")

    rows = spark_source.rows(4, 1, ["a.b", "Text", "text"])
    assert rows.names == ("a.b", "Text", "text")
    assert len(rows) <= 4
