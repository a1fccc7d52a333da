"""Many texts searched for in many others at once: rolling hashes of their letters and digits.

A text is what its letters and digits are, in compatibility forms and lower case: "Anna Smith",
"anna.smith" and "ANNA SMITH" are one. It stands in another text where it begins and ends between
runs of letters and runs of digits: "Anna" stands in "anna84", but neither in "Hannah" nor in
"Annabel"; 4711 stands in "X4711", and not in "94711".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing.replacements.base import folded

Hashes: TypeAlias = npt.NDArray[np.uint64]
Indices: TypeAlias = npt.NDArray[np.intp]

LONGEST = 256
"""Runs of letters or digits of a text that is searched for, at most."""

_BYTES = 1 << 21
"""Bytes of text that are searched at once."""
_OVERLAP = 1 << 13
_PREFIXES = 64
_SEPARATOR, _LETTER, _DIGIT = 0, 1, 2

_draw = np.random.Generator(np.random.PCG64(20071103))
_VALUES: Hashes = _draw.integers(1, 1 << 63, 256, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_BASE = int(_draw.integers(1, 1 << 62)) * 4 + 3
_UNBASE = pow(_BASE, -1, 1 << 64)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def _classes() -> npt.NDArray[np.uint8]:
    kinds = np.zeros(256, np.uint8)
    kinds[[*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1), *range(128, 256)]] = 1
    kinds[ord("0") : ord("9") + 1] = _DIGIT
    return kinds


_CLASSES = _classes()


def border(content: npt.NDArray[np.uint8], at: Indices) -> npt.NDArray[np.bool_]:
    """Tell whether a word or a number begins or ends before some bytes of a text.

    Parameters
    ----------
    content : ndarray of uint8, shape (n,)
        Text in UTF-8.
    at : ndarray of intp
        In [0, n]. What is beyond the first and the last byte is not known, and no border.
    """
    inside = (at > 0) & (at < len(content))
    found = np.zeros(len(at), np.bool_)
    before, after = _CLASSES[content[at[inside] - 1]], _CLASSES[content[at[inside]]]
    found[inside] = (before != after) | (after == _SEPARATOR)
    return found


class Rolling:
    """Hashes of any stretch of some bytes, after one pass over them."""

    _powers: Hashes = np.ones(1, np.uint64)
    _unpowers: Hashes = np.ones(1, np.uint64)

    def __init__(self, content: npt.NDArray[np.uint8]) -> None:
        _grow(len(content) + 1)
        self._sums = np.zeros(len(content) + 1, np.uint64)
        np.cumsum(_VALUES[content] * Rolling._powers[: len(content)], out=self._sums[1:])

    def of(self, start: Indices, stop: Indices) -> Hashes:
        """Hash the bytes from each start to before its stop."""
        return np.asarray((self._sums[stop] - self._sums[start]) * Rolling._unpowers[start])


def _grow(n: int) -> None:
    if len(Rolling._powers) < n:
        size = 1 << max(16, (n - 1).bit_length())
        for name, base in (("_powers", _BASE), ("_unpowers", _UNBASE)):
            steps = np.full(size, base, np.uint64)
            steps[0] = 1
            # Products wrap around, which is what a hash wants.
            setattr(Rolling, name, np.cumprod(steps))


class Sieve:
    """A set of hashes in a few bits each: never misses one, and lets some others through."""

    def __init__(self, hashes: Hashes) -> None:
        bits = max(16, min(30, (16 * max(1, len(hashes)) - 1).bit_length()))
        self._shift = np.uint64(64 - bits)
        self._bits = np.zeros(1 << (bits - 3), np.uint8)
        places = (hashes * _MIX) >> self._shift
        np.bitwise_or.at(
            self._bits, (places >> np.uint64(3)).astype(np.intp), np.uint8(1) << _low(places)
        )

    def __contains__(self, hashes: Hashes) -> bool:
        return bool(self.passing(hashes).any())

    def passing(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Tell which hashes may be in the set."""
        places = (hashes * _MIX) >> self._shift
        found = self._bits[(places >> np.uint64(3)).astype(np.intp)] >> _low(places)
        return (found & 1).astype(np.bool_)


def _low(places: Hashes) -> npt.NDArray[np.uint8]:
    return np.asarray(places & np.uint64(7)).astype(np.uint8)


def distinct(*parts: Hashes) -> Hashes:
    """Give all hashes once, in order."""
    # np.unique hashes again, by the low bits, which are the weak ones here: 100 times slower.
    ordered = np.sort(np.concatenate([np.zeros(0, np.uint64), *parts]))
    new = np.ones(len(ordered), np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    return np.asarray(ordered[new])


def within(hashes: Hashes, ordered: Hashes) -> npt.NDArray[np.bool_]:
    """Tell which hashes are in an ordered array."""
    if not len(ordered):
        return np.zeros(len(hashes), np.bool_)
    place = np.minimum(np.searchsorted(ordered, hashes), len(ordered) - 1)
    return np.asarray(ordered[place] == hashes)


# --- texts as runs of letters and digits ----------------------------------------------------------


@dataclass(frozen=True)
class Runs:
    """Some texts, taken apart.

    Attributes
    ----------
    texts : int
    owner : ndarray of intp, shape (R,)
        The text of each run.
    start, stop : ndarray of intp, shape (R,)
        Where it stands among all letters and digits.
    letters : ndarray of bool, shape (R,)
        Whether it is one of letters.
    characters : ndarray of intp, shape (R,)
    rolling : Rolling
        Over all letters and digits.
    """

    texts: int
    owner: Indices
    start: Indices
    stop: Indices
    letters: npt.NDArray[np.bool_]
    characters: Indices
    rolling: Rolling

    @classmethod
    def of(cls, texts: pa.Array) -> Runs:
        """Take texts apart; null is as empty as the empty one."""
        plain = pc.fill_null(texts.cast(pa.large_string()), "")
        content, offsets = _buffers(plain)
        if len(content) and int(content.max()) >= 128:
            narrow = folded(plain)
            # Signs beyond ASCII are neither letters nor digits.
            narrow = pc.replace_substring_regex(narrow, r"[^\p{L}\p{M}\p{N}]+", " ")
            content, offsets = _buffers(narrow.cast(pa.large_string()))
        capital = (content >= ord("A")) & (content <= ord("Z"))
        content = np.where(capital, content + np.uint8(32), content)
        kinds = _CLASSES[content]
        owner = np.repeat(np.arange(len(plain)), np.diff(offsets))
        kept = np.flatnonzero(kinds)
        kinds, owner, content = kinds[kept], owner[kept], content[kept]
        new = np.ones(len(kept), np.bool_)
        new[1:] = (kinds[1:] != kinds[:-1]) | (np.diff(kept) != 1) | (owner[1:] != owner[:-1])
        start = np.flatnonzero(new)
        stop = np.r_[start[1:], len(kept)].astype(np.intp)[: len(start)]
        # Of each character of UTF-8 one byte is no continuation.
        counted = np.r_[0, np.cumsum((content & 0xC0) != 0x80)]
        return cls(
            len(plain),
            owner[start],
            start,
            stop,
            kinds[start] == _LETTER,
            counted[stop] - counted[start],
            Rolling(content),
        )

    def hashes(self) -> Hashes:
        """Hash every run."""
        return self.rolling.of(self.start, self.stop)

    def bounds(self) -> tuple[Indices, Indices]:
        """Give the first run of each text, and the one after its last; equal without any."""
        runs = np.arange(self.texts)
        return (
            np.searchsorted(self.owner, runs, side="left"),
            np.searchsorted(self.owner, runs, side="right"),
        )


def _buffers(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    if not len(texts):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    _, places, content = texts.buffers()
    offsets = np.frombuffer(places, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    whole = np.zeros(0, np.uint8) if content is None else np.frombuffer(content, np.uint8)
    return whole[offsets[0] : offsets[-1]], offsets - offsets[0]


@dataclass(frozen=True)
class Whole:
    """Texts as one hash each.

    Attributes
    ----------
    hashes : ndarray of uint64, shape (n,)
        0 where a text has neither letters nor digits.
    characters, runs : ndarray of intp, shape (n,)
        Letters and digits, and runs of them.
    prefixes : ndarray of uint64
        Of what a text that holds one of them may begin with.
    """

    hashes: Hashes
    characters: Indices
    runs: Indices
    prefixes: Hashes

    @classmethod
    def of(cls, texts: pa.Array, *, prefixes: bool) -> Whole:
        """Hash whole texts, piece by piece."""
        parts = [_whole(Runs.of(piece), prefixes) for _, piece in pieces(texts)]
        if not parts:
            nothing = np.zeros(0, np.intp)
            return cls(np.zeros(0, np.uint64), nothing, nothing, np.zeros(0, np.uint64))
        return cls(
            np.concatenate([part.hashes for part in parts]),
            np.concatenate([part.characters for part in parts]),
            np.concatenate([part.runs for part in parts]),
            np.concatenate([part.prefixes for part in parts]),
        )


def _whole(runs: Runs, prefixes: bool) -> Whole:
    first, after = runs.bounds()
    some = np.flatnonzero(after > first)
    start, stop = runs.start[first[some]], runs.stop[after[some] - 1]
    hashes = np.zeros(runs.texts, np.uint64)
    hashes[some] = np.maximum(runs.rolling.of(start, stop), np.uint64(1))
    characters = np.bincount(runs.owner, weights=runs.characters, minlength=runs.texts)
    begun = np.zeros(0, np.uint64)
    if prefixes:
        begun = runs.rolling.of(runs.start[first[runs.owner]], runs.stop)
        # Numbers are written with gaps here and without there: they may begin with any digits.
        mixed = np.bincount(runs.owner, weights=~runs.letters, minlength=runs.texts)[some] > 0
        start, stop = start[mixed], np.minimum(stop, start + _PREFIXES)[mixed]
        length = stop - start
        at = np.repeat(start, length)
        step = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
        begun = distinct(begun, runs.rolling.of(at, at + step + 1))
    return Whole(hashes, characters.astype(np.intp), (after - first).astype(np.intp), begun)


def pieces(texts: pa.Array) -> Iterator[tuple[int, pa.Array]]:
    """Give texts in pieces of bounded bytes, each with the number of its first text."""
    lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
    sums = np.cumsum(lengths, dtype=np.int64)
    first = 0
    while first < len(texts):
        done = int(sums[first - 1]) if first else 0
        after = max(first + 1, int(np.searchsorted(sums, done + _BYTES, side="right")))
        yield first, texts.slice(first, after - first)
        first = after


@dataclass(frozen=True)
class Found:
    """Texts found in others.

    Attributes
    ----------
    owner : ndarray of intp, shape (F,)
        The text that holds it.
    hashes : ndarray of uint64, shape (F,)
        What it holds.
    whole : ndarray of bool, shape (F,)
        Whether it holds nothing else.
    """

    owner: Indices
    hashes: Hashes
    whole: npt.NDArray[np.bool_]


def search(texts: pa.Array, wanted: Hashes, sieve: Sieve, longest: int) -> Found:
    """Find whole texts, by their hashes, in other texts.

    Parameters
    ----------
    texts : pyarrow.Array of text
    wanted : ndarray of uint64
        In order.
    sieve : Sieve
        Holds what they begin with, and themselves.
    longest : int
        Runs that any of them has at most.
    """
    parts = [
        _search(first, Runs.of(part), wanted, sieve, longest)
        for first, piece in pieces(texts)
        for part in _shortened(piece)
    ]
    owner = np.concatenate([part.owner for part in parts] or [np.zeros(0, np.intp)])
    hashes = np.concatenate([part.hashes for part in parts] or [np.zeros(0, np.uint64)])
    whole = np.concatenate([part.whole for part in parts] or [np.zeros(0, np.bool_)])
    # The same text twice in another is found once; where it is all there is, that counts.
    order = np.lexsort((~whole, hashes, owner))
    owner, hashes, whole = owner[order], hashes[order], whole[order]
    new = np.ones(len(owner), np.bool_)
    new[1:] = (owner[1:] != owner[:-1]) | (hashes[1:] != hashes[:-1])
    return Found(owner[new], hashes[new], whole[new])


def _shortened(piece: pa.Array) -> Iterable[pa.Array]:
    """Cut a text of enormous length, which is always alone in its piece, into overlapping ones."""
    if len(piece) != 1 or not piece[0].is_valid:
        return [piece]
    text = piece[0].as_py()
    if len(text) <= _BYTES:
        return [piece]
    step = _BYTES - _OVERLAP
    return (pa.array([text[at : at + _BYTES]]) for at in range(0, len(text), step))


def _search(base: int, runs: Runs, wanted: Hashes, sieve: Sieve, longest: int) -> Found:
    first, after = runs.bounds()
    begin = last = np.arange(len(runs.start))
    owners, hashes, wholes = [], [], []
    for _ in range(longest):
        if not len(begin):
            break
        hashed = np.maximum(runs.rolling.of(runs.start[begin], runs.stop[last]), np.uint64(1))
        going = sieve.passing(hashed)
        begin, last, hashed = begin[going], last[going], hashed[going]
        owner = runs.owner[begin]
        hit = within(hashed, wanted)
        owners.append(owner[hit] + base)
        hashes.append(hashed[hit])
        wholes.append((begin == first[owner])[hit] & (last + 1 == after[owner])[hit])
        more = last + 1 < after[owner]
        begin, last = begin[more], last[more] + 1
    if not owners:
        return Found(np.zeros(0, np.intp), np.zeros(0, np.uint64), np.zeros(0, np.bool_))
    return Found(np.concatenate(owners), np.concatenate(hashes), np.concatenate(wholes))
