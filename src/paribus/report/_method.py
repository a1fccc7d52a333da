"""How an audit was done, how to do it again, and what it does not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from paribus._text import count, name, number, shortened, visible
from paribus.record import Record
from paribus.report._parts import (
    Facts,
    Listing,
    Paragraph,
    Part,
    Section,
    Statement,
    Statements,
)
from paribus.report._python import call
from paribus.report._toml import as_toml
from paribus.report._wording import BLIND, bound

MOST_SPEC = 100_000
"""Characters of the declaration that a page shows; the JSON record has all."""

_LIMITS = (
    "Twins show the direct use of an attribute and of what was declared to follow it. A field that "
    "stands in for the attribute without being declared (a proxy) stays equal between twins, and "
    "its effect is not seen.",
    "The verdict holds for the declared tolerance, model and people, and for no other. A finding "
    "that is not significant is no proof of equal treatment; only \u201cwithin tolerance\u201d is.",
)

_SYNTHETIC = (
    "Synthetic people are not the population: shares of people and rates per group hold for the "
    "people that the declaration draws."
)


def method(record: Record) -> Section:
    """Say how the audit was done, completely enough to do it again."""
    parts: list[Part] = [
        Facts("Audit", tuple(_audit(record))),
        Facts("Model", tuple(_model(record))),
        Facts("Answers", tuple(_answers(record))),
    ]
    run = tuple(_flat(record.run))
    if run:
        parts.append(Facts("This run", run))
    parts += _replay(record)
    answers = record.answers
    brief = (
        f"{record.people:,} people, seed {record.seed}; {answers.answered:,} answers, "
        f"{answers.refused:,} refused, {answers.failed:,} failed; model {name(record.model.name)}"
    )
    reasons = "; ".join(f"{shortened(visible(r), 60)} ({n:,})" for r, n in _reasons(record, 3))
    if reasons:
        brief += f". Why answers are missing: {reasons}"
    return Section("How it was done", (), tuple(parts), brief=f"{brief}.")


def limits(record: Record) -> Section:
    """Say what the audit does not say, and what its reader must know."""
    # What stands beside the verdict is not said again.
    told = [note for note in record.notes if not note.startswith(BLIND)]
    notes = tuple(Statement(shortened(visible(note), 600)) for note in told)
    texts = list(_LIMITS)
    if "data" not in record.spec and not any("synthetic" in note for note in told):
        texts.insert(1, _SYNTHETIC)
    parts: list[Part] = [Statements("", tuple(Statement(text) for text in texts))]
    if notes:
        parts.insert(0, Statements("About this audit", notes))
    brief = " ".join(
        (
            *(note.text for note in notes),
            "Seen: direct use of the attribute and of what was declared to follow it. Not seen: "
            "undeclared proxies, other people, other tolerances.",
        )
    )
    return Section("What this does not say", (), tuple(parts), brief=brief)


def _audit(record: Record) -> Iterator[tuple[str, str]]:
    yield "People", f"{record.people:,}"
    yield "Seed", str(record.seed)
    units = dict.fromkeys(bound(record.tolerance, finding.unit) for finding in record.findings)
    yield "Tolerance", " or ".join(units) or number(record.tolerance)
    yield "Confidence", f"{record.confidence * 100:g} %"
    yield "Record", f"schema {record.schema_version}"


def _model(record: Record) -> Iterator[tuple[str, str]]:
    model = record.model
    yield "Model", f"{name(model.name, 80)} ({name(model.kind)})"
    yield "Fingerprint", name(model.fingerprint or "none: nothing to hash", 100)
    seen = ", ".join(name(feature) for feature in model.features[:100])
    if len(model.features) > 100:
        seen += f" and {len(model.features) - 100:,} more"
    yield "Columns it sees", seen or "none"
    yield "Outcome", model.outcome
    if model.favorable:
        yield "Favorable", ", ".join(name(label) for label in model.favorable[:20])
    if model.threshold is not None:
        yield "Threshold", number(model.threshold)
    repeats = {True: "yes", False: "no: answers vary when asked again", None: "not tried"}
    yield "Same answer twice", repeats[model.repeatable]


def _answers(record: Record) -> Iterator[tuple[str, str]]:
    answers = record.answers
    yield "Questions", f"{answers.versions:,}"
    yield "Answered", f"{answers.answered:,}"
    yield "Refused", f"{answers.refused:,}"
    yield "Failed", f"{answers.failed:,}"
    for reason, times in _reasons(record, 10):
        yield shortened(visible(reason), 160) or "(no reason given)", count(times, "time")
    if len(answers.reasons) > 10:
        yield "Other reasons", f"{len(answers.reasons) - 10:,}, in the JSON record"


def _reasons(record: Record, most: int) -> list[tuple[str, int]]:
    return list(record.answers.reasons.items())[:most]


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, content in table.items():
        label = f"{prefix}{name(key)}"
        if isinstance(content, Mapping):
            yield from _flat(content, f"{label} ")
        elif isinstance(content, float):
            yield label, number(content)
        else:
            yield label, shortened(visible(content), 160)


def _replay(record: Record) -> Iterator[Part]:
    text = as_toml(record.spec)
    if len(text) > MOST_SPEC:
        text = f"{text[:MOST_SPEC]}\n# ... cut here; the JSON record has all"
    if in_memory(record):
        yield Paragraph(
            "What was audited was handed over in Python. To run this audit again, save the "
            "declaration below as audit.toml and hand the same over with it: the same declaration, "
            "seed, model and versions give the same record."
        )
        yield Listing("In Python", call(record))
    else:
        yield Paragraph(
            "To run this audit again, save the declaration below as audit.toml, put the files that "
            "it names beside it, and run the command. The same declaration, seed, model and "
            "versions give the same record."
        )
        command = f"paribus audit audit.toml --seed {record.seed}"
        size = _size(record)
        yield Listing("Command", command if size is None else f"{command} --people {size}")
    yield Listing("Declaration (audit.toml)", text)


def in_memory(record: Record) -> bool:
    """Tell whether the model, or the rows, were no file but an object in Python."""
    data = record.spec.get("data")
    rows = isinstance(data, Mapping) and "path" not in data
    return record.model.kind in {"object", "callable"} or rows


def _size(record: Record) -> int | None:
    # A declaration that leaves the number out, or says "all", says it itself.
    audit = record.spec.get("audit")
    size = audit.get("people") if isinstance(audit, Mapping) else None
    return size if isinstance(size, int) else None
