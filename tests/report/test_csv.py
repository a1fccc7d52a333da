"""The findings as CSV: typed columns, every number whole, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import sys

import pandas as pd
import pytest

from paribus._text import visible
from paribus.record import Record
from paribus.report import csv as csv_report
from paribus.report._wording import readable, sentence
from paribus.testing import check_report

TEXT = ("verdict", "attribute", "reference", "group", "unit", "stage", "test", "contrast")
NUMBERS = ("estimate", "low", "high", "p", "tolerance")
COUNTS = ("people", "answered")


def table(record: Record) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(csv_report.render(record)), keep_default_na=False, na_values=[""])


def test_it_conforms(record):
    check_report("csv", record)


def test_one_row_for_each_finding_with_its_whole_numbers(record):
    read = table(record)
    assert len(read) == len(record.findings)
    for column in NUMBERS:
        assert read[column].dtype == float
        assert read[column].tolist() == [getattr(f, column) for f in record.findings]
    for column in COUNTS:
        assert read[column].dtype == int
        assert read[column].tolist() == [getattr(f, column) for f in record.findings]
    assert read["verdict"].tolist() == [f.verdict for f in record.findings]
    assert read["exact"].tolist() == [f.exact for f in record.findings]


def test_sentences_are_those_of_all_reports(record):
    said = [row["sentence"] for row in csv.DictReader(io.StringIO(text(record)))]
    assert said == [sentence(finding) for finding in readable(record).findings]


def test_what_does_not_exist_is_empty(loan):
    unbounded = loan.findings[0].model_copy(update={"high": sys.float_info.max, "flips_for": None})
    record = loan.model_copy(update={"findings": (unbounded,)})
    row = next(csv.DictReader(io.StringIO(text(record))))
    assert (row["high"], row["flips_for"], row["largest"]) == ("", "", "")
    assert row["flips_against"] == "5569"


def test_names_are_whole_and_no_cell_starts_a_formula(hostile):
    rows = list(csv.DictReader(io.StringIO(text(hostile))))
    assert [len(row) for row in rows] == [25] * len(hostile.findings)
    for row, finding in zip(rows, hostile.findings, strict=True):
        assert row["group"].removeprefix("'") == visible(finding.group)
        assert row["reference"].startswith("'=HYPERLINK")
        assert not [cell for cell in map(row.get, TEXT) if cell and cell[0] in "=@\t\r＝＠"]


def test_nothing_found_is_a_header_alone(loan):
    lines = text(loan.model_copy(update={"findings": ()})).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith('"verdict","attribute","reference","group","unit"')


@pytest.mark.parametrize("name", ["findings.csv", "FINDINGS.CSV"])
def test_the_suffix_chooses_it(loan, tmp_path, name):
    assert loan.save(tmp_path / name).read_bytes() == csv_report.render(loan)


def text(record: Record) -> str:
    return csv_report.render(record).decode("utf-8")
