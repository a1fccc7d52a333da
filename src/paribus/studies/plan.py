"""How many people an audit takes, before a single question is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

from paribus import _html
from paribus._plugins import Declaration
from paribus._text import about, count, logged, number, percent, shortened, visible
from paribus.auditing import Audit
from paribus.errors import SpecError
from paribus.outcomes import Outcome
from paribus.probe.base import outcome_of
from paribus.stats.power import (
    people_for_biased,
    people_for_flips_within,
    people_for_mean_biased,
    people_for_mean_within,
    people_for_within,
    power_biased,
    power_flips_within,
    power_mean_biased,
    power_mean_within,
    power_within,
)

_SEEN = (2, 5, 10)
"""Gaps that one may want to see, in tolerances."""

_SPREADS = (1, 3, 10)
"""Standard deviations of the gaps of single people, in tolerances, where nobody knows it."""


class Goal(Declaration):
    """One thing that an audit may have to prove, and what it takes."""

    verdict: Literal["biased", "within tolerance"]
    case: str
    """What is taken for true of the model."""
    people: int | None
    """People it takes; None where no number of people would do."""
    chance: float
    """The chance that the declared number of people proves it, in [0, 1]."""


class Plan(Declaration):
    """What the declared number of people can prove, and how many it takes."""

    name: str
    outcome: str
    tolerance: float
    confidence: float
    power: float
    claims: int
    """Claims of bias that are made at once: they share the chance of a false one."""
    people: int
    """People that the audit declares."""
    exhaustive: bool
    """Whether these are everybody in the declared domain: then nothing is left to chance."""
    goals: tuple[Goal, ...]

    def __str__(self) -> str:
        return logged("\n".join(_lines(self)))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Show in a notebook how many people it takes."""
        goals = [
            [
                _html.Cell(goal.verdict, goal.verdict),
                _html.Cell(goal.case),
                _html.Cell("never" if goal.people is None else f"{goal.people:,}"),
                _html.Cell(percent(goal.chance)),
            ]
            for goal in self.goals
        ]
        columns = (
            _html.Column("To prove"),
            _html.Column("If the truth is"),
            _html.Column("People", numeric=True),
            _html.Column(f"Chance with {self.people:,}", numeric=True),
        )
        said = [_html.paragraph(line) for line in _head(self)]
        table = _html.table(f"People for a chance of {percent(self.power)}", columns, goals)
        return _html.piece(*said, *([table] if goals and not self.exhaustive else []))


def plan(audit: Audit, *, power: float = 0.8, sd: float | None = None, trust: bool = False) -> Plan:
    """Say how many people it takes to prove a gap, or its absence.

    The model is opened to learn what its answers are; it is asked nothing.

    Parameters
    ----------
    audit : Audit
        As declared: its tolerance, confidence, levels and people count.
    power : float
        The chance of proving what is true, in [0.5, 1).
    sd : float, optional
        For scores and numbers: the standard deviation of the gaps of single people, as an earlier
        audit found it. Where left out, several are tried.
    trust : bool
        Whether a model may be loaded from a format that can run code.

    Returns
    -------
    Plan
        Its text is a table.

    Raises
    ------
    SpecError
        Where the power is no chance, or the audit is not declared well.

    References
    ----------
    Connor (1987), Biometrics 43, 207-211; Chow, Shao and Wang (2008), Sample Size Calculations in
    Clinical Research; powers are those of the audit's own rules (see `paribus.stats.power`).

    Examples
    --------
    >>> from paribus import Audit, Protected, map_of
    >>> from paribus.testing import Echo
    >>> loan = Audit(
    ...     probe=Echo(column="code", outcome="decision", favorable=1), tolerance=0.02, size=500,
    ...     protect={"gender": Protected(levels=("Male", "Female"))},
    ...     fields={"code": map_of("gender", {"Male": 1, "Female": 0})},
    ... )
    >>> plan(loan).goals[0].people
    149
    """
    if not 0.5 <= power < 1:
        raise SpecError(f"must be a chance from 0.5 to below 1, not {power:g}", path="power")
    if sd is not None and not sd > 0:
        raise SpecError(f"must be above 0, not {sd:g}", path="sd")
    model = audit.probe.open(trust=trust)
    outcome = outcome_of(audit.probe, model)
    twins = audit.asked(model)
    tolerance = audit.settled_tolerance(outcome)
    contrasts = sum(contrast.kind != "placebo" for contrast in twins.contrasts)
    claims = contrasts * (2 if outcome.decides or outcome.measures else 1)
    people = len(twins.people)
    scale = _Scale(tolerance, 1 - audit.confidence, power, claims, people)
    goals = _of_amounts(scale, outcome, sd) if _measured(outcome) else _of_decisions(scale)
    return Plan(
        name=audit.name,
        outcome=outcome.kind,
        tolerance=tolerance,
        confidence=audit.confidence,
        power=power,
        claims=claims,
        people=people,
        exhaustive=twins.people.census is not None,
        goals=tuple(goals),
    )


def _measured(outcome: Outcome) -> bool:
    return outcome.measures and not outcome.decides


class _Scale(Declaration):
    tolerance: float
    alpha: float
    power: float
    claims: int
    people: int

    def __init__(
        self, tolerance: float, alpha: float, power: float, claims: int, people: int
    ) -> None:
        super().__init__(
            tolerance=tolerance, alpha=alpha, power=power, claims=claims, people=people
        )

    def goal(
        self,
        verdict: Literal["biased", "within tolerance"],
        case: str,
        needed: int | None,
        chance: Callable[[int], float],
    ) -> Goal:
        return Goal(verdict=verdict, case=case, people=needed, chance=chance(self.people))


def _of_decisions(scale: _Scale) -> Iterator[Goal]:
    t, alpha = scale.tolerance, scale.alpha
    for share in (0.0, 0.25, 0.5):
        rate = share * t
        case = (
            f"{percent(rate)} of decisions change, all one way" if rate else "no decision changes"
        )
        if t <= 0:
            break
        # Both the flip rate and the net gap have to be within.
        needed = [
            people_for_flips_within(rate, t, alpha, scale.power),
            people_for_within(0.0, rate, t, alpha, scale.power),
        ]
        most = None if None in needed else max(n for n in needed if n is not None)

        def chance(n: int, rate: float = rate) -> float:
            flips = power_flips_within(n, rate, t, alpha)
            return min(flips, power_within(n, 0.0, rate, t, alpha))

        yield scale.goal("within tolerance", case, most, chance)
    each = alpha / scale.claims
    for factor in _SEEN:
        gap = factor * (t or 0.01)
        if gap >= 1:
            break
        case = f"a gap of {percent(gap)}, all one way"
        needed_for = people_for_biased(0.0, gap, t, each, scale.power)
        see = partial(power_biased, p12=0.0, p21=gap, tolerance=t, alpha=each)
        yield scale.goal("biased", case, needed_for, see)
        noise = 0.02
        if gap + 2 * noise < 1:
            case = f"a gap of {percent(gap)}, and {percent(noise)} changing either way besides"
            needed_for = people_for_biased(noise, gap + noise, t, each, scale.power)
            see = partial(power_biased, p12=noise, p21=gap + noise, tolerance=t, alpha=each)
            yield scale.goal("biased", case, needed_for, see)


def _of_amounts(scale: _Scale, outcome: Outcome, sd: float | None) -> Iterator[Goal]:
    t, alpha = scale.tolerance, scale.alpha
    unit = t or 0.01
    spread = outcome.bounds[1] - outcome.bounds[0] if outcome.bounds else 50 * unit
    for each_sd in (sd,) if sd is not None else (factor * unit for factor in _SPREADS):
        known = f"gaps of single people with a standard deviation of {number(each_sd)}"
        if t > 0:
            needed = people_for_mean_within(0.0, each_sd, t, alpha, scale.power, spread)
            prove = partial(
                power_mean_within, gap=0.0, sd=each_sd, tolerance=t, alpha=alpha, spread=spread
            )
            yield scale.goal("within tolerance", f"no mean gap, {known}", needed, prove)
        claim = alpha / scale.claims
        for gap in (factor * unit for factor in _SEEN[:2]):
            needed = people_for_mean_biased(gap, each_sd, t, claim, scale.power, spread)
            see = partial(
                power_mean_biased, gap=gap, sd=each_sd, tolerance=t, alpha=claim, spread=spread
            )
            yield scale.goal("biased", f"a mean gap of {number(gap)}, {known}", needed, see)


def _lines(plan: Plan) -> Iterator[str]:
    yield from _head(plan)
    if not plan.exhaustive:
        yield from _goals(plan)


def _head(plan: Plan) -> Iterator[str]:
    share = plan.outcome in {"decision", "label"}
    bound = percent(plan.tolerance) if share else number(plan.tolerance)
    title = shortened(visible(plan.name), 120)
    yield f"{title}: tolerance {bound}, confidence {plan.confidence * 100:g} %"
    if plan.exhaustive:
        yield (
            f"Everybody in the declared domain is asked ({count(plan.people, 'person')}): the "
            "numbers will be exact, and nothing has to be planned."
        )
        return
    yield (
        f"People it takes to prove a verdict with a chance of {percent(plan.power)}, and the "
        f"chance that the declared {plan.people:,} have."
    )
    if plan.claims > 1:
        yield f"The audit makes {plan.claims:,} claims at once, which share the chance of an error."


def _goals(plan: Plan) -> Iterator[str]:
    width = max((len(goal.case) for goal in plan.goals), default=0)
    for verdict in ("within tolerance", "biased"):
        yield ""
        yield f"To prove `{verdict}`, if the truth is".ljust(width + 4) + "     people    chance"
        for goal in plan.goals:
            if goal.verdict == verdict:
                people = "never" if goal.people is None else f"{goal.people:,}"
                yield f"  {goal.case:{width}}  {people:>11}  {percent(goal.chance):>8}"
    worst = [goal.people for goal in plan.goals[:1] if goal.people is not None]
    if worst and worst[0] > plan.people:
        yield ""
        yield (
            f"With {plan.people:,} people not even a perfectly fair model can be proven to be "
            f"within the tolerance: ask {about(worst[0])}."
        )
