"""Another occupation of the locale."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pydantic

from paribus.anonymizing import names
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements import _places


class Job(_places.OfPlaces):
    """Replaces an occupation; those of the locale's list stay distinct."""

    kind: Literal["job"] = "job"

    @pydantic.model_validator(mode="after")
    def _enough(self) -> Job:
        names.usable("person.occupation", self.locale, "occupations")
        return self

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        pool = names.usable("person.occupation", self.locale, "occupations")
        return _places.styled_choice(texts, pool, key, self.realm_)
