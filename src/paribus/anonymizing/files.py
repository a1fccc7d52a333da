"""Files in, files out: read, replaced and written in parallel, and whole or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.anonymizing._jobs import (
    Job,
    Task,
    check_targets,
    narrowed,
    one_of,
    options_of,
    places,
)
from paribus.anonymizing._staging import Staging, ahead, dealt
from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.formats.base import Aside, Chunk, Writer, joined
from paribus.anonymizing.k_anonymity import KAnonymity, Planned
from paribus.anonymizing.keys import Key
from paribus.errors import DataError, OutputError, nearest

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
    kept: npt.NDArray[np.intp] | None = field(default=None, repr=False, compare=False)
    """Where rows were left out of its one table: the places, from 0, of those that stayed."""


def anonymize_file(
    source: str | Path,
    target: str | Path,
    anonymizer: Anonymizer,
    key: Key,
    *,
    reach: KAnonymity | None = None,
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
    reach : KAnonymity, optional
        What the quasi-identifiers must reach, as they are written. The file is read twice, and the
        memory needed grows with its rows: that of these columns alone.
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
    options = options_of(encoding, hidden)
    job = Job.of(file, Path(target), file.name, anonymizer, options)
    return _run([job], key, reach, progress)[0]


def anonymize_files(
    sources: str | Path | Iterable[str | Path],
    target: str | Path,
    anonymizers: Anonymizer | Mapping[str, Anonymizer],
    key: Key,
    *,
    reach: KAnonymity | None = None,
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
    reach, encoding, hidden, progress
        As in `anonymize_file`. Where there are several tables, each of those with all columns of
        `reach` reaches it.
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
    options = options_of(encoding, hidden)
    one_of("others", others, ("refuse", "skip"))
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
    return _run(jobs, key, reach, progress)


# --- the run --------------------------------------------------------------------------------------


def _run(
    jobs: Sequence[Job], key: Key, wanted: KAnonymity | None, progress: Progress | None
) -> tuple[Written, ...]:
    check_targets(jobs)
    if wanted is not None:
        _check_reach(jobs, wanted)
    with Staging() as staging:
        paths = [staging.place(job.target) for job in jobs]
        done = tuple(
            _write(job, place, key, wanted, progress)
            for job, place in zip(jobs, paths, strict=True)
        )
        staging.commit()
    return done


def _check_reach(jobs: Sequence[Job], wanted: KAnonymity) -> None:
    tables = [task.anonymizer.columns for job in jobs for task in job.tasks]
    if not any(not wanted.missing(columns) for columns in tables):
        # The table that has most of them says best what is wrong.
        wanted.check(min(tables, key=lambda columns: len(wanted.missing(columns))))


def _write(
    job: Job, place: Path, key: Key, wanted: KAnonymity | None, progress: Progress | None
) -> Written:
    same = job.to is job.format
    done = 0
    stages: list[_Stage] = []
    try:
        writer = job.to.writer(place, job.target, job.opened.style if same else None)
        try:
            for task in job.tasks:
                stage = _Stage(task, key, wanted)
                stages.append(stage)
                writer.begin(task.name, stage.schema, task.kept)
                with closing(_replaced(task, key)) as chunks:
                    for chunk in chunks:
                        done += chunk.batch.num_rows
                        passed = stage.of(chunk)
                        writer.write(passed if same else Chunk(passed.batch))
                        if progress is not None:
                            progress(job.source, done)
            notes = writer.close()
        except BaseException:
            _abandon(writer)
            raise
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f'"{job.target}" cannot be written: {why}') from None
    told = [note for stage in stages for note in stage.notes(named=len(stages) > 1)]
    kept = stages[0].kept if len(stages) == 1 else None
    rows = sum(stage.rows for stage in stages)
    return Written(job.source, job.target, rows, (*job.notes, *told, *notes), kept)


class _Stage:
    """What comes after replacement: rows in order, of which some become coarser or stay behind."""

    def __init__(self, task: Task, key: Key, wanted: KAnonymity | None) -> None:
        self._task = task
        self._missing = () if wanted is None else wanted.missing(task.anonymizer.columns)
        self.schema = task.anonymizer.gives(task.part.schema, key)
        self._named = dict(zip(task.kept, self.schema.names, strict=True))
        self._planned: Planned | None = None
        if wanted is not None and not self._missing:
            self._planned = wanted.planned(_quasi(task, key, wanted))
            self.schema = self._planned.schema(self.schema, self._named)
        self._read = self.rows = 0

    def of(self, chunk: Chunk) -> Chunk:
        """Give what is written of the next rows."""
        if self._planned is None:
            self.rows += chunk.batch.num_rows
            return chunk
        batch, kept = self._planned.of(chunk.batch, self._read, self._named)
        self._read += chunk.batch.num_rows
        self.rows += batch.num_rows
        changed = self._planned.columns.column_names
        aside = None if chunk.aside is None else chunk.aside.taken(kept, changed)
        return Chunk(batch, aside)

    def notes(self, *, named: bool) -> Iterator[str]:
        """Say what was done, of which sheet where there are several."""
        where = f'sheet "{self._task.name}": ' if named else ""
        if self._planned is not None:
            yield from (f"{where}{note}" for note in self._planned.notes)
        elif self._missing:
            yield f'{where}k is not reached here: there is no column "{self._missing[0]}"'

    @property
    def kept(self) -> npt.NDArray[np.intp] | None:
        """The places of the rows that stay, where some do not."""
        planned = self._planned
        return None if planned is None or len(planned.kept) == planned.rows else planned.kept


def _quasi(task: Task, key: Key, wanted: KAnonymity) -> pa.Table:
    """Gather the quasi-identifiers of all rows as they will be written."""
    asked = [name for name in task.kept if name in wanted.quasi]
    narrow = narrowed(task, asked)
    schema = narrow.anonymizer.gives(narrow.part.schema, key)
    with closing(_replaced(narrow, key)) as chunks:
        batches = [chunk.batch for chunk in chunks]
    return pa.Table.from_batches(batches, schema).rename_columns(asked)


def _abandon(writer: Writer) -> None:
    with suppress(Exception):
        writer.abandon()


def _replaced(task: Task, key: Key) -> Generator[Chunk]:
    """Read in one thread, replace in two; who takes the chunks writes in a fourth."""
    schema = task.part.schema

    def work(chunks: Iterator[Chunk]) -> Iterator[list[Chunk]]:
        waiting: deque[tuple[int, Aside | None]] = deque()

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


def _together(parts: list[pa.RecordBatch], aside: Aside | None) -> list[Chunk]:
    return [*map(Chunk, parts)] if aside is None else [Chunk(joined(parts), aside)]
