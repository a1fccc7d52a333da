"""Parts of identifiers: characters, digests as text, names in addresses, reserved domains."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import names
from paribus.anonymizing.keys import Key

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Codes = npt.NDArray[np.unsignedinteger[Any]]

# --- texts as characters --------------------------------------------------------------------------

FIXED, DIGIT, UPPER, LOWER, HEX_UPPER, HEX_LOWER, VARIANT_UPPER, VARIANT_LOWER = range(8)
_MEMBERS = (
    "",
    "0123456789",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789ABCDEF",
    "0123456789abcdef",
    "89AB",
    "89ab",
)
_FROZEN = unicodedata.ucd_3_2_0
"""The same in every version of Python: so are the fakes."""


@dataclass(frozen=True, eq=False)
class Characters:
    """The characters of texts one after another, and the alphabet that each belongs to.

    Attributes
    ----------
    codes : ndarray of uint8 (all are ASCII) or uint32, shape (characters,)
    bounds : ndarray of int64, shape (n + 1,)
        Text ``i`` is ``codes[bounds[i]:bounds[i + 1]]``.
    alphabets : ndarray of uint16, shape (characters,)
        0 for what stays where it is.
    members : tuple of ndarray of uint32
        The characters of each alphabet, in order.
    """

    codes: Codes
    bounds: Places
    alphabets: npt.NDArray[np.uint16]
    members: tuple[Codes, ...]

    @classmethod
    def of(cls, texts: pa.Array) -> Characters:
        """Take texts apart, shape (n,), without nulls."""
        texts = texts if texts.type == pa.string() else texts.cast(pa.string())
        _, offsets, data = texts.buffers()
        n = len(texts)
        ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + n + 1]
        if n == 0 or data is None:
            raw, ends = np.zeros(0, np.uint8), np.zeros(n + 1, np.int32)
        else:
            raw = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
        bounds = ends.astype(np.int64) - int(ends[0])
        if not (raw >= 128).any():
            return cls(raw, bounds, _ASCII[raw], _ALPHABETS)
        lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
        bounds = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        codes = np.frombuffer(raw.tobytes().decode().encode("utf-32-le"), np.uint32)
        alphabets = np.zeros(len(codes), np.uint16)
        plain = codes < 128
        alphabets[plain] = _ASCII[codes[plain]]
        members, known = list(_ALPHABETS), dict[tuple[int, ...], int]()
        foreign, which = np.unique(codes[~plain], return_inverse=True)
        numbers = np.zeros(len(foreign), np.uint16)
        for i, code in enumerate(foreign.tolist()):
            own = _alphabet(code)
            if len(own) > 1:
                if own not in known:
                    known[own] = len(members)
                    members.append(np.array(own, np.uint32))
                numbers[i] = known[own]
        alphabets[~plain] = numbers[which]
        return cls(codes, bounds, alphabets, tuple(members))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def width(self) -> int:
        """How long all texts are, where all are as long; 0 otherwise."""
        lengths = np.diff(self.bounds)
        return int(lengths[0]) if len(lengths) and bool((lengths == lengths[0]).all()) else 0

    def counts(self, flags: npt.NDArray[Any]) -> Places:
        """Sum what is said of the characters of each text, shape (n,)."""
        if width := self.width:
            total: Places = flags.reshape(-1, width).sum(1, dtype=np.int64)
            return total
        sums = np.zeros(len(flags) + 1, np.int64)
        np.cumsum(flags, out=sums[1:])
        return np.diff(sums[self.bounds])

    def array(self) -> pa.Array:
        """Put the texts together again."""
        codes = self.codes
        if codes.dtype == np.uint8 or not (codes >= 128).any():
            raw, ends = codes.astype(np.uint8, copy=False).tobytes(), self.bounds
        else:
            raw = codes.tobytes().decode("utf-32-le").encode()
            sizes = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
            ends = np.concatenate([[0], np.cumsum(sizes)])[self.bounds]
        return pa.StringArray.from_buffers(
            len(self), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(raw)
        )

    def filter(self, rows: Flags) -> Characters:
        """Keep some of the texts."""
        kept = np.repeat(rows, np.diff(self.bounds))
        lengths = np.diff(self.bounds)[rows]
        return replace(
            self,
            codes=self.codes[kept],
            alphabets=self.alphabets[kept],
            bounds=np.concatenate([[0], np.cumsum(lengths)]),
        )

    def values(self) -> npt.NDArray[np.uint32]:
        """Give the place of each character in its alphabet; 0 for what stays."""
        known = np.bincount(self.alphabets, minlength=1)
        plain = _PLACES[np.minimum(self.alphabets, VARIANT_LOWER), self.codes & 127]
        found: npt.NDArray[np.uint32] = plain.astype(np.uint32)
        for number in np.flatnonzero(known[VARIANT_LOWER + 1 :]) + VARIANT_LOWER + 1:
            own = self.alphabets == number
            found[own] = np.searchsorted(self.members[number], self.codes[own])
        return found

    def written(self, values: npt.NDArray[np.uint32]) -> Characters:
        """Give the texts with other characters of the same alphabets."""
        starts = np.cumsum([0] + [len(each) for each in self.members], dtype=np.uint32)
        every = np.append(np.concatenate(self.members), 0).astype(self.codes.dtype)
        made = every[starts[self.alphabets] + values]
        return replace(self, codes=np.where(self.alphabets == FIXED, self.codes, made))


def _of_ascii() -> npt.NDArray[np.uint16]:
    found = np.zeros(256, np.uint16)
    for number in (DIGIT, UPPER, LOWER):
        found[[ord(c) for c in _MEMBERS[number]]] = number
    return found


_ASCII = _of_ascii()
_PLACES = np.zeros((len(_MEMBERS), 128), np.uint8)
for _number, _own in enumerate(_MEMBERS):
    _PLACES[_number, [ord(c) for c in _own]] = range(len(_own))
_ALPHABETS = tuple(np.array([ord(c) for c in each], np.uint32) for each in _MEMBERS)


def _alphabet(code: int) -> tuple[int, ...]:
    """Give the characters that may take the place of one, itself among them; () for signs."""
    kind = _FROZEN.category(chr(code))
    if kind == "Cn":
        # Younger than Unicode 3.2: with its neighbors.
        page = range(code & ~63, (code | 63) + 1)
        return tuple(c for c in page if c >= 128 and _FROZEN.category(chr(c)) == "Cn")
    return _plane(code >> 16).get((_script(code), kind), ()) or _plane(code >> 16).get(
        ("", kind[0]), ()
    )


def _script(code: int) -> str:
    return _FROZEN.name(chr(code), "").split(" ")[0]


@cache
def _plane(plane: int) -> dict[tuple[str, str], tuple[int, ...]]:
    """Sort all letters, marks and numbers of a plane by script and category."""
    groups: dict[tuple[str, str], list[int]] = {}
    for code in range(max(128, plane << 16), (plane + 1) << 16):
        kind = _FROZEN.category(chr(code))
        if kind[0] in "LMN":
            groups.setdefault((_script(code), kind), []).append(code)
    # Scripts of a few characters would leave them what they are: those are thrown together.
    rest: dict[tuple[str, str], list[int]] = {}
    for script, kind in [each for each in groups if len(groups[each]) < 8]:
        rest.setdefault(("", kind[0]), []).extend(groups.pop((script, kind)))
    return {name: tuple(sorted(codes)) for name, codes in (groups | rest).items()}


def permuted(texts: Characters, key: Key, realm: str, moving: Flags | None = None) -> Characters:
    """Permute the characters of each text within their alphabets: distinct texts stay distinct.

    Texts of which the same alphabets follow one another get the same permutation, whatever stands
    between: ``1234-5678`` becomes what ``12345678`` becomes, with its dash.

    Parameters
    ----------
    texts : Characters
    key : Key
    realm : str
    moving : ndarray of bool, shape (characters,), optional
        Which characters may change; all that are in an alphabet, by itself.
    """
    if moving is None:
        moving = texts.alphabets != FIXED
    places = np.flatnonzero(moving)
    if not len(places):
        return texts
    values = texts.values()
    sizes = np.array([max(len(each), 1) for each in texts.members], np.uint32)
    if width := texts.width:
        rows, kinds = moving.reshape(-1, width), texts.alphabets.reshape(-1, width)
        if bool((rows == rows[0]).all()) and bool((kinds == kinds[0]).all()):
            own = np.flatnonzero(rows[0])
            grid = values.reshape(-1, width)
            grid[:, own] = key.permuted(grid[:, own], sizes[kinds[0, own]], realm)
            return texts.written(values)
    counts = texts.counts(moving)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    for count in np.unique(counts[counts > 0]).tolist():
        at = places[starts[counts == count][:, None] + np.arange(count)]
        radices = sizes[texts.alphabets[at]]
        if (radices == radices[0]).all():
            radices = radices[0]
        values[at] = key.permuted(values[at], radices, realm)
    return texts.written(values)


# --- digests as text ------------------------------------------------------------------------------

_BASE32 = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
_PAIRS = np.stack([np.repeat(_BASE32, 32), np.tile(_BASE32, 32)], axis=1).view(np.uint16)[:, 0]


def base32(words: npt.NDArray[np.uint64], length: int = 12) -> pa.Array:
    """Write numbers with the 32 characters of RFC 4648, 5 bits each; 12 hold 60 bits.

    Parameters
    ----------
    words : ndarray of uint64, shape (n,)
    length : int
        From 1 to 12.

    Examples
    --------
    >>> base32(np.array([0, 31, 32], np.uint64), 2).to_pylist()
    ['aa', 'a7', 'ba']
    """
    # Two characters at a time, from a list of all pairs.
    pairs = np.empty((len(words), (length + 1) // 2), np.uint16)
    rest = words
    for place in range(pairs.shape[1] - 1, -1, -1):
        pairs[:, place] = _PAIRS[(rest & np.uint64(1023)).astype(np.intp)]
        rest = rest >> np.uint64(10)
    # Of an odd number, the first of the first pair is one too many.
    written = pairs.view(np.uint8)[:, length % 2 :].tobytes()
    ends = np.arange(0, length * (len(words) + 1), length, dtype=np.int32)
    return pa.StringArray.from_buffers(len(words), pa.py_buffer(ends), pa.py_buffer(written))


def joined(*parts: pa.Array | str) -> pa.Array:
    """Put texts together, without anything between."""
    return pc.binary_join_element_wise(*parts, "")


def flags(mask: pa.Array) -> Flags:
    """Give truth values without nulls as numpy's."""
    found: Flags = mask.to_numpy(zero_copy_only=False)
    return found


# --- reserved domains -----------------------------------------------------------------------------

RESERVED = ("example.com", "example.net", "example.org")
_RESERVED = re.compile(
    r"(?i)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*"
    r"(?:example\.(?:com|net|org)|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)?"
    r"(?:test|invalid|example|localhost))"
)


def checked_domains(domains: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse domains that anybody may own (RFC 2606 and 6761 reserve the others)."""
    if not domains:
        raise ValueError("must name at least one domain, such as example.com")
    for domain in domains:
        if len(domain) > 200 or not _RESERVED.fullmatch(domain):
            raise ValueError(
                f'"{domain}" may belong to somebody; take one that is reserved: example.com, '
                "example.net, example.org, or what ends in .test, .example, .invalid or .localhost"
            )
    return tuple(domain.lower() for domain in domains)


def domain_fakes(domains: pa.Array, key: Key, bases: tuple[str, ...]) -> pa.Array:
    """Give a reserved domain for each real one: 50 bits of digest under one of the bases.

    Parameters
    ----------
    domains : pyarrow.Array of string, shape (n,)
        Any number of times each; without nulls.
    """
    encoded = domains.dictionary_encode()
    words = key.words(pc.utf8_lower(encoded.dictionary), "domain")[:, 0]
    base = pa.array(bases).take(pa.array((words >> np.uint64(50)) % np.uint64(len(bases))))
    made = joined(base32(words, 10), ".", base)
    return made.take(encoded.indices)


# --- names ----------------------------------------------------------------------------------------

_DRAWN = 1 << 12
"""Names drawn for those who gave none: a power of two."""

_SPELLED = 20
"""Letters of a name at most, in an address."""


def person(
    locals_: pa.Array,
    words: npt.NDArray[np.uint64],
    key: Key,
    locale: str,
    behind: str = "",
) -> tuple[pa.Array, pa.Array]:
    """Give first and last names for what people call themselves: `john.smith84`.

    Names among the words of it get the fakes that they get in a column of names; who gave none
    gets one drawn by the key.

    Parameters
    ----------
    locals_ : pyarrow.Array of string, shape (n,)
    words : ndarray of uint64, shape (n,)
        Digests of the whole, of which 24 bits are used.
    key : Key
    locale : str
    behind : str
        Put behind each name.

    Returns
    -------
    pair of pyarrow.Array of string, shape (n,)
        Small letters of ASCII, at least two.
    """
    tokens, codes, row = _tokens(locals_)
    long = flags(pc.greater(pc.utf8_length(tokens), 1))
    is_first, is_last = names.is_first(tokens) & long, names.is_last(tokens) & long
    first = _heads(np.flatnonzero(is_first[codes]), row)
    good = is_last[codes]
    good[first] = False
    last = _heads(np.flatnonzero(good), row)
    made = []
    for found, known, fakes, shift in (
        (first, is_first, names.first, 0),
        (last, is_last, names.last, 12),
    ):
        named = row(found)
        drawn = (words >> np.uint64(shift)).astype(np.int64) & (_DRAWN - 1)
        every, spared = (np.bincount(some, minlength=_DRAWN) for some in (drawn, drawn[named]))
        asked = every > spared
        nobody = joined("\x00", pa.array(np.flatnonzero(asked)).cast(pa.string()))
        pool = pa.concat_arrays([nobody, tokens.filter(pa.array(known))])
        index = (np.cumsum(asked) - 1)[drawn]
        index[named] = (len(nobody) - 1 + np.cumsum(known))[codes[found]]
        written = joined(_addressed(fakes, pool, key, locale), behind)
        made.append(written.take(pa.array(index)))
    return made[0], made[1]


def _tokens(
    texts: pa.Array,
) -> tuple[pa.Array, npt.NDArray[np.int32], Callable[[Places], Places]]:
    """Give the distinct words of letters in lower case, which each is, and whose each is."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    raw = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    raw = raw[ends[0] : ends[-1]] if len(ends) else raw[:0]
    if (raw >= 128).any():
        spread = pc.replace_substring_regex(pc.utf8_lower(texts), r"[^\pL\pM]+", " ")
        lists = pc.ascii_split_whitespace(pc.ascii_trim_whitespace(spread))
        found = lists.flatten()
        ends = lists.offsets.to_numpy()
        at = ends[0] + np.arange(len(found))
    else:
        lower = _LETTERS.take(raw)
        letter = lower != ord(" ")
        # Two letters side by side may be of two texts.
        cut = np.zeros(len(raw) + 1, np.bool_)
        cut[ends - ends[:1]] = True
        begins, closes = cut[:-1].copy(), cut[1:].copy()
        begins[1:] |= ~letter[:-1]
        closes[:-1] |= ~letter[1:]
        at = np.flatnonzero(begins & letter)
        found = runs(pa.py_buffer(lower), at, np.flatnonzero(closes & letter) + 1)
        at += int(ends[0]) if len(ends) else 0
    encoded = found.dictionary_encode()

    def row(places: Places) -> Places:
        found: Places = np.searchsorted(ends, at[places], "right") - 1
        return found

    return encoded.dictionary, encoded.indices.to_numpy(), row


def runs(data: pa.Buffer, starts: npt.NDArray[Any], ends: npt.NDArray[Any]) -> pa.Array:
    """Give pieces of text, in the order in which they stand, without what is between them.

    Parameters
    ----------
    data : pyarrow.Buffer
        Text in UTF-8.
    starts, ends : ndarray of int, shape (n,)
        None ends behind the start of the next.
    """
    cuts = np.empty(2 * len(starts) + 1, np.int32)
    cuts[:-1:2], cuts[1::2] = starts, ends
    cuts[-1] = cuts[-2] if len(starts) else 0
    pieces = pa.StringArray.from_buffers(2 * len(starts), pa.py_buffer(cuts), data)
    return pieces.take(pa.array(np.arange(0, 2 * len(starts), 2, dtype=np.int32)))


def _heads(tokens: Places, row: Callable[[Places], Places]) -> Places:
    """Keep the first token of each row."""
    rows = row(tokens)
    kept = np.ones(len(rows), np.bool_)
    kept[1:] = rows[1:] != rows[:-1]
    return tokens[kept]


def _of_letters() -> npt.NDArray[np.uint8]:
    found = np.full(256, ord(" "), np.uint8)
    for letter in range(ord("a"), ord("z") + 1):
        found[letter] = found[letter - 32] = letter
    return found


_LETTERS = _of_letters()


def _addressed(fakes: object, tokens: pa.Array, key: Key, locale: str) -> pa.Array:
    """Give fakes as they are written in an address; of an English list where that cannot be."""
    assert callable(fakes)
    made = fakes(tokens, key, locale)
    plain = _spelled(made)
    short = pc.less(pc.utf8_length(plain), 2)
    if pc.any(short).as_py():
        plain = pc.if_else(short, _spelled(fakes(tokens, key, "en")), plain)
    return pc.if_else(pc.less(pc.utf8_length(plain), 2), "somebody", plain)


def _spelled(texts: pa.Array) -> pa.Array:
    plain = names.bare(texts)
    odd = ~flags(pc.ascii_is_alpha(plain)) | flags(pc.greater(pc.binary_length(plain), _SPELLED))
    cut = pc.replace_substring_regex(plain.filter(pa.array(odd)), "[^a-z]", "")
    return patched(plain, [(odd, pc.utf8_slice_codeunits(cut, 0, _SPELLED))])


def patched(whole: pa.Array, pieces: Iterable[tuple[Flags, pa.Array]]) -> pa.Array:
    """Put pieces in the place of what their flags point to."""
    for mask, piece in pieces:
        if len(piece) == len(whole) and mask.all():
            whole = piece
        elif mask.any():
            whole = pc.replace_with_mask(whole, pa.array(mask), piece)
    return whole
