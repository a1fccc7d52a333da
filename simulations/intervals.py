"""How often intervals hold what they are about: exact sums where there are counts, else draws."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
from equivalence import likely_counts
from scipy.special import gammaln, xlogy
from table import Row, percent
from trials import Results, Setting, shortened

from paribus.stats.moments import Moments, mean_interval
from paribus.stats.paired import (
    agreeing,
    bonett_price_interval,
    mcnemar_exact,
    newcombe_interval,
    tango_interval,
)
from paribus.stats.ranks import hodges_lehmann
from paribus.stats.rates import clopper_pearson

LEAST = 0.93
TIMES = 4_000
Grid = tuple[tuple[int, float, float], ...]
"""People, and the chances of a change either way; the mirror image covers as often."""

PEOPLE = (20, 50, 100, 200, 500, 1_000)
RATES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
GRID: Grid = tuple((n, p, q) for n in PEOPLE for p in RATES for q in RATES if q <= p)
FINER_PEOPLE = (20, 30, 40, 50, 75, 100, 150, 200, 300)
FINER_RATES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3)
FINER: Grid = tuple(
    (n, p, q) for n in FINER_PEOPLE for p in FINER_RATES for q in FINER_RATES if q <= p
)
SINGLE = tuple((n, rate) for n in (*PEOPLE, 5_000) for rate in np.linspace(0.0, 0.5, 51).tolist())
SCORES = (5, 10, 30, 100, 300)

_HAIR = 1e-12


def settings(share: float = 1.0) -> list[Setting]:
    """List the intervals."""
    times = shortened(TIMES, share)
    grid, finer, single = (len(places) if share >= 1 else 40 for places in (GRID, FINER, SINGLE))
    told = "interval of a net gap"
    on_grid = {"grid": GRID}
    scores = [
        Setting(
            f"Scores: intervals of normal gaps, {people} people",
            of_scores,
            times,
            _score_lines,
            {"people": people},
        )
        for people in SCORES
    ]
    return [
        Setting(
            f"Tango {told}, as findings show it",
            tango,
            grid,
            partial(_lines, _of(GRID), LEAST),
            on_grid,
        ),
        Setting(
            f"Tango {told}, a finer grid",
            tango,
            finer,
            partial(_lines, _of(FINER), None),
            {"grid": FINER},
        ),
        Setting(
            f"Bonett-Price {told}", bonett_price, grid, partial(_lines, _of(GRID), None), on_grid
        ),
        Setting(
            f"Newcombe {told}",
            newcombe,
            grid,
            partial(_lines, _of(GRID), None),
            {"grid": GRID, "times": times},
        ),
        Setting(
            "Clopper-Pearson interval of a rate",
            exact_rate,
            single,
            partial(_lines, _of_single, LEAST),
        ),
        *scores,
    ]


def tango(number: int, random: np.random.Generator, *, grid: Grid) -> tuple[float, ...]:
    """Sum the chances of all counts whose interval holds the gap."""
    return (_covered(grid[number], _tango),)


def bonett_price(number: int, random: np.random.Generator, *, grid: Grid) -> tuple[float, ...]:
    """Sum the chances of all counts whose interval holds the gap."""
    return (_covered(grid[number], _bonett_price),)


def newcombe(
    number: int, random: np.random.Generator, *, grid: Grid, times: int
) -> tuple[float, ...]:
    """Count how often the interval holds the gap; of the others two thirds are favored twice."""
    n, p, q = grid[number]
    rest = 1 - p - q
    drawn = random.multinomial(n, [rest * 2 / 3, p, q, rest / 3], size=times)
    cells, counts = np.unique(drawn, axis=0, return_counts=True)
    held = [_holds(newcombe_interval(*cell), p - q) for cell in cells.tolist()]
    return (float(counts[np.array(held)].sum()) / times,)


def exact_rate(number: int, random: np.random.Generator) -> tuple[float, ...]:
    """Sum the chances of all counts whose interval holds the rate."""
    n, rate = SINGLE[number]
    k = np.arange(n + 1)
    log_chance = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    chance = np.exp(log_chance + xlogy(k, rate) + xlogy(n - k, 1 - rate))
    likely = chance > 1e-9
    held = [_holds(_clopper_pearson(int(count), n), rate) for count in k[likely]]
    return (float(chance[likely][np.array(held)].sum()),)


def of_scores(number: int, random: np.random.Generator, *, people: int) -> tuple[float, ...]:
    """Ask whether Student's and Hodges and Lehmann's intervals hold the gap."""
    gaps = random.normal(0.1, 0.5, people)
    _, low, high = hodges_lehmann(gaps)
    return _holds(mean_interval(Moments.of(gaps)), 0.1), _holds((low, high), 0.1)


def _covered(
    place: tuple[int, float, float], interval: Callable[[int, int, int], tuple[float, float]]
) -> float:
    n, p, q = place
    one, other, chance = likely_counts(n, p, q)
    pairs = zip(one.tolist(), other.tolist(), strict=True)
    held = np.array([_holds(interval(a, b, n), p - q) for a, b in pairs])
    return float(chance[held].sum())


@cache
def _tango(n12: int, n21: int, n: int) -> tuple[float, float]:
    return agreeing(*tango_interval(n12, n21, n), mcnemar_exact(n12, n21))


@cache
def _bonett_price(n12: int, n21: int, n: int) -> tuple[float, float]:
    return bonett_price_interval(n12, n21, n)


@cache
def _clopper_pearson(k: int, n: int) -> tuple[float, float]:
    return clopper_pearson(k, n)


def _holds(interval: tuple[float, float], value: float) -> bool:
    return interval[0] - _HAIR <= value <= interval[1] + _HAIR


def _of(grid: Grid) -> Callable[[int], str]:
    def told(number: int) -> str:
        n, p, q = grid[number]
        return f"{n:,} people, {100 * p:g} % and {100 * q:g} % changed"

    return told


def _of_single(number: int) -> str:
    n, rate = SINGLE[number]
    return f"{n:,} people, {100 * rate:g} % changed"


def _lines(where: Callable[[int], str], least: float | None, results: Results) -> list[Row]:
    covered = results[:, 0]
    worst = int(covered.argmin())
    what = f"least coverage at {len(covered)} places: {where(worst)}"
    found = float(covered[worst])
    if least is None:
        lowest = Row(what, percent(found))
    else:
        lowest = Row(what, percent(found), f"≥ {percent(least)}", found >= least)
    return [lowest, Row("mean coverage", percent(float(covered.mean())))]


def _score_lines(results: Results) -> list[Row]:
    student, ranks = results.mean(axis=0).tolist()
    return [
        Row("Student's t covers", percent(student), f"≥ {percent(LEAST)}", student >= LEAST),
        Row("Hodges-Lehmann covers", percent(ranks)),
    ]
