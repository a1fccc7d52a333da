"""Reports that the command line writes by the names of their files, to stdout, and all pairs."""

import io
import json
import os
import sys

import openpyxl
import pandas as pd
import pytest

import paribus as pb
from paribus import cli

MODELS = """
def biased(people):
    return (people["gender"] == "Male").astype(int)


def fair(people):
    return (people["income"] > 500_000).astype(int)
"""

SPEC = """\
# Who gets a loan
[audit]
people = 200
seed = 7

[model]
kind = "callable"
function = "cli_output_models:biased"
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
    (tmp_path / "cli_output_models.py").write_text(MODELS)
    (tmp_path / "audits").mkdir()
    (tmp_path / "audits" / "loan.toml").write_text(SPEC)
    frame = pd.DataFrame({"sex": ["f", "m"] * 100, "yhat": [0, 1] * 100, "y": [1, 1] * 100})
    frame.to_csv(tmp_path / "scored.csv", index=False)
    monkeypatch.syspath_prepend(tmp_path)
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


def test_an_audit_writes_every_report_and_its_pairs(folder, run):
    names = ["a.md", "a.csv", "a.xlsx", "a.sarif", "a.xml", "a.txt", "a.json", "a.card.md"]
    outputs = [part for name in names for part in ("-o", name)]
    code, out, err = run(
        "audit", "audits/loan.toml", "--trust", *outputs, "--pairs", "pairs.parquet"
    )
    assert (code, err) == (1, "")
    assert "BIASED" in out
    record = pb.open_record("a.json")
    for name in names:
        if name not in {"a.sarif", "a.xlsx"}:
            assert (folder / name).read_bytes() == record.render(pb.Record.format_of(name))
    assert "Pairs" in openpyxl.load_workbook("a.xlsx").sheetnames
    pairs = pd.read_parquet("pairs.parquet")
    assert len(pairs) == 200
    assert pairs["flip"].all()


def test_sarif_points_at_the_line_of_the_file(folder, run):
    run("audit", "audits/loan.toml", "--trust", "-o", "a.sarif")
    (result, *_) = json.loads((folder / "a.sarif").read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "audits/loan.toml"
    line = place["region"]["startLine"]
    assert SPEC.splitlines()[line - 1] == "[protect.gender]"


def test_tables_write_reports_too(folder, run):
    for command in (
        ("metrics", "scored.csv", "--by", "sex", "--decision", "yhat"),
        ("data", "scored.csv", "--protect", "sex", "--label", "y"),
    ):
        code, _, _ = run(*command, "-o", "b.md", "-o", "b.sarif")
        assert code in {0, 1, 3}
        assert "sex" in (folder / "b.md").read_text()
        (read,) = json.loads((folder / "b.sarif").read_text())["runs"]
        assert read["artifacts"][0]["location"]["uri"] == "scored.csv"


def test_show_writes_what_an_audit_writes(folder, run):
    run("audit", "audits/loan.toml", "--trust", "-o", "a.json", "-o", "a.md")
    code, out, err = run("show", "a.json", "-o", "again.md", "-o", "again.xlsx")
    assert (code, err) == (0, "")
    assert "BIASED" in out
    assert (folder / "again.md").read_text() == (folder / "a.md").read_text()
    # A record that was read from a file holds no pairs.
    assert "Pairs" not in openpyxl.load_workbook("again.xlsx").sheetnames


@pytest.mark.parametrize("format", ["markdown", "sarif", "csv", "model_card", "junit"])
def test_show_writes_to_stdout(folder, run, format):
    run("audit", "audits/loan.toml", "--trust", "-o", "a.json")
    code, out, err = run("show", "a.json", "--format", format)
    assert (code, err) == (0, "")
    assert out == pb.open_record("a.json").render(format).decode()


def test_a_workbook_goes_into_a_pipe_and_not_to_a_terminal(folder, run, monkeypatch):
    run("audit", "audits/loan.toml", "--trust", "-o", "a.json")
    content = pb.open_record("a.json").render("xlsx")

    class Terminal(io.TextIOWrapper):
        seen = io.BytesIO()

        def __init__(self, tty):
            super().__init__(Terminal.seen, encoding="utf-8")
            self.tty = tty

        def isatty(self):
            return self.tty

    monkeypatch.setattr(sys, "argv", ["paribus", "show", "a.json", "--format", "xlsx"])
    for tty, code in ((True, 2), (False, 0)):
        Terminal.seen = io.BytesIO()
        out = Terminal(tty)
        monkeypatch.setattr(sys, "stdout", out)
        with pytest.raises(SystemExit) as left:
            cli.main()
        out.flush()
        assert left.value.code == code
        assert Terminal.seen.getvalue() == (b"" if tty else content)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "report.pdf"], '"report.pdf" names no known report format'),
        (["-o", "report.markdwn"], '"report.markdwn" names no known report format'),
        (["-o", "nowhere/a.md"], "there is no folder"),
        (["-o", "audits/loan.toml"], '"audits/loan.toml" names no known report format'),
        (["--pairs", "pairs.txt"], '"pairs.txt": pairs are written to .csv, .parquet, .xlsx'),
        (["--pairs", "nowhere/pairs.csv"], "there is no folder"),
    ],
)
def test_what_cannot_be_written_is_said_before_a_question_is_asked(folder, run, arguments, said):
    before = sorted(folder.rglob("*"))
    code, out, err = run("audit", "audits/loan.toml", *arguments)
    # Without --trust a model of this kind would be refused next.
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_show_refuses_an_unknown_format(folder, run):
    run("audit", "audits/loan.toml", "--trust", "-o", "a.json")
    code, out, err = run("show", "a.json", "--format", "markdwon")
    assert (code, out) == (2, "")
    assert 'did you mean "markdown"?' in err
    code, _, err = run("show", "a.json", "-o", "a.json")
    assert code == 2
    assert "is what this command reads" in err


def test_without_openpyxl_a_workbook_is_refused_first(folder, run, monkeypatch):
    monkeypatch.setattr("paribus.record.find_spec", lambda name: None)
    code, _, err = run("audit", "audits/loan.toml", "--trust", "-o", "a.xlsx")
    assert code == 2
    assert 'takes openpyxl: pip install "paribus[excel]"' in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["-o", "a.csv", "--pairs", "a.csv"],
        ["-o", "a.json", "--json", "./a.json"],
        ["-o", "a.md", "-o", "audits/../a.md"],
    ],
)
def test_no_file_is_written_twice(folder, run, arguments):
    code, out, err = run("audit", "audits/loan.toml", "--trust", *arguments)
    assert (code, out) == (2, "")
    assert "would be written twice; choose another name" in err
    assert not list(folder.glob("a.*"))


def test_one_pipe_takes_several_reports(folder, run):
    code, _, err = run("audit", "audits/loan.toml", "--trust", "--html", os.devnull, "--json", "-")
    assert (code, err) == (1, "")
    code, _, err = run(
        "audit", "audits/loan.toml", "--trust", "--html", os.devnull, "--junit", os.devnull
    )
    assert (code, err) == (1, "")


def test_junit_passes_where_the_command_does(folder, run):
    (folder / "few.toml").write_text(SPEC.replace(":biased", ":fair").replace("200", "20"))
    arguments = ("audit", "few.toml", "--trust", "--junit", "a.xml", "-o", "b.xml")
    code, _, _ = run(*arguments)
    assert code == 3
    assert "<failure" in (folder / "a.xml").read_text()
    code, _, _ = run(*arguments, "--inconclusive-ok")
    assert code == 0
    for name in ("a.xml", "b.xml"):
        text = (folder / name).read_text()
        assert "<skipped" in text
        assert "<failure" not in text


def test_where_pairs_do_not_fit_the_record_is_kept(folder, run, monkeypatch):
    monkeypatch.setattr("paribus.report.xlsx.MOST_ROWS", 50)
    code, out, err = run(
        "audit", "audits/loan.toml", "--trust", "-o", "a.json", "--pairs", "pairs.xlsx"
    )
    assert code == 2
    assert "there are 200 pairs; write them as .csv or .parquet" in err
    assert "BIASED" in out
    assert pb.open_record("a.json").verdict == "biased"
    assert not (folder / "pairs.xlsx").exists()
