"""Real rows as base people: own levels, dtypes, replaced columns, samples."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import paribus as pb
from paribus.people.sample import Rows
from paribus.table import Table

ROWS = pd.DataFrame(
    {
        "sex": ["f", "m", None, "f", "x", "m"] * 50,
        "age": [25, 35, 40, 45, 25, 35] * 50,
        "city": ["Bonn", "Ulm", "Ulm", "Bonn", "Ulm", "Bonn"] * 50,
        "income": np.linspace(10.5, 99.5, 300),
    }
)


def relation():
    return duckdb.from_df(ROWS)


FRAMES = {
    "pandas": lambda: ROWS,
    "categories": lambda: ROWS.assign(sex=pd.Categorical(ROWS["sex"], ["x", "m", "f", "never"])),
    "polars": lambda: pl.from_pandas(ROWS),
    "polars lazy": lambda: pl.from_pandas(ROWS).lazy(),
    "polars categories": lambda: pl.from_pandas(ROWS).with_columns(
        pl.col("sex").cast(pl.Categorical)
    ),
    "pyarrow": lambda: pa.Table.from_pandas(ROWS),
    "duckdb": relation,
}


@pytest.mark.parametrize("kind", list(FRAMES))
def test_own_levels_of_every_kind_of_frame(kind):
    rows = Rows(Table.of(FRAMES[kind]()), 0, None)
    own = rows.own_levels("sex", ("m", "f"), 0, 300)
    assert own[:6].tolist() == [1, 0, -1, 1, -1, 0]
    assert rows.own_levels("sex", ("m", "f"), 1, 3).tolist() == [0, -1, 1]
    assert rows.own_levels("age", ("35", 25), 0, 6).tolist() == [1, 0, -1, -1, 1, 0]


@pytest.mark.parametrize("kind", list(FRAMES))
def test_an_audit_of_every_kind_of_frame(kind):
    """The same people, the same evidence; the model sees the kind of frame that it knows."""
    seen = set()

    def model(frame):
        seen.add(type(frame).__module__.partition(".")[0])
        sex, income = (np.asarray(frame[name]) for name in ("sex", "income"))
        return ((sex == "m") | (income > 50)).astype(int)

    record = pb.audit(model, protect={"sex": ["m", "f"]}, data=FRAMES[kind](), favorable=1)
    flips = next(f for f in record.findings if f.unit == "flip rate")
    assert (flips.people, flips.flips_against, flips.flips_for) == (
        300,
        (ROWS["income"] <= 50).sum(),
        0,
    )
    by_kind = {"polars": "polars", "pyarrow": "pyarrow"}
    assert seen == {by_kind.get(kind.split()[0], "pandas")}
    assert type(record.pairs()).__module__.startswith(seen.pop())


def test_a_sample_is_rows_of_the_data_without_repeats():
    table = Table.of(ROWS)
    one, two = Rows(table, 1, 100), Rows(table, 2, 100)
    incomes = [r.table.frame["income"].to_list() for r in (one, two)]
    assert len(set(incomes[0])) == 100
    assert set(incomes[0]) <= set(ROWS["income"])
    assert incomes[0] == sorted(incomes[0])
    assert incomes[0] != incomes[1]
    assert incomes[0] == Rows(table, 1, 100).table.frame["income"].to_list()


def test_more_people_than_rows_are_never_made_up():
    with pytest.raises(pb.DataError, match="the data have 300 rows") as raised:
        Rows(Table.of(ROWS), 0, 301)
    assert raised.value.path == "$.audit.people"


# --- files ----------------------------------------------------------------------------------------

CSV = {
    "numbers": "a,b\n1,1.5\n2,2\n",
    "missing numbers": "a,b\n1,1\n,2\n3,3\n",
    "truth": "a,b\ntrue,1\nFalse,2\n",
    "text": "a,b\nx,1\ny,2\n",
    "missing text": "a,b\nNA,1\nnull,2\nNone,3\n<NA>,4\nx,5\n",
    "dates stay text": "a,b\n2020-01-01,10:30\n2021-02-03,11:30\n",
    "moments stay text": "a\n2020-01-01 10:00:00\n2020-01-02 10:00:00\n",
    "leading zeros": "a\n007\n012\n",
    "an empty column": "a,b\n1,\n2,\n",
    "quoted": 'a,b\n"x\ny",1\n"1,5",2\n',
    "a byte order mark": "\ufeffa,b\n1,2\n",
    "windows": "a,b\r\n1,2\r\n",
    "scientific": "a\n1e5\ninf\n",
    "late fractions": "a\n" + "1\n" * 700_000 + "1.5\n",
    "late line breaks": "a,b\n" + "1,x\n" * 400_000 + '2,"x\ny"\n' * 10,
    "unicode": "größe,名前\n1,日本\n2,é\n",
}


@pytest.mark.parametrize("case", list(CSV))
def test_a_csv_has_the_types_that_pandas_gives_it(tmp_path, case):
    file = tmp_path / "data.csv"
    file.write_text(CSV[case], encoding="utf-8")
    ours = Table.read(file).frame.to_native()
    pd.testing.assert_frame_equal(ours, pd.read_csv(file, low_memory=False))


def test_a_parquet_file_has_its_own_types(tmp_path):
    frame = ROWS.assign(
        sex=pd.Categorical(ROWS["sex"]),
        small=np.int8(3),
        born=pd.Timestamp("2020-01-01").as_unit("ms"),
        maybe=pd.array([1, None, 3] * 100, dtype="Int64"),
    )
    file = tmp_path / "data.parquet"
    frame.to_parquet(file)
    pd.testing.assert_frame_equal(Table.read(file).frame.to_native(), frame)


# --- replaced and added columns -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "field"),
    [
        (np.array([0, 1] * 20, dtype=np.int8), pb.integers(0, 100)),
        (np.array([0.5, 1] * 20), pb.integers(0, 100)),
        (np.array([0, 1] * 20, dtype=np.float32), pb.uniform(0, 1)),
        (pd.Categorical(["a", "b"] * 20, ["b", "a", "c"]), pb.choice(["a", "c"])),
        (pd.array([1, None] * 20, dtype="Int64"), pb.integers(0, 9)),
        (np.array([True, False] * 20), pb.choice([True, False])),
        (np.array([0, 1] * 20), pb.map_of("sex", {"m": 1, "f": 0})),
        (pd.array(["x", "y"] * 20, dtype="string"), pb.choice(["x", "z"])),
    ],
)
@pytest.mark.parametrize("in_parts", [False, True])
def test_a_replaced_column_takes_the_type_of_the_data(column, field, in_parts):
    data = pd.DataFrame({"sex": ["m", "f"] * 20, "x": column})
    seen = []

    def model(frame):
        if in_parts and len(frame) > 30:
            raise RuntimeError("too many at once")
        seen.append(frame.dtypes.to_dict())
        return np.ones(len(frame), dtype=int)

    pb.audit(model, protect={"sex": ["m", "f"]}, data=data, fields={"x": field}, favorable=1)
    assert all(types == data.dtypes.to_dict() for types in seen)
    assert seen


def test_a_replaced_column_of_a_polars_frame():
    data = pl.DataFrame({"sex": ["m", "f"] * 20, "x": pl.Series([1, 2] * 20, dtype=pl.Int16)})
    seen = []

    def model(frame):
        seen.append(frame.schema)
        return np.ones(len(frame), dtype=int)

    pb.audit(
        model, protect={"sex": ["m", "f"]}, data=data, fields={"x": pb.integers(0, 9)}, favorable=1
    )
    assert all(schema == data.schema for schema in seen)


@pytest.mark.parametrize(
    ("column", "field", "said"),
    [
        (pd.Categorical(["a", "b"] * 20), pb.choice(["a", "bb"]), '"bb" is no category'),
        (np.arange(40), pb.choice(["a", "b"]), "do not fit the type"),
    ],
)
def test_a_replaced_column_that_does_not_fit(column, field, said):
    data = pd.DataFrame({"sex": ["m", "f"] * 20, "x": column})
    with pytest.raises(pb.DataError, match=said):
        pb.audit(len, protect={"sex": ["m", "f"]}, data=data, fields={"x": field}, favorable=1)


def test_one_hot_columns_follow_an_attribute_that_the_data_do_not_name():
    data = pd.DataFrame({"white": [1, 0, 0, 1], "black": [0, 1, 0, 0], "age": [1, 2, 3, 4]})
    data["young"] = [True, True, False, False]
    asked = []

    def model(frame):
        asked.append(frame)
        return (frame["white"] == 1).astype(int)

    record = pb.audit(
        model,
        protect={"race": ["white", "black", "other"], "young": [True, False]},
        data=data,
        fields={
            "white": pb.map_of("race", {"white": 1, "black": 0, "other": 0}),
            "black": pb.map_of("race", {"white": 0, "black": 1, "other": 0}),
        },
        features=["white", "black", "age"],
        favorable=1,
    )
    frame = pd.concat(asked)
    assert set(zip(frame["white"], frame["black"], strict=True)) == {(1, 0), (0, 1), (0, 0)}
    flips = {f.group: f.flips for f in record.findings if f.unit == "flip rate"}
    assert flips == {"black": 4, "other": 4, "False": 0}
    assert any("sees nothing of young" in note for note in record.notes)


def test_columns_that_only_some_versions_have_of_their_own():
    """Own rows in one version, the attribute's level in another: one model, all columns coded."""
    frame = pd.DataFrame({"a": ["p", "q"] * 400, "b": ["u", "v", "v", "u"] * 200})
    record = pb.audit(
        lambda d: (d["a"] == "p").astype(int),
        protect={"a": ["p", "q"], "b": ["u", "v"]},
        data=frame,
        favorable=1,
        features=["a"],
    )
    flips = {f.attribute: f.flips for f in record.findings if f.unit == "flip rate"}
    assert flips == {"a": 800, "b": 0}


def test_a_model_that_writes_into_its_frame_changes_nobody():
    data = pd.DataFrame({"sex": pd.Categorical(["m", "f"] * 150), "income": np.arange(300.0)})

    def model(frame):
        said = (frame["income"] > 100).to_numpy().astype(int)
        frame.loc[:, "income"] = -1.0
        frame.loc[:, "sex"] = "m"
        return said

    before = data.copy(deep=True)
    record = pb.audit(model, protect={"sex": ["m", "f"]}, data=data, favorable=1)
    pd.testing.assert_frame_equal(data, before)
    assert [f.flips for f in record.findings if f.unit == "flip rate"] == [0]
    assert record.model.repeatable


def test_a_model_that_writes_into_its_frame_changes_no_twin():
    def model(frame):
        said = (frame["income"] > 50).to_numpy().astype(int)
        frame.loc[:, "income"] = 0
        return said

    fields = {"income": pb.integers(0, 10**9)}
    record = pb.audit(model, protect={"sex": ["m", "f"]}, fields=fields, people=70_000, favorable=1)
    assert [f.flips for f in record.findings if f.unit == "flip rate"] == [0]
    assert record.answers.failed == 0


def test_a_level_that_no_row_has():
    with pytest.raises(pb.DataError, match='did you mean "female"') as raised:
        pb.audit(
            len,
            protect={"sex": ["male", "femal"]},
            data=pd.DataFrame({"sex": ["male", "female"]}),
            favorable=1,
        )
    assert raised.value.path == "$.protect.sex.levels"


def test_a_missing_value_stays_missing_in_what_is_made_from_it():
    data = pd.DataFrame({"gender": ["m", "f"] * 3, "home": ["own", None, "rent"] * 2})
    seen = []

    def model(frame):
        seen.append(frame)
        return [1] * len(frame)

    pb.audit(
        model,
        protect={"gender": ["m", "f"]},
        data=data,
        fields={"owner": pb.map_of("home", {"own": 1, "rent": 0})},
        favorable=1,
    )
    owner = max(seen, key=len)["owner"][:6]
    assert owner.isna().tolist() == [False, True, False] * 2
    assert owner.dropna().tolist() == [1, 0, 1, 0]


def test_a_rare_level_need_not_be_among_the_rows_that_are_drawn():
    rows = pd.DataFrame({"race": ["a"] * 1_000 + ["b"], "x": range(1_001)})
    record = pb.audit(
        lambda people: people["x"] > 500,
        data=rows,
        protect={"race": ["a", "b"]},
        people=20,
        favorable=True,
    )
    assert {finding.group for finding in record.findings} == {"b"}
    with pytest.raises(pb.DataError, match='no row has the level "c"'):
        pb.audit(
            lambda people: people["x"] > 500,
            data=rows,
            protect={"race": ["a", "c"]},
            people=20,
            favorable=True,
        )
