"""The corpus and its readers: files of tests do not import each other by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        f"paribus_hostile_{name}", Path(__file__).with_name(f"{name}.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CORPUS = _loaded("corpus")
READERS = _loaded("readers")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for it each text of the corpus, or each half of a pair."""
    for fixture, texts in (
        ("hostile_text", CORPUS.CORPUS),
        ("hostile_page", CORPUS.PAGES),
        ("surrogate", CORPUS.SURROGATES),
    ):
        if fixture in metafunc.fixturenames:
            ids = [name.replace(" ", "-") for name in texts]
            metafunc.parametrize(fixture, list(texts.values()), ids=ids)


@pytest.fixture(scope="session")
def corpus() -> ModuleType:
    return CORPUS


@pytest.fixture(scope="session")
def readers() -> ModuleType:
    return READERS
