"""Columns of any Arrow type: lists, structs, maps, dictionaries and bytes, down to their leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import Replacement, as_type, is_text
from paribus.errors import DataError


def check(replacement: Replacement, given: pa.DataType) -> None:
    """Refuse a type of which a leaf cannot be replaced.

    Raises
    ------
    DataError
        One sentence, which names the leaf and what to do.
    """
    if replacement.whole:
        replacement.check(_opened_type(given))
        return
    for path, leaf in _leaves(given):
        if _is_odd(leaf):
            raise DataError(
                f'holds {leaf}{path}, which "{replacement.kind}" cannot replace; drop it'
            )
        try:
            replacement.check(_opened_type(leaf))
        except DataError as error:
            if not path:
                raise
            raise DataError(f"{error.message}{path}; or drop the column") from None


def gives(replacement: Replacement, given: pa.DataType, named: Callable[[str], str]) -> pa.DataType:
    """Give the type of what `replaced` gives.

    Parameters
    ----------
    replacement : Replacement
    given : pyarrow.DataType
    named : callable
        Gives the name that a field inside of a struct gets.
    """
    if replacement.whole:
        kept = replacement.gives(_opened_type(given))
        return _bare(given if kept == _opened_type(given) else kept, named)
    return _mapped(given, lambda leaf: _leaf_gives(replacement, leaf), named)


def replaced(
    replacement: Replacement, values: pa.Array, key: Key, row: Mapping[str, pa.Array]
) -> pa.Array:
    """Replace the leaves of a column. The names of its fields are still those that were given."""
    if replacement.whole:
        return replacement.replace(compact(values), key, row)
    kind = values.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        flat, parents = values.flatten(), pc.list_parent_indices(values)
        made = _below(replacement, flat, key, row, parents)
        maker = pa.LargeListArray if pa.types.is_large_list(kind) else pa.ListArray
        return maker.from_arrays(_offsets(values), made)
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        # The flat values leave out those below a null, and the new array needs something there.
        here = np.repeat(values.is_valid().to_numpy(zero_copy_only=False), size)
        parents = pa.array(np.repeat(np.arange(len(values)), size)[here])
        made = _below(replacement, values.flatten(), key, row, parents)
        place = pa.array(np.cumsum(here) - 1, mask=~here)
        return pa.FixedSizeListArray.from_arrays(made.take(place), size, mask=values.is_null())
    if pa.types.is_struct(kind):
        parts = [replaced(replacement, part, key, row) for part in values.flatten()]
        names = [kind.field(i).name for i in range(kind.num_fields)]
        return pa.StructArray.from_arrays(parts, names, mask=values.is_null()) if parts else values
    if pa.types.is_map(kind):
        tight = values.take(pa.array(np.arange(len(values))))
        lengths = np.diff(_offsets(tight, filled=True))
        parents = pa.array(np.repeat(np.arange(len(tight)), lengths))
        keys = _below(replacement, tight.keys, key, row, parents)
        items = _below(replacement, tight.items, key, row, parents)
        return pa.MapArray.from_arrays(_offsets(tight), keys, items)
    return replacement.replace(opened(values), key, row)


def fitted(values: pa.Array, to: pa.DataType) -> pa.Array:
    """Give a column the type that `gives` has said, dictionaries put together anew."""
    if values.type == to:
        return values
    if pa.types.is_dictionary(to):
        # A dictionary may hold values that no row has any more; this one is of the rows alone.
        plain = as_type(opened(values), to.value_type)
        encoded = plain.dictionary_encode()
        return pa.DictionaryArray.from_arrays(
            encoded.indices.cast(to.index_type), encoded.dictionary, ordered=to.ordered
        )
    if pa.types.is_nested(to):
        return _nested_fitted(values, to)
    return as_type(opened(values), to)


def opened(values: pa.Array) -> pa.Array:
    """Give a column without the encodings of its leaves: dictionaries, runs, bytes.

    Raises
    ------
    DataError
        Where text or bytes are not UTF-8.
    """
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        return opened(values.storage)
    if pa.types.is_dictionary(kind):
        return opened(values.dictionary_decode())
    if pa.types.is_run_end_encoded(kind):
        return opened(pc.run_end_decode(values))
    try:
        if is_text(kind):
            values.validate(full=True)
        elif _is_bytes(kind):
            if pa.types.is_fixed_size_binary(kind) or not _is_plain_bytes(kind):
                values = as_type(values, pa.binary())
            large = pa.types.is_large_binary(values.type)
            return values.cast(pa.large_string() if large else pa.string())
    except (pa.ArrowInvalid, DataError):
        said = "text" if is_text(kind) else "bytes"
        raise DataError(f"holds {said} that is not UTF-8; repair it, or drop the column") from None
    return values


def compact(values: pa.Array) -> pa.Array:
    """Give a column whose dictionary holds what the rows have and nothing else, in its order."""
    if isinstance(values, pa.ExtensionArray):
        return compact(values.storage)
    if not isinstance(values, pa.DictionaryArray):
        return values
    codes = values.indices
    used = np.unique(codes.drop_null().to_numpy())
    if len(used) == len(values.dictionary):
        return values
    places = np.zeros(len(values.dictionary), np.int64)
    places[used] = np.arange(len(used))
    fresh = pa.array(places).take(codes).cast(values.type.index_type)
    return pa.DictionaryArray.from_arrays(
        fresh, values.dictionary.take(pa.array(used)), ordered=values.type.ordered
    )


def size(values: pa.Array) -> int:
    """Give the bytes that the rows of a column take."""
    try:
        return int(values.nbytes)
    except pa.ArrowTypeError:
        # Views of text, which older versions of Arrow do not measure.
        plain = pa.large_binary() if _is_bytes(values.type) else pa.large_string()
        return int(as_type(values, plain).nbytes)


def names_within(given: pa.DataType) -> Iterator[str]:
    """Give the names of all fields inside of a type that people chose."""
    if pa.types.is_struct(given):
        for i in range(given.num_fields):
            yield given.field(i).name
            yield from names_within(given.field(i).type)
    elif pa.types.is_nested(given):
        for i in range(given.num_fields):
            yield from names_within(given.field(i).type)


# --- types ----------------------------------------------------------------------------------------


def _is_bytes(kind: pa.DataType) -> bool:
    return (
        _is_plain_bytes(kind) or pa.types.is_fixed_size_binary(kind) or str(kind) == "binary_view"
    )


def _is_plain_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_odd(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_union(kind)
        or pa.types.is_interval(kind)
        or str(kind).startswith(("list_view", "large_list_view"))
    )


def _is_lists(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _opened_type(given: pa.DataType) -> pa.DataType:
    if isinstance(given, pa.BaseExtensionType):
        return _opened_type(given.storage_type)
    if pa.types.is_dictionary(given) or pa.types.is_run_end_encoded(given):
        return _opened_type(given.value_type)
    if pa.types.is_large_binary(given):
        return pa.large_string()
    return pa.string() if _is_bytes(given) else given


def _leaves(given: pa.DataType, path: str = "") -> Iterator[tuple[str, pa.DataType]]:
    if _is_lists(given):
        yield from _leaves(given.value_type, path or " in its lists")
    elif pa.types.is_struct(given):
        for i in range(given.num_fields):
            field = given.field(i)
            yield from _leaves(field.type, f' in its field "{field.name}"')
    elif pa.types.is_map(given):
        yield from _leaves(given.key_type, " in its keys")
        yield from _leaves(given.item_type, " in its items")
    else:
        yield path, given


def _leaf_gives(replacement: Replacement, given: pa.DataType) -> pa.DataType:
    plain = _opened_type(given)
    to = replacement.gives(plain)
    if isinstance(given, pa.BaseExtensionType):
        return _leaf_gives(replacement, given.storage_type)
    if pa.types.is_dictionary(given) and is_text(to):
        # What depends on other columns can have more values than there were.
        index = pa.int32() if replacement.reads else given.index_type
        return pa.dictionary(
            index, to if to != plain else _leaf_gives(replacement, given.value_type)
        )
    if _is_bytes(given) and to == plain:
        return pa.binary() if pa.types.is_fixed_size_binary(given) else given
    return to


def _mapped(
    given: pa.DataType,
    leaf: Callable[[pa.DataType], pa.DataType],
    named: Callable[[str], str],
) -> pa.DataType:
    """Give a nested type with other leaves and names, and without metadata."""

    def inside(field: pa.Field, name: str) -> pa.Field:
        return pa.field(name, _mapped(field.type, leaf, named), field.nullable)

    if pa.types.is_list(given):
        return pa.list_(inside(given.value_field, given.value_field.name))
    if pa.types.is_large_list(given):
        return pa.large_list(inside(given.value_field, given.value_field.name))
    if pa.types.is_fixed_size_list(given):
        return pa.list_(inside(given.value_field, given.value_field.name), given.list_size)
    if pa.types.is_struct(given):
        fields = [given.field(i) for i in range(given.num_fields)]
        return pa.struct([inside(field, named(field.name)) for field in fields])
    if pa.types.is_map(given):
        return pa.map_(
            inside(given.key_field, given.key_field.name),
            inside(given.item_field, given.item_field.name),
        )
    return leaf(given)


def _bare(given: pa.DataType, named: Callable[[str], str]) -> pa.DataType:
    def leaf(kind: pa.DataType) -> pa.DataType:
        return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind

    return _mapped(given, leaf, named)


# --- arrays ---------------------------------------------------------------------------------------


def _below(
    replacement: Replacement,
    flat: pa.Array,
    key: Key,
    row: Mapping[str, pa.Array],
    parents: pa.Array,
) -> pa.Array:
    return replaced(replacement, flat, key, {n: each.take(parents) for n, each in row.items()})


def _offsets(values: pa.Array, *, filled: bool = False) -> pa.Array:
    """Give offsets from 0 on; a null one says that the list is null."""
    if pa.types.is_map(values.type):
        lengths = np.diff(values.offsets.to_numpy())
    else:
        lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy()
    ends = np.concatenate([[0], np.cumsum(lengths)])
    width = pa.int64() if pa.types.is_large_list(values.type) else pa.int32()
    if filled or not values.null_count:
        return pa.array(ends, width)
    gone = np.append(values.is_null().to_numpy(zero_copy_only=False), False)
    return pa.array(ends, width, mask=gone)


def _nested_fitted(values: pa.Array, to: pa.DataType) -> pa.Array:
    """Give nested arrays the names and leaves of a type of the same shape."""
    kind = values.type
    if pa.types.is_struct(to):
        parts = [fitted(v, to.field(i).type) for i, v in enumerate(values.flatten())]
        fields = [to.field(i) for i in range(to.num_fields)]
        if not parts:
            return values
        return pa.StructArray.from_arrays(parts, fields=fields, mask=values.is_null())
    if pa.types.is_fixed_size_list(to):
        here = np.repeat(values.is_valid().to_numpy(zero_copy_only=False), to.list_size)
        place = pa.array(np.cumsum(here) - 1, mask=~here)
        inner = fitted(values.flatten(), to.value_type).take(place)
        return pa.FixedSizeListArray.from_arrays(inner, type=to, mask=values.is_null())
    if pa.types.is_map(to):
        tight = values.take(pa.array(np.arange(len(values))))
        keys, items = fitted(tight.keys, to.key_type), fitted(tight.items, to.item_type)
        return pa.MapArray.from_arrays(_offsets(tight), keys, items, type=to)
    inner = fitted(values.flatten(), to.value_type)
    maker = pa.LargeListArray if pa.types.is_large_list(kind) else pa.ListArray
    return maker.from_arrays(_offsets(values), inner, type=to)
