"""A population learned from a table, as data: what an audit's file says of people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import SerializeAsAny

from paribus._files import write_atomically
from paribus._plugins import Declaration
from paribus._text import count, visible
from paribus._toml import as_toml
from paribus.people.fields.base import Field
from paribus.people.population import People, Protected
from paribus.table import flat


class Learned(Declaration):
    """A population learned from a table, as the fields and protected attributes of an audit.

    Attributes
    ----------
    fields : dict of str to Field
    protect : dict of str to Protected
    columns : tuple of str
        All columns, in the order of the table.
    least : int
        Rows behind whatever is told, at least.
    rows : int or None
        Rows that it was learned from; None where that is private.
    epsilon, delta : float or None
        The differential privacy of one row; None where it has none.
    notes : tuple of str
        What was merged, replaced or left out, in sentences.
    """

    fields: dict[str, SerializeAsAny[Field]]
    protect: dict[str, Protected]
    columns: tuple[str, ...]
    least: int
    rows: int | None = None
    epsilon: float | None = None
    delta: float | None = None
    notes: tuple[str, ...] = ()

    def people(self, size: int, seed: int = 0) -> People:
        """Give people like the rows.

        Parameters
        ----------
        size : int
            How many, at least 1.
        seed : int

        Raises
        ------
        SpecError
            Where no attribute is protected.
        """
        return People(protect=self.protect, fields=self.fields, size=size, seed=seed)

    def draw(self, rows: int, seed: int = 0) -> pa.Table:
        """Draw a table like the one that it was learned from.

        Parameters
        ----------
        rows : int
            How many, at least 1.
        seed : int

        Returns
        -------
        pyarrow.Table
        """
        unused = " ".join(["nobody", *self.columns])
        protect = self.protect or {unused: Protected(levels=(0, 1))}
        people = People(protect=protect, fields=self.fields, size=rows, seed=seed)
        blocks = []
        for index in range(people.blocks):
            block = people.block(index)
            blocks.append(
                pa.table({name: flat(block.column(name).arrow()) for name in self.columns})
            )
        return pa.concat_tables(blocks)

    def toml(self) -> str:
        """Write the population as TOML: the sections of an audit that say who people are.

        Returns
        -------
        str
            Equal for equal tables, unless noise made it private.
        """
        plain: dict[str, Any] = {"mode": "json", "exclude_none": True, "exclude_defaults": True}
        protect = {name: each.model_dump(**plain) for name, each in self.protect.items()}
        fields = {
            name: {"kind": each.kind} | each.model_dump(**plain)
            for name, each in self.fields.items()
        }
        sections = {"protect": protect, "fields": fields}
        told = as_toml({name: tables for name, tables in sections.items() if tables})
        return "\n".join([*self._header(), "", told]) + "\n"

    def save(self, path: str | Path) -> None:
        """Write the population to a TOML file, whole or not at all.

        Raises
        ------
        OutputError
            Where it cannot be written.
        """
        write_atomically(path, self.toml().encode())

    def _header(self) -> Iterator[str]:
        if self.epsilon is None:
            assert self.rows is not None
            yield f"# Learned from {count(self.rows, 'row')}; {self.least} or more are behind"
            yield "# every number and category. Not differentially private."
        else:
            assert self.delta is not None
            yield f"# Differentially private: epsilon = {self.epsilon!r}, delta = {self.delta!r}."
            yield "# Unit of privacy: one row of the table, there or not."
            yield "# Not private: names and types of columns; declared levels and bounds."
        yield "# Dependence between columns is monotone, and between two of them at a time."
        yield from (f"# {visible(note)}" for note in self.notes)
