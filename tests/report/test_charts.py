"""Charts are shapes and text, whatever the record holds."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from paribus.report._charts import _ATTRIBUTES, _ELEMENTS, draw
from paribus.report._parts import Chart, Curve, HeatMap, Mark, Stretch, Tile
from paribus.report.base import page

SVG = "{http://www.w3.org/2000/svg}"


def charts(record):
    return [p for s in page(record).sections for p in s.parts if p.form == "chart"]


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
        assert isinstance(chart, Chart)
        shown = {text.text for text in ET.fromstring(draw(chart, "k")).iter(f"{SVG}text")}
        assert {mark.label for mark in chart.marks} | {mark.text for mark in chart.marks} <= shown


@pytest.mark.parametrize(
    "ends",
    [(0.0, 0.0), (1e308, 1e308), (-1.7e308, 1.7e308), (1e-320, 1e-320), (-3.0, -3.0), (0.0, 1e-9)],
)
@pytest.mark.parametrize("kind", ["gaps", "rates", "ratios"])
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


def inked(drawn):
    """Count the shapes that a reader sees, text aside."""
    assert not re.search(r"NaN|Infinity|undefined", drawn)
    shapes = [e for e in ET.fromstring(drawn).iter() if e.tag.removeprefix(SVG) in {"path", "line"}]
    return [e for e in shapes if e.get("fill", "none") != "none" or e.get("stroke")]


ENDS = [(0.0, 0.0), (-1.7e308, 1.7e308), (-1e-320, 1e-320), (3.0, 3.0), (-0.2, 0.1)]


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("kind", ["steps", "sequence"])
def test_any_curve_can_be_drawn(ends, kind):
    low, high = ends
    places = [(1.0, 2.0), (2.0, 1e9), (1e9, 1e9)] if kind == "steps" else [(1.0, 1.0), (9.0, 9.0)]
    for band in (None, (-0.01, 0.01), (0.0, 1e308)):
        chart = Curve(
            kind=kind,
            title="t",
            description="d",
            along="x",
            axis="y",
            share=False,
            stretches=tuple(Stretch(*p, Mark("l", low, low, high, "t", "s")) for p in places),
            band=band,
        )
        assert len(inked(draw(chart, "k"))) >= 3


@pytest.mark.parametrize("ends", ENDS)
def test_any_heat_map_can_be_drawn(ends):
    low, high = ends
    chart = HeatMap(
        title="t",
        description="d",
        down="<down>",
        along="datum.x + 1",
        rows=("a", "<script>" * 9),
        columns=("'); x('", "b", "c"),
        tiles=(Tile(0, 0, low, "1"), Tile(1, 2, high, "-2", faint=True), Tile(0, 1, 0.0, "x" * 99)),
        legend="l",
    )
    drawn = draw(chart, "k")
    assert len(inked(drawn)) >= 4
    words = {text.text for text in ET.fromstring(drawn).iter(f"{SVG}text")}
    assert {"1", "-2", "a", "'); x('"} <= words
    assert "x" * 99 not in words, "what does not fit is left out"


def test_colors_of_a_heat_map_tell_against_from_in_favor():
    tiles = (Tile(0, 0, -0.5, "-50"), Tile(0, 1, 0.5, "+50"), Tile(0, 2, 0.25, "+25"))
    chart = HeatMap("t", "d", "y", "x", ("r",), ("a", "b", "c"), tiles, "l")
    filled = [e for e in inked(draw(chart, "k")) if "var(" in e.get("fill", "")]
    strengths = [(e.get("fill", "")[6:10], float(e.get("fill-opacity", "1"))) for e in filled]
    assert [name for name, _ in strengths] == ["bias", "with", "with"]
    assert strengths[0][1] == strengths[1][1] > strengths[2][1]


def test_a_curve_shows_every_bin_where_it_is():
    places = ((0.0, 10.0, -0.4), (10.0, 40.0, 0.0))
    stretches = tuple(
        Stretch(start, end, Mark("l", gap, gap - 0.1, gap + 0.1, "t", "s"))
        for start, end, gap in places
    )
    chart = Curve("steps", "t", "d", "x", "y", True, stretches, (-0.01, 0.01))
    lines = [
        e for e in ET.fromstring(draw(chart, "k")).iter(f"{SVG}line")
        if "within" in e.get("stroke", "")
    ]  # fmt: skip
    widths = [abs(float(line.get("x2", "0"))) for line in lines]
    assert len(widths) == 2
    assert widths[1] == pytest.approx(3 * widths[0], rel=0.01)


def test_an_exact_number_is_a_point_without_a_bar():
    for low, bars in ((-0.5, 0), (-0.6, 1)):
        mark = Mark("x", -0.5, low, -0.5, "t", "exact", tone="biased")
        chart = Chart("gaps", "t", "d", "a", True, (mark,), (-0.1, 0.1))
        lines = ET.fromstring(draw(chart, "k")).iter(f"{SVG}line")
        assert sum("biased" in line.get("stroke", "") for line in lines) == bars


def test_a_ratio_without_an_upper_bound_leaves_the_chart_and_four_fifths_stays():
    marks = tuple(
        Mark(label, 0.9, 0.7, high, "t", "s") for label, high in (("a", 1.2), ("b", 1.7e308))
    )
    drawn = ET.fromstring(draw(Chart("ratios", "t", "d", "a", False, marks), "k"))
    ticks = [text.text for text in drawn.iter(f"{SVG}text")]
    assert "1" in ticks
    limits = [e for e in drawn.iter() if "biased" in e.get("fill", "") + e.get("stroke", "")]
    assert len(limits) == 2, "the line of four fifths, in every row"
