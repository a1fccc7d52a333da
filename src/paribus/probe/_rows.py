"""A model asked about the rows of a table, as they are or with columns of other people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus.errors import ModelError, SpecError, nearest
from paribus.outcomes import Outcome
from paribus.probe._calls import Calls, Heard
from paribus.probe.base import Missing, Model, Probe, Values, outcome_of
from paribus.table import Column, FrameKind, Table

_BATCH = 1 << 16


class RowByRow:
    """An open model, and a table about whose rows it is asked.

    Parameters
    ----------
    probe : Probe
    model : Model
    table : Table
    hidden : tuple of str
        Columns that no function may see although it takes whatever there is, such as the label.
    """

    def __init__(
        self, probe: Probe, model: Model, table: Table, hidden: tuple[str, ...] = ()
    ) -> None:
        self.model = model
        self.table = table
        self.outcome: Outcome = outcome_of(probe, model)
        self.features = _features(probe, model, table, hidden)
        by_itself: FrameKind = table.kind
        usual = "pandas" if by_itself == "pyarrow" and not model.sees_everything else by_itself
        handed: FrameKind = probe.frame or model.frame or usual
        self._calls = Calls(model, self.outcome, self.features, handed, table)

    def ask(
        self,
        rows: npt.NDArray[np.intp] | None = None,
        donors: Mapping[str, npt.NDArray[np.intp]] | None = None,
    ) -> tuple[Values, Missing]:
        """Ask about rows.

        Parameters
        ----------
        rows : ndarray of intp, optional
            Their positions; all where left out.
        donors : mapping, optional
            Column -> the row whose value each row (of `rows`) takes in it.

        Returns
        -------
        values : ndarray, shape (n,)
            As `Outcome` describes.
        missing : ndarray of int, shape (n,), or None
            Where an answer is missing: not 0.
        """
        at = np.arange(len(self.table), dtype=np.intp) if rows is None else rows
        heard = Heard()
        values: list[Any] = []
        missing: list[npt.NDArray[np.int32]] = []
        for start in range(0, len(at), _BATCH):
            batch = slice(start, start + _BATCH)
            columns: dict[str, Column] = {
                name: self.table.column(name, (donors or {}).get(name, at)[batch])
                for name in self.features
            }
            said, gone = self._calls.call([columns], heard)
            values.append(said)
            missing.append(np.zeros(len(said), np.int32) if gone is None else gone.astype(np.int32))
        gone = np.concatenate(missing)
        if gone.all():
            raise ModelError("the model answered about not a single row", path="$.model")
        return np.concatenate(values), gone if gone.any() else None


def _features(probe: Probe, model: Model, table: Table, hidden: tuple[str, ...]) -> tuple[str, ...]:
    wanted = probe.features or model.features
    if wanted and model.features and set(wanted) == set(model.features):
        wanted = model.features
    if wanted is None:
        if model.sees_everything:
            return tuple(name for name in table.names if name not in hidden)
        raise SpecError(
            "the model does not name its columns; declare features = [...] in the order in which "
            "it was fitted",
            path="$.model.features",
        )
    for name in wanted:
        if name not in table.names:
            raise SpecError(
                f'the model sees a column "{name}", which the data lack'
                f"{nearest(name, table.names)}",
                path="$.model.features",
            )
    return tuple(wanted)
