"""The four-fifths rule of the Uniform Guidelines, with the statistics that stand beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from paribus.errors import SpecError, nearest
from paribus.stats.independent import fisher, ratio_interval, standard_deviations
from paribus.stats.multiplicity import holm
from paribus.studies._categories import Attribute, Counted
from paribus.studies._tables import (
    LEGAL,
    Category,
    CategoryTable,
    Disclosure,
    left_out,
    people,
    short,
    small_ones,
)

TITLE = "Selection rates under the four-fifths rule"

CITATIONS = (
    "Uniform Guidelines on Employee Selection Procedures (1978), 29 CFR § 1607.4(D): adverse "
    "impact and the four-fifths rule; § 1607.15(A): records",
    "Questions and Answers on the Uniform Guidelines (1979), 44 Federal Register 11996, "
    "question 21: small numbers",
    "Castaneda v. Partida, 430 U.S. 482, 496 note 17 (1977), and Hazelwood School District v. "
    "United States, 433 U.S. 299, 308 note 14 (1977): standard deviations",
    "Fisher (1935), Journal of the Royal Statistical Society 98, 39-82; Holm (1979), Scandinavian "
    "Journal of Statistics 6, 65-70; Donner and Zou (2012), Statistical Methods in Medical "
    "Research 21, 347-359 (intervals of ratios)",
)

_RULE = (
    "A selection rate below four fifths of the highest will generally be regarded by the federal "
    "enforcement agencies as evidence of adverse impact, and a higher one generally not. Smaller "
    "differences may be adverse impact where they are significant in both statistical and "
    "practical terms; greater ones may not be where they rest on small numbers and are not "
    "statistically significant (§ 1607.4(D)). The mark is a rule of thumb, and no verdict."
)
_ONE_PERSON = (
    "One different person: of a category below four fifths, what would follow if one of its people "
    "had been selected in place of one of the category it is compared with. Question 21 "
    "calls it generally inappropriate to act where the selection of one different person would "
    "give the category the higher rate, unless a lower rate goes on over time."
)
_DEVIATIONS = (
    "Standard deviations are those of the difference of two rates around their pooled rate. The "
    "Supreme Court spoke of more than two or three as suspect (Castaneda; Hazelwood). With few "
    "people Fisher's exact p-value is the one to read."
)
_HOLM = (
    "Each p-value is of one comparison; beside it stands the same adjusted (Holm) for all "
    "comparisons in its table. Neither knows that the category with the highest rate was found in "
    "these same data: of several alike, one is highest by chance, and ratios to it lie below 1."
)
_SMALL = (
    "The Guidelines ask small employers for records of groups of more than 2 % of the labor force "
    "in the relevant labor area (§ 1607.15(A)(1)). Categories below 2 % of the people in a table "
    "are named here as a warning: the labor force is not in the data."
)
_SYNTHETIC = "These people are synthetic: the numbers are about a tool, and about no applicant."


def table(
    counted: Counted,
    attribute: Attribute,
    *,
    reference: Any,
    exclude_small: bool,
    confidence: float,
) -> CategoryTable:
    """Lay out the selection rates of one attribute, each against the highest."""
    small = counted.small
    everybody = np.ones(len(small), bool)
    benchmark = counted.highest(~small if exclude_small else everybody)
    if reference is not None and counted.names:
        benchmark = _named(attribute, str(reference), counted.names)
    other = None
    if reference is None and benchmark is not None and small[benchmark]:
        other = counted.highest(~small)
    compared = [
        i
        for i in range(len(counted.names))
        if counted.people[i] and i != benchmark and not (exclude_small and small[i])
    ]
    statistics = _statistics(counted, compared, benchmark, confidence)
    rows = []
    for i, category in enumerate(counted.names):
        own: dict[str, Any] = statistics.get(i, {})
        if counted.people[i] and i == benchmark:
            own = {"impact_ratio": 1.0}
        if other is not None and not small[i]:
            own = {**own, "impact_ratio_without_small": counted.ratio(i, other)}
        rows.append(
            Category(
                name=category,
                people=int(counted.people[i]),
                favored=int(counted.favored[i]),
                rate=float(counted.rate[i]) if counted.people[i] else None,
                small=bool(small[i]),
                **{"impact_ratio": None, **own},
            )
        )
    made = CategoryTable(
        title=f"Selection rate by {attribute.title}",
        rate_of="selection",
        attribute=attribute.title,
        section="29 CFR § 1607.4(D)",
        categories=tuple(rows),
        benchmark=None if benchmark is None else counted.names[benchmark],
        unknown=counted.unknown,
        unrated=counted.unrated,
    )
    other_name = None if other is None else counted.names[other]
    notes = tuple(_notes(made, exclude_small, reference is not None, other_name))
    return made.model_copy(update={"notes": notes})


def _named(attribute: Attribute, wanted: str, names: Sequence[str]) -> int:
    if wanted not in names:
        raise SpecError(
            f'nobody has the {attribute.title} "{wanted}"{nearest(wanted, names)}',
            path=f"$.reference.{attribute.title}",
        )
    return names.index(wanted)


def _statistics(
    counted: Counted, compared: Sequence[int], benchmark: int | None, confidence: float
) -> dict[int, dict[str, Any]]:
    if benchmark is None or not counted.people[benchmark] or not compared:
        return {}
    places = np.array(compared, np.intp)
    k, n = counted.favored[places], counted.people[places]
    best, all_best = int(counted.favored[benchmark]), int(counted.people[benchmark])
    low, high = ratio_interval(k, n, best, all_best, confidence)
    p = np.atleast_1d(fisher(k, n, best, all_best))
    adjusted = holm(p)
    deviations = standard_deviations(k, n, best, all_best)
    out = {}
    for at, i in enumerate(compared):
        ratio = counted.ratio(i, benchmark)
        some, every = int(k[at]), int(n[at])
        below = ratio is not None and 5 * some * all_best < 4 * best * every
        out[i] = {
            "impact_ratio": ratio,
            "low": float(low[at]) if ratio is None else min(float(low[at]), ratio),
            "high": float(high[at]) if ratio is None else max(float(high[at]), ratio),
            "below_four_fifths": below,
            "fisher_p": float(p[at]),
            "holm_p": float(adjusted[at]),
            "standard_deviations": float(deviations[at]),
            "one_person": _one_person(some, every, best, all_best) if below else None,
        }
    return out


def _one_person(some: int, every: int, best: int, all_best: int) -> str:
    """Select one person of the category in place of one of the benchmark (question 21)."""
    some, best = some + 1, best - 1
    if some * all_best > best * every:
        return "changes the order"
    if 5 * some * all_best >= 4 * best * every:
        return "reaches four fifths"
    return "changes nothing"


def _notes(
    made: CategoryTable, exclude_small: bool, referred: bool, other: str | None
) -> Iterator[str]:
    yield from left_out(made)
    if made.people and not any(category.favored for category in made.categories):
        yield (
            "Nobody was selected, so all rates are 0. Their impact ratios are written as 1, since "
            "no category fares worse than another; they say nothing."
        )
    if referred and made.benchmark is not None:
        yield (
            f"Compared with {short(made.benchmark)}, as was asked; § 1607.4(D) compares with the "
            "category that has the highest rate."
        )
    small = small_ones(made)
    if small:
        yield f"{small} They are {'not compared' if exclude_small else 'compared all the same'}."
    if other is not None:
        yield (
            f"The highest rate is that of {short(made.benchmark)}, one of these small categories; "
            f"the ratio without small ones compares with {short(other)} instead."
        )
    turned = [short(c.name) for c in made.categories if c.one_person == "changes the order"]
    if turned:
        yield (
            f"Below four fifths, but one different person would turn the order: "
            f"{', '.join(turned)} (question 21)."
        )


def disclosure(
    tables: Sequence[CategoryTable],
    rows: int,
    *,
    name: str,
    facts: Mapping[str, str],
    synthetic: bool,
    confidence: float,
) -> Disclosure:
    """Put the tables together with what the Guidelines say about reading them."""
    shown = {
        "Date": facts["audited_on"],
        "Source and explanation of the data": facts["source_of_data"],
        "Tool": facts["tool"],
        "In use since": facts["distributed_on"],
    }
    small = any(category.small for table in tables for category in table.categories)
    return Disclosure(
        rule="eeoc-four-fifths",
        title=name or TITLE,
        sentence=f"Selection rates of {people(rows)}, each held against four fifths of the "
        "highest, with the statistics that stand beside the rule.",
        people=rows,
        facts=tuple((key, value) for key, value in shown.items() if value),
        tables=tuple(tables),
        confidence=confidence,
        synthetic=synthetic,
        remarks=(LEGAL, *([_SYNTHETIC] if synthetic else [])),
        notes=(_RULE, _ONE_PERSON, _DEVIATIONS, _HOLM, *([_SMALL] if small else [])),
        citations=CITATIONS,
    )
