"""The page as data: its parts, its words, and that nothing in it can act."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paribus._text import name, shortened, visible
from paribus.evidence.base import Unit
from paribus.findings import judge
from paribus.report._marks import MOST_MARKS
from paribus.report._parts import Chart, Table
from paribus.report._witnesses import MOST_COLUMNS, MOST_SHARED
from paribus.report._wording import SHARES, UNITS, effect, sentence, show, verdict_sentence
from paribus.report.base import page

NOT_FINITE = re.compile(r"(?<![\w])(nan|inf|infinity)(?![\w])", re.IGNORECASE)


def texts(part: object) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            yield from texts(item)
    elif is_dataclass(part):
        for field in fields(part):
            yield from texts(getattr(part, field.name))


def parts(record, form):
    return [p for s in page(record).sections for p in s.parts if isinstance(p, form)]


def with_parts(record, **changes):
    merged = {key: getattr(record, key) for key in type(record).model_fields} | changes
    for key in ("verdict", "schema_version"):
        merged.pop(key)
    return type(record).sum_up(**merged)


def test_sections_come_in_the_order_of_a_reader_s_questions(loan):
    assert [section.title for section in page(loan).sections] == [
        "What changing gender does",
        "How often each group gets a favorable answer",
        "Where the gap lives",
        "What a mere change of name does",
        "Twins whom the model treats differently",
        "How it was done",
        "What this does not say",
    ]


def test_the_verdict_takes_one_sentence(loan):
    assert page(loan).sentence == (
        "With everything else equal, changing gender from Male to Female changes the decision for "
        "55.7 % of people, always against Female: more than the 1.0 % declared acceptable."
    )


def test_the_other_verdicts_are_sentences_too(loan, example):
    def judged(**changes):
        row = loan.evidence[0].model_copy(update={"estimate": 0.0, "low": 0.0, "high": 0.004})
        row = row.model_copy(update={"flips_against": 0, "p": 1.0, "p_outside": 1.0, **changes})
        return with_parts(loan, evidence=(row,), findings=judge([row], 0.01))

    assert verdict_sentence(judged(p_within=1e-5)) == (
        "With everything else equal, no change of gender moves the model's answers on average by "
        "more than the 1.0 % declared acceptable, and this is proven, not assumed."
    )
    assert verdict_sentence(judged(p_within=0.3)).startswith("It is not settled")
    nothing = with_parts(loan, evidence=(), findings=(), regions=(), witnesses=())
    assert "Nothing was compared" in page(nothing).sentence
    silent = loan.answers.model_copy(update={"answered": 0, "failed": 30_000})
    assert "none of the questions" in page(with_parts(loan, answers=silent)).sentence


def test_tables_are_rectangular_and_charts_are_capped(record, example):
    for table in parts(record, Table):
        assert {len(row) for row in table.rows} <= {len(table.columns)}
    for chart in parts(example.hostile(90), Chart):
        assert 0 < len(chart.marks) <= MOST_MARKS


def test_no_text_of_a_page_can_act(record):
    kept = {"\n", "\u2068", "\u2069", "\u200d"}
    for text in texts(page(record)):
        bad = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"}} - kept
        assert not bad, (bad, text[:80])
        assert not NOT_FINITE.search(text), text


def test_every_unit_has_its_words():
    # The root of a squared effect is written otherwise where answers are no amounts.
    assert set(UNITS) == {*get_args(Unit), "squared effect on chances"}
    assert set(UNITS) >= SHARES
    assert all(show(unit)(0.25) for unit in UNITS)


def test_a_crossed_attribute_shows_its_parts(loan):
    crossed = tuple(
        w.model_copy(
            update={
                "attribute": "race x sex",
                "reference_values": {"race": "white", "sex": "male"},
                "group_values": {"race": "black", "sex": "male"},
            }
        )
        for w in loan.witnesses
    )
    table = next(
        t for t in parts(with_parts(loan, witnesses=crossed), Table) if "race x sex" in t.title
    )
    heads = [column.title for column in table.columns]
    assert heads[:4] == ["Person", "race x sex", "race", "sex"]
    highlighted = [cell.tone for cell in table.rows[0]]
    assert highlighted[1:4] == ["changed", "changed", "plain"]


def test_witnesses_highlight_what_differs_and_nothing_else(loan):
    table = next(t for t in parts(loan, Table) if t.title.startswith("gender"))
    heads = [column.title for column in table.columns]
    changed = {h for h, cell in zip(heads, table.rows[0], strict=True) if cell.tone == "changed"}
    assert changed == {"gender", "full_name", "gender_code", "Answer"}
    assert heads.index("income") < heads.index("applicant_id"), "what a rule names comes first"


def test_the_declaration_can_be_run_again(record):
    listing = [p.text for s in page(record).sections for p in s.parts if p.form == "listing"][-1]
    read = tomllib.loads(listing)
    assert read["audit"]["people"] == record.spec["audit"]["people"]
    if record.name == "Loan approval":
        assert read == record.spec


@given(st.text())
def test_visible_text_is_inert_and_as_long_as_before(text):
    seen = visible(text)
    assert len(seen) == len(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in seen)
    assert visible(seen) == seen


@given(st.text(), st.integers(8, 60))
def test_short_names_stay_and_long_ones_keep_both_ends(text, limit):
    short = shortened(text, limit)
    assert len(short) <= limit
    assert short == text or (short[0], short[-1]) == (text[0], text[-1])
    assert name(text)


def test_the_sentence_of_a_finding_keeps_its_words(loan, example):
    for finding in loan.findings:
        assert sentence(finding) == finding.sentence
    long = loan.findings[0].model_copy(
        update={"group": example.LONG, "sentence": f"To {example.LONG} and on."}
    )
    assert sentence(long) == f"To {name(example.LONG)} and on."


def test_placebo_stands_beside_what_the_attribute_does(loan):
    section = next(s for s in page(loan).sections if "mere change" in s.title)
    said = section.parts[0].items[0].text
    assert said.startswith("A mere change of full_name, with gender kept, changes the decision")
    assert "a change of gender from Male to Female changes the decision for 55.7 %" in said


def test_placebo_and_attribute_share_one_chart(loan):
    section = next(s for s in page(loan).sections if "mere change" in s.title)
    (chart,) = (part for part in section.parts if isinstance(part, Chart))
    assert [(mark.label, mark.tone) for mark in chart.marks] == [
        ("full_name alone", "muted"),
        ("gender: Male → Female", "biased"),
    ]
    assert chart.title == "People whose decision changes"
    (table,) = (part for part in section.parts if isinstance(part, Table))
    assert [row[1].text for row in table.rows] == ["favorable rate", "favorable rate"]


def test_matched_twins_stand_together(loan):
    table = next(t for t in parts(loan, Table) if t.title.startswith("gender"))
    assert table.beside == 2
    both = [column.title for column in table.columns if column.both]
    assert both == ["Person", "income", "applicant_id"]
    for his, hers in zip(table.rows[::2], table.rows[1::2], strict=True):
        for column, one, other in zip(table.columns, his, hers, strict=True):
            assert not column.both or one == other


def test_twins_with_many_columns_keep_what_differs_and_what_rules_name(loan):
    more = {f"field {i}": i for i in range(40)}
    witness = loan.witnesses[0]
    wide = witness.model_copy(update={"same": {**more, **witness.same}})
    record = loan.model_copy(update={"witnesses": (wide,)})
    table = next(t for t in parts(record, Table) if t.title.startswith("gender"))
    heads = [column.title for column in table.columns]
    assert len(heads) == MOST_COLUMNS
    assert heads[:6] == ["Person", "gender", "full_name", "gender_code", "Answer", "income"]
    assert heads[-1] == "All else, equal for both"
    assert table.rows[0][-1].text.startswith("field 2 2; field 3 3; ")
    assert len(table.rows[0][-1].text) <= MOST_SHARED


def test_a_few_numbers_stand_beside_the_verdict(loan):
    assert dict(page(loan).facts) == {
        "People": "10,000",
        "Questions": "30,000",
        "Without an answer": "none",
        "Counts as equal": "up to 1.0 %",
        "Model": "DecisionTreeClassifier",
    }


def test_a_chart_of_many_groups_has_both_ends(loan):
    evidence = tuple(
        loan.evidence[2].model_copy(update={"group": f"g{i}", "estimate": i / 100})
        for i in range(60)
    )
    section = next(
        s for s in page(with_parts(loan, evidence=evidence)).sections if "How often" in s.title
    )
    chart = section.parts[0]
    assert chart.title.endswith("(the 12 lowest and the 12 highest of 60)")
    assert [mark.label for mark in chart.marks] == [f"g{i}" for i in (*range(12), *range(48, 60))]


@pytest.mark.parametrize("answer", [None, 1e-12, True, "", 0.25])
def test_any_answer_can_be_a_witness_s(loan, answer):
    witness = loan.witnesses[0].model_copy(update={"group_answer": answer})
    assert page(with_parts(loan, witnesses=(witness,)))


@pytest.mark.parametrize(
    ("unit", "size", "said"),
    [
        ("net gap", -0.031, "lowers the rate of favorable answers by 3.1 points"),
        ("score gap", 12.5, "raises the answer by 12.5 on average"),
        ("absolute gap", 0.25, "moves the answer by 0.25 either way on average"),
        ("label change rate", 0.5, "changes the label for 50.0 % of people"),
        ("flip rate", 0.5, "changes the decision for 50.0 % of people, mostly in favor of Female"),
    ],
)
def test_what_a_change_does_is_said_in_plain_words(loan, unit, size, said):
    row = loan.findings[0].model_copy(
        update={"unit": unit, "estimate": size, "flips_against": 2, "flips_for": 3}
    )
    assert effect(row, loan) == said


def test_many_attributes_share_their_charts(loan):
    findings = tuple(
        finding.model_copy(update={"attribute": f"attribute {i}"})
        for i in range(20)
        for finding in loan.findings
    )
    sections = page(with_parts(loan, findings=findings)).sections
    assert sections[0].title == "The widest gaps"
    assert sections[0].intro[0].text == (
        "Of 40 gaps by 20 attributes: 40 biased, 0 within tolerance, 0 inconclusive."
    )
    assert [p.form for p in sections[0].parts] == ["chart", "chart"]
    assert not any(p.form == "chart" for p in sections[1].parts)
