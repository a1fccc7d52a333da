"""Rankings: the exposure that every group gets, and its share of the top."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from paribus._text import count, name
from paribus.counting import Tally
from paribus.errors import DataError
from paribus.evidence._numbers import Floats, effective, placed
from paribus.evidence._rated import About
from paribus.evidence.base import Check, Row, Weighed
from paribus.observed import Observed
from paribus.stats.exposure import exposure, top_share
from paribus.stats.multiplicity import holm

LONGEST = 1 << 20
"""Positions of a ranking, at most."""


class Ranking(Check):
    """Mean exposure of every group in a ranking, and its share of the first places.

    A position `r` has the exposure ``1 / log2(1 + r)`` (Singh and Joachims 2018). The share of the
    top is compared with the group's share of all rows. Nothing is held.
    """

    kind: Literal["ranking"] = "ranking"

    def weigh(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        roles = observed.roles
        if roles.rank is None:
            return Weighed(())
        if observed.source.kind(roles.rank) != "number":
            raise DataError(
                f'the column "{roles.rank}" holds no numbers: name a column of positions, from 1',
                path="$.data.rank",
            )
        tally = observed.source.tally(
            [*roles.by, roles.rank], weight=roles.weight, most_levels=LONGEST
        )
        positions = _positions(tally, roles.rank)
        rows: list[Row] = []
        for attributes in observed.attributes:
            groups = observed.groups(attributes)
            about = About("ranking", "outcomes", groups, confidence)
            listed = _List.of(
                tally, placed(observed, attributes, tally), positions, len(groups.names)
            )
            rows += _exposures(about, listed)
            for k in dict.fromkeys(roles.top):
                rows += _top(about, listed, k)
        return Weighed(tuple(rows), notes=tuple(_unranked(tally, positions, observed)))


def _positions(tally: Tally, rank: str) -> npt.NDArray[np.int64]:
    """Give the position of each cell, 0 where it is missing."""
    levels = tally.levels[-1]
    for level in levels:
        if level is not None and not (isinstance(level, int) and level >= 1):
            raise DataError(
                f'the column "{rank}" has the position {level}; positions are whole numbers from 1',
                path="$.data.rank",
            )
    known = [int(level) for level in levels if level is not None]
    if known and known[-1] > LONGEST:
        raise DataError(
            f'the column "{rank}" has the position {known[-1]:,}, and a ranking has at most '
            f"{LONGEST:,}: keep its top, and leave the positions of the others empty",
            path="$.data.rank",
        )
    each = np.array([0 if level is None else level for level in levels], np.int64)
    return each[tally.codes[:, -1]]


@dataclass(frozen=True, eq=False)
class _List:
    """Members of each group at each position."""

    group: npt.NDArray[np.intp]
    """Shape (cells,)."""
    position: npt.NDArray[np.int64]
    """From 1, shape (cells,); 0 where there is none."""
    members: Floats
    """As many as tell as much as the weighted rows, shape (cells,)."""
    rows: npt.NDArray[np.int64]
    """Ranked rows of each group, shape (G,)."""
    last: int
    """The last position."""

    @classmethod
    def of(
        cls,
        tally: Tally,
        group: npt.NDArray[np.intp],
        position: npt.NDArray[np.int64],
        groups: int,
    ) -> _List:
        weight = float(tally.weight.sum())
        # Members add up to the effective number of rows (Kish 1965), so that p-values hold.
        size = float(effective(weight, tally.square.sum()))
        members = tally.weight / weight * size if weight > 0 else np.zeros(len(tally.weight))
        ranked = position > 0
        rows = np.bincount(group[ranked], tally.count[ranked], groups).astype(np.int64)
        return cls(group, position, members, rows, int(position.max(initial=0)))

    def at(self, chosen: npt.NDArray[np.bool_]) -> Floats:
        """Count members at each position, shape (positions,)."""
        ranked = chosen & (self.position > 0)
        counted = np.bincount(self.position[ranked] - 1, self.members[ranked], self.last)
        return np.asarray(counted, np.float64)


def _exposures(about: About, listed: _List) -> Iterator[Row]:
    """Give the exposure of each group, and its ratio to that of the reference."""
    groups, ref = about.groups, about.groups.reference
    mine = listed.group == ref
    reference, everybody = listed.at(mine), listed.at(np.ones_like(mine))
    found = []
    for g in range(len(groups.names)):
        # Three lines each, as a table of all groups and positions may be very large.
        own = reference if g == ref else listed.at(listed.group == g)
        if not own.any():
            continue
        rest = everybody - own if g == ref else everybody - own - reference
        rest = np.maximum(rest, 0.0)
        lines = [own, rest] if g == ref else [own, rest, reference]
        found.append((g, exposure(lines, reference=len(lines) - 1, confidence=about.confidence)))
    for g, seen in found:
        yield about.row(
            "exposure",
            g,
            relation="value",
            scale="number",
            people=int(groups.sizes[g]),
            answered=int(listed.rows[g]),
            estimate=float(seen.exposure[0]),
            low=min(float(seen.low[0]), float(seen.exposure[0])),
            high=max(float(seen.high[0]), float(seen.exposure[0])),
            method="mean of 1 / log2(1 + position); positions dealt at random",
        )
    others = [(g, seen) for g, seen in found if g != ref]
    if not reference.any() or not others:
        return
    p = holm([float(seen.p[0]) for _, seen in others])
    for (g, seen), adjusted in zip(others, p.tolist(), strict=True):
        yield about.row(
            "exposure",
            g,
            relation="ratio",
            scale="ratio",
            reference=groups.names[ref],
            people=int(groups.sizes[g] + groups.sizes[ref]),
            answered=int(listed.rows[g] + listed.rows[ref]),
            estimate=float(seen.ratio[0]),
            low=min(float(seen.ratio_low[0]), float(seen.ratio[0])),
            high=max(float(seen.ratio_high[0]), float(seen.ratio[0])),
            p=adjusted,
            method="positions of both dealt at random",
        )


def _top(about: About, listed: _List, k: int) -> Iterator[Row]:
    """Compare each group's share of the first `k` positions with its share of all rows."""
    groups = about.groups
    first = (listed.position > 0) & (listed.position <= k)
    size = len(groups.names)
    top = np.bincount(listed.group[first], listed.members[first], size)
    below = np.bincount(listed.group[~first], listed.members[~first], size)
    if not top.any() or not below.any():
        # Where all rows are the top, it is no choice.
        return
    shares = top_share(np.stack([top, below], axis=1), 1, about.confidence)
    there = np.flatnonzero(shares.n > 0)
    # Of two groups, the second says what the first says.
    p = holm(shares.p[there]) if len(there) > 2 else shares.p[there]
    for g, adjusted in zip(there.tolist(), p.tolist(), strict=True):
        shared = {
            "field": f"top {k}",
            "people": int(groups.sizes[g]),
            "answered": int(groups.sizes[g]),
            "expected": float(shares.share_of_all[g]),
        }
        yield about.row(
            "top share",
            g,
            relation="value",
            scale="share",
            estimate=float(shares.share[g]),
            low=float(shares.low[g]),
            high=float(shares.high[g]),
            method="share of the top; Wilson interval",
            **shared,
        )
        yield about.row(
            "top share",
            g,
            relation="ratio",
            scale="ratio",
            estimate=float(shares.ratio[g]),
            low=float(shares.ratio_low[g]),
            high=float(shares.ratio_high[g]),
            p=adjusted,
            method="share of the top over share of all rows; hypergeometric test",
            **shared,
        )


def _unranked(tally: Tally, positions: npt.NDArray[np.int64], observed: Observed) -> Iterator[str]:
    gone = int(tally.count[positions == 0].sum())
    if gone:
        yield (
            f'"{name(observed.roles.rank)}" is missing in {count(gone, "row")} of '
            f"{int(tally.count.sum()):,}: they have no exposure here, and count as below the top."
        )
