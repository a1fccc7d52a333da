"""Markdown for a pull request: the verdict, what was found, and the rest folded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from paribus._text import count, visible
from paribus.record import Record
from paribus.report import _gfm
from paribus.report._held import SIGNS, Told, region, told, urgent
from paribus.report._marks import confidence
from paribus.report._parts import Cell, Column, Page, Table
from paribus.report._witnesses import witnesses
from paribus.report._wording import of_twins, readable
from paribus.report.base import page

LIMIT = 64_000
"""Characters at most: GitHub refuses a comment of more than 65,536."""

MOST_FINDINGS = 30
MOST_REGIONS = 5
MOST_FIELDS = 8
"""Columns of the table of witnesses."""

_SHOWN = ("What changing", "The widest gaps", "Where the gap lives", "Twins who")
"""How the sections begin that the comment shows by itself."""


def render(record: Record, *, limit: int = LIMIT) -> str:
    """Write a comment for a pull request.

    Parameters
    ----------
    record : Record
        A finished audit.
    limit : int
        Characters at most, from 10,000. What would go beyond is left out, and named; the verdict
        stays.

    Returns
    -------
    str
        Markdown as GitHub reads it. Whatever the record holds is shown as it is: it cannot be a
        link, mention anybody, refer to an issue or break a table.
    """
    record = readable(record)
    content = page(record)
    blocks = list(_head(content))
    size = sum(len(block) + 2 for block in blocks)
    shown = {
        "What was found": _findings(record),
        "Where the gap lives": _where(record),
        "Twins who are treated differently": _twins(record),
    }
    told = ((title, "\n\n".join(said)) for title, said in shown.items())
    left_out = []
    for title, block in chain(told, _folded(content)):
        # What names the sections that are left out needs room too.
        if size + len(block) > limit - 2_000:
            left_out.append(title)
        elif block:
            blocks.append(block)
            size += len(block) + 2
    if left_out:
        blocks.append(
            "Left out, since a comment ends somewhere: "
            f"{_gfm.escaped('; '.join(left_out)[:1_500])}. The HTML report has it."
        )
    return "\n\n".join(blocks) + "\n"


def _folded(content: Page) -> Iterator[tuple[str, str]]:
    """Give the sections that wait to be opened, each with its title."""
    for section in content.sections:
        if not section.title.startswith(_SHOWN) and (body := _gfm.section(section)):
            yield section.title, _gfm.folded(section.title, body)


def _head(content: Page) -> Iterator[str]:
    verdict = content.verdict
    sign = "" if verdict is None else f"{SIGNS[verdict]} "
    yield f"### {sign}{_gfm.escaped(content.title)}{'' if verdict is None else f': {verdict}'}"
    yield _gfm.bold(content.sentence)
    said = (*content.advice, *content.remarks)
    if said:
        yield _gfm.listed(said)


def _findings(record: Record) -> Iterator[str]:
    """Show what was held against the tolerance, the most urgent first."""
    findings = urgent(record.findings)
    if not findings:
        return
    columns = (
        Column("Verdict"),
        Column("What"),
        Column("Gap", numeric=True),
        Column(confidence(record), numeric=True),
        Column("Tolerance", numeric=True),
        Column("p", numeric=True),
    )
    rows = []
    for finding in findings[:MOST_FINDINGS]:
        pieces: Told = told(finding)
        rows.append(
            (
                Cell(f"{SIGNS[finding.verdict]} {finding.verdict}"),
                Cell(pieces.what),
                *map(Cell, (pieces.estimate, pieces.interval, pieces.tolerance, pieces.p)),
            )
        )
    yield _gfm.table(columns, rows)
    rest = findings[MOST_FINDINGS:]
    if rest:
        counts = {verdict: sum(f.verdict == verdict for f in rest) for verdict in SIGNS}
        listed = ", ".join(f"{n:,} {verdict}" for verdict, n in counts.items() if n)
        yield f"{count(len(rest), 'more finding')} ({listed}) in the record."


def _where(record: Record) -> Iterator[str]:
    """Say where the gap lives, the widest gaps first."""
    rows = sorted(record.regions, key=lambda row: -abs(row.estimate))
    if not rows:
        return
    yield _gfm.bold("Where the gap lives")
    more = len(rows) - MOST_REGIONS
    rest = [f"{count(more, 'more rule')} in the record."] if more > 0 else []
    yield _gfm.listed([*map(region, rows[:MOST_REGIONS]), *rest])


def _twins(record: Record) -> Iterator[str]:
    """Show two pairs of twins whom the model treats differently."""
    for section in witnesses(of_twins(record)):
        first = next((part for part in section.parts if isinstance(part, Table)), None)
        if first is None:
            return
        yield _gfm.bold(f"{section.title}: {first.title}")
        shown = _narrow(first)
        yield _gfm.table(shown.columns, shown.rows)
        if record.model is not None and record.model.repeatable is False:
            yield _gfm.escaped(visible(section.intro[0].text))


def _narrow(table: Table) -> Table:
    """Keep two pairs; of their fields those that differ, the answer, and the most telling."""
    rows = table.rows[:4]
    last = len(table.columns) - 1
    changed = {i for row in rows for i, cell in enumerate(row) if cell.tone == "changed"}
    ranked = sorted(
        range(len(table.columns)),
        key=lambda i: (i != 0, i != last, i not in changed, table.columns[i].extra, i),
    )
    kept = sorted(ranked[:MOST_FIELDS])
    return replace(
        table,
        columns=tuple(table.columns[i] for i in kept),
        rows=tuple(tuple(row[i] for i in kept) for row in rows),
    )
