"""What each attribute does: its findings in words, drawn, and in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from paribus._text import count, name
from paribus.findings import Finding, Verdict
from paribus.record import Record
from paribus.report._crossed import crossed, listed, spoken
from paribus.report._marks import (
    MANY_ATTRIBUTES,
    answered,
    change,
    chart,
    confidence,
    mark,
    units_of,
)
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
from paribus.report._wording import (
    EXCESS,
    UNITS,
    bound,
    certain,
    note,
    people,
    sentence,
    shown,
    span,
)

FEW_SENTENCES = 6
"""Findings of an attribute that are said before they are drawn; more of them come last."""

SHORT_NAME = 24
"""Characters of a reference up to which the head of a column names it."""


def findings(record: Record) -> Iterator[Section]:
    """Show what each attribute does, one section for each."""
    level = [finding for finding in record.findings if finding.contrast != "placebo"]
    attributes = list(dict.fromkeys(finding.attribute for finding in level))
    many = len(attributes) > MANY_ATTRIBUTES
    if many:
        yield _overview(level, len(attributes), record)
    for attribute in attributes:
        mine = [finding for finding in level if finding.attribute == attribute]
        said = Statements(
            "In words", tuple(Statement(sentence(f, record), f.verdict) for f in mine)
        )
        charts = [] if many else _charts(mine, record)
        table = _table(mine, record)
        few = len(mine) <= FEW_SENTENCES
        parts: list[Part] = [said, *charts, table] if few else [*charts, table, said]
        yield Section(
            f"What changing {_together(attribute, record)} does",
            (Paragraph(_asked(attribute, mine, record)),),
            tuple(parts),
        )


def _together(attribute: str, record: Record) -> str:
    several = crossed(attribute, record)
    return f"{listed([name(p) for p in several], 'and')} together" if several else name(attribute)


def _overview(level: Sequence[Finding], attributes: int, record: Record) -> Section:
    counts = [(v, sum(f.verdict == v for f in level)) for v in get_args(Verdict)]
    told = ", ".join(f"{n:,} {verdict}" for verdict, n in counts)
    text = f"Of {count(len(level), 'gap')} by {attributes:,} attributes: {told}."
    charts = _charts(level, record, named=True)
    return Section("The widest gaps", (Paragraph(text),), tuple(charts))


def _asked(attribute: str, mine: Sequence[Finding], record: Record) -> str:
    references = list(dict.fromkeys(f.reference for f in mine))
    groups = list(dict.fromkeys(f.group for f in mine))
    start = f"as {spoken(mine[0], record).reference}" if len(references) == 1 else "as they are"
    told = dict.fromkeys(spoken(f, record).group for f in mine)
    end = (
        f"as {' and as '.join(told)}"
        if len(groups) <= 3
        else f"as each of {len(groups)} other groups"
    )
    several = crossed(attribute, record)
    each = [name(part) for part in several or (attribute,)]
    it, differs = ("them", "differ") if several else ("it", "differs")
    what = f"{listed(each, 'and')} and what was declared to follow {it}"
    out = [f for f in mine if f.verdict == "within tolerance" and _sticks_out(f)]
    sides = (
        " An interval may stick out of the band although its gap is proven to lie within: that is "
        "proven by two one-sided tests, one for each edge, and the interval is two-sided."
        if out
        else ""
    )
    return (
        f"The model was asked about the same {people(max(f.people for f in mine))} {start} "
        f"and {end}. Nothing but {what} {differs}. The band in the charts holds the gaps that "
        f"were declared beforehand to count as equal: up to "
        f"{bound(record.tolerance, mine[0].unit)}.{sides}"
    )


def _sticks_out(finding: Finding) -> bool:
    return max(-finding.low, finding.high) > finding.tolerance


def _charts(mine: Sequence[Finding], record: Record, *, named: bool = False) -> list[Chart]:
    """Draw one chart of each unit; `named` puts the attribute before each change."""
    charts = []
    shared = not named and len({finding.reference for finding in mine}) == 1
    for unit in units_of(mine):
        marks = []
        for f in (f for f in mine if f.unit == unit):
            label = name(f.group) if shared else change(f)
            label = f"{name(f.attribute)}: {label}" if named else label
            marks.append(mark(f, label, certain(f), f.verdict))
        title = UNITS[unit].title
        if shared and not UNITS[unit].one_sided and unit not in EXCESS:
            title += f", against {name(mine[0].reference)}"
        charts.append(chart("gaps", title, unit, marks, record))
    return charts


def _table(mine: Sequence[Finding], record: Record) -> Table:
    flips = any(f.flips is not None for f in mine)
    settled = any(f.settled is not None for f in mine)
    certainty = not all(f.exact for f in mine)
    references = {f.reference for f in mine}
    start = name(mine[0].reference)
    shared = len(references) == 1 and len(start) <= SHORT_NAME
    columns = (
        # First, so that a narrow screen shows it without scrolling.
        Column("Verdict"),
        Column(f"From {start} to" if shared else "Change"),
        Column("Of what"),
        Column("Gap", numeric=True),
        Column(confidence(record) if certainty else "Interval", numeric=True),
        *([Column("p", numeric=True)] if certainty else []),
        *([Column("Against, in favor", numeric=True)] if flips else []),
        Column("Answered pairs", numeric=True),
        *([Column("Settled after", numeric=True)] if settled else []),
    )
    rows = tuple(
        (
            Cell(f.verdict, f.verdict),
            Cell(name(f.group) if shared else change(f)),
            Cell(UNITS[f.unit].measure, note=note(f)),
            Cell(shown(f)),
            Cell(span(f)),
            *([Cell(certain(f))] if certainty else []),
            *([_sides(f)] if flips else []),
            answered(f),
            *([_counted(f.settled)] if settled else []),
        )
        for f in mine
    )
    folded = len(mine) > FEW_SENTENCES
    return Table("Gaps held against the tolerance", columns, rows, detail=True, folded=folded)


def _sides(f: Finding) -> Cell:
    if f.flips_against is None or f.flips_for is None:
        return Cell("")
    return Cell(f"{f.flips_against:,}, {f.flips_for:,}")


def _counted(n: int | None) -> Cell:
    return Cell("" if n is None else f"{n:,}")
