"""The line for tables: one call, the `[data]` section, models that fill in, the command line."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import paribus as pb
from paribus import cli
from paribus.measuring import looks_synthetic
from paribus.probe._handed import probe_of


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(11)
    n = 1500
    sex = rng.choice(["F", "M"], n)
    area = np.where(rng.random(n) < 0.9, sex == "F", rng.random(n) < 0.5).astype(int)
    income = rng.normal(50, 12, n).round(1)
    repaid = (income + rng.normal(0, 10, n) > 48).astype(int)
    approved = (income - 12 * area + rng.normal(0, 4, n) > 44).astype(int)
    return pd.DataFrame(
        {"sex": sex, "area": area, "income": income, "repaid": repaid, "approved": approved}
    )


@pytest.fixture
def run(monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["paribus", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return command


def test_the_same_table_twice_gives_the_same_record(people):
    one, other = (
        json.loads(pb.metrics(people, by="sex", label="repaid", decision="approved").json_text())
        for _ in range(2)
    )
    one.pop("run")
    other.pop("run")
    assert one == other


def test_a_record_without_a_model_opens_again(people, tmp_path):
    record = pb.metrics(people, by="sex", decision="approved", name="Loans")
    assert record.model is None
    assert record.data.rows == len(people)
    opened = pb.open_record(record.save(tmp_path / "record.json"))
    assert opened == record
    for format in ("html", "terminal", "junit"):
        assert opened.render(format) == record.render(format)


def test_a_model_fills_in_decisions_and_is_asked_about_swapped_columns(people):
    features = ["area", "income"]
    model = LogisticRegression().fit(people[features], people.approved)
    record = pb.audit_data(
        people.drop(columns="approved"),
        protect="sex",
        label="repaid",
        model=model,
        features=features,
        checks=["group", "proxies"],
    )
    mine = people.assign(d=model.predict(people[features]))
    rates = {
        row.group: row.estimate
        for row in record.evidence
        if (row.unit, row.relation, row.stage) == ("selection rate", "value", "outcomes")
    }
    for sex, part in mine.groupby("sex"):
        assert rates[sex] == pytest.approx(part.d.mean())
    proxy = {f.field: f.verdict for f in record.findings if f.stage == "features"}
    assert proxy["area"] == "biased"
    assert proxy["income"] != "biased"


def test_a_model_never_sees_the_label(people):
    seen = []

    def model(frame):
        seen.append(set(frame.columns))
        return (frame["income"] > 50).astype(int)

    pb.audit_data(
        people.drop(columns="approved"),
        protect="sex",
        label="repaid",
        model=probe_of(model, {"favorable": 1}),
        checks=["group"],
        favorable=1,
    )
    assert seen
    assert not any("repaid" in columns for columns in seen)


SPEC = """
[audit]
name = "Loans"
tolerance = 0.05
seed = 3

[model]
kind = "callable"
function = "measured_model:decide"
favorable = 1

[protect.sex]
levels = ["M", "F"]

[data]
path = "people.csv"
label = "repaid"
decision = "approved"
checks = ["group"]
"""


@pytest.fixture
def audit(people, tmp_path, monkeypatch):
    people.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "measured_model.py").write_text(
        "def decide(people):\n    return (people['income'] > 50).astype(int)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    spec = tmp_path / "audit.toml"
    spec.write_text(SPEC)
    return spec


def test_an_audit_with_a_data_section_has_both_in_one_record(audit, people):
    record = pb.load(audit).run(trust=True)
    stages = {finding.stage for finding in record.findings}
    assert stages == {"model", "outcomes"}
    twins = [f for f in record.findings if f.stage == "model"]
    # The function decides by income alone: its twins are equal, and its world is not.
    assert {f.verdict for f in twins} == {"within tolerance"}
    assert record.verdict == "biased"
    assert record.data.roles["reference"] == {"sex": "M"}
    page = record.render("html").decode()
    assert "With everything else equal" in page
    assert "How outcomes differ by sex" in page
    again = pb.load(audit).run(trust=True)
    assert again.evidence == record.evidence


def test_measuring_changes_nothing_about_twins(audit):
    record = pb.load(audit).run(trust=True)
    plain = audit.with_name("plain.toml")
    plain.write_text(SPEC[: SPEC.index("label =")])
    alone = pb.load(plain).run(trust=True)
    twins = tuple(row for row in record.evidence if row.stage == "model")
    assert twins == alone.evidence
    assert record.witnesses == alone.witnesses


def test_rows_may_be_measured_without_being_the_base_people(audit):
    text = SPEC.replace('path = "people.csv"', 'path = "people.csv"\nbase = false')
    audit.write_text(text + '\n[fields.income]\nkind = "integers"\nlow = 20\nhigh = 90\n')
    record = pb.load(audit).run(trust=True)
    # Of income alone, the function knows 71 different people.
    assert record.exhaustive
    assert record.data.rows == 1500


def test_in_memory_data_are_measured_too(people):
    def decide(frame):
        return (frame["income"] > 50).astype(int)

    record = pb.audit(
        decide,
        protect={"sex": ["M", "F"]},
        data=people,
        measure={"label": "repaid", "decision": "approved", "checks": ["group"]},
        favorable=1,
        features=["income"],
    )
    assert {finding.stage for finding in record.findings} == {"model", "outcomes"}
    call = record.render("html").decode().replace("&#39;", "'").replace("&#34;", '"')
    assert """for key in ['label', 'decision', 'checks']}""" in call
    with pytest.raises(pb.SpecError, match="no data whose columns"):
        pb.audit(decide, protect={"sex": ["M", "F"]}, measure={"label": "y"}, favorable=1)


def test_metrics_on_the_command_line(run, people, tmp_path):
    table = tmp_path / "people.parquet"
    people.to_parquet(table)
    page, record = tmp_path / "page.html", tmp_path / "record.json"
    code, out, err = run(
        "metrics", table, "--by", "sex", "--label", "repaid", "--decision", "approved",
        "--reference", "sex=M", "--html", page, "--json", record, "--hold", "demographic parity",
    )  # fmt: skip
    assert (code, err) == (1, "")
    assert "Demographic parity by sex" in out
    assert "<script" not in page.read_text()
    same = pb.metrics(
        table, by="sex", label="repaid", decision="approved", reference={"sex": "M"},
        criteria=["demographic parity"],
    )  # fmt: skip
    assert pb.open_record(record).evidence == same.evidence


def test_nothing_held_is_no_failure(run, people, tmp_path):
    table = tmp_path / "people.csv"
    people.to_csv(table, index=False)
    code, out, _ = run("metrics", table, "--by", "sex", "--label", "repaid")
    assert code == 0
    assert "nothing was held against a tolerance" in out


def test_data_on_the_command_line(run, people, tmp_path):
    table = tmp_path / "people.csv"
    people.to_csv(table, index=False)
    shares = tmp_path / "population.toml"
    shares.write_text("[sex]\nF = 0.9\nM = 0.1\n")
    page = tmp_path / "page.html"
    code, out, err = run(
        "data", table, "--protect", "sex", "--label", "repaid", "--population", shares,
        "--html", page,
    )  # fmt: skip
    assert (code, err) == (1, "")
    text = page.read_text()
    for stage in ("Collection", "Labeling", "Features", "Training", "Deployment"):
        assert f"{stage}: " in text
        assert f"{stage}: " in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--by", "sexx"], '$.data.by: the data have no column "sexx"; did you mean "sex"?'),
        (["--by", "sex", "--decision", "income"], 'did you mean score = "income"'),
        (
            ["--by", "sex", "--label", "income", "--decision", "approved"],
            "name the prediction = ... too",
        ),
        (["--by", "sex", "--decision", "approved", "--reference", "sex"], "--reference: must be"),
        (["--by", "sex", "--decision", "approved", "--tolerance", "7"], "$.data.tolerance"),
        (["--by", "sex", "--decision", "approved", "--hold", "equalised odds"], "did you mean"),
        (["--by", "sex"], "nothing can be measured"),
    ],
)
def test_mistakes_on_the_command_line(run, people, tmp_path, arguments, said):
    table = tmp_path / "people.csv"
    people.to_csv(table, index=False)
    code, out, err = run("metrics", table, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("paribus: ")
    assert err.count("\n") == 1
    assert said in err


def test_ten_thousand_levels_are_a_question(people):
    frame = pd.DataFrame({"id": np.arange(20_000) % 10_000, "d": 1})
    with pytest.raises(pb.DataError, match=r"10,000 different values.*numeric field"):
        pb.metrics(frame, by="id", decision="d")


def test_an_output_never_overwrites_the_table(run, people, tmp_path):
    table = tmp_path / "people.csv"
    people.to_csv(table, index=False)
    before = table.read_bytes()
    code, _, err = run("metrics", table, "--by", "sex", "--decision", "approved", "--json", table)
    assert code == 2
    assert "is what this command reads" in err
    assert table.read_bytes() == before


def test_twins_know_that_they_are_no_history(tmp_path):
    from paribus.counting import Source

    twins = pd.DataFrame({"person": [0, 0], "version": ["a", "b"], "x": [1, 2]})
    assert looks_synthetic(Source.of(twins))
    assert pb.metrics(twins.assign(g=["a", "b"]), by="g", decision="x", checks=["group"],
                      favorable=1).data.synthetic  # fmt: skip
    assert not looks_synthetic(Source.of(twins[["x", "person", "version"]]))


def test_population_files(tmp_path):
    file = tmp_path / "population.toml"
    file.write_text('["race x sex"]\n"a x F" = 0.5\n"a x M" = "half"\n')
    with pytest.raises(pb.SpecError, match="must be a share"):
        pb.read_population(file)
    with pytest.raises(pb.SpecError, match="there is no file"):
        pb.read_population(tmp_path / "populations.toml")


def test_group_rates_are_those_of_the_record(people):
    frame = pb.group_rates(people, by=["sex", "area"], label="repaid", decision="approved")
    record = pb.metrics(people, by=["sex", "area"], label="repaid", decision="approved")
    rows = {
        (row.group, row.unit): (row.estimate, row.low, row.high, row.people, row.answered)
        for row in record.evidence
        if row.attribute == "sex x area" and row.relation == "value" and row.group
    }
    assert len(frame) == 4 * 12
    for line in frame.itertuples():
        assert rows[line.group, line.metric] == pytest.approx(
            (line.estimate, line.low, line.high, line.rows, line.trials)
        )


def test_group_rates_name_what_they_do_not_know(people):
    with pytest.raises(pb.SpecError, match="did you mean"):
        pb.group_rates(people, by="sex", decision="approved", metrics=["selection rates"])
    with pytest.raises(pb.SpecError, match="name a decision or a label"):
        pb.group_rates(people, by="sex")
    with pytest.raises(pb.SpecError, match="there is no metric"):
        pb.group_rates(people, by="sex", decision="approved", metrics=["accuracy"])


# --- models that fill in --------------------------------------------------------------------------


def rates(record):
    return {
        row.group: row.estimate
        for row in record.evidence
        if (row.unit, row.relation, row.stage) == ("selection rate", "value", "outcomes")
        and row.group
    }


@pytest.mark.parametrize(
    ("options", "favored"),
    [
        ({"outcome": "score", "threshold": 50.0, "prefer": "low"}, lambda x: x <= 50),
        ({"outcome": "score", "threshold": 50.0}, lambda x: x >= 50),
    ],
)
def test_scores_with_a_threshold_decide(people, options, favored):
    model = probe_of(lambda frame: frame["income"], options)
    data = people.drop(columns=["approved", "repaid"])
    record = pb.audit_data(data, protect="sex", model=model, checks=["group"])
    assert rates(record) == pytest.approx(favored(data.income).groupby(data.sex).mean().to_dict())


def test_a_threshold_of_the_data_decides_upon_scores_of_the_model(people):
    model = probe_of(lambda frame: frame["income"], {"outcome": "score", "prefer": "low"})
    data = people.drop(columns=["approved", "repaid"])
    record = pb.audit_data(data, protect="sex", model=model, checks=["group"], threshold=50.0)
    assert rates(record) == pytest.approx((data.income <= 50).groupby(data.sex).mean().to_dict())


@pytest.mark.parametrize(
    ("answers", "model_favors", "data_favor"),
    [
        (("reject", "approve"), "approve", None),
        (("reject", "approve"), "approve", 1),
        ((1, 0), 0, 1),
        ((0, 1), None, 1),
        ((1, 0), None, 0),
    ],
)
def test_a_favorable_answer_is_compared_with_a_favorable_label(
    people, answers, model_favors, data_favor
):
    """However the model calls it, and whatever the label calls favorable."""
    bad, good = answers
    chosen = people.income > 50

    def decide(frame):
        return np.where(frame["income"] > 50, good, bad)

    data = people.drop(columns="approved")
    if data_favor == 0:
        data = data.assign(repaid=1 - data.repaid)
    options = {} if model_favors is None else {"favorable": model_favors}
    options |= {} if model_favors is not None else {"outcome": "decision"}
    extra = {} if data_favor is None else {"favorable": data_favor}
    record = pb.audit_data(
        data, protect="sex", label="repaid", model=probe_of(decide, options), checks=["group"],
        **extra,
    )  # fmt: skip
    assert rates(record) == pytest.approx(chosen.groupby(people.sex).mean().to_dict())
    right = (chosen == (people.repaid == 1)).groupby(people.sex).mean().to_dict()
    accuracy = {
        row.group: row.estimate
        for row in record.evidence
        if (row.unit, row.relation) == ("accuracy", "value") and row.group
    }
    assert accuracy == pytest.approx(right)


def test_answers_that_are_missing_are_counted_and_shown(people):
    def decide(frame):
        if (frame["income"] > 70).any():
            raise ValueError("too rich")
        return [None if income < 30 else int(income > 50) for income in frame["income"]]

    lost = int(((people.income > 70) | (people.income < 30)).sum())
    record = pb.audit_data(
        people.drop(columns=["approved", "repaid"]), protect="sex",
        model=probe_of(decide, {"favorable": 1}), checks=["group"],
    )  # fmt: skip
    assert any(f'"model decision" is missing in {lost} rows' in note for note in record.notes)


def test_a_model_sees_no_outcome(people):
    seen = set()

    def decide(frame):
        seen.update(frame.columns)
        return (frame["income"] > 50).astype(int)

    options = {
        "protect": "sex", "label": "repaid", "decision": "approved", "score": "s", "rank": "place",
        "weight": "w", "model": probe_of(decide, {"favorable": 1}),
    }  # fmt: skip
    table = people.assign(s=0.5, place=np.arange(len(people)) + 1, w=1.0)
    pb.audit_data(table, checks=["group"], **options)
    # The table says what was decided: there is nothing to ask.
    assert not seen
    pb.audit_data(table, checks=["proxies"], **options)
    assert seen == {"sex", "area", "income"}


def test_a_model_that_wants_a_column_that_is_not_there(people):
    model = LogisticRegression().fit(people[["area", "income"]], people.approved)
    with pytest.raises(pb.SpecError, match=r'\$\.model\.features: .*"area", which the data lack'):
        pb.audit_data(people[["sex", "income"]], protect="sex", model=model)


# --- engines --------------------------------------------------------------------------------------


def test_every_engine_gives_the_same_evidence(people, tmp_path):
    import duckdb
    import polars as pl

    some = people.assign(
        age=np.where(np.arange(len(people)) < 20, np.nan, 10 * people.area + 20), w=people.area + 1
    )
    # Older versions close a connection that nobody holds any more.
    connection = duckdb.connect()
    some.to_parquet(tmp_path / "people.parquet")
    some.to_csv(tmp_path / "people.csv", index=False)
    tables = {
        "indexed": some.set_index(pd.Index(np.zeros(len(some)))),
        "polars": pl.from_pandas(some),
        "duckdb": connection.from_df(some),
        "parquet": tmp_path / "people.parquet",
        "csv": tmp_path / "people.csv",
    }
    for options in (
        {"by": ["sex", "age"], "label": "repaid", "decision": "approved", "weight": "w"},
        {"by": "sex", "score": "income", "threshold": 50.1, "checks": ["group"]},
    ):
        expected = pb.metrics(some, **options).evidence
        for engine, table in tables.items():
            assert pb.metrics(table, **options).evidence == expected, engine


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"confidence": 1.0}, r"\$\.audit\.confidence: must be less than 1"),
        ({"confidence": 0.5}, r"\$\.audit\.confidence"),
        ({"seed": -1}, r"\$\.audit\.seed"),
        ({"wieght": "w"}, r'\$\.data: unknown key "wieght"; did you mean "weight"'),
        ({"cross": ["sex", "area"]}, r"\$\.data\.cross\[0\]: must be a list"),
        ({"checks": ["group"], "criteria": []}, r"\$\.data\.checks"),
        ({"threshold": float("nan")}, r"\$\.data\.threshold: must be a finite number"),
    ],
)
def test_mistakes_in_one_call(people, options, said):
    with pytest.raises(pb.SpecError, match=said):
        pb.metrics(people, by="sex", decision="approved", **options)


def test_weights_that_are_all_nothing(people):
    with pytest.raises(pb.DataError, match=r'\$\.data\.weight: all weights "w" are 0'):
        pb.metrics(people.assign(w=0.0), by="sex", decision="approved", weight="w")


def test_the_checks_of_a_record_can_be_read_again(people):
    record = pb.metrics(people, by="sex", decision="approved", criteria=["demographic parity"])
    assert record.spec["data"]["checks"][0]["kind"] == "group"
    again = pb.metrics(people, by="sex", decision="approved", checks=record.spec["data"]["checks"])
    assert again.evidence == record.evidence


def test_a_reference_is_named_once(run, people, tmp_path):
    table = tmp_path / "people.csv"
    people.to_csv(table, index=False)
    code, _, err = run(
        "metrics", table, "--by", "sex", "--decision", "approved",
        "--reference", "sex=F", "--reference", "sex=M",
    )  # fmt: skip
    assert code == 2
    assert '--reference: "sex" is named twice' in err


def test_what_is_favorable_in_the_data_is_favorable_in_a_plain_function(people):
    data = people.drop(columns="approved").assign(repaid=1 - people.repaid)
    record = pb.audit_data(
        data, protect="sex", label="repaid", favorable=0, checks=["group"],
        model=lambda frame: (frame["income"] <= 50).astype(int),
    )  # fmt: skip
    assert rates(record) == pytest.approx((people.income > 50).groupby(people.sex).mean().to_dict())


def test_a_threshold_makes_a_decision_of_a_plain_function(people):
    record = pb.audit_data(
        people.drop(columns=["approved", "repaid"]), protect="sex", checks=["group"],
        model=lambda frame: frame["income"], threshold=50.0,
    )  # fmt: skip
    assert rates(record) == pytest.approx(
        (people.income >= 50).groupby(people.sex).mean().to_dict()
    )


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_columns_that_are_not_separated_by_commas(people, tmp_path, mark):
    file, other = tmp_path / "people.csv", tmp_path / "other.csv"
    people.to_csv(file, index=False)
    people.to_csv(other, index=False, sep=mark)
    found, same = (pb.metrics(each, by="sex", decision="approved") for each in (file, other))
    assert found.findings == same.findings
    (tmp_path / "words.csv").write_text("name:sex\nann:f\n")
    with pytest.raises(pb.DataError, match='no column "approved"'):
        pb.metrics(tmp_path / "words.csv", by="sex", decision="approved")
