"""The dependence between columns, learned with differential privacy from one release."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paribus.people._private_columns import Budget, Private
from paribus.people._table_columns import Codes, Floats, Learnable
from paribus.stats import releases
from paribus.stats.latent import latent_correlation, normal_scores

_LONGEST_SCORE = 3.0
_COMMON = 16
"""Categories of a column, the most common ones, whose dependence is learned."""
_LENGTH = 1.5
"""Squared length of a row's features, a column, beyond which it is scaled down; 1 in the mean."""


def private_dependence(
    learned: Sequence[Learnable], budget: Budget
) -> tuple[list[Floats | Codes], tuple[int, ...], Floats]:
    """Learn a copula's correlation from one release of sums of products.

    A row's features are, for each column, the normal score of its bin (or, of categories, which
    of the most common ones it is) and whether it is missing. Scores come from released counts, so
    the features of a row depend on this row alone. What is made from the noisy sums is what
    `stats.copula.Copula.fit` makes from exact ones.

    Returns
    -------
    orders : list of ndarray
        The codes of each column, in the order of its latent variable.
    gaps : tuple of int
        Columns with missing values.
    correlation : ndarray, shape (q, q)
    """
    columns = [each for each in learned if isinstance(each, Private)]
    assert len(columns) == len(learned)
    gaps = tuple(i for i, each in enumerate(columns) if 0 < each.missing < 1)
    orders: list[Floats | Codes] = [np.arange(len(each.counts)) for each in columns]
    if budget.dependence == 0 or not columns:
        return orders, gaps, np.eye(len(columns) + len(gaps))
    features = _Features.of(columns)
    length = math.sqrt(_LENGTH * len(columns) + 2.0)
    sums, noise = releases.noisy_products(
        features.of_rows, len(columns[0].rows), length, budget.dependence
    )
    totals = [each.counts.sum() / (1.0 - each.missing) for each in columns if each.missing < 1]
    n = max(float(np.median(totals)), 1.0) if totals else 1.0
    for i, each in enumerate(columns):
        if each.categorical and len(each.counts) > 2:
            orders[i] = features.order(i, sums, noise)
    weights, counts, known = features.combined(orders, gaps, n)
    observed = weights @ sums @ weights.T
    lengths = np.sqrt((weights**2).sum(axis=1))
    shared = _shared(known, gaps, features, sums, n)
    q = len(columns)
    for j, gap in enumerate(gaps):
        for k, other in enumerate(gaps):
            expected = n * columns[gap].missing * columns[other].missing
            observed[q + j, q + k] -= weights[q + j].max() * weights[q + k].max() * expected
        # Whoever has a value does not miss it.
        observed[gap, q + j] = observed[q + j, gap] = 0.0
    chance = (noise * np.outer(lengths, lengths) / shared) ** 2 + 1.0 / n
    # Below what chance alone makes of a correlation there is nothing but noise.
    middle = np.median(chance[np.triu_indices(len(chance), 1)]) if len(chance) > 1 else 0.0
    floor = min(0.1, float(np.sqrt(middle)))
    return orders, gaps, latent_correlation(observed / shared, chance, counts, floor)


def _shared(
    known: Floats, gaps: Sequence[int], features: _Features, sums: Floats, n: float
) -> Floats:
    """Count the rows in which both of two variables are known."""
    shared = np.minimum.outer(known, known)
    for i in gaps:
        for j in gaps:
            if i != j:
                both_gone = sums[features.gaps[i], features.gaps[j]]
                shared[i, j] = known[i] + known[j] - n + both_gone
    return np.clip(shared, 1.0, n)


@dataclass(frozen=True, eq=False)
class _Features:
    """The features of a row: which of them are those of a column, and which say it is missing."""

    columns: Sequence[Private]
    spans: tuple[tuple[int, int], ...]
    gaps: tuple[int, ...]
    common: tuple[Codes, ...]
    """The categories of each column that have a feature; empty for numbers."""

    @classmethod
    def of(cls, columns: Sequence[Private]) -> _Features:
        spans, common, at = [], [], 0
        for each in columns:
            most = np.argsort(-each.counts, kind="stable")[:_COMMON]
            common.append(np.sort(most) if each.categorical else most[:0])
            wide = len(common[-1]) if each.categorical else 1
            spans.append((at, at + wide))
            at += wide
        return cls(columns, tuple(spans), tuple(range(at, at + len(columns))), tuple(common))

    def of_rows(self, start: int, stop: int) -> Floats:
        """Give the features of some rows, shape (stop - start, D)."""
        out = np.zeros((stop - start, self.gaps[-1] + 1))
        for i, each in enumerate(self.columns):
            rows = each.rows[start:stop]
            first, last = self.spans[i]
            if each.categorical:
                out[:, first:last] = rows[:, None] == self.common[i]
                out[:, self.gaps[i]] = rows < 0
                continue
            known = ~np.isnan(rows)
            scores = np.clip(normal_scores(each.counts), -_LONGEST_SCORE, _LONGEST_SCORE)
            out[known, first] = scores[rows[known].astype(np.intp)]
            out[:, self.gaps[i]] = ~known
        return out

    def order(self, i: int, sums: Floats, noise: float) -> Codes:
        """Order categories by the first axis along which they differ in everything else."""
        each, (first, last) = self.columns[i], self.spans[i]
        common = self.common[i]
        counts = np.maximum(each.counts[common], 1.0)
        parts = []
        for j, other in enumerate(self.columns):
            if j == i:
                continue
            start, stop = self.spans[j]
            table = sums[first:last, start:stop]
            if other.categorical:
                shares = other.counts[self.common[j]] / other.counts.sum() * (1 - other.missing)
                table = (table - np.outer(counts, shares)) / np.sqrt(np.maximum(shares, 1e-3))
            parts.append(table)
        roots = np.sqrt(counts)[:, None]
        # Few rows drown in noise, and must not choose the axis.
        deviations = np.concatenate(parts, axis=1) / roots * (counts / (counts + noise))[:, None]
        axis = np.linalg.svd(deviations, full_matrices=False)[0][:, 0] / roots[:, 0]
        places = np.zeros(len(each.counts))
        places[common] = axis
        return np.argsort(places, kind="stable").astype(np.int64)

    def combined(
        self, orders: Sequence[Floats | Codes], gaps: Sequence[int], n: float
    ) -> tuple[Floats, list[Floats], Floats]:
        """Give the features as one score a variable.

        Returns
        -------
        weights : ndarray, shape (q, D)
        counts : list of ndarray
            Rows at each value of each variable.
        known : ndarray, shape (q,)
            Rows that have one.
        """
        weights = np.zeros((len(self.columns) + len(gaps), self.gaps[-1] + 1))
        counts: list[Floats] = []
        for i, each in enumerate(self.columns):
            first, last = self.spans[i]
            ascending = each.counts[orders[i]]
            counts.append(ascending)
            weights[i, first] = 1.0
            if each.categorical:
                scores = np.empty(len(ascending))
                scores[orders[i]] = normal_scores(ascending)
                weights[i, first:last] = scores[self.common[i]]
        for at, i in enumerate(gaps, start=len(self.columns)):
            gone = self.columns[i].missing
            weights[at, self.gaps[i]] = 1.0 / math.sqrt(gone * (1.0 - gone))
            counts.append(n * np.array([1.0 - gone, gone]))
        known = n * np.array([1.0 - each.missing for each in self.columns] + [1.0] * len(gaps))
        return weights, counts, known
