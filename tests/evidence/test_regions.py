"""Regions: planted rules are found, measured on other people, and printed with honest digits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.evidence.regions import roundest

GENDER = {"gender": ["Male", "Female"]}
FIELDS = {
    "age": pb.integers(18, 80),
    "income": pb.lognormal(40_000, 0.5),
    "home": pb.choice(["own", "rent", "none"], [0.4, 0.3, 0.3]),
    "city": pb.choice(["Bonn", "Ulm"]),
}


def planted(rule, fields=FIELDS, people=20_000, protect=GENDER, **options):
    def model(d):
        return (~(rule(d) & (d["gender"] == "Female"))).astype(int)

    return pb.audit(model, protect=protect, fields=fields, people=people, favorable=1, **options)


def conditions(region):
    return {(c.field, c.relation, c.value) for c in region.rule}


def test_two_conditions_are_found():
    record = planted(lambda d: (d["age"] < 35) & (d["home"] == "none"), seed=1)
    (region,) = record.regions
    assert conditions(region) == {("age", "<=", 34.0), ("home", "is", "none")}
    assert {c.text for c in region.rule} == {"age <= 34", "home is none"}
    assert region.estimate == -1.0
    assert region.share == pytest.approx(17 / 63 * 0.3, abs=0.01)
    assert region.low >= -1
    assert (region.attribute, region.reference, region.group) == ("gender", "Male", "Female")


def test_an_excluded_category():
    record = planted(lambda d: d["home"] != "none", seed=1)
    (region,) = record.regions
    assert conditions(region) == {("home", "is not", "none")}


@pytest.mark.parametrize(
    ("cut", "shown"), [(50_000, "50,000"), (41_237, "41,2"), (30_000, "30,000")]
)
def test_a_threshold_has_no_false_precision(cut, shown):
    record = planted(lambda d: d["income"] <= cut, seed=2)
    (region,) = record.regions
    (condition,) = region.rule
    assert condition.relation == "<="
    assert condition.value == pytest.approx(cut, rel=2e-3)
    assert condition.text.startswith(f"income <= {shown}")
    # As many digits as some twenty thousand people support, not the sixteen of a float.
    assert (
        len(condition.text.replace("income <= ", "").replace(",", "").strip("0").rstrip(".")) <= 7
    )


def test_regions_are_measured_on_people_who_did_not_suggest_them():
    """Chance suggests rules among few people; the others do not bear them out."""
    regions = []
    for seed in range(30):
        table = np.random.default_rng(seed).integers(0, 2, (2, 120))
        record = pb.audit(
            lambda d, t=table: t[(d["gender"] == "Male").to_numpy().astype(int), d["n"]],
            protect=GENDER,
            fields={"n": pb.sequence(0), **FIELDS},
            people=120,
            favorable=1,
            features=["gender", "n", "age", "income", "home"],
            seed=seed,
        )
        regions.extend(record.regions)
    # Some 200 rules are suggested; the other half bears out those few that chance lets pass.
    assert len(regions) <= 20


def test_halves_are_disjoint():
    """Who suggests and who measures depends on the seed alone, and every one does one of both."""
    record = planted(lambda d: d["age"] < 50, people=4_000, seed=5)
    (region,) = record.regions
    pairs = record.pairs()
    inside = (pairs["age"] <= 49).sum()
    assert 0.4 < region.people / inside < 0.6


def test_missing_values_may_be_where_the_gap_lives():
    data = pd.DataFrame({"gender": ["Male", "Female"] * 2_000, "debt": np.arange(4_000.0)})
    data.loc[::3, "debt"] = np.nan
    record = pb.audit(
        lambda d: (~(d["debt"].isna() & (d["gender"] == "Female"))).astype(int),
        protect=GENDER,
        data=data,
        favorable=1,
    )
    (region,) = record.regions
    assert [c.text for c in region.rule] == ["debt is missing"]


def test_a_rule_never_names_what_differs_between_the_twins():
    fields = {**FIELDS, "code": pb.map_of("gender", {"Male": 1, "Female": 0})}
    record = planted(lambda d: d["age"] < 35, fields=fields, seed=6)
    named = {c.field for region in record.regions for c in region.rule}
    assert named == {"age"}


def test_a_rule_names_the_other_attribute_not_its_code():
    record = planted(
        lambda d: d["race_code"] == 1,
        fields={**FIELDS, "race_code": pb.map_of("race", {"white": 0, "black": 1})},
        protect={**GENDER, "race": ["white", "black"]},
        features=["gender", "race_code", "age"],
        seed=7,
    )
    region = next(r for r in record.regions if r.attribute == "gender")
    assert conditions(region) in ({("race", "is", "black")}, {("race", "is not", "white")})


def test_scores_have_regions_too():
    record = pb.audit(
        lambda d: np.where((d["gender"] == "Female") & (d["age"] < 40), 0.2, 0.7),
        protect=GENDER,
        fields=FIELDS,
        people=5_000,
        outcome="score",
    )
    (region,) = record.regions
    assert conditions(region) == {("age", "<=", 39.0)}
    assert region.unit == "score gap"
    assert region.estimate == pytest.approx(-0.5)


@pytest.mark.parametrize("people", [1, 2, 19, 60])
def test_few_people_give_no_error(people):
    planted(lambda d: d["age"] < 50, people=people)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e6))
@settings(max_examples=200, deadline=None)
def test_the_roundest_number_lies_between(low, width):
    if low < low + width:
        assert low <= roundest(low, low + width, whole=False) < low + width


@given(st.integers(1, 10**9), st.integers(1, 10**6))
@settings(max_examples=200, deadline=None)
def test_the_roundest_whole_number_has_the_most_zeros(low, width):
    cut = roundest(float(low), float(low + width), whole=True)
    assert low <= cut < low + width
    assert cut == int(cut)
    zeros = len(str(int(cut))) - len(str(int(cut)).rstrip("0"))
    rounder = 10 ** (zeros + 1)
    assert -(-low // rounder) * rounder >= low + width
