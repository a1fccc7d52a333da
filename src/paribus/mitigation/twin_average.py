"""Ask the model about every twin of a person and decide by the mean: twins are decided alike."""

from __future__ import annotations

from typing import ClassVar, Literal

import pydantic

from paribus import estimators
from paribus._plugins import Whole
from paribus._text import count, name
from paribus.mitigation.base import Mended, Mitigation, Stage, Training


class TwinAverage(Mitigation):
    """Decide by the mean of what the model says about every twin of a person.

    The model is fitted as it is, and keeps what it has learned about everything else. Flips
    between twins are zero by construction, and nobody's attribute need be known when people are
    decided about. Every cell of levels counts the same in the mean.
    """

    kind: Literal["twin_average"] = "twin_average"
    draws: Whole = pydantic.Field(default=8, ge=1, le=1_000)
    """Draws at each level of what chance has a part in, such as a name that follows the gender."""

    stage: ClassVar[Stage] = "decisions"

    def mend(self, training: Training) -> Mended:
        from sklearn.base import clone

        model = estimators.TwinAverage(
            training.plain,
            training.recipe(),
            draws=self.draws,
            prefit=True,
            features=list(training.features),
            favorable=training.favorable,
            matrix=training.matrix,
            seed=training.seed,
        )
        model.fit(training.frame, training.label)
        # A clone shall be one that can be fitted again, on other rows.
        model.set_params(estimator=clone(training.estimator), prefit=False)
        moved = [column for column in training.features if column in training.closure]
        if not moved:
            said = "The model sees nothing in which twins differ: it decides as it did."
            return Mended(model, (said,))
        listed = ", ".join(name(column) for column in moved)
        versions = sum(version["count"] for version in model.versions_)
        notes = (
            f"Decides by the mean over {count(versions, 'version')} of everybody, which differ in "
            f"{listed}.",
            f"{listed}: used when the model is fitted, not needed of the people who are decided "
            "about.",
            "The model inside still tells levels apart; it is fair to twins only as long as all "
            "versions are averaged.",
        )
        return Mended(model, notes)
