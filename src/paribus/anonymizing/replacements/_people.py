"""Names of people taken apart into words, and put together again from fakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pydantic

from paribus.anonymizing import names
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import OfText, fitting, written

FIRST, LAST = 1, 2

_MARK = "\x1f"

_SPACES = r"[\s\x{00A0}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{3000}]"

_LETTERS = r"([\pL\pM]+)"

_CLASSES = (
    (r"[^\pL\pM]", "[^A-Za-z]"),
    (r"\pL", "[A-Za-z]"),
    (r"\PL", "[^A-Za-z]"),
    (r"\p{Ll}", "[a-z]"),
)
"""Classes of Unicode, and what is left of them in ASCII."""

_PUNCTUATION = r"[^ \-'’.,·・]"
"""What may not stand between the letters of a fake: digits, tags, formulas."""

_TITLES = (
    *("dr", "prof", "mr", "mrs", "ms", "mx", "miss", "sir", "jr", "sr", "ii", "iii", "iv", "phd"),
    *("md", "esq", "rev", "hon", "capt", "col", "lt", "sgt", "mag", "ing", "dipl", "herr", "frau"),
    *("mme", "mlle", "monsieur", "madame", "senor", "senora", "sra", "srta", "signor", "signora"),
    *("dipl.-ing", "dr.med", "med", "dott", "dott.ssa", "fru", "hr", "pan", "pani", "mgr", "inz"),
)

_PARTICLES = (
    *("van", "von", "vom", "der", "den", "dem", "de", "da", "do", "dos", "das", "du", "des", "di"),
    *("del", "dela", "della", "delle", "dello", "degli", "la", "le", "las", "los", "el", "al"),
    *("bin", "ibn", "bint", "abu", "zu", "zur", "zum", "ter", "te", "ten", "af", "av", "und", "y"),
    *("e", "i", "et", "und", "af", "o", "d", "l", "dell", "dall", "st", "mac", "mc", "t", "s"),
    *("بن", "ابن", "بنت", "ال", "أبو", "ابو"),
)

_ALPHABETS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯ",
    "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
)

_TOGETHER = ("ja", "ko", "zh")
"""Locales whose names are written without a space between surname and first name."""

_IDEOGRAMS = r"^[\p{Han}\p{Hangul}\p{Hiragana}\p{Katakana}々ー]{2,4}$"


class OfPeople(OfText):
    """Base of the kinds that replace names of people."""

    locale: str = "en"
    gender: str | None = None
    """A column with words for genders (M, female, Frau); by itself the lists of names say it."""

    @pydantic.field_validator("locale")
    @classmethod
    def _known_locale(cls, locale: str) -> str:
        return names.checked(locale)

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.gender,) if self.gender else ()

    @property
    def realm_(self) -> str:
        """What the realms of all names are called after; nothing, where none was declared."""
        return f"{self.realm}\x00" if self.realm else ""

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        return self.gendered(texts, key, names.UNKNOWN)

    def gendered(self, texts: pa.Array, key: Key, gender: int) -> pa.Array:
        """Give the fakes of names that all belong to people of one gender, or of unknown ones."""
        raise NotImplementedError

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        unsaid = super().replace
        if self.gender is None or pa.types.is_null(values.type):
            return unsaid(values, key, row)
        said = names.genders(written(row[self.gender]))
        texts = written(values)
        made = pa.nulls(len(values), pa.string())
        for gender in (names.MALE, names.FEMALE, names.UNKNOWN):
            those = pc.equal(said.fill_null(names.UNKNOWN), gender)
            if pc.any(those).as_py():
                one = _Asked(of=self, sex=gender, fold=self.fold)
                asked = one.replace(pc.if_else(those, texts, None), key, row)
                made = pc.coalesce(made, asked)
        return fitting(made, values.type)


class _Asked(OfText):
    """A kind of name, asked for one gender."""

    kind: str = ""
    of: OfPeople
    sex: int

    def fakes(self, texts: pa.Array, key: Key) -> pa.Array:
        return self.of.gendered(texts, key, self.sex)


# --- words ----------------------------------------------------------------------------------------


def words_of(texts: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Cut names at spaces.

    Returns
    -------
    words : pyarrow.Array of string, shape (m,)
        All distinct words.
    codes : ndarray of int64, shape (k,)
        The number of the word at each place, name after name.
    starts : ndarray of int64, shape (n + 1,)
        The place at which each name begins, and the end of the last.
    """
    lists = pc.split_pattern(texts, " ")
    encoded = lists.flatten().dictionary_encode()
    if pc.any(pc.match_substring_regex(encoded.dictionary, _SPACES)).as_py():
        return words_of(pc.replace_substring_regex(texts, _SPACES, " "))
    starts = lists.offsets.to_numpy().astype(np.int64)
    codes = encoded.indices.to_numpy().astype(np.int64)
    return encoded.dictionary, codes, starts - starts[0]


def joined(pool: pa.Array, codes: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]) -> pa.Array:
    """Put names together again from a pool of words; code -1 leaves a word out."""
    if (codes < 0).any():
        starts = np.concatenate([[0], np.cumsum(codes >= 0)])[starts]
        codes = codes[codes >= 0]
    flat = pool.take(pa.array(codes))
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(starts, pa.int32()), flat), " ")


def wordless(words: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which words have no letter: what stands between two spaces, numbers, signs."""
    return ~matching(words, r"\pL")


def spaced(words: pa.Array, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Give the codes with -1 for numbers and signs, which are no part of any name."""
    return np.where((wordless(words) & ~mask(pc.equal(words, "")))[codes], -1, codes)


class Fakes:
    """A pool of words, growing by their fakes: which code stands for the fake of which word."""

    def __init__(self, words: pa.Array) -> None:
        self.words = words
        self._parts = [words]
        self._size = len(words)

    def add(
        self, codes: npt.NDArray[np.int64], ask: Callable[[pa.Array], pa.Array]
    ) -> npt.NDArray[np.int64]:
        """Ask for the fakes of words, once for each; -1 where nothing is left of one."""
        number = np.zeros(len(self.words), np.int64)
        number[codes] = 1
        used = np.flatnonzero(number)
        made = ask(self.words.take(pa.array(used)))
        number[used] = self._size + np.arange(len(used))
        number[used[mask(pc.equal(made, ""))]] = -1
        self._parts.append(made)
        self._size += len(made)
        return number[codes]

    @property
    def pool(self) -> pa.Array:
        """All words and all fakes."""
        return pa.concat_arrays(self._parts)


def core(words: pa.Array) -> pa.Array:
    """Give words without accents, case, and a comma at the end."""
    return names.bare(pc.utf8_rtrim(words, ","))


def is_title(words: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which words are titles: Dr., Frau, Jr., PhD."""
    plain = core(words)
    return _in(plain, _known_titles()) | _in(pc.utf8_rtrim(plain, "."), pa.array(_TITLES))


def is_particle(words: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which words are particles of a surname: van, de, bin."""
    return _in(core(words), pa.array(_PARTICLES))


@cache
def _known_titles() -> pa.Array:
    found = names.titles()
    dotted = pc.match_substring_regex(found, r"\pL\PL*\pL.*\.")
    named = pa.array(names.is_first(found) | names.is_last(found))
    longer = pc.greater(pc.utf8_length(found), 2)
    return found.filter(pc.or_(dotted, pc.and_(longer, pc.invert(named))))


def _in(texts: pa.Array, known: pa.Array) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.is_in(texts, value_set=known).to_numpy(zero_copy_only=False)
    return found


def mask(found: pa.Array) -> npt.NDArray[np.bool_]:
    """Give a mask of Arrow as one of numpy."""
    given: npt.NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return given


def is_ascii(texts: pa.Array) -> bool:
    """Tell whether there is no character but those of ASCII in any of the texts."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return True
    ends = np.frombuffer(offsets, np.int32)
    raw = np.frombuffer(data, np.uint8)[ends[texts.offset] : ends[texts.offset + len(texts)]]
    return not bool((raw >= 128).any())


def pattern_for(texts: pa.Array, pattern: str) -> str:
    """Give a pattern without classes of Unicode, which are slow to compile, where it suffices."""
    if is_ascii(texts):
        for unicode, plain in _CLASSES:
            pattern = pattern.replace(unicode, plain)
    return pattern


def matching(words: pa.Array, pattern: str) -> npt.NDArray[np.bool_]:
    """Tell in which words a pattern is found."""
    return mask(pc.match_substring_regex(words, pattern_for(words, pattern)))


# --- fakes of words -------------------------------------------------------------------------------


def faked(
    words: pa.Array, role: int, key: Key, locale: str, gender: int = names.UNKNOWN, realm: str = ""
) -> pa.Array:
    """Replace the letters of words; what stands between them stays: hyphens, dots, apostrophes.

    Parameters
    ----------
    words : pyarrow.Array of string, shape (n,)
        Without spaces, such as ``Anna-Maria``, ``O'Neill``, ``J.``, ``Smith,``.
    role : {1, 2}
        First name or last name.
    key, locale, realm
        See `names.first`.
    gender : {0, 1, -1}
        Of all these people.

    Returns
    -------
    pyarrow.Array of string, shape (n,)
    """
    complex_ = matching(words, r"[^\pL\pM]|^\pL$")
    if not complex_.any():
        return _token_fakes(words, role, key, locale, gender, realm)
    out = pa.nulls(len(words), pa.string())
    if not complex_.all():
        simple = _token_fakes(words.filter(pa.array(~complex_)), role, key, locale, gender, realm)
        out = pc.replace_with_mask(out, pa.array(~complex_), simple)
    made = _pieced(
        words.filter(pa.array(complex_)),
        lambda tokens: _token_fakes(tokens, role, key, locale, gender, realm),
        key,
        f"{realm}initial",
    )
    return pc.replace_with_mask(out, pa.array(complex_), made)


def _token_fakes(
    tokens: pa.Array, role: int, key: Key, locale: str, gender: int, realm: str
) -> pa.Array:
    said = None if gender == names.UNKNOWN else pa.array(np.full(len(tokens), gender, np.int8))
    ask = names.first if role == FIRST else names.last
    made = ask(tokens, key, locale, said, realm)
    father = names.is_patronymic(tokens, locale) if role == FIRST else np.zeros(1, np.bool_)
    if father.any():
        made = pc.coalesce(names.patronymic(tokens, key, locale, realm), made)
    return names.styled(made, tokens)


def _pieced(words: pa.Array, ask: Callable[[pa.Array], pa.Array], key: Key, realm: str) -> pa.Array:
    clean = pc.replace_substring(words, _MARK, "")
    lists = pc.split_pattern(
        pc.replace_substring_regex(clean, _LETTERS, f"{_MARK}\\1{_MARK}"), _MARK
    )
    flat = lists.flatten()
    starts = lists.offsets.to_numpy().astype(np.int64)
    starts -= starts[0]
    place = np.arange(len(flat)) - np.repeat(starts[:-1], np.diff(starts))
    token = place % 2 == 1
    # Letters and what stands between them take turns, so what follows a token is at the next place.
    after = np.zeros(len(flat), np.bool_)
    joint = mask(pc.match_substring_regex(flat, "^['’-]$"))
    after[:-1] = joint[1:] & (place[1:] > 0)
    more = np.zeros(len(flat), np.bool_)
    more[:-2] = place[2:] > 1
    part = token & after & more & is_particle(flat)
    single = token & mask(pc.match_substring_regex(flat, r"^[\p{Lu}\p{Ll}]$")) & ~part
    named = token & ~part & ~single
    out = pc.if_else(pa.array(token), flat, pc.replace_substring_regex(flat, _PUNCTUATION, ""))
    if named.any():
        asked = flat.filter(pa.array(named)).dictionary_encode()
        out = pc.replace_with_mask(out, pa.array(named), ask(asked.dictionary).take(asked.indices))
    if single.any():
        out = pc.replace_with_mask(
            out, pa.array(single), initials(flat.filter(pa.array(single)), key, realm)
        )
    made = pc.binary_join(pa.ListArray.from_arrays(pa.array(starts, pa.int32()), out), "")
    return pc.utf8_ltrim(made, "-,")


def initials(letters: pa.Array, key: Key, realm: str) -> pa.Array:
    """Give another letter of the same alphabet and case for each single one."""
    encoded = letters.dictionary_encode()
    upper = pc.utf8_upper(encoded.dictionary)
    plain = pc.utf8_upper(names.bare(upper)).to_pylist()
    moves = key.words(upper, realm)[:, 0].tolist()
    made = []
    for letter, move in zip(plain, moves, strict=True):
        alphabet = next((each for each in _ALPHABETS if letter in each), _ALPHABETS[0])
        step = 1 + move % (len(alphabet) - 1)
        made.append(alphabet[(alphabet.find(letter) + step) % len(alphabet)])
    lower = pc.utf8_is_lower(encoded.dictionary)
    fakes = pa.array(made, pa.string())
    return pc.if_else(lower, pc.utf8_lower(fakes), fakes).take(encoded.indices)


def together(
    words: pa.Array, key: Key, locale: str, gender: int = names.UNKNOWN, realm: str = ""
) -> pa.Array:
    """Replace names written without a space: the surname first, as far as a list knows one."""
    lists = [names.surnames_of(each) for each in ((locale,) if locale in _TOGETHER else _TOGETHER)]
    known = pa.concat_arrays(lists)
    length = pc.utf8_length(words)
    kana = pc.match_substring_regex(words, r"[\p{Hiragana}\p{Katakana}]")
    japanese = pc.or_(kana, pa.array(np.full(len(words), locale == "ja")))
    cut = pc.if_else(pc.and_(japanese, pc.greater(length, 2)), 2, 1)
    for size in (1, 2, 3):
        prefix = pc.utf8_slice_codeunits(words, 0, size)
        fits = pc.and_(pc.is_in(names.bare(prefix), value_set=known), pc.greater(length, size))
        cut = pc.if_else(fits, size, cut)
    surname = pa.nulls(len(words), pa.string())
    rest = surname
    for size in (1, 2, 3):
        here = pc.equal(cut, size)
        surname = pc.if_else(here, pc.utf8_slice_codeunits(words, 0, size), surname)
        rest = pc.if_else(here, pc.utf8_slice_codeunits(words, size, 8), rest)
    halves = []
    for part, role in ((surname, LAST), (rest, FIRST)):
        encoded = part.dictionary_encode()
        made = _token_fakes(encoded.dictionary, role, key, locale, gender, realm)
        halves.append(made.take(encoded.indices))
    return pc.binary_join_element_wise(*halves, "" if locale in _TOGETHER else " ")


def is_together(words: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which words may be a surname and a first name without a space between them."""
    if is_ascii(words):
        return np.zeros(len(words), np.bool_)
    return mask(pc.match_substring_regex(words, _IDEOGRAMS))


def settled(made: pa.Array, texts: pa.Array, fallback: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Give another fake wherever nothing of a text was replaced, or nothing was left of it."""
    at = _suspects(made, texts)
    some, given = made.take(at), texts.take(at)
    gone = pc.equal(pc.utf8_trim_whitespace(some), "")
    bad = pc.or_(gone, pc.equal(names.bare(some), names.bare(given)))
    if not pc.any(bad).as_py():
        return made
    wrong = np.zeros(len(made), np.bool_)
    wrong[at.filter(bad).to_numpy()] = True
    return pc.replace_with_mask(made, pa.array(wrong), fallback(given.filter(bad)))


def _suspects(made: pa.Array, texts: pa.Array) -> pa.Array:
    """Give the places of all that may be blank, or what they were but for case and accents."""
    size = pc.binary_length(made)
    suspect = pc.or_(pc.equal(size, 0), pc.utf8_is_space(made))
    suspect = pc.or_(suspect, pc.equal(size, pc.binary_length(texts)))
    if not (is_ascii(made) and is_ascii(texts)):
        plain = pc.and_(pc.string_is_ascii(made), pc.string_is_ascii(texts))
        suspect = pc.or_(suspect, pc.invert(plain))
    return pa.array(np.flatnonzero(mask(suspect)))


def replaced(
    texts: pa.Array, role: int, key: Key, locale: str, gender: int, realm: str
) -> pa.Array:
    """Replace names that have one role alone: a column of first names, or of last names."""
    words, codes, starts = words_of(texts)
    kept = is_title(words)
    small = is_particle(words)
    place = np.arange(len(codes))
    row = np.repeat(np.arange(len(texts)), np.diff(starts))
    blank = wordless(words)[codes]
    # The last word is the name, whatever it looks like.
    final = place == np.maximum.reduceat(np.where(blank, -1, place), starts[:-1])[row]
    stays = (kept | (small if role == LAST else np.zeros(len(words), np.bool_)))[codes]
    stays = (stays & ~final) | blank
    fakes, out = Fakes(words), spaced(words, codes)
    out[~stays] = fakes.add(
        codes[~stays], lambda asked: faked(asked, role, key, locale, gender, realm)
    )
    made = joined(fakes.pool, out, starts)
    return settled(made, texts, lambda left: _token_fakes(left, role, key, locale, gender, realm))
