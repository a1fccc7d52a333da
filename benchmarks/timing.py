"""Time alternatives side by side, and lay the results out as one table."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = (
    "paribus",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "xgboost",
    "lightgbm",
    "mimesis",
)


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, what came out, and what was hoped for."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None
    """None where there is no target: the line is for information."""
    detail: str = ""


def timed(task: Callable[[], object]) -> float:
    """Run a task once and give its seconds; what it made is gone before the next one starts."""
    gc.collect()
    start = time.perf_counter()
    made = task()
    seconds = time.perf_counter() - start
    del made
    return seconds


def interleaved(
    alternatives: Mapping[str, Callable[[], object]], rounds: int, *, warm: bool = True
) -> dict[str, float]:
    """Run every alternative once a round, so that a slow spell of the machine hits all alike.

    Returns
    -------
    dict
        Name -> median of its seconds.
    """
    if warm:
        for task in alternatives.values():
            timed(task)
    seconds: dict[str, list[float]] = {name: [] for name in alternatives}
    for _ in range(rounds):
        for name, task in alternatives.items():
            seconds[name].append(timed(task))
    return {name: statistics.median(times) for name, times in seconds.items()}


def at_most(what: str, ratio: float, limit: float | None, detail: str = "") -> Row:
    """Give a line whose ratio should not exceed a limit."""
    if limit is None:
        return Row(what, f"{ratio:.2f}", detail=detail)
    return Row(what, f"{ratio:.2f}", f"≤ {limit:g}", ratio <= limit, detail)


def at_least(what: str, ratio: float, limit: float, detail: str = "") -> Row:
    """Give a line whose ratio should reach a limit."""
    return Row(what, f"{ratio:,.0f}", f"≥ {limit:,.0f}", ratio >= limit, detail)


def shown(seconds: float) -> str:
    """Write seconds in the unit that suits them."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def markdown(sections: Mapping[str, Sequence[Row]]) -> str:
    """Lay all lines out as one Markdown table, one bold line above each section."""
    lines = ["| what | measured | target | met | how |", "|:--|--:|--:|:-:|:--|"]
    for title, rows in sections.items():
        lines.append(f"| **{title}** | | | | |")
        for row in rows:
            met = {None: "", True: "yes", False: "**no**"}[row.met]
            cells = (row.what, row.measured, row.target, met, row.detail)
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine() -> str:
    """Say in one paragraph what the numbers were measured on."""
    versions = ", ".join(f"{package} {version_of(package)}" for package in PACKAGES)
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"Measured on {_processor()}, {len(os.sched_getaffinity(0))} cores, {gigabytes:.0f} GB of "
        f"memory, {platform.system()}, with Python {platform.python_version()}, {versions}. "
        f"Load average beforehand: {os.getloadavg()[0]:.1f}."
    )


def version_of(package: str) -> str:
    """Give the installed version of a package; ours may run from its source."""
    if package == "paribus":
        import paribus

        return paribus.__version__
    return version(package)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def blocks_of(rows: Any, size: int = 65_536) -> list[Any]:
    """Cut a matrix or a data frame into blocks, beforehand."""
    take = rows.iloc if hasattr(rows, "iloc") else rows
    return [take[start : start + size] for start in range(0, len(rows), size)]
