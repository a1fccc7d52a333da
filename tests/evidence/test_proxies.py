"""Proxies: planted ones are flagged, and neither strength nor movement alone is enough."""

import math
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from paribus._text import percent
from paribus.counting import Source
from paribus.evidence._strength import Strength, encoded_shares, p_area_above, p_area_below
from paribus.evidence.proxies import TOGETHER, Proxies
from paribus.findings import judge
from paribus.observed import Observed, Swap
from paribus.roles import Roles
from paribus.stats.discrimination import auc
from paribus.stats.independent import newcombe, wilson

ZIPS = np.array(["10001", "10002", "10003", "10004"])


def people(n=3_000, levels=2, agree=0.85, seed=1):
    """Give people whose ZIP code tells their race, and an income that does not."""
    random = np.random.default_rng(seed)
    race = random.integers(0, levels, n)
    other = (race + random.integers(1, levels, n)) % levels
    told = [np.where(random.random(n) < agree, race, other) for _ in range(2)]
    return pd.DataFrame(
        {
            "race": np.array(["White", "Black", "Asian", "Other"])[race],
            "zip": ZIPS[told[0]],
            "ignored": told[1],
            "income": random.normal(50_000, 10_000, n),
        }
    )


def decide(frame):
    """Use the ZIP code and the income, and nothing else."""
    return ((frame["zip"] == "10001") & (frame["income"] > 40_000)).to_numpy().astype(float)


def asked(frame, model=decide, amounts=False, seed=1, fields=None, **roles):
    """Ask a model about everybody, and again with each field of somebody of another group."""
    bare = Observed.of(Source.of(frame), Roles(**{"by": ("race",), **roles}), seed)
    swaps = {}
    for attribute in bare.roles.by:
        donors = bare.donors(attribute)
        for field in fields or bare.features:
            other = frame.copy()
            other[field] = frame[field].to_numpy()[donors]
            rows = np.arange(len(frame))
            swaps[attribute, field] = Swap(model(frame), model(other), rows, amounts)
    return Observed.of(bare.source, bare.roles, seed, swaps=swaps)


def rows_of(weighed, unit, field=None):
    return [r for r in weighed.rows if r.unit == unit and field in (None, r.field)]


def one(weighed, unit, field):
    (row,) = rows_of(weighed, unit, field)
    return row


def verdicts(weighed, tolerance=0.02):
    return {f.field: f.verdict for f in judge(weighed.rows, tolerance)}


@pytest.mark.parametrize("levels", [2, 4])
def test_a_field_is_flagged_only_where_it_predicts_and_moves(levels):
    weighed = Proxies().weigh(asked(people(levels=levels)), 0.02, 0.95)
    assert verdicts(weighed) == {
        "zip": "biased",
        "ignored": "within tolerance",
        "income": "within tolerance",
    }
    assert one(weighed, "proxy movement", "ignored").estimate == 0
    assert one(weighed, "proxy movement", "income").estimate > 0.05
    assert one(weighed, "proxy strength", "ignored").low > 0.8
    assert one(weighed, "proxy strength", "income").high < 0.6


def test_numbers_are_those_of_the_planted_truth():
    frame = people()
    observed = asked(frame)
    weighed = Proxies().weigh(observed, 0.02, 0.95)
    strength, movement, effect = (
        one(weighed, f"proxy {what}", "zip") for what in ("strength", "movement", "effect")
    )
    # A field of two values that agrees with two groups so often has that for its AUC.
    assert strength.low < 0.85 < strength.high
    assert strength.people == pytest.approx(len(frame) / 2, abs=1)
    swap = observed.swaps["race", "zip"]
    assert movement.estimate == np.mean(swap.before != swap.after)
    assert movement.people == len(frame)
    assert effect.estimate == pytest.approx((2 * strength.estimate - 1) * movement.estimate)
    assert effect.tolerance == pytest.approx(0.2 * 0.02)
    assert effect.claim == (
        f"zip predicts race (AUC {strength.estimate:.2f}) and swapping it between groups changes "
        f"the decision for {100 * movement.estimate:.1f} % of people, a proxy effect of "
        f"{percent(effect.estimate)}"
    )
    assert [row.unit for row in weighed.rows if row.held] == ["proxy effect"] * 3
    assert one(weighed, "proxy strength", TOGETHER).estimate > strength.estimate


def test_claims_need_both_parts_and_either_part_disproves():
    weighed = Proxies().weigh(asked(people()), 0.02, 0.95)
    for field in ("zip", "ignored", "income"):
        strength = one(weighed, "proxy strength", field)
        movement = one(weighed, "proxy movement", field)
        effect = one(weighed, "proxy effect", field)
        assert effect.p_outside >= movement.p
        assert (effect.p_outside <= 0.05) == (strength.low > 0.6 and movement.low > 0.02)
        assert effect.p_outside + effect.p_within >= 1
        assert effect.low <= effect.estimate <= effect.high


def test_tolerances_can_be_declared():
    observed = asked(people())
    assert verdicts(Proxies(strength=0.9).weigh(observed, 0.02, 0.95))["zip"] == "within tolerance"
    assert verdicts(Proxies(movement=0.9).weigh(observed, 0.02, 0.95))["zip"] == "within tolerance"
    assert verdicts(Proxies(movement=0.02).weigh(observed, 0.9, 0.95))["zip"] == "biased"
    with pytest.raises(Exception, match="strength"):
        Proxies(strength=0.4)


def test_amounts_move_by_their_mean_distance():
    def model(frame):
        return 1_000.0 * (frame["zip"] == "10001").to_numpy() + 0.0 * frame["income"].to_numpy()

    observed = asked(people(), model, amounts=True)
    weighed = Proxies().weigh(observed, 10.0, 0.95)
    swap = observed.swaps["race", "zip"]
    row = one(weighed, "proxy movement", "zip")
    assert row.estimate == pytest.approx(np.abs(swap.after - swap.before).mean())
    assert row.low < row.estimate < row.high
    assert "moves the answer by" in one(weighed, "proxy effect", "zip").claim
    assert verdicts(weighed, 10.0) == {
        "zip": "biased",
        "ignored": "within tolerance",
        "income": "within tolerance",
    }


def test_lost_answers_count_at_their_worst():
    frame = people(400)
    observed = asked(frame)
    swap = observed.swaps["race", "ignored"]
    after = swap.after.copy()
    after[:40] = np.nan
    broken = Swap(swap.before, after, swap.rows, swap.amounts)
    swaps = {**observed.swaps, ("race", "ignored"): broken}
    weighed = Proxies().weigh(
        Observed.of(observed.source, observed.roles, 1, swaps=swaps), 0.05, 0.95
    )
    row = one(weighed, "proxy movement", "ignored")
    assert (row.people, row.answered, row.estimate, row.low) == (400, 360, 0.0, 0.0)
    assert row.high > 0.1
    assert verdicts(weighed, 0.05)["ignored"] == "inconclusive"


def test_people_of_unknown_groups_neither_move_nor_predict():
    frame = people(1_000)
    frame.loc[:199, "race"] = None
    weighed = Proxies().weigh(asked(frame), 0.02, 0.95)
    assert one(weighed, "proxy movement", "zip").people == 800
    assert one(weighed, "proxy strength", "zip").people == 400


def test_fields_that_the_model_was_not_asked_about_are_not_flagged():
    weighed = Proxies().weigh(asked(people(400), fields=["zip"]), 0.02, 0.95)
    assert {row.field for row in weighed.rows if row.held} == {"zip"}
    assert any("ignored, income" in note for note in weighed.notes)


# --- without a model ------------------------------------------------------------------------------


def labeled(n=4_000, seed=2):
    frame = people(n, seed=seed)
    random = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-2 * (2 * decide(frame) - 1)))
    frame["label"] = np.where(random.random(n) < chance, "paid", "defaulted")
    return frame


def test_a_stand_in_is_swapped_where_there_are_labels_alone():
    frame = labeled()
    weighed = Proxies().weigh(
        Observed.of(Source.of(frame), Roles(by=("race",), label="label"), 3), 0.02, 0.95
    )
    assert verdicts(weighed) == {
        "zip": "biased",
        "ignored": "within tolerance",
        "income": "within tolerance",
    }
    assert one(weighed, "proxy movement", "zip").method == "stand-in model"
    assert any("stand-in model" in note and '"label"' in note for note in weighed.notes)
    # Half of the rows taught the stand-in; the others were asked.
    assert one(weighed, "proxy movement", "zip").people == len(frame) / 2
    # What shuffled fields move it is tolerated besides.
    assert one(weighed, "proxy movement", "zip").tolerance > 0.02


def test_without_a_model_and_labels_nothing_is_flagged():
    frame = people(400)
    numbers = frame.assign(label=np.arange(400.0), told=1.0)
    for table, roles in (
        (frame, Roles(by=("race",))),
        (numbers, Roles(by=("race",), label="label", prediction="told")),
        (frame.assign(label=ZIPS[np.arange(400) % 4]), Roles(by=("race",), label="label")),
    ):
        weighed = Proxies().weigh(Observed.of(Source.of(table), roles), 0.02, 0.95)
        assert not any(row.held for row in weighed.rows)
        assert rows_of(weighed, "proxy strength", "zip")
        assert any("nothing can be flagged" in note for note in weighed.notes)


def test_weights_are_told_to_play_no_part():
    frame = people(200).assign(times=2.0)
    weighed = Proxies().weigh(asked(frame, weight="times"), 0.02, 0.95)
    assert any("Weights play no part" in note for note in weighed.notes)


def test_too_little_to_tell_is_a_note():
    frame = people(60)
    no_feature = Observed.of(Source.of(frame[["race"]]), Roles(by=("race",)))
    assert Proxies().weigh(no_feature, 0.1, 0.95).rows == ()
    alike = Observed.of(Source.of(frame.assign(race="White")), Roles(by=("race",)))
    weighed = Proxies().weigh(alike, 0.1, 0.95)
    assert weighed.rows == ()
    assert any("too few people" in note for note in weighed.notes)
    few = Observed.of(Source.of(frame.head(3)), Roles(by=("race",)))
    Proxies().weigh(few, 0.1, 0.95)


# --- strength -------------------------------------------------------------------------------------


def test_areas_are_those_of_scikit_learn():
    random = np.random.default_rng(4)
    scores = random.integers(0, 20, (300, 3)) / 20
    target = random.integers(0, 3, 300)
    found = Strength.of(scores, target, range(3))
    areas = [roc_auc_score(target == k, scores[:, k]) for k in range(3)]
    assert found.estimate == pytest.approx(max(areas))
    assert found.best == int(np.argmax(areas))
    above = [p_area_above(*each, 0.55) for each in found.histograms]
    below = [p_area_below(*each, 0.55) for each in found.histograms]
    assert found.p_above(0.55) == pytest.approx(min(1, 3 * min(above)))
    assert found.p_below(0.55) == max(below)
    wide = auc(*found.histograms[found.best], 1 - 0.05 / 3)
    low, high = found.interval(0.95)
    assert low >= wide.low
    assert high >= wide.high


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=6),
    st.floats(0.05, 0.95),
    st.floats(0.002, 0.45),
)
def test_p_values_of_areas_agree_with_their_intervals(cells, bound, alpha):
    zeros, ones = np.array(cells, dtype=float).T
    area = auc(zeros, ones, 1 - 2 * alpha)
    above, below = p_area_above(zeros, ones, bound), p_area_below(zeros, ones, bound)
    assert 0 < above <= 1
    assert 0 < below <= 1
    assert above + below >= 1 - 1e-9
    if area.defined and min(abs(area.low - bound), abs(area.high - bound)) > 1e-9:
        assert (above < alpha) == (area.low > bound)
        assert (below < alpha) == (area.high < bound)


def test_encoded_shares_lean_on_everybody_like_ten_people():
    fine = np.array([0] * 30 + [1] * 10 + [0, 1, -1])
    target = np.array([1] * 30 + [0] * 10 + [0, 0, 0])
    shares = encoded_shares(fine, 0 * fine, target, np.arange(40), np.arange(40, 43), 2)[:, 1]
    assert shares == pytest.approx([(30 + 7.5) / 40, 7.5 / 20, 0.75])


def test_numbers_text_and_codes_predict_alike():
    random = np.random.default_rng(5)
    n = 4_000
    race = random.integers(0, 2, n)
    code = np.where(random.random(n) < 0.8, race, 1 - race) + 2 * random.integers(0, 100, n)
    frame = pd.DataFrame(
        {
            "race": race,
            "number": code,
            "text": np.array([f"Z{i}" for i in range(200)])[code],
            "shift": race + random.normal(0, 1 / 1.1902, n),
            "truth": (code % 2).astype(bool),
            "empty": np.full(n, np.nan),
        }
    )
    for table in (frame, pl.from_pandas(frame)):
        observed = Observed.of(
            Source.of(table),
            Roles(by=("race",), features=("number", "text", "shift", "truth", "empty")),
        )
        weighed = Proxies().weigh(observed, 0.02, 0.95)
        for field in ("number", "text", "truth"):
            row = one(weighed, "proxy strength", field)
            assert row.low < 0.8 < row.high, field
        # Two normal groups that are d standard deviations apart: AUC = Phi(d / sqrt(2)) = 0.8.
        row = one(weighed, "proxy strength", "shift")
        assert row.low < 0.8 < row.high
        assert one(weighed, "proxy strength", "empty").estimate == 0.5


def test_text_that_nobody_shares_is_not_proven_harmless():
    frame = people(600)
    frame["name"] = [f"person {i}" for i in range(600)]
    weighed = Proxies().weigh(
        asked(frame, lambda d: (d["name"].str[-1] > "4").to_numpy().astype(float)), 0.02, 0.95
    )
    row = one(weighed, "proxy strength", "name")
    assert row.estimate == 0.5
    assert row.high > 0.9
    assert verdicts(weighed)["name"] == "inconclusive"


# --- missing values -------------------------------------------------------------------------------


def test_missing_values_are_told_by_group():
    frame = people(1_000, levels=4)
    gone = (frame["race"] == "Asian").to_numpy() & (np.arange(1_000) % 2 == 0)
    frame.loc[gone, "income"] = np.nan
    frame.loc[:49, "race"] = None
    observed = Observed.of(Source.of(frame), Roles(by=("race",), reference={"race": "White"}))
    rows = rows_of(Proxies().weigh(observed, 0.02, 0.95), "missing values")
    assert {row.field for row in rows} == {"income"}
    values = {row.group: row for row in rows if row.relation == "value"}
    assert list(values) == ["Asian", "Black", "Other", "White", "(missing)"]
    asians = frame["race"] == "Asian"
    k, n = int((gone & asians).sum()), int(asians.sum())
    asian = values["Asian"]
    assert (asian.people, asian.estimate) == (n, k / n)
    assert (asian.low, asian.high) == pytest.approx([float(end) for end in wilson(k, n)])
    (gap,) = [row for row in rows if row.relation == "difference"]
    assert (gap.group, gap.reference, gap.held) == ("Asian", "White", False)
    others = values["White"].people
    ends = newcombe(k, n, 0, others, 1 - 0.05 / 3)
    assert (gap.low, gap.high) == pytest.approx([float(end) for end in ends])
    assert gap.p < 1e-6


# --- laws -----------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_rows():
    frame = labeled(600)
    roles = Roles(by=("race",), label="label")
    found = [
        Proxies().weigh(Observed.of(Source.of(frame), roles, s), 0.02, 0.95) for s in (1, 1, 2)
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]


values = st.one_of(
    st.lists(st.sampled_from([None, "a", "b", ""]), min_size=1, max_size=30),
    st.lists(st.sampled_from([None, 0, 1]), min_size=1, max_size=30),
    st.lists(st.sampled_from([None, -1e100, 0.0, 1.5, 1e100]), min_size=1, max_size=30),
)


@settings(max_examples=40, deadline=None)
@given(
    column=values,
    levels=st.integers(1, 4),
    answers=st.sampled_from(["same", "all", "huge", "lost"]),
    tolerance=st.sampled_from([0.0, 0.02, 2.0]),
    seed=st.integers(0, 5),
)
def test_there_is_never_a_number_that_is_none(column, levels, answers, tolerance, seed):
    n = len(column)
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"race": random.integers(0, levels, n), "x": pd.array(column)})
    frame["x"] = pd.Series(column)
    before = np.zeros(n)
    after = {
        "same": before,
        "all": before + 1,
        "huge": random.choice([-1e100, 1e100], n),
        "lost": before + np.nan,
    }[answers]
    swap = Swap(before, after, np.arange(n), amounts=answers in ("huge", "lost"))
    observed = Observed.of(
        Source.of(frame), Roles(by=("race",), features=("x",)), seed, swaps={("race", "x"): swap}
    )
    for row in Proxies().weigh(observed, tolerance, 0.95).rows:
        told = [row.estimate, row.low, row.high, row.p, row.p_outside, row.p_within]
        assert all(math.isfinite(each) for each in told if each is not None)
        assert all(0 <= each <= 1 for each in told[3:] if each is not None)
        assert -sys.float_info.max <= row.low <= row.estimate <= row.high
