"""The gaps of one contrast as rows: flips, net gaps, gaps of amounts, changes of labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from paribus.answers import Answers
from paribus.evidence._names import TOO_FEW, Names
from paribus.evidence.base import Row, Unit
from paribus.outcomes import FAVORABLE, MISSING, UNFAVORABLE, Repeated, Tally
from paribus.stats.moments import Moments, mean_interval, p_mean_outside, p_mean_within
from paribus.stats.paired import (
    agreeing,
    bonett_price_interval,
    mcnemar_asymptotic,
    mcnemar_exact,
    mcnemar_midp,
    newcombe_interval,
    p_gap_outside,
    p_gap_within,
    tango_interval,
    tango_z,
)
from paribus.stats.rates import clopper_pearson, p_rate_above, p_rate_below
from paribus.twins import Contrast

IntervalName = Literal["tango", "newcombe", "bonett-price"]
McNemarName = Literal["exact", "mid-p", "asymptotic"]

Cells = tuple[int, int, int, int]
"""Pairs in which both twins, the group alone, the reference alone, and neither are favored."""

Floats = npt.NDArray[np.float64]

INTERVALS: dict[IntervalName, Callable[[Cells, float], tuple[float, float]]] = {
    "tango": lambda c, level: tango_interval(c[1], c[2], sum(c), level),
    "newcombe": lambda c, level: newcombe_interval(*c, level),
    "bonett-price": lambda c, level: bonett_price_interval(c[1], c[2], sum(c), level),
}
TITLES = {"tango": "Tango", "newcombe": "Newcombe", "bonett-price": "Bonett-Price"}
MCNEMAR: dict[McNemarName, Callable[[int, int], float]] = {
    "exact": mcnemar_exact,
    "mid-p": mcnemar_midp,
    "asymptotic": mcnemar_asymptotic,
}


@dataclass(frozen=True)
class Scale:
    """What the gaps of an audit are held against, and how they are weighed."""

    tolerance: float
    confidence: float
    interval: IntervalName = "tango"
    mcnemar: McNemarName = "exact"
    spread: float = 0.0
    """Width of the range of the answers, of outcomes that measure."""
    unseen: float = 0.0
    """How far away an unseen answer must be thought to be before equivalence is proven.

    Answers without bounds by nature may hardly differ among the people asked. Then it takes as
    many equal gaps as it takes pairs without a flip at a tolerance of 1 in 50.
    """

    @classmethod
    def of(
        cls,
        answers: Answers,
        tolerance: float,
        confidence: float,
        interval: IntervalName = "tango",
        mcnemar: McNemarName = "exact",
    ) -> Scale:
        """Take the range of the answers from the answers."""
        low, high = answers.bounds
        unseen = 0.0 if answers.outcome.bounds is not None else 50 * tolerance
        return cls(tolerance, confidence, interval, mcnemar, high - low, unseen)

    def of_shares(self) -> Scale:
        """Take answers for the shares of favorable decisions that they are."""
        return replace(self, spread=1.0, unseen=0.0)


def about(test: str, contrast: Contrast, tally: Tally) -> dict[str, Any]:
    """Say what a row is about."""
    return {
        "test": test,
        "contrast": contrast.kind,
        "attribute": contrast.attribute,
        "reference": contrast.reference_name,
        "group": contrast.group_name,
        "people": tally.people,
        "answered": tally.answered,
    }


def share(count: float, of: float) -> float:
    """Divide, where there is anything to divide by."""
    return count / of if of else 0.0


def completed_cells(cells: npt.NDArray[Any]) -> tuple[Any, Any]:
    """Complete the cells of a tally with missing answers, all for the group and all against it.

    Returns
    -------
    best, worst : tuple of four numbers
        As `Cells`; equal where nothing is missing.
    """
    both, group, reference, neither = (
        cells[FAVORABLE, FAVORABLE],
        cells[FAVORABLE, UNFAVORABLE],
        cells[UNFAVORABLE, FAVORABLE],
        cells[UNFAVORABLE, UNFAVORABLE],
    )
    unknown = cells[MISSING, MISSING]
    best = (
        both + cells[MISSING, FAVORABLE],
        group + cells[MISSING, UNFAVORABLE] + cells[FAVORABLE, MISSING] + unknown,
        reference,
        neither + cells[UNFAVORABLE, MISSING],
    )
    worst = (
        both + cells[FAVORABLE, MISSING],
        group,
        reference + cells[MISSING, FAVORABLE] + cells[UNFAVORABLE, MISSING] + unknown,
        neither + cells[MISSING, UNFAVORABLE],
    )
    return tuple(n.item() for n in best), tuple(n.item() for n in worst)


# --- decisions ------------------------------------------------------------------------------------


def rate_of_change(
    what: dict[str, Any], tally: Tally, changed: int, scale: Scale
) -> dict[str, Any]:
    """Weigh how many pairs change: flips of a decision, or changes of a label."""
    n, missing = tally.people, tally.people - tally.answered
    # At best no unanswered pair changes, at worst every one does.
    low, _ = clopper_pearson(changed, n, scale.confidence)
    _, high = clopper_pearson(changed + missing, n, scale.confidence)
    bound = min(scale.tolerance, 1.0)
    outside = min(1.0, 2 * p_rate_above(changed, n, bound))
    return {
        **what,
        "estimate": share(changed, tally.answered),
        "low": low,
        "high": high,
        "p": outside,
        "p_outside": outside,
        "p_within": p_rate_below(changed + missing, n, bound),
        "method": "Clopper-Pearson interval, exact binomial p",
    }


def flip_rate(what: dict[str, Any], tally: Tally, scale: Scale, held: bool) -> Row:
    """Weigh how many decisions change."""
    flips = {"flips_against": tally.against_count, "flips_for": tally.in_favor_count}
    rate = rate_of_change(what, tally, sum(flips.values()), scale)
    return Row(**rate, **flips, unit="flip rate", held=held)


def net_gap(what: dict[str, Any], tally: Tally, scale: Scale, held: bool) -> Row:
    """Weigh the difference of the two rates of favorable answers."""
    n = tally.people
    in_favor, against = tally.in_favor_count, tally.against_count
    ends: tuple[Cells, Cells] = completed_cells(tally.cells)
    best, worst = ends
    interval = INTERVALS[scale.interval]
    mcnemar = MCNEMAR[scale.mcnemar]
    low, high = interval(worst, scale.confidence)[0], interval(best, scale.confidence)[1]
    least_sure = max(mcnemar(end[1], end[2]) for end in ends)
    low, high = agreeing(low, high, least_sure, scale.confidence)
    outside = max(p_gap_outside(end[1], end[2], n, scale.tolerance) for end in ends)
    if (worst[1] - worst[2]) * (best[1] - best[2]) < 0:
        # The two extremes point in opposite directions: between them lies no gap at all.
        outside = least_sure = 1.0
        low, high = agreeing(low, high, least_sure, scale.confidence)
    return Row(
        **what,
        unit="net gap",
        estimate=share(in_favor - against, tally.answered),
        low=low,
        high=high,
        p=least_sure,
        p_outside=outside,
        p_within=max(p_gap_within(end[1], end[2], n, scale.tolerance) for end in ends),
        held=held,
        flips_against=against,
        flips_for=in_favor,
        method=f"{TITLES[scale.interval]} interval, {scale.mcnemar} McNemar p",
    )


# --- amounts --------------------------------------------------------------------------------------


def mean_gap(
    what: dict[str, Any], unit: Unit, gaps: Moments, people: int, scale: Scale, held: bool
) -> Row:
    """Weigh the mean of gaps that have a sign."""
    spread = scale.spread
    whole = completed(gaps, people - gaps.count, -spread, spread)
    # A gap lies within +- the range of the answers, so from the mean it is at most this far away.
    reaches = [spread + abs(moments.mean) for moments in whole]
    each = list(zip(whole, reaches, strict=True))
    intervals = [mean_interval(moments, scale.confidence, reach) for moments, reach in each]
    means = [moments.mean for moments in whole]
    tolerance = scale.tolerance

    def beyond(least: float) -> float:
        if not gaps.count or (min(means) <= least and max(means) >= -least):
            return 1.0
        return max(p_mean_outside(moments, least, reach) for moments, reach in each)

    # A gap of rates cannot be more; of answers without bounds nobody knows.
    most = 1.0 if unit == "net gap" else np.inf
    return Row(
        **{**what, "people": people, "answered": gaps.count},
        unit=unit,
        estimate=gaps.mean,
        low=max(-most, min(low for low, _ in intervals)),
        high=min(most, max(high for _, high in intervals)),
        p=beyond(0.0),
        p_outside=beyond(tolerance),
        p_within=_p_within(gaps, people, -1.0, scale),
        held=held,
        largest=gaps.low if abs(gaps.low) > abs(gaps.high) else gaps.high,
        sd=gaps.sd,
        method="Student t",
    )


def absolute_gap(what: dict[str, Any], tally: Tally, scale: Scale, held: bool) -> Row:
    """Weigh how far answers move either way: gaps of both signs may cancel, and still be gaps."""
    sizes, spread, tolerance = tally.sizes, scale.spread, scale.tolerance
    whole = completed(sizes, tally.people - tally.answered, 0.0, spread)
    intervals = [mean_interval(moments, scale.confidence, spread) for moments in whole]
    outside = 1.0
    if tally.answered and min(moments.mean for moments in whole) > tolerance:
        outside = max(p_mean_outside(moments, tolerance, spread) for moments in whole)
    return Row(
        **what,
        unit="absolute gap",
        estimate=sizes.mean,
        low=max(0.0, min(low for low, _ in intervals)),
        high=max(high for _, high in intervals),
        p=outside,
        p_outside=outside,
        p_within=_p_within(sizes, tally.people, 0.0, scale),
        held=held,
        largest=sizes.high,
        sd=sizes.sd,
        method="Student t",
    )


def _p_within(gaps: Moments, people: int, bottom: float, scale: Scale) -> float:
    """Weigh equivalence, with missing gaps as far away as unseen answers must be thought to be.

    `bottom` is the least that a gap can be, in units of the farthest.
    """
    far = max(scale.spread, scale.unseen)
    whole = completed(gaps, people - gaps.count, bottom * far, far)
    # A gap with a sign may be as far on the other side.
    reaches = [far - bottom * abs(each.mean) for each in whole]
    return max(
        p_mean_within(each, scale.tolerance, reach)
        for each, reach in zip(whole, reaches, strict=True)
    )


def completed(gaps: Moments, missing: int, lowest: float, highest: float) -> list[Moments]:
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


# --- models that do not repeat themselves ---------------------------------------------------------


def squared_effect(what: dict[str, Any], repeated: Repeated, people: int, scale: Scale) -> Row:
    """Weigh the mean squared difference of the two twins' expected answers.

    The product of two differences that share no answer has no noise in its mean; it is as often
    below zero as above where a model treats everybody alike. What it proves is a bias of single
    people that may cancel in the net gap; the absence of one it proves only with far more people
    than anybody asks, so it is never held against `within tolerance`.
    """
    spread = scale.spread**2
    missing = people - repeated.people
    # Missing squares are at least 0 for the claim that there is an effect.
    least = repeated.squared.merge(_constant(0.0, missing))
    most = repeated.squared.merge(_constant(spread, missing))
    bound = min(scale.tolerance, scale.spread) ** 2
    outside, estimate = 1.0, repeated.squared.mean
    if least.mean > bound:
        outside = p_mean_outside(least, bound, 2 * spread)
    return Row(
        **{**what, "people": people, "answered": repeated.people},
        unit="squared effect",
        estimate=estimate,
        low=min(max(0.0, mean_interval(least, scale.confidence, 2 * spread)[0]), estimate),
        high=min(mean_interval(most, scale.confidence, 2 * spread)[1], max(spread, estimate)),
        p=p_mean_outside(least, 0.0, 2 * spread) if least.mean > 0 else 1.0,
        p_outside=outside,
        held=True,
        alarm=True,
        sd=repeated.squared.sd,
        method="two answers for each twin, Student t",
    )


def changed_again(what: dict[str, Any], repeated: Repeated, confidence: float) -> Row:
    """Say how often the reference twins alone were answered otherwise when asked again."""
    low, high = clopper_pearson(repeated.changed_again, repeated.people, confidence)
    return Row(
        **{**what, "group": what["reference"], "reference": "", "answered": repeated.people},
        unit="repeat change rate",
        estimate=share(repeated.changed_again, repeated.people),
        low=low,
        high=high,
        method="Clopper-Pearson interval",
    )


# --- beyond the placebo ---------------------------------------------------------------------------


def excess_rate(
    what: dict[str, Any],
    unit: str,
    changes: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
    told: npt.NDArray[np.bool_],
    scale: Scale,
) -> Row:
    """Weigh how many more pairs a change of level moves than a mere change of name does.

    Parameters
    ----------
    what : dict
    unit : str
    changes : tuple of two ndarray of bool, shape (n,)
        Whom the level moves, and whom the name alone.
    told : ndarray of bool, shape (n,)
        Of whom both are known.
    scale : Scale
    """
    by_level, by_name = changes
    only_level = int(np.count_nonzero(by_level & ~by_name & told))
    only_name = int(np.count_nonzero(by_name & ~by_level & told))
    n, missing = len(told), int(np.count_nonzero(~told))
    low, _ = tango_interval(only_level, only_name + missing, n, scale.confidence)
    _, high = tango_interval(only_level + missing, only_name, n, scale.confidence)
    bound = min(scale.tolerance, 1.0)
    p = max(
        mcnemar_exact(only_level + missing, only_name),
        mcnemar_exact(only_level, only_name + missing),
    )
    if abs(only_level - only_name) <= missing:
        p = 1.0
    low, high = agreeing(low, high, p, scale.confidence)
    above = 2 * float(ndtr(-tango_z(only_level, only_name + missing, n, bound)))
    below = float(ndtr(tango_z(only_level + missing, only_name, n, bound)))
    if not only_name:
        below = max(below, p_rate_below(only_level + missing, n, bound))
    return Row(
        **{**what, "people": n, "answered": n - missing},
        unit=unit,
        estimate=share(only_level - only_name, n - missing),
        low=low,
        high=high,
        p=p,
        # Only more is a bias: that a mere change of name moves more is none.
        p_outside=max(min(1.0, above), mcnemar_exact(only_level, only_name + missing))
        if only_level > only_name + missing
        else 1.0,
        p_within=below if bound > 0 else 1.0,
        held=True,
        method="Tango interval, exact McNemar p",
    )


def excess_size(
    what: dict[str, Any], sizes: tuple[Floats, Floats], told: npt.NDArray[np.bool_], scale: Scale
) -> Row:
    """Weigh how much further a change of level moves answers than a mere change of name does."""
    excess = Moments.of((sizes[0] - sizes[1])[told])
    spread, tolerance = scale.spread, scale.tolerance
    whole = completed(excess, int(np.count_nonzero(~told)), -spread, spread)
    reaches = [spread + abs(moments.mean) for moments in whole]
    each = list(zip(whole, reaches, strict=True))
    intervals = [mean_interval(moments, scale.confidence, reach) for moments, reach in each]
    outside = p = within = 1.0
    means = [moments.mean for moments in whole]
    if excess.count and min(means) > tolerance:
        outside = max(p_mean_outside(moments, tolerance, reach) for moments, reach in each)
    if excess.count and (min(means) > 0 or max(means) < 0):
        p = max(p_mean_outside(moments, 0.0, reach) for moments, reach in each)
    if tolerance > 0:
        # One-sided: a mean below zero is within the tolerance, wherever it lies.
        far = max(spread, scale.unseen)
        within = max(
            p_mean_within(_not_below_zero(moments), tolerance, far + abs(moments.mean))
            for moments in completed(excess, int(np.count_nonzero(~told)), -far, far)
        )
    return Row(
        **{**what, "people": len(told), "answered": excess.count},
        unit="excess absolute gap",
        estimate=excess.mean,
        low=min(low for low, _ in intervals),
        high=max(high for _, high in intervals),
        p=p,
        p_outside=outside,
        p_within=within,
        held=True,
        sd=excess.sd,
        method="Student t",
    )


def _not_below_zero(moments: Moments) -> Moments:
    return replace(moments, mean=max(0.0, moments.mean))


# --- over names -----------------------------------------------------------------------------------

_SIGNED = frozenset({"net gap", "score gap"})
_EXCESS = frozenset({"excess flip rate", "excess label change rate", "excess absolute gap"})


def over_names(
    row: Row,
    ends: tuple[Floats, Floats],
    told: npt.NDArray[np.bool_],
    names: Names,
    least: int,
    scale: Scale,
) -> Row:
    """Weigh a row over names instead of people, and never more surely than over people.

    Parameters
    ----------
    row : Row
        As weighed over people.
    ends : tuple of two ndarray of float64, shape (kept,)
        The least and the most of what the row is the mean of: the same where it is known.
    told : ndarray of bool, shape (kept,)
        Of whom it is known.
    names : Names
    least : int
        Names a level below which nothing is proven about names that were not asked.
    scale : Scale
        Its spread is the width of the range of the answers that the row is about.
    """
    # Sizes lie between 0 and the spread, gaps and excesses as far on either side of 0.
    bottom = -scale.spread if row.unit in _SIGNED | _EXCESS else 0.0
    reach = scale.spread - bottom
    tolerance = min(scale.tolerance, scale.spread) if row.unit != "score gap" else scale.tolerance
    low, high, outside, within = names.widen(ends, told, tolerance, scale.confidence, reach)
    p = outside if bottom == 0.0 else names.widen(ends, told, 0.0, scale.confidence, reach)[2]
    if row.unit in _EXCESS:
        # Only more is a bias, and less is within any tolerance: the row over people knows which.
        above = float(ends[0].mean()) > tolerance
        outside = outside if above else 1.0
        within = names.not_above(ends, told, tolerance, reach)
    few = names.fewest < least
    lacking = f", {TOO_FEW} ({least})" if few else ""
    return row.model_copy(
        update={
            "low": min(row.low, max(bottom, low)),
            "high": max(row.high, min(scale.spread, high)),
            "p": max(row.p or 0.0, p),
            "p_outside": 1.0 if few else max(row.p_outside or 0.0, outside),
            "p_within": 1.0 if few else max(row.p_within or 0.0, within),
            "names": names.fewest,
            "method": f"over {names.fewest:,} names a level{lacking}",
        }
    )


# --- everybody in the declared domain -------------------------------------------------------------


def exact_row(
    what: dict[str, Any],
    unit: Unit,
    ends: Sequence[float],
    estimate: float,
    tolerance: float,
    held: bool,
    **more: Any,
) -> Row:
    """State a number that is no estimate: everybody in the declared domain was asked.

    Parameters
    ----------
    what : dict
    unit : str
    ends : sequence of float
        The number with missing answers at their extremes; all the same where none is missing.
    estimate : float
    tolerance : float
    held : bool
    """
    low, high = min(*ends, estimate), max(*ends, estimate)
    return Row(
        **what,
        unit=unit,
        estimate=estimate,
        low=low,
        high=high,
        p_outside=0.0 if low > tolerance or high < -tolerance else 1.0,
        p_within=0.0 if -tolerance <= low and high <= tolerance else 1.0,
        held=held,
        exact=True,
        method="everybody in the declared domain",
        **more,
    )


def exact_rows(
    what: dict[str, Any], answers: Answers, tally: Tally, scale: Scale, held: bool, steady: bool
) -> list[Row]:
    """State all gaps of a contrast, of everybody in the declared domain."""
    rows: list[Row] = []
    outcome, shares = answers.outcome, tally.shares
    # Whole numbers as long as they are: a gap of exactly the tolerance is within it.
    mass = tally.cells if shares is None else shares.mass
    everybody, answered = mass.sum().item(), mass[:2, :2].sum().item()
    missing = everybody - answered if tally.answered < tally.people else 0
    whole = everybody if missing else answered

    def add(unit: Unit, known: float, ends: Sequence[float], held: bool, **more: Any) -> None:
        estimate = share(known, answered)
        extremes = [end / whole for end in ends] if missing else [estimate]
        rows.append(exact_row(what, unit, extremes, estimate, scale.tolerance, held, **more))

    if outcome.decides:
        best, worst = completed_cells(mass)
        flips = {"flips_against": tally.against_count, "flips_for": tally.in_favor_count}
        against = mass[UNFAVORABLE, FAVORABLE].item()
        in_favor = mass[FAVORABLE, UNFAVORABLE].item()
        rate = against + in_favor
        add("flip rate", rate, (rate, rate + missing), steady, **flips)
        ends = (worst[1] - worst[2], best[1] - best[2])
        add("net gap", in_favor - against, ends, held, **flips)
    if outcome.kind == "label":
        changed = tally.changed if shares is None else shares.changed
        add("label change rate", changed, (changed, changed + missing), steady)
    if outcome.measures:
        total, size = (
            (tally.gaps.mean * answered, tally.sizes.mean * answered)
            if shares is None
            else (shares.gap, shares.size)
        )
        widest = tally.gaps.low if abs(tally.gaps.low) > tally.gaps.high else tally.gaps.high
        unknown = missing * scale.spread
        add("score gap", total, (total - unknown, total + unknown), held, largest=widest)
        add("absolute gap", size, (size, size + unknown), steady, largest=tally.sizes.high)
    return rows
