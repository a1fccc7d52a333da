"""A guess: a part of an audit's declaration, and why it was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paribus._text import shortened, visible
from paribus._toml import quoted


@dataclass(frozen=True)
class Guess:
    """A part of the declaration, and why it was chosen.

    Examples
    --------
    >>> Guess(("model", "favorable"), 1, "the better of 0 and 1").path
    '$.model.favorable'
    """

    place: tuple[str, ...]
    """Keys that lead to it, such as ``("protect", "sex")``; it is a line, or a section of lines."""
    value: Any
    """What stands there; a mapping is a section, and None is a remark alone."""
    reason: str
    """Why, in one clause."""
    sure: bool = True
    """Whether it counts. What is not sure stands in the file commented out."""
    told: bool = False
    """Whether somebody should hear of it before the audit runs."""

    @property
    def path(self) -> str:
        """Where it stands, such as ``$.model.favorable``."""
        return ".".join(("$", *self.place))


def name(text: object) -> str:
    """Quote a name or value of the data, so that it can be read and does nothing."""
    if isinstance(text, bool | int | float):
        return str(text).lower()
    return visible(quoted(shortened(str(text), 60)))


def names(texts: list[str], most: int = 12) -> str:
    """Quote some names, in one line."""
    rest = len(texts) - most
    return ", ".join(name(text) for text in texts[:most]) + (f" and {rest} more" * (rest > 0))
