"""A heat map: tiles over two axes of names, their numbers written in them."""

from __future__ import annotations

from typing import Any

from paribus.report._drawn import INK, WIDTH, breadth, drawing, fitted, mark, near, of, texts
from paribus.report._parts import HeatMap

_WIDEST_LABEL = 150
_SLANTED = 110
_BELOW = ("var(--biased, #d55e00)", "var(--within, #0072b2)")
"""Ink of a number below zero, and of any other."""


def tiles(chart: HeatMap) -> dict[str, Any]:
    """Lay out a heat map in pixels: labels are data, so none can be taken for an expression.

    Parameters
    ----------
    chart : HeatMap
        What to show; it has a row, a column and a tile.

    Returns
    -------
    dict
        A Vega specification.
    """
    margin = min(_WIDEST_LABEL, 14 + max(map(breadth, chart.rows)))
    wide = (WIDTH - margin) / len(chart.columns)
    high = min(38.0, max(26.0, 300 / len(chart.rows)))
    bottom = len(chart.rows) * high
    slanted = any(breadth(label) > wide - 4 for label in chart.columns)
    foot = bottom + (92 if slanted else 34)
    drawn = _placed(chart, margin, wide, high)
    data: dict[str, list[dict[str, Any]]] = {
        "tiles": drawn,
        "faint": [tile for tile in drawn if tile["faint"]],
        "numbers": [{**tile} for tile in drawn if tile["text"]],
        "down": [
            {"x": margin - 6, "y": (i + 0.5) * high, "text": fitted(label, margin - 8)}
            for i, label in enumerate(chart.rows)
        ],
        "across": [
            {
                "x": margin + (i + 0.5) * wide,
                "y": bottom + 12,
                "text": fitted(label, _SLANTED if slanted else wide),
            }
            for i, label in enumerate(chart.columns)
        ],
        "over": [{"x": 0, "y": -14, "text": fitted(f"↓ {chart.down}", WIDTH)}],
        "under": [{"x": WIDTH, "y": foot, "text": fitted(f"{chart.along} →", WIDTH)}],
    }
    corners = {"x": of("x"), "x2": of("x2"), "y": of("y"), "y2": of("y2")}
    turned = {"angle": 320, "align": "right"} if slanted else {"align": "center"}
    at = {"x": of("x"), "y": of("y")}
    marks = [
        mark("rect", "tiles", **corners, fill=of("ink"), fillOpacity=of("strength")),
        mark("rect", "faint", **corners, stroke=INK, strokeOpacity=0.5, strokeDash=[3, 3]),
        texts("numbers", x=of("middle"), y=of("center"), align="center", opacity=of("clear")),
        texts("down", **at, align="right"),
        texts("across", **at, **turned),
        texts("over", **at),
        texts("under", **at, align="right"),
    ]
    return drawing((WIDTH, bottom), data, [], [], marks)


def _placed(chart: HeatMap, margin: float, wide: float, high: float) -> list[dict[str, Any]]:
    widest = max(abs(near(tile.value)) for tile in chart.tiles) or 1.0
    return [
        {
            "x": margin + tile.column * wide + 1,
            "x2": margin + (tile.column + 1) * wide - 1,
            "y": tile.row * high + 1,
            "y2": (tile.row + 1) * high - 1,
            "middle": margin + (tile.column + 0.5) * wide,
            "center": (tile.row + 0.5) * high,
            "text": tile.text if breadth(tile.text) <= wide - 4 else "",
            "strength": round(0.04 + 0.56 * abs(near(tile.value)) / widest, 3)
            * (0.35 if tile.faint else 1),
            "ink": _BELOW[0 if tile.value < 0 else 1],
            "clear": 0.7 if tile.faint else 1,
            "faint": tile.faint,
        }
        for tile in chart.tiles
    ]
