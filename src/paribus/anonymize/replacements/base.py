"""What a replacement is: a frozen declaration that turns a column into another, batch by batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from paribus._plugins import Declaration, Family
from paribus.anonymize.keys import Key
from paribus.errors import DataError

REPLACEMENTS = Family("paribus.anonymize.replacements", "replacement")


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

    @property
    def reads(self) -> tuple[str, ...]:
        """Name the other columns of the row that it must see."""
        return ()

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
            No dictionary: those are taken apart before and put together afterwards.
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
        number = pa.types.is_integer(given) or pa.types.is_floating(given)
        if not (is_text(given) or pa.types.is_null(given) or (number and self.numbers)):
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
        texts = written(values)
        encoded = (folded(texts) if self.fold else texts).dictionary_encode()
        pool, codes = encoded.dictionary, encoded.indices
        blank = pc.equal(pc.utf8_trim_whitespace(pool), "")
        if pc.any(blank).as_py():
            asked = pool.filter(pc.invert(blank))
            made = pc.replace_with_mask(pool, pc.invert(blank), self.fakes(asked, key))
        else:
            made = self.fakes(pool, key)
        return fitting(made.take(codes), values.type)


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
        values = pc.if_else(pc.is_nan(values), None, values)
        if pc.all(pc.equal(pc.floor(values), values)).as_py() is False:
            raise DataError("holds numbers that are not whole; take noise, bands or keep")
        values = values.cast(pa.int64())
    return values if values.type == pa.string() else values.cast(pa.string())


def folded(texts: pa.Array) -> pa.Array:
    """Give texts in lower case, compatibility forms and single spaces made one."""
    narrow = pc.replace_substring_regex(pc.utf8_normalize(texts, form="NFKC"), r"\s+", " ")
    return pc.utf8_lower(pc.utf8_trim_whitespace(narrow))


def fitting(texts: pa.Array, to: pa.DataType) -> pa.Array:
    """Give texts in the type that the column had."""
    return texts if texts.type == to else texts.cast(to)
