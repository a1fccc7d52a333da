"""Fakes of places, each by itself: an address takes the same ones as the columns of its parts."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pydantic

from paribus.anonymizing import names
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import OfText

_AFTER = ("az", "en", "et", "hu", "tr")
_BEFORE = ("ar", "fr", "hr", "it", "kk", "pl", "ru", "uk")
_WITHOUT = ("en-au", "en-gb", "pt-br")
"""Languages that write "Street" behind the name, or before it; of all others, and of these locales,
the names of streets are whole."""

_GLUED = ("ko", "zh")

_CODES = ("A2", "A3", "NUMERIC")


class OfPlaces(OfText):
    """Base of the kinds whose fakes are from the lists of a locale."""

    locale: str = "en"

    @pydantic.field_validator("locale")
    @classmethod
    def _known_locale(cls, locale: str) -> str:
        return names.checked(locale)


def city(texts: pa.Array, key: Key, locale: str, realm: str = "city") -> pa.Array:
    """Give each city another of the locale, written like it."""
    return _styled(texts, names.usable("address.city", locale, "cities"), key, realm)


def region(texts: pa.Array, key: Key, locale: str, realm: str = "region") -> pa.Array:
    """Give each region another of the locale: a name for a name, a short form for a short form."""
    long, short = names.usable("address.state", locale, "regions"), _abbreviations(locale)
    if len(short) < 2:
        return _styled(texts, long, key, realm)
    brief = pc.match_substring_regex(texts, r"^[\p{Lu}\d.-]{2,3}$")
    told = pc.is_in(names.bare(texts), value_set=names.bare(short))
    whole = pc.is_in(names.bare(texts), value_set=names.bare(long))
    brief = pc.and_(pc.or_(brief, told), pc.invert(whole))
    return _either(
        texts,
        brief,
        lambda left: _styled(left, short, key, f"{realm}\x00short", like=False),
        lambda left: _styled(left, long, key, realm),
    )


def is_region(texts: pa.Array, locale: str) -> npt.NDArray[np.bool_]:
    """Tell which texts are regions of the locale: names, or short forms in capitals."""
    return names.is_of(texts, "region", locale)


def country(texts: pa.Array, key: Key, locale: str, realm: str = "country") -> pa.Array:
    """Give each country another: a code for a code, a name in the language that it has."""
    out = pa.nulls(len(texts), pa.string())
    left = pa.array(np.ones(len(texts), np.bool_))
    for code in _CODES:
        pool = _codes(code)
        here = pc.is_in(pc.utf8_upper(texts), value_set=pool)
        out = _filled(out, here, texts, pool, key, f"{realm}\x00{code}")
        left = pc.and_(left, pc.invert(here))
    for other in (locale, "en", *names.known_locales()):
        if not pc.any(left).as_py():
            break
        pool = names.values("address.country", other)
        here = pc.and_(left, pc.is_in(names.bare(texts), value_set=_bare_countries(other)))
        out = _filled(out, here, texts, pool, key, realm)
        left = pc.and_(left, pc.invert(here))
    pool = names.usable("address.country", locale, "countries")
    return _filled(out, left, texts, pool, key, realm)


def is_country(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which texts are countries: names in any language, or codes of three letters."""
    code: npt.NDArray[np.bool_] = pc.is_in(texts, value_set=_codes("A3")).to_numpy(
        zero_copy_only=False
    )
    return names.is_listed(pc.utf8_lower(texts), "country") | code


def street(texts: pa.Array, key: Key, locale: str, realm: str = "street") -> pa.Array:
    """Give each street another of the locale, put together in its own order."""
    plain = names.bare(texts)
    titles, kinds, before, space = _streets(locale)
    words = key.words(plain, realm)[:, 0]
    whole = np.uint64(max(1, len(titles) * max(1, len(kinds))))
    number = (words % whole).astype(np.int64)
    made = _street(number, titles, kinds, before, space)
    own = pc.equal(names.bare(made), plain).to_numpy(zero_copy_only=False)
    if own.any():
        number[own] = (number[own] + 1) % int(whole)
        made = _street(number, titles, kinds, before, space)
    return names.styled(made, texts)


def _street(
    number: npt.NDArray[np.int64], titles: pa.Array, kinds: pa.Array, before: bool, space: str
) -> pa.Array:
    title = titles.take(pa.array(number % len(titles)))
    if not len(kinds):
        return title
    kind = kinds.take(pa.array(number // len(titles)))
    return pc.binary_join_element_wise(*((kind, title) if before else (title, kind)), space)


@cache
def _streets(locale: str) -> tuple[pa.Array, pa.Array, bool, str]:
    found = names.usable("address.street_name", locale, "streets")
    # A comma or a number within a name would be taken for one of the address.
    simple = found.filter(pc.invert(pc.match_substring_regex(found, r"[\d,;:<>=+@|\"]|^[-'’]")))
    titles = simple if len(simple) > 10 else found
    language = locale.partition("-")[0]
    before, after = language in _BEFORE, language in (*_AFTER, *_GLUED)
    if locale in _WITHOUT or not (before or after):
        return titles, pa.array([], pa.string()), False, " "
    kinds = names.values("address.street_suffix", locale)
    return titles, kinds, before, "" if language in _GLUED else " "


def styled_choice(texts: pa.Array, pool: pa.Array, key: Key, realm: str) -> pa.Array:
    """Choose from a pool, folded, and write the fake like the original."""
    return _styled(texts, pool, key, realm)


def _styled(
    texts: pa.Array, pool: pa.Array, key: Key, realm: str, *, like: bool = True
) -> pa.Array:
    narrow = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), r"\s+", " ")
    encoded = names.bare(narrow).dictionary_encode()
    made = names.chosen(encoded.dictionary, pool, key, realm).take(encoded.indices)
    return names.styled(made, texts) if like else made


def _filled(
    out: pa.Array, here: pa.Array, texts: pa.Array, pool: pa.Array, key: Key, realm: str
) -> pa.Array:
    if not pc.any(here).as_py():
        return out
    return pc.replace_with_mask(out, here, _styled(texts.filter(here), pool, key, realm))


def _either(texts: pa.Array, here: pa.Array, one: object, other: object) -> pa.Array:
    out = pa.nulls(len(texts), pa.string())
    for mask, ask in ((here, one), (pc.invert(here), other)):
        if pc.any(mask).as_py():
            out = pc.replace_with_mask(out, mask, ask(texts.filter(mask)))  # type: ignore[operator]
    return out


@cache
def _abbreviations(locale: str) -> pa.Array:
    found = names.values("address.state", locale, abbr=True)
    long = names.values("address.state", locale)
    return found.filter(pc.invert(pc.is_in(found, value_set=long)))


@cache
def _codes(code: str) -> pa.Array:
    return names.values("address.country_code", "en", code=code)


@cache
def _bare_countries(locale: str) -> pa.Array:
    return names.bare(names.values("address.country", locale))


# --- numbers --------------------------------------------------------------------------------------


def permuted(texts: pa.Array, key: Key, realm: str) -> pa.Array:
    """Permute digits and letters position by position, keeping common beginnings common.

    Each position is permuted among its kind (digits, letters) in one cycle that the key and all
    that stands before it decide. So equal beginnings get equal beginnings, distinct texts stay
    distinct, and none stays itself. A zero at the beginning stays one, and none is put there.

    Parameters
    ----------
    texts : pyarrow.Array of string, shape (n,)
        Letters and digits of ASCII; all other characters stay where they are.
    key : Key
    realm : str

    Returns
    -------
    pyarrow.Array of string, shape (n,)

    Notes
    -----
    The manner of prefix-preserving anonymization of Xu, Fan, Ammar and Moon (2002, ICNP, 280-289),
    with digits for bits.
    """
    n = len(texts)
    if not n:
        return texts
    size = pc.binary_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
    raw = np.zeros((n, int(size.max())), np.uint8)
    flat = np.frombuffer(b"".join(texts.cast(pa.binary()).to_pylist()), np.uint8)
    raw[np.arange(raw.shape[1]) < size[:, None]] = flat
    digit = (raw >= 48) & (raw <= 57)
    upper, lower = (raw >= 65) & (raw <= 90), (raw >= 97) & (raw <= 122)
    known = digit | upper | lower
    # Packed to the left: spaces and hyphens are no part of what is common.
    place = np.cumsum(known, axis=1) - 1
    length = known.sum(axis=1)
    plain = np.zeros_like(raw)
    rows, columns = np.nonzero(known)
    plain[rows, place[rows, columns]] = np.where(lower, raw - 32, raw)[rows, columns]
    made = plain.copy()
    group = np.zeros(n, np.int64)
    for j in range(int(length.max(initial=0))):
        here = np.flatnonzero(length > j)
        group[here], first = _grouped(group[here])
        at = here[first]
        prefixes = pa.array([plain[i, :j].tobytes().decode() for i in at], pa.string())
        keys = np.ascontiguousarray(key.words(prefixes, realm, 8)).astype("<u8").view("<u2")
        value, own = plain[here, j], group[here]
        number = value < 65
        zero = (j == 0) & (length[here] > 1)
        for those, base, radix in (
            (number & ~zero, 48, 10),
            (number & zero & (value != 48), 49, 9),
            (~number, 65, 26),
        ):
            if those.any():
                start = 0 if radix < 26 else 4
                cycle = _cycles(keys[:, start : start + radix])
                made[here[those], j] = base + cycle[own[those], value[those] - base]
        group[here] = group[here] * 256 + value
    out = raw.copy()
    spelled = made[rows, place[rows, columns]]
    out[rows, columns] = np.where(lower[rows, columns], spelled + 32, spelled)
    joined = out[np.arange(raw.shape[1]) < size[:, None]].tobytes()
    offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(joined)]
    return pa.Array.from_buffers(pa.string(), n, buffers)


def _grouped(
    group: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    size = int(group.max(initial=-1)) + 1
    if size > 8 * len(group) + (1 << 16):
        _, first, number = np.unique(group, return_index=True, return_inverse=True)
        return number.astype(np.int64), first
    # Dense enough for a table; the last one to be written is any of a group.
    one = np.full(size, -1, np.int64)
    one[group] = np.arange(len(group))
    there = one >= 0
    return (np.cumsum(there) - 1)[group], one[there]


def _cycles(keys: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Give a cyclic permutation for each row of sort keys."""
    order = np.argsort(keys, axis=1, kind="stable")
    out = np.empty(order.shape, np.uint8)
    np.put_along_axis(out, order, np.roll(order, -1, axis=1).astype(np.uint8), axis=1)
    return out
