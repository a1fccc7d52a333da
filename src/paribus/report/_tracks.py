"""One number for each row: a label, and below it a track with the number and its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from paribus.report._drawn import (
    BIASED,
    BOLD,
    INK,
    LARGE,
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
from paribus.report._parts import Chart, Mark
from paribus.report._wording import FOUR_FIFTHS

_STEP = 52
_TRACK = 22
"""Height of the part of a row that holds the number; its label stands above."""
_MIDDLE = 37
_DASHES = ((), (5, 3), (2, 3), (8, 3, 2, 3))
_REFERENCE = Pen(INK, (), "")


def tracks(chart: Chart) -> dict[str, Any]:
    """Lay out the rows of a chart, their axis below and what its lines mean.

    Parameters
    ----------
    chart : Chart
        What to show; it may have no rows.

    Returns
    -------
    dict
        A Vega specification.
    """
    factor = 100.0 if chart.share else 1.0
    domain = _domain(chart, factor)
    rows = _rows(chart.marks, factor, domain[1])
    height = _STEP * max(1, len(rows))
    guides = _guides(chart, factor)
    ruled = [row | guide for row in rows for guide in guides]
    spans = [row for row in rows if row["low"] < row["high"]]
    referred = [row for row in rows if "reference" in row]
    shaded = [
        {"from": near(chart.band[0] * factor), "to": near(chart.band[1] * factor), **row}
        for row in rows
        if chart.band is not None
    ]
    data = {
        "rows": rows, "guides": ruled, "spans": spans, "referred": referred, "shaded": shaded,
    }  # fmt: skip
    marks = [
        mark("rect", "shaded", x=of("from", "x"), x2=of("to", "x"), y=of("top"), y2=of("bottom"),
             fill=INK, fillOpacity=0.14),
        mark("rule", "guides", x=of("at", "x"), y=of("top", offset=of("over")), y2=of("bottom"),
             stroke=of("line"), strokeOpacity=of("strength"), strokeWidth=of("wide"),
             strokeDash=of("dash")),
    ]  # fmt: skip
    if chart.kind == "bars":
        marks.append(
            mark("rect", "rows", x={"scale": "x", "value": 0}, x2=of("estimate", "x"),
                 y=of("top", offset=4), y2=of("bottom", offset=-4), fill=of("ink"),
                 fillOpacity=0.4)
        )  # fmt: skip
    marks.append(
        # An exact number has no interval to draw.
        mark("rule", "spans", x=of("low", "x"), x2=of("high", "x"), y=of("middle"),
             stroke=of("ink"), strokeWidth=3, strokeCap="round")
    )  # fmt: skip
    if chart.kind != "bars":
        marks.append(
            mark("symbol", "rows", x=of("estimate", "x"), y=of("middle"), fill=of("ink"),
                 shape=of("shape"), size=110)
        )  # fmt: skip
    else:
        marks.append(
            mark("rule", "rows", x=of("estimate", "x"), y=of("top", offset=4),
                 y2=of("bottom", offset=-4), stroke=of("ink"), strokeWidth=2)
        )  # fmt: skip
    marks += [
        mark("rule", "referred", x=of("reference", "x"), y=of("top", offset=-2),
             y2=of("bottom", offset=3), stroke=INK, strokeWidth=2.5),
        texts("rows", x=0, y=of("words"), text=of("label"), fontSize=LARGE),
        texts("rows", x=WIDTH, y=of("words"), align="right", fontSize=LARGE, fontWeight=600),
    ]  # fmt: skip
    foot = legend(list(_entries(chart)), height + (58 if chart.axis else 38))
    return drawing(
        (WIDTH, height),
        data | foot["data"],
        [linear("x", domain, WIDTH, padding=6)],
        [axis("x", fitted(chart.axis, WIDTH), domain, labelPadding=3, tickCount=6)],
        [*marks, *foot["marks"]],
    )


def _rows(marks: Sequence[Mark], factor: float, most: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for row, each in enumerate(marks):
        ink, shape = TONES.get(each.tone, PLAIN)
        value = fitted(each.text, 170, LARGE)
        left = WIDTH - 12 - BOLD * breadth(value, LARGE)
        rows.append(
            {
                "label": fitted(each.label, left, LARGE),
                "text": value,
                "ink": ink,
                "shape": shape,
                "low": min(near(each.low * factor), most),
                "estimate": min(near(each.estimate * factor), most),
                "high": min(near(each.high * factor), most),
                "words": row * _STEP + 16,
                "middle": row * _STEP + _MIDDLE,
                "top": row * _STEP + _MIDDLE - _TRACK / 2,
                "bottom": row * _STEP + _MIDDLE + _TRACK / 2,
            }
        )
        if each.reference is not None:
            rows[-1]["reference"] = min(near(each.reference * factor), most)
    return rows


def _guides(chart: Chart, factor: float) -> list[dict[str, Any]]:
    """List the lines that cross every track."""
    faint = {"line": INK, "strength": 0.7, "wide": 1, "dash": [], "over": 0}
    guides: list[dict[str, Any]] = []
    if chart.kind == "ratios":
        fifths = {"line": BIASED, "strength": 1, "wide": 2, "dash": [], "over": -2}
        guides += [{"at": 1.0, **faint}, {"at": FOUR_FIFTHS, **fifths}]
    elif chart.kind == "bars" or (chart.kind == "gaps" and chart.band is not None):
        guides.append({"at": 0.0, **faint})
    for guide, pen in zip(chart.lines, _pens(chart), strict=True):
        drawn = {"line": pen.ink, "strength": 1, "wide": 2, "dash": list(pen.dash), "over": -2}
        guides.append({"at": near(guide.x * factor), **drawn})
    return guides


def _pens(chart: Chart) -> list[Pen]:
    return [
        Pen(TONES[line.tone][0] if line.tone in TONES else INK, _DASHES[(i + 1) % 4], "")
        for i, line in enumerate(chart.lines)
    ]


def _entries(chart: Chart) -> Iterator[Entry]:
    if chart.band is not None and chart.band_label:
        yield Entry("shade", Pen(INK, (), ""), chart.band_label)
    for line, pen in zip(chart.lines, _pens(chart), strict=True):
        if line.label:
            yield Entry("tick", pen, line.label)
    if chart.reference_label and any(each.reference is not None for each in chart.marks):
        yield Entry("tick", _REFERENCE, chart.reference_label)


def _domain(chart: Chart, factor: float) -> tuple[float, float]:
    ends = [near(end * factor) for each in chart.marks for end in (each.low, each.high)]
    ends += [near(each.estimate * factor) for each in chart.marks]
    if chart.kind == "ratios":
        # A ratio may have no upper bound: then its interval leaves the chart.
        most = 1.5 * max(1.0, *(near(each.estimate) for each in chart.marks), 1.0)
        ends = [min(end, most) for end in ends] + [FOUR_FIFTHS - 0.05, 1.05]
    ends += [near(line.x * factor) for line in chart.lines]
    ends += [near(m.reference * factor) for m in chart.marks if m.reference is not None]
    if chart.band is not None:
        # The band is seen whole unless the gaps are much narrower.
        ends += [0.0, *(near(edge * factor) for edge in chart.band)]
    elif chart.kind == "bars" or chart.lines:
        ends += [0.0]
    elif chart.share and chart.kind != "ratios":
        ends += [0.0, 100.0]
    low, high = room(ends, 0.04 if chart.band is not None and chart.kind == "gaps" else 0.0)
    # No row can stand left of nothing.
    return (
        (max(low, 0.0), high) if ends and min(ends) >= 0.0 and chart.kind == "bars" else (low, high)
    )
