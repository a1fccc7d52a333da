"""Errors of predictions: means against numpy and scipy, the widest difference, every engine."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import paribus as pb
from paribus.counting import Source
from paribus.errors import DataError, SpecError
from paribus.evidence.errors import Errors
from paribus.findings import judge
from paribus.observed import Observed
from paribus.roles import Roles
from paribus.stats.multiplicity import holm

UNITS = ("mean error", "mean absolute error", "root mean squared error")


def weighed(frame, check=None, **roles):
    roles = {"by": ("sex",), "label": "truth", "prediction": "guess"} | roles
    return (check or Errors()).weigh(Observed.of(Source.of(frame), Roles(**roles)), 0.05, 0.95)


def one(found, unit, relation="value", group="", attribute="sex"):
    rows = [
        row
        for row in found.rows
        if (row.unit, row.relation, row.group, row.attribute) == (unit, relation, group, attribute)
    ]
    assert len(rows) == 1, f"{len(rows)} rows"
    return rows[0]


def people(n=900, bias=0.0, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m", "d"], n, p=[0.3, 0.6, 0.1]),
            "race": rng.choice(["a", "b"], n),
            "truth": rng.normal(50_000, 9_000, n),
        }
    )
    frame["guess"] = frame.truth + rng.normal(0, 100, n) + bias * (frame.sex == "f")
    return frame


@pytest.fixture(scope="module")
def frame():
    return people()


@pytest.fixture(scope="module")
def found(frame):
    return weighed(frame, by=("sex", "race"))


def test_errors_are_those_of_numpy(frame, found):
    for keys in (["sex"], ["race"], ["sex", "race"], []):
        for group, part in frame.groupby(keys) if keys else [((), frame)]:
            error = part.guess - part.truth
            for unit, expected in zip(
                UNITS, (error.mean(), error.abs().mean(), np.sqrt((error**2).mean())), strict=True
            ):
                attribute = " x ".join(keys) or "sex"
                row = one(found, unit, group=" x ".join(group), attribute=attribute)
                assert row.estimate == pytest.approx(expected)
                assert (row.people, row.answered, row.scale) == (len(part), len(part), "number")
                assert row.low < row.estimate < row.high


def test_intervals_and_differences_are_those_of_scipy(frame, found):
    errors = {sex: part.guess - part.truth for sex, part in frame.groupby("sex")}
    for unit, of in (("mean error", lambda e: e), ("mean absolute error", np.abs)):
        interval = stats.ttest_1samp(of(errors["f"]), 0).confidence_interval(0.95)
        row = one(found, unit, group="f")
        assert (row.low, row.high) == pytest.approx(tuple(interval))
        tests = [stats.ttest_ind(of(errors[sex]), of(errors["m"]), equal_var=False) for sex in "df"]
        p = holm([test.pvalue for test in tests])
        for sex, test, adjusted in zip("df", tests, p, strict=True):
            gap = one(found, unit, "difference", sex)
            assert gap.reference == "m"
            assert gap.estimate == pytest.approx(of(errors[sex]).mean() - of(errors["m"]).mean())
            assert (gap.low, gap.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
            assert gap.p == pytest.approx(adjusted)


def test_the_spread_is_between_the_lowest_and_the_highest(frame, found):
    errors = (frame.guess - frame.truth).groupby(frame.sex)
    row = one(found, "mean error", "spread")
    assert row.estimate == pytest.approx(errors.mean().max() - errors.mean().min())
    assert row.low <= row.estimate <= row.high
    assert not row.held
    # All three pairs at 1 - 0.05 / 3.
    pairs = [("f", "m"), ("f", "d"), ("d", "m")]
    intervals = [
        stats.ttest_ind(errors.get_group(a), errors.get_group(b), equal_var=False)
        .confidence_interval(1 - 0.05 / 3)
        for a, b in pairs
    ]  # fmt: skip
    assert row.high == pytest.approx(max(max(-low, high) for low, high in intervals))


@pytest.mark.parametrize(
    ("bias", "tolerance", "verdict"),
    [(60, 20, "biased"), (0, 60, "within tolerance"), (20, 20, "inconclusive")],
)
def test_a_declared_tolerance_is_held(bias, tolerance, verdict):
    found = weighed(people(bias=bias), Errors(tolerance=tolerance))
    (finding,) = judge(found.rows, 0.05)
    assert (finding.unit, finding.verdict) == ("mean error", verdict)
    assert finding.tolerance == tolerance
    if verdict == "biased":
        assert finding.sentence.startswith(
            "Mean error by sex: predictions minus the truth are lowest for "
        )
        assert "highest for f (+" in finding.sentence
        assert f"more than the tolerance of {tolerance}" in finding.sentence


def test_tolerances_are_above_zero():
    with pytest.raises(SpecError, match="greater than 0"):
        Errors(tolerance=0)


def test_small_errors_of_large_numbers(frame):
    shifted = frame.assign(truth=1e9 + frame.truth / 1e4, guess=1e9 + frame.guess / 1e4)
    error = shifted.guess - shifted.truth
    found = weighed(shifted)
    for sex, part in error.groupby(frame.sex):
        row = one(found, "mean error", group=sex)
        low, high = stats.ttest_1samp(part, 0).confidence_interval(0.95)
        assert (row.estimate, row.low, row.high) == pytest.approx((part.mean(), low, high))


def test_engines_agree(frame):
    import duckdb

    frame = frame.assign(weight=1 + frame.index % 3)
    frame.loc[:9, "guess"] = None
    table = pa.Table.from_pandas(frame, preserve_index=False)
    connection = duckdb.connect()
    sources = (frame, table, connection.from_arrow(table))
    found = [weighed(data, by=("sex", "race"), weight="weight") for data in sources]
    numbers = {"estimate", "low", "high", "p"}
    for other in found[1:]:
        assert other.notes == found[0].notes
        for mine, theirs in zip(found[0].rows, other.rows, strict=True):
            assert mine.model_dump(exclude=numbers) == theirs.model_dump(exclude=numbers)
            assert (mine.estimate, mine.low, mine.high, mine.p or 0) == pytest.approx(
                (theirs.estimate, theirs.low, theirs.high, theirs.p or 0), rel=1e-7, abs=1e-7
            )
    connection.close()


def test_weights(frame):
    plain = weighed(frame)
    double = weighed(frame.assign(weight=2), weight="weight")
    for mine, theirs in zip(plain.rows, double.rows, strict=True):
        assert (mine.estimate, mine.low, mine.high) == pytest.approx(
            (theirs.estimate, theirs.low, theirs.high)
        )
    times = 1 + frame.index % 3
    heavy = weighed(frame.assign(weight=times), weight="weight")
    repeated = weighed(frame.loc[frame.index.repeat(times)])
    for unit in UNITS:
        mine, theirs = (one(each, unit, group="f") for each in (heavy, repeated))
        assert mine.estimate == pytest.approx(theirs.estimate)
        assert mine.high - mine.low > theirs.high - theirs.low


def test_missing_sides_and_groups(frame):
    frame = frame.copy()
    frame.loc[:4, "truth"] = None
    frame.loc[3:6, "guess"] = math.inf
    frame.loc[frame.sex == "d", "sex"] = None
    found = weighed(frame, Errors(tolerance=10))
    assert found.notes == (
        '"guess" or "truth" is missing or infinite in 7 rows of 900: errors leave them out.',
    )
    assert one(found, "mean error").answered == 893
    assert one(found, "mean error").people == 900
    missing = one(found, "mean error", group="(missing)")
    assert missing.people == frame.sex.isna().sum()
    held = [row for row in found.rows if row.held]
    assert [row.people for row in held] == [frame.sex.notna().sum()]
    assert "(missing)" not in held[0].claim
    assert {row.reference for row in found.rows} == {"", "m"}


def test_a_group_of_one_row_is_shown_and_nothing_is_proven_of_it(frame):
    frame = pd.concat([frame, pd.DataFrame([{"sex": "x1", "truth": 1.0, "guess": 4.0}])])
    found = weighed(frame, Errors(tolerance=1e6))
    row = one(found, "mean error", group="x1")
    assert (row.estimate, row.people) == (3, 1)
    # It borrows the spread of everybody, t(900) times 100 or so, for what is shown.
    sd = np.std(frame.guess - frame.truth, ddof=1)
    assert row.high - row.estimate == pytest.approx(stats.t(900).ppf(0.975) * sd, rel=1e-9)
    assert row.estimate - row.low == pytest.approx(row.high - row.estimate)
    gap = one(found, "mean error", "difference", "x1")
    assert gap.low < gap.estimate < gap.high
    assert gap.p == 1
    assert "sex with one row: x1." in found.notes[0]
    (finding,) = judge(found.rows, 0.05)
    assert finding.verdict == "inconclusive"
    assert finding.high < 1_000


def test_a_group_without_a_truth_leaves_equality_open(frame):
    frame = frame.copy()
    frame.loc[frame.sex == "d", "truth"] = None
    found = weighed(frame, Errors(tolerance=1e6))
    assert "d" not in {row.group for row in found.rows}
    (finding,) = judge(found.rows, 0.05)
    assert finding.verdict == "inconclusive"


def test_perfect_predictions_of_few_prove_nothing():
    frame = pd.DataFrame({"sex": ["f", "f", "m", "m"], "truth": [1.0, 900.0, 3.0, 4.0]})
    frame["guess"] = frame.truth
    (finding,) = judge(weighed(frame, Errors(tolerance=5)).rows, 0.05)
    assert finding.verdict == "inconclusive"
    many = pd.concat([frame] * 2_000)
    (finding,) = judge(weighed(many, Errors(tolerance=5)).rows, 0.05)
    assert finding.verdict == "within tolerance"


def test_nothing_without_a_prediction(frame):
    observed = Observed.of(Source.of(frame), Roles(by=("sex",), prediction="guess"))
    assert Errors().weigh(observed, 0.05, 0.95).rows == ()


@pytest.mark.parametrize(
    ("column", "value", "path", "words"),
    [
        ("guess", "high", "prediction", "holds no numbers"),
        ("truth", "high", "label", "holds no numbers"),
        ("guess", 1e300, "prediction", "stand for missing"),
    ],
)
def test_mistakes(frame, column, value, path, words):
    with pytest.raises(DataError, match=words) as caught:
        weighed(frame.assign(**{column: value}))
    assert caught.value.path == f"$.data.{path}"


def test_metrics(frame):
    record = pb.metrics(frame, by=["sex", "race"], label="truth", prediction="guess")
    assert {row.unit for row in record.evidence} == set(UNITS)
    assert record.findings == ()
    held = [{"kind": "errors", "tolerance": 1_000.0}]
    record = pb.metrics(frame, by="sex", label="truth", prediction="guess", checks=held)
    assert record.verdict == "within tolerance"


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["f", "m", None]),
        st.sampled_from([0.0, 1.0, 5.0, None]) | st.floats(-1e40, 1e40),
        st.sampled_from([0.0, 1.0, 5.0, None]) | st.floats(-1e40, 1e40),
        st.sampled_from([0.0, 1.0, 1e-9, 1e50]),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=100)
@given(ROWS, st.booleans())
def test_no_table_gives_a_number_that_is_none(rows, weights):
    frame = pd.DataFrame(rows, columns=["sex", "truth", "guess", "weight"])
    if frame.sex.isna().all():
        frame.loc[0, "sex"] = "f"
    frame[["truth", "guess"]] = frame[["truth", "guess"]].astype(float)
    frame.loc[0, "weight"] = 1.0
    roles = {"weight": "weight"} if weights else {}
    for row in weighed(frame, Errors(tolerance=1.0), **roles).rows:
        numbers = [row.low, row.estimate, row.high]
        assert all(math.isfinite(number) for number in numbers)
        assert numbers == sorted(numbers)
        assert row.p is None or 0 <= row.p <= 1
        assert row.answered <= row.people
