"""Disclosure tables: what rules ask to be shown of what was decided, and no verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, get_args

from paribus.counting import Binned, Source, Tally
from paribus.counting.codes import scalar
from paribus.errors import SpecError, nearest
from paribus.measuring import looks_synthetic
from paribus.observed import Observed
from paribus.roles import Roles
from paribus.studies import _eeoc, _nyc144
from paribus.studies._categories import Attribute, Counted
from paribus.studies._median import above, at_least, middle
from paribus.studies._tables import Category, CategoryTable, Disclosure, RateOf, Rule

__all__ = ["Category", "CategoryTable", "Disclosure", "Rule", "disclose"]


def disclose(
    data: Any,
    rule: Rule,
    *,
    by: str | Sequence[str] | Mapping[str, str],
    decision: str | None = None,
    score: str | None = None,
    favorable: Any = None,
    threshold: float | None = None,
    categories: Mapping[str, Mapping[Any, str | None]] | None = None,
    exclude_small: bool = False,
    justification: str = "",
    reference: Mapping[str, Any] | None = None,
    weight: str | None = None,
    confidence: float = 0.95,
    synthetic: bool = False,
    name: str = "",
    audited_on: str = "",
    source_of_data: str = "",
    tool: str = "",
    distributed_on: str = "",
    test_data: str = "",
) -> Disclosure:
    """Make the tables that a rule asks for. This is not legal advice.

    Parameters
    ----------
    data : data frame or path
        As for `metrics`: counted where it lives, one row for each person.
    rule : {"nyc-144", "eeoc-four-fifths"}
        New York City's Local Law 144 of 2021 with 6 RCNY § 5-300 to § 5-304, or 29 CFR
        § 1607.4(D) of the Uniform Guidelines (1978).
    by : str, sequence of str, or mapping of str to str
        Columns with the categories of people; a mapping gives what each is called in the tables:
        ``{"sex": "Gender", "race/ethnicity": "EEO_code"}``. One or two for ``nyc-144``, which
        crosses two; any number for ``eeoc-four-fifths``, each alone.
    decision : str, optional
        Column of who was selected. Without it, `score` and `threshold` may say it.
    score : str, optional
        Column of a score; higher is better. For ``nyc-144`` it gives scoring rates.
    favorable : label or sequence of labels, optional
        Which decision selects; 1 or true by itself.
    threshold : float, optional
        Where there is no decision: the score from which on a person is selected.
    categories : mapping, optional
        What an attribute is called (or its column) -> value in the data -> category. None (or "")
        says that the category is unknown. Values that are not named stay as they are, but missing
        values and words such as "Prefer not to say" are unknown. Order is kept.
    exclude_small : bool
        Whether categories of less than 2 % are left out of the impact ratios (§ 5-301(d)).
    justification : str
        Why, which the summary must then give.
    reference : mapping, optional
        For ``eeoc-four-fifths``: attribute -> the category to compare with, in place of the one
        with the highest rate.
    weight : str, optional
        Refused: both rules count people.
    confidence : float
        Of the intervals of ``eeoc-four-fifths``, in (0.5, 1).
    synthetic : bool
        Whether the people were drawn; told by itself of what ``paribus twins`` wrote.
    name : str
        Title of the page.
    audited_on, source_of_data, tool, distributed_on, test_data : str
        What § 5-303(a) and § 5-302(b) ask to publish beside the tables: the date of the bias
        audit, the source and explanation of the data, which tool, since when it is used, and why
        test data were used and how they were obtained. What is not given is named as missing.

    Returns
    -------
    Disclosure
        ``disclosure.tables``, ``print(disclosure)``, ``disclosure.save("page.html")``.

    Raises
    ------
    ParibusError
        One sentence that says what is wrong with the request, and where.

    Examples
    --------
    Sex categories of the first example in 6 RCNY § 5-301:

    >>> import pandas as pd
    >>> people = pd.DataFrame({
    ...     "sex": ["Male"] * 1390 + ["Female"] * 1181,
    ...     "selected": [1] * 667 + [0] * 723 + [1] * 555 + [0] * 626,
    ... })
    >>> made = disclose(people, "nyc-144", by="sex", decision="selected")
    >>> [(c.name, c.favored, round(c.impact_ratio, 3)) for c in made.tables[0].categories]
    [('Female', 555, 0.979), ('Male', 667, 1.0)]
    """
    if rule not in get_args(Rule):
        raise SpecError(
            f'"{rule}" is none of the rules{nearest(rule, get_args(Rule))}', path="$.rule"
        )
    if weight is not None:
        raise SpecError(
            "leave it out: the rule counts people, and not what a row weighs", path="$.weight"
        )
    if not 0.5 < confidence < 1:
        raise SpecError(f"must be above 0.5 and below 1, not {confidence:g}", path="$.confidence")
    attributes = _attributes(by, categories or {})
    _fits(rule, attributes, decision, score, threshold, reference)
    roles = Roles(
        by=tuple(attribute.column for attribute in attributes),
        decision=decision,
        score=score,
        favorable=tuple(favorable) if isinstance(favorable, list | set) else favorable,
    )
    source = Source.of(data)
    asked = _Asked(Observed.of(source, roles), attributes, threshold)
    drawn = synthetic or looks_synthetic(source)
    facts = {
        "audited_on": audited_on,
        "source_of_data": source_of_data,
        "tool": tool,
        "distributed_on": distributed_on,
        "test_data": test_data,
    }
    if rule == "nyc-144":
        made = _new_york(asked, exclude_small, justification, name, facts, drawn)
    else:
        wanted = _referred(reference or {}, attributes)
        tally, good = asked.selected()
        tables = [
            _eeoc.table(
                Counted.of(tally, [attribute], good), attribute,
                reference=wanted.get(attribute.title), exclude_small=exclude_small,
                confidence=confidence,
            )
            for attribute in attributes
        ]  # fmt: skip
        made = _eeoc.disclosure(
            tables, len(source),
            name=name, facts=facts, synthetic=drawn, confidence=confidence,
        )  # fmt: skip
    return made.model_copy(update={"notes": (*made.notes, *asked.taken_for_unknown())})


def _new_york(
    asked: _Asked,
    exclude_small: bool,
    justification: str,
    name: str,
    facts: dict[str, str],
    synthetic: bool,
) -> Disclosure:
    attributes = asked.attributes
    alone = [[attribute] for attribute in attributes]
    together = [*alone, list(attributes)] if len(attributes) > 1 else alone
    counts: list[tuple[RateOf, Tally, Sequence[int]]] = []
    if asked.selects:
        counts.append(("selection", *asked.selected()))
    median = None
    if asked.observed.roles.score is not None:
        tally, good, median = asked.scored()
        counts.append(("scoring", tally, good))
    tables = [
        _nyc144.table(
            Counted.of(tally, some, good), some, rate_of,
            exclude_small=exclude_small, justification=justification,
        )
        for rate_of, tally, good in counts
        for some in together
    ]  # fmt: skip
    return _nyc144.disclosure(
        tables, attributes, len(asked.observed.source), median,
        name=name, facts=facts, synthetic=synthetic,
    )  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    """What is counted of a table."""

    observed: Observed
    attributes: Sequence[Attribute]
    threshold: float | None

    @property
    def selects(self) -> bool:
        """Whether anybody says who was selected."""
        return self.observed.roles.decision is not None or self.threshold is not None

    def selected(self) -> tuple[Tally, Sequence[int]]:
        """Count the decisions; give which of them select."""
        decision, score = self.observed.roles.decision, self.observed.roles.score
        if decision is not None:
            tally = self._by(decision)
            return tally, self.observed.favorable(tally.levels[-1], "decision")
        assert score is not None
        assert self.threshold is not None
        return _upper(self._by(at_least(score, self.threshold)))

    def scored(self) -> tuple[Tally, Sequence[int], float]:
        """Count the scores above the median of all of them; give the median."""
        score = self.observed.roles.score
        assert score is not None
        lower, upper = middle(self.observed.source, score)
        # Halves, since the sum of two large scores may be too large for a float.
        median = lower if lower == upper else lower / 2 + upper / 2
        return *_upper(self._by(above(score, lower))), median

    def _by(self, outcome: str | Binned) -> Tally:
        return self.observed.source.tally([*self.observed.roles.by, outcome])

    def taken_for_unknown(self) -> list[str]:
        """Say which values count as unknown without anybody having said so."""
        said = []
        for attribute in self.attributes:
            levels = self.observed.source.tally([attribute.column]).levels[0]
            words = attribute.taken_for_unknown(levels)
            if words:
                listed = ", ".join(f'"{word}"' for word in words)
                said.append(f"Counted as an unknown {attribute.title} category: {listed}.")
        return said


def _upper(tally: Tally) -> tuple[Tally, Sequence[int]]:
    return tally, [i for i, level in enumerate(tally.levels[-1]) if level == 1]


# --- what was asked -------------------------------------------------------------------------------


def _attributes(
    by: str | Sequence[str] | Mapping[str, str],
    categories: Mapping[str, Mapping[Any, str | None]],
) -> list[Attribute]:
    columns = [by] if isinstance(by, str) else by
    named = dict(columns) if isinstance(columns, Mapping) else {each: each for each in columns}
    unused = set(categories) - set(named) - set(named.values())
    if unused:
        odd = min(unused)
        raise SpecError(
            f'"{odd}" is none of the attributes{nearest(odd, named)}', path="$.categories"
        )
    found = []
    for title, column in named.items():
        renamed = categories.get(title, categories.get(column, {}))
        texts = {str(scalar(value)): category or None for value, category in renamed.items()}
        found.append(Attribute(title, column, texts))
    return found


def _fits(
    rule: Rule,
    attributes: Sequence[Attribute],
    decision: str | None,
    score: str | None,
    threshold: float | None,
    reference: Mapping[str, Any] | None,
) -> None:
    """Refuse what the rule has no place for."""
    if threshold is not None and (score is None or decision is not None):
        raise SpecError("goes with a score, where there is no decision", path="$.threshold")
    if threshold is not None and not isfinite(threshold):
        raise SpecError(f"must be a finite number, not {threshold}", path="$.threshold")
    if rule == "nyc-144":
        if len(attributes) > 2:
            raise SpecError(
                "name one or two columns, for sex and for race/ethnicity: the rule knows no others",
                path="$.by",
            )
        if decision is None and score is None:
            raise SpecError("name a decision, a score, or both", path="$.decision")
        if reference:
            raise SpecError(
                "leave it out: the rule compares with the category that has the highest rate",
                path="$.reference",
            )
    elif decision is None and threshold is None:
        raise SpecError("name a decision, or a score and a threshold", path="$.decision")


def _referred(reference: Mapping[str, Any], attributes: Sequence[Attribute]) -> dict[str, Any]:
    """Give the categories to compare with: title of the attribute -> category."""
    titles = {name: each.title for each in attributes for name in (each.column, each.title)}
    for name in reference:
        if name not in titles:
            raise SpecError(
                f'"{name}" is none of the attributes{nearest(name, titles)}', path="$.reference"
            )
    return {titles[name]: category for name, category in reference.items()}
