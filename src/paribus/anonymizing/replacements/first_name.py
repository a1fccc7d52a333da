"""A first name of the same gender."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._people import FIRST, OfPeople, replaced


class FirstName(OfPeople):
    """Replaces every part of a first name: Anna-Maria stays two names with a hyphen."""

    kind: Literal["first_name"] = "first_name"

    def gendered(self, texts: pa.Array, key: Key, gender: int) -> pa.Array:
        return replaced(texts, FIRST, key, self.locale, gender, self.realm_)
