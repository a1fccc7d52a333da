"""The words for a change: what it is of, how large it is, and what is proven."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from paribus._text import count, interval, name, number, percent, points
from paribus.evidence.base import Row
from paribus.findings import shown_as
from paribus.report._wording import SHARES, UNITS
from paribus.studies._compared import ComparedVerdict, GapChange


def place(row: Row | GapChange) -> str:
    """Say what a gap is about."""
    wording = UNITS.get(row.unit) if row.stage == "model" else None
    if wording is None:
        field = f" ({name(row.field)})" if row.field else ""
        relation = f", {row.relation}" if row.relation else ""
        what = f"{name(row.unit)}{relation}{field}"
    else:
        what = wording.title
    groups = [name(each) for each in (row.reference, row.group) if each]
    return f"{what} ({', '.join([name(row.attribute), ' to '.join(groups)][: 1 + bool(groups)])})"


def texts(row: Row | GapChange) -> tuple[Callable[[float], str], Callable[[float], str]]:
    """Choose how the number of a gap is written, and how a change of it."""
    if row.stage == "model":
        if row.unit not in SHARES:
            return number, _signed
        return (points if row.unit in {"net gap", *_EXCESS} else percent), points
    if row.scale == "ratio" and row.relation in {"ratio", "extremes"}:
        return _of_row(row), _factor
    return _of_row(row), points if row.scale == "share" else _signed


_EXCESS = frozenset({"excess flip rate", "excess label change rate"})


def _of_row(row: Row | GapChange) -> Callable[[float], str]:
    plain = Row(
        test=row.test, unit=row.unit, contrast="group", attribute="", reference="", group="",
        people=0, answered=0, estimate=0.0, low=0.0, high=0.0,
        relation=row.relation, scale=row.scale,
    )  # fmt: skip
    return shown_as(plain)


def _signed(value: float) -> str:
    return number(value, signed=True)


def _factor(change: float) -> str:
    return f"factor {math.exp(max(-700.0, min(700.0, change))):.3g}"


def bound(change: GapChange) -> str:
    """Write a margin."""
    _, show_change = texts(change)
    if show_change is _factor:
        return _factor(change.margin)
    return percent(change.margin) if show_change is points else number(change.margin)


def said_of(change: GapChange, row: Row, confidence: float) -> str:
    show, show_change = texts(row)
    size = "its size changed by" if _has_sign(row) else "a change of"
    sure = interval(change.low, change.high, confidence, show_change)
    if change.method == "exact":
        sure = "exact over the declared domain"
    said = (
        f"{place(row)}: {show(change.before)} before, {show(change.after)} after; "
        f"{size} {show_change(change.change)} ({sure}): {_conclusion(change)}"
    )
    if change.crossed:
        ways = ("within", "beyond")
        if change.before_verdict == "biased":
            ways = ways[::-1]
        said += f"; it was proven {ways[0]} the tolerance and is now proven {ways[1]} it"
        if change.verdict not in {"worse", "better"}:
            said += ", each by an audit alone, which among so many gaps may be chance"
    if change.turned:
        said += "; it turned around, and is now on the other side of zero"
    return f"{said}."


def _has_sign(row: Row) -> bool:
    return row.unit in {"net gap", "score gap"} or row.relation in {"difference", "ratio"}


def _conclusion(change: GapChange) -> str:
    limit = f"the margin of {bound(change)}"
    beyond = change.margin == 0
    if change.method == "verdicts":
        return "judged by the two verdicts alone"
    match change.verdict:
        case "worse":
            if change.crossed and change.low <= change.margin:
                return "larger"
            return "larger beyond noise" if beyond else f"larger by more than {limit}"
        case "better":
            if change.crossed and change.high >= -change.margin:
                return "smaller"
            return "smaller beyond noise" if beyond else f"smaller by more than {limit}"
        case "unchanged":
            return f"proven to be the same within {limit}"
        case "no worse":
            return f"proven not to have grown by {limit} or more"
    if beyond:
        return "no change is proven"
    return f"neither larger by more than {limit} nor proven not to be"


def summed_up(verdict: ComparedVerdict, changes: Sequence[GapChange], lacking: int) -> str:
    counted = {
        each: sum(change.verdict == each for change in changes)
        for each in ("better", "worse", "unchanged", "no worse", "undecided")
    }
    gaps = count(len(changes), "gap")
    if verdict == "worse":
        worst = max(
            (change for change in changes if change.verdict == "worse"),
            key=lambda change: (change.change - change.margin) / (change.margin or 1.0),
        )
        most = f", most of all: {worst.sentence}" if counted["worse"] > 1 else f": {worst.sentence}"
        return f"{counted['worse']:,} of {gaps} got worse{most}"
    if verdict == "no worse":
        parts = [f"{counted['better']:,} got better"] if counted["better"] else []
        same = counted["unchanged"] + counted["no worse"]
        parts += [f"{same:,} did not grow by the margin or more"] if same else []
        return f"No gap got worse: of {gaps}, {' and '.join(parts)}."
    reasons = []
    if counted["undecided"]:
        reasons.append(f"for {counted['undecided']:,} of {gaps} neither is proven")
    if lacking:
        reasons.append(f"{count(lacking, 'gap')} cannot be compared, as one record alone has them")
    better = f" {counted['better']:,} got better." if counted["better"] else ""
    said = " and ".join(reasons) or "only alarms could be compared"
    return f"Whether anything got worse is open: {said}.{better}"
