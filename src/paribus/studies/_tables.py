"""A disclosure as data: its tables, what is said of them, and what they are written as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from paribus._plugins import Declaration
from paribus._text import name, visible
from paribus.roles import CROSS
from paribus.studies._document import Document

Rule = Literal["nyc-144", "eeoc-four-fifths"]

RateOf = Literal["selection", "scoring"]
"""Whether favored people were selected, or scored above the median."""

LEGAL = "This is not legal advice."


class Category(Declaration):
    """One row of a table: the people of one category."""

    name: str
    people: int
    """People of the category who have a decision (or a score)."""
    favored: int
    """Of them, those selected (or scored above the median)."""
    rate: float | None
    """`favored` / `people`, in [0, 1]; None where there are none."""
    impact_ratio: float | None
    """`rate` / rate of the benchmark, unrounded; None where it is left out, or has no rate."""
    small: bool
    """Whether the category is less than 2 % of the people in the table."""
    impact_ratio_without_small: float | None = None
    """Where the benchmark is small: against the highest rate of a category that is not."""
    low: float | None = None
    """Lower end of the interval of the impact ratio."""
    high: float | None = None
    """Upper end; the largest float where there is none."""
    below_four_fifths: bool | None = None
    """Whether the impact ratio is below 4/5, from whole numbers: exactly 4/5 is not."""
    fisher_p: float | None = None
    """Fisher's exact p-value that the rate is the same as that of the benchmark."""
    holm_p: float | None = None
    """The same, adjusted (Holm) for the number of comparisons in the table."""
    standard_deviations: float | None = None
    """Difference of the rates in standard deviations; negative where the benchmark is higher."""
    one_person: Literal["changes the order", "reaches four fifths", "changes nothing"] | None = None
    """Below four fifths: what it does to select one person of it in place of one of the benchmark.
    """


class CategoryTable(Declaration):
    """One table: the categories of one attribute, or of two that are crossed."""

    title: str
    rate_of: RateOf
    attribute: str
    section: str
    """What asks for it."""
    categories: tuple[Category, ...]
    benchmark: str | None
    """The category whose rate the others are divided by; None where nobody was rated."""
    unknown: int
    """People with a decision (or a score) whose category is unknown; they are in no number."""
    unrated: int
    """People without a decision (or a score); they are in no number."""
    notes: tuple[str, ...] = ()

    @property
    def people(self) -> int:
        """People in the table."""
        return sum(category.people for category in self.categories)


class Disclosure(Document):
    """The tables that a rule asks for: what was decided about whom, and no verdict.

    Every row of the data is in each table once: as one of its `people`, of its `unknown` or of its
    `unrated`.

    Its formats are html, csv, json and terminal; of a file, ``.html``, ``.csv``, ``.json`` and
    ``.txt``.
    """

    _sort = "a disclosure"
    _formats = ("html", "csv", "json", "terminal")
    _page = "paribus.studies._disclosure_page"
    _columns: ClassVar[dict[str, str]] = {
        "rule": "string", "section": "string", "rate_of": "string", "attribute": "string",
        "row": "string", "category": "string", "people": "int64", "favored": "int64",
        "rate": "float64", "benchmark": "bool", "impact_ratio": "float64", "small": "bool",
        "impact_ratio_without_small": "float64", "low": "float64", "high": "float64",
        "below_four_fifths": "bool", "fisher_p": "float64", "holm_p": "float64",
        "standard_deviations": "float64", "one_person": "string",
    }  # fmt: skip

    rule: Rule
    title: str
    sentence: str
    """What is shown, in one sentence."""
    people: int
    """Rows of the data."""
    facts: tuple[tuple[str, str], ...] = ()
    """What the published summary says besides the tables."""
    missing: tuple[str, ...] = ()
    """What the published summary must say and nobody has given."""
    tables: tuple[CategoryTable, ...]
    median: float | None = None
    """Median score of everybody, those of unknown category included."""
    confidence: float | None = None
    """Of the intervals, if there are any."""
    synthetic: bool = False
    remarks: tuple[str, ...] = ()
    """What a reader must know together with the tables."""
    notes: tuple[str, ...]
    citations: tuple[str, ...]

    def _rows(self) -> Iterator[dict[str, Any]]:
        for table in self.tables:
            yield from _rows(self.rule, table)


# --- words that all rules share -------------------------------------------------------------------


def people(n: int) -> str:
    """Count people."""
    return f"{n:,} {'person' if n == 1 else 'people'}"


def short(text: str | None) -> str:
    """Write the name of a category inside a sentence."""
    return name("" if text is None else text, 80)


def left_out(table: CategoryTable) -> Iterator[str]:
    """Say who is in no number of a table, and where there is nothing to compare."""
    known = " or ".join(table.attribute.split(CROSS))
    if table.unknown:
        verbs = ("has", "is") if table.unknown == 1 else ("have", "are")
        yield (
            f"{people(table.unknown)} {verbs[0]} an unknown {visible(known)} category, and "
            f"{verbs[1]} in no number of this table."
        )
    if table.unrated:
        verb = "is" if table.unrated == 1 else "are"
        rated = "decision" if table.rate_of == "selection" else "score"
        yield f"{people(table.unrated)} without a {rated} {verb} in no number of this table."
    if not table.categories:
        yield f"Nobody's {visible(known)} is known, so there is nothing to show."
    elif sum(category.people > 0 for category in table.categories) == 1:
        yield "There is one category only, so there is nothing to compare."


def small_ones(table: CategoryTable) -> str:
    """Name the categories that are less than 2 % of a table; empty where there are none."""
    small = [short(category.name) for category in table.categories if category.small]
    if not small:
        return ""
    return f"Less than 2 % of the {people(table.people)} in this table each: {', '.join(small)}."


# --- as a file ------------------------------------------------------------------------------------


def _rows(rule: str, table: CategoryTable) -> Iterator[dict[str, Any]]:
    """List the categories, and then those who are in none of them."""
    shared = {
        "rule": rule,
        "section": table.section,
        "rate_of": table.rate_of,
        "attribute": table.attribute,
    }
    for category in table.categories:
        own = category.model_dump()
        own["category"] = own.pop("name")
        yield {**shared, "row": "category", "benchmark": category.name == table.benchmark, **own}
    rated = "decision" if table.rate_of == "selection" else "score"
    yield {**shared, "row": "unknown category", "people": table.unknown}
    yield {**shared, "row": f"without {rated}", "people": table.unrated}
