"""The audit's own verdict, before and after: gaps of groups and of twins must be found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import ndtri

from paribus._text import name, number, percent, points
from paribus.auditing import audit
from paribus.errors import DataError
from paribus.evidence.counterfactual import Counterfactual
from paribus.findings import Finding
from paribus.measuring import metrics
from paribus.record import Record
from paribus.stats.moments import Moments, mean_interval
from paribus.studies._assessment import Agreement, KeptVerdict
from paribus.studies._released import Codes, Floats, Released, coded, texts
from paribus.studies._usefulness import Fits, Task, labels_of

Source = Literal["table", "model", "twins"]

Decisions = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Held:
    """What findings are held against."""

    tolerance: float
    confidence: float
    seed: int


def group_gaps_of_tables(
    released: Released,
    label: str,
    classes: Sequence[str],
    protect: Mapping[str, tuple[Any, ...]],
    settings: Held,
) -> tuple[Agreement, ...]:
    """Find the gaps between groups in the tables themselves again."""
    found = []
    good = len(classes) - 1
    for attribute in protect:
        sides = []
        for table in (released.original, released.anonymized):
            if attribute not in table.column_names:
                continue
            codes = labels_of(table, label, classes)
            known = codes >= 0
            groups = texts(table[attribute]).filter(pa.array(known))
            sides.append(_Groups(attribute, groups, codes[known] == good))
        found += _found_again(
            "table", attribute, sides, paired=False, exact=released.aligned, settings=settings
        )
    return tuple(found)


def group_gaps_of_models(task: Task, fits: Fits, settings: Held) -> tuple[Agreement, ...]:
    """Find the gaps between groups under a model learned from either table again."""
    found = []
    for attribute in task.protect:
        if attribute not in task.test_before.columns:
            continue
        values = [None if _missing(v) else _written(v) for v in task.test_before[attribute]]
        groups = pa.array(values, pa.string())
        good = task.truth == task.favorable
        sides = [
            _Groups(attribute, groups, decided == task.favorable, good) for decided in fits.decided
        ]
        found += _found_again(
            "model", attribute, sides, paired=True, exact=task.same, settings=settings
        )
    return tuple(found)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _written(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Favorable decisions about people of groups, and who deserved one, if that is known."""

    attribute: str
    groups: pa.Array
    decided: Decisions
    truth: Decisions | None = None

    def findings(self, settings: Held) -> list[Finding]:
        # No name of ours may be the name of the attribute.
        decision, label = f"{self.attribute} decided", f"{self.attribute} true"
        columns = {self.attribute: self.groups, decision: self.decided.astype(np.int64)}
        if self.truth is not None:
            columns[label] = self.truth.astype(np.int64)
        record = metrics(
            pa.table(columns),
            by=self.attribute,
            decision=decision,
            label=None if self.truth is None else label,
            favorable=1,
            tolerance=settings.tolerance,
            confidence=settings.confidence,
            seed=settings.seed,
        )
        return [each for each in record.findings if each.test == "group"]

    def parts(self, unit: str) -> list[Decisions]:
        """Give the people whose rates a criterion compares, part by part."""
        if unit != "equalized odds" or self.truth is None:
            return [np.ones(len(self.decided), bool)]
        return [self.truth, ~self.truth]


def _found_again(
    source: Source,
    attribute: str,
    sides: Sequence[_Groups],
    *,
    paired: bool,
    exact: bool,
    settings: Held,
) -> list[Agreement]:
    found = []
    again: dict[str, Finding] = {}
    if len(sides) == 2:
        again = {each.unit: each for each in sides[1].findings(settings)}
    for before in sides[0].findings(settings):
        after = again.get(before.unit)
        base = _agreement(source, before)
        if after is None:
            said = f"{_gap(base)} cannot be found again: the result has too little left of it."
            found.append(base.model_copy(update={"sentence": said}))
            continue
        low = high = after.estimate - before.estimate
        if not exact:
            low, high = _spread_change(sides, before.unit, paired, settings.confidence)
            low, high = (
                min(low, after.estimate - before.estimate),
                max(high, after.estimate - before.estimate),
            )
        found.append(_compared(base, after, (low, high), settings))
    return found


def _agreement(source: Source, before: Finding) -> Agreement:
    return Agreement(
        source=source, unit=before.unit, attribute=before.attribute, reference=before.reference,
        group=before.group, people=before.people, before=before.estimate, before_low=before.low,
        before_high=before.high, before_verdict=before.verdict, verdict="changed", sentence="",
    )  # fmt: skip


def _compared(
    base: Agreement, after: Finding, interval: tuple[float, float] | None, settings: Held
) -> Agreement:
    change = after.estimate - base.before
    verdict: KeptVerdict = "kept" if base.before_verdict == after.verdict else "changed"
    limit = settings.tolerance
    low = high = None
    if interval is not None:
        low, high = interval
        if max(abs(low), abs(high)) <= limit:
            verdict = "kept"
        else:
            verdict = "changed" if low > limit or high < -limit else "inconclusive"
    full = base.model_copy(
        update={
            "after": after.estimate, "after_low": after.low, "after_high": after.high,
            "after_verdict": after.verdict, "difference": change, "low": low, "high": high,
            "verdict": verdict,
        }
    )  # fmt: skip
    return full.model_copy(update={"sentence": _said(full, settings)})


def _gap(one: Agreement) -> str:
    where = {"table": "in the table", "model": "under a model", "twins": "of twins under a model"}
    about = name(one.attribute)
    if one.group:
        about += f", {name(one.group)} against {name(one.reference)}"
    return f"{one.unit.capitalize()} by {about} ({where[one.source]})"


def _said(one: Agreement, settings: Held) -> str:
    assert one.after is not None
    assert one.difference is not None
    shares = abs(one.before) <= 1 and abs(one.after) <= 1
    show: Callable[[float], str] = points
    if not shares:
        show = number
    elif one.before >= 0 and one.after >= 0:
        show = percent
    if one.agrees:
        word = f"the audit says {one.before_verdict} of both"
    else:
        word = f"the audit says {one.before_verdict} before and {one.after_verdict} after"
    held_up = {
        "kept": f"a change of more than {percent(settings.tolerance)} is ruled out",
        "changed": f"a change of more than {percent(settings.tolerance)} is proven",
        "inconclusive": "whether it changed by more than "
        f"{percent(settings.tolerance)} is not proven",
    }[one.verdict]
    if one.low is None:
        held_up = ""
    elif one.low == one.high:
        held_up = {
            "table": "both tables are about the same people, so the change is exact",
            "model": "what the models see is the same in both tables",
            "twins": "what the models see is the same in both tables",
        }[one.source]
    tail = f"; {held_up}" if held_up else ""
    return f"{_gap(one)}: {show(one.before)} before, {show(one.after)} after; {word}{tail}."


def _spread_change(
    sides: Sequence[_Groups], unit: str, paired: bool, confidence: float
) -> tuple[float, float]:
    """Bound the change of the largest difference between groups.

    The largest difference after is at least that of the pair of groups that was farthest apart,
    and so changes by no less than that pair's; and before and after change places. Which pair it
    is, is not known for sure: every pair is looked at that may be, with intervals that hold
    together (Bonferroni). The change of one pair is the mean over people of its influence.
    """
    codes, pool = coded(*(side.groups for side in sides))
    rates = []
    for side, groups in zip(sides, codes, strict=True):
        parts = side.parts(unit)
        rates.append([_Rates.of(side.decided, groups, part, len(pool)) for part in parts])
    pairs = [
        (part, one, other)
        for part in range(len(rates[0]))
        for one in range(len(pool))
        for other in range(len(pool))
        if one != other and all(_seen(each[part], one, other) for each in rates)
    ]
    if not pairs:
        return -1.0, 1.0
    level = 1.0 - (1.0 - confidence) / (3 * len(pairs))
    z = -float(ndtri((1.0 - level) / 2.0))
    changes, gaps = [], []
    for part, one, other in pairs:
        mine = [each[part].gap(one, other) for each in rates]
        halves = [z * each[part].error(one, other) for each in rates]
        gaps.append([(gap - half, gap + half) for gap, half in zip(mine, halves, strict=True)])
        if paired:
            both = rates[1][part].influence(one, other) - rates[0][part].influence(one, other)
            half = z * sqrt(float(both @ both)) / len(both)
            # Two models that agree on everybody seen may still differ on somebody.
            least = sum(-np.expm1(np.log(1 - level) / rates[0][part].n[g]) for g in (one, other))
            half = max(half, min(1.0, float(least)) if not both.any() else 0.0)
        else:
            half = sqrt(halves[0] ** 2 + halves[1] ** 2)
        change = mine[1] - mine[0]
        changes.append((change - half, change + half))
    low = min(changes[i][0] for i in _farthest([gap[0] for gap in gaps]))
    high = max(changes[i][1] for i in _farthest([gap[1] for gap in gaps]))
    # Also, no more than what the two differences by themselves allow.
    ends = [[max(gap[side][end] for gap in gaps) for end in (0, 1)] for side in (0, 1)]
    low = max(low, max(ends[1][0], 0.0) - ends[0][1])
    high = min(high, ends[1][1] - max(ends[0][0], 0.0))
    return max(-1.0, low), min(1.0, high)


def _farthest(intervals: Sequence[tuple[float, float]]) -> list[int]:
    """Give the places of those that may be the largest."""
    most = max(low for low, _ in intervals)
    return [i for i, (_, high) in enumerate(intervals) if high >= most]


def _seen(rates: _Rates, one: int, other: int) -> bool:
    return bool(rates.n[one] > 0 and rates.n[other] > 0)


@dataclass(frozen=True, eq=False)
class _Rates:
    """Rates of favorable decisions by group."""

    decided: Floats
    groups: Codes
    n: Floats
    rate: Floats

    @classmethod
    def of(cls, decided: Decisions, groups: Codes, part: Decisions, levels: int) -> _Rates:
        mine = np.where(part, groups, -1)
        known = mine >= 0
        n = np.bincount(mine[known], minlength=levels).astype(np.float64)
        k = np.bincount(mine[known], weights=decided[known], minlength=levels)
        return cls(decided.astype(np.float64), mine, n, k / np.maximum(n, 1.0))

    def gap(self, one: int, other: int) -> float:
        return float(self.rate[one] - self.rate[other])

    def error(self, one: int, other: int) -> float:
        # One favorable and one unfavorable person more in each group (Agresti and Caffo 2000).
        n = self.n[[one, other]] + 2.0
        p = (self.rate[[one, other]] * self.n[[one, other]] + 1.0) / n
        return float(np.sqrt((p * (1.0 - p) / n).sum()))

    def influence(self, one: int, other: int) -> Floats:
        out = np.zeros(len(self.decided))
        for level, sign in ((one, 1.0), (other, -1.0)):
            rows = self.groups == level
            out[rows] = sign * (self.decided[rows] - self.rate[level]) / self.n[level]
        return cast("Floats", out * len(out))


# --- twins ----------------------------------------------------------------------------------------


def twin_gaps(
    task: Task, fits: Fits, fields: Mapping[str, Any] | None, settings: Held
) -> tuple[tuple[Agreement, ...], tuple[str, ...]]:
    """Audit both models with the same twins, and compare what is found.

    Returns
    -------
    agreements : tuple of Agreement
    notes : tuple of str
        Why there are fewer than one would expect.

    Raises
    ------
    ParibusError
        Where the audit of the original refuses, such as for a field that does not fit.
    """
    protect, notes = {}, []
    keep = np.ones(len(task.truth), bool)
    for each, declared in task.protect.items():
        if each not in task.test_before.columns:
            continue
        values = np.array([_written(value) for value in task.test_before[each]], dtype=object)
        held = set(values.tolist())
        levels = [level for level in declared if _spellings(level) & held]
        if len(levels) < 2:
            notes.append(f"The people held out have one level of {name(each)}: they have no twins.")
            continue
        protect[each] = levels
        known = set().union(*(_spellings(level) for level in levels))
        keep &= np.array([value in known for value in values])
    if not protect or not keep.any():
        return (), tuple(notes)

    def audited(model: Any, people: Any) -> Record:
        return audit(
            model,
            protect=protect,
            fields=fields,
            data=people[keep].reset_index(drop=True),
            favorable=task.favorable,
            features=list(task.features),
            outcome="decision" if len(task.classes) == 2 else "label",
            tests=[Counterfactual()],
            tolerance=settings.tolerance,
            confidence=settings.confidence,
            seed=settings.seed,
        )

    before = audited(fits.before, task.test_before)
    after: Record | None = before
    if not task.same:
        try:
            after = audited(fits.after, task.test_after)
        except DataError as error:
            # The result has no such level any more, say.
            after = None
            notes.append(f"Twins cannot be made as the result has people: {error.message}.")
    return _twins_again(before, after, task.favorable, settings, exact=task.same), tuple(notes)


def _spellings(level: Any) -> set[str]:
    return {str(level), _written(float(level) if isinstance(level, int) else level)}


def _twins_again(
    before: Record, after: Record | None, favorable: int, settings: Held, *, exact: bool
) -> tuple[Agreement, ...]:
    def key(one: Finding) -> tuple[str, ...]:
        return (one.unit, one.contrast, one.attribute, one.reference, one.group)

    again = {} if after is None else {key(each): each for each in after.findings}
    tables = [record.pairs("pandas") for record in (before, after) if record is not None]
    found = []
    for each in before.findings:
        other = again.get(key(each))
        base = _agreement("twins", each)
        if other is None:
            said = f"{_gap(base)} cannot be found again."
            found.append(base.model_copy(update={"sentence": said}))
            continue
        change = other.estimate - each.estimate
        interval: tuple[float, float] | None = (change, change)
        if not exact:
            interval = _twin_change(tables, each, favorable, settings.confidence)
        found.append(_compared(base, other, interval, settings))
    return tuple(found)


def _twin_change(
    tables: Sequence[Any], finding: Finding, favorable: int, confidence: float
) -> tuple[float, float] | None:
    """Bound the change of a rate over the same twins: the mean of what it is for each person."""
    units = ("flip rate", "net gap", "label change rate")
    if finding.unit not in units or finding.contrast == "placebo":
        return None
    values = []
    for table in tables:
        rows = table[
            (table["attribute"] == finding.attribute)
            & (table["reference"].astype(str) == finding.reference)
            & (table["group"].astype(str) == finding.group)
        ].sort_values("person", kind="stable")
        group, reference = rows["group_answer"].to_numpy(), rows["reference_answer"].to_numpy()
        gap = (group == favorable).astype(np.float64) - (reference == favorable)
        if finding.unit == "label change rate":
            gap = (group != reference).astype(np.float64)
        values.append(np.abs(gap) if finding.unit == "flip rate" else gap)
    if len(values[0]) != len(values[1]) or not len(values[0]):
        return None
    change = values[1] - values[0]
    low, high = mean_interval(Moments.of(change), confidence, spread=1.0)
    return max(-2.0, low), min(2.0, high)


def together(parts: Sequence[KeptVerdict]) -> KeptVerdict:
    """Sum verdicts up: changed where one is, kept where all are."""
    if "changed" in parts:
        return "changed"
    return "kept" if parts and all(part == "kept" for part in parts) else "inconclusive"
