"""Twins weighed: flip rates, net gaps and score gaps of every contrast, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from paribus.answers import FAVORABLE, MISSING, UNFAVORABLE, Answers, Tally
from paribus.evidence.base import Row, Test, Unit
from paribus.people.population import People
from paribus.stats.moments import Moments, mean_interval, p_mean_outside, p_mean_within
from paribus.stats.paired import mcnemar_exact, p_gap_outside, p_gap_within, tango_interval
from paribus.stats.rates import clopper_pearson, p_rate_above, p_rate_below
from paribus.twins import (
    Contrast,
    Version,
    cell_contrasts,
    level_contrasts,
    placebo_contrasts,
)


class Counterfactual(Test):
    """Twins against twins, for every attribute, for crossed ones, and for placebo twins."""

    kind: Literal["counterfactual"] = "counterfactual"
    cross: tuple[tuple[str, ...], ...] = ()
    """Attributes to cross: each cell is compared with the cell of the references."""
    placebo: bool = True
    """Whether to draw linked fields again where something is linked."""

    def needs(self, people: People) -> Sequence[Contrast]:
        wanted: list[Contrast] = []
        for name in people.protect:
            wanted.extend(level_contrasts(people, name))
        distinct = {frozenset(attributes): attributes for attributes in reversed(self.cross)}
        for attributes in reversed(distinct.values()):
            wanted.extend(cell_contrasts(people, attributes))
        if self.placebo:
            for name in people.protect:
                wanted.extend(placebo_contrasts(people, name))
        return wanted

    def weigh(self, answers: Answers, tolerance: float, confidence: float) -> Sequence[Row]:
        rows: list[Row] = []
        for contrast, tally in answers.tallies.items():
            about = _about(contrast, tally)
            held = contrast.kind != "placebo"
            # Noise moves answers either way, and would pass for the attribute's doing.
            steady = held and answers.repeatable is not False
            if answers.outcome.decides:
                rows.append(_flip_rate(about, tally, tolerance, confidence, steady))
                rows.append(_net_gap(about, tally, tolerance, confidence, held))
            if answers.outcome.kind == "label":
                rate = _rate_of_change(about, tally, tally.changed, tolerance, confidence)
                rows.append(Row(**rate, unit="label change rate", held=steady))
            if answers.outcome.measures:
                spread, unseen = answers.bounds[1] - answers.bounds[0], _unseen(answers, tolerance)
                sizes = (spread, unseen)
                rows.append(_score_gap(about, tally, tolerance, confidence, held, *sizes))
                rows.append(_absolute_gap(about, tally, tolerance, confidence, steady, *sizes))
        return (*rows, *_levels(answers, confidence))


def _about(contrast: Contrast, tally: Tally) -> dict[str, Any]:
    return {
        "test": "counterfactual",
        "contrast": contrast.kind,
        "attribute": contrast.attribute,
        "reference": contrast.reference_name,
        "group": contrast.group_name,
        "people": tally.people,
        "answered": tally.answered,
    }


def _unseen(answers: Answers, tolerance: float) -> float:
    """Say how far away an unseen answer must be thought to be before equivalence is proven.

    Answers without bounds by nature may hardly differ among the people asked. Then it takes as
    many equal gaps as it takes pairs without a flip at a tolerance of 1 in 50.
    """
    return 0.0 if answers.outcome.bounds is not None else 50 * tolerance


def _share(count: int, of: int) -> float:
    return count / of if of else 0.0


def _rate_of_change(
    about: dict[str, Any], tally: Tally, changed: int, tolerance: float, confidence: float
) -> dict[str, Any]:
    """Weigh how many pairs change: flips of a decision, or changes of a label."""
    n, missing = tally.people, tally.people - tally.answered
    # At best no unanswered pair changes, at worst every one does.
    low, _ = clopper_pearson(changed, n, confidence)
    _, high = clopper_pearson(changed + missing, n, confidence)
    bound = min(tolerance, 1.0)
    outside = min(1.0, 2 * p_rate_above(changed, n, bound))
    return {
        **about,
        "estimate": _share(changed, tally.answered),
        "low": low,
        "high": high,
        "p": outside,
        "p_outside": outside,
        "p_within": p_rate_below(changed + missing, n, bound),
    }


def _flip_rate(
    about: dict[str, Any], tally: Tally, tolerance: float, confidence: float, held: bool
) -> Row:
    flips = {"flips_against": tally.against_count, "flips_for": tally.in_favor_count}
    rate = _rate_of_change(about, tally, sum(flips.values()), tolerance, confidence)
    return Row(**rate, **flips, unit="flip rate", held=held)


def _net_gap(
    about: dict[str, Any], tally: Tally, tolerance: float, confidence: float, held: bool
) -> Row:
    n, cells = tally.people, tally.cells
    in_favor, against = tally.in_favor_count, tally.against_count
    # What the pair would be if the missing answers were all as good, or as bad, for the group.
    unknown = int(cells[MISSING, MISSING])
    best = in_favor + int(cells[MISSING, UNFAVORABLE] + cells[FAVORABLE, MISSING]) + unknown
    worst = against + int(cells[MISSING, FAVORABLE] + cells[UNFAVORABLE, MISSING]) + unknown
    low, _ = tango_interval(in_favor, worst, n, confidence)
    _, high = tango_interval(best, against, n, confidence)
    ends = ((in_favor, worst), (best, against))
    outside = max(p_gap_outside(*end, n, tolerance) for end in ends)
    if (in_favor - worst) * (best - against) < 0:
        # The two extremes point in opposite directions: between them lies no gap at all.
        outside = 1.0
    return Row(
        **about,
        unit="net gap",
        estimate=_share(in_favor - against, tally.answered),
        low=low,
        high=high,
        p=mcnemar_exact(in_favor, against),
        p_outside=outside,
        p_within=max(p_gap_within(*end, n, tolerance) for end in ends),
        held=held,
        flips_against=against,
        flips_for=in_favor,
    )


def _score_gap(
    about: dict[str, Any],
    tally: Tally,
    tolerance: float,
    confidence: float,
    held: bool,
    spread: float,
    unseen: float = 0.0,
) -> Row:
    gaps = tally.gaps
    whole = _completed(gaps, tally.people - tally.answered, -spread, spread)
    # A gap lies within +- the range of the answers, so from the mean it is at most this far away.
    reaches = [spread + abs(moments.mean) for moments in whole]
    each = list(zip(whole, reaches, strict=True))
    intervals = [mean_interval(moments, confidence, reach) for moments, reach in each]
    means = [moments.mean for moments in whole]
    outside = 1.0
    if tally.answered and not (min(means) <= tolerance and max(means) >= -tolerance):
        outside = max(p_mean_outside(moments, tolerance, reach) for moments, reach in each)
    return Row(
        **about,
        unit="score gap",
        estimate=gaps.mean,
        low=min(low for low, _ in intervals),
        high=max(high for _, high in intervals),
        p=p_mean_outside(gaps, 0.0, spread + abs(gaps.mean)),
        p_outside=outside,
        p_within=max(p_mean_within(m, tolerance, max(reach, unseen)) for m, reach in each),
        held=held,
        largest=gaps.low if abs(gaps.low) > abs(gaps.high) else gaps.high,
    )


def _absolute_gap(
    about: dict[str, Any],
    tally: Tally,
    tolerance: float,
    confidence: float,
    held: bool,
    spread: float,
    unseen: float = 0.0,
) -> Row:
    """Weigh how far answers move either way: gaps of both signs may cancel, and still be gaps."""
    sizes = tally.sizes
    whole = _completed(sizes, tally.people - tally.answered, 0.0, spread)
    intervals = [mean_interval(moments, confidence, spread) for moments in whole]
    outside = 1.0
    if tally.answered and min(moments.mean for moments in whole) > tolerance:
        outside = max(p_mean_outside(moments, tolerance, spread) for moments in whole)
    return Row(
        **about,
        unit="absolute gap",
        estimate=sizes.mean,
        low=max(0.0, min(low for low, _ in intervals)),
        high=max(high for _, high in intervals),
        p=outside,
        p_outside=outside,
        p_within=max(p_mean_within(m, tolerance, max(spread, unseen)) for m in whole),
        held=held,
        largest=sizes.high,
    )


def _completed(gaps: Moments, missing: int, lowest: float, highest: float) -> list[Moments]:
    """Complete the gaps with missing ones at their extremes, from all lowest to all highest.

    A bound of Student's interval is a convex function of each gap, so its worst is at an extreme.
    """
    if not missing:
        return [gaps]
    steps = sorted({round(missing * i / 16) for i in range(17)})
    extremes = [
        gaps.merge(_constant(highest, up)).merge(_constant(lowest, missing - up)) for up in steps
    ]
    # Where all gaps are equal, the rule of three asks for more than Student does with one outlier.
    return [gaps.merge(_constant(gaps.mean, missing)), *extremes]


def _constant(value: float, count: int) -> Moments:
    return Moments(count, value, 0.0, value, value) if count else Moments.empty()


# --- the levels themselves ------------------------------------------------------------------------


def _levels(answers: Answers, confidence: float) -> list[Row]:
    """Give the rate of favorable answers, or the mean answer, of each level and cell."""
    rows: list[Row] = []
    begun: set[tuple[str, ...]] = set()
    for contrast, tally in answers.tallies.items():
        if contrast.kind == "placebo":
            continue
        sides: list[tuple[str, Version, int]] = [(contrast.group_name, contrast.group, 1)]
        if contrast.attributes not in begun:
            begun.add(contrast.attributes)
            sides.insert(0, (contrast.reference_name, contrast.reference, 0))
        for name, version, axis in sides:
            about = {**_about(contrast, tally), "reference": "", "group": name}
            if answers.outcome.decides:
                rows.append(_rate(about, tally, axis, confidence))
            if answers.outcome.measures:
                rows.append(_mean(about, answers.moments[version], confidence))
    return rows


def _rate(about: dict[str, Any], tally: Tally, axis: int, confidence: float) -> Row:
    counts = tally.cells.sum(axis=axis)
    favorable, missing = int(counts[FAVORABLE]), int(counts[MISSING])
    n = tally.people
    low, _ = clopper_pearson(favorable, n, confidence)
    _, high = clopper_pearson(favorable + missing, n, confidence)
    unit: Unit = "favorable rate"
    rate = _share(favorable, n - missing)
    return Row(**{**about, "answered": n - missing}, unit=unit, estimate=rate, low=low, high=high)


def _mean(about: dict[str, Any], moments: Moments, confidence: float) -> Row:
    low, high = mean_interval(moments, confidence)
    return Row(
        **{**about, "answered": moments.count},
        unit="mean answer",
        estimate=moments.mean,
        low=low,
        high=high,
    )
