"""Every sort of record in every format that somebody else reads, by the reader it is made for."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import yaml
from jsonschema import Draft4Validator

import paribus as pb
from paribus.record import Record
from paribus.report import sarif, xlsx
from paribus.tracking import metrics_of

SCHEMAS = Path(__file__).parent / "schemas"
NUMBERS = ("estimate", "low", "high", "p", "tolerance")


def twins(model: Any, people: int = 300, **options: Any) -> Record:
    return pb.audit(
        model,
        protect={"sex": ["m", "f", "x"], "race": ["a", "b"]},
        fields={"income": pb.integers(0, 99_999)},
        people=people,
        **{"favorable": True, "seed": 3} | options,
    )


def biased(people: Any) -> Any:
    return (people["sex"] == "m") | (people["income"] > 61_803)


def fair(people: Any) -> Any:
    return people["income"] > 61_803


def scored(people: Any) -> Any:
    return people["income"] / 3 + (people["sex"] == "m") / 7


def failing(people: Any) -> Any:
    if (people["income"] < 90_000).any():
        raise ValueError("no <answer>")
    return biased(people)


def rows() -> pd.DataFrame:
    chance = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "sex": chance.choice(["m", "f"], 900),
            "race": chance.choice(["a", "b", "c"], 900),
            "score": chance.random(900),
            "paid": chance.integers(0, 2, 900),
        }
    )
    frame["hired"] = (frame["score"] + (frame["sex"] == "m") / 5 > 0.6).astype(int)
    return frame


RECORDS = {
    "biased": lambda: twins(biased),
    "within tolerance": lambda: twins(fair, people=2_000),
    "inconclusive": lambda: twins(fair, people=20),
    "amounts": lambda: twins(scored, outcome="number", favorable=None, tolerance=0.01),
    "mostly errors": lambda: twins(failing),
    "nothing found": lambda: twins(biased).model_copy(update={"findings": ()}),
    "metrics": lambda: pb.metrics(
        rows(), by=["sex", "race"], label="paid", decision="hired", cross=[["sex", "race"]]
    ),
    "scores": lambda: pb.metrics(rows(), by="sex", label="paid", score="score"),
    "a data audit": lambda: pb.audit_data(
        rows(), protect=["sex", "race"], label="paid", decision="hired", factors=["score"]
    ),
    "numbers alone": lambda: pb.audit_data(rows(), protect="sex"),
}


@pytest.fixture(scope="module", params=list(RECORDS))
def made(request: pytest.FixtureRequest) -> Record:
    return RECORDS[request.param]()


def known(number: Any) -> Any:
    """Give what a file says of a number: nothing where there is no bound."""
    return None if isinstance(number, float) and abs(number) >= sys.float_info.max else number


def test_a_csv_has_every_number_to_the_last_digit(made):
    read = list(csv.DictReader(io.StringIO(made.render("csv").decode())))
    assert len(read) == len(made.findings)
    for row, finding in zip(read, made.findings, strict=True):
        for column in NUMBERS:
            held = float(row[column]) if row[column] else None
            assert held == known(getattr(finding, column))
        for column in ("people", "answered", "flips_against", "flips_for", "more"):
            assert row[column] == ("" if (n := getattr(finding, column)) is None else str(n))


def test_a_workbook_has_every_number_to_the_last_digit(made):
    book = openpyxl.load_workbook(io.BytesIO(made.render("xlsx")))
    assert ("Findings" in book.sheetnames) == bool(made.findings)
    if not made.findings:
        return
    head, *lines = book["Findings"].iter_rows(values_only=True)
    for line, finding in zip(lines, made.findings, strict=True):
        cells = dict(zip(head, line, strict=True))
        assert {column: cells[column] for column in NUMBERS} == {
            column: known(getattr(finding, column)) for column in NUMBERS
        }


def test_sarif_is_valid_and_each_result_has_its_place(made):
    log = json.loads(made.render("sarif"))
    schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    Draft4Validator(schema).validate(log)
    (run,) = log["runs"]
    open_ = [finding for finding in made.findings if finding.verdict != "within tolerance"]
    assert len(run["results"]) == len(open_)
    prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
    assert run["properties"]["verdict"] == (made.verdict if made.judged else "none")


def test_junit_is_valid_and_its_cases_have_names_of_their_own(made):
    xmlschema = pytest.importorskip("xmlschema", reason="a tool of the test extra")
    text = made.render("junit").decode()
    xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(text)
    root = ET.fromstring(text)
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(cases) == len(set(cases)) == len(made.findings)
    assert root.get("failures") == str(sum(f.verdict != "within tolerance" for f in made.findings))
    told = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert told["verdict"] == (made.verdict if made.judged else "none")


def test_a_hub_reads_every_estimate_of_a_card(made):
    hub = pytest.importorskip("huggingface_hub", reason="a tool of the test extra")
    text = made.render("model_card").decode()
    card = hub.ModelCard(text, ignore_metadata_errors=False)
    values = [result.metric_value for result in card.data.eval_results or []]
    assert sorted(values) == sorted(finding.estimate for finding in made.findings)
    assert yaml.safe_load(text.split("---\n")[1])["tags"] == ["fairness", "bias"]


def test_markdown_shows_no_tag_that_it_does_not_write(made):
    cmarkgfm = pytest.importorskip("cmarkgfm", reason="a tool of the test extra")
    text = made.render("markdown").decode()
    shown = cmarkgfm.github_flavored_markdown_to_html(text, 1 << 17)
    assert "<a " not in shown
    assert shown.count("<details>") == shown.count("</details>")
    assert ("### ❌" in text) == (made.judged and made.verdict == "biased")


def test_metrics_have_every_estimate_under_a_name_of_its_own(made):
    numbers = metrics_of(made)
    estimates = [key for key in numbers if not key.endswith((".low", ".high", ".p"))]
    assert len(estimates) == len(made.findings) + 3
    assert {f.estimate for f in made.findings} <= set(numbers.values())


def test_a_table_has_no_model_to_mend():
    text = RECORDS["metrics"]().render("model_card").decode()
    said = text.split("### Recommendations\n\n")[1].split("\n\n")[0]
    assert "decisions" in said
    assert "mitigate" not in text


def test_where_nothing_was_held_nothing_is_said_to_be_unproven():
    text = RECORDS["numbers alone"]().render("model_card").decode()
    assert "Nothing was held against a tolerance" in text
    assert "not proven" not in text


def test_two_audits_whose_names_lose_letters_are_two_categories(loan):
    names = ["Löhne", "Lähne", "ローン 1", "採用 1", "a" * 70 + "b", "a" * 70 + "c", ""]
    ids = set()
    for name in names:
        log = json.loads(sarif.render(loan.model_copy(update={"name": name})))
        ids.add(log["runs"][0]["automationDetails"]["id"])
    assert len(ids) == len(names)
    assert all(re.fullmatch(r"paribus/[a-z0-9-]+/", each) for each in ids)


@pytest.mark.parametrize("spec", ["nowhere.toml", "."])
def test_an_audit_file_that_cannot_be_read_is_said(loan, tmp_path, monkeypatch, spec):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pb.OutputError, match="the audit file that results point into"):
        loan.save("loan.sarif", spec=spec)
    assert list(tmp_path.iterdir()) == []


def test_a_name_from_right_to_left_is_set_apart_in_every_table():
    record = pb.audit(
        lambda people: people["sex"] == "a",
        protect={"sex": ["a", "\u05e9\u05dc\u05d5\u05dd"]},
        fields={"n": pb.integers(0, 9)},
        people=300,
        favorable=True,
    )
    said = csv.DictReader(io.StringIO(record.render("csv").decode()))
    book = openpyxl.load_workbook(io.BytesIO(record.render("xlsx")))
    head, line = list(book["Findings"].iter_rows(values_only=True))[:2]
    summary = dict(book["Summary"].iter_rows(values_only=True))
    cells = (next(said)["sentence"], line[head.index("sentence")], summary["In words"])
    for text in cells:
        assert "\u2068\u05e9\u05dc\u05d5\u05dd\u2069" in text
        assert "\ufffd" not in text


# --- typed cells ----------------------------------------------------------------------------------


def test_pairs_of_real_rows_keep_their_types():
    days = pd.date_range("1960-01-01", periods=60, freq="97D")
    frame = rows().head(60).assign(
        born=days,
        seen=days + pd.Timedelta(hours=5, minutes=6),
        old=[date(1850, 1, 2)] * 60,
        zone=pd.Timestamp("2024-01-02 03:04", tz="Europe/Berlin"),
        zip=[f"{i:05d}" for i in range(60)],
        account=2**60 + np.arange(60),
        member=[True, False] * 30,
    )  # fmt: skip
    record = pb.audit(
        lambda people: people["sex"] == "m", protect={"sex": ["m", "f"]}, data=frame, favorable=True
    )
    head, line, *_ = openpyxl.load_workbook(io.BytesIO(xlsx.render(record)))["Pairs"].iter_rows()
    cells = {top.value: cell for top, cell in zip(head, line, strict=True)}
    pair = record.pairs("pandas").iloc[0]
    assert cells["born"].is_date
    assert (cells["born"].value, cells["born"].number_format) == (pair["born"], "yyyy-mm-dd")
    assert cells["seen"].value == pair["seen"]
    assert cells["seen"].number_format == "yyyy-mm-dd hh:mm:ss"
    # Excel has no such day and no zones.
    assert cells["old"].value == "1850-01-02"
    assert cells["zone"].value == "2024-01-02 03:04:00+01:00"
    assert cells["zip"].value == pair["zip"]
    assert cells["account"].value == str(pair["account"])
    assert cells["member"].value is bool(pair["member"])
    assert cells["score"].value == pair["score"]


def test_bytes_start_no_formula_in_a_csv(tmp_path):
    frame = rows().head(60).assign(note=[b"=1+1"] * 60)
    record = pb.audit(
        lambda people: people["sex"] == "m", protect={"sex": ["m", "f"]}, data=frame, favorable=True
    )
    read = csv.DictReader(record.save_pairs(tmp_path / "pairs.csv").read_text().splitlines())
    assert {row["note"] for row in read} == {"b'=1+1'"}


@pytest.mark.parametrize(
    ("sheets", "said"),
    [(["Findngs"], 'there is no sheet "Findngs"; did you mean "Findings"'), ([], "at least one")],
)
def test_sheets_that_there_are_not(loan, sheets, said):
    with pytest.raises(pb.OutputError, match=said):
        xlsx.render(loan, sheets=sheets)


# --- tables of other rows -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "table", "column"),
    [
        ("regions.csv", "regions", "rule"),
        ("loan.regions.csv", "regions", "share_of_people"),
        ("loan.RATES.CSV", "rates", "answered"),
        ("findings.csv", "findings", "verdict"),
    ],
)
def test_the_name_of_a_csv_chooses_its_rows(loan, tmp_path, name, table, column):
    saved = loan.save(tmp_path / name)
    assert saved.read_bytes() == loan.render("csv", table=table)
    assert column in pd.read_csv(saved).columns


def test_regions_have_every_number(loan):
    read = pd.read_csv(io.BytesIO(loan.render("csv", table="regions")))
    assert read["estimate"].tolist() == [row.estimate for row in loan.regions]
    assert read["share_of_people"].tolist() == [row.share for row in loan.regions]
    assert read["rule"].iloc[0] == "income <= 79,997"


def test_a_table_that_there_is_not(loan):
    with pytest.raises(pb.OutputError, match='there is no table "region"; did you mean "regions"'):
        loan.render("csv", table="region")
