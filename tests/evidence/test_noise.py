"""Models that do not repeat themselves: what is noise, and what the level does beyond it."""

import numpy as np
import pytest

import paribus as pb
from paribus.evidence._gaps import Scale, changed_again, squared_effect
from paribus.outcomes import Outcome, repeated

GENDER = {"gender": ["Male", "Female"]}
DECISION = Outcome("decision", (1,))
SCORE = Outcome("score", bounds=(0.0, 1.0))
LABEL = Outcome("label", labels=("a", "b", "c"))
RAW = {"flip rate", "label change rate", "absolute gap"}


# --- the estimator --------------------------------------------------------------------------------


def asked_twice(outcome, draw, n):
    """Ask both twins of n people twice; `draw` answers one version once."""
    return repeated(
        outcome, *(tuple((draw(side), None) for _ in range(2)) for side in ("reference", "group"))
    )


@pytest.mark.parametrize("fair", [True, False])
@pytest.mark.parametrize("kind", ["decision", "score", "label"])
def test_the_squared_effect_is_unbiased_whatever_the_noise(kind, fair):
    """Chances of people are Beta(2, 2): E[(pa - pb)^2] is 0, or twice the variance of 1/20."""
    rng = np.random.default_rng(5)
    n = 200_000
    chances = {"reference": rng.beta(2, 2, n)}
    chances["group"] = chances["reference"] if fair else rng.beta(2, 2, n)
    if kind == "decision":
        found = asked_twice(DECISION, lambda s: (rng.random(n) < chances[s]).astype(np.int8), n)
    elif kind == "score":
        found = asked_twice(SCORE, lambda s: chances[s] + rng.normal(0, 0.5, n), n)
    else:
        # Of two labels, half the sum over the labels is the square of either chance.
        found = asked_twice(LABEL, lambda s: (rng.random(n) < chances[s]).astype(np.int16), n)
    truth = 0.0 if fair else 2 / 20
    error = found.squared.sd / np.sqrt(n)
    assert abs(found.squared.mean - truth) < 4 * error
    assert 4 * error < 0.01
    if kind != "label":
        assert abs(found.gap.mean) < 4 * found.gap.sd / np.sqrt(n)


def test_three_labels_by_their_formula():
    """Half the sum over the labels of the product of two differences that share no answer."""
    rng = np.random.default_rng(1)
    a1, a2, b1, b2 = rng.integers(0, 3, (4, 50))
    found = repeated(LABEL, ((a1, None), (a2, None)), ((b1, None), (b2, None)))
    expected = 0.0
    for label in range(3):
        x1, x2, y1, y2 = ((side == label).astype(float) for side in (a1, a2, b1, b2))
        expected += ((x1 - y1) * (x2 - y2) + (x1 - y2) * (x2 - y1)).mean() / 4
    assert found.squared.mean == pytest.approx(expected)
    assert found.changed_again == np.count_nonzero(a1 != a2)


ABOUT = {
    "test": "counterfactual",
    "contrast": "level",
    "attribute": "g",
    "reference": "a",
    "group": "b",
    "people": 0,
    "answered": 0,
}


@pytest.mark.parametrize("gone", [0, 1, 50, 99, 100])
def test_missing_squares_are_at_their_worst(gone):
    rng = np.random.default_rng(3)
    told = 100 - gone
    sides = [(rng.random(told) < chance).astype(np.int8) for chance in (0.2, 0.2, 0.8, 0.8)]
    twice = repeated(DECISION, *(tuple((s, None) for s in pair) for pair in (sides[:2], sides[2:])))
    row = squared_effect(ABOUT, twice, 100, Scale(0.01, 0.95, spread=1.0))
    assert row.low - 1e-9 <= told / 100 * row.estimate <= row.high
    assert row.low <= row.estimate <= row.high <= 1.0
    assert row.high - row.low >= gone / 100 or gone == 100
    assert row.alarm
    assert row.p_within is None
    if gone >= 99:
        assert row.low <= 0.0
        assert row.p_outside > 0.3
    again = changed_again(ABOUT, twice, 0.95)
    assert 0 <= again.low <= again.estimate <= again.high <= 1
    assert (again.reference, again.group) == ("", "a")


# --- whole audits ---------------------------------------------------------------------------------


def audit(model, *, people=400, seed=0, **options):
    return pb.audit(
        model, protect=GENDER, fields={"x": pb.uniform(0, 1)}, people=people, seed=seed, **options
    )


def noisy(seed, chance, kind="decision"):
    rng = np.random.default_rng(seed)

    def model(people):
        p = chance(people["x"].to_numpy(), (people["gender"] == "Female").to_numpy())
        said = rng.random(len(people)) < p
        if kind == "decision":
            return said.astype(int)
        if kind == "label":
            return np.where(said, "a", "b")
        return np.clip(p + rng.normal(0, 0.1, len(people)), 0, 1)

    return model


KINDS = {
    "decision": {"favorable": 1},
    "score": {"outcome": "score"},
    "threshold": {"outcome": "score", "threshold": 0.5},
    "label": {"outcome": "label", "labels": ["a", "b"]},
    "favorable": {"outcome": "label", "labels": ["a", "b"], "favorable": "a"},
}
MODELS = {"threshold": "score", "favorable": "label"}


def of_kind(kind, seed, chance, **more):
    return audit(noisy(seed, chance, MODELS.get(kind, kind)), seed=seed, **KINDS[kind], **more)


def fair(x, female):
    return 0.2 + 0.6 * x


def cancelling(x, female):
    """Half of the people gain what the others lose: nothing of it is in the net gap."""
    return 0.5 + 0.4 * np.where(x > 0.5, 1, -1) * female


@pytest.mark.parametrize("kind", KINDS)
def test_changes_of_single_answers_are_never_the_verdict_of_a_noisy_model(kind):
    record = of_kind(kind, 1, fair)
    assert record.model.repeatable is False
    held = {row.unit for row in record.evidence if row.held}
    assert not held & RAW
    assert "squared effect" in held
    assert not {f.unit for f in record.findings} & (RAW | {"squared effect"})
    shown = {row.unit: row for row in record.evidence if row.test == "counterfactual"}
    assert "repeat change rate" in shown
    if kind == "decision":
        # Fair all the same: a second answer changes as often as a twin does.
        raw, again = shown["flip rate"].estimate, shown["repeat change rate"].estimate
        assert raw == pytest.approx(again, abs=0.1)
        assert raw > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_seldom_biased(kind):
    count = 60
    false = [of_kind(kind, seed, fair, people=150, tolerance=0.0).verdict for seed in range(count)]
    assert np.mean([v == "biased" for v in false]) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / count)


@pytest.mark.parametrize("kind", KINDS)
def test_effects_that_cancel_are_found_beneath_the_noise(kind):
    record = of_kind(kind, 2, cancelling, people=600, tolerance=0.05)
    squared = next(f for f in record.findings if f.unit == "squared effect")
    assert squared.verdict == "biased"
    assert squared.low < 0.4**2 < squared.high
    size = "0.4" if "score" in (kind, MODELS.get(kind)) else "points (root mean square)"
    assert size in squared.sentence
    assert "with noise taken out" in squared.sentence


@pytest.mark.parametrize("kind", ["decision", "threshold", "favorable"])
def test_the_net_gap_is_of_decisions_and_of_both_answers(kind):
    """A score of 0.6 or 0.4 is a decision of 1 or 0: the gap of the decisions is not that of the
    scores."""
    record = of_kind(kind, 3, lambda x, female: np.where(female, 0.3, 0.7), people=500)
    gap = next(f for f in record.findings if f.unit == "net gap")
    expected = -0.95 if kind == "threshold" else -0.4
    assert gap.estimate == pytest.approx(expected, abs=0.06)
    assert gap.verdict == "biased"
    assert gap.answered == 500
    row = next(r for r in record.evidence if r.unit == "net gap" and r.held)
    if kind == "decision":
        # Two answers a twin: the variance of one would be twice that of their mean.
        assert row.sd == pytest.approx(np.sqrt(0.21), abs=0.04)


def test_the_net_gap_of_a_model_asked_once_is_held_and_valid():
    record = audit(noisy(1, fair), favorable=1, times=1)
    assert {row.unit for row in record.evidence if row.held} == {"net gap"}


@pytest.mark.parametrize("share", [0.02, 0.5, 0.8])
@pytest.mark.parametrize("kind", KINDS)
def test_noise_and_missing_answers_stay_bounded(kind, share):
    rng = np.random.default_rng(9)
    inner = noisy(4, cancelling, MODELS.get(kind, kind))

    def model(people):
        said = np.asarray(inner(people), dtype=object)
        said[rng.random(len(said)) < share] = None
        return said

    record = audit(model, people=200, tolerance=0.05, **KINDS[kind])
    for row in record.evidence:
        assert row.low <= row.estimate <= row.high
        if row.held and row.unit in {"net gap", "squared effect"}:
            missing = 1 - row.answered / row.people
            told = row.answered / row.people * row.estimate
            assert row.low <= told + 1e-9
            assert row.high >= told - 1e-9
            assert row.high <= 1.0 + 1e-9
            if row.unit == "net gap":
                assert row.high - row.low >= 2 * missing - 1e-9
    if share >= 0.5:
        # Of one person in sixteen, at most, all four answers are known: nothing is proven.
        assert {f.verdict for f in record.findings if f.unit == "net gap"} <= {"inconclusive"}
