"""How far the features of each group have moved between the first and the last windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from paribus._seeds import generator
from paribus._text import count, number, p_value
from paribus.evidence._learners import Design, design
from paribus.evidence._windows import Windows
from paribus.evidence.base import Row
from paribus.observed import Observed
from paribus.roles import MISSING
from paribus.stats.drift import (
    bins,
    excess_divergence,
    homogeneity,
    jackknife,
    jensen_shannon,
    kolmogorov_smirnov,
)
from paribus.stats.multiplicity import holm

FEATURES = 10
"""Features that are shown: those that shift most."""

LEVELS = 19
"""Values of a category that are told apart, and one for all others."""

PIECES = 10
BLOCKS = 20
"""Parts of the rows that are left out in turn."""

THIRDS = 6
"""Windows from which on thirds of them are compared, and not the first with the last."""

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Shifts:
    """Features x groups, of one attribute."""

    distance: Floats
    low: Floats
    high: Floats
    excess: Floats
    """Divergence less what chance adds."""
    p: Floats
    left: Floats
    """The mean excess over all features without each block, shape (blocks, G)."""


def periods(windows: int) -> tuple[range, range]:
    """Choose the first and the last windows.

    Examples
    --------
    >>> periods(2), periods(12)
    ((range(0, 1), range(1, 2)), (range(0, 4), range(8, 12)))
    """
    size = windows // 3 if windows >= THIRDS else 1
    return range(size), range(windows - size, windows)


def shifts(observed: Observed, windows: Windows, confidence: float) -> tuple[list[Row], list[str]]:
    """Give the features that shift most, and whether one group's world shifts more.

    Parameters
    ----------
    observed : Observed
    windows : Windows
        At least two.
    confidence : float
        Of intervals.
    """
    first, last = periods(len(windows.names))
    of = windows.of_rows(observed)
    period = np.full(len(of), -1, np.intp)
    period[np.isin(of, first)] = 0
    period[np.isin(of, last)] = 1
    features = design(observed, exclude=[observed.roles.time or ""])
    if not features.names or not {0, 1} <= set(period.tolist()):
        return [], []
    block = generator(observed.seed, "deployment/blocks", 0).permutation(len(of)) % BLOCKS
    levels = [
        _levels(values, bool(coded))
        for values, coded in zip(features.matrix.T, features.categorical, strict=True)
    ]
    found: dict[str, tuple[tuple[str, ...], Places, _Shifts]] = {}
    for attribute in observed.roles.by:
        codes, names = observed.codes(attribute)
        group = np.where(codes < 0, len(names), codes).astype(np.intp)
        sizes = np.bincount(group, minlength=len(names) + 1)
        occurs = np.flatnonzero(sizes)
        group = np.searchsorted(occurs, group)
        told = tuple((*names, MISSING)[i] for i in occurs)
        found[attribute] = (
            told,
            group,
            _measured(features, levels, group, len(told), period, block, confidence),
        )
    p = iter(holm(np.concatenate([each.p.ravel() for _, _, each in found.values()])).tolist())
    rows: list[Row] = []
    notes: list[str] = []
    between = f"{_span(windows, first)} against {_span(windows, last)}"
    for attribute, (told, group, each) in found.items():
        adjusted = np.array([next(p) for _ in range(each.p.size)]).reshape(each.p.shape)
        rows += _rows(attribute, told, features.names, each, adjusted, group, period)
        there = [np.isin(np.arange(len(told)), group[period == side]) for side in (0, 1)]
        known = [
            g for g, name in enumerate(told) if name != MISSING and there[0][g] and there[1][g]
        ]
        notes += _compared(attribute, told, known, len(features.names), each, confidence, between)
    return rows, notes


def _span(windows: Windows, part: range) -> str:
    first, last = windows.names[part[0]], windows.names[part[-1]]
    return first if first == last else f"{first} to {last}"


def _measured(
    features: Design,
    levels: Sequence[tuple[int, Places]],
    group: Places,
    groups: int,
    period: Places,
    block: Places,
    confidence: float,
) -> _Shifts:
    inside = period >= 0
    size = len(features.names)
    shape = (size, groups)
    distance, excess, p = np.zeros(shape), np.zeros(shape), np.ones(shape)
    left = np.zeros((BLOCKS, *shape))
    for f, (values, coded) in enumerate(zip(features.matrix.T, features.categorical, strict=True)):
        pieces, level = levels[f]
        lines = np.ravel_multi_index(
            (block[inside], period[inside], group[inside], level[inside]),
            (BLOCKS, 2, groups, pieces),
        )
        parts = np.bincount(lines, minlength=BLOCKS * 2 * groups * pieces)
        parts = parts.reshape(BLOCKS, 2, groups, pieces)
        whole = parts.sum(axis=0)
        distance[f] = jensen_shannon(whole[0], whole[1])
        excess[f] = excess_divergence(whole[0], whole[1])
        rest = whole - parts
        left[:, f] = excess_divergence(rest[:, 0], rest[:, 1])
        for g in range(groups):
            p[f, g] = _p(values, bool(coded), whole[:, g], inside & (group == g), period)
    error, _ = jackknife(excess, left)
    reach = error * float(stdtrit(BLOCKS - 1, (1.0 + confidence) / 2.0))
    return _Shifts(
        distance,
        np.minimum(distance, np.sqrt(np.clip(excess - reach, 0.0, 1.0))),
        np.maximum(distance, np.sqrt(np.clip(excess + reach, 0.0, 1.0))),
        excess,
        p,
        left.mean(axis=1),
    )


def _levels(values: Floats, coded: bool) -> tuple[int, Places]:
    """Give pieces of a feature, the last of which is the missing one."""
    if not coded:
        return PIECES + 1, bins(values, PIECES)
    missing = np.isnan(values)
    level = np.minimum(np.where(missing, 0, values), LEVELS).astype(np.intp)
    return LEVELS + 2, np.where(missing, LEVELS + 1, level)


def _p(
    values: Floats, coded: bool, table: Any, rows: npt.NDArray[np.bool_], period: Places
) -> float:
    if coded:
        return homogeneity(table[0], table[1])[2]
    known = rows & ~np.isnan(values)
    _, p = kolmogorov_smirnov(values[known & (period == 0)], values[known & (period == 1)])
    gone = np.stack([table[:, :-1].sum(axis=1), table[:, -1]], axis=1)
    if not gone[:, 1].any():
        return p
    # Values may have moved, or become missing.
    return min(1.0, 2.0 * min(p, homogeneity(gone[0], gone[1])[2]))


def _rows(
    attribute: str,
    told: tuple[str, ...],
    features: tuple[str, ...],
    each: _Shifts,
    p: Floats,
    group: Places,
    period: Places,
) -> Iterator[Row]:
    strongest = np.argsort(-each.excess.max(axis=1), kind="stable")[:FEATURES]
    sizes = [np.bincount(group[period == side], minlength=len(told)) for side in (0, 1)]
    for f in strongest.tolist():
        for g, name in enumerate(told):
            people = int(sizes[0][g] + sizes[1][g])
            if not sizes[0][g] or not sizes[1][g]:
                continue
            yield Row(
                test="deployment",
                stage="deployment",
                unit="distribution shift",
                contrast="group",
                relation="value",
                scale="number",
                attribute=attribute,
                group=name,
                reference="",
                field=features[f],
                people=people,
                answered=people,
                estimate=float(each.distance[f, g]),
                low=float(each.low[f, g]),
                high=float(each.high[f, g]),
                p=float(p[f, g]),
                method="Jensen-Shannon distance, delete-a-group jackknife",
            )


def _compared(
    attribute: str,
    told: tuple[str, ...],
    known: list[int],
    features: int,
    each: _Shifts,
    confidence: float,
    between: str,
) -> list[str]:
    """Say whether the features of one group have moved more than those of another."""
    if len(known) < 2:
        return []
    mean = each.excess.mean(axis=0)
    most = max(known, key=lambda g: float(mean[g]))
    least = min(known, key=lambda g: float(mean[g]))
    _, p = jackknife(mean[most] - mean[least], each.left[:, most] - each.left[:, least])
    adjusted = min(1.0, float(p) * len(known) * (len(known) - 1) / 2)
    head = f"{attribute}, {between}, {count(features, 'feature')}:"
    sizes = (
        f"mean Jensen-Shannon divergence {number(round(max(float(mean[most]), 0.0), 4))} against "
        f"{number(round(max(float(mean[least]), 0.0), 4))} bits, less what chance adds; "
        f"p = {p_value(adjusted)}".replace("p = <", "p <")
    )
    if adjusted <= 1 - confidence:
        return [
            f"{head} the world of {told[most]} shifted more than that of {told[least]} ({sizes})."
        ]
    return [f"{head} no group's world is proven to shift more than another's ({sizes})."]
