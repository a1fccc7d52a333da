"""More than two levels: the gate, joint p-values, and which of several attributes carries a gap."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.evidence.counterfactual import Counterfactual
from paribus.evidence.levels import Levels, _parts
from paribus.stats.relabeling import cochran_q, friedman

RACE = {"race": ["a", "b", "c", "d", "e"]}
GENDER = {"gender": ["Male", "Female"]}


def audit(model, *, protect=None, people=300, seed=0, relabelings=400, **options):
    return pb.audit(
        model,
        protect=RACE if protect is None else protect,
        fields={"i": pb.sequence(0)},
        people=people,
        seed=seed,
        tests=[Counterfactual(relabelings=relabelings), Levels()],
        **{"multiplicity": "max-t", **options},
    )


def shuffled(seed, kind="decision", against=(), by=0.0):
    """Give each person one answer a version, exchangeable but for the levels that are worse."""
    table = np.random.default_rng([seed, 1]).random((2_000, 5))

    def model(people):
        level = people["race"].map({name: i for i, name in enumerate(RACE["race"])}).to_numpy(int)
        drawn = table[people["i"], level] * 0.5 + 0.5 * table[people["i"], 0][:, None][:, 0]
        worse = people["race"].isin(list(against)).to_numpy() * by
        own = table[people["i"], level]
        if kind == "decision":
            return (own > 0.5 + worse).astype(int)
        return drawn - worse if kind == "dependent" else own - worse

    return model


# --- the gate -------------------------------------------------------------------------------------


def test_the_gate_is_cochrans_for_decisions_and_friedmans_for_scores():
    model = shuffled(1)
    record = audit(model, favorable=1)
    row = next(r for r in record.evidence if r.unit == "Cochran Q")
    pairs = record.pairs()
    answers = [pairs.loc[pairs["group"] == "b", "reference_answer"]]
    answers += [pairs.loc[pairs["group"] == name, "group_answer"] for name in "bcde"]
    table = np.column_stack([np.asarray(a).astype(int) for a in answers]).astype(bool)
    statistic, freedom, p = cochran_q(table)
    assert (row.estimate, row.p) == (pytest.approx(statistic), pytest.approx(p))
    assert f"{freedom} degrees of freedom" in row.method
    assert (row.attribute, row.group, row.people) == ("race", "all", 300)
    record = audit(shuffled(1, "score"), outcome="score")
    row = next(r for r in record.evidence if r.unit == "Friedman")
    pairs = record.pairs()
    answers = [pairs.loc[pairs["group"] == "b", "reference_answer"]]
    answers += [pairs.loc[pairs["group"] == name, "group_answer"] for name in "bcde"]
    statistic, _, p = friedman(np.column_stack([np.asarray(a) for a in answers]))
    assert (row.estimate, row.p) == (pytest.approx(statistic), pytest.approx(p))


def test_two_versions_need_no_gate():
    record = audit(lambda d: (d["gender"] == "Male").astype(int), protect=GENDER, favorable=1)
    assert not [r for r in record.evidence if r.unit in {"Cochran Q", "Friedman"}]
    assert {r.p_joint for r in record.evidence} == {None}
    assert record.verdict == "biased"


@pytest.mark.parametrize(("kind", "options"), [
    ("decision", {"favorable": 1}), ("score", {"outcome": "score"}),
])  # fmt: skip
def test_a_joint_claim_needs_the_gate_too(kind, options):
    for seed in range(8):
        record = audit(shuffled(seed, kind, "bc", 0.04), people=150, tolerance=0.0, **options)
        gate = next(r for r in record.evidence if r.test == "levels" and r.group == "all")
        joint = [r for r in record.evidence if r.p_joint is not None]
        assert len(joint) == 4
        for row in joint:
            assert row.p_joint >= gate.p - 1e-12
            assert row.p_joint >= row.p_outside


def test_scores_and_decisions_are_each_relabelled_for_themselves():
    """Decisions never differ, scores always do."""

    def model(people):
        return 0.6 + 0.1 * (people["race"] == "a") + 0.001 * (people["i"] % 7)

    record = audit(model, outcome="score", threshold=0.5)
    joint = {(r.unit, r.group): r.p_joint for r in record.evidence if r.p_joint is not None}
    assert {p for (unit, _), p in joint.items() if unit == "net gap"} == {1.0}
    assert max(p for (unit, _), p in joint.items() if unit == "score gap") < 0.01
    assert len(joint) == 8


# --- joint p-values -------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "options"), [
    ("decision", {"favorable": 1}), ("dependent", {"outcome": "score"}),
])  # fmt: skip
def test_the_familywise_error_of_five_levels_stays_below_its_level(kind, options):
    # Flips there are, in either direction alike: of levels that do equally well on average.
    count = 60
    false = 0
    for seed in range(count):
        record = audit(shuffled(seed, kind), seed=seed, people=120, tolerance=0.0, **options)
        units = {f.unit for f in record.findings if f.verdict == "biased"}
        false += bool(units & {"net gap", "score gap"})
    assert false / count <= 0.07


def test_power_is_at_least_that_of_holm_with_two_groups_five_points_worse():
    found = {"max-t": 0, "holm": 0}
    for seed in range(25):
        for multiplicity in found:
            record = audit(
                shuffled(seed, "dependent", "bc", 0.05), seed=seed, people=250, outcome="score",
                tolerance=0.0, multiplicity=multiplicity,
            )  # fmt: skip
            biased = {f.group for f in record.findings if f.verdict == "biased"}
            found[multiplicity] += len(biased & {"b", "c"})
    assert found["max-t"] >= found["holm"] > 10


def test_relabelings_suffice_for_the_adjusted_level():
    """Four attributes and a confidence of 99 %: certain bias is still proven."""
    protect = {f"p{i}": ["x", "y", "z"] for i in range(4)}
    record = pb.audit(
        lambda d: 0.5 + 0.2 * (d["p3"] == "x") + 0.001 * (d["i"] % 5),
        protect=protect, fields={"i": pb.sequence(0)}, people=200, outcome="score",
        threshold=0.6, multiplicity="max-t", confidence=0.99,
    )  # fmt: skip
    biased = {(f.attribute, f.unit) for f in record.findings if f.verdict == "biased"}
    assert {("p3", "net gap"), ("p3", "score gap")} <= biased
    assert {attribute for attribute, _ in biased} == {"p3"}


def test_missing_answers_pull_joint_claims_towards_nothing():
    whole = shuffled(1, "score", "bcde", 0.3)

    def model(people):
        said = np.asarray(whole(people), dtype=object)
        said[(people["i"] % 3 == 0) & (people["race"] == "c")] = None
        return said

    joint = [
        {r.group: r.p_joint for r in audit(m, outcome="score").evidence if r.p_joint is not None}
        for m in (whole, model)
    ]
    assert max(joint[0].values()) < 0.01
    assert joint[1]["c"] > 0.05
    assert joint[1]["b"] < 0.01


# --- which attribute carries the gap --------------------------------------------------------------

CROSSED = {"gender": ["Male", "Female"], "race": ["a", "b", "c"]}


def shares(score, *, people=50, **options):
    record = pb.audit(
        score, protect=CROSSED, fields={"i": pb.sequence(0)}, people=people, outcome="score",
        cross=[("gender", "race")], tests=None, tolerance=0.01, **options,
    )  # fmt: skip
    return {r.group: r for r in record.evidence if r.unit == "share of the gap"}


def test_additive_effects_leave_nothing_to_both_together():
    found = shares(
        lambda d: 0.2 * (d["gender"] == "Male") + 0.3 * (d["race"] == "a") + 0.001 * (d["i"] % 9)
    )
    assert set(found) == {"gender", "race", "gender x race"}
    assert found["gender x race"].estimate == pytest.approx(0, abs=1e-9)
    # Sums of squares over six cells: 6 * 0.1^2 and 2 * (0.2^2 + 2 * 0.1^2).
    assert found["gender"].estimate == pytest.approx(0.06 / 0.18)
    assert found["race"].estimate == pytest.approx(0.12 / 0.18)


def test_a_pure_interaction_is_all_of_both_together():
    sign = {"a": 1, "b": -1, "c": 0}
    found = shares(
        lambda d: (
            0.5 + 0.1 * np.where(d["gender"] == "Male", 1, -1) * d["race"].map(sign).astype(int)
        )
    )
    assert found["gender x race"].estimate == pytest.approx(1)
    assert found["gender"].estimate == pytest.approx(0, abs=1e-9)
    assert found["race"].estimate == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("size", [0.1, 1.0, 7e99, 1e-100])
def test_no_difference_is_nothing_to_share_out(size):
    # Rounding differs between the levels of one attribute.
    def score(people):
        return size * np.where(people["gender"] == "Male", 0.1 + 0.2, 0.3) + size * (
            people["i"] % 2
        )

    for row in shares(score).values():
        assert (row.estimate, row.low, row.high) == (0, 0, 0)


@given(
    st.lists(st.floats(-1, 1), min_size=11, max_size=11),
    st.sampled_from([(2, 6), (3, 4), (2, 2, 3)]),
)
@settings(deadline=None)
def test_shares_sum_to_one(gaps, shape):
    cells = np.arange(1, 12)
    found = _parts(np.array([gaps]), cells, shape, 2.0)[0]
    assert len(found) == len(shape) + 1
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1 if np.ptp([0, *gaps]) > 1e-10 else found.sum())
    assert found.sum() in (0, pytest.approx(1))


def test_shares_are_those_of_an_analysis_of_variance():
    statsmodels = pytest.importorskip("statsmodels.formula.api")
    import pandas as pd
    from statsmodels.stats.anova import anova_lm

    rng = np.random.default_rng(0)
    means = rng.normal(size=6)
    found = _parts((means - means[0])[None, 1:], np.arange(1, 6), (2, 3), 1.0)[0]
    cells = list(itertools.product("mf", "abc"))
    frame = pd.DataFrame({"g": [g for g, _ in cells], "r": [r for _, r in cells], "y": means})
    squares = anova_lm(statsmodels.ols("y ~ C(g) + C(r)", frame).fit())["sum_sq"]
    assert found == pytest.approx((squares / squares.sum()).to_numpy())


def test_shares_hold_where_some_answers_are_missing():
    def model(people):
        said = 0.2 * (people["gender"] == "Male") + 0.001 * (people["i"] % 9)
        said = said.to_numpy().astype(object)
        said[people["i"] % 4 == 0] = None
        return said

    found = shares(model, people=100)
    assert found["gender"].estimate == pytest.approx(1)
    assert (found["gender"].people, found["gender"].answered) == (100, 75)
    for row in found.values():
        assert row.low <= row.estimate <= row.high
