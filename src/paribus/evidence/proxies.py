"""Which fields stand for a protected attribute, and whether the model uses them that way.

Two things make a proxy: it tells the groups apart, and the model heeds it. Each is measured apart,
and a field is flagged only where both are proven.

*Strength* is how well a field alone predicts the attribute: an encoder learns the share of each
group among people with the same value in one half of the rows, and the AUC on the other half has
its DeLong interval. (Scores pooled over folds, each with a learner of its own, have no such
interval: see ``simulations/proxies.py``.) It is the strength that the encoder finds in these rows:
of numbers with many values that are no amounts (codes, say) a tie may stay hidden. Text, truth
values and categories that occur in the other half alone count at their worst in the upper end and
in the claim that a field is no proxy.

*Movement* is how much the model's answers change when everybody's value is replaced by that of
somebody of another group. One field at a time, so that its ties to the other fields break:
movement is of the model, not of the world. It counts what any other value would change, too:
it is the strength that ties it to the attribute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pydantic

from paribus._plugins import Number
from paribus._text import count, name
from paribus.evidence._learners import Design, design, probabilities
from paribus.evidence._movement import Movement, movements
from paribus.evidence._strength import Strength, encoded_shares
from paribus.evidence.base import Check, Row, Weighed
from paribus.observed import Observed
from paribus.roles import MISSING
from paribus.stats.folds import folds
from paribus.stats.independent import agreeing_with, fisher, newcombe, wilson
from paribus.table import flat

TOGETHER = "all features together"
"""The field of the row that tells how well all fields together predict the attribute."""

_BINS = 32
"""Equal shares of people into which a numeric field is cut."""

_LEVELS = 8
"""Levels of an attribute that are predicted from all fields; the rarer ones as one."""

_CHANCE = 0.5

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


class Proxies(Check):
    """How well each field predicts a protected attribute, times how much it moves the model."""

    kind: Literal["proxies"] = "proxies"
    strength: Number = pydantic.Field(default=0.6, gt=0.5, lt=1)
    """AUC up to which a field is no proxy; 0.5 is chance."""
    movement: Number | None = pydantic.Field(default=None, ge=0)
    """Movement of the model that counts as none, in the unit of its answers (of decisions and
    labels, a share of people); the tolerance of the audit where left out."""

    def weigh(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        """Weigh each field for each attribute by itself.

        Rows of the unit ``proxy effect`` are held: their estimate is ``2 AUC - 1`` (chance is 0,
        certainty 1) times the movement, and 0 where either is tolerated, since such a field is no
        proxy. Its interval is what both intervals together allow, each at half of the missing
        confidence. The claim that a field is a proxy is that its AUC is above `strength` *and* its
        movement above the tolerance (an intersection-union test, Berger 1982: the larger p-value
        counts); the claim that it is none is that either is below (the smaller one, doubled).

        Rows of the units ``proxy strength`` (p-value: of no better than chance, one-sided) and
        ``proxy movement`` (of no more than what is tolerated) show both parts; rows of the unit
        ``missing values`` show in which group a field is unknown how often.
        """
        if not observed.features:
            return Weighed((), (), ("There is no feature that could be a proxy.",))
        fields = _Fields.of(observed)
        tolerated = tolerance if self.movement is None else self.movement
        moved, noise, notes = movements(observed, fields.design)
        if observed.roles.weight is not None:
            notes.append("Weights play no part here: every row counts once.")
        if len(observed.sample) < len(observed.source):
            notes.append(
                f"This is about a random sample of {count(len(observed.sample), 'row')} of "
                f"{len(observed.source):,}."
            )
        rows: list[Row] = []
        for attribute in observed.roles.by:
            codes, levels = observed.codes(attribute)
            rows.extend(_missing(observed, fields, attribute, codes, levels, confidence))
            halves = _Halves.of(codes, observed.seed)
            if halves is None:
                notes.append(
                    f"There are too few people of two groups of {name(attribute)}, so nothing can "
                    "be said of what predicts it."
                )
                continue
            what = _What(attribute, levels, self.strength, tolerated + noise, confidence)
            together = _together(observed, fields.design, codes, halves)
            rows.append(what.of_strength(TOGETHER, together))
            for at, field in enumerate(fields.names):
                strength = _alone(fields, at, codes, halves)
                rows.append(what.of_strength(field, strength))
                movement = moved(attribute, codes, at)
                if movement is None:
                    continue
                rows.append(what.of_movement(field, movement))
                rows.append(what.of_effect(field, strength, movement))
        return Weighed(tuple(rows), (), tuple(notes))


# --- fields ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Fields:
    """The features of the sample: as numbers for a learner, and as codes of their values."""

    names: tuple[str, ...]
    design: Design
    values: tuple[Codes, ...]
    """Code of each value, shape (n,); -1 where it is missing."""

    @classmethod
    def of(cls, observed: Observed) -> _Fields:
        columns = design(observed)
        sample = observed.sample
        values = tuple(
            _values(flat(sample.column(name, slice(None)).arrow())) for name in columns.names
        )
        return cls(columns.names, columns, values)

    def coarse(self, at: int, fit: Rows) -> Codes:
        """Cut a numeric field into bins of equal shares of some people; others into one."""
        gone = self.values[at] < 0
        numbers = self.design.matrix[:, at]
        if self.design.categorical[at] or not (~gone[fit]).any():
            return np.where(gone, 1, 0)
        edges = np.unique(
            np.quantile(numbers[fit][~gone[fit]], np.arange(1, _BINS) / _BINS, method="lower")
        )
        cut = np.searchsorted(edges, np.where(gone, 0.0, numbers), side="left")
        return np.where(gone, len(edges) + 1, cut)


def _values(array: pa.Array) -> Codes:
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), None, array)
    if pa.types.is_null(array.type):
        return np.full(len(array), -1, np.int64)
    encoded = array.dictionary_encode()
    return cast("Codes", pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False))


# --- strength -------------------------------------------------------------------------------------


def strengths(observed: Observed, attribute: str) -> dict[str, Strength] | None:
    """Measure how well each feature by itself predicts a protected attribute, and nothing else.

    Parameters
    ----------
    observed : Observed
    attribute : str

    Returns
    -------
    dict of str to Strength, or None
        None where there are too few people of two groups to learn from some and judge by others.
    """
    codes, _ = observed.codes(attribute)
    if len(np.unique(codes[codes >= 0])) < 2:
        return None
    halves = _Halves.of(codes, observed.seed)
    if halves is None:
        return None
    fields = _Fields.of(observed)
    return {each: _alone(fields, at, codes, halves) for at, each in enumerate(fields.names)}


@dataclass(frozen=True, eq=False)
class _Halves:
    """People whose level is known, in two halves: one to learn from, one to judge by."""

    fit: Rows
    test: Rows

    @classmethod
    def of(cls, codes: Codes, seed: int) -> _Halves | None:
        known = np.flatnonzero(codes >= 0)
        part = folds(codes[known], 2, seed)
        halves = cls(known[part == 0], known[part == 1])
        told = [len(np.unique(codes[rows])) > 1 for rows in (halves.fit, halves.test)]
        return halves if all(told) else None


def _alone(fields: _Fields, at: int, codes: Codes, halves: _Halves) -> Strength:
    levels = int(codes.max()) + 1
    fine = fields.values[at]
    coarse = fields.coarse(at, halves.fit)
    scores = encoded_shares(fine, coarse, codes, halves.fit, halves.test, levels)
    unseen = None
    if fields.design.categorical[at]:
        seen = np.zeros(int(fine.max()) + 2, bool)
        seen[fine[halves.fit]] = True
        unseen = ~seen[fine[halves.test]]
    return Strength.of(scores, codes[halves.test], range(levels), unseen)


def _together(observed: Observed, of: Design, codes: Codes, halves: _Halves) -> Strength:
    sizes = np.bincount(codes[codes >= 0])
    order = np.argsort(-sizes, kind="stable")
    levels = list(range(len(sizes)))
    target = codes.astype(np.int64)
    if len(sizes) > _LEVELS:
        place = np.full(len(sizes) + 1, _LEVELS)
        place[order[:_LEVELS]] = np.arange(_LEVELS)
        place[-1] = -1
        target, levels = place[codes], [*order[:_LEVELS].tolist(), -1]
    scores = probabilities(of, target, halves.fit, halves.test, observed.seed, len(levels))
    return Strength.of(scores, target[halves.test], levels)


# --- rows -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _What:
    """One attribute, and what is tolerated."""

    attribute: str
    levels: tuple[str, ...]
    strength: float
    movement: float
    confidence: float

    def _row(self, unit: str, field: str, people: int, answered: int, **numbers: Any) -> Row:
        return Row(
            test="proxies",
            stage="features",
            contrast="group",
            unit=unit,
            relation="value",
            attribute=self.attribute,
            reference="",
            group="",
            field=field,
            people=people,
            answered=answered,
            **numbers,
        )

    def of_strength(self, field: str, found: Strength) -> Row:
        low, high = found.interval(self.confidence)
        how = "AUC on people who were not learned from, DeLong interval"
        if len(found.levels) > 1:
            best = "all other levels" if found.best < 0 else name(self.levels[found.best])
            how += f", of {best} against the rest, the largest of {len(found.levels)} levels"
        return self._row(
            "proxy strength",
            field,
            found.people,
            found.people,
            estimate=found.estimate,
            low=low,
            high=high,
            p=found.p_above(_CHANCE),
            tolerance=self.strength,
            expected=self.strength,
            method=how,
        )

    def of_movement(self, field: str, found: Movement) -> Row:
        low, high = found.interval(self.confidence)
        return self._row(
            "proxy movement",
            field,
            found.people,
            len(found.moved),
            scale=found.scale,
            estimate=found.estimate,
            low=low,
            high=high,
            p=found.p_above(self.movement),
            tolerance=self.movement,
            method=found.whose,
        )

    def of_effect(self, field: str, strength: Strength, movement: Movement) -> Row:
        half = 1 - (1 - self.confidence) / 2
        ends = zip(strength.interval(half), movement.interval(half), strict=True)
        low, high = (self._product(area, moved) for area, moved in ends)
        estimate = self._product(strength.estimate, movement.estimate)
        outside = max(strength.p_above(self.strength), movement.p_above(self.movement))
        within = 2 * min(strength.p_below(self.strength), movement.p_below(self.movement))
        return self._row(
            "proxy effect",
            field,
            movement.people,
            len(movement.moved),
            estimate=estimate,
            low=min(low, estimate),
            high=max(high, estimate),
            p=outside,
            p_outside=outside,
            p_within=min(1.0, within),
            held=True,
            scale=movement.scale,
            tolerance=_gini(self.strength) * self.movement,
            claim=self._claim(field, strength.estimate, movement, estimate),
            method=f"(2 AUC - 1) x movement of the {movement.whose}",
        )

    def _product(self, area: float, moved: float) -> float:
        if area <= self.strength or moved <= self.movement:
            return 0.0
        return _gini(area) * moved

    def _claim(self, field: str, area: float, movement: Movement, effect: float) -> str:
        strong, moves = area > self.strength, movement.estimate > self.movement
        link = " and" if strong and moves else ", but" if strong != moves else ", and"
        return (
            f"{name(field)} {'' if strong else 'hardly '}predicts {name(self.attribute)} "
            f"(AUC {area:.2f}){link} swapping it between groups {movement.words()}, "
            f"a proxy effect of {movement.write(effect)}"
        )


def _gini(area: float) -> float:
    return max(0.0, 2 * area - 1)


# --- missing values -------------------------------------------------------------------------------


def _missing(
    observed: Observed,
    fields: _Fields,
    attribute: str,
    codes: Codes,
    levels: tuple[str, ...],
    confidence: float,
) -> Iterator[Row]:
    """Tell in which group values are missing how often, and where that differs most."""
    groups = observed.groups((attribute,))
    reference = levels.index(groups.names[groups.reference])
    names = [*levels, MISSING]
    place = np.where(codes < 0, len(levels), codes)
    sizes = np.bincount(place, minlength=len(names))
    for field, values in zip(fields.names, fields.values, strict=True):
        if (values >= 0).all():
            continue
        gone = np.bincount(place[values < 0], minlength=len(names))
        about = {
            "test": "proxies",
            "stage": "features",
            "contrast": "group",
            "unit": "missing values",
            "attribute": attribute,
            "field": field,
            "scale": "share",
        }
        low, high = wilson(gone, sizes, confidence)
        for at in np.flatnonzero(sizes):
            yield Row(
                **about,
                relation="value",
                reference="",
                group=names[at],
                people=int(sizes[at]),
                answered=int(sizes[at]),
                estimate=float(gone[at] / sizes[at]),
                low=float(low[at]),
                high=float(high[at]),
                method="Wilson",
            )
        others = [at for at in np.flatnonzero(sizes[:-1]) if at != reference]
        if not others or not sizes[reference]:
            continue
        base = int(gone[reference]), int(sizes[reference])
        gaps = gone[others] / sizes[others] - base[0] / base[1]
        widest = others[int(np.argmax(np.abs(gaps)))]
        mine = int(gone[widest]), int(sizes[widest])
        each = 1 - (1 - confidence) / len(others)
        p = float(fisher(*mine, *base))
        ends = agreeing_with(*newcombe(*mine, *base, each), p, 0.0, each)
        yield Row(
            **about,
            relation="difference",
            reference=levels[reference],
            group=levels[widest],
            people=mine[1] + base[1],
            answered=mine[1] + base[1],
            estimate=mine[0] / mine[1] - base[0] / base[1],
            low=float(ends[0]),
            high=float(ends[1]),
            p=min(1.0, len(others) * p),
            method="Newcombe, Fisher's exact test"
            + (f", the widest of {count(len(others), 'difference')}" if len(others) > 1 else ""),
        )
