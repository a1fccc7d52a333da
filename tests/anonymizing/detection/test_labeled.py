"""Precision and recall on the labeled set stay where the documentation says that they are."""

from __future__ import annotations

import importlib.util
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

from paribus.anonymizing.detection import DetectedColumn, detect


@cache
def labeled() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "paribus_labeled_columns", Path(__file__).with_name("labeled.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


DETECTED: list[tuple[pa.Table, tuple[DetectedColumn, ...]]] = []


@cache
def results(half: str) -> list[tuple[object, DetectedColumn, str, str]]:
    out = []
    for table, locale, labels in labeled().tables(getattr(labeled(), half)):
        found = detect(table)
        DETECTED.append((table, found.columns))
        out += [
            (lab, got, locale, found.locale) for lab, got in zip(labels, found.columns, strict=True)
        ]
    return out


# What the documentation says: (half, role) -> least precision, least recall.
DOCUMENTED = {
    ("DEVELOPMENT", "direct"): (1.0, 0.987),
    ("DEVELOPMENT", "combination"): (1.0, 1.0),
    ("DEVELOPMENT", "sensitive"): (1.0, 1.0),
    ("DEVELOPMENT", "none"): (0.985, 1.0),
    ("HELD_OUT", "direct"): (1.0, 0.982),
    ("HELD_OUT", "combination"): (1.0, 0.952),
    ("HELD_OUT", "sensitive"): (1.0, 1.0),
    ("HELD_OUT", "none"): (0.95, 1.0),
}


def test_the_set_is_as_large_as_it_says() -> None:
    for half in ("DEVELOPMENT", "HELD_OUT"):
        sources = [s for _, columns in getattr(labeled(), half).values() for s in columns]
        assert len(sources) >= 60
    locales = {locale for half in ("DEVELOPMENT", "HELD_OUT")
               for locale, _ in getattr(labeled(), half).values()}  # fmt: skip
    assert len(locales) >= 6
    dev, held = (set(getattr(labeled(), half)) for half in ("DEVELOPMENT", "HELD_OUT"))
    assert not dev & held


@pytest.mark.parametrize(("half", "role"), list(DOCUMENTED))
def test_roles(half: str, role: str) -> None:
    counts = Counter((lab.role == role, got.role == role) for lab, got, _, _ in results(half))
    hit, missed, false = counts[True, True], counts[True, False], counts[False, True]
    precision, recall = hit / (hit + false), hit / (hit + missed)
    least = DOCUMENTED[half, role]
    assert precision >= least[0], f"{role}: precision {precision:.3f}"
    assert recall >= least[1], f"{role}: recall {recall:.3f}"


@pytest.mark.parametrize(("half", "least"), [("DEVELOPMENT", 0.995), ("HELD_OUT", 0.974)])
def test_sorts(half: str, least: float) -> None:
    right = sum(lab.sort == got.sort for lab, got, _, _ in results(half))
    assert right / len(results(half)) >= least


@pytest.mark.parametrize("half", ["DEVELOPMENT", "HELD_OUT"])
def test_locales_are_guessed(half: str) -> None:
    told = {(lab.table, locale, guessed) for lab, _, locale, guessed in results(half)
            if lab.variant == "honest"}  # fmt: skip
    assert sum(locale == guessed for _, locale, guessed in told) / len(told) >= 0.9


def test_confidence_means_something() -> None:
    """Of what is at least 95 % sure, more is right than of the rest."""
    everything = results("DEVELOPMENT") + results("HELD_OUT")
    sure = [lab.sort == got.sort for lab, got, _, _ in everything if got.confidence >= 0.95]
    rest = [lab.sort == got.sort for lab, got, _, _ in everything if got.confidence < 0.8]
    assert sum(sure) / len(sure) >= 0.98
    assert sum(rest) / len(rest) < sum(sure) / len(sure)


def test_no_value_is_in_a_reason() -> None:
    results("DEVELOPMENT")
    for table, columns in DETECTED:
        for each in columns:
            values = {
                v for v in table[each.column].to_pylist() if isinstance(v, str) and len(v) > 7
            }
            assert not any(value in each.reason for value in values), each
