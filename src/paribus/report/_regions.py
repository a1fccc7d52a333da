"""Where a gap lives: readable rules, with their share of the gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

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
    if any(row.explained is not None for row in rows):
        intro += " Rules may share people, so their shares of the gap need not add up."
    methods = dict.fromkeys(visible(row.method) for row in rows if row.method)
    if len(methods) == 1 and not all(row.exact for row in rows):
        intro += f" {next(iter(methods))}."
    each = list(contrasts(rows).values())
    charts = [_chart(mine, record) for mine in each if len(mine) > 1][:MOST_CHARTS]
    table = [_table("Rules", rows, record)] if len(each) > 1 else []
    brief = [
        replace(_table(f"Rules for {whole_change(mine[0])}", mine, record), brief=len(each) > 1)
        for mine in each
    ]
    yield Section("Where the gap lives", (Paragraph(intro),), (*charts, *table, *brief))


def rule(row: Row) -> str:
    """Write the conditions of a row."""
    said: list[str] = []
    last = None
    for condition in row.rule:
        text = visible(condition.text)
        # A field is named once: income > 20,000 and <= 30,000.
        text = text.removeprefix(f"{visible(last)} ") if condition.field == last else text
        said.append(shortened(text, 80))
        last = condition.field
    return " and ".join(said) or "everybody"


def _chart(rows: Sequence[Row], record: Record) -> Chart:
    unit = rows[0].unit
    marks = [mark(row, shortened(rule(row), 60)) for row in rows if row.unit == unit]
    title = f"{UNITS[unit].title} by rule, {whole_change(rows[0])}"
    return chart("gaps", title, unit, marks, record, detail=True)


def _table(title: str, rows: Sequence[Row], record: Record) -> Table:
    each = list(contrasts(rows).values())
    several = len(each) > 1
    methods = {row.method for row in rows}
    explained = any(row.explained is not None for row in rows)
    stable = any(row.stability is not None for row in rows)
    columns = (
        *([Column("Change")] if several else []),
        Column("People with"),
        Column("Share of people", numeric=True),
        Column("Gap", numeric=True),
        # Where several rules share a confidence, their method says it.
        Column("Interval" if any(methods) else confidence(record), numeric=True),
        *([Column("Share of the gap", numeric=True)] if explained else []),
        *([Column("Found again", numeric=True)] if stable else []),
        Column("Measured on", numeric=True, extra=True),
    )
    cells = tuple(
        (
            # Said once, so that the eye finds where the next change begins.
            *([Cell(whole_change(row) if row is mine[0] else "")] if several else []),
            Cell(rule(row), note=visible(row.method) if len(methods) > 1 else ""),
            _share(row.share),
            Cell(shown(row)),
            Cell(span(row)),
            *([_share(row.explained)] if explained else []),
            *([_resamples(row.stability)] if stable else []),
            Cell(count(row.people, "pair")),
        )
        for mine in each
        for row in mine
    )
    return Table(title, columns, cells, detail=several)


def _share(part: float | None) -> Cell:
    return Cell("" if part is None else percent(part))


def _resamples(part: float | None) -> Cell:
    return Cell("" if part is None else f"{100 * part:.0f} %")
