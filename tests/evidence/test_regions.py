"""Regions: planted rules are found, measured on other people, and printed with honest digits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus._seeds import generator
from paribus.auditing import protected
from paribus.evidence._cells import Changes, Exact, Signs, difference, merged
from paribus.evidence._cuts import roundest
from paribus.evidence.regions import Regions, people_in
from paribus.executors.serial import Serial
from paribus.people.population import People
from paribus.people.sample import Rows
from paribus.probe._ask import ask
from paribus.probe._handed import probe_of
from paribus.stats.paired import tango_interval
from paribus.table import Table
from paribus.testing import check_test
from paribus.twins import cell_contrasts, pair

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


def asked(
    model, *, protect=GENDER, fields=FIELDS, data=None, people=2_000, seed=0, cross=(), **how
):
    """Ask a model, and weigh nothing yet."""
    probe = probe_of(model, how or {"favorable": 1})
    rows = None if data is None else Rows(Table.of(data), seed, None)
    base = People(
        protect={name: protected(levels, "$") for name, levels in protect.items()},
        fields={} if data is not None else fields,
        size=people if rows is None else len(rows),
        seed=seed,
        rows=rows,
    )
    contrasts = [*Regions().needs(base), *(c for each in cross for c in cell_contrasts(base, each))]
    return ask(probe, probe.open(trust=False), pair(base, contrasts), Serial())


def weighed(answers, confidence=0.95, **options):
    return Regions(**options).weigh(answers, 0.01, confidence)


def frame_of(answers):
    """Give the kept people, which of them measure, and their decisions as pairs."""
    pairs = answers.pairs("pandas")
    half = generator(answers.twins.people.seed, "regions/half", 0).random(answers.kept) >= 0.5
    return pairs, half


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


# --- the planted rule -----------------------------------------------------------------------------

HIRING = {
    "age": pb.integers(18, 67),
    "income": pb.lognormal(40_000, 0.5),
    "credit": pb.integers(300, 850),
    "years": pb.integers(0, 40),
    "debt": pb.uniform(0.0, 1.0),
    "amount": pb.lognormal(20_000, 0.6),
    # Of ages from 18 to 67, 34 % are below 35: together with this, 14.4 % of people.
    "home": pb.choice([0, 1], [0.144 / 0.34, 1 - 0.144 / 0.34]),
}


def hired(d):
    """Give everybody a score, and young women without a home a lower one."""
    score = (
        1.2 * (np.log(d["income"]) - 10.6)
        + 0.012 * (d["credit"] - 575)
        - 1.8 * (d["debt"] - 0.5)
        - 0.5 * (np.log(d["amount"]) - 9.9)
        + 0.5 * d["home"]
        + 0.02 * d["years"]
        - 0.7
    )
    planted = (d["gender"] == "Female") & (d["age"] < 35) & (d["home"] == 0)
    return (1 / (1 + np.exp(-(score - 0.9 * planted)))).to_numpy()


def test_the_planted_rule_is_recovered():
    """A rule about 14.4 % of people, from 2,000 twins: both fields, and the cut to a year."""
    found = 0
    for seed in range(20):
        regions = weighed(asked(hired, fields=HIRING, seed=seed, outcome="score"))
        for region in regions[:1]:
            cuts = [c.value for c in region.rule if c.field == "age"]
            fields = {c.field for c in region.rule}
            found += {"age", "home"} <= fields and any(33.5 <= cut <= 35.5 for cut in cuts)
            assert region.stability > 0.5
    assert found >= 18


def test_the_planted_rule_moves_decisions():
    """Some 40 pairs of 2,000 flip at all: both fields are found, and no cut beyond the rule's."""
    found = 0
    for seed in range(10):
        answers = asked(lambda d: (hired(d) >= 0.5).astype(int), fields=HIRING, seed=seed)
        regions = weighed(answers)
        found += any(
            {"age", "home"} <= {c.field for c in region.rule}
            and all(25 <= c.value <= 35.5 for c in region.rule if c.field == "age")
            for region in regions
        )
    assert found >= 9


def test_a_band_and_two_signs():
    def model(d):
        women = (d["gender"] == "Female").to_numpy()
        age, own = d["age"].to_numpy(), (d["home"] == "own").to_numpy()
        score = np.full(len(d), 0.5)
        score[women & (age > 30) & (age <= 40)] -= 0.2
        score[women & (age > 60) & own] += 0.3
        return score

    regions = weighed(asked(model, people=8_000, outcome="score"))
    assert [conditions(region) for region in regions] == [
        {("age", ">", 60.0), ("home", "is", "own")},
        {("age", ">", 30.0), ("age", "<=", 40.0)},
    ]
    assert [round(region.estimate, 6) for region in regions] == [0.3, -0.2]
    sizes = [abs(region.share * region.estimate) for region in regions]
    # The signs cancel, so each explains its part of the sizes of all gaps, and together all.
    assert regions[0].explained == pytest.approx(sizes[0] / sum(sizes))
    assert sum(region.explained for region in regions) == pytest.approx(1)


def test_a_gap_of_everybody_has_no_region():
    answers = asked(lambda d: np.where(d["gender"] == "Female", 0.4, 0.6), outcome="score")
    assert not weighed(answers)
    assert not weighed(asked(lambda d: (d["gender"] == "Male").astype(int)))


# --- chance ---------------------------------------------------------------------------------------


def test_chance_gives_no_region():
    """Flips that have nothing to do with any field: a rule in at most one of twenty audits."""

    def noise(table):
        def model(d):
            return table[(d["gender"] == "Male").to_numpy().astype(int), d["n"].to_numpy()]

        return model

    fields = {"n": pb.sequence(0), **FIELDS}
    seen = ["gender", "age", "income", "home", "city"]
    suggested = 0
    for seed in range(60):
        table = (np.random.default_rng(seed).random((2, 500)) < 0.5).astype(int)
        answers = asked(noise(table), fields=fields, people=500, seed=seed)
        suggested += bool(weighed(replace(answers, seen=tuple(seen))))
    # At a rate of 5 %, 8 or more of 60 have a probability of 1 %.
    assert suggested <= 7


def test_the_interval_is_shared_among_the_rules_and_measured_on_the_other_half():
    def model(d):
        women = (d["gender"] == "Female").to_numpy()
        age, city = d["age"].to_numpy(), (d["city"] == "Bonn").to_numpy()
        unlucky = d["income"].to_numpy() * 1e3 % 10
        low = (age < 30) & (unlucky < 6)
        lower = (age > 60) & city & (unlucky < 3)
        return (~(women & (low | lower))).astype(int)

    answers = asked(model, people=6_000, seed=3)
    regions = weighed(answers)
    assert len(regions) == 2
    pairs, half = frame_of(answers)
    for region in regions:
        assert region.method == "Tango interval at 97.5 % for 2 rules"
        inside = half & people_in(answers, region.rule)
        changed = pairs["reference_answer"].ne(pairs["group_answer"]) & inside
        exact = tango_interval(0, int(changed.sum()), int(inside.sum()), 1 - 0.05 / 2)
        assert (region.low, region.high) == exact
        assert region.people == inside.sum()
        assert region.share == pytest.approx(inside.sum() / half.sum())
    explained = [region.explained for region in regions]
    assert explained == sorted(explained, reverse=True)
    assert sum(explained) == pytest.approx(1, abs=0.02)


def test_a_rule_must_say_more_than_a_better_one():
    """The young without a home are hit; being young alone adds nothing to that."""

    def model(d):
        hit = (d["gender"] == "Female") & (d["age"] < 35) & (d["home"] == "none")
        return (~hit).astype(int)

    assert len(weighed(asked(model, people=20_000, seed=2))) == 1


@pytest.mark.parametrize("smallest", [0.05, 0.2])
def test_no_rule_is_about_fewer_people_than_asked_for(smallest):
    answers = asked(
        lambda d: (~((d["gender"] == "Female") & (d["age"] < 26))).astype(int), people=4_000
    )
    regions = weighed(answers, smallest=smallest)
    assert regions
    assert all(region.share >= smallest for region in regions)


def test_depth_bounds_the_conditions():
    answers = asked(hired, fields=HIRING, outcome="score", people=4_000)
    for depth in (1, 2):
        assert max(len(region.rule) for region in weighed(answers, depth=depth)) == depth


# --- contrasts ------------------------------------------------------------------------------------

RACE = {"race": ["white", "black", "other"]}


def test_crossed_attributes_have_regions():
    def model(d):
        hit = (d["gender"] == "Female") & (d["race"] == "black") & (d["age"] < 35)
        return (~hit).astype(int)

    answers = asked(model, protect={**GENDER, **RACE}, cross=[("gender", "race")], people=4_000)
    regions = weighed(answers)
    (cell,) = (region for region in regions if region.contrast == "cell")
    assert (cell.attribute, cell.group) == ("gender x race", "Female x black")
    assert conditions(cell) == {("age", "<=", 34.0)}
    # Of the levels alone, the other attribute is a condition.
    level = next(region for region in regions if region.group == "Female")
    assert conditions(level) == {("race", "is", "black"), ("age", "<=", 34.0)}


def test_only_the_contrasts_with_the_widest_gaps_are_searched():
    levels = [f"level {i}" for i in range(8)]

    def model(d):
        number = d["group"].astype(str).str[-1].astype(int).to_numpy()
        return 1 - 0.1 * number * (d["age"].to_numpy() < 40)

    answers = asked(model, protect={"group": levels}, outcome="score")
    regions = weighed(answers, contrasts=3)
    assert {region.group for region in regions} == {"level 5", "level 6", "level 7"}


# --- everybody ------------------------------------------------------------------------------------


def census(weights=None):
    """Everybody of two fields, once each; the gap lies where both are small."""
    data = pd.DataFrame([(a, b) for a in range(20) for b in range(10)], columns=["a", "b"])
    data["gender"] = ["Male", "Female"] * 100

    def model(d):
        return (~((d["gender"] == "Female") & (d["a"] < 5) & (d["b"] < 4))).astype(int)

    answers = asked(model, data=data)
    (block,) = answers.blocks
    return replace(answers, exhaustive=True, blocks=(replace(block, weights=weights),))


def test_a_census_is_exact():
    (region,) = weighed(census())
    assert conditions(region) == {("a", "<=", 4.0), ("b", "<=", 3.0)}
    assert (region.low, region.estimate, region.high) == (-1.0, -1.0, -1.0)
    assert region.exact
    assert region.stability is None
    assert region.people == 20
    assert region.share == pytest.approx(0.1)
    assert region.method == "everybody in the declared domain"


def test_a_census_weighs_people():
    weights = np.where(np.arange(200) // 10 < 5, 4.0, 1.0)
    weights /= weights.sum()
    (region,) = weighed(census(weights))
    assert conditions(region) == {("a", "<=", 4.0), ("b", "<=", 3.0)}
    # 20 of them weigh 4 each, of 50 * 4 + 150.
    assert region.share == pytest.approx(80 / 350)
    assert region.explained == pytest.approx(1)


def test_a_part_of_unequal_people_is_no_sample():
    answers = census(np.full(200, 1 / 200))
    assert not weighed(replace(answers, exhaustive=False))


# --- missing answers and values -------------------------------------------------------------------


def test_missing_answers_widen_the_interval_to_the_worst_case():
    def model(d):
        hit = (d["gender"] == "Female") & (d["age"] < 40)
        lost = (d["gender"] == "Female") & (d["income"] * 100 % 10 < 1)
        return [None if gone else int(not h) for h, gone in zip(hit, lost, strict=True)]

    answers = asked(model, people=4_000, seed=1)
    (region,) = weighed(answers)
    assert 0 < region.people - region.answered < region.people
    assert region.estimate == -1.0
    lost = region.people - region.answered
    # The reference twins are all favored: a missing answer is -1 or 0, never +1.
    low, _ = tango_interval(0, region.people, region.people)
    _, high = tango_interval(0, region.answered, region.people)
    assert (region.low, region.high) == (low, high)
    assert region.high > -1 + lost / region.people


def test_missing_values_are_on_neither_side_of_a_cut():
    data = pd.DataFrame({"gender": ["Male", "Female"] * 3_000, "debt": np.arange(6_000.0)})
    data.loc[::3, "debt"] = np.nan
    answers = asked(
        lambda d: (~((d["debt"] <= 2_000) & (d["gender"] == "Female"))).astype(int), data=data
    )
    (region,) = weighed(answers)
    assert [c.relation for c in region.rule] == ["<="]
    assert (people_in(answers, region.rule) == (data["debt"] <= region.rule[0].value)).all()


# --- nothing breaks -------------------------------------------------------------------------------


def test_conformance():
    check_test(Regions())


values = st.sampled_from([0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-300, 5e-324, 1e300, 0.1])
labels = st.sampled_from(["a", "b", "missing", "other", "", None])


@given(st.lists(st.tuples(values, labels, st.booleans()), min_size=1, max_size=60), st.data())
@settings(max_examples=20, deadline=None)
def test_odd_tables_give_finite_rows(rows, draw):
    data = pd.DataFrame(rows * 3, columns=["x", "kind", "flag"])
    data["gender"] = (["Male", "Female"] * len(data))[: len(data)]
    data.loc[len(data)] = [0.0, "a", True, "Female"]
    data["flag"] = data["flag"].astype(bool)
    kind = draw.draw(st.sampled_from(["decision", "number", "label"]))
    size = draw.draw(st.sampled_from([1.0, 1e-100, 1e100]))

    def model(d):
        hit = ((d["gender"] == "Female") & d["flag"]).to_numpy()
        if kind == "number":
            return size * (hit + np.sin(np.nan_to_num(d["x"], posinf=2, neginf=-2) + hit) / 10)
        return (~hit).astype(int)

    options = {"decision": {"favorable": 1}, "number": {"outcome": "number"}}
    options["label"] = {"outcome": "label", "labels": (0, 1)}
    answers = asked(model, data=data, seed=1, **options[kind], repeats="ask")
    for region in weighed(answers):
        numbers = [v for v in region.model_dump().values() if isinstance(v, float)]
        assert np.isfinite(numbers).all()
        assert region.low <= region.estimate <= region.high
        assert 0 <= region.explained <= 1
        assert 0 < region.share < 1


signs = st.tuples(*[st.integers(0, 40)] * 4).map(
    lambda c: Signs(sum(c), sum(c[:3]), c[0], c[1], c[0] + c[3], c[1] + c[3])
)


@given(signs, signs)
def test_a_difference_turns_around(one, other):
    low, high = difference(one, other, 0.95)
    assert low <= one.gap - other.gap <= high
    assert difference(other, one, 0.95) == pytest.approx((-high, -low))


@given(signs, signs)
def test_cells_merge(one, other):
    both = merged([one, other])
    assert both.people == one.people + other.people
    assert both.gap * both.answered == pytest.approx(
        one.gap * one.answered + other.gap * other.answered
    )


def test_the_difference_of_two_rates_as_published():
    """Newcombe's interval 56/70 - 48/80 from two exact intervals (MOVER): by its formula."""
    one, other = Changes(70, 70, 56), Changes(80, 80, 48)
    (l1, u1), (l2, u2) = one.interval(0.95), other.interval(0.95)
    low, high = difference(one, other, 0.95)
    assert low == pytest.approx(0.2 - np.hypot(0.8 - l1, u2 - 0.6))
    assert high == pytest.approx(0.2 + np.hypot(u1 - 0.8, 0.6 - l2))
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, example (a), method 10:
    # from Wilson's narrower intervals 0.0524 to 0.3339.
    assert low < 0.0524 < 0.3339 < high


def test_an_exact_cell_holds_missing_answers_at_their_extremes():
    cell = Exact(people=4, answered=3, weight=0.4, told=0.3, total=-0.3, least=-0.4, most=-0.2)
    assert cell.gap == -1.0
    assert cell.interval(0.95) == (-1.0, pytest.approx(-0.5))
