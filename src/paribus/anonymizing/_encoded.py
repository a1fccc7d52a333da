"""Text that is written in escapes, as URLs, web pages and JSON have it, in plain characters."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing._traces import Indices

_ESCAPE = r"%[0-9A-Fa-f]{2}|&(?:#[0-9]+|#[xX][0-9A-Fa-f]+|[A-Za-z][A-Za-z0-9]*);|\\u[0-9A-Fa-f]{4}"
_UNICODE = re.compile(r"\\u([0-9A-Fa-f]{4})")
_DEEPEST = 3
"""Escapes of escapes that are taken away: a URL in a URL in a web page."""


def decoded(texts: pa.Array) -> tuple[Indices, pa.Array]:
    """Give the texts that hold escapes, without them, and their places.

    Percent-encoding, HTML's character references and JSON's escapes, up to three deep.

    Examples
    --------
    >>> places, plain = decoded(pa.array(["plain", "u1%40firm.com", "&#117;1&commat;firm.com"]))
    >>> places.tolist(), plain.to_pylist()
    ([1, 2], ['u1@firm.com', 'u1@firm.com'])
    """
    marked = pc.fill_null(pc.match_substring_regex(texts, _ESCAPE), False)
    plain = [_plain(text) for text in texts.filter(marked).to_pylist()]
    places = marked.to_numpy(zero_copy_only=False).nonzero()[0]
    return places, pa.array(plain, pa.large_string())


def _plain(text: str) -> str:
    for _ in range(_DEEPEST):
        before = text
        text = _UNICODE.sub(_character, html.unescape(unquote(text)))
        if text == before:
            break
    # Half of a character beyond the first plane cannot be written alone.
    return text.encode("utf-8", "replace").decode("utf-8")


def _character(hit: re.Match[str]) -> str:
    return chr(int(hit[1], 16))
