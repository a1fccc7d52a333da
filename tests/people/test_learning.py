"""A population learned from a table is like the table, and tells none of its rows."""

import sys
import tomllib

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy import stats

import paribus as pb
from paribus import spec
from paribus.errors import DataError, OutputError, SpecError
from paribus.people.learning import learn
from paribus.people.population import People, Protected
from paribus.stats.copula import Copula
from paribus.twins import factorial

N = 20_000
JOBS = ["boss", "clerk", "nurse", "temp"]


def made(n=N, seed=0):
    """Draw a table whose columns of all sorts go with each other."""
    rng = np.random.default_rng(seed)
    gender = rng.choice(["F", "M"], n, p=[0.4, 0.6])
    z = rng.standard_normal(n) + 0.8 * (gender == "M")
    frame = pd.DataFrame(
        {
            "gender": gender,
            "age": np.clip(40 + 12 * (0.5 * z + rng.standard_normal(n)), 18, 90)
            .round()
            .astype(int),
            "income": np.round(np.exp(10 + 0.6 * z), 2),
            "job": np.where(
                z > 1.3, "boss", np.where(z > 0, "clerk", rng.choice(["temp", "nurse"], n))
            ),
            "owner": z + rng.standard_normal(n) > 0,
            "born": pd.to_datetime("1970-01-01") + pd.to_timedelta(rng.integers(0, 9000, n), "D"),
        }
    )
    frame.loc[rng.random(n) < np.where(frame.age > 50, 0.4, 0.1), "income"] = np.nan
    frame.loc[rng.random(n) < 0.05, "job"] = None
    return frame


TABLE = made()
LEARNED = learn(TABLE, protect="gender")
DRAWN = LEARNED.draw(N, seed=1).to_pandas()
NUMBERS = ["age", "income", "owner"]


def shares(column):
    return column.value_counts(normalize=True, dropna=False)


def apart(one, other):
    """Total variation distance of two columns of categories."""
    both = pd.concat([shares(one), shares(other)], axis=1).fillna(0)
    return 0.5 * np.abs(both.iloc[:, 0] - both.iloc[:, 1]).sum()


# --- like the table -------------------------------------------------------------------------------


def test_columns_and_types_survive():
    assert list(DRAWN) == list(TABLE)
    for name in ("age", "income", "owner"):
        assert DRAWN[name].dtype == TABLE[name].dtype, name
    assert pd.api.types.is_string_dtype(DRAWN["job"].dropna())


@pytest.mark.parametrize("name", ["age", "income"])
def test_numbers_have_the_distribution_of_the_table(name):
    real, drawn = TABLE[name].dropna(), DRAWN[name].dropna()
    assert stats.ks_2samp(real, drawn).pvalue > 1e-3
    assert drawn.mean() == pytest.approx(real.mean(), rel=0.02)
    assert real.min() <= drawn.min()
    assert drawn.max() <= real.max()


def test_days_have_the_distribution_of_the_table():
    real = (TABLE["born"] - pd.Timestamp("1970-01-01")).dt.days
    drawn = (pd.to_datetime(DRAWN["born"]) - pd.Timestamp("1970-01-01")).dt.days
    assert stats.ks_2samp(real, drawn).pvalue > 1e-3


@pytest.mark.parametrize("name", ["gender", "job", "owner"])
def test_categories_have_the_shares_of_the_table(name):
    assert apart(TABLE[name], DRAWN[name]) < 0.02


def test_what_is_missing_goes_with_other_columns():
    assert DRAWN["income"].isna().mean() == pytest.approx(TABLE["income"].isna().mean(), abs=0.01)
    real, drawn = (t["income"].isna().corr(t["age"]) for t in (TABLE, DRAWN))
    assert drawn == pytest.approx(real, abs=0.04)
    assert not DRAWN[["age", "owner", "gender"]].isna().any().any()


def test_dependence_is_that_of_the_table():
    real, drawn = (t[NUMBERS].astype(float).corr("spearman") for t in (TABLE, DRAWN))
    np.testing.assert_allclose(drawn, real, atol=0.03)


@pytest.mark.parametrize("name", ["job", "owner"])
def test_cells_of_an_attribute_and_a_column_have_the_shares_of_the_table(name):
    cells = [t["gender"] + " " + t[name].astype(str) for t in (TABLE, DRAWN)]
    assert apart(*cells) < 0.04


def test_the_gap_of_groups_is_that_of_the_table():
    means = [t.groupby("gender")[["income", "age"]].mean() for t in (TABLE, DRAWN)]
    gaps = [m.loc["M"] - m.loc["F"] for m in means]
    assert gaps[0]["income"] > 8_000
    np.testing.assert_allclose(gaps[1], gaps[0], rtol=0.12)


def test_the_stored_form_draws_what_the_copula_draws():
    columns = [
        TABLE["gender"].map({"F": 0, "M": 1}).to_numpy(),
        TABLE["age"].to_numpy(float),
        TABLE["income"].to_numpy(float),
        TABLE["owner"].to_numpy().astype(np.int64),
    ]
    names = ["gender", "age", "income", "owner"]
    learned = learn(TABLE[names], protect={"gender": ["F", "M"]})
    own = learned.draw(60_000, seed=2).to_pandas()
    oracle = Copula.fit(columns).draw(60_000, np.random.default_rng(3))
    theirs = pd.DataFrame(dict(zip(names, oracle, strict=True)))
    own["gender"] = own["gender"].map({"F": 0, "M": 1})
    own = own.astype(float)
    np.testing.assert_allclose(own.corr("spearman"), theirs.corr("spearman"), atol=0.02)
    np.testing.assert_allclose(
        own.isna().groupby(own.gender).mean(),
        theirs.isna().groupby(theirs.gender).mean(),
        atol=0.01,
    )
    for name in ("age", "income"):
        assert stats.ks_2samp(own[name].dropna(), theirs[name].dropna()).statistic < 0.012


# --- people, and twins ----------------------------------------------------------------------------


def test_twins_differ_inside_the_closure_alone(tmp_path):
    table = TABLE.assign(code=(TABLE["gender"] == "M").astype(int))
    learned = learn(table, protect={"gender": ["M", "F"]})
    assert learned.protect["gender"].reference_index == learned.protect["gender"].levels.index("M")
    people = learned.people(3_000, seed=4)
    assert people.closure("gender") == ("gender", "code")
    factorial(people).write(tmp_path / "twins.parquet")
    rows = pd.read_parquet(tmp_path / "twins.parquet")
    by_gender = {g: part.set_index("person").sort_index() for g, part in rows.groupby("gender")}
    same = ["age", "income", "job", "owner", "born"]
    pd.testing.assert_frame_equal(by_gender["F"][same], by_gender["M"][same])
    assert set(by_gender["F"]["code"]) == {0}
    assert set(by_gender["M"]["code"]) == {1}


def test_people_are_those_of_the_seed():
    one, two = LEARNED.people(70_000, seed=9), LEARNED.people(200, seed=9)
    assert one.head(200).equals(two.head(200))
    assert not one.head(50).equals(LEARNED.people(50, seed=8).head(50))
    assert LEARNED.draw(200, seed=9).column("age").equals(one.head(200).column("age"))


def test_attributes_that_go_with_each_other():
    rng = np.random.default_rng(0)
    sex = rng.choice(["F", "M"], N)
    part = np.where(rng.random(N) < np.where(sex == "F", 0.5, 0.1), "yes", "no")
    pay = 20 * (part == "no") + 10 * (sex == "M") + rng.standard_normal(N)
    table = pa.table({"pay": pay, "sex": sex, "part": part})
    learned = learn(table, protect=["sex", "part"])
    assert set(learned.protect["part"].dependence) == {"sex"}
    drawn = learned.draw(N).to_pandas()
    assert drawn.columns.tolist() == ["pay", "sex", "part"]
    assert apart(drawn["sex"] + drawn["part"], pd.Series(sex) + pd.Series(part)) < 0.02


# --- the file -------------------------------------------------------------------------------------


def test_the_file_is_that_of_an_audit():
    told = tomllib.loads(LEARNED.toml())
    assert set(told) == {"protect", "fields"}
    model = {"kind": "file", "path": "loan.skops"}
    audit = spec.from_tables({**told, "model": model, "audit": {"people": 100}})
    assert audit.fields == LEARNED.fields
    assert audit.protect == LEARNED.protect
    assert audit.people.head(100).equals(LEARNED.people(100).head(100))


def test_equal_tables_give_equal_files(tmp_path):
    LEARNED.save(tmp_path / "fields.toml")
    again = learn(TABLE.copy(), protect="gender")
    assert (tmp_path / "fields.toml").read_text(encoding="utf-8") == again.toml()
    assert list(tmp_path.iterdir()) == [tmp_path / "fields.toml"]
    with pytest.raises(OutputError, match="folder"):
        LEARNED.save(tmp_path)


def test_any_frame_and_any_file(tmp_path):
    few = TABLE.head(3_000)[["gender", "age", "job", "owner"]]
    few.to_parquet(tmp_path / "x.parquet")
    arrow = pa.Table.from_pandas(few, preserve_index=False)
    files = {
        learn(table, protect="gender").toml()
        for table in (
            few,
            arrow,
            pl.from_arrow(arrow),
            tmp_path / "x.parquet",
            few.astype({"job": "category"}),
        )
    }
    assert len(files) == 1


def test_odd_names_survive_the_file():
    odd = 'a "b"\\ \n[x]\u202e é'
    table = pd.DataFrame({odd: ['"\n', "\x7f] x"] * 50, "g\t": ["a = 1", "b # c"] * 50})
    told = tomllib.loads(learn(table, protect="g\t").toml())
    assert set(told["fields"][odd]["map"].values()) == {'"\n', "\x7f] x"}
    assert set(told["protect"]["g\t"]["levels"]) == {"a = 1", "b # c"}


# --- what is not told -----------------------------------------------------------------------------


def test_no_identifier_is_told():
    n = 2_000
    table = pd.DataFrame(
        {
            "gender": ["F", "M"] * (n // 2),
            "Full Name": [f"Zyx{i} Qwv{i}" for i in range(n)],
            "email": [f"zyx{i}@qwv{i}.com" for i in range(n)],
            "customer_id": np.arange(n) + 71_000_000,
            "remarks": [f"Zyx{i} asked twice" for i in range(n)],
            "phone": [f"+49 170 {i:07d}" for i in range(n)],
            "age": np.arange(n) % 60 + 20,
        }
    )
    learned = learn(table, protect="gender")
    text = learned.toml()
    assert "zyx" not in text.casefold()
    assert "7100" not in text
    assert "+49" not in text
    assert learned.fields["Full Name"].follows == {"gender": {"F": "FEMALE", "M": "MALE"}}
    assert learned.fields["email"].of == "Full Name"
    assert {n: f.kind for n, f in learned.fields.items()} == {
        "Full Name": "mimesis",
        "email": "mimesis",
        "customer_id": "sequence",
        "remarks": "mimesis",
        "phone": "mimesis",
        "age": "learned",
    }
    drawn = learned.draw(500).to_pandas()
    assert drawn["email"].str.endswith(("example.com", "example.org", "example.net")).all()
    assert not set(drawn["Full Name"]) & set(table["Full Name"])


def test_no_value_of_few_rows_is_told():
    rng = np.random.default_rng(1)
    city = np.array(["Bern"] * 600 + ["Genf"] * 380 + ["Chur"] * 9 + ["Thun"] * 8 + ["Visp"] * 3)
    money = rng.lognormal(3, 1, 1_000).round(4)
    money[17] = 987_654_321.1234
    age = rng.integers(20, 60, 1_000)
    age[:3] = 103, 107, 111
    table = pd.DataFrame({"city": city, "money": money, "age": age})
    learned = learn(table)
    text = learned.toml()
    for secret in ("Chur", "Thun", "Visp", "987654321", "103", "107", "111"):
        assert secret not in text
    assert set(learned.fields["city"].values) == {"Bern", "Genf", "other"}
    assert '# "city": 3 values of 20 rows became "other".' in text
    # What stands at an end tells nothing of how far out it is.
    further = learn(table.assign(money=np.where(money > 1e8, 1e100, money)))
    assert further.fields["money"].quantiles == learned.fields["money"].quantiles
    assert learned.fields["money"].quantiles[-1] < 1_000
    assert learned.fields["age"].values[-1] == 59
    # Of fewer rows than that: they count as the most common one.
    few = learn(table[table.city != "Chur"].iloc[:-6])
    assert set(few.fields["city"].values) == {"Bern", "Genf"}
    assert '# "city": values of few rows became "Bern".' in few.toml()


@pytest.mark.parametrize(("gone", "told"), [(1, False), (9, False), (10, True)])
def test_what_few_rows_lack_is_not_told(gone, told):
    rng = np.random.default_rng(2)
    pay = rng.normal(size=400).round(3)
    table = pd.DataFrame({"pay": pay, "age": rng.uniform(20, 60, 400), "city": "Bern"})
    table.loc[200:, "city"] = "Genf"
    richest = np.argsort(pay)[400 - gone :]
    table.loc[richest, ["age", "city"]] = np.nan, None
    learned = learn(table)
    assert [learned.fields[name].missing is not None for name in ("age", "city")] == [told, told]
    assert any("lack a value" in note for note in learned.notes) != told
    assert not told or learned.fields["age"].missing.dependence["pay"] > 0.5


@pytest.mark.parametrize("least", [1, 5, 50])
def test_least_is_kept(least):
    learned = learn(TABLE, protect="gender", least=least)
    weights = [w for f in learned.fields.values() for w in getattr(f, "weights", ())]
    assert min(weights) * N >= least * 0.94 - 0.5
    assert f"{least} or more are behind" in learned.toml()


def test_what_identifies_can_be_named():
    table = TABLE.head(2_000).assign(
        name="x", ref=np.arange(2_000), city=["Bern", "Genf"] * 1_000, extra=1.0
    )
    learned = learn(
        table,
        protect="gender",
        identifying={
            "city": "city",
            "ref": {"kind": "sequence", "start": 500},
            "extra": "drop",
            "income": pb.lognormal(10, 1),
            "born": "dates",
            "job": "person.occupation",
        },
    )
    assert learned.fields["city"].method == "address.city"
    assert learned.fields["ref"].start == 500
    assert learned.fields["income"].kind == "lognormal"
    assert learned.fields["job"].method == "person.occupation"
    assert learned.fields["born"].kind == "learned"
    # Where columns are named, names are not guessed from.
    assert learned.fields["name"].kind == "constant"
    assert "extra" not in learned.columns
    assert "Bern" not in learned.toml()


# --- columns of all sorts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.nulls(100), "learned"),
        (pa.array([None] * 95 + [1.0] * 5), "learned"),
        (pa.array(["x"] * 100), "constant"),
        (pa.array([7] * 100), "constant"),
        (pa.array([7, None] * 50), "learned"),
        (pa.array([True] * 98 + [False] * 2), "constant"),
        (pa.array([1e100, -1e100, 0.0, 1e-300] * 25), "learned"),
        (pa.array([float("inf"), float("nan"), 1.5, None] * 25), "learned"),
        (pa.array(np.arange(100, dtype=np.uint64) + 2**63), "constant"),
        (pa.array(range(100)).cast(pa.decimal128(30, 2)), "learned"),
        (pa.array(np.arange(100).astype("datetime64[D]")), "learned"),
        (pa.array(np.arange(100).astype("datetime64[s]")), "learned"),
        (pa.array(["", " "] * 50), "learned"),
        (pa.array(["a", "b"] * 50).dictionary_encode(), "learned"),
        (pa.array(["a", "b"] * 50, pa.large_string()), "learned"),
        (pa.array([0.1 + 0.2, 1 / 3] * 50), "learned"),
        (pa.array(np.linspace(0, 1, 100), pa.float32()), "learned"),
    ],
)
def test_columns_of_every_sort(values, kind):
    table = pa.table({"g": ["a", "b", "b", "a"] * 25, "x": values})
    learned = learn(table, protect="g")
    assert learned.fields["x"].kind == kind
    assert tomllib.loads(learned.toml())["fields"]["x"]["kind"] == kind
    drawn = learned.draw(1_000)["x"]
    gone = pc.is_null(values, nan_is_null=True)
    if drawn.null_count == 0 and not pa.types.is_floating(values.type):
        assert gone.true_count == 0
    if pa.types.is_floating(drawn.type):
        known = drawn.drop_null().to_numpy()
        assert np.isfinite(known).all()
    if kind == "constant":
        first = values[0].as_py()
        alike = pytest.approx(first, rel=1e-5) if isinstance(first, int) else first
        assert all(value == alike for value in set(drawn.to_pylist()))


def test_what_cannot_be_learned_is_left_out_and_said():
    table = pa.table({"g": ["a", "b"] * 20, "list": [[1], [2]] * 20, "time": [1, 2] * 20})
    learned = learn(table, protect="g")
    assert learned.columns == ("g", "time")
    assert any('"list": left out' in note for note in learned.notes)


def test_rows_without_a_level_are_left_out():
    table = pd.DataFrame({"g": ["a"] * 60 + ["b"] * 40 + ["c"] * 3 + [None] * 7, "x": range(110)})
    learned = learn(table, protect="g")
    assert learned.rows == 100
    assert any("10 rows left out" in note for note in learned.notes)
    assert set(learned.protect["g"].levels) == {"a", "b"}
    assert learned.protect["g"].reference == "a"
    declared = learn(table, protect={"g": Protected(levels=("b", "a"))})
    assert declared.protect["g"].reference == "b"
    assert declared.protect["g"].weights == (0.4, 0.6)


def test_a_table_without_attributes():
    learned = learn(TABLE[["age", "income"]])
    assert learned.protect == {}
    assert learned.draw(100).num_rows == 100
    with pytest.raises(SpecError, match="at least one protected attribute"):
        learned.people(10)


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "path", "said"),
    [
        ({"protect": "gendre"}, "$.protect.gendre", 'did you mean "gender"?'),
        ({"identifying": {"agee": "id"}}, "$.identifying", 'did you mean "age"?'),
        ({"identifying": {"age": "emial"}}, "$.identifying.age", 'did you mean "email"?'),
        ({"identifying": {"age": "person.nme"}}, "$.identifying.age.method", "no method"),
        ({"protect": {"gender": ["F"]}}, "$.protect.gender.levels", "at least two"),
        ({"protect": {"gender": ["F", "X"]}}, "$.protect.gender", "1 level"),
        ({"protect": {"gender": ["X", "F", "M"]}}, "$.protect.gender.reference", "too few rows"),
        ({"protect": "income"}, "$.protect.income", "declare its levels"),
        ({"least": 0}, "$.least", "from 1"),
        ({"least": 2.5}, "$.least", "whole number"),
        ({"least": N + 1}, "", "20,000 rows"),
        ({"epsilon": 0}, "$.epsilon", "above 0"),
        ({"epsilon": -1.0}, "$.epsilon", "above 0"),
        ({"epsilon": float("nan")}, "$.epsilon", "above 0"),
        ({"epsilon": 1, "delta": 0}, "$.delta", "between 0 and 1"),
        ({"delta": 1e-6}, "$.delta", "give epsilon"),
        ({"bounds": {"age": (0, 1)}}, "$.bounds", "give epsilon"),
        ({"epsilon": 1, "bounds": {"agee": (0, 1)}}, "$.bounds", 'did you mean "age"?'),
        ({"epsilon": 1, "bounds": {"age": (9, 1)}}, "$.bounds.age", "must be below"),
        ({"epsilon": 1, "bounds": {"job": (0, 1)}}, "$.bounds.job", "numbers or dates"),
        ({"epsilon": 1, "bounds": {"age": ("x", 1)}}, "$.bounds.age", "two numbers or dates"),
    ],
)
def test_mistakes(declared, path, said):
    with pytest.raises((SpecError, DataError)) as raised:
        learn(TABLE, **declared)
    assert raised.value.path == path
    assert said in raised.value.message


def test_no_rows():
    with pytest.raises(DataError, match="no rows"):
        learn(TABLE.head(0))
    with pytest.raises(DataError, match="expected a data frame"):
        learn(3)


# --- differential privacy -------------------------------------------------------------------------


@pytest.fixture
def opendp():
    return pytest.importorskip("opendp")


def errors(epsilon, n=N):
    learned = learn(TABLE.head(n), protect={"gender": ["F", "M"]}, epsilon=epsilon)
    drawn = learned.draw(N, seed=1).to_pandas()
    real = TABLE[NUMBERS].astype(float).corr("spearman")
    return {
        # Noise may leave no age at all: then all is lost.
        "age": np.nan_to_num(stats.ks_2samp(TABLE["age"], drawn["age"]).statistic, nan=1.0),
        "job": apart(TABLE["job"], drawn["job"]),
        "dependence": np.abs(drawn[NUMBERS].astype(float).corr("spearman") - real).max().max(),
    }


def test_accuracy_grows_with_epsilon(opendp):
    # No seed makes noise repeat itself: the two are far apart, so that chance has no say.
    poor, good = errors(0.005), errors(30.0)
    assert good["age"] < 0.03
    assert good["job"] < 0.03
    assert good["dependence"] < 0.06
    assert poor["age"] > 2 * good["age"]
    assert poor["job"] > 2 * good["job"]


def test_a_private_file_states_its_guarantee_and_no_number_of_rows(opendp):
    learned = learn(TABLE, protect={"gender": ["F", "M"]}, epsilon=2.0, delta=1e-7)
    text = learned.toml()
    assert text.startswith("# Differentially private: epsilon = 2.0, delta = 1e-07.\n")
    assert "one row" in text
    assert learned.rows is None
    assert "20,000" not in text
    told = tomllib.loads(text)
    audit = spec.from_tables({**told, "model": {"kind": "file", "path": "loan.skops"}})
    assert audit.fields == learned.fields
    assert learned.people(10).head(10).equals(learned.people(10).head(10))
    # The noise is never repeated.
    again = learn(TABLE, protect={"gender": ["F", "M"]}, epsilon=2.0, delta=1e-7)
    assert again.toml() != text


def test_one_more_row_goes_the_same_way(opendp):
    odd = {"gender": "F", "age": 10**9, "income": 1e90, "job": "astronaut", "owner": None}
    table = TABLE[["gender", "age", "income", "job", "owner"]].astype({"owner": "boolean"})
    more = pd.concat([table, pd.DataFrame([odd]).astype(table.dtypes)])
    learned = [learn(t, protect="gender", epsilon=20.0) for t in (table, more)]
    for each in learned:
        assert "astronaut" not in each.toml()
        assert max(each.fields["income"].quantiles) < 1e7
        assert max(each.fields["age"].values) < 200
    kinds = [{n: f.kind for n, f in each.fields.items()} for each in learned]
    assert kinds[0] == kinds[1]


def test_declared_bounds_are_kept(opendp):
    bounds = {"age": (0, 60), "income": (0, 50_000.0), "born": ("1975-01-01", "1990-01-01")}
    learned = learn(TABLE, epsilon=50.0, bounds=bounds)
    assert max(learned.fields["age"].values) == 60
    assert learned.fields["income"].quantiles[-1] == 50_000
    assert str(learned.fields["born"].days[0]) >= "1974-12-31"
    assert str(learned.fields["born"].days[-1]) <= "1990-01-02"


@pytest.mark.parametrize("rows", [1, 5, 300])
def test_few_rows_are_refused_by_no_look_at_them(opendp, rows):
    learned = learn(TABLE.head(rows), epsilon=0.1)
    assert learned.columns == tuple(TABLE)
    assert learned.draw(50).num_rows == 50


def test_text_of_few_rows_each_is_replaced(opendp):
    table = pd.DataFrame({"age": range(500), "remark": [f"zyx {i}" for i in range(500)],
                          "email": [f"zyx{i}@x.org" for i in range(500)]})  # fmt: skip
    learned = learn(table, epsilon=5.0)
    assert learned.fields["remark"].method == "text.sentence"
    assert learned.fields["email"].method == "person.email"
    assert "zyx" not in learned.toml()


def test_without_opendp(monkeypatch):
    for name in [*sys.modules]:
        if name.partition(".")[0] == "opendp":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opendp", None)
    with pytest.raises(SpecError, match=r"needs OpenDP: pip install paribus\[privacy\]"):
        learn(TABLE, epsilon=1.0)


def test_people_are_declared():
    assert isinstance(LEARNED.people(5), People)
