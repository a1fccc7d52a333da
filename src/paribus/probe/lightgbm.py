"""A model that LightGBM itself has saved."""

from __future__ import annotations

from typing import Literal

from paribus.probe._boosters import lightgbm_model
from paribus.probe._file import digest, found, missing, unreadable
from paribus.probe.base import Model, Probe


class LightGBMProbe(Probe):
    """A LightGBM model in its own text format (``.txt``), which is data.

    Such a file knows its classes by number: 0 and 1, or 0 to k - 1, whatever the labels were that
    ``LGBMClassifier`` was fitted on (it numbers them in sorted order). Probabilities come from the
    objectives ``binary``, ``multiclass`` and ``multiclassova``; all others give numbers.

    Examples
    --------
    >>> LightGBMProbe(path="loan.txt", favorable=1).favorable
    1
    """

    kind: Literal["lightgbm"] = "lightgbm"
    path: str
    """Where the file is, seen from the current directory."""

    def open(self, *, trust: bool) -> Model:
        file = found(self.path)
        try:
            import lightgbm
        except ImportError:
            raise missing("LightGBM", "lightgbm", 'pip install "paribus[lightgbm]"') from None
        fingerprint = digest(file)
        with file.open("rb") as stream:
            # LightGBM prints its complaints; what is plainly something else never reaches it.
            if stream.read(4) != b"tree":
                raise unreadable(file, "a LightGBM model", 'its first line is not "tree"')
        try:
            booster = lightgbm.Booster(model_file=file)
        except Exception as error:
            raise unreadable(file, "a LightGBM model", error) from None
        return lightgbm_model(booster, self.labels, name=file.name, fingerprint=fingerprint)
