"""A model's file, whatever wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

from paribus.errors import SpecError, nearest
from paribus.probe._file import PATH, found
from paribus.probe.base import PROBES, Model, Probe

_KINDS = {
    ".onnx": "onnx",
    ".skops": "skops",
    ".json": "xgboost",
    ".ubj": "xgboost",
    ".txt": "lightgbm",
    ".lgb": "lightgbm",
    ".cbm": "catboost",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "pickle",
}


class FileProbe(Probe):
    """A model's file; the end of its name says what wrote it.

    ``.onnx`` ONNX, ``.skops`` skops, ``.json`` and ``.ubj`` XGBoost, ``.txt`` and ``.lgb``
    LightGBM, ``.cbm`` CatBoost: these are data. ``.pkl``, ``.pickle`` and ``.joblib`` can run code,
    so they take trust.

    Examples
    --------
    >>> FileProbe(path="loan.onnx").delegate().kind
    'onnx'
    """

    kind: Literal["file"] = "file"
    path: str
    """Where the file is, seen from the current directory."""

    def delegate(self) -> Probe:
        """Give the probe of the kind that the file's name says, with the same options.

        Raises
        ------
        SpecError
            Where the name says nothing known.
        """
        suffix = Path(self.path).suffix.lower()
        if suffix not in _KINDS:
            said = f'"{suffix}"' if suffix else "a name without an ending"
            known = ", ".join(_KINDS)
            near = nearest(suffix, _KINDS) if suffix else ""
            raise SpecError(
                f"{said} is no kind of model file{near if near.startswith(';') else ''} "
                f"(known: {known})",
                path=PATH,
            )
        options = {name: getattr(self, name) for name in self.model_fields_set - {"kind"}}
        return cast("Probe", PROBES.load(_KINDS[suffix], PATH)(**options))

    def open(self, *, trust: bool) -> Model:
        probe = self.delegate()
        found(self.path)
        return probe.open(trust=trust)
