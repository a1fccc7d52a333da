"""Local Law 144 of New York City: the tables of a bias audit of a hiring tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from paribus.roles import CROSS
from paribus.studies._categories import Attribute, Counted
from paribus.studies._tables import (
    LEGAL,
    Category,
    CategoryTable,
    Disclosure,
    RateOf,
    left_out,
    people,
    short,
    small_ones,
)

TITLE = "Tables for a bias audit under New York City Local Law 144"

CITATIONS = (
    "Local Law 144 of 2021, New York City Administrative Code § 20-870 to § 20-874",
    "Rules of the City of New York, title 6, § 5-300 to § 5-304, adopted in April 2023 "
    "(6 RCNY): definitions § 5-300, bias audit § 5-301, data § 5-302, published results § 5-303",
)

_PARTS = {"selection": ("§ 5-301(b)", "(3)"), "scoring": ("§ 5-301(c)", "(4)")}
_FAVORED = {"selection": "was selected", "scoring": "scored above the median"}

_LINE = (
    "Neither the law nor the rules set a line below which an impact ratio is bad. The line at four "
    "fifths in the charts is a rule of thumb of federal agencies (29 CFR § 1607.4(D))."
)
_AUDITOR = (
    "A bias audit is done by an independent auditor (Administrative Code § 20-870; 6 RCNY "
    "§ 5-300). These tables are the numbers that § 5-301 asks for at a minimum. They are not that "
    "audit, which must be no more than a year old when the tool is used (§ 5-301(a))."
)
_GROUPS = (
    "Where a tool sorts people into several groups, § 5-301(b)(4) asks for these tables for each "
    "group: take each group for the selected one in turn."
)
_CATEGORIES = (
    "The categories are those in the data. The rules mean the categories of the EEO-1 report "
    "(§ 5-300), which are what the data must hold or be mapped to."
)
_SCORING = (
    "The scoring rate of a category is its share of scores above the median of all scores, "
    "those of people of unknown category included; a score that equals the median is not above it "
    "(§ 5-300, § 5-301(c)(1))."
)
_HISTORICAL = "§ 5-302(a) asks for historical data: of how the tool was really used."


def table(
    counted: Counted,
    attributes: Sequence[Attribute],
    rate_of: RateOf,
    *,
    exclude_small: bool,
    justification: str,
) -> CategoryTable:
    """Lay out one of the tables of § 5-301(b) or (c)."""
    small = counted.small
    everybody = np.ones(len(small), bool)
    benchmark = counted.highest(~small if exclude_small else everybody)
    other = None
    if benchmark is not None and small[benchmark]:
        other = counted.highest(~small)
    rows = []
    for i, category in enumerate(counted.names):
        people = int(counted.people[i])
        without = counted.ratio(i, other) if other is not None and not small[i] else None
        rows.append(
            Category(
                name=category,
                people=people,
                favored=int(counted.favored[i]),
                rate=float(counted.rate[i]) if people else None,
                impact_ratio=None if exclude_small and small[i] else counted.ratio(i, benchmark),
                small=bool(small[i]),
                impact_ratio_without_small=without,
            )
        )
    attribute = CROSS.join(each.title for each in attributes)
    part, separately = _PARTS[rate_of]
    made = CategoryTable(
        title=f"{rate_of.capitalize()} rate by {attribute}",
        rate_of=rate_of,
        attribute=attribute,
        section=f"6 RCNY {part}{separately}{_item(attributes)}",
        categories=tuple(rows),
        benchmark=None if benchmark is None else counted.names[benchmark],
        unknown=counted.unknown,
        unrated=counted.unrated,
    )
    other_name = None if other is None else counted.names[other]
    notes = tuple(_notes(made, exclude_small, justification, other_name))
    return made.model_copy(update={"notes": notes})


def is_sex(title: str) -> bool:
    """Tell the attribute of § 5-301(b)(3)(i) by its title."""
    return title.casefold() in {"sex", "gender"}


def is_race(title: str) -> bool:
    """Tell the attribute of § 5-301(b)(3)(ii) by its title."""
    return any(word in title.casefold() for word in ("race", "racial", "ethnic"))


def _item(attributes: Sequence[Attribute]) -> str:
    if len(attributes) > 1:
        return "(iii)"
    title = attributes[0].title
    return "(i)" if is_sex(title) else "(ii)" if is_race(title) else ""


def _notes(
    made: CategoryTable, exclude_small: bool, justification: str, other: str | None
) -> Iterator[str]:
    yield from left_out(made)
    if not any(category.favored for category in made.categories) and made.people:
        yield (
            f"Nobody {_FAVORED[made.rate_of]}, so all rates are 0. Their impact ratios are written "
            "as 1, since no category fares worse than another; they say nothing."
        )
    small = small_ones(made)
    if not small:
        return
    if exclude_small:
        why = justification.rstrip(".") or "not given, though the summary must give it"
        yield (
            f"{small} They are left out of the impact ratios, as § 5-301(d) lets an independent "
            f"auditor do; their numbers and rates stay. Justification: {why}."
        )
        return
    yield (
        f"{small} § 5-301(d) lets an independent auditor leave them out of the impact ratios; here "
        "they are in."
    )
    if other is not None:
        yield (
            f"The highest rate is that of {short(made.benchmark)}, one of these small categories. "
            f"The ratio without small categories compares with {short(other)} instead, which has "
            "the highest rate of all others."
        )


def disclosure(
    tables: Sequence[CategoryTable],
    attributes: Sequence[Attribute],
    rows: int,
    median: float | None,
    *,
    name: str,
    facts: Mapping[str, str],
    synthetic: bool,
) -> Disclosure:
    """Put the tables together with what § 5-303 asks to publish beside them."""
    kinds = list(dict.fromkeys(table.rate_of for table in tables))
    rates = ", ".join(f"{kind} rates" for kind in kinds)
    # The last table of a kind is about all attributes at once.
    unknown = {kind: [t for t in tables if t.rate_of == kind][-1].unknown for kind in kinds}
    required = {
        "Date of the bias audit": facts["audited_on"],
        "Source and explanation of the data": facts["source_of_data"],
        "Distribution date of the tool": facts["distributed_on"],
    }
    if synthetic or facts["test_data"]:
        required["Why test data, and how they were obtained"] = facts["test_data"]
    shown = {"Tool": facts["tool"], **required}
    notes = [_AUDITOR, _CATEGORIES, *([_SCORING] if "scoring" in kinds else []), _LINE]
    notes += [_GROUPS] if "selection" in kinds else []
    notes += [*_absent(attributes), _HISTORICAL] if not synthetic else _absent(attributes)
    return Disclosure(
        rule="nyc-144",
        title=name or TITLE,
        sentence=f"{rates.capitalize()} and impact ratios of {people(rows)}, as the rules on "
        "automated employment decision tools in New York City ask to publish them.",
        people=rows,
        facts=tuple((key, value) for key, value in shown.items() if value),
        missing=tuple(key for key, value in required.items() if not value),
        tables=tuple(tables),
        median=median,
        synthetic=synthetic,
        remarks=(
            LEGAL,
            *_unknown(unknown, attributes),
            *(_synthetic(facts["test_data"]) if synthetic else ()),
        ),
        notes=tuple(notes),
        citations=CITATIONS,
    )


def _unknown(unknown: Mapping[RateOf, int], attributes: Sequence[Attribute]) -> Iterator[str]:
    """State what § 5-303(a)(1) asks for, once where it is the same for both kinds of rates."""
    known = " or ".join(attribute.title for attribute in attributes)
    same = len(set(unknown.values())) == 1
    for kind, n in unknown.items():
        rated = "" if same else " with a decision" if kind == "selection" else " with a score"
        who = "Nobody" if n == 0 else people(n)
        verb = "has" if n < 2 else "have"
        yield f"{who}{rated} {verb} an unknown {known} category (§ 5-303(a)(1))."
        if same:
            return


def _synthetic(explained: str) -> Iterator[str]:
    yield (
        "These people are synthetic. § 5-302 asks for historical data, and allows test data only "
        "where there are too few historical data for a statistically significant bias audit; the "
        "summary must then explain why historical data were not used and how the test data were "
        f"generated and obtained{'' if explained else ', which is not given here'}."
    )


def _absent(attributes: Sequence[Attribute]) -> list[str]:
    if len(attributes) > 1:
        return []
    title = attributes[0].title
    other = "race/ethnicity" if is_sex(title) else "sex" if is_race(title) else "the other one"
    return [
        "§ 5-301(b)(3) and (c)(4) ask for tables by sex, by race/ethnicity and by both crossed. "
        f"These are by {title} alone; name {other} too."
    ]
