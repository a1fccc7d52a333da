"""Learning under a constraint: what Fairlearn gives alone, the same for twins, saved and cloned."""

from __future__ import annotations

import logging
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from fairlearn import reductions
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from paribus.errors import DataError, ModelError, SpecError
from paribus.estimators.constrained import Constrained, _mixed, _whole_grid
from paribus.estimators.groups import lot

ALONE = {
    "demographic parity": reductions.DemographicParity,
    "equalized odds": reductions.EqualizedOdds,
    "equal opportunity": reductions.TruePositiveRateParity,
    "false positive rate parity": reductions.FalsePositiveRateParity,
    "error rate parity": reductions.ErrorRateParity,
}
FEATURES = ["skill", "years", "town"]
NUMBERS = ["skill", "years"]


def people(n: int = 600, groups: int = 2, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = rng.choice(["F", "M", "X"][:groups], n)
    up = (group == "M") * 1.0
    X = pd.DataFrame(
        {
            "skill": rng.normal(size=n) + up,
            "years": rng.integers(0, 30, n),
            "town": np.where(rng.random(n) < 0.3 + 0.4 * up, "A", "B"),
            "gender": group,
        }
    )
    y = (X.skill + X.years / 15 + 0.5 * up + rng.normal(size=n) > 1.8).to_numpy().astype(int)
    return X, y


def pipeline(final=None) -> object:
    return make_pipeline(
        make_column_transformer(
            (StandardScaler(), ["skill", "years"]), (OneHotEncoder(), ["town"])
        ),
        final or LogisticRegression(),
    )


def quick(**options) -> Constrained:
    options = {"features": NUMBERS, "iterations": 2} | options
    return Constrained(LogisticRegression(), ["gender"], **options)


def numeric(X: pd.DataFrame) -> pd.DataFrame:
    return X[NUMBERS].astype(float)


def quietly(reduction, *args, **kwargs):
    """Fairlearn's own pandas warns in newer pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reduction.fit(*args, **kwargs)
        return reduction


def rates(share: np.ndarray, group: pd.Series) -> pd.Series:
    return pd.Series(share).groupby(group.to_numpy()).mean()


# --- what Fairlearn gives alone -------------------------------------------------------------------


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("constraint", ["demographic parity", "equalized odds"])
def test_the_mixture_is_fairlearns_to_the_digit(constraint, groups):
    X, y = people(groups=groups)
    alone = quietly(
        reductions.ExponentiatedGradient(
            LogisticRegression(), ALONE[constraint](difference_bound=0.02), eps=0.02, max_iter=4
        ),
        numeric(X), y, sensitive_features=X["gender"],
    )  # fmt: skip
    ours = Constrained(
        LogisticRegression(), ["gender"], constraint,
        bound=0.02, eps=0.02, iterations=4, features=NUMBERS,
    ).fit(X, y)  # fmt: skip
    new, _ = people(400, groups, seed=7)
    assert len(ours.estimators_) == (alone.weights_ != 0).sum() > 1
    assert ours.weights_ == pytest.approx(
        alone.weights_.sort_index()[lambda w: w != 0].to_numpy(), abs=0
    )
    expected = alone._pmf_predict(numeric(new))
    assert np.abs(ours.predict_proba(new) - expected).max() <= 1e-12
    for seed in (0, 1, 42):
        told = ours.predict(new, random_state=seed)
        assert (told == alone.predict(numeric(new), random_state=seed)).all()
    shared = np.random.RandomState(3)
    again = np.random.RandomState(3)
    for _ in range(2):
        told = ours.predict(new, random_state=shared)
        assert (told == alone.predict(numeric(new), random_state=again)).all()


@pytest.mark.parametrize("constraint", list(ALONE))
def test_every_constraint_is_fairlearns(constraint):
    X, y = people(300)
    alone = quietly(
        reductions.ExponentiatedGradient(
            LogisticRegression(), ALONE[constraint](difference_bound=0.01), max_iter=3
        ),
        numeric(X), y, sensitive_features=X["gender"],
    )  # fmt: skip
    ours = quick(constraint=constraint, iterations=3).fit(X, y)
    expected = alone._pmf_predict(numeric(X))[:, 1]
    assert np.abs(ours.predict_proba(X)[:, 1] - expected).max() <= 1e-12
    moment = ALONE[constraint]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moment.load_data(X, y, sensitive_features=X["gender"])
    assert ours.gap_ == pytest.approx(moment.gamma(lambda _: expected).max(), abs=1e-12)


def test_the_same_through_a_pipeline():
    X, y = people(300)
    alone = quietly(
        reductions.ExponentiatedGradient(
            pipeline(),
            reductions.DemographicParity(),
            max_iter=2,
            sample_weight_name="logisticregression__sample_weight",
        ),
        X[FEATURES], y, sensitive_features=X["gender"],
    )  # fmt: skip
    ours = Constrained(pipeline(), ["gender"], iterations=2).fit(X, y)
    assert list(ours.feature_names_in_) == FEATURES
    expected = alone._pmf_predict(X[FEATURES])[:, 1]
    assert np.abs(ours.predict_proba(X)[:, 1] - expected).max() <= 1e-12


@pytest.mark.parametrize("bound", [0.5, 0.18])
def test_bounded_group_loss_is_fairlearns(bound):
    X, y = people(400, 3)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    alone = quietly(
        reductions.ExponentiatedGradient(
            tree,
            reductions.BoundedGroupLoss(reductions.ZeroOneLoss(), upper_bound=bound),
            max_iter=4,
        ),
        numeric(X), y, sensitive_features=X["gender"],
    )  # fmt: skip
    ours = Constrained(
        tree, ["gender"], "bounded group loss",
        bound=bound, iterations=4, features=NUMBERS,
    ).fit(X, y)  # fmt: skip
    mixed = alone._pmf_predict(numeric(X))[alone.weights_.index].dot(alone.weights_)
    assert np.abs(ours.predict_proba(X)[:, 1] - mixed).max() <= 1e-12
    assert (bound == 0.5) == (len(ours.estimators_) == 1)
    worst = rates(np.abs(mixed - y), X["gender"]).max()
    assert ours.gap_ == pytest.approx(worst, abs=1e-12)
    for seed in (0, 5):
        told = ours.predict(X, random_state=seed)
        assert (told == alone.predict(numeric(X), random_state=seed)).all()


def test_bounded_group_loss_makes_the_worst_group_better():
    X, y = people(2000, seed=3)
    # Those few who need skill the other way round: a model for all is wrong about them.
    odd = np.flatnonzero(X["gender"] == "F")[:250]
    rest = np.setdiff1d(np.arange(len(X)), np.flatnonzero(X["gender"] == "F")[250:])
    y[odd] = (X["skill"].to_numpy()[odd] < 0).astype(int)
    X, y = X.iloc[rest].reset_index(drop=True), y[rest]
    est = DecisionTreeClassifier(max_depth=2, random_state=0)
    plain = est.fit(numeric(X), y).predict(numeric(X))
    before = rates(plain != y, X["gender"])
    ours = Constrained(est, ["gender"], "bounded group loss", bound=0.3, features=NUMBERS)
    after = rates(np.abs(ours.fit(X, y).predict_proba(X)[:, 1] - y), X["gender"])
    assert before["F"] > 0.5
    assert after["F"] < before["F"] - 0.1


@pytest.mark.parametrize(
    ("constraint", "groups"),
    [("demographic parity", 2), ("equalized odds", 3), ("bounded group loss", 3)],
)
def test_grid_search_is_fairlearns(constraint, groups, caplog):
    X, y = people(groups=groups)
    if constraint == "bounded group loss":
        moment = reductions.BoundedGroupLoss(reductions.ZeroOneLoss())
    else:
        moment = ALONE[constraint]()
    alone = quietly(
        reductions.GridSearch(LogisticRegression(), moment, grid_size=13),
        numeric(X), y, sensitive_features=X["gender"],
    )  # fmt: skip
    ours = Constrained(
        LogisticRegression(), ["gender"], constraint, "grid search",
        grid=13, features=NUMBERS,
    ).fit(X, y)  # fmt: skip
    new, _ = people(seed=5)
    assert (ours.predict(new) == alone.predict(numeric(new))).all()
    assert ours.predict_proba(new) == pytest.approx(alone.predict_proba(numeric(new)), abs=1e-12)
    assert (ours.predict(new, random_state=3) == ours.predict(new)).all()
    assert ours.gap_ == pytest.approx(alone.gammas_[alone.best_idx_].max(), abs=1e-12)


@pytest.mark.parametrize("constraint", ["demographic parity", "equalized odds"])
@pytest.mark.parametrize("groups", [2, 3, 6])
def test_a_whole_grid_holds_the_plain_model_and_both_ends(constraint, groups):
    rng = np.random.default_rng(1)
    moment = ALONE[constraint]()
    size = _whole_grid(constraint, groups)
    assert size >= 10
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = reductions.GridSearch(DummyClassifier(), moment, grid_size=size)
        n = 12 * groups
        search.fit(
            np.zeros((n, 1)), rng.integers(0, 2, n), sensitive_features=np.arange(n) % groups
        )
    grid = search.lambda_vecs_
    assert (grid.abs().sum() == 0).sum() == 1
    signed = (grid.loc["+"] - grid.loc["-"]).T.to_numpy()
    assert {tuple(row) for row in signed} == {tuple(-row) for row in signed}


def test_a_whole_grid_for_bounded_loss():
    assert [_whole_grid("bounded group loss", groups) for groups in (2, 3, 4)] == [10, 10, 10]
    assert _whole_grid("bounded group loss", 5) == 15


# --- the constraint -------------------------------------------------------------------------------


def test_the_constraint_is_reached():
    X, y = people(3000)
    plain = LogisticRegression().fit(numeric(X), y).predict(numeric(X))
    assert np.ptp(rates(plain, X["gender"])) > 0.3
    model = quick(bound=0.01, iterations=50).fit(X, y)
    assert model.gap_ <= 0.01 + 0.01
    assert np.ptp(rates(model.predict_proba(X)[:, 1], X["gender"])) <= 2 * model.gap_ + 1e-12
    # Decisions follow the mixture where people differ.
    assert np.ptp(rates(model.predict(X), X["gender"])) < 0.06


def test_equal_opportunity_is_reached():
    X, y = people(3000)
    model = quick(constraint="equal opportunity", bound=0.02, iterations=15).fit(X, y)
    good = y == 1
    share = rates(model.predict_proba(X)[good, 1], X["gender"][good])
    assert np.ptp(share) < 0.06


# --- lots -----------------------------------------------------------------------------------------


def test_the_same_person_gets_the_same_decision_and_twins_share_their_lot():
    X, y = people(1500)
    model = Constrained(
        pipeline(), ["gender"], features=FEATURES, shared=NUMBERS, iterations=4
    ).fit(X, y)
    told, share = model.predict(X), model.predict_proba(X)[:, 1]
    assert (model.predict(X.iloc[::-1])[::-1] == told).all()
    assert (np.concatenate([model.predict(X.iloc[[i]]) for i in range(20)]) == told[:20]).all()
    assert ((share > 0) & (share < 1)).any()
    assert (told == (share > lot(X, NUMBERS))).all()
    twins = X.assign(town=np.where(X["town"] == "A", "B", "A"))
    moved = model.predict_proba(twins)[:, 1]
    assert (told == 1)[moved >= share].tolist() <= (model.predict(twins) == 1)[
        moved >= share
    ].tolist()
    same = moved == share
    assert same.any()
    assert (model.predict(twins)[same] == told[same]).all()


@settings(max_examples=60, deadline=None)
@given(
    votes=st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=1, max_size=8),
    raw=st.lists(st.floats(1e-9, 1), min_size=3, max_size=3),
    error=st.floats(-1e-9, 1e-9),
)
def test_no_lot_turns_what_all_predictors_say(votes, raw, error):
    votes, weights = np.array(votes), np.array(raw) / sum(raw) * (1 + error)
    share = _mixed(votes, weights)
    assert ((share >= 0) & (share <= 1)).all()
    assert (share[votes.all(axis=1)] == 1).all()
    assert (share[~votes.any(axis=1)] == 0).all()


def test_without_shared_features_the_majority_decides():
    X, y = people()
    model = quick(shared=[]).fit(X, y)
    assert (model.predict(X) == (model.predict_proba(X)[:, 1] > 0.5)).all()


def test_columns_for_lots_are_needed_of_people():
    X, y = people()
    X = X.assign(id=np.arange(len(X)))
    model = quick(shared=["id"]).fit(X, y)
    assert list(model.feature_names_in_) == [*NUMBERS, "id"]
    assert model.n_features_in_ == 3
    model.predict(X[[*NUMBERS, "id"]])


# --- a normal estimator ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["exponentiated gradient", "grid search"])
@pytest.mark.parametrize(
    ("estimator", "features"),
    [
        (pipeline(), FEATURES),
        (DecisionTreeClassifier(max_depth=3, random_state=0), ["skill", "years"]),
        (XGBClassifier(n_estimators=8, max_depth=2, enable_categorical=True), FEATURES),
        (LGBMClassifier(n_estimators=8, verbose=-1, n_jobs=1), FEATURES),
    ],
    ids=["pipeline", "tree", "xgboost", "lightgbm"],
)
def test_any_estimator_with_weights(estimator, features, method):
    X, y = people(400, 3)
    if not hasattr(estimator, "steps"):
        X["town"] = X["town"].astype("category")
    X.loc[::17, "gender"] = None
    before, given_estimator = X.copy(), estimator.get_params()
    model = Constrained(
        estimator, ["gender"], method=method, iterations=1, grid=3, features=features
    )
    assert model.fit(X, y) is model
    pd.testing.assert_frame_equal(X, before)
    assert str(estimator.get_params()) == str(given_estimator)
    assert not hasattr(estimator, "classes_")
    told = model.predict(X)
    assert set(told) == {0, 1}
    share = model.predict_proba(X)
    assert share.shape == (len(X), 2)
    assert share.sum(axis=1) == pytest.approx(1)
    assert model.free_ == []
    assert (clone(model).fit(X, y).predict(X) == told).all()
    # The attribute is not asked for, and a level never seen changes nothing.
    assert (model.predict(X[features]) == told).all()
    assert (model.predict(X.assign(gender="new")) == told).all()
    stored = skops.io.dumps(model)
    again = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
    assert (again.predict(X) == told).all()
    assert (again.predict_proba(X) == share).all()
    assert (again.predict(X, random_state=1) == model.predict(X, random_state=1)).all()


def test_predictions_need_no_fairlearn(monkeypatch):
    X, y = people(200)
    model = quick().fit(X, y)
    told = model.predict(X)
    stored = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=stored)
    assert not [each for each in types if "fairlearn" in each]
    for name in [name for name in sys.modules if name.partition(".")[0] == "fairlearn"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "fairlearn", None)
    assert (skops.io.loads(stored, trusted=types).predict(X) == told).all()
    with pytest.raises(ModelError, match=r'pip install "paribus\[mitigate\]"'):
        clone(model).fit(X, y)


@pytest.mark.parametrize("labels", [("yes", "no"), (False, True)])
def test_labels_of_any_kind(labels):
    X, y = people(300)
    bad, good = labels
    wide = np.where(y == 1, good, bad)
    plain = quick().fit(X, y)
    model = quick(favorable=good).fit(X, wide)
    assert model.classes_.tolist() == sorted(labels)
    assert ((model.predict(X) == good) == (plain.predict(X) == 1)).all()
    at = model.classes_.tolist().index(good)
    assert (model.predict_proba(X)[:, at] == plain.predict_proba(X)[:, 1]).all()
    drawn = model.predict(X, random_state=4) == good
    assert (drawn == (plain.predict(X, random_state=4) == 1)).all()


def test_polars_and_pandas_agree():
    X, y = people(300)
    X.loc[::9, "gender"] = None
    frame = pl.from_pandas(X)
    one = Constrained(pipeline(), ["gender"], iterations=2).fit(X, y)
    two = Constrained(pipeline(), ["gender"], iterations=2).fit(frame, y)
    assert (one.predict(X) == two.predict(frame)).all()
    assert (two.predict(X) == two.predict(frame)).all()
    assert (one.predict_proba(X) == two.predict_proba(frame)).all()


def test_crossed_attributes_and_a_matrix():
    X, y = people(500)
    X["age"] = np.where(np.arange(500) % 3 == 0, "old", "young")
    seen = ["skill", "years"]
    both = Constrained(
        LogisticRegression(), ["gender", "age"], iterations=2, features=seen, matrix=True
    ).fit(X, y)
    alone = quietly(
        reductions.ExponentiatedGradient(
            LogisticRegression(), reductions.DemographicParity(), max_iter=2
        ),
        numeric(X).to_numpy(), y, sensitive_features=X[["gender", "age"]],
    )  # fmt: skip
    expected = alone._pmf_predict(numeric(X).to_numpy())[:, 1]
    assert np.abs(both.predict_proba(X)[:, 1] - expected).max() <= 1e-12


def test_missing_values_of_the_attribute_are_a_group():
    X, y = people(900)
    y[::3] = 1
    X.loc[::3, "gender"] = None
    X.loc[::3, "skill"] += 1
    model = quick(iterations=15).fit(X, y)
    share = rates(model.predict_proba(X)[:, 1], X["gender"].fillna("?"))
    assert set(share.index) == {"?", "F", "M"}
    assert np.ptp(share) < 0.06


def test_cross_validation():
    X, y = people(400)
    model = quick()
    scores = cross_val_score(model, X, y, cv=3)
    assert scores.min() > 0.5


def test_predictors_that_say_the_same_to_everybody_are_saved_too():
    X, _ = people(200)
    # The label is the group: parity leaves hardly more than constants.
    X["skill"] = (X["gender"] == "M") * 1.0
    y = X["skill"].astype(int)
    mixed = quick(bound=0.0, eps=0.001, features=["skill"], iterations=10).fit(X, y)
    same = [each for each in mixed.estimators_ if isinstance(each, DummyClassifier)]
    assert same
    assert all(list(each.feature_names_in_) == ["skill"] for each in same)
    assert np.ptp(rates(mixed.predict_proba(X)[:, 1], X["gender"])) < 0.02
    one = quick(bound=0.0, features=["skill"], method="grid search", grid=3).fit(X, 1 - y)
    for each in (one, mixed):
        stored = skops.io.dumps(each)
        again = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
        assert (again.predict(X) == each.predict(X)).all()
        assert (again.predict_proba(X) == each.predict_proba(X)).all()


def test_fairlearn_neither_warns_nor_prints(caplog, capfd):
    X, y = people(400, 3)
    X["age"] = np.arange(400) % 4
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for method in ("grid search", "exponentiated gradient"):
            model = quick(constraint="equalized odds", method=method, grid=3)
            model.set_params(attributes=["gender", "age"]).fit(X, y)
    assert [str(each.message) for each in said if "fairlearn" in each.filename] == []
    assert capfd.readouterr().err == ""
    handlers = logging.getLogger("fairlearn").handlers
    assert [type(each) for each in handlers] == [logging.NullHandler]
    # Whoever listens to the logs still hears it.
    assert any(each.levelno == logging.WARNING for each in caplog.records)


def test_filters_that_another_thread_puts_back(monkeypatch):
    """As where candidates are fitted side by side, and each puts back the filters it found."""
    X, y = people(300)
    lost = iter([True, True])
    put = warnings.filterwarnings

    def taken_back(*args, **options):
        if not next(lost, False):
            put(*args, **options)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setattr(warnings, "filterwarnings", taken_back)
        assert len(quick().fit(X, y).predict(X)) == 300


@pytest.mark.parametrize("estimator", [KNeighborsClassifier(), pipeline(KNeighborsClassifier())])
@pytest.mark.parametrize("method", ["exponentiated gradient", "grid search"])

# --- what cannot be -------------------------------------------------------------------------------


def test_an_estimator_without_weights(estimator, method):
    X, y = people(60)
    with pytest.raises(ModelError, match="KNeighborsClassifier takes no weights"):
        Constrained(estimator, ["gender"], method=method).fit(X, y)


def test_weights_of_rows_are_never_ignored():
    X, y = people(200)
    model = quick()
    with pytest.raises(ModelError, match="counts every row once"):
        model.fit(X, y, sample_weight=np.linspace(1, 2, 200))
    equal = model.fit(X, y, sample_weight=np.full(200, 3.0)).predict(X)
    assert (equal == clone(model).fit(X, y).predict(X)).all()


@pytest.mark.parametrize("method", ["exponentiated gradient", "grid search"])
def test_one_group_only(method):
    X, y = people(60)
    with pytest.raises(DataError, match=r"all rows are of one group \(F\)"):
        Constrained(pipeline(), ["gender"], method=method).fit(X.assign(gender="F"), y)


@pytest.mark.parametrize(
    ("constraint", "method", "free"),
    [
        ("equalized odds", "exponentiated gradient", ["X"]),
        ("equalized odds", "grid search", ["X"]),
        ("equal opportunity", "exponentiated gradient", ["X"]),
        ("false positive rate parity", "exponentiated gradient", []),
        ("demographic parity", "grid search", []),
    ],
)
def test_a_group_with_one_label(constraint, method, free):
    X, y = people(300, 3)
    y[X["gender"] == "X"] = 0
    model = quick(constraint=constraint, method=method).fit(X, y)
    assert model.free_ == free
    assert set(model.predict(X)) <= {0, 1}


def test_one_label():
    X, _ = people(60)
    with pytest.raises(DataError, match="two labels"):
        Constrained(pipeline(), ["gender"]).fit(X, np.ones(60))


def test_an_estimator_that_fails_is_one_sentence():
    X, y = people(60)
    model = Constrained(LogisticRegression(), ["gender"], features=["town"])
    with pytest.raises(ModelError, match="could not fit LogisticRegression under demographic"):
        model.fit(X, y)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"constraint": "demografic parity"}, r"\$.constraint: .*\"demographic parity\""),
        ({"method": "grid-search"}, r"\$.method: .*\"grid search\""),
        ({"constraint": "bounded group loss"}, r"\$.bound: .* needs a bound"),
        ({"bound": 1.5}, r"\$.bound: must be from 0 to 1"),
        ({"eps": 0.0}, r"\$.eps: must be above 0"),
        ({"iterations": 0}, r"\$.iterations: must be at least 1"),
        ({"method": "grid search", "grid": 1}, r"\$.grid: must be at least 2"),
    ],
)
def test_options_out_of_range(options, path):
    X, y = people(60)
    with pytest.raises(SpecError, match=path):
        Constrained(pipeline(), ["gender"], **options).fit(X, y)
