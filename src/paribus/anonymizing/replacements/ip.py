"""An address of a machine; those of one network stay in one network."""

from __future__ import annotations

import socket
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from paribus._plugins import Whole
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._identifiers import flags, patched
from paribus.anonymizing.replacements.base import OfText

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|0?[0-9]{1,2})"
_FOUR = (
    rf"^\s*(?P<address>{_OCTET}(?:\.{_OCTET}){{3}})"
    r"(?P<rest>(?::[0-9]{1,5}|/[0-9]{1,2})?)\s*$"
)
_SIX = (
    r"^\s*\[?(?P<address>[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)(?:%[^\]/\s]*)?"
    r"(?P<rest>(?:\]?:[0-9]{1,5}|\]?/[0-9]{1,3})?)\]?\s*$"
)
_APART_4 = ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
            "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4")  # fmt: skip
_APART_6 = ("::/8", "2000::/3", "fc00::/7", "fe80::/10", "ff00::/8")

_Bits = npt.NDArray[np.bool_]


class Ip(OfText):
    """Permutes addresses so that two share as many leading bits afterwards as they did before.

    The construction of Crypto-PAn (Xu, Fan, Ammar and Moon 2002, ICNP, 280-289) with AES-256: each
    bit is turned or not by a keyed function of the bits before it. Two bits are set apart: the last
    one is always turned, so no address is its own fake; and those that lead to a range of special
    use (private, loopback, link-local, shared, multicast and reserved addresses; RFC 6890) never
    are, so that such an address stays in its range and no other gets into one. An address that
    shares its first bits with such a range therefore keeps those.

    IPv4 within IPv6 (``::ffff:10.0.0.1``) becomes what the IPv4 address becomes. A port and the
    length of a network stay, the zone (``%eth0``) does not. What is no address becomes one of
    2001:db8::/32, reserved for documentation (RFC 3849), with 64 bits of digest.

    Parameters
    ----------
    keep_network : int
        Leading bits that stay, from 0 to 31: 8 or 16 keep the network and so the provider.

    Examples
    --------
    >>> key = Key(b"a secret of some length")
    >>> fakes = Ip().fakes(pa.array(["10.1.2.3", "10.1.2.77"]), key).to_pylist()
    >>> [fake.split(".")[0] for fake in fakes], len({fake.rpartition(".")[0] for fake in fakes})
    (['10', '10'], 1)
    """

    kind: Literal["ip"] = "ip"
    keep_network: Annotated[Whole, Field(ge=0, le=31)] = 0

    numbers: ClassVar[bool] = False

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        four = flags(pc.match_substring_regex(texts, _FOUR))
        found = pc.extract_regex(texts.filter(pa.array(four)), _FOUR)
        octets = pc.split_pattern(found.field("address"), ".").flatten().cast(pa.uint8())
        # Numbers, and not machines, may have zeros in front: they get the fake of the machine.
        raw = octets.to_numpy().reshape(-1, 4)
        made = pc.binary_join_element_wise(
            _dotted(self._turned(raw, key, _APART_4)), found.field("rest"), ""
        )
        rest = np.flatnonzero(~four)
        others = self._others(texts.take(pa.array(rest)), key) if len(rest) else texts[:0]
        return patched(texts, [(four, made), (~four, others)])

    def _others(self, texts: pa.Array, key: Key) -> pa.Array:
        found = pc.extract_regex(texts, _SIX)
        packed = [_packed(each) for each in found.field("address").to_pylist()]
        six = np.array([each is not None for each in packed], np.bool_)
        known = b"".join([each for each in packed if each is not None])
        raw = np.frombuffer(known, np.uint8).reshape(-1, 16)
        made = self._turned(raw, key, _APART_6)
        inner = (raw[:, :10] == 0).all(1) & (raw[:, 10:12] == 255).all(1)
        if inner.any():
            made[inner] = raw[inner]
            made[inner, 12:] = self._turned(raw[inner, 12:], key, _APART_4)
        shown = pa.array([_shown(each.tobytes()) for each in made], pa.string())
        tail = found.field("rest").filter(pa.array(six))
        bracket = pc.if_else(pc.starts_with(tail, "]"), "[", "")
        shown = pc.binary_join_element_wise(bracket, shown, tail, "")
        words = key.words(texts.filter(pa.array(~six)), f"{self.realm_}/other")[:, 0]
        prefix = bytes.fromhex("20010db800000000")
        rubbish = [_shown(prefix + int(word).to_bytes(8, "big")) for word in words]
        return patched(texts, [(six, shown), (~six, pa.array(rubbish, pa.string()))])

    def _turned(
        self, raw: npt.NDArray[np.uint8], key: Key, apart: tuple[str, ...]
    ) -> npt.NDArray[np.uint8]:
        """Turn the bits of addresses, shape (n, 4 or 16)."""
        bits = np.unpackbits(raw, axis=1).astype(np.bool_)
        width = bits.shape[1]
        turned = key.turned(bits, f"{self.realm_}/{width}")
        turned[:, -1] = True
        for block in apart:
            begin, _, length = block.partition("/")
            family = socket.AF_INET if width == 32 else socket.AF_INET6
            path = np.unpackbits(np.frombuffer(socket.inet_pton(family, begin), np.uint8))
            leads = np.ones(len(bits), np.bool_)
            for j in range(int(length)):
                turned[leads, j] = False
                leads &= bits[:, j] == path[j]
        turned[:, : self.keep_network] = False
        return np.packbits(bits ^ turned, axis=1)


def _dotted(raw: npt.NDArray[np.uint8]) -> pa.Array:
    octets = pa.array([str(i) for i in range(256)])
    return pc.binary_join_element_wise(*(octets.take(pa.array(raw[:, j])) for j in range(4)), ".")


def _shown(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6, packed)


def _packed(text: str | None) -> bytes | None:
    try:
        return None if text is None else socket.inet_pton(socket.AF_INET6, text)
    except (OSError, UnicodeError):
        return None
