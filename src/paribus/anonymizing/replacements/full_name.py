"""A full name with the same parts in the same order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import names
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements._people import (
    FIRST,
    LAST,
    Fakes,
    OfPeople,
    faked,
    is_particle,
    is_title,
    is_together,
    joined,
    mask,
    matching,
    pattern_for,
    settled,
    spaced,
    together,
    wordless,
    words_of,
)

_KEPT, _TOGETHER, _LAST_OF = 0, 3, 4
"""Roles beside `FIRST` and `LAST`; from `_LAST_OF` on, last names of no, one, the other gender."""

_LONG = 9
"""Names of as many words and more are looked at one by one."""

_LAST_FIRST = ("hu", "ja", "ko", "zh")
"""Languages that put the surname first."""

_TWO_SURNAMES = ("es", "pt")


class FullName(OfPeople):
    """Replaces first, middle and last names word by word; titles, commas and particles stay.

    A word gets the fake that columns of first names and of last names give it.
    """

    kind: Literal["full_name"] = "full_name"
    order: Literal["auto", "first last", "last first"] = "auto"
    """Where the surname stands. By itself the lists of names say it, and else the language."""

    def gendered(self, texts: pa.Array, key: Key, gender: int) -> pa.Array:
        words, codes, starts = words_of(texts)
        roles = self._roles_of(words, codes, starts)
        fakes, every = Fakes(words), np.arange(len(words))
        # What stands for each word in each role.
        made = np.empty((_LAST_OF + 3, len(words)), np.int64)
        made[_KEPT] = spaced(words, every)
        if names.inflects(self.locale):
            row = np.repeat(np.arange(len(texts)), np.diff(starts))
            last = roles == LAST
            sexes = self._sexes(words, codes, row, roles, key, gender)
            roles[last] = _LAST_OF + 1 + sexes[row[last]]
        used = np.zeros(made.shape, np.bool_)
        at = roles.astype(np.int64) * len(words) + codes
        used.reshape(-1)[at] = True

        def ask(role: int, give: Callable[[pa.Array], pa.Array]) -> None:
            if used[role].any():
                made[role, used[role]] = fakes.add(every[used[role]], give)

        def faking(role: int, sex: int) -> Callable[[pa.Array], pa.Array]:
            return lambda each: faked(each, role, key, self.locale, sex, self.realm_)

        ask(FIRST, faking(FIRST, gender))
        ask(_TOGETHER, lambda each: together(each, key, self.locale, gender, self.realm_))
        ask(LAST, faking(LAST, names.UNKNOWN))
        for sex in (names.UNKNOWN, names.MALE, names.FEMALE):
            ask(_LAST_OF + 1 + sex, faking(LAST, sex))
        return settled(
            joined(fakes.pool, made.reshape(-1)[at], starts),
            texts,
            lambda left: pc.binary_join_element_wise(
                names.first(left, key, self.locale, None, self.realm_),
                names.last(left, key, self.locale, None, self.realm_),
                " ",
            ),
        )

    def _sexes(
        self,
        words: pa.Array,
        codes: npt.NDArray[np.int64],
        row: npt.NDArray[np.int64],
        roles: npt.NDArray[np.int8],
        key: Key,
        gender: int,
    ) -> npt.NDArray[np.int8]:
        """Give the gender of the fake first name of each person, -1 without a first name."""
        sexes = np.full(row[-1] + 1 if len(row) else 0, gender, np.int8)
        at = np.flatnonzero(roles == FIRST)[::-1]
        if gender == names.UNKNOWN and len(at):
            used, back = np.unique(codes[at], return_inverse=True)
            head = _head(pc.utf8_lower(words.take(pa.array(used))))
            known = names.sex_of(head, key, self.locale, None, self.realm_)
            # Backwards, so that the first of several first names is the one that stays.
            sexes[row[at]] = known[back]
        return sexes

    def _roles_of(
        self, words: pa.Array, codes: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int8]:
        """Tell what each word is: kept, a first name, a last name, or both without a space."""
        looks, kinds = _Looks.of(words, self.locale)
        kinds = kinds[codes]
        roles = np.empty(len(codes), np.int8)
        lengths = np.minimum(np.diff(starts), _LONG)
        for length in np.unique(lengths).tolist():
            rows = np.flatnonzero(lengths == length)
            if length == _LONG:
                at = np.flatnonzero(np.repeat(lengths == length, np.diff(starts)))
                ends = np.concatenate([[0], np.cumsum(np.diff(starts)[rows])])
                roles[at] = self._roles(_Places(looks, kinds[at], ends))
                continue
            # Names whose words look alike in turn have the same roles, and there are few such.
            places = starts[rows][:, None] + np.arange(length)
            seen, which = _distinct(kinds[places], len(looks.blank))
            ends = np.arange(0, seen.size + 1, length)
            own = self._roles(_Places(looks, seen.reshape(-1), ends))
            roles[places] = own.reshape(seen.shape)[which]
        return roles

    def _roles(self, places: _Places) -> npt.NDArray[np.int8]:
        only_first, only_last = places.only_first, places.only_last
        named, father = places.named, places.father
        roles = np.where(named, FIRST, _KEPT).astype(np.int8)
        counted = named & ~father
        head, tail = places.ends(counted)
        alone = head == tail
        some = np.flatnonzero(head >= 0)
        language = self.locale.partition("-")[0]
        habit = language in _LAST_FIRST if self.order == "auto" else self.order == "last first"
        leads = np.full(places.rows, habit)
        if self.order == "auto":
            a, b = head[some], tail[some]
            votes = only_last[a].astype(int) + only_first[b] - only_first[a] - only_last[b]
            leads[some] = np.where(votes > 0, True, np.where(votes < 0, False, leads[some]))
        comma = places.comma(counted)
        split = comma >= 0
        surname = np.where(leads, head, tail)
        many = some[~alone[some] & ~split[some]]
        roles[surname[many]] = LAST
        self._more_surnames(places, roles, counted & ~split[places.row], leads, only_last)
        # One name only: a title says that it is a surname, and otherwise the lists.
        single = some[alone[some] & ~split[some]]
        at = head[single]
        roles[at] = np.where(places.titled[single] | only_last[at], LAST, FIRST)
        whole = single[places.together[head[single]]]
        roles[head[whole]] = _TOGETHER
        before = split[places.row] & (places.place <= comma[places.row])
        roles[before & named] = LAST
        return roles

    def _more_surnames(
        self,
        places: _Places,
        roles: npt.NDArray[np.int8],
        counted: npt.NDArray[np.bool_],
        leads: npt.NDArray[np.bool_],
        only_last: npt.NDArray[np.bool_],
    ) -> None:
        """Find the surnames beside the outermost: behind a particle, and the two of Iberia."""
        behind = np.zeros(len(roles), np.bool_)
        behind[1:] = places.particle[:-1] & (places.row[1:] == places.row[:-1])
        behind &= counted & ~leads[places.row]
        behind[places.ends(counted)[0][places.row] == places.place] = False
        roles[behind] = LAST
        if self.locale.partition("-")[0] in _TWO_SURNAMES:
            head, tail = places.ends(counted)
            inner = counted & (places.place > head[places.row]) & (places.place < tail[places.row])
            roles[inner & only_last & ~leads[places.row]] = LAST


def _head(words: pa.Array) -> pa.Array:
    """Give the first letters of words that stand together."""
    return pc.replace_substring_regex(words, pattern_for(words, r"^\PL*(\pL*).*$"), r"\1")


def _listed(words: pa.Array, locale: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tell which words are first names and last names: by a locale's lists, or else all."""
    plain = pc.utf8_lower(words)
    odd = pc.invert(pc.ascii_is_alpha(plain))
    if pc.any(odd).as_py():
        plain = pc.replace_with_mask(plain, odd, _head(plain.filter(odd)))
    first, last = (names.is_of(plain, kind, locale) for kind in ("first", "last"))
    none = np.flatnonzero(~first & ~last)
    if len(none):
        left = plain.take(pa.array(none))
        first[none], last[none] = names.is_first(left), names.is_last(left)
    return first, last


@dataclass(frozen=True, eq=False)
class _Looks:
    """What words look like, all that is asked of them: each only once."""

    blank: npt.NDArray[np.bool_]
    title: npt.NDArray[np.bool_]
    comma: npt.NDArray[np.bool_]
    particle: npt.NDArray[np.bool_]
    lower: npt.NDArray[np.bool_]
    father: npt.NDArray[np.bool_]
    together: npt.NDArray[np.bool_]
    only_first: npt.NDArray[np.bool_]
    only_last: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, words: pa.Array, locale: str) -> tuple[_Looks, npt.NDArray[np.int64]]:
        """Give the different looks of words, and which each has."""
        first, last = _listed(words, locale)
        told = (
            wordless(words),
            is_title(words),
            mask(pc.ends_with(words, ",")),
            is_particle(words),
            matching(words, r"^\p{Ll}"),
            names.is_patronymic(words, locale),
            is_together(words),
            first & ~last,
            last & ~first,
        )
        bits = sum(flag.astype(np.int64) << place for place, flag in enumerate(told))
        seen, which = np.unique(bits, return_inverse=True)
        return cls(*(seen >> place & 1 == 1 for place in range(len(told)))), which


def _distinct(
    rows: npt.NDArray[np.int64], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give the distinct rows of numbers below a size, and which of them each row is."""
    which = np.zeros(len(rows), np.int64)
    many = 1
    for column in rows.T:
        which = which * size + column
        seen = np.zeros(many * size, np.bool_)
        seen[which] = True
        which = (np.cumsum(seen) - 1)[which]
        many = int(seen.sum())
    one = np.empty(many, np.int64)
    one[which] = np.arange(len(rows))
    return rows[one], which


class _Places:
    """The words of many names, laid end to end, and what each looks like."""

    def __init__(
        self, looks: _Looks, codes: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]
    ) -> None:
        self.rows = len(starts) - 1
        self.row = np.repeat(np.arange(self.rows), np.diff(starts))
        self.place = np.arange(len(codes))
        self.father, self.together = looks.father[codes], looks.together[codes]
        self.only_first, self.only_last = looks.only_first[codes], looks.only_last[codes]
        blank, title = looks.blank[codes], looks.title[codes]
        self._comma = looks.comma[codes]
        bare = ~blank & ~title
        # Where nothing but titles is left, they are names after all.
        only = np.bincount(self.row[bare], minlength=self.rows) == 0
        title &= ~only[self.row]
        bare = ~blank & ~title
        head, tail = self.ends(bare)
        commas = np.zeros(self.rows, np.bool_)
        commas[self.row[self._comma]] = True
        inner = (self.place > head[self.row]) | looks.lower[codes] | commas[self.row]
        self.particle = (
            bare & looks.particle[codes] & ~self._comma & inner & (self.place < tail[self.row])
        )
        self.named = bare & ~self.particle
        self.titled = np.zeros(self.rows, np.bool_)
        self.titled[self.row[title]] = True

    def ends(
        self, chosen: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Give the first and the last chosen place of each name, -1 where there is none."""
        head, tail = np.full(self.rows, -1), np.full(self.rows, -1)
        at = np.flatnonzero(chosen)
        tail[self.row[at]] = at
        head[self.row[at[::-1]]] = at[::-1]
        return head, tail

    def comma(self, counted: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Give the place of the first comma of each name that has names behind it, or else -1."""
        _, tail = self.ends(counted)
        found = np.full(self.rows, -1)
        at = np.flatnonzero(self._comma & (self.place < tail[self.row]))[::-1]
        found[self.row[at]] = at
        return found
