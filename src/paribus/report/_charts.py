"""A chart as an inline SVG element: the only file that meets Altair and vl-convert."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from paribus._text import shortened
from paribus.report._drawn import FAR, INK, PLAIN, WIDTH, decades, near, tick_format
from paribus.report._histogram import histogram
from paribus.report._lines import lines
from paribus.report._parts import (
    Chart,
    Curve,
    Drawing,
    HeatMap,
    Histogram,
    Lines,
    Scatter,
    Tradeoff,
)
from paribus.report._scatter import scatter
from paribus.report._tracks import tracks
from paribus.report._tradeoff import tradeoff

_HEIGHT = 190
"""Height of a curve."""
_LABEL = 40
"""Characters of a label; the tables have more."""
_TILE_LABEL = 18
"""Characters of a label beside or below a heat map."""

_SVG = "{http://www.w3.org/2000/svg}"

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


def draw(chart: Drawing, key: str) -> str:
    """Draw a chart as one ``<svg>`` element that can stand inside an HTML page.

    Parameters
    ----------
    chart : Chart, Curve, HeatMap, Lines, Scatter, Tradeoff or Histogram
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

    match chart:
        case Curve():
            drawn = vl_convert.vegalite_to_svg(_curve(chart))
        case HeatMap():
            drawn = vl_convert.vegalite_to_svg(_map(chart))
        case Chart() | Lines() | Scatter() | Tradeoff() | Histogram():
            specification = _plain(chart)
            words = specification.pop("usermeta")["words"]
            return _cleaned(vl_convert.vega_to_svg(specification), chart, key, words)
    return _cleaned(drawn, chart, key)


def _plain(chart: Chart | Lines | Scatter | Tradeoff | Histogram) -> dict[str, Any]:
    match chart:
        case Chart():
            return tracks(chart)
        case Lines():
            return lines(chart)
        case Scatter():
            return scatter(chart)
        case Tradeoff():
            return tradeoff(chart)
        case Histogram():
            return histogram(chart)


def _styled(whole: Any, **datasets: Any) -> dict[str, Any]:
    """Finish a chart, and put its data beside it: in each layer they would be copied and copied."""
    whole = whole.properties(background="transparent", padding=4).configure(font="sans-serif")
    styled = whole.configure_view(stroke=None).configure_axis(
        labelColor=INK,
        titleColor=INK,
        gridColor=INK,
        gridOpacity=0.1,
        labelFontSize=13,
        titleFontSize=13,
        titleFontWeight="normal",
    )
    # Checked in the tests: checking each of a hundred charts against the schema takes seconds.
    specification: dict[str, Any] = styled.to_dict(validate=False)
    return {**specification, "datasets": datasets}


# --- numbers along an axis ------------------------------------------------------------------------


def _curve(chart: Curve) -> dict[str, Any]:
    import altair as alt

    factor = 100.0 if chart.share else 1.0
    sequence = chart.kind == "sequence"
    low, high = _window(chart, factor)
    first, last = chart.stretches[0].start, max(each.end for each in chart.stretches)
    if sequence:
        first, last = max(first, 1.0), max(last, 2.0)
    values = [
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
    whole = all(float(cut).is_integer() for each in chart.stretches for cut in (each.start,))
    years = whole and first >= 1_000 and last < 3_000
    x_axis = alt.Axis(
        title=shortened(chart.along, _LABEL),
        values=decades(first, last) if sequence else alt.Undefined,
        tickCount=5,
        format="d" if years and not sequence else tick_format(first, last),
        domain=False,
        labelFlush=True,
        labelOverlap=True,
    )
    y_axis = alt.Axis(
        title=shortened(chart.axis, _LABEL),
        titlePadding=12,
        tickCount=5,
        format=tick_format(low, high),
        domain=False,
        ticks=False,
    )
    x_scale = alt.Scale(type="log" if sequence else "linear", domain=[first, last], nice=False)
    y_scale = alt.Scale(domain=[low, high], nice=False, zero=False)

    def along(field: str) -> Any:
        return alt.X(field, type="quantitative", scale=x_scale, axis=x_axis)

    def up(field: str) -> Any:
        return alt.Y(field, type="quantitative", scale=y_scale, axis=y_axis)

    base = alt.Chart(alt.NamedData("rows"))
    start, end = (min(max(near(e * factor), low), high) for e in chart.band or (0.0, 0.0))
    band = [{"first": first, "last": last, "from": start, "to": end, "zero": 0.0}]
    ground = alt.Chart(alt.NamedData("band"))
    layers = [
        ground.mark_rect(color=INK, opacity=0.14).encode(
            x=along("first"), x2="last", y=up("from"), y2="to"
        ),
        ground.mark_rule(color=INK, opacity=0.7).encode(x=along("first"), x2="last", y=up("zero")),
    ]
    ink = PLAIN[0]
    if sequence:
        layers += [
            base.mark_area(color=ink, opacity=0.3, interpolate="step-after").encode(
                x=along("start"), y=up("low"), y2="high"
            )
        ]
        for edge in ("low", "high"):
            layers.append(
                base.mark_line(color=ink, strokeWidth=1.5, interpolate="step-after").encode(
                    x=along("start"), y=up(edge)
                )
            )
    else:
        layers += [
            base.mark_rect(color=ink, opacity=0.25).encode(
                x=along("start"), x2="end", y=up("low"), y2="high"
            ),
            base.mark_rule(color=ink, strokeWidth=3).encode(
                x=along("start"), x2="end", y=up("estimate")
            ),
        ]
    drawn = alt.layer(*layers, width=WIDTH - 60, height=_HEIGHT)
    return _styled(drawn, rows=values, band=band)


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


# --- two axes -------------------------------------------------------------------------------------


def _map(chart: HeatMap) -> dict[str, Any]:
    import altair as alt

    margin = min(150, 14 + 8 * max(len(shortened(row, _TILE_LABEL)) for row in chart.rows))
    wide = (WIDTH - margin) / len(chart.columns)
    high = min(38.0, max(26.0, 300 / len(chart.rows)))
    widest = max(abs(near(tile.value)) for tile in chart.tiles) or 1.0
    tiles = [
        {
            "x": margin + tile.column * wide + 1,
            "x2": margin + (tile.column + 1) * wide - 1,
            "y": tile.row * high + 1,
            "y2": (tile.row + 1) * high - 1,
            "middle": margin + (tile.column + 0.5) * wide,
            "center": (tile.row + 0.5) * high,
            "text": tile.text if 8 * len(tile.text) <= wide - 4 else "",
            "strength": round(0.04 + 0.56 * abs(near(tile.value)) / widest, 3)
            * (0.35 if tile.faint else 1),
            "below": tile.value < 0,
            "faint": tile.faint,
        }
        for tile in chart.tiles
    ]

    def place(field: str, channel: Any) -> Any:
        return channel(field, type="quantitative", scale=None, axis=None)

    datasets: dict[str, Any] = {"tiles": tiles}

    def layer(values: list[dict[str, Any]]) -> Any:
        datasets[f"labels{len(datasets)}"] = values
        return alt.Chart(alt.NamedData(f"labels{len(datasets) - 1}"))

    base = alt.Chart(alt.NamedData("tiles"))
    # In pixels: labels are data, so no label can be taken for an expression.
    corners = {
        "x": place("x", alt.X), "x2": alt.X2("x2"), "y": place("y", alt.Y), "y2": alt.Y2("y2"),
    }  # fmt: skip
    layers = []
    for ink, below in (("var(--biased, #d55e00)", True), ("var(--within, #0072b2)", False)):
        mine = base.transform_filter(f"datum.below === {str(below).lower()}")
        strength = alt.FillOpacity("strength", type="quantitative", scale=None)
        layers.append(mine.mark_rect(color=ink).encode(fillOpacity=strength, **corners))
    layers.append(
        base.transform_filter("datum.faint")
        .mark_rect(filled=False, stroke=INK, strokeOpacity=0.5, strokeDash=[3, 3])
        .encode(**corners)
    )
    for faint, opacity in ((False, 1.0), (True, 0.6)):
        layers.append(
            base.transform_filter(f"datum.faint === {str(faint).lower()}")
            .mark_text(fontSize=13, color=INK, opacity=opacity)
            .encode(
                x=place("middle", alt.X),
                y=place("center", alt.Y),
                text=alt.Text("text", type="nominal"),
            )
        )
    bottom = len(chart.rows) * high
    slanted = any(7 * len(shortened(c, _TILE_LABEL)) > wide for c in chart.columns)
    down = [
        {"x": margin - 6, "y": (i + 0.5) * high, "text": shortened(label, _TILE_LABEL)}
        for i, label in enumerate(chart.rows)
    ]
    across = [
        {"x": margin + (i + 0.5) * wide, "y": bottom + 12, "text": shortened(label, _TILE_LABEL)}
        for i, label in enumerate(chart.columns)
    ]
    foot = bottom + (92 if slanted else 34)
    titles = [
        {"x": 0, "y": -14, "text": f"↓ {shortened(chart.down, _LABEL)}"},
        {"x": WIDTH, "y": foot, "text": f"{shortened(chart.along, _LABEL)} →"},
    ]
    turned = {"angle": 320, "align": "right"} if slanted else {"align": "center"}
    for values, style in (
        (down, {"align": "right", "limit": margin - 8}),
        (across, {**turned, "limit": 110 if slanted else wide}),
        (titles[:1], {"align": "left", "limit": WIDTH}),
        (titles[1:], {"align": "right", "limit": WIDTH}),
    ):
        layers.append(
            layer(values)
            .mark_text(fontSize=13, color=INK, **style)
            .encode(x=place("x", alt.X), y=place("y", alt.Y), text=alt.Text("text", type="nominal"))
        )
    return _styled(alt.layer(*layers, width=WIDTH, height=bottom), **datasets)


# --- what gets through ----------------------------------------------------------------------------


def _cleaned(drawn: str, chart: Drawing, key: str, words: Sequence[str] = ()) -> str:
    root = ET.fromstring(drawn)  # noqa: S314 - reads what vl-convert wrote
    for element in root.iter(f"{_SVG}text") if words else ():
        place = element.get("aria-label")
        if place is not None:
            element.text = words[int(place)]
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
            # A tenth of a pixel is fine, and a tenth of an opacity is coarse.
            digits = 2 if "opacity" in attribute else 1
            element.set(attribute, _rounded(content, digits))


def _rounded(content: str, digits: int) -> str:
    return _DECIMALS.sub(lambda found: f"{float(found[0]):.{digits}f}", content)


def _blank(element: ET.Element) -> bool:
    if element.tag == f"{_SVG}g":
        return len(element) == 0
    painted = element.get("fill", "none") != "none" or element.get("stroke", "none") != "none"
    return element.tag == f"{_SVG}path" and not painted
