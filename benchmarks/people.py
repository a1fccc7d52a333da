"""How fast people with ten personal fields are made, against Mimesis' own Schema."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pyarrow as pa
from timing import Row, at_least, interleaved, shown

import paribus as pb
from paribus._seeds import BLOCK
from paribus.table import Column, Joined

Maker = Callable[[pb.People, int], list[pa.Array]]

GENDER = {"gender": {"Male": "MALE", "Female": "FEMALE"}}
FIELDS = {
    "full_name": pb.mimesis("person.full_name", follows=GENDER),
    "title": pb.mimesis("person.title", follows=GENDER),
    "email": pb.mimesis("person.email"),
    "phone": pb.mimesis("person.phone_number"),
    "address": pb.mimesis("address.address"),
    "city": pb.mimesis("address.city"),
    "postcode": pb.mimesis("address.postal_code"),
    "birthdate": pb.dates("1950-01-01", "2005-12-31"),
    "occupation": pb.mimesis("person.occupation"),
    "uuid": pb.mimesis("cryptographic.uuid"),
}


def rows(*, quick: bool) -> list[Row]:
    """Measure everything about people."""
    blocks, few = (4, 1_000) if quick else (16, 5_000)
    people = pb.People(
        protect={"gender": pb.Protected(levels=("Male", "Female"))},
        fields=FIELDS,
        size=blocks * BLOCK,
    )
    start = time.perf_counter()
    dictionaries(people, 0)
    pools = time.perf_counter() - start
    one, two = pb.Serial(), pb.Threads(workers=2)
    span = range(blocks)
    median = interleaved(
        {
            "dictionaries, one core": lambda: sum(one.map(_sizes(dictionaries, people), span)),
            "dictionaries": lambda: sum(two.map(_sizes(dictionaries, people), span)),
            "text, one core": lambda: sum(one.map(_sizes(text, people), span)),
            "text": lambda: sum(two.map(_sizes(text, people), span)),
            "schema": lambda: schema(few),
        },
        3 if quick else 9,
    )
    theirs = few / median.pop("schema")
    speed = {name: blocks * BLOCK / seconds for name, seconds in median.items()}
    both, alone = speed["dictionaries"], speed["dictionaries, one core"]
    return [
        at_least(
            "dictionary columns, two cores: times Mimesis' Schema",
            both / theirs,
            100,
            f"{both:,.0f} against {theirs:,.0f} rows/s",
        ),
        at_least("dictionary columns, two cores: rows/s", both, 1e6),
        Row("dictionary columns, one core: rows/s", f"{alone:,.0f}"),
        Row("plain text, two cores: rows/s", f"{speed['text']:,.0f}"),
        Row("plain text, one core: rows/s", f"{speed['text, one core']:,.0f}"),
        Row("filling the pools, once a process", shown(pools), detail="not in the lines above"),
    ]


def dictionaries(people: pb.People, index: int) -> list[pa.Array]:
    """Make all columns of a block: codes into pools, text in its parts."""
    block = people.block(index)
    return [array for name in FIELDS for array in _parts(block.column(name))]


def text(people: pb.People, index: int) -> list[pa.Array]:
    """Make all columns of a block, each value written out."""
    block = people.block(index)
    arrays = [block.column(name).arrow() for name in FIELDS]
    return [a.dictionary_decode() if isinstance(a, pa.DictionaryArray) else a for a in arrays]


def schema(people: int) -> list[dict[str, object]]:
    """Make the same ten fields with Mimesis' own Schema."""
    from mimesis import Field, Locale, Schema
    from mimesis.enums import Gender

    field = Field(Locale.EN, seed=1)
    genders = itertools.cycle([Gender.MALE, Gender.FEMALE])

    def one() -> dict[str, object]:
        gender = next(genders)
        return {
            "full_name": field("person.full_name", gender=gender),
            "title": field("person.title", gender=gender),
            "email": field("person.email"),
            "phone": field("person.phone_number"),
            "address": field("address.address"),
            "city": field("address.city"),
            "postcode": field("address.postal_code"),
            "birthdate": field("person.birthdate"),
            "occupation": field("person.occupation"),
            "uuid": field("cryptographic.uuid"),
        }

    made: list[dict[str, object]] = Schema(one, iterations=people).create()
    return made


def _parts(column: Column) -> list[pa.Array]:
    if isinstance(column, Joined):
        return [part.arrow() for part in column.parts if not isinstance(part, str)]
    return [column.arrow()]


def _sizes(make: Maker, people: pb.People) -> Callable[[int], int]:
    # A block is dropped when it is done, as an audit drops it: only its size is kept.
    return lambda index: sum(array.nbytes for array in make(people, index))
