"""What a TOML file says of anonymizing: the ``[anonymize]`` section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pydantic
from pydantic import model_validator

from paribus._plugins import Declaration, Number, Whole
from paribus.anonymize.anonymizer import Anonymizer
from paribus.anonymize.replacements.base import REPLACEMENTS
from paribus.errors import ParibusError, SpecError, nearest


class Limits(Declaration):
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
    unique_share: Number = pydantic.Field(default=0.0, ge=0, le=1)
    """Share of rows that may be alone in their combination."""
    attack_risk: Number = pydantic.Field(default=0.1, gt=0, le=1)
    """The largest risk that an attack may have beyond what it has of people not in the table."""
    closer: Number = pydantic.Field(default=0.55, gt=0.5, le=1)
    """Share of rows that may be closer to a real one than to people not in the table."""
    reach: Literal["suppress", "generalize"] | None = None
    """How `k` is reached where the table does not have it; not at all where left out."""


class Section(Declaration):
    """The whole section: the columns of one table, or of several by the name of their file."""

    locale: str = ""
    """Mimesis locale of every column that names none."""
    columns: dict[str, Any] | None = None
    tables: dict[str, dict[str, Any]] | None = None
    risk: Limits = Limits()

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

    @property
    def anonymizers(self) -> Anonymizer | dict[str, Anonymizer]:
        """What becomes of every table: the same of all of them, or by name."""
        if self.tables is None:
            return self.anonymizer("")
        return {name: self.anonymizer(name) for name in self.tables}

    def judged(self, table: str) -> dict[str, Any]:
        """Give what `assess` is asked of a table, as its arguments."""
        declared = self.anonymizer(table)
        limits = self.risk.model_dump(exclude={"reach", "quasi", "sensitive"})
        columns = {
            role: [name for name in getattr(self.risk, role) if name in declared.columns]
            for role in ("quasi", "sensitive")
        }
        return {"anonymizer": declared, **columns, **limits}

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
