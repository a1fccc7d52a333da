"""What a mitigation is: it takes a table or a model, gives a table or a model, and no verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import RLock
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from paribus import estimators
from paribus._plugins import Declaration, Family
from paribus.people.fields.base import Field
from paribus.people.population import People, Protected
from paribus.people.sample import Rows
from paribus.table import Table

MITIGATIONS = Family("paribus.mitigation", "mitigation")

Stage = Literal["data", "features", "training", "decisions"]
"""Where a mitigation works: on the rows, on the columns, in the fit, or on what is decided."""

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
        """Give some of the rows, or some of them several times."""
        weight = None if self.weight is None else self.weight[index]
        return self.of(table=self.table.take(index), label=self.label[index], weight=weight)


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
