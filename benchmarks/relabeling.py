"""How fast the tests by ranks and by relabeling are: sign flips against scipy's, and max-T."""

from __future__ import annotations

from typing import Any

import numpy as np
from timing import Row, interleaved, shown

from paribus.stats.ranks import hodges_lehmann, rank_shift, wilcoxon
from paribus.stats.relabeling import cochran_q, friedman, max_t, sign_flip

FLIPS, PERMUTATIONS = 9_999, 2_000


def rows(*, quick: bool) -> list[Row]:
    """Measure everything about ranks and relabeling."""
    return [*_flips(3 if quick else 9), *_versions(3 if quick else 9), *_ranks(2 if quick else 5)]


def _flips(rounds: int) -> list[Row]:
    values = np.random.default_rng(0).normal(0.02, 1.0, 2_000)
    many = np.random.default_rng(1).normal(0.0, 1.0, 1_000_000)
    median = interleaved(
        {
            "ours": lambda: sign_flip(values, FLIPS),
            "million": lambda: sign_flip(many, FLIPS),
            "plain": lambda: _scipy(values, vectorized=False),
            "vectorized": lambda: _scipy(values, vectorized=True),
        },
        rounds,
    )
    ours = shown(median["ours"])
    plain, vectorized = (median[name] / median["ours"] for name in ("plain", "vectorized"))
    return [
        Row(
            "9,999 sign flips of 2,000 differences: times `scipy.stats.permutation_test`",
            f"{plain:.0f}",
            "≥ 20",
            plain >= 20,
            f"{ours} against {shown(median['plain'])}",
        ),
        Row(
            "the same, times scipy's vectorized mode",
            f"{vectorized:.0f}",
            detail=f"{ours} against {shown(median['vectorized'])}",
        ),
        Row("a million differences, the normal limit", shown(median["million"])),
    ]


def _scipy(values: np.ndarray[Any, Any], *, vectorized: bool) -> Any:
    from scipy.stats import permutation_test

    def vector(x: Any, axis: int) -> Any:
        return np.mean(x, axis=axis)

    return permutation_test(
        (values,),
        vector if vectorized else np.mean,
        vectorized=vectorized,
        permutation_type="samples",
        n_resamples=FLIPS,
        batch=500 if vectorized else None,
        rng=np.random.default_rng(1),
    )


def _versions(rounds: int) -> list[Row]:
    random = np.random.default_rng(2)
    base = random.normal(size=(10_000, 1))
    scores = base + random.normal(size=(10_000, 5))
    decisions = scores > 0
    crowd = np.tile(decisions, (100, 1))
    wide = random.normal(size=(1_000_000, 5))
    median = interleaved(
        {
            "scores": lambda: max_t(scores, permutations=PERMUTATIONS),
            "decisions": lambda: max_t(decisions, permutations=PERMUTATIONS),
            "million decisions": lambda: max_t(crowd, permutations=PERMUTATIONS),
            "million scores": lambda: max_t(wide, permutations=PERMUTATIONS),
            "cochran": lambda: cochran_q(crowd),
            "friedman": lambda: friedman(wide),
        },
        rounds,
    )
    found = [
        Row(
            f"max-T, five versions of 10,000 people, 2,000 relabelings: {name}",
            shown(median[name]),
            "≤ 2 s",
            median[name] <= 2,
        )
        for name in ("scores", "decisions")
    ]
    return [
        *found,
        Row("max-T, a million people: decisions, counted", shown(median["million decisions"])),
        Row("max-T, a million people: scores, the normal limit", shown(median["million scores"])),
        Row("Cochran's Q, a million people, five versions", shown(median["cochran"])),
        Row("Friedman's test, a million people, five versions", shown(median["friedman"])),
    ]


def _ranks(rounds: int) -> list[Row]:
    random = np.random.default_rng(3)
    values, other = random.normal(size=1_000_000), random.normal(size=1_000_000)
    median = interleaved(
        {
            "sort": lambda: np.sort(values),
            "hodges": lambda: hodges_lehmann(values),
            "exact": lambda: hodges_lehmann(values, cells=values.size),
            "wilcoxon": lambda: wilcoxon(values),
            "shift": lambda: rank_shift(values, other),
        },
        rounds,
    )
    limit = median["hodges"]
    return [
        Row(
            "Hodges-Lehmann estimate and interval of a million differences, 20,001 cells",
            shown(limit),
            "≤ 500 ms",
            limit <= 0.5,
            f"sorting alone: {shown(median['sort'])}",
        ),
        Row("the same, exact", shown(median["exact"])),
        Row("Wilcoxon's test of a million differences", shown(median["wilcoxon"])),
        Row("moves in a ranking of a million people", shown(median["shift"])),
    ]
