"""Paired answers of several labels: equal label frequencies, and changes that balance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

__all__ = ["bowker", "stuart_maxwell"]


def stuart_maxwell(table: NDArray[Any]) -> tuple[float, int, float]:
    """Chi-square test of marginal homogeneity: both twins get each label equally often.

    With two labels it is McNemar's test without continuity correction.

    Parameters
    ----------
    table : ndarray, shape (k, k), int or float
        Counts of pairs, at least 0: label of the first twin by label of the second.

    Returns
    -------
    statistic : float
        At least 0.
    df : int
        Degrees of freedom, the rank of the covariance of the differences: one less than the
        number of labels, and one less again for each further set of labels between which no
        answer changed, such as a label that never occurs or never changes.
    p : float
        Tail of the chi-square distribution, in [0, 1]; 1 when no answer changed.

    Notes
    -----
    With `d` the row sums minus the column sums, the statistic is ``d' V^+ d``. The covariance
    `V` is the Laplacian matrix of the graph whose edges are the changes ``n_ij + n_ji``. Its
    rank is therefore known exactly, and leaving out one label of each connected set gives the
    same value as the pseudo-inverse, without deciding which eigenvalue counts as 0.

    References
    ----------
    Stuart (1955), Biometrika 42, 412-416; Maxwell (1970), British Journal of Psychiatry 116,
    651-655.

    Examples
    --------
    >>> import numpy as np
    >>> statistic, df, p = stuart_maxwell(np.array([[20, 10, 5], [3, 30, 15], [0, 5, 40]]))
    >>> round(statistic, 4), df, round(p, 6)
    (13.7647, 2, 0.001026)
    """
    counts = np.asarray(table, dtype=np.float64)
    changes = counts + counts.T
    np.fill_diagonal(changes, 0.0)
    kept = _all_but_one_of_each_set(changes > 0)
    df = len(kept)
    if df == 0:
        return 0.0, 0, 1.0
    difference = (counts.sum(axis=1) - counts.sum(axis=0))[kept]
    covariance = (np.diag(changes.sum(axis=1)) - changes)[np.ix_(kept, kept)]
    statistic = max(0.0, float(difference @ np.linalg.solve(covariance, difference)))
    return statistic, df, float(chdtrc(df, statistic))


def bowker(table: NDArray[Any]) -> tuple[float, int, float]:
    """Chi-square test of symmetry: each change of label is as frequent as its reverse.

    Symmetry implies equal label frequencies, not the other way round: labels that change in a
    circle keep their frequencies. With two labels it is McNemar's test without continuity
    correction.

    Parameters
    ----------
    table : ndarray, shape (k, k), int or float
        Counts of pairs, at least 0: label of the first twin by label of the second.

    Returns
    -------
    statistic : float
        At least 0.
    df : int
        Degrees of freedom: the pairs of labels between which any answer changed.
    p : float
        Tail of the chi-square distribution, in [0, 1]; 1 when no answer changed.

    References
    ----------
    Bowker (1948), Journal of the American Statistical Association 43, 572-574.

    Examples
    --------
    >>> import numpy as np
    >>> statistic, df, p = bowker(np.array([[20, 10, 5], [3, 30, 15], [0, 5, 40]]))
    >>> round(statistic, 4), df, round(p, 6)
    (13.7692, 3, 0.003237)
    """
    counts = np.asarray(table, dtype=np.float64)
    above = np.triu_indices(len(counts), 1)
    one_way, other_way = counts[above], counts.T[above]
    changes = one_way + other_way
    seen = changes > 0
    df = int(seen.sum())
    if df == 0:
        return 0.0, 0, 1.0
    statistic = float(((one_way - other_way)[seen] ** 2 / changes[seen]).sum())
    return statistic, df, float(chdtrc(df, statistic))


def _all_but_one_of_each_set(linked: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the indices of all labels but the first of each connected set."""
    reach = linked | np.eye(len(linked), dtype=np.bool_)
    while True:
        further = reach @ reach
        if (further == reach).all():
            break
        reach = further
    # The first label of a set reaches none before itself.
    return np.flatnonzero(np.tril(reach, -1).any(axis=1))
