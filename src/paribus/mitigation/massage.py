"""Change labels nearest the boundary until all groups have the same rate of favorable ones."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from paribus._plugins import Whole
from paribus._seeds import generator
from paribus._text import count, name, percent
from paribus.errors import DataError
from paribus.mitigation.base import Mitigation, Stage, Training, Treated
from paribus.stats.apportionment import largest_remainder

NAMED = 6
"""Groups that a note names, at most."""

_ROUNDING = 1e-9

Floats = npt.NDArray[np.float64]


class Massage(Mitigation):
    """Changes labels nearest the boundary until all groups have the same rate of favorable ones.

    That rate is the one of all people together, so that as many labels are favorable afterwards as
    before. In groups below it the unfavorable rows with the best scores become favorable; in groups
    above it the favorable rows with the worst scores become unfavorable. Scores come from clones
    of the estimator that have not seen the row. With two groups of n1 and n2 people whose rates
    differ by d it changes d n1 n2 / (n1 + n2) labels of each.

    Groups are the crossed groups of all attributes. People whose attribute is missing keep their
    labels and do not count in the rate, and so do groups that are too small: no difference of
    theirs is known well enough to change what is on record about a person. Where rows have weights,
    rates are weighted, and are reached as nearly as whole rows can.

    Labels are changed to learn from and not to measure with: whoever measures the model needs the
    labels as they were.

    References
    ----------
    Kamiran and Calders (2009), IEEE International Conference on Computer, Control and
    Communication 2, 1-6; (2012), Knowledge and Information Systems 33, 1-33, section 5.2.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from paribus.mitigation.base import Training
    >>> from paribus.people.population import Protected
    >>> from paribus.table import Table
    >>> frame = pd.DataFrame({"sex": ["m", "f"] * 50, "income": range(100)})
    >>> label = (frame["income"] > 30 + 40 * (frame["sex"] == "f")).to_numpy()
    >>> training = Training(
    ...     Table.of(frame), label, True, LogisticRegression(max_iter=1000), ("income",),
    ...     {"sex": Protected(levels=("m", "f"))},
    ... )
    >>> Massage().treat(training).notes[0]
    'The labels of 20 rows were changed: 10 of f to favorable, 10 of m to unfavorable.'
    """

    kind: Literal["massage"] = "massage"
    stage: ClassVar[Stage] = "data"
    smallest: Whole = Field(default=10, ge=1)
    """Rows that a group must have for its labels to be changed."""

    def treat(self, training: Training) -> Treated:
        """Give the rows with their new labels, which have the type that they had.

        Raises
        ------
        DataError
            Where all labels are the same.
        """
        good, codes = training.good, training.codes
        if good.all() or not good.any():
            raise DataError("all labels are the same: there is no other to change them to")
        groups = training.groups
        touched, small = self._touched(training)
        weight = np.ones(len(training)) if training.weight is None else training.weight
        size = np.bincount(codes, weight, len(groups)) * touched
        favored = np.bincount(codes, weight * good, len(groups)) * touched
        if not size.sum() > 0:
            return Treated(training, ("No group is large enough for its labels to be changed.",))
        targets = size * (favored.sum() / size.sum())
        if training.weight is None:
            targets = largest_remainder(targets, int(favored.sum())).astype(np.float64)
        changed = _changed(training, targets - favored, weight)
        label = training.label.copy()
        label[changed & good] = training.label[~good][0]
        label[changed & ~good] = training.label[good][0]
        notes = [_told(changed, good, codes, groups.names)]
        rate = favored.sum() / size.sum()
        if changed.any():
            notes.append(f"In each of these groups {percent(rate)} of labels are now favorable.")
        if small:
            notes.append(
                f"Fewer than {count(self.smallest, 'row')} are of {_listed(small)}, whose labels "
                "were left as they are."
            )
        return Treated(training.of(label=label), tuple(notes))

    def _touched(self, training: Training) -> tuple[npt.NDArray[np.bool_], list[str]]:
        """Tell which groups' labels may change, and name those that are too small for it."""
        groups = training.groups
        rows = np.bincount(training.codes, minlength=len(groups))
        known = np.array(
            [
                all(at < len(levels) for at, levels in zip(cell, groups.levels, strict=True))
                for cell in groups.cells
            ]
        )
        few = rows < self.smallest
        names = [g for g, no in zip(groups.names, known & few, strict=True) if no]
        return known & ~few, names


def _changed(training: Training, wanted: Floats, weight: Floats) -> npt.NDArray[np.bool_]:
    """Tell whose label changes: as much weight of each group as is wanted, nearest first."""
    good, codes = training.good, training.codes
    changed = np.zeros(len(training), bool)
    if not (np.abs(wanted) > _ROUNDING).any():
        return changed
    scores = training.held_out
    near = np.where(good, scores, -scores)
    lots = generator(training.seed, "mitigation/massage/ties", 0).permutation(len(training))
    for group in np.flatnonzero(np.abs(wanted) > _ROUNDING):
        rows = np.flatnonzero((codes == group) & (good == (wanted[group] < 0)))
        rows = rows[np.lexsort((lots[rows], near[rows]))]
        own = weight[rows]
        # A row that goes past what is wanted changes where that is nearer than without it.
        changed[rows] = np.cumsum(own) - own / 2 < abs(wanted[group]) - _ROUNDING
    return changed


def _told(
    changed: npt.NDArray[np.bool_],
    good: npt.NDArray[np.bool_],
    codes: npt.NDArray[np.intp],
    names: tuple[str, ...],
) -> str:
    if not changed.any():
        return "No label was changed: groups have the same rate of favorable labels already."
    said = []
    for rows, to in ((changed & ~good, "favorable"), (changed & good, "unfavorable")):
        sizes = np.bincount(codes[rows], minlength=len(names))
        most = [i for i in np.argsort(-sizes, kind="stable") if sizes[i]]
        said += [f"{sizes[i]:,} of {name(names[i])} to {to}" for i in most[:NAMED]]
        if len(most) > NAMED:
            rest = int(sizes[most[NAMED:]].sum())
            said.append(f"{rest:,} of {len(most) - NAMED} more groups to {to}")
    total = count(int(changed.sum()), "row")
    were = "was" if total == "1 row" else "were"
    start = f"The label of {total} {were}" if were == "was" else f"The labels of {total} {were}"
    return f"{start} changed: {', '.join(said)}."


def _listed(names: list[str]) -> str:
    shown = ", ".join(name(each) for each in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
