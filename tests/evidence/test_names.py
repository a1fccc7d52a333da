"""Names as random effects: what a name does is not what a level does."""

import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.evidence._names import TOO_FEW, Names
from paribus.evidence.counterfactual import Counterfactual
from paribus.evidence.paired import Paired

GENDER = {"gender": ["Male", "Female"]}
FOLLOWS = {"gender": {"Male": "MALE", "Female": "FEMALE"}}
FIRST = "person.first_name"
FEW = {"locale": "ar-ye"}
"""A list of some 60 first names a level, so that each is the name of many people."""


def random_effects(names, seed, sd=0.05):
    """Give every name an effect of its own, whatever the level that it is drawn for."""
    known = {
        name: np.random.default_rng([seed, zlib.crc32(name.encode())]).normal(0, sd)
        for name in names.unique()
    }
    return names.map(known).to_numpy(float)


def scores_by_name(seed, sd=0.05, gap=0.0):
    def model(people):
        score = 0.5 + 0.3 * (people["x"] - 0.5) + random_effects(people["name"], seed, sd)
        return (score - gap * (people["gender"] == "Female")).to_numpy()

    return model


def audit(model, *, method=FIRST, options=FEW, names=20, placebo=True, fields=None, **more):
    given = {"people": 300, "tolerance": 0.0, "seed": 0, "outcome": "score"}
    return pb.audit(
        model,
        protect=GENDER,
        fields={
            "name": pb.mimesis(method, follows=FOLLOWS, **options),
            "x": pb.uniform(0, 1),
            **(fields or {}),
        },
        tests=[Counterfactual(names=names, placebo=placebo), Paired()],
        **{**given, **more},
    )


def rows(record):
    return {row.unit: row for row in record.evidence if row.held}


@pytest.mark.parametrize(
    ("outcome", "count"),
    [
        ({"outcome": "score"}, 80),
        ({"outcome": "score", "threshold": 0.5}, 40),
    ],
)
def test_names_that_differ_are_seldom_taken_for_a_level_that_does(outcome, count):
    """Over people alone, a few names of one level that do badly pass for the level."""
    false = unclustered = 0
    for seed in range(count):
        record = audit(scores_by_name(seed), seed=seed, **outcome)
        false += record.verdict == "biased"
        by_people = next(r for r in record.evidence if r.test == "paired" and r.unit == "score gap")
        unclustered += by_people.p <= 0.05
    assert false / count <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / count)
    assert unclustered / count > 0.25


def test_a_level_that_does_differ_is_found_among_names_that_do():
    found = rows(audit(scores_by_name(1, gap=0.1), people=1_000))
    assert found["score gap"].names > 40
    assert found["score gap"].high < -0.05
    assert "names a level" in found["score gap"].method
    assert audit(scores_by_name(1, gap=0.1), people=1_000).verdict == "biased"


def test_pools_of_different_sizes_have_the_names_of_the_smaller_one():
    """Of English first names some 1,200 are male and 2,300 female."""
    record = audit(scores_by_name(3), options={}, people=5_000)
    assert 900 < rows(record)["score gap"].names < 1_300


@pytest.mark.parametrize("method", ["person.full_name", "person.first_name"])
def test_a_surname_that_both_twins_share_is_no_name_of_the_level(method):
    """In English the list of surnames is the same for all: it is no random effect of the level."""
    alone = audit(
        lambda d: random_effects(d["name"].str.split().str[0], 5), method=method, options={}
    )
    assert (
        rows(alone)["score gap"].names
        == rows(audit(lambda d: random_effects(d["name"].str.split().str[0], 5), options={}))[
            "score gap"
        ].names
    )
    surnames = audit(
        lambda d: random_effects(d["name"].str.split().str[-1], 5), method="person.last_name",
        options={}, people=500, tolerance=0.01,
    )  # fmt: skip
    assert {row.names for row in rows(surnames).values()} == {None}
    assert set(rows(surnames)) == {"score gap", "absolute gap"}
    assert surnames.verdict == "within tolerance"


def test_a_username_made_of_a_name_carries_it():
    record = audit(
        lambda d: random_effects(d["user"].str.extract(r"^([a-z]+)")[0].fillna(""), 2),
        method="person.full_name",
        options={},
        fields={"user": pb.mimesis("person.username", of="name")},
        features=["user"],
        people=400,
    )
    assert rows(record)["score gap"].names is not None


def titled(d):
    """Titles matter, and so does the level."""
    return 0.5 + 0.01 * d["name"].str.len() - 0.2 * (d["gender"] == "Female")


def test_a_short_list_that_is_used_up_is_no_sample_of_names():
    """Three titles a level are all there are: whoever asks again asks the same ones."""
    record = audit(titled, method="person.title", people=400)
    assert rows(record)["score gap"].names is None
    assert record.verdict == "biased"


def test_fewer_names_than_it_takes_prove_nothing_and_the_sentence_says_why():
    record = audit(scores_by_name(1, gap=0.5), people=15)
    assert record.verdict == "inconclusive"
    for row, finding in zip(rows(record).values(), record.findings, strict=True):
        assert row.names < 20
        assert (row.p_outside, row.p_within) == (1.0, 1.0)
        assert TOO_FEW in row.method
        assert f"{row.names} names a level are too few to tell what a level does" in (
            finding.sentence
        )
        assert finding.more is None
    assert audit(scores_by_name(1, gap=0.5), people=15, names=5).verdict == "biased"


@pytest.mark.parametrize("people", [1, 2, 5])
def test_a_handful_of_people_is_a_handful_of_names(people):
    record = audit(scores_by_name(1, gap=0.5), people=people, options={})
    assert record.verdict == "inconclusive"


def test_names_that_never_move_an_answer_carry_no_signal():
    """A model that reads a gender off a name is moved by the gender; there is no random effect."""
    read = audit(
        lambda d: np.where(d["gender"] == "Female", 0.4, 0.5) + 0.0 * d["name"].str.len(), people=15
    )
    assert {row.names for row in rows(read).values()} == {None}
    assert set(rows(read)) == {"score gap", "absolute gap"}
    assert read.verdict == "biased"


def test_real_rows_with_their_names_replaced():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "gender": rng.choice(["Male", "Female"], 400),
            "name": "somebody",
            "x": rng.uniform(0, 1, 400),
        }
    )
    options = {
        "protect": GENDER,
        "fields": {"name": pb.mimesis(FIRST, follows=FOLLOWS, **FEW)},
        "outcome": "score",
        "tolerance": 0.0,
    }
    fair = pb.audit(scores_by_name(4), data=frame, **options)
    assert rows(fair)["score gap"].names > 40
    assert fair.verdict == "inconclusive"
    assert pb.audit(scores_by_name(4, gap=0.2), data=frame, **options).verdict == "biased"
    # Of a gender that the data do not know, everybody is asked at both levels.
    unknown = pb.audit(scores_by_name(4, gap=0.2), data=frame.drop(columns="gender"), **options)
    assert rows(unknown)["score gap"].names > 40


def test_cells_of_crossed_attributes_share_names_too():
    record = pb.audit(
        lambda d: random_effects(d["name"], 7) - 0.3 * (d["race"] == "Black"),
        protect={**GENDER, "race": ["White", "Black"]},
        fields={"name": pb.mimesis(FIRST, follows=FOLLOWS, **FEW)},
        people=400, outcome="score", tolerance=0.01, cross=[("gender", "race")],
    )  # fmt: skip
    gaps = {(r.attribute, r.group): r for r in record.evidence if r.unit == "score gap" and r.held}
    # Of a cell with the same gender as the reference cell the names are the same: no draw of many.
    assert gaps["race", "Black"].names is None
    assert gaps["gender x race", "Male x Black"].names is None
    assert gaps["gender", "Female"].names > 40
    assert gaps["gender x race", "Female x Black"].names > 40
    biased = {(f.attribute, f.group) for f in record.findings if f.verdict == "biased"}
    assert {group for _, group in biased} == {"Black", "Male x Black", "Female x Black"}


# --- beyond the placebo ---------------------------------------------------------------------------


def test_what_a_mere_change_of_name_does_is_taken_away():
    """The level moves nobody whom another name would not."""
    record = audit(
        scores_by_name(2, sd=0.2), people=3_000, options={}, threshold=0.5, tolerance=0.1
    )
    found = rows(record)
    assert set(found) == {
        "net gap", "score gap", "excess flip rate", "excess absolute gap",
    }  # fmt: skip
    raw = {
        (row.contrast, row.unit): row.estimate
        for row in record.evidence
        if row.test == "counterfactual" and row.unit in {"flip rate", "absolute gap"}
    }
    assert raw["level", "flip rate"] > 0.3
    assert found["excess flip rate"].estimate == pytest.approx(
        raw["level", "flip rate"] - raw["placebo", "flip rate"], abs=0.01
    )
    assert found["excess absolute gap"].estimate == pytest.approx(
        raw["level", "absolute gap"] - raw["placebo", "absolute gap"], abs=0.01
    )
    assert record.verdict == "within tolerance"
    sentence = next(f.sentence for f in record.findings if f.unit == "excess flip rate")
    assert "than another name alone does" in sentence
    assert " % against " in sentence


def test_a_placebo_that_draws_the_same_name_again_is_none():
    """Of 58 names one in 58 comes again; counted, it would make the level look worse."""
    record = audit(scores_by_name(2), people=1_000)
    excess = rows(record)["excess absolute gap"]
    assert 960 < excess.people < 1_000
    assert excess.answered == excess.people


def test_a_placebo_that_moves_more_than_the_level_is_no_bias():
    """Surnames alone matter, and both twins have the same: only the placebo moves answers."""
    for more in ({}, {"threshold": 0.5}):
        record = audit(
            lambda d: random_effects(d["name"].str.split().str[0], 1, 0.01)
            + random_effects(d["name"].str.split().str[-1], 1, 0.2) + 0.5,
            method="person.full_name", options={}, people=1_000, tolerance=0.05, **more,
        )  # fmt: skip
        excess = {unit: row for unit, row in rows(record).items() if unit.startswith("excess")}
        assert len(excess) == 1 + len(more)
        for row in excess.values():
            assert row.high < 0
            assert row.p_outside == 1.0
            assert row.p_within < 0.01
        told = [f for f in record.findings if f.unit in excess]
        assert {f.verdict for f in told} == {"within tolerance"}
        assert any(" less than another name alone does" in f.sentence for f in told)


def test_a_level_that_moves_more_than_its_names_is_found():
    record = audit(
        lambda d: random_effects(d["name"], 1, 0.01)
        + 0.5 * np.where(d["x"] > 0.5, 1, -1) * (d["gender"] == "Female"),
        options={}, people=1_000, tolerance=0.05,
    )  # fmt: skip
    verdicts = {f.unit: f.verdict for f in record.findings}
    assert verdicts["excess absolute gap"] == "biased"


def labels_by_name(people):
    return np.array(["a", "b", "c"])[people["name"].str.len() % 3]


@pytest.mark.parametrize("favorable", [None, "a"])
def test_labels_beyond_the_placebo(favorable):
    more = {} if favorable is None else {"favorable": favorable}
    record = audit(labels_by_name, outcome="label", labels=["a", "b", "c"], people=500, **more)
    expected = {"excess label change rate"}
    expected |= set() if favorable is None else {"net gap", "excess flip rate"}
    assert set(rows(record)) == expected
    assert record.verdict == "inconclusive"


def test_missing_answers_are_at_their_worst_over_names_too():
    def refusing(share):
        def model(people):
            scores = scores_by_name(6, gap=0.1)(people).astype(object)
            scores[(people["x"] < share).to_numpy()] = None
            return scores

        return model

    options = {"people": 800, "tolerance": 0.01, "threshold": 0.5}
    for share in (0.02, 0.2, 0.9):
        part = rows(audit(refusing(share), **options))
        assert len(part) == 4
        for row in part.values():
            assert row.names >= 40
            # Those who answered, and the others at either end of what they could have said.
            told = row.answered / row.people
            assert row.low <= told * row.estimate <= row.high
            if row.unit in {"net gap", "excess flip rate"}:
                assert row.high - row.low >= 1 - told
            if share == 0.9:
                assert row.p_outside == row.p_within == 1.0


@given(
    st.integers(3, 8),
    st.integers(1, 3),
    st.floats(0, 0.3),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.integers(0, 10**6),
)
@settings(max_examples=80, deadline=None)
def test_missing_values_are_bounded_over_names_by_any_completion(
    count, gone, middle, tolerance, seed
):
    rng = np.random.default_rng(seed)
    n = 10 * count
    codes = rng.integers(0, count, n), rng.integers(0, count, n)
    names = Names((codes,), (), count, np.ones(n, bool))
    values = np.clip(rng.normal(middle, 0.2, n), -1, 1)
    told = np.arange(n) >= gone
    ends = np.where(told, values, -1.0), np.where(told, values, 1.0)
    low, high, outside, within = names.widen(ends, told, tolerance, 0.95, 2.0)
    for _ in range(20):
        values[:gone] = rng.choice([-1.0, 1.0], gone)
        here = names.widen((values, values), np.ones(n, bool), tolerance, 0.95, 2.0)
        assert low <= here[0] + 1e-9
        assert high >= here[1] - 1e-9
        assert outside >= min(here[2], 0.5) - 1e-9
        assert within >= min(here[3], 0.5) - 1e-9
