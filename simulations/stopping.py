"""How many pairs an audit asks about that stops as soon as its verdict is proven."""

from __future__ import annotations

from functools import partial

import models
import numpy as np
from table import ALPHA, Row, percent
from trials import Results, Setting, shortened

import paribus as pb
from paribus.stats.sequential import simulate_pairs

TIMES = 1_000
TOLERANCE = 0.02
WITHIN = 0.1
"""How far the mean number of pairs may be from the expected one, as a share."""
MOST = 200_000

EXPECTED = {
    (0.0, 0.0): 220,
    (0.01, 0.0): 1_091,
    (0.05, 0.0): 331,
    (0.2, 0.0): 45,
    (0.0, 0.02): 1_326,
    (0.01, 0.02): 4_678,
    (0.05, 0.02): 841,
    (0.2, 0.02): 57,
}
"""True gap, and changes either way beside it -> expected pairs."""


def settings(share: float = 1.0) -> list[Setting]:
    """List the gaps."""
    times = shortened(TIMES, share)
    walks = [
        Setting(
            f"Sequential: true gap {100 * gap:g} %"
            + (f", {100 * noise:g} % changing either way besides" if noise else ""),
            one_walk,
            times,
            partial(_lines, expected, gap > TOLERANCE),
            {"gap": gap, "noise": noise},
        )
        for (gap, noise), expected in EXPECTED.items()
    ]
    audits = [
        Setting(
            f"Sequential, whole audits: true gap {100 * gap:g} %",
            one_audit,
            shortened(TIMES // 4, share),
            partial(_lines, EXPECTED[gap, 0.0], gap > TOLERANCE),
            {"gap": gap},
        )
        for gap in (0.0, 0.2)
    ]
    return [*walks, *audits]


def one_walk(
    number: int, random: np.random.Generator, *, gap: float, noise: float
) -> tuple[float, ...]:
    """Give the pairs that it took to settle the net gap, and whether it was proven outside."""
    found = simulate_pairs(noise, gap + noise, TOLERANCE, ALPHA, random, simulations=1, most=MOST)
    return float(found.pairs[0]), bool(found.outside[0]), bool(found.within[0])


def one_audit(number: int, random: np.random.Generator, *, gap: float) -> tuple[float, ...]:
    """Do the same with a whole audit of a deterministic model."""
    record = pb.audit(
        models.stepped(gap),
        protect={"group": [0, 1]},
        fields={"merit": pb.uniform(0.0, 1.0)},
        people=5_000,
        favorable=True,
        tolerance=TOLERANCE,
        seed=int(random.integers(2**63)),
        frame="numpy",
        features=["group", "merit"],
        stop="early",
    )
    net = next(finding for finding in record.findings if finding.unit == "net gap")
    assert net.settled is not None
    return float(net.settled), record.verdict == "biased", record.verdict == "within tolerance"


def _lines(expected: int, biased: bool, results: Results) -> list[Row]:
    pairs, outside, within = results.mean(axis=0).tolist()
    error = float(results[:, 0].std(ddof=1)) / np.sqrt(len(results))
    wrong = within if biased else outside
    return [
        Row(
            "mean number of pairs until a verdict",
            f"{pairs:,.0f} (standard error {error:,.0f})",
            f"{expected:,} ± 10 %",
            abs(pairs - expected) <= WITHIN * expected,
        ),
        Row(
            "of these, verdicts that are wrong",
            percent(wrong),
            f"≤ {percent(ALPHA)}",
            wrong <= ALPHA,
        ),
    ]
