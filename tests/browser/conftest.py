"""One browser a worker, and every page on disk once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .chrome import Chrome, demand, started
from .pages import PAGES


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    demand()
    with started() as browser:
        yield browser


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Give one folder for the pages, which all workers share."""
    own = tmp_path_factory.getbasetemp()
    pages = (own.parent if hasattr(request.config, "workerinput") else own) / "pages"
    pages.mkdir(exist_ok=True)
    return pages


@pytest.fixture(scope="session")
def written(folder: Path) -> Callable[[str], Path]:
    """Write a page that is not there yet; workers that do so at once write the same."""

    def write(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            own = path.with_stem(f"{name}-{os.getpid()}")
            PAGES[name](own)
            own.replace(path)
        return path

    return write


@pytest.fixture(params=PAGES)
def path(request: pytest.FixtureRequest, chrome: Chrome, written: Callable[[str], Path]) -> Path:
    return written(request.param)
