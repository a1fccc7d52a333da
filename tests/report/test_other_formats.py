"""JSON, JUnit XML and the terminal."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest
from rich.cells import cell_len

from paribus.record import REPORTS, open_record
from paribus.report import json as json_report
from paribus.report import junit, terminal
from paribus.report._wording import sentence
from paribus.testing import check_report

ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))


def test_the_formats_are_found_by_their_files():
    assert set(REPORTS.kinds()) >= {"html", "json", "junit", "terminal"}
    assert not any(kind.startswith("_") or kind == "base" for kind in REPORTS.kinds())


@pytest.mark.parametrize("format", ["html", "json", "junit", "terminal"])
def test_each_format_conforms(format, record):
    check_report(format, record)


def test_json_reads_back_the_same(record, tmp_path):
    path = tmp_path / "record.json"
    path.write_text(json_report.render(record), encoding="utf-8")
    assert open_record(path) == record

    def refuse(constant):
        raise AssertionError(constant)

    json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_junit_counts_what_failed(record):
    suite = ET.fromstring(junit.render(record)).find("testsuite")
    assert suite is not None
    verdicts = [finding.verdict for finding in record.findings]
    failures = [case.find("failure") for case in suite.iter("testcase")]
    assert suite.get("tests") == str(len(verdicts))
    assert suite.get("failures") == str(sum(v != "within tolerance" for v in verdicts))
    assert [f.get("type") if f is not None else "within tolerance" for f in failures] == verdicts
    kept = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert (kept["seed"], kept["people"]) == (str(record.seed), str(record.people))


def test_junit_can_let_the_inconclusive_pass(hostile):
    suite = ET.fromstring(junit.render(hostile, inconclusive_passes=True)).find("testsuite")
    assert suite is not None
    verdicts = [finding.verdict for finding in hostile.findings]
    assert suite.get("failures") == str(verdicts.count("biased"))
    assert suite.get("skipped") == str(verdicts.count("inconclusive")) != "0"


def test_junit_says_every_finding_that_does_not_pass(record):
    text = junit.render(record)
    root = ET.fromstring(text)
    said = {f.get("message") for f in root.iter("failure")}
    assert said == {sentence(f) for f in record.findings if f.verdict != "within tolerance"}
    assert not re.search("[\x00-\x08\x0b-\x1f\ufffe\uffff]", text)


def test_junit_names_two_witnesses(loan):
    failure = next(ET.fromstring(junit.render(loan)).iter("failure"))
    lines = (failure.text or "").splitlines()
    assert lines[1:] == [
        "person 3: 1 as Male (gender=Male, full_name=Thomas Berry, gender_code=1) but 0 as Female "
        "(gender=Female, full_name=Martha Berry, gender_code=0); the same: "
        "applicant_id=7fd4fd8c-a51b-4eba-9c43-3f2672700003, income=45301",
        "person 17: 1 as Male (gender=Male, full_name=Earl Calhoun, gender_code=1) but 0 as Female "
        "(gender=Female, full_name=Elaine Calhoun, gender_code=0); the same: "
        "applicant_id=7fd4fd8c-a51b-4eba-9c43-3f2672700017, income=52817",
    ]


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_terminal_keeps_its_width(record, width):
    for line in terminal.render(record, width=width).splitlines():
        assert cell_len(line) <= width


def test_no_data_reaches_the_terminal_as_a_command(record):
    plain = terminal.render(record, width=100)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", plain)
    colored = terminal.render(record, color=True, width=100)
    uncolored = re.sub(r"\x1b\[[\d;]*m", "", colored)
    assert [line.rstrip() for line in uncolored.splitlines()] == plain.splitlines()


def test_the_terminal_says_every_finding(record):
    text = " ".join(terminal.render(record, width=200).split())
    for finding in record.findings:
        assert " ".join(sentence(finding).translate(ISOLATES).split()) in text


def test_the_terminal_draws_the_gap_beside_its_number(loan):
    lines = terminal.render(loan, width=80).splitlines()
    line = next(line for line in lines if "✗ Female" in line and "points" in line)
    assert re.search(r"●━* *░│", line)
    assert line.endswith("-55.7 points  -56.7 to -54.7  p <0.001")


def test_a_record_shows_itself_in_plain_text(loan):
    assert "BIASED" in repr(loan)
    assert "\x1b" not in repr(loan)


def test_a_text_file_has_no_color_codes(loan, tmp_path):
    assert b"\x1b" not in loan.save(tmp_path / "loan.txt").read_bytes()
