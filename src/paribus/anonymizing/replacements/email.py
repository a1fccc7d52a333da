"""An address of a fake person at a reserved domain; a real domain's people stay together."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from paribus.anonymizing.keys import Key
from paribus.anonymizing.names import checked
from paribus.anonymizing.replacements._identifiers import (
    RESERVED,
    Flags,
    base32,
    checked_domains,
    domain_fakes,
    flags,
    joined,
    patched,
    person,
    runs,
)
from paribus.anonymizing.replacements.base import OfText

_LOCAL = r"[^@\s<>\"(),:;\\\[\]]+"
_DOMAIN = r"[^@\s<>\"(),:;\\\[\]?&%/]+"
_PLAIN = rf"^{_LOCAL}@{_DOMAIN}$"
_SHOWN = (
    rf"(?is)^(?:[^<>]*<\s*(?:mailto:)?|\s*mailto:|\s*)"
    rf"(?P<local>{_LOCAL})@(?P<domain>{_DOMAIN})(?:\s*>\s*|\?.*|\s*)$"
)
_SOME = rf"(?s)@\s*(?P<domain>{_DOMAIN})"


class Email(OfText):
    """Gives an address like ``maria.keller.q7h2m4k9x2ab@t5k2h7qmw3.example.org``.

    Names in the local part get the fakes that they get in a column of names; who gave none gets
    drawn ones. The 12 characters behind them are 60 bits of digest, so distinct addresses stay
    distinct: that two of a million meet has a chance below 5e-7, even with the same names.
    A domain becomes a label of 50 bits under a reserved domain (RFC 2606), which nobody can own:
    all people of a company share it, and no mail can arrive.

    The case of a domain makes no difference, and ``Ann <ann@firm.com>`` and
    ``mailto:ann@firm.com`` get what ``ann@firm.com`` gets. What is no address at all gets an
    address too.

    Parameters
    ----------
    locale : str
        Of Mimesis; the names are from its lists, written in ASCII (from the English ones where the
        script is another).
    domains : tuple of str
        Domains to put the labels under; reserved ones only: example.com, example.net, example.org,
        and what ends in .test, .example, .invalid or .localhost.
    """

    kind: Literal["email"] = "email"
    locale: str = "en"
    domains: tuple[str, ...] = RESERVED

    numbers: ClassVar[bool] = False

    _domains = field_validator("domains")(checked_domains)

    @field_validator("locale")
    @classmethod
    def _locale(cls, locale: str) -> str:
        return checked(locale)

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        locals_, domains, others = _parts(texts)
        hosts, codes = pc.utf8_lower(domains.dictionary), domains.indices
        if others is None and hosts.equals(domains.dictionary):
            address = texts
        else:
            address = pc.binary_join_element_wise(locals_, hosts.take(codes), "@")
        if others is not None:
            # All of what is no address counts.
            whole = pc.binary_join_element_wise("", texts, "\x00")
            address = pc.if_else(pa.array(others), whole, address)
        words = key.words(address, self.realm_, 2)
        first, last = person(locals_, words[:, 1], key, self.locale, ".")
        behind = joined("@", domain_fakes(hosts, key, self.domains))
        return joined(first, last, base32(words[:, 0]), behind.take(codes))


def _parts(texts: pa.Array) -> tuple[pa.Array, pa.DictionaryArray, Flags | None]:
    """Cut addresses into what stands before and behind their @, and tell what is no address.

    Nothing is told where all are addresses and nothing else.
    """
    if (halves := _halves(texts)) is not None:
        return *halves, None
    plain = flags(pc.match_substring_regex(texts, _PLAIN))
    rows = np.flatnonzero(~plain)
    others = texts.take(pa.array(rows))
    found = pc.extract_regex(others, _SHOWN)
    missing = flags(found.is_null())
    some = pc.extract_regex(others, _SOME).field("domain")
    local = pc.if_else(pa.array(missing), others, pc.fill_null(found.field("local"), ""))
    domain = pc.if_else(pa.array(missing), pc.fill_null(some, ""), found.field("domain"))
    split = pc.split_pattern(texts.filter(pa.array(plain)), "@").flatten()
    none = np.zeros(len(texts), np.bool_)
    none[rows[missing]] = True
    return (
        patched(texts, [(plain, split[::2]), (~plain, local)]),
        patched(texts, [(plain, split[1::2]), (~plain, domain)]).dictionary_encode(),
        none,
    )


def _halves(texts: pa.Array) -> tuple[pa.Array, pa.DictionaryArray] | None:
    """Cut addresses in which no character but a single @ has a meaning; nothing for others."""
    _, offsets, data = texts.buffers()
    if data is None:
        return None
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    first = int(ends[0])
    at = first + np.flatnonzero(np.frombuffer(data, np.uint8)[first : ends[-1]] == ord("@"))
    if len(at) != len(texts) or not ((at > ends[:-1]) & (at < ends[1:] - 1)).all():
        return None
    locals_, domains = runs(data, ends[:-1], at), runs(data, at + 1, ends[1:])
    encoded = domains.dictionary_encode()
    return (locals_, encoded) if _are_simple(locals_) and _are_simple(encoded.dictionary) else None


def _are_simple(texts: pa.Array) -> bool:
    """Tell whether no character in any of the texts has a meaning in an address."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)
    raw = np.frombuffer(data, np.uint8)[ends[texts.offset] : ends[texts.offset + len(texts)]]
    return not bool(_MEANT.take(raw).any())


_MEANT = ~np.isin(np.arange(256), [ord(c) for c in ".-_+='!#$*^`{|}~" + ascii_letters + digits])
_MEANT[128:] = False
