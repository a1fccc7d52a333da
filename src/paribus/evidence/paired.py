"""The same pairs, weighed in every way that the field knows, beside the verdict.

Verdicts rest on `counterfactual`. A reader who trusts another test, or needs another effect size,
finds it here, computed from the same answers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from paribus._text import percent
from paribus.answers import Answers
from paribus.evidence._gaps import (
    INTERVALS,
    TITLES,
    Cells,
    Floats,
    IntervalName,
    about,
    completed,
    completed_cells,
    exact_row,
    share,
)
from paribus.evidence.base import Row, Test
from paribus.outcomes import FAVORABLE, MISSING, UNFAVORABLE, Tally
from paribus.people.population import People
from paribus.stats.labels import bowker, stuart_maxwell
from paribus.stats.moments import Moments, mean_interval, p_mean_outside
from paribus.stats.paired import mcnemar_asymptotic, mcnemar_exact, mcnemar_midp
from paribus.stats.quantiles import quantile_intervals
from paribus.stats.ranks import hodges_lehmann, rank_shift, wilcoxon
from paribus.stats.rates import clopper_pearson
from paribus.stats.ratios import cohens_h, cohens_h_interval, impact_ratio, odds_ratio
from paribus.stats.relabeling import sign_flip
from paribus.twins import Contrast, all_contrasts

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Paired(Test):
    """Other tests, intervals and effect sizes of every contrast; none of them makes a verdict."""

    kind: Literal["paired"] = "paired"
    cross: tuple[tuple[str, ...], ...] = ()
    """Attributes to cross, where no other test asks for them."""

    def needs(self, people: People) -> Sequence[Contrast]:
        return all_contrasts(people, self.cross)

    def weigh(self, answers: Answers, tolerance: float, confidence: float) -> Sequence[Row]:
        rows: list[Row] = []
        for contrast, tally in answers.tallies.items():
            if contrast.kind == "placebo" or not tally.answered:
                continue
            what = about(self.kind, contrast, tally)
            if answers.outcome.decides:
                known = _decisions_exactly if answers.exhaustive else _decisions
                rows.extend(known(what, tally, confidence))
            if answers.exhaustive:
                continue
            if answers.outcome.kind == "label":
                rows.extend(_labels(what, answers, contrast))
            if answers.outcome.measures:
                rows.extend(_amounts(what, answers, contrast, confidence))
        return rows


def _cells(tally: Tally) -> Cells:
    cells = tally.cells
    return (
        int(cells[FAVORABLE, FAVORABLE]),
        int(cells[FAVORABLE, UNFAVORABLE]),
        int(cells[UNFAVORABLE, FAVORABLE]),
        int(cells[UNFAVORABLE, UNFAVORABLE]),
    )


def _decisions(what: dict[str, Any], tally: Tally, confidence: float) -> Iterator[Row]:
    """Weigh decisions; ends and p-values are those of the worst case over missing answers."""
    cells = _cells(tally)
    both, group, reference, _ = cells
    n = sum(cells)
    ends = _completions(tally.cells)
    flips = {"flips_for": group, "flips_against": reference}

    def least_sure(test: Callable[[int, int], float]) -> float:
        if min(c[1] - c[2] for c in ends) < 0 < max(c[1] - c[2] for c in ends):
            return 1.0
        return max(test(end[1], end[2]) for end in ends)

    def widest(weigh: Callable[[Cells], tuple[float, float]], estimate: float) -> dict[str, float]:
        each = [weigh(end) for end in ends]
        low, high = min(low for low, _ in each), max(high for _, high in each)
        return {"low": min(low, estimate), "high": max(high, estimate)}

    kinds: tuple[tuple[IntervalName, Callable[[int, int], float], str], ...] = (
        ("newcombe", mcnemar_midp, "mid-p"),
        ("bonett-price", mcnemar_asymptotic, "asymptotic"),
    )
    gap = share(group - reference, n)
    for interval, test, title in kinds:
        weigh = INTERVALS[interval]
        yield Row(
            **what,
            unit="net gap",
            estimate=gap,
            **widest(lambda end, weigh=weigh: weigh(end, confidence), gap),  # type: ignore[misc]
            p=least_sure(test),
            method=f"{TITLES[interval]} interval, {title} McNemar p",
            **flips,
        )
    odds = odds_ratio(group, reference, confidence)[0]
    yield Row(
        **what,
        unit="odds ratio",
        estimate=odds,
        **widest(lambda end: odds_ratio(end[1], end[2], confidence)[1:], odds),
        p=least_sure(mcnemar_exact),
        method="conditional, exact interval",
        **flips,
    )
    ratio = impact_ratio(*cells, confidence)[0]
    yield Row(
        **what,
        unit="impact ratio",
        estimate=ratio,
        **widest(lambda end: impact_ratio(*end, confidence)[1:], ratio),
        method="hybrid Wilson interval (Bonett and Price)",
        **flips,
    )
    h = cohens_h(share(both + group, n), share(both + reference, n))
    yield Row(
        **what,
        unit="Cohen's h",
        estimate=h,
        **widest(lambda end: cohens_h_interval(*end, confidence), h),
        method="square-and-add interval on the arcsine scale",
    )


def _completions(cells: npt.NDArray[np.int64]) -> list[Cells]:
    """Complete missing answers, those of each kind of pair all in the same way."""
    whole = [tuple(int(n) for n in cells[:MISSING, :MISSING].ravel())]
    for group, reference in product(range(3), repeat=2):
        count = int(cells[group, reference])
        if not count or MISSING not in (group, reference):
            continue
        sides = ((0, 1) if side == MISSING else (side,) for side in (group, reference))
        places = [2 * one + other for one, other in product(*sides)]
        whole = [
            tuple(n + count * (i == place) for i, n in enumerate(each))
            for each in whole
            for place in places
        ]
    return [(a, b, c, d) for a, b, c, d in dict.fromkeys(whole)]


def _decisions_exactly(what: dict[str, Any], tally: Tally, confidence: float) -> Iterator[Row]:
    mass = tally.cells / tally.people if tally.shares is None else tally.shares.mass
    told = mass[:MISSING, :MISSING]
    each = [_rates(*(float(n) for n in told.ravel()[[0, 1, 2, 3]]))]
    if tally.answered < tally.people:
        each += [_rates(*(float(n) for n in end)) for end in completed_cells(mass)]
    if each[0][1] or not each[0][0]:
        ratios = [_ratio(*rates) for rates in each]
        yield exact_row(what, "impact ratio", ratios, ratios[0], 0.0, False)
    sizes = [cohens_h(*rates) for rates in each]
    yield exact_row(what, "Cohen's h", sizes, sizes[0], 0.0, False)


def _rates(both: float, group: float, reference: float, neither: float) -> tuple[float, float]:
    """Give the favorable rates of the group and of the reference, at most 1 after rounding."""
    n = both + group + reference + neither
    return min(1.0, share(both + group, n)), min(1.0, share(both + reference, n))


def _ratio(group: float, reference: float) -> float:
    if reference:
        return min(group / reference, sys.float_info.max)
    return sys.float_info.max if group else 1.0


def _labels(what: dict[str, Any], answers: Answers, contrast: Contrast) -> Iterator[Row]:
    told = answers.answered(contrast.reference) & answers.answered(contrast.group)
    r, g = (answers.values(v)[told].astype(np.intp) for v in (contrast.reference, contrast.group))
    labels = len(answers.outcome.labels)
    table = np.bincount(labels * r + g, minlength=labels**2).reshape(labels, labels)
    what = {**what, "people": len(told), "answered": len(r)}
    answered = "" if len(r) == len(told) else ", of pairs with both answers"
    for unit, test, question in (
        ("Stuart-Maxwell", stuart_maxwell, "equal shares of every label"),
        ("Bowker", bowker, "as many changes as their reverse"),
    ):
        statistic, freedom, p = test(table)
        yield Row(
            **what,
            unit=unit,
            estimate=statistic,
            low=statistic,
            high=statistic,
            p=p,
            method=f"{question}, chi-square with {freedom} degrees of freedom{answered}",
        )


def _amounts(
    what: dict[str, Any], answers: Answers, contrast: Contrast, confidence: float
) -> Iterator[Row]:
    """Weigh amounts; ends and p-values are those of the worst case over missing answers."""
    told = answers.answered(contrast.reference) & answers.answered(contrast.group)
    r, g = (answers.values(v)[told] for v in (contrast.reference, contrast.group))
    gaps = g - r
    if not len(gaps):
        return
    missing = len(told) - len(gaps)
    what = {**what, "people": len(told), "answered": len(gaps)}
    lowest, highest = answers.bounds
    spread = highest - lowest
    least, most = (np.append(gaps, np.full(missing, end)) for end in (-spread, spread))
    moments = Moments.of(gaps)
    whole = completed(moments, missing, -spread, spread)
    ends = [mean_interval(each, confidence, spread + abs(each.mean)) for each in whole]
    seed = answers.twins.people.seed
    means = [each.mean for each in whole]
    yield Row(
        **what,
        unit="score gap",
        estimate=moments.mean,
        low=min(low for low, _ in ends),
        high=max(high for _, high in ends),
        p=_least_sure(lambda each: sign_flip(each, seed=seed), means, least, most),
        method="Student t interval, sign-flip p",
        sd=moments.sd,
    )
    middle, *between = hodges_lehmann(gaps, confidence)
    centers = [middle]
    if missing:
        lower, upper = hodges_lehmann(least, confidence), hodges_lehmann(most, confidence)
        between, centers = [lower[1], upper[2]], [lower[0], upper[0]]
    yield Row(
        **what,
        unit="median gap",
        estimate=middle,
        low=min(middle, between[0]),
        high=max(middle, between[1]),
        p=_least_sure(lambda each: wilcoxon(each)[1], centers, least, most),
        method="Hodges-Lehmann, Wilcoxon signed-rank p",
    )
    yield from _quantiles(what, gaps, least, most, confidence)
    yield _raised(what, gaps, missing, confidence)
    yield _shifted(what, r, g, missing, confidence)


def _least_sure(
    test: Callable[[Floats], float], centers: Sequence[float], least: Floats, most: Floats
) -> float:
    """Give the largest p-value that the missing gaps allow."""
    if len(centers) == 1:
        return test(least)
    # Between a center below zero and one above lies one that is zero.
    if min(centers) <= 0 <= max(centers):
        return 1.0
    apart = np.where(np.arange(len(least)) % 2, least, most)
    return max(test(each) for each in (least, most, apart))


def _raised(what: dict[str, Any], gaps: Floats, missing: int, confidence: float) -> Row:
    up, down = int(np.count_nonzero(gaps > 0)), int(np.count_nonzero(gaps < 0))
    low, _ = clopper_pearson(up, up + down + missing, confidence)
    _, high = clopper_pearson(up + missing, up + down + missing, confidence)
    surest = abs(up - down) > missing or not missing
    return Row(
        **what,
        unit="share raised",
        estimate=share(up, up + down) if up + down else 0.5,
        low=low,
        high=high,
        p=max(mcnemar_exact(up + missing, down), mcnemar_exact(up, down + missing))
        if surest
        else 1.0,
        method="Clopper-Pearson interval, sign test p",
        flips_for=up,
        flips_against=down,
    )


def _shifted(what: dict[str, Any], r: Floats, g: Floats, missing: int, confidence: float) -> Row:
    shift = Moments.of(rank_shift(r, g))
    # Who is missing from the list moves nobody else in it by more places than they are.
    blurred = min(1.0, missing / max(1, len(r) + missing - 1))
    whole = completed(shift, missing, -1.0, 1.0)
    ends = [mean_interval(each, confidence, 1.0 + abs(each.mean)) for each in whole]
    means = [each.mean for each in whole]
    p = 1.0
    if min(means) - blurred > 0 or max(means) + blurred < 0:
        p = max(p_mean_outside(each, blurred, 1.0 + abs(each.mean)) for each in whole)
    return Row(
        **what,
        unit="rank shift",
        estimate=shift.mean,
        low=max(-1.0, min(low for low, _ in ends) - blurred),
        high=min(1.0, max(high for _, high in ends) + blurred),
        p=p,
        method="each person moved alone, Student t",
        sd=shift.sd,
    )


def _quantiles(
    what: dict[str, Any], gaps: Floats, least: Floats, most: Floats, confidence: float
) -> Iterator[Row]:
    known = quantile_intervals(gaps, _QUANTILES, confidence)
    # Most often nothing is missing, and a million numbers need not be sorted three times.
    each = [known] + [
        known if np.array_equal(end, gaps) else quantile_intervals(end, _QUANTILES, confidence)
        for end in (least, most)
    ]
    for q, (estimate, _, _), (_, low, _), (_, _, high) in zip(_QUANTILES, *each, strict=True):
        method = f"{percent(q).replace('.0 %', ' %')} quantile, order statistics"
        yield Row(
            **what,
            unit="gap quantile",
            estimate=estimate,
            low=min(low, estimate),
            high=max(high, estimate),
            method=method,
        )
