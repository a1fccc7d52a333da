"""Answers that were collected beforehand, as a model whose answers are columns of the data."""

import numpy as np
import pandas as pd
import pytest

import paribus as pb

RACE = {"race": ["White", "Black"]}
COLUMNS = {"White": "white_called", "Black": "black_called"}


def resumes():
    """Bertrand and Mullainathan (2004), Table 2: 1,323 matched ads, as counts."""
    pairs = [(1, 1)] * 63 + [(0, 0)] * 1_103 + [(1, 0)] * 111 + [(0, 1)] * 46
    return pd.DataFrame(pairs, columns=list(COLUMNS.values()))


def test_the_resume_experiment():
    """Sign test of 111 against 46: p = 2.216e-7 (R 4.2.2, binom.test)."""
    record = pb.audit(pb.recorded("race", COLUMNS, favorable=1), protect=RACE, data=resumes())
    gap = next(f for f in record.findings if f.unit == "net gap")
    assert (gap.flips_against, gap.flips_for, gap.people) == (111, 46, 1_323)
    assert gap.p == pytest.approx(2.21594840764085e-07)
    # Tango (R 4.2.2), and the mid-p and asymptotic p-values of the same counts.
    assert (gap.low, gap.high) == pytest.approx((-0.0680407030475409, -0.030991817030737))
    others = [r.p for r in record.evidence if r.test == "paired" and r.unit == "net gap"]
    assert others == pytest.approx([1.55409408282658e-07, 2.13061856749415e-07])
    assert record.regions == ()
    assert record.model.repeatable


def test_callbacks_as_numbers():
    """How many of two letters were answered: more for White names in 111 ads, fewer in 46."""
    data = resumes()
    record = pb.audit(
        pb.recorded("race", COLUMNS), protect=RACE, data=data, outcome="number", tolerance=0.01
    )
    raised = next(r for r in record.evidence if r.unit == "share raised")
    assert (raised.flips_for, raised.flips_against) == (46, 111)
    assert raised.p == pytest.approx(2.21594840764085e-07)


def test_other_columns_describe_people_and_answers_do_not():
    rng = np.random.default_rng(0)
    city = rng.choice(["Boston", "Chicago"], 2_000)
    data = pd.DataFrame({"city": city, "w": 1, "b": (city == "Boston").astype(int)})
    record = pb.audit(
        pb.recorded("race", {"White": "w", "Black": "b"}, favorable=1), protect=RACE, data=data
    )
    assert {c.field for region in record.regions for c in region.rule} == {"city"}
    assert record.model.features == ("city", "race")


def test_missing_answers_are_counted():
    data = pd.DataFrame({"w": [1.0, 1.0, np.nan, 0.0] * 50, "b": [1.0, 0.0, 1.0, 0.0] * 50})
    record = pb.audit(
        pb.recorded("race", {"White": "w", "Black": "b"}, favorable=1), protect=RACE, data=data
    )
    assert record.answers.failed == 50
    assert record.findings[0].answered == 150


def test_levels_may_be_numbers_and_truth_values():
    data = pd.DataFrame({"no": ["y", "n"] * 100, "yes": ["n", "n"] * 100})
    record = pb.audit(
        pb.recorded("disabled", {False: "no", True: "yes"}, favorable="y"),
        protect={"disabled": [False, True]},
        data=data,
    )
    assert record.findings[0].flips == 100


def test_a_level_without_a_column_is_named():
    with pytest.raises(pb.ModelError, match='no column has the answers for race "Black"'):
        pb.audit(
            pb.recorded("race", {"White": "w"}, favorable=1),
            protect=RACE,
            data=pd.DataFrame({"w": [1, 0] * 20}),
        )
    with pytest.raises(pb.SpecError, match='wants the column "black_caled"'):
        pb.audit(
            pb.recorded("race", {**COLUMNS, "Black": "black_caled"}, favorable=1),
            protect=RACE,
            data=resumes(),
        )
