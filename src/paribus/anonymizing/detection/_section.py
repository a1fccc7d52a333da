"""What was detected, as a commented section of a TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paribus._text import visible
from paribus._toml import key, quoted, value

Line = tuple[str, Mapping[str, Any], str]

_HEAD = [
    "# What was detected. Correct a line by writing another kind; `paribus kinds replacements`",
    '# lists them. "keep" lets a column pass as it is. Nothing here is a value of the data.',
]


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
        out.append(f"{key(name)} = {value(told)}  # {visible(comment)}")
    return out


def _risk(quasi: Sequence[str], sensitive: Sequence[str]) -> list[str]:
    return [
        "[anonymize.risk]",
        "# Columns that identify in combination, and columns that nobody shall learn of a person.",
        f"quasi = {value(list(quasi))}",
        f"sensitive = {value(list(sensitive))}",
    ]
