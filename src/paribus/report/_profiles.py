"""How a gap runs along the fields: steps along a number, bars of categories, maps of two fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from paribus._text import name, number, plain_number, shortened
from paribus.evidence.base import Condition, Row
from paribus.record import Record
from paribus.report._marks import band, chart, contrasts, mark, told, whole_change, with_intervals
from paribus.report._parts import (
    Curve,
    Drawing,
    HeatMap,
    Paragraph,
    Section,
    Stretch,
    Tile,
)
from paribus.report._wording import SHARES, UNITS, shown

MOST_OF_ATTRIBUTE = 6
"""Charts of one attribute: first those along which the gap varies most."""

MOST_CHARTS = 24
"""Charts of a page."""

MOST_FOREMOST = 6
"""Charts that stand where the gap lives, one for an attribute."""

FEW_PAIRS = 50
"""Pairs of a tile below which it is drawn pale."""

Ends = tuple[float | None, float | None]
"""Beyond the first number, up to the second; None where there is no end."""


Group = tuple[tuple[str, tuple[str, ...]], list[Row]]


def profiles(record: Record) -> Iterator[Section]:
    """Show how the gap runs along all fields but the most telling, if the record says so."""
    groups = _groups(record)
    first = [id(group[1]) for group in _foremost(groups, record)]
    others = [group for group in groups if id(group[1]) not in first]
    room = MOST_CHARTS - len(first)
    chosen = _chosen(others, room)
    drawn = [drawing for group in chosen if (drawing := _drawn(group, record, detail=True))]
    if not drawn:
        return
    intro = how_measured(record)
    rest = len(others) - len(drawn)
    if rest > 0:
        intro += f" {rest:,} more profiles are in the JSON record."
    yield Section("How the gap runs along other fields", (Paragraph(intro),), tuple(drawn))


def most_telling(record: Record) -> list[Drawing]:
    """Draw, for each attribute, how the gap runs along the field that tells most about it."""
    found = _foremost(_groups(record), record)
    return [drawing for group in found if (drawing := _drawn(group, record, detail=False))]


def how_measured(record: Record) -> str:
    """Say what profiles show."""
    if all(row.exact for row in record.profiles):
        return "The mean gap of the people whose field has the value shown, exactly."
    return (
        "The mean gap of the people whose field has the value shown. The intervals of one "
        f"picture hold all at once, at {record.confidence * 100:g} %."
    )


def _groups(record: Record) -> list[Group]:
    """Put the rows of each profile together."""
    groups: dict[tuple[str, tuple[str, ...]], list[Row]] = {}
    met = [row for row in record.profiles if row.people]
    for (attribute, reference, group), rows in contrasts(met).items():
        for row in rows:
            fields = tuple(dict.fromkeys(condition.field for condition in row.rule))
            key = "\0".join((attribute, reference, group, row.unit))
            groups.setdefault((key, fields), []).append(row)
    return list(groups.items())


def _chosen(groups: Sequence[Group], room: int) -> list[Group]:
    """Choose what to draw, and keep it in its order."""
    ranked = sorted(groups, key=lambda group: -_varies(group[1]))
    left: dict[str, int] = {}
    kept: list[int] = []
    for group in ranked:
        attribute = group[1][0].attribute
        if left.setdefault(attribute, MOST_OF_ATTRIBUTE) and len(kept) < room:
            left[attribute] -= 1
            kept.append(id(group))
    chosen = [group for group in groups if id(group) in kept]
    return sorted(chosen, key=lambda group: len(group[0][1]))


def _varies(rows: Sequence[Row]) -> float:
    gaps = [row.estimate for row in rows]
    # Halves, so that two very large gaps have a finite distance.
    return max(gaps) / 2 - min(gaps) / 2


def _foremost(groups: Sequence[Group], record: Record) -> list[Group]:
    """Choose one field of each attribute: one that a rule names, along which the gap varies most.

    Rules were measured on people that did not suggest them, so what they name is no accident.
    """
    named = {
        (row.attribute, row.reference, row.group, condition.field)
        for row in record.regions
        for condition in row.rule
    }

    def rank(group: Group) -> tuple[bool, float]:
        (_, fields), rows = group
        contrast = (rows[0].attribute, rows[0].reference, rows[0].group)
        return (*contrast, fields[0]) not in named, -_varies(rows)

    single = [group for group in groups if len(group[0][1]) == 1]
    first: dict[str, Group] = {}
    for group in sorted(single, key=rank):
        first.setdefault(group[1][0].attribute, group)
    # Of many attributes, those whose gap varies most.
    kept = sorted(first.values(), key=lambda group: -_varies(group[1]))[:MOST_FOREMOST]
    return [group for group in first.values() if any(group is each for each in kept)]


def _drawn(group: Group, record: Record, *, detail: bool) -> Drawing | None:
    (_, fields), rows = group
    if len(fields) == 2:
        return _map(fields, rows)
    if len(fields) != 1:
        return None
    title = f"Gap along {name(fields[0])}, {whole_change(rows[0])}"
    ends = [_ends(row.rule) for row in rows]
    known = [(end, row) for end, row in zip(ends, rows, strict=True) if end is not None]
    others = [row for end, row in zip(ends, rows, strict=True) if end is None]
    if len(known) > 1:
        # Missing values have no place on an axis of numbers.
        title += "".join(f" ({category(row.rule)}: {shown(row)})" for row in others[:1])
        return _steps(fields[0], title, known, record, detail)
    marks = [mark(row, category(row.rule)) for row in rows]
    return chart("gaps", title, rows[0].unit, marks, record, detail)


def _steps(
    field: str, title: str, known: Sequence[tuple[Ends, Row]], record: Record, detail: bool
) -> Curve:
    unit = known[0][1].unit
    cuts = sorted({edge for ends, _ in known for edge in ends if edge is not None})
    # An open end is drawn as wide as its neighbor.
    width = (cuts[-1] / 2 - cuts[0] / 2) / max(1, len(cuts) - 1) * 2 or abs(cuts[0]) or 1.0
    stretches = []
    for (low, high), row in known:
        start = cuts[0] - width if low is None else low
        end = cuts[-1] + width if high is None else high
        stretches.append(Stretch(start, end, mark(row, category(row.rule))))
    stretches.sort(key=lambda stretch: stretch.start)
    marks = [stretch.mark for stretch in stretches]
    return Curve(
        kind="steps",
        title=title,
        description=f"{title}, {with_intervals(record)}. {told(marks, 12)}.",
        along=name(field),
        axis=UNITS[unit].axis,
        share=unit in SHARES,
        stretches=tuple(stretches),
        band=band(unit, marks, record),
        detail=detail,
    )


def _map(fields: tuple[str, ...], rows: Sequence[Row]) -> HeatMap:
    places: list[list[tuple[object, str]]] = [[], []]
    tiles: list[tuple[Row, list[object]]] = []
    for row in rows:
        if not row.answered:
            continue
        keys: list[object] = []
        for seen, field in zip(places, fields, strict=True):
            rule = tuple(c for c in row.rule if c.field == field)
            key = _ends(rule) or category(rule)
            if key not in [known for known, _ in seen]:
                seen.append((key, category(rule, compact)))
            keys.append(key)
        tiles.append((row, keys))
    ordered = [_ordered(seen) for seen in places]
    down = (
        [key for key, _ in ordered[1]][::-1]
        if _numeric(ordered[1])
        else [key for key, _ in ordered[1]]
    )
    labels = dict(ordered[1])
    across = [key for key, _ in ordered[0]]
    title = f"Gap over {name(fields[0])} and {name(fields[1])}, {whole_change(rows[0])}"
    unit = tile_unit(rows)
    few = any(row.answered < FEW_PAIRS and not row.exact for row in rows)
    widest = sorted(rows, key=lambda row: -abs(row.estimate))[:5]
    marks = [mark(row, " and ".join(category(_of(row, f)) for f in fields)) for row in widest]
    return HeatMap(
        title=title,
        description=f"{title}. The widest gaps: {told(marks)}.",
        down=name(fields[1]),
        along=name(fields[0]),
        rows=tuple(labels[key] for key in down),
        columns=tuple(label for _, label in ordered[0]),
        tiles=tuple(
            Tile(
                row=down.index(keys[1]),
                column=across.index(keys[0]),
                value=row.estimate,
                text=short(row, unit),
                faint=row.answered < FEW_PAIRS and not row.exact,
            )
            for row, keys in tiles
        ),
        legend=legend(rows[0], unit, few),
        detail=True,
    )


def _of(row: Row, field: str) -> tuple[Condition, ...]:
    return tuple(condition for condition in row.rule if condition.field == field)


def _numeric(seen: Sequence[tuple[object, str]]) -> bool:
    return all(isinstance(key, tuple) for key, _ in seen)


def _ordered(seen: Sequence[tuple[object, str]]) -> list[tuple[object, str]]:
    def start(place: tuple[object, str]) -> float:
        key = place[0]
        low = key[0] if isinstance(key, tuple) else None
        return low if isinstance(low, float) else -math.inf if isinstance(key, tuple) else math.inf

    return sorted(seen, key=start)


def _ends(rule: Sequence[Condition]) -> Ends | None:
    """Give the stretch that conditions on one field cut out, where they are about numbers."""
    low: float | None = None
    high: float | None = None
    for condition in rule:
        value = condition.value
        if condition.relation not in {">", "<="} or isinstance(value, str | bool):
            return None
        if condition.relation == ">":
            low = float(value) if low is None else max(low, float(value))
        else:
            high = float(value) if high is None else min(high, float(value))
    return low, high


def category(rule: Sequence[Condition], write: Callable[[float], str] | None = None) -> str:
    """Name what conditions on one field have in common, without the field."""
    show = write or _number
    ends = _ends(rule)
    if ends is not None:
        low, high = ends
        if low is not None and high is not None:
            return f"> {show(low)} to {show(high)}"
        if high is not None:
            return f"up to {show(high)}"
        return "everybody" if low is None else f"above {show(low)}"
    if all(condition.relation == "is not" for condition in rule) and len(rule) > 1:
        return "all others"
    said = [
        ("not " if condition.relation == "is not" else "") + _value(condition.value)
        for condition in rule
    ]
    return shortened(" and ".join(said), 60)


def compact(value: float) -> str:
    """Write a number with few characters: ``28k``, ``1.5M``."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size <= abs(value) < 1e12 and not (size == 1e3 and 1_000 <= value < 3_000):
            return f"{value / size:.4g}{sign}"
    return f"{value:.4g}"


def _number(value: float) -> str:
    # A year is no thousand and some.
    if float(value).is_integer() and 1_000 <= value < 3_000:
        return f"{int(value)}"
    return plain_number(value) if abs(value) < 1e15 and len(f"{value:g}") < 7 else number(value)


def _value(content: object) -> str:
    if isinstance(content, float):
        return number(content)
    return name(content)


def tile_unit(rows: Sequence[Row]) -> float:
    """Choose what gaps are counted in, so that each takes as few characters as a tile has."""
    if rows[0].unit in SHARES:
        return 0.01
    widest = max(abs(row.estimate) for row in rows)
    if 10 <= widest < 1_000 or not 1e-290 < widest < 1e290:
        return 1.0
    return float(f"1e{math.floor(math.log10(widest)) - 1}")


def short(row: Row, unit: float) -> str:
    """Write a gap in whole units."""
    text = number(round(row.estimate / unit), signed=not UNITS[row.unit].one_sided)
    return "0" if text in {"+0", "-0"} else text


def legend(row: Row, unit: float, few: bool) -> str:
    """Say in words what the colors of a heat map mean."""
    size = "" if unit == 1.0 else f" In units of {number(unit)}."
    size = " In percentage points." if row.unit in SHARES else size
    pale = f" Pale and dashed: fewer than {FEW_PAIRS} pairs, uncertain." if few else ""
    if UNITS[row.unit].one_sided:
        return f"The stronger the blue, the more changes.{size}{pale}"
    than = f"than as {name(row.reference)}"
    one = f" as {name(row.group)}" if row.contrast == "level" else ""
    return f"Orange: lower{one} {than}; blue: higher; the stronger, the wider the gap.{size}{pale}"
