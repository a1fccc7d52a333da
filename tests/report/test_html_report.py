"""One file, no script, nothing that a record holds can become markup."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from paribus.findings import judge, overall
from paribus.report._parts import Cell, Column, Page, Section, Table
from paribus.report._wording import sentence
from paribus.report.base import page
from paribus.report.html import _breadth, render, write

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


# --- looks ----------------------------------------------------------------------------------------


def luminance(color):
    """WCAG 2.2, relative luminance of an sRGB color."""
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2, contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_is_right():
    # WCAG 2.2, success criterion 1.4.3: black on white is 21 to 1, #767676 just passes.
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_text_stands_out_in_light_in_dark_and_on_paper(loan):
    grounds = re.findall(r":root {[^}]*--paper:[^}]*}", render(loan))
    assert len(grounds) == 3
    for ground in grounds:
        # Where a color is given twice, the later holds.
        colors = dict(re.findall(r"--([\w-]+): (#\w{6})", ground))
        for ink in ("ink", "soft", "biased", "within", "inconclusive"):
            for paper in ("paper", "raised"):
                assert contrast(colors[ink], colors[paper]) >= 4.5, (ink, paper, colors)
        assert contrast(colors["ink"], colors["changed"]) >= 4.5
        for series in range(2, 9):
            # WCAG 2.2, success criterion 1.4.11: shapes.
            assert contrast(colors[f"series-{series}"], colors["paper"]) >= 3


def alone(*tables):
    return write(Page("t", None, "s", (Section("s", (), tables),)))


def grid(*heads, rows=1, text="x", beside=1):
    cells = tuple(Cell(text) for _ in heads)
    return Table("grid", tuple(Column(head) for head in heads), (cells,) * rows, beside=beside)


def test_a_narrow_table_stays_a_table_and_a_wide_one_is_stacked():
    assert _breadth(grid("a", "b", "c")) == "slim"
    assert _breadth(grid(*"abcdefgh", text="0.0 to 1.0")) == "normal"
    # On paper texts wrap between their words, and a table that would scroll elsewhere stays one.
    assert _breadth(grid(*"abcde", text="a text that wraps " * 9)) == "wide"
    assert _breadth(grid(*"abcdefgh", text="a text that wraps " * 9)) == "wide broad"
    assert "<table>" in alone(grid("a", "b"))
    assert 'tabindex="0" role="group"' not in alone(grid("a", "b"))
    assert '<table class="stack normal"' in alone(grid(*"abcdefgh", text="0.0 to 1.0"))


def test_cells_of_a_stacked_table_say_what_they_are():
    heads = ("Group", "Rate", "95 % interval", "'};}</style><script>", "a\\b", "f", "g", "h")
    html = alone(grid(*heads, text="0.0 to 1.0", rows=3))
    (style,) = re.findall(r'<table class="stack [\w ]+" style="([^"]*)"', html)
    given = dict(re.findall(r"--c(\d+):&#39;([^&]*)&#39;", style))
    read = {
        int(place): re.sub(r"\\([0-9a-f]+) ", lambda found: chr(int(found[1], 16)), text)
        for place, text in given.items()
    }
    assert read == dict(list(enumerate(heads, start=1))[1:])
    # What could end a string or an attribute is never written as it is.
    assert all(re.fullmatch(r"(?:[A-Za-z0-9 ]|\\[0-9a-f]+ )*", text) for text in given.values())


def test_matched_twins_share_the_cells_that_are_equal(loan):
    html = render(loan)
    (table,) = re.findall(r'<table class="beside.*?</table>', html, flags=re.DOTALL)
    assert table.count("<tbody>") == 3
    assert table.count('rowspan="2"') == 3 * 3
    assert table.count("<tr>") == 1 + 3 * 2
    assert table.count('data-l="full_name"') == 6


def test_a_reader_can_skip_find_and_hear_everything(read):
    _, html, reader = read
    assert '<a class="skip" href="#content">' in html
    tags = [tag for tag, _ in reader.tags]
    tables = tags.count("table")
    assert tags.count("caption") == tables
    assert all(a.get("scope") == "col" for tag, a in reader.tags if tag == "th")
    svgs = [a for tag, a in reader.tags if tag == "svg"]
    assert all(a.get("role") == "img" and a.get("aria-labelledby") for a in svgs)
    assert tags.count("title") == 1 + len(svgs)
    assert tags.count("desc") == len(svgs)
    heads = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert all(after - before <= 1 for before, after in pairwise(heads))


# --- size -----------------------------------------------------------------------------------------


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
    """Fifty attributes with twenty levels: 2 MB, and not many charts, which take the time."""
    black = [r for r in everything.evidence if r.attribute == "race" and r.group == "Black"]
    witness = example.loan().witnesses[0]
    evidence, profiles, regions, witnesses = [], [], [], []
    for a in range(50):
        for level in range(20):
            about = {"attribute": f"attribute {a}", "group": f"level {level}", "reference": "first"}
            evidence += [row.model_copy(update=about) for row in black]
            regions += [row.model_copy(update=about) for row in everything.regions]
            witnesses += [witness.model_copy(update=about)] * 3
            if level < 4:
                measured = {**about, "people": 900, "answered": 900}
                evidence += example.paired(measured, -level / 50)
                profiles += example.profiles(measured)
    changes = {"evidence": tuple(evidence), "findings": judge(evidence, 0.01)}
    changes |= {"profiles": tuple(profiles), "regions": tuple(regions)}
    html = render(everything.model_copy(update={**changes, "witnesses": tuple(witnesses)}))
    assert len(html.encode()) < LIMIT
    assert html.count("<svg") <= 60
    assert "(the first 400 of 3,000; the JSON record has all)" in html
