"""Files in, files out: read, replaced and written in parallel, and whole or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from paribus.anonymize._jobs import Job, Task, check_targets, places
from paribus.anonymize._staging import Staging, ahead, dealt
from paribus.anonymize.anonymizer import Anonymizer
from paribus.anonymize.formats.base import Chunk, Options, Writer, joined
from paribus.anonymize.keys import Key
from paribus.errors import DataError, OutputError, SpecError, nearest

Progress = Callable[[Path, int], None]
"""Told after each chunk: the file that is read, and how many of its rows are done."""


@dataclass(frozen=True)
class Written:
    """What was written."""

    source: Path
    target: Path
    rows: int
    notes: tuple[str, ...] = ()
    """What of the file did not pass as it was, in a sentence each."""


def anonymize_file(
    source: str | Path,
    target: str | Path,
    anonymizer: Anonymizer,
    key: Key,
    *,
    encoding: str = "utf-8",
    hidden: Literal["refuse", "include", "drop"] = "refuse",
    progress: Progress | None = None,
) -> Written:
    r"""Anonymize one file, of any size.

    Parameters
    ----------
    source, target : str or Path
        CSV, Parquet, Excel (``.xlsx``, every sheet) or JSON lines, by their suffixes; the target
        may be of another format.
    anonymizer : Anonymizer
    key : Key
    encoding : str
        Of a text file. What is written is UTF-8.
    hidden : {"refuse", "include", "drop"}
        What becomes of hidden sheets.
    progress : callable, optional
        Called after each chunk with the source and the rows done so far.

    Returns
    -------
    Written

    Raises
    ------
    DataError
        Where the file cannot be read, or does not fit the declaration.
    OutputError
        Where the target cannot be written, or is the source.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source, target = Path(folder) / "people.csv", Path(folder) / "safe.csv"
    ...     _ = source.write_text("id,amount\nA-17,1.50\n")
    ...     anonymizer = Anonymizer(columns={"id": "id", "amount": "keep"})
    ...     written = anonymize_file(source, target, anonymizer, Key(b"a secret of some length"))
    ...     written.rows, target.read_text().endswith(",1.50\n")
    (1, True)
    """
    file = Path(source)
    if file.is_dir():
        raise DataError(f'"{file}" is a folder; anonymize_files takes folders')
    if Path(target).is_dir():
        raise OutputError(f'"{target}" is a folder; name a file')
    options = _options(encoding, hidden)
    job = Job.of(file, Path(target), file.name, anonymizer, options)
    return _run([job], key, progress)[0]


def anonymize_files(
    sources: str | Path | Iterable[str | Path],
    target: str | Path,
    anonymizers: Anonymizer | Mapping[str, Anonymizer],
    key: Key,
    *,
    encoding: str = "utf-8",
    hidden: Literal["refuse", "include", "drop"] = "refuse",
    others: Literal["refuse", "skip"] = "refuse",
    progress: Progress | None = None,
) -> tuple[Written, ...]:
    """Anonymize several files in one run, with one key: joins between them survive.

    All files are opened and held against their declarations before anything is written. Each is
    written beside its place under another name; all get their names at the end, one right after
    the other. So an error, Ctrl-C or a crash leaves no file, and in the blink of the renaming some
    whole ones. Names of files and folders pass as they are: they must not identify.

    Parameters
    ----------
    sources : str, Path, or iterable of them
        Files, or one folder: then its tables, and those in folders below, keep their places.
    target : str or Path
        A folder, which need not exist; a file where `sources` is one file.
    anonymizers : Anonymizer, or mapping of str to Anonymizer
        One for all tables, or one for each: named by the path inside the folder with or without
        its suffix ("eu/customers"), or the name of the file alone; a sheet by ``customers/Sheet1``.
        Sheets that are not named get numbers for names.
    key : Key
    encoding, hidden, progress
        As in `anonymize_file`.
    others : {"refuse", "skip"}
        What becomes of files of a folder that are no tables. They are never copied. Names that
        start with a dot or an underscore are always passed over.

    Returns
    -------
    tuple of Written
        In the order of the files; of a folder, sorted by name.

    Raises
    ------
    DataError
        Where a file cannot be read, fits no declaration, or a declaration fits no file.
    OutputError
        Where a target cannot be written, is one of the sources, or would be written twice.
    """
    options = _options(encoding, hidden)
    _one_of("others", others, ("refuse", "skip"))
    found = places(sources, Path(target), skip=others == "skip")
    jobs = [Job.of(file, to, inside, anonymizers, options) for file, to, inside in found]
    if isinstance(anonymizers, Mapping):
        used = {name for job in jobs for name in job.names}
        for name in anonymizers:
            if name not in used:
                known_names = [candidate for job in jobs for candidate in job.candidates]
                raise DataError(
                    f'there is no table "{name}"{nearest(name, dict.fromkeys(known_names))}',
                    path=f"$.{name}",
                )
    return _run(jobs, key, progress)


def _options(encoding: str, hidden: Literal["refuse", "include", "drop"]) -> Options:
    try:
        "".encode(encoding)
    except LookupError:
        raise SpecError(f'there is no encoding "{encoding}"', path="$.encoding") from None
    _one_of("hidden", hidden, ("refuse", "include", "drop"))
    return Options(encoding=encoding, hidden=hidden)


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SpecError(f'"{value}" is none of {", ".join(choices)}', path=f"$.{name}")


# --- the run --------------------------------------------------------------------------------------


def _run(jobs: Sequence[Job], key: Key, progress: Progress | None) -> tuple[Written, ...]:
    check_targets(jobs)
    with Staging() as staging:
        paths = [staging.place(job.target) for job in jobs]
        done = tuple(
            _write(job, place, key, progress) for job, place in zip(jobs, paths, strict=True)
        )
        staging.commit()
    return done


def _write(job: Job, place: Path, key: Key, progress: Progress | None) -> Written:
    same = job.to is job.format
    rows = 0
    try:
        writer = job.to.writer(place, job.target, job.opened.style if same else None)
        try:
            for task in job.tasks:
                writer.begin(task.name, task.anonymizer.schema(task.part.schema, key), task.kept)
                with closing(_replaced(task, key)) as chunks:
                    for chunk in chunks:
                        writer.write(chunk if same else Chunk(chunk.batch))
                        rows += chunk.batch.num_rows
                        if progress is not None:
                            progress(job.source, rows)
            notes = writer.close()
        except BaseException:
            _abandon(writer)
            raise
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f'"{job.target}" cannot be written: {why}') from None
    return Written(job.source, job.target, rows, (*job.notes, *notes))


def _abandon(writer: Writer) -> None:
    with suppress(Exception):
        writer.abandon()


def _replaced(task: Task, key: Key) -> Generator[Chunk]:
    """Read in one thread, replace in two; who takes the chunks writes in a fourth."""
    schema = task.part.schema

    def work(chunks: Iterator[Chunk]) -> Iterator[list[Chunk]]:
        waiting: deque[tuple[int, object]] = deque()

        def batches() -> Iterator[pa.RecordBatch]:
            for chunk in chunks:
                waiting.append((chunk.batch.num_rows, chunk.aside))
                yield chunk.batch

        parts: list[pa.RecordBatch] = []
        # A large batch may come back in parts; what is known of its rows is known of all.
        for batch in task.anonymizer.stream(batches(), schema, key):
            parts.append(batch)
            if sum(part.num_rows for part in parts) == waiting[0][0]:
                yield _together(parts, waiting.popleft()[1])
                parts = []

    def filled() -> Generator[Chunk]:
        yield from (chunk for chunk in task.part.chunks() if chunk.batch.num_rows)

    with closing(ahead(filled())) as chunks, closing(dealt(chunks, work)) as made:
        for some in made:
            yield from some


def _together(parts: list[pa.RecordBatch], aside: object) -> list[Chunk]:
    return [*map(Chunk, parts)] if aside is None else [Chunk(joined(parts), aside)]
