"""Pools of values for every level that a field follows, and text that needs no pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.table import Coded, Text

_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_HEX_PAIRS = np.stack([np.repeat(_HEX, 16), np.tile(_HEX, 16)], axis=1)
_BYTE_PAIRS = np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
_FOUR_DIGITS = _HEX_PAIRS[_BYTE_PAIRS].reshape(-1, 4).view(np.uint32).ravel()
"""For two bytes, seen as one number, the four characters that spell them, seen as one number."""

_UUID = np.dtype(
    {
        "names": [*(f"dash{i}" for i in range(4)), *(f"digits{i}" for i in range(8))],
        "formats": ["u1"] * 4 + ["u4"] * 8,
        "offsets": [8, 13, 18, 23, 0, 4, 9, 14, 19, 24, 28, 32],
        "itemsize": 36,
    }
)
"""The 36 characters of a UUID: eight times four digits, and four dashes between them."""


@dataclass(frozen=True, eq=False)
class Variants:
    """One pool for every variant (a level, or a combination of levels), laid end to end."""

    pool: pa.Array
    offsets: npt.NDArray[np.int32]
    sizes: npt.NDArray[np.int32]

    @classmethod
    def of(cls, pools: Sequence[pa.Array]) -> Variants:
        """Lay pools end to end; the same pool twice is kept once."""
        distinct: list[pa.Array] = []
        place = []
        for pool in pools:
            found = next((i for i, other in enumerate(distinct) if other is pool), None)
            if found is None:
                found = len(distinct)
                distinct.append(pool)
            place.append(found)
        sizes = np.array([len(pool) for pool in distinct], dtype=np.int32)
        offsets = (np.cumsum(sizes) - sizes).astype(np.int32)
        whole = pa.concat_arrays(distinct) if len(distinct) > 1 else distinct[0]
        return cls(whole, offsets[place], sizes[place])

    def pick(self, draws: npt.NDArray[np.uint32], variant: npt.NDArray[np.integer[Any]]) -> Coded:
        """Choose from the pool of a variant: the same draw gives the same relative position.

        Parameters
        ----------
        draws : ndarray of uint32, shape (n,)
            What chance gave each person, whatever the variant.
        variant : ndarray of int, shape (n,) or ()
            Number of the variant, for each person or for all.
        """
        size = self.sizes[variant].astype(np.uint64)
        codes = ((draws * size) >> np.uint64(32)).astype(np.int32)
        codes += self.offsets[variant]
        return Coded.of(codes, self.pool)


def uuids(raw: npt.NDArray[np.uint8]) -> Text:
    """Write random bytes, shape (n, 16), as version 4 UUIDs (RFC 9562, section 5.4)."""
    raw[:, 6] = (raw[:, 6] & 0x0F) | 0x40
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    digits = _FOUR_DIGITS[raw.view(np.uint16)]
    out = np.empty(len(raw), _UUID)
    for i in range(4):
        out[f"dash{i}"] = ord("-")
    for i in range(8):
        out[f"digits{i}"] = digits[:, i]
    # A block is far below 2 GB of text, so 32-bit offsets always do.
    offsets = np.arange(0, out.nbytes + 1, 36, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(out)]
    return Text(pa.Array.from_buffers(pa.string(), len(raw), buffers))
