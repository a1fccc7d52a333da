"""Mended models: normal scikit-learn estimators around any other. One file an estimator.

Each can be cloned, fitted, cross-validated, saved with skops and audited like any model. It finds
the columns that it needs by name in the data frame it is handed. Nothing is imported before it is
used: their classes inherit from scikit-learn's, which takes a second.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paribus.estimators.base import Mended
    from paribus.estimators.constrained import Constrained
    from paribus.estimators.fits import favorable_scores, fitted, held_out_scores, weight_name
    from paribus.estimators.frames import Seen, final, rows_of
    from paribus.estimators.group_thresholds import GroupThresholds
    from paribus.estimators.groups import Groups, lot
    from paribus.estimators.reject_option import RejectOption
    from paribus.estimators.residualized import Residualized
    from paribus.estimators.twin_average import TwinAverage
    from paribus.estimators.without import Without

__all__ = [
    "Constrained",
    "GroupThresholds",
    "Groups",
    "Mended",
    "RejectOption",
    "Residualized",
    "Seen",
    "TwinAverage",
    "Without",
    "favorable_scores",
    "final",
    "fitted",
    "held_out_scores",
    "lot",
    "rows_of",
    "weight_name",
]

_HOMES = {
    "base": ("Mended",),
    "fits": ("favorable_scores", "fitted", "held_out_scores", "weight_name"),
    "frames": ("Seen", "final", "rows_of"),
    "groups": ("Groups", "lot"),
    "constrained": ("Constrained",),
    "group_thresholds": ("GroupThresholds",),
    "reject_option": ("RejectOption",),
    "residualized": ("Residualized",),
    "twin_average": ("TwinAverage",),
    "without": ("Without",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'paribus.estimators' has no attribute '{name}'")
    home = importlib.import_module(f"paribus.estimators.{_HOME[name]}")
    value = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
