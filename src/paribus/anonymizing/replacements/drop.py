"""Nothing: the column is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import pyarrow as pa

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import Replacement


class Drop(Replacement):
    """Leaves a column out: what nobody needs cannot identify anybody.

    Examples
    --------
    >>> Drop().leaves
    False
    """

    kind: Literal["drop"] = "drop"
    leaves: ClassVar[bool] = False
    whole: ClassVar[bool] = True

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        return pa.nulls(len(values), values.type)
