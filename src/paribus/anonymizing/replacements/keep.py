"""The values as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import pyarrow as pa

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import Replacement


class Keep(Replacement):
    """Leaves a column as it is: numbers and categories that identify nobody."""

    kind: Literal["keep"] = "keep"
    direct: ClassVar[bool] = False
    whole: ClassVar[bool] = True

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        return values
