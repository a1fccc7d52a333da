"""Labels: published admissions, planted noise that is found where it is, and what learners see."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.proportion import proportion_confint

from paribus.counting import Source
from paribus.evidence._learners import (
    LEVELS,
    Design,
    design,
    expectations,
    out_of_fold,
    probabilities,
)
from paribus.evidence.labels import Labels, suspects
from paribus.findings import judge
from paribus.observed import Observed
from paribus.roles import Roles
from paribus.stats.folds import folds


def observed_of(frame, seed=0, **roles):
    roles = {"by": ("sex",), "label": "y", **roles}
    return Observed.of(Source.of(frame), Roles(**roles), seed)


def weighed(frame, check=None, seed=0, **roles):
    return (check or Labels()).weigh(observed_of(frame, seed, **roles), 0.05, 0.95)


def rows_of(found, unit, relation="value", field=None, attribute="sex"):
    return {
        row.group: row
        for row in found.rows
        if (row.unit, row.relation, row.attribute) == (unit, relation, attribute)
        and field in (None, row.field)
    }


def checked(found):
    """Every number is finite, and lies in its interval."""
    for row in found.rows:
        values = (row.estimate, row.low, row.high, row.p, row.p_outside, row.p_within)
        assert np.isfinite([v for v in values if v is not None]).all()
        assert row.low <= row.estimate <= row.high
        assert row.answered <= row.people
        assert (row.stage, row.contrast) == ("labeling", "group")
    return found


def people(n, seed=0, **columns):
    """Labels that one feature foresees nearly perfectly, the same way in each group."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"sex": rng.choice(["F", "M"], n), "x": rng.normal(size=n), "z": rng.normal(size=n)}
    )
    frame["y"] = (frame.x > 0).astype(int)
    return frame.assign(**columns)


# --- base rates -----------------------------------------------------------------------------------

# Berkeley 1973, as in R's UCBAdmissions: department, sex, admitted, rejected. Bickel, Hammel and
# O'Connell (1975), Science 187, 398-404.
BERKELEY = [
    ("A", "M", 512, 313), ("A", "F", 89, 19), ("B", "M", 353, 207), ("B", "F", 17, 8),
    ("C", "M", 120, 205), ("C", "F", 202, 391), ("D", "M", 138, 279), ("D", "F", 131, 244),
    ("E", "M", 53, 138), ("E", "F", 94, 299), ("F", "M", 22, 351), ("F", "F", 24, 317),
]  # fmt: skip


def berkeley():
    rows = [(d, s, y) for d, s, yes, no in BERKELEY for y, n in ((1, yes), (0, no))
            for _ in range(n)]  # fmt: skip
    return pd.DataFrame(rows, columns=["dept", "sex", "y"])


def test_berkeley_admissions():
    found = checked(weighed(berkeley(), factors=("dept",)))
    rates = rows_of(found, "base rate")
    assert rates["M"].estimate == pytest.approx(1198 / 2691)
    assert rates["F"].estimate == pytest.approx(557 / 1835)
    wilson = proportion_confint(557, 1835, method="wilson")
    assert (rates["F"].low, rates["F"].high) == pytest.approx(wilson)
    raw = rows_of(found, "base rate", "difference")["F"]
    assert raw.estimate == pytest.approx(557 / 1835 - 1198 / 2691)
    assert (raw.people, raw.reference) == (4526, "M")
    assert raw.p < 1e-15
    # R: mantelhaen.test(UCBAdmissions) gives a common odds ratio of 0.9046968, men to women.
    odds = rows_of(found, "adjusted odds ratio", "ratio")["F"]
    assert odds.estimate == pytest.approx(1 / 0.9046968, abs=1e-6)
    table = StratifiedTable(
        [np.array([[f[2], f[3]], [m[2], m[3]]])
         for m, f in zip(BERKELEY[::2], BERKELEY[1::2], strict=True)]
    )  # fmt: skip
    assert odds.p == pytest.approx(table.test_null_odds(correction=False).pvalue)
    # By hand: the differences within departments, weighted by their sizes.
    size = np.array([sum(m[2:]) + sum(f[2:]) for m, f in zip(BERKELEY[::2], BERKELEY[1::2],
                                                             strict=True)])  # fmt: skip
    rate = np.array([yes / (yes + no) for _, _, yes, no in BERKELEY])
    even = rows_of(found, "adjusted base rate", "difference")["F"]
    assert even.estimate == pytest.approx(np.average(rate[1::2] - rate[::2], weights=size))
    assert even.low < 0.05
    assert any("once dept are held equal" in note and "F (-14.2 points" in note
               for note in found.notes)  # fmt: skip


def test_a_difference_that_turns_around_is_called_simpsons_paradox():
    # Each stratum favors women by 10 points, and most of them apply where few are favored.
    cells = [("hard", "F", 180, 720), ("hard", "M", 10, 90), ("easy", "F", 70, 30),
             ("easy", "M", 540, 360)]  # fmt: skip
    rows = [(d, s, y) for d, s, yes, no in cells for y, n in ((1, yes), (0, no)) for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["dept", "sex", "y"])
    found = weighed(frame, factors=("dept",), reference={"sex": "M"})
    assert rows_of(found, "base rate", "difference")["F"].estimate == pytest.approx(-0.3)
    even = rows_of(found, "adjusted base rate", "difference")["F"]
    assert even.estimate == pytest.approx(0.1)
    assert any("Simpson's paradox" in note and "F (-30.0 points, then +10.0 points)" in note
               for note in found.notes)  # fmt: skip


def test_strata_of_one_group_alone_are_told():
    frame = people(400)
    frame["dept"] = np.where(frame.index < 100, "women", "both")
    frame.loc[frame.index < 100, "sex"] = "F"
    row = rows_of(weighed(frame, factors=("dept",)), "adjusted base rate", "difference")["M"]
    assert "25.0 % of rows are in strata of one of them alone" in row.method


def test_nothing_is_held_unless_it_is_asked_for():
    frame = berkeley()
    assert not any(row.held for row in weighed(frame).rows)
    found = weighed(frame, Labels(hold=True), reference={"sex": "M"})
    (row,) = (row for row in found.rows if row.held)
    assert (row.unit, row.relation) == ("base rate", "difference")
    assert row.claim == (
        "30.4 % of F and 44.5 % of M have a favorable label, a difference of -14.2 points"
    )
    assert judge(found.rows, 0.05)[0].verdict == "biased"
    even = weighed(people(20_000)[["sex", "y"]], Labels(hold=True))
    assert judge(even.rows, 0.05)[0].verdict == "within tolerance"


@pytest.mark.parametrize("weight", [2.0, 1e-100, 1e90])
def test_equal_weights_change_nothing(weight):
    frame = flipped(400, 0.2)[0].assign(w=weight, dept="a")
    frame.loc[::7, "y"] = np.nan
    roles = {"factors": ("dept",), "features": ("x",)}
    plain, same = weighed(frame, **roles), weighed(frame, weight="w", **roles)
    assert plain.notes == same.notes
    assert rows_of(plain, "suspect labels", field="")["F"].estimate > 0.1
    for one, other in zip(plain.rows, same.rows, strict=True):
        mine, theirs = one.model_dump(), other.model_dump()
        for key in ("estimate", "low", "high", "p"):
            assert theirs.pop(key) == pytest.approx(mine.pop(key), abs=1e-9)
        assert mine == theirs


def test_weights_are_doubled_rows_in_the_estimates():
    frame = people(600)
    frame.loc[::5, "y"] = 1
    twice = pd.concat([frame, frame[frame.y == 1]])
    frame["w"] = 1.0 + frame.y
    heavy = rows_of(weighed(frame, weight="w"), "base rate")
    plain = rows_of(weighed(twice), "base rate")
    assert {k: r.estimate for k, r in heavy.items()} == pytest.approx(
        {k: r.estimate for k, r in plain.items()}
    )


def test_labels_that_are_missing_are_counted_by_group():
    frame = people(1000)
    frame["y"] = frame.y.astype(float)
    frame.loc[(frame.sex == "F") & (frame.index < 200), "y"] = np.nan
    women = frame[frame.sex == "F"]
    found = checked(weighed(frame))
    missing = rows_of(found, "labels missing")
    assert missing["F"].estimate == pytest.approx(women.y.isna().mean())
    assert missing["M"].estimate == 0
    sign = 1 if "F" in rows_of(found, "labels missing", "difference") else -1
    (gap,) = rows_of(found, "labels missing", "difference").values()
    assert gap.estimate == pytest.approx(sign * women.y.isna().mean())
    assert gap.p < 1e-9
    base = rows_of(found, "base rate")["F"]
    assert base.estimate == pytest.approx(women.y.mean())
    assert (base.people, base.answered) == (len(women), women.y.notna().sum())
    assert not rows_of(weighed(people(100)), "labels missing")


# --- labels that look wrong -----------------------------------------------------------------------


def flipped(n, share, only="F", seed=0):
    frame = people(n, seed)
    rng = np.random.default_rng(seed + 1)
    hit = (frame.sex == only) & (rng.random(n) < share)
    return frame.assign(y=np.where(hit, 1 - frame.y, frame.y)), hit


def test_planted_noise_is_found_where_it_is():
    frame, hit = flipped(6000, 0.1)
    found = checked(weighed(frame))
    shares = rows_of(found, "suspect labels", field="")
    planted = hit[frame.sex == "F"].mean()
    assert shares["F"].estimate == pytest.approx(planted, abs=0.03)
    assert shares["M"].estimate < 0.02
    (gap,) = rows_of(found, "suspect labels", "difference", field="").values()
    assert gap.p < 1e-9
    assert abs(gap.estimate) > 0.07
    for direction in ("favorable labels", "unfavorable labels"):
        shares = rows_of(found, "suspect labels", field=direction)
        assert shares["F"].estimate > 0.06
        assert shares["M"].estimate < 0.03
    rows = found.rows
    assert {row.people for row in rows if row.field == "favorable labels"} == {
        int((frame.y[frame.sex == sex] == 1).sum()) for sex in "FM"
    } | {int(frame.y.sum())}
    assert any("sees 2 features and not the group" in note for note in found.notes)


def test_noise_in_one_direction_is_told_apart():
    frame = people(6000)
    rng = np.random.default_rng(5)
    denied = (frame.sex == "F") & (frame.y == 1) & (rng.random(6000) < 0.15)
    found = weighed(frame.assign(y=np.where(denied, 0, frame.y)))
    unfavorable = rows_of(found, "suspect labels", field="unfavorable labels")["F"]
    favorable = rows_of(found, "suspect labels", field="favorable labels")["F"]
    assert unfavorable.estimate > 0.08
    assert favorable.estimate < 0.02


def test_without_noise_there_is_no_gap():
    for seed in range(3):
        found = weighed(people(4000, seed))
        (gap,) = rows_of(found, "suspect labels", "difference", field="").values()
        assert abs(gap.estimate) < 0.02
        assert gap.p > 0.001


def test_features_that_foresee_nothing_make_no_suspects():
    frame = people(1500)
    frame["y"] = np.random.default_rng(9).integers(0, 2, 1500)
    found = weighed(frame)
    assert not rows_of(found, "suspect labels")
    assert rows_of(found, "base rate")
    assert any("do not foresee labels better" in note for note in found.notes)


def plainly(labels, chances):
    """Compute what the paper says, label by label."""
    classes = range(chances.shape[1])
    least = {j: chances[labels == j, j].mean() for j in classes if (labels == j).any()}
    out = []
    for label, row in zip(labels, chances, strict=True):
        confident = [j for j in least if row[j] >= least[j] - 1e-12]
        out.append(bool(confident) and max(confident, key=lambda j: row[j]) != label)
    return out


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_suspects_are_those_of_the_paper(data):
    classes, n = data.draw(st.integers(2, 4)), data.draw(st.integers(1, 20))
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=n, max_size=n)))
    draws = st.lists(st.integers(0, 20), min_size=classes, max_size=classes)
    chances = np.array([data.draw(draws) for _ in range(n)]) + 0.5
    chances /= chances.sum(axis=1, keepdims=True)
    assert suspects(labels, chances).tolist() == plainly(labels, chances)


def test_classes_are_asked_one_by_one():
    frame = people(900)
    frame["y"] = np.select([frame.x < -0.5, frame.x > 0.5], ["low", "high"], "middle")
    found = checked(weighed(frame, outcome="label"))
    assert {row.field for row in found.rows if row.unit == "base rate"} == {"low", "middle", "high"}
    rates = rows_of(found, "base rate", field="high")
    assert rates["F"].estimate == pytest.approx((frame.y[frame.sex == "F"] == "high").mean())
    assert rows_of(found, "suspect labels", field="label middle")
    some = checked(weighed(frame, outcome="label", favorable=("middle", "high")))
    assert rows_of(some, "base rate")["F"].estimate == pytest.approx(
        (frame.y[frame.sex == "F"] != "low").mean()
    )


# --- edges ----------------------------------------------------------------------------------------


def test_nothing_without_labels_of_classes():
    frame = people(50, p=1.5)
    assert weighed(frame, label=None).rows == ()
    assert weighed(frame, label=None).notes == ()
    assert weighed(frame, prediction="p").rows == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": 1}, "all labels are the same"),
        ({"y": 0}, "all labels are the same"),
        ({"y": np.r_[np.ones(3), np.zeros(197)]}, "all but 3 labels are the same"),
    ],
)
def test_labels_that_cannot_be_doubted(change, said):
    found = checked(weighed(people(200, **change)))
    assert rows_of(found, "base rate")
    assert not rows_of(found, "suspect labels")
    assert any(said in note for note in found.notes)


def test_no_label_is_known():
    found = checked(weighed(people(60, y=np.nan)))
    assert {row.unit for row in found.rows} == {"labels missing"}
    assert any("no label is known" in note for note in found.notes)


def test_no_features():
    found = checked(weighed(people(200)[["sex", "y"]]))
    assert any("no features to learn from" in note for note in found.notes)
    assert rows_of(found, "base rate")


@pytest.mark.parametrize("n", [1, 2, 3, 9, 25])
def test_few_rows(n):
    frame = people(n, sex=["F", *["M"] * (n - 1)], dept=["a", "b", "c"][n % 3])
    for attribute in (("sex",), ("sex", "dept")):
        checked(weighed(frame, Labels(hold=True), by=attribute))
    checked(weighed(frame, factors=("dept",)))


def test_a_group_of_one_and_people_of_unknown_group():
    frame = people(500)
    frame.loc[0, "sex"] = "X"
    frame.loc[1:20, "sex"] = None
    frame.loc[5:30, "y"] = np.nan
    frame["race"] = np.where(frame.index % 9 == 0, None, "b")
    found = checked(weighed(frame, by=("sex", "race"), factors=("z",), features=("x",)))
    assert {"F", "M", "X", "(missing)"} <= set(rows_of(found, "base rate"))
    compared = {row.group for row in found.rows if row.relation != "value"}
    assert not any("(missing)" in group for group in compared)
    shown = rows_of(found, "suspect labels", field="", attribute="sex x race")
    assert "F x (missing)" in shown
    alone = rows_of(found, "suspect labels", field="")
    assert sum(row.people for row in alone.values()) == 500


def test_many_groups():
    frame = people(2000)
    frame["sex"] = [f"group {i % 24:02d}" for i in range(2000)]
    frame["dept"] = frame.index % 5
    found = checked(weighed(frame, Labels(hold=True), factors=("dept",)))
    assert len(rows_of(found, "base rate")) == 24
    assert len(rows_of(found, "base rate", "difference")) == 23
    assert len(rows_of(found, "suspect labels", field="")) == 24


def test_a_learner_that_sees_a_sample_says_so(monkeypatch):
    monkeypatch.setattr("paribus.observed.SAMPLE", 700)
    found = checked(weighed(people(2000)))
    shares = rows_of(found, "suspect labels", field="")
    assert sum(row.people for row in shares.values()) == 700
    assert any("700 of 2,000 rows, drawn at random" in note for note in found.notes)


def test_the_same_seed_gives_the_same_rows():
    frame, _ = flipped(400, 0.2)
    assert weighed(frame) == weighed(frame)
    assert weighed(frame, seed=1).rows != weighed(frame, seed=2).rows


def test_what_cannot_be_known_is_said():
    (note,) = (note for note in weighed(people(100)).notes if "What labels cannot tell" in note)
    assert "the same prejudice" in note


# --- learners -------------------------------------------------------------------------------------


def columns(**arrays):
    table = pa.table({**arrays, "sex": ["F"] * len(next(iter(arrays.values())))})
    return design(Observed.of(Source.of(table), Roles(by=("sex",), features=tuple(arrays))))


def test_columns_become_numbers():
    made = columns(
        whole=pa.array([3, None, 1]),
        real=pa.array([0.5, float("inf"), None]),
        text=pa.array(["b", "a", "b"]),
        truth=pa.array([True, None, False]),
        category=pa.array(["x", None, "x"]).dictionary_encode(),
        date=pa.array([dt.date(1970, 1, 3), None, dt.date(1970, 1, 1)]),
        nothing=pa.array([None] * 3, pa.float64()),
    )
    nan = np.nan
    expected = [[3, nan, 1], [0.5, 1e300, nan], [0, 1, 0], [1, nan, 0], [0, nan, 0], [2, nan, 0],
                [nan] * 3]  # fmt: skip
    np.testing.assert_array_equal(made.matrix, np.array(expected).T)
    assert made.categorical.tolist() == [False, False, True, True, True, False, False]
    assert made.only(["text"]).names == ("text",)


def test_rare_values_share_a_code():
    values = [f"v{i}" for i in range(400)] + ["common"] * 3
    made = columns(text=pa.array(values))
    assert made.matrix.max() == LEVELS
    assert (made.matrix == LEVELS).sum() == 401 - LEVELS
    assert made.matrix[-1, 0] == 0
    backwards = columns(text=pa.array(values[::-1]))
    np.testing.assert_array_equal(backwards.matrix[::-1], made.matrix)


def some(n, k=3, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, k))
    matrix[rng.random((n, k)) < 0.1] = np.nan
    return Design(matrix, tuple(f"f{i}" for i in range(k)), np.zeros(k, bool))


def test_a_learner_learns_and_repeats_itself():
    of = some(2000)
    target = (np.nan_to_num(of.matrix[:, 0]) > 0).astype(int)
    rows = np.arange(2000)
    chances = out_of_fold(of, target, rows, seed=1)
    assert (chances.argmax(axis=1) == target).mean() > 0.97
    assert (out_of_fold(of, target, rows, seed=1) == chances).all()
    amount = np.nan_to_num(of.matrix[:, 0]) * 1e200
    told = expectations(of, amount, rows[:1500], rows[1500:], seed=1)
    assert np.corrcoef(told / 1e200, amount[1500:] / 1e200)[0, 1] > 0.97


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(0, 40), k=st.integers(0, 2), classes=st.integers(1, 4), seed=st.integers(0, 99)
)
def test_chances_add_up_whatever_is_learned(n, k, classes, seed):
    of = some(n + 3, k, seed)
    target = np.random.default_rng(seed).integers(0, classes, n + 3)
    chances = probabilities(of, target, np.arange(n), np.arange(n, n + 3), seed, classes)
    assert chances.shape == (3, classes)
    assert chances.sum(axis=1) == pytest.approx(np.ones(3))
    unseen = np.setdiff1d(np.arange(classes), target[:n]) if n else []
    assert (chances[:, unseen] == 0).all()
    numbers = expectations(of, target * 1e300, np.arange(n), np.arange(n, n + 3), seed)
    assert np.isfinite(numbers).all()


def test_without_columns_a_learner_knows_the_shares():
    of, target = some(10, 0), np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    rows = np.arange(10)
    assert probabilities(of, target, rows, rows[:1], 0).tolist() == [[0.3, 0.7]]
    assert probabilities(of, target, rows[3:], rows[:1], 0).tolist() == [[0, 1]]
    assert expectations(of, target * 1.0, rows, rows[:1], 0).tolist() == [0.7]


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 6))
def test_folds_are_even_in_every_class(strata, parts):
    strata = np.array(strata, int)
    part = folds(strata, parts, seed=3)
    for each in range(4):
        sizes = np.bincount(part[strata == each], minlength=parts)
        assert sizes.max() - sizes.min() <= 1
