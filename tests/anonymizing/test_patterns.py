"""Identifiers: checksums by known answers, and what is found within text."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paribus.anonymizing.checksums import IBAN_LENGTHS
from paribus.anonymizing.marking import SORTS
from paribus.anonymizing.patterns import (
    KINDS,
    Marked,
    find,
    is_card,
    is_iban,
    is_ip,
    is_luhn,
    is_national_id,
    is_phone,
    matching,
    share_matching,
    sort_of,
)

SLOW = [HealthCheck.too_slow]


def hits(text: str) -> dict[str, list[str]]:
    return {sort: each.to_pylist() for sort, each in find(pa.array([text])).hits.items()}


@pytest.mark.parametrize(
    "number",
    # Test numbers that the card networks publish: Visa, Mastercard, American Express, JCB, Diners.
    [
        "4111111111111111",
        "5555555555554444",
        "378282246310005",
        "3530111333300000",
        "30569309025904",
    ],
)
def test_cards_of_the_networks_pass_and_no_single_wrong_digit_does(number: str) -> None:
    assert is_card(number)
    for place in range(len(number)):
        wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
        assert not is_luhn(wrong)


@pytest.mark.parametrize(
    "iban",
    # Examples of the SWIFT IBAN registry.
    [
        "DE89370400440532013000",
        "GB29NWBK60161331926819",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "CH9300762011623852957",
        "NL91ABNA0417164300",
        "ES9121000418450200051332",
        "SA0380000000608010167519",
        "BR1800360305000010009795493C1",
    ],
)
def test_ibans_of_the_registry_pass_in_any_spelling(iban: str) -> None:
    assert IBAN_LENGTHS[iban[:2]] == len(iban)
    spaced = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    for text in (iban, spaced, iban.lower(), spaced.lower()):
        assert is_iban(text)
        assert hits(f"to {text}, please") == {"iban": [text]}
        assert hits(f"to {text} and then {text}") == {"iban": [text, text]}
    swapped = iban[:4] + iban[5] + iban[4] + iban[6:]
    assert iban[4] == iban[5] or not is_iban(swapped)
    assert not is_iban(iban[:-1])


@pytest.mark.parametrize(
    "text",
    # RFC 4291, section 2.2, and RFC 5952.
    [
        "2001:DB8:0:0:8:800:200C:417A",
        "2001:db8::8:800:200c:417a",
        "FF01::101",
        "::1",
        "::ffff:129.144.52.38",
        "2001:0DB8::CD30/60",
        "fe80::1%eth0",
        "192.168.0.1",
        "10.0.0.0/8",
    ],
)
def test_addresses_of_machines(text: str) -> None:
    assert is_ip(text)
    assert hits(f"from {text} today") == {"ip": [text]}


@pytest.mark.parametrize(
    "text", ["256.1.1.1", "1.2.3", "::", "2001:db8:::1", "12:30:45", "std::vector", "1.2.3.4.5"]
)
def test_what_only_looks_like_an_address_of_a_machine(text: str) -> None:
    assert not is_ip(text)
    assert hits(f"from {text} today") == {}


@pytest.mark.parametrize(
    "text",
    [
        "078-05-1120",  # United States: the number of Woolworth's wallets, retired
        "AB123456C",  # United Kingdom
        "12345678Z",  # Spain: the DNI of the Interior Ministry's explanation
        "X1234567L",
        "RSSMRA85T10A562S",  # Italy: Mario Rossi of the Wikipedia article "Codice fiscale"
        "529.982.247-25",  # Brazil
        "756.9217.0769.85",  # Switzerland: the Federal Social Insurance Office's example
        "811228-9874",  # Sweden: Skatteverket's example
        "44051401359",  # Poland: the PESEL of the Polish Wikipedia
        "86095742719",  # Germany: the tax ID of the Federal Central Tax Office's examples
        "2345 6789 0124",  # India: Verhoeff 1969
        "11010519491231002X",  # China: GB 11643-1999, annex
        "046 454 286",  # Canada
    ],
)
def test_national_ids(text: str) -> None:
    assert is_national_id(text)
    assert hits(f"ID: {text}.") == {"national_id": [text]}


@pytest.mark.parametrize(
    "text",
    ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "12345678A", "529.982.247-26"],
)
def test_wrong_national_ids(text: str) -> None:
    assert not is_national_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "+44 20 7946 0958",
        "(212) 555-1234",
        "212-555-1234",
        "06 12 34 56 78",
        "030/123456",
        "+1 (800) 555-0199",
        "+4915112345678",
        "0049 30 123456",
        "1-800-555-0199",
    ],
)
def test_phones(text: str) -> None:
    assert is_phone(text)
    assert hits(f"call {text} now") == {"phone": [text]}


@pytest.mark.parametrize(
    "text",
    [
        "paid 1,000,000.00 in 2019-2020",
        "on 1980-02-03 at 10:22:33, 12/05/1999 and 3.2.1980",
        "10 000 000 people, 25.5 percent, 3-4 times",
        "version 1.2.3, page 12",
        "a@ b, @ c, foo: bar",
        "ratio 3:4:5",
    ],
)
def test_what_identifies_nobody_is_not_found(text: str) -> None:
    assert hits(text) == {}


def test_a_crowded_text() -> None:
    text = (
        "Write to a.b+c@corp.co.uk, (d@e.org) or <f@g.com>; see https://x.com/a?b=c@d.com (or "
        "www.foo.org/bar). Card 4111 1111 1111 1111 12/26, mac 00:1B:44:11:3A:B7, @john_s, "
        "account 1234567890, o'brien@x.io."
    )
    assert hits(text) == {
        "url": ["https://x.com/a?b=c@d.com", "www.foo.org/bar"],
        "email": ["a.b+c@corp.co.uk", "d@e.org", "f@g.com", "o'brien@x.io"],
        "handle": ["john_s"],
        "mac": ["00:1B:44:11:3A:B7"],
        "card": ["4111 1111 1111 1111"],
        "number": ["1234567890"],
    }


def test_one_run_of_numbers_is_cut_into_what_it_holds() -> None:
    text = "2024-01-15 030/123456 4111 1111 1111 1111 078-05-1120 +1 (800) 555-0199"
    assert hits(text) == {
        "phone": ["030/123456", "+1 (800) 555-0199"],
        "card": ["4111 1111 1111 1111"],
        "national_id": ["078-05-1120"],
    }


def test_noncharacters_in_the_data_are_no_slots() -> None:
    marked = find(pa.array(["a\ufdd0b\ufdd1 x@y.com \ufdef"]))
    made = marked.filled(lambda sort, found: pa.array(["E"] * len(found)))
    assert made.to_pylist() == ["a\ufffdb\ufffd E \ufffd"]


PLANTS = (
    "a.b@corp.com",
    "https://corp.com/x",
    "192.168.0.1",
    "DE89370400440532013000",
    "+44 20 7946 0958",
    "078-05-1120",
    "fe80::1",
    "4111111111111111",
)


@settings(deadline=None, max_examples=60, suppress_health_check=SLOW)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.lists(
                st.one_of(
                    st.sampled_from(PLANTS),
                    # Words that are part of nothing.
                    st.text(st.characters(categories=("Ll", "Zs", "Sm")), max_size=8).filter(
                        lambda text: "+" not in text
                    ),
                ),
                max_size=6,
            ),
        ),
        max_size=8,
    )
)
def test_filled_with_what_was_there_gives_the_texts_again(parts: list[list[str] | None]) -> None:
    texts = [None if each is None else " | ".join(each) for each in parts]
    array = pa.array(texts, pa.string())
    marked = find(array)
    assert marked.filled(lambda sort, found: found).to_pylist() == texts
    planted = [p for each in parts for p in each or () if p in PLANTS]
    found = [hit for each in marked.hits.values() for hit in each.to_pylist()]
    assert sorted(found) == sorted(planted)
    left = marked.filled(lambda sort, found: pa.array(["x"] * len(found), pa.string()))
    assert not any(p in text for p in PLANTS for text in left.drop_null().to_pylist())
    # A slice of the rows finds what the rows do.
    half = find(array.slice(len(array) // 2)).filled(lambda sort, found: found)
    assert half.to_pylist() == texts[len(array) // 2 :]


@settings(deadline=None, max_examples=100, suppress_health_check=SLOW)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_no_text_is_changed_by_looking(text: str) -> None:
    made = find(pa.array([text])).filled(lambda sort, found: found)[0].as_py()
    assert made == text or any("\ufdd0" <= c <= "\ufdef" for c in text)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "1",
        "1 ",
        "a@",
        "@",
        ":",
        "1.",
        "ab12 ",
        "+",
        "(",
        "-",
        "a:",
        "http://",
        "1-",
        "A ",
        "é",
    ],
)
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    def seconds(length: int) -> float:
        text = pa.array([unit * (length // len(unit))])
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            find(text)
            best = min(best, time.process_time() - start)
        return best

    # Quadratic would be 64 times as long.
    assert seconds(80_000) < 24 * max(seconds(10_000), 0.004)


def test_share_matching() -> None:
    values = pa.array(["a@b.com", " c@d.org ", "none", None, "", "  "])
    assert share_matching("email", values) == pytest.approx(2 / 3)
    assert share_matching("email", pa.array([], pa.string())) == 0
    assert matching("email", values).to_pylist() == [True, True, False, None, False, False]
    assert share_matching("phone", pa.array(["030 123456"]).dictionary_encode()) == 1


def test_every_sort_has_a_kind() -> None:
    assert set(KINDS) == set(SORTS)
    assert sort_of("a@b.com") == "email"
    assert sort_of("") is None


def test_too_many_passes_are_refused() -> None:
    marked = Marked(pa.array(["x"]), (("number", pa.array([], pa.string())),) * 31)
    with pytest.raises(ValueError, match="more than 31"):
        marked.mark("x", lambda texts: [[("number", text)] for text in texts])
