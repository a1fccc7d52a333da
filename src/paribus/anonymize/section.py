"""What a TOML file says of anonymizing: the ``[anonymize]`` section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pydantic
from pydantic import model_validator

from paribus._plugins import Declaration, Number, Whole
from paribus.anonymize.anonymizer import Anonymizer
from paribus.anonymize.replacements.base import REPLACEMENTS
from paribus.errors import ParibusError, SpecError, nearest


class Thresholds(Declaration):
    """``[anonymize.risk]``: what is measured of the risk that is left, and how much may be."""

    quasi: tuple[str, ...] = ()
    """Quasi-identifiers: columns that identify in combination."""
    sensitive: tuple[str, ...] = ()
    """Columns that nobody shall learn of a person."""
    k: Whole = pydantic.Field(default=5, ge=1)
    """People who share a combination of quasi-identifiers, at least."""
    l: Whole | None = pydantic.Field(default=None, ge=1)  # noqa: E741
    """Different values of a sensitive column among them, at least."""
    t: Number | None = pydantic.Field(default=None, ge=0, le=1)
    """How far the distribution of a sensitive column among them may be from that of all."""
    attack: Number = pydantic.Field(default=0.1, ge=0, le=1)
    """The largest risk that an attack may have beyond what it has of people not in the table."""
    reach: Literal["suppress", "generalize"] | None = None
    """How `k` is reached where the table does not have it; not at all where left out."""


class Section(Declaration):
    """The whole section: the columns of one table, or of several by the name of their file."""

    locale: str = ""
    """Mimesis locale of every column that names none."""
    columns: dict[str, Any] | None = None
    tables: dict[str, dict[str, Any]] | None = None
    risk: Thresholds = Thresholds()

    @model_validator(mode="after")
    def _one_of_both(self) -> Section:
        if (self.columns is None) == (self.tables is None):
            raise SpecError(
                "needs [anonymize.columns], or [anonymize.tables.NAME.columns] for several tables",
                path="$",
            )
        for name, table in (self.tables or {}).items():
            for key in table:
                if key != "columns":
                    raise SpecError(
                        f'unknown key "{key}"{nearest(key, ["columns"])}', path=f"$.tables.{name}"
                    )
        return self

    @classmethod
    def of(cls, tables: Mapping[str, Any]) -> Section:
        """Read the section from the tables of a TOML file.

        Raises
        ------
        SpecError
            With the path of what is wrong, such as ``$.anonymize.columns.email``.

        Examples
        --------
        >>> section = Section.of({"anonymize": {"columns": {"id": "id", "age": "keep"}}})
        >>> section.anonymizer("customers").columns["id"].kind
        'id'
        """
        if "anonymize" not in tables:
            raise SpecError(
                "is required and missing, such as [anonymize.columns]", path="$.anonymize"
            )
        try:
            section = cls(**dict(tables["anonymize"]))
            for name in section.tables or ("",):
                section.anonymizer(name)
        except ParibusError as error:
            raise error.under("$.anonymize") from None
        return section

    def anonymizer(self, table: str) -> Anonymizer:
        """Give what becomes of the columns of a table, by the name of its file without suffix.

        Raises
        ------
        SpecError
            Where the section has several tables, and none of that name.
        """
        if self.columns is not None:
            return self._anonymizer(self.columns, "$.columns")
        assert self.tables is not None
        if table not in self.tables:
            raise SpecError(
                f'nothing says what becomes of the table "{table}"{nearest(table, self.tables)}',
                path="$.tables",
            )
        columns = self.tables[table].get("columns", {})
        return self._anonymizer(columns, f"$.tables.{table}.columns")

    def _anonymizer(self, columns: Any, path: str) -> Anonymizer:
        if not isinstance(columns, Mapping):
            raise SpecError("must be a table: one line for each column", path=path)
        parsed = {}
        for name, given in columns.items():
            told = {"kind": given} if isinstance(given, str) else given
            if self.locale and isinstance(told, Mapping) and isinstance(told.get("kind"), str):
                known = REPLACEMENTS.load(told["kind"], f"{path}.{name}.kind").model_fields
                told = {"locale": self.locale, **told} if "locale" in known else told
            parsed[name] = REPLACEMENTS.parse(told, f"{path}.{name}")
        return Anonymizer(columns=parsed)


def merged(sections: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Put the columns of several tables into one section."""
    return {"tables": {name: {"columns": dict(columns)} for name, columns in sections}}
