"""Errors of predicted numbers: how far off they are for every group, and in which direction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from paribus._plugins import Number
from paribus._text import count, name, number
from paribus.counting import Tally
from paribus.errors import DataError
from paribus.evidence._numbers import (
    UNBOUNDED,
    Floats,
    Measured,
    against,
    alone,
    effective,
    placed,
    scale,
    values,
    widest,
)
from paribus.evidence._rated import About
from paribus.evidence.base import Check, Row, Weighed
from paribus.observed import Observed
from paribus.stats.prediction_errors import (
    ErrorSums,
    Estimates,
    mean_absolute_error,
    mean_error,
    root_mean_squared_error,
)

_LARGEST = 1e45
"""Mean absolute errors from which on the powers of single errors cannot be added up."""

_SUMS = ("error", "absolute", "square_error", "fourth")

_METHOD = {
    "mean error": "prediction minus truth; t interval",
    "mean absolute error": "t interval",
    "root mean squared error": "delta method",
}


class Errors(Check):
    """Mean error, mean absolute error and root mean squared error of a predicted number.

    An error is the prediction minus the truth, in the unit of the answer. Nothing is held unless
    a tolerance is declared in that unit: then the widest difference between the mean errors of any
    two groups is.
    """

    kind: Literal["errors"] = "errors"
    tolerance: Number | None = Field(default=None, gt=0)
    """The largest difference of mean errors between groups that counts as equal, in the unit of
    the answer; where left out, nothing is held."""

    def weigh(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        roles = observed.roles
        if roles.prediction is None or roles.label is None:
            return Weighed(())
        for role in ("prediction", "label"):
            _numeric(observed, role)
        tally = observed.source.errors_by(
            list(roles.by), roles.prediction, roles.label, weight=roles.weight
        )
        rows: list[Row] = []
        notes = list(_missing(tally, observed))
        for attributes in observed.attributes:
            groups = observed.groups(attributes)
            about = About("errors", "outcomes", groups, confidence)
            sums = _Sums(tally, placed(observed, attributes, tally), len(groups.names))
            if sums.largest > _LARGEST:
                raise DataError(
                    f'the errors of "{roles.prediction}" are {number(sums.largest)} on average: '
                    "look for values that stand for missing ones",
                    path="$.data.prediction",
                )
            for measured, everybody in _measured(about, sums, observed):
                rows += values(about, measured, everybody)
                rows += against(about, measured)
                held = self.tolerance if measured.unit == "mean error" else None
                rows += _spreads(about, measured, held)
                notes += alone(about, measured)
        return Weighed(tuple(rows), notes=tuple(dict.fromkeys(notes)))


class _Sums:
    """Sums of the errors of each group and of everybody, weights one on average."""

    def __init__(self, tally: Tally, group: npt.NDArray[np.intp], groups: int) -> None:
        by = scale(tally)

        def added(cells: Floats, over: float = 1.0) -> Floats:
            return np.asarray(np.bincount(group, cells / over, groups), np.float64)

        weight, square = added(tally.weight, by), added(tally.square, by) / by
        errors = [added(tally.sums[name], by) for name in _SUMS]
        self.rows = added(tally.count.astype(np.float64)).astype(np.int64)
        self.defined = weight > 0
        self.groups = _error_sums(weight, square, errors)
        self.everybody = _error_sums(weight.sum(), square.sum(), [each.sum() for each in errors])
        some = np.where(self.defined, weight, 1.0)
        self.largest = float((errors[1] / some).max())
        # No error is larger than the fourth root of the sum of all fourth powers.
        self.spread = 2 * float(errors[3].sum()) ** 0.25


def _measured(
    about: About, sums: _Sums, observed: Observed
) -> Iterator[tuple[Measured, Estimates]]:
    """Give each number of all groups, with that of everybody."""
    if not sums.defined.any():
        return
    spread = sums.spread or _spread(observed)
    functions: tuple[tuple[str, Callable[..., Estimates], float, float], ...] = (
        ("mean error", mean_error, spread, -UNBOUNDED),
        ("mean absolute error", mean_absolute_error, spread / 2, 0.0),
        ("root mean squared error", root_mean_squared_error, spread / 2, 0.0),
    )
    for unit, function, width, least in functions:
        each = function(sums.groups, about.confidence, width)
        everybody = function(sums.everybody, about.confidence, width)
        measured = Measured(unit, each, sums.rows, sums.defined, least=least, method=_METHOD[unit])
        yield measured.lent(everybody, about.confidence), everybody


def _error_sums(weight: Any, square: Any, errors: Sequence[Any]) -> ErrorSums:
    total, absolute, squares, fourths = errors
    return ErrorSums(
        n=weight,
        total=total,
        absolute=absolute,
        squares=squares,
        fourths=fourths,
        effective=effective(weight, square),
    )


def _spread(observed: Observed) -> float:
    """Give how far apart predictions and the truth may be, where no error shows it."""
    roles = observed.roles
    ends = [observed.source.range(str(name))[:2] for name in (roles.prediction, roles.label)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return min(2 * (high / 2 - low / 2), _LARGEST) if high > low else 0.0


def _numeric(observed: Observed, role: str) -> None:
    column = getattr(observed.roles, role)
    if observed.source.kind(column) not in {"number", "truth"}:
        raise DataError(
            f'the column "{column}" holds no numbers, and errors need a predicted number and the '
            "true one: name a decision instead of a prediction if both are classes",
            path=f"$.data.{role}",
        )


def _spreads(about: About, measured: Measured, tolerance: float | None) -> Iterator[Row]:
    """Give the widest difference between any two groups, held where a tolerance is declared."""
    most = widest(about, measured, tolerance)
    if most is None:
        return
    groups = about.groups
    known = ~groups.unknown
    row = about.row(
        measured.unit,
        None,
        relation="spread",
        scale="number",
        people=int(groups.sizes[known].sum()),
        answered=int(measured.rows[known].sum()),
        estimate=most.estimate,
        low=most.low,
        high=most.high,
        p=most.p,
        method="highest minus lowest; Welch's t-test of all pairs, adjusted for their number",
    )
    if tolerance is None:
        yield row
        return
    low, high = (
        f"{name(groups.names[g])} ({number(float(measured.numbers.estimate[g]), signed=True)})"
        for g in (most.lowest, most.highest)
    )
    yield row.model_copy(
        update={
            "held": True,
            "tolerance": tolerance,
            "p_outside": most.p_outside,
            "p_within": most.p_within,
            "claim": f"Mean error by {name(groups.attribute)}: predictions minus the truth are "
            f"lowest for {low} and highest for {high}, a difference of {number(most.estimate)}",
        }
    )


def _missing(tally: Tally, observed: Observed) -> Iterator[str]:
    gone = int(tally.sums["missing"].sum())
    if gone:
        roles = observed.roles
        total = gone + int(tally.count.sum())
        yield (
            f'"{name(roles.prediction)}" or "{name(roles.label)}" is missing or infinite in '
            f"{count(gone, 'row')} of {total:,}: errors leave them out."
        )
