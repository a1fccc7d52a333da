"""Disclosure tables: the numbers of the rules' own examples, and what stands beside them."""

import json
import math
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from paribus import ParibusError
from paribus._text import visible
from paribus.counting import Source
from paribus.errors import DataError, OutputError, SpecError
from paribus.studies._median import above, at_least, middle
from paribus.studies.disclosure import Disclosure, disclose

# New York City Department of Consumer and Worker Protection, notice of adoption of final rule on
# automated employment decision tools (April 2023), 6 RCNY § 5-301(b): the example of a tool that
# screens resumes. Category, applicants, selected, published rate in %, published impact ratio.
SELECTED_SEX = [("Male", 1390, 667, "48", "1.00"), ("Female", 1181, 555, "47", "0.979")]
SELECTED_RACE = [
    ("Hispanic or Latino", 408, 204, "50", "0.97"),
    ("White", 797, 412, "52", "1.00"),
    ("Black or African American", 390, 170, "44", "0.84"),
    ("Native Hawaiian or Pacific Islander", 119, 52, "44", "0.85"),
    ("Asian", 616, 302, "49", "0.95"),
    ("Native American or Alaska Native", 41, 18, "44", "0.85"),
    ("Two or More Races", 213, 96, "45", "0.87"),
]
# Its race table has 13 more people than the two others, all of them Hispanic or Latino.
SELECTED_CROSSED = [
    ("Male", "Hispanic or Latino", 205, 90, "43.9", "0.841"),
    ("Female", "Hispanic or Latino", 190, 82, "43.2", "0.827"),
    ("Male", "White", 412, 215, "52.2", "1.000"),
    ("Male", "Black or African American", 226, 95, "42.0", "0.806"),
    ("Male", "Native Hawaiian or Pacific Islander", 87, 37, "42.5", "0.815"),
    ("Male", "Asian", 321, 167, "52.0", "0.997"),
    ("Male", "Native American or Alaska Native", 24, 11, "45.8", "0.878"),
    ("Male", "Two or More Races", 115, 52, "45.2", "0.866"),
    ("Female", "White", 385, 197, "51.2", "0.981"),
    ("Female", "Black or African American", 164, 75, "45.7", "0.876"),
    ("Female", "Native Hawaiian or Pacific Islander", 32, 15, "46.9", "0.898"),
    ("Female", "Asian", 295, 135, "45.8", "0.877"),
    ("Female", "Native American or Alaska Native", 17, 7, "41.2", "0.789"),
    ("Female", "Two or More Races", 98, 44, "44.9", "0.860"),
]
# § 5-301(c): the example of a tool that scores culture fit. The rule publishes rates; numbers above
# the median follow from them. 64.2 (18 of 28) and 54.3 (50 of 92) are cut, and not rounded.
SCORED_SEX = [("Male", 92, 50, "54.3", "1.00"), ("Female", 76, 34, "44.7", "0.82")]
SCORED_RACE = [
    ("Hispanic or Latino", 28, 18, "64.2", "1.00"),
    ("White", 40, 15, "37.5", "0.58"),
    ("Black or African American", 32, 16, "50.0", "0.78"),
    ("Native Hawaiian or Pacific Islander", 8, 5, "62.5", "0.97"),
    ("Asian", 24, 10, "41.7", "0.65"),
    ("Native American or Alaska Native", 16, 10, "62.5", "0.97"),
    ("Two or More Races", 20, 10, "50.0", "0.78"),
]
SCORED_CROSSED = [
    ("Male", "Hispanic or Latino", 16, 12, "75", "1.00"),
    ("Female", "Hispanic or Latino", 12, 6, "50", "0.67"),
    ("Male", "White", 20, 7, "35", "0.47"),
    ("Male", "Black or African American", 20, 10, "50", "0.67"),
    ("Male", "Native Hawaiian or Pacific Islander", 4, 3, "75", "1.00"),
    ("Male", "Asian", 12, 7, "58.3", "0.78"),
    ("Male", "Native American or Alaska Native", 8, 5, "62.5", "0.83"),
    ("Male", "Two or More Races", 12, 6, "50", "0.67"),
    ("Female", "White", 20, 8, "40", "0.53"),
    ("Female", "Black or African American", 12, 6, "50", "0.67"),
    ("Female", "Native Hawaiian or Pacific Islander", 4, 2, "50", "0.67"),
    ("Female", "Asian", 12, 3, "25", "0.33"),
    ("Female", "Native American or Alaska Native", 8, 5, "62.5", "0.83"),
    ("Female", "Two or More Races", 8, 4, "50", "0.67"),
]
BY = {"sex": "sex", "race/ethnicity": "race"}


def people(*groups, column="race", outcome="selected"):
    """Rows of groups, each a name, its people, and how many of them are favored."""
    rows = [(name, int(i < k)) for name, n, k in groups for i in range(n)]
    return pd.DataFrame(rows, columns=[column, outcome])


def crossed(groups):
    rows = [(sex, race, int(i < k)) for sex, race, n, k, *_ in groups for i in range(n)]
    return pd.DataFrame(rows, columns=["sex", "race", "selected"])


def ratios(table):
    return {c.name: c.impact_ratio for c in table.categories}


def matches(table, published):
    """Compare with a table of the rule: counts, rates and ratios as they are printed."""
    found = {c.name: c for c in table.categories}
    assert len(found) == len(published)
    best = max(k / n for *_, n, k, _, _ in published)
    for *names, n, k, rate, ratio in published:
        category = found[" x ".join(names)]
        assert (category.people, category.favored) == (n, k)
        # Rates are printed with as many digits as they are; some are cut off.
        unit = 10.0 ** -len(rate.partition(".")[2])
        assert abs(100 * category.rate - float(rate)) < unit
        assert category.impact_ratio == pytest.approx(k / n / best, rel=1e-15)
        digits = len(ratio.partition(".")[2])
        assert f"{category.impact_ratio:.{digits}f}" == ratio


# --- Local Law 144 --------------------------------------------------------------------------------


def test_selection_ratios_of_the_rules_own_example():
    unknown = pd.DataFrame({"sex": [None] * 250, "race": [None] * 250, "selected": [1, 0] * 125})
    data = pd.concat([crossed(SELECTED_CROSSED), unknown], ignore_index=True)
    made = disclose(data, "nyc-144", by=BY, decision="selected")
    sex, race, both = made.tables
    matches(sex, SELECTED_SEX)
    matches(both, SELECTED_CROSSED)
    assert [table.section for table in made.tables] == [
        f"6 RCNY § 5-301(b)(3)({item})" for item in ("i", "ii", "iii")
    ]
    assert {table.unknown for table in made.tables} == {250}
    assert "250 people have an unknown sex or race/ethnicity category (§ 5-303(a)(1))." in (
        made.remarks
    )
    assert race.people == 2571
    alone = people(*(group[:3] for group in SELECTED_RACE))
    matches(disclose(alone, "nyc-144", by="race", decision="selected").tables[0], SELECTED_RACE)


def test_scoring_ratios_of_the_rules_own_example():
    rng = np.random.default_rng(5)
    data = crossed(SCORED_CROSSED)
    # Fifteen people of unknown category: with them the median is a score that somebody has.
    extra = pd.DataFrame({"sex": None, "race": ["White", None] * 7 + [None], "selected": 0})
    extra.loc[:6, "selected"] = 1
    data = pd.concat([data, extra], ignore_index=True)
    data["score"] = np.where(data["selected"] == 1, 0.5, 0.0) + rng.uniform(0.01, 0.49, len(data))
    made = disclose(data, "nyc-144", by=BY, score="score")
    sex, race, both = made.tables
    matches(sex, SCORED_SEX)
    matches(both, SCORED_CROSSED)
    assert made.median == np.median(data["score"])
    assert (sex.unknown, race.unknown, both.unknown) == (15, 8, 15)
    known = data.dropna(subset="sex")
    assert np.median(known["score"]) > made.median
    matches(disclose(known, "nyc-144", by=BY, score="score").tables[1], SCORED_RACE)


def test_the_median_is_that_of_everybody_with_a_score():
    """A person of unknown category moves the median; one without a score does not."""
    data = pd.DataFrame(
        {"sex": ["M", "M", "F", "F", None, "F"], "score": [1.0, 2.0, 3.0, 4.0, 0.0, None]}
    )
    made = disclose(data, "nyc-144", by="sex", score="score")
    assert made.median == 2.0
    assert [(c.people, c.favored) for c in made.tables[0].categories] == [(2, 2), (2, 0)]
    assert (made.tables[0].unknown, made.tables[0].unrated) == (1, 1)


def test_a_score_that_equals_the_median_is_not_above_it():
    data = pd.DataFrame({"sex": ["M"] * 4 + ["F"] * 5, "score": [1, 3, 3, 3, 3, 3, 3, 4, 9]})
    made = disclose(data, "nyc-144", by="sex", score="score")
    assert made.median == 3
    assert {c.name: c.favored for c in made.tables[0].categories} == {"F": 2, "M": 0}
    # Of an even number, the mean of the middle two, even where no float lies between them.
    near = math.nextafter(1.0, 2.0)
    data = pd.DataFrame({"sex": ["M", "F", "M", "F"], "score": [0.5, 1.0, 4.0, 8.0]})
    assert disclose(data, "nyc-144", by="sex", score="score").median == 2.5
    data = pd.DataFrame({"sex": ["M", "F", "M", "F"], "score": [0.5, 1.0, near, 2.0]})
    made = disclose(data, "nyc-144", by="sex", score="score")
    assert {c.name: c.favored for c in made.tables[0].categories} == {"F": 1, "M": 1}


@pytest.mark.parametrize(("some", "flagged"), [(199, True), (200, False)])
def test_less_than_two_percent_is_less(some, flagged):
    data = people(("a", some, 50), ("b", 10_000 - some, 4_000))
    made = disclose(data, "nyc-144", by="race", decision="selected")
    assert made.tables[0].categories[0].small is flagged
    assert any("Less than 2 %" in note for note in made.tables[0].notes) is flagged


def test_a_small_benchmark_is_shown_with_the_one_behind_it():
    data = people(("few", 1, 1), ("many", 80, 40), ("others", 40, 10))
    table = disclose(data, "nyc-144", by="race", decision="selected").tables[0]
    assert table.benchmark == "few"
    assert ratios(table) == {"few": 1.0, "many": 0.5, "others": 0.25}
    assert [c.impact_ratio_without_small for c in table.categories] == [None, 1.0, 0.5]
    assert "compares with many instead" in " ".join(table.notes)
    excluded = disclose(
        data, "nyc-144", by="race", decision="selected", exclude_small=True,
        justification="One person only.",
    ).tables[0]  # fmt: skip
    assert ratios(excluded) == {"few": None, "many": 1.0, "others": 0.5}
    assert excluded.categories[0].rate == 1.0
    assert "Justification: One person only." in " ".join(excluded.notes)
    silent = disclose(data, "nyc-144", by="race", decision="selected", exclude_small=True)
    assert "though the summary must give it" in " ".join(silent.tables[0].notes)


def test_of_equal_rates_the_benchmark_is_no_small_category():
    data = people(("few", 1, 1), ("many", 99, 99))
    table = disclose(data, "nyc-144", by="race", decision="selected").tables[0]
    assert table.benchmark == "many"
    assert {c.impact_ratio_without_small for c in table.categories} == {None}


def test_nobody_known_one_category_nobody_selected():
    nobody = pd.DataFrame({"sex": pd.Series([None] * 9, dtype=object), "selected": [1, 0, 1] * 3})
    made = disclose(nobody, "nyc-144", by="sex", decision="selected")
    assert (made.tables[0].categories, made.tables[0].unknown) == ((), 9)
    assert made.tables[0].notes[-1] == "Nobody's sex is known, so there is nothing to show."
    one = disclose(people(("a", 9, 3)), "nyc-144", by="race", decision="selected").tables[0]
    assert ratios(one) == {"a": 1.0}
    assert "one category only" in one.notes[0]
    none = people(("a", 9, 0), ("b", 4, 0))
    for rule in ("nyc-144", "eeoc-four-fifths"):
        table = disclose(none, rule, by="race", decision="selected").tables[0]
        assert ratios(table) == {"a": 1.0, "b": 1.0}
        assert "they say nothing" in table.notes[0]
        assert not any(category.below_four_fifths for category in table.categories)


def test_rows_without_a_decision_are_counted_apart():
    data = people(("a", 9, 3), ("b", 6, 3))
    data.loc[[0, 9], "selected"] = np.nan
    data.loc[len(data)] = ["c", np.nan]
    table = disclose(data, "nyc-144", by="race", decision="selected").tables[0]
    assert [(c.name, c.people, c.favored) for c in table.categories] == [
        ("a", 8, 2), ("b", 5, 2), ("c", 0, 0),
    ]  # fmt: skip
    assert (table.categories[2].rate, table.categories[2].impact_ratio) == (None, None)
    assert table.unrated == 3
    assert "3 people without a decision are in no number of this table." in table.notes


def test_categories_are_renamed_joined_and_unknown():
    data = people(("C", 4, 2), ("J", 4, 4), ("W", 5, 1), ("?", 3, 1), ("Prefer not to say", 2, 2))
    renamed = {"race/ethnicity": {"W": "White", "C": "Asian", "J": "Asian", "?": None}}
    made = disclose(
        data, "nyc-144", by={"race/ethnicity": "race"}, decision="selected", categories=renamed
    )
    table = made.tables[0]
    assert [(c.name, c.people, c.favored) for c in table.categories] == [
        ("White", 5, 1), ("Asian", 8, 6),
    ]  # fmt: skip
    assert table.unknown == 5
    assert 'Counted as an unknown race/ethnicity category: "Prefer not to say".' in made.notes
    kept = {"race": {"Prefer not to say": "Prefer not to say"}}
    table = disclose(data, "nyc-144", by="race", decision="selected", categories=kept).tables[0]
    assert table.unknown == 0
    assert ratios(table)["Prefer not to say"] == 1.0


def test_values_of_numbers_are_named_by_numbers():
    """A column of codes has floats where some are missing; its names may be ints or floats."""
    data = pd.DataFrame({"code": [1.0, 1.0, 2.0, None, 9.0], "selected": [1, 0, 1, 1, 1]})
    for codes in ({1: "Male", 2: "Female", 9: None}, {1.0: "Male", 2.0: "Female", 9.0: ""}):
        table = disclose(
            data, "nyc-144", by={"sex": "code"}, decision="selected", categories={"code": codes}
        ).tables[0]
        assert ratios(table) == {"Male": 0.5, "Female": 1.0}
        assert table.unknown == 2


def test_who_is_known_in_part_is_unknown_where_both_are_crossed():
    data = pd.DataFrame(
        {
            "sex": ["M", "F", "M", None, "F"],
            "race": ["a", "a", None, "b", "b"],
            "selected": [1, 0, 1, 1, None],
            "score": [1.0, 2.0, 3.0, 4.0, 5.0],
        }
    )
    made = disclose(data, "nyc-144", by=BY, decision="selected", score="score")
    assert [table.unknown for table in made.tables] == [1, 1, 2, 1, 1, 2]
    assert [table.unrated for table in made.tables] == [1, 1, 1, 0, 0, 0]
    assert made.remarks[1:] == (
        "2 people have an unknown sex or race/ethnicity category (§ 5-303(a)(1)).",
    )
    data.loc[0, ["sex", "selected"]] = None
    made = disclose(data, "nyc-144", by=BY, decision="selected", score="score")
    assert made.remarks[1:] == (
        "2 people with a decision have an unknown sex or race/ethnicity category (§ 5-303(a)(1)).",
        "3 people with a score have an unknown sex or race/ethnicity category (§ 5-303(a)(1)).",
    )


def test_what_must_be_published_is_named_where_it_is_missing():
    data = people(("a", 9, 3), ("b", 6, 3))
    asked = {"by": "race", "decision": "selected"}
    made = disclose(data, "nyc-144", **asked)
    assert made.missing == (
        "Date of the bias audit",
        "Source and explanation of the data",
        "Distribution date of the tool",
    )
    assert any("§ 5-302(a) asks for historical data" in note for note in made.notes)
    assert any("name sex too" in note for note in made.notes)
    given_all = disclose(
        data, "nyc-144", **asked, audited_on="2026-01-07", source_of_data="2025, all applicants",
        distributed_on="2024-05-01", tool="Screener 3",
    )  # fmt: skip
    assert given_all.missing == ()
    assert ("Tool", "Screener 3") in given_all.facts
    assert "This is not legal advice." in made.remarks


def test_synthetic_people_are_told():
    data = people(("a", 9, 3), ("b", 6, 3))
    asked = {"by": "race", "decision": "selected"}
    twins = data.assign(person=range(15), version="a")[["person", "version", *data.columns]]
    for made in (
        disclose(data, "nyc-144", **asked, synthetic=True),
        disclose(twins, "nyc-144", **asked),
    ):
        assert made.synthetic
        told = " ".join(made.remarks)
        assert "§ 5-302 asks for historical data" in told
        assert "which is not given here" in told
        assert "Why test data, and how they were obtained" in made.missing
    why = disclose(data, "nyc-144", **asked, synthetic=True, test_data="no applicants yet")
    assert "not given here" not in " ".join(why.remarks)
    assert not disclose(data, "eeoc-four-fifths", **asked).synthetic
    eeoc = disclose(twins, "eeoc-four-fifths", **asked)
    assert "These people are synthetic" in " ".join(eeoc.remarks)


# --- the four-fifths rule -------------------------------------------------------------------------


def test_question_21_of_the_guidelines():
    """16 of 80 and 3 of 20 are selected: 75 %, and one different person turns it around.

    Questions and Answers on the Uniform Guidelines, 44 Federal Register 11996 (1979), question 21:
    the rates would be 20 % against 18.7 %.
    """
    data = people(("White", 80, 16), ("Black", 20, 3), outcome="hired")
    made = disclose(data, "eeoc-four-fifths", by="race", decision="hired")
    black, white = made.tables[0].categories
    assert (black.impact_ratio, black.below_four_fifths) == (0.75, True)
    assert black.one_person == "changes the order"
    assert 4 / 20 > 15 / 80
    assert (white.impact_ratio, white.below_four_fifths, white.fisher_p) == (1.0, None, None)
    assert "Black (question 21)" in " ".join(made.tables[0].notes)


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ((("a", 1000, 500), ("b", 1000, 300)), "changes nothing"),
        ((("a", 100, 50), ("b", 100, 39)), "reaches four fifths"),
        ((("a", 100, 50), ("b", 100, 40)), None),
    ],
)
def test_one_different_person(groups, told):
    made = disclose(people(*groups), "eeoc-four-fifths", by="race", decision="selected")
    assert made.tables[0].categories[1].one_person == told


def test_exactly_four_fifths_is_not_below():
    for n in (5, 15, 35, 145, 1_000):
        data = people(("a", n, n), ("b", n, 4 * n // 5))
        table = disclose(data, "eeoc-four-fifths", by="race", decision="selected").tables[0]
        assert table.categories[1].below_four_fifths is False
        data = people(("a", n, n), ("b", n, 4 * n // 5 - 1))
        table = disclose(data, "eeoc-four-fifths", by="race", decision="selected").tables[0]
        assert table.categories[1].below_four_fifths is True


def test_statistics_are_those_of_scipy_and_statsmodels():
    groups = [("a", 120, 60), ("b", 80, 25), ("c", 45, 9), ("d", 300, 140)]
    made = disclose(people(*groups), "eeoc-four-fifths", by="race", decision="selected")
    others = made.tables[0].categories[1:]
    expected = []
    for category, (_, n, k) in zip(others, groups[1:], strict=True):
        p = fisher_exact([[k, n - k], [60, 60]]).pvalue
        expected.append(p)
        assert category.fisher_p == pytest.approx(p, rel=1e-9)
        z, _ = proportions_ztest([k, 60], [n, 120])
        assert category.standard_deviations == pytest.approx(z, rel=1e-9)
        assert category.low <= category.impact_ratio <= category.high
    adjusted = multipletests(expected, method="holm")[1]
    assert [c.holm_p for c in others] == pytest.approx(list(adjusted), rel=1e-9)


def test_another_category_may_be_compared_with():
    data = people(("a", 100, 50), ("b", 100, 25))
    asked = {"by": "race", "decision": "selected"}
    table = disclose(data, "eeoc-four-fifths", **asked, reference={"race": "b"}).tables[0]
    assert ratios(table) == {"a": 2.0, "b": 1.0}
    assert "as was asked" in table.notes[0]
    zero = people(("a", 100, 50), ("b", 100, 0))
    table = disclose(zero, "eeoc-four-fifths", **asked, reference={"race": "b"}).tables[0]
    assert (table.categories[0].impact_ratio, table.categories[0].below_four_fifths) == (
        None,
        False,
    )
    assert disclose(zero, "eeoc-four-fifths", **asked, reference={"race": "b"}).json_text()
    with pytest.raises(SpecError, match=r'\$\.reference\.race: nobody has the race "z"'):
        disclose(data, "eeoc-four-fifths", **asked, reference={"race": "z"})


def test_small_categories_are_named_or_left_out():
    data = people(("few", 1, 1), ("many", 80, 40), ("others", 40, 10))
    asked = {"by": "race", "decision": "selected"}
    made = disclose(data, "eeoc-four-fifths", **asked)
    assert made.tables[0].benchmark == "few"
    assert any("§ 1607.15(A)(1)" in note for note in made.notes)
    left = disclose(data, "eeoc-four-fifths", **asked, exclude_small=True).tables[0]
    assert (left.benchmark, ratios(left)["few"]) == ("many", None)
    assert left.categories[0].fisher_p is None


# --- scores ---------------------------------------------------------------------------------------

finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=60)
@given(
    st.one_of(
        st.lists(finite, min_size=1, max_size=30),
        st.lists(st.sampled_from([-1.5, 0.0, -0.0, 0.1, 0.3, 1e300]), min_size=1, max_size=30),
        st.lists(st.floats(0.5, 0.5 + 1e-15), min_size=1, max_size=30),
    )
)
@example([0.0])
@example([5e-324, 0.0, -5e-324, 1.0])
@example([1.7976931348623157e308] * 3)
@example([-1.7976931348623157e308, 1.7976931348623157e308])
def test_the_middle_values_are_exact(values):
    ordered = sorted(values)
    n = len(values)
    source = Source.of(pd.DataFrame({"x": values}))
    assert middle(source, "x") == (ordered[(n - 1) // 2], ordered[n // 2])


@settings(deadline=None, max_examples=60)
@given(st.lists(finite, min_size=1, max_size=20), finite)
@example([0.0, 5e-324, -5e-324], 0.0)
@example([0.1, 0.3], 0.1)
def test_rows_are_parted_exactly(values, other):
    source = Source.of(pd.DataFrame({"x": values}))
    for cut in (values[0], min(max(other, -1e308), 1e308)):
        tally = source.tally([above("x", cut)])
        counts = dict(zip(tally.levels[0], tally.count.tolist(), strict=True))
        assert counts.get(1, 0) == sum(value > cut for value in values)
        if abs(cut) <= 1e308:
            tally = source.tally([at_least("x", cut)])
            counts = dict(zip(tally.levels[0], tally.count.tolist(), strict=True))
            assert counts.get(1, 0) == sum(value >= cut for value in values)


def test_the_median_of_many_rows():
    rng = np.random.default_rng(3)
    for values in (rng.normal(size=100_001), rng.integers(0, 7, 100_000), rng.pareto(1, 100_000)):
        lower, upper = middle(Source.of(pd.DataFrame({"x": values})), "x")
        assert (lower + upper) / 2 == np.median(values)


def test_every_engine_gives_the_same(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    polars = pytest.importorskip("polars")
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["F", "M", None], 500, p=[0.45, 0.45, 0.1]),
            "race": rng.choice(["a", "b", "c"], 500),
            "score": np.where(rng.random(500) < 0.5, 0.0, rng.normal(size=500)),
            "selected": rng.integers(0, 2, 500),
        }
    )
    frame.to_parquet(tmp_path / "people.parquet")
    frame.to_csv(tmp_path / "people.csv", index=False)
    lazy = polars.from_pandas(frame).lazy()
    engines = [frame, lazy, duckdb.from_df(frame), tmp_path / "people.parquet"]
    engines.append(tmp_path / "people.csv")
    made = [disclose(e, "nyc-144", by=BY, decision="selected", score="score") for e in engines]
    assert all(other == made[0] for other in made[1:])
    assert made[0].median == np.median(frame["score"])


def test_a_threshold_decides_from_itself_on():
    for threshold in (0.1 + 0.2, 0.0, -1.5, 1e-300):
        scores = [threshold, math.nextafter(threshold, -math.inf), threshold + 1, -9.0]
        data = pd.DataFrame({"race": ["a", "a", "b", "b"], "score": scores})
        table = disclose(
            data, "eeoc-four-fifths", by="race", score="score", threshold=threshold
        ).tables[0]
        assert [c.favored for c in table.categories] == [1, 1]
    made = disclose(data, "nyc-144", by="race", score="score", threshold=0.0)
    assert [table.rate_of for table in made.tables] == ["selection", "scoring"]


# --- laws -----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["F", "M", None, "unknown"]),
            st.sampled_from(["a", "b", "c", ""]),
            st.sampled_from([0.0, 1.0, None]),
            st.sampled_from([0.0, 0.25, 0.5, None, 1e300]),
        ),
        min_size=1,
        max_size=40,
    ),
    st.booleans(),
)
def test_everybody_is_somewhere_and_every_number_is_one(rows, exclude):
    data = pd.DataFrame(rows, columns=["sex", "race", "selected", "score"])
    data["sex"] = data["sex"].astype("string")
    data[["selected", "score"]] = data[["selected", "score"]].astype(float)
    score = "score" if data["score"].notna().any() else None
    made = [
        disclose(data, "nyc-144", by=BY, decision="selected", score=score, exclude_small=exclude),
        disclose(data, "eeoc-four-fifths", by=BY, decision="selected", exclude_small=exclude),
    ]
    for disclosure in made:
        # JSON of a disclosure holds no NaN and no infinity, or it could not be read again.
        assert Disclosure(**json.loads(disclosure.json_text())) == disclosure
        for table in disclosure.tables:
            assert table.people + table.unknown + table.unrated == len(rows)
            known = [c.impact_ratio for c in table.categories if c.impact_ratio is not None]
            assert all(0 <= ratio <= 1 for ratio in known)
            assert not known or max(known) == 1
            assert not {"unknown", ""} & {c.name for c in table.categories}
            crossed = [name.split(" x ") for name in (c.name for c in table.categories)]
            assert not any("unknown" in name for name in crossed)


# --- what is written ------------------------------------------------------------------------------

HOSTILE = [
    "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "</svg><img src=x onerror=alert(1)>",
    "\u202egnp.exe", "two\nlines", "[red]bold[/red]", "\u05d0\u05d1\u05d2", "{{ 7 * 7 }}",
]  # fmt: skip


def hostile():
    long = [f"{'a very long name of a category ' * 20}{i}" for i in range(24 - len(HOSTILE))]
    return [*HOSTILE, *long]


@pytest.mark.parametrize("rule", ["nyc-144", "eeoc-four-fifths"])
def test_hostile_names_only_look(rule, tmp_path):
    names = hostile()
    data = people(*((name, 20 + i, 10 + i // 3) for i, name in enumerate(names)))
    made = disclose(
        data,
        rule,
        by={"<b>race": "race"},
        decision="selected",
        name="<i>x</i>",
        tool="<u>tool\u202e",
    )
    assert {c.name for c in made.tables[0].categories} == set(names)
    page = made.save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert not any(bad in page for bad in ("<script", "<img", "<b>", "<i>", "<u>", "\u202e"))
    assert "{{ 7 * 7 }}" in page
    assert "&lt;u&gt;tool\ufffd" in page
    assert page.count("<svg") == len(made.tables)
    svg = page[page.index("<svg") : page.index("</svg>") + 6]
    assert ET.fromstring(svg) is not None
    text = str(made)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert all(len(line) <= 100 for line in text.splitlines() if line.isascii())
    table = pd.read_csv(made.save(tmp_path / "table.csv"), keep_default_na=False)
    shown = table["category"][table["row"] == "category"]
    assert shown.isin([*map(visible, names), f"'{names[0]}"]).all()
    assert not table["category"].str.startswith("=").any()


def test_csv_is_one_tidy_table_with_numbers_unrounded(tmp_path):
    data = crossed(SELECTED_CROSSED)
    data["score"] = np.arange(len(data)) % 97 / 97
    made = disclose(data, "nyc-144", by=BY, decision="selected", score="score")
    table = pd.read_csv(made.save(tmp_path / "tables.csv"))
    own = table[table["row"] == "category"]
    assert len(own) == sum(len(each.categories) for each in made.tables) == 46
    expected = [c.impact_ratio for each in made.tables for c in each.categories]
    assert own["impact_ratio"].tolist() == pytest.approx(expected, rel=1e-15)
    assert own["benchmark"].sum() == 6
    assert table[table["row"] == "unknown category"]["people"].tolist() == [0] * 6
    assert made.render("csv") == made.save(tmp_path / "again.CSV").read_bytes()


def test_formats(tmp_path):
    made = disclose(people(("a", 9, 3), ("b", 6, 3)), "nyc-144", by="race", decision="selected")
    assert json.loads(made.save(tmp_path / "x.json").read_text())["rule"] == "nyc-144"
    assert made.save(tmp_path / "x.txt").read_text().startswith("╭─ Tables for a bias audit")
    assert "This is not legal advice." in made.save(tmp_path / "x.htm").read_text()
    assert "BIASED" not in str(made)
    assert repr(made) == str(made)
    with pytest.raises(OutputError, match=r'"\S*x\.pdf" names no format of a disclosure'):
        made.save(tmp_path / "x.pdf")
    with pytest.raises(OutputError, match="there is no folder"):
        made.save(tmp_path / "absent" / "x.html")
    with pytest.raises(SpecError, match='"junit" is no format'):
        made.render("junit")


def test_html_says_what_it_is_without_a_verdict(tmp_path):
    data = people(("a", 900, 300), ("b", 600, 30), ("c", 1, 0))
    page = disclose(data, "eeoc-four-fifths", by="race", decision="selected").render("html")
    html = page.decode()
    assert "<title>Selection rates under the four-fifths rule</title>" in html
    assert 'class="word"' not in html
    assert "<script" not in html
    for said in ("Fisher", "standard deviations", "would stay below", "less", "Castaneda"):
        assert said in html
    assert "no upper bound" not in html


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "asked", "said"),
    [
        ("nyc", {"decision": "selected"}, r'\$\.rule: "nyc" is none of the rules; did you mean "n'),
        ("nyc-144", {}, r"\$\.decision: name a decision, a score, or both"),
        ("nyc-144", {"decision": "selected", "weight": "w"}, r"\$\.weight: leave it out"),
        ("nyc-144", {"decision": "selected", "reference": {"race": "a"}}, r"\$\.reference"),
        ("nyc-144", {"by": ["race", "w", "selected"], "score": "x"}, r"\$\.by: name one or two"),
        ("nyc-144", {"decision": "selected", "threshold": 1.0}, r"\$\.threshold: goes with"),
        ("nyc-144", {"score": "w", "threshold": math.nan}, r"\$\.threshold: must be a finite"),
        ("nyc-144", {"by": "rase", "score": "w"}, r'no column "rase"; did you mean "race"'),
        ("nyc-144", {"by": "w", "score": "race"}, r"is text"),
        ("nyc-144", {"decision": "w"}, r"has 3 values .* where a decision has two"),
        ("nyc-144", {"decision": "selected", "categories": {"sex": {}}}, r"\$\.categories"),
        ("eeoc-four-fifths", {"score": "w"}, r"\$\.decision: name a decision, or a score and"),
        ("eeoc-four-fifths", {"decision": "selected", "reference": {"x": 1}}, r"\$\.reference"),
        ("eeoc-four-fifths", {"decision": "selected", "confidence": 1.0}, r"\$\.confidence"),
        ("eeoc-four-fifths", {"by": [], "decision": "selected"}, r"name the protected"),
    ],
)
def test_wrong_requests_are_refused_in_one_sentence(rule, asked, said):
    data = people(("a", 9, 3), ("b", 6, 3)).assign(w=[1.0, 2.0, 3.0] * 5)
    with pytest.raises(ParibusError, match=said):
        disclose(data, rule, **{"by": "race", **asked})


def test_a_score_that_nobody_has_is_refused():
    data = pd.DataFrame({"race": ["a", "b"], "score": [np.nan, np.inf]})
    with pytest.raises(DataError, match='"score" has no finite number'):
        disclose(data, "nyc-144", by="race", score="score")


def test_text_decisions_need_a_favorable_one():
    data = people(("a", 9, 3), ("b", 6, 3))
    data["selected"] = data["selected"].map({0: "no", 1: "yes"})
    with pytest.raises(SpecError, match="favorable"):
        disclose(data, "nyc-144", by="race", decision="selected")
    made = disclose(data, "nyc-144", by="race", decision="selected", favorable="yes")
    assert [c.favored for c in made.tables[0].categories] == [3, 3]
