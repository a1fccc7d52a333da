"""Where a gap lives: readable rules, with their share of the gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from paribus._text import count, percent, shortened, visible
from paribus.evidence.base import Row
from paribus.record import Record
from paribus.report._marks import chart, confidence, contrasts, mark, whole_change
from paribus.report._parts import (
    Cell,
    Chart,
    Column,
    Paragraph,
    Part,
    Section,
    Statement,
    Statements,
    Table,
)
from paribus.report._profiles import how_measured, most_telling
from paribus.report._wording import UNITS, shown, span

MOST_CHARTS = 6
"""Contrasts whose rules are drawn; the table has all."""


MOST_SAID = 8
"""Rules that are said in words."""

MOST_ROWS = 400
"""Rows of the table."""

MOST_BRIEF = 20
"""Comparisons of which a short format has a table."""

MOST_NAMED = 4
"""Comparisons that a sentence names."""

MOST_OPEN = 30
"""Rows of a table that is not folded."""

_RELATIONS = {"<=": "is at most", ">": "is above", "is": "is", "is not": "is not"}


def regions(record: Record) -> Iterator[Section]:
    """Show along which field the gap runs, and the rules that set apart the widest gaps."""
    rows = record.regions
    telling = most_telling(record)
    if not rows and not telling:
        return
    intro = [Paragraph(how_measured(record))] if telling else []
    parts: list[Part] = list(telling)
    if rows:
        intro.append(Paragraph(_found(rows)))
        parts += _rules(rows, record)
    yield Section("Where the gap lives", tuple(intro), tuple(parts))


def _found(rows: Sequence[Row]) -> str:
    """Say what rules are, and on whom they were measured."""
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
    return intro


def _rules(rows: Sequence[Row], record: Record) -> list[Part]:
    each = list(contrasts(rows).values())
    charts = [_chart(mine, record) for mine in each if len(mine) > 1][:MOST_CHARTS]
    title = "Rules"
    if len(rows) > MOST_ROWS:
        title += f" (the first {MOST_ROWS} of {len(rows):,}; the JSON record has all)"
    table = [_table(title, rows[:MOST_ROWS], record)] if len(each) > 1 else []
    each = each[:MOST_BRIEF]
    brief = [
        replace(_table(f"Rules for {whole_change(mine[0])}", mine, record), brief=bool(table))
        for mine in each
    ]
    said = Statements("In words", tuple(_said(each, record)), detail=True)
    return [said, *charts, *table, *brief]


def _said(each: Sequence[Sequence[Row]], record: Record) -> Iterator[Statement]:
    """Say the widest gaps in words: of one comparison all rules, of several the first of each."""
    few = each[0] if len(each) == 1 else [max(mine, key=lambda r: abs(r.estimate)) for mine in each]
    told: dict[str, list[str]] = {}
    for row in sorted(few, key=lambda row: -abs(row.estimate)):
        size = "exact" if row.exact else span(row)
        size = size if row.exact or row.method else f"{confidence(record)} {size}"
        share = f" ({percent(row.share)} of people)" if row.share is not None else ""
        part = f", {percent(row.explained)} of the whole gap" if row.explained is not None else ""
        who = f"people whose {in_words(row)}{share}" if row.rule else "all people"
        text = f"among {who}, the gap is {shown(row)} ({size}){part}."
        told.setdefault(text, []).append(whole_change(row))
    # Comparisons that a rule says the same of are said together.
    for text, changes in list(told.items())[:MOST_SAID]:
        more = f" and {len(changes) - MOST_NAMED:,} more" if len(changes) > MOST_NAMED else ""
        yield Statement(f"{'; '.join(changes[:MOST_NAMED])}{more}: {text}")


def in_words(row: Row) -> str:
    """Write the conditions of a row in words: ``income is at most 79,997``."""
    said = []
    last = None
    for condition in row.rule:
        field, sign, end = visible(condition.text).partition(f" {condition.relation} ")
        text = f"{_RELATIONS[condition.relation]} {end}" if sign else ""
        # A field is named once: income is above 20,000 and at most 30,000.
        bare = text.removeprefix("is ") if condition.field == last else f"{field} {text}".strip()
        said.append(shortened(bare, 100))
        last = condition.field
    return " and ".join(said)


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
    return Table(title, columns, cells, detail=several, folded=len(cells) > MOST_OPEN)


def _share(part: float | None) -> Cell:
    return Cell("" if part is None else percent(part))


def _resamples(part: float | None) -> Cell:
    return Cell("" if part is None else f"{100 * part:.0f} %")
