"""Attacks on an anonymized table: singling people out, linking two sources, inferring a secret.

Each is run three times: against the people in the table, against people who are not in it (the
control: what can be said of anybody from the table is no leak about anyone), and by an attacker who
guesses without the table (naive). A table is a sequence of columns as in
`paribus.stats.closeness`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from paribus._seeds import generator
from paribus.stats.closeness import Scaling, Table, nearest
from paribus.stats.rate_intervals import ratio_interval, wilson

__all__ = ["Attack", "Tries", "inference", "linkability", "residual_risk", "singling_out"]

Condition: TypeAlias = tuple[int, str, float | int]

_ORDERS = ("<=", ">=", "==", "!=", "<", ">")
_WORK = 500_000_000
"""Comparisons that an attacker spends on finding predicates, at most."""
_LARGEST = 1e300


@dataclass(frozen=True)
class Tries:
    """Successes among tries.

    Attributes
    ----------
    successes, tries : int
        ``0 <= successes <= tries``.
    """

    successes: int
    tries: int

    @property
    def rate(self) -> float:
        """Share of successes, in [0, 1]; 0 without a try."""
        return self.successes / self.tries if self.tries else 0.0

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Give Wilson's interval of the rate; everything without a try."""
        low, high = wilson(self.successes, self.tries, confidence)
        return float(low), float(high)


@dataclass(frozen=True)
class Attack:
    """What an attack achieved.

    Attributes
    ----------
    main : Tries
        Against people in the table.
    naive : Tries
        Against the same people, by guessing.
    control : Tries
        Against people who are not in the table.

    Examples
    --------
    >>> attack = Attack(main=Tries(150, 500), naive=Tries(20, 500), control=Tries(100, 500))
    >>> [round(x, 4) for x in attack.risk()]
    [0.125, 0.0599, 0.1867]
    >>> attack.weaker_than_naive
    False
    """

    main: Tries
    naive: Tries
    control: Tries

    @property
    def weaker_than_naive(self) -> bool:
        """Whether guessing succeeds as often: then a low risk says nothing about the table."""
        return self.main.rate <= self.naive.rate

    def risk(self, confidence: float = 0.95) -> tuple[float, float, float]:
        """Give the residual risk with its interval: estimate, low, high; see `residual_risk`."""
        return residual_risk(self.main, self.control, confidence)


def residual_risk(
    main: Tries, control: Tries, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Share of the failures against outsiders that turn to successes against people in the table.

    ``R = (main - control) / (1 - control)`` of the success rates.

    Parameters
    ----------
    main, control : Tries
        Against people in the table, and against people who are not.
    confidence : float
        Nominal coverage, in (0, 1).

    Returns
    -------
    estimate, low, high : float
        In [0, 1], with ``low <= estimate <= high``; negative values count as 0. Where nothing was
        tried, or no attack at all failed, nothing is known: 0, 0, 1.

    Notes
    -----
    ``1 - R`` is the ratio of the two failure rates, so the interval is that of a ratio, from the
    Wilson intervals of both rates (see `paribus.stats.rate_intervals.ratio_interval`). The package
    anonymeter takes the middle of each Wilson interval for the rate and propagates half of its
    width to first order. By enumeration at 95 %, for 20 to 500 tries and rates from 0.01 to 0.99,
    both cover with 0.96 on average and at least 0.91; the interval here is 3 % shorter and is not
    symmetric, and its estimate is not drawn towards that of rates of one half.

    References
    ----------
    Giomi, Boenisch, Wehmeyer and Tasnádi (2023), A unified framework for quantifying privacy risk
    in synthetic data, Proceedings on Privacy Enhancing Technologies 2023(2), 312-328, section 3.

    Examples
    --------
    >>> [round(x, 4) for x in residual_risk(Tries(80, 100), Tries(60, 100))]
    [0.5, 0.2156, 0.6837]
    """
    missed, let = main.tries - main.successes, control.tries - control.successes
    low, high = ratio_interval(missed, main.tries, let, control.tries, confidence)
    if not main.tries or not control.tries or control.rate == 1.0:
        estimate = 0.0
    else:
        estimate = max(0.0, (main.rate - control.rate) / (1.0 - control.rate))
    least, most = max(0.0, 1.0 - float(high)), max(0.0, 1.0 - float(low))
    return estimate, min(least, estimate), max(most, estimate)


# --- singling out ---------------------------------------------------------------------------------


def singling_out(
    fakes: Table,
    training: Table,
    holdout: Table,
    *,
    width: int = 3,
    attacks: int = 500,
    seed: int = 0,
) -> Attack:
    """Guess predicates that hold for exactly one real row, from those that hold for one fake row.

    Parameters
    ----------
    fakes, training, holdout : tables of the same columns
        The larger of training and holdout is cut to the size of the smaller one, by chance: in a
        smaller table any predicate singles out more rarely.
    width : int
        Columns of a predicate, at most those there are. 1: rare values and extremes of single
        columns (univariate). Above: the values of a fake row in so many columns drawn by chance,
        numbers as "at least" above the median and "at most" below it (multivariate).
    attacks : int
        Predicates to try at most. Fewer are tried where no more are found: `Attack.main.tries`
        says how many, and 0 means that the attacker found nothing to try.
    seed : int

    Returns
    -------
    Attack

    Notes
    -----
    A predicate succeeds where it holds for exactly one row. Two people who are alike in all columns
    are not singled out (anonymeter takes them for one row first). The naive attacker draws columns,
    comparisons and values by chance. The intervals are conditional on the tables: other predicates
    would give other counts, not other people.

    Where the holdout is smaller than the training table, the rows that are cut away cannot be
    found, and the risk comes out smaller about in that proportion: of a table that is a copy, 0.1
    with a holdout of a fifth. Only sides of equal size tell the whole risk.

    References
    ----------
    Giomi et al. (2023), Proceedings on Privacy Enhancing Technologies 2023(2), section 4.1; the
    notion: Cohen and Nissim (2020), Towards formalizing the GDPR's notion of singling out,
    Proceedings of the National Academy of Sciences 117, 8344-8352.

    Examples
    --------
    >>> import numpy as np
    >>> people = np.random.default_rng(0).normal(size=(2, 200, 4))
    >>> copied = singling_out(people[0].T, people[0].T, people[1].T, attacks=100)
    >>> copied.main, copied.control.rate < 0.5
    (Tries(successes=100, tries=100), True)
    """
    draw = generator(seed, "attacks/singling_out", 0)
    _check(fakes, training, holdout)
    sides = min(len(training[0]), len(holdout[0]))
    inside, outside = (_some(side, sides, draw) for side in (training, holdout))
    wide = min(width, len(fakes))
    found = _rare(fakes, attacks, draw) if wide == 1 else _rows(fakes, wide, attacks, draw)
    guesses = _guesses(fakes, wide, len(found), draw)
    return Attack(_singled(found, inside), _singled(guesses, inside), _singled(found, outside))


def _singled(predicates: list[tuple[Condition, ...]], table: Table) -> Tries:
    singled = [_holding(predicate, table) == 1 for predicate in predicates]
    return Tries(sum(singled), len(singled))


def _holding(predicate: tuple[Condition, ...], table: Table) -> int:
    """Count the rows for which all conditions hold."""
    rows: NDArray[np.intp] | None = None
    for column, order, value in predicate:
        values = np.asarray(table[column])
        holds = _holds(values if rows is None else values[rows], order, value)
        rows = np.flatnonzero(holds) if rows is None else rows[holds]
    return 0 if rows is None else len(rows)


def _holds(values: NDArray[Any], order: str, value: float | int) -> NDArray[np.bool_]:
    # Nothing compares to what is missing: conditions on it are of their own.
    if value != value:
        missing = np.isnan(values)
        return np.asarray(missing if order == "==" else ~missing)
    if order == "==":
        return np.asarray(values == value)
    if order == "!=":
        return np.asarray((values != value) & (values == values))
    if order in {"<=", "<"}:
        return np.asarray(values <= value if order == "<=" else values < value)
    return np.asarray(values >= value if order == ">=" else values > value)


def _rare(fakes: Table, attacks: int, draw: np.random.Generator) -> list[tuple[Condition, ...]]:
    found: list[tuple[Condition, ...]] = []
    for number, column in enumerate(np.asarray(part) for part in fakes):
        if not len(column):
            continue
        values, counts = np.unique(column, return_counts=True)
        # More rare values than attacks can be drawn from one column are not needed.
        rare = values[counts == 1]
        rare = draw.choice(rare, min(len(rare), attacks), replace=False) if len(rare) else rare
        found.extend([((number, "==", value.item()),) for value in rare])
        known = (values == values).nonzero()[0] if _is_number(column) else []
        for order, place in zip(("<=", ">="), (0, -1), strict=True):
            if len(known) and counts[known[place]] == 1:
                found.append(((number, order, values[known[place]].item()),))
    return [found[i] for i in draw.permutation(len(found))[:attacks]]


def _rows(
    fakes: Table, width: int, attacks: int, draw: np.random.Generator
) -> list[tuple[Condition, ...]]:
    n, columns = len(fakes[0]), [np.asarray(column) for column in fakes]
    if not n:
        return []
    middles = [_median(column) for column in columns]
    found: dict[tuple[Condition, ...], None] = {}
    left = max(4 * attacks, min(100 * attacks, _WORK // (n * width)))
    left = min(left, 20 * n * math.comb(len(columns), width))
    while left > 0 and len(found) < attacks:
        left -= 1
        row = int(draw.integers(n))
        chosen = np.sort(draw.choice(len(columns), width, replace=False)).tolist()
        predicate = tuple(_as_in(columns[c][row].item(), c, middles[c]) for c in chosen)
        if predicate not in found and _holding(predicate, fakes) == 1:
            found[predicate] = None
    return list(found)


def _as_in(value: float | int, column: int, middle: float | None) -> Condition:
    if middle is None or value != value:
        return column, "==", value
    return column, ">=" if value > middle else "<=", value


def _guesses(
    fakes: Table, width: int, attacks: int, draw: np.random.Generator
) -> list[tuple[Condition, ...]]:
    if not attacks:
        return []
    pools = [np.unique(np.asarray(column)) for column in fakes]
    guesses = []
    for _ in range(attacks):
        chosen = np.sort(draw.choice(len(pools), width, replace=False)).tolist()
        guesses.append(tuple(_by_chance(pools[c], c, draw) for c in chosen))
    return guesses


def _by_chance(pool: NDArray[Any], column: int, draw: np.random.Generator) -> Condition:
    value = pool[draw.integers(len(pool))].item()
    orders = _ORDERS if _is_number(pool) and value == value else ("==", "!=")
    return column, orders[draw.integers(len(orders))], value


def _median(column: NDArray[Any]) -> float | None:
    if not _is_number(column):
        return None
    known = column[~np.isnan(column)]
    return float(np.partition(known, len(known) // 2)[len(known) // 2]) if len(known) else 0.0


# --- linking and inferring ------------------------------------------------------------------------


def linkability(
    fakes: Table,
    training: Table,
    holdout: Table,
    first: Sequence[int],
    second: Sequence[int],
    *,
    neighbors: int = 1,
    attacks: int = 500,
    searched: int = 50_000,
    scaling: Scaling = "range",
    seed: int = 0,
) -> Attack:
    """Link what two sources know of one person, where both point to the same fake row.

    Parameters
    ----------
    fakes, training, holdout : tables of the same columns
    first, second : sequence of int
        Positions of the columns that either source knows; none in both.
    neighbors : int
        Fake rows that each source may point to, at least 1.
    attacks : int
        People to attack at most, drawn by chance.
    searched : int
        Fake rows to search at most, drawn by chance: with fewer than there are the attack is
        weaker than it could be.
    scaling : {"rank", "range"}
        What differences of numbers are divided by, as in `paribus.stats.closeness.nearest`.
    seed : int

    Returns
    -------
    Attack

    Notes
    -----
    Of equally near fakes both sources take those that come first in one order drawn by chance. The
    naive attacker points to any fake rows.

    References
    ----------
    Giomi et al. (2023), Proceedings on Privacy Enhancing Technologies 2023(2), section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> people = np.random.default_rng(0).normal(size=(2, 200, 4))
    >>> copied = linkability(people[0].T, people[0].T, people[1].T, [0, 1], [2, 3])
    >>> copied.main, copied.control.rate < 0.1
    (Tries(successes=200, tries=200), True)
    """
    _check(fakes, training, holdout)
    draw = generator(seed, "attacks/linkability", 0)
    pool = _shuffled(fakes, searched, draw)
    n = len(pool[0])

    def linked(side: Table) -> Tries:
        people = _some(side, attacks, draw)
        found = [
            nearest(_part(people, known), _part(pool, known), neighbors=neighbors, scaling=scaling)
            for known in (first, second)
        ]
        return _meeting(found[0][0], found[1][0])

    main = linked(training)
    near = min(neighbors, n)
    guesses = np.zeros((2, main.tries, near), np.intp)
    for pair in guesses:
        for row in pair:
            row[:] = draw.choice(n, near, replace=False) if n else 0
    return Attack(main, _meeting(*guesses), linked(holdout))


def _meeting(one: NDArray[np.intp], other: NDArray[np.intp]) -> Tries:
    met = (one[:, :, None] == other[:, None, :]).any(axis=(1, 2))
    return Tries(int(met.sum()), len(met))


def inference(
    fakes: Table,
    training: Table,
    holdout: Table,
    known: Sequence[int],
    secret: int,
    *,
    tolerance: float = 0.05,
    attacks: int = 500,
    searched: int = 50_000,
    scaling: Scaling = "range",
    seed: int = 0,
) -> Attack:
    """Guess a secret of a person from the fake row that is nearest in what is known of them.

    Parameters
    ----------
    fakes, training, holdout : tables of the same columns
    known : sequence of int
        Positions of the columns that the attacker knows of the person.
    secret : int
        Position of the column to guess, not among `known`.
    tolerance : float
        Difference, as a share of the true number's size, up to which a number counts as guessed,
        at least 0. Categories must be the same, and so must missing values.
    attacks, searched, scaling, seed
        As for `linkability`.

    Returns
    -------
    Attack

    Notes
    -----
    The naive attacker gives the secret of any fake row. anonymeter takes the tolerance as a share
    of the guess instead, which lets every negative guess pass.

    References
    ----------
    Giomi et al. (2023), Proceedings on Privacy Enhancing Technologies 2023(2), section 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> people = np.random.default_rng(0).normal(size=(2, 200, 3))
    >>> copied = inference(people[0].T, people[0].T, people[1].T, [0, 1], 2)
    >>> copied.main, copied.control.rate < 0.1
    (Tries(successes=200, tries=200), True)
    """
    _check(fakes, training, holdout)
    draw = generator(seed, "attacks/inference", 0)
    pool = _shuffled(fakes, searched, draw)
    secrets = np.asarray(pool[secret])

    def people_of(side: Table) -> Table:
        return _some(side, attacks, draw)

    def guessed(people: Table, guesses: NDArray[Any]) -> Tries:
        right = _same(guesses, np.asarray(people[secret]), tolerance)
        return Tries(int(right.sum()), len(people[0])) if len(right) else Tries(0, len(people[0]))

    def pointed(people: Table) -> Tries:
        rows, _ = nearest(_part(people, known), _part(pool, known), scaling=scaling)
        return guessed(people, secrets[rows[:, 0]] if rows.shape[1] else secrets)

    inside, outside = people_of(training), people_of(holdout)
    blind = secrets[draw.integers(len(secrets), size=len(inside[0]))] if len(secrets) else secrets
    return Attack(pointed(inside), guessed(inside, blind), pointed(outside))


def _same(guesses: NDArray[Any], truth: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    if len(guesses) != len(truth):
        return np.zeros(0, np.bool_)
    if not _is_number(truth):
        return np.asarray(guesses == truth)
    right: NDArray[np.bool_] = np.isnan(guesses) & np.isnan(truth)
    both = ~np.isnan(guesses) & ~np.isnan(truth)
    said, true = (
        np.clip(x[both].astype(np.float64), -_LARGEST, _LARGEST) for x in (guesses, truth)
    )
    right[both] = np.abs(said - true) <= tolerance * np.abs(true)
    return right


# --- rows drawn by chance -------------------------------------------------------------------------


def _check(*tables: Table) -> None:
    if not len(tables[0]):
        raise ValueError("tables need at least one column")
    for table in tables:
        if len(table) != len(tables[0]):
            raise ValueError("the tables differ in their columns")
        if len({len(column) for column in table}) > 1:
            raise ValueError("the columns of a table differ in length")


def _some(table: Table, most: int, draw: np.random.Generator) -> Table:
    n = len(table[0])
    return table if n <= most else _taken(table, draw.choice(n, most, replace=False))


def _shuffled(table: Table, most: int, draw: np.random.Generator) -> Table:
    return _taken(table, draw.permutation(len(table[0]))[:most])


def _taken(table: Table, rows: NDArray[np.intp]) -> Table:
    return [np.asarray(column)[rows] for column in table]


def _part(table: Table, columns: Sequence[int]) -> Table:
    return [table[column] for column in columns]


def _is_number(column: NDArray[Any]) -> bool:
    return bool(np.issubdtype(column.dtype, np.floating))
