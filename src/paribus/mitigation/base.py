"""What a mitigation is: it takes a table or a model, gives a table or a model, and no verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import RLock
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pydantic
from pydantic import SerializeAsAny

from paribus import estimators
from paribus._plugins import Declaration, Family, Whole
from paribus.errors import ParibusError, SpecError, nearest
from paribus.people.fields.base import Field
from paribus.people.population import People, Protected
from paribus.people.sample import Rows
from paribus.table import Table, lookup

MITIGATIONS = Family("paribus.mitigation", "mitigation")

Stage = Literal["data", "features", "training", "decisions"]
"""Where a mitigation works: on the rows, on the columns, in the fit, or on what is decided."""

USUAL = (
    *("reweigh", "resample", "augment", "massage"),
    *("drop_attribute", "drop_proxies", "residualize"),
    *("constrain", "consistency"),
    *("thresholds", "reject_option", "twin_average"),
)
"""What is tried where nobody says what; consistency where the model is a logistic regression."""

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Training:
    """Rows to learn from, and the estimator that shall learn.

    Parameters
    ----------
    table : Table
        All columns: the features, the protected attributes, and whatever else there is.
    label : ndarray, shape (n,)
        What really happened, one of two labels.
    favorable : label
        The label that is good for a person.
    estimator : object
        Not fitted, or fitted on something else: it is cloned before every fit.
    features : tuple of str
        The columns that it sees, in its order.
    protect : mapping of str to Protected
        Protected attributes, every one a column of `table`.
    fields : mapping of str to Field
        What follows them, as declared: how a twin differs.
    weight : ndarray of float64, shape (n,), optional
        How many people a row stands for.
    matrix : bool
        Whether the estimator takes a matrix of numbers without names.
    seed : int
    """

    table: Table
    label: npt.NDArray[Any]
    favorable: Any
    estimator: Any
    features: tuple[str, ...]
    protect: Mapping[str, Protected]
    fields: Mapping[str, Field] = field(default_factory=dict)
    weight: Floats | None = None
    matrix: bool = False
    seed: int = 0
    _lock: Any = field(default_factory=RLock, repr=False)

    def __len__(self) -> int:
        return len(self.label)

    # --- columns ----------------------------------------------------------------------------------

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the protected attributes."""
        return tuple(self.protect)

    @cached_property
    def closure(self) -> frozenset[str]:
        """The attributes and all columns that follow one: twins differ in nothing else."""
        return frozenset().union(*(self.people.closure(name) for name in self.protect))

    @property
    def frame(self) -> Any:
        """The rows as the caller's kind of data frame."""
        return self.table.frame.to_native()

    @cached_property
    def seen(self) -> Any:
        """How the estimator is handed rows, a `paribus.estimators.frames.Seen`."""
        return estimators.Seen.of(self.frame, self.estimator, self.features, matrix=self.matrix)

    @cached_property
    def X(self) -> Any:
        """The rows as the estimator sees them."""
        return self.seen.of_frame(self.frame)

    # --- people -----------------------------------------------------------------------------------

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        """Whose label is favorable, shape (n,)."""
        return np.asarray(self.label == self.favorable)

    @property
    def groups(self) -> Any:
        """Crossed groups of all attributes, a `paribus.estimators.groups.Groups`.

        People whose attribute is missing are groups of their own.
        """
        return self._grouped[0]

    @property
    def codes(self) -> Codes:
        """The number of each row's group, shape (n,)."""
        return self._grouped[1]

    @cached_property
    def _grouped(self) -> tuple[Any, Codes]:
        grouped: tuple[Any, Codes] = estimators.Groups.coded(self.frame, self.attributes)
        return grouped

    @cached_property
    def people(self) -> People:
        """The rows as base people, whose twins `paribus.twins` makes."""
        rows = Rows(self.table, self.seed, None)
        return People(
            protect=dict(self.protect), fields=dict(self.fields), size=len(rows), seed=self.seed,
            rows=rows,
        )  # fmt: skip

    def recipe(self) -> str:
        """Write the attributes and what follows them as JSON text, for models that make twins."""
        plain: dict[str, Any] = {"mode": "json", "exclude_none": True, "exclude_defaults": True}
        protect = {name: each.model_dump(**plain) for name, each in self.protect.items()}
        fields = {
            name: {"kind": each.kind} | each.model_dump(**plain)
            for name, each in self.fields.items()
        }
        return json.dumps({"protect": protect, "fields": fields}, sort_keys=True)

    # --- models -----------------------------------------------------------------------------------

    def fit(self) -> Any:
        """Fit a clone of the estimator on these rows."""
        return estimators.fitted(self.estimator, self.X, self.label, self.weight)

    @property
    def plain(self) -> Any:
        """The estimator fitted on these rows as they are: fitted once, and shared."""
        with self._lock:
            return self._plain

    @cached_property
    def _plain(self) -> Any:
        return self.fit()

    @property
    def held_out(self) -> Floats:
        """How sure the estimator is of the favorable label for rows it has not seen, shape (n,).

        Made by three clones, each fitted on two thirds of the rows; made once, and shared.
        """
        with self._lock:
            return self._held_out

    @cached_property
    def _held_out(self) -> Floats:
        return estimators.held_out_scores(
            self.estimator, self.X, self.label, self.favorable,
            strata=self.codes, weight=self.weight, seed=self.seed,
        )  # fmt: skip

    # --- other rows -------------------------------------------------------------------------------

    def of(self, **changed: Any) -> Training:
        """Give other rows, labels or weights to the same estimator."""
        return replace(self, **changed, _lock=RLock())

    def take(self, index: npt.NDArray[np.intp]) -> Training:
        """Give some of the rows, or some of them several times.

        Levels of which nobody is left are left out: nothing can be learned about them.
        """
        weight = None if self.weight is None else self.weight[index]
        table = self.table.take(index)
        protect = {n: occurring(table, n, each) or each for n, each in self.protect.items()}
        return self.of(table=table, label=self.label[index], weight=weight, protect=protect)


def occurring(table: Table, attribute: str, protected: Protected) -> Protected | None:
    """Keep the levels that some row has; None where they are fewer than two.

    Examples
    --------
    >>> import pandas as pd
    >>> table = Table.of(pd.DataFrame({"race": ["a", "c", "a"]}))
    >>> occurring(table, "race", Protected(levels=("a", "b", "c"), reference="b")).levels
    ('a', 'c')
    """
    found = lookup(table.column(attribute, slice(None)).arrow(), protected.levels)
    there = np.bincount(found[found >= 0], minlength=len(protected.levels)) > 0
    if there.all():
        return protected
    if there.sum() < 2:
        return None
    levels = tuple(level for level, known in zip(protected.levels, there, strict=True) if known)
    reference = protected.levels[protected.reference_index]
    return Protected(levels=levels, reference=reference if reference in levels else None)


@dataclass(frozen=True)
class Mended:
    """What a mitigation gives: a fitted model, and what was done to get it."""

    model: Any
    """A fitted estimator with ``predict``, which names the columns that it needs."""
    notes: tuple[str, ...] = ()
    """Whole sentences, such as how many labels were changed."""


@dataclass(frozen=True)
class Treated:
    """A table that a mitigation has treated, and what was done to it."""

    training: Training
    notes: tuple[str, ...] = ()


class Mitigation(Declaration):
    """A way to mend a model. A kind that treats the rows says how in `treat`, others in `mend`."""

    kind: str
    stage: ClassVar[Stage]

    def mend(self, training: Training) -> Mended:
        """Give a model fitted on some rows.

        Parameters
        ----------
        training : Training

        Returns
        -------
        Mended

        Raises
        ------
        ParibusError
            Where it does not suit these rows or this estimator, in one sentence.
        """
        treated = self.treat(training)
        return Mended(treated.training.fit(), treated.notes)

    def treat(self, training: Training) -> Treated:
        """Give the rows as the model shall learn from them.

        Raises
        ------
        ParibusError
            Where it does not suit these rows.
        """
        raise NotImplementedError


# --- what is asked for ----------------------------------------------------------------------------


class Request(Declaration):
    """Which ways to mend a model are tried, on which rows, and how they are compared.

    What ``[mitigate]`` says, and what can be checked of it without a model or a row.

    Examples
    --------
    >>> Request.of({"label": "repaid", "try": ["reweigh", "twin-average"]}).candidates[1].kind
    'twin_average'
    """

    label: str | None = None
    """Column of what really happened."""
    train: str | None = None
    """A CSV or Parquet file to learn from; that of ``[data]`` where left out."""
    candidates: tuple[SerializeAsAny[Mitigation], ...] | None = pydantic.Field(
        default=None, min_length=1
    )
    """What is tried; all that is usual where left out."""
    scorer: str | Callable[..., float] = "accuracy"
    """A scorer of scikit-learn by name, or a function of (model, X, y); higher is better, and the
    favorable label is 1 to it."""
    gap: str | None = None
    """The gap that shall close: ``flip rate`` and other units of twins, or ``demographic parity``
    and other criteria of groups. The first of the audit's own where left out."""
    folds: Whole = pydantic.Field(default=3, ge=2, le=20)
    """Parts of the rows; each is predicted by models fitted on the others."""
    weight: str | None = None
    """Column that says how many people a row stands for."""

    @pydantic.model_validator(mode="after")
    def _named_once(self) -> Request:
        named(self.candidates or ())
        return self

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Request:
        """Read ``[mitigate]``, where candidates are called ``try``.

        Raises
        ------
        SpecError
            With a path such as ``$.mitigate.try[0].kind``.
        """
        keys = ["try" if key == "candidates" else key for key in Request.model_fields]
        for key in table:
            if key not in keys:
                raise SpecError(f'unknown key "{key}"{nearest(key, keys)}', path="$.mitigate")
        given = dict(table)
        if "try" in given:
            given["candidates"] = parsed(given.pop("try"))
        try:
            return cls(**given)
        except ParibusError as error:
            path = error.path.replace("$.candidates", "$.try", 1)
            raise type(error)(error.message, path=path).under("$.mitigate") from None


def parsed(candidates: Any, path: str = "$.mitigate.try") -> tuple[Mitigation, ...]:
    """Turn names of kinds, tables with a kind, and declarations into declarations.

    Raises
    ------
    SpecError
        For an unknown kind or option; names of kinds may have dashes.
    """
    if not isinstance(candidates, list | tuple):
        raise SpecError('must be a list, such as ["reweigh"]', path=path)
    if not candidates:
        raise SpecError('name at least 1 kind, such as ["reweigh"]', path=path)
    return tuple(_parsed(each, f"{path}[{i}]") for i, each in enumerate(candidates))


def _parsed(given: Any, path: str) -> Mitigation:
    made = given
    if isinstance(given, str):
        made = MITIGATIONS.parse({"kind": given.replace("-", "_")}, path)
    elif isinstance(given, Mapping):
        made = MITIGATIONS.parse(given, path)
    if not isinstance(made, Mitigation):
        raise SpecError(
            f'must be a kind, such as "reweigh", or a table with one, not {given!r}'[:200],
            path=path,
        )
    return made


def named(mitigations: Sequence[Mitigation]) -> dict[str, Mitigation]:
    """Name candidates by their kind, and by their options where a kind is there twice.

    Raises
    ------
    SpecError
        Where two are the same.
    """
    kinds = [each.kind for each in mitigations]
    out: dict[str, Mitigation] = {}
    for each in mitigations:
        plain = each.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        options = ", ".join(str(value) for key, value in plain.items() if key != "kind")
        several = kinds.count(each.kind) > 1 and options
        name = f"{each.kind} ({options})" if several else each.kind
        if name in out:
            raise SpecError(f'"{name}" is named twice', path="$.try")
        out[name] = each
    return out
