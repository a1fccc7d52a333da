"""Who gains and who pays when a model is mended, and what a reader must know before choosing."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from paribus._text import count, legible, name, percent, points, shortened, visible
from paribus.comparison import AS_IT_IS, Candidate, Comparison, Concern, GroupRate
from paribus.findings import Finding
from paribus.record import Record
from paribus.report._compared import LISTED, SAID, ends, named
from paribus.report._parts import (
    Cell,
    Chart,
    Column,
    Mark,
    Paragraph,
    Part,
    Section,
    Statement,
    Statements,
    Table,
)
from paribus.report._wording import sentence
from paribus.roles import CROSS

MOST_GROUPS = 60
"""Groups of an attribute whose rates are shown; of more, those that change most."""

MOST_CROSSED = 24
"""The same, of crossed groups."""

MOST_TABLES = 24
"""Candidates whose rates are shown; the JSON record has all."""

_DRAWN = 12
"""Groups that a chart draws."""

_CHARTS = 4
"""Attributes that are drawn; the table has all."""

_LEADS: dict[Concern, str] = {
    "levels down": "Leveling down",
    "unseen people": "Unseen people",
    "crossed groups": "Crossed groups",
    "calibration": "Calibration",
    "attribute": "Attribute needed",
}
_USELESS = "No use proven"
_OTHER = "Another gap"

NEEDED = _LEADS["attribute"].lower()
"""How the warning is called that an attribute must be known."""


def who_pays(compared: Comparison, ranked: Sequence[Candidate]) -> Iterator[Section]:
    """Show the favorable rate of each group before and after, of each candidate."""
    shown = [each for each in ranked if each.name != AS_IT_IS and each.usable and each.rates]
    if not shown:
        return
    chosen = _chosen(compared, shown)
    parts: list[Part] = [] if chosen is None else list(_charts(chosen))
    first = [] if chosen is None else [chosen]
    told = [*first, *(each for each in shown if each is not chosen)][:MOST_TABLES]
    for each in told:
        table, left = _rates(each, folded=each is not chosen)
        parts.append(table)
        if left and each is chosen:
            parts.append(Paragraph(left))
    if len(told) < len(shown):
        rest = count(len(shown) - len(told), "more candidate")
        parts.append(Paragraph(f"The rates of {rest} are in the JSON record."))
    intro = [
        "A gap closes because those behind catch up, or because those ahead fall back: only the "
        "rates of each group tell. Before is the model as it is; both were asked about the same "
        "people, on whom neither was fitted."
    ]
    if chosen is not None:
        intro.append(
            f"{_which(chosen, compared)} In the charts the upright mark is the rate before and the "
            "dot the rate after, with the interval of the change: where it keeps clear of the "
            "mark, the change is proven. These intervals hold together for all groups of all "
            "candidates."
        )
    yield Section(
        "Who gains and who pays",
        tuple(map(Paragraph, intro)),
        tuple(parts),
        brief=_brief_rates(chosen),
    )


def _chosen(compared: Comparison, shown: Sequence[Candidate]) -> Candidate | None:
    """Find whose rates to show first: the recommended, else the smallest gap on the front."""
    if compared.recommended:
        return next((each for each in shown if each.name == compared.recommended), None)
    front = [each for each in shown if each.front] or list(shown)
    return min(front, key=lambda each: abs(each.gap.estimate) if each.gap else sys.float_info.max)


def _which(chosen: Candidate, compared: Comparison) -> str:
    if chosen.name == compared.recommended:
        return f"First comes {name(chosen.name)}, which is recommended."
    front = " on the front" if chosen.front else ""
    return (
        f"None is recommended; first comes {name(chosen.name)}, which leaves the smallest "
        f"gap{front}."
    )


def _charts(chosen: Candidate) -> Iterator[Chart]:
    for attribute, rates in list(_families(chosen.rates).items())[:_CHARTS]:
        kept = _most_changed(rates, _DRAWN)
        cut = f" (the {len(kept)} of {len(rates):,} that change most)"
        title = f"Favorable rates by {name(attribute)}, with {name(chosen.name)}"
        title += cut if len(kept) < len(rates) else ""
        told = "; ".join(
            f"{name(rate.group)}: {percent(rate.before)} before, {percent(rate.after)} after"
            for rate in kept[:8]
        )
        more = f"; and {len(kept) - 8} more" if len(kept) > 8 else ""
        yield Chart(
            kind="rates",
            title=title,
            description=f"{title}, beside those of the model as it is. {told}{more}.",
            axis="% of people",
            share=True,
            marks=tuple(map(_mark, kept)),
            reference_label="before: the model as it is",
        )


def _mark(rate: GroupRate) -> Mark:
    """Lay the interval of the change from the rate before: it meets it where it may be none."""
    return Mark(
        label=name(rate.group),
        estimate=rate.after,
        low=min(max(rate.before + rate.change.low, 0.0), 1.0),
        high=min(max(rate.before + rate.change.high, 0.0), 1.0),
        text=f"{percent(rate.before).removesuffix(' %')} → {percent(rate.after)}",
        span=ends(rate.change.low, rate.change.high, points),
        reference=rate.before,
    )


def _families(rates: Sequence[GroupRate]) -> dict[str, list[GroupRate]]:
    found: dict[str, list[GroupRate]] = {}
    for rate in rates:
        found.setdefault(rate.attribute, []).append(rate)
    return found


def _most_changed(rates: Sequence[GroupRate], most: int) -> list[GroupRate]:
    """Of too many, keep those that change most, in the order of their change."""
    if len(rates) <= most:
        return list(rates)
    return sorted(rates, key=lambda rate: -abs(rate.change.estimate))[:most]


def _rates(candidate: Candidate, *, folded: bool) -> tuple[Table, str]:
    """Give the rates as a table, and say what it leaves out."""
    columns = (
        Column("Attribute"),
        Column("Group"),
        Column("Before", numeric=True),
        Column("After", numeric=True),
        Column("Change", numeric=True),
        Column("Interval", numeric=True),
        Column("Proven"),
        Column("People", numeric=True),
    )
    rows, left = [], []
    for attribute, rates in _families(candidate.rates).items():
        kept = _most_changed(rates, MOST_CROSSED if CROSS in attribute else MOST_GROUPS)
        if len(kept) < len(rates):
            most = points(abs(kept[-1].change.estimate)).removeprefix("+")
            left.append(
                f"{count(len(rates) - len(kept), 'more group')} of {name(attribute)} change by at "
                f"most {most}; the JSON record has them."
            )
        rows += [
            (
                Cell(name(attribute)),
                Cell(name(rate.group)),
                Cell(percent(rate.before)),
                Cell(percent(rate.after)),
                Cell(points(rate.change.estimate)),
                Cell(ends(rate.change.low, rate.change.high, points)),
                _proven(rate),
                Cell(f"{rate.people:,}"),
            )
            for rate in kept
        ]
    title = f"Favorable rates with {name(candidate.name)}"
    return Table(title, columns, tuple(rows), folded=folded), " ".join(left)


def _proven(rate: GroupRate) -> Cell:
    if rate.change.low > 0:
        return Cell("rises")
    return Cell("falls", "changed") if rate.change.high < 0 else Cell("no change")


def _brief_rates(candidate: Candidate | None) -> str:
    """Say who gains and who pays where there is room for one line only."""
    if candidate is None:
        return "The HTML report has the rates of each group, with every candidate."
    alone = [rate for rate in candidate.rates if CROSS not in rate.attribute]
    if len(alone) <= LISTED + 1:
        said = ", ".join(
            f"{name(rate.group)} from {percent(rate.before)} to {percent(rate.after)}"
            for rate in alone
        )
        return f"Favorable rates with {name(candidate.name)}: {said}."
    rise = sum(rate.change.low > 0 for rate in alone)
    fall = sum(rate.change.high < 0 for rate in alone)
    return (
        f"With {name(candidate.name)} the favorable rate is proven to rise in {rise:,} and to fall "
        f"in {fall:,} of {len(alone):,} groups."
    )


# --- what people forget ---------------------------------------------------------------------------


def to_know(compared: Comparison, ranked: Sequence[Candidate], record: Record) -> Iterator[Section]:
    """Show the warnings of each candidate, the recommended first, and what was done."""
    usable = [each for each in ranked if each.usable]
    order = sorted(usable, key=lambda e: (e.name != compared.recommended, e.name == AS_IT_IS))
    warned = [(each, _warnings(each, compared, record)) for each in order]
    clear = [each.name for each, told in warned if not told and each.name != AS_IT_IS]
    if not clear and not any(told or _done(each) for each, told in warned):
        return
    found = (
        f"Nothing of the kind was found with {named(clear, MOST_TABLES)}."
        if clear
        else "Each of them comes with a warning."
    )
    parts: list[Part] = [
        Paragraph(found),
        *(_known(each, told, compared) for each, told in warned if told or _done(each)),
    ]
    intro = (
        "A small gap can be bought in ways that no score shows: by making everybody worse off, on "
        "the training rows alone, by moving it to crossed groups, or with an attribute that will "
        "not be known when it is time to decide."
    )
    yield Section(
        "What to know before choosing",
        (Paragraph(intro),),
        tuple(parts),
        brief=_brief_warnings(compared, warned),
    )


def about(candidate: Candidate) -> str:
    """Say what a candidate does."""
    if candidate.name == AS_IT_IS:
        return "Nothing was done to it."
    return shortened(visible(candidate.about), 240)


def concerns(candidate: Candidate, compared: Comparison) -> list[str]:
    """Name what the warnings about a candidate say, each once.

    Returns
    -------
    list of str
        In lower case, in the order of the warnings.
    """
    said = [_LEADS[each.concern] for each in candidate.warnings]
    if candidate.name != AS_IT_IS:
        said += [_OTHER] * bool(_beyond(candidate, compared))
        said += [_USELESS] * (not candidate.informed)
    return [each.lower() for each in dict.fromkeys(said)]


def _known(candidate: Candidate, told: Sequence[Statement], compared: Comparison) -> Statements:
    """Put what is known of a candidate below its name: open only where it is recommended."""
    said = tuple(Statement(text) for text in [_done(candidate)] if text)
    if candidate.name == compared.recommended:
        does = tuple(Statement(text) for text in [about(candidate)] if text)
        return Statements(f"{name(candidate.name)} (recommended)", (*does, *told, *said))
    warned = ", ".join(concerns(candidate, compared)) or "no warning"
    return Statements(f"{name(candidate.name)}: {warned}", (*told, *said), folded=True)


def _warnings(candidate: Candidate, compared: Comparison, record: Record) -> tuple[Statement, ...]:
    said = [
        Statement(
            f"{_LEADS[each.concern]}. {shortened(legible(each.sentence), SAID)}",
            "biased" if each.concern == "crossed groups" else "plain",
        )
        for each in candidate.warnings
    ]
    if candidate.name == AS_IT_IS:
        return tuple(said)
    if beyond := _beyond(candidate, compared):
        said.append(Statement(f"{_OTHER}. {sentence(beyond[0], record)}", "biased"))
    if not candidate.informed:
        useless = "It is not proven to follow the label better than one answer for everybody."
        said.append(Statement(f"{_USELESS}. {useless}", "inconclusive"))
    return tuple(said)


def _beyond(candidate: Candidate, compared: Comparison) -> list[Finding]:
    """Find what is biased about its twins, apart from the gap that is compared."""
    return [
        each
        for each in candidate.findings
        if each.stage == "model" and each.verdict == "biased" and each.unit != compared.gap
    ]


def _done(candidate: Candidate) -> str:
    """Say what was done in numbers, and which options were chosen."""
    told = [shortened(legible(note), SAID) for note in candidate.notes[:10]]
    if candidate.options:
        chosen = ", ".join(
            f"{name(key)} = {name(value, 80)}"
            for key, value in list(candidate.options.items())[:10]
        )
        told.append(f"Options: {chosen}.")
    return " ".join(told)


def _brief_warnings(
    compared: Comparison, warned: Sequence[tuple[Candidate, tuple[Statement, ...]]]
) -> str:
    said = []
    for each, told in warned:
        if compared.recommended not in ("", AS_IT_IS) and each.name == compared.recommended:
            words = " ".join(item.text for item in told) or "no warning."
            said.append(f"{name(each.name)}: {words}")
    known = {compared.recommended, AS_IT_IS}
    others = [each.name for each, told in warned if told and each.name not in known]
    if others:
        said.append(f"There are warnings about {named(others, 6)}; the HTML report says them.")
    return " ".join(said) or "No candidate comes with a warning."
