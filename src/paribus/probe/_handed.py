"""A model that is handed over: an object, a function, a path, or a declaration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paribus.errors import SpecError
from paribus.probe.base import PROBES, Probe


def probe_of(model: Any, options: Mapping[str, Any]) -> Probe:
    """Declare a model that is handed over: an object, a function, a path, or a declaration."""
    if isinstance(model, Probe):
        return model.model_copy(update=dict(options)) if options else model
    if isinstance(model, str | Path):
        declared = PROBES.parse({"kind": "file", "path": str(model), **options}, "$.model")
    elif callable(getattr(model, "predict", None)):
        declared = PROBES.parse({"kind": "object", "estimator": model, **options}, "$.model")
    elif callable(model):
        declared = PROBES.parse({"kind": "callable", "function": model, **options}, "$.model")
    else:
        raise SpecError(
            f"expected a fitted model, a function or the path of a model file, not "
            f"{type(model).__name__}",
            path="$.model",
        )
    assert isinstance(declared, Probe)
    return declared
