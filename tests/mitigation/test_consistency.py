"""The twin-consistency penalty: what it minimizes, what twins are told then, and for whom."""

import warnings
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.optimize
import skops.io as sio
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

import paribus as pb
from paribus._text import number
from paribus.errors import DataError, ModelError, SpecError
from paribus.mitigation.base import MITIGATIONS, Training
from paribus.mitigation.consistency import Consistency
from paribus.people.population import Protected
from paribus.table import Table

GENDER = {"gender": Protected(levels=("Male", "Female"))}
CODE = {"gender_code": pb.map_of("gender", {"Male": 1, "Female": 0})}


def loan(n: int = 800, seed: int = 0) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(seed)
    gender = rng.choice(["Male", "Female"], n)
    income = rng.integers(30_000, 120_000, n)
    frame = pd.DataFrame({"gender": gender, "income": income, "gender_code": gender == "Male"})
    return frame.astype({"gender_code": int}), np.where(
        (gender == "Male") | (income > 80_000), "yes", "no"
    )


def of_loan(estimator: Any = None, frame: Any = None, **more: Any) -> Training:
    made, label = loan()
    learner = make_pipeline(StandardScaler(), tight()) if estimator is None else estimator
    table = Table.of(made if frame is None else frame)
    features = ("income", "gender_code")
    return Training(table, label, "yes", learner, features, GENDER, CODE, **more)


def tight(**options: Any) -> LogisticRegression:
    return LogisticRegression(**({"tol": 1e-9, "max_iter": 5_000} | options))


def hiring(n: int = 900, seed: int = 0) -> tuple[pd.DataFrame, Any]:
    """Two attributes, one with three levels, both with missing values; text in every column."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "gender": rng.choice(["m", "f"], n).astype(object),
            "race": rng.choice(["a", "b", "c"], n).astype(object),
            "income": rng.normal(size=n),
            "city": rng.choice(["x", "y"], n),
        }
    )
    bonus = (frame["gender"] == "m") * 2.0 - (frame["race"] == "c") * 2.0
    bonus += ((frame["gender"] == "m") & (frame["race"] == "b")) * 2.0
    frame.loc[rng.random(n) < 0.1, "gender"] = None
    frame.loc[rng.random(n) < 0.1, "race"] = None
    return frame, frame["income"] + bonus + rng.normal(size=n) > 0


def of_hiring(frame: Any = None, degree: int = 2, **more: Any) -> Training:
    made, label = hiring()
    table = Table.of(made if frame is None else frame)
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["gender", "race", "city"]),
        (StandardScaler(), ["income"]),
    )
    interact = PolynomialFeatures(degree, interaction_only=True, include_bias=False)
    learner = Pipeline(
        [("encode", encoder), ("model", make_pipeline(interact, LogisticRegression(max_iter=500)))]
    )
    protect = {
        "gender": Protected(levels=("m", "f")),
        "race": Protected(levels=("a", "b", "c"), reference="b"),
    }
    features = ("gender", "race", "income", "city")
    return Training(table, label, True, learner, features, protect, **more)


def flips(model: Any, frame: pd.DataFrame, column: str, levels: list[Any]) -> float:
    told = [model.predict(frame.assign(**{column: level})) for level in levels]
    return float(np.mean([(other != told[0]).mean() for other in told[1:]]))


def margins(model: Any, frame: Any, **values: Any) -> Any:
    return model.decision_function(frame.assign(**values))


# --- what is minimized ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"C": 0.03},
        {"C": np.inf},
        {"fit_intercept": False},
        {"class_weight": "balanced"},
        {"class_weight": {"yes": 0.2, "no": 3.0}},
        {"solver": "liblinear", "C": 0.05, "intercept_scaling": 2.0},
        {"solver": "newton-cholesky"},
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_strength_zero_is_the_plain_regression(options: dict[str, Any], weighted: bool) -> None:
    # Noise, so that no plane parts the labels and no penalty is needed.
    training = of_loan(make_pipeline(StandardScaler(), tight(**options)))
    rng = np.random.default_rng(1)
    label = np.where(rng.random(800) < 0.2, rng.permutation(training.label), training.label)
    weight = rng.exponential(size=800) if weighted else None
    training = training.of(label=label, weight=weight)
    plain, made = training.plain[-1], Consistency(strength=0).mend(training).model[-1]
    assert made.coef_ == pytest.approx(plain.coef_, rel=1e-4, abs=1e-5)
    assert made.intercept_ == pytest.approx(plain.intercept_, rel=1e-4, abs=1e-5)
    assert made.coef_.shape == plain.coef_.shape
    assert made.intercept_.shape == plain.intercept_.shape
    assert made.n_iter_.shape == plain.n_iter_.shape


@pytest.mark.filterwarnings("ignore:.*penalty.*:FutureWarning")
def test_no_penalty_by_its_old_name() -> None:
    training = of_loan(tight(penalty=None, solver="newton-cholesky"))
    rng = np.random.default_rng(1)
    label = np.where(rng.random(800) < 0.2, rng.permutation(training.label), training.label)
    frame = training.frame.assign(income=training.frame["income"] / 1e5)
    training = training.of(label=label, table=Table.of(frame))
    made = Consistency(strength=0).mend(training).model
    assert made.coef_ == pytest.approx(training.plain.coef_, rel=1e-4)


@pytest.mark.parametrize("strength", [0.1, 3.0])
def test_two_levels_are_counterfactual_logit_pairing(strength: float) -> None:
    # Garg et al. (2019), with squares: loss + strength * mean of (margin - twin's margin)^2 / 2.
    training = of_loan(weight=np.random.default_rng(0).exponential(size=800))
    w = training.weight
    assert w is not None
    scale = StandardScaler().fit(training.X)
    Z = scale.transform(training.X)
    twin = scale.transform(training.X.assign(gender_code=1 - training.X["gender_code"]))
    sign = np.where(training.label == "yes", 1, -1)

    def objective(at: Any) -> float:
        m = Z @ at[:2] + at[2]
        t = twin @ at[:2] + at[2]
        loss = np.logaddexp(0, -sign * m) + strength * (m - t) ** 2 / 2
        return float(w @ loss + at[:2] @ at[:2] / 2)

    best = scipy.optimize.minimize(objective, np.zeros(3), method="BFGS", options={"gtol": 1e-4})
    made = Consistency(strength=strength).mend(training).model[-1]
    assert made.coef_[0] == pytest.approx(best.x[:2], abs=1e-4)
    assert made.intercept_[0] == pytest.approx(best.x[2], abs=1e-4)


@pytest.mark.parametrize("attributes", [("race",), ("gender", "race")])
def test_levels_and_cells_pay_for_their_sample_variance(attributes: tuple[str, ...]) -> None:
    training = of_hiring()
    frame = training.frame
    training = training.of(protect={name: training.protect[name] for name in attributes})
    model = training.plain

    def entered(**values: Any) -> Any:
        Z = model[:-1].transform(frame.assign(**values)[list(training.features)])
        return model[-1][:-1].transform(Z)

    families = [[entered(race=race) for race in "abc"]]
    if "gender" in attributes:
        families.append([entered(gender=gender) for gender in "mf"])
        families.append([entered(gender=gender, race=race) for gender in "mf" for race in "abc"])
    Z, sign = entered(), np.where(training.label, 1, -1)

    def objective(at: Any) -> float:
        m = Z @ at[:-1] + at[-1]
        each = [np.var([v @ at[:-1] for v in family], axis=0, ddof=1) for family in families]
        total = np.logaddexp(0, -sign * m).sum() + 2.0 * np.mean(each, axis=0).sum()
        return float(total + at[:-1] @ at[:-1] / 2)

    made = Consistency(strength=2.0).mend(training).model[-1][-1]
    found = np.append(made.coef_[0], made.intercept_)
    slope = scipy.optimize.approx_fprime(found, objective, 1e-6)
    assert np.abs(slope).max() < 0.02


# --- what twins are told --------------------------------------------------------------------------


def test_flips_of_the_loan_model_vanish() -> None:
    training = of_loan()
    fresh = loan(20_000, seed=9)[0][["income", "gender_code"]]
    plain, mended = training.plain, Consistency().mend(training)
    assert flips(plain, fresh, "gender_code", [1, 0]) > 0.5
    assert flips(mended.model, fresh, "gender_code", [1, 0]) < 0.001
    assert set(mended.model.predict(fresh)) == {"yes", "no"}
    gaps = margins(mended.model, fresh, gender_code=1)
    gaps = gaps - margins(mended.model, fresh, gender_code=0)
    # All gaps of a model without interactions are one.
    assert f"are {number(float(gaps[0]))} apart now" in mended.notes[0]


def test_strength_brings_twins_together() -> None:
    training, last = of_loan(), np.inf
    for strength in (0, 0.1, 10, 1e3, 1e6):
        model = Consistency(strength=strength).mend(training).model
        X = training.X
        apart = np.abs(margins(model, X, gender_code=1) - margins(model, X, gender_code=0)).max()
        assert apart < last
        last = apart
    assert last < 1e-5
    blind = make_pipeline(StandardScaler(), tight()).fit(training.X[["income"]], training.label)
    # What is left is the regression that does not see the gender.
    assert model.decision_function(X) == pytest.approx(
        blind.decision_function(X[["income"]]), abs=1e-4
    )


def test_interactions_and_crossed_groups_are_held_too() -> None:
    training = of_hiring()
    frame, _ = hiring(3_000, seed=5)
    X = frame[list(training.features)]
    plain, model = training.plain, Consistency().mend(training).model

    def cells(model: Any) -> float:
        told = [margins(model, X, gender=g, race=r) for g in "mf" for r in "abc"]
        return float(np.ptp(told, axis=0).max())

    assert cells(plain) > 3
    assert cells(model) < 0.05
    for name, levels in (("gender", ["m", "f"]), ("race", ["a", "b", "c"])):
        assert flips(plain, X, name, levels) > 0.1
        assert flips(model, X, name, levels) < 0.002


def test_the_reference_makes_no_difference() -> None:
    training = of_hiring()
    turned = dict(training.protect)
    turned["race"] = Protected(levels=("c", "a", "b"), reference="c")
    one = Consistency(strength=1).mend(training).model.decision_function(training.X)
    other = Consistency(strength=1).mend(training.of(protect=turned)).model
    assert other.decision_function(training.X) == pytest.approx(one, abs=1e-6)


def test_text_that_follows_an_attribute() -> None:
    rng = np.random.default_rng(0)
    gender = rng.choice(["Male", "Female"], 400)
    names = {"Male": ["Al", "Bo", "Cy"], "Female": ["Di", "Eve", "Flo"]}
    frame = pd.DataFrame(
        {"gender": gender, "years": rng.normal(size=400)}
        | {"name": [names[g][i] for g, i in zip(gender, rng.integers(0, 3, 400), strict=True)]}
    )
    label = (gender == "Male") | (frame["years"] > 0).to_numpy()
    words = make_column_transformer((CountVectorizer(), "name"), (StandardScaler(), ["years"]))
    follows = {"gender": {"Male": "MALE", "Female": "FEMALE"}}
    fields = {"name": pb.mimesis("person.first_name", follows=follows)}
    learner = make_pipeline(words, LogisticRegression())
    training = Training(Table.of(frame), label, True, learner, ("name", "years"), GENDER, fields)
    mended = Consistency().mend(training)
    assert mended.notes[0].startswith("The log odds of twins were ")
    assert np.isfinite(mended.model[-1].coef_).all()


# --- for whom -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["polars", "matrix", "sparse", "float32"])
def test_any_frame_gives_the_same_model(kind: str) -> None:
    wanted = Consistency().mend(of_loan()).model
    frame, _ = loan()
    X = frame[["income", "gender_code"]]
    if kind == "polars":
        training = of_loan(frame=pl.from_pandas(frame))
        told = Consistency().mend(training).model.decision_function(training.X)
    elif kind == "matrix":
        training = of_loan(matrix=True)
        told = Consistency().mend(training).model.decision_function(X.to_numpy(float))
    elif kind == "float32":
        frame["income"] = frame["income"].astype(np.float32)
        training = of_loan(frame=frame)
        told = Consistency().mend(training).model.decision_function(training.X)
    else:
        sparse = make_pipeline(
            make_column_transformer(
                (StandardScaler(), ["income", "gender_code"]), sparse_threshold=1.0
            ),
            OneHotEncoder(handle_unknown="ignore"),
            tight(),
        )
        training = of_loan(sparse)
        dense = of_loan(
            make_pipeline(*(step for _, step in sparse.steps[:-1]), tight()).set_params(
                onehotencoder__sparse_output=False
            )
        )
        told = Consistency().mend(training).model.decision_function(X)
        wanted = Consistency().mend(dense).model
    assert told == pytest.approx(wanted.decision_function(X), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("polars", [False, True])
def test_missing_attributes_and_categories(polars: bool) -> None:
    frame, _ = hiring()
    frame = frame.astype({"gender": "category", "race": "category"})
    training = of_hiring(pl.from_pandas(frame) if polars else frame)
    model = Consistency().mend(training).model
    assert np.isfinite(model.decision_function(training.X)).all()
    moved = of_hiring().X.assign(race="a"), of_hiring().X.assign(race="c")
    if polars:
        moved = pl.from_pandas(moved[0]), pl.from_pandas(moved[1])
    assert model.decision_function(moved[0]) == pytest.approx(
        model.decision_function(moved[1]), abs=0.05
    )


def test_a_field_of_a_missing_level_stays_as_it_is() -> None:
    frame, label = loan()
    frame["gender"] = frame["gender"].astype(object)
    frame.loc[:80, "gender"] = None
    training = of_loan(frame=frame).of(label=label)
    X = training.X
    model = Consistency().mend(training).model
    assert margins(model, X, gender_code=1) == pytest.approx(
        margins(model, X, gender_code=0), abs=0.02
    )


def test_nothing_of_the_caller_changes_and_the_result_is_their_own() -> None:
    training = of_loan()
    before = training.frame.copy()
    plain = training.plain
    coef = plain[-1].coef_.copy()
    mended = Consistency().mend(training)
    again = Consistency().mend(of_loan())
    pd.testing.assert_frame_equal(training.frame, before)
    assert training.plain is plain
    assert (plain[-1].coef_ == coef).all()
    assert not hasattr(training.estimator[-1], "coef_")
    assert (again.model[-1].coef_ == mended.model[-1].coef_).all()
    assert type(mended.model) is Pipeline
    assert list(mended.model.feature_names_in_) == ["income", "gender_code"]
    dumped = sio.dumps(mended.model)
    assert not [t for t in sio.get_untrusted_types(data=dumped) if "paribus" in t]
    loaded = sio.loads(dumped, trusted=sio.get_untrusted_types(data=dumped))
    assert (loaded.predict_proba(training.X) == mended.model.predict_proba(training.X)).all()


def test_blind_models_have_nothing_to_penalize() -> None:
    training = of_loan().of(features=("income",))
    mended = Consistency().mend(training)
    assert mended.model.predict(training.X).tolist() == training.plain.predict(training.X).tolist()
    assert mended.notes == (
        "Twins do not differ in what the model sees: there is nothing to penalize.",
    )


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (RandomForestClassifier(), "not RandomForestClassifier"),
        (make_pipeline(StandardScaler(), lgb.LGBMClassifier()), "not LGBMClassifier"),
        (LogisticRegressionCV(), "not LogisticRegressionCV"),
        (LogisticRegression(l1_ratio=0.5, solver="saga", penalty="elasticnet"), "l1 in it"),
        (LogisticRegression(penalty="l1", solver="liblinear"), "l1 in it"),
        (LogisticRegression(), None),
    ],
    ids=["forest", "boosted", "cv", "elasticnet", "l1", "l2"],
)
def test_estimators_that_it_takes(estimator: Any, said: str | None) -> None:
    frame, _ = loan()
    training = of_loan(estimator, frame.assign(income=frame["income"] / 1e5))
    if said is None:
        assert type(Consistency().mend(training).model) is LogisticRegression
        return
    with pytest.raises(ModelError, match=said):
        Consistency().mend(training)


def test_a_mix_without_a_name_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = LogisticRegression(solver="saga").set_params(l1_ratio=1.0)
    if getattr(estimator, "penalty", "deprecated") != "deprecated":
        pytest.skip("before scikit-learn 1.8 the mix of an l2 penalty means nothing")
    with pytest.raises(ModelError, match="l1 in it"):
        Consistency().mend(of_loan(estimator))


def test_steps_that_refuse_twins_are_named() -> None:
    frame, label = hiring(60)
    frame["race"] = "a"
    frame.loc[:2, "race"] = ["b", "b", "c"]
    strict = make_column_transformer((OneHotEncoder(categories=[["a", "b"]]), ["race"]))
    training = Training(
        Table.of(frame[3:]), label[3:].to_numpy(), True,
        make_pipeline(strict, LogisticRegression()), ("race",),
        {"race": Protected(levels=("a", "b"))},
    )  # fmt: skip
    with pytest.raises(DataError, match='no row has the level "b"'):
        Consistency().mend(training)
    code = {"race_code": pb.map_of("race", {"a": "A", "b": "B"})}
    coded = Table.of(frame.drop(index=2).assign(race_code="A").reset_index(drop=True))
    strict = make_column_transformer((OneHotEncoder(), ["race_code"]))
    learner = make_pipeline(strict, LogisticRegression())
    training = Training(
        coded, np.arange(59) % 2, 1, learner, ("race_code",),
        {"race": Protected(levels=("a", "b"))}, code,
    )  # fmt: skip
    with pytest.raises(ModelError, match=r"do not take the twins.*handle_unknown"):
        Consistency().mend(training)


def test_requests_that_make_no_sense() -> None:
    training = of_loan()
    with pytest.raises(DataError, match="two labels"):
        Consistency().mend(training.of(label=np.full(800, "yes")))
    with pytest.raises(SpecError, match=r"\$.strength"):
        Consistency(strength=-1)
    made = MITIGATIONS.parse({"kind": "consistency", "strength": 3})
    assert made == Consistency(strength=3)
    assert made.stage == "training"
