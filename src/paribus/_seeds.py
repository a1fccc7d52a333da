"""Named random streams: person *i* depends only on the seed, the stream's name and *i*.

People are dealt in blocks of `BLOCK`. Each block of each stream has a counter-based generator of
its own (Philox), keyed by the seed and the name, with the block's number in the counter. So blocks
can be drawn in any order, by any engine, and a shorter block is a prefix of the full one.
"""

from __future__ import annotations

import hashlib
from typing import cast

import numpy as np
import numpy.typing as npt
from numpy.random.bit_generator import ISeedSequence

BLOCK = 65_536
"""People per block. Part of what a seed means: changing it changes every synthetic person."""


def generator(seed: int, name: str, block: int) -> np.random.Generator:
    """Open the random stream `name` at a block.

    Parameters
    ----------
    seed : int
        The audit's seed.
    name : str
        The stream: a field's name and what it is drawn for, such as ``"full_name/draw"``.
    block : int
        Number of the block, from 0.

    Returns
    -------
    numpy.random.Generator
        Independent of every other (seed, name, block).

    Examples
    --------
    >>> a = generator(42, "income/draw", 0).integers(0, 100, 3)
    >>> b = generator(42, "income/draw", 0).integers(0, 100, 5)
    >>> bool((a == b[:3]).all())
    True
    """
    digest = hashlib.blake2b(f"{seed}\x00{name}".encode(), digest_size=16).digest()
    key = np.frombuffer(digest, dtype="<u8").astype(np.uint64)
    words = cast("np.random.SeedSequence", _Key(key))
    return np.random.Generator(np.random.Philox(words, counter=[0, 0, 0, block]))


class _Key(ISeedSequence):
    """A key as it is. Handed over as `key`, numpy would ask the system for a seed besides."""

    def __init__(self, key: npt.NDArray[np.uint64]) -> None:
        self.key = key

    def generate_state(self, n_words: int, dtype: object = np.uint32) -> npt.NDArray[np.uint64]:
        """Give the key."""
        return self.key
