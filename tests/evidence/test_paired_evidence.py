"""The same pairs in every way that the field knows, against scipy and statsmodels."""

import math

import numpy as np
import pytest
from scipy import stats

import paribus as pb
from paribus.evidence.paired import Paired
from paribus.stats.labels import bowker, stuart_maxwell

GENDER = {"gender": ["Male", "Female"]}


def audit(male, female, **options):
    """Audit a model that gives person i the i-th answer of either list; None is no answer."""
    sides = [np.asarray(side, dtype=object) for side in (male, female)]

    def model(people):
        is_male = (people["gender"] == "Male").to_numpy()
        return np.where(is_male, sides[0][people["i"]], sides[1][people["i"]])

    record = pb.audit(
        model, protect=GENDER, fields={"i": pb.sequence(0)}, people=len(sides[0]),
        tests=[Paired()], **options,
    )  # fmt: skip
    assert record.findings == ()
    return record.evidence


def by_unit(rows):
    return {row.unit: row for row in rows if row.unit not in {"net gap", "gap quantile"}}


def decisions(n11, n12, n21, n22):
    male = np.repeat([1, 1, 0, 0], [n11, n12, n21, n22])
    return male, np.repeat([1, 0, 1, 0], [n11, n12, n21, n22])


def test_decisions_of_a_published_table():
    """Airway hyper-responsiveness before and after stem cell transplantation: Fagerland, Lydersen
    and Laake (2014), Statistics in Medicine 33, tables 2 to 4; theirs is the negative gap."""
    rows = audit(*decisions(1, 1, 7, 12), favorable=1)
    newcombe, bonett = (row for row in rows if row.unit == "net gap")
    assert (newcombe.low, newcombe.high) == pytest.approx((0.0248, 0.5069), abs=1e-3)
    assert (bonett.low, bonett.high) == pytest.approx((0.0134, 0.5084), abs=1e-4)
    assert newcombe.p == pytest.approx(0.0391, abs=1e-4)
    assert bonett.p == pytest.approx(0.0339, abs=1e-4)
    found = by_unit(rows)
    odds = found["odds ratio"]
    assert odds.estimate == 7.0
    assert (1 / odds.high, 1 / odds.low) == pytest.approx((0.003, 1.112), abs=1e-3)
    assert odds.p == pytest.approx(stats.binomtest(1, 8).pvalue)
    assert found["impact ratio"].estimate == pytest.approx(8 / 2)
    h = 2 * (math.asin(math.sqrt(8 / 21)) - math.asin(math.sqrt(2 / 21)))
    assert found["Cohen's h"].estimate == pytest.approx(h)
    for row in rows:
        assert row.low <= row.estimate <= row.high


@pytest.mark.parametrize("cells", [(3, 4, 5, 6), (0, 0, 0, 9), (9, 0, 0, 0), (0, 6, 0, 0)])
def test_missing_decisions_are_at_their_worst(cells):
    male, female = decisions(*cells)
    gone = audit([*male, None, 1, None], [*female, 1, None, None], favorable=1)
    ends = [
        audit([*male, r, 1, s], [*female, 1, g, t], favorable=1)
        for r in (0, 1) for g in (0, 1) for s in (0, 1) for t in (0, 1)
    ]  # fmt: skip
    for i, row in enumerate(gone):
        assert (row.people, row.answered) == (sum(cells) + 3, sum(cells))
        for end in ends:
            assert row.low <= end[i].low + 1e-9, row.unit
            assert row.high >= end[i].high - 1e-9, row.unit
            assert row.p is None or row.p >= end[i].p - 1e-9, row.unit


def test_amounts_against_scipy():
    rng = np.random.default_rng(4)
    male = rng.normal(0, 1, 60)
    female = male + rng.normal(0.3, 1, 60)
    gaps = female - male
    rows = audit(male, female, outcome="score")
    found = by_unit(rows)
    t = stats.ttest_1samp(gaps, 0)
    interval = t.confidence_interval(0.95)
    mean = found["score gap"]
    assert (mean.low, mean.high) == pytest.approx((interval.low, interval.high))
    flips = stats.permutation_test((gaps,), np.mean, permutation_type="samples")
    assert mean.p == pytest.approx(flips.pvalue, abs=0.02)
    assert found["median gap"].p == pytest.approx(stats.wilcoxon(gaps, method="exact").pvalue)
    walsh = [(a + b) / 2 for i, a in enumerate(gaps) for b in gaps[i:]]
    assert found["median gap"].estimate == pytest.approx(np.median(walsh))
    up = int((gaps > 0).sum())
    raised = found["share raised"]
    assert raised.estimate == up / 60
    assert raised.p == pytest.approx(stats.binomtest(up, 60).pvalue)
    exact = stats.binomtest(up, 60).proportion_ci(0.95)
    assert (raised.low, raised.high) == pytest.approx((exact.low, exact.high))
    quantiles = [row for row in rows if row.unit == "gap quantile"]
    expected = np.quantile(gaps, [0.05, 0.25, 0.5, 0.75, 0.95])
    assert [row.estimate for row in quantiles] == pytest.approx(expected)
    assert [row.method.split()[0] for row in quantiles] == ["5", "25", "50", "75", "95"]
    shifts = [
        ((np.delete(male, i) < g).mean() - (np.delete(male, i) < r).mean())
        for i, (r, g) in enumerate(zip(male, female, strict=True))
    ]
    assert found["rank shift"].estimate == pytest.approx(np.mean(shifts))
    assert found["rank shift"].p == pytest.approx(stats.ttest_1samp(shifts, 0).pvalue)


@pytest.mark.parametrize("seed", range(6))
def test_missing_amounts_are_at_their_worst(seed):
    rng = np.random.default_rng(seed)
    male = rng.uniform(0, 1, 25)
    female = np.clip(male + rng.normal(0.1 * seed, 0.1, 25), 0, 1)
    sides = [[*side, 0.0, 1.0] for side in (male, female)]
    gone = audit([*sides[0], None, 0.5], [*sides[1], 0.5, None], outcome="score")
    ends = [
        audit([*sides[0], r, 0.5], [*sides[1], 0.5, g], outcome="score")
        for r in (0.0, 0.3, 1.0) for g in (0.0, 0.3, 1.0)
    ]  # fmt: skip
    for i, row in enumerate(gone):
        assert (row.people, row.answered) == (29, 27)
        for end in ends:
            assert row.low <= end[i].low + 1e-9, row.unit
            assert row.high >= end[i].high - 1e-9, row.unit
            assert row.p is None or row.p >= end[i].p - 5e-3, row.unit


def test_labels_against_their_statistics():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 3, (2, 90))
    names = np.array(["a", "b", "c"])
    rows = audit(*names[codes], outcome="label", labels=["a", "b", "c"])
    table = np.zeros((3, 3), int)
    np.add.at(table, tuple(codes), 1)
    for row, test in zip(rows, (stuart_maxwell, bowker), strict=True):
        statistic, freedom, p = test(table)
        assert (row.estimate, row.p) == (pytest.approx(statistic), pytest.approx(p))
        assert f"{freedom} degrees of freedom" in row.method
    gone = audit([None, *names[codes[0]]], ["a", *names[codes[1]]], outcome="label",
                 labels=["a", "b", "c"])  # fmt: skip
    assert [row.p for row in gone] == [row.p for row in rows]
    assert all("of pairs with both answers" in row.method for row in gone)
    assert {(row.people, row.answered) for row in gone} == {(91, 90)}
    favored = audit(*names[codes], outcome="label", labels=["a", "b", "c"], favorable="a")
    assert "odds ratio" in by_unit(favored)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("chances", [(0.5, 0.5), (0.2, 0.8), (1.0, 0.0)])
def test_everybody_in_the_domain_has_ratios_and_no_intervals(chances, missing):
    def model(people):
        x, female = people["x"].to_numpy(), (people["gender"] == "Female").to_numpy()
        said = (x < 10 * np.where(female, *chances[::-1])).astype(int).astype(object)
        if missing:
            said[(x == 9) & female] = None
        return said

    record = pb.audit(
        model, protect=GENDER, fields={"x": pb.integers(0, 9)}, people="all", favorable=1
    )
    found = {row.unit: row for row in record.evidence if row.test == "paired"}
    assert set(found) == {"impact ratio", "Cohen's h"}
    for row in found.values():
        assert row.exact
        assert (row.low < row.high) == missing
        assert row.low <= row.estimate <= row.high
        assert math.isfinite(row.high)
    if not missing:
        assert found["impact ratio"].estimate == pytest.approx(chances[1] / chances[0])
