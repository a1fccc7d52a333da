import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from paribus.errors import ModelError, TrustError
from paribus.probe.file import FileProbe
from paribus.probe.skops import SkopsProbe

sio = pytest.importorskip("skops.io")


def own_a(values: Any) -> Any:
    return values


def own_b(values: Any) -> Any:
    return values


def own_c(values: Any) -> Any:
    return values


def own_d(values: Any) -> Any:
    return values


def own_e(values: Any) -> Any:
    return values


def own_f(values: Any) -> Any:
    return values


@pytest.mark.parametrize("kind", [FileProbe, SkopsProbe])
def test_a_pipeline(say, numbers, approved, tmp_path, kind) -> None:
    filled = numbers.fillna(50_000)
    words = np.where(approved == 1, "yes", "no")
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(filled, words)
    file = tmp_path / "loan.skops"
    sio.dump(model, file)
    opened = kind(path=str(file)).open(trust=False)
    assert opened.name == "StandardScaler > LogisticRegression (loan.skops)"
    assert opened.features == tuple(numbers.columns)
    assert opened.fingerprint == hashlib.sha256(file.read_bytes()).hexdigest()
    decisions = say(kind(path=str(file), favorable="yes"), filled)
    np.testing.assert_array_equal(decisions, model.predict(filled) == "yes")
    score = say(kind(path=str(file), outcome="score", favorable="no"), filled)
    np.testing.assert_array_equal(score, model.predict_proba(filled)[:, 0])


def test_what_skops_does_not_hold_for_safe_takes_trust(say, numbers, tmp_path) -> None:
    forest = RandomForestRegressor(3, random_state=0)
    model = make_pipeline(SimpleImputer(), forest).fit(numbers, numbers["age"])
    file = tmp_path / "age.skops"
    sio.dump(model, file)
    probe = FileProbe(path=str(file))
    untrusted = sio.get_untrusted_types(file=file)
    assert untrusted
    with pytest.raises(TrustError) as caught:
        probe.open(trust=False)
    assert caught.value.path == "$.model.path"
    assert ", ".join(sorted(untrusted)) in caught.value.message
    assert "--trust" in caught.value.message
    np.testing.assert_array_equal(say(probe, numbers, trust=True), model.predict(numbers))


def test_a_long_list_of_types_is_cut(numbers, approved, tmp_path) -> None:
    functions = [FunctionTransformer(each) for each in (own_a, own_b, own_c, own_d, own_e, own_f)]
    file = tmp_path / "own.skops"
    model = make_pipeline(*functions, StandardScaler(), LogisticRegression())
    sio.dump(model.fit(numbers.fillna(0), approved), file)
    with pytest.raises(TrustError, match=r"own_a, .*own_e and 1 more\)"):
        FileProbe(path=str(file)).open(trust=False)


def test_what_has_no_predict_is_no_model(tmp_path: Path) -> None:
    sio.dump(StandardScaler(), tmp_path / "scaler.skops")
    with pytest.raises(ModelError, match="StandardScaler has no predict method"):
        FileProbe(path=str(tmp_path / "scaler.skops")).open(trust=False)


# --- forged files ---------------------------------------------------------------------------------


def forged(change: Any) -> bytes:
    """Write a mended model whose file says something else of the part called `Seen`."""
    import io
    import json
    import zipfile

    import pandas as pd

    from paribus.estimators import Without

    X = pd.DataFrame({"a": [0, 1, 2, 3], "b": [1, 0, 1, 0]})
    raw = sio.dumps(Without(LogisticRegression(), ["b"]).fit(X, [0, 1, 0, 1]))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as whole, zipfile.ZipFile(out, "w") as made:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "schema.json":
                tree = json.loads(content)
                _walk(tree, change)
                content = json.dumps(tree).encode()
            made.writestr(name, content)
    return out.getvalue()


def _walk(node: Any, change: Any) -> None:
    if isinstance(node, dict):
        if node.get("__class__") == "Seen":
            change(node)
        for value in node.values():
            _walk(value, change)
    elif isinstance(node, list):
        for value in node:
            _walk(value, change)


@pytest.mark.parametrize("loader", ["MethodNode", "FunctionNode", "TypeNode", "ReduceNode"])
def test_a_name_of_ours_hides_nothing_else(tmp_path: Path, loader: str) -> None:
    from paribus.estimators.frames import Seen

    file = tmp_path / "forged.skops"
    file.write_bytes(forged(lambda node: node.update(__loader__=loader)))
    try:
        model = SkopsProbe(path=str(file)).open(trust=False)
    except (ModelError, TrustError):
        return
    # Nothing but the class itself, which nobody has called.
    assert model.estimator.seen_ is Seen


def test_a_method_behind_a_name_of_ours_is_refused(tmp_path: Path) -> None:
    def change(node: dict[str, Any]) -> None:
        inside = node["content"]
        node.clear()
        node.update(
            __class__="Seen", __module__="paribus.estimators.frames", __loader__="MethodNode",
            __id__=1, content={"obj": inside, "func": "__class__"},
        )  # fmt: skip

    file = tmp_path / "forged.skops"
    file.write_bytes(forged(change))
    with pytest.raises((ModelError, TrustError)):
        SkopsProbe(path=str(file)).open(trust=False)
