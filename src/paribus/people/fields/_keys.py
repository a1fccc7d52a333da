"""The keys of a table that maps levels, as TOML would write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text_keys(table: Mapping[Any, Any]) -> dict[str, Any]:
    """Write the keys as text: ``true`` for True, ``1`` for 1.0.

    Examples
    --------
    >>> text_keys({True: "yes", 2.0: "two", "Male": 1})
    {'true': 'yes', '2': 'two', 'Male': 1}
    """
    return {_text(key): value for key, value in table.items()}


def _text(key: object) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)
