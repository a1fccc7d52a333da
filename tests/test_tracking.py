"""A record in MLflow: real runs in a folder of files, no server and no network."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

import paribus as pb
from paribus.errors import OutputError
from paribus.tracking import metrics_of

NAME = re.compile(r"[A-Za-z0-9_./-]{1,250}")


def _example():
    place = Path(__file__).parent / "report" / "example.py"
    spec = importlib.util.spec_from_file_location("paribus_tracking_example", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLE = _example()


@pytest.fixture(scope="module")
def loan():
    return EXAMPLE.loan()


@pytest.fixture(scope="module")
def hostile():
    return EXAMPLE.hostile()


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("DO_NOT_TRACK", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    found = pytest.importorskip("mlflow", reason="a tool of the test extra")
    found.set_tracking_uri((tmp_path / "runs").as_uri())
    yield found
    found.end_run()


def read(mlflow, run_id):
    return mlflow.MlflowClient().get_run(run_id).data


def test_a_run_of_its_own(mlflow, loan):
    run_id = pb.log_to_mlflow(loan)
    assert mlflow.active_run() is None
    data = read(mlflow, run_id)
    key = "paribus/flip_rate/gender/Male_to_Female"
    assert data.metrics[key] == 0.5569
    assert (data.metrics[f"{key}.low"], data.metrics[f"{key}.high"]) == (0.5471, 0.5667)
    assert data.metrics["paribus/findings/biased"] == 2
    assert data.metrics == metrics_of(loan)
    assert data.params == {
        "paribus.name": "Loan approval",
        "paribus.people": "10000",
        "paribus.seed": "42",
        "paribus.tolerance": "0.01",
        "paribus.confidence": "0.95",
        "paribus.model": "DecisionTreeClassifier",
        "paribus.outcome": "decision",
    }
    assert data.tags["paribus.verdict"] == "biased"
    assert data.tags["paribus.fingerprint"] == loan.model.fingerprint
    assert data.tags["mlflow.runName"] == "Loan approval"


def test_the_record_and_its_report_are_kept(mlflow, loan, tmp_path):
    run_id = pb.log_to_mlflow(loan)
    client = mlflow.MlflowClient()
    kept = [artifact.path for artifact in client.list_artifacts(run_id, "paribus")]
    assert kept == ["paribus/record.json", "paribus/report.html"]
    path = client.download_artifacts(run_id, "paribus/record.json", str(tmp_path))
    assert pb.open_record(path) == loan


def test_the_active_run_is_used_and_stays_active(mlflow, loan):
    with mlflow.start_run() as run:
        assert pb.log_to_mlflow(loan, reports=()) == run.info.run_id
        assert mlflow.active_run().info.run_id == run.info.run_id
        # The same again is no contradiction; another audit needs another prefix.
        pb.log_to_mlflow(loan, reports=())
        other = loan.model_copy(update={"seed": 7})
        with pytest.raises(OutputError, match="MLflow refuses the record"):
            pb.log_to_mlflow(other, reports=())
        pb.log_to_mlflow(other, reports=(), prefix="again")
    data = read(mlflow, run.info.run_id)
    assert (data.params["paribus.seed"], data.params["again.seed"]) == ("42", "7")


def test_a_finished_run_can_be_named(mlflow, loan):
    with mlflow.start_run() as run:
        pass
    assert pb.log_to_mlflow(loan, run_id=run.info.run_id, reports=("loan.md",)) == run.info.run_id
    assert read(mlflow, run.info.run_id).tags["paribus.verdict"] == "biased"


def test_hostile_names_are_taken_and_told_apart(mlflow, hostile):
    run_id = pb.log_to_mlflow(hostile, reports=("record.json",))
    data = read(mlflow, run_id)
    assert data.metrics == metrics_of(hostile)
    estimates = [key for key in data.metrics if not key.endswith((".low", ".high", ".p"))]
    assert len(estimates) == len(hostile.findings) + 3


def test_names_are_such_as_every_store_takes(hostile, loan):
    for record in (hostile, loan):
        for name, value in metrics_of(record).items():
            assert NAME.fullmatch(name)
            assert not {"", ".", ".."} & set(name.split("/"))
            assert isinstance(value, float)
            assert abs(value) < sys.float_info.max
    # A name is a folder or a file, never both.
    names = set(metrics_of(hostile))
    assert not [name for name in names if any(other.startswith(f"{name}/") for other in names)]


def test_names_do_not_depend_on_the_numbers(loan):
    moved = [f.model_copy(update={"estimate": 0.1}) for f in loan.findings]
    other = loan.model_copy(update={"findings": tuple(moved)})
    assert list(metrics_of(other)) == list(metrics_of(loan))


def test_names_do_not_depend_on_what_else_was_found(hostile):
    names = set(metrics_of(hostile))
    for finding in hostile.findings:
        alone = hostile.model_copy(update={"findings": (finding,)})
        assert set(metrics_of(alone)) <= names


def test_what_does_not_exist_is_left_out(loan):
    finding = loan.findings[0].model_copy(update={"high": sys.float_info.max})
    record = loan.model_copy(update={"findings": (finding,)})
    names = [name for name in metrics_of(record) if name.endswith((".low", ".high"))]
    assert names == ["paribus/flip_rate/gender/Male_to_Female.low"]


def test_more_metrics_than_a_call_takes(mlflow, loan):
    many = [loan.findings[0].model_copy(update={"group": f"g{i}"}) for i in range(400)]
    record = loan.model_copy(update={"findings": tuple(many)})
    run_id = pb.log_to_mlflow(record, reports=())
    assert len(read(mlflow, run_id).metrics) == 1_603


def test_a_later_record_of_one_run_is_what_is_shown(mlflow, loan):
    better = [
        f.model_copy(update={"estimate": 0.1 * f.estimate, "verdict": "inconclusive"})
        for f in loan.findings
    ]
    mended = loan.model_copy(update={"findings": tuple(better), "verdict": "inconclusive"})
    with mlflow.start_run() as run:
        pb.log_to_mlflow(loan, reports=())
        pb.log_to_mlflow(mended, reports=())
    data = read(mlflow, run.info.run_id)
    assert data.metrics["paribus/flip_rate/gender/Male_to_Female"] == better[0].estimate
    assert data.metrics["paribus/findings/biased"] == 0
    assert data.tags["paribus.verdict"] == "inconclusive"
    assert "paribus.biased" not in data.tags


def test_reports_of_one_name(mlflow, loan):
    with pytest.raises(OutputError, match="two files have the same name"):
        pb.log_to_mlflow(loan, reports=("a/report.html", "b/report.html"))


@pytest.mark.parametrize("prefix", ["", "a/b", "../x", "x\n", "<script>"])
def test_a_prefix_that_is_none(mlflow, loan, prefix):
    with pytest.raises(OutputError, match="is no prefix"):
        pb.log_to_mlflow(loan, prefix=prefix)


def test_a_report_of_no_format(mlflow, loan):
    with pytest.raises(OutputError, match="names no known report format"):
        pb.log_to_mlflow(loan, reports=("report.pdf",))


def test_without_mlflow_it_says_what_to_install(loan, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(OutputError, match="pip install mlflow"):
        pb.log_to_mlflow(loan)
    assert json.loads(loan.json_text())["verdict"] == "biased"
