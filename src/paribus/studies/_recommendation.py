"""Which candidate the evidence supports, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from paribus._text import name, number, percent
from paribus.comparison import AS_IT_IS, Candidate
from paribus.findings import Finding
from paribus.studies._scoring import ACCURACY

_LISTED = 3


def with_front(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Mark the Pareto front: whom no other candidate beats in score and gap."""
    usable = [c for c in candidates if c.score is not None and c.gap is not None]
    marked = []
    for candidate in candidates:
        if candidate not in usable:
            marked.append(candidate)
            continue
        better = tuple(other.name for other in usable if _dominates(other, candidate))
        marked.append(candidate.model_copy(update={"dominated_by": better, "front": not better}))
    return tuple(marked)


def _dominates(one: Candidate, other: Candidate) -> bool:
    assert one.score is not None
    assert one.gap is not None
    assert other.score is not None
    assert other.gap is not None
    score = one.score.estimate - other.score.estimate
    gap = abs(other.gap.estimate) - abs(one.gap.estimate)
    return score >= 0 and gap >= 0 and (score > 0 or gap > 0)


def supported(candidate: Candidate) -> bool:
    """Tell whether the evidence supports a candidate.

    Its gap is proven to be within the tolerance, none of its twins are proven to be treated
    differently, its decisions are proven to go with the label, and the gap has not
    moved to crossed groups.
    """
    return (
        candidate.usable
        and candidate.gap is not None
        and candidate.gap.verdict == "within tolerance"
        and candidate.twins != "biased"
        and candidate.informed
        and not any(each.concern == "crossed groups" for each in candidate.warnings)
    )


def recommend(
    candidates: Sequence[Candidate], scorer: str, constant: float = 0.0
) -> tuple[str, str]:
    """Choose among candidates.

    Of those that the evidence supports the one with the highest score; those that need no
    protected attribute at decision time go first.

    Parameters
    ----------
    candidates : sequence of Candidate
        The model as it is first.
    scorer : str
    constant : float
        The accuracy of the one answer that is right most often.

    Returns
    -------
    name : str
        Empty where the evidence supports none.
    sentence : str
    """
    start = candidates[0]
    if supported(start):
        assert start.gap is not None
        return AS_IT_IS, (
            f"The {start.gap.unit} of the model as it is is proven to be within "
            f"{shown(start.gap.tolerance, start.gap.unit)}: by this gap, nothing needs mending."
        )
    backed = [c for c in candidates[1:] if supported(c)]
    if not backed:
        return "", _none(candidates)
    free = [c for c in backed if not c.needs]
    best = max(free or backed, key=_score)
    said = [f"{_kept(best, scorer)} and {_brought(start, best)}"]
    if best.needs:
        said.append(f"it must know {_listed(best.needs)} of whoever is decided about")
    beaten = [c.name for c in candidates[1:] if c.dominated_by and c is not best]
    if beaten:
        more = [f"{len(beaten) - _LISTED} more"] if len(beaten) > _LISTED else []
        verb = "is" if len(beaten) == 1 else "are"
        said.append(f"{_listed([*beaten[:_LISTED], *more])} {verb} dominated")
    others = [c for c in backed if c.needs and _score(c) > _score(best)]
    if free and others:
        better = max(others, key=_score)
        said.append(
            f"{name(better.name)} scores higher, but must know {_listed(better.needs)} of "
            "whoever is decided about"
        )
    sentence = "; ".join(said) + "."
    if scorer == ACCURACY and best.score is not None and best.score.low <= constant:
        sentence += f" Mind that one answer for everybody would be right for {percent(constant)}."
    return best.name, sentence


def _none(candidates: Sequence[Candidate]) -> str:
    tried = [c for c in candidates[1:] if c.gap is not None]
    if not tried:
        return "No candidate could be tried; each row says why."
    proven = [c for c in tried if c.gap is not None and c.gap.verdict == "within tolerance"]
    nearest = min(proven or tried, key=lambda c: abs(c.gap.estimate) if c.gap else 1.0)
    assert nearest.gap is not None
    within = shown(nearest.gap.tolerance, nearest.gap.unit)
    gap = nearest.gap
    # Which group is worse off does not matter here: gaps are written as sizes.
    ends = (gap.low, gap.high) if gap.estimate >= 0 else (-gap.high, -gap.low)
    low, high = (shown(end, gap.unit) for end in ends)
    size = f"{shown(abs(gap.estimate), gap.unit)} ({low} to {high})"
    if proven:
        others = len(proven) - 1
        more = f" Of {others} more the same is proven, and something stands against each."
        return (
            f"The evidence supports no candidate. The {gap.unit} of {name(nearest.name)} is proven "
            f"to be within {within}, {size}, and it is still not recommended: "
            f"{_objection(nearest)}.{more if others else ''}"
        )
    return (
        f"The evidence supports no candidate: none that could be used is proven to bring the "
        f"{gap.unit} within {within}. The smallest gap is that of {name(nearest.name)}, {size}."
    )


def _objection(candidate: Candidate) -> str:
    if candidate.twins == "biased":
        return "its twins are treated differently otherwise"
    if not candidate.informed:
        return "it is not proven to follow the label better than one answer for everybody"
    return "the gap has moved to crossed groups"


def _kept(best: Candidate, scorer: str) -> str:
    spoken = scorer.replace("_", " ")
    assert best.score is not None
    if best.kept is not None:
        return f"{name(best.name)} keeps {percent(best.kept.estimate)} of the {spoken}"
    return f"{name(best.name)} has a {spoken} of {number(best.score.estimate)}"


def _brought(start: Candidate, best: Candidate) -> str:
    assert best.gap is not None
    unit, tolerance = best.gap.unit, best.gap.tolerance
    within = shown(tolerance, unit)
    if start.gap is None:
        return f"brings the {unit} to within {within}"
    before = shown(abs(start.gap.estimate), unit)
    if abs(start.gap.estimate) <= tolerance:
        return f"is proven to keep the {unit} within {within} (it is {before} as the model is)"
    return f"brings the {unit} from {before} to within {within}"


def _listed(names: Sequence[str]) -> str:
    *most, last = [name(each) for each in names]
    return f"{', '.join(most)} and {last}" if most else last


def _score(candidate: Candidate) -> float:
    return candidate.score.estimate if candidate.score is not None else float("-inf")


def shown(value: float, unit: str) -> str:
    """Write a gap: shares as percentages, amounts as numbers."""
    if unit in {"score gap", "absolute gap"}:
        return number(value)
    # Rounded away from 0: "-0.0 %" would read as if there were nothing.
    return "-0.1 %" if -0.0005 < value < 0 else percent(value)


def widest(findings: Sequence[Finding]) -> Finding:
    """Give the finding with the widest gap."""
    return max(findings, key=lambda f: abs(f.estimate))
