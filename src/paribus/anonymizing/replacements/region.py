"""Another region (state, province) of the locale: a name for a name, a code for a code."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements import _places


class Region(_places.OfPlaces):
    """Replaces a region; regions of the locale's list stay distinct."""

    kind: Literal["region"] = "region"

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        return _places.region(texts, key, self.locale, self.realm_)
