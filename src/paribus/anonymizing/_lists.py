"""The lists of names and places that Mimesis has, and what can be asked of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.errors import SpecError, nearest
from paribus.people.fields.mimesis import locales, values

MALE, FEMALE, UNKNOWN = 0, 1, -1

Kind = Literal["first", "last", "city", "region", "country", "job"]

_METHODS: Mapping[str, tuple[tuple[str, Mapping[str, Any]], ...]] = {
    "male": (("person.first_name", {"gender": "MALE"}),),
    "female": (("person.first_name", {"gender": "FEMALE"}),),
    "first": (
        ("person.first_name", {"gender": "MALE"}),
        ("person.first_name", {"gender": "FEMALE"}),
    ),
    "city": (("address.city", {}),),
    "region": (("address.state", {}), ("address.state", {"abbr": True})),
    "country": (("address.country", {}),),
    "job": (("person.occupation", {}),),
}

_SPELLED = {
    "ł": "l",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ı": "i",
}
"""Letters that people without them on the keyboard write otherwise, and Unicode takes for whole."""

_ENOUGH = 10
"""Names that a part of a list needs, to be used instead of the whole."""

FEW = 5
"""Surnames of one form at least, for that form to be kept."""

_FORMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    # Bare endings of a man's and of a woman's surname, the longer ones first.
    "ru": (
        ("скии", "ская"),
        ("цкии", "цкая"),
        ("ыи", "ая"),
        ("ов", "ова"),
        ("ев", "ева"),
        ("ин", "ина"),
        ("ын", "ына"),
        ("sky", "skaya"),
        ("ov", "ova"),
        ("ev", "eva"),
        ("in", "ina"),
    ),
    "uk": (
        ("ськии", "ська"),
        ("цькии", "цька"),
        ("ов", "ова"),
        ("ев", "ева"),
        ("ін", "іна"),
        ("skyi", "ska"),
        ("ov", "ova"),
        ("ev", "eva"),
    ),
    "kk": (("ов", "ова"), ("ев", "ева"), ("ин", "ина"), ("ov", "ova"), ("ev", "eva")),
    "pl": (("ski", "ska"), ("cki", "cka"), ("dzki", "dzka")),
    "cs": (
        ("sky", "ska"),
        ("cky", "cka"),
        ("ny", "na"),
        ("ek", "kova"),
        ("ec", "cova"),
        ("a", "ova"),
        ("", "ova"),
    ),
    "sk": (
        ("sky", "ska"),
        ("cky", "cka"),
        ("ny", "na"),
        ("ek", "kova"),
        ("ec", "cova"),
        ("a", "ova"),
        ("", "ova"),
    ),
    "el": (("ιου", "ιου"), ("ης", "η"), ("ος", "ου"), ("ας", "α"), ("is", "i"), ("os", "ou")),
    "is": (("sson", "sdottir"), ("son", "dottir")),
}
"""The locales whose surnames differ between men and women; the same ending twice is of both."""

_CZECH = (
    ("ý$", "á"),
    ("a$", "ová"),
    ("ek$", "ková"),
    ("ec$", "cová"),
    ("([bcčdďfghjklmnňprřsšktťvwzž])$", r"\1ová"),
)
"""How a Czech woman's surname ends that comes of a man's."""

_FATHERS = {
    "ru": (("ович", "евич"), ("овна", "евна")),
    "uk": (("ович", "йович"), ("івна", "ївна")),
}
"""How a patronymic ends, of sons and of daughters, behind a consonant and instead of -й."""

PATRONYMIC = (r"(ович|евич|ич|ovich|evich)$", r"(овна|евна|івна|ївна|ична|ovna|evna|ivna)$")


@dataclass(frozen=True, eq=False)
class Pool:
    """Values to choose from, and what they are without case and accents: each only once."""

    spelled: pa.Array
    bare: pa.Array

    @classmethod
    def of(cls, spelled: pa.Array) -> Pool:
        plain = bare(spelled)
        once = np.sort(
            np.unique(plain.dictionary_encode().indices.to_numpy(), return_index=True)[1]
        )
        return cls(spelled.take(pa.array(once)), plain.take(pa.array(once)))


@dataclass(frozen=True, eq=False)
class Surnames:
    neutral: Pool
    pairs: tuple[Pool, Pool] | None = None
    """Surnames of men and, at the same places, of women."""
    stems: pa.Array | None = None
    """What both forms have in common."""


class Index:
    """Where each word of a vocabulary is; asked often, so that no table is built again."""

    def __init__(self, vocabulary: pa.Array) -> None:
        self.vocabulary = vocabulary
        self._at = {word: place for place, word in enumerate(vocabulary.to_pylist())}

    def places(self, words: pa.Array) -> npt.NDArray[np.int64]:
        """Give the place of each word, -1 where there is none."""
        find = self._at.get
        return np.array([find(word, -1) for word in words.to_pylist()], np.int64)


@dataclass(frozen=True, eq=False)
class Known:
    """All words of a kind, and the locales that have each."""

    index: Index
    member: npt.NDArray[np.bool_]
    """Shape (words, locales)."""


def bare(texts: pa.Array) -> pa.Array:
    """Give texts in small letters without accents, as people write them without the keyboard.

    Examples
    --------
    >>> bare(pa.array(["Ülkü", "Łukasz", "Søren"])).to_pylist()
    ['ulku', 'lukasz', 'soren']
    """
    lower = pc.utf8_lower(texts)
    if pc.all(pc.string_is_ascii(lower)).as_py() is not False:
        return lower
    # Marks of Latin, Greek, Cyrillic and Arabic letters; those of Japanese change the letter.
    marks = r"[\x{0300}-\x{036F}\x{0640}\x{064B}-\x{065F}\x{0670}]"
    plain = pc.replace_substring_regex(pc.utf8_normalize(lower, form="NFKD"), marks, "")
    plain = pc.utf8_normalize(plain, form="NFC")
    for letter, spelled in _SPELLED.items():
        plain = pc.replace_substring(plain, letter, spelled)
    return plain


def checked(locale: str) -> str:
    """Give back a locale that Mimesis has.

    Raises
    ------
    SpecError
        Where there is none of that name; says which is nearest.
    """
    if locale not in every():
        short = nearest(locale, every()) or " (such as en, de, fr, pt-br)"
        raise SpecError(f'nobody has names for the locale "{locale}"{short}', path="$.locale")
    return locale


@cache
def every() -> tuple[str, ...]:
    return locales()


@cache
def listed(kind: str, locale: str) -> pa.Array:
    if kind == "last":
        lists = [*surnames(locale), values("person.last_name", locale)]
        return pa.concat_arrays(lists)
    lists = [values(method, locale, **given) for method, given in _METHODS[kind]]
    return pa.concat_arrays([each.cast(pa.string()) for each in lists])


@cache
def known(kind: str) -> Known:
    parts = [listed(kind, locale) for locale in every()]
    words = pa.concat_arrays(parts)
    # The same words stand on the lists of many locales: made bare once.
    raw = words.dictionary_encode()
    encoded = bare(raw.dictionary).dictionary_encode()
    codes = encoded.indices.to_numpy()[raw.indices.to_numpy()]
    member = np.zeros((len(encoded.dictionary), len(parts)), np.bool_)
    member[codes, np.repeat(np.arange(len(parts)), [len(part) for part in parts])] = True
    return Known(Index(encoded.dictionary), member)


@cache
def bare_of(kind: str, locale: str) -> pa.Array:
    """Give the words of a list in small letters without accents."""
    return bare(listed(kind, checked(locale)))


def has(plain: pa.Array, known: pa.Array) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.is_in(plain, value_set=known).to_numpy(zero_copy_only=False)
    return found


def language(locale: str) -> str:
    return locale.partition("-")[0]


def votes(plain: pa.Array, but: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count the languages, all but one, that know a first name as only a man's or a woman's."""
    index, tongues, men, women = _electorate()
    at = index.places(plain)
    others = np.array([tongue != but for tongue in tongues])
    rows = [np.where((at >= 0)[:, None], side[at] & others, False) for side in (men, women)]
    return rows[0].sum(axis=1), rows[1].sum(axis=1)


@cache
def _electorate() -> tuple[Index, tuple[str, ...], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    tongues = tuple(sorted({language(locale) for locale in every()}))
    column = [tongues.index(language(locale)) for locale in every()]
    lists = [known(kind) for kind in ("male", "female")]
    vocabulary = pc.unique(pa.concat_arrays([each.index.vocabulary for each in lists]))
    index, sides = Index(vocabulary), []
    for each in lists:
        at = index.places(each.index.vocabulary)
        side = np.zeros((len(vocabulary), len(tongues)), np.bool_)
        for place, tongue in enumerate(column):
            side[at, tongue] |= each.member[:, place]
        sides.append(side)
    both = sides[0] & sides[1]
    return index, tongues, sides[0] & ~both, sides[1] & ~both


def single(names: pa.Array) -> pa.Array:
    """Keep names of one part: many parts would not stand where one stood."""
    one = names.filter(pc.invert(pc.match_substring_regex(names, r"[^\pL\pM]")))
    return one if len(one) >= _ENOUGH else names


@cache
def first_lists(locale: str) -> tuple[Pool, Pool]:
    male, female = (Pool.of(listed(kind, checked(locale))) for kind in ("male", "female"))
    return male, female


def surnames(locale: str) -> tuple[pa.Array, pa.Array]:
    male, female = (
        values("person.last_name", locale, gender=gender) for gender in ("MALE", "FEMALE")
    )
    if locale != "cs":
        return male, female
    # One list, nearly all of it men's: the regular forms of women are made from theirs.
    men = male.filter(pc.invert(pc.match_substring_regex(male, "(ov[áa]|ná|ská|[eě]l)$")))
    women = men
    for ending, hers in _CZECH:
        women = pc.replace_substring_regex(women, ending, hers)
    return men, women


@cache
def surnames_of(locale: str) -> Surnames:
    forms = _FORMS.get(checked(locale))
    if forms is None:
        return Surnames(Pool.of(single(listed("last", locale))))
    male, female = (Pool.of(single(names)) for names in surnames(locale))
    men = {name: place for place, name in enumerate(male.bare.to_pylist())}
    pairs = {}
    for place, name in enumerate(female.bare.to_pylist()):
        for his, hers in forms:
            if his == hers:
                continue
            partner = men.get(name.removesuffix(hers) + his) if name.endswith(hers) else None
            if partner is not None and partner not in pairs:
                pairs[partner] = place
                break
    # On both lists, and not because the list knows no difference.
    both = male.spelled.filter(pa.array(has(male.bare, female.bare)))
    form = formed(bare(both), locale)[1] if len(both) else np.zeros(0, np.int8)
    neutral = Pool.of(both.filter(pa.array(form == UNKNOWN)))
    if len(pairs) < FEW:
        return Surnames(Pool.of(single(listed("last", locale))))
    places = np.array(sorted(pairs.items()), np.int64)
    paired = [
        Pool(pool.spelled.take(at), pool.bare.take(at))
        for pool, at in ((male, places[:, 0]), (female, places[:, 1]))
    ]
    return Surnames(neutral, (paired[0], paired[1]), formed(paired[0].bare, locale)[0])


def formed(plain: pa.Array, locale: str) -> tuple[pa.Array, npt.NDArray[np.int8]]:
    """Give what the forms of each surname have in common, and whose form each is."""
    forms = _FORMS[locale]
    form = np.full(len(plain), UNKNOWN, np.int8)
    done = np.zeros(len(plain), np.bool_)
    stem = plain
    male, female = (has(plain, bare(names)) for names in surnames(locale))

    def match(ending: str, common: str, gender: int, those: npt.NDArray[np.bool_]) -> None:
        nonlocal stem
        ends = pc.ends_with(plain, ending).to_numpy(zero_copy_only=False)
        new = ~done & those & ends
        if new.any():
            cut = pc.replace_substring_regex(plain, f"{ending}$", common)
            stem = pc.if_else(pa.array(new), cut, stem)
            form[new] = gender
            done[new] = True

    for his, hers in forms:
        if his == hers:
            match(his, his, UNKNOWN, ~done)
    # Longest endings first: -kova is of -ek, not of nothing. A list knows better than an ending.
    for his, hers in sorted(forms, key=lambda pair: -len(pair[1])):
        match(hers, _common(his, hers), FEMALE, ~male | female)
    for his, hers in sorted(forms, key=lambda pair: -len(pair[0])):
        match(his, _common(his, hers), MALE, ~done)
    return stem, form


def _common(his: str, hers: str) -> str:
    """Give what is left of an ending in both forms; the Czech -ek and -ec lose their vowel."""
    if his in {"ek", "ec"}:
        return hers[0]
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(his, hers, strict=False))
    return "".join(letter for letter, _ in same)


@cache
def patronymics(locale: str) -> tuple[Pool, Pool] | None:
    """Give names after the father, of sons and at the same places of daughters."""
    endings = _FATHERS.get(language(checked(locale)))
    if endings is None:
        return None
    fathers = single(listed("male", locale))
    # Of these the vowel is lost or the stem changes; the regular ones are enough.
    odd = "(ел|ев|ёл|ер|ётр|ий|ов)$" if locale == "ru" else "(ел|ев|ер|ів)$"
    fathers = fathers.filter(pc.invert(pc.match_substring_regex(fathers, odd)))
    pools = []
    for hard, soft in endings:
        made = [
            pc.replace_substring_regex(
                fathers.filter(pc.match_substring_regex(fathers, f"{ending}$")),
                "й?$" if ending == "й" else "$",
                tail,
            )
            for ending, tail in (("[бвгдзклмнпрстфхц]", hard), ("й", soft))
        ]
        pools.append(pa.concat_arrays(made))
    return Pool.of(pools[0]), Pool.of(pools[1])


@cache
def titles() -> pa.Array:
    parts = [
        values("person.title", locale, gender=gender, title_type=sort)
        for locale in every()
        for gender in ("MALE", "FEMALE")
        for sort in ("TYPICAL", "ACADEMIC")
    ]
    whole = pa.concat_arrays([part.cast(pa.string()) for part in parts])
    return pc.unique(pc.split_pattern(bare(whole), " ").flatten())
