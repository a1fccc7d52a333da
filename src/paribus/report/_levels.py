"""All levels together: whether they differ at all, and which crossed attribute carries it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from paribus._text import name, number, p_value, percent
from paribus.evidence.base import Row
from paribus.record import Record
from paribus.report._marks import change, chart, contrasts, mark, told
from paribus.report._parts import HeatMap, Paragraph, Part, Section, Statement, Statements, Tile
from paribus.report._profiles import legend, short, tile_unit
from paribus.report._wording import STATISTICS, UNITS, span
from paribus.twins import CROSS

MOST_GRIDS = 6
"""Crossed attributes whose cells are drawn as a grid."""

_GAPS = ("net gap", "score gap", "label change rate")


def levels(record: Record) -> Iterator[Section]:
    """Show whether the levels of an attribute differ at all, and what carries the differences."""
    together = [row for row in record.evidence if row.test == "levels"]
    grids = list(_grids(record))[:MOST_GRIDS]
    if not together and not grids:
        return
    said: list[Statement] = []
    charts: list[Part] = []
    for attribute in dict.fromkeys(row.attribute for row in together):
        mine = [row for row in together if row.attribute == attribute]
        gate = next((row for row in mine if row.unit in STATISTICS), None)
        parts = [row for row in mine if row.unit == "share of the gap"]
        differ = _differ(gate, parts, record)
        if gate is not None:
            said.append(_gate(gate, differ, record))
        if parts:
            said.append(_carried(parts, record) if differ else _nothing(parts[0]))
        if parts and differ:
            marks = [mark(row, _carrier(row)) for row in parts]
            title = f"What carries the differences between the cells of {name(attribute)}"
            charts.append(chart("rates", title, "share of the gap", marks, record))
    intro = "The gap of every combination, against that of the references."
    if together:
        intro = (
            "Before asking which levels differ: do any? Every person stands at every level, so the "
            "answers of all levels are compared within people."
        )
    words = [Statements("In words", tuple(said))] if said else []
    yield Section("All levels together", (Paragraph(intro),), (*words, *charts, *grids))


def _differ(gate: Row | None, parts: Sequence[Row], record: Record) -> bool:
    if gate is not None:
        return gate.p is not None and gate.p <= 1 - record.confidence
    # Of everybody in the declared domain nothing needs to be tested.
    return any(row.exact and row.estimate > 0 for row in parts)


def _gate(gate: Row, differ: bool, record: Record) -> Statement:
    noun = "cells" if gate.contrast == "cell" else "levels"
    groups = {
        row.group
        for row in record.evidence
        if (row.contrast, row.attribute) == (gate.contrast, gate.attribute)
        and row.reference == gate.reference
        and row.test != "levels"
    }
    p = "" if gate.p is None else f"p {_compared(p_value(gate.p))}"
    test = f"{UNITS[gate.unit].measure} {number(gate.estimate)}, {p}"
    attribute = name(gate.attribute)
    if differ:
        many = f"{len(groups) + 1} {noun}" if groups else noun
        return Statement(f"The {many} of {attribute} differ ({test}).")
    return Statement(f"No difference between the {noun} of {attribute} is shown ({test}).")


def _compared(p: str) -> str:
    return p.replace("<", "< ") if p.startswith("<") else f"= {p}"


def _carried(parts: Sequence[Row], record: Record) -> Statement:
    single = [row for row in parts if row.group != row.attribute]
    joint = [row for row in parts if row.group == row.attribute]
    single.sort(key=lambda row: -row.estimate)
    first, *others = single or joint
    interval = "exact" if first.exact else f"{record.confidence * 100:g} % interval {span(first)}"
    said = [f"{name(first.group)} carries {percent(first.estimate)} ({interval})"]
    said += [f"{name(row.group)} {percent(row.estimate)}" for row in others]
    if single:
        together = "the two only together" if len(single) == 2 else "several only together"
        said += [f"{together} {percent(row.estimate)}" for row in joint]
    return Statement(f"Of the differences between the cells, {', '.join(said)}.")


def _nothing(row: Row) -> Statement:
    return Statement(
        f"As no difference between the cells of {name(row.attribute)} is shown, there is none for "
        "an attribute to carry."
    )


def _carrier(row: Row) -> str:
    return "only together" if row.group == row.attribute else name(row.group)


# --- crossed attributes as a grid -----------------------------------------------------------------


def _grids(record: Record) -> Iterator[HeatMap]:
    cells = [
        row
        for row in record.evidence
        if row.contrast == "cell"
        and row.unit in _GAPS
        and row.test in {"counterfactual", "sequential"}
    ]
    for attribute in dict.fromkeys(row.attribute for row in cells):
        mine = [row for row in cells if row.attribute == attribute]
        unit = next(unit for unit in _GAPS if any(row.unit == unit for row in mine))
        grid = _grid(attribute, [row for row in mine if row.unit == unit], record)
        if grid is not None:
            yield grid


def _grid(attribute: str, rows: Sequence[Row], record: Record) -> HeatMap | None:
    sides = _sides(attribute, record)
    if sides is None:
        return None
    (one, across), (other, down) = sides
    places = {
        CROSS.join((first, second)): (i, j)
        for (i, first), (j, second) in product(enumerate(across), enumerate(down))
    }
    known = [row for row in rows if row.group in places]
    reference = rows[0].reference
    if reference not in places or len(known) < len(rows) or len(contrasts(rows)) < 2:
        return None
    column, line = places[reference]
    unit = tile_unit(rows)
    tiles = [Tile(line, column, 0.0, "·")]
    tiles += [
        Tile(places[row.group][1], places[row.group][0], row.estimate, short(row, unit))
        for row in known
    ]
    title = f"{UNITS[rows[0].unit].title}, {name(attribute)} against {name(reference)}"
    widest = sorted(rows, key=lambda row: -abs(row.estimate))[:5]
    return HeatMap(
        title=title,
        description=f"{title}. The widest gaps: {told([mark(r, change(r)) for r in widest])}.",
        down=name(other),
        along=name(one),
        rows=tuple(name(level) for level in down),
        columns=tuple(name(level) for level in across),
        tiles=tuple(tiles),
        legend=f"{legend(rows[0], unit, few=False)} The dot is the reference.",
    )


def _sides(attribute: str, record: Record) -> list[tuple[str, list[str]]] | None:
    """Find the two crossed attributes and their levels, as declared."""
    protect = record.spec.get("protect")
    declared = protect if isinstance(protect, dict) else {}
    for one, other in product(declared, declared):
        if one != other and CROSS.join((one, other)) == attribute:
            found = [
                (side, [str(level) for level in levels])
                for side in (one, other)
                if isinstance(declared[side], dict)
                and isinstance(levels := declared[side].get("levels"), list | tuple)
            ]
            return found if len(found) == 2 else None
    return None
