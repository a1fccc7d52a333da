"""`paribus anonymize`: safe by itself; every mistake is one sentence, and writes nothing."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from paribus import cli

CORPUS = Path(__file__).parent / "bad_input"
SPECS = sorted(CORPUS.glob("anonymize_*.toml"))
SECRET = "0123456789abcdef0123456789abcdef"
SPEC = """
[anonymize.columns]
email = "email"
sex = "keep"
age = "keep"
paid = "keep"
[anonymize.risk]
quasi = ["sex", "age"]
sensitive = ["paid"]
k = 5
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["paribus", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, said.out, said.err

    return command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = 300
    people = pd.DataFrame(
        {
            "email": [f"ann.{i}@corp.com" for i in range(rows)],
            "sex": ["f", "m"] * (rows // 2),
            "age": [20 + i % 13 for i in range(rows)],
            "paid": [i % 7 * 1.5 for i in range(rows)],
        }
    )
    people.to_csv(tmp_path / "customers.csv", index=False)
    (tmp_path / "spec.toml").write_text(SPEC)
    (tmp_path / "key").write_text(SECRET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sentence(err: str) -> str:
    """Give the one sentence of a mistake; notes of what was seen may come before."""
    *_, last = err.rstrip("\n").split("\n")
    assert last.startswith("paribus: ")
    assert "Traceback" not in err
    return last.removeprefix("paribus: ")


def there(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# --- ease -----------------------------------------------------------------------------------------


def test_one_file_and_nothing_else(folder: Path, run: Run) -> None:
    before = (folder / "customers.csv").read_bytes()
    code, out, err = run("anonymize", "customers.csv", "-o", "safe.csv")
    assert (code, out) == (0, "")
    assert err.splitlines() == [
        "customers: replaced: email; identify in combination: sex, age",
        "this is a guess: --detect writes it down, to correct it",
        "the key is thrown away: nobody can give the same fakes again (--new-key FILE keeps it)",
        "safe.csv: 300 rows written",
    ]
    assert (folder / "customers.csv").read_bytes() == before
    assert "corp" not in (folder / "safe.csv").read_text()
    real, safe = pd.read_csv("customers.csv"), pd.read_csv("safe.csv")
    assert safe.drop(columns="email").equals(real.drop(columns="email"))
    assert there(folder) == ["customers.csv", "key", "safe.csv", "spec.toml"]


@pytest.mark.parametrize("command", ["anonymize", "assess"])
def test_help_teaches_with_an_example(run: Run, command: str) -> None:
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    assert f"Example: paribus {command}" in " ".join(out.split())
    assert "2 the request is wrong" in " ".join(out.split())


def test_detection_writes_a_section_that_is_read(folder: Path, run: Run) -> None:
    code, out, err = run("anonymize", "customers.csv", "--detect")
    assert (code, err) == (0, "")
    assert "[anonymize.columns]" in out
    code, nothing, err = run("anonymize", "customers.csv", "--detect", "-o", "found.toml")
    assert (code, nothing) == (0, "")
    assert err == "found.toml: read it, and correct it\n"
    assert (folder / "found.toml").read_text() == out
    code, _, _ = run("anonymize", "customers.csv", "--spec", "found.toml", "-o", "safe.csv")
    assert code == 0
    assert run("anonymize", ".", "--detect", "--skip-others")[0] == 0


# --- keys -----------------------------------------------------------------------------------------


def test_one_key_from_anywhere(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    for number, options in enumerate((("--key-file", "key"), ("--key-env", "SECRET"))):
        given = ("--spec", "spec.toml", "-o", f"{number}.csv", *options)
        code, out, err = run("anonymize", "customers.csv", *given)
        assert (code, out, err) == (0, "", f"{number}.csv: 300 rows written\n")
        assert SECRET not in (folder / f"{number}.csv").read_text()
    assert (folder / "0.csv").read_bytes() == (folder / "1.csv").read_bytes()
    assert run("anonymize", "customers.csv", "--spec", "spec.toml", "-o", "2.csv")[0] == 0
    assert (folder / "2.csv").read_bytes() != (folder / "1.csv").read_bytes()


def test_a_new_key_is_its_owners_and_never_overwritten(folder: Path, run: Run) -> None:
    given = ("customers.csv", "--spec", "spec.toml")
    assert run("anonymize", *given, "-o", "a.csv", "--new-key", "new")[0] == 0
    assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o600
    kept = (folder / "new").read_bytes()
    assert run("anonymize", *given, "-o", "b.csv", "--key-file", "new")[0] == 0
    assert (folder / "a.csv").read_bytes() == (folder / "b.csv").read_bytes()
    code, _, err = run("anonymize", *given, "-o", "c.csv", "--new-key", "new")
    assert (code, sentence(err)) == (2, '"new" is there already; --key-file reads it')
    assert (folder / "new").read_bytes() == kept
    assert not (folder / "c.csv").exists()


def test_a_new_key_goes_where_the_run_fails(folder: Path, run: Run) -> None:
    (folder / "bad.csv").write_text("email,sex,age,paid\na@b.com,f,1\n")
    code, _, err = run(
        "anonymize", "bad.csv", "--spec", "spec.toml", "-o", "a.csv", "--new-key", "new"
    )
    assert code == 2
    assert "row 2 has 3 values" in sentence(err)
    assert there(folder) == ["bad.csv", "customers.csv", "key", "spec.toml"]


# --- mistakes -------------------------------------------------------------------------------------

GIVEN = ("customers.csv", "--spec", "spec.toml", "-o", "safe.csv")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("customers.csv",), "$.output: say where to write"),
        (("none.csv", "-o", "safe.csv"), "there is no such file"),
        (("customers.csv", "-o", "customers.csv"), "is what this command reads"),
        (("customers.csv", "--spec", "spec.toml", "-o", "spec.toml"), "is what this command reads"),
        (("customers.csv", "-o", "key", "--key-file", "key"), "is what this command reads"),
        (("customers.csv", "-o", "no/where/../../customers.csv"), "customers.csv"),
        (("customers.csv", "-o", "safe.doc"), "is no table that can be read here"),
        ((*GIVEN, "--key-file", "none"), 'the key file "none" cannot be read'),
        ((*GIVEN, "--key-file", "short"), "has 5 bytes and needs at least 16"),
        ((*GIVEN, "--key-file", "."), "cannot be read"),
        ((*GIVEN, "--key-env", "NOBODY_HAS_THIS"), "there is no environment variable"),
        ((*GIVEN, "--key-env", "SHORT"), "has 5 bytes"),
        ((*GIVEN, "--key-file", "key", "--key-env", "X"), "give one of"),
        ((*GIVEN, "--new-key", "safe.csv"), "would be written twice"),
        ((*GIVEN, "--new-key", "no/where"), "cannot be written"),
        ((*GIVEN, "--locale", "de"), "$.locale: leave it out: the file says it"),
        (("customers.csv", "-o", "safe.csv", "--locale", "xx"), "nobody has names for the locale"),
        ((*GIVEN, "--encoding", "x"), 'there is no encoding "x"'),
        ((*GIVEN, "--hidden", "x"), '"x" is none of refuse, include, drop'),
        ((*GIVEN, "--label", "paid"), "it is for the report"),
        ((*GIVEN, "--report", "safe.csv"), "would be written twice"),
        ((*GIVEN, "--report", "risk.doc"), "names no report format"),
        ((*GIVEN, "--report", "no/risk.html"), "there is no folder"),
        ((*GIVEN, "--report", "risk.html", "--label", "payd"), 'did you mean "paid"'),
        (("customers.csv", "--detect", "--spec", "spec.toml"), "leave it out: --detect"),
        (("customers.csv", "--detect", "-o", "customers.csv"), "is what this command reads"),
        (("customers.csv", "--spec", "none.toml", "-o", "safe.csv"), "there is no file"),
        ((".", "-o", "../out"), "--skip-others"),
        ((".", "-o", "out", "--skip-others"), "is inside of"),
    ],
)
def test_mistakes_are_one_sentence(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.setenv("SHORT", "short")
    (folder / "short").write_text("short\n")
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    code, out, err = run("anonymize", *arguments)
    assert (code, out) == (2, "")
    assert said.replace("$.output", "--output").replace("$.locale", "--locale") in sentence(err)
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("table", "place"),
    [("anonymize", "$.anonymize"), ("anonymize.tables.customers", "$.anonymize.tables.customers")],
)
@pytest.mark.parametrize(
    "command",
    [
        ("anonymize", "customers.csv", "-o", "safe.csv"),
        ("assess", "customers.csv", "customers.csv"),
        ("people", "learn", "customers.csv", "-o", "fields.toml"),
    ],
)
def test_a_misspelled_column_has_the_path_that_stands_in_the_file(
    folder: Path, run: Run, command: tuple[str, ...], table: str, place: str
) -> None:
    text = SPEC.replace("email =", "emial =").replace("anonymize.columns", f"{table}.columns")
    (folder / "spec.toml").write_text(text)
    before = there(folder)
    code, out, err = run(*command, "--spec", "spec.toml")
    assert (code, out) == (2, "")
    assert sentence(err).startswith(f"{place}.columns.emial: ")
    assert 'has no column "emial"; did you mean "email"?' in err
    assert there(folder) == before


def test_a_table_that_no_file_is_has_the_path_that_stands_in_the_file(
    folder: Path, run: Run
) -> None:
    named = SPEC.replace("anonymize.columns", "anonymize.tables.customers.columns")
    (folder / "spec.toml").write_text('[anonymize.tables.orders.columns]\nid = "id"\n' + named)
    code, _, err = run("anonymize", *GIVEN)
    assert code == 2
    assert sentence(err).startswith('$.anonymize.tables.orders: there is no table "orders"')


def test_columns_in_an_option_are_not_those_of_the_section(folder: Path, run: Run) -> None:
    given = ("customers.csv", "customers.csv", "--spec", "spec.toml", "--quasi", "sexx")
    code, _, err = run("assess", *given)
    assert code == 2
    assert sentence(err).startswith("$.quasi: ")


def expected(spec: Path) -> tuple[int, str, str]:
    first = spec.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect:")
    code, path, said = (part.strip() for part in first.split("|", 2))
    return int(code), path, said


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_sections_that_are_wrong(folder: Path, run: Run, spec: Path) -> None:
    code, path, said = expected(spec)
    left, out, err = run("anonymize", "customers.csv", "--spec", spec, "-o", "safe.csv")
    assert (left, out) == (code, "")
    assert err.count("\n") <= 2
    assert sentence(err).startswith(f"{path}: ")
    assert said in sentence(err)
    assert not (folder / "safe.csv").exists()


def test_a_column_that_the_table_lacks(folder: Path, run: Run) -> None:
    (folder / "spec.toml").write_text(SPEC.replace("paid", "payd"))
    code, _, err = run("anonymize", *GIVEN)
    assert code == 2
    assert 'the table has no column "payd"; did you mean "paid"?' in sentence(err)


# --- reports --------------------------------------------------------------------------------------


def test_a_report_decides_the_exit_code(folder: Path, run: Run) -> None:
    code, out, err = run("anonymize", *GIVEN, "--report", "risk.json")
    made = json.loads((folder / "risk.json").read_text())
    codes = {"within threshold": 0, "exceeds threshold": 1, "inconclusive": 3}
    assert code == codes[made["verdict"]]
    assert "k-anonymity" in out
    assert err.endswith("safe.csv: 300 rows written\n")
    lenient = run("anonymize", *GIVEN, "--report", "risk.html", "--inconclusive-ok")[0]
    assert lenient == (0 if code == 3 else code)
    (folder / "spec.toml").write_text(SPEC.replace("k = 5", "k = 100"))
    assert run("anonymize", *GIVEN, "--report", "risk.json")[0] == 1


def test_an_assessment_is_shown_again(folder: Path, run: Run) -> None:
    _, out, _ = run("anonymize", *GIVEN, "--report", "risk.json")
    code, shown, _ = run("show", "risk.json", "--html", "risk.html")
    assert code == 0
    assert shown.split() == out.split()
    assert "k-anonymity" in (folder / "risk.html").read_text()
    code, _, err = run("show", "risk.json", "--junit", "risk.xml")
    assert (code, "no format of an assessment" in err) == (2, True)


def test_k_is_reached_and_measured(folder: Path, run: Run) -> None:
    (folder / "spec.toml").write_text(SPEC.replace("k = 5", 'k = 40\nreach = "generalize"'))
    code, _, err = run("anonymize", *GIVEN, "--report", "risk.json")
    assert code in (0, 1, 3)
    assert "to reach k = 40, age was made coarser: " in err
    risks = json.loads((folder / "risk.json").read_text())["risks"]
    assert next(r for r in risks if r["measure"] == "k-anonymity")["estimate"] >= 40
    (folder / "spec.toml").write_text(SPEC.replace("k = 5", 'k = 12\nreach = "suppress"'))
    assert run("anonymize", *GIVEN)[0] == 0
    made = pd.read_csv("safe.csv")
    assert made.groupby(["sex", "age"]).size().min() >= 12
    assert len(made) < 300


def test_a_report_without_a_combination_is_refused_before(folder: Path, run: Run) -> None:
    (folder / "spec.toml").write_text(SPEC.replace('["sex", "age"]', "[]"))
    code, _, err = run("anonymize", *GIVEN, "--report", "risk.html")
    assert code == 2
    assert "nothing is known to identify in combination" in sentence(err)
    assert not (folder / "safe.csv").exists()


# --- several tables -------------------------------------------------------------------------------


def test_joins_survive_over_files(folder: Path, run: Run) -> None:
    people = pd.read_csv("customers.csv")
    orders = people[["email"]].iloc[[0, 0, 5]].assign(item=["x", "y", "z"])
    orders.to_parquet("orders.parquet", index=False)
    code, _, err = run("anonymize", "customers.csv", "orders.parquet", "-o", "out")
    assert code == 0
    assert err.count("rows written") == 2
    safe, made = pd.read_csv("out/customers.csv"), pd.read_parquet("out/orders.parquet")
    assert made["email"].tolist() == safe["email"].iloc[[0, 0, 5]].tolist()
    (folder / "in").mkdir()
    for name in ("customers.csv", "orders.parquet"):
        shutil.move(folder / name, folder / "in" / name)
    assert run("anonymize", "in", "-o", "safe")[0] == 0
    assert there(folder / "safe") == ["customers.csv", "orders.parquet"]
    code, out, _ = run("anonymize", "in", "--detect")
    assert code == 0
    assert "[anonymize.tables.orders.columns]" in out


# --- ends -----------------------------------------------------------------------------------------

INTERRUPTED = """
import os, signal, sys
from paribus.anonymizing.formats import csv
from paribus import cli
write = csv.CsvWriter.write
def interrupted(self, chunk):
    write(self, chunk)
    os.kill(os.getpid(), getattr(signal, os.environ["WITH"]))
csv.CsvWriter.write = interrupted
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["paribus", *sys.argv[1:]]
cli.main()
"""


@pytest.mark.parametrize(
    ("ended_with", "code", "said"),
    [
        ("SIGINT", cli.INTERRUPTED, "paribus: interrupted; nothing was left half written\n"),
        ("SIGTERM", 128 + 15, ""),
    ],
)
def test_ctrl_c_leaves_nothing(folder: Path, ended_with: str, code: int, said: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, "anonymize", *GIVEN, "--new-key", "new"]
    before = there(folder)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "WITH": ended_with},
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert done.stderr == said
    assert there(folder) == before


def test_a_terminal_sees_how_far_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    code, _, err = run("anonymize", *GIVEN, "--key-file", "key")
    assert code == 0
    assert "customers.csv: 300 rows" in err
    assert err.endswith("safe.csv: 300 rows written\n")


def test_learning_takes_the_section(folder: Path, run: Run) -> None:
    code, out, err = run(
        "people", "learn", "customers.csv", "--spec", "spec.toml", "-o", "fields.toml"
    )
    assert (code, out, err) == (0, "", "fields.toml: 4 fields\n")
    assert "corp.com" not in (folder / "fields.toml").read_text()
