"""An ID of the same format, which no other ID gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from paribus._plugins import Whole
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._formats import Format, permuted_sizes
from paribus.anonymizing.replacements.base import OfText


class Id(OfText):
    r"""Permutes the strings of one format among themselves, so that no two IDs ever meet.

    Digits become digits, letters become letters of their case and script, and all else stays where
    it is: ``AB-1042`` becomes ``QK-7718``. Hexadecimal strings of 12 digits or more stay so, and a
    UUID (RFC 9562) keeps its version and variant. Strings of the same letters and digits get the
    same fakes whatever stands between them.

    A whole number stays one of as many digits and of its sign, and on its side of every limit of a
    number type (127, 32,767, 2**31 - 1, ...): it fits wherever the original did, and gets the same
    fake as text. Text of digits with a leading zero keeps that zero.

    With `check_digit`, the end of the fake is as right or as wrong as that of the original: a valid
    ID gets a valid one, and one that is off by three gets one that is off by three, so that even
    they never meet a valid one. What has no place for the check is permuted as if there were none.

    What cannot be permuted (signs alone), would start a formula (``=1+1``), holds ``<``, ``>`` or
    control characters, or is longer than 1,024 characters becomes a digest of 60 bits. No value is
    its own fake: by construction in a format of 2 to 2**48 strings, and in a larger one with a
    chance below 2**-48 that it is.

    Parameters
    ----------
    check_digit : {"", "luhn", "ean", "isbn10", "mod97", "mod11_2", "mod11_10", "verhoeff"}
        What the end of an ID is computed by. ``ean`` is that of all GTINs and of ISBN-13.
    prefix : int
        Characters at the beginning that stay, as in ``CUST-0042``; they must identify nobody.

    Examples
    --------
    >>> key = Key(b"a secret of some length")
    >>> first, again, other = Id().replace(pa.array(["AB-17", "AB-17", "AB-18"]), key, {})
    >>> first == again, first == other, first.as_py()[2]
    (True, False, '-')
    """

    kind: Literal["id"] = "id"
    check_digit: Literal[
        "", "luhn", "ean", "isbn10", "mod97", "mod11_2", "mod11_10", "verhoeff"
    ] = ""
    prefix: Annotated[Whole, Field(ge=0)] = 0

    numbers: ClassVar[bool] = True

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        return Format(self.realm_, self.check_digit, self.prefix).fakes(texts, key)

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        if self.check_digit or self.prefix or not pa.types.is_integer(values.type):
            return super().replace(values, key, row)
        encoded = values.dictionary_encode()
        numbers = encoded.dictionary.to_numpy(zero_copy_only=False)
        if int(numbers.max(initial=0)) > _LARGEST:
            return super().replace(values, key, row)
        # On their side of all limits of number types, the fakes fit and need not be written.
        made = _permuted(numbers, key, self.realm_)
        return pa.array(made, values.type).take(encoded.indices)


_LARGEST = 10**19 - 1
"""Numbers above it have twenty digits, and are permuted as text."""


def _permuted(
    numbers: npt.NDArray[np.integer[Any]], key: Key, realm: str
) -> npt.NDArray[np.integer[Any]]:
    negative = numbers < 0
    # In 64 bits without a sign, the size of the lowest number is right too.
    size = numbers.astype(np.uint64)
    size[negative] = -size[negative]
    made = permuted_sizes(size, negative, key, realm)
    made[negative] = -made[negative]
    return made.astype(numbers.dtype)
