"""Named lines over two axes: told apart by color, dash and shape, and named in a legend."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from paribus.report._drawn import (
    BIASED,
    FAINT,
    INK,
    PENS,
    SMALL,
    STAR,
    WIDTH,
    Entry,
    Pen,
    axis,
    breadth,
    decades,
    drawing,
    fitted,
    legend,
    linear,
    mark,
    near,
    of,
    room,
    simplified,
)
from paribus.report._parts import Line, Lines, Point

_WIDE = WIDTH - 60
_HIGH = 220
_SQUARE = 320
"""Height where both axes have the same range."""
_MOST_SHAPES = 12
"""Points of a line that each get a shape; of more, only some do."""
_MOST_SPANS = 30
"""Intervals of a line that are drawn one by one; of more, as a band."""
_CROWD = 4
"""Lines whose intervals can be read; those of more are drawn faintly."""
_NAME = 125

Range = tuple[float, float]


def lines(chart: Lines) -> dict[str, Any]:
    """Lay out lines, what they are compared with, and a legend.

    Parameters
    ----------
    chart : Lines
        What to show; lines may have no points.

    Returns
    -------
    dict
        A Vega specification.
    """
    first = [i for i, line in enumerate(chart.lines) if line.tone != "muted"][: len(PENS)]
    told = [chart.lines[i] for i in first]
    pens = _pens(told)
    faint = [line for i, line in enumerate(chart.lines) if i not in first]
    high = _SQUARE if chart.guide == "diagonal" else _HIGH
    along, up = _domains(chart)
    log = along[0] > 0 and chart.log and chart.labels is None
    # Points at the edge stay clear of the numbers beside the axis.
    margin = 0 if chart.guide == "diagonal" or chart.labels is not None else 8
    scale = linear("x", along, _WIDE, padding=margin) | ({"type": "log"} if log else {})
    shifts = _shifts(told)
    data: dict[str, list[dict[str, Any]]] = {"ground": [_ground(chart, along, up)]}
    marks = list(_behind(chart))
    for order, line in enumerate(faint):
        rows = [_place(chart, point) for point in line.points]
        data[f"faint{order}"] = _course(rows, along, up, high, log=log)
        marks.append(_path(f"faint{order}", FAINT, 0.0, 0.55))
    # Whoever comes first is drawn last: on top.
    for i, line in reversed(list(enumerate(told))):
        rows = _points(chart, line, i)
        data[f"line{i}"] = _course(rows, along, up, high, log=log)
        spans = [row for row in rows if row["low"] < row["high"]]
        data[f"spans{i}"] = spans
        data[f"shapes{i}"] = [row for row in rows if row["shaped"]]
        dense, crowded = len(spans) > _MOST_SPANS, len(told) > _CROWD
        marks += [
            _spread(f"spans{i}", pens[i], shifts[i], dense=dense, crowded=crowded),
            _path(f"line{i}", pens[i], shifts[i], 1.0),
            mark("symbol", f"shapes{i}", **_at(shifts[i]), fill=pens[i].ink, shape=pens[i].shape,
                 size=55),
        ]  # fmt: skip
    data["stars"] = [
        {**_place(chart, point), "shift": shift}
        for line, shift in [*((line, 0.0) for line in faint), *zip(told, shifts, strict=True)]
        for point in line.points
        if point.alarm
    ]
    at = {"x": of("x", "x", offset=of("shift")), "y": of("y", "y")}
    marks.append(mark("symbol", "stars", **at, fill=BIASED, shape=STAR, size=260))
    titled = fitted(chart.along, _WIDE)
    across = axis("x", titled, along, **({"values": decades(*along)} if log else {}))
    below = 24.0
    if chart.labels is not None:
        names, below, data["names"] = _named(chart.labels, high)
        marks += names
        across |= {"labels": False, "grid": False, "titlePadding": below}
    foot = legend(
        list(_entries(chart, zip(told, pens, strict=True), len(faint))), high + below + 40, -44
    )
    title = fitted(chart.axis, high + 20)
    return drawing(
        (_WIDE, high),
        data | foot["data"],
        [scale, linear("y", up, high)],
        [axis("y", title, up, titlePadding=12), across],
        [*marks, *foot["marks"]],
    )


def _pens(told: Sequence[Line]) -> list[Pen]:
    """Give each line the pen that it asks for; no two lines have the same."""
    free = list(range(len(PENS)))
    chosen = []
    for line in told:
        asked = None if line.pen is None else line.pen % len(PENS)
        taken = asked if asked in free else free[0]
        free.remove(taken)
        chosen.append(PENS[taken])
    return chosen


def _domains(chart: Lines) -> tuple[Range, Range]:
    across, factor = (100.0 if share else 1.0 for share in (chart.share_along, chart.share))
    points = [point for line in chart.lines for point in line.points]
    xs = [near(point.x * across) for point in points]
    ends = [e for p in points for e in (p.y, p.low, p.high) if e is not None]
    ys = [near(end * factor) for end in ends]
    if chart.guide == "diagonal":
        whole = [0.0, 100.0 if chart.share else 1.0] if chart.share == chart.share_along else []
        both = room([*xs, *ys, *whole])
        return both, both
    if chart.guide == "zero" or chart.band is not None:
        ys += [0.0] if chart.guide == "zero" else []
        ys += [near(edge * factor) for edge in chart.band or ()]
    if chart.labels is not None:
        return (-0.5, max(len(chart.labels), 1) - 0.5), _inside(room(ys, 0.05), ys, chart.share)
    first, last = min(xs, default=0.0), max(xs, default=1.0)
    if first > 0 and chart.log:
        along = (first, last) if first < last else (first / 2, near(first * 2))
    else:
        along = room(xs or [0.0, 1.0])
    return along, _inside(room(ys, 0.05), ys, chart.share)


def _inside(domain: Range, ys: Sequence[float], share: bool) -> Range:
    """Let the room around shares end where shares end."""
    low, high = domain
    if not share or not ys:
        return domain
    low = max(low, 0.0) if min(ys) >= 0 else low
    return low, min(high, 100.0) if max(ys) <= 100 and low < 100 else high


def _place(chart: Lines, point: Point) -> dict[str, Any]:
    x = near(point.x * (100.0 if chart.share_along else 1.0))
    if chart.labels is not None:
        x = min(max(x, -0.5), max(len(chart.labels), 1) - 0.5)
    return {"x": x, "y": near(point.y * (100.0 if chart.share else 1.0))}


def _points(chart: Lines, line: Line, place: int) -> list[dict[str, Any]]:
    factor = 100.0 if chart.share else 1.0
    step = 1 if len(line.points) <= _MOST_SHAPES else math.ceil(len(line.points) / 5)
    alone = sum(map(_spans, line.points)) <= _MOST_SPANS
    rows = []
    for i, point in enumerate(line.points):
        low, high = (point.y if end is None else end for end in (point.low, point.high))
        # Lines that lie on each other carry their shapes at different places.
        chosen = (i + 1 + place * step // len(PENS)) % step == 0
        ends = {"low": near(low * factor), "high": near(high * factor)}
        shaped = chosen or (alone and _spans(point))
        rows.append({**_place(chart, point), **ends, "shaped": shaped})
    return rows


def _course(
    rows: Sequence[dict[str, Any]], along: Range, up: Range, high: float, *, log: bool
) -> list[dict[str, Any]]:
    """Keep the points without which a line would look different."""
    # Halves, so that the range of two very large numbers stays finite.
    start, end = (math.log(edge) if log else edge / 2 for edge in along)
    xs = [math.log(row["x"]) if log else row["x"] / 2 for row in rows]
    wide, tall = (end - start) / _WIDE, (up[1] / 2 - up[0] / 2) / high
    path = [((x - start) / wide, row["y"] / 2 / tall) for x, row in zip(xs, rows, strict=True)]
    return [{"x": rows[i]["x"], "y": rows[i]["y"]} for i in simplified(path)]


def _spans(point: Point) -> bool:
    return point.low is not None and point.high is not None and point.low < point.high


def _shifts(told: Sequence[Line]) -> list[float]:
    """Set lines beside each other, by some pixels, where their intervals would hide each other."""
    places = Counter(x for line in told for x in {p.x for p in line.points if _spans(p)})
    if max(places.values(), default=0) < 2:
        return [0.0] * len(told)
    step = min(4.0, _WIDE / max(1, len(places)) * 0.6 / len(told))
    return [(i - (len(told) - 1) / 2) * step for i in range(len(told))]


# --- marks ----------------------------------------------------------------------------------------


def _ground(chart: Lines, along: Range, up: Range) -> dict[str, Any]:
    factor = 100.0 if chart.share else 1.0
    start, end = chart.band or (0.0, 0.0)
    return {
        "from": near(start * factor),
        "to": near(end * factor),
        "zero": 0.0,
        "left": along[0],
        "right": along[1],
        "bottom": up[0],
        "top": up[1],
    }


def _behind(chart: Lines) -> Iterator[dict[str, Any]]:
    across = {"x": {"value": 0}, "x2": {"value": _WIDE}}
    if chart.band is not None:
        yield mark("rect", "ground", **across, y=of("from", "y"), y2=of("to", "y"), fill=INK,
                   fillOpacity=0.14)  # fmt: skip
    if chart.guide == "zero":
        yield mark("rule", "ground", **across, y=of("zero", "y"), stroke=INK, strokeOpacity=0.7)
    if chart.guide == "diagonal":
        ends = {"y": of("bottom", "y"), "y2": of("top", "y")}
        faint = {"stroke": INK, "strokeOpacity": 0.5, "strokeDash": [1, 4], "strokeWidth": 1.5}
        yield mark("rule", "ground", x=of("left", "x"), x2=of("right", "x"), **ends, **faint)


def _at(shift: float) -> dict[str, Any]:
    return {"x": of("x", "x", offset=shift), "y": of("y", "y")}


def _path(data: str, pen: Pen, shift: float, strength: float) -> dict[str, Any]:
    ink = {"stroke": pen.ink, "strokeDash": list(pen.dash), "strokeOpacity": strength}
    return mark("line", data, **_at(shift), **ink, strokeWidth=2 if pen.shape else 1,
                strokeJoin="round")  # fmt: skip


def _spread(data: str, pen: Pen, shift: float, *, dense: bool, crowded: bool) -> dict[str, Any]:
    ends = {**_at(shift), "y": of("low", "y"), "y2": of("high", "y")}
    if dense:
        return mark("area", data, **ends, fill=pen.ink, fillOpacity=0.08 if crowded else 0.18)
    strength = 0.4 if crowded else 0.75
    return mark("rule", data, **ends, stroke=pen.ink, strokeWidth=1.5, strokeOpacity=strength)


def _named(
    labels: Sequence[str], high: float
) -> tuple[list[dict[str, Any]], float, list[dict[str, Any]]]:
    """Write names below the drawing, as many as there is room for; also, how far they reach."""
    each = _WIDE / max(1, len(labels))
    widest = max((breadth(fitted(label, _NAME)) for label in labels), default=0.0)
    slanted = widest > each - 6 and any(len(label) > 4 for label in labels)
    step = max(1, math.ceil((18.0 if slanted else min(widest, _NAME) + 6) / each))
    kept = range(0, len(labels), step)
    shown: list[dict[str, Any]] = [{"x": float(i), "text": fitted(labels[i], _NAME)} for i in kept]
    turned = {"angle": 320, "align": "right"} if slanted else {"align": "center"}
    reach = max((breadth(row["text"]) for row in shown), default=0.0)
    # Measured, since they may reach out at the left.
    name = {"text": of("text"), "fontSize": SMALL, "fill": INK, "baseline": "middle"}
    marks = [
        mark("text", "names", x=of("x", "x"), y=high + 14, **{**name, **turned})
        | {"name": "measured"}
    ]
    return marks, 24 + 0.6 * reach if slanted else 24.0, shown


def _entries(chart: Lines, told: Iterable[tuple[Line, Pen]], others: int) -> Iterator[Entry]:
    for line, pen in told:
        if line.label:
            yield Entry("line", pen, line.label)
    if others:
        yield Entry("line", FAINT, f"{others:,} more, thin and gray")
    if chart.guide_label and chart.guide != "none":
        dash = (1, 4) if chart.guide == "diagonal" else ()
        yield Entry("line", Pen(INK, dash, ""), chart.guide_label)
    if chart.band is not None and chart.band_label:
        yield Entry("shade", Pen(INK, (), ""), chart.band_label)
    if any(point.alarm for line in chart.lines for point in line.points):
        yield Entry("symbol", Pen(BIASED, (), STAR), chart.alarm_label)
