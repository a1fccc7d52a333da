"""Whether training serves everybody: errors by group, calibration, and what more data would give.

Errors are those of the model's own decisions (or of its scores, cut so that as many are favored as
truly are) where the table has them and labels. Else, and for the learning curve always, a
*stand-in* answers: trees that learn the label from all features in one half of the rows and are
judged by the other half alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pydantic

from paribus._plugins import Whole
from paribus._seeds import generator
from paribus._text import count, name, percent, points
from paribus.errors import DataError, SpecError
from paribus.evidence._error_rates import ErrorRates, People, of_rows, of_table
from paribus.evidence._learners import Design, design, probabilities
from paribus.evidence._learning_curve import FEWEST, benefit, errors_by_size, training_sizes, wrong
from paribus.evidence.base import Check, Line, Row, Weighed
from paribus.observed import Observed
from paribus.roles import CROSS
from paribus.stats.calibration import expected_calibration_error, recalibration, reliability
from paribus.stats.folds import folds
from paribus.stats.independent import wilson
from paribus.stats.moments import Moments, mean_interval

_CLASSES = 20
"""Values of a label up to which it has classes."""

_DRAWS = 500
"""Simulated tables behind a calibration error."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


class Training(Check):
    """Errors, calibration and learning curves by group."""

    kind: Literal["training"] = "training"
    sizes: Whole = pydantic.Field(default=6, ge=2, le=20)
    """Points of the learning curve."""
    repeats: Whole = pydantic.Field(default=5, ge=2, le=50)
    """Random training sets of each size."""

    def weigh(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        """Weigh the errors of each group of each attribute.

        Held is one row for each attribute: the largest difference of error rates between any two
        groups whose attribute is known, unless the table has decisions and labels, whose error
        rates another check holds. Its p-values count all pairs: the claim that some pair is beyond
        the tolerance by Bonferroni, the claim that none is by the largest (Berger 1982).
        """
        if observed.roles.label is None:
            return Weighed((), (), ("There is no label, so errors cannot be counted.",))
        if observed.roles.prediction is not None:
            return _of_numbers(observed, confidence)
        task = _Task.of(observed)
        if isinstance(task, str):
            return Weighed((), (), (task,))
        notes: list[str] = []
        rows: list[Row] = []
        lines: list[Line] = []
        answers = _answers(observed, task, notes)
        if observed.roles.weight is not None:
            whose = "learners" if observed.decision is not None else "learners and their errors"
            notes.append(f"Weights play no part for {whose}: every row counts once.")
        for attributes in observed.attributes:
            people = People.of(observed, attributes)
            rates = (
                of_table(observed, attributes)
                if observed.decision is not None
                else of_rows(people, answers.rows, answers.wrong)
            )
            what = ErrorRates(CROSS.join(attributes), rates, tolerance, confidence)
            rows.extend(what.rows(held=observed.decision is None, stand_in=answers.stand_in))
            if answers.scores is not None:
                more = tuple(_calibrations(observed, people, answers, confidence))
                rows.extend(each for each in more if isinstance(each, Row))
                lines.extend(each for each in more if isinstance(each, Line))
        for row, drawn, said in _curves(self, observed, task, confidence):
            rows.extend(row)
            lines.extend(drawn)
            notes.append(said)
        return Weighed(tuple(rows), tuple(lines), tuple(notes))


# --- what is learned ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Task:
    """Labels of the sample as classes, and what they are learned from."""

    design: Design
    target: Codes
    """Class of each row, -1 where the label is missing."""
    classes: int
    favorable: tuple[int, ...]
    """Classes that are good for a person; empty where nobody says so."""
    fit: Rows
    test: Rows

    @classmethod
    def of(cls, observed: Observed) -> _Task | str:
        """Take the label for classes, or say why it cannot be."""
        label = str(observed.roles.label)
        tally = observed.table
        levels = tally.levels[tally.keys.index(label)]
        if sum(level is not None for level in levels) > _CLASSES:
            return (
                f"The label {name(label)} has more than {_CLASSES} values, so it has no classes "
                "whose errors could be counted."
            )
        target, names = observed.codes(label)
        known = np.flatnonzero(target >= 0)
        if len(np.unique(target[known])) < 2:
            return f"The label {name(label)} has one value only, so there is nothing to learn."
        try:
            favorable = observed.favorable(levels, "label")
        except (DataError, SpecError):
            favorable = ()
        part = folds(target[known], 2, observed.seed)
        return cls(
            design(observed),
            target,
            len(names),
            favorable if len(names) == 2 and len(favorable) == 1 else (),
            known[part == 0],
            known[part == 1],
        )


@dataclass(frozen=True, eq=False)
class _Answers:
    """What a score or a stand-in said of some rows of the sample, and whether it was wrong."""

    rows: Rows
    wrong: Floats
    scores: Floats | None
    """Chance of the favorable label, where there is one."""
    truth: Mask
    stand_in: bool


def _answers(observed: Observed, task: _Task, notes: list[str]) -> _Answers:
    scored = observed.roles.score is not None and task.favorable
    if scored:
        return _scored(observed, task, notes)
    if observed.decision is None:
        notes.append(
            "There are no decisions and no scores: errors are those of a stand-in model, which "
            "learned the label from all features in one half of the rows and was judged by the "
            "other."
        )
    if len(task.fit) + len(task.test) < FEWEST:
        notes.append(
            f"With labels of {count(len(task.fit) + len(task.test), 'row')} a learner finds next "
            "to nothing."
        )
    if not task.design.names:
        notes.append("There are no features, so the stand-in model knows shares of labels alone.")
    shares = probabilities(
        task.design, task.target, task.fit, task.test, observed.seed, task.classes
    )
    good = task.favorable[0] if task.favorable else None
    return _Answers(
        task.test,
        wrong(shares, task.target[task.test]),
        None if good is None else shares[:, good],
        task.target[task.test] == (-1 if good is None else good),
        stand_in=True,
    )


def _scored(observed: Observed, task: _Task, notes: list[str]) -> _Answers:
    column = observed.sample.column(str(observed.roles.score), slice(None)).arrow()
    every = _as_numbers(column)
    rows = np.flatnonzero(np.isfinite(every) & (task.target >= 0))
    scores, truth = every[rows], task.target[rows] == task.favorable[0]
    if observed.decision is None:
        notes.append(
            "There are no decisions: scores are cut where as many people are favored as truly "
            "have the favorable label."
        )
    cut = np.quantile(scores, 1 - truth.mean(), method="higher") if len(scores) else 0.0
    missed = ((scores >= cut) != truth).astype(np.float64)
    chances = bool(len(scores)) and scores.min() >= 0 and scores.max() <= 1
    if not chances:
        notes.append("Scores are no chances between 0 and 1, so their calibration is not defined.")
    return _Answers(rows, missed, scores if chances else None, truth, stand_in=False)


def _as_numbers(column: Any) -> Floats:
    import pyarrow as pa

    flat = column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
    values: Floats = flat.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values


# --- numbers --------------------------------------------------------------------------------------


def _of_numbers(observed: Observed, confidence: float) -> Weighed:
    """Weigh the mean absolute error of predicted numbers, in their own unit."""
    sample, roles = observed.sample, observed.roles
    truth, told = (
        _as_numbers(sample.column(str(each), slice(None)).arrow())
        for each in (roles.label, roles.prediction)
    )
    # Numbers beyond 1e100 have no square.
    errors = np.abs(np.clip(told, -1e99, 1e99) - np.clip(truth, -1e99, 1e99))
    rows = []
    for attributes in observed.attributes:
        people = People.of(observed, attributes)
        for at, group in enumerate(people.names):
            mine = errors[people.codes == at]
            known = Moments.of(mine[np.isfinite(mine)])
            if not known.count:
                continue
            low, high = mean_interval(known, confidence, known.high)
            rows.append(
                Row(
                    test="training",
                    stage="training",
                    contrast="group",
                    unit="mean absolute error",
                    relation="value",
                    attribute=people.attribute,
                    reference="",
                    group=group,
                    people=len(mine),
                    answered=known.count,
                    estimate=known.mean,
                    low=max(0.0, min(low, known.mean)),
                    high=max(high, known.mean),
                    method="Student",
                )
            )
    return Weighed(
        tuple(rows),
        (),
        ("Labels are numbers: the learning curve and calibration are for labels of classes.",),
    )


# --- calibration ----------------------------------------------------------------------------------


def _calibrations(
    observed: Observed, people: People, answers: _Answers, confidence: float
) -> Iterator[Row | Line]:
    """Give the calibration error and slope of each group, and its reliability diagram."""
    assert answers.scores is not None
    codes = people.codes[answers.rows]
    whose = "stand-in model" if answers.stand_in else "score"
    for at, group in enumerate(people.names):
        mine = codes == at
        size = int(mine.sum())
        if not size:
            continue
        table = np.ones(size), answers.truth[mine].astype(np.float64), answers.scores[mine]
        about: dict[str, Any] = {"test": "training", "stage": "training", "group": group}
        about["attribute"] = people.attribute
        shared: dict[str, Any] = {"contrast": "group", "relation": "value", "reference": ""}
        shared |= {"people": size, "answered": size}
        rng = generator(observed.seed, f"training/calibration/{people.attribute}/{group}", 0)
        bins = observed.roles.bins
        error = expected_calibration_error(*table, rng, bins, confidence, draws=_DRAWS)
        yield Row(
            **about,
            **shared,
            unit="calibration error",
            scale="share",
            estimate=error.estimate,
            low=min(error.low, error.estimate),
            high=max(error.high, error.estimate),
            expected=error.chance,
            p=error.p,
            method=f"{whose}, {bins} bins; chance alone would show {percent(error.chance)}",
        )
        fitted = recalibration(*table, confidence)
        if fitted.defined:
            slope = fitted.slope
            yield Row(
                **about,
                **shared,
                unit="calibration slope",
                scale="number",
                estimate=slope.estimate,
                low=slope.low,
                high=slope.high,
                method=f"{whose}, logistic recalibration",
            )
        points_ = reliability(*table, bins, confidence)
        yield Line(
            **about,
            chart="calibration",
            x=tuple(points_.score.tolist()),
            y=tuple(points_.observed.tolist()),
            low=tuple(points_.low.tolist()),
            high=tuple(points_.high.tolist()),
            people=tuple(np.rint(points_.n).astype(int).tolist()),
        )


# --- learning curves ------------------------------------------------------------------------------


def _curves(
    check: Training, observed: Observed, task: _Task, confidence: float
) -> Iterator[tuple[list[Row], list[Line], str]]:
    """Learn from more and more people, and judge by those of the smallest and largest group."""
    sizes = training_sizes(len(task.fit), check.sizes)
    if not sizes or not task.design.names:
        yield [], [], "There are too few people (or no features) for a learning curve."
        return
    errors = errors_by_size(
        task.design,
        task.target,
        task.classes,
        task.fit,
        task.test,
        sizes,
        check.repeats,
        observed.seed,
    )
    for attribute in observed.roles.by:
        people = People.of(observed, (attribute,))
        codes = people.codes[task.test]
        tested = np.bincount(codes, minlength=len(people.names))
        known = [at for at in range(len(people.names)) if tested[at] and not people.unknown[at]]
        if not known:
            continue
        smallest, largest = (pick(known, key=lambda at: tested[at]) for pick in (min, max))
        lines = []
        for at in dict.fromkeys((smallest, largest)):
            share = [each[:, codes == at].mean() for each in errors]
            n = int(tested[at])
            low, high = wilson(np.array(share) * n, np.full(len(share), n), confidence)
            lines.append(
                Line(
                    test="training",
                    stage="training",
                    chart="learning curve",
                    attribute=attribute,
                    group=people.names[at],
                    x=tuple(float(size) for size in sizes),
                    y=tuple(float(each) for each in share),
                    low=tuple(np.minimum(low, share).tolist()),
                    high=tuple(np.maximum(high, share).tolist()),
                    people=(n,) * len(sizes),
                )
            )
        mine = codes == smallest
        found = benefit(errors[-2][:, mine], errors[-1][0, mine], sizes[-2] / sizes[-1], confidence)
        row = Row(
            test="training",
            stage="training",
            contrast="group",
            unit="benefit of more data",
            relation="value",
            scale="share",
            attribute=attribute,
            reference="",
            group=people.names[smallest],
            people=int(tested[smallest]),
            answered=int(tested[smallest]),
            **found._asdict(),
            method=(
                f"error with {sizes[-2]:,} people to learn from minus error with {sizes[-1]:,}, "
                "stand-in model, Student"
            ),
        )
        yield [row], lines, _said(row)


def _said(row: Row) -> str:
    """Say in words whether the smallest group would gain from more data."""
    who = f"the smallest group of {name(row.attribute)}, {name(row.group)}"
    change = points(row.estimate).lstrip("+-")
    if row.low > 0:
        return (
            f"For {who}, twice the people to learn from took {change} off the error rate: more "
            "data of that group promise less error."
        )
    if row.high < 0:
        return (
            f"For {who}, twice the people to learn from added {change} to the error rate: more "
            "data alone do not promise less error."
        )
    return (
        f"For {who}, twice the people to learn from changed the error rate by "
        f"{points(row.estimate)}, which may be chance: that more data of that group promise less "
        "error is not shown."
    )
