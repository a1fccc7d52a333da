"""Planning: people needed before a question is asked, by the audit's own rules."""

import numpy as np
import pytest

import paribus as pb
from paribus.stats.power import people_for_biased, people_for_mean_within
from paribus.testing import Echo

GENDER = {"gender": pb.Protected(levels=("Male", "Female"))}
CODE = {"code": pb.map_of("gender", {"Male": 1, "Female": 0}), "x": pb.uniform(0, 1)}


def declared(**options):
    asked = {"size": 500, "tolerance": 0.02, "protect": GENDER, "fields": CODE}
    probe = Echo(column="code", outcome=options.pop("outcome", "decision"), favorable=1)
    return pb.Audit(**{**asked, "probe": probe, **options})


def test_a_fair_model_takes_149_people_at_two_percent():
    plan = pb.plan(declared())
    first = plan.goals[0]
    assert (first.verdict, first.people, first.chance) == ("within tolerance", 149, 1.0)
    assert pb.plan(declared(size=148)).goals[0].chance == 0.0


def test_claims_share_the_error():
    gender = {"race": pb.Protected(levels=("a", "b", "c")), **GENDER}
    plan = pb.plan(declared(protect=gender))
    assert plan.claims == 2 * 3
    seen = next(goal for goal in plan.goals if goal.verdict == "biased")
    assert seen.people == people_for_biased(0.0, 0.04, 0.02, 0.05 / 6, 0.8)


def test_power_is_kept_in_whole_audits():
    """At the planned number of people, the audit proves the gap about as often as planned."""
    plan = pb.plan(declared(tolerance=0.05))
    goal = next(g for g in plan.goals if g.verdict == "biased")
    proven = 0
    for seed in range(80):
        model = lambda d: (d["gender"] == "Male") | (d["x"] > 0.1)  # noqa: E731
        record = pb.audit(
            model,
            protect={"gender": ["Male", "Female"]},
            fields={"x": pb.uniform(0, 1)},
            people=goal.people,
            tolerance=0.05,
            favorable=True,
            seed=seed,
            tests=[pb.Audit(probe=Echo(column="x"), protect=GENDER, fields=CODE).tests[0]],
        )
        net = next(f for f in record.findings if f.unit == "net gap")
        proven += net.verdict == "biased"
    assert goal.case.startswith("a gap of 10.0 %")
    assert 0.8 - 0.03 - 3 * np.sqrt(0.16 / 80) <= proven / 80


def test_scores_are_planned_by_their_spread():
    probe = Echo(column="x", outcome="score")
    plan = pb.plan(declared(probe=probe, tolerance=0.01), sd=0.1)
    goal = plan.goals[0]
    assert goal.people == people_for_mean_within(0.0, 0.1, 0.01, 0.05, 0.8, 50 * 0.01)
    assert "standard deviation of 0.1" in goal.case


def test_everybody_needs_no_plan():
    plan = pb.plan(declared(size=None, fields={"code": CODE["code"]}))
    assert plan.exhaustive
    assert "nothing has to be planned" in str(plan)


@pytest.mark.parametrize(("name", "value"), [("power", 1.0), ("power", 0.2), ("sd", 0.0)])
def test_mistakes_have_a_place(name, value):
    with pytest.raises(pb.SpecError) as caught:
        pb.plan(declared(), **{name: value})
    assert caught.value.path == name


def test_too_few_people_are_said_so():
    said = str(pb.plan(declared(size=100)))
    assert "With 100 people not even a perfectly fair model" in said
    assert "ask about 150" in said
