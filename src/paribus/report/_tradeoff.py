"""Candidates over two axes: the gap that remains, and how well each predicts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from paribus.report._drawn import (
    BOLD,
    INK,
    PAPER,
    PLAIN,
    STAR,
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
from paribus.report._parts import Tradeoff
from paribus.report._scatter import Box, named, pixel, placed, tie

_WIDE = WIDTH - 60
_HIGH = 300
_LEFT = -44
"""Where the words below the drawing start, which is below the numbers of the vertical axis."""
_BELOW = 64
"""Pixels of the numbers and the title below the drawing."""
_ROW = 20
_MOST = 16
"""Candidates that are named; of more, the telling ones."""
_FEW = 8
"""Of more candidates, those that are named beside their dots hide the others."""
_LABEL = 165
"""Pixels of a name beside its dot."""
_FILLED, _OPEN, _FRAME = (135, 350), (90, 260), 270
"""Sizes of a dot and of a star: the rim that sets a filled one off from the next covers a part."""
_FRONT = Pen(INK, (), "")
_FLOOR = Pen(INK, (6, 4), "")
_VERDICTS = ("biased", "within tolerance", "inconclusive")

Row = dict[str, Any]


def tradeoff(chart: Tradeoff) -> dict[str, Any]:
    """Lay out candidates with their intervals and names, the front and the tolerance.

    Parameters
    ----------
    chart : Tradeoff
        What to show; it may have no dots.

    Returns
    -------
    dict
        A Vega specification.
    """
    across = 100.0 if chart.share_along else 1.0
    band = near(abs(chart.band or 0.0) * across)
    rows = _rows(chart)
    xs = [row[key] for row in rows for key in ("x", "x1", "x2")]
    ys = [row[key] for row in rows for key in ("y", "y1", "y2")]
    floor = _floor(chart, ys)
    # A gap of zero stands at the left, not in the middle.
    along = room([0.0, *xs, band] if any(xs) or band else [0.0, 1.0], 0.05)
    up = room([*ys, *floor], 0.08)
    for row in rows:
        row |= {f"at {key}": pixel(row[key], along, _WIDE) for key in ("x", "x1", "x2")}
        row |= {f"at {key}": _HIGH - pixel(row[key], up, _HIGH) for key in ("y", "y1", "y2")}
    front = sorted((row for row in rows if row["front"]), key=lambda row: (row["x"], row["y"]))
    heights = [_HIGH - pixel(at, up, _HIGH) for at in floor]
    lines = [*_course(front), *(Box(0.0, y - 1, _WIDE, y + 1) for y in heights)]
    names, leads, listed = _labels(rows, [rows[i] for i in told(chart)], lines)
    data: dict[str, list[Row]] = {
        # Those that the reader looks for are drawn last: on top.
        "dots": sorted(rows, key=lambda row: (row["star"], row["frame"], -row["number"])),
        "front": front,
        "frames": [row for row in rows if row["frame"]],
        "names": names,
        "leads": leads,
        "floor": [{"at": at, "from": along[0], "to": along[1]} for at in floor],
        "ground": [{"from": max(-band, along[0]), "to": band, "bottom": up[0], "top": up[1]}],
    }
    x, y = of("x", "x"), of("y", "y")
    faint = 0.55 if len(rows) <= _FEW else 0.4
    bounds = {"x": of("from", "x"), "x2": of("to", "x"), "y": of("at", "y")}
    spans = {"stroke": of("ink"), "strokeWidth": 1.5, "strokeOpacity": faint}
    marks = [
        *([mark("rule", "floor", **bounds, stroke=_FLOOR.ink, strokeDash=list(_FLOOR.dash))]
          if floor else []),
        mark("rule", "dots", x=of("x1", "x"), x2=of("x2", "x"), y=y, **spans),
        mark("rule", "dots", x=x, y=of("y1", "y"), y2=of("y2", "y"), **spans),
        mark("line", "front", x=x, y=y, stroke=INK, strokeOpacity=0.75, strokeWidth=1,
             interpolate="step-after"),
        mark("rule", "leads", x=of("x"), x2=of("x2"), y=of("y"), y2=of("y2"), stroke=INK,
             strokeOpacity=0.5),
        mark("symbol", "dots", x=x, y=y, fill=of("fill"), stroke=of("rim"),
             strokeWidth=of("edge"), shape=of("shape"), size=of("size")),
        mark("symbol", "frames", x=x, y=y, stroke=INK, strokeWidth=1.5, shape="square",
             size=_FRAME),
        texts("names", x=of("x"), y=of("y"), fontWeight=of("weight")),
    ]  # fmt: skip
    if chart.band is not None:
        ground = {"x": of("from", "x"), "x2": of("to", "x"), "y": of("bottom", "y")}
        marks.insert(0, mark("rect", "ground", **ground, y2=of("top", "y"), fill=INK,
                             fillOpacity=0.14))  # fmt: skip
    keys, names_below, high = _listed(listed)
    foot = legend(list(_entries(chart, rows, told_floor=bool(floor))), _HIGH + _BELOW + high, _LEFT)
    return drawing(
        (_WIDE, _HIGH),
        data | keys | foot["data"],
        [linear("x", along, _WIDE), linear("y", up, _HIGH)],
        [
            axis("y", fitted(chart.axis, _HIGH + 20), up, titlePadding=12),
            axis("x", fitted(chart.along, _WIDE), along, labelSeparation=12),
        ],
        [*marks, *names_below, *foot["marks"]],
    )


def told(chart: Tradeoff) -> list[int]:
    """Choose the candidates to name: of many, first what is recommended, as it is, on the front.

    Returns
    -------
    list of int
        At most sixteen places in ``chart.dots``, rising.
    """
    telling = {chart.chosen: 0, chart.start: 1}
    front = set(chart.front)
    order = sorted(
        range(len(chart.dots)), key=lambda i: (telling.get(i, 2 if i in front else 3), i)
    )
    return sorted(order[:_MOST])


def _rows(chart: Tradeoff) -> list[Row]:
    across, factor = (100.0 if share else 1.0 for share in (chart.share_along, chart.share))
    front, needs = set(chart.front), set(chart.needs)
    rows = []
    for i, dot in enumerate(chart.dots):
        ink, shape = TONES.get(dot.tone, PLAIN)
        star, hollow = i == chart.chosen, i in needs
        row = {
            "number": i + 1, "label": dot.label, "tone": dot.tone, "ink": ink,
            "fill": PAPER if hollow else ink, "rim": ink if hollow else PAPER,
            "edge": 1.5 if hollow else 1, "size": (_OPEN if hollow else _FILLED)[star],
            "shape": STAR if star else shape, "star": star,
            "frame": i == chart.start, "front": i in front, "weight": "bold" if star else "normal",
        }  # fmt: skip
        for key, measured, by in (("x", dot.along, across), ("y", dot.up, factor)):
            row |= {
                f"{key}{end}": near(getattr(measured, where) * by)
                for end, where in (("", "estimate"), ("1", "low"), ("2", "high"))
            }
        rows.append(row)
    return rows


def _floor(chart: Tradeoff, ys: Sequence[float]) -> list[float]:
    """Keep the floor where it does not press the candidates together."""
    if chart.floor is None or not ys:
        return []
    at, low, high = near(chart.floor * (100.0 if chart.share else 1.0)), min(ys), max(ys)
    return [at] if low - at <= high - low and at - high <= high - low else []


def _entries(chart: Tradeoff, rows: Sequence[Row], *, told_floor: bool) -> Iterator[Entry]:
    if chart.band is not None and chart.band_label:
        yield Entry("shade", Pen(INK, (), ""), fitted(chart.band_label, _WIDE))
    if told_floor and chart.floor_label:
        yield Entry("line", _FLOOR, fitted(chart.floor_label, _WIDE))
    for row in rows:
        if row["star"]:
            pen = Pen(row["ink"], (), STAR)
            yield Entry("open" if row["fill"] == PAPER else "symbol", pen, "recommended")
    if any(row["frame"] for row in rows):
        yield Entry("open", Pen(INK, (), "square"), "framed: the model as it is")
    if sum(row["front"] for row in rows) > 1:
        yield Entry("line", _FRONT, "Pareto front: no other is better in both")
    if any(row["fill"] == PAPER for row in rows):
        entry = "open: needs the protected attribute to decide"
        yield Entry("open", Pen(PLAIN[0], (), "circle"), entry)
    for tone in _VERDICTS:
        if any(row["tone"] == tone for row in rows):
            ink, shape = TONES[tone]
            yield Entry("symbol", Pen(ink, (), shape), tone)
    if len(rows) > _MOST:
        ink, shape = PLAIN
        yield Entry("symbol", Pen(ink, (), shape), f"{len(rows) - _MOST:,} more, unlabeled")
    if len(rows) > 1:
        yield Entry("note", Pen(INK, (), ""), "Better: farther to the left and farther up.")


# --- names ----------------------------------------------------------------------------------------


def _labels(
    rows: Sequence[Row], known: Sequence[Row], course: Sequence[Box]
) -> tuple[list[Row], list[Row], Sequence[Row]]:
    """Name the dots where there is room for all names, and otherwise number them.

    Also: lines to far labels, and the rows whose names are to be listed.
    """
    dots = [Box.around(*_at(row)) for row in rows]
    spans = [
        *(Box(row["at x1"], row["at y"] - 1, row["at x2"], row["at y"] + 1) for row in rows),
        *(Box(row["at x"] - 1, row["at y2"], row["at x"] + 1, row["at y1"]) for row in rows),
        *course,
    ]
    # Whoever comes first has the choice of all places.
    first = sorted(known, key=lambda row: not row["star"])
    names = [(row, row["label"]) for row in first]
    if len(rows) <= _FEW and all(_breadth(row, text) <= _LABEL for row, text in names):
        boxes = _placed(names, dots, spans)
        shown, leads = _written(names, boxes, rows)
        clear = len(shown) == len(names) and not leads
        if clear and not any(box is not None and any(map(box.meets, spans)) for box in boxes):
            return shown, [], ()
    numbers = [(group[0], _runs(group)) for group in _together(first)]
    return *_written(numbers, _placed(numbers, dots, spans), rows), known


def _placed(
    names: Sequence[tuple[Row, str]], dots: Sequence[Box], spans: Sequence[Box]
) -> list[Box | None]:
    wanted = [(*_at(row), _breadth(row, text)) for row, text in names]
    return placed(wanted, (_WIDE, _HIGH), dots, spans)


def _written(
    names: Sequence[tuple[Row, str]], boxes: Sequence[Box | None], rows: Sequence[Row]
) -> tuple[list[Row], list[Row]]:
    shown, leads = [], []
    for (row, text), box in zip(names, boxes, strict=True):
        if box is not None:
            shown.append({**named(box, text), "weight": row["weight"]})
            # A label that is as near to another dot would be taken for its name.
            others = [each for each in rows if math.dist(_at(each), _at(row)) > 1]
            next_one = min((box.distance(*_at(each)) for each in others), default=math.inf)
            mistaken = next_one < box.distance(*_at(row)) + 2
            leads += tie(box, *_at(row), beyond=0.0) if mistaken else tie(box, *_at(row))
    return shown, leads


def _at(row: Row) -> tuple[float, float]:
    return row["at x"], row["at y"]


def _breadth(row: Row, text: str) -> float:
    return breadth(text) * (BOLD if row["star"] else 1)


def _together(rows: Sequence[Row]) -> list[list[Row]]:
    """Put dots together that lie on each other."""
    found: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        found.setdefault((round(row["at x"]), round(row["at y"])), []).append(row)
    return list(found.values())


def _runs(group: Sequence[Row]) -> str:
    """Write the numbers of dots that lie on each other: ``1–3, 7``."""
    runs: list[list[int]] = []
    for number in sorted(row["number"] for row in group):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}" if len(run) < 2 else f"{run[0]}–{run[-1]}" for run in runs)


def _course(front: Sequence[Row]) -> list[Box]:
    """Say where the front runs, so that names keep off it where they can."""
    boxes = []
    for one, other in pairwise(front):
        (x, y), (end, top) = _at(one), _at(other)
        boxes.append(Box(x, y - 1, end, y + 1))
        boxes.append(Box(end - 1, min(y, top), end + 1, max(y, top)))
    return boxes


def _listed(known: Sequence[Row]) -> tuple[dict[str, list[Row]], list[dict[str, Any]], float]:
    """List names by their numbers, in two columns where all are short; also, how high it is."""
    sample, half = 50, WIDTH / 2
    widest = max((_breadth(row, row["label"]) for row in known), default=0.0)
    columns = 2 if len(known) > 2 and widest <= _WIDE - _LEFT - half - sample else 1
    each = math.ceil(len(known) / columns)
    rows: list[Row] = []
    for place, row in enumerate(known):
        start = _LEFT + place // max(1, each) * half
        limit = (_WIDE - start - sample) / (BOLD if row["star"] else 1)
        rows.append(
            row
            | {
                "left": start + 22,
                "middle": start + 36,
                "right": start + sample,
                "line": _HIGH + _BELOW + place % max(1, each) * _ROW,
                "digits": f"{row['number']}",
                "sample": 130 if row["star"] else 70,
                "text": fitted(row["label"], limit),
            }
        )
    if not rows:
        return {}, [], 0.0
    y, weight = of("line"), of("weight")
    frames = [row for row in rows if row["frame"]]
    marks = [
        texts("listed", x=of("left"), y=y, text=of("digits"), align="right",
              fontWeight=weight),
        mark("symbol", "listed-frames", x=of("middle"), y=y, stroke=INK, strokeWidth=1.5,
             shape="square", size=200),
        mark("symbol", "listed", x=of("middle"), y=y, fill=of("fill"), stroke=of("ink"),
             strokeWidth=1.5, shape=of("shape"), size=of("sample")),
        texts("listed", x=of("right"), y=y, fontWeight=weight),
    ]  # fmt: skip
    return {"listed": rows, "listed-frames": frames}, marks, each * _ROW + 8.0
