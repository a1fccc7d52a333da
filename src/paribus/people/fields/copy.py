"""Another column under a second name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from paribus.people.fields.base import Field, Latent
from paribus.table import Column


class Copy(Field):
    """Another column under a second name: a model may call the gender ``sex``."""

    kind: Literal["copy"] = "copy"
    of: str

    @property
    def parents(self) -> tuple[str, ...]:
        return (self.of,)

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        return parents[self.of]


def copy_of(of: str) -> Copy:
    """Declare another column under a second name.

    Parameters
    ----------
    of : str
        A field, a protected attribute, or a column of the data.

    Examples
    --------
    >>> copy_of("gender").of
    'gender'
    """
    return Copy(of=of)
