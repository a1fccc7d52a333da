"""Verdicts: three-valued, proven, and never biased by chance more often than declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.evidence.base import Row
from paribus.findings import judge, overall

ALPHA = 0.05
GENDER = {"gender": ["Male", "Female"]}


def row(unit="flip rate", held=True, **values):
    given = {"estimate": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "p_outside": 1.0, "p_within": 1.0}
    return Row(
        test="counterfactual", unit=unit, contrast="level", attribute="g", reference="a", group="b",
        people=10, answered=10, held=held, **{**given, **values},
    )  # fmt: skip


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
        pb.audit(model(seed), protect=protect, fields=fields, seed=seed, **options)
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

    count = 200
    false = audits(model, count, favorable=1, tolerance=tolerance, people=people)
    assert false <= at_most(ALPHA, count)


def test_a_model_that_is_seldom_noisy_is_seldom_biased():
    """Noise so rare that asking a few people twice may not show it must not pass for flips."""

    def model(seed):
        random = np.random.default_rng(seed)
        return lambda d: (random.random(len(d)) > 0.002).astype(int)

    count = 100
    false = audits(model, count, favorable=1, tolerance=0.0005, people=3_000)
    assert false <= at_most(ALPHA, count)


def test_noisy_blind_scores_are_seldom_biased():
    def model(seed):
        random = np.random.default_rng(seed)
        return lambda d: random.normal(d["x"] / 10**6, 0.1)

    count = 200
    assert audits(model, count, outcome="score", tolerance=0.0, people=100) <= at_most(ALPHA, count)


def test_an_equal_model_is_seldom_proven_within_a_gap_it_has():
    """A gap of exactly the tolerance is called within at most as often as declared."""

    def model(seed):
        random = np.random.default_rng(seed)
        return lambda d: np.where(d["gender"] == "Male", 0.5, 0.4) + random.normal(0, 0.05, len(d))

    count = 200
    records = [
        pb.audit(
            model(seed), protect=GENDER, fields={"x": pb.sequence()}, outcome="score",
            tolerance=0.1, people=50, seed=seed,
        ).verdict
        for seed in range(count)
    ]  # fmt: skip
    assert np.mean([v == "within tolerance" for v in records]) <= at_most(ALPHA, count)
    assert np.mean([v == "biased" for v in records]) <= at_most(ALPHA, count)
