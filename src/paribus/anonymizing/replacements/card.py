"""A card number of the same brand and length, as valid as the real one."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from paribus._plugins import Whole
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._checks import CHECKS
from paribus.anonymizing.replacements._formats import Format
from paribus.anonymizing.replacements._identifiers import (
    DIGIT,
    Characters,
    flags,
    patched,
    permuted,
)
from paribus.anonymizing.replacements.base import OfText

_CARD = r"^ *[2-6](?:[ \-./]?[0-9]){11,18} *$"


def _brands() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Tell how many leading digits say the brand, for each four that a number begins with."""
    found = np.ones(10_000, np.int64)
    for low, high, many in (
        (3400, 3499, 2),
        (3700, 3799, 2),  # American Express
        (3000, 3059, 3),
        (3600, 3699, 2),
        (3800, 3999, 2),  # Diners Club
        (3528, 3589, 4),  # JCB
        (5000, 5099, 2),
        (5600, 5899, 2),  # Maestro
        (5100, 5599, 2),
        (2221, 2720, 4),  # Mastercard
        (2200, 2204, 4),  # Mir
        (6000, 6999, 2),
        (6011, 6011, 4),
        (6440, 6499, 3),  # Discover
    ):
        found[low : high + 1] = many
    return found


_BRANDS = _brands()


class Card(OfText):
    """Permutes the numbers of one brand and length among themselves.

    The digits that say the brand stay (4 of a Visa, 51 to 55 or four of a Mastercard, 34 or 37 of
    American Express ...), and so do spaces and dashes. The last digit is as right or as wrong by
    Luhn's check as that of the original. Which bank it is does not stay. What is no card number
    (12 to 19 digits, the first of them 2 to 6) is treated as an ID.

    Parameters
    ----------
    prefix : int
        Leading digits that stay at least, from 0 to 8: 6 or 8 keep the issuing bank.

    Examples
    --------
    >>> key = Key(b"a secret of some length")
    >>> fake = Card().fakes(pa.array(["4111 1111 1111 1111"]), key)[0].as_py()
    >>> fake[0], len(fake), fake[4], fake == "4111 1111 1111 1111"
    ('4', 19, ' ', False)
    """

    kind: Literal["card"] = "card"
    prefix: Annotated[Whole, Field(ge=0, le=8)] = 0

    numbers: ClassVar[bool] = True

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        card = flags(pc.match_substring_regex(texts, _CARD))
        others = Format(f"{self.realm_}/other").fakes(texts.filter(pa.array(~card)), key)
        return patched(
            texts, [(card, self._cards(texts.filter(pa.array(card)), key)), (~card, others)]
        )

    def _cards(self, texts: pa.Array, key: Key) -> pa.Array:
        given, check = Characters.of(texts), CHECKS["luhn"]
        digits = given.alphabets == DIGIT
        counts = given.counts(digits)
        places = np.flatnonzero(digits)
        starts = np.cumsum(counts) - counts
        first = given.codes[places[starts[:, None] + np.arange(4)]].astype(np.int64) - ord("0")
        keep = np.maximum(_BRANDS[first @ np.array([1000, 100, 10, 1])], self.prefix)
        moving = digits & ~check.ends(given, digits)
        for j in range(int(keep.max(initial=0))):
            moving[places[starts[keep > j] + j]] = False
        # The digits that stay tell one permutation from another no more than the format does.
        made = permuted(given, key, f"{self.realm_}/{self.prefix}", moving)
        return check.restored(made, given, digits).array()
