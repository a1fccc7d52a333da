"""A record becomes a page: sections, tables and charts as data, from which every format derives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, get_args

from paribus._text import count, name, p_value, percent, shortened, visible
from paribus.evidence.base import Row
from paribus.findings import Finding, Verdict
from paribus.record import Record
from paribus.report._method import limits, method
from paribus.report._parts import (
    Cell,
    Chart,
    Column,
    Mark,
    Page,
    Paragraph,
    Part,
    Section,
    Statement,
    Statements,
    Table,
    Tone,
)
from paribus.report._witnesses import witnesses
from paribus.report._wording import (
    SHARES,
    UNITS,
    bound,
    effect,
    people,
    sentence,
    show,
    span,
    verdict_sentence,
)

MOST_MARKS = 60
"""Rows of a chart. Where there are more, the widest gaps are drawn and the table has all."""

FEW_SENTENCES = 6
"""Findings of an attribute that are said before they are drawn; more of them come last."""

MANY_ATTRIBUTES = 12
"""Where there are more, one chart shows the widest gaps of all instead of one chart for each."""


def page(record: Record) -> Page:
    """Lay a record out as a page.

    Parameters
    ----------
    record : Record
        A finished audit, just made or read from a file.

    Returns
    -------
    Page
        The verdict first; then what each attribute does, the answers per group, where the gap
        lives, what a mere change of name does, witnesses, how it was done and what it does not say.
        Sections with nothing to show are left out.
    """
    sections = [
        *_attributes(record),
        *_rates(record),
        *_regions(record),
        *_placebo(record),
        *witnesses(record),
        method(record),
        limits(record),
    ]
    return Page(
        title=shortened(visible(record.name), 120) or "Audit",
        verdict=record.verdict,
        sentence=verdict_sentence(record),
        sections=tuple(sections),
    )


def _attributes(record: Record) -> Iterator[Section]:
    level = [finding for finding in record.findings if finding.contrast != "placebo"]
    attributes = list(dict.fromkeys(finding.attribute for finding in level))
    many = len(attributes) > MANY_ATTRIBUTES
    if many:
        yield _overview(level, len(attributes), record)
    for attribute in attributes:
        findings = [finding for finding in level if finding.attribute == attribute]
        said = Statements("In words", tuple(Statement(sentence(f), f.verdict) for f in findings))
        charts = [] if many else _gap_charts(findings, record)
        table = _finding_table(findings, record)
        few = len(findings) <= FEW_SENTENCES
        parts: list[Part] = [said, *charts, table] if few else [*charts, table, said]
        yield Section(
            f"What changing {name(attribute)} does",
            (Paragraph(_asked(attribute, findings, record)),),
            tuple(parts),
        )


def _overview(findings: Sequence[Finding], attributes: int, record: Record) -> Section:
    counts = [(v, sum(f.verdict == v for f in findings)) for v in get_args(Verdict)]
    told = ", ".join(f"{n:,} {verdict}" for verdict, n in counts)
    text = f"Of {count(len(findings), 'gap')} by {attributes:,} attributes: {told}."
    charts = _gap_charts(findings, record, named=True)
    return Section("The widest gaps", (Paragraph(text),), tuple(charts))


def _asked(attribute: str, findings: Sequence[Finding], record: Record) -> str:
    references = list(dict.fromkeys(f.reference for f in findings))
    groups = list(dict.fromkeys(f.group for f in findings))
    start = f"as {name(references[0])}" if len(references) == 1 else "as they are"
    end = (
        f"as {' and as '.join(name(group) for group in groups)}"
        if len(groups) <= 3
        else f"as each of {len(groups)} other groups"
    )
    what = f"{name(attribute)} and what was declared to follow it"
    return (
        f"The model was asked about the same {people(max(f.people for f in findings))} {start} "
        f"and {end}. Nothing but {what} differs. The band in the charts holds the gaps that were "
        f"declared beforehand to count as equal: up to "
        f"{bound(record.tolerance, findings[0].unit)}."
    )


def _gap_charts(findings: Sequence[Finding], record: Record, *, named: bool = False) -> list[Chart]:
    """Draw one chart of each unit; `named` puts the attribute before each change."""
    charts = []
    shared = not named and len({finding.reference for finding in findings}) == 1
    for unit in _units(findings):
        marks = []
        for f in (f for f in findings if f.unit == unit):
            label = name(f.group) if shared else _change(f)
            label = f"{name(f.attribute)}: {label}" if named else label
            marks.append(_mark(f, label, p_value(f.p), f.verdict))
        title = UNITS[unit].title
        if shared and not UNITS[unit].one_sided:
            title += f", against {name(findings[0].reference)}"
        charts.append(_chart("gaps", title, unit, marks, record))
    return charts


def _units(rows: Sequence[Row | Finding]) -> list[str]:
    present = {row.unit for row in rows}
    return [unit for unit in UNITS if unit in present]


def _chart(
    kind: Literal["gaps", "rates"],
    title: str,
    unit: str,
    marks: Sequence[Mark],
    record: Record,
    detail: bool = False,
) -> Chart:
    shown = list(marks)
    if len(marks) > MOST_MARKS:
        shown = sorted(marks, key=lambda mark: -abs(mark.estimate))[:MOST_MARKS]
        title += f" (the {MOST_MARKS} widest of {len(marks):,})"
    told = "; ".join(
        f"{mark.label}: {mark.text} ({mark.span})"
        + (f", {mark.tone}" if mark.tone in {"biased", "within tolerance", "inconclusive"} else "")
        for mark in shown[:8]
    )
    more = f"; and {len(shown) - 8} more" if len(shown) > 8 else ""
    against = f" Tolerance: {bound(record.tolerance, unit)}." if kind == "gaps" else ""
    return Chart(
        kind=kind,
        title=title,
        description=(
            f"{title}, with {record.confidence * 100:g} % intervals. {told}{more}.{against}"
        ),
        axis=UNITS[unit].axis,
        share=unit in SHARES,
        marks=tuple(shown),
        band=((0.0 if UNITS[unit].one_sided else -record.tolerance), record.tolerance)
        if kind == "gaps"
        else None,
        detail=detail,
    )


def _mark(row: Row | Finding, label: str, p: str = "", tone: Tone = "plain") -> Mark:
    return Mark(
        label=label,
        estimate=row.estimate,
        low=row.low,
        high=row.high,
        text=show(row.unit)(row.estimate),
        span=span(row),
        p=p,
        tone=tone,
    )


def _change(row: Row | Finding) -> str:
    return f"{name(row.reference)} → {name(row.group)}" if row.reference else name(row.group)


def _finding_table(findings: Sequence[Finding], record: Record) -> Table:
    flips = any(finding.flips is not None for finding in findings)
    columns = (
        Column("Change"),
        Column("Of what"),
        Column("Verdict"),
        Column("Gap", numeric=True),
        Column(f"{record.confidence * 100:g} % interval", numeric=True),
        Column("p", numeric=True),
        *([Column(side, numeric=True) for side in ("Against", "In favor")] if flips else []),
        Column("Answered pairs", numeric=True),
    )
    rows = tuple(
        (
            Cell(_change(f)),
            Cell(UNITS[f.unit].measure),
            Cell(f.verdict, f.verdict),
            Cell(show(f.unit)(f.estimate)),
            Cell(span(f)),
            Cell(p_value(f.p)),
            *([_counted(f.flips_against), _counted(f.flips_for)] if flips else []),
            _answered(f),
        )
        for f in findings
    )
    return Table("Gaps held against the tolerance", columns, rows, detail=True)


def _counted(n: int | None) -> Cell:
    return Cell("" if n is None else f"{n:,}")


def _answered(row: Row | Finding) -> Cell:
    whole = row.answered == row.people
    return Cell(f"{row.answered:,}" if whole else f"{row.answered:,} of {row.people:,}")


def _rates(record: Record) -> Iterator[Section]:
    rows = [
        row
        for row in record.evidence
        if row.unit in {"favorable rate", "mean answer"} and row.contrast != "placebo"
    ]
    if not rows:
        return
    rates = any(row.unit == "favorable rate" for row in rows)
    parts: list[Part] = []
    for (attribute, unit), family in groupby(
        sorted(rows, key=lambda row: (row.attribute, row.unit)),
        key=lambda row: (row.attribute, row.unit),
    ):
        members = list(family)
        title = f"{UNITS[unit].title} by {name(attribute)}"
        if len({row.attribute for row in rows}) <= MANY_ATTRIBUTES:
            marks = [_mark(row, name(row.group)) for row in members]
            parts.append(_chart("rates", title, unit, marks, record))
        parts.append(_rate_table(title, members, record))
    yield Section(
        "How often each group gets a favorable answer" if rates else "What each group is answered",
        (Paragraph("The same people in every row, as members of each group in turn."),),
        # Charts first, so that a wide screen can set them side by side.
        tuple(sorted(parts, key=lambda part: part.form != "chart")),
    )


def _rate_table(title: str, rows: Sequence[Row], record: Record) -> Table:
    columns = (
        Column("Group"),
        Column(UNITS[rows[0].unit].measure.capitalize(), numeric=True),
        Column(f"{record.confidence * 100:g} % interval", numeric=True),
        Column("Answered", numeric=True, extra=True),
    )
    cells = tuple(
        (
            Cell(name(row.group)),
            Cell(show(row.unit)(row.estimate)),
            Cell(span(row)),
            Cell(f"{row.answered:,} of {row.people:,}"),
        )
        for row in rows
    )
    return Table(f"{title}, in numbers", columns, cells, detail=True)


def _regions(record: Record) -> Iterator[Section]:
    if not record.regions:
        return
    rows = list(record.regions)
    changes = {f"{name(row.attribute)}: {_change(row)}" for row in rows}
    title = f"Rules for {changes.pop()}" if len(changes) == 1 else "Rules"
    columns = (
        Column("People with"),
        *([Column("Change")] if changes else []),
        Column("Share of people", numeric=True),
        Column("Gap", numeric=True),
        Column(f"{record.confidence * 100:g} % interval", numeric=True),
        Column("Measured on", numeric=True, extra=True),
    )
    cells = tuple(
        (
            Cell(_rule(row)),
            *([Cell(f"{name(row.attribute)}: {_change(row)}")] if changes else []),
            Cell("" if row.share is None else percent(row.share)),
            Cell(show(row.unit)(row.estimate)),
            Cell(span(row)),
            Cell(count(row.people, "pair")),
        )
        for row in rows
    )
    parts: list[Part] = []
    for unit in dict.fromkeys(row.unit for row in rows):
        marks = [_mark(row, shortened(_rule(row), 60)) for row in rows if row.unit == unit]
        if len(marks) > 1:
            parts.append(
                _chart("gaps", f"{UNITS[unit].title} by rule", unit, marks, record, detail=True)
            )
    yield Section(
        "Where the gap lives",
        (
            Paragraph(
                "Rules that set apart the people with the widest gaps. They were found on one half "
                "of the people and measured on the other, which did not suggest them."
            ),
        ),
        (*parts, Table(title, columns, cells)),
    )


def _rule(row: Row) -> str:
    conditions = [shortened(visible(condition.text), 80) for condition in row.rule]
    return " and ".join(conditions) or "everybody"


def _placebo(record: Record) -> Iterator[Section]:
    rows = [row for row in record.evidence if row.contrast == "placebo" and UNITS[row.unit].rank]
    if not rows:
        return
    said = [_compared(row, record) for row in _first_units(rows)]
    said += [Statement(sentence(f), f.verdict) for f in record.findings if f.contrast == "placebo"]
    charts = []
    for unit in _units(rows):
        marks = []
        for row in (row for row in rows if row.unit == unit):
            marks.append(_mark(row, f"{_linked(row.attribute, record)} alone", tone="muted"))
            widest = _widest(row, record)
            if widest is not None:
                label = f"{name(widest.attribute)}: {_change(widest)}"
                marks.append(_mark(widest, label, tone=widest.verdict))
        charts.append(_chart("gaps", UNITS[unit].title, unit, marks, record))
    yield Section(
        "What a mere change of name does",
        (
            Paragraph(
                "Placebo twins keep the attribute and draw only its linked fields again. Whatever "
                "moves here moves for the wording of a name, not for the attribute."
            ),
        ),
        (Statements("In words", tuple(said)), *charts),
    )


def _first_units(rows: Sequence[Row]) -> Iterator[Row]:
    for attribute in dict.fromkeys(row.attribute for row in rows):
        yield max(
            (r for r in rows if r.attribute == attribute), key=lambda row: UNITS[row.unit].rank
        )


def _compared(row: Row, record: Record) -> Statement:
    attribute = name(row.attribute)
    text = (
        f"A mere change of {_linked(row.attribute, record)}, with {attribute} kept, "
        f"{effect(row.model_copy(update={'flips_against': None}))} "
        f"({record.confidence * 100:g} % interval {span(row)})"
    )
    widest = _widest(row, record)
    if widest is not None:
        text += f"; a change of {attribute} from {name(widest.reference)} to {name(widest.group)} "
        text += effect(widest)
    return Statement(f"{text}.")


def _widest(row: Row, record: Record) -> Finding | None:
    same = [
        f
        for f in record.findings
        if f.contrast != "placebo" and (f.attribute, f.unit) == (row.attribute, row.unit)
    ]
    return max(same, key=lambda finding: abs(finding.estimate), default=None)


def _linked(attribute: str, record: Record) -> str:
    fields = record.spec.get("fields")
    linked = [
        name(field)
        for field, recipe in (fields.items() if isinstance(fields, dict) else ())
        if isinstance(recipe, dict) and attribute in (recipe.get("follows") or ())
    ]
    return ", ".join(linked[:4]) + (" ..." if len(linked) > 4 else "") or "linked fields"
