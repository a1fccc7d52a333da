"""Leave out the protected attributes and every column that follows one.

Twins differ in nothing else, so they get the same answer: no decision flips. What other columns
tell of the attribute (a ZIP code of race, say) is still used: groups may be treated as unequally as
before (redundant encodings: Dwork et al. 2012, Fairness through awareness, ITCS, 214-226).
``drop_proxies`` looks there.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from paribus import estimators
from paribus._text import name
from paribus.errors import ModelError
from paribus.mitigation.base import Mended, Mitigation, Stage, Training


class DropAttribute(Mitigation):
    """Leave out the protected attributes and all that follows them."""

    kind: Literal["drop_attribute"] = "drop_attribute"
    stage: ClassVar[Stage] = "features"

    def mend(self, training: Training) -> Mended:
        dropped = [each for each in training.features if each in training.closure]
        if not dropped:
            raise ModelError(
                "the model sees neither the protected attributes nor what follows them, so there "
                'is nothing to drop; try "drop_proxies"'
            )
        if len(dropped) == len(training.features):
            raise ModelError(
                "all that the model sees are the protected attributes and what follows them: "
                "without these, nothing is left to decide by"
            )
        model = estimators.Without(
            training.estimator, dropped, features=list(training.features),
            favorable=training.favorable, matrix=training.matrix,
        )  # fmt: skip
        model.fit(training.frame, training.label, training.weight)
        listed = ", ".join(name(each) for each in dropped)
        return Mended(
            model,
            (
                f"The model no longer looks at {listed}.",
                "What other columns tell of the protected attributes is still used.",
            ),
        )
