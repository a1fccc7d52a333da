"""What people forget when a gap has closed: who paid, where it went, and what it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from paribus._text import name, percent
from paribus.comparison import GroupRate, Warned
from paribus.estimators.groups import Groups
from paribus.mitigation.base import Training
from paribus.roles import CROSS
from paribus.studies._scoring import Share
from paribus.studies._trial import Setting, Trial

_SMALL = 30
"""People of a group below which nothing is said of how its rate moved."""

Codes = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


def group_rates(setting: Setting, before: Trial, after: Trial) -> tuple[GroupRate, ...]:
    """Give the favorable rate of each group, from the model as it is and from a candidate."""
    training, rates = setting.training, []
    every = [Groups.of(setting.frame, attributes) for attributes in grouped_by(training)]
    # Of all groups together, so that "proven" is said of none by chance.
    confidence = 1.0 - (1.0 - setting.confidence) / max(sum(map(len, every)), 1)
    for groups in every:
        attributes = groups.attributes
        codes = groups.codes(setting.frame)
        for number, group in enumerate(groups.names):
            rows = codes == number
            weight = None if training.weight is None else training.weight[rows]
            if weight is not None and not weight.any():
                continue
            old, new = Share(before.decisions[rows], weight), Share(after.decisions[rows], weight)
            rates.append(
                GroupRate(
                    attribute=CROSS.join(attributes),
                    group=group,
                    people=int(rows.sum()),
                    before=old.measure(setting.confidence).estimate,
                    after=new.measure(setting.confidence).estimate,
                    change=new.minus(old, confidence),
                )
            )
    return tuple(rates)


def grouped_by(training: Training) -> tuple[tuple[str, ...], ...]:
    """List the attributes alone, and all of them crossed."""
    alone = tuple((attribute,) for attribute in training.attributes)
    return (*alone, training.attributes) if len(alone) > 1 else alone


def concerns(
    setting: Setting, before: Trial, after: Trial, rates: Sequence[GroupRate]
) -> Iterator[Warned]:
    """Say what a reader must know before choosing a candidate."""
    if after.name != before.name:
        yield from _levelled_down(rates)
        yield from _moved(setting, rates, after)
        yield from _calibration(before, after)
    yield from _unseen(setting, after)
    if after.needs:
        listed = ", ".join(name(each) for each in after.needs)
        yield Warned(
            concern="attribute",
            sentence=f"It must know {listed} of whoever is decided about; where that is not known "
            "it cannot be used, and using it may itself be unlawful.",
        )


def _levelled_down(rates: Sequence[GroupRate]) -> Iterator[Warned]:
    for attribute, of in _by_attribute(rates):
        if CROSS in attribute or _spread([r.after for r in of]) >= _spread([r.before for r in of]):
            continue
        fell = [r for r in of if r.change.high < 0]
        if not fell or any(r.change.low > 0 for r in of):
            continue
        worst = min(fell, key=lambda r: r.change.estimate)
        yield Warned(
            concern="levels down",
            sentence=f"The gap of {name(attribute)} closes by making people worse off: the "
            f"favorable rate of {name(worst.group)} falls from {percent(worst.before)} to "
            f"{percent(worst.after)}, and no group's is proven to rise.",
        )


def _moved(setting: Setting, rates: Sequence[GroupRate], after: Trial) -> Iterator[Warned]:
    """Tell where the widest gap of one attribute got smaller, and that of crossed ones did not."""
    spreads = {a: (_spread([r.before for r in of]), _spread([r.after for r in of]), of)
               for a, of in _by_attribute(rates)}  # fmt: skip
    crossed = CROSS.join(setting.training.attributes)
    if len(setting.training.attributes) < 2 or crossed not in spreads:
        return
    alone = [spreads[a][:2] for a in setting.training.attributes if a in spreads]
    # The widest of all: one that was narrow before may well be a little wider by chance.
    was, now = (max((pair[i] for pair in alone), default=0.0) for i in (0, 1))
    if now >= was:
        return
    old, new, of = spreads[crossed]
    held = after.measured.findings if after.measured is not None else ()
    verdicts = {f.verdict for f in held if f.attribute == crossed and f.unit == _PARITY}
    if new >= old and "biased" in verdicts:
        low, high = min(of, key=lambda r: r.after), max(of, key=lambda r: r.after)
        yield Warned(
            concern="crossed groups",
            sentence=f"The gap has moved: by one attribute alone rates differ by {percent(now)} at "
            f"most ({percent(was)} before), but those of crossed groups no less than before, from "
            f"{percent(low.after)} ({name(low.group)}) to {percent(high.after)} "
            f"({name(high.group)}).",
        )


_PARITY = "demographic parity"


def _calibration(before: Trial, after: Trial) -> Iterator[Warned]:
    """Tell where scores are proven to be further off than before, or where there are none left."""
    if before.calibration and not after.calibration:
        yield Warned(
            concern="calibration",
            sentence="Its scores are all 0 or 1: they no longer say how sure a decision is, as "
            "those of the model as it is do.",
        )
        return
    lost = [
        (old, new)
        for old, new in zip(before.calibration, after.calibration, strict=False)
        if new.low > old.high
    ]
    if lost:
        old, new = max(lost, key=lambda pair: pair[1].estimate - pair[0].estimate)
        whose = f"of {name(new.group)} " if new.group else ""
        yield Warned(
            concern="calibration",
            sentence=f"Its scores {whose}are no longer what they were: they are off by "
            f"{percent(new.estimate)} on average, and by {percent(old.estimate)} as the model is.",
        )


def _unseen(setting: Setting, trial: Trial) -> Iterator[Warned]:
    """Tell where the gap is smaller on the rows that a model was fitted on.

    The two levels are those that are furthest apart here, chosen after looking: the claim pays for
    all that could have been chosen, of every attribute and in both directions (Bonferroni).
    The two gaps are those of the same rows, asked of different models, and add up as if they were
    of different ones, which makes a claim harder.
    """
    if trial.seen is None:
        return
    training = setting.training
    cells, names = np.array(training.groups.cells), training.groups.levels
    claims = sum(len(levels) * (len(levels) - 1) for levels in names)
    z = -float(ndtri((1.0 - setting.confidence) / max(claims, 1)))
    weight = len(setting.rests) - 1
    everybody = np.bincount(training.codes, minlength=len(cells)).astype(float)
    good = np.bincount(training.codes, trial.decisions, minlength=len(cells)).astype(float)
    for i, attribute in enumerate(training.attributes):
        levels = len(names[i])
        fresh = _of(cells[:, i], good, everybody, levels)
        # Each row was seen by all models but one.
        fitted = _of(cells[:, i], trial.seen[0] / weight, trial.seen[1] / weight, levels)
        known = (fresh[1] >= _SMALL) & (fitted[1] >= _SMALL)
        if known.sum() < 2:
            continue
        rate = np.where(known, fresh[0] / np.maximum(fresh[1], 1), np.nan)
        high, low = int(np.nanargmax(rate)), int(np.nanargmin(rate))
        learned = fitted[0] / np.maximum(fitted[1], 1)
        gap, was = float(rate[high] - rate[low]), float(learned[high] - learned[low])
        spread = sum(
            float(r[at] * (1 - r[at])) / float(n[at])
            for r, n in ((rate, fresh[1]), (learned, fitted[1]))
            for at in (high, low)
        )
        if gap - was > z * spread**0.5 and gap > abs(was):
            yield Warned(
                concern="unseen people",
                sentence=f"It is fairer to the rows it was fitted on than to people it has not "
                f"seen: favorable rates of {name(attribute)} differ by {percent(abs(was))} there, "
                f"and by {percent(gap)} here.",
            )


def _of(places: Codes, good: Floats, people: Floats, levels: int) -> tuple[Floats, Floats]:
    """Sum cells up by level; people whose level is missing are left out."""
    inside = places < levels
    return (
        np.bincount(places[inside], good[inside], minlength=levels).astype(np.float64),
        np.bincount(places[inside], people[inside], minlength=levels).astype(np.float64),
    )


def _by_attribute(rates: Sequence[GroupRate]) -> Iterator[tuple[str, list[GroupRate]]]:
    for attribute in dict.fromkeys(rate.attribute for rate in rates):
        of = [r for r in rates if r.attribute == attribute and r.people >= _SMALL]
        if len(of) > 1:
            yield attribute, of


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)
