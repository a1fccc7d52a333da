"""Learn under a constraint on groups: a mixture of models found by exponentiated gradient.

Fairlearn does the work (Agarwal et al. 2018, ICML). It takes up to nine fits an iteration.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from paribus._plugins import Number, Whole
from paribus.mitigation._reductions import constrained
from paribus.mitigation.base import Mended, Mitigation, Stage, Training


class Constrain(Mitigation):
    """Fairlearn's exponentiated gradient around any estimator that takes weights.

    The result is a mixture of predictors. Which one decides is drawn by a lot that depends on what
    twins share: the same person always gets the same decision, and twins draw the same lot. The
    attributes are not needed for decisions unless they are features.
    """

    kind: Literal["constrain"] = "constrain"
    stage: ClassVar[Stage] = "training"
    constraint: Literal[
        "demographic parity",
        "equalized odds",
        "equal opportunity",
        "false positive rate parity",
        "error rate parity",
        "bounded group loss",
    ] = "demographic parity"
    """What must be near to equal in all groups; bounded group loss bounds errors in each."""
    bound: Number | None = Field(default=None, ge=0, le=1, validate_default=True)
    """How far the rate of a group may be from that of all, 0.01 where left out; for bounded group
    loss the largest share of wrong decisions in a group, which must be given."""
    eps: Number = Field(default=0.01, gt=0, le=1)
    """The smaller, the heavier a violation may weigh against errors."""
    iterations: Whole = Field(default=50, ge=1, le=1_000)
    """At most so many: it stops where nothing is left to gain, mostly after five to thirty."""

    @field_validator("bound")
    @classmethod
    def _given(cls, bound: float | None, info: ValidationInfo) -> float | None:
        if bound is None and info.data.get("constraint") == "bounded group loss":
            raise ValueError(
                "bounded group loss needs a bound, the largest share of wrong decisions in a group"
            )
        return bound

    def mend(self, training: Training) -> Mended:
        return constrained(
            training,
            self.constraint,
            "exponentiated gradient",
            bound=self.bound,
            eps=self.eps,
            iterations=self.iterations,
        )
