"""Fakes of places, each by itself: an address takes the same ones as the columns of its parts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pydantic

from paribus.anonymizing import _lists, names
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


def is_place(texts: pa.Array, locale: str) -> npt.NDArray[np.bool_]:
    """Tell which texts are cities or regions of the locale, or countries, in one look-up."""
    listed = pc.is_in(names.bare(texts), value_set=_bare_places(locale))
    found: npt.NDArray[np.bool_] = pc.or_(listed, pc.is_in(texts, value_set=_codes("A3"))).to_numpy(
        zero_copy_only=False
    )
    return found


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


def _either(
    texts: pa.Array,
    here: pa.Array,
    one: Callable[[pa.Array], pa.Array],
    other: Callable[[pa.Array], pa.Array],
) -> pa.Array:
    out = pa.nulls(len(texts), pa.string())
    for mask, ask in ((here, one), (pc.invert(here), other)):
        if pc.any(mask).as_py():
            out = pc.replace_with_mask(out, mask, ask(texts.filter(mask)))
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
def _bare_places(locale: str) -> pa.Array:
    countries = _lists.known("country").index.vocabulary
    own = [_lists.bare_of(kind, locale) for kind in ("city", "region")]
    return pc.unique(pa.concat_arrays([*own, countries]))


@cache
def _bare_countries(locale: str) -> pa.Array:
    return names.bare(names.values("address.country", locale))


# --- numbers --------------------------------------------------------------------------------------

_Bytes = npt.NDArray[np.uint8]
_Places = npt.NDArray[np.int64]

ALPHANUMERIC = np.array([chr(byte).isalnum() and byte < 128 for byte in range(256)])
"""Which bytes are letters and digits of ASCII."""


def spelled(texts: pa.Array) -> tuple[_Bytes, npt.NDArray[np.int32]]:
    """Give the bytes of texts one after another, and where each text begins and the last ends.

    Parameters
    ----------
    texts : pyarrow.Array of string, shape (n,)
        Without nulls.

    Returns
    -------
    pair of ndarray of uint8, shape (bytes,), and of int32, shape (n + 1,)
        Not to be written to.
    """
    _, offsets, data = texts.buffers()
    if not len(texts) or data is None:
        return np.zeros(0, np.uint8), np.zeros(len(texts) + 1, np.int32)
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]], ends - ends[0]


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
    raw, ends = spelled(texts)
    known = ALPHANUMERIC[raw]
    # Packed: spaces and hyphens are no part of what is common.
    packed = raw[known]
    small = (packed >= ord("a")) * np.uint8(32)
    bounds = ends.astype(np.int64)
    if len(packed) < len(raw):
        bounds = np.concatenate([[0], np.cumsum(known)])[ends]
    out = raw.copy()
    out[known] = _permuted(packed - small, bounds, key, realm) + small
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(out))


def _permuted(plain: _Bytes, bounds: _Places, key: Key, realm: str) -> _Bytes:
    """Permute digits and capitals: text ``i`` is ``plain[bounds[i]:bounds[i + 1]]``."""
    made = plain.copy()
    start, length = bounds[:-1], np.diff(bounds)
    group = np.zeros(len(start), np.int64)
    for j in range(int(length.max(initial=0))):
        longer = length > j
        if not longer.all():
            start, length, group = start[longer], length[longer], group[longer]
        group, first = _grouped(group)
        words = key.words(_prefixes(plain, start[first], j), realm, 8)
        keys = words.astype("<u8", copy=False).view("<u2")
        at = start + j
        value = plain[at]
        number = value <= ord("9")
        zero = (j == 0) & (length > 1)
        for those, base, radix in (
            (number & ~zero, 48, 10),
            (number & zero & (value != 48), 49, 9),
            (~number, 65, 26),
        ):
            if those.any():
                begin = 0 if radix < 26 else 4
                cycle = _cycles(keys[:, begin : begin + radix])
                made[at[those]] = base + cycle[group[those], value[those] - base]
        least = value.min()
        group = group * (int(value.max() - least) + 1) + (value - least)
    return made


def _prefixes(plain: _Bytes, start: _Places, length: int) -> pa.Array:
    found = plain[start[:, None] + np.arange(length)].tobytes()
    ends = np.arange(len(start) + 1, dtype=np.int32) * np.int32(length)
    return pa.StringArray.from_buffers(len(start), pa.py_buffer(ends), pa.py_buffer(found))


def _grouped(group: _Places) -> tuple[_Places, _Places]:
    """Give groups numbers without a gap, and the place of one of each."""
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
    # Each with its place behind it, so that sorting gives the order of places, ties included.
    places = np.arange(keys.shape[1], dtype=np.uint32)
    order = (np.sort(keys.astype(np.uint32) << 5 | places, axis=1) & 31).astype(np.uint8)
    out = np.empty_like(order)
    np.put_along_axis(out, order.astype(np.intp), np.roll(order, -1, axis=1), axis=1)
    return out
