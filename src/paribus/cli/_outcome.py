"""What commands read and write, how they show it, and how they leave."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

import paribus as pb
from paribus.errors import OutputError, ParibusError, SpecError

EXIT_CODES = {"within tolerance": 0, "biased": 1, "inconclusive": 3}
INTERRUPTED = 130
_MOST_WORKERS = 4
"""Candidates that are tried at a time where nobody says how many: learners use threads of their
own."""


class Interrupted(ParibusError):
    """Somebody pressed Ctrl-C, and something was finished by then."""

    exit_code = INTERRUPTED


def ready(
    json: str | None,
    html: Path | None,
    junit: Path | None,
    *read: Path,
    output: Sequence[Path] | None = None,
    pairs: Path | None = None,
) -> None:
    """Refuse outputs that cannot be written, or that are what is read, before any work."""
    outputs = [Path(json) if json not in (None, "-") else None, html, junit, pairs]
    outputs += output or []
    for path in output or []:
        pb.Record.format_of(path)
    if pairs is not None:
        pb.Record.check_pairs(pairs)
    writable(outputs)
    apart(outputs, read)


def finish(
    record: Any,
    json: str | None,
    html: Path | None,
    junit: Path | None,
    inconclusive_ok: bool,
    output: Sequence[Path] | None = None,
    spec: Path | None = None,
    pairs: Path | None = None,
) -> None:
    """Write what was asked for, show the record, and exit with its verdict."""
    write_and_show(record, json, html, junit, inconclusive_ok, output, spec)
    if pairs is not None:
        # Last: where pairs do not fit into their file, the record is kept.
        record.save_pairs(pairs)
    leave(EXIT_CODES[record.verdict] if record.judged else 0, inconclusive_ok)


def write_and_show(
    record: Any,
    json: str | None,
    html: Path | None,
    junit: Path | None,
    inconclusive_ok: bool = False,
    output: Sequence[Path] | None = None,
    spec: Path | None = None,
) -> None:
    """Write what was asked for, and show the record."""
    for path, format in ((json, "json"), (html, "html"), (junit, "junit")):
        if path is not None and path != "-":
            options = _options(format, inconclusive_ok, spec)
            pb.write_atomically(path, record.render(format, **options))
    for path in output or []:
        record.save(path, **_options(record.format_of(path), inconclusive_ok, spec))
    show_text(record.json_text() if json == "-" else rendered(record))


def _options(format: str, inconclusive_ok: bool, spec: Path | None) -> dict[str, Any]:
    """Give what a format has to know of the command."""
    if format == "junit":
        return {"inconclusive_passes": inconclusive_ok}
    return {"spec": spec} if format == "sarif" else {}


def leave(code: int, inconclusive_ok: bool) -> None:
    if code == INTERRUPTED:
        raise Interrupted("interrupted; what was finished by then is kept")
    raise typer.Exit(0 if code == 3 and inconclusive_ok else code)


def listed(given: str | None) -> list[str] | None:
    """Read names that are separated by commas."""
    return None if given is None else [part.strip() for part in given.split(",") if part.strip()]


def pairs_of(given: list[str] | None, option: str) -> dict[str, str] | None:
    """Read pairs such as sex=Male."""
    if given is None:
        return None
    split = [each.partition("=") for each in given]
    for whole, (name, sign, value) in zip(given, split, strict=True):
        if not (name and sign and value):
            raise SpecError(f'must be such as sex=Male, not "{whole}"', path=option)
    names = [name for name, _, _ in split]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(f'"{name}" is named twice', path=option)
    return {name: value for name, _, value in split}


def number_of_people(given: str | None) -> int | str | None:
    """Read a number of people as it is typed: 10000, 10_000 or all."""
    if given is None or given == "all":
        return given
    try:
        return int(given)
    except ValueError:
        raise SpecError(
            f'must be a whole number or "all", not "{given}"', path="--people"
        ) from None


def rendered(record: Any) -> str:
    width = None if sys.stdout.isatty() else 100
    return str(record.render("terminal", color=colored(), width=width).decode())


def colored() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def show_text(text: str) -> None:
    # A terminal that cannot show a letter gets a question mark, never a traceback.
    encoding = sys.stdout.encoding or "utf-8"
    typer.echo(text.encode(encoding, "replace").decode(encoding).removesuffix("\n"))


def show_bytes(content: bytes, format: str) -> None:
    """Write a report to stdout, for a pipe; a terminal gets text only."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        if sys.stdout.isatty():
            raise OutputError(f"{format} is no text; write it to a file with -o") from None
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    show_text(text)


def writable(paths: Iterable[Path | None]) -> None:
    """Refuse a path that cannot be written before a single question is asked."""
    for path in paths:
        if path is not None:
            pb.check_writable(path)


def read_by(declared: Any, spec: Path) -> Iterator[Path]:
    """List the files that an audit reads."""
    yield spec
    for part in (declared.data, declared.probe):
        path = getattr(part, "path", None)
        if path is not None:
            yield Path(path)


def apart(outputs: Iterable[Path | None], read: Iterable[Path]) -> None:
    """Refuse to write over a file that is read, or that is written already."""
    files = [path for path in read if path.is_file()]
    written: set[Path] = set()
    for output in outputs:
        # Several reports may go into one pipe.
        if output is None or (output.exists() and not output.is_file()):
            continue
        if output.is_file() and any(output.samefile(file) for file in files):
            raise OutputError(f'"{output}" is what this command reads; choose another name')
        if output.resolve() in written:
            raise OutputError(f'"{output}" would be written twice; choose another name')
        written.add(output.resolve())


class _Watched:
    """An executor that tells how many runs of people are done."""

    def __init__(self, executor: Any, bar: Any) -> None:
        self.executor = executor
        self.bar = bar
        self.workers = getattr(executor, "workers", 1)

    def map(self, task: Callable[[int], Any], blocks: Iterable[int]) -> Iterator[Any]:
        """Run the task on every run, and tell after each; a model may be asked anew."""
        runs = list(blocks)
        self.bar.length, self.bar.pos = len(runs), 0
        for result in self.executor.map(task, runs):
            self.bar.update(1)
            yield result


@contextlib.contextmanager
def progress(workers: int | None, doing: str = "Asking") -> Iterator[Any]:
    number = workers or min(os.cpu_count() or 1, _MOST_WORKERS)
    executor = pb.Threads(workers=number) if number > 1 else pb.Serial()
    if not sys.stderr.isatty():
        yield executor
        return
    with typer.progressbar(length=1, label=doing, file=sys.stderr) as bar:
        yield _Watched(executor, bar)
