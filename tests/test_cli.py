"""The command line: help that teaches, exit codes, results on stdout, everything else on stderr."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import paribus as pb
from paribus import cli

MODELS = """
import numpy as np

def fair(people):
    return np.ones(len(people), dtype=int)

def biased(people):
    return (people["gender"] == "Male").astype(int)
"""

SPEC = """
[audit]
name = "An audit"
people = {people}
seed = 7

[model]
kind = "callable"
function = "cli_models:{model}"
favorable = 1

[protect.gender]
levels = ["Male", "Female"]

[fields.income]
kind = "integers"
low = 0
high = 999_999
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "cli_models.py").write_text(MODELS)
    monkeypatch.syspath_prepend(tmp_path)
    for name, model, people in (
        ("fair", "fair", 400),
        ("biased", "biased", 400),
        ("few", "fair", 20),
    ):
        (tmp_path / f"{name}.toml").write_text(SPEC.format(model=model, people=people))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["paribus", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return command


COMMANDS = ["audit", "plan", "search", "twins", "show", "kinds", "demo"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_an_example(run, command):
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    assert f"Example: paribus {command}" in " ".join(out.split())


def test_help_lists_every_command(run):
    code, out, _ = run("--help")
    assert code == 0
    assert "Example: paribus audit" in out
    for command in COMMANDS:
        assert f"\n  {command} " in out


def test_help_of_audit_says_the_exit_codes(run):
    out = " ".join(run("audit", "--help")[1].split())
    assert "0 within tolerance, 1 biased, 2 the request is wrong, 3 inconclusive" in out


@pytest.mark.parametrize(("spec", "code"), [("fair", 0), ("biased", 1), ("few", 3)])
def test_exit_codes(folder, run, spec, code):
    left, out, err = run("audit", f"{spec}.toml", "--trust")
    assert left == code
    assert err == ""
    assert "An audit" in out


@pytest.mark.parametrize(("spec", "code"), [("fair", 0), ("biased", 1), ("few", 0)])
def test_inconclusive_may_count_as_good(folder, run, spec, code):
    assert run("audit", f"{spec}.toml", "--trust", "--inconclusive-ok")[0] == code


def test_a_bug_is_not_a_verdict(folder, run, monkeypatch):
    """Whatever nobody has foreseen: 1 would say biased."""

    def broken(*_, **__):
        raise ZeroDivisionError("by\x1b zero\nsecond line")

    monkeypatch.setattr(pb, "load", broken)
    code, out, err = run("audit", "fair.toml", "--trust")
    assert (code, out) == (70, "")
    assert err.startswith("Traceback")
    assert err.endswith(
        "\nparibus: this is a bug in paribus, please report it: ZeroDivisionError: by␛ zero\n"
    )


def test_json_on_stdout_is_nothing_but_json(folder, run):
    code, out, err = run("audit", "biased.toml", "--trust", "--json", "-")
    assert (code, err) == (1, "")
    record = pb.Record(**json.loads(out))
    assert record.verdict == "biased"


def test_reports_are_written(folder, run):
    code, out, _ = run(
        "audit",
        "biased.toml",
        "--trust",
        "--json",
        "r.json",
        "--html",
        "r.html",
        "--junit",
        "r.xml",
    )
    assert code == 1
    record = pb.open_record("r.json")
    assert (folder / "r.html").read_bytes() == record.render("html")
    assert (folder / "r.xml").read_bytes() == record.render("junit")
    assert "An audit" in out
    assert {p.suffix for p in folder.iterdir() if p.is_file()} == {
        ".toml",
        ".py",
        ".json",
        ".html",
        ".xml",
    }


def test_options_override_the_file(folder, run):
    _, out, _ = run("audit", "biased.toml", "--trust", "--json", "-", "--people", 33, "--seed", 5)
    record = json.loads(out)
    assert (record["people"], record["seed"]) == (33, 5)
    assert record["spec"]["audit"]["people"] == 33


def test_workers_change_nothing(folder, run):
    texts = []
    for workers in (1, 3):
        _, out, _ = run(
            "audit",
            "biased.toml",
            "--trust",
            "--json",
            "-",
            "--people",
            70_000,
            "--workers",
            workers,
        )
        texts.append({k: v for k, v in json.loads(out).items() if k != "run"})
    assert texts[0] == texts[1]


def test_show_needs_no_model(folder, run):
    _, audited, _ = run("audit", "biased.toml", "--trust", "--json", "r.json")
    (folder / "cli_models.py").unlink()
    code, shown, err = run("show", "r.json", "--html", "s.html", "--junit", "s.xml")
    assert (code, err) == (0, "")
    assert shown == audited
    assert (folder / "s.html").read_bytes().startswith(b"<!doctype html>")
    assert (folder / "s.xml").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_twins(folder, run, suffix):
    """The data set needs neither the model nor trust."""
    (folder / "cli_models.py").unlink()
    code, out, err = run("twins", "fair.toml", "-o", f"t.{suffix}", "--people", 10)
    assert (code, out) == (0, "")
    assert "t." in err
    assert "20 rows" in err
    if suffix == "parquet":
        assert pq.read_table("t.parquet").num_rows == 20
    else:
        lines = (folder / "t.csv").read_text().splitlines()
        assert len(lines) == 21
        assert "gender" in lines[0]
        assert "income" in lines[0]


def test_kinds(run):
    code, out, _ = run("kinds")
    assert code == 0
    for kind in ("integers", "mimesis", "callable", "onnx", "counterfactual", "regions", "html"):
        assert f"\n  {kind} " in out
    assert run("kinds", "fields")[1].startswith("fields:\n")


def test_version(run):
    assert run("--version")[:2] == (0, f"paribus {pb.__version__}\n")


def test_demo(tmp_path, run):
    code, out, err = run("demo", "--folder", tmp_path)
    assert (code, err) == (0, "")
    assert "income <= 79,997" in out
    assert out.count("denied") >= 3
    assert {p.name for p in tmp_path.iterdir()} == {"loan.json", "loan.html"}


def test_demo_into_nowhere(tmp_path, run):
    code, out, err = run("demo", "--folder", tmp_path / "no")
    assert (code, out) == (2, "")
    assert "there is no folder" in err


def test_no_arguments_show_help(run):
    code, out, err = run()
    assert "Usage:" in out + err
    assert code in (0, 2)


def test_a_wrong_option_names_the_nearest(run):
    code, _, err = run("audit", "x.toml", "--htm", "y")
    assert code == 2
    assert "--html" in err
    assert "Traceback" not in err


def test_a_reader_that_goes_away(folder):
    """`paribus audit | head -1` must not end in a complaint of Python's."""
    command = f"'{sys.executable}' -m paribus audit fair.toml --trust --json - | head -c 1"
    environment = {**os.environ, "PYTHONPATH": str(Path(pb.__file__).parents[1])}
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=folder, env=environment
    )
    assert done.stdout == "{", done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_show_does_not_write_over_the_record_it_shows(tmp_path, capsys, monkeypatch):
    record = pb.audit(
        lambda people: people["x"] > 1,
        protect={"g": ["a", "b"]},
        fields={"x": pb.integers(0, 3)},
        people=50,
        favorable=True,
    ).save(tmp_path / "record.json")
    before = record.read_bytes()
    monkeypatch.setattr(sys, "argv", ["paribus", "show", str(record), "--html", str(record)])
    with pytest.raises(SystemExit) as exited:
        cli.main()
    assert exited.value.code == 2
    assert "is what this command reads" in capsys.readouterr().err
    assert record.read_bytes() == before


# --- how many people ------------------------------------------------------------------------------


def test_plan_asks_nothing_and_prints_a_table(run, folder):
    code, out, _ = run("plan", "few.toml", "--trust")
    assert code == 0
    assert "no decision changes" in out
    assert "299" in out
    code, out, _ = run("plan", "few.toml", "--trust", "--json", "--people", "1_000")
    assert code == 0
    assert json.loads(out)["people"] == 1_000
    code, _, err = run("plan", "few.toml", "--trust", "--power", "2")
    assert code == 2
    assert err == "paribus: power: must be a chance from 0.5 to below 1, not 2\n"


def test_an_early_stop_says_what_it_saved(run, folder):
    code, out, _ = run("audit", "biased.toml", "--trust", "--early", "--json", "stopped.json")
    assert code == 1
    stopped = pb.open_record("stopped.json").stopped
    assert stopped.pairs < 100
    assert stopped.saved == 400 - stopped.pairs
    assert f"{stopped.pairs} of at most 400 people" in " ".join(out.split())


def test_everybody(run, folder):
    spec = Path("fair.toml")
    spec.write_text(spec.read_text().replace("high = 999_999", "high = 99"))
    code, out, _ = run("audit", "fair.toml", "--trust", "--people", "all", "--json", "all.json")
    assert code == 0
    record = pb.open_record("all.json")
    assert (record.exhaustive, record.people) == (True, 100)
    assert "exact over the declared domain" in " ".join(out.split())
    code, _, err = run("audit", "fair.toml", "--trust", "--people", "most")
    assert code == 2
    assert err == 'paribus: --people: must be a whole number or "all", not "most"\n'


def test_search_writes_what_it_found(run, folder):
    code, out, _ = run(
        "search", "biased.toml", "--trust", "--pairs", "60", "--json", "worst.json", "--seed", "1"
    )
    assert code == 0
    assert json.loads(Path("worst.json").read_text())["found"]["flips"] > 0
    assert "Worst cases, no rate" in out
