"""Representation: shares by hand, exact tests against scipy, and populations that do not fit."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from paribus.counting import Source
from paribus.errors import SpecError
from paribus.evidence.representation import Representation
from paribus.findings import judge
from paribus.observed import Observed
from paribus.roles import Roles


def weighed(frame, check=None, confidence=0.95, **roles):
    roles.setdefault("by", ("race",))
    observed = Observed.of(Source.of(frame), Roles(**roles))
    return (check or Representation()).weigh(observed, 0.01, confidence)


def people(**counts):
    return pd.DataFrame({"race": [level for level, n in counts.items() for _ in range(n)]})


def rows_of(found, relation, attribute="race"):
    return {
        row.group: row
        for row in found.rows
        if row.relation == relation and row.attribute == attribute
    }


def numbers(row):
    return row.estimate, row.low, row.high, row.p, row.p_outside, row.p_within


HALVES = {"race": {"Black": 0.5, "White": 0.5}}


def test_shares_ratios_and_tests_are_those_of_scipy():
    found = weighed(people(Black=30, White=70), population=HALVES)
    share, ratio = rows_of(found, "value")["Black"], rows_of(found, "ratio")["Black"]
    # Two groups: each interval at half of the error.
    exact = stats.binomtest(30, 100).proportion_ci(0.975, method="exact")
    assert (share.estimate, share.expected) == (0.3, 0.5)
    assert (share.low, share.high) == pytest.approx(tuple(exact))
    assert ratio.estimate == pytest.approx(0.6)
    assert (ratio.low, ratio.high) == pytest.approx((2 * exact.low, 2 * exact.high))
    assert ratio.p == pytest.approx(2 * stats.binom.cdf(30, 100, 0.5))
    assert ratio.p_outside == pytest.approx(2 * stats.binom.cdf(30, 100, 0.4))
    assert ratio.p_within == pytest.approx(stats.binom.sf(29, 100, 0.4))
    white = rows_of(found, "ratio")["White"]
    assert white.p_outside == pytest.approx(2 * stats.binom.sf(69, 100, 0.625))
    assert white.p_within == pytest.approx(stats.binom.cdf(70, 100, 0.625))
    (test,) = rows_of(found, "test").values()
    assert test.estimate == pytest.approx(0.2)
    assert test.p == pytest.approx(stats.chisquare([30, 70], [50, 50]).pvalue)


def test_only_ratios_are_held_and_their_verdicts_need_proof():
    verdicts = []
    for black, white in ((20, 80), (44, 56), (480, 520), (1000, 0)):
        found = weighed(people(Black=black, White=white), population=HALVES)
        assert {row.relation for row in found.rows if row.held} == {"ratio"}
        verdicts.append(judge(found.rows, 0.01)[0].verdict)
    assert verdicts == ["biased", "inconclusive", "within tolerance", "biased"]
    equal = weighed(people(Black=500, White=500), population=HALVES)
    assert [f.verdict for f in judge(equal.rows, 0.01)] == ["within tolerance"] * 2
    few = weighed(people(Black=3, White=3), population=HALVES)
    assert [f.verdict for f in judge(few.rows, 0.01)] == ["inconclusive"] * 2


def test_the_claim_says_the_ratio_and_the_tolerance_is_that_of_the_check():
    found = weighed(people(Black=31, White=69), Representation(least=0.7), population=HALVES)
    row = rows_of(found, "ratio")["Black"]
    assert row.claim == (
        "The share of Black (race) in the data is 0.62 of their share in the population"
    )
    assert row.tolerance == 0.3
    assert any("0.70 to 1.43" in note for note in found.notes)


@pytest.mark.parametrize("least", [0.5, 0.8, 0.99])
@pytest.mark.parametrize("declared", [0.1, 0.5, 0.9])
def test_false_claims_are_rare_at_every_share_that_counts_as_equal(least, declared):
    n, population = 40, {"race": {"Black": declared, "White": 1 - declared}}
    claims = np.zeros((2, n + 1), bool)
    for k in range(n + 1):
        found = weighed(people(Black=k, White=n - k), Representation(least=least),
                        population=population)  # fmt: skip
        row = rows_of(found, "ratio")["Black"]
        claims[:, k] = row.p_outside <= 0.05, row.p_within <= 0.05
    for share in np.linspace(least * declared, min(1, declared / least), 9):
        chance = stats.binom.pmf(np.arange(n + 1), n, share)
        assert chance[claims[0]].sum() <= 0.05
    for share in (least * declared, min(1, declared / least)):
        if share < 1:
            assert stats.binom.pmf(np.arange(n + 1), n, share)[claims[1]].sum() <= 0.05


def test_equal_weights_change_nothing_and_others_cost_certainty():
    frame = people(Black=30, White=70)
    plain = weighed(frame, population=HALVES)
    for weight in (2.0, 1e-3, 1e90):
        frame["w"] = weight
        same = weighed(frame, population=HALVES, weight="w")
        for one, other in zip(plain.rows, same.rows, strict=True):
            assert numbers(other) == pytest.approx(numbers(one), abs=1e-12)
            assert (one.people, one.group) == (other.people, other.group)
    # Rows that stand for several people have the share of all of these, and no more certainty.
    frame["w"] = np.where(frame.race == "Black", 4.0, 1.0)
    heavy, doubled = weighed(frame, weight="w"), weighed(people(Black=120, White=70))
    one, other = (rows_of(found, "value")["Black"] for found in (heavy, doubled))
    assert one.estimate == pytest.approx(other.estimate)
    assert one.high - one.low > other.high - other.low


def test_people_of_unknown_group_are_shown_and_never_compared():
    frame = pd.DataFrame({"race": ["Black"] * 30 + ["White"] * 30 + [None] * 40})
    found = weighed(frame, population=HALVES)
    shares, ratios = rows_of(found, "value"), rows_of(found, "ratio")
    assert {group: row.estimate for group, row in shares.items()} == {
        "Black": 0.5, "White": 0.5, "(missing)": 0.4,
    }  # fmt: skip
    assert set(ratios) == {"Black", "White"}
    assert ratios["Black"].estimate == 1
    assert {(row.people, row.answered) for row in ratios.values()} == {(100, 60)}
    assert shares["(missing)"].answered == 100
    assert any("40.0 % of people are of unknown race" in note for note in found.notes)


def test_a_declared_group_without_anybody_has_a_row_and_a_note():
    third = {"race": {"Asian": 0.1, "Black": 0.4, "White": 0.5}}
    found = weighed(people(Black=40, White=60), population=third)
    share, ratio = rows_of(found, "value")["Asian"], rows_of(found, "ratio")["Asian"]
    assert share.estimate == ratio.estimate == ratio.low == 0
    assert share.high == pytest.approx(1 - (0.05 / 6) ** (1 / 100))
    assert ratio.p_outside == pytest.approx(2 * 0.92**100)
    assert any("nobody is in the data: Asian" in note for note in found.notes)


def test_a_group_that_the_population_lacks_has_no_ratio():
    found = weighed(people(Black=4, White=6), population={"race": {"Black": 0, "White": 1}})
    assert set(rows_of(found, "ratio")) == {"White"}
    assert any("share in the population is 0: Black" in note for note in found.notes)
    (test,) = rows_of(found, "test").values()
    assert test.p == 0


def test_rounded_shares_add_up():
    frame = people(a=10, b=10, c=10)
    found = weighed(frame, population={"race": {"a": 0.33, "b": 0.33, "c": 0.33}})
    assert [row.estimate for row in rows_of(found, "ratio").values()] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("population", "path", "said"),
    [
        ({"race": {"Black": 0.5}}, "race", "must add up to 1, not 0.5"),
        ({"race": {"Black": 1.5, "White": -0.5}}, "race", "must be from 0 to 1"),
        ({"race": {"Black": 50, "White": 50}}, "race", "must be from 0 to 1, not 50"),
        ({"race": {"Black": 0.5, "Whit": 0.5}}, "race", 'did you mean "Whit"'),
        ({"race": {"Black": 1.0}}, "race", 'have the race "White"'),
        ({"rase": {"Black": 1.0}}, "rase", 'did you mean "race"'),
        ({"race": {}}, "race", "must add up to 1, not 0"),
    ],
)
def test_a_population_that_does_not_fit_is_named(population, path, said):
    with pytest.raises(SpecError) as caught:
        weighed(people(Black=5, White=5), population=population)
    assert caught.value.path == f"$.data.population.{path}"
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([1, 2, 2], ["1", "2"]),
        ([1.0, 2.0, np.nan], ["1", "2"]),
        ([True, False, False], ["true", "False"]),
        (["a x b", "c", "c"], ["a x b", "c"]),
    ],
)
def test_levels_are_told_in_the_words_of_the_file(values, levels):
    population = {"race": dict.fromkeys(levels, 0.5)}
    found = weighed(pd.DataFrame({"race": values}), population=population)
    assert len(rows_of(found, "ratio")) == 2


def test_a_level_named_twice_in_different_words():
    frame = pd.DataFrame({"race": [True, False]})
    with pytest.raises(SpecError, match='"True" is named twice'):
        weighed(frame, population={"race": {"True": 0.25, "true": 0.25, "False": 0.5}})


# --- crossed --------------------------------------------------------------------------------------


def crossed(cells):
    return pd.DataFrame(
        [(race, sex) for (race, sex), n in cells.items() for _ in range(n)], columns=["race", "sex"]
    )


CELLS = {("Black", "F"): 5, ("Black", "M"): 15, ("White", "F"): 30, ("White", "M"): 50}
BOTH = {"by": ("race", "sex")}


def test_crossed_shares_are_never_made_of_single_ones():
    single = {"race": {"Black": 0.3, "White": 0.7}, "sex": {"F": 0.5, "M": 0.5}}
    found = weighed(crossed(CELLS), population=single, **BOTH)
    assert not rows_of(found, "ratio", "race x sex")
    assert rows_of(found, "value", "race x sex")["Black x F"].estimate == 0.05
    assert any("crossed shares do not follow from single ones" in note for note in found.notes)


def test_a_crossed_population_is_compared():
    population = {
        "race x sex": {"Black x F": 0.2, "Black x M": 0.2, "White x F": 0.3, "White x M": 0.3}
    }
    found = weighed(crossed(CELLS), population=population, **BOTH)
    ratios = {group: row.estimate for group, row in rows_of(found, "ratio", "race x sex").items()}
    assert ratios == pytest.approx(
        {"Black x F": 0.25, "Black x M": 0.75, "White x F": 1, "White x M": 5 / 3}
    )
    assert any("No population is declared for race, sex" in note for note in found.notes)
    with pytest.raises(SpecError, match='did you mean "race x sex"'):
        weighed(crossed(CELLS), population={"race x sexx": {"Black x F": 1.0}}, **BOTH)


def test_empty_and_small_cells_are_named():
    found = weighed(crossed({**CELLS, ("Asian", "F"): 3, ("White", "M"): 0}), **BOTH)
    assert any("Of 6 combinations of race x sex, 2 have no row: Asian x M, White x M." in note
               for note in found.notes)  # fmt: skip
    assert any("smallest group of race x sex is Asian x F, with 3 rows" in n for n in found.notes)
    assert any(
        note.startswith("Fewer than 30 rows of race x sex: Asian x F (3), Black x F (5)")
        for note in found.notes
    )
    assert not any(
        "Fewer" in note for note in weighed(crossed(CELLS), Representation(few=0), **BOTH).notes
    )


def test_many_empty_cells_are_counted():
    cells = {(f"r{i:02d}", f"s{i:02d}"): 1 for i in range(24)}
    found = weighed(crossed(cells), **BOTH)
    (note,) = (note for note in found.notes if "have no row" in note)
    assert note.count(" x ") == 1 + 12
    assert note.endswith(f"and {24 * 24 - 24 - 12} more.")
    assert len(rows_of(found, "value", "race x sex")) == 24


# --- edges ----------------------------------------------------------------------------------------


def test_without_a_population_nothing_is_held():
    found = weighed(people(Black=1, White=99))
    assert {row.relation for row in found.rows} == {"value"}
    assert not any(row.held for row in found.rows)
    assert any("No population is declared for race" in note for note in found.notes)


def test_one_row():
    found = weighed(people(Black=1), population={"race": {"Black": 1.0}})
    share, ratio = rows_of(found, "value")["Black"], rows_of(found, "ratio")["Black"]
    assert (share.estimate, share.high, ratio.estimate) == (1, 1, 1)
    assert share.low == pytest.approx(0.025)
    assert ratio.p_outside == 1


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any),
    declared=st.lists(st.integers(0, 9), min_size=6, max_size=6),
    weight=st.sampled_from([None, 0.0, 1e-300, 1.0, 1e100]),
    unknown=st.integers(0, 3),
)
def test_numbers_are_finite_ordered_and_add_up(counts, declared, weight, unknown):
    declared = [n + 1 for n in declared[: len(counts)]]
    levels = [f"level {i}" for i in range(len(counts))]
    column = list(itertools.chain(*([v] * n for v, n in zip(levels, counts, strict=True))))
    frame = pd.DataFrame({"race": column + [None] * unknown, "w": weight})
    population = {v: n / sum(declared) for v, n in zip(levels, declared, strict=True)}
    found = weighed(frame, population={"race": population}, weight=None if weight is None else "w")
    for row in found.rows:
        values = [v for v in numbers(row) if v is not None]
        assert np.isfinite(values).all()
        assert row.low <= row.estimate <= row.high
        assert row.answered <= row.people
    shares = [row for group, row in rows_of(found, "value").items() if group != "(missing)"]
    if weight != 0:
        assert sum(row.estimate for row in shares) == pytest.approx(1)
        for row in rows_of(found, "ratio").values():
            assert row.estimate * row.expected == pytest.approx(
                counts[levels.index(row.group)] / sum(counts)
            )


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(12)))
def test_the_order_of_rows_does_not_matter(order):
    frame = pd.DataFrame({"race": list("aaabbbbcc") + [None] * 3})
    population = {"race": {"a": 0.2, "b": 0.3, "c": 0.5}}
    assert (
        weighed(frame.iloc[order], population=population).rows
        == weighed(frame, population=population).rows
    )
