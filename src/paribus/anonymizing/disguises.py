"""Text in which nothing hides: what looks like ASCII, or cannot be seen, made plain."""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

_DISGUISE = (
    r"[\x{a0}\x{ad}\x{2000}-\x{2012}\x{2028}-\x{202f}\x{205f}-\x{206f}\x{2212}\x{3000}\x{fe00}-\x{fe0f}"
    r"\x{feff}\x{ff0b}-\x{ff5a}\x{1d400}-\x{1d7ff}"
    r"\x{660}-\x{669}\x{6f0}-\x{6f9}\x{7c0}-\x{7c9}\x{966}-\x{96f}\x{9e6}-\x{9ef}\x{e50}-\x{e59}]"
)
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]+")
# These join letters of some scripts, and parts of emoji.
_JOINERS = re.compile("(?<=[!-~\u00c0-\u024f])[\u200c\u200d\ufe00-\ufe0f]+(?=[!-~\u00c0-\u024f])")
_SPACE = "\u2000-\u200a\u202f\u205f\u3000"
_SPACES = re.compile(
    rf"(?<=[\d)])[\xa0{_SPACE}](?=[\w(])|(?<=\w)[\xa0{_SPACE}](?=[\d(])|(?<=\w)[{_SPACE}](?=\w)"
)
_DASHES = re.compile("(?<=\\d)[\u2010-\u2012\u2212](?=\\d)")
_DIGITS = re.compile(r"\d(?:[ ().+/-]{0,3}\d){5,}")
_WIDE = {
    ord(wide): unicodedata.normalize("NFKC", wide)
    for wide in map(chr, [*range(0xFF0B, 0xFF5B), *range(0x1D400, 0x1D800)])
    if wide.isalnum() or wide in "＠．－＋＿"
}


def undisguised(texts: pa.Array) -> pa.Array:
    """Write what looks like ASCII in ASCII, so that it is found.

    Full-width and mathematical letters, digits and ``@``, digits of other scripts in runs of six
    and more, and special spaces and dashes between them become plain; characters that nobody sees
    go.

    Examples
    --------
    >>> undisguised(pa.array(["jo\u200bhn＠corp．com", "+44\u202f20 ７９４６", None])).to_pylist()
    ['john@corp.com', '+44 20 7946', None]
    """
    mask = pc.fill_null(pc.match_substring_regex(texts, _DISGUISE), False)
    if not pc.any(mask).as_py():
        return texts
    made = [_undisguised(text) for text in texts.filter(mask).to_pylist()]
    return pc.replace_with_mask(texts, mask, pa.array(made, texts.type))


def _undisguised(text: str) -> str:
    text = _JOINERS.sub("", _UNSEEN.sub("", text.translate(_WIDE)))
    text = _DASHES.sub("-", _SPACES.sub(" ", text))
    return text if text.isascii() else _DIGITS.sub(_ascii, text)


def _ascii(hit: re.Match[str]) -> str:
    return "".join([str(unicodedata.decimal(c)) if c.isdecimal() else c for c in hit.group()])
