"""The workbook, read back: typed cells, frozen headers, filters, and nothing that can run."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

import paribus as pb
from paribus.errors import OutputError
from paribus.report import _typed, xlsx
from paribus.testing import check_report


@pytest.fixture(scope="module")
def fresh():
    """A record with its answers at hand."""

    def model(people):
        return np.where((people["sex"] == "f") & (people["income"] < 50), "no", "yes")

    return pb.audit(
        model,
        protect={"sex": ["m", "f", "=x"]},
        fields={
            "income": pb.integers(0, 99),
            "note": pb.choice(["=1+1", "#N/A", "+1-325-100", "_x0041_", "plain"]),
        },
        people=300,
        favorable="yes",
        seed=3,
    )


def workbook(record, **options):
    return openpyxl.load_workbook(io.BytesIO(xlsx.render(record, **options)))


def rows(sheet):
    head, *lines = sheet.iter_rows(values_only=True)
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_it_conforms(loan, hostile):
    check_report("xlsx", loan)
    check_report("xlsx", hostile)


def test_the_sheets(fresh, loan):
    assert workbook(fresh).sheetnames == [
        *("Summary", "Findings", "Rates", "Regions", "Witnesses", "Pairs")
    ]
    # A record that was read from a file holds witnesses, not every pair.
    assert workbook(loan).sheetnames == ["Summary", "Findings", "Rates", "Regions", "Witnesses"]


def test_every_table_has_a_frozen_header_a_filter_and_widths(fresh):
    for sheet in workbook(fresh).worksheets[1:]:
        assert sheet.freeze_panes == "A2"
        last = openpyxl.utils.get_column_letter(sheet.max_column)
        assert sheet.auto_filter.ref == f"A1:{last}{sheet.max_row}"
        widths = [sheet.column_dimensions[cell.column_letter].width for cell in sheet[1]]
        assert all(8 <= width <= 60 for width in widths)
        assert all(cell.font.bold for cell in sheet[1])


def test_findings_are_numbers_with_formats(loan):
    sheet = workbook(loan)["Findings"]
    first, second = rows(sheet)
    assert (first["verdict"], first["unit"], first["estimate"]) == ("biased", "flip rate", 0.5569)
    assert (second["estimate"], second["people"], second["exact"]) == (-0.5569, 10_000, False)
    places = {cell.value: cell.column - 1 for cell in sheet[1]}
    flips, net = (
        {name: line[place].number_format for name, place in places.items()}
        for line in sheet.iter_rows(min_row=2)
    )
    assert flips["estimate"] == "0.0%"
    assert net["estimate"] == net["low"] == "+0.0%;-0.0%;0.0%"
    assert (net["tolerance"], net["people"]) == ("0.0%", "#,##0")
    assert net["p"] == '[<0.001]"<0.001";0.000'


def test_rates_regions_and_witnesses(loan):
    book = workbook(loan)
    assert [(r["group"], r["estimate"]) for r in rows(book["Rates"])] == [
        *[("Male", 1), ("Female", 0.4431)]
    ]
    region = rows(book["Regions"])[0]
    assert (region["rule"], region["share of people"]) == ("income <= 79,997", 0.5569)
    his, hers = rows(book["Witnesses"])[:2]
    assert (his["full_name"], hers["full_name"]) == ("Thomas Berry", "Martha Berry")
    assert (his["answer"], hers["answer"]) == (1, 0)
    assert his["income"] == hers["income"] == 45_301


def test_the_pairs_are_those_of_the_record(fresh):
    sheet = workbook(fresh)["Pairs"]
    read = pd.DataFrame(rows(sheet))
    pairs = fresh.pairs("pandas")
    assert list(read) == list(pairs)
    assert len(read) == len(pairs) == 600
    for column in ("person", "income", "reference_answer", "flip"):
        assert read[column].tolist() == pairs[column].tolist()
    told = {"=1+1": "'=1+1", "_x0041_": "_x005F_x0041_"}
    assert read["note"].tolist() == [told.get(note, note) for note in pairs["note"]]


def test_the_summary_says_the_verdict_without_color(loan):
    facts = dict(workbook(loan)["Summary"].iter_rows(values_only=True))
    assert facts["Verdict"] == "❌ biased"
    assert "changes the decision for 55.7 % of people" in facts["In words"]
    assert (facts["People"], facts["Seed"], facts["Findings biased"]) == (10_000, 42, 2)


def test_no_cell_is_a_formula_an_error_or_a_link(fresh, hostile):
    for record in (fresh, hostile):
        content = xlsx.render(record)
        for sheet in openpyxl.load_workbook(io.BytesIO(content)):
            for line in sheet.iter_rows():
                for cell in line:
                    assert cell.data_type in {"s", "n", "b"}, cell.coordinate
                    assert cell.hyperlink is None
                    if isinstance(cell.value, str):
                        assert cell.value[0] not in "=@\t\r＝＠", cell.coordinate
                        assert len(cell.value) <= 32_767
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheets = [archive.read(n) for n in archive.namelist() if "worksheets/" in n]
            assert not [name for name in archive.namelist() if "external" in name.lower()]
        assert not [text for text in sheets if re.search(rb"<f[ >]|<hyperlink", text)]


def test_the_same_record_gives_the_same_bytes(loan):
    content = xlsx.render(loan)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {part.date_time for part in archive.infolist()} == {(2000, 1, 1, 0, 0, 0)}
        assert archive.read("docProps/core.xml").count(b"2000-01-01T00:00:00Z") == 2


def test_numbers_that_excel_cannot_hold_are_text(loan):
    held = {"id": 2**60 + 1, "huge": 1e308, "tiny": 1e-300, "whole": 12, "none": None, "so": True}
    witness = loan.witnesses[0].model_copy(update={"same": held})
    read = rows(workbook(loan.model_copy(update={"witnesses": (witness,)}))["Witnesses"])[0]
    assert (read["id"], read["huge"]) == ("1152921504606846977", "1e+308")
    assert (read["tiny"], read["whole"], read["none"], read["so"]) == (1e-300, 12, None, True)


def test_a_sheet_that_is_too_short_is_said(fresh, monkeypatch, tmp_path):
    monkeypatch.setattr(xlsx, "MOST_ROWS", 101)
    book = workbook(fresh)
    assert book["Pairs"].max_row == 101
    notes = dict(book["Summary"].iter_rows(values_only=True))
    assert notes["Pairs"] == "The last 500 pairs do not fit on a sheet of Excel."
    with pytest.raises(OutputError, match=r"there are 600 pairs; write them as \.csv or \.parquet"):
        fresh.save_pairs(tmp_path / "pairs.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_pairs_are_written_alone(fresh, tmp_path, suffix):
    path = fresh.save_pairs(tmp_path / f"pairs{suffix}")
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".xlsx": pd.read_excel}[suffix]
    frame = read(path)
    assert len(frame) == 600
    assert frame["income"].tolist() == fresh.pairs("pandas")["income"].tolist()


def test_missing_gaps_are_empty(tmp_path):
    def model(people):
        return np.where(people["income"] < 50, np.nan, people["income"].astype(float))

    record = pb.audit(
        model, protect={"sex": ["m", "f"]}, fields={"income": pb.integers(0, 99)},
        people=40, outcome="number", tolerance=1, seed=1,
    )  # fmt: skip
    lines = record.save_pairs(tmp_path / "pairs.csv").read_text().lower()
    assert "nan" not in lines
    values = [cell for row in rows(workbook(record)["Pairs"]) for cell in [row["gap"]]]
    assert None in values
    assert 0 in values


def test_estimates_have_the_form_of_their_unit(everything):
    forms = {(line.values[4], line.form) for line in _typed.findings(everything).lines}
    assert {("net gap", "gap"), ("excess flip rate", "gap")} <= forms


def test_without_openpyxl_it_says_what_to_install(loan, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(OutputError, match=r'pip install "paribus\[excel\]"'):
        xlsx.render(loan)
