"""Rows weighed, drawn anew and relabeled: known answers, laws, any estimator, any frame."""

from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xgboost as xgb
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from paribus.errors import DataError, ModelError, SpecError
from paribus.mitigation.base import MITIGATIONS, Training
from paribus.mitigation.massage import Massage
from paribus.mitigation.resample import Resample
from paribus.mitigation.reweigh import Reweigh
from paribus.people.population import Protected
from paribus.table import Table

ALL = (Reweigh(), Resample(), Resample(how="preferential"), Massage())
EITHER = pytest.mark.parametrize("how", ["uniform", "preferential"])


def of_table(counts: list[list[int]], estimator: Any = None, seed: int = 0) -> Training:
    """Rows by group and label (unfavorable first), with an income that tells little."""
    group = np.repeat(np.arange(len(counts)), [sum(row) for row in counts])
    label = np.concatenate([np.repeat([0, 1], row) for row in counts])
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"group": [f"g{i}" for i in group]})
    frame["income"] = rng.normal(size=len(frame)) + label
    levels = tuple(f"g{i}" for i in range(len(counts)))
    learner = DecisionTreeClassifier(max_depth=2) if estimator is None else estimator
    protect = {"group": Protected(levels=levels)}
    return Training(Table.of(frame), label, 1, learner, ("income",), protect, seed=seed)


def applicants(n: int = 600, seed: int = 0) -> tuple[pd.DataFrame, Any]:
    """Three races, two genders and missing values of both; labels in words."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "gender": rng.choice(["m", "f"], n).astype(object),
            "race": rng.choice(["a", "b", "c"], n).astype(object),
            "income": rng.normal(size=n),
            "city": rng.choice(["x", "y"], n),
        }
    )
    margin = frame["income"] + (frame["gender"] == "m") - (frame["race"] == "c")
    frame.loc[rng.random(n) < 0.1, "gender"] = None
    frame.loc[rng.random(n) < 0.1, "race"] = None
    return frame, np.where(margin + rng.normal(size=n) > 0, "yes", "no")


def pipeline(last: Any) -> Any:
    encoded = make_column_transformer(
        (StandardScaler(), ["income"]), (OneHotEncoder(), ["city"]), remainder="drop"
    )
    return make_pipeline(encoded, last)


def hired(estimator: Any = None, frame: Any = None, **more: Any) -> Training:
    pandas, label = applicants()
    learner = pipeline(LogisticRegression()) if estimator is None else estimator
    protect = {
        "gender": Protected(levels=("m", "f")),
        "race": Protected(levels=("a", "b", "c")),
    }
    table = Table.of(pandas if frame is None else frame)
    return Training(table, label, "yes", learner, ("income", "city"), protect, **more)


def rates(training: Training) -> Any:
    """Give the weighted rate of favorable labels of each group."""
    weight = np.ones(len(training)) if training.weight is None else training.weight
    size = np.bincount(training.codes, weight)
    return np.bincount(training.codes, weight * training.good) / size


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["reweigh", "resample", "massage"])
def test_kinds_are_found_and_say_what_they_do(kind: str) -> None:
    made = MITIGATIONS.parse({"kind": kind})
    assert made.stage == "data"
    assert made.kind == kind
    assert MITIGATIONS.sentence(kind).endswith(".")


@pytest.mark.parametrize("mitigation", ALL, ids=lambda m: repr(m)[:40])
@pytest.mark.parametrize("polars", [False, True])
def test_everything_stays_as_it_was_and_repeats(mitigation: Any, polars: bool) -> None:
    frame, _ = applicants()
    given_frame = pl.from_pandas(frame) if polars else frame.copy()
    training = hired(frame=given_frame)
    label = training.label.copy()
    mended = mitigation.mend(training)
    again = mitigation.mend(hired(frame=given_frame))
    plain = hired()
    X = training.X
    assert (training.label == label).all()
    assert training.weight is None
    assert not hasattr(training.estimator, "classes_")
    if not polars:
        pd.testing.assert_frame_equal(given_frame, frame)
    assert (mended.model.predict_proba(X) == again.model.predict_proba(X)).all()
    other = mitigation.mend(plain).model.predict_proba(plain.X)
    assert mended.model.predict_proba(X) == pytest.approx(other, abs=1e-12)
    assert set(mended.model.predict(X)) == {"yes", "no"}
    assert mended.notes == again.notes
    assert all(note.endswith(".") and "nan" not in note for note in mended.notes)
    changed = training.plain.predict_proba(X) - mended.model.predict_proba(X)
    assert np.abs(changed).max() > 0.01


@pytest.mark.parametrize("mitigation", ALL, ids=lambda m: repr(m)[:40])
def test_balanced_groups_are_left_alone(mitigation: Any) -> None:
    training = of_table([[30, 20], [60, 40]])
    treated = mitigation.treat(training).training
    assert (treated.label == training.label).all()
    assert treated.weight is None or treated.weight == pytest.approx(np.ones(150))


@pytest.mark.parametrize("mitigation", ALL, ids=lambda m: repr(m)[:40])
def test_rates_are_equal_afterwards(mitigation: Any) -> None:
    training = of_table([[50, 10], [20, 45], [30, 22], [11, 3]])
    before, after = rates(training), rates(mitigation.treat(training).training)
    overall = training.good.mean()
    assert np.ptp(before) > 0.4
    size = np.bincount(training.codes)
    slack = 1e-12 if isinstance(mitigation, Reweigh) else 1.0 / size
    assert (np.abs(after - overall) <= slack).all()


@pytest.mark.parametrize("mitigation", [Reweigh(), Massage()], ids=["reweigh", "massage"])
def test_weighted_rates_are_equal_afterwards(mitigation: Any) -> None:
    training = of_table([[50, 10], [20, 45], [300, 220]])
    weight = np.random.default_rng(1).exponential(size=len(training))
    treated = mitigation.treat(training.of(weight=weight)).training
    overall = np.average(training.good, weights=weight)
    slack = 1e-12 if isinstance(mitigation, Reweigh) else weight.max() / 40
    assert rates(treated) == pytest.approx(np.full(3, overall), abs=slack)


@pytest.mark.parametrize("mitigation", ALL, ids=lambda m: repr(m)[:40])
def test_a_group_of_one_label_and_tiny_tables(mitigation: Any) -> None:
    alone = of_table([[0, 12], [40, 20]], KNeighborsClassifier(3))
    if isinstance(mitigation, Reweigh):
        alone = alone.of(estimator=LogisticRegression())
    treated = mitigation.treat(alone)
    if not isinstance(mitigation, Massage):
        assert any("All rows of g0 have one label" in note for note in treated.notes)
    weight = treated.training.weight
    assert weight is None or np.isfinite(weight).all()
    tiny = of_table([[1, 0], [0, 1]])
    assert len(Reweigh().treat(tiny).training) == len(Resample().treat(tiny).training) == 2


# --- reweigh --------------------------------------------------------------------------------------

# AIF360, examples/tutorial_credit_scoring.ipynb: German credit, 700 rows drawn with numpy seed 0;
# age at least 25 and below; the counts give the mean difference -0.1699054740619017 before, and
# these weights of bad and good credit.
GERMAN = [[160, 427], [50, 63]]
WEIGHTS = {(0, 0): 1.1006, (0, 1): 0.9623, (1, 0): 0.678, (1, 1): 1.2556}


def test_german_credit() -> None:
    training = of_table(GERMAN, LogisticRegression())
    before = rates(training)
    assert before[1] - before[0] == pytest.approx(-0.1699054740619017, abs=1e-15)
    weight = Reweigh().weights(training)
    for (group, label), known in WEIGHTS.items():
        cell = (training.codes == group) & (training.label == label)
        assert weight[cell] == pytest.approx(np.full(cell.sum(), known), abs=5e-5)
    treated = Reweigh().treat(training)
    after = rates(treated.training)
    assert after[1] - after[0] == pytest.approx(0, abs=1e-14)
    assert treated.notes == (
        "The largest weight is that of g1 with the label 1 (1.256), the smallest of g1 with the "
        "label 0 (0.678).",
    )


def test_weights_reach_the_end_of_a_pipeline() -> None:
    training = hired()
    by_hand = pipeline(LogisticRegression()).fit(
        training.X, training.label, logisticregression__sample_weight=Reweigh().weights(training)
    )
    model = Reweigh().mend(training).model
    assert (model[-1].coef_ == by_hand[-1].coef_).all()
    assert not (model[-1].coef_ == training.plain[-1].coef_).any()


@pytest.mark.parametrize(
    "learner",
    [
        xgb.XGBClassifier(n_estimators=5, max_depth=2, n_jobs=1),
        lgb.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1),
    ],
    ids=["xgboost", "lightgbm"],
)
@pytest.mark.parametrize("polars", [False, True])
def test_boosted_trees(learner: Any, polars: bool) -> None:
    frame, label = applicants()
    frame["city"] = (frame["city"] == "x").astype(int)
    protect = {"race": Protected(levels=("a", "b", "c"))}
    table = Table.of(pl.from_pandas(frame) if polars else frame)
    features = ("income", "city")
    training = Training(table, (label == "yes") * 1, 1, learner, features, protect)
    weight = Reweigh().weights(training)
    learner.fit(frame[["income", "city"]], (label == "yes") * 1, sample_weight=weight)
    X = frame[["income", "city"]]
    made = Reweigh().mend(training).model.predict_proba(X)
    assert made == pytest.approx(learner.predict_proba(X))
    assert np.abs(made - training.plain.predict_proba(X)).max() > 0.001


def test_categories_of_pandas_reach_lightgbm() -> None:
    frame, label = applicants()
    frame["city"] = frame["city"].astype("category")
    training = hired(lgb.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1), frame)
    assert (training.label == label).all()
    for mitigation in ALL:
        assert set(mitigation.mend(training).model.predict(training.X)) == {"yes", "no"}


def test_prior_weights_are_multiplied_in() -> None:
    # A row of weight 3 counts as three rows do.
    training = of_table([[5, 1], [2, 4]], LogisticRegression())
    times = np.arange(len(training)) % 3 + 1
    long = training.take(np.repeat(np.arange(len(training)), times))
    short = Reweigh().weights(training.of(weight=times.astype(float)))
    assert np.repeat(short / times, times) == pytest.approx(Reweigh().weights(long))


def test_missing_attributes_are_groups_of_their_own() -> None:
    training = hired()
    assert len(training.groups) == 12
    after = rates(Reweigh().treat(training).training)
    assert after == pytest.approx(np.full(12, training.good.mean()))


def test_an_estimator_without_weights_is_refused_before_any_fit() -> None:
    with pytest.raises(ModelError, match='takes no weights; try "resample"'):
        Reweigh().treat(hired(pipeline(KNeighborsClassifier())))
    assert Resample().mend(hired(pipeline(KNeighborsClassifier()))).model.n_features_in_ == 2


# --- resample -------------------------------------------------------------------------------------


@EITHER
@settings(deadline=None, max_examples=12)
@given(
    counts=st.lists(st.lists(st.integers(3, 40), min_size=2, max_size=2), min_size=2, max_size=4),
    seed=st.integers(0, 1000),
)
def test_cells_have_the_counts_of_independence(
    how: Any, counts: list[list[int]], seed: int
) -> None:
    training = of_table(counts, seed=seed)
    treated = Resample(how=how).treat(training).training
    assert len(treated) == len(training)
    table = np.array(counts)
    wanted = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    drawn = np.zeros(table.shape)
    np.add.at(drawn, (treated.codes, treated.label), 1)
    assert (np.abs(drawn - wanted) < 1).all()
    copies = training.frame["income"].map(treated.frame["income"].value_counts()).fillna(0)
    copies = copies.to_numpy()
    for group in range(len(counts)):
        for label in (0, 1):
            cell = copies[(training.codes == group) & (training.label == label)]
            # No row comes twice more often than another, and none is lost where rows are short.
            assert np.ptp(cell) <= 1
            assert drawn[group, label] < counts[group][label] or cell.min() >= 1


def test_preferential_sampling_takes_what_is_nearest_the_boundary() -> None:
    training = of_table([[40, 20], [20, 40]])
    treated = Resample(how="preferential").treat(training).training
    copies = training.frame["income"].map(treated.frame["income"].value_counts()).fillna(0)
    scores = training.held_out
    for group, label, grows in ((0, 0, False), (0, 1, True), (1, 0, True), (1, 1, False)):
        cell = (training.codes == group) & (training.label == label)
        near = np.abs(np.where(label, 0.0, 1.0) - scores[cell])
        odd = copies[cell].to_numpy() != 1
        assert odd.sum() == 10
        assert near[odd].max() <= near[~odd].min()
        assert (copies[cell][odd] == (2 if grows else 0)).all()


def test_seeds_draw_other_rows() -> None:
    training = of_table([[40, 20], [20, 40]])
    one = Resample().treat(training).training.frame
    other = Resample().treat(training.of(seed=1)).training.frame
    assert not one.reset_index(drop=True).equals(other.reset_index(drop=True))


@EITHER
def test_weights_decide_how_often_rows_are_drawn(how: Any) -> None:
    training = of_table([[30, 20], [15, 40]])
    weight = np.random.default_rng(2).exponential(size=len(training)) + 0.2
    weighted = training.of(weight=weight)
    wanted = Reweigh().weights(weighted) * len(training) / weight.sum()
    drawn = np.zeros(len(training))
    seeds = 100 if how == "uniform" else 10
    for seed in range(seeds):
        treated = Resample(how=how).treat(weighted.of(seed=seed)).training
        assert treated.weight is None
        assert len(treated) == len(training)
        found = training.frame["income"].map(treated.frame["income"].value_counts())
        drawn += found.fillna(0).to_numpy() / seeds
    cell = 2 * training.codes + training.good
    assert np.bincount(cell, drawn) == pytest.approx(np.bincount(cell, wanted), abs=1.0)
    if how == "uniform":
        # Within the rounding of a cell's count, and four standard errors of 100 lots.
        assert drawn == pytest.approx(wanted, abs=1.0 / 15 * wanted.max() + 4 * 0.5 / 100**0.5)


def test_a_note_counts_rows() -> None:
    notes = Resample().treat(of_table([[40, 20], [20, 40]])).notes
    assert notes == ("Of 120 rows, 20 were left out and 20 come more than once, at most 2 times.",)
    balanced = Resample().treat(of_table([[4, 2], [4, 2]])).notes
    assert balanced == ("Of 12 rows, 0 were left out and 0 come more than once.",)


def test_no_weight_at_all_is_refused() -> None:
    training = of_table([[4, 2], [2, 4]])
    with pytest.raises(DataError, match="no row has a weight"):
        Resample().treat(training.of(weight=np.zeros(12)))


# --- massage --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(
    a=st.tuples(st.integers(6, 60), st.integers(6, 60)),
    b=st.tuples(st.integers(6, 60), st.integers(6, 60)),
)
def test_two_groups_change_as_many_labels_as_the_paper_says(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    training = of_table([list(a), list(b)])
    treated = Massage().treat(training).training
    n1, n2 = sum(a), sum(b)
    # Kamiran and Calders (2012), section 5.2: M = disc |D_b| |D_w| / |D|.
    exact = abs(a[1] / n1 - b[1] / n2) * n1 * n2 / (n1 + n2)
    up, down = training.label < treated.label, training.label > treated.label
    assert up.sum() == down.sum()
    assert abs(up.sum() - exact) <= 0.5 + 1e-9
    assert treated.good.sum() == training.good.sum()
    assert len(set(training.codes[up])) <= 1
    assert len(set(training.codes[down])) <= 1


def test_labels_nearest_the_boundary_are_changed() -> None:
    training = of_table([[60, 20], [20, 60], [40, 44]])
    treated = Massage().treat(training).training
    scores, codes = training.held_out, training.codes
    changed = training.label != treated.label
    assert changed.sum() > 30
    for group in np.unique(codes[changed]):
        directions = set(training.label[changed & (codes == group)])
        assert len(directions) == 1
        same = (codes == group) & (training.label == directions.pop())
        sign = 1 if (training.label[changed & same] == 1).all() else -1
        assert (sign * scores[changed & same]).max() <= (sign * scores[same & ~changed]).min()


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], object),
        np.array([False, True]),
        np.array([0, 1], np.int8),
        np.array([-1.0, 1.0], np.float32),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_labels_keep_their_type(labels: Any) -> None:
    base = of_table([[40, 20], [20, 40]], LogisticRegression())
    training = base.of(label=labels[base.label], favorable=labels[1].item()
                       if isinstance(labels[1], np.generic) else labels[1])  # fmt: skip
    treated = Massage().treat(training).training
    assert treated.label.dtype == labels.dtype
    assert set(treated.label.tolist()) == set(labels.tolist())
    assert (treated.label != training.label).sum() == 20


def test_favorable_may_be_the_first_label() -> None:
    base = of_table([[40, 20], [20, 40]])
    treated = Massage().treat(base.of(favorable=0)).training
    assert rates(treated) == pytest.approx([0.5, 0.5])
    assert ((treated.label == 1) == Massage().treat(base).training.good).mean() > 0.8


def test_missing_and_small_groups_keep_their_labels() -> None:
    base = of_table([[40, 20], [20, 40], [0, 5], [1, 11]])
    frame = base.frame.copy()
    frame["group"] = frame["group"].where(frame["group"] != "g3", None)
    protect = {"group": Protected(levels=("g0", "g1", "g2"))}
    training = base.of(table=Table.of(frame), protect=protect)
    result = Massage().treat(training)
    changed = result.training.label != training.label
    names = np.array(training.groups.names)[training.codes]
    assert set(names[changed]) == {"g0", "g1"}
    assert rates(result.training)[:2] == pytest.approx([0.5, 0.5])
    assert result.notes == (
        "The labels of 20 rows were changed: 10 of g0 to favorable, 10 of g1 to unfavorable.",
        "In each of these groups 50.0 % of labels are now favorable.",
        "Fewer than 10 rows are of g2, whose labels were left as they are.",
    )
    all_touched = Massage(smallest=1).treat(training).training
    assert "g2" in set(names[all_touched.label != training.label])
    none = Massage(smallest=1000).treat(training)
    assert none.training is training
    assert "No group is large enough" in none.notes[0]


def test_massage_needs_two_labels() -> None:
    with pytest.raises(DataError, match="all labels are the same"):
        Massage().treat(of_table([[4, 0], [5, 0]]))
    with pytest.raises(SpecError, match=r"\$.smallest"):
        Massage(smallest=0)
