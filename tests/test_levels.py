"""Levels reach the model as the data spell them, and no value turns into another on the way."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.tree import DecisionTreeClassifier

import paribus as pb
from paribus.probe.callable import CallableProbe

N = 600


def audit(column, levels, favorable, build=pd.DataFrame, **options):
    """Audit a model that decides by the attribute alone."""
    data = build({"g": column, "x": np.arange(N) % 7})

    def model(frame):
        column = frame["g"]
        values = column.to_pylist() if isinstance(column, pa.ChunkedArray) else list(column)
        return [value == favorable for value in values]

    return pb.audit(model, data=data, protect={"g": levels}, favorable=True, **options)


@pytest.mark.parametrize("build", [pd.DataFrame, pl.DataFrame, pa.table])
@pytest.mark.parametrize(
    ("column", "levels", "favorable"),
    [
        ([True, False] * 300, ["true", "false"], True),
        ([True, False] * 300, ["True", "False"], True),
        ([1, 2] * 300, ["1", "2"], 1),
        ([1.0, 2.0] * 300, [1, 2], 1.0),
        (["1", "2"] * 300, [1, 2], "1"),
        (["a", "b"] * 300, ["a", "b"], "a"),
    ],
)
def test_a_model_that_decides_by_the_level_alone_always_flips(build, column, levels, favorable):
    record = audit(column, levels, favorable, build)
    assert [f.estimate for f in record.findings if f.unit == "flip rate"] == [1.0]


@pytest.mark.parametrize(
    ("column", "levels"),
    [
        (np.array([1, 2] * 300, np.int8), [1, 300]),
        (np.array([0, 1] * 300), [0.2, 0.95]),
        (np.array([1, 2] * 300, np.uint8), [-1, 1]),
        (np.array([1, 2] * 300), [1, 3]),
        (np.array([True, False] * 300), [1, 0]),
    ],
)
def test_levels_that_the_column_does_not_have_are_refused(column, levels):
    with pytest.raises(pb.DataError) as error:
        audit(column, levels, 1)
    assert error.value.path == "$.protect.g.levels"


def test_real_ages_keep_their_fractions_beside_declared_whole_ones():
    random = np.random.default_rng(0)
    ages = random.uniform(20, 70, N)
    data = pd.DataFrame({"age": ages, "sex": ["m", "f"] * 300})
    seen = []

    def model(frame):
        seen.append(frame["age"].to_numpy().copy())
        return frame["age"] > 40

    levels = {"age": [25, 35], "sex": ["m", "f"]}
    record = pb.audit(model, data=data, protect=levels, favorable=True)
    assert {f.verdict for f in record.findings} == {"within tolerance"}
    assert set(np.concatenate(seen)) == {25.0, 35.0, *ages}


@pytest.mark.parametrize("repeats", ["auto", "merge", "ask"])
def test_merging_repeats_never_mixes_up_values_that_are_missing(repeats):
    """The first missing value comes after the people from whom the table is laid out."""
    random = np.random.default_rng(1)
    data = {name: random.choice(["p", "q"], 5_000).astype(object) for name in "abc"}
    for column in data.values():
        column[300:] = random.choice(["p", "q", None], 4_700)
    frame = pd.DataFrame({**data, "h": ["m", "f"] * 2_500})
    maps = {f"z{n}": pb.map_of(n, {"p": 0, "q": 1}) for n in "abc"}
    code = {"hc": pb.map_of("h", {"m": 0, "f": 1})}

    def model(people):
        return np.where(people["zc"].isna(), people["hc"], 0)

    record = pb.audit(
        pb_callable(model, ["za", "zb", "zc", "hc"], repeats),
        data=frame,
        protect={"h": ["m", "f"]},
        fields={**maps, **code},
    )
    flips = next(f for f in record.findings if f.unit == "flip rate")
    assert flips.flips == frame["c"].isna().sum()


def pb_callable(model, features, repeats):
    return CallableProbe(
        function=model, features=features, favorable=1, outcome="decision", repeats=repeats
    )


def test_a_name_that_follows_an_attribute_the_data_do_not_have_still_moves():
    data = pd.DataFrame({"sex": ["m", "f"] * 300, "name": ["someone"] * N})
    name = pb.mimesis(
        "person.full_name",
        follows={"sex": {"m": "MALE", "f": "FEMALE"}, "nation": {"DE": "de", "FR": "fr"}},
    )
    record = pb.audit(
        lambda frame: [hash(text) % 2 for text in frame["name"]],
        data=data,
        protect={"sex": ["m", "f"], "nation": ["DE", "FR"]},
        fields={"name": name},
        favorable=1,
        labels=[0, 1],
        outcome="decision",
    )
    by_sex = next(r for r in record.evidence if (r.attribute, r.unit) == ("sex", "flip rate"))
    assert by_sex.estimate > 0.3
    assert any("held at DE" in note for note in record.notes)


def test_a_threshold_makes_a_classifier_answer_with_scores():
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(2)
    x = pd.DataFrame({"g": random.integers(0, 2, N), "x": random.normal(size=N)})
    model = LogisticRegression().fit(x, (x["x"] + x["g"] > 0).astype(float))
    record = pb.audit(model, data=x, protect={"g": [0, 1]}, threshold=0.4, favorable=1.0)
    assert record.model.outcome == "score"
    assert {f.unit for f in record.findings} >= {"flip rate", "score gap"}


@pytest.mark.parametrize("tolerance", [1, 5.0, True, "0.1"])
def test_a_tolerance_that_lets_everything_pass_is_refused(tolerance):
    with pytest.raises(pb.SpecError) as error:
        audit(["a", "b"] * 300, ["a", "b"], "a", tolerance=tolerance)
    assert error.value.path == "$.audit.tolerance"


def test_a_witness_says_which_row_it_is():
    data = pd.DataFrame({"g": ["a", "b"] * 300, "id": np.arange(N)})
    record = pb.audit(
        lambda f: f["g"] == "a", data=data, protect={"g": ["a", "b"]}, favorable=True, people=50
    )
    assert [w.row for w in record.witnesses] == [w.same["id"] for w in record.witnesses]


@pytest.mark.parametrize("fitted", [True, False])
def test_a_misspelled_attribute_is_no_proof_of_fairness(fitted):
    data = pd.DataFrame({"ethnicity": [0, 1] * 300, "x": np.arange(N)})
    model = (
        DecisionTreeClassifier().fit(data, data["ethnicity"])
        if fitted
        else lambda people: people["ethnicity"]
    )
    with pytest.raises(pb.SpecError, match='did you mean "ethnicity"') as error:
        pb.audit(model, data=data, protect={"ethnicty": [0, 1]}, favorable=1)
    assert error.value.path == "$.protect.ethnicty"


@pytest.mark.parametrize("tolerance", [5, 50, 500])
def test_an_interval_does_not_depend_on_the_tolerance(tolerance):
    record = pb.audit(
        lambda people: 100 - 2.0 * (people["g"] == "b"),
        protect={"g": ["a", "b"]},
        fields={"x": pb.integers(0, 3)},
        people=400,
        outcome="number",
        tolerance=tolerance,
    )
    gap = next(f for f in record.findings if f.unit == "score gap")
    assert (round(gap.low, 4), round(gap.high, 4)) == (-2.0298, -1.9702)
