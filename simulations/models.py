"""Models that ignore the protected attribute, or heed it by exactly so much."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betaincinv

Model = Callable[[Any], npt.NDArray[Any]]

_NAMES = 1 << 20


def blind(people: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Favor people with a merit above 0.5, whatever their group; the columns are group, merit."""
    return people[:, 1] > 0.5


def stepped(gap: float) -> Model:
    """Favor people with a merit above 0.5, and above ``0.5 + gap`` in any group but the first.

    Flips go one way, and a share `gap` of people who are spread evenly are flipped.
    """

    def decide(people: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        return people[:, 1] > 0.5 + gap * (people[:, 0] > 0)

    return decide


def redrawn(random: np.random.Generator, gap: float = 0.0) -> Model:
    """Favor each person with a chance of their own, and draw again at every question.

    The chance is Beta(2, 2), squeezed to leave room for the gap: everybody's chance is less by
    exactly `gap` in any group but the first.
    """

    def decide(people: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        chance = gap + (1 - gap) * betaincinv(2, 2, people[:, 1]) - gap * (people[:, 0] > 0)
        return np.asarray(random.random(len(people)) < chance)

    return decide


def swayed_by_names(random: np.random.Generator, sd: float) -> Model:
    """Add the effect of a first name to the merit; each name's is drawn once, gender or no."""
    effects = random.normal(0.0, sd, _NAMES)

    def score(people: pd.DataFrame) -> npt.NDArray[np.float64]:
        codes, names = pd.factorize(people["first_name"])
        which = np.array([_number(name) for name in names], dtype=np.intp)
        return np.asarray(people["merit"].to_numpy() + effects[which][codes])

    return score


@cache
def _number(name: str) -> int:
    # Python's own hash differs from process to process.
    return zlib.crc32(name.encode()) % _NAMES
