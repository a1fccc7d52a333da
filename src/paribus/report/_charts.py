"""A chart as an inline SVG element: the only file that meets vl-convert."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

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
from paribus.report._steps import steps
from paribus.report._tiles import tiles
from paribus.report._tracks import tracks
from paribus.report._tradeoff import tradeoff

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

    specification = _specified(chart)
    words = specification.pop("usermeta")["words"]
    return _cleaned(vl_convert.vega_to_svg(specification), chart, key, words)


def _specified(chart: Drawing) -> dict[str, Any]:
    match chart:
        case Chart():
            return tracks(chart)
        case Curve():
            return steps(chart)
        case HeatMap():
            return tiles(chart)
        case Lines():
            return lines(chart)
        case Scatter():
            return scatter(chart)
        case Tradeoff():
            return tradeoff(chart)
        case Histogram():
            return histogram(chart)


def _cleaned(drawn: str, chart: Drawing, key: str, words: Sequence[str]) -> str:
    root = ET.fromstring(drawn)  # noqa: S314 - reads what vl-convert wrote
    for element in root.iter(f"{_SVG}text"):
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
