"""A model asked about real rows: as they are, and with one column of people of another group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus._seeds import generator
from paribus.counting import Source
from paribus.observed import Observed, Swap
from paribus.outcomes import Outcome
from paribus.probe._rows import RowByRow
from paribus.probe.base import Model, Probe
from paribus.roles import Roles
from paribus.table import Scalar, lookup, pool_of

ASKED = 10_000_000
"""Rows about which a model is asked, at most."""

SWAPPED = 10_000
"""Rows about which a model is asked again with a column of other people, at most."""


def answered(observed: Observed, probe: Probe, model: Model) -> Observed:
    """Ask a model about the rows, where the table says nothing of what was decided."""
    roles = observed.roles
    if roles.decision is not None or roles.score is not None or roles.prediction is not None:
        return observed
    table = observed.source.rows(ASKED, observed.seed)
    asked = RowByRow(_favoring(probe, model, roles), model, table, _hidden(roles))
    values, missing = asked.ask()
    named, told = _as_columns(asked.outcome, values, missing, observed, table.names)
    source = Source.of(table.with_columns(told).frame.to_native())
    found = Observed.of(source, roles.model_copy(update=named), observed.seed)
    return replace(found, model=model.name)


def swapped(observed: Observed, probe: Probe, model: Model) -> Observed:
    """Ask a model about rows as they are, and with one column of people of another group."""
    roles = observed.roles
    probe = _favoring(probe, model, roles)
    asked = RowByRow(probe, model, observed.sample, _hidden(roles))
    rows = _some(len(observed.sample), observed.seed)
    before, gone = asked.ask(rows)
    swaps = {}
    for attribute in roles.by:
        donors = observed.donors(attribute)[rows]
        for field in asked.features:
            if field in roles.by:
                continue
            after, lost = asked.ask(rows, {field: donors})
            known = np.ones(len(rows), bool)
            for each in (gone, lost):
                known &= each == 0 if each is not None else True
            swaps[attribute, field] = Swap(
                _settled(asked.outcome, before[known]),
                _settled(asked.outcome, after[known]),
                rows[known],
                asked.outcome.measures and asked.outcome.threshold is None,
            )
    return replace(observed, swaps=swaps, model=model.name)


def _hidden(roles: Roles) -> tuple[str, ...]:
    """List the columns that say how it ended: no model may see them."""
    named = (roles.label, roles.decision, roles.score, roles.prediction, roles.rank, roles.weight)
    return tuple(name for name in named if name is not None)


def _favoring(probe: Probe, model: Model, roles: Roles) -> Probe:
    """Let what is good for a person in the data be good in the model, where it does not say."""
    if probe.favorable is not None or roles.favorable is None or probe.outcome == "number":
        return probe
    declared = roles.favorable if isinstance(roles.favorable, tuple) else (roles.favorable,)
    known = probe.labels or model.classes
    if known is not None:
        declared = tuple(each for each in declared if lookup(pool_of([each]), known)[0] >= 0)
    return probe.model_copy(update={"favorable": declared}) if declared else probe


def _some(people: int, seed: int) -> npt.NDArray[np.intp]:
    """Choose rows at random: the first ones may all be of one group."""
    if people <= SWAPPED:
        return np.arange(people, dtype=np.intp)
    drawn = generator(seed, "swapped rows", 0).choice(people, SWAPPED, replace=False)
    return np.sort(drawn).astype(np.intp)


def _settled(outcome: Outcome, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Give answers as numbers; scores with a threshold as decisions."""
    if outcome.threshold is not None:
        high = outcome.prefer == "high"
        favorable = values >= outcome.threshold if high else values <= outcome.threshold
        return favorable.astype(np.float64)
    return values.astype(np.float64)


def _as_columns(
    outcome: Outcome, values: Any, missing: Any, observed: Observed, taken: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what a model said as columns, and the roles that they take."""
    roles = observed.roles
    known = np.ones(len(values), bool) if missing is None else np.asarray(missing) == 0
    role = {"score": "score", "number": "prediction"}.get(outcome.kind, "decision")
    name = f"model {role}"
    while name in taken:
        name += " "
    named: dict[str, Any] = {role: name}
    if outcome.measures:
        answers = np.where(known, values.astype(np.float64), np.nan)
        if role == "score":
            # A score of the favorable outcome is the higher the better.
            sign = -1.0 if outcome.prefer == "low" else 1.0
            answers = sign * answers
            threshold = roles.threshold if outcome.threshold is None else outcome.threshold
            named["threshold"] = None if threshold is None else sign * threshold
        return named, {name: answers}
    if outcome.kind == "label":
        labels: tuple[Scalar, ...] = outcome.labels
        codes = np.asarray(values, np.intp)
        named |= {"outcome": "label"}
        if outcome.favorable and roles.favorable is None:
            named["favorable"] = outcome.favorable
    else:
        good = _good(outcome.favorable[0], observed)
        labels = (_opposite(good), good)
        codes = np.asarray(values, np.intp)
        if roles.favorable is None:
            named["favorable"] = good
    pool = np.array([*labels, None], dtype=object)
    return named, {name: pool[np.where(known, codes, len(labels))]}


def _good(favorable: Scalar, observed: Observed) -> Scalar:
    """Say what a favorable decision is called: as a favorable label is, where there are labels."""
    roles = observed.roles
    if roles.favorable is not None:
        named = roles.favorable if isinstance(roles.favorable, tuple) else (roles.favorable,)
        return named[0]
    if roles.label is None:
        return favorable
    levels = observed.source.tally([roles.label]).levels[0]
    known = [level for level in levels if level is not None]
    if known and int(lookup(pool_of([favorable]), known)[0]) < 0 and set(known) <= {0, 1}:
        # By itself, 1 and true are good.
        return 1
    return favorable


def _opposite(good: Scalar) -> Scalar:
    if isinstance(good, bool):
        return not good
    if isinstance(good, int | float):
        return 0 if good else 1
    return f"not {good}"
