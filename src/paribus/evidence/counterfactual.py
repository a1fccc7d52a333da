"""Twins weighed: flip rates, net gaps and score gaps of every contrast, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pydantic

from paribus._plugins import Whole
from paribus.answers import Answers
from paribus.evidence._gaps import (
    Floats,
    IntervalName,
    McNemarName,
    Scale,
    about,
    absolute_gap,
    changed_again,
    exact_row,
    exact_rows,
    excess_rate,
    excess_size,
    flip_rate,
    mean_gap,
    net_gap,
    over_names,
    rate_of_change,
    share,
    squared_effect,
)
from paribus.evidence._names import Names, linked_names, names_of
from paribus.evidence.base import Row, Test
from paribus.outcomes import FAVORABLE, MISSING, Tally
from paribus.people.population import People
from paribus.stats.moments import mean_interval
from paribus.stats.rates import clopper_pearson
from paribus.stats.relabeling import max_t
from paribus.twins import (
    Contrast,
    Version,
    cell_contrasts,
    level_contrasts,
    placebo_contrasts,
)

_SCORED = frozenset({"score gap", "absolute gap", "net gap", "flip rate", "label change rate"})
"""Units that are means over people, and so can be weighed over names."""


class Counterfactual(Test):
    """Twins against twins, for every attribute, for crossed ones, and for placebo twins."""

    kind: Literal["counterfactual"] = "counterfactual"
    cross: tuple[tuple[str, ...], ...] = ()
    """Attributes to cross: each cell is compared with the cell of the references."""
    placebo: bool = True
    """Whether to draw linked fields again where something is linked."""
    interval: IntervalName = "tango"
    """The interval that is shown for net gaps."""
    mcnemar: McNemarName = "exact"
    """The p-value of no net gap that is shown."""
    names: Whole = pydantic.Field(default=20, ge=2)
    """Names a level that it takes at least to tell what the level does from what its names do."""
    relabelings: Whole = pydantic.Field(default=0, ge=0, le=1_000_000)
    """Relabelings of the versions within each person, for joint p-values of all levels; 0: none."""

    def needs(self, people: People) -> Sequence[Contrast]:
        wanted: list[Contrast] = []
        for name in people.protect:
            wanted.extend(level_contrasts(people, name))
        distinct = {frozenset(attributes): attributes for attributes in reversed(self.cross)}
        crossed = list(reversed(distinct.values()))
        for attributes in crossed:
            wanted.extend(cell_contrasts(people, attributes))
        if self.placebo:
            for attributes in (*((name,) for name in people.protect), *crossed):
                wanted.extend(placebo_contrasts(people, *attributes))
        return wanted

    def weigh(self, answers: Answers, tolerance: float, confidence: float) -> Sequence[Row]:
        scale = Scale.of(answers, tolerance, confidence, self.interval, self.mcnemar)
        rows: list[Row] = []
        for contrast, tally in answers.tallies.items():
            if answers.exhaustive:
                held = contrast.kind != "placebo"
                what = about(self.kind, contrast, tally)
                steady = held and answers.repeatable is not False
                rows.extend(exact_rows(what, answers, tally, scale, held, steady))
            else:
                rows.extend(self._contrast(answers, contrast, tally, scale))
        if self.relabelings and not answers.exhaustive:
            rows = self._joint(answers, rows, tolerance)
        return (*rows, *_levels(answers, confidence))

    def _contrast(
        self, answers: Answers, contrast: Contrast, tally: Tally, scale: Scale
    ) -> list[Row]:
        what = about(self.kind, contrast, tally)
        held = contrast.kind != "placebo"
        # Noise moves answers either way, and would pass for the attribute's doing.
        steady = held and answers.repeatable is not False
        placebo = _placebo(answers, contrast)
        # Names that never moved an answer carry no signal: what moves answers is the level.
        silent = placebo is not None and not answers.tallies[placebo].changed
        excess = steady and placebo is not None and not silent
        rows = list(_rows(what, answers, tally, scale, held, steady and not excess))
        if excess and placebo is not None:
            rows += _excess(what, answers, contrast, placebo, scale)
        names = names_of(answers, contrast, self.names) if held and not silent else None
        if names is not None:
            gaps, told = answers.effects(contrast)
            rows = [self._over_names(row, gaps, told, names, scale) for row in rows]
        if held and tally.repeated is not None and answers.repeatable is False:
            noise = tally.repeated
            whole = scale if answers.outcome.measures else _unit_scale(scale)
            rows.append(squared_effect(what, noise, tally.people, whole))
            rows.append(changed_again(what, noise, scale.confidence))
        return rows

    def _over_names(
        self, row: Row, gaps: Floats, told: np.ndarray[Any, Any], names: Names, scale: Scale
    ) -> Row:
        if row.unit not in _SCORED:
            return row
        values = gaps if row.unit in {"net gap", "score gap"} else np.abs(gaps)
        return over_names(row, values, told, names, self.names, scale)

    def _joint(self, answers: Answers, rows: list[Row], tolerance: float) -> list[Row]:
        """Add p-values that are adjusted over all levels of an attribute by relabelling."""
        joint: dict[tuple[str, str], float] = {}
        families: dict[tuple[str, tuple[str, ...]], list[Contrast]] = {}
        for contrast in answers.tallies:
            if contrast.kind != "placebo":
                families.setdefault((contrast.kind, contrast.attributes), []).append(contrast)
        for contrasts in families.values():
            if len(contrasts) < 2:
                continue
            each = [answers.effects(contrast) for contrast in contrasts]
            told = np.all([known for _, known in each], axis=0)
            # Gaps from the reference are all that relabelling needs: the reference is at zero.
            versions = np.column_stack([np.zeros(int(told.sum())), *(g[told] for g, _ in each)])
            adjusted = max_t(versions, tolerance, self.relabelings, seed=answers.twins.people.seed)
            for contrast, p in zip(contrasts, adjusted, strict=True):
                joint[contrast.attribute, contrast.group_name] = float(p)
        return [
            row.model_copy(
                update={"p_joint": max(joint[row.attribute, row.group], row.p_outside or 0.0)}
            )
            if row.unit in {"net gap", "score gap"} and (row.attribute, row.group) in joint
            else row
            for row in rows
        ]


def _placebo(answers: Answers, contrast: Contrast) -> Contrast | None:
    """Find the placebo of a contrast, where the model sees what is drawn again."""
    if contrast.kind != "placebo" and linked_names(answers.twins.people, contrast, answers.seen):
        for other in answers.tallies:
            if other.kind == "placebo" and other.attributes == contrast.attributes:
                return other
    return None


def _rows(
    what: dict[str, Any], answers: Answers, tally: Tally, scale: Scale, held: bool, raw: bool
) -> Iterator[Row]:
    """Weigh the gaps of one contrast; `raw` holds changes of single answers, noise and all."""
    outcome = answers.outcome
    twice = tally.repeated if answers.repeatable is False else None
    if outcome.decides:
        yield flip_rate(what, tally, scale, raw)
        if twice is None:
            yield net_gap(what, tally, scale, held)
        else:
            decision = _unit_scale(scale)
            yield mean_gap(what, "net gap", twice.gap, tally.people, decision, held)
    if outcome.kind == "label":
        rate = rate_of_change(what, tally, tally.changed, scale)
        yield Row(**rate, unit="label change rate", held=raw)
    if outcome.measures:
        gaps = tally.gaps if twice is None or outcome.decides else twice.gap
        yield mean_gap(what, "score gap", gaps, tally.people, scale, held)
        yield absolute_gap(what, tally, scale, raw)


def _unit_scale(scale: Scale) -> Scale:
    """Take answers for the shares of favorable decisions that they are."""
    fields = {name: getattr(scale, name) for name in scale.__dataclass_fields__}
    return Scale(**{**fields, "spread": 1.0, "unseen": 0.0})


def _excess(
    what: dict[str, Any], answers: Answers, contrast: Contrast, placebo: Contrast, scale: Scale
) -> Iterator[Row]:
    """Take what a mere change of name does away from what the change of level does."""
    outcome = answers.outcome
    by_level, told = answers.effects(contrast)
    by_name, known = answers.effects(placebo)
    told = told & known
    if outcome.decides:
        changes = (by_level != 0, by_name != 0)
        yield excess_rate(what, "excess flip rate", changes, told, scale)
    if outcome.kind == "label":
        labels = answers.changes(contrast), answers.changes(placebo)
        yield excess_rate(what, "excess label change rate", labels, told, scale)
    if outcome.measures:
        sizes = answers.amounts(contrast), answers.amounts(placebo)
        yield excess_size(what, (np.abs(sizes[0]), np.abs(sizes[1])), told, scale)


# --- the levels themselves ------------------------------------------------------------------------


def _levels(answers: Answers, confidence: float) -> list[Row]:
    """Give the rate of favorable answers, or the mean answer, of each level and cell."""
    rows: list[Row] = []
    begun: set[tuple[str, ...]] = set()
    for contrast, tally in answers.tallies.items():
        if contrast.kind == "placebo":
            continue
        sides: list[tuple[str, Version, int]] = [(contrast.group_name, contrast.group, 1)]
        if contrast.attributes not in begun:
            begun.add(contrast.attributes)
            sides.insert(0, (contrast.reference_name, contrast.reference, 0))
        for name, version, axis in sides:
            what = {**about("counterfactual", contrast, tally), "reference": "", "group": name}
            if answers.outcome.decides:
                rows.append(_rate(what, answers, tally, axis, confidence))
            if answers.outcome.measures:
                rows.append(_mean(what, answers, version, confidence))
    return rows


def _rate(
    what: dict[str, Any], answers: Answers, tally: Tally, axis: int, confidence: float
) -> Row:
    counts = tally.cells.sum(axis=axis)
    favorable, missing = int(counts[FAVORABLE]), int(counts[MISSING])
    n = tally.people
    what = {**what, "answered": n - missing}
    if answers.exhaustive:
        mass = tally.cells / n if tally.shares is None else tally.shares.mass
        good, gone = (float(mass.sum(axis=axis)[i]) for i in (FAVORABLE, MISSING))
        rate = share(good, float(mass.sum()) - gone)
        return exact_row(what, "favorable rate", (good, good + gone), rate, 1.0, False)
    low, _ = clopper_pearson(favorable, n, confidence)
    _, high = clopper_pearson(favorable + missing, n, confidence)
    rate = share(favorable, n - missing)
    return Row(**what, unit="favorable rate", estimate=rate, low=low, high=high)


def _mean(what: dict[str, Any], answers: Answers, version: Version, confidence: float) -> Row:
    moments = answers.moments[version]
    what = {**what, "answered": moments.count}
    if answers.exhaustive:
        mean = moments.mean
        if answers.weights is not None:
            told, likely = answers.answered(version), answers.weights
            mean = share(float(likely[told] @ answers.values(version)[told]), likely[told].sum())
        return exact_row(what, "mean answer", (mean,), mean, 0.0, False)
    low, high = mean_interval(moments, confidence)
    return Row(**what, unit="mean answer", estimate=moments.mean, low=low, high=high)
