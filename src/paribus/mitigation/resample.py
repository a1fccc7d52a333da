"""Draw rows anew so that groups and labels are independent of each other."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from paribus._seeds import generator
from paribus._text import count, name
from paribus.errors import DataError
from paribus.mitigation.base import Mitigation, Stage, Training, Treated
from paribus.stats.apportionment import largest_remainder
from paribus.stats.reweighing import expected

NAMED = 6
"""Groups that a note names, at most."""

_ROUNDING = 1e-9

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


class Resample(Mitigation):
    """Draws rows anew so that groups and labels are independent of each other.

    Does by the number of rows what ``reweigh`` does by their weights, for estimators that take
    none. There are as many rows afterwards as before. Of each crossed group and label there are as
    many as if the two were independent: where there were too few, all are kept and some come
    twice or more often; where there were too many, some are left out. People whose attribute is
    missing are groups of their own; a group that has only one of the labels keeps it.

    Where rows have weights, these decide how many rows a group and label get and how often each of
    them is drawn. The drawn rows then stand for one person each and have no weights.

    Rows that come twice may fall on both sides of a split that the estimator makes by itself (to
    stop early, or to search for parameters), which then looks better than it is.

    References
    ----------
    Kamiran and Calders (2012), Knowledge and Information Systems 33, 1-33, section 5.4: uniform
    and preferential sampling.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from paribus.mitigation.base import Training
    >>> from paribus.people.population import Protected
    >>> from paribus.table import Table
    >>> frame = pd.DataFrame({"sex": list("mmmmffff"), "income": range(8)})
    >>> training = Training(
    ...     Table.of(frame), np.array([1, 1, 1, 0, 1, 0, 0, 0]), 1, KNeighborsClassifier(1),
    ...     ("income",), {"sex": Protected(levels=("m", "f"))},
    ... )
    >>> treated = Resample().treat(training).training
    >>> treated.label[:4].tolist(), treated.label[4:].tolist()
    ([1, 1, 0, 0], [1, 1, 0, 0])
    """

    kind: Literal["resample"] = "resample"
    stage: ClassVar[Stage] = "data"
    how: Literal["uniform", "preferential"] = "uniform"
    """Which rows come more than once or not at all: any, by lot, or those nearest the boundary.

    ``preferential`` looks at scores from clones of the estimator that have not seen the row.
    """

    def treat(self, training: Training) -> Treated:
        """Give the rows that are drawn, in the order of the table.

        Raises
        ------
        DataError
            Where no row has a weight.
        """
        codes, good = training.codes, training.good
        groups = training.groups.names
        weight = np.ones(len(training)) if training.weight is None else training.weight
        cells = 2 * codes + good
        counts: Floats = np.bincount(cells, weight, 2 * len(groups)).astype(np.float64)
        table = counts.reshape(-1, 2)
        wanted = np.where(table > 0, expected(table), 0.0).reshape(-1)
        if not wanted.sum() > 0:
            raise DataError("no row has a weight; give at least one a weight above 0")
        targets = largest_remainder(wanted / wanted.sum() * len(training), len(training))
        copies = self._copies(training, cells, counts, targets, weight)
        index = np.repeat(np.arange(len(training)), copies)
        notes = _notes(copies, groups, table)
        return Treated(training.take(index).of(weight=None), notes)

    def _copies(
        self,
        training: Training,
        cells: Rows,
        counts: Floats,
        targets: npt.NDArray[np.int64],
        weight: Floats,
    ) -> npt.NDArray[np.intp]:
        """Say how often each row is drawn."""
        rng = generator(training.seed, "mitigation/resample/draw", 0)
        each = np.zeros(len(training))
        if self.how == "uniform":
            each = np.divide(targets, counts, out=np.zeros(len(counts)), where=counts > 0)[cells]
            each = each * weight
        else:
            scores = training.held_out
            # Favorable rows are nearest the boundary where they are low, the others where high.
            near = np.where(training.good, scores, -scores)
            order = np.lexsort((rng.permutation(len(training)), near, cells))
            for rows in _runs(order, cells):
                own = weight[rows] * (len(training) / counts.sum())
                each[rows] = _preferred(own, float(targets[cells[rows[0]]]))
        out = np.zeros(len(training), np.intp)
        order = np.lexsort((rng.permutation(len(training)), cells))
        for rows in _runs(order, cells):
            out[rows] = _whole(each[rows], int(targets[cells[rows[0]]]), float(rng.random()))
        return out


def _runs(order: Rows, cells: Rows) -> list[Rows]:
    """Give the rows of each cell in an order that has those of a cell together."""
    return np.split(order, np.flatnonzero(np.diff(cells[order])) + 1)


def _preferred(own: Floats, target: float) -> Floats:
    """Say how often rows are drawn, the nearest the boundary first, so that they reach a target.

    Parameters
    ----------
    own : ndarray of float64, shape (n,)
        How many rows each stands for.
    target : float

    Returns
    -------
    ndarray of float64, shape (n,)
        Their sum is the target.

    Examples
    --------
    >>> _preferred(np.ones(3), 4.0).tolist(), _preferred(np.ones(3), 1.0).tolist()
    ([2.0, 1.0, 1.0], [0.0, 0.0, 1.0])
    """
    total = float(own.sum())
    if not total:
        return own
    before = np.cumsum(own) - own
    if target < total:
        return np.asarray(own - np.clip(total - target - before, 0.0, own))
    rounds = np.floor(target / total + _ROUNDING)
    return np.asarray(own * rounds + np.clip(target - rounds * total - before, 0.0, own))


def _whole(each: Floats, total: int, start: float) -> npt.NDArray[np.intp]:
    """Round by a systematic lot: up as often as the fraction says, with a fixed sum.

    Madow (1949), Annals of Mathematical Statistics 20, 333-354.

    Examples
    --------
    >>> _whole(np.array([1.5, 0.5, 2.0]), 4, 0.2).tolist()
    [2, 0, 2]
    """
    out = np.floor(each + _ROUNDING).astype(np.intp)
    missing = total - int(out.sum())
    if missing > 0:
        edges = np.cumsum(np.maximum(each - out, 0.0))
        places = np.searchsorted(edges * (missing / edges[-1]), start + np.arange(missing), "right")
        np.add.at(out, np.minimum(places, len(out) - 1), 1)
    return out


def _notes(copies: npt.NDArray[np.intp], groups: tuple[str, ...], table: Floats) -> tuple[str, ...]:
    out = int((copies == 0).sum())
    often = int((copies > 1).sum())
    notes = [
        f"Of {count(len(copies), 'row')}, {out:,} were left out and {often:,} come more than once"
        + (f", at most {copies.max():,} times." if often else ".")
    ]
    alone = [g for g, row in zip(groups, table, strict=True) if (row > 0).sum() == 1]
    if alone and (table > 0).any(axis=0).all():
        shown = ", ".join(name(each) for each in alone[:NAMED])
        more = "" if len(alone) <= NAMED else f" and {len(alone) - NAMED} more"
        notes.append(
            f"All rows of {shown}{more} have one label: no draw can give them the rate of the "
            "others."
        )
    return tuple(notes)
