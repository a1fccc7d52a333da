"""The table of results: what was measured, what was promised, and whether it held."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ALPHA = 0.05
"""The rate of false claims that every simulated audit declares."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    bound: str = ""
    held: bool | None = None
    """None where nothing was promised: the line is for information."""


def seldom(what: str, wrong: float, times: int, limit: float | None = None) -> Row:
    """Give a line about false claims, at most `limit`: by itself alpha and two standard errors."""
    if limit is None:
        limit = ALPHA + 2 * standard_error(ALPHA, times)
    measured = f"{percent(wrong / times)} ({wrong:,.0f} of {times:,})"
    return Row(what, measured, f"≤ {percent(limit)}", wrong <= limit * times)


def standard_error(rate: float, times: int) -> float:
    """Give the standard error of a rate that was seen so often."""
    return math.sqrt(rate * (1 - rate) / times)


def percent(rate: float) -> str:
    """Write a rate."""
    return f"{100 * rate:.2f} %"


def markdown(sections: Mapping[str, Sequence[Row]]) -> str:
    """Lay all lines out as one Markdown table, one bold line above each setting."""
    lines = ["| setting, and what is counted | measured | bound | held? |", "|:--|--:|--:|:-:|"]
    for title, rows in sections.items():
        lines.append(f"| **{title}** | | | |")
        for row in rows:
            held = {None: "", True: "yes", False: "**no**"}[row.held]
            lines.append(f"| {row.what} | {row.measured} | {row.bound} | {held} |")
    return "\n".join(lines)
