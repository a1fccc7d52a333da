"""Repeat a trial many times over all cores, with results that never depend on how work is dealt."""

from __future__ import annotations

import multiprocessing
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from table import Row

Results = npt.NDArray[np.float64]
"""What each trial gave, shape (trials, numbers)."""

Trial = Callable[..., Sequence[float]]
"""Takes the number of the trial and its source of chance, then the options of its setting."""

_CHUNKS = 40
"""Into how many chunks a setting is dealt, so that no core waits long for another."""


@dataclass(frozen=True)
class Setting:
    """A model, an audit of it, and how often the two meet."""

    title: str
    """Seeds the trials: one title, one sequence of chance."""
    trial: Trial
    times: int
    rows: Callable[[Results], Sequence[Row]]
    options: Mapping[str, Any] = field(default_factory=dict)


def shortened(times: int, share: float) -> int:
    """Take a share of the trials, and never fewer than ten."""
    return max(10, round(share * times))


def run(settings: Sequence[Setting], workers: int = 1) -> list[Results]:
    """Run all trials of all settings.

    Each trial has a source of chance of its own, dealt beforehand by the title of its setting and
    its number: neither the number of workers nor any other setting moves a result.
    """
    titles = [setting.title for setting in settings]
    if len(set(titles)) < len(titles):
        raise ValueError("two settings have one title, and would share their chance")
    chunks = [
        (setting.title, setting.trial, numbers.tolist(), setting.options)
        for setting in settings
        for numbers in np.array_split(np.arange(setting.times), min(_CHUNKS, setting.times))
    ]
    if workers == 1:
        done = list(map(_chunk, chunks))
    else:
        # A forked process would inherit locks that threads of its parent hold.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            done = list(pool.map(_chunk, chunks))
    gathered: dict[str, list[Sequence[float]]] = {title: [] for title in titles}
    for (title, *_), results in zip(chunks, done, strict=True):
        gathered[title].extend(results)
    return [np.array(gathered[title], dtype=np.float64) for title in titles]


def _chunk(
    chunk: tuple[str, Trial, Sequence[int], Mapping[str, Any]],
) -> list[Sequence[float]]:
    title, trial, numbers, options = chunk
    key = zlib.crc32(title.encode())
    return [trial(number, np.random.default_rng([key, number]), **options) for number in numbers]
