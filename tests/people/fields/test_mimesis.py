"""Realistic values: pools by gender and locale; twins keep their place in the lists."""

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from mimesis import Generic

import paribus as pb
from paribus.people.population import People

GENDERS = {"Male": "MALE", "Female": "FEMALE"}
LOCALES = {"US": "en", "DE": "de", "JP": "ja", "RU": "ru", "IR": "fa"}
PROTECT = {
    "gender": {"levels": list(GENDERS)},
    "nation": {"levels": list(LOCALES)},
}
FIELDS = {
    "name": pb.mimesis("person.full_name", follows={"gender": GENDERS, "nation": LOCALES}),
    "first": pb.mimesis("person.first_name", follows={"gender": GENDERS}),
    "title": pb.mimesis("person.title", follows={"gender": GENDERS}),
    "mail": pb.mimesis("person.email", of="name"),
    "login": pb.mimesis("person.username", of="name"),
    "city": pb.mimesis("address.city", follows={"nation": LOCALES}),
    "id": pb.mimesis("cryptographic.uuid"),
    "phone": pb.mimesis("person.phone_number"),
}


def people(size=400, seed=1, **fields):
    return People(protect=PROTECT, fields=fields or FIELDS, size=size, seed=seed)


def texts(block, name, **moves):
    levels = {"gender": list(GENDERS), "nation": list(LOCALES)}
    moved = tuple((k, levels[k].index(moves[k])) for k in levels if k in moves)
    array = block.column(name, moved).arrow()
    return (
        array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array
    ).to_pylist()


def mimesis_values(method, locale, **arguments):
    import mimesis

    provider, name = method.split(".")
    ask = getattr(getattr(mimesis.Generic(mimesis.Locale(locale), seed=1), provider), name)
    return {ask(**arguments) for _ in range(20_000)}


def test_names_come_from_the_pool_of_the_level():
    from mimesis import Gender

    block = people().block(0)
    for level, gender in (("Male", Gender.MALE), ("Female", Gender.FEMALE)):
        known = mimesis_values("person.first_name", "en", gender=gender)
        given = set(texts(block, "first", gender=level))
        assert len(given) > 100
        assert given <= known
    male = mimesis_values("person.first_name", "en", gender=Gender.MALE)
    assert len(set(texts(block, "first", gender="Female")) - male) > 50


def test_cities_come_from_the_country():
    block = people().block(0)
    for nation, locale in LOCALES.items():
        assert set(texts(block, "city", nation=nation)) <= mimesis_values("address.city", locale)


def test_twins_share_the_surname_and_the_place_in_the_list():
    block = people().block(0)
    men, women = (texts(block, "name", gender=g, nation="US") for g in GENDERS)
    assert [m.split(" ", 1)[1] for m in men] == [w.split(" ", 1)[1] for w in women]
    firsts = [[n.split(" ", 1)[0] for n in names] for names in (men, women)]
    assert firsts[0] != firsts[1]
    # The same relative position in both lists: as sorted among their own kind, so in order.
    pools = [sorted(set(mimesis_values("person.first_name", "en", gender=g))) for g in _genders()]
    places = [
        np.array([pool.index(name) / len(pool) for name in names])
        for pool, names in zip(pools, firsts, strict=True)
    ]
    assert np.abs(places[0] - places[1]).max() < 0.02


def _genders():
    from mimesis import Gender

    return (Gender.MALE, Gender.FEMALE)


def test_names_are_of_every_script():
    block = people().block(0)
    scripts = {"RU": "CYRILLIC", "IR": "ARABIC", "US": "LATIN"}
    for nation, script in scripts.items():
        letters = {c for name in texts(block, "name", nation=nation) for c in name if c.isalpha()}
        share = np.mean([unicodedata.name(c).startswith(script) for c in letters])
        assert share > 0.9, nation
    kanji = "".join(texts(block, "name", nation="JP"))
    assert any(unicodedata.name(c).startswith("CJK") for c in kanji)


def test_an_email_follows_the_name_it_is_made_from():
    block = people().block(0)
    for gender in GENDERS:
        for nation in ("US", "DE"):
            names = texts(block, "name", gender=gender, nation=nation)
            mails = texts(block, "mail", gender=gender, nation=nation)
            logins = texts(block, "login", gender=gender, nation=nation)
            for name, mail, login in zip(names, mails, logins, strict=True):
                first, last = (_slug(part) for part in name.split(" ", 1))
                pattern = rf"{first}\.{last}\d{{1,3}}"
                assert re.fullmatch(pattern + r"@example\.(com|net|org)", mail)
                assert re.fullmatch(pattern, login)
    numbers = [
        [re.search(r"(\d+@.*)", m)[1] for m in texts(block, "mail", gender=g, nation="US")]
        for g in GENDERS
    ]
    assert numbers[0] == numbers[1]


def _slug(text):
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in folded if c.isalnum())


def test_identifiers_are_valid_and_differ():
    ids = texts(people(5_000).block(0), "id")
    assert len(set(ids)) == 5_000
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", i)
        for i in ids
    )


def test_few_people_share_a_phone_number():
    numbers = texts(people(5_000).block(0), "phone")
    assert len(set(numbers)) > 4_900
    assert {re.sub(r"\d", "#", n) for n in numbers} <= {
        re.sub(r"\d", "#", n) for n in mimesis_values("person.phone_number", "en")
    }


def test_placebo_twins_have_another_name_and_the_same_gender():
    drawn = people()
    again = drawn.redrawn(["gender"])
    assert again == ("name", "first", "title", "mail", "login")
    block = drawn.block(0)
    one, other = (block.column("first", (), a).arrow() for a in ((), again))
    one, other = (a.dictionary_decode().to_pylist() for a in (one, other))
    assert np.mean([a != b for a, b in zip(one, other, strict=True)]) > 0.95
    gender = np.array(block.own_levels("gender"))
    for level, mimesis_gender in enumerate(_genders()):
        known = mimesis_values("person.first_name", "en", gender=mimesis_gender)
        assert {name for name, g in zip(other, gender, strict=True) if g == level} <= known


def test_arguments_and_reversed_names():
    fields = {
        "name": pb.mimesis("person.full_name", reverse=True),
        "plain": pb.mimesis("person.full_name"),
        "n": pb.mimesis("numeric.integer_number", start=3, end=5),
    }
    block = people(300, **fields).block(0)
    assert set(texts(block, "n")) == {3, 4, 5}
    assert texts(block, "name")[0].count(" ") >= 1


@pytest.mark.parametrize(
    "method",
    [
        "datetime.future_datetime",
        "datetime.timestamp",
        "cryptographic.jwt",
        "development.calver",
        "internet.uri",
        "path.home",
    ],
)
def test_methods_that_no_seed_repeats_are_refused(method):
    provider, name = method.split(".")
    if not hasattr(getattr(Generic(), provider), name):
        pytest.skip(f"this Mimesis has no {method}")
    with pytest.raises(pb.SpecError, match="whatever the seed") as error:
        pb.mimesis(method)
    assert error.value.path == "$.method"


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("datetime.date", {"end": 2020}),
        ("datetime.datetime", {"start": 2019, "end": 2020}),
        ("datetime.formatted_date", {"end": 2020}),
        ("datetime.formatted_datetime", {"start": 2019, "end": 2020}),
        ("datetime.week_date", {"end": 2020}),
        ("datetime.year", {"maximum": 2020}),
    ],
)
def test_methods_that_end_this_year_need_an_end(method, arguments):
    for name in arguments:
        with pytest.raises(pb.SpecError, match=f"declare .*{name}") as error:
            pb.mimesis(method, **{k: v for k, v in arguments.items() if k != name})
        assert error.value.path == "$.arguments"
    values = texts(people(50, x=pb.mimesis(method, **arguments)).block(0), "x")
    assert len(set(map(str, values))) > 10
    with pytest.raises(pb.SpecError, match="takes no argument"):
        pb.mimesis(method, nobody=1)


def test_no_method_gives_the_current_year():
    """The list above is complete: all else is the same if Mimesis is asked in another year."""
    import datetime
    import inspect

    generic = Generic()
    year = datetime.datetime.now().year
    found = {
        f"{provider}.{name}"
        for provider in dir(generic)
        for name, method in inspect.getmembers(getattr(generic, provider), inspect.ismethod)
        if any(p.default == year for p in inspect.signature(method).parameters.values())
    }
    for method in found:
        with pytest.raises(pb.SpecError, match="reaches to the current year"):
            pb.mimesis(method)


def test_levels_that_are_truth_values():
    genders = {True: "MALE", False: "FEMALE"}
    by_text = {"true": "MALE", "false": "FEMALE"}
    protect = {"member": {"levels": [True, False]}}
    columns = []
    for table in (genders, by_text):
        fields = {"x": pb.mimesis("person.first_name", follows={"member": table})}
        fields["n"] = pb.map_of("member", {k: v == "MALE" for k, v in table.items()})
        block = People(protect=protect, fields=fields, size=50, seed=1).block(0)
        arrays = [block.column(name, ()).arrow() for name in fields]
        columns.append([a.dictionary_decode().to_pylist() for a in arrays])
        assert fields["n"].map == {"true": True, "false": False}
    assert columns[0] == columns[1]


@pytest.mark.parametrize(
    ("make", "path", "said"),
    [
        (lambda: pb.mimesis("person.full_nam"), "$.method", 'did you mean "person.full_name"?'),
        (lambda: pb.mimesis("persn.name"), "$.method", 'did you mean "person"?'),
        (lambda: pb.mimesis("__class__"), "$.method", "no provider"),
        (lambda: pb.mimesis("person.__init__"), "$.method", "no method"),
        (lambda: pb.mimesis("person.reseed"), "$.method", "no method"),
        (lambda: pb.mimesis("person.name", locale="xx"), "$.locale", 'no locale "xx"'),
        (
            lambda: pb.mimesis("person.name", gendr="MALE"),
            "$.arguments.gendr",
            'did you mean "gender"?',
        ),
        (
            lambda: pb.mimesis("person.name", gender="MAL"),
            "$.arguments.gender",
            'did you mean "MALE"?',
        ),
        (
            lambda: pb.mimesis("person.name", follows={"g": {"a": "MALE", "b": "FEMAL"}}),
            "$.follows.g.b",
            'did you mean "FEMALE"?',
        ),
        (lambda: pb.mimesis("person.name", follows={"g": {}}), "$.follows.g", "maps no level"),
        (
            lambda: pb.mimesis("address.city", follows={"g": {"a": 1}}),
            "$.follows.g",
            "say which argument",
        ),
        (lambda: pb.mimesis("person.name", follows=["g"]), "$.follows", "must be a table"),
        (lambda: pb.map_of("g", [1, 2]), "$.map", "must be a table"),
        (lambda: pb.mimesis("address.city", of="name"), "$.of", "can be made of a name"),
    ],
)
def test_declarations_that_make_no_sense(make, path, said):
    with pytest.raises(pb.SpecError) as raised:
        make()
    assert raised.value.path == path
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (pb.mimesis("numeric.complex_number"), "cannot be drawn"),
        (pb.mimesis("numeric.integer_number", start="x"), "cannot be drawn"),
        (pb.mimesis("numeric.integers"), "cannot be drawn"),
        (pb.mimesis("numeric.integer_number", start={"a": 1}), "must not be a table"),
    ],
)
def test_values_that_no_column_holds(field, said):
    with pytest.raises(pb.SpecError, match=said) as raised:
        texts(people(3, x=field).block(0), "x")
    assert raised.value.path.startswith("$.fields.x")
