"""A pickled model, which takes trust."""

from __future__ import annotations

from typing import Any, Literal

from paribus.errors import ModelError, TrustError
from paribus.probe._estimator import model_of
from paribus.probe._file import PATH, digest, found, unreadable
from paribus.probe.base import Model, Probe


class PickleProbe(Probe):
    """A fitted model, or a function, that pickle or joblib has saved.

    Loading such a file runs whatever code its maker put in, so it takes trust.

    Examples
    --------
    >>> PickleProbe(path="loan.joblib").path
    'loan.joblib'
    """

    kind: Literal["pickle"] = "pickle"
    path: str
    """Where the file is, seen from the current directory."""

    def open(self, *, trust: bool) -> Model:
        file = found(self.path)
        if not trust:
            raise TrustError(
                f'loading "{self.path}" can run any code; pass --trust (trust=True) if you trust '
                "whoever made it, or save the model in a format that is only data (ONNX, skops, or "
                "the native files of XGBoost, LightGBM and CatBoost)",
                path=PATH,
            )
        import joblib

        fingerprint = digest(file)
        try:
            loaded = joblib.load(file)
        except ModuleNotFoundError as error:
            raise unreadable(
                file, "a pickled model", f"it takes the module {error.name}, which is not installed"
            ) from None
        except Exception as error:
            raise unreadable(file, "a pickled model", error) from None
        return self._model(loaded, file.name, fingerprint)

    def _model(self, loaded: Any, file: str, fingerprint: str) -> Model:
        if callable(getattr(loaded, "predict", None)):
            return model_of(loaded, source=file, fingerprint=fingerprint, labels=self.labels)
        if not callable(loaded):
            raise ModelError(
                f'"{self.path}" holds a {type(loaded).__name__}, which has no predict method',
                path=PATH,
            )
        name = getattr(loaded, "__name__", type(loaded).__name__)
        return Model(
            name=f"{name} ({file})",
            fingerprint=fingerprint,
            labels=loaded,
            probabilities=loaded,
            numbers=loaded,
            sees_everything=self.features is None,
        )
