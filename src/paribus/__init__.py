"""Find bias in models with counterfactual twins, all else being equal.

An audit asks a model the same question about people who differ in one thing, and weighs the
answers. Everything public is here, and nothing is imported before it is used: ``import paribus``
costs no more than an empty module.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paribus._files import check_writable, write_atomically
    from paribus.anonymizing.anonymizer import Anonymizer
    from paribus.anonymizing.call import anonymize
    from paribus.anonymizing.detection import detect
    from paribus.anonymizing.files import anonymize_files
    from paribus.anonymizing.keys import Key
    from paribus.anonymizing.populations import learn
    from paribus.anonymizing.sampling import detect_files
    from paribus.answers import Answers
    from paribus.auditing import Audit, audit
    from paribus.drafting import Draft, draft
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
    from paribus.explaining import explain
    from paribus.measuring import audit_data, metrics
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
    from paribus.people.shared import SharedPeople
    from paribus.probe.recorded import recorded
    from paribus.rating import group_rates
    from paribus.record import Record, open_record
    from paribus.schema import spec_schema
    from paribus.spec import kinds, load, read_anonymization, read_mitigation, read_population
    from paribus.studies._assessment import Assessment, open_assessment
    from paribus.studies._compared import Compared, open_compared
    from paribus.studies.assess import assess
    from paribus.studies.book import write_report
    from paribus.studies.compare import compare
    from paribus.studies.disclosure import disclose
    from paribus.studies.loan import demo
    from paribus.studies.mitigate import Mitigated, mitigate
    from paribus.studies.plan import plan
    from paribus.studies.search import search
    from paribus.tracking import log_to_mlflow

__version__ = "0.1.0"

__all__ = [
    "Anonymizer",
    "Answers",
    "Assessment",
    "Audit",
    "Compared",
    "DataError",
    "Draft",
    "Key",
    "Mitigated",
    "ModelError",
    "OutputError",
    "ParibusError",
    "People",
    "Protected",
    "Record",
    "Serial",
    "SharedPeople",
    "SpecError",
    "Threads",
    "TrustError",
    "__version__",
    "anonymize",
    "anonymize_files",
    "assess",
    "audit",
    "audit_data",
    "check_writable",
    "choice",
    "compare",
    "constant",
    "copy_of",
    "dates",
    "demo",
    "detect",
    "detect_files",
    "disclose",
    "draft",
    "explain",
    "group_rates",
    "integers",
    "kinds",
    "learn",
    "load",
    "log_to_mlflow",
    "lognormal",
    "map_of",
    "metrics",
    "mimesis",
    "mitigate",
    "normal",
    "open_assessment",
    "open_compared",
    "open_record",
    "plan",
    "read_anonymization",
    "read_mitigation",
    "read_population",
    "recorded",
    "search",
    "sequence",
    "spec_schema",
    "uniform",
    "write_atomically",
    "write_report",
]

_HOMES = {
    "_files": ("check_writable", "write_atomically"),
    "anonymizing.anonymizer": ("Anonymizer",),
    "anonymizing.call": ("anonymize",),
    "anonymizing.detection": ("detect",),
    "anonymizing.files": ("anonymize_files",),
    "anonymizing.keys": ("Key",),
    "anonymizing.populations": ("learn",),
    "anonymizing.sampling": ("detect_files",),
    "answers": ("Answers",),
    "auditing": ("Audit", "audit"),
    "drafting": ("Draft", "draft"),
    "errors": (
        "DataError",
        "ModelError",
        "OutputError",
        "ParibusError",
        "SpecError",
        "TrustError",
    ),
    "executors.serial": ("Serial",),
    "executors.threads": ("Threads",),
    "explaining": ("explain",),
    "measuring": ("audit_data", "metrics"),
    "people.fields.choice": ("choice",),
    "people.fields.constant": ("constant",),
    "people.fields.copy": ("copy_of",),
    "people.fields.dates": ("dates",),
    "people.fields.integers": ("integers",),
    "people.fields.lognormal": ("lognormal",),
    "people.fields.map": ("map_of",),
    "people.fields.mimesis": ("mimesis",),
    "people.fields.normal": ("normal",),
    "people.fields.sequence": ("sequence",),
    "people.fields.uniform": ("uniform",),
    "people.population": ("People", "Protected"),
    "people.shared": ("SharedPeople",),
    "probe.recorded": ("recorded",),
    "rating": ("group_rates",),
    "record": ("Record", "open_record"),
    "schema": ("spec_schema",),
    "spec": ("kinds", "load", "read_anonymization", "read_mitigation", "read_population"),
    "studies._assessment": ("Assessment", "open_assessment"),
    "studies._compared": ("Compared", "open_compared"),
    "studies.assess": ("assess",),
    "studies.book": ("write_report",),
    "studies.compare": ("compare",),
    "studies.disclosure": ("disclose",),
    "studies.loan": ("demo",),
    "studies.mitigate": ("Mitigated", "mitigate"),
    "studies.plan": ("plan",),
    "studies.search": ("search",),
    "tracking": ("log_to_mlflow",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'paribus' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"paribus.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
