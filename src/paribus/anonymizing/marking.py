"""Texts with slots for what was found in them, and other texts put there.

All texts of a column are searched, cut and joined by Arrow; Python sees the distinct hits alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Sort = Literal[
    "url",
    "email",
    "handle",
    "ip",
    "mac",
    "iban",
    "card",
    "national_id",
    "phone",
    "number",
    "name",
    "first_name",
    "last_name",
    "place",
    "code",
    "other",
]
"""What a piece of text identifies by. A `number` is a long one that is nothing else; those from
`name` on are found by others (see `Marked.mark` and `Marked.cut`)."""

SORTS: tuple[Sort, ...] = get_args(Sort)
Pieces = list[tuple[Sort | None, str]]
"""A text in pieces, each of a sort or (None) plain."""

Resolver = Callable[[list[str]], list[Pieces]]
"""Cuts distinct candidates into pieces."""

# Noncharacters (Unicode 16, section 23.7) are never part of text: one marks the edges of what is
# found, and one for each entry of `Marked.found` stands where that was.
_EDGE, _LAST = "\ufdd0", "\ufdef"
_SLOTS = ord(_LAST) - ord(_EDGE)
_ANY_SLOT = "\ufdd1-\ufdef"


@dataclass(frozen=True, eq=False)
class Marked:
    """Texts with a slot for each thing that was found, and what stood there.

    Parameters
    ----------
    texts : pyarrow.Array of string, shape (n,)
        Nulls stay null.
    found : tuple of (Sort, pyarrow.Array of string)
        What was found, in the order of the texts and within them: the i-th entry fills the slots
        of the i-th character.
    """

    texts: pa.Array
    found: tuple[tuple[Sort, pa.Array], ...] = ()

    @classmethod
    def of(cls, texts: pa.Array) -> Marked:
        """Begin with texts in which nothing has been found."""
        # What stands for slots below is no character of any text (Unicode 16, section 23.7).
        if pc.any(pc.match_substring_regex(texts, f"[{_EDGE}-{_LAST}]")).as_py():
            texts = pc.replace_substring_regex(texts, f"[{_EDGE}-{_LAST}]", "\ufffd")
        return cls(texts)

    @property
    def hits(self) -> dict[Sort, pa.Array]:
        """What was found, by sort."""
        by_sort: dict[Sort, list[pa.Array]] = {}
        for sort, hits in self.found:
            by_sort.setdefault(sort, []).append(hits)
        return {sort: pa.concat_arrays(parts) for sort, parts in by_sort.items()}

    def holding(self, *sorts: Sort) -> pa.BooleanArray:
        """Tell which texts hold something of these sorts; null where the text is."""
        slots = "".join(_slot(i) for i, (sort, _) in enumerate(self.found) if sort in sorts)
        return pc.match_substring_regex(
            self.texts, f"[{slots}]" if slots else r"[^\x00-\x{10ffff}]"
        )

    def mark(self, candidate: str, resolve: Resolver, prefilter: str | None = None) -> Marked:
        """Look for more in what is plain text still.

        Parameters
        ----------
        candidate : str
            A regular expression of RE2 (no look-around, no groups that are needed).
        resolve : callable
            Cuts a candidate into pieces with their sorts; asked once per distinct candidate.
        prefilter : str, optional
            A quicker expression without which no candidate can be there.
        """
        mask = pc.fill_null(pc.match_substring_regex(self.texts, prefilter or candidate), False)
        if not pc.any(mask).as_py():
            return self
        rows = self.texts.filter(mask)
        edged = pc.replace_substring_regex(rows, f"({candidate})", rf"{_EDGE}\1{_EDGE}")
        cut = pc.split_pattern(edged, _EDGE)
        pieces, offsets = cut.flatten(), cut.offsets.to_numpy()
        offsets = offsets - offsets[0]
        # Every text starts with a plain piece, maybe empty, and they take turns.
        turn = (np.arange(len(pieces)) - np.repeat(offsets[:-1], np.diff(offsets))) % 2 == 1
        if not turn.any():
            return self
        found = pieces.filter(pa.array(turn)).dictionary_encode()
        cuts = resolve(found.dictionary.to_pylist())
        templates, own = self._templates(cuts)
        if not own:
            return self
        pieces = pc.replace_with_mask(pieces, pa.array(turn), templates.take(found.indices))
        joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pieces), "")
        fresh = [(sort, hits.take(found.indices).flatten()) for sort, hits in own.items()]
        return Marked(pc.replace_with_mask(self.texts, mask, joined), (*self.found, *fresh))

    def cut(self, rows: npt.NDArray[np.int64], pieces: list[Pieces]) -> Marked:
        """Cut the texts of some rows into pieces: what depends on more than the text.

        Parameters
        ----------
        rows : ndarray of int64, shape (k,)
            Ascending.
        pieces : list of Pieces, length k
            Together they are the text of the row, in `texts`.
        """
        templates, own = self._templates(pieces)
        if not own:
            return self
        mask = np.zeros(len(self.texts), np.bool_)
        mask[rows] = True
        texts = pc.replace_with_mask(self.texts, pa.array(mask), templates)
        fresh = [(sort, hits.flatten()) for sort, hits in own.items()]
        return Marked(texts, (*self.found, *fresh))

    def _templates(self, cuts: list[Pieces]) -> tuple[pa.Array, dict[Sort, pa.Array]]:
        """Give texts with slots for what is of a sort, and that, by sort and text."""
        sorts = sorted(
            {s for each in cuts for s, t in each if s is not None and t}, key=SORTS.index
        )
        if len(self.found) + len(sorts) > _SLOTS:
            raise ValueError(f"more than {_SLOTS} things are looked for")
        slots = {sort: _slot(len(self.found) + i) for i, sort in enumerate(sorts)}
        filled = [[(t if s is None else slots[s]) for s, t in each if t] for each in cuts]
        own = {
            sort: pa.array([[t for s, t in c if s == sort and t] for c in cuts], _TEXTS)
            for sort in sorts
        }
        return pa.array(["".join(each) for each in filled], pa.string()), own

    def filled(self, make: Callable[[Sort, pa.Array], pa.Array]) -> pa.Array:
        """Put something else where things were found.

        Parameters
        ----------
        make : callable
            Given a sort and all that was found of it, gives as many texts.

        Returns
        -------
        pyarrow.Array of string, shape (n,)
        """
        if not self.found:
            return self.texts
        made = {sort: make(sort, hits).cast(pa.string()) for sort, hits in self.hits.items()}
        pool = pa.concat_arrays(list(made.values()))
        # Where in the pool the fakes of each entry begin.
        starts, at = {}, 0
        for sort in made:
            for i, (own, hits) in enumerate(self.found):
                if own == sort:
                    starts[i] = at
                    at += len(hits)
        slots = pc.replace_substring_regex(self.texts, f"[^{_ANY_SLOT}]+", "")
        order = _code_points(slots.drop_null()) - ord(_slot(0))
        index = np.empty(len(order), np.int64)
        for i, start in starts.items():
            here = np.flatnonzero(order == i)
            index[here] = start + np.arange(len(here))
        mask = pc.fill_null(pc.not_equal(slots, ""), False)
        cut = pc.split_pattern_regex(self.texts.filter(mask), f"[{_ANY_SLOT}]")
        plain, offsets = cut.flatten(), cut.offsets.to_numpy()
        offsets = offsets - offsets[0]
        # Plain, fake, plain, fake, plain: every text has one plain piece more than fakes.
        last = np.zeros(len(plain), bool)
        last[offsets[1:] - 1] = True
        at_plain = np.arange(len(plain)) + np.concatenate([[0], np.cumsum(~last)[:-1]])
        take = np.empty(len(plain) + len(order), np.int64)
        take[at_plain] = np.arange(len(plain))
        take[at_plain[~last] + 1] = len(plain) + index
        bounds = np.concatenate([[0], np.cumsum(2 * np.diff(offsets) - 1)])
        pieces = pa.concat_arrays([plain, pool]).take(pa.array(take))
        joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), pieces), "")
        return pc.replace_with_mask(self.texts, mask, joined)


_TEXTS = pa.list_(pa.string())


def _slot(place: int) -> str:
    return chr(0xFDD1 + place)


def _code_points(texts: pa.Array) -> npt.NDArray[np.int64]:
    whole = "".join(texts.to_pylist())
    return np.frombuffer(whole.encode("utf-32-le"), "<u4").astype(np.int64)
