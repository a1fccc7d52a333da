"""Two audits laid side by side, of models that are equal in law or differ by just the margin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from pairs import DECISION, NUMBER, Values, answers_of, flips, unadvised
from table import ALPHA, Row, percent, seldom
from trials import Results, Setting, shortened

import paribus as pb
from paribus.answers import Answers
from paribus.evidence.counterfactual import Counterfactual
from paribus.findings import judge
from paribus.keeping import kept_of
from paribus.outcomes import Outcome

TIMES = 500
TOLERANCE = 0.02
MARGIN = 0.02

Draw = Callable[[np.random.Generator, int], tuple[Values, Values]]


def settings(share: float = 1.0) -> list[Setting]:
    """List the pairs of models."""
    times = shortened(TIMES, share)
    equal = partial(_equal, "comparisons that say `worse`")
    named: list[tuple[str, Draw, Callable[[Results], list[Row]], dict[str, object]]] = [
        (
            "Equal in law, 10 % changing either way, 300 people, no margin",
            partial(_noisy, (0.1, 0.1), (0.1, 0.1)), equal, {"people": 300, "margin": 0.0},
        ),
        (
            "Equal in law, a gap of 5 % and 3 % changing besides, 1,000 people, no margin",
            partial(_noisy, (0.03, 0.08), (0.03, 0.08)), equal, {"people": 1_000, "margin": 0.0},
        ),
        (
            "Equal in law, 1 % changing one way, 300 people, no margin",
            partial(_noisy, (0.0, 0.01), (0.0, 0.01)), equal, {"people": 300, "margin": 0.0},
        ),
        (
            "Equal in law, five levels that share a threshold, 300 people, no margin",
            _five, equal, {"people": 300, "margin": 0.0},
        ),
        (
            "Equal in law, amounts with heavy tails, 500 people, no margin",
            _amounts, equal, {"people": 500, "margin": 0.0, "measures": True},
        ),
        (
            "Equal in law, other people, a gap of 5 %, 1,000 people, no margin",
            partial(_noisy, (0.0, 0.05), (0.0, 0.05)), equal,
            {"people": 1_000, "margin": 0.0, "seeds": (1, 2)},
        ),
        (
            "Equal in law, the gap at the tolerance of 2 %, 3,000 people, margin the tolerance",
            partial(_noisy, (0.0, 0.02), (0.0, 0.02)), equal, {"people": 3_000},
        ),
        (
            "Worse by just the margin of 2 %, from no gap at all, 1,000 people",
            partial(_noisy, (0.02, 0.02), (0.02, 0.04)), _at_margin, {"people": 1_000},
        ),
        (
            "Worse by just the margin of 2 %, from a gap of 5 %, 1,000 people",
            partial(_noisy, (0.0, 0.05), (0.0, 0.07)), _at_margin, {"people": 1_000},
        ),
        (
            "Worse by just the margin of 2 %, nobody moved otherwise, 1,000 people",
            partial(_nested, 0.05, 0.07), _at_margin, {"people": 1_000},
        ),
        (
            "Worse by just the margin of 2 %, and nobody moved before, 200 people",
            partial(_nested, 0.0, 0.02), _at_margin, {"people": 200},
        ),
        (
            "Power: a gap of 5 % becomes one of 9 %, the same people",
            partial(_nested, 0.05, 0.09), partial(_power, 0.8), {"people": 1_500},
        ),
        (
            "Power: a gap of 5 % becomes one of 9 %, other people",
            partial(_nested, 0.05, 0.09), partial(_power, None),
            {"people": 1_500, "seeds": (1, 2)},
        ),
        (
            "Power: a gap of 5 % stays, up to 1 % of people moved either way, the same people",
            partial(_noisy_beside, 0.05, 0.01), partial(_proven_same, 0.8), {"people": 1_500},
        ),
    ]  # fmt: skip
    few = shortened(TIMES // 2, share)
    return [
        Setting(
            title, one_comparison, few if title.startswith("Power") else times, rows,
            {"draw": draw, **options},
        )
        for title, draw, rows, options in named
    ]  # fmt: skip


# --- models ---------------------------------------------------------------------------------------


def _noisy(
    before: tuple[float, float], after: tuple[float, float], random: np.random.Generator, n: int
) -> tuple[Values, Values]:
    """Draw flips of both models apart: chances in favor of the group, and against it."""
    return flips(random, n, *before), flips(random, n, *after)


def _nested(
    before: float, after: float, random: np.random.Generator, n: int
) -> tuple[Values, Values]:
    """Draw people whom the one model flips, and the other one as well, and some more."""
    place = random.random(n)
    both = []
    for gap in (before, after):
        reference = place < 0.5 + gap
        both.append(np.column_stack([reference, place < 0.5]).astype(np.int8))
    return both[0], both[1]


def _noisy_beside(
    gap: float, moved: float, random: np.random.Generator, n: int
) -> tuple[Values, Values]:
    """Draw a gap that stays, and people whom the second model answers otherwise at random."""
    before, _ = _nested(gap, gap, random, n)
    other = random.random(n) < moved
    after = before.copy()
    after[other, 1] = random.integers(0, 2, int(other.sum()))
    # As often in favor as against, or the gap would not stay.
    after[other, 0] = random.integers(0, 2, int(other.sum()))
    return before, after


def _five(random: np.random.Generator, n: int) -> tuple[Values, Values]:
    merit = random.random((n, 1))
    both = [(merit + 0.03 * random.normal(size=(n, 5)) > 0.5).astype(np.int8) for _ in range(2)]
    return both[0], both[1]


def _amounts(random: np.random.Generator, n: int) -> tuple[Values, Values]:
    merit = random.normal(size=(n, 1))
    gap = np.array([0.0, 0.3])
    both = [merit - gap + random.standard_t(4, size=(n, 2)) for _ in range(2)]
    return both[0], both[1]


# --- one comparison -------------------------------------------------------------------------------


def one_comparison(
    number: int,
    random: np.random.Generator,
    *,
    draw: Draw,
    people: int,
    margin: float = MARGIN,
    measures: bool = False,
    seeds: tuple[int, int] = (0, 0),
) -> Sequence[float]:
    """Compare two audits; tell its verdict, and whether any gap is said to be worse or better."""
    outcome = NUMBER if measures else DECISION
    records = [
        _record(answers_of(outcome, values, seed=seed), seed, outcome)
        for values, seed in zip(draw(random, people), seeds, strict=True)
    ]
    compared = pb.compare(records[0], records[1], margin=margin)
    said = [change.verdict for change in compared.changes]
    return (
        compared.verdict == "worse",
        compared.verdict == "no worse",
        "better" in said,
        said[0] == "unchanged",
        said[1] == "unchanged",
    )


def _record(answers: Answers, seed: int, outcome: Outcome) -> pb.Record:
    tolerance = 0.2 if outcome.measures else TOLERANCE
    rows = Counterfactual(placebo=False).weigh(answers, tolerance, 1 - ALPHA)
    findings = judge(unadvised(rows), tolerance, 1 - ALPHA)
    return pb.Record.sum_up(
        name="simulated", tolerance=tolerance, confidence=1 - ALPHA, seed=seed,
        people=answers.people, spec={}, evidence=tuple(rows), findings=findings,
        kept=kept_of(answers), run={},
    )  # fmt: skip


# --- lines ----------------------------------------------------------------------------------------


def _equal(what: str, results: Results) -> list[Row]:
    worse, _, better, *_ = results.sum(axis=0).tolist()
    times = len(results)
    return [
        seldom(what, worse, times),
        seldom("comparisons that call any gap `better`", better, times),
    ]


def _at_margin(results: Results) -> list[Row]:
    worse, no_worse, _, flip_rate, net_gap = results.sum(axis=0).tolist()
    times = len(results)
    return [
        seldom("comparisons that say `worse`", worse, times),
        seldom("comparisons that say `no worse`", no_worse, times),
        seldom("flip rates that are `unchanged`", flip_rate, times),
        seldom("net gaps that are `unchanged`", net_gap, times),
    ]


def _power(least: float | None, results: Results) -> list[Row]:
    rate = float(results[:, 0].mean())
    return [
        Row(
            "comparisons that say `worse`",
            percent(rate),
            "" if least is None else f"≥ {percent(least)}",
            None if least is None else rate >= least,
        )
    ]


def _proven_same(least: float, results: Results) -> list[Row]:
    rate = float(results[:, 1].mean())
    return [
        Row("comparisons that say `no worse`", percent(rate), f"≥ {percent(least)}", rate >= least)
    ]
