"""The same pairs, weighed in every way that the field knows, beside the verdict.

Verdicts rest on `counterfactual`. A reader who trusts another test, or needs another effect size,
finds it here, computed from the same answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from paribus._text import percent
from paribus.answers import Answers
from paribus.evidence._gaps import INTERVALS, TITLES, Cells, about, exact_row, share
from paribus.evidence.base import Row, Test
from paribus.outcomes import FAVORABLE, UNFAVORABLE, Tally
from paribus.people.population import People
from paribus.stats.labels import bowker, stuart_maxwell
from paribus.stats.moments import Moments, mean_interval, p_mean_outside
from paribus.stats.paired import mcnemar_asymptotic, mcnemar_exact, mcnemar_midp
from paribus.stats.quantiles import quantile_intervals
from paribus.stats.ranks import hodges_lehmann, rank_shift, wilcoxon
from paribus.stats.rates import clopper_pearson
from paribus.stats.ratios import cohens_h, cohens_h_interval, impact_ratio, odds_ratio
from paribus.stats.relabeling import sign_flip
from paribus.twins import Contrast, cell_contrasts, level_contrasts

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Paired(Test):
    """Other tests, intervals and effect sizes of every contrast; none of them makes a verdict."""

    kind: Literal["paired"] = "paired"
    cross: tuple[tuple[str, ...], ...] = ()
    """Attributes to cross, where no other test asks for them."""

    def needs(self, people: People) -> Sequence[Contrast]:
        wanted = [c for name in people.protect for c in level_contrasts(people, name)]
        for attributes in self.cross:
            wanted.extend(cell_contrasts(people, attributes))
        return wanted

    def weigh(self, answers: Answers, tolerance: float, confidence: float) -> Sequence[Row]:
        rows: list[Row] = []
        for contrast, tally in answers.tallies.items():
            if contrast.kind == "placebo" or not tally.answered:
                continue
            what = {**about(self.kind, contrast, tally), "people": tally.answered}
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
    cells = _cells(tally)
    n = sum(cells)
    _, group, reference, _ = cells
    gap = share(group - reference, n)
    flips = {"flips_for": group, "flips_against": reference}
    for interval, p, title in (
        ("newcombe", mcnemar_midp(group, reference), "mid-p"),
        ("bonett-price", mcnemar_asymptotic(group, reference), "asymptotic"),
    ):
        low, high = INTERVALS[interval](cells, confidence)
        method = f"{TITLES[interval]} interval, {title} McNemar p"
        ends = {"low": min(low, gap), "high": max(high, gap)}
        yield Row(**what, unit="net gap", estimate=gap, **ends, p=p, method=method, **flips)
    odds, low, high = odds_ratio(group, reference, confidence)
    yield Row(
        **what,
        unit="odds ratio",
        estimate=odds,
        low=low,
        high=high,
        p=mcnemar_exact(group, reference),
        method="conditional, exact interval",
        **flips,
    )
    ratio, low, high = impact_ratio(*cells, confidence)
    method = "hybrid Wilson interval (Bonett and Price)"
    yield Row(
        **what, unit="impact ratio", estimate=ratio, low=low, high=high, method=method, **flips
    )
    both, neither = cells[0], cells[3]
    rates = share(both + group, n), share(both + reference, n)
    low, high = cohens_h_interval(both, group, reference, neither, confidence)
    method = "square-and-add interval on the arcsine scale"
    h = cohens_h(*rates)
    yield Row(**what, unit="Cohen's h", estimate=h, low=low, high=high, method=method)


def _decisions_exactly(what: dict[str, Any], tally: Tally, confidence: float) -> Iterator[Row]:
    mass = tally.cells / tally.people if tally.shares is None else tally.shares.mass
    group = float(mass[FAVORABLE, : UNFAVORABLE + 1].sum())
    reference = float(mass[: UNFAVORABLE + 1, FAVORABLE].sum())
    if reference or not group:
        ratio = share(group, reference) if reference else 1.0
        yield exact_row(what, "impact ratio", (ratio,), ratio, 0.0, False)
    told = float(mass[: UNFAVORABLE + 1, : UNFAVORABLE + 1].sum())
    h = cohens_h(share(group, told), share(reference, told))
    yield exact_row(what, "Cohen's h", (h,), h, 0.0, False)


def _labels(what: dict[str, Any], answers: Answers, contrast: Contrast) -> Iterator[Row]:
    told = answers.answered(contrast.reference) & answers.answered(contrast.group)
    r, g = (answers.values(v)[told].astype(np.intp) for v in (contrast.reference, contrast.group))
    labels = len(answers.outcome.labels)
    table = np.bincount(labels * r + g, minlength=labels**2).reshape(labels, labels)
    what = {**what, "people": len(r), "answered": len(r)}
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
            method=f"{question}, chi-square with {freedom} degrees of freedom",
        )


def _amounts(
    what: dict[str, Any], answers: Answers, contrast: Contrast, confidence: float
) -> Iterator[Row]:
    told = answers.answered(contrast.reference) & answers.answered(contrast.group)
    r, g = (answers.values(v)[told] for v in (contrast.reference, contrast.group))
    gaps = g - r
    if not len(gaps):
        return
    what = {**what, "people": len(gaps), "answered": len(gaps)}
    low, high = answers.bounds
    moments = Moments.of(gaps)
    ends = mean_interval(moments, confidence, high - low + abs(moments.mean))
    yield Row(
        **what,
        unit="score gap",
        estimate=moments.mean,
        low=ends[0],
        high=ends[1],
        p=sign_flip(gaps, seed=answers.twins.people.seed),
        method="Student t interval, sign-flip p",
        sd=moments.sd,
    )
    middle, least, most = hodges_lehmann(gaps, confidence)
    yield Row(
        **what,
        unit="median gap",
        estimate=middle,
        low=least,
        high=most,
        p=wilcoxon(gaps)[1],
        method="Hodges-Lehmann, Wilcoxon signed-rank p",
    )
    yield from _quantiles(what, gaps, confidence)
    up, down = int(np.count_nonzero(gaps > 0)), int(np.count_nonzero(gaps < 0))
    least, most = clopper_pearson(up, up + down, confidence)
    raised = share(up, up + down) if up + down else 0.5
    flips = {"flips_for": up, "flips_against": down}
    p = mcnemar_exact(up, down)
    method = "Clopper-Pearson interval, sign test p"
    unit: Literal["share raised"] = "share raised"
    yield Row(**what, unit=unit, estimate=raised, low=least, high=most, p=p, method=method, **flips)
    shift = Moments.of(rank_shift(r, g))
    least, most = mean_interval(shift, confidence, 2.0)
    yield Row(
        **what,
        unit="rank shift",
        estimate=shift.mean,
        low=max(-1.0, least),
        high=min(1.0, most),
        p=p_mean_outside(shift, 0.0, 2.0),
        method="each person moved alone, Student t",
        sd=shift.sd,
    )


def _quantiles(
    what: dict[str, Any], gaps: npt.NDArray[np.float64], confidence: float
) -> Iterator[Row]:
    for q, (estimate, low, high) in zip(
        _QUANTILES, quantile_intervals(gaps, _QUANTILES, confidence), strict=True
    ):
        method = f"{percent(q).replace('.0 %', ' %')} quantile, order statistics"
        yield Row(**what, unit="gap quantile", estimate=estimate, low=low, high=high, method=method)
