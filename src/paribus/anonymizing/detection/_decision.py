"""Header and values weighed against each other: one sort for each column, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import names
from paribus.anonymizing.detection._evidence import CODED, of_header, of_phones, of_values
from paribus.anonymizing.detection._headers import Header
from paribus.anonymizing.detection._locale import region_of
from paribus.anonymizing.detection._profile import Profile
from paribus.anonymizing.disguises import undisguised
from paribus.anonymizing.patterns import find

Role = Literal["direct", "combination", "sensitive", "none"]

ROLES: Mapping[str, Role] = {
    "name": "direct",
    "first name": "direct",
    "last name": "direct",
    "email": "direct",
    "phone": "direct",
    "address": "direct",
    "national id": "direct",
    "id": "direct",
    "iban": "direct",
    "card": "direct",
    "ip": "direct",
    "url": "direct",
    "username": "direct",
    "password": "direct",
    "text": "direct",
    "nested": "direct",
    "binary": "direct",
    "birth date": "combination",
    "age": "combination",
    "sex": "combination",
    "postcode": "combination",
    "city": "combination",
    "region": "combination",
    "country": "combination",
    "coordinates": "combination",
    "job": "combination",
    "company": "combination",
    "marital status": "combination",
    "education": "combination",
    "ethnicity": "combination",
    "nationality": "combination",
    "language": "combination",
    "religion": "sensitive",
    "health": "sensitive",
    "politics": "sensitive",
    "orientation": "sensitive",
    "union": "sensitive",
    "income": "sensitive",
    "clean text": "none",
    "date": "none",
    "none": "none",
}
"""What a column of each sort does to a person."""

_YES_OR_NO = {
    "sex", "marital status", "ethnicity", "nationality", "religion", "health", "politics",
    "orientation", "union",
}  # fmt: skip
_OF_TYPE: Mapping[str, frozenset[str]] = {
    "truth": frozenset(_YES_OR_NO),
    "whole": frozenset(
        {"id", "phone", "national id", "card", "birth date", "income", "coordinates", "date"}
        | {"password", "none"}
        | CODED
    ),
    "real": frozenset({"age", "income", "coordinates", "health", "none"}),
    "date": frozenset({"birth date", "date", "age", "none"}),
    "moment": frozenset({"birth date", "date", "none"}),
    "clock": frozenset({"none"}),
}
_UNEXPLAINED = 0.6
"""Confidence at most that text is of nobody, where nothing says what it is."""
_BASE = 2.0
"""Evidence that a column needs before it is anything at all, in logits."""


@dataclass(frozen=True)
class Decision:
    """The sort of a column, from 0 to 1 how sure, and what was seen."""

    sort: str
    confidence: float
    reason: str
    country: str = ""
    luhn: bool = False
    unexplained: bool = False
    """Whether it is text of many values that nothing is known of: neither word nor pattern."""


def decide(header: Header, profile: Profile, locale: str) -> Decision:
    """Weigh a header and the values below it.

    Notes
    -----
    What was seen gives each sort points, taken as logits; the confidence is the softmax of the
    best one among those with any evidence and "none". Headers give up to 5 points, patterns with a
    checksum up to 9, lists of names from -3 to 6.
    """
    if profile.type in ("binary", "nested"):
        return _opaque(header, profile)
    texts = profile.texts
    phone = of_phones(header, profile, region_of(locale))
    seen = [*of_header(header, profile), *phone[0], *of_values(header, profile)]
    allowed = _OF_TYPE.get(profile.type)
    scores: dict[str, float] = {"none": _BASE}
    for each in seen:
        if allowed is None or each.sort in allowed or each.sort == "none":
            scores[each.sort] = scores.get(each.sort, 0.0) + each.points
    best = max(scores, key=lambda sort: (scores[sort], sort == "none"))
    whole = sum(math.exp(min(score, 30) - 30) for score in scores.values())
    confidence = math.exp(min(scores[best], 30) - 30) / whole
    if profile.type == "null":
        confidence = min(confidence, 0.9)
    if best == "text":
        return _text(header, profile, confidence)
    words = [each.said for each in seen if each.sort == best and each.points > 0 and each.said]
    against = [each.said for each in seen if each.sort == best and each.points < 0 and each.said]
    unexplained = False
    if best == "none" and not words:
        words = [_plain(header, profile, scores)]
        unexplained = profile.type == "text" and not profile.is_category and len(texts) > 0
        if unexplained and not header.hits:
            # Whose names no list has looks just like this.
            confidence = min(confidence, _UNEXPLAINED)
    reason = "; ".join(dict.fromkeys(words)) or "the header alone"
    if against:
        reason += "; but " + "; ".join(dict.fromkeys(against))
    return Decision(
        best, round(min(confidence, 0.99), 2), reason, phone[1], profile.luhn, unexplained
    )


# --- what has values within ---


def _text(header: Header, profile: Profile, confidence: float) -> Decision:
    """Look for identifiers inside of free text, in the whole sample."""
    texts = profile.texts
    marked = find(undisguised(texts))
    share = 0.0
    what: list[str] = []
    for sort, hits in marked.hits.items():
        if sort in _NOUNS and len(hits):
            what.append(_NOUNS[sort])
            share = max(share, len(hits) / len(texts))
    people = _mentions(profile)
    if people >= 0.05:
        what.append("names")
        share = max(share, people)
    nouns = " and ".join(dict.fromkeys(what))
    if what and share > 0:
        sure = max(confidence, 0.5 + 0.5 * min(1.0, 20 * share))
        said = f"free text with {nouns} inside"
        return Decision("text", round(min(sure, 0.99), 2), said)
    said = "free text; no identifier was seen inside"
    return Decision("clean text", round(min(confidence, 0.9), 2), said)


_NOUNS = {
    "url": "links",
    "email": "email addresses",
    "ip": "IP addresses",
    "iban": "IBANs",
    "card": "card numbers",
    "national_id": "national IDs",
    "phone": "phone numbers",
    "handle": "handles",
}


def _mentions(profile: Profile) -> float:
    """Give the share of texts with a first name and then a last name, both capitalized."""
    texts = profile.distinct[:300]
    parts = pc.split_pattern_regex(texts, r"[\s,;:.!?()\"]+")
    tokens, parent = parts.flatten(), pc.list_parent_indices(parts).to_numpy()
    if len(tokens) < 2:
        return 0.0
    proper = pc.match_substring_regex(tokens, r"^\p{Lu}\p{Ll}").to_numpy(zero_copy_only=False)
    lower = pc.utf8_lower(tokens)
    first = proper & names.is_first(lower)
    last = proper & names.is_last(lower)
    pair = first[:-1] & last[1:] & (parent[:-1] == parent[1:])
    return len(np.unique(parent[:-1][pair])) / max(len(texts), 1)


def _opaque(header: Header, profile: Profile) -> Decision:
    """Say of what is no plain value that it cannot be looked through."""
    if profile.type == "binary":
        said = "binary values cannot be looked into, so they count as identifying"
        return Decision("binary", 0.6, said)
    leaves = pa.array(islice(_leaves(profile.values.to_pylist()), 5_000), pa.string())
    if len(leaves):
        inner = Profile(leaves, profile.rows)
        found = sorted(_NOUNS[sort] for sort in find(inner.texts).hits if sort in _NOUNS)
        if inner.people[0] >= 0.05:
            found.append("names")
        if found:
            return Decision("nested", 0.95, f"nested values with {' and '.join(found)} inside")
    return Decision("nested", 0.6, "nested values, whose parts count as identifying")


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)


def _plain(header: Header, profile: Profile, scores: Mapping[str, float]) -> str:
    if profile.type == "null":
        return "the column is empty"
    rivals = sorted(s for s, points in scores.items() if s != "none" and points > 0)
    if rivals:
        return f"too little speaks for {rivals[0]}"
    kinds: dict[str, str] = {"text": "text", "whole": "whole numbers", "real": "numbers"}
    return f"{kinds.get(profile.type, 'values')} without any mark of a person"
