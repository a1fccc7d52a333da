"""Checksums and shapes of cards, accounts and the national IDs of countries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping


def is_luhn(digits: str) -> bool:
    """Tell whether digits end in the check digit of ISO/IEC 7812-1 (Luhn 1960, US 2,950,048).

    Examples
    --------
    >>> is_luhn("4111111111111111"), is_luhn("4111111111111112")
    (True, False)
    """
    odd, even = digits[-1::-2], digits[-2::-2]
    total = sum(map(int, odd)) + sum(_DOUBLED[int(d)] for d in even)
    return bool(digits) and total % 10 == 0 and digits.strip("0") != ""


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def is_card(text: str) -> bool:
    """Tell whether text is a payment card number: 13 to 19 digits, known first digit, Luhn."""
    digits = re.sub(r"[ -]", "", text)
    return (
        13 <= len(digits) <= 19
        and digits.isascii()
        and digits.isdigit()
        and digits[0] in "23456"
        and is_luhn(digits)
    )


def is_iban(text: str) -> bool:
    """Tell whether text is an IBAN: length of its country, and 1 as the rest mod 97 (ISO 13616).

    Examples
    --------
    >>> is_iban("GB82 WEST 1234 5698 7654 32"), is_iban("GB82 WEST 1234 5698 7654 33")
    (True, False)
    """
    plain = re.sub(r"[ -]", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", plain, re.ASCII):
        return False
    length = IBAN_LENGTHS.get(plain[:2])
    return length == len(plain) and _mod97(plain) == 1


def _mod97(plain: str) -> int:
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97


IBAN_LENGTHS: Mapping[str, int] = {
    part[:2]: int(part[2:])
    for part in [
        "AD24",
        "AE23",
        "AL28",
        "AT20",
        "AZ28",
        "BA20",
        "BE16",
        "BG22",
        "BH22",
        "BI27",
        "BR29",
        "BY28",
        "CH21",
        "CR22",
        "CY28",
        "CZ24",
        "DE22",
        "DJ27",
        "DK18",
        "DO28",
        "EE20",
        "EG29",
        "ES24",
        "FI18",
        "FK18",
        "FO18",
        "FR27",
        "GB22",
        "GE22",
        "GI23",
        "GL18",
        "GR27",
        "GT28",
        "HN28",
        "HR21",
        "HU28",
        "IE22",
        "IL23",
        "IQ23",
        "IS26",
        "IT27",
        "JO30",
        "KW30",
        "KZ20",
        "LB28",
        "LC32",
        "LI21",
        "LT20",
        "LU20",
        "LV21",
        "LY25",
        "MC27",
        "MD24",
        "ME22",
        "MK19",
        "MN20",
        "MR27",
        "MT31",
        "MU30",
        "NI28",
        "NL18",
        "NO15",
        "OM23",
        "PK24",
        "PL28",
        "PS29",
        "PT25",
        "QA29",
        "RO24",
        "RS22",
        "RU33",
        "SA24",
        "SC31",
        "SD18",
        "SE24",
        "SI19",
        "SK24",
        "SM27",
        "SO23",
        "ST25",
        "SV28",
        "TL23",
        "TN24",
        "TR26",
        "UA29",
        "VA22",
        "VG24",
        "XK20",
        "YE30",
    ]
}
"""Characters of an IBAN, by country (SWIFT IBAN registry)."""


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(d) * w for d, w in zip(digits, weights, strict=False))


def _cpf(d: str) -> bool:
    if len(set(d)) == 1:
        return False
    first = _weighted(d, tuple(range(10, 1, -1))) * 10 % 11 % 10
    second = _weighted(d, tuple(range(11, 1, -1))) * 10 % 11 % 10
    return d[9:] == f"{first}{second}"


def _pesel(d: str) -> bool:
    month = int(d[2:4]) % 20
    check = -_weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10
    return 1 <= month <= 12 and 1 <= int(d[4:6]) <= 31 and int(d[10]) == check


def _steuer(d: str) -> bool:
    # ISO 7064 MOD 11,10; of the first ten digits one is there twice or three times.
    counts = sorted(d[:10].count(c) for c in set(d[:10]))
    if d[0] == "0" or counts[-1] not in (2, 3) or (len(counts) > 1 and counts[-2] > 1):
        return False
    product = 10
    for c in d[:10]:
        total = (int(c) + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10 == int(d[10])


def _nir(d: str) -> bool:
    return d[0] in "12" and 97 - int(d[:13]) % 97 == int(d[13:])


def _ahv(d: str) -> bool:
    return d.startswith("756") and _weighted(d, (1, 3) * 6 + (1,)) % 10 == 0


def _chinese(d: str) -> bool:
    weights = tuple(2 ** (17 - i) % 11 for i in range(17))
    return "10X98765432"[_weighted(d[:17], weights) % 11] == d[17].upper() and d[6:8] in (
        "19",
        "20",
    )


# One row every ten characters.
_VERHOEFF_D = (
    "01234567891234067895234017895634012895674012395678"
    "59876043216598710432765982104387659321049876543210"
)
_VERHOEFF_P = "01234567891576283094580379614289160435279453126870428657390127938064157046913258"


def _aadhaar(d: str) -> bool:
    check = 0
    for i, c in enumerate(reversed(d)):
        check = int(_VERHOEFF_D[10 * check + int(_VERHOEFF_P[10 * (i % 8) + int(c)])])
    return check == 0 and d[0] in "23456789"


def _ssn(d: str) -> bool:
    area = d[:3]
    return area not in ("000", "666") and area[0] != "9" and d[3:5] != "00" and d[5:] != "0000"


def _swedish(d: str) -> bool:
    return is_luhn(d[-10:]) and 1 <= int(d[-8:-6]) <= 12 and 1 <= int(d[-6:-4]) % 60 <= 31


def _dni(text: str) -> bool:
    plain = re.sub(r"[ .-]", "", text).upper()
    digits = plain[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == plain[-1]


_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            2,
            4,
            18,
            20,
            11,
            3,
            6,
            8,
            12,
            14,
            16,
            10,
            22,
            25,
            24,
            23,
        ),
        strict=True,
    )
)


def _fiscale(text: str) -> bool:
    plain = text.upper()
    odd = sum(_ODD[c] for c in plain[0:15:2])
    even = sum(int(c) if c.isdigit() else ord(c) - 65 for c in plain[1:15:2])
    return chr(65 + (odd + even) % 26) == plain[15]


def _digits(test: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: test(re.sub(r"\D", "", text))


# What a checksum would let pass one time in ten must also be written the way the country does.
NATIONAL_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = tuple(
    (re.compile(pattern, re.ASCII), _digits(test))
    for pattern, test in (
        (r"\d{3}([- ])\d{2}\1\d{4}", _ssn),
        (r"\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11}", _cpf),
        (r"\d{11}", _pesel),
        (r"\d{2} ?\d{3} ?\d{3} ?\d{3}", _steuer),
        (r"[12] \d{2} \d{2} \d{2} \d{3} \d{3} \d{2}|[12]\d{12} ?\d{2}", _nir),
        (r"756\.?\d{4}\.?\d{4}\.?\d{2}", _ahv),
        (r"\d{18}", _chinese),
        (r"\d{4}([ -])\d{4}\1\d{4}|\d{12}", _aadhaar),
        (r"\d{6}(?:\d{2})?[-+]\d{4}", _swedish),
        (r"\d{3}([ -])\d{3}\1\d{3}", is_luhn),
    )
)
NATIONAL_CODES: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    # UK National Insurance: no checksum, but a narrow shape (HMRC, NIM39110).
    (
        re.compile(
            r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
            r" ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
            re.ASCII | re.IGNORECASE,
        ),
        lambda text: True,
    ),
    (
        re.compile(r"(?:\d{8}|\d{2}\.\d{3}\.\d{3}|[XYZ]-?\d{7})-?[A-Z]", re.ASCII | re.IGNORECASE),
        _dni,
    ),
    (
        re.compile(
            r"[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPR-T][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
            re.ASCII | re.IGNORECASE,
        ),
        _fiscale,
    ),
    (re.compile(r"\d{17}[0-9X]", re.ASCII | re.IGNORECASE), _chinese),
)


def is_national_id(text: str) -> bool:
    """Tell whether text is the national ID of a country whose format is known.

    United States (SSN), United Kingdom (NINO), Spain (DNI, NIE), Italy, France, Germany (tax),
    Switzerland (AHV), Sweden, Poland, Brazil (CPF), Canada (SIN), India (Aadhaar), China.

    Examples
    --------
    >>> is_national_id("078-05-1120"), is_national_id("666-05-1120"), is_national_id("12345678Z")
    (True, False, True)
    """
    return any(
        pattern.fullmatch(text) and test(text)
        for pattern, test in NATIONAL_NUMBERS + NATIONAL_CODES
    )
