"""Original values in the raw content of a file: what no data frame shows."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing._traces import (
    Hashes,
    Indices,
    Rolling,
    Sieve,
    border,
    within,
)
from paribus.anonymizing.leaks import (
    BLOCK,
    CUT,
    FILE_BLOCK,
    NONE,
    SHORTEST_BYTES,
    Leaks,
    Secret,
    coded,
    texts_of,
)
from paribus.errors import DataError, nearest


@dataclass(frozen=True)
class FileLeaks:
    """Distinct original values found in the raw content of a file.

    Attributes
    ----------
    places : mapping of str to int
        Distinct values by place: "bytes", the name of a member of an archive such as
        "docProps/core.xml", "values of email". Places without any are left out.
    explained : int
        Distinct values that `leaks` had found in the cells of the same output already, and those
        that stand in the midst of longer words of its cells, as "Ray Spence" in "Ray Spencer".
    hidden : int
        Distinct values that no cell explains: must be 0. All of them where neither `known` nor
        `output` was given.
    """

    places: Mapping[str, int]
    explained: int
    hidden: int


def leaks_in_file(
    original: pa.Table,
    path: str | Path,
    columns: Sequence[str],
    *,
    known: Leaks | None = None,
    output: pa.Table | None = None,
    common: int = 10,
) -> FileLeaks:
    """Search the values of identifying columns in the raw bytes of a file.

    The bytes as they are, which shows headers, metadata and statistics of Parquet and comments of
    archives; the members of a ZIP archive, which an Excel file is; and all values of the text
    columns of Parquet, those that a dictionary holds and no row uses included.

    Parameters
    ----------
    original : pyarrow.Table
    path : str or Path
    columns : sequence of str
    known : Leaks, optional
        What `leaks` found in the cells of the same output: those values are coincidences.
    output : pyarrow.Table, optional
        That output. A value that never stands by itself in the file, and in the midst of longer
        words in these cells, is somebody else's.
    common : int
        As for `leaks`.

    Returns
    -------
    FileLeaks

    Raises
    ------
    DataError
        Where the original lacks a column, or the file cannot be read.

    Notes
    -----
    Here a value is its exact bytes in UTF-8, with 6 of them at least, anywhere: beside the values
    of a binary file may stand bytes that look like letters. Where a file is text, a fake "Ray
    Spencer" would otherwise be taken for an original "Ray Spence"; its cells tell the two apart.
    """
    for name in columns:
        if name not in original.column_names:
            raise DataError(
                f'the original has no column "{name}"{nearest(name, original.column_names)}'
            )
    values = _Bytes.of([Secret.of(n, original[n], max(2, common)) for n in columns], original)
    found: dict[str, Indices] = {}
    apart = np.zeros(len(values.hashes), np.bool_)
    try:
        for place, blocks in _places(Path(path)):
            for block in blocks:
                hits, free = values.within(block)
                apart[hits[free]] = True
                found[place] = np.union1d(found.get(place, hits), hits)
    except OSError as error:
        why = error.strerror or "it is no such file"
        raise DataError(f'"{path}" cannot be read: {why}') from None
    except (ValueError, zipfile.BadZipFile, pa.ArrowException):
        # What others say of it may quote a value.
        raise DataError(f'"{path}" cannot be read: it is damaged') from None
    every = np.unique(np.concatenate([np.zeros(0, np.intp), *found.values()]))
    explained = within(values.folded[every], NONE if known is None else known.seen)
    if output is not None and not (explained | apart[every]).all():
        explained |= ~apart[every] & np.isin(every, values.within_cells(output))
    return FileLeaks(
        {place: len(there) for place, there in found.items() if len(there)},
        int(explained.sum()),
        int((~explained).sum()),
    )


@dataclass(frozen=True)
class _Bytes:
    """Values as the bytes that they are written with."""

    hashes: Hashes
    folded: Hashes
    lengths: Indices
    begun: Sieve

    @classmethod
    def of(cls, secrets: Sequence[Secret], original: pa.Table) -> _Bytes:
        hashes, folded, lengths, begun = [NONE], [NONE], [np.zeros(0, np.intp)], [NONE]
        for secret in secrets:
            texts, codes = coded(original[secret.name])
            of_text = np.zeros(len(texts), np.uint64)
            of_text[codes] = secret.of_row
            size = pc.binary_length(texts).to_numpy(zero_copy_only=False)
            fit = within(of_text, secret.wanted) & (size >= SHORTEST_BYTES) & (size <= CUT)
            chosen = texts.filter(pa.array(fit)).to_pylist()
            content = np.frombuffer("".join(chosen).encode(), np.uint8)
            stop = np.cumsum(size[fit]).astype(np.intp)
            start = stop - size[fit].astype(np.intp)
            rolling = Rolling(content)
            hashes.append(rolling.of(start, stop))
            folded.append(of_text[fit])
            lengths.append(stop - start)
            begun.append(rolling.of(start, start + SHORTEST_BYTES))
        whole = np.concatenate(hashes)
        order = np.argsort(whole, kind="stable")
        sizes = np.concatenate(lengths)
        return cls(
            whole[order],
            np.concatenate(folded)[order],
            np.unique(sizes),
            Sieve(np.concatenate(begun)),
        )

    def within(self, block: bytes) -> tuple[Indices, npt.NDArray[np.bool_]]:
        """Find the values that stand in a block.

        Returns
        -------
        values : ndarray of int
            Their numbers, as often as they stand there.
        apart : ndarray of bool
            Whether each stands there as a word of its own. Where the block begins or ends, nobody
            knows: the block before or after it tells.
        """
        content = np.frombuffer(block, np.uint8)
        if len(content) < SHORTEST_BYTES or not len(self.hashes):
            return np.zeros(0, np.intp), np.zeros(0, np.bool_)
        rolling = Rolling(content)
        start = np.arange(len(content) - SHORTEST_BYTES + 1)
        start = start[self.begun.passing(rolling.of(start, start + SHORTEST_BYTES))]
        found, apart = [np.zeros(0, np.intp)], [np.zeros(0, np.bool_)]
        for length in self.lengths.tolist():
            at = start[start + length <= len(content)]
            hashed = rolling.of(at, at + length)
            hit = within(hashed, self.hashes)
            found.append(np.searchsorted(self.hashes, hashed[hit]))
            apart.append(border(content, at[hit]) & border(content, at[hit] + length))
        return np.concatenate(found), np.concatenate(apart)

    def within_cells(self, output: pa.Table) -> Indices:
        """Give the numbers of the values that stand in cells, if in the midst of words."""
        blocks = (
            block
            for batch in output.to_batches(max_chunksize=BLOCK)
            for column in batch.columns
            for block in _joined(texts_of(column))
        )
        hits = (self.within(block)[0] for block in blocks)
        return np.unique(np.concatenate([np.zeros(0, np.intp), *hits]))


def _places(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    with path.open("rb") as file:
        yield "bytes", _read(file)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                told = (member.filename.encode(), member.comment)
                yield member.filename, iter([b"\x00" + each + b"\x00" for each in told])
                with archive.open(member) as file:
                    yield member.filename, _read(file)
    elif path.suffix.lower() in {".parquet", ".pq"}:
        yield from _parquet(path)


def _read(file: IO[bytes]) -> Iterator[bytes]:
    # A null at both ends: there a word begins, and here it ends.
    kept = b"\x00"
    while block := file.read(FILE_BLOCK):
        yield kept + block
        kept = (kept + block)[-CUT - 1 :]
    yield kept + b"\x00"


def _parquet(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    from pyarrow import parquet

    with path.open("rb") as source:
        schema = parquet.read_schema(source)
        names = [
            f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)
        ]
        names += [f.name for f in schema if pa.types.is_dictionary(f.type)]
        # Read as dictionaries, columns show values that no row uses any more.
        file = parquet.ParquetFile(source, read_dictionary=names, pre_buffer=False)
        for batch in file.iter_batches(batch_size=BLOCK, columns=names):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                texts = column.dictionary if isinstance(column, pa.DictionaryArray) else column
                yield f"values of {name}", _joined(texts_of(texts))


def _joined(texts: pa.Array) -> Iterator[bytes]:
    if len(texts):
        # Arrow keeps texts one after the other; a null between them keeps them apart.
        said = "\x00".join(["", *pc.fill_null(texts, "").to_pylist(), ""])
        yield said.encode("utf-8", "replace")
