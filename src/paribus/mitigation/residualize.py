"""Take out of the columns of numbers what is linear in them of the protected attributes.

Fairlearn's ``CorrelationRemover``: afterwards no column of numbers correlates with any group. What
follows an attribute is left out as in ``drop_attribute``. Text and categories stay as they are, and
columns may still depend on groups otherwise, so it suits linear models best. It makes groups more
equal, and not twins: whoever differs in the attribute alone has other residuals.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import pydantic

from paribus import estimators
from paribus._plugins import Number
from paribus._text import count, name, number
from paribus.errors import DataError, ModelError, SpecError, nearest
from paribus.mitigation.base import Mended, Mitigation, Stage, Training


class Residualize(Mitigation):
    """Replace numbers by their residuals given the groups of the protected attributes."""

    kind: Literal["residualize"] = "residualize"
    stage: ClassVar[Stage] = "features"
    alpha: Number = pydantic.Field(default=1.0, ge=0, le=1)
    """How much is taken out, from 0 (nothing) to 1 (all)."""
    columns: tuple[str, ...] | None = None
    """Columns of numbers; all that the model sees where left out. Name them where some numbers are
    codes that the model takes for categories."""

    def mend(self, training: Training) -> Mended:
        dropped = [each for each in training.features if each in training.closure]
        if len(dropped) == len(training.features):
            raise ModelError(
                "all that the model sees are the protected attributes and what follows them: "
                "without these, nothing is left to decide by"
            )
        self._check(training, dropped)
        model = estimators.Residualized(
            training.estimator, list(training.attributes),
            columns=None if self.columns is None else list(self.columns),
            drop=dropped, alpha=self.alpha, features=list(training.features),
            favorable=training.favorable, matrix=training.matrix,
        )  # fmt: skip
        try:
            model.fit(training.frame, training.label, training.weight)
        except DataError as error:
            if self.columns is None or error.path:
                raise
            raise SpecError(error.message, path="$.columns") from None
        return Mended(model, self._notes(training, model.columns_, dropped))

    def _check(self, training: Training, dropped: list[str]) -> None:
        for i, each in enumerate(self.columns or ()):
            path = f"$.columns[{i}]"
            if each not in training.features:
                near = nearest(each, training.features)
                raise SpecError(f'"{each}" is no feature of the model{near}', path=path)
            if each in dropped:
                raise SpecError(
                    f'"{each}" follows a protected attribute and is left out altogether', path=path
                )

    def _notes(self, training: Training, columns: list[str], dropped: list[str]) -> tuple[str, ...]:
        attributes = " and ".join(name(each) for each in training.attributes)
        part = "what" if self.alpha == 1 else f"{number(self.alpha)} of what"
        listed = ", ".join(name(each) for each in columns)
        notes = [
            f"Took {part} is linear in {attributes} out of {count(len(columns), 'column')} of "
            f"numbers: {listed}."
        ]
        if dropped:
            listed = ", ".join(name(each) for each in dropped)
            notes.append(f"The model no longer looks at {listed}.")
        others = [each for each in training.features if each not in (*columns, *dropped)]
        if others:
            listed = ", ".join(name(each) for each in others)
            notes.append(f"As they were: {listed}.")
        notes.append(
            f"People who differ in {attributes} alone are shown to it with different numbers, so "
            "their answers may differ."
        )
        notes.append(
            f"The model must be told {attributes} of everybody about whom it decides, which may "
            "itself be unlawful."
        )
        return tuple(notes)
