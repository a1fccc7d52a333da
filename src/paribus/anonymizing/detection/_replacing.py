"""What is suggested for a column of each sort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import columns
from paribus.anonymizing.detection._headers import read
from paribus.anonymizing.detection._profile import Profile
from paribus.anonymizing.formats.base import disarmed
from paribus.anonymizing.replacements.base import REPLACEMENTS, Replacement, is_text
from paribus.errors import DataError

_KINDS: Mapping[str, str] = {
    "name": "full_name",
    "first name": "first_name",
    "last name": "last_name",
    "email": "email",
    "phone": "phone",
    "address": "address",
    "national id": "id",
    "id": "id",
    "iban": "iban",
    "card": "card",
    "ip": "ip",
    "url": "url",
    "username": "username",
    "password": "drop",
    "text": "text",
    "clean text": "text",
    "nested": "text",
    "binary": "drop",
    "birth date": "dates",
    "city": "city",
    "postcode": "postcode",
    "company": "company",
    "coordinates": "truncate",
    "job": "job",
}
"""Every other sort stays: an audit needs sex and age, and the risk that they leave is measured."""

_AMBIGUOUS = r"^\s*\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}\b"
_DAY_FIRST = r"^\s*(1[3-9]|2\d|3[01])[-/. ]"
_MONTH_FIRST = r"^\s*\d{1,2}[-/. ](1[3-9]|2\d|3[01])[-/. ]"
_MONTH_LOCALES = ("en", "en-ca")
_DEGREES = 0.1
"""Coordinates keep this step: about 11 kilometers."""


def replacement(
    sort: str,
    profile: Profile,
    *,
    locale: str,
    country: str = "",
    luhn: bool = False,
    person: str | None = None,
    names: tuple[str, ...] = (),
    unexplained: bool = False,
) -> dict[str, Any]:
    """Give a replacement as a table of TOML has it; one that takes the type of the column.

    Parameters
    ----------
    sort : str
    profile : Profile
    locale, country : str
        Of the names, and of the phones.
    luhn : bool
        Whether all values end in a Luhn check digit.
    person : str or None
        The column whose people dates belong to, if dates shall move with them.
    names : tuple of str
        The columns with people's names.
    unexplained : bool
        Whether nothing is known of its many texts: then they are searched like comments.
    """
    kind = profile.type
    chosen = _KINDS.get(sort, "keep")
    options: dict[str, Any] = {}
    if kind == "null":
        # Empty in the sample, and maybe not elsewhere.
        return _empty(chosen, locale, profile.values.type)
    if sort == "date" and person is not None and _is_dated(profile):
        chosen = "dates"
    if chosen == "keep" and unexplained:
        chosen = "text"
    if chosen == "dates":
        chosen, options = _moved(profile, locale, person)
    elif chosen == "truncate":
        chosen, options = _coarse(profile)
    elif chosen == "job" and profile.is_category:
        chosen = "keep"
    if chosen == "keep" and _runs(profile):
        chosen = "text"
    if sort == "nested" and _hold_people(profile.values.type):
        # Names that no list has cannot be found in values that nobody has named one by one.
        options = {"beyond": "remove"}
    elif chosen == "text" and names:
        options = {"names": list(names)}
    elif sort == "phone" and country:
        options = {"country": country}
    elif chosen == "id" and luhn:
        options = {"check_digit": "luhn"}
    return _fitting(chosen, {**options, "locale": locale}, profile.values.type)


def _runs(profile: Profile) -> bool:
    """Tell whether any text is a tag in a page or a formula in a spreadsheet: those never stay."""
    if profile.type != "text":
        return False
    texts = pc.unique(profile.values.drop_null().cast(pa.large_string()))
    if pc.any(pc.match_substring_regex(texts, "<[A-Za-z!/]")).as_py():
        return True
    return any(disarmed(each)[1] > 0 for each in (texts, pc.utf8_ltrim_whitespace(texts)))


_UNFOUND = frozenset(
    {"name", "first name", "last name", "address", "username", "id", "national id", "password"}
)
"""Sorts that a search of text may overlook."""


def _hold_people(given: pa.DataType) -> bool:
    """Tell whether a field inside is called like what a search of text may overlook."""
    return any(_UNFOUND & set(read(name).hits) for name in columns.names_within(given))


def _empty(chosen: str, locale: str, given: pa.DataType) -> dict[str, Any]:
    """Replace what nobody has seen by what its header says; text is searched at least."""
    if pa.types.is_null(given):
        return {"kind": "keep"}
    options: dict[str, Any] = {"locale": locale}
    if chosen == "dates":
        options |= {"beyond": "remove"} if is_text(given) else {}
    elif chosen in ("keep", "truncate") and is_text(given):
        chosen = "text"
    elif chosen == "truncate":
        chosen = "drop"
    return _fitting(chosen, options, given)


def _fitting(chosen: str, options: Mapping[str, Any], given: pa.DataType) -> dict[str, Any]:
    """Keep the options that the kind has; what it cannot replace is dropped."""
    if chosen not in REPLACEMENTS.kinds():
        return {"kind": "drop"}
    known = REPLACEMENTS.load(chosen).model_fields
    table = {"kind": chosen, **{name: said for name, said in options.items() if name in known}}
    made = REPLACEMENTS.parse(table)
    assert isinstance(made, Replacement)
    try:
        columns.check(made, given)
    except DataError:
        return {"kind": "drop"}
    return table


def _is_dated(profile: Profile) -> bool:
    return profile.type in ("date", "moment") or (
        profile.type == "text" and profile.date_share >= 0.95
    )


def _moved(profile: Profile, locale: str, person: str | None) -> tuple[str, dict[str, Any]]:
    if profile.type == "whole":
        # A number like 19800203 keeps its year; a year or a month is kept like an age.
        written = profile.range[1] >= 18_800_101
        return ("truncate", {"step": 10_000}) if written else ("keep", {})
    options: dict[str, Any] = {} if person is None else {"person": person}
    if profile.type == "text":
        if profile.share(_AMBIGUOUS) > 0:
            day, month = profile.share(_DAY_FIRST), profile.share(_MONTH_FIRST)
            english = locale in _MONTH_LOCALES
            options["order"] = "mdy" if month > day or (month == day and english) else "dmy"
        if profile.date_share < 1 or len(profile.values) < profile.rows:
            # One odd value beyond the sample shall not stop a run, and not pass either.
            options["beyond"] = "remove"
    return "dates", options


def _coarse(profile: Profile) -> tuple[str, dict[str, Any]]:
    if profile.type == "real":
        return "truncate", {"step": _DEGREES}
    if is_text(profile.values.type) and profile.words < 1.5 and profile.share("[a-z]") > 0.5:
        return "truncate", {"keep": 4}  # A geohash of four characters: 20 kilometers.
    return "drop", {}
