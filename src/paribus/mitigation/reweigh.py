"""Weigh rows so that groups and labels are independent of each other."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from paribus import estimators
from paribus._text import name, number
from paribus.mitigation.base import Mitigation, Stage, Training, Treated
from paribus.roles import level_name
from paribus.stats.reweighing import cell_weights, reweighing
from paribus.table import Scalar

NAMED = 6
"""Groups that a note names, at most."""


class Reweigh(Mitigation):
    """Weighs rows so that groups and labels are independent of each other.

    A row's weight is how often its group and its label would meet if they were independent, over
    how often they do. Groups are the crossed groups of all attributes; people whose attribute is
    missing are groups of their own. Nothing is added, and no label is changed: rows of groups that
    were favored too rarely count more where their label is favorable.

    References
    ----------
    Kamiran and Calders (2012), Knowledge and Information Systems 33, 1-33, section 5.3.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from paribus.mitigation.base import Training
    >>> from paribus.people.population import Protected
    >>> from paribus.table import Table
    >>> frame = pd.DataFrame({"sex": list("mmmmffff"), "income": range(8)})
    >>> training = Training(
    ...     Table.of(frame), np.array([1, 1, 1, 0, 1, 0, 0, 0]), 1, LogisticRegression(),
    ...     ("income",), {"sex": Protected(levels=("m", "f"))},
    ... )
    >>> Reweigh().weights(training).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0, 2.0, 0.667, 0.667, 0.667]
    """

    kind: Literal["reweigh"] = "reweigh"
    stage: ClassVar[Stage] = "data"

    def weights(self, training: Training) -> npt.NDArray[np.float64]:
        """Give the weights by which an estimator shall learn.

        Parameters
        ----------
        training : Training

        Returns
        -------
        ndarray of float64, shape (n,)
            What the rows weighed before is multiplied in.
        """
        return reweighing(training.codes, training.good.astype(np.int8), weight=training.weight)

    def treat(self, training: Training) -> Treated:
        """Give the rows with their weights.

        Raises
        ------
        ModelError
            Where the estimator takes no weights.
        """
        estimators.weight_name(training.estimator)
        treated = training.of(weight=self.weights(training))
        return Treated(treated, _notes(training))


def _notes(training: Training) -> tuple[str, ...]:
    good = training.good
    labels = [level_name(_label(training, good == which)) for which in (False, True)]
    groups = training.groups.names
    cells = 2 * training.codes + good
    counts = np.bincount(cells, training.weight, 2 * len(groups)).reshape(-1, 2)
    factors = cell_weights(counts)
    filled = np.argwhere(counts > 0)
    if not len(filled):
        return ()
    sizes = factors[counts > 0]

    def cell(at: int) -> str:
        group, label = filled[at]
        return (
            f"{name(groups[group])} with the label {name(labels[label])} "
            f"({number(float(sizes[at]))})"
        )

    lowest, highest = int(sizes.argmin()), int(sizes.argmax())
    if np.allclose(sizes, 1.0):
        notes = ["Groups and labels are independent already: all rows have the weight 1."]
    else:
        notes = [f"The largest weight is that of {cell(highest)}, the smallest of {cell(lowest)}."]
    alone = [g for g, row in zip(groups, counts, strict=True) if (row > 0).sum() == 1]
    if alone and (counts > 0).any(axis=0).all():
        notes.append(
            f"All rows of {_listed(alone)} have one label: no weights can give them the rate of "
            "the others."
        )
    return tuple(notes)


def _label(training: Training, rows: npt.NDArray[np.bool_]) -> Scalar | None:
    found: list[Scalar] = training.label[rows][:1].tolist()
    return found[0] if found else None


def _listed(names: list[str]) -> str:
    shown = ", ".join(name(each) for each in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
