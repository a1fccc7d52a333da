"""JSON lines: one object a line, with the keys that it had in the order that it had."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.anonymizing.formats.base import LONGEST, Chunk, Opened, Options, reported
from paribus.errors import DataError

SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")

_LINES = 1 << 15
_BYTES = 1 << 25

Line = tuple[int, dict[str, Any]]
"""The number of a line, counted from 1, and the object that it holds."""


@dataclass(frozen=True)
class Style:
    """How the objects are written."""

    spaced: bool = True
    """Whether a space follows colons and commas."""
    ascii: bool = False


@dataclass(frozen=True)
class Shapes:
    """Which keys each line has, and in which order."""

    known: list[tuple[str, ...]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def taken(self, rows: npt.NDArray[np.intp], changed: Collection[str]) -> Shapes:
        """Give those of some of the lines; all of them have the columns that have changed."""
        known = [(*keys, *(name for name in changed if name not in keys)) for keys in self.known]
        return Shapes(known, [self.lines[row] for row in rows.tolist()])


@dataclass(frozen=True)
class JsonlPart:
    """The objects of a file, as rows."""

    path: Path
    options: Options
    name: str = ""
    hidden: bool = False

    @cached_property
    def schema(self) -> pa.Schema:
        """All keys of all lines, and the types that fit all their values: reads the whole file."""
        with reported(self.path):
            schema = pa.schema([])
            for lines in self._blocks():
                found = pa.schema(
                    [(name, _array(name, lines, None).type) for name in _names(lines)]
                )
                schema = self._unified(schema, found)
        # Keys that are null in every line are columns too.
        return schema

    def _unified(self, schema: pa.Schema, found: pa.Schema) -> pa.Schema:
        try:
            return pa.unify_schemas([schema, found], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            for name in found.names:
                if name in schema.names:
                    self._check(name, schema.field(name), found.field(name))
            raise DataError("cannot be read: its values differ in type") from None

    def _check(self, name: str, first: pa.Field, second: pa.Field) -> None:
        try:
            pa.unify_schemas(
                [pa.schema([first]), pa.schema([second])], promote_options="permissive"
            )
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            raise DataError(
                f'"{name}" holds {_noun(first.type)} in one line and {_noun(second.type)} in '
                "another; make them one"
            ) from None

    def numeric(self, names: Collection[str]) -> JsonlPart:
        """Give the same rows: numbers are numbers."""
        return self

    def chunks(self) -> Iterator[Chunk]:
        """Read block after block of lines."""
        schema = self.schema
        with reported(self.path):
            for lines in self._blocks():
                columns = [_array(each.name, lines, each.type) for each in schema]
                batch = pa.RecordBatch.from_arrays(columns, schema=schema)
                yield Chunk(batch, _shapes(lines))

    def _blocks(self) -> Iterator[list[Line]]:
        rows = min(_LINES, self.options.rows)
        lines: list[Line] = []
        size = 0
        for number, raw in self._raw():
            if not raw.strip():
                continue
            lines.append((number, self._object(number, raw)))
            size += len(raw)
            if len(lines) >= rows or size > _BYTES:
                yield lines
                lines, size = [], 0
        if lines:
            yield lines

    def _raw(self) -> Iterator[tuple[int, bytes]]:
        with _stream(self.path) as file:
            rest, number = b"", 0
            while block := file.read(1 << 20):
                *whole, rest = (rest + block).split(b"\n") if b"\n" in block else [rest + block]
                for raw in whole:
                    number += 1
                    yield number, raw
                if len(rest) > LONGEST:
                    raise DataError(f"line {number + 1:,} is longer than {LONGEST >> 20} MB")
            yield number + 1, rest

    def _object(self, number: int, raw: bytes) -> dict[str, Any]:
        try:
            text = raw.decode(self.options.encoding)
            found = json.loads(text.removeprefix("\ufeff"), parse_constant=_refused)
        except UnicodeDecodeError as error:
            raise DataError(
                f"byte {error.start + 1} of line {number:,} is not {self.options.encoding.upper()} "
                "text; save the file as UTF-8"
            ) from None
        except (ValueError, RecursionError):
            raise DataError(f"line {number:,} is not JSON") from None
        if not isinstance(found, dict):
            raise DataError(f"line {number:,} holds no object ({{...}})")
        return found


def _refused(name: str) -> float:
    raise ValueError(name)


def _stream(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(path)
    packed = path.name.lower().endswith(".gz")
    return pa.input_stream(str(path), compression="gzip" if packed else None)


def _names(lines: list[Line]) -> list[str]:
    return list(dict.fromkeys(name for _, found in lines for name in found))


def _array(name: str, lines: list[Line], kind: pa.DataType | None) -> pa.Array:
    values = [found.get(name) for _, found in lines]
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        raise DataError(f'"{name}" holds half of a character (\\ud800 to \\udfff)') from None
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise _mixed(name, lines) from None


def _mixed(name: str, lines: list[Line]) -> DataError:
    """Say which lines do not go together."""
    seen: dict[str, int] = {}
    for number, found in lines:
        value = found.get(name)
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return DataError(
                f'line {number:,}: "{name}" is a number of more than 64 bits; write it as text'
            )
        if value is not None:
            seen.setdefault(_told(value), number)
    if len(seen) > 1:
        listed = " and ".join(f"{told} (line {number:,})" for told, number in seen.items())
        return DataError(f'"{name}" holds {listed}; make them one')
    return DataError(f'"{name}" holds values of several types; make them one')


def _told(value: Any) -> str:
    kinds = {bool: "true or false", int: "numbers", float: "numbers", str: "text", list: "lists"}
    return kinds.get(type(value), "objects")


def _noun(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "true or false"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "numbers"
    if pa.types.is_struct(kind):
        return "objects"
    return "lists" if pa.types.is_list(kind) else "text"


def _shapes(lines: list[Line]) -> Shapes:
    shapes = Shapes()
    known: dict[tuple[str, ...], int] = {}
    for _, found in lines:
        keys = tuple(found)
        place = known.setdefault(keys, len(known))
        if place == len(shapes.known):
            shapes.known.append(keys)
        shapes.lines.append(place)
    return shapes


def opened(path: Path, options: Options) -> Opened:
    """Read all lines of a file once: a key may first occur in the last.

    Raises
    ------
    DataError
        Where a line is no object, or a key holds values of several types.
    """
    part = JsonlPart(path, options)
    if not part.schema.names:
        raise DataError(f'"{path}": the file has no rows')
    with _stream(path) as file:
        head = file.read(1 << 16)
    first = head.lstrip().split(b"\n", 1)[0]
    return Opened((part,), Style(b'": ' in first or b'":' not in first, b"\\u" in head))


# --- writing --------------------------------------------------------------------------------------


def writer(path: Path, target: Path, style: Any) -> JsonlWriter:
    """Write objects as the original was written."""
    packed = target.name.lower().endswith(".gz")
    return JsonlWriter(path, style if isinstance(style, Style) else Style(), packed=packed)


class JsonlWriter:
    """Writes an object a line."""

    def __init__(self, path: Path, style: Style, *, packed: bool) -> None:
        self._names: dict[str, str] = {}
        self._file = pa.output_stream(str(path), compression="gzip" if packed else None)
        self._encode = json.JSONEncoder(
            ensure_ascii=style.ascii,
            separators=(", ", ": ") if style.spaced else (",", ":"),
            default=_plain,
            allow_nan=True,
        ).encode

    def begin(self, name: str, schema: pa.Schema, names: Sequence[str]) -> None:
        """Note the names; nothing comes before the first object."""
        self._names = dict(zip(names, schema.names, strict=True))

    def write(self, chunk: Chunk) -> None:
        """Write some objects."""
        columns = {
            name: _finite(column.to_pylist())
            for name, column in zip(chunk.batch.schema.names, chunk.batch.columns, strict=True)
        }
        shapes, now = chunk.aside, self._names
        if not isinstance(shapes, Shapes):
            shapes = Shapes([tuple(now)], [0] * chunk.batch.num_rows)
        kept = [tuple(now[key] for key in keys if key in now) for keys in shapes.known]
        encode = self._encode
        text = "".join(
            [
                encode({key: columns[key][row] for key in kept[shape]}) + "\n"
                for row, shape in enumerate(shapes.lines)
            ]
        )
        self._file.write(text.encode())

    def close(self) -> tuple[str, ...]:
        """Finish the file."""
        self._file.close()
        return ()

    def abandon(self) -> None:
        """Let go of the file."""
        self._file.close()


def _finite(values: list[Any]) -> list[Any]:
    """JSON has no word for what is no number."""
    return [None if isinstance(v, float) and v - v != 0 else v for v in values]


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
