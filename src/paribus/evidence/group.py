"""Group metrics of decisions and labels: rates of every group, and how far groups differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import pydantic

from paribus._plugins import Whole
from paribus._seeds import generator
from paribus._text import count, name, percent, points
from paribus.errors import SpecError
from paribus.evidence._factors import conditional
from paribus.evidence._rated import About, Rated, Widest, against, extremes, values, widest
from paribus.evidence._tables import NAMES, Table, of_classes, overall
from paribus.evidence.base import Check, Row, Weighed
from paribus.observed import Groups, Observed
from paribus.roles import level_name
from paribus.stats import confusion
from paribus.stats.disparities import difference_interval
from paribus.stats.independent import agreeing_with
from paribus.stats.inequality import between_group_entropy, generalized_entropy
from paribus.stats.resampling import percentile_interval, resample_weighted
from paribus.table import Scalar

Floats = npt.NDArray[np.float64]

Criterion = Literal[
    "demographic parity",
    "equal opportunity",
    "predictive equality",
    "equalized odds",
    "predictive parity",
    "conditional use accuracy equality",
    "overall accuracy equality",
]
"""Criteria of fairness (Verma and Rubin 2018); each wants some rates equal in all groups."""


class Group(Check):
    """Rates of every group with their intervals, and whether they differ by more than tolerated."""

    kind: Literal["group"] = "group"
    criteria: tuple[Criterion, ...] | None = None
    """What is held against the tolerance: by itself demographic parity, and equalized odds where
    there are labels. No model that errs can meet all of them at once where base rates differ
    (Chouldechova 2017), so name the one that your case asks for."""
    resamples: Whole = pydantic.Field(default=1_000, ge=100, le=100_000)
    """Bootstrap resamples of the table, for numbers that no formula has an interval for."""

    def weigh(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        roles = observed.roles
        self._weighable(observed)
        if observed.decision is None and roles.label is None:
            return Weighed(())
        if roles.prediction is not None and observed.decision is None:
            return Weighed(())
        rows: list[Row] = []
        notes: list[str] = [observed.uncrossed] if observed.uncrossed else []
        for attributes in observed.attributes:
            groups = observed.groups(attributes)
            about = About("group", "outcomes", groups, confidence)
            if of_classes(observed):
                rows += _classes(about, observed, tolerance, self)
            else:
                rows += self._binary(about, observed, tolerance)
            more_rows, more_notes = conditional(about, observed, attributes)
            rows += more_rows
            notes += more_notes
            notes += _unknown(groups, observed)
        return Weighed(tuple(rows), (), tuple(dict.fromkeys(notes)))

    def _binary(self, about: About, observed: Observed, tolerance: float) -> Iterator[Row]:
        table = Table.of(observed, about.groups)
        yield from _rates(about, table)
        yield from _impact(about, table)
        rng = generator(observed.seed, f"group/{about.groups.attribute}", 0)
        if table.full:
            yield from _Boot(about, table, self.resamples, rng).rows()
        for criterion in self.chosen(table):
            yield held(about, table, criterion, tolerance)

    def chosen(self, table: Table) -> tuple[Criterion, ...]:
        """List what is held against the tolerance."""
        return _usual(table) if self.criteria is None else tuple(dict.fromkeys(self.criteria))

    def _weighable(self, observed: Observed) -> None:
        """Refuse criteria about columns that nobody named."""
        decided = observed.decision is not None
        labeled = observed.roles.label is not None and observed.roles.prediction is None
        for criterion in self.criteria or ():
            either = criterion == "demographic parity"
            if (decided and labeled) or (either and (decided or labeled)):
                continue
            lacking = "label" if decided else "decision"
            what = "is about decisions" if either else "compares decisions with labels"
            raise SpecError(
                f'"{criterion}" {what}: name the column of the {lacking}', path=f"$.data.{lacking}"
            )


def _rates(about: About, table: Table) -> Iterator[Row]:
    """Give every rate of every group, against the reference, and how far all groups differ."""
    for rate in table.names:
        rated = table.rated(rate)
        yield from values(about, NAMES[rate], rated, table.counted(rate, "weight")[1])
        yield from against(about, NAMES[rate], rated)
        yield from extremes(about, NAMES[rate], rated)


def _usual(table: Table) -> tuple[Criterion, ...]:
    if not table.decided:
        # That labels differ may be the truth: it is held only where somebody asks for it.
        return ()
    return ("demographic parity", "equalized odds") if table.labeled else ("demographic parity",)


def _impact(about: About, table: Table) -> Iterator[Row]:
    """Compare each group's selection rate with the highest (29 CFR 1607.4 D)."""
    if not table.decided:
        return
    rated = table.rated("selection rate")
    known = np.flatnonzero(rated.defined & ~about.groups.unknown)
    if len(known) < 2:
        return
    best = int(known[np.argmax(rated.rate[known])])
    for row in against(about, "impact ratio", rated, best):
        if row.relation == "ratio":
            yield row


def held(about: About, table: Table, criterion: Criterion, tolerance: float) -> Row:
    """Hold the widest difference between any two groups against the tolerance."""
    rates = confusion.CRITERIA[criterion] if table.decided else ("base rate",)
    return _widest_of(
        {rate: table.rated(rate) for rate in rates}, about, table, criterion, tolerance
    )


def _widest_of(
    rates: dict[str, Rated], about: About, table: Table, criterion: Criterion, tolerance: float
) -> Row:
    groups = about.groups
    known = ~groups.unknown
    found = {rate: widest(groups, rated, tolerance) for rate, rated in rates.items()}
    told = {rate: each for rate, each in found.items() if each is not None}
    # What cannot be compared might be anything.
    whole = len(told) == len(rates) and all(each.whole for each in told.values())
    shared = {
        "relation": "spread",
        "people": int(groups.sizes[known].sum()),
        "held": True,
        "claim": _claim(about, table, criterion, rates, told),
    }
    if not told:
        nothing = {"answered": 0, "estimate": 0.0, "low": 0.0, "high": 1.0}
        return about.row(criterion, None, **shared, **nothing, p=1.0, p_outside=1.0, p_within=1.0)
    most = max(told, key=lambda rate: told[rate].difference)
    difference = told[most].difference
    p_outside = min(1.0, len(told) * min(each.p_outside for each in told.values()))
    low, high = difference_interval(
        np.stack([rated.k[known] for rated in rates.values()]),
        np.stack([rated.n[known] for rated in rates.values()]),
        about.confidence,
    )
    low, high = map(float, agreeing_with(low, high, p_outside, tolerance, about.confidence))
    return about.row(
        criterion,
        None,
        **shared,
        answered=int(rates[most].trials[known].sum()),
        estimate=difference,
        low=min(low, difference),
        high=max(high, difference) if whole else 1.0,
        p=min(1.0, len(told) * min(each.p for each in told.values())),
        p_outside=p_outside,
        p_within=max(each.p_within for each in told.values()) if whole else 1.0,
    )


def _claim(
    about: About,
    table: Table,
    criterion: str,
    rates: dict[str, Rated],
    told: dict[str, Widest],
) -> str:
    groups = about.groups
    head = f"{criterion[0].upper()}{criterion[1:]}" if table.decided else "Base rates"
    of = f" of {name(about.field)}" if about.field else ""
    lacking = _lacking(groups, rates, table)
    if not told:
        return f"{head}{of} by {name(groups.attribute)} cannot be told{lacking}"
    most = max(told, key=lambda rate: told[rate].difference)
    rate, ends = rates[most].rate, told[most]
    if ends.difference > 0:
        low, high = (
            f"{name(groups.names[g])} ({percent(rate[g])})" for g in (ends.lowest, ends.highest)
        )
        size = points(ends.difference).removeprefix("+")
        said = f"is lowest for {low} and highest for {high}, a difference of {size}"
    else:
        said = f"is {percent(rate[ends.lowest])} for every group"
    return f"{head}{of} by {name(groups.attribute)}: the {_named(most, table)} {said}{lacking}"


def _named(rate: str, table: Table) -> str:
    return NAMES[rate] if table.decided else "rate of favorable labels"


def _lacking(groups: Groups, rates: dict[str, Rated], table: Table) -> str:
    """Say which groups have no rate."""
    known = np.flatnonzero(~groups.unknown)
    if len(known) < 2:
        return f": everybody known is {name(groups.names[known[0]])}"
    for rate, rated in rates.items():
        without = [name(groups.names[g]) for g in known if not rated.defined[g]]
        if without:
            most = f" and {len(without) - 3:,} others" if len(without) > 4 else ""
            shown = without if not most else without[:3]
            return f"; no row tells the {_named(rate, table)} of {', '.join(shown)}{most}"
    return ""


class _Boot:
    """Resamples of the table, and what they say of numbers that take several cells."""

    def __init__(
        self, about: About, table: Table, resamples: int, rng: np.random.Generator
    ) -> None:
        self.about = about
        self.table = table
        parts = table.full
        self.once = parts["weight"]
        self.drawn = resample_weighted(
            parts["count"], parts["weight"], parts["square"], rng, resamples
        )

    def rows(self) -> Iterator[Row]:
        """Give what has no formula: odds, scores of several cells, inequality."""
        yield from self._odds()
        for unit, function in (
            ("balanced accuracy", confusion.balanced_accuracy),
            ("F1 score", confusion.f1),
        ):
            (once, there), (drawn, known) = function(self.once), function(self.drawn)
            for g in np.flatnonzero(there).tolist():
                ends = percentile_interval(drawn[:, g], once[g], self.about.confidence, known[:, g])
                yield self._row(unit, g, "value", "share", float(once[g]), ends)
        first: Literal[1] = 1
        second: Literal[2] = 2
        for unit, index in (
            ("Theil index", partial(generalized_entropy, alpha=first)),
            ("between-group Theil index", partial(between_group_entropy, alpha=first)),
            ("generalized entropy index", partial(generalized_entropy, alpha=second)),
        ):
            (once, there), (drawn, known) = index(self.once), index(self.drawn)
            if there:
                interval = _from_zero if unit.startswith("between") else percentile_interval
                ends = interval(drawn, once, self.about.confidence, known)
                yield self._row(unit, None, "value", "number", float(once), ends)

    def _odds(self) -> Iterator[Row]:
        reference = self.about.groups.reference
        for unit, function, interval in (
            ("average odds", confusion.average_odds_difference, percentile_interval),
            ("average absolute odds", confusion.average_absolute_odds_difference, _from_zero),
        ):
            (once, there), (drawn, known) = (
                function(cells, reference) for cells in (self.once, self.drawn)
            )
            for g in np.flatnonzero(there).tolist():
                if g != reference:
                    ends = interval(drawn[:, g], once[g], self.about.confidence, known[:, g])
                    yield self._row(unit, g, "difference", "share", float(once[g]), ends, reference)

    def _row(
        self,
        unit: str,
        group: int | None,
        relation: str,
        scale: str,
        estimate: float,
        ends: tuple[Floats, Floats],
        reference: int | None = None,
    ) -> Row:
        low, high = map(float, ends)
        groups = self.about.groups
        rows = self.table.full["count"].sum(axis=(1, 2))
        everybody = list(range(len(rows)))
        mine = everybody if group is None else [g for g in (group, reference) if g is not None]
        return self.about.row(
            unit,
            group,
            relation=relation,
            scale=scale,
            reference="" if reference is None else groups.names[reference],
            people=int(groups.sizes[mine].sum()),
            answered=int(rows[mine].sum()),
            estimate=estimate,
            low=low,
            high=high,
            method="bootstrap of the table",
        )


def _from_zero(
    samples: Floats, estimate: Floats, confidence: float, defined: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Give the interval of a number that cannot be negative and may be 0.

    Chance alone lifts it, and resampling lifts it once more, so that no percentile is ever as low
    as 0: the basic interval takes the second lift off again (Davison and Hinkley 1997, section
    5.2).
    """
    low, high = percentile_interval(samples, estimate, confidence, defined)
    return np.maximum(0.0, 2.0 * estimate - high), np.maximum(high, 2.0 * estimate - low)


# --- labels of several classes --------------------------------------------------------------------


def _classes(about: About, observed: Observed, tolerance: float, check: Group) -> Iterator[Row]:
    """Give every class against all others, and the overall accuracy."""
    groups = about.groups
    both = observed.decision is not None and observed.roles.label is not None
    classes: dict[str, dict[str, tuple[int, ...]]] = {}
    for what, known in (("label", groups.labels), ("decision", groups.decisions)):
        for i, each in enumerate(known):
            if each is not None:
                # 1 and 1.0 and "1" are one class, which two columns may write differently.
                good = classes.setdefault(level_name(each), {"label": (), "decision": ()})
                good[what] = (i,)
    for value, good in sorted(classes.items(), key=lambda item: item[0]):
        table = Table.of_class(groups, good, decided=observed.decision is not None, labeled=both)
        mine = About(about.test, about.stage, groups, about.confidence, field=value)
        yield from _rates(mine, table)
        for criterion in check.chosen(table):
            if criterion != "overall accuracy equality":
                yield held(mine, table, criterion, tolerance)
    if both:
        rated, trials = overall(
            groups, [(good["label"], good["decision"]) for good in classes.values()]
        )
        yield from values(about, "accuracy", rated, trials)
        yield from against(about, "accuracy", rated)
        yield from extremes(about, "accuracy", rated)
        if "overall accuracy equality" in check.chosen(table):
            of_all = {"accuracy": rated}
            yield _widest_of(of_all, about, table, "overall accuracy equality", tolerance)


def _unknown(groups: Groups, observed: Observed) -> list[str]:
    """Say whose attribute, label or decision is missing."""
    notes = []
    lost = int(groups.sizes[groups.unknown].sum())
    total = int(groups.sizes.sum())
    if lost:
        notes.append(
            f"{name(groups.attribute)} is missing for {count(lost, 'row')} of {total:,}: they are "
            "shown as groups of their own, and no comparison is held against them."
        )
    for what, known, axes in (
        ("label", groups.labels, (0, 2)),
        ("decision", groups.decisions, (0, 1)),
    ):
        roles = observed.roles
        column = roles.label if what == "label" else roles.decision or roles.score
        asked = roles.prediction is None if what == "label" else observed.decision is not None
        if column is None or not asked:
            continue
        if not of_classes(observed):
            notes += _one_sided(observed, what, column, known)
        if None not in known:
            continue
        gone = int(groups.count.sum(axis=axes)[known.index(None)])
        notes.append(
            f'"{name(column)}" is missing in {count(gone, "row")} of {total:,}: rates that need it '
            "leave them out."
        )
    return notes


def _one_sided(
    observed: Observed, what: str, column: str, known: Sequence[Scalar | None]
) -> Iterator[str]:
    """Say that no row, or every row, is favorable: a threshold or a value may be mistyped."""
    values_ = [value for value in known if value is not None]
    good = observed.favorable(known, what)
    if values_ and len(good) in (0, len(values_)):
        side = "favorable" if good else "unfavorable"
        yield f'Every {what} ("{name(column)}") that is known is {side}.'
