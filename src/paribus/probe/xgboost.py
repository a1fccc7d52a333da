"""A model that XGBoost itself has saved."""

from __future__ import annotations

from typing import Literal

from paribus.probe._boosters import xgboost_model
from paribus.probe._file import digest, found, missing, unreadable
from paribus.probe.base import Model, Probe


class XGBoostProbe(Probe):
    """An XGBoost model in its own format (``.json`` or ``.ubj``), which is data.

    Such a file knows its classes by number: 0 and 1, or 0 to k - 1. Probabilities come from the
    objectives ``binary:logistic``, ``binary:logitraw``, ``multi:softprob`` and ``multi:softmax``;
    all other objectives give numbers.

    Examples
    --------
    >>> XGBoostProbe(path="loan.ubj", favorable=1).favorable
    1
    """

    kind: Literal["xgboost"] = "xgboost"
    path: str
    """Where the file is, seen from the current directory."""

    def open(self, *, trust: bool) -> Model:
        file = found(self.path)
        try:
            import xgboost
        except ImportError:
            raise missing("XGBoost", "xgboost", 'pip install "paribus[xgboost]"') from None
        try:
            booster = xgboost.Booster(model_file=file)
        except Exception as error:
            raise unreadable(file, "an XGBoost model", _without_place(error)) from None
        return xgboost_model(booster, self.labels, name=file.name, fingerprint=digest(file))


def _without_place(error: Exception) -> str:
    """Drop the time and the line of C++ that XGBoost puts before its message."""
    first = str(error).partition("\n")[0]
    return first.rpartition(".h:")[2].rpartition(".cc:")[2].lstrip("0123456789: ") or first
