"""How many more people would settle a claim, if what was seen so far is the truth.

Nobody needs to know this to the last person: the numbers reach the wanted power, and do not look
ahead for the small dips that power has in the number of people.
"""

from functools import partial

from paribus.stats.moments import Moments, p_mean_outside, p_mean_within
from paribus.stats.paired import p_gap_outside, p_gap_within
from paribus.stats.power import (
    people_for_flips_biased,
    people_for_flips_within,
    people_for_mean_biased,
    people_for_mean_within,
    people_until,
    power_biased,
    power_within,
)
from paribus.stats.rates import p_rate_above, p_rate_below

__all__ = ["more_people_for_flips", "more_people_for_gap", "more_people_for_mean"]

_MOST_MORE = 10**7


def more_people_for_gap(
    n12: int, n21: int, n: int, tolerance: float, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """How many people more would settle a net gap, if what was seen is the truth.

    Parameters
    ----------
    n12, n21, n : int
        Pairs that changed in the one and in the other direction, and all pairs so far, at least
        ``n12 + n21``; without a pair, no change is taken for the truth.
    tolerance, alpha : float
        As for `power_within`.
    power : float
        Chance that all people together prove the claim, in (alpha, 1): that the gap is outside
        the tolerance where the observed one is, or that it is within.

    Returns
    -------
    int or None
        0 where the claim is already proven, otherwise at least 1; None where the gap lies so
        close to the tolerance that it takes over 10 million people.

    Examples
    --------
    >>> more_people_for_gap(0, 0, 100, tolerance=0.02)
    49
    >>> more_people_for_gap(2, 0, 100, tolerance=0.02) is None
    True
    """
    p12, p21 = (n12 / n, n21 / n) if n else (0.0, 0.0)
    if abs(p12 - p21) > tolerance:
        limit = max(tolerance, 0.0)
        if p_gap_outside(n12, n21, n, limit) <= alpha:
            return 0
        see = partial(power_biased, p12=p12, p21=p21, tolerance=limit, alpha=alpha)
        return _more(people_until(see, power), n)
    if p_gap_within(n12, n21, n, tolerance) <= alpha:
        return 0
    if not abs(p12 - p21) < tolerance:
        return None
    prove = partial(power_within, p12=p12, p21=p21, tolerance=tolerance, alpha=alpha)
    return _more(people_until(prove, power), n)


def more_people_for_flips(
    flips: int, n: int, tolerance: float, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """How many people more would settle a rate of change, if what was seen is the truth.

    Parameters
    ----------
    flips : int
        Pairs that changed, at most `n`.
    n, tolerance, alpha, power
        As for `more_people_for_gap`.

    Returns
    -------
    int or None
        As for `more_people_for_gap`.

    Examples
    --------
    >>> more_people_for_flips(0, 100, tolerance=0.02)
    49
    """
    rate, limit = (flips / n if n else 0.0), max(0.0, min(tolerance, 1.0))
    if rate > tolerance:
        if 2.0 * p_rate_above(flips, n, limit) <= alpha:
            return 0
        return _more(people_for_flips_biased(rate, limit, alpha, power), n)
    if p_rate_below(flips, n, limit) <= alpha:
        return 0
    return _more(people_for_flips_within(rate, tolerance, alpha, power), n)


def more_people_for_mean(
    moments: Moments,
    tolerance: float,
    alpha: float = 0.05,
    power: float = 0.8,
    spread: float = 0.0,
) -> int | None:
    """How many people more would settle a mean difference, if what was seen is the truth.

    Parameters
    ----------
    moments : Moments
        Of the differences so far.
    tolerance, alpha, power, spread
        As for `more_people_for_gap` and `p_mean_within`.

    Returns
    -------
    int or None
        As for `more_people_for_gap`.

    Examples
    --------
    >>> import numpy as np
    >>> more_people_for_mean(Moments.of(np.zeros(100)), tolerance=0.02, spread=1.0)
    49
    """
    n, mean, sd = moments.count, moments.mean, moments.sd
    if abs(mean) > tolerance:
        limit = max(tolerance, 0.0)
        if p_mean_outside(moments, limit, spread) <= alpha:
            return 0
        return _more(people_for_mean_biased(mean, sd, limit, alpha, power, spread), n)
    if p_mean_within(moments, tolerance, spread) <= alpha:
        return 0
    return _more(people_for_mean_within(mean, sd, tolerance, alpha, power, spread), n)


def _more(needed: int | None, n: int) -> int | None:
    if needed is None or needed - n > _MOST_MORE:
        return None
    return max(1, needed - n)
