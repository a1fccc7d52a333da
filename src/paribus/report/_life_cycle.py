"""The five points where bias enters: collection, labeling, features, training, deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from paribus._text import name, number, percent, points
from paribus.evidence.base import Row
from paribus.findings import Finding, Verdict, distance
from paribus.record import Record
from paribus.report._marks import confidence
from paribus.report._measured import (
    FEW_GROUPS,
    MOST_GROUPS,
    MOST_SPANS,
    around,
    by_group,
    chosen,
    crossed,
    curves,
    ends,
    lines_of,
    numbers,
    pieces,
    said,
    tolerated,
    verdicts,
    written,
)
from paribus.report._parts import (
    Cell,
    Column,
    Dot,
    Measured,
    Paragraph,
    Part,
    Scatter,
    Section,
    Table,
)

TITLES = {
    "collection": "Collection: who is in the data",
    "labeling": "Labeling: what the labels say",
    "features": "Features: what stands for the attribute",
    "training": "Training: whom a model serves",
    "deployment": "Deployment: what happens over time",
}

_INTROS = {
    "collection": "Groups that are rare in the data are learned badly, and seldom noticed.",
    "labeling": "A label may say what somebody decided, not what is true; a model learns either.",
    "features": "A field is a proxy if it tells the attribute and the model acts on it: both.",
    "training": "A model that is right for most may be wrong for few.",
    "deployment": "A gap may open long after release, and decisions become the next data.",
}

_EFFECT = (
    "The proxy effect of a field is (2 × AUC - 1) × movement: 0 where it tells nothing of the "
    "attribute or hardly moves the model, and the whole movement where it tells the attribute for "
    "certain. Its tolerance is the same product of the AUC and the movement that count as little, "
    "the dashed lines: {}."
)


def life_cycle(record: Record) -> Iterator[Section]:
    """Show each stage that was audited: its sentences, then drawings of single attributes."""
    for stage, title in TITLES.items():
        drawn: list[Part] = []
        everything: list[Row] = []
        held: list[Finding] = []
        for attribute, rows, findings in pieces(record, stage):
            drawn += _DRAW[stage](record, attribute, rows, findings)
            everything += rows
            held += findings
        if everything:
            parts = [
                *said(held),
                *_explained(everything, held),
                *sorted(drawn, key=lambda part: part.form == "table"),
                *verdicts(held, record),
                *numbers(everything, f"All numbers of {stage}", record),
            ]
            yield Section(title, (Paragraph(_INTROS[stage]),), tuple(parts))


def _collection(
    record: Record, attribute: str, rows: Sequence[Row], findings: Sequence[Finding]
) -> list[Part]:
    shares = chosen(rows, "share of the data", "value", attribute)
    declared = any(row.expected is not None for row in shares)
    if crossed(attribute) and not declared:
        return []
    return by_group(
        shares,
        f"Share of the data by {name(attribute)}",
        record,
        axis="% of rows",
        bars=True,
        reference_label="share in the population" if declared else "",
        most=MOST_GROUPS if declared else FEW_GROUPS,
    )


def _labeling(
    record: Record, attribute: str, rows: Sequence[Row], findings: Sequence[Finding]
) -> list[Part]:
    if crossed(attribute):
        return []
    parts: list[Part] = []
    base = chosen(rows, "base rate", "value", attribute)
    label_column = None if record.data is None else record.data.roles.get("label")
    for field in list(dict.fromkeys(row.field for row in base))[:MOST_SPANS]:
        each = [row for row in base if row.field == field]
        band, label = around(rows, each, record)
        what = "Favorable labels" if field == label_column else f"Label {name(field, 24)}"
        parts += by_group(
            each,
            f"{what} by {name(attribute)}",
            record,
            axis="% of the labels",
            band=band,
            band_label=label,
        )
    # Suspects are told by direction too.
    suspects = [r for r in chosen(rows, "suspect labels", "value", attribute) if not r.field]
    return parts + by_group(
        suspects,
        f"Suspect labels by {name(attribute)}",
        record,
        axis="% of the labels that surprise a learner",
        bars=True,
        detail=True,
    )


# --- features -------------------------------------------------------------------------------------


def _features(
    record: Record, attribute: str, rows: Sequence[Row], findings: Sequence[Finding]
) -> list[Part]:
    strengths = {row.field: row for row in rows if row.unit == "proxy strength"}
    moves = {row.field: row for row in rows if row.unit == "proxy movement"}
    both = [field for field in strengths if field in moves]
    tones = {f.field: f.verdict for f in findings if f.unit == "proxy effect"}
    both.sort(key=lambda f: (tones.get(f) != "biased", -_above(strengths[f]) * moves[f].estimate))
    parts: list[Part] = [_proxies(attribute, strengths, moves, rows, tones, record)]
    if not both:
        return parts
    first = moves[both[0]]
    threshold = strengths[both[0]].expected
    title = f"Proxies of {name(attribute)}"
    whose = first.method or "model"
    share = "points" if whose == "stand-in model" else "% of people"
    told = "; ".join(f"{name(f)}: {written(strengths[f])}, {written(moves[f])}" for f in both[:8])
    drawing = Scatter(
        title=title,
        description=(
            f"{title}: how well each field tells {name(attribute)}, and how far the "
            f"{whose} moves when the field is swapped between groups. {told}."
        ),
        along=f"how well it tells {name(attribute, 24)} (AUC)",
        axis=f"movement of the {whose}" + (f" ({share})" if first.scale == "share" else ""),
        share_along=False,
        share=first.scale == "share",
        dots=tuple(
            Dot(
                label=name(field, 28),
                along=_number(strengths[field]),
                up=_number(moves[field]),
                tone=tones.get(field, "plain"),
            )
            for field in both
        ),
        threshold_along=0.5 if threshold is None else threshold,
        threshold=first.tolerance or 0.0,
        range_along=(0.5, 1.0),
        flagged_label="tells the attribute and moves the model",
        threshold_label="what counts as little",
    )
    return [drawing, *parts]


def _above(strength: Row) -> float:
    return max(0.0, strength.estimate - 0.5)


def _number(row: Row) -> Measured:
    return Measured(row.estimate, row.low, row.high, f"{written(row)} ({ends(row)})")


def _proxies(
    attribute: str,
    strengths: dict[str, Row],
    moves: dict[str, Row],
    rows: Sequence[Row],
    tones: Mapping[str, Verdict],
    record: Record,
) -> Table:
    """Put the two numbers of each field side by side, with what follows from both."""
    effects = {row.field: row for row in rows if row.unit == "proxy effect"}
    columns = (
        Column("Field"),
        Column("AUC", numeric=True),
        Column(confidence(record), numeric=True, extra=True),
        Column("Movement", numeric=True),
        Column(confidence(record), numeric=True, extra=True),
        Column("Proxy effect", numeric=True),
        Column("Verdict"),
    )
    cells = []
    for field, strength in sorted(strengths.items(), key=lambda item: -item[1].estimate):
        move, effect, verdict = moves.get(field), effects.get(field), tones.get(field)
        moved = ("–", "") if move is None else (written(move), ends(move))
        cells.append(
            (
                Cell(name(field)),
                Cell(written(strength)),
                Cell(ends(strength)),
                *map(Cell, moved),
                Cell("–" if effect is None else written(effect)),
                Cell("") if verdict is None else Cell(verdict, verdict),
            )
        )
    title = f"Every field as a proxy of {name(attribute)}"
    return Table(title, columns, tuple(cells), detail=True, folded=True)


def _explained(rows: Sequence[Row], findings: Sequence[Finding]) -> list[Part]:
    """Say what the number of a proxy is, where one is held."""
    held = next((finding for finding in findings if finding.unit == "proxy effect"), None)
    if held is None:
        return []
    area = next((row.expected for row in rows if row.unit == "proxy strength"), None)
    move = next((row for row in rows if row.unit == "proxy movement"), None)
    if area is None or move is None or move.tolerance is None:
        return []
    show = distance if move.scale == "share" else number
    product = f"(2 × {number(area)} - 1) × {show(move.tolerance)}, which is {tolerated(held)}"
    return [Paragraph(_EFFECT.format(product))]


# --- training -------------------------------------------------------------------------------------


def _training(
    record: Record, attribute: str, rows: Sequence[Row], findings: Sequence[Finding]
) -> list[Part]:
    if crossed(attribute):
        return []
    parts: list[Part] = []
    for unit in ("error rate", "mean absolute error"):
        each = [row for row in chosen(rows, unit, "value", attribute) if not row.field]
        band, label = around(rows, each, record)
        parts += by_group(
            each,
            f"{unit.capitalize()} by {name(attribute)}",
            record,
            axis="% of people" if unit == "error rate" else "distance of prediction and truth",
            bars=unit != "error rate",
            band=band,
            band_label=label,
        )
    parts += curves(
        record,
        lines_of(record, "training", attribute, "calibration"),
        f"Calibration by {name(attribute)}",
        along="mean score (%)",
        axis="favorable labels (%)",
        share_along=True,
        diagonal=True,
        guide="calibrated",
        detail=True,
    )
    share = any(row.unit == "error rate" for row in rows)
    return parts + curves(
        record,
        lines_of(record, "training", attribute, "learning curve"),
        f"Error by {name(attribute)} as the data to learn from grow (smallest and largest group)",
        along="rows to learn from",
        axis="error rate (%)" if share else "mean absolute error",
        show=percent if share else number,
        share=share,
        log=True,
        detail=True,
    )


# --- deployment -----------------------------------------------------------------------------------


def _deployment(
    record: Record, attribute: str, rows: Sequence[Row], findings: Sequence[Finding]
) -> list[Part]:
    timeline = lines_of(record, "deployment", attribute, "timeline")
    if crossed(attribute) and not any(any(line.alarms) for line in timeline):
        return []
    rates = ["selection rate"]
    # Of one attribute with few groups there is room for the other rates.
    single = {line.attribute for line in record.lines if line.stage == "deployment"} == {attribute}
    if single and len(timeline) < MOST_SPANS:
        rates += ["true positive rate", "false positive rate"]
    parts: list[Part] = []
    for rate in rates:
        parts += _over_time(record, attribute, rows, rate)
    return parts + _shifts(record, attribute, rows)


def _over_time(record: Record, attribute: str, rows: Sequence[Row], rate: str) -> list[Part]:
    tolerance = record.data.tolerance if record.data is not None else 0.0
    of = "" if rate == "selection rate" else f" of the {rate}"
    by = f"{rate}, by {name(attribute)}"
    reference = next((row.reference for row in rows if row.reference), "")
    gap = f"{rate} to that of {name(reference, 32)}, by {name(attribute)}"
    parts = curves(
        record,
        lines_of(record, "deployment", attribute, f"timeline{of}"),
        f"Gap of the {gap}",
        along="window of time",
        axis="gap (points)",
        show=points,
        tolerance=tolerance,
        detail=bool(of),
    )
    if crossed(attribute):
        return parts
    parts += curves(
        record,
        lines_of(record, "deployment", attribute, f"running gap{of}"),
        f"Mean gap of the {gap}, from the first window on",
        along="up to this window",
        axis="mean gap (points)",
        show=points,
        tolerance=tolerance,
        detail=True,
    )
    return parts + curves(
        record,
        lines_of(record, "deployment", attribute, f"feedback{of}"),
        f"Feedback, simulated: {by}",
        along="round of learning from its own decisions",
        axis=f"{rate} (%)",
        detail=bool(of),
    )


def _shifts(record: Record, attribute: str, rows: Sequence[Row]) -> list[Part]:
    shifts = [row for row in rows if row.unit == "distribution shift"]
    if not shifts:
        return []
    widest = max(shifts, key=lambda row: row.estimate).field
    what, label = f"How {name(widest, 32)} shifts", None
    if len(shifts) <= FEW_GROUPS and all(len(_place(row)) <= _LABEL for row in shifts):
        what, label = "What shifts", _place
    else:
        shifts = [row for row in shifts if row.field == widest]
    return by_group(
        sorted(shifts, key=lambda row: -row.estimate),
        f"{what} between the first and the last windows, by {name(attribute)}",
        record,
        axis="Jensen-Shannon distance (0: same, 1: nothing in common)",
        bars=True,
        detail=True,
        label=label,
    )


def _place(row: Row) -> str:
    return f"{name(row.field)}: {name(row.group)}"


_LABEL = 36
"""Characters of a label that a chart shows whole."""

_DRAW = {
    "collection": _collection,
    "labeling": _labeling,
    "features": _features,
    "training": _training,
    "deployment": _deployment,
}
