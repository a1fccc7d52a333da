"""People whom several audits share: of equal recipes, each block is drawn once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import TYPE_CHECKING

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from paribus.errors import SpecError

if TYPE_CHECKING:
    from paribus.people.population import Block, People

MOST_VALUES = 4_000_000
"""Values kept where nobody says how many: 400 blocks of 1,000 people with ten columns, and between
16 MB (codes) and 160 MB (UUIDs) of memory."""


class SharedPeople:
    """A bounded store of blocks of people, for audits that follow each other in one process.

    Person *i* depends only on the seed, the name of each field, and *i*: so people of equal recipes
    are the same, and an audit that takes them from here gives the very same record. Real rows are
    never kept, nor is everybody in a declared domain: neither is drawn by chance.

    Parameters
    ----------
    values : int
        How many values to keep at most, from 0: people times columns, over all blocks. What was
        used longest ago is forgotten first; the last block is always kept.

    Raises
    ------
    SpecError
        Where `values` is no such number.

    Examples
    --------
    >>> import paribus as pb
    >>> shared = pb.SharedPeople()
    >>> def audited(least):
    ...     return pb.audit(
    ...         lambda people: people["income"] > least,
    ...         protect={"gender": ["Male", "Female"]},
    ...         fields={"income": pb.integers(30_000, 119_999)},
    ...         people=1_000, favorable=True, shared=shared,
    ...     ).verdict
    >>> audited(50_000), audited(80_000)
    ('within tolerance', 'within tolerance')
    >>> 0 < shared.drawn < shared.reused
    True
    """

    def __init__(self, values: int = MOST_VALUES) -> None:
        if not isinstance(values, int) or values < 0:
            raise SpecError(f"must be a whole number from 0, not {values!r}", path="values")
        self.most = values
        self.drawn = 0
        """Blocks that were opened anew."""
        self.reused = 0
        """Blocks that were there already."""
        self._blocks: OrderedDict[Hashable, Block] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def values(self) -> int:
        """Values that are kept now."""
        with self._lock:
            return self._kept()

    def _kept(self) -> int:
        return sum(block.values for block in self._blocks.values())

    def block(self, drawn: Block) -> Block:
        """Give the block that is kept in place of one that was just opened, and keep that if none.

        Parameters
        ----------
        drawn : Block
            Of which nothing has been drawn yet.
        """
        recipe = drawn.people.recipe
        if recipe is None:
            return drawn
        key = (recipe, drawn.index, len(drawn))
        with self._lock:
            kept = self._blocks.pop(key, None)
            # Blocks grow while they are used, so they are counted when the next one is asked for.
            while self._blocks and self._kept() > self.most:
                self._blocks.popitem(last=False)
            if kept is None:
                self.drawn += 1
            else:
                self.reused += 1
            block = self._blocks[key] = drawn if kept is None else kept
        return block


def recipe_of(people: People) -> Hashable:
    """Describe all that people depend on, so that equal descriptions mean equal people.

    Returns
    -------
    hashable, or None
        None where they are not drawn by chance alone, or where the declaration of a field does not
        tell all that it is.
    """
    if people.rows is not None or people.census is not None:
        return None
    if not all(_tells_all(type(field)) for field in people.fields.values()):
        return None
    declared = {"protect", "fields"}
    try:
        text = people.model_dump_json(include=declared)
    except (PydanticSerializationError, ValueError):
        return None
    # JSON tells 1 from True, and repr a date from its text: values that differ differ in one.
    text += "".join(repr(getattr(people, part)) for part in sorted(declared))
    kinds = tuple((name, type(field)) for name, field in people.fields.items())
    return people.seed, kinds, hashlib.sha256(text.encode()).digest()


def _tells_all(declaration: type[BaseModel]) -> bool:
    hidden = any(info.exclude for info in declaration.model_fields.values())
    return not hidden and not declaration.__private_attributes__
