"""An account of the same country, with its bank kept apart and valid check digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._checks import CHECKS
from paribus.anonymizing.replacements._formats import Format
from paribus.anonymizing.replacements._identifiers import (
    FIXED,
    Characters,
    flags,
    patched,
    permuted,
)
from paribus.anonymizing.replacements.base import OfText

_IBAN = r"(?i)^ *[a-z]{2} ?[0-9]{2}(?:[ \-]?[a-z0-9]){10,30} *$"

BANKS: Mapping[str, int] = {
    "AD": 4, "AE": 3, "AL": 8, "AT": 5, "AZ": 4, "BA": 3, "BE": 3, "BG": 4, "BH": 4, "BR": 8,
    "BY": 4, "CH": 5, "CR": 4, "CY": 3, "CZ": 4, "DE": 8, "DK": 4, "DO": 4, "EE": 2, "EG": 4,
    "ES": 4, "FI": 3, "FO": 4, "FR": 5, "GB": 4, "GE": 2, "GI": 4, "GL": 4, "GR": 3, "GT": 4,
    "HR": 7, "HU": 3, "IE": 4, "IL": 3, "IQ": 4, "IS": 4, "IT": 5, "JO": 4, "KW": 4, "KZ": 3,
    "LB": 4, "LC": 4, "LI": 5, "LT": 5, "LU": 3, "LV": 4, "LY": 3, "MC": 5, "MD": 2, "ME": 3,
    "MK": 3, "MR": 5, "MT": 4, "MU": 6, "NL": 4, "NO": 4, "PK": 4, "PL": 8, "PS": 4, "PT": 4,
    "QA": 4, "RO": 4, "RS": 3, "SA": 2, "SC": 6, "SD": 2, "SE": 3, "SI": 5, "SK": 4, "SM": 5,
    "ST": 4, "SV": 4, "TL": 3, "TN": 2, "TR": 5, "UA": 6, "VA": 3, "VG": 4, "XK": 2,
}  # fmt: skip
"""Characters that say the bank (SWIFT, IBAN registry); 4 where unknown."""

_BEHIND = {"IT": 5, "SM": 5}
"""Where they begin, where it is not behind the country and its check digits."""


class Iban(OfText):
    """Permutes the accounts of one country among themselves, and their banks by themselves.

    The country, the length and the spaces stay, digits become digits and letters letters. Accounts
    at one bank stay at one bank. The check digits are as right or as wrong by ISO 7064 (MOD 97-10)
    as those of the original; check digits that some countries have inside (the key of a French RIB)
    are not computed anew. What is no IBAN is treated as an ID.

    Examples
    --------
    >>> key = Key(b"a secret of some length")
    >>> fake = Iban().fakes(pa.array(["DE89 3704 0044 0532 0130 00"]), key)[0].as_py()
    >>> fake[:2], len(fake), int(fake[4:].replace(" ", "") + "1314" + fake[2:4]) % 97
    ('DE', 27, 1)
    """

    kind: Literal["iban"] = "iban"

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        iban = flags(pc.match_substring_regex(texts, _IBAN))
        others = Format(f"{self.realm_}/other").fakes(texts.filter(pa.array(~iban)), key)
        made = self._accounts(texts.filter(pa.array(iban)), key)
        return patched(texts, [(iban, made), (~iban, others)])

    def _accounts(self, texts: pa.Array, key: Key) -> pa.Array:
        given = Characters.of(texts)
        of = given.alphabets != FIXED
        counts = given.counts(of)
        places = np.flatnonzero(of)
        starts = np.cumsum(counts) - counts
        letters = given.codes[places[starts[:, None] + np.arange(2)]].astype(np.int64) & ~32
        country = letters @ np.array([256, 1])
        made = given
        for each in np.unique(country).tolist():
            name = chr(each >> 8) + chr(each & 255)
            rows = country == each
            bank, account = np.zeros(len(of), np.bool_), np.zeros(len(of), np.bool_)
            begin = _BEHIND.get(name, 4)
            of_bank = np.arange(begin, begin + BANKS.get(name, 4))
            bank[places[starts[rows][:, None] + of_bank]] = True
            account[places] = np.repeat(rows, counts)
            kept = np.concatenate([np.arange(4), of_bank])
            account[places[starts[rows][:, None] + kept]] = False
            made = permuted(made, key, f"{self.realm_}/{name}/bank", bank)
            made = permuted(made, key, f"{self.realm_}/{name}", account)
        return _restored(made, given, places, starts, counts).array()


def _restored(
    made: Characters,
    given: Characters,
    places: np.ndarray[tuple[int], np.dtype[np.int64]],
    starts: np.ndarray[tuple[int], np.dtype[np.int64]],
    counts: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> Characters:
    """Write the check digits anew: those of the rest with the country behind it."""
    check, codes = CHECKS["mod97"], made.codes.copy()
    for count in np.unique(counts).tolist():
        order = np.r_[4:count, 0:4]
        at = places[starts[counts == count][:, None] + order]
        codes[at[:, -2:]] = check.end(codes[at], given.codes[at])
    return Characters(codes, made.bounds, made.alphabets, made.members)
