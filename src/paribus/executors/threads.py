"""Several blocks at a time, in threads of this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

import pydantic

from paribus._plugins import Declaration
from paribus.executors.base import Result


class Threads(Declaration):
    """Several blocks at a time; for models that release the interpreter lock or wait for others."""

    kind: Literal["threads"] = "threads"
    workers: int = pydantic.Field(default=2, ge=1, le=256)

    def map(self, task: Callable[[int], Result], blocks: Iterable[int]) -> Iterator[Result]:
        """Run the task on every block and yield the results in order.

        No more than twice as many blocks as workers are under way, so memory stays bounded.
        """
        pending: deque[Future[Result]] = deque()
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                for block in blocks:
                    pending.append(pool.submit(task, block))
                    if len(pending) > 2 * self.workers:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                for future in pending:
                    future.cancel()
