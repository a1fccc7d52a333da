"""A phone number of the same country and sort, written in the same way, that could exist."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._formats import Format
from paribus.anonymizing.replacements._identifiers import Characters, Codes, Flags, flags, patched
from paribus.anonymizing.replacements._numbering import calling_codes, dialed, plan, regions
from paribus.anonymizing.replacements.base import OfText
from paribus.errors import nearest

_EXTENSION = r"(?i)(?:\s*(?:;\s*ext=|,|#|ext(?:ension)?|x|доб)[\s.:]*[0-9]{1,7}\s*#?)$"
_FOREIGN = r"^\s*(?:tel:\s*)?\(?\s*[+\x{FF0B}]"
_STRANGE = r"[^\p{Nd}\s()+./~\[\]\x{2010}-\x{2015}\x{2212}\x{FF0B}\x{3000}\-]|^\s*[\t\r\n]"

_ORDINARY = np.isin(np.arange(129), [ord(c) for c in "0123456789 ()+./~[]-"])

_Places = npt.NDArray[np.int64]


class Phone(OfText):
    """Permutes the valid numbers of one country, sort and length among themselves.

    The country calling code, the trunk prefix, and all signs and spaces stay; the rest becomes
    another number that `phonenumbers` calls valid for the same region and type (mobile, fixed line,
    toll-free ...). It is a permutation, so distinct numbers stay distinct, and the same number gets
    the same fake with its country code and without. The extension gets another one by itself.

    What is not valid, or holds letters, is treated as an ID; so are national numbers with a code of
    a carrier or a 15 inside (Brazil, Argentina). The fake of such a one may by chance be that of a
    valid number: for one of ten digits among a million, the chance is about 1 in 10,000. A fake may
    be somebody's number: nobody should call it.

    Parameters
    ----------
    country : str
        The region (ISO 3166-1, two letters) of numbers without a country calling code.
    """

    kind: Literal["phone"] = "phone"
    country: str = "US"

    numbers: ClassVar[bool] = True

    @field_validator("country")
    @classmethod
    def _country(cls, country: str) -> str:
        if country.upper() not in regions():
            raise ValueError(
                f'"{country}" is no region with phone numbers'
                f"{nearest(country.upper(), sorted(regions()))}; take two letters such as US or DE"
            )
        return country.upper()

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        if pa.types.is_integer(values.type) and values.type.bit_width < 64:
            # Of the same sort, but perhaps too large for the type: once more, until it fits.
            wide = super().replace(values.cast(pa.int64()), key, row)
            low, high = (_limit(values.type, each) for each in (0, 1))
            while True:
                out = flags(pc.fill_null(pc.or_(pc.less(wide, low), pc.greater(wide, high)), False))
                if not out.any():
                    return wide.cast(values.type)
                again = super().replace(wide.filter(pa.array(out)), key, row)
                wide = patched(wide, [(out, again)])
        return super().replace(values, key, row)

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        given = _Dialed(texts, self.country)
        characters = given.characters
        values = given.values.copy()
        valid = np.zeros(len(texts), np.bool_)
        for rows, places, code in given.numbers():
            valid[rows] = True
            values[places] = _permuted(values[places], code, key, self.realm_)
        extended = np.flatnonzero(valid & (given.extensions > 0))
        for length in np.unique(given.extensions[extended]).tolist():
            rows = extended[given.extensions[extended] == length]
            at = given.last(rows, length)
            values[at] = key.permuted(values[at], [10] * length, f"{self.realm_}/extension")
        # Unsigned: what is taken away comes back.
        kind = characters.codes.dtype
        codes = characters.codes + (values.astype(kind) - given.values.astype(kind))
        made = replace(characters, codes=codes).array()
        others = Format(f"{self.realm_}/invalid").fakes(texts.filter(pa.array(~valid)), key)
        return patched(made, [(~valid, others)])


def _limit(given: pa.DataType, end: int) -> int:
    signed = pa.types.is_signed_integer(given)
    bits = given.bit_width - signed
    return (1 << bits) - 1 if end else -(1 << bits) if signed else 0


def _permuted(
    digits: npt.NDArray[np.uint8], code: int, key: Key, realm: str
) -> npt.NDArray[np.uint8]:
    """Permute valid national numbers, shape (n, length), among those of their sort."""
    plan_, length = plan(code), digits.shape[1]
    sort, out = plan_.sort(digits), digits.copy()
    for each in np.unique(sort).tolist():
        ranking = plan_.ranking(each, length)
        # A number in a column of numbers has no leading zero, and none may get one.
        for zero in (True, False):
            rows = np.flatnonzero((sort == each) & ((digits[:, 0] == 0) == zero))
            if len(rows):
                low = 0 if zero else ranking.zeros
                many = ranking.zeros if zero else ranking.total - low
                rank = ranking.rank(digits[rows]) - np.uint64(low)
                name = f"{realm}/{code}/{plan_.names[each]}/{length}/{low}"
                moved = key.permuted_numbers(rank, many, name) + np.uint64(low)
                out[rows] = ranking.at(moved)
    return out


class _Dialed:
    """Texts as what one dials: their digits, and which of them are the national number."""

    def __init__(self, texts: pa.Array, country: str) -> None:
        self.country = country
        self.characters = given = Characters.of(texts)
        self.digits, self.values = _decimals(given.codes)
        counts = given.counts(self.digits)
        self.lengths = counts
        self.places = np.flatnonzero(self.digits)
        self.starts = np.cumsum(counts) - counts
        self.strange = np.zeros(len(texts), np.bool_)
        plain = _ORDINARY[np.minimum(given.codes, 128)]
        first = given.codes[given.bounds[:-1]]
        self.foreign = first == ord("+")
        # Patterns take their time: only what is not digits and hyphens alone is held against them.
        rows = (given.counts(~plain) > 0) | (first == ord(" ")) | (first == ord("("))
        if rows.any():
            self._look(texts.filter(pa.array(rows)), rows)
        self.extensions = counts - self.lengths

    def _look(self, texts: pa.Array, rows: Flags) -> None:
        """Find extensions, what stands for a country, and letters."""
        bare = pc.replace_substring_regex(texts, _EXTENSION, "")
        plain = pc.replace_substring_regex(bare, r"^\s*tel:", "")
        self.strange[rows] = flags(pc.match_substring_regex(plain, _STRANGE))
        self.foreign[rows] = flags(pc.match_substring_regex(bare, _FOREIGN))
        lengths = np.diff(self.characters.bounds)
        main = lengths.copy()
        main[rows] = pc.utf8_length(bare).to_numpy(zero_copy_only=False)
        if (main < lengths).any():
            inside = np.arange(len(self.digits)) - np.repeat(self.characters.bounds[:-1], lengths)
            self.lengths = self.characters.counts(self.digits & (inside < np.repeat(main, lengths)))

    def last(self, rows: _Places, length: int) -> _Places:
        """Give the places of the digits of extensions."""
        found: _Places = self.places[
            (self.starts + self.lengths)[rows][:, None] + np.arange(length)
        ]
        return found

    def numbers(self) -> Iterator[tuple[_Places, _Places, int]]:
        """Give what is valid: rows, the places of their national digits, and the calling code."""
        home, trunk, abroad = dialed(self.country)
        for length in np.unique(self.lengths[~self.strange]).tolist():
            if not 3 < length <= 24:
                continue
            rows = np.flatnonzero(~self.strange & (self.lengths == length))
            places = self.places[self.starts[rows][:, None] + np.arange(length)]
            digits = self.values[places]
            begins = [_begins(digits, each) for each in (abroad, "00")]
            skips = np.where(self.foreign[rows], 0, -1)
            for start, prefix in zip(begins, (abroad, "00"), strict=True):
                skips[(skips < 0) & start] = len(prefix)
            for skip in np.unique(skips).tolist():
                some = skips == skip
                part = rows[some], places[some], digits[some]
                if skip >= 0:
                    found = _international(digits[some], skip)
                else:
                    found = _national(digits[some], home, trunk)
                yield from self._valid(*part, found)

    def _valid(
        self,
        rows: _Places,
        places: _Places,
        digits: npt.NDArray[np.uint8],
        tried: list[tuple[Flags, int, int]],
    ) -> Iterator[tuple[_Places, _Places, int]]:
        left = np.ones(len(rows), np.bool_)
        for may, skip, code in tried:
            some = np.flatnonzero(left & may)
            if len(some) and skip < digits.shape[1]:
                good = some[plan(code).sort(digits[some, skip:]) > 0]
                if len(good):
                    left[good] = False
                    yield rows[good], places[good, skip:], code


def _international(digits: npt.NDArray[np.uint8], skip: int) -> list[tuple[Flags, int, int]]:
    if digits.shape[1] < skip + 3:
        return []
    first = digits[:, skip : skip + 3].astype(np.int64) @ np.array([100, 10, 1])
    code = calling_codes()[first]
    found = []
    for each in np.unique(code[code > 0]).tolist():
        own, begin = code == each, skip + len(str(each))
        found.append((own, begin, each))
        # +44 (0) 20 ...
        if begin < digits.shape[1]:
            found.append((own & (digits[:, begin] == 0), begin + 1, each))
    return found


def _national(digits: npt.NDArray[np.uint8], home: int, trunk: str) -> list[tuple[Flags, int, int]]:
    every = np.ones(len(digits), np.bool_)
    found = [(_begins(digits, trunk), len(trunk), home)] if trunk else []
    own = _begins(digits, str(home))
    return [*found, (every, 0, home), (own, len(str(home)), home)]


def _begins(digits: npt.NDArray[np.uint8], prefix: str) -> Flags:
    if len(prefix) >= digits.shape[1]:
        return np.zeros(len(digits), np.bool_)
    return np.asarray((digits[:, : len(prefix)] == [int(c) for c in prefix]).all(1))


def _decimals(codes: Codes) -> tuple[Flags, npt.NDArray[np.uint8]]:
    """Tell which characters are decimal digits of any script, and what they count."""
    digits = (codes >= 48) & (codes < 58)
    values = np.where(digits, codes - np.array(48, codes.dtype), 0).astype(np.uint8)
    if codes.dtype != np.uint8:
        for code in np.unique(codes[codes >= 128]).tolist():
            value = unicodedata.ucd_3_2_0.decimal(chr(code), None)
            if value is not None:
                digits |= codes == code
                values[codes == code] = value
    return digits, values
