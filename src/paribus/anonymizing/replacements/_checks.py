"""Check digits: what the last characters of an ID say of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from paribus.anonymizing.replacements._identifiers import Characters, Codes, Flags

Digits = npt.NDArray[np.int64]
"""Digits 0 to 9 and letters 10 to 35, shape (n, length)."""


@dataclass(frozen=True)
class Check:
    """How the end of an ID follows from the rest.

    Attributes
    ----------
    expected : callable of (n, length) digits to (n,) numbers below `size`
    size : int
        10 for a digit, 11 for a digit or X, 100 for two digits.
    letters : bool
        Whether letters count (as 10 to 35); otherwise they are passed over.
    lengths : tuple of int
        Lengths with the check digit; any where there are none.
    """

    expected: Callable[[Digits], Digits]
    size: int = 10
    letters: bool = False
    lengths: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Characters of the check itself."""
        return 2 if self.size == 100 else 1

    def counted(self, texts: Characters) -> Flags:
        """Tell which characters count, the check among them: none where there is no place for it.

        Returns
        -------
        ndarray of bool, shape (characters,)
        """
        numbers = _NUMBERS[np.minimum(texts.codes, 128)]
        digits = (numbers >= 0) & (numbers < 10)
        counted = numbers >= 0 if self.letters else digits.copy()
        if self.size == 11:
            # An X counts where it is the last letter or digit.
            places = np.flatnonzero(numbers >= 0)
            ends = np.searchsorted(places, texts.bounds[1:]) - 1
            some = (ends >= 0) & (texts.counts(numbers >= 0) > 0)
            last = places[ends[some]]
            counted[last[texts.codes[last] == ord("X")]] = True
        counts = texts.counts(counted)
        checked = counts > self.width
        if self.lengths:
            checked &= np.isin(counts, self.lengths)
        if self.letters:
            places = np.flatnonzero(counted)
            ends = np.searchsorted(places, texts.bounds[1:])
            for back in range(1, self.width + 1):
                at = places[np.maximum(ends - back, 0)] if len(places) else ends
                checked &= digits[at] if len(places) else False
        return counted & np.repeat(checked, np.diff(texts.bounds))

    def ends(self, texts: Characters, counted: Flags) -> Flags:
        """Tell which characters are checks, shape (characters,)."""
        found = np.zeros(len(texts.codes), np.bool_)
        for at in _places(texts, counted):
            found[at[:, -self.width :]] = True
        return found

    def restored(self, texts: Characters, like: Characters, counted: Flags) -> Characters:
        """Write the checks of texts anew, as right or as wrong as those of their originals."""
        codes = texts.codes.copy()
        for at in _places(texts, counted):
            codes[at[:, -self.width :]] = self.end(codes[at], like.codes[at])
        return replace(texts, codes=codes)

    def end(self, codes: Codes, like: Codes) -> Codes:
        """Give the ends of some IDs, shape (n, width), as right or wrong as those of originals."""
        wrong = self._end(like) - self.expected(_read(like, self.width))
        said = (self.expected(_read(codes, self.width)) + wrong) % self.size
        digits = [said // 10, said % 10] if self.width == 2 else [said]
        written = np.where(np.stack(digits, 1) == 10, ord("X"), np.stack(digits, 1) + ord("0"))
        return written.astype(codes.dtype)

    def _end(self, codes: Codes) -> Digits:
        numbers = np.where(codes == ord("X"), 10, _NUMBERS[codes]).astype(np.int64)
        if self.width == 2:
            return numbers[:, -2] * 10 + numbers[:, -1]
        return numbers[:, -1]


def _places(texts: Characters, counted: Flags) -> list[npt.NDArray[np.int64]]:
    """Give the places of what counts, shape (n, length), for each length."""
    places, counts = np.flatnonzero(counted), texts.counts(counted)
    starts = np.cumsum(counts) - counts
    return [
        places[starts[counts == count][:, None] + np.arange(count)]
        for count in np.unique(counts[counts > 0]).tolist()
    ]


def _read(codes: Codes, width: int) -> Digits:
    return _NUMBERS[codes[:, :-width]].astype(np.int64)


def _numbers() -> npt.NDArray[np.int8]:
    found = np.full(129, -1, np.int8)
    found[48:58] = range(10)
    found[65:91] = found[97:123] = range(10, 36)
    return found


_NUMBERS = _numbers()


def _luhn(digits: Digits) -> Digits:
    """ISO/IEC 7812-1, annex B (Luhn 1960, US patent 2,950,048)."""
    doubled = digits[:, ::-1].copy()
    doubled[:, ::2] *= 2
    total: Digits = (doubled - 9 * (doubled > 9)).sum(1)
    return -total % 10


def _ean(digits: Digits) -> Digits:
    """GS1 General Specifications, section 7.9: GTIN, ISBN-13, SSCC."""
    weights = np.where(np.arange(digits.shape[1]) % 2 == 0, 3, 1)[::-1]
    total: Digits = (digits * weights).sum(1)
    return -total % 10


def _isbn10(digits: Digits) -> Digits:
    """ISO 2108:1992."""
    total: Digits = (digits * np.arange(10, 1, -1)).sum(1)
    return -total % 11


def _mod97(digits: Digits) -> Digits:
    """ISO/IEC 7064, MOD 97-10: LEI, IBAN (with its first four characters at the end)."""
    rest = np.zeros(len(digits), np.int64)
    for j in range(digits.shape[1]):
        rest = (rest * np.where(digits[:, j] > 9, 100, 10) + digits[:, j]) % 97
    return 98 - rest * 100 % 97


def _mod11_2(digits: Digits) -> Digits:
    """ISO/IEC 7064, MOD 11-2: ORCID, ISNI, the citizen number of China."""
    rest = np.zeros(len(digits), np.int64)
    for j in range(digits.shape[1]):
        rest = (rest + digits[:, j]) * 2 % 11
    return (12 - rest) % 11


def _mod11_10(digits: Digits) -> Digits:
    """ISO/IEC 7064, MOD 11,10: the tax numbers of Germany and Croatia."""
    rest = np.full(len(digits), 10)
    for j in range(digits.shape[1]):
        total = (rest + digits[:, j]) % 10
        rest = np.where(total == 0, 10, total) * 2 % 11
    return (11 - rest) % 10


def _dihedral() -> npt.NDArray[np.int64]:
    a, b = np.indices((10, 10))
    turned = np.where(a < 5, (a + b) % 5, (a - b) % 5)
    product: npt.NDArray[np.int64] = turned + 5 * ((a >= 5) != (b >= 5))
    return product


_PRODUCT = _dihedral()
_MOVED = [np.arange(10), np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4])]
for _ in range(6):
    _MOVED.append(_MOVED[1][_MOVED[-1]])
_INVERSE = np.array([0, 4, 3, 2, 1, 5, 6, 7, 8, 9])


def _verhoeff(digits: Digits) -> Digits:
    """Verhoeff 1969, Error Detecting Decimal Codes: Aadhaar."""
    rest = np.zeros(len(digits), np.int64)
    for place, j in enumerate(range(digits.shape[1] - 1, -1, -1), start=1):
        rest = _PRODUCT[rest, _MOVED[place % 8][digits[:, j]]]
    return _INVERSE[rest]


CHECKS: Mapping[str, Check] = {
    "luhn": Check(_luhn),
    "ean": Check(_ean),
    "isbn10": Check(_isbn10, size=11, lengths=(10,)),
    "mod97": Check(_mod97, size=100, letters=True),
    "mod11_2": Check(_mod11_2, size=11),
    "mod11_10": Check(_mod11_10),
    "verhoeff": Check(_verhoeff),
}
"""The checks that an ID may end in, by name."""
