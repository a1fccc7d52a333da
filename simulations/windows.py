"""How often a log that is looked at every week raises an alarm, with and without a gap."""

from __future__ import annotations

from functools import partial

import numpy as np
from table import ALPHA, Row, percent, seldom
from trials import Results, Setting, shortened

from paribus.stats.independent import newcombe
from paribus.stats.windows import RunningGap, start_share, watch

TIMES = 1_000
WINDOWS = 52
TOLERANCE = 0.02
GAP = 0.1

NULLS = {
    "no gap, tolerance 0": {"gap": 0.0, "tolerance": 0.0, "people": 200},
    "no gap, tolerance 0, small groups": {"gap": 0.0, "tolerance": 0.0, "people": 5},
    "gap at the tolerance": {"gap": TOLERANCE, "tolerance": TOLERANCE, "people": 2_000},
    "gap at the tolerance, weights": {
        "gap": TOLERANCE,
        "tolerance": TOLERANCE,
        "people": 200,
        "weighted": True,
    },
}

POWERS = {
    (200, 0): 7,
    (1_000, 0): 2,
    (200, 26): 13,
    (1_000, 26): 4,
}
"""People in each group a week, and the week in which the gap begins -> weeks until the alarm."""


def settings(share: float = 1.0) -> list[Setting]:
    """List logs without a gap beyond the tolerance, then logs with one of 10 points."""
    nulls = [
        Setting(
            f"Deployment, {WINDOWS} weeks, rates that drift together: {title}",
            one_log,
            shortened(TIMES, share),
            _false,
            options,
        )
        for title, options in NULLS.items()
    ]
    powers = [
        Setting(
            f"Deployment, {people:,} people in each group a week: a gap of {100 * GAP:g} points "
            + (f"from week {start + 1} on" if start else "from the start"),
            one_log,
            shortened(TIMES // 4, share),
            partial(_found, expected, start),
            {"gap": GAP, "tolerance": TOLERANCE, "people": people, "start": start},
        )
        for (people, start), expected in POWERS.items()
    ]
    return [*nulls, *powers]


def one_log(
    number: int,
    random: np.random.Generator,
    *,
    gap: float,
    tolerance: float,
    people: int,
    start: int = 0,
    weighted: bool = False,
) -> tuple[float, ...]:
    """Give the week of the first alarm, 0 for none, and what else was claimed at any week.

    Rates swing and wander together over the year, and the sizes of the groups vary from week to
    week, each in its own way. The gap may begin late.
    """
    weeks = np.arange(WINDOWS)
    wandering = 0.02 * random.standard_normal(WINDOWS).cumsum()
    rate = np.clip(0.45 + 0.2 * np.sin(weeks / 5 + 6 * random.random()) + wandering, gap, 1.0)
    rates = np.stack([np.where(weeks >= start, rate - gap, rate), rate], axis=1)
    sizes = random.poisson(people * random.uniform(0.2, 1.8, (WINDOWS, 2)))
    if weighted:
        # People of two weights, one of which is rare and heavy.
        heavy = random.binomial(sizes, 0.1)
        chosen = [random.binomial(n, rates) for n in (sizes - heavy, heavy)]
        counts = [
            np.stack([n - k, k], axis=2)
            for n, k in zip((sizes - heavy, heavy), chosen, strict=True)
        ]
        running = RunningGap.of(counts[0] + 5.0 * counts[1], counts[0] + 25.0 * counts[1], 5.0)
    else:
        counts = [np.stack([sizes - (k := random.binomial(sizes, rates)), k], axis=2)]
        running = RunningGap.of(counts[0])
    total = np.cumsum(sum(counts), axis=0)
    low, high = newcombe(
        total[:, 0, 1], total[:, 0].sum(axis=1), total[:, 1, 1], total[:, 1].sum(axis=1)
    )
    up = watch(running, tolerance, ALPHA).up
    bottom, top = running.confidence_sequence(1 - ALPHA * start_share(0))
    # Where the gap is constant, it is the mean of every span.
    missed = start == 0 and not ((bottom <= -gap) & (-gap <= top)).all()
    within = (running.log_e_within(tolerance) >= np.log(1 / ALPHA)).any()
    naive = ((low > tolerance) | (high < -tolerance)).any()
    return float(up.argmax() + 1 if up.any() else 0), missed, within, naive


def _false(results: Results) -> list[Row]:
    times = len(results)
    first, missed, within, naive = results.T
    return [
        seldom("an alarm at any week", float((first > 0).sum()), times),
        seldom("a gap ever proven to be within the tolerance", float(within.sum()), times),
        seldom("a true mean gap outside any interval of the year", float(missed.sum()), times),
        Row(
            "for comparison: an ordinary interval of all people so far, at any week",
            percent(float(naive.mean())),
        ),
    ]


def _found(expected: int, start: int, results: Results) -> list[Row]:
    times = len(results)
    first, _, within, _ = results.T
    early = float(((first > 0) & (first <= start)).sum())
    weeks = float(np.median(np.where(first > start, first - start, WINDOWS)))
    return [
        Row("median weeks until the alarm", f"{weeks:g}", f"≤ {expected}", weeks <= expected),
        seldom("a gap found only by chance, before it began", early, times),
        Row("a mean gap within the tolerance proven at any week", percent(float(within.mean()))),
    ]
