"""Twins weighed: flip rates, net gaps and score gaps of every contrast, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
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
    completed,
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
from paribus.stats.moments import Moments, mean_interval
from paribus.stats.rates import clopper_pearson
from paribus.stats.relabeling import friedman, max_t
from paribus.twins import (
    Contrast,
    Version,
    all_contrasts,
    placebo_contrasts,
)

_SIGNED: frozenset[str] = frozenset({"net gap", "score gap"})
_AMOUNTS: frozenset[str] = frozenset({"score gap", "absolute gap"})

_BEYOND: dict[str, str] = {
    "excess flip rate": "flip rate",
    "excess label change rate": "label change rate",
    "excess absolute gap": "absolute gap",
}
"""What is left of a change once that of placebo twins is taken away."""


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
        wanted = list(all_contrasts(people, self.cross))
        if self.placebo:
            for attributes in dict.fromkeys(contrast.attributes for contrast in wanted):
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
            rows = self._joint(answers, rows, scale)
        return (*rows, *_levels(answers, scale))

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
        names = None
        if held and not silent:
            names = names_of(answers, contrast, self.names, placebo)
        excess = steady and placebo is not None and names is not None and names.another.any()
        rows = list(_rows(what, answers, contrast, tally, scale, held, steady and not excess))
        if names is not None and names.ways:
            rows = [self._over_names(answers, contrast, row, names, scale) for row in rows]
        if excess and names is not None and placebo is not None:
            rows += self._excess(what, answers, (contrast, placebo), names, scale)
        if held and tally.repeated is not None and answers.repeatable is False:
            noise = tally.repeated
            whole = scale if answers.outcome.measures else scale.of_shares()
            rows.append(squared_effect(what, noise, tally.people, whole))
            rows.append(changed_again(what, noise, scale.confidence))
        return rows

    def _over_names(
        self, answers: Answers, contrast: Contrast, row: Row, names: Names, scale: Scale
    ) -> Row:
        if not row.held:
            return row
        amounts = row.unit in _AMOUNTS
        spread = scale.spread if amounts else 1.0
        values, told = _effects(answers, contrast, row.unit)
        ends = _ends(answers, contrast, row.unit, values, told, spread)
        scale = scale if amounts else scale.of_shares()
        return over_names(row, ends, told, names, self.names, scale)

    def _excess(
        self,
        what: dict[str, Any],
        answers: Answers,
        contrasts: tuple[Contrast, Contrast],
        names: Names,
        scale: Scale,
    ) -> Iterator[Row]:
        """Take what a mere change of name does away from what the change of level does."""
        # Who drew the same name again has no placebo twin.
        other = names.another
        some = names.among(other).with_placebo()
        for unit, raw in _BEYOND.items():
            if not _known_to(answers, raw):
                continue
            each = [_effects(answers, contrast, raw) for contrast in contrasts]
            told = (each[0][1] & each[1][1])[other]
            by_level, by_name = (values[other] for values, _ in each)
            if unit == "excess absolute gap":
                row = excess_size(what, (by_level, by_name), told, scale)
                here = scale
            else:
                changes = by_level > 0, by_name > 0
                row = excess_rate(what, unit, changes, told, scale)
                here = scale.of_shares()
            if some.ways:
                more = by_level - by_name
                spread = here.spread
                ends = np.where(told, more, -spread), np.where(told, more, spread)
                row = over_names(row, ends, told, some, self.names, here)
            yield row

    def _joint(self, answers: Answers, rows: list[Row], scale: Scale) -> list[Row]:
        """Add p-values that are adjusted over all levels of an attribute by relabelling."""
        families: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            if row.held and row.unit in _SIGNED:
                families.setdefault((row.attribute, row.unit), []).append(row)
        contrasts = {(c.attribute, c.group_name): c for c in answers.tallies if c.kind != "placebo"}
        joint: dict[tuple[str, str, str], float] = {}
        for (attribute, unit), family in families.items():
            # People who share a name are not relabelled each for themselves.
            if len(family) < 2 or any(row.names is not None for row in family):
                continue
            of_family = [contrasts[attribute, row.group] for row in family]
            adjusted = self._relabelled(answers, of_family, unit, scale)
            for row, p in zip(family, adjusted, strict=True):
                joint[attribute, unit, row.group] = max(p, row.p_outside or 0.0)
        return [
            row.model_copy(update={"p_joint": joint[row.attribute, row.unit, row.group]})
            if (row.attribute, row.unit, row.group) in joint
            else row
            for row in rows
        ]

    def _relabelled(
        self, answers: Answers, contrasts: Sequence[Contrast], unit: str, scale: Scale
    ) -> list[float]:
        spread = 1.0 if unit == "net gap" else scale.spread
        gaps = []
        for contrast in contrasts:
            values, told = _effects(answers, contrast, unit)
            least, most = _ends(answers, contrast, unit, values, told, spread)
            # What is missing pulls the gap towards zero.
            gaps.append(least if float(values[told].sum()) > 0 else most)
        # Gaps from the reference are all that relabelling needs: the reference is at zero.
        versions = np.column_stack([np.zeros(len(gaps[0])), *gaps])
        seed = answers.twins.people.seed
        adjusted = max_t(versions, scale.tolerance, self.relabelings, seed=seed)
        # The gate: whether any level differs at all. Of decisions it is Cochran's Q.
        _, _, gate = friedman(versions)
        return [max(float(p), gate) for p in adjusted]


def _placebo(answers: Answers, contrast: Contrast) -> Contrast | None:
    """Find the placebo of a contrast, where the model sees what is drawn again."""
    if contrast.kind != "placebo" and linked_names(answers.twins.people, contrast, answers.seen):
        for other in answers.tallies:
            if other.kind == "placebo" and other.attributes == contrast.attributes:
                return other
    return None


def _known_to(answers: Answers, unit: str) -> bool:
    """Tell whether the answers have gaps of a unit."""
    outcome = answers.outcome
    if unit in {"net gap", "flip rate"}:
        return outcome.decides
    return outcome.measures if unit in _AMOUNTS else outcome.kind == "label"


def _effects(
    answers: Answers, contrast: Contrast, unit: str
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Give what a row of a unit is the mean of, for each kept person, and of whom it is known."""
    effects, told = answers.effects(contrast)
    if unit in _AMOUNTS:
        effects = answers.amounts(contrast)
    elif unit == "label change rate":
        effects = answers.changes(contrast).astype(np.float64)
    return (effects if unit in _SIGNED else np.abs(effects)), told


def _ends(
    answers: Answers,
    contrast: Contrast,
    unit: str,
    values: Floats,
    told: npt.NDArray[np.bool_],
    spread: float,
) -> tuple[Floats, Floats]:
    """Give the least and the most that each value can be: the same where it is known."""
    if unit == "net gap" and answers.repeatable is not False:
        low, high = answers.gaps(contrast)
        return low.astype(np.float64), high.astype(np.float64)
    bottom = -spread if unit in _SIGNED else 0.0
    return np.where(told, values, bottom), np.where(told, values, spread)


def _rows(
    what: dict[str, Any],
    answers: Answers,
    contrast: Contrast,
    tally: Tally,
    scale: Scale,
    held: bool,
    raw: bool,
) -> Iterator[Row]:
    """Weigh the gaps of one contrast; `raw` holds changes of single answers, noise and all."""
    outcome = answers.outcome
    twice = tally.repeated if answers.repeatable is False else None
    if outcome.decides:
        yield flip_rate(what, tally, scale, raw)
        if twice is None:
            yield net_gap(what, tally, scale, held)
        else:
            gaps, people = twice.gap, tally.people
            if outcome.measures:
                # The tally keeps the amounts of both answers; decisions are kept one by one.
                effects, told = answers.effects(contrast)
                gaps, people = Moments.of(effects[told]), len(told)
            yield mean_gap(what, "net gap", gaps, people, scale.of_shares(), held)
    if outcome.kind == "label":
        rate = rate_of_change(what, tally, tally.changed, scale)
        yield Row(**rate, unit="label change rate", held=raw)
    if outcome.measures:
        gaps = tally.gaps if twice is None else twice.gap
        yield mean_gap(what, "score gap", gaps, tally.people, scale, held)
        yield absolute_gap(what, tally, scale, raw)


# --- the levels themselves ------------------------------------------------------------------------


def _levels(answers: Answers, scale: Scale) -> list[Row]:
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
                rows.append(_rate(what, answers, tally, axis, scale.confidence))
            if answers.outcome.measures:
                rows.append(_mean(what, answers, version, scale))
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


def _mean(what: dict[str, Any], answers: Answers, version: Version, scale: Scale) -> Row:
    moments = answers.moments[version]
    missing = what["people"] - moments.count
    lowest, highest = answers.bounds
    what = {**what, "answered": moments.count}
    if answers.exhaustive:
        mean, likely = answers.weighed[version]
        extremes = [likely * mean + (1 - likely) * end for end in (lowest, highest)]
        return exact_row(what, "mean answer", extremes if missing else (mean,), mean, 0.0, False)
    # An answer lies anywhere within the range, so from the mean it is at most that far away.
    whole = completed(moments, missing, lowest, highest)
    ends = [mean_interval(each, scale.confidence, scale.spread) for each in whole]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return Row(**what, unit="mean answer", estimate=moments.mean, low=low, high=high)
