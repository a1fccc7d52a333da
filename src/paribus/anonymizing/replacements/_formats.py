"""Strings of one format, permuted among themselves: what `id` does, and others with rubbish."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._checks import CHECKS
from paribus.anonymizing.replacements._identifiers import (
    DIGIT,
    FIXED,
    HEX_LOWER,
    HEX_UPPER,
    LOWER,
    VARIANT_LOWER,
    VARIANT_UPPER,
    Characters,
    Flags,
    base32,
    flags,
    patched,
    permuted,
)
from paribus.errors import DataError

_NATURAL = r"^(?:0|-?[1-9][0-9]{0,18})$"
_WHOLE = r"^-?[0-9]+$"
_LIMITS = (127, 255, 32767, 65535, 1 << 24, (1 << 31) - 1, (1 << 32) - 1, 1 << 53, (1 << 63) - 1)
_EDGES = np.array(sorted({*_LIMITS, *(10**k - 1 for k in range(1, 20))}), np.uint64)
_BELOW = np.array(
    sorted({128, 32768, 1 << 24, 1 << 31, 1 << 53, 1 << 63, *(10**k - 1 for k in range(1, 20))}),
    np.uint64,
)
_LARGEST = str((1 << 64) - 1)
_LONGEST = 1024
_HOSTILE = (
    r"^\s*[=@\t\r\n\x{FF1D}\x{FF20}\x{FF0B}\x{FF0D}]|[<>\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
    r"|[\x{80}-\x{9f}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]"
)
_SIGNED = r"^\s*[+-]"
_NUMERIC = r"^\s*[+-][\p{Nd} ().\-/]*$"


@dataclass(frozen=True)
class Format:
    """How strings of a format are permuted; see `Id`."""

    realm: str
    check_digit: str = ""
    prefix: int = 0

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        """Give the fakes of distinct texts, shape (n,), that are not blank."""
        natural = np.zeros(len(texts), np.bool_)
        if not self.check_digit and not self.prefix:
            natural = flags(pc.match_substring_regex(texts, _NATURAL))
        others = np.flatnonzero(~natural)
        some = texts if len(others) == len(texts) else texts.take(pa.array(others))
        stays = _hostile(some)
        characters = Characters.of(some)
        if self.prefix and (np.diff(characters.bounds)[~stays] <= self.prefix).any():
            raise DataError(
                f"holds values of no more than {self.prefix} characters, and prefix = "
                f"{self.prefix} would let them pass whole; choose fewer"
            )
        characters = self._sorted(characters, some)
        stays |= characters.counts(self._moving(characters)) == 0
        made = self._permuted(characters.filter(~stays), key).array()
        digests = base32(key.words(some.filter(pa.array(stays)), f"{self.realm}/digest")[:, 0])
        return patched(
            texts,
            [
                (natural, _numbers(texts.filter(pa.array(natural)), key, self.realm)),
                (_at(others[~stays], len(texts)), made),
                (_at(others[stays], len(texts)), digests),
            ],
        )

    # --- characters -------------------------------------------------------------------------------

    def _permuted(self, given: Characters, key: Key) -> Characters:
        # What may change is asked of the originals alone: what walks keeps to it.
        moving, counted = self._moving(given), self._counted(given)
        made = self._once(given, moving, counted, key)
        sort = self._sorts(given)
        # Permuted again until it is of the sort of the original: no two sorts share a fake.
        while (off := self._sorts(made) != sort).any():
            there = np.repeat(off, np.diff(made.bounds))
            again = self._once(made.filter(off), moving[there], counted[there], key)
            codes = made.codes.copy()
            codes[there] = again.codes
            made = replace(made, codes=codes)
        return made

    def _once(self, given: Characters, moving: Flags, counted: Flags, key: Key) -> Characters:
        made = permuted(given, key, self.realm, moving)
        if not self.check_digit:
            return made
        return CHECKS[self.check_digit].restored(made, given, counted)

    def _counted(self, given: Characters) -> Flags:
        if not self.check_digit:
            return np.zeros(len(given.codes), np.bool_)
        return CHECKS[self.check_digit].counted(given)

    def _moving(self, given: Characters) -> Flags:
        moving: Flags = given.alphabets != FIXED
        if self.prefix:
            rows = np.diff(given.bounds)
            moving &= np.arange(len(moving)) - np.repeat(given.bounds[:-1], rows) >= self.prefix
        if self.check_digit:
            moving &= ~CHECKS[self.check_digit].ends(given, self._counted(given))
        return moving

    def _sorted(self, given: Characters, texts: pa.Array) -> Characters:
        """Put characters into the alphabets of what the whole text is: hexadecimal, a number."""
        alphabets = given.alphabets.copy()
        lengths = np.diff(given.bounds)
        if not self.check_digit:
            sort, versions, variants = _hexadecimal(given)
            if sort.any():
                of = np.repeat(sort & 3, lengths)
                alphanumeric = (alphabets >= DIGIT) & (alphabets <= LOWER)
                alphabets[alphanumeric & (of == 1)] = HEX_LOWER
                alphabets[alphanumeric & (of == 2)] = HEX_UPPER
                alphabets[versions] = FIXED
                alphabets[variants] = np.where(of[variants] == 1, VARIANT_LOWER, VARIANT_UPPER)
        members = given.members
        whole = flags(pc.match_substring_regex(texts, _WHOLE))
        if whole.any():
            first = given.bounds[:-1][whole]
            negative = given.codes[first] == ord("-")
            first = first + negative
            zero = given.codes[first] == ord("0")
            alphabets[first[zero]] = FIXED
            # A lone digit may be any, but there is no number -0.
            lone = (lengths[whole] == 1) & ~negative
            alphabets[first[~zero & ~lone]] = len(members)
            members = (*members, np.arange(ord("1"), ord("9") + 1, dtype=np.uint32))
        return replace(given, alphabets=alphabets, members=members)

    def _sorts(self, given: Characters) -> npt.NDArray[np.int64]:
        """Give a number for what a text is; `_once` and all its repetitions keep to one."""
        if self.check_digit:
            sort = given.counts(self._counted(given))
        else:
            sort = _hexadecimal(given)[0].astype(np.int64)
        texts = given.array()
        whole = flags(pc.match_substring_regex(texts, _WHOLE))
        if whole.any():
            sort[whole] += 4096 * _sides(texts.filter(pa.array(whole)))
        return sort


def _at(places: npt.NDArray[np.int64], n: int) -> Flags:
    found = np.zeros(n, np.bool_)
    found[places] = True
    return found


def _hostile(texts: pa.Array) -> Flags:
    signed = flags(pc.match_substring_regex(texts, _SIGNED))
    if signed.any():
        signed &= ~flags(pc.match_substring_regex(texts, _NUMERIC))
    long = flags(pc.greater(pc.utf8_length(texts), _LONGEST))
    return signed | long | flags(pc.match_substring_regex(texts, _HOSTILE))


_FIELD = 12
"""Bits of a count: no text has more than `_LONGEST` characters."""


def _weights() -> npt.NDArray[np.int64]:
    found = np.zeros(129, np.int64)
    for first, field in ((97, 1), (65, 3)):
        found[first : first + 26] = 1 << field * _FIELD
        found[first : first + 6] += 1 << (field + 1) * _FIELD
    found[48:58] = 1
    return found


_WEIGHTS = _weights()


def _hexadecimal(
    given: Characters,
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Tell what is hexadecimal: 1 in small letters, 2 in capitals, and 4 more for a UUID.

    Also gives where the version and the variant of each UUID stand.
    """
    codes, nowhere = given.codes, np.zeros(0, np.int64)
    found = np.zeros(len(given), np.int8)
    if not len(given) or np.diff(given.bounds).max() < 12:
        return found, nowhere, nowhere
    counts = given.counts(_WEIGHTS[codes if codes.dtype == np.uint8 else np.minimum(codes, 128)])
    digits, lower, low, upper, high = (
        counts >> field * _FIELD & ((1 << _FIELD) - 1) for field in range(5)
    )
    long = (digits > 0) & (digits + lower + upper >= 12)
    if codes.dtype != np.uint8:
        long &= given.counts(codes >= 128) == 0
    found[long & (lower > 0) & (upper == 0) & (low == lower)] = 1
    found[long & (upper > 0) & (lower == 0) & (high == upper)] = 2
    rows = np.flatnonzero((found > 0) & (digits + lower + upper == 32))
    if not len(rows):
        return found, nowhere, nowhere
    places = np.flatnonzero(_WEIGHTS[np.minimum(codes, 128)])
    starts = (np.cumsum(digits + lower + upper) - 32)[rows]
    versions, variants = places[starts + 12], places[starts + 16]
    known = (codes[versions] >= ord("1")) & (codes[versions] <= ord("8"))
    known &= _VARIANTS[codes[variants]]
    found[rows[known]] += 4
    return found, versions[known], variants[known]


_VARIANTS = np.isin(np.arange(128), [ord(c) for c in "89abAB"])


# --- numbers --------------------------------------------------------------------------------------


def _numbers(texts: pa.Array, key: Key, realm: str) -> pa.Array:
    if not len(texts):
        return texts
    negative = flags(pc.starts_with(texts, "-"))
    bare = pc.utf8_ltrim(texts, "-") if negative.any() else texts
    size = bare.cast(pa.uint64()).to_numpy()
    made = np.empty(len(size), np.uint64)
    for below, edges in ((False, _EDGES), (True, _BELOW)):
        rows = np.flatnonzero(negative == below)
        side = np.searchsorted(edges, size[rows])
        for number in np.unique(side).tolist():
            some = rows[side == number]
            # No number is -0.
            low = int(edges[number - 1]) + 1 if number else int(below)
            many = int(edges[number]) - low + 1
            shifted = size[some] - np.uint64(low)
            made[some] = np.uint64(low) + key.permuted_numbers(
                shifted, many, f"{realm}/{'-' if below else ''}{low}"
            )
    digits = pa.array(made).cast(pa.string())
    if not negative.any():
        return digits
    return pc.binary_join_element_wise(pc.if_else(pa.array(negative), "-", ""), digits, "")


def _sides(texts: pa.Array) -> npt.NDArray[np.int64]:
    """Tell between which limits of number types whole numbers lie."""
    negative = flags(pc.starts_with(texts, "-"))
    bare = pc.utf8_ltrim(texts, "-")
    length = pc.utf8_length(bare).to_numpy()
    found = np.where(length == 20, 30 + _above(bare, length), 40)
    short = length < 20
    size = bare.filter(pa.array(short)).cast(pa.uint64()).to_numpy()
    found[short] = np.where(
        negative[short], np.searchsorted(_BELOW, size), np.searchsorted(_EDGES, size)
    )
    return found


def _above(bare: pa.Array, length: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    long = pc.if_else(pa.array(length == 20), bare, "0" * 20)
    # As many digits: text is in the order of numbers.
    return flags(pc.greater(long, _LARGEST)).astype(np.int64)
