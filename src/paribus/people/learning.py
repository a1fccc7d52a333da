"""Learn a population from a table: people like its rows, and none of its rows.

What is told: names of columns, shares, averages of at least `least` rows, categories that as many
rows have, and loadings of a Gaussian copula. What identifies is drawn by Mimesis. Only monotone
dependence between two columns at a time survives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus._text import count
from paribus.errors import DataError, ParibusError, SpecError, nearest
from paribus.people._identified import Replaced, guessed, replaced, stand_ins
from paribus.people._private_columns import Budget, Private, private_learnable
from paribus.people._private_dependence import private_dependence
from paribus.people._table_columns import OTHER, Learnable, counted, form_of, learnable
from paribus.people.fields.base import Field
from paribus.people.fields.constant import Constant
from paribus.people.fields.learned import LearnedField, Missing
from paribus.people.fields.map import Map
from paribus.people.fields.mimesis import Mimesis
from paribus.people.learned import Learned
from paribus.people.population import Protected
from paribus.stats.coarsening import rounded_shares
from paribus.stats.copula import Copula
from paribus.table import Scalar, Table, flat, lookup

_DELTA = 1e-6
_LOADING = 1e-4
_LEVELS = 50
"""Values up to which a column has levels without a word about which."""


def learn(
    table: Any,
    protect: str | Sequence[str] | Mapping[str, Any] | None = None,
    *,
    identifying: Mapping[str, Any] | None = None,
    least: int = 10,
    epsilon: float | None = None,
    delta: float | None = None,
    bounds: Mapping[str, tuple[Any, Any]] | None = None,
    locale: str = "en",
) -> Learned:
    """Learn a population from a table.

    Parameters
    ----------
    table : data frame, or path of a CSV or Parquet file
    protect : str, sequence of str, or mapping, optional
        Protected attributes; in a mapping, each with its levels (the first is the reference), with
        a table of `levels` and `reference`, or with None. Levels that are not declared are those
        that `least` rows have; the most common one is the reference. Rows at another level, or
        without one, are left out.
    identifying : mapping of str to str, mapping or Field, optional
        Columns of which no value may be told, each with what stands there instead: a sort of
        identifier (``"full_name"``, ``"email"``, ``"phone"``, ``"id"`` ...), a method of Mimesis
        (``"person.full_name"``), a field, or ``"drop"``. Without it, columns are told by their
        names; text that nearly every row has to itself is never told, either way.
    least : int
        Rows behind whatever is told, at least.
    epsilon : float, optional
        Learn with differential privacy: what is told is nearly as likely without any one row. Needs
        OpenDP (``pip install paribus[privacy]``).
    delta : float, optional
        With it, below 1 over the number of rows; 1e-6 where left out.
    bounds : mapping of str to (low, high), optional
        With `epsilon`: bounds of numbers or dates that are known without the table; what lies
        beyond is moved there. Where left out, they are learned privately too.
    locale : str
        Mimesis locale of what identifies.

    Returns
    -------
    Learned

    Raises
    ------
    DataError
        Where the table has fewer than `least` rows, lacks a column, or an attribute has fewer than
        two levels.
    SpecError
        For a declaration out of range.

    Notes
    -----
    Without `epsilon` nothing is left to chance: equal tables give equal populations. With it, the
    noise is never repeated, whatever the seed of what is drawn later.

    References
    ----------
    Nelsen (2006), An Introduction to Copulas, 2nd edition.
    Li, Xiong and Jiang (2014), Differentially private synthesization of multi-dimensional data
    using copula functions, Proceedings of EDBT, 475-486.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> rng = np.random.default_rng(0)
    >>> age = rng.integers(18, 70, 2_000)
    >>> frame = pa.table({"gender": rng.choice(["F", "M"], 2_000), "age": age, "pay": age * 900})
    >>> learned = learn(frame, protect="gender")
    >>> drawn = learned.draw(5_000, seed=1)
    >>> bool(np.corrcoef(drawn["age"], drawn["pay"])[0, 1] > 0.98)
    True
    """
    _check(least, epsilon, delta, bounds)
    source = Table.read(table, path="$") if isinstance(table, str | Path) else Table.of(table)
    budget = None if epsilon is None else Budget.of(epsilon, _DELTA if delta is None else delta)
    columns = {n: flat(source.column(n, slice(None)).arrow()) for n in source.names}
    for key, named in (("identifying", identifying), ("bounds", bounds)):
        for name in named or {}:
            _known(name, columns, f"$.{key}")
    declared = _declared_levels(protect, columns)
    if budget is None and len(source) < least:
        raise DataError(
            f"the table has {count(len(source), 'row')}, and {least} at least must be behind "
            "whatever is told; give more rows"
        )
    plan = _planned(columns, declared, identifying, least, locale, private=budget is not None)
    if budget is not None:
        budget = budget.dealt({n: columns[n] for n in plan.learned}, declared, bounds or {})
    return _learned(plan, columns, declared, least, budget)


# --- what is asked for ----------------------------------------------------------------------------


def _check(least: int, epsilon: float | None, delta: float | None, bounds: Any) -> None:
    if isinstance(least, bool) or not isinstance(least, int) or least < 1:
        raise SpecError(f"must be a whole number of rows, from 1, not {least!r}", path="$.least")
    if epsilon is None:
        for key, value in (("delta", delta), ("bounds", bounds)):
            if value is not None:
                raise SpecError("belongs to differential privacy: give epsilon", path=f"$.{key}")
        return
    if not _number(epsilon) or not 0 < epsilon <= 1000:
        raise SpecError(
            f"must be above 0, and at most 1000, not {epsilon!r}; 1 is a common choice",
            path="$.epsilon",
        )
    if delta is not None and (not _number(delta) or not 0 < delta < 1):
        raise SpecError(
            f"must lie between 0 and 1, not {delta!r}; well below 1 over the number of rows",
            path="$.delta",
        )


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _known(name: str, columns: Mapping[str, Any], path: str) -> None:
    if name not in columns:
        raise DataError(f'the table has no column "{name}"{nearest(name, columns)}', path=path)


def _declared_levels(
    protect: str | Sequence[str] | Mapping[str, Any] | None, columns: Mapping[str, pa.Array]
) -> dict[str, Protected | None]:
    """Give the declared levels of each protected attribute; None where the table says them."""
    given: Mapping[str, Any]
    if protect is None:
        given = {}
    elif isinstance(protect, Mapping):
        given = protect
    else:
        given = dict.fromkeys([protect] if isinstance(protect, str) else protect)
    declared: dict[str, Protected | None] = {}
    for name, levels in given.items():
        path = f"$.protect.{name}"
        _known(name, columns, path)
        table = levels if isinstance(levels, Mapping | Protected | None) else {"levels": levels}
        try:
            declared[name] = Protected(**table) if isinstance(table, Mapping) else table
        except ParibusError as error:
            raise error.under(path) from None
    return declared


@dataclass(frozen=True)
class _Plan:
    """What becomes of each column."""

    learned: tuple[str, ...]
    replaced: Mapping[str, Replaced]
    notes: tuple[str, ...]
    locale: str


def _planned(
    columns: Mapping[str, pa.Array],
    declared: Mapping[str, Any],
    identifying: Mapping[str, Any] | None,
    least: int,
    locale: str,
    *,
    private: bool,
) -> _Plan:
    stands: dict[str, Replaced] = {}
    learned = []
    notes: list[str] = []
    for name, array in columns.items():
        if name in declared:
            learned.append(name)
            continue
        asked = (identifying or {}).get(name)
        sort = guessed(name, array, least, named=identifying is not None, private=private)
        if asked is not None or sort is not None:
            became = replaced(name, asked if asked is not None else sort, array, locale)
            if became is None:
                learned.append(name)
            else:
                stands[name] = became
                notes.append(f'"{name}": {became.said}')
        elif form_of(array) is None:
            stands[name] = Replaced(None, "")
            notes.append(f'"{name}": left out, since nothing is learned of {array.type}.')
        else:
            learned.append(name)
    return _Plan(tuple(learned), stands, tuple(notes), locale)


# --- learning -------------------------------------------------------------------------------------


def _learned(
    plan: _Plan,
    columns: Mapping[str, pa.Array],
    declared: Mapping[str, Protected | None],
    least: int,
    budget: Budget | None,
) -> Learned:
    attributes, inside = _attributes(columns, declared, least, budget)
    rows = int(inside.sum())
    notes = list(plan.notes)
    if budget is None:
        if rows < least:
            raise DataError(
                f"{count(rows, 'row')} have one of the levels, and {least} at least must be behind "
                "whatever is told; check the levels",
                path="$.protect",
            )
        if rows < len(inside):
            left = len(inside) - rows
            told = count(left, "row") if left >= least else "Few rows"
            notes.append(f"{told} left out, at none of the levels.")
    kept = pa.array(np.flatnonzero(inside))
    others = [
        learnable(name, columns[name].take(kept), least)
        if budget is None
        else private_learnable(name, columns[name].take(kept), least, budget)
        for name in plan.learned
        if name not in declared
    ]
    learned = [*(each.take(inside) for each in attributes), *others]
    notes += [note for each in learned for note in each.notes]
    if budget is None:
        copula = Copula.fit([each.rows for each in learned])
        orders = [marginal.values for marginal in copula.marginals]
        gaps, correlation = copula.gaps, copula.correlation
    else:
        orders, gaps, correlation = private_dependence(learned, budget)
    made = _with_dependence(learned, orders, gaps, correlation)
    protect = {each.name: _protected(each, made, declared[each.name]) for each in attributes}
    fields = {each.name: _field(each, made) for each in others}
    if budget is None:
        fields |= _followers(learned, protect, notes)
    else:
        # Text of which nothing may be told.
        fields |= {
            each.name: Mimesis(method="text.sentence", locale=plan.locale)
            for each in others
            if each.declared.get("values") == [OTHER]
        }
    named = stand_ins(plan.replaced, protect, fields)
    present = tuple(n for n in columns if n in protect or n in fields or n in named)
    return Learned(
        fields={n: {**fields, **named}[n] for n in present if n not in protect},
        protect=protect,
        columns=present,
        least=least,
        rows=None if budget is not None else rows,
        epsilon=None if budget is None else budget.epsilon,
        delta=None if budget is None else budget.delta,
        notes=tuple(notes),
    )


def _attributes(
    columns: Mapping[str, pa.Array],
    declared: Mapping[str, Protected | None],
    least: int,
    budget: Budget | None,
) -> tuple[list[Learnable], npt.NDArray[np.bool_]]:
    """Give the protected attributes, and which rows have a level of each."""
    n = len(next(iter(columns.values())))
    inside = np.ones(n, dtype=np.bool_)
    attributes = []
    for name, protected in declared.items():
        levels, codes, counts = _levels(name, columns[name], protected, least, budget)
        if len(levels) < 2:
            raise DataError(
                f'"{name}" has {count(len(levels), "level")} that enough rows have '
                f"({least} or more); twins need two",
                path=f"$.protect.{name}",
            )
        inside &= codes >= 0
        shares = {"values": levels, "weights": rounded_shares(counts).tolist()}
        attributes.append(
            Learnable(name, codes, shares, 0.0)
            if budget is None
            else Private(name, codes, shares, 0.0, (), np.asarray(counts, dtype=np.float64))
        )
    return attributes, inside


def _levels(
    name: str, array: pa.Array, protected: Protected | None, least: int, budget: Budget | None
) -> tuple[list[Scalar], npt.NDArray[np.int64], Any]:
    if protected is None:
        codes, values, counts = counted(array)
        if budget is not None:
            return budget.levels(name, array, values, counts, codes, least)
        if len(values) > _LEVELS and not isinstance(values[0], str):
            raise DataError(
                f'"{name}" has {len(values):,} values; declare its levels, or band it first',
                path=f"$.protect.{name}",
            )
        levels: list[Scalar] = [str(v) if not isinstance(v, Scalar) else v for v in values]
    else:
        levels = list(protected.levels)
        codes = lookup(array, levels).astype(np.int64)
        counts = np.bincount(codes[codes >= 0], minlength=len(levels)).astype(np.int64)
        if budget is not None:
            return levels, codes, budget.counts(name, counts)
    often = np.flatnonzero(counts >= least)
    to = np.full(len(levels) + 1, -1, dtype=np.int64)
    to[often] = np.arange(len(often))
    return [levels[i] for i in often.tolist()], to[codes], counts[often]


@dataclass(frozen=True)
class _Tied:
    """How a column goes with those before it."""

    order: npt.NDArray[np.intp]
    dependence: dict[str, float]
    missing: Missing | None


def _with_dependence(
    learned: Sequence[Learnable],
    orders: Sequence[npt.NDArray[Any]],
    gaps: Sequence[int],
    correlation: npt.NDArray[np.float64],
) -> dict[str, _Tied]:
    """Turn a correlation into loadings on the columns before: the rows of its Cholesky factor."""
    factor = np.linalg.cholesky(correlation) if len(correlation) else correlation
    # Towards 0, so that what is left to 1 is never negative.
    loads = np.trunc(factor / _LOADING) * _LOADING
    names = [each.name for each in learned]

    def row(at: int, start: int, among: Sequence[str]) -> dict[str, float]:
        told = loads[at, start : min(at, start + len(among))]
        return {n: round(float(v), 4) for n, v in zip(among, told, strict=False) if v != 0}

    tied = {}
    lost = [names[i] for i in gaps]
    for at, each in enumerate(learned):
        missing = None
        if at in gaps:
            own = len(names) + list(gaps).index(at)
            share = max(round(each.missing, 6), 1e-6)
            missing = Missing(
                share=share, dependence=row(own, 0, names), gaps=row(own, len(names), lost)
            )
        elif each.missing >= 1:
            missing = Missing(share=1.0)
        order = np.asarray(orders[at]).astype(np.intp) if each.categorical else np.arange(0)
        tied[each.name] = _Tied(order, row(at, 0, names), missing)
    return tied


def _protected(each: Learnable, made: Mapping[str, _Tied], declared: Protected | None) -> Protected:
    levels, weights = each.declared["values"], each.declared["weights"]
    if declared is not None:
        reference = declared.levels[declared.reference_index]
        if lookup(pa.array([reference]), levels)[0] < 0:
            raise DataError(
                f'too few rows have the level "{reference}" of "{each.name}" to learn from; name '
                "another reference",
                path=f"$.protect.{each.name}.reference",
            )
    else:
        reference = levels[int(np.argmax(weights))]
    tied = made[each.name]
    order = tied.order.tolist()
    return Protected(
        levels=tuple(levels[i] for i in order),
        reference=reference,
        weights=tuple(weights[i] for i in order),
        dependence=tied.dependence,
    )


def _field(each: Learnable, made: Mapping[str, _Tied]) -> Field:
    tied, told = made[each.name], dict(each.declared)
    if each.categorical:
        for key in ("values", "weights"):
            told[key] = [each.declared[key][i] for i in tied.order.tolist()]
    if len(told.get("values", ())) == 1 and tied.missing is None:
        return Constant(value=told["values"][0])
    return LearnedField(**told, dependence=tied.dependence, missing=tied.missing)


def _followers(
    learned: Sequence[Learnable], protect: Mapping[str, Protected], notes: list[str]
) -> dict[str, Field]:
    """Give the columns that an attribute determines, one value a level: they follow it."""
    found: dict[str, Field] = {}
    for each in learned:
        values = each.declared.get("values", ())
        if each.name in protect or each.missing or len(values) < 2:
            continue
        places = each.rows if each.categorical else lookup(pa.array(each.rows), list(values))
        for attribute in learned[: len(protect)]:
            levels = attribute.declared["values"]
            pairs = np.unique(np.column_stack([attribute.rows, places]), axis=0)
            if len(pairs) != len(levels) or len(values) != len(levels) or pairs.min() < 0:
                continue
            table = {levels[int(a)]: values[int(b)] for a, b in pairs}
            found[each.name] = Map.model_validate({"of": attribute.name, "map": table})
            notes.append(
                f'"{each.name}": a map of "{attribute.name}", which it follows row by row.'
            )
            break
    return found
