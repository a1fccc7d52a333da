"""Known intervals through whole audits, and missing answers at their worst by brute force."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.evidence._gaps import Scale, flip_rate, mean_gap, net_gap
from paribus.outcomes import Outcome, tally
from paribus.stats.moments import Moments, mean_interval

GENDER = {"gender": ["Male", "Female"]}


def table_audit(n11, n12, n21, n22, **options):
    """Audit a model whose pairs are a given table: n12 pairs favor the man alone, n21 the woman."""
    n = n11 + n12 + n21 + n22
    male = np.repeat([1, 1, 0, 0], [n11, n12, n21, n22])
    female = np.repeat([1, 0, 1, 0], [n11, n12, n21, n22])

    def model(people):
        is_male = people["gender"] == "Male"
        return np.where(is_male, male[people["i"]], female[people["i"]])

    return pb.audit(
        model, protect=GENDER, fields={"i": pb.sequence(0)}, people=n, favorable=1, **options
    )


def rows(record, test="counterfactual"):
    return {row.unit: row for row in record.evidence if row.reference and row.test == test}


# Tango intervals: Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33, tables 2 to 4;
# Tango (1998), Statistics in Medicine 17, table III. Gaps are woman minus man, so n21 - n12.
KNOWN = [
    ((1, 1, 7, 12), 0.0703125, (-0.5172, -0.0260), 4),
    ((43, 0, 1, 0), 1.0, (-0.1181, 0.0594), 4),
    ((36, 12, 2, 0), None, (0.061112, 0.344709), 6),
]


@pytest.mark.parametrize(("cells", "p", "tango", "digits"), KNOWN)
def test_known_tables(cells, p, tango, digits):
    """The published gap is n12 - n21; ours, group minus reference, is its negative."""
    gap = rows(table_audit(*cells))["net gap"]
    n11, n12, n21, n22 = cells
    assert gap.estimate == pytest.approx((n21 - n12) / sum(cells))
    assert (gap.flips_against, gap.flips_for) == (n12, n21)
    # Where the exact test does not refute 0, the interval that is shown holds it.
    shown = tango if gap.p <= 0.05 else (min(tango[0], 0.0), max(tango[1], 0.0))
    assert (-gap.high, -gap.low) == pytest.approx(shown, abs=0.6 * 10.0**-digits)
    if p is not None:
        assert gap.p == pytest.approx(p)
    mirrored = rows(table_audit(n11, n21, n12, n22))["net gap"]
    assert (mirrored.low, mirrored.high) == pytest.approx(shown, abs=0.6 * 10.0**-digits)


@pytest.mark.parametrize(("n", "verdict"), [(148, "inconclusive"), (149, "within tolerance")])
def test_no_flip_proves_two_percent_from_149_pairs_on(n, verdict):
    assert table_audit(n, 0, 0, 0, tolerance=0.02).verdict == verdict


def test_rates_of_the_levels():
    record = table_audit(10, 5, 2, 3)
    rates = {row.group: row.estimate for row in record.evidence if row.unit == "favorable rate"}
    assert rates == {"Male": 15 / 20, "Female": 12 / 20}


# --- missing answers ------------------------------------------------------------------------------

DECISION = Outcome("decision", (1,))
MISSING = 2
ABOUT = {
    "test": "counterfactual",
    "contrast": "level",
    "attribute": "g",
    "reference": "a",
    "group": "b",
}


def score_gap(about, counted, scale, held):
    return mean_gap(about, "score gap", counted.gaps, counted.people, scale, held)


def weighed(weigh, outcome, reference, group, tolerance, confidence=0.95, spread=0.0):
    """Weigh one table of pairs; a side that is MISSING was not answered."""
    sides = []
    for side in (reference, group):
        values = np.array(side, dtype=float)
        gone = np.isnan(values)
        kept = np.where(gone, 0, values)
        sides.append((kept if outcome.measures else kept.astype(np.int8), gone.astype(np.int8) * 2))
    counted = tally(outcome, 0, *sides)
    about = {**ABOUT, "people": counted.people, "answered": counted.answered}
    return weigh(about, counted, Scale(tolerance, confidence, spread=spread), True)


def pairs_of(cells):
    sides = (1.0, 0.0, np.nan)
    pairs = [
        (r, g)
        for (g, r), count in zip(product(sides, sides), cells, strict=True)
        for _ in range(count)
    ]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def completions(cells):
    """Every table that the missing answers could have turned into, by counting."""
    known = {(r, g): 0 for r in (1.0, 0.0) for g in (1.0, 0.0)}
    open_cells = []
    for (g, r), count in zip(product((1.0, 0.0, None), repeat=2), cells, strict=True):
        ends = [
            (x, y)
            for x in ([r] if r is not None else [1.0, 0.0])
            for y in ([g] if g is not None else [1.0, 0.0])
        ]
        if len(ends) == 1:
            known[ends[0]] += count
        else:
            open_cells.append((ends, count))
    for split in product(*(_splits(count, len(ends)) for ends, count in open_cells)):
        whole = dict(known)
        for (ends, _), counts in zip(open_cells, split, strict=True):
            for end, count in zip(ends, counts, strict=True):
                whole[end] += count
        yield whole


def _splits(count, parts):
    if parts == 1:
        return [(count,)]
    return [(i, *rest) for i in range(count + 1) for rest in _splits(count - i, parts - 1)]


@given(
    st.tuples(*[st.integers(0, 25)] * 4),
    st.tuples(*[st.integers(0, 2)] * 5),
    st.sampled_from([0.0, 0.02, 0.1, 0.3]),
    st.sampled_from([0.9, 0.95, 0.99]),
)
@settings(max_examples=30, deadline=None)
def test_missing_decisions_are_bounded_by_every_completion(told, gone, tolerance, confidence):
    cells = (told[0], told[1], gone[0], told[2], told[3], gone[1], gone[2], gone[3], gone[4])
    if not sum(cells):
        return
    reference, group = pairs_of(cells)
    for weigh in (flip_rate, net_gap):
        whole = weighed(weigh, DECISION, reference, group, tolerance, confidence)
        assert whole.answered == sum(told)
        assert whole.people == sum(cells)
        for table in completions(cells):
            r, g = zip(*(pair for pair, count in table.items() for _ in range(count)), strict=True)
            row = weighed(weigh, DECISION, r, g, tolerance, confidence)
            assert whole.low <= row.low + 1e-9, table
            assert row.high <= whole.high + 1e-9, table
            # What is claimed holds whatever the missing answers would have been.
            assert whole.p_outside >= row.p_outside - 1e-9, table
            assert whole.p_within >= row.p_within - 1e-9, table


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.05, 0.3]),
)
@settings(max_examples=60, deadline=None)
def test_missing_scores_are_bounded_by_every_completion(told, gone, tolerance):
    score = Outcome("score", bounds=(0.0, 1.0))
    nothing = (np.nan, np.nan)
    reference, group = zip(*told, *[nothing] * gone, strict=True)
    whole = weighed(score_gap, score, reference, group, tolerance, 0.95, 1.0)
    for worst in range(gone + 1):
        ends = [(0.0, 1.0)] * worst + [(1.0, 0.0)] * (gone - worst)
        for extra in (ends, [(0.5, 0.5)] * gone):
            r, g = zip(*told, *extra, strict=True)
            row = weighed(score_gap, score, r, g, tolerance, 0.95, 1.0)
            assert whole.low <= row.low + 1e-9
            assert row.high <= whole.high + 1e-9
            # Above a half nothing is claimed, and the one test says 1 where another says 0.75.
            assert whole.p_outside >= min(row.p_outside, 0.5) - 1e-9
            assert whole.p_within >= min(row.p_within, 0.5) - 1e-9


def test_without_missing_scores_the_interval_is_students():
    gaps = np.random.default_rng(1).normal(0.1, 0.05, 50)
    score = Outcome("score", bounds=(0.0, 1.0))
    row = weighed(score_gap, score, np.full(50, 0.4), 0.4 + gaps, 0.01, 0.95, 1.0)
    assert (row.low, row.high) == pytest.approx(mean_interval(Moments.of(gaps), 0.95))
    assert row.largest == pytest.approx(gaps[np.abs(gaps).argmax()])


# --- tolerances, thresholds, preferences ----------------------------------------------------------


def score_audit(score, **options):
    return pb.audit(
        lambda d: np.where(d["gender"] == "Male", score(d["x"]), score(d["x"]) - 0.2),
        protect=GENDER,
        fields={"x": pb.uniform(0, 1)},
        people=2_000,
        seed=3,
        outcome="score",
        **options,
    )


def test_a_threshold_makes_decisions_of_scores():
    record = score_audit(lambda x: x, threshold=0.5)
    found = rows(record)
    assert set(found) == {"flip rate", "net gap", "score gap", "absolute gap"}
    assert found["absolute gap"].estimate == pytest.approx(0.2)
    assert found["flip rate"].estimate == pytest.approx(0.2, abs=0.03)
    assert found["flip rate"].flips_for == 0
    assert found["net gap"].estimate == -found["flip rate"].estimate
    assert found["score gap"].estimate == pytest.approx(-0.2)
    assert record.model.threshold == 0.5


def test_low_scores_may_be_the_good_ones():
    found = rows(score_audit(lambda x: x, threshold=0.5, prefer="low"))
    assert found["net gap"].estimate == pytest.approx(0.2, abs=0.03)
    assert found["flip rate"].flips_against == 0
    exactly = rows(
        pb.audit(
            lambda d: np.where(d["gender"] == "Male", 0.5, 0.6),
            protect=GENDER,
            fields={"x": pb.sequence()},
            people=30,
            outcome="score",
            threshold=0.5,
            prefer="low",
        )
    )
    assert exactly["flip rate"].flips_against == 30


def test_a_tolerance_in_the_unit_of_numbers():
    """A tolerance of many dollars is more than any rate: rates are then held to nothing."""
    record = pb.audit(
        lambda d: d["x"] + 500.0 * (d["gender"] == "Male"),
        protect=GENDER,
        fields={"x": pb.integers(0, 9_999)},
        people=2_000,
        outcome="number",
        threshold=5_000,
        tolerance=800,
    )
    verdicts = {f.unit: f.verdict for f in record.findings}
    assert set(verdicts) == {"flip rate", "net gap", "score gap", "absolute gap"}
    assert set(verdicts.values()) == {"within tolerance"}


def test_numbers_need_a_tolerance():
    with pytest.raises(pb.SpecError) as raised:
        pb.audit(lambda d: d["x"], protect=GENDER, fields={"x": pb.sequence()}, outcome="number")
    assert raised.value.path == "$.audit.tolerance"


def test_labels_with_and_without_favorable_ones():
    def model(d):
        return np.where(d["gender"] == "Male", "prime", np.array(["sub", "near"])[d["x"] % 2])

    def audit(**options):
        return rows(
            pb.audit(
                model,
                protect=GENDER,
                fields={"x": pb.sequence(0)},
                people=100,
                outcome="label",
                labels=["prime", "near", "sub"],
                **options,
            )
        )

    plain = audit()
    assert set(plain) == {"label change rate"}
    assert plain["label change rate"].estimate == 1.0
    good = audit(favorable=["prime", "near"])
    assert good["flip rate"].estimate == 0.5
    assert good["net gap"].estimate == -0.5
    assert good["label change rate"].estimate == 1.0


def test_the_report_does_not_contradict_itself_where_tango_and_the_exact_test_differ():
    """5 changes against none among 100: Tango's [.0112, .1118] has no 0, and exact p is .0625."""
    gap = rows(table_audit(90, 0, 5, 5))["net gap"]
    assert gap.p == pytest.approx(0.0625)
    assert gap.low == 0.0
    assert gap.high == pytest.approx(0.1118, abs=1e-4)
    assert gap.p_outside >= gap.p


@given(
    st.tuples(*[st.integers(0, 12)] * 4),
    st.tuples(*[st.integers(0, 1)] * 5),
)
@settings(max_examples=15, deadline=None)
def test_a_p_value_of_no_gap_holds_whatever_the_missing_answers(told, gone):
    cells = (told[0], told[1], gone[0], told[2], told[3], gone[1], gone[2], gone[3], gone[4])
    if not sum(cells):
        return
    reference, group = pairs_of(cells)
    whole = weighed(net_gap, DECISION, reference, group, 0.01)
    assert whole.low <= 0 <= whole.high or whole.p <= 0.05
    for table in completions(cells):
        r, g = zip(*(pair for pair, count in table.items() for _ in range(count)), strict=True)
        assert whole.p >= weighed(net_gap, DECISION, r, g, 0.01).p - 1e-9


# --- the law: no NaN, no infinity, no warning -----------------------------------------------------

LEVELS = {"gender": ["Male", "Female", "Other"]}
OUTCOMES = {
    "decision": {"favorable": 1},
    "bounded score": {"outcome": "score", "threshold": 0.5},
    "score": {"outcome": "score"},
    "number": {"outcome": "number", "tolerance": 5.0, "threshold": 0.0},
    "label": {"outcome": "label", "labels": ["a", "b", "c"]},
    "favorable label": {"outcome": "label", "labels": ["a", "b", "c"], "favorable": ["a"]},
}
PATTERNS = {
    "no flip": lambda i, female, rng: 0.0 * i,
    "all flip": lambda i, female, rng: female * 1.0,
    "cancel": lambda i, female, rng: (i + female) % 2 * 1.0,
    "noise": lambda i, female, rng: rng.integers(0, 2, len(i)) * 1.0,
}
GONE = {
    "nothing": lambda i, female: np.zeros(len(i), bool),
    "a third": lambda i, female: i % 3 == 1,
    "one level": lambda i, female: female,
    "most": lambda i, female: i % 7 != 0,
}


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("extreme", [False, True])
def test_every_number_is_finite_and_every_interval_holds_its_estimate(outcome, pattern, extreme):
    kind = OUTCOMES[outcome].get("outcome", "decision")
    if extreme and (kind not in {"score", "number"} or pattern == "noise"):
        return
    for gone, people in product(GONE, (1, 30)):
        rng = np.random.default_rng(0)

        def model(frame, gone=gone, rng=rng):
            i, female = frame["i"].to_numpy(), (frame["gender"] == "Female").to_numpy()
            said = PATTERNS[pattern](i, female, rng)
            if kind == "label":
                said = np.array(["a", "b"], dtype=object)[said.astype(int)]
            elif extreme:
                said = (2 * said - 1) * 1e100
            said = said.astype(object)
            said[GONE[gone](i, female)] = None
            return said

        multiplicity = "max-t" if people == 30 and gone == "a third" else "holm"
        record = pb.audit(
            model, protect=LEVELS, fields={"i": pb.sequence(0)}, people=people,
            multiplicity=multiplicity, **OUTCOMES[outcome],
        )  # fmt: skip
        for row in record.evidence:
            numbers = [row.estimate, row.low, row.high, row.sd or 0.0, row.largest or 0.0]
            assert np.isfinite(numbers).all(), row
            assert row.low <= row.estimate <= row.high, row
            chances = [row.p, row.p_outside, row.p_within, row.p_joint]
            assert all(p is None or 0 <= p <= 1 for p in chances), row
        for finding in record.findings:
            assert not {"nan", "inf"} & set(finding.sentence.replace(",", " ").split())
        if pattern == "no flip":
            assert record.verdict != "biased"
        if people == 1 or gone == "most":
            assert record.verdict != "within tolerance"
