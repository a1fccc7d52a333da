"""What happens after release: gaps over time with an alarm, drift by group, and feedback."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pydantic

from paribus._plugins import Whole
from paribus._text import count, percent, points
from paribus._text import name as named
from paribus.evidence._feedback import Rounds, encode, simulate
from paribus.evidence._learners import design
from paribus.evidence._rated import About, Rated
from paribus.evidence._shift import shifts
from paribus.evidence._windows import Cells, Windows
from paribus.evidence.base import Check, Line, Row, Weighed
from paribus.observed import Groups, Observed
from paribus.roles import CROSS, MISSING
from paribus.stats.independent import fisher, newcombe
from paribus.stats.windows import Alarm, RunningGap, start_share, watch
from paribus.table import lookup

NO_TIME = (
    "Deployment: no column has the role of time, so nothing is said of what happens after release; "
    'a log with a date for each row shows it (time = "...", every = "month").'
)
NO_DECISION = (
    "Deployment: the log has no decisions, so no selection rate can be followed over time."
)
CLASSES = (
    "Deployment: labels are of several classes; name the favorable ones (favorable = ...) to "
    "follow them over time."
)
FEEDBACK = (
    "Feedback is a simulation under stated assumptions, not a forecast: nobody's features change, "
    "the same share is always selected by the highest scores, labels are those on record and are "
    "seen of the selected alone, and the model is a logistic regression that is fitted anew to "
    "them in each round."
)

SELECTION = "selection rate"
RATES = (SELECTION, "true positive rate", "false positive rate")
Floats = npt.NDArray[np.float64]


class Deployment(Check):
    """Gaps of rates window by window, with an alarm that holds however often one looks.

    The claim that is held against the tolerance: over some span of windows that ends at the last
    one seen, the mean of the true gaps of its windows is beyond the tolerance. Each window counts
    by ``A B / (A + B)``, of `A` people in the group and `B` in the reference. Rates may drift
    together as they like.
    """

    kind: Literal["deployment"] = "deployment"
    rounds: Whole = pydantic.Field(default=6, ge=2, le=50)
    """Rounds of the simulation of feedback."""
    repeats: Whole = pydantic.Field(default=20, ge=2, le=1_000)
    """How often it is repeated."""

    def weigh(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        rows: list[Row] = []
        lines: list[Line] = []
        notes: list[str] = []
        for part in (
            self._watched(observed, tolerance, confidence),
            self._fed_back(observed, confidence),
        ):
            rows += part.rows
            lines += part.lines
            notes += part.notes
        return Weighed(tuple(rows), tuple(lines), tuple(dict.fromkeys(notes)))

    # --- over time --------------------------------------------------------------------------------

    def _watched(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        if observed.roles.time is None:
            return Weighed((), (), (NO_TIME,))
        windows = Windows.of(observed)
        rows: list[Row] = []
        lines: list[Line] = []
        notes = list(_about_windows(windows, observed))
        if not windows.names:
            return Weighed((), (), tuple(notes))
        if observed.decision is None:
            notes.append(NO_DECISION)
        elif _classes(observed):
            notes.append(CLASSES)
        else:
            for attributes in observed.attributes:
                groups = observed.groups(attributes)
                cells = windows.cells(observed, groups, attributes)
                for log in _logs(groups, cells, windows, observed, tolerance, confidence):
                    rows += log.rows()
                    lines += log.lines()
                    notes += log.notes()
        if len(windows.names) > 1:
            shifted, told = shifts(observed, windows, confidence)
            rows += shifted
            notes += told
        return Weighed(tuple(rows), tuple(lines), tuple(notes))

    # --- feedback ---------------------------------------------------------------------------------

    def _fed_back(self, observed: Observed, confidence: float) -> Weighed:
        start = _Start.of(observed)
        if start is None:
            return Weighed(())
        found = simulate(
            start.x,
            start.label,
            {name: (codes, len(told)) for name, (codes, told) in start.groups.items()},
            start.first,
            start.share,
            self.rounds,
            self.repeats,
            observed.seed,
        )
        rows: list[Row] = []
        lines: list[Line] = []
        for attribute, rounds in found.items():
            codes, told = start.groups[attribute]
            sizes = np.bincount(codes, minlength=len(told))
            rows += _changes(attribute, told, start.reference[attribute], rounds, sizes, confidence)
            lines += _courses(attribute, told, rounds, sizes, confidence)
        return Weighed(tuple(rows), tuple(lines), (FEEDBACK,) if rows else ())


def _about_windows(windows: Windows, observed: Observed) -> Iterator[str]:
    rows = len(observed.source)
    if windows.missing:
        yield (
            f'"{observed.roles.time}" is missing in {count(windows.missing, "row")} of {rows:,}: '
            "they are in no window of time."
        )
    if len(windows.names) == 1:
        yield (
            f"Deployment: all rows are of one window ({named(windows.names[0])}), so nothing can "
            "be said of change over time."
        )


def _classes(observed: Observed) -> bool:
    """Tell whether nobody says which of several classes are favorable."""
    if observed.roles.outcome != "label" or observed.roles.favorable is not None:
        return False
    table = observed.table
    held = [
        value
        for column in (observed.roles.label, observed.roles.decision)
        if column in table.keys
        for value in table.levels[table.keys.index(column)]
    ]
    return any(value is not None and value not in (0, 1) for value in held)


def _logs(
    groups: Groups,
    cells: Cells,
    windows: Windows,
    observed: Observed,
    tolerance: float,
    confidence: float,
) -> Iterator[_Log]:
    """Give each group's log against the reference, by rate."""
    weight = observed.roles.weight
    largest = observed.source.range(weight)[1] if weight else 1.0
    others = [g for g in range(len(groups.names)) if g != groups.reference]
    compared = max(1, sum(not groups.unknown[g] for g in others))
    people = cells.count.sum(axis=(2, 3))
    # Of crossed groups few people are left once their labels are told apart.
    for rate in RATES if CROSS not in groups.attribute else RATES[:1]:
        parts = {what: cells.part(what, rate) for what in ("count", "weight", "square")}
        if not parts["count"].any():
            continue
        for g in others:
            pair = [g, groups.reference]
            yield _Log.of(
                groups=groups,
                group=g,
                rate=rate,
                windows=windows.names,
                people=people[:, pair],
                parts={what: part[:, pair] for what, part in parts.items()},
                largest=largest if largest > 0 else 1.0,
                tolerance=tolerance,
                alpha=(1.0 - confidence) / compared,
                confidence=confidence,
            )


@dataclass(frozen=True, eq=False)
class _Log:
    """One rate of a group and the reference, window by window."""

    groups: Groups
    group: int
    rate: str
    windows: tuple[str, ...]
    people: Floats
    """Rows of both, shape (T, 2)."""
    answered: Floats
    """Those that the rate is about and whose decision is known."""
    rated: Rated
    """Shape (T, 2)."""
    gap: RunningGap
    alarm: Alarm
    tolerance: float
    confidence: float

    @classmethod
    def of(
        cls,
        *,
        parts: dict[str, Floats],
        largest: float,
        tolerance: float,
        alpha: float,
        **more: Any,
    ) -> _Log:
        trials = {what: part.sum(axis=2) for what, part in parts.items()}
        rated = Rated.of(
            parts["weight"][..., 1], trials["weight"], trials["square"], trials["count"]
        )
        gap = RunningGap.of(parts["weight"], parts["square"], largest)
        alarm = watch(gap, tolerance, alpha)
        return cls(
            answered=trials["count"], rated=rated, gap=gap, alarm=alarm, tolerance=tolerance, **more
        )

    @property
    def both(self) -> npt.NDArray[np.intp]:
        """Windows that have people of both groups."""
        return np.flatnonzero(self.rated.defined.all(axis=1))

    def rows(self) -> Iterator[Row]:
        both = self.both
        if not len(both):
            return
        low, high = self._intervals(both)
        p = np.atleast_1d(fisher(*self._sides(both)))
        for i in sorted({0, len(both) - 1}):
            window = int(both[i])
            yield self._row(
                self.rate,
                window,
                window,
                estimate=float(self._gaps[window]),
                low=float(low[i]),
                high=float(high[i]),
                p=float(p[i]),
            )
        last = len(self.windows) - 1
        yield self._over_time(self.alarm.start, self.alarm.end, held=self._held)
        if (self.alarm.start, self.alarm.end) != (0, last):
            yield self._over_time(0, last, held=False)

    @property
    def _held(self) -> bool:
        return self.rate == SELECTION and not bool(self.groups.unknown[self.group])

    @property
    def _gaps(self) -> Floats:
        rate = self.rated.rate
        return np.asarray(rate[:, 0] - rate[:, 1])

    def _sides(self, both: npt.NDArray[np.intp]) -> tuple[Floats, Floats, Floats, Floats]:
        k, n = self.rated.k[both], self.rated.n[both]
        return k[:, 0], n[:, 0], k[:, 1], n[:, 1]

    def _intervals(self, both: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        low, high = newcombe(*self._sides(both), self.confidence)
        gaps = self._gaps[both]
        return np.minimum(low, gaps), np.maximum(high, gaps)

    def _over_time(self, start: int, end: int, *, held: bool) -> Row:
        """Give the mean gap of a span of windows, with an interval that holds for all spans."""
        part, share = self.gap.span(start, end), start_share(start)
        low, high = part.confidence_sequence(1.0 - (1.0 - self.confidence) * share)
        estimate = float(part.estimate[0])
        claims: dict[str, Any] = {}
        if held:
            whole = (start, end) == (0, len(self.windows) - 1)
            claims = {
                "held": True,
                "p_outside": self.alarm.p,
                # A span that was chosen by its gap can prove no absence of one.
                "p_within": _p(float(part.log_e_within(self.tolerance)[0])) if whole else 1.0,
                "claim": self._claim(start, end, estimate),
            }
        return self._row(
            "gap over time" if self.rate == SELECTION else f"{self.rate} gap over time",
            start,
            end,
            estimate=estimate,
            low=min(float(low[0]), estimate),
            high=max(float(high[0]), estimate),
            p=_p(float(part.log_e_outside(0.0)[0]) + math.log(share)),
            method=f"confidence sequence over windows and spans; {self._told}",
            **claims,
        )

    def _row(self, unit: str, start: int, end: int, **numbers: Any) -> Row:
        first, last = self.windows[start], self.windows[end]
        about = About(
            "deployment",
            "deployment",
            self.groups,
            self.confidence,
            first if start == end else f"{first} to {last}",
        )
        return about.row(
            unit,
            self.group,
            relation="difference",
            reference=self.groups.names[self.groups.reference],
            people=int(self.people[start : end + 1].sum()),
            answered=int(self.answered[start : end + 1].sum()),
            **numbers,
        )

    def _claim(self, start: int, end: int, estimate: float) -> str:
        first, last = named(self.windows[start]), named(self.windows[end])
        one, other = named(self.groups.names[self.group]), named(self._reference)
        when = f"In {first}" if start == end else f"From {first} to {last}"
        size = points(abs(estimate)).removeprefix("+")
        side = "below" if estimate < 0 else "above"
        said = f"was on average {size} {side} that of {other}"
        if size == "0.0 points":
            said = f"was on average that of {other}"
        return f"{when}, the {self.rate} of {one} {said}"

    @property
    def _told(self) -> str:
        """Say when the alarm was up, which knows of no other question than its own."""
        first = self.alarm.first
        if first is None:
            return "no alarm was up"
        since = named(self.windows[first])
        up = f"up since {since}" if self.alarm.up[first:].all() else f"first up after {since}"
        return f"for this question alone, its alarm was {up}"

    @property
    def _reference(self) -> str:
        return self.groups.names[self.groups.reference]

    def lines(self) -> Iterator[Line]:
        both = self.both
        if not len(both):
            return
        low, high = self._intervals(both)
        of = "" if self.rate == SELECTION else f" of the {self.rate}"
        yield self._line(f"timeline{of}", both, self._gaps[both], low, high)
        confidence = 1.0 - (1.0 - self.confidence) * start_share(0)
        low, high = self.gap.confidence_sequence(confidence)
        estimate = self.gap.estimate
        low, high = np.minimum(low, estimate), np.maximum(high, estimate)
        yield self._line(f"running gap{of}", both, estimate[both], low[both], high[both])

    def _line(
        self, chart: str, both: npt.NDArray[np.intp], y: Floats, low: Floats, high: Floats
    ) -> Line:
        return Line(
            test="deployment",
            stage="deployment",
            chart=chart,
            attribute=self.groups.attribute,
            group=self.groups.names[self.group],
            x=tuple(both.astype(float).tolist()),
            y=tuple(y.tolist()),
            low=tuple(low.tolist()),
            high=tuple(high.tolist()),
            people=tuple(self.answered[both].sum(axis=1).astype(int).tolist()),
            labels=self.windows,
            alarms=tuple(self.alarm.up[both].tolist()),
        )

    def notes(self) -> Iterator[str]:
        one, other = named(self.groups.names[self.group]), named(self._reference)
        both = self.both
        if self.rate == SELECTION and len(both) < len(self.windows):
            yield (
                f"{self.groups.attribute}: {count(len(self.windows) - len(both), 'window')} of "
                f"{len(self.windows):,} without decisions on both {one} and {other}; no gap there."
            )
        first = self.alarm.first
        if first is None:
            return
        down = np.flatnonzero(~self.alarm.up[first:])
        if self.rate != SELECTION or len(down):
            ended = (
                f", and not up after {named(self.windows[first + down[0]])}" if len(down) else ""
            )
            yield (
                f"{self.groups.attribute}: an alarm for the {self.rate} of {one} against {other} "
                f"was first up after {named(self.windows[first])}{ended}; tolerance "
                f"{percent(self.tolerance)}."
            )


def _p(log_e: float) -> float:
    return max(math.exp(-max(log_e, 0.0)), sys.float_info.min)


# --- feedback -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Start:
    """What the simulation of feedback begins with: rows of the sample whose label is known."""

    x: Floats
    label: npt.NDArray[np.bool_]
    groups: dict[str, tuple[npt.NDArray[np.intp], tuple[str, ...]]]
    reference: dict[str, str]
    first: npt.NDArray[np.intp]
    share: float

    @classmethod
    def of(cls, observed: Observed) -> _Start | None:
        """Give it, or None where there is no label of two values, no feature, or no choice."""
        roles = observed.roles
        if roles.label is None or roles.prediction is not None or _several(observed):
            return None
        label = _status(observed, roles.label, "label")
        known = np.flatnonzero(label >= 0)
        features = design(observed, exclude=[name for name in (roles.time,) if name is not None])
        y = label[known] == 1
        if not features.names or y.all() or not y.any():
            return None
        decided = _decided(observed)
        share = float(y.mean()) if decided is None else float(decided[decided >= 0].mean())
        if not 0.0 < share < 1.0:
            return None
        first = np.arange(len(known), dtype=np.intp)
        if decided is not None:
            chosen = np.flatnonzero(decided[known] == 1)
            if 0 < y[chosen].sum() < len(chosen):
                first = chosen
        every = encode(features, label == 1)[known]
        groups, reference = {}, {}
        for attribute in roles.by:
            codes, names = observed.codes(attribute)
            mine = np.where(codes < 0, len(names), codes)[known]
            occurs = np.unique(mine)
            told = tuple((*names, MISSING)[i] for i in occurs)
            groups[attribute] = (np.searchsorted(occurs, mine).astype(np.intp), told)
            found = observed.groups((attribute,))
            reference[attribute] = found.names[found.reference]
        return cls(every, y, groups, reference, first, share)


def _several(observed: Observed) -> bool:
    """Tell whether labels are of more than two classes."""
    table = observed.table
    levels = table.levels[table.keys.index(observed.roles.label or "")]
    return observed.roles.outcome == "label" and sum(v is not None for v in levels) > 2


def _status(observed: Observed, column: str, what: str) -> npt.NDArray[np.int32]:
    """Say of each row of the sample whether it is favorable (1), not (0) or missing (-1)."""
    table = observed.table
    levels = [v for v in table.levels[table.keys.index(column)] if v is not None]
    good = observed.favorable(levels, what)
    at = np.array([int(i in good) for i in range(len(levels))] + [-1], np.int32)
    return np.asarray(at[lookup(observed.sample.column(column, slice(None)).arrow(), levels)])


def _decided(observed: Observed) -> npt.NDArray[np.int32] | None:
    roles = observed.roles
    if roles.decision is not None:
        decided = _status(observed, roles.decision, "decision")
    elif roles.score is not None and roles.threshold is not None:
        column = observed.sample.column(roles.score, slice(None)).arrow()
        score = np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
        finite = np.isfinite(score)
        decided = np.where(finite, score >= roles.threshold, -1).astype(np.int32)
    else:
        return None
    return decided if (decided >= 0).any() else None


def _changes(
    attribute: str,
    told: Sequence[str],
    reference: str,
    rounds: Rounds,
    sizes: npt.NDArray[np.intp],
    confidence: float,
) -> Iterator[Row]:
    """Give how each group's gap of selection rates changes from the first to the last round."""
    if reference not in told:
        return
    ref = told.index(reference)
    met = rounds.came & rounds.came[..., [ref]]
    usable = met[:, 0] & met[:, -1]
    gaps = rounds.selected - rounds.selected[..., [ref]]
    tail = (1.0 - confidence) / 2.0
    for g, name in enumerate(told):
        change = (gaps[:, -1, g] - gaps[:, 0, g])[usable[:, g]]
        if g == ref or not len(change):
            continue
        low, high = np.quantile(change, [tail, 1.0 - tail])
        people, last = int(sizes[g] + sizes[ref]), change.mean()
        yield Row(
            test="deployment",
            stage="deployment",
            unit="feedback gap",
            contrast="group",
            relation="difference",
            scale="share",
            attribute=attribute,
            group=name,
            reference=reference,
            field=SELECTION,
            people=people,
            answered=people,
            estimate=float(last),
            low=min(float(low), float(last)),
            high=max(float(high), float(last)),
            method=f"simulation, round 1 to round {gaps.shape[1]}, {count(len(change), 'repeat')}",
        )


def _courses(
    attribute: str,
    told: Sequence[str],
    rounds: Rounds,
    sizes: npt.NDArray[np.intp],
    confidence: float,
) -> Iterator[Line]:
    """Give each group's rates over the rounds: mean over repeats, and how they spread."""
    tail = (1.0 - confidence) / 2.0
    for chart, rates, known in (
        ("feedback", rounds.selected, rounds.came),
        ("feedback of the true positive rate", rounds.hit, rounds.deserved),
    ):
        for g, name in enumerate(told):
            turns = np.flatnonzero(known[..., g].any(axis=0))
            if not len(turns):
                continue
            each = [rates[known[:, turn, g], turn, g] for turn in turns]
            mean = [float(values.mean()) for values in each]
            spread = [np.quantile(values, [tail, 1.0 - tail]).tolist() for values in each]
            yield Line(
                test="deployment",
                stage="deployment",
                chart=chart,
                attribute=attribute,
                group=name,
                x=tuple((turns + 1.0).tolist()),
                y=tuple(mean),
                low=tuple(min(low, y) for (low, _), y in zip(spread, mean, strict=True)),
                high=tuple(max(high, y) for (_, high), y in zip(spread, mean, strict=True)),
                people=(int(sizes[g]),) * len(turns),
            )
