"""Decide by a threshold of each group, so that decisions meet a fairness criterion (Fairlearn)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pydantic

from paribus import estimators
from paribus._plugins import Whole
from paribus._text import count, name, number, percent
from paribus.errors import SpecError
from paribus.mitigation.base import Mended, Mitigation, Stage, Training

NAMED = 6
"""Groups whose thresholds a note says, at most."""

_SHARED_PARTS = 3
_FEW_LOTS = 100
_ROUNDING = 1e-9

_LAW = (
    "Each group has a threshold of its own: the attribute must be known when people are decided "
    "about, and using it then may itself be unlawful (in the United States for credit and "
    "employment, for instance); ask somebody who knows the law that applies."
)


class Thresholds(Mitigation):
    """A threshold for each group, or a lot between two of them.

    The model stays as it is. Thresholds are those of Fairlearn's ``ThresholdOptimizer`` (Hardt,
    Price, Srebro 2016, Equality of opportunity in supervised learning, NIPS 29, 3315-3323), chosen
    on scores of people whom the model has not seen. Lots are drawn from the features that twins
    share: the same person always draws the same one, and so does their twin.

    Examples
    --------
    >>> Thresholds(constraint="equalized odds").parts
    3
    """

    kind: Literal["thresholds"] = "thresholds"
    stage: ClassVar[Stage] = "decisions"
    constraint: Literal[
        "demographic parity",
        "equalized odds",
        "equal opportunity",
        "predictive equality",
        "true positive rate parity",
        "false positive rate parity",
        "true negative rate parity",
        "false negative rate parity",
    ] = "demographic parity"
    """What shall be equal in all groups; equal opportunity is true positive rate parity, and
    predictive equality is false positive rate parity."""
    objective: Literal[
        "accuracy", "balanced accuracy", "selection rate", "true positive rate",
        "true negative rate",
    ] = "accuracy"  # fmt: skip
    """What shall be as high as that allows; one of the first two with equalized odds."""
    parts: Whole = pydantic.Field(default=_SHARED_PARTS, ge=0, le=100)
    """Clones that make the held-out scores; 0 takes the scores of the rows it was fitted on."""
    smallest: Whole = pydantic.Field(default=20, ge=1)
    """Groups with fewer rows, or with one label only, are taken together."""
    grid: Whole = pydantic.Field(default=1000, ge=1, le=1_000_000)
    """Steps of the rate that is made equal."""

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Thresholds:
        if self.parts == 1:
            raise SpecError("take 0 parts, or 2 and more, not 1", path="$.parts")
        if self.constraint == "equalized odds" and "accuracy" not in self.objective:
            raise SpecError(
                "equalized odds take the objective accuracy or balanced accuracy",
                path="$.objective",
            )
        return self

    def mend(self, training: Training) -> Mended:
        from sklearn.base import clone

        shared = [column for column in training.features if column not in training.closure]
        model = estimators.GroupThresholds(
            training.plain, list(training.attributes), self.constraint, self.objective, self.parts,
            prefit=True, smallest=self.smallest, grid=self.grid, features=list(training.features),
            favorable=training.favorable, matrix=training.matrix, shared=shared, seed=training.seed,
        )  # fmt: skip
        frame = training.frame
        held_out = training.held_out if self.parts == _SHARED_PARTS else None
        model.fit(frame, training.label, training.weight, held_out)
        # A clone shall be one that can be fitted again, on other rows.
        model.set_params(estimator=clone(training.estimator), prefit=False)
        return Mended(model, tuple(self._notes(model, training, estimators.lot(frame, shared))))

    def _notes(self, model: Any, training: Training, lots: Any) -> list[str]:
        ruled = [number for number, rule in enumerate(model.rule_of_) if rule >= 0]
        pooled = set(model.pooled_)
        names = model.groups_.names
        said = [
            f"{name(names[i])} {_rule(model, int(model.rule_of_[i]))}"
            for i in ruled
            if names[i] not in pooled
        ]
        if pooled:
            last = int(model.rule_of_[names.index(model.pooled_[0])])
            said.append(f"the groups taken together {_rule(model, last)}")
        more = len(said) - NAMED
        if more > 0:
            said = [*said[:NAMED], f"and by {count(more, 'further rule')}"]
        on = (
            f"scores of {count(self.parts, 'clone')} for rows that they had not seen"
            if self.parts
            else "scores of the rows that the model was fitted on, which it may have memorized"
        )
        notes = [
            f"Thresholds for {self.constraint} and the highest {self.objective} were chosen on "
            f"{on}. The answer is favorable for a score of {'; '.join(said)}."
        ]
        few = f"fewer than {count(self.smallest, 'row')} or one label only"
        if pooled:
            notes.append(f"Groups with {few} were taken together: {_listed(model.pooled_)}.")
        if model.plain_:
            notes.append(
                f"Groups with {few} are decided as the model alone would: {_listed(model.plain_)}."
            )
        if _chancy(model):
            notes.append(
                "Where a lot decides, it is drawn from what is in the features that twins share: "
                "the same person always draws the same lot, and so do twins."
            )
            different = len(np.unique(lots))
            if different < _FEW_LOTS:
                notes.append(
                    f"These features hold only {count(different, 'different combination')}, and "
                    "so many lots: rates may miss what was aimed at."
                )
        if training.weight is not None:
            notes.append(
                "Every row counted once when thresholds were chosen: the weights of rows were used "
                "to fit only."
            )
        return [*notes, _LAW]


def _rule(model: Any, rule: int) -> str:
    """Say a rule in words, such as ``above 0.412 (30.1 % of lots), above 0.431 (69.9 %)``."""
    parts = [
        (float(share), _threshold(float(threshold)))
        for share, threshold in zip(model.shares_[rule], model.thresholds_[rule], strict=True)
        if share > _ROUNDING
    ]
    alone = len(parts) == 1
    said = ", ".join(text if alone else f"{text} ({percent(s)} of lots)" for s, text in parts)
    ignored = min(max(float(model.ignored_[rule]), 0.0), 1.0)
    if ignored <= _ROUNDING:
        return said
    constant = percent(float(model.constant_[rule]))
    return f"{said}, but for {percent(ignored)} by a lot alone that favors {constant}"


def _threshold(value: float) -> str:
    if np.isinf(value):
        return "never" if value > 0 else "always"
    return f"above {number(value)}"


def _chancy(model: Any) -> bool:
    mixed = np.minimum(model.shares_[:, 0], model.shares_[:, 1]) > _ROUNDING
    return bool((mixed | (model.ignored_ > _ROUNDING)).any())


def _listed(names: list[str]) -> str:
    shown = ", ".join(name(each) for each in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
