"""Gaussian copula with empirical marginals: new rows that are like those of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from paribus.stats.latent import latent_correlation, normal_scores

__all__ = ["Column", "Copula", "Marginal"]

Column: TypeAlias = NDArray[np.float64] | NDArray[np.integer[Any]]
"""Numbers (floating, NaN is missing) or codes of categories (integer, -1 is missing)."""

_Floats: TypeAlias = NDArray[np.float64]

# Categories of a column, the most common ones, that take part in the order of another column's.
_COMMON = 32
# Scores vary by about 1; below this share of it they vary by rounding.
_ROUNDING = 1e-9
_DECIMALS = 9


@dataclass(frozen=True, eq=False, slots=True)
class Marginal:
    """The distribution of one column.

    Attributes
    ----------
    values : ndarray, shape (K,), float64 or int64
        The distinct values in the order of the latent variable: numbers ascending, codes of
        categories as `Copula.fit` says. Empty where all is missing.
    counts : ndarray, shape (K,), int64
        How many rows have each value, at least 1.
    missing : float
        Share of rows without a value, in [0, 1].
    continuous : bool
        Whether draws may lie between two values that one row each has.
    decimals : int or None
        Draws between values are rounded to the decimals that all values have, at most 9; none
        if they have more.
    """

    values: NDArray[np.float64] | NDArray[np.int64]
    counts: NDArray[np.int64]
    missing: float
    continuous: bool
    decimals: int | None

    def quantile(self, shares: NDArray[np.float64]) -> NDArray[np.float64] | NDArray[np.int64]:
        """Give the values at some shares of the distribution of what is not missing.

        Parameters
        ----------
        shares : ndarray, shape (n,), float64
            In [0, 1].

        Returns
        -------
        ndarray, shape (n,), float64 or int64
            Observed values, each for the share of rows that has it. Where the column is
            continuous, the way from the middle of a row's share to the middle of the next
            row's is a straight line (Hyndman and Fan 1996, The American Statistician 50,
            361-365, definition 5), but never to or from a value that several rows have. All
            missing (NaN or -1) where nothing was observed.

        Examples
        --------
        >>> import numpy as np
        >>> column = np.array([0.0, 0.0, 0.0, 1.25, 2.75, 4.0])
        >>> marginal = Copula.fit([column]).marginals[0]
        >>> marginal.quantile(np.array([0.2, 0.55, 2 / 3, 1.0]))
        array([0.  , 1.25, 2.  , 4.  ])
        """
        if not len(self.values):
            lost: NDArray[np.float64] | NDArray[np.int64] = np.empty_like(
                self.values, shape=len(shares)
            )
            lost[:] = _missing(self.values)
            return lost
        ends = np.cumsum(self.counts)
        place = np.asarray(shares, dtype=np.float64) * ends[-1]
        nearest = np.minimum(np.searchsorted(ends, place, side="right"), len(ends) - 1)
        drawn: NDArray[np.float64] | NDArray[np.int64] = self.values[nearest]
        if not self.continuous:
            return drawn
        off = place - ends[nearest] + 0.5
        left = np.maximum(np.where(off < 0, nearest - 1, nearest), 0)
        right = np.minimum(left + 1, len(ends) - 1)
        between = (self.counts[left] == 1) & (self.counts[right] == 1) & (nearest + off >= 0)
        low, high = self.values[left], self.values[right]
        part = np.where(between, np.where(off < 0, 1.0 + off, off), 0.0)
        mixed: NDArray[np.float64] = np.minimum(low + part * (high - low), high)
        if self.decimals is not None:
            mixed = np.round(mixed, self.decimals)
        result: NDArray[np.float64] = np.where(between, mixed, drawn)
        return result


@dataclass(frozen=True, eq=False, slots=True)
class Copula:
    """A joint distribution of columns, learned from the rows of a table.

    Attributes
    ----------
    marginals : tuple of Marginal
        One a column.
    gaps : tuple of int
        The columns with both missing and other values; each has a second latent variable, that
        of being missing.
    correlation : ndarray, shape (q, q), float64
        Of the latent normal variables, positive definite: those of the columns, then those of
        `gaps`.

    Notes
    -----
    *Model.* Each row has a latent vector of correlated standard normal variables; each column
    is a monotone function of its own variable (Nelsen 2006, section 2.9; the nonparanormal of
    Liu, Lafferty and Wasserman 2009). Only dependence of this form survives: monotone, and
    between two columns at a time.

    *Missing values* have a latent variable of their own, which is correlated with those of the
    other columns and with their being missing: so the share of missing values, what it depends
    on and the distribution of the other values all survive. That a value is missing because of
    its own size cannot be seen in a table; the two are independent given the rest.

    *Order of categories.* Codes have no order of their own, and one variable can carry
    dependence in one direction only. It is the direction in which the categories differ most in
    everything else: the first axis of a correspondence analysis of the categories against the
    normal scores of all numbers, the categories of all other columns and what is missing
    (Greenacre 2017). An order by frequency would lose most of the dependence; it is taken only
    where there is none. What the categories do in further directions is lost.

    *Dependence* is the correlation of normal scores of mid-ranks (so equal values have equal
    scores), over the rows where both columns are known. Ties and categories attenuate it: the
    latent correlation is the one that makes scores correlate as observed, which Mehler's
    expansion in Hermite polynomials gives (Cario and Nelson 1997 match correlations the same
    way). What is not positive definite becomes so by raising its eigenvalues to 1e-8 and scaling
    its diagonal to 1 again.

    *Few rows.* A squared correlation of independent columns is 1 / (n - 1) in the mean, so this
    much is taken off each, down to 0: for categories ``d / (n - 1)``, where `d` counts one and
    what the free scores of their order add (K - 2 a column with K categories), the degrees of
    freedom of an axis of a correspondence analysis. Two columns of few rows are thus
    independent unless they clearly are not; with many rows nothing changes. With 2 rows all are
    independent.

    References
    ----------
    Nelsen (2006), An Introduction to Copulas, 2nd edition.
    Liu, Lafferty and Wasserman (2009), Journal of Machine Learning Research 10, 2295-2328.
    Cario and Nelson (1997), Modeling and generating random vectors with arbitrary marginal
    distributions and correlation matrix, Northwestern University.
    Mehler (1866), Journal für die reine und angewandte Mathematik 66, 161-176.
    Greenacre (2017), Correspondence Analysis in Practice, 3rd edition.
    """

    marginals: tuple[Marginal, ...]
    gaps: tuple[int, ...]
    correlation: NDArray[np.float64]

    @classmethod
    def fit(cls, columns: Sequence[Column]) -> "Copula":
        """Learn the distribution of a table's rows.

        Numbers are continuous unless all of them are whole or they have on average two rows or
        more a value; draws of columns that are not are observed values.

        Parameters
        ----------
        columns : sequence of ndarray, each of shape (n,), floating or integer
            Numbers, at most 1e100 in size, NaN where missing; or codes of categories, -1 where
            missing. Whole numbers that have an order (children, say) belong in a floating column.

        Returns
        -------
        Copula

        Raises
        ------
        ValueError
            If the columns differ in length, have no rows or more than one dimension, are neither
            floating nor integer, hold an infinity, or a code below -1.

        Examples
        --------
        >>> import numpy as np
        >>> age = np.array([23.0, 31.0, 44.0, 58.0, 62.0, 37.0])
        >>> city = np.array([0, 0, 1, 1, 1, -1])
        >>> copula = Copula.fit([age, city])
        >>> [marginal.values.tolist() for marginal in copula.marginals]
        [[23.0, 31.0, 37.0, 44.0, 58.0, 62.0], [0, 1]]
        >>> round(copula.marginals[1].missing, 3), copula.gaps
        (0.167, (1,))
        """
        arrays = [_checked(column, i) for i, column in enumerate(columns)]
        if len({len(array) for array in arrays}) > 1:
            raise ValueError("columns must have one length, not " + _listed(map(len, arrays)))
        if not arrays:
            return cls((), (), np.empty((0, 0)))
        if not len(arrays[0]):
            raise ValueError("a copula needs at least one row to learn from")
        known = [array >= 0 if _coded(array) else ~np.isnan(array) for array in arrays]
        gaps = tuple(i for i, has in enumerate(known) if has.any() and not has.all())
        latent = [_ranked(array, has) for array, has in zip(arrays, known, strict=True)]
        latent += [_ranked((~known[i]).astype(np.int64), np.ones_like(known[i])) for i in gaps]
        coded = [i for i, array in enumerate(arrays) if _coded(array)]
        ordered = {i: _in_order(i, latent, coded) for i in coded}
        latent = [ordered.get(i, each) for i, each in enumerate(latent)]
        marginals = tuple(
            _marginal(array, each) for array, each in zip(arrays, latent, strict=False)
        )
        return cls(marginals, gaps, _correlation(latent, coded))

    def draw(
        self, n: int, rng: np.random.Generator
    ) -> list[NDArray[np.float64] | NDArray[np.int64]]:
        """Draw new rows.

        Parameters
        ----------
        n : int
            Rows, at least 0.
        rng : numpy.random.Generator
            Equal states give equal rows.

        Returns
        -------
        list of ndarray, each of shape (n,), float64 or int64
            The columns in the order of `fit`, numbers as float64 with NaN where missing, codes
            as int64 with -1 where missing. Nothing is missing where nothing was, and nothing
            lies outside the observed range.

        Examples
        --------
        >>> import numpy as np
        >>> children = np.array([0.0, 2.0, 1.0, 0.0, 3.0])
        >>> job = np.array([0, 1, 1, 0, 1])
        >>> drawn = Copula.fit([children, job]).draw(1_000, np.random.default_rng(0))
        >>> np.unique(drawn[0]), np.unique(drawn[1])
        (array([0., 1., 2., 3.]), array([0, 1]))
        """
        size = len(self.correlation)
        normal = rng.standard_normal((n, size))
        if size:
            normal = normal @ np.linalg.cholesky(self.correlation).T
        shares = ndtr(normal)
        rows = [marginal.quantile(shares[:, i]) for i, marginal in enumerate(self.marginals)]
        for at, i in enumerate(self.gaps, start=len(rows)):
            lost = shares[:, at] > 1.0 - self.marginals[i].missing
            rows[i][lost] = _missing(rows[i])
        return rows


@dataclass(frozen=True, eq=False, slots=True)
class _Ranked:
    """A column as places (-1 where missing) among its K distinct values."""

    values: NDArray[Any]
    counts: NDArray[np.int64]
    places: NDArray[np.int64]

    @property
    def scores(self) -> _Floats:
        """Normal scores of mid-ranks, with mean 0 and variance 1; 0 where nothing varies."""
        return normal_scores(self.counts)

    @property
    def rows(self) -> _Floats:
        """The score of each row; 0 where missing."""
        return np.append(self.scores, 0.0)[self.places]


def _checked(column: Column, i: int) -> NDArray[Any]:
    array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"column {i} must have one dimension, not the shape {array.shape}")
    if array.dtype.kind in "iu":
        array = array.astype(np.int64)
        if array.size and array.min() < -1:
            raise ValueError(f"column {i} has a code below -1, which stands for missing")
        return array
    if array.dtype.kind != "f":
        raise ValueError(f"column {i} must be floating or integer, not {array.dtype}")
    array = array.astype(np.float64)
    if np.isinf(array).any():
        raise ValueError(f"column {i} holds an infinity; NaN stands for missing")
    return array


def _listed(numbers: Any) -> str:
    return ", ".join(map(str, numbers))


def _coded(array: NDArray[Any]) -> bool:
    return array.dtype.kind == "i"


def _missing(values: NDArray[Any]) -> float:
    return -1 if _coded(values) else np.nan


def _ranked(array: NDArray[Any], known: NDArray[np.bool_]) -> _Ranked:
    values, inverse, counts = np.unique(array[known], return_inverse=True, return_counts=True)
    places = np.full(len(array), -1, dtype=np.int64)
    places[known] = inverse
    return _Ranked(values, counts.astype(np.int64), places)


def _marginal(array: NDArray[Any], ranked: _Ranked) -> Marginal:
    values, counts = ranked.values, ranked.counts
    n = int(counts.sum())
    missing = 1.0 - n / len(array) if n < len(array) else 0.0
    whole = bool((values == np.rint(values)).all())
    continuous = not whole and 2 * len(values) > n
    return Marginal(values, counts, missing, continuous, _decimals(values) if continuous else None)


def _decimals(values: _Floats) -> int | None:
    with np.errstate(over="ignore", invalid="ignore"):
        for decimals in range(1, _DECIMALS + 1):
            if (np.round(values, decimals) == values).all():
                return decimals
    return None


def _in_order(i: int, latent: list[_Ranked], coded: list[int]) -> _Ranked:
    own = latent[i]
    if len(own.values) < 3:
        return own
    # One column of the table of deviations a feature, a row a category times the root of its
    # count: its first left singular vector is the first axis of the correspondence analysis.
    known = own.places >= 0
    places = own.places[known]
    roots = np.sqrt(own.counts)
    n = len(places)
    parts = [np.zeros((len(roots), 1))]
    for j, other in enumerate(latent):
        if j == i or len(other.values) < 2:
            continue
        if j not in coded:
            rows = other.rows[known]
            rows = np.where(other.places[known] >= 0, rows - rows.mean(), 0.0)
            sums = np.bincount(places, weights=rows, minlength=len(roots))
            parts.append((sums / roots)[:, None])
            continue
        common = np.argsort(-other.counts, kind="stable")[:_COMMON]
        kept = np.full(len(other.counts) + 1, len(common))
        kept[common] = np.arange(len(common))
        wide = len(common) + 1
        table = np.bincount(places * wide + kept[other.places[known]], minlength=len(roots) * wide)
        table = table.reshape(len(roots), wide)[:, :-1].astype(np.float64)
        total = table.sum(axis=0)
        even = np.outer(own.counts, total) / n
        parts.append((table - even) / roots[:, None] / np.sqrt(np.maximum(total, 1.0) / n))
    deviations = np.concatenate(parts, axis=1)
    axis = np.linalg.svd(deviations, full_matrices=False)[0][:, 0]
    # A vector and its negative are the same axis: the choice must not depend on the machine.
    axis = axis * (1.0 if axis[np.argmax(np.abs(axis))] > 0 else -1.0)
    related = float(np.abs(deviations).max()) > _ROUNDING * np.sqrt(n)
    order = np.argsort(np.round(axis / roots, 12) if related else own.counts, kind="stable")
    to = np.empty(len(order) + 1, dtype=np.int64)
    to[order], to[-1] = np.arange(len(order)), -1
    return _Ranked(own.values[order], own.counts[order], to[own.places])


def _correlation(latent: list[_Ranked], coded: list[int]) -> _Floats:
    scores = np.column_stack([each.rows for each in latent])
    known = np.column_stack([each.places >= 0 for each in latent]).astype(np.float64)
    both = known.T @ known
    shared = np.maximum(both, 1.0)
    sums, squares = scores.T @ known, (scores**2).T @ known
    spread = np.maximum(squares - sums**2 / shared, 0.0)
    product = np.sqrt(spread * spread.T)
    varies = product > _ROUNDING * shared
    observed = (scores.T @ scores - sums * sums.T / shared) / np.where(varies, product, 1.0)
    observed = np.where(varies, np.clip(observed, -1.0, 1.0), 0.0)
    free = np.array(
        [max(len(each.counts) - 2, 0) if i in coded else 0 for i, each in enumerate(latent)]
    )
    chance = (1.0 + free + free[:, None]) / np.maximum(both - 1.0, 1.0)
    return latent_correlation(observed, chance, [each.counts for each in latent])
