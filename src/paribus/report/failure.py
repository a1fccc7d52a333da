"""What did not pass, in a few lines: for a log, a chat, or a test that fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len

from paribus._text import count, logged, name, percent, value
from paribus.findings import Finding
from paribus.record import Record, Witness
from paribus.report._regions import rule
from paribus.report._wording import readable, sentence, shown, span, verdict_sentence
from paribus.report._worst import worst_first

MOST_CHANGES = 3
"""Changes of which a sentence is said."""

_WIDTH = 98
_CELL = 24


def render(record: Record, *, witnesses: int = 2) -> str:
    """Say what did not pass: its sentence, where the gap lives, and twins as a small table.

    Parameters
    ----------
    record : Record
        A finished audit.
    witnesses : int
        Pairs of twins shown of each change that is biased, from 0.

    Returns
    -------
    str
        The worst finding first, as a line of its own; of an audit that passed, its verdict in one
        sentence.
    """
    record = readable(record)
    failed = [each for each in worst_first(record) if each.verdict == record.verdict]
    if record.verdict == "within tolerance" or not failed:
        return logged(verdict_sentence(record) + "\n")
    worst: dict[tuple[str, str, str, str], Finding] = {}
    for each in failed:
        worst.setdefault((each.stage, each.attribute, each.reference, each.group), each)
    chosen = list(worst.values())[:MOST_CHANGES]
    parts = ["\n".join(_said(finding, record, witnesses)) for finding in chosen]
    if len(failed) > len(chosen):
        rest, of_all = len(failed) - len(chosen), count(len(record.findings), "finding")
        parts.append(f"{rest:,} more of {of_all} {'is' if rest == 1 else 'are'} {record.verdict}.")
    return logged("\n\n".join(parts) + "\n")


def _said(finding: Finding, record: Record, witnesses: int) -> Iterator[str]:
    yield sentence(finding, record)
    about = (finding.attribute, finding.reference, finding.group)
    if finding.stage != "model" or finding.verdict != "biased":
        return
    for row in record.regions:
        if (row.attribute, row.reference, row.group) == about:
            share = "" if row.share is None else f", {percent(row.share)} of people"
            yield f"Where: {rule(row)}{share}: {shown(row)} ({span(row)})"
            break
    pairs = [w for w in record.witnesses if (w.attribute, w.reference, w.group) == about]
    if pairs[:witnesses]:
        yield ""
        yield from _table(pairs[:witnesses], record)


def _table(pairs: Sequence[Witness], record: Record) -> Iterator[str]:
    rows = [
        {**_known(pair, level), **values, "": "no answer" if answer is None else value(answer)}
        for pair in pairs
        for level, values, answer in (
            (pair.reference, _shown(pair, pair.reference_values), pair.reference_answer),
            (pair.group, _shown(pair, pair.group_values), pair.group_answer),
        )
    ]
    columns = [_column("person", "person", rows), _column("", "answer", rows)]
    room = _WIDTH - sum(cell_len(column[0]) + 2 for column in columns)
    for key in _telling(pairs, record):
        column = _column(key, name(key, _CELL), rows)
        room -= cell_len(column[0]) + 2
        if room < 0:
            break
        columns.insert(-1, column)
    for line in zip(*columns, strict=True):
        yield ("  " + "  ".join(line)).rstrip()


def _known(pair: Witness, level: str) -> dict[str, str]:
    person = f"{pair.person:,}"
    if pair.row is not None and pair.row != pair.person:
        person += f" (row {pair.row:,})"
    # A crossed attribute is no column of its own.
    return {"person": person, pair.attribute: name(level, _CELL)}


def _shown(pair: Witness, own: dict[str, Any]) -> dict[str, str]:
    return {key: name(value(content), _CELL) for key, content in {**pair.same, **own}.items()}


def _telling(pairs: Sequence[Witness], record: Record) -> list[str]:
    """Order what is known of twins: what was changed, what differs, and what the model sees."""
    seen = () if record.model is None else record.model.features
    rules = [condition.field for row in record.regions for condition in row.rule]
    differing = [key for pair in pairs for key in pair.reference_values]
    shared = [key for pair in pairs for key in pair.same]
    telling = [pairs[0].attribute, *sorted(differing, key=lambda key: key not in seen)]
    telling += [key for key in (*rules, *seen) if key in shared] + shared
    return [key for key in dict.fromkeys(telling) if key not in {"person", ""}]


def _column(key: str, head: str, rows: Sequence[dict[str, str]]) -> list[str]:
    cells = [head, *(row.get(key, "") for row in rows)]
    width = max(map(cell_len, cells))
    return [cell + " " * (width - cell_len(cell)) for cell in cells]
