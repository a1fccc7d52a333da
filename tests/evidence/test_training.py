"""Training: errors by group, calibration, and whether more data would help the smallest group."""

import math
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.counting import Source
from paribus.evidence._learners import design, probabilities
from paribus.evidence._learning_curve import benefit, errors_by_size, training_sizes
from paribus.evidence.training import Training
from paribus.findings import judge
from paribus.observed import Observed
from paribus.roles import Roles
from paribus.stats.folds import folds
from paribus.stats.independent import newcombe, p_beyond, p_within, wilson

QUICK = Training(sizes=2, repeats=2)


def people(n=3_000, seed=1, hard=0.45):
    """Give people of two groups, of which the labels of the smaller are mostly noise."""
    random = np.random.default_rng(seed)
    black = random.random(n) < 0.25
    merit = random.normal(size=n)
    label = np.where(random.random(n) < np.where(black, hard, 0.05), merit <= 0, merit > 0)
    return pd.DataFrame(
        {
            "race": np.where(black, "Black", "White"),
            "sex": np.array(["f", "m"])[random.integers(0, 2, n)],
            "merit": merit,
            "label": label.astype(int),
        }
    )


def weighed(frame, check=QUICK, tolerance=0.05, seed=1, **roles):
    return check.weigh(observed(frame, seed, **roles), tolerance, 0.95)


def observed(frame, seed=1, **roles):
    return Observed.of(
        Source.of(frame), Roles(**{"by": ("race",), "label": "label", **roles}), seed
    )


def rows_of(found, unit, relation=None, attribute=None):
    return [
        row
        for row in found.rows
        if row.unit == unit
        and relation in (None, row.relation)
        and attribute in (None, row.attribute)
    ]


# --- error rates ----------------------------------------------------------------------------------


def test_a_stand_in_errs_more_for_the_group_whose_labels_are_noise():
    found = weighed(people(), features=("merit",))
    values = {row.group: row for row in rows_of(found, "error rate", "value")}
    assert values["Black"].low < 0.45 < values["Black"].high
    assert values["White"].low < 0.06 < values["White"].high
    assert all("stand-in" in row.method for row in values.values())
    assert sum(row.people for row in values.values()) == 1_500
    (held,) = [row for row in found.rows if row.held]
    assert (held.unit, held.relation, held.group) == ("error rate", "spread", "")
    assert held.claim.startswith("A stand-in model errs for ")
    assert held.claim.index("Black") < held.claim.index("White")
    (verdict,) = judge(found.rows, 0.05)
    assert verdict.verdict == "biased"
    assert any("stand-in" in note for note in found.notes)


def test_an_equal_learner_is_proven_within_tolerance():
    found = weighed(people(6_000, hard=0.05), tolerance=0.1)
    assert [finding.verdict for finding in judge(found.rows, 0.1)] == ["within tolerance"]


def test_the_stand_in_is_judged_by_people_it_never_saw():
    frame = people(400)
    table = observed(frame)
    target = frame["label"].to_numpy()
    part = folds(target, 2, 1)
    fit, test = np.flatnonzero(part == 0), np.flatnonzero(part == 1)
    shares = probabilities(design(table), target, fit, test, 1)
    wrong = shares.argmax(axis=1) != target[test]
    for row in rows_of(QUICK.weigh(table, 0.05, 0.95), "error rate", "value"):
        mine = (frame["race"] == row.group).to_numpy()[test]
        assert row.estimate == wrong[mine].mean()
        low, high = wilson(wrong[mine].sum(), mine.sum())
        assert (row.low, row.high) == pytest.approx((float(low), float(high)))


def test_decisions_are_counted_in_the_whole_table_and_not_held():
    frame = people(500).assign(decision=lambda d: np.where(d["merit"] > 0.2, "yes", "no"))
    frame["label"] = np.where(frame["label"] == 1, "yes", "no")
    found = weighed(frame, decision="decision", favorable="yes", features=("merit",))
    wrong = (frame["label"] != frame["decision"]).groupby(frame["race"]).agg(["sum", "count"])
    for row in rows_of(found, "error rate", "value"):
        k, n = wrong.loc[row.group]
        assert (row.people, row.estimate) == (n, pytest.approx(k / n))
    k1, n1, k2, n2 = (*wrong.loc["Black"], *wrong.loc["White"])
    (gap,) = rows_of(found, "error rate", "difference")
    assert (gap.group, gap.reference) == ("Black", "White")
    assert (gap.low, gap.high) == pytest.approx([float(e) for e in newcombe(k1, n1, k2, n2)])
    assert not any(row.held for row in found.rows)


def test_labels_of_several_classes_are_wrong_where_they_differ():
    random = np.random.default_rng(3)
    frame = people(600)
    frame["label"] = np.array(["a", "b", "c"])[random.integers(0, 3, 600)]
    frame["told"] = np.array(["c", "b", "a", "d"])[random.integers(0, 4, 600)]
    frame.loc[:9, "told"] = None
    found = weighed(frame, decision="told", outcome="label")
    known = frame["told"].notna()
    for row in rows_of(found, "error rate", "value"):
        mine = (frame["race"] == row.group) & known
        assert row.estimate == pytest.approx((frame["label"] != frame["told"])[mine].mean())
        assert row.answered == mine.sum()
        assert row.people == (frame["race"] == row.group).sum()
    assert [line.chart for line in found.lines] == ["learning curve"] * 2


def test_weights_count_people():
    frame = people(400).assign(decision=lambda d: (d["merit"] > 0.2).astype(int))
    twice = pd.concat([frame, frame[frame["race"] == "Black"]])
    weighted = frame.assign(times=np.where(frame["race"] == "Black", 2.0, 1.0))
    plain = {
        r.group: r for r in rows_of(weighed(twice, decision="decision"), "error rate", "value")
    }
    found = weighed(weighted, decision="decision", weight="times")
    for row in rows_of(found, "error rate", "value"):
        assert row.estimate == pytest.approx(plain[row.group].estimate)
    assert all(row.high > row.low for row in rows_of(found, "error rate"))


def test_scores_without_decisions_are_cut_where_as_many_are_favored():
    frame = people(1_000).assign(score=lambda d: 1 / (1 + np.exp(-3 * d["merit"])))
    found = weighed(frame, score="score", features=("merit",))
    cut = np.sort(frame["score"])[::-1][frame["label"].sum() - 1]
    wrong = (frame["score"] >= cut) != (frame["label"] == 1)
    for row in rows_of(found, "error rate", "value"):
        assert row.estimate == pytest.approx(wrong[frame["race"] == row.group].mean(), abs=0.01)
    (held,) = [row for row in found.rows if row.held]
    assert held.claim.startswith("The model errs for ")


def test_the_widest_of_all_pairs_is_held():
    random = np.random.default_rng(5)
    rates = {"a": 0.1, "b": 0.15, "c": 0.4, "d": 0.12}
    group = np.repeat(list(rates), 400)
    score = random.random(1_600)
    wrong = random.random(1_600) < np.array([rates[g] for g in group])
    frame = pd.DataFrame({"race": group, "score": score, "label": (score > 0.5) != wrong})
    frame.loc[:19, "race"] = None
    found = weighed(frame, score="score", features=())
    values = {row.group: row for row in rows_of(found, "error rate", "value")}
    assert "(missing)" in values
    counts = {g: (round(r.estimate * r.people), r.people) for g, r in values.items()}
    pairs = [(*counts[g], *counts[h]) for g, h in combinations("abcd", 2)]
    (held,) = [row for row in found.rows if row.held]
    gaps = [abs(k1 / n1 - k2 / n2) for k1, n1, k2, n2 in pairs]
    assert held.estimate == pytest.approx(max(gaps))
    assert held.p_outside == pytest.approx(
        min(1, 6 * min(float(p_beyond(*p, 0.05)) for p in pairs))
    )
    assert held.p_within == pytest.approx(max(float(p_within(*p, 0.05)) for p in pairs))
    assert "of c and " in held.claim
    wide = newcombe(*pairs[int(np.argmax(gaps))], 1 - 0.05 / 6)
    assert (held.low, held.high) == pytest.approx(sorted(abs(float(end)) for end in wide))


def test_crossed_attributes_are_weighed_too():
    found = weighed(people(800), by=("race", "sex"))
    attributes = {row.attribute for row in rows_of(found, "error rate")}
    assert attributes == {"race", "sex", "race x sex"}
    crossed = rows_of(found, "error rate", "value", "race x sex")
    assert {row.group for row in crossed} == {"Black x f", "Black x m", "White x f", "White x m"}
    assert sum(row.people for row in crossed) == 400
    # Learning curves are of single attributes.
    assert {line.attribute for line in found.lines if line.chart == "learning curve"} == {
        "race",
        "sex",
    }


def test_predicted_numbers_have_mean_absolute_errors():
    frame = people(300)
    frame["label"] = frame["merit"]
    frame["told"] = frame["merit"] + np.where(frame["race"] == "Black", 2.0, -1.0)
    frame.loc[0, "told"] = np.nan
    found = weighed(frame, prediction="told")
    values = {row.group: row for row in rows_of(found, "mean absolute error")}
    assert values["Black"].estimate == pytest.approx(2)
    assert values["White"].estimate == pytest.approx(1)
    assert sum(row.answered for row in values.values()) == 299
    assert not any(row.held for row in found.rows)


# --- calibration ----------------------------------------------------------------------------------


def test_scores_are_calibrated_for_one_group_and_not_for_the_other():
    random = np.random.default_rng(6)
    n = 4_000
    black = random.random(n) < 0.5
    score = random.random(n)
    chance = np.where(black, 0.5 + (score - 0.5) / 2, score)
    frame = pd.DataFrame(
        {
            "race": np.where(black, "Black", "White"),
            "score": score,
            "label": (random.random(n) < chance).astype(int),
        }
    )
    found = weighed(frame, score="score", features=())
    errors = {row.group: row for row in rows_of(found, "calibration error")}
    # Half of the distance from 0.5, whose mean is 0.25.
    assert errors["Black"].low < 0.125 < errors["Black"].high
    assert errors["Black"].p < 0.01
    assert errors["White"].low == 0
    slopes = {row.group: row for row in rows_of(found, "calibration slope")}
    assert slopes["Black"].high < 1
    assert slopes["White"].low < 1 < slopes["White"].high
    lines = {line.group: line for line in found.lines if line.chart == "calibration"}
    assert set(lines) == {"Black", "White"}
    black_line = lines["Black"]
    assert sum(black_line.people) == black.sum()
    assert all(
        a <= b <= c for a, b, c in zip(black_line.low, black_line.y, black_line.high, strict=True)
    )
    assert list(black_line.x) == sorted(black_line.x)


def test_scores_that_are_no_chances_have_no_calibration():
    frame = people(300).assign(score=lambda d: 100 * d["merit"])
    found = weighed(frame, score="score")
    assert not rows_of(found, "calibration error")
    assert any("not defined" in note for note in found.notes)


# --- learning curves ------------------------------------------------------------------------------


def test_the_curve_falls_where_there_is_something_to_learn():
    random = np.random.default_rng(7)
    n = 3_000
    group = np.where(random.random(n) < 0.3, "small", "large")
    x = random.normal(size=(n, 4))
    # Each group has a rule of its own, which takes people of it to learn.
    label = np.where(group == "small", x[:, 0] * x[:, 1], x[:, 2] * x[:, 3]) > 0
    frame = pd.DataFrame(x, columns=list("abcd")).assign(race=group, code=group, label=label)
    found = weighed(frame, Training(sizes=3, repeats=2))
    curves = {line.group: line for line in found.lines if line.chart == "learning curve"}
    assert set(curves) == {"small", "large"}
    assert curves["small"].x == (50.0, 750.0, 1_500.0)
    for line in curves.values():
        assert line.y[0] - line.y[-1] > 0.1
        assert all(a <= b <= c for a, b, c in zip(line.low, line.y, line.high, strict=True))
        assert len(set(line.people)) == 1
    (row,) = rows_of(found, "benefit of more data")
    small = curves["small"]
    assert (row.group, row.held) == ("small", False)
    assert row.estimate == pytest.approx(small.y[-2] - small.y[-1])
    assert row.estimate > 0
    told = "promise less error." if row.low > 0 else "is not shown."
    assert any(
        "smallest group of race, small" in note and note.endswith(told) for note in found.notes
    )
    held_out = {r.group: r for r in rows_of(found, "error rate", "value")}
    assert held_out["small"].estimate == pytest.approx(small.y[-1])


def test_there_is_no_benefit_where_labels_are_noise():
    frame = people(1_000).assign(label=np.random.default_rng(8).integers(0, 2, 1_000))
    (row,) = rows_of(weighed(frame), "benefit of more data")
    assert row.low < 0 < row.high
    assert row.p > 0.05


@given(st.integers(0, 10**6), st.integers(2, 20))
def test_training_sets_grow(most, points):
    sizes = training_sizes(most, points)
    assert len(sizes) <= points
    if most < 20:
        assert sizes == ()
    else:
        assert sizes[-2:] == (most // 2, most)
        assert min(sizes) >= min(50, most // 2)
        assert all(b >= 1.3 * a for a, b in pairwise(sizes))


def test_training_sets_are_prefixes_that_keep_the_shares_of_classes():
    frame = people(400)
    table, target = observed(frame), frame["label"].to_numpy()
    fit, test = np.arange(200), np.arange(200, 400)
    small, full = errors_by_size(design(table), target, 2, fit, test, (60, 200), 3, 1)
    assert small.shape == (3, 200)
    assert full.shape == (1, 200)
    # Everybody, in any order, is what a learner of everybody sees.
    shares = probabilities(design(table), target, fit, test, 1)
    assert (full[0] == (shares.argmax(axis=1) != target[200:])).all()


def test_a_benefit_is_as_sure_as_learners_agree():
    random = np.random.default_rng(10)
    full = np.zeros(500)
    half = (random.random((5, 500)) < 0.1).astype(float)
    sure = benefit(half, full, 0.5, 0.95)
    assert sure.estimate == pytest.approx(half.mean())
    assert sure.low > 0.08
    assert sure.p < 1e-6
    # One of five learners is wrong about half of all people: the mean of five says little.
    half[0] = random.random(500) < 0.5
    unsure = benefit(half, full, 0.5, 0.95)
    assert unsure.low < 0 < unsure.high
    assert unsure.p > 0.05
    alike = benefit(np.zeros((5, 500)), full, 0.5, 0.95)
    assert alike.low < 0 == alike.estimate < alike.high < 0.01


def test_intervals_of_the_benefit_hold_it():
    random = np.random.default_rng(9)
    held, times, n, repeats = 0, 400, 200, 5
    for _ in range(times):
        # Learners differ, and people are judged right or wrong by chance.
        noise = random.normal(0, 0.03, 2 * repeats)
        half = random.random((repeats, n)) < np.clip(0.3 + noise[:repeats, None], 0, 1)
        full = random.random(n) < 0.2 + noise[-1]
        found = benefit(half.astype(float), full.astype(float), 0.5, 0.95)
        held += found.low <= 0.1 <= found.high
    assert held / times >= 0.93


# --- little to learn from -------------------------------------------------------------------------


def test_no_label_one_class_one_group_and_few_people_are_notes():
    frame = people(200)
    assert Training().weigh(
        Observed.of(Source.of(frame), Roles(by=("race",))), 0.1, 0.95
    ).notes == ("There is no label, so errors cannot be counted.",)
    assert "one value only" in weighed(frame.assign(label=1)).notes[0]
    assert "more than 20 values" in weighed(frame.assign(label=np.arange(200))).notes[0]
    alone = weighed(frame.assign(race="White"))
    assert not any(row.held for row in alone.rows)
    assert [line.group for line in alone.lines if line.chart == "learning curve"] == ["White"]
    few = weighed(frame.head(12))
    assert any("next to nothing" in note for note in few.notes)
    assert any("too few people" in note for note in few.notes)
    bare = weighed(frame[["race", "label"]])
    assert any("no features" in note for note in bare.notes)


def test_the_same_seed_gives_the_same_rows():
    frame = people(400)
    found = [weighed(frame, seed=seed) for seed in (1, 1, 2)]
    assert found[0] == found[1]
    assert found[0] != found[2]


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 60),
    levels=st.integers(1, 3),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    missing=st.booleans(),
    roles=st.sampled_from(["", "score", "decision", "prediction"]),
    seed=st.integers(0, 5),
)
def test_there_is_never_a_number_that_is_none(n, levels, share, missing, roles, seed):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "race": random.integers(0, levels, n),
            "x": random.choice([-1e100, 0.0, 1e100], n),
            "label": (random.random(n) < share).astype(float),
        }
    )
    if roles:
        frame["told"] = random.integers(0, 2, n).astype(float)
    if roles == "prediction":
        frame["told"] *= 1e100
    if missing and n > 1:
        frame.loc[0, ["label", "x"]] = np.nan
        if roles:
            frame.loc[n - 1, "told"] = np.nan
    found = weighed(frame, **({roles: "told"} if roles else {}))
    for row in found.rows:
        told = [row.estimate, row.low, row.high, row.p, row.p_outside, row.p_within]
        assert all(math.isfinite(each) for each in told if each is not None)
        assert all(0 <= each <= 1 for each in told[3:] if each is not None)
        assert row.low <= row.estimate <= row.high
        assert row.answered <= row.people
    for line in found.lines:
        assert all(math.isfinite(each) for each in (*line.x, *line.y, *line.low, *line.high))
