"""The one versioned JSON document of a finished audit. Every view derives from it."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr
from pydantic_core import PydanticSerializationError

from paribus._files import read_json, write_atomically, write_table
from paribus._plugins import Declaration, Family
from paribus.comparison import Comparison
from paribus.errors import DataError, OutputError, SpecError, nearest
from paribus.evidence.base import Line, Row
from paribus.findings import Finding, Findings, Verdict, overall
from paribus.keeping import Kept

if TYPE_CHECKING:
    import pyarrow as pa

    from paribus.answers import Answers

REPORTS = Family("paribus.report", "report format")

SCHEMA = 1

_SUFFIXES = {
    **{"": "", ".xml": "junit", ".txt": "terminal", ".htm": "html", ".md": "markdown"},
    # The names of kinds are no suffixes.
    **dict.fromkeys((".junit", ".terminal", ".model_card", ".line", ".failure"), ""),
}
_KNOWN = (".json", ".html", ".csv", ".xlsx", ".md", ".sarif", ".xml", ".txt")
_PAIRS = (".csv", ".parquet", ".xlsx")
_NAMED = ("rates", "regions")
"""Tables that a CSV holds where its name says so; else it holds findings."""


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
    """Of the audit, as declared."""
    verdict: Verdict
    """Of all findings together: biased if any is, within tolerance only if every one is."""
    tolerance: Annotated[float, Field(ge=0)]
    """The largest gap that counts as equal: a share in decisions, else in the outcome's unit."""
    confidence: Annotated[float, Field(gt=0, lt=1)]
    seed: int
    people: Annotated[int, Field(ge=0)]
    """People who were asked about, or the rows of a table that was measured."""
    spec: dict[str, Any]
    """The request, as a file of an audit would hold it."""
    model: ModelFacts | None = None
    """What was asked; None where a table alone was measured."""
    answers: Counts | None = None
    """How many answers there are, and why others are missing; None where no model was asked."""
    data: DataFacts | None = None
    """The table that was measured, if any."""
    evidence: tuple[Row, ...]
    """Every number, with its interval and, where it was held against a tolerance, p-values."""
    findings: Annotated[tuple[Finding, ...], AfterValidator(Findings)]
    """What was held against a tolerance, each with a verdict and a sentence."""
    regions: tuple[Row, ...] = ()
    """Where a gap lives: readable rules, measured on people that did not suggest them."""
    profiles: tuple[Row, ...] = ()
    """How the gap runs along the fields: one row for each bin or category."""
    lines: tuple[Line, ...] = ()
    """Curves of what was measured in a table."""
    witnesses: tuple[Witness, ...] = ()
    """Pairs of twins whom the model treats differently, found again by seed and number."""
    exhaustive: bool = False
    """Whether everybody in the declared domain was asked: then numbers are exact."""
    stopped: Stopped | None = None
    """Of an audit that may stop early, when it did."""
    comparison: Comparison | None = None
    """Ways to mend the model, where they were compared; all else is about the model as it is."""
    kept: Kept | None = None
    """What the model said of the first people, for a comparison with another audit of them."""
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
        try:
            return self.model_dump_json(indent=2, by_alias=True) + "\n"
        except PydanticSerializationError:
            # A model may answer with half a pair of surrogates, which JSON can only write escaped.
            return json.dumps(self.model_dump(by_alias=True), indent=2) + "\n"

    def render(self, format: str, **options: Any) -> bytes:
        """Render the record in one of the report formats (``paribus kinds`` lists them)."""
        rendered = REPORTS.module(format, path="").render(self, **options)
        return rendered if isinstance(rendered, bytes) else rendered.encode()

    @staticmethod
    def format_of(path: str | Path) -> str:
        """Tell by the name of a file in which format a record is written to it.

        Parameters
        ----------
        path : str or Path
            ``.json``, ``.html``, ``.csv``, ``.xlsx``, ``.md``, ``.sarif``, ``.xml`` (JUnit) and
            ``.txt``; a file called ``MODEL_CARD.md``, or whose name ends in ``.card.md``, is a
            model card. A CSV has the findings; one called ``rates.csv`` or ``regions.csv``, or
            whose name ends so after a point, has these.

        Raises
        ------
        OutputError
            Where the suffix says no known format, or what writes the format is not installed.

        Examples
        --------
        >>> Record.format_of("loan.md"), Record.format_of("loan.card.md")
        ('markdown', 'model_card')
        """
        target = Path(path)
        suffix = target.suffix.lower()
        format = _SUFFIXES.get(suffix, suffix.removeprefix("."))
        if format not in REPORTS.kinds():
            raise OutputError(f'"{target}" names no known report format{nearest(suffix, _KNOWN)}')
        if format == "xlsx" and find_spec("openpyxl") is None:
            raise OutputError(f'"{target}" takes openpyxl: pip install "paribus[excel]"')
        card = target.name.lower() == "model_card.md" or target.name.lower().endswith(".card.md")
        return "model_card" if card else format

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write the record; the name of the file chooses the format (see `format_of`).

        Parameters
        ----------
        path : str or Path
        **options
            Of the format, such as ``spec`` of SARIF.

        Raises
        ------
        OutputError
            Where the suffix says no known format, or the file cannot be written. Nothing is left
            half written.
        """
        target = Path(path)
        format = self.format_of(target)
        part = target.stem.lower().rpartition(".")[2]
        if format == "csv" and part in _NAMED:
            options = {"table": part, **options}
        write_atomically(target, self.render(format, **options))
        return target

    @property
    def judged(self) -> bool:
        """Whether anything was held against a tolerance: numbers alone have no verdict."""
        return bool(self.findings) or self.data is None

    @property
    def has_pairs(self) -> bool:
        """Whether all answers are at hand: not in a record that was read from a file."""
        return self._answers is not None

    def save_pairs(self, path: str | Path) -> Path:
        """Write the audit table of `pairs`: ``.csv``, ``.parquet`` or ``.xlsx``.

        Raises
        ------
        DataError
            On a record that was read from a file.
        OutputError
            Where the suffix says another format, the file cannot be written, or there are more
            pairs than rows on a sheet of Excel.
        """
        target = Path(path)
        self.check_pairs(target)
        if target.suffix.lower() == ".xlsx":
            write_atomically(target, self.render("xlsx", sheets=("Pairs",)))
        else:
            write_table(target, [_without_nan(self.pairs("pyarrow"))])
        return target

    @staticmethod
    def check_pairs(path: str | Path) -> None:
        """Refuse a file to which `save_pairs` could not write, before the work that fills it.

        Raises
        ------
        OutputError
        """
        target = Path(path)
        if target.suffix.lower() not in _PAIRS:
            raise OutputError(f'"{target}": pairs are written to {", ".join(_PAIRS)}')
        if target.suffix.lower() == ".xlsx":
            Record.format_of(target)

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
            flip``, then the columns of the person as the reference twin has them. In pairs that
            differ in nothing but, say, their name (the placebo) ``reference`` is ``as they are``.

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

    def _repr_html_(self) -> str:
        """Show the page in brief in a notebook."""
        # Found like the formats; it is none that anybody asks for by name.
        return str(import_module(f"{REPORTS.package}._fragment").of_record(self))


def _without_nan(table: pa.Table) -> pa.Table:
    """Leave empty what is missing: the gap of a pair without both answers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [
        pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        if pa.types.is_floating(column.type)
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def open_record(path: str | Path) -> Record:
    """Read a record from its JSON file.

    Raises
    ------
    DataError
        Where the file is missing, is no JSON, is a record of a newer schema, or lacks a part.
    """
    source = Path(path)
    content = read_json(source)
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
