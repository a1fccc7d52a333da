"""Numbers along an axis: stretches on which they hold, or intervals that narrow."""

from __future__ import annotations

from typing import Any

from paribus.report._drawn import (
    FAR,
    INK,
    PLAIN,
    WIDTH,
    axis,
    decades,
    drawing,
    fitted,
    linear,
    mark,
    near,
    of,
)
from paribus.report._parts import Curve

_WIDE = WIDTH - 60
_HIGH = 190


def steps(chart: Curve) -> dict[str, Any]:
    """Lay out a curve: its band, its line of zero, and the numbers with their intervals.

    Parameters
    ----------
    chart : Curve
        What to show; it has a stretch.

    Returns
    -------
    dict
        A Vega specification.
    """
    factor = 100.0 if chart.share else 1.0
    sequence = chart.kind == "sequence"
    up = _window(chart, factor)
    low, high = up
    first = near(chart.stretches[0].start)
    last = near(max(each.end for each in chart.stretches))
    if sequence:
        first, last = max(first, 1.0), max(last, 2.0)
    rows = [
        {
            "start": near(each.start),
            "end": near(each.end),
            **{
                end: min(max(near(getattr(each.mark, end) * factor), low), high)
                for end in ("low", "estimate", "high")
            },
        }
        for each in chart.stretches
    ]
    start, end = (min(max(near(edge * factor), low), high) for edge in chart.band or (0.0, 0.0))
    ground = [{"first": first, "last": last, "from": start, "to": end, "zero": 0.0}]
    across = {"x": of("first", "x"), "x2": of("last", "x")}
    marks = [
        mark("rect", "ground", **across, y=of("from", "y"), y2=of("to", "y"), fill=INK,
             fillOpacity=0.14),
        mark("rule", "ground", **across, y=of("zero", "y"), stroke=INK, strokeOpacity=0.7),
        *(_narrowing() if sequence else _held()),
    ]  # fmt: skip
    scale = linear("x", (first, last), _WIDE) | ({"type": "log"} if sequence else {})
    below = axis("x", fitted(chart.along, _WIDE), (first, last), ticks=True)
    below |= {"values": decades(first, last)} if sequence else {}
    if not sequence and first >= 1_000 and last < 3_000 and _whole(chart):
        # A year has no thousands to set apart.
        below["format"] = "d"
    beside = axis("y", fitted(chart.axis, _HIGH + 20), up, titlePadding=12)
    data = {"rows": rows, "ground": ground}
    return drawing((_WIDE, _HIGH), data, [scale, linear("y", up, _HIGH)], [beside, below], marks)


def _held() -> list[dict[str, Any]]:
    along = {"x": of("start", "x"), "x2": of("end", "x")}
    return [
        mark("rect", "rows", **along, y=of("low", "y"), y2=of("high", "y"), fill=PLAIN[0],
             fillOpacity=0.25),
        mark("rule", "rows", **along, y=of("estimate", "y"), stroke=PLAIN[0], strokeWidth=3),
    ]  # fmt: skip


def _narrowing() -> list[dict[str, Any]]:
    along = {"x": of("start", "x"), "interpolate": "step-after"}
    return [
        mark("area", "rows", **along, y=of("low", "y"), y2=of("high", "y"), fill=PLAIN[0],
             fillOpacity=0.3),
        *(
            mark("line", "rows", **along, y=of(edge, "y"), stroke=PLAIN[0], strokeWidth=1.5)
            for edge in ("low", "high")
        ),
    ]  # fmt: skip


def _whole(chart: Curve) -> bool:
    return all(float(each.start).is_integer() for each in chart.stretches)


def _window(chart: Curve, factor: float) -> tuple[float, float]:
    """Choose the range of numbers that is drawn."""
    band = [near(edge * factor) for edge in chart.band or ()]
    marks = [each.mark for each in chart.stretches]
    if chart.kind == "sequence":
        # At first an interval is everything that there can be: what matters comes last.
        marks = marks[-max(1, len(marks) // 2) :]
    ends = [0.0, *band, *(near(e * factor) for mark in marks for e in (mark.low, mark.high))]
    low, high = min(ends), max(ends)
    room = (high / 2 - low / 2) * 0.1 or 1.0
    return max(low - room, -FAR), min(high + room, FAR)
