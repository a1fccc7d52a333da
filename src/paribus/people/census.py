"""A census: everybody in the declared domain whom a model can tell apart, numbered from 0.

Where a model sees a few fields with a few values each, nobody need be drawn: every combination of
what those fields are made from is one person, and a share of them is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from paribus._seeds import BLOCK
from paribus.errors import SpecError, nearest
from paribus.people.fields.base import Domain, Field, Latent

if TYPE_CHECKING:
    from paribus.people.population import Moves, People

MOST = 10_000_000
"""Questions that are all asked, at most, where nobody says how many."""

_PEOPLE = 10**12
"""People of any audit, at most; their numbers, times a block, fit into 64 bits."""

_GOLDEN = (math.sqrt(5) - 1) / 2

_NEAR = 64
"""How far from the golden section a step may be; there always is one without common divisors."""

Root = tuple[str, bool]
"""An attribute or a field, and whether it is what placebo twins draw again."""


class CensusError(SpecError):
    """Not everybody can be asked: their fields have no end, or there are too many people."""


class Look(Protocol):
    """A version of people, as `paribus.twins.Version` is: what is moved, and drawn again."""

    @property
    def moves(self) -> Moves:
        """Attributes that are moved to a level."""

    @property
    def again(self) -> tuple[str, ...]:
        """Fields that are drawn a second time."""


@dataclass(frozen=True, eq=False)
class Census:
    """Everybody in a domain: each combination of what the roots can give is one person.

    A root is what chance gives a person and a model then sees, directly or through other fields:
    the draw of a field, or the own level of a protected attribute.

    Person *i* is combination ``(a * i + b) mod size``, with `a` near the golden section of `size`
    and without a divisor in common with it. So everybody comes once, and no seed matters. The
    first people are spread over the whole domain: gaps between their numbers are of three lengths
    at most (Knuth 1973, The Art of Computer Programming 3, section 6.4, theorem S), the longest a
    few times the mean one where `a / size` has small partial quotients, as the one chosen has.

    Attributes
    ----------
    domains : mapping of (str, bool) to Domain
        The roots; the last one changes fastest.
    """

    domains: Mapping[Root, Domain]

    @classmethod
    def of(
        cls, people: People, seen: Sequence[str], versions: Iterable[Look], most: int = MOST
    ) -> Census:
        """Count everybody whom a model can tell apart.

        Parameters
        ----------
        people : People
        seen : sequence of str
            The columns that the model sees.
        versions : iterable of Version
            The versions whose answers shall be exact. The own level of an attribute counts where
            some version leaves people as they are there; so leave out the versions of contrasts
            whose two sides look the same to the model (another name, where it sees no name).
        most : int
            Questions (people times versions that do not all look the same) at most.

        Raises
        ------
        CensusError
            Where people are rows of data, a field behind a seen column cannot be listed, or there
            are more questions than `most`; the path is that of the field.

        Examples
        --------
        >>> from paribus import People, integers
        >>> from paribus.twins import level_contrasts, pair
        >>> levels = {"gender": {"levels": ["Male", "Female"]}}
        >>> people = People(protect=levels, fields={"income": integers(1, 900)}, size=10)
        >>> twins = pair(people, level_contrasts(people, "gender"))
        >>> Census.of(people, ["gender", "income"], twins.versions).size
        900
        """
        if people.rows is not None:
            raise CensusError("the people are rows of data, not a declared domain", path="$.data")
        looks = tuple(versions)
        found: dict[Root, Domain] = {}
        for look in looks:
            _find(people, seen, look, found)
        # The longest last: combinations that are evenly apart spread it within all of the others.
        census = cls(dict(sorted(found.items(), key=lambda item: item[1].size)))
        questions = census.size * len({_seen_of(people, seen, look) for look in looks})
        if questions > most:
            raise CensusError(f"{questions:,} distinct questions, more than {most:,}")
        if census.size > _PEOPLE:
            raise CensusError(f"{census.size:,} people, more than {_PEOPLE:,}")
        return census

    @classmethod
    def why_not(
        cls, people: People, seen: Sequence[str], versions: Iterable[Look], most: int = MOST
    ) -> str | None:
        """Say why not everybody can be asked, as a clause; None where they can (see `of`).

        Examples
        --------
        >>> from paribus import People, uniform
        >>> from paribus.twins import level_contrasts, pair
        >>> levels = {"gender": {"levels": ["Male", "Female"]}}
        >>> people = People(protect=levels, fields={"height": uniform(150, 210)}, size=10)
        >>> twins = pair(people, level_contrasts(people, "gender"))
        >>> Census.why_not(people, ["gender", "height"], twins.versions)
        'the model sees "height", whose values cannot be listed (uniform)'
        """
        try:
            cls.of(people, seen, versions, most)
        except CensusError as error:
            return error.message
        return None

    @cached_property
    def size(self) -> int:
        """Number of people, from 1."""
        return math.prod(domain.size for domain in self.domains.values())

    @property
    def even(self) -> bool:
        """Whether all people are equally likely."""
        return all(domain.weights is None for domain in self.domains.values())

    def latent(self, root: Root, start: int, people: int) -> Latent:
        """Give what chance would give some people at a root, in the form that it is drawn in.

        Parameters
        ----------
        root : tuple of (str, bool)
            One of `domains`.
        start, people : int
            Number of the first person, and how many; at most a block.
        """
        return self.domains[root].take(self._digits(root, start, people))

    def weights(self, start: int, people: int) -> npt.NDArray[np.float64] | None:
        """Give how likely some people are in the declaration; None where all are equally likely.

        Parameters
        ----------
        start, people : int
            Number of the first person, and how many; at most a block.

        Returns
        -------
        ndarray of float64, shape (people,), or None
            Sums to 1 over everybody.
        """
        if self.even:
            return None
        out = np.ones(people)
        for root, domain in self.domains.items():
            if domain.weights is None:
                out /= domain.size
            else:
                out *= domain.weights[self._digits(root, start, people)]
        return out

    def _digits(self, root: Root, start: int, people: int) -> npt.NDArray[np.int64]:
        """Give the entry of a root's domain that each person has, shape (people,)."""
        assert people <= BLOCK
        first = (self._stride * start + self.size // 2) % self.size
        combination = (first + self._stride * np.arange(people, dtype=np.int64)) % self.size
        digits: npt.NDArray[np.int64] = combination // self._places[root] % self.domains[root].size
        return digits

    @cached_property
    def _stride(self) -> int:
        near = round(self.size * _GOLDEN)
        around = range(max(1, near - _NEAR), min(self.size, near + _NEAR) + 1)
        strides = [stride for stride in around if math.gcd(stride, self.size) == 1]
        return min(strides, key=lambda each: (_coarseness(each, self.size), abs(each - near)))

    @cached_property
    def _places(self) -> dict[Root, int]:
        """What one step of a root is worth in the number of a combination."""
        places = {}
        worth = self.size
        for root, domain in self.domains.items():
            worth //= domain.size
            places[root] = worth
        return places


def _coarseness(step: int, size: int) -> int:
    """Give the largest partial quotient of ``step / size``: about the widest gap, in mean ones."""
    largest = 0
    while step:
        largest = max(largest, size // step)
        size, step = step, size % step
    return largest


def _seen_of(
    people: People, seen: Sequence[str], look: Look
) -> tuple[frozenset[tuple[str, int]], frozenset[str]]:
    """Give what a model sees of what is moved and drawn again."""
    behind = frozenset().union(*(people.attributes_behind(name) for name in seen))
    moved = frozenset(move for move in look.moves if move[0] in behind)
    return moved, frozenset(look.again) & frozenset(seen)


def _find(people: People, seen: Sequence[str], look: Look, found: dict[Root, Domain]) -> None:
    """Add the roots behind the seen columns of one version to those that were found before."""
    moved = {name for name, _ in look.moves}
    done: set[Root] = set()
    for column in seen:
        ahead = [(column, column in look.again)]
        while ahead:
            root = name, redrawn = ahead.pop()
            if root in done or name in moved:
                continue
            done.add(root)
            if name in people.protect:
                found[root] = people.protect[name].domain()
                continue
            field = _declared(people, name)
            # Behind a column that is not drawn again, nothing is.
            ahead.extend((parent, redrawn and parent in look.again) for parent in field.parents)
            if field.random or not field.parents:
                domain = field.domain()
                if domain is None:
                    raise _unlisted(column, name, field.kind)
                if field.random:
                    found[root] = domain


def _declared(people: People, name: str) -> Field:
    if name not in people.fields:
        raise CensusError(f'nobody declares "{name}"{nearest(name, people.names)}')
    return people.fields[name]


def _unlisted(column: str, name: str, kind: str) -> CensusError:
    made = "" if column == name else f'which is made from "{name}", '
    return CensusError(
        f'the model sees "{column}", {made}whose values cannot be listed ({kind})',
        path=f"$.fields.{name}",
    )
