"""What was detected, as a commented section of a TOML file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u206f\ufeff\ufff9-\uffff]"
)

Line = tuple[str, Mapping[str, Any], str]

_HEAD = [
    "# What was detected. Correct a line by writing another kind; `paribus kinds replacements`",
    '# lists them. "keep" lets a column pass as it is. Nothing here is a value of the data.',
]


def quoted(text: str) -> str:
    r"""Write text as a basic string of TOML 1.0, with whatever hides or reorders escaped.

    Examples
    --------
    >>> print(quoted('a "b"'), quoted("line\nbreak"))
    "a \"b\"" "line\nbreak"
    """
    plain = re.sub("[\ud800-\udfff]", "\ufffd", text)
    return _UNSAFE.sub(lambda hit: f"\\u{ord(hit[0]):04x}", json.dumps(plain, ensure_ascii=False))


def key(text: str) -> str:
    """Write a key, in quotes only where it needs them."""
    return text if _BARE.fullmatch(text) else quoted(text)


def value(given: Any) -> str:
    """Write a value: truth, number, text, list or table on one line."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return repr(given)
    if isinstance(given, Mapping):
        return f"{{ {', '.join(f'{key(str(k))} = {value(v)}' for k, v in given.items())} }}"
    if isinstance(given, list | tuple):
        return f"[{', '.join(map(value, given))}]"
    return quoted(str(given))


def section(
    locale: str,
    source: str,
    lines: Sequence[Line],
    quasi: Sequence[str],
    sensitive: Sequence[str],
) -> str:
    """Write the section.

    Parameters
    ----------
    locale, source : str
        Locale of the table, and what it was guessed from.
    lines : sequence of (str, mapping, str)
        For each column its name, its replacement and the comment on it, which is of our own words.
    quasi, sensitive : sequence of str
        Names of columns.
    """
    said = f"guessed from {source}" if source else "nothing says which; correct it"
    out = [
        *_HEAD,
        "[anonymize]",
        f"locale = {quoted(locale)}" + ("" if source == "given" else f"  # {said}"),
        "",
        "[anonymize.columns]",
        *_lines(lines, locale),
        "",
        *_risk(quasi, sensitive),
    ]
    return "\n".join(out) + "\n"


def sections(
    tables: Mapping[str, Sequence[Line]],
    quasi: Sequence[str],
    sensitive: Sequence[str],
) -> str:
    """Write the section of several tables, each replacement with its own locale."""
    joins = "# Columns of two tables join where they have the same kind, options and locale."
    out = [*_HEAD, joins]
    for name, lines in tables.items():
        out += [f"[anonymize.tables.{key(name)}.columns]", *_lines(lines, ""), ""]
    return "\n".join([*out, *_risk(quasi, sensitive)]) + "\n"


def _lines(lines: Sequence[Line], locale: str) -> list[str]:
    out = []
    for name, replacement, comment in lines:
        told = {k: v for k, v in replacement.items() if k != "locale" or v != locale}
        out.append(f"{key(name)} = {value(told)}  # {_UNSAFE.sub(' ', comment)}")
    return out


def _risk(quasi: Sequence[str], sensitive: Sequence[str]) -> list[str]:
    return [
        "[anonymize.risk]",
        "# Columns that identify in combination, and columns that nobody shall learn of a person.",
        f"quasi = {value(list(quasi))}",
        f"sensitive = {value(list(sensitive))}",
    ]
