# ruff: noqa: E501 (tables of cases)
"""What detection promises of any table."""

from __future__ import annotations

import datetime
import tomllib

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.detection import Detected, detect, together
from paribus.anonymizing.detection._decision import ROLES
from paribus.anonymizing.detection._headers import read, words_of
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import REPLACEMENTS
from paribus.anonymizing.section import Section
from paribus.errors import DataError, SpecError

EMAILS = [f"ann.{i}@corp.com" for i in range(40)]


def parsed(found: Detected) -> dict[str, object]:
    section: dict[str, object] = tomllib.loads(found.toml())["anonymize"]
    return section


# --- evidence -------------------------------------------------------------------------------------


def test_an_opaque_header_over_emails_is_email() -> None:
    found = detect(pa.table({"col_17": EMAILS}))["col_17"]
    assert (found.sort, found.role) == ("email", "direct")
    assert found.confidence >= 0.95


def test_a_name_column_of_products_is_nobody() -> None:
    products = [f"{size} {what}" for size in ("Small", "Large", "Wide") for what in
                ("Desk Lamp", "Water Bottle", "Office Chair", "Yoga Mat", "HDMI Adapter")]  # fmt: skip
    found = detect(pa.table({"name": products}))["name"]
    assert not (found.role == "direct" and found.confidence > 0.5)


@pytest.mark.parametrize("header", ["amount", "score", "count", "balance", "c17", "total_price"])
def test_unique_numbers_are_no_id(header: str) -> None:
    rng = np.random.default_rng(0)
    amounts = pa.array(rng.permutation(np.arange(1, 301)) * 37)
    assert detect(pa.table({header: amounts}))[header].role == "none"
    assert detect(pa.table({header: rng.normal(size=300)}))[header].role == "none"


@pytest.mark.parametrize(
    ("header", "sort"),
    [
        ("fname", "first name"), ("lname", "last name"), ("custEmailAddr", "email"),
        ("HomePhoneNo", "phone"), ("DOB", "birth date"), ("geb_datum", "birth date"),
        ("Postleitzahl", "postcode"), ("codigo_postal", "postcode"), ("apellido_materno", "last name"),
        ("codice_fiscale", "national id"), ("msisdn", "phone"), ("номер_телефона", "phone"),
        ("電話番号", "phone"), ("soyadı", "last name"), ("nazwisko", "last name"), ("CUST_ID", "id"),
        ("Numéro de téléphone", "phone"), ("straße", "address"), ("ip_addr", "ip"),
        ("MaritalStatus", "marital status"), ("religião", "religion"),
    ],
)  # fmt: skip
def test_headers_in_many_languages(header: str, sort: str) -> None:
    hits = read(header).hits
    assert max(hits, key=lambda each: hits[each][0]) == sort


@pytest.mark.parametrize(
    "header", ["email_verified", "city_verified", "country_changed", "job_count"]
)
def test_a_property_of_an_identifier_is_none(header: str) -> None:
    assert detect(pa.table({header: [0, 1] * 50}))[header].role == "none"


def test_few_emails_among_other_values_make_no_column_of_emails() -> None:
    mixed = [email if i % 10 == 0 else f"call {i} later" for i, email in enumerate(EMAILS)]
    found = detect(pa.table({"c17": mixed}))["c17"]
    assert not (found.sort == "email" and found.confidence > 0.8)


def test_words() -> None:
    assert words_of("custFirstName2") == ["cust", "first", "name", "2"]
    assert words_of("") == []


def test_checksums_make_the_difference() -> None:
    good = [f"DE{98 - int(f'{i:018d}131400') % 97:02d}{i:018d}" for i in range(10**15, 10**15 + 30)]
    bad = [text[:-1] + str((int(text[-1]) + 1) % 10) for text in good]
    assert detect(pa.table({"c17": good}))["c17"].sort == "iban"
    assert detect(pa.table({"c17": bad}))["c17"].sort != "iban"


def test_ids_with_luhn_digits_say_so() -> None:
    def check(body: str) -> str:
        total = sum(sum(map(int, str(int(d) * (2 - i % 2)))) for i, d in enumerate(reversed(body)))
        return body + str(-total % 10)

    ids = [check(str(n)) for n in range(70_000_001, 70_000_101)]
    told = detect(pa.table({"member_number": ids}))["member_number"].replacement
    assert told == {"kind": "id", "check_digit": "luhn"}
    plain = detect(pa.table({"member_number": list(range(70_000_001, 70_000_101))}))
    assert "check_digit" not in plain["member_number"].replacement


def test_dates_move_with_their_person() -> None:
    rng = np.random.default_rng(0)
    births = [datetime.date(1940, 1, 1) + datetime.timedelta(int(d))
              for d in rng.integers(0, 23_000, 100)]  # fmt: skip
    visits = [
        datetime.date(2023, 1, 1) + datetime.timedelta(int(d)) for d in rng.integers(0, 300, 100)
    ]
    table = pa.table({"order_id": [f"A-{i}" for i in range(100)], "patient_id": list(range(100)),
                      "dob": births, "visit": visits})  # fmt: skip
    found = detect(table)
    assert found["dob"].replacement == {"kind": "dates", "person": "patient_id"}
    assert found["visit"].replacement == {"kind": "dates", "person": "patient_id"}
    assert found["visit"].role == "none"
    assert detect(table.drop_columns(["dob"]))["visit"].replacement == {"kind": "keep"}


def test_written_dates_say_their_order() -> None:
    table = pa.table({"dob": [f"{d:02d}/{1 + d % 12:02d}/{1950 + d}" for d in range(1, 29)]})
    assert detect(table, locale="en")["dob"].replacement["order"] == "dmy"


def test_free_text_with_identifiers() -> None:
    said = [
        "Please call the customer back about the late parcel before friday noon, thank you."
    ] * 30
    clean = [f"{text} ({i})" for i, text in enumerate(said)]
    dirty = [*clean[:-3], *[f"{text} Mail {EMAILS[0]}" for text in clean[-3:]]]
    found = detect(pa.table({"notes": dirty, "first_name": ["Mary", "John", "Ann"] * 10}))
    assert (found["notes"].sort, found["notes"].role) == ("text", "direct")
    assert found["notes"].replacement["kind"] == "text"
    assert found["notes"].replacement["names"] == ["first_name"]
    assert detect(pa.table({"notes": clean}))["notes"].role == "none"


def test_quasi_and_sensitive_columns() -> None:
    table = pa.table({"sex": ["m", "f"] * 50, "religion": ["catholic", "muslim"] * 50,
                      "race": ["White", "Black"] * 50, "x": [0.5] * 100})  # fmt: skip
    found = detect(table)
    assert found.quasi == ("sex", "race")
    assert found.sensitive == ("religion", "race")
    risk = Section.of(tomllib.loads(found.toml())).risk
    assert (risk.quasi, risk.sensitive) == (("sex", "race"), ("religion",))


# --- any table ------------------------------------------------------------------------------------


def test_every_kind_of_frame_gives_the_same() -> None:
    columns = {"email": EMAILS, "n": list(range(40)), "name": ["Mary Smith", "John Brown"] * 20}
    found = detect(pa.table(columns))
    assert detect(pd.DataFrame(columns)) == found == detect(pl.DataFrame(columns))
    chunked = pa.concat_tables([pa.table(columns).slice(i, 7) for i in range(0, 40, 7)])
    assert detect(chunked) == found
    encoded = pa.table(
        {name: pa.array(values).dictionary_encode() for name, values in columns.items()}
    )
    assert detect(encoded) == found


def test_samples_are_fixed_and_small() -> None:
    table = pa.table({"n": np.arange(50_000), "email": [f"u{i}@corp.com" for i in range(50_000)]})
    assert detect(table) == detect(table)
    assert detect(table, sample=1)["email"].sort == "email"
    with pytest.raises(SpecError, match="at least 1"):
        detect(table, sample=0)


def test_every_type_of_column() -> None:
    n = 12
    day = datetime.datetime(2024, 1, 1)
    table = pa.table({
        "nothing": pa.nulls(n), "null_text": pa.array([None] * n, pa.string()),
        "first_name": pa.array([None] * n, pa.string()), "blank": [""] * n, "spaces": ["  "] * n,
        "photo": [b"\x00\xff"] * n, "contact": [{"email": "a@corp.com", "n": 1}] * n,
        "tags": [["a", "b"]] * n, "truth": [True, None] * 6, "when": [day] * n,
        "at": pa.array([1] * n, pa.time32("s")), "took": pa.array([1] * n, pa.duration("s")),
        "price": pa.array([1, 2] * 6).cast(pa.decimal128(25, 2)), "id": pa.array(range(n), pa.uint64()),
        "big": pa.array([2**63 + i for i in range(n)], pa.uint64()),
        "nan": [float("nan")] * n, "inf": [float("inf")] * n, "age": [34.0, None] * 6,
        "large": pa.array(["x"] * n, pa.large_string()), "huge": ["word " * 30_000] * n,
    })  # fmt: skip
    found = detect(table)
    assert [each.column for each in found.columns] == table.column_names
    assert found["photo"].sort == "binary"
    assert (found["contact"].sort, found["contact"].role) == ("nested", "direct")
    assert found["age"].sort == "age"
    found.anonymizer().check(table.schema)
    assert set(parsed(found)["columns"]) == set(table.column_names)  # type: ignore[call-overload]


def test_mixed_values_of_pandas() -> None:
    frame = pd.DataFrame({"mixed": [1, "two", None, 3.5, EMAILS[0]], "email": EMAILS[:5]})
    found = detect(frame)
    assert found["email"].sort == "email"
    assert found["mixed"].column == "mixed"


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_rows(rows: int) -> None:
    table = pa.table({"email": pa.array(EMAILS[:rows], pa.string()), "x": pa.array([1.5] * rows)})
    found = detect(table)
    assert found["email"].sort == "email"
    assert found["email"].role == "direct"
    assert found["x"].role == "none"


def test_no_columns() -> None:
    found = detect(pa.table({}))
    assert found.columns == ()
    assert parsed(found)["columns"] == {}


def test_bad_input() -> None:
    with pytest.raises(DataError, match='two columns have the name "a"'):
        detect(pa.table([[1], [2]], names=["a", "a"]))
    with pytest.raises(SpecError, match="locale"):
        detect(pa.table({"a": [1]}), locale="klingon")
    with pytest.raises(DataError):
        detect([1, 2, 3])


# --- the section ----------------------------------------------------------------------------------

HOSTILE = [
    'a"b', "a'b", "a\nb", "a\r\n[anonymize]", "a # b", "a\\b", "\x00", "\x07", "\x7f", "\x1b[31m", "",
    " ", "a.b", "[x]", "=1+1", "<script>", "\u202egnp", "\u2028", "ключ", "鍵", "😀", "locale", "'''",
    '"""', "\t", "email\n", "\ufeffname",
]  # fmt: skip


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", "a <b>", "<!-- x", "</p>", '=HYPERLINK("http://x")', " =1+1",
     "@SUM(A1)", "-1+cmd|' /C calc'!A0", "\tx", "＝1+1"],
)  # fmt: skip
def test_neither_tags_nor_formulas_are_kept(hostile: str) -> None:
    plans = ["basic", "gold"] * 50
    table = pa.table({"plan": [*plans, hostile], "sex": [*("F", "M") * 50, hostile]})
    found = detect(table)
    assert {found[name].replacement["kind"] for name in table.column_names} == {"text"}
    safe = found.anonymizer().apply(table, Key(b"a secret of some length"))["plan"].to_pylist()
    assert safe[:-1] == plans
    assert safe[-1] != hostile
    coded = detect(table.set_column(0, "plan", table["plan"].dictionary_encode()))
    assert coded["plan"].replacement["kind"] == "text"


def test_numbers_and_signs_are_no_formulas() -> None:
    values = ["<18", "18-65", ">65", "-1", "+2.5", "-", "A+", "<=50K", "1e-3"] * 9
    assert detect(pa.table({"band": values}))["band"].replacement["kind"] == "keep"


def test_hostile_names_of_columns() -> None:
    table = pa.table([EMAILS[:3]] * len(HOSTILE), names=HOSTILE)
    found = detect(table)
    text = found.toml()
    assert list(parsed(found)["columns"]) == HOSTILE  # type: ignore[call-overload]
    assert not [c for c in text if (ord(c) < 32 and c != "\n") or c in "\x7f\u202e\u2028\ufeff"]
    assert Section.of(tomllib.loads(text)).anonymizer("") == found.anonymizer()


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(deadline=None, max_examples=60)
@given(
    columns=st.dictionaries(
        names,
        st.one_of(
            st.lists(st.one_of(st.none(), st.text(max_size=12)), min_size=3, max_size=3),
            st.lists(
                st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=3, max_size=3
            ),
            st.lists(st.one_of(st.none(), st.floats()), min_size=3, max_size=3),
            st.lists(st.one_of(st.none(), st.dates()), min_size=3, max_size=3),
            st.lists(st.one_of(st.none(), st.binary(max_size=4)), min_size=3, max_size=3),
            st.lists(st.one_of(st.none(), st.booleans()), min_size=3, max_size=3),
        ),
        max_size=4,
    )
)
def test_whatever_the_table_the_section_reads_back(columns: dict[str, list[object]]) -> None:
    table = pa.table(columns)
    found = detect(table)
    section = tomllib.loads(found.toml())
    assert list(section["anonymize"]["columns"]) == list(columns)
    again = Section.of(section).anonymizer("")
    assert again == found.anonymizer()
    again.check(table.schema)
    for each in found.columns:
        assert 0 <= each.confidence <= 1
        assert each.role == ROLES[each.sort]
        assert each.reason.strip()


def test_the_section_anonymizes() -> None:
    table = pa.table({"email": EMAILS, "customer_id": [f"C-{i:04d}" for i in range(40)],
                      "first_name": ["Mary", "John"] * 20, "amount": [1.5] * 40})  # fmt: skip
    section = Section.of(tomllib.loads(detect(table).toml()))
    safe = section.anonymizer("").apply(table, Key(b"a secret of some length"))
    assert safe["amount"].to_pylist() == table["amount"].to_pylist()
    for name in ("email", "customer_id", "first_name"):
        assert not set(safe[name].to_pylist()) & set(table[name].to_pylist())


def test_comments_say_confidence_role_and_reason_and_no_value() -> None:
    found = detect(pa.table({"c17": EMAILS}))
    line = next(line for line in found.toml().splitlines() if line.startswith("c17"))
    assert line.endswith("# 0.99 direct, email: 100.0 % of the values are email addresses")
    assert not any(email in found.toml() for email in EMAILS)


@pytest.mark.parametrize("header", ["customer_id", "c17"])
def test_a_reason_says_each_thing_once(header: str) -> None:
    """A header and two looks at the values can all speak for an ID; each is told once."""
    codes = pa.array([f"C-{10_000 + 7 * i}" for i in range(100)])
    said = detect(pa.table({header: codes}))[header].reason.split("; ")
    of_values = ["100.0 % of the values have one format", "100.0 % of the values are distinct"]
    assert said == (['the header says "id"'] if header == "customer_id" else []) + of_values

    mixed = [f"{'ab' * (i % 5)}{i}" for i in range(100)]
    found = detect(pa.table({"customer_id": mixed}))["customer_id"]
    assert found.sort == "id"
    assert found.reason.count("are distinct") == 1


def test_what_the_locale_was_guessed_from_is_a_list() -> None:
    surnames = ["Müller", "Schmidt", "Weber", "Wagner", "Becker", "Schulz", "Hoffmann", "Koch"]
    phones = [f"+49 30 {1_234_567 + i}" for i in range(8)]
    found = detect(pa.table({"nachname": surnames, "telefon": phones}))
    assert (found.locale, found.source) == ("de", "headers, names, phones")


def test_every_suggested_kind_exists() -> None:
    from paribus.anonymizing.detection._replacing import _KINDS

    assert set(_KINDS.values()) <= set(REPLACEMENTS.kinds())
    assert set(_KINDS) <= set(ROLES)


def test_what_was_detected_is_a_declaration() -> None:
    found = detect(pa.table({"email": EMAILS}))
    assert Detected(**found.model_dump()) == found
    assert isinstance(found.anonymizer(), Anonymizer)


def test_several_tables_in_one_section() -> None:
    tables = {
        "eu/customers": detect(pa.table({"email": EMAILS, "ort": ["Berlin", "Köln"] * 20})),
        'a "b"\n': detect(pa.table({"vorname": ["Jürgen", "Heike"] * 20, "sex": ["m", "w"] * 20})),
    }
    section = Section.of(tomllib.loads(together(tables)))
    for name, found in tables.items():
        assert section.anonymizer(name) == found.anonymizer()
    assert section.risk.quasi == ("ort", "sex")
