"""A model that CatBoost itself has saved."""

from __future__ import annotations

from typing import Literal

from paribus.probe._estimator import model_of
from paribus.probe._file import digest, found, missing, unreadable
from paribus.probe.base import Model, Probe


class CatBoostProbe(Probe):
    """A CatBoost model in its own format (``.cbm``), which is data; it knows its labels.

    Examples
    --------
    >>> CatBoostProbe(path="loan.cbm", favorable="yes").favorable
    'yes'
    """

    kind: Literal["catboost"] = "catboost"
    path: str
    """Where the file is, seen from the current directory."""

    def open(self, *, trust: bool) -> Model:
        file = found(self.path)
        try:
            import catboost
        except ImportError:
            raise missing("CatBoost", "catboost", "pip install catboost") from None
        try:
            estimator = catboost.CatBoost().load_model(str(file))
            if len(estimator.classes_):
                estimator = catboost.CatBoostClassifier().load_model(str(file))
        except Exception as error:
            raise unreadable(file, "a CatBoost model", error) from None
        return model_of(estimator, source=file.name, fingerprint=digest(file))
