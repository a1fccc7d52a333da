"""Charts are shapes and text, whatever the record holds."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from paribus.report._charts import _ATTRIBUTES, _ELEMENTS, draw
from paribus.report._parts import Chart, Mark
from paribus.report.base import page

SVG = "{http://www.w3.org/2000/svg}"


def charts(record):
    return [p for s in page(record).sections for p in s.parts if isinstance(p, Chart)]


def test_only_shapes_and_text_get_through(record):
    extra = {"id", "role", "aria-labelledby", "font-family"}
    for number, chart in enumerate(charts(record)):
        drawn = draw(chart, f"chart-{number}")
        root = ET.fromstring(drawn)
        assert root.tag == f"{SVG}svg"
        assert drawn.count("<svg") == 1
        for element in root.iter():
            assert element.tag.removeprefix(SVG) in _ELEMENTS
            assert set(element.attrib) <= _ATTRIBUTES | extra
        assert not re.search(r"NaN|Infinity|undefined", drawn)


def test_a_chart_says_what_it_shows(loan):
    root = ET.fromstring(draw(charts(loan)[0], "one"))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "one-title one-desc"
    assert [child.get("id") for child in root[:2]] == ["one-title", "one-desc"]
    assert "Female: -55.7 points (-56.7 to -54.7), biased" in (root[1].text or "")


def test_every_mark_has_its_label_and_its_number(loan):
    for chart in charts(loan):
        shown = {text.text for text in ET.fromstring(draw(chart, "k")).iter(f"{SVG}text")}
        assert {mark.label for mark in chart.marks} | {mark.text for mark in chart.marks} <= shown


@pytest.mark.parametrize(
    "ends",
    [(0.0, 0.0), (1e308, 1e308), (-1.7e308, 1.7e308), (1e-320, 1e-320), (-3.0, -3.0), (0.0, 1e-9)],
)
@pytest.mark.parametrize("kind", ["gaps", "rates"])
@pytest.mark.parametrize("tolerance", [0.0, 0.01, 1e308])
def test_any_numbers_can_be_drawn(ends, kind, tolerance):
    low, high = ends
    chart = Chart(
        kind=kind,
        title="t",
        description="d",
        axis="a",
        share=False,
        marks=(Mark("label", low, low, high, "text", "span"),),
        band=(-tolerance, tolerance) if kind == "gaps" else None,
    )
    drawn = draw(chart, "k")
    ET.fromstring(drawn)
    assert not re.search(r"NaN|Infinity|undefined", drawn)


def test_the_interval_is_drawn_where_it_is():
    chart = Chart(
        kind="gaps",
        title="t",
        description="d",
        axis="a",
        share=True,
        marks=(Mark("x", -0.5, -0.6, -0.4, "t", "s", tone="biased"),),
        band=(-0.1, 0.1),
    )
    lines = [
        element
        for element in ET.fromstring(draw(chart, "k")).iter(f"{SVG}line")
        if "biased" in element.get("stroke", "")
    ]
    assert len(lines) == 1
    assert float(lines[0].get("x2", "0")) > 0
