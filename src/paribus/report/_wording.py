"""The words of a page: units, sizes of gaps, and the verdict in one sentence."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

from paribus._text import legible, name, number, p_value, percent, points, shortened, visible
from paribus.evidence.base import Row
from paribus.findings import Finding, overall
from paribus.record import Record
from paribus.report._crossed import crossed, listed, spoken


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
    "excess flip rate": Wording(
        "decisions changed beyond names",
        "People whose decision changes, beyond those whom a mere change of name moves",
        "percentage points",
        5,
    ),
    "excess label change rate": Wording(
        "labels changed beyond names",
        "People whose label changes, beyond those whom a mere change of name moves",
        "percentage points",
        4,
    ),
    "excess absolute gap": Wording(
        "gap either way beyond names",
        "Mean size of the gap, beyond that of a mere change of name",
        "size of the gap",
        2,
    ),
    "repeat change rate": Wording(
        "answers changed when asked again",
        "People who are answered otherwise when asked again",
        "% of people",
        one_sided=True,
    ),
    "squared effect": Wording(
        "effect on single people",
        "Effect on single people, free of noise (root mean square)",
        "size of the effect",
        1,
        one_sided=True,
    ),
    "squared effect on chances": Wording(
        "effect on single people",
        "Effect on a person's chance, free of noise (root mean square)",
        "percentage points",
        1,
        one_sided=True,
    ),
    "odds ratio": Wording("odds ratio", "Odds that a change is in favor", "ratio"),
    "impact ratio": Wording(
        "impact ratio",
        "Favorable rate as a part of the reference's",
        "ratio (orange line: four fifths)",
    ),
    "Cohen's h": Wording("Cohen's h", "Difference of the rates on the arcsine scale", "h"),
    "median gap": Wording("median gap", "Median gap of the answers", "gap of the answer"),
    "gap quantile": Wording("quantile of the gap", "Quantiles of the gap", "gap of the answer"),
    "share raised": Wording("moved people who move up", "Moved people who move up", "% of them"),
    "rank shift": Wording("move in the ranking", "Mean move in the ranking", "% of the list"),
    "Stuart-Maxwell": Wording("Stuart-Maxwell test", "Equal shares of every label", "chi-square"),
    "Bowker": Wording("Bowker test", "As many changes as their reverse", "chi-square"),
    "Cochran Q": Wording("Cochran Q", "Equal rates at all levels", "chi-square"),
    "Friedman": Wording("Friedman", "Equal ranks at all levels", "chi-square"),
    "share of the gap": Wording(
        "share of the differences", "What carries the differences", "% of the differences"
    ),
}
"""Every unit that evidence comes in, in the order of the charts.

Squared effects on chances are those of decisions and labels: see :func:`readable`.
"""

SHARES = frozenset(
    {
        *("flip rate", "net gap", "label change rate", "favorable rate", "repeat change rate"),
        *("excess flip rate", "excess label change rate", "share raised", "rank shift"),
        *("share of the gap", "squared effect on chances"),
    }
)
"""Units that are shares of people, or gaps of such shares."""

EXCESS = frozenset({"excess flip rate", "excess label change rate", "excess absolute gap"})
"""Units that have a sign, of which only the positive side is a bias."""

SQUARED = frozenset({"squared effect", "squared effect on chances"})
"""Units of which the root is shown."""

STATISTICS = frozenset({"Stuart-Maxwell", "Bowker", "Cochran Q", "Friedman"})
"""Units that are statistics of a test: they have a p-value and no interval."""

FOUR_FIFTHS = 0.8
"""Impact ratio below which 29 CFR 1607.4(D) speaks of adverse impact, as a rule of thumb."""


def show(unit: str) -> Callable[[float], str]:
    """Choose how numbers of a unit are written."""
    return _SHOWN.get(unit, percent if unit in SHARES else number)


def _ratio(value: float) -> str:
    return f"{value:.3f}" if value < 100 else number(value)


def _signed_percent(gap: float) -> str:
    return f"{points(gap).removesuffix(' points')} %"


_SHOWN: dict[str, Callable[[float], str]] = {
    **dict.fromkeys(("net gap", "excess flip rate", "excess label change rate"), points),
    **dict.fromkeys(
        ("score gap", "median gap", "gap quantile", "excess absolute gap"),
        partial(number, signed=True),
    ),
    **dict.fromkeys(("odds ratio", "impact ratio", "Cohen's h"), _ratio),
    "rank shift": _signed_percent,
    "squared effect on chances": lambda chance: points(chance).removeprefix("+"),
}


def readable(record: Record) -> Record:
    """Tell squared effects on chances, which are shares, from those on amounts."""
    units = {row.unit for row in record.evidence} | {row.unit for row in record.findings}
    if "score gap" in units or "squared effect" not in units:
        return record
    renamed = {"unit": "squared effect on chances"}
    parts = {
        part: tuple(
            row.model_copy(update=renamed) if row.unit == "squared effect" else row
            for row in getattr(record, part)
        )
        for part in ("evidence", "findings")
    }
    return record.model_copy(update=parts)


def of_twins(record: Record) -> Record:
    """Give what a record says of twins alone, without what it says of a table."""
    if record.data is None:
        return record
    parts = {
        part: tuple(row for row in getattr(record, part) if row.stage == "model")
        for part in ("evidence", "findings")
    }
    return record.model_copy(update=parts)


def seen(row: Row | Finding) -> tuple[float, float, float]:
    """Give estimate, low and high as they are shown: of a mean of squares, their roots."""
    if row.unit not in SQUARED:
        return row.estimate, row.low, row.high
    estimate, low, high = (max(0.0, end) ** 0.5 for end in (row.estimate, row.low, row.high))
    return estimate, low, high


def shown(row: Row | Finding) -> str:
    """Write the estimate."""
    return show(row.unit)(seen(row)[0])


def span(row: Row | Finding) -> str:
    """Write the ends of an interval, to stand beside their estimate: ``54.6 to 56.5 %``."""
    if row.unit in STATISTICS:
        return ""
    _, least, most = seen(row)
    low, high = show(row.unit)(least), show(row.unit)(most)
    if row.exact and low == high:
        return "exact"
    low = low.removesuffix(" points").removesuffix(" %")
    if most >= sys.float_info.max:
        return f"from {low}, no upper bound"
    return f"{low} to {high.removesuffix(' points')}"


def certain(row: Row | Finding) -> str:
    """Write the p-value, where there is anything that chance could have done."""
    return "" if row.exact or row.p is None else p_value(row.p)


def note(row: Row | Finding) -> str:
    """Say how a number was computed."""
    return visible(f"weighed {row.method}" if row.names else row.method)


def fifths(row: Row | Finding) -> str:
    """Hold an impact ratio against four fifths, in words; empty where it is above."""
    if row.high < FOUR_FIFTHS:
        return "below four fifths"
    if row.low >= FOUR_FIFTHS:
        return ""
    if row.exact:
        return "missing answers decide on four fifths"
    return "the interval crosses four fifths"


def bound(tolerance: float, unit: str) -> str:
    """Write the tolerance in the unit of a gap."""
    # A tolerance in the unit of numbers may be more than any share.
    return percent(tolerance) if unit in SHARES and tolerance <= 1 else number(tolerance)


def sentence(finding: Finding, record: Record | None = None) -> str:
    """Give the sentence of a finding, with the names in it made visible and short.

    Parameters
    ----------
    finding : Finding
    record : Record, optional
        The one that it is of, by which crossed levels are told apart: ``“white, male”`` in place of
        ``white x male``.
    """
    raw = [visible(text) for text in (finding.attribute, finding.reference, finding.group)]
    told = map(name, raw) if record is None else spoken(finding, record)
    said = legible(finding.sentence)
    both = zip(raw, told, strict=True)
    short = {text: word for text, word in both if text.strip() and word != text}
    if not short:
        return said
    pattern = "|".join(re.escape(text) for text in sorted(short, key=len, reverse=True))
    # In some sentences, names are set apart already.
    return re.sub(f"\u2068?({pattern})\u2069?", lambda found: short[found[1]], said)


def people(n: int) -> str:
    """Count people."""
    return "one person" if n == 1 else f"{n:,} people"


def effect(row: Row | Finding, record: Record) -> str:
    """Say what a change does, in the words of somebody who has never met a rate."""
    if row.unit == "flip rate":
        against = _direction(row, record)
        return f"changes the decision for {percent(row.estimate)} of people{against}"
    if row.unit == "label change rate":
        return f"changes the label for {percent(row.estimate)} of people"
    if row.unit == "absolute gap":
        return f"moves the answer by {number(row.estimate)} either way on average"
    if row.unit in SQUARED:
        what = "the answer" if row.unit == "squared effect" else "the chance"
        return f"moves {what} of single people by {shown(row)} beyond noise (root mean square)"
    if row.unit in EXCESS:
        return _beyond_names(row)
    verb = "lowers" if row.estimate < 0 else "raises"
    if row.unit == "net gap":
        size = points(abs(row.estimate)).removeprefix("+")
        return f"{verb} the rate of favorable answers by {size}"
    return f"{verb} the answer by {number(abs(row.estimate))} on average"


def _beyond_names(row: Row | Finding) -> str:
    side = "less" if row.estimate < 0 else "more"
    if row.unit == "excess absolute gap":
        size = number(abs(row.estimate))
        return f"moves the answer by {size} {side} than a mere change of name does"
    noun = "decision" if row.unit == "excess flip rate" else "label"
    size, side = percent(abs(row.estimate)), "fewer" if row.estimate < 0 else "more"
    return f"changes the {noun} for {size} {side} of all people than a mere change of name does"


def verdict_sentence(record: Record) -> str:
    """Sum the findings up in one sentence that takes no statistics to read."""
    if not record.findings:
        if record.data is not None:
            return "Numbers are shown, and nothing was held against a tolerance."
        return "Nothing was compared, so nothing can be said about this model."
    if record.answers is not None and not record.answers.answered:
        return "The model answered none of the questions, so nothing can be said about it."
    say = {"biased": _biased, "within tolerance": _within, "inconclusive": _inconclusive}
    about_twins = of_twins(record)
    verdict = overall(about_twins.findings)
    told = say[verdict](about_twins) if about_twins.findings else ""
    measured = [finding for finding in record.findings if finding.stage != "model"]
    return " ".join(filter(None, (told, _measured(measured, beside=bool(told)))))


def _measured(findings: Sequence[Finding], *, beside: bool) -> str:
    """Sum up what was held against a table, alone or beside what is said of twins."""
    if not findings:
        return ""
    beyond = [finding for finding in findings if finding.verdict == "biased"]
    open_ = [finding for finding in findings if finding.verdict == "inconclusive"]
    where = "In the table: " if beside else ""
    if beyond:
        rest = f" {_of(beyond, findings)} beyond the tolerance." if len(findings) > 1 else ""
        return f"{where}{sentence(beyond[0])}{rest}"
    if len(findings) == 1:
        return f"{where}{sentence(findings[0])}"
    if open_:
        return (
            f"{where}{_of(open_, findings)} not settled: neither a difference beyond the tolerance "
            "nor its absence is proven."
        )
    return (
        f"{where}No difference between groups is beyond its tolerance in any of {len(findings):,} "
        "questions, and this is proven, not assumed."
    )


def _of(some: Sequence[Finding], findings: Sequence[Finding]) -> str:
    verb = "is" if len(some) == 1 else "are"
    return f"{len(some):,} of {len(findings):,} questions {verb}"


def _biased(record: Record) -> str:
    beyond = [finding for finding in record.findings if finding.verdict == "biased"]
    levels = [finding for finding in beyond if finding.contrast != "placebo"]
    if not levels:
        return sentence((beyond or list(record.findings))[0], record)
    worst = max(levels, key=lambda finding: (UNITS[finding.unit].rank, abs(finding.estimate)))
    compared = len({(f.attribute, f.reference, f.group) for f in record.findings})
    gaps = len({(f.attribute, f.reference, f.group) for f in levels})
    rest = f" (the widest of {gaps:,} such gaps in {compared:,} comparisons)" if gaps > 1 else ""
    told = spoken(worst, record)
    return (
        f"With everything else equal, changing {told.attribute} from {told.reference} to "
        f"{told.group} {effect(worst, record)}: more than the "
        f"{bound(worst.tolerance, worst.unit)} declared acceptable{rest}."
    )


def _within(record: Record) -> str:
    return (
        f"With everything else equal, no change of {_attributes(record, 'or')} moves the model's "
        f"answers on average by more than the {_bound(record)} declared acceptable, and this is "
        "proven, not assumed."
    )


BLIND = "The model sees nothing of "
"""How the note begins that says that a model cannot tell twins apart."""

PARADOX = "Simpson's paradox: "
"""How the note begins that says that a difference turns around among people who are alike."""

_MOST_PARADOXES = 3
"""Of more, the other notes stand with all others."""


def remarks(record: Record) -> tuple[str, ...]:
    """Say what a reader must know together with the verdict."""
    said = []
    if record.exhaustive:
        said.append("Everybody in the declared domain was asked: numbers are exact.")
    stopped = record.stopped
    if stopped is not None and stopped.saved > 0:
        said.append(
            f"Stopped after {stopped.pairs:,} of at most {people(stopped.cap)}; "
            f"{stopped.saved:,} were not asked."
        )
    elif stopped is not None:
        said.append(f"It could not stop early: all {people(stopped.cap)} were asked.")
    blind = [shortened(legible(note), 600) for note in record.notes if note.startswith(BLIND)]
    if blind:
        said += blind
        said.append(
            "Its answers about such twins cannot differ, so \u201cwithin tolerance\u201d proves "
            "nothing about a model in use that sees more."
        )
    said += [shortened(legible(note), 600) for note in _paradoxes(record)]
    return tuple(said)


def beside_the_verdict(record: Record, note: str) -> bool:
    """Tell whether a note stands beside the verdict."""
    return note.startswith(BLIND) or note in _paradoxes(record)


def _paradoxes(record: Record) -> list[str]:
    return [note for note in record.notes if note.startswith(PARADOX)][:_MOST_PARADOXES]


def _inconclusive(record: Record) -> str:
    known = "as answers are missing" if record.exhaustive else f"with {people(record.people)}"
    return (
        f"It is not settled whether the model treats people alike whatever their "
        f"{_attributes(record, 'and').removesuffix(',')}: {known}, neither a gap beyond the "
        f"{_bound(record)} declared acceptable nor its absence is proven."
    )


def _bound(record: Record) -> str:
    return bound(record.tolerance, record.findings[0].unit)


def _attributes(record: Record, joint: Literal["and", "or"]) -> str:
    parts: dict[str, None] = {}
    together = ""
    for attribute in dict.fromkeys(finding.attribute for finding in record.findings):
        several = crossed(attribute, record)
        together = ", alone or together," if several else together
        parts |= dict.fromkeys(several or (attribute,))
    if len(parts) > 4:
        start = "any of " if joint == "or" else ""
        return f"{start}{len(parts)} attributes{together}"
    return listed([name(part) for part in parts], joint) + together


def _direction(row: Row | Finding, record: Record) -> str:
    against, favor = row.flips_against, row.flips_for
    if against is None or favor is None or against == favor:
        return ""
    side = "against" if against > favor else "in favor of"
    return f", {'mostly' if min(against, favor) else 'always'} {side} {spoken(row, record).group}"
