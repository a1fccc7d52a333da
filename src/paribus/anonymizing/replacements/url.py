"""A link of the same depth at a reserved domain; the links of a real domain stay together."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._identifiers import (
    RESERVED,
    base32,
    checked_domains,
    domain_fakes,
    joined,
)
from paribus.anonymizing.replacements.base import OfText

_URL = (
    r"(?is)^\s*(?:(?P<scheme>https?|ftps?|sftp|wss?|ssh|git):)?(?P<slashes>//)?(?:[^/?#]*@)?"
    r"(?P<www>www\.)?(?P<host>[^/?#:\s]*)(?P<port>:[0-9]{1,5})?(?P<rest>.*)$"
)
_SIGNS = r"([/?&=#;])"


class Url(OfText):
    """Gives a link like ``https://t5k2h7qmw3.example.org/4kq2m7h5x2ab?p3xk...=w2mq...``.

    The scheme, ``www.``, the port and the number of parts stay. The host becomes the domain that it
    has in a column of emails, who logs in is left out, and every part of the path, the query and
    the fragment becomes 60 bits of digest: the same part is the same wherever it stands. What is no
    link becomes one.

    Parameters
    ----------
    domains : tuple of str
        Domains to put the hosts under; reserved ones only: example.com, example.net, example.org,
        and what ends in .test, .example, .invalid or .localhost.
    """

    kind: Literal["url"] = "url"
    domains: tuple[str, ...] = RESERVED

    _domains = field_validator("domains")(checked_domains)

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        found = pc.extract_regex(texts, _URL)
        part = {
            name: pc.fill_null(found.field(i), "")
            for i, name in enumerate(each.name for each in found.type)
        }
        known = pc.not_equal(part["scheme"], "")
        host = pc.match_substring(part["host"], ".")
        link = pc.or_(pc.and_(known, pc.not_equal(part["host"], "")), host)
        # No host that anybody would look up: the whole is a part of the path.
        scheme = pc.if_else(
            pc.and_(link, known), pc.utf8_lower(part["scheme"]), pc.if_else(link, "", "https")
        )
        scheme = pc.if_else(pc.not_equal(scheme, ""), joined(scheme, "://"), part["slashes"])
        domain = domain_fakes(pc.if_else(link, part["host"], ""), key, self.domains)
        rest = pc.if_else(link, part["rest"], joined("/", texts))
        return joined(
            scheme,
            pc.if_else(link, pc.utf8_lower(part["www"]), ""),
            domain,
            pc.if_else(link, part["port"], ""),
            _digested(rest, key, self.realm_),
        )


def _digested(texts: pa.Array, key: Key, realm: str) -> pa.Array:
    """Replace all that stands between the signs of a path."""
    bare = pc.replace_substring_regex(texts, r"\s", "\x1f")
    parts = pc.split_pattern(pc.replace_substring_regex(bare, _SIGNS, " \\1 "), " ")
    encoded = parts.flatten().dictionary_encode()
    pool = encoded.dictionary
    signs = pc.match_substring_regex(pool, r"^(?:[/?&=#;]|)$")
    fakes = pc.if_else(signs, pool, base32(key.words(pool, realm)[:, 0]))
    ends = parts.offsets.to_numpy()
    taken = fakes.take(encoded.indices)
    made = pa.ListArray.from_arrays(pa.array((ends - ends[0]).astype(np.int32)), taken)
    return pc.binary_join(made, "")
