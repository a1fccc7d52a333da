"""Paired differences of a number: mergeable moments, the mean's interval, claims about it."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

__all__ = ["ROUNDING", "Moments", "mean_interval", "p_mean_outside", "p_mean_within"]

ROUNDING = 1e-6
"""Differences that vary by less than this share of their range count as equal: so far apart are
equal answers of a float32 model once they are scaled and subtracted."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean, squared deviations and range of finite numbers; merged block by block.

    Attributes
    ----------
    count : int
        How many numbers, at least 0.
    mean : float
        Their mean; 0 when there are none.
    m2 : float
        Sum of the squared deviations from the mean, at least 0.
    low, high : float
        The smallest and the largest; 0 when there are none.

    References
    ----------
    Chan, Golub and LeVeque (1979), Updating formulae and a pairwise algorithm for computing
    sample variances, Stanford report STAN-CS-79-773.

    Examples
    --------
    >>> import numpy as np
    >>> both = Moments.of(np.array([1.0, 2.0])).merge(Moments.of(np.array([6.0])))
    >>> both
    Moments(count=3, mean=3.0, m2=14.0, low=1.0, high=6.0)
    >>> round(both.sd, 4)
    2.6458
    """

    count: int
    mean: float
    m2: float
    low: float
    high: float

    @classmethod
    def empty(cls) -> Self:
        """Return the moments of no numbers, the neutral element of `merge`.

        Examples
        --------
        >>> Moments.empty().count
        0
        """
        return cls(0, 0.0, 0.0, 0.0, 0.0)

    @classmethod
    def of(cls, values: NDArray[Any]) -> Self:
        """Return the moments of an array.

        Parameters
        ----------
        values : ndarray of any shape, numeric or bool
            Finite numbers, at most 1e100 in size.

        Examples
        --------
        >>> import numpy as np
        >>> Moments.of(np.array([True, False])).mean
        0.5
        """
        numbers = np.asarray(values, dtype=np.float64).ravel()
        if numbers.size == 0:
            return cls.empty()
        # Measured from the first number, so that equal numbers have no rounding error.
        shifted = numbers - numbers[0]
        shift = shifted.mean()
        deviations = shifted - shift
        return cls(
            count=int(numbers.size),
            mean=float(numbers[0] + shift),
            m2=float(deviations @ deviations),
            low=float(numbers.min()),
            high=float(numbers.max()),
        )

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of numbers together.

        Any order of merging agrees up to rounding; for equal bits, keep one order.

        Examples
        --------
        >>> import numpy as np
        >>> one = Moments.of(np.array([1.0, 3.0]))
        >>> one.merge(Moments.empty()) == one
        True
        """
        if other.count == 0:
            return self
        if self.count == 0:
            return other
        count = self.count + other.count
        step = other.mean - self.mean
        share = other.count / count
        return Moments(
            count=count,
            mean=self.mean + step * share,
            m2=self.m2 + other.m2 + step * step * self.count * share,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
        )

    @property
    def sd(self) -> float:
        """Sample standard deviation (divisor ``count - 1``); 0 for fewer than two numbers."""
        return math.sqrt(self.m2 / (self.count - 1)) if self.count > 1 else 0.0


def mean_interval(
    moments: Moments, confidence: float = 0.95, spread: float = 0.0
) -> tuple[float, float]:
    """Student's t confidence interval for the mean.

    Where the numbers do not vary, and their standard deviation so says nothing about the
    numbers not seen, a conservative fallback takes its place: after `n` equal numbers, a share
    of up to ``1 - (1 - confidence) ** (1 / n)`` of all numbers may differ from them ("rule of
    three"), each by up to `spread`.

    Parameters
    ----------
    moments : Moments
        Of the paired differences.
    confidence : float
        Nominal coverage, in (0, 1).
    spread : float
        Width of the range that a single number may have, at least 0; 0 takes equal numbers for
        certain. Numbers that vary by less than a millionth of it (rounding) count as equal.

    Returns
    -------
    low, high : float
        Finite, around the mean; ``(-spread, spread)`` without a number.

    References
    ----------
    Student (1908), Biometrika 6, 1-25; Hanley and Lippman-Hand (1983), JAMA 249, 1743-1745.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = mean_interval(Moments.of(np.array([1.0, 2.0, 3.0])))
    >>> round(low, 4), round(high, 4)
    (-0.4841, 4.4841)
    >>> mean_interval(Moments.of(np.zeros(300)), spread=1.0)[1] < 0.01
    True
    """
    if moments.count == 0:
        return -spread, spread
    miss = 1.0 - confidence
    if _is_constant(moments, spread):
        half = -spread * math.expm1(math.log(miss) / moments.count)
    else:
        half = -float(stdtrit(moments.count - 1, miss / 2.0)) * _standard_error(moments)
    return moments.mean - half, moments.mean + half


def p_mean_outside(moments: Moments, tolerance: float, spread: float = 0.0) -> float:
    """Two-sided p-value for the claim that the mean is larger than `tolerance`, either way.

    Twice the smaller of the two one-sided t-test p-values, at ``+tolerance`` for a larger mean
    and at ``-tolerance`` for a smaller one. Where the numbers do not vary, a sign test takes
    its place: under a null hypothesis that is symmetric about the tolerance, `n` numbers all
    fall on one side of it with probability ``2 * 0.5 ** n``. With a `spread`, the p-value is also
    no smaller than that of the fallback of `mean_interval`, so that the two never disagree.

    Parameters
    ----------
    moments : Moments
        Of the paired differences.
    tolerance : float
        Largest mean that counts as equal, at least 0.
    spread : float
        Width of the range that a single number may have, at least 0. Numbers that vary by less
        than a millionth of it (rounding) count as equal.

    Returns
    -------
    float
        In [0, 1]; 1 for fewer than two numbers or a mean within the tolerance.

    References
    ----------
    Student (1908), Biometrika 6, 1-25; Arbuthnott (1710), Philosophical Transactions 27,
    186-190 (sign test).

    Examples
    --------
    >>> import numpy as np
    >>> round(p_mean_outside(Moments.of(np.array([1.0, 2.0, 3.0])), tolerance=0.0), 4)
    0.0742
    >>> p_mean_outside(Moments.of(np.full(5, 0.3)), tolerance=0.1)
    0.0625
    """
    if moments.count < 2:
        return 1.0
    if _is_constant(moments, spread):
        if moments.low <= tolerance and moments.high >= -tolerance:
            return 1.0
        # Never surer than the interval: an unseen share of numbers may pull the mean back.
        unseen = min(1.0, (abs(moments.mean) - tolerance) / spread) if spread > 0 else 1.0
        return min(1.0, 2.0 * max(0.5, 1.0 - unseen) ** moments.count)
    freedom, error = moments.count - 1, _standard_error(moments)
    above = float(stdtr(freedom, (tolerance - moments.mean) / error))
    below = float(stdtr(freedom, (tolerance + moments.mean) / error))
    return min(1.0, 2.0 * min(above, below))


def p_mean_within(moments: Moments, tolerance: float, spread: float = 0.0) -> float:
    """P-value for the claim that the mean is smaller than `tolerance`, both ways.

    The larger of the two one-sided t-test p-values (two one-sided tests). Where the numbers do
    not vary, the fallback of `mean_interval` takes its place: the mean can reach the tolerance
    only if a share of at least ``(tolerance - |mean|) / spread`` of all numbers differs from
    those seen, and `n` draws miss such a share with probability ``(1 - share) ** n``.

    Parameters
    ----------
    moments : Moments
        Of the paired differences.
    tolerance : float
        Largest mean that counts as equal; nothing is within one of 0 or below.
    spread : float
        Width of the range that a single number may have, at least 0; 0 takes two or more equal
        numbers for certain. Numbers that vary by less than a millionth of it (rounding) count
        as equal.

    Returns
    -------
    float
        In [0, 1]; at least 0.5 when the observed mean is not within the tolerance, 1 without a
        number.

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680; Hanley and
    Lippman-Hand (1983), JAMA 249, 1743-1745.

    Examples
    --------
    >>> import numpy as np
    >>> round(p_mean_within(Moments.of(np.array([-1.0, 0.0, 1.0])), tolerance=2.0), 4)
    0.0371
    >>> round(p_mean_within(Moments.of(np.zeros(100)), tolerance=0.02, spread=1.0), 4)
    0.1326
    """
    if _is_constant(moments, spread):
        margin = tolerance - abs(moments.mean)
        if margin <= 0:
            return 1.0
        if spread == 0:
            return 0.0 if moments.count > 1 else 1.0
        return max(0.0, 1.0 - margin / spread) ** moments.count
    freedom, error = moments.count - 1, _standard_error(moments)
    not_above = float(stdtr(freedom, (moments.mean - tolerance) / error))
    not_below = float(stdtr(freedom, (-moments.mean - tolerance) / error))
    return max(not_above, not_below)


def _is_constant(moments: Moments, spread: float) -> bool:
    return moments.sd <= ROUNDING * spread


def _standard_error(moments: Moments) -> float:
    return moments.sd / math.sqrt(moments.count)
