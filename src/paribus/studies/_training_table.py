"""The rows that candidates learn from: columns found, derived where declared, and checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus import estimators
from paribus._text import count
from paribus.auditing import Audit
from paribus.errors import DataError, SpecError, nearest
from paribus.mitigation.base import Training, occurring
from paribus.people.fields.base import Field
from paribus.people.population import People, Protected
from paribus.people.sample import Rows
from paribus.probe.base import Model
from paribus.roles import Roles, favorable_among, level_name
from paribus.table import Scalar, Table, concat, flat, lookup

_TRAIN = "$.mitigate.train"
_LABEL = "$.mitigate.label"


def training_of(
    audit: Audit, model: Model, table: Table, label: str, weight: str | None
) -> tuple[Training, tuple[str, ...]]:
    """Find out what the columns of a table are to a model and to an audit.

    Protected attributes and columns that the table lacks are derived where the audit declares how:
    a column that follows an attribute, or an attribute from a column that maps it one to one.

    Returns
    -------
    training : Training
    notes : tuple of str
        Whole sentences about rows that were left out and columns that were derived.

    Raises
    ------
    DataError, SpecError
        Where a column is missing, or the label does not have two values.
    """
    notes: list[str] = []
    if table.kind == "pyarrow":
        # What most models were fitted on, and what rows can be picked from.
        table = Table.of(table.frame.to_native().to_pandas(), path=_TRAIN)
    for column, path in ((label, _LABEL), (weight, "$.mitigate.weight")):
        if column is not None and column not in table.names:
            raise DataError(
                f'the training data have no column "{column}"{nearest(column, table.names)}',
                path=path,
            )
    if weight == label:
        raise SpecError(f'"{label}" is the label', path="$.mitigate.weight")
    table, notes_of_label = _labeled(table, label)
    notes += notes_of_label
    fields = dict(audit.fields)
    for attribute, protected in audit.protect.items():
        if attribute not in table.names:
            table = _inverted(table, attribute, protected, fields)
            notes.append(f'"{attribute}" was derived from a column that follows it.')
    features = _features(audit, model, table, label, weight)
    protect = {
        attribute: _occurring(table, attribute, protected, notes)
        for attribute, protected in audit.protect.items()
    }
    missing = [feature for feature in features if feature not in table.names]
    following = _following(protect, fields, table, features)
    for feature in missing:
        table = _derived(table, feature, protect, fields)
    told = table.column(label, slice(None)).arrow()
    values, favorable = _labels(audit, model, told, label)
    training = Training(
        table=table,
        label=values,
        favorable=favorable,
        estimator=model.estimator,
        features=features,
        protect=protect,
        fields=following,
        weight=None if weight is None else _weights(table, weight),
        matrix=model.features is None and model.width is not None,
        seed=audit.seed,
    )
    return training, tuple(notes)


def _labeled(table: Table, label: str) -> tuple[Table, list[str]]:
    """Leave out rows whose label is missing."""
    column = flat(table.column(label, slice(None)).arrow())
    gone = column.is_null(nan_is_null=pa.types.is_floating(column.type))
    missing = int(pc.sum(gone).as_py() or 0)
    if missing == 0:
        return table, []
    kept = np.flatnonzero(~np.asarray(gone.to_numpy(zero_copy_only=False), bool))
    if not len(kept):
        raise DataError(f'no row has a label: the column "{label}" is empty', path=_LABEL)
    return table.take(kept), [f"{count(missing, 'row')} without a label were left out."]


def _labels(
    audit: Audit, model: Model, told: pa.Array, label: str
) -> tuple[npt.NDArray[Any], Scalar]:
    """Give the labels in the type that the model knows, and the favorable one."""
    array = flat(told)
    values = [value for value in pc.unique(array).to_pylist() if value is not None]
    if len(values) != 2:
        shown = ", ".join(level_name(value) for value in values[:6])
        raise DataError(
            f'the column "{label}" has {count(len(values), "value")} ({shown}'
            f"{', ...' if len(values) > 6 else ''}) where a decision has two",
            path=_LABEL,
        )
    if label in audit.protect:
        raise SpecError(f'"{label}" is a protected attribute, not what happened', path=_LABEL)
    known = model.classes
    if known is not None:
        place = lookup(*_alike(array, known))
        if (place < 0).any():
            odd = array[int(np.argmin(place))].as_py()
            listed = ", ".join(level_name(value) for value in known)
            raise DataError(
                f'the column "{label}" holds "{odd}", which is none of the answers that the model '
                f"knows ({listed})",
                path=_LABEL,
            )
        labels = np.array(known)[place]
        values = [known[i] for i in np.unique(place)]
    else:
        labels = np.array(array.to_pylist())
    declared = audit.probe.favorable
    roles = Roles(by=tuple(audit.protect), label=label, favorable=declared)
    try:
        good = favorable_among(roles, values, "label")
    except (SpecError, DataError) as error:
        raise SpecError(error.message, path="$.model.favorable") from None
    if len(good) != 1:
        raise SpecError(
            f'say which value of "{label}" is good for a person: favorable = ...',
            path="$.model.favorable",
        )
    return labels, values[good[0]]


def _alike(array: pa.Array, known: Sequence[Scalar]) -> tuple[pa.Array, list[Scalar]]:
    """Write truth values as 0 and 1 where the other side has numbers."""
    if pa.types.is_boolean(array.type):
        numbers = not any(isinstance(label, bool | str) for label in known)
        return (array.cast(pa.int8()) if numbers else array), list(known)
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        return array, [int(label) if isinstance(label, bool) else label for label in known]
    return array, list(known)


def _weights(table: Table, weight: str) -> npt.NDArray[np.float64]:
    array = flat(table.column(weight, slice(None)).arrow())
    try:
        values = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        values = np.array([np.nan])
    if not np.isfinite(values).all() or (values < 0).any() or not (values > 0).any():
        raise DataError(
            f'the weights "{weight}" must be numbers of at least 0, none missing and not all 0',
            path="$.mitigate.weight",
        )
    return np.asarray(values, np.float64)


# --- columns --------------------------------------------------------------------------------------


def _features(
    audit: Audit, model: Model, table: Table, label: str, weight: str | None
) -> tuple[str, ...]:
    """List the columns that the estimator sees, in its order."""
    wanted = audit.probe.features or _mended(model) or model.features
    if wanted is None:
        if model.width is not None:
            raise SpecError(
                f"the model was fitted on {model.width} columns and does not name them; declare "
                "features = [...] in the order in which it was fitted",
                path="$.model.features",
            )
        # Not fitted yet, it would be fitted on whatever there is.
        return tuple(each for each in table.names if each not in {label, weight})
    for feature in wanted:
        if feature not in table.names and feature not in audit.fields:
            raise DataError(
                f'the model sees a column "{feature}", which the training data lack'
                f"{nearest(feature, table.names)}",
                path=_TRAIN,
            )
        if feature == label:
            raise SpecError(f'the model sees the label "{label}" itself', path=_LABEL)
    return tuple(wanted)


def _mended(model: Model) -> tuple[str, ...] | None:
    """List what a mended model was fitted on: to be fitted again it needs more than to decide."""
    estimator = model.estimator
    if not isinstance(estimator, estimators.Mended) or estimator.features is None:
        return None
    return tuple(dict.fromkeys([*estimator.features, *(model.features or ())]))


def _inverted(
    table: Table, attribute: str, protected: Protected, fields: dict[str, Field]
) -> Table:
    """Derive an attribute from a column that maps it one to one."""
    for name, field in fields.items():
        mapped = getattr(field, "map", None)
        if mapped is None or name not in table.names or field.parents != (attribute,):
            continue
        if len(set(mapped.values())) < len(mapped):
            continue
        place = lookup(table.column(name, slice(None)).arrow(), list(mapped.values()))
        named = {str(level): level for level in protected.levels}
        levels = [named.get(str(key), key) for key in mapped]
        pool = np.array([*levels, None], dtype=object)
        return table.with_columns({attribute: pool[place]})
    raise DataError(
        f'the training data have no column "{attribute}"{nearest(attribute, table.names)}; groups '
        "cannot be told apart without",
        path=_TRAIN,
    )


def _occurring(table: Table, attribute: str, protected: Protected, notes: list[str]) -> Protected:
    """Keep the levels that occur: nothing is learned about the others."""
    kept = occurring(table, attribute, protected)
    if kept is None:
        listed = ", ".join(level_name(level) for level in protected.levels)
        raise DataError(
            f'fewer than two of the levels of "{attribute}" ({listed}) occur in the training data',
            path=_TRAIN,
        )
    absent = [level_name(level) for level in protected.levels if level not in kept.levels]
    if absent:
        notes.append(f"Nobody in the training data has the {attribute} {', '.join(absent)}.")
    return kept


def _following(
    protect: dict[str, Protected],
    fields: dict[str, Field],
    table: Table,
    features: tuple[str, ...],
) -> dict[str, Field]:
    """Keep the fields that follow an attribute and whose parents are known of the rows."""
    kept: dict[str, Field] = {}
    known = {*table.names, *protect}
    behind = set(protect)
    for _ in fields:
        for name, field in fields.items():
            if name in kept or not behind & set(field.parents):
                continue
            if all(parent in known or parent in kept for parent in field.parents):
                kept[name] = field
                behind.add(name)
    needed = set(features)
    for name in reversed(list(kept)):
        if name in needed:
            needed |= set(kept[name].parents)
    return {name: field for name, field in kept.items() if name in needed}


def _derived(
    table: Table, feature: str, protect: dict[str, Protected], fields: dict[str, Field]
) -> Table:
    """Make a column that the table lacks from others, as the audit declares it."""
    field = fields[feature]
    absent = [p for p in field.parents if p not in table.names]
    for parent in absent:
        if parent in fields:
            table = _derived(table, parent, protect, fields)
    if field.random or not all(parent in table.names for parent in field.parents):
        raise DataError(
            f'the model sees a column "{feature}", which the training data lack, and which follows '
            f"no other column of theirs{nearest(feature, table.names)}",
            path=_TRAIN,
        )
    people = People(
        protect=protect, fields={feature: field}, size=len(table), rows=Rows(table, 0, None)
    )
    columns = [people.block(i).column(feature) for i in range(people.blocks)]
    values = flat(concat(columns).arrow())
    return table.with_columns({feature: np.array(values.to_pylist(), dtype=object)})
