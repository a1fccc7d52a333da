"""TOML, which Python reads and does not write: declarations to be saved and run again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from paribus._text import visible

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def as_toml(table: Mapping[str, Any]) -> str:
    """Write a table as TOML text.

    Keys without a value are left out, since TOML has no word for them. Control characters and
    marks that reorder a line are written as escapes: the text shows what it says, and reads back
    the same.

    Parameters
    ----------
    table : mapping of str to value
        Tables, lists, text, numbers, booleans and None.

    Returns
    -------
    str
        Lines, without a line break at the end.

    Examples
    --------
    >>> print(as_toml({"audit": {"seed": 42, "name": "Loan"}, "fields": {"a b": {"low": 1.0}}}))
    [audit]
    seed = 42
    name = "Loan"
    <BLANKLINE>
    [fields."a b"]
    low = 1.0
    """
    return "\n".join(_lines(table, ())).strip("\n")


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    # Tables two levels down ([fields.income]) get a heading; what they hold stays on its line.
    headed = {k: v for k, v in table.items() if len(path) < 2 and isinstance(v, Mapping)}
    plain = {k: v for k, v in table.items() if k not in headed and v is not None}
    if path and (plain or not headed):
        yield ""
        yield f"[{'.'.join(key(str(part)) for part in path)}]"
    for k, v in plain.items():
        yield f"{key(str(k))} = {value(v)}"
    for k, v in headed.items():
        yield from _lines(v, (*path, k))


def key(name: str) -> str:
    """Write a key, in quotes only where it needs them."""
    return name if _BARE.fullmatch(name) else quoted(name)


def value(given: Any) -> str:
    """Write truth, a number, text, a list or a table on one line; None within is left out."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return repr(given)
    if isinstance(given, Mapping):
        pairs = (f"{key(str(k))} = {value(v)}" for k, v in given.items() if v is not None)
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(given, list | tuple):
        return f"[{', '.join(value(item) for item in given if item is not None)}]"
    return quoted(str(given))


def quoted(text: str) -> str:
    r"""Write text as a basic string, with whatever hides or reorders escaped.

    Examples
    --------
    >>> print(quoted('a "b"'), quoted("line\nbreak"))
    "a \"b\"" "line\nbreak"
    """
    plain = json.dumps(re.sub("[\ud800-\udfff]", "\ufffd", text), ensure_ascii=False)
    if visible(plain) == plain:
        return plain
    return "".join(each if visible(each) == each else _escaped(each) for each in plain)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
