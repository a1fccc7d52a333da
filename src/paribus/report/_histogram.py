"""Distributions of several groups, one below the other over the same bins."""

from __future__ import annotations

from typing import Any

from paribus.report._drawn import (
    BIASED,
    BOLD,
    INK,
    LARGE,
    PENS,
    PLAIN,
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
from paribus.report._parts import Heights, Histogram

_STEP = 66
_TRACK = 38
"""Height of the part of a row that holds the bins; its label stands above."""
_MOST = len(PENS)
_OUTLINE = Pen(INK, (3, 2), "")
_CUT = Pen(BIASED, (5, 3), "")


def histogram(chart: Histogram) -> dict[str, Any]:
    """Lay out the outlines of distributions, all with the same scales.

    Parameters
    ----------
    chart : Histogram
        What to show; it may have no groups.

    Returns
    -------
    dict
        A Vega specification.
    """
    factor = 100.0 if chart.share_along else 1.0
    edges = [near(edge * factor) for edge in chart.edges]
    cut = [] if chart.cut is None else [near(chart.cut * factor)]
    domain = room([*edges, *cut])
    groups = chart.groups[:_MOST]
    most = max((near(height) for group in groups for height in group.heights), default=0.0) or 1.0
    steps = [
        {"row": row, **step}
        for row, group in enumerate(groups)
        for step in _steps(group, edges, most, row)
    ]
    outline = [
        {"row": row, **step}
        for row in range(1, len(groups))
        for step in _steps(groups[0], edges, most, row)
    ]
    rows = []
    for row, group in enumerate(groups):
        value = fitted(group.text, 170, LARGE)
        left = WIDTH - 12 - BOLD * breadth(value, LARGE)
        rows.append(
            {
                "label": fitted(group.label, left, LARGE),
                "text": value,
                "words": row * _STEP + 14,
                "top": (row + 1) * _STEP - _TRACK - 4,
                "bottom": (row + 1) * _STEP,
                "first": domain[0],
                "last": domain[1],
            }
        )
    cuts = [{"at": at, **row} for row in rows for at in cut]
    data = {"rows": rows, "steps": steps, "outline": outline, "cuts": cuts}
    height = _STEP * max(1, len(groups))
    place = {"x": of("x", "x"), "y": of("y"), "interpolate": "step-after"}
    ink = PLAIN[0]
    filled = mark("area", "one", **place, y2=of("bottom"), fill=ink, fillOpacity=0.35)
    edge = mark("line", "one", **place, stroke=ink, strokeWidth=1.5)
    other = mark("line", "one", **place, stroke=INK, strokeDash=list(_OUTLINE.dash))
    marks = [
        *(_each(name, drawn) for name, drawn in (
            ("steps", filled), ("steps", edge), ("outline", other),
        )),
        mark("rule", "rows", x=of("first", "x"), x2=of("last", "x"), y=of("bottom"), stroke=INK,
             strokeOpacity=0.7),
        mark("rule", "cuts", x=of("at", "x"), y=of("top"), y2=of("bottom"), stroke=BIASED,
             strokeWidth=2, strokeDash=list(_CUT.dash)),
        texts("rows", x=0, y=of("words"), text=of("label"), fontSize=LARGE),
        texts("rows", x=WIDTH, y=of("words"), align="right", fontSize=LARGE, fontWeight=600),
    ]  # fmt: skip
    entries = []
    if len(groups) > 1:
        entries.append(Entry("line", _OUTLINE, f"as drawn for {fitted(groups[0].label, 200)}"))
    if cut and chart.cut_label:
        entries.append(Entry("tick", _CUT, chart.cut_label))
    if len(chart.groups) > len(groups):
        more = len(chart.groups) - len(groups)
        entries.append(Entry("note", _OUTLINE, f"{more:,} more, not drawn"))
    foot = legend(entries, height + 58)
    return drawing(
        (WIDTH, height),
        data | foot["data"],
        [linear("x", domain, WIDTH, padding=6)],
        [axis("x", fitted(chart.along, WIDTH), domain, labelPadding=3)],
        [*marks, *foot["marks"]],
    )


def _steps(group: Heights, edges: list[float], most: float, row: int) -> list[dict[str, Any]]:
    """Walk along the top of the bins, from the ground and back to it."""
    bottom = (row + 1) * _STEP
    tops = [bottom - _TRACK * max(near(height), 0.0) / most for height in group.heights]
    corners = [*zip(edges, tops, strict=False), (edges[-1], bottom)] if tops else []
    start = [(corners[0][0], bottom)] if corners else []
    return [{"x": x, "y": y, "bottom": bottom} for x, y in [*start, *corners]]


def _each(data: str, drawn: dict[str, Any]) -> dict[str, Any]:
    facet = {"name": "one", "data": data, "groupby": "row"}
    return {"type": "group", "from": {"facet": facet}, "marks": [drawn]}
