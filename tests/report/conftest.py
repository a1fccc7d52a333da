"""The example records, made once."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from paribus.record import Record


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "paribus_report_example", Path(__file__).with_name("example.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLE = _example()


@pytest.fixture(scope="session")
def example() -> ModuleType:
    return EXAMPLE


@pytest.fixture(scope="session")
def loan() -> Record:
    return EXAMPLE.loan()


@pytest.fixture(scope="session")
def hostile() -> Record:
    return EXAMPLE.hostile()


@pytest.fixture(scope="session")
def everything() -> Record:
    return EXAMPLE.everything()


@pytest.fixture(scope="session", params=["loan", "hostile", "everything"])
def record(request: pytest.FixtureRequest) -> Record:
    return request.getfixturevalue(request.param)
