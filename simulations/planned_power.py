"""As many people as the planner asks for: how often they prove what is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

import numpy as np
from pairs import DECISION, NUMBER, answers_of, flips, weighed
from table import Row, percent
from trials import Results, Setting, shortened

from paribus import Answers, Audit, Protected, map_of, plan
from paribus.findings import judge, overall
from paribus.stats import power
from paribus.studies.plan import Goal
from paribus.testing import Echo

TIMES = 2_000
POWER, POINTS = 0.8, 0.03
TOLERANCE = 0.02

Count = Callable[..., int | None]
Chance = Callable[..., float]

RATES: dict[str, tuple[Count, Chance, tuple[Mapping[str, float], ...]]] = {
    "net gap": (
        power.people_for_biased,
        power.power_biased,
        (
            {"p12": 0.01, "p21": 0.05, "tolerance": 0.0},
            {"p12": 0.0, "p21": 0.06, "tolerance": 0.02},
            {"p12": 0.02, "p21": 0.08, "tolerance": 0.02},
        ),
    ),
    "net gap, within": (
        power.people_for_within,
        power.power_within,
        (
            {"p12": 0.0, "p21": 0.0, "tolerance": 0.02},
            {"p12": 0.0, "p21": 0.01, "tolerance": 0.02},
            {"p12": 0.02, "p21": 0.02, "tolerance": 0.02},
        ),
    ),
    "flip rate": (
        power.people_for_flips_biased,
        power.power_flips_biased,
        ({"rate": 0.06, "tolerance": 0.02},),
    ),
    "flip rate, within": (
        power.people_for_flips_within,
        power.power_flips_within,
        ({"rate": 0.0, "tolerance": 0.02}, {"rate": 0.005, "tolerance": 0.02}),
    ),
}
MEANS: dict[str, tuple[Count, Chance, tuple[Mapping[str, float], ...]]] = {
    "score gap": (
        power.people_for_mean_biased,
        power.power_mean_biased,
        (
            {"gap": 0.5, "sd": 1.0, "tolerance": 0.0},
            {"gap": 0.06, "sd": 0.2, "tolerance": 0.02},
        ),
    ),
    "score gap, within": (
        power.people_for_mean_within,
        power.power_mean_within,
        (
            {"gap": 0.0, "sd": 0.2, "tolerance": 0.05},
            {"gap": 0.01, "sd": 0.1, "tolerance": 0.03},
        ),
    ),
}


def settings(share: float = 1.0) -> list[Setting]:
    """List the plans."""
    times = shortened(TIMES, share)
    planned = []
    for table, trial in ((RATES, of_decisions), (MEANS, of_amounts)):
        for name, (people_for, power_of, cases) in table.items():
            unit, _, within = name.partition(", ")
            for case in cases:
                people = people_for(**case, power=POWER)
                assert people is not None
                verdict = "within tolerance" if within else "biased"
                title = f"{unit} `{verdict}`, {_told(case)}: {people:,} people planned"
                options = {"unit": unit, "verdict": verdict, "people": people, **case}
                lines = partial(_lines, power_of(people, **case))
                planned.append(Setting(title, trial, times, lines, options))
    return [*planned, *_whole(times)]


def of_decisions(
    number: int,
    random: np.random.Generator,
    *,
    unit: str,
    verdict: str,
    people: int,
    tolerance: float,
    p12: float = 0.0,
    p21: float = 0.0,
    rate: float = 0.0,
) -> tuple[float, ...]:
    """Ask whether the planned number of pairs proves the one finding."""
    answers = answers_of(DECISION, flips(random, people, p12, p21 + rate))
    return (_proven(answers, unit, verdict, tolerance),)


def of_amounts(
    number: int,
    random: np.random.Generator,
    *,
    unit: str,
    verdict: str,
    people: int,
    tolerance: float,
    gap: float,
    sd: float,
) -> tuple[float, ...]:
    """Ask the same of amounts whose gaps are normal."""
    reference = random.normal(0.0, 1.0, people)
    drawn = np.column_stack([reference, reference + random.normal(gap, sd, people)])
    return (_proven(answers_of(NUMBER, drawn), unit, verdict, tolerance),)


def whole_audit(
    number: int,
    random: np.random.Generator,
    *,
    people: int,
    favor: float,
    against: float,
    verdict: str,
) -> tuple[float, ...]:
    """Ask whether all findings together prove what `paribus plan` planned for."""
    answers = answers_of(DECISION, flips(random, people, favor, against))
    return (overall(judge(weighed(answers, TOLERANCE), TOLERANCE)) == verdict,)


def _whole(times: int) -> list[Setting]:
    # With flips one way; noise either way would make the flip rate a bias of its own.
    cases = {
        "0.5 % of decisions change, all one way": 0.005,
        "a gap of 4.0 %, all one way": 0.04,
    }
    goals = _goals()
    found = []
    for case, against in cases.items():
        goal = goals[case]
        assert goal.people is not None
        options = {"favor": 0.0, "against": against, "verdict": goal.verdict}
        title = f"Whole audit `{goal.verdict}`, {case}: {goal.people:,} people planned"
        planned = {**options, "people": goal.people}
        found.append(Setting(title, whole_audit, times, _whole_lines, planned))
    return found


@cache
def _goals() -> dict[str, Goal]:
    loan = Audit(
        probe=Echo(column="code", outcome="decision", favorable=1),
        tolerance=TOLERANCE,
        size=500,
        protect={"gender": Protected(levels=("Male", "Female"))},
        fields={"code": map_of("gender", {"Male": 1, "Female": 0})},
    )
    return {goal.case: goal for goal in plan(loan, power=POWER).goals}


def _proven(answers: Answers, unit: str, verdict: str, tolerance: float) -> bool:
    rows = [row for row in weighed(answers, tolerance) if row.unit == unit]
    return judge(rows, tolerance)[0].verdict == verdict


def _told(case: Mapping[str, float]) -> str:
    titles = {"p12": "changed for", "p21": "against"}
    return ", ".join(f"{titles.get(name, name)} {value:g}" for name, value in case.items())


def _lines(planned: float, results: Results) -> list[Row]:
    found = float(results.mean())
    bound = f"{percent(planned)} ± 3 points"
    held = abs(found - planned) <= POINTS and planned >= POWER
    return [Row("power, against the chance that the planner gives", percent(found), bound, held)]


def _whole_lines(results: Results) -> list[Row]:
    found = float(results.mean())
    bound = f"≥ {percent(POWER)} − 3 points"
    held = found >= POWER - POINTS
    return [Row("power, against that of `paribus plan`", percent(found), bound, held)]
