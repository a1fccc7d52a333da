"""A name to log in with, like a real one, which nobody else has."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from paribus.anonymizing.keys import Key
from paribus.anonymizing.names import checked
from paribus.anonymizing.replacements._identifiers import base32, person
from paribus.anonymizing.replacements.base import OfText


class Username(OfText):
    """Gives a name like ``maria.keller.q7h2m4k9x2ab``.

    Names in it get the fakes that they get in a column of names; who gave none gets drawn ones. The
    12 characters behind them are 60 bits of digest, so distinct usernames stay distinct. A leading
    @ makes no difference and does not stay.

    Parameters
    ----------
    locale : str
        Of Mimesis; the names are from its lists, written in ASCII.
    """

    kind: Literal["username"] = "username"
    locale: str = "en"

    @field_validator("locale")
    @classmethod
    def _locale(cls, locale: str) -> str:
        return checked(locale)

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        bare = pc.replace_substring_regex(texts, r"^\s*@", "")
        words = key.words(bare, self.realm_, 2)
        first, last = person(bare, words[:, 1], key, self.locale)
        return pc.binary_join_element_wise(first, last, base32(words[:, 0]), ".")
