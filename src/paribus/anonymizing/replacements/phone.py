"""A phone number of the same country and sort, written in the same way, that could exist."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._formats import Digits, Format, put, taken
from paribus.anonymizing.replacements._identifiers import Characters, Flags, flags, patched
from paribus.anonymizing.replacements._numbering import calling_codes, dialed, plan, regions
from paribus.anonymizing.replacements.base import OfText
from paribus.errors import nearest

_EXTENSION = r"(?i)(?:\s*(?:;\s*ext=|,|#|ext(?:ension)?|x|доб)[\s.:]*[0-9]{1,7}\s*#?)$"
_FOREIGN = r"^\s*(?:tel:\s*)?\(?\s*[+\x{FF0B}]"
_STRANGE = r"[^\p{Nd}\s()+./~\[\]\x{2010}-\x{2015}\x{2212}\x{FF0B}\x{3000}\-]|^\s*[\t\r\n]"

_ORDINARY = np.isin(np.arange(129), [ord(c) for c in "0123456789 ()+./~[]-"])

_LONGEST = 24
"""Digits of a number at most, with all that is dialed before it."""

_Places = npt.NDArray[np.int64]
_Columns = npt.NDArray[np.uint8]


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
        digits = given.digits
        made = digits.values.copy()
        valid = np.zeros(len(texts), np.bool_)
        for each in given.numbers():
            valid[each.rows] = True
            put(made, each.starts, _permuted(each, key, self.realm_))
        extended = np.flatnonzero(valid & (given.extensions > 0))
        for length in np.unique(given.extensions[extended]).tolist():
            rows = extended[given.extensions[extended] == length]
            starts = (digits.starts + given.lengths)[rows]
            inner = taken(made, starts, length).T
            put(made, starts, key.permuted(inner, [10] * length, f"{self.realm_}/extension").T)
        others = Format(f"{self.realm_}/invalid").fakes(texts.filter(pa.array(~valid)), key)
        return patched(digits.written(made), [(~valid, others)])


def _limit(given: pa.DataType, end: int) -> int:
    signed = pa.types.is_signed_integer(given)
    bits = given.bit_width - signed
    return (1 << bits) - 1 if end else -(1 << bits) if signed else 0


@dataclass(frozen=True, eq=False)
class _Valid:
    """Valid national numbers of one calling code and length.

    Attributes
    ----------
    rows, starts : ndarray of int, shape (n,)
        Whose they are, and where each begins among all digits.
    columns : ndarray of uint8, shape (length, n)
    code : int
    sort : ndarray of int32, shape (n,)
    """

    rows: _Places
    starts: _Places
    columns: _Columns
    code: int
    sort: npt.NDArray[np.int32]


def _permuted(given: _Valid, key: Key, realm: str) -> _Columns:
    """Permute numbers, shape (length, n), among those of their sort."""
    plan_, columns, length = plan(given.code), given.columns, len(given.columns)
    out = np.empty_like(columns)
    for each in np.flatnonzero(np.bincount(given.sort)).tolist():
        ranking = plan_.ranking(each, length)
        # A number in a column of numbers has no leading zero, and none may get one.
        for zero in (True, False):
            rows = np.flatnonzero((given.sort == each) & ((columns[0] == 0) == zero))
            if len(rows):
                low = 0 if zero else ranking.zeros
                many = ranking.zeros if zero else ranking.total - low
                rank = ranking.rank(_of(columns, rows).T) - np.uint64(low)
                name = f"{realm}/{given.code}/{plan_.names[each]}/{length}/{low}"
                moved = key.permuted_numbers(rank, many, name) + np.uint64(low)
                out[:, rows] = ranking.at(moved).T
    return out


def _of(columns: _Columns, rows: _Places) -> _Columns:
    """Take some rows, which stand in order; all of them without a copy."""
    return columns if len(rows) == columns.shape[1] else columns.take(rows, axis=1)


class _Dialed:
    """Texts as what one dials: their digits, and which of them are the national number."""

    def __init__(self, texts: pa.Array, country: str) -> None:
        self.country = country
        self.digits = _decimals(Characters.of(texts))
        self.lengths = self.digits.counts
        self.strange = np.zeros(len(texts), np.bool_)
        codes, bounds = self.digits.characters.codes, self.digits.characters.bounds
        first = codes[bounds[:-1]]
        self.foreign = first == ord("+")
        signs = np.flatnonzero(~self.digits.flags)
        odd = signs[~_ORDINARY[np.minimum(codes[signs], 128)]]
        # Patterns take their time: only what is not digits and hyphens alone is held against them.
        rows = (first == ord(" ")) | (first == ord("("))
        rows[np.searchsorted(bounds, odd, "right") - 1] = True
        if rows.any():
            self._look(texts.filter(pa.array(rows)), rows)
        self.extensions = self.digits.counts - self.lengths

    def _look(self, texts: pa.Array, rows: Flags) -> None:
        """Find extensions, what stands for a country, and letters."""
        bare = pc.replace_substring_regex(texts, _EXTENSION, "")
        plain = pc.replace_substring_regex(bare, r"^\s*tel:", "")
        self.strange[rows] = flags(pc.match_substring_regex(plain, _STRANGE))
        self.foreign[rows] = flags(pc.match_substring_regex(bare, _FOREIGN))
        characters, flags_ = self.digits.characters, self.digits.flags
        lengths = np.diff(characters.bounds)
        main = lengths.copy()
        main[rows] = pc.utf8_length(bare).to_numpy(zero_copy_only=False)
        if (main < lengths).any():
            inside = np.arange(len(flags_)) - np.repeat(characters.bounds[:-1], lengths)
            self.lengths = characters.counts(flags_ & (inside < np.repeat(main, lengths)))

    def numbers(self) -> Iterator[_Valid]:
        """Give what is valid."""
        home, trunk, abroad = dialed(self.country)
        lengths = np.where(self.strange, 0, np.minimum(self.lengths, _LONGEST + 1))
        for length in np.flatnonzero(np.bincount(lengths)).tolist():
            if not 3 < length <= _LONGEST:
                continue
            rows = np.flatnonzero(lengths == length)
            columns = taken(self.digits.values, self.digits.starts[rows], length)
            skips = np.where(self.foreign[rows], 0, -1)
            for prefix in (abroad, "00"):
                skips[(skips < 0) & _begins(columns, prefix)] = len(prefix)
            for skip in sorted({-1, 0, len(abroad), 2}):
                some = np.flatnonzero(skips == skip)
                own = _of(columns, some)
                found = _international(own, skip) if skip >= 0 else _national(own, home, trunk)
                yield from self._valid(rows[some], own, found)

    def _valid(
        self, rows: _Places, columns: _Columns, tried: list[tuple[Flags, int, int]]
    ) -> Iterator[_Valid]:
        left = np.ones(len(rows), np.bool_)
        for may, skip, code in tried:
            some = np.flatnonzero(left & may)
            if len(some) and skip < len(columns):
                national = _of(columns[skip:], some)
                sort = plan(code).sort(national.T)
                good = np.flatnonzero(sort)
                if len(good):
                    left[some[good]] = False
                    own = rows[some[good]]
                    starts = self.digits.starts[own] + skip
                    yield _Valid(own, starts, _of(national, good), code, sort[good])


def _international(columns: _Columns, skip: int) -> list[tuple[Flags, int, int]]:
    if len(columns) < skip + 3:
        return []
    hundreds, tens, ones = columns[skip : skip + 3].astype(np.int16)
    code = calling_codes()[hundreds * 100 + tens * 10 + ones]
    found = []
    for each in (np.flatnonzero(np.bincount(code)[1:]) + 1).tolist():
        own, begin = code == each, skip + len(str(each))
        found.append((own, begin, each))
        # +44 (0) 20 ...
        if begin < len(columns):
            found.append((own & (columns[begin] == 0), begin + 1, each))
    return found


def _national(columns: _Columns, home: int, trunk: str) -> list[tuple[Flags, int, int]]:
    every = np.ones(columns.shape[1], np.bool_)
    found = [(_begins(columns, trunk), len(trunk), home)] if trunk else []
    own = _begins(columns, str(home))
    return [*found, (every, 0, home), (own, len(str(home)), home)]


def _begins(columns: _Columns, prefix: str) -> Flags:
    found = np.full(columns.shape[1], len(prefix) < len(columns))
    for column, digit in zip(columns, prefix, strict=False):
        found &= column == int(digit)
    return found


def _decimals(characters: Characters) -> Digits:
    """Find the decimal digits of any script, and what they count."""
    given, codes = Digits.of(characters), characters.codes
    if codes.dtype == np.uint8:
        return given
    flags_, values = given.flags.copy(), np.zeros(len(codes), np.uint8)
    values[flags_] = given.values
    for code in np.unique(codes[codes >= 128]).tolist():
        value = unicodedata.ucd_3_2_0.decimal(chr(code), None)
        if value is not None:
            flags_ |= codes == code
            values[codes == code] = value
    return Digits.at(characters, flags_, values[flags_])
