"""Whether labels are tainted: base rates, and labels that look wrong or are missing, by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import StrictBool

from paribus._text import count, name, percent, points
from paribus.evidence._learners import design, out_of_fold
from paribus.evidence.base import Check, Row, Weighed
from paribus.observed import Groups, Observed
from paribus.roles import CROSS, MISSING
from paribus.stats.independent import agreeing_with, newcombe, p_beyond, p_within, wilson
from paribus.stats.strata import mantel_haenszel, reversal, standardized_difference
from paribus.table import lookup

ENOUGH = 10
"""Labels of a second class below which nobody looks for labels that are wrong."""

NAMED = 12
"""Groups that a note names, at most."""

_PARTS = 5
_DEVIATIONS = 3.0
"""Standard errors by which a learner must beat the base rates before its doubts count."""

_ROUNDING = 1e-12
_NEARLY = 1e-9

_GROUND_TRUTH = (
    "What labels cannot tell: whether they measure what they should; whether groups differ in base "
    "rate because people differ or because those who label them do; and whether a label is right. "
    "A learner that agrees with a label proves nothing where both carry the same prejudice, and "
    "one that doubts it is no more than a reason to look. Only labels made again by somebody who "
    "does not see the group, or what happened later, can tell."
)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]


class Labels(Check):
    """How labels differ between groups, and where they look wrong.

    Base rates (the share of favorable labels) of each group, their differences from the reference
    as they are and with declared factors held equal, labels that look wrong to a learner that sees
    the features and not the group, and labels that are missing. Nothing is held against the
    tolerance unless `hold` says so, for base rates may differ with good reason; what is held then
    are the differences as they are.
    """

    kind: Literal["labels"] = "labels"
    hold: StrictBool = False
    """Whether differences of base rates are held against the tolerance."""

    def weigh(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        if observed.roles.label is None or observed.roles.prediction is not None:
            return Weighed(())
        about = _About(tolerance if self.hold else None, confidence)
        every = [observed.groups(attributes) for attributes in observed.attributes]
        targets = _targets(observed, every[0])
        learned, notes = _learned(observed, targets)
        rows: list[Row] = []
        for attributes, groups in zip(observed.attributes, every, strict=True):
            for target in targets:
                rows.extend(about.rows(groups, _base_rates(groups, target), "base rate", target))
                if observed.roles.factors:
                    more, said = _adjusted(observed, attributes, groups, target, about)
                    rows.extend(more)
                    notes.extend(said)
            rows.extend(about.missing(groups))
            if learned is not None:
                rows.extend(about.suspects(groups, learned, attributes, observed))
        return Weighed(tuple(rows), notes=(*notes, _GROUND_TRUTH))


@dataclass(frozen=True)
class _Target:
    """Which values of the label count as a yes."""

    field: str
    """The label's column where it is favorable or not, else the class."""
    places: tuple[int, ...]
    words: str
    """What people have who count, as the end of a sentence."""


def _targets(observed: Observed, groups: Groups) -> tuple[_Target, ...]:
    """Ask for favorable labels, or where labels are classes of which none is, for each class."""
    roles = observed.roles
    if roles.outcome == "label" and roles.favorable is None:
        return tuple(
            _Target(str(value), (i,), f"have the label {name(value)}")
            for i, value in enumerate(groups.labels)
            if value is not None
        )
    places = observed.favorable(groups.labels, "label")
    return (_Target(roles.label or "", places, "have a favorable label"),)


# --- rates of groups ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Rates:
    """Of how many people something holds in each group, arrays of shape (G,)."""

    k: Floats
    """Effective counts, which are those of rows where all weights are equal (Kish 1965)."""
    n: Floats
    people: Whole
    """Rows of each group."""
    answered: Whole
    """Rows of which it is known."""

    @classmethod
    def of(
        cls, yes: Floats, weight: Floats, square: Floats, people: Whole, answered: Whole
    ) -> _Rates:
        scale = np.divide(weight, square, out=np.zeros_like(weight), where=square > 0)
        return cls(
            _exact(np.minimum(yes, weight) * scale), _exact(weight * scale), people, answered
        )

    @property
    def rate(self) -> Floats:
        return np.divide(self.k, self.n, out=np.zeros_like(self.k), where=self.n > 0)


def _exact(counts: Floats) -> Floats:
    """Make counts whole that rounding alone keeps from it: exact tests have no other."""
    whole = np.rint(counts)
    return np.where(np.abs(counts - whole) <= _NEARLY * whole, whole, counts)


def _base_rates(groups: Groups, target: _Target) -> _Rates:
    known = np.array([value is not None for value in groups.labels])
    weight, square = groups.weight.sum(axis=2), groups.square.sum(axis=2)
    return _Rates.of(
        weight[:, list(target.places)].sum(axis=1),
        weight[:, known].sum(axis=1),
        square[:, known].sum(axis=1),
        groups.sizes,
        cast("Whole", groups.count[:, known].sum(axis=(1, 2))),
    )


@dataclass(frozen=True)
class _About:
    """How rows are made of rates."""

    hold: float | None
    """The tolerance where differences of base rates are held against it."""
    confidence: float

    def rows(
        self,
        groups: Groups,
        rates: _Rates,
        unit: str,
        target: _Target,
        method: str = "",
    ) -> Iterator[Row]:
        """Give the rate of each group, and its difference from the reference's.

        Groups of whom nothing is known have no rate. People whose group is unknown are shown, and
        never compared.
        """
        shared: dict[str, Any] = {
            "test": "labels",
            "contrast": "group",
            "stage": "labeling",
            "scale": "share",
            "attribute": groups.attribute,
            "unit": unit,
            "field": target.field,
        }
        low, high = wilson(rates.k, rates.n, self.confidence)
        rate = rates.rate
        for i in np.flatnonzero(rates.n > 0):
            yield Row(
                **shared,
                relation="value",
                reference="",
                group=groups.names[i],
                people=int(rates.people[i]),
                answered=int(rates.answered[i]),
                estimate=float(rate[i]),
                low=min(float(low[i]), float(rate[i])),
                high=max(float(high[i]), float(rate[i])),
                method=f"{method}Wilson interval",
            )
        hold = self.hold if unit == "base rate" else None
        yield from self._differences(groups, rates, shared, target, method, hold)

    def _differences(
        self,
        groups: Groups,
        rates: _Rates,
        shared: dict[str, Any],
        target: _Target,
        method: str,
        hold: float | None,
    ) -> Iterator[Row]:
        ref = groups.reference
        others = np.flatnonzero(~groups.unknown & (rates.n > 0))
        others = others[others != ref]
        if not len(others) or rates.n[ref] <= 0:
            return
        cells = rates.k[others], rates.n[others], rates.k[ref], rates.n[ref]
        p = p_beyond(*cells)
        low, high = agreeing_with(*newcombe(*cells, self.confidence), p, confidence=self.confidence)
        outside = within = None
        if hold is not None:
            outside, within = p_beyond(*cells, hold), p_within(*cells, hold)
            low, high = agreeing_with(low, high, outside, hold, self.confidence)
        rate = rates.rate
        for at, i in enumerate(others):
            gap = float(rate[i] - rate[ref])
            group, reference = groups.names[i], groups.names[ref]
            claim = (
                f"{percent(float(rate[i]))} of {name(group)} and {percent(float(rate[ref]))} of "
                f"{name(reference)} {target.words}, a difference of {points(gap)}"
            )
            yield Row(
                **shared,
                relation="difference",
                reference=reference,
                group=group,
                people=int(rates.people[i] + rates.people[ref]),
                answered=int(rates.answered[i] + rates.answered[ref]),
                estimate=gap,
                low=min(float(low[at]), gap),
                high=max(float(high[at]), gap),
                p=float(p[at]),
                p_outside=None if outside is None else float(outside[at]),
                p_within=None if within is None else float(within[at]),
                held=hold is not None,
                claim="" if hold is None else claim,
                method=f"{method}Newcombe interval",
            )

    def missing(self, groups: Groups) -> Iterator[Row]:
        """Give the share of rows without a label, where there are any."""
        gone = np.array([value is None for value in groups.labels])
        if not groups.count[:, gone].any():
            return
        weight, sizes = groups.weight.sum(axis=2), groups.sizes
        rates = _Rates.of(
            weight[:, gone].sum(axis=1),
            weight.sum(axis=1),
            groups.square.sum(axis=(1, 2)),
            sizes,
            sizes,
        )
        yield from self.rows(groups, rates, "labels missing", _Target("", (), ""))

    def suspects(
        self, groups: Groups, learned: _Learned, attributes: Sequence[str], observed: Observed
    ) -> Iterator[Row]:
        """Give the share of labels that look wrong: of all, and of those that say one thing."""
        place = _places(groups, attributes, observed)
        size = len(groups.names)
        people = np.bincount(place, minlength=size)[:size].astype(np.int64)
        for field, asked in learned.directions:
            rows = learned.rows[asked]
            at, weight = place[rows], learned.weight[asked]
            answered = np.bincount(at, minlength=size)[:size].astype(np.int64)
            rates = _Rates.of(
                _summed(at, weight * learned.suspect[asked], size),
                _summed(at, weight, size),
                _summed(at, weight**2, size),
                answered if field else people,
                answered,
            )
            method = "confident learning out of fold, "
            yield from self.rows(groups, rates, "suspect labels", _Target(field, (), ""), method)


def _summed(place: npt.NDArray[np.intp], values: Floats, size: int) -> Floats:
    return np.bincount(place, values, minlength=size)[:size].astype(np.float64)


# --- with factors held equal ----------------------------------------------------------------------


def _adjusted(
    observed: Observed,
    attributes: Sequence[str],
    groups: Groups,
    target: _Target,
    about: _About,
) -> tuple[list[Row], list[str]]:
    """Compare base rates within strata of the declared factors."""
    tables, people = _strata(observed, attributes, len(groups.names), target)
    factors = " and ".join(name(factor) for factor in observed.roles.factors)
    ref, rows = groups.reference, []
    turned: dict[str, list[str]] = {"reversed": [], "vanishes": []}
    filled = tables.sum(axis=(1, 2)) > 0
    for i in np.flatnonzero(~groups.unknown & filled):
        if i == ref or not filled[ref]:
            continue
        pair = np.stack([tables[ref], tables[i]], axis=1)
        shared: dict[str, Any] = {
            "test": "labels",
            "contrast": "group",
            "stage": "labeling",
            "attribute": groups.attribute,
            "field": target.field,
            "reference": groups.names[ref],
            "group": groups.names[i],
            "people": int(groups.sizes[i] + groups.sizes[ref]),
            "answered": int(people[i] + people[ref]),
        }
        even = standardized_difference(pair, about.confidence)
        odds = mantel_haenszel(pair, about.confidence)
        alone = even.left_out / float(pair.sum())
        left = f"; {percent(alone)} of rows are in strata of one of them alone" if alone else ""
        rows.append(
            Row(
                **shared,
                unit="adjusted base rate",
                relation="difference",
                scale="share",
                estimate=even.estimate,
                low=min(even.low, even.estimate),
                high=max(even.high, even.estimate),
                p=odds.p,
                method=f"directly standardized over {factors}{left}; p-value of Mantel and "
                "Haenszel",
            )
        )
        rows.append(
            Row(
                **shared,
                unit="adjusted odds ratio",
                relation="ratio",
                scale="ratio",
                estimate=odds.odds_ratio,
                low=min(odds.low, odds.odds_ratio),
                high=max(odds.high, odds.odds_ratio),
                p=odds.p,
                method=f"Mantel-Haenszel over {factors}",
            )
        )
        found = reversal(pair, about.confidence)
        if found.kind in turned:
            turned[found.kind].append(
                f"{name(groups.names[i])} ({points(found.raw)}, then {points(found.adjusted)})"
            )
    return rows, list(_turned(turned, groups, factors, target))


def _strata(
    observed: Observed, attributes: Sequence[str], size: int, target: _Target
) -> tuple[Floats, Whole]:
    """Count effective labels by group, stratum and whether they count, and the rows of groups.

    Returns
    -------
    tables : ndarray of shape (G, S, 2)
    people : ndarray of int, shape (G,)
        Rows with a label.
    """
    label = observed.roles.label or ""
    tally = observed.table.over(*attributes, *observed.roles.factors, label)
    a = len(attributes)
    shape = tuple(len(levels) for levels in tally.levels[:a])
    # Groups are the combinations that occur, in the order of their levels.
    cells = np.ravel_multi_index(tuple(tally.codes[:, :a].T), shape)
    group = np.unique(cells, return_inverse=True)[1].reshape(-1)
    strata, stratum = np.unique(tally.codes[:, a:-1], axis=0, return_inverse=True)
    labels = tally.codes[:, -1]
    known = np.array([value is not None for value in tally.levels[-1]])[labels]
    favored = np.isin(labels, target.places).astype(np.intp)
    tables = np.zeros((size, len(strata), 2))
    at = group[known], stratum.reshape(-1)[known], favored[known]
    np.add.at(tables, at, tally.weight[known])
    weight = tables.sum(axis=(1, 2))
    square = np.bincount(at[0], tally.square[known], minlength=size)
    scale = np.divide(weight, square, out=np.zeros_like(weight), where=square > 0)
    people = np.bincount(at[0], tally.count[known], minlength=size).astype(np.int64)
    return tables * scale[:, None, None], people


def _turned(
    turned: dict[str, list[str]], groups: Groups, factors: str, target: _Target
) -> Iterator[str]:
    """Say whose difference turns around or vanishes once factors are equal."""
    said = {
        "reversed": "turns around once {} are held equal (Simpson's paradox)",
        "vanishes": "is not to be seen once {} are held equal: they explain it, or leave too few "
        "people to tell",
    }
    for kind, named in turned.items():
        if named:
            listed = ", ".join(named[:NAMED])
            more = f" and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
            yield (
                f"The difference in who {target.words.replace('have', 'has', 1)} from "
                f"{name(groups.names[groups.reference])} ({name(groups.attribute)}) "
                f"{said[kind].format(factors)}: {listed}{more}."
            )


# --- labels that look wrong -----------------------------------------------------------------------


def suspects(labels: npt.NDArray[np.integer[Any]], chances: Floats) -> Flags:
    """Tell which labels look wrong (confident learning).

    A class is confident of a row where its chance there is at least the mean of its chances in the
    rows that carry its label. A label is suspect where the likeliest of the confident classes is
    another one.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Codes of classes.
    chances : ndarray of float, shape (n, classes)
        How likely each class is, learned from other rows.

    Returns
    -------
    ndarray of bool, shape (n,)

    References
    ----------
    Northcutt, Jiang and Chuang (2021), Journal of Artificial Intelligence Research 70, 1373-1411,
    section 3.1.

    Examples
    --------
    >>> chances = np.array([[0.9, 0.1], [0.7, 0.3], [0.1, 0.9], [0.2, 0.8], [0.9, 0.1]])
    >>> suspects(np.array([0, 0, 1, 1, 1]), chances).tolist()
    [False, False, False, False, True]
    """
    classes = chances.shape[1]
    size = np.bincount(labels, minlength=classes)
    own = np.bincount(labels, chances[np.arange(len(labels)), labels], minlength=classes)
    # A class without rows is never confident.
    least = np.divide(own, size, out=np.full(classes, 2.0), where=size > 0)
    confident = chances >= least - _ROUNDING
    likeliest = np.argmax(np.where(confident, chances, -1.0), axis=1)
    return cast("Flags", confident.any(axis=1) & (likeliest != labels))


@dataclass(frozen=True, eq=False)
class _Learned:
    """What a learner doubts, in rows of the sample whose label is known."""

    rows: npt.NDArray[np.intp]
    suspect: Flags
    weight: Floats
    directions: tuple[tuple[str, Flags], ...]
    """What is asked of whom: of everybody, and of those whose label says one thing."""


def _learned(observed: Observed, targets: Sequence[_Target]) -> tuple[_Learned | None, list[str]]:
    """Look for labels that look wrong, or say why it cannot be done."""
    column = observed.roles.label or ""
    tally = observed.table
    levels = [v for v in tally.levels[tally.keys.index(column)] if v is not None]
    sample = observed.sample
    codes = lookup(sample.column(column, slice(None)).arrow(), levels)
    said = [f"label {level}" for level in levels]
    if len(targets) == 1:
        codes = np.where(codes >= 0, np.isin(codes, targets[0].places), -1).astype(np.int32)
        said = ["unfavorable labels", "favorable labels"]
    rows = np.flatnonzero(codes >= 0)
    target = codes[rows]
    classes = len(said)
    none = "Labels that look wrong were not looked for: "
    sizes = np.sort(np.bincount(target, minlength=max(2, classes)))[::-1]
    if not len(rows):
        return None, [none + "no label is known."]
    if sizes[1] == 0:
        return None, [none + "all labels are the same."]
    if sizes[1] < ENOUGH:
        return None, [none + f"all but {sizes[1:].sum()} labels are the same."]
    features = design(observed)
    if not features.names:
        return None, [none + "there are no features to learn from."]
    chances = out_of_fold(features, codes, rows, observed.seed, _PARTS, classes)
    right, commonest = _agreement(target, chances)
    if not _learns(target, chances):
        return None, [
            none + "the features do not foresee labels better than their frequencies do, so no "
            "label is surprising."
        ]
    directions = [("", np.ones(len(rows), bool))]
    directions += [(words, target == i) for i, words in enumerate(said)]
    note = (
        "Suspect labels are those that surprise a learner (gradient boosting out of fold, which "
        f"sees {count(len(features.names), 'feature')} and not the group). It agrees with "
        f"{percent(right)} of all labels, where always the commonest would with "
        f"{percent(commonest)}: the less it foresees, the more suspects are merely rare."
    )
    everybody = int(tally.count.sum())
    if len(sample) < everybody:
        note += f" They were looked for in {len(sample):,} of {everybody:,} rows, drawn at random."
    weight = _weights(observed)[rows]
    found = _Learned(rows, suspects(target, chances), weight, tuple(directions))
    return found, [note]


def _agreement(target: npt.NDArray[np.int32], chances: Floats) -> tuple[float, float]:
    commonest = float(np.bincount(target).max() / len(target))
    return float((np.argmax(chances, axis=1) == target).mean()), commonest


def _learns(target: npt.NDArray[np.int32], chances: Floats) -> bool:
    """Tell whether chances beat the frequencies of the classes, by Brier's (1950) score."""
    truth = np.eye(chances.shape[1])[target]
    gain = ((truth.mean(axis=0) - truth) ** 2).sum(axis=1) - ((chances - truth) ** 2).sum(axis=1)
    return bool(gain.mean() > _DEVIATIONS * gain.std() / len(gain) ** 0.5)


def _weights(observed: Observed) -> Floats:
    if observed.roles.weight is None:
        return np.ones(len(observed.sample))
    column = observed.sample.column(observed.roles.weight, slice(None)).arrow()
    return cast("Floats", column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _places(groups: Groups, attributes: Sequence[str], observed: Observed) -> npt.NDArray[np.intp]:
    """Give the group of every row of the sample, the number of groups where it has none."""
    each = [observed.codes(attribute) for attribute in attributes]
    shape = tuple(len(names) + 1 for _, names in each)
    # The unknown come last, as they do among the levels.
    codes = [np.where(code < 0, len(names), code) for code, names in each]
    cell = np.ravel_multi_index(tuple(codes), shape)
    found, at = np.unique(cell, return_inverse=True)
    position = {group: i for i, group in enumerate(groups.names)}
    places = []
    for levels in np.stack(np.unravel_index(found, shape), axis=1):
        parts = [
            names[level] if level < len(names) else MISSING
            for level, (_, names) in zip(levels, each, strict=True)
        ]
        places.append(position.get(CROSS.join(parts), len(position)))
    return np.array(places, np.intp)[at.reshape(-1)]
