"""A fitted model that is in memory: anything with ``predict``."""

from __future__ import annotations

from typing import Any, Literal

import pydantic

from paribus.probe._estimator import model_of
from paribus.probe.base import Model, Probe


class ObjectProbe(Probe):
    """A fitted model that is in memory: scikit-learn, XGBoost, LightGBM, CatBoost, and alike."""

    kind: Literal["object"] = "object"
    estimator: Any = pydantic.Field(exclude=True, repr=False)

    def open(self, *, trust: bool) -> Model:
        return model_of(self.estimator, labels=self.labels)

    def facts(self) -> dict[str, Any]:
        cls = type(self.estimator)
        return super().facts() | {"type": f"{cls.__module__}.{cls.__qualname__}"}
