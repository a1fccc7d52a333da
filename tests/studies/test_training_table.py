"""The rows to learn from: what is found, what is derived, what is refused, and where."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

import paribus as pb
from paribus.auditing import declare, protected
from paribus.errors import DataError, SpecError
from paribus.people.fields.base import FIELDS
from paribus.probe._handed import probe_of
from paribus.studies._training_table import training_of
from paribus.table import Table


def rows(n=120, **more):
    rng = np.random.default_rng(0)
    income = rng.integers(20, 90, n)
    sex = rng.choice(["m", "f"], n)
    frame = pd.DataFrame({"sex": sex, "income": income, "paid": (income > 50).astype(int)})
    return frame.assign(**more)


CODE = {"kind": "map", "of": "sex", "map": {"m": 1, "f": 0}}


def trained(
    frame, label="paid", weight=None, *, model=None, features=("income",), fields=None,
    protect=None, favorable=1, path="$.mitigate.train",
):  # fmt: skip
    model = LogisticRegression() if model is None else model
    given = {"features": features, "favorable": favorable}
    audit = declare(
        probe=probe_of(model, {k: v for k, v in given.items() if v is not None}),
        protect={k: protected(v, "$.protect") for k, v in (protect or {"sex": ["m", "f"]}).items()},
        fields={k: FIELDS.parse(v, "$.fields") for k, v in (fields or {}).items()},
        name="t", seed=0, size=10, tolerance=None, confidence=0.95, cross=(),
    )  # fmt: skip
    opened = audit.probe.open(trust=False)
    return training_of(audit, opened, Table.of(frame, path=path), label, weight)


def fitted(labels, model=None):
    frame = rows()
    return (model or LogisticRegression()).fit(frame[["income"]], np.array(labels)[frame["paid"]])


# --- labels ---------------------------------------------------------------------------------------


def test_a_plain_table():
    training, notes = trained(rows())
    assert notes == ()
    assert training.label.tolist() == rows()["paid"].tolist()
    assert training.favorable == 1
    assert training.features == ("income",)
    assert training.good.sum() == rows()["paid"].sum()
    assert training.weight is None
    assert not training.matrix


PAID = rows()["paid"]


@pytest.mark.parametrize(
    "told",
    [PAID.astype(float), PAID.astype("Int64"), PAID.astype("category"), PAID.astype(bool),
     PAID.astype(str), PAID.astype(bool).astype("boolean"), PAID.astype("int8")],
    ids=lambda told: str(told.dtype),
)  # fmt: skip
@pytest.mark.parametrize("known", [(0, 1), (False, True)], ids=["numbers", "truth values"])
def test_labels_become_those_that_the_model_knows(told, known):
    favorable = known[1]
    if known[0] is False and pd.api.types.is_string_dtype(told.dtype):
        told = told.map({"0": "False", "1": "True"})
    frame = rows(paid=told)
    training, _ = trained(frame, model=fitted(known), features=None, favorable=favorable)
    assert training.label.tolist() == [known[k] for k in PAID]
    assert training.favorable is favorable or training.favorable == favorable
    assert (training.good == (PAID == 1)).all()


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
@pytest.mark.parametrize("dtype", ["object", "category"])
def test_labels_that_are_text(kind, dtype):
    told = PAID.map({0: "late", 1: "paid"}).astype(dtype)
    training, _ = trained(kind(rows(paid=told)), favorable="paid")
    assert (training.good == (PAID == 1)).all()
    assert set(training.label) == {"late", "paid"}


def test_polars_enumerations():
    frame = pl.from_pandas(rows(paid=PAID.map({0: "late", 1: "paid"}))).with_columns(
        pl.col("sex").cast(pl.Enum(["m", "f"])), pl.col("paid").cast(pl.Categorical)
    )
    training, _ = trained(frame, favorable="paid")
    assert (training.good == (PAID == 1)).all()
    assert training.groups.names == ("f", "m")


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
@pytest.mark.parametrize("model", [LogisticRegression(), fitted((0, 1))], ids=["new", "fitted"])
def test_rows_without_a_label_are_left_out(kind, model):
    frame = rows(paid=PAID.astype(float), people=np.arange(120) + 1.0)
    frame.loc[[3, 7], "paid"] = np.nan
    training, notes = trained(kind(frame), weight="people", model=model)
    assert notes == ("2 rows without a label were left out.",)
    assert len(training) == 118
    kept = np.delete(np.arange(120), [3, 7])
    assert (training.good == (PAID[kept] == 1)).all()
    assert training.weight.tolist() == (kept + 1).tolist()
    assert set(training.label) == {0, 1}


@pytest.mark.parametrize(
    ("changed", "options", "kind", "sentence"),
    [
        ({}, {"label": "piad"}, DataError,
         '$.mitigate.label: the training data have no column "piad"; did you mean "paid"?'),
        ({"paid": None}, {}, DataError,
         '$.mitigate.label: no row has a label: the column "paid" is empty'),
        ({"paid": 1}, {}, DataError,
         '$.mitigate.label: the column "paid" has 1 value (1) where a decision has two'),
        ({"paid": np.arange(120) % 9}, {}, DataError,
         '$.mitigate.label: the column "paid" has 9 values (0, 1, 2, 3, 4, 5, ...) where'),
        ({"paid": PAID.map({0: "late", 1: "paid"})},
         {"model": fitted((0, 1)), "features": None}, DataError,
         'is none of the answers that the model knows (0, 1)'),
        ({"paid": PAID.map({0: "late", 1: "paid"})}, {"favorable": None}, SpecError,
         '$.model.favorable: '),
        ({}, {"favorable": "yes"}, SpecError, "$.model.favorable: "),
        ({}, {"label": "sex"}, SpecError,
         '$.mitigate.label: "sex" is a protected attribute, not what happened'),
        ({}, {"features": ("income", "paid")}, SpecError,
         '$.mitigate.label: the model sees the label "paid" itself'),
    ],
)  # fmt: skip
def test_labels_that_make_no_sense(changed, options, kind, sentence):
    with pytest.raises(kind) as caught:
        trained(rows(**changed), **options)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


# --- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [np.arange(120), np.full(120, 0.5), pd.Series([3] * 120)])
def test_weights(weight):
    training, _ = trained(rows(people=weight), weight="people")
    assert training.weight.dtype == np.float64
    assert training.weight.tolist() == list(weight)


@pytest.mark.parametrize(
    "weight",
    [-1.0, 0.0, None, np.inf, np.nan, "many", [1.0] * 119 + [None], [1.0] * 119 + [-1.0]],
    ids=repr,
)
def test_weights_that_make_no_sense(weight):
    with pytest.raises(DataError, match=r"^\$\.mitigate\.weight: the weights \"people\" must be"):
        trained(rows(people=weight), weight="people")


def test_weights_that_are_not_there():
    with pytest.raises(DataError, match=r'^\$\.mitigate\.weight: .* no column "peple"'):
        trained(rows(people=1), weight="peple")
    with pytest.raises(SpecError, match=r'^\$\.mitigate\.weight: "paid" is the label'):
        trained(rows(), weight="paid")


# --- columns --------------------------------------------------------------------------------------


def test_what_a_model_that_is_not_fitted_would_see():
    training, _ = trained(rows(people=1.0), weight="people", features=None)
    assert training.features == ("sex", "income")


def test_an_attribute_may_be_a_feature():
    frame = rows(sex=np.tile([0, 1], 60))
    training, _ = trained(frame, features=("sex", "income"), protect={"sex": [0, 1]})
    assert training.features == ("sex", "income")
    assert training.closure == {"sex"}


def test_columns_that_the_model_sees_and_the_table_lacks():
    with pytest.raises(DataError, match=r'^\$\.mitigate\.train: .* "incom".* did you mean'):
        trained(rows(), features=("incom",))
    with pytest.raises(DataError, match=r'^\$\.mitigate\.train: .* no column "race"'):
        trained(rows(), protect={"race": ["a", "b"]})
    matrix = LogisticRegression().fit(rows()[["income"]].to_numpy(), PAID)
    with pytest.raises(SpecError, match=r"^\$\.model\.features: .* 1 columns and does not name"):
        trained(rows(), model=matrix, features=None)
    training, _ = trained(rows(), model=matrix, features=("income",))
    assert training.matrix


def test_a_column_with_two_names():
    twice = pd.concat([rows(), rows()[["income"]]], axis=1)
    with pytest.raises(
        DataError, match=r'^\$\.mitigate\.train: two columns have the name "income"'
    ):
        trained(twice)
    with pytest.raises(DataError, match=r"^\$\.mitigate\.train: names of columns must be text"):
        trained(rows().rename(columns={"income": 7}))


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
def test_a_column_that_follows_an_attribute_is_derived(kind):
    training, _ = trained(kind(rows()), features=("sex_code", "income"), fields={"sex_code": CODE})
    assert np.asarray(training.X["sex_code"]).tolist() == (rows()["sex"] == "m").tolist()
    assert training.closure == {"sex", "sex_code"}
    assert set(training.fields) == {"sex_code"}


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
def test_an_attribute_is_derived_from_what_follows_it(kind):
    frame = rows(sex_code=(rows()["sex"] == "m").astype(int)).drop(columns="sex")
    frame.loc[0, "sex_code"] = 7
    training, notes = trained(
        kind(frame), features=("sex_code", "income"), fields={"sex_code": CODE}
    )
    assert notes == ('"sex" was derived from a column that follows it.',)
    assert training.groups.names[0] == "f"
    sex = training.table.column("sex", slice(None)).arrow().to_pylist()
    assert sex[0] is None
    assert sex[1:] == rows()["sex"].tolist()[1:]


def test_what_cannot_be_derived():
    both_one = {"kind": "map", "of": "sex", "map": {"m": 1, "f": 1}}
    frame = rows(sex_code=1).drop(columns="sex")
    with pytest.raises(DataError, match=r'^\$\.mitigate\.train: .* no column "sex"'):
        trained(frame, features=("sex_code", "income"), fields={"sex_code": both_one})
    drawn = {"kind": "uniform", "low": 0, "high": 1}
    with pytest.raises(DataError, match=r'^\$\.mitigate\.train: .*"luck".* follows no other'):
        trained(rows(), features=("luck", "income"), fields={"luck": drawn})


@pytest.mark.parametrize(
    "model",
    [LogisticRegression(), XGBClassifier(n_estimators=2, n_jobs=1),
     LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1)],
    ids=lambda m: type(m).__name__,
)  # fmt: skip
@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
def test_derived_columns_can_be_learned_from(model, kind):
    training, _ = trained(
        kind(rows()), model=model, features=("sex_code", "income"), fields={"sex_code": CODE}
    )
    assert set(training.fit().predict(training.X)) == {0, 1}


# --- levels ---------------------------------------------------------------------------------------


def test_levels_that_nobody_has():
    training, notes = trained(rows(), protect={"sex": ["x", "m", "f"]})
    assert training.protect["sex"].levels == ("m", "f")
    assert notes == ("Nobody in the training data has the sex x.",)
    with pytest.raises(DataError, match=r"^\$\.mitigate\.train: fewer than two of the levels"):
        trained(rows(), protect={"sex": ["m", "x"]})


def test_the_reference_stays_where_it_occurs():
    levels = {"levels": ["x", "m", "f"], "reference": "f"}
    training, _ = trained(rows(), protect={"sex": levels})
    assert training.protect["sex"].reference == "f"
    gone = {"levels": ["x", "m", "f"], "reference": "x"}
    training, _ = trained(rows(), protect={"sex": gone})
    assert training.protect["sex"].reference_index == 0


def test_levels_and_people_beyond_those_declared():
    frame = rows()
    frame.loc[:9, "sex"] = None
    frame.loc[10:19, "sex"] = "d"
    training, notes = trained(frame)
    assert notes == ()
    assert training.groups.names == ("d", "f", "m", "(missing)")


@pytest.mark.parametrize("levels", [[25, 40], ["25", "40"]])
def test_levels_are_the_same_as_text_or_as_numbers(levels):
    for ages in ([25, 40], ["25", "40"], [25.0, 40.0]):
        training, notes = trained(rows(age=np.tile(ages, 60)), protect={"age": levels})
        assert notes == ()
        assert len(training.protect["age"].levels) == 2


def test_a_whole_comparison_of_an_arrow_table():
    frame = rows(600)
    results = [
        pb.mitigate(
            LogisticRegression(), train=kind(frame), label="paid", protect={"sex": ["m", "f"]},
            features=["income"], candidates=["reweigh"], favorable=1, workers=1,
        )
        for kind in (pd.DataFrame, pa.Table.from_pandas)
    ]  # fmt: skip
    one, other = (r.comparison.candidates for r in results)
    assert [c.score for c in one] == [c.score for c in other]
    assert [c.failed for c in other] == ["", ""]
