"""The same text for every value; only what is missing or blank shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import Replacement, as_type, is_text
from paribus.errors import DataError


class Mask(Replacement):
    """Puts one text in the place of every value, whatever type the column has.

    Nulls stay null, and blank text stays blank. Columns of what is no text become text.

    Examples
    --------
    >>> Mask().replace(pa.array([1.5, None]), Key.fresh(), {}).to_pylist()
    ['***', None]
    """

    kind: Literal["mask"] = "mask"
    whole: ClassVar[bool] = True

    value: str = "***"
    """What stands there instead."""

    def check(self, given: pa.DataType) -> None:
        if pa.types.is_null(given):
            return
        if self.value.strip() == "":
            raise DataError('is to be masked by a blank, which reads as missing; take "drop"')

    def gives(self, given: pa.DataType) -> pa.DataType:
        return given if is_text(given) or pa.types.is_null(given) else pa.string()

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        if pa.types.is_null(values.type):
            return values
        kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
        there = values.is_valid()
        mask = pa.scalar(self.value, pa.string())
        made = pc.if_else(there, mask, pa.scalar(None, pa.string()))
        if is_text(kind):
            plain = values.dictionary_decode() if kind != values.type else values
            texts = as_type(plain, pa.string())
            blank = pc.equal(pc.utf8_trim_whitespace(texts), "")
            made = pc.if_else(pc.fill_null(blank, False), texts, made)
        return as_type(made, self.gives(kind))
