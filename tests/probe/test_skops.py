import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from paribus.errors import ModelError, TrustError
from paribus.probe.file import FileProbe
from paribus.probe.skops import SkopsProbe

sio = pytest.importorskip("skops.io")


def halved(values: Any) -> Any:
    return values / 2


def pipeline(first: Any) -> Any:
    columns = make_column_transformer(
        (make_pipeline(first, StandardScaler()), ["age", "income"]),
        (OneHotEncoder(handle_unknown="ignore"), ["job"]),
        remainder="passthrough",
    )
    return make_pipeline(columns, LogisticRegression())


@pytest.mark.parametrize("kind", [FileProbe, SkopsProbe])
def test_a_pipeline(say, applicants, approved, tmp_path, kind) -> None:
    words = np.where(approved == 1, "yes", "no")
    model = pipeline(SimpleImputer()).fit(applicants, words)
    file = tmp_path / "loan.skops"
    sio.dump(model, file)
    opened = kind(path=str(file)).open(trust=False)
    assert opened.name == "ColumnTransformer > LogisticRegression (loan.skops)"
    assert opened.features == tuple(applicants.columns)
    assert opened.fingerprint == hashlib.sha256(file.read_bytes()).hexdigest()
    decisions = say(kind(path=str(file), favorable="yes"), applicants)
    np.testing.assert_array_equal(decisions, model.predict(applicants) == "yes")
    score = say(kind(path=str(file), outcome="score", favorable="no"), applicants)
    np.testing.assert_array_equal(score, model.predict_proba(applicants)[:, 0])


def test_a_forest_of_numbers(say, numbers, tmp_path) -> None:
    filled = numbers.fillna(0)
    model = RandomForestRegressor(3, random_state=0).fit(filled.to_numpy(), filled["age"])
    sio.dump(model, tmp_path / "age.skops")
    probe = FileProbe(path=str(tmp_path / "age.skops"), features=tuple(filled.columns))
    np.testing.assert_array_equal(say(probe, filled), model.predict(filled.to_numpy()))


def test_types_that_skops_does_not_know_take_trust(say, applicants, approved, tmp_path) -> None:
    model = pipeline(make_pipeline(SimpleImputer(), FunctionTransformer(halved)))
    model.fit(applicants, approved)
    file = tmp_path / "own.skops"
    sio.dump(model, file)
    with pytest.raises(TrustError, match="halved") as caught:
        FileProbe(path=str(file)).open(trust=False)
    assert caught.value.path == "$.model.path"
    assert "--trust" in caught.value.message


def test_with_trust_unknown_types_are_loaded(say, numbers, approved, tmp_path) -> None:
    filled = numbers.fillna(0)
    # A function that another distribution holds: not trusted by default, and importable here.
    model = make_pipeline(FunctionTransformer(__import__("numpy").ma.filled), LogisticRegression())
    model.fit(filled, approved)
    file = tmp_path / "own.skops"
    sio.dump(model, file)
    with pytest.raises(TrustError, match="pass --trust"):
        FileProbe(path=str(file)).open(trust=False)
    decisions = say(FileProbe(path=str(file)), filled, trust=True)
    np.testing.assert_array_equal(decisions, model.predict(filled))


def test_what_has_no_predict_is_no_model(tmp_path: Path) -> None:
    sio.dump(StandardScaler(), tmp_path / "scaler.skops")
    with pytest.raises(ModelError, match="StandardScaler has no predict method"):
        FileProbe(path=str(tmp_path / "scaler.skops")).open(trust=False)
