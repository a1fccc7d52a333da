"""Prove the promises about verdicts by simulation: ``make simulate ARGS=--write``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import comparisons
import equivalence
import group_verdicts
import intervals
import joint_levels
import null_audits
import planned_power
import proxies
import stopping
import windows
from table import Row, markdown
from trials import Setting, run

from paribus import __version__

PAGE = Path(__file__).resolve().parent.parent / "docs" / "simulations.md"
START, END = "<!-- measured -->", "<!-- /measured -->"
QUICK = 0.05

TOPICS: dict[str, Callable[..., list[Setting]]] = {
    "null-audits": null_audits.settings,
    "equivalence": equivalence.settings,
    "joint-levels": joint_levels.settings,
    "intervals": intervals.settings,
    "planned-power": planned_power.settings,
    "stopping": stopping.settings,
    "group-verdicts": group_verdicts.settings,
    "proxies": proxies.settings,
    "windows": windows.settings,
    "comparisons": comparisons.settings,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, print the table, write it where asked; 1 where a promise is broken."""
    asked = _arguments(argv)
    start = time.perf_counter()
    share = QUICK if asked.quick else 1.0
    settings = [each for topic in asked.topics or TOPICS for each in TOPICS[topic](share)]
    trials = sum(setting.times for setting in settings)
    sys.stderr.write(f"{trials:,} trials of {len(settings)} settings ...\n")
    sections: dict[str, Sequence[Row]] = {
        setting.title: setting.rows(results)
        for setting, results in zip(settings, run(settings, asked.workers), strict=True)
    }
    broken = [(title, row) for title, rows in sections.items() for row in rows if row.held is False]
    text = f"{_summary(sections, len(broken), trials)}\n\n{markdown(sections)}"
    sys.stdout.write(f"{text}\n")
    for title, row in broken:
        sys.stderr.write(f"broken: {title}: {row.what}: {row.measured}, {row.bound}\n")
    sys.stderr.write(f"{time.perf_counter() - start:.0f} s\n")
    if asked.write:
        _write(text)
    return 1 if broken else 0


def _summary(sections: dict[str, Sequence[Row]], broken: int, trials: int) -> str:
    bounds = sum(row.held is not None for rows in sections.values() for row in rows)
    held = f"{bounds - broken} of {bounds} bounds held"
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "mimesis"))
    return (
        f"{trials:,} trials of {len(sections)} settings: {held}. With paribus {__version__}, "
        f"{versions}."
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", nargs="*", metavar="topic", help=f"of {', '.join(TOPICS)}")
    parser.add_argument(
        "--quick", action="store_true", help="few trials: bounds may fail by chance"
    )
    parser.add_argument("--write", action="store_true", help="replace the table in the docs")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("--workers", type=int, default=cores, help="processes; all cores by itself")
    asked = parser.parse_args(argv)
    for topic in asked.topics:
        if topic not in TOPICS:
            parser.error(f'there is no topic "{topic}"; choose from {", ".join(TOPICS)}')
    if asked.write and (asked.quick or asked.topics):
        parser.error("--write takes a whole run: leave --quick and the topics out")
    return asked


def _write(text: str) -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
