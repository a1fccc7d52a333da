"""Crossed attributes and their cells, named so that they can stand in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, NamedTuple

from paribus._text import name
from paribus.evidence.base import Row
from paribus.findings import Finding
from paribus.record import Record
from paribus.twins import CROSS


class Spoken(NamedTuple):
    """What is compared, in words."""

    attribute: str
    reference: str
    group: str


def spoken(row: Row | Finding, record: Record) -> Spoken:
    """Name what a row compares: ``race and sex``, from ``“white, male”`` to ``“black, male”``.

    A level may hold the sign of crossing in its own name. What the record declares decides then,
    and where even that leaves two readings, the names stay as they are.

    Parameters
    ----------
    row : Row or Finding
    record : Record
        The one that it is of.
    """
    plain = Spoken(name(row.attribute), name(row.reference), name(row.group))
    if row.contrast != "cell":
        return plain
    attributes = crossed(row.attribute, record)
    cells = [_cell(side, attributes, record) for side in (row.reference, row.group)]
    reference, group = (_quoted(cell) if cell else "" for cell in cells)
    if not (reference and group):
        return plain
    return Spoken(listed([name(each) for each in attributes], "and"), reference, group)


def crossed(attribute: str, record: Record) -> tuple[str, ...]:
    """Give the attributes that are crossed under a name; none where that cannot be told.

    Parameters
    ----------
    attribute : str
        Such as ``race x sex``.
    record : Record
    """
    protect = record.spec.get("protect")
    declared = list(protect) if isinstance(protect, Mapping) else []
    # What is declared by that very name is not crossed, or has two readings.
    found = [] if attribute in declared else list(islice(_chains(attribute, declared), 2))
    return found[0] if len(found) == 1 else ()


def listed(names: Sequence[str], joint: Literal["and", "or"]) -> str:
    """Write names one after the other: ``race, sex and age``."""
    return f" {joint} ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _quoted(cell: Sequence[str]) -> str:
    # In marks, or "against white, male" would be against two groups.
    return (
        f"\N{LEFT DOUBLE QUOTATION MARK}{', '.join(map(name, cell))}\N{RIGHT DOUBLE QUOTATION MARK}"
    )


def _cell(text: str, attributes: Sequence[str], record: Record) -> tuple[str, ...]:
    """Part the name of a cell into its levels; gives none where that cannot be told."""
    protect = record.spec.get("protect")
    declared = [_levels(protect, attribute) for attribute in attributes]
    found = list(islice(_splits(text, declared), 2))
    return found[0] if len(found) == 1 else ()


def _chains(text: str, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Read a text as two or more different names in a row, in every way that there is."""
    for first in names:
        start = f"{first}{CROSS}"
        if text.startswith(start):
            rest, others = text[len(start) :], [each for each in names if each != first]
            yield from ((first, each) for each in others if each == rest)
            yield from ((first, *chain) for chain in _chains(rest, others))


def _splits(text: str, declared: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    if len(declared) < 2:
        yield from ((text,) for levels in declared if text in levels)
        return
    for level in declared[0]:
        start = f"{level}{CROSS}"
        if text.startswith(start):
            yield from ((level, *rest) for rest in _splits(text[len(start) :], declared[1:]))


def _levels(protect: Any, attribute: str) -> list[str]:
    given = protect.get(attribute) if isinstance(protect, Mapping) else None
    levels = given.get("levels") if isinstance(given, Mapping) else None
    return [str(level) for level in levels] if isinstance(levels, list | tuple) else []
