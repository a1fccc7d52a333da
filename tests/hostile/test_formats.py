"""Every text of the corpus, wherever somebody else's text gets in, in every format."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import paribus as pb
from paribus._text import shortened
from paribus.record import REPORTS
from paribus.testing import check_report

pytest.importorskip("cmarkgfm", reason="a tool of the test extra")


def audited(text: str, **options) -> pb.Record:
    """Use one text as attribute, level, field, value, answer, name and message of an error."""

    def model(people):
        if (people["n"] < 20).any():
            raise ValueError(text)
        return np.where(people[text] == text, text, "other")

    return pb.audit(
        model,
        protect={text: ["plain", text]},
        fields={
            "n": pb.integers(0, 99),
            f"{text}2": pb.choice([text, "b"]),
            f"{text}3": pb.constant(text),
        },
        people=24,
        favorable=text,
        **{"name": text} | options,
    )


def test_each_format(hostile_text, readers):
    record = audited(hostile_text)
    assert record.verdict == "biased"
    assert record.answers.failed > 0

    def render(format):
        return record.render(format).decode("utf-8")

    read = json.loads(render("json"))
    assert read["findings"][0]["attribute"] == hostile_text
    assert pb.Record(**read).json_text() == record.json_text()

    card, section = readers.front_matter(render("model_card"))
    shown = {
        "markdown": readers.markdown(render("markdown")).text,
        "model card": readers.markdown(section).text,
        "metadata": card["model-index"][0]["results"][0]["metrics"][0]["name"],
        "sarif": "\n".join(readers.sarif(render("sarif"))),
        "junit": "\n".join(readers.junit(render("junit"))),
        "csv": "\n".join(readers.cells_of_csv(record.render("csv"))),
        "workbook": "\n".join(readers.cells_of_workbook(record.render("xlsx"))),
        "terminal": readers.terminal(render("terminal")),
        "line": readers.terminal(render("line")),
        "failure": readers.terminal(render("failure")),
    }
    for format, text in shown.items():
        assert readers.shows(text, hostile_text), format


@pytest.mark.parametrize("format", ["csv", "xlsx", "markdown", "sarif", "model_card", "junit"])
def test_the_suite_that_is_shipped(format):
    """Its records are an audit and a table, both with hostile names."""
    check_report(format)


def test_no_format_is_forgotten():
    tried = {"json", "model_card", "markdown", "sarif", "junit", "csv", "xlsx", "html"}
    assert set(REPORTS.kinds()) == tried | {"terminal", "line", "failure"}


def test_long_names_leave_a_report_short(corpus):
    for name in ("long", "long without blanks to break at", "many words"):
        record = audited(corpus.CORPUS[name])
        for format, most in (("markdown", 65_000), ("sarif", 200_000), ("terminal", 100_000)):
            assert len(record.render(format)) < most * 2, (name, format)
        assert len(record.render("markdown").decode()) < 65_000


def test_a_colored_terminal(hostile_page, readers):
    colored = audited(hostile_page).render("terminal", color=True).decode("utf-8")
    readers.terminal(re.sub(r"\x1b\[[\d;]*m", "", colored))


def test_a_page_about_one(hostile_page, readers):
    page = readers.page(audited(hostile_page).render("html").decode("utf-8"))
    assert readers.shows(page.text, hostile_page)


def test_a_page_about_all(corpus, readers):
    """One record with all of them: drawing charts takes its time."""
    texts = {key: text for key, text in corpus.CORPUS.items() if text.strip()}
    levels = [f"{i} {text}" for i, text in enumerate(corpus.PAGES.values())]

    def model(people):
        return np.where(people["which"].astype(str).str.len() % 2 == 0, levels[0], "other")

    record = pb.audit(
        model,
        protect={"which": levels},
        fields={text: pb.constant(text) for text in texts.values()},
        people=30,
        favorable=levels[0],
        name=corpus.PAGES["script"],
    )
    page = readers.page(record.render("html").decode("utf-8"))
    said = readers.squeezed(page.text)
    for text in (*levels, *texts.values()):
        assert readers.telling(text) in said


@pytest.mark.parametrize("place", range(0, 50, 3))
def test_names_of_files(place, corpus, tmp_path, readers):
    text = list(corpus.CORPUS.values())[place]
    name = shortened(text, 60).replace("/", "_").replace("\x00", "_")
    source = tmp_path / f"{name}.csv"
    frame = pd.DataFrame({"group": ["a", "b"] * 50, "decision": [1, 0] * 50})
    frame.to_csv(source, index=False)
    record = pb.metrics(source, by=["group"], decision="decision", favorable=1)
    readers.markdown(record.render("markdown").decode())
    readers.markdown(readers.front_matter(record.render("model_card").decode())[1])
    readers.sarif(record.render("sarif").decode())
    readers.junit(record.render("junit").decode())
    readers.cells_of_csv(record.render("csv"))
    readers.cells_of_workbook(record.render("xlsx"))
    readers.terminal(record.render("terminal").decode())
    (run,) = json.loads(record.render("sarif"))["runs"]
    assert ":" not in run["artifacts"][0]["location"]["uri"]


def test_names_from_right_to_left_are_shown_as_they_are():
    """Sentences about tables set names apart when they are made, and are shown later."""
    texts = ["\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627"]
    frame = pd.DataFrame({texts[0]: texts * 40, "y": [0, 1, 1, 1] * 20, "x": range(80)})
    shown = [
        pb.metrics(frame, by=texts[:1], decision="y", favorable=1),
        pb.audit_data(frame, protect=texts[:1], label="y", favorable=1),
        pb.assess(frame, frame, identifying=[], quasi=texts[:1]),
    ]
    for each in shown:
        kinds = REPORTS.kinds() if isinstance(each, pb.Record) else ["html", "csv", "terminal"]
        for said in (
            each._repr_html_(),
            *(each.render(kind).decode("utf-8", "replace") for kind in kinds if kind != "xlsx"),
        ):
            assert texts[0] in said
            assert "\ufffd" not in said
    for record in shown[:2]:
        assert "\ufffd" not in record.findings._repr_html_()


def test_a_file_whose_name_is_no_text(tmp_path):
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.csv"))
    source.write_text("group,decision\na,1\nb,0\n" * 10)
    with pytest.raises(pb.ParibusError) as refused:
        pb.metrics(source, by=["group"], decision="decision", favorable=1)
    assert "\n" not in str(refused.value)


def test_a_declaration_that_is_no_text_is_refused(surrogate):
    def model(people):
        return np.ones(len(people))

    for given in (
        {"protect": {"g": ["a", surrogate]}},
        {"protect": {surrogate: ["a", "b"]}},
        {"fields": {surrogate: pb.integers(0, 1)}},
        {"fields": {"x": pb.constant(surrogate)}},
    ):
        given = {"protect": {"g": ["a", "b"]}, "fields": {"x": pb.integers(0, 1)}} | given
        with pytest.raises(pb.ParibusError, match="text must be valid Unicode"):
            pb.audit(model, people=20, favorable=1, **given)


def test_a_model_that_says_no_text(surrogate, readers):
    def model(people):
        if (people["n"] < 20).any():
            raise ValueError(surrogate)
        return np.where(people["g"] == "a", "yes", surrogate)

    record = pb.audit(
        model,
        protect={"g": ["a", "b"]},
        fields={"n": pb.integers(0, 99)},
        people=40,
        favorable="yes",
        name=surrogate,
    )
    assert record.answers.failed > 0
    again = pb.Record(**json.loads(record.json_text()))
    assert again.json_text() == record.json_text()
    for format in REPORTS.kinds():
        assert record.render(format), format
    readers.markdown(record.render("markdown").decode())
    readers.sarif(record.render("sarif").decode())
    readers.junit(record.render("junit").decode())
    readers.cells_of_csv(record.render("csv"))
    said = readers.cells_of_workbook(record.render("xlsx"))
    assert "They are left out: an answer is no valid Unicode." in said
