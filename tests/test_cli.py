"""The command line: help that teaches, exit codes, results on stdout, everything else on stderr."""

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

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


COMMANDS = ["audit", "plan", "search", "twins", "mitigate", "show", "kinds", "schema", "demo"]


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


# --- ways to mend a model -------------------------------------------------------------------------

MEND = """
[audit]
name = "Loans"
people = 200
tolerance = 0.05

[model]
kind = "file"
path = "loan.skops"
favorable = 1

[protect.gender]
levels = ["Male", "Female"]

[fields.income]
kind = "integers"
low = 20
high = 119

[fields.gender_code]
kind = "map"
of = "gender"
map = { Male = 1, Female = 0 }

[mitigate]
train = "loans.csv"
label = "repaid"
try = ["reweigh", "drop-attribute"]
"""

IMPATIENT = """
import signal
from pathlib import Path

from sklearn.linear_model import LogisticRegression

class Impatient(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        if sample_weight is not None or Path("at once").exists():
            signal.raise_signal(signal.SIGINT)
        return super().fit(X, y)
"""


@pytest.fixture(scope="module")
def loans():
    rng = np.random.default_rng(0)
    income, male = rng.integers(20, 120, 400), rng.integers(0, 2, 400)
    repaid = rng.random(400) < 1 / (1 + np.exp(-((income - 70) / 8 + 2 * male - 1)))
    gender = np.where(male == 1, "Male", "Female")
    return pd.DataFrame(
        {"gender": gender, "gender_code": male, "income": income, "repaid": repaid.astype(int)}
    )


@pytest.fixture
def bank(tmp_path, monkeypatch, loans):
    loans.to_csv(tmp_path / "loans.csv", index=False)
    model = LogisticRegression().fit(loans[["gender_code", "income"]], loans["repaid"])
    skops.io.dump(model, tmp_path / "loan.skops")
    (tmp_path / "audit.toml").write_text(MEND)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mend(run, *arguments, spec="audit.toml"):
    return run("mitigate", spec, "--workers", 1, *arguments)


def changed(before, after):
    """Write the spec with something else in it."""
    assert before in MEND
    Path("changed.toml").write_text(MEND.replace(before, after))
    return "changed.toml"


def test_the_winner_is_written_and_audited_again_without_trust(bank, run):
    code, out, err = mend(run, "-o", "best.skops")
    assert (code, err) == (0, "best.skops: drop_attribute\n")
    assert "What mends the model" in out
    assert "drop_attribute keeps" in " ".join(out.split())
    again = changed("loan.skops", "best.skops")
    code, out, err = run("audit", again)
    assert (code, err) == (0, "")
    assert "WITHIN TOLERANCE" in out
    # Nothing of the comparison is in the way of an audit.
    assert run("audit", "audit.toml")[0] == 1


def test_a_model_is_written_only_where_it_is_recommended(bank, run):
    code, out, err = mend(run, "-o", "best.skops", "--try", "reweigh")
    assert code == 1
    assert err == (
        "paribus: best.skops was not written, since no candidate is recommended; --choose NAME "
        "writes one all the same\n"
    )
    assert "What mends the model" in out
    assert not Path("best.skops").exists()
    code, _, err = mend(run, "-o", "best.skops", "--try", "reweigh", "--choose", "reweigh")
    assert (code, err) == (1, "best.skops: reweigh\n")
    assert type(skops.io.load("best.skops")) is LogisticRegression


def test_few_people_prove_nothing(bank, run):
    few = ["--people", 20, "--try", "reweigh"]
    spec = changed("tolerance = 0.05", "tolerance = 0.3")
    assert mend(run, *few, spec=spec)[0] == 3
    assert mend(run, *few, "--inconclusive-ok", spec=spec)[0] == 0


def test_a_model_that_needs_no_mending(bank, run):
    easy = changed("tolerance = 0.05", "tolerance = 0.9")
    code, out, err = mend(run, "--try", "reweigh", "-o", "same.skops", spec=easy)
    assert (code, err) == (0, "same.skops: as it is\n")
    assert "nothing needs mending" in " ".join(out.replace("│", "").split())


def test_the_comparison_is_shown_again(bank, run):
    written = ["--json", "r.json", "--html", "r.html", "--junit", "r.xml"]
    code, out, err = mend(run, "--try", "drop_attribute", *written)
    assert (code, err) == (0, "")
    record = pb.open_record("r.json")
    assert record.comparison.recommended == "drop_attribute"
    assert Path("r.html").read_bytes() == record.render("html")
    assert Path("r.xml").read_bytes() == record.render("junit")
    assert run("show", "r.json") == (0, out, "")


def test_json_of_a_comparison_is_nothing_but_json(bank, run):
    code, out, err = mend(run, "--try", "drop_attribute", "--json", "-")
    assert (code, err) == (0, "")
    assert pb.Record(**json.loads(out)).comparison.recommended == "drop_attribute"


def test_options_override_the_section(bank, run, loans):
    loans.rename(columns={"repaid": "paid"}).assign(people=1).to_parquet("other.parquet")
    changes = ["--train", "other.parquet", "--label", "paid", "--weight", "people"]
    more = ["--scorer", "balanced_accuracy", "--gap", "demographic parity", "--folds", 2]
    code, out, _ = mend(run, *changes, *more, "--try", "twin-average", "--json", "-", "--seed", 5)
    assert code in (0, 1, 3)
    record = json.loads(out)
    assert record["seed"] == 5
    assert record["spec"]["mitigate"] == {
        "train": "other.parquet",
        "label": "paid",
        "weight": "people",
        "scorer": "balanced_accuracy",
        "gap": "demographic parity",
        "folds": 2,
        "try": [{"kind": "twin_average"}],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "best.pkl"], '"best.pkl": a model is written to a .skops file'),
        (["-o", "no/best.skops"], "there is no folder"),
        (["-o", "loan.skops"], '"loan.skops" is what this command reads'),
        (["--html", "loans.csv"], '"loans.csv" is what this command reads'),
        (["--train", "more.csv", "--json", "more.csv"], '"more.csv" is what this command reads'),
        (["--choose", "reweigh"], "choose: say where to write it, such as -o best.skops"),
        (["-o", "b.skops", "--choose", "reweight"], 'is tried; did you mean "reweigh"?'),
        (["-o", "b.skops", "--choose", "massage"], 'choose: "massage" is not tried'),
        (["--try", "reweigh,drop-atribute"], 'try[1].kind: there is no mitigation of kind "drop_a'),
        (["--try", ","], "$.mitigate.try: name at least 1 kind"),
        (["--try", "reweigh,reweigh"], '$.mitigate.try: "reweigh" is named twice'),
        (["--folds", "1"], "$.mitigate.folds: must be greater than or equal to 2, not 1"),
        (["--scorer", "acuracy"], '$.mitigate.scorer: there is no scorer "acuracy"; did you mean'),
        (["--gap", "fliprate"], '$.mitigate.gap: no gap "fliprate" is held; did you mean "flip'),
        (["--label", "repayed"], 'no column "repayed"; did you mean "repaid"?'),
        (["--weight", "wt"], '$.mitigate.weight: the training data have no column "wt"'),
        (["--train", "nowhere.csv"], '$.mitigate.train: "nowhere.csv": there is no such file'),
        (["--train", "utf16.csv"], '$.mitigate.train: "utf16.csv": cannot be read'),
        (["--train", "more.csv"], '$.mitigate.train: the model sees a column "income", which the'),
    ],
)
def test_a_wrong_mitigation_is_one_sentence(bank, run, loans, arguments, said):
    loans.drop(columns="income").to_csv("more.csv", index=False)
    Path("utf16.csv").write_bytes("gender,repaid\n".encode("utf-16"))
    before = {path.name: path.read_bytes() for path in bank.iterdir()}
    code, out, err = mend(run, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("paribus: ")
    assert err.count("\n") == 1
    assert said in err
    assert {path.name: path.read_bytes() for path in bank.iterdir()} == before


def test_without_a_label_or_rows_there_is_nothing_to_learn_from(bank, run):
    Path("none.toml").write_text(MEND.split("[mitigate]", maxsplit=1)[0])
    code, _, err = mend(run, spec="none.toml")
    assert code == 2
    assert err.startswith("paribus: $.mitigate.label: name the column of what really happened")
    code, _, err = mend(run, "--label", "repaid", spec="none.toml")
    assert code == 2
    assert err.startswith("paribus: $.mitigate.train: name the table to learn from")


def test_what_cannot_be_fitted_again_is_refused(bank, run, loans):
    skl2onnx = pytest.importorskip("skl2onnx")
    model = skops.io.load("loan.skops")
    floats = skl2onnx.common.data_types.FloatTensorType([None, 1])
    types = [(column, floats) for column in ("gender_code", "income")]
    columns = FunctionTransformer().fit(loans[["gender_code", "income"]])
    converted = skl2onnx.convert_sklearn(make_pipeline(columns, model), initial_types=types)
    Path("loan.onnx").write_bytes(converted.SerializeToString())
    code, out, err = mend(run, spec=changed("loan.skops", "loan.onnx"))
    assert (code, out) == (2, "")
    assert "$.model" in err
    assert "cannot be fitted again; hand over a scikit-learn" in err


def test_a_chosen_candidate_that_failed_costs_nobody_the_reports(bank, run, loans):
    model = KNeighborsClassifier().fit(loans[["gender_code", "income"]], loans["repaid"])
    skops.io.dump(model, bank / "loan.skops")
    arguments = ["--trust", "-o", "best.skops", "--choose", "reweigh", "--json", "r.json"]
    code, out, err = mend(run, *arguments)
    assert code == 2
    assert err.startswith('paribus: "best.skops" was not written: reweigh: ')
    assert "takes no weights" in err
    assert "drop_attribute" in out
    assert pb.open_record("r.json").comparison.named("drop_attribute").usable
    # What is usual depends on the model, which nobody knows before it is loaded.
    loans.head(120).to_csv("loans.csv", index=False)
    Path("usual.toml").write_text(MEND.split("try =", maxsplit=1)[0])
    usual = ["--trust", "-o", "best.skops", "--choose", "consistency", "--people", 20]
    code, _, err = mend(run, *usual, "--folds", 2, spec="usual.toml")
    assert code == 2
    assert "was not written: consistency: it does not suit this model, and was not tried" in err
    assert not Path("best.skops").exists()


@pytest.fixture
def impatient(bank, monkeypatch, loans):
    """A model during whose fit with weights somebody presses Ctrl-C."""
    Path("cli_impatient.py").write_text(IMPATIENT)
    monkeypatch.syspath_prepend(bank)
    monkeypatch.delitem(sys.modules, "cli_impatient", raising=False)
    model = importlib.import_module("cli_impatient").Impatient()
    model.fit(loans[["gender_code", "income"]], loans["repaid"])
    skops.io.dump(model, "loan.skops")
    # Whoever runs the tests in the background has Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield ["--trust", "--try", "drop_attribute,reweigh,massage"]
    signal.signal(signal.SIGINT, before)


def test_control_c_keeps_the_candidates_that_are_finished(bank, run, impatient):
    written = ["--json", "r.json", "--html", "r.html", "-o", "best.skops"]
    code, out, err = mend(run, *impatient, *written)
    assert code == 130
    assert err == (
        "best.skops: drop_attribute\nparibus: interrupted; what was finished by then is kept\n"
    )
    assert "not tried: interrupted" in " ".join(out.split())
    comparison = pb.open_record("r.json").comparison
    assert comparison.interrupted
    assert [c.name for c in comparison.candidates if c.usable] == ["as it is", "drop_attribute"]
    assert Path("r.html").exists()
    code, _, err = mend(run, *impatient, "-o", "other.skops", "--choose", "massage")
    assert code == 130
    assert "other.skops was not written: massage: not tried: interrupted" in err
    assert not Path("other.skops").exists()


def test_control_c_before_anything_is_finished(bank, run, impatient):
    Path("at once").touch()
    before = sorted(path.name for path in bank.iterdir())
    code, out, err = mend(run, *impatient, "--json", "r.json", "-o", "best.skops")
    assert (code, out) == (130, "")
    assert err == "paribus: interrupted; nothing was left half written\n"
    assert sorted(path.name for path in bank.iterdir()) == before


def test_progress_is_for_terminals(bank, run, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, out, err = mend(run, "--try", "drop_attribute", "--json", "-")
    assert code == 0
    assert "Trying" in err
    assert "100%" in err
    assert json.loads(out)
