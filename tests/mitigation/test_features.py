"""Columns left out or residualized: what is dropped, what is kept, and what is said of it."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import skops.io
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import paribus as pb
from paribus.errors import ModelError, SpecError
from paribus.mitigation.base import MITIGATIONS, Training
from paribus.mitigation.drop_attribute import DropAttribute
from paribus.mitigation.drop_proxies import DropProxies
from paribus.mitigation.residualize import Residualize
from paribus.people.population import Protected
from paribus.table import Table

CODE = {"gender_code": pb.map_of("gender", {"Male": 1, "Female": 0})}
FEATURES = ("income", "gender_code", "hobby", "noise")


def people(n=2_000, seed=0):
    """Give people whose gender is a code, nearly their hobby, and a part of their income."""
    random = np.random.default_rng(seed)
    male = random.integers(0, 2, n)
    told = np.where(random.random(n) < 0.85, male, 1 - male)
    frame = pd.DataFrame(
        {
            "gender": np.array(["Female", "Male"], object)[male],
            "race": np.array(["a", "b", "c"], object)[random.integers(0, 3, n)],
            "income": random.normal(size=n) + 0.25 * male,
            "gender_code": male,
            "hobby": np.array(["chess", "football"], object)[told],
            "noise": random.normal(size=n),
        }
    )
    y = (frame["income"] + male + 0.5 * told + random.normal(size=n) > 1).astype(int).to_numpy()
    return frame, y


def pipeline(model=None):
    columns = ColumnTransformer(
        [
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["hobby", "gender_code"]),
            ("numbers", StandardScaler(), ["income", "noise"]),
        ]
    )
    return make_pipeline(columns, model or LogisticRegression())


def training(frame=None, y=None, **options):
    if frame is None:
        frame, y = people()
    given = {
        "estimator": pipeline(),
        "features": FEATURES,
        "protect": {"gender": Protected(levels=("Male", "Female"))},
        "fields": CODE,
        "favorable": 1,
    }
    return Training(table=Table.of(frame), label=y, **(given | options))


def flips(model, frame):
    """Give the share of people whose decision changes with their gender."""
    other = frame.assign(
        gender=frame["gender"].map({"Male": "Female", "Female": "Male"}),
        gender_code=1 - frame["gender_code"],
    )
    return float((model.predict(frame) != model.predict(other)).mean())


@pytest.mark.parametrize("kind", ["drop_attribute", "drop_proxies", "residualize"])
def test_kinds_are_found_by_their_names(kind):
    loaded = MITIGATIONS.load(kind)
    assert loaded.stage == "features"
    assert MITIGATIONS.sentence(kind).endswith(".")


# --- drop the attribute ---------------------------------------------------------------------------


def test_twins_agree_once_the_attribute_is_dropped():
    frame, y = people()
    given = training(frame, y)
    assert flips(given.plain, frame) > 0.05
    mended = DropAttribute().mend(given)
    assert flips(mended.model, frame) == 0
    assert mended.model.feature_names_in_.tolist() == ["income", "hobby", "noise"]
    assert mended.notes[0] == "The model no longer looks at gender_code."
    men = frame["gender"] == "Male"
    said = mended.model.predict(frame)
    assert said[men].mean() - said[~men].mean() > 0.05  # the hobby still tells


def test_the_attribute_itself_and_several_attributes_are_dropped():
    frame, y = people()
    protect = {"gender": Protected(levels=("Male", "Female")), "race": Protected(levels=("a", "b"))}
    columns = ColumnTransformer(
        [("texts", OneHotEncoder(), ["race", "gender"])], remainder=StandardScaler()
    )
    given = training(
        frame, y, protect=protect, features=("race", "income", "gender", "gender_code"),
        estimator=make_pipeline(columns, DecisionTreeClassifier(random_state=0)),
    )  # fmt: skip
    mended = DropAttribute().mend(given)
    assert mended.notes[0] == "The model no longer looks at race, gender, gender_code."
    assert mended.model.feature_names_in_.tolist() == ["income"]


@pytest.mark.parametrize("kind", [DropAttribute(), DropProxies(), Residualize()])
def test_polars_strings_boosters_and_weights_do(kind):
    frame, y = people()
    labels = np.array(["no", "yes"])[y]
    given = training(frame, labels, favorable="yes")
    one = kind.mend(given).model.predict(frame)
    assert set(one) == {"no", "yes"}
    for other in (pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        given = training(other, labels, favorable="yes")
        assert np.array_equal(kind.mend(given).model.predict(other), one)
    weight = np.where(y == 1, 5.0, 1.0)
    heavy = kind.mend(training(frame, labels, favorable="yes", weight=weight)).model.predict(frame)
    assert (heavy == "yes").mean() > (one == "yes").mean() + 0.05
    boosted = frame.assign(hobby=frame["hobby"].astype("category"))
    trees = LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1)
    model = kind.mend(training(boosted, y, estimator=trees)).model
    if not isinstance(kind, Residualize):
        assert flips(model, boosted) == 0
    saved = skops.io.dumps(model)
    again = skops.io.loads(saved, trusted=skops.io.get_untrusted_types(data=saved))
    assert np.array_equal(again.predict(boosted), model.predict(boosted))


def test_there_must_be_something_to_drop_and_something_to_keep():
    frame, y = people()
    numbers = {"estimator": LogisticRegression()}
    with pytest.raises(ModelError, match="there is nothing to drop"):
        DropAttribute().mend(training(frame, y, features=("income", "noise"), **numbers))
    with pytest.raises(ModelError, match="nothing is left to decide by"):
        DropAttribute().mend(training(frame, y, features=("gender_code",), **numbers))
    with pytest.raises(ModelError, match="nothing is left to decide by"):
        Residualize().mend(training(frame, y, features=("gender_code",), **numbers))


# --- drop proxies ---------------------------------------------------------------------------------


def test_a_planted_proxy_is_found_and_the_rest_is_kept():
    frame, y = people()
    given = training(frame, y)
    mended = DropProxies().mend(given)
    assert mended.model.feature_names_in_.tolist() == ["income", "noise"]
    assert flips(mended.model, frame) == 0
    # On all rows, chess alone tells as well as on those that were held out.
    area = roc_auc_score(frame["gender"] == "Male", frame["hobby"] == "football")
    (note,) = [n for n in mended.notes if n.startswith("The model no longer looks at")]
    told = note.partition("hobby (AUC ")[2].partition(" of gender)")[0]
    assert float(told) == pytest.approx(area, abs=0.03)
    assert "gender_code (follows gender, AUC 1.00 of gender)" in note
    again = DropProxies().mend(training(frame, y))
    assert again.notes == mended.notes


def test_strength_says_what_counts():
    frame, y = people(4_000)
    men = frame["gender"] == "Male"
    assert 0.54 < roc_auc_score(men, frame["income"]) < 0.6
    dropped = DropProxies(strength=0.52).mend(training(frame, y)).model
    assert dropped.feature_names_in_.tolist() == ["noise"]
    kept = DropProxies(strength=0.95).mend(training(frame, y)).model
    assert kept.feature_names_in_.tolist() == ["income", "hobby", "noise"]


def test_chance_is_no_proxy():
    found = 0
    for seed in range(40):
        frame, y = people(60, seed)
        # Of thirty rows that were held out, the areas of noise are above .6 in every fifth table.
        model = DropProxies().mend(training(frame, y, estimator=pipeline())).model
        found += "noise" not in model.feature_names_in_
    assert found <= 4


def test_declared_proxies_are_dropped_and_others_stay():
    frame, y = people()
    mended = DropProxies(columns=("noise",)).mend(training(frame, y))
    assert mended.model.feature_names_in_.tolist() == ["income", "hobby"]
    assert "noise (AUC 0.5" in mended.notes[0] or "noise (AUC 0.4" in mended.notes[0]


def test_what_must_be_kept_is_kept_and_said():
    frame, y = people()
    mended = DropProxies(keep=("hobby",)).mend(training(frame, y))
    assert mended.model.feature_names_in_.tolist() == ["income", "hobby", "noise"]
    (note,) = [n for n in mended.notes if n.startswith("Kept as declared: hobby (AUC 0.8")]
    assert note.endswith("of gender).")
    mended = DropProxies(keep=("gender_code",)).mend(training(frame, y))
    assert mended.model.feature_names_in_.tolist() == ["income", "gender_code", "noise"]


def test_a_column_may_tell_one_of_several_attributes():
    frame, y = people()
    frame["race"] = np.where(frame["noise"] > 0.5, "b", "a")
    frame.loc[::9, "race"] = None
    protect = {"gender": Protected(levels=("Male", "Female")), "race": Protected(levels=("a", "b"))}
    mended = DropProxies().mend(training(frame, y, protect=protect))
    assert mended.model.feature_names_in_.tolist() == ["income"]
    assert "noise (AUC 1.00 of race)" in mended.notes[0]


def test_where_a_group_has_one_member_nothing_is_found():
    frame, y = people(300)
    frame["gender"] = np.where(np.arange(300) == 7, "Female", "Male")
    mended = DropProxies().mend(training(frame, y))
    assert mended.model.feature_names_in_.tolist() == ["income", "hobby", "noise"]
    assert any("too few people of two groups of gender" in note for note in mended.notes)


def test_proxies_that_cannot_be_dropped():
    frame, y = people()
    numbers = {"estimator": LogisticRegression()}
    with pytest.raises(ModelError, match="none would be left to decide by"):
        DropProxies(columns=("income", "hobby", "noise")).mend(training(frame, y))
    alone = training(frame, y, features=("income", "noise"), fields={}, **numbers)
    with pytest.raises(ModelError, match=r"no column alone tells one with an AUC above 0\.6, so"):
        DropProxies().mend(alone)
    with pytest.raises(ModelError, match="no column is declared to stand for one, so there is no"):
        DropProxies(columns=()).mend(alone)
    told = frame.assign(noise=frame["gender_code"])
    given = training(told, y, features=("income", "noise"), fields={}, **numbers)
    with pytest.raises(ModelError, match="noise must be kept, so there is nothing to drop"):
        DropProxies(keep=("noise",)).mend(given)
    with pytest.raises(SpecError, match=r'columns\[0\]: "hoby" is no feature.*mean "hobby"'):
        DropProxies(columns=("hoby",)).mend(training(frame, y))
    with pytest.raises(SpecError, match=r'keep\[0\]: "gender" is no feature'):
        DropProxies(keep=("gender",)).mend(training(frame, y))
    with pytest.raises(SpecError, match="both to be kept and to be dropped"):
        DropProxies(columns=("hobby",), keep=("hobby",)).mend(training(frame, y))
    with pytest.raises(SpecError, match="strength"):
        DropProxies(strength=0.4)


# --- residualize ----------------------------------------------------------------------------------


def test_numbers_are_freed_of_the_attribute():
    frame, y = people()
    mended = Residualize().mend(training(frame, y))
    left = mended.model.residuals(frame)
    male = (frame["gender"] == "Male").astype(float)
    assert abs(np.corrcoef(left["income"], male)[0, 1]) < 1e-12
    assert np.corrcoef(frame["income"], male)[0, 1] > 0.05
    assert left["gender_code"].nunique() == 1
    assert mended.model.feature_names_in_.tolist() == ["income", "hobby", "noise", "gender"]
    assert mended.notes == (
        "Took what is linear in gender out of 2 columns of numbers: income, noise.",
        "The model no longer looks at gender_code.",
        "As they were: hobby.",
        "People who differ in gender alone are shown to it with different numbers, so their "
        "answers may differ.",
        "The model must be told gender of everybody about whom it decides, which may itself be "
        "unlawful.",
    )


def test_options_of_residualize():
    frame, y = people()
    mended = Residualize(alpha=0.5, columns=("income",)).mend(training(frame, y))
    assert mended.notes[0] == (
        "Took 0.5 of what is linear in gender out of 1 column of numbers: income."
    )
    whole = Residualize(columns=("income",)).mend(training(frame, y)).model
    halved = mended.model.residuals(frame)["income"] - frame["income"]
    full = whole.residuals(frame)["income"] - frame["income"]
    assert 2 * halved.to_numpy() == pytest.approx(full.to_numpy())
    with pytest.raises(SpecError, match="alpha"):
        Residualize(alpha=1.1)
    with pytest.raises(SpecError, match=r"columns\[0\].*no feature of the model; did you mean"):
        Residualize(columns=("incme",)).mend(training(frame, y))
    with pytest.raises(SpecError, match=r"columns\[1\].*left out altogether"):
        Residualize(columns=("income", "gender_code")).mend(training(frame, y))
    with pytest.raises(SpecError, match=r'columns: the column "hobby" holds no numbers'):
        Residualize(columns=("hobby",)).mend(training(frame, y))
