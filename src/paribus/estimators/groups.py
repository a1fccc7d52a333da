"""Groups of people by crossed attributes, and the lots that people draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.probe._boosters import in_pandas
from paribus.roles import CROSS, level_name
from paribus.table import Scalar, Table, flat, lookup

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
_STEP = 2.0**-53


class Groups:
    """Groups of people: the combinations of levels of some attributes that occur.

    People whose attribute is missing are groups of their own.

    Parameters
    ----------
    attributes : list of str
    levels : list of lists
        The levels of each attribute.
    cells : list of lists of int
        For each group, the number of the level of each attribute; one past the last is missing.
    """

    def __init__(
        self, attributes: list[str], levels: list[list[Scalar]], cells: list[list[int]]
    ) -> None:
        self.attributes = attributes
        self.levels = levels
        self.cells = cells

    @classmethod
    def of(cls, X: Any, attributes: Sequence[str]) -> Groups:
        """Find the groups that occur.

        Raises
        ------
        DataError
            Where an attribute is no column.
        """
        return cls.coded(X, attributes)[0]

    @classmethod
    def coded(cls, X: Any, attributes: Sequence[str]) -> tuple[Groups, Codes]:
        """Find the groups that occur, and the number of each row's group.

        Raises
        ------
        DataError
            Where an attribute is no column.
        """
        table = Table.of(X)
        levels, places = [], []
        for name in attributes:
            values = table.column(name, slice(None)).arrow()
            if not pa.types.is_dictionary(values.type):
                # Text is compared once, and its codes from then on.
                values = values.dictionary_encode()
            here = values.unique().to_pylist()
            levels.append(sorted((v for v in here if not _unknown(v)), key=_order))
            found = lookup(values, levels[-1])
            places.append(np.where(found < 0, len(levels[-1]), found))
        width = [len(each) + 1 for each in levels]
        rows = np.ravel_multi_index(places, width) if places else np.zeros(len(table), np.intp)
        occurs = np.bincount(rows, minlength=int(np.prod(width))) > 0
        cells = [
            [int(at) for at in np.unravel_index(cell, width)] if places else []
            for cell in np.flatnonzero(occurs)
        ]
        codes = (np.cumsum(occurs) - 1)[rows].astype(np.intp, copy=False)
        made = cls([str(name) for name in attributes], levels, cells)
        return made, codes

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups, such as ``Black x F``."""
        return tuple(
            CROSS.join(
                level_name(levels[at] if at < len(levels) else None)
                for at, levels in zip(cell, self.levels, strict=True)
            )
            for cell in self.cells
        )

    def codes(self, X: Any) -> Codes:
        """Give the number of each row's group; -1 where nobody of it was known before."""
        places = self._places(Table.of(X))
        # One past the last is missing, and one further a level that nobody had.
        width = [len(levels) + 2 for levels in self.levels]
        known = np.full(int(np.prod(width)), -1, np.intp)
        for number, cell in enumerate(self.cells):
            known[np.ravel_multi_index(cell, width)] = number
        return cast("Codes", known[np.ravel_multi_index(places.T, width)])

    def _places(self, table: Table) -> npt.NDArray[np.intp]:
        out = np.empty((len(table), len(self.attributes)), np.intp)
        for i, (name, levels) in enumerate(zip(self.attributes, self.levels, strict=True)):
            values = table.column(name, slice(None)).arrow()
            found = lookup(values, levels)
            missing = flat(values).is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
            out[:, i] = np.where(found < 0, np.where(missing, len(levels), len(levels) + 1), found)
        return out


def _unknown(value: Any) -> bool:
    return value is None or value != value


def _order(value: Any) -> tuple[bool, Any]:
    return (isinstance(value, str), value)


def lot(X: Any, columns: Sequence[str]) -> Floats:
    """Draw a lot for each person from what is in some columns.

    The same person always draws the same lot, and so do twins where the columns are those that
    twins share: chance then favors nobody, and nobody gains by asking twice.

    Parameters
    ----------
    X : data frame
    columns : sequence of str

    Returns
    -------
    ndarray of float64, shape (n,)
        In [0, 1), spread evenly over different people.
    """
    import pandas as pd

    if not len(columns):
        return np.full(len(X), 0.5)
    frame = in_pandas(X)[list(columns)]
    plain = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column.dtype):
            # One number is one number, whatever type holds it.
            plain[name] = column.astype("float64") + 0.0
        else:
            plain[name] = column.astype(object).where(column.notna(), "").astype(str)
    hashed = pd.util.hash_pandas_object(pd.DataFrame(plain), index=False).to_numpy(np.uint64)
    return (hashed >> np.uint64(11)).astype(np.float64) * _STEP
