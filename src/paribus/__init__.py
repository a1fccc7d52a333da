"""An audit asks a model the same question about people who differ in one thing, and weighs the answers.

Everything public is here, and nothing is imported before it is used: ``import paribus`` is as fast
as an empty module.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from paribus._files import check_writable, write_atomically
    from paribus.answers import Answers
    from paribus.auditing import Audit, audit
    from paribus.errors import (
        DataError,
        ModelError,
        OutputError,
        ParibusError,
        SpecError,
        TrustError,
    )
    from paribus.executors.serial import Serial
    from paribus.executors.threads import Threads
    from paribus.studies.loan import demo
    from paribus.people.fields.choice import choice
    from paribus.people.fields.constant import constant
    from paribus.people.fields.copy import copy_of
    from paribus.people.fields.dates import dates
    from paribus.people.fields.integers import integers
    from paribus.people.fields.lognormal import lognormal
    from paribus.people.fields.map import map_of
    from paribus.people.fields.mimesis import mimesis
    from paribus.people.fields.normal import normal
    from paribus.people.fields.sequence import sequence
    from paribus.people.fields.uniform import uniform
    from paribus.people.population import People, Protected
    from paribus.record import Record, open_record
    from paribus.spec import kinds, load

_HOME = {
    "check_writable": "_files",
    "write_atomically": "_files",
    "Answers": "answers",
    "Audit": "auditing",
    "audit": "auditing",
    "DataError": "errors",
    "ModelError": "errors",
    "OutputError": "errors",
    "ParibusError": "errors",
    "SpecError": "errors",
    "TrustError": "errors",
    "Serial": "executors.serial",
    "Threads": "executors.threads",
    "choice": "people.fields.choice",
    "constant": "people.fields.constant",
    "copy_of": "people.fields.copy",
    "dates": "people.fields.dates",
    "integers": "people.fields.integers",
    "lognormal": "people.fields.lognormal",
    "map_of": "people.fields.map",
    "mimesis": "people.fields.mimesis",
    "normal": "people.fields.normal",
    "sequence": "people.fields.sequence",
    "uniform": "people.fields.uniform",
    "People": "people.population",
    "Protected": "people.population",
    "demo": "studies.loan",
    "kinds": "spec",
    "Record": "record",
    "open_record": "record",
    "load": "spec",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604 - the names are the keys above


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'paribus' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"paribus.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
