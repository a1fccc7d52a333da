"""Ways to mend a model on the page: what is recommended, who pays, and that nothing breaks it."""

from __future__ import annotations

import re
import sys
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from paribus.comparison import (
    AS_IT_IS,
    Candidate,
    Comparison,
    Gap,
    GroupRate,
    Measure,
    Warned,
)
from paribus.record import Record, open_record
from paribus.report import html, junit, terminal
from paribus.report._compared import confidence, reach
from paribus.report._gains import MOST_CROSSED
from paribus.report._parts import Chart, Page, Section, Statements, Table, Tradeoff
from paribus.report.base import page

ATTRIBUTE = Warned(
    concern="attribute",
    sentence="It must know gender_code of whoever is decided about; where that is not known it "
    "cannot be used, and using it may itself be unlawful.",
)
LEVELED = Warned(
    concern="levels down",
    sentence="The gap of gender closes by making people worse off: the favorable rate of Male "
    "falls from 100.0 % to 44.9 %, and no group's is proven to rise.",
)
MOVED = Warned(
    concern="crossed groups",
    sentence="The gap has moved: each attribute by itself differs less, but crossed groups no less "
    "than before, from 40.1 % (old x Female) to 71.0 % (young x Male).",
)


def measure(estimate: float, half: float) -> Measure:
    return Measure(estimate=estimate, low=estimate - half, high=estimate + half)


def gap(estimate: float, low: float, high: float, verdict: str, **changes: Any) -> Gap:
    known = {
        "unit": "flip rate", "attribute": "gender", "reference": "Male", "group": "Female",
        "tolerance": 0.01,
    }  # fmt: skip
    return Gap(estimate=estimate, low=low, high=high, verdict=verdict, **{**known, **changes})


def rate(group: str, before: float, after: float, attribute: str = "gender") -> GroupRate:
    return GroupRate(
        attribute=attribute, group=group, people=2_512, before=before, after=after,
        change=measure(after - before, 0.0 if before == after else 0.011),
    )  # fmt: skip


def candidate(name: str, score: float, left: Gap, **changes: Any) -> Candidate:
    known = {
        "kind": name, "score": measure(score, 0.008), "change": measure(score - 0.913, 0.005),
        "kept": measure(score / 0.913, 0.006), "gap": left, "twins": left.verdict,
    }  # fmt: skip
    return Candidate(name=name, **{**known, **changes})


def five() -> Comparison:
    """Five ways: one to recommend, one that must know, one that levels down, one that failed."""
    before = gap(0.5569, 0.5451, 0.5687, "biased")
    both = tuple(rate(group, share, share) for group, share in (("Male", 1.0), ("Female", 0.4431)))
    ages = [("young x Male", 1.0, 0.802), ("young x Female", 0.45, 0.793),
            ("old x Male", 1.0, 0.817), ("old x Female", 0.436, 0.811)]  # fmt: skip
    crossed = tuple(rate(*each, attribute="age x gender") for each in ages)
    mended = (rate("Male", 1.0, 0.8094), rate("Female", 0.4431, 0.8021))
    old = (rate("young", 0.725, 0.798, "age"), rate("old", 0.718, 0.814, "age"))
    return Comparison(
        train="loans.csv",
        rows=5_024,
        label="repaid",
        folds=3,
        scorer="accuracy",
        gap="flip rate",
        tolerance=0.01,
        confidence=1 - 0.05 / 6,
        people="10,000 synthetic people",
        candidates=(
            candidate(
                AS_IT_IS, 0.913, before, kind="", kept=None, change=None, rates=both,
                needs=("gender_code",), warnings=(ATTRIBUTE,), front=True,
            ),
            candidate(
                "drop_attribute", 0.9002, gap(0.0, 0.0, 0.0006, "within tolerance"), front=True,
                stage="features", rates=(*mended, *old, *crossed),
                about="Leave out the protected attributes and every column that follows one.",
                notes=("Left out gender_code; 1 of 2 columns remain.",),
            ),
            candidate(
                "thresholds", 0.9051, gap(0.002, 0.0008, 0.0049, "within tolerance"), front=True,
                stage="decisions", needs=("gender_code", "gender"), rates=mended,
                about="Decide by a threshold of each group, so that decisions meet a fairness "
                "criterion (Fairlearn).",
                options={"constraint": "equalized odds"}, warnings=(ATTRIBUTE,),
                notes=("Thresholds of 0.61 for Male and 0.38 for Female.",),
            ),
            candidate(
                "reject_option", 0.8204, gap(0.013, 0.0094, 0.0177, "inconclusive"),
                stage="decisions", rates=(rate("Male", 1.0, 0.449), rate("Female", 0.4431, 0.438)),
                about="Decide for deprived groups and against favored ones where the model is "
                "least sure.", informed=False, dominated_by=("drop_attribute", "thresholds"),
                warnings=(LEVELED, ATTRIBUTE), needs=("gender",),
            ),
            candidate(
                "reweigh", 0.8961, gap(0.081, 0.0741, 0.0884, "biased"), stage="data",
                rates=(rate("Male", 1.0, 0.844), rate("Female", 0.4431, 0.764), *crossed),
                about="Weigh rows so that groups and labels are independent.",
                dominated_by=("drop_attribute", "thresholds"), warnings=(MOVED,),
                notes=("Weights from 0.678 to 1.256.",),
            ),
            Candidate(
                name="residualize", kind="residualize", stage="features",
                about="Take out of the columns of numbers what is linear in them of the protected "
                "attributes.",
                failed='taking residuals needs fairlearn; install it with: pip install '
                '"paribus[mitigate]"',
            ),
        ),
        recommended="drop_attribute",
        sentence="drop_attribute keeps 98.6 % of the accuracy and brings the flip rate from 55.7 % "
        "to within 1.0 %; reject_option, reweigh are dominated; thresholds scores higher, but must "
        "know gender_code, gender of whoever is decided about.",
        notes=(
            "Scores are measured against the labels of the table, which may carry the very bias "
            "that the audit finds: a fair model may have to disagree with them.",
        ),
    )  # fmt: skip


def changed(record: Record, **changes: Any) -> Record:
    assert record.comparison is not None
    compared = record.comparison.model_copy(update=changes)
    return record.model_copy(update={"comparison": compared})


@pytest.fixture(scope="module")
def mended(loan: Record) -> Record:
    tried = {"train": "loans.csv", "label": "repaid", "folds": 3, "scorer": "accuracy"}
    spec = {**loan.spec, "mitigate": {**tried, "try": [{"kind": "drop_attribute"}]}}
    return loan.model_copy(update={"comparison": five(), "spec": spec})


def section(shown: Page, title: str) -> Section:
    return next(each for each in shown.sections if each.title == title)


def first(shown: Page, form: type, title: str = "") -> Any:
    return next(
        part
        for each in shown.sections
        for part in each.parts
        if isinstance(part, form) and title in part.title
    )


def cells(table: Table, row: int) -> dict[str, str]:
    return {
        column.title: cell.text for column, cell in zip(table.columns, table.rows[row], strict=True)
    }


def texts(part: object) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            yield from texts(item)
    elif is_dataclass(part):
        for field in fields(part):
            yield from texts(getattr(part, field.name))


# --- the page -------------------------------------------------------------------------------------


def test_the_comparison_comes_first_and_the_audit_of_the_model_follows(mended, loan):
    titles = [each.title for each in page(mended).sections]
    assert titles[:5] == [
        "What mends the model",
        "Who gains and who pays",
        "What to know before choosing",
        "How the candidates were compared",
        "The model as it is",
    ]
    assert titles[5:] == [each.title for each in page(loan).sections]
    assert page(mended).sentence == page(loan).sentence
    assert page(mended).remarks == (f"What mends it: {five().sentence}",)


def test_candidates_stand_side_by_side_with_their_intervals(mended):
    table = first(page(mended), Table, "All candidates")
    assert table.title == "All candidates, with 99.17 % intervals"
    assert [row[0].text for row in table.rows] == [
        *(AS_IT_IS, "★ drop_attribute", "thresholds", "reweigh", "reject_option"),
    ]
    assert cells(table, 1) == {
        "Candidate": "★ drop_attribute",
        "Verdict": "within tolerance",
        "Gap (flip rate)": "0.0 %",
        "Accuracy": "90.0 %",
        "Accuracy kept": "98.6 %",
        "Warnings": "",
        "Must know": "nothing",
    }
    assert [cell.note.replace("\N{NO-BREAK SPACE}", " ") for cell in table.rows[1]][2:5] == [
        *("0.0 to 0.1 %", "89.2 to 90.8 %", "98.0 to 99.2 %"),
    ]
    assert [row[0].note for row in table.rows] == [
        *("on the front", "recommended", "on the front", "dominated", "dominated"),
    ]
    assert [cell.tone for cell in table.rows[3]][1] == "biased"
    assert cells(table, 2)["Must know"] == "gender_code, gender"
    # What must be known has a column of its own.
    assert [cells(table, row)["Warnings"] for row in (2, 3)] == ["", "crossed groups"]
    assert (table.rows[4][5].text, table.rows[4][5].note) == ("leveling down", "no use proven")
    left = first(page(mended), Table, "Not compared")
    assert [row[0].text for row in left.rows] == ["residualize"]
    assert "needs fairlearn" in left.rows[0][1].text


def test_every_row_of_the_main_table_is_two_lines_high(mended):
    rows = list(mended.comparison.candidates)
    many = ("gender_code", "name", "title", "gender")
    rows[2] = rows[2].model_copy(update={"needs": many, "twins": "inconclusive"})
    table = first(page(changed(mended, candidates=tuple(rows))), Table, "All candidates")
    assert all(len(cell.note) <= 24 for row in table.rows for cell in row)
    needed = table.rows[2][-1]
    told = needed.note.replace("\N{NO-BREAK SPACE}", " ")
    assert (needed.text, told) == ("4 columns", "gender_code, name, …")


def test_the_recommended_row_stands_out(mended):
    table = first(page(mended), Table, "All candidates")
    assert table.chosen == 1
    written = html.render(mended)
    assert written.count('<tr class="chosen">') == 1
    assert "drop_attribute" in written.split('<tr class="chosen">')[1].split("</tr>")[0]
    none = changed(mended, recommended="", sentence="The evidence supports no candidate.")
    assert first(page(none), Table, "All candidates").chosen is None
    assert '<tr class="chosen">' not in html.render(none)


def test_what_each_does_is_folded_below(mended):
    table = first(page(mended), Table, "What each candidate does")
    assert (table.folded, table.detail) == (True, True)
    assert cells(table, 0)["What it does"] == "Nothing was done to it."
    assert cells(table, 1)["What it does"].startswith("Leave out")
    assert cells(table, 3)["Dominated by"] == "drop_attribute, thresholds"
    assert cells(table, 5)["Candidate"] == "residualize"
    assert "Leave out" not in "".join(texts(first(page(mended), Table, "All candidates")))


def test_where_gaps_are_widest_is_said_once_or_beside_each(mended):
    compared = mended.comparison
    assert (
        "widest for gender: Male → Female."
        in section(page(mended), "What mends the model").intro[1].text
    )
    other = compared.candidates[4].gap.model_copy(update={"attribute": "age", "group": "old"})
    rows = list(compared.candidates)
    rows[4] = rows[4].model_copy(update={"gap": other})
    shown = page(changed(mended, candidates=tuple(rows)))
    assert "widest for" not in section(shown, "What mends the model").intro[1].text
    described = first(shown, Table, "What each candidate does")
    assert cells(described, 3)["Widest flip rate"] == "age: Male → old"
    assert cells(described, 1)["Widest flip rate"] == "gender: Male → Female"


def test_what_the_twins_say_otherwise_stands_beside_the_verdict(mended):
    rows = list(mended.comparison.candidates)
    finding = mended.findings[1].model_copy(update={"verdict": "biased"})
    rows[1] = rows[1].model_copy(update={"twins": "biased", "findings": (finding,)})
    shown = page(changed(mended, candidates=tuple(rows)))
    row = first(shown, Table, "All candidates").rows[1]
    assert (row[1].note, row[5].text) == ("twins: biased", "another gap")
    told = first(shown, Statements, "drop_attribute").items[1]
    assert told.tone == "biased"
    assert finding.sentence in told.text


def test_the_chart_knows_who_is_who(mended):
    chart = first(page(mended), Tradeoff)
    labels = [dot.label for dot in chart.dots]
    assert labels == [AS_IT_IS, "drop_attribute", "thresholds", "reject_option", "reweigh"]
    assert (chart.start, chart.chosen, chart.band) == (0, 1, 0.01)
    assert [labels[i] for i in chart.front] == [AS_IT_IS, "drop_attribute", "thresholds"]
    assert [labels[i] for i in chart.needs] == [AS_IT_IS, "thresholds", "reject_option"]
    assert chart.share
    assert chart.share_along
    assert [dot.tone for dot in chart.dots][1:4] == [*(["within tolerance"] * 2), "inconclusive"]
    assert chart.dots[4].along.text == "8.1 % (7.4 to 8.8 %)"


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1))
def test_the_interval_of_a_size_holds_the_sizes_and_no_more(one, other, part):
    low, high = sorted((one, other))
    inside = min(max(low + part * (high - low), low), high)
    least, most = reach(gap(inside, low, high, "biased"))
    assert 0 <= least <= abs(inside) <= most
    assert most == max(abs(low), abs(high))
    assert least == (0 if low <= 0 <= high else min(abs(low), abs(high)))


def test_a_gap_against_anybody_is_a_size(mended):
    signed = gap(-0.2, -0.25, -0.15, "biased", unit="net gap")
    rows = [
        each.model_copy(update={"gap": signed}) if each.usable else each
        for each in mended.comparison.candidates
    ]
    shown = page(changed(mended, gap="net gap", candidates=tuple(rows)))
    assert cells(first(shown, Table, "All candidates"), 0)["Gap (net gap)"] == "20.0 %"
    along = first(shown, Tradeoff).dots[0].along
    assert (along.estimate, along.low, along.high) == (0.2, 0.15, 0.25)


# --- who pays -------------------------------------------------------------------------------------


def test_rates_before_and_after_of_the_recommended_come_first(mended):
    part = section(page(mended), "Who gains and who pays")
    charts = [each for each in part.parts if isinstance(each, Chart)]
    assert [chart.title for chart in charts] == [
        f"Favorable rates by {by}, with drop_attribute" for by in ("gender", "age", "age x gender")
    ]
    mark = charts[0].marks[1]
    assert (mark.label, mark.text) == ("Female", "44.3 → 80.2 %")
    assert (mark.reference, mark.estimate) == (0.4431, 0.8021)
    # It meets the mark exactly where the interval of the change holds zero.
    assert mark.low == pytest.approx(0.8021 - 0.011)
    assert mark.high == pytest.approx(0.8021 + 0.011)
    tables = [each for each in part.parts if isinstance(each, Table)]
    assert [(t.title, t.folded) for t in tables] == [
        ("Favorable rates with drop_attribute", False),
        ("Favorable rates with thresholds", True),
        ("Favorable rates with reweigh", True),
        ("Favorable rates with reject_option", True),
    ]
    assert cells(tables[0], 0) == {
        "Attribute": "gender", "Group": "Male", "Before": "100.0 %", "After": "80.9 %",
        "Change": "-19.1 points", "Interval": "-20.2 to -18.0 points", "Proven": "falls",
        "People": "2,512",
    }  # fmt: skip
    assert cells(tables[0], 1)["Proven"] == "rises"
    assert cells(tables[3], 1)["Proven"] == "no change"


def test_without_a_recommendation_the_smallest_gap_on_the_front_comes_first(mended):
    shown = changed(mended, recommended="", sentence="The evidence supports no candidate.")
    part = section(page(shown), "Who gains and who pays")
    assert part.parts[0].title == "Favorable rates by gender, with drop_attribute"
    assert "None is recommended; first comes drop_attribute" in part.intro[1].text
    assert page(shown).remarks == ("The evidence supports no candidate.",)
    assert "★" not in terminal.render(shown, width=120)
    kept = changed(mended, recommended=AS_IT_IS, sentence="Nothing needs mending.")
    part = section(page(kept), "Who gains and who pays")
    assert not any(isinstance(each, Chart) for each in part.parts)
    assert all(each.folded for each in part.parts)
    assert page(kept).remarks == ("Nothing needs mending.",)


def test_of_many_groups_those_that_change_most_are_shown(mended):
    crossed = tuple(rate(f"cell {i}", 0.5, 0.5 + i / 100, "a x b") for i in range(40))
    rows = list(mended.comparison.candidates)
    rows[1] = rows[1].model_copy(update={"rates": (*rows[1].rates[:2], *crossed)})
    part = section(page(changed(mended, candidates=tuple(rows))), "Who gains and who pays")
    table = next(each for each in part.parts if isinstance(each, Table))
    assert len(table.rows) == 2 + MOST_CROSSED
    groups = [row[1].text for row in table.rows[2:]]
    assert groups == [f"cell {i}" for i in range(39, 39 - MOST_CROSSED, -1)]
    left = part.parts[part.parts.index(table) + 1].text
    assert left == (
        "16 more groups of a x b change by at most 16.0 points; the JSON record has them."
    )
    drawn = [each for each in part.parts if isinstance(each, Chart)][-1]
    assert drawn.title.endswith("(the 12 of 40 that change most)")
    assert len(drawn.marks) == 12


# --- what people forget ---------------------------------------------------------------------------


def test_warnings_come_by_candidate_the_recommended_first(mended):
    part = section(page(mended), "What to know before choosing")
    assert part.parts[0].text == "Nothing of the kind was found with drop_attribute."
    said = [each for each in part.parts if isinstance(each, Statements)]
    assert [each.title for each in said] == [
        "drop_attribute (recommended)",
        "thresholds: attribute needed",
        "reweigh: crossed groups",
        "reject_option: leveling down, attribute needed, no use proven",
        f"{AS_IT_IS}: attribute needed",
    ]
    assert [each.folded for each in said] == [False, True, True, True, True]
    assert [item.text[:9] for item in said[0].items] == ["Leave out", "Left out "]
    assert said[2].items[0].tone == "biased"
    assert said[2].items[0].text.startswith("Crossed groups. The gap has moved")
    assert [item.text.split(".")[0] for item in said[3].items] == [
        *("Leveling down", "Attribute needed", "No use proven"),
    ]
    assert said[1].items[-1].text == (
        "Thresholds of 0.61 for Male and 0.38 for Female. Options: constraint = equalized odds."
    )
    written = html.render(mended)
    assert "<summary>thresholds: attribute needed</summary>" in written
    assert "<summary>drop_attribute (recommended)</summary>" not in written
    assert "<h3>drop_attribute (recommended)</h3>" in written
    chosen = changed(mended, recommended="reject_option")
    said = [
        each
        for each in section(page(chosen), "What to know before choosing").parts
        if isinstance(each, Statements)
    ]
    assert said[0].title == "reject_option (recommended)"
    nobody = section(page(changed(mended, recommended="")), "What to know before choosing")
    assert all(each.folded for each in nobody.parts if isinstance(each, Statements))


def test_advice_stands_before_remarks_in_full_ink(mended, loan):
    chosen = changed(mended, recommended="reject_option")
    shown = page(chosen.model_copy(update={"caveats": ()}))
    assert shown.remarks[:2] == (
        f"What mends it: {five().sentence}",
        "Read the warnings about reject_option first (What to know before choosing): leveling "
        "down, attribute needed, no use proven.",
    )
    assert shown.leading == 2
    assert html.render(chosen).count('<p class="remark leading">') == 2
    assert page(loan).leading == 0
    assert "leading" not in html.render(loan)


def test_one_answer_for_everybody_is_what_accuracy_is_held_against(mended):
    how = "How the candidates were compared"
    shown = page(changed(mended, constant=0.877))
    chart = first(shown, Tradeoff)
    assert (chart.floor, chart.floor_label) == (0.877, "87.7 %: one answer for everybody")
    told = dict(section(shown, how).parts[0].items)["One answer for all"]
    assert told == "right for 87.7 % of rows, without any model"
    # Of another scorer it is another number, and older records have none.
    other = page(changed(as_scores(mended, "roc_auc", 1.0), constant=0.877))
    assert first(other, Tradeoff).floor is None
    assert first(page(mended), Tradeoff).floor is None
    assert "One answer for all" not in dict(section(page(mended), how).parts[0].items)


def test_the_prejudice_of_labels_is_said_once(mended):
    for notes in (five().notes, ()):
        shown = page(changed(mended, notes=notes))
        text = " ".join(texts(section(shown, "How the candidates were compared").parts))
        assert text.count("which may carry the very bias that the audit finds") == 1
    facts = dict(section(page(mended), "How the candidates were compared").parts[0].items)
    assert facts["Intervals"] == (
        "99.17 % each: those of one kind of number, such as the flip rate, hold together for all "
        "candidates at 95 %; those of several kinds need not"
    )
    assert facts["Twins asked about"] == "10,000 synthetic people"
    assert facts["Learned from"] == "loans.csv, 5,024 rows"


@pytest.mark.parametrize(
    ("level", "text"),
    [
        (0.95, "95 %"),
        (1 - 0.05 / 6, "99.17 %"),
        (0.999996, "99.9996 %"),
        (1 - 1e-9, "99.9999999 %"),
    ],
)
def test_a_confidence_is_never_rounded_up_to_certainty(level, text):
    assert confidence(level) == text


# --- other units, other ends ----------------------------------------------------------------------


def as_scores(record: Record, scorer: str, scale: float) -> Record:
    rows = tuple(
        each.model_copy(
            update={
                "score": measure(each.score.estimate * scale, 0.02),
                "change": None if each.change is None else measure(-0.125, 0.02),
                "kept": None,
            }
        )
        if each.score is not None
        else each
        for each in record.comparison.candidates
    )
    return changed(record, scorer=scorer, candidates=rows)


def test_other_scores_are_numbers(mended):
    shown = page(as_scores(mended, "neg_log_loss", -0.5))
    row = cells(first(shown, Table, "All candidates"), 1)
    assert (row["Neg log loss"], row["Change"]) == ("-0.4501", "-0.125")
    assert not first(shown, Tradeoff).share
    row = cells(first(page(as_scores(mended, "roc_auc", 1.0)), Table, "All candidates"), 1)
    assert row["Roc auc"] == "0.9002"


def test_gaps_of_amounts_are_numbers(mended):
    wide = gap(-125.5, -140.0, -110.0, "biased", unit="score gap", tolerance=25.0)
    rows = tuple(
        each.model_copy(update={"gap": wide}) if each.usable else each
        for each in mended.comparison.candidates
    )
    shown = page(changed(mended, gap="score gap", tolerance=25.0, candidates=rows))
    row = cells(first(shown, Table, "All candidates"), 0)
    assert row["Gap (score gap)"] == "125.5"
    chart = first(shown, Tradeoff)
    assert (chart.share_along, chart.band) == (False, 25.0)
    assert "Gaps of up to 25 were" in section(shown, "What mends the model").intro[1].text


def only(mended: Record) -> Record:
    start = mended.comparison.candidates[:1]
    return changed(mended, candidates=start, recommended="", sentence="Nothing was tried.")


def failed(mended: Record) -> Record:
    start, *others = mended.comparison.candidates
    rows = [Candidate(name=each.name, failed="no weights are taken") for each in others]
    said = "No candidate could be tried; each row says why."
    return changed(mended, candidates=(start, *rows), recommended="", sentence=said)


def interrupted(mended: Record) -> Record:
    rows = list(mended.comparison.candidates)
    rows[2:] = [Candidate(name=each.name, failed="not tried: interrupted") for each in rows[2:]]
    return changed(mended, candidates=tuple(rows), interrupted=True)


def sixteen(mended: Record) -> Record:
    start, one, *_ = mended.comparison.candidates
    groups = tuple(rate(f"group {i}", 0.5, 0.5 - i / 100, "a x b") for i in range(40))
    rows = [
        one.model_copy(update={"name": f"thresholds ({i})", "rates": groups, "front": i < 3})
        for i in range(16)
    ]
    return changed(mended, candidates=(start, *rows), recommended="thresholds (3)")


def unbounded(mended: Record) -> Record:
    most = sys.float_info.max
    kept = Measure(estimate=most, low=0.0, high=most)
    rows = list(mended.comparison.candidates)
    rows[1] = rows[1].model_copy(update={"kept": kept, "score": measure(0.0, 0.0), "gap": None})
    rows[2] = rows[2].model_copy(update={"kept": measure(1e300, 0.0), "rates": ()})
    return changed(mended, candidates=tuple(rows))


def bare(mended: Record) -> Record:
    rows = [Candidate(name=AS_IT_IS), Candidate(name="", kind="x"), Candidate(name="y")]
    return changed(
        mended, candidates=tuple(rows), confidence=1 - 1e-12, tolerance=0.0, gap="", scorer="",
        label="", train="", people="", sentence="", notes=(), rows=0,
    )  # fmt: skip


def hostile(mended: Record, nasty: tuple[str, ...]) -> Record:
    rows = [
        candidate(
            text, 0.5, gap(0.1, 0.0, 0.2, "biased", attribute=text, reference=text, group=text),
            kind=text, stage=text, about=text, needs=nasty, dominated_by=nasty, notes=nasty,
            options={text: text, "list": list(nasty)}, rates=(rate(text, 0.1, 0.9, text),),
            warnings=(Warned(concern="calibration", sentence=text),),
        )
        for text in nasty
    ]  # fmt: skip
    rows += [Candidate(name=text, failed=text or "?") for text in nasty]
    start = mended.comparison.candidates[0]
    spec = {**mended.spec, "mitigate": {"train": nasty[0], "label": nasty[4], "scorer": nasty[5]}}
    return changed(
        mended.model_copy(update={"spec": spec}),
        candidates=(start, *rows), recommended=nasty[0], sentence="".join(nasty), train=nasty[4],
        label=nasty[5], scorer=nasty[6], gap=nasty[3], people=nasty[1], notes=nasty,
    )  # fmt: skip


@pytest.fixture(
    params=["five", "only", "failed", "interrupted", "sixteen", "unbounded", "bare", "hostile"],
)
def any_mended(request: pytest.FixtureRequest, mended: Record, example: Any) -> Record:
    makers = (only, failed, interrupted, sixteen, unbounded, bare)
    made = {maker.__name__: maker for maker in makers}
    if request.param == "hostile":
        return hostile(mended, example.NASTY)
    return made.get(request.param, lambda record: record)(mended)


def test_nothing_breaks_a_page(any_mended):
    shown = page(any_mended)
    for text in texts(shown):
        bad = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"}}
        assert not bad - {"\n", "\u2068", "\u2069", "\u200d"}, text[:80]
        assert not re.search(r"(?<!\w)(nan|inf|infinity)(?!\w)", text, re.IGNORECASE), text
    for each in shown.sections:
        for part in each.parts:
            if isinstance(part, Table):
                assert {len(row) for row in part.rows} <= {len(part.columns)}
    written = html.render(any_mended)
    assert "<script" not in written.lower()
    assert len(written) < 1_500_000
    drawn = re.findall(r"<svg.*?</svg>", written, flags=re.DOTALL)
    assert len(drawn) == sum(p.form == "chart" for s in shown.sections for p in s.parts)
    for chart in drawn:
        ET.fromstring(chart)


@pytest.mark.parametrize("width", [40, 100])
def test_the_terminal_stays_short_and_keeps_its_width(any_mended, width):
    written = terminal.render(any_mended, width=width)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", written)
    assert all(cell_len(line) <= width for line in written.splitlines())


def test_the_terminal_leaves_details_out(mended):
    written = terminal.render(mended, width=120)
    flat = " ".join(written.split())
    assert "★ drop_attribute within tolerance 0.0 % 0.0 to 0.1 % 90.0 %" in flat
    assert "needs fairlearn" in flat
    assert "drop_attribute: no warning. There are warnings about thresholds, reweigh" in flat
    assert "Thresholds of 0.61" not in flat
    assert "young x Male" not in flat
    head = written.split("The model as it is\n")[0].splitlines()
    assert len(head) < 50


def test_edges_are_said_in_words(mended):
    shown = page(only(mended))
    assert shown.sections[0].intro[0].text == "No way to mend the model was tried."
    assert [each.title for each in shown.sections][1] != "Who gains and who pays"
    shown = page(failed(mended))
    assert "none could be compared" in shown.sections[0].intro[0].text
    assert not any(isinstance(part, Tradeoff) for each in shown.sections for part in each.parts)
    shown = page(interrupted(mended))
    assert shown.remarks[1] == (
        "The comparison was stopped before every candidate was tried: 4 candidates could not be "
        "compared."
    )
    table = first(page(unbounded(mended)), Table, "All candidates")
    kept = cells(table, 1)["Accuracy kept"]
    assert (kept, cells(table, 1)["Gap (flip rate)"]) == ("unbounded", "")


def test_a_record_keeps_its_comparison(mended, tmp_path):
    read = open_record(mended.save(tmp_path / "mended.json"))
    assert read.comparison == mended.comparison
    assert html.render(read) == html.render(mended)


def test_junit_counts_the_findings_about_the_model_as_it_is(mended, loan):
    cases = [
        len(list(ET.fromstring(junit.render(record)).iter("testcase"))) for record in (mended, loan)
    ]
    assert cases[0] == cases[1]
    suite = ET.fromstring(junit.render(mended)).find("testsuite")
    kept = {p.get("name"): p.get("value") for p in suite.find("properties")}
    assert kept["recommended"] == "drop_attribute"
    assert "What mends it: drop_attribute keeps" in suite.findtext("system-out")


# --- again ----------------------------------------------------------------------------------------


def listings(record: Record) -> dict[str, str]:
    return {p.title: p.text for s in page(record).sections for p in s.parts if p.form == "listing"}


def test_files_are_compared_again_by_a_command(mended):
    told = listings(mended)["Command"]
    assert told == "paribus mitigate audit.toml --seed 42 --people 10000 -o best.skops"
    spec = {**mended.spec, "model": {"kind": "file", "path": "loan.joblib"}}
    again = listings(mended.model_copy(update={"spec": spec}))["Command"]
    assert again.endswith("--trust -o best.skops")


def test_objects_are_compared_again_in_python(mended, example):
    spec = {**mended.spec, "model": {"kind": "object", "favorable": 1}}
    for asked in (
        mended.model_copy(update={"spec": spec}),
        changed(mended.model_copy(update={"spec": {**spec, "mitigate": {"label": "repaid"}}})),
        hostile(mended.model_copy(update={"spec": spec}), example.NASTY),
    ):
        told = listings(asked)["In Python"]
        compile(told, "again", "exec")
        assert "paribus.mitigate(\n    model,  # the same object" in told
        assert "favorable=1," in told
    assert "train='loans.csv'," in listings(mended.model_copy(update={"spec": spec}))["In Python"]
