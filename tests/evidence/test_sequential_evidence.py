"""Audits that stop early: pairs that it takes, verdicts that hold, whatever the runs."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.answers import BlockAnswers
from paribus.evidence.counterfactual import Counterfactual
from paribus.evidence.sequential import Sequential, Watched
from paribus.findings import judge
from paribus.outcomes import Outcome
from paribus.people.population import People
from paribus.probe import _ask
from paribus.probe._ask import _runs
from paribus.stats.sequential import Walk
from paribus.stopping import Stopping
from paribus.twins import level_contrasts, pair

GENDER = {"gender": ["Male", "Female"]}
RACE = {"race": ["a", "b", "c"]}
NUMBER = {"x": pb.sequence(0)}


def chance(numbers, salt):
    """A number between 0 and 1 for each number of a person: the same whenever asked (SplitMix)."""
    z = np.asarray(numbers).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / 2**53


def flipping(against, in_favor, salt):
    """A model that repeats itself, and flips these shares of people."""

    def model(d):
        u = chance(d["x"], 7919 * salt + 1)
        base = chance(d["x"], 7919 * salt + 2) < 0.5
        man = np.where(u < in_favor, 0, np.where(u < in_favor + against, 1, base))
        woman = np.where(u < in_favor, 1, np.where(u < in_favor + against, 0, base))
        return np.where(d["gender"] == "Female", woman, man)

    return model


def early(model, **options):
    asked = {"protect": GENDER, "fields": NUMBER, "people": 20_000, "tolerance": 0.02}
    if "outcome" not in options:
        asked["favorable"] = 1
    return pb.audit(model, stop="early", **{**asked, **options})


def finding(record, unit="net gap", group="Female"):
    return next(f for f in record.findings if (f.unit, f.group) == (unit, group))


def plain(record):
    return record.model_copy(update={"run": {}}).json_text()


# --- how many pairs it takes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "noise", "pairs", "verdict"),
    [
        (0.0, 0.0, 220, "within tolerance"),
        (0.05, 0.0, 331, "biased"),
        (0.2, 0.0, 45, "biased"),
        (0.2, 0.02, 57, "biased"),
    ],
)
def test_whole_audits_take_as_many_pairs_as_planned(gap, noise, pairs, verdict):
    """The figures are means of 1,000 simulations each at tolerance 2 % and 95 % confidence."""
    records = [early(flipping(noise + gap, noise, salt)) for salt in range(30 if gap else 2)]
    settled = np.array([finding(record).settled for record in records])
    assert {record.verdict for record in records} == {verdict}
    assert abs(settled.mean() - pairs) <= 0.1 * pairs / 5 + 4 * settled.std() / len(settled) ** 0.5
    for record, at in zip(records, settled, strict=True):
        flips = finding(record, "flip rate").settled
        # A run is an eighth of all before it, or 32 people: no more are asked in vain.
        assert record.stopped.pairs - max(at, flips or 0) < max(32, at / 8)
        assert record.stopped.saved == 20_000 - record.stopped.pairs
        assert record.people == record.stopped.pairs
        assert record.run["questions"] == 2 * record.stopped.pairs


def test_what_is_never_proven_is_asked_up_to_the_cap():
    record = early(flipping(0.02, 0.0, 3), people=3_000)
    assert finding(record).verdict == "inconclusive"
    assert finding(record).settled is None
    assert (record.stopped.cap, record.stopped.pairs, record.stopped.saved) == (3_000, 3_000, 0)
    assert record.verdict == "inconclusive"


def test_a_tolerance_of_nothing_is_never_proven():
    record = early(flipping(0.0, 0.0, 1), people=500, tolerance=0)
    assert record.verdict == "inconclusive"
    assert early(flipping(0.3, 0.0, 1), people=500, tolerance=0).verdict == "biased"


# --- the same whoever asks ------------------------------------------------------------------------


def several(d):
    u = chance(d["x"], 5)
    favored = 0.5 - 0.1 * (d["gender"] == "Female") - 0.2 * (d["race"] == "b")
    return (u < favored).astype(int)


def test_every_executor_stops_at_the_same_person():
    texts = {
        plain(early(several, protect=GENDER | RACE, fields={"x": pb.integers(0, 10**9)}, workers=w))
        for w in (1, 2, 3, 4)
    }
    assert len(texts) == 1


def test_verdicts_do_not_depend_on_the_size_of_the_runs(monkeypatch):
    """Runs say how many are asked in vain, and nothing else: not even when a verdict was proven."""
    told = set()
    for first in (7, 32, 20_000):
        monkeypatch.setattr(_ask, "_FIRST_RUN", first)
        record = early(several, protect=GENDER | RACE)
        told.add(tuple((f.unit, f.group, f.verdict, f.settled) for f in record.findings))
    assert len(told) == 1


@given(st.integers(1, 300_000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_runs_cover_everybody_once_within_blocks(people, early):
    runs = _runs(people, early)
    assert [start for start, _ in runs] == [0, *(stop for _, stop in runs[:-1])]
    assert runs[-1][1] == people
    for start, stop in runs:
        assert 0 < stop - start <= 65_536
        assert start // 65_536 == (stop - 1) // 65_536
        if early:
            assert stop - start <= max(32, start / 8)
            # More people behind change nothing before them.
            assert (start, stop) in _runs(people + 100_000, early) or stop == people


# --- several claims -------------------------------------------------------------------------------


def test_settled_is_when_the_adjusted_verdict_was_proven():
    """Of three claims of bias each needs more proof than alone; asked up to there, it is proven."""
    record = early(several, protect=GENDER | RACE)
    for found in record.findings:
        if found.verdict == "inconclusive":
            continue
        at = found.settled
        until = early(several, protect=GENDER | RACE, people=at)
        assert finding(until, found.unit, found.group).verdict == found.verdict
        before = early(several, protect=GENDER | RACE, people=at - 1)
        assert finding(before, found.unit, found.group).verdict == "inconclusive"
    alone = early(
        several, protect={"race": ["a", "b"]}, fields=NUMBER | {"gender": pb.constant("Male")}
    )
    assert finding(alone, group="b").settled <= finding(record, group="b").settled


@given(
    st.lists(st.tuples(st.integers(-1, 1), st.integers(-1, 1)), min_size=1, max_size=150),
    st.integers(1, 40),
)
@settings(max_examples=15, deadline=None)
def test_stopping_dates_verdicts_as_asking_one_by_one_does(gaps, size):
    """Against the plain way: judged anew after every single pair."""
    people = People(protect={"race": {"levels": ["a", "b", "c"]}}, size=len(gaps))
    twins = pair(people, level_contrasts(people, "race"))
    outcome = Outcome("decision", (1,))
    d = np.array(gaps)
    values = ((d.min(axis=1) < 0).astype(np.int8),)
    values = (values[0], *(np.clip(values[0] + d[:, i], 0, 1).astype(np.int8) for i in (0, 1)))
    whole = BlockAnswers(0, values, (None,) * 3)
    parts = [whole.first(n) for n in range(1, len(gaps) + 1)]
    expected = {}
    for n, part in enumerate(parts, start=1):
        watched = Watched(twins, outcome, 0.1, 0.9)
        watched.add(part)
        for f in judge(watched.rows(True), 0.1, 0.9):
            if f.verdict != "inconclusive":
                expected.setdefault((f.unit, f.attribute, f.group), n)
    stopping = Stopping(twins, outcome, 0.1, 0.9, "holm")
    enough = stopping.begin(True)
    for start in range(0, len(gaps), size):
        run = BlockAnswers(start, tuple(v[start : start + size] for v in values), (None,) * 3)
        done = enough(run)
    assert stopping.settled == expected
    assert done == (len(expected) == 4)


# --- real rows ------------------------------------------------------------------------------------


def test_sorted_rows_are_shuffled_and_witnesses_name_their_row():
    """Only the last tenth is treated otherwise: the first rows of the file would say nothing."""
    data = pd.DataFrame({"gender": ["Male", "Female"] * 20_000, "x": np.arange(40_000)})

    def model(d):
        return ((d["gender"] == "Male") | (d["x"] < 36_000)).astype(int)

    record = pb.audit(
        model, protect=GENDER, data=data, favorable=1, tolerance=0.02, stop="early", seed=1
    )
    assert record.verdict == "biased"
    assert record.stopped.cap == 40_000
    assert record.stopped.pairs < 1_000
    assert finding(record).estimate == pytest.approx(-0.1, abs=0.06)
    pairs = record.pairs()
    assert len(pairs) == record.stopped.pairs
    assert pairs["x"].nunique() == len(pairs)
    for witness in record.witnesses:
        assert witness.same["x"] == witness.row >= 36_000
        assert pairs["x"][pairs["person"] == witness.person].tolist() == [witness.row]


def test_a_sample_of_rows_is_the_cap():
    data = pd.DataFrame({"gender": ["Male", "Female"] * 500, "x": np.arange(1_000)})
    record = pb.audit(
        lambda d: (d["x"] % 2 == 0).astype(int),
        protect=GENDER, data=data, favorable=1, tolerance=0.02, people=300, stop="early",
    )  # fmt: skip
    assert (record.stopped.cap, record.verdict) == (300, "within tolerance")


def test_people_beyond_the_first_block_are_found_again():
    record = early(flipping(0.01, 0.01, 1), people=150_000, tolerance=0.0)
    pairs = record.pairs("pyarrow")
    assert record.stopped.pairs == 150_000 == len(pairs)
    assert pairs["x"].to_pylist() == list(range(150_000)) == pairs["person"].to_pylist()
    model = flipping(0.01, 0.01, 1)
    frame = pd.DataFrame({"x": pairs["x"].to_pylist()})
    for side, gender in (("reference", "Male"), ("group", "Female")):
        said = model(frame.assign(gender=gender))
        assert pairs[f"{side}_answer"].to_pylist() == said.tolist()


# --- what is missing ------------------------------------------------------------------------------


def test_missing_answers_are_taken_at_their_worst():
    """With 5 % refusals, all of which could be flips, nothing within 2 % is ever proven."""

    def model(d):
        said = (chance(d["x"], 1) < 0.5).astype(float)
        said[np.asarray(chance(d["x"], 2) < 0.05)] = np.nan
        return said

    record = early(model, people=3_000)
    assert finding(record).verdict == "inconclusive"
    assert finding(record).answered == 3_000 - record.answers.failed / 2
    assert record.answers.failed > 200
    low, high = finding(record).low, finding(record).high
    assert low < -0.04
    assert high > 0.04
    assert early(model, people=3_000, tolerance=0.15).verdict == "within tolerance"


@pytest.mark.parametrize("outcome", ["label", "score"])
def test_missing_labels_and_scores_are_taken_at_their_worst(outcome):
    """A tenth has no answer, and nobody's changes: up to a tenth may."""

    class Some(Scores):
        def predict_proba(self, d):
            p = np.where(d["x"] % 10 == 0, np.nan, 0.75)
            return np.c_[1 - p, p]

    def label(d):
        return np.where(d["x"] % 10 == 0, None, "a")

    told = {"label": {"labels": ["a", "b"]}, "score": {"favorable": 1}}[outcome]
    model = label if outcome == "label" else Some()
    units = {"label": ["label change rate"], "score": ["absolute gap", "score gap"]}[outcome]
    close = early(model, outcome=outcome, people=2_000, tolerance=0.05, **told)
    wide = early(model, outcome=outcome, people=2_000, tolerance=0.2, **told)
    for unit in units:
        assert finding(close, unit).verdict == "inconclusive"
        assert finding(close, unit).estimate == 0.0
        assert finding(close, unit).high > 0.1
        assert finding(wide, unit).verdict == "within tolerance"


def test_a_gap_that_missing_answers_may_fill_is_no_bias():
    def model(d):
        woman = np.asarray(d["gender"] == "Female")
        return np.where(woman & np.asarray(d["x"] % 4 == 0), None, 1)

    record = early(model, people=2_000)
    assert finding(record).verdict == "inconclusive"
    assert finding(record).estimate == 0.0


# --- noise ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.5, 0.02])
@pytest.mark.parametrize("fields", [{"x": pb.integers(0, 3)}, {"x": pb.integers(0, 10**6)}])
def test_a_fair_model_that_does_not_repeat_itself_is_not_biased(share, fields):
    """Each person is asked about for themselves: a few shared answers would be shared noise."""
    verdicts = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        record = early(
            lambda d, rng=rng: (rng.random(len(d)) < share).astype(int),
            fields=fields, people=2_000, tolerance=0.05,
        )  # fmt: skip
        verdicts.append(record.verdict)
        assert record.model.repeatable is False
        assert {f.unit for f in record.findings} == {"net gap"}
        assert record.run["questions"] == 2 * record.people
    assert "biased" not in verdicts


# --- amounts and labels ---------------------------------------------------------------------------


class Scores:
    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(["gender", "x"])

    def predict(self, d):
        return (self.predict_proba(d)[:, 1] > 0.5).astype(int)

    def predict_proba(self, d):
        p = np.where(d["gender"] == "Female", 0.3, 0.6) + np.asarray(d["x"] % 7) / 70
        return np.c_[1 - p, p]


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_scores(threshold):
    record = early(Scores(), outcome="score", favorable=1, threshold=threshold)
    assert record.verdict == "biased"
    assert finding(record, "score gap").estimate == pytest.approx(-0.3)
    assert finding(record, "absolute gap").estimate == pytest.approx(0.3)
    assert ("net gap" in {f.unit for f in record.findings}) == (threshold is not None)
    same = early(Scores(), outcome="score", favorable=1, tolerance=0.35)
    assert same.verdict == "within tolerance"


class Close(Scores):
    """Scores that hardly differ, on the two sides of a threshold."""

    def predict_proba(self, d):
        p = np.where(d["gender"] == "Female", 0.49, 0.51)
        return np.c_[1 - p, p]


def test_decisions_flip_where_scores_hardly_move():
    record = early(Close(), outcome="score", favorable=1, threshold=0.5, tolerance=0.05)
    verdicts = {f.unit: f.verdict for f in record.findings}
    assert verdicts == {
        "net gap": "biased",
        "flip rate": "biased",
        "score gap": "within tolerance",
        "absolute gap": "within tolerance",
    }
    assert record.people < 300


@pytest.mark.parametrize("favorable", [None, ("a",)])
def test_labels(favorable):
    def model(d):
        woman = np.where(d["x"] % 3 == 0, "a", "b")
        return np.where(d["gender"] == "Female", woman, np.where(d["x"] % 2 == 0, "b", "c"))

    options = {} if favorable is None else {"favorable": favorable}
    record = early(model, outcome="label", labels=["a", "b", "c"], **options)
    n = record.people
    x = np.arange(n)
    changed = np.mean((x % 3 == 0) | (x % 2 == 1))
    assert finding(record, "label change rate").estimate == pytest.approx(changed)
    if favorable:
        assert finding(record).estimate == pytest.approx(np.mean(x % 3 == 0))


# --- rows -----------------------------------------------------------------------------------------


@given(st.lists(st.integers(-1, 1), min_size=1, max_size=400), st.floats(0.01, 0.3))
@settings(max_examples=30, deadline=None)
def test_rows_are_finite_and_around_their_estimate(gaps, tolerance):
    # A trend: the first half is what the second is not, so that early intervals may miss it.
    d = np.array(gaps + [-g for g in gaps])
    people = People(protect={"gender": {"levels": ["m", "f"]}}, size=len(d))
    twins = pair(people, level_contrasts(people, "gender"))
    values = ((d < 0).astype(np.int8), (d > 0).astype(np.int8))
    watched = Watched(twins, Outcome("decision", (1,)), tolerance, 0.95)
    watched.add(BlockAnswers(0, values, (None, None)))
    for row in (*watched.rows(True), *watched.levels()):
        assert row.low <= row.estimate <= row.high
        for step in row.trail:
            assert -1 <= step.low <= step.high <= 1
        json.dumps(row.model_dump(), allow_nan=False)
    gap = next(row for row in watched.rows(True) if row.unit == "net gap")
    assert gap.estimate == pytest.approx(d.mean())
    assert gap.settled == Walk.of_gaps(tolerance, 1 - 0.95).after(d.astype(np.int8)).settled_at


def test_a_trend_leaves_no_empty_interval():
    """All for the group, then all against it: no mean agrees with both."""
    d = np.repeat([1, -1], 300)
    people = People(protect={"gender": {"levels": ["m", "f"]}}, size=len(d))
    twins = pair(people, level_contrasts(people, "gender"))
    watched = Watched(twins, Outcome("decision", (1,)), 0.02, 0.95)
    watched.add(BlockAnswers(0, ((d < 0).astype(np.int8), (d > 0).astype(np.int8)), (None, None)))
    row = watched.rows(True)[0]
    assert row.low <= row.estimate == 0.0 <= row.high
    assert all(step.low <= step.high for step in row.trail)


# --- what does not fit ----------------------------------------------------------------------------

MIMESIS = {"Male": "MALE", "Female": "FEMALE"}
LINKED = {"name": pb.mimesis("person.full_name", follows={"gender": MIMESIS})}


@pytest.mark.parametrize(
    ("model", "options", "path", "said"),
    [
        (lambda d: d["x"] * 1.0, {"outcome": "number"}, "$.audit.stop", "without bounds"),
        (lambda d: d["x"] % 2, {"outcome": "score"}, "$.audit.stop", "declare a threshold"),
        (lambda d: d["name"].str.len() % 2, {"fields": LINKED}, "$.audit.stop", 'sees "name"'),
        (lambda d: d["x"] % 2, {"people": "all"}, "$.audit.people", 'leave out stop = "early"'),
        (lambda d: d["x"] % 2, {"people": 1_048_577}, "$.audit.people", "1,048,576 people at most"),
        (lambda d: d["x"] % 2, {"times": 2}, "$.model.times", "asks each question once"),
        (
            lambda d: d["x"] % 2,
            {"tests": [Counterfactual()]},
            "$.tests[0].kind",
            'only "sequential" stays valid',
        ),
    ],
)
def test_what_cannot_stop_early(model, options, path, said):
    with pytest.raises(pb.SpecError) as raised:
        early(model, **options)
    assert raised.value.path == path
    assert said in raised.value.message
    assert raised.value.exit_code == 2


def test_the_sequential_test_is_for_audits_that_stop_early():
    with pytest.raises(pb.SpecError, match=r'stop = "early"') as raised:
        pb.audit(
            lambda d: d["x"] % 2,
            protect=GENDER, fields=NUMBER, favorable=1, tests=[Sequential()],
        )  # fmt: skip
    assert raised.value.path == "$.tests[0].kind"


def test_a_reopened_record_says_where_it_stopped(tmp_path):
    record = early(flipping(0.2, 0.0, 1))
    opened = pb.open_record(record.save(tmp_path / "early.json"))
    assert opened.stopped == record.stopped
    assert opened.json_text() == record.json_text()
    assert finding(opened).settled == finding(record).settled
    assert not any("Regions" in note for note in record.notes)
