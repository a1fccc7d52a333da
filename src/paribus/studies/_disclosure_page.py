"""A disclosure as a page: the same parts as a report, and no verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from paribus._text import name, number, p_value, percent, shortened, visible
from paribus.report import _fragment, html, terminal
from paribus.report._parts import (
    Cell,
    Chart,
    Column,
    Facts,
    Mark,
    Page,
    Paragraph,
    Part,
    Section,
    Statement,
    Statements,
    Table,
)
from paribus.studies._tables import Category, CategoryTable, Disclosure

_MOST_MARKS = 60
"""Rows of a chart; of more categories, those with the lowest ratios are drawn."""

_NAME = 80

_ONE_PERSON = {
    None: "",
    "changes the order": "would then have the higher rate",
    "reaches four fifths": "would then reach four fifths",
    "changes nothing": "would stay below",
}


def render(disclosure: Disclosure, format: str, **options: Any) -> str:
    """Write a disclosure as HTML, or as text for a terminal."""
    if format == "html":
        return html.write(page(disclosure))
    return terminal.write(page(disclosure), **options)


def fragment(disclosure: Disclosure) -> str:
    """Write the page in brief, to stand in a notebook."""
    return _fragment.write(page(disclosure))


def page(disclosure: Disclosure) -> Page:
    """Lay a disclosure out as a page: its facts, a section for each table, notes and sources."""
    sections = [*_facts(disclosure)]
    sections += [_section(disclosure, table) for table in disclosure.tables]
    sections.append(
        Section(
            "What these numbers are, and are not",
            (),
            (Statements("", tuple(Statement(_said(note)) for note in disclosure.notes)),),
        )
    )
    sources = tuple(Statement(_said(citation)) for citation in disclosure.citations)
    sections.append(Section("Sources", (), (Statements("", sources),)))
    return Page(
        title=shortened(visible(disclosure.title), 120),
        verdict=None,
        sentence=_said(disclosure.sentence),
        sections=tuple(sections),
        remarks=tuple(_said(remark) for remark in disclosure.remarks),
    )


def _facts(disclosure: Disclosure) -> Iterator[Section]:
    missing = ((key, "not given") for key in disclosure.missing)
    items = tuple((key, visible(value)) for key, value in (*disclosure.facts, *missing))
    if not items:
        return
    asked = "§ 5-303(a) and § 5-302(b) ask to publish these beside the tables."
    intro = (Paragraph(_said(asked)),) if disclosure.rule == "nyc-144" else ()
    yield Section("The audit and its data", intro, (Facts("Beside the tables", items),))


def _section(disclosure: Disclosure, table: CategoryTable) -> Section:
    parts: list[Part] = []
    if table.categories:
        parts.append(_rates(table, disclosure.confidence))
    if any(category.fisher_p is not None for category in table.categories):
        parts.append(_statistics(table))
    if any(category.impact_ratio is not None for category in table.categories):
        parts.append(_chart(table))
    parts += [Paragraph(_said(note)) for note in table.notes]
    said = [f"{table.section}."]
    if table.benchmark is not None:
        said.append(f"Impact ratio: rate / rate of {name(table.benchmark, _NAME)}.")
    if table.rate_of == "scoring" and disclosure.median is not None:
        said.append(f"Median of all scores: {number(disclosure.median)}.")
    return Section(visible(table.title), (Paragraph(_said(" ".join(said))),), tuple(parts))


def _said(text: str) -> str:
    """Keep a section and its sign on one line."""
    return visible(text).replace("§ ", "§\N{NO-BREAK SPACE}")


Show = Callable[[Category], str]


def _rates(table: CategoryTable, confidence: float | None) -> Table:
    scoring = table.rate_of == "scoring"
    shown: list[tuple[Column, Show]] = [
        (Column("Category"), lambda c: name(c.name, _NAME)),
        (Column("Scored" if scoring else "Applicants", numeric=True), lambda c: f"{c.people:,}"),
        (
            Column("Above the median" if scoring else "Selected", numeric=True),
            lambda c: f"{c.favored:,}",
        ),
        (
            Column(f"{table.rate_of.capitalize()} rate", numeric=True),
            lambda c: "none" if c.rate is None else percent(c.rate),
        ),
        (Column("Impact ratio", numeric=True), lambda c: _ratio(c.impact_ratio)),
    ]
    if confidence is not None:
        shown.append((Column(f"{confidence * 100:g} % interval", numeric=True), _span))
        shown.append((Column("Four fifths"), _fifths))
    if any(c.impact_ratio_without_small is not None for c in table.categories):
        column = Column("Ratio without small categories", numeric=True)
        shown.append((column, lambda c: _ratio(c.impact_ratio_without_small)))
    if any(c.small for c in table.categories):
        shown.append((Column("Small"), lambda c: "< 2 %" if c.small else ""))
    title = "Scores, scoring rates" if scoring else "Applicants, selection rates"
    return _filled(f"{title} and impact ratios", shown, table.categories)


def _statistics(table: CategoryTable) -> Table:
    shown: list[tuple[Column, Show]] = [
        (Column("Category"), lambda c: name(c.name, _NAME)),
        (Column("p (Fisher)", numeric=True), lambda c: _given(c.fisher_p, p_value)),
        (Column("p (Holm)", numeric=True), lambda c: _given(c.holm_p, p_value)),
        (
            Column("Standard deviations", numeric=True),
            lambda c: _given(c.standard_deviations, lambda value: f"{value:+.2f}"),
        ),
        (Column("One different person"), lambda c: _ONE_PERSON[c.one_person]),
    ]
    compared = [category for category in table.categories if category.fisher_p is not None]
    return _filled("Statistics beside the rule", shown, compared)


def _filled(
    title: str, shown: Sequence[tuple[Column, Show]], categories: Sequence[Category]
) -> Table:
    return Table(
        title=title,
        columns=tuple(column for column, _ in shown),
        rows=tuple(tuple(Cell(show(c)) for _, show in shown) for c in categories),
    )


def _given(value: float | None, show: Callable[[float], str]) -> str:
    return "" if value is None else show(value)


def _ratio(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.3f}" if value < 100 else number(value)


def _span(category: Category) -> str:
    if category.low is None or category.high is None:
        return ""
    low = _ratio(category.low)
    unbounded = category.high >= sys.float_info.max
    return f"from {low}, no upper bound" if unbounded else f"{low} to {_ratio(category.high)}"


def _fifths(category: Category) -> str:
    if category.below_four_fifths is None:
        return ""
    return "below" if category.below_four_fifths else "not below"


def _chart(table: CategoryTable) -> Chart:
    drawn = [(c.impact_ratio, c) for c in table.categories if c.impact_ratio is not None]
    title = f"Impact ratios by {visible(table.attribute)}"
    if table.rate_of == "scoring":
        title += ", of scoring rates"
    if len(drawn) > _MOST_MARKS:
        title += f" (the {_MOST_MARKS} lowest of {len(drawn):,})"
        drawn = sorted(drawn, key=lambda pair: pair[0])[:_MOST_MARKS]
    marks = tuple(
        Mark(
            label=name(c.name, _NAME),
            estimate=ratio,
            low=ratio if c.low is None else c.low,
            high=ratio if c.high is None else c.high,
            text=_ratio(ratio),
            span=_span(c),
        )
        for ratio, c in drawn
    )
    told = "; ".join(f"{mark.label}: {mark.text}" for mark in marks[:8])
    more = f"; and {len(marks) - 8} more" if len(marks) > 8 else ""
    return Chart(
        kind="ratios",
        title=title,
        description=f"{title}. {told}{more}.",
        axis="impact ratio (orange line: four fifths)",
        share=False,
        marks=marks,
        detail=True,
    )
