"""Who is in the data: the share of every group, held against a declared population."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field

from paribus._plugins import Number, Whole
from paribus._text import count, name, number, percent
from paribus.errors import SpecError, nearest
from paribus.evidence.base import Check, Row, Weighed
from paribus.observed import Groups, Observed
from paribus.roles import CROSS, MISSING, level_name
from paribus.stats.multinomial import (
    goodness_of_fit,
    p_share_above,
    p_share_below,
    p_share_within,
    simultaneous,
)
from paribus.table import Scalar, lookup, pool_of

NAMED = 12
"""Groups that a note names, at most."""

_ROUNDING = 0.02
"""How far declared shares may be from adding up to 1: they were rounded by whoever wrote them."""

_SHARE = "share of the data"
_RATIO = "representation"

Floats = npt.NDArray[np.float64]


class Representation(Check):
    """The share of every group in the data, and whether it is that of the declared population.

    With a population, the share of each group in the data is divided by its share there. A ratio
    from `least` to ``1 / least`` counts as equal. Its four fifths are a habit, taken over from the
    rule of the United States for selection rates (29 CFR 1607.4 D), and not a law of statistics:
    declare what your use needs. Without a population there is nothing to hold the shares against.

    Shares are those among people of whom the attribute is known; people of whom it is not are
    shown as a group of their own and never compared. Intervals of the shares of one attribute hold
    all at once.
    """

    kind: Literal["representation"] = "representation"
    least: Number = Field(default=0.8, gt=0, lt=1)
    """The smallest ratio to the population that counts as equal; its reciprocal is the largest."""
    few: Whole = Field(default=30, ge=0)
    """Rows below which a group is named as small."""

    def weigh(self, observed: Observed, tolerance: float, confidence: float) -> Weighed:
        declared = _declared(observed)
        rows: list[Row] = []
        notes: list[str] = []
        for attributes in observed.attributes:
            groups = observed.groups(attributes)
            shares = _Shares.of(groups, declared.get(groups.attribute), observed, attributes)
            rows.extend(_shown(shares, confidence))
            rows.extend(_compared(shares, self.least, confidence))
            notes.extend(_crossed(shares, observed, attributes))
            notes.extend(_small(shares, self.few))
            notes.extend(_not_comparable(shares))
        notes.extend(_undeclared(observed, self.least))
        return Weighed(tuple(rows), notes=tuple(notes))


@dataclass(frozen=True, eq=False)
class _Shares:
    """The groups of an attribute in the data, and those that only the population has."""

    attribute: str
    names: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    """Rows of each group, shape (G,)."""
    weight: Floats
    square: Floats
    unknown: npt.NDArray[np.bool_]
    population: Floats | None
    """Share of each group in the population, shape (G,), 0 for people of whom it is unknown."""

    @classmethod
    def of(
        cls,
        groups: Groups,
        declared: Mapping[str, float] | None,
        observed: Observed,
        attributes: Sequence[str],
    ) -> _Shares:
        weight, square = groups.weight.sum(axis=(1, 2)), groups.square.sum(axis=(1, 2))
        population: Floats | None = None
        absent: tuple[str, ...] = ()
        if declared is not None:
            population, absent = _matched(groups, declared, observed, attributes)
        more = len(absent)
        return cls(
            groups.attribute,
            (*groups.names, *absent),
            np.concatenate([groups.sizes, np.zeros(more, np.int64)]),
            np.concatenate([weight, np.zeros(more)]),
            np.concatenate([square, np.zeros(more)]),
            np.concatenate([groups.unknown, np.zeros(more, bool)]),
            population,
        )

    def effective(self, chosen: npt.NDArray[np.bool_]) -> Floats:
        """Give counts of some groups that have the shares and the certainty of the weighted rows.

        They add up to the effective number of rows (Kish 1965), which is that of the rows
        themselves where all weights are equal.
        """
        weight, square = self.weight[chosen], float(self.square[chosen].sum())
        return weight * (float(weight.sum()) / square) if square > 0 else np.zeros(len(weight))


# --- the declared population ----------------------------------------------------------------------


def _declared(observed: Observed) -> dict[str, dict[str, float]]:
    """Check the declared populations, and make the shares of each add up to 1."""
    known = [CROSS.join(attributes) for attributes in observed.attributes]
    out: dict[str, dict[str, float]] = {}
    for attribute, shares in observed.roles.population.items():
        path = f"$.data.population.{attribute}"
        if attribute not in known:
            raise SpecError(
                f'"{attribute}" is none of the protected attributes, alone or crossed'
                f"{nearest(attribute, known)}",
                path=path,
            )
        for level, share in shares.items():
            if not 0 <= share <= 1:
                raise SpecError(
                    f'the share of "{level}" must be from 0 to 1, not {share:g}', path=path
                )
        total = sum(shares.values())
        if abs(total - 1) > _ROUNDING:
            raise SpecError(
                f"the shares of all levels must add up to 1, not {total:.4g}", path=path
            )
        out[attribute] = {level: share / total for level, share in shares.items()}
    return out


def _matched(
    groups: Groups, declared: Mapping[str, float], observed: Observed, attributes: Sequence[str]
) -> tuple[Floats, tuple[str, ...]]:
    """Find the declared share of each group, and the declared groups that nobody belongs to."""
    path = f"$.data.population.{groups.attribute}"
    written = {_written(level, observed, attributes): level for level in declared}
    if len(written) < len(declared):
        twice = next(level for level in declared if level not in written.values())
        raise SpecError(f'"{twice}" is named twice, in different words', path=path)
    lacking = [
        group
        for group, unknown in zip(groups.names, groups.unknown, strict=True)
        if not unknown and group not in written
    ]
    if lacking:
        raise SpecError(
            f'the data have the {groups.attribute} "{lacking[0]}", of which the population says '
            f"nothing{nearest(lacking[0], declared)}; give each group its share, 0 where it has "
            "none",
            path=path,
        )
    absent = tuple(group for group in written if group not in groups.names)
    shares = [declared[written[group]] if group in written else 0.0 for group in groups.names]
    return np.array(shares + [declared[written[group]] for group in absent]), absent


def _written(level: str, observed: Observed, attributes: Sequence[str]) -> str:
    """Write a declared level as the data do: 1 and 1.0 are one, and so are true and True."""
    parts = level.split(CROSS) if len(attributes) > 1 else [level]
    if len(parts) != len(attributes):
        return level
    out = []
    for attribute, part in zip(attributes, parts, strict=True):
        levels = _levels(observed, attribute)
        place = int(lookup(pool_of([part]), levels)[0])
        out.append(part if place < 0 else level_name(levels[place]))
    return CROSS.join(out)


def _levels(observed: Observed, attribute: str) -> list[Scalar]:
    tally = observed.table
    return [v for v in tally.levels[tally.keys.index(attribute)] if v is not None]


# --- rows -----------------------------------------------------------------------------------------


def _about(shares: _Shares, people: int, answered: int) -> dict[str, Any]:
    return {
        "test": "representation",
        "contrast": "group",
        "stage": "collection",
        "attribute": shares.attribute,
        "reference": "",
        "people": people,
        "answered": answered,
    }


def _shown(shares: _Shares, confidence: float) -> Iterator[Row]:
    """Show the share of each group: of the known among the known, of the unknown among all."""
    everybody = np.ones(len(shares.names), bool)
    people = int(shares.rows.sum())
    for unknown, among in ((False, ~shares.unknown), (True, everybody)):
        k = shares.effective(among)
        low, high = simultaneous(k, confidence)
        answered = int(shares.rows[among].sum())
        names = np.array(shares.names, object)[among]
        weight = shares.weight[among]
        total = float(weight.sum()) or 1.0
        for i in np.flatnonzero(shares.unknown[among] == unknown):
            share = float(weight[i] / total)
            expected = None
            if shares.population is not None and not unknown:
                expected = float(shares.population[among][i])
            yield Row(
                **_about(shares, people, answered),
                group=str(names[i]),
                unit=_SHARE,
                relation="value",
                scale="share",
                field=MISSING if unknown else "",
                estimate=share,
                low=min(float(low[i]), share),
                high=max(float(high[i]), share),
                expected=expected,
                method="simultaneous multinomial interval",
            )


def _compared(shares: _Shares, least: float, confidence: float) -> Iterator[Row]:
    """Hold the share of each known group against its share in the population."""
    if shares.population is None:
        return
    known = ~shares.unknown
    k, expected = shares.effective(known), shares.population[known]
    n = float(k.sum())
    if n <= 0:
        return
    names = np.array(shares.names, object)[known]
    low, high = simultaneous(k, confidence)
    p, p_outside = _p_apart(k, expected, 1.0), _p_apart(k, expected, least)
    p_within = p_share_within(k, expected, least)
    about = _about(shares, int(shares.rows.sum()), int(shares.rows[known].sum()))
    for i in np.flatnonzero(expected > 0):
        ratio, scale = float(k[i] / n / expected[i]), 1 / float(expected[i])
        yield Row(
            **about,
            group=str(names[i]),
            unit=_RATIO,
            relation="ratio",
            scale="ratio",
            estimate=ratio,
            low=min(float(low[i]) * scale, ratio),
            high=max(float(high[i]) * scale, ratio),
            expected=float(expected[i]),
            p=float(p[i]),
            p_outside=float(p_outside[i]),
            p_within=float(p_within[i]),
            held=True,
            tolerance=round(1 - least, 12),
            claim=_claim(str(names[i]), shares.attribute, ratio),
            method="share in the data over share in the population, simultaneous multinomial "
            "interval, exact binomial tests",
        )
    apart = float(np.abs(k / n - expected).sum() / 2)
    yield Row(
        **about,
        group="",
        unit="dissimilarity",
        relation="test",
        scale="share",
        estimate=apart,
        low=apart,
        high=apart,
        p=goodness_of_fit(k, expected),
        method="share of people who would have to be of another group (Duncan and Duncan 1955); "
        "p-value of the chi-square test of all shares together",
    )


def _p_apart(k: Floats, expected: Floats, least: float) -> Floats:
    """Give p-values of ratios below `least` or above ``1 / least``: twice, as either is claimed."""
    below, above = p_share_below(k, expected, least), p_share_above(k, expected, least)
    return cast("Floats", np.minimum(1.0, 2 * np.minimum(below, above)))


def _claim(group: str, attribute: str, ratio: float) -> str:
    times = number(float(f"{ratio:.3g}"))
    return (
        f"The share of {name(group)} ({name(attribute)}) in the data is {times} of their share in "
        "the population"
    )


# --- notes ----------------------------------------------------------------------------------------


def _crossed(shares: _Shares, observed: Observed, attributes: Sequence[str]) -> Iterator[str]:
    """Name the combinations of levels that nobody has, and the smallest that somebody has."""
    if len(attributes) == 1:
        return
    each = [[level_name(v) for v in _levels(observed, attribute)] for attribute in attributes]
    known = np.flatnonzero(~shares.unknown & (shares.rows > 0))
    here = {shares.names[i] for i in known}
    cells = math.prod(len(levels) for levels in each)
    # Of many levels there may be far more combinations than rows: no more of them than are named.
    empty = list(islice((c for c in map(CROSS.join, product(*each)) if c not in here), NAMED))
    of = name(shares.attribute)
    if empty:
        without = cells - len(here)
        listed = _listed(empty, total=without)
        yield f"Of {count(cells, 'combination')} of {of}, {without:,} have no row: {listed}."
    smallest = known[np.argmin(shares.rows[known])]
    yield (
        f"The smallest group of {of} is {name(shares.names[smallest])}, with "
        f"{count(int(shares.rows[smallest]), 'row')}."
    )


def _small(shares: _Shares, few: int) -> Iterator[str]:
    small = np.flatnonzero(~shares.unknown & (shares.rows > 0) & (shares.rows < few))
    if len(small):
        order = small[np.argsort(shares.rows[small], kind="stable")]
        named = _listed([shares.names[i] for i in order], [int(shares.rows[i]) for i in order])
        yield (
            f"Fewer than {few} rows of {name(shares.attribute)}: {named}. Little can be learned or "
            "proven of so few."
        )


def _not_comparable(shares: _Shares) -> Iterator[str]:
    """Say what was declared but cannot be compared, and who is left out of comparisons."""
    attribute, population = name(shares.attribute), shares.population
    if population is None:
        return
    none = np.flatnonzero(~shares.unknown & (shares.rows == 0) & (population > 0))
    if len(none):
        listed = _listed([shares.names[i] for i in none])
        yield f"The population has groups of {attribute} of which nobody is in the data: {listed}."
    extra = np.flatnonzero(~shares.unknown & (shares.rows > 0) & (population == 0))
    if len(extra):
        listed = _listed([shares.names[i] for i in extra])
        yield (
            f"The data have groups of {attribute} whose declared share in the population is 0: "
            f"{listed}. There is no ratio to nobody."
        )
    lost, total = float(shares.weight[shares.unknown].sum()), float(shares.weight.sum())
    if lost > 0:
        yield (
            f"{percent(lost / total)} of people are of unknown {attribute}. The others are "
            "compared with the population as if those were unknown by chance alone."
        )


def _undeclared(observed: Observed, least: float) -> Iterator[str]:
    population = observed.roles.population
    single = [attributes[0] for attributes in observed.attributes if len(attributes) == 1]
    lacking = [attribute for attribute in single if attribute not in population]
    if lacking:
        yield (
            f"No population is declared for {_listed(lacking)}: shares in the data alone cannot "
            "say whether anybody is represented too little."
        )
    for attributes in observed.attributes:
        crossed = CROSS.join(attributes)
        if len(attributes) > 1 and crossed not in population and not set(attributes) & set(lacking):
            yield (
                f"The population is declared for {' and '.join(map(name, attributes))} each, and "
                f"not for {name(crossed)}: crossed shares do not follow from single ones, so these "
                "groups are not compared."
            )
    if population:
        yield (
            f"Ratios from {least:.2f} to {1 / least:.2f} count as equal: a habit, taken over from "
            "the four-fifths rule for selection rates, and no more."
            if least == 0.8
            else f"Ratios from {least:.2f} to {1 / least:.2f} count as equal, as declared."
        )


def _listed(names: Sequence[str], rows: Sequence[int] = (), total: int | None = None) -> str:
    """List the first names, each with its rows where they are given, and count the others."""
    shown = [name(each) for each in names[:NAMED]]
    if rows:
        shown = [f"{each} ({n:,})" for each, n in zip(shown, rows, strict=False)]
    more = (len(names) if total is None else total) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
