"""One rate: an exact interval for it, and exact p-values of claims about it."""

from scipy.special import betainc, betaincc, betainccinv, betaincinv

__all__ = ["clopper_pearson", "p_rate_above", "p_rate_below"]


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact two-sided confidence interval for a rate.

    Its coverage is never below `confidence`, for any rate and any `n`.

    Parameters
    ----------
    k : int
        Successes, ``0 <= k <= n``.
    n : int
        Trials, at least 0. Without a trial every rate is possible.
    confidence : float
        Nominal coverage, in (0, 1).

    Returns
    -------
    low, high : float
        Bounds in [0, 1], with ``low <= k / n <= high``.

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26, 404-413; in terms of the beta
    distribution as in Brown, Cai and DasGupta (2001), Statistical Science 16,
    section 4.2.1.

    Examples
    --------
    >>> low, high = clopper_pearson(3, 20)
    >>> round(low, 4), round(high, 4)
    (0.0321, 0.3789)
    """
    tail = (1.0 - confidence) / 2.0
    low = float(betaincinv(k, n - k + 1, tail)) if k > 0 else 0.0
    high = float(betainccinv(k + 1, n - k, tail)) if k < n else 1.0
    return low, high


def p_rate_above(k: int, n: int, rate: float) -> float:
    """Exact one-sided p-value for the claim that the true rate is above `rate`.

    Parameters
    ----------
    k : int
        Successes, ``0 <= k <= n``.
    n : int
        Trials, at least 0.
    rate : float
        Largest rate under the null hypothesis, in [0, 1].

    Returns
    -------
    float
        P(X >= k) for X ~ Binomial(n, rate), in [0, 1]; 1 when `k` is 0. A rate of 0 is
        refuted by a single success.

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26, 404-413; the binomial tail as an incomplete
    beta function: NIST Digital Library of Mathematical Functions, equation 8.17.5.

    Examples
    --------
    >>> round(p_rate_above(3, 10, 0.1), 4)
    0.0702
    """
    return float(betainc(k, n - k + 1, rate)) if k > 0 else 1.0


def p_rate_below(k: int, n: int, rate: float) -> float:
    """Exact one-sided p-value for the claim that the true rate is below `rate`.

    Parameters
    ----------
    k : int
        Successes, ``0 <= k <= n``.
    n : int
        Trials, at least 0.
    rate : float
        Smallest rate under the null hypothesis, in [0, 1].

    Returns
    -------
    float
        P(X <= k) for X ~ Binomial(n, rate), in [0, 1]; 1 when `k` equals `n`.

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26, 404-413; the binomial tail as an incomplete
    beta function: NIST Digital Library of Mathematical Functions, equation 8.17.5.

    Examples
    --------
    Not one flip proves a flip rate below 2 % from 149 pairs on:

    >>> p_rate_below(0, 148, 0.02) > 0.05 >= p_rate_below(0, 149, 0.02)
    True
    """
    return float(betaincc(k + 1, n - k, rate)) if k < n else 1.0
