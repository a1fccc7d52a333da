"""What is recommended, in which words, and how seldom without a reason."""

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from paribus.comparison import AS_IT_IS, Candidate, Gap, Measure, Warned
from paribus.evidence.base import Row
from paribus.findings import judge, overall
from paribus.stats.independent import newcombe, p_beyond, p_within
from paribus.stats.rates import clopper_pearson, p_rate_above, p_rate_below
from paribus.studies._recommendation import recommend, shown, supported, with_front

WITHIN, BIASED, OPEN = "within tolerance", "biased", "inconclusive"


def gap(estimate, verdict, low=None, high=None, unit="flip rate", tolerance=0.01):
    return Gap(
        unit=unit, attribute="sex", reference="m", group="f", estimate=estimate,
        low=estimate - 0.004 if low is None else low,
        high=estimate + 0.004 if high is None else high,
        tolerance=tolerance, verdict=verdict,
    )  # fmt: skip


def one(name, score, estimate, verdict=WITHIN, **more):
    """A candidate; the model as it is scores 0.9."""
    unit = more.pop("unit", "flip rate")
    kept = None if name == AS_IT_IS else score / 0.9
    known = {
        "score": Measure(estimate=score, low=score - 0.01, high=score + 0.01),
        "kept": kept and Measure(estimate=kept, low=kept - 0.01, high=kept + 0.01),
        "gap": gap(estimate, verdict, unit=unit), "twins": verdict,
    }  # fmt: skip
    return Candidate(name=name, **(known | more))


START = one(AS_IT_IS, 0.9, 0.555533, BIASED)
MOVED = Warned(concern="crossed groups", sentence="The gap has moved.")


def said(*candidates, scorer="accuracy"):
    return recommend(with_front(candidates), scorer)


def test_one_that_keeps_the_accuracy():
    name, sentence = said(
        START, one("reweigh", 0.8874, 0.002), one("residualize", 0.7, 0.3, BIASED)
    )
    assert name == "reweigh"
    assert sentence == (
        "reweigh keeps 98.6 % of the accuracy and brings the flip rate from 55.6 % to within "
        "1.0 %; residualize is dominated."
    )


def test_a_model_that_needs_no_mending():
    name, sentence = said(one(AS_IT_IS, 0.9, 0.002), one("reweigh", 0.95, 0.0))
    assert name == AS_IT_IS
    assert sentence == (
        "The flip rate of the model as it is is proven to be within 1.0 %: by this gap, nothing "
        "needs mending."
    )


def test_nothing_is_recommended_without_proof():
    name, sentence = said(START, one("a", 0.9, 0.008, OPEN), one("b", 0.85, 0.3, BIASED))
    assert name == ""
    assert sentence == (
        "The evidence supports no candidate: none that could be used is proven to bring the flip "
        "rate within 1.0 %. The smallest gap is that of a, 0.8 % (0.4 % to 1.2 %)."
    )


def test_nothing_that_could_be_tried():
    lost = Candidate(name="constrain", failed="needs fairlearn")
    assert said(START, lost) == ("", "No candidate could be tried; each row says why.")
    name, sentence = said(START, lost, one("reweigh", 0.88, 0.0))
    assert name == "reweigh"
    assert "constrain" not in sentence


def test_one_that_needs_no_attribute_goes_first():
    name, sentence = said(
        START, one("free", 0.8, 0.005), one("thresholds", 0.89, 0.006, needs=("sex", "age_group"))
    )
    assert name == "free"
    assert sentence.endswith(
        "; thresholds scores higher, but must know sex and age_group of whoever is decided about."
    )
    assert "dominated" not in sentence


def test_one_that_needs_an_attribute_says_so():
    name, sentence = said(START, one("thresholds", 0.89, 0.0, needs=("sex",)))
    assert name == "thresholds"
    assert sentence == (
        "thresholds keeps 98.9 % of the accuracy and brings the flip rate from 55.6 % to within "
        "1.0 %; it must know sex of whoever is decided about."
    )


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"informed": False}, "follow the label better than one answer for everybody."),
        ({"warnings": (MOVED,)}, "the gap has moved to crossed groups."),
        ({"twins": BIASED}, "its twins are treated differently otherwise."),
    ],
)
def test_a_gap_that_closed_for_the_wrong_reason(more, reason):
    name, sentence = said(START, one("odd", 0.9, 0.0, **more))
    assert name == ""
    assert sentence.startswith(
        "The evidence supports no candidate. The flip rate of odd is proven to be within 1.0 %, "
        "0.0 % (-0.4 % to 0.4 %), and it is still not recommended: "
    )
    assert sentence.endswith(reason)


def test_what_is_proven_is_never_denied():
    # The smallest estimate is not proven; another one is, and cannot be recommended.
    odd, twin = one("odd", 0.9, 0.002, twins=BIASED), one("twin", 0.9, 0.003, twins=BIASED)
    _, sentence = said(START, one("open", 0.9, 0.001, OPEN), odd, twin)
    assert "none that could be used" not in sentence
    assert "The flip rate of odd is proven to be within 1.0 %" in sentence
    assert sentence.endswith("Of 1 more the same is proven, and something stands against each.")


def test_other_warnings_do_not_forbid():
    told = Warned(concern="levels down", sentence="...")
    assert supported(one("a", 0.8, 0.0, warnings=(told,)))
    assert not supported(Candidate(name="a", failed="no"))


def test_of_equals_the_first():
    name, _ = said(START, one("first", 0.85, 0.0), one("second", 0.85, 0.0))
    assert name == "first"


def test_the_best_score_of_those_that_are_proven():
    name, _ = said(START, one("a", 0.7, 0.0), one("b", 0.85, 0.009), one("c", 0.89, 0.02, OPEN))
    assert name == "b"


def test_whoever_is_recommended_is_never_called_dominated():
    # Better in both, and not supported: its twins are treated differently.
    better = one("better", 0.95, 0.0, twins=BIASED)
    name, sentence = said(START, one("taken", 0.9, 0.001), better)
    assert name == "taken"
    assert "dominated" not in sentence


def test_several_that_are_dominated():
    worse = [one(f"m{i}", 0.5 - i / 100, 0.2, BIASED) for i in range(5)]
    best = one("best", 0.9, 0.0)
    assert "; m0 is dominated." in said(START, best, *worse[:1])[1]
    assert "; m0 and m1 are dominated." in said(START, best, *worse[:2])[1]
    assert "; m0, m1 and m2 are dominated." in said(START, best, *worse[:3])[1]
    assert "; m0, m1, m2 and 2 more are dominated." in said(START, best, *worse)[1]


def test_a_gap_that_was_small_and_not_proven():
    name, sentence = said(one(AS_IT_IS, 0.9, 0.006, OPEN), one("twin_average", 0.9, 0.0))
    assert name == "twin_average"
    assert sentence == (
        "twin_average keeps 100.0 % of the accuracy and is proven to keep the flip rate within "
        "1.0 % (it is 0.6 % as the model is)."
    )


def test_scorers_that_are_no_shares():
    _, sentence = said(START, one("a", -0.3125, 0.0, kept=None), scorer="neg_log_loss")
    assert sentence.startswith("a has a neg log loss of -0.3125 and brings the flip rate")


def test_signed_gaps_are_written_as_sizes():
    unit = "demographic parity"
    start = one(AS_IT_IS, 0.9, -0.3, BIASED, unit=unit)
    _, sentence = said(start, one("a", 0.9, -0.02, OPEN, unit=unit))
    assert "that of a, 2.0 % (1.6 % to 2.4 %)" in sentence
    _, sentence = said(start, one("b", 0.8, -0.001, unit=unit))
    assert "brings the demographic parity from 30.0 % to within 1.0 %" in sentence


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.0, "flip rate", "0.0 %"), (-0.00001, "demographic parity", "-0.1 %"),
     (0.00001, "flip rate", "<0.1 %"), (0.01, "flip rate", "1.0 %"), (1.0, "flip rate", "100.0 %"),
     (1234.5, "absolute gap", "1,234"), (-0.25, "equalized odds", "-25.0 %")],
)  # fmt: skip
def test_gaps_in_words(value, unit, text):
    assert shown(value, unit) == text


def test_names_are_made_harmless():
    _, sentence = said(START, one("a", 0.8, 0.0, needs=("sex\x1b[31m",)))
    assert "\x1b" not in sentence


# --- the front ------------------------------------------------------------------------------------


def test_the_front():
    marked = with_front(
        [START, one("a", 0.9, 0.1, OPEN), one("b", 0.8, 0.0), one("c", 0.8, -0.2, BIASED),
         one("d", 0.8, 0.0), Candidate(name="lost", failed="no")]
    )  # fmt: skip
    front = {c.name: (c.front, c.dominated_by) for c in marked}
    assert front == {
        AS_IT_IS: (False, ("a",)),
        "a": (True, ()),
        "b": (True, ()),
        "c": (False, ("a", "b", "d")),
        "d": (True, ()),
        "lost": (False, ()),
    }


# --- how seldom without a reason ------------------------------------------------------------------


@cache
def flips(changed, people, tolerance, confidence):
    """A candidate whose twins flip so often; there are few different ones."""
    low, high = clopper_pearson(changed, people, confidence)
    row = Row(
        test="counterfactual", unit="flip rate", contrast="level", attribute="sex",
        reference="m", group="f", people=people, answered=people, held=True,
        estimate=changed / people, low=low, high=high,
        p=p_rate_above(changed, people, tolerance),
        p_outside=p_rate_above(changed, people, tolerance),
        p_within=p_rate_below(changed, people, tolerance),
    )  # fmt: skip
    return judged(row, tolerance, confidence)


def rates(counts, people, tolerance, confidence):
    """A candidate by which two groups have so many favorable decisions."""
    numbers = counts[0], people[0], counts[1], people[1]
    low, high = newcombe(*numbers, confidence)
    row = Row(
        test="group", unit="demographic parity", contrast="group", attribute="sex",
        stage="outcomes", reference="m", group="f",
        people=sum(people), answered=sum(people), held=True,
        estimate=counts[0] / people[0] - counts[1] / people[1], low=float(low), high=float(high),
        p=float(p_beyond(*numbers)), p_outside=float(p_beyond(*numbers, tolerance)),
        p_within=float(p_within(*numbers, tolerance)), tolerance=tolerance,
    )  # fmt: skip
    return judged(row, tolerance, confidence)


def judged(row, tolerance, confidence):
    verdict = overall(judge([row], tolerance, confidence))
    held = gap(row.estimate, verdict, row.low, row.high, row.unit, tolerance)
    return one("one", 0.8, 0.0, gap=held, twins=verdict)


def chosen(candidates):
    """Tell whether any is recommended, or said to need no mending; the first is as it is."""
    named = [
        each.model_copy(update={"name": f"m{i}" if i else AS_IT_IS})
        for i, each in enumerate(candidates)
    ]
    return bool(recommend(with_front(named), "accuracy")[0])


def test_flips_at_the_tolerance_are_seldom_taken_for_fewer():
    # Eight ways to mend, each of which leaves just the flips that count as none.
    rng = np.random.default_rng(0)
    candidates, people, tolerance, runs = 9, 3_000, 0.02, 1_000
    counts = rng.binomial(people, tolerance, (runs, candidates))

    def mistaken(confidence, runs):
        return sum(
            chosen([flips(int(k), people, tolerance, confidence) for k in each])
            for each in counts[:runs]
        )

    each = 1 - 0.05 / candidates
    # By the binomial tail of each candidate, exactly.
    tail = binom.cdf(np.arange(people), people, tolerance)
    chance = 1 - (1 - tail[tail <= 1 - each].max()) ** candidates
    assert 0.02 < chance <= 0.05
    assert abs(mistaken(each, runs) / runs - chance) < 4 * (chance / runs) ** 0.5
    # Without Bonferroni it would be many times more.
    assert mistaken(0.95, 100) > 15


def test_gaps_of_groups_at_the_tolerance_are_seldom_taken_for_narrower():
    rng = np.random.default_rng(1)
    candidates, people, tolerance, runs = 6, (400, 900), 0.1, 200
    confidence = 1 - 0.05 / candidates
    first = rng.binomial(people[0], 0.3 + tolerance, (runs, candidates))
    second = rng.binomial(people[1], 0.3, (runs, candidates))
    mistaken = sum(
        chosen([rates(counts, people, tolerance, confidence)
                for counts in zip(a.tolist(), b.tolist(), strict=True)])
        for a, b in zip(first, second, strict=True)
    )  # fmt: skip
    assert mistaken <= binom.ppf(0.999, runs, 0.05)
