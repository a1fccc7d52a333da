"""The secret that chooses every fake, and the only two things done with it.

Text becomes words of a keyed BLAKE2b (RFC 7693); strings of a fixed format are permuted among all
strings of that format. Without the key neither can be computed or looked up, and nothing has to be
remembered to get the same fakes again.
"""

from __future__ import annotations

import os
import secrets
from hashlib import blake2b
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.errors import SpecError

SHORTEST = 16
"""Bytes of a key at least: 128 bits."""

_LONGEST = 64
_ROUNDS = 10
_HALF = 1 << 40
"""Size of half a chunk at most: what AES gives is 2**24 times as large, so no remainder is
noticeably more likely than another."""


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
        """Read a key from a file: all of its bytes, without line breaks at the end.

        Raises
        ------
        SpecError
            Where it cannot be read or is too short.
        """
        try:
            secret = Path(file).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise SpecError(
                f'the key file "{file}" cannot be read: {error.strerror}', path="$.key_file"
            ) from None
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
        # A key of its own for every realm: realms may be longer than what BLAKE2b calls a person.
        secret, size = _derived(self._secret, f"words\x00{realm}"), 8 * words
        digests = b"".join(
            [blake2b(each, key=secret, digest_size=size).digest() for each in _bytes(texts)]
        )
        found = np.frombuffer(digests, dtype="<u8").astype(np.uint64, copy=False)
        return found.reshape(len(texts), words)

    def permuted(
        self,
        digits: npt.NDArray[np.uint8],
        radices: npt.NDArray[np.uint8] | list[int],
        realm: str,
    ) -> npt.NDArray[np.uint8]:
        """Permute the strings of one format among themselves: distinct ones stay distinct.

        Parameters
        ----------
        digits : ndarray of uint8, shape (n, length)
            One string a row; position ``j`` holds a digit below ``radices[j]``.
        radices : array-like of uint8, shape (length,)
            How many digits each position knows: 10 for decimal ones, 26 for letters; at least 1.
        realm : str
            Another realm has another permutation, and so has another format.

        Returns
        -------
        ndarray of uint8, shape (n, length)

        Notes
        -----
        A Feistel network of 10 rounds with modular addition and AES-256 as its round function, in
        the manner of FF1 (NIST SP 800-38G, 2016), extended to positions of different radices. It
        is a permutation for any round function, so no two strings can meet. Formats of few
        strings (fewer than about a million) are permuted too, but whoever can have many of them
        replaced could list them all.
        """
        base = np.asarray(radices, dtype=np.uint8)
        if not digits.size:
            return digits.copy()
        chunks = _chunks(base)
        out = np.ascontiguousarray(digits, dtype=np.uint8).copy()
        shape = ",".join(map(str, base))
        secret = _derived(self._secret, f"permuted\x00{realm}\x00{shape}")
        # Once through all chunks leaves the first independent of what the last becomes.
        turns = 1 if len(chunks) == 1 else 2
        for turn in range(turns):
            for number, (left, right) in enumerate(chunks):
                salt = bytes([turn, number])
                tweak = _tweaks(out, left.start, right.stop, secret, salt) if turns > 1 else None
                a, b = _number(out[:, left], base[left]), _number(out[:, right], base[right])
                a, b = _feistel(
                    a, b, _size(base[left]), _size(base[right]), tweak, _derived(secret, salt)
                )
                out[:, left], out[:, right] = _digits(a, base[left]), _digits(b, base[right])
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


def _size(radices: npt.NDArray[np.uint8]) -> int:
    product = 1
    for radix in radices.tolist():
        product *= radix
    return product


def _chunks(radices: npt.NDArray[np.uint8]) -> list[tuple[slice, slice]]:
    """Cut positions into chunks of two halves, none larger than `_HALF`, the halves alike."""
    pieces: list[tuple[int, int]] = []
    start, size = 0, 1
    for place, radix in enumerate(radices.tolist()):
        if size * radix > _HALF:
            pieces.append((start, place))
            start, size = place, 1
        size *= radix
    pieces.append((start, len(radices)))
    chunks = []
    for i in range(0, len(pieces), 2):
        first, last = pieces[i][0], pieces[min(i + 1, len(pieces) - 1)][1]
        half, product = first, 1
        whole = _size(radices[first:last])
        while half < last - 1 and (product * int(radices[half])) ** 2 <= max(whole, 1):
            product *= int(radices[half])
            half += 1
        # The right half must fit too; where the even cut does not, the pieces themselves do.
        if _size(radices[half:last]) > _HALF or _size(radices[first:half]) > _HALF:
            half = pieces[i][1]
        chunks.append((slice(first, half), slice(half, last)))
    return chunks


def _number(digits: npt.NDArray[np.uint8], radices: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    value = np.zeros(len(digits), np.uint64)
    for j, radix in enumerate(radices.tolist()):
        value = value * np.uint64(radix) + digits[:, j]
    return value


def _digits(value: npt.NDArray[np.uint64], radices: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    out = np.empty((len(value), len(radices)), np.uint8)
    for j in range(len(radices) - 1, -1, -1):
        value, rest = np.divmod(value, np.uint64(radices[j]))
        out[:, j] = rest
    return out


def _feistel(
    a: npt.NDArray[np.uint64],
    b: npt.NDArray[np.uint64],
    left: int,
    right: int,
    tweak: npt.NDArray[np.uint64] | None,
    secret: bytes,
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    # Single blocks, each a distinct question: what ECB is unfit for does not arise.
    cipher = Cipher(algorithms.AES(secret), modes.ECB())  # noqa: S305
    block = np.zeros((len(a), 2), "<u8")
    for turn in range(_ROUNDS):
        even = turn % 2 == 0
        block[:, 0] = ((b if even else a) << np.uint64(8)) | np.uint64(turn)
        if tweak is not None:
            block[:, 1] = tweak
        encryptor = cipher.encryptor()
        said = encryptor.update(block.tobytes()) + encryptor.finalize()
        word = np.frombuffer(said, "<u8")[::2]
        if even:
            a = (a + word % np.uint64(left)) % np.uint64(left)
        else:
            b = (b + word % np.uint64(right)) % np.uint64(right)
    return a, b


def _tweaks(
    digits: npt.NDArray[np.uint8], start: int, stop: int, secret: bytes, salt: bytes
) -> npt.NDArray[np.uint64]:
    """Give a number for all that stands outside of a chunk."""
    outside = np.ascontiguousarray(np.delete(digits, np.s_[start:stop], axis=1))
    width, raw = outside.shape[1], outside.tobytes()
    key = _derived(secret, b"tweak" + salt)
    said = b"".join(
        [
            blake2b(raw[i : i + width], key=key, digest_size=8).digest()
            for i in range(0, len(raw), width)
        ]
    )
    return np.frombuffer(said, "<u8").astype(np.uint64)
