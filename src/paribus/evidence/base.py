"""The row that every test gives, and what a test is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from paribus._plugins import Declaration, Family

if TYPE_CHECKING:
    from paribus.answers import Answers
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
]


class Condition(Declaration):
    """One half of a rule: ``income <= 79997``, ``city is Bonn``."""

    field: str
    relation: Literal["<=", ">", "is", "is not"]
    value: float | int | str | bool
    text: str
    """The condition in words, its number printed with no more digits than the data support."""


class Row(Declaration):
    """One row of evidence: a number, its interval, and what it is about.

    Gaps are group minus reference, so a negative gap is against the group. Rates, gaps of rates and
    shares lie in [0, 1] and [-1, 1]; gaps of numbers have the unit of the answer.
    """

    test: str
    unit: Unit
    contrast: Literal["level", "cell", "placebo"]
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
