"""A chart as an inline SVG element: the only file that meets Altair and vl-convert."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from paribus._text import shortened
from paribus.report._parts import Chart, Mark

WIDTH = 440
_STEP = 52
_TRACK = 22
"""Height of the part of a row that holds the number; its label stands above."""
_LABEL = 40
"""Characters of a label; the tables have more."""

_FAR = 1e300
_INK = "currentColor"
_SVG = "{http://www.w3.org/2000/svg}"

# Okabe and Ito (2008): colors that the color-blind can tell apart. The page may override them, to
# suit a dark background; the shapes differ as well.
_TONES = {
    "biased": ("var(--biased, #d55e00)", "diamond"),
    "within tolerance": ("var(--within, #0072b2)", "circle"),
    "inconclusive": ("var(--inconclusive, #808080)", "square"),
    "muted": ("var(--inconclusive, #808080)", "circle"),
}
_PLAIN = ("var(--within, #0072b2)", "circle")

_ELEMENTS = frozenset(
    {"svg", "g", "path", "line", "rect", "circle", "text", "tspan", "title", "desc"}
)
_ATTRIBUTES = frozenset(
    {
        *("width", "height", "viewBox", "transform", "d", "x", "y", "x1", "x2", "y1", "y2"),
        *("fill", "stroke", "opacity", "fill-opacity", "stroke-opacity", "stroke-width"),
        *("stroke-dasharray", "stroke-linecap", "stroke-linejoin", "text-anchor"),
        *("font-size", "font-weight"),
    }
)
_DECIMALS = re.compile(r"-?\d+\.\d{2,}")


def draw(chart: Chart, key: str) -> str:
    """Draw a chart as one ``<svg>`` element that can stand inside an HTML page.

    Parameters
    ----------
    chart : Chart
        What to show.
    key : str
        A name that no other chart of the page has, for the ids inside the drawing.

    Returns
    -------
    str
        Well-formed XML: shapes and text only, with a title and a description for screen readers;
        no script, no links, no styles. Its ink is that of the page (``currentColor``).
    """
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(_specification(chart))
    return _cleaned(drawn, chart, key)


def _specification(chart: Chart) -> dict[str, Any]:
    import altair as alt

    factor = 100.0 if chart.share else 1.0
    low, high = _domain(chart, factor)
    small = max(abs(low), abs(high)) < 1e-3
    axis = alt.Axis(
        title=chart.axis,
        tickCount=6,
        format="~e" if small or max(abs(low), abs(high)) >= 1e7 else ",f",
        domain=False,
        ticks=False,
        labelFlush=True,
    )
    scale = alt.Scale(domain=[low, high], nice=False, zero=False, padding=6)

    def along(field: str) -> Any:
        return alt.X(field, type="quantitative", scale=scale, axis=axis)

    data = alt.Data(values=_rows(chart.marks, factor))  # type: ignore[no-untyped-call]
    rows = alt.Y("row", type="ordinal", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0))
    base = alt.Chart(data)
    inks = [_TONES.get(mark.tone, _PLAIN) for mark in chart.marks]
    layers: list[Any] = list(_ground(chart, factor, base, along, rows))
    for ink, shape in dict.fromkeys(inks):
        mine = base.transform_filter(alt.FieldEqualPredicate(field="ink", equal=f"{ink} {shape}"))
        layers += [
            mine.mark_rule(color=ink, strokeWidth=3, strokeCap="round", yOffset=11).encode(
                x=along("low"), x2="high", y=rows
            ),
            mine.mark_point(
                color=ink, fill=ink, shape=shape, filled=True, size=110, opacity=1, yOffset=11
            ).encode(x=along("estimate"), y=rows),
        ]
    label = base.mark_text(align="left", fontSize=15, limit=WIDTH - 150, dy=-10, color=_INK)
    value = base.mark_text(
        align="right", fontSize=15, fontWeight=600, limit=140, dy=-10, color=_INK
    )
    layers += [
        label.encode(x=alt.value(0), y=rows, text=alt.Text("label", type="nominal")),
        value.encode(x=alt.value(WIDTH), y=rows, text=alt.Text("text", type="nominal")),
    ]
    whole = alt.layer(*layers, width=WIDTH, height=_STEP * max(1, len(chart.marks)))
    whole = whole.properties(background="transparent", padding=4).configure(font="sans-serif")
    styled = whole.configure_view(stroke=None).configure_axis(
        labelColor=_INK,
        titleColor=_INK,
        gridColor=_INK,
        gridOpacity=0.1,
        labelFontSize=13,
        titleFontSize=13,
        titleFontWeight="normal",
    )
    specification: dict[str, Any] = styled.to_dict()
    return specification


def _ground(chart: Chart, factor: float, base: Any, along: Any, rows: Any) -> Sequence[Any]:
    if chart.band is None:
        return ()
    start, end = (_near(edge * factor) for edge in chart.band)
    track = base.transform_calculate(start=str(start), end=str(end), zero="0")
    band = track.mark_bar(color=_INK, opacity=0.14, height=_TRACK, yOffset=11)
    zero = track.mark_tick(color=_INK, opacity=0.7, size=_TRACK, thickness=1, yOffset=11)
    return (
        band.encode(x=along("start"), x2="end", y=rows),
        zero.encode(x=along("zero"), y=rows),
    )


def _rows(marks: Sequence[Mark], factor: float) -> list[dict[str, Any]]:
    return [
        {
            "row": row,
            "label": shortened(mark.label, _LABEL),
            "text": mark.text,
            "ink": " ".join(_TONES.get(mark.tone, _PLAIN)),
            "low": _near(mark.low * factor),
            "estimate": _near(mark.estimate * factor),
            "high": _near(mark.high * factor),
        }
        for row, mark in enumerate(marks)
    ]


def _domain(chart: Chart, factor: float) -> tuple[float, float]:
    ends = [_near(end * factor) for mark in chart.marks for end in (mark.low, mark.high)]
    if chart.band is not None:
        # The band is seen whole unless the gaps are much narrower.
        ends += [0.0, *(_near(edge * factor) for edge in chart.band)]
    elif chart.share:
        ends += [0.0, 100.0]
    low, high = min(ends, default=0.0), max(ends, default=0.0)
    room = (high - low) * 0.04 if chart.band is not None else 0.0
    if high - low <= abs(high) * 1e-9:
        room = abs(high) * 0.1 or 1.0
    return low - room, high + room


def _near(value: float) -> float:
    return min(max(value, -_FAR), _FAR)


def _cleaned(drawn: str, chart: Chart, key: str) -> str:
    root = ET.fromstring(drawn)  # noqa: S314 - reads what vl-convert wrote
    _keep(root)
    root.set("role", "img")
    root.set("aria-labelledby", f"{key}-title {key}-desc")
    root.set("font-family", "inherit")
    root.set("fill", "none")
    for position, (tag, text) in enumerate((("title", chart.title), ("desc", chart.description))):
        told = ET.Element(_SVG + tag, {"id": f"{key}-{tag}"})
        told.text = text
        root.insert(position, told)
    ET.register_namespace("", "http://www.w3.org/2000/svg")
    return ET.tostring(root, encoding="unicode")


def _keep(element: ET.Element) -> None:
    """Keep shapes and text, and drop everything else, empty groups and hidden marks included."""
    for child in list(element):
        _keep(child)
        hidden = child.get("display") == "none" or child.get("d") == "" or _blank(child)
        if child.tag.removeprefix(_SVG) not in _ELEMENTS or hidden:
            element.remove(child)
    for attribute, content in list(element.attrib.items()):
        default = (attribute, content) in {("opacity", "1"), ("stroke-width", "0")}
        if attribute not in _ATTRIBUTES or "url(" in content or default:
            del element.attrib[attribute]
        else:
            element.set(attribute, _DECIMALS.sub(lambda found: f"{float(found[0]):.1f}", content))


def _blank(element: ET.Element) -> bool:
    if element.tag == f"{_SVG}g":
        return len(element) == 0
    painted = element.get("fill", "none") != "none" or element.get("stroke", "none") != "none"
    return element.tag == f"{_SVG}path" and not painted
