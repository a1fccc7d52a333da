"""Places, companies, occupations: the parts of an address agree with the columns of its parts."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import REPLACEMENTS, Replacement
from paribus.errors import DataError, SpecError
from paribus.people.fields.mimesis import locales, values

KEY, OTHER = Key(b"a secret of some length"), Key(b"another of some length.")
KINDS = ("city", "region", "postcode", "country", "address", "company", "job")


def faked(kind: str, *texts: str | None, key: Key = KEY, **options: object) -> list[str | None]:
    replacement = REPLACEMENTS.load(kind)(**options)
    assert isinstance(replacement, Replacement)
    made = replacement.replace(pa.array(texts, pa.string()), key, {})
    found: list[str | None] = made.to_pylist()
    return found


def one(kind: str, text: str, **options: object) -> str:
    (made,) = faked(kind, text, **options)
    assert made is not None
    return made


# --- laws -----------------------------------------------------------------------------------------

TEXTS = st.lists(
    st.one_of(
        st.none(),
        st.text(max_size=20),
        st.text("Ab 12,-\n<=>京ß\x1f", max_size=14),
        st.sampled_from(["12 Main St, Berlin", "10115 Berlin", "SW1A 1AA", "US", "CA", "", " "]),
    ),
    max_size=8,
)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=25)
@given(texts=TEXTS, cut=st.integers(0, 8), locale=st.sampled_from(["en", "de", "ja", "fr"]))
def test_structure_stays_and_nothing_depends_on_the_batch(
    kind: str, texts: list[str | None], cut: int, locale: str
) -> None:
    whole = faked(kind, *texts, locale=locale)
    assert whole == faked(kind, *texts[:cut], locale=locale) + faked(
        kind, *texts[cut:], locale=locale
    )
    for text, fake in zip(texts, whole, strict=True):
        assert (fake is None) == (text is None)
        if text is None or fake is None:
            continue
        if pc.utf8_trim_whitespace(pa.scalar(text)).as_py() == "":
            assert fake == text
        else:
            assert fake != text
            assert not re.search(r"[<>=]", fake)
            assert fake.lstrip()[:1] not in {"-", "=", "+", "@"}


@pytest.mark.parametrize("kind", KINDS)
def test_another_key_gives_others(kind: str) -> None:
    texts = ["10115 Berlin", "Main Street 12", "Springfield", "90210", "Acme Ltd", "Teacher"]
    assert faked(kind, *texts) == faked(kind, *texts)
    assert faked(kind, *texts) != faked(kind, *texts, key=OTHER)


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("kind", ["city", "region", "country", "address", "company"])
def test_every_locale_gives_fakes(kind: str, locale: str) -> None:
    made = one(kind, "Nowhere", locale=locale)
    assert made.strip()
    assert made != "Nowhere"


@pytest.mark.parametrize(
    ("kind", "method"),
    [("city", "address.city"), ("region", "address.state"), ("country", "address.country")],
)
@pytest.mark.parametrize("locale", ["en", "de", "ru", "ja"])
def test_places_of_the_list_stay_distinct_and_on_it(kind: str, method: str, locale: str) -> None:
    real = values(method, locale).to_pylist()
    made = faked(kind, *real, locale=locale)
    assert len(set(made)) >= len(set(real)) - 9  # Mimesis has a few twice, with other accents.
    assert {text.casefold() for text in made if text} <= {text.casefold() for text in real}
    assert not any(a == b for a, b in zip(real, made, strict=True))


# --- kinds ----------------------------------------------------------------------------------------


def test_sorts_of_regions_and_countries_stay() -> None:
    short = values("address.state", "en", abbr=True).to_pylist()
    assert one("region", "CA") in short
    assert one("region", "California") not in short
    for code in ("A2", "A3", "NUMERIC"):
        known = values("address.country_code", "en", code=code).to_pylist()
        assert one("country", {"A2": "DE", "A3": "DEU", "NUMERIC": "276"}[code]) in known
    assert one("country", "Deutschland") in values("address.country", "de").to_pylist()
    assert one("country", "germany") == one("country", "Germany").lower()


def test_case_and_spaces_of_a_city_do_not_matter() -> None:
    made = one("city", "New York")
    assert one("city", "NEW YORK") == made.upper()
    assert one("city", "new  york ") == made.lower()


POSTCODES = st.text("0123456789ABXY -", min_size=2, max_size=8).filter(
    lambda text: len(re.sub("[ -]", "", text)) > 1 and text == text.strip(" -")
)


@settings(deadline=None, max_examples=80)
@given(st.lists(POSTCODES, min_size=2, max_size=8, unique=True))
def test_equal_beginnings_of_postcodes_stay_equal(real: list[str]) -> None:
    made = [text or "" for text in faked("postcode", *real)]
    assert len(set(made)) == len(real)
    plain, fake = ([re.sub("[ -]", "", text) for text in side] for side in (real, made))
    for (a, b), (c, d) in zip(
        itertools.combinations(plain, 2), itertools.combinations(fake, 2), strict=True
    ):
        common = [
            len(list(itertools.takewhile(lambda x: x[0] == x[1], zip(*pair, strict=False))))
            for pair in ((a, b), (c, d))
        ]
        assert common[0] <= common[1] if len(a) == 1 or len(b) == 1 else common[0] == common[1]
    for text, other in zip(real, made, strict=True):
        assert re.sub(r"\d", "0", re.sub("[A-Z]", "A", text)) == re.sub(
            r"\d", "0", re.sub("[A-Z]", "A", other)
        )
        assert (text[0] == "0") == (other[0] == "0")


def test_all_postcodes_of_five_digits_are_permuted() -> None:
    real = pa.array([f"{i:05d}" for i in range(100_000)])
    made = REPLACEMENTS.load("postcode")().fakes(real, KEY)  # type: ignore[attr-defined]
    assert len(pc.unique(made)) == 100_000
    assert not pc.any(pc.equal(made, real)).as_py()
    alone = REPLACEMENTS.load("postcode")().fakes(real[4321:4330], KEY)  # type: ignore[attr-defined]
    assert alone.equals(made[4321:4330])
    # Digits are spread as by chance: the second follows no order of the first.
    codes = made.cast(pa.int64()).to_numpy().reshape(10, 10, 1000)[:, :, 0] // 1000 % 10
    assert len({tuple(row) for row in codes.tolist()}) == 10


def test_postcodes_agree_in_all_spellings_and_types() -> None:
    assert one("postcode", "sw1a 1aa") == one("postcode", "SW1A 1AA").lower()
    assert one("postcode", "SW1A1AA") == one("postcode", "SW1A 1AA").replace(" ", "")
    assert one("postcode", "10115-1234").startswith(one("postcode", "10115") + "-")
    replacement = REPLACEMENTS.load("postcode")()
    assert isinstance(replacement, Replacement)
    made = replacement.replace(pa.array([10115, None, 99], pa.int32()), KEY, {})
    assert made.type == pa.int32()
    assert made.to_pylist() == [int(one("postcode", "10115")), None, int(one("postcode", "99"))]
    with pytest.raises(DataError):
        REPLACEMENTS.load("city")().check(pa.int64())  # type: ignore[attr-defined]


# --- addresses ------------------------------------------------------------------------------------


def test_parts_of_an_address_agree_with_their_columns() -> None:
    made = one("address", "123 Main St, Springfield, IL 62704, Germany").split(", ")
    assert made[1:] == [
        one("city", "Springfield"),
        f"{one('region', 'IL')} {one('postcode', '62704')}",
        one("country", "Germany"),
    ]
    street, place = one("address", "Hauptstraße 12a, 10115 Berlin", locale="de").split(", ")
    assert place == f"{one('postcode', '10115')} {one('city', 'Berlin', locale='de')}"
    assert re.fullmatch(r".+ [1-9]\d[a-z]", street)
    lines = one("address", "12 Oak Rd\nLondon\nSW1A 1AA").split("\n")
    assert lines[1:] == [one("city", "London"), one("postcode", "SW1A 1AA")]


@pytest.mark.parametrize(
    ("text", "shape", "locale"),
    [
        ("123 Main Street", r"[1-9]\d\d \D+", "en"),
        ("4821 ELM AVE Apt 4B", r"[1-9]\d{3} [^a-z\d]+ Apt \d[A-Z]", "en"),
        ("PO Box 123, Austin, TX", r"PO Box [1-9]\d\d, \D+, [A-Z]{2}", "en"),
        ("12 rue de la Paix, 75002 Paris", r"[1-9]\d \D+, [1-9]\d{4} \D+", "fr"),
        ("Calle Mayor, 12", r"\D+, [1-9]\d", "es"),
        ("東京都新宿区西新宿2-8-1", r"\D+\d-\d-\d", "ja"),
        ("〒160-0023 東京都新宿区", r"[1-9]\d\d-\d{4} \D+", "ja"),
        ("ул. Ленина, д. 5, кв. 12", r"\D+, д\. \d, кв\. \d\d", "ru"),
        ("1200 15Th Hills Apt 4B", r"[1-9]\d{3} \D+ Apt \d[A-Z]", "en"),
        ("15Th Hills", r"\D+", "en"),
        ("1010 Wien", r"[1-9]\d{3} \D+", "de-at"),
    ],
)
def test_shapes_of_addresses(text: str, shape: str, locale: str) -> None:
    made = one("address", text, locale=locale)
    assert re.fullmatch(shape, made), made


def test_no_word_of_an_address_is_left() -> None:
    texts = [
        "Qwrtz 5, Xyzzy, Plugh",
        "Qwrtz, 99 Xyzzy Lane, Plugh QQ 99999",
        "c/o Qwrtz; Xyzzy | Plugh",
        "Qwrtz Building 7 Floor 12, Xyzzy-Plugh 1234 AB",
        "=Qwrtz(1), <b>Xyzzy</b>, @Plugh",
    ]
    for made in faked("address", *texts):
        assert made
        assert not re.search("qwrtz|xyzzy|plugh|[<>=@(]", made.casefold())


def test_distinct_addresses_stay_distinct() -> None:
    rng = np.random.default_rng(1)
    streets = [f"{a} Street" for a in values("person.last_name", "en").to_pylist()]
    real = sorted(
        {
            f"{n} {streets[s]}"
            for n, s in zip(
                rng.integers(1, 1400, 20_000).tolist(),
                rng.integers(0, 1000, 20_000).tolist(),
                strict=True,
            )
        }
    )
    # 2,338 names times 70 suffixes: two of 1,000 streets meet with a chance of 1 in 160,000, so
    # about three pairs of streets do, and few of their numbers are the same.
    assert len(set(faked("address", *real))) > 0.999 * len(real)


# --- companies and occupations --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tail"),
    [("Acme Ltd.", " Ltd."), ("Müller GmbH & Co. KG", " GmbH & Co. KG"), ("Smith, Inc.", ", Inc.")],
)
def test_legal_forms_stay(text: str, tail: str) -> None:
    assert one("company", text).endswith(tail)


def test_a_company_is_the_same_in_all_of_its_spellings() -> None:
    made = one("company", "Acme")
    assert one("company", "Acme Ltd") == f"{made} Ltd"
    assert one("company", "ACME Limited") == f"{made.upper()} Limited"
    real = set(values("finance.company", "en").to_pylist())
    assert not real & set(faked("company", *sorted(real)))


def test_occupations_are_of_the_locale_and_few_are_refused() -> None:
    assert one("job", "Lehrer", locale="de") in values("person.occupation", "de").to_pylist()
    with pytest.raises(SpecError, match='take "ru"') as caught:
        REPLACEMENTS.load("job")(locale="kk")
    assert caught.value.path == "$.locale"
