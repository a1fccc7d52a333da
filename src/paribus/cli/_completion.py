"""What a shell completes: names of kinds and formats, found without importing any of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paribus._plugins import Family

FAMILIES = {
    "fields": ("paribus.people.fields", "field"),
    "models": ("paribus.probe", "model"),
    "tests": ("paribus.evidence", "test"),
    "mitigations": ("paribus.mitigation", "mitigation"),
    "replacements": ("paribus.anonymizing.replacements", "replacement"),
    "reports": ("paribus.report", "report format"),
}
"""Package and noun of those in `paribus.spec`, whose import takes a second: too long for a key
press."""


def _families() -> dict[str, Family]:
    # Pydantic comes with it, and no other command shall wait for that.
    from paribus._plugins import Family

    return {name: Family(*each) for name, each in FAMILIES.items()}


def kinds(incomplete: str) -> list[tuple[str, str]]:
    """List families and kinds, each with what it is one of.

    Examples
    --------
    >>> kinds("integ"), kinds("fields.u")
    ([('integers', 'field')], [('fields.uniform', 'field')])
    """
    families = _families()
    named = [(family, kind) for family, members in families.items() for kind in members.kinds()]
    nouns = {kind: families[family].noun for family, kind in named}
    shared = Counter(kind for _, kind in named)
    offered = {family: f"every {members.noun}" for family, members in families.items()}
    offered |= {kind: noun for kind, noun in nouns.items() if kind not in FAMILIES}
    for family, kind in named:
        # Both names where one says too little, or where both were begun.
        if shared[kind] > 1 or kind in FAMILIES or incomplete.startswith(f"{family}."):
            offered[f"{family}.{kind}"] = families[family].noun
    return [(name, said) for name, said in offered.items() if name.startswith(incomplete)]


def formats(incomplete: str) -> list[str]:
    """List the formats of a report.

    Examples
    --------
    >>> formats("ht")
    ['html']
    """
    return [kind for kind in _families()["reports"].kinds() if kind.startswith(incomplete)]
