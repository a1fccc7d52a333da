"""How the outcomes in a table differ between groups: decisions, scores, errors, rankings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from paribus._text import count, name, visible
from paribus.evidence.base import Line, Row
from paribus.findings import Finding, distance
from paribus.record import Record
from paribus.report._marks import told, with_intervals
from paribus.report._measured import (
    FEW_GROUPS,
    MOST_GROUPS,
    around,
    by_group,
    chosen,
    crossed,
    curves,
    few_of,
    lines_of,
    mark,
    numbers,
    pieces,
    said,
    sizes_of,
    verdicts,
    written,
)
from paribus.report._parts import (
    Cell,
    Chart,
    Column,
    Guide,
    Heights,
    Histogram,
    Paragraph,
    Part,
    Section,
    Table,
)
from paribus.report._wording import FOUR_FIFTHS

FEW_FIELDS = 4
"""Classes, or tops of a ranking, that get a chart each."""

_BEHIND = {
    "equal opportunity": ("true positive rate",),
    "predictive equality": ("false positive rate",),
    "equalized odds": ("true positive rate", "false positive rate"),
    "predictive parity": ("positive predictive value",),
    "conditional use accuracy equality": (
        "positive predictive value",
        "negative predictive value",
    ),
    "overall accuracy equality": ("accuracy",),
}
"""The rates that a criterion compares, besides the first of `_FIRST`."""

_FIRST = ("selection rate", "base rate")
"""What is drawn first, as far as there is any."""

_USUAL = (
    "true positive rate",
    "false positive rate",
    "AUC",
    "mean score",
    "mean error",
    "mean absolute error",
    "exposure",
)
"""What is drawn of a single attribute even if nothing holds it."""

_AXES = {
    "selection rate": "% of people",
    "base rate": "% of the labels",
    "true positive rate": "% of people with a favorable label",
    "false positive rate": "% of people with an unfavorable label",
    "positive predictive value": "% of people decided favorably",
    "negative predictive value": "% of people decided unfavorably",
    "accuracy": "% of people",
    "AUC": "AUC (0.5: chance, 1: all told apart)",
    "mean error": "prediction minus truth",
    "mean absolute error": "distance of prediction and truth",
    "exposure": "exposure (1: always first)",
}

_SUMMARY = (
    "selection rate", "impact ratio", "true positive rate", "false positive rate",
    "positive predictive value", "accuracy", "base rate", "AUC", "mean score", "mean error",
    "mean absolute error", "root mean squared error", "exposure",
)  # fmt: skip
"""What the first table shows, as far as there is any; what matters most comes first, as a narrow
screen shows no more."""


_DIFFERENT = (
    " These are different people: a difference between groups may come from the model, from its "
    "data, or from the world; twins tell the first apart."
)


def outcomes(record: Record) -> Iterator[Section]:
    """Show how groups fare, one section for each attribute."""
    if record.data is None:
        return
    told_before = False
    for attribute, rows, findings in pieces(record, "outcomes"):
        parts: list[Part] = [
            *said(findings),
            *_drawn(rows, findings, attribute, record),
            *_alike(rows, attribute, record),
            *_curves(record, attribute, sizes_of(rows)),
            *_summaries(rows, attribute),
            *verdicts(findings, record),
            *numbers(rows, f"All numbers by {name(attribute)}", record),
        ]
        groups = len({row.group for row in rows if row.relation == "value" and row.group})
        text = f"{count(groups, 'group')} of {name(attribute)} in {count(record.data.rows, 'row')}."
        if not told_before:
            text += _DIFFERENT
        told_before = True
        yield Section(f"How outcomes differ by {name(attribute)}", (Paragraph(text),), tuple(parts))


def _drawn(
    rows: Sequence[Row], findings: Sequence[Finding], attribute: str, record: Record
) -> list[Part]:
    """Draw what is held against the tolerance, and of single attributes what is usual."""
    parts: list[Part] = []
    held = {finding.unit for finding in findings}
    behind = [unit for each in held for unit in (*_BEHIND.get(each, ()), each)]
    first = next((unit for unit in _FIRST if chosen(rows, unit, "value", attribute)), None)
    whole = [] if first is None else chosen(rows, first, "value", attribute)
    for field in _few_fields(whole, findings):
        parts += _first([row for row in whole if row.field == field], attribute, record)
    groups = len({row.group for row in rows if row.relation == "value" and row.group})
    for unit in dict.fromkeys((*_USUAL, *_AXES)):
        each = [row for row in chosen(rows, unit, "value", attribute) if not row.field]
        usual = unit in _USUAL and not crossed(attribute) and groups <= FEW_GROUPS
        # What scores do to decisions is drawn already.
        usual = usual and not (unit == "mean score" and first is not None)
        alone = first is None and not parts
        if not each or unit in _FIRST or not (usual or unit in behind or alone):
            continue
        band, label = around(rows, each, record)
        # Errors to either side of none are told apart; sizes are seen from 0.
        lines = (Guide(0.0, "no error"),) if unit == "mean error" else ()
        parts += by_group(
            each,
            f"{_capital(unit)} by {name(attribute)}",
            record,
            axis=_AXES.get(unit, unit),
            bars=unit in {"mean absolute error", "exposure"},
            lines=lines,
            band=band,
            band_label=label,
            detail=first is not None and (crossed(attribute) or unit not in behind),
            most=MOST_GROUPS if alone else FEW_GROUPS,
        )
    return parts + _tops(rows, attribute, record)


def _few_fields(rows: Sequence[Row], findings: Sequence[Finding]) -> list[str]:
    """Choose the classes that are drawn: those that are beyond the tolerance come first."""
    fields = list(dict.fromkeys(row.field for row in rows))
    beyond = {finding.field for finding in findings if finding.verdict == "biased"}
    return sorted(fields, key=lambda field: field not in beyond)[:FEW_FIELDS]


def _first(rows: Sequence[Row], attribute: str, record: Record) -> list[Part]:
    unit, field = rows[0].unit, rows[0].field
    highest = max(row.estimate for row in rows)
    fifths = Guide(FOUR_FIFTHS * highest, "four fifths of the highest", "biased")
    # Four fifths are about what is good for a person, which no class is.
    of = f" of {name(field)}" if field else ""
    return by_group(
        rows,
        f"{_capital(unit)}{of} by {name(attribute)}",
        record,
        axis=_AXES[unit],
        # Classes are drawn over the same axis, from 0 to 100 %.
        bars=not field,
        lines=(fifths,) if unit == "selection rate" and not field else (),
        most=MOST_GROUPS,
    )


def _tops(rows: Sequence[Row], attribute: str, record: Record) -> list[Part]:
    """Draw each group's share of the first places beside its share of all."""
    parts: list[Part] = []
    shares = chosen(rows, "top share", "value", attribute)
    for field in list(dict.fromkeys(row.field for row in shares))[:FEW_FIELDS]:
        parts += by_group(
            [row for row in shares if row.field == field],
            f"Share of the {name(field)} by {name(attribute)}",
            record,
            axis=f"% of the {name(field)}",
            bars=True,
            reference_label="share of all rows",
        )
    return parts


def _alike(rows: Sequence[Row], attribute: str, record: Record) -> list[Part]:
    """Draw differences overall beside those among people who are alike in declared factors."""
    alike = chosen(rows, "conditional demographic parity", "difference", attribute)
    overall = {row.group: row for row in chosen(rows, "selection rate", "difference", attribute)}
    alike = [row for row in alike if row.group in overall]
    if not alike or record.data is None:
        return []
    kept, some = few_of(alike, FEW_GROUPS // 2)
    marks = tuple(
        mark(each, f"{name(each.group, 24)}, {how}")
        for row in kept
        for each, how in (
            (overall[row.group], "overall"),
            (row, f"alike in {visible(row.field)}"),
        )
    )
    tolerance = record.data.tolerance
    title = (
        f"Selection rate against {name(alike[0].reference)}, overall and among people alike in "
        f"{name(alike[0].field)}{some}"
    )
    return [
        Chart(
            kind="gaps",
            title=title,
            description=f"{title}, {with_intervals(record)}. {told(marks)}.",
            axis="percentage points",
            share=True,
            marks=marks,
            band=(-tolerance, tolerance),
            band_label=f"within {distance(tolerance)}",
        )
    ]


def _curves(record: Record, attribute: str, sizes: Mapping[str, int]) -> list[Part]:
    if crossed(attribute):
        return []
    parts = curves(
        record,
        lines_of(record, "outcomes", attribute, "ROC"),
        f"ROC by {name(attribute)}",
        along="false positive rate (%)",
        axis="true positive rate (%)",
        share_along=True,
        diagonal=True,
        guide="chance",
        detail=True,
        sizes=sizes,
    )
    parts += curves(
        record,
        lines_of(record, "outcomes", attribute, "calibration"),
        f"Calibration by {name(attribute)}",
        along="mean score (%)",
        axis="favorable labels (%)",
        share_along=True,
        diagonal=True,
        guide="calibrated",
        detail=True,
        sizes=sizes,
    )
    lines = lines_of(record, "outcomes", attribute, "score histogram")
    return parts + _histogram(lines, attribute, sizes, record)


def _histogram(
    lines: Sequence[Line], attribute: str, sizes: Mapping[str, int], record: Record
) -> list[Part]:
    if not lines:
        return []
    kept = sorted(lines, key=lambda line: -sizes.get(line.group, 0))
    starts = kept[0].x
    width = starts[1] - starts[0] if len(starts) > 1 else 1.0
    title = f"Scores by {name(attribute)}"
    if len(kept) > _MOST_HISTOGRAMS:
        title += f" (the {_MOST_HISTOGRAMS} largest of {len(kept):,} groups)"
    data = record.data
    threshold = None if data is None else data.roles.get("threshold")
    return [
        Histogram(
            title=title,
            description=f"{title}: the share of each group in each of {len(starts)} bins.",
            along="score",
            share_along=False,
            edges=(*starts, starts[-1] + width),
            groups=tuple(
                Heights(
                    label=name(line.group) if line.group else "everybody",
                    heights=line.y,
                    text=count(sum(line.people), "row"),
                )
                for line in kept[:_MOST_HISTOGRAMS]
            ),
            cut=float(threshold) if isinstance(threshold, int | float) else None,
            cut_label="threshold",
            detail=True,
        )
    ]


_MOST_HISTOGRAMS = 8


def _summaries(rows: Sequence[Row], attribute: str) -> list[Part]:
    """Give one table of every group, or one for each of a few classes."""
    told_apart = [row for row in rows if row.unit in _SUMMARY and row.unit != "top share"]
    fields = sorted(dict.fromkeys(row.field for row in told_apart), key=bool)
    parts: list[Part] = []
    for field in fields[: FEW_FIELDS + 1]:
        parts += _summary([row for row in told_apart if row.field == field], attribute, field)
    return parts


def _summary(rows: Sequence[Row], attribute: str, field: str) -> list[Part]:
    values = [row for row in rows if row.relation == "value"]
    ratios = {row.group: row for row in rows if row.unit == "impact ratio"}
    present = {row.unit for row in values} | ({"impact ratio"} if ratios else set())
    units = [unit for unit in _SUMMARY if unit in present]
    by_place = {(row.group, row.unit): row for row in values}
    groups = [group for group in dict.fromkeys(row.group for row in values) if group]
    if not groups:
        return []
    everybody = [""] if any(not row.group for row in values) else []
    cells = []
    for group in (*groups, *everybody):
        mine = [row for row in values if row.group == group]
        line = [Cell(name(group) if group else "everybody")]
        for unit in units:
            row = by_place.get((group, unit))
            if unit == "impact ratio":
                ranked = (group, "selection rate") in by_place
                line.append(_fifths(ratios.get(group), group, ranked=ranked))
            else:
                line.append(Cell("–") if row is None else Cell(written(row)))
        cells.append((*line, Cell(f"{max(row.people for row in mine):,}")))
    columns = (
        Column("Group"),
        *(Column(unit, numeric=True) for unit in units),
        Column("rows", numeric=True),
    )
    title = f"Every group of {name(attribute)}" + (f", {name(field)}" if field else "")
    folded = len(groups) > FEW_GROUPS or bool(field)
    return [Table(title, columns, tuple(cells), detail=True, folded=folded)]


def _fifths(row: Row | None, group: str, *, ranked: bool) -> Cell:
    if row is None:
        return Cell("highest" if group and ranked else "–")
    # Short and on one line, as the column is narrow.
    if row.high < FOUR_FIFTHS:
        return Cell(written(row), note="below\u00a0four\u00a0fifths")
    return Cell(written(row), note="perhaps\u00a0below" if row.low < FOUR_FIFTHS else "")


def _capital(unit: str) -> str:
    return unit if unit.isupper() else unit.capitalize()
