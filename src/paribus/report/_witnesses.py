"""Witnesses as tables of matched twins, with what differs highlighted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from paribus._text import name, shortened, value
from paribus.record import Record, Witness
from paribus.report._parts import Cell, Column, Paragraph, Section, Table

MOST_PAIRS = 3
"""Pairs shown of each contrast; the JSON record has all that were kept."""

MOST_CONTRASTS = 20

MOST_COLUMNS = 9
"""Columns of a table; of what twins share, the rest stands in one cell."""

MOST_SHARED = 400
"""Characters of that cell."""


def witnesses(record: Record) -> Iterator[Section]:
    """Show matched twins whom the model treats differently, if there are any."""
    contrasts: dict[tuple[str, str, str], list[Witness]] = {}
    for witness in record.witnesses:
        key = (witness.attribute, witness.reference, witness.group)
        contrasts.setdefault(key, []).append(witness)
    if not contrasts:
        return
    telling = [condition.field for row in record.regions for condition in row.rule]
    tables = tuple(
        _table(pairs[:MOST_PAIRS], telling) for pairs in list(contrasts.values())[:MOST_CONTRASTS]
    )
    rest = len(contrasts) - len(tables)
    title = "Twins whom the model treats differently"
    intro = "The same person twice: what differs is highlighted, and all else is equal."
    if record.model is not None and record.model.repeatable is False:
        title = "Twins who were answered differently"
        intro += (
            " This model changes its answers when it is asked again, so a single pair proves "
            "nothing: these are examples."
        )
    if rest > 0:
        intro += f" {rest:,} more comparisons with witnesses are in the JSON record."
    yield Section(title, (Paragraph(intro),), tables)


def _table(pairs: Sequence[Witness], telling: Sequence[str]) -> Table:
    first = pairs[0]
    differing = list(dict.fromkeys(key for pair in pairs for key in pair.reference_values))
    shared = list(dict.fromkeys(key for pair in pairs for key in pair.same if key not in differing))
    shared.sort(key=lambda key: key not in telling)
    # A crossed attribute is not a column of its own: its parts are.
    labeled = first.attribute in differing
    front = _front(differing, first.attribute)
    room = MOST_COLUMNS - len(front) - 2 - (not labeled)
    # One more column has what there is no room for.
    few = len(shared) if len(shared) <= room else max(0, room - 1)
    alone, together = shared[:few], shared[few:]
    columns = [
        Column("Person", numeric=True, both=True),
        *([] if labeled else [Column(name(first.attribute))]),
        *(Column(name(key), numeric=_numeric(key, pairs)) for key in front),
        Column("Answer"),
        *(
            Column(name(key), numeric=_numeric(key, pairs), extra=key not in telling, both=True)
            for key in alone
        ),
        *([Column("All else, equal for both", extra=True, both=True)] if together else []),
    ]
    rows = []
    for pair in pairs:
        sides = (
            (pair.reference, pair.reference_values, pair.reference_answer),
            (pair.group, pair.group_values, pair.group_answer),
        )
        for level, values, answer in sides:
            rows.append(
                (
                    Cell(f"{pair.person:,}"),
                    *([] if labeled else [Cell(name(level), "changed")]),
                    *(_differing(key, values, pair) for key in front),
                    Cell(_answer(answer), "changed"),
                    *(Cell(value(pair.same.get(key))) for key in alone),
                    *([_together(pair, together)] if together else []),
                )
            )
    title = f"{name(first.attribute)}: {name(first.reference)} and {name(first.group)}"
    return Table(title, tuple(columns), tuple(rows), beside=2)


def _numeric(key: str, pairs: Sequence[Witness]) -> bool:
    """Tell whether a column holds numbers and nothing else, gaps aside."""
    sides = (
        {**pair.same, **values}.get(key)
        for pair in pairs
        for values in (pair.reference_values, pair.group_values)
    )
    said = [content for content in sides if content is not None]
    return bool(said) and all(
        isinstance(content, int | float) and not isinstance(content, bool) for content in said
    )


def _together(pair: Witness, keys: Sequence[str]) -> Cell:
    said = "; ".join(f"{name(key)} {value(pair.same.get(key))}" for key in keys)
    return Cell(shortened(said, MOST_SHARED))


def _front(keys: Sequence[str], first: str) -> list[str]:
    return sorted(keys, key=lambda key: key != first)


def _differing(key: str, values: dict[str, Any], pair: Witness) -> Cell:
    # Another pair of the table may differ here while this pair shares the value.
    shown = values.get(key, pair.same.get(key))
    differs = pair.reference_values.get(key) != pair.group_values.get(key)
    return Cell(value(shown), "changed" if differs else "plain")


def _answer(answer: str | float | int | bool | None) -> str:
    return "no answer" if answer is None else value(answer)
