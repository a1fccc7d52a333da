"""Declarations, and the families of kinds they come in.

A *declaration* is a frozen pydantic model: it is what the TOML file says, and the object that does
the work. A *family* (fields, models, tests, report formats) is a package in which every kind is one
file, found by its file name: adding a kind is adding a file. Other distributions add kinds through
entry points of the group ``paribus.<package>``; they never replace one of ours.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Strict, ValidationError

from paribus.errors import ParibusError, SpecError, nearest, reason

_SENTENCES = {
    "missing": "is required and missing",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table of keys and values",
    "model_type": "must be a table of keys and values",
}


_MEMBER = re.compile(r"str|int|float|bool|constrained-\w+|literal\[.*\]")

Whole = Annotated[int, Strict()]
"""A whole number: neither text nor a truth value passes for one."""

Number = Annotated[float, Strict()]
"""A number: neither text nor a truth value passes for one."""


def _plain(value: Any) -> Any:
    """Give numpy's scalars as Python's own: levels often come from a data frame."""
    if isinstance(value, tuple | list):
        return (
            type(value)([_plain(item) for item in value]) if type(value) in (tuple, list) else value
        )
    return value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value


class Declaration(BaseModel):
    """A frozen, strict declaration whose mistakes become one sentence with a path."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False, strict=False
    )

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**{key: _plain(value) for key, value in values.items()})
        except ValidationError as error:
            raise _as_spec_error(error, type(self)) from None


def _as_spec_error(error: ValidationError, model: type[BaseModel]) -> SpecError:
    errors = error.errors(include_url=False)
    # A misspelled key says more than the key that is then missing; of the members of a union, the
    # one that nearly fits says most.
    telling = ("extra_forbidden", "finite_number")
    first = min(errors, key=lambda e: telling.index(e["type"]) if e["type"] in telling else 2)
    loc = [str(part) for part in first["loc"] if not str(part).startswith(("function-", "tagged-"))]
    kind, value = first["type"], first["input"]
    # Unions name the member that failed ("str", "int"): no key that a user has written.
    loc = loc[:1] + [part for part in loc[1:] if not _MEMBER.fullmatch(part)]
    path = "$" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in loc)
    if kind == "extra_forbidden":
        parent, key = path.rpartition(".")[0], loc[-1]
        return SpecError(f'unknown key "{key}"{nearest(key, model.model_fields)}', path=parent)
    if kind == "literal_error":
        listed = first["ctx"]["expected"].replace(" or ", ", ").split(",")
        near = nearest(value, [part.strip(" '") for part in listed])
        return SpecError(f"{_shown(value)} is not one of the choices{near}", path=path)
    if kind == "value_error":
        return SpecError(str(first["ctx"]["error"]), path=path)
    said = _SENTENCES.get(kind)
    if {"bool_type", "string_type"} <= {e["type"] for e in errors} and kind == "bool_type":
        said = "must be text or a number"
    if said is None:
        said = first["msg"].replace("Input should be", "must be").replace("Input", "the value")
    return SpecError(said if kind == "missing" else f"{said}, not {_shown(value)}", path=path)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True)
class Family:
    """All kinds of one sort: a package with a file for each kind.

    Parameters
    ----------
    package : str
        Dotted name of the package whose files are the kinds, such as ``paribus.people.fields``.
    noun : str
        What one of them is called in messages, such as ``field``.
    """

    package: str
    noun: str

    def kinds(self) -> tuple[str, ...]:
        """List the names of all kinds, our own and those of other distributions."""
        return tuple(sorted(_files(self.package) | set(self._foreign())))

    def module(self, kind: str, path: str = "$") -> ModuleType:
        """Import the file of a kind, our own or that of another distribution."""
        if kind in self._foreign():
            return cast("ModuleType", self._from_elsewhere(kind, path))
        if kind not in self.kinds():
            raise SpecError(
                f'there is no {self.noun} of kind "{kind}"{nearest(kind, self.kinds())}', path=path
            )
        return importlib.import_module(f"{self.package}.{kind}")

    def load(self, kind: str, path: str = "$") -> type[Declaration]:
        """Find the class of a kind by name.

        Raises
        ------
        SpecError
            Where there is no such kind, or the package that brings it is broken; says which name
            is nearest.
        """
        if kind in self._foreign():
            loaded = self._from_elsewhere(kind, path)
            if isinstance(loaded, type) and issubclass(loaded, Declaration):
                return loaded
            raise SpecError(f'the {self.noun} "{kind}" is not a declaration', path=path)
        module = self.module(kind, path)
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Declaration)
                and value.__module__ == module.__name__
                and "kind" in value.model_fields
                and value.model_fields["kind"].default == kind
            ):
                return value
        raise SpecError(f'the file of {self.noun} "{kind}" declares no such class', path=path)

    def sentence(self, kind: str) -> str:
        """Give the first sentence of a kind's documentation."""
        try:
            documented = self.module(kind)
        except SpecError as error:
            return f"({error.message.removeprefix(self._named(kind))})"
        said = next(iter((documented.__doc__ or "").strip().splitlines()), "")
        return said.replace("``", "`")

    def parse(self, table: object, path: str = "$") -> Declaration:
        """Turn a table with a ``kind`` into the declaration it names; a declaration passes."""
        if isinstance(table, Declaration):
            return table
        if not isinstance(table, Mapping):
            raise SpecError(
                f"must be a table with a kind ({', '.join(self.kinds())}), not {_shown(table)}",
                path=path,
            )
        values = dict(table)
        kind = values.get("kind")
        if not isinstance(kind, str):
            raise SpecError(f"needs a kind, one of {', '.join(self.kinds())}", path=f"{path}.kind")
        try:
            return self.load(kind, f"{path}.kind")(**values)
        except ParibusError as error:
            if error.path.startswith(path):
                raise
            raise error.under(path) from None

    def _from_elsewhere(self, kind: str, path: str) -> Any:
        try:
            return self._foreign()[kind].load()
        except Exception as error:
            said = f"{self._named(kind)}cannot be loaded: {reason(error)}"
            raise SpecError(said, path=path) from error

    def _named(self, kind: str) -> str:
        return f'the {self.noun} "{kind}" '

    def _foreign(self) -> dict[str, Any]:
        ours = _files(self.package)
        entries = _entry_points(f"paribus.{self.package.rpartition('.')[2]}")
        return {kind: entry for kind, entry in entries.items() if kind not in ours}


@cache
def _files(package: str) -> frozenset[str]:
    names = [m.name for m in pkgutil.iter_modules(importlib.import_module(package).__path__)]
    return frozenset(name for name in names if name != "base" and name[0] != "_")


@cache
def _entry_points(group: str) -> dict[str, Any]:
    return {entry.name: entry for entry in entry_points(group=group)}
