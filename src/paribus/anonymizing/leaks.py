"""Exact leaks: original values of identifying columns that stand anywhere in the output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing._coincidence import density, issued, unseen
from paribus.anonymizing._encoded import decoded
from paribus.anonymizing._traces import (
    LONGEST,
    Hashes,
    Indices,
    Runs,
    Sieve,
    Whole,
    distinct,
    search,
    within,
)
from paribus.errors import DataError, nearest

Rows: TypeAlias = npt.NDArray[np.integer[Any]]

SHORTEST = 5
SHORTEST_NUMBER = 7
"""Digits of a number that nobody else has by chance: a fake ID may hold somebody's postcode."""
"""Letters and digits that a value needs to identify by itself."""

_WORD = 4
_FREE_TEXT = 4.0
CUT = 1 << 16
BLOCK = 1 << 16
_EXAMPLES = 10
SHORTEST_BYTES = 6
FILE_BLOCK = 1 << 21
_MOST = 0.5
_MANY = 0.2
_NEARLY = 0.9
NONE: Hashes = np.zeros(0, np.uint64)


@dataclass(frozen=True)
class ColumnLeaks:
    """What became visible of one identifying column. It names no value, only rows.

    Attributes
    ----------
    column : str
    rows, values : int
        Rows that hold a value, and distinct values. Values are the same where their letters and
        digits are, in lower case.
    searched : int
        Distinct values that identify by themselves, and that were searched everywhere.
    short, common : int
        Distinct values left out of that search, because they have fewer than 5 letters and
        digits (numbers: 7), or because too many rows hold them: "Li" and "Berlin" identify
        nobody. They are held against their own cell all the same.
    kept : int
        Rows of the output whose cell in this column still says the same: must be 0.
    own : int
        Rows of the output in which the person's own value stands in another column, or inside a
        text: must be 0.
    hidden : int
        Distinct values in a column name, in the schema's metadata, or in a dictionary without a
        row that uses it: must be 0.
    elsewhere : int
        Cells on other people's rows in which a value stands: coincidences, where fakes are drawn
        from the same lists as real names. Where it is not known whose row is whose, all cells.
    by_chance : float
        Rows that would show the person's own value if all that were found had been dealt to the
        rows by chance: what `kept` and `own` together would be without any care.
    words : int
        Words of 4 letters or more of the person's own value that stand in an identifying column
        or a free text of the same row. "Street" is one, and so is a first name that passed.
    words_by_chance : float
        The same if the rows had been dealt by chance.
    examples : tuple of int
        Up to 10 rows of the output, from 0, that count as `kept` or `own`.
    moved : int
        Rows of the output whose cell in this column says the value of somebody else.
    others : int
        Rows of the output in which the value of somebody else stands anywhere.
    again : float
        Share of the cells of this column in the output that are originals, in [0, 1].
    returned : float
        Share of the distinct originals, as many as there is room for, that are among them, in
        [0, 1].
    chance : float
        How large `again` may be by chance, in [0, 1]: where fakes are names from the same lists,
        or numbers of which nearly all are taken.
    alone : bool
        Whether nearly every person has a value of their own.
    by_people : bool
        Whether values are given to one person each: addresses of email, long numbers.
    """

    column: str
    rows: int
    values: int
    searched: int
    short: int
    common: int
    kept: int
    own: int
    hidden: int
    elsewhere: int
    by_chance: float
    words: int
    words_by_chance: float
    examples: tuple[int, ...]
    moved: int = 0
    others: int = 0
    again: float = 0.0
    returned: float = 0.0
    chance: float = 1.0
    alone: bool = False
    by_people: bool = False
    n: int = 0
    """Rows of the output."""

    @property
    def shuffled(self) -> int:
        """Rows with values that were dealt to others: 0 where chance may give as many.

        Nearly all cells are originals, and nearly all originals are there, far beyond chance; or
        most rows hold values of others, of which nearly everybody has one.
        """
        if min(self.again, self.returned) - self.chance > _MOST:
            return self.moved
        most = self.by_people and self.alone and self._others - self.chance > _MOST
        return self.others if most else 0

    @property
    def doubtful(self) -> bool:
        """Whether it cannot be told if values of others are there by chance."""
        if self.by_people and min(self.again, self.returned) > 1.0 - _MANY:
            return True
        # Names of fakes stand in addresses of email besides, so more of them meet by chance.
        limit = _MANY if self.by_people else _MOST
        return self.alone and max(self.again, self._others) - self.chance > limit

    @property
    def _others(self) -> float:
        return self.others / self.n if self.n else 0.0

    @property
    def leaked(self) -> int:
        """Everything that must be 0: `kept`, `own`, `hidden` and `shuffled` together."""
        return self.kept + self.own + self.hidden + self.shuffled


@dataclass(frozen=True)
class Leaks:
    """What became visible of all identifying columns.

    Attributes
    ----------
    columns : tuple of ColumnLeaks
    rows : int
        Rows of the output.
    aligned : bool
        Whether it is known which person a row of the output is. Where not, nothing counts as kept
        or own, and every cell counts as elsewhere.
    """

    columns: tuple[ColumnLeaks, ...]
    rows: int
    aligned: bool
    seen: Hashes = field(default_factory=lambda: NONE, repr=False, compare=False)
    """Hashes of what was found in cells, in order; for `leaks_in_file`."""

    @property
    def leaked(self) -> int:
        """Leaks of all columns together: must be 0."""
        return sum(column.leaked for column in self.columns)


def leaks(
    original: pa.Table,
    output: pa.Table | Iterable[pa.RecordBatch],
    columns: Sequence[str],
    *,
    rows: Rows | None = None,
    common: int = 10,
) -> Leaks:
    """Search the values of identifying columns in everything that comes out.

    Parameters
    ----------
    original : pyarrow.Table, n rows
    output : pyarrow.Table or iterable of pyarrow.RecordBatch
        Columns of any type; what is no text is searched as it is written.
    columns : sequence of str
        The identifying columns of `original`.
    rows : ndarray of int, optional
        The row of `original` that each row of the output was. Without it they are taken to be in
        the same order if there are as many, and to be anybody's otherwise.
    common : int
        Rows that hold a value from which on it identifies nobody by itself, at least 2.

    Returns
    -------
    Leaks

    Raises
    ------
    DataError
        Where the original lacks a column.

    Notes
    -----
    A value stands in a cell where its letters and digits do, whatever signs and spaces are between
    them, from and to the border of a word or a number: see `paribus.anonymizing._traces`. Escapes
    of URLs, HTML and JSON are read; Base64 and hashes of values are not found. Values of
    more than 256 words and numbers are held against their own cell only. Hashes of 64 bits decide:
    with a million values and a billion words one false alarm in 20,000 tables.

    Examples
    --------
    >>> real = pa.table({"name": ["Ann Smith", "Bob Jones"], "note": ["likes tea", "ann's boss"]})
    >>> fake = pa.table({"name": ["Sue Brown", "Joe Black"], "note": ["ask ann.smith@x", "fine"]})
    >>> found = leaks(real, fake, ["name"]).columns[0]
    >>> found.kept, found.own, found.elsewhere, found.examples
    (0, 1, 0, (0,))
    """
    for name in columns:
        if name not in original.column_names:
            raise DataError(
                f'the original has no column "{name}"{nearest(name, original.column_names)}'
            )
    secrets = [Secret.of(name, original[name], max(2, common)) for name in columns]
    sieve = Sieve(np.concatenate([NONE, *(s.wanted for s in secrets), *(s.begun for s in secrets)]))
    wanted = distinct(*(secret.wanted for secret in secrets))
    longest = max((secret.longest for secret in secrets), default=0)

    def find(texts: pa.Array) -> tuple[Indices, Hashes, npt.NDArray[np.bool_]]:
        found = search(texts, wanted, sieve, longest)
        places, plain = decoded(texts)
        if not len(places):
            return found.owner, found.hashes, found.whole
        more = search(plain, wanted, sieve, longest)
        return _once(
            np.concatenate([found.owner, places[more.owner]]),
            np.concatenate([found.hashes, more.hashes]),
            # What is written in another way is not the cell as it was.
            np.concatenate([found.whole, np.zeros(len(more.owner), np.bool_)]),
        )

    draws = _draws(secrets)
    counts = [_Count(secret, original[secret.name], draws) for secret in secrets]
    total, outer = 0, set[bytes]()
    batches = output.to_batches(max_chunksize=BLOCK) if isinstance(output, pa.Table) else output
    if isinstance(output, pa.Table):
        _count_hidden(output.schema, outer, find, counts)
    for whole in batches:
        _count_hidden(whole.schema, outer, find, counts)
        for batch in _blocks(whole):
            persons = _persons(total, batch.num_rows, original.num_rows, rows)
            _count_batch(batch, persons, total, find, counts)
            total += batch.num_rows
    aligned = total == (original.num_rows if rows is None else len(rows))
    seen = [secret.wanted[count.places > 0] for secret, count in zip(secrets, counts, strict=True)]
    return Leaks(
        tuple(count.summed_up(original.num_rows, total, aligned) for count in counts),
        total,
        aligned,
        distinct(*seen),
    )


def _blocks(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, BLOCK):
        yield batch.slice(start, BLOCK)


def _once(
    owner: Indices, hashes: Hashes, whole: npt.NDArray[np.bool_]
) -> tuple[Indices, Hashes, npt.NDArray[np.bool_]]:
    order = np.lexsort((~whole, hashes, owner))
    owner, hashes, whole = owner[order], hashes[order], whole[order]
    new = np.ones(len(owner), np.bool_)
    new[1:] = (owner[1:] != owner[:-1]) | (hashes[1:] != hashes[:-1])
    return owner[new], hashes[new], whole[new]


def _draws(secrets: Sequence[Secret]) -> Indices:
    """Give the first row of everybody: rows that say the same in all columns are one person's.

    With one column alone that cannot be told from two people of one name.
    """
    if not secrets:
        return np.zeros(0, np.intp)
    if len(secrets) == 1:
        return np.arange(len(secrets[0].of_row))
    rows = np.stack([secret.of_row for secret in secrets])
    order = np.lexsort(rows)
    new = np.ones(len(order), np.bool_)
    new[1:] = (rows[:, order[1:]] != rows[:, order[:-1]]).any(axis=0)
    return np.sort(order[new])


def _persons(first: int, n: int, people: int, rows: Rows | None) -> Indices:
    """Give the original row of each row of a block; -1 where nobody knows."""
    found = np.arange(first, first + n) if rows is None else np.asarray(rows)[first : first + n]
    persons = np.full(n, -1, np.intp)
    persons[: len(found)] = np.where((found >= 0) & (found < people), found, -1)
    return persons


# --- what is searched for -------------------------------------------------------------------------


@dataclass(frozen=True)
class Secret:
    """The values of an identifying column, as hashes."""

    name: str
    of_row: Hashes
    """One hash per row of the original; 0 where there is nothing."""
    values: int
    short: int
    common: int
    wanted: Hashes
    held: Indices
    begun: Hashes
    longest: int
    every: Hashes
    density: float
    issued: bool

    @classmethod
    def of(cls, name: str, column: pa.ChunkedArray, common: int) -> Secret:
        """Read a column; values of `common` rows or more identify nobody."""
        texts, codes = coded(column)
        texts = _cut(texts)
        whole = Whole.of(texts, prefixes=False)
        row = whole.hashes[codes] if len(whole.hashes) else np.zeros(len(codes), np.uint64)
        values, first, counts = np.unique(row, return_index=True, return_counts=True)
        some = values > 0
        values, first, counts = values[some], first[some], counts[some]
        at = codes[first]
        # \W would take letters beyond ASCII for signs.
        number = pc.match_substring_regex(texts, r"^\PL*\d\PL*$").to_numpy(zero_copy_only=False)
        least = np.where(np.asarray(number[at], dtype=bool), SHORTEST_NUMBER, SHORTEST)
        short = whole.characters[at] < least
        often = ~short & (counts >= common)
        taken = ~short & ~often & (whole.runs[at] <= LONGEST)
        begun = Whole.of(texts.take(pa.array(at[taken])), prefixes=True).prefixes
        return cls(
            name,
            row,
            len(values),
            int(short.sum()),
            int(often.sum()),
            values[taken],
            counts[taken],
            begun,
            int(whole.runs[at[taken]].max(initial=0)),
            values,
            density(texts.take(pa.array(at))),
            issued(texts.take(pa.array(at))) and not pa.types.is_temporal(column.type),
        )


def coded(column: pa.ChunkedArray | pa.Array) -> tuple[pa.Array, Indices]:
    """Give distinct texts, and the number of each row's; a null is a text of its own."""
    encoded = pc.dictionary_encode(texts_of(column))
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries()
        chunks = [chunk.indices for chunk in encoded.chunks]
        pool = encoded.chunk(0).dictionary if chunks else pa.array([], pa.large_string())
        codes = pa.chunked_array(chunks, pa.int32()) if chunks else pa.array([], pa.int32())
    else:
        pool, codes = encoded.dictionary, encoded.indices
    pool = pa.concat_arrays([pool.cast(pa.large_string()), pa.array([""], pa.large_string())])
    numbers = pc.fill_null(codes.cast(pa.int64()), len(pool) - 1).to_numpy()
    return pool, numbers.astype(np.intp)


def _cut(texts: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(texts, 0, CUT)


def texts_of(column: Any) -> Any:
    """Write values as text, whatever they are."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return texts_of(column.cast(kind.value_type))
    if pa.types.is_floating(kind):
        # A whole number is written as one: 4711, and not 4711.0.
        values = column.cast(pa.float64())
        if not pc.any(pc.not_equal(pc.floor(values), values)).as_py():
            small = pc.less(pc.abs(values), 2.0**53)
            whole = pc.if_else(small, values, None).cast(pa.int64())
            return whole.cast(pa.large_string())
        return values.cast(pa.large_string())
    try:
        return column.cast(pa.large_string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        said = [None if value is None else _said(value) for value in column.to_pylist()]
        return pa.array(said, pa.large_string())


def _said(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


# --- what is counted ------------------------------------------------------------------------------


class _Count:
    """What has been found of one column so far."""

    def __init__(self, secret: Secret, column: pa.ChunkedArray, draws: Indices) -> None:
        self.secret, self.column = secret, column
        drawn = secret.of_row[draws]
        self.drawn = drawn[drawn > 0]
        self.back = np.zeros(len(secret.every), np.bool_)
        self.cells = self.again = self.moved = self.others = 0
        self.places = np.zeros(len(secret.wanted), np.int64)
        self.kept = self.own = self.elsewhere = self.words = 0
        self.words_by_chance = 0.0
        self.hidden: set[int] = set()
        self.examples: list[int] = []

    def found(
        self, row: Indices, hashes: Hashes, persons: Indices, same_cell: npt.NDArray[np.bool_]
    ) -> tuple[Indices, Indices]:
        """Count matches in one column of a block.

        Returns
        -------
        own : ndarray of int
            The rows with their own value.
        others : ndarray of int
            Those with somebody else's.
        """
        mine = within(hashes, self.secret.wanted)
        row, hashes, same_cell = row[mine], hashes[mine], same_cell[mine]
        np.add.at(self.places, np.searchsorted(self.secret.wanted, hashes), 1)
        person = persons[row]
        own = np.zeros(len(row), np.bool_)
        known = person >= 0
        own[known] = self.secret.of_row[person[known]] == hashes[known]
        self.elsewhere += int(np.count_nonzero(~own))
        # What stands unchanged in its own cell is counted as kept.
        return row[own & ~same_cell], row[~own]

    def compare(self, said: Hashes, persons: Indices) -> Indices:
        """Compare the cells of the column itself, and give the rows that still say the same."""
        same = np.zeros(len(said), np.bool_)
        known = (persons >= 0) & (said > 0)
        same[known] = self.secret.of_row[persons[known]] == said[known]
        old = (said > 0) & within(said, self.secret.every)
        self.back[np.searchsorted(self.secret.every, said[old])] = True
        self.cells += int(np.count_nonzero(said))
        self.again += int(np.count_nonzero(old))
        self.moved += int(np.count_nonzero(old & ~same))
        return np.flatnonzero(same)

    def leak(self, rows: Indices, first: int) -> int:
        """Remember some rows as examples, and give how many there are."""
        if len(rows):
            every = {*self.examples, *(rows[:_EXAMPLES] + first).tolist()}
            self.examples = sorted(every)[:_EXAMPLES]
        return len(rows)

    def summed_up(self, n: int, total: int, aligned: bool) -> ColumnLeaks:
        secret = self.secret
        people = len(self.drawn)
        room = min(len(secret.every), self.cells)
        alone = len(secret.every) >= _NEARLY * people > 0
        chance = float(self.places @ secret.held) / n if n else 0.0
        return ColumnLeaks(
            secret.name,
            int(np.count_nonzero(secret.of_row)),
            secret.values,
            len(secret.wanted),
            secret.short,
            secret.common,
            self.kept if aligned else 0,
            self.own if aligned else 0,
            len(self.hidden),
            self.elsewhere if aligned else int(self.places.sum()),
            chance,
            self.words if aligned else 0,
            self.words_by_chance if aligned else 0.0,
            tuple(self.examples) if aligned else (),
            self.moved,
            self.others,
            self.again / self.cells if self.cells else 0.0,
            min(1.0, int(self.back.sum()) / room) if room else 0.0,
            max(secret.density, 1.0 - unseen(self.drawn)),
            alone,
            secret.issued,
            total,
        )


Find: TypeAlias = Callable[[pa.Array], tuple[Indices, Hashes, npt.NDArray[np.bool_]]]


def _count_hidden(schema: pa.Schema, seen: set[bytes], find: Find, counts: list[_Count]) -> None:
    """Search the names of columns and all metadata, once for each schema."""
    said = list(schema.names)
    for held in (schema.metadata, *(part.metadata for part in schema)):
        for key, value in (held or {}).items():
            said += [_said(key), _said(value)]
    told = "\x00".join(said).encode("utf-8", "replace")
    if told not in seen:
        seen.add(told)
        _hide(pa.array(said, pa.large_string()), find, counts)


def _hide(texts: pa.Array, find: Find, counts: list[_Count]) -> None:
    _, hashes, _ = find(texts)
    for count in counts:
        count.hidden |= set(hashes[within(hashes, count.secret.wanted)].tolist())


def _count_batch(
    batch: pa.RecordBatch, persons: Indices, first: int, find: Find, counts: list[_Count]
) -> None:
    names = {count.secret.name for count in counts}
    own: list[list[Indices]] = [[] for _ in counts]
    others: list[list[Indices]] = [[] for _ in counts]
    words: list[tuple[Indices, Hashes]] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if isinstance(column, pa.DictionaryArray):
            _count_unused(column, find, counts)
        texts, codes = coded(column)
        owner, hashes, whole = find(texts)
        row, match = _expanded(owner, codes)
        for number, count in enumerate(counts):
            same_cell = whole[match] & (name == count.secret.name)
            theirs, strangers = count.found(row, hashes[match], persons, same_cell)
            own[number].append(theirs)
            others[number].append(strangers)
            if name == count.secret.name:
                said = Whole.of(_cut(texts), prefixes=False).hashes[codes]
                count.kept += count.leak(count.compare(said, persons), first)
        if name in names or _is_free(column, texts):
            words.append(_words(texts, codes))
    spoken = _pairs(words)
    for number, count in enumerate(counts):
        rows = np.unique(np.concatenate([np.zeros(0, np.intp), *own[number]]))
        count.own += count.leak(rows, first)
        strange = np.concatenate([np.zeros(0, np.intp), *others[number]])
        count.others += len(np.unique(strange))
        _count_words(count, persons, spoken, batch.num_rows)


def _count_unused(column: pa.DictionaryArray, find: Find, counts: list[_Count]) -> None:
    used = np.zeros(len(column.dictionary), np.bool_)
    used[pc.drop_null(column.indices).to_numpy().astype(np.intp)] = True
    if not used.all():
        _hide(texts_of(column.dictionary.filter(pa.array(~used))), find, counts)


def _expanded(owner: Indices, codes: Indices) -> tuple[Indices, Indices]:
    """Give the rows of each text that holds something, and the number of the match."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    start = np.searchsorted(ordered, owner, side="left")
    length = np.searchsorted(ordered, owner, side="right") - start
    match = np.repeat(np.arange(len(owner)), length)
    step = np.arange(len(match)) - np.repeat(np.cumsum(length) - length, length)
    return order[np.repeat(start, length) + step], match


# --- words ----------------------------------------------------------------------------------------


def _is_free(column: pa.Array, texts: pa.Array) -> bool:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)) or len(texts) < 2:
        return False
    spaces = pc.sum(pc.count_substring_regex(texts, r"\s")).as_py() or 0
    return bool(spaces / (len(texts) - 1) >= _FREE_TEXT)


def _words(texts: pa.Array, codes: Indices) -> tuple[Indices, Hashes]:
    runs = Runs.of(_cut(texts))
    word = runs.letters & (runs.characters >= _WORD)
    row, match = _expanded(runs.owner[word], codes)
    return row, runs.hashes()[word][match]


def _pairs(parts: list[tuple[Indices, Hashes]]) -> tuple[Indices, Hashes]:
    """Put rows and words together, each pair once, in order."""
    row = np.concatenate([np.zeros(0, np.intp), *(part[0] for part in parts)])
    word = np.concatenate([NONE, *(part[1] for part in parts)])
    order = np.lexsort((word, row))
    row, word = row[order], word[order]
    new = np.ones(len(row), np.bool_)
    new[1:] = (row[1:] != row[:-1]) | (word[1:] != word[:-1])
    return row[new], word[new]


def _count_words(count: _Count, persons: Indices, spoken: tuple[Indices, Hashes], n: int) -> None:
    if not len(spoken[0]):
        return
    known = np.flatnonzero(persons >= 0)
    texts, codes = coded(count.column.take(pa.array(persons[known])))
    row, word = _words(texts, codes)
    row, word = _pairs([(known[row], word)])
    vocabulary = distinct(word, spoken[1])
    theirs, ours = np.searchsorted(vocabulary, word), np.searchsorted(vocabulary, spoken[1])
    size = len(vocabulary)
    pairs, others = row * size + theirs, spoken[0] * size + ours
    count.words += int(within(pairs.view(np.uint64), others.view(np.uint64)).sum())
    held, said = np.bincount(theirs, minlength=size), np.bincount(ours, minlength=size)
    count.words_by_chance += float(held @ said.astype(np.float64)) / n
