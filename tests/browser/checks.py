"""What must hold of a page that is shown: each check gives its complaints."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np

from .chrome import Box, Chrome

PHONE, DESKTOP = 390, 1280
PAPER = 717
"""Width of A4 in CSS pixels, without the browser's own margins."""
SHEET = 1046
"""Its height."""
AXE = Path(__file__).parent / "axe-core" / "axe.min.js"

TALLEST = 8_000
"""Height of a picture in pixels that every machine has the memory for."""
LEAST_INK = 0.002
"""Share of a chart's pixels that must stand out from the paper."""
STANDS_OUT = 3.0
"""Contrast that what is no text must have (WCAG 2.2, success criterion 1.4.11)."""

_PARTS = np.arange(256) / 255
_LINEAR = np.where(_PARTS <= 0.04045, _PARTS / 12.92, ((_PARTS + 0.055) / 1.055) ** 2.4)
_BOXES = """[...document.querySelectorAll(%s)].filter(e => e.checkVisibility()).map(e => {
    const box = e.getBoundingClientRect();
    return [box.x + scrollX, box.y + scrollY, box.width, box.height];
})"""
_FOLLOWED = "a[href], summary, [tabindex='0']"


def unfold(chrome: Chrome) -> None:
    """Open everything that is folded away."""
    chrome.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")


# --- nothing leaves, nothing is said --------------------------------------------------------------


def noise(chrome: Chrome, path: Path) -> Iterator[str]:
    """Find requests beside the one for the file, and messages on the console."""
    requested, said = chrome.logs()
    opened = path.as_uri()
    if requested.count(opened) != 1:
        yield f"the page was asked for {requested.count(opened)} times"
    # What a page carries in itself is reported like a request, and is none.
    yield from (f"asks for {url}" for url in requested if url != opened and url[:5] != "data:")
    yield from (f"says {message}" for message in said)


# --- what fits ------------------------------------------------------------------------------------


def overflow(chrome: Chrome) -> Iterator[str]:
    """Find what is wider than the window, or would be if that were not hidden."""
    for root in ("documentElement", "body"):
        if (cut := chrome.evaluate(f"getComputedStyle(document.{root}).overflowX")) != "visible":
            yield f"what is too wide is not seen: {root} has overflow {cut}"
    wide = chrome.evaluate("Math.max(document.documentElement.scrollWidth, innerWidth)")
    if wide > chrome.width:
        yield f"{wide} pixels wide in a window of {chrome.width}: {_widest(chrome)}"


def _widest(chrome: Chrome) -> str:
    return chrome.evaluate(
        """(() => { const far = [...document.querySelectorAll('body *')]
            .map(e => [e.getBoundingClientRect().right, e])
            .sort((a, b) => b[0] - a[0])[0];
        return far ? `${far[1].tagName} .${far[1].getAttribute('class')} to ${far[0]}` : ''; })()"""
    )


def cut_words(chrome: Chrome) -> list[str]:
    """Find words of charts that the edge of their chart cuts off."""
    return chrome.evaluate(
        """[...document.querySelectorAll('svg')].filter(e => e.checkVisibility()).flatMap(svg => {
            const edge = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(text => {
                const box = text.getBoundingClientRect();
                return box.width && (box.left < edge.left - 1 || box.right > edge.right + 1
                    || box.top < edge.top - 1 || box.bottom > edge.bottom + 1);
            }).map(text => {
                const title = svg.querySelector('title')?.textContent;
                return `"${text.textContent}" is cut in ${title}`; });
        })"""
    )


def colliding_words(chrome: Chrome) -> Iterator[str]:
    """Find words of one chart that are written over each other, turned words too."""
    charts = chrome.evaluate(
        """[...document.querySelectorAll('svg')].filter(e => e.checkVisibility()).map(svg =>
            [...svg.querySelectorAll('text')].filter(e => e.textContent.trim()).map(text => {
                const box = text.getBBox(), map = text.getScreenCTM();
                // The letters themselves, without the room above and below them.
                const top = box.y + box.height * 0.25, bottom = box.y + box.height * 0.75;
                return [text.textContent, ...[[box.x, top], [box.x + box.width, top],
                    [box.x + box.width, bottom], [box.x, bottom]].map(([x, y]) => {
                        const at = new DOMPoint(x, y).matrixTransform(map);
                        return [at.x, at.y]; })]; }))"""
    )
    for words in charts:
        for (one, *first), (other, *second) in combinations(words, 2):
            if _overlap(np.array(first), np.array(second)):
                yield f'"{one}" and "{other}" are written over each other'


def _overlap(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two rectangles, each of shape (4, 2), meet: no side of either parts them."""
    for corners in (one, other):
        for side in np.diff(corners[:3], axis=0):
            across = np.array([-side[1], side[0]])
            first, second = one @ across, other @ across
            if first.max() <= second.min() or second.max() <= first.min():
                return False
    return True


# --- what can be seen -----------------------------------------------------------------------------


def blank_charts(chrome: Chrome) -> Iterator[str]:
    """Find charts in which nothing stands out from the paper, by their pixels.

    What holds no chart is hidden first, and stays so: the pictures are smaller.
    """
    chrome.evaluate(
        "document.querySelectorAll('body :not(:has(svg)):not(svg, svg *, style)')"
        ".forEach(e => { e.style.display = 'none' })"
    )
    paper = np.array(color(chrome, "document.body"))
    for number, (box, shown) in enumerate(_charts(chrome), 1):
        if not shown.size:
            yield f"chart {number} takes no room: {box}"
            continue
        share = float((contrast(shown, paper) >= STANDS_OUT).mean())
        if share < LEAST_INK:
            yield f"{share:.2%} of chart {number} stands out"


def _charts(chrome: Chrome) -> Iterator[tuple[Box, np.ndarray]]:
    """Look at every chart, with few and large pictures: each takes the time of a new layout."""
    boxes = sorted(chrome.evaluate(_BOXES % "'svg'"), key=lambda box: box[1])
    while boxes:
        top = boxes[0][1]
        count = next(
            (n for n, box in enumerate(boxes) if n and box[1] + box[3] > top + TALLEST), len(boxes)
        )
        near, boxes = boxes[:count], boxes[count:]
        high = max(box[1] + box[3] for box in near) - top
        shown = chrome.picture((0, top, chrome.width, high)) if high else np.empty((0, 0, 3))
        for box in near:
            x, y, width, height = (round(side) for side in (box[0], box[1] - top, *box[2:]))
            yield box, shown[y : y + height, x : x + width]


def color(chrome: Chrome, element: str) -> list[int]:
    """Read the color behind an element, red, green and blue of 0-255."""
    written = chrome.evaluate(f"getComputedStyle({element}).backgroundColor")
    return [int(part) for part in re.findall(r"\d+", written)[:3]]


def contrast(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compare colors, 1 to 21: contrast ratio of WCAG 2.2, from relative luminance."""
    first, second = luminance(one), luminance(other)
    return (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)


def luminance(shown: np.ndarray) -> np.ndarray:
    """Give relative luminance, 0 to 1 (WCAG 2.2, definition), of colors of 0-255."""
    return _LINEAR[shown] @ np.array([0.2126, 0.7152, 0.0722])


# --- who cannot see, or has no mouse --------------------------------------------------------------


def barriers(chrome: Chrome) -> Iterator[str]:
    """Let axe-core look: what it calls serious or critical."""
    chrome.evaluate(AXE.read_text(encoding="utf-8") + ";undefined")
    found = chrome.evaluate(
        """axe.run(document, {resultTypes: ['violations'], preload: false}).then(
            found => found.violations.map(each => ({
                id: each.id, impact: each.impact, help: each.help,
                nodes: each.nodes.map(node => node.target.join(' '))})))"""
    )
    for each in found:
        if each["impact"] in {"serious", "critical"}:
            where = ", ".join(each["nodes"][:3])
            yield f"{each['impact']}: {each['help']} ({each['id']}), {len(each['nodes'])}: {where}"


def unreached(chrome: Chrome) -> Iterator[str]:
    """Walk through the page by Tab: find what is not reached in order, or not seen when it is."""
    chrome.evaluate(
        f"window.stops = [...document.querySelectorAll({json.dumps(_FOLLOWED)})]"
        ".filter(e => e.checkVisibility() && e.tabIndex >= 0)"
    )
    names = chrome.evaluate("stops.map(e => `${e.tagName} ${e.textContent.trim().slice(0, 40)}`)")
    for number, name in enumerate(names):
        chrome.press("Tab")
        reached, outlined = chrome.evaluate(
            """(() => { const on = document.activeElement, style = getComputedStyle(on);
            return [stops.indexOf(on),
                    style.outlineStyle != 'none' && parseFloat(style.outlineWidth) >= 1]; })()"""
        )
        if reached != number:
            yield f"Tab number {number + 1} reaches stop {reached}, not {name}"
            return
        if not outlined:
            yield f"{name} has no outline when reached"


def unseen_focus(chrome: Chrome) -> Iterator[str]:
    """Reach one stop of each sort by Tab: find those that look as before, pixel by pixel."""
    kinds = chrome.evaluate(
        f"""(() => {{ const all = [...document.querySelectorAll({json.dumps(_FOLLOWED)})]
                .filter(e => e.checkVisibility());
            window.sorts = [...new Map(all.toReversed().map(e => [e.tagName, e])).values()];
            return sorts.map(e => e.tagName); }})()"""
    )
    for number, kind in enumerate(kinds):
        # A script puts the focus right before it; a focus that a key moves is one to be seen.
        chrome.evaluate(
            f"""(() => {{ const it = sorts[{number}], before = document.createElement('span');
                before.tabIndex = -1;
                (it.tagName == 'SUMMARY' ? it.parentElement : it).before(before);
                it.scrollIntoView({{block: 'center', behavior: 'instant'}});
                before.focus({{preventScroll: true}}); }})()"""
        )
        plain = _around(chrome, f"sorts[{number}]")
        chrome.press("Tab")
        reached = chrome.evaluate(f"document.activeElement === sorts[{number}]")
        if not reached or np.array_equal(plain, _around(chrome, f"sorts[{number}]")):
            yield f"{kind} looks the same when reached"


def _around(chrome: Chrome, element: str) -> np.ndarray:
    """Look at what the window shows of an element, and a little around it."""
    left, top, right, bottom = chrome.evaluate(
        f"(box => [box.left, box.top, box.right, box.bottom])({element}.getBoundingClientRect())"
    )
    rows, columns = (
        slice(max(round(low) - 8, 0), max(round(high) + 8, 0))
        for low, high in ((top, bottom), (left, right))
    )
    return chrome.picture()[rows, columns]


def stuck_tables(chrome: Chrome) -> Iterator[str]:
    """Find what scrolls sideways and cannot be reached or moved by keys."""
    chrome.evaluate(
        """window.wide = [...document.querySelectorAll('body *')].filter(e => e.checkVisibility()
            && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
            && e.scrollWidth > e.clientWidth + 1)"""
    )
    for number in range(chrome.evaluate("wide.length")):
        if not chrome.evaluate(f"wide[{number}].tabIndex >= 0"):
            yield f"what scrolls cannot be reached: {number}"
            continue
        chrome.evaluate(f"wide[{number}].focus()")
        chrome.press("ArrowRight")
        moved = chrome.evaluate(
            f"""new Promise(done => {{ const end = performance.now() + 2000, look = () =>
                wide[{number}].scrollLeft > 0 ? done(true)
                : performance.now() > end ? done(false) : setTimeout(look, 20); look(); }})"""
        )
        if not moved:
            yield f"the arrow key does not move {number}"


# --- paper ----------------------------------------------------------------------------------------


def broken_figures(chrome: Chrome) -> list[str]:
    """Find charts that a page break may cut: taller than a sheet, or free to be broken."""
    return chrome.evaluate(
        f"""[...document.querySelectorAll('svg')].filter(e => e.checkVisibility()).flatMap(svg => {{
            let kept = svg;
            while (kept && getComputedStyle(kept).breakInside != 'avoid') kept = kept.parentElement;
            const name = svg.querySelector('title')?.textContent;
            if (!kept) return [`${{name}} may be broken`];
            const tall = kept.getBoundingClientRect().height;
            return tall > {SHEET} ? [`${{name}} is ${{tall}} pixels high`] : [];
        }})"""
    )


def sheets(pdf: bytes) -> list[tuple[float, float, int]]:
    """Read the pages of a PDF that Chromium wrote: width and height in points, bytes drawn."""
    objects = dict(re.findall(rb"(?<!\d)(\d+) 0 obj\n(.*?)\nendobj", pdf, flags=re.DOTALL))
    found = []
    for each in objects.values():
        if not re.search(rb"/Type\s*/Page\b", each.split(b"stream")[0]):
            continue
        left, top, right, bottom = map(float, re.search(rb"/MediaBox \[(.*?)\]", each)[1].split())
        drawn = objects[re.search(rb"/Contents (\d+) 0 R", each)[1]]
        stream = drawn.split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0]
        found.append((right - left, bottom - top, len(zlib.decompress(stream))))
    return found
