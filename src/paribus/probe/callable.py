"""A plain function on a data frame."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable
from typing import Any, Literal

import pydantic

from paribus.errors import ModelError, SpecError, TrustError, reason
from paribus.probe.base import Model, Probe


class CallableProbe(Probe):
    """A plain function that takes a data frame of people and gives one answer for each."""

    kind: Literal["callable"] = "callable"
    function: str | Callable[[Any], Any] = pydantic.Field(union_mode="left_to_right")
    """The function, or ``module:function``, which takes trust: importing a module runs its code."""

    def open(self, *, trust: bool) -> Model:
        function = self._imported(trust) if isinstance(self.function, str) else self.function
        name = getattr(function, "__qualname__", type(function).__name__)
        return Model(
            name=name,
            fingerprint=_fingerprint(function),
            labels=function,
            probabilities=function,
            numbers=function,
            sees_everything=self.features is None,
        )

    def _imported(self, trust: bool) -> Callable[[Any], Any]:
        assert isinstance(self.function, str)
        module, _, attribute = self.function.partition(":")
        if not module or not attribute or module.startswith("."):
            raise SpecError('write a function as "module:function"', path="$.model.function")
        if not trust:
            raise TrustError(
                f'importing "{self.function}" runs its code; pass --trust (trust=True) if you '
                "trust it, or save the model in a format that is only data (ONNX, skops, XGBoost, "
                "LightGBM)",
                path="$.model.function",
            )
        try:
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except (Exception, SystemExit) as error:
            # The module's own code runs here, and may end in anything.
            raise ModelError(
                f'"{self.function}" cannot be imported: {reason(error)}', path="$.model.function"
            ) from error
        if not callable(found):
            raise ModelError(f'"{self.function}" is no function', path="$.model.function")
        return found  # type: ignore[no-any-return]

    def facts(self) -> dict[str, Any]:
        facts = super().facts() if isinstance(self.function, str) else self._without_function()
        return facts

    def _without_function(self) -> dict[str, Any]:
        named = getattr(self.function, "__qualname__", type(self.function).__name__)
        rest = self.model_dump(
            mode="json", exclude={"function"}, exclude_defaults=True, exclude_none=True
        )
        return {"kind": self.kind, "function": named} | rest


def _fingerprint(function: Callable[[Any], Any]) -> str:
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return ""
    return hashlib.sha256(source.encode()).hexdigest()
