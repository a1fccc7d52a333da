"""A postcode of the same format: those that begin alike still do."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import names
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements import _places


class Postcode(_places.OfPlaces):
    """Permutes digits among digits and letters among letters, keeping common beginnings common.

    Distinct postcodes stay distinct, and neighborhoods stay neighborhoods. One written in no letter
    or digit of ASCII gets any of the locale.
    """

    kind: Literal["postcode"] = "postcode"
    numbers: ClassVar[bool] = True

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        if _written_usually(texts):
            return _places.permuted(texts, key, self.realm_)
        plain = texts
        if not pc.all(pc.match_substring_regex(texts, "^[A-Za-z0-9 -]+$")).as_py():
            plain = pc.utf8_normalize(texts, "NFKC")
            plain = pc.replace_substring_regex(plain, "[^A-Za-z0-9 -]", "")
        plain = pc.utf8_ltrim(pc.utf8_trim_whitespace(plain), "-")
        none = pc.invert(pc.match_substring_regex(plain, "[A-Za-z0-9]"))
        made = _places.permuted(plain, key, self.realm_)
        if pc.any(none).as_py():
            pool = names.values("address.postal_code", self.locale)
            words = key.words(texts.filter(none), self.realm_)[:, 0]
            number = (words % np.uint64(len(pool))).astype(np.int64)
            made = pc.replace_with_mask(made, none, pool.take(pa.array(number)))
        return made


def _written_usually(texts: pa.Array) -> bool:
    """Tell whether all are letters and digits of ASCII, with spaces and hyphens between at most.

    Then there is nothing to be made plain; a look at the bytes costs less than a pattern does.
    """
    raw, ends = _places.spelled(texts)
    known = _places.ALPHANUMERIC[raw]
    between = (raw == ord(" ")) | (raw == ord("-"))
    if not (np.diff(ends).all() and (known | between).all()):
        return False
    return bool(known[ends[:-1]].all() and known[ends[1:] - 1].all())
