"""What happens after release: windows, alarms, drift and feedback, planted and absent."""

import datetime
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.counting import Source
from paribus.errors import DataError
from paribus.evidence._windows import Windows, window
from paribus.evidence.deployment import FEEDBACK, NO_DECISION, NO_TIME, Deployment
from paribus.observed import Observed
from paribus.roles import Roles
from paribus.stats.windows import RunningGap, watch

FEW = Deployment(repeats=3, rounds=3)


def observe(data, seed=0, **roles):
    given = {"by": ("sex",), "decision": "hired", "time": "month", "reference": {"sex": "m"}}
    if isinstance(data, pd.DataFrame) and "m" not in set(data["sex"]):
        del given["reference"]
    return Observed.of(Source.of(data), Roles(**{**given, **roles}), seed)


def weigh(data, tolerance=0.05, confidence=0.95, check=FEW, **roles):
    return check.weigh(observe(data, **roles), tolerance, confidence)


def log(counts):
    """Make rows of (month, sex, selected, not selected)."""
    rows = [
        (month, sex, hired) for month, sex, yes, no in counts for hired in (1,) * yes + (0,) * no
    ]
    return pd.DataFrame(rows, columns=["month", "sex", "hired"])


def people(n=4_000, months=12, gap=0.0, since=0, seed=1, shift=0.0):
    """Draw a log; a gap begins late, and the income of women rises in the last third."""
    random = np.random.default_rng(seed)
    month = random.integers(0, months, n)
    sex = random.choice(["m", "f"], n)
    income = random.normal(50, 10, n) + shift * (sex == "f") * (month >= 2 * months // 3)
    label = random.random(n) < 1 / (1 + np.exp(-(income - 50) / 10))
    chance = 0.5 - gap * (sex == "f") * (month >= since)
    return pd.DataFrame(
        {
            "month": np.array([f"2024-{m + 1:02d}" for m in range(months)])[month],
            "sex": sex,
            "hired": (random.random(n) < chance).astype(int),
            "repaid": label.astype(int),
            "income": income,
            "city": random.choice(["x", "y", "z"], n),
        }
    )


def rows_of(weighed, unit, **fields):
    return [
        row
        for row in weighed.rows
        if row.unit == unit and all(getattr(row, key) == v for key, v in fields.items())
    ]


def everything_is_finite(weighed):
    for row in weighed.rows:
        assert math.isfinite(row.estimate)
        assert row.low <= row.estimate <= row.high
        for p in (row.p, row.p_outside, row.p_within):
            assert p is None or 0 <= p <= 1
        assert math.isfinite(row.low)
        assert math.isfinite(row.high)
        assert 0 <= row.answered <= row.people
    for line in weighed.lines:
        assert len(line.x) == len(line.y) == len(line.low) == len(line.high) > 0
        assert np.isfinite([line.y, line.low, line.high]).all()
        assert all(
            low <= y <= high for low, y, high in zip(line.low, line.y, line.high, strict=True)
        )


# --- known answers --------------------------------------------------------------------------------

SMALL = log(
    [
        ("2024-01", "f", 10, 30),
        ("2024-01", "m", 20, 20),
        ("2024-02", "f", 6, 4),
        ("2024-02", "m", 30, 60),
        ("2024-03", "f", 9, 9),
    ]
)


def test_gaps_of_windows_are_those_by_hand():
    weighed = weigh(SMALL)
    line = next(line for line in weighed.lines if line.chart == "timeline")
    # In the third month there is nobody to compare with.
    assert line.labels == ("2024-01", "2024-02", "2024-03")
    assert line.y == pytest.approx([0.25 - 0.5, 0.6 - 1 / 3])
    assert line.people == (80, 100)
    assert line.x == (0.0, 1.0)
    rows = rows_of(weighed, "selection rate")
    assert [row.field for row in rows] == ["2024-01", "2024-02"]
    # statsmodels 0.15, confint_proportions_2indep(10, 40, 20, 40, method="newcomb").
    assert (rows[0].low, rows[0].high) == pytest.approx((-0.433296, -0.037889), abs=1e-6)
    assert [(row.people, row.answered) for row in rows] == [(80, 80), (100, 100)]
    assert any("1 window of 3 without decisions on both f and m" in note for note in weighed.notes)


def test_the_gap_over_time_weighs_the_windows():
    row = rows_of(weigh(SMALL), "gap over time")[0]
    # 40 * 40 / 80 = 20 and 10 * 90 / 100 = 9.
    assert row.estimate == pytest.approx((20 * -0.25 + 9 * (0.6 - 1 / 3)) / 29)
    assert row.held
    assert row.field == "2024-01 to 2024-03"
    assert row.claim == (
        "From 2024-01 to 2024-03, the selection rate of f was on average 9.0 points below that of m"
    )


def test_the_row_is_what_the_stream_of_counts_proves():
    data = people(gap=0.15)
    row = rows_of(weigh(data), "gap over time", held=True)[0]
    table = data.groupby(["month", "sex", "hired"]).size().unstack(fill_value=0)
    counts = np.stack([table.xs(sex, level="sex").to_numpy() for sex in ("f", "m")], axis=1)
    gap = RunningGap.of(counts)
    alarm = watch(gap, 0.05, 0.05)
    assert alarm.first is not None
    assert row.p_outside == pytest.approx(alarm.p)
    months = sorted(set(data["month"]))
    assert f"its alarm was up since {months[alarm.first]}" in row.method
    line = next(line for line in weigh(data).lines if line.chart == "running gap")
    assert line.alarms == tuple(alarm.up.tolist())
    assert line.y == pytest.approx(gap.estimate)


def test_alarms_share_alpha_among_the_groups():
    data = people(n=9_000, gap=0.0)
    data["sex"] = np.random.default_rng(4).choice(["m", "b", "c", "d"], len(data))
    lower = (data["sex"] != "m") & (np.random.default_rng(5).random(len(data)) < 0.4)
    data.loc[lower, "hired"] = 0
    months, strict, lenient = sorted(set(data["month"])), {}, {}
    for group in "bcd":
        counts = [
            [
                [
                    (
                        (part := data[(data["month"] == month) & (data["sex"] == sex)])["hired"]
                        == 0
                    ).sum(),
                    (part["hired"] == 1).sum(),
                ]
                for sex in (group, "m")
            ]
            for month in months
        ]
        gap = RunningGap.of(counts)
        strict[group] = tuple(watch(gap, 0.05, 0.05 / 3).up.tolist())
        lenient[group] = tuple(watch(gap, 0.05, 0.05).up.tolist())
    found = {line.group: line.alarms for line in weigh(data).lines if line.chart == "timeline"}
    assert found == strict
    assert strict != lenient


def test_true_and_false_positive_rates_are_followed_where_there_are_labels():
    data = people(n=2_000)
    weighed = weigh(data, label="repaid")
    for unit, label in (("true positive rate", 1), ("false positive rate", 0)):
        row = rows_of(weighed, unit, field="2024-01")[0]
        part = data[(data["month"] == "2024-01") & (data["repaid"] == label)]
        rates = part.groupby("sex")["hired"].mean()
        assert row.estimate == pytest.approx(rates["f"] - rates["m"])
        assert row.answered == len(part)
        assert not row.held
    assert {row.unit for row in weighed.rows if row.held} == {"gap over time"}
    assert rows_of(weighed, "true positive rate gap over time")


def test_weights_stand_for_people():
    double = SMALL.assign(w=2.0)
    plain, weighted = (
        rows_of(weigh(d, **r), "gap over time")[0]
        for d, r in (
            (SMALL, {}),
            (double, {"weight": "w"}),
        )
    )
    for name in ("estimate", "low", "high", "p_outside", "p_within"):
        assert getattr(plain, name) == pytest.approx(getattr(weighted, name))
    heavy = SMALL.assign(w=np.where(SMALL["hired"] == 1, 3.0, 1.0))
    row = rows_of(weigh(heavy, weight="w"), "selection rate")[0]
    assert row.estimate == pytest.approx(30 / 60 - 60 / 80)


# --- planted and absent ---------------------------------------------------------------------------


def test_a_planted_gap_raises_the_alarm_and_names_its_span():
    weighed = weigh(people(n=20_000, gap=0.2, since=6))
    row = rows_of(weighed, "gap over time", held=True)[0]
    assert row.p_outside < 1e-3
    assert row.p_within == 1
    assert row.field == "2024-07 to 2024-12"
    assert row.high < -0.1
    assert "alarm was up since 2024-0" in row.method
    whole = rows_of(weighed, "gap over time", held=False)[0]
    assert whole.field == "2024-01 to 2024-12"
    assert whole.estimate > row.estimate


def test_no_gap_is_proven_to_be_none_by_enough_people():
    row = rows_of(weigh(people(n=40_000)), "gap over time")[0]
    assert row.p_within < 0.01
    assert row.p_outside == 1
    assert "no alarm was up" in row.method


def test_false_alarms_are_seldom():
    wrong = sum(
        rows_of(weigh(people(n=600, seed=seed), tolerance=0.0001), "gap over time")[0].p_outside
        <= 0.05
        for seed in range(40)
    )
    assert wrong <= 4


def test_a_shift_of_one_groups_world_is_found_and_compared():
    weighed = weigh(people(n=6_000, shift=12.0))
    rows = rows_of(weighed, "distribution shift", field="income")
    shift = {row.group: row for row in rows}
    assert shift["f"].p < 1e-6
    assert shift["m"].p > 0.01
    assert shift["f"].low > shift["m"].high
    assert all(row.p > 0.01 for row in rows_of(weighed, "distribution shift", field="city"))
    assert all(not row.held for row in rows)
    assert rows[0].field == "income"
    assert any("the world of f shifted more than that of m" in note for note in weighed.notes)


def test_no_shift_is_not_found():
    weighed = weigh(people(n=6_000))
    assert all(row.p > 0.01 for row in rows_of(weighed, "distribution shift"))
    assert any("no group's world is proven to shift more" in note for note in weighed.notes)


def test_a_category_that_moves_is_found():
    data = people(n=6_000)
    late = data["month"] >= "2024-09"
    data.loc[late & (data["city"] == "x"), "city"] = "new"
    rows = rows_of(weigh(data), "distribution shift")
    assert {row.field for row in rows if row.p < 1e-6} == {"city"}


# --- feedback -------------------------------------------------------------------------------------


def test_feedback_is_not_held_and_says_that_it_is_a_simulation():
    weighed = weigh(people(n=1_500), label="repaid", check=Deployment())
    row = rows_of(weighed, "feedback gap")[0]
    assert (row.held, row.p_outside, row.people) == (False, None, 1_500)
    assert FEEDBACK in weighed.notes
    lines = [line for line in weighed.lines if line.chart == "feedback"]
    assert {line.group for line in lines} == {"f", "m"}
    assert all(line.x == (1, 2, 3, 4, 5, 6) for line in lines)


def test_a_model_that_never_sees_a_group_pay_keeps_it_out_though_it_pays_more_often():
    # Everybody of group f who was selected failed, so that the first model keeps all others out.
    # Nobody of the group is ever selected again, and so nobody finds out.
    random = np.random.default_rng(5)
    n = 3_000
    sex = random.choice(["m", "f"], n)
    label = random.random(n) < np.where(sex == "f", 0.8, 0.5)
    hired = np.where(sex == "f", ~label & (random.random(n) < 0.5), random.random(n) < 0.5)
    data = pd.DataFrame({"sex": sex, "label": label, "hired": hired, "copy": sex})
    roles = {"time": None, "label": "label", "favorable": True, "check": Deployment()}
    shut, seen = (
        {line.group: line.y for line in weigh(each, **roles).lines if line.chart == "feedback"}
        for each in (data, data.assign(hired=random.random(n) < 0.3))
    )
    assert max(shut["f"]) < 0.02
    assert min(shut["m"]) > 0.4
    assert min(seen["f"]) > 0.4


@pytest.mark.parametrize("roles", [{}, {"features": ()}, {"label": "hired2"}])
def test_feedback_is_left_out_without_a_label_features_or_a_choice(roles):
    data = people(n=300).assign(hired2=1)
    if roles.get("features") == ():
        roles = {**roles, "label": "repaid"}
    weighed = weigh(data, **roles)
    assert not rows_of(weighed, "feedback gap")
    assert FEEDBACK not in weighed.notes


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "every", "name"),
    [
        ("2024-12-30", "week", "2025-W01"),
        ("2024-02-29T23:59:59", "month", "2024-02"),
        ("2024-02-29 23:59:59.5", "day", "2024-02-29"),
        (20240401, "quarter", "2024-Q2"),
        (20240401.0, "day", "2024-04-01"),
        ("20241231T101500", "year", "2024"),
        ("2024-03", "quarter", "2024-Q1"),
        (2024, "year", "2024"),
        (datetime.date(2024, 5, 6), "month", "2024-05"),
        (datetime.datetime(2024, 5, 6, 7), "day", "2024-05-06"),
        ("2024-05-06T00:00:00", "value", "2024-05-06"),
        ("spring", "value", "spring"),
        (3.0, "value", "3"),
    ],
)
def test_times_are_cut_to_windows(value, every, name):
    assert window(value, every) == name


@pytest.mark.parametrize(
    ("value", "every"),
    [
        ("spring", "month"),
        ("2024-03", "week"),
        (2024, "month"),
        (1_700_000_000, "day"),
        (True, "day"),
    ],
)
def test_what_is_no_date_says_so(value, every):
    with pytest.raises(DataError, match="names no") as error:
        window(value, every)
    assert error.value.path == "$.data.time"


@pytest.mark.parametrize(
    ("times", "order"),
    [
        (["week 10", "week 9", "week 1"], ["week 1", "week 9", "week 10"]),
        ([10, 9, 1], ["1", "9", "10"]),
        (["10", "9", "1.5"], ["1.5", "9", "10"]),
        (["2024-10", "2023-11", "2024-09"], ["2023-11", "2024-09", "2024-10"]),
        (["nan", "b", "a"], ["a", "b", "nan"]),
    ],
)
def test_windows_are_in_the_order_of_time(times, order):
    data = pd.DataFrame({"month": times, "sex": ["f", "m", "f"], "hired": [1, 0, 1]})
    assert list(Windows.of(observe(data)).names) == order


@pytest.mark.parametrize(
    "engine", [lambda frame: frame, pl.from_pandas, lambda f: pl.from_pandas(f).lazy()]
)
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
@pytest.mark.parametrize("many", [False, True])
def test_dates_are_cut_alike_where_they_are_counted_and_row_by_row(engine, zone, many):
    random = np.random.default_rng(3)
    n = 12_000
    # Either 85 different times, or as many as rows.
    seconds = np.arange(n) * 613 if many else np.arange(n) % 85 * 86_400 + 43_200
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(seconds, unit="s")
    data = pd.DataFrame(
        {"month": time, "sex": random.choice(["f", "m"], n), "hired": random.integers(0, 2, n)}
    )
    wanted = data["month"].dt.strftime("%Y-%m")
    if zone:
        data["month"] = data["month"].dt.tz_localize("UTC").dt.tz_convert(zone)
    observed = observe(engine(data), every="month", reference={})
    windows = Windows.of(observed)
    assert windows.names == tuple(sorted(set(wanted)))
    counted = np.bincount(windows.places, windows.tally.count)
    assert counted.tolist() == wanted.value_counts().sort_index().tolist()
    assert [windows.names[i] for i in windows.of_rows(observed)] == wanted.tolist()


def test_too_many_windows_say_what_to_do():
    n = 12_000
    data = pd.DataFrame(
        {"month": np.arange(n), "sex": ["f", "m"] * (n // 2), "hired": [0, 1, 1] * (n // 3)}
    )
    with pytest.raises(DataError, match="more than 10,000 different values"):
        weigh(data)
    with pytest.raises(DataError, match="at most 500 can be watched"):
        weigh(data.head(1_000))


def test_missing_times_are_counted_and_in_no_window():
    data = SMALL.copy()
    data.loc[data.index[:7], "month"] = None
    weighed = weigh(data)
    assert any('"month" is missing in 7 rows of 198' in note for note in weighed.notes)
    row = rows_of(weighed, "selection rate")[0]
    assert row.people == 73
    everything_is_finite(weighed)


# --- edges ----------------------------------------------------------------------------------------


def test_without_time_it_says_so_and_feedback_still_runs():
    weighed = weigh(people(n=500).drop(columns="month"), time=None, label="repaid")
    assert NO_TIME in weighed.notes
    assert {row.unit for row in weighed.rows} == {"feedback gap"}


def test_without_a_decision_no_rate_is_followed():
    weighed = weigh(people(n=500).drop(columns="hired"), decision=None)
    assert NO_DECISION in weighed.notes
    assert {row.unit for row in weighed.rows} == {"distribution shift"}


def test_a_score_with_a_threshold_decides():
    data = people(n=1_000)
    scored = data.assign(score=data["hired"] * 0.8 + 0.1).drop(columns="hired")
    one = weigh(data)
    other = weigh(scored, decision=None, score="score", threshold=0.5)
    plain, cut = (rows_of(each, "gap over time")[0] for each in (one, other))
    assert plain.estimate == pytest.approx(cut.estimate)
    assert plain.p_within == pytest.approx(cut.p_within)


def test_one_window_has_a_gap_and_no_change():
    weighed = weigh(SMALL[SMALL["month"] == "2024-01"])
    assert any("all rows are of one window (2024-01)" in note for note in weighed.notes)
    assert len(rows_of(weighed, "selection rate")) == 1
    row = rows_of(weighed, "gap over time")[0]
    assert row.field == "2024-01"
    assert row.claim.startswith("In 2024-01, the selection rate of f")
    assert not rows_of(weighed, "distribution shift")
    everything_is_finite(weighed)


def test_missing_decisions_are_people_without_an_answer():
    data = SMALL.astype({"hired": float})
    data.loc[data.index[:5], "hired"] = np.nan
    row = rows_of(weigh(data), "selection rate")[0]
    assert (row.people, row.answered) == (80, 75)
    assert row.estimate == pytest.approx(5 / 35 - 0.5)


def test_people_of_whom_the_attribute_is_unknown_are_shown_and_not_held():
    data = people(n=2_000)
    data.loc[data.index[:300], "sex"] = None
    weighed = weigh(data, label="repaid")
    assert {row.group for row in rows_of(weighed, "gap over time")} == {"f", "(missing)"}
    assert {row.group for row in weighed.rows if row.held} == {"f"}
    everything_is_finite(weighed)


def test_crossed_groups_are_watched_too():
    data = people(n=3_000).assign(race=lambda d: np.where(d["income"] > 50, "a", "b"))
    weighed = weigh(data, by=("sex", "race"), label="repaid")
    crossed = rows_of(weighed, "gap over time", attribute="sex x race")
    assert len(crossed) == 3
    everything_is_finite(weighed)


def test_classes_need_favorable_ones():
    data = people(n=600).assign(grade=lambda d: d["city"], given=lambda d: d["city"])
    roles = {"label": "grade", "decision": "given", "outcome": "label"}
    weighed = weigh(data, **roles)
    assert any("labels are of several classes" in note for note in weighed.notes)
    named = weigh(data, **roles, favorable=("x", "y"))
    assert rows_of(named, "gap over time")


def test_the_same_table_gives_the_same_rows():
    data = people(n=800)
    one, other = (weigh(data, label="repaid") for _ in range(2))
    assert one == other


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["2024-01", "2024-02", "2024-03", None]),
            st.sampled_from(["f", "m", None]),
            st.sampled_from([0.0, 1.0, None]),
            st.sampled_from([0.0, 1.0, None]),
            st.sampled_from([1.5, -1e100, 1e100, None]),
            st.sampled_from(["x", "y", None]),
        ),
        min_size=1,
        max_size=25,
    )
)
@settings(max_examples=40, deadline=None)
def test_no_table_gives_anything_but_numbers(rows):
    data = pd.DataFrame(rows, columns=["month", "sex", "hired", "repaid", "income", "city"])
    data = data.astype({"hired": float, "repaid": float, "income": float})
    if data["sex"].isna().all():
        return
    for tolerance in (0.0, 0.05, 0.9):
        everything_is_finite(weigh(data, tolerance=tolerance, label="repaid", reference={}))
