"""What a replacement is: a frozen declaration that turns a column into another, batch by batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paribus._plugins import Declaration, Family
from paribus.anonymizing.keys import Key
from paribus.errors import DataError

REPLACEMENTS = Family("paribus.anonymizing.replacements", "replacement")


class Replacement(Declaration):
    """What becomes of the values of a column.

    A replacement is a pure function of the values, the key and the columns that it `reads`: not of
    the batch, the order of rows, the table, or what was replaced before.
    """

    kind: str

    direct: ClassVar[bool] = True
    """Whether the values identify by themselves: then none of them may be found in the output."""
    leaves: ClassVar[bool] = True
    """Whether the column stays; one that is dropped does not."""
    whole: ClassVar[bool] = False
    """Whether lists and structs are taken as they are; otherwise each of their leaves is."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Name the other columns of the row that it must see."""
        return ()

    def among(self, columns: Mapping[str, Replacement]) -> Replacement:
        """Give the replacement that knows what becomes of the columns it reads.

        Parameters
        ----------
        columns : mapping of str to Replacement
            Those of all columns of the table.

        Returns
        -------
        Replacement
            By itself this one: most need the values of other columns only.
        """
        return self

    def check(self, given: pa.DataType) -> None:
        """Refuse a type of column that this cannot replace.

        Raises
        ------
        DataError
            One sentence: what the column holds, and which kind is right for it.
        """

    def gives(self, given: pa.DataType) -> pa.DataType:
        """Give the type of what comes out, from the type of what goes in."""
        return given

    @abstractmethod
    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        """Replace the values of some rows.

        Parameters
        ----------
        values : pyarrow.Array, shape (n,)
            No dictionary, list, struct or bytes: those are taken apart before and put together
            afterwards.
        key : Key
        row : mapping of str to pyarrow.Array, each of shape (n,)
            The original columns that it `reads`.

        Returns
        -------
        pyarrow.Array, shape (n,)
            Of the type that `gives` says; null exactly where the value was null.
        """


class OfText(Replacement):
    """Base of what depends on nothing but the text of the value: asked once for each distinct one.

    Nulls stay null, and text that is empty or nothing but spaces stays as it is. Whole numbers are
    taken as the text that they are written with, so that 7, 7.0 and "7" get the same fake.
    """

    realm: str = ""
    """Columns of one realm share their fakes; by itself the name of the kind."""
    fold: bool = False
    """Whether values that differ in case and spaces alone are the same."""

    numbers: ClassVar[bool] = False
    """Whether whole numbers are replaced too: those of an ID, a phone, a postcode."""

    @property
    def realm_(self) -> str:
        """The realm, in full."""
        return self.realm or self.kind

    def check(self, given: pa.DataType) -> None:
        number = is_number(given) and self.numbers
        if not (is_text(given) or pa.types.is_null(given) or number):
            raise DataError(
                f'holds {given}, and "{self.kind}" replaces text; take keep, drop, bands, noise or '
                "dates for what is no text"
            )

    @abstractmethod
    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        """Give the fakes of texts.

        Parameters
        ----------
        texts : pyarrow.Array of string, shape (n,)
            Distinct, not null, not blank; folded where that was declared.
        key : Key

        Returns
        -------
        pyarrow.Array of string, shape (n,), without nulls
        """

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        if pa.types.is_null(values.type):
            return values
        if pa.types.is_integer(values.type):
            # Distinct first: few numbers are written, and few texts are read as numbers again.
            encoded = values.dictionary_encode()
            pool = written(encoded.dictionary)
        else:
            texts = written(values)
            encoded = (folded(texts) if self.fold else texts).dictionary_encode()
            pool = encoded.dictionary
        if _may_be_blank(pool) and pc.any(blank := _blank(pool)).as_py():
            asked = pool.filter(pc.invert(blank))
            made = pc.replace_with_mask(pool, pc.invert(blank), self.fakes(asked, key))
        else:
            made = self.fakes(pool, key)
        made = self._within(made, key, values.type)
        if pa.types.is_integer(values.type):
            return fitting(made, values.type).take(encoded.indices)
        return fitting(made.take(encoded.indices), values.type)

    def _within(self, made: pa.Array, key: Key, to: pa.DataType) -> pa.Array:
        """Ask again for the fakes of fakes that a type of whole numbers cannot hold.

        Walking on until one fits leaves a permutation a permutation (Black & Rogaway 2002, CT-RSA,
        pages 114-130): distinct stays distinct.
        """
        if not pa.types.is_integer(to):
            return made
        for _ in range(_WALKS):
            large = _beyond(made, to)
            if not pc.any(large).as_py():
                return made
            made = pc.replace_with_mask(made, large, self.fakes(made.filter(large), key))
        raise DataError(f'holds {to}, which is too narrow for what "{self.kind}" gives; widen it')


_WALKS = 1000


def _blank(texts: pa.Array) -> pa.Array:
    return pc.equal(pc.utf8_trim_whitespace(texts), "")


def _may_be_blank(texts: pa.Array) -> bool:
    """Tell, by the first byte of each, whether some text may be empty or nothing but spaces."""
    texts = as_type(texts, pa.string())
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return True
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if (ends[1:] == ends[:-1]).any():
        return True
    first = np.frombuffer(data, np.uint8)[ends[:-1]]
    # Spaces of ASCII, or of other scripts.
    return bool(((first <= ord(" ")) | (first >= 0x80)).any())


def _beyond(texts: pa.Array, to: pa.DataType) -> pa.Array:
    # Of 20 digits at most: decimals hold them all.
    numbers = pc.if_else(pc.equal(pc.utf8_trim_whitespace(texts), ""), None, texts)
    numbers = numbers.cast(pa.decimal128(38))
    bits, signed = to.bit_width, pa.types.is_signed_integer(to)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    bounds = [pa.scalar(Decimal(bound), pa.decimal128(38)) for bound in (low, high)]
    beyond = pc.or_(pc.less(numbers, bounds[0]), pc.greater(numbers, bounds[1]))
    return pc.fill_null(beyond, False)


def is_number(given: pa.DataType) -> bool:
    """Tell whether a type is one of numbers: whole, floating or decimal."""
    return bool(
        pa.types.is_integer(given) or pa.types.is_floating(given) or pa.types.is_decimal(given)
    )


def is_text(given: pa.DataType) -> bool:
    """Tell whether a type is text of any width."""
    return bool(
        pa.types.is_string(given)
        or pa.types.is_large_string(given)
        or pa.types.is_string_view(given)
    )


def written(values: pa.Array) -> pa.Array:
    """Write values as text: whole numbers without a point, whatever type they have.

    Raises
    ------
    DataError
        Where a number is not whole: what follows its point identifies nobody.
    """
    if pa.types.is_floating(values.type):
        # pandas writes whole numbers as floats where one is missing, and the missing one as NaN.
        values = pc.if_else(pc.is_nan(values), None, values.cast(pa.float64()))
        if pc.all(pc.equal(pc.floor(values), values)).as_py() is False:
            raise DataError("holds numbers that are not whole; take noise, bands or keep")
        if pc.any(pc.greater_equal(pc.abs(values), 2.0**63)).as_py():
            raise DataError("holds numbers beyond 64 bits; write them as text or whole numbers")
        values = values.cast(pa.int64())
    elif pa.types.is_decimal(values.type):
        whole = pc.floor(values)
        if pc.all(pc.equal(whole, values)).as_py() is False:
            raise DataError("holds numbers that are not whole; take noise, bands or keep")
        try:
            values = whole.cast(pa.int64())
        except pa.ArrowInvalid:
            raise DataError("holds numbers beyond 64 bits; write them as text") from None
    return as_type(values, pa.string())


def folded(texts: pa.Array) -> pa.Array:
    """Give texts in lower case, compatibility forms and single spaces made one."""
    narrow = pc.replace_substring_regex(pc.utf8_normalize(texts, form="NFKC"), r"\s+", " ")
    return pc.utf8_lower(pc.utf8_trim_whitespace(narrow))


def fitting(texts: pa.Array, to: pa.DataType) -> pa.Array:
    """Give texts in the type that the column had."""
    if pa.types.is_float16(to):
        texts = as_type(texts, pa.float64())
    return as_type(texts, to)


def as_type(values: pa.Array, to: pa.DataType) -> pa.Array:
    """Cast, also between the kinds of text that older versions of Arrow do not cast.

    Raises
    ------
    DataError
        Where a value does not fit. It is not named: it may identify.
    """
    if values.type == to:
        return values
    try:
        return values.cast(to)
    except pa.ArrowNotImplementedError:
        return pa.array(values.to_pylist(), to)
    except pa.ArrowInvalid:
        if is_text(values.type) and is_text(to):
            raise DataError("holds texts of 2 GB and more; drop the column") from None
        raise DataError(f"holds {values.type} of which some does not fit into {to}") from None
