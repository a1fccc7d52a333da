"""A last name with the same parts, in the form for the same gender where names have two."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._people import LAST, OfPeople, replaced


class LastName(OfPeople):
    """Replaces every part of a last name; particles such as "van der" and "O'" stay."""

    kind: Literal["last_name"] = "last_name"

    def gendered(self, texts: pa.Array, key: Key, gender: int) -> pa.Array:
        return replaced(texts, LAST, key, self.locale, gender, self.realm_)
