"""Another country: a code for a code, a name for a name."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements import _places


class Country(_places.OfPlaces):
    """Replaces a country within the list of all; countries stay distinct."""

    kind: Literal["country"] = "country"

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        return _places.country(texts, key, self.locale, self.realm_)
