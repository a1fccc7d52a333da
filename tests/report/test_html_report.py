"""One file, no script, nothing that a record holds can become markup."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from paribus.findings import judge, overall
from paribus.report._wording import sentence
from paribus.report.base import page
from paribus.report.html import render

VOID = {"meta", "br", "hr", "img", "link", "input"}
LIMIT = 2_000_000


class Reader(HTMLParser):
    """Tags that open and close in order, their attributes, and the text between them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.declarations: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        raise AssertionError("a comment has no place in a report")


@pytest.fixture(scope="module")
def read(record):
    html = render(record)
    reader = Reader()
    reader.feed(html)
    reader.close()
    return record, html, reader


def test_it_is_balanced_and_complete(read):
    _, html, reader = read
    assert reader.open == []
    assert html.startswith("<!doctype html>")
    tags = [tag for tag, _ in reader.tags]
    for one in ("html", "head", "body", "main", "h1"):
        assert tags.count(one) == 1


def test_nothing_can_run_or_leave(read):
    _, html, reader = read
    assert "<script" not in html.lower()
    policy = [a.get("content") for t, a in reader.tags if a.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    tags = {tag for tag, _ in reader.tags}
    assert not tags & {
        "script",
        "iframe",
        "object",
        "embed",
        "link",
        "img",
        "form",
        "foreignobject",
    }
    for _, attributes in reader.tags:
        assert not any(key.startswith("on") for key in attributes)
        assert (attributes.get("href") or "#").startswith("#")
        assert "src" not in attributes


def test_ids_are_unique_and_labels_lead_somewhere(read):
    _, _, reader = read
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    named = " ".join(a.get("aria-labelledby") or "" for _, a in reader.tags).split()
    assert set(named) <= set(ids)


def test_charts_are_well_formed(read):
    record, html, _ = read
    drawn = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert len(drawn) == sum(p.form == "chart" for s in page(record).sections for p in s.parts)
    for chart in drawn:
        ET.fromstring(chart)


def test_every_finding_is_said(read):
    record, _, reader = read
    text = " ".join("".join(reader.text).split())
    for finding in record.findings:
        assert " ".join(sentence(finding).split()) in text


def test_no_character_can_turn_the_page_around(read):
    _, html, _ = read
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200e\u200f\u061c]", html)
    assert html.count("\u2068") == html.count("\u2069")


def test_what_a_person_sees_is_not_only_color(loan):
    html = render(loan)
    assert html.count('class="badge biased">biased<') >= len(loan.findings)


@pytest.mark.parametrize(("attributes", "levels"), [(1, 50), (5, 20), (50, 20)])
def test_it_stays_small(attributes, levels, example, loan):
    evidence = []
    for a in range(attributes):
        for level in range(levels):
            shared = {"attribute": f"attribute {a}", "group": f"level {level}"}
            tested = {"reference": "first", "p": 0.01, "p_outside": 0.5, "p_within": 0.5}
            tested |= {"flips_against": 400 + level, "flips_for": 3 * level, "held": True}
            size = 0.04 + level / 1000
            evidence += [
                example.row(
                    unit="flip rate", estimate=size, low=0.03, high=0.09, **shared, **tested
                ),
                example.row(
                    unit="net gap", estimate=-size, low=-0.09, high=-0.03, **shared, **tested
                ),
                example.row(
                    unit="favorable rate", reference="", estimate=0.4, low=0.3, high=0.5, **shared
                ),
            ]
    changes = {"evidence": tuple(evidence), "findings": judge(evidence, 0.01)}
    changes["verdict"] = overall(changes["findings"])
    html = render(loan.model_copy(update=changes))
    assert len(html.encode()) < LIMIT
    assert html.count("<svg") <= 24


def test_a_large_page_with_every_kind_of_evidence_stays_small(example, everything):
    evidence, profiles, regions = [], [], []
    for a in range(50):
        for level in range(20):
            shared = {"attribute": f"attribute {a}", "group": f"level {level}"}
            about = {**shared, "reference": "first", "people": 900, "answered": 900}
            evidence += [
                row.model_copy(update={**shared, "reference": "first"})
                for row in everything.evidence
                if row.attribute == "race" and row.group == "Black"
            ]
            evidence += example.paired(about, -level / 50)
            if level < 4:
                profiles += example.profiles(about)
                regions += [row.model_copy(update=about) for row in everything.regions]
    changes = {"evidence": tuple(evidence), "findings": judge(evidence, 0.01)}
    changes |= {"profiles": tuple(profiles), "regions": tuple(regions)}
    html = render(everything.model_copy(update=changes))
    assert len(html.encode()) < LIMIT
    assert html.count("<svg") <= 120
