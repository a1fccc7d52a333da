"""Free text with the names, emails, phones, links, accounts and IDs in it replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal, cast

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, PrivateAttr, model_validator

from paribus._plugins import Whole
from paribus.anonymizing.disguises import undisguised
from paribus.anonymizing.keys import Key
from paribus.anonymizing.patterns import KINDS, Marked, Sort, find
from paribus.anonymizing.replacements import _people_in_text, _presidio
from paribus.anonymizing.replacements.base import (
    REPLACEMENTS,
    Replacement,
    as_type,
    is_text,
    written,
)
from paribus.errors import DataError, SpecError

_REMOVED = "[removed]"
_PEOPLE = ("first_name", "last_name", "full_name")


class Text(Replacement):
    """Replaces what identifies within free text, each by the fake that a column of it would have.

    Found are emails, handles, links, addresses of machines, IBANs, cards, national IDs, phones and
    other numbers of seven digits and more; every word of the columns `names` of the same row; and
    with `people` capitalized names by the lists of all locales, titles and greetings. What no list
    knows, or is not capitalized, or only describes somebody, stays: free text is never anonymous
    for sure, and `beyond` = "remove" is the option that is.

    What comes out starts no formula and no tag: a leading ``= + - @`` gets an apostrophe before it,
    and the ``<`` of a tag becomes ``&lt;``.

    Examples
    --------
    >>> key = Key(b"a secret of some length")
    >>> row = {"who": pa.array(["Ann Smith"])}
    >>> notes = pa.array(["ann called, SMITH did not <b>answer</b>"])
    >>> made = Text(names=["who"], people=False).replace(notes, key, row)[0].as_py()
    >>> "ann" in made.lower().split(), "SMITH" in made, "called" in made, "<b>" in made
    (False, False, True, False)
    """

    kind: Literal["text"] = "text"
    direct: ClassVar[bool] = True

    names: tuple[str, ...] = ()
    """Columns whose words are looked for in the text of the same row. In a table a word gets the
    fake that its column gives it; particles and words such as "May" go where they are
    capitalized, or written as in the column."""
    people: bool = True
    """Whether names are looked for by lists, titles and greetings."""
    locale: str = "en"
    """Of the fakes of names and places."""
    finder: Literal["presidio"] | None = None
    """What else looks for people and places: Microsoft Presidio (extra `presidio`)."""
    model: str = ""
    """Presidio's spaCy model, such as en_core_web_lg; installed before, never fetched."""
    beyond: Literal["keep", "remove"] = "keep"
    """What becomes of the rest: it stays, or `[removed]` stands for the whole text."""
    longest: Whole = Field(default=10_000_000, ge=1, le=1 << 30)
    """Bytes of a text above which it is refused."""

    _columns: Mapping[str, Replacement] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _finding(self) -> Text:
        if self.finder is None and self.model:
            raise SpecError('a model belongs to finder = "presidio"', path="$.model")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        return self.names if self.beyond == "keep" else ()

    def check(self, given: pa.DataType) -> None:
        if not (is_text(given) or pa.types.is_null(given)):
            raise DataError(f'holds {given}, and "text" is for text; take keep, drop or mask')
        if self.finder == "presidio" and self.beyond == "keep":
            _presidio.check(self.model)

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        if pa.types.is_null(values.type):
            return values
        size = pc.max(pc.binary_length(values)).as_py() or 0 if len(values) else 0
        if size > self.longest:
            raise DataError(
                f"holds a text of {size:,} bytes, and texts of up to {self.longest:,} are "
                "searched; raise longest, or drop or mask the column"
            )
        texts = as_type(values, pa.string())
        if self.beyond == "remove":
            blank = pc.equal(pc.utf8_trim_whitespace(texts), "")
            return as_type(pc.if_else(blank, texts, _REMOVED), values.type)
        own = _people_in_text.Row(
            [(_read(row[name]), self._column(name, key)) for name in self.names],
            lambda sort, hits: self._fakes(sort, hits, key),
        )
        plain = undisguised(texts)
        marked = find(own.values(Marked.of(plain)))
        if self.finder == "presidio":
            marked = _presidio.mark(marked, _presidio.loaded(self.model))
        if self.people:
            marked = marked.mark(
                _people_in_text.CANDIDATE, _people_in_text.resolve, _people_in_text.PREFILTER
            )
        # Last: a name of which the row has one word only is whole still.
        marked = own.words(marked)
        made = marked.filled(lambda sort, hits: self._fakes(sort, hits, key))
        # Where nothing was found, what was written in an odd way stays so.
        made = pc.if_else(pc.equal(made, plain), texts, made)
        return as_type(disarmed(made), values.type)

    def among(self, columns: Mapping[str, Replacement]) -> Text:
        if not self.names:
            return self
        made = self.model_copy()
        made._columns = {name: columns[name] for name in self.names if name in columns}
        return made

    def _column(self, name: str, key: Key) -> Callable[[pa.Array], pa.Array]:
        """Give what becomes of the names of a column; of full names, where it holds no others."""
        declared = {"kind": "full_name", "locale": self.locale}
        column = self._columns.get(name)
        if column is not None and column.kind in _PEOPLE:
            declared["kind"] = column.kind
            if column.kind == "full_name":
                declared["order"] = column.model_dump()["order"]
        kind = cast("Replacement", REPLACEMENTS.parse(declared))
        return lambda values: kind.replace(values, key, {})

    def _fakes(self, sort: Sort, hits: pa.Array, key: Key) -> pa.Array:
        declared: dict[str, str] = {"kind": KINDS[sort]}
        if sort in ("name", "first_name", "last_name", "place"):
            declared["locale"] = self.locale
        elif sort == "other":
            declared["value"] = _REMOVED
        return cast("Replacement", REPLACEMENTS.parse(declared)).replace(hits, key, {})


def _read(values: pa.Array) -> pa.Array:
    if pa.types.is_nested(values.type):
        raise DataError("reads names of a column of lists; name columns of text")
    try:
        return written(values)
    except DataError:
        return as_type(values, pa.string())


def disarmed(texts: pa.Array) -> pa.Array:
    """Give texts that start neither a formula in a spreadsheet nor a tag in a page.

    Examples
    --------
    >>> disarmed(pa.array(["=1+1", "a <script>x</script> <3", "a = b"])).to_pylist()
    ["'=1+1", 'a &lt;script>x&lt;/script> <3', 'a = b']
    """
    if pc.any(pc.match_substring(texts, "<")).as_py():
        texts = pc.replace_substring_regex(texts, r"<([A-Za-z/!?])", r"&lt;\1")
    starts = r"^(\s*[=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}]|[\t\r])"
    return pc.replace_substring_regex(texts, starts, r"'\1")
