"""Scores: means against scipy, AUCs against scikit-learn, calibration by hand, in every engine."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve

import paribus as pb
from paribus.counting import Source
from paribus.errors import DataError, SpecError
from paribus.evidence.scores import Scores
from paribus.findings import judge
from paribus.observed import Observed
from paribus.roles import Roles


def weighed(frame, check=None, tolerance=0.05, **roles):
    roles.setdefault("by", ("sex",))
    observed = Observed.of(Source.of(frame), Roles(score="score", **roles))
    return (check or Scores()).weigh(observed, tolerance, 0.95)


def one(found, unit, relation="value", group="", attribute="sex"):
    rows = [
        row
        for row in found.rows
        if (row.unit, row.relation, row.group, row.attribute) == (unit, relation, group, attribute)
    ]
    assert len(rows) == 1, f"{len(rows)} rows"
    return rows[0]


def line(found, chart, group, attribute="sex"):
    (drawn,) = [
        each
        for each in found.lines
        if (each.chart, each.group, each.attribute) == (chart, group, attribute)
    ]
    return drawn


def people(n=3_000, seed=0, digits=2):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], n, p=[0.3, 0.7]),
            "race": rng.choice(["a", "b", "c"], n),
            "score": rng.beta(2, 2, n).round(digits),
        }
    )
    frame["label"] = (rng.random(n) < frame.score).astype(int)
    return frame


@pytest.fixture(scope="module")
def frame():
    return people(seed=3)


@pytest.fixture(scope="module")
def found(frame):
    return weighed(frame, by=("sex", "race"), label="label")


def test_means_are_those_of_scipy(frame, found):
    women, men = (frame.score[frame.sex == sex] for sex in "fm")
    row = one(found, "mean score", group="f")
    low, high = stats.ttest_1samp(women, 0).confidence_interval(0.95)
    assert (row.estimate, row.low, row.high) == pytest.approx((women.mean(), low, high))
    row = one(found, "mean score", "difference", "f")
    welch = stats.ttest_ind(women, men, equal_var=False)
    assert (row.reference, row.estimate) == ("m", pytest.approx(women.mean() - men.mean()))
    assert row.p == pytest.approx(welch.pvalue)
    assert (row.low, row.high) == pytest.approx(tuple(welch.confidence_interval(0.95)))
    assert one(found, "mean score").estimate == pytest.approx(frame.score.mean())
    assert one(found, "mean score").answered == len(frame)


def test_areas_are_those_of_scikit_learn(frame, found):
    for keys in (["sex"], ["race"], ["sex", "race"]):
        for group, part in frame.groupby(keys):
            row = one(found, "AUC", group=" x ".join(group), attribute=" x ".join(keys))
            assert row.estimate == pytest.approx(roc_auc_score(part.label, part.score), abs=1e-12)
            assert (row.people, row.answered, row.scale) == (len(part), len(part), "number")
            assert row.low < row.estimate < row.high
    assert one(found, "AUC").estimate == pytest.approx(roc_auc_score(frame.label, frame.score))
    gap = one(found, "AUC", "difference", "f")
    each = [one(found, "AUC", group=sex).estimate for sex in "fm"]
    assert gap.estimate == pytest.approx(each[0] - each[1])
    assert gap.low < gap.estimate < gap.high
    assert 0 < gap.p <= 1


def test_curves(frame, found):
    women = frame[frame.sex == "f"]
    curve = line(found, "ROC", "f")
    fpr, tpr, _ = roc_curve(women.label, women.score, drop_intermediate=False)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    known = np.column_stack([fpr, tpr])
    for point in zip(curve.x, curve.y, strict=True):
        assert np.abs(known - point).max(axis=1).min() < 1e-12
    bars = line(found, "score histogram", "f")
    heights = np.bincount(np.minimum((women.score * 100).round().astype(int) // 10, 9))
    assert bars.x == pytest.approx(np.arange(10) / 10)
    assert sum(bars.people) == len(women)
    assert bars.people == tuple(heights)
    assert bars.y == pytest.approx(np.array(bars.people) / len(women))
    diagram = line(found, "calibration", "f")
    assert diagram.people == tuple(heights)
    total = np.dot(diagram.people, diagram.y)
    assert total == pytest.approx(women.label.sum())
    assert all(
        low <= y <= high for low, y, high in zip(diagram.low, diagram.y, diagram.high, strict=True)
    )
    assert {each.attribute for each in found.lines} == {"sex", "race", "sex x race"}


def test_scores_on_an_edge_lie_above_it(frame):
    found = weighed(frame, label="label", bins=100)
    women = (frame.score[frame.sex == "f"] * 100).round().astype(int)
    heights = np.bincount(np.minimum(women, 99), minlength=100)
    assert line(found, "score histogram", "f").people == tuple(heights)
    assert line(found, "calibration", "f").people == tuple(heights[heights > 0])


def test_calibration(frame, found):
    women = frame[frame.sex == "f"]
    row = one(found, "mean calibration", group="f")
    assert row.estimate == pytest.approx(women.label.mean() - women.score.mean())
    assert row.low < 0 < row.high
    error = one(found, "calibration error", group="f")
    assert "by chance alone 0.0" in error.method
    assert error.low == 0
    assert error.p > 0.05
    slope = one(found, "calibration slope", group="f")
    assert slope.low < 1 < slope.high
    assert one(found, "calibration intercept", group="f").low < 0
    men = frame[frame.sex == "m"]
    gap = one(found, "mean calibration", "difference", "f")
    welch = stats.ttest_ind(women.label - women.score, men.label - men.score, equal_var=False)
    assert gap.p == pytest.approx(welch.pvalue)
    assert gap.estimate == pytest.approx((women.label - women.score).mean()
                                         - (men.label - men.score).mean())  # fmt: skip


def test_scores_that_promise_too_much_are_told():
    frame = people(seed=1)
    frame.loc[frame.sex == "f", "score"] = (frame.score / 2 + 0.5).round(2)
    found = weighed(frame, label="label")
    row = one(found, "mean calibration", group="f")
    assert row.high < -0.2
    assert one(found, "calibration error", group="f").low > 0.2
    assert one(found, "calibration intercept", group="f").high < 0
    assert one(found, "mean calibration", "difference", "f").p < 1e-6


def test_without_labels(frame):
    found = weighed(frame)
    assert {row.unit for row in found.rows} == {"mean score"}
    assert {each.chart for each in found.lines} == {"score histogram"}
    assert found.notes == ()


def test_no_score_is_nothing(frame):
    observed = Observed.of(Source.of(frame), Roles(by=("sex",), label="label"))
    assert Scores().weigh(observed, 0.05, 0.95).rows == ()


def test_engines_agree():
    import duckdb

    frame = people(n=400)
    frame.loc[:9, "score"] = None
    frame["label"] = frame.label.astype(float).mask(frame.index % 31 == 3)
    frame["weight"] = 1 + frame.index % 3
    table = pa.Table.from_pandas(frame, preserve_index=False)
    connection = duckdb.connect()
    roles = {"by": ("sex", "race"), "label": "label", "weight": "weight"}
    found = [weighed(data, **roles) for data in (frame, table, connection.from_arrow(table))]
    for other in found[1:]:
        assert other.notes == found[0].notes
        assert len(other.rows) == len(found[0].rows)
        for mine, theirs in zip(found[0].rows, other.rows, strict=True):
            assert mine.model_dump(exclude={"estimate", "low", "high", "p"}) == theirs.model_dump(
                exclude={"estimate", "low", "high", "p"}
            )
            assert (mine.estimate, mine.low, mine.high, mine.p or 0) == pytest.approx(
                (theirs.estimate, theirs.low, theirs.high, theirs.p or 0), rel=1e-9, abs=1e-12
            )
    connection.close()


def test_many_different_scores_are_binned():
    frame = people(n=40_000, digits=15)
    found = weighed(frame, label="label", by=("sex", "race"))
    for sex, part in frame.groupby("sex"):
        area = one(found, "AUC", group=sex).estimate
        assert area == pytest.approx(roc_auc_score(part.label, part.score), abs=2e-5)
        assert one(found, "mean score", group=sex).estimate == pytest.approx(part.score.mean())
        mean = one(found, "mean calibration", group=sex).estimate
        assert mean == pytest.approx(part.label.mean() - part.score.mean())
    assert found.notes == ()


def test_a_score_with_outliers_is_binned_where_the_others_are():
    frame = people(n=40_000, digits=15)
    frame["score"] = np.log(frame.score / (1 - frame.score))
    frame.loc[:9, "score"] = -1e6
    found = weighed(frame, label="label")
    for sex, part in frame.groupby("sex"):
        area = one(found, "AUC", group=sex).estimate
        assert area == pytest.approx(roc_auc_score(part.label, part.score), abs=5e-5)
        assert one(found, "mean score", group=sex).estimate == pytest.approx(part.score.mean())
    assert len(found.notes) == 1
    assert "no probability" in found.notes[0]


def test_what_binning_can_have_moved_is_told():
    frame = people(n=40_000, digits=15)
    frame["score"] = frame.score**40
    found = weighed(frame, label="label")
    (note,) = found.notes
    assert "65,530 bins" in note
    told = float(note.split("up to ")[1].split(",")[0])
    for sex, part in frame.groupby("sex"):
        area = one(found, "AUC", group=sex).estimate
        assert abs(area - roc_auc_score(part.label, part.score)) <= told


class Counted(Source):
    """Remembers what it was asked to count."""

    def tally(self, keys, **options):
        self.asked = [*getattr(self, "asked", []), len(keys)]
        return super().tally(keys, **options)


@pytest.mark.parametrize(("levels", "asked"), [(3, [3, 4]), (130, [3, 3, 3, 4])])
def test_all_attributes_are_counted_at_once_where_that_is_small(levels, asked):
    frame = people(n=30_000, digits=15)
    frame["race"] = frame.index % levels
    source = Counted.of(frame)
    roles = Roles(by=("sex", "race"), label="label", score="score")
    found = Scores().weigh(Observed.of(source, roles), 0.05, 0.95)
    assert source.asked == asked
    for sex, part in frame.groupby("sex"):
        area = one(found, "AUC", group=sex).estimate
        assert area == pytest.approx(roc_auc_score(part.label, part.score), abs=2e-5)


def test_weights_of_two_change_no_number(frame):
    plain = weighed(frame, label="label")
    double = weighed(frame.assign(weight=2), label="label", weight="weight")
    assert plain.rows == double.rows
    assert plain.lines == double.lines


@pytest.mark.parametrize("weight", [1e100, 1e-120])
def test_weights_may_be_of_any_size(frame, weight):
    plain = weighed(frame, label="label")
    heavy = weighed(frame.assign(weight=weight), label="label", weight="weight")
    assert len(plain.rows) == len(heavy.rows)
    for mine, theirs in zip(plain.rows, heavy.rows, strict=True):
        assert (mine.unit, mine.group) == (theirs.unit, theirs.group)
        assert (mine.estimate, mine.low, mine.high) == pytest.approx(
            (theirs.estimate, theirs.low, theirs.high), abs=1e-9
        )


def test_weights_are_repeated_rows(frame):
    times = 1 + frame.index % 3
    heavy = weighed(frame.assign(weight=times), label="label", weight="weight")
    repeated = weighed(frame.loc[frame.index.repeat(times)], label="label")
    for unit in ("mean score", "AUC", "mean calibration", "calibration error"):
        mine, theirs = (one(each, unit, group="f") for each in (heavy, repeated))
        assert mine.estimate == pytest.approx(theirs.estimate)
        assert mine.high - mine.low > theirs.high - theirs.low
        assert mine.answered == (frame.sex == "f").sum()


def test_groups_with_one_label_or_one_row():
    frame = pd.DataFrame(
        {
            "sex": ["f"] * 4 + ["m"] * 4 + ["none"] + ["other"] * 3,
            "score": [0.1, 0.4, 0.4, 0.9, 0.2, 0.6, 0.7, 0.8, 0.5, 0.3, 0.3, 0.3],
            "label": [0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0],
        }
    )
    found = weighed(frame, label="label")
    areas = {row.group: row for row in found.rows if (row.unit, row.relation) == ("AUC", "value")}
    assert set(areas) == {"f", "m", ""}
    # Of the four pairs two are right, one is tied with half, one more is right: 3.5 of 4.
    assert areas["f"].estimate == 0.875
    assert any("none, other" in note and "both values" in note for note in found.notes)
    alone = one(found, "mean score", group="none")
    assert alone.estimate == 0.5
    assert 0 <= alone.low < 0.3
    assert 0.7 < alone.high <= 1
    assert one(found, "mean score", "difference", "none").p == 1
    constant = one(found, "mean score", group="other")
    assert constant.low < constant.estimate < constant.high
    assert one(found, "calibration error", group="none").people == 1
    assert not [
        row for row in found.rows if row.unit == "calibration slope" and row.group == "other"
    ]


def test_missing_levels_are_shown_but_never_the_reference(frame):
    frame = frame.copy()
    frame["sex"] = frame.sex.astype(object).where(frame.index % 4 == 0, None)
    found = weighed(frame, Scores(hold=True), label="label")
    assert one(found, "AUC", group="(missing)").people == frame.sex.isna().sum()
    assert {row.reference for row in found.rows} == {"", "m"}
    held = one(found, "AUC", "spread")
    assert held.people == frame.sex.notna().sum()
    assert "(missing)" not in held.claim


def test_missing_scores_and_labels_are_counted(frame):
    frame = frame.copy()
    frame.loc[:6, "score"] = None
    frame.loc[0, "score"] = math.inf
    frame["label"] = frame.label.astype(float)
    frame.loc[10:14, "label"] = None
    found = weighed(frame, label="label")
    assert '"score" is missing or infinite in 7 rows of 3,000' in found.notes[0]
    assert '"label" is missing in 5 rows of 3,000' in found.notes[1]
    assert one(found, "mean score").answered == 2_993
    assert one(found, "AUC").answered == 2_988


def test_favorable_labels_are_declared(frame):
    words = frame.assign(label=frame.label.map({0: "yes", 1: "no"}))
    found = weighed(words, label="label", favorable="no")
    assert one(found, "AUC").estimate == one(weighed(frame, label="label"), "AUC").estimate
    with pytest.raises(SpecError, match="good for a person"):
        weighed(words, label="label")


def test_scores_beyond_one_are_not_calibrated(frame):
    found = weighed(frame.assign(score=frame.score * 100), label="label")
    assert not [row for row in found.rows if "calibration" in row.unit]
    assert "goes from 0 to 100" in found.notes[0] or "no probability" in found.notes[0]
    same = weighed(frame, label="label")
    assert one(found, "AUC").estimate == pytest.approx(one(same, "AUC").estimate)


@pytest.mark.parametrize(
    ("column", "values", "error", "words"),
    [
        ("score", "high", DataError, "holds no numbers"),
        ("score", 1e150, DataError, "beyond 1e100"),
        ("label", "amount", DataError, 'did you mean prediction = "score"'),
        ("label", "three", DataError, "has 3 values"),
    ],
)
def test_mistakes(frame, column, values, error, words):
    numbers = np.arange(len(frame), dtype=float)
    wrong = {"amount": numbers, "three": numbers % 3}.get(values, values)
    with pytest.raises(error, match=words) as caught:
        weighed(frame.assign(**{column: wrong}), label="label")
    assert str(caught.value).startswith(f"$.data.{'label' if values == 'three' else 'score'}")


def test_labels_of_several_classes_have_no_area(frame):
    found = weighed(
        frame.assign(label=frame.index % 3), label="label", outcome="label", decision=None
    )
    assert {row.unit for row in found.rows} == {"mean score"}
    assert "favorable = ..." in found.notes[0]


def test_the_widest_difference_is_held_where_asked():
    frame = people(n=6_000, seed=2)
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(frame.score.to_numpy())
    frame["score"] = frame.score.where(frame.sex == "m", shuffled)
    assert not [row for row in weighed(frame, label="label").rows if row.held]
    found = weighed(frame, Scores(hold=True), label="label")
    (finding,) = judge(found.rows, 0.05)
    assert finding.verdict == "biased"
    assert "worst for f" in finding.sentence
    assert "best for m" in finding.sentence
    row = one(found, "AUC", "spread")
    # Of two groups there is one pair: nothing is adjusted.
    gap = one(found, "AUC", "difference", "f")
    assert (row.estimate, row.p) == (pytest.approx(-gap.estimate), gap.p)
    assert (row.low, row.high) == pytest.approx((-gap.high, -gap.low))
    same = judge(weighed(people(n=19_000), Scores(hold=True), 0.1, label="label").rows, 0.1)
    assert [each.verdict for each in same] == ["within tolerance"]


def test_a_group_without_an_area_leaves_equality_open():
    frame = people(n=19_000)
    frame.loc[:50, ["sex", "label"]] = ["d", 1]
    (finding,) = judge(weighed(frame, Scores(hold=True), label="label").rows, 0.1)
    assert finding.verdict == "inconclusive"


def test_metrics(frame):
    record = pb.metrics(frame, by=["sex", "race"], label="label", score="score")
    units = {row.unit for row in record.evidence if row.test == "scores"}
    assert units == {
        "mean score",
        "AUC",
        "mean calibration",
        "calibration error",
        "calibration intercept",
        "calibration slope",
    }
    assert {each.chart for each in record.lines} == {"ROC", "calibration", "score histogram"}


SMALL = st.lists(
    st.tuples(
        st.sampled_from(["f", "m", None]),
        st.sampled_from([0.0, 0.25, 1.0, None]) | st.floats(-1e100, 1e100),
        st.sampled_from([0, 1, None]),
        st.sampled_from([0.0, 1.0, 1e-9, 1e50]),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(SMALL, st.booleans(), st.booleans())
def test_no_table_gives_a_number_that_is_none(rows, weights, probabilities):
    frame = pd.DataFrame(rows, columns=["sex", "score", "label", "weight"])
    if frame.sex.isna().all():
        frame.loc[0, "sex"] = "f"
    frame["score"] = frame.score.astype(float)
    if probabilities:
        frame["score"] = frame.score.clip(0, 1)
    frame["label"] = frame.label.astype(float)
    frame.loc[0, "weight"] = 1.0
    roles = {"weight": "weight"} if weights else {}
    found = weighed(frame, Scores(hold=True), label="label", **roles)
    for row in found.rows:
        numbers = [row.low, row.estimate, row.high]
        assert all(math.isfinite(number) for number in numbers)
        assert numbers == sorted(numbers)
        assert row.p is None or 0 <= row.p <= 1
        assert row.answered <= row.people
    for each in found.lines:
        assert all(math.isfinite(v) for part in (each.x, each.y, each.low, each.high) for v in part)
