"""What a run stands on: threads that work ahead, and files that get their names at the end."""

from __future__ import annotations

import os
import queue
import secrets
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Generic, TypeVar

from paribus._files import check_writable
from paribus.errors import OutputError

T = TypeVar("T")
U = TypeVar("U")


class Staging:
    """Files beside their places under other names, until all of them are whole.

    Left by an error, Ctrl-C included, it removes them, and the folders that it made.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Path, Path]] = []
        self._made: list[Path] = []

    def place(self, target: Path) -> Path:
        """Give the path to write to; makes the folders that the target needs.

        Raises
        ------
        OutputError
            Where the target cannot be written.
        """
        real = Path(os.path.realpath(target))
        missing = [folder for folder in real.parents if not folder.exists()]
        for folder in reversed(missing):
            try:
                folder.mkdir()
            except OSError as error:
                raise OutputError(f'"{target}" cannot be written: {error.strerror}') from None
            self._made.append(folder)
        check_writable(target)
        # Hidden, so that no run takes it for a table.
        path = real.with_name(f".{real.name[:50]}.{secrets.token_hex(8)}.part")
        self._waiting.append((path, real))
        return path

    def commit(self) -> None:
        """Give all files their names."""
        while self._waiting:
            path, target = self._waiting[0]
            try:
                path.replace(target)
            except OSError as error:
                raise OutputError(f'"{target}" cannot be written: {error.strerror}') from None
            del self._waiting[0]
            self._made = [folder for folder in self._made if folder not in target.parents]

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, *error: object) -> None:
        for path, _ in self._waiting:
            path.unlink(missing_ok=True)
        for folder in reversed(self._made):
            with suppress(OSError):
                folder.rmdir()


class _End:
    """The last thing that a thread says, with the error that ended it if there was one."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(items: Iterator[T], most: int = 2) -> Generator[T]:
    """Work through an iterator in a thread of its own, a few items ahead.

    Errors of the thread come out here; where this is closed early, the thread ends.

    Parameters
    ----------
    items : iterator
    most : int
        Items that wait to be taken: memory is bounded by them.

    Examples
    --------
    >>> list(ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    passing: queue.Queue[T | _End] = queue.Queue(most)
    stop = threading.Event()

    def work() -> None:
        end = _End()
        try:
            for item in items:
                passing.put(item)
                if stop.is_set():
                    break
        except BaseException as error:
            end = _End(error)
        finally:
            if isinstance(items, Generator):
                items.close()
            passing.put(end)

    thread = threading.Thread(target=work, name="paribus-ahead", daemon=True)
    thread.start()
    try:
        while True:
            item = passing.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
            # Not kept while the next one is waited for.
            del item
    finally:
        stop.set()
        while thread.is_alive():
            # Whatever waits for a place in the queue gets one.
            with suppress(queue.Empty):
                passing.get_nowait()
            thread.join(0.01)


def dealt(
    items: Iterator[T], work: Callable[[Iterator[T]], Iterator[U]], workers: int = 2
) -> Generator[U]:
    """Deal items to threads in turn, and take what they make of them in the same order.

    Parameters
    ----------
    items : iterator
    work : callable
        Gives one result for each item of an iterator; called once for each thread.
    workers : int
        Threads.

    Examples
    --------
    >>> list(dealt(iter("abc"), lambda letters: (letter.upper() for letter in letters)))
    ['A', 'B', 'C']
    """
    deck = _Deck(items, workers)
    lines = [ahead(work(deck.hand(place)), 1) for place in range(workers)]
    try:
        for line in cycle(lines):
            try:
                made = next(line)
            except StopIteration:
                return
            yield made
            del made
    finally:
        deck.end()
        for line in lines:
            line.close()


class _Deck(Generic[T]):
    """An iterator that several threads take from in turn."""

    def __init__(self, items: Iterator[T], hands: int) -> None:
        self._items, self._hands = items, hands
        self._turn = threading.Condition()
        self._next = 0
        self._ended = False

    def hand(self, place: int) -> Generator[T]:
        """Give every item whose turn it is."""
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._ended or self._next == place)
                if self._ended:
                    return
                try:
                    item = next(self._items)
                except BaseException as error:
                    self.end()
                    if isinstance(error, StopIteration):
                        return
                    raise
                self._next = (self._next + 1) % self._hands
                self._turn.notify_all()
            yield item
            del item

    def end(self) -> None:
        """Let nobody wait any longer."""
        with self._turn:
            self._ended = True
            self._turn.notify_all()
