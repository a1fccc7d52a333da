"""Gaps that are just as large as the tolerance: how often they are said to be within it."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
from pairs import DECISION, answers_of, block_of, flips, twins_of, weighed
from scipy.special import gammaln, xlogy
from table import ALPHA, Row, percent, seldom, standard_error
from trials import Results, Setting, shortened

from paribus.evidence.sequential import Watched
from paribus.findings import judge, overall
from paribus.stats.paired import p_gap_within

TIMES = 2_000
TOLERANCE = 0.02
NOISE = 0.02
PEOPLE = (150, 300, 1_000, 3_000)
PAIRS = 3_000
"""Pairs that a sequential audit may see before it gives up."""

GRID = tuple(
    (people, tolerance, noise)
    for tolerance in (0.01, 0.02, 0.05)
    for noise in (0.0, 0.001, 0.005, 0.02, 0.05)
    for people in np.unique(np.geomspace(50, 3_000, 40).astype(int)).tolist()
)
"""People, tolerance, and changes either way beside the gap."""


def settings(share: float = 1.0) -> list[Setting]:
    """List the audits."""
    times = shortened(TIMES, share)
    fixed = [
        Setting(
            f"Net gap at the tolerance of 2 %, {_besides(noise)}: {people:,} people",
            one_audit,
            times,
            partial(_lines, noise),
            {"people": people, "noise": noise},
        )
        for noise in (0.0, NOISE)
        for people in PEOPLE
    ]
    sequential = [
        Setting(
            f"Sequential: net gap at the tolerance of 2 %, {_besides(noise)}, {PAIRS:,} pairs",
            one_sequence,
            times,
            partial(_lines, noise),
            {"noise": noise, "pairs": PAIRS},
        )
        for noise in (0.0, NOISE)
    ]
    grid = len(GRID) if share >= 1 else 2
    exact = Setting("Net gap at the tolerance: exact sums", exact_rate, grid, _exact_lines)
    return [*fixed, exact, *sequential]


def one_audit(
    number: int, random: np.random.Generator, *, people: int, noise: float
) -> tuple[float, ...]:
    """Judge pairs of a deterministic model; 1 where a claim is made about a gap at the tolerance.

    Of the net gap `within tolerance` and `biased`, then of the whole audit the same. With
    changes either way the flip rate truly is beyond the tolerance; only the net gap is at it.
    """
    drawn = flips(random, people, noise, TOLERANCE + noise)
    findings = judge(weighed(answers_of(DECISION, drawn), TOLERANCE), TOLERANCE)
    net = next(finding.verdict for finding in findings if finding.unit == "net gap")
    whole = overall(findings)
    claims = "within tolerance", "biased"
    return tuple(float(verdict == claim) for verdict in (net, whole) for claim in claims)


def one_sequence(
    number: int, random: np.random.Generator, *, noise: float, pairs: int
) -> tuple[float, ...]:
    """Watch pairs until the last, and give the same of what was ever proven on the way."""
    drawn = flips(random, pairs, noise, TOLERANCE + noise)
    watched = Watched(twins_of(2, pairs), DECISION, TOLERANCE, 1 - ALPHA)
    watched.add(block_of(drawn))
    findings = judge(watched.rows(steady=True), TOLERANCE, 1 - ALPHA)
    net = next(finding.verdict for finding in findings if finding.unit == "net gap")
    whole = overall(findings)
    claims = "within tolerance", "biased"
    return tuple(float(verdict == claim) for verdict in (net, whole) for claim in claims)


def exact_rate(number: int, random: np.random.Generator) -> tuple[float, ...]:
    """Sum the chances of all pairs of counts at which a gap at the tolerance passes for less."""
    people, tolerance, noise = GRID[number]
    favor, against, chance = likely_counts(people, noise, tolerance + noise)
    within = [
        p_gap_within(int(a), int(b), people, tolerance) <= ALPHA
        for a, b in zip(favor, against, strict=True)
    ]
    return (float(chance[np.array(within)].sum()),)


def likely_counts(
    people: int, first: float, second: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """List the pairs of counts of a trinomial that are likely at all, and the chance of each.

    All others together have a chance below a millionth.
    """
    ranges = []
    for rate in (first, second):
        reach = 6 * np.sqrt(people * rate * (1 - rate)) + (10 if rate else 0)
        low = max(0, int(people * rate - reach))
        ranges.append(np.arange(low, min(people, int(people * rate + reach)) + 1))
    one, other = (grid.ravel() for grid in np.meshgrid(*ranges, indexing="ij"))
    some = one + other <= people
    one, other = one[some], other[some]
    rest = people - one - other
    log_chance = (
        gammaln(people + 1)
        - gammaln(one + 1)
        - gammaln(other + 1)
        - gammaln(rest + 1)
        + xlogy(one, first)
        + xlogy(other, second)
        + xlogy(rest, max(0.0, 1 - first - second))
    )
    return one, other, np.exp(log_chance)


def _besides(noise: float) -> str:
    return f"and {100 * noise:g} % changing either way besides" if noise else "all one way"


def _lines(noise: float, results: Results) -> list[Row]:
    titles = ["net gap `within tolerance`", "net gap `biased`"]
    if not noise:
        titles += ["audits `within tolerance`", "audits `biased`"]
    times, wrong = len(results), results.sum(axis=0).tolist()
    return [seldom(title, count, times) for title, count in zip(titles, wrong, strict=False)]


def _exact_lines(results: Results) -> list[Row]:
    limit = ALPHA + 2 * standard_error(ALPHA, TIMES)
    worst = int(results[:, 0].argmax())
    rate = float(results[worst, 0])
    people, tolerance, noise = GRID[worst]
    where = f"{people:,} people, tolerance {100 * tolerance:g} %, {_besides(noise)}"
    above = int((results[:, 0] > ALPHA).sum())
    return [
        Row(
            f"largest chance of `within tolerance` at {len(results)} places: {where}",
            percent(rate),
            f"≤ {percent(limit)}",
            rate <= limit,
        ),
        Row("places where it is above 5 % at all", f"{above} of {len(results)}"),
    ]
