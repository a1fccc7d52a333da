"""Shares, their differences and ratios, and any other scorer, against known values and formulas."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, t
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.svm import LinearSVC
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from paribus.errors import ModelError, SpecError
from paribus.estimators.frames import Seen
from paribus.stats.paired import bonett_price_interval, tango_interval
from paribus.stats.ratios import impact_ratio
from paribus.studies._cross_fitting import Asked
from paribus.studies._scoring import (
    Scorer,
    Share,
    informed,
    mean_of,
    part_scores,
    parts_of,
    ratio_of,
)


def truths(ones, n):
    return np.arange(n) < ones


def pair(both, won, lost, neither):
    """Two shares of the same people: `won` are true only after, `lost` only before."""
    after = np.repeat([True, True, False, False], [both, won, lost, neither])
    before = np.repeat([True, False, True, False], [both, won, lost, neither])
    return after, before


def bounds(measure):
    return measure.low, measure.high


# --- shares of people that count alike ------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 50), (37, 50), (50, 50), (9_950, 10_000)])
@pytest.mark.parametrize("confidence", [0.95, 0.995])
def test_a_share_is_that_of_wilson(k, n, confidence):
    said = Share(truths(k, n)).measure(confidence)
    expected = proportion_confint(k, n, 1 - confidence, "wilson")
    assert said.estimate == k / n
    assert bounds(said) == pytest.approx(expected, abs=1e-12)


def test_a_difference_is_that_of_tango():
    after, before = pair(20, 1, 3, 20)
    said = Share(after).minus(Share(before), 0.95)
    assert said.estimate == pytest.approx(-2 / 44)
    assert bounds(said) == tango_interval(1, 3, 44, 0.95)
    # Airway hyper-responsiveness, 1 and 7 of 21: Fagerland, Lydersen and Laake (2014).
    after, before = pair(1, 1, 7, 12)
    said = Share(after).minus(Share(before), 0.95)
    assert bounds(said) == pytest.approx((-0.517, -0.026), abs=5e-4)


def test_a_ratio_is_that_of_bonett_and_price():
    # The example of Fagerland, Lydersen and Laake (2014) that `impact_ratio` shows.
    after, before = pair(59, 6, 16, 80)
    said = Share(after).over(Share(before), 0.95)
    assert (said.estimate, said.low, said.high) == impact_ratio(59, 6, 16, 80, 0.95)
    assert (round(said.low, 4), round(said.high, 4)) == (0.7579, 0.991)


def test_the_same_decisions_differ_in_nothing():
    same = Share(truths(30, 40))
    assert same.minus(same, 0.95).estimate == 0
    assert same.minus(same, 0.95).low < 0 < same.minus(same, 0.95).high
    assert same.over(same, 0.95).estimate == 1


# --- weighted -------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, 3, 200, 397, 400])
@pytest.mark.parametrize("each", [1.0, 0.01, 250.0])
def test_equal_weights_agree_with_none(k, each):
    share, weight = truths(k, 400), np.full(400, each)
    plain, weighted = Share(share).measure(0.95), Share(share, weight).measure(0.95)
    assert weighted.estimate == pytest.approx(plain.estimate)
    # Agresti and Coull's interval has the center of Wilson's and is never shorter.
    agresti = proportion_confint(k, 400, 0.05, "agresti_coull")
    assert bounds(weighted) == pytest.approx(agresti, abs=1e-12)
    assert weighted.low <= plain.low + 1e-12
    assert weighted.high >= plain.high - 1e-12


@pytest.mark.parametrize(
    "cells", [(300, 0, 0, 100), (300, 5, 0, 95), (200, 30, 12, 158), (0, 0, 400, 0)]
)
def test_differences_with_equal_weights_agree_with_none(cells):
    after, before = pair(*cells)
    weight = np.full(400, 7.0)
    plain = Share(after).minus(Share(before), 0.99)
    weighted = Share(after, weight).minus(Share(before, weight), 0.99)
    _, won, lost, _ = cells
    expected = bonett_price_interval(won, lost, 400, 0.99)
    assert weighted.estimate == pytest.approx(plain.estimate)
    assert bounds(weighted) == pytest.approx(expected, abs=1e-9)
    assert bounds(weighted) == pytest.approx(bounds(plain), abs=0.02)


def test_ratios_with_equal_weights_agree_with_none():
    after, before = pair(700, 60, 90, 150)
    weight = np.full(1_000, 3.0)
    plain = Share(after).over(Share(before), 0.95)
    weighted = Share(after, weight).over(Share(before, weight), 0.95)
    assert weighted.estimate == pytest.approx(plain.estimate)
    assert bounds(weighted) == pytest.approx(bounds(plain), abs=3e-3)


def test_weighted_shares_agree_with_statsmodels_in_large_tables():
    rng = np.random.default_rng(0)
    n = 20_000
    weight = rng.uniform(0.2, 5, n)
    before = rng.random(n) < 0.7
    after = np.where(rng.random(n) < 0.1, ~before, before)
    said = Share(after, weight).measure(0.95)
    assert said.estimate == pytest.approx(DescrStatsW(after * 1.0, weight).mean)
    # The linearized standard error of a weighted mean.
    spread = np.sqrt((weight**2 * (after - said.estimate) ** 2).sum()) / weight.sum()
    assert said.high - said.low == pytest.approx(2 * 1.959964 * spread, rel=2e-3)
    gap = after * 1.0 - before
    moved = Share(after, weight).minus(Share(before, weight), 0.95)
    center = (weight * gap).sum() / weight.sum()
    spread = np.sqrt((weight**2 * (gap - center) ** 2).sum()) / weight.sum()
    assert moved.estimate == pytest.approx(center)
    assert moved.high - moved.low == pytest.approx(2 * 1.959964 * spread, rel=2e-3)


def test_a_weighted_ratio_counts_what_varies_below_the_line_too():
    rng = np.random.default_rng(1)
    n, runs = 400, 1_500
    hit = 0
    for _ in range(runs):
        before = rng.random(n) < 0.8
        after = before & (rng.random(n) < 0.5)
        weight = rng.choice([1.0, 4.0], n)
        said = Share(after, weight).over(Share(before, weight), 0.95)
        hit += said.low <= 0.5 <= said.high
    assert 0.935 <= hit / runs <= 0.968


def test_a_few_weighted_rows_prove_nothing_by_being_alike():
    weight = np.array([1.0, 2.0, 1.0, 3.0])
    sure = Share(np.ones(4, bool), weight).measure(0.95)
    assert sure.estimate == 1
    assert sure.low < 0.7
    moved = Share(np.ones(4, bool), weight).minus(Share(np.zeros(4, bool), weight), 0.95)
    assert moved.high == 1
    assert moved.low < 0.6
    still = Share(np.ones(4, bool), weight).minus(Share(np.ones(4, bool), weight), 0.95)
    assert still.low < -0.2 < 0.2 < still.high


def test_weighted_ratios_need_somebody_below_the_line():
    weight = np.array([0.0, 2.0])
    before = Share(np.array([True, False]), weight)
    assert Share(np.array([True, True]), weight).over(before, 0.95) is None


# --- better than nothing --------------------------------------------------------------------------


def test_the_same_answer_for_everybody_is_not_informed():
    good = truths(600, 1_000)
    for answer in (True, False):
        assert not informed(np.full(1_000, answer), good, None, 0.95)
        assert not informed(np.full(1_000, answer), good, np.full(1_000, 2.0), 0.95)
    assert not informed(truths(5, 10), np.ones(10, bool), None, 0.95)
    assert informed(good, good, None, 0.95)
    assert not informed(~good, good, None, 0.95)


def test_informed_is_never_surer_than_the_exact_test():
    rng = np.random.default_rng(2)
    told = 0
    for _ in range(300):
        n = int(rng.integers(10, 60))
        good = rng.random(n) < 0.5
        decided = np.where(rng.random(n) < 0.5, good, rng.random(n) < 0.5)
        cells = [[(decided & good).sum(), (~decided & good).sum()],
                 [(decided & ~good).sum(), (~decided & ~good).sum()]]  # fmt: skip
        said = informed(decided, good, None, 0.95)
        told += said
        assert not said or fisher_exact(cells).pvalue <= 0.05
    assert told > 100


def test_informed_counts_rows_and_not_their_weights():
    # Five of six and two of six: nothing is proven, however many people each row stands for.
    good = truths(6, 12)
    decided = np.tile([True] * 5 + [False], 2) & ~np.isin(np.arange(12), [6, 7, 8])
    for each in (0.001, 1.0, 1_000.0):
        assert not informed(decided, good, np.full(12, each), 0.95)
    many = np.full(400, 1_000.0)
    assert informed(truths(150, 400), truths(200, 400), many, 0.95)
    # One row that stands for nearly everybody is still one row.
    many[[0, 399]] = 1e9
    assert not informed(truths(150, 400), truths(200, 400), many, 0.95)


def test_luck_is_seldom_informed():
    rng = np.random.default_rng(3)
    weight = rng.uniform(0.5, 2, 200)
    false = sum(
        informed(rng.random(200) < 0.9, rng.random(200) < 0.9, weight, 0.95) for _ in range(1_000)
    )
    assert false / 1_000 <= 0.04


# --- any scorer -----------------------------------------------------------------------------------


def test_scorers_are_found_by_name_or_handed_over():
    assert Scorer.of("accuracy").call is None
    assert Scorer.of("roc_auc").share
    assert not Scorer.of("neg_log_loss").share
    assert Scorer.of(lambda model, X, y: 1.0).name == "<lambda>"
    with pytest.raises(SpecError, match=r'mitigate\.scorer: .*"acuracy"; did you mean "accuracy"'):
        Scorer.of("acuracy")


def test_parts_hold_both_labels_and_stay_in_their_fold():
    good = np.tile([True, False, False], 200)
    fold = np.repeat([0, 1, 2], 200)
    parts = parts_of(good, fold, seed=0)
    assert (parts // 10 == fold).all()
    for part in np.unique(parts):
        assert good[parts == part].sum() >= 6
        assert (~good[parts == part]).sum() >= 10
    assert len(np.unique(parts)) == 3 * 6


def test_few_rows_of_a_label_make_few_parts():
    good = np.arange(300) % 100 == 0
    parts = parts_of(good, np.arange(300) % 2, seed=0)
    assert sorted(np.unique(parts)) == [0, 10]


def asked(n=300, model=None, labels=(0, 1)):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"x": rng.normal(size=n), "other": "text"})
    good = frame["x"].to_numpy() + rng.normal(size=n) > 0
    label = np.array(labels)[good.astype(int)]
    fitted = (model or LogisticRegression()).fit(frame[["x"]], label)
    return Asked(fitted, Seen(["x"], "pandas", {}), labels[1]), frame, good


@pytest.mark.parametrize("labels", [(0, 1), ("yes", "no"), (False, True)])
def test_a_scorer_sees_the_favorable_label_as_one(labels):
    model, frame, good = asked(labels=labels)
    parts = np.repeat([0, 1, 2], 100)
    said = part_scores(Scorer.of("roc_auc"), [model], frame, good, parts)
    share = model.answers(frame)[1]
    expected = [roc_auc_score(good[parts == k], share[parts == k]) for k in range(3)]
    assert said == pytest.approx(expected)
    assert (said > 0.6).all()


def test_margins_can_be_ranked_too():
    model, frame, good = asked(model=LinearSVC())
    said = part_scores(Scorer.of("roc_auc"), [model], frame, good, np.zeros(300, int))
    margin = model.model.decision_function(frame[["x"]])
    assert said[0] == pytest.approx(roc_auc_score(good, margin))


def test_rows_count_for_as_many_people_as_they_stand_for():
    model, frame, good = asked()
    weight = np.where(good, 5.0, 1.0)
    one = np.zeros(300, int)
    said = part_scores(Scorer.of("neg_brier_score"), [model], frame, good, one, weight)
    share = model.answers(frame)[1]
    assert said[0] == pytest.approx(-brier_score_loss(good, share, sample_weight=weight))

    def plain(model, X, y):
        return float(model.predict(X).mean())

    part_scores(Scorer.of(plain), [model], frame, good, one, weight)


def test_scorers_that_fail_say_so():
    model, frame, good = asked()
    one = np.zeros(300, int)

    def fails(model, X, y):
        raise ValueError("no such thing\nand more")

    with pytest.raises(ModelError, match=r'the scorer "fails" fails: no such thing$'):
        part_scores(Scorer.of(fails), [model], frame, good, one)
    with pytest.raises(ModelError, match="gives nan for 300 rows"):
        part_scores(Scorer("odd", lambda *_: float("nan")), [model], frame, good, one)


# --- means of parts -------------------------------------------------------------------------------


def test_a_mean_of_parts_is_that_of_student():
    scores = np.array([0.71, 0.74, 0.69, 0.80, 0.77])
    said = mean_of(scores, 0.95)
    expected = t.interval(0.95, 4, scores.mean(), scores.std(ddof=1) / 5**0.5)
    assert said.estimate == pytest.approx(0.742)
    assert bounds(said) == pytest.approx(expected)
    assert bounds(mean_of(np.full(4, 0.5), 0.95)) == (0.5, 0.5)


def test_ratios_of_parts():
    before = np.array([0.8, 0.7, 0.9, 0.8])
    assert ratio_of(before * 0.9, before, 0.95).estimate == pytest.approx(0.9)
    exact = ratio_of(before * 0.9, before, 0.95)
    assert exact.high - exact.low < 1e-9
    after = before + np.array([0.02, -0.03, 0.01, -0.02])
    said = ratio_of(after, before, 0.95)
    # The delta method: residuals after - ratio * before over the mean below the line.
    left = after - after.mean() / before.mean() * before
    reach = t.ppf(0.975, 3) * left.std(ddof=1) / 2 / before.mean()
    assert said.high - said.estimate == pytest.approx(reach)
    assert ratio_of(after, before * 0, 0.95) is None
    assert ratio_of(after, -before, 0.95) is None
