"""Where a gap lives, as readable rules.

A shallow regression tree on the gap is fitted on half of the people; the gap of each of its leaves
is then measured on the other half, who had no part in finding the rule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pydantic

from paribus._seeds import generator
from paribus._text import plain_number
from paribus.answers import Answers
from paribus.evidence.base import Condition, Row, Test, Unit
from paribus.people.population import People
from paribus.stats.moments import Moments, mean_interval
from paribus.stats.paired import tango_interval
from paribus.table import Coded, Column, Joined, Plain, Text
from paribus.twins import Contrast, level_contrasts

_FIT = 20_000
"""People who suggest the shape of the tree; its cuts are then sharpened with all of their half."""

_CATEGORIES = 30
"""Categories of a field that may stand in a rule, the most frequent ones."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Regions(Test):
    """Rules such as ``income <= 79,997`` that say where a gap lives."""

    kind: Literal["regions"] = "regions"
    depth: int = pydantic.Field(default=3, ge=1, le=6)
    """Conditions in a rule, at most."""
    smallest: float = pydantic.Field(default=0.02, gt=0, lt=0.5)
    """The smallest share of people that a rule may be about."""
    most: int = pydantic.Field(default=5, ge=1)
    """Rules for one contrast, at most: those that explain most of the gap."""

    def needs(self, people: People) -> Sequence[Contrast]:
        return [c for name in people.protect for c in level_contrasts(people, name)]

    def weigh(self, answers: Answers, tolerance: float, confidence: float) -> Sequence[Row]:
        rows: list[Row] = []
        half = generator(answers.twins.people.seed, "regions/half", 0).random(answers.kept) < 0.5
        encoded: dict[tuple[str, ...], list[_Feature]] = {}
        for contrast in answers.tallies:
            if contrast.kind != "level":
                continue
            gap, told = _gaps(answers, contrast)
            if not told.any() or (gap[told] == gap[told][0]).all():
                continue
            names = _candidates(answers, contrast)
            if names not in encoded:
                encoded[names] = _encode(answers, names)
            features = encoded[names]
            if not features:
                continue
            leaves = self._leaves(features, gap, half & told)
            about = (contrast, tolerance, confidence)
            rows.extend(self._measured(answers, about, leaves, gap, half, told))
        return rows

    def _leaves(self, features: list[_Feature], gap: Floats, fit: Mask) -> list[_Leaf]:
        """Fit the tree and read its leaves as conditions."""
        from sklearn.tree import DecisionTreeRegressor

        everyone = np.flatnonzero(fit)
        chosen = everyone[:_FIT]
        if len(chosen) < 20:
            return []
        matrix = np.column_stack([f.values[chosen] for f in features])
        target = gap[chosen]
        tree = DecisionTreeRegressor(
            max_depth=self.depth,
            min_samples_leaf=max(5, math.ceil(self.smallest * len(chosen))),
            # A split that explains less than this of all the variance is not worth a condition.
            min_impurity_decrease=0.005 * float(target.var()),
            random_state=0,
        ).fit(matrix, target)
        grown = _Grown(tree.tree_, features, gap, matrix)
        return grown.leaves(0, everyone, np.arange(len(chosen)), ())

    def _measured(
        self,
        answers: Answers,
        about: tuple[Contrast, float, float],
        leaves: list[_Leaf],
        gap: Floats,
        half: Mask,
        told: Mask,
    ) -> list[Row]:
        """Measure each rule on the people who did not suggest it."""
        contrast, tolerance, confidence = about
        rows = []
        others = np.flatnonzero(~half)
        for leaf in leaves:
            inside = others[leaf.holds(others)]
            known = inside[told[inside]]
            if not leaf.conditions or not len(known) or abs(leaf.gap) <= tolerance:
                continue
            estimate, low, high = _gap_of(answers, gap[known], confidence)
            if len(inside) < self.smallest / 2 * len(others) or low <= 0 <= high:
                # The other half does not bear the rule out.
                continue
            rows.append(
                Row(
                    test="regions",
                    unit=_unit(answers),
                    contrast=contrast.kind,
                    attribute=contrast.attribute,
                    reference=contrast.reference_name,
                    group=contrast.group_name,
                    people=len(inside),
                    answered=len(known),
                    estimate=estimate,
                    low=low,
                    high=high,
                    rule=tuple(part.condition() for part in leaf.conditions),
                    share=len(inside) / len(others),
                )
            )
        rows.sort(key=lambda row: -abs(row.estimate) * (row.share or 0.0))
        return rows[: self.most]


def _gaps(answers: Answers, contrast: Contrast) -> tuple[Floats, Mask]:
    """Give the gap of each kept person, and who has one."""
    r, g = answers.values(contrast.reference), answers.values(contrast.group)
    told = answers.answered(contrast.reference) & answers.answered(contrast.group)
    outcome = answers.outcome
    if outcome.decides:
        return outcome.favors(g).astype(np.float64) - outcome.favors(r), told
    if outcome.measures:
        return g - r, told
    return (g != r).astype(np.float64), told


def _unit(answers: Answers) -> Unit:
    if answers.outcome.decides:
        return "net gap"
    return "score gap" if answers.outcome.measures else "label change rate"


def _gap_of(answers: Answers, gap: Floats, confidence: float) -> tuple[float, float, float]:
    if not answers.outcome.measures or answers.outcome.decides:
        up, down = int((gap > 0).sum()), int((gap < 0).sum())
        return ((up - down) / len(gap), *tango_interval(up, down, len(gap), confidence))
    moments = Moments.of(gap)
    low, high = answers.bounds
    return (moments.mean, *mean_interval(moments, confidence, high - low + abs(moments.mean)))


def _candidates(answers: Answers, contrast: Contrast) -> tuple[str, ...]:
    """List the columns that a rule may be about: what the model sees and the twins share.

    A column that follows another protected attribute stands for that attribute.
    """
    people = answers.twins.people
    names: dict[str, None] = {}
    for name in answers.seen:
        behind = people.attributes_behind(name)
        if behind & set(contrast.attributes):
            continue
        for readable in sorted(behind) or [name]:
            names[readable if people.rows is None or readable in people.rows.names else name] = None
    # Of people as they are: an attribute that the data do not know has no value then.
    known = people.names_in(())
    return tuple(name for name in names if name in known)


# --- columns as features --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Feature:
    """A column as the tree sees it: a number, or one category against the others."""

    name: str
    values: Floats
    category: Any = None
    missing: float | None = None
    """The number that stands for a missing value, below all others."""
    whole: bool = False

    @property
    def is_category(self) -> bool:
        return self.category is not None


def _encode(answers: Answers, names: tuple[str, ...]) -> list[_Feature]:
    features: list[_Feature] = []
    for name, column in answers.columns(names).items():
        features.extend(_features(name, column))
    return [f for f in features if (f.values != f.values[0]).any()]


def _features(name: str, column: Column) -> list[_Feature]:
    if isinstance(column, Text | Joined):
        return []
    if isinstance(column, Plain) and column.values.dtype.kind in "iufb":
        return [_numeric(name, column.values.astype(np.float64))]
    if isinstance(column, Coded) and column.values.dtype.kind in "iuf":
        return [_numeric(name, column.values.astype(np.float64)[column.each()])]
    array = column.arrow()
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        return [_numeric(name, array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))]
    return _categories(name, array)


def _numeric(name: str, values: Floats) -> _Feature:
    # scikit-learn's trees hold float32: what does not fit there is as good as missing.
    gone = ~(np.abs(values) < np.finfo(np.float32).max)
    if gone.all():
        return _Feature(name, np.zeros(len(values)))
    whole = bool((values[~gone] == np.round(values[~gone])).all())
    if not gone.any():
        return _Feature(name, values, whole=whole)
    below = float(values[~gone].min()) - 1.0
    return _Feature(name, np.where(gone, below, values), missing=below, whole=whole)


def _categories(name: str, array: pa.Array) -> list[_Feature]:
    encoded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    values = encoded.dictionary.to_pylist()
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    if len(values) > 1000 and counts.max(initial=0) < len(codes) / 100:
        # An identifier: every value is rare, and none says where a gap lives.
        return []
    frequent = np.argsort(-counts, kind="stable")[:_CATEGORIES]
    found = [
        _Feature(name, (codes == i).astype(np.float64), category=str(values[i])) for i in frequent
    ]
    if (codes < 0).any():
        found.append(_Feature(name, (codes < 0).astype(np.float64), category="missing"))
    return found


# --- leaves as rules ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Part:
    """One condition on one feature: above a cut, or at or below it."""

    feature: _Feature
    cut: float
    above: bool

    def holds(self, people: npt.NDArray[np.intp]) -> Mask:
        values = self.feature.values[people]
        return values > self.cut if self.above else values <= self.cut

    def condition(self) -> Condition:
        feature = self.feature
        if feature.is_category:
            relation: Any = "is" if self.above else "is not"
            text = f"{feature.name} {relation} {feature.category}"
            return Condition(
                field=feature.name, relation=relation, value=feature.category, text=text
            )
        relation = ">" if self.above else "<="
        if feature.missing is not None and self.cut < feature.missing + 1:
            relation = "is not" if self.above else "is"
            text = f"{feature.name} {relation} missing"
            return Condition(field=feature.name, relation=relation, value="missing", text=text)
        text = f"{feature.name} {relation} {plain_number(self.cut)}"
        if feature.missing is not None and not self.above:
            text += " or missing"
        return Condition(field=feature.name, relation=relation, value=self.cut, text=text)


@dataclass(frozen=True, eq=False)
class _Leaf:
    conditions: tuple[_Part, ...]
    gap: float
    """Mean gap of the people who suggested the rule."""

    def holds(self, people: npt.NDArray[np.intp]) -> Mask:
        inside = np.ones(len(people), dtype=bool)
        for part in self.conditions:
            inside &= part.holds(people)
        return inside


@dataclass(frozen=True, eq=False)
class _Grown:
    """A fitted tree, walked from its root with all people of the half that suggested it."""

    tree: Any
    features: list[_Feature]
    gap: Floats
    matrix: Floats
    """What the tree was fitted on: one row for each of the people who suggested its shape."""

    def leaves(
        self,
        node: int,
        people: npt.NDArray[np.intp],
        fitted: npt.NDArray[np.intp],
        trail: tuple[_Part, ...],
    ) -> list[_Leaf]:
        if self.tree.children_left[node] < 0 or not len(people):
            gap = float(self.gap[people].mean()) if len(people) else 0.0
            return [_Leaf(_merged(trail), gap)]
        column = int(self.tree.feature[node])
        feature = self.features[column]
        rough = float(self.tree.threshold[node])
        cut = (
            0.5 if feature.is_category else self._sharpened(feature, rough, people, fitted, column)
        )
        below = feature.values[people] <= cut
        fitted_below = self.matrix[fitted, column] <= rough
        sides = (
            (self.tree.children_left[node], below, fitted_below, False),
            (self.tree.children_right[node], ~below, ~fitted_below, True),
        )
        return [
            leaf
            for child, of_all, of_fitted, above in sides
            for leaf in self.leaves(
                int(child), people[of_all], fitted[of_fitted], (*trail, _Part(feature, cut, above))
            )
        ]

    def _sharpened(
        self,
        feature: _Feature,
        rough: float,
        people: npt.NDArray[np.intp],
        fitted: npt.NDArray[np.intp],
        column: int,
    ) -> float:
        """Find the best cut near a rough one with everybody of the half, and round it fairly.

        The tree knows a cut only as well as the few people it saw lie close to it.
        """
        seen = np.unique(self.matrix[fitted, column])
        at = int(np.searchsorted(seen, rough, side="right"))
        low, high = seen[max(0, at - 10)], seen[min(len(seen) - 1, at + 9)]
        values, gap = feature.values[people], self.gap[people]
        near = (values >= low) & (values <= high)
        order = np.argsort(values[near], kind="stable")
        x, y = values[near][order], gap[near][order]
        before = values < low
        steps = np.flatnonzero(x[1:] > x[:-1])
        if not len(steps):
            return rough
        n_left = np.count_nonzero(before) + steps + 1.0
        sum_left = gap[before].sum() + np.cumsum(y)[steps]
        n_right, sum_right = len(gap) - n_left, gap.sum() - sum_left
        gain = sum_left**2 / n_left + sum_right**2 / np.maximum(n_right, 1)
        best = int(steps[int(np.argmax(gain))])
        return roundest(float(x[best]), float(x[best + 1]), whole=feature.whole)


def roundest(low: float, high: float, *, whole: bool) -> float:
    """Give the number with the fewest digits in [low, high): a cut with no false precision.

    Examples
    --------
    >>> roundest(79_990.0, 80_003.0, whole=True), roundest(79_997.0, 79_998.0, whole=True)
    (80000.0, 79997.0)
    >>> roundest(0.4812, 0.5127, whole=False)
    0.5
    """
    top = math.floor(math.log10(max(abs(low), abs(high), 1e-300)))
    for power in range(top, 0 if whole else top - 17, -1):
        digits = -power
        value = round(math.floor(low * 10.0**digits) / 10.0**digits, max(0, digits))
        for candidate in (value, round(value + 10.0**power, max(0, digits))):
            if low <= candidate < high:
                return candidate
    return low


def _merged(trail: tuple[_Part, ...]) -> tuple[_Part, ...]:
    """Keep the tightest of several conditions on the same side of the same feature."""
    tightest: dict[tuple[int, bool], _Part] = {}
    for part in trail:
        key = (id(part.feature), part.above)
        held = tightest.get(key)
        if held is None or (part.cut > held.cut) == part.above:
            tightest[key] = part
    return tuple(tightest.values())
