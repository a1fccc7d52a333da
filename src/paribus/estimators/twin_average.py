"""A model that answers for every twin of a person and lets the mean decide."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.errors import DataError, ModelError, ParibusError, SpecError, nearest, reason
from paribus.estimators.base import Mended, _check_fitted
from paribus.estimators.fits import favorable_scores, fitted
from paribus.people.fields.base import FIELDS, Field, Streams, coded
from paribus.people.fields.constant import constant
from paribus.people.population import People, Protected
from paribus.probe._boosters import in_pandas
from paribus.table import (
    Coded,
    Column,
    Table,
    concat,
    flat,
    lookup,
    pool_of,
    python_values,
    to_frame,
)

Floats = npt.NDArray[np.float64]

_DECIMALS = 12
"""Of a mean: versions that balance each other are a tie, whatever the last bits of a sum say."""

_MOST = 10_000
"""Versions of a person, at most: as many times the estimator answers for everybody."""


class TwinAverage(Mended):
    """A classifier that is asked about every twin of a person, and whose mean answer decides.

    Every column of the closure that the estimator sees is replaced, whatever a person has there
    themselves, so the answer depends on nothing but the columns that twins share: twins are never
    decided otherwise. Neither the protected attributes nor what follows them need be known of
    whoever is asked about.

    The versions of a person are the cells of all attributes that move what the estimator sees:

    * a protected attribute is each of its levels;
    * what is made from others without chance (a map, a copy) is made from them;
    * what is drawn for a level (a name that follows the gender) is each of `draws` draws, the same
      for everybody: a person's own name counts no more than any other.

    Parameters
    ----------
    estimator : object
        Any classifier, fitted or not.
    recipe : str
        The protected attributes and the fields that follow them as JSON text, as
        `paribus.mitigation.base.Training.recipe` writes them.
    draws : int
        Draws at each level of what chance has a part in, at least 1.
    prefit : bool
        Whether `estimator` is fitted already and stays as it is.
    features : list of str, optional
        The columns that it sees; all of `X` that are not protected attributes where left out.
    favorable : label, optional
        The label that is good for a person; the last of the sorted labels where left out.
    matrix : bool
        Whether `estimator` takes a matrix of numbers without names.
    seed : int
        Of the draws.

    Attributes
    ----------
    classes_ : ndarray, shape (2,)
        The labels, sorted.
    estimator_ : object
        The estimator inside, fitted. It still tells levels apart.
    feature_names_in_ : ndarray of str
        The columns outside the closure; where the estimator sees none, its first column, whose
        values do not matter.
    versions_ : list of dict
        What the columns hold in each distinct version, the number of the draw, and how many
        versions look like this.

    Notes
    -----
    Every cell of levels counts the same, however many people belong to it. The mean is taken over
    the scores (probabilities where there are any), and is favorable from 0.5 on. Versions are asked
    one after the other: memory holds one of them, and an answer takes as many calls of the
    estimator as there are distinct versions.

    Pope and Sydnor (2011) fit with the attribute and average over it in the same way: unlike
    leaving the attribute out, it keeps other columns from standing in for it.

    References
    ----------
    Pope and Sydnor (2011), Implementing anti-discrimination policies in statistical profiling
    models, American Economic Journal: Economic Policy 3 (3), 206-231.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> recipe = '{"protect": {"sex": {"levels": ["m", "f"]}}, "fields": {"code": '
    >>> recipe += '{"kind": "map", "of": "sex", "map": {"m": 1, "f": 0}}}}'
    >>> past = pd.DataFrame({"code": [1, 1, 0, 0], "income": [20, 60, 20, 60]})
    >>> model = TwinAverage(DecisionTreeClassifier(random_state=0), recipe)
    >>> model.fit(past, [0, 1, 0, 0]).feature_names_in_.tolist()
    ['income']
    >>> model.predict_proba(pd.DataFrame({"income": [20, 60]})).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """

    versions_: list[dict[str, Any]]

    def __init__(
        self,
        estimator: Any,
        recipe: str,
        draws: int = 8,
        prefit: bool = False,
        features: list[str] | None = None,
        favorable: Any = None,
        matrix: bool = False,
        seed: int = 0,
    ) -> None:
        self.estimator = estimator
        self.recipe = recipe
        self.draws = draws
        self.prefit = prefit
        self.features = features
        self.favorable = favorable
        self.matrix = matrix
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TwinAverage:
        """Fit the estimator on people as they are, and make the versions of everybody.

        Parameters
        ----------
        X : data frame
            With the columns of the closure that the estimator sees; the protected attributes
            themselves need not be there.
        y : array-like, shape (n,)
        sample_weight : array-like, shape (n,), optional

        Raises
        ------
        DataError
            Where a column is missing, or cannot hold what a twin has there.
        ModelError
            Where the estimator is said to be fitted and is not, takes no weights, or has no answer
            at some level.
        SpecError
            Where the recipe makes no sense.
        """
        if isinstance(self.draws, bool) or self.draws < 1:
            raise SpecError(f"take 1 draw or more, not {self.draws}", path="$.draws")
        recipe = _parsed(self.recipe)
        attributes = list(recipe.people.protect)
        X = _frame(X)
        known = [str(name) for name in getattr(X, "columns", ())]
        names = self.features
        if names is None:
            names = [name for name in known if name not in attributes]
        made = recipe.makes(names)
        shared = [name for name in names if name not in recipe.closure]
        shared += [name for name in made if name not in recipe.closure and name not in shared]
        missing = [name for name in (*names, *shared) if name not in known]
        if known and missing:
            raise DataError(f'the data have no column "{missing[0]}"{nearest(missing[0], known)}')
        labels = self._begin(X, y, attributes, shared or names[:1])
        seen = self.seen_.of_frame(X)
        if self.prefit:
            _check_fitted(self.estimator)
            self.estimator_ = self.estimator
        else:
            weight = None if sample_weight is None else np.asarray(sample_weight, np.float64)
            self.estimator_ = fitted(self.estimator, seen, labels, weight)
        self._make_versions(recipe, made, X)
        self._try(X)
        return self

    def _make_versions(self, recipe: _Recipe, made: Sequence[str], X: Any) -> None:
        fields = recipe.people.fields
        moving = recipe.moving(made)
        behind = {parent for name in moving for parent in fields[name].parents}
        table = Table.of(X)
        self.moving_ = [name for name in made if name in moving]
        self.held_ = [name for name in made if name not in recipe.closure]
        handed = X if self.seen_.kind == "polars" else in_pandas(X)
        moved = [name for name in self.seen_.names if name in recipe.closure]
        self.types_ = {name: _type(handed, name) for name in moved}
        drawn = any(name in fields and fields[name].random for name in made)
        told_apart = any(fields[name].random for name in moving)
        draws = self.draws if drawn else 1
        versions = draws * prod(
            len(each.levels) for name, each in recipe.people.protect.items() if name in made
        )
        if versions > _MOST:
            raise SpecError(
                f"there are {versions:,} versions of everybody, and {_MOST:,} at most can be asked "
                "about; take fewer draws or fewer attributes",
                path="$.draws",
            )
        counted: dict[tuple[Any, ...], dict[str, Any]] = {}
        for columns in recipe.cells(made, table, draws, self.seed):
            shown = [name for name in columns if name in self.types_ or name in behind]
            values = [_values(name, columns[name], table) for name in shown]
            for draw, cell in enumerate(zip(*values, strict=True) if values else [()]):
                key = (*cell, draw if told_apart else 0)
                fresh = {"values": dict(zip(shown, cell, strict=True)), "draw": draw, "count": 0}
                counted.setdefault(key, fresh)["count"] += 1
        self.versions_ = list(counted.values())

    def _try(self, X: Any) -> None:
        """Ask about one person in all versions: a level that is not known shows at once."""
        first = X[:1]
        for version in self.versions_:
            try:
                self._score(first, version)
            except ParibusError:
                raise
            except Exception as error:
                said = ", ".join(f"{name} = {value}" for name, value in version["values"].items())
                raise ModelError(
                    f"the model has no answer for {said} ({reason(error)}); fit it on rows of "
                    "every level"
                ) from error

    # --- answers ----------------------------------------------------------------------------------

    def _favorable(self, X: Any) -> Floats:
        X = _frame(X)
        if len(self.versions_) == 1:
            return self._score(X, self.versions_[0])
        total = np.zeros(len(X))
        for version in self.versions_:
            total += version["count"] * self._score(X, version)
        mean = total / sum(version["count"] for version in self.versions_)
        return cast("Floats", np.clip(np.round(mean, _DECIMALS), 0.0, 1.0))

    def _decided(self, X: Any, good: Floats) -> npt.NDArray[np.bool_]:
        if self.types_:
            return good >= 0.5
        # Nothing that the estimator sees is moved: what it decides itself stands.
        said = self.estimator_.predict(self.seen_.of_frame(_frame(X)))
        return np.asarray(np.asarray(said).ravel() == self.favorable_)

    def _score(self, X: Any, version: Mapping[str, Any]) -> Floats:
        twins = self.seen_.of_frame(X, self._replaced(X, version))
        return favorable_scores(self.estimator_, twins, self.favorable_)

    def _replaced(self, X: Any, version: Mapping[str, Any]) -> dict[str, Any]:
        """Give what the columns of the closure hold in a version of some people."""
        polars = self.seen_.kind == "polars"
        fill = _polars_filled if polars else _pandas_filled
        out = {
            name: fill(value, len(X), self.types_[name])
            for name, value in version["values"].items()
            if name in self.types_
        }
        if self.moving_:
            columns = self._moved(Table.of(X), version)
            frame = to_frame(columns, "polars" if polars else "pandas")
            cast_to = _polars_typed if polars else _pandas_typed
            out |= {name: cast_to(frame[name], self.types_[name]) for name in columns}
        return out

    def _moved(self, table: Table, version: Mapping[str, Any]) -> dict[str, Column]:
        """Make the columns that follow both a level and what people have of their own."""
        fields = _parsed(self.recipe).people.fields
        rows = len(table)
        columns: dict[str, Column] = {
            name: Coded.constant(0, pool_of([value]), rows)
            for name, value in version["values"].items()
        }
        columns |= {name: table.column(name, slice(None)) for name in self.held_}
        for name in self.moving_:
            field = fields[name]
            parents = {parent: columns[parent] for parent in field.parents}
            if field.random:
                latent = _latent(field, name, self.draws, self.seed)
                columns[name] = _one_draw(field, latent, parents, version["draw"], self.draws)
            else:
                columns[name] = field.column(None, parents, 0, rows)
        return {name: columns[name] for name in self.moving_ if name in self.types_}


def _one_draw(
    field: Field, latent: Any, parents: Mapping[str, Column], draw: int, draws: int
) -> Column:
    """Give everybody the same draw, in the form that it has for their own parents."""
    codes = np.column_stack([coded(column).each() for column in parents.values()])
    _, first, place = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    made = []
    for row in first:
        alike = np.full(draws, row, np.intp)
        same = {name: column.take(alike) for name, column in parents.items()}
        made.append(field.column(latent, same, 0, draws).take(np.array([draw])))
    return concat(made).take(place.reshape(-1))


def _latent(field: Field, name: str, draws: int, seed: int) -> Any:
    if not field.random:
        return None
    return field.draw(Streams(seed, f"mitigation/twin_average/{name}", 0), draws)


# --- recipes --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Recipe:
    """How twins differ. Columns that people have of their own stand in `people` as constants."""

    people: People

    @cached_property
    def closure(self) -> frozenset[str]:
        """All columns in which twins differ."""
        return frozenset().union(*(self.people.closure(name) for name in self.people.protect))

    def makes(self, seen: Sequence[str]) -> tuple[str, ...]:
        """List what versions need of the closure, and what it is made from, parents first."""
        wanted = self.closure.intersection(seen)
        for name in reversed(self.people.order):
            if name in wanted:
                wanted = wanted.union(self.people.fields[name].parents)
        return tuple(n for n in (*self.people.protect, *self.people.order) if n in wanted)

    def moving(self, made: Sequence[str]) -> frozenset[str]:
        """Give the columns of the closure that follow something outside it too."""
        loose = {name for name in made if name not in self.closure}
        for name in self.people.order:
            if name in made and loose.intersection(self.people.fields[name].parents):
                loose.add(name)
        return self.closure & loose

    def cells(
        self, made: Sequence[str], table: Table, draws: int, seed: int
    ) -> Iterator[dict[str, Column]]:
        """Give the columns that are the same for everybody, in each cell of levels.

        Yields
        ------
        dict of str to Column
            One row for each draw.
        """
        moved = [name for name in made if name in self.people.protect]
        pools = {name: _spelled(name, self.people.protect[name], table) for name in moved}
        moving = self.moving(made)
        fixed = [
            name
            for name in made
            if name in self.people.fields and name in self.closure and name not in moving
        ]
        latent = {name: _latent(self.people.fields[name], name, draws, seed) for name in fixed}
        for cell in product(*(range(len(pools[name])) for name in moved)):
            columns: dict[str, Column] = {
                name: Coded.constant(level, pools[name], draws)
                for name, level in zip(moved, cell, strict=True)
            }
            for name in fixed:
                field = self.people.fields[name]
                parents = {parent: columns[parent] for parent in field.parents}
                columns[name] = field.column(latent[name], parents, 0, draws)
            yield columns


@lru_cache(maxsize=32)
def _parsed(recipe: str) -> _Recipe:
    """Read a recipe; kept outside the estimators, which hold the text alone."""
    try:
        told = json.loads(recipe)
        protect, listed = dict(told["protect"]), dict(told.get("fields", {}))
    except (TypeError, ValueError, KeyError, AttributeError):
        raise SpecError(
            'must be JSON text with "protect" and "fields", as Training.recipe() gives it',
            path="$.recipe",
        ) from None
    attributes = {name: Protected(**each) for name, each in protect.items()}
    fields = {
        name: cast("Field", FIELDS.parse(each, f"$.fields.{name}")) for name, each in listed.items()
    }

    def moves(name: str, trail: tuple[str, ...] = ()) -> bool:
        if name in attributes:
            return True
        if name not in fields or name in trail:
            return False
        return any(moves(parent, (*trail, name)) for parent in fields[name].parents)

    linked = {name: field for name, field in fields.items() if moves(name)}
    for name, field in linked.items():
        if name in field.parents:
            raise SpecError(
                f'"{name}" follows a protected attribute and is made from itself, so no version of '
                "it is the same for twins; leave that column out of the features",
                path=f"$.fields.{name}",
            )
    parents = {parent for field in linked.values() for parent in field.parents}
    outside = {name: constant(0) for name in sorted(parents.difference(linked, attributes))}
    return _Recipe(People(protect=attributes, fields=linked | outside, size=1))


def _spelled(attribute: str, protected: Protected, table: Table) -> pa.Array:
    """Give the levels as the rows spell them; a level that no row has as it is declared."""
    if attribute not in table.names:
        return protected.pool
    array = flat(table.column(attribute, slice(None)).arrow())
    values = [value for value in pc.unique(array).to_pylist() if value is not None]
    places = lookup(protected.pool, values)
    own = [
        values[at] if at >= 0 else level for at, level in zip(places, protected.levels, strict=True)
    ]
    try:
        return pa.array(own, array.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return protected.pool


# --- types of columns -----------------------------------------------------------------------------

_Type = str | list[str] | None
"""Name of a type, the values of an enumeration, or None where the values say it themselves."""


def _frame(X: Any) -> Any:
    """Give pandas and polars frames as they are, and others as pandas."""
    return X if hasattr(X, "iloc") or type(X).__module__.startswith("polars") else in_pandas(X)


def _values(name: str, column: Column, table: Table) -> list[Any]:
    """Give what a column holds, in the type that the rows have there, as plain values."""
    if name not in table.names:
        return python_values(column)
    held: list[Any] = list(to_frame({name: column}, table.kind, table)[name].to_list())
    return held


def _type(X: Any, name: str) -> _Type:
    column = X[name]
    if hasattr(X, "iloc"):
        # Categories are kept by the columns that the estimator has seen.
        return None if hasattr(column, "cat") else str(column.dtype)
    if hasattr(column.dtype, "categories") and str(column.dtype).startswith("Enum"):
        return [str(value) for value in column.dtype.categories]
    return str(column.dtype)


def _pandas_filled(value: Any, rows: int, name: _Type) -> Any:
    import pandas as pd

    return value if name is None else pd.array([value], dtype=cast("Any", name)).repeat(rows)


def _pandas_typed(column: Any, name: _Type) -> Any:
    return column.array if name is None else column.astype(name).array


def _polars_filled(value: Any, rows: int, name: _Type) -> Any:
    import polars as pl

    return _polars_typed(pl.Series([value]).new_from_index(0, rows), name)


def _polars_typed(column: Any, name: _Type) -> Any:
    import polars as pl

    simple = {
        str(each): each
        for each in (
            pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64,
            pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Categorical,
        )
    }  # fmt: skip
    to = pl.Enum(name) if isinstance(name, list) else simple.get(name or "")
    return column if to is None else column.cast(to)
