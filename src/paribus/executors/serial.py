"""One block after the other, in this thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from paribus._plugins import Declaration
from paribus.executors.base import Result


class Serial(Declaration):
    """One block after the other. Models that use all cores by themselves are fastest so."""

    kind: Literal["serial"] = "serial"

    def map(self, task: Callable[[int], Result], blocks: Iterable[int]) -> Iterator[Result]:
        """Run the task on every block, in order."""
        return map(task, blocks)
