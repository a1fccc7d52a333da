"""An assessment as one page: what risk is left, what is kept, how it was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from paribus._text import count, legible, name, number, percent, points, shortened, visible
from paribus.report import _fragment, html, terminal
from paribus.report._compared import confidence as leveled
from paribus.report._parts import (
    Cell,
    Chart,
    Column,
    Facts,
    Heights,
    Histogram,
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
from paribus.studies._assessment import Agreement, Assessment, KeptColumn, Risk

_MOST_MARKS = 12
"""Rows of a chart at most: those that changed most."""

_URGENT = (
    ("exact leaks",),
    ("k-anonymity", "unique rows"),
    ("inference", "t-closeness", "l-diversity"),
    ("singling out (several columns)", "singling out (one column)"),
    ("linkability",),
    ("closeness",),
)
"""What is advised first: against values that are left, then against finding a person, then against
learning a secret. Measures on a line have one remedy."""

_MOST_ADVICE = 3
"""Beside the verdict; all other advice stands with the measures."""

_TONES: dict[str, Tone] = {
    "within threshold": "within tolerance",
    "exceeds threshold": "biased",
    "inconclusive": "inconclusive",
    "kept": "within tolerance",
    "changed": "biased",
}
"""Ink and shape of a mark."""

_SOURCES = {"table": "in the table", "model": "under a model", "twins": "of twins"}

_CHARTS = {
    "table": "Gaps between groups in the table",
    "model": "Gaps between groups under a model",
    "twins": "Gaps between twins",
}

_NOT_SAID = (
    "Whether the table is anonymous before the law: recital 26 of the GDPR asks for all means that "
    "anybody is reasonably likely to use, and those depend on who gets the table, what else they "
    "know, and on time. These numbers are evidence for such a judgment and do not replace it.",
    "That people are safe from what is not listed: quasi-identifiers and sensitive columns are "
    "those that were declared, and an attacker may know others.",
    "That other attacks fail: an attack that does not succeed here is one attack.",
    "Anything about the key: whoever has it can compute every replaced value again. Keep it apart, "
    "or throw it away.",
)


def render(assessment: Assessment, format: str, **options: Any) -> str:
    """Write an assessment as HTML, or as text for a terminal."""
    if format == "html":
        return html.write(page(assessment))
    return terminal.write(page(assessment), **options)


def fragment(assessment: Assessment) -> str:
    """Write the page in brief, to stand in a notebook."""
    return _fragment.write(page(assessment))


def page(assessment: Assessment) -> Page:
    """Lay an assessment out as a page: pictures first. No value of any column stands on it."""
    sections = [
        _privacy(assessment),
        *_crowd(assessment),
        *_audits(assessment),
        *_models(assessment),
        *_columns(assessment),
        *_associations(assessment),
        _method(assessment),
        Section(
            "What this page does not say",
            (),
            (Statements("", tuple(Statement(said) for said in _NOT_SAID)),),
        ),
    ]
    return Page(
        title=shortened(visible(assessment.name), 120),
        verdict=None,
        sentence=_said(assessment.sentence),
        sections=tuple(sections),
        advice=tuple(_said(risk.advice) for risk in _first(assessment)),
        remarks=(_said(f"Usefulness: {_lower(assessment.useful_sentence)}"),),
    )


def _first(assessment: Assessment) -> list[Risk]:
    """Choose the risks whose advice stands beside the verdict, one for each remedy."""
    found = []
    for measures in _URGENT:
        exceeding = [
            risk
            for measure in measures
            for risk in assessment.risks
            if risk.measure == measure and risk.verdict == "exceeds threshold" and risk.advice
        ]
        found += exceeding[:1]
    return found[:_MOST_ADVICE]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _said(text: str) -> str:
    return legible(text)


# --- privacy --------------------------------------------------------------------------------------


def _privacy(assessment: Assessment) -> Section:
    shares = [risk for risk in assessment.risks if risk.scale == "share"]
    sizes = [risk for risk in assessment.risks if risk.scale == "number" and risk.threshold > 0]
    parts: list[Part] = []
    if shares:
        parts.append(
            _risk_chart(
                shares, "Risks against their thresholds", "share (tick: the most that is declared)"
            )
        )
    if sizes:
        parts.append(
            _risk_chart(
                sizes, "People and values who look alike", "number (tick: the least declared)"
            )
        )
    rows = tuple(_risk_row(risk) for risk in assessment.risks)
    parts.append(
        Table(
            title="Measures of risk",
            columns=(
                Column("Measure"),
                Column("Verdict"),
                Column("Measured", numeric=True),
                Column("Interval", numeric=True),
                Column("Threshold", numeric=True),
            ),
            rows=rows,
        )
    )
    said = tuple(Statement(_said(risk.sentence)) for risk in assessment.risks)
    parts.append(Statements("Measure by measure, in words", said, folded=True))
    first = _first(assessment)
    advice = tuple(
        Statement(_said(f"{_measure(risk)}: {_lower(risk.advice)}"))
        for risk in assessment.risks
        if risk.advice and risk not in first
    )
    if advice:
        parts.append(Statements(f"What {'else ' if first else ''}would help", advice))
    if assessment.unmeasured:
        missing = tuple(Statement(_said(each)) for each in assessment.unmeasured)
        parts.append(Statements("Not measured", missing))
    intro = "Replacing names is pseudonymization; only measured risk earns a stronger word."
    return Section("What risk is left", (Paragraph(intro),), tuple(parts))


def _risk_chart(risks: Sequence[Risk], title: str, axis: str) -> Chart:
    share = risks[0].scale == "share"
    marks = tuple(
        Mark(
            label=_measure(risk),
            estimate=risk.estimate,
            low=risk.estimate if risk.low is None else risk.low,
            high=risk.estimate if risk.high is None else risk.high,
            text=_value(risk, risk.estimate),
            span=_span(risk),
            tone=_TONES[risk.verdict],
            reference=risk.threshold,
        )
        for risk in risks
    )
    told = "; ".join(
        f"{mark.label}: {mark.text}, threshold {_value(risk, risk.threshold)}, {risk.verdict}"
        for mark, risk in zip(marks, risks, strict=True)
    )
    return Chart(
        kind="rates" if share else "bars",
        title=title,
        description=f"{title}. {told}.",
        axis=axis,
        share=share,
        marks=marks,
        detail=True,
        reference_label="threshold",
    )


def _risk_row(risk: Risk) -> tuple[Cell, ...]:
    about = ", ".join(name(each) for each in risk.about[:6])
    about += f" and {len(risk.about) - 6} more" if len(risk.about) > 6 else ""
    side = "at most" if risk.better == "lower" else "at least"
    return (
        Cell(_measure(risk), note=about),
        Cell(risk.verdict, tone="plain" if risk.verdict == "within threshold" else "changed"),
        Cell(_value(risk, risk.estimate)),
        Cell(_span(risk)),
        Cell(f"{side} {_value(risk, risk.threshold)}"),
    )


def _measure(risk: Risk) -> str:
    shown = risk.measure
    if shown in ("inference", "l-diversity", "t-closeness") and risk.about:
        shown += f" of {name(risk.about[-1])}"
    return shown


def _value(risk: Risk, value: float) -> str:
    return percent(value) if risk.scale == "share" else number(value)


def _span(risk: Risk) -> str:
    if risk.low is None or risk.high is None:
        return "exact"
    return f"{_value(risk, risk.low).removesuffix(' %')} to {_value(risk, risk.high)}"


def _crowd(assessment: Assessment) -> Iterator[Section]:
    parts: list[Part] = []
    if assessment.classes is not None:
        parts.append(_class_sizes(assessment))
    if assessment.distances is not None:
        parts.append(_distances(assessment))
    parts += [_class_table(part) for part in parts if isinstance(part, Chart)]
    if parts:
        yield Section("Who stands out", (), tuple(parts))


def _class_sizes(assessment: Assessment) -> Chart:
    classes = assessment.classes
    assert classes is not None
    total = max(1, sum(classes.people))
    k = next((int(r.threshold) for r in assessment.risks if r.measure == "k-anonymity"), 0)
    marks = []
    ends = (*(first - 1 for first in classes.first[1:]), None)
    for first, last, people in zip(classes.first, ends, classes.people, strict=True):
        label = "alone" if first == last == 1 else f"{first} to {last} people"
        label = f"{first} people and more" if last is None else label
        below = (last or first) < k or (first < k and people > 0)
        share = people / total
        marks.append(
            Mark(
                label=f"{label} ({people:,})",
                estimate=share,
                low=share,
                high=share,
                text=percent(share),
                span="",
                tone="biased" if below and people else "within tolerance",
            )
        )
    among = ", ".join(name(each) for each in assessment.quasi)
    told = "; ".join(f"{mark.label}: {mark.text}" for mark in marks)
    return Chart(
        kind="bars",
        title="How many people look alike",
        description=f"Share of people by how many share their {among}. {told}.",
        axis=f"share of people, by how many share their {shortened(among, 40)}",
        share=True,
        marks=tuple(marks),
        detail=True,
    )


def _class_table(chart: Chart) -> Table:
    return Table(
        title=chart.title,
        columns=(Column("Who share a combination"), Column("Share of people", numeric=True)),
        rows=tuple((Cell(mark.label), Cell(mark.text)) for mark in chart.marks),
        brief=True,
    )


def _distances(assessment: Assessment) -> Histogram:
    distances = assessment.distances
    assert distances is not None
    groups = (
        Heights("those it was made from", distances.training),
        Heights("those held back", distances.holdout),
    )
    return Histogram(
        title="Distance to the nearest real row",
        description="How far rows of the result are from the nearest real row: from those that "
        "they were made from, and from others. Where the first are nearer, rows give people away.",
        along="distance (0: the same in all columns compared)",
        share_along=False,
        edges=distances.edges,
        groups=groups,
    )


# --- usefulness -----------------------------------------------------------------------------------


def _audits(assessment: Assessment) -> Iterator[Section]:
    found = assessment.agreements
    if not found:
        return
    parts: list[Part] = []
    for source, title in _CHARTS.items():
        some = [one for one in found if one.source == source]
        if some:
            parts.append(_gap_chart(title, some[:_MOST_MARKS], assessment.tolerance))
    parts.append(
        Table(
            title="The audit, before and after",
            columns=(
                Column("Finding"),
                Column("Found again"),
                Column("Original", numeric=True),
                Column("Result", numeric=True),
                Column("Change", numeric=True),
                Column("Verdicts"),
            ),
            rows=tuple(_gap_row(one) for one in found),
        )
    )
    said = tuple(Statement(_said(one.sentence)) for one in found)
    parts.append(Statements("Finding by finding, in words", said, folded=True))
    intro = (
        "The audit is run on both tables: between groups in the table itself, between groups under "
        "a model learned from it, and between twins under that model. Models are asked about the "
        "same real people."
    )
    yield Section("Does an audit find the same", (Paragraph(intro),), tuple(parts))


def _about(one: Agreement) -> str:
    pair = f": {name(one.group)} - {name(one.reference)}" if one.group else ""
    return f"{one.unit}, {name(one.attribute)}{pair}"


def _gap_chart(title: str, found: Sequence[Agreement], tolerance: float) -> Chart:
    marks = []
    for one in found:
        label = f"{one.unit}, {name(one.attribute, 20)}"
        if one.group:
            label = f"{one.unit}, {name(one.group, 16)} - {name(one.reference, 16)}"
        marks.append(
            _mark(
                f"{label}: original", one.before, one.before_low, one.before_high, "plain", points
            )
        )
        if one.after is not None and one.after_low is not None and one.after_high is not None:
            tone = _TONES[one.verdict]
            marks.append(
                _mark(f"{label}: result", one.after, one.after_low, one.after_high, tone, points)
            )
    told = "; ".join(f"{mark.label} {mark.text}" for mark in marks)
    return Chart(
        kind="gaps",
        title=title,
        description=f"{title}, before and after. {told}.",
        axis="gap in points",
        share=True,
        marks=tuple(marks),
        band=(-tolerance, tolerance),
        detail=True,
        band_label=f"tolerance of {percent(tolerance)}",
    )


def _mark(label: str, at: float, low: float, high: float, tone: Tone, show: Any) -> Mark:
    return Mark(label, at, low, high, show(at), f"{show(low)} to {show(high)}", tone=tone)


def _gap_row(one: Agreement) -> tuple[Cell, ...]:
    change = "" if one.difference is None else points(one.difference)
    span = ""
    if one.low is not None and one.high is not None:
        same = one.low == one.high
        span = "exact" if same else f"{points(one.low)} to {points(one.high)}"
    after = "not found" if one.after is None else points(one.after)
    verdicts: str = one.before_verdict
    if not one.agrees:
        verdicts = f"{one.before_verdict}, then {one.after_verdict or 'nothing'}"
    return (
        Cell(_about(one), note=_SOURCES[one.source]),
        Cell(one.verdict, tone="plain" if one.verdict == "kept" else "changed"),
        Cell(points(one.before)),
        Cell(after),
        Cell(change, note=span),
        Cell(verdicts, tone="plain" if one.agrees else "changed"),
    )


def _models(assessment: Assessment) -> Iterator[Section]:
    if not assessment.scores:
        return
    marks = []
    for score in assessment.scores:
        for which, at, low, high in (
            ("original", score.before, score.before_low, score.before_high),
            ("result", score.after, score.after_low, score.after_high),
        ):
            tone: Tone = "plain" if which == "original" else _TONES[score.verdict]
            marks.append(
                _mark(f"{score.measure}, learned from the {which}", at, low, high, tone, percent)
            )
    told = "; ".join(f"{mark.label}: {mark.text}" for mark in marks)
    chart = Chart(
        kind="rates",
        title="A model learned from either",
        description=f"How well a model predicts real people it has not seen. {told}.",
        axis="score",
        share=True,
        marks=tuple(marks),
        detail=True,
    )
    said = Statements("", tuple(Statement(_said(score.sentence)) for score in assessment.scores))
    yield Section("Does a model learn the same", (), (chart, said))


def _columns(assessment: Assessment) -> Iterator[Section]:
    parts: list[Part] = []
    drawn = sorted(
        ((c.distance, c) for c in assessment.columns if c.distance is not None and c.distance > 0),
        key=lambda pair: -pair[0],
    )[:_MOST_MARKS]
    if drawn:
        marks = tuple(
            Mark(
                label=name(c.name),
                estimate=distance,
                low=distance,
                high=distance,
                text=percent(distance),
                span="",
                tone=_TONES[c.verdict or "inconclusive"],
                reference=assessment.tolerance,
            )
            for distance, c in drawn
        )
        told = "; ".join(f"{mark.label}: {mark.text}" for mark in marks)
        parts.append(
            Chart(
                kind="bars",
                title="How far distributions moved",
                description=f"Distance of each column's distribution from the original. {told}.",
                axis="distance of the distributions",
                share=True,
                marks=marks,
                detail=True,
                reference_label=f"tolerance of {percent(assessment.tolerance)}",
            )
        )
    parts.append(
        Table(
            title="Columns",
            columns=(
                Column("Column"),
                Column("What became of it"),
                Column("Type", extra=True),
                Column("Missing", numeric=True),
                Column("Distinct", numeric=True),
                Column("Distance", numeric=True),
                Column("Verdict"),
            ),
            rows=tuple(_column_row(c) for c in assessment.columns),
        )
    )
    intro = (
        "Distances of distributions: total variation of values, Kolmogorov and Smirnov's of "
        "numbers; small print: how far numbers moved on average, in standard deviations "
        "(Wasserstein). Columns that were replaced on purpose have none."
    )
    yield Section("What became of the columns", (Paragraph(intro),), tuple(parts))


def _column_row(c: KeptColumn) -> tuple[Cell, ...]:
    types = c.type_before or "none"
    if c.type_after != c.type_before:
        types = f"{types} → {c.type_after or 'none'}"
    missing = percent(c.nulls_before)
    if c.nulls_after != c.nulls_before:
        missing += f" → {percent(c.nulls_after)}"
    nulls = {True: "same rows", False: "other rows", None: ""}[c.same_nulls]
    if c.nulls_before == 0 and c.nulls_after == 0:
        nulls = ""
    distinct = f"{c.distinct_before:,}"
    if c.distinct_after != c.distinct_before:
        distinct += f" → {c.distinct_after:,}"
    same = {True: "duplicates kept", False: "", None: ""}[c.same_duplicates]
    distance = "" if c.distance is None else percent(c.distance)
    moved = ""
    if c.wasserstein:
        moved = f"{number(c.wasserstein)} sd" if c.wasserstein < 1e6 else "far beyond its range"
    verdict = c.verdict or ("on purpose" if c.treatment == "replaced" else "not compared")
    return (
        Cell(name(c.name)),
        Cell(c.treatment),
        Cell(types),
        Cell(missing, note=nulls),
        Cell(distinct, note=same if c.treatment == "replaced" else ""),
        Cell(distance, note=moved),
        Cell(verdict, tone="changed" if c.verdict in ("changed", "inconclusive") else "plain"),
    )


def _associations(assessment: Assessment) -> Iterator[Section]:
    pairs = sorted(assessment.associations, key=lambda pair: -abs(pair.change))
    if not pairs:
        return
    drawn = pairs[:_MOST_MARKS]
    marks = []
    for pair in drawn:
        marks.append(
            Mark(
                label=f"{name(pair.first, 24)}, {name(pair.second, 24)} ({pair.measure})",
                estimate=pair.after,
                low=pair.after,
                high=pair.after,
                text=f"{pair.before:+.2f} → {pair.after:+.2f}",
                span="",
                tone=_TONES[pair.verdict],
                reference=pair.before,
            )
        )
    told = "; ".join(f"{mark.label}: {mark.text}" for mark in marks)
    chart = Chart(
        kind="gaps",
        title="Correlations that changed most",
        description=f"Associations of two columns, before and after. {told}.",
        axis="association in the result",
        share=False,
        marks=tuple(marks),
        reference_label="in the original",
        detail=True,
    )
    changed = sum(pair.verdict == "changed" for pair in pairs)
    kept = sum(pair.verdict == "kept" for pair in pairs)
    said = (
        f"Of {count(len(pairs), 'pair')} of columns, {kept:,} go together as before to within "
        f"{number(assessment.tolerance)}, and {changed:,} do not. The largest change: "
        f"{name(pairs[0].first)} and {name(pairs[0].second)}, {pairs[0].change:+.2f}."
    )
    table = Table(
        title=f"The {len(drawn)} largest changes of {len(pairs):,}",
        columns=(
            Column("Columns"),
            Column("Measure"),
            Column("Original", numeric=True),
            Column("Result", numeric=True),
            Column("Verdict"),
        ),
        rows=tuple(
            (
                Cell(f"{name(pair.first)}, {name(pair.second)}"),
                Cell(pair.measure),
                Cell(f"{pair.before:+.3f}"),
                Cell(f"{pair.after:+.3f}"),
                Cell(pair.verdict, tone="plain" if pair.verdict == "kept" else "changed"),
            )
            for pair in drawn
        ),
        folded=True,
    )
    yield Section("Do columns still go together", (Paragraph(_said(said)),), (chart, table))


# --- how ------------------------------------------------------------------------------------------


def _method(assessment: Assessment) -> Section:
    def listed(names: Sequence[str]) -> str:
        return ", ".join(name(each) for each in names) or "none"

    held = f"{assessment.holdout_rows:,} rows" if assessment.holdout_rows else "none handed over"
    facts = (
        ("Original", f"{assessment.original_rows:,} rows"),
        ("Result", f"{assessment.anonymized_rows:,} rows"),
        ("Holdout", held),
        ("Rows", "belong together" if assessment.aligned else "two samples"),
        ("Identifying by themselves", listed(assessment.identifying)),
        ("Quasi-identifiers", listed(assessment.quasi)),
        ("Sensitive", listed(assessment.sensitive)),
        ("Tolerance", percent(assessment.tolerance)),
        ("Confidence", leveled(assessment.confidence)),
        ("Each risk's interval", leveled(assessment.each)),
        ("Seed", str(assessment.seed)),
    )
    how = [
        "k, l, t and unique rows are counted, and have no interval. Attacks and closeness are "
        "estimated: within means that the whole interval is, and all intervals hold together "
        f"with {leveled(assessment.confidence)} confidence (Bonferroni).",
        "The risk of an attack is its success with people in the table beyond that with people "
        "who are not in it: (a - b) / (1 - b) (Giomi and others 2023).",
        "A finding of an audit is kept where its change is proven to be within the tolerance.",
        *assessment.notes,
    ]
    said = Statements("", tuple(Statement(_said(each)) for each in how))
    return Section("How it was done", (), (Facts("What was compared", facts), said))
