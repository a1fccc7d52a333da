"""Verdicts: three-valued, proven, and never biased by chance more often than declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.evidence.base import Row
from paribus.evidence.counterfactual import Counterfactual
from paribus.findings import judge, overall
from paribus.stats.power import power_biased, power_within

ALPHA = 0.05
GENDER = {"gender": ["Male", "Female"]}


def row(unit="flip rate", held=True, **values):
    given = {"estimate": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "p_outside": 1.0, "p_within": 1.0}
    given |= {"contrast": "level", "attribute": "g", "reference": "a", "group": "b"}
    given |= {"test": "counterfactual", "people": 10, "answered": 10}
    return Row(unit=unit, held=held, **{**given, **values})


def test_only_proof_makes_a_verdict():
    assert judge([row(p_outside=0.05)], 0.01)[0].verdict == "biased"
    assert judge([row(p_outside=0.0501)], 0.01)[0].verdict == "inconclusive"
    assert judge([row(p_within=0.05)], 0.01)[0].verdict == "within tolerance"
    assert judge([row(p_within=0.0501)], 0.01)[0].verdict == "inconclusive"
    assert judge([row(held=False)], 0.01) == ()


def test_claims_of_bias_are_adjusted_over_contrasts_and_units():
    """Holm over the contrasts of a unit, Bonferroni over the units."""
    rows = [row(p_outside=p) for p in (0.012, 0.02, 0.5)] + [row("net gap", p_outside=0.5)]
    verdicts = [f.verdict for f in judge(rows, 0.01)]
    assert verdicts == ["inconclusive"] * 4  # 0.012 * 3 * 2 = 0.072
    rows[0] = row(p_outside=0.008)  # 0.008 * 3 * 2 = 0.048
    assert judge(rows, 0.01)[0].verdict == "biased"


@given(st.lists(st.sampled_from(["biased", "within tolerance", "inconclusive"]), max_size=5))
@settings(deadline=None)
def test_the_whole_is_biased_if_a_part_is_and_within_only_if_all_are(verdicts):
    class Part:
        def __init__(self, verdict):
            self.verdict = verdict

    expected = (
        "biased"
        if "biased" in verdicts
        else "within tolerance"
        if verdicts and "inconclusive" not in verdicts
        else "inconclusive"
    )
    assert overall([Part(v) for v in verdicts]) == expected


@pytest.mark.parametrize(
    ("model", "people", "verdict"),
    [
        (lambda d: np.ones(len(d), dtype=int), 298, "inconclusive"),
        (lambda d: np.ones(len(d), dtype=int), 299, "within tolerance"),
        (lambda d: (d["gender"] == "Male").astype(int), 200, "biased"),
        (lambda d: (d["gender"] == "Female").astype(int), 200, "biased"),
        (lambda d: np.ones(len(d), dtype=int), 1, "inconclusive"),
        # One pair that flips is seen at most once in a hundred where one in a hundred flips.
        (lambda d: (d["gender"] == "Male").astype(int), 1, "biased"),
    ],
)
def test_verdicts_of_plain_models(model, people, verdict):
    record = pb.audit(
        model, protect=GENDER, fields={"x": pb.sequence()}, people=people, favorable=1
    )
    assert record.verdict == verdict


def test_flips_in_both_directions_are_bias_even_where_they_cancel():
    record = pb.audit(
        lambda d: ((d["x"] + (d["gender"] == "Male")) % 2).astype(int),
        protect=GENDER,
        fields={"x": pb.sequence(0)},
        people=1_000,
        favorable=1,
    )
    verdicts = {f.unit: f.verdict for f in record.findings}
    assert verdicts["flip rate"] == "biased"
    assert verdicts["net gap"] != "biased"


def audits(model, count, **options):
    fields = {"x": pb.integers(0, 10**6), "city": pb.choice(["a", "b", "c"])}
    protect = {"gender": ["Male", "Female"], "race": ["w", "b", "h"]}
    records = [
        pb.audit(
            model(seed),
            protect=protect,
            fields=fields,
            seed=seed,
            tests=[Counterfactual()],
            **options,
        )
        for seed in range(count)
    ]
    return np.mean([record.verdict == "biased" for record in records])


def at_most(rate, count):
    return rate + 2 * np.sqrt(rate * (1 - rate) / count)


@pytest.mark.parametrize("tolerance", [0.0, 0.01])
def test_a_blind_model_is_never_biased(tolerance):
    """It answers twins alike, so not one flip exists to be mistaken."""
    model = lambda seed: lambda d: (d["x"] % 7 < 3).astype(int)  # noqa: E731
    assert audits(model, 60, favorable=1, tolerance=tolerance, people=300) == 0


@pytest.mark.parametrize(("tolerance", "share", "people"), [(0.0, 0.5, 300), (0.01, 0.05, 300)])
def test_a_noisy_blind_model_is_seldom_biased(tolerance, share, people):
    """Decisions by chance: twins differ, but neither side is favored."""

    def model(seed):
        random = np.random.default_rng(seed)
        return lambda d: (random.random(len(d)) > share).astype(int)

    count = 60
    false = audits(model, count, favorable=1, tolerance=tolerance, people=people)
    assert false <= at_most(ALPHA, count)


def test_a_model_that_is_seldom_noisy_is_seldom_biased():
    """Noise so rare that asking a few people twice may not show it must not pass for flips."""

    def model(seed):
        random = np.random.default_rng(seed)
        return lambda d: (random.random(len(d)) > 0.002).astype(int)

    count = 30
    false = audits(model, count, favorable=1, tolerance=0.0005, people=3_000)
    assert false <= at_most(ALPHA, count)


def test_noisy_blind_scores_are_seldom_biased():
    def model(seed):
        random = np.random.default_rng(seed)
        return lambda d: random.normal(d["x"] / 10**6, 0.1)

    count = 60
    assert audits(model, count, outcome="score", tolerance=0.0, people=100) <= at_most(ALPHA, count)


def test_an_equal_model_is_seldom_proven_within_a_gap_it_has():
    """A gap of exactly the tolerance is called within at most as often as declared."""

    def model(seed):
        random = np.random.default_rng(seed)
        return lambda d: np.where(d["gender"] == "Male", 0.5, 0.4) + random.normal(0, 0.05, len(d))

    count = 60
    records = [
        pb.audit(
            model(seed), protect=GENDER, fields={"x": pb.sequence()}, outcome="score",
            tolerance=0.1, people=50, seed=seed,
        ).verdict
        for seed in range(count)
    ]  # fmt: skip
    assert np.mean([v == "within tolerance" for v in records]) <= at_most(ALPHA, count)
    assert np.mean([v == "biased" for v in records]) <= at_most(ALPHA, count)


# --- several claims -------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
@settings(deadline=None, max_examples=30)
@pytest.mark.parametrize(("ours", "theirs"), [("holm", "holm"), ("benjamini-hochberg", "fdr_bh")])
def test_adjustments_over_contrasts_are_those_of_statsmodels(ours, theirs, values):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    rows = [row(p=p, p_outside=p, group=f"g{i}", answered=9) for i, p in enumerate(values)]
    adjusted = multitest.multipletests(values, method=theirs)[1]
    findings = judge(rows, 0.01, multiplicity=ours)
    assert [f.p for f in findings] == pytest.approx(list(adjusted), abs=1e-12)
    assert [f.verdict == "biased" for f in findings] == [p <= 1 - 0.95 for p in adjusted]


def test_joint_p_values_are_taken_where_a_whole_attribute_has_them():
    joint = [row("net gap", group=g, p_outside=0.02, p_joint=0.03) for g in "bcd"]
    assert {f.verdict for f in judge(joint, 0.01, multiplicity="max-t")} == {"biased"}
    assert {f.verdict for f in judge(joint, 0.01)} == {"inconclusive"}
    # With another attribute beside it, both pay for the other.
    other = row("net gap", attribute="h", p_outside=0.02)
    verdicts = [f.verdict for f in judge([*joint, other], 0.01, multiplicity="max-t")]
    assert verdicts == ["inconclusive"] * 3 + ["biased"]
    other = row("net gap", attribute="h", p_outside=0.024)
    joint = [r.model_copy(update={"p_joint": 0.025}) for r in joint]
    assert [f.verdict for f in judge([*joint, other], 0.01, multiplicity="max-t")] == ["biased"] * 4
    # Where one level has none, all levels are adjusted by Holm.
    joint[0] = row("net gap", group="b", p_outside=0.0001)
    joint[1] = row("net gap", group="c", p_outside=0.06, p_joint=0.001)
    verdicts = [f.verdict for f in judge(joint, 0.01, multiplicity="max-t")]
    assert verdicts == ["biased", "inconclusive", "biased"]


def test_an_alarm_speaks_only_where_it_proves_a_bias():
    alarm = row("squared effect", alarm=True, p_within=0.0)
    assert judge([alarm], 0.01) == ()
    assert overall(judge([alarm], 0.01)) == "inconclusive"
    loud = alarm.model_copy(update={"p_outside": 0.001})
    assert [f.verdict for f in judge([loud], 0.01)] == ["biased"]
    # It pays for its claim even where it is silent.
    beside = [row("net gap", p_outside=0.03), alarm]
    assert [f.verdict for f in judge(beside, 0.01)] == ["inconclusive"]


def test_a_nested_row_needs_no_share_but_whoever_claims_the_gap_claims_it_too():
    gap, flips = row("net gap", p_outside=0.04), row("flip rate", p_outside=0.04, nested=True)
    assert [f.verdict for f in judge([gap, flips], 0.01)] == ["biased", "biased"]
    flips = flips.model_copy(update={"p_outside": 0.06})
    assert [f.verdict for f in judge([gap, flips], 0.01)] == ["inconclusive", "inconclusive"]
    elsewhere = flips.model_copy(update={"group": "other"})
    assert judge([gap, elsewhere], 0.01)[0].verdict == "biased"


def test_everybody_asked_is_certain_whatever_the_number_of_claims():
    exact = [
        row(exact=True, p=None, p_outside=float(i % 2), p_within=float(1 - i % 2), group=f"g{i}")
        for i in range(30)
    ]
    verdicts = [f.verdict for f in judge(exact, 0.0)]
    assert verdicts == ["biased", "within tolerance"] * 15
    assert "(exact over the declared domain)" in judge(exact, 0.0)[0].sentence
    assert ": within the tolerance" in judge(exact, 0.0)[1].sentence
    open_ended = row(exact=True, low=0.0, high=0.1, people=10, answered=9)
    assert "0.0 % to 10.0 % as answers are missing" in judge([open_ended], 0.01)[0].sentence


# --- how many more --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("against", "favor", "tolerance"), [(0, 0, 0.01), (3, 2, 0.01), (24, 14, 0.01), (40, 41, 0.02)]
)
def test_so_many_more_people_settle_a_gap_with_four_chances_in_five(against, favor, tolerance):
    n = 200
    rates = against / n, favor / n
    net = (favor - against) / n
    alpha = 0.05
    finding = judge(
        [row("net gap", people=n, answered=n, estimate=net, low=-1.0, high=1.0,
             flips_against=against, flips_for=favor)], tolerance,
    )[0]  # fmt: skip
    biased = abs(net) > tolerance
    power = power_biased if biased else power_within
    assert finding.verdict == "inconclusive"
    if finding.more is None:
        assert against + favor > 0
        assert abs(abs(net) - tolerance) < 0.01
        return
    assert power(n + finding.more, rates[1], rates[0], tolerance, alpha) > 0.75
    assert power(n + int(0.8 * finding.more) - 2, rates[1], rates[0], tolerance, alpha) < 0.8
    assert "more people would probably settle it" in finding.sentence


@pytest.mark.parametrize(
    "values",
    [
        {"answered": 9},
        {"names": 30, "method": "over 30 names a level"},
        {"exact": True},
        {"unit": "excess flip rate", "estimate": -0.3},
        {"unit": "excess absolute gap", "estimate": -0.3, "sd": 1.0},
        {"unit": "flip rate", "estimate": 0.1},
    ],
)
def test_nobody_is_told_how_many_more_where_that_is_no_answer(values):
    """Missing answers, few names, a gap just at the tolerance: more people would not help."""
    finding = judge([row(**{"low": -1.0, "high": 1.0, **values})], 0.1)[0]
    assert finding.verdict == "inconclusive"
    assert finding.more is None
    assert "more people would" not in finding.sentence


# --- sentences ------------------------------------------------------------------------------------


def test_what_is_missing_is_counted_in_the_singular_and_in_the_plural():
    one, three = (judge([row(answered=10 - n)], 0.01)[0].sentence for n in (1, 3))
    assert "counting 1 pair without an answer at its worst" in one
    assert "counting 3 pairs without an answer at their worst" in three


@pytest.mark.parametrize(("tolerance", "said"), [(0.01, "1.0 %"), (0.0, "0.0 %"), (800.0, "800")])
def test_a_tolerance_reads_as_a_share_unless_it_is_none(tolerance, said):
    for unit in ("flip rate", "net gap", "excess flip rate"):
        assert judge([row(unit)], tolerance)[0].sentence.count(f"tolerance of {said} is") == 1


def test_an_excess_says_what_it_is_between():
    evidence = [
        row("flip rate", held=False, estimate=0.149),
        row("flip rate", held=False, estimate=0.141, contrast="placebo", group="another name"),
        row("excess flip rate", estimate=0.008, low=-0.002, high=0.018),
    ]
    assert judge(evidence, 0.01)[0].sentence == (
        "Changing g from a to b changes the decision for 0.8 % more of all people than another "
        "name alone does (14.9 % against 14.1 %, 95 % interval -0.2 points to +1.8 points): "
        "neither within nor beyond the tolerance of 1.0 % is proven."
    )
    less = evidence[2].model_copy(update={"estimate": -0.008, "p_within": 0.01})
    assert (
        "for 0.8 % fewer of all people than another name"
        in judge([*evidence[:2], less], 0.01)[0].sentence
    )
    assert "than a mere change of name does (95 %" in judge([less], 0.01)[0].sentence


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ("net gap", "moves a single person's chance of a favorable answer by 40.0 points"),
        ("score gap", "moves a single person's expected answer by 0.4 (root"),
        (None, "moves a single person's chances of the labels by 40.0 points"),
    ],
)
def test_a_squared_effect_reads_as_its_root(beside, said):
    squared = row("squared effect", estimate=0.16, low=0.09, high=0.25, alarm=True, p_outside=0.0)
    rows = [squared] if beside is None else [squared, row(beside)]
    sentence = judge(rows, 0.01)[0].sentence
    assert said in sentence
    ends = "0.3 to 0.5" if beside == "score gap" else "30.0 points to 50.0 points"
    assert f"95 % interval {ends}" in sentence
