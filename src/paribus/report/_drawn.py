"""What drawings share: inks, room for text, axes and legends, as plain Vega data.

A drawing is a dictionary in the Vega grammar (Satyanarayan et al., 2016, IEEE TVCG 22:659-668),
which is what Vega-Lite is compiled to: pixels and scales stand side by side in it, and nothing has
to be copied or compiled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from unicodedata import combining, east_asian_width

from paribus._text import shortened

WIDTH = 440
INK = "currentColor"
PAPER = "var(--paper, #ffffff)"
SMALL = 13
LARGE = 15
BOLD = 1.1
"""How much wider heavy letters are."""

FAR = 1e300
_NARROW = frozenset("fijlrtI.,:;'|!()[]- ")
_BROAD = frozenset("MWmw@%\N{HORIZONTAL ELLIPSIS}\N{EM DASH}")
_LONGEST = 120
"""Characters of a text that are looked at, however long it is."""

# Okabe and Ito (2008): colors that the color-blind can tell apart. The page may override them, to
# suit a dark background; the shapes differ as well.
BIASED = "var(--biased, #d55e00)"
TONES = {
    "biased": (BIASED, "diamond"),
    "within tolerance": ("var(--within, #0072b2)", "circle"),
    "inconclusive": ("var(--inconclusive, #808080)", "square"),
    "muted": ("var(--inconclusive, #808080)", "circle"),
}
PLAIN = ("var(--within, #0072b2)", "circle")
STAR = "M0,-1L.24,-.33L.95,-.31L.38,.13L.59,.81L0,.41L-.59,.81L-.38,.13L-.95,-.31L-.24,-.33Z"


@dataclass(frozen=True)
class Pen:
    """How one of several lines is told from the others, with color and without."""

    ink: str
    dash: tuple[int, ...]
    shape: str


PENS = (
    Pen(INK, (), "circle"),
    Pen("var(--series-2, #0072b2)", (8, 4), "square"),
    Pen("var(--series-3, #d55e00)", (2, 3), "triangle-up"),
    Pen("var(--series-4, #009e73)", (10, 3, 2, 3), "diamond"),
    Pen("var(--series-5, #cc79a7)", (14, 4), "triangle-down"),
    Pen("var(--series-6, #e69f00)", (5, 2), "cross"),
    Pen("var(--series-7, #56b4e9)", (10, 3, 2, 3, 2, 3), "triangle-right"),
    Pen("var(--series-8, #f0e442)", (2, 6), "triangle-left"),
)
"""As many lines as a reader can tell apart."""
FAINT = Pen("var(--inconclusive, #808080)", (), "")


@dataclass(frozen=True)
class Entry:
    """One line of a legend: a sample and what it stands for."""

    sample: Literal["line", "tick", "shade", "symbol", "open", "note"]
    pen: Pen
    text: str


# --- numbers --------------------------------------------------------------------------------------


def near(value: float) -> float:
    """Keep a number where doubles can still be subtracted and divided."""
    return 0.0 if abs(value) < 1 / FAR else min(max(value, -FAR), FAR)


def room(ends: Iterable[float], share: float = 0.0) -> tuple[float, float]:
    """Choose what an axis shows: all of the numbers, and some room where they are all the same."""
    found = list(ends)
    low, high = min(found, default=0.0), max(found, default=0.0)
    more = (high - low) * share
    if high - low <= abs(high) * 1e-9:
        more = abs(high) * 0.1 or 1.0
    return near(low - more), near(high + more)


def tick_format(low: float, high: float) -> str:
    """Choose how ticks are written."""
    size = max(abs(low), abs(high))
    return "~e" if size < 1e-3 or size >= 1e7 else ",~f"


def decades(first: float, last: float) -> list[float]:
    """Choose the ticks of a logarithmic axis."""
    powers = range(math.floor(math.log10(first)), math.ceil(math.log10(last)) + 1)
    steps = (1, 2, 5) if last / first < 100 else (1,)
    # Of very many decades, as many as there is room for.
    powers = powers[:: 1 + len(powers) // 12]
    marks = [float(f"{step}e{power}") for power in powers for step in steps]
    return [mark for mark in marks if first <= mark <= last]


def simplified(path: Sequence[tuple[float, float]], off: float = 0.3) -> list[int]:
    """Choose the points of a path in pixels without which it would look different.

    Every point that is left out lies within ``off`` pixels of what is drawn (Douglas and Peucker,
    1973, Cartographica 10:112-122).
    """
    if len(path) < 3:
        return list(range(len(path)))
    kept = {0, len(path) - 1}
    left = [(0, len(path) - 1)]
    while left:
        first, last = left.pop()
        (x, y), (end_x, end_y) = path[first], path[last]
        across, down = end_x - x, end_y - y
        far, farthest = off, 0
        for i in range(first + 1, last):
            at_x, at_y = path[i][0] - x, path[i][1] - y
            whole = across**2 + down**2
            part = min(max((at_x * across + at_y * down) / whole, 0.0), 1.0) if whole else 0.0
            away = math.hypot(at_x - part * across, at_y - part * down)
            if away > far:
                far, farthest = away, i
        if farthest:
            kept.add(farthest)
            left += [(first, farthest), (farthest, last)]
    return sorted(kept)


# --- room for text --------------------------------------------------------------------------------


def breadth(text: str, size: float = SMALL) -> float:
    """Estimate how wide a text is in pixels, in the widest of the fonts that a page may meet."""
    return size * sum(map(_ems, text))


def fitted(text: str, width: float, size: float = SMALL) -> str:
    """Cut a text in its middle until it fits into so many pixels."""
    short = shortened(text, _LONGEST)
    while len(short) > 4 and breadth(short, size) > width:
        kept = min(len(short) - 1, int(len(short) * width / breadth(short, size)))
        short = shortened(text, max(4, kept))
    return short


def _ems(character: str) -> float:
    if combining(character):
        return 0.0
    if character in _NARROW:
        return 0.42
    if character in _BROAD:
        return 1.0
    if east_asian_width(character) in "WF":
        return 1.05
    return 0.65 if character.islower() or character.isdigit() else 0.84


# --- the grammar ----------------------------------------------------------------------------------


def of(field: str, scale: str = "", **more: Any) -> dict[str, Any]:
    """Take a channel from the data, along a scale or, without one, in pixels."""
    return {"field": field, **({"scale": scale} if scale else {}), **more}


def mark(kind: str, data: str, **channels: Any) -> dict[str, Any]:
    """Draw something for each row of the data; a channel that is no rule is a constant."""
    rules = {
        name: rule if isinstance(rule, dict) else {"value": rule} for name, rule in channels.items()
    }
    return {"type": kind, "from": {"data": data}, "encode": {"enter": rules}}


def texts(data: str, **channels: Any) -> dict[str, Any]:
    """Write the field ``text`` of each row; the drawing must have room for it."""
    default = {"text": of("text"), "fontSize": SMALL, "fill": INK, "baseline": "middle"}
    return mark("text", data, **{**default, **channels})


def _stood_in(
    data: dict[str, list[dict[str, Any]]], marks: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Let one letter stand in for each text: to measure a name takes a millisecond.

    The texts are put in place once all is drawn; until then an item is told by its description.
    """
    words: list[str] = []
    changed = []
    for drawn in marks:
        rules = drawn.get("encode", {}).get("enter", {})
        field = rules.get("text", {}).get("field")
        if field is not None and drawn.get("name") != "measured":
            for row in data[drawn["from"]["data"]]:
                row[f"{field} at"] = f"{len(words)}"
                words.append(row.pop(field))
            letter = {"text": {"value": "x"}, "description": of(f"{field} at")}
            drawn = {**drawn, "encode": {"enter": {**rules, **letter}}}
        changed.append(drawn)
    return changed, words


def linear(name: str, domain: tuple[float, float], size: float, **more: Any) -> dict[str, Any]:
    """Map a range of numbers to pixels, upward where the scale is called ``y``."""
    ends = [size, 0] if name == "y" else [0, size]
    whole = {"type": "linear", "domain": list(domain), "range": ends, "zero": False, "nice": False}
    return {"name": name, **whole, **more}


def axis(scale: str, title: str, domain: tuple[float, float], **more: Any) -> dict[str, Any]:
    """Write an axis: the horizontal one below, the vertical one at the left."""
    shown = {
        "scale": scale,
        "orient": "left" if scale == "y" else "bottom",
        "title": title,
        "tickCount": 5,
        "format": tick_format(*domain),
        "domain": False,
        "ticks": False,
        "grid": True,
        "labelOverlap": True,
        # Beside a number at the very edge there is nothing to the right.
        "labelFlush": scale == "x",
        # Below the lowest number of the other axis.
        "labelPadding": 8 if scale == "x" else 7,
        "zindex": 0,
    }
    return {**shown, **more}


def legend(entries: Sequence[Entry], top: float, left: float = 0.0) -> dict[str, Any]:
    """Write a legend below a drawing, in two columns where all of its texts are short.

    Returns
    -------
    dict
        Parts of a drawing: its ``data`` and its ``marks``, for :func:`drawing`.
    """
    sample, high = 40, 22
    half = WIDTH / 2
    beside = len(entries) > 2 and all(breadth(e.text) <= half - sample - 8 for e in entries)
    rows = []
    for place, entry in enumerate(entries):
        down, across = divmod(place, 2) if beside else (place, 0)
        start = left + across * half
        rows.append(
            {
                "sample": entry.sample,
                "start": start,
                "end": start + 32,
                "middle": start + 16,
                "words": start + (0 if entry.sample == "note" else sample),
                "y": top + down * high,
                "above": top + down * high - 8,
                "below": top + down * high + 8,
                "ink": entry.pen.ink,
                "dash": list(entry.pen.dash),
                "shape": entry.pen.shape or "circle",
                "wide": 2 if entry.pen.shape else 1,
                "strength": 0.14 if entry.pen.ink == INK else 0.18,
                "size": 160 if entry.pen.shape == STAR else 70,
                "text": fitted(entry.text, WIDTH - sample),
            }
        )
    parts: dict[str, list[dict[str, Any]]] = {
        "line": [row for row in rows if row["sample"] == "line"],
        "tick": [row for row in rows if row["sample"] == "tick"],
        "shade": [row for row in rows if row["sample"] == "shade"],
        "open": [row for row in rows if row["sample"] == "open"],
    }
    shaped = [row for row in rows if row["sample"] == "symbol" or row["wide"] == 2]
    parts["symbol"] = [row for row in shaped if row["sample"] in {"line", "symbol"}]
    stroked = {"stroke": of("ink"), "strokeDash": of("dash")}
    middle = of("middle")
    marks = [
        mark("rule", "legend-line", x=of("start"), x2=of("end"), y=of("y"),
             strokeWidth=of("wide"), **stroked),
        mark("rule", "legend-tick", x=middle, y=of("above"), y2=of("below"),
             strokeWidth=2, **stroked),
        mark("rect", "legend-shade", x=of("start"), x2=of("end"), y=of("above"), y2=of("below"),
             fill=of("ink"), fillOpacity=of("strength")),
        mark("symbol", "legend-symbol", x=middle, y=of("y"), fill=of("ink"), shape=of("shape"),
             size=of("size")),
        mark("symbol", "legend-open", x=middle, y=of("y"), fill=PAPER, stroke=of("ink"),
             strokeWidth=1.5, shape=of("shape"), size=of("size")),
    ]  # fmt: skip
    used = [m for m in marks if parts[m["from"]["data"].removeprefix("legend-")]]
    data = {f"legend-{kind}": values for kind, values in parts.items() if values}
    words = [texts("legend", x=of("words"), y=of("y"))] if rows else []
    return {"data": {**data, "legend": rows}, "marks": [*used, *words]}


def drawing(
    size: tuple[float, float],
    data: dict[str, list[dict[str, Any]]],
    scales: Sequence[dict[str, Any]],
    axes: Sequence[dict[str, Any]],
    marks: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Put a drawing together, in the look of all of them.

    Parameters
    ----------
    size : tuple
        Width and height of the part between the axes, in pixels; axes and legends come on top.
    data : dict
        Rows for the marks, by name.
    scales, axes, marks : sequence of dict
        In the Vega grammar; the last mark is on top.

    Returns
    -------
    dict
        A whole Vega specification; the texts that one letter stands in for are its ``usermeta``.
    """
    marks, words = _stood_in(data, marks)
    return {
        "usermeta": {"words": words},
        "width": size[0],
        "height": size[1],
        "padding": 4,
        "autosize": "pad",
        "data": [{"name": name, "values": rows} for name, rows in data.items()],
        "scales": list(scales),
        "axes": list(axes),
        "marks": marks,
        "config": {
            "axis": {
                "labelColor": INK,
                "titleColor": INK,
                "gridColor": INK,
                "tickColor": INK,
                "gridOpacity": 0.1,
                "labelFontSize": SMALL,
                "titleFontSize": SMALL,
                "titleFontWeight": "normal",
            }
        },
    }
