"""All levels of an attribute together: whether they differ at all, and what carries the gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from paribus._seeds import generator
from paribus.answers import Answers
from paribus.evidence.base import Row, Test, Unit
from paribus.people.population import People
from paribus.stats.relabeling import friedman
from paribus.twins import CROSS, Contrast, all_contrasts

_RESAMPLES = 200
_PEOPLE = 20_000
"""People from whom the shares of attributes in a gap are resampled, at most."""

_ROUNDING = 1e-12
"""Share of the range of all answers below which cells differ by rounding alone."""

Floats = npt.NDArray[np.float64]


class Levels(Test):
    """Whether the levels differ at all, and which of several crossed attributes carries it."""

    kind: Literal["levels"] = "levels"
    cross: tuple[tuple[str, ...], ...] = ()
    """Attributes to cross, where no other test asks for them."""

    def needs(self, people: People) -> Sequence[Contrast]:
        return all_contrasts(people, self.cross)

    def weigh(self, answers: Answers, tolerance: float, confidence: float) -> Sequence[Row]:
        families: dict[tuple[str, ...], list[Contrast]] = {}
        for contrast in answers.tallies:
            if contrast.kind != "placebo":
                families.setdefault(contrast.attributes, []).append(contrast)
        rows: list[Row] = []
        for contrasts in families.values():
            if len(contrasts) < 2 or not (answers.outcome.decides or answers.outcome.measures):
                continue
            each = [answers.effects(contrast) for contrast in contrasts]
            told = np.all([known for _, known in each], axis=0)
            if not told.any():
                continue
            gaps = np.column_stack([gap[told] for gap, _ in each])
            what = _about(contrasts[0], len(told), int(told.sum()))
            if not answers.exhaustive:
                rows.append(_gate(what, answers, gaps))
            if contrasts[0].kind == "cell":
                rows.extend(_carried(what, answers, contrasts, gaps, told, confidence))
        return rows


def _gate(what: dict[str, Any], answers: Answers, gaps: Floats) -> Row:
    """Ask whether any level differs from any other, before asking which.

    Both tests compare the versions of one person only, so that gaps from the reference are all that
    they need. Friedman's test of favorable answers, with its correction for ties, is Cochran's; of
    people who were asked twice it takes the mean of both answers.
    """
    noun: Unit = "Cochran Q" if answers.outcome.decides else "Friedman"
    statistic, freedom, p = friedman(np.column_stack([np.zeros(len(gaps)), gaps]))
    return Row(
        **what,
        unit=noun,
        estimate=statistic,
        low=statistic,
        high=statistic,
        p=p,
        method=f"chi-square with {freedom} degrees of freedom, of people with all answers",
    )


def _about(contrast: Contrast, people: int, answered: int) -> dict[str, Any]:
    return {
        "test": "levels",
        "contrast": contrast.kind,
        "attribute": contrast.attribute,
        "reference": contrast.reference_name,
        "group": "all",
        "people": people,
        "answered": answered,
    }


# --- which attribute carries the gap --------------------------------------------------------------


def _carried(
    what: dict[str, Any],
    answers: Answers,
    contrasts: Sequence[Contrast],
    gaps: Floats,
    told: npt.NDArray[np.bool_],
    confidence: float,
) -> Iterator[Row]:
    """Share the differences between the cells out among the attributes that are crossed.

    Every person stands in every cell, so the sums of squares of a factorial design add up exactly:
    each attribute's own part, and what only several attributes together do (Fisher 1925).
    """
    attributes = contrasts[0].attributes
    shape = tuple(len(answers.twins.people.protect[name].levels) for name in attributes)
    cells = _cells_of(contrasts, attributes, shape)
    weights = _likely(answers, told)
    lowest, highest = (0.0, 1.0) if answers.outcome.decides else answers.bounds
    observed = _parts((weights @ gaps)[None, :], cells, shape, highest - lowest)[0]
    low = high = observed
    if not answers.exhaustive:
        some = gaps[:_PEOPLE]
        rng = generator(answers.twins.people.seed, "levels/resamples", 0)
        drawn = rng.poisson(1.0, (_RESAMPLES, len(some))).astype(np.float64)
        means = drawn @ some / np.maximum(drawn.sum(axis=1, keepdims=True), 1.0)
        resampled = _parts(means, cells, shape, highest - lowest)
        tail = (1 - confidence) / 2
        low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    for i, group in enumerate((*attributes, CROSS.join(attributes))):
        yield Row(
            **{**what, "group": group},
            unit="share of the gap",
            estimate=float(observed[i]),
            low=float(min(low[i], observed[i])),
            high=float(max(high[i], observed[i])),
            exact=answers.exhaustive,
            method="sums of squares, bootstrap interval"
            if not answers.exhaustive
            else "sums of squares",
        )


def _likely(answers: Answers, told: npt.NDArray[np.bool_]) -> Floats:
    """Give how likely each person with all answers is among them."""
    weights = np.ones(len(told)) if answers.weights is None else answers.weights
    likely: Floats = weights[told] / weights[told].sum()
    return likely


def _cells_of(
    contrasts: Sequence[Contrast], attributes: tuple[str, ...], shape: tuple[int, ...]
) -> npt.NDArray[np.intp]:
    """Give the number of each contrast's cell in the full factorial table."""
    places = []
    for contrast in contrasts:
        moves = dict(contrast.group.moves)
        places.append(np.ravel_multi_index(tuple(moves[name] for name in attributes), shape))
    return np.array(places, dtype=np.intp)


def _parts(
    means: Floats, cells: npt.NDArray[np.intp], shape: tuple[int, ...], spread: float
) -> Floats:
    """Give each attribute's share of the differences, and that of all together, shape (b, k + 1).

    Where no cell differs from any other by more than rounding, there is nothing to share out, and
    all shares are 0.
    """
    table = np.zeros((len(means), int(np.prod(shape))))
    table[:, cells] = means
    # Of answers of any size, the squares stay within the numbers.
    table /= max(spread, np.finfo(np.float64).tiny)
    table -= table.mean(axis=1, keepdims=True)
    total = (table**2).sum(axis=1)
    grid = table.reshape(len(means), *shape)
    parts = []
    for axis, levels in enumerate(shape):
        others = tuple(i + 1 for i in range(len(shape)) if i != axis)
        main = grid.mean(axis=others)
        parts.append((main**2).sum(axis=1) * (np.prod(shape) / levels))
    parts.append(np.maximum(0.0, total - np.sum(parts, axis=0)))
    some = total > _ROUNDING**2
    whole = np.where(some, np.sum(parts, axis=0), 1.0)
    return np.column_stack([np.where(some, part / whole, 0.0) for part in parts])
