"""Answers that were collected beforehand: columns of the data, one for each level."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pydantic

from paribus.errors import ModelError, nearest
from paribus.people.fields._keys import text_keys
from paribus.probe.base import Model, Probe
from paribus.table import lookup


class Recorded(Probe):
    """Answers to twins who were sent out before: nobody is asked, the answers are in the data."""

    kind: Literal["recorded"] = "recorded"
    attribute: str
    """The protected attribute in which the twins differ."""
    answers: dict[str, str]
    """Level of the attribute -> column of the data with the answers to that twin."""

    @pydantic.field_validator("answers", mode="before")
    @classmethod
    def _keys_are_text(cls, table: Any) -> Any:
        return text_keys(table) if isinstance(table, Mapping) else table

    def open(self, *, trust: bool) -> Model:
        columns = tuple(dict.fromkeys(self.answers.values()))
        listed = "\x00".join(f"{level}\x01{column}" for level, column in self.answers.items())
        return Model(
            name=f"recorded answers ({', '.join(columns)})",
            fingerprint=hashlib.sha256(listed.encode()).hexdigest(),
            labels=self._look_up,
            probabilities=self._look_up,
            numbers=self._look_up,
            features=(self.attribute, *columns),
            hidden=columns,
        )

    def _look_up(self, frame: Any) -> npt.NDArray[Any]:
        levels = np.asarray(frame[self.attribute])
        columns = [np.asarray(frame[column]) for column in self.answers.values()]
        place = lookup(levels, list(self.answers))
        if place.min(initial=0) < 0:
            level = levels[int(np.argmin(place))]
            raise ModelError(
                f'no column has the answers for {self.attribute} "{level}"'
                f"{nearest(level, self.answers)}",
                path="$.model.answers",
            )
        numbers = all(column.dtype.kind in "iufb" for column in columns)
        out = np.empty(len(levels), np.result_type(*columns) if numbers else object)
        for i, column in enumerate(columns):
            out[place == i] = column[place == i]
        return out


def recorded(attribute: str, answers: Mapping[Any, str], **options: Any) -> Recorded:
    """Declare answers to twins that were collected beforehand, in columns of the data.

    Parameters
    ----------
    attribute : str
        The protected attribute in which the twins differ.
    answers : mapping
        Level of the attribute -> column of the data with the answers to that twin.
    **options
        As for any model: ``outcome``, ``favorable``, ``threshold`` ...

    Returns
    -------
    Recorded
        A model for `audit`; every row of its data is one pair (or more) of twins.

    Examples
    --------
    >>> import pandas as pd, paribus as pb
    >>> letters = pd.DataFrame({"white": [1, 1, 0, 0], "black": [1, 0, 0, 0]})
    >>> record = pb.audit(
    ...     pb.recorded("race", {"white": "white", "black": "black"}, favorable=1),
    ...     protect={"race": ["white", "black"]}, data=letters,
    ... )
    >>> record.findings[0].flips
    1
    """
    return Recorded(attribute=attribute, answers=dict(answers), **options)
