"""Rows about a table as the marks of charts and the cells of tables: what its sections share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import get_args

from paribus._text import name, number, p_value, percent, shortened, visible
from paribus.evidence.base import Line, Row
from paribus.findings import Finding, Verdict, distance, ratio, shown_as
from paribus.record import Record
from paribus.report._findings import FEW_SENTENCES
from paribus.report._marks import confidence, told, with_intervals
from paribus.report._parts import (
    Cell,
    Chart,
    Column,
    Guide,
    Lines,
    Mark,
    Paragraph,
    Part,
    Point,
    Statement,
    Statements,
    Table,
    Tone,
)
from paribus.report._parts import Line as Drawn
from paribus.report._wording import sentence
from paribus.roles import CROSS

MOST_ROWS = 400
"""Rows of a table of all numbers; the JSON record has all."""

MOST_GROUPS = 24
"""Groups that the first chart of an attribute draws; of more, the lowest and the highest."""

FEW_GROUPS = 12
"""Groups that every other chart draws."""

MOST_SPANS = 4
"""Lines of a drawing that are told apart, with their intervals; others are thin and gray."""

ALONE = frozenset({"representation", "gap over time", "feedback gap", "impact ratio"})
"""Units whose name says already that groups are compared."""


def attributes(rows: Iterable[Row]) -> list[str]:
    """List the attributes in their order."""
    return list(dict.fromkeys(row.attribute for row in rows))


def chosen(rows: Iterable[Row], unit: str, relation: str, attribute: str) -> list[Row]:
    """Find the rows of a metric about the groups of an attribute."""
    return [
        row
        for row in rows
        if (row.unit, row.relation, row.attribute) == (unit, relation, attribute) and row.group
    ]


def written(row: Row | Finding) -> str:
    """Write the estimate."""
    if row.scale == "ratio" and row.estimate >= sys.float_info.max:
        return "unbounded"
    return shown_as(row)(row.estimate)


def ends(row: Row | Finding) -> str:
    """Write the ends of the interval, to stand beside the estimate."""
    show = shown_as(row)
    low = show(row.low).removesuffix(" points").removesuffix(" %")
    if row.high >= sys.float_info.max:
        return f"from {low}, no upper bound"
    return f"{low} to {show(row.high).removesuffix(' points')}"


def mark(row: Row, label: str | None = None, tone: Tone = "plain") -> Mark:
    """Turn a row into the mark of a chart."""
    return Mark(
        label=name(row.group) if label is None else label,
        estimate=row.estimate,
        low=row.low,
        high=row.high,
        text=written(row),
        span=ends(row),
        p="" if row.p is None else p_value(row.p),
        tone=tone,
        reference=row.expected,
    )


def said(findings: Sequence[Finding]) -> list[Part]:
    """Give the sentences of the findings that a reader should hear first; a table has the rest."""
    if not findings:
        return []
    ranked = sorted(range(len(findings)), key=lambda i: (_urgency(findings[i]), findings[i].p))
    first = sorted(ranked[:FEW_SENTENCES], key=lambda i: (_urgency(findings[i]), i))
    kept = [findings[i] for i in first]
    items = tuple(Statement(sentence(f), f.verdict) for f in kept)
    parts: list[Part] = [Statements("In words", items)]
    if len(findings) > len(kept):
        counts = ((v, sum(f.verdict == v for f in findings)) for v in get_args(Verdict))
        listed = ", ".join(f"{n:,} {verdict}" for verdict, n in counts if n)
        parts.append(
            Paragraph(
                f"These are {len(kept)} of {len(findings):,} questions ({listed}); the table of "
                "what was held against the tolerance has all."
            )
        )
    return parts


def _urgency(finding: Finding) -> int:
    return ("biased", "inconclusive", "within tolerance").index(finding.verdict)


def crossed(attribute: str) -> bool:
    """Tell whether an attribute is made of several."""
    return CROSS in attribute


def few_of(rows: Sequence[Row], most: int) -> tuple[list[Row], str]:
    """Choose what a chart can show: of too many groups, as many of the lowest as of the highest."""
    if len(rows) <= most:
        return list(rows), ""
    ranked = sorted(range(len(rows)), key=lambda i: rows[i].estimate)
    ends = {*ranked[: most // 2], *ranked[-(most // 2) :]}
    kept = [row for i, row in enumerate(rows) if i in ends]
    return kept, f" (the {most // 2} lowest and the {most // 2} highest of {len(rows):,} groups)"


def by_group(
    rows: Sequence[Row],
    title: str,
    record: Record,
    *,
    axis: str,
    bars: bool = False,
    lines: tuple[Guide, ...] = (),
    band: tuple[float, float] | None = None,
    band_label: str = "",
    reference_label: str = "",
    detail: bool = False,
    most: int = FEW_GROUPS,
    label: Callable[[Row], str] | None = None,
) -> list[Part]:
    """Draw one number of each group with its interval."""
    if not rows:
        return []
    kept, some = few_of(rows, most)
    title += some
    marks = tuple(mark(row, None if label is None else label(row)) for row in kept)
    meanings = [f"Line: {line.label}." for line in lines if line.label]
    meanings += [f"Band: {band_label}."] if band_label else []
    meanings += [f"Compared with: {reference_label}."] if reference_label else []
    return [
        Chart(
            kind="bars" if bars else "rates",
            title=title,
            description=" ".join((f"{title}, {with_intervals(record)}. {told(marks)}.", *meanings)),
            axis=axis,
            share=rows[0].scale == "share",
            marks=marks,
            band=band,
            detail=detail,
            lines=lines,
            band_label=band_label,
            reference_label=reference_label,
        )
    ]


def around(
    rows: Sequence[Row], each: Sequence[Row], record: Record
) -> tuple[tuple[float, float] | None, str]:
    """Give the range around the reference's number that counts as equal, and what it is.

    Parameters
    ----------
    rows : sequence of Row
        All rows of the attribute.
    each : sequence of Row
        The shares that are drawn, all of one unit.
    record : Record
    """
    about = {(row.unit, row.field) for row in each}
    against = (
        row.reference
        for row in rows
        if row.relation == "difference" and (row.unit, row.field) in about
    )
    reference = next(against, "")
    mine = next((row for row in each if row.group == reference), None)
    if mine is None or record.data is None or mine.scale != "share":
        return None, ""
    tolerance = record.data.tolerance
    return (
        (mine.estimate - tolerance, mine.estimate + tolerance),
        f"within {distance(tolerance)} of {name(reference, 24)}",
    )


def curves(
    record: Record,
    lines: Sequence[Line],
    title: str,
    *,
    along: str,
    axis: str,
    show: Callable[[float], str] = percent,
    share: bool = True,
    share_along: bool = False,
    guide: str = "",
    diagonal: bool = False,
    tolerance: float | None = None,
    log: bool = False,
    detail: bool = False,
    sizes: Mapping[str, int] | None = None,
) -> list[Part]:
    """Draw lines over shared axes: those with an alarm first, then those of the largest groups.

    A group looks the same in all charts of its attribute.
    """
    if not lines:
        return []

    def first(line: Line) -> tuple[bool, int]:
        size = sum(line.people) if sizes is None else sizes.get(line.group, 0)
        return not any(line.alarms), -size

    kept = sorted(lines, key=first)
    labels = next((line.labels for line in kept if line.labels), None)
    crowded = len(kept) > MOST_SPANS
    pens = {group: order for order, group in enumerate(_groups(record, lines[0].attribute))}
    drawn = tuple(
        _line(line, show, pen=pens[line.group], muted=crowded and order >= MOST_SPANS)
        for order, line in enumerate(kept)
    )
    return [
        Lines(
            title=title,
            description=_courses(drawn, title, labels),
            along=along,
            axis=axis,
            share=share,
            share_along=share_along,
            lines=drawn,
            guide="diagonal" if diagonal else "none" if tolerance is None else "zero",
            guide_label=guide,
            band=None if tolerance is None else (-tolerance, tolerance),
            band_label="" if tolerance is None else f"within {distance(tolerance)}",
            labels=None if labels is None else tuple(name(each, 24) for each in labels),
            log=log,
            detail=detail,
        )
    ]


def _groups(record: Record, attribute: str) -> list[str]:
    """List the groups of which there is a line, everybody last."""
    found = dict.fromkeys(line.group for line in record.lines if line.attribute == attribute)
    return sorted(found, key=lambda group: not group)


def _line(line: Line, show: Callable[[float], str], *, pen: int, muted: bool) -> Drawn:
    # An interval that is not drawn must not widen the axis.
    spans = not muted and bool(line.low) and bool(line.high)
    return Drawn(
        label=name(line.group) if line.group else "everybody",
        points=tuple(
            Point(
                x=x,
                y=y,
                low=line.low[i] if spans else None,
                high=line.high[i] if spans else None,
                text=show(y),
                alarm=bool(line.alarms) and line.alarms[i],
            )
            for i, (x, y) in enumerate(zip(line.x, line.y, strict=True))
        ),
        tone="muted" if muted else "plain",
        pen=pen,
    )


def _courses(drawn: Sequence[Drawn], title: str, labels: Sequence[str] | None) -> str:
    """Say where the first lines start and end, and at which windows an alarm is up."""
    courses = []
    for line in drawn[:8]:
        if not line.points:
            continue
        course = f"{line.label} goes from {line.points[0].text} to {line.points[-1].text}"
        up = [point for point in line.points if point.alarm]
        if up:
            first = name(labels[int(up[0].x)], 24) if labels else number(up[0].x)
            course += f" (an alarm is up at {len(up):,} of {len(line.points):,}, from {first} on)"
        courses.append(course)
    more = [f"and {len(drawn) - 8:,} more"] if len(drawn) > 8 else []
    return f"{title}. {'; '.join(courses + more)}."


def numbers(rows: Sequence[Row], title: str, record: Record) -> list[Part]:
    """Give all numbers in one table, folded."""
    if not rows:
        return []
    kept = rows[:MOST_ROWS]
    if len(rows) > MOST_ROWS:
        title += f" (the first {MOST_ROWS} of {len(rows):,}; the JSON record has all)"
    fields = any(row.field for row in kept)
    several = len(attributes(kept)) > 1
    columns = (
        Column("Group"),
        Column("Number"),
        *([Column("Of")] if fields else []),
        Column("Estimate", numeric=True),
        Column(confidence(record), numeric=True),
        Column("p", numeric=True),
        Column("Rows", numeric=True),
    )
    cells = tuple(
        (
            Cell(f"{name(row.attribute)}: {compared(row)}" if several else compared(row)),
            Cell(metric(row), note=visible(row.method)),
            *([Cell(shortened(visible(row.field), 48))] if fields else []),
            Cell(written(row)),
            Cell(ends(row)),
            Cell("" if row.p is None else p_value(row.p)),
            Cell(f"{row.answered:,}"),
        )
        for row in kept
    )
    return [Table(title, columns, cells, detail=True, folded=True)]


def compared(row: Row | Finding) -> str:
    """Say which groups a row is about."""
    if row.relation in {"spread", "extremes", "test"}:
        return "all groups"
    who = name(row.group) if row.group else "everybody"
    return f"{who} against {name(row.reference)}" if row.reference else who


def metric(row: Row | Finding) -> str:
    """Say which number a row is."""
    relation = {
        "difference": ", difference",
        "ratio": ", ratio",
        "spread": ", highest less lowest",
        "extremes": ", lowest over highest",
    }.get(row.relation, "")
    if row.unit in ALONE or row.unit.endswith(("odds ratio", "gap over time")):
        relation = ""
    return f"{visible(row.unit)}{relation}"


def question(finding: Finding) -> str:
    """Say in few words what was asked: ``equalized odds by race: all groups``."""
    about = f" of {shortened(visible(finding.field), 80)}" if finding.field else ""
    if finding.stage == "features":
        # What stands for an attribute is about no group of it.
        return f"{visible(finding.unit)}{about} for {name(finding.attribute)}"
    return f"{visible(finding.unit)}{about} by {name(finding.attribute)}: {compared(finding)}"


def verdicts(findings: Sequence[Finding], record: Record) -> list[Part]:
    """Give what was held against the tolerance as a table, folded."""
    if not findings:
        return []
    columns = (
        Column("Verdict"),
        Column("What"),
        Column("Estimate", numeric=True),
        Column(confidence(record), numeric=True),
        Column("Tolerance", numeric=True, extra=True),
        Column("p", numeric=True, extra=True),
    )
    cells = tuple(
        (
            Cell(f.verdict, f.verdict),
            Cell(question(f), note=visible(f.method)),
            Cell(written(f)),
            Cell(ends(f)),
            Cell(tolerated(f)),
            Cell(p_value(f.p)),
        )
        for f in sorted(findings, key=_urgency)
    )
    # A format that cannot fold needs it only where not every finding was said.
    brief = len(findings) <= FEW_SENTENCES
    return [Table("Held against the tolerance", columns, cells, detail=brief, folded=True)]


def tolerated(finding: Finding) -> str:
    """Write the tolerance of a finding."""
    if finding.scale == "ratio" and finding.relation != "spread":
        return f"{ratio(1 - finding.tolerance)} to {ratio(1 / (1 - finding.tolerance))}"
    if finding.scale == "share":
        return distance(finding.tolerance)
    return number(finding.tolerance)


def pieces(record: Record, stage: str) -> Iterator[tuple[str, list[Row], list[Finding]]]:
    """Give the rows and findings of a stage, attribute by attribute."""
    rows = [row for row in record.evidence if row.stage == stage]
    findings = [finding for finding in record.findings if finding.stage == stage]
    for attribute in attributes(rows):
        yield (
            attribute,
            [row for row in rows if row.attribute == attribute],
            [finding for finding in findings if finding.attribute == attribute],
        )


def lines_of(record: Record, stage: str, attribute: str, chart: str) -> list[Line]:
    """Find the lines of a chart."""
    return [
        line
        for line in record.lines
        if (line.stage, line.attribute, line.chart) == (stage, attribute, chart)
    ]


def sizes_of(rows: Sequence[Row]) -> dict[str, int]:
    """Say how many rows each group has."""
    sizes: dict[str, int] = {}
    for row in rows:
        if row.relation == "value" and row.group:
            sizes[row.group] = max(sizes.get(row.group, 0), row.people)
    return sizes
