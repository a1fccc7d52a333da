"""What stands in for columns of which no value may be told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from paribus.errors import ParibusError, SpecError, nearest
from paribus.people._table_columns import is_text
from paribus.people.fields.base import FIELDS, Field
from paribus.people.fields.learned import LearnedField
from paribus.people.fields.mimesis import Mimesis
from paribus.people.fields.sequence import Sequence as Running
from paribus.people.population import Protected

_METHODS = {
    "full_name": "person.full_name",
    "first_name": "person.first_name",
    "last_name": "person.last_name",
    "email": "person.email",
    "username": "person.username",
    "phone": "person.phone_number",
    "id": "cryptographic.uuid",
    "uuid": "cryptographic.uuid",
    "iban": "person.identifier",
    "card": "payment.credit_card_number",
    "ip": "internet.ip_v4",
    "url": "internet.url",
    "address": "address.address",
    "street": "address.street_name",
    "city": "address.city",
    "region": "address.region",
    "postcode": "address.postal_code",
    "country": "address.country",
    "company": "finance.company",
    "job": "person.occupation",
    "text": "text.sentence",
    "mask": "text.sentence",
}
"""Sorts of identifiers, and the method of Mimesis that gives one."""

_LEARNED = ("keep", "dates", "bands", "truncate", "noise")
"""Sorts that are no identifiers by themselves: their distribution is learned."""

_NAMES = (
    (r"e_?mail|mail(_address)?", "email"),
    (r"(full|customer|client|patient|applicant|person|employee)_?name|name", "full_name"),
    (r"(first|given|fore)_?name|vorname|prenom", "first_name"),
    (r"(last|family)_?name|surname|nachname", "last_name"),
    (r"user_?name|login", "username"),
    (r"(tele)?phone(_?(no|number))?|mobile(_?(no|number))?|tel(efon)?", "phone"),
    (r"(.*_)?(uu)?id|ssn|(social_security|passport|customer|account|tax)_(no|number)", "id"),
    (r"iban", "iban"),
    (r"(credit_?)?card(_?(no|number))?", "card"),
    (r"ip(_?address)?", "ip"),
    (r"url|website|homepage", "url"),
    (r"(street_?|home_?|postal_?)?address|adresse", "address"),
    (r"street(_?name)?", "street"),
)
_OWN = 0.5
"""Share of rows with a rare text from which on a column is one of free text or identifiers."""

_OF = ("person.full_name", "person.first_name", "person.last_name")
"""Methods that give a name, in the order in which others are made of it."""

_DOMAINS = ["example.com", "example.net", "example.org"]
"""Reserved: nothing sent there reaches anybody (RFC 2606)."""

_GENDERS = {
    "MALE": "m male man men boy mann männlich homme masculin hombre masculino uomo",
    "FEMALE": "f w female woman women girl frau weiblich femme féminin mujer femenino donna",
}


@dataclass(frozen=True)
class Replaced:
    """What stands in for a column: a field, or nothing where the column is left out."""

    made: Field | None
    said: str


def stand_ins(
    replaced: Mapping[str, Replaced], protect: Mapping[str, Protected], fields: Mapping[str, Field]
) -> dict[str, Field]:
    """Give the fields that stand in.

    Names follow a gender where a column says it in every row; emails and usernames are made of a
    name where there is one.
    """
    made = {name: each.made for name, each in replaced.items() if each.made is not None}
    follows = _genders(protect, fields)
    methods = {n: each.method for n, each in made.items() if isinstance(each, Mimesis)}
    of = next((n for method in _OF for n, known in methods.items() if known == method), None)
    result: dict[str, Field] = {}
    for name, each in made.items():
        result[name] = each
        if not isinstance(each, Mimesis) or each.follows or each.of:
            continue
        if each.method in _OF[:2] and follows:
            result[name] = Mimesis(method=each.method, locale=each.locale, follows=follows)
        elif each.method in ("person.email", "person.username") and of is not None:
            result[name] = Mimesis(method=each.method, locale=each.locale, of=of)
    return result


def _genders(
    protect: Mapping[str, Protected], fields: Mapping[str, Field]
) -> dict[str, dict[str, str]]:
    words = {word: gender for gender, said in _GENDERS.items() for word in said.split()}
    candidates: list[tuple[str, Any]] = [(name, each.levels) for name, each in protect.items()]
    candidates += [
        (name, each.values)
        for name, each in fields.items()
        if isinstance(each, LearnedField) and each.missing is None
    ]
    for name, values in candidates:
        genders = {v: words.get(str(v).casefold().strip()) for v in values}
        if len(values) > 1 and all(genders.values()):
            return {name: {str(v): str(gender) for v, gender in genders.items()}}
    return {}


def guessed(name: str, array: pa.Array, least: int, *, named: bool, private: bool) -> str | None:
    """Guess which sort of identifier a column holds, by its name and how often texts come again.

    With differential privacy by the name and the type alone; where identifying columns are named,
    names are not looked at.
    """
    sort = None if named else _by_name(name, array, private=private)
    if sort is not None or private or not is_text(array):
        return sort
    counts = pc.value_counts(array.drop_null()).field("counts")
    rare = pc.sum(pc.if_else(pc.less(counts, least), counts, 0)).as_py() or 0
    return "text" if rare > _OWN * (len(array) - array.null_count) else None


def _by_name(name: str, array: pa.Array, *, private: bool) -> str | None:
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    plain = re.sub(r"[^a-zà-ÿ0-9]+", "_", plain.casefold()).strip("_")
    sort = next((sort for pattern, sort in _NAMES if re.fullmatch(pattern, plain)), None)
    if sort is None or is_text(array):
        return sort
    whole = pa.types.is_integer(array.type)
    if not whole or sort not in ("id", "phone", "card"):
        return None
    # Numbers that come again are codes, whatever their name.
    alone = private or len(pc.unique(array)) > 0.9 * max(len(array), 1)
    return "id" if alone else None


def replaced(name: str, asked: Any, array: pa.Array, locale: str) -> Replaced | None:
    """Give what stands in for a column; None where its distribution is to be learned.

    Raises
    ------
    SpecError
        For a sort that nobody knows.
    """
    path = f"$.identifying.{name}"
    if isinstance(asked, Field | Mapping):
        made = cast("Field", FIELDS.parse(asked, path))
        return Replaced(made, f"no value is told; {made.kind} instead.")
    sort = str(asked)
    if sort == "drop":
        return Replaced(None, "left out.")
    if sort in _LEARNED:
        return None
    if "." not in sort and sort not in _METHODS:
        raise SpecError(
            f'there is no sort of identifier "{sort}"{nearest(sort, [*_METHODS, "drop"])}',
            path=path,
        )
    if sort in ("id", "uuid") and not is_text(array):
        return Replaced(Running(), "no value is told; a running number instead.")
    method = _METHODS.get(sort, sort)
    arguments = {"domains": _DOMAINS} if method == "person.email" else {}
    try:
        made = Mimesis(method=method, locale=locale, arguments=arguments)
    except ParibusError as error:
        raise error.under(path) from None
    return Replaced(made, f"no value is told; {method} of Mimesis instead.")
