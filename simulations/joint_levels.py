"""Five levels that share a threshold: Holm's adjustment against the joint one, step-down max-T."""

from __future__ import annotations

from functools import partial

import numpy as np
from pairs import DECISION, answers_of, weighed
from table import Row, percent, seldom
from trials import Results, Setting, shortened

from paribus.findings import judge

TIMES = 2_000
PEOPLE = 300
MOST_FALSE = 0.07
"""Familywise error rate that is promised of max-T."""
REDRAWN = 0.05
"""Share of answers that are drawn anew, for each level by itself."""

CASES = {
    "no gap": ((0.0, 0.0, 0.0, 0.0), 0.0),
    "one group at -8 points": ((0.08, 0.0, 0.0, 0.0), 0.0),
    "two groups at -5 points": ((0.05, 0.05, 0.0, 0.0), 0.0),
    "all groups at the tolerance of 2 %": ((0.02, 0.02, 0.02, 0.02), 0.02),
}


def settings(share: float = 1.0) -> list[Setting]:
    """List the audits."""
    return [
        Setting(
            f"Five levels that share a threshold, {PEOPLE} people: {title}",
            one_audit,
            shortened(TIMES, share),
            partial(_lines, sum(gap > tolerance for gap in gaps)),
            {"gaps": gaps, "tolerance": tolerance},
        )
        for title, (gaps, tolerance) in CASES.items()
    ]


def one_audit(
    number: int, random: np.random.Generator, *, gaps: tuple[float, ...], tolerance: float
) -> tuple[float, ...]:
    """Count the claims of bias: false at all, and true ones; by Holm, then by max-T."""
    chance = 0.1 + 0.9 * random.beta(2, 2, PEOPLE)
    levels = chance[:, None] - np.array([0.0, *gaps])
    shared = np.broadcast_to(random.random(PEOPLE)[:, None], levels.shape)
    anew = random.random(levels.shape)
    place = np.where(random.random(levels.shape) < REDRAWN, anew, shared)
    drawn = (place < levels).astype(np.int8)
    seed = int(random.integers(2**63))
    rows = weighed(answers_of(DECISION, drawn, repeatable=False, seed=seed), tolerance, 999)
    counts: list[float] = []
    for multiplicity in ("holm", "max-t"):
        findings = judge(rows, tolerance, 0.95, multiplicity)
        said = np.array([finding.verdict == "biased" for finding in findings])
        true = np.array(gaps) > tolerance
        counts += [float((said & ~true).any()), float((said & true).sum())]
    return tuple(counts)


def _lines(groups: int, results: Results) -> list[Row]:
    times = len(results)
    false_holm, found_holm, false_joint, found_joint = results.sum(axis=0)
    lines = [
        seldom("any false claim, max-T", false_joint, times, MOST_FALSE),
        seldom("any false claim, Holm", false_holm, times),
    ]
    if groups:
        power_holm, power_joint = (found / times / groups for found in (found_holm, found_joint))
        lines.append(
            Row(
                "a group with a gap is found, max-T",
                percent(power_joint),
                f"≥ {percent(power_holm)}, Holm",
                found_joint >= found_holm,
            )
        )
    return lines
