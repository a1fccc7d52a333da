"""Named dots over two axes, two thresholds, and labels that keep clear of each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from paribus.report._drawn import (
    BIASED,
    INK,
    PLAIN,
    TONES,
    WIDTH,
    Entry,
    Pen,
    axis,
    breadth,
    drawing,
    fitted,
    legend,
    linear,
    mark,
    near,
    of,
    room,
    texts,
)
from paribus.report._parts import Scatter

_WIDE = WIDTH - 60
_HIGH = 320
_MOST_LABELS = 12
_LABEL = 150
"""Pixels of a label."""
_LINE = 17
_DOT = 7.0
_NEAR = 2.5 * _DOT
"""A label that is farther from its dot is tied to it with a line."""
_THRESHOLD = Pen(INK, (5, 3), "")

Range = tuple[float, float]


@dataclass(frozen=True)
class _Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """Find the place inside that is nearest to a point."""
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)

    def distance(self, x: float, y: float) -> float:
        """Measure how far a point is from the nearest place inside."""
        return math.dist((x, y), self.nearest(x, y))


def scatter(chart: Scatter) -> dict[str, Any]:
    """Lay out dots with their intervals, thresholds and labels.

    Parameters
    ----------
    chart : Scatter
        What to show; it may have no dots.

    Returns
    -------
    dict
        A Vega specification.
    """
    across, factor = (100.0 if share else 1.0 for share in (chart.share_along, chart.share))
    xs = [
        near(e * across) for d in chart.dots for e in (d.along.low, d.along.high, d.along.estimate)
    ]
    ys = [near(e * factor) for d in chart.dots for e in (d.up.low, d.up.high, d.up.estimate)]
    least = [near(edge * across) for edge in chart.range_along or ()]
    limits = near(chart.threshold_along * across), near(chart.threshold * factor)
    along = room([*xs, *least, limits[0]], 0.04)
    up = room([*ys, 0.0, limits[1]], 0.06)
    rows = []
    for dot in chart.dots:
        ink, shape = TONES.get(dot.tone, PLAIN)
        ends = {
            f"{name}{end}": near(getattr(measured, where) * by)
            for name, measured, by in (("x", dot.along, across), ("y", dot.up, factor))
            for end, where in (("", "estimate"), ("1", "low"), ("2", "high"))
        }
        rows.append({"ink": ink, "shape": shape, **ends})
    names, leads = _labels(chart, rows, along, up)
    ground = [
        {
            "x": limits[0], "y": limits[1],
            "left": along[0], "right": along[1], "bottom": up[0], "top": up[1],
        }
    ]  # fmt: skip
    data: dict[str, list[dict[str, Any]]] = {
        "dots": rows[::-1], "names": names, "leads": leads, "ground": ground,
    }  # fmt: skip
    spans = {"stroke": of("ink"), "strokeWidth": 1.5, "strokeOpacity": 0.55}
    limit = {"stroke": INK, "strokeOpacity": 0.8, "strokeDash": list(_THRESHOLD.dash)}
    x, y = of("x", "x"), of("y", "y")
    marks = [
        mark("rect", "ground", x=x, x2=of("right", "x"), y=y, y2=of("top", "y"), fill=BIASED,
             fillOpacity=0.18),
        mark("rule", "ground", x=x, y=of("bottom", "y"), y2=of("top", "y"), **limit),
        mark("rule", "ground", x=of("left", "x"), x2=of("right", "x"), y=y, **limit),
        mark("rule", "dots", x=of("x1", "x"), x2=of("x2", "x"), y=y, **spans),
        mark("rule", "dots", x=x, y=of("y1", "y"), y2=of("y2", "y"), **spans),
        mark("rule", "leads", x=of("x"), x2=of("x2"), y=of("y"), y2=of("y2"), stroke=INK,
             strokeOpacity=0.5),
        mark("symbol", "dots", x=x, y=y, fill=of("ink"), shape=of("shape"), size=90),
        texts("names", x=of("x"), y=of("y")),
    ]  # fmt: skip
    foot = legend(list(_entries(chart)), _HIGH + 64, -44)
    return drawing(
        (_WIDE, _HIGH),
        data | foot["data"],
        [linear("x", along, _WIDE), linear("y", up, _HIGH)],
        [
            axis("y", fitted(chart.axis, _HIGH + 20), up, titlePadding=12),
            axis("x", fitted(chart.along, _WIDE), along),
        ],
        [*marks, *foot["marks"]],
    )


def _entries(chart: Scatter) -> Iterator[Entry]:
    if chart.flagged_label:
        yield Entry("shade", Pen(BIASED, (), ""), chart.flagged_label)
    if chart.threshold_label:
        yield Entry("line", _THRESHOLD, chart.threshold_label)
    if len(chart.dots) > _MOST_LABELS:
        ink, shape = PLAIN
        yield Entry(
            "symbol", Pen(ink, (), shape), f"{len(chart.dots) - _MOST_LABELS:,} more, unlabeled"
        )


# --- labels ---------------------------------------------------------------------------------------


def _pixels(row: dict[str, Any], along: Range, up: Range) -> dict[str, float]:
    placed = {}
    for key in ("x", "x1", "x2", "y", "y1", "y2"):
        low, high = along if key[0] == "x" else up
        # Halves, so that the range of two very large numbers stays finite.
        part = (row[key] / 2 - low / 2) / (high / 2 - low / 2)
        placed[key] = part * _WIDE if key[0] == "x" else (1 - part) * _HIGH
    return placed


def _labels(
    chart: Scatter, rows: Sequence[dict[str, Any]], along: Range, up: Range
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give each label the best free place, in the order of the dots; far away, with a line."""
    placed = [_pixels(row, along, up) for row in rows]
    dots = [_Box(p["x"] - _DOT, p["y"] - _DOT, p["x"] + _DOT, p["y"] + _DOT) for p in placed]
    spans = [_Box(p["x1"], p["y"] - 1, p["x2"], p["y"] + 1) for p in placed]
    spans += [_Box(p["x"] - 1, p["y2"], p["x"] + 1, p["y1"]) for p in placed]
    spans += _limits(chart, along, up)
    taken: list[_Box] = []
    crossed: list[_Box] = []
    names, leads = [], []
    for dot, here in zip(chart.dots[:_MOST_LABELS], placed, strict=False):
        text = fitted(dot.label, _LABEL)
        x, y = here["x"], here["y"]
        free = [
            box
            for box in _places(x, y, breadth(text))
            if not any(map(box.meets, taken)) and not any(map(box.meets, dots))
        ]
        if not free:
            continue
        costs = [
            box.distance(x, y)
            + 12 * sum(map(box.meets, spans))
            + 30 * sum(map(box.meets, crossed))
            + 30 * sum(step.meets(label) for step in _lead(box, x, y) for label in taken)
            for box in free
        ]
        box = free[costs.index(min(costs))]
        taken.append(box)
        names.append({"x": box.left + 2, "y": (box.top + box.bottom) / 2, "text": text})
        crossed += _lead(box, x, y)
        if box.distance(x, y) > _NEAR:
            end_x, end_y = box.nearest(x, y)
            leads.append({"x": x, "y": y, "x2": end_x, "y2": end_y})
    return names, leads


def _limits(chart: Scatter, along: Range, up: Range) -> list[_Box]:
    """Say where the thresholds run, so that labels keep off them where they can."""
    across, factor = (100.0 if share else 1.0 for share in (chart.share_along, chart.share))
    limits = {"x": near(chart.threshold_along * across), "y": near(chart.threshold * factor)}
    at = _pixels({f"{key}{end}": limits[key] for key in "xy" for end in ("", "1", "2")}, along, up)
    return [
        _Box(at["x"] - 1, 0.0, at["x"] + 1, _HIGH),
        _Box(0.0, at["y"] - 1, _WIDE, at["y"] + 1),
    ]


def _lead(box: _Box, x: float, y: float) -> list[_Box]:
    """Walk from a dot to its label, in small steps; a label beside its dot has no lead."""
    if box.distance(x, y) <= _NEAR:
        return []
    end_x, end_y = box.nearest(x, y)
    places = [(x + (end_x - x) * i / 12, y + (end_y - y) * i / 12) for i in range(12)]
    return [_Box(at - 1, down - 1, at + 1, down + 1) for at, down in places]


def _places(x: float, y: float, wide: float) -> Iterator[_Box]:
    """List places inside the drawing: those beside the dot, then all over it."""
    half = _LINE / 2
    wide += 4
    beside = [
        (x + _DOT + 2, y - half),
        (x - _DOT - 2 - wide, y - half),
        (x - wide / 2, y - _DOT - 1 - _LINE),
        (x - wide / 2, y + _DOT + 1),
        (x + _DOT, y - _DOT - _LINE + 4),
        (x + _DOT, y + _DOT - 4),
        (x - _DOT - wide, y - _DOT - _LINE + 4),
        (x - _DOT - wide, y + _DOT - 4),
    ]
    steps = 9
    everywhere = [
        (column * (_WIDE - wide) / steps, float(top))
        for top in range(0, _HIGH - _LINE + 1, _LINE)
        for column in range(steps + 1)
    ]
    for left, top in beside + everywhere:
        if left >= 0 and top >= 0 and left + wide <= _WIDE and top + _LINE <= _HIGH:
            yield _Box(left, top, left + wide, top + _LINE)
