"""When an audit that may stop early has asked enough: once every finding is settled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from paribus.answers import BlockAnswers
from paribus.evidence.sequential import Watched
from paribus.findings import Finding, Multiplicity, judge
from paribus.outcomes import Outcome
from paribus.twins import Twins

Claim = tuple[str, str, str]
"""Unit, attribute and group of a finding."""


@dataclass(eq=False)
class Stopping:
    """Watches the answers of an audit as they come, and says when there are enough."""

    twins: Twins
    outcome: Outcome
    tolerance: float
    confidence: float
    multiplicity: Multiplicity
    settled: dict[Claim, int] = field(default_factory=dict)
    """Pairs after which each verdict was proven, adjusted for the number of claims."""

    def begin(self, steady: bool) -> Callable[[BlockAnswers], bool]:
        """Begin to watch.

        Parameters
        ----------
        steady : bool
            Whether the model repeats itself: else changes of single answers prove nothing.

        Returns
        -------
        callable
            Takes one run of people after the other, and says whether that is enough.
        """
        watched = Watched(self.twins, self.outcome, self.tolerance, self.confidence, levels=False)
        self.settled = {}

        def enough(run: BlockAnswers) -> bool:
            before = watched.copy()
            watched.add(run)
            found = self._judged(watched, steady)
            self._date(found, before, run, steady)
            return len(self.settled) == len(found)

        return enough

    def dated(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Say of findings after how many pairs their verdicts were proven, if they are."""
        return tuple(
            finding.model_copy(
                update={
                    "settled": None
                    if finding.verdict == "inconclusive"
                    else self.settled.get(_claim(finding))
                }
            )
            for finding in findings
        )

    def _judged(self, watched: Watched, steady: bool) -> tuple[Finding, ...]:
        rows = watched.rows(steady, trails=False)
        return judge(rows, self.tolerance, self.confidence, self.multiplicity)

    def _date(
        self, found: Sequence[Finding], before: Watched, run: BlockAnswers, steady: bool
    ) -> None:
        """Date the verdicts that are new in a run to the pair, whatever the size of the run.

        P-values that hold at any time never rise, so nothing that is settled becomes open again.
        """
        new = {_claim(f): f for f in found if f.verdict != "inconclusive"}
        known: dict[int, frozenset[Claim]] = {0: frozenset(), len(run): frozenset(new)}

        def settled_by(pairs: int) -> frozenset[Claim]:
            if pairs not in known:
                part = before.copy()
                part.add(run.first(pairs))
                verdicts = self._judged(part, steady)
                known[pairs] = frozenset(_claim(f) for f in verdicts if f.verdict != "inconclusive")
            return known[pairs]

        for claim, finding in new.items():
            if claim in self.settled:
                continue
            # Before adjustment it is proven no later: mostly that is the pair, and one look tells.
            alone = (finding.settled or 0) - before.people
            low, high = max(0, alone - 1), len(run)
            if 0 < alone < high and claim in settled_by(alone):
                high = alone
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if claim in settled_by(middle) else (middle, high)
            self.settled[claim] = before.people + high


def _claim(finding: Finding) -> Claim:
    return finding.unit, finding.attribute, finding.group
