"""Which files a run reads and writes, and what becomes of each table in them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.disguises import undisguised
from paribus.anonymizing.formats.base import (
    Chunk,
    Format,
    Opened,
    Options,
    Part,
    format_of,
    known,
)
from paribus.anonymizing.patterns import find
from paribus.anonymizing.replacements import _people_in_text
from paribus.anonymizing.replacements.base import is_text
from paribus.errors import DataError, OutputError, ParibusError, SpecError


def places(
    sources: str | Path | Iterable[str | Path], target: Path, *, skip: bool
) -> list[tuple[Path, Path, str]]:
    """Give each file with its target, and its name inside the folder."""
    one = Path(sources) if isinstance(sources, str | Path) else None
    if one is not None and one.is_dir():
        _check_folders(one, target)
    elif one is not None and not target.is_dir():
        return [(one, target, one.name)]
    return [(file, target / inside, inside) for file, inside in tables_in(sources, skip=skip)]


def tables_in(sources: str | Path | Iterable[str | Path], *, skip: bool) -> list[tuple[Path, str]]:
    """Give each file with its name inside the folder, or its name where there is none.

    Parameters
    ----------
    sources : str, Path, or iterable of them
        Files, or one folder.
    skip : bool
        Whether files of a folder that are no tables are passed over.

    Raises
    ------
    DataError
        Where there is no table, or a file that is none.
    """
    if isinstance(sources, str | Path):
        if Path(sources).is_dir():
            return _inside(Path(sources), skip=skip)
        sources = [sources]
    files = [Path(each) for each in sources]
    if not files:
        raise DataError("there are no files to anonymize")
    for file in files:
        if file.is_dir():
            raise DataError(f'"{file}" is a folder; give one folder, or files')
    return [(file, file.name) for file in files]


def _check_folders(folder: Path, target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise OutputError(f'"{target}" is a file, and a folder is anonymized into a folder')
    here, there = folder.resolve(), target.resolve()
    if here == there or here in there.parents:
        raise OutputError(f'"{target}" is inside of "{folder}"; name a folder outside of it')


def _inside(folder: Path, *, skip: bool) -> list[tuple[Path, str]]:
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.is_file()
        and not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    )
    found = [file for file in files if known(file) is not None]
    others = [file for file in files if known(file) is None]
    if others and not skip:
        more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
        raise DataError(
            f'"{others[0]}"{more} is no table that can be read here; take it away, or leave such '
            'files out with others="skip" (--skip-others)'
        )
    if not found:
        raise DataError(f'there are no tables in "{folder}"')
    return [(file, file.relative_to(folder).as_posix()) for file in found]


def options_of(encoding: str, hidden: Literal["refuse", "include", "drop"]) -> Options:
    """Check how files are to be read.

    Raises
    ------
    SpecError
        Where there is no such encoding, or `hidden` is none of its choices.
    """
    try:
        "".encode(encoding)
    except LookupError:
        raise SpecError(f'there is no encoding "{encoding}"', path="$.encoding") from None
    one_of("hidden", hidden, ("refuse", "include", "drop"))
    return Options(encoding=encoding, hidden=hidden)


def one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a value that is none of the choices.

    Raises
    ------
    SpecError
    """
    if value not in choices:
        raise SpecError(f'"{value}" is none of {", ".join(choices)}', path=f"$.{name}")


@dataclass(frozen=True)
class Task:
    """One table of a file, and what becomes of it."""

    part: Part
    name: str
    """What the sheet is called in the output."""
    anonymizer: Anonymizer

    @property
    def kept(self) -> list[str]:
        """Names of the columns that stay; in the output some may be called otherwise."""
        columns = self.anonymizer.columns
        return [name for name in self.part.schema.names if columns[name].leaves]


@dataclass(frozen=True)
class _Columns:
    """Some columns of a table, as a table."""

    part: Part
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def hidden(self) -> bool:
        return self.part.hidden

    @property
    def schema(self) -> pa.Schema:
        given = self.part.schema
        return pa.schema([given.field(name) for name in self.names])

    def chunks(self) -> Iterator[Chunk]:
        for chunk in self.part.chunks():
            yield Chunk(chunk.batch.select(list(self.names)))

    def numeric(self, names: Collection[str]) -> _Columns:
        return _Columns(self.part.numeric(names), self.names)


def narrowed(task: Task, names: Sequence[str]) -> Task:
    """Give the task of some columns alone, and of what their replacements read."""
    columns = task.anonymizer.columns
    needed = {*names, *(other for name in names for other in columns[name].reads)}
    kept = tuple(name for name in task.part.schema.names if name in needed)
    declared = {name: columns[name] if name in names else {"kind": "drop"} for name in kept}
    return Task(
        _Columns(task.part, kept), task.name, Anonymizer.model_validate({"columns": declared})
    )


@dataclass(frozen=True)
class Job:
    """One file, and what becomes of it."""

    source: Path
    target: Path
    opened: Opened
    format: Format
    to: Format
    tasks: tuple[Task, ...]
    names: tuple[str, ...]
    """Names of declarations that were used."""
    candidates: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        source: Path,
        target: Path,
        inside: str,
        anonymizers: Anonymizer | Mapping[str, Anonymizer],
        options: Options,
    ) -> Job:
        """Open a file, and hold its tables against their declarations.

        Raises
        ------
        DataError
            Where it cannot be read, does not fit, or nothing says what becomes of it.
        OutputError
            Where the target cannot hold it.
        """
        if not source.is_file():
            why = "is no file" if source.exists() else "there is no such file"
            raise DataError(f'"{source}": {why}')
        form, to = format_of(source), _target_format(target)
        found = form.opened(source, options)
        notes = list(found.notes)
        tasks: list[Task] = []
        used: list[str] = []
        for part in found.parts:
            name, declared = _declared(inside, part.name, anonymizers)
            named = name in _of_sheet(inside, part.name)
            if part.hidden and not named and options.hidden != "include":
                if options.hidden == "refuse":
                    raise hidden_sheet(source, part.name)
                notes.append("does not pass: a hidden sheet")
                continue
            if declared is None:
                what = f'the sheet "{part.name}" of "{source}"' if part.name else f'"{source}"'
                raise DataError(f"nothing says what becomes of {what}")
            used += [name] if name else []
            passes = named and not _identifies(part.name)
            sheet = part.name if passes else f"Sheet{len(tasks) + 1}"
            tasks.append(Task(part.numeric(_numeric(part.schema, declared)), sheet, declared))
        if not tasks:
            raise DataError(f'"{source}": all of its sheets are hidden')
        if len(tasks) > 1 and to is not form:
            raise OutputError(
                f'"{target}" would hold {len(tasks)} sheets in one table; name an .xlsx file'
            )
        candidates = [c for part in found.parts for c in _candidates(inside, part.name)]
        for task in tasks:
            _check(source, task)
        return cls(
            source,
            target,
            found,
            form,
            to,
            tuple(tasks),
            tuple(used),
            tuple(candidates),
            tuple(notes),
        )


def _target_format(target: Path) -> Format:
    try:
        return format_of(target)
    except DataError as error:
        raise OutputError(error.message) from None


def _identifies(sheet: str) -> bool:
    """Tell whether the name of a sheet holds an identifier, or a name that lists have."""
    marked = find(undisguised(pa.array([sheet], pa.string())))
    people = marked.mark(
        _people_in_text.CANDIDATE, _people_in_text.resolve, _people_in_text.PREFILTER
    )
    return bool(people.found)


def hidden_sheet(source: Path, name: str) -> DataError:
    """Say that a workbook has a hidden sheet of which nobody has said what becomes of it."""
    return DataError(
        f'"{source}" has a hidden sheet "{name}"; declare it, or take hidden="include" or '
        'hidden="drop" (--hidden)'
    )


def _candidates(inside: str, sheet: str) -> list[str]:
    """Give the names under which a table may be declared, the most telling first."""
    return [*_of_sheet(inside, sheet), *names_of_file(inside)]


def _of_sheet(inside: str, sheet: str) -> list[str]:
    return [f"{file}/{sheet}" for file in names_of_file(inside)] if sheet else []


def names_of_file(inside: str) -> list[str]:
    """Give the names under which the table of a file may be declared, the most telling first.

    Examples
    --------
    >>> names_of_file("eu/customers.csv.gz")
    ['eu/customers.csv.gz', 'eu/customers', 'customers.csv.gz', 'customers']
    """
    bare = without_suffix(inside)
    names = [inside, bare, inside.rsplit("/", maxsplit=1)[-1], bare.rsplit("/", maxsplit=1)[-1]]
    return list(dict.fromkeys(names))


def without_suffix(inside: str) -> str:
    """Give the name of a file without the suffix of its format."""
    form = known(Path(inside))
    suffixes = form.SUFFIXES if form else ()
    ends = [len(suffix) for suffix in suffixes if inside.lower().endswith(suffix)]
    return inside[: len(inside) - max(ends, default=0)]


def _declared(
    inside: str, sheet: str, anonymizers: Anonymizer | Mapping[str, Anonymizer]
) -> tuple[str | None, Anonymizer | None]:
    if isinstance(anonymizers, Anonymizer):
        return None, anonymizers
    for name in _candidates(inside, sheet):
        if name in anonymizers:
            return name, anonymizers[name]
    return None, None


def _numeric(schema: pa.Schema, anonymizer: Anonymizer) -> list[str]:
    """Name the columns of text whose replacement takes no text."""
    found = []
    for each in schema:
        replacement = anonymizer.columns.get(each.name)
        if replacement is not None and is_text(each.type):
            try:
                replacement.check(each.type)
            except DataError:
                found.append(each.name)
    return found


def _check(source: Path, task: Task) -> None:
    where = f'"{source}", sheet "{task.part.name}"' if task.part.name else f'"{source}"'
    try:
        task.anonymizer.check(task.part.schema)
    except ParibusError as error:
        prefix = "" if error.message.startswith(f'"{source}"') else f"{where}: "
        raise DataError(f"{prefix}{error.message}", path=error.path) from None
    if not task.kept:
        raise DataError(f"{where}: all of its columns are dropped, and nothing is left to write")


def check_targets(jobs: Sequence[Job]) -> None:
    """Refuse to write over what is read, by whatever name."""
    known_files: dict[tuple[int, int], Path] = {}
    names: dict[str, Path] = {}
    for job in jobs:
        status = job.source.stat()
        known_files[status.st_dev, status.st_ino] = job.source
        names[_plain_name(job.source)] = job.source
    written: dict[str, Path] = {}
    for job in jobs:
        target = job.target
        if target.exists() and not target.is_file():
            raise OutputError(f'"{target}" is no file')
        same = names.get(_plain_name(target))
        if same is None and target.exists():
            status = target.stat()
            same = known_files.get((status.st_dev, status.st_ino))
        if same is not None:
            raise OutputError(
                f'"{target}" is the original "{same}"; name another file: originals are never '
                "written to"
            )
        place = os.path.realpath(target)
        if place in written:
            raise OutputError(f'"{target}" would be written twice; give files of other names')
        written[place] = target


def _plain_name(path: Path) -> str:
    """Give the one name of a file; names that differ in case alone are taken for the same."""
    return os.path.realpath(path).casefold()
