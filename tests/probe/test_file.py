import os
from pathlib import Path

import pytest

from paribus.errors import ModelError, SpecError
from paribus.probe.base import PROBES
from paribus.probe.file import FileProbe


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("loan.onnx", "onnx"),
        ("loan.skops", "skops"),
        ("loan.json", "xgboost"),
        ("loan.ubj", "xgboost"),
        ("loan.txt", "lightgbm"),
        ("loan.lgb", "lightgbm"),
        ("loan.cbm", "catboost"),
        ("loan.pkl", "pickle"),
        ("loan.pickle", "pickle"),
        ("loan.v2.JOBLIB", "pickle"),
    ],
)
def test_the_name_says_the_kind_and_the_options_stay(name: str, kind: str) -> None:
    options = {
        "favorable": "yes",
        "labels": ["no", "yes"],
        "features": ["a", "b"],
        "repeats": "ask",
    }
    probe = FileProbe(path=name, outcome="decision", **options).delegate()
    assert probe == PROBES.load(kind)(path=name, outcome="decision", **options)


def test_a_file_probe_is_declared_by_a_table() -> None:
    probe = PROBES.parse({"kind": "file", "path": "loan.onnx"}, "$.model")
    assert probe == FileProbe(path="loan.onnx")
    assert probe.facts() == {"kind": "file", "path": "loan.onnx"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "loan.onx",
            '".onx" is no kind of model file; did you mean ".onnx"? (known: .onnx, .skops',
        ),
        ("loan.h5", '".h5" is no kind of model file (known: .onnx'),
        ("loan", "a name without an ending is no kind of model file (known: .onnx"),
    ],
)
def test_an_unknown_ending_lists_what_is_known(name: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        FileProbe(path=name).open(trust=True)
    assert caught.value.path == "$.model.path"
    assert caught.value.message.startswith(message)


def test_a_missing_file_offers_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "loan_model.onnx").touch()
    (tmp_path / "notes.md").touch()
    with pytest.raises(ModelError) as caught:
        FileProbe(path=str(tmp_path / "loan_modle.onnx")).open(trust=False)
    assert caught.value.path == "$.model.path"
    assert caught.value.message == (
        f'there is no file "{tmp_path / "loan_modle.onnx"}"; did you mean "loan_model.onnx"?'
    )


@pytest.mark.parametrize("suffix", [".onnx", ".skops", ".json", ".txt", ".cbm", ".pkl"])
@pytest.mark.parametrize("trust", [False, True])
def test_a_missing_file_is_said_before_anything_else(
    tmp_path: Path, suffix: str, trust: bool
) -> None:
    with pytest.raises(ModelError, match=r"^\$\.model\.path: there is no file") as caught:
        FileProbe(path=str(tmp_path / f"zzz{suffix}")).open(trust=trust)
    assert "did you mean" not in caught.value.message


def test_a_missing_directory_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nor its directory"):
        FileProbe(path=str(tmp_path / "nowhere" / "loan.onnx")).open(trust=False)
    (tmp_path / "saved.onnx").mkdir()
    with pytest.raises(ModelError, match="is a directory"):
        FileProbe(path=str(tmp_path / "saved.onnx")).open(trust=False)


def test_a_relative_path_starts_at_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loan.onnx").write_bytes(b"no model")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ModelError, match=r'^\$\.model\.path: "loan\.onnx" cannot be read as an ONNX model'
    ):
        FileProbe(path="loan.onnx").open(trust=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "loan.pkl"
    file.touch(mode=0o000)
    with pytest.raises(ModelError, match="cannot be read"):
        FileProbe(path=str(file)).open(trust=True)


@pytest.mark.parametrize("suffix", [".onnx", ".skops", ".json", ".ubj", ".txt", ".cbm", ".joblib"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff garbage \n\n", b"{}", b"tree\nversion=v4\n"])
def test_a_file_that_is_no_model_is_one_sentence(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    file = tmp_path / f"loan{suffix}"
    file.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        FileProbe(path=str(file)).open(trust=True)
    assert caught.value.path == "$.model.path"
    assert caught.value.message.startswith(f'"{file}" cannot be read as a')
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("suffix", "module", "message"),
    [
        (
            ".onnx",
            "onnxruntime",
            'reading ONNX takes onnxruntime; install it with: pip install "pari',
        ),
        (
            ".skops",
            "skops.io",
            'reading skops takes skops; install it with: pip install "paribus[skops',
        ),
        (".json", "xgboost", "reading XGBoost takes xgboost; install it with: pip install"),
        (".txt", "lightgbm", "reading LightGBM takes lightgbm; install it with: pip install"),
        (
            ".cbm",
            "catboost",
            "reading CatBoost takes catboost; install it with: pip install catboost",
        ),
    ],
)
def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, module: str, message: str
) -> None:
    file = tmp_path / f"loan{suffix}"
    file.touch()
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ModelError) as caught:
        FileProbe(path=str(file)).open(trust=False)
    assert caught.value.message.startswith(message)
