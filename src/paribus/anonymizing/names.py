"""Names of people and places: which lists know them, and which fake the key gives each.

The lists are those of Mimesis in all of its locales. A token is one name without spaces, folded:
lower case, compatibility forms made one (`paribus.anonymizing.replacements.base.folded`).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import _lists
from paribus.anonymizing._lists import (
    FEMALE,
    MALE,
    UNKNOWN,
    Kind,
    Pool,
    bare,
    checked,
)
from paribus.anonymizing.keys import Key
from paribus.errors import SpecError
from paribus.people.fields.mimesis import values

__all__ = [
    "FEMALE",
    "MALE",
    "UNKNOWN",
    "Kind",
    "bare",
    "checked",
    "chosen",
    "first",
    "gender_of",
    "genders",
    "inflects",
    "is_first",
    "is_last",
    "is_listed",
    "is_of",
    "is_patronymic",
    "known_locales",
    "last",
    "last_names",
    "locales_of",
    "patronymic",
    "sex_of",
    "styled",
    "surnames_of",
    "titles",
    "usable",
    "values",
]

_NEAR = {"kk": "ru", "is": "no", "sk": "cs"}
"""Locales with short lists, and the language next to theirs."""

_MEN = (
    *("m", "male", "man", "boy", "mr", "mann", "mannlich", "herr", "homme", "masculin", "h"),
    *("hombre", "masculino", "varon", "homem", "uomo", "maschio", "maschile", "mezczyzna"),
    *("muz", "mies", "man", "mand", "erkek", "мужскои", "мужчина", "муж", "м", "чоловік", "ч"),
    *("男", "男性", "남", "남자", "남성", "ذكر", "مرد"),
)
_WOMEN = (
    *("f", "female", "woman", "girl", "ms", "mrs", "miss", "w", "frau", "weiblich", "femme"),
    *("feminin", "mujer", "femenino", "mulher", "feminino", "donna", "femmina", "femminile"),
    *("kobieta", "zena", "nainen", "kvinna", "kvinde", "kvinne", "vrouw", "kadin", "k"),
    *("женскии", "женщина", "жен", "ж", "жінка", "女", "女性", "여", "여자", "여성", "انثى", "زن"),
)


# --- fakes ----------------------------------------------------------------------------------------


def first(
    tokens: pa.Array, key: Key, locale: str, gender: pa.Array | None = None, realm: str = ""
) -> pa.Array:
    """Give a fake first name for each real one, of the same gender.

    Parameters
    ----------
    tokens : pyarrow.Array of string, shape (n,)
        Folded, without nulls; best distinct.
    key : Key
    locale : str
        Of Mimesis; the fakes are from its lists.
    gender : pyarrow.Array of int8, shape (n,), optional
        0 male, 1 female; null or -1 where the lists of names are to say it (see `gender_of`). A
        name that they do not know, or know of both, gets a gender by the key.
    realm : str
        Put before the realm of all first names: another one gets other fakes.

    Returns
    -------
    pyarrow.Array of string, shape (n,)
        Spelled as in the list, mostly in title case. None is its own token, whatever the accents.

    Examples
    --------
    >>> key = Key(b"a secret of some length")
    >>> fakes = first(pa.array(["mary", "john"]), key, "en")
    >>> gender_of(pc.utf8_lower(fakes), "en").tolist()
    [1, 0]
    """
    plain = bare(tokens)
    words = key.words(plain, f"{realm}first_name", 2)
    sex = _sex(tokens, words, locale, gender)
    pools = _first_pools(locale)
    fakes = [_chosen(pool, words[:, 0], plain) for pool in pools]
    return pc.if_else(pa.array(sex == FEMALE), fakes[1], fakes[0])


def sex_of(
    tokens: pa.Array, key: Key, locale: str, gender: pa.Array | None = None, realm: str = ""
) -> npt.NDArray[np.int8]:
    """Give the gender of the fakes that `first` gives: 0 male, 1 female; see there."""
    return _sex(tokens, key.words(bare(tokens), f"{realm}first_name", 2), locale, gender)


def _sex(
    tokens: pa.Array, words: npt.NDArray[np.uint64], locale: str, gender: pa.Array | None
) -> npt.NDArray[np.int8]:
    sex = _given(gender, len(tokens))
    sex = np.where(sex == UNKNOWN, gender_of(tokens, locale), sex)
    return np.where(sex == UNKNOWN, (words[:, 1] & np.uint64(1)).astype(np.int8), sex)


def last(
    tokens: pa.Array, key: Key, locale: str, gender: pa.Array | None = None, realm: str = ""
) -> pa.Array:
    """Give a fake last name for each real one.

    Where surnames have a man's and a woman's form, the fake has the form that the real one has, and
    both forms of one surname get both forms of one fake: a couple stays a couple. One without such
    a form gets one without where the locale has them, and otherwise the form for `gender`.

    Parameters
    ----------
    tokens : pyarrow.Array of string, shape (n,)
        Folded, without nulls; best distinct.
    key : Key
    locale : str
    gender : pyarrow.Array of int8, shape (n,), optional
        0 male, 1 female; null or -1 unknown. Only asked where the surname does not tell.
    realm : str
        Put before the realm of all last names.

    Returns
    -------
    pyarrow.Array of string, shape (n,)
        Spelled as in the list, mostly in title case. None is its own token, whatever the accents.

    Examples
    --------
    >>> key = Key(b"a secret of some length")
    >>> couple = last(pa.array(["иванов", "иванова"]), key, "ru").to_pylist()
    >>> couple[1] == couple[0] + "а", couple[0] == "Иванов"
    (True, False)
    """
    plain = bare(tokens)
    pools = _lists.surnames_of(locale)
    if pools.pairs is None:
        return _chosen(pools.neutral, key.words(plain, f"{realm}last_name")[:, 0], plain)
    stem, form = _lists.formed(plain, locale)
    words = key.words(stem, f"{realm}last_name")[:, 0]
    if len(pools.neutral.bare) >= _lists.FEW:
        neutral = _chosen(pools.neutral, words, plain)
    else:
        neutral = None
        form = np.where(form == UNKNOWN, _given(gender, len(tokens)), form)
    # One number for both forms: where a man's fake would be his own name, his wife's is moved too.
    number = _number(pools.stems, words, stem)
    male, female = (pool.spelled.take(number) for pool in pools.pairs)
    fakes = pc.if_else(pa.array(form == FEMALE), female, male)
    if neutral is not None:
        fakes = pc.if_else(pa.array(form == UNKNOWN), neutral, fakes)
    return fakes


def patronymic(tokens: pa.Array, key: Key, locale: str, realm: str = "") -> pa.Array:
    """Give a fake patronymic for each real one, with the ending that the real one has.

    Null where the token is no patronymic, or the locale has none.
    """
    plain = bare(tokens)
    pools = _lists.patronymics(locale)
    if pools is None:
        return pa.nulls(len(tokens), pa.string())
    words = key.words(plain, f"{realm}patronymic")[:, 0]
    male, female = (_chosen(pool, words, plain) for pool in pools)
    fakes = pc.if_else(pc.match_substring_regex(plain, _lists.PATRONYMIC[1]), female, male)
    return pc.if_else(pc.match_substring_regex(plain, "|".join(_lists.PATRONYMIC)), fakes, None)


def styled(fakes: pa.Array, like: pa.Array) -> pa.Array:
    """Write fakes in capitals or small letters where the originals are.

    Parameters
    ----------
    fakes, like : pyarrow.Array of string, shape (n,)
        What comes out, and the original spelling.

    Returns
    -------
    pyarrow.Array of string, shape (n,)
        In capitals where two letters or more are all capitals, in small letters where all are
        small, and otherwise as the list spells them.

    Examples
    --------
    >>> styled(pa.array(["Mary", "Mary", "Mary"]), pa.array(["ANN", "ann", "Ann"])).to_pylist()
    ['MARY', 'mary', 'Mary']
    """
    upper, lower = pc.utf8_is_upper(like), pc.utf8_is_lower(like)
    if pc.any(upper).as_py():
        upper = pc.and_(upper, pc.match_substring_regex(like, r"\pL\PL*\pL"))
        fakes = pc.if_else(upper, pc.utf8_upper(fakes), fakes)
    if pc.any(lower).as_py():
        fakes = pc.if_else(lower, pc.utf8_lower(fakes), fakes)
    return fakes


def chosen(texts: pa.Array, pool: pa.Array, key: Key, realm: str) -> pa.Array:
    """Give each text a value of a pool, by the key, and never itself.

    Texts that are in the pool change places in one cycle: distinct ones get distinct fakes. All
    others get any of them.

    Parameters
    ----------
    texts : pyarrow.Array of string, shape (n,)
        Folded, without nulls.
    pool : pyarrow.Array of string, shape (m,)
        With two values or more that differ in more than accents and case.
    key : Key
    realm : str

    Returns
    -------
    pyarrow.Array of string, shape (n,)

    Examples
    --------
    >>> pool = pa.array(["Bonn", "Kiel", "Ulm"])
    >>> fakes = chosen(pa.array(["bonn", "kiel", "ulm"]), pool, Key(b"a secret of some length"), "")
    >>> sorted(fakes.to_pylist()), fakes[0].as_py() == "Bonn"
    (['Bonn', 'Kiel', 'Ulm'], False)
    """
    plain = bare(texts)
    known = Pool.of(pool)
    order = np.argsort(key.words(known.bare, f"{realm}\x00cycle")[:, 0], kind="stable")
    following = np.empty(len(order), np.int64)
    following[order] = np.roll(order, -1)
    at = pc.index_in(plain, value_set=known.bare).fill_null(-1).to_numpy(zero_copy_only=False)
    number = np.where(at >= 0, following[at], 0)
    other = np.flatnonzero(at < 0)
    if len(other):
        words = key.words(plain.take(pa.array(other)), realm)[:, 0]
        number[other] = (words % np.uint64(len(known.bare))).astype(np.int64)
    return known.spelled.take(pa.array(number))


def usable(method: str, locale: str, noun: str) -> pa.Array:
    """Give the values of a method in a locale.

    Raises
    ------
    SpecError
        Where the locale has too few to choose from; names one that has enough.
    """
    found = values(method, checked(locale))
    if len(found) < _lists.FEW:
        near = _NEAR.get(locale, "en")
        raise SpecError(
            f'the locale "{locale}" has {len(found)} {noun} to choose from; take "{near}"',
            path="$.locale",
        )
    return found


# --- what the lists know --------------------------------------------------------------------------


def is_first(tokens: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which tokens are first names on any list of any locale, with or without accents."""
    return is_listed(tokens, "first")


def is_last(tokens: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which tokens are last names on any list of any locale, with or without accents."""
    return is_listed(tokens, "last")


def is_listed(tokens: pa.Array, kind: Kind) -> npt.NDArray[np.bool_]:
    """Tell which texts are on any list of a kind, with or without accents.

    Parameters
    ----------
    tokens : pyarrow.Array of string, shape (n,)
        Folded; nulls are on no list.
    kind : {"first", "last", "city", "region", "country", "job"}

    Examples
    --------
    >>> is_listed(pa.array(["lübeck", "lubeck", "nowhere"]), "city").tolist()
    [True, True, False]
    """
    return _lists.known(kind).index.places(bare(tokens)) >= 0


def is_of(tokens: pa.Array, kind: Kind, locale: str) -> npt.NDArray[np.bool_]:
    """Tell which texts are on the lists of one locale, with or without accents."""
    return _lists.has(bare(tokens), _lists.bare_of(kind, locale))


def inflects(locale: str) -> bool:
    """Tell whether the surnames of a locale have a man's and a woman's form."""
    return _lists.surnames_of(locale).pairs is not None


def is_patronymic(tokens: pa.Array, locale: str) -> npt.NDArray[np.bool_]:
    """Tell which tokens are names after the father, in a locale that has them."""
    if _lists.patronymics(locale) is None:
        return np.zeros(len(tokens), np.bool_)
    found: npt.NDArray[np.bool_] = pc.match_substring_regex(
        bare(tokens), "|".join(_lists.PATRONYMIC)
    ).to_numpy(zero_copy_only=False)
    return found


@cache
def last_names(locale: str) -> pa.Array:
    """Give the last names to choose from in a locale, in the form of men where there are two."""
    pools = _lists.surnames_of(checked(locale))
    return pools.neutral.spelled if pools.pairs is None else pools.pairs[0].spelled


def surnames_of(locale: str) -> pa.Array:
    """Give the last names of a locale, in small letters without accents."""
    return _lists.bare_of("last", locale)


def known_locales() -> tuple[str, ...]:
    """Name all locales."""
    return _lists.every()


def titles() -> pa.Array:
    """Give the words of all titles of all locales, in small letters without accents."""
    return _lists.titles()


def locales_of(tokens: pa.Array, kind: Kind = "first") -> dict[str, float]:
    """Give the share of texts that each locale has on its lists, the largest first.

    Parameters
    ----------
    tokens : pyarrow.Array of string, shape (n,)
        Folded.
    kind : {"first", "last", "city", "region", "country", "job"}

    Returns
    -------
    dict of str to float
        Locales with any of them only, shares in (0, 1].

    Examples
    --------
    >>> next(iter(locales_of(pa.array(["jürgen", "wolfgang", "heike"]))))
    'de'
    """
    known = _lists.known(kind)
    at = known.index.places(bare(tokens))
    counts = known.member[at[at >= 0]].sum(axis=0)
    shares = zip(_lists.every(), (counts / max(len(tokens), 1)).tolist(), strict=True)
    return dict(sorted(((k, v) for k, v in shares if v > 0), key=lambda each: -each[1]))


def gender_of(tokens: pa.Array, locale: str) -> npt.NDArray[np.int8]:
    """Give the gender of first names: of the locale's lists, or else of all locales' lists.

    Parameters
    ----------
    tokens : pyarrow.Array of string, shape (n,)
        Folded.
    locale : str

    Returns
    -------
    ndarray of int8, shape (n,)
        0 where only the locale's list of men has the name, 1 where only that of women has it, -1
        where both have. Where neither has, what more than three of four other languages say, and
        -1 where they do not. The English lists hold the rare and the mistaken of a census (Mary as
        a man's name): there, two other languages or more overrule them where all agree.

    Examples
    --------
    >>> gender_of(pa.array(["jürgen", "andrea", "xyz"]), "de").tolist()
    [0, 1, -1]
    """
    return _genders_listed(locale)[_lists.known("first").index.places(bare(tokens))]


@cache
def _genders_listed(locale: str) -> npt.NDArray[np.int8]:
    """Give the gender of every first name on any list, and last what none has."""
    plain = _lists.known("first").index.vocabulary
    found = np.full(len(plain) + 1, UNKNOWN, np.int8)
    male, female = (_lists.has(plain, pool.bare) for pool in _lists.first_lists(locale))
    found[:-1][male & ~female], found[:-1][female & ~male] = MALE, FEMALE
    english = _lists.language(locale) == "en"
    left = np.flatnonzero(male ^ female if english else ~male & ~female)
    if len(left):
        men, women = _lists.votes(plain.take(pa.array(left)), _lists.language(locale))
        found[left[(men >= 2) & (women == 0)]] = MALE
        found[left[(women >= 2) & (men == 0)]] = FEMALE
    if english:
        left = np.flatnonzero(~male & ~female)
    if len(left):
        men, women = _lists.votes(plain.take(pa.array(left)), "")
        found[left[men > 3 * women]], found[left[women > 3 * men]] = MALE, FEMALE
    return found


def genders(words: pa.Array) -> pa.Array:
    """Read words that say a gender.

    Parameters
    ----------
    words : pyarrow.Array of string, shape (n,)

    Returns
    -------
    pyarrow.Array of int8, shape (n,)
        0 male, 1 female, null where the word says neither.

    Examples
    --------
    >>> genders(pa.array(["M", "female", "Frau", "?", None])).to_pylist()
    [0, 1, 1, None, None]
    """
    plain = bare(pc.utf8_lower(pc.utf8_trim_whitespace(words)))
    male, female = (pc.is_in(plain, value_set=pa.array(known)) for known in (_MEN, _WOMEN))
    said = pc.if_else(male, 0, pc.if_else(female, 1, pa.scalar(None, pa.int64())))
    return said.cast(pa.int8())


@cache
def _first_pools(locale: str) -> tuple[Pool, Pool]:
    """Give the first names to choose from: those of one part and of one gender."""
    pools = []
    for gender, pool in enumerate(_lists.first_lists(locale)):
        sure = pool.spelled.filter(pa.array(gender_of(pool.bare, locale) == gender))
        pools.append(Pool.of(_lists.single(sure)))
    return pools[0], pools[1]


def _given(gender: pa.Array | None, n: int) -> npt.NDArray[np.int8]:
    if gender is None:
        return np.full(n, UNKNOWN, np.int8)
    said: npt.NDArray[np.int8] = (
        gender.cast(pa.int8()).fill_null(UNKNOWN).to_numpy(zero_copy_only=False)
    )
    return said


def _number(pool: pa.Array, words: npt.NDArray[np.uint64], plain: pa.Array) -> pa.Array:
    size = len(pool)
    number = (words % np.uint64(size)).astype(np.int64)
    own = pc.equal(pool.take(pa.array(number)), plain).to_numpy(zero_copy_only=False)
    number[own] = (number[own] + 1) % size
    return pa.array(number)


def _chosen(pool: Pool, words: npt.NDArray[np.uint64], plain: pa.Array) -> pa.Array:
    return pool.spelled.take(_number(pool.bare, words, plain))
