"""What a mere change of name does, beside what a change of the attribute does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from paribus._text import name
from paribus.evidence.base import Row
from paribus.findings import Finding
from paribus.record import Record
from paribus.report._crossed import crossed, spoken
from paribus.report._marks import chart, confidence, mark, units_of, whole_change
from paribus.report._parts import (
    Cell,
    Chart,
    Column,
    Paragraph,
    Section,
    Statement,
    Statements,
    Table,
    Tone,
)
from paribus.report._wording import EXCESS, UNITS, effect, sentence, shown, span


def placebo(record: Record) -> Iterator[Section]:
    """Show placebo twins, who keep the attribute and are called otherwise, if there are any."""
    rows = [row for row in record.evidence if row.contrast == "placebo" and UNITS[row.unit].rank]
    if not rows:
        return
    excesses: dict[str, set[str]] = {}
    for row in record.evidence:
        if row.unit in EXCESS:
            excesses.setdefault(row.attribute, set()).add(row.unit.removeprefix("excess "))
    said = [_compared(row, record) for row in _first_units(rows, excesses)]
    said += [
        Statement(sentence(f, record), f.verdict)
        for f in record.findings
        if f.contrast == "placebo"
    ]
    # One picture: the unit that a reader should hear about first. The others are numbers.
    drawn, *others = sorted(units_of(rows), key=lambda unit: -UNITS[unit].rank)
    tables = [_table(others, rows, record)] if others else []
    yield Section(
        "What a mere change of name does",
        (
            Paragraph(
                "Placebo twins keep the attribute and draw only its linked fields again. Whatever "
                "moves here moves for the wording of a name, not for the attribute."
            ),
        ),
        (Statements("In words", tuple(said)), _chart(drawn, rows, record), *tables),
    )


def _beside(unit: str, rows: Sequence[Row], record: Record) -> Iterator[tuple[str, Row, Tone]]:
    """Give each placebo, the attribute beside it, and what the two differ by."""
    for row in (row for row in rows if row.unit == unit):
        yield f"{_linked(row.attribute, record)} alone", row, "muted"
        widest = _widest(row, record)
        if widest is None:
            continue
        yield whole_change(widest), widest, _tone(widest, record)
        excess = _excess(widest, record)
        if excess is not None:
            yield "the difference", excess, _tone(excess, record)


def _chart(unit: str, rows: Sequence[Row], record: Record) -> Chart:
    marks = [mark(row, label, tone=tone) for label, row, tone in _beside(unit, rows, record)]
    return chart("gaps", UNITS[unit].title, unit, marks, record)


def _table(units: Sequence[str], rows: Sequence[Row], record: Record) -> Table:
    columns = (
        Column("Change"),
        Column("Of what"),
        Column("Gap", numeric=True),
        Column(confidence(record), numeric=True),
    )
    cells = tuple(
        (Cell(label), Cell(UNITS[row.unit].measure), Cell(shown(row)), Cell(span(row)))
        for unit in units
        for label, row, _ in _beside(unit, rows, record)
    )
    title = "The same beside each other, counted otherwise"
    return Table(title, columns, cells, detail=True, folded=True)


def _first_units(rows: Sequence[Row], excesses: dict[str, set[str]]) -> Iterator[Row]:
    """Choose what is said of each attribute: where there is one, what the placebo is taken from."""
    for attribute in dict.fromkeys(row.attribute for row in rows):
        yield max(
            (row for row in rows if row.attribute == attribute),
            key=lambda row: (row.unit in excesses.get(attribute, ()), UNITS[row.unit].rank),
        )


def _compared(row: Row, record: Record) -> Statement:
    quiet = row.model_copy(update={"flips_against": None})
    interval = "" if row.exact else f" ({record.confidence * 100:g} % interval {span(row)})"
    widest = _widest(row, record)
    kept = name(row.attribute) if widest is None else spoken(widest, record).attribute
    drawn = (
        f"mere change of {_linked(row.attribute, record)}, with {kept} kept, "
        f"{effect(quiet, record)}"
    )
    if widest is None:
        return Statement(f"A {drawn}{interval}.")
    change = (
        f"change of {kept} from {spoken(widest, record).reference} to "
        f"{spoken(widest, record).group} {effect(widest, record)}"
    )
    excess = _excess(widest, record)
    if excess is None:
        return Statement(f"A {drawn}{interval}; a {change}.")
    size = "exact" if excess.exact else f"{record.confidence * 100:g} % interval {span(excess)}"
    text = f"A {change}; a {drawn}: a difference of {shown(excess)} ({size})"
    return Statement(f"{text}.", _tone(excess, record))


def _widest(row: Row, record: Record) -> Row | None:
    """Find the contrast of the same attribute that moves most."""
    same = [
        other
        for other in record.evidence
        if other.contrast != "placebo"
        and (other.attribute, other.unit, other.test) == (row.attribute, row.unit, row.test)
    ]
    return max(same, key=lambda other: abs(other.estimate), default=None)


def _excess(row: Row, record: Record) -> Row | None:
    wanted = (row.attribute, row.reference, row.group, f"excess {row.unit}")
    found = (r for r in record.evidence if (r.attribute, r.reference, r.group, r.unit) == wanted)
    return next(found, None)


def _tone(row: Row, record: Record) -> Tone:
    return next((f.verdict for f in record.findings if _same(f, row)), "plain")


def _same(finding: Finding, row: Row) -> bool:
    return (finding.attribute, finding.reference, finding.group, finding.unit) == (
        row.attribute,
        row.reference,
        row.group,
        row.unit,
    )


def _linked(attribute: str, record: Record) -> str:
    fields = record.spec.get("fields")
    linked = [
        name(field)
        for field, recipe in (fields.items() if isinstance(fields, dict) else ())
        if isinstance(recipe, dict)
        and {attribute, *crossed(attribute, record)} & set(recipe.get("follows") or ())
    ]
    return ", ".join(linked[:4]) + (" ..." if len(linked) > 4 else "") or "linked fields"
