import hashlib
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from paribus.errors import ModelError, TrustError
from paribus.probe.file import FileProbe
from paribus.probe.pickle import PickleProbe


class Poison:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("kind", [FileProbe, PickleProbe])
@pytest.mark.parametrize("name", ["loan.pkl", "loan.pickle", "loan.joblib"])
def test_a_pickled_model(say, numbers, approved, tmp_path, kind, name) -> None:
    filled = numbers.fillna(0) / [10, 10_000, 1]
    model = LogisticRegression().fit(filled, np.where(approved == 1, "yes", "no"))
    file = tmp_path / name
    if name.endswith("joblib"):
        joblib.dump(model, file, compress=3)
    else:
        file.write_bytes(pickle.dumps(model))
    opened = kind(path=str(file)).open(trust=True)
    assert opened.name == f"LogisticRegression ({name})"
    assert opened.fingerprint == hashlib.sha256(file.read_bytes()).hexdigest()
    score = say(kind(path=str(file), outcome="score", favorable="yes"), filled, trust=True)
    np.testing.assert_array_equal(score, model.predict_proba(filled)[:, 1])


def test_nothing_is_loaded_without_trust(tmp_path: Path) -> None:
    file, mark = tmp_path / "loan.pkl", tmp_path / "mark"
    file.write_bytes(pickle.dumps(Poison(mark)))
    with pytest.raises(TrustError) as caught:
        FileProbe(path=str(file)).open(trust=False)
    assert not mark.exists()
    assert caught.value.path == "$.model.path"
    assert "--trust" in caught.value.message
    assert "ONNX, skops" in caught.value.message
    with pytest.raises(ModelError, match="holds a NoneType, which has no predict method"):
        FileProbe(path=str(file)).open(trust=True)
    assert mark.exists()


def test_a_function(say, numbers, tmp_path) -> None:
    file = tmp_path / "mean.pkl"
    file.write_bytes(pickle.dumps(np.isnan))
    opened = FileProbe(path=str(file)).open(trust=True)
    assert opened.name == "isnan (mean.pkl)"
    assert opened.sees_everything
    probe = FileProbe(path=str(file), features=("income",), outcome="decision", favorable=True)
    assert not probe.open(trust=True).sees_everything
    np.testing.assert_array_equal(say(probe, numbers, trust=True), numbers["income"].isna())


def test_a_module_that_is_not_installed(tmp_path: Path) -> None:
    file = tmp_path / "loan.pkl"
    file.write_bytes(b"cno_such_module\nModel\n.")
    with pytest.raises(ModelError, match="takes the module no_such_module"):
        FileProbe(path=str(file)).open(trust=True)
