"""A page in brief, to stand in a notebook: the verdict, the first charts, what was held, witnesses.

The parts and words are those of the page; it is the choice that is brief. Where the page holds
everything, a fragment stays below 60 kB, so that a notebook with many can be saved and sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from markupsafe import Markup

from paribus import _html
from paribus._text import shortened
from paribus.findings import Finding
from paribus.record import Record
from paribus.report._charts import draw
from paribus.report._comparison import comparison
from paribus.report._findings import findings
from paribus.report._held import told as told_of
from paribus.report._held import urgent
from paribus.report._life_cycle import life_cycle
from paribus.report._marks import confidence
from paribus.report._outcomes import outcomes
from paribus.report._parts import (
    Cell,
    Chart,
    Column,
    Drawing,
    Page,
    Part,
    Section,
    Table,
)
from paribus.report._witnesses import witnesses
from paribus.report._wording import of_twins, readable
from paribus.report.base import page

_CHARTS = 3
_WHOLE = 59_000
"""Bytes of a fragment at most."""
_INK = 31_000
"""Bytes of all drawings at most; what is left is for the tables."""
_MARKS = 12
"""Rows of a chart; of more, the widest."""
_TABLES = 2
_ROWS = 12
_COLUMNS = 9
_SAID = 400
"""Characters of a sentence."""
_REMARKS = 4
_FACT = 80
_KEY = "fragment"
_ALL = 'save("report.html") writes the whole page.'


def of_record(record: Record) -> str:
    """Write a record in brief.

    Parameters
    ----------
    record : Record
        A finished audit, just made or read from a file.

    Returns
    -------
    str
        One ``<div>`` below 60 kB; no script, no request, no id, and whatever the record holds is
        escaped.
    """
    content = replace(page(record), sections=tuple(_telling(readable(record))))
    seed = ("Seed", f"{record.seed}")
    return write(replace(content, facts=(*content.facts, seed)))


def write(content: Page) -> str:
    """Write any page in brief, as `of_record` does that of a record."""
    said = [_html.paragraph(shortened(content.sentence, _SAID), "sentence")]
    notes = [*content.advice, *content.remarks]
    said += [_html.paragraph(shortened(note, _SAID)) for note in notes[:_REMARKS]]
    parts = [part for section in content.sections for part in section.parts]
    known = "; ".join(f"{key}: {shortened(fact, _FACT)}" for key, fact in content.facts)
    head = _html.verdict(content.verdict, *said, title=content.title)
    charts = _drawn([part for part in parts if isinstance(part, Drawing)])
    foot = _html.paragraph(" ".join([f"{known}." if known else "", _ALL]), "soft")
    room = _WHOLE - len(_html.piece(head, charts, foot).encode())
    tables = [part for part in parts if isinstance(part, Table) and not part.brief]
    return _html.piece(head, charts, *_fitted(tables[:_TABLES], room), foot)


# --- what is chosen -------------------------------------------------------------------------------


def _telling(record: Record) -> Iterator[Section]:
    twins = of_twins(record)
    compared = list(comparison(record))[:1]
    drawn = compared or [*findings(twins), *outcomes(record), *life_cycle(record)]
    held = [f for f in record.findings if f.contrast != "placebo"]
    parts: list[Part] = [p for section in drawn for p in section.parts if isinstance(p, Drawing)]
    parts += [p for section in compared for p in section.parts if isinstance(p, Table)][:1]
    parts += [_held(held, record)] if held else []
    for section in witnesses(twins):
        tables = [p for p in section.parts if isinstance(p, Table)][:1]
        parts += [replace(table, title=f"{section.title} ({table.title})") for table in tables]
    yield Section("", (), tuple(parts))


def _held(held: Sequence[Finding], record: Record) -> Table:
    """Give what was held against the tolerance, twins and tables alike, the worst first."""
    columns = (
        Column("Verdict"),
        Column("What"),
        Column("Gap", numeric=True),
        Column(confidence(record), numeric=True),
    )
    rows = tuple(
        (Cell(f.verdict, f.verdict), Cell(told.what), Cell(told.estimate), Cell(told.interval))
        for f in urgent(held)
        for told in [told_of(f)]
    )
    title = "Held against the tolerance"
    if record.comparison is not None:
        title += ": the model as it is"
    return Table(title, columns, rows)


# --- how it is written ----------------------------------------------------------------------------


def _drawn(drawings: Sequence[Drawing]) -> Markup:
    """Draw the first charts, as many as there is room for."""
    figures: list[Markup] = []
    room = _INK
    for drawing in drawings[: 2 * _CHARTS]:
        brief = _brief(drawing)
        ink = _unnamed(draw(brief, _KEY))
        size = len(ink.encode())
        if size <= room and len(figures) < _CHARTS:
            room -= size
            figure = Markup("<figure><figcaption>{}</figcaption>{}</figure>")
            figures.append(figure.format(brief.title, ink))
    return Markup('<div class="charts">{}</div>').format(Markup("").join(figures))


def _brief(drawing: Drawing) -> Drawing:
    if not isinstance(drawing, Chart) or len(drawing.marks) <= _MARKS:
        return drawing
    ranked = sorted(drawing.marks, key=lambda mark: -abs(mark.estimate))[:_MARKS]
    title = f"{drawing.title}: the {_MARKS} widest"
    kept = tuple(mark for mark in drawing.marks if mark in ranked)[:_MARKS]
    return replace(drawing, title=title, marks=kept)


def _unnamed(ink: str) -> Markup:
    """Take the ids out of a drawing: its title and description name it all the same."""
    named = f' aria-labelledby="{_KEY}-title {_KEY}-desc"'
    for attribute in (named, f' id="{_KEY}-title"', f' id="{_KEY}-desc"'):
        ink = ink.replace(attribute, "", 1)
    # Drawn by _charts, which lets shapes and escaped text through and nothing else.
    return Markup(ink)  # noqa: S704


def _fitted(tables: Sequence[Table], room: int) -> Iterator[Markup]:
    """Write tables with as many rows as there is room for, and none where there is not for one."""
    for i, table in enumerate(tables):
        most = _ROWS
        while most:
            written = _table(table, most)
            if len(written.encode()) <= room // (len(tables) - i):
                room -= len(written.encode())
                yield written
                break
            most //= 2
            most -= most % table.beside


def _table(table: Table, most: int) -> Markup:
    wide = len(table.columns) > _COLUMNS
    kept = [i for i, column in enumerate(table.columns) if not (wide and column.extra)][:_COLUMNS]
    return _html.table(
        table.title,
        [_html.Column(table.columns[i].title, table.columns[i].numeric) for i in kept],
        [[_html.Cell(row[i].text, row[i].tone, row[i].note) for i in kept] for row in table.rows],
        most,
        chosen=table.chosen,
        together=table.beside,
    )
