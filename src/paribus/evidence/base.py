"""The row that every test gives, what a test of twins is, and what a check of a table is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from paribus._plugins import Declaration, Family

if TYPE_CHECKING:
    from paribus.answers import Answers
    from paribus.observed import Observed
    from paribus.people.population import People
    from paribus.twins import Contrast

TESTS = Family("paribus.evidence", "test")

Unit = Literal[
    "flip rate",
    "net gap",
    "score gap",
    "absolute gap",
    "label change rate",
    "favorable rate",
    "mean answer",
    # What is left of a change once that of placebo twins is taken away.
    "excess flip rate",
    "excess label change rate",
    "excess absolute gap",
    # Of models that do not repeat themselves.
    "repeat change rate",
    "squared effect",
    # The same pairs, weighed otherwise.
    "odds ratio",
    "impact ratio",
    "Cohen's h",
    "median gap",
    "gap quantile",
    "share raised",
    "rank shift",
    "Stuart-Maxwell",
    "Bowker",
    # Of all levels together.
    "Cochran Q",
    "Friedman",
    "share of the gap",
]

"""What rows about twins measure. Rows about a table name their metric in the words of the field:
``selection rate``, ``AUC``, ``exposure`` ..."""

Stage = Literal["model", "outcomes", "collection", "labeling", "features", "training", "deployment"]
"""What a row looks at: the model through its twins, the outcomes of a scored table, or one of the
five points where bias enters (Suresh and Guttag 2021)."""

Relation = Literal["", "value", "difference", "ratio", "spread", "extremes", "test"]
"""What a row about a table says of its metric: the ``value`` of one group (or of everybody), the
``difference`` of a group from the reference or its ``ratio`` to it, the ``spread`` between the
lowest and the highest group or the ratio of these ``extremes``, or a ``test`` of them all."""

Scale = Literal["share", "ratio", "number"]
"""How a number is written: a share of people in hundredths, a ratio or a number as it is."""


class Condition(Declaration):
    """One half of a rule: ``income <= 79997``, ``city is Bonn``."""

    field: str
    relation: Literal["<=", ">", "is", "is not"]
    value: float | int | str | bool
    text: str
    """The condition in words, its number printed with no more digits than the data support."""


class Step(Declaration):
    """The interval of a gap after so many pairs, of an audit that may stop early."""

    pairs: int
    low: float
    high: float


class Row(Declaration):
    """One row of evidence: a number, its interval, and what it is about.

    Gaps are group minus reference, so a negative gap is against the group. Rates, gaps of rates and
    shares lie in [0, 1] and [-1, 1]; gaps of numbers have the unit of the answer.
    """

    test: str
    unit: str
    """What is measured."""
    contrast: Literal["level", "cell", "placebo", "group"]
    """Which versions of a person were compared; ``group`` where different people were."""
    attribute: str
    """``gender``, or ``race x sex`` for crossed attributes."""
    reference: str
    """The level (or cell) compared with; empty where the row is about one level alone."""
    group: str
    people: int
    """Pairs (or people) that the number is about, failures included."""
    answered: int
    """Pairs with an answer on both sides. Fewer than `people` where the model refused or failed."""
    estimate: float
    low: float
    high: float
    """Interval at the audit's confidence, widened to the worst case over missing answers."""
    p: float | None = None
    """P-value of `no gap`: exact McNemar for net gaps, Student t for scores. Rates of change cannot
    be negative: for them, of a rate no larger than the tolerance (exact binomial)."""
    p_outside: float | None = None
    """P-value of the claim that the gap lies beyond the tolerance, in the worst case."""
    p_within: float | None = None
    """P-value of the claim that the gap lies within the tolerance, in the worst case."""
    held: bool = False
    """Whether the row is held against the tolerance and becomes a finding."""
    flips_against: int | None = None
    """Pairs in which the reference twin alone gets the favorable answer."""
    flips_for: int | None = None
    """Pairs in which the group twin alone gets the favorable answer."""
    largest: float | None = None
    """The widest gap of any pair, with its sign."""
    rule: tuple[Condition, ...] = ()
    """For a region: the conditions that hold for its people."""
    share: float | None = None
    """For a region: its share of all people."""
    explained: float | None = None
    """For a region: the part of the whole gap that lies in it, ``share * gap / whole gap``."""
    stability: float | None = None
    """For a region: the share of resamples of the people that suggest the rule again."""
    method: str = ""
    """How the interval and the p-value were computed, where a unit knows several ways."""
    exact: bool = False
    """Whether everybody in the declared domain was asked: then there is no interval, and `low` and
    `high` differ from the estimate only where answers are missing."""
    alarm: bool = False
    """Whether the row can prove a bias but never its absence: held only against `biased`."""
    p_joint: float | None = None
    """`p_outside` adjusted over all levels of the attribute by relabelling (step-down max-T)."""
    sd: float | None = None
    """Standard deviation of the gaps of single pairs, of units that are means of amounts."""
    names: int | None = None
    """Names a level over which it was weighed, where names count and not people."""
    nested: bool = False
    """Whether it can only be biased where a row of another unit is not proven equal: it then needs
    no share of the chance of a false claim."""
    settled: int | None = None
    """Pairs after which its claim was proven, in an audit that may stop early."""
    trail: tuple[Step, ...] = ()
    """How the interval narrowed with the pairs; all of them hold at once."""
    stage: Stage = "model"
    relation: Relation = ""
    scale: Scale = "number"
    """Of rows about a table: how its numbers are written."""
    field: str = ""
    """Of rows about a table: the column, label, class, window or the like that it is about."""
    tolerance: float | None = None
    """Of rows about a table: the tolerance of this row alone, in its unit."""
    expected: float | None = None
    """Of rows about a table: the number that was declared beforehand, such as a share of the
    reference population."""
    claim: str = ""
    """Of rows about a table that are held: what it says of people, as the beginning of a sentence
    that the interval and the verdict end."""


class Line(Declaration):
    """A curve of evidence about a table: points from left to right, for a chart."""

    test: str
    stage: Stage
    chart: str
    """Which chart it belongs to, such as ``ROC``; lines of a chart share axes."""
    attribute: str
    group: str
    """The group that it shows; empty for everybody."""
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    """Lower ends of the intervals of `y`; empty where there are none."""
    high: tuple[float, ...] = ()
    people: tuple[int, ...] = ()
    """Rows behind each point."""
    labels: tuple[str, ...] = ()
    """Names of the points, where the horizontal axis has names instead of numbers."""
    alarms: tuple[bool, ...] = ()
    """Whether an alarm is up at each point."""


@dataclass(frozen=True)
class Weighed:
    """What a check found."""

    rows: tuple[Row, ...]
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know before trusting a number."""


class Test(Declaration):
    """A declared test: says which contrasts it needs, then weighs the answers.

    Every kind is one file in this package with one frozen class.
    """

    # pytest would otherwise take the name for a test case.
    __test__ = False

    kind: str

    def needs(self, people: People) -> Sequence[Contrast]:
        """List the contrasts whose answers this test weighs."""
        raise NotImplementedError

    def weigh(self, answers: Answers, tolerance: float, confidence: float) -> Sequence[Row]:
        """Turn answers into rows. Pure: the same answers give the same rows."""
        raise NotImplementedError


class Check(Declaration):
    """A declared check of a table: weighs what was observed of real people.

    Every kind is one file in this package with one frozen class.
    """

    kind: str

    def weigh(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        """Turn what was observed into rows and lines. Pure: the same table gives the same rows.

        Parameters
        ----------
        observed : Observed
        tolerance : float
            The largest difference of shares between groups that counts as equal.
        confidence : float
            Of intervals, in (0, 1).

        Returns
        -------
        Weighed
            Nothing where the table lacks what the check reads.
        """
        raise NotImplementedError
