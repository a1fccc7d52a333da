"""Learn under a constraint on groups: the one model of a grid that trades errors for it best.

Fairlearn does the work (Agarwal et al. 2018, ICML, section 3.4). It takes one fit a grid point.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from paribus._plugins import Whole
from paribus.mitigation._reductions import constrained
from paribus.mitigation.base import Mended, Mitigation, Stage, Training


class GridSearch(Mitigation):
    """Fairlearn's grid search around any estimator that takes weights.

    The result is one model, so decisions depend on no lot; the constraint is approached, and no
    bound is promised. It suits few groups: with many, a grid is coarse. The attributes are not
    needed for decisions unless they are features.
    """

    kind: Literal["grid_search"] = "grid_search"
    stage: ClassVar[Stage] = "training"
    constraint: Literal[
        "demographic parity",
        "equalized odds",
        "equal opportunity",
        "false positive rate parity",
        "error rate parity",
        "bounded group loss",
    ] = "demographic parity"
    """What shall be near to equal in all groups; bounded group loss looks at the worst one."""
    grid: Whole | None = Field(default=None, ge=2, le=10_000)
    """How many models are fitted; the smallest whole grid of at least 10 where left out."""

    def mend(self, training: Training) -> Mended:
        return constrained(training, self.constraint, "grid search", grid=self.grid)
