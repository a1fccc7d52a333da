"""A company named after nobody, with the legal form that it has."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import names
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements import _places

_FORMS = (
    *("Ltd", "Limited", "LLC", "L.L.C.", "Inc", "Incorporated", "Corp", "Corporation", "Co", "PLC"),
    *("LLP", "LP", "GmbH", "GmbH & Co. KG", "mbH", "AG", "KG", "OHG", "UG", "SE", "eG", "e.V."),
    *("S.A.", "SA", "SARL", "S.L.", "SL", "S.r.l.", "SRL", "S.p.A.", "SpA", "B.V.", "BV", "N.V."),
    *("NV", "AB", "A/S", "ApS", "AS", "Oy", "Oyj", "Sp. z o.o.", "s.r.o.", "a.s.", "Kft", "Zrt"),
    *("d.o.o.", "Lda", "Ltda", "Pty Ltd", "Pte Ltd", "A.Ş.", "Ltd. Şti.", "ООО", "ОАО", "ЗАО"),
    *("АО", "ПАО", "ТОВ", "ТОО", "ОсОО", "株式会社", "有限会社", "有限公司", "주식회사"),
)


class Company(_places.OfPlaces):
    """Replaces the name of a company by two surnames; its legal form stays (GmbH, Ltd).

    The names of companies that Mimesis has are those of real ones, so none of them is used.
    """

    kind: Literal["company"] = "company"

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        head, name, tail = (pc.extract_regex(texts, _pattern()).field(place) for place in range(3))
        encoded = names.bare(pc.utf8_trim(name, " ,\"'«»„“”.")).dictionary_encode()
        asked = encoded.dictionary
        pool = names.last_names(self.locale)
        words = key.words(asked, self.realm_, 2) % np.uint64(len(pool))
        number = words.astype(np.int64)
        twins = number[:, 0] == number[:, 1]
        number[twins, 1] = (number[twins, 1] + 1) % len(pool)
        made = self._pair(pool, number)
        own = pc.equal(names.bare(made), asked).to_numpy(zero_copy_only=False)
        if own.any():
            number[own] = number[own][:, ::-1]
            made = self._pair(pool, number)
        fakes = names.styled(made.take(encoded.indices), name)
        return pc.binary_join_element_wise(head, fakes, tail, "")

    @staticmethod
    def _pair(pool: pa.Array, number: np.ndarray) -> pa.Array:
        return pc.binary_join_element_wise(
            pool.take(pa.array(number[:, 0])), pool.take(pa.array(number[:, 1])), "-"
        )


@cache
def _pattern() -> str:
    longest = sorted({form.rstrip(".") for form in _FORMS}, key=len, reverse=True)
    forms = "|".join(re.escape(form) for form in longest)
    # Captured whatever is there: a name that is nothing but a form is a name.
    return (
        rf"^(?P<head>(?:(?:{forms})\.?\s+|株式会社|有限会社|주식회사)?)(?P<name>.+?)"
        rf"(?P<tail>(?:,?\s+(?i:{forms})\.?|株式会社|有限会社|有限公司)?)$"
    ).replace("^", "(?s)^", 1)
