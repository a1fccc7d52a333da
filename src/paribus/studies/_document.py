"""What a study says where it is no record: data, shown as a page and written in other formats."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from paribus._files import csv_of, read_json, write_atomically
from paribus._plugins import Declaration
from paribus._text import legible
from paribus.errors import DataError, OutputError, SpecError, nearest

if TYPE_CHECKING:
    import pyarrow as pa

_SUFFIXES = {"terminal": "txt", "markdown": "md"}
"""Of a format whose name is not its suffix."""


class Document(Declaration):
    """Data that is written in several formats, HTML, JSON and text for a terminal among them."""

    _sort: ClassVar[str]
    """What it is, such as ``a comparison``."""
    _formats: ClassVar[tuple[str, ...]]
    _page: ClassVar[str]
    """The module that lays it out; imported when it is shown."""
    _columns: ClassVar[dict[str, str]] = {}
    """Of its CSV: name of a column -> type in Arrow's words."""

    def json_text(self) -> str:
        """Write everything as JSON text, numbers unrounded, with a line break at its end."""
        return self.model_dump_json(indent=2, by_alias=True) + "\n"

    def render(self, format: str, **options: Any) -> bytes:
        """Write it in one of its formats.

        Parameters
        ----------
        format : str
            ``html``, ``json``, ``terminal``, and what else there is for its kind: ``csv`` or
            ``markdown``.
        **options
            For ``terminal``: `color` and `width`.

        Raises
        ------
        SpecError
            Where there is no such format.
        """
        if format not in self._formats:
            raise SpecError(
                f'"{format}" is no format of {self._sort}{nearest(format, self._formats)}'
            )
        if format == "json":
            return self.json_text().encode()
        if format == "csv":
            return csv_of(self._table())
        written: str = import_module(self._page).render(self, format, **options)
        return written.encode()

    def save(self, path: str | Path) -> Path:
        """Write a file; the suffix chooses the format, such as ``.html`` and ``.json``.

        Raises
        ------
        OutputError
            Where the suffix says another format, or the file cannot be written. Nothing is left
            half written.
        """
        target = Path(path)
        write_atomically(target, self.render(self.format_of(target)))
        return target

    @classmethod
    def format_of(cls, path: str | Path) -> str:
        """Tell by the name of a file in which format it is written to it.

        Raises
        ------
        OutputError
            Where the suffix says another format.
        """
        known = {_SUFFIXES.get(format, format): format for format in cls._formats}
        suffix = Path(path).suffix.lower().removeprefix(".")
        format = known.get("html" if suffix == "htm" else suffix)
        if format is None:
            near = nearest(suffix, [f".{each}" for each in known])
            raise OutputError(f'"{path}" names no format of {cls._sort}{near}')
        return format

    @classmethod
    def _opened(cls, path: str | Path, version: int, sign: dict[str, Any]) -> Self:
        """Read it from its JSON file, whose `sign` is what no other kind of file holds.

        A value of None stands for any.
        """
        source, sort = Path(path), cls._sort.split(" ", 1)[1]
        content = read_json(source)
        known = isinstance(content, dict) and content.get("schema") == version
        if not known or not all(
            key in content and held in (None, content[key]) for key, held in sign.items()
        ):
            raise DataError(f'"{source}" is no {sort} that this version reads (schema {version})')
        try:
            return cls(**content)
        except SpecError as error:
            raise DataError(f'"{source}" is no whole {sort}: {error}') from None

    def _table(self) -> pa.Table:
        """Give one tidy table, numbers unrounded, what others wrote visible."""
        import pyarrow as pa

        rows = [
            {key: legible(cell) if isinstance(cell, str) else cell for key, cell in row.items()}
            for row in self._rows()
        ]
        types = [(column, pa.type_for_alias(kind)) for column, kind in self._columns.items()]
        return pa.Table.from_pylist(rows, schema=pa.schema(types))

    def _rows(self) -> Iterator[dict[str, Any]]:
        yield from ()

    def __repr__(self) -> str:
        return self.render("terminal", color=False, width=100).decode()

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Show the page in brief in a notebook."""
        return str(import_module(self._page).fragment(self))
