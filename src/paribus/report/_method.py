"""How an audit was done, how to do it again, and what it does not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from paribus._text import count, legible, name, number, percent, shortened, visible
from paribus._toml import as_toml
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
from paribus.report._replay import compared_again, replay
from paribus.report._wording import beside_the_verdict, bound

MOST_SPEC = 100_000
"""Characters of the declaration that a page shows; the JSON record has all."""

_LIMITS = (
    "Twins show the direct use of an attribute and of what was declared to follow it. A field that "
    "stands in for the attribute without being declared (a proxy) stays equal between twins, and "
    "its effect is not seen.",
    "The verdict holds for the declared tolerance, model and people, and for no other. A finding "
    "that is not significant is no proof of equal treatment; only \u201cwithin tolerance\u201d is.",
)

_TABLE_LIMITS = (
    "Groups in a table are different people. A difference between them is no proof that anybody "
    "was treated unequally, and equal rates are no proof of equal treatment: only a comparison of "
    "people who are alike, such as twins, can tell.",
    "A table says nothing of people who are not in it: who never applied, who was turned away "
    "before, of whom nothing was kept.",
)

_LABEL_LIMITS = (
    "Labels are taken for true. They may carry the prejudice of those who gave them, say what was "
    "decided and not what happened, or be known of those alone who got a favorable decision."
)

_CONFLICT = (
    "Criteria of fairness can contradict each other: where base rates differ, no decisions that "
    "err meet all of them (Chouldechova 2017). Which one matters is not for a table to say."
)

_ONLY = (
    "The verdict holds for the declared tolerance, columns and rows, and for no others. That a "
    "difference is not significant is no proof of its absence; only \u201cwithin tolerance\u201d "
    "is."
)

_SYNTHETIC = (
    "Synthetic people are not the population: shares of people and rates per group hold for the "
    "people that the declaration draws."
)


def method(record: Record) -> Section:
    """Say how the audit was done, completely enough to do it again."""
    facts = (("Audit", _audit), ("Model", _model), ("Answers", _answers), ("Data", _data))
    told = [Facts(title, tuple(tell(record))) for title, tell in facts]
    parts: list[Part] = [each for each in told if each.items]
    run = tuple(_flat(record.run))
    if run:
        parts.append(Facts("This run", run))
    parts += replay(record) if alone(record) else _replay(record)
    return Section("How it was done", (), tuple(parts), brief=_brief(record))


def glance(record: Record) -> Iterator[tuple[str, str]]:
    """Give the few numbers that stand beside the verdict."""
    answers, data = record.answers, record.data
    if not alone(record):
        yield "People", f"{record.people:,}"
    if answers is not None:
        missing = answers.refused + answers.failed
        yield "Questions", f"{answers.versions:,}"
        yield "Without an answer", f"{missing:,}" if missing else "none"
    if alone(record) and data is not None:
        yield "Rows", f"{data.rows:,}"
        if record.findings:
            yield "Counts as equal", f"up to {percent(data.tolerance)}"
    else:
        twins = [finding for finding in record.findings if finding.stage == "model"]
        units = list(dict.fromkeys(bound(record.tolerance, finding.unit) for finding in twins))
        if units:
            yield "Counts as equal", f"up to {' or '.join(units)}"
    if record.model is not None:
        yield "Model", name(record.model.name, 40)


def _brief(record: Record) -> str:
    """Say how it was done where there is room for one line only."""
    answers, model, data = record.answers, record.model, record.data
    if alone(record) and data is not None:
        return f"{data.rows:,} rows of {name(data.name)}, seed {record.seed}."
    brief = f"{record.people:,} people, seed {record.seed}"
    if answers is not None and model is not None:
        brief += (
            f"; {answers.answered:,} answers, {answers.refused:,} refused, {answers.failed:,} "
            f"failed; model {name(model.name)}"
        )
    reasons = "; ".join(f"{shortened(visible(r), 60)} ({n:,})" for r, n in _reasons(record, 3))
    if reasons:
        brief += f". Why answers are missing: {reasons}"
    if data is not None:
        brief += f". Measured too: {data.rows:,} rows of {name(data.name)}"
    return f"{brief}."


def alone(record: Record) -> bool:
    """Tell whether a record is about a table alone: no twins were asked."""
    return record.data is not None and record.answers is None


def limits(record: Record) -> Section:
    """Say what the audit does not say, and what its reader must know."""
    # What stands beside the verdict is not said again.
    told = [note for note in record.notes if not beside_the_verdict(record, note)]
    notes = tuple(Statement(shortened(legible(note), 600)) for note in told)
    texts = [] if alone(record) else list(_LIMITS)
    if "data" not in record.spec and not any("synthetic" in note for note in told):
        texts.insert(1, _SYNTHETIC)
    if record.data is not None:
        texts += _of_table(record)
    parts: list[Part] = [Statements("", tuple(Statement(text) for text in texts))]
    if notes:
        parts.insert(0, Statements("About this audit", notes))
    unseen = (
        "Seen: differences between groups in this table. Not seen: why they differ, people who are "
        "not in it, prejudice in its labels, other tolerances."
        if alone(record)
        else "Seen: direct use of the attribute and of what was declared to follow it. Not seen: "
        "undeclared proxies, other people, other tolerances."
    )
    # Of many notes, each stands on a line of its own.
    many = len(notes) > _FEW_NOTES
    brief = "" if many else " ".join((*(note.text for note in notes), unseen))
    return Section("What this does not say", (), tuple(parts), brief=brief)


def _of_table(record: Record) -> list[str]:
    """Say what a table cannot say, as far as it is about what was measured."""
    measured = [row for row in record.evidence if row.stage != "model"]
    roles = {} if record.data is None else record.data.roles
    texts = list(_TABLE_LIMITS)
    if "label" in roles:
        texts.append(_LABEL_LIMITS)
    if any(row.unit == "true positive rate" for row in measured):
        texts.append(_CONFLICT)
    return [*texts, *([_ONLY] if alone(record) else [])]


_FEW_NOTES = 3


def _audit(record: Record) -> Iterator[tuple[str, str]]:
    if not alone(record):
        yield "People", f"{record.people:,}"
    yield "Seed", str(record.seed)
    if not alone(record):
        twins = [finding for finding in record.findings if finding.stage == "model"]
        units = dict.fromkeys(bound(record.tolerance, finding.unit) for finding in twins)
        yield "Tolerance", " or ".join(units) or number(record.tolerance)
    yield "Confidence", f"{record.confidence * 100:g} %"
    yield "Record", f"schema {record.schema_version}"


def _model(record: Record) -> Iterator[tuple[str, str]]:
    model = record.model
    if model is None:
        return
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
    if answers is None:
        return
    yield "Questions", f"{answers.versions:,}"
    yield "Answered", f"{answers.answered:,}"
    yield "Refused", f"{answers.refused:,}"
    yield "Failed", f"{answers.failed:,}"
    for reason, times in _reasons(record, 10):
        yield shortened(visible(reason), 160) or "(no reason given)", count(times, "time")
    if len(answers.reasons) > 10:
        yield "Other reasons", f"{len(answers.reasons) - 10:,}, in the JSON record"


def _data(record: Record) -> Iterator[tuple[str, str]]:
    data = record.data
    if data is None:
        return
    yield "Table", name(data.name, 80)
    yield "Rows", f"{data.rows:,}"
    yield "Columns", f"{data.columns:,}"
    yield "Tolerance of differences", percent(data.tolerance)
    for role, columns in data.roles.items():
        yield _ROLES.get(role, role.capitalize()), shortened(visible(_named(columns)), 400)


_ROLES = {
    "by": "Protected attributes",
    "cross": "Crossed",
    "factors": "Legitimate factors",
    "every": "Windows of time",
    "top": "Top of the ranking",
}


def _named(content: Any) -> str:
    """Write what has a role: a column, several of them, or numbers by group."""
    if isinstance(content, Mapping):
        return "; ".join(f"{key}: {_named(value)}" for key, value in content.items())
    if isinstance(content, list | tuple):
        return ", ".join(
            " x ".join(map(_named, each)) if isinstance(each, list | tuple) else _named(each)
            for each in content
        )
    if isinstance(content, float):
        return number(content)
    return str(content)


def _reasons(record: Record, most: int) -> list[tuple[str, int]]:
    return [] if record.answers is None else list(record.answers.reasons.items())[:most]


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
    if record.comparison is not None:
        yield from compared_again(record)
    elif in_memory(record):
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
    return rows or (record.model is not None and record.model.kind in {"object", "callable"})


def _size(record: Record) -> int | None:
    # A declaration that leaves the number out, or says "all", says it itself.
    audit = record.spec.get("audit")
    size = audit.get("people") if isinstance(audit, Mapping) else None
    return size if isinstance(size, int) else None
