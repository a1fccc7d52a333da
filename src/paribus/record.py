"""The one versioned JSON document of a finished audit. Every view derives from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr

from paribus._files import write_atomically
from paribus._plugins import Declaration, Family
from paribus.comparison import Comparison
from paribus.errors import DataError, OutputError, SpecError, nearest
from paribus.evidence.base import Line, Row
from paribus.findings import Finding, Verdict, overall

if TYPE_CHECKING:
    from paribus.answers import Answers

REPORTS = Family("paribus.report", "report format")

SCHEMA = 1


class Witness(Declaration):
    """One pair of twins whom the model treats differently, as anyone can replay it."""

    person: int
    """Number of the person, from 0: with the spec and the seed it finds the same person again."""
    row: int | None = None
    """Of real rows: the row in the data, from 0, which differs where only some rows were drawn."""
    attribute: str
    reference: str
    group: str
    reference_answer: str | float | int | bool | None
    group_answer: str | float | int | bool | None
    same: dict[str, Any]
    """What the twins share."""
    reference_values: dict[str, Any]
    """What differs, as the reference twin has it."""
    group_values: dict[str, Any]


class ModelFacts(Declaration):
    """What was audited."""

    kind: str
    name: str
    fingerprint: str
    """sha256 of the file, or of the fitted parameters; empty where there is nothing to hash."""
    features: tuple[str, ...]
    """The columns that the model sees."""
    outcome: Literal["decision", "score", "number", "label"]
    favorable: tuple[str | float | int | bool, ...] = ()
    threshold: float | None = None
    repeatable: bool | None = None
    """Whether the model gave the same answers to a sample of people asked twice."""


class Counts(Declaration):
    """Answers by status. Nothing is dropped."""

    versions: int
    """Versions of people that the audit is about: people times the versions of each."""
    answered: int
    refused: int
    failed: int
    reasons: dict[str, int] = Field(default_factory=dict)
    """Why answers are missing, the most frequent reasons first."""


class DataFacts(Declaration):
    """Which table was measured, and what its columns are."""

    name: str
    """The file, or the sort of data frame."""
    rows: int
    columns: int
    roles: dict[str, Any]
    """Which column is what, as declared."""
    synthetic: bool = False
    """Whether the people were drawn, and are no record of anything that happened."""
    tolerance: float = 0.0
    """The largest difference of shares that counts as equal."""


class Stopped(Declaration):
    """Where an audit that may stop early stopped."""

    cap: int
    """People who would have been asked at most."""
    pairs: int
    """People who were asked, each as all of their twins."""

    @property
    def saved(self) -> int:
        """People who did not have to be asked."""
        return self.cap - self.pairs


class Record(Declaration):
    """A finished audit. Identical byte for byte for the same request, outside `run`."""

    model_config = ConfigDict(populate_by_name=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: str
    verdict: Verdict
    tolerance: float
    confidence: float
    seed: int
    people: int
    spec: dict[str, Any]
    model: ModelFacts | None = None
    """What was asked; None where a table alone was measured."""
    answers: Counts | None = None
    data: DataFacts | None = None
    """The table that was measured, if any."""
    evidence: tuple[Row, ...]
    findings: tuple[Finding, ...]
    regions: tuple[Row, ...] = ()
    """Where a gap lives: readable rules, measured on people that did not suggest them."""
    profiles: tuple[Row, ...] = ()
    """How the gap runs along the fields: one row for each bin or category."""
    lines: tuple[Line, ...] = ()
    """Curves of what was measured in a table."""
    witnesses: tuple[Witness, ...] = ()
    exhaustive: bool = False
    """Whether everybody in the declared domain was asked: then numbers are exact."""
    stopped: Stopped | None = None
    """Of an audit that may stop early, when it did."""
    comparison: Comparison | None = None
    """Ways to mend the model, where they were compared; all else is about the model as it is."""
    notes: tuple[str, ...] = ()
    """What a reader must know before trusting a number."""
    run: dict[str, Any]
    """Timings, versions and host: what may differ when the same audit is run again."""

    _answers: Answers | None = PrivateAttr(default=None)

    @classmethod
    def sum_up(cls, answers: Answers | None = None, /, **parts: Any) -> Record:
        """Build a record and derive its verdict from the findings."""
        record = cls(verdict=overall(parts["findings"]), **parts)
        record._answers = answers
        return record

    def json_text(self) -> str:
        """Write the record as JSON text, with a line break at its end."""
        return self.model_dump_json(indent=2, by_alias=True) + "\n"

    def render(self, format: str, **options: Any) -> bytes:
        """Render the record in one of the report formats (``paribus kinds`` lists them)."""
        rendered = REPORTS.module(format).render(self, **options)
        return rendered if isinstance(rendered, bytes) else rendered.encode()

    def save(self, path: str | Path) -> Path:
        """Write the record; the suffix chooses the format: ``.json``, ``.html``, ``.xml`` (JUnit).

        Raises
        ------
        OutputError
            Where the suffix says no known format, or the file cannot be written. Nothing is left
            half written.
        """
        target = Path(path)
        format = {"": "", ".xml": "junit", ".txt": "terminal", ".htm": "html"}.get(
            target.suffix.lower(), target.suffix.lower().removeprefix(".")
        )
        if format not in REPORTS.kinds():
            known = [".json", ".html", ".xml", ".txt"]
            raise OutputError(f'"{target}" names no known report format{nearest(format, known)}')
        write_atomically(target, self.render(format))
        return target

    def pairs(self, kind: str | None = None) -> Any:
        """Give the audit table: one row per person and contrast, with both answers.

        Parameters
        ----------
        kind : {"pandas", "polars", "pyarrow"}, optional
            Kind of data frame; that of the audited data where there is one, else pandas.

        Returns
        -------
        DataFrame
            Columns ``person, attribute, reference, group, reference_answer, group_answer, gap,
            flip``, then the columns of the person as the reference twin has them.

        Raises
        ------
        DataError
            On a record that was read from a file: it holds witnesses, not every pair.
        """
        if self._answers is None:
            raise DataError(
                "a record read from a file holds its witnesses only; run the audit again for all "
                "pairs, or see record.witnesses"
            )
        return self._answers.pairs(kind)

    def __repr__(self) -> str:
        return self.render("terminal", color=False, width=100).decode()

    __str__ = __repr__


def open_record(path: str | Path) -> Record:
    """Read a record from its JSON file.

    Raises
    ------
    DataError
        Where the file is missing, is no JSON, is a record of a newer schema, or lacks a part.
    """
    source = Path(path)
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f'there is no file "{source}"') from None
    except OSError as error:
        raise DataError(f'"{source}" cannot be read: {error.strerror}') from None
    except (ValueError, RecursionError):
        raise DataError(f'"{source}" is not a JSON file') from None
    version = content.get("schema") if isinstance(content, dict) else None
    if version != SCHEMA:
        raise DataError(
            f'"{source}" is not a record that this version reads (schema {SCHEMA})'
            if version is None
            else f'"{source}" has schema {version}; this version reads schema {SCHEMA}'
        )
    try:
        return Record(**content)
    except SpecError as error:
        raise DataError(f'"{source}" is no whole record: {error}') from None
