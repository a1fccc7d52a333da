"""Every kind of evidence has its place on the page, in words that a reader can use."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import paribus as pb
from paribus.evidence.counterfactual import Counterfactual
from paribus.report import junit, terminal
from paribus.report._parts import Chart, Curve, HeatMap, Statements, Table
from paribus.report._profiles import compact, most_telling
from paribus.report._wording import BLIND, effect, fifths, note, readable, shown, span
from paribus.report.base import page


def section(record, title):
    return next(s for s in page(record).sections if s.title == title)


def said(record, title):
    parts = section(record, title).parts
    return [item.text for p in parts if isinstance(p, Statements) for item in p.items]


def drawn(record, title, kind):
    return [p for p in section(record, title).parts if isinstance(p, kind)]


def cells(table: Table):
    return [[cell.text for cell in row] for row in table.rows]


def test_sections_come_in_the_order_of_a_reader_s_questions(everything):
    assert [s.title for s in page(everything).sections] == [
        "What changing sex does",
        "What changing race does",
        "Where the gap lives",
        "What a mere change of name does",
        "What is mere noise",
        "All levels together",
        "How the gap runs along other fields",
        "When the verdicts were settled",
        "The same pairs, weighed otherwise",
        "How it was done",
        "What this does not say",
    ]


# --- findings -------------------------------------------------------------------------------------


def test_the_table_of_findings_starts_with_the_verdict_and_notes_the_method(everything):
    table = drawn(everything, "What changing sex does", Table)[0]
    heads = [column.title for column in table.columns]
    assert heads[:4] == ["Verdict", "From m to", "Of what", "Gap"]
    assert [row[0].text for row in table.rows] == ["biased", "inconclusive"]
    assert {row[2].note for row in table.rows} == {"weighed over 312 names a level"}


def test_settled_findings_say_after_how_many_pairs(everything):
    table = drawn(everything, "What changing race does", Table)[0]
    at = [column.title for column in table.columns].index("Settled after")
    assert [row[at].text for row in table.rows] == ["331", "", "1,500"]


def test_an_excess_counts_as_equal_however_far_below(everything):
    charts = section(everything, "What changing sex does").parts
    chart = next(p for p in charts if p.form == "chart" and "beyond" in p.title)
    assert chart.band == (-0.01, 0.01)
    low = everything.findings[1].model_copy(update={"estimate": -0.4, "low": -0.5, "high": -0.3})
    record = everything.model_copy(update={"findings": (low,)})
    charts = section(record, "What changing sex does").parts
    assert next(p for p in charts if p.form == "chart").band == (-0.5, 0.01)


def test_exact_numbers_have_no_interval_and_no_p(loan, example):
    findings = tuple(
        f.model_copy(update={"exact": True, "low": f.estimate, "high": f.estimate})
        for f in loan.findings
    )
    record = loan.model_copy(update={"exhaustive": True, "findings": findings})
    table = drawn(record, "What changing gender does", Table)[0]
    assert "p" not in [column.title for column in table.columns]
    assert {row[4].text for row in table.rows} == {"exact"}
    assert "numbers are exact" in page(record).remarks[0]
    text = terminal.render(record, width=100)
    assert re.search(r"● +│░ +-55.7 points +exact", text), "a point without a bar"
    missing = findings[0].model_copy(update={"high": 0.6})
    assert span(missing) == "55.7 to 60.0 %"


# --- beside the verdict ---------------------------------------------------------------------------


def test_early_stops_are_said_beside_the_verdict(everything):
    assert page(everything).remarks == (
        "Stopped after 2,000 of at most 10,000 people; 8,000 were not asked.",
    )
    whole = everything.stopped.model_copy(update={"pairs": 10_000})
    record = everything.model_copy(update={"stopped": whole})
    assert page(record).remarks == ("It could not stop early: all 10,000 people were asked.",)


def test_a_model_that_sees_nothing_says_so_beside_the_verdict_and_once():
    record = pb.audit(
        lambda people: people["income"] > 5,
        protect={"sex": ["m", "f"]},
        fields={"income": pb.integers(0, 9)},
        features=["income"],
        people=500,
        favorable=True,
    )
    assert record.verdict == "within tolerance"
    assert [note for note in record.notes if note.startswith(BLIND)]
    assert "proves nothing about a model in use" in page(record).remarks[-1]
    assert terminal.render(record, width=100).count(BLIND) == 1


def test_the_synthetic_are_not_spoken_of_where_rows_are_real(loan):
    def text(record):
        return " ".join(said(record, "What this does not say"))

    assert "Synthetic people" in text(loan)
    real = loan.model_copy(update={"spec": {**loan.spec, "data": {"path": "rows.csv"}}})
    assert "ynthetic" not in text(real)


# --- names and noise ------------------------------------------------------------------------------


def test_the_placebo_stands_beside_the_change_with_the_difference(everything):
    title = "What a mere change of name does"
    assert said(everything, title) == [
        "A change of sex from m to f changes the decision for 14.9 % of people, mostly against f; "
        "a mere change of first_name, with sex kept, changes the decision for 14.1 % of people: a "
        "difference of +0.8 points (95 % interval -0.1 to +1.7)."
    ]
    chart = next(p for p in section(everything, title).parts if p.form == "chart")
    assert [(mark.label, mark.tone) for mark in chart.marks] == [
        ("first_name alone", "muted"),
        ("sex: m → f", "plain"),
        ("the difference", "inconclusive"),
    ]


def test_noise_stands_beside_what_the_attribute_does(everything):
    assert said(everything, "What is mere noise") == [
        "Asked twice about the same people, the model changes its answer for 36.8 %; about twins "
        "(race: White → Black) it differs for 40.4 %.",
        "race: White → Black moves the chance of single people by 15.0 points beyond noise (root "
        "mean square), 95 % interval 10.0 to 20.0: whatever cancels out in the mean.",
        "No effect of race: White → Asian on single people is shown beyond noise.",
    ]


@pytest.mark.parametrize(("amounts", "root"), [(False, "15.0 points"), (True, "0.15")])
def test_a_squared_effect_is_shown_as_its_root(everything, amounts, root):
    rows = everything.evidence
    if amounts:
        rows += (rows[0].model_copy(update={"unit": "score gap"}),)
    record = readable(everything.model_copy(update={"evidence": rows}))
    row = next(row for row in record.evidence if row.unit.startswith("squared"))
    assert (shown(row), root in effect(row, record)) == (root, True)
    assert shown(row.model_copy(update={"estimate": -1.0})) in {"0", "0.0 points"}


# --- where ----------------------------------------------------------------------------------------


def test_rules_have_a_chart_for_each_change_and_one_table(everything):
    parts = section(everything, "Where the gap lives").parts
    charts = [p for p in parts if isinstance(p, Chart)]
    assert [chart.title.split(", ")[-1] for chart in charts] == ["race: White → Black"]
    table = next(p for p in parts if isinstance(p, Table) and not p.brief)
    assert [row[0] for row in cells(table)] == ["race: White → Black", "", "race: White → Asian"]
    assert cells(table)[0][1:] == [
        "income > 20,000 and <= 30,000",
        "20.0 %",
        "-60.0 points",
        "-70.0 to -50.0",
        "71.0 %",
        "90 %",
        "2,000 pairs",
    ]
    intro = section(everything, "Where the gap lives").intro[1].text
    assert "Tango interval at 99 % for 3 rules" in intro


def test_where_starts_with_the_most_telling_field_then_says_the_rules(everything):
    parts = section(everything, "Where the gap lives").parts
    assert [part.form for part in parts[:3]] == ["chart", "statements", "chart"]
    assert isinstance(parts[0], Curve)
    assert parts[0].band is not None
    assert not parts[0].detail, "it has a place in every format"
    assert said(everything, "Where the gap lives") == [
        "race: White → Black: among people whose income is above 20,000 and at most 30,000 "
        "(20.0 % of people), the gap is -60.0 points (-70.0 to -50.0), 71.0 % of the whole gap.",
        "race: White → Asian: among people whose income is above 20,000 and at most 30,000 "
        "(20.0 % of people), the gap is +30.0 points (+20.0 to +40.0), 71.0 % of the whole gap.",
    ]


def test_the_most_telling_field_is_one_that_a_rule_names(everything):
    assert [chart.title[:16] for chart in most_telling(everything)] == ["Gap along income"]
    rule = (everything.regions[0].rule[0].model_copy(update={"field": "city"}),)
    other = tuple(row.model_copy(update={"rule": rule}) for row in everything.regions)
    named = everything.model_copy(update={"regions": other})
    assert [chart.title[:14] for chart in most_telling(named)] == ["Gap along city"]


def test_comparisons_that_a_rule_says_the_same_of_share_a_sentence(everything):
    same = everything.regions[0]
    rows = tuple(same.model_copy(update={"group": f"g{i}"}) for i in range(9))
    told = said(everything.model_copy(update={"regions": rows}), "Where the gap lives")
    assert len(told) == 1
    assert told[0].startswith("race: White → g0; race: White → g1; ")
    assert "race: White → g3 and 5 more: among people" in told[0]


def test_profiles_are_steps_bars_and_a_map(everything):
    steps = section(everything, "Where the gap lives").parts[0]
    bars, tiles = section(everything, "How the gap runs along other fields").parts
    assert isinstance(steps, Curve)
    assert [(s.start, s.end) for s in steps.stretches] == [
        (0.0, 30_000.0),
        (30_000.0, 60_000.0),
        (60_000.0, 90_000.0),
    ]
    assert steps.title == "Gap along income, race: White → Black (missing: -9.0 points)"
    assert [mark.label for mark in bars.marks] == ["Bonn", "Rome", "all others"]
    assert isinstance(tiles, HeatMap)
    assert tiles.columns == ("up to 30k", "> 30k to 60k", "above 60k")
    assert tiles.rows == ("Bonn", "Rome", "all others")
    assert len(tiles.tiles) == 9
    assert [t.text for t in tiles.tiles if t.faint] == ["-45"], "fewer than 50 pairs"
    assert "Orange: lower as Black than as White" in tiles.legend
    assert "fewer than 50 pairs" in tiles.legend
    many = tuple(row.model_copy(update={"answered": 600}) for row in everything.profiles)
    calm = everything.model_copy(update={"profiles": many})
    assert "Pale" not in section(calm, "How the gap runs along other fields").parts[1].legend


def test_a_terminal_has_no_heading_without_what_it_promises(everything):
    title = "How the gap runs along other fields"
    assert all(part.detail for part in section(everything, title).parts)
    assert title in everything.render("html").decode()
    assert title not in everything.render("terminal").decode()
    assert "Where the gap lives" in everything.render("terminal").decode()


def test_profiles_stay_few(everything):
    rows = tuple(
        row.model_copy(update={"attribute": f"a{i}", "group": f"g{j}"})
        for i in range(10)
        for j in range(5)
        for row in everything.profiles
    )
    parts = section(
        everything.model_copy(update={"profiles": rows}), "How the gap runs along other fields"
    ).parts
    first = most_telling(everything.model_copy(update={"profiles": rows}))
    assert len(parts) + len(first) == 24
    assert len(first) == 6, "one of an attribute, of six attributes"
    counts = [sum(f"a{i}:" in part.title for part in parts) for i in range(10)]
    assert max(counts) <= 6


@pytest.mark.parametrize(
    ("value", "text"),
    [(28_000, "28k"), (1_987, "1987"), (1.5e6, "1.5M"), (0.25, "0.25"), (-4e4, "-40k")],
)
def test_ends_of_bins_are_short(value, text):
    assert compact(float(value)) == text


# --- early stops, other tests, levels -------------------------------------------------------------


def test_sequences_are_drawn_for_the_first_few_changes(everything):
    curves = drawn(everything, "When the verdicts were settled", Curve)
    assert [len(curve.stretches) for curve in curves] == [5, 5]
    assert curves[0].stretches[-1].start == 2_000
    assert "Settled after 331 people." in curves[0].description


def test_other_tests_fold_in_html_and_are_few_in_a_terminal(everything):
    tables = drawn(everything, "The same pairs, weighed otherwise", Table)
    assert [(t.title, t.folded, t.brief) for t in tables] == [
        ("race, weighed otherwise", True, False),
        ("race: White → Black", False, True),
        ("race: White → Asian", False, True),
    ]
    rows = {row[1]: row for row in cells(tables[0])}
    assert rows["odds ratio"][2:] == ["1.400", "from 1.100, no upper bound", "0.030"]
    assert rows["Bowker test"][2:] == ["12.25", "", "0.007"]
    text = terminal.render(everything, width=80)
    assert text.count("odds ratio") == 2
    html = everything.render("html").decode()
    assert html.count("<summary>race, weighed otherwise</summary>") == 1


def test_four_fifths_are_said_and_are_no_verdict(everything):
    title = "The same pairs, weighed otherwise"
    assert said(everything, title) == [
        "Impact ratio by race, against White: Black 0.800 (0.500 to 0.900), the interval crosses "
        "four fifths; Asian 1.004 (0.704 to 1.104), the interval crosses four fifths."
    ]
    assert "rule of thumb" in section(everything, title).intro[0].text
    row = next(row for row in everything.evidence if row.unit == "impact ratio")
    assert fifths(row.model_copy(update={"high": 0.79})) == "below four fifths"
    assert fifths(row.model_copy(update={"low": 0.8})) == ""


def test_levels_are_gated_and_crossed_attributes_share_the_differences(everything):
    title = "All levels together"
    assert said(everything, title) == [
        "The 3 levels of race differ (Cochran Q 41.2, p < 0.001).",
        "The 4 cells of race x sex differ (Cochran Q 41.2, p < 0.001).",
        "Of the differences between the cells, race carries 92.0 % (95 % interval 90.0 to 94.0 %), "
        "sex 5.0 %, the two only together 3.0 %.",
    ]
    calm = tuple(
        row.model_copy(update={"p": 0.3}) if row.unit == "Cochran Q" else row
        for row in everything.evidence
    )
    assert said(everything.model_copy(update={"evidence": calm}), title) == [
        "No difference between the levels of race is shown (Cochran Q 41.2, p = 0.300).",
        "No difference between the cells of race x sex is shown (Cochran Q 41.2, p = 0.300).",
        "As no difference between the cells of race x sex is shown, there is none for an attribute "
        "to carry.",
    ]


def test_crossed_attributes_are_a_grid(everything):
    (grid,) = drawn(everything, "All levels together", HeatMap)
    assert (grid.columns, grid.rows) == (("White", "Black"), ("m", "f"))
    assert {(t.column, t.row): t.text for t in grid.tiles} == {
        (0, 0): "·",
        (0, 1): "-1",
        (1, 0): "-20",
        (1, 1): "-23",
    }


# --- formats --------------------------------------------------------------------------------------


def test_junit_carries_what_a_case_rests_on(everything):
    cases = list(ET.fromstring(junit.render(everything)).iter("testcase"))
    facts = [
        dict(line.split(": ", 1) for line in (case.findtext("system-out") or "").splitlines())
        for case in cases
    ]
    assert facts[0]["method"] == "weighed over 312 names a level"
    black = facts[2]
    assert black["settled after"] == "331 people"
    assert black["odds ratio (conditional, exact interval)"] == (
        "1.400 (from 1.100, no upper bound), p 0.030"
    )
    out = ET.fromstring(junit.render(everything)).findtext("testsuite/system-out") or ""
    for text in (
        "Stopped after 2,000",
        "Asked twice",
        "race carries 92.0 %",
        "90.0 % of resamples",
    ):
        assert text in out


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_breaks_no_word(loan, width):
    fields = [f"linked_field_{i}" for i in range(7)]
    wide = tuple(
        w.model_copy(
            update={
                "reference_values": {**w.reference_values, **dict.fromkeys(fields, "Constantine")},
                "group_values": {**w.group_values, **dict.fromkeys(fields, "Wilhelmina")},
            }
        )
        for w in loan.witnesses
    )
    for record in (loan, loan.model_copy(update={"witnesses": wide})):
        told = terminal.render(record, width=width).split("differently")[1].split("How it")[0]
        lines = [line for line in told.splitlines() if "highlighted" not in line]
        for word in ("Berry", "full_name", "gender_code", "Answer", "Calhoun"):
            assert any(re.search(rf"\b{word}\b", line) for line in lines), word
    assert all(sum(field in line for line in lines) for field in fields)
    assert any(line.count("Constantine") and line.count("Wilhelmina") for line in lines), "twins"


def test_a_call_of_python_runs_the_audit_again(tmp_path, monkeypatch):
    def loan(people):
        return np.where(people["sex"] == "m", "yes", "no")

    first = pb.audit(
        loan,
        protect={"sex": ["m", "f"]},
        fields={"income": pb.integers(0, 9), "code": pb.map_of("sex", {"m": 1, "f": 0})},
        people=300,
        favorable="yes",
        tolerance=0.02,
        seed=7,
        name="Again 'and' \"again\"",
    )
    parts = section(first, "How it was done").parts
    listings = {part.title: part.text for part in parts if part.form == "listing"}
    assert "Command" not in listings
    (tmp_path / "audit.toml").write_text(listings["Declaration (audit.toml)"], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names = {"model": loan}
    exec(listings["In Python"], names)  # the text that a reader is told to run
    again = names["record"]
    assert again.model_copy(update={"run": {}}).json_text() == (
        first.model_copy(update={"run": {}}).json_text()
    )


def test_a_record_from_before_these_fields_still_opens(loan, tmp_path):
    import json

    content = json.loads(loan.json_text())
    for part in ("profiles", "exhaustive", "stopped"):
        del content[part]
    new = ("explained", "stability", "method", "exact", "names", "settled", "trail", "alarm", "sd")
    for part in ("evidence", "findings", "regions"):
        for row in content[part]:
            for field in new:
                row.pop(field, None)
    path = tmp_path / "old.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    record = pb.open_record(path)
    assert page(record).remarks == ()
    assert record.render("html")
    assert note(record.findings[0]) == ""


def test_a_model_audited_for_real_has_all_its_numbers_on_the_page():
    noise = np.random.default_rng(0)

    def moody(people):
        return people["income"] + noise.normal(0, 2, len(people)) > np.where(
            people["sex"] == "m", 4, 5
        )

    record = pb.audit(
        moody,
        protect={"sex": ["m", "f"]},
        fields={"income": pb.integers(0, 9)},
        people=2_000,
        exhaustive=0,
        favorable=True,
        tests=[Counterfactual()],
    )
    text = " ".join(said(record, "What is mere noise"))
    again = next(row for row in record.evidence if row.unit == "repeat change rate")
    assert f"changes its answer for {100 * again.estimate:.1f} %" in text
