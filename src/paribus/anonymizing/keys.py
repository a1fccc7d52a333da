"""The secret that chooses every fake, and the only two things done with it.

Text becomes words of a keyed BLAKE2b (RFC 7693); strings of a fixed format are permuted among all
strings of that format. Without the key neither can be computed or looked up, and nothing has to be
remembered to get the same fakes again.
"""

from __future__ import annotations

import os
import secrets
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.errors import SpecError

SHORTEST = 16
"""Bytes of a key at least: 128 bits."""

_LONGEST = 4096
"""Bytes of a key file at most."""
_ROUNDS = 10
_SMALL = 1 << 12
"""Formats of as few strings are permuted by a list of them all."""
_WHOLE = 1 << 62
"""Formats of as few strings are permuted as numbers, which are cut in two equal halves."""
_CYCLE = 1 << 48
"""Formats of as few strings are permuted as one cycle, so that none stays what it was."""
_LIMB = 40
"""Bits of a part at most: what AES gives has 64, so no remainder is noticeably likelier."""
_ROWS = 1 << 13
"""Rows worked on at a time: few enough for the caches."""
_HASHES = 1 << 12
"""Texts hashed at a time: few enough for the caches."""

_Words = npt.NDArray[np.uint64]


class Key:
    """A secret of 16 bytes or more. It is never shown, saved or pickled.

    Parameters
    ----------
    secret : bytes
        Best drawn by chance: `Key.fresh`, or ``head -c 32 /dev/urandom > FILE``.

    Raises
    ------
    SpecError
        Where it is shorter than 16 bytes, or all of its bytes are the same.

    Examples
    --------
    >>> key = Key.fresh()
    >>> key
    Key(...)
    >>> bool((key.words(pa.array(["Ann"]), "name") == key.words(pa.array(["Ann"]), "name")).all())
    True
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SHORTEST:
            raise SpecError(
                f"the key has {len(secret)} bytes and needs at least {SHORTEST}; make one with: "
                "head -c 32 /dev/urandom > FILE",
                path="$.key",
            )
        if len(set(secret)) == 1:
            raise SpecError("all bytes of the key are the same; draw one by chance", path="$.key")
        # One length for all, whatever people wrote.
        self._secret = blake2b(secret, digest_size=32, person=b"paribus key").digest()

    @classmethod
    def fresh(cls) -> Key:
        """Draw a key that nobody else has. Thrown away, nothing can be looked up any more."""
        return cls(secrets.token_bytes(32))

    @classmethod
    def read(cls, file: str | Path) -> Key:
        """Read a key from a file: all of its bytes.

        The line break that editors put behind text is no part of it; bytes that happen to end in
        one keep it.

        Raises
        ------
        SpecError
            Where it cannot be read, is too short, or has more than 4096 bytes.
        """
        try:
            with Path(file).open("rb") as opened:
                # What never ends, such as /dev/urandom, is another key every time.
                secret = opened.read(_LONGEST + 1)
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else "no path holds that"
            raise SpecError(
                f'the key file "{file}" cannot be read: {said}', path="$.key_file"
            ) from None
        if len(secret) > _LONGEST:
            raise SpecError(
                f'"{file}": a key has at most {_LONGEST} bytes; make one with: '
                "head -c 32 /dev/urandom > FILE",
                path="$.key_file",
            )
        text = secret.removesuffix(b"\n").removesuffix(b"\r")
        # Of bytes drawn by chance the undecodable become surrogates, which nobody prints.
        if text.decode("utf-8", "surrogateescape").isprintable():
            secret = text
        try:
            return cls(secret)
        except SpecError as error:
            raise SpecError(f'"{file}": {error.message}', path="$.key_file") from None

    @classmethod
    def of_environment(cls, name: str) -> Key:
        """Read a key from an environment variable.

        Raises
        ------
        SpecError
            Where there is no such variable, or it is too short.
        """
        secret = os.environ.get(name)
        if secret is None:
            raise SpecError(f'there is no environment variable "{name}"', path="$.key_env")
        try:
            return cls(secret.encode("utf-8", "surrogateescape"))
        except SpecError as error:
            raise SpecError(f'"{name}": {error.message}', path="$.key_env") from None

    def __repr__(self) -> str:
        return "Key(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not saved with anything; read it again where it is needed")

    # --- what it chooses --------------------------------------------------------------------------

    def words(self, texts: pa.Array, realm: str, words: int = 1) -> npt.NDArray[np.uint64]:
        """Give numbers that stand for texts, and that nobody without the key can compute.

        Parameters
        ----------
        texts : pyarrow.Array of string or large_string, shape (n,)
            Without nulls; best distinct, since each is hashed.
        realm : str
            The same text gives other numbers in another realm.
        words : int
            Numbers per text, from 1 to 8.

        Returns
        -------
        ndarray of uint64, shape (n, words)
        """
        if not len(texts):
            return np.empty((0, words), np.uint64)
        # A key of its own for every realm: realms may be longer than what BLAKE2b calls a person.
        secret = _derived(self._secret, f"words\x00{realm}")
        # To copy a keyed state costs less than to key another.
        fresh, digests = blake2b(key=secret, digest_size=8 * words).copy, bytearray()
        for start in range(0, len(texts), _HASHES):
            some = []
            for each in _bytes(texts.slice(start, _HASHES)):
                state = fresh()
                state.update(each)
                some.append(state.digest())
            digests += b"".join(some)
        found = np.frombuffer(digests, dtype="<u8").astype(np.uint64, copy=False)
        return found.reshape(len(texts), words)

    def permuted(
        self, digits: npt.NDArray[Any], radices: npt.ArrayLike, realm: str
    ) -> npt.NDArray[Any]:
        """Permute the strings of one format among themselves: distinct ones stay distinct.

        Parameters
        ----------
        digits : ndarray of unsigned integers, shape (n, length)
            One string a row; position ``j`` holds a digit below its radix.
        radices : array-like of int, shape (length,) or (n, length)
            How many digits each position knows, from 1 to 2**20: 10 for decimal ones, 26 for
            letters. One row for all, or one for each string: the radices of a string are its
            format, and what becomes of it does not depend on the formats of others.
        realm : str
            Another realm has another permutation, and so has another format.

        Returns
        -------
        ndarray, shape (n, length)
            Of the type of `digits`. No string of a format of 2 to 2**48 strings is what it was; of
            a larger format each one is so with a chance of less than 2**-48.

        Notes
        -----
        A Feistel network of 10 rounds with modular addition and AES-256 as its round function, in
        the manner of FF1 (NIST SP 800-38G, 2016), extended to positions of different radices; the
        format is what NIST calls the tweak. It is a permutation for any round function, so no two
        strings can meet. In a format of up to 2**62 strings these are numbered and the halves are
        equal; what falls out of the range is permuted again until it is back (cycle walking: Black
        and Rogaway 2002, CT-RSA, 114-130). Up to 2**48, the permutation is
        ``decrypt(encrypt(x) + 1)``: one cycle through all strings, drawn by the key among all such
        cycles, so nothing stays. Formats of few strings (fewer than about a million) are permuted
        too, but whoever can have many of them replaced could list them all.

        Examples
        --------
        >>> key = Key(b"a secret of some length")
        >>> every = np.arange(10, dtype=np.uint8)[:, None]
        >>> fakes = key.permuted(every, [10], "id")[:, 0]
        >>> sorted(fakes.tolist()) == list(range(10)), bool((fakes == every[:, 0]).any())
        (True, False)
        """
        base = np.atleast_2d(np.asarray(radices, dtype=np.uint64))
        out = digits.copy()
        if not out.size:
            return out
        secret = _derived(self._secret, f"permuted\x00{realm}")
        formats, which = _distinct(base)
        sizes = np.ones(len(formats))
        for j in range(formats.shape[1]):
            sizes = np.minimum(sizes * formats[:, j], 1e30)
        # As numbers, as rows of limbs, or one by one from a list.
        ways = np.where(sizes <= _SMALL, 0, np.where(sizes <= _WHOLE, 1, 2))
        widths = np.where(ways == 2, [max(int(r) - 1, 1).bit_length() for r in formats.max(1)], 0)
        if formats.shape[1] == 1:
            ways[ways == 2] = 1
        tweaks = np.frombuffer(
            b"".join([_derived(secret, each.astype("<u8").tobytes())[:16] for each in formats]),
            "<u8",
        ).reshape(-1, 2)
        ciphers = _Ciphers(secret)
        for way, width in sorted(set(zip(ways.tolist(), widths.tolist(), strict=True))):
            chosen = np.flatnonzero((ways == way) & (widths == width))
            if len(formats) == 1:
                rows = np.arange(len(out))
            else:
                rows = np.flatnonzero(np.isin(which, chosen))
            for start in range(0, len(rows), _ROWS):
                some = rows[start : start + _ROWS]
                if len(formats) == 1:
                    of, given = np.zeros(len(some), np.intp), digits[some[0] : some[-1] + 1]
                    own, tweak = formats, tweaks
                else:
                    of, given = which[some], digits[some]
                    own, tweak = formats[of], tweaks[of]
                if way == 0:
                    made = _listed(given, formats, of, tweaks, ciphers)
                elif way == 1:
                    size = _products(formats, chosen)[of if len(formats) > 1 else [0]]
                    made = _digits(_among(_number(given, own), size, tweak, ciphers), own)
                else:
                    made = _limbed(given, own, width, tweak, ciphers)
                out[some] = made
        return out

    def permuted_numbers(self, numbers: _Words, size: int, realm: str) -> _Words:
        """Permute whole numbers below a size among themselves: distinct ones stay distinct.

        Parameters
        ----------
        numbers : ndarray of uint64, shape (n,)
            From 0 to ``size - 1``.
        size : int
            From 1 to 2**64.
        realm : str
            Another realm has another permutation, and so has another size.

        Returns
        -------
        ndarray of uint64, shape (n,)
            None is what it was where `size` is 2 to 2**48, as in `permuted`.
        """
        secret = _derived(self._secret, f"permuted\x00{realm}")
        tweak = np.frombuffer(_derived(secret, f"numbers\x00{size}")[:16], "<u8").reshape(1, 2)
        ciphers = _Ciphers(secret)
        if not len(numbers):
            return numbers.copy()
        if size <= _SMALL:
            return _cycle(size, tweak[0], ciphers)[numbers.astype(np.intp)]
        sizes = np.array([size], np.uint64) if size < 1 << 64 else None
        return np.concatenate(
            [
                _among(numbers[i : i + _ROWS], sizes, tweak, ciphers)
                for i in range(0, len(numbers), _ROWS)
            ]
        )

    def turned(self, bits: npt.NDArray[np.bool_], realm: str) -> npt.NDArray[np.bool_]:
        """Say of each bit whether it is turned, by the bits before it.

        Parameters
        ----------
        bits : ndarray of bool, shape (n, length)
            At most 128 of them.
        realm : str

        Returns
        -------
        ndarray of bool, shape (n, length)
            The same for all that share the bits before: ``bits ^ turned`` is a permutation, and two
            share as many leading bits after it as before (Xu, Fan, Ammar and Moon 2002, ICNP).
        """
        n, length = bits.shape
        out = np.empty((n, length), np.bool_)
        if not n:
            return out
        ciphers = _Ciphers(_derived(self._secret, f"turned\x00{realm}"))
        wide = np.zeros((n, 128), np.bool_)
        for j in range(length):
            # What comes before, then a one: no two lengths ask the same.
            wide[:, j] = True
            block = np.packbits(wide, axis=1).view("<u8")
            out[:, j] = _said(ciphers.answer, block)[:, 0] & np.uint64(1)
            wide[:, j] = bits[:, j]
        return out


def _bytes(texts: pa.Array) -> list[bytes]:
    found: list[bytes] = texts.cast(
        pa.large_binary() if pa.types.is_large_string(texts.type) else pa.binary()
    ).to_pylist()
    return found


def _derived(secret: bytes, purpose: str | bytes) -> bytes:
    told = purpose.encode() if isinstance(purpose, str) else purpose
    return blake2b(told, key=secret, digest_size=32).digest()


# --- permutations ---------------------------------------------------------------------------------


class _Ciphers:
    """AES-256 under two keys: one to answer rounds, one to draw out what it answers."""

    def __init__(self, secret: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        # Single blocks, each a distinct question: what ECB is unfit for does not arise.
        self.answer, self.drawn = (
            Cipher(algorithms.AES(_derived(secret, use)), modes.ECB()).encryptor()  # noqa: S305
            for use in (b"answer", b"drawn")
        )


def _said(encryptor: Any, block: _Words) -> _Words:
    """Encrypt blocks, shape (n, 2)."""
    said = encryptor.update(block.reshape(-1).view(np.uint8))
    return np.frombuffer(said, "<u8").reshape(-1, 2)


def _distinct(rows: _Words) -> tuple[_Words, npt.NDArray[np.intp]]:
    """Give the distinct rows, and which of them each row is."""
    if len(rows) == 1 or bool((rows == rows[0]).all()):
        return rows[:1], np.zeros(len(rows), np.intp)
    # Sorted by a sum that tells rows apart nearly always; where it does not, by themselves.
    odd = np.random.Generator(np.random.PCG64(1)).integers(1, 1 << 63, rows.shape[1], np.uint64)
    marks = (rows * (odd * np.uint64(2) + np.uint64(1))).sum(1, dtype=np.uint64)
    _, first, which = np.unique(marks, return_index=True, return_inverse=True)
    if not bool((rows[first][which] == rows).all()):
        found, which = np.unique(rows, axis=0, return_inverse=True)
        return found, which.reshape(-1)
    return rows[first], which.reshape(-1)


def _size(radices: _Words) -> int:
    product = 1
    for radix in radices.tolist():
        product *= radix
    return product


def _products(formats: _Words, chosen: npt.NDArray[np.intp]) -> _Words:
    """Give how many strings the chosen formats have; others may have more than fit."""
    found = np.ones(len(formats), np.uint64)
    found[chosen] = formats[chosen].prod(1, dtype=np.uint64)
    return found


def _number(digits: npt.NDArray[Any], radices: _Words) -> _Words:
    value = np.zeros(len(digits), np.uint64)
    for j in range(radices.shape[1]):
        value = value * radices[:, j] + digits[:, j]
    return value


def _digits(value: _Words, radices: _Words) -> _Words:
    out = np.empty((len(value), radices.shape[1]), np.uint64)
    for j in range(radices.shape[1] - 1, -1, -1):
        value, out[:, j] = _parted(value, radices[:, j])
    return out


def _parted(value: _Words, by: _Words) -> tuple[_Words, _Words]:
    # Division by one number for all is what numpy does fast.
    divisor = by[0] if len(by) == 1 else by
    whole = value // divisor
    rest = whole * divisor
    return whole, np.subtract(value, rest, out=rest)


def _rest(value: _Words, by: _Words) -> _Words:
    return _parted(value, by)[1]


# Few strings: all of them in a row, drawn by the key; each becomes the next.


def _cycle(size: int, tweak: _Words, ciphers: _Ciphers) -> _Words:
    block = np.empty((size, 2), np.uint64)
    block[:, 0] = tweak[0] ^ np.arange(size, dtype=np.uint64)
    block[:, 1] = tweak[1]
    order = np.argsort(_said(ciphers.answer, block)[:, 0], kind="stable")
    after = np.empty(size, np.uint64)
    after[order] = np.roll(order, -1)
    return after


def _listed(
    digits: npt.NDArray[Any],
    formats: _Words,
    of: npt.NDArray[np.intp],
    tweaks: _Words,
    ciphers: _Ciphers,
) -> _Words:
    out = np.empty(digits.shape, np.uint64)
    order = np.argsort(of, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(of[order])) + 1):
        which = int(of[rows[0]])
        base = formats[which : which + 1]
        after = _cycle(_size(base[0]), tweaks[which], ciphers)
        out[rows] = _digits(after[_number(digits[rows], base).astype(np.intp)], base)
    return out


# More strings: as numbers of two halves.


def _among(value: _Words, sizes: _Words | None, tweaks: _Words, ciphers: _Ciphers) -> _Words:
    """Permute numbers below `sizes` (2**64 where there are none), walking until they are below."""
    if sizes is None:
        left = right = np.array([1 << 32], np.uint64)
    else:
        right = np.ceil(np.sqrt(sizes.astype(float))).astype(np.uint64)
        left = (sizes - np.uint64(1)) // right + np.uint64(1)
    cycle = np.zeros(1, bool) if sizes is None else sizes <= _CYCLE
    out, rows = np.empty(len(value), np.uint64), np.arange(len(value))
    one = len(left) == 1
    while len(rows):
        own = slice(0, 1) if one else rows
        bounds, iv = [left[own], right[own]], tweaks[slice(0, 1) if len(tweaks) == 1 else rows]
        halves = list(_parted(value, bounds[1]))
        _feistel(halves, bounds, iv, ciphers)
        turned = cycle[own]
        if turned.any():
            moved = [each.copy() for each in halves]
            moved[1] += np.uint64(1)
            over = moved[1] == bounds[1]
            moved[1][over] = 0
            moved[0] = _rest(moved[0] + over, bounds[0])
            _feistel(moved, bounds, iv, ciphers, back=True)
            halves = [np.where(turned, new, old) for new, old in zip(moved, halves, strict=True)]
        value = halves[0] * bounds[1] + halves[1]
        out[rows] = value
        if sizes is None:
            break
        beyond = value >= sizes[own]
        rows, value = rows[beyond], value[beyond]
    return out


# Many more: as two rows of limbs.


def _limbed(
    digits: npt.NDArray[Any], radices: _Words, width: int, tweaks: _Words, ciphers: _Ciphers
) -> _Words:
    length = digits.shape[1]
    count = max(2, -(-length // max(_LIMB // width, 1)))
    cuts = [i * length // count for i in range(count + 1)]
    limbs = [_number(digits[:, a:b], radices[:, a:b]) for a, b in pairwise(cuts)]
    bounds = [radices[:, a:b].prod(1, dtype=np.uint64) for a, b in pairwise(cuts)]
    _feistel(limbs, bounds, tweaks, ciphers)
    return np.concatenate(
        [
            _digits(limb, radices[:, a:b])
            for limb, (a, b) in zip(limbs, pairwise(cuts), strict=True)
        ],
        axis=1,
    )


def _feistel(
    limbs: list[_Words],
    bounds: list[_Words],
    tweaks: _Words,
    ciphers: _Ciphers,
    *,
    back: bool = False,
) -> None:
    """Turn the limbs in place: each half in turn is moved by what AES says of the other."""
    half = len(limbs) // 2
    sides = (range(half), range(half, len(limbs)))
    for turn in reversed(range(_ROUNDS)) if back else range(_ROUNDS):
        moved, asked = sides[turn % 2], sides[1 - turn % 2]
        words = _answers([limbs[j] for j in asked], turn, tweaks, ciphers, len(moved))
        for word, j in zip(words, moved, strict=False):
            total = _rest(word, bounds[j])
            if back:
                np.subtract(bounds[j], total, out=total)
            total += limbs[j]
            # What is too small for the bound to be taken off becomes larger by it, modulo 2**64.
            limbs[j] = np.minimum(total, total - bounds[j], out=total)


def _answers(
    asked: list[_Words], turn: int, tweaks: _Words, ciphers: _Ciphers, many: int
) -> list[_Words]:
    """Give words that depend on the limbs asked, by CBC-MAC: their number is of the format."""
    state: _Words = tweaks
    for i in range(0, len(asked), 2):
        block = np.empty((len(asked[0]), 2), np.uint64)
        # Limbs are below 2**40: the round stands above them.
        np.bitwise_xor(asked[i], state[:, 0], out=block[:, 0])
        if i == 0:
            block[:, 0] ^= np.uint64(turn << 56)
        if i + 1 < len(asked):
            np.bitwise_xor(asked[i + 1], state[:, 1], out=block[:, 1])
        else:
            block[:, 1] = state[:, 1]
        state = _said(ciphers.answer, block)
    if many <= 2:
        return [state[:, j].copy() for j in range(many)]
    words = []
    for counter in range((many + 1) // 2):
        block = state ^ np.array([counter, 0], np.uint64)
        said = _said(ciphers.drawn, block)
        words += [said[:, 0].copy(), said[:, 1].copy()]
    return words
