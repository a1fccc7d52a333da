"""What did not pass, in a few lines, and a record in one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.cells import cell_len

import paribus as pb
from paribus.record import Record
from paribus.report import failure, line
from paribus.testing import check_report


@pytest.mark.parametrize("format", ["line", "failure"])
def test_each_format_conforms(format: str, record: Record) -> None:
    check_report(format, record)


def test_both_conform_on_hostile_names_and_tables() -> None:
    check_report("line")
    check_report("failure")


def test_a_line_is_one_line(record: Record) -> None:
    said = line.render(record)
    assert "\n" not in said
    assert said.startswith(f"{record.verdict}: ")


def test_the_worst_gap_is_that_which_tells_most(loan: Record) -> None:
    assert line.render(loan) == (
        "biased: Loan approval: decisions changed 55.7 % (54.7 to 56.7 %), gender: Male → Female; "
        "10,000 people"
    )


def test_the_first_line_is_the_sentence_of_the_worst_finding(record: Record) -> None:
    first = failure.render(record).splitlines()[0]
    worst = [f for f in record.findings if f.verdict == "biased"]
    assert first.startswith("Changing ")
    assert any(first[-40:] == f.sentence[-40:] for f in worst)


def test_what_did_not_pass_to_the_letter(loan: Record) -> None:
    assert failure.render(loan, witnesses=1).splitlines() == [
        loan.findings[0].sentence,
        "Where: income <= 79,997, 55.7 % of people: -100.0 points (-100.0 to -99.9)",
        "",
        "  person  gender  gender_code  full_name     income  applicant_id              answer",
        "  3       Male    1            Thomas Berry  45301   7fd4fd8c-a51b-4…72700003  1",
        "  3       Female  0            Martha Berry  45301   7fd4fd8c-a51b-4…72700003  0",
        "",
        "1 more of 2 findings is biased.",
    ]


@pytest.mark.parametrize("witnesses", [0, 1, 2])
def test_as_many_pairs_as_are_wanted(loan: Record, witnesses: int) -> None:
    said = failure.render(loan, witnesses=witnesses)
    assert len(re.findall(r"^  \d+ +(?:Male|Female) ", said, re.M)) == 2 * witnesses


def test_a_table_fits_a_terminal(record: Record) -> None:
    rows = [text for text in failure.render(record).splitlines() if text.startswith("  ")]
    assert all(cell_len(row) <= 100 for row in rows)


def test_wide_letters_keep_columns_straight() -> None:
    record = pb.audit(
        lambda people: people["城"] == "東京都",
        protect={"城": ["東京都", "x"]},
        fields={"income": pb.integers(0, 9)},
        people=400,
        favorable=True,
    )
    head, *rows = [text for text in failure.render(record).splitlines() if text.startswith("  ")]
    place = cell_len(head[: head.index("answer")])
    for row in rows:
        found = re.search(r"True|False", row)
        assert found is not None
        assert cell_len(row[: found.start()]) == place


def audited(least: float, **options: Any) -> Record:
    given: dict[str, Any] = {"people": 1_000, "favorable": True, "seed": 1, **options}
    return pb.audit(
        lambda people: (people["income"] > 50) & ((people["g"] == "a") | (people["x"] > least)),
        protect={"g": ["a", "b"]},
        fields={"income": pb.integers(0, 99), "x": pb.uniform(0.0, 1.0)},
        **given,
    )


def test_what_passed_says_so_in_one_sentence() -> None:
    record = audited(0.0)
    assert record.verdict == "within tolerance"
    assert failure.render(record).count("\n") == 1
    assert "proven, not assumed" in failure.render(record)
    assert line.render(record).startswith("within tolerance: Audit: decisions changed 0.0 % (")


def test_what_is_not_settled_shows_no_witness_for_a_claim_that_nobody_makes() -> None:
    record = audited(0.02, people=200)
    assert record.verdict == "inconclusive"
    assert record.witnesses
    said = failure.render(record)
    assert "neither within nor beyond the tolerance" in said
    assert "person" not in said


def test_real_rows_are_named_by_their_row() -> None:
    import pandas as pd

    rows = pd.DataFrame({"g": ["a", "b"] * 500, "income": range(1_000)})
    record = pb.audit(
        lambda people: people["g"] == "a",
        protect={"g": ["a", "b"]},
        data=rows,
        people=700,
        favorable=True,
    )
    person = record.witnesses[0].person
    assert f"{person:,} (row " in failure.render(record) or record.witnesses[0].row == person


def test_what_a_table_fails_is_said_without_twins() -> None:
    import pandas as pd

    people = pd.DataFrame({"sex": ["F", "M"] * 500, "hired": [0, 1] * 500})
    record = pb.audit_data(people, protect="sex", decision="hired", tolerance=0.05)
    assert record.verdict == "biased"
    said = failure.render(record)
    assert "more than the tolerance" in said
    assert "person" not in said.replace("persons", "")
    assert line.render(record).startswith("biased: ")
    assert line.render(record).endswith("; 1,000 people")


def test_numbers_with_nothing_to_settle() -> None:
    import pandas as pd

    people = pd.DataFrame({"sex": ["F", "M"] * 50, "hired": [0, 1, 1, 1] * 25})
    record = pb.metrics(people, by="sex", decision="hired")
    bare = record.model_copy(update={"findings": ()})
    assert "nothing was held against a tolerance" in line.render(bare)
    assert "nothing was held against a tolerance" in failure.render(bare)


def test_the_worst_change_comes_first_whatever_comes_last(loan: Record) -> None:
    flip, net = loan.findings
    wide = {"attribute": "race", "reference": "a", "group": "b"}
    findings = (
        flip.model_copy(update={"estimate": 0.6, "sentence": "the worst."}),
        flip.model_copy(update={"estimate": 0.3, "sentence": "the next.", **wide}),
        net.model_copy(update={"estimate": -0.3, **wide}),
        net.model_copy(update={"estimate": -0.1}),
    )
    said = failure.render(loan.model_copy(update={"findings": findings}), witnesses=0)
    assert said.startswith("the worst.")
    assert said.index("the worst.") < said.index("the next.")
