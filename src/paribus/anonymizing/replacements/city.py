"""Another city of the locale."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements import _places


class City(_places.OfPlaces):
    """Replaces a city; cities of the locale's list stay distinct."""

    kind: Literal["city"] = "city"

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        return _places.city(texts, key, self.locale, self.realm_)
