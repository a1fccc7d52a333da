"""Two records side by side as one page: what changed, and what else differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paribus._text import name, p_value, percent, points, shortened, visible
from paribus.report import _fragment, _gfm, html, terminal
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
    Tone,
)
from paribus.studies._change_words import bound, texts
from paribus.studies._compared import Compared, GapChange, Side

_MOST_MARKS = 24
"""Rows of a chart; of more gaps, those that changed most are drawn."""

_LONGEST = 60_000
"""Characters of a comment: GitHub takes 65,536."""

_TONES: dict[str, Tone] = {
    "better": "within tolerance",
    "unchanged": "within tolerance",
    "no worse": "within tolerance",
    "worse": "biased",
    "undecided": "inconclusive",
}
"""Ink and shape of a mark."""

_ORDER = ("worse", "undecided", "better", "no worse", "unchanged")

_METHODS = {
    "paired": "pair by pair",
    "independent": "two estimates, independent people",
    "any dependence": "two estimates, people who may overlap",
    "exact": "everybody asked",
    "verdicts": "verdicts alone",
}

_NOT_SAID = (
    "Whether either model is fair: a gap that did not grow is still a gap. The verdict of each "
    "audit says how large it is against its tolerance.",
    "Anything about people who were not drawn as these were, or about models between the two.",
    "Which of two gaps matters more: one that shrank does not make up for one that grew.",
)


def render(compared: Compared, format: str, **options: Any) -> str:
    """Write a comparison as HTML, as Markdown, or as text for a terminal."""
    if format == "html":
        return html.write(page(compared))
    if format == "markdown":
        return _markdown(page(compared))
    return terminal.write(page(compared), **options)


def fragment(compared: Compared) -> str:
    """Write the page in brief, to stand in a notebook."""
    return _fragment.write(page(compared))


def _markdown(content: Page) -> str:
    """Write a comment for a pull request: the verdict, and all sections folded."""
    blocks = [f"### {_gfm.escaped(content.title)}", _gfm.bold(content.sentence)]
    if content.remarks:
        blocks.append(_gfm.listed(content.remarks))
    left_out = []
    for section in content.sections:
        block = _gfm.folded(section.title, _gfm.section(section))
        if sum(len(each) + 2 for each in (*blocks, block)) > _LONGEST:
            left_out.append(section.title)
        else:
            blocks.append(block)
    if left_out:
        said = f"Left out, since a comment ends somewhere: {'; '.join(left_out)}."
        blocks.append(_gfm.escaped(said))
    return "\n\n".join(blocks) + "\n"


def page(compared: Compared) -> Page:
    """Lay a comparison out as a page: what became of each gap first, how it was done last."""
    names = dict.fromkeys(visible(side.name) for side in (compared.before, compared.after))
    title = ", then ".join(shortened(each, 80) for each in names) or "Audit"
    sections = [
        _changes(compared), *_rates(compared), *_regions(compared), *_differences(compared),
        _method(compared),
        Section(
            "What this does not say",
            (),
            (Statements("", tuple(Statement(each) for each in _NOT_SAID)),),
        ),
    ]  # fmt: skip
    return Page(
        title=f"{title}: compared",
        verdict=None,
        sentence=f"{compared.verdict.capitalize()}. {compared.sentence}",
        sections=tuple(sections),
        remarks=compared.notes,
    )


def _changes(compared: Compared) -> Section:
    ordered = sorted(compared.changes, key=lambda change: _ORDER.index(change.verdict))
    intro = (
        "How much larger each gap became, whichever side of zero it is on: more is worse. A change "
        "counts where it is proven to be more than the margin."
    )
    said = tuple(
        Statement(f"{change.verdict.capitalize()}: {change.sentence}") for change in ordered
    )
    parts: list[Part] = [*_charts(ordered), _table(ordered, compared), Statements("In words", said)]
    return Section("What became of each gap", (Paragraph(intro),), tuple(parts))


def _charts(ordered: list[GapChange]) -> Iterator[Chart]:
    """Draw the changes in percentage points; other units have no axis in common."""
    drawn = [change for change in ordered if texts(change)[1] is points]
    drawn = sorted(drawn, key=lambda change: -abs(change.change))[:_MOST_MARKS]
    if not drawn:
        return
    margins = {change.margin for change in drawn}
    marks = tuple(
        Mark(
            label=_label(change),
            estimate=change.change,
            low=change.low,
            high=change.high,
            text=points(change.change),
            span=_span(change),
            tone=_TONES[change.verdict],
        )
        for change in drawn
    )
    told = "; ".join(f"{mark.label}: {mark.text}" for mark in marks[:8])
    yield Chart(
        kind="gaps",
        title="Change of the size of each gap",
        description=f"To the right of zero a gap became larger. {told}.",
        axis="percentage points",
        share=True,
        marks=marks,
        band=(-min(margins), min(margins)) if len(margins) == 1 else None,
        band_label="changes that count as none",
        detail=True,
    )


def _label(change: GapChange) -> str:
    groups = [name(each, 24) for each in (change.reference, change.group) if each]
    return f"{change.unit}: {name(change.attribute, 24)} {' to '.join(groups)}".strip()


def _span(change: GapChange) -> str:
    show = texts(change)[1]
    return f"{show(change.low)} to {show(change.high)}"


def _table(ordered: list[GapChange], compared: Compared) -> Table:
    columns = (
        Column("Gap"),
        Column("Before", numeric=True),
        Column("After", numeric=True),
        Column("Change of its size", numeric=True),
        Column(f"{compared.confidence * 100:g} % interval", numeric=True, extra=True),
        Column("p of worse", numeric=True, extra=True),
        Column("Verdict"),
    )
    rows = []
    for change in ordered:
        show, show_change = texts(change)
        rows.append(
            (
                Cell(_label(change)),
                Cell(show(change.before), note=change.before_verdict or ""),
                Cell(show(change.after), note=change.after_verdict or ""),
                Cell(show_change(change.change)),
                Cell(_span(change), note=f"{_METHODS[change.method]}, {_people(change.people)}"),
                Cell(p_value(change.p_worse)),
                Cell(change.verdict, note="turned around" if change.turned else ""),
            )
        )
    return Table("In numbers", columns, tuple(rows))


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _rates(compared: Compared) -> Iterator[Section]:
    if not compared.rates:
        return
    columns = (
        Column("Group"),
        Column("Before", numeric=True),
        Column("After", numeric=True),
        Column("Change", numeric=True),
        Column(f"{compared.confidence * 100:g} % interval", numeric=True, extra=True),
        Column("Beyond noise"),
    )
    rows = tuple(
        (
            Cell(f"{name(rate.attribute)}: {name(rate.group)}"),
            Cell(percent(rate.before)),
            Cell(percent(rate.after)),
            Cell(points(rate.change)),
            Cell(f"{points(rate.low)} to {points(rate.high)}"),
            Cell("" if rate.verdict == "undecided" else rate.verdict),
        )
        for rate in compared.rates
    )
    intro = (
        "A gap may close by making one side better off or the other worse off. The same people at "
        "each level, before and after."
    )
    if any(rate.method not in {"paired", "exact"} for rate in compared.rates):
        intro = "A gap may close by making one side better off or the other worse off."
    table = Table("Favorable answers", columns, rows)
    yield Section("How often each group gets the favorable answer", (Paragraph(intro),), (table,))


def _regions(compared: Compared) -> Iterator[Section]:
    parts = [
        Statements(title, tuple(Statement(f"{title}: {visible(each)}") for each in listed))
        for title, listed in (("New", compared.appeared), ("Gone", compared.gone))
        if listed
    ]
    if parts:
        intro = (
            "Rules that say where a gap beyond the tolerance lives, and that only one of the two "
            "audits found. Rules that differ in a number alone are taken for the same one."
        )
        yield Section("Where gaps appeared, and where they went", (Paragraph(intro),), tuple(parts))


def _differences(compared: Compared) -> Iterator[Section]:
    if not compared.differences:
        return
    said = tuple(Statement(visible(each)) for each in compared.differences)
    yield Section("What else differs", (), (Statements("", said, folded=len(said) > 12),))


def _method(compared: Compared) -> Section:
    margin = compared.margin
    bounds = dict.fromkeys(bound(change) for change in compared.changes)
    told = ", ".join(list(bounds)[:4]) + (" ..." if len(bounds) > 4 else "")
    items = [
        ("Before", _side(compared.before)),
        ("After", _side(compared.after)),
        ("Margin", f"{told}, {'the tolerance of each gap' if margin is None else 'declared'}"),
        ("Confidence", f"{compared.confidence * 100:g} %"),
        ("The same people", "yes" if compared.same_people else "not known to be"),
        ("Adjusted", "claims of worse, and of better, over all gaps (Holm)"),
    ]
    return Section("How it was compared", (), (Facts("The two records", tuple(items)),))


def _side(side: Side) -> str:
    model = f", model {name(side.model)}" if side.model else ""
    missing = side.refused + side.failed
    gone = f", {missing:,} of {side.versions:,} answers missing" if missing else ""
    return f"{name(side.name)}{model}: {side.verdict}, {side.people:,} people{gone}"
