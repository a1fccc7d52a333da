from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import paribus as pb
from paribus.errors import DataError, SpecError
from paribus.mitigation.augment import Augment
from paribus.mitigation.base import MITIGATIONS, Training
from paribus.people.population import Protected
from paribus.table import Table
from paribus.twins import factorial

GENDER = {"gender": Protected(levels=("Male", "Female"))}
CODE = {"code": pb.map_of("gender", {"Male": 1, "Female": 0, "missing": -1, "Other": -1})}
NAME = pb.mimesis("person.full_name", follows={"gender": {"Male": "MALE", "Female": "FEMALE"}})


def loans(n: int = 1_000) -> Training:
    """The history that the loan model has learned from: a man, or an income above 80,000."""
    rng = np.random.RandomState(42)
    gender = rng.choice(["Male", "Female"], n)
    income = rng.randint(30_000, 120_000, n)
    frame = pd.DataFrame(
        {"gender": gender, "code": (gender == "Male").astype(int), "income": income}
    )
    return Training(
        table=Table.of(frame),
        label=((gender == "Male") | (income > 80_000)).astype(int),
        favorable=1,
        estimator=DecisionTreeClassifier(max_depth=3, random_state=0),
        features=("code", "income"),
        protect=GENDER,
        fields=CODE,
    )


def applicants(n: int = 300, women: float = 0.2, gone: float = 0.0) -> Training:
    """Columns of every sort, few women, and a label that depends on the gender."""
    rng = np.random.default_rng(5)
    gender = rng.choice(["Male", "Female"], n, p=[1 - women, women]).astype(object)
    skill = np.round(rng.normal(50, 10, n), 1).astype("float32")
    gender[rng.random(n) < gone] = None
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "gender": gender,
            "code": np.select([gender == "Male", gender == "Female"], [1, 0], -1).astype("int8"),
            "name": np.where(gender == "Male", "Bob Smith", "Ann Smith"),
            "skill": skill,
            "tests": (skill // 10).astype("int16"),
            "job": pd.Categorical(np.where(skill > 50, "clerk", "nurse")),
            "away": pd.array(np.where(rng.random(n) < 0.3, None, 4), dtype="Int64"),
            "since": pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 90, n), "D"),
            "full": rng.random(n) < 0.7,
        },
        index=np.arange(n)[::-1],
    )
    good = (skill > 45) & ((gender == "Male") | (rng.random(n) < 0.5))
    return Training(
        table=Table.of(frame),
        label=np.where(good, "yes", "no").astype(object),
        favorable="yes",
        estimator=DecisionTreeClassifier(),
        features=("code", "name", "skill", "tests", "job", "away", "since", "full"),
        protect=GENDER,
        fields=CODE | {"name": NAME},
    )


def crossed(n: int, seed: int = 0, weight: Any = None, estimator: Any = None) -> Training:
    """Two attributes that go together, and a label that is the same as both."""
    rng = np.random.default_rng(seed)
    a, b = rng.choice(3, n, p=[0.7, 0.2, 0.1]), rng.choice(4, n, p=[0.6, 0.2, 0.1, 0.1])
    b = np.where(rng.random(n) < 0.5, a, b)
    return Training(
        table=Table.of(pd.DataFrame({"a": a, "b": b, "x": np.arange(n)})),
        label=(a == 0).astype(int),
        favorable=1,
        estimator=DecisionTreeClassifier() if estimator is None else estimator,
        features=("a", "b", "x"),
        protect={"a": Protected(levels=(0, 1, 2)), "b": Protected(levels=(0, 1, 2, 3))},
        weight=weight,
    )


# --- twins ----------------------------------------------------------------------------------------


def test_a_tree_that_learns_from_twins_decides_them_alike():
    training = loans()
    men, women = training.X.assign(code=1), training.X.assign(code=0)
    assert (training.plain.predict(men) != training.plain.predict(women)).mean() > 0.5
    mended = Augment().mend(training)
    assert (mended.model.predict(men) == mended.model.predict(women)).all()
    assert mended.notes == ("Added 1,000 twins.",)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_twins_differ_in_the_closure_alone(kind):
    training = applicants(gone=0.1)
    if kind == "polars":
        training = training.of(table=Table.of(pl.from_pandas(training.frame)))
    before = training.frame
    treated = Augment().treat(training).training
    frame = treated.frame
    assert type(frame) is type(before)
    assert list(frame.dtypes) == list(before.dtypes)
    known = before["gender"].to_pandas() if kind == "polars" else before["gender"]
    known = np.flatnonzero(known.notna().to_numpy())
    assert len(frame) == len(treated.label) == 300 + len(known)
    frame, before = (f.to_pandas() if kind == "polars" else f for f in (frame, before))
    frame, before = frame.reset_index(drop=True), before.reset_index(drop=True)
    pd.testing.assert_frame_equal(frame[:300], before)
    twins = frame[300:]
    own = before.set_index("id").loc[twins["id"]].reset_index()
    shared = [name for name in frame.columns if name not in ("gender", "code", "name")]
    pd.testing.assert_frame_equal(twins[shared].reset_index(drop=True), own[shared])
    assert (
        twins["gender"].to_numpy() == own["gender"].map({"Male": "Female", "Female": "Male"})
    ).all()
    assert (twins["code"] == (twins["gender"] == "Male")).all()
    assert (treated.label[300:] == training.label[twins["id"]]).all()


def test_twins_are_those_of_an_audit():
    training = applicants()
    treated = Augment().treat(training).training.frame
    versions = {twins.moves[0][1]: twins for twins in factorial(training.people).versions}
    block = training.people.block(0)
    drawn = {
        level: block.column("name", v.moves).arrow().to_pylist() for level, v in versions.items()
    }
    twins = treated[300:]
    level = (twins["gender"] == "Female").astype(int)
    assert twins["name"].tolist() == [
        drawn[at][i] for at, i in zip(level, twins["id"], strict=True)
    ]
    # Real people keep their own names.
    assert treated["name"][:300].tolist() == training.frame["name"].tolist()


def test_rows_without_a_declared_level_stay_as_they_are():
    training = applicants(gone=0.1)
    frame = training.frame.copy()
    frame.loc[frame["id"] < 5, "gender"] = "Other"
    treated = Augment().treat(training.of(table=Table.of(frame)))
    alone = frame["gender"].isna() | (frame["gender"] == "Other")
    rows = treated.training.frame["id"].value_counts()
    assert (rows[frame.loc[alone, "id"]] == 1).all()
    assert (rows[frame.loc[~alone, "id"]] == 2).all()
    assert treated.notes[1] == (
        f"{alone.sum()} rows without twins: gender is missing there, or is no declared level."
    )


@given(st.integers(1, 60), st.integers(2, 14), st.booleans(), st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_everybody_weighs_as_much_as_before(n, most, weighted, seed):
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 5, n + 7).astype(float) if weighted else None
    training = crossed(n + 7, seed, weight)
    frame = training.frame.astype({"a": "float"})
    frame.loc[:6, "a"], frame.loc[7:, "a"] = [0, 1, 2, 0, 1, 2, 0], frame["a"][7:]
    frame.loc[:3, "b"] = [0, 1, 2, 3]
    frame.loc[6, "a"] = np.nan
    training = training.of(table=Table.of(frame))
    treated = Augment(most=most, share=0).treat(training).training
    person = treated.frame["x"].to_numpy()
    own = np.ones(n + 7) if weight is None else weight
    assert np.bincount(person, treated.weight) == pytest.approx(own)
    assert (treated.weight >= 0).all()
    rows = np.bincount(person)
    assert rows[6] == 1
    assert set(np.delete(rows, 6)) == {min(most, 12)}
    assert not treated.frame.duplicated().any()


def test_with_some_of_the_cells_attributes_say_nothing_of_each_other_or_the_label():
    training = crossed(20_000)
    for most in (4, 12):
        treated = Augment(most=most, share=0).treat(training).training
        frame = treated.frame.assign(w=treated.weight, y=treated.label * treated.weight)
        cells = frame.groupby(["a", "b"])[["w", "y"]].sum()
        # 12 cells of the same weight; in each the share of favorable labels is that of all.
        tolerance = 1e-9 if most == 12 else 0.06
        assert cells["w"].to_numpy() == pytest.approx(20_000 / 12, rel=tolerance)
        assert (cells["y"] / cells["w"]).to_numpy() == pytest.approx(
            training.label.mean(), abs=tolerance
        )
    # Or this would show nothing: it is not so in the rows as they are.
    frame = training.frame.assign(y=training.label)
    assert frame.groupby("a")["y"].mean().tolist() == [1, 0, 0]


def test_an_estimator_without_weights_is_handed_rows_alone():
    treated = Augment().treat(loans().of(estimator=KNeighborsClassifier()))
    assert treated.training.weight is None
    assert "takes no weights" in treated.notes[-1]
    assert len(treated.training) == 2_000
    assert Augment().treat(loans()).training.weight.tolist() == [0.5] * 2_000


def test_people_of_several_blocks():
    training = loans(70_000)
    frame = Augment().treat(training).training.frame
    assert (frame["code"] == (frame["gender"] == "Male")).all()
    assert len(frame) == 140_000


# --- labels at the reference ----------------------------------------------------------------------


def test_labels_at_the_reference_are_those_of_men():
    treated = Augment(label="reference").treat(loans())
    frame = treated.training.frame.assign(label=treated.training.label)
    # Men are always approved, and trees know it for certain; where they put the line for women
    # differs a little from tree to tree, and right beside it they see no difference.
    refused = int((loans().label == 0).sum())
    assert refused > 200
    left = frame[frame["label"] == 0]
    assert len(left) <= 4
    assert left["income"].between(79_500, 80_000).all()
    assert treated.notes[1] == (
        f"Gave {refused - len(left) // 2} of 1,000 labels the value that it would have had at the "
        "reference."
    )


def test_labels_stay_where_no_level_matters_and_at_the_reference():
    training = applicants(400, women=0.5).of(
        features=("skill", "tests"), estimator=LogisticRegression()
    )
    treated = Augment(label="reference").treat(training).training
    assert (treated.label[:400] == training.label).all()

    sees = training.of(features=("code", "skill"))
    label = Augment(label="reference").treat(sees).training.label[:400]
    male = training.frame["gender"].to_numpy() == "Male"
    assert (label[male] == sees.label[male]).all()
    assert (label[~male] != sees.label[~male]).any()
    # Women gain and lose nothing: the model finds them worse off everywhere.
    assert ((label == "yes") >= (sees.label == "yes")).all()


def test_labels_at_the_reference_have_its_rate():
    """30 % of women and 60 % of men have the good label, whatever else is known of them."""
    rng = np.random.default_rng(1)
    n = 6_000
    male = rng.random(n) < 0.5
    label = (rng.random(n) < np.where(male, 0.6, 0.3)).astype(int)
    frame = pd.DataFrame(
        {"gender": np.where(male, "Male", "Female"), "code": male.astype(int), "x": rng.random(n)}
    )
    training = loans().of(
        table=Table.of(frame), label=label, features=("code", "x"), estimator=LogisticRegression()
    )
    for reference, rate in (("Male", 0.6), ("Female", 0.3)):
        protect = {"gender": Protected(levels=("Male", "Female"), reference=reference)}
        treated = Augment(label="reference").treat(training.of(protect=protect)).training
        other = frame["gender"].to_numpy() != reference
        assert treated.label[:n][other].mean() == pytest.approx(rate, abs=0.03)
        # Whoever had the better label among those worse off keeps it; nobody moves needlessly.
        moved = (treated.label[:n] != label)[other].mean()
        assert moved == pytest.approx(0.3, abs=0.03)


def test_a_label_too_rare_for_a_reference():
    training = loans(40)
    label = np.ones(40, int)
    label[0] = 0
    with pytest.raises(DataError, match="too rare to be held out"):
        Augment(label="reference").treat(training.of(label=label))


# --- small groups ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_small_groups_are_filled_with_synthetic_people(kind):
    training = applicants(600, women=0.1, gone=0.05)
    if kind == "polars":
        training = training.of(table=Table.of(pl.from_pandas(training.frame)))
    treated = Augment(twins=False, share=0.5).treat(training)
    filled, before = treated.training.frame, training.frame
    if kind == "polars":
        filled, before = filled.to_pandas(), before.to_pandas()
    sizes = before["gender"].value_counts()
    added = int(np.ceil(sizes["Male"] / 2)) - sizes["Female"]
    assert treated.notes == (f"Added {added} synthetic people of 1 small group.",)
    assert len(filled) == 600 + added

    # An ID is true of a real person only.
    assert list(filled.columns) == [name for name in before.columns if name != "id"]
    assert (filled.dtypes == before.dtypes[filled.columns]).all()
    real = filled[:600].reset_index(drop=True)
    pd.testing.assert_frame_equal(real, before[filled.columns].reset_index(drop=True))

    made, women = filled[600:], before[before["gender"] == "Female"]
    assert set(made["gender"]) == {"Female"}
    assert set(made["code"]) == {0}
    assert made["name"].nunique() > 0.9 * added
    assert not set(made["name"]) & {"Ann Smith", "Bob Smith"}
    assert made["skill"].between(women["skill"].min(), women["skill"].max()).all()
    assert made["skill"].mean() == pytest.approx(women["skill"].mean(), abs=2)
    assert set(made["tests"]) <= set(women["tests"])
    assert set(made["since"]) <= set(women["since"])
    assert made["away"].isna().mean() == pytest.approx(women["away"].isna().mean(), abs=0.1)
    # Dependence is learned, that on the label too.
    assert np.corrcoef(made["skill"], made["tests"])[0, 1] > 0.8
    assert (
        made["skill"][made["job"] == "clerk"].mean() > made["skill"][made["job"] == "nurse"].mean()
    )
    label = treated.training.label
    assert label.dtype == training.label.dtype
    good = label[600:] == "yes"
    own = training.label[(before["gender"] == "Female").to_numpy()] == "yes"
    assert good.mean() == pytest.approx(own.mean(), abs=0.1)
    assert made["skill"][good].mean() > made["skill"][~good].mean() + 3


def test_synthetic_people_get_twins_and_the_mean_weight_of_their_group():
    training = applicants(300, women=0.1)
    male = (training.frame["gender"] == "Male").to_numpy()
    training = training.of(weight=np.where(male, 1.0, 3.0))
    treated = Augment(smallest=200).treat(training)
    women = int((~male).sum())
    rows = 300 + 200 - women
    assert treated.notes == (
        f"Added {rows} twins, and {200 - women} synthetic people of 1 small group.",
    )
    assert len(treated.training) == 2 * rows
    assert treated.training.weight.sum() == pytest.approx(training.weight.sum() + 3 * (200 - women))
    counts = treated.training.frame["gender"].value_counts()
    assert counts["Male"] == counts["Female"] == rows


def test_a_group_of_a_few_is_drawn_like_everybody():
    training = applicants(300, women=0.5)
    frame = training.frame
    male = (frame["gender"] == "Male").to_numpy()
    keep = np.flatnonzero(male | (np.cumsum(~male) <= 3))
    few = training.take(keep).of(label=np.where(male, "yes", "no").astype(object)[keep])
    treated = Augment(twins=False, smallest=100).treat(few)
    made = treated.training.frame[len(few) :]
    assert set(made["gender"]) == {"Female"}
    assert set(made["code"]) == {0}
    # No three values again, but the spread of all.
    assert made["skill"].nunique() > 30
    assert made["skill"].std() == pytest.approx(frame["skill"][male].std(), rel=0.35)
    assert (treated.training.label[len(few) :] == "yes").mean() > 0.8


def test_a_group_that_nobody_is_in_is_not_made_up():
    training = crossed(200)
    frame = training.frame
    keep = np.flatnonzero(((frame["a"] != 2) | (frame["b"] != 3)).to_numpy())
    treated = Augment(twins=False, smallest=40).treat(training.take(keep)).training
    sizes = treated.frame.groupby(["a", "b"]).size()
    assert (2, 3) not in sizes.index
    assert sizes.min() == 40
    assert np.isin(treated.frame["x"], frame["x"]).all()


def test_groups_that_are_large_enough_get_nobody():
    treated = Augment(smallest=100, share=0.1).treat(loans())
    assert treated.notes == ("Added 1,000 twins.",)
    kept = Augment(twins=False, smallest=100).treat(loans())
    assert kept.notes == ("Added 0 synthetic people of 0 small groups.",)
    assert len(kept.training) == 1_000


def test_a_model_learns_from_all_of_it():
    training = applicants(300, women=0.1).of(features=("code", "skill", "tests"))
    mended = Augment(smallest=100, label="reference").mend(training)
    men, women = training.X.assign(code=1), training.X.assign(code=0)
    assert set(mended.model.predict(men)) == {"yes", "no"}
    assert (mended.model.predict(men) == mended.model.predict(women)).all()


# --- promises -------------------------------------------------------------------------------------


def test_the_seed_alone_makes_the_rows():
    training = applicants(200, gone=0.05)
    kind = Augment(smallest=120)
    one, again = (kind.treat(training).training for _ in range(2))
    pd.testing.assert_frame_equal(one.frame, again.frame)
    assert (one.label == again.label).all()
    assert not kind.treat(training.of(seed=7)).training.frame.equals(one.frame)


def test_the_frame_of_the_caller_is_left_alone():
    training = applicants(100)
    before, label = training.frame.copy(deep=True), training.label.copy()
    Augment(smallest=80, label="reference").treat(training.of(features=("code", "skill")))
    pd.testing.assert_frame_equal(training.frame, before)
    assert (training.label == label).all()


def test_a_column_that_cannot_hold_a_twin():
    training = loans()
    frame = training.frame.assign(sex=pd.Categorical(["Male"] * 1_000))
    odd = training.of(
        table=Table.of(frame), features=("sex",), fields={"sex": pb.copy_of("gender")}
    )
    with pytest.raises(DataError, match='"Female" is no category of the column "sex"'):
        Augment().treat(odd)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"twins": False, "share": 0}, r"\$.twins"),
        ({"twins": False, "smallest": 9, "label": "reference"}, r"\$.label"),
        ({"label": "refrence"}, r'\$.label: .*did you mean "reference"'),
        ({"share": -0.1}, r"\$.share"),
        ({"share": 1.5}, r"\$.share"),
        ({"smallest": 0}, r"\$.smallest"),
        ({"most": 1}, r"\$.most"),
    ],
)
def test_options_that_make_no_sense(options, path):
    with pytest.raises(SpecError, match=path):
        Augment(**options)


def test_groups_far_smaller_than_the_largest_are_filled_where_nothing_is_said():
    training = crossed(20_000)
    sizes = training.frame.groupby(["a", "b"]).size()
    treated = Augment(twins=False).treat(training).training
    filled = treated.frame.groupby(["a", "b"]).size()
    least = -(-sizes.max() // 10)
    assert (sizes < least).any()
    assert filled.tolist() == np.maximum(sizes, least).tolist()


def test_it_is_a_kind():
    assert MITIGATIONS.parse({"kind": "augment", "smallest": 50}) == Augment(smallest=50)
    assert Augment.stage == "data"
    assert MITIGATIONS.sentence("augment").startswith("Learn from the twins of every person too")
