"""Strings of one format, permuted among themselves: what `id` does, and others with rubbish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

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
    Codes,
    Flags,
    base32,
    flags,
    patched,
    permuted,
)
from paribus.errors import DataError

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
_SEPARATORS = np.isin(np.arange(129), [ord(c) for c in " ().-/"])


@dataclass(frozen=True, eq=False)
class Digits:
    """The decimal digits of texts, one after another without what stands between them.

    Attributes
    ----------
    characters : Characters
        All of the texts.
    flags : ndarray of bool, shape (characters,)
        Which of them are digits.
    values : ndarray of uint8, shape (digits,)
        What each digit counts.
    edges : ndarray of int, shape (n + 1,)
        Text ``i`` has ``values[edges[i]:edges[i + 1]]``.
    """

    characters: Characters
    flags: Flags
    values: npt.NDArray[np.uint8]
    edges: npt.NDArray[np.int64]

    @classmethod
    def of(cls, characters: Characters) -> Digits:
        """Find the digits of ASCII."""
        codes = characters.codes
        flags = (codes >= ord("0")) & (codes <= ord("9"))
        return cls.at(characters, flags, np.compress(flags, codes).astype(np.uint8) - np.uint8(48))

    @classmethod
    def at(cls, characters: Characters, flags: Flags, values: npt.NDArray[np.uint8]) -> Digits:
        """Take the digits that stand at some places."""
        sums = np.zeros(len(flags) + 1, np.int32)
        np.cumsum(flags, out=sums[1:])
        return cls(characters, flags, values, sums[characters.bounds].astype(np.int64))

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where the digits of each text begin."""
        return self.edges[:-1]

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many digits each text has."""
        return np.diff(self.edges)

    def written(self, values: npt.NDArray[np.uint8]) -> pa.Array:
        """Put the texts together with other digits of the same scripts."""
        codes = self.characters.codes
        # Unsigned: what is taken away comes back.
        change = np.zeros_like(codes)
        change[self.flags] = values.astype(codes.dtype) - self.values
        return replace(self.characters, codes=codes + change).array()

    def filter(self, rows: Flags) -> Digits:
        """Keep some of the texts."""
        return self if rows.all() else Digits.of(self.characters.filter(rows))


def taken(
    values: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], length: int
) -> npt.NDArray[np.uint8]:
    """Give what stands from some places on, shape (length, n): one place is worked on at a time."""
    found = np.empty((length, len(starts)), np.uint8)
    for j, column in enumerate(found):
        column[:] = values[starts + j]
    return found


def put(
    values: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    columns: npt.NDArray[np.uint8],
) -> None:
    """Put back what `taken` gave."""
    for j, column in enumerate(columns):
        values[starts + j] = column


@dataclass(frozen=True)
class Format:
    """How strings of a format are permuted; see `Id`."""

    realm: str
    check_digit: str = ""
    prefix: int = 0

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        """Give the fakes of distinct texts, shape (n,), that are not blank."""
        characters = Characters.of(texts)
        natural = separated = np.zeros(len(texts), np.bool_)
        apart = texts.slice(0, 0)
        if not self.check_digit and not self.prefix:
            digits = Digits.of(characters)
            natural, separated = _natural(digits), _separated(digits)
            if separated.any():
                apart = self._apart(digits.filter(separated), key)
        others = np.flatnonzero(~(natural | separated))
        some = texts
        if len(others) < len(texts):
            some = texts.take(pa.array(others))
            characters = Characters.of(some)
        stays = _hostile(some)
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
                (separated, apart),
                (_at(others[~stays], len(texts)), made),
                (_at(others[stays], len(texts)), digests),
            ],
        )

    def _apart(self, given: Digits, key: Key) -> pa.Array:
        """Permute the digits of what holds nothing else that moves, and no number to be kept to."""
        made = given.values.copy()
        for count in np.flatnonzero(np.bincount(given.counts)).tolist():
            starts = given.starts[given.counts == count]
            columns = key.permuted(taken(made, starts, count).T, [10] * count, self.realm).T
            put(made, starts, columns)
        return given.written(made)

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


def _first(given: Characters) -> Codes:
    """Give the first character of each text; some digit or sign where a text is empty."""
    if not len(given.codes):
        return np.zeros(len(given), np.uint8)
    return given.codes[np.minimum(given.bounds[:-1], len(given.codes) - 1)]


def _natural(given: Digits) -> Flags:
    """Tell what is a whole number of up to 19 digits, written as numbers are."""
    first = _first(given.characters)
    negative = first == ord("-")
    found: Flags = (given.counts > 0) & (given.counts <= 19)
    found &= np.diff(given.characters.bounds) == given.counts + negative
    led = np.append(given.values, np.uint8(0))[given.starts] > 0
    # No number is -0.
    found &= led | ((given.counts == 1) & ~negative)
    return found


def _separated(given: Digits) -> Flags:
    """Tell what is digits and common separators, and not one whole number.

    A plus in front is one of them. Nothing of it is hostile, or one of several alphabets.
    """
    codes, bounds = given.characters.codes, given.characters.bounds
    first, lengths = _first(given.characters), np.diff(bounds)
    signs = np.flatnonzero(~given.flags)
    odd = signs[~_SEPARATORS[np.minimum(codes[signs], 128)]]
    of = np.searchsorted(bounds, odd, "right") - 1
    plus = (codes[odd] == ord("+")) & (bounds[of] == odd)
    found: Flags = (given.counts > 0) & (lengths <= _LONGEST)
    found &= given.counts < lengths - (first == ord("-"))
    found[of[~plus]] = False
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
    made = permuted_sizes(size, negative, key, realm)
    digits = pa.array(made).cast(pa.string())
    if not negative.any():
        return digits
    return pc.binary_join_element_wise(pc.if_else(pa.array(negative), "-", ""), digits, "")


def permuted_sizes(
    size: npt.NDArray[np.uint64], negative: Flags, key: Key, realm: str
) -> npt.NDArray[np.uint64]:
    """Permute whole numbers among those of their digits, sign and side of every limit of a type.

    Parameters
    ----------
    size : ndarray of uint64, shape (n,)
        Absolute values, below 10**19.
    negative : ndarray of bool, shape (n,)
    """
    made = np.empty(len(size), np.uint64)
    for below, edges in ((False, _EDGES), (True, _BELOW)):
        rows = np.flatnonzero(negative == below)
        side = np.searchsorted(edges, size[rows])
        for number in np.flatnonzero(np.bincount(side)).tolist():
            some = rows[side == number]
            # No number is -0.
            low = int(edges[number - 1]) + 1 if number else int(below)
            many = int(edges[number]) - low + 1
            shifted = size[some] - np.uint64(low)
            made[some] = np.uint64(low) + key.permuted_numbers(
                shifted, many, f"{realm}/{'-' if below else ''}{low}"
            )
    return made


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
