"""What a TOML file says of anonymizing: the ``[anonymize]`` section."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import pydantic
from pydantic import field_validator, model_validator

from paribus._plugins import Declaration, Number, Whole
from paribus.anonymizing._jobs import names_of_file
from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.k_anonymity import KAnonymity
from paribus.anonymizing.names import checked
from paribus.anonymizing.replacements.base import REPLACEMENTS
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
    """Mimesis locale of every column that names none; by itself that of each kind."""
    columns: dict[str, Any] | None = None
    tables: dict[str, dict[str, Any]] | None = None
    risk: Limits = Limits()

    @field_validator("locale")
    @classmethod
    def _known(cls, locale: str) -> str:
        return checked(locale) if locale else locale

    @field_validator("risk", mode="before")
    @classmethod
    def _limits(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        try:
            return Limits(**table)
        except SpecError as error:
            raise error.under("$.risk") from None

    @model_validator(mode="after")
    def _one_of_both(self) -> Section:
        if (self.columns is None) == (self.tables is None):
            both = "cannot have both of" if self.columns is not None else "needs"
            raise SpecError(
                f"{both} [anonymize.columns], or [anonymize.tables.NAME.columns] for several "
                "tables",
                path="$",
            )
        if self.tables is not None and not self.tables:
            raise SpecError("names no table, such as [anonymize.tables.orders.columns]",
                            path="$.tables")  # fmt: skip
        for name, table in (self.tables or {}).items():
            for key in table:
                if key != "columns":
                    raise SpecError(
                        f'unknown key "{key}"{nearest(key, ["columns"])}', path=f"$.tables.{name}"
                    )
            if "columns" not in table:
                raise SpecError("is required and missing", path=f"$.tables.{name}.columns")
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
        given = tables["anonymize"]
        if not isinstance(given, Mapping):
            raise SpecError(f"must be a table of keys and values, not {given!r}"[:200],
                            path="$.anonymize")  # fmt: skip
        try:
            section = cls(**given)
            section._check_risk()
        except ParibusError as error:
            raise error.under("$.anonymize") from None
        return section

    def _check_risk(self) -> None:
        """Refuse names of no column: nothing would be measured of them, and nobody would know."""
        declared = [self.anonymizer(name) for name in self.tables or ("",)]
        known = dict.fromkeys(name for each in declared for name in each.columns)
        for role in ("quasi", "sensitive"):
            for name in getattr(self.risk, role):
                if name not in known:
                    raise SpecError(
                        f'there is no column "{name}"{nearest(name, known)}', path=f"$.risk.{role}"
                    )
        for name in self.risk.sensitive:
            if name in self.risk.quasi:
                raise SpecError(
                    f'"{name}" is named as a quasi-identifier already', path="$.risk.sensitive"
                )
        if self.risk.reach is not None and not self.risk.quasi:
            raise SpecError(
                'name the columns that identify in combination, such as quasi = ["sex", "age"]',
                path="$.risk.quasi",
            )

    def anonymizer(self, table: str) -> Anonymizer:
        """Give what becomes of the columns of a table.

        Parameters
        ----------
        table : str
            Its name in the section, or that of its file, with or without folder and suffix.

        Raises
        ------
        SpecError
            Where the section has several tables, and none of that name.
        """
        if self.columns is not None:
            return self._anonymizer(self.columns, "$.columns")
        assert self.tables is not None
        name = self._named(table)
        if name is None:
            raise SpecError(
                f'nothing says what becomes of the table "{table}"{nearest(table, self.tables)}',
                path="$.tables",
            )
        return self._anonymizer(self.tables[name]["columns"], f"$.tables.{name}.columns")

    def _named(self, table: str) -> str | None:
        known = self.tables or {}
        return next((each for each in names_of_file(table) if each in known), None)

    @contextmanager
    def placing(self, table: str | None = None, beside: Collection[str] = ()) -> Iterator[None]:
        """Give each mistake in what is declared here the path that it has in the file.

        Parameters
        ----------
        table : str, optional
            The one that is worked on, named as in `anonymizer`. Where several are, a column that
            not exactly one of them declares is placed at all of them.
        beside : collection of str
            Roles that are not taken from here, such as ``"quasi"``.

        Examples
        --------
        >>> section = Section.of({"anonymize": {"columns": {"emial": "email"}}})
        >>> with section.placing():
        ...     raise SpecError("there is no such column", path="$.columns.emial")
        Traceback (most recent call last):
        paribus.errors.SpecError: $.anonymize.columns.emial: there is no such column
        """
        try:
            yield
        except ParibusError as error:
            place = self._place(error.path, table, beside)
            if not place:
                raise
            raise type(error)(error.message, path=f"$.anonymize.{place}") from None

    def _place(self, path: str, table: str | None, beside: Collection[str]) -> str:
        """Tell where it stands here; nowhere where the path is of something else."""
        at = path.removeprefix("$.")
        if at in ("quasi", "sensitive"):
            return "" if at in beside else f"risk.{at}"
        if table is None and at in (self.tables or ()):
            return f"tables.{at}"
        column = at.removeprefix("anonymizer.").removeprefix("columns.")
        if not at.endswith(f"columns.{column}"):
            return ""
        if self.tables is None:
            return f"columns.{column}"
        name = None if table is None else self._named(table)
        able = [each for each, told in self.tables.items() if column in told["columns"]]
        if name is None and len(able) == 1:
            name = able[0]
        return "tables" if name is None else f"tables.{name}.columns.{column}"

    @property
    def anonymizers(self) -> Anonymizer | dict[str, Anonymizer]:
        """What becomes of every table: the same of all of them, or by name."""
        if self.tables is None:
            return self.anonymizer("")
        return {name: self.anonymizer(name) for name in self.tables}

    @property
    def wanted(self) -> KAnonymity | None:
        """What the quasi-identifiers must reach in what is written, if that was declared."""
        if self.risk.reach is None:
            return None
        return KAnonymity(quasi=self.risk.quasi, k=self.risk.k, by=self.risk.reach)

    def judged(self, table: str) -> dict[str, Any]:
        """Give what `assess` is asked of a table, as its arguments; the name as in `anonymizer`."""
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
