"""Where an audit file declares an attribute: its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_HEADING = re.compile(r"\s*\[(?!\[)")
_MOST_LINES = 2_000
"""Lines of a file that are read one by one, where no heading names the attribute."""


@lru_cache(maxsize=256)
def line_of(text: str, attribute: str) -> int:
    r"""Find the line that declares a protected attribute.

    Parameters
    ----------
    text : str
        An audit file.
    attribute : str

    Returns
    -------
    int
        Counted from 1: that of its heading ``[protect.NAME]``, however it is written, or of its
        key; that of ``[protect]`` or else the first, where it is nowhere.

    Examples
    --------
    >>> line_of('[audit]\nseed = 1\n\n[protect."a b"]\nlevels = ["x", "y"]\n', "a b")
    4
    >>> line_of('protect = { sex = { levels = ["f", "m"] } }\n', "sex")
    1
    """
    lines = text.replace("\r\n", "\n").split("\n")
    for number, tables in _headings(lines):
        if attribute in _protected(tables) and _is_read(lines, number, attribute):
            return number
    found = _first_with(lines, attribute)
    if found is not None:
        return found
    return next((n for n, tables in _headings(lines) if "protect" in tables), 1)


def _headings(lines: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if _HEADING.match(line):
            tables = _read(line)
            if tables is not None:
                yield number, tables


def _protected(tables: dict[str, Any]) -> dict[str, Any]:
    protect = tables.get("protect")
    return protect if isinstance(protect, dict) else {}


def _is_read(lines: list[str], number: int, attribute: str) -> bool:
    """Tell a heading from a line of text over several lines that looks like one."""
    tables = _read("\n".join(lines[:number]))
    return tables is not None and attribute in _protected(tables)


def _first_with(lines: list[str], attribute: str) -> int | None:
    """Find the line at which a value starts: the first after all that reads without it."""
    if len(lines) > _MOST_LINES:
        return None
    start = 1
    for number in range(1, len(lines) + 1):
        tables = _read("\n".join(lines[:number]))
        if tables is None:
            continue
        if attribute in _protected(tables):
            return start
        start = number + 1
    return None


def _read(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
