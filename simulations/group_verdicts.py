"""Tables of decisions about groups that fare alike, or differ by just what is tolerated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import numpy.typing as npt
from table import Row, percent, seldom
from trials import Results, Setting, shortened

from paribus.evidence._rated import About
from paribus.evidence._tables import Table
from paribus.evidence.group import Criterion, held
from paribus.findings import judge
from paribus.observed import Groups

TIMES = 1_000
TOLERANCE = 0.05
RATE = 0.3
CONFIDENCE = 0.95
CRITERIA: tuple[Criterion, ...] = ("demographic parity", "equalized odds")
GROUPS = (2, 6, 24)
SMALL, MIXED, LARGE = "30 people each", "20 and 1,000 people by turns", "3,000 people each"
SIZES = {SMALL: (30, 30), MIXED: (20, 1_000), LARGE: (3_000, 3_000)}
PLAIN, WEIGHTED = "", ", lognormal weights"
ALIKE = ((SMALL, PLAIN), (MIXED, PLAIN), (MIXED, WEIGHTED), (LARGE, PLAIN))
APART = ((MIXED, PLAIN), (LARGE, PLAIN), (LARGE, WEIGHTED))
"""Sizes of the groups, and whether rows have weights."""

Floats = npt.NDArray[np.float64]


def settings(share: float = 1.0) -> list[Setting]:
    """List the tables."""
    times = shortened(TIMES, share)
    apart = "two of them apart by the tolerance of 5 %"
    return [
        Setting(
            f"{groups} groups of {size}, {where}{weights}",
            one_table,
            times,
            partial(_lines, gap > 0),
            {
                "groups": groups,
                "sizes": SIZES[size],
                "gap": gap,
                "spread": 1.0 if weights else 0.0,
            },
        )
        for gap, where, tables in ((0.0, "alike", ALIKE), (TOLERANCE, apart, APART))
        for groups, (size, weights) in product(GROUPS, tables)
    ]


def one_table(
    number: int,
    random: np.random.Generator,
    *,
    groups: int,
    sizes: tuple[int, int],
    gap: float,
    spread: float,
) -> tuple[float, ...]:
    """Judge a table whose decisions heed no label, so that all of its rates are the same ones.

    Gives 1 where anything is `biased`, where demographic parity and where equalized odds is
    `within tolerance`; then how many verdicts their interval contradicts, as it begins within the
    tolerance of what is `biased` or beyond that of what is `within tolerance`; and how many are
    `within tolerance` while their two-sided interval ends beyond.
    """
    # One group is lowest and one is highest, of large groups where there are some.
    rates = np.full(groups, RATE + gap / 2)
    rates[[-1, 1 if groups > 2 else 0]] = RATE, RATE + gap
    people = np.resize(np.array(sizes), groups)
    table = _drawn(people, rates, spread, random)
    names = tuple(f"group {i}" for i in range(groups))
    full = {what: table[i] for i, what in enumerate(("count", "weight", "square"))}
    part = {what: cells.sum(axis=1) for what, cells in full.items()}
    about = About(
        "group",
        "outcomes",
        Groups(
            "group",
            names,
            0,
            np.zeros(groups, bool),
            (0, 1),
            (0, 1),
            full["count"].astype(np.int64),
            full["weight"],
            full["square"],
        ),
        CONFIDENCE,
    )
    drawn = Table(full, part, decided=True, labeled=True)
    rows = [held(about, drawn, criterion, TOLERANCE) for criterion in CRITERIA]
    findings = judge(rows, TOLERANCE, CONFIDENCE)
    biased = [f for f in findings if f.verdict == "biased"]
    within = [f for f in findings if f.verdict == "within tolerance"]
    return (
        float(bool(biased)),
        *(float(f.verdict == "within tolerance") for f in findings),
        sum(f.low <= TOLERANCE for f in biased) + sum(f.low > TOLERANCE for f in within),
        sum(f.high > TOLERANCE for f in within),
    )


def _drawn(
    people: npt.NDArray[np.int64], rates: Floats, spread: float, random: np.random.Generator
) -> Floats:
    """Draw groups x labels x decisions: counts, sums of weights and of squared weights."""
    whose = np.repeat(np.arange(len(people)), people)
    label = random.random(len(whose)) < 0.5
    decision = random.random(len(whose)) < rates[whose]
    weight = random.lognormal(0.0, spread, len(whose)) if spread else np.ones(len(whose))
    cell = 4 * whose + 2 * label + decision
    powers = [np.bincount(cell, weight**power, 4 * len(people)) for power in (0, 1, 2)]
    return np.stack(powers).reshape(3, len(people), 2, 2)


def _lines(apart: bool, results: Results) -> Sequence[Row]:
    times, sums = len(results), results.sum(axis=0).tolist()
    lines = [seldom("tables that are `biased`", sums[0], times)]
    for criterion, count in zip(CRITERIA, sums[1:3], strict=True):
        what = f"{criterion} `within tolerance`"
        lines.append(seldom(what, count, times) if apart else Row(what, percent(count / times)))
    lines.append(seldom("verdicts that the interval contradicts", sums[3], 2 * times, 0.0))
    ends = percent(sums[4] / (2 * times))
    lines.append(Row("`within tolerance`, though the two-sided interval ends beyond", ends))
    return lines
