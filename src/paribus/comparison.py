"""Several ways to mend a model, laid side by side: what each keeps, and what gap it leaves."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from paribus._plugins import Declaration
from paribus.evidence.base import Row
from paribus.findings import Finding, Verdict

AS_IT_IS = "as it is"
"""Name of the model that nothing was done to."""

Concern = Literal["levels down", "unseen people", "crossed groups", "calibration", "attribute"]
"""What people forget: a gap that closed by making everybody worse, that is small on the training
rows alone, that moved to a crossed group; calibration lost; an attribute that must be known."""


class Measure(Declaration):
    """A number with its interval."""

    estimate: float
    low: float
    high: float


class Gap(Declaration):
    """The gap that a candidate leaves: that of the contrast where it is widest."""

    unit: str
    attribute: str
    reference: str
    group: str
    estimate: float
    low: float
    high: float
    tolerance: float
    verdict: Verdict
    """That of all contrasts together."""


class GroupRate(Declaration):
    """How often a group gets the favorable decision, from the model as it is and from a candidate.

    Measured on the same people, on whom neither was fitted.
    """

    attribute: str
    group: str
    people: int
    before: float
    after: float
    change: Measure
    """`after` minus `before`, in [-1, 1]; the intervals of all groups of a candidate, and of all
    candidates, hold together."""


class Warned(Declaration):
    """What a reader must know before choosing a candidate."""

    concern: Concern
    sentence: str


class Candidate(Declaration):
    """One way to mend a model, and what became of it."""

    name: str
    kind: str = ""
    """The kind of mitigation; empty for the model as it is."""
    stage: str = ""
    options: dict[str, Any] = Field(default_factory=dict)
    about: str = ""
    """What it does, in one sentence."""
    failed: str = ""
    """Why there is nothing to compare, where it could not be fitted or asked."""
    needs: tuple[str, ...] = ()
    """Protected attributes, and columns that follow them, that must be known of people who are
    decided about."""
    score: Measure | None = None
    """Of the scorer; on rows on which it was not fitted."""
    change: Measure | None = None
    """The score minus that of the model as it is."""
    kept: Measure | None = None
    """The score divided by that of the model as it is, of scorers that are shares."""
    gap: Gap | None = None
    twins: Verdict | None = None
    """Of all findings about its twins."""
    front: bool = False
    """Whether no other candidate has both a better score and a smaller gap."""
    dominated_by: tuple[str, ...] = ()
    """Candidates that are at least as good in both, and better in one."""
    informed: bool = True
    """Whether its decisions are proven to go with the label, which those that are the same for
    everybody, or a matter of luck, do not."""
    rates: tuple[GroupRate, ...] = ()
    warnings: tuple[Warned, ...] = ()
    notes: tuple[str, ...] = ()
    evidence: tuple[Row, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether it was fitted, asked and measured."""
        return not self.failed


class Comparison(Declaration):
    """Candidates side by side.

    The intervals of one kind of number, such as the score or the gap, hold together for all
    candidates at the record's confidence; those of several kinds need not.
    """

    train: str
    """The table that was learned from."""
    rows: int
    label: str
    folds: int
    scorer: str
    gap: str
    """The unit of the gap, such as ``flip rate`` or ``demographic parity``."""
    tolerance: float
    confidence: float
    """Of each single interval, so that those of one kind of number hold together for all
    candidates."""
    constant: float = 0.0
    """The share of rows for which the one answer that is right most often is right."""
    people: str
    """Whose twins were asked about, in words."""
    candidates: tuple[Candidate, ...]
    """The model as it is comes first."""
    recommended: str = ""
    """Name of the candidate that the evidence supports; empty where it supports none."""
    sentence: str
    interrupted: bool = False
    """Whether it was stopped before every candidate was tried."""
    notes: tuple[str, ...] = ()

    def named(self, name: str) -> Candidate:
        """Find a candidate by name.

        Raises
        ------
        KeyError
            Where there is none.
        """
        return {candidate.name: candidate for candidate in self.candidates}[name]
