"""Decide for deprived groups and against favored ones where the model is least sure."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pydantic

from paribus import estimators
from paribus._plugins import Number, Whole
from paribus._text import count, name, number, percent
from paribus.errors import SpecError
from paribus.mitigation.base import Mended, Mitigation, Stage, Training

NAMED = 6
"""Groups that a note names, at most."""

_SHARED_PARTS = 3

_LAW = (
    "Near the boundary the group decides: the attribute must be known when people are decided "
    "about, and using it then may itself be unlawful (in the United States for credit and "
    "employment, for instance); ask somebody who knows the law that applies."
)


class RejectOption(Mitigation):
    """Reject option based classification.

    The model stays as it is. Of people whose score is nearer to 0.5 than a width, those of groups
    that are selected less often than everybody get the favorable decision, and those of groups
    that are selected more often the unfavorable one (Kamiran, Karim, Zhang 2012, Decision theory
    for discrimination-aware classification, ICDM, 924-929).

    Examples
    --------
    >>> RejectOption(width=0.1).width
    0.1
    """

    kind: Literal["reject_option"] = "reject_option"
    stage: ClassVar[Stage] = "decisions"
    width: Number | None = pydantic.Field(default=None, ge=0, le=0.5)
    """Distance from 0.5 below which the group decides; where left out, the smallest that brings
    the largest difference between selection rates to `gap` on held-out scores."""
    gap: Number = pydantic.Field(default=0.01, ge=0, le=1)
    """The largest difference between selection rates that counts as equal."""
    parts: Whole = pydantic.Field(default=_SHARED_PARTS, ge=0, le=100)
    """Clones that make the held-out scores; 0 takes the scores of the rows it was fitted on."""
    smallest: Whole = pydantic.Field(default=20, ge=1)
    """Groups with fewer rows are left alone."""

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> RejectOption:
        if self.parts == 1:
            raise SpecError("take 0 parts, or 2 and more, not 1", path="$.parts")
        return self

    def mend(self, training: Training) -> Mended:
        from sklearn.base import clone

        model = estimators.RejectOption(
            training.plain, list(training.attributes), self.width, self.gap, self.parts,
            prefit=True, smallest=self.smallest, features=list(training.features),
            favorable=training.favorable, matrix=training.matrix, seed=training.seed,
        )  # fmt: skip
        held_out = training.held_out if self.parts == _SHARED_PARTS else None
        model.fit(training.frame, training.label, training.weight, held_out)
        # A clone shall be one that can be fitted again, on other rows.
        model.set_params(estimator=clone(training.estimator), prefit=False)
        return Mended(model, tuple(self._notes(model)))

    def _notes(self, model: Any) -> list[str]:
        on = "held-out scores" if self.parts else "scores of the rows that the model was fitted on"
        before, after = (percent(float(each)) for each in model.difference_)
        changed = int(model.changed_.sum())
        notes = []
        if not changed:
            notes.append(f"No decision changed, judged by {on}: {self._why(model)}.")
        else:
            raised, lowered = _changed(model, 1), _changed(model, -1)
            became = [
                *([f"became favorable for {raised}"] if raised else []),
                *([f"became unfavorable for {lowered}"] if lowered else []),
            ]
            notes.append(
                f"The group decides about people whose score is within {number(model.width_)} of "
                f"0.5. Judged by {on}, {count(changed, 'decision')} changed: they "
                f"{' and '.join(became)}. The largest difference between selection rates went from "
                f"{before} to {after}."
            )
        if self.width is None and changed and model.difference_[1] > self.gap + 1e-9:
            notes.append(
                f"No width brings that difference to {percent(self.gap)}; this one comes nearest."
            )
        alone = [
            each for each, side in zip(model.groups_.names, model.side_, strict=True) if not side
        ]
        if alone:
            shown = ", ".join(name(each) for each in alone[:NAMED])
            more = f" and {len(alone) - NAMED} more" if len(alone) > NAMED else ""
            notes.append(
                "Left alone, for the attribute is missing, there are too few rows, or the group is "
                f"selected as often as everybody: {shown}{more}."
            )
        return [*notes, _LAW]

    def _why(self, model: Any) -> str:
        if not np.any(model.side_):
            return "no group can be told to be deprived or favored"
        if self.width is None and model.difference_[0] <= self.gap + 1e-9:
            return (
                "the largest difference between selection rates is "
                f"{percent(float(model.difference_[0]))}, within {percent(self.gap)}"
            )
        if self.width is None:
            return (
                "no width makes the largest difference between selection rates "
                f"({percent(float(model.difference_[0]))}) smaller"
            )
        return f"nobody whose decision could change has a score within {number(self.width)} of 0.5"


def _changed(model: Any, side: int) -> str:
    """Say whose held-out decisions changed, such as ``41 of Female``."""
    own = (model.side_ == side) & (model.changed_ > 0)
    if not own.any():
        return ""
    groups = [
        f"{int(model.changed_[i]):,} of {name(model.groups_.names[i])}" for i in np.flatnonzero(own)
    ]
    more = f" and {len(groups) - NAMED} more" if len(groups) > NAMED else ""
    return f"{', '.join(groups[:NAMED])}{more}"
