"""An address of the same parts, which fit the columns of city, postcode, region and country."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import names
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements import _places

_MARK = "\x1f"

_BETWEEN = r"[,;|\n\r،、，]"

_NUMBER = r"\d+\pL?(?:\s?[-–/]\s?\d*\pL?)*"

_LEADING = rf"^(?P<number>{_NUMBER})(?P<space>[\s.]+)(?P<rest>\S.*)$"
_TRAILING = rf"^(?P<rest>.*?[^\s\d])(?P<space>\s*)(?P<number>{_NUMBER})\.?$"

_WITH_UNIT = (
    rf"^(?P<number>{_NUMBER})[\s.]+(?P<rest>\S.*?)(?P<space>\s+)"
    r"(?P<unit>(?i:apartment|apt|suite|ste|unit|floor|fl|room|rm|flat)\.?\s*#?|#)\s*"
    r"(?P<inner>[A-Za-z\d]{1,5})$"
)

_UNIT = (
    r"(?i)^(?P<unit>apt|apartment|suite|ste|unit|floor|fl|room|rm|flat|no|nr|building|bldg|block|"
    r"p\.?\s?o\.?\s?box|postfach|wohnung|whg|stock|etage|étage|bât|piso|puerta|planta|interno|"
    r"scala|lok|m|кв|квартира|д|дом|корп|стр|оф)?(?P<space>[.\s]*[#№]?\s*)"
    r"(?P<number>\d{1,4}\pL?(?:/\d{1,3})?|[\pL]{1,2}\d{1,4}|[A-Za-z])$"
)

_CODE = (
    r"[A-Za-z]{1,2}\d[A-Za-z\d]?\s?\d[A-Za-z]{2}|[A-Za-z]\d[A-Za-z]\s?\d[A-Za-z]\d|\d{4}\s?[A-Z]{2}|"
    r"(?:[A-Z]{1,3}-)?\d{3}\s\d{2}|(?:[A-Z]{1,3}-)?(?:\d{4,7}|\d{2,5}-\d{3,5})"
)
_CODE_FIRST = rf"^〒?(?P<code>{_CODE})(?P<space>\s+)(?P<rest>\S.*)$"
_CODE_LAST = rf"^(?P<rest>.*?\S)(?P<space>\s+)(?P<code>{_CODE})$"
_CODE_ONLY = rf"^〒?(?:{_CODE})$"

_REGION_LAST = r"^(?P<rest>.*\S)(?P<space>\s+)(?P<region>\p{Lu}{2,3})$"

_ODD = r"[#<>=]|(?i:\b(?:apartment|apt|suite|ste|unit|floor|fl|room|rm|flat)\b)|^\PL"
"""What a street behind its number does not hold."""

_MAYBE_MORE = r"(?i:\s(?:apartment|apt|suite|ste|unit|floor|fl|room|rm|flat))|^[A-Z]{2}\s"
"""What may be a flat or half of a postcode in a street with digits: Fl3, 1234 AB."""

_Ask = Callable[[pa.Array], pa.Array]


class Address(_places.OfPlaces):
    """Replaces street, house number, unit, city, region, postcode and country part by part.

    Parts are what commas and line breaks divide. What is no number, postcode, region or country is
    a street where it comes first and a city where it does not: nothing is left as it was.
    """

    kind: Literal["address"] = "address"

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        if _has(texts, _MARK):
            texts = pc.replace_substring(texts, _MARK, " ")
        raw, _ = _places.spelled(texts)
        divided = _has(texts, ",;|\n\r") or (raw >= 0x80).any()
        if not divided or not pc.any(pc.match_substring_regex(texts, _BETWEEN)).as_py():
            return self._changed(self._first(_trimmed(texts), key), texts, key)
        lists = pc.split_pattern(
            pc.replace_substring_regex(texts, rf"(\s*{_BETWEEN}+\s*)", f"{_MARK}\\1{_MARK}"),
            _MARK,
        )
        flat = pc.utf8_trim_whitespace(lists.flatten())
        between = lists.flatten()
        starts = lists.offsets.to_numpy().astype(np.int64)
        starts -= starts[0]
        place = np.arange(len(flat)) - np.repeat(starts[:-1], np.diff(starts))
        part = place % 2 == 0
        blank = _mask(pc.equal(flat, ""))
        row = np.repeat(np.arange(len(texts)), np.diff(starts))
        # The first part that says something: an address may begin with a line break.
        full = np.flatnonzero(part & ~blank)
        head = np.zeros(len(flat), np.bool_)
        head[full[np.unique(row[full], return_index=True)[1]]] = True
        out = between
        for those, ask in (
            (head, self._first),
            (part & ~blank & ~head, self._further),
        ):
            if those.any():
                encoded = flat.filter(pa.array(those)).dictionary_encode()
                made = ask(encoded.dictionary, key).take(encoded.indices)
                out = pc.replace_with_mask(out, pa.array(those), made)
        made = pc.binary_join(pa.ListArray.from_arrays(pa.array(starts, pa.int32()), out), "")
        return self._changed(made, texts, key)

    def _changed(self, made: pa.Array, texts: pa.Array, key: Key) -> pa.Array:
        """Take a street for what nothing was replaced in."""
        same = pc.equal(made, texts)
        if not pc.any(same).as_py():
            return made
        return pc.replace_with_mask(made, same, self._street(texts.filter(same), key))

    def _first(self, parts: pa.Array, key: Key) -> pa.Array:
        """Replace first parts: a street with its number, or else what a further part would be."""
        sort = _Sorted(parts)
        self._plain(sort, key)
        sort.each(_CODE_FIRST, lambda found: self._with_code(found, key), self._is_city_behind)
        sort.each(_UNIT, lambda found: self._unit(found, key))
        sort.each(_WITH_UNIT, lambda found: self._flat(found, key))
        sort.each(_LEADING, lambda found: self._numbered(found, key, first=True))
        sort.each(_TRAILING, lambda found: self._numbered(found, key, first=False))
        sort.those(self._is_place(sort.left()), lambda left: self._place(left, key))
        return sort.rest(lambda left: self._street(left, key))

    def _plain(self, sort: _Sorted, key: Key) -> None:
        """Replace what nearly all are, a number and a street, without a pattern for each."""
        left = sort.left()
        most = 5 if self.locale.startswith("en") else 4
        digits, mark = _leading(left, most)
        simple = digits > 0
        if not simple.any():
            return
        street = _behind(left, digits, simple).dictionary_encode()
        digits, mark = digits[simple], mark[simple]
        code = street.indices.to_numpy()
        fits = ~_odd(street.dictionary)[code]
        # Four digits and a city are no street: 1010 Wien.
        some = fits & (digits >= 4)
        if some.any():
            asked, _ = _used(code[some], len(street.dictionary))
            place = np.zeros(len(street.dictionary), np.bool_)
            place[asked] = self._is_place(street.dictionary.take(pa.array(asked)))
            fits &= ~(some & place[code])
        if not fits.any():
            return
        used, back = _used(code[fits], len(street.dictionary))
        streets = self._street(street.dictionary.take(pa.array(used)), key).take(pa.array(back))
        used, back = _used(mark[fits], 2 * 10**most)
        plain = pc.utf8_slice_codeunits(pa.array(used).cast(pa.string()), 1)
        numbers = _places.permuted(plain, key, "house").take(pa.array(back))
        simple[simple] = fits
        sort.put(simple, pc.binary_join_element_wise(numbers, streets, " "))

    def _further(self, parts: pa.Array, key: Key) -> pa.Array:
        sort = _Sorted(parts)
        sort.each(_UNIT, lambda found: self._unit(found, key))
        sort.each(_CODE_FIRST, lambda found: self._with_code(found, key))
        sort.each(_CODE_LAST, lambda found: self._with_code(found, key, last=True))
        sort.each(_CODE_ONLY, lambda found: self._code(found["whole"], key))
        sort.each(_WITH_UNIT, lambda found: self._flat(found, key))
        sort.each(_LEADING, lambda found: self._numbered(found, key, first=True))
        sort.each(_TRAILING, lambda found: self._numbered(found, key, first=False))
        return sort.rest(lambda left: self._place(left, key))

    # --- parts ------------------------------------------------------------------------------------

    def _street(self, parts: pa.Array, key: Key) -> pa.Array:
        return _places.street(parts, key, self.locale)

    def _code(self, codes: pa.Array, key: Key) -> pa.Array:
        return _places.permuted(pc.replace_substring(codes, "〒", ""), key, "postcode")

    def _numbered(self, found: dict[str, pa.Array], key: Key, *, first: bool) -> pa.Array:
        number = _numbers(found["number"], key)
        street = self._street(found["rest"], key)
        space = pc.if_else(pc.equal(found["space"], ""), "", " ")
        return _join(number, space, street) if first else _join(street, space, number)

    def _flat(self, found: dict[str, pa.Array], key: Key) -> pa.Array:
        """Replace a street with its number and the flat behind it."""
        unit = pc.replace_substring_regex(found["unit"], r"\s+", " ")
        gap = pc.if_else(pc.match_substring_regex(unit, r"[#\s]$"), "", " ")
        number, inner = _numbers(found["number"], key), _numbers(found["inner"], key)
        return _join(number, " ", self._street(found["rest"], key), " ", unit, gap, inner)

    def _unit(self, found: dict[str, pa.Array], key: Key) -> pa.Array:
        space = pc.replace_substring_regex(found["space"], r"\s+", " ")
        return _join(found["unit"], space, _numbers(found["number"], key))

    def _with_code(self, found: dict[str, pa.Array], key: Key, *, last: bool = False) -> pa.Array:
        code, rest = self._code(found["code"], key), found["rest"]
        # What follows a postcode is a city, though a region may be called the same: 10115 Berlin.
        place = self._place(rest, key) if last else _places.city(rest, key, self.locale)
        return _join(place, " ", code) if last else _join(code, " ", place)

    def _place(self, parts: pa.Array, key: Key) -> pa.Array:
        """Replace a country, a region, a city and a region, or a city."""
        sort = _Sorted(parts)
        sort.those(
            names.is_of(sort.left(), "city", self.locale),
            lambda left: _places.city(left, key, self.locale),
        )
        # A short form of the locale's own regions before a code of a country: CA, DE, AL.
        sort.those(
            _places.is_region(sort.left(), self.locale),
            lambda left: _places.region(left, key, self.locale),
        )
        sort.those(
            _places.is_country(sort.left()), lambda left: _places.country(left, key, self.locale)
        )
        sort.each(_REGION_LAST, lambda found: self._city_region(found, key), self._is_region_behind)
        return sort.rest(lambda left: _places.city(left, key, self.locale))

    def _city_region(self, found: dict[str, pa.Array], key: Key) -> pa.Array:
        return _join(
            _places.city(found["rest"], key, self.locale),
            " ",
            _places.region(found["region"], key, self.locale),
        )

    # --- questions --------------------------------------------------------------------------------

    def _is_place(self, parts: pa.Array) -> npt.NDArray[np.bool_]:
        return _places.is_place(parts, self.locale)

    def _is_city_behind(self, found: dict[str, pa.Array]) -> npt.NDArray[np.bool_]:
        long = _mask(pc.greater_equal(pc.utf8_length(found["code"]), 4))
        # English house numbers may have five digits; elsewhere so many are a postcode.
        sure = _mask(pc.match_substring_regex(found["code"], r"^\d{5,}$|^\d+-\d+$"))
        sure &= not self.locale.startswith("en")
        sign = _mask(pc.starts_with(found["whole"], "〒"))
        return (long & self._is_place(found["rest"])) | sure | sign

    def _is_region_behind(self, found: dict[str, pa.Array]) -> npt.NDArray[np.bool_]:
        return _places.is_region(found["region"], self.locale)


class _Sorted:
    """Parts that are replaced sort by sort; each sort sees only what is left."""

    def __init__(self, parts: pa.Array) -> None:
        self._parts = parts
        self._made: list[pa.Array] = []
        self._size = 0
        self._place = np.zeros(len(parts), np.int64)
        self._open = np.arange(len(parts))

    def left(self) -> pa.Array:
        if len(self._open) == len(self._parts):
            return self._parts
        return self._parts.take(pa.array(self._open))

    def those(self, chosen: npt.NDArray[np.bool_], ask: _Ask) -> None:
        if chosen.any():
            self.put(chosen, ask(self._parts.take(pa.array(self._open[chosen]))))

    def put(self, chosen: npt.NDArray[np.bool_], made: pa.Array) -> None:
        """Put what was made of those chosen among what is left."""
        self._put(self._open[chosen], made)

    def each(
        self,
        pattern: str,
        ask: Callable[[dict[str, pa.Array]], pa.Array],
        only: Callable[[dict[str, pa.Array]], npt.NDArray[np.bool_]] | None = None,
    ) -> None:
        left = self.left()
        fits = _mask(pc.match_substring_regex(left, pattern))
        if not fits.any():
            return
        at = self._open[fits]
        found = self._fields(left.filter(pa.array(fits)), pattern)
        if only is not None:
            sure = only(found)
            at, found = at[sure], {k: v.filter(pa.array(sure)) for k, v in found.items()}
        if len(at):
            self._put(at, ask(found))

    def rest(self, ask: _Ask) -> pa.Array:
        if len(self._open):
            self._put(self._open, ask(self.left()))
        if not self._made:
            return self._parts
        if len(self._made) == 1:
            return self._made[0]
        return pa.concat_arrays(self._made).take(pa.array(self._place))

    def _put(self, at: npt.NDArray[np.int64], made: pa.Array) -> None:
        self._place[at] = self._size + np.arange(len(at))
        self._made.append(made)
        self._size += len(made)
        here = np.zeros(len(self._parts), np.bool_)
        here[at] = True
        self._open = self._open[~here[self._open]]

    @staticmethod
    def _fields(parts: pa.Array, pattern: str) -> dict[str, pa.Array]:
        if "?P<" not in pattern:
            return {"whole": parts}
        found = pc.extract_regex(parts, pattern)
        return {field.name: found.field(place) for place, field in enumerate(found.type)} | {
            "whole": parts
        }


def _has(texts: pa.Array, signs: str) -> bool:
    """Tell whether any of some ASCII characters is in any of the texts."""
    raw, _ = _places.spelled(texts)
    return any(bool((raw == ord(sign)).any()) for sign in signs)


def _trimmed(texts: pa.Array) -> pa.Array:
    raw, ends = _places.spelled(texts)
    if np.diff(ends).all():
        outer = np.concatenate([raw[ends[:-1]], raw[ends[1:] - 1]])
        if ((outer > ord(" ")) & (outer < 0x80)).all():
            return texts
    return pc.utf8_trim_whitespace(texts)


def _leading(texts: pa.Array, most: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Read the digits that texts begin with, where a space follows.

    Returns
    -------
    pair of ndarray of int32, shape (n,)
        How many digits there are, 0 where they are more than `most` or no space follows; and the
        number that they make with a one before them, which keeps the zeros that they begin with.
    """
    raw, ends = _places.spelled(texts)
    padded = np.append(raw, np.zeros(most + 1, np.uint8))
    starts, size = ends[:-1], np.diff(ends)
    digits, mark = np.zeros(len(texts), np.int32), np.ones(len(texts), np.int32)
    going = np.ones(len(texts), np.bool_)
    for place in range(most):
        byte = padded[starts + place] - np.uint8(ord("0"))
        going &= (byte < 10) & (size > place)
        mark = np.where(going, mark * 10 + byte, mark)
        digits += going
    space = (padded[starts + digits] == ord(" ")) & (size > digits)
    return digits * space, mark


def _odd(streets: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which texts behind a number may be more than a street."""
    odd = _mask(pc.match_substring_regex(streets, _ODD))
    raw, ends = _places.spelled(streets)
    digits = np.flatnonzero((raw >= ord("0")) & (raw <= ord("9")))
    some = np.unique(np.searchsorted(ends, digits, "right") - 1)
    if len(some):
        odd[some] |= _mask(pc.match_substring_regex(streets.take(pa.array(some)), _MAYBE_MORE))
    return odd


def _behind(
    texts: pa.Array, digits: npt.NDArray[np.int32], rows: npt.NDArray[np.bool_]
) -> pa.Array:
    """Give what stands behind the digits and the space, of those rows that begin with them."""
    raw, ends = _places.spelled(texts)
    # Each text cut in two, of which the second half is taken.
    cut = np.repeat(ends, 2)[:-1]
    cut[1::2] += (digits + 1) * rows
    halves = pa.StringArray.from_buffers(2 * len(texts), pa.py_buffer(cut), pa.py_buffer(raw))
    return halves.take(pa.array(np.flatnonzero(rows) * 2 + 1))


def _used(
    codes: npt.NDArray[np.int32], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Give the codes that are used, and for each one its place among them."""
    seen = np.zeros(size, np.bool_)
    seen[codes] = True
    number = np.cumsum(seen, dtype=np.int32) - 1
    return np.flatnonzero(seen), number[codes]


def _numbers(numbers: pa.Array, key: Key) -> pa.Array:
    encoded = numbers.dictionary_encode()
    plain = pc.replace_substring_regex(encoded.dictionary, r"[^A-Za-z0-9 /–-]", "")
    return _places.permuted(plain, key, "house").take(encoded.indices)


def _join(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _mask(found: pa.Array) -> npt.NDArray[np.bool_]:
    given: npt.NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return given
