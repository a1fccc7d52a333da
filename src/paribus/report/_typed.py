"""Findings, rates, regions and witnesses as tables of typed values, for formats that compute.

Numbers are those of the record, unrounded. Text is visible (see :func:`paribus._text.visible`) and
whole; a format that runs formulas still has to disarm it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from paribus._text import visible
from paribus.evidence.base import Row
from paribus.findings import Finding
from paribus.record import Record
from paribus.report._regions import rule
from paribus.report._wording import EXCESS, SHARES, readable, sentence

Kind = Literal[
    "text", "truth", "count", "number", "share", "p", "day", "time", "estimate", "bound", "value"
]
"""What a column holds; an ``estimate``, and the ``bound`` of one, is a share or a number, as its
row says, and a ``value`` is of any type."""

Form = Literal["number", "share", "gap"]
"""What the estimates of a row are; a ``gap`` is one of shares, and has a sign."""

Value = str | int | float | bool | date | None


@dataclass(frozen=True)
class Head:
    """The head of a column: its name, and what it holds."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Line:
    """A row, and what its estimates are."""

    values: tuple[Value, ...]
    form: Form = "number"


@dataclass(frozen=True)
class Typed:
    """A table whose columns have types."""

    title: str
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]


def findings(record: Record) -> Typed:
    """Give one row for each finding, in the order of the record."""
    told = (sentence(finding, record) for finding in readable(record).findings)
    lines = (_finding(f, text) for f, text in zip(record.findings, told, strict=True))
    return Typed("Findings", _FINDINGS, tuple(lines))


_FINDINGS = (
    *map(Head, ("verdict", "attribute", "reference", "group", "unit", "relation", "field")),
    *(Head("estimate", "estimate"), Head("low", "estimate"), Head("high", "estimate")),
    *(Head("p", "p"), Head("tolerance", "bound")),
    *(Head(each, "count") for each in ("people", "answered", "flips_against", "flips_for")),
    *(Head("largest", "number"), Head("more", "count"), Head("settled", "count")),
    *map(Head, ("stage", "test", "contrast", "method")),
    *(Head("exact", "truth"), Head("sentence")),
)


def _finding(f: Finding, said: str) -> Line:
    words = (f.verdict, f.attribute, f.reference, f.group, f.unit, f.relation, f.field)
    origin = (f.stage, f.test, f.contrast, f.method)
    return Line(
        (
            *map(text, words),
            *(bounded(f.estimate), bounded(f.low), bounded(f.high), f.p, f.tolerance),
            *(f.people, f.answered, f.flips_against, f.flips_for),
            *(f.largest, f.more, f.settled),
            *map(text, origin),
            *(f.exact, _begun(said)),
        ),
        _form(f),
    )


def rates(record: Record) -> Typed:
    """Give one row for each number that a group has: rates, mean answers and metrics."""
    rows = [
        row
        for row in record.evidence
        if row.contrast != "placebo"
        and (row.unit in {"favorable rate", "mean answer"} or row.relation == "value")
    ]
    lines = (
        Line(
            (
                *map(text, (row.attribute, row.group or "everybody", row.unit, row.field)),
                *(bounded(row.estimate), bounded(row.low), bounded(row.high)),
                *(row.people, row.answered, text(row.method)),
            ),
            _form(row),
        )
        for row in rows
    )
    heads = (
        *map(Head, ("attribute", "group", "unit", "field")),
        *(Head(each, "estimate") for each in ("estimate", "low", "high")),
        *(Head("people", "count"), Head("answered", "count"), Head("method")),
    )
    return Typed("Rates", heads, tuple(lines))


def regions(record: Record) -> Typed:
    """Give one row for each rule that says where a gap lives."""
    lines = (
        Line(
            (
                *map(text, (row.attribute, row.reference, row.group, rule(row), row.unit)),
                *(bounded(row.estimate), bounded(row.low), bounded(row.high)),
                *(row.share, row.explained, row.stability, row.people, text(row.method)),
            ),
            _form(row),
        )
        for row in record.regions
    )
    heads = (
        *map(Head, ("attribute", "reference", "group", "rule", "unit")),
        *(Head(each, "estimate") for each in ("estimate", "low", "high")),
        *(Head(each, "share") for each in ("share_of_people", "share_of_the_gap", "found_again")),
        *(Head("people", "count"), Head("method")),
    )
    return Typed("Regions", heads, tuple(lines))


MOST_FIELDS = 500
"""Fields of a person that the table of witnesses shows."""


def witnesses(record: Record) -> Typed:
    """Give two rows for each pair of twins: the reference, and the same person as the group."""
    names: dict[str, None] = {}
    for witness in record.witnesses:
        for values in (witness.reference_values, witness.group_values, witness.same):
            names.update(dict.fromkeys(values))
    fields = list(names)[:MOST_FIELDS]
    heads = (
        *(Head("pair", "count"), Head("person", "count"), Head("row", "count")),
        *map(Head, ("attribute", "level")),
        Head("answer", "value"),
        *(Head(text(field), "value") for field in fields),
    )
    lines = []
    for number, each in enumerate(record.witnesses, 1):
        for level, answer, values in (
            (each.reference, each.reference_answer, each.reference_values),
            (each.group, each.group_answer, each.group_values),
        ):
            person = {**each.same, **values}
            lines.append(
                Line(
                    (
                        *(number, each.person, each.row, text(each.attribute), text(level)),
                        plain(answer),
                        *(plain(person.get(field)) for field in fields),
                    )
                )
            )
    return Typed("Witnesses", heads, tuple(lines))


def text(content: object) -> str:
    """Write text that can be read but cannot act; no blank hides how it starts."""
    return _begun(visible(content))


def _begun(shown: str) -> str:
    bare = shown.lstrip()
    return bare if bare[:1] in _STARTS else shown


_STARTS = frozenset("=+-@＝＋－＠")


def plain(content: Any) -> Value:
    """Give a value of a person as a cell can hold it: what is no number or truth is text."""
    if content is None or isinstance(content, bool | int | float):
        return content
    return text(content)


def bounded(number: float) -> float | None:
    """Give a number, or nothing where there is no bound."""
    return None if abs(number) >= sys.float_info.max else number


def _form(row: Row | Finding) -> Form:
    if row.stage != "model":
        gap = row.relation == "difference"
        return ("gap" if gap else "share") if row.scale == "share" else "number"
    if row.unit not in SHARES:
        return "number"
    return "gap" if row.unit in EXCESS or row.unit in {"net gap", "rank shift"} else "share"


def columns(table: Typed) -> Iterator[tuple[Head, Sequence[Value]]]:
    """Give the columns of a table, each with its head."""
    values: Iterable[tuple[Value, ...]] = zip(*(line.values for line in table.lines), strict=True)
    yield from zip(table.heads, values if table.lines else [()] * len(table.heads), strict=True)
