"""A scikit-learn model that skops has saved."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any, Literal

from paribus.errors import ModelError, TrustError, reason
from paribus.probe._estimator import model_of
from paribus.probe._file import PATH, digest, found, missing, unreadable
from paribus.probe.base import Model, Probe

_SHOWN = 5

_OURS = frozenset(
    f"paribus.estimators.{name}"
    for name in (
        "frames.Constants",
        "groups.Groups",
        "frames.Seen",
        "constrained.Constrained",
        "group_thresholds.GroupThresholds",
        "reject_option.RejectOption",
        "residualized.Residualized",
        "twin_average.TwinAverage",
        "without.Without",
    )
)
"""Our own mended models: loading them runs no code but ours."""

_DATA = frozenset({"sklearn.compose._column_transformer._RemainderColsList"})
"""A list of columns, which scikit-learn 1.6 keeps in every ColumnTransformer."""

_SAFE = (0, 12)
"""Version of skops from which on a file cannot hide what it holds behind the name of a class."""


def written(estimator: Any) -> bytes:
    """Give the content of a ``.skops`` file.

    Raises
    ------
    ModelError
        Where skops is missing, or cannot write the estimator.
    """
    try:
        import skops.io
    except ImportError:
        raise ModelError(
            'writing a model takes skops; install it with: pip install "paribus[skops]"'
        ) from None
    try:
        return bytes(skops.io.dumps(estimator))
    except Exception as error:
        raise ModelError(f"skops cannot write the model: {reason(error)}") from error


def _version() -> tuple[int, ...]:
    """Give the first two numbers of the version of skops."""
    found = re.match(r"(\d+)\.(\d+)", version("skops"))
    return (0, 0) if found is None else (int(found[1]), int(found[2]))


class SkopsProbe(Probe):
    """A fitted scikit-learn model or pipeline in a ``.skops`` file.

    Such a file is data. Where it holds types that skops does not know to be safe (a function of
    your own, a class of a small library), loading takes trust.

    Examples
    --------
    >>> SkopsProbe(path="loan.skops").path
    'loan.skops'
    """

    kind: Literal["skops"] = "skops"
    path: str
    """Where the file is, seen from the current directory."""

    def open(self, *, trust: bool) -> Model:
        file = found(self.path)
        try:
            import skops.io
        except ImportError:
            raise missing("skops", "skops", 'pip install "paribus[skops]"') from None
        try:
            found_types = skops.io.get_untrusted_types(file=file)
        except Exception as error:
            raise unreadable(file, "a skops file", error) from None
        known = _OURS | _DATA if _version() >= _SAFE else frozenset()
        untrusted = sorted(set(found_types) - known)
        if untrusted and not trust:
            more = f" and {len(untrusted) - _SHOWN} more" if len(untrusted) > _SHOWN else ""
            raise TrustError(
                f'"{self.path}" holds types that skops does not know to be safe '
                f"({', '.join(untrusted[:_SHOWN])}{more}); pass --trust (trust=True) if you trust "
                "whoever made it",
                path=PATH,
            )
        try:
            estimator = skops.io.load(file, trusted=found_types)
        except Exception as error:
            raise unreadable(file, "a skops file", error) from None
        return model_of(estimator, source=file.name, fingerprint=digest(file))
