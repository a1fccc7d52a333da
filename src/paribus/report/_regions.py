"""Where a gap lives: readable rules, with their share of the gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from paribus._text import count, percent, shortened, visible
from paribus.evidence.base import Row
from paribus.record import Record
from paribus.report._marks import chart, confidence, contrasts, mark, whole_change
from paribus.report._parts import Cell, Chart, Column, Paragraph, Section, Table
from paribus.report._wording import UNITS, shown, span

MOST_CHARTS = 6
"""Contrasts whose rules are drawn; the table has all."""


def regions(record: Record) -> Iterator[Section]:
    """Show the rules that set apart the people with the widest gaps, if there are any."""
    rows = record.regions
    if not rows:
        return
    intro = "Rules that set apart the people with the widest gaps. "
    if all(row.exact for row in rows):
        intro += "They are measured on everybody in the declared domain."
    else:
        intro += (
            "They were found on one half of the people and measured on the other, which did not "
            "suggest them."
        )
        stable = any(row.stability is not None for row in rows)
        intro += " Resamples of the people say how often a rule is found again." if stable else ""
    drawn = list(islice(_charts(rows, record), MOST_CHARTS))
    yield Section("Where the gap lives", (Paragraph(intro),), (*drawn, _table(rows, record)))


def rule(row: Row) -> str:
    """Write the conditions of a row."""
    conditions = [shortened(visible(condition.text), 80) for condition in row.rule]
    return " and ".join(conditions) or "everybody"


def _charts(rows: Sequence[Row], record: Record) -> Iterator[Chart]:
    for mine in contrasts(rows).values():
        if len(mine) < 2:
            continue
        unit = mine[0].unit
        marks = [mark(row, shortened(rule(row), 60)) for row in mine if row.unit == unit]
        title = f"{UNITS[unit].title} by rule, {whole_change(mine[0])}"
        yield chart("gaps", title, unit, marks, record, detail=True)


def _table(rows: Sequence[Row], record: Record) -> Table:
    changes = {whole_change(row) for row in rows}
    methods = {row.method for row in rows if row.method}
    one = len(changes) == 1
    explained = any(row.explained is not None for row in rows)
    stable = any(row.stability is not None for row in rows)
    columns = (
        Column("People with"),
        *([] if one else [Column("Change")]),
        Column("Share of people", numeric=True),
        Column("Gap", numeric=True),
        # Where several rules share a confidence, their method says it.
        Column("Interval" if methods else confidence(record), numeric=True),
        *([Column("Share of the gap", numeric=True)] if explained else []),
        *([Column("Found again in", numeric=True, extra=True)] if stable else []),
        Column("Measured on", numeric=True, extra=True),
        *([Column("Method", extra=True, small=True)] if methods else []),
    )
    cells = tuple(
        (
            Cell(rule(row)),
            *([] if one else [Cell(whole_change(row))]),
            _share(row.share),
            Cell(shown(row)),
            Cell(span(row)),
            *([_share(row.explained)] if explained else []),
            *([_resamples(row.stability)] if stable else []),
            Cell(count(row.people, "pair")),
            *([Cell(visible(row.method))] if methods else []),
        )
        for row in rows
    )
    title = f"Rules for {changes.pop()}" if one else "Rules"
    return Table(title, columns, cells)


def _share(part: float | None) -> Cell:
    return Cell("" if part is None else percent(part))


def _resamples(part: float | None) -> Cell:
    return Cell("" if part is None else f"{100 * part:.0f} % of resamples")
