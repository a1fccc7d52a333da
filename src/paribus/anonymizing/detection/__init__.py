"""Which columns identify people: by header, by values, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from paribus import _html, _text
from paribus._plugins import Declaration
from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.detection._decision import ROLES, Decision, Role, decide
from paribus.anonymizing.detection._headers import Header, read
from paribus.anonymizing.detection._locale import guess
from paribus.anonymizing.detection._profile import Profile
from paribus.anonymizing.detection._replacing import replacement
from paribus.anonymizing.detection._sample import drawn
from paribus.anonymizing.detection._section import section, sections
from paribus.anonymizing.names import checked
from paribus.errors import SpecError

__all__ = ["Detected", "DetectedColumn", "detect", "together"]

SAMPLE = 10_000
"""Rows that are looked at, at most."""

_SPECIAL = ("ethnicity",)
"""Sorts that identify in combination and are special categories besides (GDPR, article 9)."""


class DetectedColumn(Declaration):
    """What one column is taken for."""

    column: str
    sort: str
    """What the values are: "email", "first name", "postcode", "none" ..."""
    role: Role
    """Whether it identifies directly, identifies in combination, is sensitive, or none of them."""
    confidence: float = Field(ge=0, le=1)
    reason: str
    """What was seen, in words of our own: never a value, and of the header only known words."""
    replacement: dict[str, Any]
    """A declared kind with its options."""


class Detected(Declaration):
    """What the columns of a table are taken for. A suggestion: somebody who knows them corrects it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"c17": ["ann@corp.com", "bob@corp.com"], "amount": [1.5, 2.5]})
    >>> found = detect(table)
    >>> [(each.sort, each.role) for each in found.columns]
    [('email', 'direct'), ('none', 'none')]
    >>> found.anonymizer().columns["c17"].kind
    'email'
    """

    columns: tuple[DetectedColumn, ...]
    locale: str
    source: str = ""
    """What the locale was guessed from: "headers, names", "given", or nothing at all."""

    def __getitem__(self, column: str) -> DetectedColumn:
        return next(each for each in self.columns if each.column == column)

    @property
    def direct(self) -> tuple[str, ...]:
        """Columns that identify by themselves."""
        return tuple(each.column for each in self.columns if each.role == "direct")

    @property
    def quasi(self) -> tuple[str, ...]:
        """Quasi-identifiers: columns that identify in combination."""
        return tuple(each.column for each in self.columns if each.role == "combination")

    @property
    def sensitive(self) -> tuple[str, ...]:
        """Columns that nobody shall learn of a person."""
        return tuple(
            each.column
            for each in self.columns
            if each.role == "sensitive" or each.sort in _SPECIAL
        )

    def anonymizer(self) -> Anonymizer:
        """Give the anonymizer that replaces what was detected."""
        return Anonymizer(columns={each.column: each.replacement for each in self.columns})

    def toml(self) -> str:
        """Write the ``[anonymize]`` section: a line for each column, its reason as a comment.

        Returns
        -------
        str
            Valid TOML whatever the columns are called, with a line break at the end.
        """
        # Who is special by two counts would be grouped by what shall stay hidden.
        sensitive = [c for c in self.sensitive if c not in self.quasi]
        return section(self.locale, self.source, _lines(self), self.quasi, sensitive)

    def _repr_html_(self) -> str:
        """Show in a notebook what each column is taken for; no value of any column."""
        titles = ("Column", "Taken for", "Role", "Confidence", "Why", "Replaced by")
        columns = [_html.Column(title, numeric=title == "Confidence") for title in titles]
        rows = []
        for each in self.columns:
            role = {"direct": "identifies", "combination": "identifies in combination"}
            texts = (
                _text.name(each.column),
                _text.name(each.sort),
                role.get(each.role, each.role),
                f"{each.confidence:.2f}",
                _text.shortened(_text.visible(each.reason), 120),
                _text.name(each.replacement.get("kind", "")),
            )
            rows.append([_html.Cell(text) for text in texts])
        known = f"{_text.count(len(self.columns), 'column')}, locale {_text.name(self.locale)}"
        said = _html.paragraph(f"{known}. A suggestion: correct it where you know better.")
        return _html.piece(said, _html.table("What the columns are taken for", columns, rows, 40))


def detect(data: object, locale: str | None = None, sample: int = SAMPLE) -> Detected:
    """Find the columns that identify people.

    Parameters
    ----------
    data : pyarrow.Table or data frame
        Only a sample of it is read.
    locale : str, optional
        Mimesis locale of the people, such as ``"pt-br"``; by itself guessed from headers, names
        and phones.
    sample : int
        Rows that are looked at, at most, drawn by a fixed seed; at least 1.

    Returns
    -------
    Detected
        One entry for each column, in their order.

    Raises
    ------
    SpecError
        Where nobody has names for the locale, or the sample is empty.
    DataError
        Where it is no data frame, or two columns have one name.

    Notes
    -----
    Header words of many languages, patterns with their checksums, `phonenumbers`, statistics of
    the values and the lists of names and places of Mimesis each give a sort points, which are
    taken as logits.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"kunde_vorname": ["Jürgen", "Heike"], "menge": [1, 2]})
    >>> found = detect(table)
    >>> found.locale, found["kunde_vorname"].sort, found["menge"].role
    ('de', 'first name', 'none')
    """
    if sample < 1:
        raise SpecError(f"must be at least 1, not {sample}", path="$.sample")
    if locale is not None:
        checked(locale)
    columns, rows = drawn(data, sample)
    headers = {name: read(name) for name in columns}
    profiles = {name: Profile(values, rows) for name, values in columns.items()}
    source = "given"
    if locale is None:
        locale, source = guess(headers.values(), profiles.values())
    decided = {name: decide(headers[name], profiles[name], locale) for name in columns}
    person = _person(headers, profiles, decided)
    named = tuple(
        name
        for name, each in decided.items()
        if each.sort in ("name", "first name", "last name") and profiles[name].type == "text"
    )
    born = any(each.sort == "birth date" for each in decided.values())
    return Detected(
        columns=tuple(
            DetectedColumn(
                column=name,
                sort=each.sort,
                role=ROLES[each.sort],
                confidence=each.confidence,
                reason=each.reason,
                replacement=replacement(
                    each.sort,
                    profiles[name],
                    locale=locale,
                    country=each.country,
                    luhn=each.luhn,
                    # Dates of people whose births stay say nothing that must move along.
                    person=person if born or each.sort != "date" else None,
                    names=tuple(other for other in named if other != name),
                    unexplained=each.unexplained,
                ),
            )
            for name, each in decided.items()
        ),
        locale=locale,
        source=source,
    )


def together(tables: Mapping[str, Detected]) -> str:
    """Write one ``[anonymize]`` section for several tables.

    Parameters
    ----------
    tables : mapping of str to Detected
        By the name under which each is declared.

    Returns
    -------
    str
        Valid TOML; the columns that identify in combination are those of all tables.

    Examples
    --------
    >>> import pyarrow as pa
    >>> found = detect(pa.table({"email": ["ann@corp.com"]}))
    >>> print(together({"eu/customers": found}).splitlines()[3])
    [anonymize.tables."eu/customers".columns]
    """
    quasi = dict.fromkeys(name for found in tables.values() for name in found.quasi)
    sensitive = dict.fromkeys(name for found in tables.values() for name in found.sensitive)
    return sections(
        {name: _lines(found) for name, found in tables.items()},
        list(quasi),
        [name for name in sensitive if name not in quasi],
    )


def _lines(found: Detected) -> list[tuple[str, dict[str, Any], str]]:
    return [
        (each.column, each.replacement, f"{each.confidence:.2f} {_label(each)}: {each.reason}")
        for each in found.columns
    ]


def _label(each: DetectedColumn) -> str:
    return each.sort if each.role == "none" else f"{each.role}, {each.sort}"


def _person(
    headers: dict[str, Header], profiles: dict[str, Profile], decided: dict[str, Decision]
) -> str | None:
    """Name the column that tells people apart: whose dates move together."""

    def rank(name: str) -> tuple[int, float]:
        sort, header = decided[name].sort, headers[name]
        order = {"id": 0 if header.person else 2, "national id": 1, "email": 3, "name": 4}
        return order.get(sort, 9), -profiles[name].spread

    able = [n for n in decided if decided[n].sort in ("id", "national id", "email", "name")]
    return min(able, key=rank, default=None)
