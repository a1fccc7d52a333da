"""The call that runs an audit again where the model was handed over in Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from paribus._text import visible
from paribus.record import Record

MOST_OF_VALUE = 400
"""Characters of a value; a longer one is taken from the declaration."""

_OPTIONS = (
    *("outcome", "favorable", "threshold", "prefer", "labels", "features", "frame"),
    *("repeats", "times"),
)
_AUDIT = (
    *("name", "seed", "people", "tolerance", "confidence", "cross", "stop", "multiplicity"),
    "exhaustive",
)


def call(record: Record) -> str:
    """Write the call of ``paribus.audit`` that gives the record again.

    Parameters
    ----------
    record : Record
        Of a model, or of rows, that were objects in Python.

    Returns
    -------
    str
        Python that reads the declaration from ``audit.toml``; `model` and `data` are what the
        reader must have.
    """
    lines = [
        "import tomllib",
        "from pathlib import Path",
        "",
        "import paribus",
        "",
        'declared = tomllib.loads(Path("audit.toml").read_text(encoding="utf-8"))',
        "record = paribus.audit(",
        *(f"    {line}" for line in _arguments(record.spec)),
        ")",
    ]
    return "\n".join(lines)


def _arguments(spec: Mapping[str, Any]) -> Iterator[str]:
    in_file = "path" in _table(spec, "model")
    yield 'declared["model"]["path"],' if in_file else "model,  # the same object"
    yield 'protect=declared["protect"],'
    if "fields" in spec:
        yield 'fields=declared["fields"],'
    if "path" in _table(spec, "data"):
        yield 'data=declared["data"]["path"],'
    elif "data" in spec:
        yield "data=data,  # the same rows"
        measured = [key for key in _table(spec, "data") if key not in {"rows", "columns"}]
        if measured:
            yield f'measure={{key: declared["data"][key] for key in {measured}}},'
    for section, names in (("model", _OPTIONS), ("audit", _AUDIT)):
        given = _table(spec, section)
        for name in names:
            if given.get(name) is not None:
                yield f"{name}={_value(section, name, given[name])},"
    if "tests" in spec:
        yield "tests=[...],  # as declared under [[tests]]"


def _table(spec: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    content = spec.get(section)
    return content if isinstance(content, Mapping) else {}


def _value(section: str, name: str, content: object) -> str:
    text = visible(repr(content))
    # What is long, or what a page cannot show as it is, comes from the file.
    exact = text == repr(content) and len(text) <= MOST_OF_VALUE
    return text if exact else f'declared["{section}"]["{name}"]'
