"""What can go wrong, said in one sentence: what, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ParibusError(Exception):
    """The root of every error that paribus raises on purpose.

    Parameters
    ----------
    message : str
        One sentence: what is wrong and what to do.
    path : str
        Where in the request, as a path such as ``$.fields.income.low``; empty where there is none.

    Examples
    --------
    >>> str(SpecError("low (5) is above high (3)", path="$.fields.income"))
    '$.fields.income: low (5) is above high (3)'
    """

    exit_code = 2

    def __init__(self, message: str, *, path: str = "") -> None:
        self.message = message
        self.path = path
        super().__init__(f"{path}: {message}" if path else message)

    def under(self, prefix: str) -> ParibusError:
        """Give the same error with its path moved below `prefix` (``$.fields.income``)."""
        return type(self)(self.message, path=prefix + self.path.removeprefix("$"))


class SpecError(ParibusError):
    """The request itself is wrong: an unknown key, kind, field, level, or a value out of range."""


class DataError(ParibusError):
    """A file or a data frame cannot be read, or does not hold what the request says it holds."""


class ModelError(ParibusError):
    """The model cannot be loaded, refuses every question, or its answers mean nothing."""


class TrustError(ParibusError):
    """Loading this would run code that somebody else wrote; it takes an explicit ``trust``."""


class OutputError(ParibusError):
    """A result cannot be written where it was asked for."""


def reason(error: BaseException) -> str:
    r"""Give the type and the first line of somebody else's error.

    Examples
    --------
    >>> reason(ValueError("no such thing\nsecond line")), reason(KeyError())
    ('ValueError: no such thing', 'KeyError')
    """
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].strip() if lines else ''}"[:200].rstrip(": ")


def nearest(name: object, known: Iterable[object]) -> str:
    """Suggest the nearest known name, as a clause to put behind a message.

    Parameters
    ----------
    name : object
        What was asked for.
    known : iterable of object
        What there is.

    Returns
    -------
    str
        ``'; did you mean "income"?'``, a list of what there is where nothing is near and the list
        is short, or an empty string.

    Examples
    --------
    >>> nearest("incme", ["income", "age"])
    '; did you mean "income"?'
    >>> nearest("zzz", ["income", "age"])
    ' (there are: income, age)'
    """
    names = [str(k) for k in known]
    folded = {n.casefold(): n for n in reversed(names)}
    close = difflib.get_close_matches(str(name).casefold(), list(folded), n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{folded[close[0]]}"?'
    if 0 < len(names) <= 12:
        return f" (there are: {', '.join(names)})"
    return ""
