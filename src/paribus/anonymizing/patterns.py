"""What identifiers look like: emails, phones, links, addresses of machines, accounts, national IDs.

Candidates are found by RE2 (through Arrow), which is linear in the length of the text whatever it
holds; checksums and shapes are then asked once per distinct candidate.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing.checksums import (
    IBAN_LENGTHS,
    NATIONAL_CODES,
    NATIONAL_NUMBERS,
    is_card,
    is_iban,
    is_luhn,
    is_national_id,
)
from paribus.anonymizing.marking import Marked, Pieces, Resolver, Sort

__all__ = [
    "KINDS",
    "Marked",
    "Pieces",
    "Sort",
    "find",
    "is_card",
    "is_email",
    "is_iban",
    "is_ip",
    "is_luhn",
    "is_national_id",
    "is_phone",
    "matching",
    "share_matching",
    "sort_of",
]

KINDS: Mapping[Sort, str] = {
    "url": "url",
    "email": "email",
    "handle": "username",
    "ip": "ip",
    "mac": "id",
    "iban": "iban",
    "card": "card",
    "national_id": "id",
    "phone": "phone",
    "number": "id",
    "name": "full_name",
    "first_name": "first_name",
    "last_name": "last_name",
    "place": "city",
    "code": "id",
    "other": "mask",
}
"""The kind of replacement that makes the fakes of each sort."""


def is_ip(text: str) -> bool:
    """Tell whether text is an IPv4 or IPv6 address (RFC 4291), with or without a prefix length."""
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "." in text or (":" in text and any(c.isalnum() for c in text))


_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"]+@[^\W_](?:[\w.-]*[^\W_])?\.[^\W\d_][\w-]*[^\W_]")
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)[^\s<>\"]*[^\s<>\".,;:!?]", re.IGNORECASE)
_HANDLE = re.compile(r"@[^\W_][\w.]*[^\W_]")


def is_email(text: str) -> bool:
    """Tell whether text is an email address with a domain of at least two labels."""
    # RFC 5321, section 4.5.3.1: 64 characters, the @ and 255 at most.
    short = len(text) <= 320 and ".." not in text.rpartition("@")[2]
    return short and _EMAIL.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    """Tell whether text is written like a phone number; whether it exists, phonenumbers knows.

    Examples
    --------
    >>> is_phone("+44 20 7946 0958"), is_phone("(212) 555-1234"), is_phone("2019-2020")
    (True, True, False)
    """
    if not _PHONE.fullmatch(text) or _DATE.fullmatch(text) or _YEARS.fullmatch(text):
        return False
    groups = re.findall("[0-9]+", text)
    sizes = tuple(len(group) for group in groups)
    if not 7 <= sum(sizes) <= 15:
        return False
    if text[0] in "+(" or groups[0][0] == "0":
        return len(groups) <= 8 and "+" not in text[1:]
    if "-" in text or "(" in text:
        return 2 <= len(groups) <= 5 and min(sizes[1:]) >= 2
    return sizes in _SPACED


_PHONE = re.compile(r"[+(]*[0-9][0-9 ()+.\-/\xa0\u2011\u2013]*[0-9)]")
_YEARS = re.compile(r"(?:(?:19|20)[0-9]{2}[ /.\-\u2013]*)+")
_SPACED = {
    (3, 3, 4),
    (3, 4),
    (4, 4),
    (2, 4, 4),
    (3, 4, 4),
    (1, 3, 3, 4),
    (5, 5),
    (5, 6),
    (4, 6),
} | {
    (2, 2, 2, 2),
    (2, 2, 2, 2, 2),
    (3, 2, 2, 2),
    (3, 3, 2, 2),
    (3, 2, 2),
    (2, 3, 2, 2),
    (2, 3, 4),
}
"""Sizes of the groups of phone numbers that carry no other mark of one (ITU-T E.123 and use)."""


_DATE = re.compile(
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2})|\d{4} \d{2} \d{2}",
    re.ASCII,
)

_TESTS: Mapping[Sort, Callable[[str], bool]] = {
    "url": lambda text: _URL.fullmatch(text) is not None,
    "email": is_email,
    "handle": lambda text: _HANDLE.fullmatch(text) is not None,
    "ip": is_ip,
    "mac": lambda text: _MAC.fullmatch(text) is not None,
    "iban": is_iban,
    "card": is_card,
    "national_id": is_national_id,
    "phone": is_phone,
    "number": lambda text: re.fullmatch(r"[0-9]{7,}", text) is not None,
}


def _no(text: str) -> bool:
    return False


def sort_of(text: str) -> Sort | None:
    """Give the sort that text is of as a whole, the most certain first; None where of none.

    Examples
    --------
    >>> sort_of("10.0.0.1"), sort_of("4111 1111 1111 1111"), sort_of("hello")
    ('ip', 'card', None)
    """
    return next((sort for sort, test in _TESTS.items() if test(text)), None)


def matching(sort: Sort, values: pa.Array) -> pa.BooleanArray:
    """Tell which values are, as a whole, of a sort. Spaces around them do not matter.

    Parameters
    ----------
    sort : Sort
    values : pyarrow.Array of string, shape (n,)

    Returns
    -------
    pyarrow.BooleanArray, shape (n,)
        Null where the value is.
    """
    test = _TESTS.get(sort, _no)
    encoded = pc.utf8_trim_whitespace(values.cast(pa.string())).dictionary_encode()
    said = pa.array([test(text) for text in encoded.dictionary.to_pylist()], pa.bool_())
    return said.take(encoded.indices)


def share_matching(sort: Sort, values: pa.Array) -> float:
    """Give the share of values that are, as a whole, of a sort; nulls and blanks do not count.

    Examples
    --------
    >>> share_matching("ip", pa.array(["10.0.0.1", "::1", "none", None, " "]))
    0.6666666666666666
    """
    texts = values.cast(pa.string())
    texts = texts.filter(pc.not_equal(pc.utf8_trim_whitespace(texts), ""))
    if not len(texts):
        return 0.0
    return float(pc.mean(matching(sort, texts)).as_py())


# --- within text ----------------------------------------------------------------------------------


def find(texts: pa.Array | Marked) -> Marked:
    """Find every identifier in texts.

    Parameters
    ----------
    texts : pyarrow.Array of string, shape (n,), or Marked

    Returns
    -------
    Marked

    Examples
    --------
    >>> marked = find(pa.array(["Write to a.b@corp.com or +44 20 7946 0958.", None, "hello"]))
    >>> {sort: hits.to_pylist() for sort, hits in marked.hits.items()}
    {'email': ['a.b@corp.com'], 'phone': ['+44 20 7946 0958']}
    >>> marked.filled(lambda sort, hits: pa.array([f"<{sort}>"] * len(hits))).to_pylist()
    ['Write to <email> or <phone>.', None, 'hello']
    """
    marked = texts if isinstance(texts, Marked) else Marked.of(texts)
    for prefilter, candidate, resolve in _PASSES:
        marked = marked.mark(candidate, resolve, prefilter)
    return marked


def _each(resolve: Callable[[str], Pieces]) -> Resolver:
    return lambda texts: [resolve(text) for text in texts]


# --- candidates -----------------------------------------------------------------------------------


def _link(text: str) -> Pieces:
    bare = text.rstrip(".,;:!?'*_")
    # A closing bracket belongs to the link where the link has opened it.
    while bare and bare[-1] in ")]}" and bare.count(bare[-1]) > bare.count(_OPENED[bare[-1]]):
        bare = bare[:-1].rstrip(".,;:!?'*_")
    return [("url", bare), (None, text[len(bare) :])]


_OPENED = {")": "(", "]": "[", "}": "{"}


def _at(text: str) -> Pieces:
    bare = text.rstrip(".-_'")
    rest: tuple[Sort | None, str] = (None, text[len(bare) :])
    if bare.startswith("@"):
        return [(None, "@"), ("handle" if len(bare) > 2 else None, bare[1:]), rest]
    # What stands before a name is rarely a part of it, and what is within it always.
    lead = len(bare) - len(bare.lstrip(_LEADS))
    if bare.endswith("@") or lead == len(bare):
        return [(None, text)]
    return [(None, bare[:lead]), ("email", bare[lead:]), rest]


_LEADS = ".'-!#$&*?^`{|}~\\"


def _encoded(text: str) -> Pieces:
    """Cut an address whose @ is written in another way, as in links and pages."""
    bare = text.rstrip(".-_'")
    lead = len(bare) - len(bare.lstrip(_LEADS))
    return [(None, bare[:lead]), ("email", bare[lead:]), (None, text[len(bare) :])]


def _place(text: str) -> Pieces:
    """Cut a link that does not say that it is one: a domain with a path."""
    return _link(text) if _PATH.fullmatch(text) else [(None, text)]


_PATH = re.compile(r"(?:[^\W_][\w-]*\.)+[^\W\d_]{2,}(?::\d+)?/.*", re.DOTALL)


def _key(text: str) -> Pieces:
    return [("code" if any(c.isdigit() for c in text) else None, text)]


def _colons(text: str) -> Pieces:
    bare = text.rstrip(".:/%") if not text.endswith("::") else text
    for end in (len(bare), len(text)):
        if is_ip(text[:end]):
            return [("ip", text[:end]), (None, text[end:])]
        if _MAC.fullmatch(text[:end]):
            return [("mac", text[:end]), (None, text[end:])]
    return [(None, text)]


def _dots(text: str) -> Pieces:
    # Zeros in front are no part of an address, and some write them.
    plain = re.sub(r"(?<![0-9])0+(?=[0-9])", "", text)
    return [("ip" if is_ip(plain) else None, text)]


def _account(text: str) -> Pieces:
    pieces: Pieces = []
    at = 0
    for start in _ACCOUNT.finditer(text):
        length = IBAN_LENGTHS.get(start.group().upper(), 0)
        # Separators are at most as many as what they separate.
        places = [
            start.start() + i for i, c in enumerate(text[start.start() :][:70]) if c.isalnum()
        ]
        if start.start() >= at and 0 < length <= len(places):
            end = places[length - 1] + 1
            if is_iban(text[start.start() : end]):
                pieces += [(None, text[at : start.start()]), ("iban", text[start.start() : end])]
                at = end
    return [*pieces, (None, text[at:])]


_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}(?=[0-9]{2})")


def _code(text: str) -> Pieces:
    known = any(pattern.fullmatch(text) and test(text) for pattern, test in NATIONAL_CODES)
    return [("national_id" if known else None, text)]


_GROUP = re.compile(r"[+(]*[0-9]+\)?")


def _numbers(text: str) -> Pieces:
    """Cut a run of digits and separators into dates (plain), checked numbers, phones and others."""
    pieces: Pieces = []
    at = 0
    for date in _DATE_WITHIN.finditer(text):
        pieces += _checked(text[at : date.start()])
        pieces.append((None, date.group()))
        at = date.end()
    return pieces + _checked(text[at:])


_DATE_WITHIN = re.compile(
    r"(?<![\d.])(?:(?:1[89]|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|[12]\d|3[01])\2(?:1[89]|20)\d\d)(?!\d)",
    re.ASCII,
)


def _checked(text: str) -> Pieces:
    groups = [(m.start(), m.end()) for m in _GROUP.finditer(text)]
    pieces: Pieces = []
    at = first = 0
    while first < len(groups):
        found = _longest(text, groups, first)
        if found is None:
            first += 1
            continue
        sort, start, end, after = found
        pieces += _others(text[at:start])
        pieces.append((sort, text[start:end]))
        at, first = end, after
    return pieces + _others(text[at:])


_CARD = re.compile(
    r"[0-9]{13,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?"
    r"|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5}"
)


_SHAPES = frozenset(
    {(3, 2, 4), (3, 3, 3, 2), (11,), (2, 3, 3, 3), (1, 2, 2, 2, 3, 3, 2), (13, 2), (3, 4, 4, 2)}
    | {(18,), (4, 4, 4), (6, 4), (8, 4), (3, 3, 3), (4, 4, 4, 4), (4, 4, 4, 4, 3)}
    | {(4, 6, 4), (4, 6, 5)}
    | {(size,) for size in range(11, 20)}
)
"""Sizes of the groups of cards and national IDs: most runs of numbers have none of them."""


_FIRST = frozenset(shape[0] for shape in _SHAPES)


def _longest(
    text: str, groups: list[tuple[int, int]], first: int
) -> tuple[Sort, int, int, int] | None:
    start, end = groups[first]
    if end - start not in _FIRST:
        return None
    near = groups[first : first + 7]
    sizes = tuple([b - a for a, b in near])
    for stop in range(len(near), 0, -1):
        if sizes[:stop] not in _SHAPES:
            continue
        end = near[stop - 1][1]
        whole = text[start:end]
        if is_card(whole) and _CARD.fullmatch(whole):
            # Three digits behind a card are more often its code than its end.
            short = near[stop - 2][1] if stop == 5 else end
            if short < end and is_card(text[start:short]):
                return "card", start, short, first + stop - 1
            return "card", start, end, first + stop
        if any(pattern.fullmatch(whole) and test(whole) for pattern, test in NATIONAL_NUMBERS):
            return "national_id", start, end, first + stop
    return None


def _others(text: str) -> Pieces:
    bare = text.strip(" ")
    if len(bare) < 7:
        return [(None, text)]
    if is_phone(bare):
        start = text.index(bare)
        return [(None, text[:start]), ("phone", bare), (None, text[start + len(bare) :])]
    groups = [(m.start(), m.end()) for m in _GROUP.finditer(text)]
    sizes = [len(text[a:b].strip("+()")) for a, b in groups]
    pieces: Pieces = []
    at = first = 0
    while first < len(groups):
        start, sort = groups[first][0], None
        # As many groups as `is_phone` takes.
        most = 8 if text[start] in "+(0" else 5
        stop = min(first + most, len(groups)) + 1
        digits = sum(sizes[first : stop - 1])
        while stop > first + 1:
            stop -= 1
            end = groups[stop - 1][1]
            if 7 <= digits <= 15 and is_phone(text[start:end]):
                sort = "phone"
                break
            digits -= sizes[stop - 1]
        if sort is None and sizes[first] >= 7:
            end, stop, sort = groups[first][1], first + 1, "number"
        if sort is None:
            first += 1
            continue
        found: Sort = "phone" if sort == "phone" else "number"
        pieces += [(None, text[at:start]), (found, text[start:end])]
        at, first = end, stop
    return [*pieces, (None, text[at:])]


_LOCAL = r"[\pL\pM\pN\p{So}._%+'\-!#$&*?^`{|}~\\]"
_DOMAIN = r"[\pL\pN][\pL\pM\pN._\-]*"
_INSIDE = r"[^\"@()\[\]\n\x{fdd0}-\x{fdef}]"
_AT = r"(?:%(?:25)*40|&#0*64;|&#[xX]0*40;|&commat;|=40)"
_PASSES: tuple[tuple[str, str, Resolver], ...] = (
    (
        r"://|(?i:www\.)",
        r"(?i:[a-z][a-z0-9+.\-]*://|www\.)[^\s<>\"\x{fdd0}-\x{fdef}]+",
        _each(_link),
    ),
    (
        r"\pL(?::\d+)?/",
        r"(?:[\pL\pN][\pL\pM\pN\-]*\.)+\pL{2,}(?::\d+)?/[^\s<>\"\x{fdd0}-\x{fdef}]*",
        _each(_place),
    ),
    # In quotes, with a comment or at a machine (RFC 5322), then across the end of a line.
    (
        r"[\")]@|@\[",
        rf"(?:\"{_INSIDE}{{1,64}}\"|{_LOCAL}+\({_INSIDE}{{0,64}}\))@{_DOMAIN}|{_LOCAL}+@\[{_INSIDE}+\]",
        _each(_encoded),
    ),
    (
        r"@(?:=?\r?\n)",
        rf"{_LOCAL}+@=?\r?\n[ >]*[\pL\pN][\pL\pM\pN_\-]*(?:\.[\pL\pM\pN_\-]+)+",
        _each(_encoded),
    ),
    ("@", rf"{_LOCAL}*@{_DOMAIN}", _each(_at)),
    (_AT, rf"{_LOCAL}+{_AT}{_DOMAIN}\.{_DOMAIN}", _each(_encoded)),
    (
        r"[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-|[0-9A-Fa-f]{24}",
        r"\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b|\b[0-9A-Fa-f]{24,}\b",
        _each(_key),
    ),
    (
        "[0-9A-Fa-f]?:[0-9A-Fa-f]*:[0-9A-Fa-f]?|[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-",
        r"(?:[0-9A-Za-z]*:){2,}[0-9A-Za-z]*(?:[.%/][0-9A-Za-z.]+)*"
        r"|\b(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}\b",
        _each(_colons),
    ),
    (r"\d\.\d+\.\d+\.\d", r"\b\d{1,3}(?:\.\d{1,3}){3,}(?:/\d{1,2})?\b", _each(_dots)),
    (
        r"[A-Za-z]{2}\d\d[ 0-9A-Za-z-]{11}",
        r"\b[A-Za-z]{2}\d\d(?:[ \-]?[0-9A-Za-z]){11,}",
        _each(_account),
    ),
    (
        r"[A-Za-z] ?\d|\d[ -]?[A-Za-z]",
        r"\b[A-Za-z]{2} \d\d \d\d \d\d [A-Da-d]\b|\b[A-Za-z]{2} \d{6} [A-Da-d]\b"
        r"|\b\d{2}\.\d{3}\.\d{3}-?[A-Za-z]\b|\b[XYZxyz]-\d{7}-?[A-Za-z]\b|\b\d{8}-[A-Za-z]\b"
        r"|\b[0-9A-Za-z]{9}\b|\b[0-9A-Za-z]{16}\b|\b\d{17}[Xx]\b",
        _each(_code),
    ),
    (
        r"\d(?:[ ().\-/\x{a0}\x{2011}\x{2013}]*\d){5}",
        r"[+(]*\d(?:[ ().\-+/\x{a0}\x{2011}\x{2013}]{0,3}\d){5,}",
        _each(_numbers),
    ),
)
