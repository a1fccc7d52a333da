"""Two records side by side as data: what changed, by how much, and what is proven of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field

from paribus._plugins import Declaration
from paribus.evidence.base import Relation, Scale, Stage
from paribus.findings import Verdict
from paribus.studies._document import Document

SCHEMA = 1

ComparedVerdict = Literal["no worse", "worse", "undecided"]
"""Every gap is proven not to have grown by the margin, some gap is proven to have grown beyond it,
or neither."""

ChangeVerdict = Literal["better", "worse", "unchanged", "no worse", "undecided"]
"""Proven to have shrunk or grown by more than the margin, to be the same within it, or not to have
grown by it though more is open; else undecided."""

Method = Literal["paired", "independent", "any dependence", "exact", "verdicts"]
"""The same people one by one; two estimates from independent people, or from people who may
overlap; everybody in the declared domain, twice; or nothing but both verdicts."""

EXIT_CODES: dict[ComparedVerdict, int] = {"no worse": 0, "worse": 1, "undecided": 3}


class Side(Declaration):
    """One of the two records."""

    name: str
    verdict: Verdict
    people: int
    model: str = ""
    """Name of the model; empty where a table alone was measured."""
    fingerprint: str = ""
    refused: int = 0
    failed: int = 0
    versions: int = 0
    """Versions of people that were asked about."""


class GapChange(Declaration):
    """One gap in both records."""

    test: str
    stage: Stage
    unit: str
    relation: Relation
    scale: Scale
    contrast: str
    attribute: str
    reference: str
    group: str
    field: str = ""
    before: float
    before_low: float
    before_high: float
    before_verdict: Verdict | None = None
    """None where it is no finding, such as an alarm that is not up."""
    after: float
    after_low: float
    after_high: float
    after_verdict: Verdict | None = None
    method: Method
    people: int
    """Pairs that the change was measured on; of two estimates, the fewer of both."""
    change: float
    """How much larger the gap became, whatever its sign; of ratios, of their logarithm. Positive is
    worse. Where people are compared one by one, of those people."""
    low: float
    high: float
    p_worse: float
    """Of the claim that it grew by more than the margin, or left its tolerance where the audits say
    so, adjusted over all gaps (Holm)."""
    p_better: float
    """Of the claim that it shrank by more than the margin, or came within its tolerance where the
    audits say so, adjusted over all gaps (Holm)."""
    margin: float
    """The largest change that counts as none, in the unit of `change`."""
    verdict: ChangeVerdict
    crossed: bool = False
    """Whether one audit by itself says `within tolerance` and the other `biased`."""
    turned: bool = False
    """Whether it was on one side of zero before and is on the other after, both beyond noise."""
    alarm: bool = False
    """Whether it can prove a bias and never its absence: then it does not have to be no worse."""
    sentence: str


class RateChange(Declaration):
    """How often a group gets the favorable answer, in both records."""

    attribute: str
    group: str
    before: float
    after: float
    method: Method
    people: int
    change: float
    low: float
    high: float
    p: float
    """Of the claim that it changed at all, adjusted over all rates (Holm)."""
    verdict: Literal["higher", "lower", "undecided"]


class Compared(Document):
    """What became of the gaps of one audit from one record to the next.

    Its formats are html, json, markdown and terminal; of a file, ``.html``, ``.json``, ``.md`` and
    ``.txt``.
    """

    _sort = "a comparison"
    _formats = ("html", "json", "markdown", "terminal")
    _page = "paribus.studies._compared_page"

    model_config = ConfigDict(populate_by_name=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    kind: Literal["comparison"] = "comparison"
    verdict: ComparedVerdict
    sentence: str
    before: Side
    after: Side
    confidence: float
    margin: float | None = None
    """As declared; None where each gap has its own tolerance for a margin."""
    same_people: bool
    """Whether both audits are known to begin with the same people."""
    changes: tuple[GapChange, ...]
    rates: tuple[RateChange, ...] = ()
    appeared: tuple[str, ...] = ()
    """Regions of the second record that the first has not."""
    gone: tuple[str, ...] = ()
    only_before: tuple[str, ...] = ()
    """Gaps that the first record alone holds against a tolerance."""
    only_after: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    """What else differs between the two: the request, the people, versions."""
    notes: tuple[str, ...] = ()
    """What a reader must know before trusting the verdict."""

    @property
    def exit_code(self) -> int:
        """0 where nothing got worse, 1 where something did, 3 where neither is proven."""
        return EXIT_CODES[self.verdict]


def open_compared(path: str | Path) -> Compared:
    """Read a comparison from its JSON file.

    Raises
    ------
    DataError
        Where the file is missing, or no comparison.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import paribus as pb
    >>> parts = {"protect": {"sex": ["m", "f"]}, "fields": {"x": pb.integers(0, 9)}, "people": 50}
    >>> records = [
    ...     pb.audit(lambda d: d["x"] > cut, favorable=True, **parts) for cut in (3, 5)
    ... ]
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "compared.json"
    >>> open_compared(pb.compare(*records).save(file)).same_people
    True
    """
    return Compared._opened(path, SCHEMA, {"kind": "comparison"})
