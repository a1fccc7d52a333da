"""A declaration written as TOML, so that a reader can save it and run it again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_UNSAFE = re.compile(
    "[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u206f\ufeff\ufff9-\uffff]"
)


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
    headed = {
        key: value for key, value in table.items() if len(path) < 2 and isinstance(value, Mapping)
    }
    plain = {key: v for key, v in table.items() if key not in headed and v is not None}
    if path and (plain or not headed):
        yield ""
        yield f"[{'.'.join(_key(part) for part in path)}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in headed.items():
        yield from _lines(value, (*path, key))


def _key(key: object) -> str:
    text = str(key)
    return text if _BARE.fullmatch(text) else _text(text)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        pairs = (f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value if item is not None)}]"
    return _text(str(value))


def _text(text: str) -> str:
    quoted = json.dumps(re.sub("[\ud800-\udfff]", "\ufffd", text), ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
