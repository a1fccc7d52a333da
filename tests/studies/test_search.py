"""The guided search: what it finds, what it never asks, and what it says about it."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus._seeds import generator
from paribus.auditing import protected
from paribus.probe._handed import probe_of
from paribus.studies._candidates import CHANGES, Candidates, Space
from paribus.studies._guided import _turn
from paribus.studies.search import search
from paribus.table import Table
from paribus.twins import level_contrasts

SEXES = ("male", "female")


def declared(model, data=None, protect=None, fields=None, tolerance=None, seed=1, **options):
    protect = protect or {"sex": SEXES}
    return pb.Audit(
        seed=seed,
        tolerance=tolerance,
        probe=probe_of(model, options),
        protect={name: protected(levels, "$") for name, levels in protect.items()},
        fields=fields or {},
        table=None if data is None else Table.of(data),
    )


def people(n, seed=0):
    """Ages, incomes in hundreds, hours with a half, jobs, two sexes and three races."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "number": [f"p{i:06d}" for i in range(n)],
            "sex": rng.choice(SEXES, n),
            "race": rng.choice(["white", "black", "asian"], n, p=[0.7, 0.2, 0.1]),
            "age": rng.integers(18, 80, n).astype(np.int16),
            "income": np.round(rng.lognormal(10.5, 0.5, n), -2).astype(np.int64),
            "hours": rng.integers(40, 100, n) / 2,
            "job": pd.Categorical(rng.choice(["cook", "nurse", "clerk", "welder"], n)),
            "same": 7,
        }
    )


def lends(frame):
    """Grant above a line that lies 3,000 higher for women, and higher for some jobs and ages."""
    line = 52_000 + 3_000 * (frame["sex"] == "female") + 4_000 * (frame["job"] == "cook")
    return np.asarray(frame["income"] + 100 * frame["age"] + 10 * frame["hours"] > line)


# --- what it is good for --------------------------------------------------------------------------


def census(n, seed):
    """Fourteen mixed columns; one in ten earns a lot, men more often, all else being equal."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": np.clip(rng.gamma(9, 4.7, n), 18, 90).astype(np.int64),
            "sex": rng.choice(SEXES, n),
            "education": rng.choice([*"ABCDEF"], n, p=[0.12, 0.34, 0.27, 0.18, 0.07, 0.02]),
            "marital": rng.choice(["married", "never", "divorced", "widowed"], n),
            "job": rng.choice([f"job {i:02d}" for i in range(12)], n),
            "region": rng.choice([f"region {i}" for i in range(9)], n),
            "class": rng.choice(["private", "state", "none"], n, p=[0.7, 0.2, 0.1]),
            "race": rng.choice(["white", "black", "other"], n, p=[0.8, 0.12, 0.08]),
            "hours": np.clip(np.round(rng.normal(8, 2, n)) * 5, 5, 80).astype(np.int64),
            "weeks": np.where(rng.random(n) < 0.6, 52, rng.integers(0, 52, n)),
            "gain": np.where(rng.random(n) < 0.05, rng.lognormal(8, 1, n).round(-2), 0),
            "loss": np.where(rng.random(n) < 0.03, rng.lognormal(7, 0.4, n).round(-1), 0),
            "dividends": np.where(rng.random(n) < 0.1, rng.lognormal(5.5, 1.4, n).round(), 0),
            "employers": rng.integers(0, 7, n),
        }
    )
    merit = (
        frame["education"].map({grade: i for i, grade in enumerate("ABCDEF")})
        - 0.1 * frame["job"].str[-2:].astype(int)
        + 0.03 * (frame["hours"] + frame["weeks"] - 80)
        - 0.0025 * (frame["age"] - 50) ** 2
        + 0.8 * (frame["marital"] == "married")
        + 0.7 * np.log1p(frame["gain"] / 2_000)
        + 0.7 * (frame["sex"] == "male")
    )
    return frame, (merit + rng.logistic(size=n) > 4.6).astype(int)


def fitted(kind):
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    frame, earns = census(4_000, 100)
    text = ["sex", "education", "marital", "job", "region", "class", "race"]
    numbers = [name for name in frame if name not in text]
    parts = {
        "boosting": (OrdinalEncoder(), "passthrough", HistGradientBoostingClassifier(max_iter=30)),
        "logistic": (OneHotEncoder(), StandardScaler(), LogisticRegression(max_iter=300)),
    }
    encoder, scaler, model = parts[kind]
    return make_pipeline(make_column_transformer((encoder, text), (scaler, numbers)), model).fit(
        frame, earns
    )


@pytest.fixture(scope="module")
def logistic():
    return fitted("logistic")


@pytest.mark.parametrize("kind", ["boosting", "logistic"])
def test_it_finds_far_more_than_chance(kind, logistic):
    model = logistic if kind == "logistic" else fitted(kind)
    audit = declared(model, census(5_000, 0)[0], favorable=1)
    found = search(audit, 500)
    assert found.asked == found.baseline.asked == 500
    assert found.baseline.per_pair < 0.06
    assert found.per_pair > max(0.4, 10 * found.baseline.per_pair)
    rows = search(audit, 300, rows_only=True, baseline=False)
    assert rows.per_pair > 3 * found.baseline.per_pair
    assert rows.distances.real == 1.0


def test_decisions_alone_guide_as_well(logistic):
    """No scores: a function that answers yes or no."""
    frame = census(4_000, 0)[0]
    audit = declared(lambda people: logistic.predict(people) == 1, frame, favorable=True)
    found = search(audit, 400)
    assert found.guide == "decisions"
    assert found.per_pair > max(0.3, 5 * found.baseline.per_pair)
    assert found.pairs()["margin"].isna().all()


# --- laws -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lending():
    data = people(3_000)
    return data, search(declared(lends, data, favorable=True), 600)


def test_every_pair_that_was_found_is_one(lending):
    """Asked again as men and as women: each is treated differently, and none is there twice."""
    _, found = lending
    pairs = found.pairs()
    assert len(pairs) == found.flips > 300
    men, women = (lends(pairs.assign(sex=sex)) for sex in SEXES)
    assert (men & ~women).all()
    assert pairs["reference_answer"].all()
    assert not pairs["group_answer"].any()
    seen = ["race", "age", "income", "hours", "job", "same"]
    assert not pairs.duplicated(seen).any()
    assert "number" in pairs


def test_people_stay_within_the_domain_of_the_data(lending):
    data, found = lending
    pairs = found.pairs()
    for name in ("race", "job", "same"):
        assert set(pairs[name]) <= set(data[name])
    for name, step in (("age", 1), ("income", 100), ("hours", 0.5)):
        assert pairs[name].between(data[name].min(), data[name].max()).all()
        assert (pairs[name] / step % 1 == 0).all()
        assert pairs[name].dtype == data[name].dtype


def test_rows_that_were_not_changed_are_named(lending):
    data, found = lending
    pairs = found.pairs()
    real = pairs[pairs["row"].notna()]
    assert 0 < len(real) < len(pairs)
    for column in ("race", "age", "income", "hours", "number"):
        assert real[column].tolist() == data[column].iloc[real["row"].astype(int)].tolist()
    assert (real["distance"] == 0).all()
    assert found.distances.real == pytest.approx((pairs["distance"] == 0).mean())
    assert found.distances.median == pytest.approx(pairs["distance"].median())
    # Two columns of a race, an age, an income, hours and a job, and one that never changes.
    assert pairs["distance"].max() <= CHANGES / 6


def test_nobody_is_asked_twice_and_the_budget_holds():
    asked = []

    def model(frame):
        asked.append(frame.drop(columns=["sex", "number"]))
        return lends(frame)

    data = people(400)
    audit = declared(model, data, favorable=True)
    found = search(audit, 300, baseline=False)
    assert found.baseline is None
    assert len(pd.concat(asked).drop_duplicates()) == found.asked == 300


def test_the_same_seed_gives_the_same_search():
    data = people(500)
    audit = declared(lends, data, favorable=True)
    one, other = (search(audit, 120, seed=5, baseline=False) for _ in range(2))
    threads = search(audit, 120, seed=5, baseline=False, executor=pb.Threads(workers=2))
    assert one.json_text() == other.json_text() == threads.json_text()
    assert one.pairs().equals(other.pairs())
    assert search(audit, 120, seed=6, baseline=False).json_text() != one.json_text()


def test_witnesses_can_be_replayed(lending):
    _, found = lending
    assert len(found.witnesses) == 20
    for witness in found.witnesses:
        for values, answer in (
            (witness.reference_values, witness.reference_answer),
            (witness.group_values, witness.group_answer),
        ):
            assert bool(lends(pd.DataFrame([{**witness.same, **values}]))[0]) is answer
        assert set(witness.reference_values) == {"sex"}


def test_the_worst_come_first(logistic):
    """The margin is how far both scores lie from one half, on either side."""
    audit = declared(logistic, census(2_000, 0)[0], favorable=1)
    pairs = search(audit, 240, baseline=False).pairs()
    scores = [logistic.predict_proba(pairs.assign(sex=sex))[:, 1] for sex in SEXES]
    margins = np.minimum(np.maximum(*scores) - 0.5, 0.5 - np.minimum(*scores))
    assert pairs["margin"].to_numpy() == pytest.approx(margins)
    assert (np.diff(pairs["margin"]) <= 0).all()


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    share=st.floats(0.001, 2),
    most=st.integers(1, 4),
)
def test_mutations_keep_to_the_domain_and_to_few_columns(seed, share, most):
    data = people(60)
    audit = declared(lends, data, favorable=True)
    names = tuple(name for name in data if name != "number")
    space = Space(
        audit.people, level_contrasts(audit.people, "sex"), names, handed_all=True, seed=0
    )
    rng = generator(seed, "test", 0)
    parents = space.dealt(rng)
    made = space.mutated(rng, space.mutated(rng, parents, 40, most, share), 40, most, share)
    assert (made.source == -1).any()
    columns = space.people(made, 0).rows.table.frame.to_native()
    base = data.iloc[made.base].reset_index(drop=True)
    assert (columns.dtypes == data.dtypes).all()
    assert ((columns != base).sum(axis=1) <= CHANGES).all()
    assert (columns[["sex", "number", "same"]] == base[["sex", "number", "same"]]).all(axis=None)
    for name, step in (("age", 1), ("income", 100), ("hours", 0.5)):
        assert columns[name].between(data[name].min(), data[name].max()).all()
        assert (columns[name] / step % 1 == 0).all()
    # What a surrogate and the keys know of them is what the model is handed.
    for j, domain in enumerate(space.domains):
        if domain.measured:
            assert (made.cells[:, j] == columns[domain.name]).all()


# --- known answers --------------------------------------------------------------------------------


def test_distances_are_gower_s():
    """Range of x: 20; the nearest row to (12.5, "b") is (10, "b"): (2.5/20 + 0) / 2."""
    values = [float(x) for x in range(21)]
    data = pd.DataFrame({"sex": "male", "x": values, "y": ["a", "b", "c"] * 7})
    data.loc[1, "sex"] = "female"
    audit = declared(lends, data)
    space = Space(
        audit.people, level_contrasts(audit.people, "sex"), data.columns, handed_all=True, seed=0
    )
    assert [domain.name for domain in space.domains] == ["sex", "x", "y"]
    row = space.candidates(np.array([10, 10, 10]), np.zeros(3, int))
    cells, source = row.cells.copy(), row.source.copy()
    cells[1, 1], source[1, 1] = 12.5, -1
    cells[2, 1], source[2, 1] = np.nan, -1
    people = Candidates(row.contrast, row.base, cells, source)
    # (13, "b") is a row too, and half a step away; a missing value is as far as can be.
    assert space.distances(people) == pytest.approx([0, 0.5 / 20 / 2, 1 / 2])


def test_a_decision_turns_where_decisions_say_so():
    scores = np.array([[0.2, 0.31], [0.29, 0.35], [np.nan, np.nan]])
    favored = np.array([[False, True], [False, True], [False, False]])
    assert _turn(scores, favored) == 0.31
    assert _turn(scores, np.zeros((3, 2), bool)) == 0.5
    assert _turn(scores, ~favored) == 0.5


def test_numbers_differ_by_more_than_the_tolerance():
    def wage(frame):
        gap = np.where(frame["age"] > 70, 5.0, 1.5)
        return frame["income"] / 1_000 - gap * (frame["sex"] == "female")

    audit = declared(wage, people(800), outcome="number", tolerance=2)
    found = search(audit, 300)
    pairs = found.pairs()
    assert found.counts == "the answers differ by more than 2"
    assert found.flips == len(pairs) > 2 * found.baseline.flips > 0
    assert (pairs["age"] > 70).all()
    assert pairs["margin"].to_numpy() == pytest.approx(3.0)
    with pytest.raises(pb.SpecError, match=r"\$.audit.tolerance"):
        search(declared(wage, people(50), outcome="number"), 10)


def test_a_threshold_decides():
    def score(frame):
        return 0.001 * frame["age"] + 0.4 + 0.05 * (frame["sex"] == "male")

    audit = declared(score, people(900), outcome="score", threshold=0.5, prefer="low")
    pairs = search(audit, 120, baseline=False).pairs()
    assert len(pairs) > 90
    assert (pairs["age"] > 50).all()
    assert (pairs["reference_answer"] > 0.5).all()
    assert (pairs["group_answer"] <= 0.5).all()
    low, high = (pairs[f"{side}_answer"] for side in ("group", "reference"))
    assert pairs["margin"].to_numpy() == pytest.approx(np.minimum(high - 0.5, 0.5 - low))


def test_labels_without_a_favorable_one():
    def grade(frame):
        held = (frame["sex"] == "female") & (frame["income"] > 60_000)
        return np.where(held, "C", np.where(frame["income"] > 40_000, "A", "B"))

    audit = declared(grade, people(600), outcome="label", labels=("A", "B", "C"))
    found = search(audit, 200)
    assert found.counts == "the label differs"
    assert (found.pairs()["group_answer"] == "C").all()
    assert found.flips > 2 * found.baseline.flips


# --- the edges ------------------------------------------------------------------------------------


def test_a_fair_model_has_no_worst_case(tmp_path):
    found = search(declared(lambda f: f["income"] > 40_000, people(500), favorable=True), 200)
    assert (found.asked, found.flips, found.per_pair) == (200, 0, 0.0)
    assert found.distances is None
    assert found.witnesses == ()
    assert len(found.pairs()) == 0
    assert "0 of 200 pairs" in repr(found)
    assert json.loads(found.save(tmp_path / "found.json").read_text())["found"]["flips"] == 0


def test_rows_run_out():
    data = people(40)
    found = search(declared(lends, data, favorable=True), 1_500, rows_only=True)
    assert found.asked == found.baseline.asked == 40
    assert found.flips == found.baseline.flips
    assert "ran out" in found.notes[0]
    assert "40 pairs instead of 1,500" in found.notes[0]


def test_a_small_domain_runs_out():
    """Four jobs and three races make twelve people, and no thirteenth."""

    def model(frame):
        return (frame["sex"] == "male") | (frame["job"] == "cook")

    data = people(500)[["sex", "race", "job"]]
    found = search(declared(model, data, favorable=True, features=("sex", "race", "job")), 100)
    assert found.asked == 12
    assert found.flips == 9


def test_one_pair_and_a_model_that_sees_nothing_else():
    def model(frame):
        return frame["sex"] == "male"

    found = search(declared(model, people(30), favorable=True, features=("sex",)), 50)
    assert (found.asked, found.flips) == (1, 1)
    assert search(declared(lends, people(30), favorable=True), 1).asked == 1


def test_what_the_model_cannot_see_is_not_asked():
    def model(frame):
        return frame["income"] > 40_000

    audit = declared(model, people(30), favorable=True, features=("income",))
    found = search(audit, 50)
    assert (found.asked, found.baseline.asked, found.contrasts) == (0, 0, ())
    assert "sees nothing of sex" in found.notes[0]
    assert "0 of 0 pairs" in repr(found)


def test_a_model_that_fails_on_some_people():
    """No row is a welder above 45, a person made up may be one, and the model raises on those."""

    def model(frame):
        if ((frame["job"] == "welder") & (frame["age"] > 45)).any():
            raise ValueError("no such person")
        return lends(frame)

    data = people(2_000)
    data = data[(data["job"] != "welder") | (data["age"] <= 45)]
    found = search(declared(model, data, favorable=True), 400)
    assert found.asked == 400
    assert found.found.unusable > 0
    assert found.baseline.unusable == 0
    assert found.flips > 80
    assert "got no answer" in repr(found)


def test_an_answer_that_spoils_a_whole_batch():
    """A label that nobody knows is an error of the whole call: the others are asked once more."""

    def model(frame):
        said = np.where(lends(frame), "yes", "no").astype(object)
        said[np.asarray(frame["age"] % 10 == 7)] = "perhaps"
        return said

    data = people(1_000)
    data = data[data["age"] % 10 != 7]
    audit = declared(model, data, favorable="yes", outcome="decision", labels=("yes", "no"))
    found = search(audit, 160, baseline=False)
    assert found.asked == 160
    assert 0 < found.found.unusable < 80
    assert (found.pairs()["age"] % 10 != 7).all()


def test_a_model_that_fails_always():
    def model(frame):
        raise ValueError("never")

    with pytest.raises(pb.ModelError, match="refuses every question"):
        search(declared(model, people(50), favorable=True), 50)


def test_refusals_are_no_flips():
    def model(frame):
        said = lends(frame).astype(object)
        said[np.asarray(frame["sex"] == "female")] = None
        return said

    found = search(declared(model, people(200), favorable=True), 60)
    assert (found.flips, found.found.unusable) == (0, 60)


def test_several_attributes_and_levels():
    def model(frame):
        line = 45_000 + 4_000 * (frame["race"] == "black") + 2_000 * (frame["sex"] == "female")
        return frame["income"] > line

    data = people(2_000)
    audit = declared(
        model, data, {"sex": SEXES, "race": ("white", "black", "asian")}, favorable=True
    )
    found = search(audit, 360, baseline=False)
    names = [(c.attribute, c.group) for c in found.contrasts]
    assert names == [("sex", "female"), ("race", "black"), ("race", "asian")]
    assert sum(c.asked for c in found.contrasts) == found.asked == 360
    assert all(c.asked > 40 for c in found.contrasts)
    sex, black, asian = found.contrasts
    assert asian.flips == 0
    assert min(sex.flips, black.flips) > 30
    assert {w.attribute for w in found.witnesses} == {"sex", "race"}
    pairs = found.pairs()
    # As the reference twin has it, and otherwise as the person was: never mutated.
    own = pairs[pairs["row"].notna() & (pairs["attribute"] == "sex")]
    assert (own["race"].tolist() == data["race"].iloc[own["row"].astype(int)]).all()
    assert (pairs.loc[pairs["attribute"] == "race", "race"] == "white").all()
    assert "race: white and black" in repr(found)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_missing_values_and_every_kind_of_frame(kind):
    pytest.importorskip(kind)
    n = 300
    data = people(n).drop(columns=["number"])
    rng = np.random.default_rng(3)
    data["income"] = data["income"].astype("Int64").mask(rng.random(n) < 0.2)
    data["hours"] = data["hours"].mask(rng.random(n) < 0.2)
    data["job"] = data["job"].astype("str").mask(rng.random(n) < 0.2)
    data["born"] = pd.Timestamp("1970-01-01") + pd.to_timedelta(rng.integers(0, 9_999, n), "D")
    data["member"] = rng.random(n) < 0.5
    table = Table.of(data)
    from paribus.table import to_frame

    given = to_frame({c: table.column(c, slice(None)) for c in table.names}, kind)
    schemas = []

    def model(frame):
        as_pandas = frame if kind == "pandas" else frame.to_pandas()
        schemas.append(list(frame.dtypes) if kind != "pyarrow" else list(frame.schema.types))
        income = as_pandas["income"].astype("Float64").fillna(30_000).to_numpy(float)
        return income > 42_000 + 4_000 * (as_pandas["sex"] == "female").to_numpy()

    found = search(declared(model, given, favorable=True), 300)
    assert found.asked == 300
    assert found.flips > 5 * found.baseline.flips > 0
    assert all(schema == schemas[0] for schema in schemas)
    for frame in ("pandas", "polars", "pyarrow"):
        assert len(found.pairs(frame)) == found.flips
    assert type(found.pairs(kind)).__module__.startswith(kind)


def test_declared_fields_are_the_domain():
    """Synthetic people: what follows an attribute or another field follows the mutation too."""
    fields = {
        "number": pb.sequence(1),
        "name": pb.mimesis(
            "person.first_name", follows={"sex": {"male": "MALE", "female": "FEMALE"}}
        ),
        "income": pb.integers(30_000, 119_999),
        "grade": pb.choice(["A", "B", "C", "D"]),
        "points": pb.map_of("grade", {"A": 4, "B": 3, "C": 2, "D": 1}),
        "score": pb.normal(50, 10, low=20, high=80, decimals=1),
        "code": pb.map_of("sex", {"male": 1, "female": 0}),
    }

    def model(frame):
        line = 90_000 - 1_000 * frame["points"] - 2_000 * frame["code"] + 10 * frame["score"]
        return frame["income"] > line

    audit = declared(model, fields=fields, favorable=True)
    found = search(audit, 400)
    assert found.per_pair > 10 * found.baseline.per_pair
    pairs = found.pairs()
    assert (pairs["points"] == pairs["grade"].map({"A": 4, "B": 3, "C": 2, "D": 1})).all()
    assert (pairs["code"] == 1).all()
    assert pairs["income"].between(30_000, 119_999).all()
    assert (pairs["score"] * 10).map(lambda v: abs(v - round(v)) < 1e-6).all()
    assert pairs["score"].between(20, 80).all()
    assert pairs["row"].isna().all()
    assert not pairs.duplicated(["income", "grade", "score"]).any()
    assert set(found.witnesses[0].group_values) >= {"sex", "code"}
    assert "somebody made up" in repr(found)


def test_an_attribute_that_the_data_do_not_hold():
    data = people(500).drop(columns=["sex"]).assign(male=1)
    fields = {"male": pb.map_of("sex", {"male": 1, "female": 0})}

    def model(frame):
        return frame["income"] + 3_000 * frame["male"] > 45_000

    found = search(declared(model, data, fields=fields, favorable=True), 200)
    assert found.flips > 3 * found.baseline.flips > 0
    assert set(found.pairs()["male"]) == {1}


def test_noise_is_not_sold_as_a_worst_case():
    rng = np.random.default_rng(0)
    found = search(
        declared(lambda frame: rng.random(len(frame)) < 0.5, people(300), favorable=True), 100
    )
    assert any("does not repeat itself" in note for note in found.notes)


def test_a_rare_favorable_label_is_no_mistake_later_on():
    """Among ten people nobody may be told yes: the search knows both labels by then."""

    def model(frame):
        yes = frame["income"] > np.where(frame["sex"] == "male", 60_000, 61_000)
        return np.where(yes, "yes", "no")

    found = search(declared(model, people(3_000), favorable="yes"), 300)
    assert found.asked == 300
    assert found.found.unusable == 0
    assert found.pairs()["group_answer"].unique().tolist() == ["no"]


# --- what it says ---------------------------------------------------------------------------------


def test_the_text_says_that_it_is_no_rate(lending):
    _, found = lending
    lines = repr(found).splitlines()
    assert lines[0] == "Search: Audit"
    assert "Worst cases, no rate" in lines[2]
    assert f"{found.flips:,} of 600 pairs asked are flips" in repr(found)
    assert "17 more are in the JSON" in repr(found)
    assert max(map(len, lines)) <= 100


def test_json(lending, tmp_path):
    _, found = lending
    read = json.loads(found.save(tmp_path / "found.json").read_text())
    assert read["kind"] == "search"
    assert read["found"] == {"asked": 600, "flips": found.flips, "unusable": 0}
    reopened = type(found)(**read)
    assert reopened == found or reopened.json_text() == found.json_text()
    with pytest.raises(pb.DataError, match="witnesses only"):
        reopened.pairs()
    with pytest.raises(pb.OutputError, match=r"no \.json file"):
        found.save(tmp_path / "found.html")


@pytest.mark.parametrize("pairs", [0, -3, True, 2.5, "many"])
def test_a_wrong_budget(pairs):
    with pytest.raises(pb.SpecError, match="pairs: must be a whole number from 1"):
        search(declared(lends, people(30), favorable=True), pairs)


@pytest.mark.parametrize("seed", [-1, 2**63, 0.5])
def test_a_wrong_seed(seed):
    with pytest.raises(pb.SpecError, match="seed: must be a whole number from 0"):
        search(declared(lends, people(30), favorable=True), 10, seed=seed)
