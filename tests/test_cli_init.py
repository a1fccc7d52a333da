"""`paribus init`, and `paribus audit` without a file."""

import os
import sys

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

import paribus as pb
from paribus import cli


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A model that has learned from men and women, and their table."""
    folder = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(5)
    male = rng.random(400) < 0.6
    data = pd.DataFrame(
        {
            "sex": np.where(male, "M", "F"),
            "sex_code": male.astype(int),
            "income": rng.integers(20, 90, 400),
        }
    )
    data["approved"] = (male | (data["income"] > 60)).astype(int)
    model = LogisticRegression(max_iter=500).fit(data[["sex_code", "income"]], data["approved"])
    skops.io.dump(model, folder / "loan.skops")
    unnamed = LogisticRegression(max_iter=500).fit(data[["sex_code"]].to_numpy(), male)
    skops.io.dump(unnamed, folder / "unnamed.skops")
    words = LogisticRegression(max_iter=500).fit(
        data[["sex_code", "income"]], np.where(male, "red", "blue")
    )
    skops.io.dump(words, folder / "words.skops")
    data.to_csv(folder / "people.csv", index=False)
    data.to_excel(folder / "people.xlsx", index=False, sheet_name="First")
    with pd.ExcelWriter(folder / "two.xlsx") as book:
        pd.DataFrame({"nothing": [1]}).to_excel(book, sheet_name="Notes", index=False)
        data.to_excel(book, sheet_name="People", index=False)
    return folder


@pytest.fixture
def run(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["paribus", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return command


def test_what_is_written_runs_as_it_is(run, made, tmp_path):
    code, out, err = run(
        "init", made / "people.csv", "--model", made / "loan.skops", "-o", "a.toml"
    )
    assert (code, out) == (0, "")
    assert '"sex_code" goes one to one with "sex" in all rows' in err
    assert err.endswith("a.toml: written; read it, and run: paribus audit a.toml\n")
    code, out, _ = run("audit", "a.toml")
    assert code == 1
    assert "BIASED" in out
    # Paths start in the folder of the file.
    path = os.path.relpath(made / "people.csv", tmp_path)
    assert f'path = "{path}"' in (tmp_path / "a.toml").read_text()
    (tmp_path / "sub").mkdir()
    run("init", made / "people.csv", "--model", made / "loan.skops", "-o", "sub/b.toml")
    assert run("audit", "sub/b.toml")[0] == 1


def test_without_a_file_the_audit_is_the_same(run, made, tmp_path):
    where = ("--data", made / "people.csv", "--model", made / "loan.skops", "--protect", "sex")
    code, out, err = run("audit", *where, "--json", "one.json", "--seed", "3", "--people", "300")
    assert code == 1
    assert "BIASED" in out
    assert 'favorable = 1: the model predicts "approved"' in err
    run("init", *where[1:2], *where[2:])
    run("audit", "audit.toml", "--json", "two.json", "--seed", "3", "--people", "300")
    one, two = (pb.open_record(tmp_path / name) for name in ("one.json", "two.json"))
    assert one.findings == two.findings
    assert one.people == 300
    assert one.spec["fields"] == two.spec["fields"]


def test_a_file_that_is_there_stays(run, made, tmp_path):
    (tmp_path / "audit.toml").write_text("mine")
    arguments = ("init", made / "people.csv", "--model", made / "loan.skops")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err == 'paribus: "audit.toml" is there already; pass --force, or another name with -o\n'
    assert (tmp_path / "audit.toml").read_text() == "mine"
    assert run(*arguments, "--force")[0] == 0
    assert (tmp_path / "audit.toml").read_text() != "mine"
    before = (made / "people.csv").read_bytes()
    code, _, err = run(*arguments, "-o", made / "people.csv", "--force")
    assert code == 2
    assert "is what this command reads" in err
    assert (made / "people.csv").read_bytes() == before


def test_the_call_in_python(run, made, tmp_path):
    code, out, _ = run(
        *("init", made / "people.csv", "--model", made / "loan.skops", "--protect", "sex"),
        "--from-code",
    )
    assert code == 0
    assert list(tmp_path.iterdir()) == []
    names = {}
    exec(out, names)
    assert names["record"].verdict == "biased"


def test_a_sheet_is_named(run, made, tmp_path):
    workbook = ("init", made / "two.xlsx", "--model", made / "loan.skops", "--protect", "sex")
    code, _, err = run(*workbook)
    assert code == 2
    assert 'the model sees "sex_code", which the data do not have' in err or "sex" in err
    assert run(*workbook, "--sheet", "People")[0] == 0
    assert 'sheet = "People"' in (tmp_path / "audit.toml").read_text()
    assert run("audit", "audit.toml")[0] == 1
    code, _, err = run(*workbook, "--sheet", "Peple", "--force")
    assert code == 2
    assert 'has no sheet "Peple"; did you mean "People"?' in err
    first = ("init", made / "people.xlsx", "--model", made / "loan.skops", "-o", "first.toml")
    assert run(*first)[0] == 0


def test_synthetic_people(run, made, tmp_path):
    run("init", made / "people.csv", "--model", made / "loan.skops", "--synthetic", "--force")
    text = (tmp_path / "audit.toml").read_text()
    assert "\n[data]" not in text
    assert run("audit", "audit.toml", "--people", "500")[0] == 1


@pytest.mark.parametrize(
    ("model", "arguments", "sentence"),
    [
        ("unnamed", (), "--features: the model takes 1 columns and does not name them"),
        ("words", (), '--favorable: say which answer is good for a person: "blue" or "red"'),
        ("words", ("--favorable", "gren"), '--favorable: the model has no label "gren"'),
        ("loan", ("--protect", "sax"), '--protect: the data have no column "sax"; did you mean'),
        ("loan", ("--protect", "income,,"), ""),
        ("loan", ("--protect", ","), "--protect: name at least one column"),
        ("loan", ("--label", "aproved"), '--label: the data have no column "aproved"'),
        ("loan", ("--outcome", "nummer"), "--outcome: "),
        ("loan", ("--label", "sex", "--protect", "sex"), '--label: "sex" is protected'),
        ("unnamed", ("--features", "sex"), 'the column "sex" holds text; give its code'),
        ("loan", ("--sheet", "x"), "has no sheets"),
        ("loan", ("--tolerance", "7"), ""),
        ("nowhere", (), "there is no file"),
    ],
)
def test_mistakes_name_the_option(run, made, tmp_path, model, arguments, sentence):
    code, out, err = run(
        "init", made / "people.csv", "--model", made / f"{model}.skops", *arguments
    )
    if not sentence:
        assert code == 0
        return
    assert code == 2, err
    assert sentence in err
    assert err.count("\n") == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_what_the_options_give_is_typed_as_the_model_knows_it(run, made, tmp_path):
    run("init", made / "people.csv", "--model", made / "loan.skops", "--favorable", "0")
    assert "favorable = 0  # as given" in (tmp_path / "audit.toml").read_text()


def test_an_audit_is_a_file_or_its_options(run, made):
    run("init", made / "people.csv", "--model", made / "loan.skops")
    code, _, err = run("audit", "audit.toml", "--protect", "sex")
    assert (code, err) == (
        2,
        'paribus: --protect: is for audits without a file; write it into "audit.toml"\n',
    )
    code, _, err = run("audit", "audit.toml", "--tolerance", "0")
    assert (code, err.split(":")[1]) == (2, " --tolerance")
    code, _, err = run("audit")
    assert code == 2
    assert "name the file of an audit, or --model and --data" in err
    code, _, err = run("audit", "--data", made / "people.csv")
    assert code == 2
    assert err.startswith("paribus: --model: ")
