"""Candidates over two axes: where they stand, what tells them apart, and that nothing breaks it."""

from __future__ import annotations

import itertools
import math
import random
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus._text import name
from paribus.report import html, terminal
from paribus.report._brief import as_table
from paribus.report._charts import _ATTRIBUTES, _ELEMENTS, draw
from paribus.report._parts import Dot, Measured, Page, Section, Tradeoff

SVG = "{http://www.w3.org/2000/svg}"
WIDE, HIGH = 380, 300
HOSTILE = tuple(
    name(text)
    for text in (
        "</script><script>alert(1)</script>", "\u202egnorw", "y" * 10_000, "", "\x00\x1b[31m", "0",
        "x", "datum.x", "]]>", "&amp;", "'\"><svg onload=x>", "W" * 300, "\u65e5" * 60,
        "thresholds: equalized odds", "</title><b>", "2",
    )
)  # fmt: skip
BLUE, ORANGE = "--within", "--biased"
Placed = tuple[ET.Element, float, float]


def measured(estimate: float, half: float = 0.0, text: str = "t") -> Measured:
    return Measured(estimate, estimate - half, estimate + half, text)


def dots(*places: tuple[float, float], labels: tuple[str, ...] = (), half: float = 0.0):
    names = labels or tuple(f"candidate {i + 1}" for i in range(len(places)))
    return tuple(
        Dot(label, measured(x, half, f"{x:.3f}"), measured(y, half, f"{y:.3f}"))
        for label, (x, y) in zip(names, places, strict=True)
    )


def tradeoff(shown: tuple[Dot, ...], **changes: object) -> Tradeoff:
    defaults = {"along": "gap that remains", "axis": "accuracy", "share": False}
    given = {"title": "t", "description": "d", "share_along": False, **defaults, **changes}
    return Tradeoff(dots=shown, **given)  # type: ignore[arg-type]


def some(n: int, seed: int = 0, labels: tuple[str, ...] = (), half: float = 0.01):
    chance = random.Random(seed)
    places = [(chance.random() ** 2 / 5, 0.8 + chance.random() / 20) for _ in range(n)]
    return dots(*places, labels=labels, half=half)


def elements(drawn: str) -> Iterator[tuple[ET.Element, float, float, bool]]:
    def walk(element: ET.Element, x: float, y: float, turned: bool):
        transform = element.get("transform", "")
        if found := re.search(r"translate\(([^,)]+),([^)]+)\)", transform):
            x, y = x + float(found[1]), y + float(found[2])
        turned = turned or "rotate" in transform
        yield element, x, y, turned
        for child in element:
            yield from walk(child, x, y, turned)

    yield from walk(ET.fromstring(drawn), 0.0, 0.0, False)


def symbols(drawn: str) -> list[Placed]:
    """List the marks of dots in the drawing itself, as they are painted: relative to its corner."""
    left, top = corner(drawn)
    return [
        (element, x - left, y - top)
        for element, x, y, _ in elements(drawn)
        if element.tag == f"{SVG}path"
        and "--paper" in element.get("fill", "") + element.get("stroke", "")
        and y - top <= HIGH
    ]


def shape(element: ET.Element) -> str:
    """Read the form of a path, whatever its size."""
    return re.sub(r"[\d.]+", "#", element.get("d", ""))


def frames(drawn: str) -> list[Placed]:
    left, top = corner(drawn)
    return [
        (element, x - left, y - top)
        for element, x, y, _ in elements(drawn)
        if element.get("stroke-width") == "1.5" and element.get("fill", "none") == "none"
        if element.tag == f"{SVG}path" and y - top <= HIGH
    ]


def corner(drawn: str) -> tuple[float, float]:
    """Find where the part between the axes starts: its first group is moved there."""
    return next((x, y) for element, x, y, _ in elements(drawn) if element.get("transform"))


def words(drawn: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(drawn).iter(f"{SVG}text")]


def boxes(drawn: str) -> list[tuple[float, float, float, float, str]]:
    """Estimate where each text is, with the advances of DejaVu Sans, one of the widest fonts."""
    advances = {"W": 0.99, "m": 0.98, "w": 0.82, "M": 0.87, " ": 0.32, "\u65e5": 1.0, "…": 1.0}
    found = []
    for element, x, y, turned in elements(drawn):
        if element.tag == f"{SVG}text" and element.text and not turned:
            size = float(element.get("font-size", "11").removesuffix("px"))
            heavy = 1.1 if element.get("font-weight") == "bold" else 1.0
            wide = heavy * size * sum(advances.get(letter, 0.62) for letter in element.text)
            share = {"start": 0, "middle": 0.5, "end": 1}[element.get("text-anchor", "start")]
            left = x - wide * share
            found.append((left, y - 0.7 * size, left + wide, y + 0.1 * size, element.text))
    return found


def course(drawn: str) -> list[tuple[float, float]]:
    """Read the corners of the front, if it is drawn."""
    for element, *_ in elements(drawn):
        if element.get("stroke-opacity") == "0.75" and element.tag == f"{SVG}path":
            path = element.get("d") or ""
            numbers = [float(number) for number in re.findall(r"-?[\d.]+", path)]
            return list(zip(numbers[::2], numbers[1::2], strict=True))
    return []


def shade(drawn: str) -> list[float]:
    """Read where the band starts and ends along the axis, if it is drawn."""
    for element, *_ in elements(drawn):
        if element.get("fill-opacity") == "0.14" and f"v{HIGH}" in (element.get("d") or ""):
            x, _, wide, *_ = (float(n) for n in re.findall(r"-?[\d.]+", element.get("d") or ""))
            return [x, x + wide]
    return []


def inert(drawn: str) -> None:
    extra = {"id", "role", "aria-labelledby", "font-family"}
    for element in ET.fromstring(drawn).iter():
        assert element.tag.removeprefix(SVG) in _ELEMENTS
        assert set(element.attrib) <= _ATTRIBUTES | extra
        assert not any(re.search(r"NaN|Infinity|undefined", v) for v in element.attrib.values())


def apart(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return (
        one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    )  # fmt: skip


# --- where things stand ---------------------------------------------------------------------------


def test_dots_stand_in_proportion_inside_the_axes():
    drawn = draw(tradeoff(dots((0.0, 0.80), (0.1, 0.84), (0.2, 0.82))), "k")
    found = sorted((x, y) for _, x, y in symbols(drawn))
    assert len(found) == 3
    (a, low), (b, high), (c, between) = found
    assert 0 < a < b < c < WIDE
    assert b - a == pytest.approx(c - b, abs=0.2)
    assert HIGH > low > between > high > 0
    assert low - between == pytest.approx(between - high, abs=0.2)


def clear(drawn: str) -> None:
    """Check that no words overlap, and that none stands on a dot."""
    left, top = corner(drawn)
    told = [box for box in boxes(drawn) if left < box[0] and box[2] < left + WIDE + 1]
    told = [box for box in told if top <= box[1] and box[3] <= top + HIGH]
    for one, other in itertools.combinations(boxes(drawn), 2):
        assert apart(one, other), (one, other)
    for box in told:
        for _, x, y in symbols(drawn):
            near = (
                max(box[0] - left, min(x, box[2] - left)),
                max(box[1] - top, min(y, box[3] - top)),
            )
            assert math.dist(near, (x, y)) > 4.5, box


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_labels_keep_clear_of_each_other_and_of_every_dot(seed, n):
    shown = some(n, seed)
    drawn = draw(tradeoff(shown, start=0, chosen=n - 1, band=0.02), "k")
    inert(drawn)
    marks = symbols(drawn)
    assert len(marks) == n
    assert all(0 <= x <= WIDE and 0 <= y <= HIGH for _, x, y in marks)
    clear(drawn)
    named = sum("candidate" in text for text in words(drawn))
    assert named == min(n, 16)
    assert (f"{n - 16} more, unlabeled" in words(drawn)) == (n > 16)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.004, 0.03), st.floats(-0.02, 0.02))
def test_labels_keep_clear_of_dots_that_stand_close(across, down):
    # The last one sets the scale.
    places = [(0.1 + across * i, 0.5 + down * i) for i in range(15)]
    clear(draw(tradeoff(dots(*places, (0.8, 0.9))), "k"))


def test_every_number_beside_a_dot_is_listed_with_its_name():
    drawn = draw(tradeoff(some(16)), "k")
    numbers = [text for text in words(drawn) if text in {f"{i + 1}" for i in range(16)}]
    assert sorted(numbers, key=int) == sorted([f"{i + 1}" for i in range(16)] * 2, key=int)


def test_few_candidates_with_room_are_named_where_they_stand():
    drawn = draw(tradeoff(dots((0.01, 0.80), (0.1, 0.82), (0.2, 0.84))), "k")
    _, top = corner(drawn)
    told = [box for box in boxes(drawn) if box[-1].startswith("candidate")]
    assert len(told) == 3
    assert all(box[3] < top + HIGH for box in told)


def test_a_crowd_shares_one_label():
    places = ((0.1, 0.8), (0.1, 0.8), (0.1, 0.8), (0.2, 0.9), (0.1, 0.8))
    told = words(draw(tradeoff(dots(*places)), "k"))
    assert "1–3, 5" in told
    assert told.count("4") == 2
    assert sum(text.startswith("candidate") for text in told) == 5


def test_a_label_that_is_near_another_dot_is_tied_to_its_own():
    def leads(*places: tuple[float, float]) -> int:
        drawn = draw(tradeoff(dots(*places)), "k")
        return sum(element.get("stroke-opacity") == "0.5" for element, *_ in elements(drawn))

    far = [(0.02 * i, 0.8 + 0.01 * i) for i in range(9)]
    assert leads(*far) == 0
    assert leads(*far, *((0.08 + 0.001 * i, 0.84 + 0.0004 * i) for i in range(1, 5))) > 0


def test_the_front_is_a_staircase_from_the_smallest_gap():
    # The best known score does not rise before the next candidate of the front is reached.
    places = ((0.3, 0.9), (0.1, 0.8), (0.2, 0.85), (0.25, 0.7))
    drawn = draw(tradeoff(dots(*places), front=(0, 2, 1)), "k")
    at = {(round(x, 1), round(y, 1)) for _, x, y in symbols(drawn)}
    path = course(drawn)
    assert len(path) == 5
    assert [x for x, _ in path] == sorted(x for x, _ in path)
    assert [y for _, y in path] == sorted((y for _, y in path), reverse=True)
    for corner_of_front in path[::2]:
        assert any(math.dist(corner_of_front, place) < 0.3 for place in at)
    assert path[1] == (path[2][0], path[0][1])
    assert "Pareto front: no other is better in both" in words(drawn)


def test_without_a_front_there_is_no_line():
    drawn = draw(tradeoff(some(4)), "k")
    assert course(drawn) == []
    assert not any("front" in text for text in words(drawn))


@pytest.mark.parametrize(
    ("share", "band", "reach"), [(False, 0.1, 0.5), (True, 0.1, 0.5), (False, 0.4, 1.0)]
)
def test_the_band_ends_at_the_tolerance(share, band, reach):
    shown = dots((0.0, 0.8), (0.2, 0.9))
    drawn = draw(tradeoff(shown, band=band, band_label="equal", share_along=share), "k")
    zero, end = sorted(x for _, x, _ in symbols(drawn))
    start, stop = shade(drawn)
    assert stop - zero == pytest.approx((end - zero) * band / 0.2, abs=0.3)
    assert 0 <= start < zero
    assert "equal" in words(drawn)
    assert stop <= WIDE


def test_a_tolerance_holds_for_both_signs():
    drawn = draw(tradeoff(dots((-0.2, 0.8), (0.2, 0.9)), band=0.1), "k")
    low, high = sorted(x for _, x, _ in symbols(drawn))
    quarter = (high - low) / 4
    assert shade(drawn) == [
        pytest.approx(low + quarter, abs=0.3),
        pytest.approx(high - quarter, abs=0.3),
    ]


def test_without_a_tolerance_nothing_is_shaded():
    assert shade(draw(tradeoff(some(3), band_label="equal"), "k")) == []


def floors(drawn: str) -> list[float]:
    """Read how far down the dashed lines across the drawing are."""
    _, top = corner(drawn)
    return [
        y - top
        for element, _, y, _ in elements(drawn)
        if element.tag == f"{SVG}line"
        if element.get("stroke-dasharray") == "6,4"
        and abs(float(element.get("x2", 0))) == pytest.approx(WIDE)
    ]


@pytest.mark.parametrize(("share", "floor"), [(False, 0.85), (True, 0.85), (True, 0.79)])
def test_a_floor_lies_at_its_score(share, floor):
    shown = dots((0.0, 0.8), (0.1, 0.9))
    drawn = draw(tradeoff(shown, share=share, floor=floor, floor_label="no model"), "c")
    at = sorted((y for _, _, y in symbols(drawn)), reverse=True)
    expected = at[0] + (floor - 0.8) / 0.1 * (at[1] - at[0])
    assert floors(drawn) == pytest.approx([expected], abs=1.5)
    assert "no model" in words(drawn)


def test_a_far_floor_leaves_the_candidates_their_room():
    shown = dots((0.0, 0.8), (0.1, 0.9))
    far = draw(tradeoff(shown, floor=0.5, floor_label="no model"), "c")
    assert far == draw(tradeoff(shown), "c")
    assert floors(draw(tradeoff(()), "c")) == floors(draw(tradeoff((), floor=0.5), "c")) == []


def test_intervals_are_as_long_as_they_are():
    shown = (Dot("a", Measured(0.1, 0.0, 0.4, "t"), Measured(0.5, 0.4, 0.8, "t")),
             Dot("b", measured(0.4), measured(0.4)))  # fmt: skip
    drawn = draw(tradeoff(shown), "k")
    (_, x, y), (_, other, low) = sorted(symbols(drawn), key=lambda found: found[1])
    spans = [e for e, *_ in elements(drawn) if e.get("stroke-opacity") == "0.55"]
    wide = [abs(float(e.get("x2", "0"))) for e in spans]
    high = [abs(float(e.get("y2", "0"))) for e in spans]
    assert max(wide) == pytest.approx((other - x) * 4 / 3, abs=0.3)
    assert max(high) == pytest.approx((low - y) * 4, abs=0.4)


# --- what tells them apart ------------------------------------------------------------------------


def test_signs_are_told_apart_without_color():
    shown = dots((0.0, 0.8), (0.05, 0.81), (0.1, 0.82), (0.2, 0.84))
    drawn = draw(tradeoff(shown, start=3, chosen=1, needs=(2,), front=()), "k")
    marks = sorted(symbols(drawn), key=lambda found: found[1])
    plain, star, hollow, start = (element for element, *_ in marks)
    assert len({shape(mark) for mark in (plain, hollow, start)}) == 1
    assert shape(star) != shape(plain)
    assert plain.get("fill") == star.get("fill") == start.get("fill")
    assert "--paper" in hollow.get("fill", "")
    assert hollow.get("stroke") == plain.get("fill")
    framed = frames(drawn)
    assert [(x, y) for _, x, y in framed] == [marks[3][1:]]
    told = words(drawn)
    for meaning in ("recommended", "framed: the model as it is"):
        assert meaning in told
    assert "open: needs the protected attribute to decide" in told
    bold = [e.text for e, *_ in elements(drawn) if e.get("font-weight") == "bold"]
    assert bold == ["candidate 2"]


def test_the_recommended_one_stays_bold_among_numbers():
    drawn = draw(tradeoff(some(12), chosen=4), "k")
    bold = [e.text for e, *_ in elements(drawn) if e.get("font-weight") == "bold"]
    assert sorted(bold) == ["5", "5", "candidate 5"]


def test_the_model_as_it_is_may_be_the_one_recommended():
    drawn = draw(tradeoff(some(3), start=1, chosen=1, needs=(1,)), "k")
    (_, x, y), *_ = frames(drawn)
    stars = [m for m in symbols(drawn) if (m[1], m[2]) == (x, y)]
    assert len(stars) == 1
    assert "--paper" in stars[0][0].get("fill", "")


def test_verdicts_have_the_shapes_that_they_have_everywhere():
    plain = some(3)
    tones = ("biased", "within tolerance", "inconclusive")
    shown = tuple(
        Dot(d.label, d.along, d.up, tone) for d, tone in zip(plain, tones, strict=True)
    )  # fmt: skip
    drawn = draw(tradeoff(shown), "k")
    assert len({shape(element) for element, *_ in symbols(drawn)}) == 3
    assert set(tones) <= set(words(drawn))
    assert not set(tones) & set(words(draw(tradeoff(plain), "k")))


def test_of_many_the_telling_ones_are_named():
    chart = tradeoff(some(40), start=39, chosen=30, front=(20, 25, 30))
    drawn = words(draw(chart, "k"))
    for place in (39, 30, 20, 25):
        assert f"candidate {place + 1}" in drawn
    assert sum(text.startswith("candidate") for text in drawn) == 16
    assert "24 more, unlabeled" in drawn


def test_title_and_description_are_told():
    root = ET.fromstring(draw(tradeoff(some(2), title="Scores & gaps", description="so"), "k"))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "k-title k-desc"
    assert [root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text] == ["Scores & gaps", "so"]


# --- nothing breaks it ----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_hostile_labels_stay_inside_and_are_escaped(n):
    chart = tradeoff(
        some(n, labels=HOSTILE[:n]), along="W" * 400, axis="<b>" * 90, title="</title><script>",
        description="<script>", start=0, chosen=n - 1, front=tuple(range(n)), band=0.02,
        band_label="<img src=x>" * 40,
    )  # fmt: skip
    drawn = draw(chart, "k")
    inert(drawn)
    root = ET.fromstring(drawn)
    width, high = float(root.get("width", "0")), float(root.get("height", "0"))
    assert 400 <= width <= 520
    for box in boxes(drawn):
        assert 0 <= box[0] < box[2] <= width + 1, box
        assert 0 <= box[1] < box[3] <= high
    for one, other in itertools.combinations(boxes(drawn), 2):
        assert apart(one, other), (one, other)
    page = html.write(Page("t", None, "s", (Section("s", (), (chart,)),)))
    assert "<script" not in page.lower()
    assert "<img" not in page
    assert drawn.replace("k-", "chart-1-") in page


NUMBERS = [0.0, 1.7e308, -1.7e308, 1e-320, -3.0, 1e6]


@pytest.mark.parametrize("ends", [*((n, n) for n in NUMBERS), (-1.7e308, 1.7e308), (-1e-9, 1e9)])
@pytest.mark.parametrize("share", [False, True])
def test_any_numbers_can_be_drawn(ends, share):
    low, high = ends
    one = Dot("l", Measured(high, low, high, "t"), Measured(low, low, high, "t"))
    other = Dot("m", Measured(low, low, high, "t"), Measured(high, low, high, "t"))
    for shown in ((), (one,), (one, other, one)):
        for band in (None, high):
            chart = tradeoff(shown, share=share, share_along=share, start=0, chosen=0,
                             front=(0, 1), band=band, floor=low if band else high,
                             needs=(0,))  # fmt: skip
            drawn = draw(chart, "k")
            inert(drawn)
            assert len(symbols(drawn)) == len(shown)
            assert all(-0.1 <= x <= WIDE + 0.1 for _, x, _ in symbols(drawn))
            assert all(-0.1 <= y <= HIGH + 0.1 for _, _, y in symbols(drawn))


def test_all_on_one_point():
    chart = tradeoff(dots(*[(0.0, 0.0)] * 16), start=0, chosen=3, front=tuple(range(16)))
    drawn = draw(chart, "k")
    assert len({(x, y) for _, x, y in symbols(drawn)}) == 1
    assert "1–16" in words(drawn)
    assert sum(text.startswith("candidate") for text in words(drawn)) == 16


def test_scores_in_millions_keep_their_room():
    places = [(1_400.0 - 90 * i, -2_526_900.0 + 9_000 * i) for i in range(6)]
    drawn = draw(tradeoff(dots(*places), axis="negative mean squared error"), "k")
    assert float(ET.fromstring(drawn).get("width", "0")) <= 520
    assert any(text.startswith("−2,5") for text in words(drawn))


def test_the_same_chart_is_drawn_the_same():
    chart = tradeoff(some(16), start=0, chosen=5, front=(1, 2, 3), band=0.02, needs=(4,))
    assert draw(chart, "k") == draw(tradeoff(**_fields(chart)), "k")


def _fields(chart: Tradeoff) -> dict[str, object]:
    kept = vars(chart).items()
    return {"shown" if key == "dots" else key: content for key, content in kept}


# --- in a terminal --------------------------------------------------------------------------------


def test_the_table_says_what_the_signs_mean():
    shown = dots((0.2, 0.84), (0.01, 0.82), (0.1, 0.83))
    chart = tradeoff(shown, start=0, chosen=1, front=(0, 1), needs=(1,))
    table = as_table(chart)
    assert [c.title for c in table.columns] == [
        "Candidate", "gap that remains", "accuracy", "Signs",
    ]  # fmt: skip
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["candidate 1", "0.200", "0.840", "as it is, front"],
        ["candidate 2", "0.010", "0.820", "recommended, front, needs attribute"],
        ["candidate 3", "0.100", "0.830", ""],
    ]


def test_the_table_says_verdicts_where_there_are_any():
    plain = some(2)
    judged = (Dot("a", plain[0].along, plain[0].up, "biased"), plain[1])
    table = as_table(tradeoff(judged))
    assert [c.title for c in table.columns][-1] == "Verdict"
    assert [(row[-1].text, row[-1].tone) for row in table.rows] == [
        ("biased", "biased"),
        ("", "plain"),
    ]
    assert len(as_table(tradeoff(plain)).columns) == 3


def test_of_many_the_table_has_the_telling_ones():
    rows = as_table(tradeoff(some(40), start=39, chosen=30)).rows
    told = [row[0].text for row in rows]
    assert told[-3:] == ["candidate 31", "candidate 40", "and 24 more"]
    assert len(told) == 17
    assert as_table(tradeoff(())).rows == ()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_terminal_shows_it_in_its_width(width):
    chart = tradeoff(some(16, labels=HOSTILE), start=0, chosen=1, front=(2, 3))
    shown = terminal.write(Page("t", None, "s", (Section("s", (), (chart,)),)), width=width)
    assert all(len(line) <= width for line in shown.splitlines())
    assert "\x1b" not in shown
    assert "recommende" in shown
