"""Drawings of tables: where things stand and what tells them apart; nothing can break them."""

from __future__ import annotations

import io
import itertools
import math
import random
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from paribus._text import name, visible
from paribus.report._brief import as_table
from paribus.report._charts import _ATTRIBUTES, _ELEMENTS, draw
from paribus.report._drawn import PENS, breadth, decades, fitted, near, room, simplified
from paribus.report._parts import (
    Chart,
    Dot,
    Guide,
    Heights,
    Histogram,
    Line,
    Lines,
    Mark,
    Measured,
    Page,
    Point,
    Scatter,
    Section,
)
from paribus.report.html import write
from paribus.report.terminal import _section

SVG = "{http://www.w3.org/2000/svg}"
GROUPS = (
    "White", "Black or African American", "American Indian and Alaska Native",
    "Two or more races, including some other race", "Middle Eastern or North African",
    name("\u0639\u0631\u0628\u064a"), "\u65e5\u672c\u8a9e\u306e\u9577\u3044\u540d\u524d", "a",
)  # fmt: skip
HOSTILE = tuple(
    name(text)
    for text in (
        "</script><script>alert(1)</script>", "\u202egnorw", "y" * 10_000, "", "\x00\x1b[31m", "0",
        "x", "datum.x", "]]>", "&amp;", "'\"><svg onload=x>", "W" * 300,
    )
)  # fmt: skip

# DejaVu Sans 2.37, one of the widest fonts that a page meets: advances in ems, from its table hmtx.
DEJAVU = {
    "W": 0.989, "m": 0.974, "@": 1.0, "%": 0.950, "M": 0.863, "#": 0.838, "w": 0.818, "O": 0.787,
    "B": 0.686, "0": 0.636, "b": 0.635, "a": 0.613, "s": 0.521, "r": 0.411, "-": 0.361, "f": 0.352,
    " ": 0.318, "i": 0.278,
}  # fmt: skip


def named(n):
    if n <= 2:
        return ("men", "women")[:n]
    return tuple(f"{GROUPS[i % 8]}, {20 + i} to {30 + i} years old" for i in range(n))


def curves(labels, points=12, **changes):
    lines = tuple(
        Line(
            label,
            tuple(
                Point(x, y := min(1.0, x + 0.01 * i), y - 0.05, y + 0.05, "12.0 %")
                for x in ((k + 0.5) / points for k in range(points))
            ),
        )
        for i, label in enumerate(labels)
    )
    settings = {"share": True, "share_along": True, "guide": "diagonal", "guide_label": "equal"}
    return Lines("t", "d", "mean score, %", "observed, %", lines=lines, **{**settings, **changes})


def windows(labels, count):
    lines = tuple(
        Line(label, tuple(Point(k, -0.01 * i, alarm=k > 8 and not i) for k in range(count)))
        for i, label in enumerate(labels)
    )
    names = tuple(f"week {k + 1} of 2024" for k in range(count))
    return Lines(
        "t", "d", "week", "gap", True, lines, guide="zero", band=(-0.02, 0.02), labels=names,
        band_label="within the tolerance", alarm_label="out of control",
    )  # fmt: skip


def rated(labels, kind="rates", **changes):
    marks = tuple(
        Mark(label, e := 0.6 - 0.01 * i, e - 0.03, e + 0.03, "60.0 %", "s", reference=e + 0.05)
        for i, label in enumerate(labels)
    )
    settings = {
        "band": (0.57, 0.63), "band_label": "within the tolerance", "reference_label": "declared",
        "lines": (Guide(0.48, "four fifths of the highest", "biased"), Guide(0.5, "half")),
    }  # fmt: skip
    return Chart(kind, "t", "d", "rate, %", True, marks, **{**settings, **changes})


def scattered(labels, seed=0):
    chance = random.Random(seed)
    dots = []
    for i, label in enumerate(labels):
        x, y = 0.5 + chance.random() / (2 + i), chance.random() / (3 + i)
        along = Measured(x, x - 0.03, x + 0.03, f"{x:.2f}")
        dots.append(Dot(label, along, Measured(y, y - 0.02, y + 0.02, f"{y:.2f}"), "biased"))
    return Scatter(
        "t", "d", "AUC", "moved, %", False, True, tuple(dots), 0.6, 0.02, (0.5, 1.0), "flagged",
        "limits",
    )  # fmt: skip


def spread(labels):
    heights = [math.exp(-(((k - 10) / 5) ** 2)) for k in range(20)]
    groups = tuple(Heights(label, tuple(heights), "1,000 rows") for label in labels)
    edges = tuple(k / 20 for k in range(21))
    return Histogram("t", "d", "score, %", True, edges, groups, 0.5, "threshold")


def every(labels):
    return [
        curves(labels),
        curves(labels, guide="none", share_along=False, log=True),
        windows(labels, 12),
        windows(labels, 52),
        rated(labels),
        rated(labels, "bars", band=None, lines=()),
        scattered(labels),
        spread(labels),
    ]


def elements(drawn):
    """List all elements with their place, and whether they are turned."""

    def walk(element, x, y, turned):
        transform = element.get("transform", "")
        if found := re.search(r"translate\(([^,)]+),([^)]+)\)", transform):
            x, y = x + float(found[1]), y + float(found[2])
        turned = turned or "rotate" in transform
        yield element, x, y, turned
        for child in element:
            yield from walk(child, x, y, turned)

    return list(walk(ET.fromstring(drawn), 0.0, 0.0, False))


def found(drawn, tag, **attributes):
    return [
        (element, x, y)
        for element, x, y, _ in elements(drawn)
        if element.tag == SVG + tag
        and all(text in element.get(key.replace("_", "-"), "") for key, text in attributes.items())
    ]


def words(drawn):
    return [text.text for text in ET.fromstring(drawn).iter(f"{SVG}text")]


def boxes(drawn):
    for element, x, y, turned in elements(drawn):
        if element.tag == f"{SVG}text" and element.text and not turned:
            size = float(element.get("font-size", "11")[:4].rstrip("px"))
            wide = size * sum(DEJAVU.get(letter, 0.6) for letter in element.text)
            left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[
                element.get("text-anchor", "start")
            ]  # fmt: skip
            yield left, y - 0.7 * size, left + wide, y + 0.1 * size, element.text


def inert(drawn):
    extra = {"id", "role", "aria-labelledby", "font-family"}
    for element in ET.fromstring(drawn).iter():
        assert element.tag.removeprefix(SVG) in _ELEMENTS
        assert set(element.attrib) <= _ATTRIBUTES | extra
        assert not any(re.search(r"NaN|Infinity|undefined", v) for v in element.attrib.values())


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [(), ("only",), named(2), named(24), HOSTILE])
def test_only_shapes_and_text_get_through_and_no_words_overlap(labels):
    for chart in every(labels):
        drawn = draw(chart, "k")
        inert(drawn)
        for one, other in itertools.combinations(boxes(drawn), 2):
            apart = one[2] <= other[0] or other[2] <= one[0]
            assert apart or one[3] <= other[1] or other[3] <= one[1], (one, other)
        width, high = (float(ET.fromstring(drawn).get(side)) for side in ("width", "height"))
        assert 400 <= width <= 520, "a narrower screen shows it smaller: it must not grow"
        for left, top, right, bottom, _ in boxes(drawn):
            assert 0 <= left < right <= width + 1
            assert 0 <= top < bottom <= high


@pytest.mark.parametrize("labels", [named(2), named(24), HOSTILE])
def test_names_are_told_in_full_or_shortened(labels):
    for chart in every(labels):
        told = words(draw(chart, "k"))
        for label in labels[:8]:
            short = re.split("…", next((t for t in told if t and t[:3] == label[:3]), ""))
            assert label.startswith(short[0])
            assert label.endswith(short[-1])


def test_texts_stay_what_they_are():
    marks = tuple(Mark(label, 0.1, 0.0, 0.2, text, "") for label, text in (("x", "0"), ("1", "x")))
    told = words(draw(Chart("gaps", "t", "d", "0", False, marks, lines=(Guide(0, "1"),)), "k"))
    assert [told.count(text) for text in ("x", "1")] == [2, 2]


NUMBERS = [0.0, 1.7e308, -1.7e308, 1e-320, -3.0]


@pytest.mark.parametrize("ends", [*((n, n) for n in NUMBERS), (-1.7e308, 1.7e308), (-1e-9, 1e9)])
def test_any_numbers_can_be_drawn(ends):
    low, high = ends
    share = low == high or low < -1e300
    points = tuple(Point(x, y, low, high, alarm=True) for x in ends for y in ends)
    line = Line("l", points)
    measured = Measured(high, low, high, "t")
    lines = (line, line, Line("m", points, "muted"))
    charts = [
        Lines("t", "d", "x", "y", share, lines, share, guide=guide, band=band, labels=labels,
              log=log)
        for guide, band, labels, log in (
            ("none", None, None, True), ("diagonal", None, None, False),
            ("zero", (low, high), None, False), ("zero", None, ("a",), False),
        )
    ]  # fmt: skip
    charts.append(Scatter("t", "d", "x", "y", share, share, (Dot("l", measured, measured),), *ends))
    charts.append(Scatter("t", "d", "x", "y", share, share, (), low, high))
    charts.append(Histogram("t", "d", "x", share, (low, high), (Heights("g", (high,)),), high))
    for kind in ("rates", "ratios", "bars"):
        mark = Mark("l", high, low, high, "t", "s", reference=low)
        lines = (Guide(low, "g"),)
        charts.append(Chart(kind, "t", "d", "x", share, (mark,), (low, high), lines=lines))
    for chart in charts:
        inert(draw(chart, "k"))
        console = Console(file=io.StringIO(), width=80)
        for line_shown in _section(Section("s", (), (chart,)), 80):
            console.print(line_shown)


def test_a_page_of_them_is_inert():
    parts = tuple(every(HOSTILE))
    page = Page("t", "biased", "s", (Section("s", (), parts),))
    html = write(page)
    assert "<script" not in html.lower()
    drawn = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert len(drawn) == len(parts)
    assert len({key for svg in drawn for key in re.findall(r' id="([^"]+)"', svg)}) == 2 * len(
        parts
    )
    for pen in PENS[1:]:
        color = re.search(r"--series-\d", pen.ink)[0]
        assert len(re.findall(f"{color}: #", html)) == 3, "on light, on dark and on paper"


def test_a_terminal_shows_them_in_brief():
    for chart in every(named(24)):
        console = Console(file=io.StringIO(), width=80)
        for line in _section(Section("s", (), (chart,)), 80):
            console.print(line)
        shown = console.file.getvalue().splitlines()
        most = 30 if isinstance(chart, Chart) else 22
        assert 4 < len(shown) <= most
        assert max(map(len, shown)) <= 80


# --- lines ----------------------------------------------------------------------------------------


def test_lines_are_told_apart_without_color():
    assert len({pen.dash for pen in PENS}) == len({pen.shape for pen in PENS}) == 8
    drawn = draw(curves(named(8)), "k")
    paths = [e for e, *_ in found(drawn, "path") if e.get("fill", "none") == "none"]
    thick = [path for path in paths if path.get("stroke-width") == "2"]
    assert len({path.get("stroke") for path in thick}) == 8
    assert len({path.get("stroke-dasharray") for path in thick}) == 8
    shapes = {e.get("d") for e, *_ in found(drawn, "path") if e.get("fill", "none") != "none"}
    assert len(shapes) >= 8


def test_a_line_has_the_pen_that_it_asks_for_and_no_two_the_same():
    chart = curves(named(3))
    asked = [replace(line, pen=pen) for line, pen in zip(chart.lines, (5, 2, 2), strict=True)]
    drawn = draw(replace(chart, lines=tuple(asked)), "k")
    paths = [e for e, *_ in found(drawn, "path") if e.get("fill", "none") == "none"]
    thick = [path.get("stroke") for path in paths if path.get("stroke-width") == "2"]
    # The first is drawn last; who comes too late takes the first pen that is free.
    assert thick == [PENS[i].ink for i in (0, 2, 5)]


def test_of_many_lines_the_first_eight_are_told_and_the_others_are_gray():
    chart = curves(named(24))
    muted = Line("muted", chart.lines[0].points, "muted")
    drawn = draw(Lines(**{**vars(chart), "lines": (muted, *chart.lines)}), "k")
    paths = [e for e, *_ in found(drawn, "path") if e.get("fill", "none") == "none"]
    gray = [path for path in paths if "inconclusive" in path.get("stroke", "")]
    thick = [path for path in paths if path.get("stroke-width") == "2"]
    assert (len(gray), len(thick)) == (17, 8)
    assert "17 more, thin and gray" in words(drawn)
    assert "muted" not in words(drawn)


def test_points_and_intervals_are_where_they_are():
    line = Line("l", (Point(0.25, 0.5, 0.4, 0.7), Point(0.75, 0.75, 0.75, 0.75)))
    drawn = draw(Lines("t", "d", "x", "y", True, (line,), True, guide="diagonal"), "k")
    path = next(e for e, *_ in found(drawn, "path") if e.get("stroke-width") == "2")
    assert [float(n) for n in re.findall(r"[\d.]+", path.get("d"))] == [95, 160, 285, 80]
    spans = [e for e, *_ in found(drawn, "line") if e.get("stroke-width") == "1.5"]
    lengths = [abs(float(e.get("y2", "0"))) for e in spans if e.get("stroke-dasharray") is None]
    assert lengths == [pytest.approx(0.3 * 320, abs=0.1)], "an exact number has no interval"


def test_a_logarithmic_axis_gives_equal_ratios_equal_room():
    line = Line("l", tuple(Point(x, y) for x, y in ((100, 0), (1_000, 1), (10_000, 0))))
    for log, place in ((True, 0.5), (False, 1 / 11)):
        drawn = draw(Lines("t", "d", "x", "y", False, (line,), log=log), "k")
        path = next(e for e, *_ in found(drawn, "path") if e.get("stroke-width") == "2")
        xs = [float(n) for n in re.findall(r"[\d.]+", path.get("d"))][::2]
        assert (xs[1] - xs[0]) / (xs[2] - xs[0]) == pytest.approx(place, abs=0.01)
    nothing = Line("l", (Point(0, 0.0), Point(10, 1.0)))
    inert(draw(Lines("t", "d", "x", "y", False, (nothing,), log=True), "k"))


def test_alarms_have_a_shape_of_their_own_and_are_explained():
    drawn = draw(windows(named(2), 12), "k")
    stars = [e for e, *_ in found(drawn, "path", fill="biased")]
    assert len(stars) == 3 + 1, "and one in the legend"
    assert "out of control" in words(drawn)
    assert "out of control" not in words(draw(windows(named(2), 5), "k"))
    assert as_table(windows(named(2), 12)).rows[0][-1].text == "3 from week 10…2024"


def test_names_of_windows_are_thinned_until_they_fit():
    for count, least in ((3, 3), (12, 12), (52, 13), (400, 13)):
        told = [text for text in words(draw(windows(("a",), count), "k")) if text[:5] == "week "]
        assert least <= len(told) <= 25
        assert told[0] == "week 1 of 2024"


def test_intervals_at_the_same_place_stand_beside_each_other():
    points = (Point(1, 0.5, 0.4, 0.6), Point(2, 0.5, 0.4, 0.6))
    lines = tuple(Line(label, points) for label in "ab")
    drawn = draw(Lines("t", "d", "x", "y", True, lines), "k")
    places = [x for e, x, _ in found(drawn, "line") if e.get("stroke-width") == "1.5"]
    assert len(set(places)) == 4
    assert max(places[:2]) - min(places[:2]) > 300


def test_thick_timelines_show_their_intervals_as_bands():
    points = tuple(Point(k, 0.5, 0.4, 0.6) for k in range(60))
    drawn = draw(Lines("t", "d", "x", "y", True, (Line("l", points),)), "k")
    assert not [e for e, *_ in found(drawn, "line") if e.get("stroke-width") == "1.5"]
    assert len(found(drawn, "path", fill_opacity="0.18")) == 1


finite = st.floats(-1e3, 1e3)


@given(st.lists(st.tuples(finite, finite), max_size=40), st.floats(0.1, 50))
@example([(0.0, 0.0), (5.0, 9.0), (0.0, 0.0)], 1.0)
def test_a_simplified_path_looks_the_same(path, off):
    kept = simplified(path, off)
    assert kept == sorted(set(kept))
    assert set(kept) >= ({0, len(path) - 1} if path else set())

    def away(point, start, end):
        along = [e - s for s, e in zip(start, end, strict=True)]
        whole = sum(a * a for a in along)
        part = sum(a * (p - s) for a, p, s in zip(along, point, start, strict=True))
        part = min(max(part / whole, 0.0), 1.0) if whole else 0.0
        return math.dist(point, [s + part * a for s, a in zip(start, along, strict=True)])

    for first, last in itertools.pairwise(kept):
        for point in path[first : last + 1]:
            assert away(point, path[first], path[last]) <= off + 1e-6


# --- rows -----------------------------------------------------------------------------------------


def test_bars_start_at_zero_and_ticks_stand_at_the_reference():
    marks = (
        Mark("a", 0.4, 0.3, 0.5, "40", "s", reference=0.8),
        Mark("b", 0.2, 0.2, 0.2, "20", "s", reference=0.4),
    )
    chart = Chart("bars", "t", "d", "x", True, marks, reference_label="declared")
    drawn = draw(chart, "k")
    bars = [e.get("d") for e, *_ in found(drawn, "path", fill_opacity="0.4")]
    (left, _, wide, _), (other, _, half, _) = (
        [float(n) for n in re.findall(r"[\d.]+", bar)][:4] for bar in bars
    )
    assert left == other
    assert wide == pytest.approx(2 * half, abs=0.2)
    ticks = [x for e, x, _ in found(drawn, "line") if e.get("stroke-width") == "2.5"]
    origin = min(x for e, x, _ in found(drawn, "line") if e.get("stroke-opacity") == "0.7")
    assert (ticks[0] - origin) == pytest.approx(2 * wide, abs=0.5)
    assert (ticks[1] - origin) == pytest.approx(wide, abs=0.5)
    assert "declared" in words(drawn)


def test_guides_cross_every_row_and_are_told_apart():
    drawn = draw(rated(named(24), "rates"), "k")
    dashes = [
        e.get("stroke-dasharray") for e, *_ in found(drawn, "line") if e.get("stroke-dasharray")
    ]
    assert {dash: dashes.count(dash) for dash in set(dashes)} == {"5,3": 25, "2,3": 25}
    assert {"four fifths of the highest", "half", "within the tolerance"} <= set(words(drawn))


def test_a_band_of_rates_needs_no_line_at_zero():
    plain = Mark("a", 0.4, 0.3, 0.5, "40", "s")
    for kind, lines in (("rates", 0), ("gaps", 1)):
        drawn = draw(Chart(kind, "t", "d", "x", True, (plain,), (0.3, 0.5)), "k")
        assert len(found(drawn, "path", fill_opacity="0.14")) == 1
        assert len(found(drawn, "line", stroke_opacity="0.7")) == lines


# --- dots and distributions -----------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_labels_of_dots_keep_clear_of_each_other_and_of_the_dots(seed, n):
    drawn = draw(scattered([f"field number {i}" for i in range(n)], seed), "k")
    told = [box for box in boxes(drawn) if box[-1].startswith("field")]
    assert len(told) == min(n, 12)
    for one, other in itertools.combinations(told, 2):
        apart = one[2] <= other[0] or other[2] <= one[0]
        assert apart or one[3] <= other[1] or other[3] <= one[1]
    dots = found(drawn, "path", fill="biased", d="M-4.7,0L0")
    assert len(dots) == n
    for _, x, y in dots:
        assert not any(box[0] < x < box[2] and box[1] < y < box[3] for box in told)
    assert (f"{n - 12} more, unlabeled" in words(drawn)) == (n > 12)


def test_a_label_gives_way_to_the_next_dot():
    def dot(label, x):
        return Dot(label, Measured(x, x, x, "t"), Measured(0.5, 0.5, 0.5, "t"), "biased")

    dots = (dot("a rather long name", 0.5), dot("b", 0.6), dot("c", 0.4))
    drawn = draw(Scatter("t", "d", "x", "y", False, False, dots, 0.0, 0.0, (0.0, 1.0)), "k")
    label = next(box for box in boxes(drawn) if box[-1] == "a rather long name")
    for _, x, y in found(drawn, "path", fill="biased", d="M-4.7,0L0"):
        assert not (label[0] < x < label[2] and label[1] < y < label[3])


def test_dots_that_lie_on_each_other_are_still_named():
    same = Measured(0.7, 0.7, 0.7, "t")
    dots = tuple(Dot(f"field {i}", same, same) for i in range(12))
    drawn = draw(Scatter("t", "d", "x", "y", False, False, dots, 0.6, 0.5), "k")
    assert sum(text.startswith("field") for text in words(drawn)) == 12


def test_the_flagged_quadrant_lies_above_both_thresholds():
    dot = Dot("a", Measured(1.0, 1.0, 1.0, "t"), Measured(1.0, 1.0, 1.0, "t"))
    chart = Scatter("t", "d", "x", "y", False, False, (dot,), 0.75, 0.5, (0.5, 1.0), "flagged")
    shade, legend = (e.get("d") for e, *_ in found(draw(chart, "k"), "path", fill_opacity="0.18"))
    x, y, wide, high = [float(n) for n in re.findall(r"[\d.]+", shade)][:4]
    assert (x, y) == (pytest.approx(190, abs=1), 0)
    assert x + wide == pytest.approx(380, abs=1)
    assert high == pytest.approx(160, abs=10)
    assert legend


def test_distributions_share_their_scales_and_compare_with_the_first():
    groups = (Heights("a", (0.2, 0.8)), Heights("b", (0.4, 0.4)))
    drawn = draw(Histogram("t", "d", "x", False, (0, 1, 2), groups), "k")
    tops = []
    for element, *_ in found(drawn, "path", fill_opacity="0.35"):
        ys = [float(n) for n in re.findall(r"[\d.]+", element.get("d"))][1::2]
        tops.append(max(ys) - min(ys))
    assert tops[0] == pytest.approx(2 * tops[1], abs=0.2)
    outlines = [e for e, *_ in found(drawn, "path") if e.get("stroke-dasharray") == "3,2"]
    assert len(outlines) == 1
    assert "as drawn for a" in words(drawn)
    many = draw(spread(named(24)), "k")
    assert "16 more, not drawn" in words(many)
    assert len(found(many, "path", fill_opacity="0.35")) == 8


# --- what they share ------------------------------------------------------------------------------


@given(st.text(), st.floats(30, 400))
@example("W" * 10_000, 100.0)
@example("\u65e5" * 300, 50.0)
def test_what_is_fitted_fits(text, width):
    short = fitted(visible(text), width)
    assert len(short) <= 4 or breadth(short) <= width
    assert breadth(visible(text)) <= width or len(short) < len(text) or len(short) <= 4


@pytest.mark.parametrize("letter", DEJAVU)
def test_letters_are_given_their_room(letter):
    assert 0.99 * DEJAVU[letter] <= breadth(letter, 1) <= DEJAVU[letter] + 0.2


@given(st.lists(st.floats(allow_nan=False), max_size=6), st.floats(0, 0.2))
def test_an_axis_holds_its_numbers_and_has_some_length(numbers, share):
    ends = [near(number) for number in numbers]
    low, high = room(ends, share)
    assert low < high
    assert math.isfinite(high - low)
    assert all(low <= end <= high for end in ends)


@given(st.floats(1e-300, 1e300), st.floats(1.5, 1e12))
def test_ticks_of_a_logarithmic_axis_are_few_and_inside(first, ratio):
    last = min(first * ratio, 1e300)
    if first < last:
        ticks = decades(first, last)
        assert len(ticks) <= 15
        assert all(first <= tick <= last for tick in ticks)


def test_a_table_of_lines_tells_the_first_and_the_last_number():
    points = tuple(Point(x, y, text=f"{y}") for x, y in ((0, 1.0), (1, 3.0), (2, 2.0)))
    row = as_table(Lines("t", "d", "x", "y", False, (Line("a", points),))).rows[0]
    assert [cell.text for cell in row] == ["a", "▁█▅", "1.0", "2.0"]
    assert [row[0].text for row in as_table(curves(named(24))).rows][-1] == "and 16 more"
    assert as_table(scattered(named(2))).rows[0][-1].tone == "biased"
    empty = as_table(Lines("t", "d", "x", "y", False, (Line("a", ()),)))
    assert [cell.text for cell in empty.rows[0]] == ["a", "", "", ""]
