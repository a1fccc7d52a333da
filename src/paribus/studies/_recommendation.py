"""Which candidate the evidence supports, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from paribus._text import name, number, percent
from paribus.comparison import AS_IT_IS, Candidate
from paribus.findings import Finding

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
    differently, it is proven to predict better than one answer for everybody, and the gap has not
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


def recommend(candidates: Sequence[Candidate], scorer: str) -> tuple[str, str]:
    """Choose among candidates.

    Of those that the evidence supports the one with the highest score; those that need no
    protected attribute at decision time go first.

    Returns
    -------
    name : str
        Empty where the evidence supports none.
    sentence : str
    """
    start = candidates[0]
    if supported(start):
        return AS_IT_IS, "The model as it is keeps within the tolerance: nothing needs mending."
    backed = [c for c in candidates[1:] if supported(c)]
    if not backed:
        return "", _none(candidates)
    free = [c for c in backed if not c.needs]
    best = max(free or backed, key=_score)
    said = [f"{_kept(best, scorer)} and brings {_brought(start, best)}"]
    beaten = [c.name for c in candidates[1:] if c.dominated_by]
    if beaten:
        shown = ", ".join(name(each) for each in beaten[:_LISTED])
        more = f" and {len(beaten) - _LISTED} more" if len(beaten) > _LISTED else ""
        verb = "is" if len(beaten) == 1 else "are"
        said.append(f"{shown}{more} {verb} dominated")
    others = [c for c in backed if c.needs and _score(c) > _score(best)]
    if free and others:
        better = max(others, key=_score)
        said.append(
            f"{name(better.name)} scores higher, but must know {', '.join(better.needs)} of "
            "whoever is decided about"
        )
    return best.name, "; ".join(said) + "."


def _none(candidates: Sequence[Candidate]) -> str:
    tried = [c for c in candidates[1:] if c.gap is not None]
    if not tried:
        return "No candidate could be tried; each row says why."
    nearest = min(tried, key=lambda c: abs(c.gap.estimate) if c.gap else 1.0)
    assert nearest.gap is not None
    within = shown(nearest.gap.tolerance, nearest.gap.unit)
    gap = nearest.gap
    low, high = shown(gap.low, gap.unit), shown(gap.high, gap.unit)
    blocked = ""
    if gap.verdict == "within tolerance":
        blocked = (
            " It is within the tolerance, and still not recommended: "
            + ("its twins are treated differently otherwise." if nearest.twins == "biased" else
               "it does not predict better than one answer for everybody." if not nearest.informed
               else "the gap has moved to crossed groups.")
        )  # fmt: skip
    return (
        f"The evidence supports no candidate: none that could be used is proven to bring the "
        f"{gap.unit} within {within}. The smallest gap is that of {name(nearest.name)}, "
        f"{shown(gap.estimate, gap.unit)} ({low} to {high}).{blocked}"
    )


def _kept(best: Candidate, scorer: str) -> str:
    spoken = scorer.replace("_", " ")
    assert best.score is not None
    if best.kept is not None:
        return f"{name(best.name)} keeps {percent(best.kept.estimate)} of the {spoken}"
    return f"{name(best.name)} has a {spoken} of {number(best.score.estimate)}"


def _brought(start: Candidate, best: Candidate) -> str:
    assert best.gap is not None
    unit = best.gap.unit
    before = f" from {shown(abs(start.gap.estimate), unit)}" if start.gap is not None else ""
    return f"the {unit}{before} to within {shown(best.gap.tolerance, unit)}"


def _score(candidate: Candidate) -> float:
    return candidate.score.estimate if candidate.score is not None else float("-inf")


def shown(value: float, unit: str) -> str:
    """Write a gap: shares as percentages, amounts as numbers."""
    return number(value) if unit in {"score gap", "absolute gap"} else percent(value)


def widest(findings: Sequence[Finding]) -> Finding:
    """Give the finding with the widest gap."""
    return max(findings, key=lambda f: abs(f.estimate))
