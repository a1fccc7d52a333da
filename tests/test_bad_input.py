"""Every mistake is one sentence with a path, exit code 2, and nothing written half.

The corpus is `tests/bad_input/*.toml`; the first line of each says what is expected:
``# expect: exit code | path | part of the sentence``.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import paribus as pb
from paribus import cli

CORPUS = Path(__file__).parent / "bad_input"
SPECS = sorted(CORPUS.glob("*.toml"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{Path(pb.__file__).parents[1]}{os.pathsep}{CORPUS}"}


def expected(spec):
    first = spec.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect:")
    code, path, sentence = (part.strip() for part in first.split("|", 2))
    return int(code), path, sentence


@pytest.fixture
def run(monkeypatch, capsys):
    monkeypatch.syspath_prepend(CORPUS)

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["paribus", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return command


def one_sentence(err):
    assert err.startswith("paribus: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err.removeprefix("paribus: ").rstrip("\n")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_through_the_command_line(run, tmp_path, spec):
    code, path, sentence = expected(spec)
    old = tmp_path / "record.json"
    old.write_text("what stood there before")
    trust = [] if spec.stem.startswith("pickle") else ["--trust"]
    left, out, err = run("audit", spec, *trust, "--json", old, "--html", tmp_path / "new.html")
    assert left == code, err
    if code != 2:
        assert sentence in out
        return
    said = one_sentence(err)
    assert said.startswith(f"{path}: ") or not path
    assert sentence in said
    assert out == ""
    assert old.read_text() == "what stood there before"
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


@pytest.mark.parametrize("spec", [s for s in SPECS if expected(s)[0] == 2], ids=lambda s: s.stem)
def test_through_python(monkeypatch, spec):
    monkeypatch.syspath_prepend(CORPUS)
    _, path, sentence = expected(spec)
    with pytest.raises(pb.ParibusError) as raised:
        pb.load(spec).run(trust=not spec.stem.startswith("pickle"))
    assert raised.value.path == path
    assert sentence in raised.value.message
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "spec", [SPECS[0], CORPUS / "model_raises_always.toml"], ids=lambda s: s.stem
)
def test_through_a_process(tmp_path, spec):
    """The real thing: warnings and tracebacks would reach stderr here."""
    command = [sys.executable, "-m", "paribus", "audit", spec, "--trust", "--json", "-"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert expected(spec)[2] in one_sentence(done.stderr)
    assert done.stdout == ""
    assert not list(tmp_path.iterdir())


# --- files and outputs ----------------------------------------------------------------------------

GOOD = """
[audit]
people = 40
[model]
kind = "callable"
function = "bad_input_models:{model}"
favorable = 1
[protect.gender]
levels = ["Male", "Female"]
[fields.income]
kind = "integers"
low = 0
high = 9
"""


@pytest.fixture
def good(tmp_path):
    spec = tmp_path / "audit.toml"
    spec.write_text(GOOD.format(model="blind"))
    return spec


def test_files_that_are_none(run, tmp_path, good):
    (tmp_path / "latin.toml").write_bytes("name = 'é'".encode("latin-1"))
    (tmp_path / "folder.toml").mkdir()
    for name, sentence in (
        ("audti.toml", 'there is no file "{}"; did you mean "audit.toml"?'),
        ("latin.toml", '"{}" is not UTF-8 text'),
        ("folder.toml", '"{}" is a folder; name the TOML file'),
    ):
        code, _, err = run("audit", tmp_path / name)
        assert code == 2
        assert sentence.format(tmp_path / name) in one_sentence(err)


@pytest.mark.parametrize("option", ["--json", "--html", "--junit"])
def test_reports_that_cannot_be_written(run, tmp_path, good, option):
    for path, sentence in (
        (tmp_path / "no" / "where.x", "there is no folder"),
        (tmp_path, "is a folder; name a file"),
    ):
        code, out, err = run("audit", good, "--trust", option, path)
        assert code == 2
        assert sentence in one_sentence(err)
        assert out == ""
    assert [p.name for p in tmp_path.iterdir()] == ["audit.toml"]


def test_a_report_with_an_unknown_suffix(run, tmp_path, good, monkeypatch):
    monkeypatch.syspath_prepend(CORPUS)
    record = pb.load(good).run(trust=True)
    with pytest.raises(pb.OutputError, match=r"names no known report format.*\.html"):
        record.save(tmp_path / "report.htlm")
    with pytest.raises(pb.OutputError, match=r"there is no folder|cannot be written"):
        record.save(tmp_path / "no" / "report.html")
    assert [p.name for p in tmp_path.iterdir()] == ["audit.toml"]


def test_twins_that_cannot_be_written(run, tmp_path, good):
    for name, sentence in (
        ("twins.xlsx", "neither a .csv nor a .parquet"),
        ("no/twins.csv", "there is no folder"),
    ):
        code, _, err = run("twins", good, "-o", tmp_path / name)
        assert code == 2
        assert sentence in one_sentence(err)
    bad = tmp_path / "bad.toml"
    bad.write_text(
        GOOD.format(model="blind") + '[fields.x]\nkind = "map"\nof = "income"\nmap = {"0" = 1}\n'
    )
    (tmp_path / "twins.csv").write_text("before")
    code, _, err = run("twins", bad, "-o", tmp_path / "twins.csv")
    assert code == 2
    assert one_sentence(err).startswith("$.fields.x.map: ")
    assert (tmp_path / "twins.csv").read_text() == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["audit.toml", "bad.toml", "twins.csv"]


def test_records_that_are_none(run, tmp_path):
    for name, content, sentence in (
        ("a.json", b"{", "is not a JSON file"),
        ("b.json", b"\xff\xfe", "is not a JSON file"),
        ("c.json", b"[]", "is not a record"),
        ("d.json", b'{"schema": 99}', "has schema 99"),
        ("e.json", b'{"schema": 1}', 'e.json" is no whole record: $.name: is required and'),
        ("f.json", b"[" * 100_000, "is not a JSON file"),
    ):
        (tmp_path / name).write_bytes(content)
        code, out, err = run("show", tmp_path / name)
        assert (code, out) == (2, "")
        assert sentence in one_sentence(err)
    code, _, err = run("show", tmp_path / "nowhere.json")
    assert code == 2
    assert "there is no file" in one_sentence(err)


def test_options_out_of_range(run, good):
    for arguments, sentence in (
        (["--people", "0"], "$.audit.people: must be greater than 0"),
        (["--people", "-3"], "$.audit.people: must be greater than 0"),
        (["--seed", "-1"], "$.audit.seed: "),
    ):
        code, _, err = run("audit", good, "--trust", *arguments)
        assert code == 2
        assert one_sentence(err).startswith(sentence)
    code, _, err = run("audit", good, "--people", "many")
    assert code == 2
    assert "--people" in err
    assert "Traceback" not in err
    code, _, err = run("kinds", "field")
    assert code == 2
    assert 'did you mean "fields"?' in one_sentence(err)


def test_without_trust_no_code_runs(run, tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec = tmp_path / "audit.toml"
    spec.write_text(GOOD.replace("bad_input_models:{model}", "evil:f"))
    code, _, err = run("audit", spec)
    assert code == 2
    assert one_sentence(err).startswith("$.model.function: ")
    assert "--trust" in err
    assert "ONNX" in err
    assert not (tmp_path / "ran").exists()


def test_nothing_is_written_over_what_the_audit_reads(run, tmp_path, good):
    spec = tmp_path / "rows.csv.toml"
    spec.write_text(
        good.read_text().split("[fields")[0].replace("people = 40\n", "")
        + '[data]\npath = "rows.csv"\n'
    )
    (tmp_path / "rows.csv").write_text("gender,x\n" + "Male,1\nFemale,2\n" * 20)
    (tmp_path / "link.csv").symlink_to("rows.csv")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    for arguments in (
        ("audit", spec, "--trust", "--json", spec),
        ("audit", spec, "--trust", "--html", tmp_path / "link.csv"),
        ("twins", spec, "-o", tmp_path / "rows.csv"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert (
            one_sentence(err)
            == f'"{arguments[-1]}" is what this command reads; choose another name'
        )
    model = tmp_path / "model.toml"
    model.write_text(
        GOOD.replace('"callable"', '"file"').replace(
            'function = "bad_input_models:{model}"', 'path = "model.pkl"'
        )
    )
    (tmp_path / "model.pkl").write_bytes(b"weights")
    code, _, err = run("audit", model, "--trust", "--junit", tmp_path / "model.pkl")
    assert code == 2
    assert "is what this command reads" in one_sentence(err)
    assert before.items() <= {p.name: p.read_bytes() for p in tmp_path.iterdir()}.items()


# --- the Python call ------------------------------------------------------------------------------

PROTECT = {"gender": ["Male", "Female"]}
FIELDS = {"income": pb.integers(0, 9)}


def ones(people):
    return np.ones(len(people), dtype=int)


@pytest.mark.parametrize(
    ("changes", "path", "sentence"),
    [
        ({"people": 0}, "$.audit.people", "greater than 0"),
        ({"people": "many"}, "$.audit.people", "whole number"),
        ({"seed": -1}, "$.audit.seed", "greater than or equal to 0"),
        ({"tolerance": float("nan")}, "$.audit.tolerance", "finite"),
        ({"confidence": 95}, "$.audit.confidence", "less than 1"),
        ({"cross": ["gender"]}, "$.audit.cross", "must be a list"),
        ({"cross": [("gender", "race")]}, "$.audit.cross", '"race" is no protected attribute'),
        ({"protect": ["gender"]}, "$.protect", "must be a table of names, not list"),
        ({"protect": {}}, "$.protect", "at least one protected attribute"),
        ({"protect": {"gender": "Male"}}, "$.protect.gender.levels", "needs a list of levels"),
        ({"protect": {"gender": ["a", 2]}}, "$.protect.gender.levels", "not a mix"),
        ({"fields": [1]}, "$.fields", "must be a table of names"),
        ({"fields": {"x": 3}}, "$.fields.x", "must be a table with a kind"),
        ({"fields": {"x": {"kind": "integer"}}}, "$.fields.x.kind", 'did you mean "integers"?'),
        (
            {"fields": {"x": {"kind": "integers", "low": 3, "high": 1}}},
            "$.fields.x.low",
            "swap them",
        ),
        ({"fields": None}, "$.fields", "declare fields, or give data"),
        ({"model": 3}, "$.model", "expected a fitted model, a function or the path"),
        ({"data": [1, 2]}, "$.data", "expected a data frame"),
        ({"data": pd.DataFrame({"gender": []})}, "$.data", "no rows"),
        ({"data": pd.DataFrame([["Male", 2]])}, "$.data", "names of columns must be text"),
        ({"data": pd.DataFrame([[1, 2]], columns=["a", "a"])}, "$.data", 'the name "a"'),
        ({"data": CORPUS / "ragged.csv"}, "$.data.path", "rows differ in length"),
        ({"data": CORPUS / "nowhere.csv"}, "$.data.path", "there is no such file"),
    ],
)
def test_the_python_call(changes, path, sentence):
    request = {"model": ones, "protect": PROTECT, "fields": FIELDS, "favorable": 1, **changes}
    with pytest.raises(pb.ParibusError) as raised:
        pb.audit(request.pop("model"), **request)
    assert raised.value.path == path
    assert sentence in raised.value.message
    assert "\n" not in str(raised.value)


# --- interruption, and very many people -----------------------------------------------------------


def interrupted(spec, folder, *more, memory=None):
    command = [sys.executable, "-m", "paribus", "audit", str(spec), "--trust", *more]
    if memory:
        command = ["bash", "-c", f'ulimit -v {memory}; exec "$@"', "-", *command]
    process = subprocess.Popen(
        command,
        env=ENVIRONMENT | {"PYTHONPATH": f"{ENVIRONMENT['PYTHONPATH']}{os.pathsep}{folder}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    flag = folder / "asked"
    for _ in range(600):
        if flag.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_control_c(tmp_path, workers):
    """A billion people start at once in bounded memory, and Ctrl-C ends them cleanly."""
    (tmp_path / "watched.py").write_text(
        "import numpy as np\n"
        f"def model(people):\n    open({str(tmp_path / 'asked')!r}, 'w').close()\n"
        "    return np.ones(len(people), dtype=int)\n"
    )
    spec = tmp_path / "audit.toml"
    spec.write_text(
        GOOD.replace("people = 40", "people = 1_000_000_000")
        .replace("bad_input_models:{model}", "watched:model")
        .replace("high = 9", "high = 999_999_999")
    )
    (tmp_path / "old.json").write_text("before")
    arguments = ("--json", "old.json", "--html", "new.html", "--workers", workers)
    code, out, err = interrupted(spec, tmp_path, *arguments, memory=6_000_000)
    assert code == 130
    assert one_sentence(err) == "interrupted; nothing was left half written"
    assert out == ""
    assert (tmp_path / "old.json").read_text() == "before"
    names = {p.name for p in tmp_path.iterdir()} - {"__pycache__"}
    assert names == {"watched.py", "audit.toml", "asked", "old.json"}


def test_memory_is_bounded_by_the_block():
    """Ten times the people of three blocks need no more memory, beside what is kept of each."""
    script = (
        "import resource, sys, numpy as np, paribus as pb\n"
        "pb.audit(lambda d: np.ones(len(d), dtype=np.int8), protect={'g': ['a', 'b']},\n"
        "         fields={'x': pb.integers(0, 10**9), 'y': pb.uniform(), 'z': pb.normal()},\n"
        "         favorable=1, people=int(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for people in ("200_000", "2_000_000"):
        command = [sys.executable, "-c", script, people]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1024)
    # Two million rows of three columns and two answers would be more than 60 MB for each copy.
    assert peaks[1] - peaks[0] < 60, peaks
