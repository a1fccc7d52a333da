"""Ten million people through a depth-3 tree: the peak of memory, and whether cost is linear.

Each run is a process of its own: ``python benchmarks/memory.py loan 10000000``.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import hiring
from timing import Row

from paribus.studies.loan import biased_model, loan_audit

POPULATIONS = {
    "loan": "loan model, every answer known after a while",
    "hiring": "hiring population, every person asked about",
}
MILLION = 1_000_000


def rows(*, quick: bool) -> list[Row]:
    """Measure everything about memory and growth."""
    most = (2 if quick else 10) * MILLION
    sizes = (most // 4, most // 2, most)
    found: list[Row] = []
    for population, title in POPULATIONS.items():
        seconds: dict[int, list[float]] = {size: [] for size in sizes}
        peaks: list[float] = []
        for _ in range(1 if quick else 3):
            for size in sizes:
                took, peak = _run_apart(population, size)
                seconds[size].append(took)
                if size == most:
                    peaks.append(peak)
        median = {size: statistics.median(times) for size, times in seconds.items()}
        found += _told(title, median, max(peaks))
    return found


def _told(title: str, median: dict[int, float], peak: float) -> list[Row]:
    least, most = min(median), max(median)
    growth = (median[most] / most) / (median[least] / least)
    each = ", ".join(f"{size / MILLION:g} M in {took:.2f} s" for size, took in median.items())
    return [
        Row(
            f"{title}: peak memory at {most / MILLION:g} million",
            f"{peak / 1e9:.2f} GB",
            "< 1 GB",
            peak < 1e9,
        ),
        Row(
            f"{title}: cost a person, {most / MILLION:g} over {least / MILLION:g} million",
            f"{growth:.2f}",
            "≤ 1.1 (linear)",
            growth <= 1.1,
            each,
        ),
    ]


def _run_apart(population: str, people: int) -> tuple[float, float]:
    command = [sys.executable, str(Path(__file__).resolve()), population, str(people)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, peak = json.loads(done.stdout)
    return seconds, peak


def _run_here(population: str, people: int) -> tuple[float, float]:
    """Run one audit, all default tests; gives its seconds, and the peak in bytes."""
    if population == "loan":
        audit = loan_audit(biased_model(), people)
    else:
        audit = hiring.audit(hiring.fit("tree"), people)
    start = time.perf_counter()
    audit.run()
    return time.perf_counter() - start, _peak()


def _peak() -> float:
    # A child inherits its parent's ru_maxrss; the kernel's own mark starts at the child.
    status = Path("/proc/self/status")
    if status.exists():
        line = next(part for part in status.read_text().splitlines() if part.startswith("VmHWM"))
        return float(line.split()[1]) * 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    print(json.dumps(_run_here(sys.argv[1], int(sys.argv[2]))))
