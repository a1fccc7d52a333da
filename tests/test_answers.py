"""Pairs are counted; counts of different people merge, whatever the blocks."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus.answers import BlockAnswers, Tallying
from paribus.outcomes import EXAMPLES, Outcome, repeated, tally
from paribus.people.population import People
from paribus.twins import level_contrasts, pair

OUTCOMES = {
    "decision": Outcome("decision", (1,)),
    "score": Outcome("score", bounds=(0.0, 1.0)),
    "threshold": Outcome("score", threshold=0.5),
    "low": Outcome("score", threshold=0.5, prefer="low"),
    "label": Outcome("label", (), ("a", "b", "c")),
    "good label": Outcome("label", ("b",), ("a", "b", "c")),
}


@st.composite
def sides(draw, outcome, n):
    if outcome.kind == "score":
        values = np.array(draw(st.lists(st.floats(0, 1), min_size=n, max_size=n)))
    else:
        top = 1 if outcome.kind == "decision" else 2
        values = np.array(
            draw(st.lists(st.integers(0, top), min_size=n, max_size=n)), dtype=np.int16
        )
    gone = draw(
        st.one_of(st.none(), st.lists(st.sampled_from([0, 0, 1, 2]), min_size=n, max_size=n))
    )
    return values, None if gone is None else np.array(gone, dtype=np.int8)


def counted_one_by_one(outcome, reference, group):
    """The same counts, as a reader would take them."""
    cells = np.zeros((3, 3), dtype=int)
    changed = 0
    for i in range(len(reference[0])):
        states = []
        for values, gone in (group, reference):
            if gone is not None and gone[i]:
                states.append(2)
            elif outcome.decides:
                states.append(0 if outcome.favors(values[i : i + 1])[0] else 1)
            else:
                states.append(0)
        cells[states[0], states[1]] += 1
        changed += 2 not in states and reference[0][i] != group[0][i]
    return cells, changed


@given(st.data(), st.sampled_from(list(OUTCOMES)), st.integers(1, 30), st.integers(0, 30))
@settings(max_examples=120, deadline=None)
def test_tallies_count_every_pair_and_merge(data, kind, n, cut):
    outcome, cut = OUTCOMES[kind], min(cut, n)
    reference, group = data.draw(sides(outcome, n)), data.draw(sides(outcome, n))
    whole = tally(outcome, 0, reference, group)
    cells, changed = counted_one_by_one(outcome, reference, group)
    assert whole.cells.tolist() == cells.tolist()
    assert whole.changed == changed
    assert whole.people == n

    def part(side, rows):
        return side[0][rows], None if side[1] is None else side[1][rows]

    if 0 < cut < n:
        first, second = (
            tally(outcome, rows.start or 0, part(reference, rows), part(group, rows))
            for rows in (slice(None, cut), slice(cut, None))
        )
        merged = first.merge(second, widest=not outcome.decides)
        assert merged.cells.tolist() == cells.tolist()
        assert merged.changed == changed
        assert merged.gaps.count == whole.gaps.count
        assert merged.gaps.mean == pytest.approx(whole.gaps.mean, abs=1e-12)
        assert (merged.gaps.low, merged.gaps.high) == (whole.gaps.low, whole.gaps.high)
        if outcome.decides:
            assert merged.against == whole.against
            assert merged.in_favor == whole.in_favor


@given(st.data(), st.sampled_from(list(OUTCOMES)), st.integers(1, 60))
@settings(max_examples=80, deadline=None)
def test_examples_are_pairs_that_differ(data, kind, n):
    outcome = OUTCOMES[kind]
    reference, group = data.draw(sides(outcome, n)), data.draw(sides(outcome, n))
    counted = tally(outcome, 100, reference, group)
    for examples, sign in ((counted.against, -1), (counted.in_favor, 1)):
        assert len(examples) <= EXAMPLES
        for person, r, g in examples:
            at = person - 100
            assert (r, g) == (reference[0][at], group[0][at])
            assert all(gone is None or not gone[at] for _, gone in (reference, group))
            if outcome.decides:
                favors = [
                    outcome.favors(np.array([v]).astype(reference[0].dtype))[0] for v in (r, g)
                ]
                assert int(favors[1]) - int(favors[0]) == sign
            elif outcome.measures:
                assert np.sign(g - r) == sign
            else:
                assert g != r


# --- runs of people, joined -----------------------------------------------------------------------


@given(st.data(), st.sampled_from(list(OUTCOMES)), st.integers(2, 25), st.booleans())
@settings(max_examples=60, deadline=None)
def test_runs_sum_up_to_what_their_block_does(data, kind, n, twice):
    """Cut anywhere: the same counts, the same kept answers, first and second ones."""
    outcome = OUTCOMES[kind]
    people = People(protect={"gender": {"levels": ["m", "f"]}}, size=n)
    twins = pair(people, level_contrasts(people, "gender"))

    def asked():
        both = [data.draw(sides(outcome, n)) for _ in range(2)]
        return [v for v, _ in both], [m for _, m in both]

    first, second = asked(), asked() if twice else None
    weights = data.draw(st.none() | st.just(np.arange(1.0, n + 1) / (n * (n + 1) / 2)))
    cuts = sorted({0, *data.draw(st.lists(st.integers(1, n - 1), max_size=3)), n})

    def part(said, start, stop, **more):
        values = tuple(v[start:stop] for v in said[0])
        missing = tuple(None if m is None else m[start:stop] for m in said[1])
        return BlockAnswers(start, values, missing, **more)

    def summed(cuts):
        tallying = Tallying(twins, outcome)
        for start, stop in itertools.pairwise(cuts):
            again = None if second is None else part(second, start, stop)
            likely = None if weights is None else weights[start:stop]
            facts = {"reasons": {"because": 1}, "questions": stop - start}
            tallying.add(part(first, start, stop, again=again, weights=likely, **facts))
        return tallying.answers()

    whole, runs = summed([0, n]), summed(cuts)
    assert len(runs.blocks) == 1
    assert (runs.kept, runs.people, runs.questions) == (n, n, n)
    assert runs.statuses == whole.statuses
    assert sum(runs.statuses) == 2 * n
    assert runs.reasons == {"because": len(cuts) - 1}
    if outcome.measures:
        for version in twins.versions:
            assert runs.weighed[version] == pytest.approx(whole.weighed[version], abs=1e-12)
    for contrast, counted in whole.tallies.items():
        assert runs.tallies[contrast].cells.tolist() == counted.cells.tolist()
        assert (runs.tallies[contrast].repeated is None) == (not twice)
        if twice:
            repeats = runs.tallies[contrast].repeated
            assert repeats.people == counted.repeated.people
            assert repeats.gap.mean == pytest.approx(counted.repeated.gap.mean, abs=1e-12)
        for one, other in zip(runs.effects(contrast), whole.effects(contrast), strict=True):
            assert one.tolist() == other.tolist()
    for version in twins.versions:
        assert runs.values(version).tolist() == whole.values(version).tolist()
        assert runs.answered(version).tolist() == whole.answered(version).tolist()
    assert (runs.weights is None) == (weights is None)
    if weights is not None:
        assert runs.weights.tolist() == weights.tolist()


def test_noise_cancels_from_the_squared_effect():
    """Over all sixteen outcomes of four fair answers, by hand: its mean is that of no effect."""
    outcome = Outcome("decision", (1,))
    a1, a2, b1, b2 = (np.array(list(np.ndindex(2, 2, 2, 2)), dtype=np.int8)[:, i] for i in range(4))
    said = repeated(outcome, ((a1, None), (a2, None)), ((b1, None), (b2, None)))
    assert (said.people, said.changed_again) == (16, 8)
    assert said.gap.mean == 0.0
    assert said.squared.mean == 0.0
    sure = np.ones(4, np.int8), None
    none = np.zeros(4, np.int8), None
    assert repeated(outcome, (sure, sure), (none, none)).squared.mean == 1.0
    assert repeated(outcome, (sure, sure), (none, none)).gap.mean == -1.0


# --- the record's pairs and witnesses -------------------------------------------------------------

GENDER = {"gender": ["Male", "Female"]}


def loan(d):
    return np.where((d["gender"] == "Male") | (d["income"] > 80), "yes", "no")


def audited(**options):
    fields = {
        "income": pb.integers(30, 119),
        "name": pb.mimesis(
            "person.full_name", follows={"gender": {"Male": "MALE", "Female": "FEMALE"}}
        ),
    }
    return pb.audit(
        loan, protect=GENDER, fields=fields, people=1_000, favorable="yes", seed=1, **options
    )


def test_pairs_are_one_row_for_each_person_and_contrast():
    record = audited()
    for kind, module in (("pandas", "pandas"), ("polars", "polars"), ("pyarrow", "pyarrow")):
        assert type(record.pairs(kind)).__module__.startswith(module)
    pairs = record.pairs()
    level = pairs[pairs["group"] == "Female"]
    assert len(pairs) == 2_000  # the level and the placebo
    assert level["person"].tolist() == list(range(1_000))
    assert (level["reference_answer"] == "yes").all()
    assert ((level["group_answer"] == "no") == (level["income"] <= 80)).all()
    flips = next(f for f in record.findings if f.unit == "flip rate")
    assert level["flip"].sum() == flips.flips


def test_witnesses_can_be_replayed():
    """Everything that the model needs stands in the witness; asked again it says the same."""
    import pandas as pd

    record = audited()
    assert {w.group for w in record.witnesses} == {"Female"}
    assert len(record.witnesses) == 3
    for witness in record.witnesses:
        assert "income" in witness.same
        assert set(witness.group_values) == {"gender", "name"}
        one = pd.DataFrame([{**witness.same, **witness.reference_values}])
        other = pd.DataFrame([{**witness.same, **witness.group_values}])
        assert loan(one).tolist() == [witness.reference_answer]
        assert loan(other).tolist() == [witness.group_answer]
        assert one["name"][0].split()[1:] == other["name"][0].split()[1:]
        again = record.pairs()
        row = again[(again["person"] == witness.person) & (again["group"] == "Female")]
        assert row["income"].item() == witness.same["income"]


def test_a_record_from_a_file_has_no_pairs(tmp_path):
    record = audited()
    path = record.save(tmp_path / "a.json")
    opened = pb.open_record(path)
    assert opened.json_text() == record.json_text()
    with pytest.raises(pb.DataError, match="holds its witnesses only"):
        opened.pairs()


def test_witnesses_beyond_the_first_block():
    """The first flips may stand anywhere; the person drawn again is the one who was asked."""
    record = pb.audit(
        lambda d: ((d["gender"] == "Male") | (d["x"] < 140_000)).astype(int),
        protect=GENDER,
        fields={"x": pb.sequence(0), "id": pb.mimesis("cryptographic.uuid")},
        people=140_100,
        favorable=1,
    )
    assert [w.person for w in record.witnesses] == [140_000, 140_001, 140_002]
    assert [w.same["x"] for w in record.witnesses] == [140_000, 140_001, 140_002]
    pairs = record.pairs("pyarrow")
    assert pairs["id"][140_001].as_py() == record.witnesses[1].same["id"]
