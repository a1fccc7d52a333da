"""The words of a page: units, sizes of gaps, and the verdict in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

from paribus._text import name, number, percent, points, visible
from paribus.evidence.base import Row
from paribus.findings import Finding
from paribus.record import Record


class Wording(NamedTuple):
    """How a unit of evidence is spoken of."""

    measure: str
    title: str
    axis: str
    rank: int = 0
    """Of several gaps, a reader should hear about that with the highest rank first."""
    one_sided: bool = False
    """Whether it has no sign: a share of pairs, or a distance."""


UNITS = {
    "net gap": Wording(
        "favorable rate", "Gap in the rate of favorable answers", "percentage points", 1
    ),
    "score gap": Wording("mean answer", "Mean gap of the answers", "gap of the answer", 3),
    "flip rate": Wording(
        "decisions changed", "People whose decision changes", "% of people", 5, one_sided=True
    ),
    "label change rate": Wording(
        "labels changed", "People whose label changes", "% of people", 4, one_sided=True
    ),
    "absolute gap": Wording(
        "gap either way",
        "Mean size of the gap, whatever its sign",
        "size of the gap",
        2,
        one_sided=True,
    ),
    "favorable rate": Wording("favorable rate", "Favorable answers", "% of people"),
    "mean answer": Wording("mean answer", "Mean answer", "answer"),
}
"""Every unit that evidence comes in, in the order of the charts."""

SHARES = frozenset({"flip rate", "net gap", "label change rate", "favorable rate"})
"""Units that are shares of people, or gaps of such shares."""


def show(unit: str) -> Callable[[float], str]:
    """Choose how numbers of a unit are written."""
    if unit == "net gap":
        return points
    if unit in SHARES:
        return percent
    return partial(number, signed=True) if unit == "score gap" else number


def span(row: Row | Finding) -> str:
    """Write the ends of an interval, to stand beside their estimate: ``54.6 to 56.5 %``."""
    low, high = show(row.unit)(row.low), show(row.unit)(row.high)
    return f"{low.removesuffix(' points').removesuffix(' %')} to {high.removesuffix(' points')}"


def bound(tolerance: float, unit: str) -> str:
    """Write the tolerance in the unit of a gap."""
    return percent(tolerance) if unit in SHARES else number(tolerance)


def sentence(finding: Finding) -> str:
    """Give the sentence of a finding, with the names in it made visible and short."""
    raw = {visible(text) for text in (finding.attribute, finding.reference, finding.group)}
    short = {text: name(text) for text in raw if text and name(text) != text}
    said = visible(finding.sentence)
    if not short:
        return said
    pattern = "|".join(re.escape(text) for text in sorted(short, key=len, reverse=True))
    return re.sub(pattern, lambda found: short[found[0]], said)


def people(n: int) -> str:
    """Count people."""
    return "one person" if n == 1 else f"{n:,} people"


def effect(row: Row | Finding) -> str:
    """Say what a change does, in the words of somebody who has never met a rate."""
    if row.unit == "flip rate":
        return f"changes the decision for {percent(row.estimate)} of people{_direction(row)}"
    if row.unit == "label change rate":
        return f"changes the label for {percent(row.estimate)} of people"
    if row.unit == "absolute gap":
        return f"moves the answer by {number(row.estimate)} either way on average"
    verb = "lowers" if row.estimate < 0 else "raises"
    if row.unit == "net gap":
        size = points(abs(row.estimate)).removeprefix("+")
        return f"{verb} the rate of favorable answers by {size}"
    return f"{verb} the answer by {number(abs(row.estimate))} on average"


def verdict_sentence(record: Record) -> str:
    """Sum the findings up in one sentence that takes no statistics to read."""
    if not record.findings:
        return "Nothing was compared, so nothing can be said about this model."
    if not record.answers.answered:
        return "The model answered none of the questions, so nothing can be said about it."
    say = {"biased": _biased, "within tolerance": _within, "inconclusive": _inconclusive}
    return say[record.verdict](record)


def _biased(record: Record) -> str:
    beyond = [finding for finding in record.findings if finding.verdict == "biased"]
    levels = [finding for finding in beyond if finding.contrast != "placebo"]
    if not levels:
        return sentence((beyond or list(record.findings))[0])
    worst = max(levels, key=lambda finding: (UNITS[finding.unit].rank, abs(finding.estimate)))
    compared = len({(f.attribute, f.reference, f.group) for f in record.findings})
    gaps = len({(f.attribute, f.reference, f.group) for f in levels})
    rest = f" (the widest of {gaps:,} such gaps in {compared:,} comparisons)" if gaps > 1 else ""
    return (
        f"With everything else equal, changing {name(worst.attribute)} from "
        f"{name(worst.reference)} to {name(worst.group)} {effect(worst)}: more than the "
        f"{bound(worst.tolerance, worst.unit)} declared acceptable{rest}."
    )


def _within(record: Record) -> str:
    return (
        f"With everything else equal, no change of {_attributes(record, 'or')} moves the model's "
        f"answers on average by more than the {_bound(record)} declared acceptable, and this is "
        "proven, not assumed."
    )


def _inconclusive(record: Record) -> str:
    return (
        f"It is not settled whether the model treats people alike whatever their "
        f"{_attributes(record, 'and')}: with {people(record.people)}, neither a gap beyond the "
        f"{_bound(record)} declared acceptable nor its absence is proven."
    )


def _bound(record: Record) -> str:
    return bound(record.tolerance, record.findings[0].unit)


def _attributes(record: Record, joint: Literal["and", "or"]) -> str:
    names = [name(a) for a in dict.fromkeys(finding.attribute for finding in record.findings)]
    if len(names) > 4:
        return f"any of {len(names)} attributes" if joint == "or" else f"{len(names)} attributes"
    return f" {joint} ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _direction(row: Row | Finding) -> str:
    against, favor = row.flips_against, row.flips_for
    if against is None or favor is None or against == favor:
        return ""
    side = "against" if against > favor else "in favor of"
    return f", {'mostly' if min(against, favor) else 'always'} {side} {name(row.group)}"
