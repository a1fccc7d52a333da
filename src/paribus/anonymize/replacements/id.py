"""An ID of the same format, which no other ID gets."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from paribus.anonymize.keys import Key
from paribus.anonymize.replacements.base import OfText


class Id(OfText):
    """Permutes digits among digits and letters among letters of their case; all else stays."""

    kind: Literal["id"] = "id"
    numbers: ClassVar[bool] = True

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        # Being built: helper A replaces this with a vectorized one that knows check digits.
        out = []
        for text in texts.to_pylist():
            places = [i for i, c in enumerate(text) if c.isascii() and c.isalnum()]
            kinds = ["0" if text[i].isdigit() else "a" if text[i].islower() else "A" for i in places]
            base = [10 if k == "0" else 26 for k in kinds]
            given = np.array([[ord(text[i]) - ord(k) for i, k in zip(places, kinds)]], np.uint8)
            made = key.permuted(given, base, self.realm_)[0]
            chars = list(text)
            for i, k, d in zip(places, kinds, made):
                chars[i] = chr(ord(k) + int(d))
            out.append("".join(chars))
        return pa.array(out, pa.string())
