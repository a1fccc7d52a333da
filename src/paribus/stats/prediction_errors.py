"""Errors of a regression by group, from sums: mean error, MAE and RMSE, and their differences.

An error is a prediction minus the truth. All functions work on many groups at once, one number a
group; a single group is a zero-dimensional array.
"""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from paribus.stats.moments import ROUNDING

__all__ = [
    "Differences",
    "ErrorSums",
    "Estimates",
    "difference",
    "mean_absolute_error",
    "mean_error",
    "p_beyond",
    "p_within",
    "root_mean_squared_error",
]

_Floats = NDArray[np.float64]

_UNBOUNDED = sys.float_info.max
_RULE_OF_THREE = 0.05
_LARGEST = 1e150


@dataclass(frozen=True, slots=True)
class ErrorSums:
    """Sums of the errors of each group.

    Attributes
    ----------
    n : array_like, shape (G,)
        Rows, or the sum of their weights, at least 0.
    total : array_like, shape (G,)
        Sum of ``error - center``.
    absolute : array_like, shape (G,)
        Sum of ``|error|``.
    squares : array_like, shape (G,)
        Sum of ``(error - center) ** 2``.
    fourths : array_like, shape (G,)
        Sum of ``error ** 4``, not centered.
    center : array_like, shape (G,)
        A number near the mean error, or 0: it keeps the digits of a spread that is small beside
        the mean. A spread below a millionth of the distance between center and mean is lost.
    effective : array_like, shape (G,), optional
        Effective rows where there are weights, ``sum(w) ** 2 / sum(w ** 2)`` (Kish 1965, Survey
        Sampling, section 11.7); `n` by default.

    Notes
    -----
    Errors may be up to 1e75 in size: their fourth powers have to be summed.

    Examples
    --------
    >>> import numpy as np
    >>> sums = ErrorSums.of(np.array([1.0, -1.0, 3.0]))
    >>> float(sums.total), float(sums.squares), float(sums.fourths)
    (3.0, 11.0, 83.0)
    """

    n: Any
    total: Any
    absolute: Any
    squares: Any
    fourths: Any
    center: Any = 0.0
    effective: Any = None

    @classmethod
    def of(cls, errors: NDArray[Any], center: float = 0.0) -> "ErrorSums":
        """Return the sums of one group's errors.

        Parameters
        ----------
        errors : ndarray of any shape
            Finite numbers, at most 1e75 in size.
        center : float
            Number that the first two powers are measured from.

        Examples
        --------
        >>> import numpy as np
        >>> ErrorSums.of(np.array([])).n
        0
        """
        numbers = np.asarray(errors, dtype=np.float64).ravel()
        shifted = numbers - center
        return cls(
            n=numbers.size,
            total=shifted.sum(),
            absolute=np.abs(numbers).sum(),
            squares=(shifted**2).sum(),
            fourths=(numbers**4).sum(),
            center=center,
        )


@dataclass(frozen=True, slots=True)
class Estimates:
    """One number for each group, with its interval.

    Attributes
    ----------
    estimate : ndarray, shape (G,), float
        The numbers; 0 for a group without a row.
    low, high : ndarray, shape (G,), float
        Bounds around them; -/+ ``sys.float_info.max`` where there is none.
    se : ndarray, shape (G,), float
        Standard errors, at least 0.
    freedom : ndarray, shape (G,), float
        Effective rows minus one; 0 where fewer than two rows say nothing about the spread.

    Examples
    --------
    >>> import numpy as np
    >>> float(mean_error(ErrorSums.of(np.array([1.0, 2.0, 3.0]))).freedom)
    2.0
    """

    estimate: _Floats
    low: _Floats
    high: _Floats
    se: _Floats
    freedom: _Floats


@dataclass(frozen=True, slots=True)
class Differences:
    """Differences of independent estimates.

    Attributes
    ----------
    estimate : ndarray, shape (G,), float
        First minus second.
    low, high : ndarray, shape (G,), float
        Welch's interval; -/+ ``sys.float_info.max`` where there is none.
    se : ndarray, shape (G,), float
        Standard errors, at least 0.
    freedom : ndarray, shape (G,), float
        Degrees of freedom; 0 where one of the estimates has none.
    p : ndarray, shape (G,), float
        Two-sided p-value for the claim that there is a difference, in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> one, other = (mean_error(ErrorSums.of(np.array(e))) for e in ([1.0, 2.0], [1.0, 4.0]))
    >>> float(difference(one, other).estimate)
    -1.0
    """

    estimate: _Floats
    low: _Floats
    high: _Floats
    se: _Floats
    freedom: _Floats
    p: _Floats


def mean_error(sums: ErrorSums, confidence: float = 0.95, spread: Any = 0.0) -> Estimates:
    """Mean error (bias) of each group, with Student's t interval.

    Parameters
    ----------
    sums : ErrorSums
        Of each group.
    confidence : float
        Nominal coverage, in (0, 1).
    spread : array_like, shape (G,)
        Width of the range that a single error may have, at least 0. Where the errors of a group
        do not vary, the standard error is the one whose 95 % interval is as wide as the rule of
        three says: ``spread * (1 - 0.05 ** (1 / n))``. 0 takes two or more equal errors for
        certain.

    Returns
    -------
    Estimates
        In the unit of the errors: above 0 where predictions are too high.

    References
    ----------
    Student (1908), Biometrika 6, 1-25; Hanley and Lippman-Hand (1983), JAMA 249, 1743-1745.

    Examples
    --------
    >>> import numpy as np
    >>> bias = mean_error(ErrorSums.of(np.array([1.0, 2.0, 3.0])))
    >>> round(float(bias.low), 4), round(float(bias.high), 4)
    (-0.4841, 4.4841)
    """
    rows, effective = _rows(sums)
    shift = _mean(sums.total, rows)
    variance = _variance(_mean(sums.squares, rows), shift)
    estimate = np.where(rows > 0.0, shift + np.asarray(sums.center, dtype=np.float64), 0.0)
    se, freedom = _standard_error(variance, effective, spread)
    return _with_interval(estimate, se, freedom, confidence, least=-_UNBOUNDED)


def mean_absolute_error(sums: ErrorSums, confidence: float = 0.95, spread: Any = 0.0) -> Estimates:
    """Mean absolute error of each group, with Student's t interval, never below 0.

    Parameters
    ----------
    sums : ErrorSums
        Of each group.
    confidence : float
        Nominal coverage, in (0, 1).
    spread : array_like, shape (G,)
        Width of the range that a single absolute error may have; as in `mean_error`.

    Returns
    -------
    Estimates
        In the unit of the errors.

    References
    ----------
    Student (1908), Biometrika 6, 1-25; Willmott and Matsuura (2005), Climate Research 30, 79-82.

    Examples
    --------
    >>> import numpy as np
    >>> error = mean_absolute_error(ErrorSums.of(np.array([1.0, -2.0, 3.0])))
    >>> float(error.estimate), float(error.low), round(float(error.high), 4)
    (2.0, 0.0, 4.4841)
    """
    rows, effective = _rows(sums)
    estimate = _mean(sums.absolute, rows)
    variance = _variance(_mean_square(sums, rows), estimate)
    se, freedom = _standard_error(variance, effective, spread)
    return _with_interval(estimate, se, freedom, confidence, least=0.0)


def root_mean_squared_error(
    sums: ErrorSums, confidence: float = 0.95, spread: Any = 0.0
) -> Estimates:
    """Root mean squared error of each group, with an interval by the delta method.

    The interval is Student's for the logarithm of the mean square, from the variance that the
    fourth powers give: it holds whatever the distribution of the errors, and stays above 0.

    Parameters
    ----------
    sums : ErrorSums
        Of each group.
    confidence : float
        Nominal coverage, in (0, 1).
    spread : array_like, shape (G,)
        Width of the range that a single absolute error may have; as in `mean_error`. Where the
        absolute errors of a group do not vary, it makes the interval symmetric.

    Returns
    -------
    Estimates
        In the unit of the errors; `se` is on that scale as well.

    Notes
    -----
    Coverage of 95 % intervals by simulation (4,000 runs) with 20, 50 and 200 rows: 0.923, 0.941,
    0.948 for normal errors; 0.860, 0.887, 0.911 for errors with the heavy tails of a t
    distribution with 5 degrees of freedom, whose fourth powers have no variance. Of two groups of
    normal errors, 6 % are claimed to differ at a level of 5 %.

    References
    ----------
    Delta method: Casella and Berger (2002), Statistical Inference, 2nd edition, section 5.5.4.

    Examples
    --------
    >>> import numpy as np
    >>> error = root_mean_squared_error(ErrorSums.of(np.array([1.0, -2.0, 3.0, 2.0])))
    >>> round(float(error.estimate), 4), round(float(error.low), 4), round(float(error.high), 4)
    (2.1213, 1.1802, 3.813)
    """
    rows, effective = _rows(sums)
    square = _mean_square(sums, rows)
    estimate = np.sqrt(square)
    # Relative to the mean square, so that nothing overflows.
    some = np.where(square > 0.0, square, 1.0)
    relative = np.where(square > 0.0, _mean(sums.fourths, rows) / some / some - 1.0, 0.0)
    relative = np.where(relative > 4.0 * ROUNDING**2, relative, 0.0)
    varies = (relative > 0.0) & (effective > 1.0)
    fallback, freedom = _standard_error(np.zeros_like(rows), effective, spread)
    log_se = np.sqrt(relative / np.maximum(effective - 1.0, 1e-100)) / 2.0
    se = np.where(varies, np.minimum(log_se, 1e100) * estimate, fallback)
    plain = _with_interval(estimate, se, freedom, confidence, least=0.0)
    steps = np.minimum(_steps(freedom, confidence) * np.where(varies, log_se, 0.0), 700.0)
    low = np.where(varies, estimate * np.exp(-steps), plain.low)
    high = np.where(varies, np.minimum(estimate, _LARGEST) * np.exp(np.minimum(steps, 350.0)), 0.0)
    high = np.where(varies, np.maximum(high, estimate), plain.high)
    return Estimates(estimate, low, high, se, freedom)


def difference(one: Estimates, other: Estimates, confidence: float = 0.95) -> Differences:
    """Welch's comparison of independent estimates of the same kind.

    Parameters
    ----------
    one, other : Estimates
        Of groups without a row in common; shapes that broadcast (all groups and one reference).
    confidence : float
        Nominal coverage, in (0, 1).

    Returns
    -------
    Differences
        First minus second. For mean errors and mean absolute errors, Welch's t-test.

    References
    ----------
    Welch (1947), Biometrika 34, 28-35; Satterthwaite (1946), Biometrics Bulletin 2, 110-114.

    Examples
    --------
    >>> import numpy as np
    >>> one = mean_error(ErrorSums.of(np.array([1.0, 2.0, 4.0, 3.0])))
    >>> other = mean_error(ErrorSums.of(np.array([0.0, 1.0, 0.5])))
    >>> gap = difference(one, other)
    >>> float(gap.estimate), round(float(gap.p), 4)
    (2.0, 0.0464)
    """
    estimate = one.estimate - other.estimate
    known = (one.freedom > 0.0) & (other.freedom > 0.0)
    se = np.hypot(one.se, other.se)
    some = np.where(se > 0.0, se, 1.0)
    part = (one.se / some) ** 4 / np.where(known, one.freedom, 1.0)
    part += (other.se / some) ** 4 / np.where(known, other.freedom, 1.0)
    least = np.minimum(one.freedom, other.freedom)
    freedom = np.where(se > 0.0, 1.0 / np.where(part > 0.0, part, 1.0), least)
    freedom = np.where(known, freedom, 0.0)
    whole = _with_interval(estimate, se, freedom, confidence, least=-_UNBOUNDED)
    p = _p_beyond(whole, np.zeros_like(estimate))
    return Differences(estimate, whole.low, whole.high, se, freedom, p)


def p_beyond(numbers: Estimates | Differences, tolerance: Any) -> _Floats:
    """Two-sided p-value for the claim that a number is larger than `tolerance`, either way.

    Parameters
    ----------
    numbers : Estimates or Differences
        The number that is claimed to be away from 0, of each group.
    tolerance : array_like, shape (G,)
        Largest size that counts as equal, at least 0.

    Returns
    -------
    ndarray, shape (G,), float
        Twice the smaller one-sided p-value of the t-test, in [0, 1]; 1 within the tolerance and
        where there are no degrees of freedom. Where nothing varies a sign test takes its place:
        ``2 * 0.5 ** n``.

    References
    ----------
    Welch (1947), Biometrika 34, 28-35; Arbuthnott (1710), Philosophical Transactions 27,
    186-190 (sign test).

    Examples
    --------
    >>> import numpy as np
    >>> bias = mean_error(ErrorSums.of(np.array([1.0, 2.0, 3.0])))
    >>> round(float(p_beyond(bias, 0.0)), 4)
    0.0742
    """
    return _p_beyond(numbers, np.asarray(tolerance, dtype=np.float64))


def p_within(numbers: Estimates | Differences, tolerance: Any) -> _Floats:
    """P-value for the claim that a number is smaller than `tolerance`, both ways.

    Parameters
    ----------
    numbers : Estimates or Differences
        The number that is claimed to be near 0, of each group.
    tolerance : array_like, shape (G,)
        Largest size that counts as equal; nothing is within one of 0 or below.

    Returns
    -------
    ndarray, shape (G,), float
        The larger p-value of two one-sided t-tests, in [0, 1]; at least 0.5 where the number is
        not within the tolerance, and 1 where there are no degrees of freedom. 0 for a number
        that is taken for certain (see `spread` of `mean_error`).

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.

    Examples
    --------
    >>> import numpy as np
    >>> bias = mean_error(ErrorSums.of(np.array([-1.0, 0.0, 1.0])))
    >>> round(float(p_within(bias, 2.0)), 4)
    0.0371
    """
    limit = np.asarray(tolerance, dtype=np.float64)
    known, freedom, some = _known(numbers)
    margin = limit - np.abs(numbers.estimate)
    p = np.asarray(stdtr(freedom, -_ratio(margin, some)))
    p = np.where(numbers.se > 0.0, p, np.where(margin > 0.0, 0.0, 1.0))
    return np.where(known, p, 1.0)


def _p_beyond(numbers: Estimates | Differences, limit: _Floats) -> _Floats:
    known, freedom, some = _known(numbers)
    excess = np.abs(numbers.estimate) - limit
    p = np.minimum(1.0, 2.0 * np.asarray(stdtr(freedom, -_ratio(excess, some))))
    signs = np.where(excess > 0.0, np.exp2(-np.minimum(freedom, 1_000.0)), 1.0)
    return np.where(known, np.where(numbers.se > 0.0, p, signs), 1.0)


def _known(numbers: Estimates | Differences) -> tuple[NDArray[np.bool_], _Floats, _Floats]:
    known = numbers.freedom > 0.0
    some = np.where(numbers.se > 0.0, numbers.se, 1.0)
    return known, np.where(known, numbers.freedom, 1.0), some


def _ratio(number: _Floats, size: _Floats) -> _Floats:
    # Kept where the t distribution can be computed, and a quotient cannot overflow.
    return np.clip(number, -1e100, 1e100) / np.maximum(size, 1e-100)


def _rows(sums: ErrorSums) -> tuple[_Floats, _Floats]:
    rows = np.asarray(sums.n, dtype=np.float64)
    effective = rows if sums.effective is None else np.asarray(sums.effective, dtype=np.float64)
    return rows, np.where(rows > 0.0, effective, 0.0)


def _mean(total: Any, rows: _Floats) -> _Floats:
    numbers = np.asarray(total, dtype=np.float64)
    return np.asarray(np.where(rows > 0.0, numbers, 0.0) / np.where(rows > 0.0, rows, 1.0))


def _mean_square(sums: ErrorSums, rows: _Floats) -> _Floats:
    center = np.asarray(sums.center, dtype=np.float64)
    shift = _mean(sums.total, rows)
    spread = _variance(_mean(sums.squares, rows), shift)
    return np.where(rows > 0.0, spread + (center + shift) ** 2, 0.0)


def _variance(square: _Floats, mean: _Floats) -> _Floats:
    """Mean square about the mean; 0 where rounding is all there is."""
    variance = square - mean * mean
    return np.where(variance > ROUNDING**2 * square, variance, 0.0)


def _standard_error(variance: _Floats, effective: _Floats, spread: Any) -> tuple[_Floats, _Floats]:
    freedom = np.where(effective >= 2.0, effective - 1.0, 0.0)
    some = np.where(freedom > 0.0, freedom, 1.0)
    width = np.asarray(spread, dtype=np.float64)
    three = -np.expm1(np.log(_RULE_OF_THREE) / (some + 1.0))
    fallback = width * three / -np.asarray(stdtrit(some, _RULE_OF_THREE / 2.0))
    constant = variance <= (ROUNDING * width) ** 2
    se = np.where(constant, fallback, np.sqrt(variance / some))
    return np.where(freedom > 0.0, se, 0.0), freedom


def _steps(freedom: _Floats, confidence: float) -> _Floats:
    some = np.where(freedom > 0.0, freedom, 1.0)
    return -np.asarray(stdtrit(some, (1.0 - confidence) / 2.0), dtype=np.float64)


def _with_interval(
    estimate: _Floats, se: _Floats, freedom: _Floats, confidence: float, least: float
) -> Estimates:
    half = _steps(freedom, confidence) * se
    low = np.where(freedom > 0.0, np.maximum(estimate - half, least), least)
    high = np.where(freedom > 0.0, estimate + half, _UNBOUNDED)
    return Estimates(estimate, low, high, se, freedom)
