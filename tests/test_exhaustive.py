"""Audits of everybody in the declared domain: exact against brute force over all combinations."""

import itertools
import json
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus import answers
from paribus.studies.loan import biased_model

GENDER = {"gender": ["Male", "Female"]}
SEEN = ("gender", "race", "age", "city", "tone")
LEVELS = {"gender": ("m", "f"), "race": ("a", "b", "c")}


def plain(record):
    return record.model_copy(update={"run": {}}).json_text()


def rows(record, unit, *, group=None):
    return [r for r in record.evidence if r.unit == unit and (group is None or r.group == group)]


# --- against brute force --------------------------------------------------------------------------


def answer_of(table, kind):
    """A model that is a table of answers by everything it sees; None and NaN are missing."""

    def model(d):
        keys = zip(*(d[name].tolist() for name in SEEN), strict=True)
        said = [table[hash_of(key)] for key in keys]
        return said if kind != "score" else [np.nan if v is None else v for v in said]

    return model


def hash_of(key):
    gender, race, age, city, tone = key
    return (
        7 * (gender == "f") + 3 * LEVELS["race"].index(race) + 5 * age + 11 * "xyz".index(city)
        + 2 * (tone == "dark")
    ) % 16  # fmt: skip


ANSWERS = {
    "decision": st.sampled_from([1, 1, 0, 0, None]),
    "score": st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0, None]),
    "label": st.sampled_from(["p", "q", "r", None]),
}


@st.composite
def domains(draw):
    kind = draw(st.sampled_from(list(ANSWERS)))
    table = draw(st.lists(ANSWERS[kind], min_size=16, max_size=16))
    if all(v is None for v in table):
        table[0] = {"decision": 1, "score": 0.5, "label": "p"}[kind]
    weights = draw(st.none() | st.just([0.5, 0.25, 0.25]) | st.just([0.2, 0.3, 0.5]))
    own = draw(st.none() | st.just([0.25, 0.75]))
    ages = draw(st.integers(1, 4))
    cross = draw(st.booleans())
    return kind, table, weights, own, ages, cross


def everybody(weights, own, ages):
    """All people: own gender, own race, age and city, each with its likelihood."""
    city = weights or [1 / 3] * 3
    gender = own or [0.5, 0.5]
    for (g, pg), r, age, (c, pc) in itertools.product(
        zip("mf", gender, strict=True), "abc", range(ages), zip("xyz", city, strict=True)
    ):
        yield {"gender": g, "race": r, "age": age, "city": c}, pg / 3 / ages * pc


def looks(person):
    """Gender and race move freely; the tone follows the race, through a map."""
    tone = "dark" if person["race"] != "a" else "light"
    return person["gender"], person["race"], person["age"], person["city"], tone


def brute_force(table, people, moved, kind):
    """Weigh every pair of twins, one after the other."""
    out = defaultdict(float)
    for person, likely in people:
        one, other = (table[hash_of(looks(person | move))] for move in moved)
        if one is None or other is None:
            out["missing"] += likely
            continue
        out["answered"] += likely
        if kind == "decision":
            out["flips"] += likely * (one != other)
            out["net"] += likely * (other - one)
        elif kind == "score":
            out["gap"] += likely * (other - one)
            out["size"] += likely * abs(other - one)
        else:
            out["changed"] += likely * (one != other)
    return out


UNITS = {
    "decision": {"flip rate": "flips", "net gap": "net"},
    "score": {"score gap": "gap", "absolute gap": "size"},
    "label": {"label change rate": "changed"},
}


@given(domains())
@settings(max_examples=40, deadline=None)
def test_exact_as_brute_force_over_all_combinations(drawn):
    kind, table, weights, own, ages, cross = drawn
    options = {
        "decision": {"favorable": 1, "labels": [1, 0]},
        "score": {"outcome": "score"},
        "label": {"outcome": "label", "labels": ["p", "q", "r"]},
    }[kind]
    record = pb.audit(
        answer_of(table, kind),
        protect={
            "gender": {"levels": LEVELS["gender"]} | ({"weights": own} if own else {}),
            "race": LEVELS["race"],
        },
        fields={
            "age": pb.integers(0, ages - 1),
            "city": pb.choice(["x", "y", "z"], **({"weights": weights} if weights else {})),
            "tone": pb.map_of("race", {"a": "light", "b": "dark", "c": "dark"}),
            "id": pb.mimesis("cryptographic.uuid"),
        },
        features=SEEN,
        cross=[("gender", "race")] if cross else [],
        tolerance=0.1,
        **options,
    )
    assert record.exhaustive
    assert record.people == 2 * 3 * ages * 3
    people = list(everybody(weights, own, ages))
    contrasts = {("gender", "f"): ({"gender": "m"}, {"gender": "f"})}
    contrasts |= {("race", r): ({"race": "a"}, {"race": r}) for r in "bc"}
    if cross:
        cells = [(g, r) for g in "mf" for r in "abc"]
        first = {"gender": "m", "race": "a"}
        for g, r in cells[1:]:
            contrasts["gender x race", f"{g} x {r}"] = (first, {"gender": g, "race": r})
    held = {(f.attribute, f.group, f.unit): f for f in record.findings}
    assert {key[:2] for key in held} == set(contrasts)
    for (attribute, group), moved in contrasts.items():
        truth = brute_force(table, people, moved, kind)
        for unit, name in UNITS[kind].items():
            found = held[attribute, group, unit]
            known = truth[name] / truth["answered"] if truth["answered"] else 0.0
            assert found.estimate == pytest.approx(known, abs=1e-12)
            assert found.exact
            assert found.low <= found.estimate <= found.high
            if not truth["missing"]:
                assert found.low == found.high == found.estimate
                verdict = "biased" if abs(known) > 0.1 + 1e-9 else "within tolerance"
                if abs(abs(known) - 0.1) > 1e-9:
                    assert found.verdict == verdict
            spread = max(abs(found.low), abs(found.high))
            assert spread <= 1 + 1e-12
            assert f"{'exact over the declared domain'}" in found.sentence
    json.loads(record.json_text())


# --- several blocks, all executors ----------------------------------------------------------------


def large(d):
    return ((d["gender"] == "Male") | (d["x"] % 1_000 >= 37)).astype(int)


def test_several_blocks_are_exact_whoever_asks(tmp_path):
    records = [
        pb.audit(
            large, protect=GENDER, fields={"x": pb.integers(0, 149_999)}, favorable=1, workers=w
        )
        for w in (1, 2, 3)
    ]
    assert len({plain(r) for r in records}) == 1
    record = records[0]
    assert (record.people, record.run["questions"]) == (150_000, 300_000)
    assert {f.estimate for f in record.findings} == {0.037, -0.037}
    assert {(w.same["x"] % 1_000 < 37) for w in record.witnesses} == {True}
    pairs = record.pairs("pyarrow")
    assert sorted(pairs["x"].to_pylist()) == list(range(150_000))
    for witness in record.witnesses:
        assert pairs["x"][witness.person].as_py() == witness.same["x"]
        assert pairs["flip"][witness.person].as_py()
    opened = pb.open_record(record.save(tmp_path / "all.json"))
    assert opened.json_text() == record.json_text()
    assert opened.exhaustive


@pytest.mark.parametrize(("refused", "granted"), [(30, 29), (7, 8), (100, 99), (58, 57)])
def test_a_gap_of_exactly_the_tolerance_is_within_it(refused, granted):
    """Of a hundred people: 0.3 - 0.29 is more than 0.01 in floating point."""
    record = pb.audit(
        lambda d: (d["x"] < np.where(d["gender"] == "Male", refused, granted)).astype(int),
        protect=GENDER, fields={"x": pb.integers(0, 99)}, favorable=1, tolerance=0.01,
    )  # fmt: skip
    assert {abs(f.estimate) for f in record.findings} == {0.01}
    assert record.verdict == "within tolerance"


def test_what_is_missing_bounds_what_is_exact():
    """Of twenty people five women have no answer, and five men alone get the favorable one."""

    def model(d):
        woman = np.asarray(d["gender"] == "Female")
        return np.where(woman & (d["x"] < 5), None, np.where(woman & (d["x"] < 10), 0, 1))

    record = pb.audit(model, protect=GENDER, fields={"x": pb.integers(0, 19)}, favorable=1)
    flips, net = record.findings
    assert (flips.unit, flips.estimate, flips.low, flips.high) == ("flip rate", 5 / 15, 0.25, 0.5)
    assert (net.unit, net.estimate, net.low, net.high) == ("net gap", -5 / 15, -0.5, -0.25)
    assert {f.verdict for f in (flips, net)} == {"biased"}
    assert "as answers are missing" in net.sentence


def test_likelihoods_count_in_every_block():
    record = pb.audit(
        lambda d: ((d["gender"] == "Male") | (d["city"] != "x")).astype(int),
        protect=GENDER,
        fields={
            "n": pb.integers(0, 49_999),
            "city": pb.choice(["x", "y", "z"], weights=[0.125, 0.375, 0.5]),
        },
        favorable=1,
    )
    assert record.people == 150_000
    assert rows(record, "flip rate")[0].estimate == pytest.approx(0.125, abs=1e-12)
    rate = rows(record, "favorable rate", group="Female")[0]
    assert rate.estimate == pytest.approx(0.875, abs=1e-12)


def test_mean_answers_are_by_likelihood_beyond_those_that_are_kept(monkeypatch):
    """Of 150,000 people: those with an answer of 1 are 0.4 of an eighth."""
    monkeypatch.setattr(answers, "KEPT", 65_536)
    record = pb.audit(
        lambda d: np.where((d["city"] == "x") & (d["n"] < 20_000), 1.0, 0.0),
        protect=GENDER,
        fields={
            "n": pb.integers(0, 49_999),
            "city": pb.choice(["x", "y", "z"], weights=[0.125, 0.375, 0.5]),
        },
        outcome="score",
    )
    assert [r.estimate for r in rows(record, "mean answer")] == pytest.approx([0.05, 0.05])


def test_mean_answers_are_by_likelihood():
    record = pb.audit(
        lambda d: np.where(d["city"] == "x", 1.0, np.where(d["city"] == "y", 0.5, 0.0)),
        protect=GENDER,
        fields={"city": pb.choice(["x", "y", "z"], weights=[0.125, 0.375, 0.5])},
        outcome="score",
        features=["gender", "city"],
    )
    assert {r.estimate for r in rows(record, "mean answer")} == {0.125 + 0.375 / 2}


# --- who is asked ---------------------------------------------------------------------------------


def decides(d):
    return (d["gender"] == "Male").astype(int)


@pytest.mark.parametrize(
    ("fields", "options", "people", "exhaustive"),
    [
        ({"x": pb.integers(1, 700)}, {}, 700, True),
        ({"x": pb.integers(1, 700)}, {"people": "all"}, 700, True),
        ({"x": pb.integers(1, 700)}, {"people": 50}, 50, False),
        ({"x": pb.integers(1, 700)}, {"people": 700}, 700, False),
        ({"x": pb.integers(1, 700)}, {"exhaustive": 0}, 10_000, False),
        ({"x": pb.integers(1, 700)}, {"exhaustive": 1_399}, 10_000, False),
        ({"x": pb.integers(1, 700)}, {"exhaustive": 1_400}, 700, True),
        ({"x": pb.integers(1, 700)}, {"exhaustive": 0, "people": "all"}, 700, True),
        ({"x": pb.uniform(0, 1)}, {}, 10_000, False),
        ({"x": pb.uniform(0, 1)}, {"features": ["gender"]}, 1, True),
        ({"x": pb.integers(1, 10**9)}, {}, 10_000, False),
    ],
)
def test_who_is_asked(fields, options, people, exhaustive):
    record = pb.audit(decides, protect=GENDER, fields=fields, favorable=1, **options)
    assert (record.people, record.exhaustive) == (people, exhaustive)
    assert {f.exact for f in record.findings} == {exhaustive}
    assert record.verdict == "biased"
    assert {f.estimate for f in record.findings} == {1.0, -1.0}
    if exhaustive:
        assert {"exact over the declared domain" in f.sentence for f in record.findings} == {True}
        assert record.run["questions"] == 2 * people


def test_real_rows_are_never_a_domain():
    data = pd.DataFrame({"gender": ["Male", "Female"] * 30, "x": range(60)})
    record = pb.audit(decides, protect=GENDER, data=data, favorable=1)
    assert (record.people, record.exhaustive) == (60, False)
    with pytest.raises(pb.SpecError, match="where `people` is left out") as raised:
        pb.audit(decides, protect=GENDER, data=data, favorable=1, people="all")
    assert raised.value.path == "$.audit.people"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"height": pb.uniform(0, 1)}, 'the model sees "height", whose values cannot be listed'),
        (
            {"length": pb.normal(0, 1), "size": pb.copy_of("length")},
            'sees "length", whose values cannot be listed',
        ),
        ({"x": pb.integers(1, 10**8)}, "200,000,000 distinct questions, more than 10,000,000"),
    ],
)
def test_not_everybody_can_be_asked(fields, said):
    with pytest.raises(pb.SpecError) as raised:
        pb.audit(decides, protect=GENDER, fields=fields, favorable=1, people="all")
    assert said in raised.value.message
    assert raised.value.message.startswith("not everybody can be asked: ")
    assert raised.value.path == "$.audit.people"
    assert raised.value.exit_code == 2


def test_a_model_that_sees_one_person_only():
    """The domain is one person; still it is found out whether the model repeats itself."""
    record = pb.audit(
        decides, protect=GENDER, fields={"x": pb.uniform(0, 1)}, features=["gender"], favorable=1
    )
    assert [(w.reference_answer, w.group_answer) for w in record.witnesses] == [(1, 0)]
    assert len(record.pairs()) == 1
    rng = np.random.default_rng(1)
    noisy = pb.audit(
        lambda d: (rng.random(len(d)) < 0.9).astype(int),
        protect=GENDER, fields={"x": pb.uniform(0, 1)}, features=["gender"], favorable=1,
    )  # fmt: skip
    assert not noisy.exhaustive
    assert noisy.model.repeatable is False


@pytest.mark.parametrize("seed", range(6))
def test_noise_is_found_among_a_few_people(seed):
    """Four people, and one answer of twenty is chance: they are asked about again and again."""
    rng = np.random.default_rng(seed)
    record = pb.audit(
        lambda d: ((d["x"] > 1) ^ (rng.random(len(d)) < 0.05)).astype(int),
        protect=GENDER, fields={"x": pb.integers(0, 3)}, favorable=1,
    )  # fmt: skip
    assert record.model.repeatable is False
    assert not record.exhaustive


@pytest.mark.parametrize("share", [0.5, 0.005])
def test_of_a_model_that_does_not_repeat_itself_a_sample_is_asked(share):
    """Noise is found beforehand, or among the flips that it makes; nothing is exact then."""
    rng = np.random.default_rng(3)
    asked = []

    def model(d):
        asked.append(len(d))
        return (rng.random(len(d)) >= share).astype(int)

    record = pb.audit(
        model, protect=GENDER, fields={"x": pb.integers(1, 60_000)}, favorable=1, tolerance=0.05
    )
    assert not record.exhaustive
    assert (record.people, record.run["questions"]) == (10_000, 40_000)
    assert {f.unit for f in record.findings} == {"net gap"}
    assert record.verdict == "within tolerance"
    assert any("10,000 people were drawn instead" in note for note in record.notes)
    if share == 0.5:
        # What is known beforehand to be no exact answer is not paid for.
        assert sum(asked) == 40_000 + 512


# --- the loan example -----------------------------------------------------------------------------


def test_the_loan_example_is_exact():
    """Women with incomes from 30,000 to 79,997 are refused: 49,998 of 90,000."""
    record = pb.audit(
        biased_model(),
        protect=GENDER,
        fields={
            "applicant_id": pb.mimesis("cryptographic.uuid"),
            "income": pb.integers(30_000, 119_999),
            "gender_code": pb.map_of("gender", {"Male": 1, "Female": 0}),
        },
        favorable=1,
    )
    assert (record.people, record.exhaustive, record.verdict) == (90_000, True, "biased")
    for unit, sign in (("flip rate", 1), ("net gap", -1)):
        row = rows(record, unit)[0]
        assert row.estimate == row.low == row.high == sign * 49_998 / 90_000
        assert round(row.estimate, 6) == sign * 0.555533
        assert row.flips_against == 49_998
    region = record.regions[0]
    assert [c.text for c in region.rule] == ["income <= 79,997"]
    assert region.share == pytest.approx(49_998 / 90_000)
    assert region.estimate == -1.0
