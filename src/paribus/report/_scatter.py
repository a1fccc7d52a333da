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
_ROW = 17
"""Pixels of a line of text, with its room."""
_DOT = 7.0
_TIED = 2.5 * _DOT
"""A label that is farther from its dot is tied to it with a line."""
_THRESHOLD = Pen(INK, (5, 3), "")

Range = tuple[float, float]


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


def _pixels(row: dict[str, Any], along: Range, up: Range) -> dict[str, float]:
    across = {key: pixel(row[key], along, _WIDE) for key in ("x", "x1", "x2")}
    return across | {key: _HIGH - pixel(row[key], up, _HIGH) for key in ("y", "y1", "y2")}


def _labels(
    chart: Scatter, rows: Sequence[dict[str, Any]], along: Range, up: Range
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Name the first dots, as far as there is room; also, the lines from dots to far labels."""
    at = [_pixels(row, along, up) for row in rows]
    dots = [Box.around(p["x"], p["y"]) for p in at]
    spans = [Box(p["x1"], p["y"] - 1, p["x2"], p["y"] + 1) for p in at]
    spans += [Box(p["x"] - 1, p["y2"], p["x"] + 1, p["y1"]) for p in at]
    spans += _limits(chart, along, up)
    texts = [fitted(dot.label, _LABEL) for dot in chart.dots[:_MOST_LABELS]]
    wanted = [(p["x"], p["y"], breadth(text)) for p, text in zip(at, texts, strict=False)]
    names, leads = [], []
    boxes = placed(wanted, (_WIDE, _HIGH), dots, spans)
    for text, (x, y, _), box in zip(texts, wanted, boxes, strict=True):
        if box is not None:
            names.append(named(box, text))
            leads += tie(box, x, y)
    return names, leads


def _limits(chart: Scatter, along: Range, up: Range) -> list[Box]:
    """Say where the thresholds run, so that labels keep off them where they can."""
    across, factor = (100.0 if share else 1.0 for share in (chart.share_along, chart.share))
    x = pixel(near(chart.threshold_along * across), along, _WIDE)
    y = _HIGH - pixel(near(chart.threshold * factor), up, _HIGH)
    return [Box(x - 1, 0.0, x + 1, _HIGH), Box(0.0, y - 1, _WIDE, y + 1)]


# --- labels, of any dots --------------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, x: float, y: float, reach: float = _DOT) -> Box:
        """Give a dot its room."""
        return cls(x - reach, y - reach, x + reach, y + reach)

    def meets(self, other: Box) -> bool:
        """Tell whether the two have a place in common."""
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


def pixel(value: float, domain: tuple[float, float], size: float) -> float:
    """Map a number to pixels, as a linear scale does along the horizontal axis."""
    low, high = domain
    # Halves, so that the range of two very large numbers stays finite.
    return (value / 2 - low / 2) / (high / 2 - low / 2) * size


def placed(
    labels: Sequence[tuple[float, float, float]],
    size: tuple[float, float],
    dots: Sequence[Box],
    spans: Sequence[Box],
) -> list[Box | None]:
    """Give each label the best free place, in their order; far away, with a line.

    Parameters
    ----------
    labels : sequence of tuple
        Of each, the place of its dot and how wide it is, in pixels.
    size : tuple
        Width and height that there are.
    dots, spans : sequence of Box
        What a label must not touch, and what it does not touch where it can.

    Returns
    -------
    list of Box or None
        None where there is no free place.
    """
    found: list[Box | None] = []
    taken: list[Box] = []
    crossed: list[Box] = []
    for x, y, wide in labels:
        free = [
            box
            for box in _places(x, y, wide, size)
            if not any(map(box.meets, taken)) and not any(map(box.meets, dots))
        ]
        if not free:
            found.append(None)
            continue
        costs = [
            box.distance(x, y)
            + 12 * sum(map(box.meets, spans))
            + 30 * sum(map(box.meets, crossed))
            + 30 * sum(step.meets(label) for step in _steps(box, x, y) for label in taken)
            for box in free
        ]
        box = free[costs.index(min(costs))]
        found.append(box)
        taken.append(box)
        crossed += _steps(box, x, y)
    return found


def named(box: Box, text: str) -> dict[str, Any]:
    """Write a label where it was placed."""
    return {"x": box.left + 2, "y": (box.top + box.bottom) / 2, "text": text}


def tie(box: Box, x: float, y: float, beyond: float = _TIED) -> list[dict[str, Any]]:
    """Tie a label to its dot, unless it stands beside it."""
    end_x, end_y = box.nearest(x, y)
    return [{"x": x, "y": y, "x2": end_x, "y2": end_y}] if box.distance(x, y) > beyond else []


def _steps(box: Box, x: float, y: float) -> list[Box]:
    """Walk from a dot to its label, in small steps; a label beside its dot has no line."""
    return [
        Box.around(x + (end["x2"] - x) * i / 12, y + (end["y2"] - y) * i / 12, 1)
        for end in tie(box, x, y)
        for i in range(12)
    ]


def _places(x: float, y: float, wide: float, size: tuple[float, float]) -> Iterator[Box]:
    """List places inside the drawing: those beside the dot, then all over it."""
    half = _ROW / 2
    wide += 4
    beside = [
        (x + _DOT + 2, y - half),
        (x - _DOT - 2 - wide, y - half),
        (x - wide / 2, y - _DOT - 1 - _ROW),
        (x - wide / 2, y + _DOT + 1),
        (x + _DOT, y - _DOT - _ROW + 4),
        (x + _DOT, y + _DOT - 4),
        (x - _DOT - wide, y - _DOT - _ROW + 4),
        (x - _DOT - wide, y + _DOT - 4),
    ]
    steps = 9
    everywhere = [
        (column * (size[0] - wide) / steps, float(top))
        for top in range(0, int(size[1]) - _ROW + 1, _ROW)
        for column in range(steps + 1)
    ]
    for left, top in beside + everywhere:
        if left >= 0 and top >= 0 and left + wide <= size[0] and top + _ROW <= size[1]:
            yield Box(left, top, left + wide, top + _ROW)
