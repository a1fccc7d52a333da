"""From data and a model to an audit: what is guessed, from what, and that it runs as written."""

import tomllib

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import paribus as pb
from paribus._text import visible
from paribus.drafting._words import greater, says, valence
from paribus.spec import from_tables

ROWS = 600
RNG = np.random.default_rng(3)
SEX = RNG.choice(["Male", "Female"], ROWS, p=[0.7, 0.3])


def everybody(people):
    return np.ones(len(people), dtype=int)


def frame(**columns):
    return pd.DataFrame({"sex": SEX, "income": RNG.integers(20_000, 90_000, ROWS), **columns})


def guessed(drafted, section):
    """Give what counts of a section, by key."""
    return {
        guess.place[1]: guess.value
        for guess in drafted.guesses
        if guess.place[0] == section and guess.sure and guess.value is not None
    }


def unsure(drafted):
    return " ".join(g.reason for g in drafted.guesses if not g.sure)


def drafted(data, model=everybody, **options):
    return pb.draft(data, model=model, **{"favorable": 1, "protect": "sex", **options})


def tree(data, columns, label):
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(data[columns], label)


# --- levels ---------------------------------------------------------------------------------------


def test_the_most_frequent_level_is_the_reference():
    made = drafted(frame())
    assert guessed(made, "protect") == {
        "sex": {"levels": ["Male", "Female"], "reference": "Male"},
    }
    counts = pd.Series(SEX).value_counts()
    reason = next(g.reason for g in made.guesses if g.path == "$.protect.sex")
    assert f'{counts["Male"]:,} "Male", {counts["Female"]:,} "Female"' in reason


def test_rare_levels_are_listed_and_not_merged():
    race = np.where(np.arange(ROWS) < 2, "Rare", np.where(np.arange(ROWS) % 3, "White", "Black"))
    data = frame(race=race)
    data.loc[5:9, "race"] = None
    made = drafted(data, protect=["race"])
    assert guessed(made, "protect")["race"]["levels"] == ["White", "Black", "Rare"]
    assert '2 "Rare"; 5 without one' in made.toml()


def test_whole_numbers_stay_whole_where_some_are_missing():
    data = frame(black=np.where(np.arange(ROWS) % 4 == 0, 1.0, 0.0))
    data.loc[3, "black"] = np.nan
    made = drafted(data, protect="black")
    assert guessed(made, "protect")["black"]["levels"] == [0, 1]
    assert made.audit().run().verdict == "within tolerance"


def test_a_number_gets_values_and_no_bands():
    made = drafted(frame(age=np.arange(ROWS) % 60 + 20), protect="age")
    declared = guessed(made, "protect")["age"]
    assert declared == {"levels": [50, 25, 40, 60, 75], "reference": 50}
    assert "rather than bands" in made.toml()


def test_levels_can_be_given():
    made = drafted(frame(), protect={"sex": ["Female", "Male"]})
    assert guessed(made, "protect")["sex"]["reference"] == "Female"


@pytest.mark.parametrize(
    ("column", "values", "sentence"),
    [
        ("one", ["only"] * ROWS, 'has the one value "only"'),
        ("many", [f"v{i}" for i in range(ROWS)], "more than 50 values"),
        ("none", [None] * ROWS, "has no value"),
        ("day", pd.date_range("2020-01-01", periods=ROWS), "holds no levels"),
    ],
)
def test_what_has_no_levels_is_refused(column, values, sentence):
    with pytest.raises(pb.SpecError, match=sentence) as raised:
        drafted(frame(**{column: values}), protect=column)
    assert raised.value.path == "protect"


def test_the_column_that_is_meant():
    data = frame().rename(columns={"sex": "Geschlecht"})
    with pytest.raises(pb.DataError, match='"Geschlecht" looks like it'):
        drafted(data, protect="sex")
    with pytest.raises(pb.DataError, match='did you mean "Geschlecht"'):
        drafted(data, protect="Geschlect")
    assert set(guessed(drafted(data, protect="GESCHLECHT"), "protect")) == {"Geschlecht"}


# --- which columns are protected ------------------------------------------------------------------


def test_protected_columns_are_found_by_header_and_values():
    data = frame(
        race=RNG.choice(["White", "Black", "Asian"], ROWS),
        age=RNG.integers(18, 80, ROWS),
        **{"marital-status": RNG.choice(["married", "single"], ROWS)},
    )
    made = drafted(data, protect=None)
    assert set(guessed(made, "protect")) == {"sex", "race", "age"}
    assert '"marital-status"' in unsure(made)


@pytest.mark.parametrize("header", ["Staatsangehörigkeit", "staatsangehoerigkeit", "Nationalité"])
def test_umlauts_may_be_written_out(header):
    data = frame(**{header: RNG.choice(["x", "y"], ROWS)})
    assert set(guessed(drafted(data, protect=None), "protect")) == {"sex", header}


def test_flags_named_after_a_group_are_found():
    black = (np.arange(ROWS) % 5 == 0).astype(int)
    data = pd.DataFrame({"male": (SEX == "Male").astype(int), "black": black, "rent": black[::-1]})
    assert set(guessed(drafted(data, protect=None), "protect")) == {"male", "black"}


def test_what_says_the_same_again_is_no_second_attribute():
    data = frame(gender=np.where(SEX == "Male", "M", "F"))
    made = drafted(data, protect=None)
    assert len(guessed(made, "protect")) == len(guessed(made, "fields")) == 1


def test_nothing_protected_is_refused():
    with pytest.raises(pb.SpecError, match="no column looks like a protected") as raised:
        drafted(frame()[["income"]], protect=None)
    assert raised.value.path == "protect"


# --- links ----------------------------------------------------------------------------------------


def test_codes_titles_and_names_move_with_the_attribute():
    data = frame(
        code=(SEX == "Male").astype(int),
        title=np.where(SEX == "Male", "Mr", RNG.choice(["Ms", "Mrs"], ROWS, p=[0.8, 0.2])),
        first_name=np.where(SEX == "Male", "Thomas", "Susan"),
        coin=RNG.integers(0, 2, ROWS),
    )
    data.loc[np.arange(ROWS) % 2 == 0, "first_name"] = np.where(SEX[::2] == "Male", "John", "Mary")
    made = drafted(data)
    fields = guessed(made, "fields")
    assert fields["code"] == {"kind": "map", "of": "sex", "map": {"Female": 0, "Male": 1}}
    assert fields["title"]["map"] == {"Male": "Mr", "Female": "Ms"}
    assert fields["first_name"]["follows"] == {"sex": {"Male": "MALE", "Female": "FEMALE"}}
    assert "coin" not in fields
    assert "income" not in fields
    people = made.audit().people
    assert set(people.closure("sex")) == {"sex", "code", "title", "first_name"}


@pytest.mark.parametrize("protect", ["age", "nation"])
def test_a_title_does_not_follow_what_is_no_gender(protect):
    data = frame(
        age=np.arange(ROWS) % 60 + 20,
        nation=[f"N{i % 9}" for i in range(ROWS)],
        title=RNG.choice(["Mr", "Ms", "Mrs"], ROWS, p=[0.5, 0.45, 0.05]),
    )
    made = drafted(data, protect=protect)
    assert guessed(made, "fields") == {}
    assert made.audit().run().verdict == "within tolerance"


def test_three_genders_have_their_titles_and_no_names():
    gender = np.where(np.arange(ROWS) % 20 == 0, "Nonbinary", SEX)
    title = np.select([gender == "Male", gender == "Female"], ["Mr", "Ms"], "Mx")
    title[gender == "Female"] = RNG.choice(["Ms", "Mrs"], (gender == "Female").sum(), p=[0.8, 0.2])
    data = frame(sex=gender, title=title, first_name=np.where(SEX == "Male", "John", "Susan"))
    data.loc[::2, "first_name"] = np.where(SEX[::2] == "Male", "Peter", "Mary")
    made = drafted(data)
    titles = {"Male": "Mr", "Female": "Ms", "Nonbinary": "Mx"}
    assert guessed(made, "fields") == {"title": {"kind": "map", "of": "sex", "map": titles}}
    assert '"first_name" holds names' in unsure(made)
    assert 'not known for "Nonbinary"' in unsure(made)
    made.check()


def test_names_stay_where_a_gender_is_missing():
    data = frame(first_name=np.where(SEX == "Male", "John", "Susan"))
    data.loc[::2, "first_name"] = np.where(SEX[::2] == "Male", "Peter", "Mary")
    data.loc[:20, "sex"] = None
    made = drafted(data)
    assert "not known for who has none" in unsure(made)
    made.check()
    # People who are drawn have a gender each.
    assert "follows" in guessed(drafted(data, synthetic=True), "fields")["first_name"]


def test_one_exception_is_no_link():
    code = (SEX == "Male").astype(int)
    code[0] = 1 - code[0]
    assert "code" not in guessed(drafted(frame(code=code)), "fields")


def test_agreement_by_chance_is_no_link():
    """Three rows of one level, all alike, say nothing."""
    rare = np.where(np.arange(ROWS) < 3, "Rare", "Usual")
    flag = (np.arange(ROWS) < 3).astype(int)
    assert "flag" not in guessed(drafted(frame(rare=rare, flag=flag), protect="rare"), "fields")


def test_a_missing_code_is_no_link_but_a_missing_attribute_is_mapped():
    data = frame(code=np.where(SEX == "Male", "code 1", "code 2"))
    data.loc[:20, ["sex", "code"]] = [None, "code 9"]
    fields = guessed(drafted(data), "fields")
    assert fields["code"]["map"] == {"Female": "code 2", "Male": "code 1", "missing": "code 9"}
    assert drafted(data).audit().run().verdict == "within tolerance"
    data.loc[30, "code"] = None
    assert "code" not in guessed(drafted(data), "fields")


def test_values_of_one_level_are_told():
    relation = np.where(SEX == "Male", RNG.choice(["Husband", "Single"], ROWS), "Single")
    data = frame(relation=relation)
    model = lambda people: (people["relation"] == "Husband").astype(int)  # noqa: E731
    made = drafted(data, model, features=["relation"])
    assert '"Husband" (100.0 % "Male")' in unsure(made)
    assert "the model sees neither" in unsure(made)


def test_flags_that_exclude_each_other_are_told():
    place = np.arange(ROWS) % 3
    data = frame(black=(place == 0).astype(int), white=(place == 1).astype(int))
    made = drafted(data, tree(data, ["black", "white"], place % 2), protect="black")
    assert '"black" is never 1 together with "white"' in unsure(made)


# --- what the model sees --------------------------------------------------------------------------


def test_columns_of_zero_and_one_are_made_as_the_model_names_them():
    data = frame(job=RNG.choice(["a b", "c"], ROWS), label=(SEX == "Male").astype(int))
    data.loc[0, "job"] = None
    seen = pd.get_dummies(data[["sex", "income", "job"]])
    made = drafted(data, tree(seen, list(seen.columns), data["label"]), favorable=None)
    fields = guessed(made, "fields")
    assert fields["sex_Male"]["map"] == {"Female": 0, "Male": 1}
    assert fields["job_a b"]["map"] == {"a b": 1, "c": 0, "missing": 0}
    record = made.audit().run()
    assert record.verdict == "biased"
    assert record.findings[0].estimate == 1.0


def test_an_attribute_that_only_has_columns_of_zero_and_one():
    data = pd.get_dummies(frame(race=RNG.choice(["A", "B", "C"], ROWS, p=[0.2, 0.5, 0.3])))
    label = data["race_C"].astype(int)
    made = drafted(
        data.drop(columns=["race_A"]), tree(data, ["race_B", "race_C"], label), protect="race"
    )
    levels = guessed(made, "protect")["race"]["levels"]
    assert levels == ["B", "C", "other"]
    assert made.audit().run().verdict == "biased"
    data["race_B"] = True
    with pytest.raises(pb.SpecError, match="are 1 in the same row"):
        drafted(data, protect="race")


def test_a_matrix_without_names():
    data = frame(number=[f"K{i}" for i in range(ROWS)], x=RNG.normal(size=ROWS))
    model = LogisticRegression().fit(data[["income", "x"]].to_numpy(), SEX == "Male")
    made = drafted(data, model, favorable=None)
    assert guessed(made, "model")["features"] == ["income", "x"]
    with pytest.raises(pb.SpecError, match="takes 2 columns and does not name them") as raised:
        drafted(data.assign(z=RNG.normal(size=ROWS)), model)
    assert raised.value.path == "features"


def test_what_a_classifier_predicts_is_no_feature_of_a_matrix():
    data = frame(x=RNG.normal(size=ROWS), approved=(SEX == "Male").astype(int))
    model = LogisticRegression().fit(RNG.normal(size=(ROWS, 3)), data["approved"])
    with pytest.raises(pb.SpecError, match="takes 3 columns and does not name them") as raised:
        drafted(data, model, favorable=None)
    assert raised.value.path == "features"


def test_a_column_that_the_data_lack():
    data = frame(z=np.arange(ROWS))
    model = tree(data, ["income", "z"], SEX)
    with pytest.raises(pb.SpecError, match='the model sees "z", which the data do not have'):
        drafted(data.drop(columns=["z"]), model, favorable="Male")


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "header", "favorable"),
    [
        (("approved", "rejected"), "status", "approved"),
        (("bewilligt", "abgelehnt"), "Ergebnis", "bewilligt"),
        (("<=50K", ">50K"), "income_class", ">50K"),
        (("yes", "no"), "hired", "yes"),
        (("yes", "no"), "defaulted", "no"),
        ((1, 0), "approve", 1),
        ((1, 0), "default", 0),
        ((1, 0), "y", 1),
        (("no default", "default"), "y", "no default"),
    ],
)
def test_the_favorable_answer(labels, header, favorable):
    good = RNG.random(ROWS) < 0.6
    data = frame(**{"x": good + RNG.normal(size=ROWS) / 9})
    data[header] = [labels[0] if each else labels[1] for each in good]
    made = drafted(data, tree(data, ["x", "income"], data[header]), favorable=None)
    assert guessed(made, "model")["favorable"] == favorable
    assert f'label = "{header}"' in made.toml()


def test_the_label_is_the_column_that_the_model_predicts():
    """Both columns have words; only one is what the model says."""
    good = RNG.random(ROWS) < 0.6
    data = frame(x=good + RNG.normal(size=ROWS) / 9, reject=(~good).astype(int))
    data["approve"] = good.astype(int)
    for header, favorable in (("approve", 1), ("reject", 0)):
        made = drafted(data, tree(data, ["x"], data[header]), favorable=None)
        assert guessed(made, "model")["favorable"] == favorable


def test_words_that_do_not_tell_are_asked_for():
    data = frame(x=(SEX == "Male").astype(int))
    model = tree(data, ["x"], np.where(SEX == "Male", "red", "blue"))
    with pytest.raises(pb.SpecError, match='good for a person: "blue" or "red"') as raised:
        drafted(data, model, favorable=None)
    assert raised.value.path == "favorable"
    assert guessed(drafted(data, model, favorable="red"), "model")["favorable"] == "red"


def test_several_classes():
    data = frame(x=RNG.integers(0, 3, ROWS))
    kinds = np.array(["approved", "waitlisted", "denied"])[data["x"]]
    made = drafted(data, tree(data, ["x"], kinds), favorable=None)
    assert guessed(made, "model")["favorable"] == ["approved"]
    assert made.audit().run().verdict == "within tolerance"


def test_numbers_need_a_tolerance():
    model = lambda people: people["income"] / 2  # noqa: E731
    with pytest.raises(pb.SpecError, match="largest gap") as raised:
        drafted(frame(), model, favorable=None, outcome="number")
    assert raised.value.path == "tolerance"
    made = drafted(frame(), model, favorable=None, outcome="number", tolerance=500.0)
    assert made.audit().run().verdict == "within tolerance"


def test_a_label_that_is_given_has_the_table_measured_too():
    data = frame(hired=(SEX == "Male").astype(int))
    record = drafted(data, label="hired").audit().run()
    assert record.data.roles["label"] == "hired"
    assert drafted(data).audit().run().data is None
    with pytest.raises(pb.DataError, match='no column "hird"; did you mean "hired"'):
        drafted(data, label="hird")


def test_a_label_in_other_words_than_the_model():
    data = frame(x=(SEX == "Male").astype(int), approved=(SEX == "Male").astype(int))
    model = tree(data, ["x"], np.where(SEX == "Male", "approved", "rejected"))
    made = drafted(data, model, favorable=None, label="approved")
    assert guessed(made, "model")["favorable"] == "approved"
    assert guessed(made, "data")["favorable"] == 1
    assert made.audit().run().data.roles["label"] == "approved"
    data["color"] = np.where(SEX == "Male", "red", "blue")
    made = drafted(data, model, favorable=None, label="color")
    assert '"color" is not used' in unsure(made)
    made.audit().run()


def test_a_label_that_the_model_does_not_predict():
    data = frame(x=(SEX == "Male").astype(int))
    made = drafted(data, tree(data, ["x"], data["x"]), favorable=None, label="income")
    assert '"income" is not used: it has' in unsure(made)
    assert 'predicts "income"' not in made.toml()
    with pytest.raises(pb.SpecError, match='"sex" is protected') as raised:
        drafted(data, label="sex")
    assert raised.value.path == "label"


def test_a_tolerance_of_zero_is_one():
    assert guessed(drafted(frame(), tolerance=0), "audit")["tolerance"] == 0


def test_a_check_asks_about_a_few_people():
    asked = []

    def model(people):
        asked.append(len(people))
        return np.ones(len(people), dtype=int)

    drafted(frame(), model).check()
    assert 0 < sum(asked) < ROWS
    with pytest.raises(pb.ModelError, match="refuses every question"):
        drafted(frame(), lambda people: people["nowhere"]).check()


# --- what is written ------------------------------------------------------------------------------


def rich():
    return frame(
        code=(SEX == "Male").astype(int),
        title=np.where(SEX == "Male", "Mr", RNG.choice(["Ms", "Mrs"], ROWS)),
        age=RNG.integers(18, 80, ROWS),
        fnlwgt=RNG.integers(1, 9, ROWS),
        approved=(SEX == "Male").astype(int),
    )


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "xlsx", "jsonl"])
def test_the_file_runs_and_says_what_the_draft_says(tmp_path, monkeypatch, suffix):
    (tmp_path / "draft_models.py").write_text(
        "def model(people):\n"
        "    return ((people['code'] == 1) | (people['age'] > 60)).astype(int)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    data, file = rich(), tmp_path / f"people.{suffix}"
    if suffix == "parquet":
        pl.from_pandas(data).with_columns(pl.col("sex").cast(pl.Categorical)).write_parquet(file)
    elif suffix == "xlsx":
        data.to_excel(file, index=False)
    elif suffix == "jsonl":
        data.to_json(file, orient="records", lines=True)
    else:
        data.to_csv(file, index=False, sep="\t" if suffix == "tsv" else ";")
    import draft_models

    made = drafted(file, draft_models.model)
    expected = made.audit().run()
    assert expected.verdict == "biased"
    # A function has no file: the line says so, and here it is filled in.
    text = made.toml(tmp_path / "audit.toml").replace(
        'kind = "file"', 'kind = "callable"\nfunction = "draft_models:model"'
    )
    assert '# path = "model.skops"' in text
    (tmp_path / "audit.toml").write_text(text, encoding="utf-8")
    ran = pb.load(tmp_path / "audit.toml").run(trust=True)
    assert ran.findings == expected.findings
    names = {"model": draft_models.model}
    exec(made.call(), names)
    assert names["record"].findings == expected.findings


def test_comments_hold_the_reasons_and_what_is_not_sure():
    text = drafted(rich()).toml()
    for line in (
        '# label = "approved"',
        '# weight = "fnlwgt"',
        "# people = 60",
        '# - "income": whole numbers from',
        '# "code" goes one to one with "sex" in all rows',
    ):
        assert line in text
    assert set(tomllib.loads(text)) == {"audit", "model", "data", "protect", "fields"}
    assert max(map(len, text.splitlines())) <= 100


def test_synthetic_people_are_fitted_to_the_columns():
    data = rich().assign(
        amount=np.exp(RNG.normal(10, 0.5, ROWS)).round(2),
        score=RNG.normal(600, 50, ROWS).round(),
        uniform=RNG.random(ROWS),
        customer_id=[f"C{i:06}" for i in range(ROWS)],
    )
    made = drafted(data, synthetic=True)
    fields = guessed(made, "fields")
    assert {name: each["kind"] for name, each in fields.items()} == {
        "code": "map", "title": "map", "age": "integers", "income": "integers",
        "amount": "lognormal", "score": "normal", "uniform": "uniform",
        "fnlwgt": "choice", "approved": "map", "customer_id": "mimesis",
    }  # fmt: skip
    assert fields["amount"]["sigma"] == pytest.approx(0.5, rel=0.1)
    assert sum(guessed(made, "protect")["sex"]["weights"]) == pytest.approx(1)
    audit = made.audit(people=500)
    assert audit.table is None
    assert audit.run().people == 500
    assert "data" not in from_tables_of(made).spec()


def from_tables_of(made):
    text = made.toml().replace('kind = "file"', 'kind = "callable"\nfunction = "x:y"')
    return from_tables(tomllib.loads(text))


def test_text_to_which_no_field_fits():
    letters = np.array(list("qxzkvw"))
    words = ["".join(RNG.choice(letters, 6)) for _ in range(ROWS)]
    data = frame(thing=words)
    made = drafted(data, synthetic=True)
    text = made.toml()
    assert '\n# [fields.thing]\n# kind = "mimesis"\n' in text
    assert "fields" not in tomllib.loads(text) or "thing" not in tomllib.loads(text)["fields"]
    assert made.audit(people=1_000).run().verdict == "within tolerance"
    with pytest.raises(pb.SpecError, match='the model sees "thing", to which no field') as raised:
        drafted(data, features=["thing"], synthetic=True)
    assert raised.value.path == "synthetic"


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    headers=st.lists(HOSTILE, min_size=3, max_size=3, unique=True),
    levels=st.lists(HOSTILE, min_size=2, max_size=4, unique=True),
)
def test_any_header_and_level_reads_back(headers, levels):
    """Whatever a table holds, the file and the call are valid, and say the same."""
    rows = [levels[i % len(levels)] for i in range(40)]
    codes = [i % len(levels) for i in range(40)]
    data = pa.table([rows, codes, list(range(40))], names=headers)
    made = pb.draft(data, model=everybody, protect={headers[0]: levels}, favorable=1)
    read = from_tables_of(made)
    assert list(read.protect) == [headers[0]]
    assert read.protect[headers[0]].levels == tuple(levels)
    assert read.fields == made.audit().fields
    compile(made.call(), "call", "exec")
    assert all(visible(line) == line for line in made.told())


def test_only_a_sample_of_a_large_table_is_looked_at(monkeypatch):
    monkeypatch.setattr("paribus.drafting._looked.SAMPLE", 100)
    data = frame(code=(SEX == "Male").astype(int))
    data.loc[len(data)] = ["Other", 1, 7]
    made = drafted(data)
    # Levels and links are those of all rows.
    assert guessed(made, "protect")["sex"]["levels"] == ["Male", "Female", "Other"]
    assert guessed(made, "fields")["code"]["map"]["Other"] == 7
    assert "guessed from 100 rows" in made.toml()


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("approved", 1),
        ("Loan_Approved", 1),
        ("nicht bewilligt", -1),
        ("refusé", -1),
        ("Gekündigt", -1),
        ("gekuendigt", -1),
        ("zurueckgezahlt", 1),
        ("high", 0),
        ("no_default", 1),
        ("Y", 1),
        ("N", -1),
        ("loan", 0),
        ("", 0),
        (1, 0),
    ],
)
def test_words_that_are_good_for_a_person(text, good):
    assert valence(text) == good


def test_which_class_is_the_larger_amount():
    assert greater(["<=50K", ">50K"]) == 1
    assert greater(["over 10", "under 10"]) == 0
    assert greater([">1", ">2"]) is None
    assert says("outcome", "Ergebnis")
    assert not says("weight", "overweight")
