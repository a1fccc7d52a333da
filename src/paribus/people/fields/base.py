"""What a field is: the recipe of one column of a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri

from paribus._plugins import Declaration, Family
from paribus._seeds import generator
from paribus._text import plain_number
from paribus.errors import SpecError, nearest
from paribus.table import Coded, Column, Scalar, lookup, pool_of

FIELDS = Family("paribus.people.fields", "field")

Latent = Any
"""What a field has drawn for a block, before any level is known: arrays, in a form of its own."""


@dataclass(frozen=True)
class Streams:
    """The random streams of one field for one block.

    A field opens one stream for each array that it draws, so that drawing fewer people gives a
    prefix of every array.
    """

    seed: int
    name: str
    block: int
    normals: dict[str, npt.NDArray[np.float64]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """What was drawn of `standing` for this block: fields of one block may share it."""

    def open(self, part: str = "") -> np.random.Generator:
        """Open the stream of one part of the field."""
        return generator(self.seed, f"{self.name}/{part}", self.block)

    def whole(self, people: int, part: str = "") -> npt.NDArray[np.uint32]:
        """Draw 32-bit whole numbers, all equally likely, from the stream of one part."""
        # Two from each raw word: half the time of Generator.integers, and the same numbers.
        words = self.open(part).bit_generator.random_raw(-(-people // 2))
        pairs: npt.NDArray[np.uint32] = words.astype("<u8", copy=False).view("<u4")
        return pairs[:people]

    def standing(
        self,
        people: int,
        dependence: Mapping[str, float],
        gaps: Mapping[str, float] | None = None,
        *,
        part: str = "own",
    ) -> npt.NDArray[np.float64]:
        """Draw where people stand in a column, relative to all others, as standard normal numbers.

        The chance of a column of its own is the stream ``"<column>/own"``, which whoever loads on
        the column opens by its name: it need not be declared, and what it is moved to or drawn
        from changes nothing here.

        Parameters
        ----------
        people : int
        dependence : mapping of str to float
            Loadings on the own chance of other columns; their squares sum to 1 at most, and what
            is left to 1 is the loading on the field's own.
        gaps : mapping of str to float, optional
            Loadings on the chance of being missing of other columns.
        part : {"own", "gap"}
            The field's chance of a value, or of being missing.

        Returns
        -------
        ndarray of float64, shape (people,)
        """
        loads = [(name, "own", load) for name, load in dependence.items()]
        loads += [(name, "gap", load) for name, load in (gaps or {}).items()]
        own = max(0.0, 1.0 - sum(load * load for _, _, load in loads)) ** 0.5
        result: npt.NDArray[np.float64] = own * self._normal(
            people, self.name.rpartition("/")[0], part
        )
        for name, of, load in loads:
            result += load * self._normal(people, name, of)
        return result

    def _normal(self, people: int, column: str, part: str) -> npt.NDArray[np.float64]:
        stream = f"{column}/{part}"
        kept = self.normals.get(stream)
        if kept is None or len(kept) < people:
            u = generator(self.seed, stream, self.block).random(people)
            # An exact 0 has no finite inverse; 2**-53 is the next number that can be drawn.
            kept = self.normals[stream] = ndtri(np.maximum(u, 2.0**-54))
        return kept[:people]


@dataclass(frozen=True, eq=False)
class Domain:
    """All that a field can draw, without listing it: each entry is one distinct draw.

    Examples
    --------
    >>> weighed = Domain.numbers(4, np.int32, weights=[0.5, 0, 0.2, 0.3])
    >>> weighed.size, weighed.take(np.array([0, 1, 2])).tolist(), weighed.weights.tolist()
    (3, [0, 2, 3], [0.5, 0.2, 0.3])
    """

    size: int
    """Number of entries, from 1; it may not fit into 64 bits."""
    take: Callable[[npt.NDArray[np.int64]], Latent]
    """Entries, by their numbers of shape (n,), as `Field.draw` would give them to n people."""
    weights: npt.NDArray[np.float64] | None = None
    """How likely each entry is, shape (size,), above 0 and summing to 1; None where all equally."""

    @classmethod
    def numbers(
        cls, size: int, dtype: npt.DTypeLike, weights: Sequence[float] | None = None
    ) -> Domain:
        """List the draws 0 to ``size - 1``, but for those that have no weight.

        Parameters
        ----------
        size : int
        dtype : data type
            That of the draws.
        weights : sequence of float, optional
            One for each draw, not negative, of any sum above 0. All equal where left out.
        """
        if weights is None:
            return cls(size, partial(_numbers, dtype=dtype))
        given = np.asarray(weights, dtype=np.float64)
        some = np.flatnonzero(given > 0)
        likely = given[some] / given[some].sum()
        even = bool((likely == likely[0]).all())
        return cls(len(some), some.astype(dtype).take, None if even else likely)


def _numbers(entries: npt.NDArray[np.int64], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    return entries.astype(dtype)


class Field(Declaration):
    """The recipe of one column: first what chance gives a person, then how it looks at a level.

    The two steps are apart so that twins share the first: `draw` never learns the level of a
    protected attribute, and `column` never draws.
    """

    kind: str

    random: ClassVar[bool] = False
    """Whether the field draws at all."""

    @property
    def parents(self) -> tuple[str, ...]:
        """Names of the columns that this one is made from."""
        return ()

    @property
    def linked(self) -> tuple[str, ...]:
        """Parents whose level moves what is drawn: a name that follows a gender."""
        return ()

    @property
    def beside(self) -> tuple[str, ...]:
        """Columns whose chance it shares: moving them to a level moves nothing here."""
        return ()

    def check(self, levels: Mapping[str, Sequence[Scalar]]) -> None:
        """Check the declaration against the levels of those parents whose levels are known.

        Raises
        ------
        SpecError
            Such as for a level that is missing from a map.
        """

    def draw(self, streams: Streams, people: int) -> Latent:
        """Draw for the first `people` people of a block."""
        return None

    def domain(self) -> Domain | None:
        """Give all that `draw` can give, where that can be listed.

        None where it has no end that matters (numbers with decimals, names), or where the column
        depends on the number of a person. A field that is not random and is made from others has
        no draws of its own, and is never asked.
        """
        return None

    def column(
        self, latent: Latent, parents: Mapping[str, Column], start: int, people: int
    ) -> Column:
        """Make the column.

        Parameters
        ----------
        latent : object
            What `draw` gave.
        parents : mapping of str to Column
            The columns named by `parents`, for the same people.
        start, people : int
            Number of the first person, and how many.
        """
        raise NotImplementedError


def missing_level(levels: Sequence[Scalar], table: Mapping[str, Any], what: str, path: str) -> None:
    """Raise where a level has no entry in a table that maps levels."""
    places = lookup(pool_of(levels), list(table))
    for level, place in zip(levels, places, strict=True):
        if place < 0:
            raise SpecError(
                f'the level "{level}" of {what} is missing{nearest(level, table)}', path=path
            )


def check_loadings(*loadings: Mapping[str, float]) -> None:
    """Raise where the squares of loadings sum to more than 1."""
    total = sum(load * load for each in loadings for load in each.values())
    if total > 1 + 1e-9:
        raise SpecError(
            f"the squares of the loadings sum to {total:.4g}, and must not exceed 1",
            path="$.dependence",
        )


def check_order(low: Any, high: Any) -> None:
    """Raise where the lower bound is above the upper one; a bound may be None."""
    if low is not None and high is not None and low > high:
        low, high = (plain_number(b) if isinstance(b, int | float) else b for b in (low, high))
        raise SpecError(f"low ({low}) is above high ({high}); swap them", path="$.low")


def coded(column: Column) -> Coded:
    """Give a parent column as codes into its distinct values; a missing value is one of them."""
    if isinstance(column, Coded):
        return column
    array = column.arrow()
    encoded = array if isinstance(array, pa.DictionaryArray) else pc.dictionary_encode(array)
    pool = encoded.dictionary
    if encoded.null_count:
        pool = pa.concat_arrays([pool, pa.nulls(1, pool.type)])
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return Coded.of(codes.astype(np.int32, copy=False), pool)
