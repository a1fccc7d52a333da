"""An assessment as data: what risk is left, what is kept, and what they are written as."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from paribus._plugins import Declaration
from paribus.findings import Verdict
from paribus.studies._document import Document

SCHEMA = 1

RiskVerdict = Literal["within threshold", "exceeds threshold", "inconclusive"]
"""Proven on the good side of a threshold, proven on the other, or neither."""

Word = Literal[
    "anonymized to the declared thresholds", "pseudonymized", "identifying values are left"
]
"""The strongest word that the measures earn."""

KeptVerdict = Literal["kept", "changed", "inconclusive"]
"""Proven to differ by no more than the tolerance, proven to differ by more, or neither."""

Treatment = Literal["kept", "changed", "generalized", "replaced", "dropped", "added"]
"""What became of a column: ``generalized`` where its values are of another sort (bands in place of
numbers), ``replaced`` where that was the purpose."""

EXIT_CODES: dict[RiskVerdict, int] = {
    "within threshold": 0,
    "exceeds threshold": 1,
    "inconclusive": 3,
}


class Risk(Declaration):
    """One measure of privacy, held against its threshold."""

    measure: str
    about: tuple[str, ...]
    """The columns that it looks at."""
    scale: Literal["share", "number"]
    estimate: float
    low: float | None = None
    """Lower end of the interval; None where the number is exact."""
    high: float | None = None
    threshold: float
    better: Literal["lower", "higher"]
    """Which side of the threshold is the good one; the threshold itself is good."""
    verdict: RiskVerdict
    sentence: str
    advice: str = ""
    """What would make it better; empty where it is within its threshold."""
    rows: int
    """Rows (or attempts of an attack) that it was measured on."""

    @property
    def exact(self) -> bool:
        """Whether it was counted, and not estimated."""
        return self.low is None


class ClassSizes(Declaration):
    """How many people share their combination of quasi-identifiers."""

    first: tuple[int, ...]
    """Smallest size of each bin; the last bin has no upper end."""
    people: tuple[int, ...]
    """People in classes of such a size."""


class Distances(Declaration):
    """How far the rows of the result are from the nearest real row: shares of rows in bins."""

    edges: tuple[float, ...]
    training: tuple[float, ...]
    """To the nearest row that was anonymized (or learned from)."""
    holdout: tuple[float, ...]
    """To the nearest real row that was not."""


class KeptColumn(Declaration):
    """What became of one column."""

    name: str
    treatment: Treatment
    type_before: str
    """Type of the values; empty where there was no such column."""
    type_after: str
    nulls_before: float
    """Share of rows without a value, in [0, 1]."""
    nulls_after: float
    same_nulls: bool | None = None
    """Whether the same rows have none; None where rows do not belong together."""
    distinct_before: int
    distinct_after: int
    same_duplicates: bool | None = None
    """Whether rows that shared a value share one still, and no others do."""
    distance_measure: Literal["total variation", "Kolmogorov-Smirnov"] | None = None
    distance: float | None = None
    """Between the two distributions, in [0, 1]; None where they cannot be compared."""
    margin: float = 0.0
    """How far chance alone may move the distance; 0 where the rows are the same people's."""
    wasserstein: float | None = None
    """Of numbers: the mean distance that values moved, in standard deviations of the original."""
    verdict: KeptVerdict | None = None
    """None for what was replaced on purpose, and what cannot be compared."""


class Association(Declaration):
    """How two columns go together, before and after."""

    first: str
    second: str
    measure: Literal["Spearman", "Cramer's V", "correlation ratio"]
    before: float
    after: float
    margin: float = 0.0
    """How far chance alone may move the change."""
    verdict: KeptVerdict

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before


class Score(Declaration):
    """How well a model learned from either table predicts real people it has not seen."""

    measure: Literal["accuracy", "AUC"]
    rows: int
    before: float
    before_low: float
    before_high: float
    after: float
    after_low: float
    after_high: float
    difference: float
    """After minus before, of the same people."""
    low: float
    high: float
    verdict: KeptVerdict
    sentence: str


class Agreement(Declaration):
    """One finding of an audit, before and after."""

    source: Literal["table", "model", "twins"]
    """Groups in the tables themselves, groups under a model, or twins under a model."""
    unit: str
    attribute: str
    reference: str = ""
    group: str = ""
    people: int
    before: float
    before_low: float
    before_high: float
    before_verdict: Verdict
    after: float | None = None
    """None where it cannot be found again."""
    after_low: float | None = None
    after_high: float | None = None
    after_verdict: Verdict | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: KeptVerdict
    sentence: str

    @property
    def agrees(self) -> bool:
        """Whether the audit says the same of both."""
        return self.before_verdict == self.after_verdict


class Assessment(Document):
    """What risk is left in a table that was anonymized, and what it is still good for.

    Its formats are html, json, csv and terminal; of a file, ``.html``, ``.json``, ``.csv`` and
    ``.txt``.
    """

    _sort = "an assessment"
    _formats = ("html", "json", "csv", "terminal")
    _page = "paribus.studies._assessment_page"
    _columns: ClassVar[dict[str, str]] = {
        "part": "string", "measure": "string", "about": "string", "before": "float64",
        "estimate": "float64", "low": "float64", "high": "float64", "threshold": "float64",
        "verdict": "string", "sentence": "string",
    }  # fmt: skip

    model_config = ConfigDict(populate_by_name=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: str
    word: Word
    verdict: RiskVerdict
    sentence: str
    usefulness: KeptVerdict
    useful_sentence: str
    original_rows: int
    anonymized_rows: int
    holdout_rows: int
    """Real rows that were held back; 0 where there are none."""
    aligned: bool
    """Whether each row of the result belongs to the row of the original at its place."""
    identifying: tuple[str, ...]
    quasi: tuple[str, ...]
    sensitive: tuple[str, ...]
    confidence: float
    each: float
    """Confidence of each interval of a risk, so that all hold together (Bonferroni)."""
    tolerance: float
    seed: int
    risks: tuple[Risk, ...]
    unmeasured: tuple[str, ...] = ()
    """What was not measured, and what it takes."""
    classes: ClassSizes | None = None
    distances: Distances | None = None
    columns: tuple[KeptColumn, ...]
    associations: tuple[Association, ...] = ()
    scores: tuple[Score, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where every threshold is kept, 1 where one is exceeded, 3 where neither is proven."""
        return EXIT_CODES[self.verdict]

    def _rows(self) -> Iterator[dict[str, Any]]:
        for risk in self.risks:
            shared = risk.model_dump(
                include={"measure", "estimate", "low", "high", "threshold", "verdict", "sentence"}
            )
            yield {"part": "privacy", "about": " ".join(risk.about), **shared}
        limit = self.tolerance
        for column in self.columns:
            yield {
                "part": "column", "measure": column.distance_measure or column.treatment,
                "about": column.name, "estimate": column.distance, "threshold": limit,
                "verdict": column.verdict or column.treatment,
            }  # fmt: skip
        for pair in self.associations:
            yield {
                "part": "association", "measure": pair.measure,
                "about": f"{pair.first} {pair.second}", "before": pair.before,
                "estimate": pair.after, "threshold": limit, "verdict": pair.verdict,
            }  # fmt: skip
        for score in self.scores:
            yield {
                "part": "score", "measure": score.measure, "about": "", "before": score.before,
                "estimate": score.after, "low": score.after_low, "high": score.after_high,
                "threshold": limit, "verdict": score.verdict, "sentence": score.sentence,
            }  # fmt: skip
        for one in self.agreements:
            about = " ".join(part for part in (one.attribute, one.reference, one.group) if part)
            yield {
                "part": f"audit: {one.source}", "measure": one.unit, "about": about,
                "before": one.before, "estimate": one.after, "low": one.after_low,
                "high": one.after_high, "threshold": limit, "verdict": one.verdict,
                "sentence": one.sentence,
            }  # fmt: skip


def open_assessment(path: str | Path) -> Assessment:
    """Read an assessment from its JSON file.

    Raises
    ------
    DataError
        Where the file is missing, or no assessment.
    """
    return Assessment._opened(path, SCHEMA, {"risks": None})
