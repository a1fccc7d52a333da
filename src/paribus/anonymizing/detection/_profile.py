"""What can be counted in a sample of a column, whatever the column is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import names
from paribus.anonymizing.detection import _vocabularies as vocabularies
from paribus.anonymizing.patterns import Sort, is_luhn, share_matching
from paribus.anonymizing.replacements.base import folded, is_text
from paribus.people.fields.mimesis import locales, values

Type = Literal[
    "text", "whole", "real", "truth", "date", "moment", "clock", "binary", "nested", "null"
]

_TESTED = 500
"""Distinct values that patterns are tried on: each costs some microseconds."""
_LOOKED_UP = 1_000
"""Distinct values that are looked up in lists of names."""
_LONGEST = 2_000
"""Characters of a value that are read: enough to know what it is."""

_DATE = (
    r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{4}年\d{1,2}月\d{1,2}日?)"
    r"([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?\s*$"
)
_VERSION = r"^v?\d+(\.\d+){1,3}([-+.]?(a|b|rc|beta|alpha|dev)\d*)?$"
_NUMBER = r"^\s*[-+]?(\d{1,3}(,\d{3})+|\d+)?([.,]\d+)?([eE][-+]?\d+)?\s*[%€$£]?\s*$"
_HEX = (
    r"(?i)^([0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{24}|[0-9a-f]{32}|"
    r"[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{128})$"
)
_POSTCODES = (
    r"^([A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{4} ?[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{5}-\d{4}"
    r"|\d{5}-\d{3})$"
)
_POSTCODE_SHAPE = r"(?i)^[A-Z]{0,3}[- ]?\d[A-Z\d]{1,5}([- ]?[A-Z\d]{2,4})?$"
_PAIR = r"^\(?\s*-?\d{1,2}\.\d{2,}\s*[,; ]\s*-?\d{1,3}\.\d{2,}\s*\)?$"
_BAND = r"(\d+\s*[-–]\s*\d+|\d+\s*\+|[<>]=?\s*\d+|\bthan \d+)"
_JSON = r"(?s)^\s*(\{.*\}|\[.*\])\s*$"
_HANDLE = r"^(@[\w.]{2,}|[\w.-]+\\[\w.$-]+)$"
_LOGIN = r"^[a-z][a-z0-9]*([._-]?[a-z0-9]+)*$"
_NUMBERED = r"^(\d+[a-zA-Z]?,? (\pL[\pL\pM'.-]*,? ?){1,5}|(\pL[\pL\pM'.-]*,? ){1,5}\d+[a-zA-Z]?)$"
_DIAGNOSIS = r"^[A-TV-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?$"


_ABLE: Mapping[Sort, str] = {
    "email": "@",
    "url": r"://|(?i:www\.)",
    "ip": r"^\s*[0-9A-Fa-f:.]*[.:][0-9A-Fa-f:.]+(%\w+)?(/\d+)?\s*$",
    "iban": r"^\s*[A-Za-z]{2}\d\d",
    "card": r"^\s*[\d -]{13,25}\s*$",
    "mac": r"^\s*[0-9A-Fa-f]{2}[:-]",
    "national_id": r"\d.*\d.*\d",
    "phone": r"^\s*[+(]*\d[\d ().+/\-\x{a0}\x{2011}\x{2013}]+$",
}
"""What values of a sort cannot be without: RE2 is quicker than checksums in Python."""


@cache
def _array(words: frozenset[str]) -> pa.Array:
    return pa.array(sorted(words))


@cache
def _nationalities() -> pa.Array:
    said = [
        values("person.nationality", locale, gender=gender).cast(pa.string())
        for locale in locales()
        for gender in ("MALE", "FEMALE")
    ]
    return pc.unique(names.bare(folded(pa.concat_arrays(said))))


@dataclass(frozen=True, eq=False)
class Profile:
    """A sample of a column.

    Parameters
    ----------
    values : pyarrow.Array, shape (n,)
        The sample, dictionaries taken apart.
    rows : int
        Rows of the whole table.
    """

    values: pa.Array
    rows: int

    @cached_property
    def type(self) -> Type:
        """What sort of values the column stores; whole floats are whole numbers."""
        kind = self.values.type
        if pa.types.is_null(kind) or self.values.null_count == len(self.values):
            return "null"
        if is_text(kind):
            return "text"
        if pa.types.is_boolean(kind):
            return "truth"
        if pa.types.is_integer(kind):
            return "whole"
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            numbers = self.numbers
            return "whole" if len(numbers) and (numbers == np.floor(numbers)).all() else "real"
        if pa.types.is_date(kind):
            return "date"
        if pa.types.is_timestamp(kind):
            return "moment"
        if pa.types.is_temporal(kind) or pa.types.is_interval(kind):
            return "clock"
        if pa.types.is_nested(kind):
            return "nested"
        return "binary"

    @cached_property
    def numbers(self) -> npt.NDArray[np.float64]:
        """The finite numbers of a column of numbers."""
        kind = self.values.type
        given = self.values
        if pa.types.is_decimal(kind):
            given = given.cast(pa.float64())
        found = given.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
        finite: npt.NDArray[np.float64] = found[np.isfinite(found)]
        return finite

    @cached_property
    def texts(self) -> pa.Array:
        """The values as text, without nulls and blanks."""
        if self.type == "text":
            plain = self.values.drop_null().cast(pa.large_string())
            plain = pc.utf8_slice_codeunits(plain, 0, _LONGEST).cast(pa.string())
        elif self.type == "whole":
            if pa.types.is_integer(self.values.type):
                return self.values.drop_null().cast(pa.string())
            exact = self.numbers[np.abs(self.numbers) < 2.0**53]
            return pa.array(exact.astype(np.int64)).cast(pa.string())
        else:
            return pa.array([], pa.string())
        return plain.filter(pc.not_equal(pc.utf8_trim_whitespace(plain), ""))

    @cached_property
    def distinct(self) -> pa.Array:
        """The distinct texts, in the order of their first appearance."""
        return pc.unique(self.texts)

    @cached_property
    def filled(self) -> int:
        """How many values of the sample are neither null nor blank."""
        if self.type in ("text", "whole"):
            return len(self.texts)
        return int(len(self.values) - self.values.null_count)

    @cached_property
    def spread(self) -> float:
        """Distinct values as a share of all."""
        return len(self.distinct) / max(len(self.texts), 1)

    @cached_property
    def is_category(self) -> bool:
        """Whether the same few values come again and again."""
        few = len(self.distinct) <= 50
        return self.type in ("text", "whole") and few and self.filled >= 8 * len(self.distinct)

    # --- shapes -----------------------------------------------------------------------------------

    @cached_property
    def tested(self) -> pa.Array:
        """Some hundred distinct values, for what costs."""
        return self.distinct[:_TESTED]

    def share(self, pattern: str) -> float:
        """Give the share of distinct values that a regular expression of RE2 finds."""
        tried = self.distinct[:_LOOKED_UP]
        if not len(tried):
            return 0.0
        return float(pc.mean(pc.match_substring_regex(tried, pattern)).as_py())

    def like(self, sort: Sort) -> float:
        """Give the share of distinct values that are of a sort, checksums included."""
        if sort not in self._shares:
            able = pc.match_substring_regex(self.tested, _ABLE[sort]) if sort in _ABLE else None
            asked = self.tested if able is None else self.tested.filter(able)
            share = share_matching(sort, asked) if len(asked) else 0.0
            self._shares[sort] = share * len(asked) / max(len(self.tested), 1)
        return self._shares[sort]

    @cached_property
    def _shares(self) -> dict[str, float]:
        return {}

    @cached_property
    def luhn(self) -> bool:
        """Whether all values are digits that end in a Luhn check digit."""
        plain = [t.replace(" ", "").replace("-", "") for t in self.tested.to_pylist()]
        good = len(plain) >= 8 and all(t.isascii() and t.isdigit() and len(t) >= 8 for t in plain)
        return good and all(is_luhn(t) for t in plain)

    @cached_property
    def date_share(self) -> float:
        """Share of values written like a date."""
        return self.share(_DATE)

    @cached_property
    def version_share(self) -> float:
        """Share of values written like a version of software."""
        return self.share(_VERSION)

    @cached_property
    def number_share(self) -> float:
        """Share of values written like a number."""
        return self.share(_NUMBER)

    @cached_property
    def hex_share(self) -> float:
        """Share of UUIDs and digests."""
        return self.share(_HEX)

    @cached_property
    def postcode_share(self) -> float:
        """Share of values that have a form only postcodes have."""
        return self.share(_POSTCODES)

    @cached_property
    def postcode_shape(self) -> float:
        """Share of values that could be a postcode."""
        return self.share(_POSTCODE_SHAPE)

    @cached_property
    def pair_share(self) -> float:
        """Share of values that are two coordinates."""
        return self.share(_PAIR)

    @cached_property
    def band_share(self) -> float:
        """Share of values that are a range of numbers."""
        return self.share(_BAND)

    @cached_property
    def json_share(self) -> float:
        """Share of values that are JSON objects or lists."""
        return self.share(_JSON)

    @cached_property
    def handle_share(self) -> float:
        """Share of values with the mark of a user's name."""
        return self.share(_HANDLE)

    @cached_property
    def login_share(self) -> float:
        """Share of values that could be a user's name."""
        return self.share(_LOGIN)

    @cached_property
    def diagnosis_share(self) -> float:
        """Share of values written like a code of ICD-10."""
        return self.share(_DIAGNOSIS)

    @cached_property
    def street_share(self) -> float:
        """Share of values with a word for a street."""
        return self.share(vocabularies.STREETS)

    @cached_property
    def numbered_share(self) -> float:
        """Share of values that are some words and a number before or after them."""
        return self.share(_NUMBERED)

    @cached_property
    def firm_share(self) -> float:
        """Share of values that end like the name of a company."""
        return self.share(vocabularies.FIRMS)

    @cached_property
    def digit_share(self) -> float:
        """Share of values with a digit."""
        return self.share(r"\d")

    @cached_property
    def letter_share(self) -> float:
        """Share of values with a letter."""
        return self.share(r"\pL")

    @cached_property
    def words(self) -> float:
        """Words of a value, on average."""
        tried = self.distinct[:_LOOKED_UP]
        return float(pc.mean(pc.count_substring_regex(tried, r"\S+")).as_py() or 0.0)

    @cached_property
    def length(self) -> float:
        """Characters of a value, on average."""
        return float(pc.mean(pc.utf8_length(self.distinct[:_LOOKED_UP])).as_py() or 0.0)

    @cached_property
    def uniformity(self) -> float:
        """Share of the commonest mask: digits as 0, letters as a."""
        tried = self.distinct[:_LOOKED_UP]
        if not len(tried):
            return 0.0
        mask = pc.replace_substring_regex(tried, r"\pL", "a")
        mask = pc.replace_substring_regex(mask, r"\d", "0")
        most: int = max(pc.value_counts(mask).field("counts").to_pylist())
        return most / len(tried)

    # --- lists ------------------------------------------------------------------------------------

    @cached_property
    def folded(self) -> pa.Array:
        """Distinct values in lower case and without hyphens, for look-ups."""
        return pc.replace_substring(folded(self.distinct[:_LOOKED_UP]), "-", " ")

    @cached_property
    def nationality_share(self) -> float:
        """Share of values on lists of nationalities."""
        if not len(self.folded):
            return 0.0
        known = pc.is_in(names.bare(self.folded), value_set=_nationalities())
        return float(pc.mean(known).as_py())

    def listed(self, kind: names.Kind) -> float:
        """Give the share of distinct values on the lists of a kind."""
        return float(names.is_listed(self.folded, kind).mean()) if len(self.folded) else 0.0

    @cached_property
    def tokens(self) -> tuple[pa.Array, npt.NDArray[np.intp]]:
        """The words of the distinct values without titles, and whose each is."""
        plain = pc.replace_substring_regex(self.folded, vocabularies.TITLES, " ")
        # Names in Chinese characters and kana have no spaces: cut where a list knows a part.
        cut = pc.split_pattern_regex(pc.utf8_trim_whitespace(plain), r"\s+")
        parent = pc.list_parent_indices(cut).to_numpy().astype(np.intp)
        return cut.flatten(), parent

    @cached_property
    def people(self) -> tuple[float, float, float]:
        """Shares of values that are full names, first names and last names, by the lists."""
        n = len(self.folded)
        if not n:
            return 0.0, 0.0, 0.0
        tokens, parent = self.tokens
        first, last = names.is_first(tokens), names.is_last(tokens)
        size = np.bincount(parent, minlength=n)
        firsts = np.bincount(parent, first, n)
        lasts = np.bincount(parent, last, n)
        either = np.bincount(parent, first | last, n)
        several = (size >= 2) & (size <= 6)
        full = several & (firsts >= 1) & (lasts >= 1) & (either >= 2)
        half = several & ~full & (either >= 1)
        single = (size >= 1) & (size <= 3)
        particle = pc.is_in(tokens, value_set=_array(vocabularies.PARTICLES))
        own = size - np.bincount(parent, particle.to_numpy(zero_copy_only=False), n)
        glued = self._glued()
        return (
            float((full | glued).mean() + 0.5 * half.mean()),
            float((single & (firsts == size)).mean()),
            float((single & (own >= 1) & (lasts >= own)).mean()),
        )

    def _glued(self) -> npt.NDArray[np.bool_]:
        """Tell which values are a last and a first name in one run of Chinese or Korean script."""
        n = len(self.folded)
        found = np.zeros(n, np.bool_)
        short = r"^[\x{3040}-\x{30ff}\x{3400}-\x{9fff}\x{ac00}-\x{d7af}]{2,6}$"
        rows = np.flatnonzero(pc.match_substring_regex(self.folded, short).to_numpy(False))
        if not len(rows):
            return found
        texts = self.folded.take(pa.array(rows)).to_pylist()
        for size in (1, 2, 3):
            heads = pa.array([t[:size] for t in texts], pa.string())
            tails = pa.array([t[size:] for t in texts], pa.string())
            found[rows] |= names.is_last(heads) & names.is_first(tails)
            found[rows] |= names.is_first(heads) & names.is_last(tails)
        return found

    @cached_property
    def _pieces(self) -> tuple[pa.Array, npt.NDArray[np.intp]]:
        parts = pc.split_pattern_regex(names.bare(self.folded), r"[^\pL\pN]+")
        return parts.flatten(), pc.list_parent_indices(parts).to_numpy().astype(np.intp)

    def says(self, vocabulary: frozenset[str]) -> float:
        """Give the share of distinct values with a word of a vocabulary, accents aside."""
        if not len(self.folded):
            return 0.0
        parts, parent = self._pieces
        known = pc.is_in(parts, value_set=_array(vocabulary))
        hit = np.bincount(parent, known.to_numpy(zero_copy_only=False), len(self.folded))
        return float((hit > 0).mean())

    @cached_property
    def is_sex(self) -> bool:
        """Whether few values say both genders, and hardly anything else."""
        if not 2 <= len(self.distinct) <= 6:
            return False
        said = names.genders(self.distinct)
        both = {0, 1} <= set(said.drop_null().to_pylist())
        return both and said.null_count <= len(said) / 3 + 1e-9

    # --- time and numbers -------------------------------------------------------------------------

    @cached_property
    def years(self) -> npt.NDArray[np.int64]:
        """The years of dates, or of text written like dates."""
        if self.type in ("date", "moment"):
            return np.asarray(pc.year(self.values.drop_null()).to_numpy(zero_copy_only=False))
        if self.type == "text":
            found = pc.extract_regex(self.texts, r"(?:^|\D)(?P<y>1[89]\d\d|20\d\d)(?:\D|$)")
            plain = found.drop_null()
            if not len(plain):
                return np.zeros(0, np.int64)
            return np.asarray(plain.field("y").cast(pa.int64()).to_numpy())
        return np.zeros(0, np.int64)

    @cached_property
    def of_births(self) -> bool:
        """Whether the years are spread like those of living people's births."""
        years = self.years
        if len(years) < 20:
            return False
        low, middle, high = np.percentile(years, [5, 50, 95])
        return bool(high - low >= 25 and low >= 1900 and middle <= 2005)

    @cached_property
    def has_hours(self) -> bool:
        """Whether moments have a time of day."""
        if self.type == "moment" and pa.types.is_timestamp(self.values.type):
            hours = pc.mean(pc.not_equal(pc.hour(self.values.drop_null()), 0)).as_py()
            return bool((hours or 0) > 0.1)
        return self.type == "text" and self.share(r"\d[T ]\d{1,2}:\d{2}") > 0.5

    @cached_property
    def range(self) -> tuple[float, float]:
        """Lowest and highest number; (0, 0) without any."""
        found = self.numbers
        return (float(found.min()), float(found.max())) if len(found) else (0.0, 0.0)
