"""SARIF: valid against its schema, what GitHub asks for, and lines that hold what they should."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft4Validator

from paribus.record import Record, open_record
from paribus.report import sarif
from paribus.report._declared import line_of
from paribus.report._wording import readable, sentence
from paribus.testing import check_report

SCHEMA = json.loads(
    (Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8")
)
VALIDATOR = Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER)

SPEC = """\
# An audit
[audit]
name = "Loan approval"
note = '''
[protect.gender]
'''

[model]
kind = "file"

[protect.race]
levels = ["White", "Black"]

[ protect . "gender" ]   # who is treated alike
levels = ["Male", "Female"]
"""


def log(record: Record, **options: Any) -> dict[str, Any]:
    return json.loads(sarif.render(record, **options))


def run(record: Record, **options: Any) -> dict[str, Any]:
    return log(record, **options)["runs"][0]


def place(result: dict[str, Any]) -> tuple[str, int]:
    where = result["locations"][0]["physicalLocation"]
    return where["artifactLocation"]["uri"], where["region"]["startLine"]


def test_it_conforms(record):
    check_report("sarif", record)


def test_it_is_valid(record):
    VALIDATOR.validate(log(record))


def test_the_schema_can_refuse(loan):
    broken = log(loan)
    broken["runs"][0]["results"][0]["level"] = "fatal"
    assert list(VALIDATOR.iter_errors(broken))


def test_what_github_asks_for(record):
    """`SARIF support for code scanning` in GitHub's documentation."""
    made = run(record)
    rules = [rule["id"] for rule in made["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    for rule in made["tool"]["driver"]["rules"]:
        assert len(rule["name"]) <= 255
        for part in ("shortDescription", "fullDescription"):
            assert 0 < len(rule[part]["text"]) <= 1_024
        assert rule["help"]["text"]
    assert len(made["results"]) <= 5_000
    hashes = [r["partialFingerprints"]["primaryLocationLineHash"] for r in made["results"]]
    for result in made["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        uri, line = place(result)
        assert not uri.startswith("/")
        assert ":" not in uri
        assert line >= 1
    # Two alerts of one rule at one line are told apart by their fingerprints.
    assert len(set(hashes)) == len(hashes)
    assert made["automationDetails"]["id"].endswith("/")


def test_each_result_is_a_finding_that_does_not_pass(record):
    results = run(record)["results"]
    open_ = [f for f in record.findings if f.verdict != "within tolerance"]
    assert len(results) == len(open_)
    levels = [result["level"] for result in results]
    assert levels == sorted(levels), "errors first"
    assert levels.count("error") == sum(f.verdict == "biased" for f in open_)
    said = {re.sub(r"\\([\\\[\]])", r"\1", r["message"]["text"].splitlines()[0]) for r in results}
    assert said == {
        sentence(f) for f in readable(record).findings if f.verdict != "within tolerance"
    }


def test_a_result_names_the_rule_and_two_witnesses(loan):
    text = run(loan)["results"][0]["message"]["text"]
    assert "\nWhere: gender: Male → Female, income <= 79,997: -100.0 points" in text
    assert text.count("\nTwins: person ") == 2


def test_results_point_at_the_line_of_the_spec(loan, tmp_path, monkeypatch):
    (tmp_path / "audits").mkdir()
    spec = tmp_path / "audits" / "my loan.toml"
    spec.write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    made = run(loan, spec=spec)
    uri, line = place(made["results"][0])
    assert unquote(uri) == "audits/my loan.toml"
    assert SPEC.splitlines()[line - 1].startswith('[ protect . "gender" ]')
    assert "contents" not in made["artifacts"][0]


def test_a_file_is_named_from_the_root_of_its_repository(loan, tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    (tmp_path / "audits").mkdir()
    (tmp_path / "audits" / "audit.toml").write_text(SPEC)
    monkeypatch.chdir(tmp_path / "audits")
    assert place(run(loan, spec="audit.toml")["results"][0])[0] == "audits/audit.toml"


def test_without_a_spec_the_lines_are_those_of_the_declaration_it_carries(loan, tmp_path):
    opened = open_record(loan.save(tmp_path / "loan.json"))
    made = run(opened)
    uri, line = place(made["results"][0])
    text = made["artifacts"][0]["contents"]["text"]
    assert uri == "audit.toml"
    assert text.splitlines()[line - 1] == "[protect.gender]"


def test_crossed_attributes_point_at_each(everything):
    crossed = everything.findings[0].model_copy(update={"attribute": "race x sex"})
    record = everything.model_copy(update={"findings": (crossed,)})
    made = run(record)
    lines = made["artifacts"][0]["contents"]["text"].splitlines()
    result = made["results"][0]
    assert lines[place(result)[1] - 1] == "[protect.race]"
    other = result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"]
    assert lines[other - 1] == "[protect.sex]"


def test_fingerprints_are_those_of_what_was_compared(loan):
    def prints(record):
        return [result["partialFingerprints"] for result in run(record)["results"]]

    moved = [f.model_copy(update={"estimate": 0.7, "p": 0.001}) for f in loan.findings]
    again = loan.model_copy(update={"findings": tuple(moved), "seed": 7, "people": 5})
    assert prints(again) == prints(loan)
    other = [f.model_copy(update={"group": "Nobody"}) for f in loan.findings]
    assert not set(map(str, prints(loan))) & set(
        map(str, prints(loan.model_copy(update={"findings": tuple(other)})))
    )


def test_of_too_many_the_worst_are_kept(loan):
    many = [
        loan.findings[0].model_copy(
            update={"group": f"g{i}", "verdict": "biased" if i % 2 else "inconclusive"}
        )
        for i in range(5_100)
    ]
    made = run(loan.model_copy(update={"findings": tuple(many), "witnesses": (), "regions": ()}))
    assert len(made["results"]) == 5_000
    assert [r["level"] for r in made["results"][:2_550]] == ["error"] * 2_550
    assert made["properties"]["leftOut"] == 100


def test_text_is_no_link_and_no_placeholder(loan):
    finding = loan.findings[0].model_copy(update={"sentence": r"[x](http://evil) {0} {name} \ "})
    text = run(loan.model_copy(update={"findings": (finding,)}))["results"][0]["message"]["text"]
    assert text.splitlines()[0] == r"\[x\](http://evil) {{0}} {name} \\ "


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SPEC, 14),
        ("protect.gender.levels = [1]\n", 1),
        ("[protect]\n\n# who\ngender = { levels = [\n1,\n2] }\n", 4),
        ("[protect]\nrace = {}\n", 1),
        ("[protect.gender.levels]\nx = 1", 1),
        ("[audit]\nseed = 1\n", 1),
        ("this is not TOML [", 1),
        ("", 1),
        ('[protect."\\u0067ender"]\nx = 1', 1),
        ("[audit]\r\nseed = 1\r\n[protect.gender]\r\n", 3),
    ],
)
def test_the_line_that_declares_an_attribute(text, line):
    assert line_of(text, "gender") == line
