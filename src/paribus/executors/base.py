"""What an executor is: an ordered map over the numbers of blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Executor(Protocol):
    """Maps a task over blocks. Results come back in order, so records never depend on timing."""

    def map(self, task: Callable[[int], Result], blocks: Iterable[int]) -> Iterator[Result]:
        """Run the task on every block and yield the results in the order of the blocks."""
        ...
