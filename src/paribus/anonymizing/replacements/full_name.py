"""A full name with the same parts in the same order."""

from __future__ import annotations

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
    settled,
    spaced,
    together,
    wordless,
    words_of,
)

_KEPT, _TOGETHER = 0, 3

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
        places = _Places(words, codes, starts)
        roles = self._roles(places)
        fakes, out = Fakes(words), spaced(words, codes)

        def ask(here: npt.NDArray[np.bool_], role: int, sex: int) -> None:
            if here.any():
                out[here] = fakes.add(
                    codes[here], lambda each: faked(each, role, key, self.locale, sex, self.realm_)
                )

        ask(roles == FIRST, FIRST, gender)
        whole = roles == _TOGETHER
        if whole.any():
            out[whole] = fakes.add(
                codes[whole], lambda each: together(each, key, self.locale, gender, self.realm_)
            )
        if names.inflects(self.locale):
            sexes = self._sexes(places, roles, key, gender)[places.row]
            for sex in (names.MALE, names.FEMALE, names.UNKNOWN):
                ask((roles == LAST) & (sexes == sex), LAST, sex)
        else:
            ask(roles == LAST, LAST, names.UNKNOWN)
        made = joined(fakes.pool, out, starts)
        return settled(
            made,
            texts,
            lambda left: pc.binary_join_element_wise(
                names.first(left, key, self.locale, None, self.realm_),
                names.last(left, key, self.locale, None, self.realm_),
                " ",
            ),
        )

    def _sexes(
        self, places: _Places, roles: npt.NDArray[np.int8], key: Key, gender: int
    ) -> npt.NDArray[np.int8]:
        """Give the gender of the fake first name of each person, -1 without a first name."""
        sexes = np.full(places.rows, gender, np.int8)
        at = np.flatnonzero(roles == FIRST)[::-1]
        if gender == names.UNKNOWN and len(at):
            used, back = np.unique(places.codes[at], return_inverse=True)
            head = pc.replace_substring_regex(
                pc.utf8_lower(places.words.take(pa.array(used))), r"^\PL*(\pL*).*$", r"\1"
            )
            known = names.sex_of(head, key, self.locale, None, self.realm_)
            # Backwards, so that the first of several first names is the one that stays.
            sexes[places.row[at]] = known[back]
        return sexes

    def _roles(self, places: _Places) -> npt.NDArray[np.int8]:
        """Tell what each word is: kept, a first name, a last name, or both without a space."""
        first, last = self._listed(places.words)
        father = names.is_patronymic(places.words, self.locale)[places.codes]
        only_first, only_last = (first & ~last)[places.codes], (last & ~first)[places.codes]
        named = places.named
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
        whole = single[is_together(places.words)[places.codes[head[single]]]]
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

    def _listed(self, words: pa.Array) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Tell which words are first names and last names: by this locale's lists, or else all."""
        plain = pc.utf8_lower(words)
        odd = pc.invert(pc.ascii_is_alpha(plain))
        if pc.any(odd).as_py():
            head = pc.replace_substring_regex(plain.filter(odd), r"^\PL*(\pL*).*$", r"\1")
            plain = pc.replace_with_mask(plain, odd, head)
        first, last = (names.is_of(plain, kind, self.locale) for kind in ("first", "last"))
        none = ~first & ~last
        return (
            first | (none & names.is_first(plain)),
            last | (none & names.is_last(plain)),
        )


class _Places:
    """The words of many names, laid end to end, and what each looks like."""

    def __init__(
        self, words: pa.Array, codes: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]
    ) -> None:
        self.words, self.codes = words, codes
        self.rows = len(starts) - 1
        self.row = np.repeat(np.arange(self.rows), np.diff(starts))
        self.place = np.arange(len(codes))
        blank = wordless(words)[codes]
        title = is_title(words)[codes]
        self._comma = mask(pc.ends_with(words, ","))[codes]
        bare = ~blank & ~title
        # Where nothing but titles is left, they are names after all.
        only = np.bincount(self.row[bare], minlength=self.rows) == 0
        title &= ~only[self.row]
        bare = ~blank & ~title
        head, tail = self.ends(bare)
        lower = mask(pc.match_substring_regex(words, r"^\p{Ll}"))[codes]
        commas = np.zeros(self.rows, np.bool_)
        commas[self.row[self._comma]] = True
        inner = (self.place > head[self.row]) | lower | commas[self.row]
        self.particle = (
            bare & is_particle(words)[codes] & ~self._comma & inner & (self.place < tail[self.row])
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
