"""What differs between two records beside their gaps: requests, versions, regions, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from paribus._text import count, name, percent, shortened, visible
from paribus.evidence.base import Row
from paribus.record import Record

_MOST = 30
"""Keys of a request that are told one by one."""

_VALUE = 60
_ABSENT = "left out"

_UNTOLD = frozenset({"$.audit.name"})

_DECIDE = (
    ("outcome", "what an answer is"),
    ("favorable", "which answer is favorable"),
    ("threshold", "the threshold"),
)
"""Facts about a model without which its gaps are other gaps."""


def requests(before: Record, after: Record) -> Iterator[str]:
    """Tell what else was asked for, key by key."""
    one, other = dict(_leaves("$", before.spec)), dict(_leaves("$", after.spec))
    # A key may be called anything.
    paths = [path for path in {**one, **other} if path not in _UNTOLD]
    differ = [path for path in paths if one.get(path, _ABSENT) != other.get(path, _ABSENT)]
    for path in differ[:_MOST]:
        values = (one.get(path, _ABSENT), other.get(path, _ABSENT))
        said = [shortened(visible(value), _VALUE) for value in values]
        yield f"{shortened(visible(path), 2 * _VALUE)}: {said[0]} before, {said[1]} after."
    if len(differ) > _MOST:
        yield f"And {count(len(differ) - _MOST, 'key')} of the request more."


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}", inner)
    elif isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        for i, inner in enumerate(value):
            yield from _leaves(f"{path}[{i}]", inner)
    else:
        yield path, json.dumps(value, ensure_ascii=False, default=str)


def circumstances(before: Record, after: Record) -> Iterator[str]:
    """Tell which model, how many people, which table and which versions."""
    one, other = before.model, after.model
    if one is not None and other is not None:
        if one.name != other.name:
            yield f"The model: {name(one.name)} before, {name(other.name)} after."
        if one.fingerprint != other.fingerprint:
            said = [each.fingerprint[:16] or "unknown" for each in (one, other)]
            yield f"The fingerprint of the model: {said[0]} before, {said[1]} after."
        if one.features != other.features:
            gone, new = _listed(one.features, other.features), _listed(other.features, one.features)
            parts = [f"no longer {gone}"] * bool(gone) + [f"{new} in addition"] * bool(new)
            yield f"What the model sees: {' and '.join(parts) or 'the same in another order'}."
    if before.people != after.people:
        yield f"People: {before.people:,} before, {after.people:,} after."
    for fact in ("name", "rows", "columns"):
        sides = [getattr(each.data, fact, None) for each in (before, after)]
        if None not in sides and sides[0] != sides[1]:
            yield f"The table's {fact}: {name(sides[0])} before, {name(sides[1])} after."
    versions = [_versions(each) for each in (before, after)]
    for package in sorted({*versions[0], *versions[1]}):
        said = [visible(each.get(package, _ABSENT)) for each in versions]
        if all(versions) and said[0] != said[1]:
            yield f"Version of {name(package)}: {said[0]} before, {said[1]} after."


def _versions(record: Record) -> dict[str, str]:
    found = record.run.get("versions")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


def _listed(names: tuple[str, ...], others: tuple[str, ...]) -> str:
    only = [name(each) for each in names if each not in others]
    more = f" and {len(only) - 5} more" if len(only) > 5 else ""
    return ", ".join(only[:5]) + more


def warnings(before: Record, after: Record) -> Iterator[str]:
    """Warn where the two are not the same audit."""
    one, other = before.model, after.model
    if one is not None and other is not None:
        for key, what in _DECIDE:
            if getattr(one, key) != getattr(other, key):
                yield (
                    f"Not the same audit: {what} differs, so that a gap may have changed with what "
                    "it means."
                )
        if one.fingerprint and one.fingerprint == other.fingerprint:
            yield (
                "The fingerprint of the model is the same in both records: what differs, if "
                "anything, is neither its file nor its code."
            )
    if before.tolerance != after.tolerance:
        yield (
            "Not the same audit: the tolerance differs, so that a verdict may have changed without "
            "the gap."
        )
    if before.confidence != after.confidence:
        yield "Not the same audit: the confidence differs; here the higher one holds."
    if before.spec.get("protect") != after.spec.get("protect"):
        yield (
            "Not the same audit: the protected attributes or their levels differ; what both have "
            "is compared."
        )
    missing = [_missing(each) for each in (before, after)]
    if missing[0] != missing[1]:
        yield (
            f"Versions of people without an answer: {percent(missing[0])} before, "
            f"{percent(missing[1])} after. They are counted at their worst."
        )


def _missing(record: Record) -> float:
    counts = record.answers
    return 0.0 if counts is None else (counts.refused + counts.failed) / max(1, counts.versions)


def regions(here: Record, there: Record) -> tuple[str, ...]:
    """List the regions with a gap beyond the tolerance that one record has and the other has not.

    Rules that differ in the number of a threshold alone are the same region.
    """
    known = {_region(row) for row in there.regions if _telling(row, there)}
    return tuple(
        f"{name(row.attribute)}, {name(row.reference)} to {name(row.group)}: "
        + " and ".join(name(condition.text, 2 * _VALUE) for condition in row.rule)
        for row in here.regions
        if _telling(row, here) and _region(row) not in known
    )


def _telling(row: Row, record: Record) -> bool:
    return row.low > record.tolerance or row.high < -record.tolerance


def _region(row: Row) -> tuple[Any, ...]:
    rule = frozenset(
        (each.field, each.relation, each.value if isinstance(each.value, str | bool) else None)
        for each in row.rule
    )
    return row.unit, row.attribute, row.reference, row.group, rule
