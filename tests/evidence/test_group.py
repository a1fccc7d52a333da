"""Group metrics: known answers with their sources, laws, and every edge that data have."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb

COMPAS = {
    # ProPublica's compas-scores-two-years.csv, all 7,214 rows, prediction = decile score >= 5.
    "African-American": (990, 805, 532, 1369),
    "Caucasian": (1139, 349, 461, 505),
}

UCB = {
    # R's UCBAdmissions: department -> admitted men, rejected men, admitted women, rejected women.
    "A": (512, 313, 89, 19),
    "B": (353, 207, 17, 8),
    "C": (120, 205, 202, 391),
    "D": (138, 279, 131, 244),
    "E": (53, 138, 94, 299),
    "F": (22, 351, 24, 317),
}


def rows_of(cells, columns):
    """Rebuild the rows of a table from its counts."""
    values, counts = zip(*cells, strict=True)
    frame = pd.DataFrame(list(values), columns=columns)
    return frame.loc[np.repeat(np.arange(len(frame)), counts)].reset_index(drop=True)


@pytest.fixture(scope="module")
def compas():
    places = list(itertools.product((0, 1), (0, 1)))
    cells = [
        ((race, y, d), n)
        for race, counts in COMPAS.items()
        for (y, d), n in zip(places, counts, strict=True)
    ]
    return rows_of(cells, ["race", "recidivism", "high"])


@pytest.fixture(scope="module")
def ucb():
    cells = [
        ((sex, dept, admitted), n)
        for dept, counts in UCB.items()
        for (sex, admitted), n in zip(
            (("Male", 1), ("Male", 0), ("Female", 1), ("Female", 0)), counts, strict=True
        )
    ]
    return rows_of(cells, ["sex", "dept", "admitted"])


def measured(data, **options):
    options.setdefault("checks", ["group"])
    return pb.metrics(data, **options)


def one(record, unit, relation="value", group="", attribute=None):
    found = [
        row
        for row in record.evidence
        if (row.unit, row.relation, row.group) == (unit, relation, group)
        and attribute in (None, row.attribute)
    ]
    assert len(found) == 1, f"{len(found)} rows"
    return found[0]


def test_compas(compas):
    """Known from ProPublica (2016), Dressel and Farid (2018) and the documentation of Aequitas."""
    record = measured(
        compas,
        by="race",
        label="recidivism",
        decision="high",
        reference={"race": "Caucasian"},
        factors=(),
    )
    black, white = COMPAS
    for unit, group, percent in (
        ("false positive rate", black, 44.85),
        ("false negative rate", black, 27.99),
        ("false positive rate", white, 23.45),
        ("false negative rate", white, 47.72),
        ("positive predictive value", black, 62.97),
        ("positive predictive value", white, 59.13),
    ):
        assert round(100 * one(record, unit, group=group).estimate, 2) == percent
    ratio = one(record, "false positive rate", "ratio", black)
    assert round(ratio.estimate, 6) == 1.912093
    assert ratio.low < 1.912093 < ratio.high
    assert ratio.p < 1e-30
    assert round(one(record, "false negative rate", "ratio", black).estimate, 6) == 0.586416
    # Fairlearn 0.15.0 on the same rows.
    assert one(record, "demographic parity", "spread").estimate == pytest.approx(0.24020020321976)
    assert one(record, "selection rate", "extremes").estimate == pytest.approx(0.591637556991607)
    assert one(record, "equalized odds", "spread").estimate == pytest.approx(0.21392495582112)
    assert record.verdict == "biased"


def test_simpson_s_paradox_at_berkeley(ucb):
    """Bickel, Hammel and O'Connell (1975); figures of R 4.2.2."""
    record = measured(
        ucb,
        by="sex",
        decision="admitted",
        factors=["dept"],
        reference={"sex": "Male"},
    )
    assert round(100 * one(record, "selection rate", group="Male").estimate, 1) == 44.5
    assert round(100 * one(record, "selection rate", group="Female").estimate, 1) == 30.4
    odds = one(record, "Mantel-Haenszel odds ratio", "ratio", "Female")
    # R has men over women in its rows; here it is the odds of women over those of men.
    assert odds.estimate == pytest.approx(1 / 0.904696828258623)
    assert odds.p == pytest.approx(0.232263462817048)
    adjusted = one(record, "conditional demographic parity", "difference", "Female")
    assert round(100 * adjusted.estimate, 3) == 4.264
    assert adjusted.low < adjusted.estimate < adjusted.high
    assert any("Simpson's paradox" in note for note in record.notes)
    assert record.findings[0].verdict == "biased"


def test_no_simpson_without_factors(ucb):
    record = measured(ucb, by="sex", decision="admitted")
    assert not any("Simpson" in note for note in record.notes)


def test_the_toy_table_of_fairlearn():
    """Fairlearn's user guide, common fairness metrics."""
    y = [0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    d = [0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0]
    group = list("bbabbcccaacabccbcc")
    record = measured(
        pd.DataFrame({"y": y, "d": d, "group": group}), by="group", label="y", decision="d"
    )
    assert one(record, "demographic parity", "spread").estimate == pytest.approx(0.25)
    assert one(record, "selection rate", "extremes").estimate == pytest.approx(2 / 3)
    assert one(record, "equalized odds", "spread").estimate == pytest.approx(1.0)
    assert one(record, "false positive rate", "extremes").estimate == 0.0
    # Eighteen rows prove nothing about groups.
    assert record.verdict == "inconclusive"


def finite(record):
    for row in record.evidence:
        numbers = [v for v in row.model_dump().values() if isinstance(v, float)]
        assert np.isfinite(numbers).all(), row
        assert row.low <= row.estimate <= row.high, row
        for p in (row.p, row.p_outside, row.p_within):
            assert p is None or 0 <= p <= 1, row


tables = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]),
        st.sampled_from([0, 1, None]),
        st.sampled_from([0, 1, None]),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(rows=tables, labeled=st.booleans(), weighted=st.booleans())
def test_every_number_is_finite(rows, labeled, weighted):
    frame = pd.DataFrame(rows, columns=["g", "y", "d", "w"])
    if frame.g.isna().all() or frame.d.isna().all():
        return
    record = measured(
        frame, by="g", decision="d", label="y" if labeled and frame.y.notna().any() else None,
        weight="w" if weighted and frame.w.sum() else None,
    )  # fmt: skip
    finite(record)
    assert record.json_text() == pb.Record(**record.model_dump(by_alias=True)).json_text()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), times=st.integers(2, 5))
def test_equal_weights_are_rows_and_change_no_rate(seed, times):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.integers(0, 2, (80, 3)), columns=["g", "y", "d"])
    options = {"by": "g", "label": "y", "decision": "d"}
    plain = measured(frame, **options)
    weighed = measured(frame.assign(w=float(times)), weight="w", **options)
    for row, other in zip(plain.evidence, weighed.evidence, strict=True):
        assert (row.unit, row.group, row.relation) == (other.unit, other.group, other.relation)
        assert row.estimate == pytest.approx(other.estimate)
        if row.method != "bootstrap of the table":
            # Rows that all count alike are no further evidence.
            assert (row.low, row.high) == pytest.approx((other.low, other.high))


def test_swapping_the_reference_turns_differences_around(compas):
    options = {"by": "race", "label": "recidivism", "decision": "high"}
    black, white = COMPAS
    there = measured(compas, reference={"race": white}, **options)
    back = measured(compas, reference={"race": black}, **options)
    for unit in ("selection rate", "true positive rate", "accuracy", "base rate"):
        one_way = one(there, unit, "difference", black)
        other_way = one(back, unit, "difference", white)
        assert one_way.estimate == pytest.approx(-other_way.estimate)
        assert (one_way.low, one_way.high) == pytest.approx((-other_way.high, -other_way.low))


def test_rows_in_any_order_give_the_same_record(compas):
    options = {"by": "race", "label": "recidivism", "decision": "high"}
    shuffled = compas.sample(frac=1, random_state=1).reset_index(drop=True)
    one_way, other = measured(compas, **options), measured(shuffled, **options)
    assert one_way.evidence == other.evidence


def test_missing_attributes_are_a_group_of_their_own(compas):
    some = compas.copy()
    some.loc[:99, "race"] = None
    record = measured(some, by="race", label="recidivism", decision="high")
    unknown = one(record, "selection rate", group="(missing)")
    assert unknown.people == 100
    assert any("race is missing for 100 rows" in note for note in record.notes)
    assert "(missing)" not in record.findings[0].sentence


def test_a_group_of_one_is_shown_with_its_interval():
    frame = pd.DataFrame({"g": ["a"] * 50 + ["b"], "d": [1, 0] * 25 + [1]})
    record = measured(frame, by="g", decision="d")
    lonely = one(record, "selection rate", group="b")
    assert (lonely.people, lonely.estimate) == (1, 1.0)
    assert lonely.low < 0.25
    assert lonely.high == 1.0
    assert record.verdict == "inconclusive"


def test_all_labels_equal():
    frame = pd.DataFrame({"g": ["a", "b"] * 100, "y": 1, "d": [1, 1, 0, 0] * 50})
    record = measured(frame, by="g", label="y", decision="d")
    finite(record)
    assert not [r for r in record.evidence if r.unit == "false positive rate"]
    odds = [f for f in record.findings if f.unit == "equalized odds"]
    # Nobody has an unfavorable label, so nobody knows of false positives.
    assert not odds or odds[0].verdict == "inconclusive"


def test_crossed_groups_and_none_is_dropped():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["F", "M"], 400),
            "race": rng.choice(["a", "b", "c"], 400, p=[0.7, 0.29, 0.01]),
            "d": rng.integers(0, 2, 400),
        }
    )
    record = measured(frame, by=["sex", "race"], decision="d")
    cells = {row.group for row in record.evidence if row.attribute == "sex x race"}
    assert {f"{s} x {r}" for s, r in zip(frame.sex, frame.race, strict=True)} <= cells
    only = measured(frame, by=["sex", "race"], decision="d", cross=[])
    assert {row.attribute for row in only.evidence} == {"sex", "race"}


def test_labels_of_several_classes():
    rng = np.random.default_rng(1)
    y = rng.choice(["bird", "cat", "dog"], 900)
    d = np.where(rng.random(900) < 0.7, y, rng.choice(["bird", "cat", "dog"], 900))
    frame = pd.DataFrame({"g": rng.choice(["a", "b"], 900), "y": y, "d": d})
    record = measured(frame, by="g", label="y", decision="d", outcome="label")
    for label in ("bird", "cat", "dog"):
        mine = frame[(frame.g == "a") & (frame.y == label)]
        [row] = [
            r
            for r in record.evidence
            if (r.unit, r.group, r.field, r.relation) == ("true positive rate", "a", label, "value")
        ]
        assert row.estimate == pytest.approx((mine.d == label).mean())
    accuracy = [r for r in record.evidence if (r.unit, r.field) == ("accuracy", "")]
    assert accuracy
    hit = (frame.y == frame.d)[frame.g == "a"].mean()
    assert [r.estimate for r in accuracy if r.group == "a"] == pytest.approx([hit])


def test_equal_groups_are_proven_equal():
    frame = rows_of(
        [(("a", 1), 3000), (("a", 0), 3000), (("b", 1), 3010), (("b", 0), 2990)], ["g", "d"]
    )
    record = measured(frame, by="g", decision="d", tolerance=0.05)
    assert record.verdict == "within tolerance"
    assert measured(frame, by="g", decision="d", tolerance=0.002).verdict == "inconclusive"


def test_only_the_named_criteria_are_held(compas):
    options = {"by": "race", "label": "recidivism", "decision": "high"}
    record = pb.metrics(compas, criteria=["predictive parity"], **options)
    assert [f.unit for f in record.findings] == ["predictive parity"]


def test_impact_ratios_are_held_against_the_highest(compas):
    record = measured(compas, by="race", decision="high")
    row = one(record, "impact ratio", "ratio", "Caucasian")
    assert row.reference == "African-American"
    assert row.estimate == pytest.approx(0.591637556991607)


def test_a_table_of_labels_alone_shows_base_rates(compas):
    record = measured(compas, by="race", label="recidivism")
    assert {row.unit for row in record.evidence if not row.held} == {"base rate"}
    assert round(one(record, "base rate", "difference", "Caucasian").estimate, 6) == -0.120697
    # That labels differ may be the truth: nothing is held unless somebody asks for it.
    assert not record.findings
    held = [{"kind": "group", "criteria": ["demographic parity"]}]
    [finding] = measured(compas, by="race", label="recidivism", checks=held).findings
    assert finding.verdict == "biased"
    assert finding.sentence.startswith("Base rates by race")


# --- what cannot be told, and what nobody may be told wrongly -------------------------------------


@pytest.fixture(scope="module")
def chance():
    rng = np.random.default_rng(8)
    return pd.DataFrame(rng.integers(0, 2, (300, 3)), columns=["g", "y", "d"])


def verdicts(record):
    return {finding.unit: finding.verdict for finding in record.findings}


def test_what_was_asked_for_and_cannot_be_compared_is_inconclusive(chance):
    alone = measured(chance.assign(g="a"), by="g", label="y", decision="d")
    assert verdicts(alone) == {
        "demographic parity": "inconclusive",
        "equalized odds": "inconclusive",
    }
    assert "cannot be told: everybody known is a" in alone.findings[0].sentence
    favored = measured(chance.assign(y=1), by="g", label="y", decision="d", tolerance=0.9)
    # Nobody has an unfavorable label, so nobody knows of false positives.
    assert verdicts(favored)["demographic parity"] == "within tolerance"
    assert verdicts(favored)["equalized odds"] == "inconclusive"
    assert "no row tells the false positive rate of 0, 1" in favored.findings[1].sentence
    assert favored.findings[1].high == 1.0


def test_a_group_that_weighs_nothing_might_be_anywhere(chance):
    weight = np.where(chance.g == 1, 0.0, 2.0)
    more = pd.concat([chance.assign(w=weight), chance.assign(g=2, w=1.0)])
    record = measured(more, by="g", decision="d", weight="w", tolerance=0.9)
    finite(record)
    [finding] = record.findings
    assert (finding.verdict, finding.high) == ("inconclusive", 1.0)
    assert "no row tells the selection rate of 1" in finding.sentence


def test_criteria_need_their_columns(chance):
    for options, said in (
        ({"decision": "d", "criteria": ["equalized odds"]}, r"\$\.data\.label: \"equalized"),
        ({"label": "y", "criteria": ["predictive parity"]}, r"\$\.data\.decision: \"predictive"),
        ({"score": "d", "criteria": ["demographic parity"]}, r"\$\.data\.decision: \"demographic"),
    ):
        with pytest.raises(pb.SpecError, match=said):
            pb.metrics(chance, by="g", **options)


def test_no_criteria_hold_nothing_and_none_is_held_twice(chance):
    assert not pb.metrics(chance, by="g", decision="d", criteria=[]).findings
    twice = pb.metrics(chance, by="g", decision="d", criteria=["demographic parity"] * 2)
    assert len(twice.findings) == 1


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    groups=st.integers(2, 8),
    rows=st.integers(10, 4_000),
    tolerance=st.sampled_from([0.01, 0.05, 0.2]),
)
def test_intervals_never_contradict_verdicts(seed, groups, rows, tolerance):
    rng = np.random.default_rng(seed)
    rates = rng.choice([0.01, 0.3, 0.35, 0.9], groups)
    g = rng.choice(groups, rows, p=rng.dirichlet(np.ones(groups)))
    frame = pd.DataFrame({"g": g, "d": (rng.random(rows) < rates[g]).astype(int)})
    [finding] = measured(frame, by="g", decision="d", tolerance=tolerance).findings
    if finding.verdict == "biased":
        assert finding.low > tolerance
    elif finding.verdict == "within tolerance":
        assert finding.low <= tolerance
        assert finding.estimate < tolerance
    else:
        assert finding.low <= tolerance


def test_weights_that_are_all_alike_are_no_further_evidence_within_factors(ucb):
    options = {"by": "sex", "decision": "admitted", "factors": ["dept"]}
    plain = measured(ucb, **options)
    heavy = measured(ucb.assign(w=1e90), weight="w", **options)
    for unit in ("conditional demographic parity", "Mantel-Haenszel odds ratio"):
        one_way, other = (
            next(row for row in record.evidence if row.unit == unit) for record in (plain, heavy)
        )
        for key in ("estimate", "low", "high", "p", "answered", "people"):
            assert getattr(one_way, key) == pytest.approx(getattr(other, key))


def test_what_may_be_nothing_has_an_interval_that_begins_there():
    places = itertools.product("ab", (0, 1), (0, 1))
    counts = (50, 30, 20, 50, 47, 35, 21, 47)
    record = measured(
        rows_of(list(zip(places, counts, strict=True)), ["g", "y", "d"]),
        by="g", label="y", decision="d",
    )  # fmt: skip
    for unit in ("between-group Theil index", "average absolute odds"):
        [row] = [row for row in record.evidence if row.unit == unit]
        assert 0.0 == row.low < row.estimate < row.high


def test_strange_names_stay_apart():
    levels = ["", "(missing)", "(empty)", None, "a x b", "a"]
    frame = pd.DataFrame({"g": levels * 20, "h": ["c", "b x c"] * 60, "d": [0, 1, 1] * 40})
    record = measured(frame, by=["g", "h"], decision="d")
    finite(record)
    rates = [r for r in record.evidence if (r.unit, r.relation) == ("selection rate", "value")]
    names = [(row.attribute, row.group) for row in rates]
    assert len(set(names)) == len(names)
    assert sum(row.people for row in rates if row.attribute == "g" and row.group) == len(frame)


def test_classes_are_the_same_however_they_are_written():
    rng = np.random.default_rng(4)
    y = rng.integers(0, 3, 300)
    d = np.where(rng.random(300) < 0.8, y, rng.integers(0, 3, 300))
    frame = pd.DataFrame({"g": rng.choice(["a", "b"], 300), "y": y, "d": d})
    options = {"by": "g", "label": "y", "decision": "d", "outcome": "label"}
    numbers = measured(frame, **options)
    texts = measured(frame.assign(d=frame.d.astype(str)), **options)
    assert numbers.evidence == texts.evidence
    of_all = [{"kind": "group", "criteria": ["overall accuracy equality"]}]
    [finding] = measured(frame, checks=of_all, **options).findings
    assert finding.field == ""
    hit = frame.assign(hit=y == d).groupby("g").hit.mean()
    assert finding.estimate == pytest.approx(hit.max() - hit.min())


def test_decisions_that_are_all_alike_are_told(chance):
    record = measured(chance.assign(s=0.5), by="g", score="s", threshold=7.0)
    assert any("Every decision" in note and "unfavorable" in note for note in record.notes)
    assert one(record, "demographic parity", "spread").claim.endswith("is 0.0 % for every group")


def test_weights_that_divide_badly_are_exact_counts_again():
    """Sums of tenths are no whole numbers, yet the exact test of whole counts still applies."""
    frame = rows_of([(("a", 1), 41), (("a", 0), 8), (("b", 1), 30), (("b", 0), 17)], ["g", "d"])
    plain = measured(frame, by="g", decision="d")
    heavy = measured(frame.assign(w=0.1), by="g", decision="d", weight="w")
    assert [row.p for row in plain.evidence] == [row.p for row in heavy.evidence]
    assert [row.p_outside for row in plain.evidence] == [row.p_outside for row in heavy.evidence]


def test_a_favorable_value_counts_once(chance):
    once = measured(chance, by="g", decision="d", favorable=1)
    again = measured(chance, by="g", decision="d", favorable=[1, "1", True])
    assert once.evidence == again.evidence


def test_sixty_groups_are_all_compared():
    rng = np.random.default_rng(6)
    g = rng.integers(0, 60, 6_000)
    frame = pd.DataFrame({"g": g, "d": (rng.random(6_000) < np.where(g == 7, 0.9, 0.4))})
    record = measured(frame, by="g", decision="d")
    assert record.verdict == "biased"
    assert "highest for 7" in record.findings[0].sentence
