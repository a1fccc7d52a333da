"""Scores of every group: their mean, how well they tell the labels apart, and calibration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from paribus._seeds import generator
from paribus._text import count, name, number
from paribus.evidence._histograms import Cells, Scored, scored
from paribus.evidence._numbers import (
    UNBOUNDED,
    Measured,
    against,
    alone,
    compared,
    values,
)
from paribus.evidence._rated import About
from paribus.evidence.base import Check, Line, Row, Weighed
from paribus.observed import Observed
from paribus.stats.calibration import (
    expected_calibration_error,
    mean_calibration,
    recalibration,
    reliability,
)
from paribus.stats.discrimination import (
    Auc,
    auc,
    auc_difference,
    p_auc_beyond,
    p_auc_within,
    roc,
)
from paribus.stats.multiplicity import holm
from paribus.stats.prediction_errors import ErrorSums, Estimates, mean_error

DRAWN = 24
"""Groups of an attribute that have curves, at most: the largest."""

VISIBLE = 0.00005
"""What binning can move before it shows in the four digits of an AUC."""

NAMED = 8
"""Groups that a note names."""


class Scores(Check):
    """Mean score of every group and, where there is a binary label, AUC and calibration.

    Calibration is measured where all scores lie in [0, 1]. Nothing is held by default.
    """

    kind: Literal["scores"] = "scores"
    hold: bool = False
    """Whether the widest difference between the AUCs of any two groups is held against the
    tolerance."""

    def weigh(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        roles = observed.roles
        if roles.score is None:
            return Weighed(())
        classes = roles.outcome == "label" and roles.favorable is None
        labeled = roles.label is not None and roles.prediction is None and not classes
        rows: list[Row] = []
        lines: list[Line] = []
        notes: list[str] = []
        for attributes, table in scored(observed, labeled=labeled):
            groups = observed.groups(attributes)
            about = About("scores", "outcomes", groups, confidence)
            people = _People(about, table, table.of(observed, attributes, len(groups.names)))
            notes += _left_out(table, observed, labeled=labeled)
            rows += people.means()
            notes += alone(about, people.mean[0])
            lines += people.histograms(roles.bins)
            if labeled:
                notes += people.undefined(str(roles.label))
                notes += people.moved()
                rows += people.discrimination(tolerance if self.hold else None)
                lines += people.curves()
                if table.probabilities:
                    rows += people.calibration(observed.seed, roles.bins)
                    lines += people.diagrams(roles.bins)
        if classes and roles.label is not None:
            notes.append(
                f'AUC and calibration are of two labels: say which values of "{name(roles.label)}" '
                "are good for a person (favorable = ...) to have them."
            )
        return Weighed(tuple(rows), tuple(lines), tuple(dict.fromkeys(notes)))


@dataclass(frozen=True, eq=False)
class _Area:
    """How well the scores of some people tell their labels apart."""

    auc: Auc
    rows: int

    @classmethod
    def of(cls, cells: Cells, confidence: float) -> _Area:
        known = cells.labeled
        sides = [known.at(known.label == side) for side in (0, 1)]
        sizes = (sides[0].effective, sides[1].effective)
        zeros, ones = (side.histogram() for side in sides)
        return cls(auc(zeros, ones, confidence, sizes), known.rows)


class _People:
    """The scores of the groups of an attribute."""

    def __init__(self, about: About, table: Scored, cells: Sequence[Cells]) -> None:
        self.about = about
        self.table = table
        self.cells = cells
        sizes = about.groups.sizes
        self.largest = sorted(np.argsort(-sizes, kind="stable")[:DRAWN].tolist())

    # --- means ------------------------------------------------------------------------------------

    @cached_property
    def mean(self) -> tuple[Measured, Estimates]:
        """The mean score of each group, and of everybody."""
        known = [cells.scored for cells in self.cells]
        whole = self.table.cells.scored
        total = float(whole.weight.sum())
        center = float((whole.weight / total) @ whole.score) if total > 0 else 0.0
        spread = self.table.high - self.table.low
        confidence = self.about.confidence
        sums = [_sums(cells, cells.score - center, center) for cells in known]
        measured = Measured(
            "mean score",
            mean_error(_stacked(sums), confidence, spread),
            np.array([cells.rows for cells in known], np.int64),
            np.array([each.n > 0 for each in sums]),
            least=0.0 if self.table.probabilities else -UNBOUNDED,
            most=1.0 if self.table.probabilities else UNBOUNDED,
            method="t interval",
        )
        everybody = mean_error(_sums(whole, whole.score - center, center), confidence, spread)
        return measured.lent(everybody, confidence), everybody

    def means(self) -> Iterator[Row]:
        """Give the mean score of each group, and against the reference."""
        measured, everybody = self.mean
        yield from values(self.about, measured, everybody)
        yield from against(self.about, measured)

    def histograms(self, bins: int) -> Iterator[Line]:
        """Give the share of each group in each of some equal bins of the score."""
        low, high = self.table.start, self.table.end
        if high <= low:
            half = max(0.5, abs(low) * 1e-6)
            low, high = low - half, high + half
        width = (high - low) / bins
        x = tuple(float(low + i * width) for i in range(bins))
        for g in self.largest:
            known = self.cells[g].scored
            total = float(known.weight.sum())
            if total <= 0:
                continue
            # A score such as 0.3 lies in the bin that starts there, whatever the rounding.
            place = (known.score - low) / (high - low) * bins + 1e-9
            place = np.clip(place, 0, bins - 1).astype(np.intp)
            shares = np.minimum(np.bincount(place, known.weight, bins) / total, 1.0)
            people = np.bincount(place, known.count, bins)
            yield self._line("score histogram", g, x=x, y=shares, people=people)

    # --- labels apart -----------------------------------------------------------------------------

    @cached_property
    def areas(self) -> tuple[list[_Area], _Area]:
        """The AUC of each group, and of everybody."""
        confidence = self.about.confidence
        each = [_Area.of(cells, confidence) for cells in self.cells]
        return each, _Area.of(self.table.cells, confidence)

    def discrimination(self, tolerance: float | None) -> Iterator[Row]:
        """Give the AUC of each group, and against the reference."""
        about, groups = self.about, self.about.groups
        areas, everybody = self.areas
        there = [g for g, area in enumerate(areas) if area.auc.defined]
        shared: dict[str, Any] = {"scale": "number"}
        for group, area in [*((g, areas[g]) for g in there), (None, everybody)]:
            if not area.auc.defined:
                continue
            yield about.row(
                "AUC",
                group,
                relation="value",
                people=int(groups.sizes.sum() if group is None else groups.sizes[group]),
                answered=area.rows,
                estimate=area.auc.estimate,
                low=area.auc.low,
                high=area.auc.high,
                method="DeLong interval on the logit scale",
                **shared,
            )
        ref = groups.reference
        others = [g for g in there if g != ref]
        if areas[ref].auc.defined and others:
            gaps = [auc_difference(areas[g].auc, areas[ref].auc, about.confidence) for g in others]
            p = holm([gap.p for gap in gaps])
            for g, gap, adjusted in zip(others, gaps, p.tolist(), strict=True):
                yield about.row(
                    "AUC",
                    g,
                    relation="difference",
                    reference=groups.names[ref],
                    people=int(groups.sizes[g] + groups.sizes[ref]),
                    answered=areas[g].rows + areas[ref].rows,
                    estimate=gap.estimate,
                    low=min(gap.low, gap.estimate),
                    high=max(gap.high, gap.estimate),
                    p=adjusted,
                    method="intervals of both combined (MOVER)",
                    **shared,
                )
        if tolerance is not None:
            yield from self._held(areas, tolerance)

    def _held(self, areas: Sequence[_Area], tolerance: float) -> Iterator[Row]:
        """Hold the widest difference between any two groups against the tolerance."""
        about, groups = self.about, self.about.groups
        estimates = np.array([area.auc.estimate for area in areas])
        chosen = compared(groups, estimates, np.array([area.auc.defined for area in areas]))
        if chosen is None:
            return
        adjusted = 1 - (1 - about.confidence) / chosen.pairs
        pairs = [
            (areas[i].auc, areas[j].auc)
            for i, j in zip(chosen.i.tolist(), chosen.j.tolist(), strict=True)
        ]
        gaps = [auc_difference(one, other, adjusted) for one, other in pairs]
        low = max(max(gap.low, -gap.high, 0.0) for gap in gaps)
        high = max(max(-gap.low, gap.high) for gap in gaps) if chosen.whole else 1.0
        known = ~groups.unknown
        lowest, highest = (
            f"{name(groups.names[g])} ({number(float(estimates[g]))})"
            for g in (chosen.lowest, chosen.highest)
        )
        outside = min(p_auc_beyond(one, other, tolerance) for one, other in pairs)
        within = max(p_auc_within(one, other, tolerance) for one, other in pairs)
        yield about.row(
            "AUC",
            None,
            relation="spread",
            scale="number",
            people=int(groups.sizes[known].sum()),
            answered=sum(areas[g].rows for g in np.flatnonzero(known).tolist()),
            estimate=chosen.estimate,
            low=min(low, chosen.estimate),
            high=max(high, chosen.estimate),
            p=min(1.0, chosen.pairs * min(gap.p for gap in gaps)),
            p_outside=min(1.0, chosen.pairs * outside),
            p_within=within if chosen.whole else 1.0,
            held=True,
            claim=f"AUC by {name(groups.attribute)}: scores tell the labels apart worst for "
            f"{lowest} and best for {highest}, a difference of {number(chosen.estimate)}",
            method="highest minus lowest; all pairs, adjusted for their number",
        )

    def curves(self) -> Iterator[Line]:
        """Give the ROC curve of each group."""
        for g in self.largest:
            known = self.cells[g].labeled
            zeros, ones = known.histogram(0), known.histogram(1)
            if zeros.sum() > 0 and ones.sum() > 0:
                fpr, tpr = roc(zeros, ones)
                yield self._line("ROC", g, x=fpr, y=tpr)

    def undefined(self, label: str) -> Iterator[str]:
        """Name the groups that have no AUC."""
        groups = self.about.groups
        each, _ = self.areas
        lone = [name(groups.names[g]) for g, area in enumerate(each) if not area.auc.defined]
        if lone:
            more = f" and {len(lone) - NAMED:,} more" if len(lone) > NAMED else ""
            yield (
                f"No AUC of {name(groups.attribute)} for {', '.join(lone[:NAMED])}{more}: "
                f'it takes rows of both values of "{name(label)}".'
            )

    def moved(self) -> Iterator[str]:
        """Say how far binning can have moved an AUC, where that shows."""
        if self.table.exact:
            return
        each, everybody = self.areas
        slack = max(area.auc.slack for area in (*each, everybody))
        if slack >= VISIBLE:
            yield (
                f"Scores were counted in {count(self.table.cells.distinct, 'bin')}: an AUC by "
                f"{name(self.about.groups.attribute)} can be off by up to {number(slack)}, as "
                "scores of a bin count as equal."
            )

    # --- calibration ------------------------------------------------------------------------------

    def calibration(self, seed: int, bins: int) -> Iterator[Row]:
        """Give what the scores promise, and what the labels show."""
        for g, cells in [*enumerate(self.cells), (None, self.table.cells)]:
            known = cells.labeled
            if known.weight.sum() > 0:
                yield from self._calibrated(g, known, seed, bins)
        each = [cells.labeled for cells in self.cells]
        sums = [_sums(cells, cells.label - cells.score, 0.0) for cells in each]
        measured = Measured(
            "mean calibration",
            mean_error(_stacked(sums), self.about.confidence, 2.0),
            np.array([cells.rows for cells in each], np.int64),
            np.array([added.n > 0 for added in sums]),
            least=-1.0,
            most=1.0,
        )
        yield from against(self.about, measured)

    def _calibrated(self, g: int | None, known: Cells, seed: int, bins: int) -> Iterator[Row]:
        about, groups = self.about, self.about.groups
        parts = known.histogram(), known.histogram(1), known.totals()
        confidence, size = about.confidence, known.effective
        told: dict[str, Any] = {
            "relation": "value",
            "scale": "number",
            "people": int(groups.sizes.sum() if g is None else groups.sizes[g]),
            "answered": known.rows,
        }
        mean = mean_calibration(*parts, confidence, size)
        yield about.row(
            "mean calibration",
            g,
            estimate=mean.estimate,
            low=min(mean.low, mean.estimate),
            high=max(mean.high, mean.estimate),
            method="mean label minus mean score; Wilson interval of the labels",
            **told,
        )
        stream = f"scores/{groups.attribute}/{'' if g is None else groups.names[g]}"
        error = expected_calibration_error(
            *parts, generator(seed, stream, 0), bins, confidence, size
        )
        yield about.row(
            "calibration error",
            g,
            estimate=error.estimate,
            low=min(error.low, error.estimate),
            high=max(error.high, error.estimate),
            p=error.p,
            method=f"mean distance in {bins} bins; by chance alone {number(error.chance)}",
            **told,
        )
        labels = parts[1].sum(), parts[0].sum() - parts[1].sum()
        if min(labels) <= 0:
            return
        fit = recalibration(*parts, confidence, size)
        yield about.row(
            "calibration intercept",
            g,
            estimate=fit.in_the_large.estimate,
            low=fit.in_the_large.low,
            high=fit.in_the_large.high,
            method="calibration in the large: 0 beside a slope of 1 is calibrated; Wald interval",
            **told,
        )
        if fit.defined:
            yield about.row(
                "calibration slope",
                g,
                estimate=fit.slope.estimate,
                low=fit.slope.low,
                high=fit.slope.high,
                method="logistic recalibration: 1 is calibrated; Wald interval",
                **told,
            )

    def diagrams(self, bins: int) -> Iterator[Line]:
        """Give the reliability diagram of each group."""
        for g in self.largest:
            known = self.cells[g].labeled
            n, total = known.histogram(), known.totals()
            points = reliability(
                n, known.histogram(1), total, bins, self.about.confidence, known.effective
            )
            if not len(points.n):
                continue
            # As `reliability` does: a narrow bin goes where its mean score lies.
            mean = np.divide(total, n, out=np.zeros_like(n), where=n > 0)
            place = np.clip(mean * bins, 0, bins - 1).astype(np.intp)[known.place]
            held = np.bincount(place, known.weight, bins) > 0
            people = np.bincount(place, known.count, bins)[held]
            yield self._line(
                "calibration",
                g,
                x=points.score,
                y=points.observed,
                low=points.low,
                high=points.high,
                people=people,
            )

    def _line(self, chart: str, group: int, **points: Any) -> Line:
        numbers = {
            part: tuple(int(v) if part == "people" else float(v) for v in given)
            for part, given in points.items()
        }
        groups = self.about.groups
        return Line(
            test="scores",
            stage="outcomes",
            chart=chart,
            attribute=groups.attribute,
            group=groups.names[group],
            **numbers,
        )


def _sums(cells: Cells, values_: Any, center: float) -> ErrorSums:
    """Add up numbers that are measured from a center."""
    return ErrorSums(
        n=cells.weight.sum(),
        total=cells.weight @ values_,
        absolute=0.0,
        squares=cells.weight @ values_**2,
        fourths=0.0,
        center=center,
        effective=cells.effective,
    )


def _stacked(sums: Sequence[ErrorSums]) -> ErrorSums:
    """Put the sums of groups side by side."""
    parts = ("n", "total", "absolute", "squares", "fourths", "center", "effective")
    return ErrorSums(*(np.array([getattr(each, part) for each in sums], float) for part in parts))


def _left_out(table: Scored, observed: Observed, *, labeled: bool) -> Iterator[str]:
    """Say which rows lack a score or a label, and why there is no calibration."""
    roles, cells = observed.roles, table.cells
    unscored = int(cells.count[cells.place < 0].sum())
    if unscored:
        yield (
            f'"{name(roles.score)}" is missing or infinite in {count(unscored, "row")} of '
            f"{cells.rows:,}: they are left out."
        )
    if not labeled:
        return
    unlabeled = int(cells.count[(cells.place >= 0) & (cells.label < 0)].sum())
    if unlabeled:
        yield (
            f'"{name(roles.label)}" is missing in {count(unlabeled, "row")} of {cells.rows:,} that '
            "have a score: AUC and calibration leave them out."
        )
    if not table.probabilities:
        yield (
            f'"{name(roles.score)}" goes from {number(table.low)} to {number(table.high)}, so it '
            "is no probability: calibration is left out."
        )
