"""Pages of measured tables: what comes first, how short they stay, and how to do it again."""

from __future__ import annotations

import re
import shlex
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len

import paribus as pb
from paribus import cli
from paribus.record import REPORTS
from paribus.report import junit, terminal
from paribus.report._findings import FEW_SENTENCES
from paribus.report._measured import FEW_GROUPS, MOST_GROUPS, MOST_SPANS, question
from paribus.report._parts import (
    Chart,
    Facts,
    Histogram,
    Lines,
    Listing,
    Paragraph,
    Scatter,
    Statements,
    Table,
)
from paribus.report._wording import sentence
from paribus.report.base import page
from paribus.testing import check_report

DRAWN = (Chart, Lines, Scatter, Histogram)
LONG = [
    f"People from the {where} region of the {which} republic"
    for where in ("northern", "southern", "eastern", "western")
    for which in ("first", "second", "third", "fourth", "fifth", "sixth")
]
HOSTILE = ["</script><script>x</script>", "\u05e9\u05dc\u05d5\u05dd \u202e", "x" * 300, "", "a"]
# Bickel, Hammel and O'Connell (1975), Science 187, 398-404: admitted and rejected men and women.
BERKELEY = {
    "A": (512, 313, 89, 19), "B": (353, 207, 17, 8), "C": (120, 205, 202, 391),
    "D": (138, 279, 131, 244), "E": (53, 138, 94, 299), "F": (22, 351, 24, 317),
}  # fmt: skip


def table(levels=("Black", "White"), n=900, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.choice(len(levels), n)
    income = rng.normal(52, 10, n) - 10 * (group % 2)
    score = 1 / (1 + np.exp(-(income - 50) / 6))
    return pd.DataFrame(
        {
            "race": np.array(levels, object)[group],
            "sex": rng.choice(["F", "M"], n),
            "income": income.round(1),
            "zip": np.where(rng.random(n) < 0.9, group % 2, rng.integers(0, 2, n)),
            "repaid": (income + rng.normal(0, 8, n) > 48).astype(int),
            "score": score.round(3),
            "approved": (score > 0.5).astype(int),
            "place": rng.permutation(n) + 1,
            "guess": (income + rng.normal(1, 5, n)).round(1),
            "class": rng.choice(["a", "b"], n),
            "guessed": rng.choice(["a", "b"], n),
            "month": [f"2026-{month:02d}" for month in rng.integers(1, 9, n)],
        }
    )


ROLES = {"label": "repaid", "decision": "approved"}


@pytest.fixture(scope="module")
def few():
    return pb.metrics(table(), by="race", score="score", **ROLES)


@pytest.fixture(scope="module")
def many():
    return pb.metrics(table(LONG, 4000), by="race", score="score", **ROLES)


@pytest.fixture(scope="module")
def crossed():
    frame = table(LONG[:12], 3000)
    return pb.metrics(frame, by=["race", "sex"], score="score", **ROLES)


@pytest.fixture(scope="module")
def nasty():
    frame = table(HOSTILE)
    return pb.metrics(frame, by="race", name="<script>", score="score", time="month", **ROLES)


@pytest.fixture(scope="module")
def stages():
    return pb.audit_data(
        table(("Black", "White", "Asian")),
        protect=["race", "sex"],
        time="month",
        features=["income", "zip"],
        population={"race": {"Black": 0.1, "White": 0.6, "Asian": 0.3}},
        **ROLES,
    )


@pytest.fixture(scope="module")
def windows():
    """Twelve groups over time: more questions than a reader should hear."""
    frame = table(LONG[:12], 4000)
    return pb.audit_data(frame, protect="race", time="month", checks=["deployment"], **ROLES)


@pytest.fixture(scope="module")
def berkeley():
    rows = [
        (sex, department, admitted)
        for department, counts in BERKELEY.items()
        for (sex, admitted), people in zip(
            [("M", 1), ("M", 0), ("F", 1), ("F", 0)], counts, strict=True
        )
        for _ in range(people)
    ]
    frame = pd.DataFrame(rows, columns=["sex", "department", "admitted"])
    return pb.metrics(frame, by="sex", decision="admitted", factors=["department"])


@pytest.fixture(scope="module")
def both():
    def decide(frame):
        return (frame["income"] > 50).astype(int)

    return pb.audit(
        decide,
        protect={"sex": ["M", "F"]},
        data=table(),
        measure={**ROLES, "checks": ["group", "representation"]},
        favorable=1,
        features=["income"],
    )


NAMES = ("few", "many", "crossed", "nasty", "stages", "windows", "berkeley", "both")


@pytest.fixture(params=NAMES)
def record(request):
    return request.getfixturevalue(request.param)


def measured(record):
    """The sections about the table."""
    titles = ("How outcomes", "Collection", "Labeling", "Features", "Training", "Deployment")
    return [each for each in page(record).sections if each.title.startswith(titles)]


def section(record, start):
    return next(each for each in page(record).sections if each.title.startswith(start))


def of(section, form):
    return [part for part in section.parts if isinstance(part, form)]


def titled(section, start):
    return next(part for part in section.parts if getattr(part, "title", "").startswith(start))


# --- what comes first -----------------------------------------------------------------------------


def test_sentences_come_first_then_drawings_then_tables(record):
    for each in measured(record):
        order = [
            0 if isinstance(part, Statements | Paragraph) else 1 if isinstance(part, DRAWN) else 2
            for part in each.parts
        ]
        assert order == sorted(order)
        assert sum(len(part.items) for part in of(each, Statements)) <= FEW_SENTENCES
        assert len(of(each, Statements)) <= 1


def test_nothing_that_is_held_is_left_out(record):
    for each in measured(record):
        for held in of(each, Table):
            if held.title != "Held against the tolerance":
                continue
            said = sum(len(part.items) for part in of(each, Statements))
            assert said == min(FEW_SENTENCES, len(held.rows))
            # Where a terminal says less than all, it shows the table.
            assert held.detail == (said == len(held.rows))
    held = [f for f in record.findings if f.stage != "model"]
    rows = [
        row
        for each in measured(record)
        for part in of(each, Table)
        if part.title == "Held against the tolerance"
        for row in part.rows
    ]
    assert sorted(row[1].text for row in rows) == sorted(map(question, held))


def test_what_is_biased_is_said_before_what_is_not(windows):
    deployment = section(windows, "Deployment")
    assert len(windows.findings) > FEW_SENTENCES
    said = of(deployment, Statements)[0].items
    ranks = ["biased", "inconclusive", "within tolerance"]
    assert [ranks.index(each.tone) for each in said] == sorted(
        ranks.index(each.tone) for each in said
    )
    most = min(FEW_SENTENCES, sum(f.verdict == "biased" for f in windows.findings))
    assert sum(each.tone == "biased" for each in said) == most
    told = of(deployment, Paragraph)[0].text
    assert told.startswith(f"These are {FEW_SENTENCES} of {len(windows.findings)} questions")


def test_the_verdict_alone_and_beside_twins(few, both):
    alone = page(few).sentence
    assert alone.startswith(("Demographic parity", "Equalized odds"))
    assert page(both).sentence.startswith("With everything else equal, ")
    assert " In the table: " in page(both).sentence


def test_where_nothing_is_held_there_is_no_verdict():
    record = pb.metrics(table(), by="race", rank="place")
    content = page(record)
    assert not record.findings
    assert content.verdict is None
    assert "nconclusive" not in record.render("html").decode().split("</style>")[1]
    assert "INCONCLUSIVE" not in terminal.render(record, width=100)


# --- drawings -------------------------------------------------------------------------------------


def test_every_drawing_says_what_it_is(record):
    for each in measured(record):
        drawn = of(each, DRAWN)
        assert len({part.title for part in drawn}) == len(drawn)
        for part in drawn:
            assert part.description.startswith(part.title)
            assert part.description.endswith(".")
            assert getattr(part, "axis", "") or part.along
    assert any(of(each, DRAWN) for each in measured(record))


def test_selection_rates_have_the_four_fifths_line(few):
    chart = titled(section(few, "How outcomes"), "Selection rate")
    highest = max(mark.estimate for mark in chart.marks)
    assert chart.kind == "bars"
    assert [line.x for line in chart.lines] == [pytest.approx(0.8 * highest)]
    assert "four fifths" in chart.description


@pytest.mark.parametrize("rate", ["True positive rate", "False positive rate"])
def test_what_is_held_has_a_band_around_the_reference(few, rate):
    chart = titled(section(few, "How outcomes"), rate)
    middle = sum(chart.band) / 2
    assert chart.band[1] - chart.band[0] == pytest.approx(0.1)
    assert chart.band_label == "within 5.0 points of White" or "Black" in chart.band_label
    named = chart.band_label.rsplit(" ", 1)[1]
    assert next(m.estimate for m in chart.marks if m.label == named) == pytest.approx(middle)


def test_few_groups_have_curves(few):
    titles = [part.title for part in of(section(few, "How outcomes"), DRAWN)]
    assert titles == [
        "Selection rate by race", "True positive rate by race", "False positive rate by race",
        "AUC by race", "ROC by race", "Calibration by race", "Scores by race",
    ]  # fmt: skip


def test_many_groups_are_drawn_in_part_and_say_so(many):
    outcomes = section(many, "How outcomes")
    first, *others = of(outcomes, Chart)
    assert len(first.marks) == len(LONG) <= MOST_GROUPS
    for chart in others:
        assert len(chart.marks) == FEW_GROUPS
        assert f"of {len(LONG)} groups" in chart.title
    # Whoever is named in a sentence is drawn.
    rate = next(f for f in many.findings if f.unit == "equalized odds")
    drawn = next(c for c in others if f"the {c.title.split(' by ')[0].lower()}" in rate.sentence)
    estimates = [
        row.estimate
        for row in many.evidence
        if row.relation == "value" and row.group and row.unit in rate.sentence and not row.field
        if drawn.title.lower().startswith(row.unit)
    ]
    assert min(estimates) == min(mark.estimate for mark in drawn.marks)
    assert max(estimates) == max(mark.estimate for mark in drawn.marks)


def test_crossed_attributes_have_fewer_drawings(crossed):
    alone, cells = section(crossed, "How outcomes differ by race"), measured(crossed)[-1]
    assert " x " in cells.title
    assert of(alone, Lines)
    assert not of(cells, Lines)
    assert not of(cells, Histogram)
    assert len(of(cells, DRAWN)) < len(of(alone, DRAWN))
    assert all(len(chart.marks) <= MOST_GROUPS for chart in of(cells, Chart))


def test_few_lines_have_intervals(record):
    for each in measured(record):
        for part in of(each, Lines):
            clear = [line for line in part.lines if line.tone == "plain"]
            assert len(clear) <= MOST_SPANS
            for line in part.lines:
                spans = any(point.low is not None for point in line.points)
                assert not (spans and line.tone == "muted")
                assert all(point.text for point in line.points)


def test_a_group_looks_the_same_in_every_chart_of_its_attribute(record, stages, windows):
    several = 0
    for each in (record, stages, windows):
        pens: dict[tuple[str, str], set[int | None]] = {}
        for part in measured(each):
            for chart in of(part, Lines):
                for line in chart.lines:
                    pens.setdefault((part.title, line.label), set()).add(line.pen)
                several += len(chart.lines) > 1
        assert all(len(found) == 1 and None not in found for found in pens.values())
    assert several > 3


def test_lines_with_an_alarm_come_first(stages, windows):
    seen = 0
    for record in (stages, windows):
        for part in of(section(record, "Deployment"), Lines):
            up = [any(point.alarm for point in line.points) for line in part.lines]
            assert up == sorted(up, reverse=True)
            seen += any(up)
            assert not any(up) or "an alarm is up at" in part.description
    assert seen


def test_the_selection_rate_is_followed_and_others_only_where_there_is_room(stages):
    titles = [part.title for part in of(section(stages, "Deployment"), Lines)]
    assert any(title.startswith("Gap of the selection rate") for title in titles)
    assert not any("positive rate" in title for title in titles)
    frame = table()
    one = pb.audit_data(frame, protect="race", time="month", checks=["deployment"], **ROLES)
    titles = [part.title for part in of(section(one, "Deployment"), Lines)]
    assert any("true positive rate" in title for title in titles)


def test_shares_stand_beside_those_of_the_population(stages):
    chart = titled(section(stages, "Collection"), "Share of the data by race")
    assert {mark.label: mark.reference for mark in chart.marks} == {
        "Black": 0.1, "White": 0.6, "Asian": 0.3,
    }  # fmt: skip
    assert chart.reference_label == "share in the population"


def test_proxies_are_explained_with_their_numbers(stages):
    features = section(stages, "Features")
    told = next(part.text for part in of(features, Paragraph) if "2 × AUC" in part.text)
    held = next(f for f in stages.findings if f.unit == "proxy effect")
    area, move = re.search(r"\(2 × ([\d.]+) - 1\) × ([\d.]+) points", told).groups()
    assert held.tolerance == pytest.approx((2 * float(area) - 1) * float(move) / 100, rel=0.02)
    drawn = of(features, Scatter)[0]
    assert {dot.label for dot in drawn.dots} == {"income", "zip"}
    assert drawn.threshold_along == 0.6
    fields = titled(features, "Every field as a proxy of race")
    assert fields.folded
    assert len(fields.rows) == 3


def test_rankings_and_errors_have_their_charts():
    frame = table()
    ranked = section(pb.metrics(frame, by="race", rank="place"), "How outcomes")
    assert [part.title for part in of(ranked, Chart)] == [
        "Exposure by race", "Share of the top 10 by race", "Share of the top 100 by race",
    ]  # fmt: skip
    top = of(ranked, Chart)[1]
    assert sum(mark.reference for mark in top.marks) == pytest.approx(1)
    erring = section(
        pb.metrics(frame, by="race", prediction="guess", label="income"), "How outcomes"
    )
    titles = [part.title for part in of(erring, Chart)]
    assert titles == ["Mean error by race", "Mean absolute error by race"]
    scored = section(pb.metrics(frame, by="race", score="income"), "How outcomes")
    assert [part.title for part in of(scored, Chart)] == ["Mean score by race"]


def test_classes_are_drawn_over_the_same_axis():
    record = pb.metrics(
        table(), by="race", label="class", decision="guessed", outcome="label", checks=["group"]
    )
    charts = of(section(record, "How outcomes"), Chart)[:2]
    assert [c.title for c in charts] == [
        "Selection rate of a by race",
        "Selection rate of b by race",
    ]
    # Rates without a band or a line go from 0 to 100 %.
    assert all(c.kind == "rates" and c.band is None and not c.lines for c in charts)


# --- words ----------------------------------------------------------------------------------------


def test_a_paradox_stands_beside_the_verdict(berkeley):
    content = page(berkeley)
    assert content.remarks[0].startswith("Simpson's paradox: F against M is -14.2 points")
    limits = section(berkeley, "What this")
    assert not any("Simpson" in item.text for part in of(limits, Statements) for item in part.items)
    chart = titled(section(berkeley, "How outcomes"), "Selection rate against M")
    assert [mark.label for mark in chart.marks] == ["F, overall", "F, alike in department"]
    assert [mark.text for mark in chart.marks] == ["-14.2 points", "+4.3 points"]
    assert chart.band == (-0.05, 0.05)


def limits_of(record):
    return " ".join(
        item.text for part in of(section(record, "What this"), Statements) for item in part.items
    )


def test_a_table_says_what_a_table_cannot_say(few, berkeley, both):
    alone = limits_of(few)
    assert "no proof that anybody was treated unequally" in alone
    assert "who never applied" in alone
    assert "prejudice" in alone
    assert "stays equal between twins" not in alone
    assert "Synthetic people" not in alone
    # Admissions are no labels.
    assert "Labels are taken for true" not in limits_of(berkeley)
    assert "stays equal between twins" in limits_of(both)
    assert "who never applied" in limits_of(both)


def test_roles_are_written_as_columns(stages):
    facts = next(f for f in of(section(stages, "How it was"), Facts) if f.title == "Data")
    told = dict(facts.items)
    assert told["Protected attributes"] == "race, sex"
    assert told["Population"] == "race: Black: 0.1; White: 0.6; Asian: 0.3"


# --- again ----------------------------------------------------------------------------------------


def listings(record):
    return {part.title: part.text for part in of(section(record, "How it was"), Listing)}


def rerun(record, monkeypatch):
    """Run the command that a page shows, in this process."""
    words = shlex.split(listings(record)["Command"])
    made = []
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(cli.tables, "finish", lambda record, *_: made.append(record))
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 0
    return made[0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = table().rename(columns={"approved": "it's approved"})
    frame["repaid"] = frame["repaid"].map({1: "yes", 0: "no"})
    frame["it's approved"] = frame["it's approved"].map({1: "yes", 0: "no"})
    frame.to_csv("a table.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    "more",
    [
        {"score": "score", "seed": 7},
        {"criteria": ["equal opportunity", "predictive parity"], "tolerance": 0.1},
        {"reference": {"race": "Black"}, "factors": ["zip"], "confidence": 0.9},
        {"cross": [["race", "sex"]]},
    ],
)
def test_the_command_gives_the_record_again(folder, monkeypatch, more):
    record = pb.metrics(
        "a table.csv",
        by=["race", "sex"], label="repaid", decision="it's approved", favorable="yes", **more,
    )  # fmt: skip
    again = rerun(record, monkeypatch)
    assert again.evidence == record.evidence
    assert again.findings == record.findings


def test_the_command_of_a_data_audit_reads_the_population(folder, monkeypatch):
    record = pb.audit_data(
        "a table.csv", protect=["race"], features=["income"],
        population={"race": {"Black": 0.25, "White": 0.75}},
    )  # fmt: skip
    (folder / "population.toml").write_text(listings(record)["population.toml"])
    assert rerun(record, monkeypatch).findings == record.findings
    assert str(folder) not in record.render("html").decode()


@pytest.mark.parametrize(
    "more",
    [
        {"bins": 5, "score": "score"},
        {"checks": [{"kind": "group", "resamples": 200}]},
        {"cross": [], "name": "\u202e '\n"},
        {"favorable": ["yes"]},
    ],
)
@pytest.mark.parametrize("file", [True, False])
def test_the_call_gives_the_record_again(folder, more, file):
    data = "a table.csv" if file else pd.read_csv("a table.csv")
    roles = {"label": "repaid", "decision": "it's approved", "favorable": "yes"} | more
    record = pb.metrics(data, by=["race", "sex"], **roles)
    shown = listings(record)
    assert "Command" not in shown
    known = {"data": data}
    exec(shown["In Python"], known)
    assert known["record"].evidence == record.evidence
    assert known["record"].name == record.name


def test_twins_are_still_audited_again_from_a_declaration(both):
    assert "Declaration (audit.toml)" in listings(both)


# --- formats --------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", sorted(REPORTS.kinds()))
@pytest.mark.parametrize("record", ["many", "nasty", "stages", "both"], indirect=True)
def test_every_format_conforms(format, record):
    check_report(format, record)


@pytest.mark.parametrize("format", sorted(REPORTS.kinds()))
def test_the_suite_has_hostile_records_of_its_own(format):
    check_report(format)


@pytest.mark.parametrize("width", [80, 100])
def test_the_terminal_keeps_its_width(record, width):
    text = terminal.render(record, width=width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert not re.search(r"\b(nan|inf)\b", text)


def test_junit_has_a_case_for_each_question(record):
    cases = list(ET.fromstring(junit.render(record)).iter("testcase"))
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert len(set(names)) == len(names) == len(record.findings)
    for case, finding in zip(cases, record.findings, strict=True):
        failure = case.find("failure")
        assert (failure is None) == (finding.verdict == "within tolerance")
        assert failure is None or failure.get("message") == sentence(finding)
    shown = [case.findtext("system-out") or "" for case in cases]
    assert all("estimate: " in facts and "interval: " in facts for facts in shown)


def test_junit_names_what_was_asked(few, stages):
    names = [case.get("name") for case in ET.fromstring(junit.render(few)).iter("testcase")]
    assert names == [
        "demographic parity by race: all groups",
        "equalized odds by race: all groups",
    ]
    names = [case.get("name") for case in ET.fromstring(junit.render(stages)).iter("testcase")]
    assert "representation by race: Black" in names
    assert "proxy effect of zip for race" in names
