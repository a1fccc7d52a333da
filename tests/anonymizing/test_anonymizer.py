"""The engine: every type of column, headers, metadata, frames, batches."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.detection import detect
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import OfText
from paribus.errors import DataError, SpecError

KEY = Key(b"a secret of some length")
SLOW = [HealthCheck.too_slow]
OTHER = Key(b"another secret of length")

TEXTS = ["A-17", None, "", "A-17", "B-2", "  "]


def one(
    values: pa.Array, kind: object = "id", key: Key = KEY, **columns: object
) -> pa.ChunkedArray:
    table = pa.table({"x": values})
    return Anonymizer(columns={"x": kind}).apply(table, key)["x"]


def wanted() -> list[str | None]:
    made: list[str | None] = one(pa.array(TEXTS)).to_pylist()
    return made


TEXT_TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
    pa.dictionary(pa.int16(), pa.binary()),
]


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_text_of_every_type_gets_the_same_fakes_and_stays_of_its_type(kind: pa.DataType) -> None:
    if pa.types.is_dictionary(kind):
        inner = pa.array(TEXTS).cast(kind.value_type)
        coded = inner.dictionary_encode()
        values = pa.DictionaryArray.from_arrays(
            coded.indices.cast(kind.index_type), coded.dictionary
        )
    else:
        values = pa.array(TEXTS, kind)
    made = one(values)
    assert made.type == kind
    plain = [v.decode() if isinstance(v, bytes) else v for v in made.to_pylist()]
    assert plain == wanted()
    assert plain[0] == plain[3] != "A-17"
    assert plain[1] is None
    assert plain[2] == ""


def test_other_encodings_become_plain() -> None:
    ends = pa.RunEndEncodedArray.from_arrays([2, 3], pa.array(["A-17", "B-2"]))
    assert one(ends).to_pylist() == [wanted()[0], wanted()[0], wanted()[4]]
    fixed = pa.array([b"A-17", None], pa.binary(4))
    assert one(fixed).to_pylist() == [(wanted()[0] or "").encode(), None]


def test_dictionaries_lose_the_values_that_no_row_has() -> None:
    for ordered in (False, True):
        values = pa.DictionaryArray.from_arrays(
            pa.array([2, None, 1], pa.int8()), ["secret", "A-17", "B-2"], ordered=ordered
        )
        kept = one(values, "keep").combine_chunks()
        assert kept.to_pylist() == ["B-2", None, "A-17"]
        assert kept.type == values.type
        # The order of what stays is that of the categories.
        assert kept.dictionary.to_pylist() == ["A-17", "B-2"]
        made = one(values).combine_chunks()
        assert len(made.dictionary) == 2
        assert "secret" not in made.dictionary.to_pylist()


@pytest.mark.parametrize(
    "kind",
    [
        pa.int8(),
        pa.int16(),
        pa.int32(),
        pa.int64(),
        pa.uint8(),
        pa.uint16(),
        pa.uint32(),
        pa.uint64(),
    ],
    ids=str,
)
def test_ids_stay_within_the_type_of_their_numbers_and_apart(kind: pa.DataType) -> None:
    info = np.iinfo(kind.to_pandas_dtype())
    numbers = sorted({int(info.max) - i for i in range(27)} | set(range(1, 100)))
    values = pa.array(numbers, kind)
    made = one(values)
    assert made.type == kind
    fakes = made.to_pylist()
    assert len(set(fakes)) == len(numbers)
    assert [len(str(n)) for n in fakes] == [len(str(n)) for n in numbers]


class Rotated(OfText):
    """A permutation of 0 to 255, half of which no signed byte can hold."""

    kind: str = "rotated"
    numbers: ClassVar[bool] = True

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        return pa.array([str((int(text) + 37) % 256) for text in texts.to_pylist()])


class Large(Rotated):
    """What no byte can hold."""

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        return pa.array(["1000"] * len(texts))


def test_a_permutation_stays_one_where_the_type_is_narrower() -> None:
    values = pa.array([*range(128), None], pa.int8())
    made = Rotated().replace(values, KEY, {})
    assert made.type == pa.int8()
    assert made.null_count == 1
    assert sorted(made.drop_null().to_pylist()) == list(range(128))
    assert made[0].as_py() == 37
    with pytest.raises(DataError, match="too narrow"):
        Large().replace(values, KEY, {})


def test_whole_numbers_of_other_types() -> None:
    fakes = one(pa.array([1234, None], pa.int64())).to_pylist()
    assert one(pa.array([1234.0, None])).to_pylist() == fakes
    assert one(pa.array([1234.0, float("nan")])).to_pylist() == fakes
    assert one(pa.array([Decimal("1234.00"), None], pa.decimal128(12, 2))).to_pylist() == fakes
    assert one(pa.array(["1234", None])).to_pylist() == [str(fakes[0]), None]
    for odd in (pa.array([1.5]), pa.array([float("inf")]), pa.array([1e300])):
        with pytest.raises(DataError, match=r'the column "x" holds numbers'):
            one(odd)


ANY = {
    "bool": pa.array([True, None]),
    "float": pa.array([1.5, None]),
    "decimal": pa.array([Decimal("1.50"), None], pa.decimal256(50, 2)),
    "date32": pa.array([dt.date(2020, 2, 3), None]),
    "date64": pa.array([dt.date(2020, 2, 3), None], pa.date64()),
    "stamp": pa.array([dt.datetime(2020, 2, 3), None], pa.timestamp("ns")),
    "zoned": pa.array([dt.datetime(2020, 2, 3), None], pa.timestamp("us", "Europe/Berlin")),
    "time": pa.array([dt.time(1, 2), None]),
    "duration": pa.array([dt.timedelta(1), None]),
    "null": pa.nulls(2),
    "list": pa.array([["a"], None]),
    "struct": pa.array([{"a": 1}, None]),
    "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
    "union": pa.UnionArray.from_sparse(
        pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]
    ),
}


@pytest.mark.parametrize("name", ANY)
def test_what_is_kept_stays_and_what_is_masked_or_dropped_goes(name: str) -> None:
    values = ANY[name]
    table = pa.table({"x": values, "y": pa.nulls(2)})
    kept = Anonymizer(columns={"x": "keep", "y": "keep"}).apply(table, KEY)
    assert kept.equals(table)
    dropped = Anonymizer(columns={"x": "drop", "y": "keep"}).apply(table, KEY)
    assert dropped.column_names == ["y"]
    assert dropped.num_rows == 2
    if name not in ("null", "union"):
        assert one(values, "mask").to_pylist() == ["***", None]


@pytest.mark.parametrize("name", [n for n in ANY if n not in ("null", "list")])
def test_what_a_kind_cannot_replace_is_refused_in_one_sentence(name: str) -> None:
    if name in ("float", "decimal"):
        return
    with pytest.raises(DataError, match=r'^\$\.columns\.x: the column "x" holds .*') as caught:
        one(ANY[name], "email")
    assert "\n" not in str(caught.value)
    assert "drop" in str(caught.value)


NESTED = [
    (pa.list_(pa.string()), [["A-17", None], None, [], ["B-2"]]),
    (pa.large_list(pa.large_string()), [["A-17", None], None, [], ["B-2"]]),
    (pa.list_(pa.string(), 2), [["A-17", None], None, ["B-2", "B-2"], ["A-17", ""]]),
    (
        pa.struct([("a", pa.string()), ("b", pa.list_(pa.string()))]),
        [{"a": "A-17", "b": ["B-2"]}, None, {"a": None, "b": None}, {"a": "", "b": []}],
    ),
    (
        pa.map_(pa.string(), pa.string()),
        [[("A-17", "B-2"), ("B-2", None)], None, [], [("B-2", "A-17")]],
    ),
    (pa.list_(pa.struct([("a", pa.string())])), [[{"a": "A-17"}, None], [], None, [{"a": "B-2"}]]),
    (pa.list_(pa.dictionary(pa.int32(), pa.string())), [["A-17", "B-2"], None, [], ["B-2"]]),
]


@pytest.mark.parametrize(("kind", "values"), NESTED, ids=lambda v: str(v)[:30])
def test_nested_columns_are_replaced_leaf_by_leaf(kind: pa.DataType, values: list) -> None:
    made = one(pa.array(values, kind))
    assert made.type == kind
    fakes = dict(zip(TEXTS, wanted(), strict=True))

    def faked(value: object) -> object:
        if isinstance(value, list):
            return [faked(each) for each in value]
        if isinstance(value, tuple):
            return tuple(faked(each) for each in value)
        if isinstance(value, dict):
            return {k: faked(v) for k, v in value.items()}
        return fakes[value]

    assert made.to_pylist() == [faked(each) for each in values]
    sliced = pa.table({"x": pa.array(values, kind)}).slice(1, 2)
    assert (
        Anonymizer(columns={"x": "id"}).apply(sliced, KEY)["x"].to_pylist() == made.to_pylist()[1:3]
    )


def test_leaves_of_other_sorts_are_refused_by_name() -> None:
    mixed = pa.array([{"a": "x", "paid": True}])
    with pytest.raises(DataError, match='in its field "paid"; or drop the column'):
        one(mixed)


def test_rows_are_read_for_the_leaves_below_them() -> None:
    table = pa.table(
        {
            "who": ["ann", "bob"],
            "visits": pa.array([[dt.date(2020, 1, 1), dt.date(2020, 3, 1)], [dt.date(2020, 1, 1)]]),
            "born": pa.array([dt.date(1980, 1, 1)] * 2),
        }
    )
    kind = {"kind": "dates", "person": "who"}
    made = Anonymizer(columns={"who": "id", "visits": kind, "born": kind}).apply(table, KEY)
    (first, second), _ = made["visits"].to_pylist()
    assert (second - first).days == 60
    assert first - dt.date(2020, 1, 1) == made["born"][0].as_py() - dt.date(1980, 1, 1)


# --- the declaration ------------------------------------------------------------------------------


def test_columns_and_table_must_fit() -> None:
    table = pa.table({"name": ["a"], "age": [1]})
    with pytest.raises(DataError, match='no column "nme"; did you mean "name"'):
        Anonymizer(columns={"nme": "id", "age": "keep"}).check(table.schema)
    with pytest.raises(DataError, match='what becomes of the column "age"'):
        Anonymizer(columns={"name": "id"}).check(table.schema)
    with pytest.raises(DataError, match='reads the column "who"'):
        Anonymizer(
            columns={"name": "id", "age": {"kind": "noise", "scale": 1, "person": "who"}}
        ).check(table.schema)
    twice = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(DataError, match="two columns"):
        Anonymizer(columns={"a": "keep"}).check(twice.schema)
    with pytest.raises(SpecError, match="no replacement of kind"):
        Anonymizer(columns={"a": "eemail"})


def test_metadata_never_passes() -> None:
    secret = {b"note": b"john@corp.com"}
    inner = pa.field("a", pa.string(), metadata=secret)
    schema = pa.schema(
        [
            pa.field("x", pa.string(), metadata=secret),
            pa.field("y", pa.struct([inner]), metadata=secret),
            pa.field("z", pa.list_(pa.field("item", pa.int64(), metadata=secret))),
        ],
        metadata=secret,
    )
    table = pa.table([["a"], [{"a": "b"}], [[1]]], schema=schema)
    made = Anonymizer(columns={"x": "id", "y": "id", "z": "keep"}).apply(table, KEY)
    assert b"john" not in made.schema.serialize().to_pybytes()
    assert made.schema.metadata is None


def test_headers_that_identify_get_fakes() -> None:
    names = ["john@corp.com", "+44 20 7946 0958", "2024-01", "spend 2024", "ann@corp.com"]
    table = pa.table({name: [1] for name in names})
    table = table.append_column("who", pa.array([{"eve@corp.com": "A-1"}]))
    declared = {**dict.fromkeys(names, "keep"), "who": "id"}
    made = Anonymizer(columns=declared).apply(table, KEY)
    assert made.column_names[2:4] == names[2:4]
    assert made.column_names[5] == "who"
    said = str(made.schema)
    assert not any(each in said for each in ("john", "ann@", "eve", "corp.com", "7946"))
    assert len(set(made.column_names)) == 6
    # The fake of a header is that of a value.
    assert made.column_names[0] == one(pa.array(["john@corp.com"]), "email")[0].as_py()


def test_errors_do_not_quote_values() -> None:
    broken = pa.Array.from_buffers(
        pa.string(),
        1,
        [None, pa.py_buffer(b"\x00\x00\x00\x00\x04\x00\x00\x00"), pa.py_buffer(b"ab\xff\xfe")],
    )
    for values in (broken, pa.array([b"ab\xff\xfe"])):
        with pytest.raises(DataError, match="not UTF-8") as caught:
            one(values)
        assert "ab" not in str(caught.value).replace("table", "")


# --- laws -----------------------------------------------------------------------------------------

MANY = {
    "id": "id",
    "mail": "email",
    "note": {"kind": "text", "names": ["who"]},
    "who": "full_name",
    "born": {"kind": "dates", "person": "id"},
    "pay": {"kind": "noise", "scale": 10, "person": "id"},
    "age": {"kind": "bands", "width": 10},
    "code": {"kind": "truncate", "keep": 2},
    "left": "drop",
    "free": "keep",
    "gone": "email",
}
WHO = ["Ann Smith", "bob JONES", "Eve O'Neil", None, ""]
record = st.fixed_dictionaries(
    {
        "id": st.none() | st.from_regex(r"[A-Z]-[0-9]{3}", fullmatch=True),
        "mail": st.none() | st.sampled_from(["a.smith@corp.com", "bob@x.org", "", " "]),
        "note": st.none()
        | st.sampled_from(["Ann Smith called", "mail bob@x.org", "nothing", "=1"]),
        "who": st.sampled_from(WHO),
        "born": st.none() | st.dates(dt.date(1920, 1, 1), dt.date(2010, 1, 1)),
        "pay": st.none() | st.integers(0, 10**6),
        "age": st.none() | st.integers(0, 120),
        "code": st.none() | st.sampled_from(["10115", "80331"]),
        "left": st.just("x"),
        "free": st.floats(allow_nan=False),
        "gone": st.none(),
    }
)
SCHEMA = pa.schema(
    {
        **dict.fromkeys(["id", "mail", "note", "who", "code", "left", "gone"], pa.string()),
        "born": pa.date32(),
        "pay": pa.int64(),
        "age": pa.int64(),
        "free": pa.float64(),
    }
)


@settings(deadline=None, max_examples=8, suppress_health_check=SLOW)
@given(st.lists(record, max_size=12), st.integers(1, 5))
def test_batches_threads_and_order_change_nothing(rows: list, size: int) -> None:
    table = pa.Table.from_pylist(rows, SCHEMA)
    anonymizer = Anonymizer(columns=MANY)
    made = anonymizer.apply(table, KEY)
    assert made.num_rows == len(rows)
    assert made.schema == anonymizer.gives(table.schema, KEY)
    batches = table.to_batches(max_chunksize=size)
    streamed = list(anonymizer.stream(batches, table.schema, KEY))
    assert pa.Table.from_batches(streamed, made.schema).equals(made)
    with ThreadPoolExecutor(2) as threads:
        parts = list(
            threads.map(lambda b: anonymizer.apply(pa.Table.from_batches([b]), KEY), batches)
        )
    assert pa.concat_tables([*parts, made.slice(0, 0)]).equals(made)
    turned = pa.array(range(len(rows))[::-1], pa.int64())
    assert anonymizer.apply(table.take(turned), KEY).take(turned).equals(made)
    for name in made.column_names:
        assert made[name].is_null().equals(table[name].is_null())
    # Equal stays equal, distinct stays distinct where that is promised.
    for name in ("id", "mail"):
        pairs = set(zip(table[name].to_pylist(), made[name].to_pylist(), strict=True))
        assert len({a for a, _ in pairs}) == len(pairs) == len({b for _, b in pairs})


def test_another_key_gives_other_fakes() -> None:
    values = pa.array([f"A-{i:04d}" for i in range(200)])
    same = sum(a == b for a, b in zip(one(values), one(values, key=OTHER), strict=True))
    assert one(values).equals(one(values))
    assert same < 5


def test_empty_tables_and_empty_columns() -> None:
    table = pa.Table.from_pylist([], SCHEMA)
    anonymizer = Anonymizer(columns=MANY)
    made = anonymizer.apply(table, KEY)
    assert made.num_rows == 0
    assert made.schema == anonymizer.gives(SCHEMA, KEY)
    assert list(anonymizer.stream([], SCHEMA, KEY)) == []
    nothing = pa.table({name: pa.nulls(3) for name in SCHEMA.names})
    assert anonymizer.apply(nothing, KEY).num_rows == 3
    typed = pa.table({field.name: pa.nulls(3, field.type) for field in SCHEMA})
    assert all(c.null_count == 3 for c in anonymizer.apply(typed, KEY).columns)
    gone = Anonymizer(columns={"x": "drop"}).apply(pa.table({"x": [1, 2]}), KEY)
    assert gone.num_columns == 0


def test_large_cells_are_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    # By its module: `paribus.anonymize` is a function, too.
    monkeypatch.setattr(sys.modules[Anonymizer.__module__], "_LARGEST", 100)
    values = pa.array([f"A-{i:04d}" for i in range(100)])
    assert one(values).num_chunks > 10
    assert one(values).to_pylist() == one(values.cast(pa.large_string())).to_pylist()


# --- frames ---------------------------------------------------------------------------------------


def pandas_frame() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "obj": pd.Series(["A-17", None, float("nan")], dtype=object),
            "str": pd.Series(["A-17", None, "B-2"], dtype="string"),
            "cat": pd.Categorical(["A-17", "B-2", None], categories=["zz", "B-2", "A-17"]),
            "num": pd.Series([17, None, 18], dtype="Int64"),
            "flt": pd.Series([17.0, float("nan"), 18.0]),
            "day": pd.to_datetime(pd.Series(["2020-01-01", None, "2021-01-01"])).dt.tz_localize(
                "UTC"
            ),
            "mix": pd.Series(["A-17", 17, 1.5], dtype=object),
            "keep": pd.Series([True, None, "x"], dtype=object),
            "arrow": pd.Series(["A-17", None, "B-2"], dtype=pd.ArrowDtype(pa.string())),
            "age": pd.Series([31, 32, 33], dtype="int32"),
        }
    )
    frame.index = [5, 6, 7]
    return frame


COLUMNS = {
    **dict.fromkeys(["obj", "str", "cat", "num", "flt", "mix", "arrow"], "id"),
    "day": "dates",
    "keep": "keep",
    "age": {"kind": "bands", "width": 10},
}


def test_pandas_keeps_its_types() -> None:
    frame = pandas_frame()
    before = frame.copy(deep=True)
    made = Anonymizer(columns=COLUMNS).frame(frame, KEY)
    pd.testing.assert_frame_equal(frame, before)
    assert isinstance(made.index, pd.RangeIndex)
    same = [name for name in frame if name != "age"]
    assert made[same].dtypes.drop("cat").equals(frame[same].dtypes.drop("cat"))
    assert set(made["cat"].cat.categories) == set(made["cat"].dropna())
    assert made.isna().equals(frame.isna().reset_index(drop=True))
    fake = one(pa.array(["A-17"]))[0].as_py()
    assert [made[c][0] for c in ("obj", "str", "cat", "mix", "arrow")] == [fake] * 5
    assert made["flt"].dropna().astype(int).tolist() == made["num"].dropna().tolist()
    assert made["age"].tolist() == ["30-39"] * 3
    assert made["keep"].tolist() == frame["keep"].tolist()
    assert made["mix"].map(type).eq(str).all()
    # Missing is written as it was.
    assert [repr(value) for value in made["obj"][1:]] == [repr(value) for value in frame["obj"][1:]]


def test_a_declared_index_stays_the_index_and_another_goes() -> None:
    frame = pd.DataFrame({"x": ["A-1", "A-2"]}, index=pd.Index(["K-1", "K-2"], name="key"))
    made = Anonymizer(columns={"x": "id", "key": "id"}).frame(frame, KEY)
    assert made.index.name == "key"
    assert not set(made.index) & {"K-1", "K-2"}
    gone = Anonymizer(columns={"x": "id"}).frame(frame, KEY)
    assert gone.index.tolist() == [0, 1]
    assert gone["x"].equals(made["x"].reset_index(drop=True))


def test_attributes_of_a_frame_never_pass() -> None:
    frame = pd.DataFrame({"x": [1]})
    frame.attrs["owner"] = "john@corp.com"
    assert Anonymizer(columns={"x": "keep"}).frame(frame, KEY).attrs == {}


def test_other_frames_come_back_as_what_narwhals_collects_them_to() -> None:
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql("select 'A-17' as x union all select null order by 1")
    made = Anonymizer(columns={"x": "id"}).frame(relation, KEY)
    assert isinstance(made, pd.DataFrame)
    assert sorted(made["x"].dropna()) == [one(pa.array(["A-17"]))[0].as_py()]


@pytest.mark.parametrize(
    "series",
    [
        pl.Series("x", ["a", None], dtype=pl.Enum(["a", "zz"])),
        pl.Series("x", [1, None], dtype=pl.UInt8),
        pl.Series("x", [Decimal("1.5"), None]),
        pl.Series("x", [dt.time(1), None]),
        pl.Series("x", [dt.timedelta(1), None]),
        pl.Series("x", [{"a": "b"}, None]),
        pl.Series("x", [[1, 2], None], dtype=pl.Array(pl.Int64, 2)),
        pl.Series("x", [None, None]),
        pl.Series("x", [b"a", None]),
        pl.Series("x", [True, None]),
    ],
    ids=lambda series: str(series.dtype),
)
def test_what_polars_keeps_is_as_it_was(series: pl.Series) -> None:
    frame = pl.DataFrame([series])
    made = Anonymizer(columns={"x": "keep"}).frame(frame, KEY)
    assert made["x"].to_list() == series.to_list()
    if not isinstance(series.dtype, pl.Enum):
        assert made.schema == frame.schema


def test_pandas_edges() -> None:
    empty = Anonymizer(columns=COLUMNS).frame(pandas_frame().iloc[:0], KEY)
    assert (len(empty) == 0 and list(empty) == list(COLUMNS)) or set(empty) == set(COLUMNS)
    with pytest.raises(DataError, match="must be text"):
        Anonymizer(columns={}).frame(pd.DataFrame({3: [1]}), KEY)
    with pytest.raises(DataError, match="two columns"):
        Anonymizer(columns={"a": "keep"}).frame(pd.DataFrame([[1, 2]], columns=["a", "a"]), KEY)
    with pytest.raises(DataError, match="data frame"):
        Anonymizer(columns={}).frame([1, 2], KEY)
    dropped = Anonymizer(columns={"a": "drop"}).frame(pd.DataFrame({"a": [1, 2]}), KEY)
    assert dropped.shape == (2, 0)


def test_polars_keeps_its_types() -> None:
    frame = pl.DataFrame(
        {
            "str": ["A-17", None, ""],
            "cat": pl.Series(["A-17", "A-17", None], dtype=pl.Categorical),
            "num": pl.Series([1234, None, 99], dtype=pl.Int32),
            "day": [dt.date(2020, 1, 1), None, dt.date(2021, 1, 1)],
            "at": pl.Series([dt.datetime(2020, 1, 1)] * 3, dtype=pl.Datetime("ms", "UTC")),
            "list": [["A-17"], None, []],
            "keep": [1.5, None, 2.5],
        }
    )
    columns = {**dict.fromkeys(["str", "cat", "num", "list"], "id"), "day": "dates", "at": "dates"}
    anonymizer = Anonymizer(columns={**columns, "keep": "keep"})
    made = anonymizer.frame(frame, KEY)
    assert isinstance(made, pl.DataFrame)
    assert made.schema == frame.schema
    assert made.null_count().equals(frame.null_count())
    fake = one(pa.array(["A-17"]))[0].as_py()
    assert made["str"][0] == made["cat"][0] == made["list"][0][0] == fake
    assert anonymizer.frame(frame.lazy(), KEY).equals(made)
    assert anonymizer.frame(frame.head(0), KEY).schema == frame.schema


def test_arrow_comes_back_as_arrow() -> None:
    table = pa.table({"x": ["A-17"]})
    anonymizer = Anonymizer(columns={"x": "id"})
    made = anonymizer.frame(table, KEY)
    assert made.equals(anonymizer.apply(table, KEY))
    batch = anonymizer.frame(table.to_batches()[0], KEY)
    assert isinstance(batch, pa.RecordBatch)
    assert batch.to_pylist() == made.to_pylist()


@pytest.mark.parametrize(
    "ask", [lambda f: Anonymizer(columns=dict.fromkeys(f, "id")).frame(f, KEY), detect]
)
def test_half_a_character_in_a_name_of_pandas(ask: Callable[[pd.DataFrame], object]) -> None:
    frame = pd.DataFrame([["Ann"]], columns=pd.Index(["na\ud800"], dtype=object))
    with pytest.raises(DataError, match=r'"na\?" holds half of a character') as error:
        ask(frame)
    str(error.value).encode()
