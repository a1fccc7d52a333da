"""How the names and numbers of compared candidates are written: what their sections share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from paribus._text import name, number, percent, points
from paribus.comparison import Comparison, Gap, Measure

SAID = 600
"""Characters of a sentence that somebody else wrote."""

LISTED = 3
"""Names in a list; of more, their number is said."""

_AMOUNTS = frozenset({"score gap", "absolute gap"})
"""Units of gaps that are no shares of people."""

_SHARES = frozenset(
    {"accuracy", "balanced_accuracy", "top_k_accuracy", "precision", "recall", "jaccard"}
)
"""Scorers whose scores are shares of people, or means of such shares."""

_MOST_SHARE = 100.0
"""A share of next to nothing may be any number; from here on it is not written in hundredths."""

Show = Callable[[float], str]


class Words(NamedTuple):
    """How the numbers of a comparison are written."""

    gap: Show
    score: Show
    change: Show
    """Of a difference of scores."""
    share_along: bool
    """Whether gaps are shares."""
    share: bool
    """Whether scores are shares."""
    gap_name: str
    score_name: str
    each: str
    """The confidence of each single interval."""

    @classmethod
    def of(cls, compared: Comparison) -> Words:
        """Choose how to write the numbers of a comparison."""
        amounts = compared.gap in _AMOUNTS
        scores = [each.score.estimate for each in compared.candidates if each.score is not None]
        shares = compared.scorer in _SHARES and all(0 <= score <= 1 for score in scores)
        return cls(
            gap=number if amounts else share,
            score=share if shares else number,
            change=points if shares else _signed,
            share_along=not amounts,
            share=shares,
            gap_name=name(compared.gap),
            score_name=name(compared.scorer.replace("_", " ")),
            each=confidence(compared.confidence),
        )


def reach(gap: Gap) -> tuple[float, float]:
    """Give the interval of the size of a gap, whatever its sign.

    Returns
    -------
    tuple of float
        From 0 where the gap may be none.
    """
    low, high = sorted((abs(gap.low), abs(gap.high)))
    return (0.0 if gap.low <= 0 <= gap.high else low), high


def written(value: float, show: Show) -> str:
    """Write a number, which may have no bound."""
    return "unbounded" if abs(value) >= sys.float_info.max else show(value)


def ends(low: float, high: float, show: Show) -> str:
    """Write the ends of an interval, to stand beside their estimate.

    Examples
    --------
    >>> ends(0.001, 0.009, percent), ends(0.5, sys.float_info.max, percent)
    ('0.1 to 0.9 %', 'from 50.0, no upper bound')
    """
    first = written(low, show).removesuffix(" points").removesuffix(" %")
    if high >= sys.float_info.max:
        return f"from {first}, no upper bound"
    return f"{first} to {written(high, show)}"


def whole(measure: Measure, show: Show) -> str:
    """Write a number with its interval: ``0.4 % (0.1 to 0.9 %)``."""
    return f"{written(measure.estimate, show)} ({ends(measure.low, measure.high, show)})"


def share(value: float) -> str:
    """Write a share, or a share of a share."""
    return percent(value) if abs(value) < _MOST_SHARE else f"{number(value)} times"


def confidence(level: float) -> str:
    """Write a confidence in hundredths, and never as a whole one.

    Examples
    --------
    >>> confidence(0.95), confidence(1 - 0.05 / 16), confidence(0.999996)
    ('95 %', '99.69 %', '99.9996 %')
    """
    for digits in (4, 6, 9):
        text = f"{100 * level:.{digits}g}"
        if float(text) < 100:
            return f"{text} %"
    return f"{100 * level!r} %"


def named(names: Sequence[str], most: int = LISTED) -> str:
    """List names; of too many, the first."""
    shown = ", ".join(name(each) for each in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def _signed(value: float) -> str:
    return number(value, signed=True)
